//! How far a device's clock is off, from what it sent.
//!
//! A live message is received after it was measured: `received − observed` is the delay of the way plus whatever the clock is
//! behind. Delays vary and never fall below some shortest way, so the low end of a day's lags tells the offset up to that way.
//! A device that sends in batches shows long lags, and a short one with the newest reading of each batch; so one lag a message
//! counts, its shortest. Interval sums carry the end of their interval and behave the same. What a device says of its own clock
//! is exact and goes before any estimate.

use serde::Serialize;

/// The low end: robust against the odd message with a broken time.
const LOW: f64 = 0.05;
const QUARTER: f64 = 0.25;

/// Positive: the device's clock is ahead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Estimate {
    pub offset_s: f64,
    /// How far the low end and the quarter of the lags lie apart: small when the way is quick and even.
    pub spread_s: f64,
    pub messages: i32,
    /// True when the device itself said what its clock shows.
    pub told: bool,
}

/// From the shortest lag (seconds) of each message; none below `at_least` of them.
pub fn from_lags(lags: &[f64], at_least: usize) -> Option<Estimate> {
    if lags.is_empty() || lags.len() < at_least {
        return None;
    }
    let mut sorted = lags.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, quarter) = (quantile(&sorted, LOW), quantile(&sorted, QUARTER));
    let messages = i32::try_from(sorted.len()).unwrap_or(i32::MAX);
    Some(Estimate { offset_s: -low, spread_s: quarter - low, messages, told: false })
}

/// From a device's own word on the time, and how long that took (seconds between its clock and the receipt).
pub const fn told(lag_s: f64) -> Estimate {
    Estimate { offset_s: -lag_s, spread_s: 0.0, messages: 1, told: true }
}

/// The estimate of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// When it was made, in days from any instant.
    pub day: f64,
    pub offset_s: f64,
    pub spread_s: f64,
}

/// How fast a clock goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Positive: it gains.
    pub s_per_day: f64,
    /// Days between the first estimate and the last.
    pub over_days: f64,
    /// The largest uncertainty among the estimates.
    pub spread_s: f64,
    /// Estimates that speak for it.
    pub days: usize,
}

/// Two estimates nearer than this are of the same messages, mostly.
const APART_DAYS: f64 = 0.5;

/// The middle one of the rates from each day to the next, oldest first; none below three days. A clock that was set makes one
/// rate large, which a line through all days would spread over two weeks, and the middle one does not see.
pub fn drift(days: &[Day]) -> Option<Drift> {
    let mut apart: Vec<Day> = Vec::with_capacity(days.len());
    for day in days {
        if apart.last().is_none_or(|last| day.day - last.day >= APART_DAYS) {
            apart.push(*day);
        }
    }
    let (first, last) = (apart.first()?, apart.last()?);
    let mut rates: Vec<f64> = apart
        .windows(2)
        .filter_map(|pair| match pair {
            [before, after] => Some((after.offset_s - before.offset_s) / (after.day - before.day)),
            _ => None,
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    // Of two in the middle the one that says less: with two rates, one may be the setting of the clock.
    let (low, high) = (*rates.get(rates.len().checked_sub(1)? / 2)?, *rates.get(rates.len() / 2)?);
    let s_per_day = if low.abs() < high.abs() { low } else { high };
    let spread_s = apart.iter().map(|day| day.spread_s).fold(0.0, f64::max);
    let drift = Drift { s_per_day, over_days: last.day - first.day, spread_s, days: apart.len() };
    (apart.len() >= 3).then_some(drift)
}

/// Of a sorted, non-empty list: the element at the share, never between two.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = ((sorted.len() - 1) as f64 * share).floor() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_few_messages_say_nothing() {
        assert_eq!(from_lags(&[1.0; 11], 12), None);
        assert!(from_lags(&[1.0; 12], 12).is_some());
        assert_eq!(from_lags(&[], 0), None);
    }

    #[test]
    fn a_device_that_sends_in_batches_and_one_broken_message_do_not_mislead() {
        let mut lags: Vec<f64> = (0_i32..100).map(|n| 2.0 + f64::from(n % 7) * 600.0).collect();
        lags.push(-1.0e6);
        let estimate = from_lags(&lags, 12).unwrap();
        assert!((estimate.offset_s + 2.0).abs() < 1e-9, "{estimate:?}");
    }

    #[test]
    fn a_clock_that_gains_five_seconds_a_day_is_told() {
        let found = drift(&days(&[(0.0, 10.0), (1.0, 15.0), (2.0, 20.0)])).unwrap();
        assert!((found.s_per_day - 5.0).abs() < 1e-9 && (found.over_days - 2.0).abs() < 1e-9);
        assert_eq!(drift(&days(&[(0.0, 1.0), (1.0, 9.0)])), None);
        assert_eq!(drift(&[]), None);
    }

    fn days(days: &[(f64, f64)]) -> Vec<Day> {
        days.iter().map(|(day, offset_s)| Day { day: *day, offset_s: *offset_s, spread_s: 0.5 }).collect()
    }

    #[test]
    fn a_clock_that_was_set_once_does_not_drift() {
        let set = [(0.0, 60.0), (1.0, 60.0), (2.0, 0.0), (3.0, 0.0), (4.0, 0.0)];
        assert!(drift(&days(&set)).unwrap().s_per_day.abs() < 1e-9);
        assert!(drift(&days(&[(0.0, 60.0), (1.0, 60.0), (2.0, 0.0)])).unwrap().s_per_day.abs() < 1e-9);
    }

    #[test]
    fn the_first_minutes_of_a_day_are_no_day_of_their_own() {
        let found = drift(&days(&[(0.0, 0.0), (1.0, 20.0), (2.0, 40.0), (2.01, 47.0)])).unwrap();
        assert!((found.s_per_day - 20.0).abs() < 1e-9 && found.days == 3, "{found:?}");
    }

    proptest! {
        /// Whatever the way adds, the estimate is the true offset less at most the shortest way's excess at the low end.
        #[test]
        fn the_estimate_moves_with_the_clock(delays in prop::collection::vec(0.0_f64..500.0, 20..200), offset in -5000.0_f64..5000.0) {
            let lags: Vec<f64> = delays.iter().map(|delay| delay - offset).collect();
            let still = from_lags(&delays, 12).unwrap();
            let moved = from_lags(&lags, 12).unwrap();
            prop_assert!((moved.offset_s - still.offset_s - offset).abs() < 1e-6);
            prop_assert!((moved.spread_s - still.spread_s).abs() < 1e-6 && moved.spread_s >= 0.0);
        }

        #[test]
        fn the_order_of_messages_does_not_matter(mut lags in prop::collection::vec(-1e5_f64..1e5, 12..100)) {
            let before = from_lags(&lags, 12);
            lags.reverse();
            prop_assert_eq!(before, from_lags(&lags, 12));
        }
    }
}
