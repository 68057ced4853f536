//! What is sealed, in PostgreSQL.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::access::Purpose;
use super::{KeyId, Ring};
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

/// A sealed record as it lies there.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub id: Uuid,
    pub sealed: Vec<u8>,
    pub created_by: String,
    pub created_at: Instant,
    pub keep_until: NaiveDate,
}

/// What to keep, sealed.
#[derive(Clone, Debug)]
pub struct NewRecord<'a> {
    pub purpose: Purpose,
    /// Kind and id of what it belongs to, e.g. "resident:<uuid>".
    pub subject: &'a str,
    pub plain: &'a [u8],
    /// A staff user name, or "resident".
    pub created_by: &'a str,
    pub keep_until: NaiveDate,
}

/// Seals and keeps a record, in place of an earlier one of the same purpose and subject. The caller writes the audit.
pub async fn put(
    conn: &mut PgConnection,
    ring: &Ring,
    id: Uuid,
    now: Instant,
    new: &NewRecord<'_>,
) -> sqlx::Result<()> {
    let sealed = ring.seal(&context(new.purpose.as_str(), new.subject), new.plain);
    sqlx::query!(
        "insert into vault_record (id, purpose, subject, sealed, created_by, created_at, keep_until)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (purpose, subject) do update set sealed = excluded.sealed, created_by = excluded.created_by,
            created_at = excluded.created_at, keep_until = excluded.keep_until",
        id,
        new.purpose.as_str(),
        new.subject,
        sealed,
        new.created_by,
        now,
        new.keep_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The record, still sealed.
pub async fn find(conn: &mut PgConnection, purpose: Purpose, subject: &str) -> sqlx::Result<Option<Sealed>> {
    sqlx::query_as!(
        Sealed,
        "select id, sealed, created_by, created_at, keep_until from vault_record where purpose = $1 and subject = $2",
        purpose.as_str(),
        subject
    )
    .fetch_optional(conn)
    .await
}

/// Removes a record. True when there was one.
pub async fn remove(conn: &mut PgConnection, purpose: Purpose, subject: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from vault_record where purpose = $1 and subject = $2", purpose.as_str(), subject)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// One batch of records, after `last`, locked for resealing.
pub async fn sealed_after(conn: &mut PgConnection, last: Uuid) -> sqlx::Result<Vec<(Uuid, String, String, Vec<u8>)>> {
    let rows = sqlx::query!(
        "select id, purpose, subject, sealed from vault_record where id > $1 order by id limit 200 for update",
        last
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.purpose, row.subject, row.sealed)).collect())
}

pub async fn put_sealed(conn: &mut PgConnection, id: Uuid, sealed: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update vault_record set sealed = $2 where id = $1", id, sealed).execute(conn).await?;
    Ok(())
}

/// Notes that nothing is sealed any more under the older keys of a ring. Returns how many those are.
pub async fn retire(conn: &mut PgConnection, ring: &str, newest: KeyId, now: Instant) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update key_check set retired_at = $3 where keyring = $1 and key_id <> $2 and retired_at is null",
        ring,
        &newest.0[..],
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// What a record is sealed for.
pub fn context(purpose: &str, subject: &str) -> String {
    format!("vault_record.{purpose}:{subject}")
}
