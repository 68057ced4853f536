//! What is kept of the readings of months long past: all of them, or after `history.raw_months` their hours. One month at a
//! time, the oldest first, each in a transaction that sums up, compares and drops: so it can be interrupted anywhere.

use chrono::{Datelike as _, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, PgConnection, PgPool};

use super::store::{self, Contents, RawMonth};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::config::History;
use crate::ids::Ids;
use crate::units::vocabulary;

vocabulary! {
    /// What becomes of a month.
    Verdict, "verdict on a month" {
        /// Its readings give way to their hours.
        Due = "due",
        /// Kept for now: it holds the last readings of a station in use, which windows may still ask for.
        Feeding = "feeding",
        /// Kept for now: the rules have not read all of it.
        Unread = "unread",
    }
}

/// A month that is older than the policy keeps readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub month: NaiveDate,
    pub verdict: Verdict,
    pub contents: Contents,
}

/// The first day that readings are kept from; none when they are kept for ever.
pub fn keeps_from(policy: &History, now: Instant) -> Option<NaiveDate> {
    let today = now.date_naive();
    let first = today.with_day(1)?;
    (policy.raw_months > 0).then(|| first.checked_sub_months(Months::new(policy.raw_months))).flatten()
}

const fn judge(month: &RawMonth) -> Verdict {
    if !month.read {
        Verdict::Unread
    } else if month.feeding > 0 {
        Verdict::Feeding
    } else {
        Verdict::Due
    }
}

/// What the policy would do now. Nothing is changed.
///
/// # Errors
/// The database's.
pub async fn look(conn: &mut PgConnection, policy: &History, now: Instant) -> sqlx::Result<Vec<Judged>> {
    let Some(before) = keeps_from(policy, now) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for month in store::raw_months(&mut *conn, before).await? {
        let contents = store::contents(&mut *conn, span(month.month)).await?;
        all.push(Judged { month: month.month, verdict: judge(&month), contents });
    }
    Ok(all)
}

/// From the first instant of a month to that of the next, in UTC.
fn span(month: NaiveDate) -> (Instant, Instant) {
    let next = month.checked_add_months(Months::new(1)).unwrap_or(month);
    (super::worker::midnight(month), super::worker::midnight(next))
}

/// Closes the oldest month that is due. `None` when there is none.
///
/// # Errors
/// The database's; then nothing has changed and the next try begins anew.
pub async fn close_one(
    pool: &PgPool,
    ids: &Ids,
    policy: &History,
    now: Instant,
    actor: &Actor,
) -> anyhow::Result<Option<Judged>> {
    let Some(before) = keeps_from(policy, now) else { return Ok(None) };
    let mut conn = pool.acquire().await?;
    let due = store::raw_months(&mut conn, before).await?.into_iter().find(|month| judge(month) == Verdict::Due);
    let Some(due) = due else { return Ok(None) };
    let span = span(due.month);
    let mut tx = conn.begin().await?;
    // Each statement sees what is committed by then: whatever arrives meanwhile makes the counts differ, and nothing is dropped.
    let contents = store::contents(&mut tx, span).await?;
    if policy.hourly {
        let summed = store::keep_hours(&mut tx, span).await?;
        anyhow::ensure!(
            summed == contents.readings,
            "{}: {summed} of {} readings were summed up",
            due.month,
            contents.readings
        );
    }
    let flags = store::drop_month(&mut tx, due.month, contents.rows).await?;
    let contents = Contents { flags, ..contents };
    let Contents { rows, readings, .. } = contents;
    let after = serde_json::json!({ "rows": rows, "readings": readings, "flags": flags, "hourly": policy.hourly });
    let entry = Entry::new(Act::HistoryClose, "month", due.month.format("%Y-%m")).to(after);
    audit::record(&mut tx, ids, now, actor, entry).await?;
    tx.commit().await?;
    Ok(Some(Judged { month: due.month, verdict: Verdict::Due, contents }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_of_so_many_whole_months_are_kept() {
        let at = "2026-11-28T10:00:00Z".parse().unwrap();
        let from = |raw_months| keeps_from(&History { raw_months, hourly: true }, at).map(|day| day.to_string());
        assert_eq!(from(0), None, "for ever");
        assert_eq!(from(24).as_deref(), Some("2024-11-01"));
    }

    #[test]
    fn a_month_that_somebody_still_needs_is_kept() {
        let month = |feeding, read| RawMonth { month: NaiveDate::default(), feeding, read };
        assert_eq!(judge(&month(0, true)), Verdict::Due);
        assert_eq!(judge(&month(1, true)), Verdict::Feeding);
        assert_eq!(judge(&month(0, false)), Verdict::Unread);
    }
}
