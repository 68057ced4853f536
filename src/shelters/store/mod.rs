//! Shelters in PostgreSQL.

pub mod count;
pub mod people;

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::life::{Act, State};
use super::{CheckItem, NewShelter, Shelter};
use crate::clock::Instant;
use crate::ids::IncidentId;
use crate::reports::Spot;

/// Shelters on one page and in one answer.
pub const MOST: i64 = 500;

/// How exactly a shelter's place is told.
const PRECISION_M: i32 = 20;

pub async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Shelter>> {
    find(conn, None, None).await
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Shelter>> {
    Ok(find(conn, Some(id), None).await?.pop())
}

/// The shelters that were opened for an incident, also those that are closed again.
pub async fn of_incident(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Shelter>> {
    find(conn, None, Some(incident.0)).await
}

async fn find(conn: &mut PgConnection, id: Option<Uuid>, incident: Option<Uuid>) -> sqlx::Result<Vec<Shelter>> {
    let rows = sqlx::query!(
        r#"select s.id, s.code, s.name, st_x(s.geom) as "lon!", st_y(s.geom) as "lat!", s.address_text, s.capacity, s.rooms, s.accessible,
            s.pets, s.kitchen, s.contact, s.keys, s.state, s.changed_at, o.incident_id as "incident?", i.number as "incident_number?",
            o.begun_at as "begun_at?", o.opened_at, coalesce(incident_is_drill(o.incident_id), false) as "drill!",
            (select count(*) from stay t where t.shelter_id = s.id and t.until_at is null) as "sheltered!",
            (select coalesce(sum(h.pets), 0)::bigint from household h where exists (select from displaced_person p
                join stay t on t.person_id = p.id where p.household_id = h.id and t.shelter_id = s.id and t.until_at is null)) as "in_pets!"
        from shelter s left join shelter_opening o on o.id = s.opening_id left join incident i on i.id = o.incident_id
        where ($1::uuid is null or s.id = $1)
            and ($2::uuid is null or exists (select from shelter_opening a where a.shelter_id = s.id and a.incident_id = $2))
        order by s.state = 'closed', lower(s.name), s.id limit $3"#,
        id,
        incident,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Shelter {
        id: row.id,
        what: NewShelter {
            code: row.code,
            name: row.name,
            spot: Spot { lon: row.lon, lat: row.lat, precision_m: PRECISION_M },
            address: row.address_text,
            capacity: row.capacity,
            rooms: row.rooms,
            accessible: row.accessible,
            pets: row.pets,
            kitchen: row.kitchen,
            contact: row.contact,
            keys: row.keys,
        },
        // The column's constraint admits only known words.
        state: row.state.parse().unwrap_or(State::Closed),
        changed_at: row.changed_at,
        sheltered: row.sheltered,
        pets: row.in_pets,
        incident: row.incident,
        incident_number: row.incident_number,
        begun_at: row.begun_at,
        opened_at: row.opened_at,
        drill: row.drill,
    });
    Ok(all.collect())
}

/// The one with this key.
pub async fn by_code(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from shelter where code = $1", code).fetch_optional(conn).await
}

/// Writes a shelter in the place of what it was, and its place in the ledger of supplies.
pub async fn save(conn: &mut PgConnection, now: Instant, id: Uuid, new: &NewShelter) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into shelter as s (id, code, name, geom, address_text, capacity, rooms, accessible, pets, kitchen, contact, keys, created_at, changed_at)
        values ($1, $2, $3, st_setsrid(st_makepoint($4, $5), 4326), $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
        on conflict (id) do update set name = excluded.name, geom = excluded.geom, address_text = excluded.address_text,
            capacity = excluded.capacity, rooms = excluded.rooms, accessible = excluded.accessible, pets = excluded.pets,
            kitchen = excluded.kitchen, contact = excluded.contact, keys = excluded.keys, changed_at = excluded.changed_at",
        id,
        new.code,
        new.name,
        new.spot.lon,
        new.spot.lat,
        new.address,
        new.capacity,
        new.rooms,
        new.accessible,
        new.pets,
        new.kitchen,
        new.contact,
        new.keys,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into stock_place (id, name, shelter_id, created_at) values ($1, $2, $1, $3) on conflict (id) do update set name = excluded.name",
        id,
        new.name,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The opening that runs.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub id: Uuid,
    pub incident: IncidentId,
}

/// A shelter with its row locked until the transaction ends.
#[derive(Clone, Debug)]
pub struct Locked {
    pub name: String,
    pub state: State,
    /// Persons.
    pub capacity: i32,
    pub sheltered: i64,
    pub opening: Option<Opening>,
}

/// Whoever moves people or states waits here for the other who does.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query!(
        r#"select s.name, s.state, s.capacity, s.opening_id from shelter s where s.id = $1 for no key update of s"#,
        id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    // A statement of its own: what others committed while this one waited is seen.
    let now = sqlx::query!(
        r#"select count(*) filter (where t.until_at is null) as "sheltered!",
            (select incident_id from shelter_opening where id = $2) as incident from stay t where t.shelter_id = $1 and t.until_at is null"#,
        id,
        row.opening_id
    )
    .fetch_one(conn)
    .await?;
    let opening = row.opening_id.zip(now.incident).map(|(id, incident)| Opening { id, incident: IncidentId(incident) });
    Ok(Some(Locked {
        name: row.name,
        state: row.state.parse().unwrap_or(State::Closed),
        capacity: row.capacity,
        sheltered: now.sheltered,
        opening,
    }))
}

pub async fn begin(
    conn: &mut PgConnection,
    now: Instant,
    shelter: Uuid,
    opening: Opening,
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into shelter_opening (id, shelter_id, incident_id, begun_at, begun_by) values ($1, $2, $3, $4, $5)",
        opening.id,
        shelter,
        opening.incident.0,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A change of state as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    pub act: Act,
    pub to: State,
    pub actor: &'a str,
    pub reason: &'a str,
}

/// Moves a shelter that is locked, and keeps why.
pub async fn set_state(
    conn: &mut PgConnection,
    now: Instant,
    shelter: Uuid,
    opening: Opening,
    to: Move<'_>,
) -> sqlx::Result<()> {
    let closed = to.to == State::Closed;
    sqlx::query!(
        "update shelter set state = $2, opening_id = case when $3 then null else $4::uuid end, changed_at = $5 where id = $1",
        shelter,
        to.to.as_str(),
        closed,
        opening.id,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update shelter_opening set opened_at = case when $2 = 'open' then coalesce(opened_at, $3) else opened_at end,
            closed_at = case when $2 = 'closed' then $3 end where id = $1",
        opening.id,
        to.to.as_str(),
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into shelter_event (shelter_id, opening_id, at, actor, act, state, reason) values ($1, $2, $3, $4, $5, $6, $7)",
        shelter,
        opening.id,
        now,
        to.actor,
        to.act.as_str(),
        to.to.as_str(),
        to.reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What happened to a shelter.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ShelterEvent)]
pub struct Told {
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub act: String,
    pub state: String,
    pub reason: String,
}

/// The newest first.
pub async fn events(conn: &mut PgConnection, shelter: Uuid, limit: i64) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        "select at, actor, act, state, reason from shelter_event where shelter_id = $1 order by id desc limit $2",
        shelter,
        limit
    )
    .fetch_all(conn)
    .await
}

/// An item of the checklist as it was found last.
#[derive(Clone, Debug)]
pub struct Checked {
    pub item: CheckItem,
    pub good: bool,
    pub note: String,
    pub at: Instant,
    pub actor: String,
}

pub async fn check(
    conn: &mut PgConnection,
    now: Instant,
    opening: Uuid,
    (item, good, note): (CheckItem, bool, &str),
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into shelter_check (opening_id, item, good, note, at, actor) values ($1, $2, $3, $4, $5, $6)",
        opening,
        item.as_str(),
        good,
        note,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest of each item, of the opening that runs.
pub async fn checks(conn: &mut PgConnection, shelter: Uuid) -> sqlx::Result<Vec<Checked>> {
    let rows = sqlx::query!(
        "select distinct on (c.item) c.item, c.good, c.note, c.at, c.actor from shelter_check c
        join shelter s on s.opening_id = c.opening_id where s.id = $1 order by c.item, c.id desc",
        shelter
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        Some(Checked { item: row.item.parse().ok()?, good: row.good, note: row.note, at: row.at, actor: row.actor })
    });
    Ok(known.collect())
}

/// Open incidents that a shelter may be opened for, the newest first.
pub async fn open_incidents(conn: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"select id, number || ' · ' || title as "title!" from incident where state = 'open' order by opened_at desc, id limit 50"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.title)).collect())
}

/// Held until the transaction ends: whoever closes the incident waits, and sees what was begun for it.
pub async fn is_open_incident(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let row = sqlx::query!("select id from incident where id = $1 and state = 'open' for share", id);
    Ok(row.fetch_optional(conn).await?.is_some())
}
