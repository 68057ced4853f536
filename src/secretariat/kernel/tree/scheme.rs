//! Schemes of codes: shipped files and what a town adds. A node is valid from a day; a later version of the same code goes before it. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Characters of a name.
pub const MOST_NAME: usize = 300;

/// A level of a scheme: how many digits its part of the code has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    pub name: String,
    pub least: usize,
    pub most: usize,
}

/// One version of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ClassifiedNode)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Parts joined by `.`, one a level.
    #[schema(min_length = 1, max_length = 60, pattern = r"^[0-9]+(\.[0-9]+)*$")]
    pub code: String,
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub name: String,
    pub valid_from: NaiveDate,
    /// Last day.
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
}

impl Node {
    fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }
}

/// Codes of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    pub name: String,
    pub law_ref: String,
    /// Somebody held the file against the law.
    pub confirmed: bool,
    pub levels: Vec<Level>,
    nodes: BTreeMap<String, Vec<Node>>,
}

/// A code that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    #[error("{code:?} is no code of {scheme}: expected {expected} ({law_ref})")]
    Shape { scheme: String, code: String, expected: String, law_ref: String },
    #[error("{scheme} {code} is unknown ({law_ref})")]
    Code { scheme: String, code: String, law_ref: String },
    #[error("{scheme} {code} does not hold on {day} ({law_ref})")]
    Day { scheme: String, code: String, day: NaiveDate, law_ref: String },
}

impl Unknown {
    /// The same in Portuguese.
    pub fn pt(&self) -> String {
        match self {
            Self::Shape { scheme, code, expected, law_ref } => {
                format!("{code:?} não é código de {}: o formato é {expected} ({law_ref})", named(scheme))
            }
            Self::Code { scheme, code, law_ref } => {
                format!("{} {code}: código desconhecido ({law_ref})", named(scheme))
            }
            Self::Day { scheme, code, day, law_ref } => {
                format!("{} {code} não vale em {} ({law_ref})", named(scheme), day.format("%d/%m/%Y"))
            }
        }
    }
}

/// A scheme that comes with the service, in Portuguese; any other keeps the name of its file.
fn named(scheme: &str) -> &str {
    match scheme {
        "function" => "função",
        "subfunction" => "subfunção",
        "category" => "categoria econômica",
        "group" => "grupo de despesa",
        "modality" => "modalidade",
        "element" => "elemento",
        "revenue" => "natureza de receita",
        "source" => "fonte",
        "unit" => "unidade",
        other => other,
    }
}

/// What is wrong with a file or a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("the file cannot be read: {0}")]
    File(String),
    #[error(transparent)]
    Code(#[from] Unknown),
    #[error("{0}: the name needs 1 to 300 characters on one line and begins with none of = + - @")]
    Name(String),
    #[error("{0}: ends before it begins")]
    Days(String),
    #[error("{0}: there is no {1} above it")]
    Orphan(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    law_ref: String,
    confirmed: bool,
    levels: Vec<Level>,
    #[serde(default)]
    node: Vec<Node>,
}

/// A text that a spreadsheet does not take for a formula, on one line.
pub fn is_plain(text: &str, most: usize) -> bool {
    let trimmed = text.trim();
    trimmed.chars().count() <= most
        && !trimmed.chars().any(char::is_control)
        && !trimmed.starts_with(['=', '+', '-', '@'])
}

impl Scheme {
    /// # Errors
    /// Says what is wrong, with the code.
    pub fn read(text: &str) -> Result<Self, Unfit> {
        let file: File = toml::from_str(text).map_err(|error| Unfit::File(error.to_string()))?;
        let File { name, law_ref, confirmed, levels, node } = file;
        let mut scheme = Self { name, law_ref, confirmed, levels, nodes: BTreeMap::new() };
        for one in node {
            scheme.add(one)?;
        }
        Ok(scheme)
    }

    /// What a code looks like: "2 digits . 2 to 3 digits".
    pub fn shape(&self) -> String {
        let digits = |level: &Level| match (level.least, level.most) {
            (least, most) if least == most => format!("{} ({least} digits)", level.name),
            (least, most) => format!("{} ({least} to {most} digits)", level.name),
        };
        self.levels.iter().map(digits).collect::<Vec<_>>().join(" . ")
    }

    fn fits(&self, code: &str) -> bool {
        let parts: Vec<&str> = code.split('.').collect();
        let is_part = |(part, level): (&&str, &Level)| {
            (level.least..=level.most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        parts.len() <= self.levels.len() && parts.iter().zip(&self.levels).all(is_part)
    }

    /// Adds a version of a node. What is above it must be there.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn add(&mut self, node: Node) -> Result<(), Unfit> {
        if !self.fits(&node.code) {
            return Err(self.misshapen(&node.code).into());
        }
        if node.name.trim().is_empty() || !is_plain(&node.name, MOST_NAME) {
            return Err(Unfit::Name(node.code));
        }
        if node.valid_to.is_some_and(|last| last < node.valid_from) {
            return Err(Unfit::Days(node.code));
        }
        if let Some((above, _)) = node.code.rsplit_once('.')
            && !self.nodes.contains_key(above)
        {
            return Err(Unfit::Orphan(node.code.clone(), above.to_owned()));
        }
        self.nodes.entry(node.code.clone()).or_default().push(node);
        Ok(())
    }

    fn misshapen(&self, code: &str) -> Unknown {
        let code = code.chars().take(60).collect();
        Unknown::Shape { scheme: self.name.clone(), code, expected: self.shape(), law_ref: self.law_ref.clone() }
    }

    /// The version of a code on a day: among those that hold, the one that began last; of two that began together the one added last.
    ///
    /// # Errors
    /// Names the code, and the law that knows no such one.
    pub fn find(&self, code: &str, day: NaiveDate) -> Result<&Node, Unknown> {
        if !self.fits(code) {
            return Err(self.misshapen(code));
        }
        let (scheme, law_ref) = (self.name.clone(), self.law_ref.clone());
        let Some(versions) = self.nodes.get(code) else {
            return Err(Unknown::Code { scheme, code: code.to_owned(), law_ref });
        };
        let newest = versions.iter().filter(|node| node.valid_from <= day).enumerate();
        let newest = newest.max_by_key(|(at, node)| (node.valid_from, *at)).map(|(_, node)| node);
        newest.filter(|node| node.holds_on(day)).ok_or_else(|| Unknown::Day {
            scheme,
            code: code.to_owned(),
            day,
            law_ref,
        })
    }

    /// The name on a day, or the code itself.
    pub fn name_of<'a>(&'a self, code: &'a str, day: NaiveDate) -> &'a str {
        self.find(code, day).map_or(code, |node| &node.name)
    }

    /// Everything that holds on a day, in the order of the codes.
    pub fn on(&self, day: NaiveDate) -> impl Iterator<Item = &Node> {
        self.nodes.keys().filter_map(move |code| self.find(code, day).ok())
    }

    /// True when nothing lies below it on that day.
    pub fn is_leaf(&self, code: &str, day: NaiveDate) -> bool {
        let below = format!("{code}.");
        let mut under = self.nodes.range(below.clone()..).take_while(|(other, _)| other.starts_with(&below));
        !under.any(|(other, _)| self.find(other, day).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: &str = "name = \"unit\"\nlaw_ref = \"Lei 1\"\nconfirmed = true\nlevels = [{ name = \"órgão\", least = 2, most = 2 }, \
        { name = \"unidade\", least = 2, most = 3 }]\n[[node]]\ncode = \"02\"\nname = \"Prefeitura\"\nvalid_from = \"2020-01-01\"\n\
        [[node]]\ncode = \"02.01\"\nname = \"Gabinete\"\nvalid_from = \"2020-01-01\"\n";

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_later_version_goes_before_and_an_ended_one_is_no_more() {
        let mut scheme = Scheme::read(UNITS).unwrap();
        let renamed = Node {
            code: "02.01".into(),
            name: "Gabinete do Prefeito".into(),
            valid_from: day("2026-01-01"),
            valid_to: Some(day("2026-12-31")),
        };
        scheme.add(renamed).unwrap();
        assert_eq!(scheme.name_of("02.01", day("2025-12-31")), "Gabinete");
        assert_eq!(scheme.name_of("02.01", day("2026-01-01")), "Gabinete do Prefeito");
        assert!(matches!(scheme.find("02.01", day("2027-01-01")), Err(Unknown::Day { .. })));
        assert!(matches!(scheme.find("02.01", day("2019-01-01")), Err(Unknown::Day { .. })));
    }

    #[test]
    fn a_code_of_another_shape_an_orphan_and_a_formula_are_refused() {
        let mut scheme = Scheme::read(UNITS).unwrap();
        let node = |code: &str, name: &str| Node {
            code: code.into(),
            name: name.into(),
            valid_from: day("2026-01-01"),
            valid_to: None,
        };
        assert!(matches!(scheme.add(node("2", "X")), Err(Unfit::Code(Unknown::Shape { .. }))));
        assert!(matches!(scheme.add(node("03.01", "X")), Err(Unfit::Orphan(..))));
        assert!(matches!(scheme.add(node("03", "=HYPERLINK()")), Err(Unfit::Name(_))));
        let refused = scheme.find("77", day("2026-01-01")).unwrap_err();
        assert_eq!(refused.to_string(), "unit 77 is unknown (Lei 1)");
        assert!(scheme.is_leaf("02.01", day("2026-01-01")) && !scheme.is_leaf("02", day("2026-01-01")));
    }
}
