//! What is drafted, in force, over; whom it reaches.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alerts::AlertError;
use crate::alerts::store::{self, AlertDetail, AlertSummary, Filter};
use crate::app::App;
use crate::dispatch::audience::{self, Reach};
use crate::dispatch::sms_text;
use crate::ids::AlertId;
use crate::web::api::imports::Query;
use crate::web::error::{ApiError, Problem};

/// Alerts in one answer.
const MOST: i64 = 200;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `drafts`, `active` or `all` (the default).
    #[serde(default)]
    #[param(pattern = "^(drafts|active|all)$")]
    state: Option<String>,
}

/// Lists alerts, newest first, at most 200.
///
/// # Errors
/// 400 for an unknown state.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(ListQuery),
    responses((status = 200, body = Vec<AlertSummary>), (status = 400, body = Problem), (status = 401, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, Query(query): Query<ListQuery>) -> Result<Json<Vec<AlertSummary>>, ApiError> {
    let filter = match query.state.as_deref() {
        Some("drafts") => Filter::Drafts,
        Some("active") => Filter::Active,
        Some("all") | None => Filter::All,
        Some(other) => return Err(ApiError::field("state", other, "expected drafts, active or all")),
    };
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(store::list(&mut conn, filter, MOST).await?))
}

/// One alert with its areas, reasons and history.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = AlertDetail), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<AlertDetail>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let alert = store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    Ok(Json(alert))
}

/// Whom a draft would reach, what that costs and how long it takes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Preview {
    #[schema(value_type = Object)]
    pub reach: Reach,
    /// Segments of the SMS text.
    pub segments: usize,
    /// "gsm7", "gsm7portuguese" (with the Portuguese table) or "ucs2".
    pub encoding: String,
    /// Characters that force UCS-2 and so halve a segment.
    pub forcing: Vec<char>,
    pub centavos: i64,
    /// Until the last message is with its provider, at the configured rates.
    pub seconds: u64,
}

/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/reach", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Preview), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn reach(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Preview>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let alert = store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let reach = audience::preview(&mut conn, app.clock.now(), AlertId(id)).await?;
    let length = sms_text::measure_with(&alert.row.sms_text, reach.tier(&app.config).is_national());
    let seconds = reach.time_to_deliver(&app.config, length.segments).as_secs();
    let centavos = reach.centavos(&app.config, length.segments);
    let encoding = format!("{:?}", length.encoding).to_lowercase();
    let (segments, forcing) = (length.segments, length.forcing);
    Ok(Json(Preview { reach, segments, encoding, forcing, centavos, seconds }))
}
