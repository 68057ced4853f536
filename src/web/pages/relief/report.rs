//! The daily report of all shelters, to print: who was there at the end of the day, who came and went, what is in stock and what is missing.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{Datelike as _, Days, NaiveDate, TimeZone as _};
use serde::Deserialize;

use crate::app::App;
use crate::clock::Instant;
use crate::shelters::store::count;
use crate::shelters::totals::{Count, Heads, sum};
use crate::supplies::store::{Need, Stock, needs, stock};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new().route("/console/shelters/report", get(show))
}

/// No report is older than the service.
const FIRST_YEAR: i32 = 2018;

#[derive(Deserialize)]
struct Wanted {
    /// A day of the municipality's zone; today when none is given.
    day: Option<NaiveDate>,
}

#[derive(Template)]
#[template(path = "shelters_report.html")]
struct ReportPage {
    f: Frame,
    day: NaiveDate,
    before: Option<NaiveDate>,
    /// Until when it counts: the end of the day, or now.
    until: Instant,
    counts: Vec<Count>,
    all: Heads,
    elsewhere: Count,
    stock: Vec<Stock>,
    needs: Vec<Need>,
}

/// Beginning and end of a day in a zone, the end at most now. Pure.
fn span(tz: chrono_tz::Tz, day: NaiveDate, now: Instant) -> Option<(Instant, Instant)> {
    if day.year() < FIRST_YEAR {
        return None;
    }
    let start = |day: NaiveDate| {
        // Where a clock is put forward at midnight, the day begins an hour later.
        (0..=3).find_map(|hour| tz.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest())
    };
    let (from, until) = (start(day)?.to_utc(), start(day.checked_add_days(Days::new(1))?)?.to_utc());
    (from <= now).then_some((from, until.min(now)))
}

async fn show(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let today = v.now.with_timezone(&v.tz).date_naive();
    let day = wanted.day.unwrap_or(today);
    let Some((since, until)) = span(v.tz, day, v.now) else {
        return Err(ApiError::field("day", day.to_string(), "expected a day that has begun"));
    };
    let mut conn = app.db.web.acquire().await?;
    let whose = count::Whose::town(v.status);
    let counts = count::by_shelter(&mut conn, (since, until), whose).await?;
    let elsewhere = count::elsewhere(&mut conn, (since, until), whose).await?;
    let (stock, needs) = (stock(&mut conn, None).await?, needs(&mut conn, None).await?);
    let all = sum(&counts);
    let f = Frame::load(&mut conn, &app, v, "shelters").await?;
    let before = day.checked_sub_days(Days::new(1));
    page(&ReportPage { f, day, before, until, counts, all, elsewhere, stock, needs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_town_s_and_ends_now_at_the_latest() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let tz = chrono_tz::America::Sao_Paulo;
        let day = NaiveDate::from_ymd_opt(2026, 2, 22).unwrap();
        let whole = (at("2026-02-22T03:00:00Z"), at("2026-02-23T03:00:00Z"));
        assert_eq!(span(tz, day, at("2026-03-01T00:00:00Z")), Some(whole));
        let half = (whole.0, at("2026-02-22T15:00:00Z"));
        assert_eq!(span(tz, day, half.1), Some(half));
        assert_eq!(span(tz, day, at("2026-02-22T02:00:00Z")), None);
        // The last summer time of Brazil began at midnight: 2018-11-04 has no 0:00.
        let short = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(span(tz, short, at("2026-03-01T00:00:00Z")).unwrap().0, at("2018-11-04T03:00:00Z"));
    }
}
