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

/// Seconds a day, from the estimates of days (day number, seconds); none below three days.
pub fn drift_s_per_day(days: &[(f64, f64)]) -> Option<f64> {
    super::battery::slope(days)
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
        let drift = drift_s_per_day(&[(0.0, 10.0), (1.0, 15.0), (2.0, 20.0)]).unwrap();
        assert!((drift - 5.0).abs() < 1e-9);
        assert_eq!(drift_s_per_day(&[(0.0, 1.0), (1.0, 9.0)]), None);
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
