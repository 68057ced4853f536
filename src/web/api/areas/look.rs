//! What a shape would mean, before anything is stored.

use axum::Json;
use axum::extract::State;
use geo::Geometry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::areas::Standing;
use crate::areas::store::{self, Check};
use crate::catalogue::geometry_check::polygons_of;
use crate::db::geometry::to_wkb;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::json::StrictJson;

/// A shape that somebody draws.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawnShape {
    /// Of the area that is changed; empty for a new one.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub code: String,
    /// A GeoJSON Polygon or MultiPolygon in WGS84.
    #[schema(value_type = Object)]
    pub geometry: Value,
}

/// What is there, or what is wrong with it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ShapeCheck {
    /// What is wrong, with its place as "[longitude, latitude]" in `value`; none where it can be stored.
    pub wrong: Option<FieldError>,
    pub check: Option<Check>,
    /// What stands on the area that would be changed.
    pub standing: Vec<Standing>,
}

/// Characters of an area's code.
const MAX_CODE: usize = 64;

/// A valid shape as WKB, or what is wrong with it.
///
/// # Errors
/// The database's.
pub async fn shape(conn: &mut sqlx::PgConnection, geometry: &Value) -> Result<Result<Vec<u8>, FieldError>, ApiError> {
    let refused = |value: &str, message: String| FieldError { field: "geometry".into(), value: value.into(), message };
    let polygons = match polygons_of(geometry) {
        Ok(polygons) => polygons,
        Err(problem) => return Ok(Err(refused(&problem.value, problem.message))),
    };
    let wkb = to_wkb(&Geometry::MultiPolygon(polygons)).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(match store::check_shape(conn, &wkb).await? {
        None => Ok(wkb),
        Some(reason) => {
            let place = reason.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
            let place =
                place.map(|(place, _)| format!("[{}]", place.split_whitespace().collect::<Vec<_>>().join(", ")));
            Err(refused(&place.unwrap_or_default(), reason))
        }
    })
}

/// Looks at a shape: whether it can be stored, its size, who lives inside, which stations lie near, what it overlaps, and what stands
/// on the area it would change.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(post, path = "/api/v1/area-checks", tag = "catalogue", request_body = DrawnShape,
    responses((status = 200, body = ShapeCheck), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn check(
    State(app): State<App>,
    _: May<can::EditCatalogue>,
    StrictJson(given): StrictJson<DrawnShape>,
) -> Result<Json<ShapeCheck>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let standing = store::standing(&mut conn, std::slice::from_ref(&given.code)).await?;
    if given.code.chars().count() > MAX_CODE {
        return Err(ApiError::field("code", given.code, format!("expected at most {MAX_CODE} characters")));
    }
    // What is no geometry at all is a mistake of the program that asks, and none of whoever draws.
    if !given.geometry.is_object() {
        return Err(ApiError::field("geometry", given.geometry.to_string(), "expected a GeoJSON geometry"));
    }
    Ok(Json(match shape(&mut conn, &given.geometry).await? {
        Ok(wkb) => {
            let check = Some(store::coverage(&mut conn, &given.code, &wkb).await?);
            ShapeCheck { wrong: None, check, standing }
        }
        Err(wrong) => ShapeCheck { wrong: Some(wrong), check: None, standing },
    }))
}
