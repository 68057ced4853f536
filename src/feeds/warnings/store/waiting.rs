//! What somebody brought and has not kept yet.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::feeds::warnings::Way;

/// A document that waits to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub id: Uuid,
    pub created_at: Instant,
    pub author: String,
    /// File, address or text.
    pub way: Way,
    /// The file's name or the address.
    pub name: String,
    /// Whose words they are.
    pub source: String,
    pub body: Vec<u8>,
}

/// Keeps a document for its look.
///
/// # Errors
/// The database's.
pub async fn put(conn: &mut PgConnection, waiting: &Waiting) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into warning_import (id, created_at, author, way, name, source, body) values ($1, $2, $3, $4, $5, $6, $7)",
        waiting.id,
        waiting.created_at,
        waiting.author,
        waiting.way.as_str(),
        waiting.name,
        waiting.source,
        waiting.body
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The one with this id.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Waiting>> {
    let row =
        sqlx::query!("select id, created_at, author, way, name, source, body from warning_import where id = $1", id)
            .fetch_optional(conn)
            .await?;
    row.map(|row| {
        let way = row.way.parse().map_err(|error: crate::units::UnknownWord| sqlx::Error::Decode(error.into()))?;
        let (id, created_at, author, name, source, body) =
            (row.id, row.created_at, row.author, row.name, row.source, row.body);
        Ok(Waiting { id, created_at, author, way, name, source, body })
    })
    .transpose()
}

/// Says as whose words a document is to be looked at.
///
/// # Errors
/// The database's.
pub async fn name_source(conn: &mut PgConnection, id: Uuid, source: &str) -> sqlx::Result<()> {
    sqlx::query!("update warning_import set source = $2 where id = $1", id, source).execute(conn).await?;
    Ok(())
}

/// Forgets one that was kept or given up. False when somebody else did before.
///
/// # Errors
/// The database's.
pub async fn discard(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from warning_import where id = $1", id).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets those that nobody kept within their day.
///
/// # Errors
/// The database's.
pub async fn forget(conn: &mut PgConnection, before: Instant) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from warning_import where created_at < $1", before).execute(conn).await?.rows_affected())
}
