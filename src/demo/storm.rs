//! The storm's readings, and when each is published. Pure.

use std::time::Duration;

use chrono::TimeDelta;

use crate::catalogue::{Format, NewObservation, Problems, parse_readings, read};
use crate::clock::{Instant, Stage, from_micros};

/// The measurements of 20–27 February 2026; simulations/data/SOURCES.md tells whose they are.
pub const SERIES: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.csv");

/// The night that is played fast: 23 February 19:00 to 24 February 05:00 UTC.
const NIGHT_FROM: Instant = from_seconds(1_771_873_200);
const NIGHT_TO: Instant = from_seconds(1_771_909_200);

const fn from_seconds(seconds: i64) -> Instant {
    match Instant::from_timestamp_secs(seconds) {
        Some(at) => at,
        None => Instant::UNIX_EPOCH,
    }
}

/// All readings in order of time.
///
/// # Errors
/// Never for the file compiled in; a test reads it.
pub fn readings() -> Result<Vec<NewObservation>, Problems> {
    parse_readings(&read(Format::Csv, SERIES.as_bytes())?)
}

/// Where the storm lies on the clock of today. The service lives on a staged clock that plays the night fast and meets the
/// present at its end; what follows the night comes in real time. So every gauge speaks "now", whatever the speed.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    began_at: Instant,
    speed: f64,
}

impl Timeline {
    /// `began_at` is real time; `speed` is storm seconds in a real second, 1 or more.
    pub fn new(began_at: Instant, speed: f64) -> Self {
        Self { began_at, speed: if speed.is_finite() { speed.clamp(1.0, 1e6) } else { 1.0 } }
    }

    /// The clock of the service.
    pub fn stage(&self) -> Stage {
        Stage { opened_at: self.began_at, shows_from: self.stamp(NIGHT_FROM), speed: self.speed }
    }

    /// The stamp a measurement of the storm bears today, in whole seconds as a gauge writes them.
    pub fn stamp(&self, measured_at: Instant) -> Instant {
        let night_ends_at = self.began_at + TimeDelta::milliseconds(self.night_millis());
        measured_at + TimeDelta::seconds(night_ends_at.timestamp() - NIGHT_TO.timestamp())
    }

    /// Belongs to the days before, which are history when the demonstration begins.
    pub fn is_history(measured_at: Instant) -> bool {
        measured_at < NIGHT_FROM
    }

    /// Belongs to the night or to the days after it.
    pub fn is_night(measured_at: Instant) -> bool {
        !Self::is_history(measured_at) && measured_at <= NIGHT_TO
    }

    /// When a measurement is published, in real time: as soon as the service's clock shows its stamp.
    pub fn due_at(&self, measured_at: Instant) -> Instant {
        if measured_at > NIGHT_TO {
            return self.stamp(measured_at);
        }
        let storm_micros = (measured_at - NIGHT_FROM).num_microseconds().unwrap_or(0).max(0);
        from_micros(self.began_at.timestamp_micros() + (storm_micros as f64 / self.speed).ceil() as i64)
    }

    fn night_millis(&self) -> i64 {
        ((NIGHT_TO - NIGHT_FROM).num_milliseconds() as f64 / self.speed) as i64
    }

    /// How long the night takes to play.
    pub fn night_for(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.night_millis()).unwrap_or(0))
    }

    /// The storm's own time at a real instant; stays at the night's end afterwards.
    pub fn storm_time(&self, real: Instant) -> Instant {
        let shown = self.stage().shown_at(real);
        (NIGHT_FROM + (shown - self.stamp(NIGHT_FROM))).min(NIGHT_TO)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn at(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&chrono::Utc)
    }

    #[test]
    fn the_whole_series_is_read_and_the_worst_night_lies_within_what_is_played_fast() {
        let all = readings().unwrap();
        assert_eq!(all.len(), 7177);
        assert_eq!((NIGHT_FROM, NIGHT_TO), (at("2026-02-23T19:00:00Z"), at("2026-02-24T05:00:00Z")));
        let night_mm: f64 = all.iter().filter(|row| Timeline::is_night(row.observed_at)).map(|row| row.value).sum();
        assert!(night_mm > 2000.0, "{night_mm}");
    }

    #[test]
    fn no_stamp_is_later_than_the_clock_when_it_is_published() {
        let began = chrono::Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
        for speed in [1.0, 60.0, 600.0, 60_000.0] {
            let timeline = Timeline::new(began, speed);
            for row in readings().unwrap().iter().filter(|row| !Timeline::is_history(row.observed_at)) {
                let due = timeline.due_at(row.observed_at);
                let (stamp, shown) = (timeline.stamp(row.observed_at), timeline.stage().shown_at(due));
                assert!(stamp <= shown && due >= began, "{speed}: {stamp} {shown}");
                assert!(shown - stamp < TimeDelta::seconds(2), "{speed}: {stamp} {shown}");
            }
        }
    }

    #[test]
    fn the_night_takes_a_minute_and_then_the_storm_goes_on_in_real_time() {
        let began = chrono::Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
        let timeline = Timeline::new(began, 600.0);
        assert_eq!(timeline.night_for(), Duration::from_secs(60));
        assert_eq!(timeline.due_at(NIGHT_TO), began + TimeDelta::seconds(60));
        assert_eq!(timeline.stamp(NIGHT_TO), began + TimeDelta::seconds(60));
        assert_eq!(timeline.due_at(NIGHT_TO + TimeDelta::hours(2)), began + TimeDelta::seconds(7260));
        assert_eq!(timeline.storm_time(began + TimeDelta::seconds(30)), NIGHT_FROM + TimeDelta::hours(5));
        assert_eq!(timeline.storm_time(began + TimeDelta::hours(30)), NIGHT_TO);
    }
}
