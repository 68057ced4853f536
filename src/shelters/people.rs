//! Acts on families and persons: registering by consent, taking in, moving, checking out, undoing. Each in the caller's transaction.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::admit::{self, Door};
use super::code::{self, Kind};
use super::desk::{reason, shift};
use super::find;
use super::life::{Act, State};
use super::store::people::{self, End, NewFamily, Person, Wanted, Where};
use super::store::{self, Locked};
use super::{Destination, Host, Identity, MOST_PERSONS, NewHousehold, NewPerson};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Entry};
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::refused::Refused;
use crate::vault::Ring;
use crate::vault::access::Purpose;
use crate::vault::store as vault;

/// Persons that one act moves: a family, or a bus of them.
const MOST_AT_ONCE: usize = 60;
/// Answers of one search.
const MOST_FOUND: usize = 20;

/// What seals, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Keeping<'a> {
    pub ring: &'a Ring,
    /// Days that a name is kept after it was written down.
    pub days: u32,
}

fn checked(new: &NewHousehold) -> Result<(), Refused> {
    if !new.consent {
        return Err(Refused::wrong("consent", "", "nobody is registered without their consent"));
    }
    if new.persons.is_empty() || new.persons.len() > MOST_PERSONS {
        return Err(Refused::wrong("persons", new.persons.len(), format!("expected 1 to {MOST_PERSONS} persons")));
    }
    if new.district.chars().count() > 120 {
        return Err(Refused::wrong("district", "", "expected at most 120 characters"));
    }
    if !(0..=50).contains(&new.pets) {
        return Err(Refused::wrong("pets", new.pets, "expected 0 to 50"));
    }
    new.persons.iter().try_for_each(|person| person_checked(person, new.needs_consent))
}

fn person_checked(person: &NewPerson, needs_consent: bool) -> Result<(), Refused> {
    if person.identity.name.chars().count() > 120 {
        return Err(Refused::wrong("name", "", "expected at most 120 characters"));
    }
    if person.identity.document.chars().count() > 40 {
        return Err(Refused::wrong("document", "", "expected at most 40 characters"));
    }
    if !person.needs.is_empty() && !needs_consent {
        return Err(Refused::wrong("needs", "", "kinds of help are written down only by a consent of their own"));
    }
    Ok(())
}

/// Writes a family down. Gives back its id, and those of its persons.
///
/// # Errors
/// The field that is wrong.
pub async fn register(
    conn: &mut PgConnection,
    by: Acting<'_>,
    keeping: Keeping<'_>,
    incident: IncidentId,
    new: &NewHousehold,
) -> Result<(Uuid, Vec<Uuid>), Refused> {
    checked(new)?;
    if !store::is_open_incident(&mut *conn, incident.0).await? {
        return Err(Refused::wrong("incident", incident, "is no open incident"));
    }
    let id = by.ids.uuid(by.now);
    let code = code::new(by.ids, Kind::Household);
    let family = NewFamily {
        id,
        code: &code,
        incident,
        district: new.district.trim(),
        pets: new.pets,
        needs_consent: new.needs_consent,
        actor: &by.actor.name,
    };
    people::add_household(&mut *conn, by.now, &family).await?;
    let mut persons = Vec::with_capacity(new.persons.len());
    for person in &new.persons {
        persons.push(write_person(&mut *conn, by, keeping, id, person).await?);
    }
    let what = json!({ "code": code, "persons": persons.len(), "needs_consent": new.needs_consent });
    let entry = Entry::new(audit::Act::HouseholdRegister, "household", id).to(what);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok((id, persons))
}

/// Adds somebody to a family that is registered.
///
/// # Errors
/// The field that is wrong; not found.
pub async fn add(
    conn: &mut PgConnection,
    by: Acting<'_>,
    keeping: Keeping<'_>,
    household: Uuid,
    person: &NewPerson,
) -> Result<Uuid, Refused> {
    let family = people::household(&mut *conn, household).await?;
    let family = family.ok_or_else(|| Refused::NotFound("family".into()))?;
    person_checked(person, family.needs_consent)?;
    let id = write_person(&mut *conn, by, keeping, household, person).await?;
    let entry = Entry::new(audit::Act::HouseholdRegister, "household", household).to(json!({ "persons": 1 }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

async fn write_person(
    conn: &mut PgConnection,
    by: Acting<'_>,
    keeping: Keeping<'_>,
    household: Uuid,
    person: &NewPerson,
) -> sqlx::Result<Uuid> {
    let id = by.ids.uuid(by.now);
    let code = code::new(by.ids, Kind::Person);
    people::add_person(&mut *conn, by.now, (id, household, &code), (person.age, &person.needs), &by.actor.name).await?;
    if !person.identity.name.trim().is_empty() || !person.identity.document.trim().is_empty() {
        let plain = serde_json::to_vec(&person.identity).unwrap_or_default();
        let record = vault::NewRecord {
            purpose: Purpose::ShelteredPerson,
            subject: &people::subject(id),
            plain: &plain,
            created_by: &by.actor.name,
            keep_until: (by.now + TimeDelta::days(keeping.days.into())).date_naive(),
        };
        vault::put(conn, keeping.ring, by.ids.uuid(by.now), by.now, &record).await?;
    }
    Ok(id)
}

/// A person whose name was opened.
#[derive(Clone, Debug)]
pub struct Known {
    pub person: Person,
    pub identity: Identity,
}

/// Opens names, and writes down that they were read and why.
///
/// # Errors
/// What the database says. A name that cannot be opened is shown empty and logged: a lost key must not keep a door shut.
pub async fn read(
    conn: &mut PgConnection,
    by: Acting<'_>,
    ring: &Ring,
    wanted: Wanted<'_>,
    why: &'static str,
) -> sqlx::Result<Vec<Known>> {
    let persons = people::persons(&mut *conn, wanted).await?;
    let known: Vec<Known> = persons.into_iter().map(|person| open(ring, person)).collect();
    write_read(conn, by, known.len(), why, wanted.household.or(wanted.shelter)).await?;
    Ok(known)
}

fn open(ring: &Ring, person: Person) -> Known {
    let identity = people::open(ring, &person).unwrap_or_else(|error| {
        tracing::error!(person = %person.id, %error, "a name of the vault cannot be opened");
        Identity::default()
    });
    Known { person, identity }
}

async fn write_read(
    conn: &mut PgConnection,
    by: Acting<'_>,
    shown: usize,
    why: &'static str,
    object: Option<Uuid>,
) -> sqlx::Result<()> {
    let object = object.map_or_else(|| "search".to_owned(), |id| id.to_string());
    let entry = Entry::new(audit::Act::ShelteredRead, "sheltered", object).because(why).to(json!({ "persons": shown }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await
}

/// Looks for somebody by a code, a document or a name, among those of one incident. A family's code finds all of it.
///
/// # Errors
/// What the database says.
pub async fn search(
    conn: &mut PgConnection,
    by: Acting<'_>,
    ring: &Ring,
    incident: IncidentId,
    typed: &str,
) -> sqlx::Result<Vec<Known>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Known> = match code::read(typed) {
        Some((_, code)) => {
            let wanted = Wanted { code: Some(&code), ..Wanted::default() };
            people::persons(&mut *conn, wanted).await?.into_iter().map(|person| open(ring, person)).collect()
        }
        None => Vec::new(),
    };
    if found.is_empty() {
        let wanted = Wanted { incident: Some(incident), ..Wanted::default() };
        let document = find::document(typed);
        let is_document = document.chars().filter(char::is_ascii_digit).count() >= 5;
        let mut fits: Vec<_> = people::persons(&mut *conn, wanted)
            .await?
            .into_iter()
            .map(|person| open(ring, person))
            .filter_map(|known| {
                if is_document {
                    let same = find::document(&known.identity.document) == document;
                    return same.then_some((None, known));
                }
                Some((Some(find::fit(typed, &known.identity.name)?), known))
            })
            .collect();
        fits.sort_by(|(a, _), (b, _)| b.cmp(a));
        found = fits.into_iter().take(MOST_FOUND).map(|(_, known)| known).collect();
    }
    write_read(conn, by, found.len(), "search at the door", None).await?;
    Ok(found)
}

async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Locked, Refused> {
    store::lock(conn, id).await?.ok_or_else(|| Refused::NotFound("shelter".into()))
}

fn bounded(persons: &[Uuid]) -> Result<(), Refused> {
    if persons.is_empty() || persons.len() > MOST_AT_ONCE {
        return Err(Refused::wrong("persons", persons.len(), format!("expected 1 to {MOST_AT_ONCE} persons")));
    }
    Ok(())
}

/// What came of arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub taken_in: i64,
    /// Of them, from another shelter or from elsewhere.
    pub transferred: i64,
    /// Who was here before.
    pub here_before: i64,
    pub beyond: bool,
}

/// Takes persons into a shelter, from wherever they were: from another shelter this is a transfer. Who is in it already stays so.
///
/// # Errors
/// Full, not open, not found.
pub async fn arrive(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    persons: &[Uuid],
    why: &str,
) -> Result<Arrived, Refused> {
    bounded(persons)?;
    let why = reason(why)?;
    let (shelter, mut leaving) = lock_all(&mut *conn, id, persons).await?;
    let arriving: Vec<&Person> = leaving.iter().filter(|person| person.shelter != Some(id)).collect();
    let here_before = (leaving.len() - arriving.len()) as i64;
    if arriving.is_empty() {
        return Ok(Arrived { taken_in: 0, transferred: 0, here_before, beyond: false });
    }
    let door = Door {
        state: shelter.state,
        capacity: shelter.capacity,
        sheltered: shelter.sheltered,
        arriving: arriving.len() as i64,
        reason: why,
    };
    let admitted = admit::admit(door).map_err(|refusal| Refused::Conflict(refusal.to_string()))?;
    let Some(opening) = shelter.opening else { return Err(Refused::Conflict("the shelter is closed".into())) };
    same_kind(&mut *conn, opening.incident, &arriving).await?;
    let kept = if admitted.beyond { why } else { "" };
    let mut transferred = 0;
    for person in &arriving {
        if person.since.is_some() {
            let end = End { how: "transferred", destination: None, reason: "", actor: &by.actor.name };
            people::end_stay(&mut *conn, by.now, person.id, None, end).await?;
            transferred += 1;
        }
        let stay = by.ids.uuid(by.now);
        people::begin_stay(&mut *conn, by.now, (stay, person.id), Where::Shelter(id, opening), (&by.actor.name, kept))
            .await?;
    }
    let codes: Vec<&str> = arriving.iter().map(|person| person.code.as_str()).collect();
    let count = codes.len() as i64;
    let entry = Entry::new(audit::Act::ShelterArrive, "shelter", id).because(kept).to(json!({ "persons": codes }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let after = Locked { sheltered: shelter.sheltered + count, ..shelter };
    if admitted.beyond {
        let line = format!(
            "Abrigo {}: {count} pessoas acima da capacidade ({} de {}). {why}",
            after.name, after.sheltered, after.capacity
        );
        let detail = json!({ "shelter_id": id, "persons": count, "sheltered": after.sheltered });
        incidents::add_entry(&mut *conn, opening.incident, by.now, &by.actor.name, "shelter", &line, &detail).await?;
    }
    if admitted.fills {
        shift(&mut *conn, by, (id, &after), opening, (Act::Fill, State::Full, "capacidade atingida")).await?;
    }
    leaving.retain(|person| person.shelter.is_some_and(|from| from != id));
    for from in leaving.iter().filter_map(|person| person.shelter).collect::<std::collections::BTreeSet<_>>() {
        relieve(&mut *conn, by, from).await?;
    }
    Ok(Arrived { taken_in: count, transferred, here_before, beyond: admitted.beyond })
}

/// Whoever plays a part in an exercise and whoever lost their home are never under one roof of this register.
async fn same_kind(conn: &mut PgConnection, incident: IncidentId, arriving: &[&Person]) -> Result<(), Refused> {
    let drill = incidents::is_drill(&mut *conn, incident).await?;
    for person in arriving {
        if person.incident != incident && incidents::is_drill(&mut *conn, person.incident).await? != drill {
            let why =
                format!("{}: one of an exercise and a shelter of what happens, or the other way round", person.code);
            return Err(Refused::Conflict(why));
        }
    }
    Ok(())
}

/// Locks every shelter that is touched, always in the order of their ids, so that two transfers in opposite directions do not wait for each
/// other; gives back the one that takes people in, and the persons as they stand under the lock.
async fn lock_all(conn: &mut PgConnection, id: Uuid, persons: &[Uuid]) -> Result<(Locked, Vec<Person>), Refused> {
    people::lock(&mut *conn, persons).await?;
    let mut touched = std::collections::BTreeSet::from([id]);
    touched.extend(load(&mut *conn, persons).await?.iter().filter_map(|person| person.shelter));
    let mut own = None;
    for one in touched {
        let locked = lock(&mut *conn, one).await?;
        if one == id {
            own = Some(locked);
        }
    }
    let own = own.ok_or_else(|| Refused::NotFound("shelter".into()))?;
    Ok((own, load(conn, persons).await?))
}

async fn load(conn: &mut PgConnection, persons: &[Uuid]) -> Result<Vec<Person>, Refused> {
    let mut all: Vec<Person> = Vec::with_capacity(persons.len());
    for id in persons {
        if all.iter().any(|person| person.id == *id) {
            continue;
        }
        let wanted = Wanted { person: Some(*id), ..Wanted::default() };
        let found = people::persons(&mut *conn, wanted).await?.pop();
        all.push(found.ok_or_else(|| Refused::NotFound(format!("person {id}")))?);
    }
    Ok(all)
}

/// A shelter that was full by numbers has room again.
async fn relieve(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    let shelter = lock(&mut *conn, id).await?;
    let Some(opening) = shelter.opening else { return Ok(()) };
    if shelter.state == State::Full && shelter.sheltered < i64::from(shelter.capacity) {
        shift(conn, by, (id, &shelter), opening, (Act::Relieve, State::Open, "há lugar de novo")).await?;
    }
    Ok(())
}

/// Writes down that persons stay elsewhere by own means: they are displaced, and in no shelter.
///
/// # Errors
/// Not found; a conflict when one of them is in a shelter, who is checked out first.
pub async fn stay_elsewhere(
    conn: &mut PgConnection,
    by: Acting<'_>,
    persons: &[Uuid],
    host: Host,
) -> Result<(), Refused> {
    bounded(persons)?;
    people::lock(&mut *conn, persons).await?;
    for person in load(&mut *conn, persons).await? {
        if let Some(place) = &person.shelter_name {
            return Err(Refused::Conflict(format!("{} is in the shelter {place}: check them out first", person.code)));
        }
        if person.host.is_some() {
            continue;
        }
        let stay = by.ids.uuid(by.now);
        people::begin_stay(&mut *conn, by.now, (stay, person.id), Where::Elsewhere(host), (&by.actor.name, "")).await?;
        let entry = Entry::new(audit::Act::ShelterElsewhere, "person", person.id).to(json!({ "host": host }));
        audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    }
    Ok(())
}

/// Checks persons out of wherever they are.
///
/// # Errors
/// Not found; a conflict when one of them is nowhere.
pub async fn leave(
    conn: &mut PgConnection,
    by: Acting<'_>,
    persons: &[Uuid],
    destination: Destination,
    why: &str,
) -> Result<i64, Refused> {
    bounded(persons)?;
    let why = reason(why)?;
    let mut from = std::collections::BTreeSet::new();
    people::lock(&mut *conn, persons).await?;
    let all = load(&mut *conn, persons).await?;
    for person in &all {
        let end = End { how: "left", destination: Some(destination), reason: why, actor: &by.actor.name };
        let ended = people::end_stay(&mut *conn, by.now, person.id, None, end).await?;
        let Some(shelter) = ended else {
            return Err(Refused::Conflict(format!("{} is in no shelter and with nobody", person.code)));
        };
        from.extend(shelter);
        let entry = Entry::new(audit::Act::ShelterLeave, "person", person.id).because(why);
        let entry = entry.to(json!({ "destination": destination, "shelter_id": shelter }));
        audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    }
    for shelter in from {
        relieve(&mut *conn, by, shelter).await?;
    }
    Ok(all.len() as i64)
}

/// Takes back a check-in that was wrong: the stay never was, and whoever was moved by it is where they were before.
///
/// # Errors
/// Without a reason; a conflict when the person is not in the shelter.
pub async fn undo(
    conn: &mut PgConnection,
    by: Acting<'_>,
    shelter: Uuid,
    person: Uuid,
    why: &str,
) -> Result<(), Refused> {
    let why = reason(why)?;
    if why.is_empty() {
        return Err(Refused::wrong("reason", "", "say why it was wrong"));
    }
    people::lock(&mut *conn, &[person]).await?;
    let found = load(&mut *conn, &[person]).await?;
    let Some((since, code)) = found.first().and_then(|found| Some((found.since?, found.code.clone()))) else {
        return Err(Refused::Conflict("the person is in no shelter".into()));
    };
    let before = people::transferred_from(&mut *conn, person, since).await?;
    // In the order of their ids, as every transfer.
    let mut there = None;
    let from = before.as_ref().and_then(|before| before.shelter_id);
    for one in std::collections::BTreeSet::from_iter([Some(shelter), from].into_iter().flatten()) {
        let locked = lock(&mut *conn, one).await?;
        there = if from == Some(one) { Some(locked) } else { there };
    }
    let end = End { how: "undone", destination: None, reason: why, actor: &by.actor.name };
    if people::end_stay(&mut *conn, by.now, person, Some(shelter), end).await?.is_none() {
        return Err(Refused::Conflict(format!("{code} is not in this shelter")));
    }
    if let Some(before) = before {
        let back = match (there, before.host.and_then(|host| host.parse().ok())) {
            (Some(there), _) => {
                let Some(opening) = there.opening else {
                    // Nobody vanishes from the counts because of a slip.
                    let why = format!(
                        "{} is closed by now, where {code} was before: move or check them out instead",
                        there.name
                    );
                    return Err(Refused::Conflict(why));
                };
                before.shelter_id.map(|from| Where::Shelter(from, opening))
            }
            (None, Some(host)) => Some(Where::Elsewhere(host)),
            (None, None) => None,
        };
        if let Some(place) = back {
            // From the instant of the wrong transfer on, so that nobody is missing from the counts in between.
            people::begin_stay(&mut *conn, since, (by.ids.uuid(by.now), person), place, (&by.actor.name, "")).await?;
        }
    }
    let entry = Entry::new(audit::Act::ShelterUndo, "person", person).because(why).to(json!({ "shelter_id": shelter }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    relieve(conn, by, shelter).await
}
