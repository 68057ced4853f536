//! What an area was, is and will be.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::change::{AreaChanged, AreaReason, changed};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::areas::{Difference, Version, desk, store};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Digits of a coordinate that GeoJSON can tell apart: restored from them a shape is the same to the last bit.
const DIGITS: i32 = 15;

/// Lists the versions of an area, newest first; at most 500.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/areas/{code}/versions", tag = "catalogue", params(("code" = String, Path)),
    responses((status = 200, body = Vec<Version>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(code): Path<String>,
) -> Result<Json<Vec<Version>>, ApiError> {
    let versions = store::list(&mut *app.db.web.acquire().await?, Some(&code)).await?;
    if versions.is_empty() {
        return Err(ApiError::NotFound(format!("area {code:?}")));
    }
    Ok(Json(versions))
}

/// A version with its shape, and what it changes against the one before it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct VersionShown {
    pub version: Version,
    /// GeoJSON MultiPolygon.
    #[schema(value_type = Object)]
    pub geometry: Value,
    /// The version it is held against: the one before it, or for one that waits the one in force.
    pub against: Option<i32>,
    pub difference: Difference,
}

async fn found(app: &App, code: &str, number: i32) -> Result<VersionShown, ApiError> {
    let unknown = || ApiError::NotFound(format!("version {number} of area {code:?}"));
    let mut conn = app.db.web.acquire().await?;
    let version = store::version(&mut conn, code, number).await?.ok_or_else(unknown)?;
    let against = store::predecessor(&mut conn, &version).await?;
    let geometry = store::outline(&mut conn, code, number, DIGITS).await?.ok_or_else(unknown)?;
    let difference = store::compare(&mut conn, code, against, number).await?.ok_or_else(unknown)?;
    Ok(VersionShown { version, geometry, against, difference })
}

/// Shows a version.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/areas/{code}/versions/{number}", tag = "catalogue",
    params(("code" = String, Path), ("number" = i32, Path)),
    responses((status = 200, body = VersionShown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((code, number)): Path<(String, i32)>,
) -> Result<Json<VersionShown>, ApiError> {
    Ok(Json(found(&app, &code, number).await?))
}

/// Makes the area as a version says, bit by bit.
///
/// # Errors
/// 400, 401, 403, 404, 409 when somebody was quicker or something stands on it.
#[utoipa::path(post, path = "/api/v1/areas/{code}/versions/{number}/restore", tag = "catalogue",
    params(("code" = String, Path), ("number" = i32, Path)), request_body = AreaReason,
    responses((status = 200, body = AreaChanged), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn restore(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((code, number)): Path<(String, i32)>,
    StrictJson(given): StrictJson<AreaReason>,
) -> Result<Json<AreaChanged>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let how = (given.reason.as_str(), given.when.when());
    let put = desk::restore(&mut tx, by, (&code, number), how, given.when.care()).await?;
    let answer = changed(&mut tx, &code, put).await?;
    tx.commit().await?;
    Ok(Json(answer))
}

/// Lets a draft, or what is planned, take force now.
///
/// # Errors
/// 400, 401, 403, 404 when it does not wait, 409 when somebody was quicker or something stands on the area.
#[utoipa::path(post, path = "/api/v1/areas/{code}/versions/{number}/enforce", tag = "catalogue",
    params(("code" = String, Path), ("number" = i32, Path)), request_body = Enforcement,
    responses((status = 200, body = VersionShown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn enforce(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((code, number)): Path<(String, i32)>,
    StrictJson(given): StrictJson<Enforcement>,
) -> Result<Json<VersionShown>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let care = desk::Care { base: given.base, confirmed: given.confirm };
    desk::enforce(&mut tx, by, (&code, number), care).await?;
    tx.commit().await?;
    Ok(Json(found(&app, &code, number).await?))
}

/// What whoever asks knows.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Enforcement {
    /// The version that is in force, 0 for none; 409 when it is another.
    pub base: Option<i32>,
    /// What stands on the area is known.
    pub confirm: bool,
}

/// Gives up a draft or a plan. It stays among the versions as withdrawn.
///
/// # Errors
/// 401, 403, 404 when it does not wait.
#[utoipa::path(delete, path = "/api/v1/areas/{code}/versions/{number}", tag = "catalogue",
    params(("code" = String, Path), ("number" = i32, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn withdraw(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((code, number)): Path<(String, i32)>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::withdraw(&mut tx, by, (&code, number), "").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
