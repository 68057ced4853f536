//! The report after the action: counted from the rows, to be read and printed, with the words that people add.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::NaiveDate;
use serde::Deserialize;

use super::told;
use crate::accounts::Permission;
use crate::app::App;
use crate::clock::Instant;
use crate::exercises::desk::Desk;
use crate::exercises::plan::NewImprovement;
use crate::exercises::report::{self, Report, Told};
use crate::exercises::{ExerciseError, ExerciseState};
use crate::ids::ExerciseId;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "exercise_report.html")]
struct ReportPage {
    f: Frame,
    r: Report,
    bad: Vec<String>,
    /// Whether problems and evaluation may still be written.
    writable: bool,
    may: bool,
    /// Proposed day of an improvement.
    due: String,
}

impl ReportPage {
    /// "+3 min 20 s" after the draft was written, or a dash.
    fn after(&self, told: &Told, at: Option<Instant>) -> String {
        let Some(at) = at else { return "—".into() };
        let seconds = (at - told.drafted_at).num_seconds().max(0);
        format!("{} (+{} min {:02} s)", self.f.v.time(at), seconds / 60, seconds % 60)
    }

    fn approved(&self, told: &Told) -> String {
        self.after(told, Some(told.approved_at))
    }

    fn issued(&self, told: &Told) -> String {
        self.after(told, Some(told.issued_at))
    }

    /// How late it began, or how early; a dash before it did.
    fn delay(&self) -> String {
        let v = &self.f.v;
        match self.r.delay_min() {
            None => "—".to_owned(),
            Some(0) => v.t("exercise-on-time"),
            Some(minutes) if minutes < 0 => v.t1("exercise-early", "min", -minutes),
            Some(minutes) => v.t1("exercise-late", "min", minutes),
        }
    }

    fn optional(&self, number: Option<i64>) -> String {
        number.map_or_else(|| "—".to_owned(), |number| format!("{number} min"))
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<uuid::Uuid>,
) -> Result<Response, ApiError> {
    render(&app, v, ExerciseId(id), Vec::new()).await
}

async fn render(app: &App, v: View, id: ExerciseId, bad: Vec<String>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let r = report::of(&mut conn, id).await.map_err(ApiError::Internal)?.ok_or(ExerciseError::NotFound)?;
    let may = v.may(Permission::DraftAlerts);
    let due = (v.now + chrono::TimeDelta::days(30)).with_timezone(&v.tz).date_naive().to_string();
    let f = Frame::load(&mut conn, app, v, "exercises").await?;
    page(&ReportPage { writable: may && r.exercise.state.takes_evaluation(), f, r, bad, may, due })
}

#[derive(Debug, Deserialize)]
pub struct Written {
    act: String,
    #[serde(default)]
    problems: String,
    #[serde(default)]
    evaluation: String,
    #[serde(default)]
    what: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    due_on: String,
    #[serde(default)]
    action: i64,
}

pub async fn write(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(written): Form<Written>,
) -> Result<Response, ApiError> {
    let id = ExerciseId(id);
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: v.now, actor: &actor };
    let plain = |text: &str| text.replace("\r\n", "\n");
    let done = match written.act.as_str() {
        "evaluate" => desk.evaluate(&mut tx, id, &plain(&written.problems), &plain(&written.evaluation)).await,
        "improve" => {
            let Ok(due_on) = written.due_on.parse::<NaiveDate>() else {
                return Err(ApiError::field("due_on", written.due_on, "expected a day such as 2026-12-31"));
            };
            let (what, owner) = (plain(&written.what), written.owner);
            desk.improve(&mut tx, id, &NewImprovement { what, owner, due_on }).await.map(drop)
        }
        "improved" => desk.improved(&mut tx, id, written.action).await,
        other => return Err(ApiError::field("act", other, "expected evaluate, improve or improved")),
    };
    match done {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/exercises/{id}/report")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            let bad = told(&v, error)?;
            Ok((StatusCode::CONFLICT, render(&app, v, id, bad).await?).into_response())
        }
    }
}
