//! The table `attachment`, as far as reports own it. Whoever asks for a photograph names its report too.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::media::{MEDIA_TYPE, Picture};

/// A photograph without its bytes.
#[derive(Clone, Debug)]
pub struct Photograph {
    pub id: Uuid,
    pub report: Uuid,
    pub created_at: DateTime<Utc>,
    pub removed_at: Option<DateTime<Utc>>,
}

/// Keeps a picture; the same content twice in one report is kept once. `by`: the account or the door, and when.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    report: Uuid,
    picture: &Picture,
    by: (&str, Instant),
) -> sqlx::Result<()> {
    let size = picture.measures();
    let sha256 = Sha256::digest(&picture.jpeg);
    sqlx::query!(
        "insert into attachment (id, kind, report_id, media_type, sha256, bytes, width, height, caption, content, thumbnail,
             uploaded_by, created_at)
         values ($1, 'photograph', $2, $3, $4, $5, $6, $7, '', $8, $9, $10, $11)
         on conflict (report_id, sha256) where removed_at is null and report_id is not null do nothing",
        id,
        report,
        MEDIA_TYPE,
        sha256.as_slice(),
        size.bytes,
        size.width,
        size.height,
        picture.jpeg,
        picture.thumbnail,
        by.0,
        by.1
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of every report of an occurrence.
pub async fn of_occurrence(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Vec<Photograph>> {
    sqlx::query_as!(
        Photograph,
        r#"select a.id, a.report_id as "report!", a.created_at, a.removed_at
           from attachment a join report_standing s on s.report_id = a.report_id
           where s.occurrence_id = $1 order by a.seq limit 2000"#,
        occurrence
    )
    .fetch_all(conn)
    .await
}

/// A photograph's file, or its thumbnail's. `None` when this report has no such photograph, or it was removed.
pub async fn file(conn: &mut PgConnection, report: Uuid, id: Uuid, thumbnail: bool) -> sqlx::Result<Option<Vec<u8>>> {
    let file = sqlx::query_scalar!(
        "select case when $3 then thumbnail else content end from attachment
         where report_id = $1 and id = $2 and kind = 'photograph'",
        report,
        id,
        thumbnail
    );
    Ok(file.fetch_optional(conn).await?.flatten())
}

/// Empties a photograph. `false` when there is nothing left to remove.
pub async fn remove(
    conn: &mut PgConnection,
    (report, id): (Uuid, Uuid),
    now: Instant,
    actor: &str,
    reason: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update attachment set content = null, thumbnail = null, removed_at = $3, removed_by = $4, removed_reason = $5
         where report_id = $1 and id = $2 and kind = 'photograph' and removed_at is null",
        report,
        id,
        now,
        actor,
        reason
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
