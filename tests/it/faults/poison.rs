//! Family 6: one row that nobody can keep among a thousand.

use std::fmt::Write as _;

use chrono::TimeDelta;
use sentinela::clock::Clock;
use sqlx::{Executor as _, PgPool};

use super::accounts;
use super::devices::{Fleet, READINGS_A_MESSAGE, post};
use super::service::{Place, Service};
use crate::support::{self, Folder};

/// A thousand readings of the last thousand seconds; the one at `poison` has the value 7.
fn thousand(poison: i64) -> String {
    let now = Clock::System.now();
    let mut readings = String::new();
    for back in 0..1000 {
        let at = (now - TimeDelta::seconds(back)).format("%Y-%m-%dT%H:%M:%SZ");
        let value = if back == poison { "7" } else { "0.2" };
        let comma = if back == 0 { "" } else { "," };
        write!(readings, r#"{comma}{{"stream":"rain","at":"{at}","value":{value}}}"#).unwrap();
    }
    format!(r#"{{"id":"thousand","readings":[{readings}]}}"#)
}

/// How many readings of these messages are in the journal.
async fn rows_of(pool: &PgPool, ids: &[String]) -> i64 {
    sqlx::query_scalar("select count(*) from journal where message_id = any($1)")
        .bind(ids)
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_the_database_refuses_lies_in_quarantine_and_holds_back_none_of_a_thousand_nor_of_others() {
    let (db, folder) = (support::db().await, Folder::new());
    let fleet = Fleet::new(&db.pool).await;
    let place = Place::new(folder.path(), "");
    let service = Service::start(&db, &place, "").await;
    let mut owner = db.owner().await;
    owner
        .execute(
            "create function no_seven() returns trigger language plpgsql as $$ begin
                 if new.value = 7 then raise exception 'not this one' using errcode = 'check_violation'; end if;
                 return new; end $$;
             create trigger no_seven before insert on journal for each row execute function no_seven()",
        )
        .await
        .unwrap();
    let mut publishing = fleet.publish(place.mqtt);
    publishing.acked(20).await;
    let (status, body) = post(place.http, &thousand(617)).await.unwrap();
    assert_eq!(status, 200, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((answer["appended"].as_i64(), answer["quarantined"].as_i64()), (Some(999), Some(1)), "{answer}");
    publishing.acked_more(20).await;
    let fleet = publishing.stop().await;
    assert_eq!(rows_of(&db.pool, &["thousand".to_owned()]).await, 999);
    let acked: Vec<String> = fleet.ledger.acked().into_iter().collect();
    assert_eq!(rows_of(&db.pool, &acked).await, acked.len() as i64 * i64::from(READINGS_A_MESSAGE));
    let kept: Vec<(String, String)> =
        sqlx::query_as("select value, reason from quarantine").fetch_all(&db.pool).await.unwrap();
    assert!(
        matches!(kept.as_slice(), [(value, reason)] if value == "7" && reason.contains("not this one")),
        "{kept:?}"
    );
    accounts::settled(&db.pool).await;
    service.stop().await;
}
