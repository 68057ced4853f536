//! What media monitoring listens to and for whom, over HTTP: sources with how they do, rules, subscribers.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::has_role;
use super::media_monitoring::{Made, acting};
use crate::accounts::Role;
use crate::app::App;
use crate::i18n::Lang;
use crate::secretariat::media_monitoring::desk::{self, NewRule, NewSource};
use crate::secretariat::media_monitoring::store::sources;
use crate::secretariat::media_monitoring::{Rule, Source, Subscriber};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/media-monitoring/sources", get(list).post(add))
        .route("/api/v1/secretariat/media-monitoring/sources/{id}", delete(remove))
        .route("/api/v1/secretariat/media-monitoring/sources/{id}/ask", post(ask))
        .route("/api/v1/secretariat/media-monitoring/rules", get(rules).post(add_rule))
        .route("/api/v1/secretariat/media-monitoring/rules/{id}", delete(remove_rule))
        .route("/api/v1/secretariat/media-monitoring/subscribers", get(subscribers).post(subscribe))
        .route("/api/v1/secretariat/media-monitoring/subscribers/{id}", delete(unsubscribe))
}

/// Lists sources with how they do.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/sources", tag = "media monitoring",
    responses((status = 200, body = Vec<Source>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Vec<Source>>, ApiError> {
    Ok(Json(sources::all(&mut *app.db.web.acquire().await?).await?))
}

const fn quarter() -> i32 {
    900
}

/// A source to follow.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewMediaSource)]
#[serde(deny_unknown_fields)]
pub struct NewOne {
    #[schema(min_length = 1, max_length = 120, pattern = r"\S")]
    pub name: String,
    /// feed, gazette, or hand for what people write down.
    #[schema(pattern = "^(feed|gazette|hand)$")]
    pub kind: String,
    /// Of RSS, Atom or JSON Feed; none for hand.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub url: String,
    /// Seconds between two asks.
    #[serde(default = "quarter")]
    #[schema(minimum = 300, maximum = 86400)]
    pub every_s: i32,
}

/// Follows a source.
///
/// # Errors
/// 400 naming every field; 409 for one that is followed; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/sources", tag = "media monitoring", request_body = NewOne,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewOne>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let new = NewSource { name: &new.name, kind: &new.kind, url: &new.url, every_s: new.every_s };
    let mut tx = app.db.web.begin().await?;
    let id = desk::add_source(&mut tx, acting(&app, &actor), new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// Follows a source no more; its items stay.
///
/// # Errors
/// 404; 401, 403 naming the role.
#[utoipa::path(delete, path = "/api/v1/secretariat/media-monitoring/sources/{id}", tag = "media monitoring", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn remove(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::remove_source(&mut tx, acting(&app, &actor), id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a source asked at the next look, whatever its time.
///
/// # Errors
/// 404; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/sources/{id}/ask", tag = "media monitoring", params(("id" = Uuid, Path,)),
    responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn ask(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    desk::ask_source(&mut *app.db.web.acquire().await?, acting(&app, &actor), id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lists rules.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/rules", tag = "media monitoring",
    responses((status = 200, body = Vec<Rule>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn rules(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Vec<Rule>>, ApiError> {
    Ok(Json(sources::rules(&mut *app.db.web.acquire().await?).await?))
}

/// A rule to hold items against.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewMediaRule)]
#[serde(deny_unknown_fields)]
pub struct NewRuleBody {
    #[schema(min_length = 1, max_length = 120, pattern = r"\S")]
    pub name: String,
    /// Words, "phrases", beginnings*, E, OU, NÃO, parentheses, titulo:.
    #[schema(min_length = 1, max_length = 1000)]
    pub query: String,
    /// None: of all sources.
    #[serde(default)]
    pub source_id: Option<Uuid>,
    #[serde(default)]
    #[schema(max_length = 60)]
    pub theme: String,
}

/// Adds a rule; the newest items that it fits become candidates.
///
/// # Errors
/// 400 naming every field, of the rule with its column; 409; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/rules", tag = "media monitoring", request_body = NewRuleBody,
    responses((status = 201, body = Rule), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_rule(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewRuleBody>,
) -> Result<(StatusCode, Json<Rule>), ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let new = NewRule { name: &new.name, query: &new.query, source_id: new.source_id, theme: &new.theme };
    let mut tx = app.db.web.begin().await?;
    let rule = desk::add_rule(&mut tx, acting(&app, &actor), new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(rule)))
}

/// Ends a rule; what it fitted stays.
///
/// # Errors
/// 404; 401, 403 naming the role.
#[utoipa::path(delete, path = "/api/v1/secretariat/media-monitoring/rules/{id}", tag = "media monitoring", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn remove_rule(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::remove_rule(&mut tx, acting(&app, &actor), id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists who gets the clipping.
///
/// # Errors
/// 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/subscribers", tag = "media monitoring",
    responses((status = 200, body = Vec<Subscriber>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn subscribers(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
) -> Result<Json<Vec<Subscriber>>, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    Ok(Json(sources::subscribers(&mut *app.db.web.acquire().await?).await?))
}

/// Somebody who is to get the clipping.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewMediaSubscriber)]
#[serde(deny_unknown_fields)]
pub struct NewSubscriber {
    #[schema(min_length = 1, max_length = 120, pattern = r"\S")]
    pub name: String,
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    /// Tag of a language; Portuguese when it is another than pt-BR and en.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub language: String,
}

/// Puts an address on the list.
///
/// # Errors
/// 400 naming every field; 409 when it is on the list; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/subscribers", tag = "media monitoring", request_body = NewSubscriber,
    responses((status = 201, body = Subscriber), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn subscribe(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewSubscriber>,
) -> Result<(StatusCode, Json<Subscriber>), ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let lang = Lang::from_tag(&new.language).unwrap_or_default();
    let mut tx = app.db.web.begin().await?;
    let one = desk::subscribe(&mut tx, acting(&app, &actor), (&new.name, &new.email, lang)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(one)))
}

/// Takes an address off the list and forgets it.
///
/// # Errors
/// 404; 401, 403 naming the role.
#[utoipa::path(delete, path = "/api/v1/secretariat/media-monitoring/subscribers/{id}", tag = "media monitoring", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn unsubscribe(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk::unsubscribe(&mut tx, acting(&app, &actor), id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
