//! What reports say to rules. Each risk area has a virtual station, and that a stream for each family of kinds; a report is a
//! reading there, worth what it is trusted. Pure; `worker` carries it to the journal.

use chrono::{SubsecRound as _, TimeDelta};
use uuid::Uuid;

use super::kind::Family;
use crate::clock::{Instant, from_micros};
use crate::ids::{AreaId, DatastreamId};
use crate::ingest::{NewReading, Source};
use crate::risk::rule::MAX_WINDOW_H;
use crate::units::{Fixed, Quality};

/// Readings of nothing come this often while something is in the windows, so that sums fall although nobody reports any more.
pub const QUIET_EVERY_S: i64 = 900;
/// As long as any window of a rule may still hold a report.
pub const QUIET_FOR: TimeDelta = TimeDelta::hours(MAX_WINDOW_H + 1);
/// Heard from a little longer than that: afterwards the stream is silent, as before the first report.
pub const STALE_AFTER_S: i32 = 2 * 3600;
/// A place counts for an area when it lies in it, or this near for all that is known.
pub const MOST_UNCERTAIN_M: i32 = 100;

const MAX_CODE: usize = 64;

/// Code of the station of an area.
pub fn station_code(area: AreaId, code: &str) -> String {
    let station = format!("reports-{code}");
    if station.len() <= MAX_CODE { station } else { format!("reports-area-{area}") }
}

/// When a report stands in its stream. A stream of sums has one reading for an instant, and a later one of the same instant
/// corrects it; so the parts of the second are the report's own, and two people who report in the same second stay two.
pub fn reading_at(observed_at: Instant, report: Uuid) -> Instant {
    // The last bytes of a UUID of any kind are its own.
    let own = report.as_bytes()[10..].iter().fold(0_i64, |sum, byte| (sum * 257 + i64::from(*byte)) % 999_999);
    observed_at.trunc_subsecs(0) + TimeDelta::microseconds(1 + own)
}

/// The reading of a report in one stream. Said again with another weight it is a revision of itself.
pub fn reading(stream: DatastreamId, report: Uuid, observed_at: Instant, weight: f64) -> NewReading {
    NewReading {
        datastream_id: stream,
        device_id: None,
        message_id: Some(format!("report-{report}")),
        observed_at: reading_at(observed_at, report),
        value: Fixed::try_from(weight.clamp(0.0, 1.0)).unwrap_or_default(),
        quality: Quality::Pass,
        quality_reason: String::new(),
        source: Source::Report,
    }
}

/// That nobody said anything since the last of these: the same reading from whichever process, and however often.
pub fn quiet(stream: DatastreamId, now: Instant) -> NewReading {
    let second = now.timestamp().div_euclid(QUIET_EVERY_S) * QUIET_EVERY_S;
    NewReading {
        datastream_id: stream,
        device_id: None,
        message_id: Some("quiet".into()),
        observed_at: from_micros(second * 1_000_000),
        value: Fixed::default(),
        quality: Quality::Pass,
        quality_reason: String::new(),
        source: Source::Report,
    }
}

/// The name of the stream of a family.
pub fn stream_name(family: Family) -> String {
    family.stream()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::reading_key;

    #[test]
    fn two_reports_of_one_second_stay_two_and_one_stays_one() {
        let at = from_micros(1_700_000_000_250_000);
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let stream = DatastreamId(7);
        let first = reading(stream, one, at, 0.5);
        assert_ne!(first.observed_at, reading(stream, other, at, 0.5).observed_at);
        assert_eq!(reading_key(&first), reading_key(&reading(stream, one, at, 0.0)));
        assert_eq!(first.observed_at.timestamp(), at.timestamp());
    }

    #[test]
    fn silence_is_said_once_a_quarter_of_an_hour() {
        let at = |second: i64| from_micros(second * 1_000_000);
        let key = |second| reading_key(&quiet(DatastreamId(1), at(second)));
        assert_eq!(key(900), key(1799));
        assert_ne!(key(900), key(1800));
    }

    #[test]
    fn a_long_code_of_an_area_still_makes_a_code_of_a_station() {
        assert_eq!(station_code(AreaId(7), "linhares"), "reports-linhares");
        assert_eq!(station_code(AreaId(7), &"x".repeat(60)), "reports-area-7");
    }
}
