//! Occurrences at work: as a list, on the map, and on the board, with filters that are links; and as a file.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;

mod filters;
mod intake;

use super::drawing::{self, MapWish, Mark};
use super::frame::Frame;
use super::page;
use super::reports::told;
use super::view::{Markup, View};
use crate::accounts::Permission;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::occurrences::store::list::{self, Counts, Line, Spot, Wish};
use crate::occurrences::{AT_WORK, Age, EVERY, Priority, Show, csv};
use crate::reports::{Kind, State as Standing};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use filters::{Filters, Wanted};

/// Lines of one page.
const PAGE: i64 = 100;
/// Cards of one column of the board.
const COLUMN: i64 = 25;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/occurrences", get(show))
        .route("/console/occurrences.csv", get(export))
        .route("/console/occurrences/new", get(intake::show).post(intake::send))
}

/// A column of the board.
struct Column {
    state: Standing,
    count: i64,
    cards: Vec<Line>,
}

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesPage {
    f: Frame,
    q: Filters,
    show: Show,
    states: Vec<(Option<Standing>, i64)>,
    priorities: Vec<(Priority, i64)>,
    total: i64,
    rows: Vec<Line>,
    next: Option<String>,
    columns: Vec<Column>,
    map: Markup,
    /// Occurrences that nobody has put anywhere.
    lost: i64,
    areas: Vec<(String, String)>,
    hazards: Vec<(String, String)>,
    may_run: bool,
}

impl CasesPage {
    /// The whole of a column, as a list.
    fn column_link(&self, state: &Standing) -> String {
        Filters { show: Show::List, ..self.q.clone() }.link("state", state.as_str())
    }
}

async fn show(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let me = v.staff.as_ref().map(|staff| staff.username.clone()).unwrap_or_default();
    let q = Filters::read(wanted)?;
    let (wish, show) = (q.wish(&me), q.show);
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "cases").await?;
    let now = f.v.now;
    let counts = list::counts(&mut conn, &Wish { states: EVERY.to_vec(), priority: None, ..wish.clone() }, now).await?;
    let by_priority = list::counts(&mut conn, &Wish { priority: None, ..wish.clone() }, now).await?;
    let total = match wish.priority {
        Some(priority) => by_priority.of_priority(priority),
        None => by_priority.all(),
    };
    let (mut rows, mut columns, mut map, mut lost, mut next) = (Vec::new(), Vec::new(), Markup::default(), 0, None);
    match show {
        Show::List => (rows, next) = lines(&mut conn, &q, &wish, now).await?,
        Show::Board => columns = board(&mut conn, &wish, now).await?,
        Show::Map => {
            let (spots, without) = list::spots(&mut conn, &wish, now).await?;
            let marks: Vec<Mark> = spots.iter().map(|spot| mark(&f.v, &q, spot)).collect();
            map = drawing::map(&mut conn, &f.v, MapWish { marks: &marks, ..MapWish::default() }).await?;
            lost = without;
        }
    }
    let areas = filters::areas(&mut conn).await?;
    let hazards = filters::hazards(&mut conn).await?;
    page(&CasesPage {
        states: states(&counts),
        priorities: Priority::ALL.into_iter().map(|one| (one, by_priority.of_priority(one))).collect(),
        may_run: f.v.may(Permission::RunIncidents),
        f,
        q,
        show,
        total,
        rows,
        next,
        columns,
        map,
        lost,
        areas,
        hazards,
    })
}

fn states(counts: &Counts) -> Vec<(Option<Standing>, i64)> {
    let at_work = [(None, counts.of_states(&AT_WORK))];
    at_work.into_iter().chain(EVERY.map(|state| (Some(state), counts.of_state(state)))).collect()
}

/// One page of the list, and the address of the next.
async fn lines(
    conn: &mut sqlx::PgConnection,
    q: &Filters,
    wish: &Wish,
    now: crate::clock::Instant,
) -> sqlx::Result<(Vec<Line>, Option<String>)> {
    let mut rows = list::lines(conn, wish, now, q.after, PAGE + 1).await?;
    let has_more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let next = rows.last().filter(|_| has_more).map(|last| q.link("after", last.cursor().to_string()));
    Ok((rows, next))
}

/// The columns of what is at work, or of the one state that is asked for.
async fn board(conn: &mut sqlx::PgConnection, wish: &Wish, now: crate::clock::Instant) -> sqlx::Result<Vec<Column>> {
    let counts = list::counts(&mut *conn, wish, now).await?;
    let mut columns = Vec::with_capacity(wish.states.len());
    for state in wish.states.iter().copied() {
        let one = Wish { states: vec![state], ..wish.clone() };
        let cards = list::lines(&mut *conn, &one, now, None, COLUMN).await?;
        columns.push(Column { state, count: counts.of_state(state), cards });
    }
    Ok(columns)
}

fn mark(v: &View, q: &Filters, spot: &Spot) -> Mark {
    let urgent = v.t(&format!("priority-{}", spot.priority));
    let (href, label) = match spot.id {
        Some(id) => (format!("/console/reports/{id}"), v.t1("cases-mark-one", "priority", urgent)),
        None => {
            let [west, south, east, north] = spot.square;
            let within = format!("{west:.6},{south:.6},{east:.6},{north:.6}");
            (q.within(&within), v.t2("cases-mark", "n", spot.count, "priority", urgent))
        }
    };
    Mark { lon: spot.lon, lat: spot.lat, count: spot.count, priority: spot.priority, href, label }
}

async fn export(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let q = Filters::read(wanted)?;
    let wish = q.wish(&staff.username);
    let mut tx = app.db.web.begin().await?;
    let rows = list::lines(&mut tx, &wish, v.now, None, csv::MOST + 1).await?;
    if rows.len() > csv::MOST as usize {
        return Err(ApiError::bad(v.t1("cases-too-many", "n", v.count(csv::MOST))));
    }
    let entry = Entry::new(Act::OccurrencesExport, "occurrences", "csv");
    let entry = entry.to(json!({ "rows": rows.len(), "filters": q.query() }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    let mut body = String::from(csv::HEAD);
    rows.iter().for_each(|row| body.push_str(&csv::line(row, v.tz)));
    let name =
        format!("attachment; filename=\"ocorrencias-{}.csv\"", v.now.with_timezone(&v.tz).format("%Y-%m-%d-%H%M"));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}
