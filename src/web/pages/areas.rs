//! Risk areas: level, reasons, and how each came there.

mod compared;
mod editor;
mod importing;
mod versions;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::drawing::{self, MapWish};
use super::frame::Frame;
use super::page;
use super::reasons::{self, Line};
use super::stations::Chart;
use super::view::{Markup, View};
use crate::app::App;
use crate::clock::Instant;
use crate::ids::AreaId;
use crate::morning::words::Page;
use crate::stations::health::blind::blindness;
use crate::units::Level;
use crate::web::error::ApiError;
use crate::web::situation::{self, Pair};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/areas", get(list))
        .route("/console/areas/{id}", get(show))
        .route("/console/area-versions", get(versions::waiting))
        .route("/console/area-versions/{code}", get(versions::list))
        .route("/console/area-versions/{code}/{number}", get(versions::show).post(versions::act))
        .route("/console/area-editor", get(editor::open).post(editor::save))
        .route("/console/area-imports", get(importing::open).post(importing::send))
        .route("/console/area-imports/{id}", get(importing::preview).post(importing::act))
}

#[derive(Template)]
#[template(path = "areas.html")]
struct AreasPage {
    f: Frame,
    level: Option<Level>,
    /// Only areas that no gauge speaks for, each with why.
    only_blind: bool,
    blind: usize,
    rows: Vec<(Pair, Option<Line>, Option<String>)>,
}

#[derive(Deserialize)]
struct Wanted {
    level: Option<String>,
    blind: Option<String>,
}

/// Why no gauge speaks for the pair, in words; none when one does, or no rule asks.
fn darkness(v: &View, pair: &Pair) -> Option<String> {
    let blind = pair.is_judged().then(|| blindness(pair.level, &pair.reasons)).flatten()?;
    let day = v.now.with_timezone(&v.tz).date_naive();
    Some(Page { lang: v.lang, tz: v.tz, town: &v.town, day, address: "" }.blindness(&blind))
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "areas").await?;
    let level = wanted.level.and_then(|level| level.parse::<Level>().ok());
    let pairs = situation::pairs(&mut conn, None).await?;
    let only_blind = wanted.blind.is_some();
    let told: Vec<(Pair, Option<String>)> =
        pairs.into_iter().map(|pair| (darkness(&f.v, &pair), pair)).map(|(dark, pair)| (pair, dark)).collect();
    let blind = told.iter().filter(|(_, dark)| dark.is_some()).count();
    let rows = told
        .into_iter()
        .filter(|(pair, _)| level.is_none_or(|level| pair.level == level))
        .filter(|(_, dark)| !only_blind || dark.is_some())
        .map(|(pair, dark)| {
            let line = reasons::lines(&f.v, &pair.reasons, 1).pop();
            (pair, line, dark)
        })
        .collect();
    page(&AreasPage { level, only_blind, blind, rows, f })
}

struct Shown {
    pair: Pair,
    hazard: String,
    lines: Vec<Line>,
    rule: String,
    /// Why no gauge speaks for it; none when one does.
    dark: Option<String>,
}

/// One change of level in the past.
struct Step {
    at: Instant,
    cobrade: String,
    /// The instant as a query takes it.
    exact: String,
    hazard: String,
    from: Level,
    to: Level,
    line: Option<Line>,
    rule: String,
}

#[derive(Template)]
#[template(path = "area.html")]
struct AreaPage {
    f: Frame,
    id: AreaId,
    name: String,
    code: String,
    grade: String,
    retired: bool,
    shown: Vec<Shown>,
    chart: Option<Chart>,
    steps: Vec<Step>,
    map: Markup,
    alerts: Vec<(uuid::Uuid, String)>,
}

async fn show(State(app): State<App>, v: View, Path(id): Path<i64>) -> Result<Response, ApiError> {
    let id = AreaId(id);
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "areas").await?;
    let area =
        sqlx::query!(r#"select code, name, retired_at is not null as "retired!" from risk_area where id = $1"#, id.0)
            .fetch_optional(&mut *conn)
            .await?
            .ok_or_else(|| ApiError::NotFound(format!("area {id}")))?;
    let pairs = situation::pairs(&mut conn, Some(id)).await?;
    let lead = pairs.iter().flat_map(|pair| &pair.reasons).flat_map(|reason| &reason.stations).find(|s| s.fresh);
    let lead = lead.map(|station| station.code.clone());
    let chart = super::stations::chart_of(&mut conn, &f.v, lead.as_deref(), &pairs).await?;
    let wish = MapWish { chosen: &[id], zoom_to_chosen: true, link: "/console/areas/", ..MapWish::default() };
    let map = drawing::map(&mut conn, &f.v, wish).await?;
    let steps = steps(&mut conn, &f.v, id).await?;
    let alerts = sqlx::query!(
        r#"select a.id, coalesce(a.number || ' · ', '') || a.headline as "title!" from alert a
           join alert_area aa on aa.alert_id = a.id
           where aa.area_id = $1 and a.state in ('draft', 'submitted', 'issued') order by a.created_at desc limit 10"#,
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    page(&AreaPage {
        id,
        name: area.name,
        code: area.code,
        retired: area.retired,
        grade: pairs.iter().map(|pair| pair.grade.clone()).max().unwrap_or_default(),
        chart,
        steps,
        map,
        alerts: alerts.into_iter().map(|row| (row.id, row.title)).collect(),
        shown: pairs
            .into_iter()
            .map(|pair| Shown {
                hazard: f.v.hazard(&pair.cobrade),
                lines: reasons::lines(&f.v, &pair.reasons, 6),
                rule: super::now::rule(pair.rule_id.as_deref(), pair.rule_version),
                dark: darkness(&f.v, &pair),
                pair,
            })
            .collect(),
        f,
    })
}

async fn steps(conn: &mut sqlx::PgConnection, v: &View, id: AreaId) -> sqlx::Result<Vec<Step>> {
    let rows = sqlx::query!(
        r#"select at, cobrade, from_level, to_level, rule_id, rule_version,
                  reasons as "reasons: sqlx::types::Json<Vec<crate::risk::reason::Reason>>"
           from level_transition where area_id = $1 order by at desc, id desc limit 60"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Step {
            at: row.at,
            exact: row.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            cobrade: row.cobrade.clone(),
            hazard: v.hazard(&row.cobrade),
            from: row.from_level.parse().unwrap_or(Level::Unknown),
            to: row.to_level.parse().unwrap_or(Level::Unknown),
            line: reasons::lines(v, &row.reasons.0, 1).pop(),
            rule: super::now::rule(Some(&row.rule_id), Some(row.rule_version)),
        })
        .collect())
}
