//! How a series takes, corrects, merges and forgets readings, and keeps its window sums with each.

use std::collections::VecDeque;

use super::{APART, COARSE, COARSE_UNTIL, Entry, FINE, FINE_UNTIL, HOURLY, Micros, PERIOD, SECOND, Series};
use crate::ids::Seq;
use crate::units::{Fixed, StreamKind};

/// The slot into which a reading is merged, as its width and number; none while it is young.
const fn slot(newest: Micros, at: Micros) -> Option<(Micros, Micros)> {
    match newest - at {
        age if age < APART => None,
        age if age < FINE_UNTIL => Some((FINE, at.div_euclid(FINE))),
        age if age < COARSE_UNTIL => Some((COARSE, at.div_euclid(COARSE))),
        _ => Some((HOURLY, at.div_euclid(HOURLY))),
    }
}

impl Series {
    /// Takes a good reading in any order. One that is older than anything retained changes nothing. Returns false where every sum
    /// is certainly what it was.
    pub fn push(&mut self, at: Micros, seq: Seq, raw: Fixed) -> bool {
        let Some(newest) = self.newest_at().filter(|newest| at <= *newest) else { return self.append(at, seq, raw) };
        // An interval has one total: the same stamp again (a gateway that retries, a device exchanged) is the newer word on it.
        if self.kind == StreamKind::IntervalSum
            && let Some(twin) = self.entries.partition_point(|entry| entry.at <= at).checked_sub(1)
            && self.entries.get(twin).is_some_and(|entry| entry.at == at)
        {
            // Among what is merged it cannot be told from its twin any more, which counts already.
            if self.entries.get(twin).is_some_and(|entry| entry.of == 1) {
                self.replace(twin, seq, raw);
            }
            return true;
        }
        if at == newest {
            return self.append(at, seq, raw);
        }
        self.insert_late(at, seq, raw, newest);
        true
    }

    /// Puts `raw` in the place of the reading with journal number `revised`.
    pub fn revise(&mut self, revised: Seq, seq: Seq, at: Micros, raw: Fixed) {
        match self.entries.iter().position(|entry| entry.seq == revised) {
            Some(index) if self.entries.get(index).is_some_and(|entry| entry.of == 1) => self.replace(index, seq, raw),
            // What it corrects is a part of a sum, and nobody knows which any more.
            Some(_) => {}
            None if self.is_merged(at) => {}
            None => {
                self.push(at, seq, raw);
            }
        }
    }

    fn is_merged(&self, at: Micros) -> bool {
        let index = self.entries.partition_point(|entry| entry.at < at);
        let entry = self.entries.get(index).filter(|entry| entry.of > 1);
        entry.is_some_and(|entry| {
            [FINE, COARSE, HOURLY].iter().any(|width| entry.at.div_euclid(*width) == at.div_euclid(*width))
        })
    }

    fn replace(&mut self, index: usize, seq: Seq, raw: Fixed) {
        if let Some(entry) = self.entries.get_mut(index) {
            (entry.raw, entry.seq) = (raw, seq);
        }
        self.restep(index);
        self.restep(index + 1);
    }

    /// Takes a reading back. One that is not there any more changes nothing.
    pub fn remove(&mut self, seq: Seq) {
        // Nearly always the newest or the one before it.
        let Some(index) = self.entries.iter().rposition(|entry| entry.seq == seq) else { return };
        self.entries.remove(index);
        self.restep(index);
        self.resum();
    }

    fn append(&mut self, at: Micros, seq: Seq, raw: Fixed) -> bool {
        let before = self.entries.back();
        let is_first = before.is_none();
        let entry = Entry { at, seq, raw, increment: self.step(before, at, raw), over_s: self.over(before, at), of: 1 };
        self.entries.push_back(entry);
        let kind = self.kind;
        // What is untold of a window shrinks as time goes on.
        let mut tells = is_first || entry.increment.0 != 0 || entry.over_s != 0 && kind == StreamKind::IntervalSum;
        for window in &mut self.windows {
            tells |= window.untold_s != 0;
            window.add(&entry, kind);
            while let Some(entry) = self.entries.get((window.start - self.base) as usize) {
                if entry.at > at - window.length {
                    break;
                }
                tells |= entry.increment.0 != 0;
                window.subtract(entry, kind);
                window.start += 1;
            }
        }
        self.forget(at);
        let (period, came) = self.period;
        if at.div_euclid(PERIOD) == period {
            self.period.1 += 1;
            return tells;
        }
        self.period = (at.div_euclid(PERIOD), 1);
        let hour_begins = self.retain > COARSE_UNTIL && at.div_euclid(HOURLY) != (period * PERIOD).div_euclid(HOURLY);
        if came > 1 || hour_begins {
            self.merge(at, came > 1);
            return true;
        }
        tells
    }

    /// Merges what has grown old into its slots; of a stream that speaks seldom only what is beyond every sum.
    fn merge(&mut self, newest: Micros, is_dense: bool) {
        let mut kept: VecDeque<Entry> = VecDeque::with_capacity(self.entries.len());
        for entry in &self.entries {
            let slot_of = |entry: &Entry| slot(newest, entry.at).filter(|(width, _)| is_dense || *width == HOURLY);
            match kept.back_mut() {
                Some(last) if slot_of(entry).is_some() && slot_of(last) == slot_of(entry) => {
                    let raw =
                        if self.kind == StreamKind::IntervalSum { Fixed(last.raw.0 + entry.raw.0) } else { entry.raw };
                    if self.kind != StreamKind::CumulativeCounter {
                        let (a, b) = self.spread.remove(&last.at).unwrap_or((last.raw, last.raw));
                        let (c, d) = self.spread.remove(&entry.at).unwrap_or((entry.raw, entry.raw));
                        self.spread.insert(entry.at, (a.min(c), b.max(d)));
                    }
                    *last = Entry {
                        raw,
                        increment: Fixed(last.increment.0 + entry.increment.0),
                        over_s: last.over_s.saturating_add(entry.over_s),
                        of: last.of + entry.of,
                        ..*entry
                    };
                }
                _ => kept.push_back(*entry),
            }
        }
        if kept.len() < self.entries.len() {
            kept.shrink_to_fit();
            self.entries = kept;
            self.resum();
        }
    }

    fn insert_late(&mut self, at: Micros, seq: Seq, raw: Fixed, newest: Micros) {
        if at <= newest - self.retain {
            return self.insert_before(at, seq, raw, newest);
        }
        let index = self.entries.partition_point(|entry| entry.at <= at);
        self.entries.insert(index, Entry { at, seq, raw, increment: Fixed(0), over_s: 0, of: 1 });
        self.period.1 += 1;
        for window in self.windows.iter_mut().filter(|window| at <= newest - window.length) {
            window.start += 1;
        }
        self.restep(index);
        self.restep(index + 1);
    }

    /// A late reading from before everything that counts: at most it is the nearest before it, from which the next step is told.
    fn insert_before(&mut self, at: Micros, seq: Seq, raw: Fixed, newest: Micros) {
        let entry = Entry { at, seq, raw, increment: Fixed(0), over_s: 0, of: 1 };
        let counts = |entry: &Entry| entry.at > newest - self.retain;
        match (self.entries.front(), self.entries.partition_point(|entry| entry.at <= at)) {
            (Some(oldest), 0) if counts(oldest) => {
                self.entries.push_front(entry);
                // The numbers of the others stay what they were in `windows`: those count from one more.
                self.windows.iter_mut().for_each(|window| window.start += 1);
            }
            (Some(_), 1) => {
                if let Some(oldest) = self.entries.front_mut() {
                    *oldest = entry;
                }
            }
            _ => return,
        }
        self.restep(1);
    }

    /// The first reading of a counter has no step.
    pub(super) fn step(&self, before: Option<&Entry>, at: Micros, raw: Fixed) -> Fixed {
        match (self.kind, before) {
            (StreamKind::CumulativeCounter, Some(before)) => self.counter.step(before.raw, raw, at - before.at),
            (StreamKind::CumulativeCounter, None) => Fixed(0),
            _ => raw,
        }
    }

    fn over(&self, before: Option<&Entry>, at: Micros) -> u32 {
        match (self.kind, before) {
            (StreamKind::CumulativeCounter, Some(before)) => {
                u32::try_from((at - before.at) / SECOND).unwrap_or(u32::MAX)
            }
            (StreamKind::IntervalSum, Some(before)) if at - before.at > self.silence => {
                u32::try_from((at - before.at) / SECOND).unwrap_or(u32::MAX)
            }
            _ => 0,
        }
    }

    /// Computes the increment of an entry anew, and carries the difference into the sums that hold it: an hour of backlog,
    /// newest first, costs no more than the same readings on time.
    fn restep(&mut self, index: usize) {
        let before = index.checked_sub(1).and_then(|i| self.entries.get(i));
        let Some(entry) = self.entries.get(index) else { return };
        // What was merged of instants adds up to more than its last one, whatever stands before it.
        if self.kind == StreamKind::Instantaneous && entry.of > 1 {
            return;
        }
        let (increment, over_s) = (self.step(before, entry.at, entry.raw), self.over(before, entry.at));
        let Some(entry) = self.entries.get_mut(index) else { return };
        let old = *entry;
        (entry.increment, entry.over_s) = (increment, over_s);
        let (new, place, kind) = (*entry, self.base + index as u64, self.kind);
        for window in self.windows.iter_mut().filter(|window| window.start <= place) {
            window.subtract(&old, kind);
            window.add(&new, kind);
        }
    }

    /// Sums anew. What was newest may be gone, so that older readings are inside again.
    fn resum(&mut self) {
        let (newest, kind) = (self.newest_at(), self.kind);
        for window in &mut self.windows {
            let start =
                newest.map_or(0, |newest| self.entries.partition_point(|entry| entry.at <= newest - window.length));
            window.start = self.base + start as u64;
            (window.sum, window.blurred, window.untold_s) = (Fixed(0), Fixed(0), 0);
            self.entries.range(start..).for_each(|entry| window.add(entry, kind));
        }
    }

    /// One reading beyond the longest window is kept: a counter's next step needs its predecessor.
    fn forget(&mut self, newest: Micros) {
        while self.entries.len() > 1 && self.entries.get(1).is_some_and(|entry| entry.at <= newest - self.retain) {
            self.entries.pop_front();
            self.base += 1;
        }
        if let Some(oldest) = self.entries.front().filter(|_| !self.spread.is_empty()) {
            while self.spread.first_key_value().is_some_and(|(at, _)| *at < oldest.at) {
                self.spread.pop_first();
            }
        }
        for window in &mut self.windows {
            window.start = window.start.max(self.base);
        }
    }
}
