//! Quality control of a station over HTTP.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::risk::control::Overrides;
use crate::risk::store::load_limits;
use crate::stations::quality::{Doubted, Missing, Tested, set_limits, store};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Flags are looked for so far back.
const DAYS: i64 = 30;
const FLAGS: i64 = 500;
/// And gaps so far.
const GAP_DAYS: i64 = 7;
const GAPS: i64 = 200;

/// What the streams of a station are tested against, and which readings of the last 30 days were doubted (at most 500), and
/// where readings of the last 7 days are missing (at most 200 gaps).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Quality {
    pub streams: Vec<Tested>,
    /// Newest first.
    pub doubted: Vec<Doubted>,
    /// Newest first.
    pub missing: Vec<Missing>,
}

/// Tells how a station's readings are judged.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/stations/{code}/quality", tag = "catalogue", params(("code" = String, Path,)),
    responses((status = 200, body = Quality), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(code): Path<String>,
) -> Result<Json<Quality>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let defaults = load_limits(&app.config.engine.quality_file)?;
    let streams = store::tested(&mut conn, &defaults, &code).await?;
    if streams.is_empty() {
        return Err(ApiError::NotFound(format!("station {code:?}")));
    }
    let doubted = store::doubted(&mut conn, app.clock.now(), &code, DAYS, FLAGS).await?;
    let missing = store::missing(&mut conn, app.clock.now(), &code, GAP_DAYS, GAPS).await?;
    Ok(Json(Quality { streams, doubted, missing }))
}

/// Gives a stream limits of its own in the place of its quantity's; `{}` takes them away. Tests are `range`, `spike`, `rate`,
/// `flat`, `neighbours`; `off` names those that are not done. Numbers are in the quantity's canonical unit.
///
/// # Errors
/// 400 naming the test, 404, 401, 403.
#[utoipa::path(put, path = "/api/v1/stations/{code}/streams/{stream}/limits", tag = "catalogue",
    params(("code" = String, Path,), ("stream" = String, Path,)),
    request_body(content = Object, example = json!({"off": ["flat_line"], "spike": {"suspect": 0.5, "fail": 1.5}})),
    responses((status = 200, body = Object), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((code, stream)): Path<(String, String)>,
    StrictJson(own): StrictJson<Overrides>,
) -> Result<Json<Overrides>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    set_limits(&mut tx, by, (&code, &stream), &own).await?;
    tx.commit().await?;
    Ok(Json(own))
}
