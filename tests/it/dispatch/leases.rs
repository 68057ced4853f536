//! Workers that stop, and alerts that die.

use chrono::TimeDelta;
use sentinela::dispatch::decide::{Next, State};
use sentinela::dispatch::provider::{Provider, providers};
use sentinela::dispatch::store::claim::{self, Claimed, Ending};
use sentinela::dispatch::worker;
use uuid::Uuid;

use super::town::{INSIDE, Town};
use crate::support::{self, start_at};

fn sms_sink() -> Provider {
    providers(&support::config(&[])).remove(0)
}

fn accepted(row: &Claimed) -> Ending {
    let next = Next { state: State::Accepted, reason: String::new(), next_attempt_at: None };
    Ending { id: row.id, fence: row.fence, attempt: row.attempt, next, parts: Vec::new(), is_dead_address: false }
}

#[tokio::test]
async fn a_worker_that_slept_past_its_lease_is_refused_by_the_fence() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let mut sleeper = db.pool.acquire().await.unwrap();
    let provider = sms_sink();
    let lease = start_at() + TimeDelta::seconds(30);
    assert!(claim::hold(&mut sleeper, start_at(), &provider, Uuid::from_u128(1), lease, true).await.unwrap());
    let rows = claim::claim(&mut sleeper, start_at(), &provider, 10, lease).await.unwrap();
    assert_eq!(rows.len(), 1);
    // The other one stands by while the lease lasts, and takes over when it ends.
    let app = support::app(&db);
    app.clock.set(start_at() + TimeDelta::seconds(31));
    let running = tokio::spawn(worker::run(app.clone()));
    support::eventually("the second worker", || async {
        (town.states().await == ["+5532900000001 delivered"]).then_some(())
    })
    .await;
    let late: Vec<Ending> = rows.iter().map(accepted).collect();
    assert_eq!(claim::complete(&mut sleeper, start_at(), &provider.name, &late).await.unwrap().fenced, 1);
    assert_eq!(town.states().await, ["+5532900000001 delivered"]);
    assert!(claim::renew(&mut sleeper, &[rows[0].id.0], &[rows[0].fence], lease).await.unwrap().is_empty());
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
}

#[tokio::test]
async fn one_process_claims_for_a_provider_and_the_other_stands_by_until_the_lease_ends() {
    let db = support::db().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let provider = sms_sink();
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let at = |seconds: i64| start_at() + TimeDelta::seconds(seconds);
    assert!(claim::hold(&mut conn, at(0), &provider, one, at(30), true).await.unwrap());
    assert!(!claim::hold(&mut conn, at(29), &provider, other, at(59), true).await.unwrap());
    assert!(claim::hold(&mut conn, at(29), &provider, one, at(59), true).await.unwrap());
    assert!(claim::hold(&mut conn, at(60), &provider, other, at(90), true).await.unwrap());
    assert!(!claim::hold(&mut conn, at(61), &provider, one, at(91), true).await.unwrap());
}

#[tokio::test]
async fn what_an_alert_did_not_reach_in_its_life_expires() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let app = support::app(&db);
    app.clock.set(start_at() + TimeDelta::minutes(61));
    let running = tokio::spawn(worker::run(app.clone()));
    support::eventually("the end", || async { (town.states().await == ["+5532900000001 expired"]).then_some(()) })
        .await;
    assert_eq!(town.count("sink_message").await, 0);
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
}

#[tokio::test]
async fn a_try_that_ends_after_the_alert_was_answered_is_not_repeated() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let provider = sms_sink();
    let rows = claim::claim(&mut conn, start_at(), &provider, 10, start_at() + TimeDelta::seconds(30)).await.unwrap();
    sqlx::query("update alert set state = 'cancelled'").execute(&db.pool).await.unwrap();
    let next = Next { state: State::Pending, reason: "throttled".into(), next_attempt_at: Some(start_at()) };
    let ending = Ending { next, ..accepted(&rows[0]) };
    claim::complete(&mut conn, start_at(), &provider.name, &[ending]).await.unwrap();
    assert_eq!(town.rows().await, ["+5532900000001 suppressed inside cancelled"]);
}
