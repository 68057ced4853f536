//! Where the back-test leans on how a network is bound: many sets of thresholds in one engine, and which streams an area reads.

use std::collections::BTreeMap;

use crate::engine::ReadingInput;
use crate::ids::AreaId;
use crate::risk::network::{Bound, PairKey};
use crate::risk::rule::Rule;

use super::run::{Period, Timeline, run};

/// Runs one network under many sets of its rules, each set standing beside the others in one engine. Windows, quality control and
/// silence are folded once; only the judgement is made for each set. It gives what as many single runs would give, because pairs
/// know nothing of each other; a test holds the two together.
///
/// Each of `sets` has a rule for every rule of `base`, which differs from it in thresholds alone: windows and stations must be the same.
/// The timelines of each set come in the order of `sets`.
pub fn run_sets(base: &Bound, sets: &[Vec<Rule>], readings: &[ReadingInput], period: Period) -> Vec<Vec<Timeline>> {
    let (bound, keys) = beside(base, sets);
    let lines = run(bound, readings, period);
    let mut results: Vec<Vec<Timeline>> = sets.iter().map(|_| Vec::new()).collect();
    for mut line in lines {
        let Some((set, key)) = keys.get(&line.pair) else { continue };
        line.pair = *key;
        if let Some(result) = results.get_mut(*set) {
            result.push(line);
        }
    }
    results
}

/// The network with a copy of its pairs for each set, and for each copy whose it is. Copies are told apart by numbers in place of
/// the area.
fn beside(base: &Bound, sets: &[Vec<Rule>]) -> (Bound, BTreeMap<PairKey, (usize, PairKey)>) {
    let mut bound = base.clone();
    bound.rules = Vec::new();
    bound.pairs = Vec::with_capacity(base.pairs.len() * sets.len());
    let mut keys = BTreeMap::new();
    for (set, rules) in sets.iter().enumerate() {
        let first = bound.rules.len();
        for pair in &base.pairs {
            let key = PairKey { area: AreaId(bound.pairs.len() as i64), hazard: pair.key.hazard };
            keys.insert(key, (set, pair.key));
            let mut copy = pair.clone();
            // As binding does: the rule as it stands for this area, equal ones once.
            let rule = rules.iter().find(|rule| rule.applies_to(pair.key.hazard, pair.grade));
            let rule = rule.map(|rule| rule.fitted(&pair.area_code, pair.grade));
            (copy.key, copy.rule) = (key, rule.map(|rule| place_of(&mut bound.rules, first, rule)));
            bound.pairs.push(copy);
        }
    }
    for fed in &mut bound.fed_by {
        *fed = (0..sets.len()).flat_map(|set| fed.iter().map(move |pair| pair + set * base.pairs.len())).collect();
    }
    (bound, keys)
}

/// Where a rule stands among those of its set, which begin at `first`; at the end, if it is new.
fn place_of(rules: &mut Vec<Rule>, first: usize, rule: Rule) -> usize {
    let known = rules.iter().skip(first).position(|known| *known == rule);
    known.map_or_else(
        || {
            rules.push(rule);
            rules.len() - 1
        },
        |place| first + place,
    )
}

/// Indexes of the streams that feed each pair, in the order of the streams.
pub fn streams_of(bound: &Bound) -> Vec<Vec<usize>> {
    let mut streams = vec![Vec::new(); bound.pairs.len()];
    for (stream, pairs) in bound.fed_by.iter().enumerate() {
        for pair in pairs {
            if let Some(found) = streams.get_mut(*pair) {
                found.push(stream);
            }
        }
    }
    streams
}
