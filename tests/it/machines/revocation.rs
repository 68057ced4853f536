//! What a device may no more, it may not from that instant: open connections end, new ones are refused, at both doors. And
//! what it still may, goes on: a secret is changed without an outage.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::stations::certificate::from_hex;
use sentinela::stations::desk::{self, DeviceError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Child;
use tower::ServiceExt as _;

use super::endpoint::{Endpoint, both, by_first_secret, by_secret, message, output, payload, said, staying};
use crate::ingest::{SECRET, gauge, rows};
use crate::support::{self, TestDb, eventually, soon};

/// One act on a device, as the API, the console and the command line do it.
enum Act<'a> {
    Revoke,
    Enable,
    Retire,
    Replace,
    Rotate { grace_s: u32 },
    Register(&'a str),
    RevokeCertificate(&'a str),
}

/// Does it, and gives back what it tells: a secret, a fingerprint, or nothing.
async fn done(app: &App, act: Act<'_>) -> String {
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let nothing = |done: Result<(), DeviceError>| done.map(|()| String::new());
    let told = match act {
        Act::Revoke => nothing(desk::revoke(&mut tx, by, "A").await),
        Act::Enable => nothing(desk::enable(&mut tx, by, "A").await),
        Act::Retire => nothing(desk::retire(&mut tx, by, "A").await),
        Act::Replace => desk::add(&mut tx, by, "A", "A", true).await,
        Act::Rotate { grace_s } => desk::rotate(&mut tx, by, "A", grace_s).await,
        Act::Register(pem) => desk::add_certificate(&mut tx, by, "A", pem).await,
        Act::RevokeCertificate(print) => desk::revoke_certificate(&mut tx, by, &from_hex(print).unwrap()).await,
    };
    tx.commit().await.unwrap();
    told.unwrap()
}

/// A subscriber of its commands that stays until it is sent away.
async fn subscriber(db: &TestDb, endpoint: &Endpoint, sign_in: &[String]) -> Child {
    let topic = ["-t", "v1/devices/A/commands"].map(str::to_owned);
    let tls = sign_in.iter().any(|argument| argument == "--cert");
    let arguments = both(sign_in, &topic);
    let command =
        if tls { endpoint.over_tls("mosquitto_sub", &arguments) } else { endpoint.plain("mosquitto_sub", &arguments) };
    staying(db, command, "A").await
}

/// It is sent away, tries again by itself as devices do, and is told that it is refused.
async fn sent_away(client: Child) {
    let told = soon("the end of a client that is accepted no more", client.wait_with_output()).await.unwrap();
    assert!(!told.status.success() && said(&told).contains("efused"), "{}", said(&told));
}

async fn accepted(endpoint: &Endpoint, sign_in: &[String], id: &str) -> bool {
    let message = message("A", id);
    let arguments = both(sign_in, &message);
    let command = if sign_in.iter().any(|argument| argument == "--cert") {
        endpoint.over_tls("mosquitto_pub", &arguments)
    } else {
        endpoint.plain("mosquitto_pub", &arguments)
    };
    output(command).await.status.success()
}

/// The HTTP door.
async fn posted(app: &App, secret: &str, id: &str) -> StatusCode {
    let request = Request::post("/api/v1/readings").header("authorization", format!("Bearer A.{secret}"));
    let request = request.header("content-type", "application/json").body(Body::from(payload(id))).unwrap();
    let router = sentinela::web::router::router(app.clone());
    soon("the answer", router.oneshot(request)).await.unwrap().status()
}

async fn posted_until(app: &App, secret: &str, wanted: StatusCode) {
    eventually("the HTTP door to change its answer", || async {
        (posted(app, secret, "h").await == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_revoked_device_is_disconnected_and_refused_at_both_doors_until_it_is_taken_in_again() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let app = &endpoint.app;
    let client = subscriber(&db, &endpoint, &by_first_secret()).await;
    assert_eq!(posted(app, SECRET, "0").await, StatusCode::OK);

    done(app, Act::Revoke).await;
    sent_away(client).await;
    assert_eq!(posted(app, SECRET, "1").await, StatusCode::UNAUTHORIZED);
    assert!(!accepted(&endpoint, &by_first_secret(), "1").await);
    assert_eq!(rows(&db.pool).await.len(), 1);

    done(app, Act::Enable).await;
    posted_until(app, SECRET, StatusCode::OK).await;
    assert!(accepted(&endpoint, &by_first_secret(), "2").await);
}

/// A client that speaks byte by byte, so that the test decides what is sent when (MQTT 3.1.1).
struct Raw(TcpStream);

impl Raw {
    async fn connect(port: u16) -> Self {
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0xc2, 0, 60];
        for text in ["raw", "A", SECRET] {
            body.extend([0, text.len() as u8]);
            body.extend(text.as_bytes());
        }
        let mut client = Self(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        client.send(0x10, &body).await;
        assert_eq!(client.answer().await, [0x20, 2, 0, 0]);
        client
    }

    async fn send(&mut self, kind: u8, body: &[u8]) {
        let length = body.len();
        let mut packet = vec![kind];
        if length < 128 {
            packet.push(length as u8)
        } else {
            packet.extend([(length % 128) as u8 | 128, (length / 128) as u8])
        }
        packet.extend(body);
        // Whoever was sent away finds nobody to send to.
        let _ = self.0.write_all(&packet).await;
    }

    async fn publish(&mut self, number: u8, payload: &str) {
        let topic = "v1/devices/A/readings";
        let mut body = vec![0, topic.len() as u8];
        body.extend(topic.as_bytes());
        body.extend([0, number]);
        body.extend(payload.as_bytes());
        self.send(0x32, &body).await;
    }

    async fn answer(&mut self) -> [u8; 4] {
        let mut packet = [0; 4];
        soon("an answer", self.0.read_exact(&mut packet)).await.unwrap();
        packet
    }
}

#[tokio::test]
async fn what_a_client_publishes_after_it_was_revoked_is_neither_kept_nor_acknowledged() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let mut client = Raw::connect(endpoint.port).await;
    client.publish(1, &payload("1")).await;
    assert_eq!(client.answer().await, [0x40, 2, 0, 1]);

    done(&endpoint.app, Act::Revoke).await;
    eventually("the endpoint to know", || async {
        endpoint.app.ingest.devices().get("A").filter(|device| !device.enabled)
    })
    .await;
    client.publish(2, &payload("2")).await;
    let mut rest = Vec::new();
    let _ = soon("the end of the connection", client.0.read_to_end(&mut rest)).await;
    assert!(rest.is_empty(), "an answer came: {rest:?}");
    assert_eq!(rows(&db.pool).await.len(), 1);
}

#[tokio::test]
async fn a_secret_is_changed_without_an_outage_and_the_old_one_ends_after_its_grace() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let app = &endpoint.app;
    let client = subscriber(&db, &endpoint, &by_first_secret()).await;
    assert_eq!(posted(app, SECRET, "0").await, StatusCode::OK);
    let new = done(app, Act::Rotate { grace_s: 3600 }).await;

    // However long it takes until somebody carries the new one out: the old one works, also for new connections.
    app.clock.set(support::start_at() + TimeDelta::days(90));
    posted_until(app, SECRET, StatusCode::OK).await;
    assert!(accepted(&endpoint, &by_first_secret(), "1").await);

    // Its first use starts the old one's grace.
    eventually("the new secret to be known", || async {
        accepted(&endpoint, &by_secret("A", &new), "2").await.then_some(())
    })
    .await;
    eventually("the old one's end to be known", || async {
        app.ingest.devices().get("A").unwrap().previous.and_then(|previous| previous.ends_at)
    })
    .await;
    app.clock.set(support::start_at() + TimeDelta::days(90) + TimeDelta::seconds(3599));
    assert!(accepted(&endpoint, &by_first_secret(), "3").await);
    app.clock.set(support::start_at() + TimeDelta::days(90) + TimeDelta::seconds(3600));
    assert_eq!(posted(app, SECRET, "4").await, StatusCode::UNAUTHORIZED);
    sent_away(client).await;
    assert_eq!(posted(app, &new, "5").await, StatusCode::OK);
    assert!(accepted(&endpoint, &by_secret("A", &new), "6").await);
}

#[tokio::test]
async fn an_old_secret_that_is_ended_and_a_replaced_one_disconnect_at_once() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let app = &endpoint.app;
    let client = subscriber(&db, &endpoint, &by_first_secret()).await;
    let new = done(app, Act::Rotate { grace_s: 3600 }).await;
    done(app, Act::Retire).await;
    sent_away(client).await;
    assert_eq!(posted(app, SECRET, "1").await, StatusCode::UNAUTHORIZED);
    assert_eq!(posted(app, &new, "2").await, StatusCode::OK);

    // A device registered anew has nothing of what it had before.
    let client = subscriber(&db, &endpoint, &by_secret("A", &new)).await;
    let newest = done(app, Act::Replace).await;
    sent_away(client).await;
    assert_eq!(posted(app, &new, "3").await, StatusCode::UNAUTHORIZED);
    assert_eq!(posted(app, &newest, "4").await, StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_certificate_disconnects_while_the_secret_goes_on() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let app = &endpoint.app;
    let (files, pem) = endpoint.certificate(&endpoint.town, "A", None);
    let print = done(app, Act::Register(&pem)).await;
    let by_certificate = subscriber(&db, &endpoint, &files).await;
    let mut by_its_secret = subscriber(&db, &endpoint, &by_first_secret()).await;

    done(app, Act::RevokeCertificate(&print)).await;
    sent_away(by_certificate).await;
    assert!(!accepted(&endpoint, &files, "1").await);
    assert!(accepted(&endpoint, &by_first_secret(), "2").await);
    assert!(by_its_secret.try_wait().unwrap().is_none(), "who came by the secret was sent away too");
}
