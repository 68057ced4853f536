//! Comparisons that were asked for, and the readings they are made from.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::clock::Instant;
use crate::engine::ReadingInput;
use crate::ids::{DatastreamId, Seq};
use crate::risk::control::Why;
use crate::units::vocabulary;

/// Whoever carries one out and was not heard for so long is gone.
const GONE_AFTER: TimeDelta = TimeDelta::minutes(10);
/// Readings of one comparison at most.
pub const MOST_READINGS: i64 = 1_000_000;

vocabulary! {
    Doing, "state of a comparison" {
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

/// A comparison that was asked for.
#[derive(Clone, Debug)]
pub struct Preview {
    pub id: i64,
    pub rule_id: String,
    pub version: i32,
    pub revision: i32,
    pub days: i32,
    /// A word of [`Doing`].
    pub state: String,
    pub asked_by: String,
    pub asked_at: Instant,
    pub steps: i32,
    pub done: i32,
    pub ended_at: Option<Instant>,
    pub failure: String,
}

impl Preview {
    pub fn is_open(&self) -> bool {
        self.state == Doing::Waiting.as_str() || self.state == Doing::Running.as_str()
    }
}

/// Asks for one; an open one of the same version gives way. Gives back its number.
pub async fn ask(
    conn: &mut PgConnection,
    now: Instant,
    (rule_id, version, revision): (&str, i32, i32),
    days: i32,
    by: &str,
) -> sqlx::Result<i64> {
    cancel(&mut *conn, now, rule_id, version).await?;
    sqlx::query_scalar!(
        "insert into rule_preview (rule_id, version, revision, days, state, asked_by, asked_at)
         values ($1, $2, $3, $4, 'waiting', $5, $6) returning id",
        rule_id,
        version,
        revision,
        days,
        by,
        now
    )
    .fetch_one(conn)
    .await
}

/// Ends what is open for a version. True when there was any.
pub async fn cancel(conn: &mut PgConnection, now: Instant, rule_id: &str, version: i32) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update rule_preview set state = 'cancelled', ended_at = $3
         where rule_id = $1 and version = $2 and state in ('waiting', 'running')",
        rule_id,
        version,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The last one asked for of a version.
pub async fn last(conn: &mut PgConnection, rule_id: &str, version: i32) -> sqlx::Result<Option<Preview>> {
    sqlx::query_as!(
        Preview,
        "select id, rule_id, version, revision, days, state, asked_by, asked_at, steps, done, ended_at, failure
         from rule_preview where rule_id = $1 and version = $2 order by id desc limit 1",
        rule_id,
        version
    )
    .fetch_optional(conn)
    .await
}

/// Takes the oldest that nobody carries out.
pub async fn take(conn: &mut PgConnection, now: Instant, steps: i32) -> sqlx::Result<Option<Preview>> {
    sqlx::query_as!(
        Preview,
        "update rule_preview set state = 'running', seen_at = $1, steps = $3, done = 0
         where id = (select id from rule_preview where state = 'waiting' or state = 'running' and seen_at < $2
                     order by id limit 1 for update skip locked)
         returning id, rule_id, version, revision, days, state, asked_by, asked_at, steps, done, ended_at, failure",
        now,
        now - GONE_AFTER,
        steps
    )
    .fetch_optional(conn)
    .await
}

/// Says how far it is. False when it shall not go on.
pub async fn progress(conn: &mut PgConnection, now: Instant, id: i64, done: i32) -> sqlx::Result<bool> {
    let kept = sqlx::query!(
        "update rule_preview set done = $2, seen_at = $3 where id = $1 and state = 'running'",
        id,
        done,
        now
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() > 0)
}

/// Ends it, unless somebody cancelled it meanwhile. True when it ended so.
pub async fn end(conn: &mut PgConnection, now: Instant, id: i64, as_what: Doing, failure: &str) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        "update rule_preview set state = $2, ended_at = $3, failure = $4, done = case when $2 = 'done' then steps else done end
         where id = $1 and state = 'running'",
        id,
        as_what.as_str(),
        now,
        failure
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// What the journal holds of the days before `to`, as the evaluator read it, with what fills the windows (`reach`) before them; none where
/// that is more than `most`. History was never judged and is not among it.
///
/// # Errors
/// What cannot be read.
pub async fn readings(
    conn: &mut PgConnection,
    (from, to): (Instant, Instant),
    reach: TimeDelta,
    most: i64,
) -> anyhow::Result<Option<Vec<ReadingInput>>> {
    let rows = sqlx::query!(
        r#"select seq as "seq: Seq", datastream_id as "datastream_id: DatastreamId", observed_at, received_at, value, quality,
                  quality_reason, revises_seq as "revises_seq: Seq"
           from journal where observed_at > $1 and observed_at <= $2 and source <> 'history' order by seq limit $3"#,
        from - reach,
        to,
        most + 1
    )
    .fetch_all(conn)
    .await?;
    if rows.len() as i64 > most {
        return Ok(None);
    }
    let readings = rows
        .into_iter()
        .map(|row| {
            Ok(ReadingInput {
                seq: row.seq,
                datastream: row.datastream_id,
                observed_at: row.observed_at,
                received_at: row.received_at,
                value: row.value.try_into()?,
                quality: row.quality.parse()?,
                why: (!row.quality_reason.is_empty()).then(|| Box::new(Why::Range { told: row.quality_reason })),
                revises: row.revises_seq,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Some(readings))
}
