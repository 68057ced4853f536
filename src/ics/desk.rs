//! Acts on the command of an incident, each in the caller's transaction with its audit and its line on the timeline.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ENTRY, NewHolding, Position, store};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::i18n::Lang;
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::refused::Refused;
use crate::resources::Class;
use crate::resources::store as resources;

/// Trims what was typed and completes the name of whoever is in the register.
async fn checked(conn: &mut PgConnection, by: Acting<'_>, given: &NewHolding) -> Result<NewHolding, Refused> {
    let (unit, under) = (given.unit.trim().to_owned(), given.under.trim().to_owned());
    if given.position.is_named() == unit.is_empty() {
        let expected = "expected the name of a branch, division or group, and nothing for all others";
        return Err(Refused::wrong("unit", &given.unit, expected));
    }
    let may_be_under = matches!(given.position, Position::Division | Position::Group);
    if !under.is_empty() && !may_be_under {
        return Err(Refused::wrong("under", &given.under, "only a division or a group is part of a branch"));
    }
    for (field, text) in [("unit", &unit), ("under", &under)] {
        if text.chars().count() > 80 {
            return Err(Refused::wrong(field, text, "expected at most 80 characters"));
        }
    }
    let name = match given.resource {
        Some(id) => {
            let found = resources::load(conn, id, by.now).await?.filter(|one| one.class() == Class::Person);
            found.ok_or_else(|| Refused::wrong("resource", id, "is no person of the register"))?.what.name
        }
        None => given.name.trim().to_owned(),
    };
    if name.is_empty() || name.chars().count() > 120 {
        return Err(Refused::wrong("name", name, "expected 1 to 120 characters"));
    }
    Ok(NewHolding { position: given.position, unit, under, resource: given.resource, name })
}

async fn open(conn: &mut PgConnection, incident: IncidentId) -> Result<(), Refused> {
    match store::lock_incident(conn, incident).await? {
        Some(true) => Ok(()),
        Some(false) => Err(Refused::Conflict("the incident is closed".into())),
        None => Err(Refused::NotFound("incident".into())),
    }
}

fn words(position: Position, unit: &str) -> String {
    let word = Lang::Pt.t(&format!("ics-position-{}", position.as_str().replace('_', "-")));
    if unit.is_empty() { word } else { format!("{word} {unit}") }
}

/// Somebody takes a position over; whoever held it gives it up in the same instant.
///
/// # Errors
/// The field that is wrong; a conflict when the incident is closed.
pub async fn fill(
    conn: &mut PgConnection,
    by: Acting<'_>,
    incident: IncidentId,
    given: &NewHolding,
) -> Result<Uuid, Refused> {
    open(&mut *conn, incident).await?;
    let new = checked(&mut *conn, by, given).await?;
    let when = (by.now, by.actor.name.as_str());
    let before = store::end(&mut *conn, incident, (new.position, &new.unit), when).await?;
    let id = by.ids.uuid(by.now);
    store::fill(&mut *conn, (id, incident), when, &new).await?;
    let entry = Entry::new(Act::PositionFill, "incident", incident).from(json!({ "name": before }));
    let entry = entry.to(json!({ "position": new.position, "unit": new.unit, "name": new.name }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let mut line = format!("{}: {}", words(new.position, &new.unit), new.name);
    if let Some(before) = before {
        line = format!("{line} (antes: {before})");
    }
    let detail = json!({ "position": new.position, "unit": new.unit });
    incidents::add_entry(conn, incident, by.now, &by.actor.name, ENTRY, &line, &detail).await?;
    Ok(id)
}

/// Whoever holds a position gives it up, and nobody takes it over.
///
/// # Errors
/// 404 when nobody holds it; a conflict when the incident is closed.
pub async fn end(
    conn: &mut PgConnection,
    by: Acting<'_>,
    incident: IncidentId,
    (position, unit): (Position, &str),
) -> Result<(), Refused> {
    open(&mut *conn, incident).await?;
    let when = (by.now, by.actor.name.as_str());
    let ended = store::end(&mut *conn, incident, (position, unit.trim()), when).await?;
    let name = ended.ok_or_else(|| Refused::NotFound("holder of this position".into()))?;
    let entry = Entry::new(Act::PositionEnd, "incident", incident);
    let entry = entry.from(json!({ "position": position, "unit": unit, "name": name }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let line = format!("{}: {name} deixa a função", words(position, unit.trim()));
    let detail = json!({ "position": position, "unit": unit });
    Ok(incidents::add_entry(conn, incident, by.now, &by.actor.name, ENTRY, &line, &detail).await?)
}
