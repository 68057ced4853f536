//! Photographs of an incident over HTTP: the same form as the console's, the list, and the files.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::photographs::{self, Photograph, PhotographError, store};
use crate::incidents::store::load;
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::upload;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/incidents/{id}/photographs", get(list).post(add))
        .route("/api/v1/incidents/{id}/photographs/{photograph}", get(show))
}

impl From<PhotographError> for ApiError {
    fn from(error: PhotographError) -> Self {
        match error {
            PhotographError::NoIncident => Self::NotFound("the incident".into()),
            PhotographError::NotFound => Self::NotFound("the photograph".into()),
            PhotographError::Database(error) => error.into(),
            PhotographError::Closed(_) | PhotographError::Full | PhotographError::Gone => {
                Self::Conflict(error.to_string())
            }
        }
    }
}

/// Lists the photographs of an incident, oldest first, the removed ones among them.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/photographs", tag = "incidents", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Photograph>), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn list(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Vec<Photograph>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    load(&mut conn, IncidentId(id)).await?.ok_or(PhotographError::NoIncident)?;
    Ok(Json(store::list(&mut conn, IncidentId(id)).await?))
}

/// The form of an upload.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PhotographForm {
    /// What they show: one line.
    #[schema(max_length = 300)]
    pub caption: Option<String>,
    /// JPEG, PNG or WebP: at most 12 files, each of at most 20 MiB and 52 megapixels.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 12, content_media_type = "application/octet-stream")]
    pub photographs: Vec<Vec<u8>>,
}

/// Adds photographs to an open incident. They are written anew, without any metadata; one that the incident already holds is
/// not stored again.
///
/// # Errors
/// 400 naming the file and what is wrong with it; 404; 409 when the incident is closed or full; 413. Then nothing was stored.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/photographs", tag = "incidents", params(("id" = Uuid, Path,)),
    request_body(content = PhotographForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Vec<Photograph>), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<(StatusCode, Json<Vec<Photograph>>), ApiError> {
    let id = IncidentId(id);
    if let Err(error) = is_open(&app, id).await {
        upload::pass_over(&app, request).await;
        return Err(error.into());
    }
    let form = upload::read(&app, request).await?;
    let (now, actor) = (app.clock.now(), staff.actor());
    let mut tx = app.db.web.begin().await?;
    let kept = photographs::attach(&mut tx, &app.ids, now, &actor, id, &form.caption, &form.pictures).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(kept)))
}

/// Asked before the body is read, without holding a connection meanwhile.
pub async fn is_open(app: &App, id: IncidentId) -> Result<(), PhotographError> {
    let mut conn = app.db.web.acquire().await?;
    photographs::check_open(&mut conn, id).await
}

/// Which file of a photograph.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// At most 2048 pixels long.
    #[default]
    Full,
    /// At most 320 pixels long.
    Thumbnail,
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SizeQuery {
    /// Otherwise "full".
    #[serde(default)]
    #[param(inline, required = false)]
    pub size: Size,
}

/// A photograph as JPEG.
///
/// # Errors
/// 404, also when it was removed.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/photographs/{photograph}", tag = "incidents",
    params(("id" = Uuid, Path,), ("photograph" = Uuid, Path,), SizeQuery),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
    Query(query): Query<SizeQuery>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    file(&mut conn, IncidentId(id), photograph, query.size).await
}

/// What a browser may do with a picture: show it, and nothing else, wherever it came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// The answer with the bytes of a photograph. It is kept nowhere on the way: once removed it must be gone.
///
/// # Errors
/// `NotFound`.
pub async fn file(
    conn: &mut PgConnection,
    incident: IncidentId,
    photograph: Uuid,
    size: Size,
) -> Result<Response, ApiError> {
    let is_thumbnail = size == Size::Thumbnail;
    let found = store::file(conn, incident, photograph, is_thumbnail).await?;
    let bytes = found.ok_or(PhotographError::NotFound)?;
    Ok(picture(photograph, bytes))
}

/// A file of ours as an answer: shown as a picture and as nothing else.
pub fn picture(photograph: Uuid, bytes: Vec<u8>) -> Response {
    let name = format!("inline; filename=\"sentinela-{photograph}.jpg\"");
    let headers = [
        (header::CONTENT_TYPE, crate::media::MEDIA_TYPE),
        (header::CONTENT_DISPOSITION, name.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (headers, bytes).into_response()
}
