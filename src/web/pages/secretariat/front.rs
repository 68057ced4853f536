//! The first page of modules that publish: `/secretaria/noticias`, `/secretaria/imprensa`, `/secretaria/divulgacao`, and the feeds of every
//! module. From publications that are out, and nothing else.

use std::pin::Pin;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use super::super::page;
use super::super::view::View;
use super::module;
use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::beside;
use crate::secretariat::feeds::{self, Entry, Head};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::modules::Module;
use crate::web::conditional::{SHORT, answer};
use crate::web::error::ApiError;

/// Publications of a page, and of a feed.
const SHOWN: i64 = 30;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/noticias", get(news))
        .route("/secretaria/imprensa", get(press))
        .route("/secretaria/divulgacao", get(outreach))
        .route("/secretaria/{module}/feed.atom", get(atom))
        .route("/secretaria/{module}/feed.json", get(json))
        // Where a module has pages of its own at this depth, its name in the path is no parameter.
        .route("/secretaria/orcamento/feed.atom", get(of("orcamento", atom)))
        .route("/secretaria/orcamento/feed.json", get(of("orcamento", json)))
        .route("/secretaria/comites/feed.atom", get(of("comites", atom)))
        .route("/secretaria/comites/feed.json", get(of("comites", json)))
        .route("/secretaria/parcerias/feed.atom", get(of("parcerias", atom)))
        .route("/secretaria/parcerias/feed.json", get(of("parcerias", json)))
        .route("/secretaria/captacao/feed.atom", get(of("captacao", atom)))
        .route("/secretaria/captacao/feed.json", get(of("captacao", json)))
        .route("/secretaria/projetos/feed.atom", get(of("projetos", atom)))
        .route("/secretaria/projetos/feed.json", get(of("projetos", json)))
}

type Answered = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// A handler with its module.
fn of<H, F>(
    slug: &'static str,
    handler: H,
) -> impl Fn(State<App>, Query<Wanted>, HeaderMap) -> Answered + Clone + Send + Sync + 'static
where
    H: Fn(State<App>, Path<String>, Query<Wanted>, HeaderMap) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    move |app, wanted, headers| Box::pin(handler(app, Path(slug.to_owned()), wanted, headers))
}

/// Which of them. Other parts of the query are passed over: the language, and what programs add to links.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Wanted {
    tag: Option<String>,
    before_at: Option<Instant>,
    before_id: Option<Uuid>,
}

impl Wanted {
    /// As the database has tags.
    fn tag(&self) -> Result<Option<String>, ApiError> {
        let Some(text) = self.tag.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
        if text.chars().count() > 60 || text.chars().any(char::is_control) || text.contains(',') {
            return Err(ApiError::field("tag", text, "expected one tag of at most 60 characters"));
        }
        Ok(feeds::tags(text).into_iter().next())
    }

    fn before(&self) -> Option<(Instant, Uuid)> {
        self.before_at.zip(self.before_id)
    }
}

async fn found(
    app: &App,
    module: &Module,
    wanted: &Wanted,
    now: Instant,
) -> Result<(Option<String>, Vec<Published>), ApiError> {
    let tag = wanted.tag()?;
    let mut conn = app.db.web.acquire().await?;
    let all = match &tag {
        Some(tag) => published::tagged(&mut conn, (module.key(), None), tag, wanted.before(), (now, SHOWN)).await?,
        None => published::list(&mut conn, module.key(), None, wanted.before(), (now, SHOWN)).await?,
    };
    Ok((tag, all))
}

/// What a module published, as cases and beside them, the newest first.
async fn entries(
    app: &App,
    module: &Module,
    wanted: &Wanted,
    now: Instant,
) -> Result<(Option<String>, Vec<Entry>), ApiError> {
    let (tag, found) = found(app, module, wanted, now).await?;
    let mut all: Vec<Entry> = found.iter().map(|one| Entry::of_case(module.slug_pt, one)).collect();
    // What is no case has no tags.
    if tag.is_none() {
        let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
        let asked = beside::store::Wanted { module: Some(module.key()), before: wanted.before(), today, most: SHOWN };
        let found = beside::store::list(&mut *app.db.web.acquire().await?, asked).await?;
        all.extend(found.iter().map(Entry::beside));
        all.sort_by_key(|one| std::cmp::Reverse(one.at));
        all.truncate(SHOWN as usize);
    }
    Ok((tag, all))
}

#[derive(Template)]
#[template(path = "secretariat/sec_front.html")]
struct FrontPage {
    v: View,
    module: &'static Module,
    /// Key of the sentence below the title.
    lead: &'static str,
    tag: Option<String>,
    all: Vec<Published>,
    /// Query of the next page; empty: this is the last.
    next: String,
}

impl FrontPage {
    fn summary<'a>(&self, one: &'a Published) -> &'a str {
        feeds::summary(one)
    }

    fn tags(&self, one: &Published) -> Vec<String> {
        feeds::tags_of(one)
    }

    /// "?tag=…" of the feeds.
    fn query(&self) -> String {
        self.tag.as_deref().map(|tag| format!("?tag={}", encoded(tag))).unwrap_or_default()
    }

    fn encoded(&self, tag: &str) -> String {
        encoded(tag)
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn front(app: &App, v: View, slug: &str, lead: &'static str, wanted: Wanted) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let (tag, all) = found(app, module, &wanted, v.now).await?;
    let last = all.last().filter(|_| all.len() as i64 == SHOWN);
    let next = last.map_or_else(String::new, |last| {
        let tag = tag.as_deref().map(|tag| format!("&tag={}", encoded(tag))).unwrap_or_default();
        let at = last.published_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        format!("?before_at={}&before_id={}{tag}", encoded(&at), last.id)
    });
    page(&FrontPage { v, module, lead, tag, all, next })
}

async fn news(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    front(&app, v, "noticias", "sec-news-lead", wanted).await
}

async fn press(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    front(&app, v, "imprensa", "sec-press-lead", wanted).await
}

async fn outreach(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    front(&app, v, "divulgacao", "sec-outreach-lead", wanted).await
}

async fn atom(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = feed(&app, &slug, &wanted, feeds::atom).await?;
    Ok(answer(&headers, "application/atom+xml; charset=utf-8", SHORT, text))
}

async fn json(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = feed(&app, &slug, &wanted, |head, all| feeds::json(head, all).to_string()).await?;
    Ok(answer(&headers, "application/feed+json; charset=utf-8", SHORT, text))
}

async fn feed(
    app: &App,
    slug: &str,
    wanted: &Wanted,
    write: impl Fn(&Head<'_>, &[Entry]) -> String,
) -> Result<String, ApiError> {
    let module = module(slug)?;
    let now = app.clock.now();
    let (tag, all) = entries(app, module, wanted, now).await?;
    let base = app.config.public_url();
    let author = &app.config.municipality.sender_name;
    let head = Head { base: &base, slug: module.slug_pt, title: module.title_pt, author, tag: tag.as_deref(), now };
    Ok(write(&head, &all))
}
