//! Evaluation of services over HTTP: definitions, rounds, codes, answers by code, texts, reports.

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

use super::has_role;
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::evaluation::answers::{self, Door};
use crate::secretariat::evaluation::file::File;
use crate::secretariat::evaluation::report::Report;
use crate::secretariat::evaluation::{
    Check, Comment, CommentState, Counted, Kept, NewRound, Published, Round, Service, ServiceGiven, desk, store,
};
use crate::web::api::imports::Query;
use crate::web::auth::{May, Staff, can};
use crate::web::conditional;
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Questionnaires are long.
const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Services of a page.
const PAGE: i64 = 200;

pub fn routes() -> Router<App> {
    let files = Router::new()
        .route("/api/v1/secretariat/service-evaluation/definitions", get(export).put(import))
        .layer(DefaultBodyLimit::max(MAX_FILE_BYTES));
    Router::new()
        .route("/api/v1/secretariat/service-evaluation/services", get(services).post(add_service))
        .route("/api/v1/secretariat/service-evaluation/services/{code}", put(change_service))
        .route("/api/v1/secretariat/service-evaluation/questionnaires", get(questionnaires).post(save_questionnaire))
        .route("/api/v1/secretariat/service-evaluation/rounds", get(rounds).post(open_round))
        .route("/api/v1/secretariat/service-evaluation/rounds/{id}/codes", post(make_codes))
        .route("/api/v1/secretariat/service-evaluation/responses", post(respond))
        .route("/api/v1/secretariat/service-evaluation/comments", get(comments))
        .route("/api/v1/secretariat/service-evaluation/comments/{id}", post(check_comment))
        .route("/api/v1/secretariat/service-evaluation/manifestations", post(count))
        .route("/api/v1/secretariat/service-evaluation/draft", get(draft))
        .route("/api/v1/secretariat/service-evaluation/reports", get(reports).post(publish))
        .route("/api/v1/secretariat/service-evaluation/reports/{year}", get(of_year))
        .route("/api/v1/secretariat/service-evaluation/reports/{year}/csv", get(csv))
        .merge(files)
}

fn works(staff: &Staff) -> Result<(), ApiError> {
    has_role(staff, Role::ServiceEvaluation)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The last code of the page before.
    #[serde(default)]
    pub after: String,
}

/// Lists the services that are evaluated, by code, at most 200.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/services", tag = "service-evaluation", params(After),
    responses((status = 200, body = Vec<Service>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn services(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(given): Query<After>,
) -> Result<Json<Vec<Service>>, ApiError> {
    Ok(Json(store::services(&mut *app.db.web.acquire().await?, &given.after, PAGE).await?))
}

/// Writes a service down.
///
/// # Errors
/// 400 naming every field; 409 when the code is taken; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/services", tag = "service-evaluation", request_body = ServiceGiven,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_service(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<ServiceGiven>,
) -> Result<StatusCode, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::save_service(&mut tx, by, None, &new).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A service as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationServiceChange)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub revision: i32,
    pub service: ServiceGiven,
}

/// Changes what is known of a service. Its code stays.
///
/// # Errors
/// 400 naming every field; 404; 409 when it changed meanwhile; 401, 403 naming the role.
#[utoipa::path(put, path = "/api/v1/secretariat/service-evaluation/services/{code}", tag = "service-evaluation",
    params(("code" = String, Path,)), request_body = Change,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change_service(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<Change>,
) -> Result<StatusCode, ApiError> {
    works(&staff)?;
    if given.service.code != code {
        return Err(ApiError::field("service.code", given.service.code, "expected the code of the address: it stays"));
    }
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::save_service(&mut tx, by, Some(given.revision), &given.service).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the versions of all questionnaires.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/questionnaires", tag = "service-evaluation",
    responses((status = 200, body = Vec<Kept>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn questionnaires(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Vec<Kept>>, ApiError> {
    Ok(Json(store::forms(&mut *app.db.web.acquire().await?, None).await?))
}

/// A questionnaire as TOML.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationQuestionnaireText)]
#[serde(deny_unknown_fields)]
pub struct Text {
    #[schema(max_length = 65536)]
    pub text: String,
}

/// Which version was kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationQuestionnaireKept)]
pub struct Saved {
    pub key: String,
    pub version: i32,
}

/// Keeps a version of a questionnaire; key and version stand in its text. One that a round used is never changed.
///
/// # Errors
/// 400 naming the line and column of every fault; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/questionnaires", tag = "service-evaluation", request_body = Text,
    responses((status = 200, body = Saved), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn save_questionnaire(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(given): StrictJson<Text>,
) -> Result<Json<Saved>, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let (key, version) = desk::save_form(&mut tx, by, &given.text).await?;
    tx.commit().await?;
    Ok(Json(Saved { key, version }))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OfYear {
    #[serde(default)]
    pub year: Option<i32>,
}

/// Lists rounds, the latest first, at most 500. Answers are counted from five on.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/rounds", tag = "service-evaluation", params(OfYear),
    responses((status = 200, body = Vec<Round>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn rounds(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(given): Query<OfYear>,
) -> Result<Json<Vec<Round>>, ApiError> {
    Ok(Json(store::rounds(&mut *app.db.web.acquire().await?, given.year, None).await?))
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationMade)]
pub struct Made {
    pub id: Uuid,
}

/// Opens a round on the days of the town that it says.
///
/// # Errors
/// 400 naming every field; 404; 409 when the report of the year is out or a service has other questions this year; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/rounds", tag = "service-evaluation", request_body = NewRound,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn open_round(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewRound>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::open_round(&mut tx, by, app.config.municipality.time_zone, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// How many codes, of which service.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationCodesWanted)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub service: String,
    #[schema(minimum = 1, maximum = 500)]
    pub count: i64,
}

/// Codes, each for one answer. They are told here and never again: the service keeps hashes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationCodes)]
pub struct Codes {
    pub codes: Vec<String>,
}

/// Makes codes for a service of a round.
///
/// # Errors
/// 400; 404; 409 when the round is over; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/rounds/{id}/codes", tag = "service-evaluation",
    params(("id" = Uuid, Path,)), request_body = Wanted,
    responses((status = 201, body = Codes), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn make_codes(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(wanted): StrictJson<Wanted>,
) -> Result<(StatusCode, Json<Codes>), ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let of = (id, wanted.service.as_str(), wanted.count);
    let codes = desk::make_codes(&mut tx, by, app.config.municipality.time_zone, of).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Codes { codes })))
}

/// An answer by code.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationResponse)]
#[serde(deny_unknown_fields)]
pub struct Given {
    #[schema(max_length = 60)]
    pub code: String,
    /// By question: "1" to "5", "yes" or "no", the key of an option, a text.
    pub answers: BTreeMap<String, String>,
}

/// Answers with a code, which is then gone. Nothing tells who answered, from where or when.
///
/// # Errors
/// 400 naming every answer that is wrong; 404 for a code that is not known or was used; 409 when the round is not open; 429.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/responses", tag = "service-evaluation", request_body = Given,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 429, body = Problem)))]
pub async fn respond(State(app): State<App>, StrictJson(given): StrictJson<Given>) -> Result<StatusCode, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut tx = app.db.web.begin().await?;
    answers::respond(&mut tx, &app.ids, today, (Door::Code(&given.code), &given.answers)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OfState {
    /// waiting or shown; left out: shown. Those that wait are for whoever checks them.
    #[param(value_type = Option<String>, pattern = "^(waiting|shown|withheld)$")]
    #[serde(default)]
    pub state: Option<CommentState>,
    /// Code of a service.
    #[serde(default)]
    pub service: Option<String>,
}

/// Lists what people wrote, at most 200, apart from what else they answered.
///
/// # Errors
/// 400; 401, 403 naming the role for what was not checked yet.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/comments", tag = "service-evaluation", params(OfState),
    responses((status = 200, body = Vec<Comment>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn comments(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Query(wanted): Query<OfState>,
) -> Result<Json<Vec<Comment>>, ApiError> {
    let state = wanted.state.unwrap_or(CommentState::Shown);
    if state != CommentState::Shown {
        works(&staff)?;
    }
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(store::comments(&mut conn, state, wanted.service.as_deref()).await?))
}

/// Shows a text to the staff, or withholds it, which erases it. Once.
///
/// # Errors
/// 400; 404; 409 when it was checked before; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/comments/{id}", tag = "service-evaluation",
    params(("id" = Uuid, Path,)), request_body = Check,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn check_comment(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(check): StrictJson<Check>,
) -> Result<StatusCode, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::check_comment(&mut tx, by, id, &check).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

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

/// Lists the last report of each year.
///
/// # Errors
/// None of its own.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/reports", tag = "service-evaluation",
    responses((status = 200, body = Vec<Published>)))]
pub async fn reports(State(app): State<App>) -> Result<Json<Vec<Published>>, ApiError> {
    Ok(Json(store::reports(&mut *app.db.web.acquire().await?, None).await?))
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
    let all = store::reports(&mut tx, Some(given.year)).await?;
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
    let all = store::reports(&mut *app.db.web.acquire().await?, Some(year)).await?;
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
    let last = store::reports(&mut *app.db.web.acquire().await?, Some(year)).await?.into_iter().next();
    let last = last.ok_or_else(|| ApiError::NotFound(format!("report of {year}")))?;
    Ok(conditional::answer(&headers, "text/csv; charset=utf-8", conditional::SHORT, last.report.csv()))
}

/// All services and questionnaires as a file that is read back to the same bytes.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/definitions", tag = "service-evaluation",
    responses((status = 200, body = File), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Response, ApiError> {
    let file = desk::export(&mut *app.db.web.acquire().await?).await?;
    let text = file.write().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// How much was new.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationImported)]
pub struct Imported {
    pub services: usize,
    pub questionnaires: usize,
}

/// Writes definitions down that are not there yet, all or none.
///
/// # Errors
/// 400 naming the line of every fault of a questionnaire; 409 when one is there and differs; 401, 403 naming the role.
#[utoipa::path(put, path = "/api/v1/secretariat/service-evaluation/definitions", tag = "service-evaluation", request_body = File,
    responses((status = 200, body = Imported), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(file): StrictJson<File>,
) -> Result<Json<Imported>, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let (services, questionnaires) = desk::import(&mut tx, by, &file).await?;
    tx.commit().await?;
    Ok(Json(Imported { services, questionnaires }))
}
