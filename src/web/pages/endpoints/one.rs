//! The page of one endpoint: what it is told, its keys, what it was sent and what it answered.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::form::Fields;
use super::state;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::endpoints::desk::{self, GRACE_H, MAX_GRACE_H, Rights};
use crate::endpoints::settings::Settings;
use crate::endpoints::store::attempt::{self, Attempt};
use crate::endpoints::store::event::{self, Told};
use crate::endpoints::store::{self, Delivery, secret};
use crate::endpoints::{Endpoint, Kind};
use crate::ids::EndpointId;
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::refusal::sentence;
use crate::web::pages::view::View;

/// The newest rows and tries that the page shows.
const SHOWN: i64 = 30;

#[derive(Template)]
#[template(path = "endpoint.html")]
struct EndpointPage {
    f: Frame,
    e: Endpoint,
    form: Fields,
    made_at: Option<Instant>,
    before_ends_at: Option<Instant>,
    deliveries: Vec<Delivery>,
    events: Vec<Told>,
    /// Events that wait, also those that are not shown.
    waiting: i64,
    attempts: Vec<Attempt>,
    fresh: Option<String>,
    told: Option<Attempt>,
    wrong: String,
    grace_h: u32,
    max_grace_h: u32,
}

/// What the page says of the act before it.
#[derive(Default)]
pub struct Outcome {
    /// A key that is told this once.
    pub fresh: Option<String>,
    /// What came of a test or a repetition.
    pub told: Option<Attempt>,
    pub wrong: String,
    /// What was typed and refused.
    pub form: Option<Fields>,
}

impl EndpointPage {
    fn state(&self) -> (&'static str, String) {
        state(&self.f.v, &self.e)
    }

    fn is(&self, kind: &str) -> bool {
        self.e.kind.as_str() == kind
    }

    /// Class of the tag of a row's state.
    fn row_class(row: &Delivery) -> &'static str {
        match row.state.as_str() {
            "delivered" => "good",
            "pending" | "sending" | "accepted" => "wait",
            "suppressed" => "",
            _ => "bad",
        }
    }

    fn reason(&self, row: &Delivery) -> String {
        if row.state == "suppressed" {
            let key = format!("untold-{}", row.reason.replace('_', "-"));
            let words = self.f.v.t(&key);
            if words == key { row.reason.clone() } else { words }
        } else {
            row.reason.clone()
        }
    }

    fn asks_for_events(&self) -> bool {
        matches!(&self.e.settings, Settings::Webhook(webhook) if !webhook.events.is_empty())
    }

    fn event_word(&self, told: &Told) -> String {
        self.f.v.word("endpoint-event", &told.event.replace('.', "-"))
    }

    fn event_page(told: &Told) -> String {
        let page = if told.event.starts_with("incident.") { "incidents" } else { "reports" };
        format!("/console/{page}/{}", told.subject_id)
    }

    fn event_class(told: &Told) -> &'static str {
        match told.state.as_str() {
            "delivered" => "good",
            "waiting" => "wait",
            _ => "bad",
        }
    }

    /// Why it ended or waits; words of ours in the language of whoever looks, words of the other side as they came.
    fn event_reason(&self, told: &Told) -> String {
        let vocabulary = if told.state == "endpoint_off" { "endpoint-why" } else { "untold" };
        let key = format!("{vocabulary}-{}", told.reason.replace('_', "-"));
        let words = self.f.v.t(&key);
        if told.reason.is_empty() || words == key { told.reason.clone() } else { words }
    }

    fn outcome_class(tried: &Attempt) -> &'static str {
        if tried.outcome == "delivered" { "good" } else { "bad" }
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    show_page(&app, v, EndpointId(id), Outcome::default()).await
}

pub async fn show_page(app: &App, v: View, id: EndpointId, outcome: Outcome) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let e = desk::find(&mut conn, id).await?;
    let (made_at, before_ends_at) = secret::times(&mut conn, v.now, id).await?;
    let deliveries = store::deliveries(&mut conn, id, SHOWN).await?;
    let events = event::list(&mut conn, id, SHOWN).await?;
    let waiting = event::waiting(&mut conn, id).await?;
    let attempts = attempt::list(&mut conn, id, SHOWN).await?;
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    let Outcome { fresh, told, wrong, form } = outcome;
    let form = form.unwrap_or_else(|| Fields::of(&e));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (grace_h, max_grace_h) = (GRACE_H, MAX_GRACE_H);
    let shown = EndpointPage {
        f,
        e,
        form,
        made_at,
        before_ends_at,
        deliveries,
        events,
        waiting,
        attempts,
        fresh,
        told,
        wrong,
        grace_h,
        max_grace_h,
    };
    Ok((status, page(&shown)?).into_response())
}

pub async fn act(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Fields>,
) -> Result<Response, ApiError> {
    let id = EndpointId(id);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let rights = Rights { issue: v.may(Permission::IssueAlerts) };
    match done(&app, by, id, &given, rights).await {
        Ok(Done::Retired) => Ok(Redirect::to("/console/endpoints").into_response()),
        Ok(Done::Plain) => Ok(Redirect::to(&format!("/console/endpoints/{id}")).into_response()),
        Ok(Done::Key(key)) => show_page(&app, v, id, Outcome { fresh: Some(key), ..Outcome::default() }).await,
        Ok(Done::Told(told)) => show_page(&app, v, id, Outcome { told: Some(told), ..Outcome::default() }).await,
        Err(refused) => {
            let wrong = sentence(v.lang, refused)?;
            let form = (given.act == "save").then_some(given);
            show_page(&app, v, id, Outcome { wrong, form, ..Outcome::default() }).await
        }
    }
}

enum Done {
    Plain,
    Retired,
    Key(String),
    Told(Attempt),
}

async fn done(app: &App, by: Acting<'_>, id: EndpointId, given: &Fields, rights: Rights) -> Result<Done, Refused> {
    let number =
        |field: &str, text: &str| text.trim().parse().map_err(|_| Refused::wrong(field, text, "expected a number"));
    // These wait for somebody else's server, and hold no transaction while they do.
    match given.act.as_str() {
        "test" => return desk::test(app, by, id).await.map(Done::Told),
        "replay" => {
            let row =
                given.message.parse().map_err(|_| Refused::wrong("message", &given.message, "expected a number"))?;
            return desk::replay(app, by, id, row).await.map(Done::Told);
        }
        "replay-event" => {
            let event =
                given.message.parse().map_err(|_| Refused::wrong("message", &given.message, "expected a number"))?;
            return desk::replay_event(app, by, id, event).await.map(Done::Told);
        }
        _ => {}
    }
    let mut tx = app.db.web.begin().await?;
    let done = match given.act.as_str() {
        "save" => {
            let kind: Kind = desk::find(&mut tx, id).await?.kind;
            let revision =
                given.revision.parse().map_err(|_| Refused::wrong("revision", &given.revision, "expected a number"))?;
            desk::edit(&mut tx, app, by, (id, revision, &given.wanted(kind)?, &given.secret), rights).await?;
            Done::Plain
        }
        "rotate" => Done::Key(desk::rotate(&mut tx, app, by, id, number("grace_h", &given.grace_h)?).await?),
        "end-before" => {
            desk::end_before(&mut tx, by, id).await?;
            Done::Plain
        }
        "enable" | "disable" => {
            desk::switch(&mut tx, by, id, given.act == "enable").await?;
            Done::Plain
        }
        "retire" => {
            let name = desk::find(&mut tx, id).await?.name;
            if given.typed.trim() != name {
                return Err(Refused::wrong("typed", &given.typed, format!("expected the name {name:?}")));
            }
            desk::retire(&mut tx, by, id).await?;
            Done::Retired
        }
        other => {
            let expected = "expected save, test, replay, replay-event, rotate, end-before, enable, disable or retire";
            return Err(Refused::wrong("act", other, expected));
        }
    };
    tx.commit().await?;
    Ok(done)
}
