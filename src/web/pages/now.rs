//! The night on one page: the map in the middle, and beside it only what needs somebody, worst first.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use sqlx::PgConnection;

use super::drawing::{self, MapWish};
use super::frame::Frame;
use super::page;
use super::reasons::{self, Line};
use super::view::{Markup, View};
use super::warnings::Card;
use super::warnings::own::{self, NoticeCard};
use crate::app::App;
use crate::clock::Instant;
use crate::ids::AlertId;
use crate::risk::reason::Reason;
use crate::stations::health::blind::blindness;
use crate::units::Level;
use crate::web::delivery::{self, Progress};
use crate::web::error::ApiError;
use crate::web::situation::{self, Pair};

pub fn routes() -> Router<App> {
    Router::new().route("/console", get(now))
}

#[derive(Template)]
#[template(path = "now.html")]
struct NowPage {
    f: Frame,
    map: Markup,
    bounds: String,
    version: String,
    drafts: Vec<DraftCard>,
    /// Areas that rose without a draft waiting or an alert in force.
    risen: Vec<RisenCard>,
    blind: Option<BlindCard>,
    deliveries: Vec<DeliveryCard>,
    active: Vec<ActiveLine>,
    /// What others warn this town of.
    outside: Vec<Card>,
    /// Warnings that changed while an alert of ours is based on them.
    bases: Vec<NoticeCard>,
    strip: Option<super::stations::Chart>,
    /// Nothing has been imported yet.
    bare: bool,
}

impl NowPage {
    fn waiting(&self) -> usize {
        self.drafts.len()
            + self.bases.len()
            + self.risen.len()
            + usize::from(self.blind.is_some())
            + self.deliveries.len()
    }
}

struct DraftCard {
    id: AlertId,
    kind: String,
    level: Level,
    hazard: String,
    areas: String,
    created_at: Instant,
    lines: Vec<Line>,
    rule: String,
}

struct RisenCard {
    pair: Pair,
    hazard: String,
    lines: Vec<Line>,
}

struct BlindCard {
    areas: usize,
    hazards: String,
    names: String,
    stations: String,
    since: Option<Instant>,
}

struct DeliveryCard {
    id: AlertId,
    number: String,
    issued_at: Instant,
    progress: Progress,
    bar: Markup,
}

struct ActiveLine {
    id: AlertId,
    number: String,
    level: Level,
    headline: String,
    expires_at: Instant,
}

async fn now(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "now").await?;
    let pairs = situation::pairs(&mut conn, None).await?;
    let drafts = drafts(&mut conn, &f.v).await?;
    let covered = covered(&mut conn).await?;
    let wish = MapWish { link: "/console/areas/", ..MapWish::default() };
    let lead = pairs.iter().find(|pair| pair.level > Level::Normal).and_then(|pair| pair.reasons.first());
    let lead = lead.and_then(|reason| reason.stations.first()).map(|station| station.code.clone());
    let outside = super::warnings::for_us(&mut conn, &f.v).await?;
    let map = drawing::map(&mut conn, &f.v, wish).await?;
    page(&NowPage {
        map: super::warnings::overlay(&mut conn, &f.v, map, &outside).await?,
        bases: own::notices(&mut conn).await?,
        bounds: drawing::bounds_json(&mut conn).await?,
        version: situation::level_version(&mut conn).await?,
        risen: risen(&f.v, &pairs, &covered, app.config.alerts.draft_from),
        blind: blind(&f.v, &pairs),
        deliveries: deliveries(&mut conn, &f.v).await?,
        active: active(&mut conn).await?,
        outside,
        strip: super::stations::chart_of(&mut conn, &f.v, lead.as_deref(), &pairs).await?,
        bare: pairs.is_empty(),
        drafts,
        f,
    })
}

/// Drafts, worst level first, then oldest first.
async fn drafts(conn: &mut PgConnection, v: &View) -> sqlx::Result<Vec<DraftCard>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: AlertId", a.kind, a.level, a.cobrade, a.created_at, a.rule_id, a.rule_version,
                  a.reasons as "reasons: sqlx::types::Json<Vec<Reason>>",
                  array(select name from alert_target where alert_id = a.id order by name) as "areas!"
           from alert a where a.state in ('draft', 'submitted') order by a.created_at limit 50"#
    )
    .fetch_all(conn)
    .await?;
    let mut cards: Vec<DraftCard> = rows
        .into_iter()
        .map(|row| DraftCard {
            id: row.id,
            level: row.level.parse().unwrap_or(Level::Unknown),
            hazard: v.hazard(&row.cobrade),
            areas: names(v, &row.areas, 4),
            created_at: row.created_at,
            lines: strongest(v, &row.reasons.0),
            rule: rule(row.rule_id.as_deref(), row.rule_version),
            kind: row.kind,
        })
        .collect();
    cards.sort_by_key(|card| std::cmp::Reverse(situation::rank(card.level)));
    Ok(cards)
}

/// The conditions that were met, each measure once, else the first two.
fn strongest(v: &View, reasons: &[Reason]) -> Vec<Line> {
    let mut seen = BTreeSet::new();
    let met: Vec<Reason> = reasons
        .iter()
        .filter(|reason| {
            reason.outcome == crate::risk::reason::Outcome::Met
                && seen.insert((reason.measure as u8, reason.window_min))
        })
        .cloned()
        .collect();
    reasons::lines(v, if met.is_empty() { reasons } else { &met }, 3)
}

pub fn rule(id: Option<&str>, version: Option<i32>) -> String {
    id.zip(version).map_or_else(String::new, |(id, version)| format!("{id} v{version}"))
}

/// "Bom Pastor, Costa Carvalho e mais 3".
pub fn names(v: &View, all: &[String], shown: usize) -> String {
    let first = all.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    if all.len() <= shown { first } else { v.t2("names-more", "names", first, "n", all.len() - shown) }
}

/// Pairs that an open alert speaks for.
async fn covered(conn: &mut PgConnection) -> sqlx::Result<BTreeSet<(i64, String)>> {
    let rows = sqlx::query!(
        "select distinct aa.area_id, a.cobrade from alert a join alert_area aa on aa.alert_id = a.id
         where a.state in ('draft', 'submitted', 'issued')"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.area_id, row.cobrade)).collect())
}

fn risen(v: &View, pairs: &[Pair], covered: &BTreeSet<(i64, String)>, from: Level) -> Vec<RisenCard> {
    let needs = |pair: &&Pair| pair.level >= from && !covered.contains(&(pair.area_id.0, pair.cobrade.clone()));
    let cards = pairs.iter().filter(needs).take(6);
    cards
        .map(|pair| RisenCard {
            hazard: v.hazard(&pair.cobrade),
            lines: strongest(v, &pair.reasons),
            pair: pair.clone(),
        })
        .collect()
}

/// A rule judges it and no gauge speaks, though it may keep the level it had.
fn is_mute(pair: &Pair) -> bool {
    pair.is_judged() && blindness(pair.level, &pair.reasons).is_some()
}

/// A level that was kept began before the silence.
fn dark_since(pair: &Pair) -> Option<Instant> {
    if pair.level == Level::Unknown {
        return pair.since_at;
    }
    blindness(pair.level, &pair.reasons)?.since
}

/// All blind areas on one card: ten cards saying the same would hide what matters.
fn blind(v: &View, pairs: &[Pair]) -> Option<BlindCard> {
    let blind: Vec<&Pair> = pairs.iter().filter(|pair| pair.level == Level::Unknown || is_mute(pair)).collect();
    let names: BTreeSet<&str> = blind.iter().map(|pair| pair.area_name.as_str()).collect();
    let hazards: BTreeSet<String> = blind.iter().map(|pair| v.hazard(&pair.cobrade)).collect();
    let reasons: Vec<Reason> = blind.iter().flat_map(|pair| pair.reasons.clone()).collect();
    let stations = reasons::silent_stations(&reasons);
    (!names.is_empty()).then(|| BlindCard {
        areas: names.len(),
        hazards: hazards.into_iter().collect::<Vec<_>>().join(", "),
        names: shorten(names.into_iter().map(str::to_owned).collect(), 5),
        stations: shorten(stations, 4),
        since: blind.iter().filter_map(|pair| dark_since(pair)).min(),
    })
}

fn shorten(names: Vec<String>, shown: usize) -> String {
    let more = names.len().saturating_sub(shown);
    let mut text = names.into_iter().take(shown).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" +{more}"));
    }
    text
}

/// Alerts on their way: issued within the hour, or with rows that wait. Nothing of one that ran out waits for an hour.
async fn deliveries(conn: &mut PgConnection, v: &View) -> sqlx::Result<Vec<DeliveryCard>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: AlertId", a.number as "number!", a.issued_at as "issued_at!" from alert a
           where a.issued_at > $1
              or (a.expires_at > $1 and delivery_is_open(a.id))
           order by a.issued_at desc limit 5"#,
        v.now - chrono::TimeDelta::hours(1)
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut cards = Vec::new();
    for row in rows {
        let progress = delivery::progress(&mut *conn, row.id).await?;
        if progress.total() == 0 {
            continue;
        }
        let bar = delivery::bar(v, &progress.all());
        cards.push(DeliveryCard { id: row.id, number: row.number, issued_at: row.issued_at, progress, bar });
    }
    Ok(cards)
}

async fn active(conn: &mut PgConnection) -> sqlx::Result<Vec<ActiveLine>> {
    let rows = sqlx::query!(
        r#"select id as "id: AlertId", number as "number!", level, headline, expires_at from alert
           where state = 'issued' order by issued_at desc limit 8"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ActiveLine {
            id: row.id,
            number: row.number,
            level: row.level.parse().unwrap_or(Level::Unknown),
            headline: row.headline,
            expires_at: row.expires_at,
        })
        .collect())
}
