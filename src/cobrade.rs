//! COBRADE, the Brazilian classification of disasters (Instrução Normativa MI 1/2012; 65 leaf codes).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const TABLE: &str = include_str!("../config/cobrade.csv");

/// A leaf code in dotted form, "1.1.3.2.1". Only codes of the table can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cobrade([u8; 5]);

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no COBRADE code; expected one of the 65 leaf codes such as 1.1.3.2.1 (deslizamentos)")]
pub struct UnknownCobrade(pub String);

static NAMES: LazyLock<BTreeMap<Cobrade, String>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let rows = reader.records().filter_map(Result::ok);
    rows.filter_map(|row| {
        let digits: [u8; 5] = row.get(0)?.as_bytes().try_into().ok()?;
        let most_exact = (3..7).rev().filter_map(|column| row.get(column)).find(|text| !text.is_empty())?;
        let name = if row.get(5)? == "Deslizamentos" { "Deslizamentos" } else { most_exact };
        Some((Cobrade(digits), name.to_owned()))
    })
    .collect()
});

impl Cobrade {
    /// The table's own most exact name, in Portuguese.
    pub fn name(self) -> &'static str {
        NAMES.get(&self).map_or("", String::as_str)
    }

    pub fn all() -> impl Iterator<Item = (Self, &'static str)> {
        NAMES.iter().map(|(code, name)| (*code, name.as_str()))
    }

    /// CAP `category`: Geo, Met, Fire, Health, CBRNE, Transport, Infra or Other.
    pub fn cap_category(self) -> &'static str {
        match &self.0 {
            b"14131" | b"14132" => "Fire",
            [b'1', b'1', ..] => "Geo",
            [b'1', b'2' | b'3' | b'4', ..] => "Met",
            [b'1', b'5', ..] => "Health",
            [b'2', b'1' | b'2', ..] => "CBRNE",
            [b'2', b'3', ..] => "Fire",
            [b'2', b'4', ..] => "Infra",
            [b'2', b'5', ..] => "Transport",
            _ => "Other",
        }
    }
}

impl FromStr for Cobrade {
    type Err = UnknownCobrade;

    /// Takes "1.1.3.2.1" and "11321".
    fn from_str(text: &str) -> Result<Self, UnknownCobrade> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'.').collect();
        let code = <[u8; 5]>::try_from(digits).map(Cobrade).map_err(|_| UnknownCobrade(text.to_owned()))?;
        if NAMES.contains_key(&code) { Ok(code) } else { Err(UnknownCobrade(text.to_owned())) }
    }
}

impl TryFrom<String> for Cobrade {
    type Error = UnknownCobrade;

    fn try_from(text: String) -> Result<Self, UnknownCobrade> {
        text.parse()
    }
}

impl From<Cobrade> for String {
    fn from(code: Cobrade) -> Self {
        code.to_string()
    }
}

impl fmt::Display for Cobrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e] = self.0.map(char::from);
        write!(f, "{a}.{b}.{c}.{d}.{e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_is_read() {
        assert_eq!(Cobrade::all().count(), 65);
        assert!(Cobrade::all().all(|(_, name)| !name.is_empty()));
    }

    #[test]
    fn both_spellings_are_one_code() {
        let dotted: Cobrade = "1.1.3.2.1".parse().unwrap();
        assert_eq!(dotted, "11321".parse().unwrap());
        assert_eq!((dotted.to_string().as_str(), dotted.name()), ("1.1.3.2.1", "Deslizamentos"));
    }

    #[test]
    fn a_code_outside_the_table_is_refused() {
        assert!("9.9.9.9.9".parse::<Cobrade>().is_err());
    }
}
