//! What happens in a meeting, over HTTP: items and their documents, attendance, recusals, votes, decisions, resolutions.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::meetings::{ItemGiven, read};
use super::{Made, made, worked};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::kernel::body::desk::room::{self as desk, Resolving};
use crate::secretariat::kernel::body::rules::{Outcome, Tally};
use crate::secretariat::kernel::body::{Capacity, Choice, Item, Resolution, store};
use crate::web::api::imports::Query;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/attendance", post(attend))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items", post(add))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}", get(show))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/notes", put(note))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/documents", post(add_document))
        .route(
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/documents/{document}",
            get(document),
        )
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/recusals", post(recuse))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/votes", post(vote))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/decision", post(decide))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/resolution", post(resolve))
}

type At = (String, String, Uuid);

/// Whoever works in the body and is not kept from the item.
async fn works(conn: &mut PgConnection, staff: &Staff, at: &At) -> Result<(), ApiError> {
    worked(&mut *conn, staff, &at.0).await?;
    item_of(conn, staff, at).await?;
    Ok(())
}

async fn item_of(conn: &mut PgConnection, staff: &Staff, at: &At) -> Result<Item, ApiError> {
    let record = read(conn, staff, &at.0, &at.1).await?;
    record.items.into_iter().find(|item| item.id == at.2).ok_or_else(|| ApiError::NotFound("item".into()))
}

/// Who is in a seat.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyAttending)]
#[serde(deny_unknown_fields)]
pub struct Attending {
    pub seat_id: Uuid,
    /// titular, substitute; left out: the seat is empty
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub capacity: Option<Capacity>,
}

/// Marks a seat as filled by its titular or its substitute, or as empty.
///
/// # Errors
/// 404; 409 when nobody holds the seat, the titular is there, or it is not the day; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/attendance", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")), request_body = Attending,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn attend(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, number)): Path<(String, String)>,
    StrictJson(given): StrictJson<Attending>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    let tz = app.config.municipality.time_zone;
    desk::attend(&mut tx, by, tz, (&slug, &number, given.seat_id), given.capacity).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds an item to the agenda.
///
/// # Errors
/// 400 naming the field; 404; 409 when the meeting is over; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")), request_body = ItemGiven,
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, number)): Path<(String, String)>,
    StrictJson(given): StrictJson<ItemGiven>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    worked(&mut tx, &staff, &slug).await?;
    let id = desk::add_item(&mut tx, by, (&slug, &number), &given.into()).await?;
    tx.commit().await?;
    Ok(made(id))
}

/// Shows an item. Whoever is recused from a restricted one is told that there is none.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,)),
    responses((status = 200, body = Item), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(at): Path<(String, String, Uuid)>,
) -> Result<Json<Item>, ApiError> {
    Ok(Json(item_of(&mut *app.db.web.acquire().await?, &staff, &at).await?))
}

/// What was said of an item.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyNotes)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// At most 4000 characters.
    pub notes: String,
}

/// Writes down what was said of an item, for the minutes.
///
/// # Errors
/// 400 naming the field; 404; 409 when there are minutes already; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/notes", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,)), request_body = Notes,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn note(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(at): Path<(String, String, Uuid)>,
    StrictJson(given): StrictJson<Notes>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    works(&mut tx, &staff, &at).await?;
    desk::note(&mut tx, by, (&at.0, &at.1, at.2), &given.notes).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// What the document is called: 1 to 160 characters.
    pub name: String,
}

/// Puts a PDF with an item, at most 5 MiB.
///
/// # Errors
/// 400 naming the field; 404; 409 when the meeting is over; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/documents", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,), Named),
    request_body(content = Vec<u8>, content_type = "application/pdf"),
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_document(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(at): Path<(String, String, Uuid)>,
    Query(named): Query<Named>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    works(&mut tx, &staff, &at).await?;
    let id = desk::add_document(&mut tx, by, (&at.0, &at.1, at.2), (&named.name, &bytes)).await?;
    tx.commit().await?;
    Ok(made(id))
}

/// A document of an item, to be saved.
pub fn as_file(bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"documento.pdf\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, bytes).into_response()
}

/// A document of an item. Whoever is recused from a restricted item is told that there is none.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/documents/{document}", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,), ("document" = Uuid, Path,)),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn document(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, number, item, document)): Path<(String, String, Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let item = item_of(&mut conn, &staff, &(slug, number, item)).await?;
    let found = store::room::document(&mut conn, item.id, document).await?;
    let (_, bytes) = found.ok_or_else(|| ApiError::NotFound("document".into()))?;
    Ok(as_file(bytes))
}

/// Who may not act on an item.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyRecusing)]
#[serde(deny_unknown_fields)]
pub struct Recusing {
    pub person_id: Uuid,
    /// 1 to 500 characters.
    pub reason: String,
}

/// Takes a member out of an item: they neither read what is restricted of it nor vote, and do not count for its quorum.
///
/// # Errors
/// 400 naming the field; 404; 409 when the item is decided; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/recusals", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,)), request_body = Recusing,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn recuse(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(at): Path<(String, String, Uuid)>,
    StrictJson(given): StrictJson<Recusing>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    works(&mut tx, &staff, &at).await?;
    desk::recuse(&mut tx, by, (&at.0, &at.1, at.2), (given.person_id, &given.reason)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The vote of a seat.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyVoting)]
#[serde(deny_unknown_fields)]
pub struct Voting {
    pub seat_id: Uuid,
    /// for, against, abstain
    #[schema(value_type = String)]
    pub choice: Choice,
}

/// Writes down the vote of a seat, for a roll call; a later one takes the place of an earlier.
///
/// # Errors
/// 404; 409 when the item is decided, the seat is empty or who is in it is recused; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/votes", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,)), request_body = Voting,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn vote(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(at): Path<(String, String, Uuid)>,
    StrictJson(given): StrictJson<Voting>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    works(&mut tx, &staff, &at).await?;
    desk::vote(&mut tx, by, (&at.0, &at.1, at.2), (given.seat_id, given.choice)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How an item is decided.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyDeciding)]
#[serde(deny_unknown_fields)]
pub struct Deciding {
    /// Votes as they were counted; left out: those that were written down seat by seat.
    #[serde(default)]
    pub tally: Option<Tally>,
    /// What the chair says of a tie: for, against
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub casting: Option<Choice>,
}

/// What came of a vote.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BodyDecided)]
pub struct Decided {
    pub approved: bool,
    pub present: u32,
    pub seats: u32,
    pub quorum: u32,
    /// Votes for that it took.
    pub needed: u32,
    pub reason: String,
}

impl From<Outcome> for Decided {
    fn from(outcome: Outcome) -> Self {
        let Outcome { approved, quorum, needed, reason } = outcome;
        Self { approved, present: quorum.present, seats: quorum.seats, quorum: quorum.needed, needed, reason }
    }
}

/// Decides an item.
///
/// # Errors
/// 400 naming the field; 404; 409 without quorum, with votes that are missing, or with a tie; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/decision", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,)), request_body = Deciding,
    responses((status = 200, body = Decided), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn decide(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(at): Path<(String, String, Uuid)>,
    StrictJson(given): StrictJson<Deciding>,
) -> Result<Json<Decided>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let casting = match given.casting {
        None => None,
        Some(Choice::Abstain) => return Err(ApiError::field("casting", "abstain", "expected for or against")),
        Some(choice) => Some(choice == Choice::For),
    };
    let mut tx = app.db.web.begin().await?;
    works(&mut tx, &staff, &at).await?;
    let tz = app.config.municipality.time_zone;
    let outcome = desk::decide(&mut tx, by, tz, (&at.0, &at.1, at.2), (given.tally, casting)).await?;
    tx.commit().await?;
    Ok(Json(outcome.into()))
}

/// What was resolved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyResolving)]
#[serde(deny_unknown_fields)]
pub struct ResolvingGiven {
    /// 1 to 8000 characters.
    pub text: String,
    /// What somebody shall do because of it.
    #[serde(default)]
    pub determination: String,
    /// And who.
    #[serde(default)]
    pub determination_to: String,
}

/// Writes down what was resolved, with the next number of the body in this year.
///
/// # Errors
/// 400 naming the field; 404; 409 when the item was not decided in favour; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/resolution", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3"), ("item" = Uuid, Path,)), request_body = ResolvingGiven,
    responses((status = 201, body = Resolution), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn resolve(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(at): Path<(String, String, Uuid)>,
    StrictJson(given): StrictJson<ResolvingGiven>,
) -> Result<(StatusCode, Json<Resolution>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    works(&mut tx, &staff, &at).await?;
    let ResolvingGiven { text, determination, determination_to } = given;
    let new = Resolving { text, determination, determination_to };
    let tz = app.config.municipality.time_zone;
    let made = desk::resolve(&mut tx, by, tz, (&at.0, &at.1, at.2), &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}
