//! What a running total adds from one reading to the next. `counter_step` in the schema says the same for the pages; a test holds
//! the two together.

use super::series::Micros;
use crate::ingest::quality::MOST_RAIN_MM_AN_HOUR;
use crate::units::{Fixed, Quantity};

const HOUR: Micros = 3_600_000_000;
/// A wrap is believed only when the counter was in the last quarter before it.
const WRAP_SHARE: i64 = 4;

/// What is known of a counter besides its readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Where it begins again at zero.
    pub wraps_at: Option<Fixed>,
    /// What can be added within an hour at most.
    pub most_an_hour: Option<Fixed>,
}

impl Counter {
    pub fn of(quantity: Quantity, wraps_at: Option<Fixed>) -> Self {
        Self { wraps_at, most_an_hour: (quantity == Quantity::Rain).then(|| Fixed::from_whole(MOST_RAIN_MM_AN_HOUR)) }
    }

    /// What the reading `raw` adds to `before`, `apart` later.
    ///
    /// A counter that falls has run over where it does so, or was reset (also: another device hangs there): what it shows has
    /// accrued since. A step that cannot have happened in the time is none: the counter begins anew, as with its first reading.
    pub fn step(self, before: Fixed, raw: Fixed, apart: Micros) -> Fixed {
        let possible = |step: i64| step >= 0 && self.most_an_hour.is_none_or(|most| step <= most_within(most, apart));
        let forward = raw.0.saturating_sub(before.0);
        if forward >= 0 {
            return Fixed(if possible(forward) { forward } else { 0 });
        }
        if let Some(wraps_at) = self.wraps_at {
            let wrapped = forward.saturating_add(wraps_at.0);
            if possible(wrapped) && wrapped <= wraps_at.0 / WRAP_SHARE {
                return Fixed(wrapped);
            }
        }
        Fixed(if possible(raw.0) { raw.0 } else { 0 })
    }
}

/// For each hour begun.
fn most_within(most: Fixed, apart: Micros) -> i64 {
    let hours = (apart.max(1) - 1) / HOUR + 1;
    most.0.saturating_mul(hours)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTES_10: Micros = HOUR / 6;

    fn step(wraps_at: Option<i64>, before: f64, raw: f64, apart: Micros) -> f64 {
        let fixed = |value: f64| Fixed::try_from(value).unwrap();
        let counter = Counter::of(Quantity::Rain, wraps_at.map(Fixed::from_whole));
        counter.step(fixed(before), fixed(raw), apart).to_f64()
    }

    #[test]
    fn a_counter_that_falls_was_reset_and_shows_what_accrued_since() {
        assert_eq!(step(None, 104.0, 3.0, MINUTES_10), 3.0);
        assert_eq!(step(Some(1000), 104.0, 3.0, MINUTES_10), 3.0);
    }

    #[test]
    fn a_counter_near_its_end_ran_over() {
        assert_eq!(step(Some(1000), 998.0, 3.0, MINUTES_10), 5.0);
        // 300 mm over the end within ten minutes are no rain.
        assert_eq!(step(Some(1000), 760.0, 70.0, MINUTES_10), 70.0);
    }

    #[test]
    fn another_device_with_another_total_is_no_rain() {
        assert_eq!(step(None, 12.0, 5000.0, MINUTES_10), 0.0);
        assert_eq!(step(None, 9000.0, 3000.0, MINUTES_10), 0.0);
        // After a silence of a day much may have fallen.
        assert_eq!(step(None, 12.0, 812.0, 24 * HOUR), 800.0);
    }

    #[test]
    fn a_counter_of_something_else_has_no_bound() {
        assert_eq!(Counter::default().step(Fixed(5), Fixed::from_whole(1_000_000), 1), Fixed(1_000_000_000_000 - 5));
    }

    proptest! {
        #[test]
        fn no_step_is_negative_or_more_than_can_have_fallen(before in 0.0_f64..2e4, raw in 0.0_f64..2e4, wraps in proptest::option::of(1_i64..20_000), hours in 0_i64..50) {
            let added = step(wraps, before, raw, hours * HOUR);
            prop_assert!(added >= 0.0 && added <= 305.0 * hours.max(1) as f64, "{added}");
        }
    }
}
