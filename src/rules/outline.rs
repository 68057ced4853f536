//! A rule as it is written: read leniently and with the places of everything, so that a form can turn a number without touching
//! the rest of the text, and so that two versions can be compared in words. Pure.
//!
//! It knows keys and values, not what they mean: a version of years ago stays readable when the language of rules has grown.

pub mod dials;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys that join conditions.
const GROUPS: [&str; 4] = ["any", "all", "of", "not"];
/// What has a field of its own in [`Outline`].
const KNOWN: [&str; 7] = ["id", "version", "title", "hazard", "grades", "stations", "levels"];

/// A key and its value as people read it: `("sum", "1h")`.
pub type Pair = (String, String);

/// A rule, flattened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub id: String,
    /// 0 when none is written.
    pub version: i64,
    pub title: String,
    /// COBRADE code.
    pub hazard: String,
    /// Empty: all of them.
    pub grades: Vec<String>,
    pub stations: Vec<Stations>,
    pub levels: Vec<Step>,
    /// Whatever else stands in the file, by path: `("season.from", "12-01")`.
    pub rest: Vec<Pair>,
}

/// Which stations a condition asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stations {
    pub name: String,
    pub keys: Vec<Pair>,
}

/// One level with what raises it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub level: String,
    /// Waiting times and the like.
    pub keys: Vec<Pair>,
    pub conditions: Vec<Leaf>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// The groups it stands in, outermost first: `["any"]`, `["any", "all 2"]`.
    pub group: Vec<String>,
    pub keys: Vec<Pair>,
}

impl Leaf {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.keys.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }
}

/// Where a text is no TOML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Syntax {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl Outline {
    /// # Errors
    /// Where the text is no TOML. Unknown keys are no errors.
    pub fn read(text: &str) -> Result<Self, Syntax> {
        let table = parse(text)?;
        let word = |key: &str| table.get(key).map_or_else(String::new, |value| shown(value.get_ref()));
        let mut outline = Self {
            id: word("id"),
            version: word("version").parse().unwrap_or(0),
            title: word("title"),
            hazard: word("hazard"),
            ..Self::default()
        };
        if let Some(DeValue::Array(grades)) = table.get("grades").map(Spanned::get_ref) {
            outline.grades = grades.iter().map(|grade| shown(grade.get_ref())).collect();
        }
        if let Some(DeValue::Table(stations)) = table.get("stations").map(Spanned::get_ref) {
            outline.stations = stations
                .iter()
                .map(|(name, keys)| Stations { name: name.get_ref().to_string(), keys: pairs(keys) })
                .collect();
        }
        if let Some(DeValue::Array(levels)) = table.get("levels").map(Spanned::get_ref) {
            outline.levels = levels.iter().map(step).collect();
        }
        for (key, value) in table.iter().filter(|(key, _)| !KNOWN.contains(&key.get_ref().as_ref())) {
            flatten(key.get_ref(), value.get_ref(), &mut outline.rest);
        }
        Ok(outline)
    }
}

/// The text with another version number. A text that names none stays as it is.
pub fn with_version(text: &str, version: i32) -> String {
    let span = parse(text).ok().and_then(|table| table.get("version").map(Spanned::span));
    let mut text = text.to_owned();
    if let Some(span) = span {
        text.replace_range(span, &version.to_string());
    }
    text
}

/// Line and column (from 1) of what a path names ("levels[1].any[0].at_least"), or of the nearest that is there.
pub fn place_of(text: &str, path: &str) -> (usize, usize) {
    let Ok(table) = parse(text) else { return (1, 1) };
    let parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty());
    let mut at = 0;
    let mut value: Option<&DeValue<'_>> = None;
    for part in parts {
        let next = match value {
            None => table.get(part),
            Some(DeValue::Table(keys)) => keys.get(part),
            Some(DeValue::Array(list)) => part.parse().ok().and_then(|index: usize| list.get(index)),
            Some(_) => None,
        };
        let Some(next) = next else { break };
        (at, value) = (next.span().start, Some(next.get_ref()));
    }
    line_and_column(text, at)
}

/// Line and column (from 1) of a byte.
pub fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_starts = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_starts..).map_or(0, |rest| rest.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

fn parse(text: &str) -> Result<DeTable<'_>, Syntax> {
    DeTable::parse(text).map(Spanned::into_inner).map_err(|error| {
        let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
        Syntax { line, column, message: error.message().to_owned() }
    })
}

fn step(level: &Spanned<DeValue<'_>>) -> Step {
    let mut step = Step { level: String::new(), keys: Vec::new(), conditions: Vec::new() };
    let DeValue::Table(keys) = level.get_ref() else { return step };
    for (key, value) in keys {
        let (key, value) = (key.get_ref().as_ref(), value.get_ref());
        if key == "level" {
            step.level = shown(value);
        } else if GROUPS.contains(&key) {
            leaves(value, &[key.to_owned()], &mut step.conditions);
        } else {
            step.keys.push((key.to_owned(), shown(value)));
        }
    }
    step
}

/// The conditions of a group. A table with one of the keys that join conditions is a group itself.
fn leaves(value: &DeValue<'_>, group: &[String], found: &mut Vec<Leaf>) {
    match value {
        DeValue::Array(list) => {
            let mut groups = 0;
            for item in list {
                let DeValue::Table(keys) = item.get_ref() else { continue };
                groups += usize::from(is_group(keys));
                member(keys, groups, group, found);
            }
        }
        DeValue::Table(keys) => member(keys, 1, group, found),
        _ => {}
    }
}

/// One member of a group: a condition, or the n-th group in it.
fn member(keys: &DeTable<'_>, n: usize, group: &[String], found: &mut Vec<Leaf>) {
    if !is_group(keys) {
        let keys = keys.iter().map(|(key, value)| (key.get_ref().to_string(), shown(value.get_ref()))).collect();
        found.push(Leaf { group: group.to_vec(), keys });
        return;
    }
    let joins = |key: &str| GROUPS.contains(&key);
    // "2 of" says how many.
    let own: Vec<String> = keys
        .iter()
        .filter(|(key, _)| !joins(key.get_ref()))
        .map(|(key, value)| format!("{} {}", key.get_ref(), shown(value.get_ref())))
        .collect();
    for (key, inner) in keys.iter().filter(|(key, _)| joins(key.get_ref())) {
        let name = [vec![format!("{} {n}", key.get_ref())], own.clone()].concat().join(", ");
        leaves(inner.get_ref(), &[group, &[name]].concat(), found);
    }
}

fn is_group(keys: &DeTable<'_>) -> bool {
    keys.keys().any(|key| GROUPS.contains(&key.get_ref().as_ref()))
}

fn holds_tables(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(list) => list.iter().any(|item| holds_tables(item.get_ref())),
        _ => false,
    }
}

/// The keys of a table but those that join conditions.
fn pairs(value: &Spanned<DeValue<'_>>) -> Vec<Pair> {
    let DeValue::Table(keys) = value.get_ref() else { return Vec::new() };
    let plain = keys.iter().filter(|(key, _)| !GROUPS.contains(&key.get_ref().as_ref()));
    plain.map(|(key, value)| (key.get_ref().to_string(), shown(value.get_ref()))).collect()
}

fn flatten(path: &str, value: &DeValue<'_>, found: &mut Vec<Pair>) {
    match value {
        DeValue::Table(keys) => {
            keys.iter().for_each(|(key, value)| flatten(&format!("{path}.{}", key.get_ref()), value.get_ref(), found));
        }
        DeValue::Array(list) if holds_tables(value) => {
            for (index, item) in list.iter().enumerate() {
                flatten(&format!("{path}.{}", index + 1), item.get_ref(), found);
            }
        }
        plain => found.push((path.to_owned(), shown(plain))),
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(at) => at.to_string(),
        DeValue::Array(list) => list.iter().map(|item| shown(item.get_ref())).collect::<Vec<_>>().join(", "),
        DeValue::Table(keys) => {
            let of = keys.iter().map(|(key, value)| format!("{} {}", key.get_ref(), shown(value.get_ref())));
            of.collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const TEXT: &str = r#"# A comment that stays.
id = "slope"
version = 3
title = "Chuva"
hazard = "1.1.3.2.1"
[stations.gauges]
quantity = "rain"
within_km = 3.0
min_fresh = 2
[[levels]]
level = "alert"
clear_after_min = 60
any = [
  { stations = "gauges", sum = "1h", at_least = "40 mm", clear_below = "20 mm" }, # kept
  { all = [ { stations = "gauges", sum = "24h", at_least = "100 mm" }, { stations = "gauges", sum = "15min", at_least = "5.5 mm" } ] },
  { k = 1, of = [{ stations = "gauges", intensity_duration = { a = 20.0, b = 0.55, durations = ["1h", "6h"] } }] },
]
[season]
from = "12-01"
"#;

    #[test]
    fn a_rule_is_read_as_it_is_written_with_groups_and_keys_nobody_knows() {
        let outline = Outline::read(TEXT).unwrap();
        assert_eq!((outline.id.as_str(), outline.version, outline.hazard.as_str()), ("slope", 3, "1.1.3.2.1"));
        assert_eq!(outline.rest, [("season.from".to_owned(), "12-01".to_owned())]);
        let groups: Vec<_> = outline.levels[0].conditions.iter().map(|leaf| leaf.group.join("/")).collect();
        assert_eq!(groups, ["any", "any/all 1", "any/all 1", "any/of 2, k 1"]);
        let curve = outline.levels[0].conditions[3].get("intensity_duration");
        assert_eq!(curve, Some("a 20.0, b 0.55, durations 1h, 6h"), "a table that is a value joins nothing");
        assert_eq!(outline.levels[0].conditions[1].get("sum"), Some("24h"));
        assert_eq!(outline.levels[0].keys, [("clear_after_min".to_owned(), "60".to_owned())]);
    }

    #[test]
    fn the_number_of_the_version_is_replaced_where_it_stands() {
        assert_eq!(with_version(TEXT, 12), TEXT.replace("version = 3", "version = 12"));
    }

    #[test]
    fn an_error_has_its_line_and_column() {
        let error = Outline::read("id = \"a\"\nlevels = [[\n").unwrap_err();
        assert!(error.line >= 2, "{error}");
        let (line, column) = place_of(TEXT, "levels[0].any[0].at_least");
        assert_eq!((line, TEXT.lines().nth(line - 1).unwrap().chars().nth(column - 1)), (14, Some('"')));
    }
}
