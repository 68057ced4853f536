//! The app of the field over HTTP: what somebody has before them, and what they do with it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use uuid::Uuid;

use super::deployments::Sent;
use super::inspections::status;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::inspections::State as Stands;
use crate::inspections::acts::{self, Done, Given, Tools};
use crate::inspections::form::{self, Form};
use crate::inspections::store::interdiction::count;
use crate::inspections::store::today::{self as store, Repeat, Running, Standing, Task};
use crate::occurrences::AT_WORK;
use crate::occurrences::store::list::{self, Line, Wish};
use crate::reports::take::Desk;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/field/today", get(today)).route("/api/v1/field/acts", post(act))
}

/// Occurrences of one answer.
const OCCURRENCES: i64 = 100;

/// Whose telephone it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FieldAccount)]
pub struct Account {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub language: String,
}

/// Everything that the app needs to work without a network.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FieldToday)]
pub struct Today {
    /// The service's clock.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    pub account: Account,
    /// What acts of this session carry in the header `csrf`; empty for tokens.
    pub csrf: String,
    /// The checklist that is filled now.
    pub form: Option<Form>,
    pub tasks: Vec<Task>,
    /// Those that are open: what is inspected belongs to one of them, or to none.
    pub incidents: Vec<Running>,
    /// Those that this account answers for.
    pub occurrences: Vec<Line>,
    /// Open deployments of this account and of its teams; their steps go to `/api/v1/deployments/{id}/steps`.
    pub deployments: Vec<Sent>,
    /// The newest interdictions that stand, which may be released.
    pub interdictions: Vec<Standing>,
    /// How many stand; others are in the console.
    pub interdictions_total: i64,
    /// Inspections to be repeated within a week.
    pub repeats: Vec<Repeat>,
}

/// Tells what somebody has before them today, for their telephone to keep.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/field/today", tag = "inspections",
    responses((status = 200, body = Today), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn today(State(app): State<App>, staff: May<can::Inspect>) -> Result<Json<Today>, ApiError> {
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    let tasks = store::tasks(&mut conn, staff.id, &staff.roles.words(), now).await?;
    let incidents = store::incidents(&mut conn).await?;
    let wish = Wish { states: AT_WORK.to_vec(), assignee: Some(staff.username.clone()), ..Wish::default() };
    let occurrences = list::lines(&mut conn, &wish, now, None, OCCURRENCES).await?;
    let deployments = crate::deployments::store::of_account(&mut conn, staff.id.0).await?;
    let deployments = deployments.into_iter().map(Sent::from).collect();
    let interdictions = store::interdictions(&mut conn).await?;
    let interdictions_total = count(&mut conn, Some(Stands::Active)).await?;
    let local = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let repeats = store::repeats(&mut conn, staff.id, local).await?;
    let account = Account {
        id: staff.id.0,
        username: staff.username.clone(),
        name: staff.name.clone(),
        language: staff.language.clone(),
    };
    let csrf = staff.csrf_token.clone();
    let form = form::current();
    Ok(Json(Today {
        at: now,
        account,
        csrf,
        form,
        tasks,
        incidents,
        occurrences,
        deployments,
        interdictions,
        interdictions_total,
        repeats,
    }))
}

/// Does one thing to a task or an occurrence, once: what is sent again is answered as the first time (200).
///
/// # Errors
/// 400 naming the field; 404; 409 when its state does not allow it, it is somebody else's, or the key came before with other content;
/// 401, 403.
#[utoipa::path(post, path = "/api/v1/field/acts", tag = "inspections", request_body = Given,
    responses((status = 201, body = Done), (status = 200, description = "It came before", body = Done), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::Inspect>,
    StrictJson(given): StrictJson<Given>,
) -> Result<(StatusCode, Json<Done>), ApiError> {
    staff.require(Permission::ReportField)?;
    let (actor, base) = (staff.actor(), app.config.public_url());
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let runs_incidents = staff.permissions.allow(Permission::RunIncidents);
    let tools = Tools { ring: &app.keys.vault, desk: Desk::of(&app), base: &base, runs_incidents };
    let mut tx = app.db.web.begin().await?;
    let (done, is_new) = acts::act(&mut tx, by, tools, &given).await?;
    tx.commit().await?;
    Ok((status(is_new), Json(done)))
}
