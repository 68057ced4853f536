//! Secrets and certificates of devices over HTTP: changed without an outage.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::stations::certificate::from_hex;
use crate::stations::desk::{self, GRACE_S};
use crate::stations::{DeviceCertificate, store};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// How to rotate.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRotation {
    /// Seconds for which the secret before still works after the first use of the new one, 0 to 2592000; 3600 when left
    /// out.
    pub grace_s: Option<u32>,
}

/// A new secret, which is told this once and kept nowhere.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RotatedSecret {
    pub code: String,
    pub secret: String,
    pub grace_s: u32,
}

/// A certificate to register.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// PEM; the first certificate in it counts.
    pub certificate: String,
}

/// What was registered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Registered {
    /// SHA-256 in hexadecimal.
    pub fingerprint: String,
}

/// Gives a device a new secret. The one before works until the new one is used, and a stated while longer.
///
/// # Errors
/// 400 naming the field, 401, 403, 404.
#[utoipa::path(post, path = "/api/v1/devices/{code}/rotate", tag = "catalogue", params(("code" = String, Path,)),
    request_body = SecretRotation,
    responses((status = 200, body = RotatedSecret), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn rotate(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<SecretRotation>,
) -> Result<Json<RotatedSecret>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let grace_s = given.grace_s.unwrap_or(GRACE_S);
    let mut tx = app.db.web.begin().await?;
    let secret = desk::rotate(&mut tx, by, &code, grace_s).await?;
    tx.commit().await?;
    Ok(Json(RotatedSecret { code, secret, grace_s }))
}

/// Ends the secret before the last rotation now; what it opened ends too.
///
/// # Errors
/// 404 when there is none, 401, 403.
#[utoipa::path(delete, path = "/api/v1/devices/{code}/previous", tag = "catalogue", params(("code" = String, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn retire(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(code): Path<String>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::retire(&mut tx, by, &code).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the certificates of a device, the longest living first.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/devices/{code}/certificates", tag = "catalogue", params(("code" = String, Path,)),
    responses((status = 200, body = Vec<DeviceCertificate>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn certificates(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    Path(code): Path<String>,
) -> Result<Json<Vec<DeviceCertificate>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    desk::find(&mut conn, &code).await?;
    Ok(Json(store::certificates(&mut conn, Some(&code)).await?))
}

/// Registers a client certificate with which the device signs in over TLS.
///
/// # Errors
/// 400 when it is none or has ended, 409 when it is registered already, 401, 403, 404.
#[utoipa::path(post, path = "/api/v1/devices/{code}/certificates", tag = "catalogue",
    params(("code" = String, Path,)), request_body = NewCertificate,
    responses((status = 201, body = Registered), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn register(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<NewCertificate>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let fingerprint = desk::add_certificate(&mut tx, by, &code, &given.certificate).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Registered { fingerprint })))
}

/// Refuses a certificate from now on; what it opened ends.
///
/// # Errors
/// 404 when no live one of this device has this fingerprint, 401, 403.
#[utoipa::path(delete, path = "/api/v1/devices/{code}/certificates/{fingerprint}", tag = "catalogue",
    params(("code" = String, Path,), ("fingerprint" = String, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn revoke_certificate(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    Path((code, fingerprint)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let not_found = || ApiError::NotFound(format!("live certificate of device {code}"));
    let fingerprint = from_hex(&fingerprint).ok_or_else(not_found)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    if desk::revoke_certificate(&mut tx, by, &fingerprint).await? != code {
        return Err(not_found());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
