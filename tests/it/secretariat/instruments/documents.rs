//! Who reads the documents of an instrument, by the API and on its pages.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::House;
use crate::approval::Person;
use crate::damage::ask;

/// Puts a document there over the API; its id, or the problem.
async fn put(house: &House, id: &str, (kind, readers): (&str, &str), bytes: &str) -> (StatusCode, Value) {
    let path = format!("/api/v1/secretariat/agreements/{id}/documents?kind={kind}&name={kind}.pdf&readers={readers}");
    let request = Request::post(path)
        .header(header::AUTHORIZATION, &house.person.token)
        .header(header::CONTENT_TYPE, "application/pdf")
        .body(Body::from(bytes.to_owned()));
    let (status, text) = house.room.send(request.unwrap()).await;
    (status, serde_json::from_str(&text).unwrap())
}

async fn opened(house: &House) -> String {
    let id = house.opened(json!({ "kind": "doacao_adocao", "object": "Adoção da praça" })).await;
    house.done(&id, json!({ "act": "waive", "ground": "Sem ônus", "law_ref": "Lei municipal" })).await;
    id
}

async fn names(house: &House, by: &Person, id: &str) -> Vec<String> {
    let shown = ask(&house.room, by, Method::GET, &format!("secretariat/agreements/{id}"), Value::Null).await.1;
    let all = shown["documents"].as_array().unwrap_or_else(|| panic!("{shown}"));
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_document_is_read_by_the_module_by_staff_or_by_everybody_as_whoever_put_it_there_said() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let fumio = house.room.person("fumio", Role::Funding).await;
    let id = opened(&house).await;
    let (status, told) = put(&house, &id, ("bank", "staff"), "%PDF-1 conta").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
    assert!(told.to_string().contains("readers") && told.to_string().contains("13.709"), "{told}");
    let mut ids = Vec::new();
    for (kind, readers) in [("bank", "module"), ("plan", "staff"), ("notice", "everybody")] {
        let (status, made) = put(&house, &id, (kind, readers), &format!("%PDF-1 {kind}")).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(names(&house, &house.person, &id).await, ["bank.pdf", "plan.pdf", "notice.pdf"]);
    assert_eq!(names(&house, &fumio, &id).await, ["plan.pdf", "notice.pdf"]);
    for (by, all) in [(&house.person, [200, 200, 200]), (&fumio, [404, 200, 200])] {
        for (document, status) in ids.iter().zip(all) {
            let (found, text) =
                house.raw(&by.token, Method::GET, &format!("/{id}/documents/{document}"), String::new()).await;
            assert_eq!(found.as_u16(), status, "{text}");
        }
    }
    for (document, status) in ids.iter().zip([404, 404, 200]) {
        let (found, text) =
            house.raw("", Method::GET, &format!("/public/{id}/documents/{document}"), String::new()).await;
        assert_eq!(found.as_u16(), status, "{text}");
        assert_eq!(text.contains("%PDF-1 notice"), status == 200, "{text}");
    }
    let (status, page) = house.room.stranger(Method::GET, &format!("/secretaria/parcerias/{id}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("notice.pdf") && !page.contains("bank.pdf") && !page.contains("plan.pdf"), "{page}");
    let page = house.room.page(&fumio, &format!("/secretaria/painel/parcerias/{id}")).await;
    assert!(page.contains("notice.pdf") && !page.contains("bank.pdf"), "{page}");
    house.done(&id, json!({ "act": "cancel", "reason": "Desistência" })).await;
    let gone = format!("/public/{id}/documents/{}", ids[2]);
    assert_eq!(house.raw("", Method::GET, &gone, String::new()).await.0, StatusCode::NOT_FOUND, "it is public no more");
}

#[tokio::test]
async fn the_database_opens_no_document_that_may_hold_bank_data() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = opened(&house).await;
    put(&house, &id, ("receipt", "module"), "%PDF-1 recibo").await;
    let opened = "insert into instrument_document (id, instrument_id, kind, name, media_type, bytes, sha256, added_at, added_by, readers)
        select gen_random_uuid(), instrument_id, kind, name, media_type, 'x', sha256('x'), added_at, added_by, 'everybody' from instrument_document";
    let refused = sqlx::query(opened).execute(&house.room.db.pool).await.unwrap_err().to_string();
    assert!(refused.contains("instrument_document_opened_by_kind"), "{refused}");
}
