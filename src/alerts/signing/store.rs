//! Signing keys in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// One key. The private one is sealed.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: Uuid,
    pub name: String,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// X.509, DER.
    pub certificate: Vec<u8>,
    /// PKCS #8, sealed.
    pub sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub retired_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoked_by: String,
    pub revoked_why: String,
}

/// Two processes make no key at one time.
const LOCK: i64 = 0x7369_676e;

pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(conn).await?;
    Ok(())
}

/// The key that signs.
pub async fn active(conn: &mut PgConnection) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        "select id, name, public_key, certificate, sealed, created_at, created_by, retired_at, revoked_at,
                revoked_by, revoked_why
         from signing_key
         where retired_at is null"
    )
    .fetch_optional(conn)
    .await
}

/// All of them, newest first.
pub async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        "select id, name, public_key, certificate, sealed, created_at, created_by, retired_at, revoked_at,
                revoked_by, revoked_why
         from signing_key
         order by retired_at desc nulls first, created_at desc limit 1000"
    )
    .fetch_all(conn)
    .await
}

/// Keeps a key in place of the one that signed until now.
pub async fn add(conn: &mut PgConnection, row: &Row) -> sqlx::Result<()> {
    sqlx::query!("update signing_key set retired_at = $1 where retired_at is null", row.created_at)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into signing_key (id, name, public_key, certificate, sealed, created_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7)",
        row.id,
        row.name,
        row.public_key,
        row.certificate,
        row.sealed,
        row.created_at,
        row.created_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The key of that name, held until the transaction ends.
pub async fn named(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        "select id, name, public_key, certificate, sealed, created_at, created_by, retired_at, revoked_at, revoked_by, revoked_why
         from signing_key where name = $1 for no key update",
        name
    )
    .fetch_optional(conn)
    .await
}

/// Takes the trust from a key that signs no longer.
pub async fn revoke(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>, by: &str, why: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update signing_key set revoked_at = $2, revoked_by = $3, revoked_why = $4 where id = $1",
        id,
        now,
        by,
        why
    )
    .execute(conn)
    .await?;
    Ok(())
}
