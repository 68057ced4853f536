//! Shelters over HTTP: the register, their acts, who arrives and leaves by code, and the public totals. No names.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::refused::Refused;
use crate::reports::Spot;
use crate::shelters::desk::{self, Wanted};
use crate::shelters::life::{Act, State as Stands};
use crate::shelters::store::people::{self as persons, Wanted as Which};
use crate::shelters::store::{self, Told, count};
use crate::shelters::totals::{Heads, public, sum};
use crate::shelters::{Destination, NewShelter, Shelter, code, people};
use crate::supplies::store::{Need, needs};
use crate::web::auth::{May, can};
use crate::web::conditional::{self, SHORT};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/shelters", get(list).post(create))
        .route("/api/v1/shelters/{id}", get(show).put(change))
        .route("/api/v1/shelters/{id}/acts", post(act))
        .route("/api/v1/shelters/{id}/arrivals", post(arrive))
        .route("/api/v1/departures", post(leave))
        .route("/api/v1/public/shelters", get(totals))
}

/// A shelter.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Shelter)]
pub struct Row {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub lon: f64,
    pub lat: f64,
    pub address: String,
    /// Persons.
    pub capacity: i32,
    pub rooms: i32,
    pub accessible: bool,
    pub pets: bool,
    pub kitchen: bool,
    pub contact: String,
    pub keys: String,
    /// closed, opening, open, full, closing
    pub state: String,
    /// Persons in it now.
    pub sheltered: i64,
    /// The incident it is open for.
    pub incident: Option<Uuid>,
    #[schema(value_type = Option<String>)]
    pub opened_at: Option<Instant>,
}

impl From<Shelter> for Row {
    fn from(shelter: Shelter) -> Self {
        let Shelter { id, what, state, sheltered, incident, opened_at, .. } = shelter;
        Self {
            id,
            code: what.code,
            name: what.name,
            lon: what.spot.lon,
            lat: what.spot.lat,
            address: what.address,
            capacity: what.capacity,
            rooms: what.rooms,
            accessible: what.accessible,
            pets: what.pets,
            kitchen: what.kitchen,
            contact: what.contact,
            keys: what.keys,
            state: state.to_string(),
            sheltered,
            incident,
            opened_at,
        }
    }
}

/// A shelter as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewShelter)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// The town's own key: 1 to 64 letters, digits, `_`, `.`, `:` or `-`.
    pub code: String,
    /// 1 to 160 characters.
    pub name: String,
    pub lon: f64,
    pub lat: f64,
    #[serde(default)]
    pub address: String,
    /// Persons, 1 to 20,000.
    pub capacity: i32,
    #[serde(default)]
    pub rooms: i32,
    #[serde(default)]
    pub accessible: bool,
    #[serde(default)]
    pub pets: bool,
    #[serde(default)]
    pub kitchen: bool,
    #[serde(default)]
    pub contact: String,
    #[serde(default)]
    pub keys: String,
}

impl New {
    fn read(self) -> Result<NewShelter, ApiError> {
        let spot = crate::catalogue::geometry_check::point(self.lon, self.lat)
            .map_err(|problem| ApiError::field("lon, lat", problem.value, problem.message))?;
        Ok(NewShelter {
            code: self.code,
            name: self.name,
            spot: Spot { lon: spot.x(), lat: spot.y(), precision_m: 20 },
            address: self.address,
            capacity: self.capacity,
            rooms: self.rooms,
            accessible: self.accessible,
            pets: self.pets,
            kitchen: self.kitchen,
            contact: self.contact,
            keys: self.keys,
        })
    }
}

/// Lists the shelters, those in use first.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/shelters", tag = "shelters",
    responses((status = 200, body = Vec<Row>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<Row>>, ApiError> {
    let all = store::list(&mut *app.db.web.acquire().await?).await?;
    Ok(Json(all.into_iter().map(Row::from).collect()))
}

/// Writes a shelter down, closed.
///
/// # Errors
/// 400 naming the field; 409 when there is one with this code; 401, 403.
#[utoipa::path(post, path = "/api/v1/shelters", tag = "shelters", request_body = New,
    responses((status = 201, body = Row), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    StrictJson(new): StrictJson<New>,
) -> Result<(StatusCode, Json<Row>), ApiError> {
    let (new, actor) = (new.read()?, staff.actor());
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::save(&mut tx, by, None, &new).await?;
    let row = found(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(row)))
}

async fn found(conn: &mut sqlx::PgConnection, id: Uuid) -> Result<Row, ApiError> {
    Ok(store::load(conn, id).await?.ok_or_else(|| Refused::NotFound("shelter".into()))?.into())
}

/// Changes what is known of a shelter. Its code stays; its state is moved by acts.
///
/// # Errors
/// 400 naming the field; 404; 409 when the code is another's; 401, 403.
#[utoipa::path(put, path = "/api/v1/shelters/{id}", tag = "shelters", params(("id" = Uuid, Path,)), request_body = New,
    responses((status = 200, body = Row), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<New>,
) -> Result<Json<Row>, ApiError> {
    let (new, actor) = (new.read()?, staff.actor());
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let kept = found(&mut tx, id).await?;
    if kept.code != new.code {
        return Err(ApiError::Conflict(format!("the code of this shelter is {}", kept.code)));
    }
    desk::save(&mut tx, by, Some(id), &new).await?;
    let row = found(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(row))
}

/// A shelter with what happened to it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ShelterShown)]
pub struct Shown {
    #[serde(flatten)]
    pub shelter: Row,
    /// The newest first, at most 100.
    pub events: Vec<Told>,
}

/// Shows a shelter.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/shelters/{id}", tag = "shelters", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let shelter = found(&mut conn, id).await?;
    let events = store::events(&mut conn, id, 100).await?;
    Ok(Json(Shown { shelter, events }))
}

/// An act on a shelter.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ShelterAct)]
#[serde(deny_unknown_fields)]
pub struct ActGiven {
    /// begin, open, give_up, fill, relieve, wind_down, reopen, close
    #[schema(value_type = String)]
    pub act: Act,
    /// Why; some acts need it. At most 500 characters.
    #[serde(default)]
    pub reason: String,
    /// Of `begin`: the open incident it is opened for.
    pub incident: Option<Uuid>,
}

/// The state of a shelter.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ShelterStands)]
pub struct Moved {
    #[schema(value_type = String)]
    pub state: Stands,
}

/// Moves a shelter to its next state.
///
/// # Errors
/// 400 naming the field; 404; 409 with what stands in the way; 401, 403.
#[utoipa::path(post, path = "/api/v1/shelters/{id}/acts", tag = "shelters", params(("id" = Uuid, Path,)), request_body = ActGiven,
    responses((status = 200, body = Moved), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<ActGiven>,
) -> Result<Json<Moved>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let wanted = Wanted { act: given.act, reason: &given.reason, incident: given.incident };
    let state = desk::act(&mut tx, by, id, wanted).await?;
    tx.commit().await?;
    Ok(Json(Moved { state }))
}

/// The persons of these codes; a family's code stands for all of it.
async fn of_codes(conn: &mut sqlx::PgConnection, codes: &[String]) -> Result<Vec<Uuid>, Refused> {
    if codes.is_empty() || codes.len() > 60 {
        return Err(Refused::wrong("codes", codes.len(), "expected 1 to 60 codes"));
    }
    let mut all = Vec::new();
    for given in codes {
        let Some((_, read)) = code::read(given) else {
            return Err(Refused::wrong("codes", given, "expected a code such as P4K-7QZ2"));
        };
        let found = persons::persons(&mut *conn, Which { code: Some(&read), ..Which::default() }).await?;
        if found.is_empty() {
            return Err(Refused::wrong("codes", given, "is nobody's"));
        }
        all.extend(found.into_iter().map(|person| person.id));
    }
    Ok(all)
}

/// Who arrives.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ShelterArrival)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// Of wristbands or families' cards, 1 to 60.
    #[schema(min_items = 1, max_items = 60)]
    pub codes: Vec<String>,
    /// Why beyond the capacity.
    #[serde(default)]
    pub reason: String,
}

/// What came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ShelterArrived)]
pub struct TakenIn {
    pub taken_in: i64,
    /// Of them, from another shelter or from elsewhere.
    pub transferred: i64,
    /// Who was here before.
    pub here_before: i64,
    /// Whether they are beyond the capacity.
    pub beyond: bool,
}

/// Takes persons into a shelter. Who is in another one is moved: nobody is in two.
///
/// # Errors
/// 400 naming the code; 404; 409 when the shelter is not open, or full without a reason; 401, 403.
#[utoipa::path(post, path = "/api/v1/shelters/{id}/arrivals", tag = "shelters", params(("id" = Uuid, Path,)), request_body = Arrival,
    responses((status = 200, body = TakenIn), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn arrive(
    State(app): State<App>,
    staff: May<can::ReportField>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Arrival>,
) -> Result<Json<TakenIn>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let persons = of_codes(&mut tx, &given.codes).await?;
    let people::Arrived { taken_in, transferred, here_before, beyond } =
        people::arrive(&mut tx, by, id, &persons, &given.reason).await?;
    tx.commit().await?;
    Ok(Json(TakenIn { taken_in, transferred, here_before, beyond }))
}

/// Who leaves.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ShelterDeparture)]
#[serde(deny_unknown_fields)]
pub struct Departure {
    /// Of wristbands or families' cards, 1 to 60.
    #[schema(min_items = 1, max_items = 60)]
    pub codes: Vec<String>,
    /// home, relatives, rented, hospital, other_town, unknown, other
    #[schema(value_type = String)]
    pub destination: Destination,
    #[serde(default)]
    pub reason: String,
}

/// How many left.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ShelterDeparted)]
pub struct Departed {
    pub left: i64,
}

/// Checks persons out of wherever they are.
///
/// # Errors
/// 400 naming the code; 409 when one of them is nowhere; 401, 403.
#[utoipa::path(post, path = "/api/v1/departures", tag = "shelters", request_body = Departure,
    responses((status = 200, body = Departed), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn leave(
    State(app): State<App>,
    staff: May<can::ReportField>,
    StrictJson(given): StrictJson<Departure>,
) -> Result<Json<Departed>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let persons = of_codes(&mut tx, &given.codes).await?;
    let left = people::leave(&mut tx, by, &persons, given.destination, &given.reason).await?;
    tx.commit().await?;
    Ok(Json(Departed { left }))
}

/// A shelter that takes people in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicShelter {
    pub code: String,
    pub name: String,
    pub address: String,
    pub lon: f64,
    pub lat: f64,
    pub capacity: i32,
    pub accessible: bool,
    pub pets: bool,
    /// open or full
    pub state: String,
}

/// What is asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicNeed {
    pub item: String,
    pub unit: String,
    /// What nobody has promised yet, in the unit.
    pub missing: i64,
    /// urgent, high, usual
    pub priority: String,
    /// Where it is taken.
    pub place: String,
}

/// Shelters as totals, and what they need. Nothing of persons.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicShelters {
    pub open: Vec<PublicShelter>,
    /// Persons in shelters (desabrigados); null for fewer than five, who could be recognised.
    pub sheltered: Option<i64>,
    /// Persons elsewhere by own means (desalojados); null for fewer than five. Never added to the others (Lei 14.750/2023).
    pub elsewhere: Option<i64>,
    pub needs: Vec<PublicNeed>,
}

/// Tells which shelters are open, how many persons lost their home, and what is needed.
///
/// # Errors
/// 503 without the database.
#[utoipa::path(get, path = "/api/v1/public/shelters", tag = "shelters", responses(
    (status = 200, body = PublicShelters), (status = 304, description = "Nothing has changed")))]
pub async fn totals(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let now = app.clock.now();
    let status = app.config.alerts.status;
    let whose = count::Whose::town(status);
    let all = store::list(&mut conn).await?;
    let counts = count::by_shelter(&mut conn, (now, now), whose).await?;
    let heads: Heads = sum(&counts);
    let elsewhere = count::elsewhere(&mut conn, (now, now), whose).await?.heads.all();
    let open = all.into_iter().filter(|shelter| shelter.is_open_to_all(status)).map(told).collect();
    let asked: Vec<Need> = needs(&mut conn, None).await?;
    let needs = asked.into_iter().filter(|need| need.public && need.missing() > 0).map(|need| PublicNeed {
        missing: need.missing(),
        item: need.item_name,
        unit: need.unit,
        priority: need.priority,
        place: need.place_name,
    });
    let said =
        PublicShelters { open, sheltered: public(heads.all()), elsewhere: public(elsewhere), needs: needs.collect() };
    let body = serde_json::to_vec(&said).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(conditional::answer(&headers, "application/json", SHORT, body))
}

fn told(shelter: Shelter) -> PublicShelter {
    let Shelter { what, state, .. } = shelter;
    PublicShelter {
        code: what.code,
        name: what.name,
        address: what.address,
        lon: what.spot.lon,
        lat: what.spot.lat,
        capacity: what.capacity,
        accessible: what.accessible,
        pets: what.pets,
        state: state.to_string(),
    }
}
