//! The photographs of the report: chosen from the incident's and its inspections', each with caption, time and place.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::typed::{Typed, local};
use super::{status_of, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::store::papers as store;
use crate::damage::{Dossier, Photograph, papers as desk, view};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "damage_photographs.html")]
struct PhotographsPage {
    f: Frame,
    d: Dossier,
    rows: Vec<Photograph>,
    given: Typed,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl PhotographsPage {
    fn d(&self) -> &Dossier {
        &self.d
    }

    /// A field of a photograph as it was typed, or as it stands.
    fn val(&self, one: &Photograph, field: &str) -> String {
        let name = format!("{field}-{}", one.id);
        if !self.given.0.is_empty() {
            return self.given.get(&name).to_owned();
        }
        let degrees = |degrees: Option<f64>| degrees.map(|degrees| format!("{degrees:.6}")).unwrap_or_default();
        match field {
            "position" => one.position.map(|position| (position + 1).to_string()).unwrap_or_default(),
            "caption" => one.caption.clone(),
            "taken" => one.taken_at.map(|at| self.f.v.input_time(at)).unwrap_or_default(),
            "lat" => degrees(one.lat),
            "lon" => degrees(one.lon),
            _ => String::new(),
        }
    }

    fn lacks(&self, one: &Photograph) -> Vec<String> {
        let facts = one.facts();
        let lacks = [
            (facts.has_caption, "damage-check-photographs-caption"),
            (facts.has_time, "damage-check-photographs-time"),
            (facts.has_place, "damage-check-photographs-place"),
        ];
        lacks.into_iter().filter(|(has, _)| !has && one.position.is_some()).map(|(_, key)| self.f.v.t(key)).collect()
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    photographs_page(&app, v, id, Typed::default(), (String::new(), Vec::new())).await
}

async fn photographs_page(
    app: &App,
    v: View,
    id: Uuid,
    given: Typed,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let d = view::dossier(&mut conn, id).await?;
    let rows = store::photographs(&mut conn, id, d.incident_id).await?;
    let may_edit = d.is_open() && v.may(Permission::RunIncidents);
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    Ok((status, page(&PhotographsPage { f, d, rows, given, wrong, errors, may_edit })?).into_response())
}

/// Those with a place in the report, in that order.
fn chosen_of(v: &View, given: &Typed) -> Result<Vec<Photograph>, PlanError> {
    let mut problems = Vec::new();
    let mut chosen = Vec::new();
    for (name, value) in &given.0 {
        let Some(id) = name.strip_prefix("position-") else { continue };
        if value.trim().is_empty() {
            continue;
        }
        let field = |field: &str| given.get(&format!("{field}-{id}")).trim();
        let wrong = |field: &str, value: &str, expected: &str| FieldError {
            field: format!("{field}-{id}"),
            value: value.chars().take(80).collect(),
            message: expected.into(),
        };
        let degrees =
            |text: &str| if text.is_empty() { Ok(None) } else { text.replace(',', ".").parse::<f64>().map(Some) };
        let (place, taken) = (value.trim().parse::<i32>(), field("taken"));
        let taken_at = local(v, taken);
        match (id.parse::<Uuid>(), place, degrees(field("lon")), degrees(field("lat"))) {
            (Ok(id), Ok(place), Ok(lon), Ok(lat)) if taken.is_empty() || taken_at.is_some() => {
                let caption = field("caption").to_owned();
                chosen.push(Photograph { id, position: Some(place), caption, taken_at, lon, lat });
            }
            (Err(_), ..) => problems.push(wrong("position", id, "expected a photograph")),
            (_, Err(_), ..) => problems.push(wrong("position", value, "expected a number")),
            (_, _, Ok(_), Ok(_)) => problems.push(wrong("taken", taken, "expected a day and a time")),
            _ => problems.push(wrong("lat", field("lat"), "expected degrees such as -21.76")),
        }
    }
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    chosen.sort_by_key(|one| (one.position, one.id));
    Ok(chosen)
}

pub async fn choose(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let given = Typed(given);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let chosen = chosen_of(&v, &given)?;
        desk::choose(&mut tx, by, id, &chosen).await.map_err(|error| match error {
            PlanError::Refused(Refused::Wrong { field, value, message }) => {
                PlanError::Wrong(vec![FieldError { field, value, message }])
            }
            other => other,
        })?;
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/console/damage/{id}/photographs")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            photographs_page(&app, v, id, given, why).await
        }
    }
}

/// The thumbnail of a photograph that the report may hold.
pub async fn picture(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let d = view::dossier(&mut conn, id).await?;
    let known = store::photographs(&mut conn, id, d.incident_id).await?;
    let missing = || ApiError::NotFound("the photograph".into());
    if !known.iter().any(|one| one.id == photograph) {
        return Err(missing());
    }
    let jpeg = store::thumbnail(&mut conn, photograph).await?.ok_or_else(missing)?;
    let headers = [(header::CONTENT_TYPE, crate::media::MEDIA_TYPE), (header::CACHE_CONTROL, "private, max-age=600")];
    Ok((headers, jpeg).into_response())
}
