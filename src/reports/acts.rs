//! What staff decides of an occurrence. Each act is one transaction of the caller's: state, weights, timeline and audit.

use chrono::Datelike as _;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::placing::{self, Placing};
use super::store::queue::{self, Occurrence};
use super::take::{self, Desk};
use super::{Kind, Spot, State, store};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::events::{Event, notify};
use crate::ids::IncidentId;
use crate::incidents;

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
async fn begin(conn: &mut PgConnection, id: Uuid, from: &[State]) -> Result<Occurrence, ActError> {
    // Acts and new reports of one thing take turns.
    store::lock(&mut *conn).await?;
    let found = queue::load(conn, id).await?.ok_or(ActError::NotFound)?;
    // The column's constraint admits only known words.
    let state: State = found.state.parse().map_err(|_| ActError::NotFound)?;
    if from.contains(&state) { Ok(found) } else { Err(ActError::State(found.number, state)) }
}

async fn told(
    conn: &mut PgConnection,
    by: By<'_>,
    (id, act, kind): (Uuid, Act, &str),
    reason: &str,
    detail: Value,
) -> Result<(), ActError> {
    store::tell(&mut *conn, id, by.now, &by.actor.name, kind, reason, &detail).await?;
    let entry = Entry::new(act, "occurrence", id).because(reason).to(detail);
    audit::record(&mut *conn, by.desk.ids, by.now, by.actor, entry).await?;
    Ok(notify(conn, &Event::Occurrence { id }).await?)
}

/// Confirms, dismisses, closes, or takes a decision back.
///
/// # Errors
/// When it does not stand where that begins.
pub async fn decide(conn: &mut PgConnection, by: By<'_>, id: Uuid, to: State, reason: &str) -> Result<(), ActError> {
    let (from, act): (&[State], Act) = match to {
        State::Confirmed => (&[State::New, State::Dismissed], Act::OccurrenceConfirm),
        State::Dismissed => (&[State::New, State::Confirmed], Act::OccurrenceDismiss),
        State::Closed => (&[State::Confirmed], Act::OccurrenceClose),
        State::New | State::Merged => (&[State::Confirmed, State::Dismissed, State::Closed], Act::OccurrenceReopen),
    };
    let found = begin(&mut *conn, id, from).await?;
    store::decide(&mut *conn, id, from, to, (by.now, &by.actor.name, reason)).await?;
    take::weigh(&mut *conn, id).await?;
    told(conn, by, (id, act, to.as_str()), reason, json!({ "from": found.state, "to": to })).await
}

/// Puts one occurrence under another; its reports go there, and it keeps its number and timeline. What was confirmed stays so: with
/// it the other one is.
///
/// # Errors
/// When either is over, or both are the same.
pub async fn merge(
    conn: &mut PgConnection,
    by: By<'_>,
    (from, into): (Uuid, Uuid),
    reason: &str,
) -> Result<(), ActError> {
    if from == into {
        return Err(ActError::Itself);
    }
    let open = [State::New, State::Confirmed];
    let source = begin(&mut *conn, from, &open).await?;
    let target = begin(&mut *conn, into, &open).await?;
    if source.incident_id.is_some() {
        return Err(ActError::HasIncident(source.number));
    }
    if source.state == State::Confirmed.as_str() && target.state == State::New.as_str() {
        store::decide(&mut *conn, into, &[State::New], State::Confirmed, (by.now, &by.actor.name, reason)).await?;
        let detail = json!({ "from": target.state, "to": State::Confirmed, "by": source.number });
        told(&mut *conn, by, (into, Act::OccurrenceConfirm, State::Confirmed.as_str()), reason, detail).await?;
    }
    let because = take::by_hand(&by.actor.name);
    store::merge(&mut *conn, (from, into), &because, (by.now, &by.actor.name, reason)).await?;
    carry_placing(&mut *conn, by, (from, &source.number), into, reason).await?;
    take::weigh(&mut *conn, into).await?;
    placing::speak_again(&mut *conn, into).await?;
    let detail = json!({ "from": source.number, "into": target.number });
    store::tell(&mut *conn, into, by.now, &by.actor.name, "joined", reason, &detail).await?;
    notify(&mut *conn, &Event::Occurrence { id: into }).await?;
    told(conn, by, (from, Act::OccurrenceMerge, "merged"), reason, detail).await
}

/// What a person found out of the place goes along, where nobody placed the other by hand. Whoever merges answers for it.
async fn carry_placing(
    conn: &mut PgConnection,
    by: By<'_>,
    (from, number): (Uuid, &str),
    into: Uuid,
    reason: &str,
) -> Result<(), ActError> {
    let Some(found) = placing::of(&mut *conn, from).await? else { return Ok(()) };
    if placing::of(&mut *conn, into).await?.is_some() {
        return Ok(());
    }
    let detail = json!({ "lon": found.spot.lon, "lat": found.spot.lat, "accuracy_m": found.spot.precision_m,
        "address": found.label, "from": number });
    placing::add(&mut *conn, into, &Placing { at: by.now, actor: by.actor.name.clone(), ..found }).await?;
    told(conn, by, (into, Act::OccurrencePlace, "placed"), reason, detail).await
}

/// Takes one report out into an occurrence of its own.
///
/// # Errors
/// When it is the only one there, or the occurrence is over.
pub async fn split(conn: &mut PgConnection, by: By<'_>, report: Uuid, reason: &str) -> Result<Uuid, ActError> {
    let (from, protocol) = queue::occurrence_of(&mut *conn, report).await?.ok_or(ActError::NoReport)?;
    let source = begin(&mut *conn, from, &[State::New, State::Confirmed, State::Dismissed]).await?;
    let members = store::members(&mut *conn, from).await?;
    let member = members.iter().find(|member| member.id == report).ok_or(ActError::NoReport)?;
    if members.len() < 2 {
        return Err(ActError::Alone);
    }
    let seen = super::cluster::Seen { kind: member.kind, spot: member.spot, at: source.last_at };
    let year = by.now.with_timezone(&by.desk.tz).year();
    let (id, number) = store::open(&mut *conn, by.desk.ids.uuid(by.now), (by.now, year), &seen).await?;
    store::stand(&mut *conn, report, id, &take::by_hand(&by.actor.name)).await?;
    take::weigh(&mut *conn, from).await?;
    take::weigh(&mut *conn, id).await?;
    let detail = json!({ "report": report, "protocol": protocol, "from": source.number, "into": number });
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
    let found = begin(&mut *conn, id, &[State::New, State::Confirmed]).await?;
    let present = placing::of(&mut *conn, id).await?;
    if seen.is_some_and(|seen| seen != present.as_ref().map_or(0, |placing| placing.id))
        && let Some(present) = present
    {
        return Err(ActError::PlacedMeanwhile(Box::new(present)));
    }
    let placing = Placing { id: 0, spot, label: label.to_owned(), actor: by.actor.name.clone(), at: by.now };
    placing::add(&mut *conn, id, &placing).await?;
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
    let found = begin(&mut *conn, id, &[State::New, State::Confirmed]).await?;
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
