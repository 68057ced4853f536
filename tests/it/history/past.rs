//! Sums of months that are over, held in memory: whatever happens to these months is told at the next question.

use chrono::TimeDelta;
use sentinela::clock::{Clock, Instant};
use sentinela::history::series::{Bucket, Function, Plan, Range};
use sentinela::history::store::past::Past;
use sentinela::history::store::{self, Stream};
use sentinela::ids::DatastreamId;
use sentinela::ingest::NewReading;
use sentinela::journal;
use sentinela::units::StreamKind;

use crate::ingest::{gauge, reading};
use crate::support::{self, TestDb};

fn now() -> Instant {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

/// 1 mm six hours apart, for 200 days.
async fn town() -> (TestDb, DatastreamId, Stream) {
    let db = support::db().await;
    let id = gauge(&db.pool, "A").await;
    let of = |n: i64| NewReading { observed_at: now() - TimeDelta::hours(6 * n), ..reading(id, &n.to_string(), 1) };
    append(&db, &(0..800).map(of).collect::<Vec<_>>()).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let streams = store::streams(&mut conn, "A").await.unwrap();
    drop(conn);
    let stream = streams.into_iter().find(|stream| stream.name == "rain").unwrap();
    (db, id, stream)
}

async fn append(db: &TestDb, readings: &[NewReading]) {
    journal::append(&db.pool, &Clock::manual(now()), readings, &[]).await.unwrap();
}

/// The same by what remembers and by what does not.
async fn asked(db: &TestDb, past: &Past, stream: &Stream) -> Vec<Bucket> {
    let range = Range { from: now() - TimeDelta::days(150), to: now() };
    let plan = Plan::checked(range, 86_400, Function::Sum, StreamKind::IntervalSum).unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    let told = past.series(&db.pool, &mut conn, stream, &plan).await.unwrap();
    let anew = Past::default().series(&db.pool, &mut conn, stream, &plan).await.unwrap();
    assert_eq!(told, anew, "what is remembered is what stands");
    told
}

fn sum(buckets: &[Bucket]) -> f64 {
    buckets.iter().filter_map(|bucket| bucket.value).sum()
}

#[tokio::test]
async fn a_late_reading_of_a_month_long_over_is_in_the_next_answer() {
    let (db, id, stream) = town().await;
    let past = Past::default();
    assert_eq!(sum(&asked(&db, &past, &stream).await), 600.0);
    let late = now() - TimeDelta::days(100) + TimeDelta::minutes(30);
    append(&db, &[NewReading { observed_at: late, ..reading(id, "late", 7) }]).await;
    assert_eq!(sum(&asked(&db, &past, &stream).await), 607.0);
    let fresh = now() - TimeDelta::minutes(30);
    append(&db, &[NewReading { observed_at: fresh, ..reading(id, "fresh", 2) }]).await;
    assert_eq!(sum(&asked(&db, &past, &stream).await), 609.0);
}

#[tokio::test]
async fn a_correction_and_a_doubt_of_long_ago_are_in_the_next_answer() {
    let (db, id, stream) = town().await;
    let past = Past::default();
    asked(&db, &past, &stream).await;
    let corrected = now() - TimeDelta::hours(6 * 400);
    append(&db, &[NewReading { observed_at: corrected, ..reading(id, "400", 5) }]).await;
    assert_eq!(sum(&asked(&db, &past, &stream).await), 604.0);
    let doubt =
        "insert into reading_flag select seq, datastream_id, observed_at, 'rate', 'fail', 'x', now() from journal
                 where observed_at = $1";
    sqlx::query(doubt).bind(now() - TimeDelta::hours(6 * 300)).execute(&db.pool).await.unwrap();
    assert_eq!(sum(&asked(&db, &past, &stream).await), 603.0);
}

#[tokio::test]
async fn each_question_has_its_own_answer() {
    let (db, _, stream) = town().await;
    let past = Past::default();
    asked(&db, &past, &stream).await;
    let range = Range { from: now() - TimeDelta::days(150), to: now() };
    let mut conn = db.pool.acquire().await.unwrap();
    for (function, window_s, expected) in
        [(Function::Max, 86_400, 1.0), (Function::Count, 86_400, 4.0), (Function::Sum, 172_800, 8.0)]
    {
        let plan = Plan::checked(range, window_s, function, StreamKind::IntervalSum).unwrap();
        let told = past.series(&db.pool, &mut conn, &stream, &plan).await.unwrap();
        assert_eq!(told[3].value, Some(expected), "{function} over {window_s} s");
    }
}
