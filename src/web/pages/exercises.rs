//! Exercises in the console: the month, the list, the editor, one exercise while it runs, and its report.

mod acts;
mod editor;
mod one;
mod report;

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{Datelike as _, LocalResult, NaiveDate, NaiveDateTime, TimeZone as _};
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::clock::Instant;
use crate::exercises::store::read::{self, Which};
use crate::exercises::{Exercise, ExerciseError, ExerciseState};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/exercises", get(list))
        .route("/console/exercises/new", get(editor::new).post(editor::create))
        .route("/console/exercises/{id}", get(one::show))
        .route("/console/exercises/{id}/edit", get(editor::edit).post(editor::save))
        .route("/console/exercises/{id}/act", post(acts::act))
        .route("/console/exercises/{id}/injects", post(acts::tick))
        .route("/console/exercises/{id}/participants", post(acts::people))
        .route("/console/exercises/{id}/alerts", post(acts::draft))
        .route("/console/exercises/{id}/report", get(report::show).post(report::write))
}

/// One day of the month that is shown.
struct Day {
    date: NaiveDate,
    /// False for the days of the months beside it.
    inside: bool,
    today: bool,
    exercises: Vec<Slot>,
}

/// An exercise on its day.
#[derive(Clone)]
struct Slot {
    id: crate::ids::ExerciseId,
    time: String,
    title: String,
    state: String,
}

#[derive(Template)]
#[template(path = "exercises.html")]
struct ListPage {
    f: Frame,
    /// "dezembro 2026"
    month: String,
    earlier: String,
    later: String,
    weeks: Vec<Vec<Day>>,
    rows: Vec<Exercise>,
    may_plan: bool,
}

impl ListPage {
    fn class(&self, exercise: &Exercise) -> &'static str {
        class(exercise.state)
    }

    /// Weekdays from Sunday, as calendars here begin.
    fn weekdays(&self) -> Vec<String> {
        ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].iter().map(|day| self.f.v.word("weekday", day)).collect()
    }

    /// Those that are still to come or under way, then the others, newest first.
    fn ordered(&self) -> Vec<&Exercise> {
        let (open, mut past): (Vec<&Exercise>, Vec<&Exercise>) =
            self.rows.iter().partition(|exercise| exercise.state.takes_people());
        past.reverse();
        open.into_iter().chain(past).collect()
    }
}

/// Class of the tag of a state.
pub fn class(state: ExerciseState) -> &'static str {
    match state {
        ExerciseState::Running => "bad",
        ExerciseState::Announced => "wait",
        ExerciseState::Finished | ExerciseState::Reported => "good",
        ExerciseState::Planned | ExerciseState::Cancelled => "",
    }
}

#[derive(Deserialize)]
struct Wanted {
    /// "2026-12"
    #[serde(default)]
    month: String,
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let today = v.now.with_timezone(&v.tz).date_naive();
    let asked = NaiveDate::parse_from_str(&format!("{}-01", wanted.month), "%Y-%m-%d").ok();
    // Years that no calendar of a town shows would overflow the arithmetic below.
    let first = asked.filter(|day| (1970..=2200).contains(&day.year())).unwrap_or(today);
    let first = first.with_day(1).unwrap_or(first);
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "exercises").await?;
    let rows = read::list(&mut conn, &Which::default()).await.map_err(ApiError::Internal)?;
    let beside = |months: i32| {
        let number = first.year() * 12 + first.month0().cast_signed() + months;
        format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1)
    };
    page(&ListPage {
        month: format!("{} {}", f.v.word("month", &first.month().to_string()), first.year()),
        earlier: beside(-1),
        later: beside(1),
        weeks: weeks(&f.v, first, today, &rows),
        may_plan: f.v.may(crate::accounts::Permission::DraftAlerts),
        rows,
        f,
    })
}

/// The weeks of a month, from Sunday to Saturday, with the exercises of each day.
fn weeks(v: &View, first: NaiveDate, today: NaiveDate, rows: &[Exercise]) -> Vec<Vec<Day>> {
    let mut by_day: BTreeMap<NaiveDate, Vec<Slot>> = BTreeMap::new();
    for row in rows {
        let at = row.begins_at();
        let (time, title) = (v.time(at), row.title.clone());
        let slot = Slot { id: row.id, time, title, state: v.word("exercise-state", row.state.as_str()) };
        by_day.entry(at.with_timezone(&v.tz).date_naive()).or_default().push(slot);
    }
    let start = first - chrono::TimeDelta::days(i64::from(first.weekday().num_days_from_sunday()));
    let days = (0..42).map(|offset| start + chrono::TimeDelta::days(offset));
    let days: Vec<Day> = days
        .map(|date| Day {
            date,
            inside: (date.year(), date.month()) == (first.year(), first.month()),
            today: date == today,
            exercises: by_day.get(&date).cloned().unwrap_or_default(),
        })
        .collect();
    let mut weeks = Vec::new();
    let mut left = days.into_iter().peekable();
    while left.peek().is_some() {
        let week: Vec<Day> = left.by_ref().take(7).collect();
        if week.iter().any(|day| day.inside) {
            weeks.push(week);
        }
    }
    weeks
}

/// A local time as `<input type=datetime-local>` gives it. An hour that the clocks repeat is taken at its first pass.
pub(super) fn local_instant(v: &View, text: &str) -> Option<Instant> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let naive = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())?;
    match v.tz.from_local_datetime(&naive) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => None,
    }
}

/// What went wrong, in the reader's words; what is nobody's to read goes on as it is.
fn told(v: &View, error: ExerciseError) -> Result<Vec<String>, ApiError> {
    match error {
        ExerciseError::Refused(key, _) => Ok(vec![v.t(key)]),
        ExerciseError::Stale { .. } => Ok(vec![v.t("exercise-no-stale")]),
        ExerciseError::Wrong(errors) => Ok(errors
            .iter()
            .map(|error| {
                let (field, number) = error.field.split_once(": ").unwrap_or((error.field.as_str(), ""));
                let field = field.split('[').next().unwrap_or(field);
                let line = if number.is_empty() { String::new() } else { format!(" {number}") };
                format!("{}{line}: {}", v.word("exercise-field", field), error.value)
            })
            .collect()),
        other => Err(other.into()),
    }
}
