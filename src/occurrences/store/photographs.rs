//! The table `attachment`, as far as occurrences own it. Whatever asks for a photograph names its occurrence too, so that the identifier
//! of another one's photograph finds nothing.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::incidents::photographs::Photograph;
use crate::media::{MEDIA_TYPE, Picture};

/// Held until the transaction ends, so that nobody else fills it meanwhile. False when there is none.
pub async fn lock(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<bool> {
    let row = sqlx::query!("select id from occurrence where id = $1 for no key update", occurrence);
    Ok(row.fetch_optional(conn).await?.is_some())
}

/// The photograph of this very content, if the occurrence has it.
pub async fn same(conn: &mut PgConnection, occurrence: Uuid, sha256: &[u8]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from attachment where occurrence_id = $1 and sha256 = $2 and removed_at is null",
        occurrence,
        sha256
    )
    .fetch_optional(conn)
    .await
}

/// `by`: who, and when.
pub async fn insert(
    conn: &mut PgConnection,
    (id, occurrence): (Uuid, Uuid),
    caption: &str,
    (picture, sha256): (&Picture, &[u8]),
    by: (&str, Instant),
) -> sqlx::Result<()> {
    let size = picture.measures();
    sqlx::query!(
        "insert into attachment (id, kind, occurrence_id, media_type, sha256, bytes, width, height, caption, content, thumbnail,
             uploaded_by, created_at)
         values ($1, 'photograph', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id,
        occurrence,
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

/// How many photographs an occurrence holds, and how many bytes.
pub async fn totals(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", coalesce(sum(bytes), 0)::bigint as "bytes!" from attachment
           where occurrence_id = $1 and removed_at is null"#,
        occurrence
    );
    let row = row.fetch_one(conn).await?;
    Ok((row.count, row.bytes))
}

/// Oldest first, the removed among them.
pub async fn list(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Vec<Photograph>> {
    sqlx::query_as!(
        Photograph,
        r#"select id, caption, media_type, width, height, bytes, encode(sha256, 'hex') as "sha256!", uploaded_by, created_at,
               removed_at, removed_by, removed_reason
           from attachment where occurrence_id = $1 and kind = 'photograph' order by seq"#,
        occurrence
    )
    .fetch_all(conn)
    .await
}

/// A photograph's file, or its thumbnail's. `None` when this occurrence has no such photograph, or it was removed.
pub async fn file(
    conn: &mut PgConnection,
    occurrence: Uuid,
    id: Uuid,
    thumbnail: bool,
) -> sqlx::Result<Option<Vec<u8>>> {
    let file = sqlx::query_scalar!(
        "select case when $3 then thumbnail else content end from attachment
         where occurrence_id = $1 and id = $2 and kind = 'photograph'",
        occurrence,
        id,
        thumbnail
    );
    Ok(file.fetch_optional(conn).await?.flatten())
}

/// The sum of what was removed; nothing when there is nothing left to remove.
pub async fn remove(
    conn: &mut PgConnection,
    (occurrence, id): (Uuid, Uuid),
    (actor, now): (&str, Instant),
    reason: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"update attachment set content = null, thumbnail = null, removed_at = $3, removed_by = $4, removed_reason = $5
           where occurrence_id = $1 and id = $2 and kind = 'photograph' and removed_at is null returning encode(sha256, 'hex') as "sha256!""#,
        occurrence,
        id,
        now,
        actor,
        reason
    )
    .fetch_optional(conn)
    .await
}
