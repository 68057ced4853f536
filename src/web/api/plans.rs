//! Contingency plans over HTTP, and their tasks in incidents.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::plancon::activation::{self, ByHand, Tools};
use crate::plancon::desk::{self, Word};
use crate::plancon::hands::{self, Asked};
use crate::plancon::store::activations::{self, Activation};
use crate::plancon::store::plans as store;
use crate::plancon::store::tasks::{self, Task};
use crate::plancon::tasks::{Progress, progress, waiting};
use crate::plancon::{Plan, PlanState, Version};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/plans", get(list).post(write))
        .route("/api/v1/plans/{code}/versions/{number}", get(show))
        .route("/api/v1/plans/{code}/versions/{number}/approve", post(approve))
        .route("/api/v1/plans/{code}/versions/{number}/review", post(review))
        .route("/api/v1/plans/{code}/versions/{number}/withdraw", post(withdraw))
        .route("/api/v1/incidents/{id}/tasks", get(of_incident))
        .route("/api/v1/incidents/{id}/tasks/{task}", post(act))
        .route("/api/v1/incidents/{id}/plans", post(activate))
        .route("/api/v1/incidents/{id}/plans/{activation}/end", post(end))
}

/// Lists the versions of all plans, by plan and the newest first.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/plans", tag = "plans",
    responses((status = 200, body = Vec<Version>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Version>>, ApiError> {
    Ok(Json(store::versions(&mut *app.db.web.acquire().await?, None).await?))
}

/// A draft as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ContingencyPlanDraft)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// 1 to 40 small letters, digits and `-`.
    #[schema(min_length = 1, max_length = 40)]
    pub code: String,
    pub plan: Plan,
    /// Of the draft that is rewritten; none: a new plan or a new version.
    pub revision: Option<i32>,
}

/// A version with its document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ContingencyPlanShown)]
pub struct Shown {
    #[serde(flatten)]
    pub version: Version,
    pub plan: Plan,
}

async fn shown(conn: &mut sqlx::PgConnection, code: &str, number: i32) -> Result<Shown, ApiError> {
    let version = desk::version(&mut *conn, code, number).await?;
    let (plan, _) = store::document(conn, version.id).await?;
    Ok(Shown { version, plan })
}

/// Writes the draft of a plan. A version in force is never rewritten: a draft beside it is the next one.
///
/// # Errors
/// 400 naming every field that is wrong; 409 when the draft changed meanwhile; 401, 403.
#[utoipa::path(post, path = "/api/v1/plans", tag = "plans", request_body = Draft,
    responses((status = 201, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn write(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    StrictJson(draft): StrictJson<Draft>,
) -> Result<(StatusCode, Json<Shown>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let text = serde_json::to_string_pretty(&draft.plan).map_err(|error| ApiError::Internal(error.into()))?;
    let mut tx = app.db.web.begin().await?;
    let number = desk::write(&mut tx, by, (&draft.code, &text), draft.revision).await?;
    let made = shown(&mut tx, &draft.code, number).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One version with its document.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/plans/{code}/versions/{number}", tag = "plans",
    params(("code" = String, Path,), ("number" = i32, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((code, number)): Path<(String, i32)>,
) -> Result<Json<Shown>, ApiError> {
    Ok(Json(shown(&mut *app.db.web.acquire().await?, &code, number).await?))
}

/// What an approval or a review says.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ContingencyPlanWord)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The revision that was looked at.
    pub revision: i32,
    /// The day by which it is looked at again, within 366 days.
    pub review_on: NaiveDate,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

fn word<'a>(app: &App, said: &'a Said, now: crate::clock::Instant) -> Word<'a> {
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    Word { revision: said.revision, review_on: said.review_on, reason: &said.reason, today }
}

/// Puts a draft in force, in the place of the version that was. Whoever wrote it cannot.
///
/// # Errors
/// 400 naming the field; 403 to its authors; 404; 409 when it is no draft or changed meanwhile; 401.
#[utoipa::path(post, path = "/api/v1/plans/{code}/versions/{number}/approve", tag = "plans",
    params(("code" = String, Path,), ("number" = i32, Path,)), request_body = Said,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn approve(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path((code, number)): Path<(String, i32)>,
    StrictJson(said): StrictJson<Said>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::approve(&mut tx, by, (&code, number), &word(&app, &said, by.now)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes down that the version in force was looked at and stays.
///
/// # Errors
/// 400 naming the field; 404; 409 when it is not in force; 401, 403.
#[utoipa::path(post, path = "/api/v1/plans/{code}/versions/{number}/review", tag = "plans",
    params(("code" = String, Path,), ("number" = i32, Path,)), request_body = Said,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn review(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path((code, number)): Path<(String, i32)>,
    StrictJson(said): StrictJson<Said>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::review(&mut tx, by, (&code, number), &word(&app, &said, by.now)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why something ends.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ContingencyPlanEnd)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Gives up a draft, or, with the permission to issue alerts, ends the version in force.
///
/// # Errors
/// 400 without a reason; 404; 409 when it is over already; 401, 403.
#[utoipa::path(post, path = "/api/v1/plans/{code}/versions/{number}/withdraw", tag = "plans",
    params(("code" = String, Path,), ("number" = i32, Path,)), request_body = Why,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn withdraw(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((code, number)): Path<(String, i32)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    if desk::version(&mut tx, &code, number).await?.state == PlanState::InForce {
        staff.require(Permission::IssueAlerts)?;
    }
    desk::withdraw(&mut tx, by, (&code, number), &why.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A task with what is computed of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentTaskShown)]
pub struct TaskShown {
    #[serde(flatten)]
    pub task: Task,
    pub is_late: bool,
    /// Codes of the tasks that it still waits for.
    pub waits_for: Vec<String>,
}

/// The plans of an incident with their tasks.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentTasks)]
pub struct OfIncident {
    pub activations: Vec<Activation>,
    pub progress: Progress,
    /// By the time they are due.
    pub tasks: Vec<TaskShown>,
}

async fn exists(conn: &mut sqlx::PgConnection, id: Uuid) -> Result<(), ApiError> {
    let found = incidents::load(conn, IncidentId(id)).await?;
    found.map(drop).ok_or_else(|| ApiError::NotFound("the incident".into()))
}

/// The tasks of an incident: who has what, what is late, what waits for what.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/tasks", tag = "plans", params(("id" = Uuid, Path,)),
    responses((status = 200, body = OfIncident), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn of_incident(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<OfIncident>, ApiError> {
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    exists(&mut conn, id).await?;
    let activations = activations::list(&mut conn, IncidentId(id)).await?;
    let all = tasks::list(&mut conn, IncidentId(id)).await?;
    let facts: Vec<_> = all.iter().map(Task::facts).collect();
    let mut waits = waiting(&facts);
    let of = |task: Task| {
        let waits_for = waits.remove(&task.id).unwrap_or_default();
        TaskShown { is_late: task.is_late(now), task, waits_for }
    };
    let progress = progress(&facts, now);
    Ok(Json(OfIncident { activations, progress, tasks: all.into_iter().map(of).collect() }))
}

/// Takes a task, hands it over, finishes it, leaves it out (with the permission to run incidents) or takes that back.
///
/// # Errors
/// 400 naming the field; 404; 409 when it changed meanwhile or its state does not allow it; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/tasks/{task}", tag = "plans",
    params(("id" = Uuid, Path,), ("task" = Uuid, Path,)), request_body = Asked,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path((id, task)): Path<(Uuid, Uuid)>,
    StrictJson(asked): StrictJson<Asked>,
) -> Result<StatusCode, ApiError> {
    crate::web::pages::tasks::may_do(&staff, &asked.act)?;
    let may_run = staff.permissions.allow(Permission::RunIncidents);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    hands::act(&mut tx, by, (IncidentId(id), task), &asked, may_run).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many tasks began.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PlanActivated)]
pub struct Begun {
    pub tasks: usize,
}

/// Activates a scenario of a plan in force in an incident, or raises it. What stands at that level already is left as it is.
///
/// # Errors
/// 400 naming the field; 404; 409 when the incident is closed; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/plans", tag = "plans", params(("id" = Uuid, Path,)), request_body = ByHand,
    responses((status = 200, body = Begun), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn activate(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(wanted): StrictJson<ByHand>,
) -> Result<Json<Begun>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let tools = Tools { config: &app.config, ids: &app.ids };
    let mut tx = app.db.web.begin().await?;
    let tasks = activation::by_hand(&mut tx, tools, by, IncidentId(id), &wanted).await?;
    tx.commit().await?;
    Ok(Json(Begun { tasks }))
}

/// Ends an activation; what was open of its tasks is not needed any more.
///
/// # Errors
/// 400 without a reason; 404; 409 when it ended before; 401, 403.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/plans/{activation}/end", tag = "plans",
    params(("id" = Uuid, Path,), ("activation" = Uuid, Path,)), request_body = Why,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((id, activation)): Path<(Uuid, Uuid)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    activation::end(&mut tx, by, IncidentId(id), activation, &why.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
