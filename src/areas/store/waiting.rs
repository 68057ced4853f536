//! Files and answers of services that wait until somebody has looked at what they would change.

use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::areas::Origin;
use crate::catalogue::Format;
use crate::clock::Instant;

/// One of them.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: Uuid,
    pub created_at: Instant,
    pub author: String,
    /// The file's name or the service's address.
    pub name: String,
    pub origin: Origin,
    pub format: Format,
    pub body: Vec<u8>,
    pub sha256: String,
}

/// Keeps one.
///
/// # Errors
/// The database's.
pub async fn keep_import(conn: &mut PgConnection, kept: &Kept) -> sqlx::Result<()> {
    let format = match kept.format {
        Format::GeoJson => "geojson",
        Format::Csv => "csv",
    };
    sqlx::query!(
        "insert into area_import (id, created_at, author, name, origin, format, body, sha256) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        kept.id,
        kept.created_at,
        kept.author,
        kept.name,
        kept.origin.as_str(),
        format,
        kept.body,
        kept.sha256
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The one with this id.
///
/// # Errors
/// The database's.
pub async fn find_import(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Kept>> {
    let row = sqlx::query!(
        "select id, created_at, author, name, origin, format, body, sha256 from area_import where id = $1",
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Kept {
            id: row.id,
            created_at: row.created_at,
            author: row.author,
            name: row.name,
            origin: row.origin.parse().map_err(decode)?,
            format: if row.format == "csv" { Format::Csv } else { Format::GeoJson },
            body: row.body,
            sha256: row.sha256,
        })
    })
    .transpose()
}

/// Forgets one that was taken in or given up.
///
/// # Errors
/// The database's.
pub async fn discard_import(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from area_import where id = $1", id).execute(conn).await?;
    Ok(())
}

/// Forgets those that nobody took in within their day.
///
/// # Errors
/// The database's.
pub async fn forget_imports(conn: &mut PgConnection, before: Instant) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from area_import where created_at < $1", before).execute(conn).await?.rows_affected())
}
