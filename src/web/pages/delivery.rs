//! `/console/alerts/{id}/delivery`: how the messages of one alert fare, while it happens and afterwards, and what a person can do
//! about it. Everything on the page comes from one count that is at most a second old.

pub mod act;
pub mod report;
pub mod unreached;
pub mod words;

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use self::words::Words as _;
use super::drawing::parts_bar;
use super::frame::Frame;
use super::page;
use super::view::{Markup, View};
use crate::accounts::Permission;
use crate::alerts::store::AlertRow;
use crate::app::App;
use crate::dispatch::State as Outcome;
use crate::dispatch::control::Control;
use crate::dispatch::outbox::Counts;
use crate::dispatch::store::control::{self, Acted};
use crate::dispatch::store::report as reports;
use crate::dispatch::tally::{Cause, Forecast, Group, Rate, Tally, Times};
use crate::ids::AlertId;
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/alerts/{id}/delivery", get(show))
        .route("/console/alerts/{id}/delivery/act/{act}", get(act::ask).post(act::carry_out))
        .route("/console/alerts/{id}/delivery/unreached", get(unreached::show))
        .route("/console/alerts/{id}/delivery/report", get(report::show))
}

/// Columns of the tables: every state there is, so that a line adds up before the reader's eyes.
const COLUMNS: [Outcome; 9] = [
    Outcome::Delivered,
    Outcome::Accepted,
    Outcome::Unknown,
    Outcome::Pending,
    Outcome::Sending,
    Outcome::Rejected,
    Outcome::Undelivered,
    Outcome::Expired,
    Outcome::Suppressed,
];
/// Lines from which on a table is folded.
const LONG: usize = 15;
/// Bars of the course.
const SLOTS: usize = 60;

/// One table: what its lines are, and the lines.
pub struct Table {
    pub title: String,
    pub lines: Vec<(String, Counts)>,
}

impl Table {
    /// Unfolded by whoever wants it: a town has some sixty areas.
    fn is_long(&self) -> bool {
        self.lines.len() > LONG
    }

    fn new(title: String, groups: Vec<Group>, name: impl Fn(&str) -> String) -> Self {
        Self { title, lines: groups.into_iter().map(|group| (name(&group.name), group.counts)).collect() }
    }
}

/// The four ways of looking at it, in words.
pub fn tables(v: &View, groups: [Vec<Group>; 4]) -> Vec<Table> {
    let [channels, providers, areas, grades] = groups;
    vec![
        Table::new(v.t("delivery-by-channel"), channels, |name| v.word("channel", name)),
        Table::new(v.t("delivery-by-provider"), providers, |name| words::provider(v, name)),
        Table::new(v.t("delivery-by-area"), areas, |name| words::area(v, name)),
        Table::new(v.t("delivery-by-grade"), grades, |name| words::grade(v, name)),
    ]
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    f: Frame,
    a: AlertRow,
    level: Level,
    t: Arc<Tally>,
    totals: Counts,
    bar: Markup,
    course: Markup,
    tables: Vec<Table>,
    failures: Vec<Cause>,
    suppressed: Vec<Cause>,
    times: Times,
    rates: Vec<Rate>,
    acts: Vec<Acted>,
    reported: bool,
    /// What was just done, in words.
    said: String,
}

impl DeliveryPage {
    fn columns(&self) -> &'static [Outcome] {
        &COLUMNS
    }

    fn is_unfolded(&self) -> bool {
        false
    }

    fn may_act(&self) -> bool {
        let open = self.totals.waiting() > 0 || self.t.is_spreading();
        open && !self.t.standing.is_cancelled() && self.f.v.may(Permission::IssueAlerts)
    }

    fn forecast(&self) -> String {
        let v = &self.f.v;
        match self.t.forecast() {
            Forecast::Done => v.t("delivery-end-done"),
            Forecast::Paused => v.t("delivery-end-paused"),
            Forecast::Unknown => v.t("delivery-end-unknown"),
            Forecast::At { at } => {
                v.t2("delivery-end-at", "at", v.time(at), "in", words::lasting((at - self.t.at).num_seconds()))
            }
            Forecast::TooLate { at, left_over } => v.t2("delivery-end-late", "at", v.when(at), "n", v.count(left_over)),
        }
    }

    fn say(&self) -> String {
        let v = &self.f.v;
        let (there, waits) = (v.count(self.totals.handed_over()), v.count(self.totals.waiting()));
        format!(
            "{}: {there} {}, {waits} {}",
            v.t("delivery-title"),
            v.t("delivery-handed-over"),
            v.t("delivery-waiting")
        )
    }
}

#[derive(Deserialize)]
pub struct Told {
    #[serde(default)]
    done: String,
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Query(told): Query<Told>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let t = app.deliveries.tally(&app, id).await?;
    let t = t.filter(|tally| tally.left_at.is_some()).ok_or_else(|| ApiError::NotFound(format!("delivery of {id}")))?;
    let mut conn = app.db.web.acquire().await?;
    let a = super::alerts::load(&mut conn, id).await?.row;
    let (acts, reported) = (control::acts(&mut conn, id).await?, reports::exists(&mut conn, id).await?);
    let f = Frame::load(&mut conn, &app, v, "alerts").await?;
    let totals = t.totals();
    let said = match told.done.as_str() {
        done @ ("pause" | "resume" | "cancel") => f.v.t(&format!("delivery-did-{done}")),
        _ => String::new(),
    };
    page(&DeliveryPage {
        level: super::alerts::level(&a.level),
        bar: bar(&f.v, &totals),
        course: course(&f.v, &t),
        tables: tables(&f.v, [t.by_channel(), t.by_provider(), t.by_area(), t.by_grade()]),
        failures: t.causes(&[Outcome::Rejected, Outcome::Undelivered, Outcome::Expired, Outcome::Unknown]),
        suppressed: t.causes(&[Outcome::Suppressed]),
        times: t.times(),
        rates: t.rates(),
        totals,
        a,
        t,
        acts,
        reported,
        said,
        f,
    })
}

/// The bar of the whole, which says its numbers to a screen reader.
pub fn bar(v: &View, totals: &Counts) -> Markup {
    let sent = totals.accepted + totals.unknown;
    let label = format!(
        "{} {}, {sent} {}, {} {}, {} {}",
        totals.delivered,
        v.t("delivery-delivered"),
        v.t("delivery-sent"),
        totals.waiting(),
        v.t("delivery-waiting"),
        totals.failed(),
        v.t("delivery-failed")
    );
    let parts = [("ok", totals.delivered), ("sent", sent), ("bad", totals.failed()), ("wait", totals.waiting())];
    parts_bar(&label, &parts)
}

/// What providers took, from the alert's leaving on.
fn course(v: &View, t: &Tally) -> Markup {
    let (course, slot) = t.course(SLOTS);
    let Some(left_at) = t.left_at.filter(|_| course.iter().any(|rows| *rows > 0)) else { return Markup::default() };
    let most = course.iter().copied().max().unwrap_or(1).max(1);
    let wide = 960.0 / course.len() as f64;
    let label = v.t2("delivery-course-label", "most", v.count(most), "s", slot.num_seconds());
    let mut svg = format!(
        r#"<svg class="hyeto" viewBox="0 0 960 110" preserveAspectRatio="none" role="img" aria-label="{label}">"#
    );
    for (slot_number, rows) in (0_i32..).zip(&course) {
        let tall = (*rows as f64 / most as f64 * 104.0).max(if *rows > 0 { 1.0 } else { 0.0 });
        let _ = write!(
            svg,
            r#"<rect class="bar" x="{:.1}" y="{:.1}" width="{:.1}" height="{tall:.1}"><title>{} · {}</title></rect>"#,
            f64::from(slot_number) * wide + 1.0,
            110.0 - tall,
            (wide - 2.0).max(1.0),
            v.time(left_at + slot * slot_number),
            v.count(*rows)
        );
    }
    svg.push_str(r#"<line class="base" x1="0" x2="960" y1="110" y2="110"/></svg>"#);
    Markup(svg)
}
