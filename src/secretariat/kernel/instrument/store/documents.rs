//! Documents of instruments.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;

/// A document without its bytes.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentDocument)]
pub struct Document {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    pub media_type: String,
    pub bytes: i32,
    pub sha256: String,
    #[schema(value_type = String)]
    pub added_at: Instant,
    pub added_by: String,
}

pub async fn documents(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Document>> {
    sqlx::query_as!(
        Document,
        r#"select id, kind, name, media_type, length(bytes) as "bytes!", encode(sha256, 'hex') as "sha256!", added_at, added_by
           from instrument_document where instrument_id = $1 order by id limit 500"#,
        id
    )
    .fetch_all(conn)
    .await
}

/// Kind, name, media type and bytes.
pub struct NewDocument<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub media_type: &'a str,
    pub bytes: &'a [u8],
    pub sha256: &'a [u8],
}

/// False when the same bytes are there already.
pub async fn add_document(
    conn: &mut PgConnection,
    (id, of): (Uuid, Uuid),
    new: &NewDocument<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into instrument_document (id, instrument_id, kind, name, media_type, bytes, sha256, added_at, added_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (instrument_id, sha256) do nothing",
        id,
        of,
        new.kind,
        new.name,
        new.media_type,
        new.bytes,
        new.sha256,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Name, media type and bytes.
pub async fn document(
    conn: &mut PgConnection,
    module: &str,
    (of, id): (Uuid, Uuid),
) -> sqlx::Result<Option<(String, String, Vec<u8>)>> {
    let row = sqlx::query!(
        "select d.name, d.media_type, d.bytes from instrument_document d join instrument i on i.id = d.instrument_id
         where i.module = $1 and d.instrument_id = $2 and d.id = $3",
        module,
        of,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.name, row.media_type, row.bytes)))
}
