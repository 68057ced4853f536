//! What is kept of years past.

use chrono::{Months, TimeDelta};
use sentinela::audit::Actor;
use sentinela::clock::{Clock, Instant};
use sentinela::config::History;
use sentinela::history::policy::{self, Verdict};
use sentinela::history::series::{Function, Plan, Range};
use sentinela::history::store;
use sentinela::ids::Ids;
use sentinela::ingest::NewReading;
use sentinela::journal;
use sentinela::units::{Fixed, StreamKind};

use crate::ingest::{gauge, quarantine, reading};
use crate::support::{self, TestDb};

const KEEP: History = History { raw_months: 12, hourly: true };

/// Two years and some of six readings a day, until `last`, with a correction and a failure in the oldest month.
async fn years(db: &TestDb, last: Instant) -> sentinela::ids::DatastreamId {
    let stream = gauge(&db.pool, "A").await;
    let of =
        |n: i64| NewReading { observed_at: last - TimeDelta::hours(4 * n), ..reading(stream, &n.to_string(), n % 5) };
    let mut all: Vec<NewReading> = (0..6 * 800).map(of).collect();
    let oldest = all.len() - 1;
    all.push(NewReading { value: Fixed::from_whole(11), ..all[oldest].clone() });
    all[oldest - 1].quality = sentinela::units::Quality::Fail;
    journal::append(&db.pool, &Clock::manual(last), &all, &[]).await.unwrap();
    sqlx::query("insert into pipeline_cursor values ('evaluator', 1000000, $1)")
        .bind(last)
        .execute(&db.pool)
        .await
        .unwrap();
    stream
}

async fn sums(db: &TestDb, now: Instant) -> Vec<(Option<f64>, i64, i64)> {
    let mut conn = db.pool.acquire().await.unwrap();
    let stream =
        store::streams(&mut conn, "A").await.unwrap().into_iter().find(|stream| stream.name == "rain").unwrap();
    let range = Range { from: now - TimeDelta::days(850), to: now };
    let plan = Plan::checked(range, 5 * 86_400, Function::Sum, StreamKind::IntervalSum).unwrap();
    let all = store::series(&mut conn, &stream, &plan).await.unwrap();
    all.iter().map(|bucket| (bucket.value, bucket.readings, bucket.failed)).collect()
}

/// The last midnight, so that the buckets of the sums begin with an hour.
fn today() -> Instant {
    Clock::System.now().date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
}

#[tokio::test]
async fn hours_take_the_place_of_old_readings_and_every_sum_stays() {
    let db = support::db().await;
    let now = today();
    years(&db, now).await;
    let before = sums(&db, now).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let due = policy::look(&mut conn, &KEEP, now).await.unwrap();
    assert!(due.len() >= 13 && due.iter().all(|month| month.verdict == Verdict::Due), "{due:?}");
    let mut closed = Vec::new();
    let ids = Ids::seeded(1);
    while let Some(month) = policy::close_one(&db.pool, &ids, &KEEP, now, &Actor::service()).await.unwrap() {
        closed.push(month);
    }
    assert_eq!(closed, due, "one by one, the oldest first, what was foretold");
    assert_eq!(sums(&db, now).await, before);
    assert_eq!(policy::look(&mut conn, &KEEP, now).await.unwrap(), []);
    let kept_from = policy::keeps_from(&KEEP, now).unwrap();
    let oldest: Instant = sqlx::query_scalar("select min(observed_at) from journal").fetch_one(&db.pool).await.unwrap();
    assert!(oldest.date_naive() >= kept_from);
    let acts: i64 = sqlx::query_scalar("select count(*) from audit_event where act = 'history.close'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(usize::try_from(acts).unwrap(), due.len());
}

#[tokio::test]
async fn a_closed_month_takes_no_late_reading() {
    let db = support::db().await;
    let now = today();
    let stream = years(&db, now).await;
    let closed = policy::close_one(&db.pool, &Ids::seeded(1), &KEEP, now, &Actor::service()).await.unwrap().unwrap();
    let late = closed.month.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(27);
    let late = NewReading { observed_at: late, ..reading(stream, "late", 1) };
    journal::append(&db.pool, &Clock::manual(now), &[late], &[]).await.unwrap();
    assert_eq!(quarantine(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn what_a_station_in_use_last_said_is_kept() {
    let db = support::db().await;
    let now = today();
    // Silent for two years, and still in use.
    years(&db, now - TimeDelta::days(730)).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let all = policy::look(&mut conn, &KEEP, now).await.unwrap();
    assert_eq!(all.last().unwrap().verdict, Verdict::Feeding);
    let feeding = all.last().unwrap().month;
    let mut owner = db.owner().await;
    let refused = sqlx::query("select journal_drop_month($1, 0)").bind(feeding).execute(&mut owner).await.unwrap_err();
    assert!(refused.to_string().contains("last readings"), "{refused}");
    sqlx::query("update station set active = false").execute(&db.pool).await.unwrap();
    let all = policy::look(&mut conn, &KEEP, now).await.unwrap();
    assert_eq!(all.last().unwrap().verdict, Verdict::Due);
}

#[tokio::test]
async fn the_drop_refuses_what_is_young_unread_or_not_summed_up() {
    let db = support::db().await;
    let now = today();
    years(&db, now).await;
    let drop = |month: chrono::NaiveDate, rows: i64| {
        let pool = db.pool.clone();
        async move {
            let sql = "select journal_drop_month($1, $2)";
            sqlx::query(sql).bind(month).bind(rows).execute(&pool).await.unwrap_err().to_string()
        }
    };
    let young = now.date_naive() - Months::new(6);
    assert!(drop(young, 0).await.contains("younger than a year"));
    let old = now.date_naive() - Months::new(18);
    assert!(drop(old, 3).await.contains("3 were summed up"));
    sqlx::query("update pipeline_cursor set seq = 0").execute(&db.pool).await.unwrap();
    assert!(drop(old, 3).await.contains("not read"));
}
