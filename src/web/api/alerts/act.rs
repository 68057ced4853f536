//! Acts on an alert: discard, issue, and the drafts that answer it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use crate::alerts::issue::Issued;
use crate::alerts::{AlertError, AlertKind, draft, store};
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
    /// Why; kept in the history.
    pub reason: String,
}

/// Discards a draft.
///
/// # Errors
/// 404; 409 when the draft moved since `revision`, or without a reason.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/discard", tag = "alerts", params(("id" = Uuid, Path,)),
    request_body = Discard, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn discard(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Discard>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    draft::discard(&mut tx, now, &staff.username, AlertId(id), given.revision, &given.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The revision that was read and approved.
    pub revision: i32,
}

/// Issues a draft: number, CAP message, messages to the residents inside, incident. The caller is named as the issuer.
///
/// # Errors
/// 400 listing all that is missing; 403 below the role approver; 404; 409 when the draft moved since `revision`.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/issue", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Issue,
    responses((status = 200, body = Issued), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn issue(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Issue>,
) -> Result<Json<Issued>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let issued = issuer(&app).issue(&mut tx, now, &staff.username, AlertId(id), given.revision).await?;
    tx.commit().await?;
    Ok(Json(issued))
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

/// Drafts the withdrawal of an alert that should not have been sent.
///
/// # Errors
/// 404; 409 when the alert is not in force.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/cancel", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn cancel(
    state: State<App>,
    staff: May<can::DraftAlerts>,
    id: Path<Uuid>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    answer(state, &staff, id, AlertKind::Cancel).await
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
    let row = store::load(&mut tx, draft).await?.ok_or(AlertError::NotFound)?.row;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Created { id: draft.0, revision: row.revision })))
}
