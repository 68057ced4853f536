//! The journal's months: which are there, which are closed, and where its end lies.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, Months, NaiveDate};
use sqlx::{PgConnection, PgPool};

use crate::clock::Instant;
use crate::ids::Seq;
use crate::ingest::NewReading;

/// Partitions are made for these years and no others: a clock that is wrong by centuries makes no tables.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

/// How many months beyond the present one stand ready.
const AHEAD: u32 = 2;

/// Months that take no readings, with why.
#[derive(Debug, Default)]
pub struct Closed(BTreeMap<NaiveDate, String>);

impl Closed {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why this reading cannot be taken.
    pub fn reason(&self, reading: &NewReading) -> Option<String> {
        self.0.get(&month_of(reading.observed_at)).cloned()
    }
}

/// The first day of the month of an instant, in UTC.
pub fn month_of(at: Instant) -> NaiveDate {
    let day = at.date_naive();
    day.with_day(1).unwrap_or(day)
}

/// Whether the database lacks the partition for a row: a violated check of the journal that has no name.
pub fn is_missing(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|database| {
        database.code().as_deref() == Some("23514")
            && database.constraint().is_none()
            && database.table() == Some("journal")
    })
}

/// Makes the months of a batch, and tells which of them stay closed.
pub async fn open(pool: &PgPool, readings: &[NewReading]) -> sqlx::Result<Closed> {
    let months: BTreeSet<NaiveDate> = readings.iter().map(|reading| month_of(reading.observed_at)).collect();
    let mut closed = Closed::default();
    for month in months {
        let named = month.format("%Y-%m");
        if !YEARS.contains(&month.year()) {
            let reason = format!("the month {named} lies outside the years {} to {}", YEARS.start(), YEARS.end());
            closed.0.insert(month, reason);
        } else if !open_month(pool, month).await? {
            let reason = format!("of the month {named} only hourly values are kept; it takes no readings any more");
            closed.0.insert(month, reason);
        }
    }
    Ok(closed)
}

async fn open_month(pool: &PgPool, month: NaiveDate) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select journal_open_month($1) as "open!""#, month).fetch_one(pool).await
}

/// Makes the month of `now` and those after it, so that the first reading of a month waits for nothing.
pub async fn open_months_ahead(pool: &PgPool, now: Instant) -> sqlx::Result<()> {
    for month in (0..=AHEAD).filter_map(|ahead| month_of(now).checked_add_months(Months::new(ahead))) {
        open_month(pool, month).await?;
    }
    Ok(())
}

/// The newest row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: Seq,
    pub received_at: Instant,
}

/// The journal's end; none while it is empty.
pub async fn head(conn: &mut PgConnection) -> sqlx::Result<Option<Head>> {
    let row = sqlx::query!(
        r#"select newest_seq as "seq: Seq", newest_received_at as "received_at!" from journal_month
           where newest_received_at is not null order by newest_seq desc limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Head { seq: row.seq, received_at: row.received_at }))
}

/// From and to when (exclusive) rows after `after` were observed; none when there are no such rows.
pub async fn span_after(conn: &mut PgConnection, after: Seq) -> sqlx::Result<Option<(Instant, Instant)>> {
    let row = sqlx::query!(
        "select min(month) as first, max(month) as last from journal_month where newest_seq > $1",
        after.0
    )
    .fetch_one(conn)
    .await?;
    let end = row.last.and_then(|month| month.checked_add_months(Months::new(1)));
    Ok(row.first.zip(end).map(|(from, to)| (midnight(from), midnight(to))))
}

fn midnight(day: NaiveDate) -> Instant {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_of_its_first_day_in_utc() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let first = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap();
        assert_eq!(month_of(at("2026-02-01T00:00:00Z")), first);
        // Still February in UTC, whatever the wall says in Minas Gerais.
        assert_eq!(month_of(at("2026-02-28T23:59:59.999999Z")), first);
        assert_ne!(month_of(at("2026-03-01T00:00:00Z")), first);
        assert_eq!(midnight(first), at("2026-02-01T00:00:00Z"));
    }
}
