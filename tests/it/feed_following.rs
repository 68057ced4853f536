//! Feeds of other institutions, followed over HTTP from a server that gives their recorded answers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::feeds::poll::{Follower, know};
use sentinela::feeds::store::states;
use sentinela::feeds::{Feed, store::State as FeedState};
use sentinela::ingest::committer;
use sentinela::stations::store::{self, NewDatastream, NewStation};
use sentinela::units::{Quantity, StreamKind};

use crate::ingest::quarantine;
use crate::support::{self, TestDb, start_at};

/// What the server says next, and what it was asked.
#[derive(Default)]
pub struct Script {
    status: u16,
    body: Vec<u8>,
    etag: &'static str,
    /// The token that is taken at present.
    pub token: &'static str,
    asked: Vec<(String, HeaderMap)>,
}

#[derive(Clone, Default)]
pub struct Provider(pub Arc<Mutex<Script>>);

impl Provider {
    /// A server on a port of its own.
    pub async fn open() -> (Self, String) {
        let provider = Self::default();
        provider.0.lock().unwrap().token = "T1";
        provider.say(200, b"");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (provider, address)
    }

    pub fn say(&self, status: u16, body: &[u8]) {
        let mut script = self.0.lock().unwrap();
        (script.status, script.body) = (status, body.to_vec());
    }

    pub fn asked(&self) -> Vec<(String, HeaderMap)> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

async fn answer(State(provider): State<Provider>, request: Request) -> Response {
    let mut script = provider.0.lock().unwrap();
    let path = request.uri().path_and_query().unwrap().to_string();
    script.asked.push((path.clone(), request.headers().clone()));
    if path == "/login" {
        let good = request.headers().get("senha").is_some_and(|given| given == "segredo");
        let body = format!(r#"{{"status":"OK","items":{{"tokenautenticacao":"{}"}}}}"#, script.token);
        return if good { body.into_response() } else { StatusCode::UNAUTHORIZED.into_response() };
    }
    let bearer = format!("Bearer {}", script.token);
    if path == "/ana" && request.headers().get(header::AUTHORIZATION).is_none_or(|given| given != bearer.as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let knows = request.headers().get(header::IF_NONE_MATCH).is_some_and(|given| given == script.etag);
    if knows && !script.etag.is_empty() {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    // CEMADEN calls its JSON a page.
    let headers = [(header::ETAG, script.etag), (header::CONTENT_TYPE, "text/html; charset=UTF-8")];
    (StatusCode::from_u16(script.status).unwrap(), headers, script.body.clone()).into_response()
}

pub fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/feeds/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub async fn station(db: &TestDb, code: &str, interval_s: i32) {
    let mut conn = db.pool.acquire().await.unwrap();
    let new = NewStation {
        code: code.into(),
        name: code.into(),
        lon: -43.35,
        lat: -21.76,
        elevation_m: None,
        source: "test".into(),
    };
    let (id, _) = store::upsert_station(&mut conn, start_at(), &new).await.unwrap();
    for (name, quantity, kind, interval_s) in [
        ("rain", Quantity::Rain, StreamKind::IntervalSum, Some(interval_s)),
        ("level", Quantity::WaterLevel, StreamKind::Instantaneous, None),
    ] {
        let unit = quantity.canonical_unit().to_owned();
        let stream = NewDatastream {
            name: name.into(),
            quantity,
            unit,
            kind,
            interval_s,
            stale_after_s: 3600,
            counting: Default::default(),
            stages: Default::default(),
        };
        store::upsert_datastream(&mut conn, start_at(), id, &stream).await.unwrap();
    }
}

pub async fn follower(db: &TestDb, table: &str) -> (App, Follower) {
    let feed: Feed = toml::from_str(table).unwrap();
    assert_eq!(feed.problem(), None);
    let overrides = [("SENTINELA__DATABASE__URL", db.url.as_str()), ("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")];
    let mut config = support::config(&overrides);
    config.feeds.push(feed.clone());
    config.ingest.max_age_days = 10_000;
    let (app, receiver) = support::app_from(db, config);
    tokio::spawn(committer::run(app.clone(), receiver));
    app.clock.set("2026-10-01T12:00:00Z".parse().unwrap());
    know(&app, std::slice::from_ref(&feed.name)).await.unwrap();
    (app.clone(), Follower::new(app, feed))
}

pub async fn journal(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', s.code, d.name, j.value, to_char(j.observed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), j.source)
        from journal j join datastream d on d.id = j.datastream_id join station s on s.id = d.station_id
        order by j.observed_at, s.code, d.name",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap()
}

pub async fn state(db: &TestDb) -> FeedState {
    states(&mut db.pool.acquire().await.unwrap(), start_at()).await.unwrap().remove(0)
}

pub fn later(app: &App, minutes: i64) {
    app.clock.set(app.clock.now() + TimeDelta::minutes(minutes));
}

#[tokio::test]
async fn the_rain_of_a_state_goes_to_the_stations_that_are_ours_and_once() {
    let db = support::db().await;
    station(&db, "6262", 600).await;
    station(&db, "PONTE", 600).await;
    let (provider, address) = Provider::open().await;
    let table = format!("name='cemaden'\nkind='cemaden'\nurl='{address}/json?uf=MG'\nstations={{ '3975' = 'PONTE' }}");
    let (app, mut follower) = follower(&db, &table).await;
    let text = String::from_utf8(recorded("cemaden_getJson2_and_catalog_testbody.txt")).unwrap();
    let body = text.split_once("\n\n").unwrap().1.to_owned();
    provider.0.lock().unwrap().etag = "\"v1\"";
    provider.say(200, body.as_bytes());

    assert!(follower.once().await.unwrap());
    let expected = ["6262 rain 0.2 2026-08-28 14:50 feed", "PONTE rain 0 2026-08-28 14:50 feed"];
    assert_eq!(journal(&db).await, expected);
    let told = state(&db).await;
    assert_eq!((told.readings, told.foreign_stations, told.failures, told.error.as_str()), (2, 1, 0, ""));
    assert_eq!(told.newest_observed_at.unwrap().to_rfc3339(), "2026-08-28T14:50:00+00:00");
    assert_eq!(provider.asked()[0].1["user-agent"], "Sentinela/0.1.0");

    // Not before its time; then the server says that nothing changed.
    assert!(!follower.once().await.unwrap());
    later(&app, 10);
    assert!(follower.once().await.unwrap());
    assert_eq!(provider.asked()[0].1[header::IF_NONE_MATCH], "\"v1\"");
    assert_eq!((state(&db).await.readings, state(&db).await.failures), (2, 0));

    // A corrected value is a revision; what is the same stays.
    provider.0.lock().unwrap().etag = "\"v2\"";
    provider.say(200, body.replace("0.2", "0.4").as_bytes());
    later(&app, 10);
    follower.once().await.unwrap();
    assert_eq!(journal(&db).await.len(), 3);
    assert_eq!(state(&db).await.readings, 1);
}

#[tokio::test]
async fn a_feed_that_fails_says_why_waits_longer_and_recovers() {
    let db = support::db().await;
    station(&db, "6262", 600).await;
    let (provider, address) = Provider::open().await;
    let (app, mut follower) = follower(&db, &format!("name='c'\nkind='cemaden'\nurl='{address}/json'")).await;
    for (minutes, (status, body, why)) in [
        (0, (503, &b"busy"[..], "status 503")),
        (20, (200, b"<html>in maintenance", "HTML")),
        (40, (200, b"[{\"idestacao\":", "is not JSON")),
    ] {
        later(&app, minutes);
        provider.say(status, body);
        assert!(follower.once().await.unwrap(), "{why}");
        let told = state(&db).await;
        assert!(told.error.contains(why) && told.answered_at.is_none(), "{told:?}");
        // Asked again only after a longer time.
        later(&app, 10);
        assert!(!follower.once().await.unwrap(), "{why}");
        app.clock.set(app.clock.now() - TimeDelta::minutes(10));
    }
    assert_eq!(state(&db).await.failures, 3);
    later(&app, 60);
    let bad = br#"[{"idestacao":6262,"ultimovalor":"wet","datahoraUltimovalor":"01/10/26 12:00"},
        {"idestacao":6262,"ultimovalor":1.2,"datahoraUltimovalor":"01/10/26 12:10"},
        {"idestacao":6262,"ultimovalor":1.4,"datahoraUltimovalor":"01/10/27 12:10"}]"#;
    provider.say(200, bad);
    assert!(follower.once().await.unwrap());
    let told = state(&db).await;
    assert_eq!((told.failures, told.readings, told.problems, told.error.as_str()), (0, 1, 1, ""));
    assert_eq!(journal(&db).await, ["6262 rain 1.2 2026-10-01 12:10 feed"]);
    let bad: Vec<_> = quarantine(&db.pool).await.into_iter().map(|(field, value, _)| (field, value)).collect();
    assert_eq!(bad[0], ("[0].ultimovalor".into(), "wet".into()));
    assert!(bad[1].0 == "at" && bad[1].1.starts_with("6262 2027-10-01"), "{bad:?}");
}

#[tokio::test]
async fn a_token_is_fetched_and_fetched_anew_when_it_ended() {
    let db = support::db().await;
    station(&db, "83800002", 900).await;
    let (provider, address) = Provider::open().await;
    let table = format!(
        "name='ana'\nkind='ana'\nurl='{address}/ana'\nlogin_url='{address}/login'\n\
         login_headers={{ Identificador='1', Senha='segredo' }}"
    );
    let (app, mut follower) = follower(&db, &table).await;
    provider.say(200, &recorded("ana_hidrowebservice_telemetria_83800002_2023-11-11_part.json"));
    assert!(follower.once().await.unwrap());
    assert_eq!(state(&db).await.error, "");
    assert_eq!(journal(&db).await.len(), 8);
    assert_eq!(journal(&db).await[0], "83800002 rain 0 2023-11-11 03:15 feed");
    let paths: Vec<String> = provider.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["/login", "/ana"]);
    later(&app, 10);
    assert!(follower.once().await.unwrap());
    assert_eq!(provider.asked().len(), 1, "the token is kept");
    // It ends: the next one is fetched and the same question asked again.
    provider.0.lock().unwrap().token = "T2";
    later(&app, 10);
    assert!(follower.once().await.unwrap());
    let paths: Vec<String> = provider.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!((paths, state(&db).await.failures), (["/ana", "/login", "/ana"].map(str::to_owned).to_vec(), 0));
}

#[tokio::test]
async fn levels_of_the_older_service_arrive_in_metres_and_each_station_is_asked_for() {
    let db = support::db().await;
    station(&db, "83250000", 900).await;
    let (provider, address) = Provider::open().await;
    let table = format!(
        "name='old'\nkind='ana_legacy'\nurl='{address}/x?CodEstacao={{station}}&DataFim={{today}}'\n\
         stations={{ '83250000' = '83250000', '1' = '1' }}"
    );
    let (_, mut follower) = follower(&db, &table).await;
    provider.say(200, &recorded("ana_telemetria_ws_83250000_2024-05-25_first6.xml"));
    assert!(follower.once().await.unwrap());
    let paths: Vec<String> = provider.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["/x?CodEstacao=1&DataFim=2026-10-01", "/x?CodEstacao=83250000&DataFim=2026-10-01"]);
    let rows = journal(&db).await;
    let levels: Vec<_> = rows.iter().filter(|row| row.contains(" level ")).collect();
    assert_eq!(levels.len(), 6, "{rows:?}");
    // Centimetres of the provider are metres here, local time is UTC.
    assert_eq!(levels[5], "83250000 level 1.6 2024-05-26 02:45 feed");
}

#[tokio::test]
async fn readings_that_fit_no_stream_are_told_once_a_day_with_both_intervals() {
    let db = support::db().await;
    station(&db, "6262", 3600).await;
    let (provider, address) = Provider::open().await;
    let (app, mut follower) = follower(&db, &format!("name='c'\nkind='cemaden'\nurl='{address}/json'")).await;
    for (minutes, lines) in [(0, 1), (10, 1), (24 * 60, 2)] {
        later(&app, minutes);
        let at = app.clock.now().format("%d/%m/%y %H:%M").to_string();
        let body = format!(r#"[{{"idestacao":6262,"ultimovalor":1.2,"datahoraUltimovalor":"{at}"}}]"#);
        provider.say(200, body.as_bytes());
        assert!(follower.once().await.unwrap());
        let told = state(&db).await;
        assert_eq!((told.failures, told.readings, told.unfit), (0, 0, 1), "{told:?}");
        assert!(told.unfit_why.contains("600 s") && told.unfit_why.contains("3600 s"), "{}", told.unfit_why);
        assert_eq!(quarantine(&db.pool).await.len(), lines);
    }
    assert!(journal(&db).await.is_empty());
    sqlx::query("update datastream set interval_s = 600 where name = 'rain'").execute(&db.pool).await.unwrap();
    later(&app, 10);
    provider.say(200, br#"[{"idestacao":6262,"ultimovalor":1.2,"datahoraUltimovalor":"02/10/26 12:20"}]"#);
    assert!(follower.once().await.unwrap());
    assert_eq!((state(&db).await.unfit, state(&db).await.readings), (0, 1));
}

#[tokio::test]
async fn a_clock_that_leapt_ahead_does_not_keep_a_feed_waiting() {
    let db = support::db().await;
    station(&db, "6262", 600).await;
    let (provider, address) = Provider::open().await;
    let (app, mut follower) = follower(&db, &format!("name='c'\nkind='cemaden'\nurl='{address}/json'")).await;
    provider.say(200, b"[]");
    later(&app, 60 * 24 * 365);
    assert!(follower.once().await.unwrap());
    later(&app, -60 * 24 * 365);
    assert!(follower.once().await.unwrap(), "due in a year");
    assert!(!follower.once().await.unwrap(), "due in ten minutes");
}
