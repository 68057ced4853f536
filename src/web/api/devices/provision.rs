//! Many devices from one CSV file over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::fleet::label::{Reach, uri};
use crate::fleet::provision::{ProvisionError, Provisioned, provision};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

/// Devices that were made. The secrets are told this once and kept nowhere.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Fleet {
    pub devices: Vec<Labelled>,
}

/// A device with what its label holds.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Labelled {
    #[serde(flatten)]
    pub device: Provisioned,
    /// What to print as a QR code: `sentinela://provision?…`.
    pub uri: String,
}

impl From<ProvisionError> for ApiError {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Wrong(problems) => Self::BadRequest {
                detail: format!("{} errors in the file; nothing was stored", problems.total()),
                errors: problems.to_field_errors(),
            },
            ProvisionError::Database(error) => error.into(),
        }
    }
}

/// Makes all devices of a CSV file, or none: `code,station,profile,hardware_id,secret`, the last three optional.
///
/// # Errors
/// 400 with every error by its line, 401, 403.
#[utoipa::path(post, path = "/api/v1/provisioning", tag = "catalogue",
    request_body(content = String, content_type = "text/csv"),
    responses((status = 201, body = Fleet), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Fleet>), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("text/csv")) {
        return Err(ApiError::WrongMediaType("text/csv"));
    }
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = provision(&mut tx, by, &body, &app.config.ingest.profiles).await?;
    tx.commit().await?;
    let reach = Reach::of(&app.config);
    let labelled = |device: Provisioned| {
        let uri = uri(reach.as_ref(), &device.code, &device.secret);
        Labelled { device, uri }
    };
    Ok((StatusCode::CREATED, Json(Fleet { devices: made.into_iter().map(labelled).collect() })))
}
