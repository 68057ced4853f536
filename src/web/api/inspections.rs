//! Inspections over HTTP: taken from telephones once, listed, shown, and the files of their photographs.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::inspections::desk::{self, Taken, Tools};
use crate::inspections::photographs::{self, Kept, Sending};
use crate::inspections::store::interdiction::{self, Interdiction};
use crate::inspections::store::list::{self, Line, Wish};
use crate::inspections::store::{self, Inspection, Photograph};
use crate::inspections::{Building, Damage, NewInspection, Refusal, Risk};
use crate::web::api::imports::Query;
use crate::web::api::incidents::photographs::{Size, SizeQuery, picture};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError, Problem, shorten};
use crate::web::json::StrictJson;
use crate::web::upload::{self, Pictures, Shape};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/inspections", get(list).post(create))
        .route("/api/v1/inspections/{id}", get(show))
        .route("/api/v1/inspections/{id}/photographs", post(add))
        .route("/api/v1/inspections/{id}/photographs/{photograph}", get(file))
}

/// What taking needs of the running service.
pub fn tools(app: &App) -> Tools<'_> {
    let (days, tz) = (app.config.privacy.interdiction_days, app.config.municipality.time_zone);
    Tools { ring: &app.keys.vault, days, tz }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Wrong(faults) => {
                let told = |fault: crate::inspections::Fault| FieldError {
                    field: fault.field,
                    value: shorten(&fault.value),
                    message: fault.message,
                };
                Self::BadRequest { detail: shorten_sentence(detail), errors: faults.into_iter().map(told).collect() }
            }
            Refusal::Differs(fields) => {
                let told = |field: String| FieldError {
                    field,
                    value: String::new(),
                    message: "differs from what was sent first under this key".into(),
                };
                Self::Differs { detail: shorten_sentence(detail), errors: fields.into_iter().map(told).collect() }
            }
            Refusal::NotFound(what) => Self::NotFound(format!("the {what}")),
            Refusal::Conflict(why) => Self::Conflict(why),
            Refusal::Database(error) => error.into(),
            Refusal::Other(error) => error.into(),
        }
    }
}

/// Hundreds of faults are told in the list; the sentence stays one.
fn shorten_sentence(text: String) -> String {
    if text.chars().count() > 400 { text.chars().take(400).chain("…".chars()).collect() } else { text }
}

/// 201 for what is new, 200 for what came before.
pub const fn status(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::OK }
}

/// Which inspections.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// R1, R2, R3 or R4.
    #[param(value_type = Option<String>)]
    pub risk: Option<Risk>,
    /// none, damaged or destroyed.
    #[param(value_type = Option<String>)]
    pub damage: Option<Damage>,
    /// Use of the building.
    #[param(value_type = Option<String>)]
    pub building: Option<Building>,
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    /// The key that the device made.
    pub key: Option<Uuid>,
    /// Also those that were corrected.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
    /// The inspection after which the page begins.
    pub after: Option<Uuid>,
    /// 1 to 1000, otherwise 100.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
}

/// Lists inspections, the newest received first. Those that were corrected are left out unless they are asked for.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/inspections", tag = "inspections", params(ListQuery),
    responses((status = 200, body = Vec<Line>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Line>>, ApiError> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiError::field("limit", limit.to_string(), "expected 1 to 1000"));
    }
    let mut conn = app.db.web.acquire().await?;
    let mut before = None;
    if let Some(after) = query.after {
        let found = store::load(&mut conn, after).await?;
        let found = found.ok_or_else(|| ApiError::field("after", after.to_string(), "there is no such inspection"))?;
        before = Some((found.received_at, found.id));
    }
    let ListQuery { risk, damage, building, incident, occurrence, key, all, .. } = query;
    let wish = Wish { risk, damage, building, incident, occurrence, key, all, ..Wish::default() };
    Ok(Json(list::lines(&mut conn, &wish, before, limit).await?))
}

/// Takes an inspection, whole and once: what is sent again under its key is answered as the first time (200).
///
/// # Errors
/// 400 naming every field that is wrong; 409 when the key came before with other content, with the fields that differ, or when what it
/// corrects was corrected already; 401, 403.
#[utoipa::path(post, path = "/api/v1/inspections", tag = "inspections", request_body = NewInspection,
    responses((status = 201, body = Taken), (status = 200, description = "It came before", body = Taken),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::Inspect>,
    StrictJson(new): StrictJson<NewInspection>,
) -> Result<(StatusCode, Json<Taken>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let (taken, is_new) = desk::take(&mut tx, by, tools(&app), &new).await?;
    tx.commit().await?;
    Ok((status(is_new), Json(taken)))
}

/// An inspection with its photographs, and the interdictions that were made on it, on what it corrects or on what corrects it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionShown)]
pub struct Shown {
    #[serde(flatten)]
    pub inspection: Inspection,
    pub photographs: Vec<Photograph>,
    pub interdictions: Vec<Interdiction>,
}

/// Shows an inspection.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/inspections/{id}", tag = "inspections", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let inspection = store::load(&mut conn, id).await?.ok_or(Refusal::NotFound("inspection"))?;
    let photographs = store::photographs(&mut conn, id).await?;
    let wish = interdiction::Wish { inspection: Some(id), ..interdiction::Wish::default() };
    let interdictions = interdiction::list(&mut conn, wish, None, interdiction::PAGE).await?;
    Ok(Json(Shown { inspection, photographs, interdictions }))
}

/// The form of a photograph.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InspectionPhotographForm {
    /// The key under which it was announced.
    pub key: Uuid,
    /// SHA-256 of the file, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// One JPEG, PNG or WebP of at most 20 MiB and 52 megapixels.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 1, content_media_type = "application/octet-stream")]
    pub photographs: Vec<Vec<u8>>,
}

const FORM: Shape =
    Shape { fields: &["key", "sha256"], max_field_bytes: 256, max_files: 1, pictures: Pictures::All, is_public: false };

/// Takes the file of a photograph that the inspection announced, once. It is written anew, without any metadata.
///
/// # Errors
/// 400 naming the field or what is wrong with the file; 404 when no such photograph was announced; 409 when another file came under this
/// key; 413; 401, 403.
#[utoipa::path(post, path = "/api/v1/inspections/{id}/photographs", tag = "inspections", params(("id" = Uuid, Path,)),
    request_body(content = InspectionPhotographForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Kept), (status = 200, description = "It came before", body = Kept), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::Inspect>,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<(StatusCode, Json<Kept>), ApiError> {
    let form = upload::read_form(&app, request, FORM).await?;
    let field = |name: &str| form.fields.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let key = field("key");
    let key: Uuid = key.parse().map_err(|_| ApiError::field("key", key.clone(), "expected a UUID"))?;
    let sha256 = field("sha256").to_ascii_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ApiError::field("sha256", sha256, "expected 64 hexadecimal digits"));
    }
    let picture = form.pictures.first().ok_or_else(|| ApiError::field("photographs", "", "expected one file"))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let sending = Sending { inspection: id, key, sha256: &sha256 };
    let mut tx = app.db.web.begin().await?;
    let (kept, is_new) = photographs::attach(&mut tx, by, &app.keys.vault, sending, picture).await?;
    tx.commit().await?;
    Ok((status(is_new), Json(kept)))
}

/// A photograph as JPEG.
///
/// # Errors
/// 404, also while its file has not come; 401, 403.
#[utoipa::path(get, path = "/api/v1/inspections/{id}/photographs/{photograph}", tag = "inspections",
    params(("id" = Uuid, Path,), ("photograph" = Uuid, Path,), SizeQuery),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn file(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
    Query(query): Query<SizeQuery>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::file(&mut conn, id, photograph, query.size == Size::Thumbnail).await?;
    Ok(picture(photograph, found.ok_or(Refusal::NotFound("photograph"))?))
}
