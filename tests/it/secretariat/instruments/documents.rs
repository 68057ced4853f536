//! Who reads the documents of an instrument, by the API and on its pages.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::super::send_file;
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
    let mut names: Vec<String> = all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
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
    assert_eq!(names(&house, &house.person, &id).await, ["bank.pdf", "notice.pdf", "plan.pdf"]);
    assert_eq!(names(&house, &fumio, &id).await, ["notice.pdf", "plan.pdf"]);
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

#[tokio::test]
async fn a_file_is_sent_on_the_page_of_an_instrument_and_read_there_without_javascript() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let fumio = house.room.person("fumio", Role::Funding).await;
    let id = opened(&house).await;
    let link = format!("/secretaria/painel/parcerias/{id}");
    let to = format!("{link}/documentos");
    let page = house.room.page(&house.person, &link).await;
    assert!(page.contains(&format!("action=\"{to}\" enctype=\"multipart/form-data\"")), "{page}");
    assert!(
        !house.room.page(&fumio, &link).await.contains("multipart/form-data"),
        "the form is for whoever works there"
    );

    let pdf: (&str, &str, &[u8]) = ("edital.pdf", "application/pdf", b"%PDF-1 edital");
    let words = [("kind", "notice"), ("readers", "everybody"), ("name", "Aviso")];
    let (status, page) = send_file(&house.room, &house.person, &to, &words, pdf).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let shown = house.show(&id).await;
    assert_eq!(
        (&shown["documents"][0]["name"], &shown["documents"][0]["readers"]),
        (&json!("Aviso"), &json!("everybody")),
        "{shown}"
    );
    let document = shown["documents"][0]["id"].as_str().unwrap();
    let file = format!("/api/v1/secretariat/agreements/{id}/documents/{document}");
    let page = house.room.page(&fumio, &link).await;
    assert!(page.contains(&format!("href=\"{file}\"")) && page.contains("Everybody, on the public page"), "{page}");
    assert_eq!(house.room.page(&fumio, &file).await, "%PDF-1 edital");

    let (status, page) = send_file(&house.room, &house.person, &to, &words, pdf).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("the same document is there already"), "{page}");
    let bank = [("kind", "bank"), ("readers", "everybody"), ("name", "Conta")];
    let (status, page) =
        send_file(&house.room, &house.person, &to, &bank, ("c.pdf", "application/pdf", b"%PDF-1 conta")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("bank data") && page.contains("13.709"), "{page}");
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    let (status, page) = send_file(&house.room, &house.person, &to, &words, ("g.pdf", "application/pdf", &large)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("more than 10 MiB"), "{page}");
    let (status, _) = send_file(&house.room, &fumio, &to, &words, pdf).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
