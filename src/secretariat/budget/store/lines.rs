//! Lines of an LOA.

use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::secretariat::budget::lines::{ExpenseLine, RevenueLine};
use crate::secretariat::kernel::money::Centavos;

/// As they were proposed, in the order of their keys; of one unit, or of all.
pub async fn expense(conn: &mut PgConnection, bill: Uuid, unit: Option<&str>) -> sqlx::Result<Vec<ExpenseLine>> {
    let rows = sqlx::query!(
        "select key, sphere, amount, words from budget_line where bill_id = $1 and ($2::text is null or unit = $2) order by key collate \"C\"",
        bill,
        unit
    )
    .fetch_all(conn)
    .await?;
    let line = |row: (String, String, i64, String)| {
        let (key, sphere) = (row.0.parse().map_err(decode)?, row.1.parse().map_err(decode)?);
        Ok(ExpenseLine { key, sphere, amount: Centavos(row.2), words: row.3 })
    };
    rows.into_iter().map(|row| line((row.key, row.sphere, row.amount, row.words))).collect()
}

/// Puts the lines of a unit in the place of those it had.
pub async fn replace(conn: &mut PgConnection, (bill, unit): (Uuid, &str), lines: &[ExpenseLine]) -> sqlx::Result<()> {
    sqlx::query!("delete from budget_line where bill_id = $1 and unit = $2", bill, unit).execute(&mut *conn).await?;
    let (mut keys, mut spheres, mut amounts, mut words) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        keys.push(line.key.to_string());
        spheres.push(line.sphere.to_string());
        amounts.push(line.amount.0);
        words.push(line.words.clone());
    }
    sqlx::query!(
        "insert into budget_line (bill_id, unit, key, sphere, amount, words)
         select $1, $2, key, sphere, amount, words from unnest($3::text[], $4::text[], $5::bigint[], $6::text[]) as l (key, sphere, amount, words)",
        bill,
        unit,
        &keys,
        &spheres,
        &amounts,
        &words
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn count(conn: &mut PgConnection, bill: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "n!" from budget_line where bill_id = $1"#, bill).fetch_one(conn).await
}

pub async fn revenue(conn: &mut PgConnection, bill: Uuid) -> sqlx::Result<Vec<RevenueLine>> {
    let rows = sqlx::query!(
        "select nature, source, sphere, amount, words from budget_revenue where bill_id = $1 order by nature collate \"C\", source collate \"C\"",
        bill
    )
    .fetch_all(conn)
    .await?;
    let line = |nature, source, sphere: String, amount, words| {
        Ok(RevenueLine { nature, source, sphere: sphere.parse().map_err(decode)?, amount: Centavos(amount), words })
    };
    rows.into_iter().map(|row| line(row.nature, row.source, row.sphere, row.amount, row.words)).collect()
}

/// Puts lines in the place of all there were.
pub async fn replace_revenue(conn: &mut PgConnection, bill: Uuid, lines: &[RevenueLine]) -> sqlx::Result<()> {
    sqlx::query!("delete from budget_revenue where bill_id = $1", bill).execute(&mut *conn).await?;
    for line in lines {
        sqlx::query!(
            "insert into budget_revenue (bill_id, nature, source, sphere, amount, words) values ($1, $2, $3, $4, $5, $6)",
            bill,
            line.nature,
            line.source,
            line.sphere.as_str(),
            line.amount.0,
            line.words
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
