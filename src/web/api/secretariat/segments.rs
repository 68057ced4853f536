//! Information by segment over HTTP, for those who work with it: counts, letters, subscriptions and the report. Whoever asks for messages does so on
//! a page (`/secretaria/segmentos`).

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{has_role, sought};
use crate::accounts::Role;
use crate::app::App;
use crate::i18n::Lang;
use crate::secretariat::kernel::desk::{self as cases, Desk};
use crate::secretariat::segments::Outcome;
use crate::secretariat::segments::desk::{self, Day, Preview, Subject, Subscription};
use crate::secretariat::segments::report::Report;
use crate::secretariat::segments::store::digests::{self, Digest, Letter, Wanted};
use crate::secretariat::segments::store::people;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/segments/subjects", get(subjects))
        .route("/api/v1/secretariat/segments/digests", get(days))
        .route("/api/v1/secretariat/segments/digests/{day}", get(day))
        .route("/api/v1/secretariat/segments/digests/{day}/letters", get(letters))
        .route("/api/v1/secretariat/segments/next", get(next))
        .route("/api/v1/secretariat/segments/report", get(report))
        .route("/api/v1/secretariat/segments/export", get(export))
        .route("/api/v1/secretariat/segments/subscriptions", get(subscriptions))
        .route("/api/v1/secretariat/segments/subscriptions/search", post(search))
        .route("/api/v1/secretariat/segments/subscriptions/{id}/stop", post(stop))
}

/// A day as it is written in an address.
///
/// # Errors
/// 404 for what is no day, and for one that no calendar of the database has.
pub fn day_of(text: &str) -> Result<NaiveDate, ApiError> {
    let parsed = text.parse::<NaiveDate>().ok();
    let in_calendar = |day: &NaiveDate| (1900..=9999).contains(&chrono::Datelike::year(day));
    parsed.filter(in_calendar).ok_or_else(|| ApiError::NotFound(format!("letters by segment of {text}")))
}

/// Which segments.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Words of title or tag, accents or not; the first 200 characters count.
    #[serde(default)]
    pub q: String,
}

/// Lists segments with how many confirmed each; of fewer than five nothing is told.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/subjects", tag = "segments", params(Words),
    responses((status = 200, body = Vec<Subject>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn subjects(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(asked): Query<Words>,
) -> Result<Json<Vec<Subject>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(desk::subjects(&mut conn, &app.segments, &sought(&asked.q)).await?))
}

/// Which days.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// Words of number or title of what was published, accents or not, among the newest 400 days.
    #[serde(default)]
    pub q: String,
    /// Days with letters that fare so, among the newest 400: waiting, sent, failed, unknown or forgotten.
    #[param(pattern = "^(waiting|sent|failed|unknown|forgotten)$")]
    pub outcome: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub before: Option<NaiveDate>,
}

fn outcome_of(word: Option<&str>) -> Result<Option<Outcome>, ApiError> {
    let known = |word: &str| {
        word.parse::<Outcome>()
            .map_err(|_| ApiError::field("outcome", word, "expected waiting, sent, failed, unknown or forgotten"))
    };
    word.map(known).transpose()
}

impl Days {
    /// # Errors
    /// 400 naming the parameter.
    pub fn wanted(&self) -> Result<Wanted, ApiError> {
        let before = self.before.map(|day| day_of(&day.to_string())).transpose();
        let before = before.map_err(|_| ApiError::field("before", "", "expected a day such as 2026-02-24"))?;
        let outcome = outcome_of(self.outcome.as_deref())?;
        Ok(Wanted { before, words: sought(&self.q), outcome, day: None })
    }
}

/// A page of days.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentDigests)]
pub struct Digests {
    pub items: Vec<Digest>,
    /// To ask for the next page with `before`; none: this was the last.
    #[schema(value_type = Option<String>)]
    pub next: Option<NaiveDate>,
}

/// # Errors
/// The database's.
pub async fn digests_of(app: &App, wanted: &Wanted) -> Result<Digests, ApiError> {
    let tz = app.config.municipality.time_zone;
    let mut conn = app.db.web.acquire().await?;
    let items = digests::days(&mut conn, tz, (wanted, digests::PAGE)).await?;
    let is_full = i64::try_from(items.len()).is_ok_and(|count| count == digests::PAGE);
    let next = items.last().filter(|_| is_full).map(|one| one.day);
    Ok(Digests { items, next })
}

/// Lists days with letters and how these fare, the newest first.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/digests", tag = "segments", params(Days),
    responses((status = 200, body = Digests), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn days(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Query(asked): Query<Days>,
) -> Result<Json<Digests>, ApiError> {
    Ok(Json(digests_of(&app, &asked.wanted()?).await?))
}

/// # Errors
/// 404 for a day without letters.
pub async fn day_shown(app: &App, day: NaiveDate) -> Result<Day, ApiError> {
    let tz = app.config.municipality.time_zone;
    Ok(desk::day(&mut *app.db.web.acquire().await?, tz, day).await?)
}

/// Shows the letters of a day: how they fare, and what they had in them.
///
/// # Errors
/// 401, 403; 404 for a day without letters.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/digests/{day}", tag = "segments", params(("day" = String, Path,)),
    responses((status = 200, body = Day), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn day(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(day): Path<String>,
) -> Result<Json<Day>, ApiError> {
    Ok(Json(day_shown(&app, day_of(&day)?).await?))
}

/// Which letters.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Letters {
    /// waiting, sent, failed, unknown or forgotten.
    #[param(pattern = "^(waiting|sent|failed|unknown|forgotten)$")]
    pub outcome: Option<String>,
    /// `id` of the last one of the page before.
    pub after: Option<Uuid>,
}

/// # Errors
/// 400 naming the parameter; 403 naming the role.
pub async fn letters_of(app: &App, staff: &Staff, day: NaiveDate, asked: &Letters) -> Result<Vec<Letter>, ApiError> {
    let outcome = outcome_of(asked.outcome.as_deref())?;
    let (actor, who) = (staff.actor(), cases::who(staff));
    let mut conn = app.db.web.acquire().await?;
    Ok(desk::letters(&mut conn, Desk::of(app, &actor, &who), day, (outcome, asked.after)).await?)
}

/// Lists letters of a day, 100 at a time, with their addresses masked.
///
/// # Errors
/// 400 naming the parameter; 401, 403 naming the role; 404 for what is no day.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/digests/{day}/letters", tag = "segments", params(("day" = String, Path,), Letters),
    responses((status = 200, body = Vec<Letter>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn letters(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(day): Path<String>,
    Query(asked): Query<Letters>,
) -> Result<Json<Vec<Letter>>, ApiError> {
    Ok(Json(letters_of(&app, &staff, day_of(&day)?, &asked).await?))
}

/// For whom the letter is written.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Tags with commas between them; empty: all segments.
    #[serde(default)]
    pub tags: String,
    /// pt-BR or en.
    #[param(pattern = "^(pt-BR|en)$")]
    pub language: Option<String>,
}

/// # Errors
/// 400 naming the parameter.
pub async fn preview(app: &App, staff: &Staff, asked: &Mailbox) -> Result<Preview, ApiError> {
    let wrong = |text: &str| ApiError::field("language", text, "expected pt-BR or en");
    let lang = match asked.language.as_deref() {
        None => Lang::default(),
        Some(tag) => Lang::from_tag(tag).filter(|lang| lang.tag() == tag).ok_or_else(|| wrong(tag))?,
    };
    let mut tags = crate::secretariat::feeds::tags(&sought(&asked.tags));
    if tags.is_empty() {
        tags = app.segments.iter().map(|segment| segment.key.clone()).collect();
    }
    let (actor, who) = (staff.actor(), cases::who(staff));
    let mut conn = app.db.web.acquire().await?;
    Ok(desk::next(&mut conn, &app.segments, Desk::of(app, &actor, &who), (&tags, lang)).await?)
}

/// Shows the letter that a mailbox with these tags would get next, of what was published so far.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/next", tag = "segments", params(Mailbox),
    responses((status = 200, body = Preview), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn next(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Query(asked): Query<Mailbox>,
) -> Result<Json<Preview>, ApiError> {
    Ok(Json(preview(&app, &staff, &asked).await?))
}

/// # Errors
/// The database's.
pub async fn report_of(app: &App, staff: &Staff) -> Result<Report, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(staff));
    let mut conn = app.db.web.acquire().await?;
    Ok(desk::report(&mut conn, &app.segments, Desk::of(app, &actor, &who)).await?)
}

/// Counts subscribers by segment and month, without small numbers and without those from which one could be reckoned.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/report", tag = "segments",
    responses((status = 200, body = Report), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn report(State(app): State<App>, staff: May<can::SeeSecretariat>) -> Result<Json<Report>, ApiError> {
    Ok(Json(report_of(&app, &staff).await?))
}

/// Takes the counts out as CSV. No address is in it.
///
/// # Errors
/// 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/export", tag = "segments",
    responses((status = 200, content_type = "text/csv", body = String), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(State(app): State<App>, staff: May<can::WorkSecretariat>) -> Result<Response, ApiError> {
    has_role(&staff, Role::Segments)?;
    let bytes = report_of(&app, &staff).await?.csv().map_err(|error| ApiError::Internal(error.into()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"segments.csv\""),
    ];
    Ok((headers, bytes).into_response())
}

/// Which subscriptions.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Confirmed with this tag.
    pub tag: Option<String>,
    /// True: confirmed; false: asked for and not confirmed yet.
    pub confirmed: Option<bool>,
    /// `next` of the page before.
    pub after: Option<Uuid>,
}

/// A page of subscriptions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentSubscriptions)]
pub struct Subscriptions {
    pub items: Vec<Subscription>,
    /// To ask for the next page with `after`; none: this was the last.
    pub next: Option<Uuid>,
}

/// # Errors
/// 403 naming the role.
pub async fn subscriptions_of(app: &App, staff: &Staff, asked: &Which) -> Result<Subscriptions, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(staff));
    let tag = asked.tag.as_deref().map(sought).filter(|tag| !tag.is_empty());
    let which = (tag.as_deref(), asked.confirmed);
    let mut conn = app.db.web.acquire().await?;
    let items = desk::subscriptions(&mut conn, Desk::of(app, &actor, &who), which, asked.after).await?;
    let is_full = i64::try_from(items.len()).is_ok_and(|count| count == people::PAGE);
    let next = items.last().filter(|_| is_full).map(|one| one.id);
    Ok(Subscriptions { items, next })
}

/// Lists subscriptions that run, the newest first, with their addresses masked.
///
/// # Errors
/// 400 naming the parameter; 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/segments/subscriptions", tag = "segments", params(Which),
    responses((status = 200, body = Subscriptions), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn subscriptions(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Query(asked): Query<Which>,
) -> Result<Json<Subscriptions>, ApiError> {
    Ok(Json(subscriptions_of(&app, &staff, &asked).await?))
}

/// Whose subscription, and why it is looked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SegmentSearch)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Whole.
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// What was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentFound)]
pub struct Found {
    pub subscription: Option<Subscription>,
}

/// # Errors
/// 400 naming the field; 403 naming the role.
pub async fn searched(app: &App, staff: &Staff, asked: (&str, &str)) -> Result<Found, cases::CaseError> {
    let (actor, who) = (staff.actor(), cases::who(staff));
    let mut tx = app.db.web.begin().await?;
    let subscription = desk::search(&mut tx, Desk::of(app, &actor, &who), asked).await?;
    tx.commit().await?;
    Ok(Found { subscription })
}

/// Looks for the subscription of one whole address, with a reason. Each search is in the audit, found or not.
///
/// # Errors
/// 400 naming the field; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/segments/subscriptions/search", tag = "segments", request_body = Search,
    responses((status = 200, body = Found), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn search(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(asked): StrictJson<Search>,
) -> Result<Json<Found>, ApiError> {
    Ok(Json(searched(&app, &staff, (&asked.email, &asked.reason)).await?))
}

/// Why a subscription ends.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = SegmentStop)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// # Errors
/// 400 without a reason; 403 naming the role; 404; 409 when it was ended before.
pub async fn stopped(app: &App, staff: &Staff, id: Uuid, reason: &str) -> Result<(), cases::CaseError> {
    let (actor, who) = (staff.actor(), cases::who(staff));
    let mut tx = app.db.web.begin().await?;
    desk::stop(&mut tx, Desk::of(app, &actor, &who), id, reason).await?;
    Ok(tx.commit().await?)
}

/// Ends a subscription on request and erases its address, with a reason.
///
/// # Errors
/// 400 without a reason; 401, 403 naming the role; 404; 409 when it was ended before.
#[utoipa::path(post, path = "/api/v1/secretariat/segments/subscriptions/{id}/stop", tag = "segments", params(("id" = Uuid, Path,)),
    request_body = Why,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn stop(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(why): StrictJson<Why>,
) -> Result<StatusCode, ApiError> {
    stopped(&app, &staff, id, &why.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
