//! The registry: organisations, persons and places, each once, found again by whoever works with them, and hidden from whom they are not for.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::audit::Actor;
use sentinela::secretariat::kernel::Types;
use sentinela::secretariat::kernel::registry::settle::settle;
use serde_json::{Value, json};

use super::instruments::{GRANTOR, PARTNER};
use super::paper::pdf;
use super::{open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;
use crate::support::Folder;

const CPF: &str = "529.982.247-25";

async fn reg(room: &Room, by: &Person, method: Method, rest: &str, body: Value) -> (StatusCode, Value) {
    ask(room, by, method, &format!("secretariat/registry{rest}"), body).await
}

/// Writes an entry down; what came of it.
async fn entered(room: &Room, by: &Person, entry: Value) -> Value {
    let (status, made) = reg(room, by, Method::POST, "", entry).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made
}

async fn found(room: &Room, by: &Person, words: &str) -> Vec<Value> {
    let (status, page) = reg(room, by, Method::GET, &format!("?q={words}"), Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["items"].as_array().unwrap().clone()
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn organisation(name: &str, document: &str) -> Value {
    json!({ "kind": "organisation", "name": name, "nature": "civil_society", "document": document, "access": "internal" })
}

/// What is taken out, and what is taken in.
async fn file(room: &Room, by: &Person, (method, rest): (Method, &str), body: String) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/secretariat/registry/{rest}"))
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, "application/x-ndjson");
    room.send(request.body(Body::from(body)).unwrap()).await
}

/// An agreement with a partner that was chosen.
async fn agreed(room: &Room, by: &Person, (name, document): (&str, &str)) -> String {
    let opening = json!({ "kind": "fomento", "object": "Oficinas em escolas" });
    let (status, made) = ask(room, by, Method::POST, "secretariat/agreements", opening).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    for act in [
        json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" }),
        json!({ "act": "select", "partner": { "name": name, "document": document }, "reason": "Única com experiência" }),
    ] {
        let at = format!("secretariat/agreements/{}/acts", id(&made));
        let (status, after) = ask(room, by, Method::POST, &at, json!({ "act": act })).await;
        assert_eq!(status, StatusCode::OK, "{after}");
    }
    id(&made)
}

async fn funded(room: &Room, by: &Person, (name, document): (&str, &str)) -> String {
    let opening = json!({ "kind": "convenio", "object": "Encosta", "grantor": { "name": name, "document": document } });
    let (status, made) = ask(room, by, Method::POST, "secretariat/funding", opening).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    id(&made)
}

#[tokio::test]
async fn an_organisation_of_an_agreement_is_found_again_by_funding_merged_and_taken_apart() {
    let room = Room::open(&[]).await;
    let (irene, fabio) = (room.person("irene", Role::Agreements).await, room.person("fabio", Role::Funding).await);
    let agreement = agreed(&room, &irene, ("Instituto Serra Segura", PARTNER)).await;
    let funding = funded(&room, &fabio, ("Inst. Serra Segura", PARTNER)).await;
    let known = found(&room, &fabio, "11222333000181").await;
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0]["name"], "Instituto Serra Segura", "as the first who wrote it down has it");
    assert_eq!((&known[0]["opened_by"], &known[0]["document"]), (&json!("irene"), &json!(PARTNER)));
    let at = format!("/{}", id(&known[0]));
    let whole = reg(&room, &fabio, Method::GET, &at, Value::Null).await.1;
    let mut instruments: Vec<&str> =
        whole["instruments"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    instruments.sort_unstable();
    let mut both = [funding.as_str(), agreement.as_str()];
    both.sort_unstable();
    assert_eq!(instruments, both, "{whole}");
    let page = room.page(&fabio, &format!("/secretaria/painel/cadastro{at}")).await;
    assert!(page.contains("Oficinas em escolas") && page.contains("Encosta"), "{page}");

    // Somebody wrote the same down by its name alone, and somebody else is another.
    let twin = entered(&room, &irene, organisation("Serra Segura", "")).await;
    let stranger = entered(&room, &irene, organisation("Ministério", GRANTOR)).await;
    let into = |revision: &Value| json!({ "revision": revision, "into": id(&known[0]), "reason": "É a mesma" });
    let merge = format!("/{}/merge", id(&stranger));
    let (status, refused) = reg(&room, &irene, Method::POST, &merge, into(&stranger["revision"])).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let merge = format!("/{}/merge", id(&twin));
    let (status, merged) = reg(&room, &irene, Method::POST, &merge, into(&twin["revision"])).await;
    assert_eq!((status, &merged["merged_into"]), (StatusCode::OK, &known[0]["id"]), "{merged}");
    let whole = reg(&room, &fabio, Method::GET, &at, Value::Null).await.1;
    assert_eq!(whole["aliases"][0]["name"], "Serra Segura", "{whole}");
    let (status, refused) = reg(&room, &irene, Method::POST, &merge, into(&merged["revision"])).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");

    // Nothing that something links to is removed; a merge is taken back, on the page too.
    let why = json!({ "revision": whole["entry"]["revision"], "reason": "Engano" });
    let (status, refused) = reg(&room, &irene, Method::POST, &format!("{at}/remove"), why).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("2 places where it stands, 1 entries"), "{refused}");
    let form = format!("act=unmerge&revision={}&reason=Outra", merged["revision"]);
    let twin_page = format!("/secretaria/painel/cadastro/{}", id(&twin));
    assert_eq!(room.post(&irene, &twin_page, &form).await.0, StatusCode::UNPROCESSABLE_ENTITY, "without a tick");
    assert_eq!(room.post(&irene, &twin_page, &format!("{form}&sure=yes")).await.0, StatusCode::SEE_OTHER);
    let whole = reg(&room, &fabio, Method::GET, &at, Value::Null).await.1;
    assert_eq!(whole["aliases"], json!([]), "{whole}");
    let acts = room.words("select act from audit_event where act like 'registry.%merge' order by at, act").await;
    assert_eq!(acts, ["registry.merge", "registry.unmerge"]);
    let now = reg(&room, &irene, Method::GET, &format!("/{}", id(&twin)), Value::Null).await.1;
    let why = json!({ "revision": now["entry"]["revision"], "reason": "Engano" });
    let (status, _) = reg(&room, &irene, Method::POST, &format!("/{}/remove", id(&twin)), why).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "nothing links to it");
}

#[tokio::test]
async fn a_consent_that_is_withdrawn_leaves_nothing_that_reaches_anybody() {
    let room = Room::open(&[]).await;
    let irene = room.person("irene", Role::Agreements).await;
    let maria = entered(&room, &irene, json!({ "kind": "person", "name": "Maria Prado", "access": "internal" })).await;
    let contacts = format!("/{}/contacts", id(&maria));
    let new = json!({ "channel": "email", "value": "maria@exemplo.invalid", "purpose": "Convites", "given_on": "2026-01-05" });
    let (status, contact) = reg(&room, &irene, Method::POST, &contacts, new.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{contact}");
    for (field, value) in [("given_on", "2099-01-01"), ("value", "maria"), ("purpose", "   ")] {
        let mut bad = new.clone();
        bad[field] = json!(value);
        let (status, refused) = reg(&room, &irene, Method::POST, &contacts, bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}: {refused}");
        assert!(refused.to_string().contains(field), "{refused}");
    }
    let withdraw = format!("{contacts}/{}/withdraw", id(&contact));
    let (status, after) = reg(&room, &irene, Method::POST, &withdraw, Value::Null).await;
    assert_eq!(
        (status, &after["value"], &after["withdrawn_by"]),
        (StatusCode::OK, &Value::Null, &json!("irene")),
        "{after}"
    );
    assert_eq!(reg(&room, &irene, Method::POST, &withdraw, Value::Null).await.0, StatusCode::CONFLICT);
    let kept =
        room.words("select c::text from registry_contact c union all select e::text from audit_event e").await.concat();
    assert!(kept.contains("Convites") && !kept.contains("maria@"), "{kept}");
}

#[tokio::test]
async fn a_cpf_is_nowhere_in_clear_and_is_read_whole_with_a_reason_alone() {
    let room = Room::open(&[]).await;
    let (irene, eva) = (room.person("irene", Role::Agreements).await, room.person("eva", Role::Ethics).await);
    let maria = json!({ "kind": "person", "name": "Maria Prado", "document": CPF, "access": "internal" });
    let maria = entered(&room, &irene, maria).await;
    assert_eq!(maria["document"], "***.982.247-**");
    let again = json!({ "kind": "person", "name": "M. Prado", "document": "52998224725", "access": "internal" });
    let (status, refused) = reg(&room, &irene, Method::POST, "", again).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let known = found(&room, &irene, "529.982.247-25").await;
    assert_eq!(known.iter().map(id).collect::<Vec<_>>(), [id(&maria)], "found by its keyed sum");

    let (_, text) = file(&room, &irene, (Method::GET, "export"), String::new()).await;
    let page = room.page(&irene, &format!("/secretaria/painel/cadastro/{}", id(&maria))).await;
    let tables = room
        .words(
            "select e::text from registry_entry e union all select c::text from registry_contact c
             union all select l::text from registry_link l union all select a::text from audit_event a",
        )
        .await
        .concat();
    for place in [&text, &page, &tables, &refused.to_string()] {
        assert!(!place.contains("52998224725") && !place.contains(CPF), "{place}");
    }
    assert!(page.contains("***.982.247-**") && text.contains("***.982.247-**"), "{page} {text}");

    let document = format!("/{}/document", id(&maria));
    let reason = json!({ "reason": "Conferir a indicação para o conselho" });
    assert_eq!(reg(&room, &irene, Method::POST, &document, reason.clone()).await.0, StatusCode::FORBIDDEN);
    let short = json!({ "reason": "Sim" });
    assert_eq!(reg(&room, &eva, Method::POST, &document, short).await.0, StatusCode::BAD_REQUEST);
    let (status, read) = reg(&room, &eva, Method::POST, &document, reason).await;
    assert_eq!((status, &read["cpf"]), (StatusCode::OK, &json!(CPF)), "{read}");
    let read = room.words("select actor || ': ' || reason from audit_event where act = 'vault.open'").await;
    assert_eq!(read, ["eva: Conferir a indicação para o conselho"]);
}

#[tokio::test]
async fn what_is_restricted_is_not_there_for_others_and_persons_are_never_public() {
    let room = Room::open(&[]).await;
    let (eva, irene) = (room.person("eva", Role::Ethics).await, room.person("irene", Role::Agreements).await);
    let paula = room.person("paula", Role::Press).await;
    let hidden = json!({ "kind": "person", "name": "Rui Oculto", "access": "restricted", "reserved_to": "ethics" });
    let (status, refused) = reg(&room, &irene, Method::POST, "", hidden.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "nobody gives away what they do not read: {refused}");
    let rui = entered(&room, &eva, hidden).await;
    let at = format!("/{}", id(&rui));
    assert_eq!(reg(&room, &eva, Method::GET, &at, Value::Null).await.0, StatusCode::OK);
    let mine = entered(&room, &irene, json!({ "kind": "person", "name": "Rui", "access": "internal" })).await;
    let why = json!({ "revision": 1, "reason": "Engano" });
    for (method, rest, body) in [
        (Method::GET, at.clone(), Value::Null),
        (Method::POST, format!("{at}/remove"), why.clone()),
        (Method::POST, format!("{at}/unmerge"), why),
        (Method::POST, format!("{at}/merge"), json!({ "revision": 1, "into": mine["id"], "reason": "É ele" })),
    ] {
        let (status, refused) = reg(&room, &irene, method, &rest, body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{rest}: {refused}");
    }
    let into = json!({ "revision": 1, "into": rui["id"], "reason": "É ele" });
    let (status, refused) = reg(&room, &irene, Method::POST, &format!("/{}/merge", id(&mine)), into).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    assert!(found(&room, &irene, "Oculto").await.is_empty() && found(&room, &eva, "Oculto").await.len() == 1);
    let (_, text) = file(&room, &irene, (Method::GET, "export"), String::new()).await;
    assert!(!text.contains("Oculto"), "{text}");

    // An outlet is read by whoever works with the press.
    let outlet = json!({ "name": "Rádio da Serra", "email": "radio@exemplo.invalid" });
    let (status, made) = ask(&room, &paula, Method::POST, "secretariat/press/outlets", outlet).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let radio = found(&room, &paula, "Serra").await;
    assert_eq!((radio.len(), &radio[0]["nature"]), (1, &json!("press")), "{radio:?}");
    let whole = reg(&room, &paula, Method::GET, &format!("/{}", id(&radio[0])), Value::Null).await.1;
    assert_eq!(whole["outlets"][0]["id"], made["id"], "{whole}");
    assert!(found(&room, &irene, "Serra").await.is_empty());

    let mut shown = organisation("Associação da Encosta", "");
    shown["access"] = json!("public");
    entered(&room, &irene, shown).await;
    let (status, public) = room.stranger(Method::GET, "/api/v1/secretariat/registry/public").await;
    assert_eq!(status, StatusCode::OK, "{public}");
    assert!(
        public.contains("Associação da Encosta") && !public.contains("Rui") && !public.contains("Rádio"),
        "{public}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_field_and_a_change_that_came_first_is_not_overwritten() {
    let room = Room::open(&[]).await;
    let irene = room.person("irene", Role::Agreements).await;
    let person = |more: Value| {
        let mut body = json!({ "kind": "person", "name": "Maria", "access": "internal" });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    for (field, bad) in [
        ("document", person(json!({ "document": PARTNER }))),
        ("document", person(json!({ "document": "529.982.247-26" }))),
        ("access", person(json!({ "access": "public" }))),
        ("reserved_to", person(json!({ "access": "restricted" }))),
        ("nature", person(json!({ "nature": "company" }))),
        ("name", person(json!({ "name": "  " }))),
        ("point", person(json!({ "point": { "longitude": 1.0, "latitude": 2.0 } }))),
    ] {
        let (status, refused) = reg(&room, &irene, Method::POST, "", bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}: {refused}");
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let maria = entered(&room, &irene, person(json!({}))).await;
    let at = format!("/{}", id(&maria));
    let edit = |revision: i32, name: &str| json!({ "revision": revision, "entry": person(json!({ "name": name })) });
    let (status, after) = reg(&room, &irene, Method::PUT, &at, edit(1, "Maria Prado")).await;
    assert_eq!((status, &after["revision"]), (StatusCode::OK, &json!(2)), "{after}");
    let (status, refused) = reg(&room, &irene, Method::PUT, &at, edit(1, "Outra")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let other = json!({ "revision": 2, "entry": organisation("Maria Prado", "") });
    assert_eq!(reg(&room, &irene, Method::PUT, &at, other).await.0, StatusCode::BAD_REQUEST, "its kind stays");
    let form = "kind=person&name=Maria&access=public";
    let (status, page) = room.post(&irene, "/secretaria/painel/cadastro", form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("a person is never public"), "{page}");
    assert_eq!(reg(&room, &irene, Method::GET, "?kind=thing", Value::Null).await.0, StatusCode::BAD_REQUEST);
}

const TYPE: &str = r#"
module = "coordination"
key = "coordination.visit"
version = 1
title = { pt = "Visita de teste", en = "Visit of a test" }
law_ref = "Lei Municipal 1/2026"
access = "internal"
[series]
prefix = "VIS"
[[field]]
key = "host"
label = { pt = "Anfitrião", en = "Host" }
kind = "registry"
required = true
[[state]]
key = "asked"
label = { pt = "Pedida", en = "Asked for" }
[[state]]
key = "done"
label = { pt = "Feita", en = "Done" }
final = true
[[transition]]
key = "finish"
label = { pt = "Concluir", en = "Finish" }
from = ["asked"]
to = "done"
"#;

#[tokio::test]
async fn a_field_of_a_case_refers_to_an_entry_that_is_sought_by_its_name_and_recusal_hides_the_case() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("visit.toml"), TYPE).unwrap();
    let room = Room::configured(|config| config.secretariat.case_types = folder.path().display().to_string()).await;
    let (carla, otto) = (room.person("carla", Role::Coordination).await, room.person("otto", Role::Coordination).await);
    let host = entered(&room, &carla, organisation("Associação da Encosta", PARTNER)).await;
    entered(&room, &carla, organisation("Associação do Vale", GRANTOR)).await;
    let new = "/secretaria/painel/articulacao-interna/novo/coordination.visit";
    let form = room.page(&carla, new).await;
    assert!(form.contains(r#"name="f.host""#) && form.contains(r#"href="/secretaria/painel/cadastro""#), "{form}");
    for text in ["Associa%C3%A7%C3%A3o", "Ningu%C3%A9m", "00000000-0000-0000-0000-000000000000"] {
        let (status, page) = room.post(&carla, new, &format!("title=Visita&f.host={text}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}: {page}");
    }
    let (status, page) = room.post(&carla, new, "title=Visita&f.host=11.222.333%2F0001-81").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let fields = json!({ "host": host["id"] });
    let case = open(
        &room,
        &carla,
        "coordination",
        json!({ "type": "coordination.visit", "title": "Outra", "fields": fields }),
    )
    .await;
    assert_eq!(case["fields"]["host"], host["id"], "{case}");
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}", id(&case));
    assert!(room.page(&carla, &link).await.contains("Associação da Encosta"));

    let at = format!("/{}", id(&host));
    let cases = |whole: &Value| whole["cases"].as_array().unwrap().len();
    assert_eq!(cases(&reg(&room, &otto, Method::GET, &at, Value::Null).await.1), 2);
    let body = json!({ "revision": case["revision"], "username": "otto", "reason": "É parente" });
    let (status, refused) = ask(&room, &carla, Method::POST, &path("coordination", &case, "/recusals"), body).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");
    assert_eq!(cases(&reg(&room, &otto, Method::GET, &at, Value::Null).await.1), 1);
    assert_eq!(cases(&reg(&room, &carla, Method::GET, &at, Value::Null).await.1), 2);

    let public = TYPE.replace("required = true", "required = true\npublic = true");
    let faults = Types::of_texts([("visit.toml".to_owned(), public)]).unwrap_err().to_string();
    assert!(faults.contains("a field of the registry is never public"), "{faults}");
}

#[tokio::test]
async fn a_sheet_and_the_history_name_an_entry_to_its_readers_and_show_its_id_to_others() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("visit.toml"), TYPE).unwrap();
    let room = Room::configured(|config| config.secretariat.case_types = folder.path().display().to_string()).await;
    let (carla, rui) = (room.person("carla", Role::Coordination).await, room.person("rui", Role::Relations).await);
    let mut entry = organisation("Associação da Encosta", "");
    entry["access"] = json!("restricted");
    entry["reserved_to"] = json!("coordination");
    let host = entered(&room, &carla, entry.clone()).await;
    let opening = json!({ "type": "coordination.visit", "title": "Visita", "fields": { "host": host["id"] } });
    let case = open(&room, &carla, "coordination", opening).await;
    let printed = format!("/api/v1/{}", path("coordination", &case, "/paper.pdf"));
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}", id(&case));
    let (own, seen) = (pdf(&room, Some(&carla), &printed).await, pdf(&room, Some(&rui), &printed).await);
    let page = room.page(&carla, &link).await;
    assert_eq!(page.matches("Associação da Encosta").count(), 2, "the field and the act that filled it in: {page}");
    assert!(!page.contains(&id(&host)), "{page}");
    assert!(!page.contains("flash bad"), "the chain is whole, whatever the page calls the entry: {page}");
    let page = room.page(&rui, &link).await;
    assert!(page.contains(&id(&host)) && !page.contains("Associação"), "{page}");

    entry["name"] = json!("Associação do Morro");
    let edit = json!({ "revision": 1, "entry": entry });
    let (status, after) = reg(&room, &carla, Method::PUT, &format!("/{}", id(&host)), edit).await;
    assert_eq!(status, StatusCode::OK, "{after}");
    assert_ne!(own, pdf(&room, Some(&carla), &printed).await, "her sheet says the name");
    assert_eq!(seen, pdf(&room, Some(&rui), &printed).await, "his does not");
    let (_, shown) = ask(&room, &carla, Method::GET, &path("coordination", &case, ""), Value::Null).await;
    assert_eq!(shown["fields"]["host"], host["id"], "the API keeps the id");
}

#[tokio::test]
async fn the_registry_goes_out_and_comes_in_byte_by_byte_and_what_was_there_before_it_is_linked_at_the_start() {
    let room = Room::open(&[]).await;
    let (irene, carla) = (room.person("irene", Role::Agreements).await, room.person("carla", Role::Committees).await);
    let agreement = agreed(&room, &irene, ("Maria Prado", CPF)).await;
    let person = json!({ "name": "Rui Prado" });
    let (status, seated) = ask(&room, &carla, Method::POST, "secretariat/committees/persons", person).await;
    assert!(status.is_success(), "{seated}");
    let head = entered(&room, &irene, organisation("Instituto", PARTNER)).await;
    let twin = entered(&room, &irene, organisation("O Instituto", "")).await;
    let into = json!({ "revision": 1, "into": head["id"], "reason": "É o mesmo" });
    assert_eq!(reg(&room, &irene, Method::POST, &format!("/{}/merge", id(&twin)), into).await.0, StatusCode::OK);
    let (status, before) = file(&room, &irene, (Method::GET, "export"), String::new()).await;
    assert_eq!((status, before.lines().count()), (StatusCode::OK, 4), "{before}");
    let (status, told) = file(&room, &irene, (Method::POST, "import"), before.clone()).await;
    assert_eq!((status, told.as_str()), (StatusCode::OK, r#"{"added":0,"unchanged":4}"#));

    let forget = "delete from registry_link; update registry_entry set merged_into = null; delete from registry_entry";
    sqlx::raw_sql(forget).execute(&room.db.pool).await.unwrap();
    let (status, told) = file(&room, &irene, (Method::POST, "import"), before.clone()).await;
    assert_eq!((status, told.as_str()), (StatusCode::OK, r#"{"added":4,"unchanged":0}"#));
    let (_, after) = file(&room, &irene, (Method::GET, "export"), String::new()).await;
    assert_eq!(after, before);
    let forged = before.replace("\"sealed\":\"01", "\"sealed\":\"02");
    sqlx::raw_sql(forget).execute(&room.db.pool).await.unwrap();
    let (status, refused) = file(&room, &irene, (Method::POST, "import"), forged).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    assert!(refused.contains("sealed"), "{refused}");

    let actor = Actor::service();
    let by = Acting { ids: &room.app.ids, now: room.app.clock.now(), actor: &actor };
    let mut conn = room.app.db.web.acquire().await.unwrap();
    assert_eq!(settle(&mut conn, by, &room.app.keys.vault).await.unwrap(), 2, "an agreement and a person of a body");
    assert_eq!(settle(&mut conn, by, &room.app.keys.vault).await.unwrap(), 0, "once");
    drop(conn);
    let maria = found(&room, &irene, CPF).await;
    let whole = reg(&room, &irene, Method::GET, &format!("/{}", id(&maria[0])), Value::Null).await.1;
    assert_eq!(whole["instruments"][0]["id"], json!(agreement), "{whole}");
    assert_eq!(found(&room, &irene, "Rui").await.len(), 1);
}
