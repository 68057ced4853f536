//! `/console/damage`: dossiers of damage and losses (FIDE), from the first figure to what came of the request. `/console/declarations`: what
//! departments declare.

mod declarations;
mod declared;
mod dossier;
mod figures;
mod files;
mod papers;
mod photographs;
mod sections;
mod submit;
mod typed;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::damage::desk::{self, Header};
use crate::damage::life::State as Standing;
use crate::damage::store;
use crate::damage::{Dossier, KIND, Onset};
use crate::deadlines::{Deadline, store as deadlines};
use crate::ids::IncidentId;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/damage", get(list).post(open))
        .route("/console/incidents/{id}/damage", get(of_incident))
        .route("/console/damage/{id}", get(dossier::show).post(dossier::act))
        .route("/console/damage/{id}/sections", get(sections::show).post(sections::save))
        .route("/console/damage/{id}/figures", get(figures::show).post(figures::act))
        .route("/console/damage/{id}/declarations", get(declared::show).post(declared::answer))
        .route("/console/damage/{id}/declarations/{declaration}/{attachment}", get(declared::attachment))
        .route("/console/damage/{id}/documents/{kind}", get(papers::show).post(papers::act))
        .route("/console/damage/{id}/photographs", get(photographs::show).post(photographs::choose))
        .route("/console/damage/{id}/photographs/{photograph}", get(photographs::picture))
        .route("/console/damage/{id}/submit", get(submit::show).post(submit::send))
        .route("/console/damage/{id}/files/{file}", get(files::file))
        .route("/console/declarations", get(declarations::list))
        .route("/console/declarations/{id}", get(declarations::show).post(declarations::send))
}

/// Sentences of the desks by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 14] = [
    ("has a dossier already", "damage-no-second"),
    ("and stands as it is", "damage-no-open"),
    ("stand as they were submitted", "damage-no-header"),
    ("changed meanwhile", "plan-no-stale"),
    ("show no damage yet", "damage-no-figures"),
    ("decide the level first", "damage-no-level"),
    ("is adopted", "damage-no-adopted"),
    ("is a draft", "damage-no-draft"),
    ("was answered already", "damage-no-answered"),
    ("the dossier lacks", "damage-no-lacking"),
    ("holds at most", "damage-no-room"),
    ("nothing sent to correct", "damage-no-correct"),
    ("corrects this one already", "damage-no-correct"),
    ("it does not", "damage-no-state"),
];

/// What went wrong: a sentence, or every field.
pub(super) fn told(v: &View, error: PlanError) -> Result<(String, Vec<FieldError>), ApiError> {
    if let PlanError::Refused(Refused::Conflict(why)) = &error
        && let Some((_, key)) = KNOWN.iter().find(|(part, _)| why.contains(part))
    {
        return Ok((v.t(key), Vec::new()));
    }
    if let PlanError::Wrong(errors) = error {
        return Ok((v.t("damage-bad"), errors));
    }
    super::plans::told(v, error)
}

pub(super) fn status_of(wrong: &str) -> StatusCode {
    if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

struct Row {
    dossier: Dossier,
    next: Option<Deadline>,
}

#[derive(Template)]
#[template(path = "damage.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Row>,
    /// Incidents without a dossier.
    without: Vec<(IncidentId, String, String, String, Instant)>,
    given: Opening,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl ListPage {
    fn hazard(&self) -> String {
        if !self.given.cobrade.is_empty() {
            return self.given.cobrade.clone();
        }
        self.chosen().map(|one| one.3.clone()).unwrap_or_default()
    }

    /// The incident that the form stands on.
    fn chosen(&self) -> Option<&(IncidentId, String, String, String, Instant)> {
        let chosen = self.without.iter().find(|one| one.0.to_string() == self.given.incident);
        chosen.or_else(|| self.without.first())
    }

    /// What was typed, or when the incident began: close to the disaster, and its hour is read before it is sent.
    fn occurred_at(&self) -> String {
        if !self.given.occurred_at.is_empty() {
            return self.given.occurred_at.clone();
        }
        self.chosen().map(|one| self.f.v.input_time(one.4)).unwrap_or_default()
    }

    fn name_of(&self, deadline: &Deadline) -> String {
        crate::deadlines::words::name(self.f.v.lang, &deadline.code)
    }

    fn is_late(&self, deadline: &Deadline) -> bool {
        deadline.is_late(self.f.v.now)
    }

    fn is_near(&self, deadline: &Deadline) -> bool {
        deadline.is_near(super::plans::today(&self.f.v))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Opening {
    incident: String,
    cobrade: String,
    occurred_at: String,
    onset: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    incident: String,
}

async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let given = Opening { incident: wanted.incident, ..Opening::default() };
    list_page(&app, v, given, (String::new(), Vec::new())).await
}

async fn list_page(
    app: &App,
    v: View,
    given: Opening,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let running = deadlines::list(&mut conn, None, true).await?;
    let mut rows = Vec::new();
    for dossier in store::list(&mut conn, None, None).await? {
        let next = running.iter().find(|one| one.subject_kind == KIND && one.subject_id == dossier.id).cloned();
        rows.push(Row { dossier, next });
    }
    let without = store::without(&mut conn).await?;
    let may_edit = v.may(Permission::RunIncidents);
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    Ok((status, page(&ListPage { f, rows, without, given, wrong, errors, may_edit })?).into_response())
}

/// COBRADE, time and onset of a form.
pub(super) fn header_of(v: &View, cobrade: &str, occurred_at: &str, onset: &str) -> Result<Header, PlanError> {
    let occurred_at = typed::local(v, occurred_at)
        .ok_or_else(|| Refused::wrong("occurred_at", occurred_at, "expected a day and a time"))?;
    let onset: Onset =
        onset.parse().map_err(|error: crate::units::UnknownWord| Refused::wrong("onset", onset, error.to_string()))?;
    Ok(Header { cobrade: cobrade.trim().to_owned(), occurred_at, onset })
}

async fn open(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Form(given): Form<Opening>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let incident: Uuid =
            given.incident.parse().map_err(|_| Refused::wrong("incident", &given.incident, "expected an incident"))?;
        let header = header_of(&v, &given.cobrade, &given.occurred_at, &given.onset)?;
        let id = desk::open(&mut tx, by, &app.config.municipality, (IncidentId(incident), &header)).await?;
        tx.commit().await?;
        Ok::<_, PlanError>(id)
    };
    match done.await {
        Ok(id) => Ok(Redirect::to(&format!("/console/damage/{id}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            list_page(&app, v, given, why).await
        }
    }
}

/// The newest version of the incident's dossier, or the form that opens it.
async fn of_incident(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Redirect, ApiError> {
    let all = store::list(&mut *app.db.web.acquire().await?, Some(IncidentId(id)), None).await?;
    let newest = all.iter().max_by_key(|one| one.version);
    Ok(match newest {
        Some(one) => Redirect::to(&format!("/console/damage/{}", one.id)),
        None => Redirect::to(&format!("/console/damage?incident={id}#open")),
    })
}

/// Class of a state's tag.
pub(super) fn tag(state: &Standing) -> &'static str {
    match state {
        Standing::Recognised => "good",
        Standing::Refused => "bad",
        Standing::Open => "wait",
        Standing::Submitted | Standing::Archived => "",
    }
}
