//! One (area × hazard): from measured values to a level, with hysteresis, waiting times and blindness.
//!
//! A level rises once its conditions have held for `for`, and falls once they have been clear for `clear_after` and it has stood for
//! `stay_for`. With too few fresh stations and nothing that raises, the area is unknown; the level it had is
//! remembered, so that the data's return neither forgets a warning nor ends one early.

mod combine;
mod tree;

use serde::{Deserialize, Serialize};

use crate::risk::calendar::Calendar;
use crate::risk::measure::Measure;
use crate::risk::network::{BoundPair, Source, StreamSpec};
use crate::risk::reason::Outcome;
use crate::risk::rule::{Condition, LevelRule, Limit, Rule, Selector, Subject};
use crate::risk::series::Micros;
use crate::risk::stream::{StreamState, Track};
use crate::units::{Fixed, Level, Quantity};

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
    /// When the known level was reached.
    #[serde(default)]
    pub known_since: Micros,
    /// What alerts follow, while quiet hours keep the known level from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<Level>,
}

impl Default for PairMemory {
    fn default() -> Self {
        Self {
            shown: Level::Unknown,
            known: Level::Normal,
            since: 0,
            met_since: Vec::new(),
            clear_since: None,
            known_since: 0,
            held_back: None,
        }
    }
}

impl PairMemory {
    /// The level that alerts follow: the known one, unless quiet hours keep it back.
    pub fn told(&self) -> Level {
        self.held_back.unwrap_or(self.known)
    }
}

/// What an evaluation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub shown_before: Level,
    /// What alerts followed before.
    pub told_before: Level,
    /// When to look again if no reading comes.
    pub next_check: Option<Micros>,
}

/// Which sources speak for the present, in the order of the pair's feeds, and until when the first of them does.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    fresh: Vec<bool>,
    /// Where each selector's sources begin.
    starts: Vec<usize>,
    first_silence: Option<Micros>,
}

impl Sight {
    /// Looks at every source of a pair.
    pub fn look(&mut self, pair: &BoundPair, rule: &Rule, specs: &[StreamSpec], states: &[StreamState], now: Micros) {
        self.fresh.clear();
        self.starts.clear();
        self.first_silence = None;
        for (feed, selector) in pair.feeds.iter().zip(&rule.selectors) {
            self.starts.push(self.fresh.len());
            for source in &feed.sources {
                let until = fresh_until(source, selector.suspect, specs, states);
                let is_fresh = until.is_some_and(|until| now < until);
                self.fresh.push(is_fresh);
                if is_fresh {
                    self.first_silence = until.map(|until| self.first_silence.map_or(until, |first| first.min(until)));
                }
            }
        }
    }
}

impl Sight {
    /// Of a selector's sources, in their order.
    fn of(&self, selector: usize) -> &[bool] {
        self.starts.get(selector).and_then(|start| self.fresh.get(*start..)).unwrap_or_default()
    }
}

/// A source is silent when one of its streams is.
fn fresh_until(source: &Source, suspect: bool, specs: &[StreamSpec], states: &[StreamState]) -> Option<Micros> {
    let of = |index: usize| states.get(index)?.track(suspect).fresh_until(specs.get(index)?);
    source.beside.iter().try_fold(of(source.stream)?, |until, &other| Some(until.min(of(other)?)))
}

/// Everything an evaluation reads.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub pair: &'a BoundPair,
    pub rule: &'a Rule,
    pub specs: &'a [StreamSpec],
    pub states: &'a [StreamState],
    pub calendar: &'a Calendar,
    pub sight: &'a Sight,
}

impl<'a> View<'a> {
    /// Moves the memory to `now` and tells what stood before.
    pub fn evaluate(self, memory: &mut PairMemory, now: Micros) -> Verdict {
        memory.met_since.resize(self.rule.levels.len(), None);
        let (shown_before, known_before, told_before) = (memory.shown, memory.known, memory.told());
        let lost = self.lost_danger_until(memory.known, now);
        let mut blind = self.is_blind() || lost.is_some();
        let (mut target, mut held, mut is_asleep, mut untold) = (Level::Normal, Level::Normal, true, false);
        let mut next_check = [self.sight.first_silence, lost, self.day_ends()].into_iter().flatten().min();
        for (rule, since) in self.rule.levels.iter().zip(&mut memory.met_since) {
            if !self.is_in_force(rule) {
                *since = None;
                continue;
            }
            let outcome = self.outcome(rule);
            // "Normal" claims that the conditions of every level were looked at; that a warning is over claims so only of the lowest.
            let is_untold = matches!(outcome, Outcome::NoData | Outcome::Unsure);
            blind |= is_asleep && outcome == Outcome::NoData;
            untold |= is_untold && rule.conditions.iter().any(|condition| !self.is_word_of_others(condition));
            is_asleep = false;
            if outcome == Outcome::Met {
                let held_since = *since.get_or_insert(now);
                if held_since + rule.hold_for <= now {
                    target = rule.level;
                } else {
                    next_check = sooner(next_check, held_since + rule.hold_for);
                }
            } else {
                *since = None;
            }
            // What cannot be told yet ends no level either.
            if matches!(outcome, Outcome::Met | Outcome::Holding | Outcome::Unsure) && rule.level <= memory.known {
                held = rule.level;
            }
        }
        if !blind || target > memory.known {
            next_check = self.move_level(memory, target, target.max(held), now, next_check);
        } else {
            memory.clear_since = None;
        }
        if memory.known > known_before {
            memory.known_since = now;
        }
        next_check = self.hold_back(memory, told_before, now, next_check);
        // Data that shows danger stands even where other data is missing; only "all is well" needs sight, and a rule in force.
        let nothing_seen = (blind || untold && memory.known <= Level::Normal) && target.max(held) == Level::Normal;
        let shown =
            if nothing_seen || (is_asleep && memory.known <= Level::Normal) { Level::Unknown } else { memory.known };
        if shown != shown_before {
            (memory.shown, memory.since) = (shown, now);
        }
        Verdict { shown_before, told_before, next_check }
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
        let since = *memory.clear_since.get_or_insert(now);
        let due = self.falls_at(memory, since);
        if due > now {
            return sooner(next_check, due);
        }
        // A lower level that takes longer to clear stands on, and its own time begins.
        let slower = self.rule.levels.iter().filter(|rule| self.is_in_force(rule) && since + rule.clear_after > now);
        let slower = slower.map(|rule| rule.level).filter(|level| *level < memory.known).max();
        memory.known = slower.unwrap_or(Level::Normal).max(floor);
        memory.clear_since = (memory.known > floor).then_some(now);
        match memory.clear_since {
            Some(since) => sooner(next_check, self.falls_at(memory, since)),
            None => next_check,
        }
    }

    /// When the known level falls whose conditions are clear since then.
    pub fn falls_at(self, memory: &PairMemory, clear_since: Micros) -> Micros {
        let level = self.rule.levels.iter().find(|rule| rule.level == memory.known);
        let (delay, stay) = level.map_or((0, 0), |rule| (rule.clear_after, rule.stay_for));
        (clear_since + delay).max(memory.known_since + stay)
    }

    /// In quiet hours a rise to a low level is shown, and alerts hear of it when they end.
    fn hold_back(
        self,
        memory: &mut PairMemory,
        told: Level,
        now: Micros,
        next_check: Option<Micros>,
    ) -> Option<Micros> {
        let Some(quiet) = self.rule.quiet else {
            // Another version may have had quiet hours.
            memory.held_back = None;
            return next_check;
        };
        let low = memory.known > told && memory.known <= quiet.up_to;
        match quiet.until(self.calendar, now).filter(|_| low) {
            Some(until) => {
                memory.held_back = Some(told);
                sooner(next_check, until)
            }
            None => {
                memory.held_back = None;
                next_check
            }
        }
    }

    /// A station that held the known level up and then fell silent may have been carried off by what it measured. For a
    /// while its last word keeps the level from falling; returns until when.
    fn lost_danger_until(self, known: Level, now: Micros) -> Option<Micros> {
        if known <= Level::Normal {
            return None;
        }
        let holding = self.rule.levels.iter().filter(|rule| rule.level <= known && self.is_in_force(rule));
        let conditions = holding.flat_map(|rule| &rule.conditions).filter(|condition| !condition.negated);
        let last_words = conditions.flat_map(|condition| {
            let limit = self.limit(condition);
            let silent = self.sources(condition.selector).filter(|(_, is_fresh)| !is_fresh);
            silent.filter_map(move |(source, _)| {
                let until = self.track(source, condition)?.received_at()? + self.rule.last_word;
                let value = self.value(source, condition, limit.clear)?;
                (condition.reaches(value, limit.clear) && now < until).then_some(until)
            })
        });
        last_words.max()
    }

    /// Too few fresh stations. That nobody reports, warns or foretells anything blinds no area, and says nothing of it either.
    pub fn is_blind(self) -> bool {
        self.rule.selectors.iter().enumerate().any(|(index, selector)| {
            !is_word_of_others(selector)
                && self.sources(index).filter(|(_, is_fresh)| *is_fresh).count() < selector.min_fresh
        })
    }

    /// Whether it asks for what people report, others warn of, or somebody foretells.
    pub fn is_word_of_others(self, condition: &Condition) -> bool {
        self.selector(condition).is_some_and(is_word_of_others)
    }

    pub fn is_in_force(self, level: &LevelRule) -> bool {
        level.season.is_none_or(|season| season.holds(self.calendar.today()))
    }

    fn day_ends(self) -> Option<Micros> {
        self.pair.has_seasons.then(|| self.calendar.today().end)
    }

    /// The limit that counts today.
    pub fn limit(self, condition: &Condition) -> Limit {
        if condition.seasonal.is_empty() {
            return condition.limit;
        }
        let today = self.calendar.today();
        let seasonal = condition.seasonal.iter().rev().find(|(season, _)| season.holds(today));
        seasonal.map_or(condition.limit, |(_, limit)| *limit)
    }

    /// The sources of a selector, each with whether it speaks for the present.
    pub fn sources(self, selector: usize) -> impl Iterator<Item = (&'a Source, bool)> {
        let fresh = self.sight.of(selector);
        self.pair.sources(selector).iter().zip(fresh.iter().copied())
    }

    pub fn selector(self, condition: &Condition) -> Option<&'a Selector> {
        self.rule.selectors.get(condition.selector)
    }

    pub fn track(self, source: &Source, condition: &Condition) -> Option<&'a Track> {
        let suspect = self.selector(condition).is_some_and(|selector| selector.suspect);
        self.states.get(source.stream).map(|state| state.track(suspect))
    }

    /// What one source says, as far as it tells whether `from` is reached.
    pub fn value(self, source: &Source, condition: &Condition, from: Fixed) -> Option<Fixed> {
        let (selector, spec) = (self.selector(condition)?, self.specs.get(source.stream)?);
        let track = self.track(source, condition)?;
        match selector.subject {
            Subject::Derived(derived) => {
                let others = source.beside.iter().map(|&other| {
                    self.states.get(other).and_then(|state| state.track(selector.suspect).series.latest())
                });
                let all: Option<Vec<Fixed>> = std::iter::once(track.series.latest()).chain(others).collect();
                derived.value(&all?)
            }
            Subject::Measured(_) if selector.travel > 0 => on_its_way(track, spec, selector.travel, condition),
            Subject::Measured(_) => track.measure(spec, &condition.measure, from, condition.rises),
        }
    }
}

fn is_word_of_others(selector: &Selector) -> bool {
    matches!(selector.subject, Subject::Measured(Quantity::Reports | Quantity::Warnings | Quantity::RainForecast))
}

/// Of water that is still on its way, the worst.
fn on_its_way(track: &Track, spec: &StreamSpec, travel: Micros, condition: &Condition) -> Option<Fixed> {
    let (low, high) = track.series.extremes(travel)?;
    let worst = if condition.rises { high } else { low };
    match condition.measure {
        Measure::Above(stage) => spec.stages.get(stage).map(|stage| Fixed(worst.0 - stage.0)),
        _ => Some(worst),
    }
}

impl Condition {
    /// Whether a value lies on the dangerous side of a limit, or on it.
    pub fn reaches(&self, value: Fixed, limit: Fixed) -> bool {
        if self.rises { value >= limit } else { value <= limit }
    }
}

pub fn sooner(a: Option<Micros>, b: Micros) -> Option<Micros> {
    Some(a.map_or(b, |a| a.min(b)))
}
