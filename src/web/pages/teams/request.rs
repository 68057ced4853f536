//! A request for resources: made, seen with who could be sent and what speaks against each, given, closed.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use super::{Done, Fields, refused};
use crate::accounts::Permission;
use crate::app::App;
use crate::deployments::store::{self, Asked, Which};
use crate::deployments::{Deployment, NewRequest, Request, desk};
use crate::refused::Refused;
use crate::reports::acts::By;
use crate::reports::take::Desk;
use crate::resources::fit::Conflict;
use crate::resources::{Resource, Skill};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/requests/new", get(new).post(make))
        .route("/console/requests/{id}", get(show).post(act))
}

/// For what it is asked.
#[derive(Clone, Debug, Default, Deserialize)]
struct For {
    incident: Option<Uuid>,
    occurrence: Option<Uuid>,
}

/// What the form shows.
#[derive(Default)]
struct Typed {
    kind: String,
    typing: String,
    wanted: String,
    task: String,
    skills: Vec<Skill>,
}

impl Typed {
    fn has(&self, skill: &Skill) -> bool {
        self.skills.contains(skill)
    }
}

#[derive(Template)]
#[template(path = "request_new.html")]
struct NewPage {
    f: Frame,
    incident: Option<Uuid>,
    occurrence: Option<Uuid>,
    form: Typed,
    wrong: String,
}

async fn new_page(app: &App, v: View, to: For, (form, wrong): (Typed, String)) -> Result<Response, ApiError> {
    if to.incident.is_none() && to.occurrence.is_none() {
        return Err(ApiError::field("incident", "", "expected an incident or an occurrence"));
    }
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "teams").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = NewPage { f, incident: to.incident, occurrence: to.occurrence, form, wrong };
    Ok((status, page(&shown)?).into_response())
}

async fn new(
    State(app): State<App>,
    _: May<can::ReportField>,
    v: View,
    Query(to): Query<For>,
) -> Result<Response, ApiError> {
    new_page(&app, v, to, (Typed { wanted: "1".into(), ..Typed::default() }, String::new())).await
}

async fn make(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let new = NewRequest {
            incident: fields.maybe("incident")?,
            occurrence: fields.maybe("occurrence")?,
            kind: fields.parsed("kind")?,
            typing: fields.maybe("typing")?,
            wanted: fields.parsed("wanted")?,
            skills: fields.all("skills")?,
            task: fields.one("task").to_owned(),
        };
        desk::request(&mut tx, by, &new).await
    };
    match done.await {
        Ok(id) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/requests/{id}?done=asked")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            let text = |name: &str| fields.one(name).to_owned();
            let form = Typed {
                kind: text("kind"),
                typing: text("typing"),
                wanted: text("wanted"),
                task: text("task"),
                skills: fields.all("skills").unwrap_or_default(),
            };
            let to = For {
                incident: fields.maybe("incident").unwrap_or_default(),
                occurrence: fields.maybe("occurrence").unwrap_or_default(),
            };
            new_page(&app, v, to, (form, wrong)).await
        }
    }
}

/// What speaks against somebody, in words.
pub fn against(v: &View, conflict: &Conflict) -> String {
    let key = format!("fit-{}", conflict.word().replace('_', "-"));
    match conflict {
        Conflict::Booked { who, request, drill } => {
            v.t2(if *drill { "fit-booked-drill" } else { &key }, "who", who, "request", request)
        }
        Conflict::Maintenance { who, reason } => v.t2(&key, "who", who, "reason", reason),
        Conflict::Retired { who } => v.t1(&key, "who", who),
        Conflict::OffShift { who, next: Some(next) } => v.t2("fit-off-shift-next", "who", who, "at", v.when(*next)),
        Conflict::OffShift { who, next: None } => v.t1(&key, "who", who),
        Conflict::MissingSkill { skill, alone } => {
            let key = if *alone { "fit-missing-skill-alone" } else { &key };
            v.t1(key, "skill", v.word("resource-skill", skill.as_str()))
        }
        Conflict::InTeam { team } => v.t1(&key, "team", team),
        Conflict::LessAble { asked, .. } => v.t1(&key, "n", asked),
        Conflict::EmptyTeam | Conflict::NoLeader => v.t(&key),
    }
}

/// Somebody who could be sent.
struct Candidate {
    r: Resource,
    against: Vec<String>,
    /// Not whatever is said.
    never: bool,
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    f: Frame,
    q: Request,
    sent: Vec<Deployment>,
    candidates: Vec<Candidate>,
    /// The reason that was typed, and for whom.
    typed: (String, String),
    may_run: bool,
    wrong: String,
    done: String,
}

impl RequestPage {
    fn reason_for(&self, id: &Uuid) -> &str {
        if self.typed.0 == id.to_string() { &self.typed.1 } else { "" }
    }
}

async fn request_page(
    app: &App,
    v: View,
    id: Uuid,
    typed: (String, String),
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::requests(&mut conn, Asked { id: Some(id), ..Asked::default() }).await?.pop();
    let q = found.ok_or_else(|| ApiError::NotFound(v.t("teams-request")))?;
    let sent = store::list(&mut conn, Which { request: Some(id), ..Which::default() }).await?;
    let may_run = v.may(Permission::RunIncidents);
    let mut candidates = Vec::new();
    if may_run && q.is_open() && !q.is_over() && q.missing() > 0 {
        for (r, conflicts) in desk::candidates(&mut conn, &q, v.now).await? {
            let never = conflicts.iter().any(|one| !one.can_be_overruled());
            let against = conflicts.iter().map(|one| against(&v, one)).collect();
            candidates.push(Candidate { r, against, never });
        }
    }
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "teams").await?;
    let shown = RequestPage { f, q, sent, candidates, typed, may_run, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    let done = done.said(&v);
    request_page(&app, v, id, Default::default(), (String::new(), done)).await
}

async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        match fields.one("act") {
            "assign" => {
                let resource: Uuid = fields.parsed("resource")?;
                let told = (fields.one("reason"), &*app.config.public_url());
                desk::assign(&mut tx, by, (id, resource), told).await.map(|_| "sent")
            }
            "close" => desk::close(&mut tx, by, id, fields.one("reason")).await.map(|()| "closed"),
            other => Err(Refused::wrong("act", other, "expected assign or close")),
        }
    };
    match done.await {
        Ok(word) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/requests/{id}?done={word}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            let typed = (fields.one("resource").to_owned(), fields.one("reason").to_owned());
            request_page(&app, v, id, typed, (wrong, String::new())).await
        }
    }
}
