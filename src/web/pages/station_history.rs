//! The part of a station's page that looks back: each stream over a day, days, a month or a year, with what was doubted and
//! corrected, and the ways to take the data along.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::plot::{self, Limit, Plot};
use super::view::{Markup, View};
use crate::clock::Instant;
use crate::history::series::{Bucket, Function, Plan, Range, usual_function};
use crate::history::store::{self, Correction, Reading, Stream};
use crate::risk::reason::MeasureKind;
use crate::units::{Quantity, StreamKind, vocabulary};
use crate::web::error::ApiError;
use crate::web::situation::Pair;

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

impl Span {
    const fn hours(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Days => 72,
            Self::Month => 30 * 24,
            Self::Year => 365 * 24,
        }
    }

    /// A bucket, in seconds: about a hundred to the picture, and none shorter than the stream reports.
    fn window_s(self, stream: &Stream) -> i64 {
        let is_sum = stream.kind == StreamKind::IntervalSum;
        let window_s = match self {
            Self::Day if is_sum => 1_800,
            Self::Day => 600,
            Self::Days if is_sum => 3_600,
            Self::Days => 1_800,
            Self::Month => 6 * 3_600,
            Self::Year => 86_400,
        };
        window_s.max(i64::from(stream.interval_s.unwrap_or(if is_sum { 3_600 } else { 0 })))
    }
}

/// What a station's page shows of the past.
pub struct History {
    pub code: String,
    pub span: Span,
    pub charts: Vec<Chart>,
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
    conn: &mut PgConnection,
    v: &View,
    code: &str,
    pairs: &[Pair],
    span: Span,
) -> Result<History, ApiError> {
    let streams = store::streams(&mut *conn, code).await.map_err(ApiError::Internal)?;
    let mut charts = Vec::with_capacity(streams.len());
    for stream in streams {
        let limits = limits_of(pairs, &stream, span);
        charts.push(chart(&mut *conn, v, stream, limits, span).await?);
    }
    // What warns first, the health of the device last.
    charts.sort_by_key(|chart| chart.stream.quantity == Quantity::Battery);
    Ok(History { code: code.to_owned(), span, charts })
}

async fn chart(
    conn: &mut PgConnection,
    v: &View,
    stream: Stream,
    limits: Vec<Limit>,
    span: Span,
) -> Result<Chart, ApiError> {
    let range = Range { from: v.now - TimeDelta::hours(span.hours()), to: v.now };
    let window_s = span.window_s(&stream);
    let plan = Plan::checked(range, window_s, usual_function(stream.kind), stream.kind)?;
    let buckets = store::series(&mut *conn, &stream, &plan).await?;
    let doubted = store::doubted(&mut *conn, stream.id, range, SHOWN).await?;
    let corrections = store::corrections(&mut *conn, stream.id, range, SHOWN).await?;
    let plot = Plot { stream: &stream, range, window_s, buckets: &buckets, limits: &limits };
    let svg = if stream.kind == StreamKind::IntervalSum { plot::bars(v, &plot) } else { plot::line(v, &plot) };
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

/// Thresholds that rules hold against this stream and that can be drawn: of a sum only those of a window as long as the
/// picture, of the latest value all. For each level the lowest.
fn limits_of(pairs: &[Pair], stream: &Stream, span: Span) -> Vec<Limit> {
    let fits = |measure: MeasureKind, window_min: Option<u32>| match measure {
        MeasureKind::Sum => {
            stream.kind == StreamKind::IntervalSum && window_min.map(i64::from) == Some(span.hours() * 60)
        }
        MeasureKind::Latest => stream.kind != StreamKind::IntervalSum,
        MeasureKind::Rate => false,
    };
    let mut limits: Vec<Limit> = Vec::new();
    for reason in pairs.iter().flat_map(|pair| &pair.reasons) {
        let asked = reason.stations.iter().any(|station| station.code == stream.station);
        if asked && reason.quantity == stream.quantity && fits(reason.measure, reason.window_min) {
            let value = reason.threshold.to_f64();
            match limits.iter_mut().find(|limit| limit.level == reason.level) {
                Some(limit) => limit.value = limit.value.min(value),
                None => limits.push(Limit { level: reason.level, value }),
            }
        }
    }
    limits.sort_by_key(|limit| limit.level);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_the_largest_whole_unit() {
        assert_eq!([600, 3_600, 21_600, 86_400].map(length), ["10 min", "1 h", "6 h", "1 d"]);
    }
}
