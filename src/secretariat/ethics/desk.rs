//! The vote of the council in a procedure, each act in the caller's transaction with its ledger and audit; and the reporter in the vault.

use serde::Serialize;
use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::votes::{self, AdHoc, EmptySeat, Vote, Voter};
use super::{MODULE, PROCEDURE, Proposal, VOTING, back_to, store};
use crate::audit::Act;
use crate::refused::{Reason, Refused};
use crate::secretariat::citizen::desk as door;
use crate::secretariat::citizen::identity::{self, Identity};
use crate::secretariat::kernel::body::desk::seats::cited;
use crate::secretariat::kernel::body::{self, Body, Choice, Seat};
use crate::secretariat::kernel::decide::{Asked, Who};
use crate::secretariat::kernel::desk::{self as cases, CaseError, Desk};
use crate::secretariat::kernel::store::recusals;
use crate::secretariat::kernel::{CaseFile, Recusal};

/// A procedure with the vote as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = EthicsVoting)]
pub struct Voting {
    /// Number of the act that put the proposal to the vote; none: nothing is put to it now.
    pub round: Option<i32>,
    /// censure, agreement, filed
    #[schema(value_type = Option<String>)]
    pub proposal: Option<Proposal>,
    /// The council that votes; none: there is none in force.
    pub council: Option<String>,
    /// Seats in force, and how many have to vote.
    pub seats: u32,
    pub quorum: u32,
    /// How many votes this round can come to; fewer than the quorum: members are designated for the case, or the proposal is given back.
    pub within_reach: u32,
    /// The caller presides, and closes the round.
    pub presides: bool,
    /// The caller presides or is the secretary, and takes a way out where recusals left no quorum.
    pub recomposes: bool,
    pub voters: Vec<Voter>,
    /// Seats for which nobody votes.
    pub empty: Vec<EmptySeat>,
    /// Who was designated for seats in this case, the first first.
    pub ad_hoc: Vec<AdHoc>,
    pub votes: Vec<Vote>,
    pub recused: Vec<Recusal>,
    pub decisions: Vec<store::Decision>,
}

impl Voting {
    /// Fewer may vote than the quorum takes: members are designated for the case.
    pub fn is_short(&self) -> bool {
        self.council.is_some() && u32::try_from(self.voters.len()).unwrap_or(u32::MAX) < self.quorum
    }

    /// The round that runs cannot come to its quorum any more: the proposal is given back.
    pub fn is_stuck(&self) -> bool {
        self.round.is_some() && self.council.is_some() && self.within_reach < self.quorum
    }
}

/// What is known of a vote.
pub(super) struct Hall {
    pub council: Body,
    pub seats: Vec<Seat>,
    pub voters: Vec<Voter>,
}

impl Hall {
    fn in_force(&self, day: chrono::NaiveDate) -> u32 {
        u32::try_from(self.seats.iter().filter(|seat| seat.is_in_force(day)).count()).unwrap_or(u32::MAX)
    }

    /// How many have to vote.
    pub fn quorum(&self, day: chrono::NaiveDate) -> u32 {
        self.council.what.rules.quorum_decide.of(self.in_force(day))
    }
}

/// The council in force, with who may vote in a case.
pub(super) async fn hall(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid) -> Result<Hall, CaseError> {
    let day = desk.at().today();
    let found = store::councils(&mut *conn, day).await?;
    let council = match found[..] {
        [one] => body::store::by_id(&mut *conn, one).await?,
        [] => None,
        _ => return Err(Refused::Conflict("more than one ethics council is in force; end one of them".into()).into()),
    };
    let council = council.ok_or_else(|| Refused::Conflict("no ethics council is in force".into()))?;
    let seats = body::store::seats::of_body(&mut *conn, council.id).await?;
    let people = body::store::persons_of(&mut *conn, council.id).await?;
    let recused = recusals::of_case(&mut *conn, id).await?.into_iter().map(|one| one.username).collect::<Vec<_>>();
    let designated = store::ad_hoc(conn, id).await?;
    Ok(Hall { voters: votes::voters(&seats, day, &people, (&recused, &designated)), council, seats })
}

pub(super) async fn procedure(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    held: bool,
) -> Result<CaseFile, CaseError> {
    let (_, case) = cases::find(conn, desk, id, held).await?;
    if case.type_key != PROCEDURE {
        return Err(Refused::NotFound(format!("ethics procedure {id}")).into());
    }
    Ok(case)
}

fn proposal(case: &CaseFile) -> Option<Proposal> {
    case.text("proposal").and_then(|word| word.parse().ok())
}

/// A procedure in which the council votes now: the round, where it was put from, and the proposal.
pub(super) async fn put(conn: &mut PgConnection, case: &CaseFile) -> Result<(i32, String, Proposal), CaseError> {
    let nothing = || Refused::Conflict(format!("nothing is put to the vote: the procedure is {}", case.state));
    if case.state != VOTING || case.annulled.is_some() {
        return Err(nothing().into());
    }
    let (round, from) = store::round(conn, case.id).await?.ok_or_else(nothing)?;
    Ok((round, from, proposal(case).ok_or_else(nothing)?))
}

/// The vote as it stands, for whoever reads the procedure.
///
/// # Errors
/// `NotFound`, also for whoever is recused; `Conflict` when more than one council is in force.
pub async fn voting(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid) -> Result<Voting, CaseError> {
    let case = procedure(&mut *conn, desk, id, false).await?;
    let round = if case.state == VOTING { store::round(&mut *conn, id).await?.map(|(round, _)| round) } else { None };
    let votes = match round {
        Some(round) => store::votes(&mut *conn, id, round).await?,
        None => Vec::new(),
    };
    let hall = match hall(&mut *conn, desk, id).await {
        Ok(hall) => Some(hall),
        Err(CaseError::Refused(Refused::Conflict(_))) => None,
        Err(error) => return Err(error),
    };
    let day = desk.at().today();
    Ok(Voting {
        proposal: proposal(&case).filter(|_| round.is_some()),
        round,
        seats: hall.as_ref().map_or(0, |hall| hall.in_force(day)),
        quorum: hall.as_ref().map_or(0, |hall| hall.quorum(day)),
        within_reach: hall.as_ref().map_or(0, |hall| votes::within_reach(&hall.voters, &votes)),
        presides: hall.as_ref().is_some_and(|hall| votes::presides(&hall.seats, &hall.voters, &votes, &desk.who.name)),
        recomposes: hall.as_ref().is_some_and(|hall| {
            desk.who.has(MODULE) && votes::recomposes(&hall.seats, &hall.voters, &votes, &desk.who.name)
        }),
        empty: hall.as_ref().map(|hall| votes::empty(&hall.seats, day, &hall.voters)).unwrap_or_default(),
        ad_hoc: store::ad_hoc(&mut *conn, id).await?,
        council: hall.as_ref().map(|hall| hall.council.what.name.clone()),
        voters: hall.map(|hall| hall.voters).unwrap_or_default(),
        votes,
        recused: recusals::of_case(&mut *conn, id).await?,
        decisions: store::decisions(conn, id).await?,
    })
}

/// Gives the vote of the member who asks. Once in a round, and never by who is recused: they do not find the procedure.
///
/// # Errors
/// `NotFound`; `Forbidden` naming the role; `Conflict` when nothing is put to the vote, they hold no seat, or voted already.
pub async fn vote(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid, choice: Choice) -> Result<CaseFile, CaseError> {
    let mut case = procedure(&mut *conn, desk, id, true).await?;
    works_here(desk, "vote")?;
    let (round, ..) = put(&mut *conn, &case).await?;
    let hall = hall(&mut *conn, desk, id).await?;
    let given = store::votes(&mut *conn, id, round).await?;
    let voter = votes::may_vote(&hall.voters, &given, &desk.who.name)
        .map_err(|why| Refused::Conflict(format!("{why} ({})", cited(&hall.council))))?;
    let by = (desk.by.now, desk.by.actor.name.as_str());
    store::insert_vote(&mut *conn, (id, round), (voter.seat_id, voter.person_id, choice), by).await?;
    let kept = desk.types.version(&mut *conn, &case.type_key, case.version).await?;
    let changes = Map::from_iter([("vote".to_owned(), json!([null, choice.as_str()]))]);
    cases::noted(conn, desk, (&kept.def, &mut case), ("vote", Act::CaseVote, ""), &changes).await?;
    Ok(case)
}

pub(super) fn works_here(desk: Desk<'_>, act: &str) -> Result<(), Refused> {
    if desk.who.has(MODULE) {
        Ok(())
    } else {
        Err(Refused::Forbidden(format!("the act {act} needs the role {MODULE}")))
    }
}

/// Why somebody does not close a round.
fn not_presiding(council: &Body) -> Refused {
    let law = cited(council);
    let detail = format!("the vote is closed by who presides over the council, from their own account ({law})");
    Refused::Because(Box::new(Reason { code: "ethics-presides", detail, args: Vec::new(), law, is_forbidden: true }))
}

/// Closes a round, by whoever presides: counts the votes by the rules of the council, keeps the decision, and does the act that follows from it.
///
/// # Errors
/// `NotFound`; `Forbidden` naming the role, or saying who presides; `Conflict` citing the rules of the council: no quorum, a tie, a casting vote that is another's than
/// who presides; when it was changed meanwhile.
pub async fn resolve(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    casting: Option<bool>,
) -> Result<CaseFile, CaseError> {
    let case = procedure(&mut *conn, desk, id, true).await?;
    works_here(desk, "resolve")?;
    cases::around::as_seen(&case, revision)?;
    let (round, from, proposal) = put(&mut *conn, &case).await?;
    let hall = hall(&mut *conn, desk, id).await?;
    let given = store::votes(&mut *conn, id, round).await?;
    if !votes::presides(&hall.seats, &hall.voters, &given, &desk.who.name) {
        return Err(not_presiding(&hall.council).into());
    }
    let seats = hall.in_force(desk.at().today());
    let (tally, outcome) = votes::decide(&hall.council.what.rules, (seats, &hall.voters), &given, casting)
        .map_err(|why| Refused::Conflict(format!("{why} ({})", cited(&hall.council))))?;
    let chair = votes::casting(&hall.seats, &hall.voters, &given);
    if casting.is_some() && chair.is_none_or(|chair| chair.account != desk.who.name) {
        let why = "the casting vote is given by who presides and voted, from their own account";
        return Err(Refused::Conflict(format!("{why} ({})", cited(&hall.council))).into());
    }
    let by = (desk.by.now, desk.by.actor.name.as_str());
    store::insert_decision(&mut *conn, (id, round, hall.council.id), (proposal, tally, &outcome), by).await?;
    let transition = if outcome.approved { proposal.act() } else { back_to(from == "preliminary") };
    // Whatever the council decides nobody does alone: the type leaves these acts to the service.
    let who = Who { is_service: true, ..desk.who.clone() };
    let asked = Asked { transition: transition.into(), revision, reason: outcome.reason, fields: Map::new() };
    cases::act(conn, Desk { who: &who, ..desk }, id, &asked).await
}

/// Seals who reported to the council itself. Whoever reported through the ombudsman stays in the ombudsman's vault.
///
/// # Errors
/// `Wrong` with every field; `Forbidden`; `Conflict` when somebody is kept already; `NotFound`.
pub async fn keep_reporter(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    reporter: &Identity,
) -> Result<(), CaseError> {
    let case = procedure(&mut *conn, desk, id, true).await?;
    works_here(desk, "keep_reporter")?;
    let reporter = door::trimmed(reporter);
    let mut problems = door::judge(&reporter);
    if reporter.name.is_empty() {
        let message = "expected the name of who reports".to_owned();
        problems.push(crate::refused::FieldError { field: "name".into(), value: String::new(), message });
    }
    if !problems.is_empty() {
        return Err(CaseError::Wrong(problems));
    }
    identity::keep(conn, desk, &case, &reporter).await
}
