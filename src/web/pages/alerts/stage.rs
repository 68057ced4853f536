//! A draft is submitted, given back, and seen by whoever was paged for it.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use super::acts::{self, Written};
use crate::alerts::escalation::store::{self as escalations, Linked, Seen};
use crate::alerts::escalation::{How, token};
use crate::alerts::issue::Issuer;
use crate::alerts::state::AlertError;
use crate::app::App;
use crate::audit::{Actor, ActorKind, Via};
use crate::ids::AlertId;
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::client::ClientAddress;
use crate::web::error::ApiError;
use crate::web::pages::page;
use crate::web::pages::reset::gone;
use crate::web::pages::view::{View, lasting};

/// The door for those who were paged.
pub fn routes() -> Router<App> {
    Router::new().route("/p/{token}", get(asked).post(answered))
}

/// Saves what is on the screen and submits exactly that, or nothing.
pub async fn submit(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<Uuid>,
    Form(written): Form<Written>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let mut tx = app.db.web.begin().await?;
    let submitted = async {
        let revision = acts::save_changes(&mut tx, &app, &v, &staff, id, &written).await?;
        let issuer = Issuer::of(&app);
        issuer.submit(&mut tx, v.now, &staff.actor(), id, revision).await
    };
    match submitted.await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/alerts/{id}?done=submitted")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            acts::again(&app, v, id, error, &written).await
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Returned {
    revision: i32,
    reason: String,
}

pub async fn send_back(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Returned>,
) -> Result<Response, ApiError> {
    let issuer = Issuer::of(&app);
    let mut tx = app.db.web.begin().await?;
    issuer.send_back(&mut tx, v.now, &staff.actor(), (AlertId(id), given.revision), &given.reason).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{id}?done=returned")).into_response())
}

pub async fn acknowledge(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let by = (&staff.actor(), staff.id);
    match escalations::acknowledge(&mut tx, &app.ids, v.now, by, Seen::Alert(AlertId(id)), How::Page).await {
        Ok(_) => tx.commit().await?,
        // Decided meanwhile: the page says by whom.
        Err(AlertError::Refused(_)) => tx.rollback().await?,
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to(&format!("/console/alerts/{id}?done=acknowledged")).into_response())
}

#[derive(Template)]
#[template(path = "page_answer.html")]
struct AnswerPage {
    v: View,
    id: AlertId,
    token: String,
    name: String,
    level: Level,
    status: String,
    headline: String,
    cobrade: String,
    areas: String,
    line: String,
    /// It waits beyond its deadline, or for long.
    loud: bool,
    may_answer: bool,
}

/// What the link in a page shows. Looking acknowledges nothing: programs that check links look at them too.
async fn asked(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    match holder(&mut conn, &app, &token).await? {
        Some(linked) => answer_page(&mut conn, v, linked, token).await,
        None => gone(v, "page-link-gone"),
    }
}

async fn answered(
    State(app): State<App>,
    axum::Extension(address): axum::Extension<ClientAddress>,
    v: View,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let Some(linked) = holder(&mut tx, &app, &token).await? else { return gone(v, "page-link-gone") };
    let by = Actor {
        kind: ActorKind::Staff,
        name: linked.username.clone(),
        id: Some(linked.person.0),
        via: Via::Public,
        address: address.0,
    };
    // The wait that the message was about: what waits anew has not been seen by whoever presses an old link.
    let seen = Seen::Wait(linked.wait);
    match escalations::acknowledge(&mut tx, &app.ids, v.now, (&by, linked.person), seen, How::Link).await {
        Ok(_) => tx.commit().await?,
        Err(AlertError::Refused(_)) => tx.rollback().await?,
        Err(error) => return Err(error.into()),
    }
    let mut conn = app.db.web.acquire().await?;
    match holder(&mut conn, &app, &token).await? {
        Some(linked) => answer_page(&mut conn, v, linked, token).await,
        None => gone(v, "page-link-gone"),
    }
}

/// Whose link it is; nobody's when it was never signed here, or its owner was shut out.
async fn holder(conn: &mut sqlx::PgConnection, app: &App, token: &str) -> Result<Option<Linked>, ApiError> {
    let Some(page) = token::LINK.check(&app.keys.service, token) else { return Ok(None) };
    Ok(escalations::linked(conn, page).await?.filter(|linked| linked.is_active))
}

async fn answer_page(
    conn: &mut sqlx::PgConnection,
    v: View,
    linked: Linked,
    token: String,
) -> Result<Response, ApiError> {
    let alert = super::load(conn, linked.alert).await?;
    let row = &alert.row;
    let is_seen = linked.acknowledged_at.is_some();
    let line = match (&linked.acknowledged_by, linked.acknowledged_at) {
        _ if !linked.is_open => v.t1("page-answer-over", "state", v.word("state", &row.state)),
        (Some(by), Some(at)) => v.t2("wait-seen", "who", by, "at", v.when(at)),
        _ => v.t1("wait-open", "time", lasting(v.now - linked.since)),
    };
    let areas: Vec<String> = alert.areas.iter().map(|area| area.name.clone()).collect();
    page(&AnswerPage {
        id: row.id,
        token,
        name: linked.name,
        level: super::level(&row.level),
        status: row.status.clone(),
        headline: row.headline.clone(),
        cobrade: row.cobrade.clone(),
        areas: crate::web::pages::now::names(&v, &areas, 4),
        line,
        loud: linked.is_open && !is_seen,
        may_answer: linked.is_open && !is_seen,
        v,
    })
}
