//! Photographs on the page of an incident: sent by a form that works without JavaScript, shown, and removed after a question.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::view::View;
use super::{error_page, page};
use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::photographs::{self, Photograph, PhotographError, store};
use crate::web::api::imports::Query;
use crate::web::api::incidents::photographs::{SizeQuery, file, is_open};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::upload;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/incidents/{id}/photographs", post(add))
        .route("/console/incidents/{id}/photographs/{photograph}", get(show))
        .route("/console/incidents/{id}/photographs/{photograph}/remove", get(ask).post(remove))
}

/// The same refusals as the API's, in the reader's words where people cause them.
fn told(v: &View, error: PhotographError) -> ApiError {
    match error {
        PhotographError::Closed(_) => ApiError::Conflict(v.t("incident-closed-already")),
        PhotographError::Full => ApiError::Conflict(v.t("photographs-full")),
        PhotographError::Gone => ApiError::Conflict(v.t("photograph-gone-already")),
        other => other.into(),
    }
}

async fn add(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    if let Err(error) = is_open(&app, id).await {
        upload::pass_over(&app, request).await;
        return Err(told(&v, error));
    }
    let form = match upload::read(&app, request).await {
        Ok(form) => form,
        Err(wrong) => {
            let words = wrong.words(v.lang);
            return Ok(error_page(v, wrong.status(), words));
        }
    };
    let mut tx = app.db.web.begin().await?;
    photographs::attach(&mut tx, &app.ids, app.clock.now(), &staff.actor(), id, &form.caption, &form.pictures)
        .await
        .map_err(|error| told(&v, error))?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}

async fn show(
    State(app): State<App>,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
    Query(query): Query<SizeQuery>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    file(&mut conn, IncidentId(id), photograph, query.size).await
}

#[derive(Template)]
#[template(path = "photograph_remove.html")]
struct RemovePage {
    f: Frame,
    incident: IncidentId,
    p: Photograph,
}

async fn ask(
    State(app): State<App>,
    _staff: May<can::RunIncidents>,
    v: View,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    let incident = IncidentId(id);
    let mut conn = app.db.web.acquire().await?;
    let p = store::find(&mut conn, incident, photograph).await?.ok_or(PhotographError::NotFound)?;
    if p.removed_at.is_some() {
        return Err(told(&v, PhotographError::Gone));
    }
    let f = Frame::load(&mut conn, &app, v, "incidents").await?;
    page(&RemovePage { f, incident, p })
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

async fn remove(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
    Form(given): Form<Reason>,
) -> Result<Response, ApiError> {
    let reason = given.reason.trim();
    if !(1..=2000).contains(&reason.chars().count()) {
        return Err(ApiError::field("reason", reason, "expected 1 to 2000 characters"));
    }
    let mut tx = app.db.web.begin().await?;
    photographs::remove(&mut tx, &app.ids, app.clock.now(), &staff.actor(), (IncidentId(id), photograph), reason)
        .await
        .map_err(|error| told(&v, error))?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}
