//! With which numbers series of cases begin. For administrators.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::kernel::series::{self, Series, Start};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/secretariat/series", get(list).put(begin))
}

/// Lists every series of cases with its next number, this year and the next.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/series", tag = "secretariat",
    responses((status = 200, body = Vec<Series>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::ManageStaff>) -> Result<Json<Vec<Series>>, ApiError> {
    let at = (app.clock.now(), app.config.municipality.time_zone);
    Ok(Json(series::list(&mut *app.db.web.acquire().await?, &app.cases, at).await?))
}

/// Says with which number a series begins in a year, while no case has a number of it.
///
/// # Errors
/// 400 naming the field, also when it is not confirmed; 409 when a case has a number of it; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/series", tag = "secretariat", request_body = Start,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn begin(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    StrictJson(asked): StrictJson<Start>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    series::begin(&mut tx, &app.cases, (by, app.config.municipality.time_zone), &asked).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
