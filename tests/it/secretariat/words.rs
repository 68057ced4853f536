//! Why something is not done, in the reader's language on the page; the API keeps its English sentence, with a code.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{act, determination, done, open};
use crate::approval::{Person, Room};
use crate::damage::ask;

/// Sends a form as somebody who reads this language.
async fn post(room: &Room, person: &Person, (path, lang): (&str, &str), form: &str) -> (StatusCode, String) {
    let request = Request::post(format!("{path}?lang={lang}"))
        .header("cookie", &person.cookie)
        .header("csrf", &person.csrf)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    room.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_guard_a_state_and_a_role_are_told_in_the_readers_language_and_with_a_code() {
    let room = Room::open(&[]).await;
    let (carla, paula) = (room.person("carla", Role::Coordination).await, room.person("paula", Role::Press).await);
    let new = "/secretaria/painel/articulacao-interna/novo/coordination.determination";
    let past = "title=Bueiros&f.text=Limpar&f.due_on=2020-01-01";
    let (status, pt) = post(&room, &carla, (new, "pt-BR"), past).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(pt.contains("que já passou") && pt.contains("01/01/2020") && !pt.contains("which is over"), "{pt}");
    let (_, en) = post(&room, &carla, (new, "en"), past).await;
    assert!(en.contains("which is over: today is 22 Feb 2026"), "{en}");
    let (status, wrong) = post(&room, &carla, (new, "pt-BR"), "title=Bueiros&f.text=Limpar&f.due_on=amanha").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.contains("Dia marcado") && wrong.contains("Escreva um dia") && !wrong.contains("expected"),
        "{wrong}"
    );

    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}", case["id"].as_str().unwrap());
    let finish = format!("{link}/atos/finish");
    let (_, pt) = post(&room, &carla, (&finish, "pt-BR"), "revision=1&f.evidence=Feito").await;
    assert!(pt.contains("Aberta") && pt.contains("Registrar o aceite") && !pt.contains("there is no act"), "{pt}");
    let (_, pt) = post(&room, &paula, (&format!("{link}/atos/release"), "pt-BR"), "revision=1&reason=Basta").await;
    assert!(pt.contains("Dispensar") && pt.contains("Articulação interna") && !pt.contains("needs one of"), "{pt}");

    let (status, refused) = act(&room, &carla, "coordination", &case, ("finish", json!({}))).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("case-illegal")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().starts_with("there is no act"), "{refused}");
    let (status, refused) = act(&room, &paula, "coordination", &case, ("release", json!({ "reason": "Basta" }))).await;
    assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("case-role")), "{refused}");
    done(&room, &carla, "coordination", &case, ("accept", json!({}))).await;
    let missing = ask(&room, &carla, Method::GET, "secretariat/coordination/cases/none", Value::Null).await.1;
    assert!(missing.get("code").is_none(), "what has no code says none: {missing}");
}

#[tokio::test]
async fn a_body_says_in_portuguese_what_is_wrong_with_a_form() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Committees).await;
    let form = "kind=council&slug=compdec&name=Conselho+de+Defesa+Civil&act_kind=law&act_number=1&act_on=2025-12-01&purpose=Aconselhar\
        &law_ref=&contact=&term_from=2026-01-01&term_until=&quorum_open=%3E1%2F2&quorum_decide=%3E1%2F2&majority=simple&qualified=\
        &casting_vote=yes&public=yes&second_after=30&second_quorum=1%2F3&most_reappointments=1";
    let list = ("/secretaria/painel/comites", "pt-BR");
    assert_eq!(post(&room, &carla, list, form).await.0, StatusCode::SEE_OTHER);
    let (status, page) = post(&room, &carla, list, form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("Já há um colegiado com o endereço compdec") && !page.contains("there is a body"), "{page}");
}

#[tokio::test]
async fn an_instrument_and_a_budget_name_their_fields_and_say_why_in_portuguese_with_a_code_in_the_api() {
    let room = Room::open(&[]).await;
    let (irene, bia) = (room.person("irene", Role::Agreements).await, room.person("bia", Role::Budget).await);
    let list = ("/secretaria/painel/parcerias", "pt-BR");
    let (status, page) = post(&room, &irene, list, "kind=fomento&object=").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("<li>Objeto: ") && !page.contains("expected something"), "{page}");
    assert!(page.contains(r#"name="object" aria-invalid="true" aria-describedby="help-open-object""#), "{page}");
    assert!(page.contains(r#"id="help-open-object""#), "{page}");
    let new = json!({ "kind": "fomento", "object": "Oficinas" });
    let made = ask(&room, &irene, Method::POST, "secretariat/agreements", new).await.1;
    let acts = format!("secretariat/agreements/{}/acts", made["id"].as_str().unwrap());
    let (status, refused) = ask(&room, &irene, Method::POST, &acts, json!({ "act": { "act": "begin" } })).await;
    let code = "the-act-x-does-not-fit-the-state-x-it-allows-x";
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!(code)), "{refused}");

    let budget = ("/secretaria/painel/orcamento", "pt-BR");
    let (status, page) = post(&room, &bia, budget, "kind=ldo&year=1990").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(
        page.contains("<li>Ano") && page.contains("O ano vai de 2000 a 2097") && !page.contains("expected a year"),
        "{page}"
    );
    assert!(page.contains(r#"name="year" aria-invalid="true" aria-describedby="wrong""#), "{page}");
    assert!(page.contains(r#"role="alert" id="wrong""#), "{page}");
}
