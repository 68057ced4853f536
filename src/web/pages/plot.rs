//! Charts of a stream as SVG. Pure. Where nothing was received the picture stays open; what is in doubt or failed is marked, and
//! says so in its title.

use std::fmt::Write as _;

use super::view::{Markup, View};
use crate::history::series::{Bucket, BucketQuality, Range};
use crate::history::store::Stream;
use crate::units::Level;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 130.0;

/// A threshold of a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub level: Level,
    pub value: f64,
}

/// What is drawn.
#[derive(Clone, Copy)]
pub struct Plot<'a> {
    pub stream: &'a Stream,
    pub range: Range,
    pub window_s: i64,
    pub buckets: &'a [Bucket],
    pub limits: &'a [Limit],
    /// For each bucket the most that had come together within the chosen time; without it the total of the picture runs up.
    pub reached: Option<&'a [Option<f64>]>,
}

/// From values to the height of the picture.
#[derive(Clone, Copy)]
struct Scale {
    bottom: f64,
    top: f64,
}

impl Scale {
    /// Holds all values with some air above and, unless it stands on zero, below.
    fn holding(values: impl Iterator<Item = f64>, on_zero: bool) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        values.for_each(|value| (least, most) = (least.min(value), most.max(value)));
        if least > most {
            return Self { bottom: 0.0, top: 1.0 };
        }
        let bottom = if on_zero { 0.0 } else { least };
        let air = ((most - bottom) * 0.08).max(0.05);
        Self { bottom: if on_zero { 0.0 } else { bottom - air }, top: most + air }
    }

    fn y(self, value: f64) -> f64 {
        HEIGHT - (value - self.bottom) / (self.top - self.bottom) * HEIGHT
    }
}

impl Plot<'_> {
    fn x(&self, at: crate::clock::Instant) -> f64 {
        let span = (self.range.to - self.range.from).num_milliseconds().max(1) as f64;
        (at - self.range.from).num_milliseconds() as f64 / span * WIDTH
    }

    fn open(&self, v: &View) -> String {
        let values = || self.buckets.iter().filter_map(|bucket| bucket.value);
        let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let quantity = v.word("quantity", self.stream.quantity.as_str());
        let label = if least > most {
            format!("{quantity}: {}", v.t("history-none"))
        } else {
            let ends = v.t2("history-ends", "least", v.decimal(least), "most", v.decimal(most));
            format!("{quantity}, {}: {ends}", self.stream.unit)
        };
        format!(
            r#"<svg class="hyeto tall" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">"#
        )
    }

    /// Where nothing came.
    fn gaps(&self, v: &View, svg: &mut String) {
        let missing = |bucket: &&Bucket| bucket.quality == BucketQuality::Missing;
        for run in self.buckets.chunk_by(|a, b| a.quality == b.quality) {
            let (Some(first), Some(last)) = (run.first().filter(missing), run.last()) else { continue };
            let (left, right) = (self.x(first.from), self.x(last.to));
            let _ = write!(
                svg,
                r#"<rect class="gap" x="{left:.1}" y="0" width="{:.1}" height="{HEIGHT}"><title>{} – {}: {}</title></rect>"#,
                right - left,
                v.when(first.from),
                v.when(last.to),
                v.t("history-gap")
            );
        }
    }

    fn title(&self, v: &View, bucket: &Bucket) -> String {
        let value = bucket.value.map(|value| format!("{} {}", v.decimal(value), self.stream.unit));
        let mut title = format!("{} – {}", v.when(bucket.from), v.time(bucket.to));
        value.into_iter().for_each(|value| title.push_str(&format!(" · {value}")));
        if bucket.quality != BucketQuality::Pass {
            title.push_str(&format!(" · {}", v.word("series", bucket.quality.as_str())));
            let doubts = bucket.suspect + bucket.failed;
            title.push_str(&format!(" ({})", v.t1("history-doubts-count", "count", doubts)));
        }
        title
    }

    fn limits(&self, v: &View, scale: Scale, svg: &mut String) {
        for limit in self.limits {
            let y = scale.y(limit.value);
            let word = v.level_word(limit.level);
            let _ = write!(
                svg,
                r#"<line class="limit {}" x1="0" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}"><title>{word}: {} {}</title></line>"#,
                limit.level,
                v.decimal(limit.value),
                self.stream.unit
            );
        }
    }

    /// A mark of constant size, whatever the picture is stretched to.
    fn mark(&self, v: &View, bucket: &Bucket, y: f64, svg: &mut String) {
        let middle = self.x(bucket.from + (bucket.to - bucket.from) / 2);
        let _ = write!(
            svg,
            r#"<path class="dot {}" d="M{middle:.1} {y:.1}h.01"><title>{}</title></path>"#,
            bucket.quality,
            self.title(v, bucket)
        );
    }
}

/// Bars of what fell in each bucket, what came together as a line, thresholds of that dashed.
pub fn bars(v: &View, plot: &Plot<'_>) -> Markup {
    let values = || plot.buckets.iter().filter_map(|bucket| bucket.value);
    let most = values().fold(1.0, f64::max);
    let lines = plot.reached.map_or_else(|| totals(plot), |reached| reached_runs(plot, reached));
    let sums = lines.iter().flatten().map(|(_, sum)| *sum);
    let limits = plot.limits.iter().map(|limit| limit.value);
    let scale = Scale::holding(sums.chain(limits).chain([1.0]), true);
    let mut svg = plot.open(v);
    plot.gaps(v, &mut svg);
    for bucket in plot.buckets {
        let (left, right) = (plot.x(bucket.from), plot.x(bucket.to));
        if let Some(value) = bucket.value {
            let tall = (value / most * (HEIGHT - 16.0)).max(1.0);
            let _ = write!(
                svg,
                r#"<rect class="bar {}" x="{:.1}" y="{:.1}" width="{:.1}" height="{tall:.1}"><title>{}</title></rect>"#,
                bucket.quality,
                left + 0.5,
                HEIGHT - tall,
                (right - left - 1.0).max(0.8),
                plot.title(v, bucket)
            );
        }
        if matches!(bucket.quality, BucketQuality::Suspect | BucketQuality::Fail) {
            plot.mark(v, bucket, HEIGHT - 6.0, &mut svg);
        }
    }
    for run in lines {
        let points: Vec<String> = run.iter().map(|(x, sum)| format!("{x:.1},{:.1}", scale.y(*sum))).collect();
        let _ = write!(svg, r#"<polyline class="sum" points="{}"/>"#, points.join(" "));
    }
    plot.limits(v, scale, &mut svg);
    let _ = write!(svg, r#"<line class="base" x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}"/></svg>"#);
    Markup(svg)
}

/// The running total in runs: where nothing came nobody knows it, so the line is open there.
fn totals(plot: &Plot<'_>) -> Vec<Vec<(f64, f64)>> {
    let mut sum = 0.0;
    let mut runs = Vec::new();
    for run in plot.buckets.chunk_by(|a, b| a.value.is_some() == b.value.is_some()) {
        let Some(first) = run.first().filter(|first| first.value.is_some()) else { continue };
        let mut points = vec![(plot.x(first.from), sum)];
        for bucket in run {
            sum += bucket.value.unwrap_or_default();
            points.push((plot.x(bucket.to), sum));
        }
        runs.push(points);
    }
    runs
}

/// What had come together at the end of each bucket, in runs: where nothing came it is not known.
fn reached_runs(plot: &Plot<'_>, reached: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let points: Vec<(f64, Option<f64>)> =
        plot.buckets.iter().zip(reached).map(|(bucket, sum)| (plot.x(bucket.to), *sum)).collect();
    let runs = points.chunk_by(|a, b| a.1.is_some() == b.1.is_some());
    let runs = runs.map(|run| run.iter().filter_map(|(x, sum)| sum.map(|sum| (*x, sum))).collect::<Vec<_>>());
    runs.filter(|run| !run.is_empty()).collect()
}

/// A line through the values, broken where the stream was silent, with its thresholds.
pub fn line(v: &View, plot: &Plot<'_>) -> Markup {
    let values = plot.buckets.iter().filter_map(|bucket| bucket.value);
    let scale = Scale::holding(values.chain(plot.limits.iter().map(|limit| limit.value)), false);
    let mut svg = plot.open(v);
    plot.gaps(v, &mut svg);
    for run in runs(plot) {
        let points: Vec<String> = run.iter().map(|(x, value)| format!("{x:.1},{:.1}", scale.y(*value))).collect();
        if let [alone] = points.as_slice() {
            let _ = write!(svg, r#"<path class="dot pass" d="M{}h.01"/>"#, alone.replace(',', " "));
        }
        let _ = write!(svg, r#"<polyline class="sum" points="{}"/>"#, points.join(" "));
    }
    for bucket in plot.buckets {
        if matches!(bucket.quality, BucketQuality::Suspect | BucketQuality::Fail) {
            plot.mark(v, bucket, bucket.value.map_or(HEIGHT - 6.0, |value| scale.y(value)), &mut svg);
        }
    }
    plot.limits(v, scale, &mut svg);
    let _ = write!(svg, r#"<line class="base" x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}"/></svg>"#);
    Markup(svg)
}

/// The points in runs that are not broken by a silence.
fn runs(plot: &Plot<'_>) -> Vec<Vec<(f64, f64)>> {
    let silence_s = i64::from(plot.stream.stale_after_s).max(plot.window_s * 3 / 2);
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last: Option<crate::clock::Instant> = None;
    for bucket in plot.buckets {
        let Some(value) = bucket.value else { continue };
        let point = (plot.x(bucket.from + (bucket.to - bucket.from) / 2), value);
        let joined = last.is_some_and(|last| (bucket.from - last).num_seconds() <= silence_s);
        match runs.last_mut().filter(|_| joined) {
            Some(run) => run.push(point),
            None => runs.push(vec![point]),
        }
        last = Some(bucket.to);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Quantity, StreamKind};
    use chrono::TimeDelta;

    #[test]
    fn a_silence_breaks_the_line() {
        let from: crate::clock::Instant = "2026-02-22T12:00:00Z".parse().unwrap();
        let range = Range { from, to: from + TimeDelta::hours(6) };
        let bucket = |hour: i64, value: Option<f64>| Bucket {
            from: from + TimeDelta::hours(hour),
            to: from + TimeDelta::hours(hour + 1),
            value,
            quality: if value.is_some() { BucketQuality::Pass } else { BucketQuality::Missing },
            readings: 1,
            suspect: 0,
            failed: 0,
            coverage: None,
        };
        let values = [Some(1.0), Some(2.0), None, None, Some(3.0), Some(4.0)];
        let buckets: Vec<Bucket> = (0..).zip(values).map(|(hour, value)| bucket(hour, value)).collect();
        let stream = Stream {
            id: crate::ids::DatastreamId(1),
            station: "A".into(),
            station_name: "A".into(),
            name: "level".into(),
            quantity: Quantity::WaterLevel,
            unit: "m".into(),
            kind: StreamKind::Instantaneous,
            interval_s: None,
            stale_after_s: 600,
            lon: 0.0,
            lat: 0.0,
        };
        let plot = Plot { stream: &stream, range, window_s: 3600, buckets: &buckets, limits: &[], reached: None };
        let lengths: Vec<usize> = runs(&plot).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 2]);
        let ends: Vec<(f64, f64)> = totals(&plot).iter().map(|run| (run[0].1, run[run.len() - 1].1)).collect();
        assert_eq!(ends, [(0.0, 3.0), (3.0, 10.0)], "a total goes on after the silence, not through it");
        let reached = [Some(1.0), Some(3.0), None, None, Some(3.0), Some(7.0)];
        let runs: Vec<Vec<f64>> =
            reached_runs(&plot, &reached).iter().map(|run| run.iter().map(|(_, sum)| *sum).collect()).collect();
        assert_eq!(runs, [[1.0, 3.0], [3.0, 7.0]]);
    }

    #[test]
    fn a_scale_holds_what_is_drawn() {
        let scale = Scale::holding([2.0, 5.0].into_iter(), false);
        assert!(scale.y(5.0) > 0.0 && scale.y(2.0) < HEIGHT);
        assert_eq!(Scale::holding([2.0].into_iter(), true).y(0.0), HEIGHT);
    }
}
