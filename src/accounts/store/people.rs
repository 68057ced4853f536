//! The people themselves: invited, changed, shut out, let in again.

use sqlx::PgConnection;

use super::decode;
use crate::accounts::{Role, Roles};
use crate::clock::Instant;
use crate::ids::{Ids, StaffId};

/// Advisory lock of whoever changes who works here, so that two administrators cannot remove each other at once.
const STAFF_LOCK: i64 = 1_397_053_508;

/// A person as those see them who manage staff, and as they see themselves.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: StaffId,
    pub username: String,
    pub name: String,
    pub roles: Roles,
    pub language: String,
    pub email: Option<String>,
    /// Where they are paged. E.164.
    pub phone: Option<String>,
    pub has_password: bool,
    pub has_factor: bool,
    /// Signs in through the identity provider.
    pub is_joined: bool,
    pub disabled_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    pub invited_until: Option<Instant>,
}

struct Row {
    id: StaffId,
    username: String,
    name: String,
    roles: Vec<String>,
    language: String,
    email: Option<String>,
    phone: Option<String>,
    has_password: bool,
    has_factor: bool,
    is_joined: bool,
    disabled_at: Option<Instant>,
    last_used_at: Option<Instant>,
    invited_until: Option<Instant>,
}

/// Everyone by user name, or the one with this user name.
async fn read(conn: &mut PgConnection, now: Instant, username: Option<&str>) -> sqlx::Result<Vec<Person>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id as "id: StaffId", s.username, s.name, s.roles, s.language, s.email, s.phone,
                  s.password_hash is not null as "has_password!",
                  exists (select from staff_factor f where f.staff_id = s.id and f.confirmed_at is not null) as "has_factor!",
                  exists (select from oidc_subject o where o.staff_id = s.id) as "is_joined!",
                  s.disabled_at, (select max(t.last_used_at) from staff_session t where t.staff_id = s.id) as last_used_at,
                  (select max(l.expires_at) from staff_link l where l.staff_id = s.id and l.kind = 'invitation'
                      and l.used_at is null and l.expires_at > $1) as invited_until
           from staff s where $2::text is null or s.username = $2 order by s.username"#,
        now,
        username
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Person {
                roles: Roles::parse(&row.roles).map_err(decode)?,
                id: row.id,
                username: row.username,
                name: row.name,
                language: row.language,
                email: row.email,
                phone: row.phone,
                has_password: row.has_password,
                has_factor: row.has_factor,
                is_joined: row.is_joined,
                disabled_at: row.disabled_at,
                last_used_at: row.last_used_at,
                invited_until: row.invited_until,
            })
        })
        .collect()
}

pub async fn people(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Person>> {
    read(conn, now, None).await
}

pub async fn person(conn: &mut PgConnection, now: Instant, username: &str) -> sqlx::Result<Option<Person>> {
    Ok(read(conn, now, Some(username)).await?.pop())
}

/// The user name behind an id, unless shut out.
pub async fn username_of(conn: &mut PgConnection, id: StaffId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select username from staff where id = $1 and disabled_at is null", id.0)
        .fetch_optional(conn)
        .await
}

/// The user name of the active person who has this user name or e-mail address.
pub async fn find_by_name_or_email(conn: &mut PgConnection, asked: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select username from staff where (username = $1 or lower(email) = $1) and disabled_at is null",
        asked
    )
    .fetch_optional(conn)
    .await
}

/// Waits until nobody else changes who works here; until the transaction ends.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", STAFF_LOCK).execute(conn).await?;
    Ok(())
}

pub async fn nobody_is_here(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not exists (select from staff) as "nobody!""#).fetch_one(conn).await
}

/// Whether somebody else than this person can administer: active, with a password of their own.
pub async fn other_administrators(conn: &mut PgConnection, id: StaffId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from staff where id <> $1 and disabled_at is null and password_hash is not null
               and $2 = any(roles)) as "others!""#,
        id.0,
        Role::Administrator.as_str()
    )
    .fetch_one(conn)
    .await
}

/// What a person is made from.
#[derive(Clone, Copy, Debug)]
pub struct NewPerson<'a> {
    pub username: &'a str,
    pub name: &'a str,
    pub email: Option<&'a str>,
    pub roles: &'a Roles,
    pub password_hash: Option<&'a str>,
}

/// Adds a person. `None` when user name or e-mail address are taken.
pub async fn add(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    new: NewPerson<'_>,
) -> sqlx::Result<Option<StaffId>> {
    sqlx::query_scalar!(
        r#"insert into staff (id, username, name, email, roles, password_hash, password_changed_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict do nothing returning id as "id: StaffId""#,
        ids.uuid(now),
        new.username,
        new.name,
        new.email,
        &new.roles.words(),
        new.password_hash,
        now
    )
    .fetch_optional(conn)
    .await
}

/// False when somebody else has this address.
pub async fn set_email(conn: &mut PgConnection, id: StaffId, email: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update staff set email = $2 where id = $1
             and not exists (select from staff o where o.id <> $1 and lower(o.email) = lower($2))",
        id.0,
        email
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Where they are paged; none to page them no more.
pub async fn set_phone(conn: &mut PgConnection, id: StaffId, phone: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!("update staff set phone = $2 where id = $1", id.0, phone).execute(conn).await?;
    Ok(())
}

pub async fn set_roles(conn: &mut PgConnection, id: StaffId, roles: &Roles) -> sqlx::Result<()> {
    sqlx::query!("update staff set roles = $2 where id = $1", id.0, &roles.words()).execute(conn).await?;
    Ok(())
}

pub async fn set_password(conn: &mut PgConnection, now: Instant, id: StaffId, hash: &str) -> sqlx::Result<()> {
    sqlx::query!("update staff set password_hash = $2, password_changed_at = $3 where id = $1", id.0, hash, now)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn password_hash(conn: &mut PgConnection, id: StaffId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select password_hash from staff where id = $1", id.0).fetch_one(conn).await
}

/// False when the person was not shut out.
pub async fn enable(conn: &mut PgConnection, id: StaffId) -> sqlx::Result<bool> {
    let done = sqlx::query!("update staff set disabled_at = null where id = $1 and disabled_at is not null", id.0);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
