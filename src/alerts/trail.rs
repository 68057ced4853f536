//! What is done to alerts, as the audit keeps it: in the transaction of the act, by whoever did it.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::alerts::issue::Issued;
use crate::alerts::store::{self, AlertDetail};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::ids::{AlertId, Ids};

const KIND: &str = "alert";

/// A draft was written. An answer that waited already was written down when it was made.
pub async fn drafted(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    id: AlertId,
    reason: &str,
) -> sqlx::Result<()> {
    let Some(alert) = store::load(&mut *conn, id).await? else { return Ok(()) };
    if audit::store::has(&mut *conn, Act::AlertDraft, KIND, &id.to_string()).await? {
        return Ok(());
    }
    audit::record(conn, ids, now, actor, Entry::new(Act::AlertDraft, KIND, id).because(reason).to(facts(&alert))).await
}

/// A draft was edited: the fields that are not as they were. An edit that changed nothing is none.
pub async fn edited(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    before: &AlertDetail,
) -> sqlx::Result<()> {
    let id = before.row.id;
    let Some(after) = store::load(&mut *conn, id).await? else { return Ok(()) };
    let (mut old, mut new) = (texts(before), texts(&after));
    let is_same = |field: &str, old: &Map<String, Value>, new: &Map<String, Value>| old.get(field) == new.get(field);
    let (was, is) = (old.clone(), new.clone());
    old.retain(|field, _| !is_same(field, &was, &is));
    new.retain(|field, _| !is_same(field, &was, &is));
    if old.is_empty() && new.is_empty() {
        return Ok(());
    }
    let entry = Entry::new(Act::AlertEdit, KIND, id).from(old.into()).to(new.into());
    audit::record(conn, ids, now, actor, entry).await
}

/// An alert left, with the approval of these.
pub async fn issued(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    id: AlertId,
    issued: &Issued,
    approved_by: &[String],
) -> sqlx::Result<()> {
    let Some(alert) = store::load(&mut *conn, id).await? else { return Ok(()) };
    let mut told = facts(&alert);
    if let Some(told) = told.as_object_mut() {
        told.insert("approved_by".into(), json!(approved_by));
        told.insert("number".into(), issued.number.as_str().into());
        told.insert("cap_identifier".into(), issued.cap_identifier.as_str().into());
        told.insert("recipients".into(), issued.recipients.into());
        told.insert("incident".into(), json!(issued.incident_id));
        told.insert("sms_text".into(), alert.row.sms_text.as_str().into());
    }
    let entry = Entry::new(Act::AlertIssue, KIND, id).from(json!({ "state": "draft" })).to(told);
    audit::record(conn, ids, now, actor, entry).await
}

/// A draft was submitted for a decision.
pub async fn submitted(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    (id, revision): (AlertId, i32),
) -> sqlx::Result<()> {
    let (before, after) = (json!({ "state": "draft" }), json!({ "state": "submitted", "revision": revision }));
    audit::record(conn, ids, now, actor, Entry::new(Act::AlertSubmit, KIND, id).from(before).to(after)).await
}

/// A submitted draft was given back.
pub async fn returned(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    (id, revision): (AlertId, i32),
    reason: &str,
) -> sqlx::Result<()> {
    let (before, after) = (json!({ "state": "submitted" }), json!({ "state": "draft", "revision": revision }));
    let entry = Entry::new(Act::AlertReturn, KIND, id).because(reason.trim()).from(before).to(after);
    audit::record(conn, ids, now, actor, entry).await
}

/// A draft was discarded, if it was: a draft that an area left is discarded only when that was its last one.
pub async fn discarded(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    id: AlertId,
    reason: &str,
) -> sqlx::Result<()> {
    let Some(alert) = store::load(&mut *conn, id).await?.filter(|alert| alert.row.state == "discarded") else {
        return Ok(());
    };
    let entry = Entry::new(Act::AlertDiscard, KIND, id).because(reason.trim());
    let entry = entry.from(json!({ "state": "draft", "revision": alert.row.revision })).to(facts(&alert));
    audit::record(conn, ids, now, actor, entry).await
}

/// What an alert is about.
fn facts(alert: &AlertDetail) -> Value {
    let row = &alert.row;
    let rule = row.rule_id.as_ref().zip(row.rule_version).map(|(rule, version)| format!("{rule} v{version}"));
    json!({
        "state": row.state, "kind": row.kind, "status": row.status, "cobrade": row.cobrade, "level": row.level,
        "headline": row.headline, "areas": codes(alert), "expires_at": row.expires_at, "rule": rule,
        "answers": row.references_alert_id, "revision": row.revision,
    })
}

/// What a person can edit.
fn texts(alert: &AlertDetail) -> Map<String, Value> {
    let row = &alert.row;
    let texts = [
        ("headline", &row.headline),
        ("description", &row.description),
        ("instruction", &row.instruction),
        ("sms_text", &row.sms_text),
    ];
    let mut fields: Map<String, Value> =
        texts.into_iter().map(|(field, text)| (field.to_owned(), text.as_str().into())).collect();
    fields.insert("expires_at".into(), json!(row.expires_at));
    fields.insert("areas".into(), json!(codes(alert)));
    fields.insert("audience".into(), json!(row.audience()));
    let shapes = alert.places.iter().filter(|place| place.area_id.is_none());
    let named: Vec<String> = shapes.map(|place| format!("{}: {}", place.source, place.name)).collect();
    if !named.is_empty() {
        fields.insert("places".into(), json!(named));
    }
    for text in &alert.texts {
        fields.insert(format!("texts.{}", text.language), json!(text));
    }
    fields
}

fn codes(alert: &AlertDetail) -> Vec<&str> {
    alert.areas.iter().map(|area| area.code.as_str()).collect()
}
