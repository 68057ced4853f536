//! `/console/sirens`: what each siren does, what it is asked, and the requests that wait for a second person.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::view::View;
use super::{page, refusal};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ids::EndpointId;
use crate::refused::Refused;
use crate::sirens::desk::{self, Alone, Given};
use crate::sirens::request::{RequestState, Word};
use crate::sirens::state::StateWord;
use crate::sirens::{Request, Siren, store};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/sirens", get(list))
        .route("/console/sirens/{id}", post(act))
        .route("/console/siren-requests", post(ask))
        .route("/console/siren-requests/{id}", post(decide))
}

/// Sirens and requests as pages and API tell them.
pub async fn load(app: &App, now: crate::clock::Instant) -> sqlx::Result<(Vec<Siren>, Vec<Request>)> {
    let config = &app.config.sirens;
    let silent_since = now - TimeDelta::minutes(config.silent_after_min.into());
    let every = if config.test_every_days == 0 { 36_500 } else { config.test_every_days };
    let mut conn = app.db.web.acquire().await?;
    let sirens = store::shown::list(&mut conn, silent_since, now - TimeDelta::days(every.into())).await?;
    Ok((sirens, store::request::list(&mut conn).await?))
}

#[derive(Template)]
#[template(path = "sirens.html")]
struct SirensPage {
    f: Frame,
    sirens: Vec<Siren>,
    requests: Vec<Request>,
    wrong: String,
    me: String,
    minutes: u32,
}

impl SirensPage {
    fn class(siren: &Siren) -> &'static str {
        match siren.state {
            StateWord::Unknown | StateWord::Sounding => "bad",
            StateWord::Silencing | StateWord::Armed => "wait",
            StateWord::Idle => "good",
        }
    }

    fn may_ask(&self) -> bool {
        self.f.v.may(Permission::DraftAlerts)
    }

    /// Whoever asked cannot confirm, and is not offered it.
    fn may_confirm(&self, request: &Request) -> bool {
        self.waits(request) && request.asked_by != self.me && self.f.v.may(Permission::IssueAlerts)
    }

    fn may_withdraw(&self, request: &Request) -> bool {
        self.waits(request) && request.asked_by == self.me
    }

    fn waits(&self, request: &Request) -> bool {
        request.state == RequestState::Waiting && request.expires_at > self.f.v.now
    }

    fn request_state(&self, request: &Request) -> (&'static str, String) {
        let is_over = request.state == RequestState::Waiting && request.expires_at <= self.f.v.now;
        let state = if is_over { RequestState::Expired } else { request.state };
        let class = match state {
            RequestState::Waiting => "wait",
            RequestState::Confirmed => "good",
            _ => "",
        };
        (class, self.f.v.word("siren-request", state.as_str()))
    }

    fn last(&self, siren: &Siren) -> Option<String> {
        let (act, state) = (siren.last_act.as_ref()?, siren.last_state.as_ref()?);
        let v = &self.f.v;
        let words = format!("{}: {}", v.word("siren-act", act), v.word("command-state", state));
        let message = siren.last_message.as_deref().unwrap_or_default();
        Some(if message.is_empty() { words } else { format!("{words} ({message})") })
    }
}

async fn list(State(app): State<App>, staff: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    list_page(&app, v, &staff, String::new()).await
}

async fn list_page(app: &App, v: View, staff: &Staff, wrong: String) -> Result<Response, ApiError> {
    let (sirens, requests) = load(app, v.now).await?;
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "sirens").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (me, minutes) = (staff.username.clone(), app.config.sirens.confirm_within_min);
    Ok((status, page(&SirensPage { f, sirens, requests, wrong, me, minutes })?).into_response())
}

async fn answer(app: &App, v: View, staff: &Staff, done: Result<(), Refused>) -> Result<Response, ApiError> {
    match done {
        Ok(()) => Ok(Redirect::to("/console/sirens").into_response()),
        Err(refused) => {
            let wrong = refusal::sentence(v.lang, refused)?;
            list_page(app, v, staff, wrong).await
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    act: String,
}

async fn act(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Asked>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let done = async {
        let mut tx = app.db.web.begin().await?;
        desk::ask(&mut tx, by, EndpointId(id), Alone::read(&given.act)?).await?;
        Ok::<_, Refused>(tx.commit().await?)
    };
    let done = done.await;
    answer(&app, v, &staff, done).await
}

/// A form whose `sirens` may come many times, which serde's forms do not read.
fn wish(bytes: &[u8]) -> Result<Given, Refused> {
    let mut given = Given { sirens: Vec::new(), pattern: String::new(), duration_s: 0, reason: String::new() };
    for (key, value) in url::form_urlencoded::parse(bytes) {
        match key.as_ref() {
            "sirens" => {
                let id = value.parse().map_err(|_| Refused::wrong("sirens", &value, "expected the id of a siren"))?;
                given.sirens.push(id);
            }
            "pattern" => given.pattern = value.into_owned(),
            "duration_s" => {
                given.duration_s =
                    value.trim().parse().map_err(|_| Refused::wrong("duration_s", &value, "expected a number"))?;
            }
            "reason" => given.reason = value.into_owned(),
            _ => {}
        }
    }
    Ok(given)
}

async fn ask(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    RawForm(bytes): RawForm,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let done = async {
        let given = wish(&bytes)?;
        let mut tx = app.db.web.begin().await?;
        desk::request(&mut tx, by, staff.id, &given, app.config.sirens.confirm_within_min).await?;
        Ok::<_, Refused>(tx.commit().await?)
    };
    let done = done.await;
    answer(&app, v, &staff, done).await
}

/// Confirming warns the city, and asks for what issuing does.
async fn decide(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Asked>,
) -> Result<Response, ApiError> {
    let word = read_word(&given.act)?;
    if word == Word::Confirm {
        staff.require(Permission::IssueAlerts)?;
    }
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let done = async {
        let mut tx = app.db.web.begin().await?;
        desk::decide(&mut tx, by, staff.id, (id, word)).await?;
        Ok::<_, Refused>(tx.commit().await?)
    };
    let done = done.await;
    answer(&app, v, &staff, done).await
}

/// # Errors
/// Names the word.
pub fn read_word(act: &str) -> Result<Word, Refused> {
    match act {
        "confirm" => Ok(Word::Confirm),
        "refuse" => Ok(Word::Refuse),
        "withdraw" => Ok(Word::Withdraw),
        other => Err(Refused::wrong("act", other, "expected confirm, refuse or withdraw")),
    }
}
