//! Seasons and quiet hours, in the municipality's own time.

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::clock::from_micros;
use crate::risk::series::Micros;
use crate::units::Level;

/// A part of every year, first and last day included; it may run over the turn of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Season {
    /// Month and day.
    pub from: (u8, u8),
    pub to: (u8, u8),
}

impl Season {
    pub const fn holds(self, today: Today) -> bool {
        let (from, to, day) = (number(self.from), number(self.to), number(today.date));
        if from <= to { from <= day && day <= to } else { day >= from || day <= to }
    }
}

const fn number((month, day): (u8, u8)) -> u16 {
    month as u16 * 32 + day as u16
}

/// Hours in which low levels are shown and tell nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Minutes after midnight. They may run over midnight.
    pub from_min: u32,
    pub to_min: u32,
    /// Levels above this one speak at any hour.
    pub up_to: Level,
}

impl Quiet {
    /// When the quiet of this instant ends, if it is quiet.
    pub fn until(self, calendar: &Calendar, now: Micros) -> Option<Micros> {
        let local = from_micros(now).with_timezone(&calendar.zone);
        let minute = local.hour() * 60 + local.minute();
        let (holds, tomorrow) = if self.from_min <= self.to_min {
            ((self.from_min..self.to_min).contains(&minute), false)
        } else {
            (minute >= self.from_min || minute < self.to_min, minute >= self.from_min)
        };
        let day = if tomorrow { local.date_naive().succ_opt() } else { Some(local.date_naive()) };
        let end = NaiveTime::from_hms_opt(self.to_min / 60 % 24, self.to_min % 60, 0)?;
        holds.then(|| instant_of(calendar.zone, day?, end)).flatten()
    }
}

/// A local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    pub start: Micros,
    pub end: Micros,
    /// Month and day.
    pub date: (u8, u8),
}

/// The local calendar, which remembers the day it was asked for last.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: Tz,
    today: Today,
}

impl Default for Calendar {
    fn default() -> Self {
        Self::new(Tz::UTC)
    }
}

impl Calendar {
    pub fn new(zone: Tz) -> Self {
        Self { zone, today: day_of(zone, 0) }
    }

    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Moves to the day of `now`.
    pub fn turn_to(&mut self, now: Micros) {
        if !(self.today.start..self.today.end).contains(&now) {
            self.today = day_of(self.zone, now);
        }
    }

    pub const fn today(&self) -> Today {
        self.today
    }
}

fn day_of(zone: Tz, now: Micros) -> Today {
    let date = from_micros(now).with_timezone(&zone).date_naive();
    let midnight = |date: Option<NaiveDate>| date.and_then(|date| instant_of(zone, date, NaiveTime::MIN));
    let start = midnight(Some(date)).unwrap_or(now);
    let end = midnight(date.succ_opt()).unwrap_or(now + 1);
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    Today { start, end, date: (small(date.month()), small(date.day())) }
}

/// The first instant of a local time; where summer time begins there is none, and the next one counts.
fn instant_of(zone: Tz, date: NaiveDate, time: NaiveTime) -> Option<Micros> {
    let wall = date.and_time(time);
    let found = (0..4).find_map(|half| zone.from_local_datetime(&(wall + TimeDelta::minutes(30 * half))).earliest())?;
    Some(found.with_timezone(&Utc).timestamp_micros())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(text: &str) -> Micros {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
    }

    fn calendar_at(text: &str) -> Calendar {
        let mut calendar = Calendar::new(Tz::America__Sao_Paulo);
        calendar.turn_to(at(text));
        calendar
    }

    #[test]
    fn a_season_runs_over_the_turn_of_the_year_in_local_days() {
        let rains = Season { from: (12, 1), to: (3, 31) };
        let holds = |text| rains.holds(calendar_at(text).today());
        assert!(holds("2026-12-01T03:00:00Z") && !holds("2026-12-01T02:59:59Z"));
        assert!(holds("2027-04-01T02:59:59Z") && !holds("2027-04-01T03:00:00Z"));
        let winter = Season { from: (6, 1), to: (8, 31) };
        assert!(winter.holds(calendar_at("2026-07-15T12:00:00Z").today()));
    }

    #[test]
    fn quiet_hours_run_over_midnight_and_end_in_the_morning() {
        let quiet = Quiet { from_min: 22 * 60, to_min: 6 * 60, up_to: Level::Attention };
        let until = |text: &str| quiet.until(&calendar_at(text), at(text));
        assert_eq!(until("2026-01-02T01:00:00Z"), Some(at("2026-01-02T09:00:00Z")));
        assert_eq!(until("2026-01-02T08:59:00Z"), Some(at("2026-01-02T09:00:00Z")));
        assert_eq!(until("2026-01-02T09:00:00Z"), None);
    }

    #[test]
    fn a_day_without_midnight_begins_an_hour_later() {
        // Summer time began at midnight on 4 November 2018.
        let calendar = calendar_at("2018-11-04T12:00:00Z");
        assert_eq!(calendar.today().start, at("2018-11-04T03:00:00Z"));
        assert_eq!(calendar.today().end, at("2018-11-05T02:00:00Z"));
    }
}
