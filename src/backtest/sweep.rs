//! Many sets of thresholds over the same past, on all cores. The results come in the order of the sets, whatever finished first,
//! and do not depend on how the sets are divided.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

use super::bridge;
use super::events::areas_of;
use super::run::Timeline;
use super::score::{Score, Tally, Watch};
use super::{Case, LeadMax};
use crate::cobrade::Cobrade;
use crate::ids::AreaId;
use crate::risk::network::Bound;
use crate::risk::rule::{Dial, Rule};
use crate::units::{Fixed, Level};

/// More than this is a mistake in `steps`, not a wish.
pub const MAX_SETS: usize = 100_000;
/// Sets that share one engine: more of them fold the readings fewer times, and fewer show progress sooner.
const MOST_TOGETHER: usize = 25;

/// A threshold that is swept, as asked for: "alert.1=20..60/9", "chuva-encosta/alert.1=20..60".
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Empty = the only rule that has such a threshold.
    pub rule: String,
    pub address: String,
    /// In the canonical unit.
    pub from: Fixed,
    pub to: Fixed,
    /// Values from `from` to `to`, both among them.
    pub steps: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongSweep(pub String);

impl std::str::FromStr for Axis {
    type Err = WrongSweep;

    fn from_str(text: &str) -> Result<Self, WrongSweep> {
        let wrong = |what: &str| WrongSweep(format!("{text:?}: {what}; expected such as \"alert.1=20..60/9\""));
        let (address, range) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let (rule, address) = address.rsplit_once('/').unwrap_or(("", address));
        let (range, steps) = match range.split_once('/') {
            Some((range, steps)) => (range, steps.parse().map_err(|_| wrong("the steps are no number"))?),
            None => (range, 10),
        };
        let (from, to) = range.split_once("..").ok_or_else(|| wrong("the range has no .."))?;
        let number = |text: &str| {
            let number = text.trim().parse::<f64>().ok().and_then(|number| Fixed::try_from(number).ok());
            number.ok_or_else(|| wrong("the range holds what is no number"))
        };
        let (from, to) = (number(from)?, number(to)?);
        if from >= to {
            return Err(wrong("the range does not rise"));
        }
        if !(2..=1000).contains(&steps) {
            return Err(wrong("steps lie from 2 to 1000"));
        }
        Ok(Self { rule: rule.to_owned(), address: address.to_owned(), from, to, steps })
    }
}

impl Axis {
    /// The rule among `rules` and its threshold.
    ///
    /// # Errors
    /// No rule has it, or several have.
    pub fn find(&self, rules: &[Rule]) -> Result<(usize, Dial), WrongSweep> {
        let mut found = Vec::new();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| self.rule.is_empty() || rule.id == self.rule) {
            found
                .extend(rule.dials().into_iter().filter(|dial| dial.address == self.address).map(|dial| (index, dial)));
        }
        let known = || {
            let all = rules
                .iter()
                .flat_map(|rule| rule.dials().into_iter().map(|dial| format!("{}/{}", rule.id, dial.address)));
            all.collect::<Vec<_>>().join(", ")
        };
        match (found.len(), found.pop()) {
            (1, Some(one)) => Ok(one),
            (0, _) => Err(WrongSweep(format!("{}: no rule has this threshold; there are {}", self.address, known()))),
            _ => Err(WrongSweep(format!("{}: several rules have it; say which: {}", self.address, known()))),
        }
    }
}

/// Every threshold of the rules from half to double.
pub fn every_axis(rules: &[Rule]) -> Vec<Axis> {
    let of = |rule: &Rule| {
        let id = rule.id.clone();
        rule.dials().into_iter().filter(|dial| dial.at.0 > 0).map(move |dial| Axis {
            rule: id.clone(),
            address: dial.address,
            from: Fixed(dial.at.0 / 2),
            to: Fixed(dial.at.0.saturating_mul(2)),
            steps: 10,
        })
    };
    rules.iter().flat_map(of).collect()
}

/// Every combination, the last axis turning fastest. One value an axis in each set.
///
/// # Errors
/// More than [`MAX_SETS`].
pub fn grid(axes: &[Axis]) -> Result<Vec<Vec<Fixed>>, WrongSweep> {
    let count = axes.iter().try_fold(1_usize, |count, axis| count.checked_mul(axis.steps));
    if count.is_none_or(|count| count > MAX_SETS) {
        let message = format!("the grid has more than {MAX_SETS} sets; take fewer steps, or --sweep-random");
        return Err(WrongSweep(message));
    }
    let mut sets = vec![Vec::new()];
    for axis in axes {
        let value = |step: usize| {
            let part = i128::from(axis.to.0 - axis.from.0) * step as i128 / (axis.steps - 1) as i128;
            Fixed(axis.from.0 + part as i64)
        };
        sets = sets
            .iter()
            .flat_map(|set| (0..axis.steps).map(move |step| set.iter().copied().chain([value(step)]).collect()))
            .collect();
    }
    Ok(sets)
}

/// `count` sets, each value drawn evenly from its axis to a hundredth of the range.
pub fn random(axes: &[Axis], count: usize, seed: u64) -> Vec<Vec<Fixed>> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut value = |axis: &Axis| {
        let part = i128::from(axis.to.0 - axis.from.0) * i128::from(chance.random_range(0..=100_u32)) / 100;
        Fixed(axis.from.0 + part as i64)
    };
    (0..count).map(|_| axes.iter().map(&mut value).collect()).collect()
}

/// What a set of thresholds came to, all cases together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetResult {
    /// In the order of the axes, in the canonical unit.
    pub values: Vec<Fixed>,
    pub scores: Vec<Score>,
}

pub type Tallies = BTreeMap<(Cobrade, Level), Tally>;

/// A case made ready: bound once, its events found once.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub case: &'a Case,
    pub bound: Bound,
    pub watch: Watch,
    /// For each area and hazard the instants of its events within the period, in order.
    pub events: BTreeMap<(AreaId, Cobrade), Vec<i64>>,
}

impl<'a> Prepared<'a> {
    /// # Errors
    /// Two rules that claim the same hazard and grade.
    pub fn new(case: &'a Case, lead_max: LeadMax) -> anyhow::Result<Self> {
        let bound = case.network.clone().bind()?.in_zone(case.time_zone);
        let mut events: BTreeMap<(AreaId, Cobrade), Vec<i64>> = BTreeMap::new();
        for event in case.events.iter().filter(|event| event.at >= case.period.from && event.at < case.period.to) {
            for area in areas_of(event, &case.network.areas) {
                events.entry((area, event.cobrade)).or_default().push(event.at.timestamp_micros());
            }
        }
        events.values_mut().for_each(|instants| instants.sort_unstable());
        Ok(Self { case, bound, watch: Watch::new(case.period, case.time_zone, lead_max), events })
    }

    /// Counts every level that the rules know.
    pub fn tally(&self, lines: &[Timeline], rules: &[Rule], into: &mut Tallies) {
        for line in lines {
            let Some(rule) = rules.iter().find(|rule| rule.id == line.rule_id) else { continue };
            let none = Vec::new();
            let events = self.events.get(&(line.pair.area, line.pair.hazard)).unwrap_or(&none);
            for level in &rule.levels {
                let tally = self.watch.tally(line, level.level, events);
                into.entry((line.pair.hazard, level.level)).or_default().add(&tally);
            }
        }
    }
}

pub fn scores(tallies: &Tallies) -> Vec<Score> {
    tallies.iter().map(|((hazard, level), tally)| Score::of(*hazard, *level, tally)).collect()
}

/// The rules of a case with one set of thresholds.
fn rules_with(rules: &[Rule], axes: &[Axis], values: &[Fixed]) -> anyhow::Result<Vec<Rule>> {
    let mut to: BTreeMap<usize, BTreeMap<String, Fixed>> = BTreeMap::new();
    for (axis, value) in axes.iter().zip(values) {
        to.entry(axis.find(rules)?.0).or_default().insert(axis.address.clone(), *value);
    }
    let turn = |(index, rule): (usize, &Rule)| match to.get(&index) {
        Some(to) => Ok(rule.turned(to)?),
        None => Ok(rule.clone()),
    };
    rules.iter().enumerate().map(turn).collect()
}

/// Tries every set on every case. `progress` is told how many sets are done, on the calling thread.
///
/// # Errors
/// A threshold that is not there, or that cannot take a value.
pub fn sweep(
    cases: &[Prepared<'_>],
    axes: &[Axis],
    sets: &[Vec<Fixed>],
    threads: usize,
    mut progress: impl FnMut(usize),
) -> anyhow::Result<Vec<SetResult>> {
    // All are turned before anything runs: a mistake is told at once.
    let mut turned = Vec::with_capacity(sets.len());
    for values in sets {
        let rules = cases.iter().map(|case| rules_with(&case.case.network.rules, axes, values));
        turned.push(rules.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let together = sets.len().div_ceil(threads.max(1) * 8).clamp(1, MOST_TOGETHER);
    let chunks: Vec<&[Vec<Vec<Rule>>]> = turned.chunks(together).collect();
    let next = AtomicUsize::new(0);
    let mut found: Vec<Option<Vec<Tallies>>> = chunks.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let (told, results) = mpsc::channel();
        for _ in 0..threads.clamp(1, chunks.len().max(1)) {
            let (told, next, chunks) = (told.clone(), &next, &chunks);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(chunk) = chunks.get(index) else { break };
                    if told.send((index, try_chunk(cases, chunk))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(told);
        let mut done = 0;
        for (index, tallies) in results {
            done += tallies.len();
            if let Some(slot) = found.get_mut(index) {
                *slot = Some(tallies);
            }
            progress(done);
        }
    });
    let tallies = found.into_iter().flatten().flatten();
    Ok(sets.iter().zip(tallies).map(|(values, t)| SetResult { values: values.clone(), scores: scores(&t) }).collect())
}

/// A few sets over every case: for each set the rules of each case.
fn try_chunk(cases: &[Prepared<'_>], chunk: &[Vec<Vec<Rule>>]) -> Vec<Tallies> {
    let mut tallies: Vec<Tallies> = chunk.iter().map(|_| Tallies::new()).collect();
    for (index, case) in cases.iter().enumerate() {
        let sets: Vec<Vec<Rule>> = chunk.iter().filter_map(|rules| rules.get(index).cloned()).collect();
        let lines = bridge::run_sets(&case.bound, &sets, &case.case.readings, case.case.period);
        for ((lines, rules), tallies) in lines.iter().zip(&sets).zip(&mut tallies) {
            case.tally(lines, rules, tallies);
        }
    }
    tallies
}

/// The set with the highest CSI among those that detect at least `floor` of the event days; of equal ones the first.
pub fn best(results: &[SetResult], hazard: Cobrade, level: Level, floor: f64) -> Option<usize> {
    let score = |result: &SetResult| {
        let score = result.scores.iter().find(|score| score.hazard == hazard && score.level == level)?;
        score.pod.filter(|pod| *pod >= floor)?;
        score.csi
    };
    let mut best: Option<(usize, f64)> = None;
    for (index, result) in results.iter().enumerate() {
        if let Some(csi) = score(result).filter(|csi| best.is_none_or(|(_, highest)| *csi > highest)) {
            best = Some((index, csi));
        }
    }
    best.map(|(index, _)| index)
}

#[cfg(test)]
pub(crate) mod tests;
