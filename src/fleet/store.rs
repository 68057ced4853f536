//! Commands in PostgreSQL.

pub mod downlink;
pub mod report;

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::DeviceCommand;
use super::command::{Ack, CommandState, Due, Happening, Wanted};
use super::downlink::Downlink;
use crate::clock::Instant;
use crate::events::{self, Event};
use crate::ids::DeviceId;
use crate::units::UnknownWord;

/// Commands looked at for devices at a time.
pub const DUE: usize = 1000;

fn decode(error: UnknownWord) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Locks the device, so that two people cannot both take its last place, and counts its commands that wait.
pub async fn lock_and_count_open(conn: &mut PgConnection, device: DeviceId) -> sqlx::Result<i64> {
    sqlx::query!("select id from device where id = $1 for no key update", device.0).fetch_one(&mut *conn).await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from device_command where device_id = $1 and state in ('queued', 'sent')"#,
        device.0
    )
    .fetch_one(conn)
    .await
}

pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    device: DeviceId,
    wanted: &Wanted,
    (by, now): (&str, Instant),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at)
         values ($1, $2, $3, $4, 'queued', $5, $6, $7)",
        id,
        device.0,
        wanted.name.as_str(),
        wanted.args,
        by,
        now,
        wanted.expires_at(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The state of a command of this device, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, device: DeviceId, id: Uuid) -> sqlx::Result<Option<CommandState>> {
    let state = sqlx::query_scalar!(
        "select state from device_command where id = $1 and device_id = $2 for update",
        id,
        device.0
    )
    .fetch_optional(conn)
    .await?;
    state.map(|word| word.parse().map_err(decode)).transpose()
}

/// Ends a command without a word of the device.
pub async fn end(conn: &mut PgConnection, id: Uuid, state: CommandState, now: Instant) -> sqlx::Result<()> {
    sqlx::query!("update device_command set state = $2, ended_at = $3 where id = $1", id, state.as_str(), now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes the word of a device on a command. False when it has no such command; a second answer changes nothing.
pub async fn answer(conn: &mut PgConnection, device: DeviceId, ack: &Ack, now: Instant) -> sqlx::Result<bool> {
    let Some(state) = lock(conn, device, ack.id).await? else { return Ok(false) };
    let Ok(after) = state.after(Happening::Answer(ack.result)) else { return Ok(true) };
    let code = sqlx::query_scalar!(
        // Whoever answers was told, though the answer may be quicker than the note of it (`mark_sent`).
        r#"update device_command c set state = $2, result = $3, message = $4, ended_at = $5,
               sent_at = coalesce(c.sent_at, $5), times_sent = greatest(c.times_sent, 1) from device d
           where c.id = $1 and d.id = c.device_id returning d.code"#,
        ack.id,
        after.as_str(),
        ack.result.as_str(),
        ack.message,
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    events::notify(conn, &Event::Device { code }).await?;
    Ok(true)
}

/// Commands that these devices should hear now, the oldest first and at most [`DUE`] of them, behind that place in the order.
/// Those that were told already and wait for an answer are among them, so whoever tells looks through all pages. What a network
/// server may have is not, nor what is for a device that listens to one; what a network server's broker refused is.
pub async fn due(
    pool: &PgPool,
    codes: &[String],
    now: Instant,
    after: Option<(Instant, Uuid)>,
) -> sqlx::Result<Vec<Due>> {
    let (after_at, after_id) = after.unzip();
    let rows = sqlx::query!(
        r#"select c.id, d.code, c.name, c.args as "args: Value", c.issued_at, c.expires_at
           from device_command c join device d on d.id = c.device_id
           where d.code = any($1) and d.enabled and c.state in ('queued', 'sent') and c.expires_at > $2
             and d.heard_by <> 'network' and (c.downlink_stage is null or c.downlink_stage = 'barred')
             and ($4::timestamptz is null or (c.issued_at, c.id) > ($4, $5::uuid))
           order by c.issued_at, c.id limit $3"#,
        codes,
        now,
        DUE as i64,
        after_at,
        after_id
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let name = row.name.parse().map_err(decode)?;
            let (issued_at, expires_at) = (row.issued_at, row.expires_at);
            Ok(Due { id: row.id, code: row.code, name, args: row.args, issued_at, expires_at })
        })
        .collect()
}

/// Notes what was handed over. What ended meanwhile stays as it is.
pub async fn mark_sent(pool: &PgPool, told: &[Due], now: Instant) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = told.iter().map(|due| due.id).collect();
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "update device_command set state = 'sent', sent_at = $2, times_sent = times_sent + 1,
             downlink_stage = nullif(downlink_stage, 'barred'),
             downlink_at = case when downlink_stage <> 'barred' then downlink_at end,
             downlink_server = case when downlink_stage <> 'barred' then downlink_server end
         where id = any($1) and state in ('queued', 'sent')",
        &ids,
        now
    )
    .execute(&mut *tx)
    .await?;
    for due in told {
        events::notify(&mut tx, &Event::Device { code: due.code.clone() }).await?;
    }
    tx.commit().await
}

/// Ends what ran out.
pub async fn expire(pool: &PgPool, now: Instant) -> sqlx::Result<u64> {
    let mut tx = pool.begin().await?;
    let codes = sqlx::query_scalar!(
        "update device_command c set state = 'expired', ended_at = $1 from device d
         where d.id = c.device_id and c.state in ('queued', 'sent') and c.expires_at <= $1 returning d.code",
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    let count = codes.len() as u64;
    for code in codes {
        events::notify(&mut tx, &Event::Device { code }).await?;
    }
    tx.commit().await?;
    Ok(count)
}

/// Commands of a device, the newest first.
pub async fn commands(
    conn: &mut PgConnection,
    code: &str,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<DeviceCommand>> {
    rows(conn, code, None, limit, offset).await
}

/// How many commands a device ever had.
pub async fn count(conn: &mut PgConnection, device: DeviceId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from device_command where device_id = $1"#, device.0)
        .fetch_one(conn)
        .await
}

pub async fn command(conn: &mut PgConnection, code: &str, id: Uuid) -> sqlx::Result<Option<DeviceCommand>> {
    Ok(rows(conn, code, Some(id), 1, 0).await?.pop())
}

async fn rows(
    conn: &mut PgConnection,
    code: &str,
    id: Option<Uuid>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<DeviceCommand>> {
    let rows = sqlx::query!(
        r#"select c.id, d.code, c.name, c.args as "args: Value", c.state, c.issued_by, c.issued_at, c.expires_at, c.times_sent,
               c.sent_at, c.ended_at, c.result, c.message, c.downlink_stage, c.downlink_at, c.downlink_server, c.downlink_port,
               coalesce(encode(c.downlink_bytes, 'hex'), '') as "downlink_hex!", c.downlink_confirmed
           from device_command c join device d on d.id = c.device_id
           where d.code = $1 and ($2::uuid is null or c.id = $2)
           order by c.issued_at desc, c.id desc limit $3 offset $4"#,
        code,
        id,
        limit,
        offset
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let downlink = match (row.downlink_stage, row.downlink_at, row.downlink_server) {
                (Some(stage), Some(at), Some(server)) => Some(Downlink {
                    server: server.parse().map_err(decode)?,
                    stage: stage.parse().map_err(decode)?,
                    at,
                    f_port: row.downlink_port,
                    payload: row.downlink_hex,
                    confirmed: row.downlink_confirmed.unwrap_or_default(),
                }),
                _ => None,
            };
            Ok(DeviceCommand {
                id: row.id,
                device: row.code,
                command: row.name.parse().map_err(decode)?,
                args: row.args,
                state: row.state.parse().map_err(decode)?,
                issued_by: row.issued_by,
                issued_at: row.issued_at,
                expires_at: row.expires_at,
                times_sent: row.times_sent,
                sent_at: row.sent_at,
                ended_at: row.ended_at,
                result: row.result.map(|word| word.parse().map_err(decode)).transpose()?,
                message: row.message,
                downlink,
            })
        })
        .collect()
}
