//! Stations and their streams over HTTP.

pub mod quality;
pub mod series;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::{get, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;

use crate::app::App;
use crate::catalogue::store::{Kind, Report};
use crate::stations::{Datastream, Station, store};
use crate::web::api::imports::{ImportQuery, MAX_BODY_BYTES, Page, PageQuery, Query, take};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/stations", get(list).post(import))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route("/api/v1/stations/{code}/quality", get(quality::show))
        .route("/api/v1/stations/{code}/streams/{stream}/limits", put(quality::change))
        .route("/api/v1/stations/{code}/series", get(series::show))
}

/// A station with what it measures.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StationView {
    #[serde(flatten)]
    pub station: Station,
    pub streams: Vec<Datastream>,
}

/// Lists stations by code.
///
/// # Errors
/// 400 for a wrong page.
#[utoipa::path(get, path = "/api/v1/stations", tag = "catalogue", params(PageQuery),
    responses((status = 200, body = Page<StationView>), (status = 400, body = Problem)))]
pub async fn list(State(app): State<App>, Query(page): Query<PageQuery>) -> Result<Json<Page<StationView>>, ApiError> {
    let (limit, offset) = page.checked()?;
    let mut conn = app.db.web.acquire().await?;
    let stations = store::stations(&mut conn, limit, offset).await?;
    let ids: Vec<i64> = stations.iter().map(|station| station.id.0).collect();
    let mut streams = store::datastreams(&mut conn, &ids).await?;
    let total = store::count(&mut conn).await?;
    let items = stations
        .into_iter()
        .map(|station| {
            let own = streams.extract_if(.., |stream| stream.station_id == station.id).collect();
            StationView { station, streams: own }
        })
        .collect();
    Ok(Json(Page { items, total, limit, offset }))
}

/// Imports stations, streams and devices: everything in the body, or nothing.
///
/// # Errors
/// 400 with every error of the file, 401, 403, 413.
#[utoipa::path(post, path = "/api/v1/stations", tag = "catalogue", params(ImportQuery),
    request_body(content((String = "text/csv"), (Object = "application/geo+json"), (Object = "application/json")),
        description = "CSV (a row for each station and stream) or, as application/geo+json, a FeatureCollection of Points"),
    responses((status = 200, body = Report), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Report>, ApiError> {
    Ok(Json(take(&app, &staff, Kind::Stations, query, &headers, &body).await?))
}
