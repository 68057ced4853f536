//! `/console/residents`: what was sent to one resident, when, by whom, and why not. Every look is written into the audit, and the
//! resident sees on their own page that somebody looked.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use super::delivery::words;
use super::frame::Frame;
use super::my_data::held::open_companions;
use super::page;
use super::view::View;
use crate::app::App;
use crate::audit::{Act, Entry, record};
use crate::ids::ResidentId;
use crate::residents::own::{Held, Message};
use crate::residents::record::{Found, Sought};
use crate::residents::store::{own, record as store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/residents", get(open).post(search)).route("/console/residents/{id}", get(show))
}

#[derive(Template)]
#[template(path = "residents.html")]
struct SearchPage {
    f: Frame,
    q: String,
    wrong: String,
    /// `None` before anything was asked.
    found: Option<Vec<Found>>,
}

pub async fn open(State(app): State<App>, _: May<can::SeeResidents>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "residents").await?;
    page(&SearchPage { f, q: String::new(), wrong: String::new(), found: None })
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
}

/// A form that is sent and not an address of a page: telephone numbers belong in no browser's history and in no log.
pub async fn search(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    v: View,
    Form(asked): Form<Asked>,
) -> Result<Response, ApiError> {
    let q = crate::web::error::shorten(asked.q.trim());
    let mut tx = app.db.web.begin().await?;
    let Ok(sought) = Sought::read(&q) else {
        let f = Frame::load(&mut tx, &app, v, "residents").await?;
        let wrong = f.v.t("residents-wrong");
        let answer = page(&SearchPage { f, q, wrong, found: None })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, answer).into_response());
    };
    let found = store::find(&mut tx, &sought).await?;
    let ids: Vec<String> = found.iter().map(|one| one.id.to_string()).collect();
    let read = json!({ "by": sought.kind(), "residents": ids });
    let entry = Entry::new(Act::ResidentsRead, "residents", "search").to(read);
    record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    let f = Frame::load(&mut tx, &app, v, "residents").await?;
    tx.commit().await?;
    page(&SearchPage { f, q, wrong: String::new(), found: Some(found) })
}

#[derive(Template)]
#[template(path = "resident.html")]
struct ResidentPage {
    f: Frame,
    held: Held,
}

impl ResidentPage {
    fn why(&self, message: &Message) -> String {
        words::of_row(&self.f.v, &message.state, &message.reason)
    }

    fn provider(&self, message: &Message) -> String {
        if message.provider.is_empty() { "—".to_owned() } else { words::provider(&self.f.v, &message.provider) }
    }
}

pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    v: View,
    Path(id): Path<uuid::Uuid>,
) -> Result<Response, ApiError> {
    let id = ResidentId(id);
    let mut tx = app.db.web.begin().await?;
    let mut held = own::held(&mut tx, id).await?.ok_or_else(|| ApiError::NotFound(format!("resident {id}")))?;
    held.companions = open_companions(&mut tx, &app, &staff.actor(), id, "the resident's page in the console").await?;
    let entry = Entry::new(Act::ResidentsRead, "resident", id).to(json!({ "messages": held.messages.len() }));
    record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    let f = Frame::load(&mut tx, &app, v, "residents").await?;
    tx.commit().await?;
    page(&ResidentPage { f, held })
}
