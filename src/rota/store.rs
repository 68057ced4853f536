//! Rotas, their turns and their calendars in PostgreSQL.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::read::{Person, Problem};
use super::{Rota, Source, Turn};
use crate::clock::Instant;
use crate::ids::{RotaId, StaffId};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Rotas in use by code, or the one with this code.
pub async fn list(conn: &mut PgConnection, code: Option<&str>) -> sqlx::Result<Vec<Rota>> {
    sqlx::query_as!(
        Rota,
        r#"select id as "id: RotaId", code, name, layers, feed_url, feed_layer, feed_read_at, feed_problem,
            feed_problems as "feed_problems: Json<Vec<Problem>>"
           from rota where retired_at is null and ($1::text is null or code = $1) order by code"#,
        code
    )
    .fetch_all(conn)
    .await
}

/// The same, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Rota>> {
    sqlx::query!("select id from rota where code = $1 and retired_at is null for update", code)
        .fetch_optional(&mut *conn)
        .await?;
    Ok(list(conn, Some(code)).await?.pop())
}

/// Nobody else adds one until the transaction ends. How many there are, and whether the code was ever used.
pub async fn lock_and_count(conn: &mut PgConnection, code: &str) -> sqlx::Result<(i64, bool)> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('rotas', 0))").fetch_one(&mut *conn).await?;
    let row = sqlx::query!(
        r#"select count(*) filter (where retired_at is null) as "count!", coalesce(bool_or(code = $1), false) as "taken!" from rota"#,
        code
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.taken))
}

pub async fn insert(
    conn: &mut PgConnection,
    (id, now, by): (RotaId, Instant, &str),
    (code, name, layers): (&str, &str, i16),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rota (id, code, name, layers, created_at, created_by) values ($1, $2, $3, $4, $5, $6)",
        id.0,
        code,
        name,
        layers,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn update(conn: &mut PgConnection, id: RotaId, name: &str, layers: i16) -> sqlx::Result<()> {
    sqlx::query!("update rota set name = $2, layers = $3 where id = $1", id.0, name, layers).execute(conn).await?;
    Ok(())
}

pub async fn retire(conn: &mut PgConnection, id: RotaId, now: Instant) -> sqlx::Result<()> {
    sqlx::query!("update rota set retired_at = $2 where id = $1", id.0, now).execute(&mut *conn).await?;
    sqlx::query!("update rota_calendar set ended_at = $2 where rota_id = $1 and ended_at is null", id.0, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// What calendar a rota follows from now on; an empty address: none.
pub async fn follow(conn: &mut PgConnection, id: RotaId, (url, layer): (&str, i16), now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update rota set feed_url = $2, feed_layer = $3, feed_due_at = case when $2 = '' then null else $4::timestamptz end,
             feed_read_at = null, feed_problem = '', feed_problems = '[]'
         where id = $1",
        id.0,
        url,
        layer,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next rota whose calendar is to be read; it is due again at `next` whatever happens meanwhile.
pub async fn take_due(conn: &mut PgConnection, now: Instant, next: Instant) -> sqlx::Result<Option<Rota>> {
    sqlx::query_as!(
        Rota,
        r#"update rota set feed_due_at = $2 where id = (
               select id from rota where feed_due_at <= $1 and retired_at is null
               order by feed_due_at, id limit 1 for update skip locked)
           returning id as "id: RotaId", code, name, layers, feed_url, feed_layer, feed_read_at, feed_problem,
               feed_problems as "feed_problems: Json<Vec<Problem>>""#,
        now,
        next
    )
    .fetch_optional(conn)
    .await
}

/// What came of reading it.
pub async fn followed(
    conn: &mut PgConnection,
    id: RotaId,
    now: Instant,
    (line, problems): (&str, &[Problem]),
) -> sqlx::Result<()> {
    let line: String = line.chars().take(1000).collect();
    sqlx::query!(
        "update rota set feed_read_at = $2, feed_problem = $3, feed_problems = $4 where id = $1",
        id.0,
        now,
        line,
        Json(problems) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Turns and swaps that are not taken back and touch the span, by time. Those of people who were shut out are among them, and marked:
/// they are on call nowhere, and whoever stands in for them is.
pub async fn turns(
    conn: &mut PgConnection,
    rota: RotaId,
    (from, until): (Instant, Instant),
) -> sqlx::Result<Vec<Turn>> {
    let rows = sqlx::query!(
        r#"select t.id, t.layer, t.staff_id as "person: StaffId", s.username, s.name, t.from_at, t.until_at,
                  t.instead_of as "instead_of: StaffId", o.username as "instead_of_username?", t.source, t.uid, t.reason,
                  s.disabled_at is not null as "is_shut_out!"
           from rota_turn t join staff s on s.id = t.staff_id left join staff o on o.id = t.instead_of
           where t.rota_id = $1 and t.withdrawn_at is null and t.until_at > $2 and t.from_at < $3
           order by t.from_at, t.layer, t.id limit 20000"#,
        rota.0,
        from,
        until
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let source: Source = row.source.parse().map_err(decode)?;
            Ok(Turn {
                id: row.id,
                layer: row.layer,
                person: row.person,
                username: row.username,
                name: row.name,
                from: row.from_at,
                until: row.until_at,
                instead_of: row.instead_of,
                instead_of_username: row.instead_of_username,
                source,
                uid: row.uid,
                reason: row.reason,
                is_shut_out: row.is_shut_out,
            })
        })
        .collect()
}

/// A turn that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTurn {
    pub layer: i16,
    pub person: StaffId,
    pub from: Instant,
    pub until: Instant,
    pub instead_of: Option<StaffId>,
    pub source: Source,
    pub uid: String,
    pub reason: String,
}

pub async fn add(
    conn: &mut PgConnection,
    rota: RotaId,
    (now, by): (Instant, &str),
    new: &[NewTurn],
) -> sqlx::Result<()> {
    let layers: Vec<i16> = new.iter().map(|turn| turn.layer).collect();
    let people: Vec<Uuid> = new.iter().map(|turn| turn.person.0).collect();
    let from: Vec<Instant> = new.iter().map(|turn| turn.from).collect();
    let until: Vec<Instant> = new.iter().map(|turn| turn.until).collect();
    let instead: Vec<Option<Uuid>> = new.iter().map(|turn| turn.instead_of.map(|id| id.0)).collect();
    let sources: Vec<String> = new.iter().map(|turn| turn.source.to_string()).collect();
    let uids: Vec<String> = new.iter().map(|turn| turn.uid.clone()).collect();
    let reasons: Vec<String> = new.iter().map(|turn| turn.reason.clone()).collect();
    sqlx::query!(
        "insert into rota_turn (rota_id, layer, staff_id, from_at, until_at, instead_of, source, uid, reason, made_at, made_by)
         select $1, t.layer, t.person, t.from_at, t.until_at, t.instead_of, t.source, t.uid, t.reason, $2, $3
         from unnest($4::int2[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::uuid[], $9::text[], $10::text[], $11::text[])
             as t (layer, person, from_at, until_at, instead_of, source, uid, reason)",
        rota.0,
        now,
        by,
        &layers,
        &people,
        &from,
        &until,
        &instead as &[Option<Uuid>],
        &sources,
        &uids,
        &reasons
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes turns back. What is over stays, because it was so; one that is under way ends now. Gives back how many there were.
pub async fn withdraw(
    conn: &mut PgConnection,
    rota: RotaId,
    (now, by): (Instant, &str),
    ids: &[i64],
) -> sqlx::Result<u64> {
    let ended = sqlx::query!(
        "update rota_turn set until_at = $3
         where rota_id = $1 and id = any($2) and withdrawn_at is null and from_at < $3 and until_at > $3",
        rota.0,
        ids,
        now
    )
    .execute(&mut *conn)
    .await?;
    let withdrawn = sqlx::query!(
        "update rota_turn set withdrawn_at = $3, withdrawn_by = $4
         where rota_id = $1 and id = any($2) and withdrawn_at is null and from_at >= $3",
        rota.0,
        ids,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() + withdrawn.rows_affected())
}

/// Everybody who is not shut out, by user name.
pub async fn people(conn: &mut PgConnection) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as!(
        Person,
        r#"select id as "id: StaffId", username, name, email from staff where disabled_at is null order by username"#
    )
    .fetch_all(conn)
    .await
}

/// Whose a calendar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Person(StaffId),
    Rota(RotaId),
}

impl Owner {
    const fn columns(self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Person(id) => (Some(id.0), None),
            Self::Rota(id) => (None, Some(id.0)),
        }
    }
}

/// The calendar in use.
pub async fn calendar(conn: &mut PgConnection, owner: Owner) -> sqlx::Result<Option<Uuid>> {
    let (staff, rota) = owner.columns();
    sqlx::query_scalar!(
        "select id from rota_calendar where (staff_id = $1 or rota_id = $2) and ended_at is null",
        staff,
        rota
    )
    .fetch_optional(conn)
    .await
}

/// Ends the one in use and begins another; its address is new.
pub async fn renew_calendar(
    conn: &mut PgConnection,
    owner: Owner,
    (id, now, by): (Uuid, Instant, &str),
) -> sqlx::Result<()> {
    let (staff, rota) = owner.columns();
    sqlx::query!(
        "update rota_calendar set ended_at = $3 where (staff_id = $1 or rota_id = $2) and ended_at is null",
        staff,
        rota,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into rota_calendar (id, staff_id, rota_id, made_at, made_by) values ($1, $2, $3, $4, $5)",
        id,
        staff,
        rota,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose the calendar behind an address is, if it is in use: of people who were shut out none is.
pub async fn owner(conn: &mut PgConnection, calendar: Uuid) -> sqlx::Result<Option<Owner>> {
    let row = sqlx::query!(
        r#"select c.staff_id as "staff: StaffId", c.rota_id as "rota: RotaId"
           from rota_calendar c left join staff s on s.id = c.staff_id left join rota r on r.id = c.rota_id
           where c.id = $1 and c.ended_at is null and s.disabled_at is null and r.retired_at is null"#,
        calendar
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| row.staff.map(Owner::Person).or(row.rota.map(Owner::Rota))))
}
