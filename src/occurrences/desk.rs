//! What the desk does with an occurrence beside deciding on it (`reports::acts`): how urgent it is, what it needs, who answers for it, which
//! incident it is part of, and notes. Each act is one transaction of the caller's.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::life::Refusal;
use super::parent::{self, Proposal};
use super::photographs;
use super::priority::{self, Priority};
use super::store::{self, Assessed};
use super::{EVERY, REASON};
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::events::{Event, notify};
use crate::ids::IncidentId;
use crate::incidents::mentions;
use crate::incidents::notes::caption_of;
use crate::incidents::store as incidents;
use crate::media::Picture;
use crate::reports::acts::{ActError, By, begin, told};
use crate::reports::store as reports;
use crate::reports::store::queue;
use crate::reports::{OPEN, State};

fn reasoned(reason: &str) -> Result<&str, ActError> {
    let reason = reason.trim();
    if REASON.contains(&reason.chars().count()) { Ok(reason) } else { Err(ActError::Refused(Refusal::NoReason)) }
}

/// Judges how urgent an occurrence is by what is known now, and says when that must be looked at again.
///
/// # Errors
/// What the database says.
pub async fn judge(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<()> {
    let Some((facts, opened_at)) = store::facts(&mut *conn, id, now).await? else { return Ok(()) };
    let judged = priority::judge(&facts);
    let due_at = judged.next.map(|after| opened_at + after);
    if store::save_judged(&mut *conn, id, &judged, due_at).await? {
        notify(conn, &Event::Occurrence { id }).await?;
    }
    Ok(())
}

/// Sets how urgent it is by hand, or gives it back to the rule.
///
/// # Errors
/// When it is over, or the reason is missing.
pub async fn prioritise(
    conn: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    to: Option<Priority>,
    reason: &str,
) -> Result<(), ActError> {
    let reason = reasoned(reason)?;
    begin(&mut *conn, id, &OPEN).await?;
    let before = store::work(&mut *conn, id).await?.ok_or(ActError::NotFound)?;
    store::prioritise(&mut *conn, id, to.map(|to| (to, by.actor.name.as_str(), reason))).await?;
    let detail = json!({ "from": before.priority, "to": to.map_or(before.priority_rule, Priority::number),
        "by_rule": to.is_none(), "rule": before.priority_rule });
    told(conn, by, (id, Act::OccurrencePrioritise, "prioritised"), reason, detail).await
}

/// Keeps how many are in danger, what they need, and the hazard; the rule judges anew.
///
/// # Errors
/// When it is over.
pub async fn assess(conn: &mut PgConnection, by: By<'_>, id: Uuid, found: &Assessed) -> Result<(), ActError> {
    begin(&mut *conn, id, &OPEN).await?;
    store::assess(&mut *conn, id, found).await?;
    judge(&mut *conn, id, by.now).await?;
    let detail = json!({ "people": found.people, "needs": found.needs, "cobrade": found.cobrade });
    told(conn, by, (id, Act::OccurrenceAssess, "assessed"), "", detail).await
}

/// Says who answers for it; nobody, when `to` is none.
///
/// # Errors
/// When it is over, or there is no such account.
pub async fn assign(conn: &mut PgConnection, by: By<'_>, id: Uuid, to: Option<&str>) -> Result<(), ActError> {
    begin(&mut *conn, id, &super::AT_WORK).await?;
    if let Some(name) = to
        && !store::is_staff(&mut *conn, name).await?
    {
        return Err(ActError::UnknownPerson(name.to_owned()));
    }
    store::assign(&mut *conn, id, to).await?;
    told(conn, by, (id, Act::OccurrenceAssign, "assigned"), "", json!({ "to": to })).await
}

/// Puts it under an open incident; both timelines say so. `status`: what the service is for.
///
/// # Errors
/// When it is over or in one already, or the incident is closed, an exercise, or none.
pub async fn attach(
    conn: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    incident: IncidentId,
    (reason, status): (&str, AlertStatus),
) -> Result<(), ActError> {
    let found = begin(&mut *conn, id, &super::AT_WORK).await?;
    if found.incident_id.is_some() {
        return Err(ActError::HasIncident(found.number));
    }
    let (number, state) =
        crate::incidents::photographs::store::lock(&mut *conn, incident).await?.ok_or(ActError::UnknownIncident)?;
    if state != "open" {
        return Err(ActError::IncidentClosed(number));
    }
    // Where everything is exercised, as in a demonstration, so are the reports.
    if status == AlertStatus::Actual && incidents::is_drill(&mut *conn, incident).await? {
        return Err(ActError::IncidentDrill(number));
    }
    reports::join_incident(&mut *conn, id, incident.0).await?;
    let detail = json!({ "occurrence": found.number, "occurrence_id": id, "incident": number });
    incidents::add_entry(&mut *conn, incident, by.now, &by.actor.name, "attached", reason.trim(), &detail).await?;
    told(conn, by, (id, Act::OccurrenceAttach, "attached"), reason.trim(), detail).await
}

/// Takes it out of its incident; both timelines say so.
///
/// # Errors
/// When it is in none, or the reason is missing.
pub async fn detach(conn: &mut PgConnection, by: By<'_>, id: Uuid, reason: &str) -> Result<(), ActError> {
    let reason = reasoned(reason)?;
    let found = begin(&mut *conn, id, &EVERY).await?;
    let incident = IncidentId(found.incident_id.ok_or(ActError::NoIncident)?);
    store::leave_incident(&mut *conn, id).await?;
    let detail = json!({ "occurrence": found.number, "occurrence_id": id, "incident": found.incident_number });
    incidents::add_entry(&mut *conn, incident, by.now, &by.actor.name, "detached", reason, &detail).await?;
    told(conn, by, (id, Act::OccurrenceDetach, "detached"), reason, detail).await
}

/// Open incidents it may be part of, the likeliest first.
///
/// # Errors
/// What the database says.
pub async fn parents(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Proposal>> {
    let Some(found) = queue::load(&mut *conn, id).await? else { return Ok(Vec::new()) };
    let hazard = store::work(&mut *conn, id).await?.and_then(|work| work.cobrade).and_then(|code| code.parse().ok());
    let open = store::parent::candidates(conn, id).await?;
    Ok(parent::propose(hazard, found.last_at, &open))
}

/// What a note says and brings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Note<'a> {
    pub text: &'a str,
    /// The line that it corrects.
    pub corrects: Option<i64>,
    pub pictures: &'a [Picture],
    /// Photographs that the occurrence holds already.
    pub known: &'a [Uuid],
}

/// Writes a note, with its photographs, or corrects an earlier one by a new line that points to it. Whoever is named with `@` is told;
/// `base` is the address of the service.
///
/// # Errors
/// When there is no such occurrence, it is full, a photograph is not there, or the line is none that could be corrected. Then nothing is
/// kept.
pub async fn note(conn: &mut PgConnection, by: By<'_>, id: Uuid, note: Note<'_>, base: &str) -> Result<i64, ActError> {
    let Note { text, corrects, pictures, known } = note;
    let found = queue::load(&mut *conn, id).await?.ok_or(ActError::NotFound)?;
    let held = if known.is_empty() { Vec::new() } else { store::photographs::list(&mut *conn, id).await? };
    let is_there = |wanted: &Uuid| held.iter().any(|one| one.id == *wanted && one.removed_at.is_none());
    if let Some(gone) = known.iter().find(|wanted| !is_there(wanted)) {
        return Err(ActError::NoPhotograph(*gone));
    }
    let kept = photographs::keep(&mut *conn, by, id, &caption_of(text), pictures).await?;
    let mut shown: Vec<Uuid> = known.to_vec();
    for one in kept.all {
        if !shown.contains(&one) {
            shown.push(one);
        }
    }
    let pictures: Vec<_> = shown.iter().map(|id| json!({ "id": id })).collect();
    let detail = if pictures.is_empty() { json!({}) } else { json!({ "photographs": pictures }) };
    let who = (by.now, by.actor.name.as_str());
    let line = store::add_note(&mut *conn, id, who, (text, &detail), corrects).await?.ok_or(ActError::NoLine)?;
    let place = mentions::Place::Occurrence { event: line, id, number: &found.number };
    mentions::tell(&mut *conn, (by.desk.ids, by.now), (&by.actor.name, base), place, text).await?;
    let after = json!({ "text": text, "corrects": corrects, "photographs": shown });
    let entry = Entry::new(Act::OccurrenceNote, "occurrence", id).to(after);
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    notify(conn, &Event::Occurrence { id }).await?;
    Ok(line)
}

/// Whether what was reported belongs to it still.
pub fn is_open(state: &str) -> bool {
    state.parse::<State>().is_ok_and(State::is_open)
}
