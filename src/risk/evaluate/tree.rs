//! From conditions to the outcome of a level.

use super::View;
use crate::risk::reason::Outcome;
use crate::risk::rule::{Condition, LevelRule, Node};
use crate::units::Fixed;

impl View<'_> {
    /// How the conditions of a level come out together.
    pub fn outcome(self, level: &LevelRule) -> Outcome {
        self.node(level, &level.when)
    }

    pub fn node(self, level: &LevelRule, node: &Node) -> Outcome {
        let each = |of: &[Node]| -> [usize; 4] {
            let mut counts = [0; 4];
            for node in of {
                let place = place(self.node(level, node));
                if let Some(count) = counts.get_mut(place) {
                    *count += 1;
                }
            }
            counts
        };
        match node {
            Node::Leaf(index) => level.conditions.get(*index).map_or(Outcome::NoData, |leaf| self.judge(leaf).0),
            // The strongest: one that was looked at answers for those that could not be. How many must be seen is the selector's `min_fresh`.
            Node::Any(of) => {
                let mut best = Outcome::NoData;
                for node in of {
                    match self.node(level, node) {
                        Outcome::Met => return Outcome::Met,
                        other if place(other) < place(best) => best = other,
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
            None => Outcome::NoData,
            Some(value) if condition.reaches(value, limit.at) => Outcome::Met,
            Some(value) if condition.reaches(value, limit.clear) => Outcome::Holding,
            Some(_) => Outcome::NotMet,
        };
        (outcome, value)
    }
}

const fn place(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Met => 0,
        Outcome::Holding => 1,
        Outcome::NotMet => 2,
        Outcome::NoData => 3,
    }
}

/// The weakest. One that says no settles it, whatever the others would say.
const fn all([_, holding, not_met, no_data]: [usize; 4]) -> Outcome {
    match (not_met, no_data, holding) {
        (1.., ..) => Outcome::NotMet,
        (0, 1.., _) => Outcome::NoData,
        (0, 0, 1..) => Outcome::Holding,
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

const fn at_least(k: usize, [met, holding, _, no_data]: [usize; 4]) -> Outcome {
    if met >= k {
        Outcome::Met
    } else if met + holding >= k {
        Outcome::Holding
    } else if met + holding + no_data >= k {
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
        assert_eq!(all([3, 0, 1, 1]), Outcome::NotMet);
        assert_eq!(all([3, 0, 0, 1]), Outcome::NoData);
        assert_eq!(all([2, 1, 0, 0]), Outcome::Holding);
    }

    #[test]
    fn two_of_three_wait_for_the_third_only_while_it_could_matter() {
        assert_eq!(at_least(2, [2, 0, 1, 0]), Outcome::Met);
        assert_eq!(at_least(2, [1, 0, 1, 1]), Outcome::NoData);
        assert_eq!(at_least(2, [1, 0, 2, 0]), Outcome::NotMet);
        assert_eq!(at_least(2, [1, 1, 1, 0]), Outcome::Holding);
    }
}
