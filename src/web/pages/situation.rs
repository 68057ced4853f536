//! Situation reports of an incident, what is looked back on after it, and what residents read of the reports.

mod after;
mod public;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::store::{self as incidents, Incident};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::situation::store::{self, Edit};
use crate::situation::{Approver, Report, desk};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/incidents/{id}/situation", get(list).post(draft))
        .route("/console/incidents/{id}/after", get(after::show).post(after::act))
        .route("/console/situation/{id}", get(show).post(act))
        .route("/situacao", get(public::list))
        .route("/situacao/{id}", get(public::show))
}

/// Sentences of the desk by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 5] = [
    ("incident is closed", "incident-closed-already"),
    ("a draft of this incident waits", "sitrep-no-draft-waits"),
    ("stands as it is", "sitrep-no-approved"),
    ("changed meanwhile", "plan-no-stale"),
    ("lessons already", "plan-no-more"),
];

/// What went wrong: a sentence, or every field.
fn told(v: &View, error: PlanError) -> Result<(String, Vec<FieldError>), ApiError> {
    if let PlanError::Refused(Refused::Conflict(why)) = &error
        && let Some((_, key)) = KNOWN.iter().find(|(part, _)| why.contains(part))
    {
        return Ok((v.t(key), Vec::new()));
    }
    if matches!(&error, PlanError::Refused(Refused::Forbidden(_))) {
        return Ok((v.t("sitrep-no-author"), Vec::new()));
    }
    super::plans::told(v, error)
}

async fn incident(conn: &mut sqlx::PgConnection, id: IncidentId) -> Result<Incident, ApiError> {
    incidents::load(conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))
}

#[derive(Template)]
#[template(path = "sitreps.html")]
struct ListPage {
    f: Frame,
    i: Incident,
    rows: Vec<Report>,
    every_h: u32,
    wrong: String,
    may_write: bool,
}

async fn list(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    list_page(&app, v, IncidentId(id), String::new()).await
}

async fn list_page(app: &App, v: View, id: IncidentId, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let i = incident(&mut conn, id).await?;
    let rows = store::list(&mut conn, Some(id), None).await?;
    let may_write = i.state == "open" && v.may(Permission::RunIncidents) && !rows.first().is_some_and(Report::is_draft);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let f = Frame::load(&mut conn, app, v, "incidents").await?;
    let every_h = app.config.situation.draft_every_h;
    Ok((status, page(&ListPage { f, i, rows, every_h, wrong, may_write })?).into_response())
}

async fn draft(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match desk::draft(&mut tx, by, IncidentId(id)).await {
        Ok(report) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/situation/{report}")).into_response())
        }
        Err(refused) => {
            tx.rollback().await?;
            let (wrong, _) = told(&v, refused.into())?;
            list_page(&app, v, IncidentId(id), wrong).await
        }
    }
}

#[derive(Template)]
#[template(path = "sitrep.html")]
struct ReportPage {
    f: Frame,
    r: Report,
    wrong: String,
    errors: Vec<FieldError>,
    may_write: bool,
    approver: Approver,
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    report_page(&app, v, id, None, (String::new(), Vec::new())).await
}

/// The report, with the words that could not be kept where there are some.
async fn report_page(
    app: &App,
    v: View,
    id: Uuid,
    given: Option<Given>,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::list(&mut conn, None, Some(id)).await?.pop();
    let mut r = found.ok_or_else(|| ApiError::NotFound(format!("situation report {id}")))?;
    if let Some(given) = given.filter(|_| r.is_draft()) {
        (r.situation, r.actions, r.needs, r.public_text) =
            (given.situation, given.actions, given.needs, given.public_text);
    }
    let may_write = r.is_draft() && v.may(Permission::RunIncidents);
    let me = v.staff.as_ref().map(|staff| staff.id);
    let approver = crate::situation::approver(me, &r.authors, &desk::holders(&mut conn).await?);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "incidents").await?;
    Ok((status, page(&ReportPage { f, r, wrong, errors, may_write, approver })?).into_response())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    act: String,
    revision: i32,
    situation: String,
    actions: String,
    needs: String,
    public_text: String,
}

/// What stands in the form is kept first, in the same transaction: whoever changes it and approves has written it.
async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let edit = Edit {
        revision: given.revision,
        situation: given.situation.clone(),
        actions: given.actions.clone(),
        needs: given.needs.clone(),
        public_text: given.public_text.clone(),
    };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let revision = desk::edit(&mut tx, by, id, &edit).await?;
        match given.act.as_str() {
            "save" => {}
            "refresh" => desk::refresh(&mut tx, by, id, revision).await?,
            "approve" => desk::approve(&mut tx, by, id, revision).await?,
            other => return Err(Refused::wrong("act", other, "expected save, refresh or approve").into()),
        }
        tx.commit().await?;
        Ok::<(), PlanError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/console/situation/{id}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            report_page(&app, v, id, Some(given), why).await
        }
    }
}
