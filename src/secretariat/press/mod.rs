//! Outlets of the press, and what left for them. Releases are cases (`press.release`); what leaves is their publication, so that nothing
//! leaves that is not approved, out of its embargo and public.

pub mod file;
mod store;
pub mod worker;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::feeds;
use super::kernel::desk::{CaseError, Desk};
use super::kernel::registry::links;
use crate::accounts::manage::is_email;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::refused::Refused;
use crate::web::error::{FieldError, shorten};

/// Role of whoever sees the outlets at all.
pub const ROLE: &str = "press";
/// Outlets that get releases, at most.
pub const MOST: i64 = 2000;
/// Deliveries of a page.
pub const PAGE: i64 = 100;

/// Somebody who gets releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PressOutlet)]
#[serde(deny_unknown_fields)]
pub struct Outlet {
    pub id: Uuid,
    pub name: String,
    pub contact: String,
    pub email: String,
    pub tags: Vec<String>,
    #[schema(value_type = String)]
    pub added_at: Instant,
}

/// One release that was handed to the dispatchers for one outlet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PressDelivery)]
pub struct Delivery {
    pub publication_id: Uuid,
    pub case_id: Uuid,
    pub number: String,
    pub title: String,
    pub outlet_id: Uuid,
    pub outlet: String,
    #[schema(value_type = String)]
    pub at: Instant,
}

/// What an outlet is added with.
#[derive(Clone, Copy, Debug)]
pub struct NewOutlet<'a> {
    pub name: &'a str,
    pub contact: &'a str,
    pub email: &'a str,
    /// With commas between them.
    pub tags: &'a str,
}

/// The list is restricted: addresses of journalists are theirs.
///
/// # Errors
/// `Forbidden`, naming the role.
pub fn works_here(desk: Desk<'_>) -> Result<(), Refused> {
    if desk.who.has(ROLE) { Ok(()) } else { Err(Refused::Forbidden(format!("outlets need the role {ROLE}"))) }
}

/// Outlets by name.
///
/// # Errors
/// `Forbidden`; the database's.
pub async fn outlets(conn: &mut PgConnection, desk: Desk<'_>) -> Result<Vec<Outlet>, CaseError> {
    works_here(desk)?;
    Ok(store::active(conn).await?)
}

fn wrong(field: &str, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), value: shorten(value), message: message.into() }
}

/// Its tags as they are kept, once everything fits; else every field that is wrong.
fn checked(new: &NewOutlet<'_>) -> Result<Vec<String>, Vec<FieldError>> {
    let (name, contact, email) = (new.name.trim(), new.contact.trim(), new.email.trim());
    let mut problems = Vec::new();
    crate::exercises::plan::text(&mut problems, "name", name, 1, 160, true);
    crate::exercises::plan::text(&mut problems, "contact", contact, 0, 160, true);
    crate::exercises::plan::text(&mut problems, "tags", new.tags, 0, 200, true);
    if !is_email(email) || email.len() > 254 {
        problems.push(wrong("email", email, "expected an e-mail address"));
    }
    let tags = feeds::tags(new.tags);
    if tags.len() > 20 {
        problems.push(wrong("tags", new.tags, "expected at most 20"));
    }
    if problems.is_empty() { Ok(tags) } else { Err(problems) }
}

/// Adds an outlet.
///
/// # Errors
/// `Wrong` with every field; `Forbidden`; `Conflict` when the address is on the list.
pub async fn add(conn: &mut PgConnection, desk: Desk<'_>, new: NewOutlet<'_>) -> Result<Outlet, CaseError> {
    works_here(desk)?;
    let (name, contact, email) = (new.name.trim(), new.contact.trim(), new.email.trim());
    let tags = checked(&new).map_err(CaseError::Wrong)?;
    let known = store::held(&mut *conn).await?;
    if known.iter().any(|one| one.email.eq_ignore_ascii_case(email)) {
        return Err(Refused::Conflict(format!("{email} is on the list")).into());
    }
    if known.len() as i64 >= MOST {
        return Err(Refused::Conflict(format!("the list has {MOST} outlets, which is the most")).into());
    }
    let by = desk.by;
    let id = by.ids.uuid(by.now);
    let outlet = Outlet { id, name: name.into(), contact: contact.into(), email: email.into(), tags, added_at: by.now };
    store::insert(&mut *conn, &outlet, &by.actor.name).await?;
    links::of_outlet(&mut *conn, by, id, name).await?;
    // The address of a person stays out of the audit.
    let entry = Entry::new(Act::PressOutletAdd, "press_outlet", id).to(json!({ "name": name, "tags": outlet.tags }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(outlet)
}

/// Takes an outlet off the list and forgets its address; that something left for it stays in the log, under its name.
///
/// # Errors
/// `NotFound`; `Forbidden`.
pub async fn remove(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid) -> Result<(), CaseError> {
    works_here(desk)?;
    let by = desk.by;
    if !store::remove(&mut *conn, id, (by.now, &by.actor.name)).await? {
        return Err(Refused::NotFound(format!("outlet {id}")).into());
    }
    let entry = Entry::new(Act::PressOutletRemove, "press_outlet", id);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// What left, the newest first; `after`: instant, publication and outlet of the last one of the page before.
///
/// # Errors
/// `Forbidden`; the database's.
pub async fn deliveries(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    after: Option<(Instant, Uuid, Uuid)>,
) -> Result<Vec<Delivery>, CaseError> {
    works_here(desk)?;
    Ok(store::deliveries(conn, after).await?)
}

/// True when a release with these tags is for an outlet.
pub fn wants(outlet: &Outlet, tags: &[String]) -> bool {
    outlet.tags.is_empty() || outlet.tags.iter().any(|tag| tags.contains(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlet_without_tags_gets_everything_and_one_with_tags_what_has_one_of_them() {
        let outlet = |tags: &[&str]| Outlet {
            id: Uuid::nil(),
            name: "Rádio".into(),
            contact: String::new(),
            email: "r@exemplo.invalid".into(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            added_at: Instant::default(),
        };
        let about = ["chuva".to_owned()];
        assert!(wants(&outlet(&[]), &about));
        assert!(wants(&outlet(&["obras", "chuva"]), &about));
        assert!(!wants(&outlet(&["obras"]), &about));
    }
}
