//! Stations that fall silent, drift or lie, the work that follows, and the report of the morning after.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use sentinela::accounts::Role;
use sentinela::app::App;
use sentinela::ids::DeviceId;
use sentinela::ingest::formats::status::Status;
use sentinela::ingest::reports::Said;
use sentinela::morning;
use sentinela::stations::health::worker;
use sentinela::stations::store::{self, NewDatastream, NewStation};
use sentinela::units::{Quantity, StreamKind};
use tower::ServiceExt as _;

use crate::support::{self, TestDb, start_at};

type At = DateTime<Utc>;

/// A gauge that promises something every ten minutes and is silent after an hour: the id of its stream.
async fn gauge(db: &TestDb, code: &str, created_at: At, interval_s: i32, stale_after_s: i32) -> i64 {
    let mut conn = db.pool.acquire().await.unwrap();
    let new = NewStation {
        code: code.into(),
        name: format!("Posto {code}"),
        lon: -43.35,
        lat: -21.76,
        elevation_m: None,
        source: "test".into(),
    };
    let (id, _) = store::upsert_station(&mut conn, created_at, &new).await.unwrap();
    let stream = NewDatastream {
        name: "rain".into(),
        quantity: Quantity::Rain,
        unit: "mm".into(),
        kind: StreamKind::IntervalSum,
        interval_s: Some(interval_s),
        stale_after_s,
        counting: Default::default(),
        stages: Default::default(),
    };
    store::upsert_datastream(&mut conn, created_at, id, &stream).await.unwrap();
    sqlx::query_scalar("select d.id from datastream d where d.station_id = $1")
        .bind(id.0)
        .fetch_one(&db.pool)
        .await
        .unwrap()
}

/// The partition that a row written past the service needs.
async fn open_month(db: &TestDb, at: At) {
    sqlx::query("select journal_open_month($1::timestamptz::date)").bind(at).execute(&db.pool).await.unwrap();
}

/// A reading that was received two seconds after it was measured.
async fn reading(db: &TestDb, stream: i64, at: At, value: f64) -> i64 {
    open_month(db, at).await;
    sqlx::query_scalar(
        "insert into journal (seq, datastream_id, observed_at, received_at, value, quality, source, reading_key)
         select n, $1, $2, $2::timestamptz + interval '2 seconds', $3, 'pass', 'mqtt', decode(lpad(to_hex(n), 32, '0'), 'hex')
         from (select nextval('journal_seq') as n) as next returning seq",
    )
    .bind(stream)
    .bind(at)
    .bind(value)
    .fetch_one(&db.pool)
    .await
    .unwrap()
}

/// A day of readings, one in ten minutes, the last at `until`.
async fn day_of_readings(db: &TestDb, stream: i64, until: At) {
    for n in 0..150 {
        reading(db, stream, until - TimeDelta::minutes(10 * n), 0.0).await;
    }
}

async fn round(app: &App, now: At) {
    app.clock.set(now);
    assert!(worker::round(app, now).await.unwrap(), "a round was due at {now}");
}

/// "kind" of each open fault of a station, in order.
async fn open_faults(db: &TestDb, code: &str) -> Vec<String> {
    sqlx::query_scalar(
        "select f.kind from station_fault f join station s on s.id = f.station_id
         where s.code = $1 and f.closed_at is null order by f.kind",
    )
    .bind(code)
    .fetch_all(&db.pool)
    .await
    .unwrap()
}

/// "act detail" of everything that happened to tasks, oldest first.
async fn history(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar("select trim(act || ' ' || detail) from maintenance_event order by id")
        .fetch_all(&db.pool)
        .await
        .unwrap()
}

async fn count(db: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap()
}

const OPEN_TASKS: &str = "select count(*) from maintenance_task where closed_at is null";

#[tokio::test]
async fn a_station_that_falls_silent_gets_one_task_and_loses_it_when_it_speaks_again() {
    let db = support::db().await;
    let app = support::app(&db);
    let now = start_at();
    let stream = gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    day_of_readings(&db, stream, now).await;
    round(&app, now).await;
    assert_eq!(open_faults(&db, "a").await, Vec::<String>::new());
    let later = now + TimeDelta::minutes(70);
    round(&app, later).await;
    assert_eq!(open_faults(&db, "a").await, ["silent"]);
    round(&app, later + TimeDelta::minutes(1)).await;
    assert_eq!(history(&db).await, ["opened", "fault silent"]);
    reading(&db, stream, later + TimeDelta::minutes(2), 0.2).await;
    round(&app, later + TimeDelta::minutes(3)).await;
    assert_eq!(open_faults(&db, "a").await, Vec::<String>::new());
    assert_eq!(history(&db).await[2..], ["mended silent", "closed"]);
    // Silent again within the day: the same task.
    round(&app, later + TimeDelta::minutes(80)).await;
    assert_eq!(history(&db).await[4..], ["reopened", "fault silent"]);
    assert_eq!(count(&db, "select count(*) from maintenance_task").await, 1);
}

#[tokio::test]
async fn a_round_is_done_once_however_many_ask() {
    let db = support::db().await;
    let app = support::app(&db);
    let now = start_at();
    gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    let (first, second) = tokio::join!(worker::round(&app, now), worker::round(&app, now));
    assert!(first.unwrap() != second.unwrap());
    assert_eq!(open_faults(&db, "a").await, ["never_heard"]);
    assert_eq!(history(&db).await, ["opened", "fault never_heard"]);
}

#[tokio::test]
async fn flags_of_the_neighbours_test_make_a_station_doubtful() {
    let db = support::db().await;
    let app = support::app(&db);
    let now = start_at();
    let stream = gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    for n in 0..144 {
        let at = now - TimeDelta::minutes(10 * n);
        let seq = reading(&db, stream, at, 0.0).await;
        if n < 50 {
            sqlx::query(
                "insert into reading_flag values ($1, $2, $3, 'neighbours', 'suspect', 'others measured 40 mm', $3)",
            )
            .bind(seq)
            .bind(stream)
            .bind(at)
            .execute(&db.pool)
            .await
            .unwrap();
        }
    }
    round(&app, now).await;
    assert_eq!(open_faults(&db, "a").await, ["disagrees"]);
}

#[tokio::test]
async fn where_many_speak_often_each_is_counted_over_less_than_a_day() {
    let db = support::db().await;
    let now: At = "2026-02-20T12:00:00Z".parse().unwrap();
    for (code, interval_s) in [("dense", 1), ("usual", 600)] {
        let stream = gauge(&db, code, now - TimeDelta::days(30), interval_s, 3600).await;
        for minute in 0..40 {
            reading(&db, stream, now - TimeDelta::minutes(minute), minute as f64).await;
        }
    }
    let mut conn = db.pool.acquire().await.unwrap();
    let mut spans = async |readings| -> Vec<(i32, i64)> {
        let facts = sentinela::stations::health::store::facts(&mut conn, now, readings).await.unwrap();
        facts.values().flat_map(|facts| &facts.streams).map(|stream| (stream.span_s, stream.readings)).collect()
    };
    assert_eq!(spans(3_000_000).await, [(86_400, 40), (86_400, 40)]);
    assert_eq!(spans(2 * 1800).await, [(1800, 30), (86_400, 40)], "half an hour of seconds each");
    assert_eq!(spans(0).await, [(900, 15), (900, 15)], "a quarter of an hour at least");
}

#[tokio::test]
async fn the_storm_of_juiz_de_fora_shows_grama_silent_and_its_neighbours_not() {
    let db = support::db().await;
    let app = support::app(&db);
    let from: At = "2026-02-20T00:00:00Z".parse().unwrap();
    let grama = gauge(&db, "313670215A", from - TimeDelta::days(30), 3600, 9000).await;
    let other = gauge(&db, "313670207A", from - TimeDelta::days(30), 3600, 9000).await;
    let file = format!("{}/simulations/data/juiz_de_fora_2026-02.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap();
    let mut readings: Vec<(At, i64, f64)> = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let stream = match cells[0] {
            "313670215A" => grama,
            "313670207A" => other,
            _ => continue,
        };
        readings.push((cells[1].parse().unwrap(), stream, cells[3].parse().unwrap()));
    }
    readings.sort_by_key(|(at, stream, _)| (*at, *stream));
    let of_grama: Vec<At> = readings.iter().filter(|(_, stream, _)| *stream == grama).map(|(at, ..)| *at).collect();
    let gap = of_grama.windows(2).max_by_key(|pair| pair[1] - pair[0]).unwrap();
    assert!(gap[1] - gap[0] >= TimeDelta::hours(46), "{gap:?}");
    let middle = gap[0] + TimeDelta::hours(24);
    let (night, after): (Vec<_>, Vec<_>) = readings.iter().partition(|(at, ..)| *at <= middle);
    for (at, stream, value) in night {
        reading(&db, stream, at, value).await;
    }
    round(&app, middle).await;
    assert_eq!(open_faults(&db, "313670215A").await, ["silent"]);
    assert!(!open_faults(&db, "313670207A").await.contains(&"silent".to_owned()));
    let began: At = sqlx::query_scalar("select began_at from station_fault where kind = 'silent'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(began, gap[0] + TimeDelta::seconds(2), "its last word");
    for (at, stream, value) in after.iter().filter(|(at, ..)| *at <= gap[1]) {
        reading(&db, *stream, *at, *value).await;
    }
    round(&app, gap[1] + TimeDelta::minutes(1)).await;
    let now_open = open_faults(&db, "313670215A").await;
    assert!(!now_open.contains(&"silent".to_owned()) && now_open.contains(&"gaps".to_owned()), "{now_open:?}");
}

async fn person(db: &TestDb, app: &App, username: &str, role: Role, email: Option<&str>) -> sentinela::ids::StaffId {
    let mut conn = db.pool.acquire().await.unwrap();
    let now = app.clock.now();
    sentinela::accounts::store::upsert_member(&mut conn, &app.ids, now, username, "Ana", &role.into(), "")
        .await
        .unwrap();
    sqlx::query("update staff set email = $2 where username = $1")
        .bind(username)
        .bind(email)
        .execute(&db.pool)
        .await
        .unwrap();
    sqlx::query_scalar("select id from staff where username = $1").bind(username).fetch_one(&db.pool).await.unwrap()
}

async fn send(app: &App, request: Request<Body>) -> (StatusCode, String) {
    let response = sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    async fn of(app: &App, id: sentinela::ids::StaffId) -> Self {
        let (cookie, csrf) = support::session_of(app, id).await;
        Self { cookie, csrf }
    }

    async fn page(&self, app: &App, path: &str) -> String {
        let request = Request::get(path).header("cookie", &self.cookie).body(Body::empty()).unwrap();
        let (status, text) = send(app, request).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    async fn post(&self, app: &App, path: &str, fields: &[(&str, &str)]) -> StatusCode {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &self.csrf)
            .extend_pairs(fields)
            .finish();
        let request = Request::post(path)
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        send(app, request).await.0
    }
}

#[tokio::test]
async fn a_task_is_assigned_put_off_comes_back_and_is_closed_by_hand() {
    let db = support::db().await;
    let app = support::app(&db);
    let now = start_at();
    gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    round(&app, now).await;
    let id = person(&db, &app, "ana", Role::Operator, None).await;
    let browser = Browser::of(&app, id).await;
    let task: i64 = sqlx::query_scalar("select id from maintenance_task").fetch_one(&db.pool).await.unwrap();
    let path = format!("/console/maintenance/{task}");
    assert!(browser.page(&app, "/console/maintenance?lang=en").await.contains("never heard"));
    let see = StatusCode::SEE_OTHER;
    assert_eq!(browser.post(&app, &path, &[("act", "assign"), ("to", "ninguem")]).await, StatusCode::BAD_REQUEST);
    assert_eq!(browser.post(&app, &path, &[("act", "assign"), ("to", "ana")]).await, see);
    let until = (now + TimeDelta::hours(5)).with_timezone(&app.config.municipality.time_zone);
    let until = until.format("%Y-%m-%dT%H:%M").to_string();
    let put_off = [("act", "snooze"), ("until", until.as_str()), ("text", "na oficina")];
    assert_eq!(browser.post(&app, &path, &put_off).await, see);
    round(&app, now + TimeDelta::minutes(2)).await;
    assert_eq!(count(&db, "select count(*) from maintenance_task where snoozed_until is not null").await, 1);
    round(&app, now + TimeDelta::hours(5) + TimeDelta::minutes(1)).await;
    assert_eq!(count(&db, "select count(*) from maintenance_task where snoozed_until is not null").await, 0);
    // Hours later the session is over.
    let browser = Browser::of(&app, id).await;
    assert_eq!(browser.post(&app, &path, &[("act", "close"), ("text", "  ")]).await, StatusCode::BAD_REQUEST);
    assert_eq!(browser.post(&app, &path, &[("act", "close"), ("text", "desativada")]).await, see);
    assert_eq!(browser.post(&app, &path, &[("act", "close"), ("text", "de novo")]).await, StatusCode::CONFLICT);
    // The fault lasts; only a new one opens the task again.
    round(&app, now + TimeDelta::hours(6)).await;
    assert_eq!(count(&db, OPEN_TASKS).await, 0);
    let told = ["opened", "fault never_heard", "assigned ana", "snoozed na oficina", "woken", "closed desativada"];
    assert_eq!(history(&db).await, told);
    let acts = "select count(*) from audit_event where act like 'maintenance.%'";
    assert_eq!(count(&db, acts).await, 3);
    assert!(browser.page(&app, &path).await.contains("desativada"));
    assert!(browser.page(&app, "/console/stations?lang=en").await.contains("never heard"));
    assert!(browser.page(&app, "/console/stations/a?lang=en").await.contains("never heard"));
    let health = browser.page(&app, "/api/v1/stations/a/health").await;
    assert!(health.contains("\"never_heard\""), "{health}");
    assert!(browser.page(&app, "/api/v1/maintenance").await.contains("\"ana\""));
}

#[tokio::test]
async fn the_offset_of_a_clock_is_estimated_from_live_messages() {
    let db = support::db().await;
    let app = support::app(&db);
    let now = start_at();
    let stream = gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    let device: i64 = sqlx::query_scalar(
        "insert into device (code, station_id, secret_sha256, created_at)
         select 'd', station_id, decode(repeat('00', 32), 'hex'), $2 from datastream where id = $1 returning id",
    )
    .bind(stream)
    .bind(now)
    .fetch_one(&db.pool)
    .await
    .unwrap();
    open_month(&db, now).await;
    for n in 0..144 {
        sqlx::query(
            "insert into journal (seq, datastream_id, device_id, observed_at, received_at, value, quality, source, reading_key)
             select n, $1, $2, $3, $3::timestamptz - interval '95 seconds', 0, 'pass', 'mqtt', decode(lpad(to_hex(n), 32, '0'), 'hex')
             from (select nextval('journal_seq') as n) as next",
        )
        .bind(stream)
        .bind(device)
        .bind(now - TimeDelta::minutes(10 * n))
        .execute(&db.pool)
        .await
        .unwrap();
    }
    round(&app, now).await;
    assert_eq!(open_faults(&db, "a").await, ["clock_ahead"]);
    let offset: f64 = sqlx::query_scalar("select offset_s from device_clock").fetch_one(&db.pool).await.unwrap();
    assert!((offset - 95.0).abs() < 0.01, "{offset}");
    // The device's own word goes before.
    sqlx::query(
        "insert into device_report (device_id, received_at, clock_offset_ms, clock_at) values ($1, $2, -1000, $2)",
    )
    .bind(device)
    .bind(now)
    .execute(&db.pool)
    .await
    .unwrap();
    round(&app, now + TimeDelta::minutes(16)).await;
    round(&app, now + TimeDelta::minutes(27)).await;
    assert_eq!(open_faults(&db, "a").await, Vec::<String>::new());
}

/// A device of the station of this stream.
async fn device(db: &TestDb, stream: i64, at: At) -> i64 {
    sqlx::query_scalar(
        "insert into device (code, station_id, secret_sha256, created_at)
         select 'd', station_id, decode(repeat('00', 32), 'hex'), $2 from datastream where id = $1 returning id",
    )
    .bind(stream)
    .bind(at)
    .fetch_one(&db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_message_without_a_time_says_nothing_about_the_clock() {
    let db = support::db().await;
    let app = support::app(&db);
    let boot = start_at();
    let now = boot + TimeDelta::hours(12);
    let stream = gauge(&db, "a", boot - TimeDelta::days(30), 600, 3600).await;
    let id = DeviceId(device(&db, stream, boot).await);
    day_of_readings(&db, stream, now).await;
    let say = async |status, at| {
        app.ingest.reports().submit(id, Said::Status { status, is_direct: true }, at).await.unwrap();
    };
    say(Status { at: Some(boot), online: true, ..Status::default() }, boot + TimeDelta::seconds(1)).await;
    say(Status { battery_pct: Some(83.0), online: true, ..Status::default() }, now).await;
    round(&app, now).await;
    assert_eq!(open_faults(&db, "a").await, Vec::<String>::new());
    let offset: f64 = sqlx::query_scalar("select offset_s from device_clock").fetch_one(&db.pool).await.unwrap();
    assert!((offset + 1.0).abs() < 1e-6, "{offset}");
    // A day after that word nothing is known any more.
    round(&app, boot + TimeDelta::hours(25)).await;
    assert_eq!(count(&db, "select count(*) from device_clock where estimated_at > '2026-02-23T12:30:00Z'").await, 0);
}

#[tokio::test]
async fn a_clock_that_drifts_opens_a_task_and_one_that_keeps_time_closes_it() {
    let db = support::db().await;
    let app = support::app(&db);
    let now = start_at();
    let stream = gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    let device = device(&db, stream, now).await;
    let estimate = async |day: i64, offset_s: f64| {
        let at = now + TimeDelta::days(day) - TimeDelta::minutes(1);
        sqlx::query("insert into device_clock values ($1, $2::timestamptz::date, $3, 0.5, 144, false, $2)")
            .bind(device)
            .bind(at)
            .bind(offset_s)
            .execute(&db.pool)
            .await
            .unwrap();
    };
    for day in -4..=0 {
        // It was set in between, which is no drift, and gains 12 s a day.
        estimate(day, 12.0 * day as f64 + if day < -2 { 48.0 } else { 0.0 }).await;
    }
    day_of_readings(&db, stream, now).await;
    round(&app, now).await;
    assert_eq!(open_faults(&db, "a").await, ["clock_drifts"]);
    assert_eq!(count(&db, OPEN_TASKS).await, 1);
    for day in 1..=10 {
        estimate(day, 5.0).await;
    }
    let later = now + TimeDelta::days(10);
    day_of_readings(&db, stream, later).await;
    round(&app, later).await;
    round(&app, later + TimeDelta::minutes(20)).await;
    assert_eq!(open_faults(&db, "a").await, Vec::<String>::new());
    assert_eq!(count(&db, OPEN_TASKS).await, 0);
}

#[tokio::test]
async fn what_was_filled_in_of_the_past_does_not_make_a_dead_gauge_look_well() {
    let db = support::db().await;
    let app = support::app(&db);
    let now = start_at();
    let stream = gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    open_month(&db, now).await;
    sqlx::query(
        "insert into journal (seq, datastream_id, observed_at, received_at, value, quality, source, reading_key)
         select nextval('journal_seq'), $1, $2::timestamptz - n * interval '10 minutes', $2, 0, 'pass', 'history',
                decode(lpad(to_hex(n), 32, '0'), 'hex')
         from generate_series(0, 150) n",
    )
    .bind(stream)
    .bind(now)
    .execute(&db.pool)
    .await
    .unwrap();
    round(&app, now).await;
    assert_eq!(open_faults(&db, "a").await, ["never_heard"]);
}

#[tokio::test]
async fn the_morning_report_knows_the_rain_of_counters_and_how_many_gauges_said_nothing() {
    let db = support::db().await;
    let now = start_at();
    let sums = gauge(&db, "a", now - TimeDelta::days(30), 600, 3600).await;
    let counter = gauge(&db, "b", now - TimeDelta::days(30), 600, 3600).await;
    gauge(&db, "c", now - TimeDelta::days(30), 600, 3600).await;
    sqlx::query("update datastream set kind = 'cumulative_counter', interval_s = null where id = $1")
        .bind(counter)
        .execute(&db.pool)
        .await
        .unwrap();
    reading(&db, sums, now - TimeDelta::hours(1), 3.0).await;
    for (hours, total) in [(30, 100.0), (20, 104.0), (1, 116.5)] {
        reading(&db, counter, now - TimeDelta::hours(hours), total).await;
    }
    let mut conn = db.pool.acquire().await.unwrap();
    let body = morning::store::gather(&mut conn, now).await.unwrap();
    let rain: Vec<_> = body.rain.iter().map(|rain| (rain.code.as_str(), rain.h24_mm, rain.h72_mm)).collect();
    assert_eq!(rain, [("b", 16.5, 16.5), ("a", 3.0, 3.0)]);
    assert_eq!((body.rain_gauges, body.rain_mute), (3, 1));
    let page = morning::words::Page {
        lang: sentinela::i18n::Lang::Pt,
        tz: chrono_tz::America::Sao_Paulo,
        town: "Juiz de Fora",
        day: now.date_naive(),
        address: "",
    };
    assert!(page.letter(&body).contains("1 de 3 pluviômetros não deu leitura válida"), "{}", page.letter(&body));
    // Where nobody spoke, nobody says that it was dry.
    let mute = morning::Body { rain: Vec::new(), rain_mute: 3, ..body.clone() };
    assert!(!page.letter(&mute).contains("Nenhuma chuva"), "{}", page.letter(&mute));
    let dry = morning::Body { rain: Vec::new(), ..body };
    assert!(page.letter(&dry).contains("Nenhuma chuva"), "{}", page.letter(&dry));
}

#[tokio::test]
async fn the_morning_report_is_written_and_sent_once() {
    let db = support::db().await;
    let app = support::app(&db);
    let coordinator = person(&db, &app, "cora", Role::Coordinator, Some("cora@example.org")).await;
    person(&db, &app, "vito", Role::Viewer, Some("vito@example.org")).await;
    let asked = person(&db, &app, "vera", Role::Viewer, Some("vera@example.org")).await;
    morning::store::set_wish(&mut db.pool.acquire().await.unwrap(), asked, true).await.unwrap();
    let before: At = "2026-02-24T09:59:00Z".parse().unwrap();
    assert_eq!(morning::desk::round(&app, before).await.unwrap(), None);
    let now = before + TimeDelta::minutes(2);
    let (first, second) = tokio::join!(morning::desk::round(&app, now), morning::desk::round(&app, now));
    let days = [first.unwrap(), second.unwrap()];
    assert_eq!(days.iter().flatten().count(), 1, "{days:?}");
    // After a restart.
    assert_eq!(morning::desk::round(&support::app(&db), now + TimeDelta::hours(1)).await.unwrap(), None);
    let letters: Vec<(String, String)> =
        sqlx::query_as("select address, body from notice where purpose = 'morning_report' order by address")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(
        letters.iter().map(|letter| letter.0.as_str()).collect::<Vec<_>>(),
        ["cora@example.org", "vera@example.org"]
    );
    assert!(letters[0].1.contains("/console/morning/2026-02-24"), "{}", letters[0].1);
    app.clock.set(now);
    let browser = Browser::of(&app, coordinator).await;
    assert!(browser.page(&app, "/console/morning/2026-02-24").await.contains("Áreas cegas"));
    assert!(browser.page(&app, "/console/morning?lang=en").await.contains("Blind areas"));
    assert_eq!(browser.post(&app, "/console/morning", &[]).await, StatusCode::SEE_OTHER);
    let next = now + TimeDelta::days(1);
    assert!(morning::desk::round(&app, next).await.unwrap().is_some());
    let second = "select count(*) from morning_letter where day = '2026-02-25'";
    assert_eq!(count(&db, second).await, 1, "the coordinator declined");
}
