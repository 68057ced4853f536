//! What the public reads: snapshots, the last of a key. Nothing here touches the tables of the work itself, but for the document whose
//! hash a snapshot names.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;

pub async fn write(
    conn: &mut PgConnection,
    (body, key): (Uuid, &str),
    document: &Value,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_snapshot (body_id, key, document, at, by) values ($1, $2, $3, $4, $5)",
        body,
        key,
        document,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The cards of all bodies by slug, at most 200.
pub async fn cards(conn: &mut PgConnection) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar!(
        r#"select c.document as "document!" from body b cross join lateral (select document from body_snapshot s
               where s.body_id = b.id and s.key = 'card' order by s.id desc limit 1) c
           order by b.slug limit 200"#
    )
    .fetch_all(conn)
    .await
}

/// Who sits in the bodies in force whose work is confidential.
pub async fn compositions(conn: &mut PgConnection, day: chrono::NaiveDate) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar!(
        r#"select c.document as "document!" from body b cross join lateral (select document from body_snapshot s
               where s.body_id = b.id and s.key = 'composition' order by s.id desc limit 1) c
           where b.kind = 'ethics' and b.term_from <= $1 and (b.term_until is null or b.term_until >= $1)
               and (b.ended_on is null or b.ended_on >= $1)
           order by b.slug limit 20"#,
        day
    )
    .fetch_all(conn)
    .await
}

/// The card of one, with the id of the body.
pub async fn card(conn: &mut PgConnection, slug: &str) -> sqlx::Result<Option<(Uuid, Value)>> {
    let row = sqlx::query!(
        "select s.body_id, s.document from body_snapshot s join body b on b.id = s.body_id
         where b.slug = $1 and s.key = 'card' order by s.id desc limit 1",
        slug
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.body_id, row.document)))
}

/// Published minutes of a body, the latest first, at most 100.
pub async fn minutes(conn: &mut PgConnection, body: Uuid) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar!(
        r#"select l.document as "document!" from (select distinct on (key) key, id, document from body_snapshot
               where body_id = $1 and key like 'minutes/%' order by key, id desc) l order by l.id desc limit 100"#,
        body
    )
    .fetch_all(conn)
    .await
}

/// The document of published minutes.
pub async fn pdf(conn: &mut PgConnection, body: Uuid, (year, number): (i32, i32)) -> sqlx::Result<Option<Vec<u8>>> {
    let row = sqlx::query_scalar!(
        "select pdf from body_meeting where body_id = $1 and year = $2 and number = $3 and published_at is not null",
        body,
        year,
        number
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.flatten())
}
