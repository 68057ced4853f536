//! Formats that devices and network servers really write, from the bytes to the row in the journal.

use std::process::Stdio;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use sentinela::app::App;
use sentinela::config::{ExternalBroker, Protocol};
use sentinela::ingest::{broker, committer};
use sentinela::stations::device::secret_sha256;
use sentinela::stations::store::{self, NewDatastream, NewStation};
use sentinela::units::{Quantity, StreamKind};
use serde_json::Value;
use tokio::process::Command;
use tower::ServiceExt as _;

use crate::ingest::{SECRET, quarantine};
use crate::support::{self, TestDb, eventually, free_port, soon, start_at};

const PROFILES: &str = "
    [[profiles]]
    name = 'tips'
    fields = [{ from = 'u8@0', stream = 'rain', unit = 'mm', factor = 0.2 }]
    [[profiles]]
    name = 'desk'
    fields = [{ from = 'temp', stream = 'air' }, { from = 'current', stream = 'level', unit = 'cm' }]";

/// A station with rain, level, air temperature and battery, and the device P-1 that a network server calls `hardware`.
async fn station(db: &TestDb, profile: &str, hardware: &str) {
    let mut conn = db.pool.acquire().await.unwrap();
    let station = NewStation {
        code: "P".into(),
        name: "Ponte".into(),
        lon: -43.35,
        lat: -21.76,
        elevation_m: None,
        source: "test".into(),
    };
    let (id, _) = store::upsert_station(&mut conn, start_at(), &station).await.unwrap();
    for (name, quantity, kind) in [
        ("rain", Quantity::Rain, StreamKind::IntervalSum),
        ("level", Quantity::WaterLevel, StreamKind::Instantaneous),
        ("air", Quantity::AirTemperature, StreamKind::Instantaneous),
        ("battery", Quantity::Battery, StreamKind::Instantaneous),
    ] {
        let stream = NewDatastream {
            name: name.into(),
            quantity,
            unit: quantity.canonical_unit().into(),
            kind,
            interval_s: None,
            stale_after_s: 3600,
            counting: Default::default(),
            stages: Default::default(),
        };
        store::upsert_datastream(&mut conn, start_at(), id, &stream).await.unwrap();
    }
    store::upsert_device(&mut conn, start_at(), "P-1", id, &secret_sha256("P-1", SECRET)).await.unwrap();
    store::configure_device(&mut conn, "P-1", profile, Some(hardware)).await.unwrap();
}

fn configured(db: &TestDb, broker: Option<u16>) -> (App, sentinela::ingest::Receiver) {
    #[derive(serde::Deserialize)]
    struct Text {
        profiles: Vec<sentinela::ingest::formats::profile::Profile>,
    }
    let mut config = support::config(&[("SENTINELA__DATABASE__URL", db.url.as_str())]);
    config.ingest.profiles = toml::from_str::<Text>(PROFILES).unwrap().profiles;
    config.ingest.max_age_days = 10_000;
    config.mqtt.external.extend(broker.map(|port| ExternalBroker {
        name: "lora".into(),
        url: format!("mqtt://127.0.0.1:{port}").as_str().into(),
        topics: vec!["application/+/device/+/event/+".into(), "v3/+/devices/+/+".into()],
        protocol: Protocol::default(),
        share_group: String::new(),
        share_over_311: false,
    }));
    support::app_from(db, config)
}

fn with_committer(db: &TestDb) -> App {
    let (app, receiver) = configured(db, None);
    tokio::spawn(committer::run(app.clone(), receiver));
    app
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/payloads/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// `stream value at quality` of every row.
async fn journal(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', d.name, j.value, to_char(j.observed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), j.quality)
        from journal j join datastream d on d.id = j.datastream_id order by j.observed_at, d.name",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap()
}

async fn post(app: &App, media_type: &str, body: Vec<u8>) -> (StatusCode, Value) {
    let request = Request::post("/api/v1/readings")
        .header("authorization", format!("Bearer P-1.{SECRET}"))
        .header("content-type", media_type)
        .body(Body::from(body))
        .unwrap();
    let response = soon("the answer", sentinela::web::router::router(app.clone()).oneshot(request)).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn uplinks_of_both_network_servers_come_through_a_real_broker() {
    let db = support::db().await;
    station(&db, "tips", "0101010101010101").await;
    let port = free_port();
    let mut mosquitto = Command::new("mosquitto");
    mosquitto.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let _server = mosquitto.spawn().unwrap();
    let (app, receiver) = configured(&db, Some(port));
    app.ingest.devices().reload(&db.pool).await.unwrap();
    tokio::spawn(committer::run(app.clone(), receiver));
    tokio::spawn(broker::run(app.clone()));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/payloads/");
    let publish = |topic: &'static str, file: &'static str| async move {
        let mut command = Command::new("mosquitto_pub");
        command.args(["-p", &port.to_string(), "-q", "1", "-t", topic, "-f", &format!("{folder}{file}")]);
        let _ = soon("mosquitto_pub", command.kill_on_drop(true).output()).await.unwrap();
    };
    let up = "application/17c82e96/device/0101010101010101/event/up";
    eventually("the uplink in the journal", || async {
        publish(up, "chirpstack_v4_event_up.json").await;
        (journal(&db).await == ["rain 34 2022-07-18 09:34:15 pass"]).then_some(())
    })
    .await;
    // Sent again, nothing changes; a join holds no measurement; the battery has a stream.
    publish(up, "chirpstack_v4_event_up.json").await;
    publish("application/17c82e96/device/0101010101010101/event/join", "chirpstack_v4_event_join.json").await;
    publish("application/17c82e96/device/0101010101010101/event/status", "chirpstack_v4_event_status.json").await;
    // What The Things Stack sends has other bytes: 0x82 tips.
    publish("v3/app1@ttn/devices/P-1/up", "ttn_v3_uplink_up.json").await;
    publish("v3/app1@ttn/devices/unknown/up", "ttn_v3_uplink_up.json").await;
    let found =
        eventually("the stranger in quarantine", || async { quarantine(&db.pool).await.into_iter().next() }).await;
    assert_eq!(found, ("device".into(), "unknown".into(), Some("unknown".into())));
    assert_eq!(
        journal(&db).await,
        [
            "rain 26 2020-02-12 15:15:45 pass",
            "rain 34 2022-07-18 09:34:15 pass",
            "battery 88.3 2022-07-18 09:35:06 pass"
        ]
    );
    assert_eq!(quarantine(&db.pool).await.len(), 1);
    app.stop.cancel();
}

#[tokio::test]
async fn senml_is_taken_by_its_media_type_and_by_its_looks() {
    let db = support::db().await;
    station(&db, "desk", "x").await;
    let app = with_committer(&db);
    let (status, answer) = post(&app, "application/senml+json", sample("senml_rfc8428_ex7.json")).await;
    assert_eq!(
        (status, &answer["appended"], &answer["quarantined"]),
        (StatusCode::OK, &1.into(), &3.into()),
        "{answer}"
    );
    // {"bn": …, "bt": 1276020076.001, "bu": "A"}: amperes are no unit of a level, and `voltage` is no stream.
    let (status, answer) = post(&app, "application/json", sample("senml_rfc8428_ex3.json")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let rejected: Vec<&str> =
        answer["rejected"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(rejected, ["[0].stream"]);
    let cbor = vec![
        0x81, 0xa3, 0x00, 0x64, b't', b'e', b'm', b'p', 0x06, 0x1a, 0x69, 0x98, 0x5c, 0x40, 0x02, 0xf9, 0x4d, 0x80,
    ];
    let (status, answer) = post(&app, "application/senml+cbor", cbor.clone()).await;
    assert_eq!((status, &answer["appended"]), (StatusCode::OK, &1.into()), "{answer}");
    let (_, again) = post(&app, "application/json", cbor).await;
    assert_eq!(again["duplicates"], 1, "{again}");
    let rows = journal(&db).await;
    assert!(rows.contains(&"air 22 2026-02-20 13:06:08 pass".to_owned()), "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row.starts_with("level 0.0")).count(), 6, "{rows:?}");
    let (status, _) = post(&app, "text/csv", b"1".to_vec()).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn what_cannot_be_read_says_why_and_lies_in_quarantine() {
    let db = support::db().await;
    station(&db, "gone", "x").await;
    let app = with_committer(&db);
    let (status, answer) =
        post(&app, "application/json", br#"{"stream":"rain","at":"2026-02-22T11:00:00Z","value":1}"#.to_vec()).await;
    assert_eq!((status, &answer["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &"profile".into()), "{answer}");
    sqlx::query("update device set profile = ''").execute(&db.pool).await.unwrap();
    app.ingest.devices().reload(&db.pool).await.unwrap();
    let broken = sample("ttn_v3_uplink_up_verbatim_invalid.txt");
    let (status, answer) = post(&app, "application/json", broken).await;
    assert_eq!((status, &answer["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &"payload".into()), "{answer}");
    let (status, answer) = post(&app, "application/json", sample("chirpstack_v4_event_up.json")).await;
    assert_eq!((status, &answer["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &"object".into()), "{answer}");
    // An event without a measurement is no failure.
    let (status, answer) = post(&app, "application/json", sample("chirpstack_v4_event_log.json")).await;
    assert_eq!((status, &answer["appended"]), (StatusCode::OK, &0.into()), "{answer}");
    assert_eq!(quarantine(&db.pool).await.len(), 3);
}
