//! Exercises over HTTP: planned, run and reported.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Permission;
use crate::app::App;
use crate::exercises::desk::Desk;
use crate::exercises::plan::{Invited, Plan};
use crate::exercises::report::{self as told, Report};
use crate::exercises::store::read::{self, Which};
use crate::exercises::{Act, Exercise, ExerciseError, Improvement, Inject, Participant};
use crate::ids::ExerciseId;
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/exercises", get(list).post(create))
        .route("/api/v1/exercises/{id}", get(show).put(edit))
        .route("/api/v1/exercises/{id}/acts", post(act))
        .route("/api/v1/exercises/{id}/participants", post(invite))
        .route("/api/v1/exercises/{id}/injects/{inject}/tick", post(tick))
        .route("/api/v1/exercises/{id}/alerts", post(draft))
        .route("/api/v1/exercises/{id}/report", get(report))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Span {
    /// Those that are planned to begin at this instant or later.
    from: Option<DateTime<Utc>>,
    /// And before this one.
    until: Option<DateTime<Utc>>,
}

/// Lists exercises in the order of their planned beginnings; at most 500.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/exercises", tag = "exercises", params(Span),
    responses((status = 200, body = Vec<Exercise>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(span): Query<Span>,
) -> Result<Json<Vec<Exercise>>, ApiError> {
    let which = Which { from: span.from, until: span.until, ..Which::default() };
    let rows = read::list(&mut *app.db.web.acquire().await?, &which).await;
    rows.map(Json).map_err(ApiError::Internal)
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExercisePlanned)]
pub struct Planned {
    pub id: Uuid,
    /// What its public address ends with: `/simulados/{code}`.
    pub code: String,
    pub revision: i32,
}

/// Plans an exercise.
///
/// # Errors
/// 400 naming every field that is wrong.
#[utoipa::path(post, path = "/api/v1/exercises", tag = "exercises", request_body = Plan,
    responses((status = 201, body = Planned), (status = 400, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    StrictJson(plan): StrictJson<Plan>,
) -> Result<(StatusCode, Json<Planned>), ApiError> {
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: app.clock.now(), actor: &actor };
    let id = desk.plan(&mut tx, &plan).await?;
    let made = read::load(&mut tx, id).await.map_err(ApiError::Internal)?.ok_or(ExerciseError::NotFound)?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Planned { id: id.0, code: made.code, revision: made.revision })))
}

/// An exercise with its parts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseWhole)]
pub struct Whole {
    #[serde(flatten)]
    pub exercise: Exercise,
    pub injects: Vec<Inject>,
    /// Names of residents only with the permission to see residents; at most 1,000.
    pub people: Vec<Participant>,
    pub improvements: Vec<Improvement>,
}

/// Tells one exercise: plan, injects, who takes part, improvements.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/exercises/{id}", tag = "exercises", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Whole), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Whole>, ApiError> {
    let id = ExerciseId(id);
    let mut conn = app.db.web.acquire().await?;
    let exercise = read::load(&mut conn, id).await.map_err(ApiError::Internal)?.ok_or(ExerciseError::NotFound)?;
    let named = staff.permissions.allow(Permission::SeeResidents);
    Ok(Json(Whole {
        injects: read::injects(&mut conn, id).await?,
        people: read::participants(&mut conn, id, named).await?,
        improvements: read::improvements(&mut conn, id).await?,
        exercise,
    }))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExerciseEdited)]
pub struct Edited {
    /// The revision that was read.
    pub revision: i32,
    pub plan: Plan,
}

/// Replaces the plan of an exercise that has not begun. Whoever was told of another time is told of the new one.
///
/// # Errors
/// 400; 404; 409 when it moved since `revision` or has begun.
#[utoipa::path(put, path = "/api/v1/exercises/{id}", tag = "exercises", params(("id" = Uuid, Path,)), request_body = Edited,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Edited>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: app.clock.now(), actor: &actor };
    desk.edit(&mut tx, ExerciseId(id), given.revision, &given.plan).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExerciseAct)]
pub struct Asked {
    /// announce, start, finish, report or cancel.
    #[schema(value_type = String, example = "start")]
    pub act: Act,
    /// Why it is called off.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// Announces, starts, ends, reports or calls off an exercise.
///
/// # Errors
/// 400 when it is called off without a reason; 404; 409 when its state does not allow the act, or an alert of it is still open.
#[utoipa::path(post, path = "/api/v1/exercises/{id}/acts", tag = "exercises", params(("id" = Uuid, Path,)), request_body = Asked,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Asked>,
) -> Result<StatusCode, ApiError> {
    let id = ExerciseId(id);
    if given.reason.chars().count() > 1000 {
        return Err(ApiError::bad("reason has more than 1000 characters"));
    }
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: app.clock.now(), actor: &actor };
    match given.act {
        Act::Announce => desk.announce(&mut tx, id).await.map(drop)?,
        Act::Start => desk.start(&mut tx, id).await?,
        Act::Finish => desk.finish(&mut tx, id).await?,
        Act::Report => desk.report(&mut tx, id).await?,
        Act::Cancel => desk.cancel(&mut tx, id, &given.reason).await?,
        Act::Edit => return Err(ApiError::field("act", "edit", "expected announce, start, finish, report or cancel")),
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts one of the staff, an institution or a community nucleus on the list. Residents join by themselves.
///
/// # Errors
/// 400; 404; 409 when the exercise is over or they take part already.
#[utoipa::path(post, path = "/api/v1/exercises/{id}/participants", tag = "exercises", params(("id" = Uuid, Path,)),
    request_body = Invited, responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn invite(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Invited>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: app.clock.now(), actor: &actor };
    desk.invite(&mut tx, ExerciseId(id), &given).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExerciseTick)]
pub struct Ticked {
    /// False takes the tick back.
    pub done: bool,
}

/// Ticks an inject of an exercise that runs.
///
/// # Errors
/// 404; 409 when it does not run, or the inject is so already.
#[utoipa::path(post, path = "/api/v1/exercises/{id}/injects/{inject}/tick", tag = "exercises",
    params(("id" = Uuid, Path,), ("inject" = i64, Path,)), request_body = Ticked,
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn tick(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path((id, inject)): Path<(Uuid, i64)>,
    StrictJson(given): StrictJson<Ticked>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: app.clock.now(), actor: &actor };
    desk.tick(&mut tx, ExerciseId(id), inject, given.done).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExerciseDraft)]
pub struct Wanted {
    /// observation, attention, alert or maximum.
    #[schema(value_type = String, example = "alert")]
    pub level: Level,
}

/// A draft that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ExerciseDrafted)]
pub struct Drafted {
    pub alert_id: Uuid,
}

/// Drafts an alert of the exercise for all its areas. It leaves by the approval of alerts, while the exercise runs, to whoever joined.
///
/// # Errors
/// 400 for a level that is no alert's; 404; 409 when the exercise is over.
#[utoipa::path(post, path = "/api/v1/exercises/{id}/alerts", tag = "exercises", params(("id" = Uuid, Path,)),
    request_body = Wanted, responses((status = 201, body = Drafted), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn draft(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Wanted>,
) -> Result<(StatusCode, Json<Drafted>), ApiError> {
    if given.level <= Level::Normal {
        return Err(ApiError::field("level", given.level.as_str(), "expected a level above normal"));
    }
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: app.clock.now(), actor: &actor };
    let alert = desk.draft(&mut tx, ExerciseId(id), given.level).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Drafted { alert_id: alert.0 })))
}

/// The report after the action, counted from the rows: times of every alert, deliveries by channel, who took part, injects, and what
/// people wrote.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/exercises/{id}/report", tag = "exercises", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Report), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn report(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Report>, ApiError> {
    let report = told::of(&mut *app.db.web.acquire().await?, ExerciseId(id)).await.map_err(ApiError::Internal)?;
    report.map(Json).ok_or_else(|| ExerciseError::NotFound.into())
}
