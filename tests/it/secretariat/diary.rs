//! The diary of a delegate: what stands in it, for whom, and its file for calendars.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{done, moved, open};
use crate::approval::{Person, Room};
use crate::damage::{ask, raw};

const DIARY: &str = "secretariat/representation/diary";

async fn delegation(room: &Room, rita: &Person, delegate: &str) -> Value {
    let body = json!({ "type": "representation.delegation", "title": "Perante o Estado", "fields": { "act": "Portaria 1/2026",
        "delegate": delegate, "sphere": "state", "scope": "Obras", "starts_on": "2026-02-23", "ends_on": "2026-12-31" } });
    let case = open(room, rita, "representation", body).await;
    let link = format!("/secretaria/painel/representacao/casos/{}/documento", case["id"].as_str().unwrap());
    let (status, page) = room.post(rita, &link, "kind=act&name=Portaria&text=Texto").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    done(room, rita, "representation", &case, ("activate", json!({}))).await
}

async fn mission(room: &Room, rita: &Person, parent: &Value, (title, day): (&str, &str)) -> Value {
    let body = json!({ "type": "representation.mission", "title": title, "parent": parent["id"], "assigned": "rita",
        "fields": { "counterpart": "Secretaria de Estado", "day": day, "place": "Belo Horizonte", "purpose": "Pedir o projeto",
            "briefing": "Segredo da pasta" } });
    open(room, rita, "representation", body).await
}

#[tokio::test]
async fn missions_and_commitments_of_a_delegate_stand_by_day_on_a_page_and_in_a_calendar_without_briefing_notes() {
    let room = Room::open(&[]).await;
    let rita = room.person("rita", Role::Representation).await;
    let (of_ana, of_caio) = (delegation(&room, &rita, "Ana Prado").await, delegation(&room, &rita, "Caio Reis").await);
    let met = mission(&room, &rita, &of_ana, ("Reunião; encostas", "2026-03-10")).await;
    let later = mission(&room, &rita, &of_ana, ("Visita técnica", "2026-04-02")).await;
    mission(&room, &rita, &of_caio, ("Sessão do consórcio", "2026-03-20")).await;
    let rita = moved(&room, &rita, "rita", "2026-03-10T20:00:00Z").await;
    done(&room, &rita, "representation", &met, ("hold", json!({ "fields": { "outcome": "Mandam o projeto" } }))).await;
    let promise = json!({ "type": "representation.commitment", "title": "Projeto básico", "parent": met["id"],
        "fields": { "side": "counterpart", "text": "Entregar o projeto", "due_on": "2026-03-16" } });
    open(&room, &rita, "representation", promise).await;
    done(&room, &rita, "representation", &later, ("cancel", json!({ "reason": "Adiada" }))).await;
    let rita = moved(&room, &rita, "rita", "2026-03-20T12:00:00Z").await;

    let all = ask(&room, &rita, Method::GET, DIARY, Value::Null).await.1;
    let titles = |diary: &Value| -> Vec<String> {
        let items = diary["items"].as_array().unwrap().iter();
        items.map(|one| format!("{} {}", one["day"].as_str().unwrap(), one["title"].as_str().unwrap())).collect()
    };
    let of_both = [
        "2026-03-10 Reunião; encostas",
        "2026-03-16 Projeto básico",
        "2026-03-20 Sessão do consórcio",
        "2026-04-02 Visita técnica",
    ];
    assert_eq!(titles(&all), of_both, "{all}");
    let ana = ask(&room, &rita, Method::GET, &format!("{DIARY}?delegate=ana%20prado"), Value::Null).await.1;
    assert_eq!(titles(&ana), [of_both[0], of_both[1], of_both[3]], "{ana}");
    let kept = &ana["items"][1];
    assert_eq!(
        (&kept["kind"], &kept["late"], &kept["delegate"]),
        (&json!("commitment"), &json!(true), &json!("Ana Prado"))
    );
    assert!(!ana.to_string().contains("Segredo da pasta"), "{ana}");
    let march = ask(&room, &rita, Method::GET, &format!("{DIARY}?from=2026-03-11&to=2026-03-31"), Value::Null).await.1;
    assert_eq!(titles(&march), of_both[1..3], "{march}");
    let (status, wrong) =
        ask(&room, &rita, Method::GET, &format!("{DIARY}?from=2026-03-11&to=2026-03-01"), Value::Null).await;
    assert_eq!((status, &wrong["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("to")), "{wrong}");

    let file = format!("/api/v1/{DIARY}.ics?delegate=Ana%20Prado&lang=pt-BR");
    let request = Request::get(&file).header(header::AUTHORIZATION, &rita.token).body(Body::empty()).unwrap();
    let (status, text) = raw(&room, request).await;
    let text = String::from_utf8(text).unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 3, "{text}");
    assert!(
        text.contains("DTSTART;VALUE=DATE:20260316\r\n") && text.contains("SUMMARY:Compromisso: Projeto básico"),
        "{text}"
    );
    assert_eq!(text.matches("STATUS:CANCELLED").count(), 1, "{text}");
    assert!(!text.contains("Segredo"), "{text}");
    let (status, _) = raw(&room, Request::get(&file).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "it is for staff");

    let page = room.page(&rita, "/secretaria/painel/representacao/diario?delegate=Ana+Prado").await;
    assert!(page.contains("Visita técnica") && page.contains("Projeto básico"), "{page}");
    assert!(!page.contains("Sessão do consórcio") && !page.contains("Segredo da pasta"), "{page}");
    assert!(page.contains("diary.ics?delegate=Ana+Prado"), "{page}");
    assert!(
        room.page(&rita, "/secretaria/painel/representacao").await.contains("/secretaria/painel/representacao/diario")
    );
}

#[tokio::test]
async fn whoever_is_recused_from_a_mission_does_not_find_it_in_the_diary() {
    let room = Room::open(&[]).await;
    let (rita, paula) = (room.person("rita", Role::Representation).await, room.person("paula", Role::Press).await);
    let of_ana = delegation(&room, &rita, "Ana Prado").await;
    let met = mission(&room, &rita, &of_ana, ("Reunião", "2026-03-10")).await;
    let before = ask(&room, &paula, Method::GET, DIARY, Value::Null).await.1;
    assert_eq!(before["items"].as_array().unwrap().len(), 1, "{before}");
    let recusals = format!("secretariat/representation/cases/{}/recusals", met["id"].as_str().unwrap());
    let body = json!({ "revision": met["revision"], "username": "paula", "reason": "Parente de quem se visita" });
    let (status, told) = ask(&room, &rita, Method::POST, &recusals, body).await;
    assert!(status.is_success(), "{told}");
    let after = ask(&room, &paula, Method::GET, DIARY, Value::Null).await.1;
    assert_eq!(after["items"], json!([]), "{after}");
}
