//! One exercise: what is planned, who takes part, what is due now, its alerts.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::accounts::Permission;
use crate::app::App;
use crate::exercises::store::read::{self, AlertLine};
use crate::exercises::{Exercise, ExerciseError, ExerciseState, Inject, Participant, schedule};
use crate::fleet::label;
use crate::ids::ExerciseId;
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

#[derive(Template)]
#[template(path = "exercise.html")]
struct ExercisePage {
    f: Frame,
    e: Exercise,
    injects: Vec<Inject>,
    participants: Vec<Participant>,
    counts: Vec<(String, i64)>,
    alerts: Vec<AlertLine>,
    /// Whole minutes since the start, while it runs.
    minute: Option<i64>,
    /// The reader's own place on the list, when they have not said yet that the message came.
    mine: Option<i64>,
    link: String,
    qr: Markup,
    good: String,
    bad: Vec<String>,
    may: bool,
}

impl ExercisePage {
    fn class(&self) -> &'static str {
        super::class(self.e.state)
    }

    /// Whether it stands in one of these states, named with spaces between.
    fn is(&self, states: impl AsRef<str>) -> bool {
        states.as_ref().split(' ').any(|state| state == self.e.state.as_str())
    }

    /// done, due or waiting.
    fn due(&self, inject: &Inject) -> &'static str {
        match (inject.done_at.is_some(), self.minute) {
            (true, _) => "done",
            (false, Some(minute)) if minute >= i64::from(inject.at_min) => "due",
            _ => "waiting",
        }
    }

    /// Levels that an exercise may be about.
    fn levels(&self) -> [Level; 4] {
        [Level::Maximum, Level::Alert, Level::Attention, Level::Observation]
    }

    /// Residents are counted; their names are read on the page of residents.
    fn named(&self) -> impl Iterator<Item = &Participant> {
        self.participants.iter().filter(|one| one.left_at.is_none())
    }

    fn clock(&self, inject: &Inject) -> String {
        let from = self.e.started_at.unwrap_or(self.e.starts_at);
        self.f.v.time(from + chrono::TimeDelta::minutes(i64::from(inject.at_min)))
    }
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    done: String,
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Query(shown): Query<Shown>,
) -> Result<Response, ApiError> {
    let known = ["planned", "saved", "announced", "started", "finished", "reported", "cancelled", "done"];
    let good = known.iter().find(|word| **word == shown.done).map(|word| v.word("exercise-done", word));
    let mut conn = app.db.web.acquire().await?;
    render(&mut conn, &app, v, ExerciseId(id), good.unwrap_or_default(), Vec::new()).await
}

pub async fn render(
    conn: &mut PgConnection,
    app: &App,
    v: View,
    id: ExerciseId,
    good: String,
    bad: Vec<String>,
) -> Result<Response, ApiError> {
    let e = read::load(&mut *conn, id).await.map_err(ApiError::Internal)?.ok_or(ExerciseError::NotFound)?;
    let participants = read::participants(&mut *conn, id, v.may(Permission::SeeResidents)).await?;
    let reader = v.staff.as_ref().map(|staff| staff.id);
    let mine = participants.iter().find(|one| {
        one.staff_id.is_some() && one.staff_id == reader && one.left_at.is_none() && one.acknowledged_at.is_none()
    });
    let running = e.started_at.filter(|_| e.state == ExerciseState::Running);
    let link = format!("{}/simulados/{}", app.config.public_url(), e.code);
    page(&ExercisePage {
        injects: read::injects(&mut *conn, id).await?,
        counts: read::counts(&mut *conn, id).await?,
        alerts: read::alerts(&mut *conn, id).await?,
        minute: running.map(|from| schedule::minute(from, v.now)),
        mine: mine.filter(|_| running.is_some()).map(|one| one.id),
        qr: Markup(label::picture(&link)),
        link,
        may: v.may(Permission::DraftAlerts),
        f: Frame::load(conn, app, v, "exercises").await?,
        participants,
        e,
        good,
        bad,
    })
}
