//! Where a draft holds: places that join and leave it, and what its message will carry of them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::alerts::audience::Audience;
use crate::alerts::places::{NewPlace, Wish, resolve};
use crate::alerts::shape::store::{self as shapes, Difference, Place, PlaceId};
use crate::alerts::shape::{BadPlace, Circle};
use crate::alerts::{AlertError, store, trail};
use crate::app::App;
use crate::ids::AlertId;
use crate::neighbourhoods::store::{Neighbourhood, list as list_neighbourhoods};
use crate::web::api::alerts::draft::Created;
use crate::web::api::alerts::drafter;
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

impl From<BadPlace> for ApiError {
    fn from(bad: BadPlace) -> Self {
        Self::field(bad.field, bad.value, bad.message)
    }
}

/// A place: just one of `risk_area`, `neighbourhood`, `circle`, `geometry` and `kml`. The last three need a `name`.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlaceGiven {
    /// Code of a risk area in service.
    #[schema(max_length = 64)]
    pub risk_area: Option<String>,
    /// Code of a neighbourhood.
    #[schema(max_length = 64)]
    pub neighbourhood: Option<String>,
    pub circle: Option<Circle>,
    /// A GeoJSON Polygon or MultiPolygon in WGS84.
    #[schema(value_type = Option<Object>)]
    pub geometry: Option<Value>,
    /// A KML document; its polygons are taken.
    #[schema(max_length = 2_097_152)]
    pub kml: Option<String>,
    /// As texts and the message say it.
    #[schema(max_length = 120)]
    pub name: String,
}

impl PlaceGiven {
    /// # Errors
    /// When it is none of the kinds, or several at once.
    pub fn wish(&self) -> Result<Wish<'_>, ApiError> {
        let name = self.name.as_str();
        let mut wishes = Vec::new();
        wishes.extend(self.risk_area.as_deref().map(Wish::RiskArea));
        wishes.extend(self.neighbourhood.as_deref().map(Wish::Neighbourhood));
        wishes.extend(self.circle.map(|circle| Wish::Circle { name, circle }));
        wishes.extend(self.geometry.as_ref().map(|geometry| Wish::Drawn { name, geometry }));
        wishes.extend(self.kml.as_ref().map(|kml| Wish::File { name, bytes: kml.as_bytes() }));
        match (wishes.pop(), wishes.is_empty()) {
            (Some(wish), true) => Ok(wish),
            _ => {
                Err(ApiError::field("place", "", "expected one of risk_area, neighbourhood, circle, geometry and kml"))
            }
        }
    }
}

/// Looks a place up.
///
/// # Errors
/// 400 naming the field.
pub async fn found(conn: &mut sqlx::PgConnection, given: &PlaceGiven) -> Result<NewPlace, ApiError> {
    Ok(resolve(conn, &given.wish()?).await??)
}

/// What a draft holds for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Places {
    pub revision: i32,
    pub places: Vec<Place>,
    /// What the message will carry, held against what was meant.
    pub difference: Difference,
    /// Name of the place that was taken out last and can be put back.
    pub last_removed: Option<String>,
}

/// Where an alert holds, and what its message carries of that.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/places", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Places), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn list(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Places>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let alert = store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let difference = shapes::difference(&mut conn, AlertId(id)).await?;
    let last_removed = shapes::last_removed(&mut conn, AlertId(id)).await?;
    Ok(Json(Places { revision: alert.row.revision, places: alert.places, difference, last_removed }))
}

/// The same as GeoJSON: features of `kind` place, as they were given, and sent, as the message carries them.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/shape", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Object), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn shape(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Value>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    Ok(Json(shapes::features(&mut conn, AlertId(id)).await?))
}

/// A place with the revision it was chosen on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    pub revision: i32,
    pub place: PlaceGiven,
}

/// A place joins a draft. Texts that nobody has edited are written anew.
///
/// # Errors
/// 400 naming the field; 404; 409 when the draft moved since `revision`, is none any more, or cannot take the place.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/places", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Add,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Add>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let before = store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let place = found(&mut tx, &given.place).await?;
    let by = (now, staff.username.as_str());
    let revision = drafter(&app).add_place(&mut tx, by, AlertId(id), given.revision, &place).await?;
    trail::edited(&mut tx, &app.ids, now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Created { id, revision })))
}

/// The revision that was seen.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Seen {
    pub revision: i32,
}

/// A place leaves a draft; it can be put back.
///
/// # Errors
/// 404 when there is no such place; 409 for the last place, or when the draft moved since `revision`.
#[utoipa::path(delete, path = "/api/v1/alerts/{id}/places/{place}", tag = "alerts",
    params(("id" = Uuid, Path,), ("place" = String, Path, description = "area-12 or shape-3"), Seen),
    responses((status = 200, body = Created), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn remove(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path((id, place)): Path<(Uuid, String)>,
    Query(seen): Query<Seen>,
) -> Result<Json<Created>, ApiError> {
    let place: PlaceId = place.parse().map_err(|error: String| ApiError::field("place", &place, error))?;
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let before = store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let by = (now, staff.username.as_str());
    let revision = drafter(&app).remove_place(&mut tx, by, AlertId(id), seen.revision, place).await?;
    trail::edited(&mut tx, &app.ids, now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok(Json(Created { id, revision }))
}

/// Puts back the place that was taken out last.
///
/// # Errors
/// 404; 409 when nothing was taken out, or the draft moved since `revision`.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/places/restore", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Seen,
    responses((status = 200, body = Created), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn restore(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(seen): StrictJson<Seen>,
) -> Result<Json<Created>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let before = store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let by = (now, staff.username.as_str());
    let revision = drafter(&app).restore_place(&mut tx, by, AlertId(id), seen.revision).await?;
    trail::edited(&mut tx, &app.ids, now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok(Json(Created { id, revision }))
}

/// Whom the draft is to go to, on the revision that was seen.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    pub revision: i32,
    pub audience: Audience,
}

/// Chooses whom a draft goes to beside those inside its places. `/reach` counts by it, and answers of the alert take it over.
///
/// # Errors
/// 400 naming the field; 404; 409 when the draft moved since `revision` or is none any more.
#[utoipa::path(put, path = "/api/v1/alerts/{id}/audience", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Choose,
    responses((status = 200, body = Created), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn audience(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Choose>,
) -> Result<Json<Created>, ApiError> {
    let audience = given.audience.check()?;
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let before = store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let by = (now, staff.username.as_str());
    let revision = drafter(&app).choose_audience(&mut tx, by, AlertId(id), given.revision, audience).await?;
    trail::edited(&mut tx, &app.ids, now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok(Json(Created { id, revision }))
}

/// The town's neighbourhoods, by name: at most 2,000.
#[utoipa::path(get, path = "/api/v1/neighbourhoods", tag = "catalogue",
    responses((status = 200, body = Vec<Neighbourhood>)))]
pub async fn neighbourhoods(State(app): State<App>) -> Result<Json<Vec<Neighbourhood>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(list_neighbourhoods(&mut conn).await?))
}
