//! What staff decides of an occurrence. Each act is one transaction of the caller's: state, weights, timeline and audit.

use chrono::Datelike as _;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::placing::{self, Placing};
use super::store::queue::{self, Occurrence};
use super::take::{self, Desk};
use super::{Kind, OPEN, Spot, State, store};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::events::{Event, notify};
use crate::ids::IncidentId;
use crate::incidents;
use crate::occurrences::life::{Ask, Life, Refusal};
use crate::occurrences::photographs;
use crate::occurrences::store as work;
use crate::occurrences::store::merge as merges;

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("the occurrence was not found")]
    NotFound,
    #[error("the report was not found")]
    NoReport,
    /// It stands where this act does not begin.
    #[error("occurrence {0} is {1}")]
    State(String, State),
    #[error("an occurrence cannot be joined with itself")]
    Itself,
    #[error("it is the only report of its occurrence")]
    Alone,
    #[error("occurrence {0} belongs to an incident already")]
    HasIncident(String),
    #[error("the occurrence is in no incident")]
    NoIncident,
    #[error("the incident was not found")]
    UnknownIncident,
    #[error("incident {0} is closed")]
    IncidentClosed(String),
    #[error("incident {0} is an exercise; what people reported is real")]
    IncidentDrill(String),
    #[error("{0} is no account that could answer for it")]
    UnknownPerson(String),
    #[error("the line is none that could be corrected")]
    NoLine,
    /// A photograph that is none of this occurrence, or was removed.
    #[error("photograph {0} is none of this occurrence, or was removed")]
    NoPhotograph(Uuid),
    #[error("an occurrence holds at most {} photographs and {} MiB", photographs::MAX_PHOTOGRAPHS, photographs::MAX_TOTAL_BYTES / 1024 / 1024)]
    Full,
    #[error("nothing is known of how the occurrences were joined")]
    NoMerge,
    /// The reason or the name is missing.
    #[error(transparent)]
    Refused(Refusal),
    #[error("a report of other things needs the COBRADE code of an incident")]
    NoHazard,
    /// Somebody put it elsewhere since the page was read.
    #[error("somebody else has put the occurrence to a place meanwhile")]
    PlacedMeanwhile(Box<Placing>),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Who acts, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub desk: Desk<'a>,
    pub now: Instant,
    pub actor: &'a Actor,
}

/// The occurrence, locked, in one of the states where an act begins.
///
/// # Errors
/// When there is none, or it stands elsewhere.
pub async fn begin(conn: &mut PgConnection, id: Uuid, from: &[State]) -> Result<Occurrence, ActError> {
    // Acts and new reports of one thing take turns.
    store::lock(&mut *conn).await?;
    let found = queue::load(conn, id).await?.ok_or(ActError::NotFound)?;
    // The column's constraint admits only known words.
    let state: State = found.state.parse().map_err(|_| ActError::NotFound)?;
    if from.contains(&state) { Ok(found) } else { Err(ActError::State(found.number, state)) }
}

/// Writes an act onto its timeline and into the audit, and tells whoever watches.
///
/// # Errors
/// What the database says.
pub async fn told(
    conn: &mut PgConnection,
    by: By<'_>,
    (id, act, kind): (Uuid, Act, &str),
    reason: &str,
    detail: Value,
) -> Result<(), ActError> {
    told_at(conn, by, (id, act, kind), reason, detail, by.now).await
}

async fn told_at(
    conn: &mut PgConnection,
    by: By<'_>,
    (id, act, kind): (Uuid, Act, &str),
    reason: &str,
    mut detail: Value,
    at: Instant,
) -> Result<(), ActError> {
    if at < by.now {
        detail["received_at"] = json!(by.now);
    }
    store::tell(&mut *conn, id, at, &by.actor.name, kind, reason, &detail).await?;
    let entry = Entry::new(act, "occurrence", id).because(reason).to(detail);
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    Ok(notify(conn, &Event::Occurrence { id }).await?)
}

/// What becomes of an occurrence that stands so.
fn after(found: &Occurrence, ask: Ask<'_>) -> Result<(State, crate::occurrences::life::Step), ActError> {
    // The column's constraint admits only known words.
    let state: State = found.state.parse().map_err(|_| ActError::NotFound)?;
    match Life::of(state).after(ask) {
        Ok((life, step)) => Ok((life.state(), step)),
        Err(Refusal::State(state)) => Err(ActError::State(found.number.clone(), state)),
        Err(refusal) => Err(ActError::Refused(refusal)),
    }
}

/// Confirms, dismisses, sends, resolves, closes, or takes a decision back.
///
/// # Errors
/// When it does not stand where that begins, or the reason is missing.
pub async fn decide(conn: &mut PgConnection, by: By<'_>, id: Uuid, ask: Ask<'_>) -> Result<(), ActError> {
    decide_at(conn, by, id, ask, by.now).await
}

/// The same of what was done before it came here: state and timeline bear its time, the audit that of its arrival. Never before the
/// last decision.
///
/// # Errors
/// As [`decide`].
pub async fn decide_at(
    conn: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    ask: Ask<'_>,
    at: Instant,
) -> Result<(), ActError> {
    let found = begin(&mut *conn, id, State::ALL).await?;
    let (to, step) = after(&found, ask)?;
    let reason = match ask {
        Ask::Dismiss { reason }
        | Ask::Resolve { reason }
        | Ask::Close { reason }
        | Ask::Reopen { reason }
        | Ask::StandDown { reason, .. } => reason,
        Ask::Dispatch { unit } => unit,
        Ask::Confirm | Ask::Arrive | Ask::Merge | Ask::Unmerge { .. } => "",
    };
    let at = at.max(found.decided_at.unwrap_or(found.opened_at)).min(by.now);
    store::decide(&mut *conn, id, &[step.from], to, (at, &by.actor.name, reason.trim())).await?;
    match ask {
        Ask::Dispatch { unit } => work::send(&mut *conn, id, unit.trim()).await?,
        Ask::StandDown { .. } => work::send(&mut *conn, id, "").await?,
        _ => {}
    }
    take::weigh(&mut *conn, id).await?;
    let kind = if matches!(ask, Ask::StandDown { .. }) { "stood_down" } else { to.as_str() };
    let detail = json!({ "from": step.from, "to": to });
    told_at(conn, by, (id, step.act, kind), reason.trim(), detail, at).await
}

/// Puts one occurrence under another; its reports go there, and it keeps its number and timeline. What was confirmed stays so: with
/// it the other one is. An incident of the one is the other's too.
///
/// # Errors
/// When either is over, both are the same, or they belong to two incidents.
pub async fn merge(
    conn: &mut PgConnection,
    by: By<'_>,
    (from, into): (Uuid, Uuid),
    reason: &str,
) -> Result<(), ActError> {
    if from == into {
        return Err(ActError::Itself);
    }
    let source = begin(&mut *conn, from, State::ALL).await?;
    let (_, step) = after(&source, Ask::Merge)?;
    let target = begin(&mut *conn, into, &OPEN).await?;
    let carried = source.incident_id.filter(|_| target.incident_id.is_none());
    if source.incident_id.is_some() && carried.is_none() && source.incident_id != target.incident_id {
        return Err(ActError::HasIncident(source.number));
    }
    let when = (by.now, by.actor.name.as_str(), reason);
    let merging = merges::begin(&mut *conn, (from, into), when, carried.is_some()).await?;
    if source.state == State::Confirmed.as_str() && target.state == State::New.as_str() {
        store::decide(&mut *conn, into, &[State::New], State::Confirmed, (by.now, &by.actor.name, reason)).await?;
        let detail = json!({ "from": target.state, "to": State::Confirmed, "by": source.number });
        told(&mut *conn, by, (into, Act::OccurrenceConfirm, State::Confirmed.as_str()), reason, detail).await?;
    }
    let because = take::by_hand(&by.actor.name);
    store::merge(&mut *conn, (from, into), &because, (by.now, &by.actor.name, reason)).await?;
    merges::finish(&mut *conn, merging).await?;
    merges::carry_requests(&mut *conn, (from, into), merging).await?;
    if let Some(incident) = carried {
        store::join_incident(&mut *conn, into, incident).await?;
    }
    carry_placing(&mut *conn, by, (from, &source.number, merging), into, reason).await?;
    take::weigh(&mut *conn, into).await?;
    placing::speak_again(&mut *conn, into).await?;
    let detail = json!({ "from": source.number, "into": target.number });
    store::tell(&mut *conn, into, by.now, &by.actor.name, "joined", reason, &detail).await?;
    notify(&mut *conn, &Event::Occurrence { id: into }).await?;
    told(conn, by, (from, step.act, "merged"), reason, detail).await
}

/// Takes a joining back: the reports that still stand there return, and both stand as before it, but for what was decided since.
///
/// # Errors
/// When it is told under no other, or that one is told under another by now.
pub async fn unmerge(conn: &mut PgConnection, by: By<'_>, from: Uuid, reason: &str) -> Result<(), ActError> {
    let source = begin(&mut *conn, from, &[State::Merged]).await?;
    let merging = merges::standing(&mut *conn, from).await?.ok_or(ActError::NoMerge)?;
    let before: State = merging.from_state.parse().map_err(|_| ActError::NoMerge)?;
    let (_, step) = after(&source, Ask::Unmerge { before, reason })?;
    let others: Vec<State> = State::ALL.iter().copied().filter(|state| *state != State::Merged).collect();
    let target = begin(&mut *conn, merging.into_id, &others).await?;
    let because = serde_json::to_value(take::by_hand(&by.actor.name)).unwrap_or_default();
    merges::undo(&mut *conn, (merging.id, from), &because, (by.now, &by.actor.name, reason.trim())).await?;
    for id in [from, target.id] {
        take::weigh(&mut *conn, id).await?;
        placing::speak_again(&mut *conn, id).await?;
    }
    let detail = json!({ "from": source.number, "into": target.number, "to": before });
    store::tell(&mut *conn, target.id, by.now, &by.actor.name, "parted", reason, &detail).await?;
    notify(&mut *conn, &Event::Occurrence { id: target.id }).await?;
    told(conn, by, (from, step.act, "unmerged"), reason.trim(), detail).await
}

/// What a person found out of the place goes along, where nobody placed the other by hand. Whoever merges answers for it.
async fn carry_placing(
    conn: &mut PgConnection,
    by: By<'_>,
    (from, number, merging): (Uuid, &str, i64),
    into: Uuid,
    reason: &str,
) -> Result<(), ActError> {
    let Some(found) = placing::of(&mut *conn, from).await? else { return Ok(()) };
    if placing::of(&mut *conn, into).await?.is_some() {
        return Ok(());
    }
    let detail = json!({ "lon": found.spot.lon, "lat": found.spot.lat, "accuracy_m": found.spot.precision_m,
        "address": found.label, "from": number });
    let along = Placing { at: by.now, actor: by.actor.name.clone(), ..found };
    placing::add(&mut *conn, into, &along, Some(merging)).await?;
    told(conn, by, (into, Act::OccurrencePlace, "placed"), reason, detail).await
}

/// Takes one report out into an occurrence of its own.
///
/// # Errors
/// When it is the only one there, or the occurrence is over.
pub async fn split(conn: &mut PgConnection, by: By<'_>, report: Uuid, reason: &str) -> Result<Uuid, ActError> {
    let (from, _) = queue::occurrence_of(&mut *conn, report).await?.ok_or(ActError::NoReport)?;
    split_many(conn, by, from, &[report], reason).await
}

/// Takes reports out of an occurrence, together into one of their own. It is of the most dangerous kind that they name.
///
/// # Errors
/// When one of them does not stand there, none would stay, or the occurrence is over.
pub async fn split_many(
    conn: &mut PgConnection,
    by: By<'_>,
    from: Uuid,
    reports: &[Uuid],
    reason: &str,
) -> Result<Uuid, ActError> {
    let from_states = [&OPEN[..], &[State::Dismissed]].concat();
    let source = begin(&mut *conn, from, &from_states).await?;
    let members = store::members(&mut *conn, from).await?;
    let out: Vec<_> = members.iter().filter(|member| reports.contains(&member.id)).collect();
    if out.is_empty() || reports.iter().any(|report| out.iter().all(|member| member.id != *report)) {
        return Err(ActError::NoReport);
    }
    if out.len() == members.len() {
        return Err(ActError::Alone);
    }
    let worst = out.iter().map(|member| member.kind).max_by_key(|kind| kind.danger()).unwrap_or(out[0].kind);
    let exact = out.iter().filter_map(|member| member.spot).min_by_key(|spot| spot.precision_m);
    let seen = super::cluster::Seen { kind: worst, spot: exact, at: source.last_at };
    let year = by.now.with_timezone(&by.desk.tz).year();
    let (id, number) = store::open(&mut *conn, by.desk.ids.uuid(by.now), (by.now, year), &seen).await?;
    let mut protocols = Vec::with_capacity(out.len());
    for member in &out {
        store::stand(&mut *conn, member.id, id, &take::by_hand(&by.actor.name)).await?;
        protocols.extend(queue::occurrence_of(&mut *conn, member.id).await?.map(|(_, protocol)| protocol));
    }
    take::weigh(&mut *conn, from).await?;
    take::weigh(&mut *conn, id).await?;
    let ids: Vec<Uuid> = out.iter().map(|member| member.id).collect();
    let detail = json!({ "reports": ids, "protocols": protocols, "from": source.number, "into": number });
    store::tell(&mut *conn, id, by.now, &by.actor.name, "split", reason, &detail).await?;
    notify(&mut *conn, &Event::Occurrence { id }).await?;
    told(conn, by, (from, Act::OccurrenceSplit, "split"), reason, detail).await?;
    Ok(id)
}

/// Puts an occurrence where a person says that it is. It stays there, whatever its reports say, until a person puts it elsewhere;
/// the reports stay as they are.
///
/// # Errors
/// When it is over.
pub async fn place(
    conn: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    (spot, label): (Spot, &str),
    reason: &str,
    seen: Option<i64>,
) -> Result<(), ActError> {
    let found = begin(&mut *conn, id, &OPEN).await?;
    let present = placing::of(&mut *conn, id).await?;
    if seen.is_some_and(|seen| seen != present.as_ref().map_or(0, |placing| placing.id))
        && let Some(present) = present
    {
        return Err(ActError::PlacedMeanwhile(Box::new(present)));
    }
    let placing = Placing { id: 0, spot, label: label.to_owned(), actor: by.actor.name.clone(), at: by.now };
    placing::add(&mut *conn, id, &placing, None).await?;
    take::weigh(&mut *conn, id).await?;
    placing::speak_again(&mut *conn, id).await?;
    let before =
        found.lon.zip(found.lat).map(|(lon, lat)| json!({ "lon": lon, "lat": lat, "accuracy_m": found.precision_m }));
    let detail =
        json!({ "lon": spot.lon, "lat": spot.lat, "accuracy_m": spot.precision_m, "address": label, "before": before });
    told(conn, by, (id, Act::OccurrencePlace, "placed"), reason, detail).await
}

/// Opens an incident from an occurrence, which is confirmed by that.
///
/// # Errors
/// When it is over or has one, or nobody said of what hazard.
pub async fn open_incident(
    conn: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    (title, hazard): (&str, Option<Cobrade>),
) -> Result<IncidentId, ActError> {
    let found = begin(&mut *conn, id, &OPEN).await?;
    if found.incident_id.is_some() {
        return Err(ActError::HasIncident(found.number));
    }
    let own = found.kind.parse::<Kind>().ok().and_then(Kind::cobrade).and_then(|code| code.parse().ok());
    let hazard = hazard.or(own).ok_or(ActError::NoHazard)?;
    let year = by.now.with_timezone(&by.desk.tz).year();
    let subject = incidents::store::Reported { occurrence: id, number: &found.number, title, hazard };
    let incident =
        incidents::store::open_for_occurrence(&mut *conn, by.desk.ids, by.now, year, &by.actor.name, &subject).await?;
    store::join_incident(&mut *conn, id, incident.0).await?;
    if found.state == State::New.as_str() {
        store::decide(&mut *conn, id, &[State::New], State::Confirmed, (by.now, &by.actor.name, "")).await?;
        take::weigh(&mut *conn, id).await?;
    }
    let detail = json!({ "incident": incident, "hazard": hazard });
    told(conn, by, (id, Act::OccurrenceOpenIncident, "incident"), "", detail).await?;
    Ok(incident)
}

/// How to ask a reporter back. Who looked is in the audit.
///
/// # Errors
/// When there is no such report.
pub async fn read_contact(conn: &mut PgConnection, by: By<'_>, report: Uuid) -> Result<Option<String>, ActError> {
    let (_, protocol) = queue::occurrence_of(&mut *conn, report).await?.ok_or(ActError::NoReport)?;
    let Some(sealed) = store::contact(&mut *conn, report).await? else { return Ok(None) };
    let plain = by.desk.keys.vault.open(&take::contact_context(report), &sealed);
    let plain = plain.map_err(|error| sqlx::Error::Decode(error.into()))?;
    let entry = Entry::new(Act::ReportReadContact, "report", report).to(json!({ "protocol": protocol }));
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    Ok(Some(String::from_utf8_lossy(&plain).into_owned()))
}
