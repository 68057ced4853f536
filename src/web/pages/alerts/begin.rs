//! The page that begins an alert from nothing: what it is about, and whether it is real. Places and texts follow in the editor.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::alerts::draft::{Drafter, Subject, statuses};
use crate::alerts::kind::AlertKind;
use crate::alerts::{store, trail};
use crate::app::App;
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// The levels that an alert can have, the worst first.
const LEVELS: [Level; 4] = [Level::Maximum, Level::Alert, Level::Attention, Level::Observation];

/// What the form brought.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    cobrade: String,
    level: String,
    status: String,
}

/// A hazard with its code and name.
type Named = (String, String);

#[derive(Template)]
#[template(path = "alert_new.html")]
struct BeginPage {
    f: Frame,
    given: Given,
    wrong: Vec<String>,
    /// Hazards that the town's areas are mapped for.
    at_home: Vec<Named>,
    others: Vec<Named>,
    levels: [Level; 4],
    statuses: Vec<AlertStatus>,
    /// How many test and system messages reach.
    testers: usize,
}

impl BeginPage {
    fn is(&self, one: &str, other: &str) -> bool {
        one == other
    }
}

async fn show(app: &App, v: View, given: Given, wrong: Vec<String>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mapped = store::hazards_of_areas(&mut conn).await?;
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    let mut all: Vec<Named> =
        Cobrade::all().map(|(code, _)| (code.to_string(), f.v.hazard(&code.to_string()))).collect();
    all.sort_by(|one, other| one.1.cmp(&other.1));
    let (at_home, others) = all.into_iter().partition(|(code, _)| mapped.contains(code));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let testers = app.config.exercises.testers.len();
    let statuses = statuses(app.config.alerts.status);
    let shown = page(&BeginPage { f, given, wrong, at_home, others, levels: LEVELS, statuses, testers })?;
    Ok((status, shown).into_response())
}

/// The empty form; the service's own status is chosen, and nothing else.
pub async fn open(State(app): State<App>, _: May<can::DraftAlerts>, v: View) -> Result<Response, ApiError> {
    let given = Given { status: app.config.alerts.status.as_str().into(), ..Given::default() };
    show(&app, v, given, Vec::new()).await
}

/// Writes the draft and leads on to where it holds.
pub async fn begin(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let cobrade = given.cobrade.parse::<Cobrade>().ok();
    let level = given.level.parse::<Level>().ok().filter(|level| LEVELS.contains(level));
    let own = app.config.alerts.status;
    let status = given.status.parse::<AlertStatus>().ok().filter(|status| statuses(own).contains(status));
    let (Some(cobrade), Some(level), Some(status)) = (cobrade, level, status) else {
        let asked = [
            (cobrade.is_none(), "begin-no-hazard"),
            (level.is_none(), "begin-no-level"),
            (status.is_none(), "begin-no-status"),
        ];
        let wrong = asked.into_iter().filter(|(missing, _)| *missing).map(|(_, key)| v.t(key)).collect();
        return show(&app, v, given, wrong).await;
    };
    let subject = Subject {
        kind: AlertKind::Alert,
        cobrade,
        level,
        areas: &[],
        references: None,
        status,
        rule: None,
        reasons: &[],
    };
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let mut tx = app.db.web.begin().await?;
    let (id, is_new) = drafter.begin(&mut tx, (v.now, &staff.username), &subject).await?;
    if is_new {
        trail::drafted(&mut tx, &app.ids, v.now, &staff.actor(), id, "").await?;
    }
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{id}/places?done=begun")).into_response())
}
