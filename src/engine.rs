//! The pure core: folds journal rows into levels, and says what changed and why.
//!
//! It never awaits and reads no clock, no random source and no map order. Time is an input: each reading carries its
//! receipt, and timers (waiting times, silences) fire at their own due instants, in order, before anything later is
//! looked at. So the same log gives the same effects whatever the batch sizes and restart points.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::clock::{Instant, from_micros};
use crate::ids::{DatastreamId, Seq};
use crate::risk::calendar::Calendar;
use crate::risk::control::{Flag, MAX_NEIGHBOURS, Why};
use crate::risk::evaluate::{PairMemory, Sight, View};
use crate::risk::explain::Explanation;
use crate::risk::network::{Bound, BoundPair, PairKey};
use crate::risk::reason::Reason;
use crate::risk::series::Micros;
use crate::risk::stream::{self, StreamState};
use crate::units::{Fixed, Level, Quality, StreamKind};

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
    /// As judged on receipt; of a reading that is recalled, also by what stood before it.
    pub quality: Quality,
    /// Why it did not pass.
    pub why: Option<Box<Why>>,
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
    /// What alerts follow, before and after: the last level that data supported, unless quiet hours keep it back.
    pub known_before: Level,
    pub known: Level,
    pub at: Instant,
    /// The journal row that was being folded, or the last one before the timer.
    pub seq: Seq,
    pub rule_id: String,
    pub rule_version: i32,
    pub reasons: Vec<Reason>,
    /// Everything that was looked at.
    #[serde(skip)]
    pub explanation: Box<Explanation>,
}

/// What the core decides. Everything else (drafts, messages, incidents) follows from these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Effect {
    LevelChanged(Box<Transition>),
    /// Quiet hours are over: the level that is shown already is told.
    Told(Box<Transition>),
    /// A reading is not believed.
    Flagged(Box<Flag>),
}

#[derive(Clone, Debug)]
pub struct Engine {
    net: Bound,
    streams: Vec<StreamState>,
    /// While readings are recalled: what the next one in order takes back.
    taken_back: Vec<Option<(Seq, Quality)>>,
    memories: Vec<PairMemory>,
    timers: BTreeSet<(Micros, usize)>,
    armed: Vec<Option<Micros>>,
    /// Pairs whose numbers moved since `take_touched`.
    touched: Touched,
    calendar: Calendar,
    /// Reused from one evaluation to the next.
    sight: Sight,
    now: Micros,
    seq: Seq,
}

impl Engine {
    /// A core without history: every area is unknown until data comes.
    pub fn new(net: Bound) -> Self {
        let streams: Vec<StreamState> =
            net.streams.iter().zip(&net.windows).map(|(spec, windows)| StreamState::new(spec, windows)).collect();
        let pairs = net.pairs.len();
        let calendar = Calendar::new(net.zone);
        Self {
            net,
            taken_back: vec![None; streams.len()],
            streams,
            memories: vec![PairMemory::default(); pairs],
            timers: BTreeSet::new(),
            armed: vec![None; pairs],
            touched: Touched::default(),
            calendar,
            sight: Sight::default(),
            now: 0,
            seq: Seq(0),
        }
    }

    /// Takes a reading that was folded before a restart: it fills the windows and decides nothing. `taken_back` is the quality
    /// that the reading after it left of it.
    pub fn recall(&mut self, reading: &ReadingInput, taken_back: Option<Quality>) {
        let Some(&index) = self.net.stream_index.get(&reading.datastream) else { return };
        let (Some(spec), Some(state)) = (self.net.streams.get(index), self.streams.get_mut(index)) else { return };
        let Some(waiting) = self.taken_back.get_mut(index) else { return };
        // As it was then: the next reading in order told that the one before was a spike, and not a late one in between.
        if reading.quality != Quality::Fail
            && state.follows(reading)
            && let Some((seq, quality)) = waiting.take()
        {
            state.take_back(seq, quality);
        }
        state.take(reading, &spec.limits, reading.quality, reading.why.as_deref());
        if let Some(quality) = taken_back {
            *waiting = Some((reading.seq, quality));
        }
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
                let Some((stream, tells)) = self.take(reading, effects) else { return };
                if !tells {
                    self.net.fed_by.get(stream).into_iter().flatten().for_each(|pair| self.touched.note(*pair));
                    return;
                }
                let fed = self.net.fed_by.get(stream).map_or(0, Vec::len);
                for place in 0..fed {
                    let pair = self.net.fed_by.get(stream).and_then(|fed| fed.get(place)).copied();
                    pair.into_iter().for_each(|pair| self.evaluate(pair, effects));
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

    /// Every stream: those that feed no pair are judged and vouch for others all the same.
    pub fn streams(&self) -> Vec<DatastreamId> {
        self.net.streams.iter().map(|stream| stream.id).collect()
    }

    /// How far back each of them is looked at, in the order of `streams`.
    pub fn reaches(&self) -> Vec<Micros> {
        self.net.windows.iter().map(stream::Windows::furthest).collect()
    }

    /// The name of its station; empty for a stream that is not there.
    pub fn station_of(&self, datastream: DatastreamId) -> &str {
        let index = self.net.stream_index.get(&datastream);
        index.and_then(|index| self.net.streams.get(*index)).map_or("", |spec| spec.station_name.as_str())
    }

    pub fn knows(&self, datastream: DatastreamId) -> bool {
        self.net.stream_index.contains_key(&datastream)
    }

    /// A pair's memory and its reasons as of now.
    pub fn explain(&self, index: usize) -> Option<Explained<'_>> {
        let (pair, memory) = (self.net.pairs.get(index)?, self.memories.get(index)?);
        let rule = pair.rule.and_then(|rule| self.net.rules.get(rule));
        Some(Explained {
            pair,
            memory,
            rule_id: rule.map_or("", |rule| rule.id.as_str()),
            rule_version: rule.map_or(0, |rule| rule.version),
            reasons: self.with_view(index, |view| view.reasons(memory, self.now)).unwrap_or_default(),
            at: from_micros(self.now),
        })
    }

    /// Everything that was looked at for a pair's level as of now; `None` for a pair without a rule.
    pub fn explanation(&self, index: usize) -> Option<Explanation> {
        let memory = self.memories.get(index)?;
        self.with_view(index, |view| view.explanation(memory, self.now))
    }

    /// The same by name; also `None` for a pair that is not there.
    pub fn explanation_of(&self, key: PairKey) -> Option<Explanation> {
        self.explanation(self.net.pairs.iter().position(|pair| pair.key == key)?)
    }

    /// Looks at a pair as of now, without a reading having come.
    fn with_view<T>(&self, index: usize, of: impl FnOnce(View<'_>) -> T) -> Option<T> {
        let mut sight = Sight::default();
        let mut calendar = self.calendar.clone();
        calendar.turn_to(self.now);
        let pair = self.net.pairs.get(index)?;
        sight.look(pair, self.net.rules.get(pair.rule?)?, &self.net.streams, &self.streams, self.now);
        self.view(index, &calendar, &sight).map(of)
    }

    pub fn memory(&self, index: usize) -> Option<&PairMemory> {
        self.memories.get(index)
    }

    /// Pairs whose numbers moved since the last call.
    pub fn take_touched(&mut self) -> Vec<usize> {
        self.touched.take()
    }

    /// Judges a reading by what stands around it, and takes it. Tells its stream, and whether anybody need look: not where a gauge
    /// that spoke goes on speaking and every sum is what it was, as nearly all day long. What only time changes has its timers.
    fn take(&mut self, reading: &ReadingInput, effects: &mut Vec<Effect>) -> Option<(usize, bool)> {
        let index = *self.net.stream_index.get(&reading.datastream)?;
        let spec = self.net.streams.get(index)?;
        if reading.quality == Quality::Fail {
            self.streams.get_mut(index)?.take(reading, &spec.limits, Quality::Fail, reading.why.as_deref());
            return Some((index, true));
        }
        let (mut quality, mut why) = (reading.quality, reading.why.as_deref().cloned());
        let mut found = |of: (Quality, Why)| {
            effects.push(flagged(reading, &of));
            if of.0 > quality || why.is_none() {
                (quality, why) = (of.0.max(quality), Some(of.1));
            }
        };
        let state = self.streams.get(index)?;
        let own = state.judge(spec, reading);
        let failed = own.as_ref().is_some_and(|(quality, _)| *quality == Quality::Fail);
        let before = if failed { None } else { state.judge_before(spec, reading) };
        let dry = self.dry_among_wet(index, reading);
        own.into_iter().chain(dry).for_each(&mut found);
        let state = self.streams.get_mut(index)?;
        let spoke = before.is_none() && state.speaks(spec, self.now);
        if let Some(flag) = before {
            state.take_back(flag.seq, flag.quality);
            effects.push(Effect::Flagged(Box::new(flag)));
        }
        let tells = state.take(reading, &spec.limits, quality, why.as_ref());
        let goes_on = spoke && state.speaks(spec, self.now) && self.net.only_sums.get(index) == Some(&true);
        Some((index, tells || !goes_on))
    }

    /// The neighbour test: this gauge stays dry while those around it are wet.
    fn dry_among_wet(&self, index: usize, reading: &ReadingInput) -> Option<(Quality, Why)> {
        let (spec, state) = (self.net.streams.get(index)?, self.streams.get(index)?);
        let (limit, around) = (spec.limits.neighbours?, self.net.neighbours.get(index)?);
        let (window, at) = (stream::hours(limit.window_h), reading.observed_at.timestamp_micros());
        // Whoever measures more than any share of the least median is in no doubt; so the rest costs nothing in a storm.
        let own = state.whole_sum(window, reading).filter(|own| *own < limit.median)?;
        let mut sums = [Fixed(0); MAX_NEIGHBOURS];
        let mut count = 0;
        for &other in around {
            let (Some(spec), Some(state)) = (self.net.streams.get(other), self.streams.get(other)) else { continue };
            if let (Some(sum), Some(slot)) = (state.sum_beside(spec, window, at), sums.get_mut(count)) {
                *slot = sum;
                count += 1;
            }
        }
        let dry = limit.judge(own, sums.get_mut(..count)?)?;
        // A gauge that was silent for half of the time has not measured a dry day.
        if !state.spoke_all_through(spec, window) {
            return None;
        }
        let why =
            if spec.kind == StreamKind::CumulativeCounter { Why::StuckCounter(dry) } else { Why::Neighbours(dry) };
        Some((Quality::Suspect, why))
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

    fn view<'a>(&'a self, index: usize, calendar: &'a Calendar, sight: &'a Sight) -> Option<View<'a>> {
        let pair = self.net.pairs.get(index)?;
        let rule = self.net.rules.get(pair.rule?)?;
        Some(View { pair, rule, specs: &self.net.streams, states: &self.streams, calendar, sight })
    }

    fn evaluate(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let Some(mut memory) = self.memories.get_mut(index).map(std::mem::take) else { return };
        let mut sight = std::mem::take(&mut self.sight);
        self.calendar.turn_to(self.now);
        let verdict = self.look(index, &mut memory, &mut sight, effects);
        self.sight = sight;
        if let Some(slot) = self.memories.get_mut(index) {
            *slot = memory;
        }
        if let Some(next_check) = verdict {
            self.touched.note(index);
            self.arm(index, next_check);
        }
    }

    /// Moves the memory of a pair; returns when to look again, or nothing for a pair without a rule.
    fn look(
        &self,
        index: usize,
        memory: &mut PairMemory,
        sight: &mut Sight,
        effects: &mut Vec<Effect>,
    ) -> Option<Option<Micros>> {
        let pair = self.net.pairs.get(index)?;
        sight.look(pair, self.net.rules.get(pair.rule?)?, &self.net.streams, &self.streams, self.now);
        let view = self.view(index, &self.calendar, sight)?;
        let verdict = view.evaluate(memory, self.now);
        let changed = verdict.shown_before != memory.shown;
        if changed || verdict.told_before != memory.told() {
            let transition = Box::new(Transition {
                pair: view.pair.key,
                area_code: view.pair.area_code.clone(),
                area_name: view.pair.area_name.clone(),
                from: verdict.shown_before,
                to: memory.shown,
                known_before: verdict.told_before,
                known: memory.told(),
                at: from_micros(self.now),
                seq: self.seq,
                rule_id: view.rule.id.clone(),
                rule_version: view.rule.version,
                reasons: view.reasons(memory, self.now),
                explanation: Box::new(view.explanation(memory, self.now)),
            });
            effects.push(if changed { Effect::LevelChanged(transition) } else { Effect::Told(transition) });
        }
        Some(verdict.next_check)
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

/// A set of small numbers that costs next to nothing to add to.
#[derive(Clone, Debug, Default)]
struct Touched {
    list: Vec<usize>,
    is_in: Vec<bool>,
}

impl Touched {
    fn note(&mut self, index: usize) {
        if self.is_in.len() <= index {
            self.is_in.resize(index + 1, false);
        }
        if let Some(is_in) = self.is_in.get_mut(index).filter(|is_in| !**is_in) {
            *is_in = true;
            self.list.push(index);
        }
    }

    fn take(&mut self) -> Vec<usize> {
        for &index in &self.list {
            if let Some(is_in) = self.is_in.get_mut(index) {
                *is_in = false;
            }
        }
        std::mem::take(&mut self.list)
    }
}

fn flagged(reading: &ReadingInput, (quality, why): &(Quality, Why)) -> Effect {
    Effect::Flagged(Box::new(Flag {
        datastream: reading.datastream,
        seq: reading.seq,
        observed_at: reading.observed_at,
        quality: *quality,
        why: why.clone(),
    }))
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
