//! Representation: who reads the briefing of a mission, and that nothing is recorded outside a delegation in force.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{done, open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;

/// A delegation in force from 23 February to the end of the year.
async fn delegation(room: &Room, rita: &Person) -> Value {
    let body = json!({ "type": "representation.delegation", "title": "Perante o Estado", "fields": { "act": "Portaria 1/2026",
        "delegate": "Rita", "sphere": "state", "scope": "Obras de contenção", "starts_on": "2026-02-22", "ends_on": "2026-12-31" } });
    let case = open(room, rita, "representation", body).await;
    let link = format!("/secretaria/painel/representacao/casos/{}/documento", case["id"].as_str().unwrap());
    let (status, page) = room.post(rita, &link, "kind=act&name=Portaria&text=Delega-se").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    done(room, rita, "representation", &case, ("activate", json!({}))).await
}

fn mission(parent: &Value, day: &str) -> Value {
    json!({ "type": "representation.mission", "title": "Reunião sobre encostas", "parent": parent["id"], "assigned": "rita",
        "fields": { "counterpart": "Estado", "day": day, "place": "Belo Horizonte", "purpose": "Pedir o projeto",
            "briefing": "Segredo da pasta" } })
}

async fn export(room: &Room, by: &Person, format: &str) -> (StatusCode, String) {
    let request = Request::get(format!("/api/v1/secretariat/representation/export?format={format}"))
        .header(header::AUTHORIZATION, &by.token)
        .body(Body::empty());
    room.send(request.unwrap()).await
}

#[tokio::test]
async fn the_briefing_of_a_mission_is_read_by_whoever_works_on_it_and_is_in_no_list_search_ledger_or_file() {
    let room = Room::open(&[]).await;
    let (rita, paula) = (room.person("rita", Role::Representation).await, room.person("paula", Role::Press).await);
    let above = delegation(&room, &rita).await;
    let case = open(&room, &rita, "representation", mission(&above, "2026-03-10")).await;
    let link = format!("/secretaria/painel/representacao/casos/{}", case["id"].as_str().unwrap());
    for (who, reads) in [(&rita, true), (&paula, false)] {
        let one = ask(&room, who, Method::GET, &path("representation", &case, ""), Value::Null).await.1.to_string();
        let list = ask(&room, who, Method::GET, "secretariat/representation/cases", Value::Null).await.1.to_string();
        let page = room.page(who, &link).await;
        for text in [one, list, page] {
            assert!(text.contains("Reunião sobre encostas"), "{text}");
            assert_eq!(text.contains("Segredo da pasta"), reads, "{text}");
        }
        let acts = ask(&room, who, Method::GET, &path("representation", &case, "/acts"), Value::Null).await.1;
        assert_eq!(acts["acts"][0]["changes"]["briefing"], "restricted", "{acts}");
        assert_eq!((&acts["broken_at"], &acts["unfounded"]), (&Value::Null, &Value::Null), "{acts}");
        for (word, count) in [("Segredo", 0), ("encostas", 1)] {
            let wanted = format!("secretariat/representation/cases?q={word}");
            let found = ask(&room, who, Method::GET, &wanted, Value::Null).await.1;
            assert_eq!(found["items"].as_array().unwrap().len(), count, "{word}: {found}");
        }
    }
    assert_eq!(room.words("select id::text from case_act where changes::text like '%Segredo%'").await.len(), 0);
    assert_eq!(export(&room, &paula, "jsonl").await.0, StatusCode::FORBIDDEN);
    for format in ["jsonl", "csv"] {
        let (status, file) = export(&room, &rita, format).await;
        assert!(status == StatusCode::OK && file.contains("Reunião sobre encostas"), "{file}");
        assert!(!file.contains("Segredo da pasta"), "{file}");
    }
    let form = format!(
        "/secretaria/painel/representacao/novo/representation.mission?parent={}",
        above["id"].as_str().unwrap()
    );
    let form = room.page(&rita, &form).await;
    assert!(form.contains("Restricted: read by whoever works on the case alone"), "{form}");
}
