//! The ways out of a vote that recusals left without quorum: members are designated for the case, or the proposal is given back to where it was
//! put from and put anew. Each with a reason, in the ledger of the case and in the audit.

use chrono::NaiveDate;
use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{Hall, hall, procedure, put, works_here};
use super::{VOTING, back_to, store, votes};
use crate::accounts::Role;
use crate::alerts::escalation::store as staff;
use crate::audit::Act;
use crate::exercises::plan::text;
use crate::plancon::desk::reasoned;
use crate::refused::{Reason, Refused, Said};
use crate::secretariat::kernel::CaseFile;
use crate::secretariat::kernel::body;
use crate::secretariat::kernel::body::desk::seats::cited;
use crate::secretariat::kernel::decide::{Asked, Who};
use crate::secretariat::kernel::desk::{self as cases, CaseError, Desk};
use crate::secretariat::kernel::store::recusals;

/// Whom the authority designates for which seat.
#[derive(Clone, Copy, Debug)]
pub struct Designation<'a> {
    pub seat_id: Uuid,
    pub person_id: Uuid,
    /// The act of the authority, as "Portaria 12/2026".
    pub act: &'a str,
    pub reason: &'a str,
}

fn because(code: &'static str, detail: &str, args: Vec<(&'static str, Said)>, hall: &Hall) -> CaseError {
    let law = cited(&hall.council);
    let detail = format!("{detail} ({law})");
    Refused::Because(Box::new(Reason { code, detail, args, law, is_forbidden: false })).into()
}

/// # Errors
/// `Forbidden` for whoever neither presides nor keeps the secretariat of the council: to choose who votes, or to end a vote, is no act of any desk.
async fn is_theirs(conn: &mut PgConnection, desk: Desk<'_>, case: &CaseFile, hall: &Hall) -> Result<(), CaseError> {
    let given = match store::round(&mut *conn, case.id).await? {
        Some((round, _)) if case.state == VOTING => store::votes(conn, case.id, round).await?,
        _ => Vec::new(),
    };
    if votes::recomposes(&hall.seats, &hall.voters, &given, &desk.who.name) {
        return Ok(());
    }
    let law = cited(&hall.council);
    let detail = format!("who presides over the council or its secretary does this, from their own account ({law})");
    let code = "ethics-recomposes";
    Err(Refused::Because(Box::new(Reason { code, detail, args: Vec::new(), law, is_forbidden: true })).into())
}

/// # Errors
/// `Conflict` while as many as the quorum takes may vote: nobody picks members where the council has its own.
fn is_short(hall: &Hall, reach: u32, day: NaiveDate) -> Result<(), CaseError> {
    let quorum = hall.quorum(day);
    if reach < quorum {
        return Ok(());
    }
    let number = |number: u32| Said::Text(number.to_string());
    let detail = format!("the quorum is within reach: {reach} may vote, {quorum} needed");
    Err(because("ethics-quorum-in-reach", &detail, vec![("reach", number(reach)), ("quorum", number(quorum))], hall))
}

/// Writes down whom the authority designated for a seat, in this case alone. Only while recusals leave the council without quorum, and only for
/// a seat for which nobody votes; of a seat the last designation holds. By whoever presides, or the secretary.
///
/// # Errors
/// `Wrong` naming the field; `Forbidden` naming the role, or saying who does it; `Conflict` when it was changed or is over, the quorum is within
/// reach, or the seat has somebody; `NotFound`.
pub async fn designate(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    new: Designation<'_>,
) -> Result<CaseFile, CaseError> {
    let mut case = procedure(&mut *conn, desk, id, true).await?;
    works_here(desk, "designate")?;
    cases::around::as_seen(&case, revision)?;
    if case.is_final {
        return Err(Refused::Conflict(format!("nothing is put to the vote: the procedure is {}", case.state)).into());
    }
    let reason = reasoned("reason", new.reason)?;
    let act = new.act.trim();
    let mut problems = Vec::new();
    text(&mut problems, "act", act, 1, 200, true);
    if !problems.is_empty() {
        return Err(CaseError::Wrong(problems));
    }
    let (hall, day) = (hall(&mut *conn, desk, id).await?, desk.at().today());
    is_theirs(&mut *conn, desk, &case, &hall).await?;
    is_short(&hall, u32::try_from(hall.voters.len()).unwrap_or(u32::MAX), day)?;
    let empty = votes::empty(&hall.seats, day, &hall.voters);
    let seat = empty.iter().find(|seat| seat.seat_id == new.seat_id);
    let seat = seat.ok_or_else(|| because("ethics-seat-held", "the seat has somebody who votes", Vec::new(), &hall))?;
    let person = may_sit(&mut *conn, (id, new.person_id), &hall).await?;
    let by = (desk.by.now, desk.by.actor.name.as_str());
    store::insert_ad_hoc(&mut *conn, id, (new.seat_id, new.person_id), (act, &reason), by).await?;
    let kept = desk.types.version(&mut *conn, &case.type_key, case.version).await?;
    let changes = Map::from_iter([
        ("designated".to_owned(), json!([seat.entity, person])),
        ("act".to_owned(), json!([null, act])),
        ("designation".to_owned(), json!({ "seat_id": new.seat_id, "person_id": new.person_id })),
    ]);
    cases::noted(conn, desk, (&kept.def, &mut case), ("designate", Act::CaseDesignate, &reason), &changes).await?;
    Ok(case)
}

/// The name of whoever is to sit: somebody with an account of the module, not recused, and who does not vote in the case already.
async fn may_sit(conn: &mut PgConnection, (case, person): (Uuid, Uuid), hall: &Hall) -> Result<String, CaseError> {
    let unfit = |why: &str| -> CaseError { Refused::wrong("person_id", person, why).into() };
    let found = body::store::person(&mut *conn, person).await?;
    let found = found.ok_or_else(|| unfit("expected a person who was written down"))?;
    if hall.voters.iter().any(|voter| voter.person_id == person) {
        return Err(unfit("expected somebody who does not vote in this case already"));
    }
    let account = found.account.unwrap_or_default();
    let people = staff::people(&mut *conn).await?;
    if !people.iter().any(|one| one.username == account && one.roles.contains(&Role::Ethics)) {
        return Err(unfit("expected somebody whose account has the role of the module"));
    }
    if recusals::is_recused(conn, case, &account).await? {
        return Err(unfit("expected somebody who is not recused from this case"));
    }
    Ok(found.name)
}

/// Gives the proposal back to where it was put from, because the round cannot come to its quorum any more: put anew it is another round, in which
/// a seat whose vote fell out votes again. By whoever presides, or the secretary.
///
/// # Errors
/// `Wrong` without a reason; `Forbidden` naming the role, or saying who does it; `Conflict` when nothing is put to the vote, the quorum is within
/// reach, or it was changed; `NotFound`.
pub async fn give_back(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    reason: &str,
) -> Result<CaseFile, CaseError> {
    let case = procedure(&mut *conn, desk, id, true).await?;
    works_here(desk, "give_back")?;
    cases::around::as_seen(&case, revision)?;
    let reason = reasoned("reason", reason)?;
    let (round, from, _) = put(&mut *conn, &case).await?;
    let hall = hall(&mut *conn, desk, id).await?;
    is_theirs(&mut *conn, desk, &case, &hall).await?;
    let given = store::votes(&mut *conn, id, round).await?;
    is_short(&hall, votes::within_reach(&hall.voters, &given), desk.at().today())?;
    let who = Who { is_service: true, ..desk.who.clone() };
    let transition = back_to(from == "preliminary").to_owned();
    let asked = Asked { transition, revision, reason, fields: Map::new() };
    cases::act(conn, Desk { who: &who, ..desk }, id, &asked).await
}

/// People who were written down and have an account of the module, for the form that designates one of them.
///
/// # Errors
/// The database's.
pub async fn candidates(conn: &mut PgConnection) -> sqlx::Result<Vec<body::Person>> {
    let people = staff::people(&mut *conn).await?;
    let works = |account: &str| people.iter().any(|one| one.username == account && one.roles.contains(&Role::Ethics));
    let mut all = body::store::persons(conn, "").await?;
    all.retain(|person| person.account.as_deref().is_some_and(works));
    Ok(all)
}
