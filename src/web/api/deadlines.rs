//! Deadlines, their rules and holidays over HTTP.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::deadlines::calendar::Holiday;
use crate::deadlines::desk::{self, Asked, Moved, NewHoliday};
use crate::deadlines::reckon::{Anchor, end_of};
use crate::deadlines::store::{self, DeadlineAct};
use crate::deadlines::{Course, Deadline, DeadlineRule, words};
use crate::i18n::Lang;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/deadlines", get(list))
        .route("/api/v1/deadlines/{id}", post(act))
        .route("/api/v1/deadlines/{id}/acts", get(acts))
        .route("/api/v1/deadline-rules", get(rules).post(add_rule))
        .route("/api/v1/deadline-rules/{id}/end", post(end_rule))
        .route("/api/v1/deadline-preview", get(preview))
        .route("/api/v1/holidays", get(holidays).post(add_holiday))
        .route("/api/v1/holidays/{id}/remove", post(remove_holiday))
}

/// Lists the deadlines of the response that are open, by the day they are due, at most 500. Those of the secretariat stand with its cases and
/// instruments.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/deadlines", tag = "deadlines",
    responses((status = 200, body = Vec<Deadline>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Deadline>>, ApiError> {
    Ok(Json(store::of_console(&mut *app.db.web.acquire().await?).await?))
}

/// What was done to a deadline, the oldest first: each move with the day before and after.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/deadlines/{id}/acts", tag = "deadlines", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<DeadlineAct>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn acts(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<DeadlineAct>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    if !store::is_of_console(&mut conn, id).await? {
        return Ok(Json(Vec::new()));
    }
    Ok(Json(store::acts(&mut conn, id).await?))
}

/// Extends, suspends, resumes or interrupts an open deadline, as its rule allows, or ends it: met, or void.
///
/// # Errors
/// 400 naming the field; 404; 409 when its rule or its state does not allow it, or it moves with the acts of a case; 401, 403.
#[utoipa::path(post, path = "/api/v1/deadlines/{id}", tag = "deadlines", params(("id" = Uuid, Path,)), request_body = Asked,
    responses((status = 200, body = Deadline), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(asked): StrictJson<Asked>,
) -> Result<Json<Deadline>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let changed = desk::act_at_console(&mut tx, by, app.config.municipality.time_zone, id, &asked).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// A rule, and whose it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadlineRuleShown)]
pub struct Shown {
    /// Of a rule that the town added; none of what is shipped.
    pub id: Option<Uuid>,
    /// The town added it; it goes before what is shipped.
    pub is_local: bool,
    pub rule: DeadlineRule,
}

/// Lists all rules, the town's own first.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/deadline-rules", tag = "deadlines",
    responses((status = 200, body = Vec<Shown>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn rules(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Shown>>, ApiError> {
    let rules = store::rules(&mut *app.db.web.acquire().await?).await?;
    Ok(Json(rules.all().map(|(id, rule)| Shown { id, is_local: id.is_some(), rule: rule.clone() }).collect()))
}

/// A rule to add.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DeadlineRuleWanted)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    pub rule: DeadlineRule,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Adds a rule of the town and reckons everything that is open anew. Answers what moved.
///
/// # Errors
/// 400 naming every field that is wrong; 409 when a deadline would leave the calendar; 401, 403.
#[utoipa::path(post, path = "/api/v1/deadline-rules", tag = "deadlines", request_body = NewRule,
    responses((status = 201, body = Vec<Moved>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_rule(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    StrictJson(new): StrictJson<NewRule>,
) -> Result<(StatusCode, Json<Vec<Moved>>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let moved = desk::add_rule(&mut tx, by, app.config.municipality.time_zone, (&new.rule, &new.reason)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(moved)))
}

/// Ends a rule of the town, which stays in the history, and reckons everything that is open anew. Answers what moved.
///
/// # Errors
/// 400 without a reason; 404, also for a rule that was ended or is shipped; 409 when a deadline would leave the calendar; 401, 403.
#[utoipa::path(post, path = "/api/v1/deadline-rules/{id}/end", tag = "deadlines", params(("id" = Uuid, Path,)), request_body = Why,
    responses((status = 200, body = Vec<Moved>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end_rule(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(why): StrictJson<Why>,
) -> Result<Json<Vec<Moved>>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let moved = desk::end_rule(&mut tx, by, app.config.municipality.time_zone, (id, &why.reason)).await?;
    tx.commit().await?;
    Ok(Json(moved))
}

/// What to reckon.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Of the rule, e.g. "damage.decree".
    pub code: String,
    /// The day of the anchor.
    pub on: NaiveDate,
}

/// A day with its trace.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadlinePreview)]
pub struct Preview {
    pub rule: DeadlineRule,
    pub due_on: Option<NaiveDate>,
    /// Each step in Portuguese.
    pub trace: Vec<String>,
}

/// Reckons a deadline without keeping it: the rule that holds on that day, and each step.
///
/// # Errors
/// 400; 409 when no rule holds on that day; 401, 403.
#[utoipa::path(get, path = "/api/v1/deadline-preview", tag = "deadlines", params(Wanted),
    responses((status = 200, body = Preview), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn preview(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Preview>, ApiError> {
    if !(1900..=2200).contains(&wanted.on.year()) {
        return Err(ApiError::field("on", wanted.on.to_string(), "expected a day of the years 1900 to 2200"));
    }
    let tz = app.config.municipality.time_zone;
    let anchor = Anchor { at: end_of(wanted.on, tz), tz };
    let mut conn = app.db.web.acquire().await?;
    let (rule, told) = desk::preview(&mut conn, &wanted.code, anchor, &Course::default()).await?;
    let trace = told.trace.iter().map(|step| words::step(Lang::Pt, step)).collect();
    Ok(Json(Preview { rule, due_on: told.due_on, trace }))
}

/// Which holidays.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OfYear {
    #[param(minimum = 1900, maximum = 2200)]
    pub year: i32,
}

/// Lists the holidays of a year by day: shipped ones and those of the town.
///
/// # Errors
/// 400; 401, 403.
#[utoipa::path(get, path = "/api/v1/holidays", tag = "deadlines", params(OfYear),
    responses((status = 200, body = Vec<Holiday>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn holidays(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(of): Query<OfYear>,
) -> Result<Json<Vec<Holiday>>, ApiError> {
    if !(1900..=2200).contains(&of.year) {
        return Err(ApiError::field("year", of.year.to_string(), "expected 1900 to 2200"));
    }
    Ok(Json(store::calendar(&mut *app.db.web.acquire().await?).await?.of_year(of.year)))
}

/// Enters a holiday and reckons everything that is open anew. Answers what moved.
///
/// # Errors
/// 400 naming every field that is wrong; 409 when that day has one of the kind; 401, 403.
#[utoipa::path(post, path = "/api/v1/holidays", tag = "deadlines", request_body = NewHoliday,
    responses((status = 201, body = Vec<Moved>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_holiday(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    StrictJson(new): StrictJson<NewHoliday>,
) -> Result<(StatusCode, Json<Vec<Moved>>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let moved = desk::add_holiday(&mut tx, by, app.config.municipality.time_zone, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(moved)))
}

/// Why something is taken back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = HolidayRemoval)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Takes a holiday of the town back and reckons everything that is open anew. Answers what moved.
///
/// # Errors
/// 400 without a reason; 404; 401, 403.
#[utoipa::path(post, path = "/api/v1/holidays/{id}/remove", tag = "deadlines", params(("id" = Uuid, Path,)), request_body = Why,
    responses((status = 200, body = Vec<Moved>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn remove_holiday(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(why): StrictJson<Why>,
) -> Result<Json<Vec<Moved>>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let moved = desk::remove_holiday(&mut tx, by, app.config.municipality.time_zone, id, &why.reason).await?;
    tx.commit().await?;
    Ok(Json(moved))
}
