//! `POST /api/v1/readings`: the native payload with a device's token; answered after the commit.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::Serialize;

use crate::app::App;
use crate::ingest::decode::{Decoded, Door, decode};
use crate::ingest::devices::DeviceEntry;
use crate::ingest::formats::Problem;
use crate::ingest::{Accepted, IngestError, Source};
use crate::web::error::{ApiError, FieldError};

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
        content = String,
        content_type = "application/json",
        description = "One reading or many, at most 1,000: {\"id\":\"msg-1\",\"readings\":[{\"stream\":\"rain\",\
            \"at\":\"2022-02-15T19:10:00Z\",\"value\":3.4,\"unit\":\"mm\"}]}"
    ),
    responses(
        (status = 200, description = "Committed; readings that were not understood are listed", body = Published),
        (status = 400, description = "No reading was understood", body = crate::web::error::Problem),
        (status = 401, description = "Unknown device or wrong secret", body = crate::web::error::Problem),
        (status = 413, description = "The body is larger than http.max_body_bytes", body = crate::web::error::Problem),
        (status = 503, description = "Try again after Retry-After seconds", body = crate::web::error::Problem),
    ),
    security(("device_token" = []))
)]
pub async fn publish(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Published>, ApiError> {
    let device = device(&app, &headers).await?;
    let max_bytes = app.config.http.max_body_bytes;
    let payload = to_bytes(body, max_bytes).await.map_err(|_| ApiError::TooLarge)?;
    let door = Door {
        source: Source::Http,
        device: &device,
        topic: None,
        now: app.clock.now(),
        limits: &app.config.ingest,
        max_bytes,
    };
    let Decoded { readings, quarantined, problems } = decode(&payload, &door);
    let nothing_good = readings.is_empty();
    let committed = tokio::time::timeout(PATIENCE, app.ingest.submit(readings, quarantined)).await;
    let accepted = match committed {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(IngestError::Busy)) => return Err(ApiError::Unavailable(IngestError::Busy.to_string())),
        Ok(Err(error)) => return Err(ApiError::Unavailable(error.to_string())),
        Err(_) => {
            return Err(ApiError::Unavailable("the journal cannot be written at the moment; send it again".into()));
        }
    };
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
async fn device(app: &App, headers: &HeaderMap) -> Result<Arc<DeviceEntry>, ApiError> {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = text.and_then(|text| text.strip_prefix("Bearer ")).ok_or(ApiError::Unauthorized)?.trim();
    let devices = app.ingest.devices();
    for (dot, _) in token.match_indices('.') {
        let (code, secret) = (&token[..dot], &token[dot + 1..]);
        if let Some(device) = devices.get(code).filter(|device| device.accepts(secret)) {
            return Ok(device);
        }
    }
    let (code, secret) = token.rsplit_once('.').ok_or(ApiError::Unauthorized)?;
    devices.authenticate(&app.db.ingest, code, secret).await?.ok_or(ApiError::Unauthorized)
}
