//! The one shape of every chain of the secretariat: links of a subject in order, the hash of each over its own content and the hash before it.
//! Acts of cases (`ledger`) and of instruments (`instrument::chain`) are chained by the service; what is kept beside them (bodies, budgets,
//! money, documents) by the database, row by row, and reckoned anew here. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::clock::Instant;
pub use crate::hexadecimal::{hash as unhex, hex};

/// JSON with sorted keys and without spaces: one text for one value.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            let parts: Vec<String> = pairs
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Microseconds, as the database keeps an instant.
pub fn stamp(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// The hash of a value in hexadecimal.
pub fn sum(value: &Value) -> String {
    hex(&sha256(canonical(value).as_bytes()))
}

/// One place of a chain.
pub trait Chained {
    /// The name under which the id of the subject is hashed.
    const SUBJECT: &'static str;

    fn seq(&self) -> i32;
    /// Of the place before, in hexadecimal.
    fn prev(&self) -> Option<&str>;
    /// In hexadecimal.
    fn hash(&self) -> &str;
    /// What it says, without place and subject.
    fn content(&self) -> Map<String, Value>;
}

/// The hash of a content at a place of a subject's chain: of one JSON with `seq`, `prev` and the subject beside what it says.
pub fn hash((name, subject): (&str, Uuid), seq: i32, prev: Option<&str>, mut content: Map<String, Value>) -> [u8; 32] {
    content.insert(name.to_owned(), json!(subject));
    content.insert("seq".to_owned(), json!(seq));
    content.insert("prev".to_owned(), json!(prev));
    sha256(canonical(&Value::Object(content)).as_bytes())
}

/// The first place that is not what it was; none when the chain is whole.
pub fn broken<'a, T: Chained + 'a>(subject: Uuid, links: impl IntoIterator<Item = &'a T>) -> Option<i32> {
    let mut prev: Option<&str> = None;
    for (link, seq) in links.into_iter().zip(1..) {
        let own = hash((T::SUBJECT, subject), link.seq(), prev, link.content());
        if link.seq() != seq || link.prev() != prev || link.hash() != hex(&own) {
            return Some(link.seq());
        }
        prev = Some(link.hash());
    }
    None
}

/// A link that the database added with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLink {
    /// "case", "instrument", "body", "budget".
    pub kind: String,
    pub seq: i32,
    pub table: String,
    pub key: String,
    /// What of the row is covered.
    pub columns: Vec<String>,
    /// In hexadecimal, as the others.
    pub row: String,
    pub prev: Option<String>,
    pub hash: String,
}

impl Chained for RowLink {
    const SUBJECT: &'static str = "subject";

    fn seq(&self) -> i32 {
        self.seq
    }

    fn prev(&self) -> Option<&str> {
        self.prev.as_deref()
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn content(&self) -> Map<String, Value> {
        let content = [
            ("kind", json!(self.kind)),
            ("table", json!(self.table)),
            ("key", json!(self.key)),
            ("columns", json!(self.columns)),
            ("row", json!(self.row)),
        ];
        content.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A row that is covered, with one of its links: a row has one for each time it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    pub table: String,
    pub key: String,
    /// None: no link was ever added.
    pub link: Option<RowLink>,
    /// Whether the row is what the link says; none: it is gone.
    pub fits: Option<bool>,
    /// Bytes beside it have the hash that the row says.
    pub is_whole: bool,
}

/// The first place that is wrong, if there is one, and what is wrong there.
pub type Wrong = (Option<i32>, String);

/// What is wrong with the rows of a subject: links in the order of their places, and rows that have none behind them.
pub fn uncovered(subject: Uuid, rows: &[Covered]) -> Option<Wrong> {
    let broken = broken(subject, rows.iter().filter_map(|row| row.link.as_ref()));
    let mut wrong: Vec<Wrong> = Vec::new();
    wrong.extend(broken.map(|seq| (Some(seq), format!("the chain of its rows is broken at link {seq}"))));
    let mut last: BTreeMap<(&str, &str), &Covered> = BTreeMap::new();
    for row in rows {
        last.insert((&row.table, &row.key), row);
    }
    for ((table, key), row) in last {
        let seq = row.link.as_ref().map(|link| link.seq);
        let what = match (seq, row.fits) {
            (None, _) => "was put in past the chain",
            (Some(_), None) => "is gone",
            (Some(_), Some(false)) => "is not what was written",
            (Some(_), Some(true)) if !row.is_whole => "has other bytes than were written",
            (Some(_), Some(true)) => continue,
        };
        wrong.push((seq, format!("the row {key} of {table} {what}")));
    }
    wrong.into_iter().min_by_key(|(seq, _)| seq.unwrap_or(i32::MAX))
}

/// What was published, as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub table: String,
    /// Which version of its subject.
    pub seq: i32,
    pub snapshot: Value,
    /// As it was told to everybody.
    pub sha256: Vec<u8>,
}

/// The first snapshot whose hash is that of something else: also one that was changed before rows were chained.
pub fn unsealed(all: &[Sealed]) -> Option<Wrong> {
    let one = all.iter().find(|one| one.sha256 != sha256(canonical(&one.snapshot).as_bytes()))?;
    Some((None, format!("the snapshot {} of {} has another SHA-256 than its page told", one.seq, one.table)))
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
