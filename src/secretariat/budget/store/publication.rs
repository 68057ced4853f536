//! What the public reads.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::budget::BillKind;
use crate::secretariat::budget::published::Snapshot;

pub async fn insert(conn: &mut PgConnection, bill: Uuid, snapshot: &Snapshot, at: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_publication (bill_id, kind, year_from, year_to, at, snapshot) values ($1, $2, $3, $4, $5, $6)",
        bill,
        snapshot.kind.as_str(),
        snapshot.year_from,
        snapshot.year_to,
        at,
        Json(snapshot) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest snapshot of the bill that holds for a year, with its instant.
pub async fn newest(conn: &mut PgConnection, kind: BillKind, year: i32) -> sqlx::Result<Option<(Instant, Snapshot)>> {
    let row = sqlx::query!(
        r#"select at, snapshot as "snapshot: Json<Snapshot>" from budget_publication where kind = $1 and $2 between year_from and year_to
           order by year_from desc, id desc limit 1"#,
        kind.as_str(),
        year
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.at, row.snapshot.0)))
}

/// What is published: kind, years, state; the newest years first.
pub async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, i32, i32, String)>> {
    let rows = sqlx::query!(
        r#"select distinct on (year_from, kind) kind, year_from, year_to, snapshot->>'state' as "state!" from budget_publication
           order by year_from desc, kind, id desc limit 300"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.year_from, row.year_to, row.state)).collect())
}
