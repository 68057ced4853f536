//! Acts on bodies, each in the caller's transaction with its audit. Bodies and persons here; seats, meetings, the room and minutes beside it.

pub mod meetings;
pub mod minutes;
pub mod room;
pub mod seats;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::file::File;
use super::{Body, Described, Person, publish, store};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::deadlines::reckon::Anchor;
use crate::deadlines::{Course, desk as deadlines};
use crate::exercises::plan::text;
use crate::refused::{FieldError, Refused};
use crate::secretariat::kernel::registry::links;

const KIND: &str = "body";
/// Addresses that are no body's.
const RESERVED: [&str; 4] = ["persons", "imports", "expiring", "convite"];

/// The first of what is wrong.
pub(super) fn first(problems: Vec<FieldError>) -> Result<(), Refused> {
    match problems.into_iter().next() {
        Some(one) => Err(Refused::wrong(one.field, one.value, one.message)),
        None => Ok(()),
    }
}

pub(super) fn reason(field: &str, given: &str) -> Result<String, Refused> {
    let mut problems = Vec::new();
    text(&mut problems, field, given, 1, 500, false);
    first(problems)?;
    Ok(given.trim().to_owned())
}

/// The body with this address.
///
/// # Errors
/// `NotFound`.
pub async fn find(conn: &mut PgConnection, slug: &str) -> Result<Body, Refused> {
    store::by_slug(conn, slug).await?.ok_or_else(|| Refused::NotFound("body".into()))
}

/// The same, held until the transaction ends, and still there to act on.
///
/// # Errors
/// `NotFound`; a conflict when it has ended.
pub async fn held(conn: &mut PgConnection, slug: &str) -> Result<Body, Refused> {
    let body = find(&mut *conn, slug).await?;
    store::lock(&mut *conn, body.id).await?;
    let body = find(conn, slug).await?;
    match body.ended_on {
        Some(day) => Err(Refused::Conflict(format!("this body ended on {day}: {}", body.ended_reason))),
        None => Ok(body),
    }
}

fn is_slug(slug: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (2..=60).contains(&slug.len()) && slug.split('-').all(is_part) && !RESERVED.contains(&slug)
}

async fn checked(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, new: &Described) -> Result<(), Refused> {
    let mut problems = Vec::new();
    if !is_slug(&new.slug) {
        let message = "expected 2 to 60 small letters, digits and `-`, and none of persons, imports, expiring, convite";
        problems.push(FieldError { field: "slug".into(), value: new.slug.clone(), message: message.into() });
    }
    text(&mut problems, "name", &new.name, 3, 200, true);
    text(&mut problems, "act.number", &new.act.number, 1, 40, true);
    text(&mut problems, "purpose", &new.purpose, 1, 2000, false);
    text(&mut problems, "law_ref", &new.law_ref, 0, 300, true);
    text(&mut problems, "contact", &new.contact, 0, 200, true);
    if new.term_from < new.act.on {
        let message = format!("expected {} or later: nobody sits before the act of creation", new.act.on);
        problems.push(FieldError { field: "term_from".into(), value: new.term_from.to_string(), message });
    }
    if let Some(until) = new.term_until.filter(|until| *until < new.term_from) {
        let message = format!("expected {} or later", new.term_from);
        problems.push(FieldError { field: "term_until".into(), value: until.to_string(), message });
    }
    problems.extend(new.rules.problems());
    first(problems)?;
    let codes = [
        ("rules.notice_ordinary", &new.rules.notice_ordinary),
        ("rules.notice_extraordinary", &new.rules.notice_extraordinary),
    ];
    for (field, code) in codes {
        if let Err(Refused::Conflict(why)) =
            deadlines::preview(&mut *conn, code, Anchor { at: by.now, tz }, &Course::default()).await
        {
            return Err(Refused::wrong(field, code, why));
        }
    }
    Ok(())
}

/// Writes down a body that an act created.
///
/// # Errors
/// The field that is wrong; a conflict when the address is taken.
pub async fn found(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, new: &Described) -> Result<Uuid, Refused> {
    found_as(conn, by, tz, (by.ids.uuid(by.now), new)).await
}

async fn found_as(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, new): (Uuid, &Described),
) -> Result<Uuid, Refused> {
    checked(&mut *conn, by, tz, new).await?;
    if store::by_slug(&mut *conn, &new.slug).await?.is_some() || store::by_id(&mut *conn, id).await?.is_some() {
        return Err(Refused::Conflict(format!("there is a body with the address {} already", new.slug)));
    }
    store::save(&mut *conn, id, new, by.now).await?;
    let entry = Entry::new(Act::BodyFound, KIND, id).to(json!({ "slug": new.slug, "kind": new.kind, "act": new.act }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, id).await?;
    Ok(id)
}

/// Changes what is known of a body. Its address and its kind stay.
///
/// # Errors
/// The field that is wrong; a conflict when it changed meanwhile.
pub async fn edit(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (slug, revision): (&str, i32),
    new: &Described,
) -> Result<(), Refused> {
    let body = held(&mut *conn, slug).await?;
    if body.revision != revision {
        return Err(Refused::Conflict(format!("it changed meanwhile: revision {} now", body.revision)));
    }
    if body.what.slug != new.slug || body.what.kind != new.kind {
        return Err(Refused::wrong("slug", &new.slug, "the address and the kind of a body stay as they are"));
    }
    checked(&mut *conn, by, tz, new).await?;
    store::save(&mut *conn, body.id, new, by.now).await?;
    let entry = Entry::new(Act::BodyEdit, KIND, body.id);
    let entry = entry.from(json!({ "rules": body.what.rules })).to(json!({ "rules": new.rules }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, body.id).await
}

/// Ends a body: its purpose is done, or an act dissolved it.
///
/// # Errors
/// Without a reason, or before its term.
pub async fn end(
    conn: &mut PgConnection,
    by: Acting<'_>,
    slug: &str,
    (day, why): (NaiveDate, &str),
) -> Result<(), Refused> {
    let body = held(&mut *conn, slug).await?;
    let why = reason("reason", why)?;
    if day < body.what.term_from {
        return Err(Refused::wrong("day", day, format!("expected {} or later", body.what.term_from)));
    }
    store::end(&mut *conn, body.id, (day, &why), by.now).await?;
    let entry = Entry::new(Act::BodyEnd, KIND, body.id).because(&why).to(json!({ "ended_on": day }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    publish::card(conn, by, body.id).await
}

/// Somebody as they are written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPerson {
    pub name: String,
    /// That they chose to make public.
    pub contact: String,
    /// Where convenings go; none: as it was; empty: forgotten.
    pub email: Option<String>,
    /// User name of their account; empty: none.
    pub account: String,
}

fn is_email(text: &str) -> bool {
    let has_parts = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    has_parts && text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Writes a person down, or changes what is known of one.
///
/// # Errors
/// The field that is wrong; a conflict when the account is another person's.
pub async fn save_person(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Option<Uuid>,
    new: &NewPerson,
) -> Result<Uuid, Refused> {
    let mut problems = Vec::new();
    text(&mut problems, "name", &new.name, 3, 160, true);
    text(&mut problems, "contact", &new.contact, 0, 200, true);
    first(problems)?;
    if let Some(email) = new.email.as_deref().filter(|email| !email.is_empty() && !is_email(email)) {
        return Err(Refused::wrong("email", email, "expected an address such as ana@exemplo.org"));
    }
    let before = match id {
        Some(id) => Some(store::person(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound("person".into()))?),
        None => None,
    };
    let staff = match new.account.trim() {
        "" => None,
        name => {
            let found = crate::resources::store::account(&mut *conn, name).await?;
            Some(found.ok_or_else(|| Refused::wrong("account", name, "is no account that may sign in"))?)
        }
    };
    if let Some(staff) = staff
        && store::of_account(&mut *conn, staff).await?.is_some_and(|other| Some(other) != id)
    {
        return Err(Refused::Conflict(format!("the account {} belongs to another person already", new.account)));
    }
    let id = id.unwrap_or_else(|| by.ids.uuid(by.now));
    store::save_person(&mut *conn, id, (new.name.trim(), new.contact.trim()), staff, by.now).await?;
    let names = (before.as_ref().map(|before| before.name.as_str()), new.name.trim());
    links::of_person(&mut *conn, by, id, names).await?;
    if let Some(email) = &new.email {
        store::save_email(&mut *conn, id, email, by.now).await?;
    }
    // Of people the names of the fields, never what they hold.
    let fields = json!({ "fields": ["name", "contact", "account"], "email": new.email.is_some() });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::BodyPerson, "body_person", id).to(fields))
        .await?;
    // Names and contacts that they made public are on the public faces of their bodies.
    for body in store::bodies_of(&mut *conn, id).await? {
        publish::card(&mut *conn, by, body).await?;
    }
    Ok(id)
}

/// A body with its composition, as it is handed out.
///
/// # Errors
/// `NotFound`.
pub async fn export(conn: &mut PgConnection, slug: &str) -> Result<File, Refused> {
    let body = find(&mut *conn, slug).await?;
    let seats = store::seats::of_body(&mut *conn, body.id).await?;
    let persons: BTreeMap<Uuid, Person> = store::persons_of(conn, body.id).await?;
    Ok(File::of(&body, &seats, &persons))
}

/// Writes down a body out of a file. What the file says of appointments happened already, so that it is kept as it is.
///
/// # Errors
/// The field that is wrong; a conflict when there is one with this id or address.
pub async fn import(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, file: &File) -> Result<Uuid, Refused> {
    first(file.problems())?;
    let id = found_as(&mut *conn, by, tz, (file.id, &file.body)).await?;
    for one in &file.persons {
        let mut problems = Vec::new();
        text(&mut problems, "persons.name", &one.name, 3, 160, true);
        text(&mut problems, "persons.contact", &one.contact, 0, 200, true);
        first(problems)?;
        if store::person(&mut *conn, one.id).await?.is_none() {
            store::save_person(&mut *conn, one.id, (&one.name, &one.contact), None, by.now).await?;
            links::of_person(&mut *conn, by, one.id, (None, &one.name)).await?;
        }
    }
    for seat in &file.seats {
        seats::checked(seat.position, &seat.entity)?;
        let place = (seat.position, seat.entity.as_str(), seat.role);
        seats::insert(&mut *conn, (seat.id, id), place, by.now).await?;
        for one in &seat.mandates {
            seats::keep(&mut *conn, (id, seat.id), one, by.now).await?;
        }
        if let Some(day) = seat.ended_on {
            store::seats::end(&mut *conn, seat.id, day).await?;
        }
    }
    if let Some(day) = file.ended_on {
        store::end(&mut *conn, id, (day, &reason("ended_reason", &file.ended_reason)?), by.now).await?;
    }
    let counts = json!({ "seats": file.seats.len(), "persons": file.persons.len() });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::BodyImport, KIND, id).to(counts)).await?;
    publish::card(conn, by, id).await?;
    Ok(id)
}
