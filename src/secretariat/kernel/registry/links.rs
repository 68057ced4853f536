//! Keeps where entries stand in step with instruments, persons of bodies and outlets, in the transaction of their desks.

use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{found_or_made, made, named};
use super::store::{self, links as rows};
use super::{Class, EntryKind, Link, SubjectKind};
use crate::accounts::tokens::desk::Acting;
use crate::refused::Refused;
use crate::secretariat::kernel::instrument::Party;
use crate::secretariat::press;
use crate::vault::Ring;

/// The other side of an instrument, and whoever else signs it.
const PARTNER: &str = "partner";
const INTERVENING: &str = "intervening";

/// Links an instrument with its parties by CNPJ or CPF; who is no party any more is linked no more.
///
/// # Errors
/// The database's.
pub async fn of_instrument(
    conn: &mut PgConnection,
    (by, vault): (Acting<'_>, &Ring),
    id: Uuid,
    parties: &[Party],
) -> Result<(), Refused> {
    let before = rows::of_subject(&mut *conn, (SubjectKind::Instrument, id)).await?;
    if before.is_empty() && parties.is_empty() {
        return Ok(());
    }
    let mut roles: Vec<(&Party, &str)> =
        parties.iter().enumerate().map(|(at, one)| (one, if at == 0 { PARTNER } else { INTERVENING })).collect();
    // In the order of their documents, so that two instruments of the same parties do not wait in a circle.
    roles.sort_by(|one, other| one.0.document.cmp(&other.0.document));
    let mut now: Vec<(Uuid, String)> = Vec::new();
    for (party, role) in roles {
        let kind = if party.document.is_person() { EntryKind::Person } else { EntryKind::Organisation };
        let new = named(kind, &party.name, Some(party.document.clone()), (Class::Internal, ""));
        let (entry, _) = found_or_made(&mut *conn, (by, vault), &new).await?;
        now.push((entry, role.to_owned()));
    }
    let link = |role: &str| Link { subject: SubjectKind::Instrument, subject_id: id, role: role.to_owned() };
    for (entry, role) in now.iter().filter(|one| !before.contains(one)) {
        rows::insert(&mut *conn, *entry, &link(role), (by.now, &by.actor.name)).await?;
    }
    for (entry, role) in before.iter().filter(|one| !now.contains(one)) {
        rows::remove(&mut *conn, *entry, &link(role)).await?;
    }
    Ok(())
}

/// Links a person of a body with an entry of theirs. `before`: the name until now; the entry follows it while it has it.
///
/// # Errors
/// The database's.
pub async fn of_person(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (before, name): (Option<&str>, &str),
) -> Result<(), Refused> {
    let link = Link { subject: SubjectKind::BodyPerson, subject_id: id, role: "person".to_owned() };
    let Some((entry, _)) = rows::of_subject(&mut *conn, (SubjectKind::BodyPerson, id)).await?.pop() else {
        return alone(conn, by, &link, (EntryKind::Person, name, (Class::Internal, ""))).await;
    };
    let known = store::load(&mut *conn, entry).await?;
    if known.is_some_and(|known| Some(known.name.as_str()) == before && known.name != name) {
        store::rename(conn, entry, name, by.now).await?;
    }
    Ok(())
}

/// Links an outlet of the press with an entry of its own, which whoever works with the press reads.
///
/// # Errors
/// The database's.
pub async fn of_outlet(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, name: &str) -> Result<(), Refused> {
    let link = Link { subject: SubjectKind::PressOutlet, subject_id: id, role: "outlet".to_owned() };
    alone(conn, by, &link, (EntryKind::Organisation, name, (Class::Restricted, press::ROLE))).await
}

/// An entry that is known by its name alone: whether it is one that is there already, people say by a merge.
async fn alone(
    conn: &mut PgConnection,
    by: Acting<'_>,
    link: &Link,
    (kind, name, class): (EntryKind, &str, (Class, &str)),
) -> Result<(), Refused> {
    let entry = by.ids.uuid(by.now);
    made(&mut *conn, by, entry, (&named(kind, name, None, class), None)).await?;
    Ok(rows::insert(conn, entry, link, (by.now, &by.actor.name)).await?)
}
