//! After an incident: what was done against what was planned, how long the first steps took, and the lessons.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;
use uuid::Uuid;

use super::{incident, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::store::Incident;
use crate::plancon::PlanError;
use crate::plancon::store::{activations, tasks};
use crate::refused::Refused;
use crate::situation::after::{self, Line, Reaction, Times};
use crate::situation::desk::{self, NewLesson};
use crate::situation::{Lesson, store};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::plans::today;
use crate::web::pages::view::{View, lasting};

#[derive(Template)]
#[template(path = "after.html")]
struct AfterPage {
    f: Frame,
    i: Incident,
    lines: Vec<Line>,
    times: Times,
    reaction: Reaction,
    lessons: Vec<Lesson>,
    today: NaiveDate,
    given: Given,
    wrong: String,
    errors: Vec<FieldError>,
    may_write: bool,
    drill: bool,
}

impl AfterPage {
    /// A time, or that it never came.
    fn took(&self, seconds: &Option<i64>) -> String {
        seconds.map_or_else(|| self.f.v.t("after-never"), |seconds| lasting(TimeDelta::seconds(seconds)))
    }

    fn real(&self, line: &Line) -> String {
        line.real_min.map_or_else(|| "—".to_owned(), |minutes| format!("+{minutes} min"))
    }

    fn late_lines(&self) -> usize {
        self.lines.iter().filter(|line| line.is_late).count()
    }

    fn is_overdue(&self, lesson: &Lesson) -> bool {
        lesson.done_at.is_none() && lesson.due_on < self.today
    }

    fn note(&self, line: &Line) -> String {
        if line.note == "incident_closed" { self.f.v.t("tasks-incident-closed") } else { line.note.clone() }
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    after_page(&app, v, IncidentId(id), Given::default(), (String::new(), Vec::new())).await
}

async fn after_page(
    app: &App,
    v: View,
    id: IncidentId,
    given: Given,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let i = incident(&mut conn, id).await?;
    let activations = activations::list(&mut conn, id).await?;
    let lines = after::lines(&activations, &tasks::list(&mut conn, id).await?, v.now);
    let times = after::times(&store::firsts(&mut conn, id).await?);
    let reaction = after::reaction(&store::reacted(&mut conn, id).await?);
    let lessons = store::lessons(&mut conn, id).await?;
    let (may_write, today) = (v.may(Permission::RunIncidents), today(&v));
    let drill = activations.iter().any(|one| one.drill);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "incidents").await?;
    let shown = AfterPage { f, i, lines, times, reaction, lessons, today, given, wrong, errors, may_write, drill };
    Ok((status, page(&shown)?).into_response())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    act: String,
    text: String,
    owner: String,
    due_on: String,
    lesson: Uuid,
    note: String,
}

pub async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    match done(&app, &v, by, id, &given).await {
        Ok(()) => Ok(Redirect::to(&format!("/console/incidents/{id}/after#lessons")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            after_page(&app, v, id, given, why).await
        }
    }
}

async fn done(app: &App, v: &View, by: Acting<'_>, id: IncidentId, given: &Given) -> Result<(), PlanError> {
    let mut tx = app.db.web.begin().await?;
    match given.act.as_str() {
        "add" => {
            let day = given.due_on.trim().parse::<NaiveDate>();
            let expected = "expected a date such as 2027-03-01";
            let due_on = day.map_err(|_| Refused::wrong("due_on", &given.due_on, expected))?;
            let new = NewLesson { text: given.text.clone(), owner: given.owner.clone(), due_on };
            desk::add_lesson(&mut tx, by, id, (&new, today(v))).await?;
        }
        "done" => desk::lesson_done(&mut tx, by, (id, given.lesson), &given.note).await?,
        other => return Err(Refused::wrong("act", other, "expected add or done").into()),
    }
    Ok(tx.commit().await?)
}
