//! Takes an inspection as a telephone sends it: whole, once, with its timeline lines and its audit entry in one transaction.

use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::check::{self, Ready, plain};
use super::sent::{self, Begun, Kind, Parcel};
use super::store::interdiction::standing_of;
use super::store::{self, NewRow};
use super::{Fault, NewInspection, Refusal, form, interdictions};
use crate::accounts::tokens::desk::Acting;
use crate::alerts::store::next_number;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::vault::Ring;

/// The timeline's word for what is found and forbidden.
pub const ENTRY: &str = "inspection";

/// What taking needs beside who acts.
#[derive(Clone, Copy, Debug)]
pub struct Tools<'a> {
    pub ring: &'a Ring,
    /// Days that names and signatures of terms are kept.
    pub days: u32,
    pub tz: chrono_tz::Tz,
}

/// A photograph that is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AnnouncedPhotograph)]
pub struct Announced {
    pub key: Uuid,
    pub id: Uuid,
}

/// An interdiction that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InterdictionTaken)]
pub struct TermTaken {
    pub id: Uuid,
    pub number: String,
}

/// An inspection that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionTaken)]
pub struct Taken {
    pub id: Uuid,
    /// "2026/015"
    pub number: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
    /// The photographs whose files are awaited.
    pub photographs: Vec<Announced>,
    pub interdiction: Option<TermTaken>,
}

/// Who sends: the account of a person.
///
/// # Errors
/// A conflict for anybody else; the gate lets nobody else in.
pub fn account(by: Acting<'_>) -> Result<Uuid, Refusal> {
    by.actor.id.ok_or_else(|| Refusal::Conflict("only a person inspects".into()))
}

/// Takes an inspection, with its interdiction. True: it is new; the same again is answered as before.
///
/// # Errors
/// `Wrong` names every field; `Differs` when the key is known with other content; `Conflict` when what it corrects was corrected.
pub async fn take(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tools: Tools<'_>,
    new: &NewInspection,
) -> Result<(Taken, bool), Refusal> {
    let content = serde_json::to_value(new).unwrap_or_default();
    let parcel = Parcel { key: new.key, kind: Kind::Inspection, account: account(by)?, content: &content };
    if let Begun::Before(answer) = sent::begin(&mut *conn, tools.ring, parcel).await? {
        let taken = serde_json::from_value(answer).map_err(|error| sqlx::Error::Decode(error.into()))?;
        return Ok((taken, false));
    }
    let ready = check::inspection(new, form::find(&new.form).as_ref(), by.now, tools.tz).map_err(Refusal::Wrong)?;
    let place = placed(&mut *conn, new).await?;
    let taken = keep(&mut *conn, by, tools, new, (&ready, &place)).await?;
    let answer = serde_json::to_value(&taken).unwrap_or_default();
    sent::keep(conn, tools.ring, by.now, parcel, &answer).await?;
    Ok((taken, true))
}

/// What it belongs to, found.
struct Place {
    incident: Option<IncidentId>,
    neighbourhood: String,
}

/// Finds what is referred to. An incident that was closed meanwhile takes it all the same: what was seen was seen.
async fn placed(conn: &mut PgConnection, new: &NewInspection) -> Result<Place, Refusal> {
    let mut faults = Vec::new();
    let mut incident = None;
    if let Some(id) = new.incident {
        match incidents::load(&mut *conn, IncidentId(id)).await? {
            Some(found) => incident = Some(found.id),
            None => faults.push(Fault::new("incident", id, "there is no such incident")),
        }
    }
    if let Some(id) = new.occurrence {
        match store::occurrence(&mut *conn, id).await? {
            Some(of) => incident = incident.or(of),
            None => faults.push(Fault::new("occurrence", id, "there is no such occurrence")),
        }
    }
    if let Some(id) = new.supersedes {
        store::lock_chain(&mut *conn, id).await?;
        match store::corrected_by(&mut *conn, id).await? {
            None => faults.push(Fault::new("supersedes", id, "there is no such inspection")),
            Some(Some(number)) => {
                return Err(Refusal::Conflict(format!("the inspection was corrected already, by {number}")));
            }
            Some(None) => {}
        }
        // One house, one term: the interdiction holds on through the correction, which says where it is now.
        if new.interdiction.is_some()
            && let Some(number) = standing_of(&mut *conn, id).await?
        {
            let told = format!("the building is forbidden already, by {number}, which a correction leaves as it is");
            faults.push(Fault::new("interdiction", number, told));
        }
    }
    for (at, one) in new.photographs.iter().enumerate() {
        if store::photograph_of_key(&mut *conn, one.key).await?.is_some() {
            faults.push(Fault::new(format!("photographs[{at}].key"), one.key, "another inspection has announced it"));
        }
    }
    if !faults.is_empty() {
        return Err(Refusal::Wrong(faults));
    }
    let mut neighbourhood = plain(&new.neighbourhood);
    if let Some(point) = new.place.filter(|_| neighbourhood.is_empty()) {
        neighbourhood = store::neighbourhood(conn, point).await?.unwrap_or_default();
    }
    Ok(Place { incident, neighbourhood })
}

async fn keep(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tools: Tools<'_>,
    new: &NewInspection,
    (ready, place): (&Ready, &Place),
) -> Result<Taken, Refusal> {
    let year = by.now.with_timezone(&tools.tz).year();
    let (number, _) = next_number(&mut *conn, "inspection", year).await?;
    let id = by.ids.uuid(by.now);
    let row = NewRow {
        id,
        number: &number,
        account: account(by)?,
        actor: &by.actor.name,
        now: by.now,
        incident: place.incident,
        neighbourhood: &place.neighbourhood,
        ready,
    };
    store::insert(&mut *conn, new, &row).await?;
    let mut photographs = Vec::new();
    for (at, one) in new.photographs.iter().enumerate() {
        let photograph = by.ids.uuid(by.now);
        let taken_at = check::by_our_clock(one.taken_at, ready.offset, by.now).unwrap_or(ready.observed_at);
        store::announce(&mut *conn, (photograph, id, at), one, taken_at).await?;
        photographs.push(Announced { key: one.key, id: photograph });
    }
    let line = said(new, &number, &place.neighbourhood);
    tell(&mut *conn, by, (place.incident, new.occurrence), &line, (id, &number)).await?;
    let figures = json!({ "number": number, "building": new.building, "damage": new.damage, "risk": new.risk, "form": new.form,
        "suggested": ready.suggestion.as_ref().map(|suggested| suggested.risk), "photographs": new.photographs.len(),
        "supersedes": new.supersedes, "occurrence": new.occurrence, "incident": place.incident });
    let entry = Entry::new(Act::InspectionTake, "inspection", id).because(&plain(&new.correction_reason)).to(figures);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let mut interdiction = None;
    if let Some(term) = &new.interdiction {
        let of = interdictions::Of {
            inspection: id,
            number: &number,
            at: ready.observed_at,
            ownership: new.ownership,
            street: &new.street,
            neighbourhood: &place.neighbourhood,
            incident: place.incident,
            occurrence: new.occurrence,
        };
        interdiction = Some(interdictions::forbid(conn, by, tools, &of, term).await?);
    }
    Ok(Taken { id, number, received_at: by.now, photographs, interdiction })
}

/// The timeline's line; the timeline is Portuguese, and names nobody.
fn said(new: &NewInspection, number: &str, neighbourhood: &str) -> String {
    use super::Damage;
    let damage = match new.damage {
        Damage::None => "sem dano",
        Damage::Damaged => "danificada",
        Damage::Destroyed => "destruída",
    };
    let risk = new.risk.map(|risk| format!(", risco {risk}")).unwrap_or_default();
    let corrects = if new.supersedes.is_some() { " (correção)" } else { "" };
    let place = where_it_is(&new.street, neighbourhood);
    format!("Vistoria {number}{corrects}: {place}, edificação {damage}{risk}")
}

/// Street and neighbourhood, as far as they are told on a timeline.
pub fn where_it_is(street: &str, neighbourhood: &str) -> String {
    let street = super::address::public_street(street);
    let parts: Vec<&str> = [street.as_str(), neighbourhood].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "endereço na vistoria".into() } else { parts.join(", ") }
}

/// Writes a line onto the timelines of the incident and of the occurrence.
///
/// # Errors
/// The database's.
pub async fn tell(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (incident, occurrence): (Option<IncidentId>, Option<Uuid>),
    line: &str,
    (id, number): (Uuid, &str),
) -> sqlx::Result<()> {
    let detail = json!({ "inspection_id": id, "inspection": number });
    if let Some(incident) = incident {
        incidents::add_entry(&mut *conn, incident, by.now, &by.actor.name, ENTRY, line, &detail).await?;
    }
    if let Some(occurrence) = occurrence {
        crate::reports::store::tell(&mut *conn, occurrence, by.now, &by.actor.name, "inspected", line, &detail).await?;
        notify(conn, &Event::Occurrence { id: occurrence }).await?;
    }
    Ok(())
}
