//! Sirens over HTTP: what they do, what they are asked, and the rule of two persons.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ids::EndpointId;
use crate::sirens::desk::{self, Alone, Given};
use crate::sirens::request::Word;
use crate::sirens::{Request, Siren};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;
use crate::web::pages::sirens::{load, read_word};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/sirens", get(list))
        .route("/api/v1/sirens/{id}/commands", post(command))
        .route("/api/v1/siren-requests", get(requests).post(ask))
        .route("/api/v1/siren-requests/{id}", post(decide))
}

/// Lists the sirens with state, battery and last test.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/sirens", tag = "sirens",
    responses((status = 200, body = Vec<Siren>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Siren>>, ApiError> {
    Ok(Json(load(&app, app.clock.now()).await?.0))
}

/// What a siren shall do.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SirenCommand)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// arm, silence, `test_silent` or `test_chirp`. To sound takes two persons: `/api/v1/siren-requests`.
    pub act: String,
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SirenMade)]
pub struct Made {
    pub id: Uuid,
}

/// Asks a siren something that takes one person.
///
/// # Errors
/// 400 naming the field; 409 when its state does not allow it; 404, 401, 403.
#[utoipa::path(post, path = "/api/v1/sirens/{id}/commands", tag = "sirens", params(("id" = Uuid, Path,)), request_body = Wanted,
    responses((status = 202, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn command(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(wanted): StrictJson<Wanted>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let what = Alone::read(&wanted.act)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::ask(&mut tx, by, EndpointId(id), what).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(Made { id })))
}

/// Lists requests to sound: those that wait, then the newest; at most 30.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/siren-requests", tag = "sirens",
    responses((status = 200, body = Vec<Request>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn requests(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Request>>, ApiError> {
    Ok(Json(load(&app, app.clock.now()).await?.1))
}

/// Asks that sirens sound. Nothing sounds until a second person confirms in time.
///
/// # Errors
/// 400 naming the field; 401, 403.
#[utoipa::path(post, path = "/api/v1/siren-requests", tag = "sirens", request_body = Given,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn ask(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    StrictJson(given): StrictJson<Given>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::request(&mut tx, by, staff.id, &given, app.config.sirens.confirm_within_min).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// A person's word on a request.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SirenWord)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// confirm, refuse, or withdraw.
    pub act: String,
}

/// How a request stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SirenRequestStands)]
pub struct Stands {
    /// confirmed, refused or withdrawn.
    pub state: String,
}

/// Confirms, refuses or withdraws a request. To confirm asks for `issue_alerts`, and for another person than whoever asked.
///
/// # Errors
/// 400 naming the field; 403 for the same person; 404; 409 when it is decided or too late; 401.
#[utoipa::path(post, path = "/api/v1/siren-requests/{id}", tag = "sirens", params(("id" = Uuid, Path,)), request_body = Said,
    responses((status = 200, body = Stands), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn decide(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(said): StrictJson<Said>,
) -> Result<Json<Stands>, ApiError> {
    let word = read_word(&said.act)?;
    if word == Word::Confirm {
        staff.require(Permission::IssueAlerts)?;
    }
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let state = desk::decide(&mut tx, by, staff.id, (id, word)).await?;
    tx.commit().await?;
    Ok(Json(Stands { state: state.to_string() }))
}
