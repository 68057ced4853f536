//! What is printed: a case, an instrument, a publication and the charter as PDF, for whoever may read it and with nothing that they may not.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::instruments::{House, PARTNER};
use super::{done, open, path};
use crate::approval::{Person, Room};
use crate::damage::{ask, raw};
use crate::support::soon;

async fn got(room: &Room, by: Option<&Person>, path: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::get(path);
    let request = match by {
        Some(person) => request.header(header::AUTHORIZATION, &person.token),
        None => request,
    };
    raw(room, request.body(Body::empty()).unwrap()).await
}

pub async fn pdf(room: &Room, by: Option<&Person>, path: &str) -> Vec<u8> {
    let (status, bytes) = got(room, by, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&bytes));
    assert!(bytes.starts_with(b"%PDF-"), "{path}");
    bytes
}

/// How whoever has what everybody may keep is answered when they ask again.
pub async fn asked_again(room: &Room, path: &str) -> StatusCode {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let first = soon("the answer", room.router.clone().oneshot(request)).await.unwrap();
    assert_eq!(first.status(), StatusCode::OK, "{path}");
    let kept = first.headers()[header::CACHE_CONTROL].to_str().unwrap();
    assert!(kept.contains("public"), "{path}: {kept}");
    let request = Request::get(path).header(header::IF_NONE_MATCH, &first.headers()[header::ETAG]);
    let again = room.router.clone().oneshot(request.body(Body::empty()).unwrap());
    soon("the answer", again).await.unwrap().status()
}

fn demand() -> Value {
    json!({ "type": "relations.demand", "title": "Mapa das áreas de risco", "assigned": "rui", "fields": {
        "counterpart_kind": "council", "counterpart": "Câmara Municipal", "received_on": "2026-02-20", "request": "O mapa e as obras",
        "contact": "maria@exemplo.invalid" } })
}

#[tokio::test]
async fn a_case_is_printed_as_its_reader_sees_it_and_the_same_state_gives_the_same_bytes() {
    let room = Room::open(&[]).await;
    let (rui, otto) = (room.person("rui", Role::Relations).await, room.person("otto", Role::Relations).await);
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &rui, "relations", demand()).await;
    done(&room, &rui, "relations", &case, ("register_council", json!({}))).await;
    let printed = format!("/api/v1/{}", path("relations", &case, "/paper.pdf"));
    let link = format!("/secretaria/painel/articulacao-externa/casos/{}", case["id"].as_str().unwrap());
    assert!(room.page(&rui, &link).await.contains(&format!("href=\"{printed}\"")));
    let (own, seen) = (pdf(&room, Some(&rui), &printed).await, pdf(&room, Some(&carla), &printed).await);
    assert_ne!(own, seen, "the e-mail of who asked is for whoever works there");
    room.app.clock.set(room.app.clock.now() + TimeDelta::hours(5));
    assert_eq!(own, pdf(&room, Some(&rui), &printed).await, "nothing of it says when it was printed");
    assert_ne!(own, pdf(&room, Some(&rui), &format!("{printed}?lang=en")).await);
    // What a reader may not read does not change their sheet.
    sqlx::query("update case_file set fields = jsonb_set(fields, '{contact}', '\"outra@exemplo.invalid\"')")
        .execute(&room.db.pool)
        .await
        .unwrap();
    assert_eq!(seen, pdf(&room, Some(&carla), &printed).await);
    assert_ne!(own, pdf(&room, Some(&rui), &printed).await);

    let now = ask(&room, &rui, Method::GET, &path("relations", &case, ""), Value::Null).await.1;
    let body = json!({ "revision": now["revision"], "username": "otto", "reason": "É parente de quem pede" });
    pdf(&room, Some(&otto), &printed).await;
    let (status, told) = ask(&room, &rui, Method::POST, &path("relations", &case, "/recusals"), body).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{told}");
    assert_eq!(got(&room, Some(&otto), &printed).await.0, StatusCode::NOT_FOUND, "there is no such case for him");
    assert_eq!(got(&room, None, &printed).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(got(&room, Some(&rui), &format!("{printed}?lang=fr")).await.0, StatusCode::BAD_REQUEST);
    let other = printed.replace("/relations/", "/coordination/");
    assert_eq!(got(&room, Some(&rui), &other).await.0, StatusCode::NOT_FOUND, "a case of another module");
}

#[tokio::test]
async fn a_restricted_case_is_printed_for_nobody_who_does_not_work_on_it() {
    let room = Room::open(&[]).await;
    let (olivia, carla) =
        (room.person("olivia", Role::Ombudsman).await, room.person("carla", Role::Coordination).await);
    let told = json!({ "subject": "Atendimento", "text": "Fui destratada", "kind": "complaint", "name": "Joana Prado",
        "email": "joana@exemplo.invalid" });
    let request = Request::post("/api/v1/secretariat/ombudsman/requests");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let (status, made) = room.send(request.body(Body::from(told.to_string())).unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = room.words("select id::text from case_file where type_key = 'ombudsman.manifestation'").await.remove(0);
    let printed = format!("/api/v1/secretariat/ombudsman/cases/{id}/paper.pdf");
    pdf(&room, Some(&olivia), &printed).await;
    let read = ask(&room, &carla, Method::GET, &format!("secretariat/ombudsman/cases/{id}"), Value::Null).await.0;
    assert_eq!(got(&room, Some(&carla), &printed).await.0, read, "as the case itself");
    assert_ne!(read, StatusCode::OK);
}

#[tokio::test]
async fn a_publication_is_printed_from_its_snapshot_for_everybody_until_it_is_withdrawn() {
    let room = Room::open(&[]).await;
    let rui = room.person("rui", Role::Relations).await;
    let case = open(&room, &rui, "relations", demand()).await;
    let id = case["id"].as_str().unwrap();
    let printed = format!("/api/v1/secretariat/relations/publications/{id}/paper.pdf");
    assert_eq!(got(&room, None, &printed).await.0, StatusCode::NOT_FOUND, "nothing of it is public yet");
    done(&room, &rui, "relations", &case, ("register_council", json!({}))).await;
    done(&room, &rui, "relations", &case, ("draft", json!({ "fields": { "reply": "Segue o mapa" } }))).await;
    done(&room, &rui, "relations", &case, ("answer", json!({}))).await;
    let first = pdf(&room, None, &printed).await;
    sqlx::query("update case_file set title = 'Outro', fields = fields || '{\"reply\": \"Outra\"}'")
        .execute(&room.db.pool)
        .await
        .unwrap();
    assert_eq!(first, pdf(&room, None, &printed).await, "the snapshot stands");
    assert_eq!(first, pdf(&room, Some(&rui), &format!("{printed}?version=1")).await, "whoever asks");
    assert_ne!(first, pdf(&room, None, &format!("{printed}?lang=en")).await);
    assert_eq!(asked_again(&room, &printed).await, StatusCode::NOT_MODIFIED);
    assert_eq!(got(&room, None, &format!("{printed}?version=2")).await.0, StatusCode::NOT_FOUND);
    let (_, page) = room.stranger(Method::GET, &format!("/secretaria/articulacao-externa/publicacoes/{id}")).await;
    assert!(page.contains(&format!("href=\"{printed}?lang=en\"")), "{page}");
    let now = ask(&room, &rui, Method::GET, &path("relations", &case, ""), Value::Null).await.1;
    let why = json!({ "revision": now["revision"], "reason": "Dado de terceiro no anexo" });
    let (status, gone) = ask(&room, &rui, Method::POST, &path("relations", &case, "/withdraw"), why).await;
    assert_eq!(status, StatusCode::OK, "{gone}");
    assert_eq!(got(&room, None, &printed).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_charter_is_printed_with_each_service_and_an_old_version_says_that_it_was_corrected() {
    let room = Room::open(&[]).await;
    let (sara, sid) = (room.person("sara", Role::ServiceCharter).await, room.person("sid", Role::ServiceCharter).await);
    let charter = "/api/v1/secretariat/service-charter/charter.pdf";
    let empty = pdf(&room, None, charter).await;
    let body = json!({ "type": "service_charter.service", "title": "Vistoria de encosta", "fields": {
        "area": "Defesa Civil", "description": "Um técnico olha a encosta", "requirements": "Morar no Município",
        "documents": "Endereço", "steps": "Pedir; receber a visita; ler o laudo", "max_days": 10, "days_kind": "business",
        "channels": "199", "priority": "Risco à vida primeiro", "complaint": "Ouvidoria", "review_on": "2026-12-30" } });
    let case = open(&room, &sara, "service-charter", body).await;
    assert_eq!(empty, pdf(&room, None, charter).await, "a draft is in no charter");
    done(&room, &sid, "service-charter", &case, ("publish", json!({}))).await;
    let one = pdf(&room, None, charter).await;
    assert_ne!(empty, one);
    assert_eq!(one, pdf(&room, Some(&sara), charter).await);
    let service =
        format!("/api/v1/secretariat/service-charter/publications/{}/paper.pdf", case["id"].as_str().unwrap());
    let before = pdf(&room, None, &service).await;
    let next = json!({ "reason": "Revisto", "fields": { "max_days": 5, "review_on": "2026-12-31" } });
    done(&room, &sid, "service-charter", &case, ("revise", next)).await;
    assert_ne!(one, pdf(&room, None, charter).await);
    let last = pdf(&room, None, &service).await;
    assert_eq!(last, pdf(&room, None, &format!("{service}?version=2")).await);
    let old = pdf(&room, None, &format!("{service}?version=1")).await;
    assert!(old != last && old != before, "the old version is marked as corrected");
    let (_, page) = room.stranger(Method::GET, "/secretaria/carta-de-servicos").await;
    assert!(page.contains(&format!("href=\"{charter}?lang=en\"")), "{page}");
}

#[tokio::test]
async fn an_instrument_is_printed_with_its_money_and_without_bank_data_for_other_modules() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "fomento", "object": "Formação de núcleos" })).await;
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    let partner = json!({ "name": "Instituto Serra Segura", "document": PARTNER,
        "bank": { "bank": "001", "branch": "0024-8", "account": "778899-1" } });
    house.done(&id, json!({ "act": "select", "partner": partner, "reason": "Única com experiência" })).await;
    let (room, printed) = (&house.room, format!("/api/v1/secretariat/agreements/{id}/paper.pdf"));
    let fumio = room.person("fumio", Role::Funding).await;
    let (own, seen) = (pdf(room, Some(&house.person), &printed).await, pdf(room, Some(&fumio), &printed).await);
    assert_ne!(own, seen);
    assert_eq!(own, pdf(room, Some(&house.person), &printed).await);
    sqlx::query("update instrument set document = replace(document::text, '778899-1', '112233-4')::jsonb")
        .execute(&room.db.pool)
        .await
        .unwrap();
    assert_eq!(seen, pdf(room, Some(&fumio), &printed).await, "bank data are for whoever works there");
    assert_ne!(own, pdf(room, Some(&house.person), &printed).await);
    let page = room.page(&fumio, &format!("/secretaria/painel/parcerias/{id}")).await;
    assert!(page.contains(&format!("href=\"{printed}\"")), "{page}");
    assert_eq!(got(room, None, &printed).await.0, StatusCode::UNAUTHORIZED);
    let none = printed.replace("/agreements/", "/funding/");
    assert_eq!(got(room, Some(&fumio), &none).await.0, StatusCode::NOT_FOUND, "an instrument of another module");
}

#[tokio::test]
async fn everybody_prints_of_an_instrument_what_its_public_page_says_and_no_more() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "fomento", "object": "Formação de núcleos" })).await;
    let (room, printed) = (&house.room, format!("/api/v1/secretariat/agreements/public/{id}/paper.pdf"));
    assert_eq!(got(room, None, &printed).await.0, StatusCode::NOT_FOUND, "it is being planned");
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    let before = pdf(room, None, &printed).await;
    let partner = json!({ "name": "Instituto Serra Segura", "document": PARTNER,
        "bank": { "bank": "001", "branch": "0024-8", "account": "778899-1" } });
    house.done(&id, json!({ "act": "select", "partner": partner, "reason": "Única com experiência" })).await;
    let open = pdf(room, None, &printed).await;
    assert_ne!(before, open, "the partner is public now");
    assert_eq!(open, pdf(room, Some(&house.person), &printed).await, "whoever asks");
    assert_ne!(open, pdf(room, Some(&house.person), &printed.replace("/public/", "/")).await, "staff read more");
    sqlx::query("update instrument set document = replace(document::text, 'Instituto Serra Segura', 'Outro')::jsonb")
        .execute(&room.db.pool)
        .await
        .unwrap();
    assert_eq!(open, pdf(room, None, &printed).await, "the snapshot stands");
    room.app.clock.set(room.app.clock.now() + TimeDelta::hours(5));
    assert_eq!(asked_again(room, &printed).await, StatusCode::NOT_MODIFIED);
    assert_ne!(open, pdf(room, None, &format!("{printed}?lang=en")).await);
    assert_eq!(got(room, None, &format!("{printed}?lang=fr")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(got(room, None, &printed.replace("/agreements/", "/funding/")).await.0, StatusCode::NOT_FOUND);
    let (_, page) = room.stranger(Method::GET, &format!("/secretaria/parcerias/{id}")).await;
    assert!(page.contains(&format!("href=\"{printed}?lang=en\"")), "{page}");
    let old = pdf(room, None, &format!("{printed}?version=1")).await;
    assert!(old != before && old != open, "it says that it was corrected");
    assert_eq!(open, pdf(room, None, &format!("{printed}?version=2")).await);
    assert_eq!(got(room, None, &format!("{printed}?version=3")).await.0, StatusCode::NOT_FOUND);
    let over = "insert into instrument_publication
        select gen_random_uuid(), instrument_id, module, 3, id, snapshot, sha256, act, reason, published_at, published_by, '2026-01-13'
        from instrument_publication where seq = 2";
    sqlx::query(over).execute(&room.db.pool).await.unwrap();
    assert_eq!(got(room, None, &printed).await.0, StatusCode::NOT_FOUND, "as its page");
}
