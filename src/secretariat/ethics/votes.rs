//! Who votes in a procedure of the council, and what the votes come to. Pure.
//!
//! A seat votes once: by its titular, or by its substitute where the titular is recused or nobody is titular. Where neither is left, whoever was
//! designated for the case sits in it. A recused member has no vote, and a vote that was given before the recusal falls out; the seat stays among
//! those that the quorum is of.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use uuid::Uuid;

use crate::secretariat::kernel::body::rules::{self, Floor, NoDecision, Outcome, Rules, Tally};
use crate::secretariat::kernel::body::{Capacity, Choice, Person, Seat, SeatRole};

/// Somebody who sits for a seat in one case alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EthicsAdHoc)]
pub struct AdHoc {
    pub seat_id: Uuid,
    pub person_id: Uuid,
    pub person: String,
    /// User name; none: the account is gone, and nobody sits there.
    pub account: Option<String>,
    /// The act of the authority that designated them.
    pub act: String,
    pub reason: String,
}

/// A seat of the council for which nobody votes in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EthicsEmptySeat)]
pub struct EmptySeat {
    pub seat_id: Uuid,
    pub entity: String,
}

/// Somebody who may vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EthicsVoter)]
pub struct Voter {
    pub seat_id: Uuid,
    pub person_id: Uuid,
    pub person: String,
    /// User name; votes are given by the member alone.
    pub account: String,
    /// titular, substitute
    #[schema(value_type = String)]
    pub capacity: Capacity,
    /// Designated for this case alone.
    pub ad_hoc: bool,
    #[serde(skip)]
    pub presides: bool,
}

/// A vote that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EthicsVote)]
pub struct Vote {
    pub seat_id: Uuid,
    pub person_id: Uuid,
    pub person: String,
    /// for, against, abstain
    #[schema(value_type = String)]
    pub choice: Choice,
}

/// Why somebody does not vote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVote {
    #[error("{0} holds no seat that votes in this procedure")]
    NoMember(String),
    #[error("{0} voted in this round already: a member votes once")]
    Twice(String),
    #[error("the seat of {0} voted in this round already: a seat votes once")]
    Seat(String),
}

/// Who may vote on a day: `recused` are user names; of those who were designated for a seat the last one holds.
pub fn voters(
    seats: &[Seat],
    day: NaiveDate,
    people: &BTreeMap<Uuid, Person>,
    (recused, designated): (&[String], &[AdHoc]),
) -> Vec<Voter> {
    let mut all = Vec::new();
    for seat in seats.iter().filter(|seat| seat.is_in_force(day)) {
        let of = |capacity: Capacity| {
            let mandate = seat.holder(capacity, day)?;
            let account = people.get(&mandate.person_id)?.account.clone()?;
            (!recused.contains(&account)).then(|| Voter {
                seat_id: seat.id,
                person_id: mandate.person_id,
                person: mandate.person.clone(),
                account,
                capacity,
                ad_hoc: false,
                presides: matches!(seat.role, SeatRole::Chair | SeatRole::Vice),
            })
        };
        let for_the_case = || {
            let one = designated.iter().rev().find(|one| one.seat_id == seat.id)?;
            let account = one.account.clone().filter(|account| !recused.contains(account))?;
            let (seat_id, person_id, person) = (one.seat_id, one.person_id, one.person.clone());
            // Whoever is called for one case does not preside over the council.
            Some(Voter {
                seat_id,
                person_id,
                person,
                account,
                capacity: Capacity::Substitute,
                ad_hoc: true,
                presides: false,
            })
        };
        // A titular without an account is no reason for the substitute to vote: they stand in for who is recused or missing.
        let titular = seat.holder(Capacity::Titular, day);
        let is_away = titular.is_none_or(|mandate| {
            let account = people.get(&mandate.person_id).and_then(|person| person.account.as_ref());
            account.is_some_and(|account| recused.contains(account))
        });
        all.extend(if is_away { of(Capacity::Substitute).or_else(for_the_case) } else { of(Capacity::Titular) });
    }
    all
}

/// The voter behind an account, when they have not voted.
///
/// # Errors
/// Why they do not vote.
pub fn may_vote<'a>(voters: &'a [Voter], votes: &[Vote], account: &str) -> Result<&'a Voter, NoVote> {
    let own = voters.iter().find(|voter| voter.account == account);
    let own = own.ok_or_else(|| NoVote::NoMember(account.to_owned()))?;
    match votes.iter().find(|vote| vote.seat_id == own.seat_id || vote.person_id == own.person_id) {
        Some(vote) if vote.person_id == own.person_id => Err(NoVote::Twice(vote.person.clone())),
        Some(vote) => Err(NoVote::Seat(vote.person.clone())),
        None => Ok(own),
    }
}

/// The votes that count: of those who still may vote.
pub fn counted<'a>(voters: &[Voter], votes: &'a [Vote]) -> Vec<&'a Vote> {
    let is_voter =
        |vote: &&Vote| voters.iter().any(|one| (one.seat_id, one.person_id) == (vote.seat_id, vote.person_id));
    votes.iter().filter(is_voter).collect()
}

/// How many votes a round can come to: those that count, and those that may yet be given. A seat whose vote fell out gives none in this round.
pub fn within_reach(voters: &[Voter], votes: &[Vote]) -> u32 {
    let counted = counted(voters, votes);
    let has = |voter: &&Voter| {
        counted.iter().any(|vote| vote.person_id == voter.person_id) || may_vote(voters, votes, &voter.account).is_ok()
    };
    u32::try_from(voters.iter().filter(has).count()).unwrap_or(u32::MAX)
}

/// Seats in force for which nobody votes.
pub fn empty(seats: &[Seat], day: NaiveDate, voters: &[Voter]) -> Vec<EmptySeat> {
    let is_empty = |seat: &&Seat| seat.is_in_force(day) && !voters.iter().any(|voter| voter.seat_id == seat.id);
    seats.iter().filter(is_empty).map(|seat| EmptySeat { seat_id: seat.id, entity: seat.entity.clone() }).collect()
}

/// The voter of the seat with a role. Nobody who was designated for the case.
fn of_role<'a>(seats: &[Seat], voters: &'a [Voter], role: SeatRole) -> Option<&'a Voter> {
    let is_of = |voter: &Voter| seats.iter().any(|seat| seat.id == voter.seat_id && seat.role == role);
    voters.iter().find(|voter| !voter.ad_hoc && is_of(voter))
}

/// Whose word a tie waits for: the chair who voted, otherwise the vice who did.
pub fn casting<'a>(seats: &[Seat], voters: &'a [Voter], votes: &[Vote]) -> Option<&'a Voter> {
    let votes = counted(voters, votes);
    let voted = |voter: &&Voter| votes.iter().any(|vote| vote.seat_id == voter.seat_id);
    let who = |role: SeatRole| of_role(seats, voters, role).filter(voted);
    who(SeatRole::Chair).or_else(|| who(SeatRole::Vice))
}

/// Whether an account presides over the vote and closes it: the chair; the vice, while the chair has not voted and the vice has; where neither of
/// their seats has anybody who may vote, the member of the first seat.
pub fn presides(seats: &[Seat], voters: &[Voter], votes: &[Vote], account: &str) -> bool {
    let chair = of_role(seats, voters, SeatRole::Chair);
    let vice = of_role(seats, voters, SeatRole::Vice);
    let first = || {
        let place = |voter: &&Voter| seats.iter().find(|seat| seat.id == voter.seat_id).map(|seat| seat.position);
        voters.iter().filter(|voter| !voter.ad_hoc).min_by_key(place)
    };
    let leads = chair.or(vice).or_else(first);
    [leads, casting(seats, voters, votes)].into_iter().flatten().any(|voter| voter.account == account)
}

/// Whether an account takes a way out of a vote that recusals left without quorum: whoever presides, or the member of the secretary's seat. Where
/// nobody of the council may vote it has neither, and whoever works in the module does it, as they keep its secretariat.
pub fn recomposes(seats: &[Seat], voters: &[Voter], votes: &[Vote], account: &str) -> bool {
    let secretary = of_role(seats, voters, SeatRole::Secretary);
    voters.iter().all(|voter| voter.ad_hoc)
        || presides(seats, voters, votes, account)
        || secretary.is_some_and(|voter| voter.account == account)
}

/// What the votes of a round come to by the rules of the council: present is whoever voted.
///
/// # Errors
/// Without quorum, or a tie that the chair has yet to decide.
pub fn decide(
    rules: &Rules,
    (seats, voters): (u32, &[Voter]),
    votes: &[Vote],
    casting: Option<bool>,
) -> Result<(Tally, Outcome), NoDecision> {
    let votes = counted(voters, votes);
    let present = u32::try_from(votes.len()).unwrap_or(u32::MAX);
    let is_chair = |voter: &Voter| voter.presides && votes.iter().any(|vote| vote.seat_id == voter.seat_id);
    let floor = Floor { present, seats, has_chair: voters.iter().any(is_chair) };
    let tally = Tally::of(votes.iter().map(|vote| vote.choice));
    Ok((tally, rules::decide(rules, floor, tally, casting)?))
}

#[cfg(test)]
#[path = "votes_tests.rs"]
mod tests;
