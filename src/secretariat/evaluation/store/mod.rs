//! Services, questionnaires, rounds, answers and reports in PostgreSQL.

mod answers;
mod letters;
mod reports;
mod rounds;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Kept, Service, ServiceGiven, Sphere};
use crate::clock::Instant;

pub use answers::{insert_response, of_code, spend_code, spend_stamp, tallies};
pub use letters::{
    Waiting, check_comment, comments, due_letters, erase_letters, hold_letters, insert_comment, insert_letter,
    take_letters, waiting,
};
pub use reports::{
    NewReport, improvements, insert_count, insert_report, last_report, manifestations, report_heads, reports,
};
pub use rounds::{OpenRound, asked_in, codes, counted, insert_codes, insert_round, of_round, open_rounds, rounds};

/// Rows of a list.
pub const MOST: i64 = 500;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Nobody else opens a round or publishes a report of this year until the transaction ends.
pub async fn hold_year(conn: &mut PgConnection, year: i32) -> sqlx::Result<()> {
    let door = format!("evaluation {year}");
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", door).fetch_one(conn).await?;
    Ok(())
}

struct ServiceRow {
    id: Uuid,
    code: String,
    name: String,
    sphere: String,
    unit: String,
    department: String,
    ended_on: Option<NaiveDate>,
    revision: i32,
}

impl TryFrom<ServiceRow> for Service {
    type Error = sqlx::Error;

    fn try_from(row: ServiceRow) -> sqlx::Result<Self> {
        let what = ServiceGiven {
            sphere: row.sphere.parse().map_err(decode)?,
            code: row.code,
            name: row.name,
            unit: row.unit,
            department: row.department,
            ended_on: row.ended_on,
        };
        Ok(Self { id: row.id, what, revision: row.revision })
    }
}

/// Services by code, those behind `after`.
pub async fn services(conn: &mut PgConnection, after: &str, most: i64) -> sqlx::Result<Vec<Service>> {
    let rows = sqlx::query_as!(
        ServiceRow,
        "select id, code, name, sphere, unit, department, ended_on, revision from evaluation_service where code > $1
         order by code limit $2",
        after,
        most
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Service::try_from).collect()
}

/// Which services.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those behind this code.
    pub after: String,
    /// Words of code, name, unit or department, accents or not; empty: all.
    pub words: String,
    pub sphere: Option<Sphere>,
    /// Rendered on a day, or not any more.
    pub is_current: Option<(bool, NaiveDate)>,
}

/// Those that are wanted, by code.
pub async fn find_services(conn: &mut PgConnection, (wanted, most): (&Wanted, i64)) -> sqlx::Result<Vec<Service>> {
    let (is_current, day) = wanted.is_current.unzip();
    let rows = sqlx::query_as!(
        ServiceRow,
        "select id, code, name, sphere, unit, department, ended_on, revision from evaluation_service
         where code > $1 and has_words(concat_ws(' ', code, name, unit, department), $3) and ($4::text is null or sphere = $4)
           and ($5::bool is null or (ended_on is null or ended_on >= $6) = $5)
         order by code limit $2",
        wanted.after,
        most,
        wanted.words,
        wanted.sphere.map(Sphere::as_str),
        is_current,
        day
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Service::try_from).collect()
}

/// The service of a code, held until the transaction ends.
pub async fn service(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Service>> {
    let row = sqlx::query_as!(
        ServiceRow,
        "select id, code, name, sphere, unit, department, ended_on, revision from evaluation_service where code = $1 for update",
        code
    )
    .fetch_optional(conn)
    .await?;
    row.map(Service::try_from).transpose()
}

/// Whether the list has a service of this code.
pub async fn has_service(conn: &mut PgConnection, code: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from evaluation_service where code = $1) as "is_there!""#, code)
        .fetch_one(conn)
        .await
}

/// Writes a service down, or changes what is known of it.
pub async fn save_service(conn: &mut PgConnection, id: Uuid, new: &ServiceGiven, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_service (id, code, name, sphere, unit, department, ended_on, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (id) do update set name = excluded.name, sphere = excluded.sphere, unit = excluded.unit,
             department = excluded.department, ended_on = excluded.ended_on, changed_at = excluded.changed_at,
             revision = evaluation_service.revision + 1",
        id,
        new.code,
        new.name.trim(),
        new.sphere.as_str(),
        new.unit.trim(),
        new.department.trim(),
        new.ended_on,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All versions by key and number, or those of one key.
pub async fn forms(conn: &mut PgConnection, key: Option<&str>) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select key, version, text, saved_by, (used_at is not null) as "is_used!" from evaluation_form
           where $1::text is null or key = $1 order by key, version limit $2"#,
        key,
        MOST
    )
    .fetch_all(conn)
    .await
}

pub async fn form(conn: &mut PgConnection, key: &str, version: i32) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select key, version, text, saved_by, (used_at is not null) as "is_used!" from evaluation_form
           where key = $1 and version = $2"#,
        key,
        version
    )
    .fetch_optional(conn)
    .await
}

/// Keeps a version; one that nobody used yet is written anew.
pub async fn save_form(
    conn: &mut PgConnection,
    (key, version, text): (&str, i32, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_form (key, version, text, saved_at, saved_by) values ($1, $2, $3, $4, $5)
         on conflict (key, version) do update set text = excluded.text, saved_at = excluded.saved_at, saved_by = excluded.saved_by",
        key,
        version,
        text,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// From now on it is never changed.
pub async fn use_form(conn: &mut PgConnection, key: &str, version: i32, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update evaluation_form set used_at = $3 where key = $1 and version = $2 and used_at is null",
        key,
        version,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
