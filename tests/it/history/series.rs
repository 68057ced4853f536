//! Series by window, readings by page, exports and the station's page.

use axum::body::Body;
use axum::http::{Request, Response, header};
use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::catalogue::Format;
use sentinela::clock::Clock;
use sentinela::ids::DatastreamId;
use sentinela::ingest::NewReading;
use sentinela::journal::{self, Outcome};
use sentinela::units::{Fixed, Quality};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::ingest::{gauge, reading};
use crate::support::{self, TestDb, start_at};

async fn get(app: &App, path: &str) -> Response<Body> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

async fn json(app: &App, path: &str) -> Value {
    let response = get(app, path).await;
    let status = response.status();
    let body = text(response).await;
    assert!(status.is_success(), "{path}: {status} {body}");
    serde_json::from_str(&body).unwrap()
}

/// A reading so many minutes before noon.
fn before(stream: DatastreamId, minutes: i64, value: i64) -> NewReading {
    let message = format!("m{minutes}");
    NewReading { observed_at: start_at() - TimeDelta::minutes(minutes), ..reading(stream, &message, value) }
}

async fn append(db: &TestDb, readings: &[NewReading]) -> Vec<Outcome> {
    journal::append(&db.pool, &Clock::manual(start_at()), readings, &[]).await.unwrap()
}

/// From 8 to 12: an hour of 1 mm each ten minutes, one of which was corrected to 4; nothing; an hour with a doubtful, a failed and
/// a flagged reading; an hour in which everything failed.
async fn morning(db: &TestDb) -> DatastreamId {
    let stream = gauge(&db.pool, "A").await;
    let mut all: Vec<NewReading> = (0..6).map(|n| before(stream, 190 - n * 10 + 40, 1)).collect();
    all.push(NewReading { quality: Quality::Suspect, quality_reason: "usual range".into(), ..before(stream, 110, 2) });
    all.push(NewReading { quality: Quality::Fail, quality_reason: "gross range".into(), ..before(stream, 100, 900) });
    all.push(before(stream, 90, 3));
    all.push(NewReading { quality: Quality::Fail, ..before(stream, 0, 900) });
    append(db, &all).await;
    append(db, &[NewReading { value: Fixed::from_whole(4), ..before(stream, 180, 1) }]).await;
    let flag = "insert into reading_flag select seq, datastream_id, observed_at, 'neighbours', 'fail', 'no neighbour agrees', now()
        from journal where value = 3";
    sqlx::query(flag).execute(&db.pool).await.unwrap();
    stream
}

const HOURS: &str = "/api/v1/stations/A/series?stream=rain&from=2026-02-22T08:00:00Z&to=2026-02-22T12:00:00Z";

#[tokio::test]
async fn a_bucket_says_what_it_is_worth_and_missing_is_not_zero() {
    let db = support::db().await;
    morning(&db).await;
    let app = support::app(&db);
    let answer = json(&app, &format!("{HOURS}&window=1h")).await;
    assert_eq!((&answer["function"], &answer["stream"]["unit"]), (&"sum".into(), &"mm".into()));
    let told: Vec<(Option<f64>, &str, f64)> = answer["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| (b["value"].as_f64(), b["quality"].as_str().unwrap(), b["coverage"].as_f64().unwrap()))
        .collect();
    let expected = [
        // The reading of nine o'clock sharp belongs to the hour that it ends, in its corrected value.
        (Some(9.0), "pass", 1.0),
        (None, "missing", 0.0),
        (Some(2.0), "suspect", 0.167),
        (None, "fail", 0.0),
    ];
    assert_eq!(told, expected);
    for (function, value) in [("max", 4.0), ("min", 1.0), ("mean", 1.5), ("last", 4.0), ("count", 6.0)] {
        let answer = json(&app, &format!("{HOURS}&window=1h&function={function}")).await;
        assert_eq!(answer["buckets"][0]["value"].as_f64(), Some(value), "{function}");
    }
    let answer = json(&app, &format!("{HOURS}&window=1h&function=count")).await;
    assert_eq!(answer["buckets"][1]["value"].as_f64(), Some(0.0), "of a count zero is known");
}

#[tokio::test]
async fn readings_come_page_by_page_each_as_it_counts_today() {
    let db = support::db().await;
    morning(&db).await;
    let app = support::app(&db);
    let (mut readings, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = json(&app, &format!("{HOURS}&limit=4{cursor}")).await;
        readings.extend(page["readings"].as_array().unwrap().clone());
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((pages, readings.len()), (3, 10));
    let told: Vec<(f64, &str)> =
        readings.iter().map(|r| (r["value"].as_f64().unwrap(), r["quality"].as_str().unwrap())).collect();
    assert_eq!(told[5], (4.0, "pass"), "the correction, once");
    assert_eq!(told[6..], [(2.0, "suspect"), (900.0, "fail"), (3.0, "fail"), (900.0, "fail")]);
    assert_eq!(readings[8]["reason"], "no neighbour agrees");
}

#[tokio::test]
async fn csv_and_geojson_say_the_same() {
    let db = support::db().await;
    morning(&db).await;
    let app = support::app(&db);
    let raw = get(&app, &format!("{HOURS}&f=csv")).await;
    assert!(raw.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().contains("A-rain.csv"));
    let raw = text(raw).await;
    assert_eq!(raw.lines().count(), 11);
    assert_eq!(raw.lines().nth(1), Some("A,rain,2026-02-22T08:10:00Z,1,mm,pass,"));
    let request = Request::get(format!("{HOURS}&window=1h")).header(header::ACCEPT, "text/csv").body(Body::empty());
    let hours = sentinela::web::router::router(app.clone()).oneshot(request.unwrap()).await.unwrap();
    let hours = text(hours).await;
    assert_eq!(hours.lines().nth(2), Some("A,rain,2026-02-22T09:00:00Z,2026-02-22T10:00:00Z,,mm,missing,0,0,0,0"));
    let feature = json(&app, &format!("{HOURS}&window=1h&f=geojson")).await;
    assert_eq!(feature["geometry"]["coordinates"], serde_json::json!([-43.35, -21.76]));
    assert_eq!(feature["properties"]["buckets"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_cannot_be_answered_names_its_parameter() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let app = support::app(&db);
    for (query, field) in [
        ("", "stream"),
        ("?stream=snow", "stream"),
        ("?stream=rain&from=yesterday", "from"),
        ("?stream=rain&from=2026-02-22T13:00:00Z", "from"),
        ("?stream=rain&from=1990-01-01T00:00:00Z", "from"),
        ("?stream=rain&from=2026-01-01T00:00:00Z&window=1m", "window"),
        ("?stream=rain&window=fortnight", "window"),
        ("?stream=rain&window=1h&function=median", "function"),
        ("?stream=rain&function=sum", "function"),
        ("?stream=rain&window=1h&limit=3", "limit"),
        ("?stream=rain&limit=10001", "limit"),
        ("?stream=rain&cursor=x", "cursor"),
        // The first instant there is, long before the range, and after it.
        ("?stream=rain&cursor=-8334601228800000000.1", "cursor"),
        ("?stream=rain&from=2026-02-22T00:00:00Z&cursor=1771632000000000.1", "cursor"),
        ("?stream=rain&cursor=4102444800000000.1", "cursor"),
        ("?stream=rain&f=xls", "f"),
    ] {
        let response = get(&app, &format!("/api/v1/stations/A/series{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        let problem: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
    assert_eq!(get(&app, "/api/v1/stations/Z/series").await.status(), 404);
}

#[tokio::test]
async fn an_export_is_read_again_to_the_same_journal() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let device: i64 = sqlx::query_scalar("select id from device").fetch_one(&db.pool).await.unwrap();
    // Sent by a device, by an unnamed source, and with a message that CSV must quote.
    let mut all: Vec<NewReading> = (1..40).map(|n| before(stream, n * 1_000, n)).collect();
    for reading in all.iter_mut().step_by(2) {
        reading.device_id = Some(sentinela::ids::DeviceId(device));
        reading.message_id = reading.message_id.take().map(|id| format!("{id}, \"x\""));
    }
    all[5].message_id = None;
    append(&db, &all).await;
    append(&db, &[NewReading { value: Fixed::from_whole(77), ..all[3].clone() }]).await;
    let export = |db: &TestDb| {
        let mut command = support::sentinela();
        command.args(["export", "readings", "--from", "2020-01-01T00:00:00Z"]);
        command.env("SENTINELA__DATABASE__URL", &db.url);
        command
    };
    let written = export(&db).output().await.unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));

    // Where everything is known nothing changes.
    let mut conn = db.pool.acquire().await.unwrap();
    let now = Clock::System.now();
    let rows = sentinela::catalogue::store::readings(&mut conn, now, Format::Csv, &written.stdout).await.unwrap();
    assert_eq!(rows.len(), 39);
    assert!(append(&db, &rows).await.iter().all(|outcome| *outcome == Outcome::Duplicate));

    // In an empty journal it becomes the same readings, which are written out the same.
    let other = support::db().await;
    gauge(&other.pool, "A").await;
    let mut conn = other.pool.acquire().await.unwrap();
    let rows = sentinela::catalogue::store::readings(&mut conn, now, Format::Csv, &written.stdout).await.unwrap();
    assert!(append(&other, &rows).await.iter().all(|outcome| *outcome == Outcome::Appended));
    let again = export(&other).output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&again.stdout), String::from_utf8_lossy(&written.stdout));
}

#[tokio::test]
async fn a_download_of_years_comes_in_pieces() {
    let db = support::db().await;
    let stream = gauge(&db.pool, "A").await;
    let many: Vec<NewReading> = (0..10_050).map(|n| before(stream, n * 60, 1)).collect();
    for batch in many.chunks(2_000) {
        append(&db, batch).await;
    }
    let app = support::app(&db);
    let url = "/api/v1/stations/A/series?stream=rain&from=2020-01-01T00:00:00Z&f=csv";
    let body = text(get(&app, url).await).await;
    assert_eq!(body.lines().count(), 10_051);
    let instants: std::collections::BTreeSet<&str> =
        body.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(instants.len(), 10_050, "none twice, none lost at the seam");
}

/// A page of the console for somebody who may see it.
async fn console(app: &App, path: &str) -> String {
    use sentinela::accounts::role::Role;
    let mut conn = app.db.web.acquire().await.unwrap();
    let member = sentinela::accounts::store::upsert_member(
        &mut conn,
        &app.ids,
        app.clock.now(),
        "ana",
        "Ana",
        &Role::Viewer.into(),
        "x",
    )
    .await
    .unwrap();
    drop(conn);
    let (cookie, _) = support::session_of(app, member).await;
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let response = sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    text(response).await
}

#[tokio::test]
async fn the_station_page_draws_what_came_and_leaves_open_what_did_not() {
    let db = support::db().await;
    morning(&db).await;
    let app = support::app(&db);
    let page = console(&app, "/console/stations/A").await;
    for part in [
        "class=\"gap\"",
        "class=\"bar pass\"",
        "class=\"dot fail\"",
        "no neighbour agrees",
        "gross range",
        "nada recebido",
        "/api/v1/stations/A/series?stream=rain",
        "aria-current=\"true\"",
    ] {
        assert!(page.contains(part), "{part:?} is not in the page");
    }
    for range in ["3d", "30d", "1y", "nonsense"] {
        assert!(console(&app, &format!("/console/stations/A?range={range}")).await.contains("id=\"history\""));
    }
}

#[tokio::test]
async fn the_chart_names_every_level_s_threshold_of_the_window_that_is_chosen_on_a_calm_day_too() {
    let db = support::db().await;
    morning(&db).await;
    let area = "insert into risk_area (code, name, geom, created_at, updated_at) values
            ('X', 'X', st_multi(st_makeenvelope(-43.36, -21.77, -43.34, -21.75, 4326)), now(), now());
        insert into area_hazard (area_id, cobrade, grade) select id, '1.1.3.2.1', 'R4' from risk_area";
    sqlx::raw_sql(area).execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    let rules = sentinela::risk::store::load_rules(None).unwrap();
    let rule = rules.iter().find(|rule| rule.hazard.to_string() == "1.1.3.2.1").unwrap();
    for (window, hours) in [("1h", 1), ("24h", 24), ("72h", 72), ("96h", 96)] {
        let page = console(&app, &format!("/console/stations/A?range=30d&window={window}")).await;
        assert!(page.contains(&format!("acumulado em {hours} h")), "{window}");
        let conditions = rule.conditions().map(|(level, any)| (level.level, any));
        let of_window = conditions.filter(|(_, any)| {
            any.measure.kind() == sentinela::risk::reason::MeasureKind::Sum
                && any.measure.window_min() == Some(hours * 60)
        });
        let expected: std::collections::BTreeSet<String> =
            of_window.map(|(level, _)| format!("class=\"limit {level}\"")).collect();
        assert!(window != "24h" || expected.len() >= 2, "{expected:?}");
        for line in &expected {
            assert!(page.contains(line), "{window}: {line:?} is not drawn");
        }
    }
}

#[tokio::test]
async fn features_of_stations_tell_the_latest_value_and_where_the_series_is() {
    let db = support::db().await;
    morning(&db).await;
    let app = support::app(&db);
    let response = get(&app, "/ogc/collections/stations/items").await;
    assert_eq!(response.headers()["content-crs"], "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>");
    let all: Value = serde_json::from_str(&text(response).await).unwrap();
    let feature = &all["features"][0];
    let streams = feature["properties"]["streams"].as_array().unwrap();
    let rain = streams.iter().find(|stream| stream["name"] == "rain").unwrap();
    assert_eq!((&rain["latest"]["quality"], rain["latest"]["value"].as_f64()), (&"fail".into(), Some(900.0)));
    assert_eq!(streams.iter().find(|stream| stream["name"] == "level").unwrap()["latest"], Value::Null);
    let hrefs: Vec<&str> =
        feature["links"].as_array().unwrap().iter().filter_map(|link| link["href"].as_str()).collect();
    assert!(hrefs.iter().any(|href| href.ends_with("/api/v1/stations/A/series?stream=rain")), "{hrefs:?}");
    for (datetime, count) in
        [("2026-02-22T12:00:00Z", 1), ("2026-02-22T11:00:00Z/..", 1), ("../2026-02-22T11:00:00Z", 0), ("../..", 1)]
    {
        let some = json(&app, &format!("/ogc/collections/stations/items?datetime={datetime}")).await;
        assert_eq!((&some["numberMatched"], &some["numberReturned"]), (&count.into(), &count.into()), "{datetime}");
    }
    assert_eq!(get(&app, "/ogc/collections/stations/items?datetime=yesterday").await.status(), 400);
}
