//! Entries of lists: which were read, and which are asked for again.

use std::collections::HashMap;

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::clock::Instant;
use crate::feeds::failure::{Failure, FailureKind};

/// How often an entry is asked for that cannot be read: after ten minutes, then twice as long each time up to four hours, which
/// makes more than a day.
const MOST_TRIES: i32 = 12;
/// Entries that are no longer listed are forgotten after so many days.
const KEPT_DAYS: i64 = 90;

/// What is known of an entry.
#[derive(Clone, Debug)]
pub enum Known {
    /// It was read, cannot be read by anybody, or was asked for often enough.
    Done,
    /// It could not be fetched or kept; it is due again then.
    Waits(Instant, Failure),
}

/// Of these entries of a list, those that were asked for before. They are still listed, so they are not forgotten.
///
/// # Errors
/// The database's.
pub async fn known(
    conn: &mut PgConnection,
    now: Instant,
    source: &str,
    keys: &[String],
) -> sqlx::Result<HashMap<String, Known>> {
    let rows = sqlx::query!(
        "update feed_entry set asked_at = $3 where source = $1 and key = any($2) returning key, retry_at, error_kind, error",
        source,
        keys,
        now
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let known = rows.map(|row| {
        let failure = || Failure::new(row.error_kind.parse().unwrap_or(FailureKind::Own), row.error);
        (row.key, row.retry_at.map_or(Known::Done, |at| Known::Waits(at, failure())))
    });
    Ok(known.collect())
}

/// Remembers that these entries are done with, and forgets those of long ago.
///
/// # Errors
/// The database's.
pub async fn remember(conn: &mut PgConnection, now: Instant, source: &str, keys: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into feed_entry (source, key, asked_at) select $1, key, $3 from unnest($2::text[]) as key
         on conflict (source, key) do update set asked_at = excluded.asked_at, retry_at = null, error_kind = '', error = ''",
        source,
        keys,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from feed_entry where source = $1 and asked_at < $2",
        source,
        now - TimeDelta::days(KEPT_DAYS)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts off an entry that could not be fetched or kept.
///
/// # Errors
/// The database's.
pub async fn put_off(
    conn: &mut PgConnection,
    now: Instant,
    source: &str,
    key: &str,
    failure: &Failure,
) -> sqlx::Result<()> {
    let detail: String = failure.detail.chars().filter(|c| *c != '\0').take(1000).collect();
    sqlx::query!(
        "insert into feed_entry as e (source, key, asked_at, tries, retry_at, error_kind, error)
         values ($1, $2, $3, 1, $3::timestamptz + interval '10 minutes', $4, $5)
         on conflict (source, key) do update set asked_at = $3, tries = e.tries + 1, error_kind = $4, error = $5,
             retry_at = case when e.tries + 1 < $6
                             then $3::timestamptz + least(interval '10 minutes' * 2 ^ least(e.tries, 10), interval '4 hours') end",
        source,
        key,
        now,
        failure.kind.as_str(),
        detail,
        MOST_TRIES
    )
    .execute(conn)
    .await?;
    Ok(())
}
