//! Series of numbers of cases, as their table holds them under `case:PREFIX`.

use sqlx::PgConnection;

/// The last number of each series in some years.
pub async fn last(conn: &mut PgConnection, years: &[i32]) -> sqlx::Result<Vec<(String, i32, i32)>> {
    let rows = sqlx::query!(
        "select series, year, last_number from number_series where series like 'case:%' and year = any($1) order by series, year",
        years
    )
    .fetch_all(conn)
    .await?;
    let prefix = |series: String| series.strip_prefix("case:").unwrap_or_default().to_owned();
    Ok(rows.into_iter().map(|row| (prefix(row.series), row.year, row.last_number)).collect())
}

/// Whether a case has a number of it.
pub async fn is_used(conn: &mut PgConnection, prefix: &str, year: i32) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from case_file where series = $1 and year = $2) as "used!""#,
        prefix,
        year
    )
    .fetch_one(conn)
    .await
}

/// Sets the last number. Whoever takes the next one waits until the transaction ends.
pub async fn set_last(conn: &mut PgConnection, prefix: &str, year: i32, last: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into number_series (series, year, last_number) values ($1, $2, $3)
         on conflict (series, year) do update set last_number = excluded.last_number",
        format!("case:{prefix}"),
        year,
        last
    )
    .execute(conn)
    .await?;
    Ok(())
}
