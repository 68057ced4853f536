//! Quality control: held against ioos-qc, the reference implementation of QARTOD, and followed from the journal to the pages.

use std::collections::BTreeMap;
use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::{Role, store as accounts};
use sentinela::clock::{Instant, from_micros};
use sentinela::engine::{Effect, Engine, Input, ReadingInput};
use sentinela::ids::{DatastreamId, Seq};
use sentinela::ingest::quality::{Subject, judge};
use sentinela::ingest::{NewReading, Source};
use sentinela::pipeline::Pipeline;
use sentinela::risk::control::{Limits, Range};
use sentinela::risk::network::{Network, StreamSpec};
use sentinela::units::{Fixed, Quality, Quantity, StreamKind};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support;

/// The river of May 2024 with faults put in, and what ioos-qc 3.0.0 says of it (tests/peers/ioos_qc/golden.py).
fn reference() -> Vec<(i64, f64, [u8; 4])> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ioos_qc/guaiba.csv");
    let mut reader = csv::Reader::from_path(file).unwrap();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let flag = |column: usize| row[column].parse().unwrap();
        (row[0].parse().unwrap(), row[1].parse().unwrap(), [flag(2), flag(3), flag(4), flag(5)])
    });
    rows.collect()
}

/// What our own fold says under these limits, as QARTOD numbers: 1 passed, 3 suspect, 4 failed.
fn judged(limits: serde_json::Value, rows: &[(i64, f64, [u8; 4])]) -> Vec<u8> {
    let spec = StreamSpec {
        id: DatastreamId(1),
        station_code: "87450004".into(),
        station_name: "Cais Mauá".into(),
        name: "level".into(),
        point: geo::Point::new(-51.2, -30.0),
        quantity: Quantity::WaterLevel,
        kind: StreamKind::Instantaneous,
        interval: None,
        stale_after: 7_200_000_000,
        counter: Default::default(),
        stages: Default::default(),
        limits: serde_json::from_value::<Limits>(limits).unwrap(),
    };
    let mut engine = Engine::new(Network { streams: vec![spec], ..Network::default() }.bind().unwrap());
    let mut effects = Vec::new();
    for (index, (at, value, _)) in rows.iter().enumerate() {
        let at = from_micros(at * 1_000_000);
        engine.step(
            &Input::Reading(ReadingInput {
                seq: Seq(index as i64),
                datastream: DatastreamId(1),
                observed_at: at,
                received_at: at,
                value: Fixed::try_from(*value).unwrap(),
                quality: Quality::Pass,
                why: None,
                revises: None,
            }),
            &mut effects,
        );
    }
    let mut flags = vec![1; rows.len()];
    for effect in effects {
        let Effect::Flagged(flag) = effect else { continue };
        flags[flag.seq.0 as usize] = if flag.quality == Quality::Fail { 4 } else { 3 };
    }
    flags
}

/// Readings of which we say something else than ioos-qc, as "index ours/theirs".
fn differences(ours: &[u8], rows: &[(i64, f64, [u8; 4])], test: usize) -> Vec<String> {
    // 2 is "cannot be judged": the first and the last reading.
    let theirs = rows.iter().map(|(_, _, flags)| if flags[test] == 2 { 1 } else { flags[test] });
    let all = ours.iter().zip(theirs).enumerate();
    all.filter(|(_, (ours, theirs))| **ours != *theirs).map(|(at, (o, t))| format!("{at} {o}/{t}")).collect()
}

#[test]
fn spikes_are_found_as_ioos_qc_finds_them_and_their_neighbours_are_not_blamed() {
    let rows = reference();
    let ours = judged(json!({ "spike": { "suspect": 0.3, "fail": 1.0 } }), &rows);
    // ioos-qc measures the reading after a spike against the spike itself, and blames it; here what failed is gone by then. And
    // it takes the flood that rose while the gauge was silent (15 hours between 285 and 286) for a spike.
    let told = differences(&ours, &rows, 0);
    assert_eq!(told, ["285 1/3", "286 1/3", "501 1/4", "1201 1/4", "1501 1/4", "2302 1/4"]);
    for spike in [500, 1200, 1500] {
        assert_eq!((ours[spike], rows[spike].2[0]), (4, 4), "reading {spike}");
    }
    for bump in [300, 800, 1900] {
        assert_eq!((ours[bump], rows[bump].2[0]), (3, 3), "reading {bump}");
    }
}

#[test]
fn jumps_are_found_as_ioos_qc_finds_them_and_the_way_back_is_none() {
    let rows = reference();
    let ours = judged(json!({ "rate": { "suspect": 1.23, "fail": 4.1 } }), &rows);
    // The reference blames the reading after a failed one for the way back, and believes the second of two wrong ones (2301).
    assert_eq!(differences(&ours, &rows, 1), ["501 1/4", "1201 1/4", "1501 1/4", "2301 4/1", "2302 1/4"]);
}

#[test]
fn a_river_that_stands_still_is_doubted_when_ioos_qc_doubts_it() {
    let rows = reference();
    let ours = judged(json!({ "flat": { "suspect_h": 12, "fail_h": 24, "tolerance": 0.005 } }), &rows);
    assert!(ours.contains(&3) && ours.contains(&4));
    assert_eq!(differences(&ours, &rows, 2), Vec::<String>::new());
}

#[test]
fn what_is_out_of_range_is_the_same_for_ioos_qc_reading_by_reading() {
    let rows = reference();
    // The same bounds as in golden.py; readings are equal to each of them.
    let bounds = |low: f64, high: f64| [Fixed::try_from(low).unwrap(), Fixed::try_from(high).unwrap()];
    let range = Some(Range { fail: bounds(1.13, 5.35), suspect: bounds(1.18, 5.0) });
    let subject = Subject { quantity: Quantity::WaterLevel, kind: StreamKind::Instantaneous, interval_s: None, range };
    let ours: Vec<u8> = rows
        .iter()
        .map(|(_, value, _)| match judge(subject, Fixed::try_from(*value).unwrap()).0 {
            Quality::Fail => 4,
            Quality::Suspect => 3,
            _ => 1,
        })
        .collect();
    assert!([1, 3, 4].iter().all(|flag| ours.contains(flag)));
    assert_eq!(differences(&ours, &rows, 3), Vec::<String>::new());
}

/// A slope between four gauges some kilometres apart.
const TOWN: &str = "
    insert into station (code, name, geom, created_at, updated_at) values
        ('G1', 'Ponte Preta', 'SRID=4326;POINT(-43.395 -21.75)', now(), now()),
        ('G2', 'Pluviômetro 2', 'SRID=4326;POINT(-43.345 -21.75)', now(), now()),
        ('G3', 'Pluviômetro 3', 'SRID=4326;POINT(-43.395 -21.70)', now(), now()),
        ('G4', 'Pluviômetro 4', 'SRID=4326;POINT(-43.445 -21.75)', now(), now());
    insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
        select id, 'rain', 'rain', 'mm', 'interval_sum', 9000, now() from station order by code;
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('ponte-preta', 'Ponte Preta', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;";

fn rain(stream: i64, at: Instant, mm: i64) -> NewReading {
    NewReading {
        datastream_id: DatastreamId(stream),
        device_id: None,
        message_id: None,
        observed_at: at,
        value: Fixed::from_whole(mm),
        quality: Quality::Pass,
        quality_reason: String::new(),
        source: Source::Http,
    }
}

#[tokio::test]
async fn a_gauge_that_reads_nothing_in_a_storm_makes_its_area_unknown_and_says_why() {
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    let mut conn = app.db.ingest.acquire().await.unwrap();
    let mut pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
    let start = app.clock.now();
    for hour in 0..27 {
        let at = start + TimeDelta::hours(hour);
        app.clock.set(at);
        let wet = (1..=4).map(|stream| rain(stream, at, if stream == 1 { 0 } else { 1 + hour % 3 })).rev();
        app.ingest.submit(wet.collect(), vec![]).await.unwrap();
        pipeline.drain(&mut conn).await.unwrap();
        if hour == 25 {
            // A restart in between forgets nothing of it.
            pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
        }
    }
    app.clock.set(start + TimeDelta::hours(27));
    pipeline.tick(&mut conn).await.unwrap();
    let levels: Vec<String> = sqlx::query_scalar("select level from area_level").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(levels, ["unknown"], "the only gauge of the slope is not believed");
    let flags: Vec<(String, i64)> =
        sqlx::query_as("select test, count(*) from reading_flag group by test").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(flags, [("neighbours".to_owned(), 2)]);
    let reasons: serde_json::Value =
        sqlx::query_scalar("select reasons from area_level").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(reasons[0]["stations"][0]["doubt"]["test"], "neighbours", "{reasons}");

    let refused = sqlx::query("delete from reading_flag").execute(&db.pool).await;
    assert!(refused.is_err(), "flags are never rewritten");

    accounts_of(&app).await;
    let (cookie, _) = support::session_of(&app, member(&app).await).await;
    let page = get(&app, "/console/stations/G1/quality", &cookie).await;
    for word in ["duvidosa", "seca entre vizinhas molhadas", "0 mm em 24 h, onde 3 estações até 7 km têm mediana de"]
    {
        assert!(page.contains(word), "{word:?} is not on the page:\n{page}");
    }
}

async fn accounts_of(app: &sentinela::app::App) {
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    accounts::upsert_member(&mut conn, &app.ids, now, "ana", "Ana", &Role::Operator.into(), "x").await.unwrap();
}

async fn member(app: &sentinela::app::App) -> sentinela::ids::StaffId {
    let id: uuid::Uuid =
        sqlx::query_scalar("select id from staff where username = 'ana'").fetch_one(&app.db.web).await.unwrap();
    sentinela::ids::StaffId(id)
}

async fn get(app: &sentinela::app::App, path: &str, cookie: &str) -> String {
    let request = Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
    let response = sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap();
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_stream_is_given_limits_of_its_own_on_its_page_and_they_are_audited() {
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    accounts_of(&app).await;
    let (cookie, csrf) = support::session_of(&app, member(&app).await).await;
    let post = async |fields: &[(&str, &str)]| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &csrf).append_pair("stream", "rain").extend_pairs(fields);
        let request = Request::post("/console/stations/G1/quality")
            .header("cookie", &cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.finish()))
            .unwrap();
        sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap()
    };
    let good = [("off_neighbours", "1"), ("flat_suspect", "3"), ("fail_low", "0"), ("fail_high", "80,5")];
    assert_eq!(post(&good).await.status(), StatusCode::SEE_OTHER);
    let stored: serde_json::Value =
        sqlx::query_scalar("select limits from datastream where id = 1").fetch_one(&db.pool).await.unwrap();
    assert_eq!(stored["off"], json!(["neighbours"]));
    assert_eq!((&stored["flat"]["suspect_h"], &stored["range"]["fail"]), (&json!(3), &json!([0.0, 80.5])));
    let acts: Vec<String> = sqlx::query_scalar("select act from audit_event where act = 'station.limits'")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(acts.len(), 1);

    for (bad, word) in [([("spike_suspect", "um")], "Pico isolado"), ([("rate_fail", "3")], "Variação por hora")] {
        let response = post(&bad).await;
        let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        let page = String::from_utf8_lossy(&body);
        assert!(page.contains("Confira os números") && page.contains(word), "{bad:?}");
    }
    let kept: BTreeMap<String, serde_json::Value> = serde_json::from_value(
        sqlx::query_scalar("select limits from datastream where id = 1").fetch_one(&db.pool).await.unwrap(),
    )
    .unwrap();
    assert!(kept.contains_key("flat"), "a wrong form changes nothing");
}

#[tokio::test]
async fn what_did_not_come_is_missing_until_it_comes_late() {
    let db = support::db().await;
    sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
    sqlx::query("update datastream set interval_s = 600 where id = 1").execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    let start = app.clock.now();
    let at = |minute: i64| start + TimeDelta::minutes(minute);
    app.clock.set(at(130));
    let send = async |stream: i64, minutes: &[i64]| {
        let readings = minutes.iter().map(|minute| rain(stream, at(*minute), 0)).collect();
        app.ingest.submit(readings, vec![]).await.unwrap();
    };
    send(1, &[0, 10, 20, 40, 90]).await;
    send(2, &[0, 120]).await;
    accounts_of(&app).await;
    let (cookie, _) = support::session_of(&app, member(&app).await).await;
    let missing = async |station: &str| {
        let told = get(&app, &format!("/api/v1/stations/{station}/quality"), &cookie).await;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let gaps = told["missing"].as_array().unwrap().iter().map(|gap| {
            let minute =
                |key: &str| gap[key].as_str().map(|text| (text.parse::<Instant>().unwrap() - start).num_minutes());
            (minute("after").unwrap(), minute("until"), gap["readings"].as_i64())
        });
        gaps.collect::<Vec<_>>()
    };
    // Twenty minutes without a word are no gap yet; forty-five are one, and so are the forty up to now.
    assert_eq!(missing("G1").await, [(90, None, Some(4)), (40, Some(90), Some(4))]);
    assert_eq!(missing("G2").await, [], "it may be silent for two and a half hours");
    let page = get(&app, "/console/stations/G1/quality", &cookie).await;
    assert!(page.contains("ainda falta") && page.contains("4 leituras a menos; a série pode calar 20 min"), "{page}");
    send(1, &[50, 60, 70, 80, 100, 110, 120]).await;
    assert_eq!(missing("G1").await, []);
}
