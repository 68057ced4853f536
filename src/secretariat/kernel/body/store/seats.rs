//! Seats and mandates.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::secretariat::kernel::body::{Capacity, Mandate, Seat, SeatRole};

struct MandateRow {
    id: Uuid,
    seat_id: Uuid,
    person_id: Uuid,
    person: String,
    capacity: String,
    from_on: NaiveDate,
    until_on: NaiveDate,
    act: String,
    ended_on: Option<NaiveDate>,
    ended_reason: String,
}

impl TryFrom<MandateRow> for Mandate {
    type Error = sqlx::Error;

    fn try_from(row: MandateRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            seat_id: row.seat_id,
            person_id: row.person_id,
            person: row.person,
            capacity: row.capacity.parse().map_err(decode)?,
            from_on: row.from_on,
            until_on: row.until_on,
            act: row.act,
            ended_on: row.ended_on,
            ended_reason: row.ended_reason,
        })
    }
}

/// Every seat of a body by its place, with all mandates.
pub async fn of_body(conn: &mut PgConnection, body: Uuid) -> sqlx::Result<Vec<Seat>> {
    let seats = sqlx::query!(
        "select id, position, entity, role, ended_on from body_seat where body_id = $1 order by position, created_at, id",
        body
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = sqlx::query_as!(
        MandateRow,
        "select m.id, m.seat_id, m.person_id, p.name as person, m.capacity, m.from_on, m.until_on, m.act, m.ended_on, m.ended_reason
         from body_mandate m join body_person p on p.id = m.person_id where m.body_id = $1 order by m.from_on, m.id",
        body
    )
    .fetch_all(conn)
    .await?;
    let mandates: Vec<Mandate> = rows.into_iter().map(Mandate::try_from).collect::<sqlx::Result<_>>()?;
    let with = seats.into_iter().map(|row| {
        Ok(Seat {
            id: row.id,
            position: row.position,
            entity: row.entity,
            role: row.role.parse().map_err(decode)?,
            ended_on: row.ended_on,
            mandates: mandates.iter().filter(|one| one.seat_id == row.id).cloned().collect(),
        })
    });
    with.collect()
}

pub async fn insert(
    conn: &mut PgConnection,
    (id, body): (Uuid, Uuid),
    (position, entity, role): (i32, &str, SeatRole),
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_seat (id, body_id, position, entity, role, created_at) values ($1, $2, $3, $4, $5, $6)",
        id,
        body,
        position,
        entity,
        role.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn edit(conn: &mut PgConnection, id: Uuid, (entity, role): (&str, SeatRole)) -> sqlx::Result<()> {
    sqlx::query!("update body_seat set entity = $2, role = $3 where id = $1", id, entity, role.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn end(conn: &mut PgConnection, id: Uuid, day: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!("update body_seat set ended_on = $2 where id = $1", id, day).execute(conn).await?;
    Ok(())
}

/// A mandate to write down.
#[derive(Clone, Copy, Debug)]
pub struct NewMandate<'a> {
    pub seat: Uuid,
    pub person: Uuid,
    pub capacity: Capacity,
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub act: &'a str,
}

pub async fn appoint(
    conn: &mut PgConnection,
    (id, body): (Uuid, Uuid),
    new: NewMandate<'_>,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_mandate (id, seat_id, body_id, person_id, capacity, from_on, until_on, act, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        new.seat,
        body,
        new.person,
        new.capacity.as_str(),
        new.from,
        new.until,
        new.act,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end_mandate(conn: &mut PgConnection, id: Uuid, day: NaiveDate, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("update body_mandate set ended_on = $2, ended_reason = $3 where id = $1", id, day, reason)
        .execute(conn)
        .await?;
    Ok(())
}

/// A mandate that nears its end, or a seat that nobody holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = BodyExpiring)]
pub struct Expiring {
    pub body: String,
    pub slug: String,
    pub entity: String,
    /// Empty where nobody holds the seat.
    pub person: String,
    /// titular, substitute
    pub capacity: String,
    /// The last day; none: the seat is vacant.
    pub until_on: Option<NaiveDate>,
}

/// Mandates of bodies in force that end until a day, and seats without a titular, at most 500; of councils of ethics only where those are seen.
pub async fn expiring(
    conn: &mut PgConnection,
    (today, until): (NaiveDate, NaiveDate),
    sees_ethics: bool,
) -> sqlx::Result<Vec<Expiring>> {
    sqlx::query_as!(
        Expiring,
        r#"select b.name as "body!", b.slug as "slug!", s.entity as "entity!", p.name as "person!", m.capacity as "capacity!",
               least(m.until_on, m.ended_on) as until_on
           from body_mandate m join body_seat s on s.id = m.seat_id join body b on b.id = m.body_id join body_person p on p.id = m.person_id
           where ($3 or b.kind <> 'ethics') and b.ended_on is null and s.ended_on is null and m.from_on <= $1 and least(m.until_on, m.ended_on) between $1 and $2
               and not exists (select from body_mandate n where n.seat_id = m.seat_id and n.capacity = m.capacity
                   and n.from_on > m.from_on and n.ended_on is null)
           union all
           select b.name, b.slug, s.entity, '', 'titular', null
           from body_seat s join body b on b.id = s.body_id
           where ($3 or b.kind <> 'ethics') and b.ended_on is null and s.ended_on is null and not exists (select from body_mandate m where m.seat_id = s.id
               and m.capacity = 'titular' and m.from_on <= $1 and least(m.until_on, m.ended_on) >= $1)
           order by 6 nulls first, 1, 3 limit 500"#,
        today,
        until,
        sees_ethics
    )
    .fetch_all(conn)
    .await
}
