//! Reasons in words: value, limit, station, quality, age.

use std::collections::BTreeSet;

use super::doubts;
use super::drawing::limit_bar;
use super::view::{Markup, View};
use crate::risk::measure::Stage;
use crate::risk::reason::{Joined, MeasureKind, Measured, Outcome, Reason};
use crate::units::{Fixed, Level};

/// One condition as a card shows it.
#[derive(Clone, Debug)]
pub struct Line {
    pub level: Level,
    /// "172 mm".
    pub value: String,
    /// "em 24 h".
    pub measure: String,
    /// "150 mm".
    pub limit: String,
    /// "limite" or "mínimo".
    pub limit_word: String,
    /// "passou do limite", "abaixo do limite", …
    pub outcome: String,
    pub met: bool,
    /// "Nossa Senhora de Lourdes · há 40 s".
    pub from: String,
    /// What limits the judgement, or empty.
    pub note: String,
    pub bar: Markup,
}

/// The lines of a set of reasons, strongest first, at most `limit`. Areas of one alert share their gauges, so that the
/// same measurement comes many times; it is said once.
pub fn lines(v: &View, reasons: &[Reason], limit: usize) -> Vec<Line> {
    let mut seen = BTreeSet::new();
    let first = reasons.iter().filter(|reason| {
        seen.insert((
            reason.quantity,
            reason.derived,
            reason.measure as u8,
            reason.window_min,
            reason.threshold,
            reason.outcome as u8,
        ))
    });
    first.take(limit).map(|reason| line(v, reason)).collect()
}

pub fn line(v: &View, reason: &Reason) -> Line {
    let number = |value| amount(v, value, &reason.unit, reason.measure);
    let outcome = match (reason.outcome, reason.rises) {
        (Outcome::Met, true) => "reason-met",
        (Outcome::Met, false) => "reason-met-low",
        (Outcome::Holding, _) => "reason-holding",
        (Outcome::NotMet, true) => "reason-not-met",
        (Outcome::NotMet, false) => "reason-not-met-low",
        (Outcome::Unsure, _) => "reason-unsure",
        (Outcome::NoData, _) => "reason-no-data",
    };
    let share = reason.value.map_or(0.0, |value| share(value, reason));
    Line {
        level: reason.level,
        value: reason.value.map_or_else(|| v.t("reason-nothing"), number),
        measure: measure(v, reason),
        limit: number(reason.threshold),
        limit_word: v.t(if reason.rises { "reason-limit" } else { "reason-least" }),
        outcome: v.t(outcome),
        met: reason.outcome == Outcome::Met,
        from: reason
            .stations
            .iter()
            .find(|station| station.fresh)
            .map_or_else(String::new, |station| source(v, station)),
        note: note(v, reason),
        bar: limit_bar(share),
    }
}

/// "46 mm"; of a curve "80 %".
pub fn amount(v: &View, value: Fixed, unit_code: &str, measure: MeasureKind) -> String {
    if measure == MeasureKind::Curve {
        return format!("{} %", v.decimal((value.to_f64() * 100.0).round()));
    }
    format!("{} {}", v.decimal(value.to_f64()), unit(unit_code)).trim_end().to_owned()
}

/// The same of a depth of rain, whatever the condition compares.
pub fn depth(v: &View, value: Fixed, unit_code: &str) -> String {
    amount(v, value, unit_code, MeasureKind::Sum)
}

/// How far it is to the threshold, 1 at it.
fn share(value: Fixed, reason: &Reason) -> f64 {
    let (value, limit) = (value.to_f64(), reason.threshold.to_f64());
    if !reason.rises {
        return if value <= 0.0 { 1.0 } else { (limit / value).max(0.0) };
    }
    // Against a stage the threshold is often nothing at all.
    if limit <= 0.0 { if value >= limit { 1.0 } else { 0.0 } } else { value / limit }
}

fn source(v: &View, station: &Measured) -> String {
    match &station.observed_at {
        Some(at) => format!("{} · {}", station.name, v.ago(at)),
        None => station.name.clone(),
    }
}

/// What limits the judgement: stations without a valid reading, and why the first of them is not believed.
fn note(v: &View, reason: &Reason) -> String {
    let mut parts = vec![joined(v, reason.joined), limits(v, reason)];
    parts.extend(reason.arrives_at.as_ref().map(|at| v.t1("reason-arrives", "time", v.time(at))));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// How the stations made one value.
pub fn joined(v: &View, joined: Joined) -> String {
    match joined {
        Joined::Worst => String::new(),
        Joined::Kth(k) => v.t1("joined-kth", "k", k),
        Joined::Mean => v.t("joined-mean"),
        Joined::InverseDistance => v.t("joined-inverse-distance"),
        Joined::Thiessen => v.t("joined-thiessen"),
    }
}

fn limits(v: &View, reason: &Reason) -> String {
    let missing = match (reason.asked, reason.silent) {
        (0, _) => v.t("reason-no-station"),
        (_, 0) => String::new(),
        (asked, silent) => v.t2("reason-silent", "silent", silent, "asked", asked),
    };
    let unit = unit(&reason.unit);
    let doubted = reason.stations.iter().find_map(|station| Some((station, station.doubt.as_ref()?)));
    match doubted {
        Some((station, why)) => {
            let told = v.t2("reason-doubt", "name", &station.name, "why", doubts::words(v, why, unit));
            if missing.is_empty() { told } else { format!("{missing} · {told}") }
        }
        None => missing,
    }
}

/// "em 24 h", "variação em 1 h", "agora".
fn measure(v: &View, reason: &Reason) -> String {
    let what = measured(v, reason.measure, reason.window_min, reason.stage);
    match reason.derived {
        Some(derived) => format!("{} {what}", v.t(&format!("derived-{}", derived.as_str().replace('_', "-")))),
        None => what,
    }
}

/// The same of a measure by itself.
pub fn measured(v: &View, measure: MeasureKind, window_min: Option<u32>, stage: Option<Stage>) -> String {
    let span = span(window_min.unwrap_or_default());
    match measure {
        MeasureKind::Sum => v.t1("measure-sum", "span", span),
        MeasureKind::Rate => v.t1("measure-rate", "span", span),
        MeasureKind::Max => v.t1("measure-max", "span", span),
        MeasureKind::Min => v.t1("measure-min", "span", span),
        MeasureKind::Mean => v.t1("measure-mean", "span", span),
        MeasureKind::Antecedent => v.t1("measure-antecedent", "span", span),
        MeasureKind::Curve => v.t("measure-curve"),
        MeasureKind::Latest => v.t("measure-latest"),
        MeasureKind::Above => {
            v.t1("measure-above", "stage", stage.map_or_else(String::new, |stage| v.t(&format!("stage-{stage}"))))
        }
    }
}

/// "45 min", "24 h", "30 d".
pub fn span(minutes: u32) -> String {
    match minutes {
        days if days >= 5 * 1440 && days % 1440 == 0 => format!("{} d", days / 1440),
        hours if hours % 60 == 0 => format!("{} h", hours / 60),
        minutes => format!("{minutes} min"),
    }
}

pub fn unit(unit: &str) -> &str {
    match unit {
        "Cel" => "°C",
        "m3/s" => "m³/s",
        // A bare number.
        "1" => "",
        other => other,
    }
}

/// Names of the silent stations among these reasons, each once.
pub fn silent_stations(reasons: &[Reason]) -> Vec<String> {
    let mut names: Vec<String> = reasons
        .iter()
        .flat_map(|reason| &reason.stations)
        .filter(|station| !station.fresh)
        .map(|station| station.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}
