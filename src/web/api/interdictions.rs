//! Interdictions over HTTP: made on inspections, released, listed without names; and the public notice of those that stand.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::inspections::{status, tools};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
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
    /// The interdiction after which the page begins.
    pub after: Option<Uuid>,
}

/// Where a page begins.
async fn begins(conn: &mut PgConnection, after: Option<Uuid>) -> Result<Option<(Instant, Uuid)>, ApiError> {
    let Some(after) = after else { return Ok(None) };
    let found = store::place_of(conn, after).await?;
    Ok(Some(found.ok_or_else(|| ApiError::field("after", after.to_string(), "there is no such interdiction"))?))
}

/// Lists interdictions without names, the newest first, 500 on a page; the next one begins `after` the last of this.
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
    let mut conn = app.db.web.acquire().await?;
    let before = begins(&mut conn, query.after).await?;
    let wish = store::Wish { state: query.state, ..store::Wish::default() };
    Ok(Json(store::list(&mut conn, wish, before, store::PAGE).await?))
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
    let found = store::find(&mut *app.db.web.acquire().await?, id).await?;
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
    /// The newest first, 500 on a page.
    pub active: Vec<Notice>,
    /// How many stand, on all pages.
    pub total: i64,
    /// The `after` of the next page; null on the last.
    pub next: Option<Uuid>,
}

/// Which page.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The interdiction after which the page begins.
    pub after: Option<Uuid>,
}

/// Tells which buildings may not be used: street without number, neighbourhood, kind and date. No names.
///
/// # Errors
/// 400 naming the parameter; 503 without the database.
#[utoipa::path(get, path = "/api/v1/public/interdictions", tag = "inspections", params(PageQuery), responses(
    (status = 200, body = PublicInterdictions), (status = 304, description = "Nothing has changed"), (status = 400, body = Problem)))]
pub async fn notices(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let before = begins(&mut conn, query.after).await?;
    let mut active = store::notices(&mut conn, before, store::PAGE + 1).await?;
    let has_more = active.len() > store::PAGE as usize;
    active.truncate(store::PAGE as usize);
    let next = active.last().filter(|_| has_more).map(|last| last.id);
    let total = store::count(&mut conn, Some(Stands::Active)).await?;
    let said = PublicInterdictions { active, total, next };
    let body = serde_json::to_vec(&said).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(conditional::answer(&headers, "application/json", SHORT, body))
}
