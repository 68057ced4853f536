//! What would make it the next level: "12 mm more in the next hour".

use serde::{Deserialize, Serialize};

use crate::risk::derived::Derived;
use crate::risk::evaluate::View;
use crate::risk::measure::{Measure, Stage};
use crate::risk::network::Source;
use crate::risk::reason::{MeasureKind, Outcome};
use crate::risk::rule::{Combine, Condition, LevelRule, Node, Subject, dials};
use crate::risk::series::Micros;
use crate::units::{Fixed, Level, Quantity};

const HOUR: Micros = 3_600_000_000;
/// Slower changes say nothing about the next hours.
const LONGEST_AHEAD_MIN: i64 = 24 * 60;

/// What is missing to the next level in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Margin {
    pub level: Level,
    /// All of these together; the way that needs least.
    pub missing: Vec<Missing>,
}

/// What one condition lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub address: String,
    pub quantity: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    pub measure: MeasureKind,
    pub window_min: Option<u32>,
    pub threshold: Fixed,
    pub rises: bool,
    /// In `unit`, above zero. Of rain it is depth, in mm, whatever the condition compares.
    pub amount: Fixed,
    pub unit: String,
    /// Of rain: minutes in which it would have to fall. What leaves the window meanwhile is counted.
    pub within_min: Option<u32>,
    /// At the pace of the last hour: minutes until it is there.
    pub at_this_pace_min: Option<u32>,
}

impl View<'_> {
    /// What the next level above `known` lacks; `None` at the highest, or where nobody can say.
    pub fn margin(self, known: Level) -> Option<Margin> {
        let mut above = self.rule.levels.iter().filter(|rule| rule.level > known && self.is_in_force(rule));
        let next = above.next()?;
        let missing = self.lacks(next, &next.when)?.0;
        (!missing.is_empty()).then_some(Margin { level: next.level, missing })
    }

    /// What a branch lacks, with how far that is as a share of its thresholds. What is met lacks nothing.
    fn lacks(self, level: &LevelRule, node: &Node) -> Option<(Vec<Missing>, i64)> {
        if self.node(level, node) == Outcome::Met {
            return Some((Vec::new(), 0));
        }
        let ways = |of: &[Node]| {
            let mut ways: Vec<(Vec<Missing>, i64)> = of.iter().filter_map(|node| self.lacks(level, node)).collect();
            ways.sort_by_key(|(_, share)| *share);
            ways
        };
        let together = |ways: Vec<(Vec<Missing>, i64)>| {
            let share = ways.iter().map(|(_, share)| *share).max().unwrap_or(0);
            (ways.into_iter().flat_map(|(missing, _)| missing).collect(), share)
        };
        match node {
            Node::Leaf(index) => {
                let condition = level.conditions.get(*index)?;
                self.lack(level.level, *index, condition).map(|(missing, share)| (vec![missing], share))
            }
            Node::Any(of) => ways(of).into_iter().next(),
            Node::All(of) => {
                let ways = ways(of);
                (ways.len() == of.len()).then(|| together(ways))
            }
            Node::AtLeast(k, of) => {
                let mut ways = ways(of);
                ways.truncate(*k);
                (ways.len() == *k).then(|| together(ways))
            }
            // That something should cease is not said as an amount.
            Node::Not(_) => None,
        }
    }

    fn lack(self, level: Level, index: usize, condition: &Condition) -> Option<(Missing, i64)> {
        let limit = self.limit(condition).at;
        let subject = self.rule.subject(condition);
        let falls = condition.measure.adds_up();
        let amount = if falls { self.rain_needed(condition, limit)? } else { self.gap(condition, limit)? };
        let share = |of: Fixed| i128::from(amount.0) * 1_000 / i128::from(of.0.abs().max(1));
        let within = falls.then(|| condition.measure.window_min().map_or(60, |window| window.min(60)));
        let missing = Missing {
            address: dials::address(level, index, condition),
            quantity: subject.quantity(),
            derived: if let Subject::Derived(derived) = subject { Some(derived) } else { None },
            stage: if let Measure::Above(stage) = condition.measure { Some(stage) } else { None },
            measure: condition.measure.kind(),
            window_min: condition.measure.window_min(),
            threshold: limit,
            rises: condition.rises,
            amount,
            unit: if falls { subject.unit().to_owned() } else { condition.measure.unit(subject) },
            within_min: within,
            at_this_pace_min: if falls { None } else { self.minutes_to(condition, amount) },
        };
        let depth = match &condition.measure {
            Measure::Curve(curve) => curve.points.iter().map(|(_, depth)| *depth).min().unwrap_or(limit),
            _ => limit,
        };
        Some((missing, i64::try_from(share(depth)).unwrap_or(i64::MAX)))
    }

    /// From the value to the threshold.
    fn gap(self, condition: &Condition, limit: Fixed) -> Option<Fixed> {
        let value = self.combined(condition, limit)?;
        let gap = if condition.rises { limit.0.checked_sub(value.0)? } else { value.0.checked_sub(limit.0)? };
        (gap > 0).then_some(Fixed(gap))
    }

    /// The depth that would have to fall over the stations within the next hour, or the window where that is shorter.
    fn rain_needed(self, condition: &Condition, limit: Fixed) -> Option<Fixed> {
        if !condition.rises {
            return None;
        }
        let fresh = self.sources(condition.selector).filter(|(_, is_fresh)| *is_fresh);
        let mut needs: Vec<Fixed> = fresh.filter_map(|(source, _)| self.needed_at(source, condition, limit)).collect();
        needs.sort_unstable();
        match self.selector(condition)?.combine {
            Combine::Kth(k) => needs.get(k - 1).copied(),
            // Rain on all of them alike raises every mean by as much.
            _ => {
                let sum: i128 = needs.iter().map(|need| i128::from(need.0)).sum();
                let count = i128::try_from(needs.len()).ok().filter(|count| *count > 0)?;
                i64::try_from(sum / count).ok().map(Fixed)
            }
        }
        .filter(|need| need.0 > 0)
    }

    fn needed_at(self, source: &Source, condition: &Condition, limit: Fixed) -> Option<Fixed> {
        let series = &self.track(source, condition)?.series;
        series.newest_at()?;
        let over = |window: Micros, depth: i64| depth - series.remaining(window, HOUR.min(window)).0;
        let need = match &condition.measure {
            Measure::Sum(window) => over(*window, limit.0),
            Measure::Curve(curve) => {
                let depth = |depth: Fixed| {
                    i64::try_from(i128::from(depth.0) * i128::from(limit.0) / i128::from(Fixed::SCALE)).ok()
                };
                curve.points.iter().filter_map(|(window, of)| Some(over(*window, depth(*of)?))).min()?
            }
            Measure::Antecedent(index) => limit.0 - series.weighed(index.reach, &index.weights)?.0,
            _ => return None,
        };
        Some(Fixed(need))
    }

    /// Minutes until the gap is closed at the pace of the last hour of the station that is nearest to it.
    fn minutes_to(self, condition: &Condition, amount: Fixed) -> Option<u32> {
        if !matches!(condition.measure, Measure::Latest | Measure::Above(_)) {
            return None;
        }
        let fresh = self.sources(condition.selector).filter(|(_, is_fresh)| *is_fresh);
        let pace = |source: &Source| self.track(source, condition)?.series.rate_per_hour(HOUR);
        let paces = fresh.filter_map(|(source, _)| pace(source));
        let pace = if condition.rises { paces.max()? } else { Fixed(paces.min()?.0.checked_neg()?) };
        if pace.0 <= 0 {
            return None;
        }
        let minutes = i64::try_from(i128::from(amount.0) * 60 / i128::from(pace.0)).ok()?;
        u32::try_from(minutes).ok().filter(|_| minutes <= LONGEST_AHEAD_MIN)
    }
}
