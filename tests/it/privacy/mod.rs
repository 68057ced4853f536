//! Keys, the vault, consent, the residents' own page, retention, and what never reaches a log.

mod keys;
mod logs;
mod own_page;
mod retention;
mod vault;

use crate::support::TestDb;

/// Every row of every table as a superuser's dump has it.
async fn dump(db: &TestDb) -> String {
    let mut owner = db.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
            and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut all = String::new();
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, E'\\n'), '') from {table} t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut owner).await.unwrap();
        all.push_str(&rows);
    }
    all
}
