//! Counts of a year, read from the database.

use sqlx::PgConnection;

use crate::secretariat::kernel::store::figures::Count;

/// Twelve months, those without any too.
pub(super) async fn by_month(conn: &mut PgConnection, type_key: &str, year: i32, tz: &str) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as!(
        Count,
        r#"select to_char(m, 'FM00') as "key!", count(c.id) as "count!" from generate_series(1, 12) m
           left join case_file c on c.type_key = $1 and c.annulled_at is null and c.year = $2 and c.counted_year = $2
               and extract(month from c.opened_at at time zone $3)::int = m
           group by m order by m"#,
        type_key,
        year,
        tz
    )
    .fetch_all(conn)
    .await
}

/// An act that was done in some cases.
pub(super) struct Done {
    pub act: String,
    /// Cases in which it was done, and how often it was done in all of them.
    pub cases: i64,
    pub times: i64,
    /// From the opening to it, on average.
    pub days: Option<f64>,
}

/// What was done in the cases of a year.
pub(super) async fn by_act(
    conn: &mut PgConnection,
    type_key: &str,
    year: i32,
    acts: &[String],
) -> sqlx::Result<Vec<Done>> {
    sqlx::query_as!(
        Done,
        r#"with chosen as materialized (
               select id, opened_at from case_file where type_key = $1 and annulled_at is null and year = $2 and counted_year = $2)
           select a.act, count(distinct a.case_id) as "cases!", count(*) as "times!",
               avg(extract(epoch from (a.at - c.opened_at)) / 86400)::float8 as days
           from chosen c join case_act a on a.case_id = c.id where a.act = any($3) group by a.act order by a.act"#,
        type_key,
        year,
        acts
    )
    .fetch_all(conn)
    .await
}
