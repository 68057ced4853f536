//! What lies between a draft and its issue: submitted, given back, approved by whom, and who is paged while it waits.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alerts::approve::{self, Approval};
use crate::alerts::escalation::How;
use crate::alerts::escalation::store::{self as escalations, Acknowledged, Escalation, Seen};
use crate::alerts::{AlertError, store};
use crate::app::App;
use crate::ids::AlertId;
use crate::web::api::alerts::draft::Created;
use crate::web::api::alerts::issuer;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

const MAX_REASON: usize = 4000;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// The revision that was read.
    pub revision: i32,
}

/// Submits a draft for a decision. While it waits, staff are paged along the plan of the configuration. Submitting the same
/// revision again changes nothing.
///
/// # Errors
/// 400 listing all that is missing; 404; 409 when the draft moved since `revision`, somebody else submitted it, or it is
/// decided.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/submit", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Submit,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn submit(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Submit>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.web.begin().await?;
    issuer(&app).submit(&mut tx, app.clock.now(), &staff.actor(), AlertId(id), given.revision).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Return {
    pub revision: i32,
    /// What has to change; whoever wrote it reads this. 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    pub reason: String,
}

/// Gives a submitted draft back, with the reason. It is a draft again, at a new revision, and no approval of it counts.
///
/// # Errors
/// 400 without a reason; 403 below the role approver; 404; 409 when it moved since `revision` or was not submitted.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/return", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Return,
    responses((status = 200, body = Created), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn send_back(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Return>,
) -> Result<Json<Created>, ApiError> {
    let length = given.reason.trim().chars().count();
    if !(1..=MAX_REASON).contains(&length) {
        return Err(ApiError::field("reason", given.reason, format!("expected 1 to {MAX_REASON} characters")));
    }
    let mut tx = app.db.web.begin().await?;
    let (now, at) = (app.clock.now(), (AlertId(id), given.revision));
    let revision = issuer(&app).send_back(&mut tx, now, &staff.actor(), at, &given.reason).await?;
    tx.commit().await?;
    Ok(Json(Created { id, revision }))
}

/// What must stand behind an alert before it leaves, and who does already.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ApprovalState {
    /// `automatic`, `one` or `two`.
    #[schema(value_type = String)]
    pub approvals: approve::Needs,
    /// The policy that says so; null where none holds for it.
    pub policy: Option<String>,
    /// Where the contingency plan lets it leave without a person; empty otherwise.
    pub plancon: String,
    /// Why that policy holds.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub because: Vec<approve::Because>,
    /// Those that count.
    pub given: Vec<Approval>,
    /// User names of those who may complete it, or be the first of two.
    pub awaited: Vec<String>,
}

/// What must stand behind an alert before it leaves, by which policy and why, and who does already.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/approval", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = ApprovalState), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn approval(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<ApprovalState>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let alert = store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let standing = approve::standing(&mut conn, &app.config, &alert.row).await.map_err(ApiError::Internal)?;
    Ok(Json(ApprovalState {
        approvals: standing.asked.needs,
        policy: standing.asked.policy,
        plancon: standing.asked.plancon,
        because: standing.asked.because,
        given: standing.given,
        awaited: standing.awaited.into_iter().map(|who| who.username).collect(),
    }))
}

/// Says that one has seen that an alert waits: nobody is paged for it any more. Saying it again changes nothing.
///
/// # Errors
/// 404; 409 when it waits for nobody.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Acknowledged), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn acknowledge(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
) -> Result<Json<Acknowledged>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let (now, by) = (app.clock.now(), staff.actor());
    store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let said =
        escalations::acknowledge(&mut tx, &app.ids, now, (&by, staff.id), Seen::Alert(AlertId(id)), How::Api).await?;
    tx.commit().await?;
    Ok(Json(said))
}

/// Every wait of an alert for an answer, the newest first: the plan as it stood, who was paged, and what became of it.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/escalation", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Escalation>), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn escalation(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Escalation>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    Ok(Json(escalations::of_alert(&mut conn, AlertId(id)).await?))
}
