//! How fast a device may be, and how often one address may fail to sign in.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::clock::Stopwatch;
use sentinela::web::client::ClientAddress;
use tokio::io::AsyncWriteExt as _;
use tower::ServiceExt as _;

use super::endpoint::{Endpoint, both, by_first_secret, by_secret, message, output, payload, said};
use crate::ingest::{SECRET, gauge, rows};
use crate::support::{self, soon};

async fn post(app: &App, bearer: &str, id: &str) -> Response {
    let request = Request::post("/api/v1/readings").header("authorization", format!("Bearer {bearer}"));
    let request = request.header("content-type", "application/json").body(Body::from(payload(id))).unwrap();
    let router = sentinela::web::router::router(app.clone());
    soon("the answer", router.oneshot(request)).await.unwrap()
}

#[tokio::test]
async fn over_http_a_device_that_is_too_fast_is_told_when_to_come_again_and_others_are_not_slowed() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    gauge(&db.pool, "B").await;
    let rate = [("SENTINELA__INGEST__DEVICE_MESSAGES_PER_S", "1"), ("SENTINELA__INGEST__DEVICE_BURST", "2")];
    let app = support::app_with(&db, &rate);
    app.ingest.devices().reload(&db.pool).await.unwrap();
    let as_a = format!("A.{SECRET}");
    for id in ["1", "2"] {
        assert_eq!(post(&app, &as_a, id).await.status(), StatusCode::OK);
    }
    let refused = post(&app, &as_a, "3").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let again_s: i64 = refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert!((1..=2).contains(&again_s), "{again_s}");
    assert_eq!(post(&app, &format!("B.{SECRET}"), "1").await.status(), StatusCode::OK);
    assert_eq!(rows(&db.pool).await.len(), 3);
    app.clock.set(support::start_at() + TimeDelta::seconds(again_s));
    assert_eq!(post(&app, &as_a, "3").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn over_mqtt_a_device_that_is_too_fast_is_held_back_and_loses_nothing() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let rate = [("SENTINELA__INGEST__DEVICE_MESSAGES_PER_S", "4"), ("SENTINELA__INGEST__DEVICE_BURST", "2")];
    let endpoint = Endpoint::open(&db, &rate).await;
    let topic = ["-l", "-t", "v1/devices/A/readings"].map(str::to_owned);
    let mut command = endpoint.plain("mosquitto_pub", &both(&by_first_secret(), &topic));
    let begun = Stopwatch::start();
    let mut client = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = client.stdin.take().unwrap();
    for id in 0..5 {
        let line = payload(&format!("m{id}")).replace("11:50:00", &format!("11:50:0{id}"));
        lines.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
    drop(lines);
    let done = soon("the publisher", client.wait_with_output()).await.unwrap();
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(rows(&db.pool).await.len(), 5);
    // Two at once; by the clock, which stands, the others are due a quarter, a half and three quarters of a second later.
    assert!(begun.elapsed().as_millis() >= 1400, "it was not held back: {:?}", begun.elapsed());
}

#[tokio::test]
async fn an_address_that_keeps_failing_waits_for_its_answers_and_a_device_with_its_secret_does_not() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let (app, here) = (&endpoint.app, Some("127.0.0.1".parse().unwrap()));
    // Somebody known comes first, so that the devices have been read.
    assert!(
        output(endpoint.plain("mosquitto_pub", &both(&by_first_secret(), &message("A", "1")))).await.status.success()
    );
    for _ in 0..12 {
        app.ingest.strangers().failed(here, app.clock.now());
    }
    assert_eq!(app.ingest.strangers().delay_s(here, app.clock.now()), 4);

    let router = sentinela::web::router::router(app.clone());
    let mut request =
        Request::post("/api/v1/readings").header("authorization", "Bearer A.wrong").body(Body::empty()).unwrap();
    request.extensions_mut().insert(ClientAddress(here));
    request.extensions_mut().insert(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 1))));
    let refused = soon("the answer", router.oneshot(request)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "4");

    let begun = Stopwatch::start();
    let refused = output(endpoint.plain("mosquitto_pub", &both(&by_secret("A", "wrong"), &message("A", "2")))).await;
    assert!(!refused.status.success());
    assert!(begun.elapsed().as_secs() >= 4, "guessing is not slowed: {:?}", begun.elapsed());
    assert!(
        output(endpoint.plain("mosquitto_pub", &both(&by_first_secret(), &message("A", "3")))).await.status.success()
    );
    assert_eq!(post(app, &format!("A.{SECRET}"), "4").await.status(), StatusCode::OK);
}
