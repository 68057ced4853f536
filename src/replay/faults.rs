//! Faults of sensors, clocks and networks laid over a record: seeded, so that the same scenario always fails in the same way.
//!
//! Every chance is drawn from (seed, place of the fault in the list, stream, instant of the reading), and from nothing else: a
//! fault that is added or left out changes none of the others.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Recorded;
use crate::clock::Instant;
use crate::ids::DatastreamId;
use crate::units::{Fixed, vocabulary};

vocabulary! {
    /// What goes wrong.
    FaultKind, "fault" {
        /// A `share` of the readings never comes.
        Drop = "drop",
        /// A `share` comes a second time, `minutes` later (1 when left out).
        Duplicate = "duplicate",
        /// A `share` comes up to `minutes` late, and so out of order.
        Delay = "delay",
        /// The sensor shows `value`, or what it showed first, whatever happens.
        Stuck = "stuck",
        /// A `share` of the readings shows `value` more than there is.
        Spike = "spike",
        /// The device's clock is `minutes` ahead; behind, if below zero.
        Clock = "clock",
        /// Nothing comes after `from`; without it, after the station's highest reading.
        Death = "death",
    }
}

/// One fault of a scenario (`[[faults]]`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: FaultKind,
    /// Code of the station; empty = every station.
    #[serde(default)]
    pub station: String,
    /// Of readings observed from here on; from the beginning when left out.
    pub from: Option<Instant>,
    /// Of readings observed before this; to the end when left out.
    pub to: Option<Instant>,
    /// Of the readings, 0 to 1; all of them when left out.
    pub share: Option<f64>,
    /// In the stream's canonical unit.
    pub value: Option<Fixed>,
    pub minutes: Option<i64>,
}

/// Which key of a fault is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("faults[{index}] ({kind}): {message}")]
pub struct WrongFault {
    pub index: usize,
    pub kind: FaultKind,
    pub message: String,
}

impl Fault {
    fn check(&self, index: usize) -> Result<(), WrongFault> {
        let wrong = |message: &str| Err(WrongFault { index, kind: self.kind, message: message.to_owned() });
        match self.kind {
            _ if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) => wrong("share must lie from 0 to 1"),
            FaultKind::Delay if self.minutes.is_none_or(|minutes| minutes < 1) => {
                wrong("give minutes, at least 1: how late it comes at most")
            }
            FaultKind::Clock if self.minutes.is_none_or(|minutes| minutes == 0) => {
                wrong("give minutes: how far the clock is ahead, or below zero for behind")
            }
            FaultKind::Duplicate if self.minutes.is_some_and(|minutes| minutes < 0) => wrong("minutes lie below zero"),
            FaultKind::Spike if self.value.is_none() => wrong("give value: how much too high"),
            _ => Ok(()),
        }
    }

    fn is_over(&self, reading: &Recorded, station: &str) -> bool {
        (self.station.is_empty() || self.station == station)
            && self.from.is_none_or(|from| reading.observed_at >= from)
            && self.to.is_none_or(|to| reading.observed_at < to)
    }
}

/// Lays faults over readings, one after the other in the order of the list. `station_of` names the station of a stream. The
/// quality of what comes out must be judged anew: values have changed.
///
/// # Errors
/// Names the fault and the key that is wrong, or a station that no reading is of.
pub fn lay_over(
    faults: &[Fault],
    seed: u64,
    mut readings: Vec<Recorded>,
    station_of: impl Fn(DatastreamId) -> String,
) -> Result<Vec<Recorded>, WrongFault> {
    for (index, fault) in faults.iter().enumerate() {
        fault.check(index)?;
        let is_hit = |reading: &Recorded| fault.is_over(reading, &station_of(reading.datastream));
        if !readings.iter().any(is_hit) {
            let message = format!("no reading of station {:?} lies in its time", fault.station);
            return Err(WrongFault { index, kind: fault.kind, message });
        }
        let chance = Chance { seed: seed ^ (index as u64 + 1).wrapping_mul(0xA076_1D64_78BD_642F) };
        let share = fault.share.unwrap_or(1.0);
        let falls = |reading: &Recorded| is_hit(reading) && chance.of(reading, 0) < share;
        match fault.kind {
            FaultKind::Drop => readings.retain(|reading| !falls(reading)),
            FaultKind::Death => die(fault, &mut readings, is_hit),
            FaultKind::Stuck => {
                let first = readings.iter().find(|reading| is_hit(reading)).map(|reading| reading.value);
                let shown = fault.value.or(first).unwrap_or_default();
                readings.iter_mut().filter(|reading| falls(reading)).for_each(|reading| reading.value = shown);
            }
            FaultKind::Spike => {
                let more = fault.value.unwrap_or_default();
                let hit = readings.iter_mut().filter(|reading| falls(reading));
                hit.for_each(|reading| reading.value = Fixed(reading.value.0.saturating_add(more.0)));
            }
            FaultKind::Clock => {
                let ahead = TimeDelta::minutes(fault.minutes.unwrap_or(0));
                for reading in readings.iter_mut().filter(|reading| falls(reading)) {
                    reading.observed_at += ahead;
                    reading.late -= ahead;
                }
            }
            FaultKind::Delay => {
                let most = fault.minutes.unwrap_or(1) as f64 * 60.0;
                for reading in readings.iter_mut().filter(|reading| falls(reading)) {
                    reading.late += TimeDelta::seconds((chance.of(reading, 1) * most).ceil() as i64);
                }
            }
            FaultKind::Duplicate => {
                let later = TimeDelta::minutes(fault.minutes.unwrap_or(1));
                let again = readings.iter().filter(|reading| falls(reading));
                let again: Vec<_> = again.map(|r| Recorded { late: r.late + later, ..r.clone() }).collect();
                readings.extend(again);
            }
        }
    }
    readings.sort_by_key(|reading| (reading.observed_at, reading.datastream, reading.late));
    Ok(readings)
}

/// The highest reading of each stream is its last word, or what came until `from`.
fn die(fault: &Fault, readings: &mut Vec<Recorded>, is_hit: impl Fn(&Recorded) -> bool) {
    let mut highest: std::collections::BTreeMap<DatastreamId, (Fixed, Instant)> = std::collections::BTreeMap::new();
    for reading in readings.iter().filter(|reading| is_hit(reading)) {
        let slot = highest.entry(reading.datastream).or_insert((reading.value, reading.observed_at));
        if reading.value > slot.0 {
            *slot = (reading.value, reading.observed_at);
        }
    }
    readings.retain(|reading| {
        let last = highest.get(&reading.datastream).map(|(_, at)| *at);
        !is_hit(reading) || (fault.from.is_none() && last.is_none_or(|last| reading.observed_at <= last))
    });
}

/// Chances that depend on the reading alone.
pub(super) struct Chance {
    pub(super) seed: u64,
}

impl Chance {
    /// From 0 to below 1, for the `draw`-th question about a reading.
    fn of(&self, reading: &Recorded, draw: u64) -> f64 {
        let at = reading.observed_at.timestamp_micros().cast_unsigned();
        self.number([reading.datastream.0.cast_unsigned(), at, draw])
    }

    /// From 0 to below 1 for any three numbers.
    pub(super) fn number(&self, of: [u64; 3]) -> f64 {
        let mixed = of.into_iter().fold(self.seed, |state, part| mix(state ^ mix(part)));
        // The upper 53 bits are what a float holds exactly.
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::units::Quality;

    /// A reading every ten minutes, rising to 50 at the hundredth and falling again.
    fn record() -> Vec<Recorded> {
        let value = |step: i64| if step <= 100 { step / 2 } else { 100 - step / 2 };
        (0..200)
            .map(|step| Recorded {
                datastream: DatastreamId(1 + step % 2),
                observed_at: from_micros(step * 600_000_000),
                late: TimeDelta::zero(),
                value: Fixed::from_whole(value(step)),
                quality: Quality::Pass,
                why: None,
            })
            .collect()
    }

    fn laid(faults: &str) -> Result<Vec<Recorded>, WrongFault> {
        #[derive(Deserialize)]
        struct File {
            faults: Vec<Fault>,
        }
        let file: File = toml::from_str(faults).unwrap();
        lay_over(&file.faults, 7, record(), |stream| format!("G{stream}"))
    }

    #[test]
    fn the_same_seed_fails_in_the_same_way_and_a_further_fault_changes_none_before_it() {
        let one = laid("faults = [{ kind = \"drop\", share = 0.3 }]").unwrap();
        assert_eq!(one, laid("faults = [{ kind = \"drop\", share = 0.3 }]").unwrap());
        assert!((120..160).contains(&one.len()), "{} of 200 are left", one.len());
        let more = laid("faults = [{ kind = \"drop\", share = 0.3 }, { kind = \"delay\", minutes = 30 }]").unwrap();
        let instants = |readings: &[Recorded]| readings.iter().map(|r| r.observed_at).collect::<Vec<_>>();
        assert_eq!(instants(&one), instants(&more));
        assert!(more.iter().all(|reading| (1..=1800).contains(&reading.late.num_seconds())));
    }

    #[test]
    fn a_sensor_that_dies_at_its_peak_has_the_peak_for_its_last_word() {
        let left = laid("faults = [{ kind = \"death\", station = \"G1\" }]").unwrap();
        let last = left.iter().rfind(|reading| reading.datastream == DatastreamId(1)).unwrap();
        assert_eq!(last.value, Fixed::from_whole(50));
        assert_eq!(left.iter().filter(|reading| reading.datastream == DatastreamId(2)).count(), 100);
    }

    #[test]
    fn a_clock_that_is_ahead_moves_the_stamp_and_not_the_receipt() {
        let moved = laid("faults = [{ kind = \"clock\", station = \"G2\", minutes = 60 }]").unwrap();
        for (before, after) in
            record().iter().filter(|r| r.datastream.0 == 2).zip(moved.iter().filter(|r| r.datastream.0 == 2))
        {
            assert_eq!(after.observed_at - before.observed_at, TimeDelta::hours(1));
            assert_eq!(after.observed_at + after.late, before.observed_at + before.late);
        }
    }

    #[test]
    fn spikes_and_stuck_values_change_values_alone() {
        let spiked = laid("faults = [{ kind = \"spike\", share = 0.1, value = 80.0 }]").unwrap();
        let changed = spiked.iter().zip(record()).filter(|(after, before)| after.value != before.value).count();
        assert!((8..35).contains(&changed), "{changed}");
        let stuck = laid("faults = [{ kind = \"stuck\", station = \"G1\", value = 12.0 }]").unwrap();
        assert!(stuck.iter().filter(|r| r.datastream.0 == 1).all(|r| r.value == Fixed::from_whole(12)));
    }

    #[test]
    fn a_fault_that_says_too_little_names_what_it_lacks() {
        let told = |text: &str| laid(text).unwrap_err().to_string();
        assert!(told("faults = [{ kind = \"delay\" }]").contains("faults[0] (delay): give minutes"));
        assert!(told("faults = [{ kind = \"drop\", share = 1.5 }]").contains("from 0 to 1"));
        assert!(told("faults = [{ kind = \"death\", station = \"X\" }]").contains("no reading of station \"X\""));
    }
}
