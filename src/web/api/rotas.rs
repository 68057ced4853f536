//! Rotas over HTTP: who is on call, turns, swaps and calendar files.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::rota::desk::{self, Given};
use crate::rota::fill::{self, Imported};
use crate::rota::read::MAX_BYTES;
use crate::rota::{AHEAD_DAYS, Rota, Turn, store};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::json::StrictJson;

/// Days of turns in an answer.
const DAYS: i64 = 62;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/rotas", get(list).post(create))
        .route("/api/v1/rotas/{code}", get(show).delete(retire))
        .route("/api/v1/rotas/{code}/turns", post(add))
        .route("/api/v1/rotas/{code}/turns/{turn}", delete(take_back))
        .route("/api/v1/rotas/{code}/imports", post(import))
}

/// Lists the rotas in use.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/rotas", tag = "rotas",
    responses((status = 200, body = Vec<Rota>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Rota>>, ApiError> {
    Ok(Json(store::list(&mut *app.db.web.acquire().await?, None).await?))
}

/// A new rota.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewRota)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// By which plans of escalation name it: 1 to 40 small letters, digits and `-`.
    pub code: String,
    pub name: String,
    /// Layers that shall never be empty, 1 to 5.
    #[serde(default = "one")]
    pub layers: i16,
}

const fn one() -> i16 {
    1
}

/// Makes a rota.
///
/// # Errors
/// 400 naming the field; 409 when the code was ever used; 401, 403.
#[utoipa::path(post, path = "/api/v1/rotas", tag = "rotas", request_body = New,
    responses((status = 201, body = Rota), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    StrictJson(new): StrictJson<New>,
) -> Result<(StatusCode, Json<Rota>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::create(&mut tx, by, (&new.code, &new.name, new.layers)).await?;
    let made = desk::find(&mut tx, &new.code).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// A layer of a rota.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RotaLayer)]
pub struct Layer {
    pub layer: i16,
    /// User names of who is on call now.
    pub now: Vec<String>,
    /// When nobody is, within 62 days; told of layers that shall never be empty.
    pub gaps: Vec<Gap>,
}

/// Time without anybody on call.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RotaGap)]
pub struct Gap {
    #[schema(value_type = String)]
    pub from: Instant,
    #[schema(value_type = String)]
    pub until: Instant,
}

/// A rota with its layers, and its turns of the next 62 days.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RotaShown)]
pub struct Shown {
    #[serde(flatten)]
    pub rota: Rota,
    pub on_call: Vec<Layer>,
    pub turns: Vec<Turn>,
}

/// Shows who is on call, when nobody is, and the turns that make it so.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/rotas/{code}", tag = "rotas", params(("code" = String, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(code): Path<String>,
) -> Result<Json<Shown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rota = desk::find(&mut conn, &code).await?;
    let (layers, turns) = desk::layers(&mut conn, &rota, app.clock.now(), DAYS).await?;
    let people = store::people(&mut conn).await?;
    let name =
        |id: &crate::ids::StaffId| people.iter().find(|person| person.id == *id).map(|person| person.username.clone());
    let told = |layer: &desk::Layer| Layer {
        layer: layer.number,
        now: layer.now.iter().filter_map(name).collect(),
        gaps: layer.gaps.iter().map(|(from, until)| Gap { from: *from, until: *until }).collect(),
    };
    let on_call = layers.iter().map(told).collect();
    Ok(Json(Shown { rota, on_call, turns }))
}

/// Takes a rota out of use. Plans that name it find nobody in it, and say so.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(delete, path = "/api/v1/rotas/{code}", tag = "rotas", params(("code" = String, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn retire(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(code): Path<String>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::retire(&mut tx, by, &code).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes a turn, or a swap when it says instead of whom.
///
/// # Errors
/// 400 naming the field; 409 when nobody is relieved by the swap; 404, 401, 403.
#[utoipa::path(post, path = "/api/v1/rotas/{code}/turns", tag = "rotas", params(("code" = String, Path,)), request_body = Given,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(code): Path<String>,
    StrictJson(given): StrictJson<Given>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::add(&mut tx, by, &code, &given).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a turn or a swap back; one that is under way ends now.
///
/// # Errors
/// 404 when there is none, or it is over; 401, 403.
#[utoipa::path(delete, path = "/api/v1/rotas/{code}/turns/{turn}", tag = "rotas",
    params(("code" = String, Path,), ("turn" = i64, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn take_back(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((code, turn)): Path<(String, i64)>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::take_back(&mut tx, by, &code, turn).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `?layer=…`
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportLayer {
    /// The layer of events that name none: 1 to 5, otherwise 1.
    #[param(minimum = 1, maximum = 5)]
    pub layer: Option<i16>,
}

/// Reads a calendar file (`text/calendar`, at most 1 MiB) into a rota, in the place of what files brought before. Nothing is stored
/// when anything is wrong.
///
/// # Errors
/// 400 with every problem by property and UID; 404, 401, 403.
#[utoipa::path(post, path = "/api/v1/rotas/{code}/imports", tag = "rotas", params(("code" = String, Path,), ImportLayer),
    request_body(content = String, content_type = "text/calendar"),
    responses((status = 200, body = Imported), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(code): Path<String>,
    Query(query): Query<ImportLayer>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    let kind = headers.get(axum::http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/calendar") {
        return Err(ApiError::WrongMediaType("text/calendar"));
    }
    let layer = query.layer.unwrap_or(1);
    if !(1..=5).contains(&layer) {
        return Err(ApiError::field("layer", layer.to_string(), "expected 1 to 5"));
    }
    if body.len() > MAX_BYTES {
        return Err(ApiError::TooLarge);
    }
    let text = String::from_utf8(body.into()).map_err(|_| ApiError::field("file", "", "expected UTF-8"))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let span = (by.now, by.now + TimeDelta::days(AHEAD_DAYS));
    let read = fill::read_apart(text, app.config.municipality.time_zone, span, layer).await;
    let mut tx = app.db.web.begin().await?;
    match fill::import(&mut tx, by, (&code, read)).await? {
        Ok(imported) => {
            tx.commit().await?;
            Ok(Json(imported))
        }
        Err(problems) => {
            let told = problems.into_iter().map(|problem| FieldError {
                field: problem.field,
                value: problem.value,
                message: problem.message,
            });
            Err(ApiError::BadRequest { detail: "nothing was stored".into(), errors: told.collect() })
        }
    }
}
