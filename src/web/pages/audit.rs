//! Who did what, when, from where and why: searched, opened, checked and taken away.

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use chrono::{LocalResult, NaiveDateTime, TimeZone as _};
use futures_util::stream;
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::audit::chain::Finding;
use crate::audit::check::{self, Check};
use crate::audit::search::{Changed, Format, Found, Search, Writer, difference};
use crate::audit::{Act, Entry, record, store};
use crate::clock::Instant;
use crate::web::api::audit::{checked_act, checked_instant, checked_text, cursor, next};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/audit", get(list))
        .route("/console/audit/export", get(export))
        .route("/console/audit/check", post(ask))
}

const A_PAGE: i64 = 50;
/// Events of an export read at a time.
const A_BATCH: i64 = 1_000;

/// The filters, as the form and the links carry them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// Local time as `<input type=datetime-local>` gives it.
    from: String,
    to: String,
    actor: String,
    act: String,
    object: String,
    text: String,
    before: String,
    format: Format,
}

impl Wanted {
    fn search(&self, v: &View) -> Result<Search, ApiError> {
        let given = |text: &str| Some(text.to_owned());
        Ok(Search {
            from: local_instant(v, "from", &self.from)?,
            to: local_instant(v, "to", &self.to)?,
            actor: checked_text("actor", given(&self.actor))?,
            act: checked_act(given(&self.act))?,
            object: checked_text("object", given(&self.object))?,
            text: checked_text("text", given(&self.text))?,
            before: (!self.before.is_empty()).then(|| cursor(&self.before)).transpose()?,
        })
    }

    fn is_filtered(&self) -> bool {
        [&self.from, &self.to, &self.actor, &self.act, &self.object, &self.text].iter().any(|text| !text.is_empty())
    }

    /// The same filters with one of them changed, from the first page.
    fn with(&self, key: &str, value: &str) -> String {
        let filters = [
            ("from", &self.from),
            ("to", &self.to),
            ("actor", &self.actor),
            ("act", &self.act),
            ("object", &self.object),
            ("text", &self.text),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, text) in filters.into_iter().filter(|(name, text)| *name != key && !text.is_empty()) {
            query.append_pair(name, text);
        }
        if !key.is_empty() {
            query.append_pair(key, value);
        }
        format!("?{}", query.finish())
    }
}

/// An empty field is no bound. An hour that the clocks repeat is taken at its first pass.
fn local_instant(v: &View, field: &str, text: &str) -> Result<Option<Instant>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
    match naive.map(|naive| v.tz.from_local_datetime(&naive)) {
        Ok(LocalResult::Single(at) | LocalResult::Ambiguous(at, _)) => checked_instant(field, at.to_utc()).map(Some),
        _ => Err(ApiError::field(field, text, "expected a date and a time such as 2026-02-23T22:00")),
    }
}

/// One event with its words.
struct Line {
    e: Found,
    act: String,
    changed: Vec<Changed>,
}

/// An act to choose.
struct Choice {
    act: &'static str,
    words: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    f: Frame,
    wanted: Wanted,
    lines: Vec<Line>,
    next: Option<String>,
    choices: Vec<Choice>,
    head: String,
    check: Option<Check>,
}

impl AuditPage {
    /// A finding in the reader's words.
    fn finding(&self, finding: &Finding) -> String {
        let number = |seq: Option<i64>| seq.map_or_else(|| "–".to_owned(), |seq| self.f.v.count(seq));
        let place = (number(finding.seq), number(finding.through.or(finding.seq)));
        self.f.v.t2(&format!("audit-fault-{}", finding.fault), "seq", place.0, "through", place.1)
    }

    fn finding_act(&self, finding: &Finding) -> String {
        act_words(&self.f.v, &finding.act)
    }

    fn percent(&self, check: &Check) -> i64 {
        if check.total > 0 { (check.checked.saturating_mul(100) / check.total).clamp(0, 100) } else { 0 }
    }
}

/// An act that another version knew keeps its name.
fn act_words(v: &View, act: &str) -> String {
    act.parse::<Act>().map_or_else(|_| act.to_owned(), |act| v.t(&act.key()))
}

async fn list(
    State(app): State<App>,
    _: May<can::ReadAudit>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let search = wanted.search(&v)?;
    let mut conn = app.db.web.acquire().await?;
    let mut events = store::search(&mut conn, &search, A_PAGE + 1).await?;
    let next = next(&mut events, A_PAGE);
    let head = store::head(&mut conn).await?.map(|head| head.to_string()).unwrap_or_default();
    let check = store::last_check(&mut conn).await?;
    let f = Frame::load(&mut conn, &app, v, "admin").await?;
    let lines = events.into_iter().map(|e| Line {
        act: act_words(&f.v, &e.act),
        changed: difference(e.before.as_ref(), e.after.as_ref()),
        e,
    });
    let lines = lines.collect();
    let mut choices: Vec<Choice> =
        Act::ALL.iter().map(|act| Choice { act: act.as_str(), words: f.v.t(&act.key()) }).collect();
    choices.sort_by(|a, b| a.words.cmp(&b.words));
    page(&AuditPage { f, wanted, lines, next, choices, head, check })
}

/// Asks the service to check the chain. It does so behind the page, which shows how far it is.
async fn ask(State(app): State<App>, staff: May<can::ReadAudit>, v: View) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    check::ask(&mut tx, &app.ids, v.now, &staff.username).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/audit#check").into_response())
}

/// Writes out everything that fits, page by page, so that the whole audit takes no memory.
async fn export(
    State(app): State<App>,
    staff: May<can::ReadAudit>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let search = Search { before: None, ..wanted.search(&v)? };
    let mut tx = app.db.web.begin().await?;
    let told = Entry::new(Act::AuditExport, "audit", wanted.format.extension()).to(search.told());
    record(&mut tx, &app.ids, v.now, &staff.actor(), told).await?;
    tx.commit().await?;
    let name = format!("sentinela-audit-{}.{}", v.now.format("%Y%m%dT%H%M%SZ"), wanted.format.extension());
    let headers = [
        (header::CONTENT_TYPE, wanted.format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let state = Some((app, search, Writer::new(wanted.format)));
    let pages = stream::unfold(state, |state| async {
        let (app, search, writer) = state?;
        Some(match next_part(&app, search, writer).await {
            Ok((bytes, rest)) => (Ok(bytes), rest.map(|(search, writer)| (app, search, writer))),
            // The answer breaks off, which the reader's program sees.
            Err(error) => (Err(error), None),
        })
    });
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// The next piece of an export, and what is left to do.
async fn next_part(
    app: &App,
    mut search: Search,
    mut writer: Writer,
) -> sqlx::Result<(Bytes, Option<(Search, Writer)>)> {
    let mut conn = app.db.web.acquire().await?;
    let events = store::search(&mut conn, &search, A_BATCH).await?;
    let mut bytes = writer.page(&events);
    match events.last() {
        Some(last) if events.len() as i64 == A_BATCH => {
            search.before = Some((last.at, last.id));
            Ok((bytes.into(), Some((search, writer))))
        }
        _ => {
            bytes.extend(writer.end());
            Ok((bytes.into(), None))
        }
    }
}
