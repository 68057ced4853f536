//! The numbers of a rule's text that a form may turn: found with what they belong to, and written back where they stand. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use toml::Spanned;
use toml::de::DeValue;

use super::{GROUPS, Pair, Syntax, pairs, parse, shown};

/// A number of the text that a form may turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dial {
    /// Where it stands: `levels.1.any.0.at_least`.
    pub path: String,
    pub key: String,
    pub section: Section,
    pub kind: DialKind,
    /// What stands in the field: "40", "1h".
    pub value: String,
    /// What follows the number, as written; empty for none.
    pub unit: String,
    #[serde(skip)]
    span: Range<usize>,
}

/// What a dial belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    Stations(String),
    Level(String),
    Condition {
        level: String,
        keys: Vec<Pair>,
    },
    /// The n-th table of other thresholds, from 1.
    Override(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DialKind {
    Whole,
    Decimal,
    /// A number with a unit, within quotation marks.
    Amount,
    /// "15min", "24h".
    Window,
}

/// A field whose number cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongDial {
    pub path: String,
    pub given: String,
    pub kind: DialKind,
}

/// The numbers of a text that a form may turn, in the order of the text's sections.
///
/// # Errors
/// Where the text is no TOML.
pub fn dials(text: &str) -> Result<Vec<Dial>, Syntax> {
    let table = parse(text)?;
    let mut found = Vec::new();
    if let Some(DeValue::Table(stations)) = table.get("stations").map(Spanned::get_ref) {
        for (name, value) in stations {
            let section = Section::Stations(name.get_ref().to_string());
            if let DeValue::Table(keys) = value.get_ref() {
                keys.iter().for_each(|(key, value)| {
                    found.extend(dial(
                        &format!("stations.{}.{}", name.get_ref(), key.get_ref()),
                        key.get_ref(),
                        &section,
                        value,
                    ));
                });
            }
        }
    }
    if let Some(DeValue::Array(levels)) = table.get("levels").map(Spanned::get_ref) {
        for (index, level) in levels.iter().enumerate() {
            let DeValue::Table(keys) = level.get_ref() else { continue };
            let name = keys.get("level").map_or_else(String::new, |level| shown(level.get_ref()));
            let section = Section::Level(name.clone());
            for (key, value) in keys {
                let path = format!("levels.{index}.{}", key.get_ref());
                found.extend(dial(&path, key.get_ref(), &section, value));
            }
            for (key, value) in keys {
                let path = format!("levels.{index}.{}", key.get_ref());
                if GROUPS.contains(&key.get_ref().as_ref()) {
                    turn_conditions(&path, &name, value, &mut found);
                } else {
                    within(&path, &section, value, &mut found);
                }
            }
        }
    }
    if let Some(DeValue::Array(overrides)) = table.get("overrides").map(Spanned::get_ref) {
        for (index, over) in overrides.iter().enumerate() {
            within(&format!("overrides.{index}"), &Section::Override(index + 1), over, &mut found);
        }
    }
    Ok(found)
}

/// The text with the given dials at other numbers, by path; every other letter stays.
///
/// # Errors
/// The fields whose numbers cannot be read. A text that is no TOML has no dials, and stays as it is.
pub fn turned(text: &str, given: &BTreeMap<String, String>) -> Result<String, Vec<WrongDial>> {
    let dials = dials(text).unwrap_or_default();
    let (mut wrong, mut replaced) = (Vec::new(), Vec::new());
    for dial in &dials {
        let Some(asked) = given.get(&dial.path).map(|asked| asked.trim().replace(',', ".")) else { continue };
        if asked == dial.value {
            continue;
        }
        match dial.written(&asked) {
            Some(literal) => replaced.push((dial.span.clone(), literal)),
            None => wrong.push(WrongDial { path: dial.path.clone(), given: asked, kind: dial.kind }),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    replaced.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (span, literal) in replaced {
        text.replace_range(span, &literal);
    }
    Ok(text)
}

fn turn_conditions(path: &str, level: &str, value: &Spanned<DeValue<'_>>, found: &mut Vec<Dial>) {
    match value.get_ref() {
        DeValue::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                turn_conditions(&format!("{path}.{index}"), level, item, found);
            }
        }
        DeValue::Table(keys) => {
            let section = Section::Condition { level: level.to_owned(), keys: pairs(value) };
            for (key, value) in keys {
                let path = format!("{path}.{}", key.get_ref());
                if GROUPS.contains(&key.get_ref().as_ref()) {
                    turn_conditions(&path, level, value, found);
                } else {
                    found.extend(dial(&path, key.get_ref(), &section, value));
                    within(&path, &section, value, found);
                }
            }
        }
        _ => {}
    }
}

/// The numbers of a table that is a value: a curve, a season.
fn within(path: &str, section: &Section, value: &Spanned<DeValue<'_>>, found: &mut Vec<Dial>) {
    let DeValue::Table(keys) = value.get_ref() else { return };
    for (key, value) in keys {
        let path = format!("{path}.{}", key.get_ref());
        found.extend(dial(&path, key.get_ref(), section, value));
        within(&path, section, value, found);
    }
}

fn dial(path: &str, key: &str, section: &Section, value: &Spanned<DeValue<'_>>) -> Option<Dial> {
    let (kind, number, unit) = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => {
            (DialKind::Whole, number.as_str().to_owned(), String::new())
        }
        DeValue::Float(number) => (DialKind::Decimal, number.as_str().to_owned(), String::new()),
        DeValue::String(text) => {
            if let Some((number, unit)) = text.split_once(' ').filter(|(number, _)| is_number(number)) {
                (DialKind::Amount, number.to_owned(), unit.trim().to_owned())
            } else if is_window(text) {
                (DialKind::Window, text.to_string(), String::new())
            } else {
                return None;
            }
        }
        _ => return None,
    };
    let (path, key, section) = (path.to_owned(), key.to_owned(), section.clone());
    Some(Dial { path, key, section, kind, value: number, unit, span: value.span() })
}

impl Dial {
    /// The literal that says this number.
    fn written(&self, asked: &str) -> Option<String> {
        match self.kind {
            DialKind::Whole => asked.parse::<u32>().ok().map(|number| number.to_string()),
            DialKind::Decimal => {
                is_number(asked).then(|| if asked.contains('.') { asked.to_owned() } else { format!("{asked}.0") })
            }
            DialKind::Amount => is_number(asked).then(|| format!("\"{asked} {}\"", self.unit)),
            DialKind::Window => is_window(asked).then(|| format!("\"{asked}\"")),
        }
    }
}

/// Digits with at most one point, perhaps with a sign: what TOML and people write alike.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(part)
}

fn is_window(text: &str) -> bool {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let unit = text.get(digits.len()..).unwrap_or_default();
    matches!(unit, "min" | "h" | "d") && digits.parse::<u32>().is_ok_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::TEXT;
    use super::*;

    #[test]
    fn turning_a_dial_changes_its_number_and_no_other_letter() {
        let turn = |path: &str, to: &str| turned(TEXT, &BTreeMap::from([(path.to_owned(), to.to_owned())]));
        assert_eq!(turn("levels.0.any.2.of.0.intensity_duration.a", "18").unwrap(), TEXT.replace("20.0", "18.0"));
        let expected = TEXT.replace("\"40 mm\"", "\"35.5 mm\"");
        assert_eq!(turn("levels.0.any.0.at_least", "35,5").unwrap(), expected);
        let expected = TEXT.replace("clear_after_min = 60", "clear_after_min = 90");
        assert_eq!(turn("levels.0.clear_after_min", "90").unwrap(), expected);
        assert_eq!(turn("stations.gauges.within_km", "4").unwrap(), TEXT.replace("3.0", "4.0"));
        assert_eq!(turn("levels.0.any.1.all.1.sum", "30min").unwrap(), TEXT.replace("15min", "30min"));
        assert_eq!(turn("levels.9.nothing", "1").unwrap(), TEXT);
        let wrong = turn("levels.0.any.0.at_least", "40 mm\", x = \"1").unwrap_err();
        assert_eq!(wrong[0].path, "levels.0.any.0.at_least");
        assert!(turn("levels.0.clear_after_min", "-1").is_err() && turn("levels.0.any.0.sum", "1 week").is_err());
    }

    #[test]
    fn every_dial_says_what_it_belongs_to() {
        let dials = dials(TEXT).unwrap();
        let of = |path: &str| dials.iter().find(|dial| dial.path == path).unwrap();
        assert_eq!(of("stations.gauges.within_km").section, Section::Stations("gauges".into()));
        assert_eq!(of("levels.0.clear_after_min").section, Section::Level("alert".into()));
        let amount = of("levels.0.any.0.clear_below");
        assert_eq!((amount.value.as_str(), amount.unit.as_str(), amount.kind), ("20", "mm", DialKind::Amount));
        let Section::Condition { level, keys } = &amount.section else { panic!("{:?}", amount.section) };
        assert!(level == "alert" && keys.contains(&("sum".into(), "1h".into())));
    }
}
