//! Staff, sessions and API tokens in PostgreSQL.

pub mod doors;
pub mod factors;
pub mod people;
pub mod sessions;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::Roles;
use crate::clock::Instant;
use crate::ids::{Ids, StaffId};
use crate::units::UnknownWord;

/// A member of staff without the secret parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: StaffId,
    pub username: String,
    pub name: String,
    pub roles: Roles,
    pub language: String,
    pub disabled_at: Option<Instant>,
}

/// What signing in needs to know.
#[derive(Debug)]
pub struct Credentials {
    pub id: StaffId,
    /// Missing while an invited person has not chosen one: no password fits then.
    pub password_hash: Option<String>,
}

pub(super) fn decode(error: UnknownWord) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// What is stored of a session or API token.
pub fn token_sha256(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Adds a member, or changes name, roles and password of the one with this user name.
pub async fn upsert_member(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    username: &str,
    name: &str,
    roles: &Roles,
    password_hash: &str,
) -> sqlx::Result<StaffId> {
    sqlx::query_scalar!(
        r#"insert into staff (id, username, name, roles, password_hash, created_at, password_changed_at)
           values ($1, $2, $3, $4, $5, $6, $6)
           on conflict (username) do update set name = excluded.name, roles = excluded.roles,
               password_hash = excluded.password_hash, password_changed_at = excluded.password_changed_at, disabled_at = null
           returning id as "id: StaffId""#,
        ids.uuid(now),
        username,
        name,
        &roles.words(),
        password_hash,
        now
    )
    .fetch_one(conn)
    .await
}

/// Everyone, by user name.
pub async fn members(conn: &mut PgConnection) -> sqlx::Result<Vec<Member>> {
    let rows = sqlx::query!(
        r#"select id as "id: StaffId", username, name, roles, language, disabled_at from staff order by username"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let roles = Roles::parse(&row.roles).map_err(decode)?;
            let (id, username, name) = (row.id, row.username, row.name);
            Ok(Member { id, username, name, roles, language: row.language, disabled_at: row.disabled_at })
        })
        .collect()
}

/// Turns a member away: no session, no token, no sign-in. False when there is none with this user name.
pub async fn disable(conn: &mut PgConnection, now: Instant, username: &str) -> sqlx::Result<bool> {
    let disabled = sqlx::query_scalar!(
        r#"update staff set disabled_at = $2 where username = $1 and disabled_at is null returning id as "id: StaffId""#,
        username,
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = disabled else { return Ok(false) };
    sessions::end_all(&mut *conn, id, None).await?;
    sqlx::query!("update api_token set revoked_at = $2 where staff_id = $1 and revoked_at is null", id.0, now)
        .execute(&mut *conn)
        .await?;
    crate::events::notify(conn, &crate::events::Event::Access).await?;
    Ok(true)
}

/// The hash to check a password against, unless disabled.
pub async fn credentials(conn: &mut PgConnection, username: &str) -> sqlx::Result<Option<Credentials>> {
    sqlx::query_as!(
        Credentials,
        r#"select id as "id: StaffId", password_hash from staff where username = $1 and disabled_at is null"#,
        username
    )
    .fetch_optional(conn)
    .await
}

/// Makes an API token that may do whatever its owner may, and gives it back once. See [`super::tokens::store::add`].
pub async fn add_token(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    username: &str,
    name: &str,
    expires_at: Instant,
) -> sqlx::Result<Option<String>> {
    let new = super::tokens::store::NewToken { username, name, scope: None, expires_at };
    Ok(super::tokens::store::add(conn, ids, now, &new).await?.map(|made| made.token))
}
