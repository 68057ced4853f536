//! The service looks at itself: what it proves, what it writes down, and whom it tells.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::config::NodeRole;
use sentinela::operation::judge::Problem;
use sentinela::operation::store::{self, Process};
use sentinela::operation::worker::{Round, Watcher};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::receiver;
use crate::dispatch::town::{INSIDE, Town};
use crate::support::{self, TestDb, start_at};

/// As the evaluator says every ten seconds.
async fn evaluated(app: &App) {
    let mut conn = app.db.ingest.acquire().await.unwrap();
    sentinela::risk::store::say_caught_up(&mut conn, app.clock.now()).await.unwrap();
}

async fn get(app: &App, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn watched(db: &TestDb, port: u16) -> App {
    let url = format!("http://127.0.0.1:{port}/ping/hidden");
    support::app_with(db, &[("SENTINELA__HEARTBEAT__URL", url.as_str()), ("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")])
}

#[tokio::test]
async fn the_watcher_outside_hears_the_service_while_all_is_well_and_not_without_its_database() {
    let db = support::db().await;
    let (port, mut beats) = receiver(StatusCode::OK).await;
    let app = watched(&db, port);
    let now = app.clock.now();
    let mut watcher = Watcher::new(app.clone());
    assert_eq!(
        watcher.round(now).await,
        Round::Wrong(vec![Problem::EvaluationStill]),
        "nobody has judged anything yet"
    );
    evaluated(&app).await;
    assert_eq!(watcher.round(now).await, Round::Proved);
    let heard = support::soon("the heartbeat", beats.recv()).await.unwrap();
    assert!(heard.head.starts_with("GET /ping/hidden HTTP/1.1"), "{}", heard.head);
    assert_eq!(watcher.round(now).await, Round::Proved);
    assert!(beats.try_recv().is_err(), "one beat a minute is enough, and there was none while something was wrong");
    app.db.web.close().await;
    assert_eq!(Watcher::new(app.clone()).round(now).await, Round::Unknown);
    assert!(beats.try_recv().is_err(), "nothing is proved without the database");
}

#[tokio::test]
async fn a_watcher_that_refuses_is_asked_again_at_the_next_look() {
    let db = support::db().await;
    let (port, mut beats) = receiver(StatusCode::NOT_FOUND).await;
    let app = watched(&db, port);
    evaluated(&app).await;
    let mut watcher = Watcher::new(app.clone());
    for _ in 0..2 {
        assert_eq!(watcher.round(app.clock.now()).await, Round::Proved);
        support::soon("the heartbeat", beats.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn recipients_that_are_not_the_sum_of_their_states_and_messages_that_stand_still_stop_the_heart() {
    let db = support::db().await;
    let (port, mut beats) = receiver(StatusCode::OK).await;
    let app = watched(&db, port);
    let town = Town::new(&db).await;
    town.resident(INSIDE, 0, &["+5532999990001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    evaluated(&app).await;
    let soon = start_at() + TimeDelta::seconds(30);
    assert_eq!(
        Watcher::new(app.clone()).round(soon).await,
        Round::Proved,
        "what waits for half a minute is no standstill"
    );
    support::soon("the heartbeat", beats.recv()).await.unwrap();
    let later = start_at() + TimeDelta::minutes(3);
    let still = Round::Wrong(vec![Problem::SendingStill("sms".into())]);
    assert_eq!(Watcher::new(app.clone()).round(later).await, still, "nobody carries it");
    sqlx::query("update dispatch_run set recipients = recipients + 1").execute(&db.pool).await.unwrap();
    let wrong = Round::Wrong(vec![Problem::Unbalanced(1)]);
    assert_eq!(Watcher::new(app.clone()).round(soon).await, wrong);
    assert!(beats.try_recv().is_err());
}

/// Another process on this database says how it is.
async fn says(db: &TestDb, roles: &[&str], holding_s: f64) {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let process = Process { id: Uuid::from_u128(7), node: "b1".into(), roles, holding_s };
    store::say(&mut db.pool.acquire().await.unwrap(), &process).await.unwrap();
}

#[tokio::test]
async fn the_heart_stops_when_no_process_sends_any_more_and_beats_again_when_one_does() {
    let db = support::db().await;
    let (port, mut beats) = receiver(StatusCode::OK).await;
    let url = format!("http://127.0.0.1:{port}/ping/hidden");
    let app = support::app_with(
        &db,
        &[
            ("SENTINELA__HEARTBEAT__URL", url.as_str()),
            ("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1"),
            ("SENTINELA__NODE", "a1"),
            ("SENTINELA__ROLES", "ingest,evaluate,web"),
        ],
    );
    evaluated(&app).await;
    let now = app.clock.now();
    let round = async || Watcher::new(app.clone()).round(now).await;
    says(&db, &["dispatch"], 0.0).await;
    assert_eq!(round().await, Round::Proved);
    support::soon("the heartbeat", beats.recv()).await.unwrap();
    sqlx::query("update service_process set seen_at = seen_at - interval '2 minutes' where node = 'b1'")
        .execute(&db.pool)
        .await
        .unwrap();
    assert_eq!(round().await, Round::Wrong(vec![Problem::RoleGone(NodeRole::Dispatch)]), "nothing waits yet");
    assert!(beats.try_recv().is_err());
    says(&db, &["dispatch"], 0.0).await;
    assert_eq!(round().await, Round::Proved);
    support::soon("the heartbeat", beats.recv()).await.unwrap();
}

#[tokio::test]
async fn readings_that_wait_at_another_process_are_known_to_whoever_writes_down_how_the_service_fares() {
    let db = support::db().await;
    let app = support::app(&db);
    evaluated(&app).await;
    let now = app.clock.now();
    let mut watcher = Watcher::new(app.clone());
    says(&db, &["ingest"], 20.0).await;
    // This one has no devices, and holds nothing.
    assert_eq!(watcher.round(now).await, Round::Wrong(vec![Problem::IntakeStill]));
    let open = async || {
        let spells = store::spells(&mut db.pool.acquire().await.unwrap(), now, 10).await.unwrap();
        spells.into_iter().filter(|spell| spell.until.is_none()).map(|spell| spell.part).collect::<Vec<_>>()
    };
    assert_eq!(open().await, ["intake"]);
    says(&db, &["ingest"], 0.0).await;
    assert_eq!(watcher.round(now).await, Round::Proved);
    assert!(open().await.is_empty());
}

#[tokio::test]
async fn residents_see_what_does_not_work_since_when_and_what_did_not() {
    let db = support::db().await;
    let app = support::app(&db);
    let mut watcher = Watcher::new(app.clone());
    let status =
        async |app: &App| -> Value { serde_json::from_str(&get(app, "/api/v1/public/service").await.1).unwrap() };
    assert_eq!(status(&app).await["state"], "unknown", "it has not looked at itself yet");
    watcher.round(start_at()).await;
    let told = status(&app).await;
    assert_eq!(
        (&told["state"], &told["parts"][1]),
        (&json!("failing"), &json!({ "part": "evaluation", "state": "failing", "since": "2026-02-22T12:00:00Z" }))
    );
    assert_eq!(told["parts"][0]["state"], "working");
    let later = start_at() + TimeDelta::minutes(3);
    app.clock.set(later);
    evaluated(&app).await;
    watcher.round(later).await;
    let told = status(&app).await;
    assert_eq!((&told["state"], &told["checked_at"]), (&json!("working"), &json!("2026-02-22T12:03:00Z")));
    let over = json!({ "part": "evaluation", "since": "2026-02-22T12:00:00Z", "until": "2026-02-22T12:03:00Z" });
    assert_eq!(told["incidents"], json!([over]));
    // Half an hour without anybody who looks: it was not there.
    let back = later + TimeDelta::minutes(30);
    app.clock.set(back);
    assert_eq!(status(&app).await["state"], "unknown");
    evaluated(&app).await;
    watcher.round(back).await;
    let told = status(&app).await;
    let away = json!({ "part": "service", "since": "2026-02-22T12:03:00Z", "until": "2026-02-22T12:33:00Z" });
    assert_eq!((&told["state"], &told["incidents"]), (&json!("working"), &json!([away, over])));
    let (code, page) = get(&app, "/situacao-do-servico").await;
    assert_eq!(code, StatusCode::OK);
    for part in ["Situação do serviço", "Avalia o risco", "Serviço inteiro fora do ar", "22/02/2026 09:03"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    app.db.web.close().await;
    let (code, page) = get(&app, "/situacao-do-servico").await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.contains("Não se sabe") && page.contains("199"), "{page}");
}
