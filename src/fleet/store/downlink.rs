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
use crate::fleet::downlink::{Address, Server, Stage, Standing, Word};
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
    pub address: Address,
}

/// Notes where downlinks of a device go. A device that several brokers hear is told by the one that heard it last.
pub async fn heard(pool: &PgPool, device: DeviceId, broker: &str, address: &Address, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into device_network as n (device_id, broker, server, topic, heard_at)
         select d.id, $2, $3, $4, $5 from device d where d.id = $1
         on conflict (device_id) do update set broker = excluded.broker, server = excluded.server, topic = excluded.topic,
             heard_at = excluded.heard_at",
        device.0,
        broker,
        address.server.as_str(),
        address.base,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Commands that a broker's network server was not offered yet, the oldest first. A device that connects by itself, or was heard
/// last by HTTP, hears nothing this way.
pub async fn due(pool: &PgPool, broker: &str, now: Instant) -> sqlx::Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"select c.id, d.code, d.profile, c.name, c.args as "args: Value", n.server, n.topic
           from device_command c join device d on d.id = c.device_id join device_network n on n.device_id = d.id
           where n.broker = $1 and d.enabled and d.heard_by in ('network', '') and c.state = 'queued' and c.expires_at > $2
             and (c.downlink_stage is null or c.downlink_stage in ('unlistened', 'barred') and c.downlink_at <= $3)
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
                address: Address { server: row.server.parse().map_err(decode)?, base: row.topic },
            })
        })
        .collect()
}

/// Marks a downlink before it is published. False when it was cancelled, ran out, or somebody else has it.
pub async fn offer(pool: &PgPool, id: Uuid, server: Server, downlink: &Encoded, now: Instant) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update device_command set downlink_stage = 'offered', downlink_at = $2, downlink_server = $3, downlink_port = $4,
             downlink_bytes = $5, downlink_confirmed = $6, message = ''
         where id = $1 and state = 'queued' and expires_at > $2
           and (downlink_stage is null or downlink_stage in ('unlistened', 'barred'))",
        id,
        now,
        server.as_str(),
        i16::from(downlink.f_port),
        downlink.bytes,
        downlink.confirmed
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

fn shortened(text: &str) -> String {
    text.chars().take(MAX_MESSAGE).collect()
}

/// Takes a word on a command of this device. False when it has no such command.
pub async fn take(
    conn: &mut PgConnection,
    device: DeviceId,
    server: Server,
    word: &Word,
    now: Instant,
) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        "select c.state, c.downlink_stage, c.ended_at, d.code
         from device_command c join device d on d.id = c.device_id where c.id = $1 and c.device_id = $2 for update of c",
        word.id,
        device.0
    );
    let Some(row) = row.fetch_optional(&mut *conn).await? else { return Ok(false) };
    let state: CommandState = row.state.parse().map_err(decode)?;
    let stage = row.downlink_stage.map(|stage| stage.parse().map_err(decode)).transpose()?;
    let Some(after) = (Standing { state, stage }).after(word.stage) else { return Ok(true) };
    let has_ended = !after.state.is_open();
    let ended_at = if after.state == state { row.ended_at } else { has_ended.then_some(now) };
    let is_first = state == CommandState::Queued && after.state == CommandState::Sent;
    sqlx::query!(
        "update device_command set state = $2, ended_at = $3, result = case when state = $2 then result else $4 end, downlink_stage = $5, downlink_at = $6,
             downlink_server = coalesce(downlink_server, $7), message = $8,
             sent_at = case when $9 then $6 else sent_at end, times_sent = times_sent + case when $9 then 1 else 0 end
         where id = $1",
        word.id,
        after.state.as_str(),
        ended_at,
        after.result().map(CommandResult::as_str),
        after.stage.map(Stage::as_str),
        now,
        server.as_str(),
        shortened(&word.message),
        is_first
    )
    .execute(&mut *conn)
    .await?;
    events::notify(conn, &Event::Device { code: row.code }).await?;
    Ok(true)
}

/// Takes the word of the broker, or of the profile, on what was to be published.
pub async fn settle(pool: &PgPool, due: &Due, stage: Stage, why: &str, now: Instant) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    let device = sqlx::query_scalar!(r#"select device_id as "id: DeviceId" from device_command where id = $1"#, due.id);
    if let Some(device) = device.fetch_optional(&mut *tx).await? {
        let word = Word { id: due.id, stage, message: why.to_owned() };
        take(&mut tx, device, due.address.server, &word, now).await?;
    }
    tx.commit().await
}
