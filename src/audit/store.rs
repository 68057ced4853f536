//! The audit in PostgreSQL.

use sqlx::PgConnection;

use super::{Actor, Entry};
use crate::clock::Instant;
use crate::ids::Ids;

/// Writes one event in the transaction of the act. It joins the chain when that transaction commits.
///
/// # Errors
/// What the database says; the act then does not happen either.
pub async fn record(conn: &mut PgConnection, ids: &Ids, now: Instant, actor: &Actor, entry: Entry) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into audit_event (id, at, actor_kind, actor, actor_id, via, address, act, object_kind, object, reason,
                                  before, after)
         values ($1, $2, $3, $4, $5, $6, $7::text::inet, $8, $9, $10, $11, $12, $13)",
        ids.uuid(now),
        now,
        actor.kind.as_str(),
        actor.name,
        actor.id,
        actor.via.as_str(),
        actor.address.map(|address| address.to_string()),
        entry.act.as_str(),
        entry.object_kind,
        entry.object,
        entry.reason,
        entry.before,
        entry.after
    )
    .execute(conn)
    .await?;
    Ok(())
}
