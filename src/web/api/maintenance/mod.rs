//! Health of stations, tasks of maintenance and blind areas over HTTP.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use chrono::TimeDelta;
use serde::Serialize;

use crate::app::App;
use crate::stations::health::blind::{Blindness, blindness};
use crate::stations::health::store::{self, ClockRow, FaultRow};
use crate::stations::health::tasks::{self, Task};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::situation;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/stations/{code}/health", get(health))
        .route("/api/v1/maintenance", get(list))
        .route("/api/v1/blind-areas", get(blind))
}

/// What is wrong with a station, and how its devices' clocks go.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StationHealth {
    pub station: String,
    /// Open faults, then those closed within a week.
    pub faults: Vec<FaultRow>,
    pub clocks: Vec<ClockRow>,
}

/// Tells what is wrong with a station: open faults with their numbers, those closed within a week, and clock offsets.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/stations/{code}/health", tag = "catalogue", params(("code" = String, Path)),
    responses((status = 200, body = StationHealth), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn health(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(code): Path<String>,
) -> Result<Json<StationHealth>, ApiError> {
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    let known = sqlx::query_scalar!(r#"select exists (select from station where code = $1) as "known!""#, code)
        .fetch_one(&mut *conn)
        .await?;
    if !known {
        return Err(ApiError::NotFound(format!("station {code:?}")));
    }
    let faults = store::faults(&mut conn, Some(&code), now - TimeDelta::days(7)).await?;
    let clocks = store::clocks(&mut conn, &code, now).await?;
    Ok(Json(StationHealth { station: code, faults, clocks }))
}

/// Lists the open tasks of maintenance, those put off last, then those closed within a week; at most 500.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/maintenance", tag = "catalogue",
    responses((status = 200, body = Vec<Task>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Task>>, ApiError> {
    let since = app.clock.now() - TimeDelta::days(7);
    Ok(Json(tasks::list(&mut *app.db.web.acquire().await?, since, None).await?))
}

/// An area whose hazard no valid gauge speaks for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BlindArea {
    pub area: String,
    pub area_name: String,
    pub cobrade: String,
    /// unknown, or the level it had when the last gauge fell silent.
    pub level: String,
    #[serde(flatten)]
    pub blindness: Blindness,
}

/// Lists the blind areas with why nothing is known, the most dangerous ground first.
///
/// # Errors
/// 503 without the database.
#[utoipa::path(get, path = "/api/v1/blind-areas", tag = "levels", responses((status = 200, body = Vec<BlindArea>)))]
pub async fn blind(State(app): State<App>) -> Result<Json<Vec<BlindArea>>, ApiError> {
    let pairs = situation::pairs(&mut *app.db.web.acquire().await?, None).await?;
    let judged = pairs.into_iter().filter(situation::Pair::is_judged);
    Ok(Json(
        judged
            .filter_map(|pair| {
                let blindness = blindness(pair.level, &pair.reasons)?;
                let level = pair.level.as_str().to_owned();
                Some(BlindArea {
                    area: pair.area_code,
                    area_name: pair.area_name,
                    cobrade: pair.cobrade,
                    level,
                    blindness,
                })
            })
            .collect(),
    ))
}
