//! Documents of instruments.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::papers::Readers;
use super::decode;
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
    /// module: whoever works there; staff: whoever sees the secretariat; everybody.
    #[schema(value_type = String)]
    pub readers: Readers,
}

pub async fn documents(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Document>> {
    let rows = sqlx::query!(
        r#"select id, kind, name, media_type, length(bytes) as "bytes!", encode(sha256, 'hex') as "sha256!", added_at, added_by, readers
           from instrument_document where instrument_id = $1 order by id limit 500"#,
        id
    )
    .fetch_all(conn)
    .await?;
    let document = rows.into_iter().map(|row| {
        Ok(Document {
            id: row.id,
            kind: row.kind,
            name: row.name,
            media_type: row.media_type,
            bytes: row.bytes,
            sha256: row.sha256,
            added_at: row.added_at,
            added_by: row.added_by,
            readers: row.readers.parse().map_err(decode)?,
        })
    });
    document.collect()
}

/// What a document is and who reads it, with its bytes.
pub struct NewDocument<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub media_type: &'a str,
    pub readers: Readers,
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
        "insert into instrument_document (id, instrument_id, kind, name, media_type, bytes, sha256, added_at, added_by, readers)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (instrument_id, sha256) do nothing",
        id,
        of,
        new.kind,
        new.name,
        new.media_type,
        new.bytes,
        new.sha256,
        now,
        by,
        new.readers.as_str()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Name, who reads it, and bytes.
pub async fn document(
    conn: &mut PgConnection,
    module: &str,
    (of, id): (Uuid, Uuid),
) -> sqlx::Result<Option<(String, Readers, Vec<u8>)>> {
    let row = sqlx::query!(
        "select d.name, d.readers, d.bytes from instrument_document d join instrument i on i.id = d.instrument_id
         where i.module = $1 and d.instrument_id = $2 and d.id = $3",
        module,
        of,
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((row.name, row.readers.parse().map_err(decode)?, row.bytes))).transpose()
}

/// Name and bytes of what everybody reads, while the instrument is public.
pub async fn open_document(
    conn: &mut PgConnection,
    module: &str,
    (of, id): (Uuid, Uuid),
    today: NaiveDate,
) -> sqlx::Result<Option<(String, Vec<u8>)>> {
    let row = sqlx::query!(
        "select d.name, d.bytes from instrument_document d join instrument_publication p on p.instrument_id = d.instrument_id
         where p.module = $1 and d.instrument_id = $2 and d.id = $3 and d.readers = 'everybody' and p.snapshot is not null
             and (p.listed_until is null or p.listed_until >= $4)
             and not exists (select from instrument_publication n where n.instrument_id = p.instrument_id and n.seq > p.seq)",
        module,
        of,
        id,
        today
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.name, row.bytes)))
}
