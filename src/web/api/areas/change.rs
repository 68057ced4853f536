//! Changes of one area.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::look::shape;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::areas::desk::{self, Care};
use crate::areas::store::{self, Put};
use crate::areas::{Change, Content, Hazards, Origin, Version, When};
use crate::clock::Instant;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// All that an area is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaEdit {
    #[schema(max_length = 200)]
    pub name: String,
    /// A GeoJSON Polygon or MultiPolygon in WGS84.
    #[schema(value_type = Object)]
    pub geometry: Value,
    /// Grade by COBRADE: {"1.1.3.2.1": "R3"}.
    #[schema(value_type = Object)]
    pub hazards: Hazards,
    /// Whose area it is; of an area that stands, what it was where this is missing.
    pub source: Option<String>,
    #[schema(max_length = 2000)]
    pub reason: String,
    #[serde(flatten)]
    pub when: Timing,
}

/// When a change counts, and what whoever asks for it knows.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Timing {
    /// Takes force then; now where it is missing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Instant>,
    /// Takes no force until somebody says so.
    pub draft: bool,
    /// The version this change was begun on, 0 for a new area; 409 when it is another by now.
    pub base: Option<i32>,
    /// What stands on the area is known.
    pub confirm: bool,
}

impl Timing {
    pub const fn when(self) -> When {
        match (self.draft, self.from) {
            (true, _) => When::Draft,
            (false, Some(at)) => When::At(at),
            (false, None) => When::Now,
        }
    }

    pub const fn care(self) -> Care {
        Care { base: self.base, confirmed: self.confirm }
    }
}

/// What became of a change.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AreaChanged {
    /// `unchanged`, `created`, `updated`, `returned` (it was out of service) or `waits`.
    pub change: &'static str,
    /// None where nothing changed.
    pub version: Option<Version>,
}

/// The answer to a change.
///
/// # Errors
/// The database's.
pub async fn changed(conn: &mut sqlx::PgConnection, code: &str, put: Put) -> Result<AreaChanged, ApiError> {
    let change = match put {
        Put::Unchanged => "unchanged",
        Put::Created(_) => "created",
        Put::Updated { .. } => "updated",
        Put::Returned { .. } => "returned",
        Put::Waits(_) => "waits",
    };
    let version = match put.number() {
        Some(number) => store::version(conn, code, number).await?,
        None => None,
    };
    Ok(AreaChanged { change, version })
}

/// Makes or changes an area, now, at a time to come, or as a draft.
///
/// # Errors
/// 400 naming the field, 401, 403, 409 when somebody was quicker or something stands on the area.
#[utoipa::path(put, path = "/api/v1/areas/{code}", tag = "catalogue", params(("code" = String, Path)), request_body = AreaEdit,
    responses((status = 200, body = AreaChanged), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<AreaEdit>,
) -> Result<Json<AreaChanged>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let wkb = match shape(&mut tx, &given.geometry).await? {
        Ok(wkb) => wkb,
        Err(wrong) => return Err(ApiError::field(wrong.field, wrong.value, wrong.message)),
    };
    let before = store::in_force(&mut tx, &code).await?;
    let (source, details) = before.map_or((String::new(), json!({})), |before| (before.source, before.details));
    let content = Content {
        name: given.name.trim().to_owned(),
        source: given.source.unwrap_or(source),
        wkb,
        hazards: given.hazards,
        details,
        retired: false,
    };
    let wish = Change {
        code: code.clone(),
        content,
        origin: Origin::Drawing,
        origin_detail: json!({}),
        reason: given.reason.trim().to_owned(),
        when: given.when.when(),
    };
    let put = desk::change(&mut tx, by, wish, given.when.care()).await?;
    let answer = changed(&mut tx, &code, put).await?;
    tx.commit().await?;
    Ok(Json(answer))
}

/// Why, and when.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaReason {
    #[schema(max_length = 2000)]
    pub reason: String,
    #[serde(flatten)]
    pub when: Timing,
}

/// Takes an area out of service: nothing is judged there and nobody is warned for it. Its history stays, and it can come back.
///
/// # Errors
/// 400, 401, 403, 404, 409 when something stands on it.
#[utoipa::path(post, path = "/api/v1/areas/{code}/retire", tag = "catalogue", params(("code" = String, Path)),
    request_body = AreaReason,
    responses((status = 200, body = AreaChanged), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn retire(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<AreaReason>,
) -> Result<Json<AreaChanged>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let put = desk::retire(&mut tx, by, &code, (&given.reason, given.when.when()), given.when.care()).await?;
    let answer = changed(&mut tx, &code, put).await?;
    tx.commit().await?;
    Ok(Json(answer))
}
