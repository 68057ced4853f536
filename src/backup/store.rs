//! Backups and restorations in PostgreSQL.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::Proof;
use crate::clock::Instant;
use crate::dispatch::store::tally;
use crate::ids::AlertId;

/// An archive that was written whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub taken_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub taken_by: String,
    pub file: String,
    pub bytes: i64,
    pub with_keys: bool,
    pub schema_version: i64,
    pub journal_head: i64,
    pub audit_head: i64,
    pub manifest_sha256: Vec<u8>,
}

/// Writes down that an archive is whole.
pub async fn add(conn: &mut PgConnection, id: Uuid, taken: &Taken) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into backup (id, taken_at, finished_at, taken_by, file, bytes, with_keys, schema_version, journal_head, audit_head,
            manifest_sha256)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        taken.taken_at,
        taken.finished_at,
        taken.taken_by,
        taken.file,
        taken.bytes,
        taken.with_keys,
        taken.schema_version,
        taken.journal_head,
        taken.audit_head,
        taken.manifest_sha256
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest archive.
pub async fn newest(conn: &mut PgConnection) -> sqlx::Result<Option<Taken>> {
    sqlx::query_as!(
        Taken,
        "select taken_at, finished_at, taken_by, file, bytes, with_keys, schema_version, journal_head, audit_head, manifest_sha256
        from backup order by taken_at desc limit 1"
    )
    .fetch_optional(conn)
    .await
}

/// Seconds since the instant whose data the newest archive holds; `None` while there is none.
pub async fn age_s(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<f64>> {
    let taken = sqlx::query_scalar!("select max(taken_at) from backup").fetch_one(conn).await?;
    Ok(taken.map(|taken| (now - taken).num_milliseconds() as f64 / 1000.0))
}

/// A restoration nobody released yet: this installation sends nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub id: Uuid,
    pub restored_at: DateTime<Utc>,
    pub taken_at: DateTime<Utc>,
    pub file: String,
    /// Empty when the restoration was interrupted.
    pub settled: Value,
    /// None: the restoration ended before it was proved.
    pub proof: Option<Json<Proof>>,
}

impl Held {
    /// Whether what may have left already was settled.
    pub fn is_settled(&self) -> bool {
        self.settled.as_object().is_some_and(|what| !what.is_empty())
    }

    pub fn proof(&self) -> Option<Proof> {
        self.proof.as_ref().map(|proof| proof.0)
    }
}

/// What holds this installation back. A database that was read back only so far that its hold is not written is held by its mark, with
/// nothing settled.
pub async fn held(conn: &mut PgConnection) -> sqlx::Result<Option<Held>> {
    sqlx::query_as!(
        Held,
        r#"select id as "id!", restored_at as "restored_at!", taken_at as "taken_at!", file as "file!", settled as "settled!",
               proof as "proof?: Json<Proof>"
           from (select '00000000-0000-0000-0000-000000000000'::uuid as id, clock_timestamp() as restored_at,
                     clock_timestamp() as taken_at, '?' as file, '{}'::jsonb as settled, null::jsonb as proof
                 where to_regnamespace('sentinela_restoring') is not null
                 union all
                 select id, restored_at, taken_at, file, settled, proof from restoration where released_at is null) holds
           order by id limit 1"#
    )
    .fetch_optional(conn)
    .await
}

/// What is written when a database was read back, before anything else may open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored<'a> {
    pub id: Uuid,
    pub restored_at: Instant,
    pub restored_by: &'a str,
    pub taken_at: DateTime<Utc>,
    pub file: &'a str,
    pub manifest_sha256: &'a [u8],
}

/// Marks a database that is about to be read back: whatever opens it before its hold is written finds it held. The mark is a schema, which
/// no dump has and any owner may make.
pub async fn mark(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("create schema if not exists sentinela_restoring").execute(conn).await.map(drop)
}

/// Takes the mark away, in the transaction that writes the hold.
pub async fn unmark(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("drop schema sentinela_restoring").execute(conn).await.map(drop)
}

/// Holds back whatever this installation would send. A copy of a copy was held before: that hold ends with this one.
pub async fn hold(conn: &mut PgConnection, restored: &Restored<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update restoration set released_at = $1, released_by = $2, reason = 'restored again' where released_at is null",
        restored.restored_at,
        restored.restored_by
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into restoration (id, restored_at, restored_by, taken_at, file, manifest_sha256, settled)
        values ($1, $2, $3, $4, $5, $6, '{}')",
        restored.id,
        restored.restored_at,
        restored.restored_by,
        restored.taken_at,
        restored.file,
        restored.manifest_sha256
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what was ended or paused.
pub async fn settled(conn: &mut PgConnection, id: Uuid, what: &Value) -> sqlx::Result<()> {
    sqlx::query!("update restoration set settled = $2 where id = $1", id, what).execute(conn).await?;
    Ok(())
}

/// Notes whether what was read back is what was there.
pub async fn proved(conn: &mut PgConnection, id: Uuid, proof: Proof) -> sqlx::Result<()> {
    sqlx::query!("update restoration set proof = $2 where id = $1", id, Json(proof) as _).execute(conn).await?;
    Ok(())
}

/// Lets what waits leave.
pub async fn release(conn: &mut PgConnection, id: Uuid, now: Instant, by: &str, reason: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update restoration set released_at = $2, released_by = $3, reason = $4 where id = $1 and released_at is null",
        id,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Alerts with rows that wait or are on their way, or with an audience that is still being written.
pub async fn unfinished(conn: &mut PgConnection) -> sqlx::Result<Vec<AlertId>> {
    sqlx::query_scalar!(
        r#"select a.id as "id!: AlertId" from alert a
        where exists (select from dispatch_run r where r.alert_id = a.id)
            and (exists (select from dispatch_run r where r.alert_id = a.id and r.spread_at is null)
                or exists (select from outbox o where o.alert_id = a.id and o.state in ('pending', 'sending')))
        order by a.id"#
    )
    .fetch_all(conn)
    .await
}

/// Ends what may have left from where the copy was taken and cannot be paused, as of unknown outcome: messages to single persons,
/// what webhooks, chats and sirens are told, commands of devices, and every session. Counts, by what they are of.
pub async fn end_what_may_have_left(conn: &mut PgConnection, now: Instant, why: &str) -> sqlx::Result<Ended> {
    let endpoints = sqlx::query!(
        "update outbox set state = 'unknown', reason = $2, final_at = $1, lease_until = null
        where state in ('pending', 'sending') and endpoint_id is not null",
        now,
        why
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let notices = sqlx::query!(
        "update notice set state = 'unknown', reason = $2, final_at = $1, subject = '', body = '', lease_until = null
        where state in ('pending', 'sending')",
        now,
        why
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let events = sqlx::query!(
        "update endpoint_event set state = 'given_up', reason = $2, ended_at = $1, leased_until = null, next_attempt_at = null
        where state = 'waiting'",
        now,
        why
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let commands = sqlx::query!(
        "update device_command set state = 'cancelled', ended_at = $1, message = $2 where state in ('queued', 'sent')",
        now,
        why
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    // Whoever was signed out since the copy would be signed in again.
    let staff = sqlx::query!("delete from staff_session").execute(&mut *conn).await?.rows_affected();
    let residents = sqlx::query!("delete from resident_session").execute(&mut *conn).await?.rows_affected();
    sqlx::query!("delete from dispatch_claimer").execute(conn).await?;
    Ok(Ended { endpoints, notices, events, commands, sessions: staff + residents })
}

/// Rows that were ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ended {
    /// Webhooks, chats and sirens of alerts.
    pub endpoints: u64,
    pub notices: u64,
    /// What webhooks are told of incidents and occurrences.
    pub events: u64,
    pub commands: u64,
    pub sessions: u64,
}

/// One alert whose messages do not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbalanced {
    pub alert: AlertId,
    /// Rows promised when the audience was written.
    pub promised: i64,
    /// Rows the counts know, and rows that are there.
    pub counted: i64,
    pub rows: i64,
}

/// Whether, for every alert that left, what was promised, what is counted and what is there agree. How many were looked at, and those
/// that do not.
pub async fn accounts(conn: &mut PgConnection, now: Instant) -> sqlx::Result<(usize, Vec<Unbalanced>)> {
    let alerts = sqlx::query!(
        r#"select r.alert_id as "alert: AlertId", (r.recipients + r.suppressed)::bigint as "promised!", r.spread_at is null as "writing!",
            (select count(*) from outbox o where o.alert_id = r.alert_id) as "rows!"
        from dispatch_run r order by r.enqueued_at, r.alert_id"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut wrong = Vec::new();
    for row in &alerts {
        let Some(tally) = tally::read_in(&mut *conn, now, row.alert).await? else { continue };
        let counted = tally.totals().total();
        if counted != row.rows || !tally.balances() {
            let promised = if row.writing { counted } else { row.promised };
            wrong.push(Unbalanced { alert: row.alert, promised, counted, rows: row.rows });
        }
    }
    Ok((alerts.len(), wrong))
}
