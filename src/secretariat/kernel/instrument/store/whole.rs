//! Many instruments with all of their past in a fixed number of questions, for files.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::{Entry, Kept, SUBJECT};
use super::acts::{DoneAct, acts_of};
use super::decode;
use super::money::{entries_of, ledgers_of};
use super::published::{Told, told_of};
use crate::clock::Instant;
use crate::deadlines::Course;

/// Series, year and number; all or none.
pub type Numbered = (Option<String>, Option<i32>, Option<i32>);

/// One with what was done to it and what runs.
#[derive(Clone, Debug)]
pub struct Past<K> {
    pub id: Uuid,
    pub numbered: Numbered,
    pub opened_at: Instant,
    pub opened_by: String,
    pub changed_at: Instant,
    pub kept_until: Option<NaiveDate>,
    pub what: K,
    /// The same as it lies there.
    pub document: Value,
    pub acts: Vec<DoneAct>,
    /// Code, anchor and course of what is open, by code.
    pub running: Vec<(String, Instant, Course)>,
    /// What everybody read and reads, the first first.
    pub versions: Vec<Told>,
}

/// Those of these ids that are of the module, in the order of opening, in five questions however many they are.
pub async fn past<K: Kept>(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Past<K>>> {
    let rows = sqlx::query!(
        r#"select id, series, year, number, opened_at, opened_by, changed_at, kept_until, document as "document: Json<Value>"
           from instrument where id = any($1) and module = $2 order by id"#,
        ids,
        K::MODULE
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut ledgers = ledgers_of(&mut *conn, ids).await?;
    let mut acts = acts_of(&mut *conn, ids).await?;
    let mut running = running(&mut *conn, ids).await?;
    let mut versions = told_of(conn, ids).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let mut what: K = serde_json::from_value(row.document.0.clone()).map_err(decode)?;
        what.set_ledger(ledgers.remove(&row.id).unwrap_or_default());
        all.push(Past {
            id: row.id,
            numbered: (row.series, row.year, row.number),
            opened_at: row.opened_at,
            opened_by: row.opened_by,
            changed_at: row.changed_at,
            kept_until: row.kept_until,
            what,
            document: row.document.0,
            acts: acts.remove(&row.id).unwrap_or_default(),
            running: running.remove(&row.id).unwrap_or_default(),
            versions: versions.remove(&row.id).unwrap_or_default(),
        });
    }
    Ok(all)
}

/// What the chain of one is held against.
#[derive(Clone, Debug)]
pub struct Trace {
    pub state: String,
    pub document: Value,
    pub entries: Vec<Entry>,
    pub acts: Vec<DoneAct>,
}

/// Of any module. None: it is gone, or never was.
pub async fn trace(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Trace>> {
    let row =
        sqlx::query!("select state, document from instrument where id = $1", id).fetch_optional(&mut *conn).await?;
    let Some(row) = row else { return Ok(None) };
    let entries = entries_of(&mut *conn, &[id]).await?.remove(&id).unwrap_or_default();
    let acts = acts_of(conn, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(Some(Trace { state: row.state, document: row.document, entries, acts }))
}

type Running = Vec<(String, Instant, Course)>;

async fn running(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Running>> {
    let rows = sqlx::query!(
        r#"select subject_id, code, anchor_at, extended, paused as "paused: Json<Vec<(NaiveDate, Option<NaiveDate>)>>", restarted_on
           from deadline where subject_kind = $1 and subject_id = any($2) and state = 'open' order by subject_id, code"#,
        SUBJECT,
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<Uuid, Running> = BTreeMap::new();
    for row in rows {
        let extended = u32::try_from(row.extended).unwrap_or_default();
        let course = Course { extended, paused: row.paused.0, restarted: row.restarted_on };
        all.entry(row.subject_id).or_default().push((row.code, row.anchor_at, course));
    }
    Ok(all)
}
