//! What people and the clock do with reports and lessons, each act with its entry in the audit.

use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::figures::figures;
use super::store::{self, Edit};
use super::{Approver, Report, approver, words};
use crate::accounts::tokens::desk::Acting;
use crate::accounts::{Permission, Role, Roles};
use crate::alerts::escalation::store as escalation;
use crate::audit::{self, Act, Entry};
use crate::events::{Event, notify};
use crate::exercises::plan::text;
use crate::ids::{IncidentId, StaffId};
use crate::incidents::store as incidents;
use crate::plancon::PlanError;
use crate::plancon::store::activations::lock_incident;
use crate::refused::Refused;

const KIND: &str = "situation_report";
/// Lessons of one incident, at most.
const MOST_LESSONS: usize = 200;
/// Days ahead that a lesson may be due.
const LESSON_WITHIN_DAYS: i64 = 1830;

/// Drafts the next report of an open incident, of the time since the last one.
///
/// # Errors
/// `NotFound`; `Conflict` when it is closed or a draft waits.
pub async fn draft(conn: &mut PgConnection, by: Acting<'_>, incident: IncidentId) -> Result<Uuid, Refused> {
    let missing = || Refused::NotFound(format!("incident {incident}"));
    let (is_open, _) = lock_incident(&mut *conn, incident).await?.ok_or_else(missing)?;
    if !is_open {
        return Err(Refused::Conflict("the incident is closed".into()));
    }
    let before = store::list(&mut *conn, Some(incident), None).await?;
    let last = before.first();
    if last.is_some_and(Report::is_draft) {
        return Err(Refused::Conflict("a draft of this incident waits already; finish it first".into()));
    }
    let opened = incidents::load(&mut *conn, incident).await?.ok_or_else(missing)?.opened_at;
    let from_at = last.map_or(opened, |last| last.until_at).min(by.now);
    let counted = store::count(&mut *conn, incident, by.now).await?;
    let figures = figures(&counted.counts, last.map(|last| last.figures.as_slice()));
    let words = words::begin(&counted.counts, &counted.alerts, &counted.tasks, (from_at, by.now));
    let id = by.ids.uuid(by.now);
    let number = last.map_or(0, |last| last.number) + 1;
    let new = store::New {
        id,
        incident,
        number,
        from_at,
        figures: &figures,
        situation: words.situation.trim(),
        actions: words.actions.trim(),
    };
    store::insert(&mut *conn, (by.now, &by.actor.name), &new).await?;
    let after = json!({ "incident": incident, "number": number });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::SituationDraft, KIND, id).to(after)).await?;
    notify(conn, &Event::Incident { id: incident.0 }).await?;
    Ok(id)
}

async fn waiting(conn: &mut PgConnection, id: Uuid, revision: i32) -> Result<Report, Refused> {
    let found = store::lock(conn, id).await?;
    let report = found.ok_or_else(|| Refused::NotFound(format!("situation report {id}")))?;
    if !report.is_draft() {
        return Err(Refused::Conflict("the report is approved and stands as it is".into()));
    }
    if report.revision != revision {
        return Err(Refused::Conflict("the report changed meanwhile; look at it again".into()));
    }
    Ok(report)
}

/// As browsers and people write them: ends trimmed, one kind of line end.
fn words_of(edit: &Edit) -> Edit {
    let tidy = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned();
    Edit {
        revision: edit.revision,
        situation: tidy(&edit.situation),
        actions: tidy(&edit.actions),
        needs: tidy(&edit.needs),
        public_text: tidy(&edit.public_text),
    }
}

/// Writes the words of a draft, and gives the revision that it has then. The same words again are no edit: whoever only read it has
/// written nothing.
///
/// # Errors
/// `Wrong` with every field that is; `NotFound`; `Conflict` when it changed meanwhile or is approved.
pub async fn edit(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, edit: &Edit) -> Result<i32, PlanError> {
    let mut problems = Vec::new();
    let fields = [("situation", &edit.situation), ("actions", &edit.actions), ("needs", &edit.needs)];
    for (field, value) in fields {
        text(&mut problems, field, value, 0, 8000, false);
    }
    text(&mut problems, "public_text", &edit.public_text, 0, 4000, false);
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let report = waiting(&mut *conn, id, edit.revision).await?;
    let edit = words_of(edit);
    let before = [&report.situation, &report.actions, &report.needs, &report.public_text];
    if before == [&edit.situation, &edit.actions, &edit.needs, &edit.public_text] {
        return Ok(report.revision);
    }
    store::edit(&mut *conn, id, (by.now, &by.actor.name, by.actor.id.map(StaffId)), &edit).await?;
    let after = json!({ "situation": edit.situation, "actions": edit.actions, "needs": edit.needs, "public_text": edit.public_text });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::SituationEdit, KIND, id).to(after)).await?;
    notify(conn, &Event::Incident { id: report.incident_id.0 }).await?;
    Ok(report.revision + 1)
}

/// Counts the figures of a draft anew; the words stay.
///
/// # Errors
/// `NotFound`; `Conflict` when it changed meanwhile or is approved.
pub async fn refresh(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, revision: i32) -> Result<(), PlanError> {
    let report = waiting(&mut *conn, id, revision).await?;
    let all = store::list(&mut *conn, Some(report.incident_id), None).await?;
    let before = all.iter().find(|other| other.number < report.number);
    let counted = store::count(&mut *conn, report.incident_id, by.now).await?;
    let figures = figures(&counted.counts, before.map(|before| before.figures.as_slice()));
    store::set_figures(&mut *conn, id, (by.now, &by.actor.name), &figures).await?;
    let entry = Entry::new(Act::SituationEdit, KIND, id).to(json!({ "figures": "counted anew" }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    Ok(notify(conn, &Event::Incident { id: report.incident_id.0 }).await?)
}

/// Everybody who may approve reports, by account.
///
/// # Errors
/// What the database says.
pub async fn holders(conn: &mut PgConnection) -> sqlx::Result<Vec<StaffId>> {
    let people = escalation::people(conn).await?;
    let may = |roles: &[Role]| Roles::new(roles.iter().copied()).permissions().allow(Permission::RunIncidents);
    Ok(people.into_iter().filter(|person| may(&person.roles)).map(|person| person.id).collect())
}

/// Approves a draft: from then on it stands as it is, and residents read what it says to them. Whoever wrote of it does not approve it, unless
/// nobody else may; then timeline and report say so.
///
/// # Errors
/// `NotFound`; `Conflict` when it changed meanwhile, is approved, or says nothing; `Forbidden` to whoever wrote of it.
pub async fn approve(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, revision: i32) -> Result<(), PlanError> {
    let report = waiting(&mut *conn, id, revision).await?;
    if report.situation.trim().is_empty() {
        return Err(Refused::wrong("situation", "", "expected what the situation is").into());
    }
    let alone = match approver(by.actor.id.map(StaffId), &report.authors, &holders(&mut *conn).await?) {
        Approver::Another => false,
        Approver::Alone => true,
        Approver::Author => {
            return Err(Refused::Forbidden("whoever wrote a situation report does not approve it".into()).into());
        }
    };
    store::approve(&mut *conn, id, (by.now, &by.actor.name), alone).await?;
    let detail = json!({ "report": id, "number": report.number, "alone": alone });
    let only = if alone { " por quem o escreveu, porque ninguém mais pode aprovar" } else { "" };
    let line = format!("Relatório de situação nº {} aprovado{only}", report.number);
    incidents::add_entry(&mut *conn, report.incident_id, by.now, &by.actor.name, "situation", &line, &detail).await?;
    let entry = Entry::new(Act::SituationApprove, KIND, id).to(detail);
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// A lesson as somebody writes it.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentLessonWanted)]
#[serde(deny_unknown_fields)]
pub struct NewLesson {
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub text: String,
    /// Who sees to it.
    #[schema(min_length = 1, max_length = 160, pattern = r"\S")]
    pub owner: String,
    pub due_on: NaiveDate,
}

/// Adds a lesson, also after the incident was closed, because that is when lessons are found.
///
/// # Errors
/// `Wrong` with every field that is; `NotFound`; `Conflict` when there are too many.
pub async fn add_lesson(
    conn: &mut PgConnection,
    by: Acting<'_>,
    incident: IncidentId,
    (new, today): (&NewLesson, NaiveDate),
) -> Result<Uuid, PlanError> {
    let mut problems = Vec::new();
    text(&mut problems, "text", &new.text, 1, 1000, false);
    text(&mut problems, "owner", &new.owner, 1, 160, true);
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    if new.due_on < today || new.due_on > today + TimeDelta::days(LESSON_WITHIN_DAYS) {
        let expected = format!("expected a day from {today} on and within {LESSON_WITHIN_DAYS} days");
        return Err(Refused::wrong("due_on", new.due_on, expected).into());
    }
    let missing = || Refused::NotFound(format!("incident {incident}"));
    lock_incident(&mut *conn, incident).await?.ok_or_else(missing)?;
    if store::lessons(&mut *conn, incident).await?.len() >= MOST_LESSONS {
        return Err(Refused::Conflict(format!("there are {MOST_LESSONS} lessons already")).into());
    }
    let id = by.ids.uuid(by.now);
    let (said, owner) = (new.text.trim(), new.owner.trim());
    store::add_lesson(&mut *conn, (id, incident), (by.now, &by.actor.name), (said, owner, new.due_on)).await?;
    let after = json!({ "lesson": id, "text": said, "owner": owner, "due_on": new.due_on });
    let entry = Entry::new(Act::LessonAdd, "incident", incident).to(after);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    notify(conn, &Event::Incident { id: incident.0 }).await?;
    Ok(id)
}

/// Marks a lesson as done, with what was done.
///
/// # Errors
/// `Wrong`; `NotFound` when there is none that waits.
pub async fn lesson_done(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (incident, id): (IncidentId, Uuid),
    note: &str,
) -> Result<(), PlanError> {
    let mut problems = Vec::new();
    text(&mut problems, "note", note, 0, 1000, false);
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    if !store::lesson_done(&mut *conn, (id, incident), (by.now, &by.actor.name), note.trim()).await? {
        return Err(Refused::NotFound(format!("lesson {id} that waits to be done")).into());
    }
    let entry = Entry::new(Act::LessonDone, "incident", incident).because(note.trim()).to(json!({ "lesson": id }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    Ok(notify(conn, &Event::Incident { id: incident.0 }).await?)
}
