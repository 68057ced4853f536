//! The thresholds of a rule that can be turned, and a rule with some of them turned.

use std::collections::BTreeMap;

use crate::risk::rule::{Measure, Rule, RuleError};
use crate::units::{Fixed, Level, Quantity};

/// One threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    /// "alert.2": the second condition of the level.
    pub address: String,
    pub level: Level,
    pub quantity: Quantity,
    pub measure: Measure,
    pub unit: String,
    pub at: Fixed,
    pub clear: Fixed,
    /// Whether what is above it is the danger.
    pub rises: bool,
}

/// Every threshold of a rule, in its order.
pub fn dials(rule: &Rule) -> Vec<Dial> {
    let mut all = Vec::new();
    for level in &rule.levels {
        for (index, condition) in level.any.iter().enumerate() {
            let quantity = rule.selectors.get(condition.selector).map_or(Quantity::Rain, |selector| selector.quantity);
            all.push(Dial {
                address: format!("{}.{}", level.level, index + 1),
                level: level.level,
                quantity,
                measure: condition.measure,
                unit: condition.measure.unit(quantity),
                at: condition.at_least,
                clear: condition.clear_below,
                rises: true,
            });
        }
    }
    all
}

/// The rule with thresholds by address; the clear thresholds move in proportion.
///
/// # Errors
/// An address the rule does not have.
pub fn turned(rule: &Rule, to: &BTreeMap<String, Fixed>) -> Result<Rule, RuleError> {
    let mut turned = rule.clone();
    let known = dials(rule);
    if let Some(address) = to.keys().find(|address| !known.iter().any(|dial| dial.address == **address)) {
        let addresses: Vec<&str> = known.iter().map(|dial| dial.address.as_str()).collect();
        let message = format!("is no threshold; the rule has {}", addresses.join(", "));
        return Err(RuleError { rule: rule.id.clone(), place: address.clone(), message });
    }
    for level in &mut turned.levels {
        for (index, condition) in level.any.iter_mut().enumerate() {
            if let Some(at) = to.get(&format!("{}.{}", level.level, index + 1)) {
                let clear = i128::from(condition.clear_below.0) * i128::from(at.0);
                let clear =
                    clear.checked_div(i128::from(condition.at_least.0)).and_then(|clear| i64::try_from(clear).ok());
                (condition.at_least, condition.clear_below) = (*at, clear.map_or(*at, Fixed));
            }
        }
    }
    Ok(turned)
}
