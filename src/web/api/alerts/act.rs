//! Acts on an alert: discard, issue, and the drafts that answer it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use uuid::Uuid;

use crate::alerts::approve::{Outcome, Waiting};
use crate::alerts::issue::Issued;
use crate::alerts::life::MOST_REASON;
use crate::alerts::{AlertError, AlertKind, draft, store, trail};
use crate::app::App;
use crate::ids::AlertId;
use crate::web::api::alerts::draft::Created;
use crate::web::api::alerts::{drafter, issuer};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    pub revision: i32,
    /// Why; kept in the history. 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    pub reason: String,
}

/// Discards a draft.
///
/// # Errors
/// 400 without a reason; 404; 409 when the draft moved since `revision`.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/discard", tag = "alerts", params(("id" = Uuid, Path,)),
    request_body = Discard, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn discard(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Discard>,
) -> Result<StatusCode, ApiError> {
    check_reason(&given.reason)?;
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    draft::discard(&mut tx, now, &staff.username, AlertId(id), given.revision, &given.reason).await?;
    trail::discarded(&mut tx, &app.ids, now, &staff.actor(), AlertId(id), &given.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_reason(reason: &str) -> Result<(), ApiError> {
    if (1..=MOST_REASON).contains(&reason.trim().chars().count()) {
        return Ok(());
    }
    Err(ApiError::field("reason", reason, format!("expected 1 to {MOST_REASON} characters")))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The revision that was read and approved.
    pub revision: i32,
}

/// Approves a draft and issues it: number, CAP message, messages to the residents inside, incident. The caller is named as the
/// issuer. Where two persons must stand behind it (`alerts.two_person_from`), the first approval is kept and answered with 202,
/// which names who may complete it; whoever wrote the text cannot.
///
/// # Errors
/// 400 listing all that is missing; 403 below the role approver; 404; 409 when the draft moved since `revision`, or when its
/// author would complete it.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/issue", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Issue,
    responses((status = 200, body = Issued), (status = 202, body = Waiting), (status = 400, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn issue(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Issue>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let outcome = issuer(&app).approve(&mut tx, now, &staff.actor(), AlertId(id), given.revision).await?;
    tx.commit().await?;
    Ok(match outcome {
        Outcome::Issued(issued) => Json(issued).into_response(),
        Outcome::Waits(waiting) => (StatusCode::ACCEPTED, Json(waiting)).into_response(),
    })
}

/// Takes back one's own approval of a draft that waits for another person.
///
/// # Errors
/// 403 below the role approver; 404; 409 when there is none of the draft as it stands, or it has left.
#[utoipa::path(delete, path = "/api/v1/alerts/{id}/approval", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn withdraw_approval(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.web.begin().await?;
    issuer(&app).withdraw_approval(&mut tx, app.clock.now(), &staff.actor(), AlertId(id)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Drafts the end of an alert in force. Answers with the draft that waits already, if there is one.
///
/// # Errors
/// 404; 409 when the alert is not in force.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/all-clear", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn all_clear(
    state: State<App>,
    staff: May<can::DraftAlerts>,
    id: Path<Uuid>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    answer(state, &staff, id, AlertKind::AllClear).await
}

/// Why an alert should not have been sent.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelAlert {
    /// Kept in the history. 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    pub reason: String,
}

/// Drafts the withdrawal of an alert that should not have been sent; that a danger is over says an all-clear. Answers with the draft
/// that waits already, if there is one, and adds the reason to it.
///
/// # Errors
/// 400 without a reason; 404; 409 when the alert is not in force.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/cancel", tag = "alerts", params(("id" = Uuid, Path,)),
    request_body = CancelAlert,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn cancel(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<CancelAlert>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    check_reason(&given.reason)?;
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let draft = drafter(&app).cancel(&mut tx, now, &staff.username, AlertId(id), &given.reason).await?;
    trail::drafted(&mut tx, &app.ids, now, &staff.actor(), draft, given.reason.trim()).await?;
    let row = store::load(&mut tx, draft).await?.ok_or(AlertError::NotFound)?.row;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Created { id: draft.0, revision: row.revision })))
}

/// Drafts an update that takes the alert's place.
///
/// # Errors
/// 404; 409 when the alert is not in force.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/update", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn update(
    state: State<App>,
    staff: May<can::DraftAlerts>,
    id: Path<Uuid>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    answer(state, &staff, id, AlertKind::Update).await
}

async fn answer(
    State(app): State<App>,
    staff: &Staff,
    Path(id): Path<Uuid>,
    kind: AlertKind,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let draft = drafter(&app).answer(&mut tx, now, &staff.username, AlertId(id), kind).await?;
    trail::drafted(&mut tx, &app.ids, now, &staff.actor(), draft, "").await?;
    let row = store::load(&mut tx, draft).await?.ok_or(AlertError::NotFound)?.row;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Created { id: draft.0, revision: row.revision })))
}
