//! The acts of a version's life over HTTP.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{PreviewState, desk};
use crate::app::App;
use crate::events::{Event, notify};
use crate::rules::check::Checked;
use crate::rules::desk::{At, RuleError};
use crate::rules::life::{Outcome, PERSONS, State as Stands};
use crate::rules::store::{self, previews};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// The revision that was read.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfRevision {
    pub revision: i32,
}

/// The revision that was read, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    pub revision: i32,
    pub reason: String,
}

/// How many of the last days of the journal the comparison looks at, beside the storms.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// 1 to 90.
    #[schema(minimum = 1, maximum = 90)]
    pub days: i32,
}

/// What became of an approval.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Decided {
    /// Where the version stands now.
    pub state: String,
    /// How many persons stand behind the step, as far as it waits for another.
    pub have: usize,
    pub needed: usize,
}

/// Checks a draft against the town as it stands. Without errors it is checked; with some it stays a draft.
///
/// # Errors
/// 404, 409 when it is no draft or somebody was quicker, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules/{id}/versions/{version}/check", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = OfRevision,
    responses((status = 200, body = Checked), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn check(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<OfRevision>,
) -> Result<Json<Checked>, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let at = At { rule: &id, version, revision: Some(given.revision) };
    let checked = desk(&app, &by).check(&mut tx, at).await?;
    tx.commit().await?;
    Ok(Json(checked))
}

/// Asks for a comparison with the active version over the journal's last days and the storms; its result is kept with the version.
///
/// # Errors
/// 400 naming the days, 404, 409 when the version is no longer or not yet compared, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules/{id}/versions/{version}/preview", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = Wish,
    responses((status = 202, body = PreviewState), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn preview(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<Wish>,
) -> Result<(StatusCode, Json<PreviewState>), ApiError> {
    ask(&app, &staff, (&id, version), given.days).await?;
    let mut conn = app.db.web.acquire().await?;
    let asked = previews::last(&mut conn, &id, version).await?;
    let asked = asked.ok_or_else(|| RuleError::NotFound(id.clone(), version))?;
    Ok((StatusCode::ACCEPTED, Json(asked.into())))
}

/// Asks for a comparison, for the API and the page alike.
pub(crate) async fn ask(app: &App, staff: &Staff, (id, version): (&str, i32), days: i32) -> Result<(), ApiError> {
    if !(1..=90).contains(&days) {
        return Err(ApiError::field("days", days.to_string(), "expected 1 to 90"));
    }
    let mut tx = app.db.web.begin().await?;
    let found = store::find(&mut tx, id, version).await?;
    let found = found.ok_or_else(|| RuleError::NotFound(id.to_owned(), version))?;
    if !matches!(found.state, Stands::Checked | Stands::BackTested | Stands::Trial) {
        return Err(ApiError::Conflict(format!("a version that is {} is not compared; check it first", found.state)));
    }
    previews::ask(&mut tx, app.clock.now(), (id, version, found.revision), days, &staff.username).await?;
    notify(&mut tx, &Event::Rules).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends the comparison that is under way; what is kept of an earlier one stays.
///
/// # Errors
/// 404 when none is, 401, 403.
#[utoipa::path(delete, path = "/api/v1/rules/{id}/versions/{version}/preview", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)),
    responses((status = 204), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn cancel_preview(
    State(app): State<App>,
    _: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
) -> Result<StatusCode, ApiError> {
    if !cancel(&app, &id, version).await? {
        return Err(ApiError::NotFound(format!("a comparison of version {version} of rule {id:?} that is under way")));
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn cancel(app: &App, id: &str, version: i32) -> Result<bool, ApiError> {
    if !crate::rules::is_rule_id(id) {
        return Ok(false);
    }
    let mut tx = app.db.web.begin().await?;
    let ended = previews::cancel(&mut tx, app.clock.now(), id, version).await?;
    notify(&mut tx, &Event::Rules).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Judges the version beside the active one from now on. Nobody is warned of what it finds.
///
/// # Errors
/// 404, 409, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules/{id}/versions/{version}/trial", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = OfRevision,
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn start_trial(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<OfRevision>,
) -> Result<StatusCode, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk(&app, &by).start_trial(&mut tx, At { rule: &id, version, revision: Some(given.revision) }).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the trial; what it found stays.
///
/// # Errors
/// 404, 409, 401, 403.
#[utoipa::path(delete, path = "/api/v1/rules/{id}/versions/{version}/trial", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end_trial(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
) -> Result<StatusCode, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk(&app, &by).end_trial(&mut tx, At { rule: &id, version, revision: None }, "").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a version back to its author.
///
/// # Errors
/// 400 without a reason, 404, 409, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules/{id}/versions/{version}/return", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = Because,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn give_back(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<Because>,
) -> Result<StatusCode, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let at = At { rule: &id, version, revision: Some(given.revision) };
    desk(&app, &by).give_back(&mut tx, at, &given.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a version up before it was ever active.
///
/// # Errors
/// 400 without a reason, 404, 409, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules/{id}/versions/{version}/withdraw", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = Because,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn withdraw(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<Because>,
) -> Result<StatusCode, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let at = At { rule: &id, version, revision: Some(given.revision) };
    desk(&app, &by).withdraw(&mut tx, at, &given.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stands behind the activation. The second person carries it out.
///
/// # Errors
/// 400 without a reason or when it no longer fits the town, 404, 409, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules/{id}/versions/{version}/approve", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = Because,
    responses((status = 200, body = Decided), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn approve(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<Because>,
) -> Result<Json<Decided>, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let at = At { rule: &id, version, revision: Some(given.revision) };
    let outcome = desk(&app, &by).approve(&mut tx, at, &given.reason).await?;
    let decided = decided(&mut tx, (&id, version), outcome).await?;
    tx.commit().await?;
    Ok(Json(decided))
}

/// Takes back one's own word, while it waits for a second.
///
/// # Errors
/// 404, 409 when there is nothing to take back, 401, 403.
#[utoipa::path(delete, path = "/api/v1/rules/{id}/versions/{version}/approval", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn take_back(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path((id, version)): Path<(String, i32)>,
) -> Result<StatusCode, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    desk(&app, &by).take_back(&mut tx, At { rule: &id, version, revision: None }).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stands behind ending the active version with nothing in its place. The second person carries it out.
///
/// # Errors
/// 400 without a reason, 404, 409, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules/{id}/versions/{version}/retire", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = Because,
    responses((status = 200, body = Decided), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn retire(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<Because>,
) -> Result<Json<Decided>, ApiError> {
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let at = At { rule: &id, version, revision: Some(given.revision) };
    let outcome = desk(&app, &by).retire(&mut tx, at, &given.reason).await?;
    let decided = decided(&mut tx, (&id, version), outcome).await?;
    tx.commit().await?;
    Ok(Json(decided))
}

async fn decided(
    conn: &mut sqlx::PgConnection,
    (id, version): (&str, i32),
    outcome: Outcome,
) -> Result<Decided, ApiError> {
    let found = store::find(conn, id, version).await?;
    let state = found.map(|version| version.state.to_string()).unwrap_or_default();
    let have = if let Outcome::Waits { have, .. } = outcome { have } else { PERSONS };
    Ok(Decided { state, have, needed: PERSONS })
}
