//! Acts of instruments, each chained to the one before.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

pub use super::super::chain::DoneAct;
use super::super::chain::{Covers, hash, linked};
use crate::clock::Instant;
use crate::secretariat::kernel::ledger::{hex, unhex};

struct Row {
    instrument_id: Uuid,
    seq: i32,
    at: Instant,
    actor: String,
    act: String,
    from_state: String,
    to_state: String,
    reason: String,
    asked: Value,
    covers: Option<Json<Covers>>,
    prev: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

impl From<Row> for DoneAct {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            act: row.act,
            from_state: row.from_state,
            to_state: row.to_state,
            reason: row.reason,
            asked: row.asked,
            covers: row.covers.map(|covers| covers.0),
            prev: row.prev.map(|prev| hex(&prev)),
            hash: row.hash.map(|hash| hex(&hash)).unwrap_or_default(),
        }
    }
}

/// Adds an act behind the last one, whose place it takes over. The caller holds the instrument.
pub async fn keep_act(conn: &mut PgConnection, id: Uuid, act: &DoneAct) -> sqlx::Result<()> {
    let last =
        sqlx::query!("select seq, hash from instrument_act where instrument_id = $1 order by seq desc limit 1", id)
            .fetch_optional(&mut *conn)
            .await?;
    let (seq, prev) = match last {
        None => (1, None),
        Some(last) => match last.hash {
            Some(hash) => (last.seq + 1, Some(hex(&hash))),
            // The last one is from before the chain: all of them are reckoned once.
            None => (last.seq + 1, acts(&mut *conn, id).await?.pop().map(|last| last.hash)),
        },
    };
    let act = DoneAct { seq, prev, ..act.clone() };
    let hash = hash(id, &act, act.prev.as_deref());
    restore_act(conn, id, &DoneAct { hash, ..act }).await
}

/// Writes an act with the place that it has.
pub async fn restore_act(conn: &mut PgConnection, id: Uuid, act: &DoneAct) -> sqlx::Result<()> {
    let prev = act.prev.as_deref().and_then(unhex);
    let hash = unhex(&act.hash);
    sqlx::query!(
        "insert into instrument_act (instrument_id, seq, at, actor, act, from_state, to_state, reason, asked, covers, prev, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id,
        act.seq,
        act.at,
        act.actor,
        act.act,
        act.from_state,
        act.to_state,
        act.reason,
        act.asked,
        act.covers.as_ref().map(Json) as _,
        prev.as_ref().map(<[u8; 32]>::as_slice),
        hash.as_ref().map(<[u8; 32]>::as_slice)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The oldest first.
pub async fn acts(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<DoneAct>> {
    Ok(acts_of(conn, &[id]).await?.remove(&id).unwrap_or_default())
}

/// The same of many, by instrument.
pub(super) async fn acts_of(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Vec<DoneAct>>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select instrument_id, seq, at, actor, act, from_state, to_state, reason, asked, covers as "covers: Json<Covers>", prev, hash
           from instrument_act where instrument_id = any($1) order by instrument_id, seq"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<Uuid, Vec<DoneAct>> = BTreeMap::new();
    for row in rows {
        all.entry(row.instrument_id).or_default().push(row.into());
    }
    for (id, acts) in &mut all {
        linked(*id, acts);
    }
    Ok(all)
}
