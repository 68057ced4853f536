//! Incidents over HTTP.

pub mod photographs;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::ids::{AlertId, IncidentId};
use crate::incidents::ending::{self, CloseError};
use crate::incidents::notes::{self, NoteError};
use crate::incidents::store::{self, Entry, Incident};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;
use crate::web::upload;

/// Incidents or entries in one answer.
const MOST: i64 = 500;
const MAX_TEXT: usize = 4000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/incidents", get(list))
        .route("/api/v1/incidents/{id}", get(show))
        .route("/api/v1/incidents/{id}/entries", post(add))
        .route("/api/v1/incidents/{id}/close", post(close))
        .merge(photographs::routes())
}

/// Lists incidents, newest first.
///
/// # Errors
/// 401.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents",
    responses((status = 200, body = Vec<Incident>), (status = 401, body = Problem)), security(("api_token" = [])))]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<Incident>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(store::list(&mut conn, MOST).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// Entries after this entry id; 0 = from the beginning.
    #[serde(default)]
    after: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Detail {
    #[serde(flatten)]
    pub incident: Incident,
    #[schema(value_type = Vec<Uuid>)]
    pub alerts: Vec<AlertId>,
    /// Oldest first, at most 500.
    pub entries: Vec<Entry>,
}

/// One incident with its timeline.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = Uuid, Path,), After),
    responses((status = 200, body = Detail), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(page): Query<After>,
) -> Result<Json<Detail>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let incident = store::load(&mut conn, IncidentId(id)).await?.ok_or_else(not_found)?;
    let alerts = store::alerts(&mut conn, IncidentId(id)).await?;
    let entries = store::entries(&mut conn, IncidentId(id), page.after, MOST).await?;
    Ok(Json(Detail { incident, alerts, entries }))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    pub text: String,
    /// The note that this one corrects; that one stays.
    #[serde(default)]
    pub corrects: Option<i64>,
    /// Photographs of this incident that it shows; send them first.
    #[serde(default)]
    #[schema(max_items = 12)]
    pub photographs: Vec<Uuid>,
}

/// Writes a line onto the timeline, with photographs where it names some, or corrects an earlier note by a new line. It can never be changed.
/// `@name` tells that person.
///
/// # Errors
/// 400 naming the field; 404; 409 when the incident is closed, or the line is no note of it or was corrected.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/entries", tag = "incidents", params(("id" = Uuid, Path,)),
    request_body = Note, responses((status = 201), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path(id): Path<Uuid>,
    StrictJson(note): StrictJson<Note>,
) -> Result<StatusCode, ApiError> {
    let text = checked("text", &note.text)?;
    if note.photographs.len() > upload::MAX_FILES {
        let count = note.photographs.len().to_string();
        return Err(ApiError::field("photographs", count, format!("expected at most {}", upload::MAX_FILES)));
    }
    let mut tx = app.db.web.begin().await?;
    let written = notes::Note { text, corrects: note.corrects, known: &note.photographs, ..notes::Note::default() };
    let (actor, base) = (staff.actor(), app.config.public_url());
    notes::write(&mut tx, (&app.ids, app.clock.now()), (&actor, &base), IncidentId(id), written).await?;
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// Why it is over; stands on the timeline. 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    pub reason: String,
}

/// Closes an incident.
///
/// # Errors
/// 400 without a reason; 404; 409 when it is not open, or shelters are in use for it.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/close", tag = "incidents", params(("id" = Uuid, Path,)),
    request_body = Close, responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn close(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Close>,
) -> Result<StatusCode, ApiError> {
    let reason = checked("reason", &given.reason)?;
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    ending::close(&mut tx, (&app.ids, now), &staff.actor(), IncidentId(id), reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked<'a>(field: &str, text: &'a str) -> Result<&'a str, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        return Err(ApiError::field(field, text, format!("expected 1 to {MAX_TEXT} characters")));
    }
    Ok(text)
}

impl From<CloseError> for ApiError {
    fn from(error: CloseError) -> Self {
        match error {
            CloseError::NotFound => not_found(),
            CloseError::Database(error) => error.into(),
            other => Self::Conflict(other.to_string()),
        }
    }
}

impl From<NoteError> for ApiError {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Photographs(error) => error.into(),
            NoteError::NoLine => Self::Conflict(error.to_string()),
            NoteError::NoPhotograph(id) => {
                Self::field("photographs", id.to_string(), "expected photographs that this incident holds")
            }
            NoteError::Database(error) => error.into(),
        }
    }
}

fn not_found() -> ApiError {
    ApiError::NotFound("the incident".into())
}
