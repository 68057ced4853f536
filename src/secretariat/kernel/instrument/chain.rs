//! The chain of the acts of an instrument (`kernel::chain`): the hash of each covers it, the hash before it, and what it left of money and
//! document. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Entry;
use crate::clock::Instant;
use crate::secretariat::kernel::chain::{self as shape, Chained, canonical, hex, sha256, stamp, sum};

/// What an act left beside itself. Acts from before have none: what they left is covered by the first one that has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentCovers)]
pub struct Covers {
    /// Entries of money there are with its own.
    pub entries: usize,
    /// Of all of them, each with what came before, in hexadecimal.
    pub money: String,
    /// Of the document, in hexadecimal.
    pub document: String,
}

impl Covers {
    pub fn of(entries: &[Entry], document: &Value) -> Self {
        let money = sums(entries).pop().unwrap_or_default();
        Self { entries: entries.len(), money, document: sum(document) }
    }
}

/// The hash of no entry, of the first, of the first two and so on.
fn sums(entries: &[Entry]) -> Vec<String> {
    let mut sums = vec![hex(&sha256(b""))];
    for entry in entries {
        let before = sums.last().map(String::as_str).unwrap_or_default();
        let text = canonical(&json!(entry));
        sums.push(hex(&sha256(format!("{before}{text}").as_bytes())));
    }
    sums
}

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<Covers>,
    /// Of the act before, in hexadecimal.
    #[serde(default)]
    pub prev: Option<String>,
    #[serde(default)]
    pub hash: String,
}

impl Chained for DoneAct {
    const SUBJECT: &'static str = "instrument";

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
            ("at", json!(stamp(self.at))),
            ("actor", json!(self.actor)),
            ("act", json!(self.act)),
            ("from", json!(self.from_state)),
            ("to", json!(self.to_state)),
            ("reason", json!(self.reason)),
            ("asked", self.asked.clone()),
        ];
        // An act from before says nothing of it, and keeps the hash that it had.
        let covers = self.covers.as_ref().map(|covers| ("covers", json!(covers)));
        content.into_iter().chain(covers).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The hash of an act after another, in hexadecimal.
pub fn hash(id: Uuid, act: &DoneAct, prev: Option<&str>) -> String {
    hex(&shape::hash((DoneAct::SUBJECT, id), act.seq, prev, act.content()))
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
    shape::broken(id, acts)
}

/// The first act whose money is not there as it left it, or the last one when the document is another than it left. None when all fits, and
/// when no act says what it left.
pub fn uncovered(acts: &[DoneAct], entries: &[Entry], document: &str) -> Option<i32> {
    let first = acts.iter().position(|act| act.covers.is_some())?;
    let sums = sums(entries);
    let is_last = |at: usize| at + 1 == acts.len();
    let fits = |at: usize, act: &DoneAct| {
        act.covers.as_ref().is_some_and(|covers| {
            sums.get(covers.entries) == Some(&covers.money)
                && (!is_last(at) || covers.entries == entries.len() && covers.document == document)
        })
    };
    acts.iter().enumerate().skip(first).find(|(at, act)| !fits(*at, act)).map(|(_, act)| act.seq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::kernel::instrument::{Movement, NewEntry};
    use crate::secretariat::kernel::money::Centavos;

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
            covers: None,
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

    fn entries() -> Vec<Entry> {
        let entry = |seq: i32, movement: Movement| {
            let (centavos, on) = (Centavos(1000), "2026-03-02".parse().unwrap());
            Entry { seq, what: NewEntry { movement, centavos, on, what: "parcela".into(), reverses: None } }
        };
        vec![entry(1, Movement::Committed), entry(2, Movement::Released)]
    }

    /// The first act from before, then one that brought an entry, then another.
    fn covering(document: &Value) -> Vec<DoneAct> {
        let mut acts = vec![act(1, "open"), act(2, "commit"), act(3, "release")];
        acts[1].covers = Some(Covers::of(&entries()[..1], &json!({ "state": "before" })));
        acts[2].covers = Some(Covers::of(&entries(), document));
        linked(Uuid::nil(), &mut acts);
        acts
    }

    #[test]
    fn money_and_document_are_those_that_the_acts_left() {
        let document = json!({ "state": "b", "object": "Oficinas" });
        let acts = covering(&document);
        assert_eq!(broken(Uuid::nil(), &acts), None);
        assert_eq!(uncovered(&acts, &entries(), &sum(&document)), None);
        let mut changed = entries();
        changed[0].what.centavos = Centavos(1001);
        assert_eq!(uncovered(&acts, &changed, &sum(&document)), Some(2));
        let mut changed = entries();
        changed[1].what.what = "outra".into();
        assert_eq!(uncovered(&acts, &changed, &sum(&document)), Some(3));
        assert_eq!(uncovered(&acts, &entries()[..1], &sum(&document)), Some(3), "one is gone");
        let more: Vec<Entry> = entries().into_iter().chain(entries()).collect();
        assert_eq!(uncovered(&acts, &more, &sum(&document)), Some(3), "nobody brought it");
        assert_eq!(uncovered(&acts, &entries(), &sum(&json!({ "state": "c" }))), Some(3));
        let mut without = acts;
        without[2].covers = None;
        assert_eq!(uncovered(&without, &entries(), &sum(&document)), Some(3), "once said, said ever after");
        assert_eq!(broken(Uuid::nil(), &without), Some(3));
        assert_eq!(uncovered(&chained(), &entries(), "anything"), None, "all from before");
    }
}
