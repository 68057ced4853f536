//! Commands to devices over HTTP: issued, listed, taken back.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::fleet::command::{LIFETIME_S, Wanted};
use crate::fleet::{DeviceCommand, desk, store};
use crate::stations::desk::find;
use crate::web::api::imports::{Page, PageQuery, Query};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// What a device shall do.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommand {
    /// `set_interval`, `reboot`, `sync_clock`, `send_backlog` or `custom`.
    pub command: String,
    /// `{"interval_s": 600}` of `set_interval`, `{"from": instant}` of `send_backlog`, anything up to 2,048 bytes of `custom`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub args: serde_json::Value,
    /// Seconds until nobody tells the device of it any more: 60 to 2,592,000, otherwise 86,400.
    #[serde(default = "lifetime_s")]
    pub lifetime_s: u32,
}

const fn lifetime_s() -> u32 {
    LIFETIME_S
}

/// Asks a device to do something. It is told at once when it is connected, and at each connect until it answers. For a device
/// heard through a LoRaWAN network server it goes into that server's queue once, and `downlink` tells how far it has come.
///
/// # Errors
/// 400 naming the field, also when an argument does not fit the profile's template; 404; 409 when the device was revoked, hears
/// no such command (HTTP alone, or LoRaWAN without a template of it) or has ten commands that wait; 401, 403.
#[utoipa::path(post, path = "/api/v1/devices/{code}/commands", tag = "catalogue", params(("code" = String, Path,)),
    request_body = NewCommand,
    responses((status = 202, body = DeviceCommand), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn issue(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<NewCommand>,
) -> Result<(StatusCode, Json<DeviceCommand>), ApiError> {
    let wanted = Wanted::new(&given.command, given.args, given.lifetime_s)
        .map_err(|(field, value, message)| ApiError::field(field, value, message))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let command = desk::issue(&mut tx, by, &code, &wanted, &app.config.ingest.profiles).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(command)))
}

/// Lists the commands of a device, the newest first.
///
/// # Errors
/// 400 for a wrong page, 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/devices/{code}/commands", tag = "catalogue",
    params(("code" = String, Path,), PageQuery),
    responses((status = 200, body = Page<DeviceCommand>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    Path(code): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeviceCommand>>, ApiError> {
    let (limit, offset) = page.checked()?;
    let mut conn = app.db.web.acquire().await?;
    let device = find(&mut conn, &code).await?;
    let items = store::commands(&mut conn, &code, limit, offset).await?;
    let total = store::count(&mut conn, device.id).await?;
    Ok(Json(Page { items, total, limit, offset }))
}

/// Takes a command back. One that was handed over may be done all the same; the device's answer then still counts. One that is
/// in the queue of a LoRaWAN network server (`downlink.stage`) stays in it.
///
/// # Errors
/// 404, 409 when it ended already, 401, 403.
#[utoipa::path(delete, path = "/api/v1/devices/{code}/commands/{id}", tag = "catalogue",
    params(("code" = String, Path,), ("id" = Uuid, Path,)),
    responses((status = 200, body = DeviceCommand), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn cancel(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path((code, id)): Path<(String, Uuid)>,
) -> Result<Json<DeviceCommand>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let command = desk::cancel(&mut tx, by, &code, id).await?;
    tx.commit().await?;
    Ok(Json(command))
}
