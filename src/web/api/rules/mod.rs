//! Rules over HTTP: every version with where it stands, what it changes, and the acts of its life.

pub mod act;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use crate::app::App;
use crate::rules::check::{self, Checked, Finding, Gap};
use crate::rules::desk::{At, Desk, RuleError, check_apart};
use crate::rules::diff::{Change, changes};
use crate::rules::outline::Outline;
use crate::rules::store::{self, Version, previews};
use crate::rules::town;
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/rules", get(list).post(propose))
        .route("/api/v1/rules/check", post(examine))
        .route("/api/v1/rules/{id}", get(show))
        .route("/api/v1/rules/{id}/changes", get(compare))
        .route("/api/v1/rules/{id}/versions/{version}", get(version).put(edit))
        .route("/api/v1/rules/{id}/versions/{version}/check", post(act::check))
        .route("/api/v1/rules/{id}/versions/{version}/preview", post(act::preview).delete(act::cancel_preview))
        .route("/api/v1/rules/{id}/versions/{version}/trial", post(act::start_trial).delete(act::end_trial))
        .route("/api/v1/rules/{id}/versions/{version}/return", post(act::give_back))
        .route("/api/v1/rules/{id}/versions/{version}/withdraw", post(act::withdraw))
        .route("/api/v1/rules/{id}/versions/{version}/approve", post(act::approve))
        .route("/api/v1/rules/{id}/versions/{version}/approval", delete(act::take_back))
        .route("/api/v1/rules/{id}/versions/{version}/retire", post(act::retire))
}

impl From<RuleError> for ApiError {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::NotFound(rule, version) => Self::NotFound(format!("version {version} of rule {rule:?}")),
            RuleError::Wrong { field, value, message } => Self::field(field, value, message),
            RuleError::Errors(ref checked) => {
                Self::BadRequest { detail: error.to_string(), errors: checked.findings.iter().map(told).collect() }
            }
            RuleError::Database(error) => error.into(),
            RuleError::Other(error) => error.into(),
            refused @ (RuleError::Stale { .. } | RuleError::Refused(_) | RuleError::Conflict(_)) => {
                Self::Conflict(refused.to_string())
            }
        }
    }
}

fn told(finding: &Finding) -> FieldError {
    let value = format!("line {}, column {}", finding.line, finding.column);
    FieldError { field: finding.place.clone(), value, message: finding.message.clone() }
}

/// The desk for whoever asks.
pub(crate) fn desk<'a>(app: &'a App, by: &'a crate::audit::Actor) -> Desk<'a> {
    let (engine, zone) = (&app.config.engine, app.config.municipality.time_zone);
    Desk { engine, zone, ids: &app.ids, now: app.clock.now(), by }
}

/// Every rule, and what no rule watches.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RuleList {
    /// The folder that is the authority (engine.rules_dir); empty where the versions kept here are.
    pub folder: String,
    pub rules: Vec<RuleSummary>,
    /// Hazards and grades of the town that no active rule covers.
    pub gaps: Vec<Gap>,
}

/// A rule with its versions, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RuleSummary {
    pub id: String,
    pub title: String,
    /// COBRADE code.
    pub hazard: String,
    /// Empty: all grades.
    pub grades: Vec<String>,
    /// The version that judges; none where none does.
    pub active: Option<i32>,
    pub versions: Vec<VersionSummary>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct VersionSummary {
    pub version: i32,
    /// draft, checked, back_tested, trial, active, retired or withdrawn.
    pub state: String,
    /// product, folder or person.
    pub source: String,
    pub note: String,
    /// User name of whoever saved it last; none for the product's and the folder's.
    pub author: Option<String>,
    pub updated_at: DateTime<Utc>,
    pub trial_since: Option<DateTime<Utc>>,
    pub activated_at: Option<DateTime<Utc>>,
    pub retired_at: Option<DateTime<Utc>>,
}

/// One version, whole.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct VersionDetail {
    pub rule: String,
    #[serde(flatten)]
    pub summary: VersionSummary,
    /// Rises with each edit and return. Acts name the one they are about.
    pub revision: i32,
    /// The text (TOML) as written.
    pub text: String,
    pub checked: Option<Checked>,
    /// The comparison with the active version over past days and storms.
    #[schema(value_type = Option<Object>)]
    pub back_test: Option<Value>,
    /// Scores that `sentinela backtest` wrote.
    #[schema(value_type = Option<Object>)]
    pub scores: Option<Value>,
    /// User names of those who stand behind the next step.
    pub approved_by: Vec<String>,
    pub preview: Option<PreviewState>,
}

/// How far the last comparison is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PreviewState {
    pub id: i64,
    /// waiting, running, done, failed or cancelled.
    pub state: String,
    pub days: i32,
    pub steps: i32,
    pub done: i32,
    /// Why it failed; empty otherwise.
    pub failure: String,
}

impl From<previews::Preview> for PreviewState {
    fn from(preview: previews::Preview) -> Self {
        let previews::Preview { id, state, days, steps, done, failure, .. } = preview;
        Self { id, state, days, steps, done, failure }
    }
}

impl From<&Version> for VersionSummary {
    fn from(version: &Version) -> Self {
        Self {
            version: version.version,
            state: version.state.to_string(),
            source: version.source.to_string(),
            note: version.note.clone(),
            author: version.author.clone(),
            updated_at: version.updated_at,
            trial_since: version.trial_since,
            activated_at: version.activated_at,
            retired_at: version.retired_at,
        }
    }
}

fn summaries(versions: &[Version]) -> Vec<RuleSummary> {
    let of_one_rule = versions.chunk_by(|a, b| a.rule_id == b.rule_id);
    let summary = |versions: &[Version]| {
        let active = versions.iter().find(|version| version.state == crate::rules::State::Active);
        let shown = active.or_else(|| versions.first())?;
        let outline = Outline::read(&shown.text).unwrap_or_default();
        Some(RuleSummary {
            id: shown.rule_id.clone(),
            title: outline.title,
            hazard: outline.hazard,
            grades: outline.grades,
            active: active.map(|version| version.version),
            versions: versions.iter().map(VersionSummary::from).collect(),
        })
    };
    of_one_rule.filter_map(summary).collect()
}

/// Lists every rule with its versions, and what no rule watches.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", responses((status = 200, body = RuleList)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<RuleList>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let versions = store::versions(&mut conn, None).await?;
    let gaps = check::gaps(&*app.town.network(&mut conn, &app.config.engine).await?);
    Ok(Json(RuleList { folder: app.config.engine.rules_dir.clone(), rules: summaries(&versions), gaps }))
}

/// Shows one rule with its versions.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = String, Path,)),
    responses((status = 200, body = RuleSummary), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<String>,
) -> Result<Json<RuleSummary>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let versions = store::versions(&mut conn, Some(&id)).await?;
    summaries(&versions).pop().map(Json).ok_or_else(|| ApiError::NotFound(format!("rule {id:?}")))
}

/// Shows one version whole.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/rules/{id}/versions/{version}", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)),
    responses((status = 200, body = VersionDetail), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn version(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((id, version)): Path<(String, i32)>,
) -> Result<Json<VersionDetail>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    detail(&mut conn, &id, version).await.map(Json)
}

async fn detail(conn: &mut PgConnection, id: &str, version: i32) -> Result<VersionDetail, ApiError> {
    let found = store::find(&mut *conn, id, version).await?;
    let found = found.ok_or_else(|| RuleError::NotFound(id.to_owned(), version))?;
    let approved_by = store::stands_behind(&mut *conn, &found).await?.into_iter().map(|who| who.username).collect();
    let preview = previews::last(conn, id, version).await?.map(PreviewState::from);
    Ok(VersionDetail {
        summary: VersionSummary::from(&found),
        rule: found.rule_id,
        revision: found.revision,
        text: found.text,
        checked: found.checked,
        back_test: found.back_test,
        scores: found.scores,
        approved_by,
        preview,
    })
}

/// A text to keep as a new version.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The whole rule (TOML). Its `id` and `version` say what it is kept as; the version must be above those that are there.
    pub text: String,
    /// What it changes, and why.
    #[serde(default)]
    pub note: String,
}

/// Keeps a text as a draft of a new version, or of a new rule.
///
/// # Errors
/// 400 naming what is wrong, 409 when the number is taken, 401, 403.
#[utoipa::path(post, path = "/api/v1/rules", tag = "rules", request_body = Proposal,
    responses((status = 201, body = VersionDetail), (status = 400, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn propose(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    StrictJson(given): StrictJson<Proposal>,
) -> Result<(StatusCode, Json<VersionDetail>), ApiError> {
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let kept = desk(&app, &actor).propose(&mut tx, &given.text, &given.note).await?;
    let detail = detail(&mut tx, &kept.rule_id, kept.version).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(detail)))
}

/// Another text of a draft.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewriting {
    /// The revision that was read.
    pub revision: i32,
    pub text: String,
    #[serde(default)]
    pub note: String,
}

/// Saves another text. Whatever it was, it is a draft afterwards, and nobody has approved it.
///
/// # Errors
/// 400, 404, 409 when somebody was quicker or the text stands for good, 401, 403.
#[utoipa::path(put, path = "/api/v1/rules/{id}/versions/{version}", tag = "rules",
    params(("id" = String, Path,), ("version" = i32, Path,)), request_body = Rewriting,
    responses((status = 200, body = VersionDetail), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    Path((id, version)): Path<(String, i32)>,
    StrictJson(given): StrictJson<Rewriting>,
) -> Result<Json<VersionDetail>, ApiError> {
    let actor = staff.actor();
    let at = At { rule: &id, version, revision: Some(given.revision) };
    let mut tx = app.db.web.begin().await?;
    desk(&app, &actor).edit(&mut tx, at, &given.text, &given.note).await?;
    let detail = detail(&mut tx, &id, version).await?;
    tx.commit().await?;
    Ok(Json(detail))
}

/// A text to look at; nothing is kept.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Examined {
    pub text: String,
}

/// Checks a text against the town as it stands, and keeps nothing.
///
/// # Errors
/// 400 when the text is too long, 401, 403. What is wrong in the text is the answer, not an error.
#[utoipa::path(post, path = "/api/v1/rules/check", tag = "rules", request_body = Examined,
    responses((status = 200, body = Checked), (status = 400, body = Problem)), security(("api_token" = [])))]
pub async fn examine(
    State(app): State<App>,
    _: May<can::EditCatalogue>,
    StrictJson(given): StrictJson<Examined>,
) -> Result<Json<Checked>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(examined(&mut conn, &app, &given.text, None).await?))
}

/// What the check says of a text, under its own name and number or those it is kept under.
pub(crate) async fn examined(
    conn: &mut PgConnection,
    app: &App,
    text: &str,
    kept: Option<(&str, i32)>,
) -> Result<Checked, ApiError> {
    let outline = Outline::read(text).unwrap_or_default();
    let own = (outline.id.as_str(), i32::try_from(outline.version).unwrap_or(0));
    let (id, version) = kept.unwrap_or(own);
    let network = town::read(conn, &app.config.engine).await?;
    Ok(check_apart(check::Kept { id, version }, text, network, app.config.municipality.time_zone).await?)
}

/// Which two versions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    pub from: i32,
    pub to: i32,
}

/// Tells what changed from one version to another.
///
/// # Errors
/// 404, 401, 403; 409 when one of the texts is no TOML.
#[utoipa::path(get, path = "/api/v1/rules/{id}/changes", tag = "rules", params(("id" = String, Path,), Which),
    responses((status = 200, body = Vec<Change>), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn compare(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Change>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut outlines = Vec::new();
    for number in [which.from, which.to] {
        let found = store::find(&mut conn, &id, number).await?;
        let found = found.ok_or_else(|| RuleError::NotFound(id.clone(), number))?;
        let outline = Outline::read(&found.text);
        outlines.push(outline.map_err(|error| ApiError::Conflict(format!("version {number} is no TOML: {error}")))?);
    }
    let told = outlines.first().zip(outlines.last()).map(|(from, to)| changes(from, to));
    Ok(Json(told.unwrap_or_default()))
}
