//! Minutes over HTTP: drafted, corrected, approved, published.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::{seen, worked};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::committees::{paper, reads_minutes};
use crate::secretariat::kernel::body::desk::meetings;
use crate::secretariat::kernel::body::desk::minutes::{self as desk, Approved};
use crate::secretariat::kernel::body::{Meeting, store};
use crate::web::aside;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes", get(show).post(draft).put(edit))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes/approval", post(approve))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes/publication", post(publish))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes.pdf", get(pdf))
}

/// The text of a meeting as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BodyMinutes)]
pub struct Text {
    #[serde(flatten)]
    pub meeting: Meeting,
    pub text: String,
}

impl From<Meeting> for Text {
    fn from(meeting: Meeting) -> Self {
        Self { text: meeting.minutes.clone(), meeting }
    }
}

/// Shows the minutes of a meeting. A draft is for whoever works in the body and for its members.
///
/// # Errors
/// 404, also while there is no text for the caller; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")),
    responses((status = 200, body = Text), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, number)): Path<(String, String)>,
) -> Result<Json<Text>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = seen(&mut conn, &staff, &slug).await?;
    let (_, meeting) = meetings::look(&mut conn, &slug, &number).await?;
    let reads = reads_minutes(&mut conn, &meeting, (&staff.roles, staff.id.0), &body).await?;
    if meeting.minutes_revision == 0 || !reads {
        return Err(ApiError::NotFound("text of this meeting".into()));
    }
    Ok(Json(meeting.into()))
}

/// Drafts the minutes of a held meeting from its record.
///
/// # Errors
/// 404; 409 when it was not held or has a text already; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")),
    responses((status = 201, body = Text), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn draft(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, number)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Text>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::draft(&mut tx, by, app.config.municipality.time_zone, (&slug, &number)).await?;
    let (_, meeting) = meetings::look(&mut tx, &slug, &number).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(meeting.into())))
}

/// The text as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyMinutesChange)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub revision: i32,
    /// 1 to 60000 characters.
    pub text: String,
}

/// Corrects a draft of minutes.
///
/// # Errors
/// 400 naming the field; 404; 409 when they were approved or changed meanwhile; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")), request_body = Change,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, number)): Path<(String, String)>,
    StrictJson(given): StrictJson<Change>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::edit(&mut tx, by, (&slug, &number), (given.revision, &given.text)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How minutes were approved: by a later meeting, or by members to whom they were sent.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyMinutesApproval)]
#[serde(deny_unknown_fields)]
pub struct Approving {
    pub revision: i32,
    /// The later meeting that approved them: "2026-4".
    #[serde(default)]
    pub meeting: Option<String>,
    /// How many members approved them.
    #[serde(default)]
    pub approvals: Option<i32>,
}

/// Makes the document of a text and approves both: what is approved is what the document says.
///
/// # Errors
/// What the desk refuses, or the printer's.
pub async fn approved(
    app: &App,
    staff: &Staff,
    (slug, number): (&str, &str),
    (revision, how): (i32, Approved),
) -> Result<(), Refused> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let (body, meeting) = meetings::look(&mut *app.db.web.acquire().await?, slug, number).await?;
    // Set before the transaction begins, so that no lock waits for the press; the revision says that it is of this text.
    let pdf = paper::pdf(&app.config.municipality, (&body, &meeting), &meeting.minutes, false).await;
    let pdf = pdf.map_err(|error| Refused::Database(sqlx::Error::Decode(error.into())))?;
    let mut tx = app.db.web.begin().await?;
    desk::approve(&mut tx, by, app.config.municipality.time_zone, (slug, number), (revision, &how, &pdf)).await?;
    Ok(tx.commit().await?)
}

/// Approves minutes; the document is made of exactly this text.
///
/// # Errors
/// 400 naming the field; 404; 409 when they changed meanwhile, or too few approved them; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes/approval", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")), request_body = Approving,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn approve(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, number)): Path<(String, String)>,
    StrictJson(given): StrictJson<Approving>,
) -> Result<StatusCode, ApiError> {
    worked(&mut *app.db.web.acquire().await?, &staff, &slug).await?;
    let how = match (given.meeting, given.approvals) {
        (Some(meeting), None) => Approved::Within(meeting),
        (None, Some(count)) => Approved::Circulated(count),
        _ => return Err(ApiError::field("meeting", "", "expected either `meeting` or `approvals`")),
    };
    approved(&app, &staff, (&slug, &number), (given.revision, how)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows approved minutes and their resolutions to the public.
///
/// # Errors
/// 404; 409 when nobody approved them, or the work of the body is confidential; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes/publication", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn publish(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, number)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::publish(&mut tx, by, (&slug, &number)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The document: of what was approved, or of the draft with a mark that says so.
///
/// # Errors
/// `NotFound` while there is no text for this reader; the printer's.
pub async fn document(app: &App, staff: &Staff, slug: &str, number: &str) -> Result<Vec<u8>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (body, meeting) = meetings::look(&mut conn, slug, number).await?;
    if !reads_minutes(&mut conn, &meeting, (&staff.roles, staff.id.0), &body).await? {
        return Err(ApiError::NotFound("text of this meeting".into()));
    }
    if let Some(pdf) = store::meetings::pdf(&mut conn, meeting.id).await? {
        return Ok(pdf);
    }
    drop(conn);
    if meeting.minutes_revision == 0 {
        return Err(ApiError::NotFound("text of this meeting".into()));
    }
    aside::leave();
    Ok(paper::pdf(&app.config.municipality, (&body, &meeting), &meeting.minutes, true).await?)
}

/// The minutes as PDF.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes.pdf", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn pdf(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, number)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    seen(&mut *app.db.web.acquire().await?, &staff, &slug).await?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], document(&app, &staff, &slug, &number).await?).into_response())
}
