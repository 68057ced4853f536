//! Requests for resources over HTTP: what is asked for, who could be sent, and whom it is given.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Sent, found};
use crate::app::App;
use crate::clock::Instant;
use crate::deployments::store::{self, Asked, Which};
use crate::deployments::{NewRequest, Request, desk};
use crate::refused::Refused;
use crate::reports::acts::By;
use crate::reports::take::Desk;
use crate::resources::{Kind, Skill};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/resource-requests", get(requests).post(ask))
        .route("/api/v1/resource-requests/{id}", get(request))
        .route("/api/v1/resource-requests/{id}/deployments", post(assign))
        .route("/api/v1/resource-requests/{id}/close", post(close))
}

/// A request for resources.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ResourceRequest)]
pub struct Row {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub typing: Option<i16>,
    pub wanted: i32,
    /// Deployments that were neither declined nor cancelled.
    pub given: i64,
    pub skills: Vec<String>,
    pub task: String,
    /// Its own, or that of its occurrence.
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    /// It is of an exercise.
    pub drill: bool,
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Instant,
    pub requested_by: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Instant>,
    pub close_reason: String,
}

impl From<Request> for Row {
    fn from(one: Request) -> Self {
        Self {
            id: one.id,
            number: one.number,
            kind: one.what.kind.to_string(),
            typing: one.what.typing,
            wanted: one.what.wanted,
            given: one.given,
            skills: one.what.skills.iter().map(ToString::to_string).collect(),
            task: one.what.task,
            incident: one.incident,
            occurrence: one.what.occurrence,
            drill: one.drill,
            requested_at: one.requested_at,
            requested_by: one.requested_by,
            closed_at: one.closed_at,
            close_reason: one.close_reason,
        }
    }
}

/// Which requests or deployments.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Those of this incident and of its occurrences.
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    /// Only what is open.
    #[serde(default)]
    pub open: bool,
}

/// Lists requests for resources, the newest first, at most 500.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(get, path = "/api/v1/resource-requests", tag = "teams", params(Filter),
    responses((status = 200, body = Vec<Row>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn requests(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(filter): Query<Filter>,
) -> Result<Json<Vec<Row>>, ApiError> {
    let asked = Asked { id: None, incident: filter.incident, occurrence: filter.occurrence, open: filter.open };
    let all = store::requests(&mut *app.db.web.acquire().await?, asked).await?;
    Ok(Json(all.into_iter().map(Row::from).collect()))
}

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewResourceRequest)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// An open incident; it or an occurrence has to be given. Beside an occurrence it has to be the one that this belongs to.
    pub incident: Option<Uuid>,
    /// An occurrence that is worked on.
    pub occurrence: Option<Uuid>,
    /// As of a resource.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// The least able type, 1 to 4.
    #[schema(minimum = 1, maximum = 4)]
    pub typing: Option<i16>,
    /// How many, 1 to 50.
    #[schema(minimum = 1, maximum = 50)]
    pub wanted: i32,
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 20)]
    pub skills: Vec<Skill>,
    /// What they are to do; 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub task: String,
}

async fn asked(conn: &mut sqlx::PgConnection, id: Uuid) -> Result<Request, Refused> {
    let found = store::requests(conn, Asked { id: Some(id), ..Asked::default() }).await?.pop();
    found.ok_or_else(|| Refused::NotFound("request".into()))
}

/// Asks for resources.
///
/// # Errors
/// 400 naming the field; 409 when the incident or the occurrence is over; 401, 403.
#[utoipa::path(post, path = "/api/v1/resource-requests", tag = "teams", request_body = Ask,
    responses((status = 201, body = Row), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn ask(
    State(app): State<App>,
    staff: May<can::ReportField>,
    StrictJson(given): StrictJson<Ask>,
) -> Result<(StatusCode, Json<Row>), ApiError> {
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let Ask { incident, occurrence, kind, typing, wanted, mut skills, task } = given;
    skills.sort_unstable();
    skills.dedup();
    let mut tx = app.db.web.begin().await?;
    let new = NewRequest { incident, occurrence, kind, typing, wanted, skills, task };
    let id = desk::request(&mut tx, by, &new).await?;
    let row = Row::from(asked(&mut tx, id).await?);
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(row)))
}

/// A resource that could be given, with what speaks against it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ResourceCandidate)]
pub struct Candidate {
    pub resource: Uuid,
    pub code: String,
    pub name: String,
    /// What speaks against it.
    pub against: Vec<Against>,
}

/// Something that speaks against a resource.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ResourceConflict)]
pub struct Against {
    /// booked, retired, empty_team, maintenance, off_shift, missing_skill, no_leader, in_team, less_able
    pub conflict: String,
    pub message: String,
    /// Whether a reason overrules it.
    pub can_be_overruled: bool,
}

/// A request with what was given and what could be.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ResourceRequestShown)]
pub struct Shown {
    #[serde(flatten)]
    pub request: Row,
    pub deployments: Vec<Sent>,
    /// Everything of this kind, the best first; empty when the request is closed.
    pub candidates: Vec<Candidate>,
}

/// Shows a request with who could be sent and what speaks against each.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/resource-requests/{id}", tag = "teams", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn request(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let request = asked(&mut conn, id).await?;
    let judged =
        if request.is_open() { desk::candidates(&mut conn, &request, app.clock.now()).await? } else { Vec::new() };
    let candidates = judged.into_iter().map(|(one, conflicts)| Candidate {
        resource: one.id,
        code: one.what.code,
        name: one.what.name,
        against: conflicts
            .iter()
            .map(|one| Against {
                conflict: one.word().to_owned(),
                message: one.told(),
                can_be_overruled: one.can_be_overruled(),
            })
            .collect(),
    });
    let candidates = candidates.collect();
    let sent = store::list(&mut conn, Which { request: Some(id), ..Which::default() }).await?;
    let deployments = sent.into_iter().map(Sent::from).collect();
    Ok(Json(Shown { request: request.into(), deployments, candidates }))
}

/// Who is sent.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewDeployment)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    pub resource: Uuid,
    /// Why in spite of what speaks against it; at most 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// Gives a resource to a request. What is bound elsewhere never is; what else speaks against it needs a reason.
///
/// # Errors
/// 400 naming the field, `reason` when something has to be overruled; 404; 409 when it is bound, the request is closed or full, or what it is for is over; 401, 403.
#[utoipa::path(post, path = "/api/v1/resource-requests/{id}/deployments", tag = "teams", params(("id" = Uuid, Path,)), request_body = Assign,
    responses((status = 201, body = Sent), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn assign(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Assign>,
) -> Result<(StatusCode, Json<Sent>), ApiError> {
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = desk::assign(&mut tx, by, (id, given.resource), (&given.reason, &app.config.public_url())).await?;
    let row = Sent::from(found(&mut tx, made).await?);
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(row)))
}

/// Why it is closed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ResourceRequestClose)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// At most 500 characters; needed when it lacks something.
    #[serde(default)]
    pub reason: String,
}

/// Closes a request: nothing more is given to it. Deployments go on.
///
/// # Errors
/// 400 without a reason; 404; 409 when it is closed; 401, 403.
#[utoipa::path(post, path = "/api/v1/resource-requests/{id}/close", tag = "teams", params(("id" = Uuid, Path,)), request_body = Close,
    responses((status = 200, body = Row), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn close(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Close>,
) -> Result<Json<Row>, ApiError> {
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::close(&mut tx, by, id, &given.reason).await?;
    let row = Row::from(asked(&mut tx, id).await?);
    tx.commit().await?;
    Ok(Json(row))
}
