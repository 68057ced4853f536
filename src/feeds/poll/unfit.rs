//! Readings of our stations that belong to none of their streams: a feed that gives hours where the stream keeps ten minutes
//! would otherwise look healthy and bring nothing. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Instant;
use crate::feeds::formats::{Observed, Problem};
use crate::ingest::devices::StreamEntry;
use crate::units::{Quantity, StreamKind};

/// Whether this is a measurement of the stream. A sum belongs to a stream of sums over the same time.
pub(super) fn fits(stream: &StreamEntry, observed: &Observed) -> bool {
    let is_sum = stream.kind == StreamKind::IntervalSum;
    let same_time = match (stream.interval_s, observed.interval_s) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    };
    stream.quantity == observed.quantity && (observed.interval_s.is_none() || (is_sum && same_time))
}

/// What one answer held of this.
#[derive(Debug, Default)]
pub(super) struct Unfit {
    /// Station and quantity that had a fitting reading too: a provider may give the same rain in several sums.
    fitting: BTreeSet<(String, Quantity)>,
    /// How many readings did not fit, and why the first did not.
    others: BTreeMap<(String, Quantity), (usize, String)>,
}

impl Unfit {
    pub fn fits(&mut self, station: &str, quantity: Quantity) {
        if !self.fitting.contains(&(station.to_owned(), quantity)) {
            self.fitting.insert((station.to_owned(), quantity));
        }
    }

    /// A quantity that the station does not measure is nobody's mistake.
    pub fn note(&mut self, station: &str, known: &[StreamEntry], observed: &Observed) {
        let Some(stream) = known.iter().find(|stream| stream.quantity == observed.quantity) else { return };
        let of = || (0, why(station, stream, observed));
        self.others.entry((station.to_owned(), observed.quantity)).or_insert_with(of).0 += 1;
    }

    /// How many readings each is about, with the problem as it is told: once a station, quantity and day.
    pub fn problems(self, now: Instant) -> Vec<(usize, Problem)> {
        let fitting = self.fitting;
        let others = self.others.into_iter().filter(|(key, _)| !fitting.contains(key));
        others
            .map(|((station, quantity), (readings, message))| {
                let value = format!("{station} {quantity} {}", now.format("%Y-%m-%d"));
                (readings, Problem::new("interval_s", &value, message))
            })
            .collect()
    }
}

fn why(station: &str, stream: &StreamEntry, observed: &Observed) -> String {
    let theirs = observed.interval_s.map_or_else(|| "single values".to_owned(), |s| format!("sums over {s} s"));
    let ours = match (stream.kind, stream.interval_s) {
        (StreamKind::IntervalSum, Some(s)) => format!("sums over {s} s"),
        (kind, _) => kind.to_string(),
    };
    format!("the feed gives {} of {station} as {theirs}, and the stream keeps {ours}", observed.quantity)
}
