//! Reports over HTTP, for the field's and other people's programs: JSON, or the form with photographs.
//!
//! Nobody needs an account: a report that is wrong costs a line in the queue, one that is refused may cost more. What comes
//! without a token is as little trusted as it is known, and taken within close limits for each address.

pub mod list;

use std::net::IpAddr;

use axum::body::to_bytes;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::accounts::Permission;
use crate::app::App;
use crate::media::Picture;
use crate::reports::locate::Located;
use crate::reports::{Kind, Source, Taken};
use crate::web::auth::{self, Staff};
use crate::web::client::ClientAddress;
use crate::web::error::{ApiError, Problem};
use crate::web::json;
use crate::web::reports::{Door, FORM, Said, clean, file, refusal, status};
use crate::web::upload::{self, Pictures, Shape};

/// Length of the id that the sender gives.
const KEY: std::ops::RangeInclusive<usize> = 16..=64;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/reports", get(list::reports).post(create))
        .route("/api/v1/occurrences", get(list::occurrences))
}

/// What somebody saw.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// Made by the sender, at random, once for each report, such as a UUID: what is sent again under it is the same report.
    #[schema(min_length = 16, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub id: String,
    /// landslide, cracks, flooding, flash_flood, waterlogging, fallen_tree, roof_off, wire_down, hail, collapse, fire,
    /// vegetation_fire or other.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// What happened, in words.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub text: String,
    /// Where, in words; needed without lat and lon, and without address.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub place: String,
    /// Street, number and neighbourhood, or a CEP, and nothing else: "Rua das Flores, 20, Linhares". Where the town's register
    /// knows it as one place, that is where the report is; lat and lon win over it. With place at most 497 characters together.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub address: String,
    /// Degrees (WGS 84), with lon.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: Option<f64>,
    #[schema(minimum = -180, maximum = 180)]
    pub lon: Option<f64>,
    /// What the telephone says of its own error, in metres.
    #[schema(minimum = 0)]
    pub accuracy_m: Option<f64>,
    /// When it was seen, if not now; at most 72 hours ago.
    pub observed_at: Option<DateTime<Utc>>,
    /// A telephone or mailbox to ask back at.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub contact: String,
}

/// The same as a form, with photographs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportForm {
    /// Made by the sender, at random, once for each report.
    #[schema(min_length = 16, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub id: String,
    pub kind: String,
    #[schema(max_length = 4000)]
    pub text: Option<String>,
    #[schema(max_length = 500)]
    pub place: Option<String>,
    #[schema(max_length = 500)]
    pub address: Option<String>,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<f64>,
    pub observed_at: Option<DateTime<Utc>>,
    #[schema(max_length = 254)]
    pub contact: Option<String>,
    /// JPEG, PNG or WebP: at most 4 files, each of at most 20 MiB.
    #[schema(value_type = Vec<String>, max_items = 4, content_media_type = "application/octet-stream")]
    pub photographs: Vec<Vec<u8>>,
}

/// That a report is kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Received {
    /// To speak of it later.
    pub protocol: String,
    /// False when it had come before under the same id.
    pub is_new: bool,
    /// The occurrence it was put to; told to staff alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurrence: Option<String>,
    /// The address of the register by which it was placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How exactly the address is known, in metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<i32>,
}

/// Reports what somebody saw. With a token that may `report_field` it is a report of the field, without any it is the public's.
/// Photographs are written anew, without places and other metadata.
///
/// # Errors
/// 400 naming each field; 403 for a token that may not; 429 when an address sends too many. Then nothing was stored.
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports",
    request_body(content((NewReport = "application/json"), (ReportForm = "multipart/form-data"))),
    responses((status = 201, description = "Kept", body = Received),
        (status = 200, description = "It had come before under this id", body = Received),
        (status = 400, body = Problem), (status = 403, body = Problem)))]
pub async fn create(
    State(app): State<App>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Received>), ApiError> {
    let staff = match token(&app, &headers, address).await {
        Ok(staff) => staff,
        Err(refusal) => {
            upload::pass_over(&app, request).await;
            return Err(refusal);
        }
    };
    if staff.is_none() {
        app.limits.report(address)?;
    }
    let (id, said, pictures) = read(&app, request, staff.is_some()).await?;
    let is_good = KEY.contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if !is_good {
        let expected = "expected 16 to 64 letters, digits, - or _, made at random once for each report";
        return Err(ApiError::field("id", id, expected));
    }
    let door = Door {
        source: if staff.is_some() { Source::Field } else { Source::Api },
        key: format!("api-{id}"),
        staff: staff.as_ref(),
        address,
        stamp: "",
        language: "pt-BR",
        doubts: Vec::new(),
    };
    let (taken, located) = file(&app, door, said, &pictures).await?;
    Ok((status(&taken), Json(received(taken, located, staff.is_some()))))
}

fn received(taken: Taken, located: Located, is_staff: bool) -> Received {
    let occurrence = is_staff.then_some(taken.occurrence_number);
    // What was sent before stands where it was put then; the register may know another place by now.
    let address = located.address.filter(|_| taken.is_new);
    let accuracy_m = address.as_ref().map(|address| address.spot.precision_m);
    let address = address.map(|address| address.label);
    Received { protocol: taken.protocol, is_new: taken.is_new, occurrence, address, accuracy_m }
}

/// Who sends a token. Cookies are not looked at: whoever reports from a browser has the form.
async fn token(app: &App, headers: &HeaderMap, address: Option<IpAddr>) -> Result<Option<Staff>, ApiError> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let mut only_token = HeaderMap::new();
    only_token.extend(headers.get(header::AUTHORIZATION).map(|value| (header::AUTHORIZATION, value.clone())));
    let staff = auth::identify(app, &only_token, address).await?;
    let staff = staff
        .ok_or_else(|| ApiError::Forbidden("the token is unknown, or over; leave it out, or send a live one".into()))?;
    app.limits.account(staff.id)?;
    staff.require(Permission::ReportField)?;
    Ok(Some(staff))
}

async fn read(app: &App, request: Request, is_staff: bool) -> Result<(String, Said, Vec<Picture>), ApiError> {
    if upload::is_form(request.headers()) {
        // A program can send again: it is told what is wrong with a picture.
        let shape = Shape { is_public: !is_staff, pictures: Pictures::All, ..FORM };
        let filled = upload::read_form(app, request, shape).await?;
        let id = filled.fields.get("id").cloned().unwrap_or_default();
        return Ok((id, Said::read(&filled.fields).map_err(refusal)?, filled.pictures));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| !json::is_json(kind)) {
        return Err(ApiError::WrongMediaType("application/json, or multipart/form-data"));
    }
    let body = to_bytes(request.into_body(), app.config.http.max_body_bytes).await.map_err(|_| ApiError::TooLarge)?;
    let new: NewReport = json::read(&body)?;
    let said = Said {
        kind: Some(new.kind),
        words: clean(&new.text),
        place: clean(&new.place),
        address: clean(&new.address),
        point: new.lon.zip(new.lat),
        accuracy_m: new.accuracy_m,
        is_pinned: false,
        observed_at: new.observed_at,
        contact: clean(&new.contact),
    };
    if new.lat.is_some() != new.lon.is_some() {
        return Err(ApiError::field("lat", "", "expected lat and lon together"));
    }
    let errors = said.check();
    if errors.is_empty() { Ok((new.id, said, Vec::new())) } else { Err(refusal(errors)) }
}
