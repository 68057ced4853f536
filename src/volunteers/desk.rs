//! Acts on volunteers and nuclei, each in the caller's transaction with its audit.

use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{State, store};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::refused::Refused;

fn text<'a>(field: &'static str, text: &'a str, (least, most): (usize, usize)) -> Result<&'a str, Refused> {
    let text = text.trim();
    if (least..=most).contains(&text.chars().count()) {
        return Ok(text);
    }
    Err(Refused::wrong(field, text, format!("expected {least} to {most} characters")))
}

async fn state_of(conn: &mut PgConnection, id: Uuid) -> Result<State, Refused> {
    store::lock(conn, id).await?.ok_or_else(|| Refused::NotFound("volunteer".into()))
}

/// Accepts whoever registered, or lets them go; whoever left keeps neither name nor address here, and their hours stay.
///
/// # Errors
/// Not found; a conflict when the state does not allow it.
pub async fn decide(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, accept: bool) -> Result<State, Refused> {
    let from = state_of(&mut *conn, id).await?;
    let moved = if accept { from.accept() } else { from.leave() };
    let to = moved.map_err(|state| Refused::Conflict(format!("the volunteer is {state}")))?;
    store::set_state(&mut *conn, by.now, id, to).await?;
    if to == State::Left {
        store::go(&mut *conn, by.now, id, &by.actor.name).await?;
    }
    let act = if accept { Act::VolunteerAccept } else { Act::VolunteerLeave };
    let entry = Entry::new(act, "volunteer", id).from(json!({ "state": from })).to(json!({ "state": to }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(to)
}

/// Somebody came.
///
/// # Errors
/// Not found; a conflict when they are not accepted, or there already.
pub async fn come(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (incident, task): (Option<Uuid>, &str),
) -> Result<(), Refused> {
    let task = text("task", task, (0, 200))?;
    let state = state_of(&mut *conn, id).await?;
    if state != State::Accepted {
        return Err(Refused::Conflict(format!("the volunteer is {state}")));
    }
    if let Some(incident) = incident
        && !crate::shelters::store::is_open_incident(&mut *conn, incident).await?
    {
        return Err(Refused::wrong("incident", incident, "is no open incident"));
    }
    if !store::come(&mut *conn, by.now, (by.ids.uuid(by.now), id), (incident, task), &by.actor.name).await? {
        return Err(Refused::Conflict("the volunteer is here already".into()));
    }
    let entry = Entry::new(Act::VolunteerCome, "volunteer", id).to(json!({ "incident": incident, "task": task }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Somebody went.
///
/// # Errors
/// A conflict when they are not there.
pub async fn go(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    if !store::go(&mut *conn, by.now, id, &by.actor.name).await? {
        return Err(Refused::Conflict("the volunteer is not here".into()));
    }
    Ok(audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::VolunteerGo, "volunteer", id)).await?)
}

/// What is done to a nucleus.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    Join { volunteer: Uuid, coordinator: bool },
    Part { volunteer: Uuid },
    Drill { held_on: NaiveDate, what: &'a str, people: i32 },
    Radio { call_sign: &'a str, channel: &'a str },
}

/// Names a nucleus.
///
/// # Errors
/// The field that is wrong; a conflict when there is one of this name.
pub async fn add_nucleus(conn: &mut PgConnection, by: Acting<'_>, name: &str, district: &str) -> Result<Uuid, Refused> {
    let (name, district) = (text("name", name, (1, 120))?, text("district", district, (0, 120))?);
    let id = by.ids.uuid(by.now);
    if !store::add_nucleus(&mut *conn, by.now, (id, name, district)).await? {
        return Err(Refused::Conflict(format!("there is a nucleus called {name} already")));
    }
    let entry = Entry::new(Act::NucleusChange, "nupdec", id).to(json!({ "name": name, "district": district }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// Changes a nucleus.
///
/// # Errors
/// The field that is wrong; not found.
pub async fn change(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, change: Change<'_>) -> Result<(), Refused> {
    if store::nuclei(&mut *conn, Some(id)).await?.is_empty() {
        return Err(Refused::NotFound("nucleus".into()));
    }
    let what = match change {
        Change::Join { volunteer, coordinator } => {
            if state_of(&mut *conn, volunteer).await? != State::Accepted {
                return Err(Refused::wrong("volunteer", volunteer, "is no accepted volunteer"));
            }
            let role = if coordinator { "coordinator" } else { "member" };
            store::join(&mut *conn, by.now, (id, volunteer), role).await?;
            json!({ "joined": volunteer, "role": role })
        }
        Change::Part { volunteer } => {
            if !store::part(&mut *conn, id, volunteer).await? {
                return Err(Refused::NotFound("member".into()));
            }
            json!({ "parted": volunteer })
        }
        Change::Drill { held_on, what, people } => {
            let what = text("what", what, (1, 300))?;
            if !(0..=100_000).contains(&people) {
                return Err(Refused::wrong("people", people, "expected 0 to 100000"));
            }
            if held_on > by.now.date_naive() + chrono::Days::new(1) {
                return Err(Refused::wrong("held_on", held_on, "is still to come"));
            }
            store::add_drill(&mut *conn, id, (held_on, what, people), &by.actor.name).await?;
            json!({ "drill": what, "held_on": held_on, "people": people })
        }
        Change::Radio { call_sign, channel } => {
            let (call_sign, channel) = (text("call_sign", call_sign, (1, 60))?, text("channel", channel, (0, 60))?);
            store::add_radio(&mut *conn, id, (call_sign, channel), &by.actor.name).await?;
            json!({ "radio": call_sign })
        }
    };
    let entry = Entry::new(Act::NucleusChange, "nupdec", id).to(what);
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}
