//! The table `field_sent`.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::inspections::sent::Parcel;

/// What was sent under a key.
#[derive(Clone, Debug)]
pub struct Found {
    pub account: Uuid,
    pub kind: String,
    pub sums: Value,
    pub answer: Value,
}

/// Until the transaction ends nobody else works under this key.
pub async fn lock(conn: &mut PgConnection, key: Uuid) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('field ' || $1::text, 0))", key.to_string())
        .fetch_one(conn)
        .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, key: Uuid) -> sqlx::Result<Option<Found>> {
    sqlx::query_as!(
        Found,
        "select account_id as account, kind, sums, answer from field_sent where device_key = $1",
        key
    )
    .fetch_optional(conn)
    .await
}

pub async fn insert(
    conn: &mut PgConnection,
    now: Instant,
    parcel: Parcel<'_>,
    sums: &Value,
    answer: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into field_sent (device_key, account_id, kind, at, sums, answer) values ($1, $2, $3, $4, $5, $6)",
        parcel.key,
        parcel.account,
        parcel.kind.as_str(),
        now,
        sums,
        answer
    )
    .execute(conn)
    .await?;
    Ok(())
}
