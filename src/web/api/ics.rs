//! The command of an incident over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ics::{Holding, NewHolding, Position, desk, store};
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/incidents/{id}/organization", get(show).post(fill))
        .route("/api/v1/incidents/{id}/organization/end", post(end))
}

/// Shows who holds and held which position, in the order they took it over.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/organization", tag = "teams", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Holding>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Holding>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = incidents::load(&mut conn, IncidentId(id)).await?;
    found.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))?;
    Ok(Json(store::list(&mut conn, IncidentId(id)).await?))
}

/// Who takes a position over.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewIncidentPosition)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// As in the list of positions.
    #[schema(value_type = String)]
    pub position: Position,
    /// Name of a branch, division or group.
    #[serde(default)]
    pub unit: String,
    /// The branch that a division or group is part of.
    #[serde(default)]
    pub under: String,
    /// A person of the register.
    pub resource: Option<Uuid>,
    /// Of somebody who is not in the register.
    #[serde(default)]
    pub name: String,
}

/// The new holding.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentPositionFilled)]
pub struct Filled {
    pub id: Uuid,
}

/// Somebody takes a position over; whoever held it gives it up.
///
/// # Errors
/// 400 naming the field; 404; 409 when the incident is closed; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/organization", tag = "teams", params(("id" = Uuid, Path,)), request_body = Fill,
    responses((status = 201, body = Filled), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn fill(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Fill>,
) -> Result<(StatusCode, Json<Filled>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let Fill { position, unit, under, resource, name } = given;
    let mut tx = app.db.web.begin().await?;
    let new = NewHolding { position, unit, under, resource, name };
    let made = desk::fill(&mut tx, by, IncidentId(id), &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Filled { id: made })))
}

/// A position that is given up.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentPositionEnd)]
#[serde(deny_unknown_fields)]
pub struct End {
    #[schema(value_type = String)]
    pub position: Position,
    /// Name of a branch, division or group.
    #[serde(default)]
    pub unit: String,
}

/// Whoever holds a position gives it up, and nobody takes it over.
///
/// # Errors
/// 400; 404 when nobody holds it; 409 when the incident is closed; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/organization/end", tag = "teams", params(("id" = Uuid, Path,)), request_body = End,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<End>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::end(&mut tx, by, IncidentId(id), (given.position, &given.unit)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
