//! What people reported: the queue, and one occurrence with all words, photographs and reasons, and what may be done with it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

mod acts;
mod field;
mod messages;
mod told;

use super::drawing::{self, MapWish};
use super::frame::Frame;
use super::page;
use super::view::{Markup, View};
use crate::accounts::Permission;
use crate::addresses::{Candidate, How, store as addresses};
use crate::app::App;
use crate::reports::cluster::EXACT_M;
use crate::reports::store::photographs::{self, Photograph};
use crate::reports::store::placing::{self, Placing};
use crate::reports::store::queue::{self, Filter, Line, Neighbour, Occurrence, Told};
use crate::reports::store::stray::{self, Stray};
use crate::reports::{Kind, MAX_PLACE, Spot, place};
use crate::web::api::imports::Query as StrictQuery;
use crate::web::api::incidents::photographs::{Size, SizeQuery, picture};
use crate::web::error::ApiError;

/// Lines of one page.
const PAGE: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/reports", get(list))
        .route("/console/reports/new", get(field::show).post(field::send))
        .route("/console/reports/messages/{message}/read", post(messages::read))
        .route("/console/reports/messages/{message}/contact", post(messages::contact))
        .route("/console/reports/{id}", get(show))
        .route("/console/reports/{id}/decide", post(acts::decide))
        .route("/console/reports/{id}/merge", post(acts::merge))
        .route("/console/reports/{id}/place", post(acts::place))
        .route("/console/reports/{id}/incident", post(acts::incident))
        .route("/console/reports/words/{report}/split", post(acts::split))
        .route("/console/reports/words/{report}/contact", post(acts::contact))
        .route("/console/reports/words/{report}/photographs/{photograph}", get(photograph))
        .route("/console/reports/words/{report}/photographs/{photograph}/remove", post(acts::remove_photograph))
}

#[derive(Template)]
#[template(path = "reports.html")]
struct QueuePage {
    f: Frame,
    rows: Vec<Line>,
    counts: Vec<(Filter, i64)>,
    shown: Filter,
    kind: String,
    page: i64,
    has_more: bool,
    /// Messages that nobody has read, and how many there are in all.
    strays: Vec<Stray>,
    unread: i64,
    /// The telephone of one of them, just asked for.
    telephone: Option<(Uuid, String)>,
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    show: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    page: i64,
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    queue_page(&app, v, wanted, None).await
}

async fn queue_page(
    app: &App,
    v: View,
    wanted: Wanted,
    telephone: Option<(Uuid, String)>,
) -> Result<Response, ApiError> {
    let shown = if wanted.show.is_empty() { Filter::New } else { known("show", &wanted.show)? };
    let kind = if wanted.kind.is_empty() { String::new() } else { known::<Kind>("kind", &wanted.kind)?.to_string() };
    let at = wanted.page.clamp(0, 10_000);
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "reports").await?;
    let mut rows = queue::list(&mut conn, shown, &kind, (PAGE + 1, at * PAGE)).await?;
    let has_more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let found = queue::counts(&mut conn).await?;
    let count = |filter: &Filter| match filter {
        Filter::All => found.iter().map(|(_, count)| count).sum(),
        other => found.iter().find(|(state, _)| state == other.as_str()).map_or(0, |(_, count)| *count),
    };
    let counts = Filter::ALL.iter().map(|filter| (*filter, count(filter))).collect();
    let (strays, unread) = stray::unread(&mut conn).await?;
    page(&QueuePage { f, rows, counts, shown, kind, page: at, has_more, strays, unread, telephone })
}

/// A word of a vocabulary in a query or a form.
fn known<T: std::str::FromStr<Err = crate::units::UnknownWord>>(field: &str, word: &str) -> Result<T, ApiError> {
    word.parse().map_err(|error: crate::units::UnknownWord| ApiError::field(field, word, error.to_string()))
}

/// One person's words as the page tells them.
struct Words {
    r: Told,
    photographs: Vec<Photograph>,
    because: String,
    reasons: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "occurrence.html")]
struct OccurrencePage {
    f: Frame,
    o: Occurrence,
    words: Vec<Words>,
    lines: Vec<told::Event>,
    neighbours: Vec<Neighbour>,
    map: Markup,
    /// Somebody's way back, just read.
    contact: Option<(Uuid, String)>,
    may_decide: bool,
    /// Where a person put it.
    placing: Option<Placing>,
    /// What was looked for in the register, and what it knows of that.
    find: String,
    candidates: Vec<Candidate>,
    bounds: String,
}

impl OccurrencePage {
    fn is(&self, state: &str) -> bool {
        self.o.state == state
    }

    /// Somebody is looking for its address.
    fn is_looking(&self) -> bool {
        self.f.v.here.contains("find=")
    }

    /// It is open, and nobody knows it well enough to go there.
    fn is_lost(&self) -> bool {
        self.o.precision_m.is_none_or(|metres| metres > EXACT_M)
    }

    /// What it would be called as an incident.
    fn title(&self) -> String {
        let kind = self.f.v.word("report-kind", &self.o.kind);
        let place = self.words.iter().map(|words| words.r.place.as_str()).find(|place| !place.is_empty());
        let title = place.map_or_else(|| kind.clone(), |place| format!("{kind} · {place}"));
        title.chars().take(200).collect()
    }
}

/// What a page shows beside the occurrence itself.
#[derive(Default)]
struct Shown {
    contact: Option<(Uuid, String)>,
    /// What to look for in the register of addresses.
    find: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Looking {
    find: Option<String>,
}

async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<Uuid>,
    Query(looking): Query<Looking>,
) -> Result<Response, ApiError> {
    let find = looking.find.map(|find| find.chars().take(MAX_PLACE).collect());
    occurrence_page(&app, v, id, Shown { find, ..Shown::default() }).await
}

/// What the register knows of the words that were looked for, or of those that the reports have for the place.
async fn candidates(
    conn: &mut PgConnection,
    words: &[Words],
    find: Option<&str>,
) -> sqlx::Result<(String, Vec<Candidate>)> {
    let given = || words.iter().map(|words| words.r.place.trim()).find(|place| !place.is_empty());
    let Some(text) = find.map(str::trim).or_else(given).filter(|text| !text.is_empty()) else {
        return Ok((String::new(), Vec::new()));
    };
    let candidates = match place::coordinates(text) {
        Some((lon, lat)) => {
            let label = format!("{}, {}", told::degrees(&lat), told::degrees(&lon));
            vec![Candidate { label, spot: Spot { lon, lat, precision_m: place::TYPED_M }, how: How::Coordinates }]
        }
        None => addresses::suggest(conn, text).await?,
    };
    Ok((text.to_owned(), candidates))
}

async fn occurrence_page(app: &App, v: View, id: Uuid, shown: Shown) -> Result<Response, ApiError> {
    let Shown { contact, find } = shown;
    let mut conn = app.db.web.acquire().await?;
    let o = queue::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("occurrence {id}")))?;
    let f = Frame::load(&mut conn, app, v, "reports").await?;
    let reports = queue::reports(&mut conn, id).await?;
    let mut pictures = photographs::of_occurrence(&mut conn, id).await?;
    let words = reports.into_iter().map(|mut r| {
        // Whoever asked for it reads that it is gone, too.
        r.has_contact |= told::is_for(&contact, &r.id);
        let own = pictures.extract_if(.., |picture| picture.report == r.id).collect();
        let (because, reasons) = (told::because(&f.v, &r.because), told::reasons(&f.v, &r.reasons));
        Words { r, photographs: own, because, reasons }
    });
    let words: Vec<Words> = words.collect();
    let lines = queue::timeline(&mut conn, id).await?.iter().map(|line| told::event(&f.v, line)).collect();
    let neighbours = queue::neighbours(&mut conn, id, f.v.now).await?;
    let mark = o.lon.zip(o.lat);
    let map = match mark {
        Some(_) => drawing::map(&mut conn, &f.v, MapWish { mark, ..MapWish::default() }).await?,
        None => Markup::default(),
    };
    let may_decide = f.v.may(Permission::RunIncidents);
    let placing = placing::of(&mut conn, id).await?;
    let (find, candidates) = candidates(&mut conn, &words, find.as_deref()).await?;
    let bounds = drawing::bounds_json(&mut conn).await?;
    page(&OccurrencePage {
        f,
        o,
        words,
        lines,
        neighbours,
        map,
        contact,
        may_decide,
        placing,
        find,
        candidates,
        bounds,
    })
}

async fn photograph(
    State(app): State<App>,
    Path((report, id)): Path<(Uuid, Uuid)>,
    StrictQuery(query): StrictQuery<SizeQuery>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = photographs::file(&mut conn, report, id, query.size == Size::Thumbnail).await?;
    let bytes = found.ok_or_else(|| ApiError::NotFound("the photograph".into()))?;
    Ok(picture(id, bytes))
}
