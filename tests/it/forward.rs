//! Migrations on rows of every age. An empty database goes through one migration after the other, and after each it is given rows as the
//! service of that time wrote them (`tests/data/forward/`, a file by the prefix of the migration that it follows). So at the end the rows of
//! every age have gone through all migrations that came later. CONTRIBUTING.md says what whoever adds a migration adds here.

mod carried;
mod served;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sentinela::db::MIGRATOR;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::{self, TestDb};

/// Tables that need no row, each with its reason.
const WITHOUT_ROWS: &[(&str, &str)] = &[];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/forward")
}

/// What is inserted after which migration.
fn rows() -> BTreeMap<i64, String> {
    let mut rows = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let prefix = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<i64>().ok());
        let version = prefix.filter(|version| MIGRATOR.version_exists(*version));
        let Some(version) = version else { panic!("{} follows no migration: no prefix is this one", path.display()) };
        rows.insert(version, std::fs::read_to_string(&path).unwrap());
    }
    rows
}

/// An error of the database with the row and the constraint it speaks of.
fn told(error: &sqlx::Error) -> String {
    let known = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    let Some(known) = known else { return error.to_string() };
    let more = [
        ("detail", known.detail()),
        ("table", known.table()),
        ("constraint", known.constraint()),
        ("where", known.r#where()),
    ];
    let more = more.into_iter().filter_map(|(name, value)| value.map(|value| format!("\n{name}: {value}")));
    format!("{error}{}", more.collect::<String>())
}

/// Tables of ours, without the partitions of the journal.
async fn tables(conn: &mut PgConnection) -> BTreeSet<String> {
    let sql = "select c.relname::text from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')";
    sqlx::query_scalar::<_, String>(sql).fetch_all(conn).await.unwrap().into_iter().collect()
}

async fn has_rows(conn: &mut PgConnection, table: &str) -> bool {
    let sql = format!("select exists (select from public.\"{table}\")");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(conn).await.unwrap()
}

/// A database that went through every migration with rows of every age, and what is missing on the way: a sentence for each table that was
/// made and given no row.
async fn walk() -> (TestDb, Vec<String>) {
    let db = support::empty_db().await;
    let mut conn = db.owner().await;
    let (rows, mut known, mut missing) = (rows(), BTreeSet::new(), Vec::new());
    for migration in MIGRATOR.iter() {
        let (version, name) = (migration.version, &migration.description);
        if let Err(error) = MIGRATOR.run_to(version, &mut conn).await {
            let why = match &error {
                MigrateError::ExecuteMigration(error, _) | MigrateError::Execute(error) => told(error),
                other => other.to_string(),
            };
            panic!("migration {version} ({name}) fails on the rows of tests/data/forward/ up to here: {why}");
        }
        if let Some(sql) = rows.get(&version) {
            let inserted = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut conn).await;
            if let Err(error) = inserted {
                panic!(
                    "tests/data/forward/{version}.sql is refused by the schema after {version} ({name}): {}",
                    told(&error)
                );
            }
        }
        let there = tables(&mut conn).await;
        for table in there.difference(&known) {
            let needs_none = WITHOUT_ROWS.iter().any(|(named, _)| *named == table.as_str());
            if !needs_none && !has_rows(&mut conn, table).await {
                missing.push(format!(
                    "the table {table} of migration {version} ({name}) is given no row: write one into tests/data/forward/{version}.sql"
                ));
            }
        }
        known = there;
    }
    sentinela::db::open::grant(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    (db, missing)
}

/// What the schema is, line by line.
async fn schema(db: &TestDb) -> BTreeSet<String> {
    let mut conn = db.owner().await;
    let lines: Vec<String> = sqlx::query_scalar(include_str!("forward/schema.sql")).fetch_all(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    lines.into_iter().collect()
}

/// What only one of two schemas has.
fn difference(walked: &BTreeSet<String>, fresh: &BTreeSet<String>) -> Vec<String> {
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>, whose: &str| {
        one.difference(other).map(|line| format!("only {whose}: {line}")).collect::<Vec<_>>()
    };
    [only(walked, fresh, "after the walk"), only(fresh, walked, "in a fresh database")].concat()
}

#[tokio::test]
async fn rows_of_every_age_go_through_every_later_migration() {
    let (db, missing) = walk().await;
    assert!(missing.is_empty(), "{}", missing.join("\n"));

    let mut conn = db.owner().await;
    let mut empty = Vec::new();
    for table in tables(&mut conn).await {
        let needs_none = WITHOUT_ROWS.iter().any(|(named, _)| *named == table.as_str());
        if needs_none == has_rows(&mut conn, &table).await {
            empty.push(table);
        }
    }
    assert!(
        empty.is_empty(),
        "no row that was given to {} is left at the end (or it has one, and WITHOUT_ROWS says that it needs none)",
        empty.join(", ")
    );

    let (walked, fresh) = (schema(&db).await, schema(&support::db().await).await);
    assert!(walked.len() > 5000, "the catalogues tell of {} things only", walked.len());
    let differs = difference(&walked, &fresh);
    assert!(differs.is_empty(), "rows make another schema of the migrations:\n{}", differs.join("\n"));

    let amiss = carried::amiss(&mut conn).await;
    assert!(amiss.is_empty(), "{}", amiss.join("\n\n"));
    conn.close().await.unwrap();
}

/// Statements outside of functions that change rows. What stands within a function or a block is indented.
fn changes_rows(sql: &str) -> bool {
    let words = ["update ", "delete from ", "insert into ", "truncate ", "select chain_"];
    sql.lines().any(|line| words.iter().any(|word| line.starts_with(word)))
}

#[test]
fn what_a_migration_makes_of_rows_is_asked_for() {
    let forgotten: Vec<String> = MIGRATOR
        .iter()
        .filter(|migration| changes_rows(migration.sql.as_str()) && !carried::is_asked_for(migration.version))
        .map(|migration| format!("{} ({})", migration.version, migration.description))
        .collect();
    assert!(
        forgotten.is_empty(),
        "migrations that change rows, and no question of tests/it/forward/carried.rs says what they become: {}",
        forgotten.join(", ")
    );
    assert!(!changes_rows("create table a ();\n    update a set b = 1;"), "a function changes nothing by being made");
    assert!(changes_rows("alter table a add b text;\nupdate a set b = 'c';"));
}
