//! Adding, changing and closing an institution, for the pages and the API alike: in the caller's transaction, with the line of the audit.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Contact, Institution, Kind, MOST_CONTACTS, NewInstitution, contact, store};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::catalogue::geometry_check::point;
use crate::refused::Refused;
use crate::reports::{Spot, store as ground};
use crate::residents::locate::{Given as Where, Located, locate};

/// Metres by which coordinates are known of which nobody says it.
const PRECISION_M: i32 = 50;
const MAX_PRECISION_M: i32 = 100_000;
const MAX_PEOPLE: i32 = 100_000;
const MAX_TEXT: usize = 300;

/// A contact as somebody writes it.
#[derive(Clone, Debug, Default)]
pub struct GivenContact<'a> {
    pub name: &'a str,
    /// As people write it.
    pub phone: &'a str,
    pub email: &'a str,
}

/// Where one is, as somebody says it.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// An address or a CEP, as the register of addresses knows it.
    Words(&'a str),
    /// WGS84 degrees, and the metres by which they are known.
    Point { lon: f64, lat: f64, precision_m: Option<i32>, address: &'a str },
    /// Where it is already.
    AsItIs,
}

/// An institution as somebody describes it.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// The list's own key; `None` leaves it.
    pub external_ref: Option<&'a str>,
    pub name: &'a str,
    pub kind: &'a str,
    pub place: Place<'a>,
    /// Who is there on a usual day; 0 when nobody said.
    pub people: i32,
    /// First to be told first.
    pub contacts: Vec<GivenContact<'a>>,
}

/// The one of this id.
///
/// # Errors
/// `NotFound`, and the database's.
pub async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Institution, Refused> {
    store::load(conn, id).await?.ok_or_else(|| Refused::NotFound(format!("institution {id}")))
}

/// Reads what was given; `kept` is what stands so far.
///
/// # Errors
/// `Wrong` names the field and what was expected; the database's.
pub async fn read(
    conn: &mut PgConnection,
    given: &Given<'_>,
    kept: Option<&Institution>,
) -> Result<NewInstitution, Refused> {
    let name = given.name.trim();
    if name.is_empty() || name.chars().count() > 160 {
        return Err(Refused::wrong("name", name, "expected 1 to 160 characters"));
    }
    let kind: Kind = given.kind.parse().map_err(|error| Refused::wrong("kind", given.kind, format!("{error}")))?;
    if !(0..=MAX_PEOPLE).contains(&given.people) {
        return Err(Refused::wrong("people", given.people, "expected 0 to 100000"));
    }
    let contacts = contacts(&given.contacts)?;
    let external_ref = match given.external_ref.map(str::trim) {
        None | Some("") => kept.and_then(|kept| kept.what.external_ref.clone()),
        Some(key) if key.chars().count() > 200 => {
            return Err(Refused::wrong("external_ref", key, "expected at most 200 characters"));
        }
        Some(key) => Some(key.to_owned()),
    };
    let (spot, address) = place(conn, given.place, kept).await?;
    Ok(NewInstitution { external_ref, name: name.to_owned(), kind, spot, address, people: given.people, contacts })
}

fn contacts(given: &[GivenContact<'_>]) -> Result<Vec<Contact>, Refused> {
    if !(1..=MOST_CONTACTS).contains(&given.len()) {
        return Err(Refused::wrong("contacts", given.len(), format!("expected 1 to {MOST_CONTACTS} contacts")));
    }
    let one = |(at, one): (usize, &GivenContact<'_>)| {
        contact(one.name, one.phone, one.email).map_err(|(field, message)| {
            let value = match field {
                "name" => one.name,
                "phone" => one.phone,
                "email" => one.email,
                _ => "",
            };
            Refused::wrong(format!("contacts[{at}].{field}"), value, message)
        })
    };
    given.iter().enumerate().map(one).collect()
}

async fn place(
    conn: &mut PgConnection,
    given: Place<'_>,
    kept: Option<&Institution>,
) -> Result<(Spot, String), Refused> {
    let far = |field: &str, value: String| Refused::wrong(field, value, "this is far from every risk area of the town");
    match given {
        Place::AsItIs => match kept {
            Some(kept) => Ok((kept.what.spot, kept.what.address.clone())),
            None => Err(Refused::wrong("place", "", "expected lat and lon, or an address as place")),
        },
        Place::Point { lon, lat, precision_m, address } => {
            if let Err(bad) = point(lon, lat) {
                return Err(Refused::wrong("lat, lon", bad.value, bad.message));
            }
            let precision_m = precision_m.unwrap_or(PRECISION_M);
            if !(0..=MAX_PRECISION_M).contains(&precision_m) {
                return Err(Refused::wrong("precision_m", precision_m, "expected 0 to 100000 metres"));
            }
            if address.chars().count() > MAX_TEXT {
                return Err(Refused::wrong("address", address, "expected at most 300 characters"));
            }
            let spot = Spot { lon, lat, precision_m };
            if ground::is_far(conn, spot).await? {
                return Err(far("lat, lon", format!("{lat}, {lon}")));
            }
            Ok((spot, address.to_owned()))
        }
        Place::Words(text) if text.chars().count() > MAX_TEXT => {
            Err(Refused::wrong("place", text, "expected at most 300 characters"))
        }
        Place::Words(text) => match locate(conn, Where { text, people: 1, ..Where::default() }).await? {
            Located::There(place) => Ok((place.spot(), place.address)),
            Located::Which(_) => Err(Refused::wrong("place", text, "several places bear this address; say it in full")),
            Located::Unknown => Err(Refused::wrong("place", text, "nothing is known by this address")),
            Located::Far => Err(far("place", text.to_owned())),
        },
    }
}

/// Keeps a new one.
///
/// # Errors
/// `Conflict` when the key of the list is another's; the database's.
pub async fn add(conn: &mut PgConnection, by: Acting<'_>, new: &NewInstitution) -> Result<Uuid, Refused> {
    let id = by.ids.uuid(by.now);
    save(conn, by, id, new).await?;
    Ok(id)
}

/// Writes one anew; a closed one is open again. The key of a list stays what it was.
///
/// # Errors
/// The database's.
pub async fn change(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, new: &NewInstitution) -> Result<(), Refused> {
    save(conn, by, id, new).await
}

async fn save(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, new: &NewInstitution) -> Result<(), Refused> {
    if let Some(key) = &new.external_ref
        && store::by_ref(&mut *conn, key).await?.is_some_and(|other| other != id)
    {
        return Err(Refused::Conflict(format!("external_ref {key} is another institution's")));
    }
    store::save(&mut *conn, by.now, id, new).await?;
    let entry = Entry::new(Act::InstitutionSave, "institution", id)
        .to(json!({ "name": new.name, "contacts": new.contacts.len() }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Closes one: its contacts are forgotten, and what was told stays. Closing it twice is once.
///
/// # Errors
/// `NotFound`, and the database's.
pub async fn close(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    find(&mut *conn, id).await?;
    if store::close(&mut *conn, by.now, id).await? {
        let entry = Entry::new(Act::InstitutionClose, "institution", id);
        audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    }
    Ok(())
}
