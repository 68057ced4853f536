//! Risk areas over HTTP: lists, imports, changes and versions. Their shapes are at /ogc/collections/areas/items.

pub mod change;
pub mod import;
pub mod look;
pub mod versions;

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::areas::desk::AreaError;
use crate::web::api::imports::{MAX_BODY_BYTES, Page, PageQuery, Query};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/areas", get(list).post(import::import))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route("/api/v1/area-imports", post(import::read))
        .route("/api/v1/area-checks", post(look::check))
        .route("/api/v1/areas/{code}", put(change::change))
        .route("/api/v1/areas/{code}/retire", post(change::retire))
        .route("/api/v1/areas/{code}/versions", get(versions::list))
        .route("/api/v1/areas/{code}/versions/{number}", get(versions::show).delete(versions::withdraw))
        .route("/api/v1/areas/{code}/versions/{number}/restore", post(versions::restore))
        .route("/api/v1/areas/{code}/versions/{number}/enforce", post(versions::enforce))
}

impl From<AreaError> for ApiError {
    fn from(error: AreaError) -> Self {
        match error {
            AreaError::NotFound(what) => Self::NotFound(what),
            AreaError::Wrong { field, value, message } => Self::field(field, value, message),
            AreaError::Moved { .. } | AreaError::Standing(_) => Self::Conflict(error.to_string()),
            AreaError::Database(error) => error.into(),
        }
    }
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

/// Lists the risk areas in service by code.
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
           from risk_area a where a.retired_at is null order by a.code limit $1 offset $2"#,
        limit,
        offset
    )
    .fetch_all(&mut *conn)
    .await?;
    let total = sqlx::query_scalar!(r#"select count(*) as "count!" from risk_area where retired_at is null"#)
        .fetch_one(&mut *conn)
        .await?;
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
