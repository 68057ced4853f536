//! Residents over HTTP: personal data, for staff who operate the service only.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::json;

use crate::app::App;
use crate::audit::{Act, Entry, record};
use crate::catalogue::store::{Kind, Report};
use crate::residents::{Resident, store};
use crate::web::api::imports::{ImportQuery, MAX_BODY_BYTES, Page, PageQuery, Query, take};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/residents", get(list).post(import)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// Lists residents in the order they came.
///
/// # Errors
/// 400 for a wrong page, 401, 403.
#[utoipa::path(get, path = "/api/v1/residents", tag = "catalogue", params(PageQuery),
    responses((status = 200, body = Page<Resident>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Resident>>, ApiError> {
    let (limit, offset) = page.checked()?;
    // Nobody reads them unseen: no entry, no answer.
    let mut tx = app.db.web.begin().await?;
    let items = store::list(&mut tx, limit, offset).await?;
    let total = store::count(&mut tx).await?;
    let page = json!({ "residents": items.len(), "limit": limit, "offset": offset });
    let entry = Entry::new(Act::ResidentsRead, "residents", "list").to(page);
    record(&mut tx, &app.ids, app.clock.now(), &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Json(Page { items, total, limit, offset }))
}

/// Imports residents: everything in the body, or nothing.
///
/// # Errors
/// 400 with every error of the file, 401, 403, 413.
#[utoipa::path(post, path = "/api/v1/residents", tag = "catalogue", params(ImportQuery),
    request_body(content((String = "text/csv"), (Object = "application/geo+json"), (Object = "application/json")),
        description = "CSV with external_ref, name, language, lat, lon, precision_m, phone, email, consent_source, \
            consent_at; or, as application/geo+json, a FeatureCollection of Points with the same properties"),
    responses((status = 200, body = Report), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::EditResidents>,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Report>, ApiError> {
    Ok(Json(take(&app, &staff, Kind::Residents, query, &headers, &body).await?))
}
