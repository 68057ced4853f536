//! What is looked for in the audit, and how it is written out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::cells::harmless;
use crate::clock::Instant;
use crate::hexadecimal::hex;

/// What to find. Empty texts and missing bounds leave the choice open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// From this instant on.
    pub from: Option<Instant>,
    /// Before this instant.
    pub to: Option<Instant>,
    /// Exactly this user name, device code or rule.
    pub actor: String,
    /// Exactly this act, "alert.issue".
    pub act: String,
    /// Exactly this identifier, or "kind identifier", or a kind alone.
    pub object: String,
    /// Somewhere in the reason, small and capital letters alike.
    pub text: String,
    /// Only what is older than this event: the key of the next page.
    pub before: Option<(Instant, Uuid)>,
}

impl Search {
    /// What the export of this search is in the audit: the filters that were set.
    pub fn told(&self) -> Value {
        let mut told = serde_json::Map::new();
        let bounds = [("from", self.from), ("to", self.to)];
        for (key, at) in bounds.into_iter().filter_map(|(key, at)| at.map(|at| (key, at))) {
            told.insert(key.into(), at.to_rfc3339().into());
        }
        let texts = [("actor", &self.actor), ("act", &self.act), ("object", &self.object), ("text", &self.text)];
        for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            told.insert(key.into(), text.as_str().into());
        }
        Value::Object(told)
    }
}

/// One event as the search finds it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// Place in the chain. None for an event that was put in past the chain.
    pub seq: Option<i64>,
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor: String,
    pub actor_id: Option<Uuid>,
    pub via: String,
    pub address: Option<String>,
    pub act: String,
    pub object_kind: String,
    pub object: String,
    pub reason: String,
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
    /// SHA-256 of the row before and this event, as hexadecimal digits.
    pub hash: Option<String>,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Csv,
    Json,
}

impl Format {
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

const COLUMNS: [&str; 15] = [
    "seq",
    "id",
    "at",
    "actor_kind",
    "actor",
    "actor_id",
    "via",
    "address",
    "act",
    "object_kind",
    "object",
    "reason",
    "before",
    "after",
    "hash",
];

/// Writes events out page by page: a CSV table, or one JSON array.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    rows: u64,
}

impl Writer {
    pub const fn new(format: Format) -> Self {
        Self { format, rows: 0 }
    }

    /// Events written so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The next events; the first call also writes what stands above them.
    pub fn page(&mut self, events: &[Found]) -> Vec<u8> {
        match self.format {
            Format::Csv => self.csv(events),
            Format::Json => self.json(events),
        }
    }

    /// What stands below the last event.
    pub fn end(&mut self) -> Vec<u8> {
        match (self.format, self.rows) {
            (Format::Csv, 0) => self.csv(&[]),
            (Format::Csv, _) => Vec::new(),
            (Format::Json, 0) => b"[]\n".to_vec(),
            (Format::Json, _) => b"\n]\n".to_vec(),
        }
    }

    fn json(&mut self, events: &[Found]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for event in events {
            bytes.extend_from_slice(if self.rows == 0 { b"[\n" } else { b",\n" });
            bytes.extend(serde_json::to_vec(event).unwrap_or_default());
            self.rows += 1;
        }
        bytes
    }

    fn csv(&mut self, events: &[Found]) -> Vec<u8> {
        let mut table = csv::Writer::from_writer(Vec::new());
        // Writing into memory does not fail.
        if self.rows == 0 {
            let _ = table.write_record(COLUMNS);
        }
        for event in events {
            let _ = table.write_record(cells(event).map(harmless));
            self.rows += 1;
        }
        table.into_inner().unwrap_or_default()
    }
}

fn cells(event: &Found) -> [String; 15] {
    let json = |value: &Option<Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    [
        event.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        event.id.to_string(),
        event.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        event.actor_kind.clone(),
        event.actor.clone(),
        event.actor_id.map(|id| id.to_string()).unwrap_or_default(),
        event.via.clone(),
        event.address.clone().unwrap_or_default(),
        event.act.clone(),
        event.object_kind.clone(),
        event.object.clone(),
        event.reason.clone(),
        json(&event.before),
        json(&event.after),
        event.hash.clone().unwrap_or_default(),
    ]
}

/// Hash to digits, for the rows of the database.
pub(super) fn digits(hash: Option<Vec<u8>>) -> Option<String> {
    hash.map(|hash| hex(&hash))
}

/// One field that an act changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub field: String,
    pub before: String,
    pub after: String,
}

/// Fields that differ between before and after, in the order of their names. What has no fields is one nameless field.
pub fn difference(before: Option<&Value>, after: Option<&Value>) -> Vec<Changed> {
    let empty = serde_json::Map::new();
    let (old, new) = match (before, after) {
        (None | Some(Value::Object(_)), None | Some(Value::Object(_))) => {
            (before.and_then(Value::as_object).unwrap_or(&empty), after.and_then(Value::as_object).unwrap_or(&empty))
        }
        _ => {
            let (before, after) = (shown(before), shown(after));
            return vec![Changed { field: String::new(), before, after }];
        }
    };
    let mut fields: Vec<&String> = old.keys().chain(new.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    let differs = |field: &&String| old.get(*field) != new.get(*field);
    let changed =
        |field: &String| Changed { field: field.clone(), before: shown(old.get(field)), after: shown(new.get(field)) };
    fields.into_iter().filter(differs).map(changed).collect()
}

/// A value as a person reads it: text without quotes, lists with commas, nothing as nothing.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) => values.iter().map(|value| shown(Some(value))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(reason: &str) -> Found {
        Found {
            seq: Some(1),
            id: Uuid::nil(),
            at: chrono::DateTime::UNIX_EPOCH,
            actor_kind: "staff".into(),
            actor: "ana".into(),
            actor_id: None,
            via: "console".into(),
            address: None,
            act: "alert.issue".into(),
            object_kind: "alert".into(),
            object: "1".into(),
            reason: reason.into(),
            before: None,
            after: Some(json!({ "state": "issued" })),
            hash: None,
        }
    }

    #[test]
    fn a_difference_names_the_fields_that_changed() {
        let before = json!({ "headline": "a", "areas": ["x", "y"], "same": 1 });
        let after = json!({ "headline": "b", "areas": ["x"], "same": 1, "new": true });
        let changed = difference(Some(&before), Some(&after));
        let lines: Vec<(&str, &str, &str)> =
            changed.iter().map(|c| (c.field.as_str(), c.before.as_str(), c.after.as_str())).collect();
        assert_eq!(lines, [("areas", "x, y", "x"), ("headline", "a", "b"), ("new", "", "true")]);
    }

    #[test]
    fn a_table_has_one_header_and_no_formulas() {
        let mut writer = Writer::new(Format::Csv);
        let mut bytes = writer.page(&[found("=1+1")]);
        bytes.extend(writer.page(&[found("b")]));
        bytes.extend(writer.end());
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains(",'=1+1,"), "{text}");
    }

    #[test]
    fn json_is_one_array_however_many_pages_it_has() {
        let mut writer = Writer::new(Format::Json);
        assert_eq!(writer.end(), b"[]\n");
        let mut bytes = writer.page(&[found("a")]);
        bytes.extend(writer.page(&[found("b")]));
        bytes.extend(writer.end());
        let read: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read.len(), 2);
    }
}
