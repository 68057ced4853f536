//! Devices over HTTP: listed, made (the secret is shown once), turned away.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::events::{self, Event};
use crate::stations::device::secret_sha256;
use crate::stations::{Device, is_code, store};
use crate::web::api::imports::{Page, PageQuery, Query};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/devices", get(list).post(create)).route("/api/v1/devices/{code}", delete(disable))
}

/// What a new device is made from.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    /// How it will sign in.
    pub code: String,
    /// The code of the station it serves.
    pub station: String,
}

/// A new device with its secret, which is told this once and kept nowhere.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CreatedDevice {
    /// The MQTT user name.
    pub code: String,
    /// The MQTT password; over HTTP the token is "code.secret".
    pub secret: String,
    /// Where it publishes.
    pub topic: String,
}

/// Lists devices by code.
///
/// # Errors
/// 400 for a wrong page, 401, 403.
#[utoipa::path(get, path = "/api/v1/devices", tag = "catalogue", params(PageQuery),
    responses((status = 200, body = Page<Device>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Device>>, ApiError> {
    let (limit, offset) = page.checked()?;
    let mut conn = app.db.web.acquire().await?;
    let items = store::devices(&mut conn, limit, offset).await?;
    let total = sqlx::query_scalar!(r#"select count(*) as "count!" from device"#).fetch_one(&mut *conn).await?;
    Ok(Json(Page { items, total, limit, offset }))
}

/// Makes a device and its secret.
///
/// # Errors
/// 400 naming the field, 409 when the code is taken, 401, 403.
#[utoipa::path(post, path = "/api/v1/devices", tag = "catalogue", request_body = NewDevice,
    responses((status = 201, body = CreatedDevice), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    body: Bytes,
) -> Result<(StatusCode, Json<CreatedDevice>), ApiError> {
    let mut json = serde_json::Deserializer::from_slice(&body);
    let given: NewDevice = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| ApiError::field(error.path().to_string(), "", error.inner().to_string()))?;
    if !is_code(&given.code) {
        let message = "expected 1 to 64 letters, digits, `_`, `.`, `:` or `-`";
        return Err(ApiError::field("code", given.code, message));
    }
    let mut tx = app.db.web.begin().await?;
    let Some(station) = store::station_by_code(&mut tx, &given.station).await? else {
        return Err(ApiError::field("station", given.station, "there is no station with this code"));
    };
    let taken = sqlx::query_scalar!(r#"select exists (select from device where code = $1) as "taken!""#, given.code);
    if taken.fetch_one(&mut *tx).await? {
        return Err(ApiError::Conflict(format!("a device {} exists already", given.code)));
    }
    let secret = app.ids.secret();
    let hash = secret_sha256(&given.code, &secret);
    store::upsert_device(&mut tx, app.clock.now(), &given.code, station.id, &hash).await?;
    events::notify(&mut tx, &Event::Catalogue).await?;
    tx.commit().await?;
    let topic = format!("v1/devices/{}/readings", given.code);
    Ok((StatusCode::CREATED, Json(CreatedDevice { code: given.code, secret, topic })))
}

/// Turns a device away from now on.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(delete, path = "/api/v1/devices/{code}", tag = "catalogue", params(("code" = String, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn disable(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    Path(code): Path<String>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.web.begin().await?;
    if !store::disable_device(&mut tx, &code).await? {
        return Err(ApiError::NotFound(format!("device {code}")));
    }
    events::notify(&mut tx, &Event::Catalogue).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
