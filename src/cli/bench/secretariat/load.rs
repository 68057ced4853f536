//! The load of the secretariat: every route of a module that answers to a question, in turn and at a pace, and cases that are opened beside
//! them. Asked within the process of the service, as its own web server would hand them on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::super::history::{millis, sign_in};
use super::super::latency::Spread;
use super::found::{self, Found};
use super::shapes::{self, Chance};
use crate::accounts::store::sessions;
use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::secretariat::modules::MODULES;

/// People who ask at once.
const PEOPLE: usize = 8;
/// Forms of each type that are filled in differently.
const FORMS: usize = 2;
/// Somebody takes a file out this often; each has up to 5000 cases.
const FILE_EVERY: Duration = Duration::from_secs(10);

/// Somebody who may do everything, before the service.
#[derive(Clone)]
pub struct Desk {
    app: App,
    service: Router,
    pub cookie: String,
    csrf: String,
}

impl Desk {
    pub async fn sign_in(app: &App, now: Instant) -> anyhow::Result<Self> {
        let cookie = sign_in(app, now).await?;
        let token = cookie.split_once('=').map(|(_, token)| token).context("a cookie without a value")?;
        let mut conn = app.db.web.acquire().await?;
        let session = sessions::find(&mut conn, now, &app.config.accounts, token, true).await?;
        let csrf = session.context("the session that was just opened")?.csrf_token;
        Ok(Self { app: app.clone(), service: crate::web::router::router(app.clone()), cookie, csrf })
    }

    async fn send(&self, request: Request<Body>) -> anyhow::Result<(StatusCode, Bytes)> {
        let response = self.service.clone().oneshot(request).await?;
        let status = response.status();
        Ok((status, axum::body::to_bytes(response.into_body(), usize::MAX).await?))
    }

    pub async fn get(&self, address: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        self.send(Request::get(address).header(header::COOKIE, &self.cookie).body(Body::empty())?).await
    }

    /// Opens a case of a type with one of its forms, filled in with made-up words.
    async fn open(&self, type_key: &str, n: usize) -> anyhow::Result<(StatusCode, Bytes)> {
        let kept = self.app.cases.get(type_key).with_context(|| format!("no type {type_key}"))?;
        let day = self.app.clock.now().date_naive() + chrono::TimeDelta::days(30);
        let fields = shapes::given(&kept.def, &mut Chance((n % FORMS) as u64), day, false);
        let body = json!({ "type": type_key, "title": format!("Caso aberto na medição {n}"), "department": "Obras", "fields": fields });
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/api/v1/secretariat/{}/cases", slug(kept.def.module())))
            .header(header::COOKIE, &self.cookie)
            .header("csrf", &self.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))?;
        self.send(request).await
    }

    /// Types of which this desk can open a case by filling in the form: not those that are opened under another case, or by citizens only.
    async fn types_that_open(&self) -> anyhow::Result<Vec<String>> {
        let mut types = Vec::new();
        for kept in self.app.cases.all() {
            let mut opens = true;
            for form in 0..FORMS {
                let (status, body) = self.open(kept.def.key(), form).await?;
                anyhow::ensure!(!status.is_server_error(), "{}: {}", kept.def.key(), String::from_utf8_lossy(&body));
                opens &= status == StatusCode::CREATED;
            }
            if opens {
                types.push(kept.def.key().to_owned());
            }
        }
        anyhow::ensure!(!types.is_empty(), "no type of cases can be opened");
        Ok(types)
    }

    /// Opens so many cases, of each type in turn. Gives one of them with the word of its module.
    pub async fn open_some(&self, wanted: usize) -> anyhow::Result<(&'static str, Uuid)> {
        let types = self.types_that_open().await?;
        let mut last = None;
        for (n, key) in types.iter().cycle().take(wanted).enumerate() {
            let (status, body) = self.open(key, n).await?;
            anyhow::ensure!(status == StatusCode::CREATED, "{key}: {status} {}", String::from_utf8_lossy(&body));
            let made: serde_json::Value = serde_json::from_slice(&body)?;
            let id: Uuid = made["id"].as_str().context("a case without an id")?.parse()?;
            let module = key.split('.').next().unwrap_or_default();
            last = Some((slug(module), id));
        }
        last.context("no case was opened")
    }
}

/// Of the API.
fn slug(module: &str) -> &'static str {
    MODULES.iter().find(|one| one.key() == module).map_or("", |one| one.slug)
}

/// What is asked, and what can be opened.
#[derive(Clone, Debug)]
pub struct Routes {
    pages: Vec<String>,
    /// Exports.
    files: Vec<String>,
    types: Vec<String>,
    /// Rows of the table of routes that are asked, and the paths of those that are not.
    asked: usize,
    not_asked: Vec<&'static str>,
}

/// Every GET of the secretariat in the table of routes that answers here.
///
/// # Errors
/// That the service failed at one of them.
pub async fn routes(app: &App, desk: &Desk) -> anyhow::Result<Routes> {
    let Found { addresses, asked, not_asked } = found::all(app, desk).await?;
    let (files, pages): (Vec<String>, Vec<String>) =
        addresses.into_iter().partition(|address| address.ends_with("/export"));
    anyhow::ensure!(!pages.is_empty() && !files.is_empty(), "no route of the secretariat answers");
    Ok(Routes { pages, files, types: desk.types_that_open().await?, asked, not_asked })
}

/// How often a second.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub pages: u32,
    pub cases: u32,
}

/// What the load did.
#[derive(Clone, Debug, Serialize)]
pub struct Tally {
    routes_asked: usize,
    /// Their paths.
    routes_not_asked: Vec<&'static str>,
    addresses: usize,
    seconds: f64,
    pages: usize,
    files: usize,
    cases_opened: usize,
    page: Spread,
    opening: Spread,
    /// Answers that were none: the first of them.
    refused: Option<String>,
    refused_count: usize,
}

impl Tally {
    /// Why the load was none.
    pub fn fault(&self) -> Option<String> {
        self.refused
            .as_ref()
            .map(|first| format!("{} answers of the load were refused, the first {first}", self.refused_count))
    }

    pub fn tell(&self) {
        let Self {
            routes_asked, routes_not_asked, addresses, seconds, pages, files, cases_opened, page, opening, ..
        } = self;
        println!(
            "  load: in {seconds:.1} s {pages} pages ({:.1} a second), {cases_opened} cases opened ({:.1} a second) and {files} files of up to 5000 cases; {addresses} addresses of {routes_asked} routes",
            *pages as f64 / seconds,
            *cases_opened as f64 / seconds
        );
        println!("        not asked, for what they name is listed nowhere: {}", routes_not_asked.join(", "));
        println!(
            "        a page p50 {:.1} ms, p99 {:.1} ms; an opening p50 {:.1} ms, p99 {:.1} ms",
            page.p50_ms, page.p99_ms, opening.p50_ms, opening.p99_ms
        );
    }
}

/// What one of those who ask saw.
#[derive(Debug, Default)]
struct Seen {
    pages: Vec<f64>,
    files: usize,
    openings: Vec<f64>,
    refused: Vec<String>,
}

/// The load, running until it is stopped.
pub struct Load {
    routes: Arc<Routes>,
    stop: CancellationToken,
    people: JoinSet<anyhow::Result<Seen>>,
    watch: Stopwatch,
}

impl Load {
    pub fn start(desk: Desk, routes: Routes, pace: Pace) -> Self {
        let (routes, stop, mut people) = (Arc::new(routes), CancellationToken::new(), JoinSet::new());
        for person in 0..PEOPLE {
            people.spawn(read(desk.clone(), Arc::clone(&routes), person, pace.pages, stop.clone()));
        }
        people.spawn(take_out(desk.clone(), Arc::clone(&routes), stop.clone()));
        people.spawn(write(desk, Arc::clone(&routes), pace.cases, stop.clone()));
        Self { routes, stop, people, watch: Stopwatch::start() }
    }

    /// Ends it, and says what it did.
    pub async fn stop(mut self) -> anyhow::Result<Tally> {
        self.stop.cancel();
        let mut seen = Seen::default();
        while let Some(one) = self.people.join_next().await {
            let one = one??;
            seen.pages.extend(one.pages);
            seen.files += one.files;
            seen.openings.extend(one.openings);
            seen.refused.extend(one.refused);
        }
        Ok(Tally {
            routes_asked: self.routes.asked,
            routes_not_asked: self.routes.not_asked.clone(),
            addresses: self.routes.pages.len() + self.routes.files.len(),
            seconds: self.watch.elapsed().as_secs_f64(),
            pages: seen.pages.len(),
            files: seen.files,
            cases_opened: seen.openings.len(),
            page: Spread::of(seen.pages),
            opening: Spread::of(seen.openings),
            refused_count: seen.refused.len(),
            refused: seen.refused.into_iter().next(),
        })
    }
}

/// Whether it is time for the next; false: it is over.
async fn next(every: &mut tokio::time::Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        _ = every.tick() => true,
        () = stop.cancelled() => false,
    }
}

/// One of those who share the pace, each beginning elsewhere among the addresses. Whoever waits for an answer asks for nothing meanwhile.
async fn read(
    desk: Desk,
    routes: Arc<Routes>,
    person: usize,
    per_second: u32,
    stop: CancellationToken,
) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut every = tokio::time::interval(Duration::from_secs_f64(PEOPLE as f64 / f64::from(per_second)));
    let mut at = person * routes.pages.len() / PEOPLE;
    while next(&mut every, &stop).await {
        let address = &routes.pages[at % routes.pages.len()];
        let watch = Stopwatch::start();
        let (status, _) = desk.get(address).await?;
        seen.pages.push(millis(&watch));
        if !status.is_success() {
            seen.refused.push(format!("{address}: {status}"));
        }
        at += 1;
    }
    Ok(seen)
}

/// One who takes files out.
async fn take_out(desk: Desk, routes: Arc<Routes>, stop: CancellationToken) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut every = tokio::time::interval(FILE_EVERY);
    while next(&mut every, &stop).await {
        let address = &routes.files[seen.files % routes.files.len()];
        let (status, _) = desk.get(address).await?;
        if !status.is_success() {
            seen.refused.push(format!("{address}: {status}"));
        }
        seen.files += 1;
    }
    Ok(seen)
}

async fn write(desk: Desk, routes: Arc<Routes>, per_second: u32, stop: CancellationToken) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut every = tokio::time::interval(Duration::from_secs_f64(1.0 / f64::from(per_second)));
    let mut n = 1000;
    while next(&mut every, &stop).await {
        let key = &routes.types[n % routes.types.len()];
        let watch = Stopwatch::start();
        let (status, body) = desk.open(key, n).await?;
        seen.openings.push(millis(&watch));
        if status != StatusCode::CREATED {
            seen.refused.push(format!("{key}: {status} {}", String::from_utf8_lossy(&body)));
        }
        n += 1;
    }
    Ok(seen)
}
