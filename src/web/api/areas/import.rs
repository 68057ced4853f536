//! Areas from a file in the body, or from a service.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::Deserialize;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::areas::Origin;
use crate::areas::desk::standing_words;
use crate::areas::import::{Failure, Outcome, Wish, take};
use crate::areas::service::{self, ServiceError};
use crate::catalogue::Format;
use crate::web::api::imports::{Query, problems};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// How an import of areas runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AreaImportQuery {
    /// Tells what would change, area by area, and stores nothing.
    pub dry_run: bool,
    /// Closes open rings and makes bent shapes valid (`ST_MakeValid`, structure) where their size changes by at most 1 %.
    pub mend: bool,
    /// Leaves out what is wrong instead of refusing everything.
    pub leave_out: bool,
    /// Takes areas out of service that came from the same sources and are not in the file. Not where anything was wrong in it.
    pub retire_missing: bool,
    /// What stands on the areas that change (issued alerts, open incidents, planned versions) is known.
    pub confirm: bool,
}

impl AreaImportQuery {
    const fn wish<'a>(self, name: &'a str, origin: Origin, reason: &'a str) -> Wish<'a> {
        Wish {
            name,
            origin,
            reason,
            dry_run: self.dry_run,
            mend: self.mend,
            leave_out: self.leave_out,
            retire_missing: self.retire_missing,
            confirmed: self.confirm,
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Problems(wrong) => problems(&wrong),
            Failure::Standing(standing) => Self::Conflict(standing_words(&standing)),
            Failure::Database(error) => error.into(),
        }
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        Self::field("url", "", error.to_string())
    }
}

/// Imports risk areas: everything in the body, or nothing. Each change is a version.
///
/// # Errors
/// 400 with every error of the file, 401, 403, 409 when something stands on an area that would change, 413.
#[utoipa::path(post, path = "/api/v1/areas", tag = "catalogue", params(AreaImportQuery),
    request_body(content((String = "text/csv"), (Object = "application/geo+json"), (Object = "application/json")),
        description = "A FeatureCollection of Polygons or MultiPolygons with the properties code, name and \
            hazards: [{\"cobrade\": \"1.1.3.2.1\", \"grade\": \"R3\"}], or in the layout of SGB's risk sectors; in WGS84, or with a \
            `crs` of SIRGAS 2000 or its UTM zones; or CSV with the polygon as GeoJSON in `geometry`"),
    responses((status = 200, body = Outcome), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Query(query): Query<AreaImportQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Outcome>, ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let expected = "application/geo+json, application/json or text/csv";
    let format = Format::of_media_type(given).ok_or(ApiError::WrongMediaType(expected))?;
    run(&app, &staff, (format, &body), query.wish("", Origin::Import, "")).await
}

async fn run(app: &App, staff: &Staff, file: (Format, &[u8]), wish: Wish<'_>) -> Result<Json<Outcome>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(take(&mut conn, by, file, wish).await?))
}

/// Which service is read, and how.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaService {
    /// A collection of OGC API – Features, a WFS with `typeNames`, or a GeoJSON file, at an address of http or https.
    #[schema(max_length = 2000)]
    pub url: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: String,
    #[serde(default)]
    pub options: AreaImportQuery,
}

/// Reads risk areas from an OGC service, page by page, and imports them as a file.
///
/// # Errors
/// 400 when the service cannot be read or with every error of what it holds, 401, 403, 409.
#[utoipa::path(post, path = "/api/v1/area-imports", tag = "catalogue", request_body = AreaService,
    responses((status = 200, body = Outcome), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn read(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    StrictJson(given): StrictJson<AreaService>,
) -> Result<Json<Outcome>, ApiError> {
    if given.url.chars().count() > 2_000 {
        return Err(ApiError::field("url", "", "expected at most 2000 characters"));
    }
    let fetched = service::fetch(&app.outbound, &given.url).await?;
    let wish = given.options.wish(&given.url, Origin::Service, given.reason.trim());
    run(&app, &staff, (Format::GeoJson, &fetched.body), wish).await
}
