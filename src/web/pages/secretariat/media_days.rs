//! `/secretaria/painel/clipping/diarios` and `/repercussao`: the clippings of days, and what was selected by day, theme and tone as a drawing
//! and a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use chrono::NaiveDate;
use serde::Deserialize;

use super::media::{field, marked, refused, with_status, works};
use crate::accounts::Role;
use crate::app::App;
use crate::plancon::PlanError;
use crate::secretariat::media_monitoring::judge::wrong;
use crate::secretariat::media_monitoring::store::clippings::{self, Day};
use crate::secretariat::media_monitoring::{Clipped, Clipping, Repercussion, Tone, clipping};
use crate::web::api::secretariat::has_role;
use crate::web::api::secretariat::media_days::{Span, clipping_of, series_of};
use crate::web::api::secretariat::media_monitoring::acting;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

const PATH: &str = "/secretaria/painel/clipping/diarios";
/// The drawing, in its own units.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 120.0;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/clipping/diarios", get(days).post(close))
        .route("/secretaria/painel/clipping/diarios/{day}", get(of_day))
        .route("/secretaria/painel/clipping/repercussao", get(repercussion))
}

#[derive(Template)]
#[template(path = "secretariat/sec_media_days.html")]
struct DaysPage {
    f: Frame,
    days: Vec<Day>,
    /// The last of them, when there may be more.
    next: Option<NaiveDate>,
    works: bool,
    day: String,
    wrong: String,
    errors: Vec<FieldError>,
}

impl DaysPage {
    /// Label of a field that is wrong.
    fn field(&self, error: &FieldError) -> String {
        field(&self.f.v, &error.field)
    }

    fn mark(&self, name: &str) -> Markup {
        marked(&self.errors, name)
    }

    fn number(&self, number: &i32) -> i64 {
        i64::from(*number)
    }
}

async fn drawn(
    app: &App,
    v: View,
    (before, day): (Option<NaiveDate>, String),
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let days = clippings::days(&mut conn, before).await?;
    let next = days.last().filter(|_| days.len() as i64 >= clippings::PAGE).map(|one| one.day);
    let works = works(&v);
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let is_wrong = !wrong.is_empty();
    Ok(with_status(page(&DaysPage { f, days, next, works, day, wrong, errors })?, is_wrong))
}

/// Days of an address; what is none counts as left out.
fn day_of(query: &BTreeMap<String, String>, name: &str) -> Option<NaiveDate> {
    query.get(name)?.parse().ok()
}

async fn days(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let today = v.now.with_timezone(&v.tz).date_naive().to_string();
    drawn(&app, v, (day_of(&query, "before"), today), (String::new(), Vec::new())).await
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Closing {
    day: String,
}

async fn close(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Closing>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    match closed(&app, &staff, &given.day).await {
        Ok(day) => Ok(Redirect::to(&format!("{PATH}/{day}")).into_response()),
        Err(error) => {
            let why = refused(&v, error)?;
            drawn(&app, v, (None, given.day), why).await
        }
    }
}

async fn closed(app: &App, staff: &Staff, day: &str) -> Result<NaiveDate, PlanError> {
    let day: NaiveDate =
        day.parse().map_err(|_| PlanError::Wrong(vec![wrong("day", day, "expected a day such as 2026-02-22")]))?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    clipping::close(&mut tx, acting(app, &actor), &app.config, day).await?;
    tx.commit().await?;
    Ok(day)
}

#[derive(Template)]
#[template(path = "secretariat/sec_media_day.html")]
struct DayPage {
    f: Frame,
    one: Clipping,
}

impl DayPage {
    fn by_theme(&self) -> Vec<(&str, &[Clipped])> {
        clipping::by_theme(&self.one.items)
    }
}

async fn of_day(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(day): Path<String>,
) -> Result<Response, ApiError> {
    let one = clipping_of(&app, &day).await?;
    let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "secretariat").await?;
    page(&DayPage { f, one })
}

#[derive(Template)]
#[template(path = "secretariat/sec_media_series.html")]
struct SeriesPage {
    f: Frame,
    from: NaiveDate,
    to: NaiveDate,
    rows: Vec<Repercussion>,
    themes: Vec<Theme>,
    chart: Markup,
}

/// A theme with how many speak how, and all of them.
struct Theme {
    theme: String,
    tones: Vec<i64>,
    all: i64,
}

impl SeriesPage {
    fn tones(&self) -> &'static [Tone] {
        Tone::ALL
    }
}

async fn repercussion(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let span = Span { from: day_of(&query, "from"), to: day_of(&query, "to") };
    let (from, to) = span.days(v.now.with_timezone(&v.tz).date_naive())?;
    let rows = series_of(&app, (from, to)).await?;
    let (themes, chart) = (themes(&rows), chart(&v, &rows, (from, to)));
    let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "secretariat").await?;
    page(&SeriesPage { f, from, to, rows, themes, chart })
}

/// Sums by theme, the most first.
fn themes(rows: &[Repercussion]) -> Vec<Theme> {
    let mut all: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let tones = all.entry(&row.theme).or_insert_with(|| vec![0; Tone::ALL.len()]);
        if let Some(at) = Tone::ALL.iter().position(|tone| tone.as_str() == row.tone) {
            tones[at] += row.items;
        }
    }
    let mut all: Vec<Theme> = all
        .into_iter()
        .map(|(theme, tones)| Theme { theme: theme.to_owned(), all: tones.iter().sum(), tones })
        .collect();
    all.sort_by_key(|theme| -theme.all);
    all
}

/// A bar for each day, the tones over each other. The table beneath says the same.
fn chart(v: &View, rows: &[Repercussion], (from, to): (NaiveDate, NaiveDate)) -> Markup {
    let mut days: BTreeMap<NaiveDate, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let tones = days.entry(row.day).or_insert_with(|| vec![0; Tone::ALL.len()]);
        if let Some(at) = Tone::ALL.iter().position(|tone| tone.as_str() == row.tone) {
            tones[at] += row.items;
        }
    }
    let most = days.values().map(|tones| tones.iter().sum::<i64>()).max().unwrap_or(0).max(1) as f64;
    let wide = WIDTH / ((to - from).num_days() + 1).max(1) as f64;
    let label = v.t1("media-series-chart", "count", days.values().flatten().sum::<i64>());
    let mut svg = format!(
        r#"<svg class="hyeto tall" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">"#
    );
    for (day, tones) in &days {
        let left = (*day - from).num_days() as f64 * wide;
        let mut bottom = HEIGHT;
        for (tone, count) in Tone::ALL.iter().zip(tones).filter(|(_, count)| **count > 0) {
            let tall = *count as f64 / most * (HEIGHT - 6.0);
            bottom -= tall;
            let title = format!("{} · {}: {count}", v.day(*day), v.word("media-tone", tone.as_str()));
            // Of formatted numbers and our own words alone.
            let _ = write!(
                svg,
                r#"<rect class="bar {tone}" x="{:.1}" y="{bottom:.1}" width="{:.1}" height="{tall:.1}"><title>{title}</title></rect>"#,
                left + wide * 0.1,
                (wide * 0.8).max(0.8)
            );
        }
    }
    let _ = write!(svg, r#"<line class="base" x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}"/></svg>"#);
    Markup(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn themes_are_summed_up_by_tone_the_most_first() {
        let row = |theme: &str, tone: &str, items| Repercussion {
            day: NaiveDate::default(),
            theme: theme.into(),
            tone: tone.into(),
            items,
        };
        let all = themes(&[row("obras", "neutral", 1), row("chuva", "negative", 2), row("chuva", "positive", 3)]);
        let told: Vec<(&str, &[i64], i64)> =
            all.iter().map(|one| (one.theme.as_str(), one.tones.as_slice(), one.all)).collect();
        assert_eq!(told, [("chuva", [3, 0, 2].as_slice(), 5), ("obras", [0, 1, 0].as_slice(), 1)]);
    }
}
