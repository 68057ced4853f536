//! Interdictions over HTTP: made on inspections, released, listed without names; and the public notice of those that stand.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::inspections::{status, tools};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::inspections::desk::TermTaken;
use crate::inspections::interdictions::{self, Later, Release, Released};
use crate::inspections::store::interdiction::{self as store, Interdiction, Notice};
use crate::inspections::{Refusal, State as Stands};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::conditional::{self, SHORT};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/interdictions", get(list).post(create))
        .route("/api/v1/interdictions/{id}", get(show))
        .route("/api/v1/interdictions/{id}/release", post(release))
        .route("/api/v1/public/interdictions", get(notices))
}

/// Which interdictions.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// active or released; otherwise both.
    #[param(value_type = Option<String>)]
    pub state: Option<Stands>,
}

/// Lists interdictions without names, the newest first, at most 500.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/interdictions", tag = "inspections", params(ListQuery),
    responses((status = 200, body = Vec<Interdiction>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Interdiction>>, ApiError> {
    Ok(Json(store::list(&mut *app.db.web.acquire().await?, query.state, (None, None)).await?))
}

/// Forbids the use of a building on an inspection that is here, once: what is sent again is answered as the first time (200).
///
/// # Errors
/// 400 naming every field that is wrong; 404; 409 when the key came before with other content; 401, 403.
#[utoipa::path(post, path = "/api/v1/interdictions", tag = "inspections", request_body = Later,
    responses((status = 201, body = TermTaken), (status = 200, description = "It came before", body = TermTaken),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::Inspect>,
    StrictJson(new): StrictJson<Later>,
) -> Result<(StatusCode, Json<TermTaken>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let (taken, is_new) = interdictions::take(&mut tx, by, tools(&app), &new).await?;
    tx.commit().await?;
    Ok((status(is_new), Json(taken)))
}

/// Shows an interdiction, without names.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/interdictions/{id}", tag = "inspections", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Interdiction), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Interdiction>, ApiError> {
    let found = store::list(&mut *app.db.web.acquire().await?, None, (None, Some(id))).await?.pop();
    Ok(Json(found.ok_or(Refusal::NotFound("interdiction"))?))
}

/// Releases a building, once. The public notice is gone with it.
///
/// # Errors
/// 400 naming the field; 404; 409 when it is released already, or the key came before with other content; 401, 403.
#[utoipa::path(post, path = "/api/v1/interdictions/{id}/release", tag = "inspections", params(("id" = Uuid, Path,)),
    request_body = Release,
    responses((status = 201, body = Released), (status = 200, description = "It came before", body = Released),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn release(
    State(app): State<App>,
    staff: May<can::Inspect>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<Release>,
) -> Result<(StatusCode, Json<Released>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let (released, is_new) = interdictions::release(&mut tx, by, tools(&app), (id, &new)).await?;
    tx.commit().await?;
    Ok((status(is_new), Json(released)))
}

/// Interdictions that stand, as everybody may know them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicInterdictions {
    /// The newest first, at most 500.
    pub active: Vec<Notice>,
}

/// Tells which buildings may not be used: street without number, neighbourhood, kind and date. No names.
///
/// # Errors
/// 503 without the database.
#[utoipa::path(get, path = "/api/v1/public/interdictions", tag = "inspections", responses(
    (status = 200, body = PublicInterdictions), (status = 304, description = "Nothing has changed")))]
pub async fn notices(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let active = store::notices(&mut *app.db.web.acquire().await?).await?;
    let said = PublicInterdictions { active };
    let body = serde_json::to_vec(&said).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(conditional::answer(&headers, "application/json", SHORT, body))
}
