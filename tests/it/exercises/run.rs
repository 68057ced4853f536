//! From the plan to the report, over the API and the console.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::dispatch::{finished, worker as dispatcher};
use sentinela::events::Event;
use sentinela::exercises::worker;
use sentinela::ids::AlertId;
use serde_json::{Value, json};

use super::{ANA, BETO, Room};
use crate::support;

#[tokio::test]
async fn an_exercise_lives_from_its_plan_to_its_report() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let bruno = room.person("bruno", Role::Operator).await;
    let (id, _) = room.planned(&ana, 10).await;
    let at = format!("exercises/{id}");
    for who in [
        json!({ "kind": "staff", "username": "bruno" }),
        json!({ "kind": "institution", "name": "Bombeiros", "contact": "Cap. Lima", "phone": "32 99999-0000" }),
        json!({ "kind": "nucleus", "name": "NUPDEC Bom Pastor" }),
    ] {
        let invited = room.api(&ana, Method::POST, &format!("{at}/participants"), who).await;
        assert_eq!(invited.status, StatusCode::NO_CONTENT, "{}", invited.text);
    }
    room.joins(&id, ANA, "all").await;
    room.joins(&id, BETO, "all").await;
    room.pass(TimeDelta::days(10));
    assert_eq!(room.act(&ana, &id, "start").await.status, StatusCode::NO_CONTENT);
    let again = room.act(&ana, &id, "start").await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);

    let alert = room.alert(&ana, &id).await;
    deliver(&room, &alert).await;

    // The controller ticks one of two injects, and somebody confirms.
    room.pass(TimeDelta::minutes(11));
    let whole = room.api(&ana, Method::GET, &at, Value::Null).await.json();
    let inject = whole["injects"][0]["id"].as_i64().unwrap();
    let tick = format!("{at}/injects/{inject}/tick");
    assert_eq!(room.api(&bruno, Method::POST, &tick, json!({ "done": true })).await.status, StatusCode::NO_CONTENT);
    assert_eq!(room.api(&bruno, Method::POST, &tick, json!({ "done": true })).await.status, StatusCode::CONFLICT);
    let page = room.page(&bruno, &format!("/console/exercises/{id}")).await;
    assert!(page.text.contains("Recebi a mensagem") && page.text.contains("minuto 11"), "{}", page.text);
    let mine = room.texts("select p.id::text from exercise_participant p join staff s on s.id = p.staff_id").await;
    let form = [("act", "acknowledge"), ("participant", mine[0].as_str())];
    let confirmed = room.post(&bruno, &format!("/console/exercises/{id}/participants"), &form).await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER, "{}", confirmed.text);

    // It ends once its alert has ended.
    assert_eq!(room.act(&ana, &id, "finish").await.status, StatusCode::CONFLICT);
    let clear = room.api(&ana, Method::POST, &format!("alerts/{alert}/all-clear"), Value::Null).await.json();
    let clear = clear["id"].as_str().unwrap().to_owned();
    let issued = room.api(&ana, Method::POST, &format!("alerts/{clear}/issue"), json!({ "revision": 1 })).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    assert_eq!(room.act(&ana, &id, "finish").await.status, StatusCode::NO_CONTENT);

    // The report is not closed without words.
    assert_eq!(room.act(&ana, &id, "report").await.status, StatusCode::CONFLICT);
    let report = format!("/console/exercises/{id}/report");
    let words = [("act", "evaluate"), ("problems", "Sirene falhou"), ("evaluation", "Saíram em 18 minutos")];
    assert_eq!(room.post(&ana, &report, &words).await.status, StatusCode::SEE_OTHER);
    let better = [("act", "improve"), ("what", "Trocar a sirene"), ("owner", "Obras"), ("due_on", "2026-04-30")];
    assert_eq!(room.post(&ana, &report, &better).await.status, StatusCode::SEE_OTHER);
    assert_eq!(room.act(&ana, &id, "report").await.status, StatusCode::NO_CONTENT);
    let late = room.post(&ana, &report, &words).await;
    assert_eq!(late.status, StatusCode::CONFLICT);

    let told = room.api(&ana, Method::GET, &format!("{at}/report"), Value::Null).await.json();
    check(&room, &told).await;
    let page = room.page(&ana, &report).await.text;
    for part in ["Saíram em 18 minutos", "Trocar a sirene", "1 de 2 feitas", "Bombeiros", "bruno", "EXERCÍCIO"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(
        !page.contains("Ana (") && !told.to_string().contains("+5532900000001"),
        "residents are counted, not named"
    );
}

/// Everything that waits is delivered by the sink.
async fn deliver(room: &Room, alert: &str) {
    let running = tokio::spawn(dispatcher::run(room.app.clone()));
    room.app.events.send(Event::Outbox);
    support::eventually("every message", async || {
        let alert = AlertId(alert.parse().unwrap());
        let mut conn = room.db.pool.acquire().await.unwrap();
        let copies: i64 = sqlx::query_scalar("select count(*) from alert_copy where state <> 'delivered'")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        (finished(&mut conn, alert).await.unwrap() && copies == 0).then_some(())
    })
    .await;
    room.app.stop.cancel();
    support::soon("the dispatcher's end", running).await.unwrap();
}

/// What the report says, against the rows.
async fn check(room: &Room, told: &Value) {
    assert_eq!(told["exercise"]["state"], "reported");
    assert_eq!((&told["injects_done"], told["injects"].as_array().unwrap().len()), (&json!(1), 2));
    assert_eq!(told["alerts"].as_array().unwrap().len(), 2, "the alert and its end: {told}");
    let people: Vec<String> = told["people"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["kind"].as_str().unwrap(), one["taking_part"], one["acknowledged"]))
        .collect();
    assert_eq!(people, ["staff 1 1", "institution 1 0", "nucleus 1 0", "resident 2 0"]);
    let channels: Vec<String> = told["alerts"][0]["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!("{} {} {}", one["audience"].as_str().unwrap(), one["channel"].as_str().unwrap(), one["delivered"])
        })
        .collect();
    // Ana and Beto by SMS, Beto by e-mail; the fire brigade by SMS, Bruno by e-mail.
    let wanted = ["residents sms 2", "residents email 1", "participants sms 1", "participants email 1"];
    assert_eq!(channels, wanted);
    let rows = room
        .texts(
            "select channel || ' ' || count(*) from outbox o join alert a on a.id = o.alert_id
             where a.kind = 'alert' and o.state = 'delivered' group by channel order by channel",
        )
        .await;
    assert_eq!(rows, ["email 1", "sms 2"]);
    for time in ["drafted_at", "approved_at", "issued_at"] {
        assert!(told["alerts"][0][time].is_string(), "{time}");
    }
    assert!(told["alerts"][0]["channels"][0]["first_at"].is_string());
}

#[tokio::test]
async fn it_announces_itself_days_and_hours_before_and_once_each() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, code) = room.planned(&ana, 10).await;
    room.joins(&id, ANA, "all").await;
    let round = async || worker::round(&room.app, room.app.clock.now()).await.unwrap();
    let told = async || {
        let sql = "select address || ' ' || count(*) from notice where purpose = 'exercise_notice' group by address order by address";
        room.texts(sql).await
    };
    assert_eq!((round().await, told().await), (0, Vec::new()));
    room.pass(TimeDelta::days(3));
    assert_eq!(round().await, 1);
    assert_eq!((round().await, told().await), (0, vec!["+5532900000001 1".into()]));
    let body = room.texts("select body from notice").await.remove(0);
    assert!(
        body.starts_with("EXERCICIO - NAO E REAL: Simulado") && body.contains(&format!("/simulados/{code}")),
        "{body}"
    );
    assert_eq!(room.texts("select state from exercise").await, ["announced"]);
    // Beto comes later: he hears the second one.
    room.joins(&id, BETO, "all").await;
    room.pass(TimeDelta::days(6));
    assert_eq!(round().await, 1);
    assert_eq!(told().await, ["+5532900000001 2", "+5532900000002 1"]);
    room.pass(TimeDelta::hours(20));
    assert_eq!(round().await, 0);
}

#[tokio::test]
async fn a_new_date_is_told_and_announced_anew_and_a_cancellation_is_told() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, ANA, "all").await;
    assert_eq!(room.act(&ana, &id, "announce").await.status, StatusCode::NO_CONTENT);
    let mut plan = room.plan(12);
    plan["title"] = "Evacuação do Bom Pastor".into();
    let shown = room.api(&ana, Method::GET, &format!("exercises/{id}"), Value::Null).await.json();
    let stale = json!({ "revision": 1, "plan": plan });
    let refused = room.api(&ana, Method::PUT, &format!("exercises/{id}"), stale).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "it was announced since: {}", refused.text);
    let edit = json!({ "revision": shown["revision"], "plan": plan });
    let saved = room.api(&ana, Method::PUT, &format!("exercises/{id}"), edit).await;
    assert_eq!(saved.status, StatusCode::NO_CONTENT, "{}", saved.text);
    assert_eq!(room.act(&ana, &id, "cancel").await.status, StatusCode::NO_CONTENT);
    let bodies = room.texts("select body from notice order by created_at, body").await.join("\n");
    for part in ["nova data", "foi cancelado"] {
        assert!(bodies.contains(part), "{part} in {bodies}");
    }
    for act in ["start", "announce", "cancel", "finish"] {
        assert_eq!(room.act(&ana, &id, act).await.status, StatusCode::CONFLICT, "{act}");
    }
    let acts = room.texts("select e.act from audit_event e join audit_chain c on c.event_id = e.id where e.object_kind = 'exercise' order by c.seq").await;
    assert_eq!(acts, ["exercise.plan", "exercise.announce", "exercise.edit", "exercise.cancel"]);
}

#[tokio::test]
async fn the_console_plans_asks_twice_and_keeps_words_that_could_not_be_saved() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let empty = room.page(&ana, "/console/exercises").await;
    assert!(empty.text.contains("Nenhum simulado ainda"), "{}", empty.text);
    assert!(room.page(&ana, "/console/exercises/new").await.text.contains("Bom Pastor"));
    let mut form = vec![
        ("title", "Evacuação"),
        ("cobrade", "1.1.3.2.1"),
        ("starts_at", "2026-03-10T09:00"),
        ("ends_at", "2026-03-10T11:00"),
        ("responsible", "Maria"),
        ("place", "Escola"),
        ("listed", "yes"),
        ("announce_days", "7"),
        ("announce_hours", "24"),
        ("injects", "+10 Rachadura\nsem minuto"),
    ];
    let bad = room.post(&ana, "/console/exercises/new", &form).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        bad.text.contains("Roteiro de injeções 2: sem minuto") && bad.text.contains("value=\"Escola\""),
        "{}",
        bad.text
    );
    form.retain(|(name, _)| *name != "injects");
    form.extend([("injects", "+10 Rachadura"), ("areas", "bom-pastor")]);
    let made = room.post(&ana, "/console/exercises/new", &form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let here = made.headers["location"].to_str().unwrap().split('?').next().unwrap().to_owned();
    assert_eq!(room.texts("select starts_at::text from exercise").await, ["2026-03-10 12:00:00+00"]);
    let month = room.page(&ana, "/console/exercises?month=2026-03").await.text;
    assert!(month.contains("março 2026") && month.contains(&here), "{month}");
    let asked = room.post(&ana, &format!("{here}/act"), &[("act", "start")]).await;
    assert!(asked.text.contains("Iniciar o simulado?"), "{}", asked.text);
    assert_eq!(room.texts("select state from exercise").await, ["planned"]);
    let started = room.post(&ana, &format!("{here}/act"), &[("act", "start"), ("confirmed", "yes")]).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER);
    assert_eq!(room.texts("select state || ' ' || started_by from exercise").await, ["running ana"]);
    let reasonless = room.post(&ana, &format!("{here}/act"), &[("act", "cancel"), ("confirmed", "yes")]).await;
    assert_eq!(reasonless.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn whoever_may_only_look_plans_nothing_and_reads_no_names() {
    let room = Room::open(&[]).await;
    let (ana, vera) = (room.person("ana", Role::Coordinator).await, room.person("vera", Role::Viewer).await);
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, BETO, "all").await;
    assert_eq!(room.act(&vera, &id, "start").await.status, StatusCode::FORBIDDEN);
    let tick = room.api(&vera, Method::POST, &format!("exercises/{id}/injects/1/tick"), json!({ "done": true })).await;
    assert_eq!(tick.status, StatusCode::FORBIDDEN);
    let form = [("act", "invite"), ("kind", "nucleus"), ("name", "x")];
    let invite = room.post(&vera, &format!("/console/exercises/{id}/participants"), &form).await;
    assert_eq!(invite.status, StatusCode::FORBIDDEN);
    let seen = room.page(&vera, &format!("/console/exercises/{id}")).await;
    assert!(seen.status == StatusCode::OK && !seen.text.contains("Beto"));
    let whole = room.api(&vera, Method::GET, &format!("exercises/{id}"), Value::Null).await;
    assert!(!whole.text.contains("Beto"), "{}", whole.text);
    assert!(room.page(&ana, &format!("/console/exercises/{id}")).await.text.contains("Beto"));
}

#[tokio::test]
async fn the_command_line_lists_exercises_and_prints_the_report() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    let folder = support::Folder::new();
    let run = async |arguments: &[&str]| {
        let mut command = support::sentinela();
        command.env("SENTINELA__DATABASE__URL", &room.db.url).env("SENTINELA__DATA_DIR", folder.path());
        command.arg("exercise").args(arguments);
        let output = support::soon("the command", command.output()).await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, listed) = run(&["list"]).await;
    assert!(code == Some(0) && listed.contains(&id) && listed.contains("Evacuação do Bom Pastor"), "{listed}");
    let (code, report) = run(&["report", &id]).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((code, &report["exercise"]["state"]), (Some(0), &json!("planned")));
    assert_eq!(run(&["report", "00000000-0000-0000-0000-000000000000"]).await.0, Some(2));
}
