//! Evaluation of services over HTTP: definitions here, rounds with codes, answers and texts in `rounds`, and the year in `reports`.

pub mod reports;
pub mod rounds;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{has_role, sought};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::evaluation::file::File;
use crate::secretariat::evaluation::{Kept, Service, ServiceGiven, Sphere, desk, store};
use crate::web::api::imports::Query;
use crate::web::auth::{May, Staff, can};
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
        .route("/api/v1/secretariat/service-evaluation/rounds", get(rounds::rounds).post(rounds::open_round))
        .route("/api/v1/secretariat/service-evaluation/rounds/{id}/codes", post(rounds::make_codes))
        .route("/api/v1/secretariat/service-evaluation/responses", post(rounds::respond))
        .route("/api/v1/secretariat/service-evaluation/comments", get(rounds::comments))
        .route("/api/v1/secretariat/service-evaluation/comments/{id}", post(rounds::check_comment))
        .route("/api/v1/secretariat/service-evaluation/manifestations", post(reports::count))
        .route("/api/v1/secretariat/service-evaluation/draft", get(reports::draft))
        .route("/api/v1/secretariat/service-evaluation/reports", get(reports::reports).post(reports::publish))
        .route("/api/v1/secretariat/service-evaluation/reports/{year}", get(reports::of_year))
        .route("/api/v1/secretariat/service-evaluation/reports/{year}/csv", get(reports::csv))
        .merge(files)
}

fn works(staff: &Staff) -> Result<(), ApiError> {
    has_role(staff, Role::ServiceEvaluation)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OfYear {
    #[serde(default)]
    pub year: Option<i32>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Words of code, name, unit or department, accents or not; the first 200 characters count.
    #[serde(default)]
    pub q: String,
    /// federal, state or municipal.
    #[param(pattern = "^(federal|state|municipal)$")]
    pub sphere: Option<String>,
    /// True: rendered today; false: not any more.
    pub current: Option<bool>,
    /// The last code of the page before.
    #[serde(default)]
    pub after: String,
}

impl Asked {
    /// # Errors
    /// 400 naming the parameter.
    pub fn wanted(&self, today: NaiveDate) -> Result<store::Wanted, ApiError> {
        let sphere = match self.sphere.as_deref() {
            None => None,
            Some(word) => {
                Some(word.parse::<Sphere>().map_err(|error| ApiError::field("sphere", word, error.to_string()))?)
            }
        };
        let is_current = self.current.map(|is| (is, today));
        Ok(store::Wanted { after: sought(&self.after), words: sought(&self.q), sphere, is_current })
    }
}

/// Lists the services that are evaluated, by code, at most 200.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/services", tag = "service-evaluation", params(Asked),
    responses((status = 200, body = Vec<Service>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn services(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(given): Query<Asked>,
) -> Result<Json<Vec<Service>>, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let wanted = given.wanted(today)?;
    Ok(Json(store::find_services(&mut *app.db.web.acquire().await?, (&wanted, PAGE)).await?))
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
