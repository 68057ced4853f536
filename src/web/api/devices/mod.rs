//! Devices over HTTP: listed, made (the secret is shown once), turned away.

pub mod commands;
pub mod provision;
pub mod secrets;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::fleet::FleetDevice;
use crate::fleet::store::report::{Filter, fleet};
use crate::stations::Device;
use crate::stations::desk::{self, DeviceError};
use crate::web::api::imports::{Page, PageQuery, Query};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

impl From<DeviceError> for ApiError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Wrong { field, value, message } => Self::field(field, value, message),
            DeviceError::NotFound(what) => Self::NotFound(what),
            DeviceError::Conflict(why) => Self::Conflict(why),
            DeviceError::Database(error) => error.into(),
        }
    }
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/devices", get(list).post(create))
        .route("/api/v1/devices/{code}", delete(disable).patch(configure))
        .route("/api/v1/devices/{code}/commands", get(commands::list).post(commands::issue))
        .route("/api/v1/devices/{code}/commands/{id}", delete(commands::cancel))
        .route("/api/v1/provisioning", post(provision::create))
        .route("/api/v1/devices/{code}/enable", post(enable))
        .route("/api/v1/devices/{code}/rotate", post(secrets::rotate))
        .route("/api/v1/devices/{code}/previous", delete(secrets::retire))
        .route("/api/v1/devices/{code}/certificates", get(secrets::certificates).post(secrets::register))
        .route("/api/v1/devices/{code}/certificates/{fingerprint}", delete(secrets::revoke_certificate))
}

/// What a new device is made from.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    /// How it will sign in.
    pub code: String,
    /// The code of the station it serves.
    pub station: String,
    /// A profile of the configuration's `[[ingest.profiles]]`; empty for none.
    #[serde(default)]
    pub profile: String,
    /// What a LoRaWAN network server calls it (DevEUI, device id); empty for nothing.
    #[serde(default)]
    pub hardware_id: String,
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

/// Lists devices by code, each with its last word on itself.
///
/// # Errors
/// 400 for a wrong page, 401, 403.
#[utoipa::path(get, path = "/api/v1/devices", tag = "catalogue", params(PageQuery),
    responses((status = 200, body = Page<FleetDevice>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<FleetDevice>>, ApiError> {
    let (limit, offset) = page.checked()?;
    let mut conn = app.db.web.acquire().await?;
    let items = fleet(&mut conn, &Filter::default(), limit, offset).await?;
    let total = sqlx::query_scalar!(r#"select count(*) as "count!" from device"#).fetch_one(&mut *conn).await?;
    Ok(Json(Page { items, total, limit, offset }))
}

/// Makes a device and its secret.
///
/// # Errors
/// 400 naming the field, 409 when the code or the hardware id is taken, 401, 403.
#[utoipa::path(post, path = "/api/v1/devices", tag = "catalogue", request_body = NewDevice,
    responses((status = 201, body = CreatedDevice), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    StrictJson(given): StrictJson<NewDevice>,
) -> Result<(StatusCode, Json<CreatedDevice>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let secret = desk::add(&mut tx, by, &given.code, &given.station, false).await?;
    let format = (given.profile.as_str(), given.hardware_id.as_str());
    if format != ("", "") {
        desk::configure(&mut tx, by, &given.code, format, &app.config.ingest.profiles).await?;
    }
    tx.commit().await?;
    let topic = format!("v1/devices/{}/readings", given.code);
    Ok((StatusCode::CREATED, Json(CreatedDevice { code: given.code, secret, topic })))
}

/// Turns a device away from now on; its open connections end.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(delete, path = "/api/v1/devices/{code}", tag = "catalogue", params(("code" = String, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn disable(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(code): Path<String>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::revoke(&mut tx, by, &code).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What may change of a device.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceFormat {
    /// A profile of the configuration's `[[ingest.profiles]]`; empty for none.
    #[serde(default)]
    pub profile: String,
    /// What a LoRaWAN network server calls it (DevEUI, device id); empty for nothing.
    #[serde(default)]
    pub hardware_id: String,
}

/// Says how a device writes its messages, and what a network server calls it.
///
/// # Errors
/// 400 naming the field, 404, 409 when another device is called so, 401, 403.
#[utoipa::path(patch, path = "/api/v1/devices/{code}", tag = "catalogue", params(("code" = String, Path,)),
    request_body = DeviceFormat,
    responses((status = 200, body = Device), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn configure(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<DeviceFormat>,
) -> Result<Json<Device>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let format = (given.profile.as_str(), given.hardware_id.as_str());
    desk::configure(&mut tx, by, &code, format, &app.config.ingest.profiles).await?;
    let device = desk::find(&mut tx, &code).await?;
    tx.commit().await?;
    Ok(Json(device))
}

/// Takes a device in again, with the secrets and certificates it has.
///
/// # Errors
/// 404 when none was turned away, 401, 403.
#[utoipa::path(post, path = "/api/v1/devices/{code}/enable", tag = "catalogue", params(("code" = String, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn enable(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(code): Path<String>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::enable(&mut tx, by, &code).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
