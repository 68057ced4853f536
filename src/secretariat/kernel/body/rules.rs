//! Quorum, majority, notice, reappointment: what a body's rules allow, with the reason in words. Pure.
//!
//! A fraction is of all seats in force, the vacant ones too, and is rounded up: half of five is three. Where the rule says "more than half"
//! (`more`), half of six is four. A recused member is neither present nor votes; the seat stays among those that the fraction is of, so that
//! a recusal never makes it easier to decide.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Capacity, Choice, Mandate};
use crate::refused::FieldError;
use crate::units::vocabulary;

/// Largest denominator of a fraction.
const MOST_PARTS: u32 = 100;
/// Longest wait between the two calls, in minutes.
const LONGEST_WAIT_MIN: i32 = 24 * 60;

/// A part of the seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyFraction)]
#[serde(deny_unknown_fields)]
pub struct Fraction {
    #[schema(minimum = 1, maximum = 100)]
    pub num: u32,
    #[schema(minimum = 1, maximum = 100)]
    pub den: u32,
    /// More than the fraction, not as much as it.
    #[serde(default)]
    pub more: bool,
}

impl Fraction {
    pub const fn new(num: u32, den: u32) -> Self {
        Self { num, den, more: false }
    }

    pub const fn more_than(num: u32, den: u32) -> Self {
        Self { num, den, more: true }
    }

    /// How many seats of all it takes; never none, and never more than there are.
    pub fn of(self, seats: u32) -> u32 {
        let (num, den, seats) = (u64::from(self.num), u64::from(self.den.max(1)), u64::from(seats));
        let needed = if self.more { seats * num / den + 1 } else { (seats * num).div_ceil(den) };
        u32::try_from(needed.clamp(1, seats.max(1))).unwrap_or(u32::MAX)
    }

    /// "1/2", "mais de 1/2".
    pub fn words(self) -> String {
        let Self { num, den, more } = self;
        if more { format!("mais de {num}/{den}") } else { format!("{num}/{den}") }
    }

    fn problem(self, field: &str) -> Option<FieldError> {
        let is_part = self.num >= 1 && self.den >= 1 && self.num <= self.den && self.den <= MOST_PARTS;
        let is_whole = self.num == self.den && self.more;
        (!is_part || is_whole).then(|| FieldError {
            field: field.into(),
            value: self.words(),
            message: format!("expected a part of the seats such as 1/2, with parts of at most {MOST_PARTS}"),
        })
    }
}

vocabulary! {
    /// What a decision takes. Texts are `sec-committees-majority-MAJORITY`.
    MajorityKind, "majority" {
        /// More for than against, among those who are there.
        Simple = "simple",
        /// More than half of all seats.
        Absolute = "absolute",
        /// A fraction of all seats, by the rule's own number.
        Qualified = "qualified",
    }
}

/// The second call of a meeting that had no quorum at its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodySecondCall)]
#[serde(deny_unknown_fields)]
pub struct SecondCall {
    /// Minutes after the first.
    #[schema(minimum = 1, maximum = 1440)]
    pub after_min: i32,
    pub quorum: Fraction,
}

const fn yes() -> bool {
    true
}

/// The rules of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyRules)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Code of the rule of deadlines that says the notice of an ordinary meeting.
    pub notice_ordinary: String,
    pub notice_extraordinary: String,
    /// Of all seats, to open.
    pub quorum_open: Fraction,
    /// Of all seats, to decide.
    pub quorum_decide: Fraction,
    /// simple, absolute, qualified
    #[schema(value_type = String)]
    pub majority: MajorityKind,
    /// Of a qualified majority.
    #[serde(default)]
    pub qualified: Option<Fraction>,
    /// The chair decides a tie.
    #[serde(default)]
    pub casting_vote: bool,
    /// Anybody may attend, and the calendar says when.
    #[serde(default = "yes")]
    pub public: bool,
    #[serde(default)]
    pub second_call: Option<SecondCall>,
    /// How often somebody may be appointed again without a pause; none: as often as they are.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 20)]
    pub most_reappointments: Option<u32>,
}

impl Rules {
    /// Everything that is wrong with them.
    pub fn problems(&self) -> Vec<FieldError> {
        let fractions =
            [("rules.quorum_open", Some(self.quorum_open)), ("rules.quorum_decide", Some(self.quorum_decide))];
        let more = [
            ("rules.second_call.quorum", self.second_call.map(|call| call.quorum)),
            ("rules.qualified", self.qualified),
        ];
        let fractions = fractions.into_iter().chain(more);
        let mut problems: Vec<FieldError> =
            fractions.filter_map(|(field, one)| one.and_then(|one| one.problem(field))).collect();
        let mut wrong = |field: &str, value: String, message: &str| {
            problems.push(FieldError { field: field.into(), value, message: message.into() });
        };
        if (self.majority == MajorityKind::Qualified) != self.qualified.is_some() {
            wrong("rules.qualified", String::new(), "expected with a qualified majority, and with no other");
        }
        if let Some(call) = self.second_call.filter(|call| !(1..=LONGEST_WAIT_MIN).contains(&call.after_min)) {
            wrong("rules.second_call.after_min", call.after_min.to_string(), "expected 1 to 1440 minutes");
        }
        if let Some(most) = self.most_reappointments.filter(|most| *most > 20) {
            wrong("rules.most_reappointments", most.to_string(), "expected 0 to 20");
        }
        problems
    }
}

/// A count held against a quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    pub present: u32,
    pub seats: u32,
    pub needed: u32,
}

impl Quorum {
    pub fn count(rule: Fraction, present: u32, seats: u32) -> Self {
        Self { present, seats, needed: rule.of(seats) }
    }

    pub const fn is_reached(self) -> bool {
        self.seats > 0 && self.present >= self.needed
    }

    pub fn words(self) -> String {
        format!("{} of {} seats present, {} needed", self.present, self.seats, self.needed)
    }
}

/// What a call at the door comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    Opens(Quorum),
    /// Too few; a second call follows after so many minutes.
    Waits(Quorum, i32),
    /// Too few, and no call follows.
    Fails(Quorum),
}

/// Judges a call, the first or the second.
pub fn call(rules: &Rules, is_second: bool, present: u32, seats: u32) -> Called {
    let rule = match rules.second_call.filter(|_| is_second) {
        Some(second) => second.quorum,
        None => rules.quorum_open,
    };
    let quorum = Quorum::count(rule, present, seats);
    match rules.second_call {
        _ if quorum.is_reached() => Called::Opens(quorum),
        Some(second) if !is_second => Called::Waits(quorum, second.after_min),
        _ => Called::Fails(quorum),
    }
}

/// Votes as they were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyTally)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    #[schema(minimum = 0, maximum = 200)]
    pub votes_for: u32,
    #[schema(minimum = 0, maximum = 200)]
    pub votes_against: u32,
    #[schema(minimum = 0, maximum = 200)]
    pub votes_abstain: u32,
}

impl Tally {
    pub fn of(choices: impl IntoIterator<Item = Choice>) -> Self {
        choices.into_iter().fold(Self::default(), |mut tally, choice| {
            match choice {
                Choice::For => tally.votes_for += 1,
                Choice::Against => tally.votes_against += 1,
                Choice::Abstain => tally.votes_abstain += 1,
            }
            tally
        })
    }

    pub const fn all(self) -> u32 {
        self.votes_for.saturating_add(self.votes_against).saturating_add(self.votes_abstain)
    }
}

/// Why a vote decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDecision {
    #[error("no quorum to decide: {} (quorum of {}, recused members not counted)", .0.words(), .1)]
    Quorum(Quorum, String),
    #[error("{0} votes of {1} members who are present and not recused")]
    Votes(u32, u32),
    #[error("the vote is tied and the chair, who may decide it, has not said how")]
    Casting,
    #[error("the vote is not tied: there is nothing for the chair to decide")]
    NoTie,
    #[error("the rules of this body give the chair no casting vote")]
    NoCasting,
}

/// What a vote comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub approved: bool,
    pub quorum: Quorum,
    /// Votes for that it took.
    pub needed: u32,
    pub reason: String,
}

/// Who is there for an item: those present without the recused, of all seats; and whether the chair is among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    pub present: u32,
    pub seats: u32,
    pub has_chair: bool,
}

/// Judges a vote. `casting`: what the chair said of a tie.
///
/// # Errors
/// When there is no quorum, more votes than members, or a tie that the chair has yet to decide.
pub fn decide(rules: &Rules, floor: Floor, tally: Tally, casting: Option<bool>) -> Result<Outcome, NoDecision> {
    let quorum = Quorum::count(rules.quorum_decide, floor.present, floor.seats);
    if !quorum.is_reached() {
        return Err(NoDecision::Quorum(quorum, rules.quorum_decide.words()));
    }
    if tally.all() != floor.present {
        return Err(NoDecision::Votes(tally.all(), floor.present));
    }
    if casting.is_some() && !rules.casting_vote {
        return Err(NoDecision::NoCasting);
    }
    let Tally { votes_for, votes_against, .. } = tally;
    let (needed, name) = match rules.majority {
        MajorityKind::Simple => (votes_against + 1, "maioria simples".to_owned()),
        MajorityKind::Absolute => (Fraction::more_than(1, 2).of(floor.seats), "maioria absoluta".to_owned()),
        MajorityKind::Qualified => {
            let fraction = rules.qualified.unwrap_or(Fraction::new(1, 1));
            (fraction.of(floor.seats), format!("maioria qualificada de {}", fraction.words()))
        }
    };
    // Nobody votes: neither side has a majority, and there is no tie that the chair could decide.
    let is_tied = rules.majority == MajorityKind::Simple && votes_for == votes_against && votes_for > 0;
    if casting.is_some() && !is_tied {
        return Err(NoDecision::NoTie);
    }
    if is_tied && rules.casting_vote && floor.has_chair {
        let approved = casting.ok_or(NoDecision::Casting)?;
        let reason = format!("{name}: empate de {votes_for} a {votes_against}, voto de qualidade da presidência");
        return Ok(Outcome { approved, quorum, needed, reason });
    }
    let approved = votes_for >= needed;
    let reason = format!("{name}: {votes_for} a favor de {needed} necessários, {votes_against} contra");
    Ok(Outcome { approved, quorum, needed, reason })
}

/// Why somebody is not marked present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPresent {
    #[error("nobody holds this seat as {0} on the day of the meeting")]
    Vacant(Capacity),
    #[error("the titular of this seat is present: the substitute does not count")]
    TitularIsThere,
    #[error("this person is marked present in another seat")]
    Elsewhere,
}

/// Whether somebody may be marked present in a seat. `there`: who is in it now; `elsewhere`: whether the person sits in another one.
///
/// # Errors
/// Why not.
pub const fn attend(capacity: Capacity, there: Option<Capacity>, elsewhere: bool) -> Result<(), NotPresent> {
    match (capacity, there) {
        (Capacity::Substitute, Some(Capacity::Titular)) => Err(NotPresent::TitularIsThere),
        _ if elsewhere => Err(NotPresent::Elsewhere),
        _ => Ok(()),
    }
}

/// Why somebody is not appointed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAppointed {
    #[error("{0} holds this seat from {1} to {2}: end that mandate first")]
    Taken(String, NaiveDate, NaiveDate),
    #[error("{0} holds another seat of this body from {1} to {2}")]
    Elsewhere(String, NaiveDate, NaiveDate),
    #[error("appointed again {0} times without a pause: the rules of this body allow {1}")]
    TooOften(u32, u32),
}

/// A mandate that is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub seat: uuid::Uuid,
    pub person: uuid::Uuid,
    pub capacity: Capacity,
    pub from: NaiveDate,
    pub until: NaiveDate,
}

/// Judges an appointment by all mandates of the body.
///
/// # Errors
/// Why not.
pub fn appoint(all: &[Mandate], wanted: Wanted, most: Option<u32>) -> Result<(), NotAppointed> {
    let meets =
        |one: &&Mandate| one.from_on <= wanted.until && wanted.from <= one.last_day() && one.from_on <= one.last_day();
    let told = |one: &Mandate| (one.person.clone(), one.from_on, one.last_day());
    if let Some(one) =
        all.iter().filter(meets).find(|one| one.seat_id == wanted.seat && one.capacity == wanted.capacity)
    {
        let (person, from, until) = told(one);
        return Err(NotAppointed::Taken(person, from, until));
    }
    if let Some(one) = all.iter().filter(meets).find(|one| one.person_id == wanted.person) {
        let (person, from, until) = told(one);
        return Err(NotAppointed::Elsewhere(person, from, until));
    }
    let Some(most) = most else { return Ok(()) };
    let again = in_a_row(all, wanted);
    if again > most { Err(NotAppointed::TooOften(again, most)) } else { Ok(()) }
}

/// Mandates of the person as titular that lead to the wanted one without a pause.
fn in_a_row(all: &[Mandate], wanted: Wanted) -> u32 {
    if wanted.capacity != Capacity::Titular {
        return 0;
    }
    let mut begins = wanted.from;
    let mut count = 0;
    loop {
        let leads = |one: &&Mandate| {
            let is_theirs = one.person_id == wanted.person && one.capacity == Capacity::Titular;
            is_theirs && one.from_on < begins && one.last_day().succ_opt().is_none_or(|next| next >= begins)
        };
        let Some(before) = all.iter().filter(leads).min_by_key(|one| one.from_on) else { return count };
        (begins, count) = (before.from_on, count + 1);
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
