//! Histories in words: who did what, with runs of the same act told once.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;

use super::now::names;
use super::view::View;
use crate::clock::Instant;

/// One act as it was recorded.
#[derive(Debug)]
pub struct Act<'a> {
    pub at: Instant,
    pub actor: &'a str,
    pub action: &'a str,
    pub detail: &'a Value,
    /// Said after the act: the number of an alert, or empty.
    pub about: &'a str,
}

/// One line of a history.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub at: Instant,
    pub actor: String,
    pub text: String,
    /// Done by a person, not by a rule or the service.
    pub by_person: bool,
}

/// Names of the areas that these details name by id.
pub async fn area_names<'a>(
    conn: &mut PgConnection,
    details: impl Iterator<Item = &'a Value>,
) -> sqlx::Result<BTreeMap<i64, String>> {
    let mut ids: Vec<i64> = details.filter_map(area_of).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = sqlx::query!("select id, name from risk_area where id = any($1)", &ids).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

fn area_of(detail: &Value) -> Option<i64> {
    detail.get("area_id").and_then(Value::as_i64)
}

/// The lines, oldest first. Areas that join or leave one after the other are one line that names them.
pub fn tell(v: &View, acts: &[Act<'_>], areas: &BTreeMap<i64, String>) -> Vec<Told> {
    acts.chunk_by(|a, b| area_of(a.detail).is_some() && (a.action, a.actor, a.about) == (b.action, b.actor, b.about))
        .filter_map(|run| {
            let last = run.last()?;
            let named: Vec<String> = run.iter().filter_map(|act| areas.get(&area_of(act.detail)?)).cloned().collect();
            let mut text = v.word("action", last.action);
            if run.len() > 1 {
                text.push_str(&format!(" ({}×)", run.len()));
            }
            if !last.about.is_empty() {
                text.push_str(&format!(" · {}", last.about));
            }
            let said = if named.is_empty() { reason(last.detail) } else { names(v, &named, 6) };
            if !said.is_empty() {
                text.push_str(&format!(": {said}"));
            }
            let by_person = !matches!(last.actor, "rule" | "service" | "policy") && !last.actor.starts_with("policy: ");
            Some(Told { at: last.at, actor: v.actor(last.actor), text, by_person })
        })
        .collect()
}

fn reason(detail: &Value) -> String {
    detail.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned()
}
