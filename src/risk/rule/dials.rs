//! The thresholds of a rule by their addresses: what forms, sweeps and overrides turn.

use std::collections::BTreeMap;

use super::{Condition, Rule, Subject};
use crate::risk::measure::Measure;
use crate::units::{Fixed, Level, Quantity};

/// One threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    /// "alert.2", the second condition of the level, or "alert.name".
    pub address: String,
    pub level: Level,
    pub quantity: Quantity,
    pub subject: Subject,
    pub measure: Measure,
    pub unit: String,
    pub at: Fixed,
    pub clear: Fixed,
    /// Danger lies above it.
    pub rises: bool,
}

/// A threshold that a rule does not have.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct NoSuchDial(pub String);

impl Rule {
    /// Every threshold, in the order of the file.
    pub fn dials(&self) -> Vec<Dial> {
        let mut dials = Vec::new();
        for level in &self.levels {
            for (index, condition) in level.conditions.iter().enumerate() {
                let subject = self.subject(condition);
                dials.push(Dial {
                    address: address(level.level, index, condition),
                    level: level.level,
                    quantity: subject.quantity(),
                    subject,
                    measure: condition.measure.clone(),
                    unit: condition.measure.unit(subject),
                    at: condition.limit.at,
                    clear: condition.limit.clear,
                    rises: condition.rises,
                });
            }
        }
        dials
    }

    /// The rule with other thresholds, in canonical units; their clear thresholds move in proportion.
    ///
    /// # Errors
    /// Names the address that the rule does not have.
    pub fn turned(&self, to: &BTreeMap<String, Fixed>) -> Result<Self, NoSuchDial> {
        let mut rule = self.clone();
        for (address, at) in to {
            let (level, index, _) = find(self, address).map_err(NoSuchDial)?;
            let condition = rule.levels.get_mut(level).and_then(|level| level.conditions.get_mut(index));
            if let Some(condition) = condition {
                condition.limit = condition.limit.moved(*at);
            }
        }
        Ok(rule)
    }

    pub fn subject(&self, condition: &Condition) -> Subject {
        self.selectors.get(condition.selector).map_or(Subject::Measured(Quantity::Rain), |selector| selector.subject)
    }
}

/// What a condition is called from outside.
pub fn address(level: Level, index: usize, condition: &Condition) -> String {
    if condition.name.is_empty() { format!("{level}.{}", index + 1) } else { format!("{level}.{}", condition.name) }
}

/// Level, place in it, and the condition of an address.
pub(super) fn find<'a>(rule: &'a Rule, wanted: &str) -> Result<(usize, usize, &'a Condition), String> {
    let found = rule.levels.iter().enumerate().find_map(|(place, level)| {
        let mut conditions = level.conditions.iter().enumerate();
        let named = conditions.find(|(index, condition)| {
            wanted == address(level.level, *index, condition) || wanted == format!("{}.{}", level.level, index + 1)
        })?;
        Some((place, named.0, named.1))
    });
    found.ok_or_else(|| {
        let known: Vec<String> = rule.dials().into_iter().map(|dial| dial.address).collect();
        format!("{wanted:?} is no threshold of this rule; it has {}", known.join(", "))
    })
}
