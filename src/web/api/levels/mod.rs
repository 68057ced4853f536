//! Levels over HTTP: what they are, why, and how they came about.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::ids::AreaId;
use crate::risk::explain::Explanation;
use crate::risk::store::{Asked, hazards};
use crate::web::error::{ApiError, Problem};
use crate::web::pages::why;

/// Changes in one answer.
const MOST: i64 = 500;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/levels", get(list))
        .route("/api/v1/areas/{code}/levels", get(history))
        .route("/api/v1/areas/{code}/explanation", get(explanation))
}

/// The level of one area for one hazard.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CurrentLevel {
    pub area: String,
    pub area_name: String,
    pub cobrade: String,
    /// unknown, normal, observation, attention, alert or maximum. Unknown never means normal.
    pub level: String,
    pub since_at: DateTime<Utc>,
    pub evaluated_at: DateTime<Utc>,
    pub rule_id: String,
    pub rule_version: i32,
    /// The conditions that speak for the level, with values, thresholds and stations.
    #[schema(value_type = Vec<Object>)]
    pub reasons: Value,
}

/// Lists the current levels, the most dangerous first.
///
/// # Errors
/// 503 without the database.
#[utoipa::path(get, path = "/api/v1/levels", tag = "levels", responses((status = 200, body = Vec<CurrentLevel>)))]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<CurrentLevel>>, ApiError> {
    let levels = sqlx::query_as!(
        CurrentLevel,
        "select a.code as area, a.name as area_name, l.cobrade, l.level, l.since_at, l.evaluated_at, l.rule_id,
                l.rule_version, l.reasons
         from area_level l join risk_area a on a.id = l.area_id
         order by array_position(array['maximum', 'alert', 'attention', 'observation', 'unknown', 'normal'], l.level),
                  a.name, l.cobrade"
    )
    .fetch_all(&app.db.web)
    .await?;
    Ok(Json(levels))
}

/// What is to be explained.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// COBRADE code; needed where the area has several hazards.
    hazard: Option<String>,
    /// Any instant in the past (RFC 3339); now, without it.
    at: Option<DateTime<Utc>>,
}

/// Everything that was looked at for an area's level, now or at an instant: the tree of conditions of every level with values, thresholds,
/// stations and doubts, the rule's version, the confidence, and what is missing to the next level. Past instants are judged by the
/// rules that were active then, on the area's shape and grade of then; those at which the level changed are told as they were.
///
/// # Errors
/// 404 for an unknown area or hazard, or one that no rule judges; 400 for an instant that lies ahead.
#[utoipa::path(get, path = "/api/v1/areas/{code}/explanation", tag = "levels", params(("code" = String, Path,), Wanted),
    responses((status = 200, description = "The explanation", body = Object), (status = 404, body = Problem), (status = 400, body = Problem)))]
pub async fn explanation(
    State(app): State<App>,
    Path(code): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Explanation>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    if let Some(at) = wanted.at.filter(|at| *at > app.clock.now()) {
        return Err(ApiError::field("at", at.to_rfc3339(), "lies ahead: only what was is explained"));
    }
    let area = sqlx::query_scalar!(r#"select id as "id: AreaId" from risk_area where code = $1"#, code)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or_else(|| ApiError::NotFound(format!("risk area {code}")))?;
    let known = hazards(&mut conn, area, wanted.at).await?;
    let hazard = match (wanted.hazard.as_deref(), known.as_slice()) {
        (Some(code), known) => code.parse().ok().filter(|hazard| known.contains(hazard)),
        (None, [only]) => Some(*only),
        (None, [_, _, ..]) => {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            return Err(ApiError::field("hazard", "", format!("expected one of {}", known.join(", "))));
        }
        (None, []) => None,
    };
    let asked = wanted.hazard.unwrap_or_default();
    let hazard = hazard.ok_or_else(|| ApiError::NotFound(format!("hazard {asked} of risk area {code}")))?;
    let found = why::explain(&app, &mut conn, Asked { area, hazard, at: wanted.at }).await?;
    found.map(Json).ok_or_else(|| ApiError::NotFound(format!("rule for hazard {hazard} of risk area {code}")))
}

/// A change of level.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Change {
    pub cobrade: String,
    pub from: String,
    pub to: String,
    pub at: DateTime<Utc>,
    /// The journal row after which it changed.
    pub journal_seq: i64,
    pub rule_id: String,
    pub rule_version: i32,
    #[schema(value_type = Vec<Object>)]
    pub reasons: Value,
}

/// The changes of an area's levels, newest first, at most 500.
///
/// # Errors
/// 404 for an unknown area.
#[utoipa::path(get, path = "/api/v1/areas/{code}/levels", tag = "levels", params(("code" = String, Path,)),
    responses((status = 200, body = Vec<Change>), (status = 404, body = Problem)))]
pub async fn history(State(app): State<App>, Path(code): Path<String>) -> Result<Json<Vec<Change>>, ApiError> {
    let area = sqlx::query_scalar!("select id from risk_area where code = $1", code)
        .fetch_optional(&app.db.web)
        .await?
        .ok_or_else(|| ApiError::NotFound(format!("risk area {code}")))?;
    let changes = sqlx::query_as!(
        Change,
        r#"select cobrade, from_level as "from", to_level as "to", at, journal_seq, rule_id, rule_version, reasons
           from level_transition where area_id = $1 order by at desc, id desc limit $2"#,
        area,
        MOST
    )
    .fetch_all(&app.db.web)
    .await?;
    Ok(Json(changes))
}
