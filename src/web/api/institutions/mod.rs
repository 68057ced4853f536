//! Schools, hospitals and companies over HTTP: who they are, whom to tell in which order, and who of them has seen an alert.

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::alerts::{AlertError, store as alerts};
use crate::app::App;
use crate::audit::{Act, Entry, record};
use crate::clock::Instant;
use crate::ids::AlertId;
use crate::institutions::desk::{self, Given, GivenContact, Place};
use crate::institutions::store::{self, Warned};
use crate::institutions::{Institution, Kind};
use crate::web::api::imports::{Page, PageQuery, Query};
use crate::web::auth::{May, Staff, can};
use crate::web::delivery::mask;
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

const MAX_BODY_BYTES: usize = 32 * 1024;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/institutions", get(list).post(create))
        .route("/api/v1/institutions/{id}", get(show).put(change).delete(close))
        .route("/api/v1/alerts/{id}/institutions", get(told))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// Somebody to tell, at least one of `phone` and `email`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstitutionContact)]
#[serde(deny_unknown_fields)]
pub struct ContactGiven {
    #[schema(max_length = 120)]
    pub name: String,
    /// As people write it; it is kept as E.164.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub phone: Option<String>,
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: Option<String>,
}

impl ContactGiven {
    fn read(&self) -> GivenContact<'_> {
        GivenContact {
            name: &self.name,
            phone: self.phone.as_deref().unwrap_or_default(),
            email: self.email.as_deref().unwrap_or_default(),
        }
    }
}

/// An institution as it is to be kept.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = InstitutionGiven)]
#[serde(deny_unknown_fields)]
pub struct InstitutionGiven {
    /// The sender's own key, so that nobody adds one twice.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub external_ref: Option<String>,
    #[schema(max_length = 160)]
    pub name: String,
    #[schema(pattern = "^(school|hospital|care_home|company|public_office|other)$")]
    pub kind: String,
    /// WGS84 degrees, with `lon`; or `place`.
    #[serde(default)]
    pub lat: Option<f64>,
    #[serde(default)]
    pub lon: Option<f64>,
    /// Metres by which the point is known; otherwise 50.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000)]
    pub precision_m: Option<i32>,
    /// Words for the point.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub address: Option<String>,
    /// In the place of a point: an address or a CEP that the register of addresses knows. Changing one that is kept may leave out both.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub place: Option<String>,
    /// Who is there on a usual day; 0 when nobody said.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000)]
    pub people: i32,
    /// One to ten, first to be told first.
    pub contacts: Vec<ContactGiven>,
}

impl InstitutionGiven {
    fn read(&self) -> Result<Given<'_>, ApiError> {
        let words = self.place.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let address = self.address.as_deref().unwrap_or_default();
        let place = match (self.lat, self.lon, words) {
            (Some(lat), Some(lon), None) => Place::Point { lon, lat, precision_m: self.precision_m, address },
            (None, None, Some(words)) => Place::Words(words),
            (None, None, None) => Place::AsItIs,
            _ => return Err(ApiError::field("place", words.unwrap_or_default(), "expected lat and lon, or place")),
        };
        Ok(Given {
            external_ref: self.external_ref.as_deref(),
            name: &self.name,
            kind: &self.kind,
            place,
            people: self.people,
            contacts: self.contacts.iter().map(ContactGiven::read).collect(),
        })
    }
}

/// An institution as it is kept.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Institution)]
pub struct Shown {
    pub id: Uuid,
    pub external_ref: Option<String>,
    pub name: String,
    #[schema(value_type = String)]
    pub kind: Kind,
    pub lat: f64,
    pub lon: f64,
    pub precision_m: i32,
    pub address: String,
    pub people: i32,
    /// First to be told first. Who may not change them sees telephones and mailboxes masked.
    pub contacts: Vec<ContactGiven>,
    /// Since when it is told nothing.
    #[schema(value_type = Option<String>)]
    pub closed_at: Option<Instant>,
}

impl Shown {
    fn of(kept: Institution, in_full: bool) -> Self {
        let what = kept.what;
        let told = |address: Option<String>| address.map(|address| if in_full { address } else { mask(&address) });
        let contacts = what.contacts.into_iter();
        Self {
            id: kept.id,
            external_ref: what.external_ref,
            name: what.name,
            kind: what.kind,
            lat: what.spot.lat,
            lon: what.spot.lon,
            precision_m: what.spot.precision_m,
            address: what.address,
            people: what.people,
            contacts: contacts
                .map(|one| ContactGiven { name: one.name, phone: told(one.phone), email: told(one.email) })
                .collect(),
            closed_at: kept.closed_at,
        }
    }
}

fn sees_all(staff: &Staff) -> bool {
    staff.permissions.allow(Permission::EditResidents)
}

/// Lists institutions by name, the closed ones last. Each look is in the audit.
///
/// # Errors
/// 400 for a wrong page, 401, 403.
#[utoipa::path(get, path = "/api/v1/institutions", tag = "institutions", params(PageQuery),
    responses((status = 200, body = Page<Shown>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Shown>>, ApiError> {
    let (limit, offset) = page.checked()?;
    let mut tx = app.db.web.begin().await?;
    let rows = store::page(&mut tx, limit, offset).await?;
    let total = store::count(&mut tx).await?;
    let seen = json!({ "institutions": rows.len(), "limit": limit, "offset": offset });
    let entry = Entry::new(Act::InstitutionsRead, "institutions", "list").to(seen);
    record(&mut tx, &app.ids, app.clock.now(), &staff.actor(), entry).await?;
    tx.commit().await?;
    let in_full = sees_all(&staff);
    let items = rows.into_iter().map(|row| Shown::of(row, in_full)).collect();
    Ok(Json(Page { items, total, limit, offset }))
}

/// One institution with its contacts in order. Each look is in the audit.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/institutions/{id}", tag = "institutions", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    let in_full = sees_all(&staff);
    let mut tx = app.db.web.begin().await?;
    let kept = desk::find(&mut tx, id).await?;
    let seen = json!({ "contacts": kept.what.contacts.len(), "addresses": if in_full { "full" } else { "masked" } });
    let entry = Entry::new(Act::InstitutionsRead, "institution", id).to(seen);
    record(&mut tx, &app.ids, app.clock.now(), &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Json(Shown::of(kept, in_full)))
}

/// What was added.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstitutionAdded)]
pub struct Added {
    pub id: Uuid,
}

/// Adds an institution.
///
/// # Errors
/// 400 naming the field; 409 when `external_ref` is another's; 401, 403.
#[utoipa::path(post, path = "/api/v1/institutions", tag = "institutions", request_body = InstitutionGiven,
    responses((status = 201, body = Added), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::EditResidents>,
    StrictJson(given): StrictJson<InstitutionGiven>,
) -> Result<(StatusCode, Json<Added>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let new = desk::read(&mut tx, &given.read()?, None).await?;
    let id = desk::add(&mut tx, by, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Writes an institution anew, contacts and all; a closed one is open again.
///
/// # Errors
/// 400 naming the field; 409 when `external_ref` is not its own; 401, 403, 404.
#[utoipa::path(put, path = "/api/v1/institutions/{id}", tag = "institutions", params(("id" = Uuid, Path,)),
    request_body = InstitutionGiven,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::EditResidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<InstitutionGiven>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let kept = desk::find(&mut tx, id).await?;
    let new = desk::read(&mut tx, &given.read()?, Some(&kept)).await?;
    if new.external_ref != kept.what.external_ref {
        return Err(ApiError::Conflict("external_ref is what its list knows it by, and stays as it is".into()));
    }
    desk::change(&mut tx, by, id, &new).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes an institution: it is told nothing more, its contacts are forgotten, and what was told stays. Twice is once.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(delete, path = "/api/v1/institutions/{id}", tag = "institutions", params(("id" = Uuid, Path,)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn close(
    State(app): State<App>,
    staff: May<can::EditResidents>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::close(&mut tx, by, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The institutions that an alert was told to, at most 2,000: which contacts, how far each message came, and who has seen it. First
/// those from which nobody has answered.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/institutions", tag = "institutions", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Warned>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn told(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Warned>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    alerts::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    Ok(Json(store::of_alert(&mut conn, AlertId(id)).await?))
}
