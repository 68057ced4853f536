//! The harness itself: each test has its own migrated database.

use crate::support;

#[tokio::test]
async fn each_test_gets_a_migrated_database_of_its_own() {
    let first = support::db().await;
    let second = support::db().await;
    assert_ne!(first.name, second.name);

    let sql = "insert into number_series (series, year, last_number) values ('x', 2026, 1)";
    sqlx::query(sql).execute(&first.pool).await.unwrap();
    let count = "select count(*) from number_series";
    let in_first: i64 = sqlx::query_scalar(count).fetch_one(&first.pool).await.unwrap();
    let in_second: i64 = sqlx::query_scalar(count).fetch_one(&second.pool).await.unwrap();
    assert_eq!((in_first, in_second), (1, 0));
}

#[tokio::test]
async fn the_url_of_a_test_database_opens_that_database() {
    let db = support::db().await;
    let pool = sqlx::PgPool::connect(&db.url).await.unwrap();
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&pool).await.unwrap();
    assert_eq!(name, db.name);
    pool.close().await;
}

#[tokio::test]
async fn a_dropped_test_database_is_gone() {
    let db = support::db().await;
    let name = db.name.clone();
    drop(db);
    let other = support::db().await;
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&other.pool)
        .await
        .unwrap();
    assert!(!exists);
}

#[tokio::test]
async fn the_app_of_a_test_stands_at_a_fixed_instant() {
    let db = support::db().await;
    let app = support::app(&db);
    assert_eq!(app.clock.now(), support::start_at());
    let one: i32 = sqlx::query_scalar("select 1").fetch_one(&app.db.web).await.unwrap();
    assert_eq!(one, 1);
}
