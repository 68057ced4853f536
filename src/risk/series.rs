//! One datastream's recent past with running window sums.
//!
//! Windows are in event time: a window of length D holds the readings with `observed_at` in (T − D, T], where T is the
//! stream's newest `observed_at`. Receipt times serve only to tell silence. The two are never mixed, so a burst after an
//! outage gives the same sums as the same readings on time.
//!
//! A stream of many readings a minute is not kept reading by reading for days: what is older than the shortest windows is merged
//! by minutes, and what is older than some hours by tens of minutes (see [`keep`]). So a window of hours may hold up to one slot
//! more than its length, never less, and a stream takes some 2,000 entries at most. Slots lie on a grid of their own and are
//! merged when a reading begins a new period of it, so a restart gives the same. Gauges that speak every ten minutes are not touched,
//! but where an index looks back over weeks: what is older than the longest window of any sum is then kept by hours.

mod keep;

use std::collections::{BTreeMap, VecDeque};

use crate::ids::Seq;
use crate::risk::counter::Counter;
use crate::units::{Fixed, StreamKind};

/// Microseconds since 1970, or a length in microseconds.
pub type Micros = i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    at: Micros,
    seq: Seq,
    raw: Fixed,
    /// What this reading adds to a sum: the value itself, or a counter's step.
    increment: Fixed,
    /// The seconds in which a counter's step accrued; of what is told of an interval, those before it of which nothing was told,
    /// when they were too many; nothing for what is told of an instant.
    over_s: u32,
    /// Readings that were merged into it.
    of: u32,
}

impl Entry {
    /// Whether nobody can say how much of a counter's step belongs to a window of that length: it accrued over a longer time. A
    /// clock that wavers by some seconds an hour makes no difference.
    const fn is_blurred(&self, length: Micros) -> bool {
        self.over_s as Micros * SECOND > length + length / 10
    }
}

const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;
/// Readings younger than this stand for themselves.
const APART: Micros = 15 * MINUTE;
const FINE_UNTIL: Micros = 180 * MINUTE;
const FINE: Micros = MINUTE;
const COARSE: Micros = 10 * MINUTE;
/// Beyond every window of a sum.
const COARSE_UNTIL: Micros = 97 * 60 * MINUTE;
const HOURLY: Micros = 60 * MINUTE;
/// Merging is thought of once in so long, if more than one reading came since.
const PERIOD: Micros = 5 * MINUTE;

#[derive(Clone, Debug)]
struct Window {
    length: Micros,
    /// Absolute index of the first entry inside.
    start: u64,
    /// Of what certainly belongs to it.
    sum: Fixed,
    /// Steps inside that accrued over a longer time than the window's.
    blurred: Fixed,
    /// Seconds of which nothing was told, those before the first entry as a whole.
    untold_s: i64,
}

impl Window {
    const fn add(&mut self, entry: &Entry, kind: StreamKind) {
        self.count(entry, kind, 1);
    }

    const fn subtract(&mut self, entry: &Entry, kind: StreamKind) {
        self.count(entry, kind, -1);
    }

    const fn count(&mut self, entry: &Entry, kind: StreamKind, sign: i64) {
        if !matches!(kind, StreamKind::CumulativeCounter) {
            self.sum.0 += sign * entry.increment.0;
            self.untold_s += sign * entry.over_s as i64;
        } else if entry.is_blurred(self.length) {
            self.blurred.0 += sign * entry.increment.0;
        } else {
            self.sum.0 += sign * entry.increment.0;
        }
    }
}

/// What a window holds. A counter that was silent for ten hours tells what fell in ten hours, and not what fell in the last: that
/// is anything from nothing to all of it. A gauge that tells of intervals, and was silent for more than half of the window, tells
/// how much fell at least, and never how much at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    pub at_least: Fixed,
    pub at_most: Fixed,
}

#[derive(Clone, Debug)]
pub struct Series {
    kind: StreamKind,
    counter: Counter,
    /// Readings further apart than this leave a time of which nothing is told.
    silence: Micros,
    retain: Micros,
    entries: VecDeque<Entry>,
    /// Absolute index of `entries[0]`.
    base: u64,
    windows: Vec<Window>,
    /// The period of the newest reading, and how many came since it began.
    period: (Micros, u32),
    /// The lowest and the highest reading of each merged entry that holds several instants, by its own.
    spread: BTreeMap<Micros, (Fixed, Fixed)>,
}

impl Series {
    /// `lengths` are the windows whose sums rules ask for; readings older than the longest are forgotten.
    pub fn new(kind: StreamKind, lengths: &[Micros]) -> Self {
        let windows = lengths
            .iter()
            .map(|&length| Window { length, start: 0, sum: Fixed(0), blurred: Fixed(0), untold_s: 0 })
            .collect();
        let retain = lengths.iter().copied().max().unwrap_or(0).max(3_600_000_000);
        Self {
            kind,
            counter: Counter::default(),
            silence: Micros::MAX,
            retain,
            entries: VecDeque::new(),
            base: 0,
            windows,
            period: (0, 0),
            spread: BTreeMap::new(),
        }
    }

    /// Readings are kept at least this long, for extremes, rates and indexes.
    #[must_use]
    pub fn reaching(mut self, back: Micros) -> Self {
        self.retain = self.retain.max(back);
        self
    }

    /// With what is known of the counter.
    #[must_use]
    pub const fn counting(mut self, counter: Counter) -> Self {
        self.counter = counter;
        self
    }

    /// With the time after which the stream counts as silent.
    #[must_use]
    pub const fn silent_after(mut self, silence: Micros) -> Self {
        self.silence = silence;
        self
    }

    /// How far back readings are kept.
    pub const fn retain(&self) -> Micros {
        self.retain
    }

    /// Whether the two hold the same, however many each has forgotten.
    pub fn is_like(&self, other: &Self) -> bool {
        let window = |of: &Self, window: &Window| {
            (window.length, window.start - of.base, window.sum, window.blurred, window.untold_s)
        };
        self.entries == other.entries
            && (self.retain, self.period, &self.spread) == (other.retain, other.period, &other.spread)
            && self.windows.iter().map(|w| window(self, w)).eq(other.windows.iter().map(|w| window(other, w)))
    }

    /// The newest event time.
    pub fn newest_at(&self) -> Option<Micros> {
        self.entries.back().map(|entry| entry.at)
    }

    pub fn latest(&self) -> Option<Fixed> {
        self.entries.back().map(|entry| entry.raw)
    }

    /// The newest reading: its journal number, instant and value.
    pub fn newest(&self) -> Option<(Seq, Micros, Fixed)> {
        self.entries.back().map(|entry| (entry.seq, entry.at, entry.raw))
    }

    /// Instant and value of the one before it.
    pub fn before_newest(&self) -> Option<(Micros, Fixed)> {
        let index = self.entries.len().checked_sub(2)?;
        self.entries.get(index).map(|entry| (entry.at, entry.raw))
    }

    /// Readings in the window of that length.
    pub fn count(&self, length: Micros) -> i64 {
        let start = self.windows.iter().find(|window| window.length == length).map(|window| window.start);
        start.map_or(0, |start| (self.base + self.entries.len() as u64).saturating_sub(start).cast_signed())
    }

    /// Whether the series reaches back to before the window of that length.
    pub fn covers(&self, length: Micros) -> bool {
        self.entries.front().zip(self.newest_at()).is_some_and(|(oldest, newest)| oldest.at <= newest - length)
    }

    /// The sum of the window of that length; `None` without readings or for a window nobody asked for.
    pub fn sum(&self, length: Micros) -> Option<Sum> {
        self.entries.back()?;
        let window = self.windows.iter().find(|window| window.length == length)?;
        let is_open = window.untold_s > 0 && {
            let first = self.entries.get(window.start.saturating_sub(self.base) as usize);
            let outside = first.map_or(0, |first| self.outside(first, length));
            window.untold_s * SECOND - outside > length / 2
        };
        let at_most = if is_open { Fixed(i64::MAX) } else { Fixed(window.sum.0 + window.blurred.0) };
        Some(Sum { at_least: window.sum, at_most })
    }

    /// What of the untold time before the first entry of a window lies before the window.
    fn outside(&self, first: &Entry, length: Micros) -> Micros {
        let within = first.at - (self.newest_at().unwrap_or(first.at) - length);
        (Micros::from(first.over_s) * SECOND - within).max(0)
    }

    /// The time in the window of that length of which nothing is told: while the stream was silent, and before it began.
    pub fn untold(&self, length: Micros) -> Micros {
        if self.kind == StreamKind::CumulativeCounter {
            return 0;
        }
        let Some(newest) = self.newest_at() else { return length };
        let start = self.entries.partition_point(|entry| entry.at <= newest - length);
        let holes: Micros = self.entries.range(start..).map(|entry| Micros::from(entry.over_s) * SECOND).sum();
        let first = self.entries.get(start);
        let before = if start == 0 { first.map_or(0, |first| first.at - (newest - length)) } else { 0 };
        let before = if before > self.silence.min(length / 4) { before } else { 0 };
        holes + before - first.map_or(0, |first| self.outside(first, length))
    }

    /// Whether no two readings in the window of that length, nor the one before it, lie further apart than `apart`.
    pub fn is_without_gap(&self, length: Micros, apart: Micros) -> bool {
        let Some(newest) = self.newest_at() else { return false };
        let mut later = newest;
        for entry in self.entries.iter().rev() {
            if later - entry.at > apart {
                return false;
            }
            later = entry.at;
            if entry.at <= newest - length {
                return true;
            }
        }
        false
    }

    /// The most that it can hold, as if a newer reading stood in it already. What that reading pushes out still counts.
    pub fn sum_with(&self, length: Micros, at: Micros, raw: Fixed) -> Option<Fixed> {
        let step = self.step(self.entries.back(), at, raw);
        self.sum(length).map(|sum| Fixed(sum.at_most.0.saturating_add(step.0)))
    }

    /// The entries of the window of that length before the newest reading.
    fn within(&self, length: Micros) -> impl Iterator<Item = &Entry> {
        let newest = self.newest_at().unwrap_or(0);
        let start = self.entries.partition_point(|entry| entry.at <= newest - length);
        self.entries.range(start..)
    }

    /// The lowest and the highest reading in the window.
    pub fn extremes(&self, length: Micros) -> Option<(Fixed, Fixed)> {
        let of = |entry: &Entry| match entry.of {
            1 => (entry.raw, entry.raw),
            _ => self.spread.get(&entry.at).copied().unwrap_or((entry.raw, entry.raw)),
        };
        self.within(length).map(of).reduce(|(low, high), (a, b)| (low.min(a), high.max(b)))
    }

    /// When the highest reading of the window was made, the latest of equals.
    pub fn highest_at(&self, length: Micros) -> Option<Micros> {
        let high = |entry: &&Entry| match entry.of {
            1 => entry.raw,
            _ => self.spread.get(&entry.at).map_or(entry.raw, |(_, high)| *high),
        };
        self.within(length).max_by_key(|entry| (high(entry), entry.at)).map(|entry| entry.at)
    }

    /// The mean of the readings in the window.
    pub fn mean(&self, length: Micros) -> Option<Fixed> {
        // What a reading adds to a sum is the reading itself, unless it is a counter's.
        let (total, count) = self.within(length).fold((0_i128, 0_i128), |(total, count), entry| {
            (total + i128::from(entry.increment.0), count + i128::from(entry.of))
        });
        (count > 0).then(|| i64::try_from(total / count).map(Fixed).ok()).flatten()
    }

    /// Whether so much of the window is untold that only the least of its sum is known.
    pub fn is_open(&self, length: Micros) -> bool {
        let Some(newest) = self.newest_at().filter(|_| self.kind != StreamKind::CumulativeCounter) else {
            return false;
        };
        let start = self.entries.partition_point(|entry| entry.at <= newest - length);
        let holes: Micros = self.entries.range(start..).map(|entry| Micros::from(entry.over_s) * SECOND).sum();
        holes > 0 && holes - self.entries.get(start).map_or(0, |first| self.outside(first, length)) > length / 2
    }

    /// The sum over the window in which each step counts by its age in whole hours.
    pub fn weighed(&self, length: Micros, weights: &[Fixed]) -> Option<Fixed> {
        let newest = self.newest_at()?;
        let weighed = self.within(length).map(|entry| {
            let age = usize::try_from((newest - entry.at) / HOURLY).unwrap_or(usize::MAX);
            i128::from(entry.increment.0) * weights.get(age).map_or(0, |weight| i128::from(weight.0))
        });
        i64::try_from(weighed.sum::<i128>() / i128::from(Fixed::SCALE)).ok().map(Fixed)
    }

    /// What of a window will still be in it when so much time has passed.
    pub fn remaining(&self, length: Micros, ahead: Micros) -> Fixed {
        let left = (length - ahead).max(0);
        Fixed(if left == 0 { 0 } else { self.within(left).map(|entry| entry.increment.0).sum() })
    }

    /// Change per hour between the newest reading and the oldest one in the window. `None` with fewer than two readings.
    pub fn rate_per_hour(&self, length: Micros) -> Option<Fixed> {
        let newest = self.entries.back()?;
        let oldest = self.entries.get(self.entries.partition_point(|entry| entry.at <= newest.at - length))?;
        let span = newest.at - oldest.at;
        if span <= 0 {
            return None;
        }
        let change = i128::from(newest.raw.0 - oldest.raw.0) * 3_600_000_000 / i128::from(span);
        i64::try_from(change).ok().map(Fixed)
    }
}

#[cfg(test)]
mod tests;
