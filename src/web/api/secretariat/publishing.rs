//! What publishing modules have beside their cases: outlets of the press, obligations of transparency, contributions of everybody.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::i18n::Lang;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::participation::{self, Said};
use crate::secretariat::press::{self, Delivery, NewOutlet, Outlet};
use crate::secretariat::transparency::{self, Freshness, Last, Period};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Contributions of a page.
const PAGE: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/press/outlets", get(outlets).post(add_outlet))
        .route("/api/v1/secretariat/press/outlets/file", get(outlets_file).put(take_outlets))
        .route("/api/v1/secretariat/press/outlets/{id}", delete(remove_outlet))
        .route("/api/v1/secretariat/press/deliveries", get(deliveries))
        .route("/api/v1/secretariat/transparency/obligations", get(obligations))
        .route(
            "/api/v1/secretariat/participation/consultations/{id}/contributions",
            post(contribute).get(contributions),
        )
}

/// An outlet to add.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewPressOutlet)]
#[serde(deny_unknown_fields)]
pub struct NewOne {
    #[schema(min_length = 1, max_length = 160, pattern = r"\S")]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 160)]
    pub contact: String,
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    /// With commas between them; empty: everything.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub tags: String,
}

/// Lists the outlets that get releases.
///
/// # Errors
/// 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/press/outlets", tag = "secretariat",
    responses((status = 200, body = Vec<Outlet>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn outlets(State(app): State<App>, staff: May<can::WorkSecretariat>) -> Result<Json<Vec<Outlet>>, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    Ok(Json(press::outlets(&mut *app.db.web.acquire().await?, Desk::of(&app, &actor, &who)).await?))
}

/// Adds an outlet.
///
/// # Errors
/// 400 naming every field; 401, 403 naming the role; 409 when its address is on the list.
#[utoipa::path(post, path = "/api/v1/secretariat/press/outlets", tag = "secretariat", request_body = NewOne,
    responses((status = 201, body = Outlet), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_outlet(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewOne>,
) -> Result<(StatusCode, Json<Outlet>), ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let new = NewOutlet { name: &new.name, contact: &new.contact, email: &new.email, tags: &new.tags };
    let mut tx = app.db.web.begin().await?;
    let outlet = press::add(&mut tx, Desk::of(&app, &actor, &who), new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(outlet)))
}

/// Takes an outlet off the list.
///
/// # Errors
/// 404; 401, 403 naming the role.
#[utoipa::path(delete, path = "/api/v1/secretariat/press/outlets/{id}", tag = "secretariat", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn remove_outlet(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let mut tx = app.db.web.begin().await?;
    press::remove(&mut tx, Desk::of(&app, &actor, &who), id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The list of outlets as a file that is read back to the same bytes.
///
/// # Errors
/// 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/press/outlets/file", tag = "secretariat",
    responses((status = 200, body = press::file::File), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn outlets_file(State(app): State<App>, staff: May<can::WorkSecretariat>) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let file = press::file::take_out(&mut tx, Desk::of(&app, &actor, &who)).await?;
    tx.commit().await?;
    let text = file.write().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CONTENT_DISPOSITION, "attachment")], text)
        .into_response())
}

/// Adds the outlets of a file that are not here yet, all or none. One that left the list here does not come back by a file.
///
/// # Errors
/// 400 naming every field; 409 naming the outlet that is here and differs, or left; 401, 403 naming the role.
#[utoipa::path(put, path = "/api/v1/secretariat/press/outlets/file", tag = "secretariat", request_body = press::file::File,
    responses((status = 200, body = press::file::Taken), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn take_outlets(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(file): StrictJson<press::file::File>,
) -> Result<Json<press::file::Taken>, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let taken = press::file::take_in(&mut tx, Desk::of(&app, &actor, &who), &file).await?;
    tx.commit().await?;
    Ok(Json(taken))
}

/// Which deliveries.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// `at`, `publication_id` and `outlet_id` of the last one of the page before; all three or none.
    #[param(value_type = Option<String>)]
    pub before: Option<Instant>,
    pub before_publication: Option<Uuid>,
    pub before_outlet: Option<Uuid>,
}

/// Lists what left for outlets, the newest first.
///
/// # Errors
/// 400 naming the parameter; 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/press/deliveries", tag = "secretariat", params(Before),
    responses((status = 200, body = Vec<Delivery>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn deliveries(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Query(wanted): Query<Before>,
) -> Result<Json<Vec<Delivery>>, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let after = match (wanted.before, wanted.before_publication, wanted.before_outlet) {
        (Some(at), Some(publication), Some(outlet)) => Some((at, publication, outlet)),
        (None, None, None) => None,
        _ => {
            return Err(ApiError::field(
                "before",
                "",
                "expected before, before_publication and before_outlet, or none",
            ));
        }
    };
    Ok(Json(press::deliveries(&mut *app.db.web.acquire().await?, desk, after).await?))
}

/// How an obligation of active transparency stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TransparencyObligation)]
pub struct Stands {
    pub key: String,
    pub title: String,
    pub law_ref: String,
    #[schema(value_type = String)]
    pub period: Period,
    pub owner: String,
    pub source: String,
    #[schema(value_type = String)]
    pub state: Freshness,
    /// Last day of the period that is owed.
    #[schema(value_type = Option<String>)]
    pub owed: Option<NaiveDate>,
    #[schema(value_type = Option<String>)]
    pub due_on: Option<NaiveDate>,
    /// Of the deadline.
    pub due_law_ref: String,
    pub confirmed: bool,
    pub last: Option<Last>,
}

/// Lists what the law has the town publish by itself, and how each obligation stands today.
///
/// # Errors
/// The service's own.
#[utoipa::path(get, path = "/api/v1/secretariat/transparency/obligations", tag = "secretariat",
    responses((status = 200, body = Vec<Stands>)))]
pub async fn obligations(State(app): State<App>) -> Result<Json<Vec<Stands>>, ApiError> {
    let tz = app.config.municipality.time_zone;
    let today = app.clock.now().with_timezone(&tz).date_naive();
    let all = transparency::obligations(&mut *app.db.web.acquire().await?, today, tz).await?;
    let told = all.into_iter().map(|one| Stands {
        key: one.item.key.clone(),
        title: one.item.title.of(Lang::Pt).to_owned(),
        law_ref: one.item.law_ref.clone(),
        period: one.item.period,
        owner: one.item.owner.clone(),
        source: one.item.source.clone(),
        state: one.standing.state,
        owed: one.standing.owed,
        due_on: one.standing.due_on,
        due_law_ref: one.standing.law_ref,
        confirmed: one.standing.confirmed,
        last: one.last,
    });
    Ok(Json(told.collect()))
}

/// A contribution.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewContribution)]
#[serde(deny_unknown_fields)]
pub struct Contributed {
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    pub text: String,
    #[serde(default)]
    #[schema(max_length = 120)]
    pub part: String,
    #[serde(default)]
    #[schema(max_length = 120)]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: String,
    /// The name may be shown beside it.
    #[serde(default)]
    pub may_name: bool,
}

/// What its sender keeps.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ContributionTaken)]
pub struct Taken {
    pub number: String,
}

/// Says something in a consultation that is open. No account is needed.
///
/// # Errors
/// 400 naming every field; 404; 409 citing the law when its period is not open.
#[utoipa::path(post, path = "/api/v1/secretariat/participation/consultations/{id}/contributions", tag = "secretariat",
    params(("id" = Uuid, Path,)), request_body = Contributed,
    responses((status = 201, body = Taken), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn contribute(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<Contributed>,
) -> Result<(StatusCode, Json<Taken>), ApiError> {
    // What citizens do leaves no address of the network in the audit.
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let said =
        Said { text: new.text, part: new.part, name: new.name, email: new.email, may_name: new.may_name, stamp: None };
    let mut tx = app.db.web.begin().await?;
    let case = participation::contribute(&mut tx, Desk::of(&app, &actor, &who), id, &said).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Taken { number: case.number() })))
}

/// Which contributions.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// `published_at` and `id` of the last one of the page before.
    #[param(value_type = Option<String>)]
    pub after_at: Option<Instant>,
    pub after_id: Option<Uuid>,
}

/// Lists contributions with their answers, the oldest answer first.
///
/// # Errors
/// 400 naming the parameter.
#[utoipa::path(get, path = "/api/v1/secretariat/participation/consultations/{id}/contributions", tag = "secretariat",
    params(("id" = Uuid, Path,), After), responses((status = 200, body = Vec<Published>), (status = 400, body = Problem)))]
pub async fn contributions(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(wanted): Query<After>,
) -> Result<Json<Vec<Published>>, ApiError> {
    let after = match (wanted.after_at, wanted.after_id) {
        (Some(at), Some(id)) => Some((at, id)),
        (None, None) => None,
        _ => return Err(ApiError::field("after_at", "", "expected both after_at and after_id, or neither")),
    };
    let now = app.clock.now();
    Ok(Json(published::below(&mut *app.db.web.acquire().await?, id, after, (now, PAGE)).await?))
}
