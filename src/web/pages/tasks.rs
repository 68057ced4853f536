//! `/console/incidents/{id}/tasks`: what the contingency plan makes people do in an incident, and how far they are; and the part of the
//! incident's own page that says so in short.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::plans::{told, whose};
use super::view::{Markup, View};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::ids::{IncidentId, StaffId};
use crate::incidents::store::{self as incidents, Incident};
use crate::plancon::activation::{self, ByHand, Tools};
use crate::plancon::store::activations::{self, Activation};
use crate::plancon::store::plans;
use crate::plancon::store::tasks::{self as store, Task};
use crate::plancon::tasks::{Facts, Progress, progress, waiting};
use crate::plancon::{PlanError, hands};
use crate::refused::Refused;
use crate::rota::read::Person;
use crate::units::Level;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/incidents/{id}/tasks", get(show))
        .route("/console/incidents/{id}/tasks/{task}", post(act))
        .route("/console/incidents/{id}/plans", post(plan))
}

/// The tasks of one incident with everything that is computed of them.
struct Work {
    activations: Vec<Activation>,
    tasks: Vec<Task>,
    progress: Progress,
    /// Titles of what a task waits for.
    waits: BTreeMap<Uuid, Vec<String>>,
}

async fn work(conn: &mut PgConnection, id: IncidentId, now: Instant) -> sqlx::Result<Work> {
    let activations = activations::list(&mut *conn, id).await?;
    let tasks = store::list(conn, id).await?;
    let facts: Vec<Facts> = tasks.iter().map(Task::facts).collect();
    let title = |activation: Uuid, code: &String| {
        let found = tasks.iter().find(|task| task.activation == activation && task.code == *code);
        found.map_or_else(|| code.clone(), |task| task.title.clone())
    };
    let of = |facts: &Facts, codes: &[String]| codes.iter().map(|code| title(facts.activation, code)).collect();
    let named = waiting(&facts);
    let waits = facts.iter().filter_map(|facts| Some((facts.id, of(facts, named.get(&facts.id)?)))).collect();
    let progress = progress(&facts, now);
    Ok(Work { activations, tasks, progress, waits })
}

#[derive(Template)]
#[template(path = "tasks_card.html")]
struct Card<'a> {
    v: &'a View,
    id: IncidentId,
    work: Work,
    late: Vec<Task>,
}

/// The part of an incident's page that tells of its plan.
///
/// # Errors
/// What the database says, and what the template does.
pub async fn card(conn: &mut PgConnection, v: &View, id: IncidentId) -> Result<Markup, ApiError> {
    let work = work(conn, id, v.now).await?;
    let late = work.tasks.iter().filter(|task| task.is_late(v.now)).take(5).cloned().collect();
    let html = Card { v, id, work, late }.render().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(Markup(html))
}

/// A scenario that can be activated.
struct Choice {
    plan: String,
    scenario: String,
    title: String,
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    f: Frame,
    i: Incident,
    work: Work,
    choices: Vec<Choice>,
    people: Vec<Person>,
    me: Option<StaffId>,
    wrong: String,
    errors: Vec<FieldError>,
    may_act: bool,
    may_run: bool,
}

/// Tasks of a kind, under one heading.
struct Group<'a> {
    key: &'static str,
    tasks: Vec<&'a Task>,
}

impl TasksPage {
    /// Late first, then what is one's own, then the other open ones, then what is closed; each task once.
    fn groups(&self) -> Vec<Group<'_>> {
        let now = self.f.v.now;
        let rank = |task: &Task| {
            if !task.is_open() {
                3
            } else if task.is_late(now) {
                0
            } else if self.has_mine(task) {
                1
            } else {
                2
            }
        };
        let keys = ["tasks-late", "tasks-mine", "tasks-open", "tasks-closed"];
        let of = |(at, key): (usize, &'static str)| Group {
            key,
            tasks: self.work.tasks.iter().filter(|task| rank(task) == at).collect(),
        };
        keys.into_iter().enumerate().map(of).filter(|group| !group.tasks.is_empty()).collect()
    }

    fn who(&self, task: &Task) -> String {
        whose(&self.f.v, task.role.as_deref(), task.rota.as_deref())
    }

    fn scenario(&self, task: &Task) -> String {
        let found = self.work.activations.iter().find(|one| one.id == task.activation);
        found.map(|one| one.title.clone()).unwrap_or_default()
    }

    fn waits(&self, task: &Task) -> String {
        self.work.waits.get(&task.id).map(|titles| titles.join("; ")).unwrap_or_default()
    }

    fn has_mine(&self, task: &Task) -> bool {
        self.me.is_some() && task.assignee == self.me
    }

    /// How much of it is over, in hundredths.
    fn share(&self) -> usize {
        (self.work.progress.closed() * 100).checked_div(self.work.progress.total).unwrap_or(0)
    }

    fn is_late(&self, task: &Task) -> bool {
        task.is_late(self.f.v.now)
    }

    fn note(&self, task: &Task) -> String {
        reason(&self.f.v, &task.note)
    }

    fn ended(&self, one: &Activation) -> String {
        reason(&self.f.v, &one.end_reason)
    }

    fn is_drill(&self) -> bool {
        self.work.activations.iter().any(|one| one.drill)
    }
}

/// What a person wrote; the database has one word of its own.
fn reason(v: &View, text: &str) -> String {
    if text == "incident_closed" { v.t("tasks-incident-closed") } else { text.to_owned() }
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    tasks_page(&app, v, IncidentId(id), (String::new(), Vec::new())).await
}

async fn tasks_page(
    app: &App,
    v: View,
    id: IncidentId,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let i = incidents::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))?;
    let work = work(&mut conn, id, v.now).await?;
    let mut choices = Vec::new();
    for (version, plan) in plans::in_force(&mut conn).await? {
        choices.extend(plan.scenarios.into_iter().map(|scenario| Choice {
            plan: version.code.clone(),
            scenario: scenario.code,
            title: scenario.title,
        }));
    }
    let people = crate::rota::store::people(&mut conn).await?;
    let is_open = i.state == "open";
    let (may_act, may_run) = (is_open && v.may(Permission::ReportField), is_open && v.may(Permission::RunIncidents));
    let me = v.staff.as_ref().map(|staff| staff.id);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "incidents").await?;
    let shown = TasksPage { f, i, work, choices, people, me, wrong, errors, may_act, may_run };
    Ok((status, page(&shown)?).into_response())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    act: String,
    revision: i32,
    note: String,
    to: String,
}

async fn act(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path((id, task)): Path<(Uuid, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    may_do(&staff, &given.act)?;
    let may_run = staff.permissions.allow(Permission::RunIncidents);
    let asked = hands::Asked { act: given.act, revision: given.revision, note: given.note, to: given.to };
    let mut tx = app.db.web.begin().await?;
    match hands::act(&mut tx, by, (id, task), &asked, may_run).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/incidents/{id}/tasks#t-{task}")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error).await
        }
    }
}

/// To leave a task out is a decision in the incident; the rest is work.
///
/// # Errors
/// `Forbidden`.
pub fn may_do(staff: &Staff, act: &str) -> Result<(), ApiError> {
    if act == "not_needed" { staff.require(Permission::RunIncidents) } else { Ok(()) }
}

async fn again(app: &App, v: View, id: IncidentId, error: PlanError) -> Result<Response, ApiError> {
    let why = match error {
        PlanError::Refused(Refused::Conflict(ref said)) if said.contains("is not asked to") => {
            (v.t("tasks-no-state"), Vec::new())
        }
        PlanError::Refused(Refused::Conflict(ref said)) if said.contains("incident is closed") => {
            (v.t("incident-closed-already"), Vec::new())
        }
        PlanError::Refused(Refused::Conflict(ref said)) if said.contains("has ended") => {
            (v.t("tasks-no-plan"), Vec::new())
        }
        PlanError::Refused(Refused::Forbidden(ref said)) if said.contains("somebody else's") => {
            (v.t("tasks-not-yours"), Vec::new())
        }
        PlanError::Refused(Refused::Forbidden(ref said)) if said.contains("not needed") => {
            (v.t("tasks-not-your-decision"), Vec::new())
        }
        other => told(&v, other)?,
    };
    tasks_page(app, v, id, why).await
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    act: String,
    /// `plan/scenario`
    what: String,
    level: String,
    reason: String,
    activation: Uuid,
}

async fn plan(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = match wanted.act.as_str() {
        "activate" => {
            let (plan, scenario) = wanted.what.split_once('/').unwrap_or_default();
            let (plan, scenario) = (plan.to_owned(), scenario.to_owned());
            let hand = ByHand { plan, scenario, level: wanted.level.clone(), reason: wanted.reason.clone() };
            let tools = Tools { config: &app.config, ids: &app.ids };
            activation::by_hand(&mut tx, tools, by, id, &hand).await.map(drop)
        }
        "end" => activation::end(&mut tx, by, id, wanted.activation, &wanted.reason).await,
        other => Err(Refused::wrong("act", other, "expected activate or end").into()),
    };
    match done {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/incidents/{id}/tasks")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error).await
        }
    }
}

/// Levels that a plan can be activated at.
pub const LEVELS: [Level; 4] = [Level::Observation, Level::Attention, Level::Alert, Level::Maximum];
