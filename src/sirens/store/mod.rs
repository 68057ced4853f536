//! Sirens and their commands in PostgreSQL.

pub mod owed;
pub mod request;
pub mod shown;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Act;
use super::state::{Owed, State};
use crate::clock::Instant;
use crate::ids::{AlertId, DeviceId, EndpointId, OutboxId, StationId};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Makes a device the siren of an endpoint. False when it is another's.
pub async fn enlist(conn: &mut PgConnection, now: Instant, id: EndpointId, device: DeviceId) -> sqlx::Result<bool> {
    let other = sqlx::query_scalar!(
        r#"select exists (select from siren where device_id = $1 and endpoint_id <> $2) as "other!""#,
        device.0,
        id.0
    )
    .fetch_one(&mut *conn)
    .await?;
    if other {
        return Ok(false);
    }
    sqlx::query!(
        "insert into siren (endpoint_id, device_id, state, changed_at) values ($1, $2, 'unknown', $3)
         on conflict (endpoint_id) do update set device_id = $2, state = 'unknown', changed_at = $3, sounding_until = null,
             reported_at = null, tested_at = null, test_passed = null, reminded_at = null",
        id.0,
        device.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    owed::keep(conn, id, Owed::default()).await?;
    Ok(true)
}

/// The device is free for another endpoint.
pub async fn release(conn: &mut PgConnection, id: EndpointId) -> sqlx::Result<()> {
    sqlx::query!("delete from siren where endpoint_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!("delete from siren_owed where endpoint_id = $1", id.0).execute(conn).await?;
    Ok(())
}

pub async fn is_enlisted(conn: &mut PgConnection, id: EndpointId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from siren s join device d on d.id = s.device_id
            where s.endpoint_id = $1 and d.enabled) as "enlisted!""#,
        id.0
    )
    .fetch_one(conn)
    .await
}

/// The state of a siren, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: EndpointId) -> sqlx::Result<Option<State>> {
    let row = sqlx::query!(
        "select s.state, s.sounding_until from siren s join endpoint e on e.id = s.endpoint_id
         where s.endpoint_id = $1 and e.retired_at is null for update of s",
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok(State::read(row.state.parse().map_err(decode)?, row.sounding_until))).transpose()
}

pub async fn keep(conn: &mut PgConnection, now: Instant, id: EndpointId, state: State) -> sqlx::Result<()> {
    let until = if let State::Sounding { until } = state { Some(until) } else { None };
    sqlx::query!(
        "update siren set changed_at = case when state <> $3 then $2 else changed_at end, state = $3, sounding_until = $4
         where endpoint_id = $1",
        id.0,
        now,
        state.word().as_str(),
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Why a siren is asked something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Alert(OutboxId),
    Request(Uuid),
    Person,
    /// The end of a sound.
    Timed,
}

impl Cause {
    const fn word(self) -> &'static str {
        match self {
            Self::Alert(_) => "alert",
            Self::Request(_) => "request",
            Self::Person => "person",
            Self::Timed => "timed",
        }
    }
}

/// A command with its reason.
#[derive(Clone, Debug)]
pub struct NewCommand<'a> {
    pub id: Uuid,
    pub siren: EndpointId,
    pub act: Act,
    pub args: Value,
    /// Of a sound.
    pub duration_s: Option<i32>,
    pub cause: Cause,
    pub by: &'a str,
    pub now: Instant,
    pub expires_at: Instant,
}

/// Writes a command and why; gives back the code of its device.
pub async fn command(conn: &mut PgConnection, new: &NewCommand<'_>) -> sqlx::Result<String> {
    let code = sqlx::query_scalar!(
        r#"with made as (
            insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at)
            select $1, s.device_id, $3, $4, 'queued', $5, $6, greatest($7::timestamptz, $6::timestamptz + interval '1 second')
            from siren s where s.endpoint_id = $2
            returning device_id)
        select d.code from made join device d on d.id = made.device_id"#,
        new.id,
        new.siren.0,
        format!("siren_{}", new.act),
        new.args,
        new.by,
        new.now,
        new.expires_at
    )
    .fetch_one(&mut *conn)
    .await?;
    let outbox = if let Cause::Alert(outbox) = new.cause { Some(outbox.0) } else { None };
    let request = if let Cause::Request(request) = new.cause { Some(request) } else { None };
    sqlx::query!(
        "insert into siren_command (command_id, endpoint_id, act, duration_s, cause, outbox_id, request_id, asked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.id,
        new.siren.0,
        new.act.as_str(),
        new.duration_s,
        new.cause.word(),
        outbox,
        request,
        new.now
    )
    .execute(conn)
    .await?;
    Ok(code)
}

/// A sound that is over and was not answered is told no more, so that nothing makes it sound after its silence.
pub async fn end_sound(conn: &mut PgConnection, now: Instant, command: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update device_command set state = 'cancelled', ended_at = $2 where id = $1 and state in ('queued', 'sent')",
        command,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the newest sound of a siren is of the messages that this alert ends.
pub async fn sounds_for(conn: &mut PgConnection, id: EndpointId, ending: AlertId) -> sqlx::Result<bool> {
    let newest = sqlx::query_scalar!(
        r#"select coalesce(o.alert_id in (select c.alert_id from alert_chain($2) c), false) as "of_it!"
           from siren_command s left join outbox o on o.id = s.outbox_id
           where s.endpoint_id = $1 and s.act = 'sound' order by s.asked_at desc, s.command_id desc limit 1"#,
        id.0,
        ending.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(newest.unwrap_or(false))
}

/// Sounds that a siren has not heard of are taken back.
pub async fn cancel_sounds(conn: &mut PgConnection, now: Instant, id: EndpointId) -> sqlx::Result<()> {
    sqlx::query!(
        "update device_command c set state = 'cancelled', ended_at = $2 from siren_command s
         where s.command_id = c.id and s.endpoint_id = $1 and s.act = 'sound' and c.state in ('queued', 'sent')",
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same for what one alert wanted, when it is answered.
pub async fn withdraw(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<()> {
    sqlx::query!(
        "update device_command c set state = 'cancelled', ended_at = $2 from siren_command s join outbox o on o.id = s.outbox_id
         where s.command_id = c.id and o.alert_id = $1 and s.act = 'sound' and c.state in ('queued', 'sent')",
        alert.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A sound whose silence is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub command: Uuid,
    pub siren: EndpointId,
}

/// Sounds that were handed over and are over by now, whether or not the siren answered.
pub async fn due_silences(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"select s.command_id as command, s.endpoint_id as "siren: EndpointId"
           from siren_command s join device_command c on c.id = s.command_id
           where s.act = 'sound' and s.asked_at > $1::timestamptz - interval '31 days'
             and c.sent_at is not null and coalesce(c.result, 'done') = 'done'
             and coalesce(c.ended_at, c.sent_at) + make_interval(secs => s.duration_s) <= $1
             and (s.silenced_at is null or (c.state = 'acknowledged' and s.silenced_at < c.ended_at))
             -- While another sound goes on, a silence would cut it short; with its end both are over.
             and not exists (
                 select from siren_command o join device_command d on d.id = o.command_id
                 where o.endpoint_id = s.endpoint_id and o.act = 'sound' and d.sent_at is not null
                   and coalesce(d.result, 'done') = 'done' and d.state <> 'cancelled'
                   and coalesce(d.ended_at, d.sent_at) + make_interval(secs => o.duration_s) > $1)
           order by s.asked_at, s.command_id limit 500
           for update of s skip locked"#,
        now
    )
    .fetch_all(conn)
    .await
}

pub async fn silenced(conn: &mut PgConnection, command: Uuid, now: Instant) -> sqlx::Result<()> {
    sqlx::query!("update siren_command set silenced_at = $2 where command_id = $1", command, now).execute(conn).await?;
    Ok(())
}

/// What is known of a siren that may change its state.
#[derive(Clone, Debug)]
pub struct Facts {
    pub id: EndpointId,
    pub name: String,
    pub code: String,
    pub station: StationId,
    pub state: State,
    pub owed: Owed,
    pub reported_at: Option<Instant>,
    pub tested_at: Option<Instant>,
    pub reminded_at: Option<Instant>,
    pub created_at: Instant,
    pub enabled: bool,
    pub online: bool,
    pub heard_by: String,
    pub last_seen_at: Option<Instant>,
    /// Its newest word of itself.
    pub said: Option<String>,
    pub said_at: Option<Instant>,
}

/// Every siren in use, held until the transaction ends; those that another process looks at are passed over.
pub async fn facts(conn: &mut PgConnection) -> sqlx::Result<Vec<Facts>> {
    let rows = sqlx::query!(
        r#"select s.endpoint_id as "id: EndpointId", e.name, d.code, d.station_id as "station: StationId", s.state,
                  s.sounding_until, w.silence_at as "silence_at?", w.failures as "failures?", s.reported_at, s.tested_at, s.reminded_at,
                  e.created_at, d.enabled, d.online, d.heard_by,
                  d.last_seen_at, r.siren as "said?", r.siren_at as "said_at?"
           from siren s join endpoint e on e.id = s.endpoint_id join device d on d.id = s.device_id
               left join device_report r on r.device_id = d.id left join siren_owed w on w.endpoint_id = s.endpoint_id
           where e.retired_at is null order by s.endpoint_id for update of s skip locked"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Facts {
                id: row.id,
                name: row.name,
                code: row.code,
                station: row.station,
                state: State::read(row.state.parse().map_err(decode)?, row.sounding_until),
                owed: Owed {
                    at: row.silence_at,
                    failures: row.failures.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
                },
                reported_at: row.reported_at,
                tested_at: row.tested_at,
                reminded_at: row.reminded_at,
                created_at: row.created_at,
                enabled: row.enabled,
                online: row.online,
                heard_by: row.heard_by,
                last_seen_at: row.last_seen_at,
                said: row.said,
                said_at: row.said_at,
            })
        })
        .collect()
}

/// A command whose state moved since it was last looked at.
#[derive(Clone, Debug)]
pub struct Moved {
    pub id: Uuid,
    pub siren: EndpointId,
    pub act: Act,
    pub duration_s: u32,
    /// Its state now: sent, acknowledged, failed, expired or cancelled.
    pub state: String,
    pub at: Instant,
    pub message: String,
    pub outbox: Option<OutboxId>,
}

/// What moved, in the order in which it did.
pub async fn take_moved(conn: &mut PgConnection, sirens: &[Uuid]) -> sqlx::Result<Vec<Moved>> {
    let rows = sqlx::query!(
        r#"with moved as (
               select s.command_id, s.endpoint_id, s.act, s.duration_s, s.outbox_id, c.state, c.message,
                      coalesce(c.ended_at, c.sent_at, c.issued_at) as at
               from siren_command s join device_command c on c.id = s.command_id
               where s.endpoint_id = any($1) and s.seen <> c.state order by at, s.command_id limit 1000
           ), seen as (
               update siren_command s set seen = m.state from moved m where s.command_id = m.command_id)
           select command_id, endpoint_id as "siren: EndpointId", act, duration_s, outbox_id as "outbox: OutboxId", state, message,
                  at as "at!"
           from moved order by at, command_id"#,
        sirens
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Moved {
                id: row.command_id,
                siren: row.siren,
                act: row.act.parse().map_err(decode)?,
                duration_s: row.duration_s.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0),
                state: row.state,
                at: row.at,
                message: row.message,
                outbox: row.outbox,
            })
        })
        .collect()
}

/// What the siren's word makes of the row that asked for it. Gives back the alert when the row moved.
pub async fn settle(
    conn: &mut PgConnection,
    now: Instant,
    row: OutboxId,
    (is_done, reason): (bool, &str),
) -> sqlx::Result<Option<AlertId>> {
    sqlx::query_scalar!(
        r#"update outbox set state = case when $3 then 'delivered' else 'undelivered' end, reason = case when $3 then '' else $4 end,
               final_at = $2
           where id = $1 and state <> 'suppressed' and ($3 and state <> 'delivered' or not $3 and state in ('accepted', 'unknown'))
           returning alert_id as "id: AlertId""#,
        row.0,
        now,
        is_done,
        reason
    )
    .fetch_optional(conn)
    .await
}

/// What was taken into account of its own words.
pub async fn reported(conn: &mut PgConnection, id: EndpointId, at: Instant) -> sqlx::Result<()> {
    sqlx::query!("update siren set reported_at = $2 where endpoint_id = $1", id.0, at).execute(conn).await?;
    Ok(())
}

pub async fn tested(conn: &mut PgConnection, id: EndpointId, at: Instant, passed: bool) -> sqlx::Result<()> {
    sqlx::query!("update siren set tested_at = $2, test_passed = $3 where endpoint_id = $1", id.0, at, passed)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn reminded(conn: &mut PgConnection, id: EndpointId, now: Instant) -> sqlx::Result<()> {
    sqlx::query!("update siren set reminded_at = $2 where endpoint_id = $1", id.0, now).execute(conn).await?;
    Ok(())
}
