//! Bodies in PostgreSQL: bodies and persons here, seats, meetings, what happens in them, and what the public reads beside it.

pub mod meetings;
pub mod public;
pub mod room;
pub mod seats;
pub mod spawn;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Body, BodyKind, CreatedBy, Described, Person, Rules};
use crate::clock::Instant;

/// Bodies and persons that one answer gives.
pub const PAGE: i64 = 100;

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    kind: String,
    act_kind: String,
    act_number: String,
    act_on: NaiveDate,
    purpose: String,
    law_ref: String,
    contact: String,
    term_from: NaiveDate,
    term_until: Option<NaiveDate>,
    rules: Json<Rules>,
    revision: i32,
    ended_on: Option<NaiveDate>,
    ended_reason: String,
}

impl TryFrom<Row> for Body {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            what: Described {
                slug: row.slug,
                name: row.name,
                kind: row.kind.parse().map_err(decode)?,
                act: CreatedBy { kind: row.act_kind.parse().map_err(decode)?, number: row.act_number, on: row.act_on },
                purpose: row.purpose,
                law_ref: row.law_ref,
                contact: row.contact,
                term_from: row.term_from,
                term_until: row.term_until,
                rules: row.rules.0,
            },
            revision: row.revision,
            ended_on: row.ended_on,
            ended_reason: row.ended_reason,
        })
    }
}

/// Which bodies.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those behind this slug.
    pub after: String,
    /// Words of name, address, purpose, act or law, accents or not; empty: all.
    pub words: String,
    pub kind: Option<BodyKind>,
    /// In force on a day, or not.
    pub in_force: Option<(bool, NaiveDate)>,
}

/// Those that are wanted, by slug, at most [`PAGE`].
pub async fn list(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<Vec<Body>> {
    let (is_in_force, day) = wanted.in_force.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id, slug, name, kind, act_kind, act_number, act_on, purpose, law_ref, contact, term_from, term_until,
               rules as "rules: Json<Rules>", revision, ended_on, ended_reason
           from body
           where slug > $1 and has_words(concat_ws(' ', name, slug, purpose, act_number, law_ref), $3) and ($4::text is null or kind = $4)
             and ($5::bool is null or (term_from <= $6 and coalesce(least(term_until, ended_on), 'infinity') >= $6) = $5)
           order by slug limit $2"#,
        wanted.after,
        PAGE,
        wanted.words,
        wanted.kind.map(BodyKind::as_str),
        is_in_force,
        day
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Body::try_from).collect()
}

pub async fn by_slug(conn: &mut PgConnection, slug: &str) -> sqlx::Result<Option<Body>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, slug, name, kind, act_kind, act_number, act_on, purpose, law_ref, contact, term_from, term_until,
               rules as "rules: Json<Rules>", revision, ended_on, ended_reason
           from body where slug = $1"#,
        slug
    )
    .fetch_optional(conn)
    .await?;
    row.map(Body::try_from).transpose()
}

pub async fn by_id(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Body>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, slug, name, kind, act_kind, act_number, act_on, purpose, law_ref, contact, term_from, term_until,
               rules as "rules: Json<Rules>", revision, ended_on, ended_reason
           from body where id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(Body::try_from).transpose()
}

/// Holds a body until the transaction ends: what is judged by its seats and meetings is judged by one at a time.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("select id from body where id = $1 for no key update", id).fetch_optional(conn).await?;
    Ok(())
}

/// Writes a body down, or in the place of what it was.
pub async fn save(conn: &mut PgConnection, id: Uuid, new: &Described, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body as b (id, slug, name, kind, act_kind, act_number, act_on, purpose, law_ref, contact, term_from, term_until,
             rules, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
         on conflict (id) do update set name = excluded.name, act_kind = excluded.act_kind, act_number = excluded.act_number,
             act_on = excluded.act_on, purpose = excluded.purpose, law_ref = excluded.law_ref, contact = excluded.contact,
             term_from = excluded.term_from, term_until = excluded.term_until, rules = excluded.rules,
             revision = b.revision + 1, changed_at = excluded.changed_at",
        id,
        new.slug,
        new.name,
        new.kind.as_str(),
        new.act.kind.as_str(),
        new.act.number,
        new.act.on,
        new.purpose,
        new.law_ref,
        new.contact,
        new.term_from,
        new.term_until,
        Json(&new.rules) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end(
    conn: &mut PgConnection,
    id: Uuid,
    (day, reason): (NaiveDate, &str),
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update body set ended_on = $2, ended_reason = $3, changed_at = $4, revision = revision + 1 where id = $1",
        id,
        day,
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those whose name holds the words, by name.
pub async fn persons(conn: &mut PgConnection, words: &str) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as!(
        Person,
        r#"select p.id, p.name, p.contact, s.username as "account?" from body_person p left join staff s on s.id = p.staff_id
           where has_words(p.name, $1) order by lower(p.name), p.id limit $2"#,
        words,
        PAGE
    )
    .fetch_all(conn)
    .await
}

/// Those of a body, by id.
pub async fn persons_of(conn: &mut PgConnection, body: Uuid) -> sqlx::Result<BTreeMap<Uuid, Person>> {
    let rows = sqlx::query_as!(
        Person,
        r#"select p.id, p.name, p.contact, s.username as "account?" from body_person p left join staff s on s.id = p.staff_id
           where p.id in (select person_id from body_mandate where body_id = $1)"#,
        body
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|one| (one.id, one)).collect())
}

pub async fn person(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"select p.id, p.name, p.contact, s.username as "account?" from body_person p left join staff s on s.id = p.staff_id
           where p.id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}

pub async fn save_person(
    conn: &mut PgConnection,
    id: Uuid,
    (name, contact): (&str, &str),
    staff: Option<Uuid>,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_person (id, name, contact, staff_id, created_at) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set name = excluded.name, contact = excluded.contact, staff_id = excluded.staff_id",
        id,
        name,
        contact,
        staff,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose account it is among the persons.
pub async fn of_account(conn: &mut PgConnection, staff: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from body_person where staff_id = $1", staff).fetch_optional(conn).await
}

/// The bodies that a person has or had a seat in.
pub async fn bodies_of(conn: &mut PgConnection, person: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select distinct body_id from body_mandate where person_id = $1 order by body_id limit 200",
        person
    )
    .fetch_all(conn)
    .await
}

/// Keeps where convenings go; empty: forgets it.
pub async fn save_email(conn: &mut PgConnection, person: Uuid, email: &str, now: Instant) -> sqlx::Result<()> {
    if email.is_empty() {
        sqlx::query!("delete from body_person_private where person_id = $1", person).execute(conn).await?;
        return Ok(());
    }
    sqlx::query!(
        "insert into body_person_private (person_id, email, changed_at) values ($1, $2, $3)
         on conflict (person_id) do update set email = excluded.email, changed_at = excluded.changed_at",
        person,
        email,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where to write to the members of a body on a day: id and address, each person once.
pub async fn emails(conn: &mut PgConnection, body: Uuid, day: NaiveDate) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select distinct p.person_id, p.email from body_mandate m join body_person_private p on p.person_id = m.person_id
         join body_seat s on s.id = m.seat_id
         where m.body_id = $1 and m.from_on <= $2 and least(m.until_on, m.ended_on) >= $2 and (s.ended_on is null or s.ended_on >= $2)
         order by p.person_id",
        body,
        day
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.person_id, row.email)).collect())
}

/// Forgets addresses of everybody whose last mandate ended before a day. How many.
pub async fn forget_emails(conn: &mut PgConnection, before: NaiveDate) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from body_person_private p where exists (select from body_mandate m where m.person_id = p.person_id)
         and not exists (select from body_mandate m where m.person_id = p.person_id and least(m.until_on, m.ended_on) >= $1)",
        before
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
