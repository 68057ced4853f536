//! What was executed of an LOA.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::secretariat::budget::execution::{Entry, Executed, Id, Mapping};
use crate::secretariat::budget::table::Bad;
use crate::secretariat::kernel::money::Centavos;

/// Bad rows that an import keeps.
pub const MOST_BAD: usize = 200;
/// Rows on one page.
pub const PAGE: i64 = 100;

const fn executed(committed: i64, annulled: i64, settled: i64, paid: i64) -> Executed {
    Executed {
        committed: Centavos(committed),
        annulled: Centavos(annulled),
        settled: Centavos(settled),
        paid: Centavos(paid),
    }
}

/// The sums by line.
pub async fn sums(conn: &mut PgConnection, bill: Uuid) -> sqlx::Result<BTreeMap<String, Executed>> {
    let rows =
        sqlx::query!("select key, committed, annulled, settled, paid from budget_executed where bill_id = $1", bill)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|row| (row.key, executed(row.committed, row.annulled, row.settled, row.paid))).collect())
}

/// Which of these rows are there already.
pub async fn known(conn: &mut PgConnection, bill: Uuid, entries: &[Entry]) -> sqlx::Result<BTreeMap<Id, Executed>> {
    let (mut keys, mut days, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    for one in entries {
        let (day, key, document) = one.id();
        keys.push(key);
        days.push(day);
        documents.push(document);
    }
    let rows = sqlx::query!(
        "select e.key, e.day, e.document, e.committed, e.annulled, e.settled, e.paid
         from unnest($2::text[], $3::date[], $4::text[]) as w (key, day, document)
         join budget_execution e on e.bill_id = $1 and e.key = w.key and e.day = w.day and e.document = w.document",
        bill,
        &keys,
        &days,
        &documents
    )
    .fetch_all(conn)
    .await?;
    let known = rows
        .into_iter()
        .map(|row| ((row.day, row.key, row.document), executed(row.committed, row.annulled, row.settled, row.paid)));
    Ok(known.collect())
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetImport)]
pub struct Import {
    pub id: Uuid,
    pub good: i32,
    /// Rows that were there already.
    pub known: i32,
    pub bad_count: i32,
    /// The first of them.
    pub bad: Vec<Bad>,
    #[schema(value_type = String)]
    pub at: Instant,
    pub by: String,
}

pub async fn insert_import(
    conn: &mut PgConnection,
    (bill, import): (Uuid, &Import),
    (sha256, mapping): (&[u8], &Mapping),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_import (id, bill_id, sha256, mapping, good, known, bad, bad_count, at, by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        import.id,
        bill,
        sha256,
        Json(mapping) as _,
        import.good,
        import.known,
        Json(&import.bad) as _,
        import.bad_count,
        import.at,
        import.by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rows, and the sums with them.
pub async fn insert(conn: &mut PgConnection, (bill, import): (Uuid, Uuid), entries: &[Entry]) -> sqlx::Result<()> {
    let (mut keys, mut days, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    let mut amounts: [Vec<i64>; 4] = Default::default();
    for one in entries {
        let (day, key, document) = one.id();
        keys.push(key);
        days.push(day);
        documents.push(document);
        let of = one.executed;
        for (list, amount) in amounts.iter_mut().zip([of.committed, of.annulled, of.settled, of.paid]) {
            list.push(amount.0);
        }
    }
    let [committed, annulled, settled, paid] = amounts;
    sqlx::query!(
        "insert into budget_execution (bill_id, import_id, key, day, document, committed, annulled, settled, paid)
         select $1, $2, r.* from unnest($3::text[], $4::date[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) as r",
        bill,
        import,
        &keys,
        &days,
        &documents,
        &committed,
        &annulled,
        &settled,
        &paid
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into budget_executed (bill_id, key, committed, annulled, settled, paid)
         select $1, key, sum(committed)::bigint, sum(annulled)::bigint, sum(settled)::bigint, sum(paid)::bigint
         from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) as r (key, committed, annulled, settled, paid)
         group by key
         on conflict (bill_id, key) do update set committed = budget_executed.committed + excluded.committed,
             annulled = budget_executed.annulled + excluded.annulled, settled = budget_executed.settled + excluded.settled,
             paid = budget_executed.paid + excluded.paid",
        bill,
        &keys,
        &committed,
        &annulled,
        &settled,
        &paid
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest first.
pub async fn imports(conn: &mut PgConnection, bill: Uuid) -> sqlx::Result<Vec<Import>> {
    let rows = sqlx::query!(
        r#"select id, good, known, bad_count, bad as "bad: Json<Vec<Bad>>", at, by from budget_import where bill_id = $1
           order by at desc, id limit 50"#,
        bill
    )
    .fetch_all(conn)
    .await?;
    let import = rows.into_iter().map(|row| Import {
        id: row.id,
        good: row.good,
        known: row.known,
        bad_count: row.bad_count,
        bad: row.bad.0,
        at: row.at,
        by: row.by,
    });
    Ok(import.collect())
}

/// The rows of a line in their order, after a day and document.
pub async fn rows(
    conn: &mut PgConnection,
    (bill, key): (Uuid, &str),
    after: Option<(chrono::NaiveDate, &str)>,
) -> sqlx::Result<Vec<Entry>> {
    let (day, document) = after.unzip();
    let rows = sqlx::query!(
        "select day, document, committed, annulled, settled, paid from budget_execution
         where bill_id = $1 and key = $2 and ($3::date is null or (day, document) > ($3, $4)) order by day, document limit $5",
        bill,
        key,
        day,
        document,
        PAGE
    )
    .fetch_all(conn)
    .await?;
    let key: crate::secretariat::budget::key::ExpenseKey = key.parse().map_err(decode)?;
    let entry = rows.into_iter().map(|row| Entry {
        day: row.day,
        key: key.clone(),
        document: row.document,
        executed: executed(row.committed, row.annulled, row.settled, row.paid),
    });
    Ok(entry.collect())
}
