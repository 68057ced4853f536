//! Risk areas over HTTP. Their shapes are at /ogc/collections/areas/items.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::catalogue::store::{Kind, Report};
use crate::web::api::imports::{ImportQuery, MAX_BODY_BYTES, Page, PageQuery, Query, take};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/areas", get(list).post(import)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// A hazard an area is exposed to, and how it stands now.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HazardView {
    /// COBRADE, dotted.
    pub cobrade: String,
    /// R1 (low) to R4 (very high).
    pub grade: String,
    /// `unknown` where nothing was evaluated yet.
    pub level: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AreaView {
    pub code: String,
    pub name: String,
    pub source: String,
    pub hazards: Vec<HazardView>,
    /// West, south, east, north in degrees.
    pub bbox: [f64; 4],
}

/// Lists risk areas by code.
///
/// # Errors
/// 400 for a wrong page.
#[utoipa::path(get, path = "/api/v1/areas", tag = "catalogue", params(PageQuery),
    responses((status = 200, body = Page<AreaView>), (status = 400, body = Problem)))]
pub async fn list(State(app): State<App>, Query(page): Query<PageQuery>) -> Result<Json<Page<AreaView>>, ApiError> {
    let (limit, offset) = page.checked()?;
    let mut conn = app.db.web.acquire().await?;
    let rows = sqlx::query!(
        r#"select a.code, a.name, a.source, st_xmin(a.geom) as "west!", st_ymin(a.geom) as "south!",
               st_xmax(a.geom) as "east!", st_ymax(a.geom) as "north!",
               coalesce((select jsonb_agg(jsonb_build_object('cobrade', h.cobrade, 'grade', h.grade,
                             'level', coalesce(l.level, 'unknown')) order by h.cobrade)
                         from area_hazard h left join area_level l on l.area_id = h.area_id and l.cobrade = h.cobrade
                         where h.area_id = a.id), '[]') as "hazards!: sqlx::types::Json<Vec<HazardView>>"
           from risk_area a order by a.code limit $1 offset $2"#,
        limit,
        offset
    )
    .fetch_all(&mut *conn)
    .await?;
    let total = sqlx::query_scalar!(r#"select count(*) as "count!" from risk_area"#).fetch_one(&mut *conn).await?;
    let items = rows
        .into_iter()
        .map(|row| AreaView {
            code: row.code,
            name: row.name,
            source: row.source,
            hazards: row.hazards.0,
            bbox: [row.west, row.south, row.east, row.north],
        })
        .collect();
    Ok(Json(Page { items, total, limit, offset }))
}

/// Imports risk areas: everything in the body, or nothing.
///
/// # Errors
/// 400 with every error of the file, 401, 403, 413.
#[utoipa::path(post, path = "/api/v1/areas", tag = "catalogue", params(ImportQuery),
    request_body(content((String = "text/csv"), (Object = "application/geo+json"), (Object = "application/json")),
        description = "A FeatureCollection of Polygons or MultiPolygons in WGS84 with the properties code, name and \
            hazards: [{\"cobrade\": \"1.1.3.2.1\", \"grade\": \"R3\"}]; or CSV with the polygon as GeoJSON in `geometry`"),
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
    Ok(Json(take(&app, &staff, Kind::Areas, query, &headers, &body).await?))
}
