//! Media monitoring in PostgreSQL.

pub mod clippings;
pub mod items;
pub mod search;
pub mod sources;

use sqlx::PgConnection;

/// Items are taken, judged and closed one after another, so that each sees what is there.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('media_item', 0))").fetch_one(conn).await?;
    Ok(())
}
