//! The pure core: folds journal rows into levels, and says what changed and why.
//!
//! It never awaits and reads no clock, no random source and no map order. Time is an input: each reading carries its
//! receipt, and timers (waiting times, silences) fire at their own due instants, in order, before anything later is
//! looked at. So the same log gives the same effects whatever the batch sizes and restart points.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::clock::{Instant, from_micros};
use crate::ids::{DatastreamId, Seq};
use crate::risk::evaluate::{PairMemory, StreamState, View};
use crate::risk::network::{Bound, BoundPair, PairKey};
use crate::risk::reason::Reason;
use crate::risk::series::{Micros, Series};
use crate::units::{Fixed, Level, Quality};

/// What the core is told, in journal order.
#[derive(Clone, Debug)]
pub enum Input {
    Reading(ReadingInput),
    /// No journal row with an earlier receipt can come any more.
    Tick(Instant),
}

#[derive(Clone, Debug)]
pub struct ReadingInput {
    pub seq: Seq,
    pub datastream: DatastreamId,
    pub observed_at: Instant,
    /// Never falls along `seq`.
    pub received_at: Instant,
    pub value: Fixed,
    pub quality: Quality,
    pub revises: Option<Seq>,
}

/// A level that changed, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transition {
    pub pair: PairKey,
    pub area_code: String,
    pub area_name: String,
    pub from: Level,
    pub to: Level,
    /// The last level that data supported, before and after: what a warning follows while the area is blind.
    pub known_before: Level,
    pub known: Level,
    pub at: Instant,
    /// The journal row that was being folded, or the last one before the timer.
    pub seq: Seq,
    pub rule_id: String,
    pub rule_version: i32,
    pub reasons: Vec<Reason>,
}

/// What the core decides. Everything else (drafts, messages, incidents) follows from transitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Effect {
    LevelChanged(Box<Transition>),
}

#[derive(Clone, Debug)]
pub struct Engine {
    net: Bound,
    streams: Vec<StreamState>,
    memories: Vec<PairMemory>,
    timers: BTreeSet<(Micros, usize)>,
    armed: Vec<Option<Micros>>,
    /// Pairs whose numbers moved since `take_touched`.
    touched: BTreeSet<usize>,
    now: Micros,
    seq: Seq,
}

impl Engine {
    /// A core without history: every area is unknown until data comes.
    pub fn new(net: Bound) -> Self {
        let streams = net
            .streams
            .iter()
            .zip(&net.windows)
            .map(|(spec, windows)| StreamState {
                series: Series::new(spec.kind, windows).counting(spec.counter),
                received_at: None,
                lag: 0,
            })
            .collect();
        let pairs = net.pairs.len();
        Self {
            net,
            streams,
            memories: vec![PairMemory::default(); pairs],
            timers: BTreeSet::new(),
            armed: vec![None; pairs],
            touched: BTreeSet::new(),
            now: 0,
            seq: Seq(0),
        }
    }

    /// Takes a reading that was folded before a restart: it fills the windows and decides nothing.
    pub fn recall(&mut self, reading: &ReadingInput) {
        self.take(reading);
    }

    /// Puts back what the pairs remembered, and arms their timers, as they stood after `seq` at `through`.
    pub fn resume(&mut self, memories: &BTreeMap<PairKey, PairMemory>, seq: Seq, through: Instant) {
        (self.seq, self.now) = (seq, through.timestamp_micros());
        for index in 0..self.net.pairs.len() {
            let Some(key) = self.net.pairs.get(index).map(|pair| pair.key) else { continue };
            let (Some(memory), Some(slot)) = (memories.get(&key), self.memories.get_mut(index)) else { continue };
            *slot = memory.clone();
            if self.net.pairs.get(index).is_some_and(|pair| pair.rule.is_none()) {
                slot.shown = Level::Unknown;
            }
        }
        for index in 0..self.net.pairs.len() {
            // A timer that fires early finds nothing to do and arms itself anew.
            self.arm(index, Some(self.now));
        }
    }

    /// Folds one input. Timers that were due before it fire first, at their own instants.
    pub fn step(&mut self, input: &Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Tick(at) => self.run_timers(at.timestamp_micros(), effects),
            Input::Reading(reading) => {
                // What is due at the very instant of a receipt is decided after the reading is known.
                self.run_timers(reading.received_at.timestamp_micros() - 1, effects);
                self.now = self.now.max(reading.received_at.timestamp_micros());
                self.seq = reading.seq;
                let Some(stream) = self.take(reading) else { return };
                let fed = self.net.fed_by.get(stream).cloned().unwrap_or_default();
                for pair in fed {
                    self.evaluate(pair, effects);
                }
            }
        }
    }

    /// The next instant at which something may change without a reading.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| from_micros(*at))
    }

    pub fn pairs(&self) -> &[BoundPair] {
        &self.net.pairs
    }

    /// The streams that feed any pair.
    pub fn fed_streams(&self) -> Vec<DatastreamId> {
        let fed = self.net.streams.iter().zip(&self.net.fed_by).filter(|(_, pairs)| !pairs.is_empty());
        fed.map(|(stream, _)| stream.id).collect()
    }

    pub fn knows(&self, datastream: DatastreamId) -> bool {
        self.net.stream_index.contains_key(&datastream)
    }

    /// A pair's memory and its reasons as of now.
    pub fn explain(&self, index: usize) -> Option<Explained<'_>> {
        let (pair, memory) = (self.net.pairs.get(index)?, self.memories.get(index)?);
        let view = self.view(index);
        let rule = view.map(|view| view.rule);
        Some(Explained {
            pair,
            memory,
            rule_id: rule.map_or("", |rule| rule.id.as_str()),
            rule_version: rule.map_or(0, |rule| rule.version),
            reasons: view.map_or_else(Vec::new, |view| view.reasons(memory, self.now)),
            at: from_micros(self.now),
        })
    }

    pub fn memory(&self, index: usize) -> Option<&PairMemory> {
        self.memories.get(index)
    }

    /// Pairs whose numbers moved since the last call.
    pub fn take_touched(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.touched)
    }

    fn take(&mut self, reading: &ReadingInput) -> Option<usize> {
        let index = *self.net.stream_index.get(&reading.datastream)?;
        self.streams.get_mut(index)?.take(
            reading.observed_at.timestamp_micros(),
            reading.received_at.timestamp_micros(),
            reading.seq,
            reading.revises,
            reading.value,
            reading.quality,
        );
        Some(index)
    }

    fn run_timers(&mut self, until: Micros, effects: &mut Vec<Effect>) {
        while let Some(&(due, pair)) = self.timers.first() {
            if due > until {
                break;
            }
            self.timers.remove(&(due, pair));
            if let Some(armed) = self.armed.get_mut(pair) {
                *armed = None;
            }
            self.now = self.now.max(due);
            self.evaluate(pair, effects);
        }
        self.now = self.now.max(until);
    }

    fn view(&self, index: usize) -> Option<View<'_>> {
        let pair = self.net.pairs.get(index)?;
        let rule = self.net.rules.get(pair.rule?)?;
        Some(View { pair, rule, specs: &self.net.streams, states: &self.streams })
    }

    fn evaluate(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let (Some(view), Some(memory)) = (self.view(index), self.memories.get(index)) else { return };
        let mut memory = memory.clone();
        let known_before = memory.known;
        let verdict = view.evaluate(&mut memory, self.now);
        if let Some(from) = verdict.changed_from {
            effects.push(Effect::LevelChanged(Box::new(Transition {
                pair: view.pair.key,
                area_code: view.pair.area_code.clone(),
                area_name: view.pair.area_name.clone(),
                from,
                to: memory.shown,
                known_before,
                known: memory.known,
                at: from_micros(self.now),
                seq: self.seq,
                rule_id: view.rule.id.clone(),
                rule_version: view.rule.version,
                reasons: view.reasons(&memory, self.now),
            })));
        }
        if let Some(slot) = self.memories.get_mut(index) {
            *slot = memory;
        }
        self.touched.insert(index);
        self.arm(index, verdict.next_check);
    }

    /// One timer a pair, at the soonest instant it asked for: a later wish is met when the earlier timer fires.
    fn arm(&mut self, index: usize, at: Option<Micros>) {
        let (Some(at), Some(armed)) = (at, self.armed.get_mut(index)) else { return };
        if armed.is_some_and(|armed| armed <= at) {
            return;
        }
        if let Some(later) = armed.replace(at) {
            self.timers.remove(&(later, index));
        }
        self.timers.insert((at, index));
    }
}

/// A pair as it stands.
#[derive(Debug)]
pub struct Explained<'a> {
    pub pair: &'a BoundPair,
    pub memory: &'a PairMemory,
    pub rule_id: &'a str,
    pub rule_version: i32,
    pub reasons: Vec<Reason>,
    pub at: Instant,
}

#[cfg(test)]
mod tests;
