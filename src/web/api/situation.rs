//! Situation reports, and looking back, over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::plancon::store::{activations, tasks};
use crate::situation::after::{self, Line, Times};
use crate::situation::desk::{self, NewLesson};
use crate::situation::store::{self, Edit};
use crate::situation::{Lesson, Report};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/incidents/{id}/situation", get(list).post(draft))
        .route("/api/v1/situation-reports/{id}", get(show).put(edit))
        .route("/api/v1/situation-reports/{id}/approve", post(approve))
        .route("/api/v1/incidents/{id}/after", get(look_back))
        .route("/api/v1/incidents/{id}/lessons", post(add_lesson))
        .route("/api/v1/incidents/{id}/lessons/{lesson}/done", post(lesson_done))
}

async fn exists(conn: &mut sqlx::PgConnection, id: Uuid) -> Result<(), ApiError> {
    let found = incidents::load(conn, IncidentId(id)).await?;
    found.map(drop).ok_or_else(|| ApiError::NotFound("the incident".into()))
}

async fn report(conn: &mut sqlx::PgConnection, id: Uuid) -> Result<Report, ApiError> {
    let found = store::list(conn, None, Some(id)).await?.pop();
    found.ok_or_else(|| ApiError::NotFound("the situation report".into()))
}

/// Lists the situation reports of an incident, the newest first, at most 200.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/situation", tag = "situation", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Report>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Report>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    exists(&mut conn, id).await?;
    Ok(Json(store::list(&mut conn, Some(IncidentId(id)), None).await?))
}

/// Drafts the next report now.
///
/// # Errors
/// 404; 409 when the incident is closed or a draft waits; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/situation", tag = "situation", params(("id" = Uuid, Path,)),
    responses((status = 201, body = Report), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn draft(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<Report>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = desk::draft(&mut tx, by, IncidentId(id)).await?;
    let made = report(&mut tx, made).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One report.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/situation-reports/{id}", tag = "situation", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Report), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Report>, ApiError> {
    Ok(Json(report(&mut *app.db.web.acquire().await?, id).await?))
}

/// Writes the words of a draft.
///
/// # Errors
/// 400 naming every field that is wrong; 404; 409 when it changed meanwhile or is approved; 401, 403.
#[utoipa::path(put, path = "/api/v1/situation-reports/{id}", tag = "situation", params(("id" = Uuid, Path,)), request_body = Edit,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Edit>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::edit(&mut tx, by, id, &given).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The revision that was looked at.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SituationReportApproval)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub revision: i32,
}

/// Approves a draft: from then on it stands as it is, and residents read what it says to them. Whoever wrote words of it is answered 403,
/// unless nobody else may approve; then `approved_alone` says so.
///
/// # Errors
/// 400 without a situation; 404; 409 when it changed meanwhile or is approved; 401, 403.
#[utoipa::path(post, path = "/api/v1/situation-reports/{id}/approve", tag = "situation", params(("id" = Uuid, Path,)),
    request_body = Approval,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn approve(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Approval>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::approve(&mut tx, by, id, given.revision).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was done against what was planned.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AfterAction)]
pub struct LookBack {
    pub times: Times,
    pub reaction: after::Reaction,
    pub actions: Vec<Line>,
    pub lessons: Vec<Lesson>,
}

/// Looks back on an incident: the timeline against the plan, the first steps in seconds, the lessons.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/after", tag = "situation", params(("id" = Uuid, Path,)),
    responses((status = 200, body = LookBack), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn look_back(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<LookBack>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    exists(&mut conn, id).await?;
    let id = IncidentId(id);
    let activations = activations::list(&mut conn, id).await?;
    let actions = after::lines(&activations, &tasks::list(&mut conn, id).await?, app.clock.now());
    let times = after::times(&store::firsts(&mut conn, id).await?);
    let reaction = after::reaction(&store::reacted(&mut conn, id).await?);
    Ok(Json(LookBack { times, reaction, actions, lessons: store::lessons(&mut conn, id).await? }))
}

/// The id of what was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentLessonMade)]
pub struct Made {
    pub id: Uuid,
}

/// Adds a lesson, also after the incident was closed.
///
/// # Errors
/// 400 naming every field that is wrong; 404; 409 when there are 200; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/lessons", tag = "situation", params(("id" = Uuid, Path,)),
    request_body = NewLesson,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_lesson(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<NewLesson>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let today = by.now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut tx = app.db.web.begin().await?;
    let id = desk::add_lesson(&mut tx, by, IncidentId(id), (&new, today)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// What was done.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentLessonDone)]
#[serde(deny_unknown_fields)]
pub struct DoneWith {
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: String,
}

/// Marks a lesson as done.
///
/// # Errors
/// 400 naming the field; 404 when there is none that waits; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/lessons/{lesson}/done", tag = "situation",
    params(("id" = Uuid, Path,), ("lesson" = Uuid, Path,)), request_body = DoneWith,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn lesson_done(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((id, lesson)): Path<(Uuid, Uuid)>,
    StrictJson(done): StrictJson<DoneWith>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::lesson_done(&mut tx, by, (IncidentId(id), lesson), &done.note).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
