//! Where days and years of the town begin. Pure.

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use crate::clock::Instant;

/// The first instant of a day in the town. Where the clock jumps over midnight, the first that there is.
pub fn start_of(day: NaiveDate, tz: Tz) -> Instant {
    let midnight = day.and_time(NaiveTime::MIN);
    let quarter = |n: i64| midnight.checked_add_signed(TimeDelta::minutes(15 * n));
    let first = (0..16).find_map(|n| tz.from_local_datetime(&quarter(n)?).earliest());
    first.map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

/// A year of the town: its number, its first instant, and the first after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Year {
    pub number: i32,
    pub from: Instant,
    pub until: Instant,
}

impl Year {
    /// None beyond the years that a day can have.
    pub fn of(number: i32, tz: Tz) -> Option<Self> {
        let first = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).map(|day| start_of(day, tz));
        Some(Self { number, from: first(number)?, until: first(number.checked_add(1)?)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_the_clock_lets_it_and_a_year_in_the_town() {
        let tz = chrono_tz::America::Sao_Paulo;
        let begins = |day: &str| start_of(day.parse().unwrap(), tz).to_rfc3339();
        assert_eq!(begins("2026-03-02"), "2026-03-02T03:00:00+00:00");
        // Summer time began at midnight: there was no 00:00 on that day.
        assert_eq!(begins("2018-11-04"), "2018-11-04T03:00:00+00:00");
        let year = Year::of(2026, tz).unwrap();
        assert_eq!(
            (year.from.to_rfc3339(), year.until.to_rfc3339()),
            ("2026-01-01T03:00:00+00:00".into(), "2027-01-01T03:00:00+00:00".into())
        );
        assert_eq!(Year::of(i32::MAX, tz), None);
    }
}
