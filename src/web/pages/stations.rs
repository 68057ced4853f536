//! Stations: who reports, who is silent, and what fell at each.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::TimeDelta;
use serde::Deserialize;
use sqlx::PgConnection;

use super::drawing::hyetograph;
use super::frame::Frame;
use super::maintenance::{self, Told};
use super::page;
use super::station_history::{self, Choice, History, Span, Together};
use super::view::{Markup, View};
use crate::app::App;
use crate::clock::Instant;
use crate::risk::reason::MeasureKind;
use crate::stations::health::store::{self as health, ClockRow};
use crate::stations::health::tasks;
use crate::web::error::ApiError;
use crate::web::situation::{self, Pair, StationNow};

pub fn routes() -> Router<App> {
    Router::new().route("/console/stations", get(list)).route("/console/stations/{code}", get(show))
}

/// The rain of a station over the last day.
pub struct Chart {
    pub name: String,
    pub svg: Markup,
    pub from: Instant,
    pub middle: Instant,
    pub bin_min: i64,
    pub total: f64,
    pub hour: Option<f64>,
    pub limit: Option<f64>,
    pub fresh: bool,
}

/// The chart of a station's rain; `None` when the station has no stream of sums.
pub async fn chart_of(
    conn: &mut PgConnection,
    v: &View,
    code: Option<&str>,
    pairs: &[Pair],
) -> sqlx::Result<Option<Chart>> {
    let Some(code) = code else { return Ok(None) };
    let streams = situation::stations(&mut *conn, v.now, Some(code)).await?;
    let Some(rain) = streams.into_iter().find(|stream| stream.quantity == "rain" && stream.kind != "instantaneous")
    else {
        return Ok(None);
    };
    let fine = situation::hyetograph(&mut *conn, v.now, rain.datastream_id, 30).await?;
    // Stations that report hourly leave every second half-hour empty: bars of an hour then say the same without holes.
    let measured = fine.iter().filter(|bin| bin.measured).count();
    let (bins, bin_min) = if measured > 30 {
        (fine, 30)
    } else {
        (situation::hyetograph(conn, v.now, rain.datastream_id, 60).await?, 60)
    };
    let limit = limit_24h(pairs, code);
    Ok(Some(Chart {
        svg: hyetograph(v, &bins, limit),
        name: rain.name,
        from: v.now - TimeDelta::hours(24),
        middle: v.now - TimeDelta::hours(12),
        bin_min,
        total: bins.iter().map(|bin| bin.value).sum(),
        hour: rain.sum_1h,
        limit,
        fresh: rain.fresh,
    }))
}

/// The highest limit on 24 hours that any area holds against this station.
fn limit_24h(pairs: &[Pair], code: &str) -> Option<f64> {
    let reasons = pairs.iter().flat_map(|pair| &pair.reasons);
    let of_station = reasons.filter(|reason| {
        reason.window_min == Some(24 * 60)
            && reason.measure == MeasureKind::Sum
            && reason.stations.iter().any(|station| station.code == code)
    });
    of_station.map(|reason| reason.threshold.to_f64()).reduce(f64::max)
}

#[derive(Template)]
#[template(path = "stations.html")]
struct StationsPage {
    f: Frame,
    rows: Vec<StationNow>,
    /// Filter by health: "silent", "faulty", "battery", or empty.
    chosen: &'static str,
    silent: usize,
    faulty: usize,
    battery: usize,
    tasks: i64,
    faults: Vec<Told>,
    quarantined: i64,
}

impl StationsPage {
    /// The open faults of one row: of its stream, or of the station's devices.
    fn faults_of(&self, row: &StationNow) -> Vec<&Told> {
        let of_row = |told: &&Told| told.row.station == row.code && told.is_about(&row.stream);
        self.faults.iter().filter(of_row).collect()
    }
}

fn stations_with(faults: &[Told], is_meant: impl Fn(&Told) -> bool) -> BTreeSet<String> {
    faults.iter().filter(|told| is_meant(told)).map(|told| told.row.station.clone()).collect()
}

#[derive(Deserialize)]
struct Wanted {
    silent: Option<String>,
    health: Option<String>,
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "stations").await?;
    let mut rows = situation::stations(&mut conn, f.v.now, None).await?;
    let silent = rows.iter().filter(|row| !row.fresh).count();
    let faults = health::faults(&mut conn, None, f.v.now).await?;
    let faults: Vec<Told> = faults.into_iter().map(|row| maintenance::told(&f.v, row)).collect();
    let doubtful = stations_with(&faults, |told| told.row.kind != "silent" && told.row.kind != "never_heard");
    let weak = stations_with(&faults, |told| told.row.kind == "battery_low");
    let (faulty, battery) = (doubtful.len(), weak.len());
    let chosen = match wanted.health.as_deref() {
        _ if wanted.silent.is_some() => "silent",
        Some("faulty") => "faulty",
        Some("battery") => "battery",
        _ => "",
    };
    rows.retain(|row| match chosen {
        "silent" => !row.fresh,
        "faulty" => doubtful.contains(&row.code),
        "battery" => weak.contains(&row.code),
        _ => true,
    });
    let tasks = tasks::count_open(&mut conn).await?;
    let quarantined = sqlx::query_scalar!(
        r#"select count(*) as "rows!" from quarantine where received_at > $1"#,
        f.v.now - TimeDelta::hours(24)
    )
    .fetch_one(&mut *conn)
    .await?;
    page(&StationsPage { f, rows, chosen, silent, faulty, battery, tasks, faults, quarantined })
}

#[derive(Template)]
#[template(path = "station.html")]
struct StationPage {
    f: Frame,
    name: String,
    code: String,
    streams: Vec<StationNow>,
    areas: Vec<Pair>,
    faults: Vec<Told>,
    clocks: Vec<ClockRow>,
    history: History,
}

#[derive(Deserialize)]
struct Look {
    range: Option<String>,
    window: Option<String>,
}

impl Look {
    /// What cannot be read is as if it were not there.
    fn choice(&self) -> Choice {
        Choice {
            span: self.range.as_deref().and_then(|word| word.parse().ok()).unwrap_or(Span::Day),
            together: self.window.as_deref().and_then(|word| word.parse().ok()),
        }
    }
}

async fn show(
    State(app): State<App>,
    v: View,
    Path(code): Path<String>,
    Query(look): Query<Look>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "stations").await?;
    let streams = situation::stations(&mut conn, f.v.now, Some(&code)).await?;
    let Some(first) = streams.first() else { return Err(ApiError::NotFound(format!("station {code:?}"))) };
    let name = first.name.clone();
    let pairs = situation::pairs(&mut conn, None).await?;
    let history = station_history::load(&app, &mut conn, &f.v, &code, look.choice()).await?;
    let feeds =
        |pair: &Pair| pair.reasons.iter().any(|reason| reason.stations.iter().any(|station| station.code == code));
    let areas = pairs.into_iter().filter(feeds).collect();
    let faults = health::faults(&mut conn, Some(&code), f.v.now - TimeDelta::days(7)).await?;
    let faults = faults.into_iter().map(|row| maintenance::told(&f.v, row)).collect();
    let clocks = health::clocks(&mut conn, &code, f.v.now).await?;
    page(&StationPage { f, name, code, streams, areas, faults, clocks, history })
}
