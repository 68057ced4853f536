//! Downlinks in PostgreSQL: where network servers take them, and how far each has come.
//!
//! A downlink is published once: [`offer`] marks it before, and only what was not marked is offered. Whoever ends between the
//! two leaves it marked, and then the network server's own word settles whether it has it.

use chrono::TimeDelta;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::events::{self, Event};
use crate::fleet::command::{CommandName, CommandResult, CommandState, MAX_MESSAGE};
use crate::fleet::downlink::{Address, Stage, Standing, Word};
use crate::ids::DeviceId;
use crate::ingest::formats::template::Encoded;

/// Downlinks looked at for a broker at a time. Each is published and waited for, and those behind it are found at the next look.
const DUE: i64 = 200;
/// What nobody took is offered again after so long, in seconds.
const AGAIN_AFTER_S: i64 = 25;

/// A command for a network server.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub id: Uuid,
    /// Of the device.
    pub code: String,
    pub profile: String,
    pub name: CommandName,
    pub args: Value,
    pub broker: String,
    pub address: Address,
}

/// The other address that a device was heard at, which keeps its commands back.
pub async fn conflict(conn: &mut PgConnection, device: DeviceId) -> sqlx::Result<Option<(String, String)>> {
    let row = sqlx::query!(
        r#"select topic, conflict as "conflict!" from device_network where device_id = $1 and conflict is not null"#,
        device.0
    );
    Ok(row.fetch_optional(conn).await?.map(|row| (row.topic, row.conflict)))
}

/// Notes where downlinks of a device go, unless something later is known: brokers replay old uplinks. A device that several
/// brokers hear is told by the one that heard it last. What is not called as the device is now is passed over, and an address
/// of The Things Stack stays as it was learned first.
pub async fn heard(pool: &PgPool, device: DeviceId, broker: &str, address: &Address, at: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into device_network as n (device_id, broker, server, topic, heard_at)
         select d.id, $2, $3, $4, $5 from device d
         where d.id = $1 and (lower(substring($4 from '[^/]*$')) = lower(coalesce(d.hardware_id, d.code))
             or $3 = 'ttn' and lower(substring($4 from '[^/]*$')) = lower(d.code))
         on conflict (device_id) do update set
             conflict = case when 'ttn' in (n.server, excluded.server) and n.topic <> excluded.topic then excluded.topic
                 else n.conflict end,
             broker = case when 'ttn' in (n.server, excluded.server) and n.topic <> excluded.topic then n.broker
                 else excluded.broker end,
             server = case when 'ttn' in (n.server, excluded.server) then n.server else excluded.server end,
             topic = case when 'ttn' in (n.server, excluded.server) then n.topic else excluded.topic end,
             heard_at = excluded.heard_at
         where excluded.heard_at > n.heard_at",
        device.0,
        broker,
        address.server.as_str(),
        address.base,
        at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Commands that a broker's network server was not offered yet, the oldest first. A device that connects by itself, or was heard
/// last by HTTP, hears nothing this way.
pub async fn due(pool: &PgPool, broker: &str, now: Instant) -> sqlx::Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"select c.id, d.code, d.profile, c.name, c.args as "args: Value", n.broker, n.server, n.topic
           from device_command c join device d on d.id = c.device_id join device_network n on n.device_id = d.id
           where n.broker = $1 and d.enabled and d.heard_by in ('network', '') and n.conflict is null
             and (lower(substring(n.topic from '[^/]*$')) = lower(coalesce(d.hardware_id, d.code))
                 or n.server = 'ttn' and lower(substring(n.topic from '[^/]*$')) = lower(d.code))
             and c.state = 'queued' and c.expires_at > $2
             and (c.downlink_stage is null or c.downlink_stage = 'barred' and c.downlink_at <= $3)
           order by c.issued_at, c.id limit $4"#,
        broker,
        now,
        now - TimeDelta::seconds(AGAIN_AFTER_S),
        DUE
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                id: row.id,
                code: row.code,
                profile: row.profile,
                name: row.name.parse().map_err(decode)?,
                args: row.args,
                broker: row.broker,
                address: Address { server: row.server.parse().map_err(decode)?, base: row.topic },
            })
        })
        .collect()
}

/// Marks a downlink before it is published. False when it was cancelled, ran out, or somebody else has it.
pub async fn offer(pool: &PgPool, due: &Due, downlink: &Encoded, now: Instant) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update device_command set downlink_stage = 'offered', downlink_at = $2, downlink_server = $3, downlink_port = $4,
             downlink_bytes = $5, downlink_confirmed = $6, downlink_broker = $7, downlink_base = $8, message = ''
         where id = $1 and state = 'queued' and expires_at > $2
           and (downlink_stage is null or downlink_stage = 'barred')",
        due.id,
        now,
        due.address.server.as_str(),
        i16::from(downlink.f_port),
        downlink.bytes,
        downlink.confirmed,
        due.broker,
        due.address.base
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes the mark back of what certainly reached nobody, so that it is offered again; the reason is shown meanwhile.
pub async fn take_back(pool: &PgPool, due: &Due, why: Option<(Stage, &str)>, now: Instant) -> sqlx::Result<()> {
    let (stage, message) = why.unzip();
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "update device_command set downlink_stage = $2, downlink_at = case when $2::text is not null then $3::timestamptz end,
             downlink_server = case when $2::text is not null then downlink_server end, message = $4
         where id = $1 and downlink_stage = 'offered'",
        due.id,
        stage.map(Stage::as_str),
        now,
        shortened(message.unwrap_or_default())
    )
    .execute(&mut *tx)
    .await?;
    // Nothing was told before, so that a broker that is away does not wake everybody over and over.
    if stage.is_some() {
        events::notify(&mut tx, &Event::Device { code: due.code.clone() }).await?;
    }
    tx.commit().await
}

/// Says at commands that wait why they do. Whoever looks is told once: while the reason is another one each time, nobody is woken
/// over and over.
pub async fn waits(pool: &PgPool, due: &[Due], why: &str) -> sqlx::Result<()> {
    let ids: Vec<uuid::Uuid> = due.iter().map(|due| due.id).collect();
    let mut tx = pool.begin().await?;
    let first = sqlx::query_scalar!(
        "with waiting as (select id, message from device_command where id = any($1) and state = 'queued' and downlink_stage is null
                          order by id for update),
              told as (update device_command c set message = $2 from waiting where c.id = waiting.id and c.message <> $2 returning c.device_id,
                       waiting.message = '' as is_first)
         select distinct d.code from told join device d on d.id = told.device_id where told.is_first",
        &ids,
        shortened(why)
    )
    .fetch_all(&mut *tx)
    .await?;
    for code in first {
        events::notify(&mut tx, &Event::Device { code }).await?;
    }
    tx.commit().await
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_MESSAGE).collect()
}

/// Takes a network server's word on a command of this device. False when it was not offered there: the ids are no secret, and
/// whoever may publish somewhere else could speak of them.
pub async fn take(
    conn: &mut PgConnection,
    device: DeviceId,
    (broker, address): (&str, &Address),
    word: &Word,
    now: Instant,
) -> sqlx::Result<bool> {
    let offered = sqlx::query_scalar!(
        "select id from device_command where id = $1 and device_id = $2 and downlink_stage is not null
             and downlink_broker = $3 and downlink_server = $4 and downlink_base = $5 for update",
        word.id,
        device.0,
        broker,
        address.server.as_str(),
        address.base
    );
    if offered.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(false);
    }
    note(conn, address, word, now).await?;
    Ok(true)
}

/// Writes what a word makes of a command.
async fn note(conn: &mut PgConnection, address: &Address, word: &Word, now: Instant) -> sqlx::Result<()> {
    let row = sqlx::query!(
        "select c.state, c.result, c.downlink_stage, c.ended_at, d.code
         from device_command c join device d on d.id = c.device_id where c.id = $1 for update of c",
        word.id
    );
    let Some(row) = row.fetch_optional(&mut *conn).await? else { return Ok(()) };
    let state: CommandState = row.state.parse().map_err(decode)?;
    // A device that said itself that it failed knows better than its radio.
    if state == CommandState::Failed && row.result.as_deref() != Some(CommandResult::Undelivered.as_str()) {
        return Ok(());
    }
    let stage = row.downlink_stage.map(|stage| stage.parse().map_err(decode)).transpose()?;
    let Some(after) = (Standing { state, stage }).after(address.server, word.stage) else { return Ok(()) };
    let has_ended = !after.state.is_open();
    let ended_at = if after.state == state { row.ended_at } else { has_ended.then_some(now) };
    let is_first = state == CommandState::Queued && after.state == CommandState::Sent;
    sqlx::query!(
        "update device_command set state = $2, ended_at = $3, result = case when state = $2 then result else $4 end, downlink_stage = $5, downlink_at = $6,
             downlink_server = coalesce(downlink_server, $7), message = case when $8 = '' then message else $8 end,
             sent_at = case when $9 then $6 else sent_at end, times_sent = times_sent + case when $9 then 1 else 0 end
         where id = $1",
        word.id,
        after.state.as_str(),
        ended_at,
        after.result().map(CommandResult::as_str),
        after.stage.map(Stage::as_str),
        now,
        address.server.as_str(),
        shortened(&word.message),
        is_first
    )
    .execute(&mut *conn)
    .await?;
    events::notify(conn, &Event::Device { code: row.code }).await
}

/// Takes the word of the broker, or of the profile, on what was to be published.
pub async fn settle(pool: &PgPool, due: &Due, stage: Stage, why: &str, now: Instant) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    let word = Word { id: due.id, stage, message: why.to_owned() };
    note(&mut tx, &due.address, &word, now).await?;
    tx.commit().await
}
