//! Who must stand behind an alert before it leaves, and whether the one who asks completes them. Pure.
//!
//! The policies of the town are asked in their order; the first that fits says how. Only where the contingency plan names it
//! does an alert leave without a person, and never one that ends a warning, that a person wrote or edited, or has
//! submitted, returned or approved.
//!
//! Where a policy wants two, whoever wrote the words may be the first of them and never the last: the second pair of eyes
//! belongs to somebody else. An approval counts for exactly the revision that was read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::alerts::kind::AlertKind;
use crate::cobrade::Cobrade;
use crate::ids::StaffId;
use crate::units::{Level, vocabulary};

vocabulary! {
    /// What a policy wants before an alert leaves.
    Needs, "approvals" {
        /// Nobody: the contingency plan has decided it beforehand.
        Automatic = "automatic",
        One = "one",
        Two = "two",
    }
}

impl Needs {
    /// How many persons stand behind an alert that a person issues. What the plan lets out may be issued by one as well.
    pub const fn persons(self) -> usize {
        match self {
            Self::Automatic | Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// One `[[alerts.policies]]`. What it leaves out, it holds for all of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Shown on pages and kept with what it let out.
    pub name: String,
    #[serde(default)]
    pub hazards: Vec<Cobrade>,
    #[serde(default)]
    pub levels: Vec<Level>,
    #[serde(default)]
    pub kinds: Vec<AlertKind>,
    /// Residents inside, at least.
    #[serde(default)]
    pub people_from: Option<u32>,
    /// Residents inside, fewer than this.
    #[serde(default)]
    pub people_below: Option<u32>,
    pub approvals: Needs,
    /// Where the contingency plan says so, e.g. "PLANCON 2026, 4.2". An automatic policy cannot do without.
    #[serde(default)]
    pub plancon: String,
}

impl Policy {
    /// What is wrong with it, as the key and what is expected.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let automatic = self.approvals == Needs::Automatic;
        let ends = |kind: &AlertKind| *kind != AlertKind::Alert;
        let empty = self.people_below.is_some_and(|below| below <= self.people_from.unwrap_or(0));
        if self.name.trim().is_empty() || self.name.chars().count() > 60 || self.name.contains(char::is_control) {
            Some(("name", "a name of 1 to 60 characters, which is shown where the policy decides"))
        } else if automatic && self.plancon.trim().is_empty() {
            Some(("plancon", "the place in the contingency plan that lets this leave without a person"))
        } else if automatic && self.kinds.iter().any(ends) {
            Some(("kinds", "only \"alert\": what updates, ends or cancels a warning is issued by a person"))
        } else if self.levels.iter().any(|level| *level <= Level::Normal) {
            Some(("levels", "levels above normal"))
        } else if empty {
            Some(("people_below", "more than `people_from`, and above zero"))
        } else {
            None
        }
    }

    const fn reads_people(&self) -> bool {
        self.people_from.is_some() || self.people_below.is_some()
    }

    fn names(&self, matter: &Matter) -> bool {
        (self.hazards.is_empty() || self.hazards.contains(&matter.hazard))
            && (self.levels.is_empty() || self.levels.contains(&matter.level))
            && (self.kinds.is_empty() || self.kinds.contains(&matter.kind))
    }

    /// People who were not counted are many where persons are asked for, and no reason to leave without one.
    fn holds_for(&self, people: Option<i64>) -> bool {
        let Some(people) = people else { return !self.reads_people() || self.approvals != Needs::Automatic };
        self.people_from.is_none_or(|from| people >= i64::from(from))
            && self.people_below.is_none_or(|below| people < i64::from(below))
    }

    fn because(&self, matter: &Matter) -> Vec<Because> {
        let mut because = Vec::new();
        if !self.hazards.is_empty() {
            because.push(Because::Hazard(matter.hazard));
        }
        if !self.levels.is_empty() {
            because.push(Because::Level(matter.level));
        }
        if !self.kinds.is_empty() {
            because.push(Because::Kind(matter.kind));
        }
        if self.reads_people() {
            let (from, below) = (self.people_from, self.people_below);
            because.push(Because::People { inside: matter.people, from, below });
        }
        if because.is_empty() {
            because.push(Because::Everything);
        }
        because
    }
}

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matter {
    pub kind: AlertKind,
    pub hazard: Cobrade,
    pub level: Level,
    /// Residents inside; none when nobody counted them, see [`reads_people`].
    pub people: Option<i64>,
    pub by_rule: bool,
    /// A person has changed the texts.
    pub edited: bool,
    /// Somebody has submitted, returned or approved it, and be it long ago.
    pub in_hand: bool,
}

/// What the policies say, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    pub needs: Needs,
    /// The policy that decided; none when no policy holds for it.
    pub policy: Option<String>,
    pub plancon: String,
    pub because: Vec<Because>,
}

/// A reason of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    Hazard(Cobrade),
    Level(Level),
    Kind(AlertKind),
    People {
        /// None: they could not be counted.
        inside: Option<i64>,
        from: Option<u32>,
        below: Option<u32>,
    },
    /// The policy holds for every alert.
    Everything,
    /// No policy holds: one person is enough.
    NoPolicy,
    /// A policy would let it out without a person, but must not.
    NotAutomatic {
        policy: String,
        why: NeverAutomatic,
    },
}

vocabulary! {
    /// What never leaves without a person, whatever a policy says.
    NeverAutomatic, "bar to automatic issue" {
        /// An update, an all-clear or a cancellation.
        Answers = "answers",
        ByPerson = "by_person",
        Edited = "edited",
        /// Somebody has submitted, returned or approved it: a person is at it, and no area that joins takes it out of their hands.
        InHand = "in_hand",
    }
}

/// Whether one of the policies that may decide depends on how many people are inside: counting them takes time.
pub fn reads_people(policies: &[Policy], matter: &Matter) -> bool {
    policies.iter().any(|policy| policy.names(matter) && policy.reads_people())
}

/// What must stand behind this alert: the first policy that holds for it decides. An automatic one is passed over for what
/// must never leave without a person, so that the next decides how many it takes.
pub fn ask(policies: &[Policy], matter: &Matter) -> Asked {
    let mut passed = Vec::new();
    for policy in policies.iter().filter(|policy| policy.names(matter) && policy.holds_for(matter.people)) {
        if policy.approvals == Needs::Automatic
            && let Some(why) = never_automatic(matter)
        {
            passed.push(Because::NotAutomatic { policy: policy.name.clone(), why });
            continue;
        }
        let mut because = policy.because(matter);
        because.append(&mut passed);
        let (needs, plancon) = (policy.approvals, policy.plancon.clone());
        return Asked { needs, policy: Some(policy.name.clone()), plancon, because };
    }
    passed.insert(0, Because::NoPolicy);
    Asked { needs: Needs::One, policy: None, plancon: String::new(), because: passed }
}

const fn never_automatic(matter: &Matter) -> Option<NeverAutomatic> {
    if !matches!(matter.kind, AlertKind::Alert) {
        Some(NeverAutomatic::Answers)
    } else if !matter.by_rule {
        Some(NeverAutomatic::ByPerson)
    } else if matter.edited {
        Some(NeverAutomatic::Edited)
    } else if matter.in_hand {
        Some(NeverAutomatic::InHand)
    } else {
        None
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

    fn policy(name: &str, approvals: Needs) -> Policy {
        let (hazards, levels, kinds) = (Vec::new(), Vec::new(), Vec::new());
        let (people_from, people_below, plancon) = (None, None, String::new());
        Policy { name: name.into(), hazards, levels, kinds, people_from, people_below, approvals, plancon }
    }

    fn matter() -> Matter {
        let hazard = "1.1.3.2.1".parse().unwrap();
        let (kind, level, people) = (AlertKind::Alert, Level::Maximum, Some(812));
        Matter { kind, hazard, level, people, by_rule: true, edited: false, in_hand: false }
    }

    #[test]
    fn the_first_policy_that_holds_decides_and_says_by_what() {
        let slope =
            Policy { hazards: vec![matter().hazard], levels: vec![Level::Maximum], ..policy("slope", Needs::Two) };
        let many = Policy { people_from: Some(500), ..policy("many", Needs::Two) };
        let policies = [slope, many, policy("rest", Needs::One)];
        let asked = ask(&policies, &matter());
        assert_eq!((asked.needs, asked.policy.as_deref()), (Needs::Two, Some("slope")));
        assert_eq!(asked.because, [Because::Hazard(matter().hazard), Because::Level(Level::Maximum)]);
        let lower = Matter { level: Level::Alert, ..matter() };
        let asked = ask(&policies, &lower);
        assert_eq!(asked.policy.as_deref(), Some("many"));
        assert_eq!(asked.because, [Because::People { inside: Some(812), from: Some(500), below: None }]);
        let few = ask(&policies, &Matter { people: Some(499), ..lower });
        assert_eq!((few.needs, few.policy.as_deref()), (Needs::One, Some("rest")));
        assert_eq!(ask(&[], &matter()).because, [Because::NoPolicy]);
        assert!(reads_people(&policies, &lower) && !reads_people(&policies[2..], &lower));
    }

    #[test]
    fn what_ends_what_was_edited_and_what_a_person_wrote_never_leaves_by_itself() {
        let plan = Policy { plancon: "PLANCON 4.2".into(), ..policy("plan", Needs::Automatic) };
        let policies = [plan, policy("rest", Needs::Two)];
        let asked = ask(&policies, &matter());
        assert_eq!((asked.needs, asked.plancon.as_str()), (Needs::Automatic, "PLANCON 4.2"));
        let of = |kind| Matter { kind, ..matter() };
        for (matter, why) in [
            (of(AlertKind::AllClear), NeverAutomatic::Answers),
            (of(AlertKind::Cancel), NeverAutomatic::Answers),
            (of(AlertKind::Update), NeverAutomatic::Answers),
            (Matter { edited: true, ..matter() }, NeverAutomatic::Edited),
            (Matter { by_rule: false, ..matter() }, NeverAutomatic::ByPerson),
            (Matter { in_hand: true, ..matter() }, NeverAutomatic::InHand),
        ] {
            let asked = ask(&policies, &matter);
            assert_eq!((asked.needs, asked.policy.as_deref()), (Needs::Two, Some("rest")), "{why}");
            assert!(asked.because.contains(&Because::NotAutomatic { policy: "plan".into(), why }), "{why}");
        }
    }

    #[test]
    fn people_who_were_not_counted_are_no_reason_to_leave_without_a_person() {
        let plan = Policy { people_below: Some(1000), plancon: "4.2".into(), ..policy("plan", Needs::Automatic) };
        let many = Policy { people_from: Some(1000), ..policy("many", Needs::Two) };
        let asked = ask(&[plan, many], &Matter { people: None, ..matter() });
        assert_eq!((asked.needs, asked.policy.as_deref()), (Needs::Two, Some("many")));
    }

    #[test]
    fn a_policy_that_cannot_be_meant_is_refused_with_its_key() {
        let key = |policy: &Policy| policy.problem().map(|(key, _)| key);
        assert_eq!(key(&policy("x", Needs::Two)), None);
        assert_eq!(key(&policy(" ", Needs::Two)), Some("name"));
        assert_eq!(key(&policy("x", Needs::Automatic)), Some("plancon"));
        let plan = Policy { plancon: "4.2".into(), ..policy("x", Needs::Automatic) };
        assert_eq!(key(&Policy { kinds: vec![AlertKind::AllClear], ..plan.clone() }), Some("kinds"));
        assert_eq!(key(&Policy { levels: vec![Level::Normal], ..plan.clone() }), Some("levels"));
        assert_eq!(key(&Policy { people_from: Some(5), people_below: Some(5), ..plan }), Some("people_below"));
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

        /// Whatever the policies are: nothing leaves without a person that ends a warning, or has a person's words, or that no
        /// policy with a place in the plan lets out.
        #[test]
        fn no_policies_let_out_what_needs_a_person(
            wanted in proptest::collection::vec((0_usize..3, 0_usize..5, any::<bool>(), 0_u32..3), 0..6),
            kind in 0_usize..4, level in 2_usize..6, by_rule in any::<bool>(), edited in any::<bool>(), in_hand in any::<bool>(),
            people in proptest::option::of(0_i64..3000),
        ) {
            let policies: Vec<Policy> = wanted.iter().enumerate().map(|(at, (needs, level, bounded, thousands))| Policy {
                levels: Level::ALL.get(level + 2).copied().into_iter().collect(),
                people_from: bounded.then_some(thousands * 1000),
                plancon: "4.2".into(),
                ..policy(&format!("p{at}"), Needs::ALL[*needs])
            }).collect();
            let matter = Matter { kind: AlertKind::ALL[kind], level: Level::ALL[level], by_rule, edited, in_hand, people, ..matter() };
            let asked = ask(&policies, &matter);
            if asked.needs == Needs::Automatic {
                prop_assert!(kind == 0 && by_rule && !edited && !in_hand);
                let of = policies.iter().find(|policy| Some(&policy.name) == asked.policy.as_ref()).unwrap();
                prop_assert_eq!(of.approvals, Needs::Automatic);
            }
            prop_assert!(!asked.because.is_empty());
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
