//! Incidents: what happened, in order, by whom.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

mod one;
mod timeline;

use super::frame::Frame;
use super::page;
use super::reports::acts as occurrence_acts;
use super::view::View;
use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::ending::{self, CloseError};
use crate::incidents::store::{self, Incident};
use crate::occurrences::desk;
use crate::reports::store::queue;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/incidents", get(list))
        .route("/console/incidents/{id}", get(one::show))
        .route("/console/incidents/{id}/note", post(one::note))
        .route("/console/incidents/{id}/close", post(close))
        .route("/console/incidents/{id}/attach", post(attach))
        .merge(super::photographs::routes())
}

/// Incidents that the list shows.
const MOST: i64 = 200;

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage {
    f: Frame,
    rows: Vec<Incident>,
}

impl IncidentsPage {
    /// Whether there may be more than are shown.
    fn is_cut(&self) -> bool {
        i64::try_from(self.rows.len()).is_ok_and(|shown| shown >= MOST)
    }
}

async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "incidents").await?;
    let rows = store::list(&mut conn, MOST).await?;
    page(&IncidentsPage { f, rows })
}

#[derive(Deserialize)]
struct Words {
    text: String,
}

impl Words {
    fn checked(&self) -> Result<&str, ApiError> {
        let text = self.text.trim();
        let length = text.chars().count();
        if (1..=2000).contains(&length) {
            Ok(text)
        } else {
            Err(ApiError::field("text", text, "expected 1 to 2000 characters"))
        }
    }
}

async fn close(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(words): Form<Words>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let mut tx = app.db.web.begin().await?;
    let reason = words.checked()?;
    let closed = ending::close(&mut tx, (&app.ids, v.now), &staff.actor(), id, reason).await;
    closed.map_err(|error| match error {
        CloseError::Closed(_) => ApiError::Conflict(v.t("incident-closed-already")),
        CloseError::Deployed(names) => ApiError::Conflict(v.t1("teams-close-incident", "names", names.join(", "))),
        CloseError::Sheltering(names) => ApiError::Conflict(v.t1("incident-close-shelters", "names", names.join(", "))),
        other => other.into(),
    })?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}

#[derive(Deserialize)]
struct Joining {
    /// Number of the occurrence.
    occurrence: String,
}

/// Puts an occurrence under this incident.
async fn attach(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Joining>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let number = given.occurrence.trim();
    let occurrence = queue::by_number(&mut tx, number).await?;
    let occurrence =
        occurrence.ok_or_else(|| ApiError::field("occurrence", number, v.t("occurrence-unknown-number")))?;
    let actor = staff.actor();
    let by = occurrence_acts::by(&app, &v, &actor);
    let done = desk::attach(&mut tx, by, occurrence, IncidentId(id), ("", v.status)).await;
    done.map_err(|error| occurrence_acts::refused(&v, error))?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}
