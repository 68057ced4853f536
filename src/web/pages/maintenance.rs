//! `/console/maintenance`: stations that need somebody, and what is done about each.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::{Given, View};
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::events;
use crate::stations::health::store::{self, ClockRow, FaultRow};
use crate::stations::health::tasks::{self, Event, MOST_LETTERS, MOST_SNOOZE, Task, Wish};
use crate::stations::health::{FaultKind, Measure};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/maintenance", get(list))
        .route("/console/maintenance/{id}", get(show).post(act))
        .route("/console/maintenance/{id}/note", post(note))
}

/// A fault in words.
pub struct Told {
    pub what: String,
    pub why: String,
    /// The stream or device it is about.
    pub about: String,
    pub row: FaultRow,
}

impl Told {
    /// True for faults of this stream, and for those of the whole device.
    pub fn is_about(&self, stream: &str) -> bool {
        self.row.stream.as_deref().is_none_or(|name| name == stream)
    }
}

/// "nothing for 46 h (limit 1 h)", "30 % missing (limit 20 %)".
pub fn told(v: &View, row: FaultRow) -> Told {
    let kind: Option<FaultKind> = row.kind.parse().ok();
    let number = |value: f64| match kind.map(FaultKind::measure) {
        Some(Measure::Seconds) => span(v, value),
        Some(Measure::SecondsPerDay) => v.t1("seconds-a-day", "s", v.decimal(value)),
        Some(Measure::Share) => format!("{} %", v.decimal(value * 100.0)),
        _ => format!("{} %", v.decimal(value)),
    };
    let key = format!("fault-why-{}", row.kind.replace('_', "-"));
    let mut why = v.t2(&key, "measured", number(row.reason.measured), "limit", number(row.reason.limit));
    if let Some(days) = row.reason.days_left {
        why = format!("{why} · {}", v.t1("fault-days-left", "n", v.decimal(days)));
    }
    let stream = row.stream.as_deref().map(|stream| v.t1("fault-stream", "name", stream));
    let about = stream.or_else(|| row.device.clone()).unwrap_or_default();
    Told { what: v.word("fault", &row.kind), why, about, row }
}

/// Seconds as people say them: "40 s", "12 min", "46 h", "3 d".
pub fn span(v: &View, seconds: impl Given<f64>) -> String {
    let seconds = seconds.given();
    let size = seconds.abs();
    let (value, unit) = match size {
        ..120.0 => (seconds, "s"),
        120.0..7200.0 => (seconds / 60.0, "min"),
        7200.0..172_800.0 => (seconds / 3600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    format!("{} {unit}", v.decimal(value))
}

#[derive(Template)]
#[template(path = "maintenance.html")]
struct QueuePage {
    f: Frame,
    open: Vec<Task>,
    closed: Vec<Task>,
}

async fn list(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "stations").await?;
    let tasks = tasks::list(&mut conn, f.v.now - TimeDelta::days(7), None).await?;
    let (open, closed) = tasks.into_iter().partition(|task| task.closed_at.is_none());
    page(&QueuePage { f, open, closed })
}

#[derive(Template)]
#[template(path = "maintenance_task.html")]
struct TaskPage {
    f: Frame,
    t: Task,
    faults: Vec<Told>,
    clocks: Vec<ClockRow>,
    events: Vec<Event>,
    /// Proposed end of a rest: tomorrow at this time.
    tomorrow: String,
}

impl TaskPage {
    fn detail(&self, event: &Event) -> String {
        match event.act.as_str() {
            "fault" | "mended" => self.f.v.word("fault", &event.detail),
            _ => event.detail.clone(),
        }
    }

    fn may_note(&self) -> bool {
        self.f.v.may(crate::accounts::Permission::ReportField)
    }

    fn may_act(&self) -> bool {
        self.f.v.may(crate::accounts::Permission::EditCatalogue) && self.t.closed_at.is_none()
    }
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let t = tasks::find(&mut conn, id).await?.ok_or_else(|| unknown(id))?;
    let f = Frame::load(&mut conn, &app, v, "stations").await?;
    let faults = store::faults(&mut conn, Some(&t.station), t.opened_at).await?;
    let faults = faults.into_iter().map(|row| told(&f.v, row)).collect();
    let clocks = store::clocks(&mut conn, &t.station, f.v.now).await?;
    let events = tasks::events(&mut conn, id).await?;
    let tomorrow = f.v.input_time(f.v.now + TimeDelta::days(1));
    page(&TaskPage { f, t, faults, clocks, events, tomorrow })
}

fn unknown(id: i64) -> ApiError {
    ApiError::NotFound(format!("maintenance task {id}"))
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

async fn note(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<i64>,
    Form(given): Form<Note>,
) -> Result<Response, ApiError> {
    carry_out(&app, &staff, &v, id, Wish::Note(words(&given.text)?)).await
}

#[derive(Deserialize)]
struct Asked {
    act: String,
    #[serde(default)]
    text: String,
    /// User name of whoever takes it on; empty for nobody.
    #[serde(default)]
    to: String,
    #[serde(default)]
    until: String,
}

async fn act(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Path(id): Path<i64>,
    Form(given): Form<Asked>,
) -> Result<Response, ApiError> {
    let wish = match given.act.as_str() {
        "assign" => assignment(&app, given.to.trim()).await?,
        "snooze" => Wish::Snooze(until(&v, &given.until)?, words(&given.text)?),
        "close" => Wish::Close(words(&given.text)?),
        other => return Err(ApiError::field("act", other, "expected assign, snooze or close")),
    };
    carry_out(&app, &staff, &v, id, wish).await
}

async fn assignment(app: &App, to: &str) -> Result<Wish, ApiError> {
    if to.is_empty() {
        return Ok(Wish::Assign(None));
    }
    let id = tasks::staff_by_username(&mut *app.db.web.acquire().await?, to).await?;
    let id = id.ok_or_else(|| ApiError::field("to", to, "expected the user name of somebody who works here"))?;
    Ok(Wish::Assign(Some((id, to.to_owned()))))
}

/// A text that says something, within its bound.
fn words(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MOST_LETTERS {
        return Err(ApiError::field("text", text, format!("expected 1 to {MOST_LETTERS} letters")));
    }
    Ok(text.to_owned())
}

/// A local time in the future, up to a year.
fn until(v: &View, given: &str) -> Result<crate::clock::Instant, ApiError> {
    let expected = "expected a local time within the next year, such as 2026-03-01T08:00";
    let wrong = || ApiError::field("until", given, expected);
    let local = NaiveDateTime::parse_from_str(given, "%Y-%m-%dT%H:%M").map_err(|_| wrong())?;
    let at = local.and_local_timezone(v.tz).earliest().ok_or_else(wrong)?.to_utc();
    if at > v.now && at - v.now <= MOST_SNOOZE { Ok(at) } else { Err(wrong()) }
}

/// Act, history, audit and hint in one transaction.
async fn carry_out(app: &App, staff: &Staff, v: &View, id: i64, wish: Wish) -> Result<Response, ApiError> {
    let (act, reason) = match &wish {
        Wish::Note(text) => (Act::MaintenanceNote, text.as_str()),
        Wish::Assign(_) => (Act::MaintenanceAssign, ""),
        Wish::Snooze(_, text) => (Act::MaintenanceSnooze, text.as_str()),
        Wish::Close(text) => (Act::MaintenanceClose, text.as_str()),
    };
    let after = match &wish {
        Wish::Assign(to) => Some(serde_json::json!({ "assigned_to": to.as_ref().map(|(_, name)| name) })),
        Wish::Snooze(until, _) => Some(serde_json::json!({ "snoozed_until": until })),
        Wish::Note(_) | Wish::Close(_) => None,
    };
    let mut tx = app.db.web.begin().await?;
    tasks::find(&mut tx, id).await?.ok_or_else(|| unknown(id))?;
    if !tasks::act(&mut tx, v.now, id, &staff.username, &wish).await? {
        return Err(ApiError::Conflict(format!("maintenance task {id} is closed")));
    }
    let entry = Entry { after, ..Entry::new(act, "maintenance_task", id).because(reason) };
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    events::notify(&mut tx, &events::Event::Maintenance).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/maintenance/{id}")).into_response())
}
