//! What adds up and what does not: doubts, intervals told twice, counters.

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use sentinela::audit::Actor;
use sentinela::clock::Clock;
use sentinela::config::History;
use sentinela::history::policy;
use sentinela::history::series::{Function, Plan, Range};
use sentinela::history::store::past::Past;
use sentinela::history::store::{self, Stream};
use sentinela::ids::{DatastreamId, Ids};
use sentinela::ingest::NewReading;
use sentinela::journal;
use sentinela::units::{Fixed, Quality};
use sentinela::web::situation::{self, StationNow};
use tower::ServiceExt as _;

use crate::ingest::{gauge, reading};
use crate::support::{self, TestDb, start_at};

/// A reading so many minutes before noon.
fn before(stream: DatastreamId, minutes: i64, value: f64) -> NewReading {
    NewReading {
        observed_at: start_at() - TimeDelta::minutes(minutes),
        value: Fixed::try_from(value).unwrap(),
        ..reading(stream, &format!("m{minutes}"), 0)
    }
}

async fn append(db: &TestDb, readings: &[NewReading]) {
    journal::append(&db.pool, &Clock::manual(start_at()), readings, &[]).await.unwrap();
}

async fn counter(db: &TestDb) -> DatastreamId {
    let stream = gauge(&db.pool, "A").await;
    sqlx::query("update datastream set kind = 'cumulative_counter', counter_wraps_at = 1000 where id = $1")
        .bind(stream.0)
        .execute(&db.pool)
        .await
        .unwrap();
    stream
}

async fn flag(db: &TestDb, since_minutes: i64, quality: &str) {
    sqlx::query(
        "insert into reading_flag select seq, datastream_id, observed_at, 'flat_line', $2, 'stuck', now() from journal
         where observed_at >= $1",
    )
    .bind(start_at() - TimeDelta::minutes(since_minutes))
    .bind(quality)
    .execute(&db.pool)
    .await
    .unwrap();
}

async fn now(db: &TestDb) -> StationNow {
    let mut conn = db.pool.acquire().await.unwrap();
    let all = situation::stations(&mut conn, start_at(), None).await.unwrap();
    all.into_iter().find(|stream| stream.stream == "rain").unwrap()
}

async fn rain(db: &TestDb) -> Stream {
    let mut conn = db.pool.acquire().await.unwrap();
    store::streams(&mut conn, "A").await.unwrap().into_iter().find(|stream| stream.name == "rain").unwrap()
}

async fn sums(db: &TestDb, hours: i64, window_h: i64) -> Vec<Option<f64>> {
    let stream = rain(db).await;
    let range = Range { from: start_at() - TimeDelta::hours(hours), to: start_at() };
    let plan = Plan::checked(range, window_h * 3_600, Function::Sum, stream.kind).unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    let all = Past::default().series(&db.pool, &mut conn, &stream, &plan).await.unwrap();
    all.iter().map(|bucket| bucket.value).collect()
}

/// The map's tile of the stations, as text.
async fn tile(db: &TestDb) -> String {
    let request = Request::get("/tiles/stations/0/0/0").body(Body::empty()).unwrap();
    let response = sentinela::web::router::router(support::app(db)).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_stuck_gauge_adds_nothing_on_the_pages_either() {
    for quality in ["suspect", "fail"] {
        let db = support::db().await;
        let stream = gauge(&db.pool, "A").await;
        let all: Vec<NewReading> = (0..144).map(|n| before(stream, n * 10, 5.0)).collect();
        append(&db, &all).await;
        let whole = now(&db).await;
        assert_eq!((whole.sum_1h, whole.sum_24h), (Some(30.0), Some(720.0)));
        flag(&db, 10 * 143 - 5, quality).await;
        let left = now(&db).await;
        assert_eq!((left.sum_1h, left.sum_24h), (None, Some(5.0)), "{quality}: only the first was believed");
        let mut conn = db.pool.acquire().await.unwrap();
        let bins = situation::hyetograph(&mut conn, start_at(), stream, 60).await.unwrap();
        assert_eq!(bins.iter().map(|bin| bin.value).sum::<f64>(), 5.0);
        assert!(!bins[23].measured, "what is not believed was not measured");
        drop(conn);
        // The map shows a station's first stream.
        let first = "update datastream set name = 'z' where name = 'level'";
        sqlx::query(first).execute(&db.pool).await.unwrap();
        assert!(!tile(&db).await.contains('–'));
        sqlx::query(
            "insert into reading_flag select seq, datastream_id, observed_at, 'rate', $1, 'x', now() from journal
             where observed_at = $2",
        )
        .bind(quality)
        .bind(start_at() - TimeDelta::minutes(1430))
        .execute(&db.pool)
        .await
        .unwrap();
        assert!(tile(&db).await.contains('–'), "and on the map it is not the last that it said");
    }
}

#[tokio::test]
async fn a_counter_steps_from_the_last_that_was_believed_however_old() {
    let db = support::db().await;
    let stream = counter(&db).await;
    // More than a month ago; then two that were not believed; then now.
    let all = [before(stream, 40 * 1440, 100.0), before(stream, 2000, 400.0), before(stream, 30, 112.0)];
    append(&db, &all).await;
    flag(&db, 2000, "fail").await;
    append(&db, &[before(stream, 10, 113.0)]).await;
    assert_eq!(now(&db).await.sum_24h, Some(13.0));
}

#[tokio::test]
async fn an_interval_that_is_told_twice_counts_once() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let again = |value: f64, quality| NewReading {
        message_id: Some(format!("again {value}")),
        quality,
        ..before(stream, 20, value)
    };
    append(&db, &[before(stream, 30, 1.0), before(stream, 20, 2.0)]).await;
    append(&db, &[again(3.0, Quality::Pass), again(900.0, Quality::Fail)]).await;
    assert_eq!(sums(&db, 1, 1).await, [Some(4.0)]);
    assert_eq!(now(&db).await.sum_24h, Some(4.0));
    let stream = rain(&db).await;
    let range = Range { from: start_at() - TimeDelta::hours(1), to: start_at() };
    let mut conn = db.pool.acquire().await.unwrap();
    for (told, expected) in
        [(store::Told::Newest, vec![1.0, 3.0, 900.0]), (store::Told::Each, vec![1.0, 2.0, 3.0, 900.0])]
    {
        let all = store::readings(&mut conn, &stream, told, range, None, 10).await.unwrap();
        assert_eq!(all.iter().map(|reading| reading.value).collect::<Vec<_>>(), expected, "{told:?}");
    }
}

#[tokio::test]
async fn rain_of_a_counter_is_what_it_counted_and_stays_so_when_only_hours_are_kept() {
    let db = support::db().await;
    let stream = counter(&db).await;
    // Every three hours 0.5 mm for 800 days, over the counter's end; one reading in doubt, and none of it counts.
    let total = |n: i64| f64::from(u32::try_from(n).unwrap()) * 0.5 % 1000.0;
    let mut all: Vec<NewReading> = (0..8 * 800).map(|n| before(stream, n * 180, total(6_400 - n))).collect();
    all[5_000].quality = Quality::Suspect;
    all[5_000].value = Fixed::from_whole(999);
    for batch in all.chunks(2_000) {
        append(&db, batch).await;
    }
    let sql = "insert into pipeline_cursor values ('evaluator', 1000000, $1)";
    sqlx::query(sql).bind(start_at()).execute(&db.pool).await.unwrap();
    // Of the newest buckets each a day of eight steps; the last of all begins with the first reading, which has no step.
    let days = |days: i64| sums(&db, 24 * 800, 24 * days);
    let before = days(10).await;
    assert_eq!((before.len(), before[79], before[40]), (80, Some(40.0), Some(40.0)));
    assert_eq!(before.iter().flatten().sum::<f64>(), 6_399.0 * 0.5);
    let keep = History { raw_months: 12, hourly: true };
    let (ids, today) = (Ids::seeded(1), Clock::System.now());
    let first = policy::close_one(&db.pool, &ids, &keep, today, &Actor::service()).await.unwrap().unwrap();
    assert!(first.contents.readings > 0);
    assert_eq!(days(10).await, before, "with one month closed");
    while policy::close_one(&db.pool, &ids, &keep, today, &Actor::service()).await.unwrap().is_some() {}
    assert_eq!(days(10).await, before, "with all of them closed");
}

#[tokio::test]
async fn what_fell_together_is_told_for_the_window_that_is_asked() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    append(&db, &[70, 50, 40, 10].map(|minutes| before(stream, minutes, 2.0))).await;
    let stream = rain(&db).await;
    let range = Range { from: start_at() - TimeDelta::hours(1), to: start_at() };
    let plan = Plan::checked(range, 1_800, Function::Sum, stream.kind).unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    for (minutes, expected) in
        [(15, [4.0, 2.0]), (30, [4.0, 2.0]), (31, [6.0, 4.0]), (60, [6.0, 6.0]), (61, [6.0, 8.0])]
    {
        let reached = store::accumulated(&mut conn, &stream, &plan, minutes * 60).await.unwrap();
        assert_eq!(reached, expected.map(Some), "{minutes} min: a window is open at its beginning");
    }
}
