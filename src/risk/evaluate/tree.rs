//! From conditions to the outcome of a level.

use super::View;
use crate::risk::reason::Outcome;
use crate::risk::rule::{Combine, Condition, LevelRule, Node, Subject};
use crate::units::Fixed;

impl View<'_> {
    /// How the conditions of a level come out together.
    pub fn outcome(self, level: &LevelRule) -> Outcome {
        self.node(level, &level.when)
    }

    pub fn node(self, level: &LevelRule, node: &Node) -> Outcome {
        let each = |of: &[Node]| -> [usize; 5] {
            let mut counts = [0; 5];
            for node in of {
                let place = place(self.with_others(level, node));
                if let Some(count) = counts.get_mut(place) {
                    *count += 1;
                }
            }
            counts
        };
        match node {
            Node::Leaf(index) => level.conditions.get(*index).map_or(Outcome::NoData, |leaf| self.judge(leaf).0),
            // The strongest. One that was looked at answers for those that never can be (how many must be seen is the selector's
            // `min_fresh`), and not for those of which it cannot be told yet.
            Node::Any(of) => {
                let mut best = Outcome::NoData;
                for node in of {
                    match self.node(level, node) {
                        Outcome::Met => return Outcome::Met,
                        other if strength(other) < strength(best) => best = other,
                        _ => {}
                    }
                }
                best
            }
            Node::All(of) => all(each(of)),
            Node::Not(of) => not(self.node(level, of)),
            Node::AtLeast(k, of) => at_least(*k, each(of)),
        }
    }

    /// The outcome of one condition and the value it judged.
    pub fn judge(self, condition: &Condition) -> (Outcome, Option<Fixed>) {
        let limit = self.limit(condition);
        let value = self.combined(condition, limit.clear);
        let outcome = match value {
            None if self.may_answer(condition) => Outcome::Unsure,
            None => Outcome::NoData,
            Some(value) if condition.reaches(value, limit.at) => Outcome::Met,
            Some(value) if condition.reaches(value, limit.clear) => Outcome::Holding,
            Some(_) => Outcome::NotMet,
        };
        (outcome, value)
    }

    /// A branch beside others: that nobody reports, warns or foretells anything is as good as a no.
    fn with_others(self, level: &LevelRule, node: &Node) -> Outcome {
        let outcome = self.node(level, node);
        let condition = if let Node::Leaf(index) = node { level.conditions.get(*index) } else { None };
        let silent = outcome == Outcome::NoData && condition.is_some_and(|condition| self.is_word_of_others(condition));
        if silent { Outcome::NotMet } else { outcome }
    }

    /// Whether as many stations as it takes speak, and could settle the condition once they have spoken for a while.
    fn may_answer(self, condition: &Condition) -> bool {
        let fresh = self.sources(condition.selector).filter(|(_, is_fresh)| *is_fresh);
        let able = fresh.filter(|(source, _)| {
            self.track(source, condition).zip(self.specs.get(source.stream)).is_some_and(|(track, spec)| {
                matches!(self.rule.subject(condition), Subject::Derived(_))
                    || track.can_answer(spec, &condition.measure)
            })
        });
        let needed = match self.selector(condition).map(|selector| selector.combine) {
            Some(Combine::Kth(k)) => k,
            _ => 1,
        };
        able.count() >= needed
    }
}

const fn place(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Met => 0,
        Outcome::Holding => 1,
        Outcome::NotMet => 2,
        Outcome::Unsure => 3,
        Outcome::NoData => 4,
    }
}

/// The lower the stronger, where one is enough.
const fn strength(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Met => 0,
        Outcome::Unsure => 1,
        Outcome::Holding => 2,
        Outcome::NotMet => 3,
        Outcome::NoData => 4,
    }
}

/// The weakest. One that says no settles it, whatever the others would say.
const fn all([_, holding, not_met, unsure, no_data]: [usize; 5]) -> Outcome {
    match (not_met, no_data, unsure, holding) {
        (1.., ..) => Outcome::NotMet,
        (0, 1.., ..) => Outcome::NoData,
        (0, 0, 1.., _) => Outcome::Unsure,
        (0, 0, 0, 1..) => Outcome::Holding,
        _ => Outcome::Met,
    }
}

/// What is neither reached nor quite left is so either way round.
const fn not(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Met => Outcome::NotMet,
        Outcome::NotMet => Outcome::Met,
        other => other,
    }
}

const fn at_least(k: usize, [met, holding, _, unsure, no_data]: [usize; 5]) -> Outcome {
    if met >= k {
        Outcome::Met
    } else if met + holding >= k {
        Outcome::Holding
    } else if met + holding + unsure >= k {
        Outcome::Unsure
    } else if met + holding + unsure + no_data >= k {
        Outcome::NoData
    } else {
        Outcome::NotMet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_says_no_settles_all() {
        assert_eq!(all([3, 0, 1, 0, 1]), Outcome::NotMet);
        assert_eq!(all([3, 0, 0, 0, 1]), Outcome::NoData);
        assert_eq!(all([2, 1, 0, 0, 0]), Outcome::Holding);
    }

    #[test]
    fn two_of_three_wait_for_the_third_only_while_it_could_matter() {
        assert_eq!(at_least(2, [2, 0, 1, 0, 0]), Outcome::Met);
        assert_eq!(at_least(2, [1, 0, 1, 0, 1]), Outcome::NoData);
        assert_eq!(at_least(2, [1, 0, 2, 0, 0]), Outcome::NotMet);
        assert_eq!(at_least(2, [1, 1, 1, 0, 0]), Outcome::Holding);
    }
}
