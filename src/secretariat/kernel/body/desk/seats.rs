//! Acts on seats and mandates.

use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{first, held, reason};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::exercises::plan::text;
use crate::refused::Refused;
use crate::secretariat::kernel::body::file::{FileMandate, MOST_SEATS};
use crate::secretariat::kernel::body::rules::{Wanted, appoint as judge};
use crate::secretariat::kernel::body::store::seats::{self as rows, NewMandate};
use crate::secretariat::kernel::body::{Body, Capacity, Mandate, Seat, SeatRole, publish, store, words};

/// Longest mandate, in days.
const LONGEST_DAYS: i64 = 3660;

pub(super) fn checked(position: i32, entity: &str) -> Result<(), Refused> {
    if !(1..=200).contains(&position) {
        return Err(Refused::wrong("position", position, "expected 1 to 200"));
    }
    let mut problems = Vec::new();
    text(&mut problems, "entity", entity, 1, 200, true);
    first(problems)
}

/// Writes a seat down; the place and the roles that only one has are taken once.
pub(super) async fn insert(
    conn: &mut PgConnection,
    ids: (Uuid, Uuid),
    place: (i32, &str, SeatRole),
    now: Instant,
) -> Result<(), Refused> {
    match rows::insert(conn, ids, place, now).await {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Err(Refused::Conflict(format!("the place {} or the role {} is taken already", place.0, place.2)))
        }
        other => Ok(other?),
    }
}

/// Keeps a mandate of a file as it was.
pub(super) async fn keep(
    conn: &mut PgConnection,
    (body, seat): (Uuid, Uuid),
    one: &FileMandate,
    now: Instant,
) -> Result<(), Refused> {
    span(one.from_on, one.until_on)?;
    let mut problems = Vec::new();
    text(&mut problems, "act", &one.act, 1, 200, true);
    first(problems)?;
    let (person, capacity, from, until) = (one.person_id, one.capacity, one.from_on, one.until_on);
    let new = NewMandate { seat, person, capacity, from, until, act: &one.act };
    match rows::appoint(&mut *conn, (one.id, body), new, now).await {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            return Err(Refused::Conflict(format!("there is a mandate {} already", one.id)));
        }
        other => other?,
    }
    if let Some(day) = one.ended_on {
        rows::end_mandate(conn, one.id, day, &reason("ended_reason", &one.ended_reason)?).await?;
    }
    Ok(())
}

fn span(from: NaiveDate, until: NaiveDate) -> Result<(), Refused> {
    if until < from || (until - from).num_days() > LONGEST_DAYS {
        return Err(Refused::wrong("until_on", until, format!("expected {from} or later, at most ten years")));
    }
    Ok(())
}

/// Adds a seat to a body.
///
/// # Errors
/// The field that is wrong; a conflict when the place or a role that only one has is taken.
pub async fn add(
    conn: &mut PgConnection,
    by: Acting<'_>,
    slug: &str,
    (position, entity, role): (i32, &str, SeatRole),
) -> Result<Uuid, Refused> {
    checked(position, entity)?;
    let body = held(&mut *conn, slug).await?;
    if rows::of_body(&mut *conn, body.id).await?.len() >= MOST_SEATS {
        return Err(Refused::Conflict(format!("this body has {MOST_SEATS} seats already")));
    }
    let id = by.ids.uuid(by.now);
    insert(&mut *conn, (id, body.id), (position, entity.trim(), role), by.now).await?;
    let after = json!({ "body": body.what.slug, "position": position, "entity": entity, "role": role });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::BodySeat, "body_seat", id).to(after)).await?;
    publish::card(conn, by, body.id).await?;
    Ok(id)
}

async fn seat(conn: &mut PgConnection, slug: &str, id: Uuid) -> Result<(Body, Vec<Seat>, Seat), Refused> {
    let body = held(&mut *conn, slug).await?;
    let all = rows::of_body(conn, body.id).await?;
    let one = all.iter().find(|one| one.id == id).cloned().ok_or_else(|| Refused::NotFound("seat".into()))?;
    Ok((body, all, one))
}

/// Says anew what a seat stands for and which role it has.
///
/// # Errors
/// `NotFound`; the field that is wrong; a conflict when the role is taken.
pub async fn edit(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (slug, id): (&str, Uuid),
    (entity, role): (&str, SeatRole),
) -> Result<(), Refused> {
    let (body, _, one) = seat(&mut *conn, slug, id).await?;
    checked(one.position, entity)?;
    match rows::edit(&mut *conn, id, (entity.trim(), role)).await {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            return Err(Refused::Conflict(format!("the role {role} is taken already")));
        }
        other => other?,
    }
    let entry = Entry::new(Act::BodySeat, "body_seat", id);
    let entry =
        entry.from(json!({ "entity": one.entity, "role": one.role })).to(json!({ "entity": entity, "role": role }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, body.id).await
}

/// Takes a seat away; its mandates end with it.
///
/// # Errors
/// `NotFound`; a conflict when it was taken away before.
pub async fn end(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (slug, id): (&str, Uuid),
    (day, why): (NaiveDate, &str),
) -> Result<(), Refused> {
    let (body, _, one) = seat(&mut *conn, slug, id).await?;
    let why = reason("reason", why)?;
    if let Some(day) = one.ended_on {
        return Err(Refused::Conflict(format!("this seat was taken away on {day}")));
    }
    for mandate in one.mandates.iter().filter(|mandate| mandate.last_day() > day) {
        rows::end_mandate(&mut *conn, mandate.id, day.max(mandate.from_on), &why).await?;
    }
    rows::end(&mut *conn, id, day).await?;
    let entry = Entry::new(Act::BodySeat, "body_seat", id).because(&why).to(json!({ "ended_on": day }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, body.id).await
}

/// An appointment as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    pub person: Uuid,
    pub capacity: Capacity,
    pub from_on: NaiveDate,
    pub until_on: NaiveDate,
    pub act: String,
}

/// Appoints somebody to a seat.
///
/// # Errors
/// The field that is wrong; a conflict with the reason of the rules.
pub async fn appoint(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (slug, id): (&str, Uuid),
    new: &Appointment,
) -> Result<Uuid, Refused> {
    let (body, all, one) = seat(&mut *conn, slug, id).await?;
    if one.ended_on.is_some() {
        return Err(Refused::Conflict("this seat was taken away".into()));
    }
    let mut problems = Vec::new();
    text(&mut problems, "act", &new.act, 1, 200, true);
    first(problems)?;
    span(new.from_on, new.until_on)?;
    if new.from_on < body.what.term_from || body.what.term_until.is_some_and(|last| new.until_on > last) {
        let last = body.what.term_until.map(|day| day.to_string()).unwrap_or_default();
        let message = format!("expected days within the term of the body, {} to {last}", body.what.term_from);
        return Err(Refused::wrong("from_on", new.from_on, message));
    }
    if store::person(&mut *conn, new.person).await?.is_none() {
        return Err(Refused::wrong("person_id", new.person, "is nobody who was written down"));
    }
    let mandates: Vec<Mandate> = all.into_iter().flat_map(|seat| seat.mandates).collect();
    let wanted =
        Wanted { seat: id, person: new.person, capacity: new.capacity, from: new.from_on, until: new.until_on };
    judge(&mandates, wanted, body.what.rules.most_reappointments)
        .map_err(|why| words::not_appointed(&why, &cited(&body)))?;
    let mandate = by.ids.uuid(by.now);
    let (from, until) = (new.from_on, new.until_on);
    let row = NewMandate { seat: id, person: new.person, capacity: new.capacity, from, until, act: new.act.trim() };
    rows::appoint(&mut *conn, (mandate, body.id), row, by.now).await?;
    let after =
        json!({ "seat": id, "person": new.person, "capacity": new.capacity, "from_on": from, "until_on": until });
    let entry = Entry::new(Act::BodyAppoint, "body_mandate", mandate).to(after);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, body.id).await?;
    Ok(mandate)
}

/// The law of a body: what it names, or the act that created it.
pub fn cited(body: &Body) -> String {
    let act = &body.what.act;
    if body.what.law_ref.is_empty() { format!("{} {}", act.kind, act.number) } else { body.what.law_ref.clone() }
}

/// Ends a mandate before its time.
///
/// # Errors
/// `NotFound`; a conflict when it ended already; the day that lies outside it.
pub async fn end_mandate(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (slug, id): (&str, Uuid),
    (day, why): (NaiveDate, &str),
) -> Result<(), Refused> {
    let body = held(&mut *conn, slug).await?;
    let why = reason("reason", why)?;
    let all = rows::of_body(&mut *conn, body.id).await?;
    let mut mandates = all.into_iter().flat_map(|seat| seat.mandates);
    let one = mandates.find(|one| one.id == id).ok_or_else(|| Refused::NotFound("mandate".into()))?;
    if let Some(ended) = one.ended_on {
        return Err(Refused::Conflict(format!("this mandate ended on {ended}")));
    }
    if day < one.from_on || day >= one.until_on {
        let message = format!("expected a day from {} to the day before {}", one.from_on, one.until_on);
        return Err(Refused::wrong("day", day, message));
    }
    rows::end_mandate(&mut *conn, id, day, &why).await?;
    let entry = Entry::new(Act::BodyMandateEnd, "body_mandate", id).because(&why).to(json!({ "ended_on": day }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, body.id).await
}
