//! The morning report: what the night left behind, on one page and in one e-mail. Written once a day at a local time and kept
//! as it was written, so that its address says the same in ten years.

pub mod desk;
pub mod store;
pub mod words;

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::stations::health::FaultKind;
use crate::stations::health::blind::Blindness;
use crate::units::Level;

/// Lines of one list; the page names the rest by number.
pub const MOST: usize = 40;

/// What is reported. Kept as JSON, so fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Body {
    pub levels: Vec<(Level, i64)>,
    pub changes: Vec<Move>,
    pub rain: Vec<Rain>,
    /// Streams of rain, and those of them that said nothing valid in the last 24 hours. Absent in reports of before.
    #[serde(default)]
    pub rain_gauges: usize,
    #[serde(default)]
    pub rain_mute: usize,
    pub blind: Vec<Dark>,
    pub opened: Vec<Trouble>,
    pub closed: Vec<Trouble>,
    pub feeds: Vec<FailingFeed>,
    /// States of the messages that were written in the last 24 hours.
    pub messages: Vec<(String, i64)>,
    pub incidents: Vec<(String, String)>,
    pub readings: i64,
    pub quarantined: i64,
}

/// A level that changed, and did not change back since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub area: String,
    pub cobrade: String,
    pub from: Level,
    pub to: Level,
    pub at: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rain {
    pub code: String,
    pub station: String,
    pub h24_mm: f64,
    pub h72_mm: f64,
}

/// A blind area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dark {
    pub area: String,
    pub cobrade: String,
    pub why: Blindness,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    pub code: String,
    pub station: String,
    pub kind: FaultKind,
    pub began_at: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingFeed {
    pub name: String,
    pub failures: i32,
    pub error: String,
}

/// The day whose report is due at `now`: today, once its morning has come. On a day whose clocks skip that time it comes with
/// the first instant after the gap; on one that has it twice, with the first.
pub fn due(now: Instant, tz: Tz, morning_at: NaiveTime) -> Option<NaiveDate> {
    let today = now.with_timezone(&tz).date_naive();
    let wanted = today.and_time(morning_at);
    // No clock skips more than some hours.
    let comes = (0..=24)
        .find_map(|quarters| tz.from_local_datetime(&(wanted + TimeDelta::minutes(15 * quarters))).earliest())?;
    (now >= comes).then_some(today)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(now: &str, tz: Tz, at: &str) -> Option<String> {
        due(now.parse().unwrap(), tz, at.parse().unwrap()).map(|day| day.to_string())
    }

    #[test]
    fn it_is_due_from_its_local_time_to_the_end_of_the_day() {
        let tz = chrono_tz::America::Sao_Paulo;
        assert_eq!(day("2026-02-24T09:59:59Z", tz, "07:00:00"), None);
        assert_eq!(day("2026-02-24T10:00:00Z", tz, "07:00:00"), Some("2026-02-24".into()));
        assert_eq!(day("2026-02-25T02:59:59Z", tz, "07:00:00"), Some("2026-02-24".into()));
        assert_eq!(day("2026-02-25T03:00:00Z", tz, "07:00:00"), None);
    }

    #[test]
    fn a_change_of_the_clocks_neither_skips_nor_doubles_a_day() {
        // Sao Paulo left out 00:00 to 01:00 on 4 November 2018, and had 23:00 to 24:00 twice on 17 February 2018.
        let tz = chrono_tz::America::Sao_Paulo;
        assert_eq!(day("2018-11-04T03:00:00Z", tz, "00:30:00"), Some("2018-11-04".into()));
        assert_eq!(day("2018-11-04T02:59:59Z", tz, "00:30:00"), Some("2018-11-03".into()));
        assert_eq!(day("2018-02-18T01:30:00Z", tz, "23:30:00"), Some("2018-02-17".into()));
        assert_eq!(day("2018-02-18T02:15:00Z", tz, "23:30:00"), Some("2018-02-17".into()));
    }
}
