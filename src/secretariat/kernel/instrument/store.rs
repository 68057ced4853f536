//! Instruments in PostgreSQL: the row here, and beside it its acts, money, documents, lists, what is public, and all of many at once.

mod acts;
mod documents;
mod lists;
mod money;
mod published;
mod whole;

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Kept, Late, SUBJECT};
use crate::clock::Instant;
use crate::secretariat::kernel::chain::sum;

pub use acts::{DoneAct, acts, keep_act, restore_act};
pub use documents::{Document, NewDocument, add_document, document, documents, open_document};
pub use lists::{Listed, Overdue, Sums, Wanted, list, overdue, states, sums};
pub use money::{keep_money, ledger};
pub use published::{Cause, PublicVersion, Told, publish, published, restore_versions, versions, withdraw};
pub use whole::{Past, Trace, past, trace};

/// Rows of a page.
pub const PAGE: i64 = 50;
/// Rows of an export or a report.
pub const MOST: i64 = 20_000;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// What an instrument is and whether it is over, whatever its module.
pub struct Stand {
    pub module: String,
    pub kind: String,
    pub is_final: bool,
}

pub async fn stand(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Stand>> {
    sqlx::query_as!(Stand, "select module, kind, is_final from instrument where id = $1", id).fetch_optional(conn).await
}

/// A row with its document.
#[derive(Clone, Debug)]
pub struct Row<K> {
    pub id: Uuid,
    /// "2026/001", or empty.
    pub number: String,
    pub revision: i32,
    pub opened_at: Instant,
    pub opened_by: String,
    pub changed_at: Instant,
    pub kept_until: Option<NaiveDate>,
    pub what: K,
    /// Of the document as it lies there, in hexadecimal.
    pub document_hash: String,
}

/// "2026/001"
pub fn number_of(year: Option<i32>, number: Option<i32>) -> String {
    year.zip(number).map(|(year, number)| format!("{year}/{number:03}")).unwrap_or_default()
}

pub async fn insert<K: Kept>(
    conn: &mut PgConnection,
    id: Uuid,
    what: &K,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    let index = what.index();
    sqlx::query!(
        "insert into instrument (id, module, kind, outside_key, title, partner, partner_document, state, is_final, starts_on, ends_on,
             agreed_centavos, document, opened_at, opened_by, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $14)",
        id,
        K::MODULE,
        what.kind(),
        what.outside_key(),
        index.title,
        index.partner,
        index.partner_document,
        what.state(),
        what.is_final(),
        index.starts_on,
        index.ends_on,
        index.agreed.0,
        Json(what) as _,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The row, and nobody else changes it until the transaction ends.
pub async fn lock<K: Kept>(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Row<K>>> {
    sqlx::query!("select id from instrument where id = $1 and module = $2 for update", id, K::MODULE)
        .fetch_optional(&mut *conn)
        .await?;
    load(conn, id).await
}

pub async fn load<K: Kept>(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Row<K>>> {
    let row = sqlx::query!(
        r#"select id, year, number, revision, opened_at, opened_by, changed_at, kept_until, document as "document: Json<Value>"
           from instrument where id = $1 and module = $2"#,
        id,
        K::MODULE
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let document_hash = sum(&row.document.0);
    let mut what: K = serde_json::from_value(row.document.0).map_err(decode)?;
    what.set_ledger(ledger(conn, id).await?);
    Ok(Some(Row {
        id: row.id,
        number: number_of(row.year, row.number),
        revision: row.revision,
        opened_at: row.opened_at,
        opened_by: row.opened_by,
        changed_at: row.changed_at,
        kept_until: row.kept_until,
        what,
        document_hash,
    }))
}

pub async fn by_outside_key(conn: &mut PgConnection, module: &str, key: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from instrument where module = $1 and outside_key = $2", module, key)
        .fetch_optional(conn)
        .await
}

pub async fn save<K: Kept>(
    conn: &mut PgConnection,
    id: Uuid,
    what: &K,
    now: Instant,
    kept_until: Option<NaiveDate>,
) -> sqlx::Result<()> {
    let index = what.index();
    sqlx::query!(
        "update instrument set title = $2, partner = $3, partner_document = $4, state = $5, is_final = $6, starts_on = $7, ends_on = $8,
             agreed_centavos = $9, document = $10, changed_at = $11, revision = revision + 1, kept_until = coalesce($12, kept_until)
         where id = $1",
        id,
        index.title,
        index.partner,
        index.partner_document,
        what.state(),
        what.is_final(),
        index.starts_on,
        index.ends_on,
        index.agreed.0,
        Json(what) as _,
        now,
        kept_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_number(
    conn: &mut PgConnection,
    id: Uuid,
    series: &str,
    (year, number): (i32, i32),
) -> sqlx::Result<()> {
    sqlx::query!("update instrument set series = $2, year = $3, number = $4 where id = $1", id, series, year, number)
        .execute(conn)
        .await?;
    Ok(())
}

/// The series begins no lower than a number that came from a file.
pub async fn raise_series(conn: &mut PgConnection, series: &str, (year, number): (i32, i32)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into number_series (series, year, last_number) values ($1, $2, $3)
         on conflict (series, year) do update set last_number = greatest(number_series.last_number, excluded.last_number)",
        series,
        year,
        number
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What of an instrument's deadlines has run out.
pub async fn late(conn: &mut PgConnection, id: Uuid, today: NaiveDate) -> sqlx::Result<Vec<Late>> {
    let rows = sqlx::query!(
        r#"select code, law_ref, due_on as "due_on!" from deadline
           where subject_kind = $1 and subject_id = $2 and state = 'open' and due_on < $3 order by due_on, code"#,
        SUBJECT,
        id,
        today
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Late { code: row.code, law_ref: row.law_ref, due_on: row.due_on }).collect())
}

/// Number or title of another instrument of the same partner with one of these deadlines late.
pub async fn late_elsewhere(
    conn: &mut PgConnection,
    id: Option<Uuid>,
    (module, partner_document): (&str, &str),
    codes: &[String],
    today: NaiveDate,
) -> sqlx::Result<Option<String>> {
    if partner_document.is_empty() || codes.is_empty() {
        return Ok(None);
    }
    let row = sqlx::query!(
        "select i.year, i.number, i.title from instrument i join deadline d on d.subject_kind = $1 and d.subject_id = i.id
         where i.partner_document = $2 and i.module = $3 and ($4::uuid is null or i.id <> $4) and d.state = 'open' and d.due_on < $5
             and d.code = any($6) order by i.id limit 1",
        SUBJECT,
        partner_document,
        module,
        id,
        today,
        codes
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| if row.number.is_some() { number_of(row.year, row.number) } else { row.title }))
}

/// Ids of a module in the order of opening, for exports.
pub async fn ids(conn: &mut PgConnection, module: &str) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from instrument where module = $1 order by id limit $2", module, MOST)
        .fetch_all(conn)
        .await
}

/// Ids of a module's instruments that have not ended, in the order of opening.
pub async fn open_ids(conn: &mut PgConnection, module: &str) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from instrument where module = $1 and not is_final order by id limit $2",
        module,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// After a file was read: its document as the file has it, when it changed last, and until when it is kept.
pub async fn restore_rest(
    conn: &mut PgConnection,
    id: Uuid,
    document: &Value,
    (changed_at, kept_until): (Instant, Option<NaiveDate>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update instrument set document = $2, changed_at = $3, kept_until = $4 where id = $1",
        id,
        document,
        changed_at,
        kept_until
    )
    .execute(conn)
    .await?;
    Ok(())
}
