//! The gross-range test (QARTOD "Gross Range Test"): what an instrument cannot have measured fails, what is beyond anything
//! seen in Brazil is suspect. Pure.
//!
//! Sources of the limits: WMO Archive of Weather and Climate Extremes for what was ever measured on Earth (rain 31.2 mm in a
//! minute, 305 mm in an hour, 1,825 mm in a day; temperature -89.2 to 56.7 °C; wind 113.2 m/s); INMET for Brazil (temperature
//! -14 to 44.8 °C). Levels of rivers have no common zero, so only absurd ones fail.

use crate::risk::control;
use crate::units::{Fixed, Quality, Quantity, StreamKind};

/// What is judged, in the canonical unit.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub quantity: Quantity,
    pub kind: StreamKind,
    /// Seconds an interval sum covers, when known.
    pub interval_s: Option<i32>,
    /// The stream's own limits instead of the quantity's.
    pub range: Option<control::Range>,
}

/// Inclusive limits.
struct Range {
    low: f64,
    high: f64,
}

/// The quality of a value and, unless it passes, why.
pub fn judge(subject: Subject, value: Fixed) -> (Quality, String) {
    let (possible, usual) = subject.range.map_or_else(|| ranges(subject), own);
    let number = value.to_f64();
    let outside = |range: &Range| number < range.low || number > range.high;
    let unit = subject.quantity.canonical_unit();
    let reason =
        |range: &Range, what: &str| format!("{value} {unit} is outside {}..{} {unit} ({what})", range.low, range.high);
    if outside(&possible) {
        (Quality::Fail, reason(&possible, "gross range"))
    } else if outside(&usual) {
        (Quality::Suspect, reason(&usual, "usual range"))
    } else {
        (Quality::Pass, String::new())
    }
}

fn own(range: control::Range) -> (Range, Range) {
    let of = |[low, high]: [Fixed; 2]| Range { low: low.to_f64(), high: high.to_f64() };
    (of(range.fail), of(range.suspect))
}

/// What is possible, and what is usual.
fn ranges(subject: Subject) -> (Range, Range) {
    let range = |low, high| Range { low, high };
    match subject.quantity {
        Quantity::Rain if subject.kind == StreamKind::CumulativeCounter => (range(0.0, 1e9), range(0.0, 1e9)),
        Quantity::Rain => {
            let most = most_rain_mm(subject.interval_s.unwrap_or(3600));
            (range(0.0, most), range(0.0, most / 2.0))
        }
        Quantity::WaterLevel => (range(-100.0, 3000.0), range(-100.0, 3000.0)),
        Quantity::Flow => (range(-400_000.0, 400_000.0), range(0.0, 400_000.0)),
        Quantity::AirTemperature => (range(-89.2, 56.7), range(-14.0, 44.8)),
        Quantity::RelativeHumidity => (range(0.0, 105.0), range(0.0, 100.0)),
        Quantity::WindSpeed => (range(0.0, 113.2), range(0.0, 50.0)),
        Quantity::WindGust => (range(0.0, 113.2), range(0.0, 60.0)),
        Quantity::SoilMoisture => (range(0.0, 100.0), range(0.0, 100.0)),
        Quantity::Battery => (range(0.0, 120.0), range(0.0, 100.0)),
        Quantity::Reports => (range(0.0, 1e6), range(0.0, 1e6)),
        Quantity::Warnings => (range(0.0, 4.0), range(0.0, 4.0)),
        Quantity::RainForecast => (range(0.0, 2000.0), range(0.0, 1000.0)),
    }
}

/// The most rain measured on Earth within an hour.
pub const MOST_RAIN_MM_AN_HOUR: i64 = 305;

/// The most rain measured on Earth in at least this span.
fn most_rain_mm(interval_s: i32) -> f64 {
    match interval_s {
        ..=60 => 31.2,
        61..=3600 => MOST_RAIN_MM_AN_HOUR as f64,
        _ => 1825.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(quantity: Quantity, value: f64) -> (Quality, String) {
        let subject = Subject { quantity, kind: StreamKind::IntervalSum, interval_s: Some(600), range: None };
        judge(subject, Fixed::try_from(value).unwrap())
    }

    #[test]
    fn what_no_instrument_can_have_measured_fails_with_its_limits() {
        let (quality, reason) = of(Quantity::Rain, 400.0);
        assert_eq!((quality, reason.as_str()), (Quality::Fail, "400 mm is outside 0..305 mm (gross range)"));
        assert_eq!(of(Quantity::Rain, -0.2).0, Quality::Fail);
        assert_eq!(of(Quantity::AirTemperature, 85.0).0, Quality::Fail);
    }

    #[test]
    fn what_was_never_seen_in_brazil_is_suspect() {
        assert_eq!(of(Quantity::Rain, 200.0).0, Quality::Suspect);
        assert_eq!(of(Quantity::AirTemperature, 50.0).0, Quality::Suspect);
    }

    #[test]
    fn a_heavy_storm_passes() {
        assert_eq!(of(Quantity::Rain, 46.0), (Quality::Pass, String::new()));
        assert_eq!(of(Quantity::Rain, 0.0).0, Quality::Pass);
    }

    #[test]
    fn a_stream_has_limits_of_its_own() {
        let fixed = |value: i64| Fixed::from_whole(value);
        let range = control::Range { fail: [fixed(0), fixed(12)], suspect: [fixed(1), fixed(10)] };
        let subject = Subject {
            quantity: Quantity::WaterLevel,
            kind: StreamKind::Instantaneous,
            interval_s: None,
            range: Some(range),
        };
        let of = |value: i64| judge(subject, fixed(value)).0;
        assert_eq!(
            [of(13), of(11), of(5), of(0), of(-1)].map(Quality::as_str),
            ["fail", "suspect", "pass", "suspect", "fail"]
        );
    }

    #[test]
    fn a_counter_may_stand_high() {
        let subject =
            Subject { quantity: Quantity::Rain, kind: StreamKind::CumulativeCounter, interval_s: None, range: None };
        assert_eq!(judge(subject, Fixed::from_whole(9_000)).0, Quality::Pass);
    }
}
