//! Webhooks and chats at real receivers (PyPI `standardwebhooks` reads the signatures), and who of the endpoints is told.

use axum::http::{Method, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::dispatch::outbox;
use sentinela::endpoints::desk::{self, Given, Rights};
use sentinela::endpoints::store::claim::{Room as Places, claim};
use sentinela::endpoints::{Kind, worker};
use sentinela::ids::EndpointId;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::approval::{Person, Room};
use crate::dispatch::peers::{Dispatcher, told, webhook};
use crate::dispatch::town::{INSIDE, Town};
use crate::support::{self, free_port, start_at};

pub fn given(name: &str, settings: Value, statuses: &[&str]) -> Given {
    Given {
        name: name.into(),
        settings,
        place: None,
        least_level: "alert".into(),
        hazards: Vec::new(),
        statuses: statuses.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// Makes an endpoint; gives back its key when it has one.
pub async fn made(app: &App, kind: Kind, given: &Given, secret: &str) -> (EndpointId, String) {
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let (id, key) = desk::create(&mut tx, app, by, (kind, given, secret), Rights { issue: true }).await.unwrap();
    tx.commit().await.unwrap();
    (id, key.unwrap_or_default())
}

/// A service on the machine's clock that may ask its own machine.
pub struct Service {
    dispatcher: Dispatcher,
    running: JoinHandle<()>,
}

impl Service {
    pub fn start(db: &support::TestDb) -> Self {
        let dispatcher = Dispatcher::start(db, |config| config.outbound.allow = vec!["127.0.0.1".parse().unwrap()]);
        let running = tokio::spawn(worker::run(dispatcher.app.clone()));
        Self { dispatcher, running }
    }

    pub fn app(&self) -> &App {
        &self.dispatcher.app
    }

    pub async fn stop(self) {
        self.dispatcher.stop().await;
        support::soon("the end of the endpoints", self.running).await.unwrap();
    }
}

pub async fn until(db: &support::TestDb, sql: &'static str, wanted: &str) {
    support::eventually(wanted, async || {
        let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&db.pool).await.unwrap();
        (found.join(", ") == wanted).then_some(())
    })
    .await;
}

const STATES: &str =
    "select e.name || ' ' || o.state from outbox o join endpoint e on e.id = o.endpoint_id order by e.name, o.id";

const ROOM: Places = Places { rows: 32, each: 8, each_failing: 1, all_failing: 16 };

fn url(port: u16) -> Value {
    json!({ "url": format!("http://127.0.0.1:{port}/in") })
}

#[tokio::test]
async fn another_program_verifies_a_webhook_under_both_keys_while_one_follows_the_other() {
    let db = support::db().await;
    let service = Service::start(&db);
    let app = service.app();
    let town = Town::new(&db).await;
    let port = free_port();
    let (id, first) = made(app, Kind::Webhook, &given("cimehd", url(port), &["actual"]), "").await;
    assert!(first.starts_with("whsec_"));
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let second = desk::rotate(&mut tx, app, by, id, 24).await.unwrap();
    tx.commit().await.unwrap();
    let wrong = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let secrets = ["--secret", &first, "--secret", &second, "--secret", wrong];
    let mut receiver = webhook(port, &secrets).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let got = told(&mut receiver, "verified").await;
    assert_eq!((&got["verified"][0], &got["verified"][1]), (&json!(true), &json!(true)), "{got}");
    assert_ne!(got["verified"][2], json!(true));
    assert_eq!((&got["body"]["type"], &got["body"]["data"]["cap_xml"]), (&json!("alert.issued"), &json!("<alert/>")));
    until(&db, STATES, "cimehd delivered").await;
    let logged: Vec<String> = sqlx::query_scalar(
        "select cause || ' ' || outcome || ' ' || code || ' ' || answer || ' ' || message_id from endpoint_attempt",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(logged, [format!("delivery delivered 200 {{\"ok\":true}} {}", got["id"].as_str().unwrap())]);
    // Nothing of the keys lies open in the database.
    let open: i64 = sqlx::query_scalar("select count(*) from endpoint e where e::text like '%whsec%'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(open, 0);
    service.stop().await;
}

#[tokio::test]
async fn one_that_does_not_answer_keeps_no_other_waiting_and_gets_its_message_under_the_same_id_when_it_is_back() {
    let db = support::db().await;
    let service = Service::start(&db);
    let town = Town::new(&db).await;
    let (dead, alive) = (free_port(), free_port());
    made(service.app(), Kind::Webhook, &given("a-dead", url(dead), &["actual"]), "").await;
    made(service.app(), Kind::Webhook, &given("b-alive", url(alive), &["actual"]), "").await;
    let mut receiver = webhook(alive, &[]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    told(&mut receiver, "verified").await;
    until(
        &db,
        "select e.name from outbox o join endpoint e on e.id = o.endpoint_id where o.state = 'delivered'",
        "b-alive",
    )
    .await;
    support::eventually("a failure of the dead one", async || {
        let failures: i32 = sqlx::query_scalar("select failures from endpoint where name = 'a-dead'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
        (failures > 0).then_some(())
    })
    .await;
    let mut back = webhook(dead, &["--fail", "1"]).await;
    let (first, second) = (told(&mut back, "verified").await, told(&mut back, "verified").await);
    assert_eq!(first["id"], second["id"], "the receiver tells that it is the same");
    until(&db, STATES, "a-dead delivered, b-alive delivered").await;
    let failing: Option<i32> =
        sqlx::query_scalar("select failures from endpoint where name = 'a-dead'").fetch_one(&db.pool).await.unwrap();
    assert_eq!(failing, Some(0), "a success forgets failures");
    service.stop().await;
}

/// Takes every connection and never says a word.
pub async fn silent() -> (u16, JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let holding = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    (port, holding)
}

#[tokio::test]
async fn a_dead_webhook_with_forty_messages_holds_back_nobody_elses() {
    let db = support::db().await;
    let service = Service::start(&db);
    let town = Town::new(&db).await;
    let ((dead, holding), alive) = (silent().await, free_port());
    made(service.app(), Kind::Webhook, &given("a-dead", url(dead), &["actual"]), "").await;
    made(service.app(), Kind::Webhook, &given("b-alive", url(alive), &["actual"]), "").await;
    // What waits for the dead one is older, so that it goes first wherever places are given away in order.
    for _ in 0..40 {
        town.living_alert("x").await;
    }
    sqlx::query(
        "insert into outbox (alert_id, endpoint_id, channel, address, priority, state, next_attempt_at, expires_at, created_at)
         select a.id, e.id, 'webhook', e.name, 1, 'pending', a.created_at, a.expires_at, a.created_at
         from endpoint e cross join alert a order by e.name, a.id",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let mut receiver = webhook(alive, &[]).await;
    for _ in 0..40 {
        told(&mut receiver, "verified").await;
    }
    let told = "select count(*)::text from outbox o join endpoint e on e.id = o.endpoint_id where o.state = 'delivered' and e.name = 'b-alive'";
    until(&db, told, "40").await;
    let at_once: i64 = sqlx::query_scalar(
        "select count(*) from outbox o join endpoint e on e.id = o.endpoint_id where o.state = 'sending' and e.name = 'a-dead'",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert!(at_once <= 8, "{at_once} tries at one that does not answer");
    service.stop().await;
    holding.abort();
}

#[tokio::test]
async fn one_that_failed_is_tried_once_at_a_time_and_all_of_them_leave_room() {
    let db = support::db().await;
    let app = support::app(&db);
    let town = Town::new(&db).await;
    for number in 0..40 {
        made(&app, Kind::Webhook, &given(&format!("dead {number:02}"), url(9), &["actual"]), "").await;
    }
    made(&app, Kind::Webhook, &given("well", url(9), &["actual"]), "").await;
    sqlx::query("update endpoint set failures = 3, failing_since = created_at where name like 'dead%'")
        .execute(&db.pool)
        .await
        .unwrap();
    for _ in 0..10 {
        let alert = town.alert("alert", None, 600).await;
        town.enqueue(alert).await;
    }
    let mut conn = db.pool.acquire().await.unwrap();
    let by = |rows: &[sentinela::endpoints::store::claim::Claimed]| {
        let mut counts = std::collections::BTreeMap::new();
        rows.iter().for_each(|row| *counts.entry(row.endpoint_id).or_insert(0) += 1);
        counts
    };
    let first = claim(&mut conn, start_at(), &[Kind::Webhook], ROOM, start_at()).await.unwrap();
    let counts = by(&first);
    assert_eq!((counts.len(), counts.values().filter(|tries| **tries == 8).count(), first.len()), (17, 1, 24));
    let second = claim(&mut conn, start_at(), &[Kind::Webhook], ROOM, start_at()).await.unwrap();
    assert!(second.is_empty(), "those under way count: {second:?}");
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_keeps_no_alert_from_leaving() {
    let db = support::db().await;
    let app = support::app(&db);
    let town = Town::new(&db).await;
    made(&app, Kind::Webhook, &given("a-broken", url(1), &["actual"]), "").await;
    made(&app, Kind::Webhook, &given("b-whole", url(2), &["actual"]), "").await;
    sqlx::raw_sql("update endpoint set configuration = '{}' where name = 'a-broken'").execute(&db.pool).await.unwrap();
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    until(&db, STATES, "b-whole pending").await;
}

#[tokio::test]
async fn an_endpoint_is_nobody_in_the_morning_reports_count_of_who_was_told() {
    let db = support::db().await;
    let app = support::app(&db);
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532911110001"]).await;
    made(&app, Kind::Webhook, &given("rede", url(1), &["actual"]), "").await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let at = sqlx::query_scalar("select max(issued_at) from alert").fetch_one(&db.pool).await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    let body = sentinela::morning::store::gather(&mut conn, at).await.unwrap();
    assert_eq!(body.messages, [("pending".to_owned(), 1)]);
}

#[tokio::test]
async fn a_chat_that_cuts_the_line_shows_a_warning_twice_at_most() {
    let db = support::db().await;
    let service = Service::start(&db);
    let town = Town::new(&db).await;
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    // Reads what it is sent, and goes away without an answer.
    let cutting = tokio::spawn(async move {
        use tokio::io::AsyncReadExt;
        loop {
            let Ok((mut asked, _)) = socket.accept().await else { return };
            let _ = asked.read(&mut [0; 4096]).await;
        }
    });
    let settings = json!({ "url": format!("http://127.0.0.1:{port}/send"), "body": "{\"text\": \"{text}\"}" });
    made(service.app(), Kind::Chat, &given("grupo", settings, &["actual"]), "palavra").await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    until(&db, STATES, "grupo unknown").await;
    until(&db, "select count(*) || ' ' || string_agg(distinct outcome, ',') from endpoint_attempt", "2 unknown").await;
    cutting.abort();
    service.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_says_it_is_gone_is_switched_off_and_staff_are_told() {
    let db = support::db().await;
    let service = Service::start(&db);
    let town = Town::new(&db).await;
    sqlx::raw_sql(
        "insert into staff (id, username, name, roles, password_hash, email, created_at)
         values (gen_random_uuid(), 'ana', 'Ana', array['administrator'], 'x', 'ana@exemplo.invalid', now())",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let port = free_port();
    made(service.app(), Kind::Webhook, &given("antigo", url(port), &["actual"]), "").await;
    let _receiver = webhook(port, &["--status", "410"]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    until(&db, STATES, "antigo rejected").await;
    until(&db, "select name || ' ' || enabled || ' ' || disabled_why from endpoint", "antigo false gone").await;
    until(&db, "select address || ' ' || purpose from notice", "ana@exemplo.invalid endpoint_given_up").await;
    until(&db, "select act from audit_event where act = 'endpoint.disable'", "endpoint.disable").await;
    // The next alert tells why it is not told.
    let next = town.living_alert("y").await;
    town.enqueue(next).await;
    until(&db, "select reason from outbox where state = 'suppressed'", "endpoint_disabled").await;
    service.stop().await;
}

#[tokio::test]
async fn a_chat_gets_its_text_by_template_and_a_wrong_answer_is_no_success() {
    let db = support::db().await;
    let service = Service::start(&db);
    let town = Town::new(&db).await;
    let port = free_port();
    let settings = json!({
        "url": format!("http://127.0.0.1:{port}/bot{{secret}}/sendMessage"), "to": "@defesacivil",
        "body": "{\"chat_id\": \"{to}\", \"text\": \"{text}\", \"ref\": \"{reference}\"}", "success_contains": "\"ok\":true",
    });
    made(service.app(), Kind::Chat, &given("telegram", settings, &["actual"]), "12:segredo").await;
    let mut receiver = webhook(port, &["--fail", "1", "--body", "{\"ok\":false}"]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let got = told(&mut receiver, "verified").await;
    assert_eq!(got["path"], json!("/bot12%3Asegredo/sendMessage"));
    assert_eq!(got["body"]["chat_id"], json!("@defesacivil"));
    let text = got["body"]["text"].as_str().unwrap();
    assert!(text.starts_with("Risco alto de deslizamento\n\nSaia de casa agora."), "{text}");
    // 503, then 200 that says it is no success: it is tried on.
    told(&mut receiver, "verified").await;
    support::eventually("the refusals", async || {
        let found: i64 = sqlx::query_scalar("select count(*) from endpoint_attempt where outcome = 'refused'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
        (found >= 2).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn the_own_network_is_not_asked_by_an_endpoint() {
    let db = support::db().await;
    let dispatcher = Dispatcher::start(&db, |_| {});
    let running = tokio::spawn(worker::run(dispatcher.app.clone()));
    let town = Town::new(&db).await;
    made(&dispatcher.app, Kind::Webhook, &given("dentro", url(free_port()), &["actual"]), "").await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    support::eventually("the refusal", async || {
        let found: Option<String> =
            sqlx::query_scalar("select detail from endpoint_attempt limit 1").fetch_optional(&db.pool).await.unwrap();
        found.filter(|detail| detail.contains("outbound.allow")).map(|_| ())
    })
    .await;
    dispatcher.stop().await;
    support::soon("the end", running).await.unwrap();
}

#[tokio::test]
async fn endpoints_stand_in_the_accounts_beside_residents_and_sirens_before_everything() {
    let db = support::db().await;
    let app = support::app(&db);
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    crate::ingest::gauge(&db.pool, "S1").await;
    made(&app, Kind::Webhook, &given("sistema", url(1), &["actual"]), "").await;
    let plan = json!({ "device": "S1", "automatic": true, "plancon": "PLANCON 5.1" });
    made(&app, Kind::Siren, &given("sirene", plan, &["actual"]), "").await;
    let far = Given {
        place: Some(serde_json::from_value(json!({ "lat": -22.5, "lon": -43.4, "reach_m": 1000 })).unwrap()),
        ..given("longe", url(1), &["actual"])
    };
    made(&app, Kind::Webhook, &far, "").await;
    let alert = town.alert("alert", None, 60).await;
    assert_eq!(town.enqueue(alert).await.sms, 1);
    town.enqueue(alert).await;
    let rows: Vec<String> = sqlx::query_scalar(
        "select trim(concat_ws(' ', o.channel, e.name, o.state, o.basis, o.reason)) from outbox o left join endpoint e on e.id = o.endpoint_id
         order by o.priority, e.name",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    let told = [
        "siren sirene pending everywhere",
        "webhook longe suppressed everywhere out_of_reach",
        "webhook sistema pending everywhere",
        "sms pending inside",
    ];
    assert_eq!(rows, told);
    let mut conn = db.pool.acquire().await.unwrap();
    let accounts = outbox::audit(&mut conn, start_at(), 30, alert).await.unwrap().unwrap();
    assert!(accounts.balance() && accounts.promised == 4, "{accounts:?}");
    let progress = outbox::progress(&mut conn, alert).await.unwrap();
    assert_eq!((progress.sms.pending, progress.endpoints.pending, progress.endpoints.suppressed), (1, 2, 1));
    // The end goes to whoever was told, and to nobody else.
    sqlx::query("update outbox set state = 'delivered', attempts = 1 where channel = 'webhook' and state = 'pending'")
        .execute(&db.pool)
        .await
        .unwrap();
    let clear = town.alert("all_clear", Some(alert), 60).await;
    town.enqueue(clear).await;
    let rows: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', e.name, o.state, o.basis, o.reason) from outbox o join endpoint e on e.id = o.endpoint_id
         where o.alert_id = $1 order by e.name",
    )
    .bind(clear)
    .fetch_all(&db.pool)
    .await
    .unwrap();
    let told = [
        "longe suppressed everywhere never_told",
        "sirene suppressed everywhere never_told",
        "sistema pending told_before ",
    ];
    assert_eq!(rows, told);
}

#[tokio::test]
async fn no_exercise_reaches_an_endpoint_that_does_not_take_them_and_the_database_says_so() {
    let db = support::db().await;
    let app = support::app(&db);
    let town = Town::new(&db).await;
    town.exercise(&[]).await;
    let (real, _) = made(&app, Kind::Webhook, &given("real", url(1), &["actual"]), "").await;
    made(&app, Kind::Webhook, &given("treino", url(1), &["actual", "exercise"]), "").await;
    let exercise = town.alert_of("alert", None, 60, "exercise", "x").await;
    town.enqueue(exercise).await;
    let rows = "select e.name || ' ' || o.state || ' ' || o.reason from outbox o join endpoint e on e.id = o.endpoint_id order by 1";
    until(&db, rows, "real suppressed status_not_taken, treino pending ").await;
    let insert = "insert into outbox (alert_id, endpoint_id, channel, address, priority, state, next_attempt_at, expires_at, created_at)
        values ($1, $2, 'webhook', 'elsewhere', 0, 'pending', now(), now() + interval '1 hour', now())";
    sqlx::query("delete from outbox").execute(&db.pool).await.unwrap();
    let refused = sqlx::query(insert).bind(exercise).bind(real).execute(&db.pool).await.unwrap_err().to_string();
    assert!(refused.contains("does not take this status"), "{refused}");
    town.enqueue(exercise).await;
    let woken =
        sqlx::query("update outbox set state = 'pending' where endpoint_id = $1").bind(real).execute(&db.pool).await;
    assert!(woken.unwrap_err().to_string().contains("was not meant for its endpoint"));
    let both = "insert into outbox (alert_id, endpoint_id, resident_id, channel, address, priority, state, next_attempt_at, expires_at, created_at)
        select $1, $2, $2, 'webhook', 'x', 0, 'suppressed', now(), now(), now()";
    let wrong = sqlx::query(both).bind(exercise).bind(real).execute(&db.pool).await.unwrap_err().to_string();
    assert!(wrong.contains("outbox_recipient_one"), "{wrong}");
    // What leaves of an exercise says so: nobody who left it keeps an endpoint from being told.
    let mut conn = db.pool.acquire().await.unwrap();
    let claimed = claim(&mut conn, start_at(), Kind::ALL, ROOM, start_at()).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let overtaken =
        sentinela::dispatch::store::claim::overtaken(&mut conn, start_at(), &[claimed[0].id.0]).await.unwrap();
    assert!(overtaken.is_empty());
}

impl Room {
    async fn json(&self, by: &Person, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, &by.token)
            .header(header::CONTENT_TYPE, "application/json");
        let (status, text) = self.send(request.body(axum::body::Body::from(body.to_string())).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

#[tokio::test]
async fn an_endpoint_is_made_changed_tested_and_retired_over_api_and_console() {
    let room = Room::open(&[("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")]).await;
    let (olga, ana) = (room.person("olga", Role::Operator).await, room.person("ana", Role::Approver).await);
    let vera = room.person("vera", Role::Viewer).await;
    let port = free_port();
    let body = json!({ "kind": "webhook", "name": "Sala de situação", "settings": url(port) });
    assert_eq!(room.json(&vera, Method::POST, "/api/v1/endpoints", body.clone()).await.0, StatusCode::FORBIDDEN);
    let (status, made) = room.json(&olga, Method::POST, "/api/v1/endpoints", body.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let key = made["key"].as_str().unwrap();
    assert_eq!(
        room.json(&olga, Method::POST, "/api/v1/endpoints", body).await.0,
        StatusCode::CONFLICT,
        "the name is taken"
    );
    let wrong = json!({ "kind": "webhook", "name": "x", "settings": { "url": "ftp://x" } });
    let (status, refused) = room.json(&olga, Method::POST, "/api/v1/endpoints", wrong).await;
    assert_eq!(
        (status, &refused["errors"][0]["field"]),
        (StatusCode::BAD_REQUEST, &json!("settings.url")),
        "{refused}"
    );
    let path = format!("/api/v1/endpoints/{}", made["id"].as_str().unwrap());
    let mut receiver = webhook(port, &[]).await;
    let (status, tried) = room.json(&olga, Method::POST, &format!("{path}/test"), Value::Null).await;
    assert_eq!(
        (status, &tried["outcome"], &tried["asked_by"]),
        (StatusCode::OK, &json!("delivered"), &json!("olga")),
        "{tried}"
    );
    let got = told(&mut receiver, "verified").await;
    assert!(got["body"]["data"]["text"].as_str().unwrap().starts_with("TESTE"), "{got}");
    let (_, shown) = room.json(&olga, Method::GET, &path, Value::Null).await;
    assert_eq!((&shown["name"], shown["attempts"].as_array().unwrap().len()), (&json!("Sala de situação"), 1));
    assert!(!shown.to_string().contains(key), "the key is told once");
    let page = room.page(&olga, &path.replace("/api/v1", "/console")).await;
    for part in ["Sala de situação", "Send a test", "Change the key", "delivered"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    // A siren that sounds by itself asks for more than looking after devices.
    crate::ingest::gauge(&room.db.pool, "S1").await;
    let siren = json!({ "kind": "siren", "name": "Sirene 1", "least_level": "maximum",
        "settings": { "device": "S1", "automatic": true, "plancon": "PLANCON 5.1" } });
    assert_eq!(room.json(&olga, Method::POST, "/api/v1/endpoints", siren.clone()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(room.json(&ana, Method::POST, "/api/v1/endpoints", siren).await.0, StatusCode::CREATED);
    let (status, _) = room.post(&olga, &path.replace("/api/v1", "/console"), "act=retire&typed=outro").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(room.json(&olga, Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(room.json(&olga, Method::GET, &path, Value::Null).await.0, StatusCode::NOT_FOUND);
    let list = room.page(&vera, "/console/endpoints").await;
    assert!(list.contains("Sirene 1") && !list.contains("Sala de situação"), "{list}");
    let acts = "select e.act from audit_event e join audit_chain c on c.event_id = e.id where e.act like 'endpoint.%' order by c.seq";
    assert_eq!(room.words(acts).await, ["endpoint.add", "endpoint.test", "endpoint.add", "endpoint.retire"]);
}

#[tokio::test]
async fn a_message_is_sent_again_by_hand_under_the_id_that_it_had() {
    let db = support::db().await;
    let service = Service::start(&db);
    let town = Town::new(&db).await;
    let port = free_port();
    let (id, _) = made(service.app(), Kind::Webhook, &given("sistema", url(port), &["actual"]), "").await;
    let mut receiver = webhook(port, &[]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let first = told(&mut receiver, "verified").await;
    until(&db, STATES, "sistema delivered").await;
    let row: i64 = sqlx::query_scalar("select id from outbox").fetch_one(&db.pool).await.unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &service.app().ids, now: service.app().clock.now(), actor: &actor };
    let tried = desk::replay(service.app(), by, id, row).await.unwrap();
    let again = told(&mut receiver, "verified").await;
    assert_eq!((&first["id"], &first["body"]), (&again["id"], &again["body"]));
    assert_eq!(tried.outcome, "delivered");
    assert!(desk::replay(service.app(), by, id, row + 1).await.is_err(), "what was never meant for it");
    service.stop().await;
}
