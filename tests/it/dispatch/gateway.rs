//! SMS through a gateway over HTTP, and what it tells afterwards.

use axum::http::StatusCode;
use sentinela::config::{Config, HttpProvider, SmppProvider};
use serde_json::Value;
use tokio::net::TcpListener;

use super::peers::{Dispatcher, gateway, provider, smsc, told};
use super::town::{INSIDE, Town};
use crate::support::{self, TestDb, free_port};

const PHONES: [&str; 3] = ["+5532900000001", "+5532900000002", "+5532900000003"];
const SECRET: &str = "a-secret-of-the-test";
const ALL_DELIVERED: [&str; 3] = ["+5532900000001 delivered", "+5532900000002 delivered", "+5532900000003 delivered"];

fn described(port: u16, more: &str) -> HttpProvider {
    toml::from_str(&format!(
        r#"
        name = "gateway"
        from = "40199"
        number = "digits"
        window = 8
        messages_per_second = 200
        timeout_s = 60
        {more}
        [request]
        url = "http://127.0.0.1:{port}/send"
        headers = [["Authorization", "Bearer key"]]
        json = '{{"to": "{{to}}", "from": "{{from}}", "text": "{{text}}", "reference": "{{reference}}"}}'
        [response]
        success = "/status"
        accepted = ["queued"]
        message_id = "/id"
        code = "/error/code"
        [codes]
        dead = ["unknown_subscriber"]
        throttled = ["too_fast"]
        [callbacks]
        check = "hmac-sha256"
        header = "X-Signature"
        secret = "{SECRET}"
        [callbacks.receipts]
        list = "/results"
        message_id = "/id"
        status = "/status"
        error = "/error"
        to = "/to"
        delivered = ["DELIVERED"]
        undelivered = ["FAILED"]
        dead = ["unknown_subscriber"]
        [callbacks.messages]
        from = "/from"
        text = "/text"
        "#
    ))
    .unwrap()
}

/// The same for one that does not answer: what it was asked is soon in doubt, and later than any machine of tests stalls.
fn hanging(port: u16) -> HttpProvider {
    HttpProvider { timeout_s: 5, ..described(port, "") }
}

/// A dispatcher whose service listens here, so that gateways can call it.
async fn serving(db: &TestDb, change: impl FnOnce(&mut Config)) -> (Dispatcher, TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dispatcher = Dispatcher::start(db, |config| {
        config.http.public_url = url.clone();
        config.outbound.allow = vec!["127.0.0.1".parse().unwrap()];
        change(config);
    });
    (dispatcher, listener, url)
}

fn serve(dispatcher: &Dispatcher, listener: TcpListener) {
    let router = sentinela::web::router::router(dispatcher.app.clone());
    // It ends with the test.
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
}

async fn warned<'a>(db: &'a TestDb, phones: &[&str]) -> Town<'a> {
    let town = Town::new(db).await;
    for phone in phones {
        town.resident(INSIDE, 10, &[phone]).await;
    }
    let alert = town.living_alert("Defesa Civil: \"não\" volte & saia.").await;
    town.enqueue(alert).await;
    town
}

async fn until(town: &Town<'_>, wanted: &[&str]) {
    let what = format!("{wanted:?}");
    support::eventually(&what, || async { (town.states().await == wanted).then_some(()) }).await;
}

async fn count(db: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap()
}

#[tokio::test]
async fn sms_go_through_a_gateway_and_its_signed_receipts_end_them() {
    for receipt in ["--receipt=after", "--receipt=before", "--receipt=twice"] {
        let db = support::db().await;
        let port = free_port();
        let town = warned(&db, &PHONES).await;
        let (dispatcher, listener, url) = serving(&db, |config| config.sms.http = vec![described(port, "")]).await;
        serve(&dispatcher, listener);
        let callback = format!("--callback={url}/api/v1/sms/gateway/receipts");
        let mut peer = gateway(port, &["--key=key", &callback, &format!("--secret={SECRET}"), receipt]).await;
        let asked = told(&mut peer, "request").await;
        assert_eq!(asked["text"].as_str(), Some("Defesa Civil: \"não\" volte & saia."), "{asked}");
        assert_eq!(asked["from"].as_str(), Some("40199"));
        assert!(asked["to"].as_str().unwrap().starts_with("55329"), "{asked}");
        until(&town, &ALL_DELIVERED).await;
        dispatcher.stop().await;
    }
}

#[tokio::test]
async fn a_gateway_that_hangs_or_hangs_up_is_a_doubt_and_the_warning_is_sent_again() {
    for fault in ["--hang=2", "--cut=2"] {
        let db = support::db().await;
        let port = free_port();
        let mut peer = gateway(port, &[fault, "--receipt=none"]).await;
        let town = warned(&db, &PHONES).await;
        let (dispatcher, ..) = serving(&db, |config| config.sms.http = vec![hanging(port)]).await;
        let first: [Value; 2] = [told(&mut peer, "request").await, told(&mut peer, "request").await];
        until(&town, &["+5532900000001 accepted", "+5532900000002 accepted", "+5532900000003 accepted"]).await;
        // The doubt is counted, and the second try is known to be of the same message.
        let unknown = count(&db, "select count(*) from outbox_attempt where outcome = 'unknown' and part = 1").await;
        assert_eq!(unknown, 2, "{fault}: {first:?}");
        let twice = count(&db, "select count(*) from outbox where attempts = 2").await;
        assert_eq!(twice, 2, "{fault}");
        dispatcher.stop().await;
    }
}

#[tokio::test]
async fn a_throttled_request_is_sent_again_and_a_dead_number_is_not() {
    let db = support::db().await;
    let port = free_port();
    let _peer = gateway(port, &["--throttle=2", "--dead=5532900000002", "--receipt=none"]).await;
    let town = warned(&db, &PHONES).await;
    let (dispatcher, ..) = serving(&db, |config| config.sms.http = vec![described(port, "")]).await;
    until(&town, &["+5532900000001 accepted", "+5532900000002 rejected", "+5532900000003 accepted"]).await;
    let rows = town.rows().await;
    assert!(rows[1].contains("http 400 unknown_subscriber"), "{rows:?}");
    assert_eq!(count(&db, "select count(*) from outbox_attempt where code = 'http 429'").await, 2);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_gateway_that_refuses_our_password_gives_its_work_to_the_next_provider() {
    let db = support::db().await;
    let (port, other) = (free_port(), free_port());
    let _peer = gateway(port, &["--key=another"]).await;
    let mut centre = smsc(other, &[]).await;
    let town = warned(&db, &PHONES).await;
    let (dispatcher, ..) = serving(&db, |config| {
        config.sms.http = vec![described(port, "priority = 1")];
        config.sms.smpp = vec![SmppProvider { priority: Some(2), ..provider(other) }];
    })
    .await;
    told(&mut centre, "submit").await;
    until(&town, &ALL_DELIVERED).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_gateway_out_of_order_gives_its_work_to_the_next_provider() {
    for status in ["--down=503", "--down=500"] {
        let db = support::db().await;
        let (port, other) = (free_port(), free_port());
        let _peer = gateway(port, &[status]).await;
        let _centre = smsc(other, &[]).await;
        let town = warned(&db, &PHONES).await;
        let (dispatcher, ..) = serving(&db, |config| {
            config.dispatch.retry_max_s = 2;
            config.sms.http = vec![described(port, "priority = 1")];
            config.sms.smpp = vec![SmppProvider { priority: Some(2), ..provider(other) }];
        })
        .await;
        until(&town, &ALL_DELIVERED).await;
        dispatcher.stop().await;
    }
}

#[tokio::test]
async fn what_one_provider_refuses_in_words_that_nobody_knows_another_takes_while_the_first_works_on() {
    let db = support::db().await;
    let (port, other) = (free_port(), free_port());
    let _peer = gateway(port, &["--odd=5532900000002", "--receipt=none"]).await;
    let _centre = smsc(other, &[]).await;
    let town = warned(&db, &PHONES).await;
    let (dispatcher, ..) = serving(&db, |config| {
        config.dispatch.retry_base_s = 1;
        config.dispatch.retry_max_s = 1;
        config.sms.http = vec![described(port, "priority = 1")];
        config.sms.smpp = vec![SmppProvider { priority: Some(2), ..provider(other) }];
    })
    .await;
    until(&town, &["+5532900000001 accepted", "+5532900000002 delivered", "+5532900000003 accepted"]).await;
    assert_eq!(count(&db, "select count(*) from outbox_attempt where code = 'http 418'").await, 6);
    assert_eq!(count(&db, "select count(*) from outbox where refused_by = '{http:gateway}'").await, 1);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_message_that_a_gateway_took_in_a_lost_try_does_not_leave_again() {
    let db = support::db().await;
    let port = free_port();
    let mut peer = gateway(port, &["--receipt=none"]).await;
    let town = warned(&db, &PHONES[..2]).await;
    // The answer was written down; the row came back all the same, as it does when a lease ended too early.
    sqlx::query(
        "insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome, provider_message_id)
        select id, 1, 1, now(), 'http:gateway', 'accepted', 'gw-0' from outbox where address = '+5532900000001'",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    sqlx::query("update outbox set attempts = 1 where address = '+5532900000001'").execute(&db.pool).await.unwrap();
    let (dispatcher, ..) = serving(&db, |config| config.sms.http = vec![described(port, "")]).await;
    until(&town, &["+5532900000001 accepted", "+5532900000002 accepted"]).await;
    assert_eq!(told(&mut peer, "request").await["to"].as_str(), Some("5532900000002"));
    assert_eq!(count(&db, "select count(*) from outbox_attempt where outcome = 'accepted'").await, 2);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_message_whose_answer_never_came_is_known_by_our_reference() {
    let db = support::db().await;
    let port = free_port();
    let _peer = gateway(port, &["--hang=1", "--receipt=none"]).await;
    let town = warned(&db, &PHONES[..1]).await;
    let (dispatcher, ..) = serving(&db, |config| {
        let mut without_ids = hanging(port);
        without_ids.response.message_id = String::new();
        config.sms.http = vec![without_ids];
    })
    .await;
    until(&town, &["+5532900000001 accepted"]).await;
    let known =
        "select count(*) from outbox_attempt where outcome = 'unknown' and provider_message_id = 's' || outbox_id";
    assert_eq!(count(&db, known).await, 1);
    dispatcher.stop().await;
}

/// Posts it as the gateway does, signed.
async fn post(dispatcher: &Dispatcher, url: &str, body: &str) -> StatusCode {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let sum = ring::hmac::sign(&key, body.as_bytes());
    let signature: String = sum.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    let client = sentinela::outbound::Client::new(&dispatcher.app.config.outbound);
    let request = axum::http::Request::post(url)
        .header("content-type", "application/json")
        .header("x-signature", &signature)
        .body(body.as_bytes().to_vec())
        .unwrap();
    client.send(request, 10_000).await.unwrap().status
}

#[tokio::test]
async fn one_odd_receipt_is_kept_and_holds_up_none_of_the_others() {
    let db = support::db().await;
    let port = free_port();
    let _peer = gateway(port, &["--receipt=none"]).await;
    let town = warned(&db, &PHONES[..1]).await;
    let (dispatcher, listener, url) = serving(&db, |config| config.sms.http = vec![described(port, "")]).await;
    serve(&dispatcher, listener);
    until(&town, &["+5532900000001 accepted"]).await;
    let body = r#"{"results":[{"status":"DELIVERED"},{"id":"GW-1","status":"DELIVERED"}]}"#;
    let answer = post(&dispatcher, &format!("{url}/api/v1/sms/gateway/receipts"), body).await;
    assert_eq!(answer, StatusCode::NO_CONTENT);
    until(&town, &["+5532900000001 delivered"]).await;
    let kept = "select count(*) from delivery_receipt where status = 'not_a_receipt' and convert_from(raw, 'utf8') like '%DELIVERED%'";
    assert_eq!(count(&db, kept).await, 1);
    let odd = post(&dispatcher, &format!("{url}/api/v1/sms/gateway/messages"), r#"{"from":"5532900000001"}"#).await;
    assert_eq!((odd, town.count("delivery_receipt").await), (StatusCode::NO_CONTENT, 3));
    dispatcher.stop().await;
}

#[tokio::test]
async fn what_comes_in_a_gateways_name_without_its_signature_changes_nothing() {
    let db = support::db().await;
    let port = free_port();
    let mut peer = gateway(port, &["--receipt=none"]).await;
    let town = warned(&db, &PHONES[..1]).await;
    let (dispatcher, listener, url) = serving(&db, |config| config.sms.http = vec![described(port, "")]).await;
    serve(&dispatcher, listener);
    told(&mut peer, "request").await;
    until(&town, &["+5532900000001 accepted"]).await;
    let body = r#"{"results":[{"id":"GW-1","status":"DELIVERED"}]}"#;
    let client = sentinela::outbound::Client::new(&dispatcher.app.config.outbound);
    for (provider, signature) in [("gateway", "sha256=00"), ("gateway", ""), ("nobody", "sha256=00")] {
        let request = axum::http::Request::post(format!("{url}/api/v1/sms/{provider}/receipts"))
            .header("content-type", "application/json")
            .header("x-signature", signature)
            .body(body.as_bytes().to_vec())
            .unwrap();
        let answer = client.send(request, 10_000).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{provider} {signature}");
    }
    assert_eq!(town.count("delivery_receipt").await, 0);
    assert_eq!(town.states().await, ["+5532900000001 accepted"]);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_persons_message_through_a_gateway_is_a_report() {
    let db = support::db().await;
    let port = free_port();
    let (dispatcher, listener, url) = serving(&db, |config| config.sms.http = vec![described(port, "")]).await;
    serve(&dispatcher, listener);
    let mut peer = gateway(port, &["--receipt=none"]).await;
    let body = r#"{"from":"5532900000001","text":"RELATO árvore caída, rua das Flores 20"}"#;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let sum = ring::hmac::sign(&key, body.as_bytes());
    let signature: String = sum.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    let client = sentinela::outbound::Client::new(&dispatcher.app.config.outbound);
    // Twice, as a gateway does that missed the answer.
    for _ in 0..2 {
        let request = axum::http::Request::post(format!("{url}/api/v1/sms/gateway/messages"))
            .header("content-type", "application/json")
            .header("x-signature", &signature)
            .body(body.as_bytes().to_vec())
            .unwrap();
        assert_eq!(client.send(request, 10_000).await.unwrap().status, StatusCode::NO_CONTENT);
    }
    let answer = told(&mut peer, "request").await;
    assert_eq!(answer["to"].as_str(), Some("5532900000001"));
    assert!(answer["text"].as_str().unwrap().contains("Protocolo R"), "{answer}");
    assert_eq!(count(&db, "select count(*) from report").await, 1);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_number_that_fails_three_times_in_a_row_is_blocked_until_it_is_confirmed_again() {
    let db = support::db().await;
    let port = free_port();
    let (dispatcher, listener, url) = serving(&db, |config| config.sms.http = vec![described(port, "")]).await;
    serve(&dispatcher, listener);
    let callback = format!("--callback={url}/api/v1/sms/gateway/receipts");
    let secret = format!("--secret={SECRET}");
    let _peer = gateway(port, &[&callback, &secret, "--lose=5532900000001"]).await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &[PHONES[0]]).await;
    town.resident(INSIDE, 10, &[PHONES[1]]).await;
    let blocked = "select count(*) from resident_channel where blocked_at is not null and blocked_reason like '%unknown_subscriber%'";
    for failure in 1..=3 {
        assert_eq!(count(&db, blocked).await, 0, "before failure {failure}");
        // The next day.
        let earlier =
            "update resident_channel set failed_at = failed_at - interval '1 day' where failed_at is not null";
        sqlx::raw_sql(earlier).execute(&db.pool).await.unwrap();
        let alert = town.living_alert("Saia.").await;
        town.enqueue(alert).await;
        let ended = "select count(*) from outbox where state in ('undelivered', 'delivered')";
        support::eventually("the end of both", || async { (count(&db, ended).await == failure * 2).then_some(()) })
            .await;
    }
    support::eventually("the block", || async { (count(&db, blocked).await == 1).then_some(()) }).await;
    sqlx::query("update resident_channel set verified_at = now() where blocked_at is not null")
        .execute(&db.pool)
        .await
        .unwrap();
    assert_eq!(
        count(&db, "select count(*) from resident_channel where failures > 0 or blocked_at is not null").await,
        0
    );
    dispatcher.stop().await;
}
