//! A large audience is written in steps, and what happens between two of them counts.

use sentinela::dispatch::outbox;
use sentinela::dispatch::store::spread;
use sentinela::ids::{AlertId, ResidentId};
use sentinela::residents::store::{channel, erase, own};
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use super::town::Town;
use crate::support::{self, TestDb, start_at};

/// 12,000 residents inside, of whom the last 1,000 share the telephones of the first.
async fn crowd(town: &Town<'_>) -> AlertId {
    town.db
        .pool
        .execute(
            "insert into resident (id, consent_at, consent_source, created_at)
            select lpad(to_hex(n), 32, '0')::uuid, now(), 'test', now() from generate_series(1, 12000) n;
        insert into resident_place (resident_id, geom, precision_m)
            select lpad(to_hex(n), 32, '0')::uuid, st_setsrid(st_makepoint(-43.405, -21.705), 4326), 10 from generate_series(1, 12000) n;
        insert into resident_channel (resident_id, kind, address, verified_at)
            select lpad(to_hex(n), 32, '0')::uuid, 'sms', '+55329' || lpad((case when n > 11000 then n - 1000 else n end)::text, 8, '0'), now()
            from generate_series(1, 12000) n;
        analyze",
        )
        .await
        .unwrap();
    let alert = town.alert("alert", None, 60).await;
    assert!(town.enqueue(alert).await.spreading);
    alert
}

async fn step(conn: &mut PgConnection) -> Option<bool> {
    spread::step(conn, start_at()).await.unwrap().map(|step| step.is_last)
}

async fn count(db: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap()
}

async fn word(db: &TestDb, resident: u128) -> String {
    sqlx::query_scalar("select trim(state || ' ' || reason) from outbox where resident_id = $1")
        .bind(Uuid::from_u128(resident))
        .fetch_optional(&db.pool)
        .await
        .unwrap()
        .unwrap_or_default()
}

async fn balanced(conn: &mut PgConnection, alert: AlertId) -> i64 {
    let accounts = outbox::audit(conn, start_at(), 30, alert).await.unwrap().unwrap();
    assert!(accounts.balance(), "{accounts:?}");
    accounts.promised
}

#[tokio::test]
async fn rows_can_leave_while_the_rest_of_a_large_audience_is_being_written() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = crowd(&town).await;
    let first = count(&db, "select count(*) from outbox_queue").await;
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(step(&mut conn).await, Some(false));
    let second = count(&db, "select count(*) from outbox_queue").await;
    assert!(first < second && second < 11_000, "{first}, {second}");
    assert!(!outbox::finished(&mut conn, alert).await.unwrap());
    while step(&mut conn).await == Some(false) {}
    assert_eq!(step(&mut conn).await, None);
    assert_eq!(count(&db, "select count(*) from outbox_queue").await, 11_000);
    assert_eq!(count(&db, "select count(*) from outbox where reason = 'duplicate_address'").await, 1000);
    assert_eq!(
        (balanced(&mut conn, alert).await, count(&db, "select count(*) from spread_recipient").await),
        (12_000, 0)
    );
}

#[tokio::test]
async fn who_says_no_between_two_steps_gets_nothing_and_who_shares_the_telephone_is_told_instead() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = crowd(&town).await;
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(step(&mut conn).await, Some(false));
    // None of these is written yet: the order is by resident.
    assert_eq!(word(&db, 10_500).await, "");
    own::stop_sending(&mut conn, start_at(), ResidentId(Uuid::from_u128(10_500))).await.unwrap();
    assert!(erase::erase(&mut conn, start_at(), ResidentId(Uuid::from_u128(10_501))).await.unwrap());
    channel::close(&mut conn, start_at(), ("sms", "+5532900010502"), ("sms", "1")).await.unwrap();
    while step(&mut conn).await == Some(false) {}
    let words = [word(&db, 10_500).await, word(&db, 11_500).await];
    assert_eq!(words, ["suppressed consent_withdrawn", "pending"]);
    // Who was erased has no row, nor an address anywhere; the telephone that wants nothing gets nothing.
    assert_eq!([word(&db, 10_501).await, word(&db, 11_501).await], ["", "pending"]);
    assert_eq!([word(&db, 10_502).await, word(&db, 11_502).await], ["suppressed opted_out", "suppressed opted_out"]);
    assert_eq!(balanced(&mut conn, alert).await, 11_999);
}

#[tokio::test]
async fn an_alert_that_is_answered_between_two_steps_is_written_no_further() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = crowd(&town).await;
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(step(&mut conn).await, Some(false));
    let before = count(&db, "select count(*) from outbox").await;
    sqlx::query("update alert set state = 'cancelled', ended_at = $1")
        .bind(start_at())
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!((step(&mut conn).await, step(&mut conn).await), (Some(true), None));
    assert_eq!(count(&db, "select count(*) from outbox").await, before);
    assert_eq!(
        (balanced(&mut conn, alert).await, count(&db, "select count(*) from spread_recipient").await),
        (before, 0)
    );
}

#[tokio::test]
async fn what_a_dead_server_forgot_of_an_audience_is_worked_out_again() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = crowd(&town).await;
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(step(&mut conn).await, Some(false));
    // As PostgreSQL leaves a table that is not logged.
    db.owner().await.execute("truncate spread_recipient").await.unwrap();
    while step(&mut conn).await == Some(false) {}
    assert_eq!(count(&db, "select count(*) from outbox_queue").await, 11_000);
    assert_eq!(balanced(&mut conn, alert).await, 12_000);
}
