//! Series over long ranges. The months that are over hardly change: what was summed up of them is held in memory and compared with
//! what the database says of these months, so that a page of a year reads the readings of the month that runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Datelike as _, TimeDelta};
use sqlx::{PgConnection, PgPool};

use super::{BucketRow, Months, Stream, bucket_rows, months};
use crate::clock::Instant;
use crate::history::series::{Bucket, Function, Held, Plan, Range, buckets};
use crate::history::worker::midnight;
use crate::ids::DatastreamId;
use crate::units::StreamKind;

/// Ranges shorter than this are read whole.
const LONG: TimeDelta = TimeDelta::days(60);
/// So many are held, of at most `MAX_BUCKETS` buckets each and a few hundred as a rule; a further one begins anew.
const MAX_HELD: usize = 256;

/// Which series, and of which months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Part {
    stream: DatastreamId,
    from: Instant,
    to: Instant,
    window_s: i64,
    function: Function,
}

type Sums = (Months, Arc<[BucketRow]>);

/// Reads series, and remembers.
#[derive(Debug, Default)]
pub struct Past(Mutex<HashMap<Part, Sums>>);

impl Past {
    /// The buckets of a plan. Readings come from the journal, and whole hours where only these are kept. A counter's sum is that of
    /// its steps from one believed reading to the next. `pool` gives a second connection for a long range, when it has one to spare.
    ///
    /// # Errors
    /// The database's.
    pub async fn series(
        &self,
        pool: &PgPool,
        conn: &mut PgConnection,
        stream: &Stream,
        plan: &Plan,
    ) -> sqlx::Result<Vec<Bucket>> {
        let rows = match over(plan) {
            Some((over, running)) => {
                let held = self.months_over(pool, &mut *conn, stream, &over).await?;
                let mut rows = held.to_vec();
                rows.extend(bucket_rows(conn, stream, &running).await?);
                rows
            }
            None => bucket_rows(conn, stream, plan).await?,
        };
        Ok(told(stream, plan, &rows))
    }

    async fn months_over(
        &self,
        pool: &PgPool,
        conn: &mut PgConnection,
        stream: &Stream,
        plan: &Plan,
    ) -> sqlx::Result<Arc<[BucketRow]>> {
        let Plan { range: Range { from, to }, window_s, function } = *plan;
        let part = Part { stream: stream.id, from, to, window_s, function };
        // Asked first: whatever comes while the sums are read makes them outdated at the next question, never wrong.
        let months = months(&mut *conn, stream.id, plan.range).await?;
        if let Some(rows) = self.known(&part, &months) {
            return Ok(rows);
        }
        let rows: Arc<[BucketRow]> = halves(pool, conn, stream, plan).await?.into();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MAX_HELD && !held.contains_key(&part) {
            held.clear();
        }
        held.insert(part, (months, Arc::clone(&rows)));
        Ok(rows)
    }

    fn known(&self, part: &Part, months: &Months) -> Option<Arc<[BucketRow]>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(part).filter(|(then, _)| then == months).map(|(_, rows)| Arc::clone(rows))
    }
}

/// Reads a plan in two halves at once where the pool has a connection to spare: a year of ten minutes is fifty thousand rows,
/// and the server reads with one processor a connection.
async fn halves(pool: &PgPool, conn: &mut PgConnection, stream: &Stream, plan: &Plan) -> sqlx::Result<Vec<BucketRow>> {
    let (Some((first, second)), Some(mut other)) = (plan.halves(), pool.try_acquire()) else {
        return bucket_rows(conn, stream, plan).await;
    };
    let (mut rows, rest) =
        tokio::try_join!(bucket_rows(conn, stream, &first), bucket_rows(&mut other, stream, &second))?;
    rows.extend(rest);
    Ok(rows)
}

/// The part of a long plan in months that are over, and the part in the month that runs, cut between two buckets.
fn over(plan: &Plan) -> Option<(Plan, Plan)> {
    let Range { from, to } = plan.range;
    let month = midnight((to - TimeDelta::microseconds(1)).date_naive().with_day(1)?);
    // The first instant of a month is in its bucket before, and that month runs.
    let whole = (month - from - TimeDelta::microseconds(1)).num_seconds() / plan.window_s.max(1);
    let cut = from + TimeDelta::seconds(whole * plan.window_s);
    let part = |from, to| Plan { range: Range { from, to }, ..*plan };
    (to - from >= LONG && cut > from).then(|| (part(from, cut), part(cut, to)))
}

fn told(stream: &Stream, plan: &Plan, rows: &[BucketRow]) -> Vec<Bucket> {
    let Plan { range, window_s, function } = *plan;
    let held = |index: i64| {
        let from = range.from + TimeDelta::seconds(window_s * index);
        let row = &rows[rows.binary_search_by_key(&from, |row| row.bucket).ok()?];
        Some(Held { count: row.count, suspect: row.suspect, failed: row.failed, value: row.value })
    };
    let interval_s = match stream.interval_s {
        Some(_) if function == Function::Count && stream.kind != StreamKind::IntervalSum => None,
        interval_s => interval_s,
    };
    buckets(plan, interval_s, held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn cut(from: &str, to: &str, window_s: i64) -> Option<Instant> {
        let plan = Plan { range: Range { from: at(from), to: at(to) }, window_s, function: Function::Sum };
        over(&plan).map(|(first, second)| {
            assert_eq!((first.range.from, second.range.to), (at(from), at(to)), "together they are the plan");
            assert_eq!(first.range.to, second.range.from);
            first.range.to
        })
    }

    #[test]
    fn a_long_range_is_cut_at_the_last_bucket_before_the_month_that_runs() {
        let day = 86_400;
        assert_eq!(cut("2025-11-29T03:00:00Z", "2026-11-29T12:00:00Z", day), Some(at("2026-10-31T03:00:00Z")));
        assert_eq!(cut("2025-11-29T00:00:00Z", "2026-12-01T00:00:00Z", day), Some(at("2026-10-31T00:00:00Z")));
    }

    #[test]
    fn short_ranges_and_buckets_longer_than_the_months_over_are_read_whole() {
        assert_eq!(cut("2026-10-29T03:00:00Z", "2026-11-29T12:00:00Z", 86_400), None);
        assert_eq!(cut("2026-09-20T00:00:00Z", "2026-11-29T12:00:00Z", 60 * 86_400), None);
    }
}
