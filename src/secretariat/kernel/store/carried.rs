//! What files carry beside their cases: publications and documents of many at once, and how they are written where they come in.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::kernel::exchange::carried::{Document, Publication, Withdrawn};
use crate::secretariat::kernel::ledger::{hex, unhex};

/// Bytes of the documents of each case that has some.
pub async fn sizes(conn: &mut PgConnection, cases: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, i64>> {
    let rows = sqlx::query!(
        r#"select case_id, sum(length(bytes))::int8 as "bytes!" from case_document where case_id = any($1) group by case_id"#,
        cases
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.case_id, row.bytes)).collect())
}

/// Everything that was published of each, the first first; also what was withdrawn or waits.
pub async fn publications(conn: &mut PgConnection, cases: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Vec<Publication>>> {
    let rows = sqlx::query!(
        "select id, case_id, seq, snapshot, sha256, published_at, published_by, embargo_until, withdrawn_at, withdrawn_by, withdrawn_reason
         from case_publication where case_id = any($1) order by case_id, seq",
        cases
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<Uuid, Vec<Publication>> = BTreeMap::new();
    for row in rows {
        let withdrawn = row.withdrawn_at.map(|at| Withdrawn {
            at,
            by: row.withdrawn_by.unwrap_or_default(),
            reason: row.withdrawn_reason.unwrap_or_default(),
        });
        all.entry(row.case_id).or_default().push(Publication {
            id: row.id,
            seq: row.seq,
            view: row.snapshot,
            sha256: hex(&row.sha256),
            published_at: row.published_at,
            published_by: row.published_by,
            embargo_until: row.embargo_until,
            withdrawn,
        });
    }
    Ok(all)
}

/// The documents of each, in the order in which they were attached.
pub async fn documents(conn: &mut PgConnection, cases: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Vec<Document>>> {
    let rows = sqlx::query!(
        "select id, case_id, kind, version, name, media_type, draft, added_at, added_by, sha256, bytes
         from case_document where case_id = any($1) order by case_id, added_at, kind, version",
        cases
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<Uuid, Vec<Document>> = BTreeMap::new();
    for row in rows {
        all.entry(row.case_id).or_default().push(Document {
            id: row.id,
            kind: row.kind,
            version: row.version,
            name: row.name,
            media_type: row.media_type,
            draft: row.draft,
            added_at: row.added_at,
            added_by: row.added_by,
            sha256: hex(&row.sha256),
            content: row.bytes,
        });
    }
    Ok(all)
}

/// One of these ids that a publication or a document has already.
pub async fn known(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"select id as "id!" from case_publication where id = any($1)
           union all select id from case_document where id = any($1) limit 1"#,
        ids
    )
    .fetch_optional(conn)
    .await
}

/// A publication with the place that it had.
pub async fn insert_publication(
    conn: &mut PgConnection,
    (case, module, type_key): (Uuid, &str, &str),
    (one, corrects): (&Publication, Option<Uuid>),
    now: Instant,
) -> sqlx::Result<()> {
    let withdrawn = one.withdrawn.as_ref();
    let sum = unhex(&one.sha256).unwrap_or_default();
    sqlx::query!(
        "insert into case_publication (id, case_id, module, type_key, seq, corrects, snapshot, sha256, published_at, published_by, embargo_until,
             withdrawn_at, withdrawn_by, withdrawn_reason, imported_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        one.id,
        case,
        module,
        type_key,
        one.seq,
        corrects,
        one.view,
        sum.as_slice(),
        one.published_at,
        one.published_by,
        one.embargo_until,
        withdrawn.map(|told| told.at),
        withdrawn.map(|told| told.by.as_str()),
        withdrawn.map(|told| told.reason.as_str()),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A document with the place that it had.
pub async fn insert_document(conn: &mut PgConnection, case: Uuid, one: &Document, now: Instant) -> sqlx::Result<()> {
    let sum = unhex(&one.sha256).unwrap_or_default();
    sqlx::query!(
        "insert into case_document (id, case_id, kind, version, name, media_type, bytes, sha256, draft, added_at, added_by, imported_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        one.id,
        case,
        one.kind,
        one.version,
        one.name,
        one.media_type,
        one.content.as_slice(),
        sum.as_slice(),
        one.draft,
        one.added_at,
        one.added_by,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
