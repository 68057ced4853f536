//! The chain of the acts of a case: the hash of each act covers it and the hash before it, so that nothing is changed unseen. Pure.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::define::{CaseType, Field};
use super::{ActDone, Fields};
use crate::clock::Instant;

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

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a hash in hexadecimal; none when it is no hash.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// An act that is to be chained.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    pub at: Instant,
    pub actor: &'a str,
    pub actor_kind: &'a str,
    pub act: &'a str,
    pub from_state: &'a str,
    pub to_state: &'a str,
    pub reason: &'a str,
    pub changes: &'a Map<String, Value>,
}

/// Microseconds, as the database keeps an instant.
pub fn stamp(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// The hash of an act after another.
pub fn chain(case: Uuid, seq: i32, prev: Option<&[u8]>, link: &Link<'_>) -> [u8; 32] {
    let body = json!({
        "case": case, "seq": seq, "prev": prev.map(hex), "at": stamp(link.at), "actor": link.actor, "actor_kind": link.actor_kind,
        "act": link.act, "from": link.from_state, "to": link.to_state, "reason": link.reason, "changes": link.changes,
    });
    sha256(canonical(&body).as_bytes())
}

/// The first act that is not what it was; none when the chain is whole.
pub fn broken(case: Uuid, acts: &[ActDone]) -> Option<i32> {
    let mut prev: Option<[u8; 32]> = None;
    for (act, seq) in acts.iter().zip(1..) {
        let link = Link {
            at: act.at,
            actor: &act.actor,
            actor_kind: &act.actor_kind,
            act: &act.act,
            from_state: &act.from_state,
            to_state: &act.to_state,
            reason: &act.reason,
            changes: &act.changes,
        };
        let hash = chain(case, seq, prev.as_ref().map(<[u8; 32]>::as_slice), &link);
        if act.seq != seq || act.prev != prev.as_ref().map(|prev| hex(prev)) || act.hash != hex(&hash) {
            return Some(act.seq);
        }
        prev = Some(hash);
    }
    None
}

/// The first field that is not what the acts made of it. Of what is personal the acts say only that it changed.
pub fn unfounded<'a>(def: &'a CaseType, fields: &Fields, acts: &[ActDone]) -> Option<&'a str> {
    let made = |key: &str| {
        let last = acts.iter().rev().find_map(|act| act.changes.get(key));
        last.and_then(|change| change.get(1)).filter(|value| !value.is_null())
    };
    let all = def.fields.iter().filter(|field| !field.personal).map(Field::key);
    all.into_iter().find(|key| fields.get(*key) != made(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts() -> Vec<ActDone> {
        let at: Instant = "2026-03-02T12:00:00Z".parse().unwrap();
        let mut acts: Vec<ActDone> = Vec::new();
        for (seq, act) in (1..).zip(["open", "accept", "finish"]) {
            let changes = Map::new();
            let prev = acts.last().and_then(|before| unhex(&before.hash));
            let link = Link {
                at,
                actor: "ana",
                actor_kind: "staff",
                act,
                from_state: "a",
                to_state: "b",
                reason: "",
                changes: &changes,
            };
            let hash = hex(&chain(Uuid::nil(), seq, prev.as_ref().map(<[u8; 32]>::as_slice), &link));
            let (actor, actor_kind) = ("ana".into(), "staff".into());
            let (from_state, to_state, reason) = ("a".into(), "b".into(), String::new());
            let prev = prev.map(|prev| hex(&prev));
            acts.push(ActDone {
                seq,
                at,
                actor,
                actor_kind,
                act: act.into(),
                from_state,
                to_state,
                reason,
                changes,
                prev,
                hash,
            });
        }
        acts
    }

    #[test]
    fn an_act_that_was_changed_removed_or_moved_is_found() {
        let whole = acts();
        assert_eq!(broken(Uuid::nil(), &whole), None);
        let mut changed = whole.clone();
        changed[1].reason = "outro motivo".into();
        assert_eq!(broken(Uuid::nil(), &changed), Some(2));
        let mut without = whole.clone();
        without.remove(1);
        assert_eq!(broken(Uuid::nil(), &without), Some(3));
        let mut swapped = whole;
        swapped.swap(0, 2);
        assert_eq!(broken(Uuid::nil(), &swapped), Some(3));
    }

    #[test]
    fn one_value_has_one_text() {
        assert_eq!(canonical(&json!({"b": [1, "x\"y"], "a": null})), r#"{"a":null,"b":[1,"x\"y"]}"#);
    }
}
