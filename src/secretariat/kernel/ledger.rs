//! The acts of a case in their chain (`chain`): the hash of each act covers it and the hash before it, so that nothing is changed unseen. Pure.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::chain::Chained;
pub use super::chain::{canonical, hex, sha256, stamp, unhex};
use super::define::{CaseType, Field};
use super::{ActDone, Fields};
use crate::clock::Instant;

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

impl Link<'_> {
    fn content(&self) -> Map<String, Value> {
        let content = [
            ("at", json!(stamp(self.at))),
            ("actor", json!(self.actor)),
            ("actor_kind", json!(self.actor_kind)),
            ("act", json!(self.act)),
            ("from", json!(self.from_state)),
            ("to", json!(self.to_state)),
            ("reason", json!(self.reason)),
            ("changes", json!(self.changes)),
        ];
        content.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Chained for ActDone {
    const SUBJECT: &'static str = "case";

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
        let link = Link {
            at: self.at,
            actor: &self.actor,
            actor_kind: &self.actor_kind,
            act: &self.act,
            from_state: &self.from_state,
            to_state: &self.to_state,
            reason: &self.reason,
            changes: &self.changes,
        };
        link.content()
    }
}

/// The hash of an act after another.
pub fn chain(case: Uuid, seq: i32, prev: Option<&[u8]>, link: &Link<'_>) -> [u8; 32] {
    super::chain::hash((ActDone::SUBJECT, case), seq, prev.map(hex).as_deref(), link.content())
}

/// The first act that is not what it was; none when the chain is whole.
pub fn broken(case: Uuid, acts: &[ActDone]) -> Option<i32> {
    super::chain::broken(case, acts)
}

/// The first field that is not what the acts made of it. Of what is personal or restricted the acts say only that it changed.
pub fn unfounded<'a>(def: &'a CaseType, fields: &Fields, acts: &[ActDone]) -> Option<&'a str> {
    let made = |key: &str| {
        let last = acts.iter().rev().find_map(|act| act.changes.get(key));
        last.and_then(|change| change.get(1)).filter(|value| !value.is_null())
    };
    let all = def.fields.iter().filter(|field| !field.is_closed()).map(Field::key);
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
}
