//! Requests and deployments over HTTP. A telephone in the field lists what it is sent with, tells each step with a key of its own, and tells where
//! it was; told twice is told once.

pub mod requests;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Permission;
use crate::app::App;
use crate::clock::Instant;
use crate::deployments::life::Act;
use crate::deployments::store::{self, Position, Step, Which};
use crate::deployments::{Deployment, Fix, Told, desk, track};
use crate::refused::Refused;
use crate::reports::acts::By;
use crate::reports::take::Desk;
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .merge(requests::routes())
        .route("/api/v1/deployments", get(list))
        .route("/api/v1/deployments/{id}", get(show))
        .route("/api/v1/deployments/{id}/steps", post(step))
        .route("/api/v1/deployments/{id}/positions", post(positions))
}

/// Places of a track in one answer.
const MOST_PLACES: i64 = 2000;

/// A deployment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Deployment)]
pub struct Sent {
    pub id: Uuid,
    /// assigned, accepted, en_route, on_site, released, declined, cancelled
    pub state: String,
    /// What may be told next: accept, en_route, on_site, release, decline, cancel
    pub acts: Vec<String>,
    pub resource: Uuid,
    pub code: String,
    pub name: String,
    pub kind: String,
    pub request: Uuid,
    /// Of the request.
    pub number: String,
    pub task: String,
    pub incident: Option<Uuid>,
    pub incident_number: Option<String>,
    pub occurrence: Option<Uuid>,
    pub occurrence_number: Option<String>,
    pub occurrence_kind: Option<String>,
    /// It is of an exercise: nobody is in danger.
    pub drill: bool,
    /// Of the occurrence, in degrees.
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Instant,
    #[schema(value_type = String, format = DateTime)]
    pub assigned_at: Instant,
    pub assigned_by: String,
    /// What spoke against it and was overruled.
    pub overruled: Vec<String>,
    pub override_reason: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub accepted_at: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub en_route_at: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub on_site_at: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
}

impl From<Deployment> for Sent {
    fn from(one: Deployment) -> Self {
        Self {
            id: one.id,
            state: one.state.to_string(),
            acts: one.state.acts().iter().map(ToString::to_string).collect(),
            resource: one.resource,
            code: one.code,
            name: one.name,
            kind: one.kind,
            request: one.request,
            number: one.number,
            task: one.task,
            incident: one.incident,
            incident_number: one.incident_number,
            occurrence: one.occurrence,
            occurrence_number: one.occurrence_number,
            occurrence_kind: one.occurrence_kind,
            drill: one.drill,
            lon: one.lon,
            lat: one.lat,
            requested_at: one.requested_at,
            assigned_at: one.assigned_at,
            assigned_by: one.assigned_by,
            overruled: one.overruled,
            override_reason: one.override_reason,
            accepted_at: one.accepted_at,
            en_route_at: one.en_route_at,
            on_site_at: one.on_site_at,
            ended_at: one.ended_at,
        }
    }
}

/// Which deployments.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SentFilter {
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    pub resource: Option<Uuid>,
    /// Only those that bind the person with the account that asks, also as part of a team.
    #[serde(default)]
    pub mine: bool,
    /// Only those that did not end.
    #[serde(default)]
    pub open: bool,
}

/// Lists deployments, the newest first, at most 500.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(get, path = "/api/v1/deployments", tag = "teams", params(SentFilter),
    responses((status = 200, body = Vec<Sent>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    Query(filter): Query<SentFilter>,
) -> Result<Json<Vec<Sent>>, ApiError> {
    let which = Which {
        incident: filter.incident,
        occurrence: filter.occurrence,
        resource: filter.resource,
        staff: filter.mine.then_some(staff.id.0),
        open: filter.open,
        ..Which::default()
    };
    let all = store::list(&mut *app.db.web.acquire().await?, which).await?;
    Ok(Json(all.into_iter().map(Sent::from).collect()))
}

async fn found(conn: &mut sqlx::PgConnection, id: Uuid) -> Result<Deployment, Refused> {
    store::load(conn, id).await?.ok_or_else(|| Refused::NotFound("deployment".into()))
}

/// A deployment with its steps and where it was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeploymentShown)]
pub struct SentShown {
    #[serde(flatten)]
    pub deployment: Sent,
    pub steps: Vec<Step>,
    /// In the order of time, at most the newest 2,000; forgotten some days after the end.
    pub track: Vec<Position>,
}

/// Shows a deployment.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/deployments/{id}", tag = "teams", params(("id" = Uuid, Path,)),
    responses((status = 200, body = SentShown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<SentShown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let deployment = Sent::from(found(&mut conn, id).await?);
    let steps = store::steps(&mut conn, id).await?;
    let track = store::track(&mut conn, id, MOST_PLACES).await?;
    Ok(Json(SentShown { deployment, steps, track }))
}

/// A step of a deployment.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewDeploymentStep)]
#[serde(deny_unknown_fields)]
pub struct StepGiven {
    /// accept, en_route, on_site, release, decline, cancel
    #[schema(value_type = String)]
    pub act: Act,
    /// Made by the telephone once a step, 8 to 80 letters, digits, `.`, `_`, `:` or `-`: the same key again does nothing and answers the same.
    /// The header `Idempotency-Key` may give it instead.
    #[schema(min_length = 8, max_length = 80)]
    pub key: Option<String>,
    /// When it happened; none: now. Before the last step it counts as then, after now as now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Instant>,
    /// Why; needed to decline and to cancel. At most 500 characters.
    #[serde(default)]
    pub reason: String,
    /// Where the telephone was; kept of whoever was sent, with `en_route`, `on_site` and `release`.
    pub position: Option<Fix>,
}

/// Where a deployment stands after a step.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeploymentStands)]
pub struct Stands {
    pub state: String,
    /// When the step happened, as it is kept.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// It was told before with this key.
    pub repeated: bool,
}

/// Tells a step. For whoever was sent, and for those who run incidents; only these cancel.
///
/// # Errors
/// 400 naming the field; 403 for a deployment of others; 404; 409 when it does not stand where that begins, or the key was used for another
/// act; 401.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/steps", tag = "teams",
    params(("id" = Uuid, Path,), ("Idempotency-Key" = Option<String>, Header, description = "In the place of `key`.")), request_body = StepGiven,
    responses((status = 200, body = Stands), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn step(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    StrictJson(given): StrictJson<StepGiven>,
) -> Result<Json<Stands>, ApiError> {
    let header = headers.get("idempotency-key").map(|value| value.to_str().unwrap_or("?"));
    if let (Some(header), Some(key)) = (header, given.key.as_deref())
        && header != key
    {
        return Err(ApiError::field("key", key, "is another than the header Idempotency-Key"));
    }
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let told = Told {
        act: given.act,
        key: given.key.as_deref().or(header),
        at: given.at,
        reason: &given.reason,
        fix: given.position,
    };
    let may_run = staff.permissions.allow(Permission::RunIncidents);
    let done = desk::step(&mut tx, by, (id, may_run), told).await?;
    tx.commit().await?;
    Ok(Json(Stands { state: done.state.to_string(), at: done.at, repeated: done.repeated }))
}

/// Where a telephone was.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewDeploymentPositions)]
#[serde(deny_unknown_fields)]
pub struct Positions {
    #[schema(min_items = 1, max_items = 500)]
    pub positions: Vec<Fix>,
}

/// What came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeploymentPositionsKept)]
pub struct Kept {
    pub kept: u64,
    /// Known already, or outside the time between departure and end.
    pub left_out: u64,
}

/// Tells where a telephone was. Only whoever was sent does; an instant that is known stays as it is, so it may be told again.
///
/// # Errors
/// 400 naming the position; 403 for a deployment of others; 404; 409 when the track is full; 401.
#[utoipa::path(post, path = "/api/v1/deployments/{id}/positions", tag = "teams", params(("id" = Uuid, Path,)), request_body = Positions,
    responses((status = 200, body = Kept), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn positions(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Positions>,
) -> Result<Json<Kept>, ApiError> {
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = desk::positions(&mut tx, by, id, &given.positions).await?;
    tx.commit().await?;
    Ok(Json(Kept { kept: done.kept, left_out: done.left_out }))
}

/// The bound on fixes is told in the document; this keeps the two the same.
const _: () = assert!(track::MOST == 500);
