//! API tokens in PostgreSQL.

use std::net::IpAddr;

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Previous, TokenInfo};
use crate::accounts::Roles;
use crate::accounts::permission::{Permission, Permissions};
use crate::accounts::store::{Member, decode, token_sha256};
use crate::clock::Instant;
use crate::events::{self, Event};
use crate::ids::{Ids, StaffId};

/// A token in use has its row touched this often at most.
const TOUCH_EVERY_S: i64 = 60;

/// A token as somebody asks for it.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    pub username: &'a str,
    pub name: &'a str,
    /// `None`: whatever its owner may do, also what they may do later.
    pub scope: Option<Permissions>,
    pub expires_at: Instant,
}

/// A token just made, or rotated. `token` is stored nowhere.
#[derive(Clone, Debug)]
pub struct Made {
    pub id: Uuid,
    pub token: String,
}

fn scope_words(scope: Option<Permissions>) -> Option<Vec<String>> {
    scope.map(|scope| scope.iter().map(|permission| permission.as_str().to_owned()).collect())
}

fn parse_scope(words: Option<Vec<String>>) -> sqlx::Result<Option<Permissions>> {
    let Some(words) = words else { return Ok(None) };
    let permissions: Result<Vec<Permission>, _> = words.iter().map(|word| word.parse()).collect();
    Ok(Some(Permissions::of(&permissions.map_err(decode)?)))
}

/// Makes a token and gives it back once. An older one of the same name is replaced and ends at once.
/// `None` when there is no active member with this user name.
pub async fn add(conn: &mut PgConnection, ids: &Ids, now: Instant, new: &NewToken<'_>) -> sqlx::Result<Option<Made>> {
    let token = super::make(ids);
    let scopes = scope_words(new.scope);
    let id = sqlx::query_scalar!(
        r#"insert into api_token (token_sha256, staff_id, name, created_at, expires_at, id, prefix, scopes)
           select $1, id, $3, $4, $5, $6, $7, $8 from staff where username = $2 and disabled_at is null
           on conflict (staff_id, name) do update set token_sha256 = excluded.token_sha256,
               created_at = excluded.created_at, expires_at = excluded.expires_at, revoked_at = null,
               prefix = excluded.prefix, scopes = excluded.scopes, rotated_at = null, last_used_at = null,
               last_address = null, previous_sha256 = null, previous_prefix = '', previous_ends_at = null,
               previous_used_at = null
           returning id"#,
        token_sha256(&token),
        new.username,
        new.name,
        now,
        new.expires_at,
        ids.uuid(now),
        super::prefix(&token),
        scopes.as_deref()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = id else { return Ok(None) };
    events::notify(conn, &Event::Access).await?;
    Ok(Some(Made { id, token }))
}

/// Gives a live token a new secret. The old one lives on until `previous_ends_at`. When the secret of the last rotation was
/// never used, it is the one before it that lives on: whoever holds the token has not changed over yet.
/// `None` when there is no live token with this id.
pub async fn rotate(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    id: Uuid,
    previous_ends_at: Instant,
) -> sqlx::Result<Option<Made>> {
    let token = super::make(ids);
    let done = sqlx::query!(
        "update api_token set token_sha256 = $2, prefix = $3, rotated_at = $4, last_used_at = null,
             previous_sha256 = case when previous_ends_at > $4 and last_used_at is null
                                    then previous_sha256 else token_sha256 end,
             previous_prefix = case when previous_ends_at > $4 and last_used_at is null
                                    then previous_prefix else prefix end,
             previous_used_at = case when previous_ends_at > $4 and last_used_at is null
                                     then previous_used_at else last_used_at end,
             previous_ends_at = $5
         where id = $1 and revoked_at is null and expires_at > $4",
        id,
        token_sha256(&token),
        super::prefix(&token),
        now,
        previous_ends_at
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    events::notify(conn, &Event::Access).await?;
    Ok(Some(Made { id, token }))
}

/// Ends a token with both its secrets. False when it is not live.
pub async fn revoke(conn: &mut PgConnection, now: Instant, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update api_token set revoked_at = $2, previous_sha256 = null, previous_prefix = '', previous_ends_at = null
         where id = $1 and revoked_at is null",
        id,
        now
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    events::notify(conn, &Event::Access).await?;
    Ok(true)
}

/// The tokens of one person, or of everybody, by user name and name.
pub async fn list(conn: &mut PgConnection, owner: Option<StaffId>) -> sqlx::Result<Vec<TokenInfo>> {
    let rows = sqlx::query!(
        r#"select t.id, s.username, t.name, t.prefix, t.scopes, t.created_at, t.rotated_at, t.expires_at, t.revoked_at,
               t.last_used_at, host(t.last_address) as last_address, t.previous_prefix, t.previous_ends_at,
               t.previous_used_at
           from api_token t join staff s on s.id = t.staff_id
           where $1::uuid is null or t.staff_id = $1 order by s.username, t.name"#,
        owner.map(|owner| owner.0)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (prefix, last_used_at) = (row.previous_prefix, row.previous_used_at);
            let previous = row.previous_ends_at.map(|ends_at| Previous { prefix, ends_at, last_used_at });
            Ok(TokenInfo {
                id: row.id,
                username: row.username,
                name: row.name,
                prefix: row.prefix,
                scope: parse_scope(row.scopes)?,
                created_at: row.created_at,
                rotated_at: row.rotated_at,
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
                last_used_at: row.last_used_at,
                last_address: row.last_address,
                previous,
            })
        })
        .collect()
}

/// Who is behind a token, and what it allows.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub member: Member,
    pub scope: Option<Permissions>,
}

/// Who is behind this token, when it is alive. Its last use and address are kept, at most once a minute.
pub async fn bearer(
    conn: &mut PgConnection,
    now: Instant,
    token: &str,
    address: Option<IpAddr>,
) -> sqlx::Result<Option<Bearer>> {
    let sha256 = token_sha256(token);
    let row = sqlx::query!(
        r#"select t.id as token_id, t.scopes, t.token_sha256 = $1 as "current!", t.last_used_at, t.previous_used_at,
               s.id as "id: StaffId", s.username, s.name, s.roles, s.language
           from api_token t join staff s on s.id = t.staff_id
           where (t.token_sha256 = $1 or t.previous_sha256 = $1 and t.previous_ends_at > $2)
             and t.revoked_at is null and t.expires_at > $2 and s.disabled_at is null"#,
        sha256,
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let last_used_at = if row.current { row.last_used_at } else { row.previous_used_at };
    if last_used_at.is_none_or(|at| now - at >= TimeDelta::seconds(TOUCH_EVERY_S)) {
        touch(conn, now, row.token_id, row.current, address).await?;
    }
    let roles = Roles::parse(&row.roles).map_err(decode)?;
    let (id, username, name) = (row.id, row.username, row.name);
    let member = Member { id, username, name, roles, language: row.language, disabled_at: None };
    Ok(Some(Bearer { member, scope: parse_scope(row.scopes)? }))
}

async fn touch(
    conn: &mut PgConnection,
    now: Instant,
    id: Uuid,
    current: bool,
    address: Option<IpAddr>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update api_token set last_used_at = case when $3 then $2 else last_used_at end,
             previous_used_at = case when $3 then previous_used_at else $2 end,
             last_address = coalesce($4::text::inet, last_address)
         where id = $1",
        id,
        now,
        current,
        address.map(|address| address.to_string())
    )
    .execute(conn)
    .await?;
    Ok(())
}
