//! Rounds, codes, answers by code, and what people wrote, over HTTP.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OfYear, works};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::evaluation::answers::{self, Door};
use crate::secretariat::evaluation::{Check, Comment, CommentState, NewRound, Round, desk, store};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Lists rounds, the latest first, at most 500. Answers are counted in steps of five, without services that fewer than five answered about.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/rounds", tag = "service-evaluation", params(OfYear),
    responses((status = 200, body = Vec<Round>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn rounds(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(given): Query<OfYear>,
) -> Result<Json<Vec<Round>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut rounds = store::rounds(&mut conn, given.year, None).await?;
    store::counted(&mut conn, &mut rounds).await?;
    Ok(Json(rounds))
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationMade)]
pub struct Made {
    pub id: Uuid,
}

/// Opens a round on the days of the town that it says.
///
/// # Errors
/// 400 naming every field; 404; 409 when the report of the year is out or a service has other questions this year; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/rounds", tag = "service-evaluation", request_body = NewRound,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn open_round(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewRound>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::open_round(&mut tx, by, app.config.municipality.time_zone, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// How many codes, of which service.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationCodesWanted)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub service: String,
    #[schema(minimum = 1, maximum = 500)]
    pub count: i64,
}

/// Codes, each for one answer. They are told here and never again: the service keeps hashes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EvaluationCodes)]
pub struct Codes {
    pub codes: Vec<String>,
}

/// Makes codes for a service of a round.
///
/// # Errors
/// 400; 404; 409 when the round is over; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/rounds/{id}/codes", tag = "service-evaluation",
    params(("id" = Uuid, Path,)), request_body = Wanted,
    responses((status = 201, body = Codes), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn make_codes(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(wanted): StrictJson<Wanted>,
) -> Result<(StatusCode, Json<Codes>), ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let of = (id, wanted.service.as_str(), wanted.count);
    let codes = desk::make_codes(&mut tx, by, app.config.municipality.time_zone, of).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Codes { codes })))
}

/// An answer by code.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationResponse)]
#[serde(deny_unknown_fields)]
pub struct Given {
    #[schema(max_length = 60)]
    pub code: String,
    /// By question: "1" to "5", "yes" or "no", the key of an option, a text.
    pub answers: BTreeMap<String, String>,
}

/// Answers with a code, which is then gone. Nothing tells who answered, from where or when.
///
/// # Errors
/// 400 naming every answer that is wrong; 404 for a code that is not known or was used; 409 when the round is not open; 429.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/responses", tag = "service-evaluation", request_body = Given,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 429, body = Problem)))]
pub async fn respond(State(app): State<App>, StrictJson(given): StrictJson<Given>) -> Result<StatusCode, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut tx = app.db.web.begin().await?;
    answers::respond(&mut tx, (&app.ids, &app.keys.service), today, (Door::Code(&given.code), &given.answers)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OfState {
    /// waiting or shown; left out: shown. Those that wait are for whoever checks them.
    #[param(value_type = Option<String>, pattern = "^(waiting|shown|withheld)$")]
    #[serde(default)]
    pub state: Option<CommentState>,
    /// Code of a service.
    #[serde(default)]
    pub service: Option<String>,
}

/// Lists what people wrote, at most 200, apart from what else they answered.
///
/// # Errors
/// 400; 401, 403 naming the role for what was not checked yet.
#[utoipa::path(get, path = "/api/v1/secretariat/service-evaluation/comments", tag = "service-evaluation", params(OfState),
    responses((status = 200, body = Vec<Comment>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn comments(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Query(wanted): Query<OfState>,
) -> Result<Json<Vec<Comment>>, ApiError> {
    let state = wanted.state.unwrap_or(CommentState::Shown);
    if state != CommentState::Shown {
        works(&staff)?;
    }
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(store::comments(&mut conn, state, wanted.service.as_deref()).await?))
}

/// Shows a text to the staff, or withholds it, which erases it. Once.
///
/// # Errors
/// 400; 404; 409 when it was checked before; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/service-evaluation/comments/{id}", tag = "service-evaluation",
    params(("id" = Uuid, Path,)), request_body = Check,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn check_comment(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(check): StrictJson<Check>,
) -> Result<StatusCode, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::check_comment(&mut tx, by, id, &check).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
