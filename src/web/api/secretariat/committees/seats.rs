//! Seats and mandates over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::Deserialize;
use uuid::Uuid;

use super::{Ending, Made, made, worked};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::kernel::body::desk::seats::{self as desk, Appointment};
use crate::secretariat::kernel::body::{Capacity, SeatRole};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/committees/{slug}/seats", post(add))
        .route("/api/v1/secretariat/committees/{slug}/seats/{seat}", put(change))
        .route("/api/v1/secretariat/committees/{slug}/seats/{seat}/end", post(end))
        .route("/api/v1/secretariat/committees/{slug}/seats/{seat}/mandates", post(appoint))
        .route("/api/v1/secretariat/committees/{slug}/mandates/{mandate}/end", post(end_mandate))
}

/// A seat as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyNewSeat)]
#[serde(deny_unknown_fields)]
pub struct NewSeat {
    /// Its place in lists.
    #[schema(minimum = 1, maximum = 200)]
    pub position: i32,
    /// What it stands for: 1 to 200 characters.
    pub entity: String,
    /// chair, vice, secretary, member
    #[schema(value_type = String)]
    pub role: SeatRole,
}

/// Adds a seat.
///
/// # Errors
/// 400 naming the field; 404; 409 when the place or the role is taken; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/seats", tag = "committees", params(("slug" = String, Path,)), request_body = NewSeat,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(slug): Path<String>,
    StrictJson(new): StrictJson<NewSeat>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    let id = desk::add(&mut tx, by, &slug, (new.position, &new.entity, new.role)).await?;
    tx.commit().await?;
    Ok(made(id))
}

/// What a seat is to stand for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodySeatChange)]
#[serde(deny_unknown_fields)]
pub struct SeatChange {
    pub entity: String,
    /// chair, vice, secretary, member
    #[schema(value_type = String)]
    pub role: SeatRole,
}

/// Says anew what a seat stands for.
///
/// # Errors
/// 400 naming the field; 404; 409 when the role is taken; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/committees/{slug}/seats/{seat}", tag = "committees",
    params(("slug" = String, Path,), ("seat" = Uuid, Path,)), request_body = SeatChange,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, seat)): Path<(String, Uuid)>,
    StrictJson(new): StrictJson<SeatChange>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::edit(&mut tx, by, (&slug, seat), (&new.entity, new.role)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a seat away; its mandates end with it.
///
/// # Errors
/// 400 naming the field; 404; 409 when it was taken away before; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/seats/{seat}/end", tag = "committees",
    params(("slug" = String, Path,), ("seat" = Uuid, Path,)), request_body = Ending,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, seat)): Path<(String, Uuid)>,
    StrictJson(given): StrictJson<Ending>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::end(&mut tx, by, (&slug, seat), (given.day, &given.reason)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An appointment.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyAppointment)]
#[serde(deny_unknown_fields)]
pub struct NewMandate {
    pub person_id: Uuid,
    /// titular, substitute
    #[schema(value_type = String)]
    pub capacity: Capacity,
    pub from_on: NaiveDate,
    /// The last day.
    pub until_on: NaiveDate,
    /// The act that appoints: "Decreto 1234/2026".
    pub act: String,
}

/// Appoints somebody to a seat.
///
/// # Errors
/// 400 naming the field; 404; 409 with the rule when the seat is taken or they were appointed too often; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/seats/{seat}/mandates", tag = "committees",
    params(("slug" = String, Path,), ("seat" = Uuid, Path,)), request_body = NewMandate,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn appoint(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, seat)): Path<(String, Uuid)>,
    StrictJson(new): StrictJson<NewMandate>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    let NewMandate { person_id: person, capacity, from_on, until_on, act } = new;
    let id =
        desk::appoint(&mut tx, by, (&slug, seat), &Appointment { person, capacity, from_on, until_on, act }).await?;
    tx.commit().await?;
    Ok(made(id))
}

/// Ends a mandate before its time.
///
/// # Errors
/// 400 naming the field; 404; 409 when it ended before; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/mandates/{mandate}/end", tag = "committees",
    params(("slug" = String, Path,), ("mandate" = Uuid, Path,)), request_body = Ending,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn end_mandate(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, mandate)): Path<(String, Uuid)>,
    StrictJson(given): StrictJson<Ending>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    desk::end_mandate(&mut tx, by, (&slug, mandate), (given.day, &given.reason)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
