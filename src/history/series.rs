//! Series by window: what may be asked, and what a bucket says. Pure.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::units::{StreamKind, vocabulary};

vocabulary! {
    /// How a bucket's readings become one value.
    Function, "function" {
        Sum = "sum",
        Mean = "mean",
        Min = "min",
        Max = "max",
        Last = "last",
        Count = "count",
    }
}

vocabulary! {
    /// What a bucket is worth.
    BucketQuality, "quality of a bucket" {
        Pass = "pass",
        /// Some reading in it is in doubt, or failed beside others that count.
        Suspect = "suspect",
        /// Readings came, and all of them failed.
        Fail = "fail",
        /// Nothing came.
        Missing = "missing",
    }
}

/// The longest span of one question, in days.
pub const MAX_RANGE_D: i64 = 3_660;
/// The most buckets of one answer.
pub const MAX_BUCKETS: i64 = 10_000;
const MAX_WINDOW_D: i64 = 366;

/// After `from` and up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: Instant,
    pub to: Instant,
}

/// Which parameter is wrong, what it was, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} = {value:?}: {message}")]
pub struct Wrong {
    pub field: &'static str,
    pub value: String,
    pub message: String,
}

impl Wrong {
    pub fn new(field: &'static str, value: impl ToString, message: impl Into<String>) -> Self {
        Self { field, value: value.to_string(), message: message.into() }
    }
}

impl Range {
    /// # Errors
    /// When it runs backwards, or is longer than ten years.
    pub fn checked(from: Instant, to: Instant) -> Result<Self, Wrong> {
        if from >= to {
            return Err(Wrong::new("from", from.to_rfc3339(), format!("expected an instant before `to` ({to})")));
        }
        if to - from > TimeDelta::days(MAX_RANGE_D) {
            let message = format!("expected at most {MAX_RANGE_D} days before `to` ({to})");
            return Err(Wrong::new("from", from.to_rfc3339(), message));
        }
        Ok(Self { from, to })
    }
}

/// A series of equal buckets from the beginning of the range; the last may be cut by its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub range: Range,
    pub window_s: i64,
    pub function: Function,
}

/// From this many days on a range is worth two connections.
const LONG_DAYS: i64 = 90;

impl Plan {
    /// The two halves of a long plan, cut between two buckets.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let Range { from, to } = self.range;
        let buckets = (to - from).num_seconds() / self.window_s.max(1);
        let middle = from + TimeDelta::seconds(buckets / 2 * self.window_s);
        let half = |from, to| Self { range: Range { from, to }, ..*self };
        (to - from >= TimeDelta::days(LONG_DAYS) && middle > from).then(|| (half(from, middle), half(middle, to)))
    }

    /// # Errors
    /// When the window does not fit, gives too many buckets, or the function says nothing of such a stream.
    pub fn checked(range: Range, window_s: i64, function: Function, kind: StreamKind) -> Result<Self, Wrong> {
        let length_s = (range.to - range.from).num_seconds();
        let buckets = length_s / window_s.max(1);
        if buckets > MAX_BUCKETS {
            let message = format!("gives {buckets} buckets between `from` and `to`; expected at most {MAX_BUCKETS}");
            return Err(Wrong::new("window", format!("{window_s}s"), message));
        }
        if function == Function::Sum && kind == StreamKind::Instantaneous {
            let message = format!(
                "adds up sums of intervals and steps of counters; of a stream of kind {kind} ask mean, min, max, last or count"
            );
            return Err(Wrong::new("function", function, message));
        }
        if function == Function::Mean && kind == StreamKind::CumulativeCounter {
            return Err(Wrong::new(
                "function",
                function,
                "says nothing of a counter; ask sum, min, max, last or count",
            ));
        }
        Ok(Self { range, window_s, function })
    }
}

/// What tells most of a stream of this kind.
pub const fn usual_function(kind: StreamKind) -> Function {
    match kind {
        StreamKind::IntervalSum | StreamKind::CumulativeCounter => Function::Sum,
        StreamKind::Instantaneous => Function::Mean,
    }
}

/// Reads "90s", "10m" (also "10min"), "1h", "1d".
///
/// # Errors
/// When it is no such length, or shorter than a minute or longer than a year.
pub fn parse_window(text: &str) -> Result<i64, Wrong> {
    let wrong = || Wrong::new("window", text, format!("expected 1m to {MAX_WINDOW_D}d, such as 10m, 1h or 1d"));
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_s = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit_s)).ok_or_else(wrong)?;
    if (60..=MAX_WINDOW_D * 86_400).contains(&seconds) { Ok(seconds) } else { Err(wrong()) }
}

/// What came in one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    /// Readings that count, and among them those in doubt.
    pub count: i64,
    pub suspect: i64,
    pub failed: i64,
    pub value: Option<f64>,
}

/// One value of a series.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Bucket {
    /// Holds what was observed after this instant …
    #[schema(value_type = String)]
    pub from: Instant,
    /// … and up to this one.
    #[schema(value_type = String)]
    pub to: Instant,
    /// Null where nothing came that counts; never zero for want of data.
    pub value: Option<f64>,
    #[schema(value_type = String)]
    pub quality: BucketQuality,
    /// Readings that count: those that passed and those in doubt.
    pub readings: i64,
    pub suspect: i64,
    pub failed: i64,
    /// Share of the readings that the stream promises for this time; null when it promises none.
    pub coverage: Option<f64>,
}

/// All buckets of a plan, those without readings included. `held` says what came in the bucket of an index.
pub fn buckets(plan: &Plan, interval_s: Option<i32>, held: impl Fn(i64) -> Option<Held>) -> Vec<Bucket> {
    let window = TimeDelta::seconds(plan.window_s);
    let mut all = Vec::new();
    let mut from = plan.range.from;
    while from < plan.range.to {
        let to = (from + window).min(plan.range.to);
        let index = i64::try_from(all.len()).unwrap_or(i64::MAX);
        all.push(bucket(from, to, plan.function, interval_s, held(index).unwrap_or_default()));
        from = to;
    }
    all
}

fn bucket(from: Instant, to: Instant, function: Function, interval_s: Option<i32>, held: Held) -> Bucket {
    let quality = match (held.count, held.suspect, held.failed) {
        (0, _, 0) => BucketQuality::Missing,
        (0, _, _) => BucketQuality::Fail,
        (_, 0, 0) => BucketQuality::Pass,
        _ => BucketQuality::Suspect,
    };
    let value = if held.count > 0 { held.value } else { None };
    // A count is known even of nothing.
    let value = if function == Function::Count { Some(held.count as f64) } else { value };
    let coverage = interval_s.filter(|interval| *interval > 0).map(|interval| {
        let promised = (to - from).num_milliseconds() as f64 / 1000.0 / f64::from(interval);
        (held.count as f64 / promised.max(1.0)).min(1.0)
    });
    let coverage = coverage.map(|share| (share * 1000.0).round() / 1000.0);
    Bucket { from, to, value, quality, readings: held.count, suspect: held.suspect, failed: held.failed, coverage }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn range(hours: i64) -> Range {
        let from = at("2026-02-22T12:00:00Z");
        Range::checked(from, from + TimeDelta::hours(hours)).unwrap()
    }

    #[test]
    fn a_bucket_in_which_nothing_came_is_missing_and_not_zero() {
        let plan = Plan::checked(range(3), 3600, Function::Sum, StreamKind::IntervalSum).unwrap();
        let held = |index| match index {
            0 => Some(Held { count: 6, value: Some(0.0), ..Held::default() }),
            1 => Some(Held { failed: 2, value: None, ..Held::default() }),
            _ => None,
        };
        let all = buckets(&plan, Some(600), held);
        let told: Vec<_> = all.iter().map(|b| (b.value, b.quality, b.coverage)).collect();
        assert_eq!(
            told,
            [
                (Some(0.0), BucketQuality::Pass, Some(1.0)),
                (None, BucketQuality::Fail, Some(0.0)),
                (None, BucketQuality::Missing, Some(0.0)),
            ]
        );
    }

    #[test]
    fn one_doubtful_or_failed_reading_marks_its_bucket() {
        let plan = Plan::checked(range(2), 3600, Function::Mean, StreamKind::Instantaneous).unwrap();
        let held = |index| {
            let doubt = Held { count: 3, suspect: 1 - index, failed: index, value: Some(2.0) };
            Some(doubt)
        };
        let all = buckets(&plan, None, held);
        assert!(all.iter().all(|b| b.quality == BucketQuality::Suspect && b.value == Some(2.0)), "{all:?}");
        assert_eq!(all[0].coverage, None, "nothing is promised");
    }

    #[test]
    fn the_last_bucket_ends_with_the_range() {
        let plan = Plan::checked(range(5), 2 * 3600, Function::Count, StreamKind::Instantaneous).unwrap();
        let all = buckets(&plan, None, |_| None);
        assert_eq!(all.len(), 3);
        assert_eq!(all[2].to, plan.range.to);
        assert_eq!(all[0].value, Some(0.0), "a count of nothing is zero");
    }

    #[test]
    fn windows_are_read_with_their_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("10min", 600), ("1h", 3600), ("366d", 31_622_400)] {
            assert_eq!(parse_window(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "h", "1", "1w", "30s", "367d", "-1h", "99999999999999999999h", "1h30m"] {
            assert_eq!(parse_window(wrong).unwrap_err().field, "window", "{wrong}");
        }
    }

    #[test]
    fn what_is_too_much_or_says_nothing_is_refused_with_its_field() {
        let year = range(365 * 24);
        let many = Plan::checked(year, 60, Function::Sum, StreamKind::IntervalSum).unwrap_err();
        assert_eq!((many.field, many.message.contains("525600 buckets")), ("window", true));
        let sum = Plan::checked(year, 3600, Function::Sum, StreamKind::Instantaneous).unwrap_err();
        assert_eq!(sum.field, "function");
        assert_eq!(Range::checked(year.to, year.from).unwrap_err().field, "from");
        assert_eq!(Range::checked(at("1990-01-01T00:00:00Z"), year.to).unwrap_err().field, "from");
    }
}
