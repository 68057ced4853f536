//! Sirens over MQTT, with `mosquitto_sub` and `mosquitto_pub` as the siren: two persons, a silence in time, answers as deliveries.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::endpoints::desk::{self as endpoints, Given, Rights};
use sentinela::endpoints::{Kind, worker as endpoints_worker};
use sentinela::ids::{EndpointId, StaffId};
use sentinela::refused::Refused;
use sentinela::sirens::desk::{self, Alone};
use sentinela::sirens::request::{RequestState, Word};
use sentinela::sirens::{TestMode, worker};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dispatch::town::Town;
use crate::fleet::{Device, Listening, listening, publish};
use crate::ingest::gauge;
use crate::support::{self, TestDb, eventually, start_at};

const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

/// The siren on its topic. Like every device it acts once on an id: what waits is told again whenever a connection of it comes.
struct Horn {
    device: Device,
    known: Vec<Value>,
}

impl Horn {
    fn comes(port: &str, code: &str) -> Self {
        Self { device: Device::comes(port, code), known: Vec::new() }
    }

    async fn hears(&mut self) -> Value {
        loop {
            let heard = self.device.hears().await;
            if !self.known.contains(&heard["id"]) {
                self.known.push(heard["id"].clone());
                return heard;
            }
        }
    }
}

async fn siren(app: &App, db: &TestDb, code: &str, settings: Value) -> EndpointId {
    gauge(&db.pool, code).await;
    let mut whole = json!({ "device": code });
    whole.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let given = Given {
        name: format!("Sirene {code}"),
        settings: whole,
        place: None,
        least_level: "alert".into(),
        hazards: Vec::new(),
        statuses: vec!["actual".into()],
    };
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let made = endpoints::create(&mut tx, app, by, (Kind::Siren, &given, ""), Rights { issue: true }).await.unwrap();
    tx.commit().await.unwrap();
    app.ingest.devices().reload(&db.pool).await.unwrap();
    made.0
}

async fn person(app: &App, username: &str) -> StaffId {
    let mut conn = app.db.web.acquire().await.unwrap();
    accounts::upsert_member(&mut conn, &app.ids, app.clock.now(), username, username, &Role::Approver.into(), NO_HASH)
        .await
        .unwrap()
}

fn wish(sirens: &[EndpointId]) -> desk::Given {
    let sirens = sirens.iter().map(|id| id.0).collect();
    desk::Given { sirens, pattern: "wail".into(), duration_s: 60, reason: "rompimento da barragem".into() }
}

async fn ask(app: &App, by: StaffId, sirens: &[EndpointId]) -> Uuid {
    let actor = Actor::command();
    let acting = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let id = desk::request(&mut tx, acting, by, &wish(sirens), 5).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn decide(app: &App, by: StaffId, id: Uuid, word: Word) -> Result<RequestState, Refused> {
    let actor = Actor::command();
    let acting = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let state = desk::decide(&mut tx, acting, by, (id, word)).await?;
    tx.commit().await.unwrap();
    Ok(state)
}

async fn alone(app: &App, id: EndpointId, what: Alone) -> Result<Uuid, Refused> {
    let actor = Actor::command();
    let acting = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await.unwrap();
    let command = desk::ask(&mut tx, acting, id, what).await?;
    tx.commit().await.unwrap();
    Ok(command)
}

/// Answers a command as the siren does.
async fn answers(port: &str, code: &str, heard: &Value, result: &str) {
    let id = heard["id"].as_str().unwrap();
    let answer = format!(r#"{{"id":"{id}","result":"{result}","message":"ok"}}"#);
    assert!(publish(port, code, &format!("v1/devices/{code}/commands/ack"), &answer).await.status.success());
}

async fn state(app: &App, db: &TestDb) -> String {
    worker::round(app, app.clock.now()).await.unwrap();
    sqlx::query_scalar("select state from siren").fetch_one(&db.pool).await.unwrap()
}

async fn is(app: &App, db: &TestDb, wanted: &str) {
    eventually(wanted, async || (state(app, db).await == wanted).then_some(())).await;
}

fn pass(app: &App, seconds: i64) {
    app.clock.set(app.clock.now() + TimeDelta::seconds(seconds));
}

async fn commands(db: &TestDb) -> i64 {
    sqlx::query_scalar("select count(*) from device_command").fetch_one(&db.pool).await.unwrap()
}

/// Commands that the siren said it followed.
async fn done(db: &TestDb) -> i64 {
    sqlx::query_scalar("select count(*) from device_command where result = 'done'").fetch_one(&db.pool).await.unwrap()
}

#[tokio::test]
async fn it_takes_two_persons_to_sound_a_siren_by_hand_and_it_is_silenced_in_time() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    let id = siren(app, &db, "S1", json!({})).await;
    let (ana, bruno) = (person(app, "ana").await, person(app, "bruno").await);
    let mut device = Horn::comes(port, "S1");
    assert!(
        publish(port, "S1", "v1/devices/S1/status", r#"{"state":"online","siren":"idle","battery_pct":91}"#)
            .await
            .status
            .success()
    );
    is(app, &db, "idle").await;

    let request = ask(app, ana, &[id]).await;
    assert!(matches!(decide(app, ana, request, Word::Confirm).await, Err(Refused::Forbidden(_))));
    assert_eq!(commands(&db).await, 0, "one person makes nothing sound");
    assert_eq!(decide(app, bruno, request, Word::Confirm).await.unwrap(), RequestState::Confirmed);
    assert!(matches!(decide(app, bruno, request, Word::Confirm).await, Err(Refused::Conflict(_))), "once");
    let heard = device.hears().await;
    assert_eq!((&heard["command"], &heard["args"]["pattern"]), (&json!("siren_sound"), &json!("wail")));
    assert_eq!(heard["args"]["duration_s"], json!(60), "with the sound goes its end");
    answers(port, "S1", &heard, "done").await;
    is(app, &db, "sounding").await;
    pass(app, 59);
    assert_eq!(state(app, &db).await, "sounding");
    pass(app, 1);
    assert_eq!(state(app, &db).await, "silencing");
    let heard = device.hears().await;
    assert_eq!(heard["command"], json!("siren_silence"));
    answers(port, "S1", &heard, "done").await;
    is(app, &db, "idle").await;
    for _ in 0..3 {
        pass(app, 30);
        worker::round(app, app.clock.now()).await.unwrap();
    }
    assert_eq!(commands(&db).await, 2, "silenced once");
}

#[tokio::test]
async fn a_siren_that_sounds_by_itself_is_silenced_and_a_silence_that_fails_is_sent_again_and_staff_are_called() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    siren(app, &db, "S1", json!({})).await;
    sqlx::raw_sql(
        "insert into staff (id, username, name, roles, password_hash, email, phone, language, created_at)
         values (gen_random_uuid(), 'ana', 'Ana', array['coordinator'], 'x', 'ana@exemplo.invalid', '+5532911110001', 'pt-BR', now())",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let mut device = Horn::comes(port, "S1");
    assert!(publish(port, "S1", "v1/devices/S1/status", r#"{"siren":"sounding"}"#).await.status.success());
    is(app, &db, "sounding").await;
    pass(app, 599);
    assert_eq!(state(app, &db).await, "sounding");
    assert_eq!(commands(&db).await, 0);
    pass(app, 1);
    assert_eq!(state(app, &db).await, "silencing");
    let heard = device.hears().await;
    assert_eq!(heard["command"], json!("siren_silence"), "nobody asked it to sound, and it is silenced");
    answers(port, "S1", &heard, "failed").await;
    is(app, &db, "unknown").await;
    let calls = "select address || ' ' || purpose from notice order by address";
    let called = async || -> Vec<String> { sqlx::query_scalar(calls).fetch_all(&db.pool).await.unwrap() };
    assert_eq!(called().await, ["+5532911110001 siren", "ana@exemplo.invalid siren"]);
    pass(app, 29);
    state(app, &db).await;
    assert_eq!(commands(&db).await, 1, "not at once");
    pass(app, 1);
    state(app, &db).await;
    let heard = device.hears().await;
    assert_eq!(heard["command"], json!("siren_silence"));
    answers(port, "S1", &heard, "done").await;
    is(app, &db, "idle").await;
    pass(app, 3600);
    state(app, &db).await;
    assert_eq!((commands(&db).await, called().await.len()), (2, 2), "and that is the end of it");
}

#[tokio::test]
async fn the_end_of_an_earlier_sound_cuts_no_later_one_short() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    let id = siren(app, &db, "S1", json!({})).await;
    let (ana, bruno) = (person(app, "ana").await, person(app, "bruno").await);
    let mut device = Horn::comes(port, "S1");
    for sounds in 1..=2 {
        let request = ask(app, ana, &[id]).await;
        decide(app, bruno, request, Word::Confirm).await.unwrap();
        let heard = device.hears().await;
        assert_eq!(heard["command"], json!("siren_sound"));
        answers(port, "S1", &heard, "done").await;
        eventually("its answer to be known", async || (done(&db).await == sounds).then_some(())).await;
        is(app, &db, "sounding").await;
        pass(app, 40);
    }
    assert_eq!(state(app, &db).await, "sounding", "80 s after the first, 40 s after the second");
    assert_eq!(commands(&db).await, 2, "nothing silences it yet");
    pass(app, 20);
    for _ in 0..2 {
        worker::round(app, app.clock.now()).await.unwrap();
    }
    assert_eq!(device.hears().await["command"], json!("siren_silence"));
    assert_eq!(commands(&db).await, 3, "one silence is enough for both");
}

#[tokio::test]
async fn a_siren_that_answers_before_its_command_is_noted_as_sent_is_silenced_in_time() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    let id = siren(app, &db, "S1", json!({})).await;
    let (ana, bruno) = (person(app, "ana").await, person(app, "bruno").await);
    let request = ask(app, ana, &[id]).await;
    decide(app, bruno, request, Word::Confirm).await.unwrap();
    // It listens to no topic, so nobody notes that it was told; its answer says so.
    let sound: Uuid = sqlx::query_scalar("select id from device_command").fetch_one(&db.pool).await.unwrap();
    answers(port, "S1", &json!({ "id": sound }), "done").await;
    eventually("its answer to be known", async || (done(&db).await == 1).then_some(())).await;
    worker::round(app, app.clock.now()).await.unwrap();
    assert_eq!(state(app, &db).await, "sounding");
    pass(app, 61);
    worker::round(app, app.clock.now()).await.unwrap();
    assert_eq!(commands(&db).await, 2, "the silence follows");
}

#[tokio::test]
async fn a_siren_that_does_not_answer_is_silenced_all_the_same() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    let id = siren(app, &db, "S1", json!({})).await;
    let (ana, bruno) = (person(app, "ana").await, person(app, "bruno").await);
    let mut device = Horn::comes(port, "S1");
    let request = ask(app, ana, &[id]).await;
    decide(app, bruno, request, Word::Confirm).await.unwrap();
    assert_eq!(device.hears().await["command"], json!("siren_sound"));
    eventually("the command to be sent", async || {
        let sent: bool = sqlx::query_scalar("select bool_and(sent_at is not null) from device_command")
            .fetch_one(&db.pool)
            .await
            .unwrap();
        sent.then_some(())
    })
    .await;
    pass(app, 61);
    worker::round(app, app.clock.now()).await.unwrap();
    assert_eq!(device.hears().await["command"], json!("siren_silence"));
}

#[tokio::test]
async fn a_request_that_nobody_confirms_runs_out_and_the_database_makes_nobody_sound_a_siren_alone() {
    let db = support::db().await;
    let app = support::app(&db);
    let id = siren(&app, &db, "S1", json!({})).await;
    let (ana, bruno) = (person(&app, "ana").await, person(&app, "bruno").await);
    let request = ask(&app, ana, &[id]).await;
    pass(&app, 300);
    worker::round(&app, app.clock.now()).await.unwrap();
    assert!(matches!(decide(&app, bruno, request, Word::Confirm).await, Err(Refused::Conflict(_))));
    let state: String = sqlx::query_scalar("select state from siren_request").fetch_one(&db.pool).await.unwrap();
    assert_eq!((state.as_str(), commands(&db).await), ("expired", 0));
    // Whoever writes into the tables meets the same rule.
    let bare = "insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at)
        select gen_random_uuid(), id, 'siren_sound', '{}', 'queued', 'x', now(), now() + interval '1 hour' from device where code = 'S1'";
    let refused = sqlx::query(bare).execute(&db.pool).await.unwrap_err().to_string();
    assert!(refused.contains("without two persons"), "{refused}");
    let other = ask(&app, ana, &[id]).await;
    let same = sqlx::query(
        "update siren_request set state = 'confirmed', decided_by = asked_by, decided_at = now() where id = $1",
    )
    .bind(other)
    .execute(&db.pool)
    .await
    .unwrap_err()
    .to_string();
    assert!(same.contains("siren_request_two_persons"), "{same}");
    let again = sqlx::query("update siren_request set state = 'waiting', decided_at = null where id = $1")
        .bind(request)
        .execute(&db.pool)
        .await;
    assert!(again.unwrap_err().to_string().contains("is decided"));
    assert_eq!(decide(&app, ana, other, Word::Withdraw).await.unwrap(), RequestState::Withdrawn);
}

#[tokio::test]
async fn an_alert_sounds_a_siren_where_the_plan_says_so_and_its_answer_is_the_delivery() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    let plan = json!({ "automatic": true, "plancon": "PLANCON 2026, 5.1", "duration_s": 30 });
    siren(app, &db, "S1", plan).await;
    let town = Town::new(&db).await;
    let running = tokio::spawn(endpoints_worker::run(app.clone()));
    let mut device = Horn::comes(port, "S1");
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let heard = device.hears().await;
    assert_eq!((&heard["command"], &heard["args"]["duration_s"]), (&json!("siren_sound"), &json!(30)));
    let row = "select state from outbox where channel = 'siren' order by id desc limit 1";
    let stands = async |wanted: &str| {
        eventually(wanted, async || {
            worker::round(app, app.clock.now()).await.unwrap();
            let found: String = sqlx::query_scalar(row).fetch_one(&db.pool).await.unwrap();
            (found == wanted).then_some(())
        })
        .await;
    };
    stands("accepted").await;
    answers(port, "S1", &heard, "done").await;
    stands("delivered").await;
    is(app, &db, "sounding").await;
    // An update of the same level sounds nothing again; the end silences.
    let update = town.alert("update", Some(alert), 60).await;
    town.enqueue(update).await;
    let reason: String =
        sqlx::query_scalar("select reason from outbox order by id desc limit 1").fetch_one(&db.pool).await.unwrap();
    assert_eq!(reason, "sounded_before");
    let clear = town.alert("all_clear", Some(update), 60).await;
    town.enqueue(clear).await;
    let heard = device.hears().await;
    assert_eq!(heard["command"], json!("siren_silence"));
    answers(port, "S1", &heard, "done").await;
    stands("delivered").await;
    is(app, &db, "idle").await;
    app.stop.cancel();
    support::soon("the end of the endpoints", running).await.unwrap();
}

#[tokio::test]
async fn without_the_plan_an_alert_sounds_no_siren_and_a_siren_that_refuses_is_no_delivery() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    siren(app, &db, "S1", json!({})).await;
    let town = Town::new(&db).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let told: String =
        sqlx::query_scalar("select state || ' ' || reason from outbox").fetch_one(&db.pool).await.unwrap();
    assert_eq!((told.as_str(), commands(&db).await), ("suppressed not_automatic", 0));
    siren(app, &db, "S2", json!({ "automatic": true, "plancon": "PLANCON 5.1" })).await;
    let running = tokio::spawn(endpoints_worker::run(app.clone()));
    let mut device = Horn::comes(port, "S2");
    let other = town.alert("alert", None, 60).await;
    town.enqueue(other).await;
    let heard = device.hears().await;
    answers(port, "S2", &heard, "failed").await;
    eventually("the failure", async || {
        worker::round(app, app.clock.now()).await.unwrap();
        let found: Vec<String> =
            sqlx::query_scalar("select state || ' ' || reason from outbox where state <> 'suppressed'")
                .fetch_all(&db.pool)
                .await
                .unwrap();
        (found == ["undelivered the siren: ok"]).then_some(())
    })
    .await;
    app.stop.cancel();
    support::soon("the end of the endpoints", running).await.unwrap();
}

#[tokio::test]
async fn one_person_tests_and_silences_and_a_test_that_is_due_or_failed_is_work_at_the_station() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    let id = siren(app, &db, "S1", json!({})).await;
    let mut device = Horn::comes(port, "S1");
    alone(app, id, Alone::Test(TestMode::Silent)).await.unwrap();
    let heard = device.hears().await;
    assert_eq!((&heard["command"], &heard["args"]["mode"]), (&json!("siren_test"), &json!("silent")));
    answers(port, "S1", &heard, "failed").await;
    let notes = "select act || ' ' || detail from maintenance_event where act like 'siren%' order by id";
    eventually("the failed test", async || {
        worker::round(app, app.clock.now()).await.unwrap();
        let found: Vec<String> = sqlx::query_scalar(notes).fetch_all(&db.pool).await.unwrap();
        (found == ["siren_test_failed Sirene S1: ok"]).then_some(())
    })
    .await;
    alone(app, id, Alone::Test(TestMode::Silent)).await.unwrap();
    let heard = device.hears().await;
    answers(port, "S1", &heard, "done").await;
    let open = "select count(*) from maintenance_task where closed_at is null";
    eventually("the end of the work", async || {
        worker::round(app, app.clock.now()).await.unwrap();
        let found: i64 = sqlx::query_scalar(open).fetch_one(&db.pool).await.unwrap();
        (found == 0).then_some(())
    })
    .await;
    app.clock.set(start_at() + TimeDelta::days(32));
    for _ in 0..2 {
        worker::round(app, app.clock.now()).await.unwrap();
    }
    let found: Vec<String> = sqlx::query_scalar(notes).fetch_all(&db.pool).await.unwrap();
    assert_eq!(found.len(), 3, "reminded once: {found:?}");
    assert_eq!(found[1..], ["siren_test_passed Sirene S1", "siren_test_due Sirene S1 (32 d)"]);
}

#[tokio::test]
async fn a_siren_out_of_contact_is_unknown_until_it_speaks() {
    let db = support::db().await;
    let Listening { ref app, ref port } = listening(&db).await;
    siren(app, &db, "S1", json!({})).await;
    let device = Horn::comes(port, "S1");
    assert!(publish(port, "S1", "v1/devices/S1/status", r#"{"siren":"armed"}"#).await.status.success());
    is(app, &db, "armed").await;
    drop(device);
    eventually("the device to be gone", async || {
        let online: bool =
            sqlx::query_scalar("select online from device where code = 'S1'").fetch_one(&db.pool).await.unwrap();
        (!online).then_some(())
    })
    .await;
    assert_eq!(state(app, &db).await, "armed", "a connection may blink");
    pass(app, 121);
    assert_eq!(state(app, &db).await, "unknown");
    let _back = Horn::comes(port, "S1");
    assert!(publish(port, "S1", "v1/devices/S1/status", r#"{"siren":"idle"}"#).await.status.success());
    is(app, &db, "idle").await;
}

#[tokio::test]
async fn the_page_offers_a_confirmation_to_the_second_person_alone() {
    use crate::approval::Room;
    let room = Room::open(&[]).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let (olga, vera) = (room.person("olga", Role::Operator).await, room.person("vera", Role::Viewer).await);
    let id = siren(&room.app, &room.db, "S1", json!({})).await;
    let form = format!("sirens={id}&pattern=wail&duration_s=60&reason=barragem");
    assert_eq!(room.post(&vera, "/console/siren-requests", &form).await.0, StatusCode::FORBIDDEN);
    assert_eq!(room.post(&ana, "/console/siren-requests", &form).await.0, StatusCode::SEE_OTHER);
    assert_eq!(
        room.post(&ana, "/console/siren-requests", "pattern=wail&duration_s=60&reason=x").await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(!room.page(&ana, "/console/sirens").await.contains("Confirm and sound"), "not to whoever asked");
    assert!(!room.page(&olga, "/console/sirens").await.contains("Confirm and sound"), "not to whoever may not issue");
    assert!(room.page(&bruno, "/console/sirens").await.contains("Confirm and sound"));
    let request: Uuid = sqlx::query_scalar("select id from siren_request").fetch_one(&room.db.pool).await.unwrap();
    let path = format!("/console/siren-requests/{request}");
    assert_eq!(room.post(&olga, &path, "act=confirm").await.0, StatusCode::FORBIDDEN);
    let (status, page) = room.post(&ana, &path, "act=confirm").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("second person"), "{page}");
    assert_eq!(room.post(&bruno, &path, "act=confirm").await.0, StatusCode::SEE_OTHER);
    let acts = "select e.actor || ' ' || e.act from audit_event e join audit_chain c on c.event_id = e.id where e.act like 'siren.%' order by c.seq";
    assert_eq!(room.words(acts).await, ["ana siren.ask", "bruno siren.confirm"]);
    assert_eq!(room.stranger(Method::GET, "/api/v1/sirens").await.0, StatusCode::UNAUTHORIZED);
    // The general door for commands makes no siren sound.
    let sound = json!({ "command": "siren_sound", "args": { "pattern": "wail", "duration_s": 60 } });
    let request = axum::http::Request::post("/api/v1/devices/S1/commands")
        .header("authorization", &olga.token)
        .header("content-type", "application/json");
    let (status, _) = room.send(request.body(axum::body::Body::from(sound.to_string())).unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_request_none_of_whose_sirens_is_in_use_any_more_is_not_confirmed_and_sounds_nothing() {
    let db = support::db().await;
    let app = support::app(&db);
    let id = siren(&app, &db, "S1", json!({})).await;
    let (ana, bruno) = (person(&app, "ana").await, person(&app, "bruno").await);
    let request = ask(&app, ana, &[id]).await;
    sqlx::query("update endpoint set enabled = false, disabled_why = 'person' where id = $1")
        .bind(id.0)
        .execute(&db.pool)
        .await
        .unwrap();
    let refused = decide(&app, bruno, request, Word::Confirm).await;
    assert!(matches!(&refused, Err(Refused::Conflict(why)) if why.contains("none of its sirens")), "{refused:?}");
    let state: String = sqlx::query_scalar("select state from siren_request").fetch_one(&db.pool).await.unwrap();
    assert_eq!((state.as_str(), commands(&db).await), ("waiting", 0), "it can be confirmed when one is back");
    sqlx::query("update endpoint set enabled = true, disabled_why = '' where id = $1")
        .bind(id.0)
        .execute(&db.pool)
        .await
        .unwrap();
    assert_eq!(decide(&app, bruno, request, Word::Confirm).await.unwrap(), RequestState::Confirmed);
    assert_eq!(commands(&db).await, 1);
    // Silence is owed by sirens that there are.
    let owed = "insert into siren_owed (endpoint_id, failures) values (gen_random_uuid(), 0)";
    assert!(sqlx::query(owed).execute(&db.pool).await.unwrap_err().to_string().contains("siren_owed_endpoint_fkey"));
}
