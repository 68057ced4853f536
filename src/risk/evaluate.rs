//! One (area × hazard): from measured values to a level, with hysteresis, waiting times and blindness.
//!
//! A level rises once its conditions have held for `for`, and falls once they have been below their clear thresholds for
//! `clear_after`. With too few fresh stations and nothing that raises, the area is unknown; the level it had is
//! remembered, so that the data's return neither forgets a warning nor ends one early.

use serde::{Deserialize, Serialize};

use crate::clock::from_micros;
use crate::risk::network::{BoundPair, StreamSpec};
use crate::risk::reason::{Measured, Outcome, Reason};
use crate::risk::rule::{Condition, Rule};
use crate::risk::series::Micros;
use crate::risk::stream::{StreamState, Track};
use crate::units::{Fixed, Level, Quantity};

const STATIONS_SHOWN: usize = 8;
/// How long the last word of a silent station keeps a level from falling.
const LAST_WORD_COUNTS: Micros = 24 * 3_600_000_000;

/// The engine's memory of one pair; stored with the level, so that a restart in mid-storm changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairMemory {
    /// What is shown.
    pub shown: Level,
    /// The last level that data supported.
    pub known: Level,
    pub since: Micros,
    /// For each level of the rule, since when its conditions hold without a break.
    pub met_since: Vec<Option<Micros>>,
    /// Since when the conditions of the known level are clear.
    pub clear_since: Option<Micros>,
}

impl Default for PairMemory {
    fn default() -> Self {
        Self { shown: Level::Unknown, known: Level::Normal, since: 0, met_since: Vec::new(), clear_since: None }
    }
}

/// What an evaluation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub changed_from: Option<Level>,
    /// When to look again if no reading comes.
    pub next_check: Option<Micros>,
}

/// Everything an evaluation reads.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub pair: &'a BoundPair,
    pub rule: &'a Rule,
    pub specs: &'a [StreamSpec],
    pub states: &'a [StreamState],
}

impl<'a> View<'a> {
    /// Moves the memory to `now` and tells whether the shown level changed.
    pub fn evaluate(self, memory: &mut PairMemory, now: Micros) -> Verdict {
        memory.met_since.resize(self.rule.levels.len(), None);
        let lost = self.lost_danger_until(memory.known, now);
        let mut blind = self.is_blind(now) || lost.is_some();
        let mut target = Level::Normal;
        let mut held = Level::Normal;
        let mut next_check =
            lost.map_or_else(|| self.first_silence(now), |until| sooner(self.first_silence(now), until));
        for (index, (rule, since)) in self.rule.levels.iter().zip(&mut memory.met_since).enumerate() {
            let outcome = strongest(rule.any.iter().map(|condition| self.judge(condition, now).0));
            // "Normal" claims that the lowest level's conditions were looked at.
            blind |= index == 0 && outcome == Outcome::NoData;
            if outcome != Outcome::Met {
                *since = None;
            } else {
                let held_since = *since.get_or_insert(now);
                if held_since + rule.hold_for <= now {
                    target = rule.level;
                } else {
                    next_check = sooner(next_check, held_since + rule.hold_for);
                }
            }
            if matches!(outcome, Outcome::Met | Outcome::Holding) && rule.level <= memory.known {
                held = rule.level;
            }
        }
        if !blind || target > memory.known {
            next_check = self.move_level(memory, target, target.max(held), now, next_check);
        } else {
            memory.clear_since = None;
        }
        // Data that shows danger stands even where other data is missing; only "all is well" needs sight.
        let shown = if blind && target.max(held) == Level::Normal { Level::Unknown } else { memory.known };
        let before = memory.shown;
        if shown == before {
            return Verdict { changed_from: None, next_check };
        }
        (memory.shown, memory.since) = (shown, now);
        Verdict { changed_from: Some(before), next_check }
    }

    fn move_level(
        self,
        memory: &mut PairMemory,
        target: Level,
        floor: Level,
        now: Micros,
        next_check: Option<Micros>,
    ) -> Option<Micros> {
        if target > memory.known {
            (memory.known, memory.clear_since) = (target, None);
            return next_check;
        }
        if floor >= memory.known {
            memory.clear_since = None;
            return next_check;
        }
        let known = memory.known;
        let delay = self.rule.levels.iter().find(|rule| rule.level == known).map_or(0, |rule| rule.clear_after);
        let since = *memory.clear_since.get_or_insert(now);
        if since + delay <= now {
            (memory.known, memory.clear_since) = (floor, None);
            return next_check;
        }
        sooner(next_check, since + delay)
    }

    /// A station that held the known level up and then fell silent may have been carried off by what it measured. For a
    /// day its last word keeps the level from falling; returns until when.
    fn lost_danger_until(self, known: Level, now: Micros) -> Option<Micros> {
        let holding = self.rule.levels.iter().filter(|rule| rule.level <= known).flat_map(|rule| &rule.any);
        let last_words = holding.flat_map(|condition| {
            let silent = self.feed(condition.selector).filter(move |(spec, track)| !is_fresh(spec, track, now));
            silent.filter_map(move |(spec, track)| {
                let value = track.measure(spec, condition.measure, condition.clear_below)?;
                let until = track.received_at()? + LAST_WORD_COUNTS;
                (value >= condition.clear_below && now < until).then_some(until)
            })
        });
        last_words.max()
    }

    fn is_blind(self, now: Micros) -> bool {
        // That nobody reports anything blinds no area, and says nothing of it either.
        let mut asked =
            self.rule.selectors.iter().enumerate().filter(|(_, selector)| selector.quantity != Quantity::Reports);
        asked.any(|(index, selector)| {
            self.feed(index).filter(|(spec, track)| is_fresh(spec, track, now)).count() < selector.min_fresh
        })
    }

    /// The streams of a selector, each with what the selector may read of it.
    fn feed(self, selector: usize) -> impl Iterator<Item = (&'a StreamSpec, &'a Track)> {
        let suspect = self.rule.selectors.get(selector).is_some_and(|selector| selector.suspect);
        let feed = self.pair.feeds.get(selector).map_or(&[][..], Vec::as_slice);
        feed.iter().filter_map(move |&index| Some((self.specs.get(index)?, self.states.get(index)?.track(suspect))))
    }

    fn first_silence(self, now: Micros) -> Option<Micros> {
        let silences = (0..self.pair.feeds.len())
            .flat_map(|selector| self.feed(selector))
            .filter_map(|(spec, track)| track.fresh_until(spec).filter(|until| *until > now));
        silences.min()
    }

    /// The outcome of one condition and the value it judged: the k-th highest among the fresh stations.
    fn judge(self, condition: &Condition, now: Micros) -> (Outcome, Option<Fixed>) {
        let Some(selector) = self.rule.selectors.get(condition.selector) else { return (Outcome::NoData, None) };
        let values = self
            .feed(condition.selector)
            .filter(|(spec, track)| is_fresh(spec, track, now))
            .filter_map(|(spec, track)| track.measure(spec, condition.measure, condition.clear_below));
        let value = kth_highest(values, selector.k);
        let outcome = match value {
            None => Outcome::NoData,
            Some(value) if value >= condition.at_least => Outcome::Met,
            Some(value) if value >= condition.clear_below => Outcome::Holding,
            Some(_) => Outcome::NotMet,
        };
        (outcome, value)
    }

    /// The conditions that matter for the level shown: those met or holding, else those of the lowest level.
    pub fn reasons(self, memory: &PairMemory, now: Micros) -> Vec<Reason> {
        let speaking = self.rule.levels.iter().filter(|rule| rule.level <= memory.known.max(Level::Observation));
        let mut reasons: Vec<Reason> = speaking
            .flat_map(|rule| rule.any.iter().map(|condition| self.reason(rule.level, condition, now)))
            .collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse((reason.outcome == Outcome::Met, reason.level)));
        let strongest = reasons.iter().filter(|reason| reason.outcome == Outcome::Met).map(|reason| reason.level).max();
        match strongest {
            Some(level) => reasons.retain(|reason| reason.level == level || reason.outcome == Outcome::Holding),
            None => {
                if memory.known <= Level::Normal {
                    let lowest = self.rule.levels.first().map(|rule| rule.level);
                    reasons.retain(|reason| Some(reason.level) == lowest);
                }
            }
        }
        reasons
    }

    fn reason(self, level: Level, condition: &Condition, now: Micros) -> Reason {
        let (outcome, value) = self.judge(condition, now);
        let selector = self.rule.selectors.get(condition.selector);
        let feed = self.pair.feeds.get(condition.selector).map_or(&[][..], Vec::as_slice);
        let mut stations: Vec<Measured> =
            feed.iter().filter_map(|&index| self.measured(index, condition, now)).collect();
        stations.sort_by(|a, b| (b.fresh, b.value).cmp(&(a.fresh, a.value)).then_with(|| a.code.cmp(&b.code)));
        let silent = stations.iter().filter(|station| !station.fresh).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (asked, silent) = (count(stations.len()), count(silent));
        stations.truncate(STATIONS_SHOWN);
        let quantity = selector.map_or(Quantity::Rain, |selector| selector.quantity);
        Reason {
            level,
            quantity,
            measure: condition.measure.kind(),
            window_min: condition.measure.window_min(),
            unit: condition.measure.unit(quantity),
            value,
            threshold: condition.at_least,
            clear_below: condition.clear_below,
            outcome,
            stations,
            asked,
            silent,
        }
    }

    fn measured(self, index: usize, condition: &Condition, now: Micros) -> Option<Measured> {
        let suspect = self.rule.selectors.get(condition.selector).is_some_and(|selector| selector.suspect);
        let (spec, state) = (self.specs.get(index)?, self.states.get(index)?);
        let track = state.track(suspect);
        Some(Measured {
            code: spec.station_code.clone(),
            name: spec.station_name.clone(),
            value: track.measure(spec, condition.measure, condition.clear_below),
            observed_at: track.series.newest_at().map(from_micros),
            fresh: is_fresh(spec, track, now),
            doubt: state.doubt().cloned(),
        })
    }
}

fn is_fresh(spec: &StreamSpec, track: &Track, now: Micros) -> bool {
    track.fresh_until(spec).is_some_and(|until| now < until)
}

fn sooner(a: Option<Micros>, b: Micros) -> Option<Micros> {
    Some(a.map_or(b, |a| a.min(b)))
}

fn strongest(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Met => 3,
        Outcome::Holding => 2,
        Outcome::NotMet => 1,
        Outcome::NoData => 0,
    };
    outcomes.max_by_key(rank).unwrap_or(Outcome::NoData)
}

/// The k-th highest of the values (k = 1: the maximum) without allocating for the common case.
fn kth_highest(values: impl Iterator<Item = Fixed>, k: usize) -> Option<Fixed> {
    if k == 1 {
        return values.max();
    }
    let mut all: Vec<Fixed> = values.collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.get(k - 1).copied()
}
