//! Acts on requests and deployments, each in the caller's transaction with its audit and its line on the timelines of incident and occurrence.

use chrono::Datelike as _;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::life::State;
use super::store::{self, Asked, New, NewStep};
use super::{Deployment, ENTRY, NewRequest, Request, at_work, calls, notices};
use crate::alerts::store::next_number;
use crate::audit::{self, Act as Audited, Entry};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::ics::store as command;
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::refused::Refused;
use crate::reports::acts::By;
use crate::reports::store as reports;
use crate::reports::store::queue;
use crate::resources::desk::{held, reason};
use crate::resources::fit::{self, Conflict, NotSent, Wanted};
use crate::resources::{Class, Resource, store as resources};

pub use super::steps::{Stepped, Tracked, positions, step};

/// # Errors
/// The field that is wrong.
pub fn checked(new: &NewRequest) -> Result<(), Refused> {
    if !(1..=50).contains(&new.wanted) {
        return Err(Refused::wrong("wanted", new.wanted, "expected 1 to 50"));
    }
    let task = new.task.trim();
    if task.is_empty() || task.chars().count() > 500 {
        return Err(Refused::wrong("task", task, "expected 1 to 500 characters that say what they are to do"));
    }
    if new.typing.is_some_and(|typing| !(1..=4).contains(&typing)) {
        return Err(Refused::wrong("typing", new.typing.unwrap_or_default(), "expected 1 to 4, 1 the most able"));
    }
    if new.incident.is_none() && new.occurrence.is_none() {
        return Err(Refused::wrong("incident", "", "expected an incident or an occurrence"));
    }
    Ok(())
}

/// Asks for resources.
///
/// # Errors
/// The field that is wrong; a conflict when the incident or the occurrence is over.
pub async fn request(conn: &mut PgConnection, by: By<'_>, new: &NewRequest) -> Result<Uuid, Refused> {
    checked(new)?;
    let new = &whole(&mut *conn, new).await?;
    let year = by.now.with_timezone(&by.desk.tz).year();
    let (number, _) = next_number(&mut *conn, "resource_request", year).await?;
    let id = by.desk.ids.uuid(by.now);
    store::insert_request(&mut *conn, (id, &number), (by.now, &by.actor.name), new).await?;
    let entry = Entry::new(Audited::ResourceRequest, "resource_request", id).because(new.task.trim());
    let entry = entry.to(json!({ "number": number, "kind": new.kind, "wanted": new.wanted, "skills": new.skills }));
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    let kept = asked(&mut *conn, id).await?;
    let line = format!("Pedido {number}: {} × {}. {}", new.wanted, kind_word(new.kind.as_str()), new.task.trim());
    tell(conn, by, (kept.incident, kept.what.occurrence), &line, json!({ "request_id": id })).await?;
    Ok(id)
}

/// What is asked for an occurrence follows the incident of it: the two of a pair have to be one, or an exercise could send somebody to what
/// is real.
async fn whole(conn: &mut PgConnection, new: &NewRequest) -> Result<NewRequest, Refused> {
    let mut new = new.clone();
    let mut incident = new.incident;
    if let Some(occurrence) = new.occurrence {
        let found = queue::load(&mut *conn, occurrence).await?;
        let found = found.ok_or_else(|| Refused::wrong("occurrence", occurrence, "is no occurrence"))?;
        if !found.state.parse().is_ok_and(at_work) {
            return Err(over(&found.number, &found.state));
        }
        if let Some(given) = new.incident.take().filter(|given| found.incident_id != Some(*given)) {
            return Err(Refused::wrong("incident", given, "is not the incident of the occurrence"));
        }
        incident = found.incident_id;
    }
    let Some(incident) = incident else { return Ok(new) };
    match store::incident_is_open(&mut *conn, incident).await? {
        Some(true) => Ok(new),
        Some(false) => Err(Refused::Conflict("the incident is closed".into())),
        None => Err(Refused::wrong("incident", incident, "is no incident")),
    }
}

fn over(number: &str, state: &str) -> Refused {
    Refused::Conflict(format!("occurrence {number} is over: it is {state}"))
}

fn kind_word(kind: &str) -> String {
    Lang::Pt.t(&format!("resource-kind-{}", kind.replace('_', "-")))
}

async fn asked(conn: &mut PgConnection, id: Uuid) -> Result<Request, Refused> {
    let found = store::requests(conn, Asked { id: Some(id), ..Asked::default() }).await?.pop();
    found.ok_or_else(|| Refused::NotFound("request".into()))
}

/// A line on both timelines, each where there is one.
async fn tell(
    conn: &mut PgConnection,
    by: By<'_>,
    (incident, occurrence): (Option<Uuid>, Option<Uuid>),
    line: &str,
    detail: Value,
) -> sqlx::Result<()> {
    if let Some(incident) = incident {
        let id = IncidentId(incident);
        incidents::add_entry(&mut *conn, id, by.now, &by.actor.name, ENTRY, line, &detail).await?;
    }
    if let Some(id) = occurrence {
        reports::tell(&mut *conn, id, by.now, &by.actor.name, ENTRY, line, &detail).await?;
        notify(conn, &Event::Occurrence { id }).await?;
    }
    Ok(())
}

/// Everything of the kind that was asked for with what speaks against each, the best first.
///
/// # Errors
/// What the database says.
pub async fn candidates(
    conn: &mut PgConnection,
    request: &Request,
    now: Instant,
) -> sqlx::Result<Vec<(Resource, Vec<Conflict>)>> {
    let of_kind = resources::of_kind(&mut *conn, request.what.kind, now).await?;
    let teams: Vec<Uuid> = of_kind.iter().filter(|one| one.class() == Class::Team).map(|one| one.id).collect();
    let all = resources::members_of(conn, &teams, now).await?;
    let wanted = Wanted { skills: request.what.skills.clone(), typing: request.what.typing };
    let judge = |one: Resource| {
        let conflicts = fit::judge(&one.candidate(&all), &wanted);
        (one, conflicts)
    };
    let mut judged: Vec<(Resource, Vec<Conflict>)> = of_kind.into_iter().map(judge).collect();
    judged.sort_by_key(|(_, conflicts)| (conflicts.iter().any(|one| !one.can_be_overruled()), conflicts.len()));
    Ok(judged)
}

/// The request, held with its occurrence and its incident: both are worked on. Reports are locked first, as whoever puts an occurrence under an
/// incident does.
async fn open_request(conn: &mut PgConnection, id: Uuid) -> Result<Request, Refused> {
    // Of an occurrence it stays, although which one may change until the lock is held.
    if asked(&mut *conn, id).await?.what.occurrence.is_some() {
        reports::lock(&mut *conn).await?;
    }
    let found = store::lock_request(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("request".into()))?;
    if !found.is_open() {
        return Err(Refused::Conflict(format!("request {} is closed", found.number)));
    }
    if found.missing() == 0 {
        return Err(Refused::Conflict(format!("request {} has all {} it asks for", found.number, found.what.wanted)));
    }
    if found.is_over() {
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        return Err(over(&word(&found.occurrence_number), &word(&found.occurrence_state)));
    }
    if let Some(incident) = found.incident
        && command::lock_incident(&mut *conn, IncidentId(incident)).await? != Some(true)
    {
        return Err(Refused::Conflict("the incident is closed".into()));
    }
    Ok(found)
}

/// Gives a resource to a request and tells the accounts that it binds; `base` is the address of the service.
///
/// # Errors
/// A conflict when the request is closed or has all it asks for, or what it is for is over, or with what speaks against it: what is bound is
/// never bound twice, and the rest needs a reason.
pub async fn assign(
    conn: &mut PgConnection,
    by: By<'_>,
    (request, resource): (Uuid, Uuid),
    (why, base): (&str, &str),
) -> Result<Uuid, Refused> {
    let why = reason(why)?;
    let asked = open_request(&mut *conn, request).await?;
    let chosen = held(&mut *conn, resource, by.now).await?;
    if chosen.what.kind != asked.what.kind {
        return Err(Refused::wrong("resource", &chosen.what.code, format!("expected a {}", asked.what.kind)));
    }
    let mut about = resources::members(&mut *conn, resource, by.now).await?;
    about.push(chosen.clone());
    let wanted = Wanted { skills: asked.what.skills.clone(), typing: asked.what.typing };
    let overruled = fit::decide(fit::judge(&chosen.candidate(&about), &wanted), why).map_err(unfit)?;
    let words: Vec<String> = overruled.iter().map(|one| one.word().to_owned()).collect();
    let id = by.desk.ids.uuid(by.now);
    let new = New { id, request, resource, overruled: &words, reason: why };
    store::insert(&mut *conn, (by.now, &by.actor.name), &new).await.map_err(bound_meanwhile)?;
    let step = NewStep { act: "assign", to: State::Assigned, at: by.now, reason: why, key: None };
    store::add_step(&mut *conn, id, (by.now, &by.actor.name), step).await?;
    let told: Vec<String> = overruled.iter().map(Conflict::told).collect();
    let entry = Entry::new(Audited::DeploymentAssign, "deployment", id).because(why);
    let entry = entry.to(json!({ "request": asked.number, "resource": chosen.what.code, "overruled": told }));
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    let kept = found(&mut *conn, id).await?;
    said(&mut *conn, by, &kept, State::Assigned, (why, by.now)).await?;
    calls::send(&mut *conn, by, &kept).await?;
    notices::tell(conn, by, &kept, base).await?;
    Ok(id)
}

fn unfit(why: NotSent) -> Refused {
    match why {
        NotSent::Unless(_) => Refused::wrong("reason", "", why.to_string()),
        NotSent::Never(_) => Refused::Conflict(why.to_string()),
    }
}

/// The index refuses whoever came second.
fn bound_meanwhile(error: sqlx::Error) -> Refused {
    let is_bound = error.as_database_error().and_then(|error| error.constraint()) == Some("deployment_unit_once");
    if is_bound { Refused::Conflict("it was bound by another request meanwhile".into()) } else { error.into() }
}

pub(super) async fn found(conn: &mut PgConnection, id: Uuid) -> Result<Deployment, Refused> {
    store::load(conn, id).await?.ok_or_else(|| Refused::NotFound("deployment".into()))
}

/// A step on the timelines.
pub(super) async fn said(
    conn: &mut PgConnection,
    by: By<'_>,
    one: &Deployment,
    to: State,
    (why, at): (&str, Instant),
) -> sqlx::Result<()> {
    let word = Lang::Pt.t(&format!("deployment-state-{}", to.as_str().replace('_', "-")));
    let mut line = format!("{} ({}): {word}", one.name, one.number);
    let [then, now] = [at, by.now].map(|at| at.with_timezone(&by.desk.tz));
    if then.date_naive() != now.date_naive() {
        line = format!("{line} em {}", then.format("%d/%m/%Y às %H:%M"));
    } else if now - then >= chrono::TimeDelta::minutes(1) {
        line = format!("{line} às {}", then.format("%H:%M"));
    }
    if !why.is_empty() {
        line = format!("{line}. {why}");
    }
    let detail = json!({ "deployment_id": one.id, "state": to, "at": at });
    tell(conn, by, (one.incident, one.occurrence), &line, detail).await
}

/// Nothing more is given to a request.
///
/// # Errors
/// When it is closed, or lacks something and no reason is given.
pub async fn close(conn: &mut PgConnection, by: By<'_>, id: Uuid, why: &str) -> Result<(), Refused> {
    let why = reason(why)?;
    let asked = store::lock_request(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("request".into()))?;
    if !asked.is_open() {
        return Err(Refused::Conflict(format!("request {} is closed", asked.number)));
    }
    if asked.missing() > 0 && why.is_empty() {
        return Err(Refused::wrong("reason", "", "say why: it does not have all it asks for"));
    }
    store::close_request(&mut *conn, id, (by.now, &by.actor.name), why).await?;
    let entry = Entry::new(Audited::ResourceRequestClose, "resource_request", id).because(why);
    let entry = entry.to(json!({ "number": asked.number, "given": asked.given, "wanted": asked.what.wanted }));
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    let mut line = format!("Pedido {} encerrado ({} de {})", asked.number, asked.given, asked.what.wanted);
    if !why.is_empty() {
        line = format!("{line}. {why}");
    }
    let place = (asked.incident, asked.what.occurrence);
    Ok(tell(conn, by, place, &line, json!({ "request_id": id })).await?)
}
