//! Documents of cases.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{CaseDocument, ledger};
use super::MOST;
use crate::clock::Instant;

/// A document that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewDocument<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub media_type: &'a str,
    pub bytes: &'a [u8],
    pub draft: bool,
}

/// Keeps a version of a document. The caller holds the case. Gives the version.
pub async fn insert_document(
    conn: &mut PgConnection,
    (id, case): (Uuid, Uuid),
    new: &NewDocument<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<i32> {
    let sum = ledger::sha256(new.bytes);
    sqlx::query_scalar!(
        "insert into case_document (id, case_id, kind, version, name, media_type, bytes, sha256, draft, added_at, added_by)
         select $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5, $6, $7, $8, $9, $10 from case_document where case_id = $2 and kind = $3
         returning version",
        id,
        case,
        new.kind,
        new.name,
        new.media_type,
        new.bytes,
        sum.as_slice(),
        new.draft,
        now,
        by
    )
    .fetch_one(conn)
    .await
}

/// The newest first.
pub async fn documents(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<CaseDocument>> {
    let rows = sqlx::query!(
        r#"select id, kind, version, name, media_type, length(bytes)::int8 as "size!", sha256, draft, added_at, added_by, imported_at
           from case_document where case_id = $1 order by added_at desc, kind, version desc limit $2"#,
        case,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| CaseDocument {
        id: row.id,
        kind: row.kind,
        version: row.version,
        name: row.name,
        media_type: row.media_type,
        size: row.size,
        sha256: ledger::hex(&row.sha256),
        draft: row.draft,
        added_at: row.added_at,
        added_by: row.added_by,
        imported_at: row.imported_at,
    });
    Ok(all.collect())
}

/// A document with its bytes.
pub struct File {
    pub kind: String,
    pub name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
    pub draft: bool,
}

pub async fn document(conn: &mut PgConnection, case: Uuid, id: Uuid) -> sqlx::Result<Option<File>> {
    sqlx::query_as!(
        File,
        "select kind, name, media_type, bytes, draft from case_document where case_id = $1 and id = $2",
        case,
        id
    )
    .fetch_optional(conn)
    .await
}
