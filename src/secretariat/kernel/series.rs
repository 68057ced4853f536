//! With which number a series begins in a year: for a town that numbered on paper before. Set while no case has a number of it, so that
//! the series stays without gaps and no number is given twice.

use chrono::Datelike as _;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::desk::CaseError;
use super::store::series as rows;
use super::types::Types;
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::plancon::desk::reasoned;
use crate::refused::{Reason, Refused, Said};

/// The greatest first number.
const MOST: i32 = 999_999;
const KIND: &str = "case_series";

/// A series in a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseSeries)]
pub struct Series {
    /// E.g. "DET".
    pub series: String,
    pub year: i32,
    /// The number of the next case.
    pub next: i32,
    /// A case has a number of it, so that its beginning stands.
    pub used: bool,
    /// Keys of the types that take numbers of it.
    pub types: Vec<String>,
}

/// How a series shall begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseSeriesStart)]
#[serde(deny_unknown_fields)]
pub struct Start {
    #[schema(max_length = 20)]
    pub series: String,
    /// This year or the next.
    pub year: i32,
    #[schema(minimum = 1, maximum = 999_999)]
    pub start: i32,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
    /// True: whoever asks has seen that it cannot be taken back once a case has a number.
    pub confirm: bool,
}

fn years(now: Instant, tz: Tz) -> [i32; 2] {
    let year = now.with_timezone(&tz).year();
    [year, year + 1]
}

/// Every series of the types, this year and the next.
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut PgConnection, types: &Types, (now, tz): (Instant, Tz)) -> sqlx::Result<Vec<Series>> {
    let years = years(now, tz);
    let last = rows::last(&mut *conn, &years).await?;
    let mut all: Vec<Series> = Vec::new();
    for kept in types.all() {
        let Some(series) = &kept.def.series else { continue };
        let prefix = series.prefix.get_ref();
        let key = kept.def.key().to_owned();
        if let Some(found) = all.iter_mut().find(|one| one.series == *prefix) {
            found.types.push(key);
        } else {
            all.push(Series { series: prefix.clone(), year: years[0], next: 1, used: false, types: vec![key] });
        }
    }
    let next_year: Vec<Series> = all.iter().map(|one| Series { year: years[1], ..one.clone() }).collect();
    all.extend(next_year);
    for one in &mut all {
        let found = last.iter().find(|(series, year, _)| *series == one.series && *year == one.year);
        one.next = found.map_or(1, |(.., last)| last + 1);
        one.used = rows::is_used(&mut *conn, &one.series, one.year).await?;
    }
    all.sort_by(|a, b| (a.year, &a.series).cmp(&(b.year, &b.series)));
    Ok(all)
}

/// Says with which number a series begins in a year.
///
/// # Errors
/// `Wrong` naming the field, also when it is not confirmed; `Because` when a case has a number of it.
pub async fn begin(
    conn: &mut PgConnection,
    types: &Types,
    (by, tz): (Acting<'_>, Tz),
    asked: &Start,
) -> Result<(), CaseError> {
    let is_series = |series: &str| {
        types.all().any(|kept| kept.def.series.as_ref().is_some_and(|own| own.prefix.get_ref() == series))
    };
    if !is_series(&asked.series) {
        return Err(Refused::wrong("series", &asked.series, "expected the series of a type of cases").into());
    }
    let years = years(by.now, tz);
    if !years.contains(&asked.year) {
        return Err(Refused::wrong("year", asked.year, format!("expected {} or {}", years[0], years[1])).into());
    }
    if !(1..=MOST).contains(&asked.start) {
        return Err(Refused::wrong("start", asked.start, format!("expected 1 to {MOST}")).into());
    }
    let reason = reasoned("reason", &asked.reason)?;
    if !asked.confirm {
        return Err(Refused::wrong("confirm", false, "expected that it is confirmed").into());
    }
    // The row first: whoever opens a case meanwhile waits for it, or was before and is seen.
    rows::set_last(&mut *conn, &asked.series, asked.year, asked.start - 1).await?;
    if rows::is_used(&mut *conn, &asked.series, asked.year).await? {
        let detail = format!("cases of {} {} have numbers already: its beginning stands", asked.series, asked.year);
        let args = vec![("series", Said::Text(asked.series.clone())), ("year", Said::Text(asked.year.to_string()))];
        let why = Reason { code: "series-used", detail, args, law: String::new(), is_forbidden: false };
        return Err(Refused::Because(Box::new(why)).into());
    }
    let after = json!({ "series": asked.series, "year": asked.year, "start": asked.start });
    let entry =
        Entry::new(Act::SeriesStart, KIND, format!("{}/{}", asked.series, asked.year)).because(&reason).to(after);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}
