//! Rules as typed TOML. A file holds one rule; `config/rules/README.md` explains the form to those who write them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cobrade::Cobrade;
use crate::risk::reason::MeasureKind;
use crate::risk::series::Micros;
use crate::units::{Fixed, Grade, Level, Quantity};

pub const MAX_WINDOW_H: i64 = 96;
const HOUR: Micros = 3_600_000_000;

/// A rule for one hazard.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: String,
    pub version: i32,
    pub title: String,
    pub hazard: Cobrade,
    /// Grades it holds for; empty = all.
    pub grades: Vec<Grade>,
    pub selectors: Vec<Selector>,
    /// Ascending by danger.
    pub levels: Vec<LevelRule>,
}

/// Which streams a condition reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    pub name: String,
    pub quantity: Quantity,
    /// Only streams of this name; empty = whatever they are called.
    pub stream: String,
    pub place: Place,
    /// The k-th highest value speaks: 1 is the maximum, 2 asks for two stations in agreement.
    pub k: usize,
    /// With fewer fresh stations the area is blind.
    pub min_fresh: usize,
    /// Whether readings in doubt count as well. What failed never counts.
    pub suspect: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Inside,
    /// Inside, or at most this far from the area's edge.
    WithinKm(f64),
    /// The n nearest to the area, no farther than this.
    Nearest {
        n: usize,
        within_km: f64,
    },
    Named(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct LevelRule {
    pub level: Level,
    /// The conditions must hold this long before the level rises.
    pub hold_for: Micros,
    /// The conditions must be clear this long before the level falls.
    pub clear_after: Micros,
    /// Any of them raises.
    pub any: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Index into `Rule::selectors`.
    pub selector: usize,
    pub measure: Measure,
    pub at_least: Fixed,
    pub clear_below: Fixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Sum(Micros),
    Latest,
    /// Change per hour over the window.
    Rate(Micros),
}

impl Measure {
    pub const fn kind(self) -> MeasureKind {
        match self {
            Self::Sum(_) => MeasureKind::Sum,
            Self::Latest => MeasureKind::Latest,
            Self::Rate(_) => MeasureKind::Rate,
        }
    }

    pub fn window_min(self) -> Option<u32> {
        match self {
            Self::Sum(window) | Self::Rate(window) => u32::try_from(window * 60 / HOUR).ok(),
            Self::Latest => None,
        }
    }

    pub fn unit(self, quantity: Quantity) -> String {
        match self {
            Self::Rate(_) => format!("{}/h", quantity.canonical_unit()),
            Self::Sum(_) | Self::Latest => quantity.canonical_unit().to_owned(),
        }
    }
}

#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[error("rule {rule}: {place}: {message}")]
pub struct RuleError {
    pub rule: String,
    /// The key in the file: "levels[1].any[0].at_least".
    pub place: String,
    pub message: String,
}

// The file as written. Alternatives are separate optional keys, because errors of untagged enums help nobody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    version: i32,
    title: String,
    hazard: Cobrade,
    #[serde(default)]
    grades: Vec<Grade>,
    stations: BTreeMap<String, SelectorFile>,
    levels: Vec<LevelFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectorFile {
    quantity: Quantity,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    inside: bool,
    within_km: Option<f64>,
    nearest: Option<usize>,
    named: Option<Vec<String>>,
    #[serde(default = "one")]
    k: usize,
    #[serde(default = "one")]
    min_fresh: usize,
    #[serde(default)]
    suspect: bool,
}

const fn one() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelFile {
    level: Level,
    #[serde(default)]
    for_min: u32,
    #[serde(default)]
    clear_after_min: u32,
    any: Vec<ConditionFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionFile {
    stations: String,
    sum: Option<String>,
    #[serde(default)]
    latest: bool,
    rate: Option<String>,
    at_least: String,
    clear_below: Option<String>,
}

impl Rule {
    /// Reads one rule file. `file` names it in errors.
    ///
    /// # Errors
    /// Names the file (or rule), the key and what was expected; TOML errors carry line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, RuleError> {
        let raw: RuleFile = toml::from_str(text).map_err(|error| RuleError {
            rule: file.to_owned(),
            place: "file".into(),
            message: error.to_string(),
        })?;
        let wrong = |place: String, message: String| RuleError { rule: raw.id.clone(), place, message };
        let mut selectors = Vec::new();
        for (name, selector) in &raw.stations {
            selectors.push(selector_of(name, selector).map_err(|message| wrong(format!("stations.{name}"), message))?);
        }
        let mut levels = Vec::new();
        for (index, level) in raw.levels.iter().enumerate() {
            levels.push(
                level_of(level, &selectors).map_err(|(at, message)| wrong(format!("levels[{index}]{at}"), message))?,
            );
        }
        if levels.is_empty() || !levels.is_sorted_by(|a: &LevelRule, b| a.level < b.level) {
            return Err(wrong("levels".into(), "give at least one level, in rising order, each once".into()));
        }
        if raw.version < 1 {
            return Err(wrong("version".into(), "versions start at 1".into()));
        }
        Ok(Self {
            id: raw.id.clone(),
            version: raw.version,
            title: raw.title.clone(),
            hazard: raw.hazard,
            grades: raw.grades.clone(),
            selectors,
            levels,
        })
    }

    pub fn applies_to(&self, hazard: Cobrade, grade: Grade) -> bool {
        self.hazard == hazard && (self.grades.is_empty() || self.grades.contains(&grade))
    }

    /// The windows of sums that this rule needs of a quantity's streams.
    pub fn sum_windows(&self, quantity: Quantity) -> impl Iterator<Item = Micros> {
        self.levels.iter().flat_map(|level| &level.any).filter_map(move |condition| match condition.measure {
            Measure::Sum(window)
                if self.selectors.get(condition.selector).is_some_and(|selector| selector.quantity == quantity) =>
            {
                Some(window)
            }
            _ => None,
        })
    }
}

fn selector_of(name: &str, raw: &SelectorFile) -> Result<Selector, String> {
    let place = match (raw.inside, raw.within_km, raw.nearest, &raw.named) {
        (true, None, None, None) => Place::Inside,
        (false, Some(within_km), None, None) => Place::WithinKm(within_km),
        (false, Some(within_km), Some(n), None) if n > 0 => Place::Nearest { n, within_km },
        (false, None, None, Some(codes)) if !codes.is_empty() => Place::Named(codes.clone()),
        _ => {
            return Err(
                "give exactly one of: inside = true; within_km; nearest with within_km; named = [station codes]".into(),
            );
        }
    };
    if raw.within_km.is_some_and(|km| !(km > 0.0 && km <= 200.0)) {
        return Err(format!("within_km is {}; expected above 0 and at most 200", raw.within_km.unwrap_or_default()));
    }
    if raw.k == 0 || raw.min_fresh < raw.k {
        return Err(format!("k is {} and min_fresh {}; expected 1 ≤ k ≤ min_fresh", raw.k, raw.min_fresh));
    }
    Ok(Selector {
        name: name.to_owned(),
        quantity: raw.quantity,
        stream: raw.stream.clone(),
        place,
        k: raw.k,
        min_fresh: raw.min_fresh,
        suspect: raw.suspect,
    })
}

fn level_of(raw: &LevelFile, selectors: &[Selector]) -> Result<LevelRule, (String, String)> {
    if raw.level <= Level::Normal {
        return Err((".level".into(), "rules raise to observation, attention, alert or maximum".into()));
    }
    if raw.any.is_empty() {
        return Err((".any".into(), "give at least one condition".into()));
    }
    let minutes = |count: u32| Micros::from(count) * (HOUR / 60);
    let mut any = Vec::new();
    for (index, condition) in raw.any.iter().enumerate() {
        any.push(condition_of(condition, selectors).map_err(|(at, message)| (format!(".any[{index}].{at}"), message))?);
    }
    Ok(LevelRule { level: raw.level, hold_for: minutes(raw.for_min), clear_after: minutes(raw.clear_after_min), any })
}

fn condition_of(raw: &ConditionFile, selectors: &[Selector]) -> Result<Condition, (String, String)> {
    let selector = selectors.iter().position(|selector| selector.name == raw.stations).ok_or_else(|| {
        let known: Vec<&str> = selectors.iter().map(|selector| selector.name.as_str()).collect();
        ("stations".to_owned(), format!("{:?} is not defined; [stations] has {}", raw.stations, known.join(", ")))
    })?;
    let measure = match (&raw.sum, raw.latest, &raw.rate) {
        (Some(window), false, None) => {
            Measure::Sum(parse_window(window).map_err(|message| ("sum".to_owned(), message))?)
        }
        (None, true, None) => Measure::Latest,
        (None, false, Some(window)) => {
            Measure::Rate(parse_window(window).map_err(|message| ("rate".to_owned(), message))?)
        }
        _ => return Err(("sum".into(), "give exactly one of sum, latest, rate".into())),
    };
    let quantity = selectors.get(selector).map_or(Quantity::Rain, |selector| selector.quantity);
    let at_least =
        parse_amount(&raw.at_least, measure, quantity).map_err(|message| ("at_least".to_owned(), message))?;
    let clear_below = match &raw.clear_below {
        Some(text) => parse_amount(text, measure, quantity).map_err(|message| ("clear_below".to_owned(), message))?,
        None => at_least,
    };
    if clear_below > at_least {
        return Err(("clear_below".into(), format!("{clear_below} lies above at_least {at_least}")));
    }
    Ok(Condition { selector, measure, at_least, clear_below })
}

/// "15min", "1h" … "96h".
fn parse_window(text: &str) -> Result<Micros, String> {
    let expected = || format!("{text:?} is no window; expected 5min to {MAX_WINDOW_H}h, such as \"15min\" or \"24h\"");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: i64 = digits.parse().map_err(|_| expected())?;
    let window = match text.get(digits.len()..) {
        Some("min") => count.checked_mul(HOUR / 60),
        Some("h") => count.checked_mul(HOUR),
        _ => None,
    };
    window.filter(|window| (HOUR / 12..=MAX_WINDOW_H * HOUR).contains(window)).ok_or_else(expected)
}

/// "25 mm": a number and a unit that fits the quantity; the result is in the canonical unit.
fn parse_amount(text: &str, measure: Measure, quantity: Quantity) -> Result<Fixed, String> {
    let expected = || format!("{text:?} does not fit {quantity}; expected such as \"25 {}\"", measure.unit(quantity));
    let (number, unit) = text.split_once(' ').ok_or_else(expected)?;
    let value: f64 = number.parse().map_err(|_| expected())?;
    let unit = match measure {
        Measure::Rate(_) => unit.trim().strip_suffix("/h").ok_or_else(expected)?,
        Measure::Sum(_) | Measure::Latest => unit.trim(),
    };
    let (factor, offset) = quantity.conversion(unit).ok_or_else(expected)?;
    Fixed::try_from(value.mul_add(factor, offset)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
id = "slope"
version = 1
title = "Chuva"
hazard = "1.1.3.2.1"
grades = ["R3", "R4"]
[stations.gauges]
quantity = "rain"
within_km = 3.0
[[levels]]
level = "attention"
clear_after_min = 60
any = [{ stations = "gauges", sum = "1h", at_least = "2.5 cm", clear_below = "15 mm" }]
"#;

    fn error_with(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        Rule::parse("slope.toml", &GOOD.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn thresholds_are_converted_to_the_canonical_unit() {
        let rule = Rule::parse("slope.toml", GOOD).unwrap();
        let condition = &rule.levels[0].any[0];
        assert_eq!(condition.at_least, Fixed::from_whole(25));
        assert_eq!((condition.measure.kind(), condition.measure.window_min()), (MeasureKind::Sum, Some(60)));
    }

    #[test]
    fn errors_name_the_rule_the_key_and_what_was_expected() {
        assert_eq!(
            error_with("2.5 cm", "25 kg"),
            "rule slope: levels[0].any[0].at_least: \"25 kg\" does not fit rain; expected such as \"25 mm\""
        );
        assert!(error_with("sum = \"1h\"", "sum = \"97h\"").contains("expected 5min to 96h"));
        assert!(error_with("stations = \"gauges\"", "stations = \"rivers\"").contains("[stations] has gauges"));
        assert!(error_with("15 mm", "45 mm").contains("lies above at_least"));
        assert!(error_with("hazard = \"1.1.3.2.1\"", "hazard = \"9\"").contains("no COBRADE code"));
        assert!(error_with("clear_after_min", "clear_after").contains("line 12"));
    }
}
