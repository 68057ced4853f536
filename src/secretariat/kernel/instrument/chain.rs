//! The chain of the acts of an instrument: the hash of each covers it and the hash before it, as of cases (`kernel::ledger`). Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::kernel::ledger::{canonical, hex, sha256, stamp};

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentDone)]
pub struct DoneAct {
    pub seq: i32,
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub act: String,
    pub from_state: String,
    pub to_state: String,
    pub reason: String,
    #[schema(value_type = Object)]
    pub asked: Value,
    /// Of the act before, in hexadecimal.
    #[serde(default)]
    pub prev: Option<String>,
    #[serde(default)]
    pub hash: String,
}

/// The hash of an act after another, in hexadecimal.
pub fn hash(id: Uuid, act: &DoneAct, prev: Option<&str>) -> String {
    let body = json!({
        "instrument": id, "seq": act.seq, "prev": prev, "at": stamp(act.at), "actor": act.actor, "act": act.act,
        "from": act.from_state, "to": act.to_state, "reason": act.reason, "asked": act.asked,
    });
    hex(&sha256(canonical(&body).as_bytes()))
}

/// Gives the acts from before there was a chain their places in it, so that whatever follows covers them too. Behind the first act that has
/// a place nothing is added: one that has none there was put there by somebody else.
pub fn linked(id: Uuid, acts: &mut [DoneAct]) {
    let mut prev: Option<String> = None;
    for act in acts.iter_mut().take_while(|act| act.hash.is_empty()) {
        let hash = hash(id, act, prev.as_deref());
        act.prev = prev.replace(hash.clone());
        act.hash = hash;
    }
}

/// The first act that is not what it was; none when the chain is whole.
pub fn broken(id: Uuid, acts: &[DoneAct]) -> Option<i32> {
    let mut prev: Option<&str> = None;
    for (act, seq) in acts.iter().zip(1..) {
        if act.seq != seq || act.prev.as_deref() != prev || act.hash != hash(id, act, prev) {
            return Some(act.seq);
        }
        prev = Some(&act.hash);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(seq: i32, word: &str) -> DoneAct {
        DoneAct {
            seq,
            at: "2026-03-02T12:00:00Z".parse().unwrap(),
            actor: "irene".into(),
            act: word.into(),
            from_state: "a".into(),
            to_state: "b".into(),
            reason: String::new(),
            asked: json!({ "centavos": 1000, "act": word }),
            prev: None,
            hash: String::new(),
        }
    }

    fn chained() -> Vec<DoneAct> {
        let mut acts = vec![act(1, "open"), act(2, "commit"), act(3, "release")];
        linked(Uuid::nil(), &mut acts);
        acts
    }

    #[test]
    fn an_act_that_was_changed_removed_or_moved_is_found() {
        let whole = chained();
        assert_eq!(broken(Uuid::nil(), &whole), None);
        assert_eq!(broken(Uuid::from_u128(1), &whole), Some(1), "of another instrument");
        let mut changed = whole.clone();
        changed[1].asked["centavos"] = json!(999);
        assert_eq!(broken(Uuid::nil(), &changed), Some(2));
        let mut without = whole.clone();
        without.remove(0);
        assert_eq!(broken(Uuid::nil(), &without), Some(2));
        let mut unplaced = whole;
        (unplaced[2].reason, unplaced[2].hash) = ("outro".into(), String::new());
        linked(Uuid::nil(), &mut unplaced);
        assert_eq!(broken(Uuid::nil(), &unplaced), Some(3), "no act behind a chained one is chained anew");
    }

    #[test]
    fn acts_from_before_the_chain_are_covered_by_what_follows() {
        let whole = chained();
        let mut older = whole.clone();
        for act in &mut older[..2] {
            (act.prev, act.hash) = (None, String::new());
        }
        linked(Uuid::nil(), &mut older);
        assert_eq!(older, whole);
        (older[0].reason, older[0].hash, older[1].hash) = ("outro".into(), String::new(), String::new());
        linked(Uuid::nil(), &mut older);
        assert_eq!(broken(Uuid::nil(), &older), Some(3));
    }
}
