//! What is kept of years past.

use chrono::{Months, TimeDelta};
use sentinela::audit::Actor;
use sentinela::clock::{Clock, Instant};
use sentinela::config::History;
use sentinela::history::policy::{self, Verdict};
use sentinela::history::series::{Function, Plan, Range};
use sentinela::history::store;
use sentinela::history::store::past::Past;
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
    let all = Past::default().series(&db.pool, &mut conn, &stream, &plan).await.unwrap();
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

/// The oldest month, its partition, and a station out of use so that it may go.
async fn oldest(db: &TestDb) -> (chrono::NaiveDate, String, i64) {
    let now = today();
    years(db, now).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let due = policy::look(&mut conn, &KEEP, now).await.unwrap().remove(0);
    (due.month, format!("journal_{}", due.month.format("%Ym%m")), due.contents.rows)
}

#[tokio::test]
async fn doubts_go_with_the_month_of_their_readings_and_by_no_other_way() {
    let db = support::db().await;
    let (month, _, _) = oldest(&db).await;
    let sql =
        "insert into reading_flag select seq, datastream_id, observed_at, 'spike', 'suspect', 'x', now() from journal
        where observed_at < $1";
    let after = month.checked_add_months(Months::new(1)).unwrap().and_time(chrono::NaiveTime::MIN).and_utc();
    let flags = sqlx::query(sql).bind(after + TimeDelta::days(2)).execute(&db.pool).await.unwrap().rows_affected();
    let mut owner = db.owner().await;
    for sql in ["delete from reading_flag", "select set_config('sentinela.drops_month', 'on', false)"] {
        let outcome = sqlx::query(sql).execute(&mut owner).await;
        assert_eq!(outcome.is_err(), sql.starts_with("delete"), "{sql}");
    }
    let mut service = db.pool.acquire().await.unwrap();
    sqlx::query("select set_config('sentinela.drops_month', 'on', false)").execute(&mut *service).await.unwrap();
    assert!(
        sqlx::query("delete from reading_flag").execute(&mut *service).await.is_err(),
        "not the service's to delete"
    );
    let now = today();
    let closed = policy::close_one(&db.pool, &Ids::seeded(1), &KEEP, now, &Actor::service()).await.unwrap().unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from reading_flag").fetch_one(&db.pool).await.unwrap();
    assert_eq!(
        (closed.contents.flags + left, left),
        (i64::try_from(flags).unwrap(), 12),
        "two days of the next month stay"
    );
}

#[tokio::test]
async fn nobody_waits_while_a_month_is_counted_and_what_comes_meanwhile_keeps_it() {
    let db = support::db().await;
    let (month, part, rows) = oldest(&db).await;
    let drop = || {
        let pool = db.pool.clone();
        tokio::spawn(async move {
            let sql = "select journal_drop_month($1, $2)";
            sqlx::query(sql).bind(month).bind(rows).execute(&pool).await.map_err(|error| error.to_string())
        })
    };
    // The service's role does not see what others wait for.
    let waiting = async |kind: &str| {
        let mut owner = db.owner().await;
        let sql = "select 1 from pg_stat_activity where datname = current_database() and wait_event = $1
            and query like '%journal_drop_month%' and pid <> pg_backend_pid()";
        sqlx::query_scalar::<_, i32>(sql).bind(kind).fetch_optional(&mut owner).await.unwrap()
    };
    // Whoever counts is held up; whoever appends is not.
    let mut holder = db.owner().await;
    let mut held = sqlx::Connection::begin(&mut holder).await.unwrap();
    let lock = sqlx::AssertSqlSafe(format!("lock table {part} in access exclusive mode"));
    sqlx::query(lock).execute(&mut *held).await.unwrap();
    let mut counting = drop();
    tokio::select! {
        outcome = &mut counting => panic!("it did not wait: {outcome:?}"),
        _ = support::eventually("the count to wait for the partition", || waiting("relation")) => {}
    }
    let mut appender = db.pool.begin().await.unwrap();
    let free: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1)")
        .bind(journal::LOCK)
        .fetch_one(&mut *appender)
        .await
        .unwrap();
    assert!(free, "the appenders' lock is not held during the count");
    held.rollback().await.unwrap();
    // A reading that comes between the count and the lock.
    let insert = format!(
        "insert into {part} select nextval('journal_seq'), datastream_id, null, 'late', observed_at, received_at, 1, 'pass', '',
             'import', decode(repeat('ab', 16), 'hex'), 0, null from {part} limit 1"
    );
    support::eventually("the drop to wait for the appenders", || waiting("advisory")).await;
    sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut *appender).await.unwrap();
    let end = "update journal_month set newest_seq = currval('journal_seq') where month = $1";
    sqlx::query(end).bind(month).execute(&mut *appender).await.unwrap();
    // The rules have read it: only the count does not know of it.
    appender.commit().await.unwrap();
    let refused = counting.await.unwrap().unwrap_err();
    assert!(refused.contains("took readings while it was counted"), "{refused}");
}
