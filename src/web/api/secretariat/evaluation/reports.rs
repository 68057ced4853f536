//! Reports of years over HTTP: what other bodies count, the draft, publication, and what everybody reads.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::{OfYear, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::evaluation::report::Report;
use crate::secretariat::evaluation::{Counted, Published, PublishedHead, desk, store};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::conditional;
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Keeps how many manifestations another body tells of; the last number of a service and year holds.
///
/// # Errors
/// 400; 404; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/manifestations", tag = "service-evaluation", request_body = Counted,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn count(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<Counted>,
) -> Result<StatusCode, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::count(&mut tx, by, &new).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The report of a year as it would go out: without small cells for the staff too.
///
/// # Errors
/// 400; 409 while a round of the year is not over; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/draft", tag = "service-evaluation", params(OfYear),
    responses((status = 200, body = Report), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn draft(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(given): Query<OfYear>,
) -> Result<Json<Report>, ApiError> {
    use chrono::Datelike as _;
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let year = given.year.unwrap_or_else(|| today.year());
    Ok(Json(desk::draft(&mut *app.db.web.acquire().await?, year, today).await?))
}

/// Lists the last report of each year, without its tables.
///
/// # Errors
/// None of its own.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/reports", tag = "service-evaluation",
    responses((status = 200, body = Vec<PublishedHead>)))]
pub async fn reports(State(app): State<App>) -> Result<Json<Vec<PublishedHead>>, ApiError> {
    Ok(Json(store::report_heads(&mut *app.db.web.acquire().await?).await?))
}

/// Which year, and why it is corrected.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationPublish)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    pub year: i32,
    /// Asked for from the second time on.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: String,
}

/// Publishes the report of a year, or corrects it; the one before stays as it went out.
///
/// # Errors
/// 400 when a correction has no reason; 409 while a round of the year is not over; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/reports", tag = "service-evaluation", request_body = Publish,
    responses((status = 201, body = Vec<Published>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn publish(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(given): StrictJson<Publish>,
) -> Result<(StatusCode, Json<Vec<Published>>), ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::publish(&mut tx, by, app.config.municipality.time_zone, (given.year, &given.reason)).await?;
    let all = store::reports(&mut tx, given.year, store::MOST).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(all)))
}

/// The reports of a year, the newest first: each as it went out.
///
/// # Errors
/// 400; 404 for a year without one.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/reports/{year}", tag = "service-evaluation",
    params(("year" = i32, Path,)),
    responses((status = 200, body = Vec<Published>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn of_year(State(app): State<App>, Path(year): Path<i32>) -> Result<Json<Vec<Published>>, ApiError> {
    let all = store::reports(&mut *app.db.web.acquire().await?, year, store::MOST).await?;
    if all.is_empty() { Err(ApiError::NotFound(format!("report of {year}"))) } else { Ok(Json(all)) }
}

/// The last report of a year as CSV, one line a number; empty where it is hidden.
///
/// # Errors
/// 404 for a year without one.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/reports/{year}/csv", tag = "service-evaluation",
    params(("year" = i32, Path,)),
    responses((status = 200, content_type = "text/csv", body = String), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn csv(State(app): State<App>, headers: HeaderMap, Path(year): Path<i32>) -> Result<Response, ApiError> {
    let last = store::reports(&mut *app.db.web.acquire().await?, year, 1).await?.pop();
    let last = last.ok_or_else(|| ApiError::NotFound(format!("report of {year}")))?;
    Ok(conditional::answer(&headers, "text/csv; charset=utf-8", conditional::SHORT, last.report.csv()))
}
