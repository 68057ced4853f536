//! How far a report is believed, from 0 to 1, with every reason and what it weighs. Pure.
//!
//! Trust orders the queue and is what a report counts for in rules. It refuses nothing: the least trusted report lies in the
//! queue like every other.

use serde::{Deserialize, Serialize};

use super::State;
use crate::units::{Level, vocabulary};

vocabulary! {
    /// Who reports, as far as it is known. Texts are `report-standing-STANDING`.
    Standing, "standing of a reporter" {
        /// Signed in, with the right to report.
        Staff = "staff",
        /// From a telephone or mailbox that a resident has confirmed.
        Resident = "resident",
        /// Somebody who can be asked back.
        Contact = "contact",
        Anonymous = "anonymous",
    }
}

vocabulary! {
    /// What is doubtful in the way a report came. Such reports wait in the queue like others, and count nothing for rules
    /// until somebody confirmed them. Texts are `report-doubt-DOUBT`.
    Doubt, "doubt" {
        /// A field that people do not see was filled in.
        HiddenField = "hidden_field",
        /// Filled in faster than anybody types.
        TooFast = "too_fast",
        /// The words are addresses of pages.
        Links = "links",
        /// One reporter sends very many.
        Many = "many",
        /// The place lies far outside of the municipality.
        Elsewhere = "elsewhere",
    }
}

/// Above this many reports an hour of one reporter who is not staff, the further ones are doubtful.
pub const MANY_AN_HOUR: i64 = 6;
/// The same of one network address, whatever names its reports give. A neighbourhood may share one behind a mobile operator, so the
/// further ones are kept and refused nothing; but no number of invented names makes more than these.
pub const MANY_OF_ADDRESS_AN_HOUR: i64 = 12;
/// Reporters of one network address who count in one occurrence, until somebody confirmed it.
pub const WITNESSES_OF_ADDRESS: usize = 3;

/// What is known of a report and around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub standing: Standing,
    pub doubts: Vec<Doubt>,
    pub photographs: i64,
    /// Earlier reports of the same reporter that were confirmed, and dismissed.
    pub confirmed: i64,
    pub dismissed: i64,
    /// Other reporters who say the same, from other network addresses.
    pub neighbours: i64,
    /// The worst level of the risk areas there.
    pub ground: Option<Level>,
    pub exact_place: bool,
}

/// One thing that counts, and how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    pub why: Why,
    /// How many of it, where that matters.
    #[serde(default)]
    pub count: i64,
    /// Hundredths.
    pub points: i32,
}

vocabulary! {
    /// Texts are `report-trust-WHY`.
    Why, "reason of trust" {
        Staff = "staff",
        Resident = "resident",
        Contact = "contact",
        Anonymous = "anonymous",
        Photographs = "photographs",
        EarlierConfirmed = "earlier_confirmed",
        EarlierDismissed = "earlier_dismissed",
        Neighbours = "neighbours",
        /// The areas there stand at observation or above.
        Ground = "ground",
        PlaceUnclear = "place_unclear",
        Doubtful = "doubtful",
    }
}

/// The score and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    pub score: f64,
    pub reasons: Vec<Reason>,
}

pub fn judge(facts: &Facts) -> Trust {
    let mut reasons = vec![base(facts.standing)];
    let mut add = |why: Why, count: i64, points: i32| {
        if points != 0 {
            reasons.push(Reason { why, count, points });
        }
    };
    // Each further one says less, and three say all.
    let upto = |count: i64, most: i64| i32::try_from(count.clamp(0, most)).unwrap_or(0);
    add(Why::Photographs, facts.photographs, 10 * upto(facts.photographs, 1));
    add(Why::EarlierConfirmed, facts.confirmed, 8 * upto(facts.confirmed, 3));
    add(Why::EarlierDismissed, facts.dismissed, -15 * upto(facts.dismissed, 3));
    add(Why::Neighbours, facts.neighbours, 15 * upto(facts.neighbours, 3));
    add(Why::Ground, 0, facts.ground.map_or(0, ground));
    add(Why::PlaceUnclear, 0, if facts.exact_place { 0 } else { -5 });
    let doubts = i64::try_from(facts.doubts.len()).unwrap_or(i64::MAX);
    add(Why::Doubtful, doubts, -20 * upto(doubts, 3));
    let sum: i32 = reasons.iter().map(|reason| reason.points).sum();
    // Nothing that came in is worth nothing, and nothing unseen is certain.
    Trust { score: f64::from(sum.clamp(5, 97)) / 100.0, reasons }
}

const fn base(standing: Standing) -> Reason {
    let (why, points) = match standing {
        Standing::Staff => (Why::Staff, 90),
        Standing::Resident => (Why::Resident, 55),
        Standing::Contact => (Why::Contact, 35),
        Standing::Anonymous => (Why::Anonymous, 25),
    };
    Reason { why, count: 0, points }
}

const fn ground(level: Level) -> i32 {
    match level {
        Level::Unknown | Level::Normal => 0,
        Level::Observation => 5,
        Level::Attention => 10,
        Level::Alert | Level::Maximum => 15,
    }
}

/// What several independent reporters make together: that not all of them err.
pub fn together(scores: impl IntoIterator<Item = f64>) -> f64 {
    1.0 - scores.into_iter().fold(1.0, |doubt, score| doubt * (1.0 - score.clamp(0.0, 1.0)))
}

/// How a report speaks in its occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Its reporter has spoken there before: only the first word counts.
    Repeated,
    /// Whoever confirmed the occurrence had it before them.
    Judged,
    /// Doubtful, or one of too many of its network address.
    Doubtful,
    Heard,
}

/// What a report counts for in rules. What joins a confirmed occurrence afterwards was confirmed by nobody, and counts for what
/// it is trusted.
pub const fn weight(state: State, score: f64, voice: Voice) -> f64 {
    match (state, voice) {
        (State::Dismissed | State::Merged, _) | (_, Voice::Repeated | Voice::Doubtful) => 0.0,
        (_, Voice::Judged) => 1.0,
        _ => score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(standing: Standing) -> Facts {
        Facts {
            standing,
            doubts: vec![],
            photographs: 0,
            confirmed: 0,
            dismissed: 0,
            neighbours: 0,
            ground: None,
            exact_place: true,
        }
    }

    fn score(facts: &Facts) -> f64 {
        judge(facts).score
    }

    #[test]
    fn field_agents_are_believed_more_than_residents_and_these_more_than_strangers() {
        let scores = Standing::ALL.iter().map(|standing| score(&facts(*standing))).collect::<Vec<_>>();
        assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
        assert_eq!(scores, [0.90, 0.55, 0.35, 0.25]);
    }

    #[test]
    fn neighbours_who_say_the_same_raise_it_and_earlier_refusals_lower_it() {
        let one = facts(Standing::Anonymous);
        let many = Facts { neighbours: 2, ..one.clone() };
        assert_eq!(score(&many), 0.55);
        let liar = Facts { dismissed: 2, ..one.clone() };
        assert_eq!(score(&liar), 0.05);
        let crowd = Facts { neighbours: 200, ..one };
        assert_eq!(score(&crowd), 0.70);
    }

    #[test]
    fn rain_on_the_ground_there_and_a_photograph_speak_for_it() {
        let wet = Facts { ground: Some(Level::Alert), photographs: 3, ..facts(Standing::Contact) };
        let trust = judge(&wet);
        assert_eq!(trust.score, 0.60);
        let whys: Vec<_> = trust.reasons.iter().map(|reason| reason.why).collect();
        assert_eq!(whys, [Why::Contact, Why::Photographs, Why::Ground]);
        // No data is no comfort, and no proof either.
        assert_eq!(score(&Facts { ground: Some(Level::Unknown), ..facts(Standing::Contact) }), 0.35);
    }

    #[test]
    fn the_score_is_the_sum_of_its_reasons_within_its_bounds() {
        let worst = Facts { doubts: vec![Doubt::TooFast, Doubt::Links], dismissed: 9, ..facts(Standing::Anonymous) };
        assert_eq!(score(&worst), 0.05);
        let best = Facts { neighbours: 9, confirmed: 9, ..facts(Standing::Staff) };
        assert_eq!(score(&best), 0.97);
    }

    #[test]
    fn three_strangers_together_are_more_than_one_agent_alone_is_less_than_certain() {
        assert!((together([0.25, 0.25, 0.25]) - 0.578_125).abs() < 1e-9);
        assert!(together([0.9]) < 1.0 && together([]) == 0.0);
    }

    #[test]
    fn doubtful_ones_count_for_rules_only_when_somebody_confirmed_them() {
        assert_eq!(weight(State::New, 0.4, Voice::Doubtful), 0.0);
        assert_eq!(weight(State::New, 0.4, Voice::Heard), 0.4);
        assert_eq!(weight(State::Confirmed, 0.1, Voice::Judged), 1.0);
        assert_eq!(weight(State::Closed, 0.1, Voice::Judged), 1.0);
        assert_eq!(weight(State::Dismissed, 0.9, Voice::Heard), 0.0);
        assert_eq!(weight(State::Confirmed, 0.9, Voice::Repeated), 0.0);
    }

    #[test]
    fn what_joins_a_confirmed_occurrence_afterwards_was_confirmed_by_nobody() {
        assert_eq!(weight(State::Confirmed, 0.35, Voice::Heard), 0.35);
        assert_eq!(weight(State::Confirmed, 0.35, Voice::Doubtful), 0.0);
    }
}
