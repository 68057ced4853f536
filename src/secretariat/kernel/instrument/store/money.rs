//! Entries of the ledger.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{Entry, Ledger, Movement, NewEntry};
use super::decode;
use crate::clock::Instant;
use crate::secretariat::kernel::money::Centavos;

pub async fn keep_money(
    conn: &mut PgConnection,
    id: Uuid,
    entry: &Entry,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into instrument_money (instrument_id, seq, movement, centavos, happened_on, what, reverses, at, actor)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        entry.seq,
        entry.what.movement.as_str(),
        entry.what.centavos.0,
        entry.what.on,
        entry.what.what,
        entry.what.reverses,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn ledger(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Ledger> {
    Ok(ledgers_of(conn, &[id]).await?.remove(&id).unwrap_or_default())
}

/// The same of many, by instrument; those without an entry are left out.
pub(super) async fn ledgers_of(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Ledger>> {
    let all = entries_of(conn, ids).await?.into_iter();
    all.map(|(id, entries)| Ok((id, Ledger::of(entries).map_err(decode)?))).collect()
}

/// Entries as they stand, whether or not they add up.
pub(super) async fn entries_of(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Vec<Entry>>> {
    let rows = sqlx::query!(
        "select instrument_id, seq, movement, centavos, happened_on, what, reverses from instrument_money
         where instrument_id = any($1) order by instrument_id, seq",
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut entries: BTreeMap<Uuid, Vec<Entry>> = BTreeMap::new();
    for row in rows {
        let movement: Movement = row.movement.parse().map_err(decode)?;
        let (centavos, on) = (Centavos(row.centavos), row.happened_on);
        let what = NewEntry { movement, centavos, on, what: row.what, reverses: row.reverses };
        entries.entry(row.instrument_id).or_default().push(Entry { seq: row.seq, what });
    }
    Ok(entries)
}
