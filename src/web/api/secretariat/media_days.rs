//! What media monitoring gives out, over HTTP: clippings of days, repercussion, and the file that comes in again.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::has_role;
use super::media_monitoring::acting;
use crate::accounts::Role;
use crate::app::App;
use crate::audit::{self, Act as Audited, Entry};
use crate::secretariat::media_monitoring::exchange::{self, TakenIn};
use crate::secretariat::media_monitoring::judge::wrong;
use crate::secretariat::media_monitoring::store::clippings::{self, Day};
use crate::secretariat::media_monitoring::{Clipping, Repercussion, clipping};
use crate::web::aside;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Bytes of a file that is taken in.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Days of a series.
const MOST_DAYS: i64 = 366;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/media-monitoring/clippings", get(days).post(close))
        .route("/api/v1/secretariat/media-monitoring/clippings/{day}", get(of_day))
        .route("/api/v1/secretariat/media-monitoring/repercussion", get(repercussion))
        .route("/api/v1/secretariat/media-monitoring/export", get(export))
        .route("/api/v1/secretariat/media-monitoring/import", post(import).layer(DefaultBodyLimit::max(MOST_BYTES)))
}

/// Which days.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BeforeDay {
    /// The last day of the page before.
    #[param(value_type = Option<String>)]
    pub before: Option<NaiveDate>,
}

/// Lists the days whose clipping is closed, the newest first.
///
/// # Errors
/// 400; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/clippings", tag = "media monitoring", params(BeforeDay),
    responses((status = 200, body = Vec<Day>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn days(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(wanted): Query<BeforeDay>,
) -> Result<Json<Vec<Day>>, ApiError> {
    Ok(Json(clippings::days(&mut *app.db.web.acquire().await?, wanted.before).await?))
}

/// A day to close.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaClosing)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    #[schema(value_type = String)]
    pub day: NaiveDate,
}

/// Closes the clipping of a day and sends it.
///
/// # Errors
/// 400 for a day that has not been; 409 when it is closed, or nothing was selected; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/clippings", tag = "media monitoring", request_body = Closing,
    responses((status = 201, body = Clipping), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn close(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(closing): StrictJson<Closing>,
) -> Result<(StatusCode, Json<Clipping>), ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let made = clipping::close(&mut tx, acting(&app, &actor), &app.config, closing.day).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Shows the clipping of a day.
///
/// # Errors
/// 404; 400; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/clippings/{day}", tag = "media monitoring", params(("day" = String, Path,)),
    responses((status = 200, body = Clipping), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn of_day(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(day): Path<String>,
) -> Result<Json<Clipping>, ApiError> {
    Ok(Json(clipping_of(&app, &day).await?))
}

/// The clipping of a day as it is written in an address.
///
/// # Errors
/// 404 for what is no day, and for one whose clipping is not closed.
pub async fn clipping_of(app: &App, day: &str) -> Result<Clipping, ApiError> {
    let none = || ApiError::NotFound(format!("clipping of {day}"));
    let parsed: NaiveDate = day.parse().map_err(|_| none())?;
    clippings::of(&mut *app.db.web.acquire().await?, parsed).await?.ok_or_else(none)
}

/// From which day to which.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// None: thirty days before the other.
    #[param(value_type = Option<String>)]
    pub from: Option<NaiveDate>,
    /// None: today. It belongs to the series.
    #[param(value_type = Option<String>)]
    pub to: Option<NaiveDate>,
}

impl Span {
    /// # Errors
    /// 400 for more than a year, and for a span that ends before it begins.
    pub fn days(&self, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), ApiError> {
        let to = self.to.unwrap_or(today);
        let from = self.from.or_else(|| to.checked_sub_days(Days::new(30))).unwrap_or(to);
        if from > to || (to - from).num_days() > MOST_DAYS {
            let value = from.to_string();
            return Err(ApiError::field("from", value, format!("expected a day up to {MOST_DAYS} days before {to}")));
        }
        Ok((from, to))
    }
}

/// The series of a span.
///
/// # Errors
/// 400 for days that are none; the database's.
pub async fn series_of(app: &App, (from, to): (NaiveDate, NaiveDate)) -> Result<Vec<Repercussion>, ApiError> {
    let tz = app.config.municipality.time_zone;
    let (Some(start), Some(end)) = (clipping::start_of(from, tz), clipping::end_of(to, tz)) else {
        return Err(ApiError::field("from", from.to_string(), "expected a day"));
    };
    Ok(clippings::series(&mut *app.db.web.acquire().await?, (start, end), tz).await?)
}

/// Counts what was selected by day, theme and tone.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/repercussion", tag = "media monitoring", params(Span),
    responses((status = 200, body = Vec<Repercussion>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn repercussion(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(span): Query<Span>,
) -> Result<Json<Vec<Repercussion>>, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    Ok(Json(series_of(&app, span.days(today)?).await?))
}

/// Where to go on.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// `X-Next` of the answer before.
    pub after: Option<Uuid>,
}

/// Takes out items as JSON Lines, at most 5000; `X-Next` says where to go on. What is taken out can be taken in again byte by byte.
///
/// # Errors
/// 400; 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/media-monitoring/export", tag = "media monitoring", params(After),
    responses((status = 200, content_type = "application/jsonl"), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Query(wanted): Query<After>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let by = acting(&app, &actor);
    let mut tx = app.db.web.begin().await?;
    let (text, next) = exchange::out(&mut tx, wanted.after).await?;
    let entry = Entry::new(Audited::MediaExport, "media_item", "file").to(json!({ "items": text.lines().count() }));
    audit::record(&mut tx, by.ids, by.now, by.actor, entry).await?;
    tx.commit().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"media-monitoring.jsonl\""),
    ];
    let mut answer = (headers, text).into_response();
    if let Some(next) = next.and_then(|id| id.to_string().parse().ok()) {
        answer.headers_mut().insert("x-next", next);
    }
    Ok(answer)
}

/// Takes in what was taken out, all or none. What is here already, the same, stays.
///
/// # Errors
/// 400 naming every line; 409; 415; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/media-monitoring/import", tag = "media monitoring",
    request_body(content = String, content_type = "application/jsonl"),
    responses((status = 200, body = TakenIn), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<TakenIn>, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !matches!(given.split(';').next().unwrap_or_default().trim(), "application/jsonl" | "application/x-ndjson") {
        return Err(ApiError::WrongMediaType("application/jsonl"));
    }
    let read = move || -> Result<Vec<exchange::Line>, ApiError> {
        let text = std::str::from_utf8(&body).map_err(|error| ApiError::field("body", "", error.to_string()))?;
        let nothing = |errors| ApiError::BadRequest { detail: "nothing was taken in".into(), errors };
        exchange::read(text).map_err(nothing)
    };
    let lines = aside::apart(read).await??;
    if lines.is_empty() {
        let errors = vec![wrong("body", "", "expected at least one line")];
        return Err(ApiError::BadRequest { detail: "nothing was taken in".into(), errors });
    }
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let taken = exchange::take_in(&mut tx, acting(&app, &actor), &lines).await?;
    tx.commit().await?;
    Ok(Json(taken))
}
