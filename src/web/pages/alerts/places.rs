//! Where a draft holds: a page of forms that work by themselves, with maps to draw and point on where there is JavaScript.

use askama::Template;
use axum::extract::{Form, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;

use super::composing;
use super::told;
use crate::alerts::audience::{Audience, MAX_BUFFER_M, MAX_PRECISION_M};
use crate::alerts::draft::Drafter;
use crate::alerts::places::{Wish, resolve};
use crate::alerts::shape::store::{self as shapes, Place, PlaceId};
use crate::alerts::shape::{Circle, MAX_FILE_BYTES};
use crate::alerts::state::AlertError;
use crate::alerts::store::AlertDetail;
use crate::alerts::trail;
use crate::app::App;
use crate::areas::text::geometry_of;
use crate::dispatch::audience::{Reach, preview as reach};
use crate::ids::AlertId;
use crate::neighbourhoods::store::{Neighbourhood, list as list_neighbourhoods};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::view::{Markup, View};
use crate::web::pages::{drawing, page};

/// What a form of the page brought; what is empty was not asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    revision: i32,
    /// risk_area, neighbourhood, circle or drawn.
    kind: String,
    risk_area: String,
    neighbourhood: String,
    name: String,
    lat: String,
    lon: String,
    radius_km: String,
    geometry: String,
}

#[derive(Template)]
#[template(path = "alert_places.html")]
struct PlacesPage {
    f: Frame,
    a: AlertDetail,
    title: String,
    given: Given,
    wrong: String,
    said: String,
    last_removed: Option<String>,
    areas: Vec<(String, String)>,
    neighbourhoods: Vec<Neighbourhood>,
    bounds: String,
    drawing: Markup,
    shape: Vec<(String, String)>,
    holes: usize,
    is_same: bool,
    reach: Reach,
    most_m: [i32; 2],
}

impl PlacesPage {
    fn is(&self, one: &str, other: &str) -> bool {
        one == other
    }

    /// "área de risco · 1,2 km²".
    fn about(&self, place: &Place) -> String {
        let v = &self.f.v;
        let size = v.t1("shape-km2", "n", v.decimal((place.area_km2 * 1000.0).round() / 1000.0));
        let radius =
            place.radius_km.map(|km| format!(" · {}", v.t1("place-radius", "km", v.decimal(km)))).unwrap_or_default();
        format!("{}{radius} · {size}", v.word("place-source", &place.source))
    }
}

#[derive(Debug, Deserialize)]
pub struct Shown {
    done: Option<String>,
}

/// What a draft holds for, and the forms that change it. Of anything but a draft it leads back.
pub async fn open(
    State(app): State<App>,
    _: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    axum::extract::Query(shown): axum::extract::Query<Shown>,
) -> Result<Response, ApiError> {
    let said = match shown.done.as_deref() {
        Some("begun") => v.t("begin-done"),
        Some("added") => v.t("place-added"),
        Some("removed") => v.t("place-removed"),
        Some("restored") => v.t("place-restored"),
        Some("audience") => v.t("audience-done"),
        _ => String::new(),
    };
    show(&app, v, AlertId(id), Given::default(), (String::new(), said)).await
}

async fn show(
    app: &App,
    v: View,
    id: AlertId,
    given: Given,
    (wrong, said): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let a = super::load(&mut conn, id).await?;
    if !matches!(a.row.state.as_str(), "draft" | "submitted") {
        return Ok(Redirect::to(&format!("/console/alerts/{id}")).into_response());
    }
    let difference = shapes::difference(&mut conn, id).await?;
    let areas = sqlx::query!(
        "select r.code, r.name from risk_area r where r.retired_at is null
             and not exists (select from alert_area aa where aa.alert_id = $1 and aa.area_id = r.id)
         order by r.name, r.code limit 3000",
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = page(&PlacesPage {
        title: super::review::title(&f.v, &a),
        last_removed: shapes::last_removed(&mut conn, id).await?,
        areas: areas.into_iter().map(|row| (row.code, row.name)).collect(),
        neighbourhoods: list_neighbourhoods(&mut conn).await?,
        bounds: drawing::bounds_json(&mut conn).await?,
        drawing: composing::drawing(&f.v, &difference),
        shape: composing::shape_lines(&f.v, &difference),
        holes: difference.holes_filled,
        is_same: difference.is_same(),
        reach: reach(&mut conn, f.v.now, id).await?,
        most_m: [MAX_BUFFER_M, MAX_PRECISION_M],
        given,
        wrong,
        said,
        a,
        f,
    })?;
    Ok((status, shown).into_response())
}

/// A number as people write it, "-43,35".
fn number(text: &str) -> Option<f64> {
    text.trim().replace(',', ".").parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Takes a place that was chosen, pointed at or drawn.
pub async fn add(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let geometry;
    let wish = match given.kind.as_str() {
        "risk_area" => Wish::RiskArea(&given.risk_area),
        "neighbourhood" => Wish::Neighbourhood(&given.neighbourhood),
        "circle" => match (number(&given.lat), number(&given.lon), number(&given.radius_km)) {
            (Some(lat), Some(lon), Some(radius_km)) => {
                Wish::Circle { name: &given.name, circle: Circle { lat, lon, radius_km } }
            }
            _ => {
                let wrong = v.t("place-wrong-circle");
                return show(&app, v, AlertId(id), given, (wrong, String::new())).await;
            }
        },
        "drawn" => match geometry_of(&given.geometry) {
            Ok(read) => {
                geometry = read;
                Wish::Drawn { name: &given.name, geometry: &geometry }
            }
            Err(bad) => {
                let wrong = v.t2("area-wrong-text", "line", bad.line as i64, "text", bad.text);
                return show(&app, v, AlertId(id), given, (wrong, String::new())).await;
            }
        },
        other => return Err(ApiError::field("kind", other, "expected risk_area, neighbourhood, circle or drawn")),
    };
    let taken = take(&app, &staff, &v, (AlertId(id), given.revision), &wish).await?;
    answer(&app, v, AlertId(id), given, taken.map(|()| "added")).await
}

/// Adds a place; the inner error is what to say on the page.
async fn take(
    app: &App,
    staff: &Staff,
    v: &View,
    (id, revision): (AlertId, i32),
    wish: &Wish<'_>,
) -> Result<Result<(), String>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let place = match resolve(&mut tx, wish).await? {
        Ok(place) => place,
        Err(bad) if bad.field == "name" => return Ok(Err(v.t("place-wrong-name"))),
        Err(bad) => {
            let value = if bad.value.is_empty() {
                String::new()
            } else {
                format!(" {}", crate::web::error::shorten(&bad.value))
            };
            return Ok(Err(format!("{}{value}: {}", v.t("area-wrong-geometry"), bad.message)));
        }
    };
    let before = super::load(&mut tx, id).await?;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    match drafter.add_place(&mut tx, (v.now, &staff.username), id, revision, &place).await {
        Ok(_) => {
            trail::edited(&mut tx, &app.ids, v.now, &staff.actor(), &before).await?;
            tx.commit().await?;
            Ok(Ok(()))
        }
        Err(error) => refusal(v, error).map(Err),
    }
}

/// What an act that was refused is answered with on the page.
fn refusal(v: &View, error: AlertError) -> Result<String, ApiError> {
    match error {
        AlertError::Stale { .. } => Ok(v.t("place-conflict")),
        AlertError::Refused(why) => Ok(told::refusal(v, &why)),
        other => Err(other.into()),
    }
}

async fn answer(
    app: &App,
    v: View,
    id: AlertId,
    given: Given,
    done: Result<&'static str, String>,
) -> Result<Response, ApiError> {
    match done {
        Ok(word) => Ok(Redirect::to(&format!("/console/alerts/{id}/places?done={word}")).into_response()),
        Err(wrong) => show(app, v, id, given, (wrong, String::new())).await,
    }
}

/// A file with its form.
#[derive(Default)]
struct Brought {
    revision: i32,
    name: String,
    file: Vec<u8>,
}

async fn brought(request: Request) -> Option<Brought> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let boundary = multer::parse_boundary(kind).ok()?;
    let most = MAX_FILE_BYTES as u64;
    let limits = SizeLimit::new().whole_stream(most + 64 * 1024).per_field(8 * 1024).for_field("file", most);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let mut brought = Brought::default();
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("revision") => brought.revision = field.text().await.ok()?.trim().parse().ok()?,
            Some("name") => brought.name = field.text().await.ok()?,
            Some("file") => brought.file = field.bytes().await.ok()?.to_vec(),
            // The gate has held it against the session's.
            _ => drop(field.bytes().await.ok()?),
        }
    }
    Some(brought)
}

/// Takes the polygons of a file.
pub async fn upload(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    request: Request,
) -> Result<Response, ApiError> {
    let Some(form) = brought(request).await else {
        let wrong = v.t1("place-wrong-file", "mb", (MAX_FILE_BYTES / 1024 / 1024) as i64);
        return show(&app, v, AlertId(id), Given::default(), (wrong, String::new())).await;
    };
    let wish = Wish::File { name: &form.name, bytes: &form.file };
    let taken = take(&app, &staff, &v, (AlertId(id), form.revision), &wish).await?;
    let given = Given { kind: "upload".into(), name: form.name, ..Given::default() };
    answer(&app, v, AlertId(id), given, taken.map(|()| "added")).await
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Seen {
    revision: i32,
}

/// Takes a place out. It can be put back.
pub async fn remove(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path((id, place)): Path<(uuid::Uuid, String)>,
    Form(seen): Form<Seen>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let place: PlaceId = place.parse().map_err(|error: String| ApiError::field("place", &place, error))?;
    let mut tx = app.db.web.begin().await?;
    let before = super::load(&mut tx, id).await?;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let done = match drafter.remove_place(&mut tx, (v.now, &staff.username), id, seen.revision, place).await {
        Ok(_) => {
            trail::edited(&mut tx, &app.ids, v.now, &staff.actor(), &before).await?;
            tx.commit().await?;
            Ok("removed")
        }
        Err(error) => {
            tx.rollback().await?;
            Err(refusal(&v, error)?)
        }
    };
    answer(&app, v, id, Given::default(), done).await
}

/// Puts back what was taken out last.
pub async fn restore(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(seen): Form<Seen>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let mut tx = app.db.web.begin().await?;
    let before = super::load(&mut tx, id).await?;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let done = match drafter.restore_place(&mut tx, (v.now, &staff.username), id, seen.revision).await {
        Ok(_) => {
            trail::edited(&mut tx, &app.ids, v.now, &staff.actor(), &before).await?;
            tx.commit().await?;
            Ok("restored")
        }
        Err(error) => {
            tx.rollback().await?;
            Err(refusal(&v, error)?)
        }
    };
    answer(&app, v, id, Given::default(), done).await
}

/// Whom the draft is to go to, as a form says it.
#[derive(Clone, Debug, Deserialize)]
pub struct Chosen {
    revision: i32,
    buffer_m: String,
    /// "all" or "known".
    #[serde(default)]
    homes: String,
    #[serde(default)]
    leave_out_from_m: String,
}

impl Chosen {
    /// `None` where a figure is none or out of its bounds.
    fn read(&self) -> Option<Audience> {
        let whole = |text: &str| if text.trim().is_empty() { Some(0) } else { text.trim().parse::<i32>().ok() };
        let leave_out_from_m =
            if self.homes == "known" { Some(self.leave_out_from_m.trim().parse().ok()?) } else { None };
        Audience { buffer_m: whole(&self.buffer_m)?, leave_out_from_m }.check().ok()
    }
}

/// Chooses whom the draft goes to.
pub async fn audience(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let Some(audience) = chosen.read() else {
        let wrong = v.t("audience-wrong");
        return show(&app, v, id, Given::default(), (wrong, String::new())).await;
    };
    let mut tx = app.db.web.begin().await?;
    let before = super::load(&mut tx, id).await?;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let by = (v.now, staff.username.as_str());
    let done = match drafter.choose_audience(&mut tx, by, id, chosen.revision, audience).await {
        Ok(_) => {
            trail::edited(&mut tx, &app.ids, v.now, &staff.actor(), &before).await?;
            tx.commit().await?;
            Ok("audience")
        }
        Err(error) => {
            tx.rollback().await?;
            Err(refusal(&v, error)?)
        }
    };
    answer(&app, v, id, Given::default(), done).await
}
