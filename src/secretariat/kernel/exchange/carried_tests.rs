use super::*;
use crate::secretariat::kernel::types::Types;

/// An item of the news: published, corrected, withdrawn, with its source.
fn item() -> Value {
    let bytes = b"fonte";
    let source = json!({ "kind": "source", "version": 1, "sha256": hex(&sha256(bytes)) });
    let act = |seq: i32, act: &str, (from, to): (&str, &str), changes: Value| {
        json!({ "seq": seq, "at": format!("2026-02-23T12:0{seq}:00Z"), "actor": "ana", "actor_kind": "staff", "act": act, "from_state": from,
            "to_state": to, "reason": "", "changes": changes, "prev": null, "hash": "" })
    };
    let view = |body: &str| {
        json!({ "type": "news.item", "version": 1, "number": "NOT 2026/001", "title": "Obra entregue", "state": "published",
            "opened_on": "2026-02-23", "fields": { "kind": "institutional", "body": body } })
    };
    let gone = json!({ "at": "2026-02-23T12:06:00Z", "by": "ana", "reason": "Fim" });
    let published = |seq: i32, at: &str, body: &str| {
        json!({ "id": Uuid::from_u128(seq.unsigned_abs().into()), "seq": seq, "view": view(body), "sha256": sum(&view(body)), "published_at": at,
            "published_by": "ana", "withdrawn": gone })
    };
    json!({ "id": Uuid::from_u128(9), "type": "news.item", "version": 1, "series": "NOT", "year": 2026, "number": 1, "title": "Obra entregue",
        "state": "withdrawn", "fields": {}, "department": "", "assigned": "", "access": "public", "author": "ana", "source": "staff",
        "opened_at": "2026-02-23T12:01:00Z", "changed_at": "2026-02-23T12:06:00Z", "revision": 6, "annulled": null, "deadlines": [],
        "acts": [
            act(1, "open", ("", "draft"), json!({})),
            act(2, "attach", ("draft", "draft"), json!({ "document": source })),
            act(3, "approve", ("draft", "approved"), json!({})),
            act(4, "publish", ("approved", "published"), json!({})),
            act(5, "correct", ("published", "published"), json!({})),
            act(6, "retire", ("published", "withdrawn"), json!({})),
        ],
        "publications": [
            published(1, "2026-02-23T12:04:00Z", "Dez famílias"),
            published(2, "2026-02-23T12:05:00Z", "Doze famílias"),
        ],
        "documents": [{ "id": Uuid::from_u128(7), "kind": "source", "version": 1, "name": "Fonte", "media_type": "text/plain", "draft": true,
            "added_at": "2026-02-23T12:02:00Z", "added_by": "ana", "sha256": hex(&sha256(bytes)), "content": STANDARD.encode(bytes) }] })
}

fn judged(item: Value) -> Result<(), Fault> {
    let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
    let line: Line = serde_json::from_value(item).unwrap();
    judge(&types.get("news.item").unwrap().def, &line)
}

/// Sets what stands at a place, and the hash of a view that is changed.
fn with(place: &str, value: Value) -> Value {
    let mut item = item();
    *item.pointer_mut(place).unwrap() = value;
    let view = item["publications"][0]["view"].clone();
    if place.starts_with("/publications/0/view") {
        item["publications"][0]["sha256"] = json!(sum(&view));
    }
    item
}

#[test]
fn what_its_acts_published_and_attached_comes_in() {
    assert_eq!(judged(item()), Ok(()));
    assert_eq!(judged(with("/documents", json!([]))), Ok(()), "documents are asked for or not");
    assert_eq!(judged(with("/publications", json!([]))), Ok(()));
}

#[test]
fn a_publication_that_no_act_made_is_refused() {
    let sha256 = json!("00".repeat(32));
    let personal = json!({ "body": "CPF 529.982.247-25" });
    for (place, value, why) in [
        ("/publications/0/published_at", json!("2026-02-23T12:03:00Z"), "no act published it"),
        ("/publications/0/seq", json!(2), "does not follow"),
        ("/publications/0/sha256", sha256, "another SHA-256"),
        ("/publications/0/view/state", json!("draft"), "lets everybody read"),
        ("/publications/0/view/number", json!("NOT 2026/002"), "lets everybody read"),
        ("/publications/0/view/fields", json!({ "author": "ana" }), "lets everybody read"),
        ("/publications/0/view/fields", personal, "lets everybody read"),
        ("/publications/0/view/type", json!("press.release"), "lets everybody read"),
        ("/publications/0/withdrawn", Value::Null, "withdrawn by an act"),
        ("/publications/0/withdrawn/reason", json!(" "), "with the reason"),
        ("/publications/0/published_by", json!(""), "expected who published it"),
    ] {
        let told = judged(with(place, value)).unwrap_err();
        assert!(told.0 == PUBLICATIONS && told.1.contains(why), "{place}: {told:?}");
    }
}

#[test]
fn a_document_with_other_bytes_or_that_no_act_attached_is_refused() {
    let mut twice = item()["documents"].as_array().unwrap().clone();
    twice.push(twice[0].clone());
    for (place, value, why) in [
        ("/documents", json!(twice), "every document that an act attached"),
        ("/documents/0/content", json!(STANDARD.encode(b"outra")), "other bytes"),
        ("/documents/0/version", json!(2), "no act attached it"),
        ("/documents/0/sha256", json!("00".repeat(32)), "no act attached it"),
        ("/documents/0/draft", json!(false), "a draft is no draft"),
        ("/documents/0/media_type", json!("text/html"), "a media type"),
        ("/documents/0/name", json!(""), "expected a name"),
    ] {
        let told = judged(with(place, value)).unwrap_err();
        assert!(told.0 == DOCUMENTS && told.1.contains(why), "{place}: {told:?}");
    }
}

#[test]
fn a_document_is_written_as_base64_and_what_is_not_carried_is_not_written() {
    let line: Line = serde_json::from_value(item()).unwrap();
    assert_eq!(serde_json::to_value(&line).unwrap()["documents"][0]["content"], "Zm9udGU=");
    let bare: Line = serde_json::from_value(with("/documents", json!([]))).unwrap();
    assert!(serde_json::to_value(&bare).unwrap().get("documents").is_none());
    assert_eq!("documents,publications".parse::<With>(), Ok(With { publications: true, documents: true }));
    assert!("documents,acts".parse::<With>().is_err());
}
