//! What the council did in a case, as it goes out and comes in with the case: members for the case, votes, decisions. Nothing of the vault. Pure.
//!
//! Seats, persons and bodies are named by their ids, as the file of the council has them (`kernel::body::file`): a house takes in the council first.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PROCEDURE, PUT, Proposal, back_to};
use crate::clock::Instant;
use crate::secretariat::kernel::ActDone;
use crate::secretariat::kernel::body::Choice;

/// What the council did in one case, each list in the order in which it was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deliberation {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ad_hoc: Vec<SeatLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<VoteLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionLine>,
}

/// Somebody who was designated for a seat in the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatLine {
    pub seat_id: Uuid,
    pub person_id: Uuid,
    /// Their name: whoever was called for one case is not in the file of the council.
    pub person: String,
    pub act: String,
    pub reason: String,
    pub at: Instant,
    pub by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteLine {
    pub round: i32,
    pub seat_id: Uuid,
    pub person_id: Uuid,
    pub choice: Choice,
    pub at: Instant,
    pub by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionLine {
    pub round: i32,
    pub body_id: Uuid,
    pub proposal: Proposal,
    pub votes_for: i32,
    pub votes_against: i32,
    pub votes_abstain: i32,
    pub present: i32,
    pub seats: i32,
    pub quorum: i32,
    pub needed: i32,
    pub approved: bool,
    pub reason: String,
    pub at: Instant,
    pub by: String,
}

impl Deliberation {
    /// Every seat, member and council that it names, each once; not whoever was called for the case, whose name it brings.
    pub fn named(&self) -> (Vec<Uuid>, Vec<Uuid>, Vec<Uuid>) {
        let called: BTreeSet<Uuid> = self.ad_hoc.iter().map(|one| one.person_id).collect();
        let of_votes = self.votes.iter().map(|one| one.seat_id);
        let seats: BTreeSet<Uuid> = self.ad_hoc.iter().map(|one| one.seat_id).chain(of_votes).collect();
        let voters = self.votes.iter().map(|one| one.person_id);
        let persons: BTreeSet<Uuid> = voters.filter(|person| !called.contains(person)).collect();
        let councils: BTreeSet<Uuid> = self.decisions.iter().map(|one| one.body_id).collect();
        (seats.into_iter().collect(), persons.into_iter().collect(), councils.into_iter().collect())
    }
}

/// Holds what a file says of a deliberation against the acts of its case: each vote, member for the case and decision has its act, each act its
/// vote, and nobody votes after they were recused. A file of before the council went with its cases has none, and stays without.
///
/// # Errors
/// What does not fit.
pub fn judge(type_key: &str, acts: &[ActDone], told: Option<&Deliberation>) -> Result<(), String> {
    nobody_recused_votes(acts)?;
    let Some(told) = told else { return Ok(()) };
    if type_key != PROCEDURE || *told == Deliberation::default() {
        return Err("expected of a procedure that the council did something in".into());
    }
    votes(acts, told)?;
    seats(acts, told)?;
    decisions(acts, told)
}

fn part<'a>(act: &'a ActDone, key: &str, at: usize) -> Option<&'a str> {
    act.changes.get(key).and_then(|change| change.get(at)).and_then(Value::as_str)
}

fn nobody_recused_votes(acts: &[ActDone]) -> Result<(), String> {
    let mut recused: BTreeSet<&str> = BTreeSet::new();
    for act in acts {
        match act.act.as_str() {
            "recuse" => recused.extend(part(act, "recused", 1)),
            "lift_recusal" => {
                if let Some(name) = part(act, "recused", 0) {
                    recused.remove(name);
                }
            }
            "vote" if recused.contains(act.actor.as_str()) => {
                return Err(format!("act {}: {} votes, and is recused", act.seq, act.actor));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The number of the act that put to the vote what an act belongs to.
fn round_of(acts: &[ActDone], seq: i32) -> Option<i32> {
    let put = |act: &&ActDone| act.seq < seq && PUT.contains(&act.act.as_str());
    acts.iter().rev().find(put).map(|act| act.seq)
}

fn votes(acts: &[ActDone], told: &Deliberation) -> Result<(), String> {
    let done: Vec<&ActDone> = acts.iter().filter(|act| act.act == "vote").collect();
    let fits = |(act, vote): (&&ActDone, &VoteLine)| {
        let is_theirs = (act.at, act.actor.as_str()) == (vote.at, vote.by.as_str());
        is_theirs && part(act, "vote", 1) == Some(vote.choice.as_str()) && round_of(acts, act.seq) == Some(vote.round)
    };
    let (mut seats, mut persons) = (BTreeSet::new(), BTreeSet::new());
    let is_once = told.votes.iter().all(|vote| {
        // Both are asked, so that each set knows of every vote.
        let (seat, person) = (seats.insert((vote.round, vote.seat_id)), persons.insert((vote.round, vote.person_id)));
        seat && person
    });
    if done.len() == told.votes.len() && done.iter().zip(&told.votes).all(fits) && is_once {
        return Ok(());
    }
    Err("the votes are others than the acts, or a seat or member votes twice in a round".into())
}

fn seats(acts: &[ActDone], told: &Deliberation) -> Result<(), String> {
    let done: Vec<&ActDone> = acts.iter().filter(|act| act.act == "designate").collect();
    let fits = |(act, one): (&&ActDone, &SeatLine)| {
        let is_theirs =
            (act.at, act.actor.as_str(), act.reason.as_str()) == (one.at, one.by.as_str(), one.reason.as_str());
        let named = json!({ "seat_id": one.seat_id, "person_id": one.person_id });
        let is_short = (1..=200).contains(&one.act.chars().count()) && !one.act.trim().is_empty();
        let is_name = (3..=160).contains(&one.person.trim().chars().count()) && one.person.chars().count() <= 160;
        let is_named = is_name && part(act, "designated", 1) == Some(one.person.as_str());
        let says = act.changes.get("designation") == Some(&named) && part(act, "act", 1) == Some(one.act.as_str());
        is_theirs && is_short && is_named && says && !one.reason.trim().is_empty()
    };
    if done.len() == told.ad_hoc.len() && done.iter().zip(&told.ad_hoc).all(fits) {
        return Ok(());
    }
    Err("the members for the case are others than the acts".into())
}

/// Whether what a decision counts was given in its round, and its outcome follows from the counts (`body::rules::decide`). A vote that fell
/// out since is counted no more, so that fewer may be counted than were given.
fn is_counted(one: &DecisionLine, votes: &[VoteLine]) -> bool {
    let given = |choice: Choice| {
        let count = votes.iter().filter(|vote| vote.round == one.round && vote.choice == choice).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    };
    let (yes, no, none) = (one.votes_for, one.votes_against, one.votes_abstain);
    let is_within = |count: i32, choice: Choice| (0..=given(choice)).contains(&count);
    let are_given = is_within(yes, Choice::For) && is_within(no, Choice::Against) && is_within(none, Choice::Abstain);
    let all: i64 = [yes, no, none].into_iter().map(i64::from).sum();
    // Whoever presides may have the word of a tie.
    let is_by_casting = one.approved && yes == no && yes > 0;
    are_given
        && all == i64::from(one.present)
        && (1..=one.present).contains(&one.quorum)
        && one.present <= one.seats
        && one.needed >= 1
        && (one.approved == (yes >= one.needed) || is_by_casting)
}

/// Whether a decision can have come of the votes of its round, and led to an act of the service.
fn decisions(acts: &[ActDone], told: &Deliberation) -> Result<(), String> {
    let mut rounds = BTreeSet::new();
    for one in &told.decisions {
        let follows = |act: &&ActDone| {
            let word = act.act.as_str();
            let led =
                if one.approved { word == one.proposal.act() } else { word == back_to(true) || word == back_to(false) };
            led && act.at == one.at && act.reason == one.reason && round_of(acts, act.seq) == Some(one.round)
        };
        if !is_counted(one, &told.votes) || !rounds.insert(one.round) || !acts.iter().any(|act| follows(&act)) {
            return Err(format!("the decision of the round {} does not follow from its votes and acts", one.round));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn at(minute: u32) -> Instant {
        format!("2026-03-02T12:{minute:02}:00Z").parse().unwrap()
    }

    fn act(seq: i32, word: &str, actor: &str, changes: Value) -> ActDone {
        let Value::Object(changes) = changes else { panic!() };
        ActDone {
            seq,
            at: at(u32::try_from(seq).unwrap()),
            actor: actor.into(),
            actor_kind: "staff".into(),
            act: word.into(),
            from_state: String::new(),
            to_state: String::new(),
            reason: if word == "file" { "maioria simples".into() } else { String::new() },
            changes,
            prev: None,
            hash: String::new(),
        }
    }

    fn whole() -> (Vec<ActDone>, Deliberation) {
        let acts = vec![
            act(1, "open", "enzo", Value::Object(Map::new())),
            act(2, "propose", "enzo", json!({})),
            act(3, "vote", "clara", json!({ "vote": [null, "for"] })),
            act(4, "file", "clara", json!({})),
        ];
        let id = Uuid::from_u128;
        let by = || "clara".to_owned();
        let vote = VoteLine { round: 2, seat_id: id(1), person_id: id(2), choice: Choice::For, at: at(3), by: by() };
        let decision = DecisionLine {
            round: 2,
            body_id: id(3),
            proposal: Proposal::Filed,
            votes_for: 1,
            votes_against: 0,
            votes_abstain: 0,
            present: 1,
            seats: 1,
            quorum: 1,
            needed: 1,
            approved: true,
            reason: "maioria simples".into(),
            at: at(4),
            by: by(),
        };
        (acts, Deliberation { ad_hoc: Vec::new(), votes: vec![vote], decisions: vec![decision] })
    }

    #[test]
    fn what_the_acts_did_not_make_is_refused() {
        let (acts, told) = whole();
        assert_eq!(judge(PROCEDURE, &acts, Some(&told)), Ok(()));
        assert_eq!(judge(PROCEDURE, &acts, None), Ok(()), "a file of before");
        assert!(judge("ethics.risk", &acts, Some(&told)).is_err());
        assert!(judge(PROCEDURE, &acts, Some(&Deliberation::default())).is_err());
        let forged: [fn(&mut Deliberation); 11] = [
            |told| told.votes[0].choice = Choice::Against,
            |told| told.votes[0].round = 1,
            |told| told.votes.clear(),
            |told| told.decisions[0].approved = false,
            |told| told.decisions[0].votes_for = 5,
            |told| told.decisions[0].at = at(3),
            |told| told.decisions[0].seats = 0,
            |told| told.decisions[0].quorum = 0,
            |told| told.decisions[0].needed = 0,
            // Approved without what it takes, and by votes that nobody gave.
            |told| told.decisions[0].needed = 2,
            |told| (told.decisions[0].votes_for, told.decisions[0].votes_against) = (0, 1),
        ];
        for (place, forge) in forged.into_iter().enumerate() {
            let mut told = told.clone();
            forge(&mut told);
            assert!(judge(PROCEDURE, &acts, Some(&told)).is_err(), "forgery {place}");
        }
        let (mut acts, told) = whole();
        acts.insert(2, act(3, "recuse", "enzo", json!({ "recused": [null, "clara"] })));
        assert!(judge(PROCEDURE, &acts, Some(&told)).is_err(), "whoever is recused does not vote");
    }

    #[test]
    fn a_tie_is_decided_by_a_casting_vote_alone() {
        let (_, told) = whole();
        let mut against = VoteLine { choice: Choice::Against, seat_id: Uuid::from_u128(4), ..told.votes[0].clone() };
        let votes = [told.votes[0].clone(), against.clone()];
        let tied = DecisionLine { votes_against: 1, present: 2, seats: 2, needed: 2, ..told.decisions[0].clone() };
        assert!(is_counted(&tied, &votes));
        assert!(is_counted(&DecisionLine { approved: false, ..tied.clone() }, &votes));
        // One of them fell out: what is left is no tie.
        let left = DecisionLine { votes_against: 0, present: 1, needed: 1, ..tied.clone() };
        assert!(is_counted(&left, &votes));
        assert!(!is_counted(&DecisionLine { approved: false, ..left }, &votes));
        against.round = 9;
        assert!(!is_counted(&tied, &[told.votes[0].clone(), against]), "of another round");
    }

    #[test]
    fn each_is_named_once() {
        let (_, mut told) = whole();
        told.votes.push(told.votes[0].clone());
        let (seats, persons, councils) = told.named();
        assert_eq!((seats.len(), persons.len(), councils.len()), (1, 1, 1));
    }
}
