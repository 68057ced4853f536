//! Reasons in words: value, limit, station, quality, age.

use std::collections::BTreeSet;

use super::doubts;
use super::drawing::limit_bar;
use super::view::{Markup, View};
use crate::risk::reason::{MeasureKind, Measured, Outcome, Reason};
use crate::units::Level;

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
        seen.insert((reason.quantity, reason.measure as u8, reason.window_min, reason.threshold, reason.outcome as u8))
    });
    first.take(limit).map(|reason| line(v, reason)).collect()
}

fn line(v: &View, reason: &Reason) -> Line {
    let unit = unit(&reason.unit);
    let number = |value: crate::units::Fixed| format!("{} {unit}", v.decimal(value.to_f64())).trim_end().to_owned();
    let outcome = match reason.outcome {
        Outcome::Met => "reason-met",
        Outcome::Holding => "reason-holding",
        Outcome::NotMet => "reason-not-met",
        Outcome::NoData => "reason-no-data",
    };
    let share = reason.value.map_or(0.0, |value| value.to_f64() / reason.threshold.to_f64().max(f64::EPSILON));
    Line {
        level: reason.level,
        value: reason.value.map_or_else(|| v.t("reason-nothing"), number),
        measure: measure(v, reason),
        limit: number(reason.threshold),
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

fn source(v: &View, station: &Measured) -> String {
    match &station.observed_at {
        Some(at) => format!("{} · {}", station.name, v.ago(at)),
        None => station.name.clone(),
    }
}

/// What limits the judgement: stations without a valid reading, and why the first of them is not believed.
fn note(v: &View, reason: &Reason) -> String {
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
    let span = match reason.window_min.unwrap_or_default() {
        minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    };
    match reason.measure {
        MeasureKind::Sum => v.t1("measure-sum", "span", span),
        MeasureKind::Rate => v.t1("measure-rate", "span", span),
        MeasureKind::Latest => v.t("measure-latest"),
    }
}

fn unit(unit: &str) -> &str {
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
