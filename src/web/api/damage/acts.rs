//! What is done to the sections, the ledger and the level of a dossier.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::departments::{self, NewDeclaration};
use crate::damage::desk::{self, Adopted, Header, LevelSaid, NewEntry};
use crate::damage::figures::Source;
use crate::damage::lines::Line;
use crate::damage::sections::Sections;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// A header as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageHeaderChange)]
#[serde(deny_unknown_fields)]
pub struct HeaderChange {
    pub revision: i32,
    pub header: Header,
}

/// Changes COBRADE, time and onset, while nothing was submitted.
///
/// # Errors
/// 400 naming the field; 404; 409 when it changed meanwhile or was submitted; 401, 403.
#[utoipa::path(put, path = "/api/v1/damage/{id}/header", tag = "damage", params(("id" = Uuid, Path,)), request_body = HeaderChange,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn header(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(change): StrictJson<HeaderChange>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::set_header(&mut tx, by, app.config.municipality.time_zone, (id, change.revision), &change.header).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sections as they are to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageSectionsChange)]
#[serde(deny_unknown_fields)]
pub struct SectionsChange {
    pub revision: i32,
    pub sections: Sections,
}

/// Writes FIDE 1, 4, 5, 8 and 9, and the words beside the figures.
///
/// # Errors
/// 400 naming every field that is wrong; 404; 409 when it changed meanwhile or was submitted; 401, 403.
#[utoipa::path(put, path = "/api/v1/damage/{id}/sections", tag = "damage", params(("id" = Uuid, Path,)), request_body = SectionsChange,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn sections(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(change): StrictJson<SectionsChange>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::write(&mut tx, by, (id, change.revision), &change.sections).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DamageMade)]
pub struct Made {
    pub id: Uuid,
}

/// Enters a figure by hand, with where it comes from.
///
/// # Errors
/// 400 naming the field; 404; 409 when it was submitted or is full; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/entries", tag = "damage", params(("id" = Uuid, Path,)), request_body = NewEntry,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn enter(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<NewEntry>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = desk::enter(&mut tx, by, id, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id: made })))
}

/// Why something is taken back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageWhy)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Takes an entry back; it stays in the ledger.
///
/// # Errors
/// 400 without a reason; 404; 409 when it was submitted; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/entries/{entry}/end", tag = "damage",
    params(("id" = Uuid, Path,), ("entry" = Uuid, Path,)), request_body = Why,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn take_back(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((id, entry)): Path<(Uuid, Uuid)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::take_back(&mut tx, by, (id, entry), &why.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose proposal of which line.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageAdoption)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    #[schema(value_type = String)]
    pub line: Line,
    /// inspection or shelters.
    #[schema(value_type = String, pattern = "^(inspection|shelters)$")]
    pub source: Source,
}

/// Makes entries of what inspections or shelters propose for a line; the shelters propose the most persons at once. Adopting again brings the entries up to date.
///
/// # Errors
/// 400 when the source proposes nothing for the line; 404; 409 when it was submitted or is full; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/adopt", tag = "damage", params(("id" = Uuid, Path,)), request_body = Adoption,
    responses((status = 200, body = Adopted), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn adopt(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(adoption): StrictJson<Adoption>,
) -> Result<Json<Adopted>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let adopted = desk::adopt(&mut tx, by, id, (adoption.line, adoption.source)).await?;
    tx.commit().await?;
    Ok(Json(adopted))
}

/// Decides the level and what is declared: levels I and II are a situação de emergência, III is one or an estado de calamidade pública.
///
/// # Errors
/// 400 naming the field, also for level I or II as ECP; 404; 409 when it changed meanwhile, was submitted or shows no damage; 401, 403.
#[utoipa::path(put, path = "/api/v1/damage/{id}/level", tag = "damage", params(("id" = Uuid, Path,)), request_body = LevelSaid,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn level(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(said): StrictJson<LevelSaid>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::decide_level(&mut tx, by, app.config.municipality.time_zone, id, &said).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Declares damage and losses of a department, with the person and the document that answer for it.
///
/// # Errors
/// 400 naming every field that is wrong; 404; 409 when it was submitted or is full; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/declarations", tag = "damage", params(("id" = Uuid, Path,)),
    request_body = NewDeclaration,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn declare(
    State(app): State<App>,
    staff: May<can::DeclareDamage>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<NewDeclaration>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = departments::declare(&mut tx, by, id, (&new, &[])).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Made { id: made })))
}

/// The answer to a declaration.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageAnswer)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its lines become entries; otherwise it is returned, with a reason.
    pub adopts: bool,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub answer: String,
}

/// Adopts a declaration, or returns it with a reason.
///
/// # Errors
/// 400 when it is returned without a reason; 404; 409 when it was answered or the dossier was submitted; 401, 403.
#[utoipa::path(post, path = "/api/v1/damage/{id}/declarations/{declaration}/answer", tag = "damage",
    params(("id" = Uuid, Path,), ("declaration" = Uuid, Path,)), request_body = Answer,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn answer(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path((id, declaration)): Path<(Uuid, Uuid)>,
    StrictJson(answer): StrictJson<Answer>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    departments::answer(&mut tx, by, (id, declaration), (answer.adopts, &answer.answer)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
