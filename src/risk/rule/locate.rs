//! Where in the text a key stands, so that a mistake is shown on its line.

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing that is wrong with a rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Both from 1; columns count characters.
    pub line: usize,
    pub column: usize,
    /// The key: "levels[1].any[0].at_least".
    pub place: String,
    pub message: String,
}

/// Line and column of a byte of the text.
pub fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (line, column)
}

/// The byte at which the value of a key begins; of a key that is missing, where the nearest one above it does.
pub fn locate(text: &str, place: &str) -> usize {
    let Ok(table) = DeTable::parse(text) else { return 0 };
    let mut found = table.span().start;
    let mut here: Option<Step<'_, '_>> = Some(Step::Table(table.get_ref()));
    for part in parts(place) {
        let next = match (&here, part) {
            (Some(Step::Table(table)), Part::Key(key)) => {
                table.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
            }
            (Some(Step::List(list)), Part::Index(index)) => list.get(index),
            _ => None,
        };
        let Some(value) = next else { break };
        found = value.span().start;
        here = match value.get_ref() {
            DeValue::Table(table) => Some(Step::Table(table)),
            DeValue::Array(list) => Some(Step::List(list)),
            _ => None,
        };
    }
    found
}

enum Step<'a, 'b> {
    Table(&'a DeTable<'b>),
    List(&'a [Spanned<DeValue<'b>>]),
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Key(&'a str),
    Index(usize),
}

/// "levels[1].any" to its steps. A name may hold dots: what is quoted is one step.
fn parts(place: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = place;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']').unwrap_or((after, ""));
            parts.extend(index.parse().map(Part::Index));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('"') {
            let (key, after) = after.split_once('"').unwrap_or((after, ""));
            parts.push(Part::Key(key));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            parts.push(Part::Key(key));
            rest = after;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id = \"x\"\n[stations.\"a.b\"]\nquantity = \"rain\"\n[[levels]]\nlevel = \"alert\"\nany = [\n  { sum = \"1h\", at_least = \"25 kg\" },\n]\n";

    fn at(place: &str) -> (usize, usize) {
        position(TEXT, locate(TEXT, place))
    }

    #[test]
    fn a_key_is_found_on_its_line_and_column() {
        assert_eq!(at("id"), (1, 6));
        assert_eq!(at("levels[0].any[0].at_least"), (7, 28));
        assert_eq!(at("stations.\"a.b\".quantity"), (3, 12));
    }

    #[test]
    fn a_key_that_is_missing_stands_where_its_table_does() {
        assert_eq!(at("levels[0].any[0].clear_below"), at("levels[0].any[0]"));
        assert_eq!(at("nothing"), (1, 1));
    }
}
