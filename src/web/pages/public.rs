//! The public site: what is in force, where, what to do now, whom to call; then the map and every area by its level.

pub mod archive;
pub mod banner;
pub mod one;
pub mod service;

use askama::Template;
use askama::filters::{Html, escape};
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use sqlx::PgConnection;

pub use one::alert_page;

use super::drawing::{self, MapWish};
use super::page;
use super::view::{Markup, View};
use super::warnings::Card;
use crate::app::App;
use crate::clock::Instant;
use crate::picture::svg;
use crate::units::Level;
use crate::web::error::ApiError;
use crate::web::notices::status::{self, Status};
use crate::web::notices::{Notice, Standing, ground, steps};
use crate::web::situation::{self, AreaLevel};

pub fn routes() -> Router<App> {
    Router::new().route("/", get(home)).merge(archive::routes()).merge(banner::routes()).merge(service::routes())
}

/// Maps are drawn of so many alerts of one page; more at once would make it slow just when it must not be.
const MOST_MAPS: usize = 8;

/// A message with what its band shows.
struct Shown {
    n: Notice,
    steps: Vec<String>,
    map: Markup,
}

impl Shown {
    fn of(n: Notice, map: Markup) -> Self {
        Self { steps: steps(&n.instruction), n, map }
    }
}

/// The drawing of where a message holds; empty where it holds nowhere.
async fn map_of(conn: &mut PgConnection, v: &View, n: &Notice) -> Result<Markup, ApiError> {
    let size = (f64::from(svg::SIZE.0), f64::from(svg::SIZE.1));
    let Some(scene) = ground::scene(conn, n.id, n.issued_at, size).await? else { return Ok(Markup::default()) };
    let label = v.t1("public-map-of", "places", super::now::names(v, &n.areas, 6));
    let label = escape(&label, Html).map(|label| label.to_string()).unwrap_or_default();
    Ok(Markup(svg::draw(&scene, n.tone(), &format!("p{}", n.id.0.simple()), &label)))
}

async fn shown(
    conn: &mut PgConnection,
    v: &View,
    notices: Vec<Notice>,
    maps: &mut usize,
) -> Result<Vec<Shown>, ApiError> {
    let mut all = Vec::with_capacity(notices.len());
    for n in notices {
        let map = if *maps == 0 { Markup::default() } else { map_of(&mut *conn, v, &n).await? };
        *maps = maps.saturating_sub(1);
        all.push(Shown::of(n, map));
    }
    Ok(all)
}

#[derive(Template)]
#[template(path = "public.html")]
struct PublicPage {
    v: View,
    state: Status,
    /// Real alerts in force.
    alerts: Vec<Shown>,
    /// The word that one has ended.
    ends: Vec<Shown>,
    /// Exercises, tests and system messages, apart from all that is real.
    drills: Vec<Shown>,
    /// When the evaluation was last up to date.
    checked_at: Option<Instant>,
    is_stale: bool,
    /// What others warn this town of.
    outside: Vec<Card>,
    map: Markup,
    bounds: String,
    version: String,
    levels: Vec<(Level, Vec<AreaLevel>)>,
    updated: Option<Instant>,
}

impl PublicPage {
    /// Read out when the page changes by itself.
    fn said(&self) -> String {
        self.alerts.first().map_or_else(|| self.state_word(), |alert| alert.n.headline.clone())
    }

    fn state_word(&self) -> String {
        self.v.t(state_key(self.state))
    }
}

/// The sentence for a state without alerts.
const fn state_key(state: Status) -> &'static str {
    match state {
        Status::Alert => "public-alert",
        Status::None => "public-calm",
        Status::Unknown => "public-unknown",
    }
}

async fn home(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let present = status::present(&mut conn, v.now, v.lang.tag()).await?;
    let mut maps = MOST_MAPS;
    let alerts = shown(&mut conn, &v, present.alerts, &mut maps).await?;
    let ends = shown(&mut conn, &v, present.ends, &mut maps).await?;
    let drills = shown(&mut conn, &v, present.drills, &mut maps).await?;
    let areas = situation::areas(&mut conn).await?;
    let of = |level: Level| areas.iter().filter(|area| area.level == level).cloned().collect::<Vec<_>>();
    let levels = situation::WORST_FIRST.map(|level| (level, of(level)));
    let updated = sqlx::query_scalar!("select max(evaluated_at) from area_level").fetch_one(&mut *conn).await?;
    let outside = super::warnings::for_us(&mut conn, &v).await?;
    let map = drawing::map(&mut conn, &v, MapWish::default()).await?;
    page(&PublicPage {
        map: super::warnings::overlay(&mut conn, &v, map, &outside).await?,
        bounds: drawing::bounds_json(&mut conn).await?,
        version: situation::level_version(&mut conn).await?,
        levels: levels.into_iter().filter(|(_, areas)| !areas.is_empty()).collect(),
        outside,
        state: present.state,
        checked_at: present.checked_at,
        is_stale: present.is_stale,
        alerts,
        ends,
        drills,
        updated,
        v,
    })
}

/// The first lines of a band: what it is, and until when.
fn over_line(v: &View, n: &Notice) -> String {
    let first = match n.standing {
        Standing::End => v.word("kind", &n.kind),
        Standing::InForce => format!("{} · {}", v.level_word(n.level), v.t1("valid-until", "at", v.when(n.expires_at))),
        over => format!("{} · {}", v.t(&format!("standing-{}", over.key())), v.level_word(n.level)),
    };
    if n.is_drill() { format!("{} · {first}", v.word("status", &n.status)) } else { first }
}
