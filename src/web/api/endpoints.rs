//! Endpoints over HTTP: webhooks, sirens and chats, their tests and what they answered.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::config::AlertStatus;
use crate::endpoints::desk::{self, GRACE_H, Given, Rights};
use crate::endpoints::store::attempt::{self, Attempt};
use crate::endpoints::store::event::{self, Told};
use crate::endpoints::store::{self, Delivery};
use crate::endpoints::{Endpoint, Kind, Place};
use crate::ids::EndpointId;
use crate::units::Level;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// The newest rows and tries in an answer.
const SHOWN: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/endpoints", get(list).post(create))
        .route("/api/v1/endpoints/{id}", get(show).put(edit).delete(retire))
        .route("/api/v1/endpoints/{id}/enabled", post(switch))
        .route("/api/v1/endpoints/{id}/rotate", post(rotate))
        .route("/api/v1/endpoints/{id}/previous", delete(end_before))
        .route("/api/v1/endpoints/{id}/test", post(test))
        .route("/api/v1/endpoints/{id}/messages/{message}/replay", post(replay))
        .route("/api/v1/endpoints/{id}/events/{event}/replay", post(replay_event))
}

fn rights(staff: &Staff) -> Rights {
    Rights { issue: staff.permissions.allow(Permission::IssueAlerts) }
}

/// Lists the endpoints that are not retired.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints",
    responses((status = 200, body = Vec<Endpoint>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Endpoint>>, ApiError> {
    Ok(Json(store::list(&mut *app.db.web.acquire().await?, None).await?))
}

/// A new endpoint.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewEndpoint)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// webhook, siren or chat.
    pub kind: String,
    /// The word that a chat's template takes for `{secret}`.
    #[serde(default)]
    pub secret: String,
    pub name: String,
    /// Of its kind: see docs/webhooks.md and docs/sirens.md.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// Without one it is told of everything in the town.
    pub place: Option<Place>,
    /// observation, attention, alert or maximum.
    #[serde(default = "from_alert")]
    pub least_level: String,
    /// COBRADE; empty: all.
    #[serde(default)]
    pub hazards: Vec<String>,
    /// actual, exercise, test, system.
    #[serde(default = "real")]
    pub statuses: Vec<String>,
}

fn from_alert() -> String {
    Level::Alert.to_string()
}

fn real() -> Vec<String> {
    vec![AlertStatus::Actual.to_string()]
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EndpointMade)]
pub struct Made {
    pub id: Uuid,
    /// Of a webhook: the key that signs, told this once (`whsec_…`).
    pub key: Option<String>,
}

/// Makes an endpoint. To let a siren sound by itself asks for `issue_alerts` as well.
///
/// # Errors
/// 400 naming the field; 409 when the name is taken; 401, 403.
#[utoipa::path(post, path = "/api/v1/endpoints", tag = "endpoints", request_body = New,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    StrictJson(new): StrictJson<New>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let kind = new.kind.parse::<Kind>().map_err(|error| ApiError::field("kind", &new.kind, error.to_string()))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let New { secret, name, settings, place, least_level, hazards, statuses, .. } = new;
    let given = Given { name, settings, place, least_level, hazards, statuses };
    let (id, key) = desk::create(&mut tx, &app, by, (kind, &given, &secret), rights(&staff)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id: id.0, key })))
}

/// An endpoint with what it was sent last.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EndpointShown)]
pub struct Shown {
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// The newest 100 rows of the outbox, also those that tell why it was not told.
    pub messages: Vec<Delivery>,
    /// The newest 100 events of incidents and occurrences, of a webhook that asks for them.
    pub events: Vec<Told>,
    /// The newest 100 tries.
    pub attempts: Vec<Attempt>,
}

/// Shows an endpoint, its messages and its tries, the newest first.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/endpoints/{id}", tag = "endpoints", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let endpoint = desk::find(&mut conn, EndpointId(id)).await?;
    let messages = store::deliveries(&mut conn, endpoint.id, SHOWN).await?;
    let attempts = attempt::list(&mut conn, endpoint.id, SHOWN).await?;
    let events = event::list(&mut conn, endpoint.id, SHOWN).await?;
    Ok(Json(Shown { endpoint, messages, events, attempts }))
}

/// Changes of an endpoint.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EndpointEdit)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// As it was read.
    pub revision: i32,
    /// Empty: as it is.
    #[serde(default)]
    pub secret: String,
    pub name: String,
    /// Of its kind: see docs/webhooks.md and docs/sirens.md.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// Without one it is told of everything in the town.
    pub place: Option<Place>,
    /// observation, attention, alert or maximum.
    #[serde(default = "from_alert")]
    pub least_level: String,
    /// COBRADE; empty: all.
    #[serde(default)]
    pub hazards: Vec<String>,
    /// actual, exercise, test, system.
    #[serde(default = "real")]
    pub statuses: Vec<String>,
}

/// Changes an endpoint.
///
/// # Errors
/// 400 naming the field; 409 when it moved since, or the name is taken; 404, 401, 403.
#[utoipa::path(put, path = "/api/v1/endpoints/{id}", tag = "endpoints", params(("id" = Uuid, Path,)), request_body = Edit,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(id): Path<Uuid>,
    StrictJson(edit): StrictJson<Edit>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let Edit { revision, secret, name, settings, place, least_level, hazards, statuses } = edit;
    let given = Given { name, settings, place, least_level, hazards, statuses };
    let wanted = (EndpointId(id), revision, &given, secret.as_str());
    desk::edit(&mut tx, &app, by, wanted, rights(&staff)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an endpoint out of use for good. What it was told stays.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(delete, path = "/api/v1/endpoints/{id}", tag = "endpoints", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn retire(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::retire(&mut tx, by, EndpointId(id)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether an endpoint is told.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EndpointSwitch)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    pub enabled: bool,
}

/// Lets an endpoint be told, or not.
///
/// # Errors
/// 409 when it stands so already; 404, 401, 403.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/enabled", tag = "endpoints", params(("id" = Uuid, Path,)), request_body = Switch,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn switch(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Switch>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::switch(&mut tx, by, EndpointId(id), given.enabled).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

const fn grace_h() -> u32 {
    GRACE_H
}

/// How long the key before still signs.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EndpointRotation)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Hours, 0 to 720.
    #[serde(default = "grace_h")]
    pub grace_h: u32,
}

/// A key that is told this once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EndpointKey)]
pub struct Key {
    pub key: String,
}

/// Makes a new key of a webhook. Both sign until the time of the one before is over.
///
/// # Errors
/// 400 naming the field; 409 for another kind; 404, 401, 403.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/rotate", tag = "endpoints", params(("id" = Uuid, Path,)), request_body = Rotation,
    responses((status = 200, body = Key), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn rotate(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Rotation>,
) -> Result<Json<Key>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let key = desk::rotate(&mut tx, &app, by, EndpointId(id), given.grace_h).await?;
    tx.commit().await?;
    Ok(Json(Key { key }))
}

/// Ends the key before the one in use at once.
///
/// # Errors
/// 409 when there is none; 404, 401, 403.
#[utoipa::path(delete, path = "/api/v1/endpoints/{id}/previous", tag = "endpoints", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end_before(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::end_before(&mut tx, by, EndpointId(id)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test at once and tells what came of it. It is marked as a test.
///
/// # Errors
/// 409 for a siren, which is tested under `/api/v1/sirens`; 404, 401, 403.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/test", tag = "endpoints", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Attempt), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn test(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(id): Path<Uuid>,
) -> Result<Json<Attempt>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    Ok(Json(desk::test(&app, by, EndpointId(id)).await?))
}

/// Sends a message once more, under the `webhook-id` that it had, and tells what came of it.
///
/// # Errors
/// 404 for what was never meant for the endpoint; 409 for a siren; 401, 403.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/messages/{message}/replay", tag = "endpoints",
    params(("id" = Uuid, Path,), ("message" = i64, Path,)),
    responses((status = 200, body = Attempt), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn replay(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path((id, message)): Path<(Uuid, i64)>,
) -> Result<Json<Attempt>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    Ok(Json(desk::replay(&app, by, EndpointId(id), message).await?))
}

/// Sends an event once more, under the `webhook-id` that it had, and tells what came of it.
///
/// # Errors
/// 404 for what was never meant for the endpoint; 409 while it waits, or where the endpoint does not take its status any more; 401, 403.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/events/{event}/replay", tag = "endpoints",
    params(("id" = Uuid, Path,), ("event" = i64, Path,)),
    responses((status = 200, body = Attempt), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn replay_event(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path((id, event)): Path<(Uuid, i64)>,
) -> Result<Json<Attempt>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    Ok(Json(desk::replay_event(&app, by, EndpointId(id), event).await?))
}
