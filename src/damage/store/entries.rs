//! The ledger of figures.

use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::damage::figures::{Entry, Source};
use crate::damage::lines::{Amount, Line};

/// Entries that stand, by line and as they were made.
pub async fn standing(conn: &mut PgConnection, disaster: Uuid) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query!(
        r#"select e.id as "id!", e.line as "line!", e.source as "source!", e.persons, e.damaged, e.destroyed, e.centavos, e.inspection_id,
               i.number as "inspection?", e.counted_at, e.declaration_id, e.because as "because!", e.at as "at!", e.actor as "actor!"
           from damage_entry_standing e left join inspection i on i.id = e.inspection_id
           where e.disaster_id = $1 order by e.at, e.id"#,
        disaster
    )
    .fetch_all(conn)
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(Entry {
            id: row.id,
            line: row.line.parse().map_err(decode)?,
            source: row.source.parse().map_err(decode)?,
            amount: Amount {
                persons: row.persons,
                damaged: row.damaged,
                destroyed: row.destroyed,
                centavos: row.centavos,
            },
            inspection_id: row.inspection_id,
            inspection: row.inspection,
            counted_at: row.counted_at,
            declaration_id: row.declaration_id,
            because: row.because,
            at: row.at,
            by: row.actor,
        });
    }
    Ok(entries)
}

/// An entry to make.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub line: Line,
    pub source: Source,
    pub amount: Amount,
    pub inspection: Option<Uuid>,
    pub counted_at: Option<Instant>,
    pub declaration: Option<Uuid>,
    pub because: &'a str,
}

pub async fn insert(
    conn: &mut PgConnection,
    disaster: Uuid,
    new: &New<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into damage_entry (id, disaster_id, line, part, source, persons, damaged, destroyed, centavos, inspection_id, counted_at,
             declaration_id, because, at, actor)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        new.id,
        disaster,
        new.line.as_str(),
        new.line.part().as_str(),
        new.source.as_str(),
        new.amount.persons,
        new.amount.damaged,
        new.amount.destroyed,
        new.amount.centavos,
        new.inspection,
        new.counted_at,
        new.declaration,
        new.because,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end(
    conn: &mut PgConnection,
    (disaster, entry): (Uuid, Uuid),
    (now, by): (Instant, &str),
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into damage_entry_end (entry_id, disaster_id, at, actor, reason) values ($1, $2, $3, $4, $5)",
        entry,
        disaster,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An entry that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DamageEntryEnd)]
pub struct Ended {
    pub entry_id: Uuid,
    pub line: String,
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub reason: String,
}

/// What was taken back, the newest first, at most 200.
pub async fn ended(conn: &mut PgConnection, disaster: Uuid) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        "select d.entry_id, e.line, d.at, d.actor, d.reason from damage_entry_end d join damage_entry e on e.id = d.entry_id
         where d.disaster_id = $1 order by d.at desc, d.entry_id limit 200",
        disaster
    )
    .fetch_all(conn)
    .await
}
