//! Supplies and humanitarian aid over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::aid;
use crate::app::App;
use crate::config::AlertStatus;
use crate::supplies::Kind;
use crate::supplies::desk::{self, Given};
use crate::supplies::store::{self, Item, Need, Place, Stock};
use crate::volunteers::store::{Callout, callouts};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/supplies", get(list))
        .route("/api/v1/supplies/{id}/entries", post(enter))
        .route("/api/v1/aid-kits", get(kits))
        .route("/api/v1/aid-deliveries", get(deliveries))
        .route("/api/v1/callouts", get(called))
}

/// What lies where, and what is needed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Supplies {
    pub places: Vec<Place>,
    pub items: Vec<Item>,
    pub stock: Vec<Stock>,
    /// Open needs, the most urgent first.
    pub needs: Vec<Need>,
}

/// Lists places, items, stock and needs.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/supplies", tag = "supplies",
    responses((status = 200, body = Supplies), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Supplies>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(Supplies {
        places: store::places(&mut conn).await?,
        items: store::items(&mut conn).await?,
        stock: store::stock(&mut conn, None).await?,
        needs: store::needs(&mut conn, None).await?,
    }))
}

/// An entry of the ledger.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewSupplyEntry)]
#[serde(deny_unknown_fields)]
pub struct New {
    pub item: Uuid,
    /// received, donated, used, lost or found
    #[schema(value_type = String)]
    pub kind: Kind,
    /// In the item's unit, 1 to 1,000,000; the kind says which way.
    pub amount: i32,
    /// Of what was lost or found it must be said how. At most 300 characters.
    #[serde(default)]
    pub reason: String,
}

/// Appends an entry to the ledger of a place. It can never be changed; what was wrong is put right by another one.
///
/// # Errors
/// 400 naming the field; 404; 409 when there is less; 401, 403.
#[utoipa::path(post, path = "/api/v1/supplies/{id}/entries", tag = "supplies", params(("id" = Uuid, Path,)), request_body = New,
    responses((status = 201), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn enter(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<New>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let New { item, kind, amount, reason } = &new;
    desk::enter(&mut tx, by, Given { place: id, item: *item, kind: *kind, amount: *amount, reason }).await?;
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

/// Lists the kits in use.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/aid-kits", tag = "supplies",
    responses((status = 200, body = Vec<aid::Kit>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn kits(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<aid::Kit>>, ApiError> {
    Ok(Json(aid::store::kits(&mut *app.db.web.acquire().await?, None).await?))
}

/// `?since=…`
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// Deliveries after this instant; all of them when it is missing.
    pub since: Option<DateTime<Utc>>,
    /// Also those that were exercised, each with `drill`; false when it is missing, except where everything is exercised.
    pub exercises: Option<bool>,
}

/// Lists deliveries, the newest first, at most 5,000. Families by the code of their card. Those of exercises only when asked for.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/aid-deliveries", tag = "supplies", params(Since),
    responses((status = 200, body = Vec<aid::store::Delivery>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn deliveries(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(query): Query<Since>,
) -> Result<Json<Vec<aid::store::Delivery>>, ApiError> {
    let since = query.since.unwrap_or_default();
    let drills = query.exercises.unwrap_or(app.config.alerts.status != AlertStatus::Actual);
    let of = aid::store::Of { drills, ..Default::default() };
    Ok(Json(aid::store::deliveries(&mut *app.db.web.acquire().await?, since, of).await?))
}

/// Lists call-outs of volunteers with how many said yes, the newest first.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/callouts", tag = "volunteers",
    responses((status = 200, body = Vec<Callout>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn called(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Callout>>, ApiError> {
    Ok(Json(callouts(&mut *app.db.web.acquire().await?, None).await?))
}
