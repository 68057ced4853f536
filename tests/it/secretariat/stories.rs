//! Modules whose procedures are cases alone, each from its opening to its end, over holidays and the turn of a year.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::worker;
use serde_json::{Value, json};

use super::{act, at, determination, done, due, moved, open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;

/// A case as it stands.
async fn now(room: &Room, by: &Person, module: &str, case: &Value) -> Value {
    ask(room, by, Method::GET, &path(module, case, ""), Value::Null).await.1
}

fn refused(answer: &(StatusCode, Value), code: &str) {
    assert_eq!((answer.0, &answer.1["code"]), (StatusCode::CONFLICT, &json!(code)), "{}", answer.1);
}

/// Writes a document on the page of a case.
async fn write(room: &Room, by: &Person, (slug, case): (&str, &Value), kind: &str) {
    let link = format!("/secretaria/painel/{slug}/casos/{}/documento", case["id"].as_str().unwrap());
    let (status, page) = room.post(by, &link, &format!("kind={kind}&name=Documento&text=Texto")).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
}

fn mission(parent: &Value, day: &str) -> Value {
    json!({ "type": "representation.mission", "title": "Reunião sobre encostas", "parent": parent["id"], "assigned": "rita",
        "fields": { "counterpart": "Estado", "day": day, "place": "Belo Horizonte", "purpose": "Pedir o projeto",
            "briefing": "Segredo da pasta" } })
}

#[tokio::test]
async fn a_delegation_holds_within_its_days_and_ends_by_itself_with_the_year() {
    let room = Room::open(&[]).await;
    let rita = room.person("rita", Role::Representation).await;
    let body = json!({ "type": "representation.delegation", "title": "Perante o Estado", "fields": { "act": "Portaria 1/2026",
        "delegate": "Rita", "sphere": "state", "scope": "Obras de contenção", "starts_on": "2026-02-23", "ends_on": "2026-12-31" } });
    let case = open(&room, &rita, "representation", body).await;
    assert_eq!(case["numbered"], "", "{case}");
    refused(&act(&room, &rita, "representation", &case, ("activate", json!({}))).await, "case-document");
    write(&room, &rita, ("representacao", &case), "act").await;
    let case = done(&room, &rita, "representation", &case, ("activate", json!({}))).await;
    assert_eq!(case["numbered"], "DEL 2026/001", "{case}");
    assert_eq!(due(&case, "representation.term"), "2026-12-31", "{case}");

    let cases = "secretariat/representation/cases";
    let beyond = ask(&room, &rita, Method::POST, cases, mission(&case, "2027-01-10")).await;
    refused(&beyond, "guard-outside");
    assert!(beyond.1["detail"].as_str().unwrap().contains("art. 14"), "{}", beyond.1);
    let met = open(&room, &rita, "representation", mission(&case, "2026-03-10")).await;
    let outcome = json!({ "fields": { "outcome": "O Estado manda o projeto." } });
    refused(&act(&room, &rita, "representation", &met, ("hold", outcome.clone())).await, "guard-not-come");
    let rita = moved(&room, &rita, "rita", "2026-03-10T20:00:00Z").await;
    let met = done(&room, &rita, "representation", &met, ("hold", outcome)).await;
    let promise = json!({ "type": "representation.commitment", "title": "Projeto básico", "parent": met["id"],
        "fields": { "side": "counterpart", "text": "Entregar o projeto", "due_on": "2026-04-21" } });
    let promise = open(&room, &rita, "representation", promise).await;
    assert_eq!(due(&promise, "representation.commitment"), "2026-04-22", "the day after Tiradentes: {promise}");
    let rita = moved(&room, &rita, "rita", "2026-04-22T12:00:00Z").await;
    let late = ask(&room, &rita, Method::GET, &format!("{cases}?late=true"), Value::Null).await.1;
    assert_eq!(late["items"], json!([]), "it runs until the end of that day");
    let rita = moved(&room, &rita, "rita", "2026-04-23T12:00:00Z").await;
    let late = ask(&room, &rita, Method::GET, &format!("{cases}?late=true"), Value::Null).await.1;
    assert_eq!(late["items"][0]["id"], promise["id"], "{late}");
    let kept = json!({ "fields": { "evidence": "Recebido" } });
    assert_eq!(done(&room, &rita, "representation", &promise, ("keep", kept)).await["state"], "kept");

    let (status, public) = room.stranger(Method::GET, "/secretaria/representacao/publicacoes").await;
    assert_eq!(status, StatusCode::OK);
    assert!(public.contains("Perante o Estado") && !public.contains("Segredo da pasta"), "{public}");
    let rita = moved(&room, &rita, "rita", "2027-01-01T12:00:00Z").await;
    worker::round(&room.app, at("2027-01-01T12:00:00Z")).await.unwrap();
    assert_eq!(now(&room, &rita, "representation", &case).await["state"], "expired");
    let after = ask(&room, &rita, Method::POST, cases, mission(&case, "2026-12-30")).await;
    refused(&after, "guard-parent-state");
}

#[tokio::test]
async fn an_opinion_takes_two_persons_awaits_the_mayor_and_is_public_only_in_its_summary() {
    let room = Room::open(&[]).await;
    let (ana, bruno) = (room.person("ana", Role::Advisory).await, room.person("bruno", Role::Advisory).await);
    let ana = moved(&room, &ana, "ana", "2026-12-21T12:00:00Z").await;
    let bruno = moved(&room, &bruno, "bruno", "2026-12-21T12:00:00Z").await;
    // The first of January is a Friday: the answer is due on the Monday after it.
    let body = json!({ "type": "advisory.consultation", "title": "Doação de terreno", "assigned": "bruno",
        "fields": { "asked_by": "mayor", "question": "Pode?", "due_on": "2027-01-01", "form": "opinion" } });
    let case = open(&room, &ana, "advisory", body).await;
    assert_eq!(
        (&case["numbered"], due(&case, "advisory.due")),
        (&json!("CON 2026/001"), &json!("2027-01-04")),
        "{case}"
    );
    done(&room, &ana, "advisory", &case, ("distribute", json!({}))).await;
    write(&room, &bruno, ("assessoramento", &case), "draft").await;
    let opinion = json!({ "fields": { "summary": "Doação com encargo", "conclusion": "Pode, por lei" } });
    done(&room, &bruno, "advisory", &case, ("draft", opinion)).await;
    refused(&act(&room, &bruno, "advisory", &case, ("homologate", json!({}))).await, "case-two-persons");
    // The last minute of that Monday, and the first of the day after it, in the town.
    let late = "secretariat/advisory/cases?late=true";
    let ana = moved(&room, &ana, "ana", "2027-01-05T02:59:00Z").await;
    assert_eq!(ask(&room, &ana, Method::GET, late, Value::Null).await.1["items"], json!([]), "its last day runs");
    let ana = moved(&room, &ana, "ana", "2027-01-05T03:01:00Z").await;
    assert_eq!(ask(&room, &ana, Method::GET, late, Value::Null).await.1["items"][0]["id"], case["id"]);
    let ready = done(&room, &ana, "advisory", &case, ("homologate", json!({}))).await;
    assert_eq!(ready["waits_for"], "mayor", "{ready}");
    assert_eq!(due(&ready, "advisory.due"), &Value::Null, "what is handed in is owed no more: {ready}");
    assert_eq!(ask(&room, &ana, Method::GET, late, Value::Null).await.1["items"], json!([]));
    let page = room.page(&ana, "/secretaria/painel").await;
    assert!(page.contains("Doação de terreno"), "{page}");
    let sent = |on: &str| json!({ "fields": { "dispatch": "Lei 9/2027", "dispatched_on": on } });
    refused(&act(&room, &ana, "advisory", &case, ("dispatch", sent("2027-01-06"))).await, "guard-not-come");
    done(&room, &ana, "advisory", &case, ("dispatch", sent("2027-01-05"))).await;
    let id = case["id"].as_str().unwrap();
    let (status, public) = room.stranger(Method::GET, &format!("/secretaria/assessoramento/publicacoes/{id}")).await;
    assert_eq!(status, StatusCode::OK, "{public}");
    assert!(public.contains("Doação com encargo") && !public.contains("Pode, por lei"), "{public}");
}

#[tokio::test]
async fn a_determination_that_nobody_accepts_goes_to_the_mayor_by_itself_after_five_working_days() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    // 17 April 2026 is a Friday, and 21 April is Tiradentes.
    let carla = moved(&room, &carla, "carla", "2026-04-17T12:00:00Z").await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-06-30")).await;
    assert_eq!(due(&case, "coordination.accept"), "2026-04-27", "{case}");
    worker::round(&room.app, at("2026-04-28T02:59:00Z")).await.unwrap();
    assert_eq!(now(&room, &carla, "coordination", &case).await["state"], "open", "its last day is not over");
    let carla = moved(&room, &carla, "carla", "2026-04-28T03:01:00Z").await;
    worker::round(&room.app, at("2026-04-28T03:01:00Z")).await.unwrap();
    let above = now(&room, &carla, "coordination", &case).await;
    assert_eq!((&above["state"], &above["waits_for"]), (&json!("escalated"), &json!("mayor")), "{above}");
    let past = json!({ "reason": "Nova ordem", "fields": { "due_on": "2026-04-27" } });
    refused(&act(&room, &carla, "coordination", &case, ("resume", past)).await, "guard-over");
    let again = json!({ "reason": "Nova ordem", "fields": { "due_on": "2026-05-15" } });
    let again = done(&room, &carla, "coordination", &case, ("resume", again)).await;
    assert_eq!(due(&again, "coordination.due"), "2026-05-15", "{again}");
    let proof = json!({ "fields": { "evidence": "Relatório por trecho" } });
    let last = done(&room, &carla, "coordination", &case, ("finish", proof)).await;
    assert_eq!((&last["state"], &last["is_final"]), (&json!("done"), &json!(true)), "{last}");
    assert!(last["deadlines"].as_array().unwrap().iter().all(|one| one["state"] != "open"), "{last}");
}

#[tokio::test]
async fn an_order_opens_a_determination_and_ends_only_after_it() {
    let room = Room::open(&[]).await;
    let (ines, carla) = (room.person("ines", Role::Assignments).await, room.person("carla", Role::Coordination).await);
    let ines = moved(&room, &ines, "ines", "2026-12-21T12:00:00Z").await;
    // Tuesday of Carnival: the order is due on the day after it.
    let body = json!({ "type": "assignments.order", "title": "Inventário de bombas", "department": "Obras", "assigned": "ines",
        "fields": { "act": "Despacho 3/2026", "kind": "measure", "text": "Inventariar as bombas", "due_on": "2027-02-09" } });
    let case = open(&room, &ines, "assignments", body).await;
    assert_eq!(
        (&case["numbered"], due(&case, "assignments.due")),
        (&json!("ORD 2026/001"), &json!("2027-02-10")),
        "{case}"
    );
    done(&room, &ines, "assignments", &case, ("determine", json!({}))).await;
    let links = now(&room, &ines, "assignments", &case).await["links"].clone();
    let owed = links[0].clone();
    assert_eq!((&owed["type"], &owed["kind"]), (&json!("coordination.determination"), &json!("spawned")), "{links}");
    let carla = moved(&room, &carla, "carla", "2026-12-29T12:00:00Z").await;
    let opened = now(&room, &carla, "coordination", &owed).await;
    // By hand: 22, 23, 24 December, (25 Christmas, 26 and 27 a weekend), 28, 29.
    assert_eq!(
        (due(&opened, "coordination.accept"), due(&opened, "coordination.due")),
        (&json!("2026-12-29"), &json!("2027-02-10")),
        "{opened}"
    );
    done(&room, &carla, "coordination", &owed, ("accept", json!({}))).await;
    let result = json!({ "fields": { "result": "Doze bombas, três geradores" } });
    let ines = moved(&room, &ines, "ines", "2027-02-10T20:00:00Z").await;
    let late = "secretariat/assignments/cases?late=true";
    assert_eq!(ask(&room, &ines, Method::GET, late, Value::Null).await.1["items"], json!([]), "its last day runs");
    let early = act(&room, &ines, "assignments", &case, ("report", result.clone())).await;
    refused(&early, "guard-child-open");
    let carla = moved(&room, &carla, "carla", "2027-02-11T12:00:00Z").await;
    let ines = moved(&room, &ines, "ines", "2027-02-11T12:00:00Z").await;
    assert_eq!(ask(&room, &ines, Method::GET, late, Value::Null).await.1["items"][0]["id"], case["id"]);
    done(&room, &carla, "coordination", &owed, ("finish", json!({ "fields": { "evidence": "Planilha" } }))).await;
    let told = done(&room, &ines, "assignments", &case, ("report", result)).await;
    assert_eq!((&told["state"], &told["waits_for"]), (&json!("reported"), &json!("mayor")), "{told}");
    let closed = done(&room, &ines, "assignments", &case, ("close", json!({}))).await;
    assert_eq!(closed["is_final"], true, "{closed}");
    assert_eq!(ask(&room, &ines, Method::GET, late, Value::Null).await.1["items"], json!([]));
}
