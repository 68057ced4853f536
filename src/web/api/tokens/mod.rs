//! API tokens over HTTP: listed, made and rotated by their owners, revoked by them or by whoever manages tokens.
//!
//! Nobody makes or rotates a token of somebody else here: whoever holds it acts in that person's name.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::permission::{Permission, Permissions};
use crate::accounts::tokens::desk::{self, Acting, TokenError};
use crate::accounts::tokens::{self, GRACE_H, TokenInfo};
use crate::app::App;
use crate::clock::Instant;
use crate::web::api::imports::Query;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/tokens", get(list).post(create))
        .route("/api/v1/tokens/{id}/rotate", post(rotate))
        .route("/api/v1/tokens/{id}", delete(revoke))
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Wrong { field, value, message } => Self::field(field, value, message),
            TokenError::NotFound(what) => Self::NotFound(format!("token {what}")),
            TokenError::NoOwner(_) => Self::Conflict(error.to_string()),
            TokenError::Database(error) => error.into(),
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Token {
    pub id: Uuid,
    /// User name of whoever it acts for.
    pub owner: String,
    pub name: String,
    /// How it begins; empty for tokens of earlier versions.
    pub prefix: String,
    /// The permissions it may use of those its owner has; null: all of them.
    pub scope: Option<Vec<String>>,
    /// "active", "expired" or "revoked".
    pub state: &'static str,
    #[schema(value_type = String)]
    pub created_at: Instant,
    #[schema(value_type = Option<String>)]
    pub rotated_at: Option<Instant>,
    #[schema(value_type = String)]
    pub expires_at: Instant,
    #[schema(value_type = Option<String>)]
    pub revoked_at: Option<Instant>,
    /// To the minute.
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<Instant>,
    pub last_address: Option<String>,
    /// The secret before the last rotation, while it still works.
    pub previous: Option<PreviousSecret>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PreviousSecret {
    pub prefix: String,
    #[schema(value_type = String)]
    pub ends_at: Instant,
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<Instant>,
}

impl Token {
    fn new(token: TokenInfo, now: Instant) -> Self {
        let previous = token.live_previous(now).map(|previous| PreviousSecret {
            prefix: previous.prefix.clone(),
            ends_at: previous.ends_at,
            last_used_at: previous.last_used_at,
        });
        Self {
            state: token.state(now),
            scope: token.scope.map(words),
            previous,
            id: token.id,
            owner: token.username,
            name: token.name,
            prefix: token.prefix,
            created_at: token.created_at,
            rotated_at: token.rotated_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
            last_address: token.last_address,
        }
    }
}

fn words(scope: Permissions) -> Vec<String> {
    scope.iter().map(|permission| permission.as_str().to_owned()).collect()
}

/// A secret, which is told this once and kept nowhere.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TokenSecret {
    pub id: Uuid,
    /// For `Authorization: Bearer …`.
    pub token: String,
    pub scope: Option<Vec<String>>,
    /// Until when the secret before works; null for a new token.
    #[schema(value_type = Option<String>)]
    pub previous_ends_at: Option<Instant>,
}

/// `?everyone=true` lists the tokens of all; needs the permission manage_tokens.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    #[serde(default)]
    pub everyone: bool,
}

/// What a new token is made from.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for. A token of yours with the same name is replaced.
    pub name: String,
    /// Permissions it may use. Left out: all that you have, but for own_account, issue_alerts, manage_staff,
    /// manage_tokens, manage_privacy and open_vault, which must be named.
    pub scope: Option<Vec<String>>,
    /// Days until it ends, 1 to 3650; 365 when left out.
    pub days: Option<u16>,
}

/// How to rotate.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Hours for which the old secret still works, 0 to 720; 24 when left out.
    pub grace_h: Option<u16>,
}

/// The scope somebody asks for, within what this very request may do: a token never makes a stronger one.
///
/// # Errors
/// 400 naming the word that is no permission, or one that they do not have.
pub fn scope_for(staff: &Staff, given: Option<&[String]>) -> Result<Permissions, ApiError> {
    let Some(given) = given else { return Ok(tokens::usual_scope(staff.permissions)) };
    let scope = tokens::parse_scope(given.iter().map(String::as_str))
        .map_err(|error| ApiError::field("scope", given.join(" "), error.to_string()))?;
    match scope.iter().find(|permission| !staff.permissions.allow(*permission)) {
        Some(beyond) => Err(ApiError::field("scope", beyond.as_str(), "you do not have this permission yourself")),
        None => Ok(scope),
    }
}

/// Own tokens may be rotated by whoever may do at least as much as they: a weak token never gets hold of a strong one.
///
/// # Errors
/// 403 naming what is missing.
pub fn may_rotate(staff: &Staff, token: &TokenInfo) -> Result<(), ApiError> {
    let owner = staff.roles.permissions();
    let needed = token.scope.map_or(owner, |scope| scope.within(owner));
    match needed.iter().find(|permission| !staff.permissions.allow(*permission)) {
        Some(missing) => staff.require(missing),
        None => Ok(()),
    }
}

/// The token to revoke: one of their own, or anybody's for whoever manages tokens.
///
/// # Errors
/// 404, also for somebody else's.
pub async fn revocable(conn: &mut sqlx::PgConnection, staff: &Staff, id: Uuid) -> Result<TokenInfo, ApiError> {
    let owner = (!staff.permissions.allow(Permission::ManageTokens)).then_some(staff.id);
    Ok(desk::find(conn, owner, id).await?)
}

/// Lists tokens by owner and name.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", params(Whose),
    responses((status = 200, body = Vec<Token>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    Query(whose): Query<Whose>,
) -> Result<Json<Vec<Token>>, ApiError> {
    if whose.everyone {
        staff.require(Permission::ManageTokens)?;
    }
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    let found = tokens::store::list(&mut conn, (!whose.everyone).then_some(staff.id)).await?;
    Ok(Json(found.into_iter().map(|token| Token::new(token, now)).collect()))
}

/// Makes a token that acts for whoever asks.
///
/// # Errors
/// 400 naming the field, 401, 403.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = TokenSecret), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    StrictJson(given): StrictJson<NewToken>,
) -> Result<(StatusCode, Json<TokenSecret>), ApiError> {
    let scope = scope_for(&staff, given.scope.as_deref())?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let days = given.days.unwrap_or(365);
    let made = desk::add(&mut tx, by, &staff.username, &given.name, scope, days).await?;
    tx.commit().await?;
    let secret = TokenSecret { id: made.id, token: made.token, scope: Some(words(scope)), previous_ends_at: None };
    Ok((StatusCode::CREATED, Json(secret)))
}

/// Gives a token of one's own a new secret; the old one works until the grace ends.
///
/// # Errors
/// 400 naming the field, 401, 403, 404.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/rotate", tag = "tokens", params(("id" = Uuid, Path,)),
    request_body = Rotation,
    responses((status = 200, body = TokenSecret), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn rotate(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Rotation>,
) -> Result<Json<TokenSecret>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let token = desk::find(&mut tx, Some(staff.id), id).await?;
    may_rotate(&staff, &token)?;
    let (made, ends_at) = desk::rotate(&mut tx, by, &token, given.grace_h.unwrap_or(GRACE_H)).await?;
    tx.commit().await?;
    let scope = token.scope.map(words);
    Ok(Json(TokenSecret { id, token: made.token, scope, previous_ends_at: Some(ends_at) }))
}

/// Refuses a token from now on; open event streams of it end.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn revoke(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let token = revocable(&mut tx, &staff, id).await?;
    desk::revoke(&mut tx, by, &token).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
