//! The quick way into the journal, and what it hands to the evaluator, on a real database.

use chrono::TimeDelta;
use sentinela::clock::Clock;
use sentinela::ids::{DatastreamId, DeviceId, Seq};
use sentinela::ingest::{NewReading, Quarantined, Source};
use sentinela::journal::{self, Appender, Outcome, Tail};
use sentinela::units::{Fixed, Quality};
use sqlx::PgPool;

use crate::ingest::{gauge, quarantine, reading, rows};
use crate::support::{self, start_at};

/// Readings of one stream, a second apart, with everything that a row can hold.
fn batch(stream: DatastreamId, from: i64, count: i64) -> Vec<NewReading> {
    let one = |n: i64| NewReading {
        message_id: (n % 3 != 0).then(|| format!("mensagem nº {n}")),
        // Finer than the column: what it rounds off must be off everywhere.
        observed_at: start_at() + TimeDelta::seconds(n) + TimeDelta::nanoseconds(1_234_567),
        value: Fixed(n * 137 - 900_000),
        quality: if n % 4 == 0 { Quality::Suspect } else { Quality::Pass },
        quality_reason: if n % 4 == 0 { "fora da faixa usual".into() } else { String::new() },
        source: if n % 2 == 0 { Source::Mqtt } else { Source::Http },
        ..reading(stream, "", 0)
    };
    (from..from + count).map(one).collect()
}

async fn append(appender: &mut Appender, pool: &PgPool, readings: &[NewReading]) -> Vec<Outcome> {
    appender.append(pool, &Clock::manual(start_at()), readings, &[]).await.unwrap()
}

/// Whole rows without what tells two streams apart.
async fn contents(pool: &PgPool, stream: DatastreamId) -> Vec<String> {
    let sql = "select to_jsonb(j) - 'seq' - 'datastream_id' - 'reading_key' || jsonb_build_object('newest', to_jsonb(l) - 'seq' - 'datastream_id')
        from journal j left join stream_latest l using (datastream_id) where j.datastream_id = $1 order by j.seq";
    let all: Vec<serde_json::Value> = sqlx::query_scalar(sql).bind(stream.0).fetch_all(pool).await.unwrap();
    all.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_quick_way_writes_what_the_thorough_way_writes_and_hands_over_what_is_read() {
    let db = support::db().await;
    let (quick, thorough) = (gauge(&db.pool, "A").await, gauge(&db.pool, "B").await);
    let tail = Tail::default();
    let mut appender = Appender::new(tail.clone());
    // The first batch shows the appender the stream; from then on its readings are newer.
    append(&mut appender, &db.pool, &batch(quick, 0, 1)).await;
    let seen = rows(&db.pool).await.last().unwrap().seq;
    assert!(tail.take_after(Seq(0), 100).is_empty());
    append(&mut appender, &db.pool, &batch(quick, 1, 30)).await;
    append(&mut appender, &db.pool, &batch(quick, 31, 9)).await;
    let handed = tail.take_after(seen, 1000);
    assert_eq!(handed.len(), 39);
    assert_eq!(handed, rows(&db.pool).await[1..]);

    for (from, count) in [(0, 1), (1, 30), (31, 9)] {
        journal::append(&db.pool, &Clock::manual(start_at()), &batch(thorough, from, count), &[]).await.unwrap();
    }
    assert_eq!(contents(&db.pool, quick).await, contents(&db.pool, thorough).await);
    let all: Vec<Seq> = rows(&db.pool).await.iter().map(|row| row.seq).collect();
    let head = journal::head(&mut db.pool.acquire().await.unwrap()).await.unwrap().unwrap();
    assert_eq!(Some(&head.seq), all.last());
}

#[tokio::test]
async fn after_each_quick_append_the_head_is_its_last_row() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let mut appender = Appender::new(Tail::default());
    for from in [0, 5, 10] {
        append(&mut appender, &db.pool, &batch(stream, from, 5)).await;
        let head = journal::head(&mut db.pool.acquire().await.unwrap()).await.unwrap().unwrap();
        let last = rows(&db.pool).await.pop().unwrap();
        assert_eq!((head.seq, head.received_at), (last.seq, last.received_at));
    }
}

#[tokio::test]
async fn what_another_process_took_meanwhile_is_known_all_the_same() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let (mut one, mut other) = (Appender::new(Tail::default()), Appender::new(Tail::default()));
    append(&mut one, &db.pool, &batch(stream, 0, 3)).await;
    append(&mut other, &db.pool, &batch(stream, 3, 3)).await;
    let mut later = batch(stream, 3, 5);
    later[1].value = Fixed(1);
    let outcomes = append(&mut one, &db.pool, &later).await;
    use Outcome::{Appended, Duplicate, Revision};
    assert_eq!(outcomes, [Duplicate, Revision, Duplicate, Appended, Appended]);
    // The same batch again, which this process has seen itself.
    assert_eq!(append(&mut one, &db.pool, &later).await, [Duplicate; 5]);
    assert_eq!(rows(&db.pool).await.len(), 9);
}

#[tokio::test]
async fn a_row_that_is_refused_goes_to_quarantine_alone_on_the_quick_way_too() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let mut appender = Appender::new(Tail::default());
    append(&mut appender, &db.pool, &batch(stream, 0, 1)).await;
    let mut bad = batch(stream, 1, 6);
    bad[2].message_id = Some("a\0b".into());
    bad[4].device_id = Some(DeviceId(999_999));
    let beside = Quarantined {
        source: Source::Mqtt,
        device: None,
        topic: None,
        payload: b"{".to_vec(),
        reason: "no JSON".into(),
        field: "payload".into(),
        value: "{".into(),
    };
    let clock = Clock::manual(start_at());
    let outcomes = appender.append(&db.pool, &clock, &bad, std::slice::from_ref(&beside)).await.unwrap();
    let refused: Vec<usize> = (0..6).filter(|n| outcomes[*n] == Outcome::Refused).collect();
    assert_eq!(refused, [2, 4]);
    assert_eq!(rows(&db.pool).await.len(), 5);
    let fields: Vec<String> = quarantine(&db.pool).await.into_iter().map(|(field, ..)| field).collect();
    assert_eq!(fields, ["payload", "reading", "reading"]);
    // Quarantine goes with the quick way as well, once and no more.
    let next = batch(stream, 7, 2);
    appender.append(&db.pool, &clock, &next, std::slice::from_ref(&beside)).await.unwrap();
    assert_eq!((rows(&db.pool).await.len(), quarantine(&db.pool).await.len()), (7, 4));
}

#[tokio::test]
async fn a_month_that_is_not_there_yet_is_made() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let mut appender = Appender::new(Tail::default());
    append(&mut appender, &db.pool, &batch(stream, 0, 1)).await;
    let mut later = batch(stream, 1, 3);
    later[2].observed_at += TimeDelta::days(200);
    assert_eq!(append(&mut appender, &db.pool, &later).await, [Outcome::Appended; 3]);
    assert_eq!(rows(&db.pool).await.len(), 4);
}

#[tokio::test]
async fn nobody_removes_what_the_journal_speaks_of() {
    let db = support::db().await;
    let (spoken_of, unused) = (gauge(&db.pool, "A").await, gauge(&db.pool, "B").await);
    let device: i64 = sqlx::query_scalar("select id from device where code = 'A'").fetch_one(&db.pool).await.unwrap();
    let mut first = batch(spoken_of, 0, 1);
    first[0].device_id = Some(DeviceId(device));
    append(&mut Appender::new(Tail::default()), &db.pool, &first).await;
    let remove = async |table: &'static str, id: i64| {
        let sql =
            if table == "device" { "delete from device where id = $1" } else { "delete from datastream where id = $1" };
        let removed = sqlx::query(sql).bind(id).execute(&db.pool).await;
        removed
            .map(|done| done.rows_affected())
            .map_err(|error| error.as_database_error().and_then(|e| e.code().map(String::from)))
    };
    assert_eq!(remove("datastream", spoken_of.0).await, Err(Some("23503".to_owned())));
    assert_eq!(remove("device", device).await, Err(Some("23503".to_owned())));
    assert_eq!(remove("datastream", unused.0).await, Ok(1));
    let late = append(&mut Appender::new(Tail::default()), &db.pool, &batch(unused, 0, 1)).await;
    assert_eq!(late, [Outcome::Refused]);
}
