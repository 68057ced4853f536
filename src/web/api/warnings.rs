//! Warnings of other institutions: those meant for the public for everyone, each whole for staff, CAP brought by programs, and
//! drafts of our own from them.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::accounts::tokens::desk::Acting;
use crate::alerts::trail;
use crate::app::App;
use crate::cobrade::Cobrade;
use crate::feeds::warnings::draft::{self as own, Choice};
use crate::feeds::warnings::import::{self as bring, Flaw, Given, Outcome};
use crate::feeds::warnings::shown::{self, Shown, Twin, Wish};
use crate::feeds::warnings::store::basis::{self, OwnAlert};
use crate::feeds::warnings::store::chain::{self, Named, Step};
use crate::feeds::warnings::{BY_HAND, Way};
use crate::ids::AreaId;
use crate::units::Level;
use crate::web::api::alerts::draft::Created;
use crate::web::api::alerts::drafter;
use crate::web::api::imports;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::json::StrictJson;

/// Warnings in one answer.
const MOST: i64 = 200;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/warnings", get(list).post(import))
        .layer(DefaultBodyLimit::max(bring::MAX_BYTES))
        .route("/api/v1/warnings/{id}", get(show))
        .route("/api/v1/warnings/{id}/draft", post(draft))
}

/// Which are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Those that were replaced, cancelled or have ended as well.
    #[serde(default)]
    past: bool,
    /// Only those for this town.
    #[serde(default)]
    for_us: bool,
    /// Only those with a smaller id: the smallest of the page before gives the next one.
    before: Option<i64>,
    /// At most so many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Lists the warnings of other institutions, the newest first: real ones that are meant for the public, in the words of
/// their publishers. No exercise or test is among them.
///
/// # Errors
/// 400.
#[utoipa::path(get, path = "/api/v1/warnings", tag = "alerts", params(Wanted),
    responses((status = 200, body = Vec<Shown>), (status = 400, body = Problem)))]
pub async fn list(State(app): State<App>, Query(query): Query<Wanted>) -> Result<Json<Vec<Shown>>, ApiError> {
    let limit = query.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::field("limit", limit.to_string(), format!("expected 1 to {MOST}")));
    }
    let wish =
        Wish { open: !query.past, public: true, for_us: query.for_us, before: query.before, limit, ..Wish::default() };
    Ok(Json(shown::list(&mut *app.db.web.acquire().await?, app.clock.now(), wish).await?))
}

/// How CAP is brought.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Bringing {
    /// Says what it is, where it maps, what is known of it and what is wrong with it, and keeps nothing.
    pub dry_run: bool,
    /// Whose words they are: the name of a feed of CAP of the configuration, whose certificates then count. Otherwise nobody's.
    #[param(max_length = 100)]
    pub source: Option<String>,
}

/// Brings CAP: one message, an envelope of several, or a list in Atom or RSS that holds its messages. Each is kept once for its
/// source, identifier, time and bytes, linked to what it replaces, and held against the town. A message that breaks rules of
/// CAP 1.2 is kept with them told; one without identifier, sender, sent, status or msgType is not.
///
/// With `dry_run` it only tells what it would do. It asks for `issue_alerts`, because the public sees what is kept for the town.
///
/// # Errors
/// 400 when it is no CAP, 401, 403, 413, 415.
#[utoipa::path(post, path = "/api/v1/warnings", tag = "alerts", params(Bringing),
    request_body(content((String = "application/cap+xml"), (String = "application/xml"), (String = "text/xml"),
        (String = "application/atom+xml"), (String = "application/rss+xml")),
        description = "CAP 1.0 to 1.2, an EDXL-DE envelope, Atom or RSS"),
    responses((status = 200, body = Outcome), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    imports::Query(query): imports::Query<Bringing>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Outcome>, ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "text/xml" && kind != "application/xml" && !(kind.starts_with("application/") && kind.ends_with("+xml"))
    {
        return Err(ApiError::WrongMediaType("application/cap+xml, application/xml or text/xml"));
    }
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let source = query.source.as_deref().unwrap_or(BY_HAND);
    let given = Given { body: &body, way: Way::Api, name: "", source };
    let mut conn = app.db.web.acquire().await?;
    let outcome = bring::bring(&mut conn, &app.config, by, given, query.dry_run).await?;
    if outcome.messages.is_empty() && !outcome.problems.is_empty() {
        let errors = outcome.problems.into_iter();
        let errors = errors.map(|wrong| FieldError { field: wrong.field, value: wrong.value, message: wrong.message });
        return Err(ApiError::BadRequest { detail: "nothing in it can be kept".into(), errors: errors.collect() });
    }
    Ok(Json(outcome))
}

/// A warning with all that is known of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WarningDetail)]
pub struct Detail {
    #[serde(flatten)]
    pub warning: Shown,
    /// Who brought it by hand, and by which file or address; empty for a feed.
    pub brought_by: String,
    pub way_name: String,
    /// What it replaced and what replaced it, the oldest first, itself among them.
    pub chain: Vec<Step>,
    /// What it names in `references`.
    pub named: Vec<Named>,
    /// Other messages under its identifier.
    pub twins: Vec<Twin>,
    /// Rules of CAP 1.2 that it breaks.
    pub flaws: Vec<Flaw>,
    /// Alerts of our own that were made from it.
    pub alerts: Vec<OwnAlert>,
}

/// Shows one warning, also one that is not for the public, with its chain and its signature.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/warnings/{id}", tag = "alerts", params(("id" = i64, Path,)),
    responses((status = 200, body = Detail), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<i64>,
) -> Result<Json<Detail>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let wish = Wish { only: Some(id), limit: 1, ..Wish::default() };
    let warning = shown::list(&mut conn, app.clock.now(), wish).await?.pop();
    let warning = warning.ok_or_else(|| ApiError::NotFound(format!("the warning {id}")))?;
    let raw = shown::raw(&mut conn, id).await?.unwrap_or_default();
    let (brought_by, way_name) = shown::brought(&mut conn, id).await?;
    Ok(Json(Detail {
        warning,
        brought_by,
        way_name,
        chain: chain::chain(&mut conn, id).await?,
        named: chain::named(&mut conn, id).await?,
        twins: shown::twins(&mut conn, id).await?,
        flaws: bring::flaws_aside(raw).await?,
        alerts: basis::alerts_from(&mut conn, id).await?,
    }))
}

/// What is wanted otherwise than the warning itself says.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DraftFrom {
    /// COBRADE code of the hazard; otherwise what code and words of the warning say.
    #[schema(value_type = Option<String>)]
    pub cobrade: Option<Cobrade>,
    /// observation, attention, alert or maximum; otherwise by the warning's severity.
    #[schema(value_type = Option<String>)]
    pub level: Option<Level>,
    /// Codes of risk areas; otherwise those under the warning.
    pub areas: Option<Vec<String>>,
}

/// Makes a draft of our own from a warning, with the line that says on what it is based. It is never issued by itself. A warning
/// that is an exercise or a test makes an exercise or a test. Asked again while the draft waits, it gives the same one (200).
///
/// # Errors
/// 400 naming the field; 401, 403, 404; 409 when no alert is made from this warning, or something has to be chosen.
#[utoipa::path(post, path = "/api/v1/warnings/{id}/draft", tag = "alerts", params(("id" = i64, Path,)), request_body = DraftFrom,
    responses((status = 200, body = Created), (status = 201, body = Created), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn draft(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<i64>,
    StrictJson(given): StrictJson<DraftFrom>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    if let Some(level) = given.level.filter(|level| *level <= Level::Normal) {
        return Err(ApiError::field("level", level.as_str(), "expected observation, attention, alert or maximum"));
    }
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let areas = match &given.areas {
        Some(codes) => Some(areas_of(&mut tx, id, codes).await?),
        None => None,
    };
    let choice = Choice { cobrade: given.cobrade, level: given.level, areas };
    let drafted = own::draft(&mut tx, &drafter(&app), now, &staff.username, id, &choice).await?;
    if drafted.is_new {
        let reason = format!("outside warning {id}");
        trail::drafted(&mut tx, &app.ids, now, &staff.actor(), drafted.id, &reason).await?;
    }
    let row = crate::alerts::store::load(&mut tx, drafted.id).await?;
    tx.commit().await?;
    let status = if drafted.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let revision = row.map_or(1, |alert| alert.row.revision);
    Ok((status, Json(Created { id: drafted.id.0, revision })))
}

async fn areas_of(conn: &mut sqlx::PgConnection, id: i64, codes: &[String]) -> Result<Vec<AreaId>, ApiError> {
    let all = basis::candidates(conn, id).await?;
    let find = |(index, code): (usize, &String)| {
        let found = all.iter().find(|area| area.code == *code).map(|area| area.id);
        found.ok_or_else(|| {
            ApiError::field(format!("areas[{index}]"), code, "there is no risk area in service with this code")
        })
    };
    codes.iter().enumerate().map(find).collect()
}
