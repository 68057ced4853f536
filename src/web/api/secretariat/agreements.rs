//! Agreements over HTTP.

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

use super::instruments::{self, DocumentQuery, ListQuery, Made, PublicList, Shown};
use crate::app::App;
use crate::secretariat::agreements::{Act, Agreement, Opening};
use crate::secretariat::kernel::instrument::exchange::{Imported, MAX_BYTES};
use crate::secretariat::kernel::instrument::report::Report;
use crate::secretariat::kernel::instrument::store::{Listed, PAGE};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    let files = Router::new()
        .route("/api/v1/secretariat/agreements/import", post(import))
        .route("/api/v1/secretariat/agreements/{id}/documents", post(add_document))
        .layer(DefaultBodyLimit::max(MAX_BYTES));
    Router::new()
        .route("/api/v1/secretariat/agreements", get(list).post(open))
        .route("/api/v1/secretariat/agreements/report", get(report))
        .route("/api/v1/secretariat/agreements/export", get(export))
        .route("/api/v1/secretariat/agreements/public", get(public))
        .route("/api/v1/secretariat/agreements/public.csv", get(public_csv))
        .route("/api/v1/secretariat/agreements/{id}", get(show))
        .route("/api/v1/secretariat/agreements/{id}/acts", post(act))
        .route("/api/v1/secretariat/agreements/{id}/documents/{document}", get(document))
        .merge(files)
}

/// Lists agreements, the newest first, 50 a page.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/agreements", tag = "agreements", params(ListQuery),
    responses((status = 200, body = Vec<Listed>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    axum::extract::Query(query): axum::extract::Query<ListQuery>,
) -> Result<Json<Vec<Listed>>, ApiError> {
    Ok(Json(instruments::list::<Agreement>(&app, query).await?))
}

/// Opens one.
///
/// # Errors
/// 400 naming the field; 409; 401, 403 with the role that is missing.
#[utoipa::path(post, path = "/api/v1/secretariat/agreements", tag = "agreements", request_body = Opening,
    responses((status = 201, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn open(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(opening): StrictJson<Opening>,
) -> Result<(StatusCode, Json<Shown>), ApiError> {
    Ok((StatusCode::CREATED, Json(instruments::open::<Agreement>(&app, &staff, opening).await?)))
}

/// Shows one with its money, deadlines, acts and documents.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/agreements/{id}", tag = "agreements", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    Ok(Json(instruments::show::<Agreement>(&app, &staff, id).await?))
}

/// An act, and the revision on which it was decided.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = AgreementAsked)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    pub revision: Option<i32>,
    pub act: Act,
}

/// Does an act. One that the law or the state forbids is refused with the reason and the law.
///
/// # Errors
/// 400 naming the field; 404; 409 with the reason; 401, 403 with the role that is missing.
#[utoipa::path(post, path = "/api/v1/secretariat/agreements/{id}/acts", tag = "agreements", params(("id" = Uuid, Path,)), request_body = Asked,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(asked): StrictJson<Asked>,
) -> Result<Json<Shown>, ApiError> {
    Ok(Json(instruments::act::<Agreement>(&app, &staff, (id, asked.revision), asked.act).await?))
}

/// Adds a document, at most 10 MiB; its hash is kept.
///
/// # Errors
/// 400 naming the field; 404; 409 when it is there already; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/agreements/{id}/documents", tag = "agreements", params(("id" = Uuid, Path,), DocumentQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_document(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    axum::extract::Query(query): axum::extract::Query<DocumentQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let made = instruments::add_document::<Agreement>(&app, &staff, id, (query, &headers, &body)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Gives a document as it came.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/agreements/{id}/documents/{document}", tag = "agreements",
    params(("id" = Uuid, Path,), ("document" = Uuid, Path,)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn document(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(ids): Path<(Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    instruments::worker::<Agreement>(&staff)?;
    instruments::document::<Agreement>(&app, ids).await
}

/// What ends soon, what is overdue, and what went out against what was accounted for.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/agreements/report", tag = "agreements",
    responses((status = 200, body = Report), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn report(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Report>, ApiError> {
    Ok(Json(instruments::report::<Agreement>(&app).await?))
}

/// All of them with their past, one JSON a line; the import reads it back.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/agreements/export", tag = "agreements",
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(State(app): State<App>, staff: May<can::WorkSecretariat>) -> Result<Response, ApiError> {
    instruments::export::<Agreement>(&app, &staff).await
}

/// Reads what an export wrote, whole or not at all.
///
/// # Errors
/// 400 naming the line; 409 when one is there and differs; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/agreements/import", tag = "agreements", request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = Imported), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    Ok(Json(instruments::import::<Agreement>(&app, &staff, &body).await?))
}

/// `?after=…`
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AfterQuery {
    /// `next` of the page before.
    pub after: Option<Uuid>,
}

/// What everybody reads of agreements: fields by allow-list, 50 a page.
///
/// # Errors
/// 400.
#[utoipa::path(get, path = "/api/v1/secretariat/agreements/public", tag = "agreements", params(AfterQuery), responses((status = 200, body = PublicList)))]
pub async fn public(State(app): State<App>, Query(query): Query<AfterQuery>) -> Result<Json<PublicList>, ApiError> {
    Ok(Json(instruments::public::<Agreement>(&app, (query.after, PAGE)).await?))
}

/// The same as a file of commas.
///
/// # Errors
/// None of its own.
#[utoipa::path(get, path = "/api/v1/secretariat/agreements/public.csv", tag = "agreements",
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn public_csv(State(app): State<App>) -> Result<Response, ApiError> {
    instruments::public_csv::<Agreement>(&app).await
}
