//! The editor of an exercise. What could not be saved is shown again with its words.

use askama::Template;
use axum::extract::{Path, RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;

use crate::app::App;
use crate::cobrade::Cobrade;
use crate::exercises::desk::Desk;
use crate::exercises::plan::{self, Plan};
use crate::exercises::store::read;
use crate::exercises::{Act, ExerciseError};
use crate::ids::ExerciseId;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError, shorten};
use crate::web::pages::exercises::{local_instant, told};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// The fields as they stand on the page.
#[derive(Clone, Debug, Default)]
pub struct Written {
    pub revision: i32,
    pub title: String,
    pub scenario: String,
    pub cobrade: String,
    pub objectives: String,
    pub place: String,
    pub public_text: String,
    pub responsible: String,
    pub starts_at: String,
    pub ends_at: String,
    pub listed: bool,
    pub announce_days: String,
    pub announce_hours: String,
    pub areas: Vec<String>,
    pub injects: String,
}

impl Written {
    fn read(body: &[u8]) -> Self {
        let mut written = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            // Browsers send line ends as CR LF (HTML, "constructing the form data set").
            let value = value.replace("\r\n", "\n");
            match name.as_ref() {
                "revision" => written.revision = value.parse().unwrap_or_default(),
                "title" => written.title = value,
                "scenario" => written.scenario = value,
                "cobrade" => written.cobrade = value,
                "objectives" => written.objectives = value,
                "place" => written.place = value,
                "public_text" => written.public_text = value,
                "responsible" => written.responsible = value,
                "starts_at" => written.starts_at = value,
                "ends_at" => written.ends_at = value,
                "listed" => written.listed = value == "yes",
                "announce_days" => written.announce_days = value,
                "announce_hours" => written.announce_hours = value,
                "areas" => written.areas.push(value),
                "injects" => written.injects = value,
                _ => {}
            }
        }
        written
    }

    fn plan(&self, v: &View) -> Result<Plan, ExerciseError> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, value: &str| {
            problems.push(FieldError { field: field.into(), value: shorten(value), message: String::new() });
        };
        let starts_at = local_instant(v, &self.starts_at);
        if starts_at.is_none() {
            wrong("starts_at", &self.starts_at);
        }
        let ends_at = local_instant(v, &self.ends_at);
        if ends_at.is_none() {
            wrong("ends_at", &self.ends_at);
        }
        let days = self.announce_days.trim().parse();
        if days.is_err() {
            wrong("announce_days", &self.announce_days);
        }
        let hours = self.announce_hours.trim().parse();
        if hours.is_err() {
            wrong("announce_hours", &self.announce_hours);
        }
        let injects = plan::injects(&self.injects).unwrap_or_else(|errors| {
            problems.extend(errors);
            Vec::new()
        });
        let (Some(starts_at), Some(ends_at), true) = (starts_at, ends_at, problems.is_empty()) else {
            return Err(ExerciseError::Wrong(problems));
        };
        Ok(Plan {
            title: self.title.clone(),
            scenario: self.scenario.clone(),
            cobrade: self.cobrade.clone(),
            objectives: self.objectives.clone(),
            place: self.place.clone(),
            public_text: self.public_text.clone(),
            responsible: self.responsible.clone(),
            starts_at,
            ends_at,
            listed: self.listed,
            announce_days: days.unwrap_or_default(),
            announce_hours: hours.unwrap_or_default(),
            areas: self.areas.clone(),
            injects,
        })
    }
}

#[derive(Template)]
#[template(path = "exercise_editor.html")]
struct EditorPage {
    f: Frame,
    /// None of a new one.
    id: Option<ExerciseId>,
    w: Written,
    /// Code and name of every area.
    areas: Vec<(String, String)>,
    hazards: Vec<(String, String)>,
    bad: Vec<String>,
}

async fn render(
    app: &App,
    v: View,
    id: Option<ExerciseId>,
    w: Written,
    bad: Vec<String>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let areas = read::areas(&mut conn).await?;
    let f = Frame::load(&mut conn, app, v, "exercises").await?;
    let mut hazards: Vec<(String, String)> =
        Cobrade::all().map(|(code, _)| (code.to_string(), f.v.hazard(&code.to_string()))).collect();
    hazards.sort_by(|a, b| a.1.cmp(&b.1));
    let status = if bad.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&EditorPage { f, id, w, areas, hazards, bad })?).into_response())
}

pub async fn new(State(app): State<App>, _: May<can::DraftAlerts>, v: View) -> Result<Response, ApiError> {
    let starts_at = v.now + TimeDelta::days(14);
    let written = Written {
        cobrade: "1.1.3.2.1".into(),
        starts_at: v.input_time(starts_at),
        ends_at: v.input_time(starts_at + TimeDelta::hours(2)),
        responsible: v.staff.as_ref().map(|staff| staff.name.clone()).unwrap_or_default(),
        listed: true,
        announce_days: app.config.exercises.announce_days.to_string(),
        announce_hours: app.config.exercises.announce_hours.to_string(),
        ..Written::default()
    };
    render(&app, v, None, written, Vec::new()).await
}

pub async fn create(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    RawForm(body): RawForm,
) -> Result<Response, ApiError> {
    let written = Written::read(&body);
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: v.now, actor: &actor };
    let planned = async { desk.plan(&mut tx, &written.plan(&v)?).await }.await;
    match planned {
        Ok(id) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/exercises/{id}?done=planned")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            let bad = told(&v, error)?;
            render(&app, v, None, written, bad).await
        }
    }
}

pub async fn edit(
    State(app): State<App>,
    _: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
) -> Result<Response, ApiError> {
    let id = ExerciseId(id);
    let mut conn = app.db.web.acquire().await?;
    let exercise = read::load(&mut conn, id).await.map_err(ApiError::Internal)?.ok_or(ExerciseError::NotFound)?;
    exercise.state.after(Act::Edit).map_err(ExerciseError::from)?;
    let injects = read::injects(&mut conn, id).await?;
    drop(conn);
    let written = Written {
        revision: exercise.revision,
        title: exercise.title,
        scenario: exercise.scenario,
        cobrade: exercise.cobrade,
        objectives: exercise.objectives,
        place: exercise.place,
        public_text: exercise.public_text,
        responsible: exercise.responsible,
        starts_at: v.input_time(exercise.starts_at),
        ends_at: v.input_time(exercise.ends_at),
        listed: exercise.listed,
        announce_days: exercise.announce_days.to_string(),
        announce_hours: exercise.announce_hours.to_string(),
        areas: exercise.areas,
        injects: plan::lines(injects.iter().map(|inject| (inject.at_min, inject.text.as_str()))),
    };
    render(&app, v, Some(id), written, Vec::new()).await
}

pub async fn save(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    RawForm(body): RawForm,
) -> Result<Response, ApiError> {
    let id = ExerciseId(id);
    let written = Written::read(&body);
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: v.now, actor: &actor };
    let saved = async { desk.edit(&mut tx, id, written.revision, &written.plan(&v)?).await }.await;
    match saved {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/exercises/{id}?done=saved")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            let bad = told(&v, error)?;
            render(&app, v, Some(id), written, bad).await
        }
    }
}
