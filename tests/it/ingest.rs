//! The journal, the committer and the HTTP door, on a real database.

use std::collections::HashSet;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::clock::{Clock, Instant};
use sentinela::ids::{DatastreamId, Seq};
use sentinela::ingest::{Accepted, IngestError, NewReading, Quarantined, Source, committer};
use sentinela::journal::{self, JournalRow, Outcome};
use sentinela::stations::device::secret_sha256;
use sentinela::stations::store::{self, NewDatastream, NewStation};
use sentinela::units::{Fixed, Quality, Quantity, StreamKind};
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::support::{self, TestDb, eventually, soon, start_at};

pub const SECRET: &str = "a-secret-of-a-gauge-in-a-test";

/// A station `code` with a rain gauge and a level sensor, and a device of the same code. Returns the stream of the rain.
pub async fn gauge(pool: &PgPool, code: &str) -> DatastreamId {
    let mut conn = pool.acquire().await.unwrap();
    let station = NewStation {
        code: code.into(),
        name: format!("Pluviômetro {code}"),
        lon: -43.35,
        lat: -21.76,
        elevation_m: None,
        source: "test".into(),
    };
    let (id, _) = store::upsert_station(&mut conn, start_at(), &station).await.unwrap();
    for (name, quantity) in [("rain", Quantity::Rain), ("level", Quantity::WaterLevel)] {
        let stream = NewDatastream {
            name: name.into(),
            quantity,
            unit: quantity.canonical_unit().into(),
            kind: StreamKind::IntervalSum,
            interval_s: Some(600),
            stale_after_s: 3600,
            counting: Default::default(),
            stages: Default::default(),
        };
        store::upsert_datastream(&mut conn, start_at(), id, &stream).await.unwrap();
    }
    store::upsert_device(&mut conn, start_at(), code, id, &secret_sha256(code, SECRET)).await.unwrap();
    let sql = "select id from datastream where station_id = $1 and name = 'rain'";
    DatastreamId(sqlx::query_scalar(sql).bind(id.0).fetch_one(&mut *conn).await.unwrap())
}

pub fn reading(stream: DatastreamId, message: &str, value: i64) -> NewReading {
    NewReading {
        datastream_id: stream,
        device_id: None,
        message_id: Some(message.into()),
        observed_at: start_at(),
        value: Fixed::from_whole(value),
        quality: Quality::Pass,
        quality_reason: String::new(),
        source: Source::Import,
    }
}

/// Everything in the journal, in commit order.
pub async fn rows(pool: &PgPool) -> Vec<JournalRow> {
    journal::read_after(&mut pool.acquire().await.unwrap(), Seq(0), 1_000_000).await.unwrap()
}

/// (field, value, device) of everything in quarantine.
pub async fn quarantine(pool: &PgPool) -> Vec<(String, String, Option<String>)> {
    sqlx::query_as("select field, value, device from quarantine order by id").fetch_all(pool).await.unwrap()
}

async fn append(db: &TestDb, readings: &[NewReading]) -> Vec<Outcome> {
    journal::append(&db.pool, &Clock::manual(start_at()), readings, &[]).await.unwrap()
}

#[tokio::test]
async fn a_known_reading_with_the_same_value_changes_nothing() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let batch = [reading(stream, "1", 3), reading(stream, "2", 4)];
    assert_eq!(append(&db, &batch).await, [Outcome::Appended, Outcome::Appended]);
    let before = rows(&db.pool).await;
    assert_eq!(append(&db, &batch).await, [Outcome::Duplicate, Outcome::Duplicate]);
    assert_eq!(rows(&db.pool).await, before);
}

#[tokio::test]
async fn a_known_reading_with_another_value_is_kept_beside_the_older_one() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    append(&db, &[reading(stream, "1", 3)]).await;
    let outcomes = append(&db, &[reading(stream, "1", 5), reading(stream, "2", 1)]).await;
    assert_eq!(outcomes, [Outcome::Revision, Outcome::Appended]);
    // The newest revision is what the next one is held against.
    assert_eq!(append(&db, &[reading(stream, "1", 5)]).await, [Outcome::Duplicate]);
    assert_eq!(append(&db, &[reading(stream, "1", 3)]).await, [Outcome::Revision]);
    let all = rows(&db.pool).await;
    let of_one: Vec<_> = all.iter().filter(|row| row.value != Fixed::from_whole(1)).collect();
    assert_eq!(of_one.iter().map(|row| row.value).collect::<Vec<_>>(), [3, 5, 3].map(Fixed::from_whole));
    assert_eq!(of_one[0].revises_seq, None);
    assert_eq!(of_one[1].revises_seq, Some(of_one[0].seq));
    assert_eq!(of_one[2].revises_seq, Some(of_one[1].seq));
}

#[tokio::test]
async fn repetitions_inside_one_batch_are_settled_in_their_order() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let batch = [3, 3, 4, 4, 3].map(|value| reading(stream, "1", value));
    let expected = [Outcome::Appended, Outcome::Duplicate, Outcome::Revision, Outcome::Duplicate, Outcome::Revision];
    assert_eq!(append(&db, &batch).await, expected);
    assert_eq!(rows(&db.pool).await.iter().map(|row| row.value).collect::<Vec<_>>(), [3, 4, 3].map(Fixed::from_whole));
}

#[tokio::test]
async fn one_bad_row_among_a_thousand_goes_to_quarantine_alone() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let mut batch: Vec<_> = (0..1000).map(|n| reading(stream, &n.to_string(), n)).collect();
    batch[617].datastream_id = DatastreamId(999_999);
    batch[618].message_id = Some("a\0b".into());
    let quarantined = Quarantined {
        source: Source::Mqtt,
        device: Some("A".into()),
        topic: None,
        payload: b"\0\xff".to_vec(),
        reason: "nul \0 here".into(),
        field: "payload".into(),
        value: "\0".into(),
    };
    let outcomes = journal::append(&db.pool, &Clock::manual(start_at()), &batch, &[quarantined]).await.unwrap();
    let refused: Vec<usize> = (0..1000).filter(|n| outcomes[*n] == Outcome::Refused).collect();
    assert_eq!(refused, [617, 618]);
    assert_eq!(rows(&db.pool).await.len(), 998);
    let values: HashSet<String> = quarantine(&db.pool).await.into_iter().map(|(_, value, _)| value).collect();
    assert_eq!(values, HashSet::from(["617".to_owned(), "618".to_owned(), "\u{fffd}".to_owned()]));
}

#[tokio::test]
async fn received_at_never_falls_along_seq() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let clock = Clock::manual(start_at());
    journal::append(&db.pool, &clock, &[reading(stream, "1", 1)], &[]).await.unwrap();
    clock.set(start_at() - TimeDelta::hours(1));
    journal::append(&db.pool, &clock, &[reading(stream, "2", 1)], &[]).await.unwrap();
    let through: Instant = start_at() + TimeDelta::minutes(7);
    let sql = "insert into pipeline_cursor (name, seq, through_at) values ('engine', 0, $1)";
    sqlx::query(sql).bind(through).execute(&db.pool).await.unwrap();
    journal::append(&db.pool, &clock, &[reading(stream, "3", 1)], &[]).await.unwrap();
    let received: Vec<Instant> = rows(&db.pool).await.iter().map(|row| row.received_at).collect();
    assert_eq!(received, [start_at(), start_at(), through]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cursor_reader_misses_no_row_of_concurrent_appenders() {
    const APPENDERS: i64 = 8;
    const BATCHES: i64 = 25;
    const ROWS: i64 = 20;
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let mut appenders = tokio::task::JoinSet::new();
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(10).connect_lazy_with(db.options.clone());
    for appender in 0..APPENDERS {
        let pool = pool.clone();
        appenders.spawn(async move {
            for batch in 0..BATCHES {
                let name = |row| format!("{appender}-{batch}-{row}");
                let readings: Vec<_> = (0..ROWS).map(|row| reading(stream, &name(row), row)).collect();
                journal::append(&pool, &Clock::manual(start_at()), &readings, &[]).await.unwrap();
            }
        });
    }
    let mut conn = pool.acquire().await.unwrap();
    let reading_on = async {
        let (mut cursor, mut seen) = (Seq(0), 0);
        while seen < APPENDERS * BATCHES * ROWS {
            for row in journal::read_after(&mut conn, cursor, 64).await.unwrap() {
                assert!(row.seq > cursor);
                cursor = row.seq;
                seen += 1;
            }
            // A reader that missed a row would wait here for ever.
            let done = appenders.is_empty() || std::iter::from_fn(|| appenders.try_join_next()).all(|r| r.is_ok());
            assert!(done, "an appender failed");
        }
        seen
    };
    assert_eq!(soon("all rows", reading_on).await, APPENDERS * BATCHES * ROWS);
}

#[tokio::test]
async fn an_appender_waits_until_the_one_before_it_has_committed() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let mut first = db.pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock($1)").bind(journal::LOCK).execute(&mut *first).await.unwrap();
    let pool = db.pool.clone();
    let second = tokio::spawn(async move {
        journal::append(&pool, &Clock::manual(start_at()), &[reading(stream, "1", 1)], &[]).await
    });
    eventually("the second appender to wait for the lock", || async {
        let sql = "select 1 from pg_locks l join pg_database d on d.oid = l.database
            where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";
        sqlx::query_scalar::<_, i32>(sql).fetch_optional(&db.pool).await.unwrap()
    })
    .await;
    // Waiting, it has taken no sequence number yet.
    let taken: bool = sqlx::query_scalar("select is_called from journal_seq").fetch_one(&db.pool).await.unwrap();
    assert!(!taken);
    first.rollback().await.unwrap();
    assert_eq!(soon("the second appender", second).await.unwrap().unwrap(), [Outcome::Appended]);
}

#[tokio::test]
async fn submissions_that_wait_together_are_committed_together_and_answered_each() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let (app, receiver) = support::app_and_queue(&db, &[]);
    let mut answers = Vec::new();
    for n in 0..50 {
        answers
            .push(app.ingest.enqueue_when_free(vec![reading(stream, &(n / 2).to_string(), 1)], vec![]).await.unwrap());
    }
    let running = tokio::spawn(committer::run(app.clone(), receiver));
    let (mut appended, mut duplicates) = (0, 0);
    for answer in answers {
        let accepted = soon("an answer", answer).await.unwrap().unwrap();
        appended += accepted.appended;
        duplicates += accepted.duplicates;
    }
    assert_eq!((appended, duplicates), (25, 25));
    let commits: i64 =
        sqlx::query_scalar("select count(distinct xmin::text) from journal").fetch_one(&db.pool).await.unwrap();
    assert_eq!(commits, 1);
    assert_eq!(app.ingest.queued(), 0);
    app.stop.cancel();
    soon("the committer's end", running).await.unwrap();
}

#[tokio::test]
async fn a_full_queue_pushes_back_at_once() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let (app, receiver) = support::app_and_queue(&db, &[("SENTINELA__INGEST__QUEUE_READINGS", "3")]);
    let many = || (0..3).map(|n| reading(stream, &n.to_string(), 1)).collect::<Vec<_>>();
    let waiting = app.ingest.enqueue_when_free(many(), vec![]).await.unwrap();
    let refused = app.ingest.submit(vec![reading(stream, "4", 1)], vec![]).await;
    assert!(matches!(refused, Err(IngestError::Busy)), "{refused:?}");
    // What was taken is not lost by it, and afterwards there is room again.
    tokio::spawn(committer::run(app.clone(), receiver));
    assert_eq!(soon("the commit", waiting).await.unwrap().unwrap().appended, 3);
    let accepted = soon("room", app.ingest.submit_when_free(vec![reading(stream, "4", 1)], vec![])).await.unwrap();
    assert_eq!(accepted.appended, 1);
}

/// The same reading, observed two hours earlier.
fn old(reading: NewReading) -> NewReading {
    NewReading { observed_at: reading.observed_at - chrono::TimeDelta::hours(2), ..reading }
}

#[tokio::test]
async fn live_readings_overtake_a_backlog_that_came_first_and_the_backlog_goes_on() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let (app, receiver) = support::app_and_queue(&db, &[("SENTINELA__INGEST__BATCH_READINGS", "4")]);
    let mut answers = Vec::new();
    for n in 0..6 {
        let late = vec![old(reading(stream, &format!("late-{n}"), 1))];
        answers.push(app.ingest.enqueue_when_free(late, vec![]).await.unwrap());
    }
    for n in 0..5 {
        let live = vec![reading(stream, &format!("live-{n}"), 1)];
        answers.push(app.ingest.enqueue_when_free(live, vec![]).await.unwrap());
    }
    tokio::spawn(committer::run(app.clone(), receiver));
    for answer in answers {
        assert_eq!(soon("an answer", answer).await.unwrap().unwrap().appended, 1);
    }
    let order: Vec<String> =
        sqlx::query_scalar("select message_id from journal order by seq").fetch_all(&db.pool).await.unwrap();
    let expected = [["live-0", "live-1", "live-2", "late-0"], ["live-3", "live-4", "late-1", "late-2"]];
    assert_eq!(order[..8], expected.concat());
    assert_eq!(order[8..], ["late-3", "late-4", "late-5"]);
}

#[tokio::test]
async fn a_backlog_without_room_leaves_the_live_readings_theirs() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let (app, receiver) = support::app_and_queue(&db, &[("SENTINELA__INGEST__QUEUE_READINGS", "3")]);
    let late: Vec<NewReading> = (0..3).map(|n| old(reading(stream, &n.to_string(), 1))).collect();
    let waiting = app.ingest.enqueue_when_free(late, vec![]).await.unwrap();
    let refused = app.ingest.submit(vec![old(reading(stream, "4", 1))], vec![]).await;
    assert!(matches!(refused, Err(IngestError::Busy)), "{refused:?}");
    let live = app.ingest.enqueue_when_free(vec![reading(stream, "5", 1)], vec![]).await.unwrap();
    tokio::spawn(committer::run(app.clone(), receiver));
    assert_eq!(soon("the live one", live).await.unwrap().unwrap().appended, 1);
    assert_eq!(soon("the backlog", waiting).await.unwrap().unwrap().appended, 3);
}

#[tokio::test]
async fn a_batch_is_held_while_the_database_refuses_and_committed_afterwards() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let app = support::app(&db);
    let mut owner = db.owner().await;
    sqlx::query("alter table journal rename to journal_away").execute(&mut owner).await.unwrap();
    let handle = app.ingest.clone();
    let mut submitting = tokio::spawn(async move { handle.submit(vec![reading(stream, "1", 1)], vec![]).await });
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut submitting).await;
    assert!(early.is_err(), "answered although nothing could be committed: {early:?}");
    sqlx::query("alter table journal_away rename to journal").execute(&mut owner).await.unwrap();
    assert_eq!(soon("the commit", submitting).await.unwrap().unwrap().appended, 1);
    assert_eq!(rows(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn what_is_queued_at_the_stop_is_still_committed() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let (app, receiver) = support::app_and_queue(&db, &[("SENTINELA__INGEST__BATCH_READINGS", "2")]);
    let mut answers = Vec::new();
    for n in 0..7 {
        answers.push(app.ingest.enqueue_when_free(vec![reading(stream, &n.to_string(), 1)], vec![]).await.unwrap());
    }
    app.stop.cancel();
    soon("the committer's end", committer::run(app.clone(), receiver)).await;
    for answer in answers {
        assert!(answer.await.unwrap().is_ok());
    }
    assert_eq!(rows(&db.pool).await.len(), 7);
    let late = app.ingest.submit(vec![reading(stream, "8", 1)], vec![]).await;
    assert!(matches!(late, Err(IngestError::Stopping)), "{late:?}");
}

async fn post(app: &App, token: &str, body: impl Into<Body>) -> (StatusCode, serde_json::Value) {
    let request = Request::post("/api/v1/readings")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap();
    let router = sentinela::web::router::router(app.clone());
    let response = soon("the answer", router.oneshot(request)).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

fn message(id: &str, value: &str) -> String {
    format!(
        r#"{{"id":"{id}","readings":[{{"stream":"rain","at":"2026-02-22T11:50:00Z","value":{value},"unit":"mm"}}]}}"#
    )
}

#[tokio::test]
async fn readings_over_http_are_answered_after_the_commit() {
    let db = support::db().await;
    gauge(&db.pool, "A.1").await;
    let app = support::app(&db);
    let token = format!("A.1.{SECRET}");
    let (status, body) = post(&app, &token, message("m1", "3.4")).await;
    assert_eq!((status, body["appended"].as_u64()), (StatusCode::OK, Some(1)), "{body}");
    let (status, body) = post(&app, &token, message("m1", "3.4")).await;
    assert_eq!((status, body["duplicates"].as_u64()), (StatusCode::OK, Some(1)), "{body}");
    let all = rows(&db.pool).await;
    assert_eq!((all.len(), all[0].value.to_f64()), (1, 3.4));
}

#[tokio::test]
async fn bad_readings_over_http_are_named_and_the_next_good_one_goes_through() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let app = support::app(&db);
    let token = format!("A.{SECRET}");
    for (value, field, shown) in [("NaN", "readings[0].value", "NaN"), (r#""3""#, "readings[0].value", "3")] {
        let (status, body) = post(&app, &token, message("m1", value)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(
            (body["errors"][0]["field"].as_str(), body["errors"][0]["value"].as_str()),
            (Some(field), Some(shown))
        );
    }
    let (status, body) = post(&app, &token, "{\"readings\":[").await;
    assert_eq!((status, body["errors"][0]["field"].as_str()), (StatusCode::BAD_REQUEST, Some("payload")), "{body}");
    assert_eq!(quarantine(&db.pool).await.len(), 3);

    let mixed = r#"{"id":"m2","readings":[{"stream":"rain","at":"2026-02-22T11:50:00Z","value":1},
        {"stream":"snow","at":"2026-02-22T11:50:00Z","value":1}]}"#;
    let (status, body) = post(&app, &token, mixed).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((body["appended"].as_u64(), body["quarantined"].as_u64()), (Some(1), Some(1)), "{body}");
    assert_eq!(body["rejected"][0]["field"], "readings[1].stream");
    assert_eq!(rows(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn a_wrong_secret_or_a_body_over_the_limit_is_refused_over_http() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let app = support::app(&db);
    let (status, body) = post(&app, "A.wrong", message("m", "1")).await;
    assert_eq!((status, body["status"].as_u64()), (StatusCode::UNAUTHORIZED, Some(401)));
    let (status, _) = post(&app, "no-dot", message("m", "1")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = post(&app, &format!("A.{SECRET}"), " ".repeat((1 << 20) + 1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(rows(&db.pool).await.is_empty());
}

#[tokio::test]
async fn a_full_queue_answers_503_with_retry_after() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let (app, _receiver) = support::app_and_queue(&db, &[("SENTINELA__INGEST__QUEUE_READINGS", "1")]);
    let _waiting = app.ingest.enqueue_when_free(vec![reading(stream, "1", 1)], vec![]).await.unwrap();
    let request = Request::post("/api/v1/readings")
        .header(header::AUTHORIZATION, format!("Bearer A.{SECRET}"))
        .body(Body::from(message("m", "1")))
        .unwrap();
    let router = sentinela::web::router::router(app.clone());
    let response = soon("the answer", router.oneshot(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn an_empty_submission_is_answered_too() {
    let db = support::db().await;
    let app = support::app(&db);
    let accepted = soon("the answer", app.ingest.submit(vec![], vec![])).await.unwrap();
    assert_eq!(accepted, Accepted::default());
}
