//! What media monitoring listens to and for whom, over HTTP: sources with how they do, rules, subscribers.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::has_role;
use super::media_monitoring::{Made, acting};
use crate::accounts::Role;
use crate::app::App;
use crate::i18n::Lang;
use crate::secretariat::media_monitoring::definitions::{self, File, Taken};
use crate::secretariat::media_monitoring::listen::{self, NewRule, NewSource, Task};
use crate::secretariat::media_monitoring::store::sources;
use crate::secretariat::media_monitoring::{Rule, Source, Subscriber};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/media-monitoring/definitions", get(export).put(import))
        .route("/api/v1/secretariat/media-monitoring/sources", get(list).post(add))
        .route("/api/v1/secretariat/media-monitoring/sources/{id}", put(change).delete(remove))
        .route("/api/v1/secretariat/media-monitoring/sources/{id}/ask", post(ask))
        .route("/api/v1/secretariat/media-monitoring/sources/{id}/pause", post(pause))
        .route("/api/v1/secretariat/media-monitoring/sources/{id}/resume", post(resume))
        .route("/api/v1/secretariat/media-monitoring/rules", get(rules).post(add_rule))
        .route("/api/v1/secretariat/media-monitoring/rules/{id}", delete(remove_rule))
        .route("/api/v1/secretariat/media-monitoring/subscribers", get(subscribers).post(subscribe))
        .route("/api/v1/secretariat/media-monitoring/subscribers/{id}", delete(unsubscribe))
}

/// Does what needs nothing but an id, for the API and the pages.
///
/// # Errors
/// 403 naming the role; 404; 409 when a source rests already, or does not.
pub async fn perform(app: &App, staff: &Staff, task: Task, id: Uuid) -> Result<(), ApiError> {
    has_role(staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    listen::perform(&mut tx, acting(app, &actor), task, id).await?;
    Ok(tx.commit().await?)
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

/// Sources and rules as a file that is read back to the same bytes. Subscribers are not in it.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/definitions", tag = "media monitoring",
    responses((status = 200, body = File), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Response, ApiError> {
    let file = definitions::take_out(&mut *app.db.web.acquire().await?).await?;
    let text = file.write().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CONTENT_DISPOSITION, "attachment")], text)
        .into_response())
}

/// Adds sources and rules of a file that are not here yet, all or none. A source is asked at the next look, unless it rests.
///
/// # Errors
/// 400 naming every place; 409 naming the source that is followed here and differs; 401, 403 naming the role.
#[utoipa::path(put, path = "/api/v1/secretariat/media-monitoring/definitions", tag = "media monitoring", request_body = File,
    responses((status = 200, body = Taken), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(file): StrictJson<File>,
) -> Result<Json<Taken>, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let taken = definitions::take_in(&mut tx, acting(&app, &actor), &file).await?;
    tx.commit().await?;
    Ok(Json(taken))
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
    let id = listen::add_source(&mut tx, acting(&app, &actor), new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// A source as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaSourceChange)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// As it was read; somebody else may have changed it meanwhile.
    pub revision: i32,
    pub source: NewOne,
}

/// Changes name, kind, address and time of a source; its items stay. One with another address is asked at the next look.
///
/// # Errors
/// 400 naming every field; 404; 409 for a name or address that is followed, and when it changed meanwhile; 401, 403 naming the role.
#[utoipa::path(put, path = "/api/v1/secretariat/media-monitoring/sources/{id}", tag = "media monitoring", params(("id" = Uuid, Path,)),
    request_body = Change,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Change>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let Change { revision, source } = given;
    let new = NewSource { name: &source.name, kind: &source.kind, url: &source.url, every_s: source.every_s };
    let mut tx = app.db.web.begin().await?;
    listen::change_source(&mut tx, acting(&app, &actor), (id, revision), new).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a source rest: it is asked no more until it goes on.
///
/// # Errors
/// 404 for none that is asked; 409 when it rests already; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/sources/{id}/pause", tag = "media monitoring", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn pause(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    perform(&app, &staff, Task::Pause, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a source that rests go on: it is asked at the next look.
///
/// # Errors
/// 404 for none that is asked; 409 when it does not rest; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/sources/{id}/resume", tag = "media monitoring", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn resume(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    perform(&app, &staff, Task::Resume, id).await?;
    Ok(StatusCode::NO_CONTENT)
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
    perform(&app, &staff, Task::RemoveSource, id).await?;
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
    perform(&app, &staff, Task::Ask, id).await?;
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
    let rule = listen::add_rule(&mut tx, acting(&app, &actor), new).await?;
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
    perform(&app, &staff, Task::RemoveRule, id).await?;
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
    let one = listen::subscribe(&mut tx, acting(&app, &actor), (&new.name, &new.email, lang)).await?;
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
    perform(&app, &staff, Task::Unsubscribe, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
