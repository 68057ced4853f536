//! An order of the mayor that begins a case of another module, by the hand of whoever carries it out.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{act, done, open, path};
use crate::approval::Room;
use crate::damage::ask;

fn demand(order: &Value) -> Value {
    json!({ "type": "relations.demand", "title": "Escadaria do Alto", "started_by": order["id"], "fields": {
        "counterpart_kind": "movement", "counterpart": "Associação do Alto", "received_on": "2026-02-20", "request": "A escadaria" } })
}

#[tokio::test]
async fn whoever_carries_an_order_out_begins_a_case_of_their_module_by_it_and_the_order_ends_after_it() {
    let room = Room::open(&[]).await;
    let (tina, rui) = (room.person("tina", Role::Assignments).await, room.person("rui", Role::Relations).await);
    let paula = room.person("paula", Role::Press).await;
    let body = json!({ "type": "assignments.order", "title": "Ouvir o Alto", "assigned": "rui", "fields": {
        "act": "Despacho 44/2026", "kind": "measure", "text": "Receber a associação", "due_on": "2026-03-10" } });
    let order = open(&room, &tina, "assignments", body).await;

    let cases = "secretariat/relations/cases";
    let (status, told) = ask(&room, &tina, Method::POST, cases, demand(&order)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "the order gives no role in another module: {told}");
    let release = json!({ "type": "press.release", "title": "Nota", "started_by": order["id"], "fields": {} });
    let (status, told) = ask(&room, &paula, Method::POST, "secretariat/press/cases", release).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "it is not hers to carry out: {told}");
    let link = format!("/secretaria/painel/tarefas/casos/{}", order["id"].as_str().unwrap());
    let form = "/secretaria/painel/articulacao-externa/novo/relations.demand";
    let offered = format!("{form}?started_by={}", order["id"].as_str().unwrap());
    assert!(room.page(&rui, &link).await.contains(&offered), "the page offers what he may open");
    assert!(!room.page(&paula, &link).await.contains("started_by="), "and nothing to others");
    assert!(room.page(&rui, &offered).await.contains("Ouvir o Alto"), "the form says by whose order");

    let case = open(&room, &rui, "relations", demand(&order)).await;
    let above = &case["links"][0];
    assert_eq!((&above["id"], &above["kind"], &above["inward"]), (&order["id"], &json!("started"), &json!(true)));
    assert_eq!(above["due_on"], "2026-03-10", "the day of the order: {case}");
    done(&room, &rui, "relations", &case, ("forward", json!({}))).await;
    let seen = ask(&room, &tina, Method::GET, &path("assignments", &order, ""), Value::Null).await.1;
    let began = &seen["links"][0];
    assert_eq!((&began["id"], &began["kind"], &began["inward"]), (&case["id"], &json!("started"), &json!(false)));
    assert!(began["due_on"].is_string(), "its own day: {seen}");
    let ledger = ask(&room, &tina, Method::GET, &path("assignments", &order, "/acts"), Value::Null).await.1;
    let last = ledger["acts"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["act"], &last["actor"], &last["changes"]["started"]),
        (&json!("link"), &json!("rui"), &case["id"])
    );
    assert_eq!(ledger["broken_at"], Value::Null, "{ledger}");
    assert!(room.page(&rui, &link).await.contains("Escadaria do Alto"));

    let result = json!({ "fields": { "result": "Recebida" } });
    let (status, early) = act(&room, &tina, "assignments", &order, ("report", result.clone())).await;
    assert_eq!((status, &early["code"]), (StatusCode::CONFLICT, &json!("guard-child-open")), "{early}");
    done(&room, &rui, "relations", &case, ("file", json!({ "reason": "Atendida na reunião" }))).await;
    done(&room, &tina, "assignments", &order, ("report", result)).await;
    let (status, late) = ask(&room, &rui, Method::POST, cases, demand(&order)).await;
    assert_eq!(status, StatusCode::CONFLICT, "it was reported: {late}");
    assert!(late["detail"].as_str().unwrap().contains("cláusula 21"), "{late}");
    assert_eq!(room.words("select number::text from case_file where type_key = 'relations.demand'").await, ["1"]);
}
