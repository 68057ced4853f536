//! Cases in PostgreSQL: the row here, and beside it its type, acts, documents and links, and what is read of many.

mod acts;
pub mod carried;
pub mod chains;
mod documents;
pub mod figures;
pub mod instruments;
mod links;
pub mod lists;
pub mod published;
pub mod recusals;
pub mod reminders;
pub mod series;
mod texts;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Annulled, CaseFile, Fields, ledger};
use crate::clock::Instant;

pub use acts::{acts, insert_act, keep_act};
pub use documents::{NewDocument, document, documents, insert_document};
pub use links::{above, below, facts, insert_link, links};
pub use texts::{keep_rules, keep_type, type_text};

/// Acts, documents and links of a case that a page shows.
pub const MOST: i64 = 500;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A case as the table holds it.
pub(super) struct Row {
    pub id: Uuid,
    pub type_key: String,
    pub type_version: i32,
    pub module: String,
    pub series: Option<String>,
    pub year: Option<i32>,
    pub number: Option<i32>,
    pub title: String,
    pub state: String,
    pub is_final: bool,
    pub waits_for: Option<String>,
    pub fields: Json<Fields>,
    pub department: String,
    pub assigned: String,
    pub access: String,
    pub author: String,
    pub source: String,
    pub code_hash: Option<Vec<u8>>,
    pub opened_at: Instant,
    pub changed_at: Instant,
    pub revision: i32,
    pub annulled_at: Option<Instant>,
    pub annulled_by: Option<String>,
    pub annulled_reason: Option<String>,
}

impl TryFrom<Row> for CaseFile {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let annulled = match (row.annulled_at, row.annulled_by, row.annulled_reason) {
            (Some(at), Some(by), Some(reason)) => Some(Annulled { at, by, reason }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            type_key: row.type_key,
            version: row.type_version,
            module: row.module,
            series: row.series,
            year: row.year,
            number: row.number,
            title: row.title,
            state: row.state,
            is_final: row.is_final,
            waits_for: row.waits_for.map(|word| word.parse()).transpose().map_err(decode)?,
            fields: row.fields.0,
            department: row.department,
            assigned: row.assigned,
            access: row.access.parse().map_err(decode)?,
            author: row.author,
            source: row.source.parse().map_err(decode)?,
            code_hash: row.code_hash,
            opened_at: row.opened_at,
            changed_at: row.changed_at,
            revision: row.revision,
            annulled,
        })
    }
}

/// One, as it stands; `held`: nobody else changes it until the transaction ends.
pub async fn load(conn: &mut PgConnection, id: Uuid, held: bool) -> sqlx::Result<Option<CaseFile>> {
    if held {
        sqlx::query!("select 1 as one from case_file where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    }
    let row = sqlx::query_as!(
        Row,
        r#"select id, type_key, type_version, module, series, year, number, title, state, is_final, waits_for,
               fields as "fields: Json<Fields>", department, assigned, access, author, source, code_hash, opened_at, changed_at,
               revision, annulled_at, annulled_by, annulled_reason
           from case_file where id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(CaseFile::try_from).transpose()
}

/// The case that somebody without an account follows by a code.
pub async fn by_code(conn: &mut PgConnection, code_hash: &[u8]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from case_file where code_hash = $1", code_hash).fetch_optional(conn).await
}

/// Nobody else looks for this code to make a case of it until the transaction ends.
pub async fn hold_code(conn: &mut PgConnection, code_hash: &[u8]) -> sqlx::Result<()> {
    let door = format!("case code {}", ledger::hex(code_hash));
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", door).fetch_one(conn).await?;
    Ok(())
}

/// The case of a number.
pub async fn by_number(conn: &mut PgConnection, series: &str, year: i32, number: i32) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from case_file where series = $1 and year = $2 and number = $3",
        series,
        year,
        number
    )
    .fetch_optional(conn)
    .await
}

/// Writes a new one with the words by which it is found; the year of its opening is the town's.
pub async fn insert(conn: &mut PgConnection, case: &CaseFile, words: &str, tz: chrono_tz::Tz) -> sqlx::Result<()> {
    let annulled = case.annulled.as_ref();
    let opened_year = chrono::Datelike::year(&case.opened_at.with_timezone(&tz));
    sqlx::query!(
        "insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, waits_for, fields,
             department, assigned, access, author, source, code_hash, opened_at, changed_at, revision, annulled_at, annulled_by,
             annulled_reason, words, opened_year)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
        case.id,
        case.type_key,
        case.version,
        case.module,
        case.series,
        case.year,
        case.number,
        case.title,
        case.state,
        case.is_final,
        case.waits_for.map(super::Waits::as_str),
        Json(&case.fields) as _,
        case.department,
        case.assigned,
        case.access.as_str(),
        case.author,
        case.source.as_str(),
        case.code_hash,
        case.opened_at,
        case.changed_at,
        case.revision,
        annulled.map(|why| why.at),
        annulled.map(|why| why.by.as_str()),
        annulled.map(|why| why.reason.as_str()),
        words,
        opened_year
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what an act changed, and the words by which it is found now.
pub async fn update(conn: &mut PgConnection, case: &CaseFile, words: &str) -> sqlx::Result<()> {
    let annulled = case.annulled.as_ref();
    sqlx::query!(
        "update case_file set series = $2, year = $3, number = $4, state = $5, is_final = $6, waits_for = $7, fields = $8, department = $9,
             assigned = $10, changed_at = $11, revision = $12, annulled_at = $13, annulled_by = $14, annulled_reason = $15, words = $16
         where id = $1",
        case.id,
        case.series,
        case.year,
        case.number,
        case.state,
        case.is_final,
        case.waits_for.map(super::Waits::as_str),
        Json(&case.fields) as _,
        case.department,
        case.assigned,
        case.changed_at,
        case.revision,
        annulled.map(|why| why.at),
        annulled.map(|why| why.by.as_str()),
        annulled.map(|why| why.reason.as_str()),
        words
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Cases of a type in one of these states whose deadline has run out, the longest ago first, without some.
pub async fn run_out(
    conn: &mut PgConnection,
    (type_key, code): (&str, &str),
    (states, without): (&[String], &[Uuid]),
    (now, most): (Instant, i64),
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select c.id from deadline d join case_file c on c.id = d.subject_id
         where d.subject_kind = 'case' and d.state = 'open' and d.code = $1 and d.due_at < $4
           and c.type_key = $2 and c.state = any($3) and c.annulled_at is null and c.id <> all($6)
         order by d.due_at, c.id limit $5",
        code,
        type_key,
        states,
        now,
        most,
        without
    )
    .fetch_all(conn)
    .await
}

/// Raises a series to a number that came in from outside.
pub async fn raise_series(conn: &mut PgConnection, series: &str, year: i32, number: i32) -> sqlx::Result<()> {
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
