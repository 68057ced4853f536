//! What devices sent, by the key they made: the same again is answered as the first time, and anything else under that key is refused
//! with what differs. Only keyed sums of the content are kept, because it names people.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Refusal;
use super::store::sent as store;
use crate::clock::Instant;
use crate::hexadecimal::{hex, unhex};
use crate::units::vocabulary;
use crate::vault::{KeyId, Ring};

vocabulary! {
    /// What was sent.
    Kind, "kind of what a device sends" {
        Inspection = "inspection",
        Photograph = "photograph",
        Interdiction = "interdiction",
        Release = "release",
        Task = "task",
        Occurrence = "occurrence",
    }
}

/// Who sent what under which key.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    pub key: Uuid,
    pub kind: Kind,
    /// The account.
    pub account: Uuid,
    pub content: &'a Value,
}

/// Whether it was here before.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    New,
    /// What was answered then.
    Before(Value),
}

/// Where the key that made the sums is named.
const BY: &str = "_by";

fn context(key: Uuid, field: &str) -> String {
    format!("field_sent:{key}:{field}")
}

/// A sum of each field.
pub fn sums(ring: &Ring, key: Uuid, content: &Value) -> Value {
    let mut all = Map::new();
    if let Some(newest) = ring.newest() {
        all.insert(BY.into(), newest.to_string().into());
    }
    for (field, value) in content.as_object().into_iter().flatten() {
        let sum = ring.sum(&context(key, field), value.to_string().as_bytes());
        all.insert(field.clone(), hex(&sum).into());
    }
    Value::Object(all)
}

/// The fields that differ from what made the sums. Nothing is said to differ when the key of the sums is gone: then nobody can tell.
pub fn differing(ring: &Ring, key: Uuid, content: &Value, kept: &Value) -> Vec<String> {
    let by = kept[BY].as_str().and_then(unhex).and_then(|id| id.try_into().ok()).map(KeyId);
    if by.is_some_and(|by| !ring.has(by)) {
        return Vec::new();
    }
    let nothing = Map::new();
    let (content, kept) = (content.as_object().unwrap_or(&nothing), kept.as_object().unwrap_or(&nothing));
    let same = |field: &str, value: &Value| {
        let sum = kept.get(field).and_then(Value::as_str).and_then(unhex);
        sum.is_some_and(|sum| ring.has_made(&context(key, field), value.to_string().as_bytes(), &sum))
    };
    let changed = content.iter().filter(|(field, value)| !same(field, value)).map(|(field, _)| field.clone());
    let gone = kept.keys().filter(|field| *field != BY && !content.contains_key(*field)).cloned();
    changed.chain(gone).collect()
}

/// Looks whether it was here before. Two that send at once wait for each other.
///
/// # Errors
/// `Differs`, also when the key is another account's or of another kind of thing.
pub async fn begin(conn: &mut PgConnection, ring: &Ring, parcel: Parcel<'_>) -> Result<Begun, Refusal> {
    store::lock(&mut *conn, parcel.key).await?;
    let Some(found) = store::find(conn, parcel.key).await? else { return Ok(Begun::New) };
    if found.account != parcel.account || found.kind != parcel.kind.as_str() {
        return Err(Refusal::Differs(vec!["key".into()]));
    }
    let differing = differing(ring, parcel.key, parcel.content, &found.sums);
    if differing.is_empty() { Ok(Begun::Before(found.answer)) } else { Err(Refusal::Differs(differing)) }
}

/// Keeps what was answered, in the transaction of the act.
///
/// # Errors
/// The database's.
pub async fn keep(
    conn: &mut PgConnection,
    ring: &Ring,
    now: Instant,
    parcel: Parcel<'_>,
    answer: &Value,
) -> sqlx::Result<()> {
    store::insert(conn, now, parcel, &sums(ring, parcel.key, parcel.content), answer).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::Ids;

    #[test]
    fn the_same_differs_in_nothing_and_what_differs_is_named() {
        let ids = Ids::seeded(1);
        let (ring, key) = (Ring::new("vault", &[[7; 32]], &ids), Uuid::nil());
        let content = json!({"street": "Rua A", "risk": null, "answers": {"b": "1", "a": "2"}});
        let kept = sums(&ring, key, &content);
        assert!(!kept.to_string().contains("Rua"), "{kept}");
        assert_eq!(differing(&ring, key, &content, &kept), [] as [&str; 0]);
        let other = json!({"street": "Rua B", "risk": null, "answers": {"a": "2", "b": "1"}, "new": 1});
        assert_eq!(differing(&ring, key, &other, &kept), ["new", "street"]);
        assert_eq!(differing(&ring, key, &json!({"street": "Rua A", "risk": null}), &kept), ["answers"]);
        assert_eq!(differing(&ring, Uuid::max(), &json!({"risk": null}), &kept).len(), 3, "the key is part of it");
    }

    #[test]
    fn sums_hold_after_a_new_key_and_say_nothing_once_their_own_is_gone() {
        let ids = Ids::seeded(1);
        let (old, key, content) = (Ring::new("vault", &[[7; 32]], &ids), Uuid::nil(), json!({"street": "Rua A"}));
        let kept = sums(&old, key, &content);
        let both = Ring::new("vault", &[[8; 32], [7; 32]], &ids);
        assert_eq!(differing(&both, key, &content, &kept), [] as [&str; 0]);
        assert_eq!(differing(&both, key, &json!({"street": "Rua B"}), &kept), ["street"]);
        let new = Ring::new("vault", &[[8; 32]], &ids);
        assert_eq!(differing(&new, key, &json!({"street": "Rua B"}), &kept), [] as [&str; 0]);
    }
}
