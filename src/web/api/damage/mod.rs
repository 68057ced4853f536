//! Damage and losses (FIDE) over HTTP: dossiers, their figures, and what is read of them.

pub mod acts;
pub mod papers;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::checklist::Check;
use crate::damage::desk::{self, Header};
use crate::damage::figures::{Doubt, Figure, Sums};
use crate::damage::levels::Answers;
use crate::damage::store::{self, entries::Ended};
use crate::damage::view::{self, Whole};
use crate::damage::{Declaration, Document, Dossier, Photograph, dossier, s2id};
use crate::deadlines::Deadline;
use crate::ids::IncidentId;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/damage", get(list).post(open))
        .route("/api/v1/damage/{id}", get(show))
        .route("/api/v1/damage/{id}/s2id.csv", get(csv))
        .route("/api/v1/damage/{id}/header", put(acts::header))
        .route("/api/v1/damage/{id}/sections", put(acts::sections))
        .route("/api/v1/damage/{id}/entries", post(acts::enter))
        .route("/api/v1/damage/{id}/entries/{entry}/end", post(acts::take_back))
        .route("/api/v1/damage/{id}/adopt", post(acts::adopt))
        .route("/api/v1/damage/{id}/level", put(acts::level))
        .route("/api/v1/damage/{id}/declarations", post(acts::declare))
        .route("/api/v1/damage/{id}/declarations/{declaration}/answer", post(acts::answer))
        .route("/api/v1/damage/{id}/documents/{kind}", put(papers::write))
        .route("/api/v1/damage/{id}/documents/{kind}/adopt", post(papers::adopt_document))
        .route("/api/v1/damage/{id}/documents/{kind}/take-back", post(papers::take_back_document))
        .route("/api/v1/damage/{id}/photographs", put(papers::choose))
        .route("/api/v1/damage/{id}/submit", post(papers::submit))
        .route("/api/v1/damage/{id}/outcome", post(papers::outcome))
        .route("/api/v1/damage/{id}/correct", post(papers::correct))
}

/// Lists dossiers, the newest first and of an incident the newest version first, at most 300.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/damage", tag = "damage",
    responses((status = 200, body = Vec<Dossier>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Dossier>>, ApiError> {
    Ok(Json(store::list(&mut *app.db.web.acquire().await?, None, None).await?))
}

/// A dossier to open.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageOpening)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    pub incident_id: Uuid,
    pub header: Header,
}

/// Opens the dossier of an incident. Its documents begin as drafts, and the deadline of its submission runs.
///
/// # Errors
/// 400 naming the field; 404; 409 when the incident has one; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage", tag = "damage", request_body = Opening,
    responses((status = 201, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn open(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    StrictJson(opening): StrictJson<Opening>,
) -> Result<(StatusCode, Json<Shown>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let town = &app.config.municipality;
    let id = desk::open(&mut tx, by, town, (IncidentId(opening.incident_id), &opening.header)).await?;
    let made = view::whole(&mut tx, id, (by.now, town)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// What led to the level.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageLevelDetail)]
pub struct LevelDetail {
    pub answers: Option<Answers>,
    /// What the criteria led to: i, ii or iii.
    pub proposed: Option<String>,
    pub why: Option<Vec<String>>,
    /// Code and law of the criteria.
    pub criteria: Option<String>,
    pub law_ref: Option<String>,
}

/// A dossier with its parts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DamageShown)]
pub struct Shown {
    #[serde(flatten)]
    pub dossier: Dossier,
    pub level_detail: LevelDetail,
    /// Every line of FIDE 6 and 7, with entries, proposals and differences.
    pub figures: Vec<Figure>,
    pub sums: Sums,
    pub doubts: Vec<Doubt>,
    /// Entries that were taken back.
    pub ended: Vec<Ended>,
    pub declarations: Vec<Declaration>,
    pub documents: Vec<Document>,
    pub photographs: Vec<Photograph>,
    pub deadlines: Vec<Deadline>,
    /// What it lacks before it can be submitted, and what is only told.
    pub checks: Vec<Check>,
}

impl From<Whole> for Shown {
    fn from(whole: Whole) -> Self {
        let empty = || LevelDetail { answers: None, proposed: None, why: None, criteria: None, law_ref: None };
        Self {
            level_detail: serde_json::from_value(whole.level_detail).unwrap_or_else(|_| empty()),
            dossier: whole.dossier,
            figures: whole.figures,
            sums: whole.sums,
            doubts: whole.doubts,
            ended: whole.ended,
            declarations: whole.declarations,
            documents: whole.documents,
            photographs: whole.photographs,
            deadlines: whole.deadlines,
            checks: whole.checks,
        }
    }
}

/// A dossier with everything: sections, figures with their sources and what is proposed beside them, documents, deadlines, and what it lacks.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/damage/{id}", tag = "damage", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let whole = view::whole(&mut conn, id, (app.clock.now(), &app.config.municipality)).await?;
    Ok(Json(whole.into()))
}

/// The figures in the columns of S2iD and the national atlas: four lines of metadata, `;`, latin-1. An empty cell is a number that nobody said.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/damage/{id}/s2id.csv", tag = "damage", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<u8>, content_type = "text/csv"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn csv(State(app): State<App>, _: May<can::SeeConsole>, Path(id): Path<Uuid>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let whole = view::whole(&mut conn, id, (app.clock.now(), &app.config.municipality)).await?;
    let bytes = s2id::write(&dossier::sheet(&whole, &app.config.municipality));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=ISO-8859-1"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"s2id.csv\""),
    ];
    Ok((headers, bytes).into_response())
}
