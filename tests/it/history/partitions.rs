//! The journal in partitions of a month each.

use sentinela::clock::{Clock, Instant};
use sentinela::ids::Seq;
use sentinela::ingest::NewReading;
use sentinela::journal::{self, Outcome};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::ingest::{gauge, quarantine, reading};
use crate::support::{self, TestDb, start_at};

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn observed(base: &NewReading, text: &str) -> NewReading {
    NewReading { observed_at: at(text), ..base.clone() }
}

async fn append(db: &TestDb, readings: &[NewReading]) -> Vec<Outcome> {
    journal::append(&db.pool, &Clock::manual(start_at()), readings, &[]).await.unwrap()
}

async fn months(db: &TestDb) -> Vec<(String, i64)> {
    let sql = "select month::text, newest_seq from journal_month order by month";
    sqlx::query_as(sql).fetch_all(&db.pool).await.unwrap()
}

/// The migrations in order, as (name, text).
fn migrations() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn readings_of_any_month_find_their_partition() {
    let db = support::db().await;
    let base = reading(gauge(&db.pool, "A").await, "1", 1);
    let batch = [
        observed(&base, "2026-02-28T23:59:59.999999Z"),
        observed(&base, "2026-03-01T00:00:00Z"),
        observed(&base, "1961-07-04T12:00:00Z"),
    ];
    assert_eq!(append(&db, &batch).await, [Outcome::Appended; 3]);
    assert_eq!(append(&db, &batch).await, [Outcome::Duplicate; 3]);
    let corrected: Vec<_> =
        batch.iter().map(|row| NewReading { value: sentinela::units::Fixed::from_whole(9), ..row.clone() }).collect();
    assert_eq!(append(&db, &corrected).await, [Outcome::Revision; 3]);
    let found = months(&db).await;
    let named: Vec<&str> = found.iter().map(|(month, _)| month.as_str()).collect();
    assert_eq!(named, ["1961-07-01", "2026-02-01", "2026-03-01"]);

    let mut conn = db.pool.acquire().await.unwrap();
    let rows = journal::read_after(&mut conn, Seq(0), 100).await.unwrap();
    let order: Vec<Instant> = rows.iter().map(|row| row.observed_at).collect();
    let twice: Vec<Instant> = batch.iter().chain(&batch).map(|row| row.observed_at).collect();
    assert_eq!(order, twice, "in the order of the commits, whatever the month");
    let head = journal::head(&mut conn).await.unwrap().unwrap();
    assert_eq!(head.seq, rows[5].seq);
    assert_eq!(journal::read_after(&mut conn, rows[2].seq, 2).await.unwrap(), rows[3..5]);
    assert_eq!(journal::read_after(&mut conn, head.seq, 2).await.unwrap(), []);
}

#[tokio::test]
async fn the_newest_reading_of_each_stream_is_kept_beside_the_journal() {
    let db = support::db().await;
    let base = reading(gauge(&db.pool, "A").await, "1", 1);
    append(&db, &[observed(&base, "2026-02-20T10:00:00Z"), observed(&base, "2026-02-20T09:00:00Z")]).await;
    // Of years before, and a correction of the newest.
    append(&db, &[observed(&base, "2019-02-20T09:00:00Z")]).await;
    let correction = NewReading { value: sentinela::units::Fixed::from_whole(4), ..base.clone() };
    append(&db, &[observed(&correction, "2026-02-20T10:00:00Z")]).await;
    let latest: Vec<(Instant, f64)> =
        sqlx::query_as("select observed_at, value from stream_latest").fetch_all(&db.pool).await.unwrap();
    assert_eq!(latest, [(at("2026-02-20T10:00:00Z"), 4.0)]);
}

#[tokio::test]
async fn a_month_is_made_while_others_read_and_write() {
    let db = support::db().await;
    let base = reading(gauge(&db.pool, "A").await, "1", 1);
    append(&db, std::slice::from_ref(&base)).await;
    let mut reader = db.pool.begin().await.unwrap();
    sqlx::query("select count(*) from journal").execute(&mut *reader).await.unwrap();
    let mut writer = db.pool.begin().await.unwrap();
    let sql = "insert into journal select nextval('journal_seq'), datastream_id, null, 'w', observed_at, received_at, 1, 'pass',
        '', 'import', decode(repeat('ab', 16), 'hex'), 0, null from journal limit 1";
    sqlx::query(sql).execute(&mut *writer).await.unwrap();
    let mut keeper = db.pool.acquire().await.unwrap();
    keeper.execute("set lock_timeout = '30s'").await.unwrap();
    let made: bool =
        sqlx::query_scalar("select journal_open_month('2031-05-17')").fetch_one(&mut *keeper).await.unwrap();
    assert!(made);
    writer.commit().await.unwrap();
    reader.commit().await.unwrap();
}

#[tokio::test]
async fn no_partition_can_be_rewritten_and_new_ones_have_the_same_rights() {
    let db = support::db().await;
    append(&db, &[reading(gauge(&db.pool, "A").await, "1", 1)]).await;
    let mut owner = db.owner().await;
    let mut service = db.pool.acquire().await.unwrap();
    for sql in ["update journal_2026m02 set value = 0", "delete from journal_2026m02", "truncate journal_2026m02"] {
        let refusal = |error: sqlx::Error| error.as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(refusal(owner.execute(sql).await.unwrap_err()), "23001", "{sql}");
        assert_eq!(refusal(service.execute(sql).await.unwrap_err()), "42501", "{sql}");
    }
    let rights = "select string_agg(privilege_type, ',' order by privilege_type) from pg_class,
        aclexplode(relacl) where relname = 'journal_2026m02' and grantee = 'sentinela_service'::regrole";
    let before: String = sqlx::query_scalar(rights).fetch_one(&mut owner).await.unwrap();
    sentinela::db::open::grant(&mut owner).await.unwrap();
    let after: String = sqlx::query_scalar(rights).fetch_one(&mut owner).await.unwrap();
    assert_eq!((before.as_str(), after.as_str()), ("INSERT,SELECT", "INSERT,SELECT"));
}

#[tokio::test]
async fn a_closed_month_and_an_absurd_one_send_their_readings_to_quarantine_and_lose_no_other() {
    let db = support::db().await;
    let base = reading(gauge(&db.pool, "A").await, "1", 1);
    sqlx::query("insert into journal_month (month, dropped_at) values ('2019-01-01', now())")
        .execute(&db.pool)
        .await
        .unwrap();
    let batch = [
        observed(&base, "2026-02-20T10:00:00Z"),
        observed(&base, "2019-01-20T10:00:00Z"),
        observed(&base, "2026-02-20T11:00:00Z"),
        observed(&base, "1816-01-20T10:00:00Z"),
    ];
    let outcomes = append(&db, &batch).await;
    assert_eq!(outcomes, [Outcome::Appended, Outcome::Refused, Outcome::Appended, Outcome::Refused]);
    assert_eq!(quarantine(&db.pool).await.len(), 2);
    let reasons: Vec<String> =
        sqlx::query_scalar("select reason from quarantine order by id").fetch_all(&db.pool).await.unwrap();
    assert!(reasons[0].contains("2019-01") && reasons[1].contains("1816-01"), "{reasons:?}");
    assert_eq!(months(&db).await.len(), 2, "no partition for the year 1816");
}

/// How many rows the journal has, and a sum over all of each.
async fn sum(conn: &mut PgConnection) -> (i64, String) {
    let whole = "select count(*), md5(string_agg(j::text, '|' order by seq)) from journal j";
    sqlx::query_as(whole).fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn a_journal_of_one_table_is_moved_whole() {
    let db = support::db().await;
    let mut admin = db.owner().await;
    let name = format!("{}_before", db.name);
    admin.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
    let mut conn = PgConnection::connect(&db.url.replace(&db.name, &name)).await.unwrap();
    let all = migrations();
    let split = all.iter().position(|(file, _)| file == "20261128030000_partition_journal.sql").unwrap();
    for (file, sql) in &all[..split] {
        conn.execute(AssertSqlSafe(sql.clone())).await.unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    // Two streams over 14 months, with a correction and a device.
    conn.execute(
        "insert into station (code, name, geom, source, created_at, updated_at)
             values ('A', 'A', st_setsrid(st_point(-43, -21), 4326), 't', now(), now());
         insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
             select id, q, q, 'mm', 'instantaneous', 3600, now() from station, unnest(array['rain', 'flow']) q;
         insert into journal
             select nextval('journal_seq'), d.id, null, 'm' || n, at, greatest(at, '2025-06-01'), n, 'pass', 'r', 'import',
                 decode(md5(d.id || '-' || n), 'hex'), 0, null
             from generate_series(0, 1700) n, lateral (select timestamptz '2024-12-31T23:50:00Z' + n * interval '6 hours' as at) t,
                 datastream d order by n, d.id;
         insert into journal select nextval('journal_seq'), datastream_id, device_id, message_id, observed_at, now(), -1, 'suspect',
             '', 'http', reading_key, 1, seq from journal where seq in (7, 3000)",
    )
    .await
    .unwrap();
    let columns = "select string_agg(column_name, ',' order by ordinal_position) from information_schema.columns
        where table_name = 'journal'";
    let names: String = sqlx::query_scalar(columns).fetch_one(&mut conn).await.unwrap();
    let before = sum(&mut conn).await;
    assert_eq!(before.0, 2 * 1701 + 2);
    for (file, sql) in &all[split..] {
        conn.execute(AssertSqlSafe(sql.clone())).await.unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    assert_eq!(sqlx::query_scalar::<_, String>(columns).fetch_one(&mut conn).await.unwrap(), names);
    assert_eq!(sum(&mut conn).await, before, "every row, in every column");
    let parts: i64 = sqlx::query_scalar("select count(*) from pg_inherits where inhparent = 'journal'::regclass")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(parts, 16);
    let head = journal::head(&mut conn).await.unwrap().unwrap();
    assert_eq!(journal::read_after(&mut conn, Seq(head.seq.0 - 1), 9).await.unwrap().len(), 1);
    let latest: Vec<f64> = sqlx::query_scalar("select value from stream_latest").fetch_all(&mut conn).await.unwrap();
    assert_eq!(latest, [1700.0, 1700.0]);
    conn.close().await.unwrap();
    admin.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
}
