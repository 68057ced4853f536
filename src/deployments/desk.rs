//! Acts on requests and deployments, each in the caller's transaction with its audit and its line on the timelines of incident and occurrence.

use chrono::Datelike as _;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::life::{self, Act, NotNow, State};
use super::store::{self, Asked, New, NewStep};
use super::{Deployment, ENTRY, Fix, NewRequest, Request, Told, track};
use crate::alerts::store::next_number;
use crate::audit::{self, Act as Audited, Entry};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::ics::store as command;
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::occurrences::MAX_UNIT;
use crate::occurrences::life::Ask;
use crate::refused::Refused;
use crate::reports::State as Reported;
use crate::reports::acts::{self, ActError, By};
use crate::reports::store as reports;
use crate::reports::store::queue;
use crate::resources::desk::{held, reason};
use crate::resources::fit::{self, Conflict, NotSent, Wanted};
use crate::resources::{Resource, store as resources};

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
    if let Some(incident) = new.incident {
        match store::incident_is_open(&mut *conn, incident).await? {
            Some(true) => {}
            Some(false) => return Err(Refused::Conflict("the incident is closed".into())),
            None => return Err(Refused::wrong("incident", incident, "is no incident")),
        }
    }
    if let Some(occurrence) = new.occurrence {
        let found = queue::load(&mut *conn, occurrence).await?;
        let found = found.ok_or_else(|| Refused::wrong("occurrence", occurrence, "is no occurrence"))?;
        if !found.state.parse().is_ok_and(at_work) {
            return Err(Refused::Conflict(format!("occurrence {} is {}", found.number, found.state)));
        }
    }
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

const fn at_work(state: Reported) -> bool {
    matches!(state, Reported::New | Reported::Confirmed | Reported::Dispatched | Reported::OnScene)
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
    let all = resources::list(conn, now).await?;
    let wanted = Wanted { skills: request.what.skills.clone(), typing: request.what.typing };
    let of_kind = all.iter().filter(|one| one.what.kind == request.what.kind);
    let mut judged: Vec<(Resource, Vec<Conflict>)> =
        of_kind.map(|one| (one.clone(), fit::judge(&one.candidate(&all), &wanted))).collect();
    judged.sort_by_key(|(_, conflicts)| (conflicts.iter().any(|one| !one.can_be_overruled()), conflicts.len()));
    Ok(judged)
}

/// Gives a resource to a request.
///
/// # Errors
/// A conflict when the request is closed or has all it asks for, or with what speaks against it: what is bound is never bound twice, and
/// the rest needs a reason.
pub async fn assign(
    conn: &mut PgConnection,
    by: By<'_>,
    (request, resource): (Uuid, Uuid),
    why: &str,
) -> Result<Uuid, Refused> {
    let why = reason(why)?;
    let asked = store::lock_request(&mut *conn, request).await?.ok_or_else(|| Refused::NotFound("request".into()))?;
    if !asked.is_open() {
        return Err(Refused::Conflict(format!("request {} is closed", asked.number)));
    }
    if asked.missing() == 0 {
        return Err(Refused::Conflict(format!("request {} has all {} it asks for", asked.number, asked.what.wanted)));
    }
    if let Some(incident) = asked.what.incident
        && command::lock_incident(&mut *conn, IncidentId(incident)).await? != Some(true)
    {
        return Err(Refused::Conflict("the incident is closed".into()));
    }
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
    send(conn, by, &kept).await?;
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

async fn found(conn: &mut PgConnection, id: Uuid) -> Result<Deployment, Refused> {
    store::load(conn, id).await?.ok_or_else(|| Refused::NotFound("deployment".into()))
}

/// A step on the timelines.
async fn said(
    conn: &mut PgConnection,
    by: By<'_>,
    one: &Deployment,
    to: State,
    (why, at): (&str, Instant),
) -> sqlx::Result<()> {
    let word = Lang::Pt.t(&format!("deployment-state-{}", to.as_str().replace('_', "-")));
    let mut line = format!("{} ({}): {word}", one.name, one.number);
    if by.now - at >= chrono::TimeDelta::minutes(1) {
        line = format!("{line} às {}", at.with_timezone(&by.desk.tz).format("%H:%M"));
    }
    if !why.is_empty() {
        line = format!("{line}. {why}");
    }
    let detail = json!({ "deployment_id": one.id, "state": to, "at": at });
    tell(conn, by, (one.incident, one.occurrence), &line, detail).await
}

/// An occurrence to which nobody was sent yet says who was.
async fn send(conn: &mut PgConnection, by: By<'_>, one: &Deployment) -> Result<(), Refused> {
    let unit: String = one.name.chars().take(MAX_UNIT).collect();
    move_occurrence(conn, by, one, &[Reported::New, Reported::Confirmed], Ask::Dispatch { unit: &unit }).await
}

async fn move_occurrence(
    conn: &mut PgConnection,
    by: By<'_>,
    one: &Deployment,
    from: &[Reported],
    ask: Ask<'_>,
) -> Result<(), Refused> {
    let Some(id) = one.occurrence else { return Ok(()) };
    let Some(occurrence) = queue::load(&mut *conn, id).await? else { return Ok(()) };
    if !occurrence.state.parse().is_ok_and(|state| from.contains(&state)) {
        return Ok(());
    }
    match acts::decide(conn, by, id, ask).await {
        // Somebody decided on it between the two looks: what they decided counts.
        Ok(()) | Err(ActError::State(..)) => Ok(()),
        Err(ActError::Database(error)) => Err(error.into()),
        Err(other) => Err(Refused::Conflict(other.to_string())),
    }
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

/// What came of telling a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped {
    pub state: State,
    pub at: Instant,
    /// It was told before with this key, and nothing was done now.
    pub repeated: bool,
}

/// Moves a deployment. `may_run`: whoever acts runs incidents; others move what they are sent with, and never cancel it.
///
/// # Errors
/// 403 for a deployment of others; what stands in the way; a conflict when the key was used for another act.
pub async fn step(
    conn: &mut PgConnection,
    by: By<'_>,
    (id, may_run): (Uuid, bool),
    told: Told<'_>,
) -> Result<Stepped, Refused> {
    let why = reason(told.reason)?;
    if let Some(key) = told.key {
        check_key(key)?;
    }
    check_fix(told.fix.as_ref())?;
    let one = store::lock(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("deployment".into()))?;
    allowed(&mut *conn, by, id, may_run).await?;
    if told.act == Act::Cancel && !may_run {
        return Err(Refused::Forbidden("to cancel a deployment is for whoever runs the incident: decline it".into()));
    }
    if let Some(key) = told.key
        && let Some((act, at)) = store::step_of_key(&mut *conn, id, key).await?
    {
        if act != told.act.as_str() {
            return Err(Refused::Conflict(format!("the key {key} was used for `{act}`")));
        }
        return Ok(Stepped { state: one.state, at, repeated: true });
    }
    let to = one.state.after(told.act, why).map_err(refused)?;
    let before = store::last_step_at(&mut *conn, id).await?.unwrap_or(one.assigned_at);
    let at = life::moment(told.at, before, by.now).map_err(refused)?;
    store::set_state(&mut *conn, id, (to, at)).await?;
    let step = NewStep { act: told.act.as_str(), to, at, reason: why, key: told.key };
    store::add_step(&mut *conn, id, (by.now, &by.actor.name), step).await?;
    if let Some(fix) = told.fix {
        store::add_fixes(&mut *conn, id, (by.now, &by.actor.name), &[(at, fix)]).await?;
    }
    let entry = Entry::new(Audited::DeploymentStep, "deployment", id).because(why);
    let entry = entry.from(json!({ "state": one.state })).to(json!({ "state": to, "at": at }));
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    said(&mut *conn, by, &one, to, (why, at)).await?;
    if to == State::OnSite {
        move_occurrence(&mut *conn, by, &one, &[Reported::Dispatched], Ask::Arrive).await?;
    }
    Ok(Stepped { state: to, at, repeated: false })
}

fn refused(why: NotNow) -> Refused {
    match why {
        NotNow::Reason => Refused::wrong("reason", "", "say why"),
        NotNow::Ahead(minutes) => Refused::wrong("at", minutes, why.to_string()),
        NotNow::State { .. } => Refused::Conflict(why.to_string()),
    }
}

fn check_key(key: &str) -> Result<(), Refused> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if (8..=80).contains(&key.len()) && key.bytes().all(is_plain) {
        return Ok(());
    }
    Err(Refused::wrong("key", key, "expected 8 to 80 letters, digits, `.`, `_`, `:` or `-`"))
}

fn check_fix(fix: Option<&Fix>) -> Result<(), Refused> {
    let wrong = fix.and_then(track::wrong);
    wrong.map_or(Ok(()), |(field, value, message)| Err(Refused::wrong(format!("position.{field}"), value, message)))
}

async fn allowed(conn: &mut PgConnection, by: By<'_>, id: Uuid, may_run: bool) -> Result<(), Refused> {
    if may_run {
        return Ok(());
    }
    match by.actor.id {
        Some(staff) if store::is_of(conn, id, staff).await? => Ok(()),
        _ => Err(Refused::Forbidden("only whoever was sent, or who runs the incident, says how it goes".into())),
    }
}

/// What came of a message with positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    pub kept: u64,
    /// Known already, or outside the time between departure and end.
    pub left_out: u64,
}

/// Keeps where a telephone was. Only whoever was sent tells it.
///
/// # Errors
/// The fix that is wrong; 403 for a deployment of others; a conflict when the track is full.
pub async fn positions(conn: &mut PgConnection, by: By<'_>, id: Uuid, fixes: &[Fix]) -> Result<Tracked, Refused> {
    if fixes.is_empty() || fixes.len() > track::MOST {
        return Err(Refused::wrong("positions", fixes.len(), format!("expected 1 to {} positions", track::MOST)));
    }
    for (index, fix) in fixes.iter().enumerate() {
        if let Some((field, value, message)) = track::wrong(fix) {
            return Err(Refused::wrong(format!("positions[{index}].{field}"), value, message));
        }
    }
    let one = store::lock(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("deployment".into()))?;
    allowed(&mut *conn, by, id, false).await?;
    if store::count_fixes(&mut *conn, id).await? >= track::MOST_KEPT {
        return Err(Refused::Conflict(format!("the track has {} positions already", track::MOST_KEPT)));
    }
    let departed = one.en_route_at.or(one.on_site_at);
    let (all, _) = track::kept(fixes, (departed, one.ended_at), by.now);
    let kept = store::add_fixes(&mut *conn, id, (by.now, &by.actor.name), &all).await?;
    if let Some(id) = one.incident.filter(|_| kept > 0) {
        notify(conn, &Event::Incident { id }).await?;
    }
    Ok(Tracked { kept, left_out: (fixes.len() as u64).saturating_sub(kept) })
}
