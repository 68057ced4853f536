//! A department declares its own damage and sees nothing else.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{Town, ask, raw};

fn declared() -> Value {
    json!({ "department": "education", "person": "Rita Souza", "registry": "8812", "document": "Relatório 12/2026",
        "lines": [{ "line": "education", "amount": { "damaged": 2, "centavos": 5_000_000 }, "note": "duas escolas" },
                  { "line": "teaching", "amount": { "centavos": 120_000 } }] })
}

#[tokio::test]
async fn what_a_department_declares_counts_once_somebody_adopts_it() {
    let town = Town::open().await;
    let rita = town.room.person("rita", Role::Department).await;
    let made = town.good(&rita, Method::POST, "declarations", declared()).await;
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(town.figure("education").await["total"]["damaged"], Value::Null, "it does not count yet");
    let answer = format!("declarations/{id}/answer");
    assert_eq!(town.act(&rita, Method::POST, &answer, json!({ "adopts": true })).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        town.act(&town.olga, Method::POST, &answer, json!({ "adopts": false })).await.0,
        StatusCode::BAD_REQUEST,
        "why?"
    );
    town.good(&town.olga, Method::POST, &answer, json!({ "adopts": true })).await;
    let figure = town.figure("education").await;
    assert_eq!((&figure["total"]["damaged"], &figure["entries"][0]["source"]), (&json!(2), &json!("declaration")));
    assert_eq!(figure["entries"][0]["because"], "Relatório 12/2026 — Rita Souza (Educação)", "as the FIDE prints it");
    assert_eq!(town.act(&town.olga, Method::POST, &answer, json!({ "adopts": true })).await.0, StatusCode::CONFLICT);
    assert!(town.refused("update damage_declaration set person = 'outra'").await.contains("as it was sent"));
    let mut wrong = declared();
    wrong["lines"] = json!([{ "line": "education", "amount": { "persons": 1 } }, { "line": "education", "amount": { "damaged": 1 } }]);
    let (status, refused) = town.act(&rita, Method::POST, "declarations", wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let fields: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["lines[0].amount.persons", "lines[1].line"], "{refused}");
}

#[tokio::test]
async fn what_waited_at_the_submission_goes_on_in_the_correction() {
    let town = Town::open().await;
    let rita = town.room.person("rita", Role::Department).await;
    town.complete().await;
    town.good(&rita, Method::POST, "declarations", declared()).await;
    sqlx::query(
        "insert into damage_attachment (id, declaration_id, name, media_type, sha256, content)
         select gen_random_uuid(), id, 'laudo.pdf', 'application/pdf', sha256('%PDF'), '%PDF' from damage_declaration",
    )
    .execute(&town.room.db.pool)
    .await
    .unwrap();
    assert_eq!(town.submit("1.1.3.2.1").await.0, StatusCode::OK);
    let town = town.next("Faltou a educação").await;
    let shown = town.get().await;
    let all = shown["declarations"].as_array().unwrap();
    assert_eq!(all.len(), 1, "it is told once: {all:?}");
    assert_eq!((&all[0]["disaster_id"], &all[0]["attachments"][0]["name"]), (&json!(town.id), &json!("laudo.pdf")));
    let answer = format!("declarations/{}/answer", all[0]["id"].as_str().unwrap());
    town.good(&town.olga, Method::POST, &answer, json!({ "adopts": true })).await;
    assert_eq!(town.figure("education").await["total"]["damaged"], 2);
    assert!(!town.checks().await.contains(&"declarations".to_owned()), "nothing waits any more");
    let page = town.room.page(&rita, "/console/declarations").await;
    assert_eq!(page.matches("Relatório 12/2026").count(), 1, "its author sees it once: {page}");
}

#[tokio::test]
async fn a_department_sees_its_form_and_nothing_else_of_the_console() {
    let town = Town::open().await;
    let rita = town.room.person("rita", Role::Department).await;
    for path in ["damage".to_owned(), format!("damage/{}", town.id), "incidents".into(), "deadlines".into()] {
        assert_eq!(ask(&town.room, &rita, Method::GET, &path, Value::Null).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let page = town.room.page(&rita, "/console/declarations").await;
    assert!(page.contains("2026/001") && page.contains(&format!("/console/declarations/{}", town.id)), "{page}");
    assert!(!page.contains("href=\"/console/damage\"") && !page.contains("href=\"/console/alerts\""), "{page}");
    let form = town.room.page(&rita, &format!("/console/declarations/{}", town.id)).await;
    assert!(form.contains("name=\"education-damaged\"") && form.contains("value=\"Rita\""), "{form}");
}

fn multipart(csrf: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in [&[("csrf", csrf)], fields].concat() {
        body.extend(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
    }
    let head = format!(
        "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{}\"\r\nContent-Type: application/pdf\r\n\r\n",
        file.0
    );
    body.extend(head.into_bytes());
    body.extend_from_slice(file.1);
    body.extend(b"\r\n--x--\r\n");
    body
}

#[tokio::test]
async fn the_form_takes_a_pdf_that_is_one_and_keeps_the_words_when_it_is_none() {
    let town = Town::open().await;
    let rita = town.room.person("rita", Role::Department).await;
    let path = format!("/console/declarations/{}", town.id);
    let fields = [
        ("department", "health"),
        ("person", "Rita Souza"),
        ("document", "Laudo 3"),
        ("health-damaged", "1"),
        ("health-value", "2.500,00"),
    ];
    let send = |body: Vec<u8>| {
        let request = Request::post(&path)
            .header("cookie", &rita.cookie)
            .header("content-type", "multipart/form-data; boundary=x");
        raw(&town.room, request.body(Body::from(body)).unwrap())
    };
    let (status, page) = send(multipart(&rita.csrf, &fields, ("laudo.pdf", b"MZ no document"))).await;
    let page = String::from_utf8_lossy(&page).into_owned();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("value=\"Laudo 3\"") && page.contains("value=\"2.500,00\""), "{page}");
    let (status, _) = send(multipart(&rita.csrf, &fields, ("../laudo <3>.pdf", b"%PDF-1.7 laudo"))).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let shown = town.get().await;
    let (one, file) = (&shown["declarations"][0], &shown["declarations"][0]["attachments"][0]);
    assert_eq!((&one["lines"][0]["amount"]["centavos"], &file["name"]), (&json!(250_000), &json!("laudo <3>.pdf")));
    let way = format!(
        "/console/damage/{}/declarations/{}/{}",
        town.id,
        one["id"].as_str().unwrap(),
        file["id"].as_str().unwrap()
    );
    let request = Request::get(&way).header("cookie", &town.olga.cookie).body(Body::empty()).unwrap();
    assert_eq!(raw(&town.room, request).await, (StatusCode::OK, b"%PDF-1.7 laudo".to_vec()));
    let request = Request::get(&way).header("cookie", &rita.cookie).body(Body::empty()).unwrap();
    assert_eq!(raw(&town.room, request).await.0, StatusCode::FORBIDDEN);
    let (status, _) = send(multipart("forged", &fields, ("laudo.pdf", b"%PDF-1.7"))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let page = town.room.page(&town.olga, &format!("/console/damage/{}/declarations", town.id)).await;
    assert!(page.contains("laudo &#60;3&#62;.pdf"), "{page}");
}
