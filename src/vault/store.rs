//! What is sealed, in PostgreSQL.

use sqlx::PgConnection;

use super::KeyId;
use crate::clock::Instant;

/// Keys of a ring that are still needed, with their check values.
pub async fn checks(conn: &mut PgConnection, ring: &str) -> sqlx::Result<Vec<(KeyId, Vec<u8>)>> {
    let rows = sqlx::query!(
        "select key_id, sealed from key_check where keyring = $1 and retired_at is null order by created_at desc",
        ring
    )
    .fetch_all(conn)
    .await?;
    let known = |id: Vec<u8>| id.try_into().ok().map(KeyId);
    Ok(rows.into_iter().filter_map(|row| Some((known(row.key_id)?, row.sealed))).collect())
}

/// Writes down that data may be sealed under this key from now on.
pub async fn add_check(
    conn: &mut PgConnection,
    ring: &str,
    key: KeyId,
    sealed: &[u8],
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into key_check (keyring, key_id, sealed, created_at) values ($1, $2, $3, $4) on conflict do nothing",
        ring,
        &key.0[..],
        sealed,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
