//! Hand-over notes of shifts: drafted, edited, signed by two people, printed.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use chrono::{NaiveDateTime, TimeZone as _};
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::incidents::shift::{self, By, MAX_BODY, MAX_REMARK, Note, ShiftError, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::reports::clean;

/// Notes of the list.
const MOST: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/shift-notes", get(list).post(begin))
        .route("/console/shift-notes/{id}", get(show).post(act))
}

#[derive(Template)]
#[template(path = "shift_notes.html")]
struct NotesPage {
    f: Frame,
    rows: Vec<Note>,
    from: Instant,
    until: Instant,
    /// One is being drafted already.
    has_draft: bool,
    may_run: bool,
}

async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "incidents").await?;
    let rows = store::list(&mut conn, MOST).await?;
    let (from, until) = shift::period(f.v.now, store::last(&mut conn).await?);
    let (has_draft, may_run) = (rows.iter().any(|row| row.state == "draft"), f.v.may(Permission::RunIncidents));
    page(&NotesPage { f, rows, from, until, has_draft, may_run })
}

#[derive(Template)]
#[template(path = "shift_note.html")]
struct NotePage {
    f: Frame,
    n: Note,
    may_run: bool,
}

impl NotePage {
    fn is(&self, state: &str) -> bool {
        self.n.state == state
    }

    fn gave_it(&self) -> bool {
        let me = self.f.v.staff.as_ref().map(|staff| staff.username.as_str());
        me.is_some() && me == self.n.given_by.as_deref()
    }
}

async fn show(State(app): State<App>, v: View, Path(id): Path<Uuid>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let n = store::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound("the hand-over note".into()))?;
    let f = Frame::load(&mut conn, &app, v, "incidents").await?;
    let may_run = f.v.may(Permission::RunIncidents);
    page(&NotePage { f, n, may_run })
}

fn refused(v: &View, error: ShiftError) -> ApiError {
    match error {
        ShiftError::NotFound => ApiError::NotFound("the hand-over note".into()),
        ShiftError::DraftOpen(number) => ApiError::Conflict(v.t1("shift-draft-open", "number", number)),
        ShiftError::Period => ApiError::field("from", "", v.t("shift-wrong-period")),
        ShiftError::State(state) => {
            ApiError::Conflict(v.t1("shift-wrong-state", "state", v.word("shift-state", state.as_str())))
        }
        ShiftError::Stale(_) => ApiError::Conflict(v.t("shift-stale")),
        ShiftError::SamePerson => ApiError::Conflict(v.t("shift-same-person")),
        ShiftError::Body => ApiError::field("body", "", v.t1("shift-wrong-body", "n", v.count(MAX_BODY as i64))),
        ShiftError::Database(error) => error.into(),
    }
}

fn by<'a>(app: &'a App, v: &View, actor: &'a Actor) -> By<'a> {
    By { ids: &app.ids, now: v.now, actor, tz: v.tz }
}

#[derive(Deserialize)]
struct Period {
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
}

/// An instant of a form, in the town's time; empty is none.
fn instant(v: &View, field: &str, text: &str) -> Result<Option<Instant>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || ApiError::field(field, text, v.t("shift-wrong-time"));
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").map_err(|_| wrong())?;
    v.tz.from_local_datetime(&local).earliest().map(|at| Some(at.to_utc())).ok_or_else(wrong)
}

async fn begin(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Form(given): Form<Period>,
) -> Result<Response, ApiError> {
    let (from, until) = (instant(&v, "from", &given.from)?, instant(&v, "until", &given.until)?);
    let mut tx = app.db.web.begin().await?;
    let usual = shift::period(v.now, store::last(&mut tx).await?);
    // A form has no seconds: what it was filled with is meant, not the minute's beginning.
    let exact = |given: Option<Instant>, usual: Instant| {
        given.filter(|at| v.input_time(*at) != v.input_time(usual)).unwrap_or(usual)
    };
    let span = (exact(from, usual.0), exact(until, usual.1));
    let actor = staff.actor();
    let begun = shift::begin(&mut tx, by(&app, &v, &actor), span, (&v.town, v.lang)).await;
    let id = begun.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/shift-notes/{id}")).into_response())
}

#[derive(Deserialize)]
struct Act {
    act: String,
    #[serde(default)]
    revision: i32,
    #[serde(default)]
    body: String,
    #[serde(default)]
    remark: String,
}

async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Act>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = by(&app, &v, &actor);
    let mut tx = app.db.web.begin().await?;
    let done = match given.act.as_str() {
        "edit" => shift::edit(&mut tx, by, id, (given.revision, &clean(&given.body))).await,
        "give" => shift::give(&mut tx, by, id, given.revision).await,
        "take" => {
            let remark = clean(&given.remark);
            if remark.chars().count() > MAX_REMARK {
                return Err(ApiError::field("remark", remark, format!("expected at most {MAX_REMARK} characters")));
            }
            shift::take(&mut tx, by, id, &remark).await
        }
        other => return Err(ApiError::field("act", other, "expected edit, give or take")),
    };
    done.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/shift-notes/{id}")).into_response())
}
