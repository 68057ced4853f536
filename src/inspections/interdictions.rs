//! Forbids the use of a building, with a term that somebody signs or refuses to sign, and releases it again.

use chrono::{Datelike as _, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::address::public_street;
use super::check::{self, plain};
use super::desk::{self, TermTaken, Tools};
use super::sent::{self, Begun, Kind, Parcel};
use super::store::interdiction::{self as store, NewRow};
use super::{NewInterdiction, Ownership, Proof, Refusal};
use crate::accounts::tokens::desk::Acting;
use crate::alerts::store::next_number;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::ids::IncidentId;
use crate::vault::access::Purpose;
use crate::vault::store as vault;

/// The words that stand in a term when nobody wrote others.
pub const APPEAL: &str =
    "Cabe pedido de reconsideração à Defesa Civil do Município, por escrito, com laudo de profissional habilitado.";

/// Who signed, as it lies sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub signer_name: String,
    pub signature: String,
    pub witness: String,
}

/// Where a sealed term lies in the vault.
pub fn subject(id: Uuid) -> String {
    format!("interdiction:{id}")
}

/// The inspection that an interdiction stands on.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    pub inspection: Uuid,
    pub number: &'a str,
    pub at: Instant,
    pub ownership: Ownership,
    pub street: &'a str,
    pub neighbourhood: &'a str,
    pub incident: Option<IncidentId>,
    pub occurrence: Option<Uuid>,
}

/// Writes an interdiction whose fields were looked at, with its sealed term.
///
/// # Errors
/// `Wrong` when its key is known already.
pub async fn forbid(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tools: Tools<'_>,
    of: &Of<'_>,
    new: &NewInterdiction,
) -> Result<TermTaken, Refusal> {
    if store::has_key(&mut *conn, new.key).await? {
        return Err(Refusal::wrong("interdiction.key", new.key, "another interdiction has it"));
    }
    let year = by.now.with_timezone(&tools.tz).year();
    let (number, _) = next_number(&mut *conn, "interdiction", year).await?;
    let id = by.ids.uuid(by.now);
    let appeal = plain(&new.appeal);
    let street = public_street(of.street);
    let row = NewRow {
        id,
        number: &number,
        of,
        account: desk::account(by)?,
        actor: &by.actor.name,
        now: by.now,
        public_street: &street,
        appeal: if appeal.is_empty() { APPEAL } else { &appeal },
    };
    store::insert(&mut *conn, new, &row).await?;
    let sealed = Sealed {
        signer_name: plain(&new.signer_name),
        signature: new.signature.trim().to_owned(),
        witness: if new.proof() == Proof::Refused { plain(&new.witness) } else { String::new() },
    };
    let (subject, plain_term) = (subject(id), serde_json::to_vec(&sealed).unwrap_or_default());
    let record = vault::NewRecord {
        purpose: Purpose::InterdictionTerm,
        subject: &subject,
        plain: &plain_term,
        created_by: &by.actor.name,
        keep_until: (by.now + TimeDelta::days(tools.days.into())).date_naive(),
    };
    vault::put(&mut *conn, tools.ring, by.ids.uuid(by.now), by.now, &record).await?;
    let scope = if new.scope == super::Scope::Total { "total" } else { "parcial" };
    let place = desk::where_it_is(of.street, of.neighbourhood);
    let line = format!("Interdição {scope} {number} (vistoria {}): {place}", of.number);
    desk::tell(&mut *conn, by, (of.incident, of.occurrence), &line, (of.inspection, of.number)).await?;
    let what = json!({ "number": number, "inspection": of.inspection, "scope": new.scope, "proof": new.proof() });
    let entry = Entry::new(Act::InterdictionMake, "interdiction", id).because(&plain(&new.reason)).to(what);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(TermTaken { id, number })
}

/// An interdiction on an inspection that was taken before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InterdictionOfInspection)]
#[serde(deny_unknown_fields)]
pub struct Later {
    pub inspection: Uuid,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// The device's clock when it sent this.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Instant>,
    pub interdiction: NewInterdiction,
}

/// Takes an interdiction on an inspection that is here. True: it is new.
///
/// # Errors
/// `Wrong` names every field; `Differs`; `NotFound`.
pub async fn take(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tools: Tools<'_>,
    new: &Later,
) -> Result<(TermTaken, bool), Refusal> {
    let content = serde_json::to_value(new).unwrap_or_default();
    let (key, account) = (new.interdiction.key, desk::account(by)?);
    let parcel = Parcel { key, kind: Kind::Interdiction, account, content: &content };
    if let Begun::Before(answer) = sent::begin(&mut *conn, tools.ring, parcel).await? {
        let taken = serde_json::from_value(answer).map_err(|error| sqlx::Error::Decode(error.into()))?;
        return Ok((taken, false));
    }
    let today = by.now.with_timezone(&tools.tz).date_naive();
    let faults = check::interdiction(&new.interdiction, today);
    if !faults.is_empty() {
        let at = |fault: super::Fault| super::Fault { field: format!("interdiction.{}", fault.field), ..fault };
        return Err(Refusal::Wrong(faults.into_iter().map(at).collect()));
    }
    let offset = check::offset(new.sent_at, by.now);
    let Some(at) = check::by_our_clock(new.at, offset, by.now) else {
        return Err(Refusal::wrong("at", new.at.to_rfc3339(), "expected a time within the last year, and not ahead"));
    };
    let found = super::store::load(&mut *conn, new.inspection).await?.ok_or(Refusal::NotFound("inspection"))?;
    let of = Of {
        inspection: found.id,
        number: &found.number,
        at,
        ownership: found.ownership.parse().unwrap_or(Ownership::Private),
        street: &found.street,
        neighbourhood: &found.neighbourhood,
        incident: found.incident_id.map(IncidentId),
        occurrence: found.occurrence_id,
    };
    let taken = forbid(&mut *conn, by, tools, &of, &new.interdiction).await?;
    let answer = serde_json::to_value(&taken).unwrap_or_default();
    sent::keep(conn, tools.ring, by.now, parcel, &answer).await?;
    Ok((taken, true))
}

/// A release as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InterdictionRelease)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Made on the device.
    pub key: Uuid,
    /// Why the building may be used again, 3 to 2,000 characters.
    #[schema(min_length = 3, max_length = 2000)]
    pub reason: String,
    /// The inspection that found it safe, if there was one.
    pub inspection: Option<Uuid>,
    /// When it was released, by the device's clock; otherwise when this comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Instant>,
    /// The device's clock when it sent this. No part of the content.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Instant>,
}

/// A release that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InterdictionReleased)]
pub struct Released {
    pub id: Uuid,
    pub number: String,
    #[schema(value_type = String, format = DateTime)]
    pub released_at: Instant,
}

/// Releases a building. From then on the public notice is gone. True: it is new.
///
/// # Errors
/// `Wrong` names the field; `Differs`; `NotFound`; `Conflict` when it is released already.
pub async fn release(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tools: Tools<'_>,
    (id, new): (Uuid, &Release),
) -> Result<(Released, bool), Refusal> {
    let mut content = json!({ "interdiction": id, "reason": new.reason, "inspection": new.inspection });
    if let Some(at) = new.at {
        content["at"] = json!(at);
    }
    let parcel = Parcel { key: new.key, kind: Kind::Release, account: desk::account(by)?, content: &content };
    if let Begun::Before(answer) = sent::begin(&mut *conn, tools.ring, parcel).await? {
        let released = serde_json::from_value(answer).map_err(|error| sqlx::Error::Decode(error.into()))?;
        return Ok((released, false));
    }
    let reason = plain(&new.reason);
    if !(3..=2000).contains(&reason.chars().count()) {
        return Err(Refusal::wrong("reason", &new.reason, "expected 3 to 2000 characters"));
    }
    let found = store::lock(&mut *conn, id).await?.ok_or(Refusal::NotFound("interdiction"))?;
    found.state.release().map_err(|error| Refusal::Conflict(error.to_string()))?;
    if let Some(inspection) = new.inspection
        && super::store::load(&mut *conn, inspection).await?.is_none()
    {
        return Err(Refusal::wrong("inspection", inspection, "there is no such inspection"));
    }
    let offset = check::offset(new.sent_at, by.now);
    let at = new.at.and_then(|at| check::by_our_clock(at, offset, by.now)).unwrap_or(by.now).max(found.at);
    store::release(&mut *conn, id, (at, &by.actor.name, &reason), (new.key, new.inspection)).await?;
    let line = format!("Desinterdição {}: {}", found.number, desk::where_it_is(&found.street, &found.neighbourhood));
    let of = (found.incident.map(IncidentId), found.occurrence);
    desk::tell(&mut *conn, by, of, &line, (found.inspection, &found.inspection_number)).await?;
    let entry = Entry::new(Act::InterdictionRelease, "interdiction", id).because(&reason);
    let entry = entry.to(json!({ "number": found.number, "inspection": new.inspection, "released_at": at }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let released = Released { id, number: found.number, released_at: at };
    let answer = serde_json::to_value(&released).unwrap_or_default();
    sent::keep(conn, tools.ring, by.now, parcel, &answer).await?;
    Ok((released, true))
}

/// Opens who signed, for a term that is printed or looked at; that it was read is written down. None when its days are over.
///
/// # Errors
/// The database's, and when it cannot be opened.
pub async fn open_term(
    conn: &mut PgConnection,
    by: Acting<'_>,
    ring: &crate::vault::Ring,
    id: Uuid,
) -> anyhow::Result<Option<Sealed>> {
    let subject = subject(id);
    let found = vault::find(&mut *conn, Purpose::InterdictionTerm, &subject).await?;
    let entry = Entry::new(Act::InterdictionReadTerm, "interdiction", id);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    let Some(found) = found else { return Ok(None) };
    let plain = ring.open(&vault::context(Purpose::InterdictionTerm.as_str(), &subject), &found.sealed)?;
    Ok(Some(serde_json::from_slice(&plain)?))
}
