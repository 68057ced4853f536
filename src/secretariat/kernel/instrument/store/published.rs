//! What everybody reads of instruments.

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;

/// Makes the snapshot, or makes it anew.
pub async fn publish(
    conn: &mut PgConnection,
    (id, module): (Uuid, &str),
    snapshot: &Value,
    listed_until: Option<NaiveDate>,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into instrument_public (instrument_id, module, snapshot, published_at, listed_until) values ($1, $2, $3, $4, $5)
         on conflict (instrument_id) do update set snapshot = excluded.snapshot, published_at = excluded.published_at,
             listed_until = excluded.listed_until",
        id,
        module,
        snapshot,
        now,
        listed_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn unpublish(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from instrument_public where instrument_id = $1", id).execute(conn).await?;
    Ok(())
}

/// What everybody reads, the newest first.
pub async fn published(
    conn: &mut PgConnection,
    module: &str,
    (after, most): (Option<Uuid>, i64),
    today: NaiveDate,
) -> sqlx::Result<Vec<(Uuid, Value)>> {
    let rows = sqlx::query!(
        "select instrument_id, snapshot from instrument_public
         where module = $1 and ($2::uuid is null or instrument_id < $2) and (listed_until is null or listed_until >= $3)
         order by instrument_id desc limit $4",
        module,
        after,
        today,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.instrument_id, row.snapshot)).collect())
}

/// What everybody reads of one, and of when it is.
pub async fn published_one(
    conn: &mut PgConnection,
    (module, id): (&str, Uuid),
    today: NaiveDate,
) -> sqlx::Result<Option<(Value, Instant)>> {
    let row = sqlx::query!(
        "select snapshot, published_at from instrument_public
         where module = $1 and instrument_id = $2 and (listed_until is null or listed_until >= $3)",
        module,
        id,
        today
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.snapshot, row.published_at)))
}
