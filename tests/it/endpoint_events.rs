//! Webhooks that hear of incidents and occurrences, at real receivers.

use sentinela::accounts::tokens::desk::Acting;
use sentinela::audit::Actor;
use sentinela::endpoints::store::event::{self, Room};
use sentinela::endpoints::{Kind, desk};
use serde_json::{Value, json};

use crate::dispatch::peers::{told, webhook};
use crate::dispatch::town::Town;
use crate::endpoints::{Service, given, made, silent, until};
use crate::support::{self, TestDb, free_port, start_at};

fn settings(port: u16, events: &[&str]) -> Value {
    json!({ "url": format!("http://127.0.0.1:{port}/in"), "events": events })
}

async fn run(db: &TestDb, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&db.pool).await.unwrap();
}

const OPEN: &str = "insert into incident (id, number, title, cobrade, state, opened_at, opened_by)
    values ('00000000-0000-0000-0000-0000000000a1', '2026/001', 'Chuva no Bom Pastor', '1.1.3.2.1', 'open', now(), 'maria.silva')";
const CLOSE: &str = "update incident set state = 'closed', closed_at = now(), closed_by = 'maria.silva'";
const REPORT: &str = "insert into occurrence (id, number, kind, state, geom, precision_m, opened_at, first_at, last_at, unit, assignee)
    values ('00000000-0000-0000-0000-0000000000b1', '2026/00042', 'landslide', 'new', st_setsrid(st_makepoint(-43.3512345, -21.7612345), 4326), 5,
        now(), now(), now(), 'Viatura 3, cabo Souza', 'jose.souza')";
const DISPATCH: &str = "begin; update occurrence set priority = 1, priority_rule = 1;
    update occurrence set state = 'confirmed', decided_at = now(), decided_by = 'maria.silva', reason = 'Dona Ana Dias ligou da Rua Halfeld, 12';
    commit";
const STATES: &str = "select e.name || ' ' || v.event || ' ' || v.state from endpoint_event v join endpoint e on e.id = v.endpoint_id order by v.id";

/// Events that wait for the endpoint of this name.
async fn crowd(db: &TestDb, name: &str, count: i64) {
    sqlx::query(
        "insert into endpoint_event (endpoint_id, event, subject_id, at, payload, expires_at)
         select e.id, 'incident.changed', gen_random_uuid(), clock_timestamp(), jsonb_build_object('id', n, 'drill', false),
             clock_timestamp() + interval '1 day'
         from endpoint e cross join generate_series(1, $2) n where e.name = $1 order by n",
    )
    .bind(name)
    .bind(count)
    .execute(&db.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn events_arrive_signed_in_their_order_over_failures_and_a_restart_and_say_nothing_of_people() {
    let db = support::db().await;
    let service = Service::start(&db);
    let port = free_port();
    let wanted = given("painel", settings(port, &["incidents", "occurrences"]), &["actual"]);
    let (_, key) = made(service.app(), Kind::Webhook, &wanted, "").await;
    made(service.app(), Kind::Webhook, &given("so-alertas", settings(port, &[]), &["actual"]), "").await;
    let mut receiver = webhook(port, &["--fail", "2", "--secret", &key]).await;
    for step in [OPEN, CLOSE, REPORT, DISPATCH] {
        run(&db, step).await;
    }
    let mut got = vec![told(&mut receiver, "verified").await];
    // The first was refused; the service goes before it is tried again.
    service.stop().await;
    let service = Service::start(&db);
    while got.last().unwrap()["body"]["type"] != json!("occurrence.changed") {
        got.push(told(&mut receiver, "verified").await);
    }
    let mut types: Vec<&str> = got.iter().map(|one| one["body"]["type"].as_str().unwrap()).collect();
    types.dedup();
    assert_eq!(types, ["incident.opened", "incident.closed", "occurrence.received", "occurrence.changed"]);
    assert_eq!((&got[0]["id"], &got[1]["id"]), (&got[1]["id"], &got[2]["id"]), "the same for every try");
    for one in &got {
        assert_eq!(one["verified"], json!([true]), "{one}");
        let body = one["body"].to_string();
        for word in ["silva", "souza", "Souza", "Ana", "Halfeld", "43.3512", "Viatura"] {
            assert!(!body.contains(word), "{word}: {body}");
        }
    }
    let last = &got.last().unwrap()["body"]["data"];
    assert_eq!((&last["state"], &last["priority"], &last["is_real"]), (&json!("confirmed"), &json!(1), &json!(true)));
    assert!(last["url"].as_str().unwrap().ends_with("/console/reports/00000000-0000-0000-0000-0000000000b1"), "{last}");
    until(&db, "select distinct state from endpoint_event", "delivered").await;
    until(&db, "select count(*)::text from endpoint_attempt where message_id like 'evt_%'", &got.len().to_string())
        .await;
    service.stop().await;
}

#[tokio::test]
async fn an_exercise_reaches_only_endpoints_that_take_them_also_where_its_alert_is_linked_later() {
    let db = support::db().await;
    let app = support::app(&db);
    let town = Town::new(&db).await;
    town.exercise(&[]).await;
    made(&app, Kind::Webhook, &given("real", settings(1, &["incidents"]), &["actual"]), "").await;
    made(&app, Kind::Webhook, &given("treino", settings(1, &["incidents"]), &["exercise"]), "").await;
    let alert = town.alert_of("alert", None, 60, "exercise", "x").await;
    let mut tx = db.pool.begin().await.unwrap();
    sqlx::raw_sql(OPEN).execute(&mut *tx).await.unwrap();
    sqlx::query("insert into incident_alert select id, $1 from incident")
        .bind(alert.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    until(&db, STATES, "treino incident.opened waiting").await;
    until(&db, "select payload ->> 'drill' from endpoint_event", "true").await;
    run(&db, "delete from incident_alert").await;
    run(&db, CLOSE).await;
    until(&db, STATES, "treino incident.opened waiting, real incident.closed waiting").await;
}

#[tokio::test]
async fn an_alert_overtakes_every_event_that_waits_for_the_same_endpoint() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let port = free_port();
    let service = Service::start(&db);
    made(service.app(), Kind::Webhook, &given("painel", settings(port, &["incidents"]), &["actual"]), "").await;
    run(&db, "update endpoint set enabled = false, disabled_why = 'person'").await;
    crowd(&db, "painel", 50).await;
    service.stop().await;
    run(&db, "update endpoint set enabled = true, disabled_why = ''").await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let mut receiver = webhook(port, &[]).await;
    let service = Service::start(&db);
    let first = told(&mut receiver, "verified").await;
    assert_eq!(first["body"]["type"], json!("alert.issued"));
    until(&db, "select count(*)::text from endpoint_event where state = 'delivered'", "50").await;
    service.stop().await;
}

#[tokio::test]
async fn receivers_that_stopped_hold_back_nobody_else() {
    let db = support::db().await;
    let service = Service::start(&db);
    let ((dead, holding), alive) = (silent().await, free_port());
    for number in 0..10 {
        let name = format!("a-dead-{number}");
        made(service.app(), Kind::Webhook, &given(&name, settings(dead, &["incidents"]), &["actual"]), "").await;
        run(&db, "update endpoint set failures = 1, failing_since = created_at where name like 'a-dead%'").await;
    }
    made(service.app(), Kind::Webhook, &given("b-alive", settings(alive, &["incidents"]), &["actual"]), "").await;
    let mut receiver = webhook(alive, &[]).await;
    run(&db, OPEN).await;
    run(&db, CLOSE).await;
    for wanted in ["incident.opened", "incident.closed"] {
        assert_eq!(told(&mut receiver, "verified").await["body"]["type"], json!(wanted));
    }
    let held: i64 = sqlx::query_scalar("select count(*) from endpoint_event where leased_until is not null")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert!(held <= 5, "{held} places are held by receivers that stopped");
    service.stop().await;
    holding.abort();
}

#[tokio::test]
async fn an_endpoint_that_is_gone_ends_what_waits_and_what_ended_is_sent_again_by_hand() {
    let db = support::db().await;
    let service = Service::start(&db);
    let port = free_port();
    let (id, _) =
        made(service.app(), Kind::Webhook, &given("painel", settings(port, &["incidents"]), &["actual"]), "").await;
    let gone = webhook(port, &["--status", "410"]).await;
    run(&db, &format!("begin; {OPEN}; {CLOSE}; commit")).await;
    until(&db, STATES, "painel incident.opened given_up, painel incident.closed endpoint_off").await;
    until(&db, "select disabled_why from endpoint", "gone").await;
    run(&db, "update incident set title = 'outro'").await;
    until(&db, "select count(*)::text from endpoint_event", "2").await;
    drop(gone);
    let back = free_port();
    run(
        &db,
        &format!(
            "update endpoint set configuration = jsonb_set(configuration, '{{url}}', '\"http://127.0.0.1:{back}/in\"')"
        ),
    )
    .await;
    let mut receiver = webhook(back, &[]).await;
    let actor = Actor::command();
    let by = Acting { ids: &service.app().ids, now: service.app().clock.now(), actor: &actor };
    let row: i64 = sqlx::query_scalar("select max(id) from endpoint_event").fetch_one(&db.pool).await.unwrap();
    let tried = desk::replay_event(service.app(), by, id, row).await.unwrap();
    assert_eq!((tried.outcome.as_str(), tried.message_id), ("delivered", format!("evt_{row}")));
    assert_eq!(told(&mut receiver, "verified").await["body"]["type"], json!("incident.closed"));
    assert!(desk::replay_event(service.app(), by, id, row + 1).await.is_err(), "what was never meant for it");
    service.stop().await;
}

#[tokio::test]
async fn beyond_ten_thousand_the_oldest_that_waits_is_given_up_and_what_ended_is_forgotten_after_thirty_days() {
    let db = support::db().await;
    let app = support::app(&db);
    made(&app, Kind::Webhook, &given("painel", settings(1, &["incidents"]), &["actual"]), "").await;
    made(&app, Kind::Webhook, &given("outro", settings(1, &["incidents"]), &["actual"]), "").await;
    crowd(&db, "painel", event::MOST_WAITING + 3).await;
    crowd(&db, "outro", 1).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let swept = event::sweep(&mut conn, start_at()).await.unwrap();
    assert_eq!((swept.crowded, swept.expired), (3, 0));
    let ended: Vec<String> = sqlx::query_scalar(
        "select (payload ->> 'id') || ' ' || state || ' ' || reason from endpoint_event where state <> 'waiting' order by id",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(ended, ["1 given_up too_many_wait", "2 given_up too_many_wait", "3 given_up too_many_wait"]);
    // One of each endpoint, the oldest, and no second one while it is under way.
    let room = Room { rows: 8, failing: 4 };
    let first = event::claim(&mut conn, start_at(), room, start_at()).await.unwrap();
    let mut ids: Vec<Value> = first.iter().map(|row| row.happening.told["id"].clone()).collect();
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, [json!(1), json!(4)]);
    assert!(event::claim(&mut conn, start_at(), room, start_at()).await.unwrap().is_empty());
    let later = sentinela::clock::Clock::System.now() + chrono::TimeDelta::days(40);
    assert!(event::sweep(&mut conn, later).await.unwrap().expired > 0);
    assert_eq!(event::forget(&mut conn, later).await.unwrap(), 3);
}
