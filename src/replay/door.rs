//! What the live doors would make of recorded readings: their order of receipt, what is refused, what is known already.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::Recorded;
use crate::clock::Instant;
use crate::engine::ReadingInput;
use crate::ids::{DatastreamId, Seq};
use crate::units::Fixed;

/// As `ingest.max_future_s` ships: a reading further ahead of its receipt goes to quarantine.
pub const MAX_FUTURE: TimeDelta = TimeDelta::seconds(300);

/// Readings as the journal would hold them.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// In order of receipt; `seq` counts from 1.
    pub readings: Vec<ReadingInput>,
    /// How many a door refused, because they lie in the future.
    pub refused: usize,
    /// How many said again what was known.
    pub repeated: usize,
}

/// Lets readings in, each `delay` after it was measured and by its own `late` later than that.
///
/// # Guarantees
/// `received_at` never falls along `seq`; with no faults nothing is refused and the order is that of `observed_at`.
pub fn arrivals(delay: TimeDelta, recorded: &[Recorded]) -> Arrivals {
    let mut order: Vec<(Instant, &Recorded)> =
        recorded.iter().map(|reading| (reading.observed_at + delay + reading.late, reading)).collect();
    order.sort_by_key(|(received_at, reading)| (*received_at, reading.observed_at, reading.datastream));
    let mut known: BTreeMap<(DatastreamId, Instant), (Seq, Fixed)> = BTreeMap::new();
    let mut all = Arrivals::default();
    for (received_at, reading) in order {
        if reading.observed_at - received_at > MAX_FUTURE {
            all.refused += 1;
            continue;
        }
        let seq = Seq(all.readings.len() as i64 + 1);
        let before = known.insert((reading.datastream, reading.observed_at), (seq, reading.value));
        if let Some(before) = before.filter(|(_, value)| *value == reading.value) {
            known.insert((reading.datastream, reading.observed_at), before);
            all.repeated += 1;
            continue;
        }
        all.readings.push(ReadingInput {
            seq,
            datastream: reading.datastream,
            observed_at: reading.observed_at,
            received_at,
            value: reading.value,
            quality: reading.quality,
            why: reading.why.clone(),
            revises: before.map(|(seq, _)| seq),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::units::Quality;

    fn recorded(minute: i64, late_min: i64, value: i64) -> Recorded {
        Recorded {
            datastream: DatastreamId(1),
            observed_at: from_micros(minute * 60_000_000),
            late: TimeDelta::minutes(late_min),
            value: Fixed::from_whole(value),
            quality: Quality::Pass,
            why: None,
        }
    }

    #[test]
    fn readings_come_in_the_order_of_their_receipt() {
        let all = arrivals(TimeDelta::minutes(2), &[recorded(0, 30, 1), recorded(10, 0, 2)]);
        let told: Vec<_> = all.readings.iter().map(|r| (r.seq.0, r.value.0 / Fixed::SCALE)).collect();
        assert_eq!(told, [(1, 2), (2, 1)]);
        assert_eq!(all.readings[1].received_at, from_micros(32 * 60_000_000));
    }

    #[test]
    fn what_is_said_twice_is_one_and_what_is_said_anew_revises() {
        let all = arrivals(TimeDelta::zero(), &[recorded(0, 0, 1), recorded(0, 5, 1), recorded(0, 6, 4)]);
        assert_eq!((all.readings.len(), all.repeated), (2, 1));
        assert_eq!(all.readings[1].revises, Some(Seq(1)));
    }

    #[test]
    fn a_clock_an_hour_ahead_is_refused_at_the_door() {
        let all = arrivals(TimeDelta::minutes(2), &[recorded(60, -60, 1), recorded(6, -6, 1)]);
        assert_eq!((all.readings.len(), all.refused), (1, 1), "four minutes ahead are borne, 58 are not");
    }
}
