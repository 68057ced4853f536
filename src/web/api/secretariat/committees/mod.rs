//! Comitês over HTTP: bodies, persons, files. Seats, meetings and what happens in them beside it.

pub mod meetings;
pub mod minutes;
pub mod room;
pub mod seats;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::sought;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::committees::{may_see, may_work, report};
use crate::secretariat::kernel::body::desk::{self, NewPerson};
use crate::secretariat::kernel::body::file::File;
use crate::secretariat::kernel::body::popolo::{self, Popolo};
use crate::secretariat::kernel::body::{Body, BodyKind, Described, Person, Resolution, Seat, file, store};
use crate::web::api::imports::Query;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/committees", get(list).post(create))
        .route("/api/v1/secretariat/committees/persons", get(persons).post(add_person))
        .route("/api/v1/secretariat/committees/persons/{person}", put(change_person))
        .route("/api/v1/secretariat/committees/imports", post(import))
        .route("/api/v1/secretariat/committees/expiring", get(expiring))
        .route("/api/v1/secretariat/committees/{slug}", get(show).put(change))
        .route("/api/v1/secretariat/committees/{slug}/end", post(end))
        .route("/api/v1/secretariat/committees/{slug}/export", get(export))
        .route("/api/v1/secretariat/committees/{slug}/popolo", get(as_popolo))
        .route("/api/v1/secretariat/committees/{slug}/composition", get(composition))
        .route("/api/v1/secretariat/committees/{slug}/resolutions", get(resolutions))
        .route("/api/v1/secretariat/committees/{slug}/report", get(report_of))
        .merge(seats::routes())
        .merge(meetings::routes())
        .merge(room::routes())
        .merge(minutes::routes())
}

/// The body with this address, as far as whoever asks may see it.
pub(super) async fn seen(conn: &mut PgConnection, staff: &Staff, slug: &str) -> Result<Body, ApiError> {
    let body = desk::find(conn, slug).await?;
    may_see(&staff.roles, &body)?;
    Ok(body)
}

/// The same for whoever works in it.
pub(super) async fn worked(conn: &mut PgConnection, staff: &Staff, slug: &str) -> Result<Body, ApiError> {
    let body = seen(conn, staff, slug).await?;
    may_work(&staff.roles, body.what.kind)?;
    Ok(body)
}

/// What was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BodyMade)]
pub struct Made {
    pub id: Uuid,
}

pub(super) fn made(id: Uuid) -> (StatusCode, Json<Made>) {
    (StatusCode::CREATED, Json(Made { id }))
}

/// Which bodies.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Words of name, address, purpose, act or law, accents or not; the first 200 characters count.
    #[serde(default)]
    pub q: String,
    /// council, committee, commission, working_group or ethics.
    #[param(pattern = "^(council|committee|commission|working_group|ethics)$")]
    pub kind: Option<String>,
    /// True: in force today; false: over, or not begun.
    pub in_force: Option<bool>,
    /// The last slug of the page before.
    #[serde(default)]
    pub after: String,
}

impl Asked {
    /// # Errors
    /// 400 naming the parameter.
    pub fn wanted(&self, today: NaiveDate) -> Result<store::Wanted, ApiError> {
        let kind = match self.kind.as_deref() {
            None => None,
            Some(word) => {
                Some(word.parse::<BodyKind>().map_err(|error| ApiError::field("kind", word, error.to_string()))?)
            }
        };
        let in_force = self.in_force.map(|is| (is, today));
        Ok(store::Wanted { after: sought(&self.after), words: sought(&self.q), kind, in_force })
    }
}

/// Lists the bodies by slug, at most 100.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees", tag = "committees", params(Asked),
    responses((status = 200, body = Vec<Body>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Query(given): Query<Asked>,
) -> Result<Json<Vec<Body>>, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut all = store::list(&mut *app.db.web.acquire().await?, &given.wanted(today)?).await?;
    all.retain(|body| may_see(&staff.roles, body).is_ok());
    Ok(Json(all))
}

/// Writes down a body that an act created.
///
/// # Errors
/// 400 naming the field; 409 when the slug is taken; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees", tag = "committees", request_body = Described,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<Described>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    may_work(&staff.roles, new.kind)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::found(&mut tx, by, app.config.municipality.time_zone, &new).await?;
    tx.commit().await?;
    Ok(made(id))
}

/// A body with its seats and everybody who was ever in them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BodyShown)]
pub struct Shown {
    #[serde(flatten)]
    pub body: Body,
    pub seats: Vec<Seat>,
}

/// Shows a body with its seats.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}", tag = "committees", params(("slug" = String, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
) -> Result<Json<Shown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = seen(&mut conn, &staff, &slug).await?;
    let seats = store::seats::of_body(&mut conn, body.id).await?;
    Ok(Json(Shown { body, seats }))
}

/// A body as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyChange)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub revision: i32,
    pub body: Described,
}

/// Changes what is known of a body. Its slug and its kind stay.
///
/// # Errors
/// 400 naming the field; 404; 409 when it changed meanwhile; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/committees/{slug}", tag = "committees", params(("slug" = String, Path,)), request_body = Change,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(slug): Path<String>,
    StrictJson(given): StrictJson<Change>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::edit(&mut tx, by, app.config.municipality.time_zone, (&slug, given.revision), &given.body).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Since when, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyEnding)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// The last day.
    pub day: NaiveDate,
    /// 1 to 500 characters.
    pub reason: String,
}

/// Ends a body.
///
/// # Errors
/// 400 naming the field; 404; 409 when it ended before; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/end", tag = "committees", params(("slug" = String, Path,)), request_body = Ending,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(slug): Path<String>,
    StrictJson(given): StrictJson<Ending>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::end(&mut tx, by, &slug, (given.day, &given.reason)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Words of a name, accents or not.
    #[serde(default)]
    pub name: String,
}

/// Lists persons by name, at most 100. Where convenings go is not told.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/persons", tag = "committees", params(Words),
    responses((status = 200, body = Vec<Person>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn persons(
    State(app): State<App>,
    _: May<can::WorkSecretariat>,
    Query(given): Query<Words>,
) -> Result<Json<Vec<Person>>, ApiError> {
    Ok(Json(store::persons(&mut *app.db.web.acquire().await?, &sought(&given.name)).await?))
}

/// Somebody as they are to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyNewPerson)]
#[serde(deny_unknown_fields)]
pub struct PersonGiven {
    /// 3 to 160 characters.
    pub name: String,
    /// That they chose to make public.
    #[serde(default)]
    pub contact: String,
    /// Where convenings go. Left out: as it was; empty: forgotten.
    #[serde(default)]
    pub email: Option<String>,
    /// User name of their account.
    #[serde(default)]
    pub account: String,
}

impl From<PersonGiven> for NewPerson {
    fn from(given: PersonGiven) -> Self {
        let PersonGiven { name, contact, email, account } = given;
        Self { name, contact, email, account }
    }
}

/// Those who write persons down work in some body.
fn works(staff: &Staff) -> Result<(), ApiError> {
    let is_one = [BodyKind::Committee, BodyKind::Ethics].into_iter().any(|kind| may_work(&staff.roles, kind).is_ok());
    if is_one { Ok(()) } else { Ok(may_work(&staff.roles, BodyKind::Committee)?) }
}

/// Writes a person down.
///
/// # Errors
/// 400 naming the field; 409 when the account is another person's; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/persons", tag = "committees", request_body = PersonGiven,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_person(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(given): StrictJson<PersonGiven>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::save_person(&mut tx, by, None, &given.into()).await?;
    tx.commit().await?;
    Ok(made(id))
}

/// Changes what is known of a person.
///
/// # Errors
/// 400 naming the field; 404; 409 when the account is another person's; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/committees/persons/{person}", tag = "committees", params(("person" = Uuid, Path,)), request_body = PersonGiven,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change_person(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(person): Path<Uuid>,
    StrictJson(given): StrictJson<PersonGiven>,
) -> Result<StatusCode, ApiError> {
    works(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::save_person(&mut tx, by, Some(person), &given.into()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes down a body out of an exported file.
///
/// # Errors
/// 400 naming the field; 409 when there is one with this id or slug; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/imports", tag = "committees", request_body = File,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(file): StrictJson<File>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    may_work(&staff.roles, file.body.kind)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::import(&mut tx, by, app.config.municipality.time_zone, &file).await?;
    tx.commit().await?;
    Ok(made(id))
}

/// Lists mandates that end soon and seats that nobody holds.
///
/// # Errors
/// 401, 403; 409 when no rule says how long before.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/expiring", tag = "committees",
    responses((status = 200, body = report::Waiting), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn expiring(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
) -> Result<Json<report::Waiting>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(report::waiting(&mut conn, app.clock.now(), app.config.municipality.time_zone, &staff.roles).await?))
}

/// The body with its composition as a file that can be read back.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/export", tag = "committees", params(("slug" = String, Path,)),
    responses((status = 200, body = File), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    seen(&mut conn, &staff, &slug).await?;
    let text = desk::export(&mut conn, &slug).await?.write().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// The body in the terms of Popolo: organizations, persons, posts, memberships.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/popolo", tag = "committees", params(("slug" = String, Path,)),
    responses((status = 200, body = Popolo), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn as_popolo(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
) -> Result<Json<Popolo>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = seen(&mut conn, &staff, &slug).await?;
    let seats = store::seats::of_body(&mut conn, body.id).await?;
    let persons = store::persons_of(&mut conn, body.id).await?;
    Ok(Json(popolo::write(&body, &seats, &persons)))
}

/// The composition as CSV, one line a mandate.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/composition", tag = "committees", params(("slug" = String, Path,)),
    responses((status = 200, content_type = "text/csv", body = String), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn composition(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = seen(&mut conn, &staff, &slug).await?;
    let text = file::csv(&store::seats::of_body(&mut conn, body.id).await?);
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OfYear {
    /// This year where it is left out.
    #[serde(default)]
    pub year: Option<i32>,
}

/// Lists the resolutions of a body, the latest first, at most 200. Restricted ones keep their text to themselves.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/resolutions", tag = "committees",
    params(("slug" = String, Path,), OfYear),
    responses((status = 200, body = Vec<Resolution>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn resolutions(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
    Query(given): Query<OfYear>,
) -> Result<Json<Vec<Resolution>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = seen(&mut conn, &staff, &slug).await?;
    let all = store::room::resolutions(&mut conn, body.id, given.year).await?;
    Ok(Json(all.into_iter().map(masked).collect()))
}

/// Without the words of what is restricted: lists do not know from which items their reader is recused.
pub fn masked(mut one: Resolution) -> Resolution {
    if one.restricted {
        one.text.clear();
        one.determination.clear();
        one.determination_to.clear();
    }
    one
}

/// What a body did in a year: meetings, attendance by seat, resolutions.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/report", tag = "committees",
    params(("slug" = String, Path,), OfYear),
    responses((status = 200, body = report::Report), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn report_of(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
    Query(given): Query<OfYear>,
) -> Result<Json<report::Report>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = seen(&mut conn, &staff, &slug).await?;
    let tz = app.config.municipality.time_zone;
    let year = given.year.unwrap_or_else(|| crate::secretariat::kernel::body::publish::year(app.clock.now(), tz));
    let mut told = report::of(&mut conn, &body, year, tz).await?;
    told.resolutions = told.resolutions.into_iter().map(masked).collect();
    Ok(Json(told))
}
