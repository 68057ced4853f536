//! Why an area is at its level: now, at the instant of a change, and in between; over the API and on the page.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use sentinela::accounts::role::Role;
use sentinela::app::App;
use sentinela::clock::Instant;
use sentinela::feeds::warnings::teller;
use sentinela::ids::DatastreamId;
use sentinela::ingest::{NewReading, Source};
use sentinela::pipeline::Pipeline;
use sentinela::units::{Fixed, Quality};
use serde_json::Value;
use sqlx::pool::PoolConnection;
use tower::ServiceExt as _;

use crate::support::{self, Folder, TestDb};

const SLOPE: &str = "
    insert into station (code, name, geom, created_at, updated_at) values
        ('G1', 'Pluviômetro 1', 'SRID=4326;POINT(-43.395 -21.75)', now(), now()),
        ('G2', 'Pluviômetro 2', 'SRID=4326;POINT(-43.394 -21.75)', now(), now());
    insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
        select id, 'rain', 'rain', 'mm', 'interval_sum', 9000, now() from station order by code;
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('encosta', 'Encosta', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;";

struct Town {
    app: App,
    db: TestDb,
    conn: PoolConnection<sqlx::Postgres>,
    pipeline: Pipeline,
    cookie: String,
}

impl Town {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(SLOPE).execute(&db.pool).await.unwrap();
        let app = support::app_with(&db, overrides);
        let member = {
            let mut conn = app.db.web.acquire().await.unwrap();
            let now = app.clock.now();
            sentinela::accounts::store::upsert_member(&mut conn, &app.ids, now, "ana", "Ana", &Role::Viewer.into(), "x")
                .await
                .unwrap()
        };
        let (cookie, _) = support::session_of(&app, member).await;
        let mut conn = app.db.ingest.acquire().await.unwrap();
        let pipeline = Pipeline::load(&app, &mut conn).await.unwrap();
        Self { app, db, conn, pipeline, cookie }
    }

    async fn rain(&mut self, stream: i64, mm: i64) -> Instant {
        let now = self.app.clock.now();
        let reading = NewReading {
            datastream_id: DatastreamId(stream),
            device_id: None,
            message_id: None,
            observed_at: now,
            value: Fixed::from_whole(mm),
            quality: Quality::Pass,
            quality_reason: String::new(),
            source: Source::Http,
        };
        self.app.ingest.submit(vec![reading], vec![]).await.unwrap();
        self.pipeline.drain(&mut self.conn).await.unwrap();
        now
    }

    async fn pass(&mut self, minutes: i64) {
        self.app.clock.set(self.app.clock.now() + TimeDelta::minutes(minutes));
        self.pipeline.tick(&mut self.conn).await.unwrap();
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::COOKIE, &self.cookie).body(Body::empty()).unwrap();
        let response = sentinela::web::router::router(self.app.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn explained(&self, at: Option<Instant>) -> Value {
        let query = at
            .map_or_else(String::new, |at| format!("?at={}", at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)));
        let (status, body) = self.get(&format!("/api/v1/areas/encosta/explanation{query}")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// Value and outcome of the first condition of a level.
fn first(explanation: &Value, level: &str) -> (Option<f64>, String) {
    let levels = explanation["levels"].as_array().unwrap();
    let tree = &levels.iter().find(|one| one["level"] == level).unwrap()["tree"]["of"][0];
    (tree["value"].as_f64(), tree["outcome"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_level_is_explained_now_at_its_change_and_in_between() {
    let mut town = Town::new().await;
    town.rain(2, 0).await;
    let calm = town.rain(1, 4).await;
    town.pass(10).await;
    let risen = town.rain(1, 38).await;
    town.pass(10).await;
    town.rain(1, 0).await;

    let now = town.explained(None).await;
    assert_eq!((&now["level"], &now["rule_id"]), (&"alert".into(), &"chuva-encosta".into()));
    assert_eq!(first(&now, "alert"), (Some(42.0), "met".into()));
    // 60 mm in an hour are the next level; all that fell so far is out of the window in an hour.
    assert_eq!(
        (now["margin"]["level"].as_str(), now["margin"]["missing"][0]["amount"].as_f64()),
        (Some("maximum"), Some(60.0))
    );
    // The gauges began to speak twenty minutes ago: most of what the longest window asks for is untold.
    let because: Vec<&str> =
        now["confidence"]["because"].as_array().unwrap().iter().filter_map(|cause| cause["cause"].as_str()).collect();
    assert_eq!(because, ["untold", "one_against"]);

    let change = town.explained(Some(risen)).await;
    assert_eq!((&change["level"], &change["since"]), (&"alert".into(), &change["at"]));
    let before = town.explained(Some(calm + TimeDelta::minutes(5))).await;
    assert_eq!((&before["level"], first(&before, "alert")), (&"normal".into(), (Some(4.0), "not_met".into())));
    let long_before = town.explained(Some(calm - TimeDelta::days(3))).await;
    assert_eq!((&long_before["level"], &long_before["confidence"]["trust"]), (&"unknown".into(), &"none".into()));
}

#[tokio::test]
async fn the_page_says_it_in_words_and_what_cannot_be_explained_is_refused_in_words() {
    let mut town = Town::new().await;
    town.rain(2, 0).await;
    town.rain(1, 42).await;
    let id: i64 = sqlx::query_scalar("select id from risk_area").fetch_one(&town.db.pool).await.unwrap();
    let (status, page) = town.get(&format!("/console/areas/{id}/why")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Alerta porque: 42 mm em 1 h em Pluviômetro 1 (limite 40 mm)"), "{page}");
    assert!(page.contains("mais 60 mm de chuva na próxima hora"), "{page}");
    assert!(page.contains("só uma estação mostra o perigo; outras 1 não"), "{page}");
    let ahead: DateTime<Utc> = town.app.clock.now() + TimeDelta::hours(1);
    let path =
        format!("/api/v1/areas/encosta/explanation?at={}", ahead.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    assert_eq!(town.get(&path).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(town.get("/api/v1/areas/nada/explanation").await.0, StatusCode::NOT_FOUND);
    assert_eq!(town.get("/api/v1/areas/encosta/explanation?hazard=1.2.1.0.0").await.0, StatusCode::NOT_FOUND);
    assert_eq!(town.get(&format!("/console/areas/{id}/why?at=ontem")).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_the_explanation_recalls_is_what_the_evaluator_holds() {
    let mut town = Town::new().await;
    for step in 0..25 {
        town.rain(1 + step % 2, (step * 7) % 13).await;
        town.pass(1).await;
    }
    let kept: Value = sqlx::query_scalar("select reasons from area_level").fetch_one(&town.db.pool).await.unwrap();
    let told = town.explained(None).await;
    for reason in kept.as_array().unwrap() {
        let levels = told["levels"].as_array().unwrap();
        let level = levels.iter().find(|level| level["level"] == reason["level"]).unwrap();
        let of = level["tree"]["of"].as_array().unwrap();
        let twin = of.iter().find(|one| one["address"] == reason["address"]).unwrap();
        assert_eq!((&twin["value"], &twin["outcome"]), (&reason["value"], &reason["outcome"]));
    }
}

#[tokio::test]
async fn a_warning_of_others_reaches_the_rules_as_a_reading_and_ends_with_it() {
    let town = Town::new().await;
    let warning = "insert into outside_warning (source, identifier, sent_at, content_sha256, series, revision, sender, sender_name, status,
            msg_type, scope, urgency, severity, certainty, level, colour, event, headline, description, instruction, web, onset_at, expires_at,
            area_texts, geocodes, reference_keys, for_us_by, raw, received_at, linked_how)
        values ('inmet', 'w1', $1, sha256('x'), 'w1', 1, 's', 'S', 'Actual', 'Alert', 'Public', 'Immediate', 'Severe', 'Likely', '', '', 'Chuvas', '', '', '', '',
            $1, $1 + interval '2 hours', '{}', '{}', '{}', '{geocode}', 'x', $1, '')";
    let now = town.app.clock.now();
    sqlx::query(warning).bind(now).execute(&town.db.pool).await.unwrap();
    sqlx::query("insert into outside_warning_area select w.id, a.id from outside_warning w, risk_area a")
        .execute(&town.db.pool)
        .await
        .unwrap();
    let said = async || -> Vec<f64> {
        let rows = "select value from journal j join datastream d on d.id = j.datastream_id where d.quantity = 'warnings' order by j.seq";
        sqlx::query_scalar(rows).fetch_all(&town.db.pool).await.unwrap()
    };
    teller::once(&town.app).await.unwrap();
    teller::once(&town.app).await.unwrap();
    assert_eq!(said().await, [3.0], "said once");
    town.app.clock.set(now + TimeDelta::minutes(20));
    teller::once(&town.app).await.unwrap();
    assert_eq!(said().await, [3.0, 3.0], "and again while it stands");
    town.app.clock.set(now + TimeDelta::hours(3));
    teller::once(&town.app).await.unwrap();
    teller::once(&town.app).await.unwrap();
    assert_eq!(said().await, [3.0, 3.0, 0.0], "and once that it is over");
}

#[tokio::test]
async fn a_past_instant_is_explained_on_the_ground_and_at_the_grade_of_then() {
    let mut town = Town::new().await;
    town.rain(2, 0).await;
    let then = town.rain(1, 4).await;
    town.pass(30).await;
    // The area moves far from every gauge.
    let known = then - TimeDelta::days(1);
    sqlx::query("update risk_area set updated_at = $1").bind(known).execute(&town.db.pool).await.unwrap();
    let wish = {
        let mut tx = town.app.db.web.begin().await.unwrap();
        sentinela::areas::store::record_present(&mut tx, "encosta").await.unwrap();
        let mut content = sentinela::areas::store::content(&mut tx, "encosta", 1).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        let far = geo::Rect::new((-45.40, -21.76), (-45.39, -21.74)).to_polygon();
        content.wkb = sentinela::db::geometry::to_wkb(&geo::MultiPolygon(vec![far]).into()).unwrap();
        sentinela::areas::Change {
            code: "encosta".into(),
            content,
            origin: sentinela::areas::Origin::Drawing,
            origin_detail: serde_json::json!({}),
            reason: "test".into(),
            when: sentinela::areas::When::Now,
        }
    };
    let now = town.app.clock.now();
    let mut tx = town.app.db.web.begin().await.unwrap();
    sentinela::areas::store::put(&mut tx, now, "ana", &wish).await.unwrap();
    tx.commit().await.unwrap();
    let before = town.explained(Some(then + TimeDelta::minutes(5))).await;
    assert_eq!(first(&before, "alert"), (Some(4.0), "not_met".into()), "{before}");
    let after = town.explained(Some(now)).await;
    assert_eq!(first(&after, "alert"), (None, "no_data".into()), "{after}");
}

#[tokio::test]
async fn of_an_area_that_is_retired_today_the_past_is_explained_and_the_present_is_not() {
    let mut town = Town::new().await;
    town.rain(2, 0).await;
    let then = town.rain(1, 45).await;
    let before = town.explained(Some(then)).await;
    town.pass(30).await;
    let known = then - TimeDelta::days(1);
    sqlx::query("update risk_area set updated_at = $1").bind(known).execute(&town.db.pool).await.unwrap();
    let now = town.app.clock.now();
    let mut tx = town.app.db.web.begin().await.unwrap();
    sentinela::areas::store::record_present(&mut tx, "encosta").await.unwrap();
    let content = sentinela::areas::store::content(&mut tx, "encosta", 1).await.unwrap().unwrap();
    let wish = sentinela::areas::Change {
        code: "encosta".into(),
        content: sentinela::areas::Content { retired: true, ..content },
        origin: sentinela::areas::Origin::Retire,
        origin_detail: serde_json::json!({}),
        reason: "obra de contenção".into(),
        when: sentinela::areas::When::Now,
    };
    sentinela::areas::store::put(&mut tx, now, "ana", &wish).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(town.explained(Some(then)).await, before, "told as it was");
    let id: i64 = sqlx::query_scalar("select id from risk_area").fetch_one(&town.db.pool).await.unwrap();
    let instant = then.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(town.get(&format!("/console/areas/{id}/why?at={instant}")).await.0, 200);
    assert_eq!(town.get(&format!("/console/areas/{id}/why")).await.0, 404);
    assert_eq!(town.get("/api/v1/areas/encosta/explanation").await.0, 404);
}

#[tokio::test]
async fn a_mean_of_several_stations_is_said_of_none_of_them() {
    let folder = Folder::new();
    let rule = r#"
id = "media"
version = 1
title = "Chuva em encosta"
hazard = "1.1.3.2.1"
[stations.pluviometros]
quantity = "rain"
within_km = 3.0
combine = "mean"
min_fresh = 2
[[levels]]
level = "alert"
any = [{ stations = "pluviometros", sum = "1h", at_least = "40 mm", clear_below = "20 mm" }]
"#;
    std::fs::write(folder.path().join("media.toml"), rule).unwrap();
    let mut town = Town::with(&[("SENTINELA__ENGINE__RULES_DIR", folder.path().to_str().unwrap())]).await;
    town.rain(2, 30).await;
    town.rain(1, 60).await;
    let id: i64 = sqlx::query_scalar("select id from risk_area").fetch_one(&town.db.pool).await.unwrap();
    let (_, page) = town.get(&format!("/console/areas/{id}/why")).await;
    assert!(page.contains("Alerta porque: 45 mm em 1 h, média das estações (limite 40 mm)"), "{page}");
}
