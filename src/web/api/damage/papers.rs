//! Documents and photographs of a dossier, its submission, and what came of it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::acts::{Made, Why};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::damage::documents::{Kind, Paragraph};
use crate::damage::papers::{self, Decree};
use crate::damage::submit::{self as submission, Outcome};
use crate::damage::{Photograph, print};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

fn kind_of(word: &str) -> Result<Kind, ApiError> {
    let kind = word.parse::<Kind>().ok().filter(|kind| kind.has_words());
    kind.ok_or_else(|| ApiError::NotFound(format!("the document {word}")))
}

/// The words of a document as they are to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageWords)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub revision: i32,
    /// Those that it has, in their order.
    pub paragraphs: Vec<Paragraph>,
}

/// Writes the words of a draft: dmate, parecer, decree or oficio. Figures stand in them as places in braces.
///
/// # Errors
/// 400 naming every paragraph that is wrong; 404; 409 when it changed meanwhile, is adopted or was submitted; 401, 403.
#[utoipa::path(put, path = "/api/v1/damage/{id}/documents/{kind}", tag = "damage",
    params(("id" = Uuid, Path,), ("kind" = String, Path,)), request_body = Words,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn write(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((id, kind)): Path<(Uuid, String)>,
    StrictJson(words): StrictJson<Words>,
) -> Result<StatusCode, ApiError> {
    let kind = kind_of(&kind)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    papers::write(&mut tx, by, (id, kind, words.revision), &words.paragraphs).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is adopted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageDocumentAdoption)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    pub revision: i32,
    /// Of a decree, and of nothing else.
    #[serde(default)]
    pub decree: Option<Decree>,
}

/// The number that a document has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DamageDocumentNumber)]
pub struct Number {
    pub number: String,
}

/// Adopts a document: it gets its number and stands. A decree brings its own, and its 180 days begin.
///
/// # Errors
/// 400 naming the field; 404; 409 when it changed meanwhile, is adopted, or the level is not decided; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/documents/{kind}/adopt", tag = "damage",
    params(("id" = Uuid, Path,), ("kind" = String, Path,)), request_body = Adoption,
    responses((status = 200, body = Number), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn adopt_document(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((id, kind)): Path<(Uuid, String)>,
    StrictJson(adoption): StrictJson<Adoption>,
) -> Result<Json<Number>, ApiError> {
    let kind = kind_of(&kind)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let town = &app.config.municipality;
    let number = papers::adopt(&mut tx, by, town, (id, kind, adoption.revision), adoption.decree.as_ref()).await?;
    tx.commit().await?;
    Ok(Json(Number { number }))
}

/// Makes an adopted document a draft again; it keeps its number.
///
/// # Errors
/// 400 without a reason; 404; 409 when it is a draft or was submitted; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/documents/{kind}/take-back", tag = "damage",
    params(("id" = Uuid, Path,), ("kind" = String, Path,)), request_body = Why,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn take_back_document(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((id, kind)): Path<(Uuid, String)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<StatusCode, ApiError> {
    let kind = kind_of(&kind)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    papers::take_back(&mut tx, by, (id, kind), &why.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A photograph of the report.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageChosen)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Of the incident or one of its inspections.
    pub id: Uuid,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub caption: String,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub taken_at: Option<Instant>,
    #[serde(default)]
    #[schema(minimum = -180, maximum = 180)]
    pub lon: Option<f64>,
    #[serde(default)]
    #[schema(minimum = -90, maximum = 90)]
    pub lat: Option<f64>,
}

/// Puts photographs in the report, in their order, in the place of what was chosen.
///
/// # Errors
/// 400 naming every field that is wrong; 404; 409 when it was submitted; 401, 403.
#[utoipa::path(put, path = "/api/v1/damage/{id}/photographs", tag = "damage", params(("id" = Uuid, Path,)),
    request_body = Vec<Chosen>,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn choose(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(chosen): StrictJson<Vec<Chosen>>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let one = |one: Chosen| Photograph {
        id: one.id,
        position: None,
        caption: one.caption,
        taken_at: one.taken_at,
        lon: one.lon,
        lat: one.lat,
    };
    let chosen: Vec<Photograph> = chosen.into_iter().map(one).collect();
    let mut tx = app.db.web.begin().await?;
    papers::choose(&mut tx, by, id, &chosen).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is submitted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageSubmission)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The revision that was looked at.
    pub revision: i32,
    /// The COBRADE of the dossier, once more.
    #[schema(pattern = r"^[0-9](\.[0-9]){4}$")]
    pub cobrade: String,
}

/// The sum of what was frozen.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DamageSubmitted)]
pub struct Submitted {
    /// In hexadecimal.
    pub pdf_sha256: String,
}

/// Freezes a dossier: prints its documents from what is read first, and keeps figures, words and PDF in a transaction that looks whether
/// they still are what was printed.
///
/// # Errors
/// As [`submission::ready`] and [`submission::freeze`] say, and when the documents cannot be printed; nothing is frozen then.
pub async fn submit_now(app: &App, staff: &Staff, wanted: (Uuid, i32, &str)) -> Result<String, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let town = &app.config.municipality;
    let ready = {
        let mut conn = app.db.web.acquire().await?;
        let whole = submission::ready(&mut conn, by, town, wanted).await?;
        print::ready(&mut conn, &whole, town, Kind::ALL, (false, by.now)).await.map_err(ApiError::Internal)?
    };
    let frozen = ready.data.clone();
    let pdf = ready.pdf().await.map_err(ApiError::Internal)?;
    let mut tx = app.db.web.begin().await?;
    let sum = submission::freeze(&mut tx, by, town, wanted, (&frozen, &pdf)).await?;
    tx.commit().await?;
    Ok(sum)
}

/// Submits a dossier: figures, documents and the PDF stand as they are from then on.
///
/// # Errors
/// 400 when the COBRADE is another; 404; 409 when it changed meanwhile or lacks something; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/submit", tag = "damage", params(("id" = Uuid, Path,)), request_body = Submission,
    responses((status = 200, body = Submitted), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn submit(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(submission): StrictJson<Submission>,
) -> Result<Json<Submitted>, ApiError> {
    let pdf_sha256 = submit_now(&app, &staff, (id, submission.revision, &submission.cobrade)).await?;
    Ok(Json(Submitted { pdf_sha256 }))
}

/// Writes down what came of a dossier: its number in S2iD, the recognition, the refusal, or that it was given up.
///
/// # Errors
/// 400 naming the field; 404; 409 when its state does not allow it; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/outcome", tag = "damage", params(("id" = Uuid, Path,)), request_body = Outcome,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn outcome(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(outcome): StrictJson<Outcome>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    submission::decide(&mut tx, by, app.config.municipality.time_zone, id, &outcome).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins the next version of what was submitted, refused or archived.
///
/// # Errors
/// 400 without a reason; 404; 409 when nothing was submitted or it is corrected already; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/correct", tag = "damage", params(("id" = Uuid, Path,)), request_body = Why,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn correct(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(why): StrictJson<Why>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let next = submission::correct(&mut tx, by, app.config.municipality.time_zone, id, &why.reason).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id: next })))
}
