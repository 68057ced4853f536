//! Acts on tokens, each with its entry in the audit, for the API, the pages and the command line alike.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Made, NewToken};
use super::{MAX_DAYS, MAX_GRACE_H, MAX_NAME, TokenInfo, words};
use crate::accounts::permission::Permissions;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::ids::{Ids, StaffId};

/// Who acts, when, and with which source of randomness.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    pub ids: &'a Ids,
    pub now: Instant,
    pub actor: &'a Actor,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The field that is wrong, its value, and what was expected.
    #[error("{field}: {message}")]
    Wrong { field: &'static str, value: String, message: String },
    #[error("there is no live token {0}")]
    NotFound(String),
    #[error("there is no active user {0:?}")]
    NoOwner(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn wrong(field: &'static str, value: impl ToString, message: impl Into<String>) -> TokenError {
    TokenError::Wrong { field, value: value.to_string(), message: message.into() }
}

/// Makes a token for somebody.
///
/// # Errors
/// `Wrong` names the field; `NoOwner`.
pub async fn add(
    conn: &mut PgConnection,
    by: Acting<'_>,
    username: &str,
    name: &str,
    scope: Permissions,
    days: u16,
) -> Result<Made, TokenError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(wrong("name", name, format!("expected 1 to {MAX_NAME} characters that tell what it is for")));
    }
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(wrong("days", days, format!("expected 1 to {MAX_DAYS}")));
    }
    if scope == Permissions::NONE {
        return Err(wrong("scope", "", "expected at least one permission"));
    }
    let expires_at = by.now + TimeDelta::days(days.into());
    let new = NewToken { username, name, scope: Some(scope), expires_at };
    let made = store::add(conn, by.ids, by.now, &new).await?;
    let made = made.ok_or_else(|| TokenError::NoOwner(username.to_owned()))?;
    let after = json!({"owner": username, "name": name, "prefix": super::prefix(&made.token), "scope": words(scope),
        "expires_at": expires_at});
    record(conn, by, Entry::new(Act::TokenAdd, "token", made.id).to(after)).await?;
    Ok(made)
}

/// Gives a token a new secret; the old one lives on for `grace_h` hours.
///
/// # Errors
/// `Wrong` names the field; `NotFound` when the token is not live.
pub async fn rotate(
    conn: &mut PgConnection,
    by: Acting<'_>,
    token: &TokenInfo,
    grace_h: u16,
) -> Result<(Made, Instant), TokenError> {
    if grace_h > MAX_GRACE_H {
        return Err(wrong("grace_h", grace_h, format!("expected 0 to {MAX_GRACE_H} hours")));
    }
    let ends_at = by.now + TimeDelta::hours(grace_h.into());
    let made = store::rotate(conn, by.ids, by.now, token.id, ends_at).await?;
    let made = made.ok_or_else(|| TokenError::NotFound(token.name.clone()))?;
    let before = json!({"owner": token.username, "name": token.name, "prefix": token.prefix});
    let after = json!({"owner": token.username, "name": token.name, "prefix": super::prefix(&made.token),
        "previous_ends_at": ends_at});
    record(conn, by, Entry::new(Act::TokenRotate, "token", token.id).from(before).to(after)).await?;
    Ok((made, ends_at))
}

/// Ends a token at once.
///
/// # Errors
/// `NotFound` when the token is not live.
pub async fn revoke(conn: &mut PgConnection, by: Acting<'_>, token: &TokenInfo) -> Result<(), TokenError> {
    if !store::revoke(conn, by.now, token.id).await? {
        return Err(TokenError::NotFound(token.name.clone()));
    }
    let before = json!({"owner": token.username, "name": token.name, "prefix": token.prefix});
    record(conn, by, Entry::new(Act::TokenRevoke, "token", token.id).from(before)).await?;
    Ok(())
}

/// The token with this id, of one person or of anybody.
///
/// # Errors
/// `NotFound`, also when it is somebody else's.
pub async fn find(conn: &mut PgConnection, owner: Option<StaffId>, id: Uuid) -> Result<TokenInfo, TokenError> {
    let all = store::list(conn, owner).await?;
    all.into_iter().find(|token| token.id == id).ok_or_else(|| TokenError::NotFound(id.to_string()))
}

/// The token with this name of the person with this user name.
///
/// # Errors
/// `NotFound`.
pub async fn find_named(conn: &mut PgConnection, username: &str, name: &str) -> Result<TokenInfo, TokenError> {
    let all = store::list(conn, None).await?;
    let found = all.into_iter().find(|token| token.username == username && token.name == name);
    found.ok_or_else(|| TokenError::NotFound(format!("{name:?} of {username}")))
}

async fn record(conn: &mut PgConnection, by: Acting<'_>, entry: Entry) -> sqlx::Result<()> {
    audit::record(conn, by.ids, by.now, by.actor, entry).await
}
