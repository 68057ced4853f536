//! The tests themselves. Each compares numbers and answers with them.

use super::limits::MAX_LOOK_BACK_H;
use super::{Dry, Flat, Limits, Neighbours, Step, Why};
use crate::risk::series::Micros;
use crate::units::{Fixed, Quality, StreamKind};

const HOUR: Micros = 3_600_000_000;
/// Two readings closer than this are compared as if they were so far apart: a centimetre within a second is no flood.
const SHORTEST_STEP: Micros = HOUR / 12;

/// A value that has not moved for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    since: Micros,
    low: Fixed,
    high: Fixed,
    readings: u32,
}

impl Run {
    /// Goes on with a value, or begins anew where it moved by more than `tolerance`.
    #[must_use]
    pub fn on(self, at: Micros, value: Fixed, tolerance: Fixed) -> Self {
        let (low, high) = (self.low.min(value), self.high.max(value));
        if self.readings == 0 || high.0.saturating_sub(low.0) > tolerance.0 {
            return Self { since: at, low: value, high: value, readings: 1 };
        }
        Self { since: self.since, low, high, readings: self.readings.saturating_add(1) }
    }
}

/// What stands around a reading that came in order.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    pub kind: StreamKind,
    /// Instant and value of the believed reading before.
    pub before: Option<(Micros, Fixed)>,
    /// With this reading in it.
    pub run: Run,
}

/// Judges a value by its own stream's past. The worse finding counts.
pub fn judge(limits: &Limits, around: &Around, at: Micros, value: Fixed) -> Option<(Quality, Why)> {
    let instantaneous = around.kind == StreamKind::Instantaneous;
    let rate = limits.rate.filter(|_| instantaneous).and_then(|limit| rate(limit, around.before?, at, value));
    let moves = limits.flat.as_ref().filter(|_| around.kind != StreamKind::CumulativeCounter);
    let flat = moves.and_then(|limit| flat(limit, around.run, at, value));
    match (rate, flat) {
        (Some(rate), Some(flat)) => Some(if flat.0 > rate.0 { flat } else { rate }),
        (rate, flat) => rate.or(flat),
    }
}

fn graded(limit: Step, amount: Fixed) -> Option<(Quality, Fixed)> {
    match limit.fail {
        Some(fail) if amount > fail => Some((Quality::Fail, fail)),
        _ if amount > limit.suspect => Some((Quality::Suspect, limit.suspect)),
        _ => None,
    }
}

fn rate(limit: Step, (before_at, before): (Micros, Fixed), at: Micros, value: Fixed) -> Option<(Quality, Why)> {
    let span = (at - before_at).max(SHORTEST_STEP);
    let change = i128::from(value.0.abs_diff(before.0)) * i128::from(HOUR) / i128::from(span);
    let per_hour = Fixed(i64::try_from(change).unwrap_or(i64::MAX));
    graded(limit, per_hour).map(|(quality, limit)| (quality, Why::Rate { per_hour, limit }))
}

fn flat(limit: &Flat, run: Run, at: Micros, value: Fixed) -> Option<(Quality, Why)> {
    if limit.ignore.contains(&value) || run.readings < 3 {
        return None;
    }
    let hours = (at - run.since) / HOUR;
    let beyond = |limit_h: u32| hours >= Micros::from(limit_h);
    let quality = match limit.fail_h {
        Some(fail_h) if beyond(fail_h) => Quality::Fail,
        _ if beyond(limit.suspect_h) => Quality::Suspect,
        _ => return None,
    };
    // A restart looks back no further, and must say the same.
    let hours = u32::try_from(hours).unwrap_or(u32::MAX).min(MAX_LOOK_BACK_H);
    Some((quality, Why::FlatLine { value, hours }))
}

/// QARTOD's spike test: how far the middle one of three readings stands off the middle of the other two. It can only be done
/// when the third is there; the second is then taken back.
pub fn middle(limit: Step, before: Fixed, middle: Fixed, after: Fixed) -> Option<(Quality, Why)> {
    let expected = i128::midpoint(before.0.into(), after.0.into());
    let off_by = Fixed(i64::try_from((i128::from(middle.0) - expected).abs()).unwrap_or(i64::MAX));
    graded(limit, off_by).map(|(quality, limit)| (quality, Why::Spike { off_by, limit }))
}

impl Neighbours {
    /// Whether a gauge with this sum is dry among wet ones. Only dryness is doubted: a storm may well hit one gauge alone, and
    /// whoever doubts the one that measured it warns nobody.
    pub fn judge(&self, own: Fixed, around: &mut [Fixed]) -> Option<Dry> {
        if around.len() < self.at_least {
            return None;
        }
        around.sort_unstable();
        // Of an even number the lower one: rather believe a gauge than not.
        let median = *around.get((around.len() - 1) / 2)?;
        let share = i128::from(median.0) * i128::from(self.share.0) / i128::from(Fixed::SCALE);
        let dry = median >= self.median && i128::from(own.0) < share.max(1);
        dry.then(|| Dry {
            own,
            median,
            gauges: u32::try_from(around.len()).unwrap_or(u32::MAX),
            window_h: self.window_h,
            within_km: self.within_km,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(value: f64) -> Fixed {
        Fixed::try_from(value).unwrap()
    }

    fn step(suspect: f64, fail: f64) -> Step {
        Step { suspect: fixed(suspect), fail: Some(fixed(fail)) }
    }

    #[test]
    fn a_spike_is_measured_from_the_middle_of_its_neighbours() {
        let of = |values: [f64; 3]| {
            middle(step(1.0, 3.0), fixed(values[0]), fixed(values[1]), fixed(values[2])).map(|(quality, _)| quality)
        };
        assert_eq!(of([2.0, 2.1, 2.2]), None);
        assert_eq!(of([2.0, 3.5, 2.2]), Some(Quality::Suspect));
        assert_eq!(of([2.0, 9.9, 2.2]), Some(Quality::Fail));
        assert_eq!(of([2.0, 3.5, 5.0]), None, "a steady rise is none");
    }

    #[test]
    fn a_rate_counts_an_hour_and_at_least_five_minutes() {
        let of = |seconds: Micros, value: f64| {
            rate(step(12.0, 40.0), (0, fixed(1.0)), seconds * 1_000_000, fixed(value)).map(|(quality, _)| quality)
        };
        assert_eq!(of(3600, 12.9), None);
        assert_eq!(of(3600, 13.1), Some(Quality::Suspect));
        assert_eq!(of(900, 12.0), Some(Quality::Fail));
        assert_eq!(of(1, 1.5), None, "half a metre within a second counts as within five minutes");
    }

    #[test]
    fn standing_still_is_doubted_after_its_time_and_not_where_it_means_nothing() {
        let limit = Flat { suspect_h: 6, fail_h: Some(24), tolerance: fixed(0.05), ignore: vec![fixed(0.0)] };
        let told = |values: &[f64]| {
            let mut run = Run::default();
            let mut last = None;
            for (hour, value) in values.iter().enumerate() {
                let at = hour as Micros * HOUR;
                run = run.on(at, fixed(*value), limit.tolerance);
                last = flat(&limit, run, at, fixed(*value)).map(|(quality, _)| quality);
            }
            last
        };
        assert_eq!(told(&[1.5; 6]), None);
        assert_eq!(told(&[1.5; 7]), Some(Quality::Suspect));
        assert_eq!(told(&[1.5; 25]), Some(Quality::Fail));
        assert_eq!(told(&[0.0; 40]), None);
        assert_eq!(told(&[1.5, 1.5, 1.5, 1.5, 1.7, 1.5, 1.5]), None);
        assert_eq!(told(&[1.5, 1.52, 1.5, 1.53, 1.5, 1.52, 1.5]), Some(Quality::Suspect), "noise of the sensor");
    }

    #[test]
    fn a_gauge_is_doubted_when_it_stays_dry_among_wet_ones_and_never_when_it_alone_is_wet() {
        let limit =
            Neighbours { within_km: fixed(7.0), at_least: 3, window_h: 24, median: fixed(20.0), share: fixed(0.05) };
        let of = |own: f64, around: &[f64]| {
            let mut around: Vec<Fixed> = around.iter().map(|value| fixed(*value)).collect();
            limit.judge(fixed(own), &mut around).is_some()
        };
        assert!(of(0.0, &[40.0, 80.0, 25.0]));
        assert!(of(1.9, &[40.0, 80.0, 25.0]) && !of(2.1, &[40.0, 80.0, 25.0]));
        assert!(!of(0.0, &[40.0, 80.0]), "two are no majority");
        assert!(!of(0.0, &[40.0, 1.0, 2.0, 80.0]), "the others are mostly dry as well");
        assert!(!of(200.0, &[0.0, 0.0, 0.0]));
    }
}
