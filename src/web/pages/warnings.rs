//! `/console/warnings`: what other institutions warn of. First what is for this town, then the rest, then what has ended;
//! always in the publisher's words, with its own level and colour, and with why it is here.

pub mod importing;
pub mod own;

use std::fmt::Write as _;

use askama::Template;
use askama::filters::{Html, escape};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sqlx::PgConnection;

use super::frame::Frame;
use super::page;
use super::view::{Markup, View};
use crate::accounts::Permission;
use crate::app::App;
use crate::feeds::store::{self as feeds, State as Feed};
use crate::feeds::warnings::draft::{self, Refusal};
use crate::feeds::warnings::import::{self, Flaw};
use crate::feeds::warnings::shown::{self, Covered, Shown, Stage, Twin, Wish};
use crate::feeds::warnings::store::basis::{self, OwnAlert};
use crate::feeds::warnings::store::chain::{self, Named, Step};
use crate::feeds::warnings::trust::Trust;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

/// Warnings of each part of the page; of those that are open, of which a state with hundreds of municipalities has many.
const MOST: i64 = 100;
const MOST_OPEN: i64 = 1000;
/// Names of municipalities' codes and areas that are shown without being asked for.
const FEW: usize = 12;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/warnings", get(list))
        .route("/console/warnings/{id}", get(show))
        .route("/console/warnings/{id}/message", get(message))
        .route("/console/warnings/{id}/draft", post(own::draft))
        .route("/console/warnings/{id}/seen", post(own::see))
        .route("/console/warnings/{id}/verify", post(own::verify))
        .route("/console/warning-imports", get(importing::open).post(importing::send))
        .route("/console/warning-imports/{id}", get(importing::look).post(importing::act))
}

/// A warning with the words of the reader.
pub struct Card {
    pub w: Shown,
    pub stage: Stage,
}

impl Card {
    pub fn new(v: &View, w: Shown) -> Self {
        Self { stage: w.stage(v.now), w }
    }

    /// The publisher's own word with its colour; CAP's word where it has none.
    pub fn level(&self, v: &View) -> Markup {
        let word = if self.w.level.is_empty() {
            v.word("severity", &self.w.severity.to_lowercase())
        } else {
            self.w.level.clone()
        };
        let word = escape(&word, Html).map(|word| word.to_string()).unwrap_or_default();
        let colour = if self.w.colour.is_empty() { "none" } else { &self.w.colour };
        Markup(format!(
            r#"<span class="own-level"><svg viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1l5 10H1z" fill="{colour}"/></svg>{word}</span>"#
        ))
    }

    /// "até 20/09 23:59", "de 19/09 10:00 até …".
    pub fn times(&self, v: &View) -> String {
        match (self.stage, self.w.onset_at, self.w.expires_at) {
            (Stage::Future, Some(from), Some(to)) => v.t2("outside-from-to", "from", v.when(from), "to", v.when(to)),
            (Stage::Future, Some(from), None) => v.t1("outside-from", "from", v.when(from)),
            (_, _, Some(to)) if to <= v.now => v.t1("outside-ended-at", "to", v.when(to)),
            (_, _, Some(to)) => v.t1("valid-until", "at", v.when(to)),
            _ => v.t("outside-no-end"),
        }
    }

    /// Class and words of the tag, for what is not in force.
    pub fn tag(&self) -> Option<(&'static str, String)> {
        let class = match self.stage {
            Stage::InForce => return None,
            Stage::Future => "wait",
            Stage::NotReal | Stage::Quarantined => "bad",
            Stage::Ended | Stage::Cancelled | Stage::Replaced => "",
        };
        let key = match self.stage {
            Stage::NotReal => format!("cap-status-{}", self.w.status.to_lowercase()),
            stage => format!("warning-stage-{}", stage.as_str().replace('_', "-")),
        };
        Some((class, key))
    }

    /// Why it is for us, in a sentence.
    pub fn because(&self, v: &View) -> String {
        let reasons: Vec<String> = self.w.for_us_by.iter().map(|reason| v.word("warning-because", reason)).collect();
        reasons.join("; ")
    }

    pub fn title(&self, v: &View) -> String {
        v.t2("outside-title", "publisher", self.w.publisher(), "event", self.event())
    }

    pub fn by(&self) -> &str {
        if self.w.sender_name.is_empty() { &self.w.sender } else { &self.w.sender_name }
    }

    pub fn event(&self) -> &str {
        if self.w.event.is_empty() { &self.w.headline } else { &self.w.event }
    }

    pub fn few_areas(&self) -> &[Covered] {
        &self.w.coverage[..self.w.coverage.len().min(FEW)]
    }

    /// "100 %", or that the municipality is named.
    pub fn share(&self, v: &View, covered: &Covered) -> String {
        if covered.by_geocode { v.t("outside-by-geocode") } else { percent(covered.share) }
    }

    /// Class and words of the badge of the signature. Of what is not signed and need not be nothing is said but on its own page.
    pub fn signature(&self, v: &View) -> (&'static str, String) {
        let class = match self.w.signature.as_str() {
            "valid" => "good",
            "unknown" => "wait",
            "invalid" => "bad",
            _ => "",
        };
        (class, v.word("signature", &self.w.signature))
    }

    /// Who signed, with what is weak about it; or why the signature is refused.
    pub fn signature_more(&self, v: &View) -> String {
        if let Some(how) = self.w.signature_why.strip_prefix("weak: ") {
            return v.t2("signature-weak", "who", &self.w.signed_by, "how", how);
        }
        match (self.w.signed_by.is_empty(), self.w.signature_why.is_empty()) {
            (_, false) => self.w.signature_why.clone(),
            (false, true) => v.t1("signature-by", "who", &self.w.signed_by),
            (true, true) => String::new(),
        }
    }

    pub fn is_signed(&self) -> bool {
        self.w.signature != "unsigned"
    }
}

/// "40 %"; what is touched at all is never nothing.
fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.01 { "< 1 %".to_owned() } else { format!("{:.0} %", share * 100.0) }
}

fn cards(v: &View, all: Vec<Shown>) -> Vec<Card> {
    all.into_iter().map(|warning| Card::new(v, warning)).collect()
}

/// Those in force for this town, as the public and the console's first page see them.
pub async fn for_us(conn: &mut PgConnection, v: &View) -> sqlx::Result<Vec<Card>> {
    Ok(cards(v, shown::for_us(conn, v.now, true).await?.0))
}

#[derive(Template)]
#[template(path = "warnings.html")]
struct WarningsPage {
    f: Frame,
    ours: Vec<Card>,
    /// There are more of them: the gravest are shown.
    has_more: bool,
    others: Vec<Card>,
    /// The installations of municipalities that are followed, the silent ones first.
    members: Vec<Member>,
    member_map: Markup,
    past: Vec<Card>,
    /// Not signed as their source has to.
    quarantined: Vec<Card>,
    may_bring: bool,
    map: Markup,
    /// No feed of warnings is configured.
    bare: bool,
}

/// The installation of a municipality that is followed.
struct Member {
    feed: Feed,
    /// Its open warnings, the gravest first.
    open: Vec<(i64, String)>,
}

impl Member {
    /// Class and key of the tag that tells how it does.
    fn tag(&self) -> (&'static str, &'static str) {
        match (self.feed.silent_since, self.feed.answered_at) {
            (Some(_), _) => ("bad", "member-silent"),
            (None, None) => ("wait", "feed-waits"),
            (None, Some(_)) => ("good", "feed-answers"),
        }
    }

    fn all(mut states: Vec<Feed>, app: &App, v: &View, open: &[Card]) -> Vec<Self> {
        feeds::name_municipalities(&mut states, &app.config.feeds);
        states.retain(|feed| !feed.municipality.is_empty());
        let member = |feed: Feed| {
            let own = open.iter().filter(|card| card.w.source == feed.name);
            Self { open: own.map(|card| (card.w.id, card.title(v))).collect(), feed }
        };
        let mut all: Vec<Self> = states.into_iter().map(member).collect();
        all.sort_by_key(|member| (member.feed.silent_since.is_none(), member.feed.silent_since));
        all
    }
}

async fn list(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (ours, has_more) = shown::for_us(&mut conn, v.now, false).await?;
    let ours = cards(&v, ours);
    let open = Wish { open: true, limit: MOST_OPEN, ..Wish::default() };
    let mut open = cards(&v, shown::list(&mut conn, v.now, open).await?);
    open.sort_by_key(|card| (card.w.rank(), card.w.onset_at));
    let members = Member::all(feeds::states(&mut conn, v.now).await?, &app, &v, &open);
    let of_members: Vec<i64> = members.iter().flat_map(|member| &member.open).map(|(id, _)| *id).collect();
    let member_map = if of_members.is_empty() { Markup::default() } else { map(&mut conn, &v, &of_members).await? };
    open.retain(|card| card.w.for_us_by.is_empty());
    open.truncate(usize::try_from(MOST).unwrap_or(usize::MAX));
    let mut past = cards(&v, shown::list(&mut conn, v.now, Wish { limit: MOST, ..Wish::default() }).await?);
    past.retain(|card| !matches!(card.stage, Stage::InForce | Stage::Future | Stage::Quarantined));
    let quarantined = cards(&v, shown::quarantined(&mut conn, v.now).await?);
    let ids: Vec<i64> = ours.iter().map(|card| card.w.id).collect();
    let map = if ids.is_empty() { Markup::default() } else { map(&mut conn, &v, &ids).await? };
    let bare = !app.config.feeds.iter().any(|feed| feed.kind.is_warnings());
    let f = Frame::load(&mut conn, &app, v, "warnings").await?;
    let may_bring = f.v.may(Permission::DraftAlerts);
    page(&WarningsPage {
        f,
        ours,
        has_more,
        others: open,
        members,
        member_map,
        past,
        quarantined,
        may_bring,
        map,
        bare,
    })
}

#[derive(Template)]
#[template(path = "warning.html")]
struct WarningPage {
    f: Frame,
    card: Card,
    /// What replaced it.
    later: Option<Card>,
    /// Everything that it replaced and that replaced it, the oldest first.
    steps: Vec<Step>,
    named: Vec<Named>,
    twins: Vec<Twin>,
    flaws: Vec<Flaw>,
    /// Who brought it by hand, and by which file or address.
    brought: (String, String),
    /// What an alert of our own would be, or why there is none.
    own: Option<own::Own>,
    refusal: Option<Refusal>,
    alerts: Vec<OwnAlert>,
    may_draft: bool,
    may_verify: bool,
    /// It lies in quarantine, and its source stands in the configuration no longer.
    no_source: bool,
    map: Markup,
}

impl WarningPage {
    /// How it is known that a step was replaced, with what speaks for it.
    fn why(&self, step: &Step) -> String {
        let v = &self.f.v;
        let mut parts = vec![v.word("how", &step.how)];
        if let Some(hours) = step.hours {
            parts.push(v.t1("chain-hours", "n", v.decimal(hours)));
        }
        if let Some(share) = step.ground_in_common.filter(|share| *share > 0.0) {
            parts.push(v.t1("chain-ground", "share", percent(share)));
        }
        if let Some(count) = step.municipalities_in_common.filter(|count| *count > 0) {
            parts.push(v.t1("chain-municipalities", "n", count));
        }
        parts.join(" · ")
    }

    fn kind(&self, step: &Step) -> String {
        self.f.v.word("cap-type", &step.msg_type.to_lowercase())
    }

    fn percent(&self, share: &f64) -> String {
        percent(*share)
    }

    fn refusal_words(&self) -> String {
        self.refusal.map(|refusal| self.f.v.t(refusal.key())).unwrap_or_default()
    }
}

async fn one(conn: &mut PgConnection, v: &View, id: i64) -> Result<Card, ApiError> {
    let wish = Wish { only: Some(id), limit: 1, ..Wish::default() };
    let found = shown::list(conn, v.now, wish).await?.pop();
    found.map(|warning| Card::new(v, warning)).ok_or_else(|| ApiError::NotFound(format!("the warning {id}")))
}

async fn show(
    State(app): State<App>,
    Path(id): Path<i64>,
    _: May<can::SeeConsole>,
    v: View,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let card = one(&mut conn, &v, id).await?;
    let later = match card.w.superseded_by {
        Some(later) => Some(one(&mut conn, &v, later).await?),
        None => None,
    };
    let map = map(&mut conn, &v, &[id]).await?;
    let raw = shown::raw(&mut conn, id).await?.unwrap_or_default();
    let (own, refusal) = match draft::propose(&mut conn, &app.config, v.now, &card.w).await? {
        Ok(proposal) => (Some(own::Own::new(&v, &card, proposal)), None),
        Err(refusal) => (None, Some(refusal)),
    };
    let is_configured = Trust::named(&app.config, &card.w.source).is_some();
    let f = Frame::load(&mut conn, &app, v, "warnings").await?;
    page(&WarningPage {
        later,
        steps: chain::chain(&mut conn, id).await?,
        named: chain::named(&mut conn, id).await?,
        twins: shown::twins(&mut conn, id).await?,
        flaws: import::flaws_aside(raw).await?,
        brought: shown::brought(&mut conn, id).await?,
        own,
        refusal,
        alerts: basis::alerts_from(&mut conn, id).await?,
        may_draft: f.v.may(Permission::DraftAlerts),
        may_verify: f.v.may(Permission::IssueAlerts) && card.w.quarantined && is_configured,
        no_source: card.w.quarantined && !is_configured,
        map,
        card,
        f,
    })
}

/// The bytes as they came, as text: whoever wants them wants to read them, and nothing in them may run.
async fn message(State(app): State<App>, Path(id): Path<i64>, _: May<can::SeeConsole>) -> Result<Response, ApiError> {
    let raw = shown::raw(&mut *app.db.web.acquire().await?, id).await?;
    let raw = raw.ok_or_else(|| ApiError::NotFound(format!("the warning {id}")))?;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], raw).into_response())
}

/// The warnings' ground and the town in it. Empty when none of them has a shape.
async fn map(conn: &mut PgConnection, v: &View, ids: &[i64]) -> sqlx::Result<Markup> {
    let rows = sqlx::query!(
        r#"with town as (select st_transform(st_convexhull(st_collect(geom)), 3857) as hull from risk_area where retired_at is null),
           ground as (select w.id, w.colour, w.event, st_transform(st_intersection(st_collectionextract(st_union(array[w.polygons, w.circles]), 3),
                          st_makeenvelope(-180, -85, 180, 85, 4326)), 3857) as geom
                      from outside_warning w where w.id = any($1) and coalesce(w.polygons, w.circles) is not null),
           box as (select st_expand(e, 0.06 * greatest(st_xmax(e) - st_xmin(e), st_ymax(e) - st_ymin(e), 1000)) as e
                   from (select st_envelope(st_collect(array[(select hull from town), (select st_collect(geom) from ground)])) as e) as whole)
           select g.colour, g.event, st_xmin(e) as "west!", st_ymin(e) as "south!", st_xmax(e) as "east!", st_ymax(e) as "north!",
                  st_assvg(st_simplify(g.geom, (st_xmax(e) - st_xmin(e)) / 900, true), 1, 0) as "path!",
                  (select st_assvg(st_simplify(hull, (st_xmax(e) - st_xmin(e)) / 900, true), 1, 0) from town) as town,
                  (select st_x(st_centroid(hull)) from town) as x, (select st_y(st_centroid(hull)) from town) as y
           from ground g, box order by g.id"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    let Some(first) = rows.first() else { return Ok(Markup::default()) };
    let (west, north) = (first.west, -first.north);
    let (wide, high) = ((first.east - first.west).max(1.0), (first.north - first.south).max(1.0));
    let mut svg = format!(
        r#"<svg class="drawn outside" viewBox="{west:.0} {north:.0} {wide:.0} {high:.0}" preserveAspectRatio="xMidYMid meet" role="img" aria-label="{}">"#,
        v.t1("outside-map", "town", &v.town)
    );
    for row in &rows {
        let colour = if row.colour.is_empty() { "currentColor" } else { &row.colour };
        let event = escape(&row.event, Html).map(|event| event.to_string()).unwrap_or_default();
        let _ = write!(svg, r#"<path class="ground" d="{}" fill="{colour}"><title>{event}</title></path>"#, row.path);
    }
    if let (Some(town), Some(x), Some(y)) = (&first.town, first.x, first.y) {
        let name = escape(&v.town, Html).map(|name| name.to_string()).unwrap_or_default();
        let ring = wide.max(high) / 45.0;
        let _ = write!(
            svg,
            r#"<g class="town"><title>{name}</title><path d="{town}"/><circle cx="{x:.0}" cy="{:.0}" r="{ring:.0}"/></g>"#,
            -y
        );
    }
    svg.push_str("</svg>");
    Ok(Markup(svg))
}

/// A drawn map of the town with the ground of the warnings over it laid on top: dashed, in their own colours. Without JavaScript
/// and on paper it says what the live map says.
pub async fn overlay(conn: &mut PgConnection, v: &View, map: Markup, cards: &[Card]) -> sqlx::Result<Markup> {
    let ids: Vec<i64> = cards.iter().map(|card| card.w.id).collect();
    if ids.is_empty() || !map.0.ends_with("</svg>") {
        return Ok(map);
    }
    // A little more than the town, so that no edge of the cut is taken for the warning's.
    let rows = sqlx::query!(
        r#"with town as (select st_transform(st_envelope(st_collect(geom)), 3857) as box from risk_area where retired_at is null),
           size as (select box, greatest(st_xmax(box) - st_xmin(box), st_ymax(box) - st_ymin(box), 1000) as wide from town)
           select w.id, w.colour,
                  st_assvg(st_simplify(st_collectionextract(st_intersection(st_transform(st_intersection(st_union(array[w.polygons, w.circles]),
                      st_makeenvelope(-180, -85, 180, 85, 4326)), 3857), st_expand(size.box, size.wide)), 3), size.wide / 900, true), 1, 0) as "path!"
           from outside_warning w, size
           where w.id = any($1) and st_intersects(st_transform(size.box, 4326), st_union(array[w.polygons, w.circles]))
           order by w.id"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut layer = String::from(r#"<g class="warned-layer">"#);
    for row in &rows {
        let Some(card) = cards.iter().find(|card| card.w.id == row.id) else { continue };
        let colour = if row.colour.is_empty() { "currentColor" } else { &row.colour };
        let title = escape(&card.title(v), Html).map(|title| title.to_string()).unwrap_or_default();
        let _ = write!(layer, r#"<path d="{}" stroke="{colour}"><title>{title}</title></path>"#, row.path);
    }
    layer.push_str("</g></svg>");
    let drawn = map.0.strip_suffix("</svg>").unwrap_or_default();
    Ok(Markup(format!("{drawn}{layer}")))
}
