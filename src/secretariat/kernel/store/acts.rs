//! Acts of cases, each chained to the one before.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::ledger::{self, Link};
use super::super::{ActDone, Fields};

/// Chains an act to the one before. The caller holds the case. Gives its place.
pub async fn keep_act(conn: &mut PgConnection, case: Uuid, link: &Link<'_>) -> sqlx::Result<i32> {
    let last = sqlx::query!("select seq, hash from case_act where case_id = $1 order by seq desc limit 1", case)
        .fetch_optional(&mut *conn)
        .await?;
    let (seq, prev) = last.map_or((1, None), |last| (last.seq + 1, Some(last.hash)));
    let hash = ledger::chain(case, seq, prev.as_deref(), link);
    insert_act(conn, case, seq, (prev.as_deref(), &hash), link).await?;
    Ok(seq)
}

/// Writes an act with its place in the chain.
pub async fn insert_act(
    conn: &mut PgConnection,
    case: Uuid,
    seq: i32,
    (prev, hash): (Option<&[u8]>, &[u8]),
    link: &Link<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into case_act (case_id, seq, at, actor, actor_kind, act, from_state, to_state, reason, changes, prev, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        case,
        seq,
        link.at,
        link.actor,
        link.actor_kind,
        link.act,
        link.from_state,
        link.to_state,
        link.reason,
        Json(link.changes) as _,
        prev,
        hash
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Acts of some cases, by case and order.
pub async fn acts(conn: &mut PgConnection, cases: &[Uuid]) -> sqlx::Result<Vec<(Uuid, ActDone)>> {
    let rows = sqlx::query!(
        r#"select case_id, seq, at, actor, actor_kind, act, from_state, to_state, reason, changes as "changes: Json<Fields>", prev, hash
           from case_act where case_id = any($1) order by case_id, seq"#,
        cases
    )
    .fetch_all(conn)
    .await?;
    let done = rows.into_iter().map(|row| {
        let (prev, hash) = (row.prev.map(|prev| ledger::hex(&prev)), ledger::hex(&row.hash));
        let one = ActDone {
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            actor_kind: row.actor_kind,
            act: row.act,
            from_state: row.from_state,
            to_state: row.to_state,
            reason: row.reason,
            changes: row.changes.0,
            prev,
            hash,
        };
        (row.case_id, one)
    });
    Ok(done.collect())
}
