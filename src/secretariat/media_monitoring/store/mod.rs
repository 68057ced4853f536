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

/// Somebody judges: others may too, and closing a day waits until they are done.
///
/// # Errors
/// The database's.
pub async fn judging(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock_shared(hashtextextended('media_clipping', 0))").fetch_one(conn).await?;
    Ok(())
}

/// A day is closed: whoever judges is waited for, and waits until it is done. After [`lock`], never before it.
///
/// # Errors
/// The database's.
pub async fn closing(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('media_clipping', 0))").fetch_one(conn).await?;
    Ok(())
}
