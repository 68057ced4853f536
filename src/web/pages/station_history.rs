//! The part of a station's page that looks back: each stream over a day, days, a month or a year, with what was doubted and
//! corrected, and the ways to take the data along.

mod limits;

use chrono::{NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::plot::{self, Limit, Plot};
use super::view::{Markup, View};
use crate::app::App;
use crate::clock::Instant;
use crate::history::series::{Bucket, Function, Plan, Range, usual_function};
use crate::history::store::{self, Correction, Reading, Stream};
use crate::risk::measure::Measure;
use crate::units::{Quantity, StreamKind, vocabulary};
use crate::web::error::ApiError;
use limits::{Limits, Threshold};

/// Doubted readings and corrections on the page.
const SHOWN: i64 = 12;

vocabulary! {
    /// How far the page looks back. Texts are `history-SPAN`.
    Span, "span" {
        Day = "24h",
        Days = "3d",
        Month = "30d",
        Year = "1y",
    }
}

vocabulary! {
    /// The time within which what fell is added up, as the rules do.
    Together, "accumulation window" {
        QuarterHour = "15m",
        Hour = "1h",
        Hours6 = "6h",
        Day = "24h",
        Days3 = "72h",
        Days4 = "96h",
    }
}

impl Together {
    const fn minutes(self) -> u32 {
        match self {
            Self::QuarterHour => 15,
            Self::Hour => 60,
            Self::Hours6 => 6 * 60,
            Self::Day => 24 * 60,
            Self::Days3 => 72 * 60,
            Self::Days4 => 96 * 60,
        }
    }

    /// "15 min", "72 h".
    pub fn shown(&self) -> String {
        match self.minutes() {
            minutes if minutes < 60 => format!("{minutes} min"),
            minutes => format!("{} h", minutes / 60),
        }
    }
}

/// What a reader of the page chose.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub span: Span,
    /// None: the total of the span runs up.
    pub together: Option<Together>,
}

impl Span {
    const fn hours(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Days => 72,
            Self::Month => 30 * 24,
            Self::Year => 365 * 24,
        }
    }

    /// Until now. Where a bucket is a day, or a part of one, they are days of the municipality.
    fn range(self, v: &View) -> Range {
        let from = v.now - TimeDelta::hours(self.hours());
        let midnight = || from.with_timezone(&v.tz).with_time(NaiveTime::MIN).earliest();
        let from = match self {
            Self::Day | Self::Days => from,
            Self::Month | Self::Year => midnight().map_or(from, |local| local.to_utc()),
        };
        Range { from, to: v.now }
    }

    /// A bucket, in seconds: about a hundred to the picture, and none shorter than the stream reports.
    fn window_s(self, stream: &Stream) -> i64 {
        let is_sum = stream.kind != StreamKind::Instantaneous;
        let window_s = match self {
            Self::Day if is_sum => 1_800,
            Self::Day => 600,
            Self::Days if is_sum => 3_600,
            Self::Days => 1_800,
            Self::Month => 6 * 3_600,
            Self::Year => 86_400,
        };
        let unknown_s = if stream.kind == StreamKind::IntervalSum { 3_600 } else { 0 };
        window_s.max(i64::from(stream.interval_s.unwrap_or(unknown_s)))
    }
}

/// What a station's page shows of the past.
pub struct History {
    pub code: String,
    pub span: Span,
    pub together: Option<Together>,
    pub charts: Vec<Chart>,
}

impl History {
    /// The query of the page that shows another span.
    pub fn with_span(&self, span: &Span) -> String {
        query(*span, self.together)
    }

    /// The query of the page that adds up over another time.
    pub fn with_window(&self, together: &Together) -> String {
        query(self.span, Some(*together))
    }

    /// The query of the page with the running total of the span.
    pub fn with_total(&self) -> String {
        query(self.span, None)
    }

    pub fn is_over(&self, together: &Together) -> bool {
        self.together == Some(*together)
    }

    /// Whether anything on the page can be added up.
    pub fn adds_up(&self) -> bool {
        self.charts.iter().any(|chart| chart.stream.kind != StreamKind::Instantaneous)
    }
}

fn query(span: Span, together: Option<Together>) -> String {
    together.map_or_else(|| format!("range={span}"), |window| format!("range={span}&amp;window={window}"))
}

pub struct Chart {
    pub stream: Stream,
    pub svg: Markup,
    pub from: Instant,
    pub middle: Instant,
    pub to: Instant,
    pub window: String,
    pub function: Function,
    pub buckets: Vec<Bucket>,
    pub limits: Vec<Limit>,
    /// The time within which the line adds up.
    pub together: Option<Together>,
    pub total: Option<f64>,
    /// Least and most.
    pub ends: Option<(f64, f64)>,
    /// Share of what was expected, in percent.
    pub coverage: Option<String>,
    pub doubted: Vec<Reading>,
    pub corrections: Vec<Correction>,
    /// The query of the same series over the API.
    pub query: String,
}

impl Chart {
    /// The bucket's length as the API reads it.
    pub fn window_word(&self) -> String {
        self.window.replace("min", "m").replace(' ', "")
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_none()
    }
}

/// Everything the page needs of the streams of a station.
pub async fn load(
    app: &App,
    conn: &mut PgConnection,
    v: &View,
    code: &str,
    choice: Choice,
) -> Result<History, ApiError> {
    let streams = store::streams(&mut *conn, code).await.map_err(ApiError::Internal)?;
    let limits = limits_of(app, &mut *conn, code).await.map_err(ApiError::Internal)?;
    let mut charts = Vec::with_capacity(streams.len());
    for stream in streams {
        let thresholds = limits.on(stream.id);
        charts.push(chart(app, &mut *conn, v, stream, &thresholds, choice).await?);
    }
    // What warns first, the health of the device last.
    charts.sort_by_key(|chart| chart.stream.quantity == Quantity::Battery);
    Ok(History { code: code.to_owned(), span: choice.span, together: choice.together, charts })
}

/// The rules as the evaluator binds them.
async fn limits_of(app: &App, conn: &mut PgConnection, code: &str) -> anyhow::Result<Limits> {
    Ok(Limits::of(&*app.town.network(conn, &app.config.engine).await?, code)?)
}

async fn chart(
    app: &App,
    conn: &mut PgConnection,
    v: &View,
    stream: Stream,
    thresholds: &[Threshold],
    choice: Choice,
) -> Result<Chart, ApiError> {
    let span = choice.span;
    let range = span.range(v);
    let window_s = span.window_s(&stream);
    let plan = Plan::checked(range, window_s, usual_function(stream.kind), stream.kind)?;
    let buckets = app.past.series(&app.db.web, &mut *conn, &stream, &plan).await?;
    let doubted = store::doubted(&mut *conn, stream.id, range, SHOWN).await?;
    let corrections = store::corrections(&mut *conn, stream.id, range, SHOWN).await?;
    let together = choice.together.filter(|window| tells(*window, &stream));
    let reached = match together {
        Some(window) => {
            let reached = store::accumulated(&mut *conn, &stream, &plan, i64::from(window.minutes()) * 60);
            Some(reached.await?)
        }
        None => None,
    };
    let limits = drawn(thresholds, &stream, span, together);
    let plot =
        Plot { stream: &stream, range, window_s, buckets: &buckets, limits: &limits, reached: reached.as_deref() };
    let svg = if stream.kind == StreamKind::Instantaneous { plot::line(v, &plot) } else { plot::bars(v, &plot) };
    let values = || buckets.iter().filter_map(|bucket| bucket.value);
    let ends = values().reduce(f64::min).zip(values().reduce(f64::max));
    let shares: Vec<f64> = buckets.iter().filter_map(|bucket| bucket.coverage).collect();
    let coverage = shares.iter().sum::<f64>() / shares.len().max(1) as f64 * 100.0;
    Ok(Chart {
        svg,
        from: range.from,
        middle: range.from + (range.to - range.from) / 2,
        to: range.to,
        window: length(window_s),
        function: plan.function,
        total: (plan.function == Function::Sum).then(|| values().sum()),
        ends,
        coverage: (!shares.is_empty()).then(|| format!("{coverage:.0}")),
        limits,
        together,
        doubted,
        corrections,
        query: format!("stream={}&from={}&to={}", stream.name, utc(range.from), utc(range.to)),
        buckets,
        stream,
    })
}

fn utc(at: Instant) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// "10 min", "6 h", "1 d".
fn length(window_s: i64) -> String {
    match window_s {
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        s => format!("{} min", s / 60),
    }
}

/// Whether a window says anything of a stream: an hourly total says nothing of a quarter of an hour.
fn tells(window: Together, stream: &Stream) -> bool {
    stream.kind != StreamKind::Instantaneous
        && stream.interval_s.is_none_or(|interval_s| i64::from(interval_s) <= i64::from(window.minutes()) * 60)
}

/// The thresholds that fit what is drawn: of a sum those of the window that adds up, or else as long as the picture; of values of an
/// instant those of the latest.
fn drawn(thresholds: &[Threshold], stream: &Stream, span: Span, together: Option<Together>) -> Vec<Limit> {
    let whole_min = u32::try_from(span.hours() * 60).ok();
    let window_min = together.map(Together::minutes).or(whole_min);
    let fits = |threshold: &&Threshold| match &threshold.measure {
        Measure::Sum(_) => stream.kind != StreamKind::Instantaneous && threshold.measure.window_min() == window_min,
        Measure::Latest => stream.kind == StreamKind::Instantaneous,
        _ => false,
    };
    thresholds.iter().filter(fits).map(|one| Limit { level: one.level, value: one.value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_the_largest_whole_unit() {
        assert_eq!([600, 3_600, 21_600, 86_400].map(length), ["10 min", "1 h", "6 h", "1 d"]);
    }
}
