//! How many persons stand behind an alert, and whether the one who asks completes them. Pure.
//!
//! Where the policy wants two, whoever wrote the words may be the first of them and never the last: the second pair of eyes
//! belongs to somebody else. An approval counts for exactly the revision that was read.

use std::collections::BTreeSet;

use crate::alerts::kind::AlertKind;
use crate::ids::StaffId;
use crate::units::Level;

/// When one person is not enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Two from this level on; none: one is always enough.
    pub two_from: Option<Level>,
    /// The kinds of message the rule holds for.
    pub kinds: Vec<AlertKind>,
}

impl Policy {
    /// How many persons an alert of this kind and level needs: one or two.
    pub fn persons(&self, kind: AlertKind, level: Level) -> usize {
        let two = self.two_from.is_some_and(|from| level >= from) && self.kinds.contains(&kind);
        if two { 2 } else { 1 }
    }
}

/// What the decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// How many persons the policy wants.
    pub persons: usize,
    /// Whose words this revision has; none when a rule wrote them.
    pub author: Option<StaffId>,
    /// Who has approved exactly this revision, has not taken it back, and may still issue alerts.
    pub approvals: &'a BTreeSet<StaffId>,
    /// Who asks now.
    pub asks: StaffId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Issue,
    /// The approval counts, but somebody else must join; `have` persons stand behind it with the one who asks.
    NeedsAnother {
        have: usize,
    },
    Refused(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody approved already, and the words are those of the one who asks.
    AuthorCompletes,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AuthorCompletes => f.write_str(
                "whoever wrote the text cannot be the second to approve it; another approver is needed, or the first takes \
                 the approval back and gives it after yours",
            ),
        }
    }
}

/// Whether the one who asks completes the approval of this revision.
pub fn decide(case: Case<'_>) -> Verdict {
    if case.persons <= 1 {
        return Verdict::Issue;
    }
    let others = case.approvals.iter().filter(|person| **person != case.asks).count();
    let have = others + 1;
    if have < case.persons {
        return Verdict::NeedsAnother { have };
    }
    if case.author == Some(case.asks) { Verdict::Refused(Why::AuthorCompletes) } else { Verdict::Issue }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn person(n: u8) -> StaffId {
        StaffId(Uuid::from_u128(u128::from(n)))
    }

    /// One draft in memory: what an installation would keep of it.
    #[derive(Default)]
    struct Draft {
        author: Option<StaffId>,
        approvals: BTreeSet<StaffId>,
        issued_by: Option<StaffId>,
    }

    impl Draft {
        fn ask(&mut self, asks: StaffId) -> Verdict {
            let case = Case { persons: 2, author: self.author, approvals: &self.approvals, asks };
            let verdict = decide(case);
            if !matches!(verdict, Verdict::Refused(_)) {
                self.approvals.insert(asks);
            }
            if verdict == Verdict::Issue {
                self.issued_by = Some(asks);
            }
            verdict
        }
    }

    #[test]
    fn the_author_may_be_first_and_never_last() {
        let (ana, bruno, carla) = (person(1), person(2), person(3));
        let mut draft = Draft { author: Some(ana), ..Draft::default() };
        assert_eq!(draft.ask(ana), Verdict::NeedsAnother { have: 1 });
        assert_eq!(draft.ask(bruno), Verdict::Issue);

        let mut draft = Draft { author: Some(ana), ..Draft::default() };
        assert_eq!(draft.ask(bruno), Verdict::NeedsAnother { have: 1 });
        assert_eq!(draft.ask(ana), Verdict::Refused(Why::AuthorCompletes));
        assert_eq!(draft.ask(carla), Verdict::Issue);
    }

    #[test]
    fn one_person_asking_again_stays_one_person() {
        let mut draft = Draft::default();
        for _ in 0..5 {
            assert_eq!(draft.ask(person(1)), Verdict::NeedsAnother { have: 1 });
        }
    }

    #[test]
    fn the_policy_wants_two_only_from_its_level_on_and_for_its_kinds() {
        let policy = Policy { two_from: Some(Level::Maximum), kinds: vec![AlertKind::Alert] };
        assert_eq!(policy.persons(AlertKind::Alert, Level::Maximum), 2);
        assert_eq!(policy.persons(AlertKind::Alert, Level::Alert), 1);
        assert_eq!(policy.persons(AlertKind::Cancel, Level::Maximum), 1);
        assert_eq!(Policy::default().persons(AlertKind::Alert, Level::Maximum), 1);
    }

    proptest! {
        /// Whatever is asked, taken back and rewritten in whatever order: an alert that leaves has two persons behind it who
        /// both approved the words as they are, and the last of them did not write them.
        #[test]
        fn no_order_of_acts_lets_one_person_or_an_author_complete(
            steps in proptest::collection::vec((0_u8..4, 1_u8..4), 1..40)
        ) {
            let mut draft = Draft::default();
            for (act, who) in steps {
                let who = person(who);
                match act {
                    // A rewrite is a new revision: nobody has approved it.
                    0 => draft = Draft { author: Some(who), ..Draft::default() },
                    1 => { draft.approvals.remove(&who); }
                    _ => { draft.ask(who); }
                }
                if let Some(last) = draft.issued_by {
                    prop_assert!(draft.approvals.len() >= 2 && draft.approvals.contains(&last));
                    prop_assert!(draft.author != Some(last));
                    break;
                }
            }
        }

        /// The rule never locks a room of three out: somebody there can always complete.
        #[test]
        fn of_three_persons_there_is_always_one_who_completes(
            author in proptest::option::of(1_u8..4),
            first in 1_u8..4,
        ) {
            let mut draft = Draft { author: author.map(person), ..Draft::default() };
            draft.ask(person(first));
            let completes = (1..4).map(person).any(|asks| {
                let case = Case { persons: 2, author: draft.author, approvals: &draft.approvals, asks };
                decide(case) == Verdict::Issue
            });
            prop_assert!(completes);
        }
    }
}
