//! Photographs of an occurrence over HTTP: the list, the files, and the same form as an incident's.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::acts::refused;
use crate::app::App;
use crate::incidents::photographs::Photograph;
use crate::occurrences::photographs;
use crate::occurrences::store::photographs as store;
use crate::reports::acts::By;
use crate::reports::store::queue;
use crate::reports::take::Desk;
use crate::web::api::imports::Query;
use crate::web::api::incidents::photographs::{PhotographForm, Size, SizeQuery, picture};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::upload;

/// Asked before the body is read, without holding a connection meanwhile.
async fn is_there(app: &App, id: Uuid) -> Result<(), ApiError> {
    let mut conn = app.db.web.acquire().await?;
    queue::load(&mut conn, id).await?.map(drop).ok_or_else(|| ApiError::NotFound("the occurrence".into()))
}

/// Lists the photographs of an occurrence, oldest first, the removed ones among them. Those of its reports stay with these.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/occurrences/{id}/photographs", tag = "occurrences", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Photograph>), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Photograph>>, ApiError> {
    is_there(&app, id).await?;
    Ok(Json(store::list(&mut *app.db.web.acquire().await?, id).await?))
}

/// Adds photographs to an occurrence. They are written anew, without any metadata; one that it already holds is not stored again.
///
/// # Errors
/// 400 naming the file and what is wrong with it; 404; 409 when the occurrence is full; 413. Then nothing was stored.
#[utoipa::path(post, path = "/api/v1/occurrences/{id}/photographs", tag = "occurrences", params(("id" = Uuid, Path,)),
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
    if let Err(error) = is_there(&app, id).await {
        upload::pass_over(&app, request).await;
        return Err(error);
    }
    let form = upload::read(&app, request).await?;
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let kept = photographs::attach(&mut tx, by, id, &form.caption, &form.pictures).await.map_err(refused)?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(kept)))
}

/// A photograph as JPEG.
///
/// # Errors
/// 404, also when it was removed.
#[utoipa::path(get, path = "/api/v1/occurrences/{id}/photographs/{photograph}", tag = "occurrences",
    params(("id" = Uuid, Path,), ("photograph" = Uuid, Path,), SizeQuery),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
    Query(query): Query<SizeQuery>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::file(&mut conn, id, photograph, query.size == Size::Thumbnail).await?;
    Ok(picture(photograph, found.ok_or_else(|| ApiError::NotFound("the photograph".into()))?))
}
