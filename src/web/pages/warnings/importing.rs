//! CAP by a file, an address or a text: first what it says, where it maps, what is known of it and what is wrong with it; then
//! it is kept. What is kept for the town is seen by the public, so keeping asks for whoever may issue alerts.

use askama::Template;
use axum::extract::{Form, Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::TimeDelta;
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;
use uuid::Uuid;

use super::Card;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::feeds::warnings::import::{self, Brought, Given, ImportError, Outcome, What};
use crate::feeds::warnings::store::waiting::{self, Waiting};
use crate::feeds::warnings::{BY_HAND, Way, trust};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// Longest address that is taken.
const MAX_URL: usize = 2000;
/// How long something waits to be kept.
const KEPT_FOR: TimeDelta = TimeDelta::days(1);

#[derive(Template)]
#[template(path = "warning_import.html")]
struct ImportPage {
    f: Frame,
    wrong: String,
    url: String,
    text: String,
    sources: Vec<Source>,
}

/// A source of CAP with how it is trusted.
struct Source {
    name: String,
    certificates: usize,
    is_required: bool,
    is_by_hand: bool,
}

fn sources(app: &App) -> Vec<Source> {
    let named = trust::sources(&app.config).into_iter();
    let known = named.filter_map(|name| Some((name, trust::Trust::named(&app.config, name)?)));
    known
        .map(|(name, trust)| Source {
            name: name.to_owned(),
            certificates: trust.certificates,
            is_required: trust.is_required,
            is_by_hand: name == BY_HAND,
        })
        .collect()
}

/// Asks for a file, an address or a text.
pub async fn open(State(app): State<App>, _: May<can::DraftAlerts>, v: View) -> Result<Response, ApiError> {
    asked(&app, v, String::new(), Sent::default()).await
}

async fn asked(app: &App, v: View, wrong: String, sent: Sent) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "warnings").await?;
    page(&ImportPage { f, wrong, url: sent.url, text: sent.text, sources: sources(app) })
}

/// What the form brought.
#[derive(Default)]
struct Sent {
    url: String,
    text: String,
    source: String,
    file_name: String,
    file: Vec<u8>,
}

async fn sent(request: Request) -> Option<Sent> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let boundary = multer::parse_boundary(kind).ok()?;
    let most = import::MAX_BYTES as u64;
    let limits =
        SizeLimit::new().whole_stream(2 * most).per_field(8 * 1024).for_field("file", most).for_field("text", most);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let mut sent = Sent::default();
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("url") => sent.url = field.text().await.ok()?.trim().to_owned(),
            Some("text") => sent.text = field.text().await.ok()?,
            Some("source") => sent.source = field.text().await.ok()?,
            Some("file") => {
                sent.file_name = field.file_name().unwrap_or_default().chars().take(200).collect();
                sent.file = field.bytes().await.ok()?.to_vec();
            }
            // The gate has held it against the session's.
            _ => drop(field.bytes().await.ok()?),
        }
    }
    Some(sent)
}

/// Reads what was given, keeps it for a day, and leads to what it is.
pub async fn send(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    request: Request,
) -> Result<Response, ApiError> {
    let Some(mut given) = sent(request).await else {
        let wrong = v.t1("bring-broken", "mib", import::MAX_BYTES / 1024 / 1024);
        return asked(&app, v, wrong, Sent::default()).await;
    };
    let (way, name, body) = if !given.file.is_empty() {
        (Way::File, std::mem::take(&mut given.file_name), std::mem::take(&mut given.file))
    } else if !given.text.trim().is_empty() {
        (Way::Text, String::new(), given.text.trim_start().as_bytes().to_vec())
    } else if !given.url.is_empty() && given.url.len() <= MAX_URL {
        match import::fetch(&app.outbound, &given.url).await {
            Ok((body, from)) => (Way::Url, from, body.to_vec()),
            Err(error) => {
                let wrong = v.t1("bring-fetch-wrong", "why", error);
                return asked(&app, v, wrong, given).await;
            }
        }
    } else {
        let wrong = v.t("bring-nothing");
        return asked(&app, v, wrong, given).await;
    };
    if body.is_empty() {
        let wrong = v.t("bring-nothing");
        return asked(&app, v, wrong, given).await;
    }
    let is_known = trust::Trust::named(&app.config, &given.source).is_some();
    let kept = Waiting {
        id: app.ids.uuid(v.now),
        created_at: v.now,
        author: staff.username.clone(),
        way,
        name: name.chars().take(500).collect(),
        source: if is_known { given.source } else { BY_HAND.to_owned() },
        body,
    };
    let mut tx = app.db.web.begin().await?;
    waiting::forget(&mut tx, v.now - KEPT_FOR).await?;
    waiting::put(&mut tx, &kept).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/warning-imports/{}", kept.id)).into_response())
}

#[derive(Template)]
#[template(path = "warning_look.html")]
struct LookPage {
    f: Frame,
    kept: Waiting,
    o: Outcome,
    /// Why nothing of the document can be read.
    unreadable: String,
    sources: Vec<Source>,
    may_keep: bool,
}

impl LookPage {
    fn card(&self, message: &Brought) -> Option<Card> {
        message.shown.clone().map(|shown| Card::new(&self.f.v, shown))
    }

    /// Class and words of the tag of a message.
    fn what(&self, message: &Brought) -> (&'static str, String) {
        let (class, key) = match message.what {
            What::New => ("good", "bring-what-new"),
            What::Released => ("good", "bring-what-released"),
            What::Known => ("", "bring-what-known"),
            What::Refused => ("bad", "bring-what-refused"),
        };
        (class, self.f.v.t(key))
    }

    /// "substitui MG-7 (como …)".
    fn replaces(&self, message: &Brought) -> Vec<String> {
        let v = &self.f.v;
        let one = |replaced: &import::Replaced| {
            v.t2("bring-replaces", "identifier", &replaced.identifier, "how", v.word("how", replaced.how.as_str()))
        };
        message.replaces.iter().map(one).collect()
    }
}

/// What it is.
pub async fn look(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let kept = waiting::find(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("import {id}")))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let (o, unreadable) = match import::bring(&mut conn, &app.config, by, given(&kept), true).await {
        Ok(outcome) => (outcome, String::new()),
        Err(ImportError::Document(problem)) => (Outcome::default(), format!("{}: {}", problem.field, problem.message)),
        Err(other) => return Err(other.into()),
    };
    let f = Frame::load(&mut conn, &app, v, "warnings").await?;
    let may_keep = f.v.may(Permission::IssueAlerts);
    page(&LookPage { f, kept, o, unreadable, sources: sources(&app), may_keep })
}

fn given(kept: &Waiting) -> Given<'_> {
    Given { body: &kept.body, way: kept.way, name: &kept.name, source: &kept.source }
}

/// What the form of the look asks for.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// keep, drop, or look again as the words of another source.
    act: String,
    #[serde(default)]
    source: String,
}

/// Keeps it, gives it up, or looks again.
pub async fn act(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let here = format!("/console/warning-imports/{id}");
    match wanted.act.as_str() {
        "drop" => {
            waiting::discard(&mut conn, id).await?;
            Ok(Redirect::to("/console/warnings").into_response())
        }
        "look" => {
            if trust::Trust::named(&app.config, &wanted.source).is_none() {
                return Err(ImportError::Source(wanted.source).into());
            }
            waiting::name_source(&mut conn, id, &wanted.source).await?;
            Ok(Redirect::to(&here).into_response())
        }
        "keep" => {
            staff.require(Permission::IssueAlerts)?;
            // A second click finds nothing to keep any more, and the same page all the same.
            let Some(kept) = waiting::find(&mut conn, id).await? else {
                return Ok(Redirect::to("/console/warnings").into_response());
            };
            let actor = staff.actor();
            let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
            let outcome = import::bring(&mut conn, &app.config, by, given(&kept), false).await?;
            waiting::discard(&mut conn, id).await?;
            let only = outcome.messages.iter().filter_map(|message| message.id).collect::<Vec<_>>();
            let next = match only[..] {
                [one] => format!("/console/warnings/{one}"),
                _ => "/console/warnings".to_owned(),
            };
            Ok(Redirect::to(&next).into_response())
        }
        other => Err(ApiError::field("act", other, "expected keep, drop or look")),
    }
}
