//! Why an area is at its level, and what would move it: for people, for the API, for the record of an alert.

mod confidence;
mod margin;
mod reasons;

use serde::{Deserialize, Serialize};

pub use confidence::{Cause, Confidence, Trust};
pub use margin::{Margin, Missing};

use crate::clock::{Instant, from_micros};
use crate::cobrade::Cobrade;
use crate::risk::evaluate::{PairMemory, View};
use crate::risk::reason::{Outcome, Reason};
use crate::risk::rule::{LevelRule, Node};
use crate::risk::series::Micros;
use crate::units::{Grade, Level};

/// A pair's level at an instant, with everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub area_code: String,
    pub area_name: String,
    pub hazard: Cobrade,
    pub grade: Grade,
    pub rule_id: String,
    pub rule_version: i32,
    pub rule_title: String,
    pub at: Instant,
    /// What is shown.
    pub level: Level,
    /// The last level that data supported.
    pub known: Level,
    pub since: Instant,
    /// Too few stations speak for it.
    pub is_blind: bool,
    pub confidence: Confidence,
    /// Every level of the rule, the lowest first.
    pub levels: Vec<LevelExplained>,
    /// What would make it the next level.
    pub margin: Option<Margin>,
    /// A level whose conditions hold and that waits for its time.
    pub rises: Option<Due>,
    /// When the known level falls if nothing changes.
    pub falls_at: Option<Instant>,
    /// Until when quiet hours keep the level from alerts.
    pub held_back: bool,
}

/// A level that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub level: Level,
    pub at: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelExplained {
    pub level: Level,
    /// False out of its season.
    pub in_force: bool,
    pub outcome: Outcome,
    /// How long its conditions must hold, and be clear, and how long it stands at least, in minutes.
    pub for_min: u32,
    pub clear_after_min: u32,
    pub stay_min: u32,
    /// Since when its conditions hold.
    pub met_since: Option<Instant>,
    pub tree: Branch,
}

/// Conditions as the rule joins them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "join", rename_all = "snake_case")]
pub enum Branch {
    Condition(Box<Reason>),
    Any { outcome: Outcome, of: Vec<Branch> },
    All { outcome: Outcome, of: Vec<Branch> },
    Not { outcome: Outcome, of: Box<Branch> },
    AtLeast { outcome: Outcome, k: usize, of: Vec<Branch> },
}

impl View<'_> {
    /// The whole explanation as of now.
    pub fn explanation(self, memory: &PairMemory, now: Micros) -> Explanation {
        let levels: Vec<LevelExplained> = self
            .rule
            .levels
            .iter()
            .zip(memory.met_since.iter().copied().chain(std::iter::repeat(None)))
            .map(|(level, since)| self.level(level, since, now))
            .collect();
        let rises = self.rule.levels.iter().zip(&memory.met_since).rev().find_map(|(level, since)| {
            let due = (*since)? + level.hold_for;
            (level.level > memory.known && due > now).then(|| Due { level: level.level, at: from_micros(due) })
        });
        Explanation {
            area_code: self.pair.area_code.clone(),
            area_name: self.pair.area_name.clone(),
            hazard: self.pair.key.hazard,
            grade: self.pair.grade,
            rule_id: self.rule.id.clone(),
            rule_version: self.rule.version,
            rule_title: self.rule.title.clone(),
            at: from_micros(now),
            level: memory.shown,
            known: memory.known,
            since: from_micros(memory.since),
            is_blind: self.is_blind(),
            confidence: self.confidence(memory, now),
            margin: self.margin(memory.known),
            rises,
            falls_at: memory.clear_since.map(|since| from_micros(self.falls_at(memory, since))),
            held_back: memory.held_back.is_some(),
            levels,
        }
    }

    fn level(self, level: &LevelRule, since: Option<Micros>, now: Micros) -> LevelExplained {
        let minutes = |span: Micros| u32::try_from(span / 60_000_000).unwrap_or(u32::MAX);
        LevelExplained {
            level: level.level,
            in_force: self.is_in_force(level),
            outcome: self.outcome(level),
            for_min: minutes(level.hold_for),
            clear_after_min: minutes(level.clear_after),
            stay_min: minutes(level.stay_for),
            met_since: since.map(from_micros),
            tree: self.branch(level, &level.when, now),
        }
    }

    fn branch(self, level: &LevelRule, node: &Node, now: Micros) -> Branch {
        let outcome = self.node(level, node);
        let each = |of: &[Node]| of.iter().map(|node| self.branch(level, node, now)).collect();
        match node {
            Node::Leaf(index) => match level.conditions.get(*index) {
                Some(condition) => Branch::Condition(Box::new(self.reason(level.level, *index, condition, now))),
                None => Branch::Any { outcome, of: Vec::new() },
            },
            Node::Any(of) => Branch::Any { outcome, of: each(of) },
            Node::All(of) => Branch::All { outcome, of: each(of) },
            Node::Not(of) => Branch::Not { outcome, of: Box::new(self.branch(level, of, now)) },
            Node::AtLeast(k, of) => Branch::AtLeast { outcome, k: *k, of: each(of) },
        }
    }
}
