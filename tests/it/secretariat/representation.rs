//! Representation: who reads the briefing of a mission, and that nothing is recorded outside a delegation in force.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::worker;
use serde_json::{Value, json};

use super::{act, at, done, moved, open, path};
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
    assert_eq!(room.words("select case_id::text from case_act where changes::text like '%Segredo%'").await.len(), 0);
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

async fn refused(room: &Room, by: &Person, case: &Value, what: (&str, Value)) -> Value {
    let (status, told) = act(room, by, "representation", case, what).await;
    assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("guard-parent-state")), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("art. 14"), "{told}");
    told
}

#[tokio::test]
async fn after_a_delegation_is_revoked_no_mission_moves_or_is_recorded_and_nothing_is_promised_under_it() {
    let room = Room::open(&[]).await;
    let rita = room.person("rita", Role::Representation).await;
    let above = delegation(&room, &rita).await;
    let held = open(&room, &rita, "representation", mission(&above, "2026-02-22")).await;
    let outcome = json!({ "fields": { "outcome": "O Estado manda o projeto." } });
    let cases = "secretariat/representation/cases";
    let promise = |mission: &Value| {
        json!({ "type": "representation.commitment", "title": "Projeto básico", "parent": mission["id"],
            "fields": { "side": "counterpart", "text": "Entregar o projeto", "due_on": "2026-04-20" } })
    };
    let early = ask(&room, &rita, Method::POST, cases, promise(&held)).await;
    assert_eq!((early.0, &early.1["code"]), (StatusCode::CONFLICT, &json!("guard-parent-state")), "{}", early.1);
    done(&room, &rita, "representation", &held, ("hold", outcome.clone())).await;
    open(&room, &rita, "representation", promise(&held)).await;
    let gone = open(&room, &rita, "representation", mission(&above, "2026-02-22")).await;
    done(&room, &rita, "representation", &gone, ("cancel", json!({ "reason": "Sem quórum" }))).await;
    let under = ask(&room, &rita, Method::POST, cases, promise(&gone)).await;
    assert_eq!((under.0, &under.1["code"]), (StatusCode::CONFLICT, &json!("guard-parent-state")), "{}", under.1);

    let waits = open(&room, &rita, "representation", mission(&above, "2026-02-22")).await;
    done(&room, &rita, "representation", &above, ("revoke", json!({ "reason": "Novo Prefeito" }))).await;
    let later = json!({ "reason": "Outro dia", "fields": { "day": "2026-03-20", "place": "Aqui" } });
    refused(&room, &rita, &waits, ("move", later)).await;
    refused(&room, &rita, &waits, ("hold", outcome)).await;
    let (status, told) = ask(&room, &rita, Method::POST, cases, promise(&held)).await;
    assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("guard-parent-state")), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("is revoked"), "{told}");
    let link = format!("/secretaria/painel/representacao/casos/{}/atos/hold", waits["id"].as_str().unwrap());
    let (status, page) = room.post(&rita, &link, "revision=1&f.outcome=Nada").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("is not in the state that this act asks for") && page.contains("art. 14"), "{page}");
    done(&room, &rita, "representation", &waits, ("cancel", json!({ "reason": "Delegação revogada" }))).await;
}

#[tokio::test]
async fn what_took_place_in_the_days_of_a_delegation_is_recorded_after_they_are_over_and_nothing_under_an_annulled_one()
{
    let room = Room::open(&[]).await;
    let rita = room.person("rita", Role::Representation).await;
    let above = delegation(&room, &rita).await;
    let case = open(&room, &rita, "representation", mission(&above, "2026-12-30")).await;
    let rita = moved(&room, &rita, "rita", "2027-01-02T12:00:00Z").await;
    worker::round(&room.app, at("2027-01-02T12:00:00Z")).await.unwrap();
    let outcome = json!({ "fields": { "outcome": "Combinado" } });
    let case = done(&room, &rita, "representation", &case, ("hold", outcome)).await;
    assert_eq!(case["state"], "held", "{case}");

    let body = json!({ "type": "representation.delegation", "title": "Outra", "fields": { "act": "Portaria 2/2027",
        "delegate": "Rita", "sphere": "state", "scope": "Obras", "starts_on": "2027-01-01", "ends_on": "2027-12-31" } });
    let other = open(&room, &rita, "representation", body).await;
    let annul = json!({ "revision": 1, "reason": "Aberta por engano" });
    let (status, told) = ask(&room, &rita, Method::POST, &path("representation", &other, "/annul"), annul).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let (status, told) =
        ask(&room, &rita, Method::POST, "secretariat/representation/cases", mission(&other, "2027-02-01")).await;
    assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("guard-parent-state")), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("is annulled"), "{told}");
}
