//! Which receipts are looked at, when, and whom they are believed about.

use chrono::TimeDelta;
use sentinela::clock::Instant;
use sentinela::dispatch::decide::Fate;
use sentinela::dispatch::receipts::Receipt;
use sentinela::dispatch::store::receipt::{Incoming, keep, settle, settle_named};

use super::town::{INSIDE, Town};
use crate::support::{self, TestDb, start_at};

const PROVIDER: &str = "smpp:centre";

fn at(seconds: i64) -> Instant {
    start_at() + TimeDelta::seconds(seconds)
}

/// Messages that the centre took, with the ids 101, 102 and so on.
async fn accepted<'a>(db: &'a TestDb, phones: &[&str]) -> Town<'a> {
    let town = Town::new(db).await;
    for phone in phones {
        town.resident(INSIDE, 10, &[phone]).await;
    }
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query("update outbox set state = 'accepted'").execute(&db.pool).await.unwrap();
    sqlx::query(
        "insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome, provider_message_id)
        select id, 1, 1, $1, $2, 'accepted', (100 + row_number() over (order by address))::text from outbox",
    )
    .bind(start_at())
    .bind(PROVIDER)
    .execute(&db.pool)
    .await
    .unwrap();
    town
}

fn receipt(id: &str, from: &str, is_unmarked: bool) -> Incoming {
    let (message_id, error) = (id.to_owned(), String::new());
    let receipt = Receipt { message_id, fate: Fate::Delivered, error, is_dead: false, is_unmarked };
    Incoming { raw: Vec::new(), address: from.to_owned(), receipt: Some(receipt), words: String::new(), part: None }
}

#[tokio::test]
async fn a_receipt_that_only_its_words_tell_ends_nothing_of_another_telephone() {
    let db = support::db().await;
    let town = accepted(&db, &["+5532900000001", "+5532900000002", "+5532900000003"]).await;
    let mut conn = db.pool.acquire().await.unwrap();
    // The third resident writes three receipts; the centre of the second one marks its own, from a number of its own.
    let forged =
        [receipt("101", "5532900000003", true), receipt("101", "", true), receipt("103", "5532900000003", true)];
    keep(&mut conn, at(0), PROVIDER, &forged).await.unwrap();
    keep(&mut conn, at(0), PROVIDER, &[receipt("102", "40199", false)]).await.unwrap();
    for second in [1, 60] {
        settle(&mut conn, at(second), PROVIDER).await.unwrap();
    }
    assert_eq!(
        town.states().await,
        ["+5532900000001 accepted", "+5532900000002 delivered", "+5532900000003 delivered"]
    );
}

#[tokio::test]
async fn a_commit_looks_only_at_receipts_of_its_own_messages() {
    let db = support::db().await;
    let town = accepted(&db, &["+5532900000001", "+5532900000002"]).await;
    let mut conn = db.pool.acquire().await.unwrap();
    // The first is named in decimal, and was answered in hexadecimal.
    sqlx::query("update outbox_attempt set provider_message_id = '12ff' where provider_message_id = '101'")
        .execute(&db.pool)
        .await
        .unwrap();
    let came = [receipt("4863", "5532900000001", false), receipt("102", "5532900000002", false)];
    keep(&mut conn, at(0), PROVIDER, &came).await.unwrap();
    let moved = settle_named(&mut conn, at(0), PROVIDER, ["12ff", ""].into_iter()).await.unwrap();
    assert_eq!(moved.len(), 1);
    assert_eq!(town.states().await, ["+5532900000001 delivered", "+5532900000002 accepted"]);
    settle(&mut conn, at(2), PROVIDER).await.unwrap();
    assert_eq!(town.states().await, ["+5532900000001 delivered", "+5532900000002 delivered"]);
}
