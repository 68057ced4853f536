//! What people reported: the queue, and one occurrence with all words, photographs and reasons, and what may be done with it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

pub(in crate::web::pages) mod acts;
mod field;
mod messages;
pub(in crate::web::pages) mod told;
pub(in crate::web::pages) mod work;

use super::drawing::{self, MapWish};
use super::frame::Frame;
use super::page;
use super::view::{Markup, View};
use crate::accounts::Permission;
use crate::addresses::{Candidate, How, store as addresses};
use crate::app::App;
use crate::occurrences::parent::Proposal;
use crate::occurrences::store::{self, Work, origin};
use crate::occurrences::{AT_WORK, Need, Priority, desk};
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
        .route("/console/reports/{id}/unmerge", post(work::unmerge))
        .route("/console/reports/{id}/priority", post(work::priority))
        .route("/console/reports/{id}/assess", post(work::assess))
        .route("/console/reports/{id}/assign", post(work::assign))
        .route("/console/reports/{id}/attach", post(work::attach))
        .route("/console/reports/{id}/detach", post(work::detach))
        .route("/console/reports/{id}/note", post(work::note))
        .route("/console/reports/{id}/photographs/{photograph}", get(held_photograph))
        .route("/console/reports/{id}/photographs/{photograph}/remove", post(work::remove_photograph))
        .route("/console/reports/{id}/place", post(acts::place))
        .route("/console/reports/{id}/incident", post(acts::incident))
        .route("/console/reports/words/{report}/split", post(acts::split))
        .route("/console/reports/{id}/split", post(acts::split_many))
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
    /// Where a report of the desk came from.
    origin: String,
}

#[derive(Template)]
#[template(path = "occurrence.html")]
struct OccurrencePage {
    f: Frame,
    o: Occurrence,
    words: Vec<Words>,
    /// What the desk added.
    w: Work,
    /// Why it is so urgent by the rule, each with its points.
    priority: Vec<(String, i32)>,
    /// Open incidents it may be part of, with what speaks for each.
    parents: Vec<(Proposal, String)>,
    lines: Vec<told::Event>,
    /// Photographs of staff; those of residents stand with their words.
    held: Vec<crate::incidents::photographs::Photograph>,
    /// A note that could not be kept, with why.
    halted: Halted,
    neighbours: Vec<Neighbour>,
    map: Markup,
    /// Somebody's way back, just read.
    contact: Option<(Uuid, String)>,
    may_decide: bool,
    may_write: bool,
    /// Where a person put it.
    placing: Option<Placing>,
    /// Who was sent, and what is asked for.
    teams: Markup,
    /// What was looked for in the register, and what it knows of that.
    find: String,
    candidates: Vec<Candidate>,
    bounds: String,
}

impl OccurrencePage {
    fn is(&self, state: &str) -> bool {
        self.o.state == state
    }

    /// It is still worked on.
    fn is_at_work(&self) -> bool {
        AT_WORK.iter().any(|state| state.as_str() == self.o.state)
    }

    /// What is reported there still belongs to it.
    fn is_open(&self) -> bool {
        crate::occurrences::desk::is_open(&self.o.state)
    }

    fn has_need(&self, need: &Need) -> bool {
        self.w.needs.iter().any(|word| word == need.as_str())
    }

    fn me(&self) -> &str {
        self.f.v.staff.as_ref().map_or("", |staff| staff.username.as_str())
    }

    fn is_mine(&self) -> bool {
        self.w.assignee.as_deref() == Some(self.me())
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
    halted: Halted,
}

/// What was typed as a note and could not be kept, and why.
#[derive(Default)]
struct Halted {
    text: String,
    wrong: String,
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
    let Shown { contact, find, halted } = shown;
    let mut conn = app.db.web.acquire().await?;
    let o = queue::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("occurrence {id}")))?;
    let f = Frame::load(&mut conn, app, v, "reports").await?;
    let reports = queue::reports(&mut conn, id).await?;
    let came = origin::of(&mut conn, id).await?;
    let w = store::work(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("occurrence {id}")))?;
    let mut pictures = photographs::of_occurrence(&mut conn, id).await?;
    let words = reports.into_iter().map(|mut r| {
        // Whoever asked for it reads that it is gone, too.
        r.has_contact |= told::is_for(&contact, &r.id);
        let own = pictures.extract_if(.., |picture| picture.report == r.id).collect();
        let (because, reasons) = (told::because(&f.v, &r.because), told::reasons(&f.v, &r.reasons));
        let origin = came.iter().find(|came| came.report_id == r.id);
        let origin = origin.map(|came| told::origin(&f.v, &came.kind, &came.detail)).unwrap_or_default();
        Words { r, photographs: own, because, reasons, origin }
    });
    let words: Vec<Words> = words.collect();
    let held = store::photographs::list(&mut conn, id).await?;
    let standing: Vec<Uuid> = held.iter().filter(|one| one.removed_at.is_none()).map(|one| one.id).collect();
    let lines = told::events(&f.v, &queue::timeline(&mut conn, id).await?, &standing);
    let is_alone = o.incident_id.is_none() && AT_WORK.iter().any(|state| state.as_str() == o.state);
    let parents = if is_alone { desk::parents(&mut conn, id).await? } else { Vec::new() };
    let parents = parents.into_iter().map(|one| {
        let because = told::parent(&f.v, &one);
        (one, because)
    });
    let (parents, priority) = (parents.collect(), told::priority_reasons(&f.v, &w.priority_reasons));
    let neighbours = queue::neighbours(&mut conn, id, f.v.now).await?;
    let mark = o.lon.zip(o.lat);
    let map = match mark {
        Some(_) => drawing::map(&mut conn, &f.v, MapWish { mark, ..MapWish::default() }).await?,
        None => Markup::default(),
    };
    let may_decide = f.v.may(Permission::RunIncidents);
    let may_write = f.v.may(Permission::ReportField);
    let placing = placing::of(&mut conn, id).await?;
    let (find, candidates) = candidates(&mut conn, &words, find.as_deref()).await?;
    let bounds = drawing::bounds_json(&mut conn).await?;
    let is_at_work = AT_WORK.iter().any(|state| state.as_str() == o.state);
    let teams = super::teams::panel::of_occurrence(&mut conn, &f.v, id, is_at_work).await?;
    page(&OccurrencePage {
        f,
        o,
        words,
        w,
        priority,
        parents,
        lines,
        held,
        halted,
        neighbours,
        map,
        contact,
        may_decide,
        may_write,
        placing,
        teams,
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

/// A photograph of staff.
async fn held_photograph(
    State(app): State<App>,
    Path((occurrence, id)): Path<(Uuid, Uuid)>,
    StrictQuery(query): StrictQuery<SizeQuery>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::photographs::file(&mut conn, occurrence, id, query.size == Size::Thumbnail).await?;
    let bytes = found.ok_or_else(|| ApiError::NotFound("the photograph".into()))?;
    Ok(picture(id, bytes))
}
