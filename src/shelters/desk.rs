//! Acts on shelters, each in the caller's transaction with its audit and its line on the timeline of the incident.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::life::{Act, NotNow, Seen, State};
use super::store::{self, Locked, Move, Opening};
use super::{CheckItem, NewShelter};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Entry};
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::refused::Refused;

/// Letters of a reason.
pub const MOST_REASON: usize = 500;

/// A reason as it was typed.
///
/// # Errors
/// When it is longer than 500 letters.
pub fn reason(text: &str) -> Result<&str, Refused> {
    let text = text.trim();
    if text.chars().count() > MOST_REASON {
        return Err(Refused::wrong("reason", &text[..0], format!("expected at most {MOST_REASON} characters")));
    }
    Ok(text)
}

/// # Errors
/// The field that is wrong.
pub fn checked(new: &NewShelter) -> Result<(), Refused> {
    let fits = |text: &str, most: usize| text.chars().count() <= most;
    if !crate::stations::is_code(&new.code) {
        return Err(Refused::wrong("code", &new.code, "expected 1 to 64 letters, digits, `_`, `.`, `:` or `-`"));
    }
    if new.name.trim().is_empty() || !fits(&new.name, 160) {
        return Err(Refused::wrong("name", &new.name, "expected 1 to 160 characters"));
    }
    if !(1..=20_000).contains(&new.capacity) {
        return Err(Refused::wrong("capacity", new.capacity, "expected 1 to 20000 persons"));
    }
    if !(0..=1000).contains(&new.rooms) {
        return Err(Refused::wrong("rooms", new.rooms, "expected 0 to 1000"));
    }
    for (field, text) in [("address", &new.address), ("contact", &new.contact), ("keys", &new.keys)] {
        if !fits(text, 300) {
            return Err(Refused::wrong(field, text, "expected at most 300 characters"));
        }
    }
    Ok(())
}

/// Writes a shelter down, or changes one.
///
/// # Errors
/// The field that is wrong; a conflict when another one has this code.
pub async fn save(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Option<Uuid>,
    new: &NewShelter,
) -> Result<Uuid, Refused> {
    checked(new)?;
    let taken = store::by_code(&mut *conn, &new.code).await?;
    if taken.is_some() && taken != id {
        return Err(Refused::Conflict(format!("there is a shelter with the code {} already", new.code)));
    }
    let id = id.unwrap_or_else(|| by.ids.uuid(by.now));
    store::save(&mut *conn, by.now, id, new).await?;
    let entry = Entry::new(audit::Act::ShelterSave, "shelter", id)
        .to(json!({ "code": new.code, "name": new.name, "capacity": new.capacity }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

async fn locked(conn: &mut PgConnection, id: Uuid) -> Result<Locked, Refused> {
    store::lock(conn, id).await?.ok_or_else(|| Refused::NotFound("shelter".into()))
}

/// An act with what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub act: Act,
    pub reason: &'a str,
    /// Of `begin`: what it is opened for.
    pub incident: Option<Uuid>,
}

/// Moves a shelter to its next state.
///
/// # Errors
/// What stands in the way, in words.
pub async fn act(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, wanted: Wanted<'_>) -> Result<State, Refused> {
    let why = reason(wanted.reason)?;
    let shelter = locked(&mut *conn, id).await?;
    let unchecked = if wanted.act == Act::Open { unchecked(&mut *conn, id).await? } else { Vec::new() };
    let seen = Seen { unchecked, sheltered: shelter.sheltered, reason: why.to_owned() };
    let to = shelter.state.after(wanted.act, &seen).map_err(refused)?;
    let opening = match shelter.opening {
        Some(opening) => opening,
        None => begin(&mut *conn, by, id, wanted.incident).await?,
    };
    shift(conn, by, (id, &shelter), opening, (wanted.act, to, why)).await?;
    Ok(to)
}

fn refused(why: NotNow) -> Refused {
    match why {
        NotNow::Reason => Refused::wrong("reason", "", "say why"),
        other => Refused::Conflict(other.to_string()),
    }
}

async fn begin(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, incident: Option<Uuid>) -> Result<Opening, Refused> {
    let Some(incident) = incident else {
        return Err(Refused::wrong("incident", "", "a shelter is opened for an open incident: say which"));
    };
    if !store::is_open_incident(&mut *conn, incident).await? {
        return Err(Refused::wrong("incident", incident, "is no open incident"));
    }
    let opening = Opening { id: by.ids.uuid(by.now), incident: IncidentId(incident) };
    store::begin(conn, by.now, id, opening, &by.actor.name).await?;
    Ok(opening)
}

/// The state, the event, the audit and the line of the timeline together.
pub(super) async fn shift(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, shelter): (Uuid, &Locked),
    opening: Opening,
    (act, to, why): (Act, State, &str),
) -> sqlx::Result<()> {
    let step = Move { act, to, actor: &by.actor.name, reason: why };
    store::set_state(&mut *conn, by.now, id, opening, step).await?;
    let entry = Entry::new(audit::Act::ShelterAct, "shelter", id).because(why);
    let entry = entry.from(json!({ "state": shelter.state })).to(json!({ "act": act, "state": to }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let word = crate::i18n::Lang::Pt.t(&format!("shelter-state-{to}"));
    let mut line = format!("Abrigo {}: {word} ({} de {} lugares)", shelter.name, shelter.sheltered, shelter.capacity);
    if !why.is_empty() {
        line = format!("{line}. {why}");
    }
    let detail = json!({ "shelter_id": id, "act": act, "state": to, "sheltered": shelter.sheltered });
    incidents::add_entry(conn, opening.incident, by.now, &by.actor.name, "shelter", &line, &detail).await
}

/// Items that nobody found good in the opening that runs.
async fn unchecked(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<CheckItem>> {
    let found = store::checks(conn, id).await?;
    let is_good = |item: &CheckItem| found.iter().any(|one| one.item == *item && one.good);
    Ok(CheckItem::ALL.iter().copied().filter(|item| !is_good(item)).collect())
}

/// Writes down how an item of the checklist was found.
///
/// # Errors
/// A conflict when the shelter is closed.
pub async fn check(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (item, good, note): (CheckItem, bool, &str),
) -> Result<(), Refused> {
    let note = reason(note)?;
    let shelter = locked(&mut *conn, id).await?;
    let Some(opening) = shelter.opening else {
        return Err(Refused::Conflict("the shelter is closed: begin its opening first".into()));
    };
    store::check(&mut *conn, by.now, opening.id, (item, good, note), &by.actor.name).await?;
    let entry = Entry::new(audit::Act::ShelterCheck, "shelter", id).because(note);
    let entry = entry.to(json!({ "item": item, "good": good }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}
