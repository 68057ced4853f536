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

/// Cases in which an act was done.
pub(super) async fn by_act(conn: &mut PgConnection, type_key: &str, year: i32) -> sqlx::Result<Vec<Count>> {
    let acts: Vec<String> = super::ACTS.iter().map(|act| (*act).to_owned()).collect();
    sqlx::query_as!(
        Count,
        r#"select a.act as "key!", count(distinct a.case_id) as "count!" from case_act a join case_file c on c.id = a.case_id
           where c.type_key = $1 and c.annulled_at is null and c.year = $2 and c.counted_year = $2 and a.act = any($3) group by a.act order by a.act"#,
        type_key,
        year,
        &acts[..]
    )
    .fetch_all(conn)
    .await
}

/// How many were answered, and the days it took on average.
pub(super) async fn answers(conn: &mut PgConnection, type_key: &str, year: i32) -> sqlx::Result<(i64, Option<f64>)> {
    let told = sqlx::query!(
        r#"select count(*) as "count!", avg(extract(epoch from (a.at - c.opened_at)) / 86400)::float8 as days
           from case_file c join case_act a on a.case_id = c.id and a.act = 'answer'
           where c.type_key = $1 and c.annulled_at is null and c.year = $2 and c.counted_year = $2"#,
        type_key,
        year
    )
    .fetch_one(conn)
    .await?;
    Ok((told.count, told.days))
}
