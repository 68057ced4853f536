//! Families, persons, and where they are, in PostgreSQL.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Opening;
use crate::clock::Instant;
use crate::ids::IncidentId;
use crate::shelters::{Age, CONSENT_TEXT, Destination, Host, Need};
use crate::vault::Ring;
use crate::vault::access::Purpose;
use crate::vault::store::context;

/// Persons of an incident that are looked through for a name.
pub const MOST: i64 = 20_000;

/// What a record of the vault belongs to.
pub fn subject(person: Uuid) -> String {
    format!("person:{person}")
}

/// A new family's row.
#[derive(Clone, Debug)]
pub struct NewFamily<'a> {
    pub id: Uuid,
    pub code: &'a str,
    pub incident: IncidentId,
    pub district: &'a str,
    pub pets: i32,
    pub needs_consent: bool,
    pub actor: &'a str,
}

pub async fn add_household(conn: &mut PgConnection, now: Instant, new: &NewFamily<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into household (id, code, incident_id, district, pets, consent_at, consent_text, needs_consent_at, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, case when $8 then $6::timestamptz end, $6, $9)",
        new.id,
        new.code,
        new.incident.0,
        new.district,
        new.pets,
        now,
        CONSENT_TEXT,
        new.needs_consent,
        new.actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn add_person(
    conn: &mut PgConnection,
    now: Instant,
    (id, household, code): (Uuid, Uuid, &str),
    (age, needs): (Age, &[Need]),
    actor: &str,
) -> sqlx::Result<()> {
    let needs: Vec<String> = needs.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into displaced_person (id, household_id, code, age, needs, created_at, created_by) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        household,
        code,
        age.as_str(),
        &needs,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A person with where they are, still without their name.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: Uuid,
    pub code: String,
    pub household: Uuid,
    pub household_code: String,
    pub incident: IncidentId,
    pub district: String,
    pub age: Age,
    pub needs: Vec<String>,
    pub shelter: Option<Uuid>,
    pub shelter_name: Option<String>,
    pub host: Option<String>,
    /// Since when they are there.
    pub since: Option<Instant>,
    pub sealed: Option<Vec<u8>>,
}

/// Which persons.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    pub incident: Option<IncidentId>,
    pub household: Option<Uuid>,
    pub person: Option<Uuid>,
    /// Of a wristband or a card.
    pub code: Option<&'a str>,
    /// Who is in it.
    pub shelter: Option<Uuid>,
}

/// Persons by family, in the order they were written down.
pub async fn persons(conn: &mut PgConnection, wanted: Wanted<'_>) -> sqlx::Result<Vec<Person>> {
    let rows = sqlx::query!(
        r#"select p.id, p.code, p.household_id, h.code as household_code, h.incident_id as "incident: IncidentId", h.district, p.age, p.needs,
            t.shelter_id as "shelter?", s.name as "shelter_name?", t.host as "host?", t.from_at as "since?", v.sealed as "sealed?"
        from displaced_person p join household h on h.id = p.household_id
        left join stay t on t.person_id = p.id and t.until_at is null
        left join shelter s on s.id = t.shelter_id
        left join vault_record v on v.purpose = 'sheltered_person' and v.subject = 'person:' || p.id
        where ($1::uuid is null or h.incident_id = $1) and ($2::uuid is null or h.id = $2) and ($3::uuid is null or p.id = $3)
            and ($4::text is null or p.code = $4 or h.code = $4) and ($5::uuid is null or t.shelter_id = $5)
        order by h.created_at desc, h.id, p.created_at, p.id limit $6"#,
        wanted.incident.map(|id| id.0),
        wanted.household,
        wanted.person,
        wanted.code,
        wanted.shelter,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Person {
        id: row.id,
        code: row.code,
        household: row.household_id,
        household_code: row.household_code,
        incident: row.incident,
        district: row.district,
        // The column's constraint admits only known words.
        age: row.age.parse().unwrap_or(Age::Adult),
        needs: row.needs,
        shelter: row.shelter,
        shelter_name: row.shelter_name,
        host: row.host,
        since: row.since,
        sealed: row.sealed,
    });
    Ok(all.collect())
}

/// The name and the document; empty when they were removed after their time.
pub fn open(ring: &Ring, person: &Person) -> Result<crate::shelters::Identity, crate::vault::SealError> {
    let Some(sealed) = &person.sealed else { return Ok(Default::default()) };
    let plain = ring.open(&context(Purpose::ShelteredPerson.as_str(), &subject(person.id)), sealed)?;
    Ok(serde_json::from_slice(&plain).unwrap_or_default())
}

/// Whether the family consented to kinds of help being written down; `None` when there is no such family.
pub async fn household(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Family>> {
    sqlx::query_as!(
        Family,
        r#"select id, code, incident_id as "incident: IncidentId", district, pets, needs_consent_at is not null as "needs_consent!", created_at, created_by
        from household where id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// A family as it is kept.
#[derive(Clone, Debug)]
pub struct Family {
    pub id: Uuid,
    pub code: String,
    pub incident: IncidentId,
    pub district: String,
    pub pets: i32,
    pub needs_consent: bool,
    pub created_at: Instant,
    pub created_by: String,
}

/// Where a stay is.
#[derive(Clone, Copy, Debug)]
pub enum Where {
    Shelter(Uuid, Opening),
    Elsewhere(Host),
}

/// Locks persons, always in one order. Whoever moves somebody waits here for the other who does, before any shelter is locked.
pub async fn lock(conn: &mut PgConnection, persons: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query_scalar!("select id from displaced_person where id = any($1) order by id for no key update", persons)
        .fetch_all(conn)
        .await?;
    Ok(())
}

/// Begins a stay. The index of the database refuses a second one. It begins no earlier than the one before has ended, also where whoever came
/// later was locked out for a while by whoever came first.
pub async fn begin_stay(
    conn: &mut PgConnection,
    now: Instant,
    (id, person): (Uuid, Uuid),
    place: Where,
    (actor, override_reason): (&str, &str),
) -> sqlx::Result<()> {
    let (shelter, opening, host) = match place {
        Where::Shelter(shelter, opening) => (Some(shelter), Some(opening.id), None),
        Where::Elsewhere(host) => (None, None, Some(host.as_str())),
    };
    sqlx::query!(
        "insert into stay (id, person_id, shelter_id, opening_id, host, from_at, from_by, override_reason)
        select $1, $2, $3, $4, $5, greatest($6::timestamptz, (select max(t.until_at) from stay t
            where t.person_id = $2 and t.ended_as is distinct from 'undone')), $7, $8",
        id,
        person,
        shelter,
        opening,
        host,
        now,
        actor,
        override_reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a stay ends.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    pub how: &'static str,
    pub destination: Option<Destination>,
    pub reason: &'a str,
    pub actor: &'a str,
}

/// Ends the stay of a person, of this shelter alone when one is given. Gives back the shelter it was in; `None` when there was no such stay.
pub async fn end_stay(
    conn: &mut PgConnection,
    now: Instant,
    person: Uuid,
    of: Option<Uuid>,
    end: End<'_>,
) -> sqlx::Result<Option<Option<Uuid>>> {
    sqlx::query_scalar!(
        "update stay set until_at = greatest($2, from_at), until_by = $3, ended_as = $4, destination = $5, reason = $6
        where person_id = $1 and until_at is null and ($7::uuid is null or shelter_id = $7) returning shelter_id",
        person,
        now,
        end.actor,
        end.how,
        end.destination.map(Destination::as_str),
        end.reason,
        of
    )
    .fetch_optional(conn)
    .await
}

/// Where a person was before the stay that ended last: what an undone transfer goes back to.
pub async fn transferred_from(conn: &mut PgConnection, person: Uuid, at: Instant) -> sqlx::Result<Option<Before>> {
    sqlx::query_as!(
        Before,
        "select shelter_id, host from stay where person_id = $1 and ended_as = 'transferred' and until_at = $2 order by from_at desc limit 1",
        person,
        at
    )
    .fetch_optional(conn)
    .await
}

/// One of the two.
#[derive(Clone, Debug)]
pub struct Before {
    pub shelter_id: Option<Uuid>,
    pub host: Option<String>,
}

/// A stay as the family's page tells it.
#[derive(Clone, Debug)]
pub struct Stayed {
    pub person: String,
    pub place: Option<String>,
    pub host: Option<String>,
    pub from_at: Instant,
    pub from_by: String,
    pub override_reason: String,
    pub until_at: Option<Instant>,
    pub until_by: Option<String>,
    pub ended_as: Option<String>,
    pub destination: Option<String>,
    pub reason: String,
}

/// All stays of a family, the newest first.
pub async fn history(conn: &mut PgConnection, household: Uuid) -> sqlx::Result<Vec<Stayed>> {
    sqlx::query_as!(
        Stayed,
        r#"select p.code as person, s.name as "place?", t.host, t.from_at, t.from_by, t.override_reason, t.until_at, t.until_by, t.ended_as,
            t.destination, t.reason
        from stay t join displaced_person p on p.id = t.person_id left join shelter s on s.id = t.shelter_id
        where p.household_id = $1 order by t.from_at desc, p.code limit 200"#,
        household
    )
    .fetch_all(conn)
    .await
}
