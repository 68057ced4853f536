//! The table `attachment`, as far as incidents own it. Whatever asks for a photograph names its incident too, so that the
//! identifier of another incident's photograph finds nothing.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::IncidentId;
use crate::media::{MEDIA_TYPE, Picture};

/// A photograph without its bytes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Photograph {
    pub id: Uuid,
    /// What it shows; empty when nobody said.
    pub caption: String,
    pub media_type: String,
    /// In pixels.
    pub width: i32,
    pub height: i32,
    /// Size of the stored file.
    pub bytes: i32,
    /// Of the stored file, in hexadecimal.
    pub sha256: String,
    pub uploaded_by: String,
    pub created_at: DateTime<Utc>,
    /// Set when its bytes were removed.
    pub removed_at: Option<DateTime<Utc>>,
    pub removed_by: Option<String>,
    pub removed_reason: Option<String>,
}

/// Number and state of an incident, which nobody closes or fills meanwhile.
pub async fn lock(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Option<(String, String)>> {
    let row = sqlx::query!("select number, state from incident where id = $1 for no key update", incident.0);
    Ok(row.fetch_optional(conn).await?.map(|row| (row.number, row.state)))
}

/// The photograph of this very content, if the incident has it.
pub async fn same(conn: &mut PgConnection, incident: IncidentId, sha256: &[u8]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from attachment where incident_id = $1 and sha256 = $2 and removed_at is null",
        incident.0,
        sha256
    )
    .fetch_optional(conn)
    .await
}

/// `by`: who, and when.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    incident: IncidentId,
    caption: &str,
    picture: &Picture,
    sha256: &[u8],
    by: (&str, Instant),
) -> sqlx::Result<()> {
    let size = picture.measures();
    sqlx::query!(
        "insert into attachment (id, kind, incident_id, media_type, sha256, bytes, width, height, caption, content, thumbnail,
             uploaded_by, created_at)
         values ($1, 'photograph', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id,
        incident.0,
        MEDIA_TYPE,
        sha256,
        size.bytes,
        size.width,
        size.height,
        caption,
        picture.jpeg,
        picture.thumbnail,
        by.0,
        by.1
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many photographs an incident holds, and how many bytes.
pub async fn totals(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", coalesce(sum(bytes), 0)::bigint as "bytes!" from attachment
           where incident_id = $1 and removed_at is null"#,
        incident.0
    );
    let row = row.fetch_one(conn).await?;
    Ok((row.count, row.bytes))
}

/// Oldest first, the removed among them.
pub async fn list(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Photograph>> {
    sqlx::query_as!(
        Photograph,
        r#"select id, caption, media_type, width, height, bytes, encode(sha256, 'hex') as "sha256!", uploaded_by, created_at,
               removed_at, removed_by, removed_reason
           from attachment where incident_id = $1 and kind = 'photograph' order by seq"#,
        incident.0
    )
    .fetch_all(conn)
    .await
}

pub async fn find(conn: &mut PgConnection, incident: IncidentId, id: Uuid) -> sqlx::Result<Option<Photograph>> {
    sqlx::query_as!(
        Photograph,
        r#"select id, caption, media_type, width, height, bytes, encode(sha256, 'hex') as "sha256!", uploaded_by, created_at,
               removed_at, removed_by, removed_reason
           from attachment where incident_id = $1 and id = $2 and kind = 'photograph'"#,
        incident.0,
        id
    )
    .fetch_optional(conn)
    .await
}

/// A photograph's file, or its thumbnail's. `None` when this incident has no such photograph, or it was removed.
pub async fn file(
    conn: &mut PgConnection,
    incident: IncidentId,
    id: Uuid,
    thumbnail: bool,
) -> sqlx::Result<Option<Vec<u8>>> {
    let file = sqlx::query_scalar!(
        "select case when $3 then thumbnail else content end from attachment
         where incident_id = $1 and id = $2 and kind = 'photograph'",
        incident.0,
        id,
        thumbnail
    );
    Ok(file.fetch_optional(conn).await?.flatten())
}

/// `false` when there is nothing left to remove.
pub async fn remove(
    conn: &mut PgConnection,
    incident: IncidentId,
    id: Uuid,
    now: Instant,
    actor: &str,
    reason: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update attachment set content = null, thumbnail = null, removed_at = $3, removed_by = $4, removed_reason = $5
         where incident_id = $1 and id = $2 and kind = 'photograph' and removed_at is null",
        incident.0,
        id,
        now,
        actor,
        reason
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
