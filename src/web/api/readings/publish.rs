//! `POST /api/v1/readings`: the native payload with a device's token; answered after the commit.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use serde::Serialize;

use crate::app::App;
use crate::config::NodeRole;
use crate::failpoint::{self, Place};
use crate::ingest::decode::{Decoded, Door, decode};
use crate::ingest::devices::{Credential, DeviceEntry};
use crate::ingest::formats::{Format, Problem};
use crate::ingest::presence::HeardBy;
use crate::ingest::{Accepted, IngestError, Source};
use crate::web::client::ClientAddress;
use crate::web::error::{ApiError, FieldError};
use crate::web::json::is_json;

/// A client is not kept longer than this; what it sent may still be committed, and is found a duplicate when sent again.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of the readings of one message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Published {
    #[serde(flatten)]
    pub accepted: Accepted,
    /// The readings that were not understood. They lie in quarantine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<FieldError>,
}

/// Publishes readings of a device.
///
/// # Errors
/// 400 when no reading could be understood, 401, 413, 503 when the queue is full or the database is away.
#[utoipa::path(
    post,
    path = "/api/v1/readings",
    tag = "readings",
    request_body(
        content = Object,
        content_type = "application/json",
        description = "One reading or many, at most 1,000: {\"id\":\"msg-1\",\"readings\":[{\"stream\":\"rain\",\
            \"at\":\"2022-02-15T19:10:00Z\",\"value\":3.4,\"unit\":\"mm\"}]}"
    ),
    responses(
        (status = 200, description = "Committed; readings that were not understood are listed", body = Published),
        (status = 400, description = "No reading was understood", body = crate::web::error::Problem),
        (status = 401, description = "Unknown device or wrong secret", body = crate::web::error::Problem),
        (status = 429, description = "The device sends too much, or its address failed to sign in too often; try again \
            after Retry-After seconds", body = crate::web::error::Problem),
        (status = 413, description = "The body is larger than http.max_body_bytes", body = crate::web::error::Problem),
        (status = 503, description = "Try again after Retry-After seconds", body = crate::web::error::Problem),
    ),
    security(("device_token" = []))
)]
pub async fn publish(
    State(app): State<App>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Published>, ApiError> {
    failpoint::reach(Place::HttpAckAfter).await;
    if !app.config.roles.has(NodeRole::Ingest) {
        let why = "this node lets no readings in (its roles lack `ingest`); another one does, so send it again";
        return Err(ApiError::Unavailable(why.into()));
    }
    let (device, credential) = device(&app, &headers, address).await?;
    let format = format(&headers)?;
    let now = app.clock.now();
    app.ingest.rate().try_take(device.id, now).map_err(|retry_after_s| {
        metrics::counter!("sentinela_device_slowed_total", "door" => "http").increment(1);
        ApiError::TooMany { retry_after_s }
    })?;
    app.ingest.devices().used(&app.db.ingest, &device, &credential, now).await;
    app.ingest.devices().heard(device.id, HeardBy::Http, now);
    commit(&app, &device, format, body).await
}

/// What the client says it sends; JSON may be the native format, SenML, or an event of a network server.
fn format(headers: &HeaderMap) -> Result<Option<Format>, ApiError> {
    let Some(kind) = headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default()) else {
        return Ok(None);
    };
    let media_type = kind.split(';').next().unwrap_or_default().trim();
    match Format::of_media_type(media_type) {
        Some(format) => Ok(format),
        None if is_json(kind) => Ok(None),
        None => Err(ApiError::WrongMediaType("application/json, application/senml+json or application/senml+cbor")),
    }
}

async fn commit(
    app: &App,
    device: &DeviceEntry,
    format: Option<Format>,
    body: Body,
) -> Result<Json<Published>, ApiError> {
    let max_bytes = app.config.http.max_body_bytes;
    let payload = to_bytes(body, max_bytes).await.map_err(|_| ApiError::TooLarge)?;
    let door = Door {
        source: Source::Http,
        device,
        topic: None,
        format,
        now: app.clock.now(),
        limits: &app.config.ingest,
        max_bytes,
    };
    let Decoded { readings, quarantined, problems } = decode(&payload, &door);
    // An event that holds no measurement is none that failed.
    let nothing_good = readings.is_empty() && !problems.is_empty();
    let committed = tokio::time::timeout(PATIENCE, app.ingest.submit(readings, quarantined)).await;
    let accepted = match committed {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(IngestError::Busy)) => return Err(ApiError::Unavailable(IngestError::Busy.to_string())),
        Ok(Err(error)) => return Err(ApiError::Unavailable(error.to_string())),
        Err(_) => {
            return Err(ApiError::Unavailable("the journal cannot be written at the moment; send it again".into()));
        }
    };
    failpoint::reach(Place::HttpAckBefore).await;
    let rejected: Vec<FieldError> = problems.into_iter().map(field_error).collect();
    if nothing_good {
        let detail = "no reading was understood; what was sent lies in quarantine".into();
        return Err(ApiError::BadRequest { detail, errors: rejected });
    }
    Ok(Json(Published { accepted, rejected }))
}

fn field_error(problem: Problem) -> FieldError {
    FieldError { field: problem.field, value: problem.value, message: problem.message }
}

/// The device of `Authorization: Bearer <code>.<secret>`. Codes and secrets may both hold dots.
async fn device(
    app: &App,
    headers: &HeaderMap,
    address: Option<IpAddr>,
) -> Result<(Arc<DeviceEntry>, Credential), ApiError> {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = text.and_then(|text| text.strip_prefix("Bearer ")).ok_or(ApiError::Unauthorized)?.trim();
    let (devices, now) = (app.ingest.devices(), app.clock.now());
    for (dot, _) in token.match_indices('.') {
        if let Some(known) = devices.known(&token[..dot], &token[dot + 1..], now) {
            return Ok(known);
        }
    }
    let (code, secret) = token.rsplit_once('.').ok_or(ApiError::Unauthorized)?;
    let strangers = app.ingest.strangers();
    let delay_s = strangers.delay_s(address, now);
    let known = if delay_s == 0 { devices.authenticate(&app.db.ingest, code, secret, now).await? } else { None };
    if let Some(known) = known {
        return Ok(known);
    }
    metrics::counter!("sentinela_http_devices_refused_total").increment(1);
    strangers.failed(address, now);
    Err(if delay_s == 0 { ApiError::Unauthorized } else { ApiError::TooMany { retry_after_s: delay_s } })
}
