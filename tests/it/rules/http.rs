//! Rules over HTTP: the API and the pages.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::rules::State;
use serde_json::{Value, json};

use super::{Place, SLOPE, slope};

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

#[tokio::test]
async fn the_api_takes_a_rule_through_its_life_with_the_right_people() {
    let place = Place::started(&[]).await;
    let (ana, bia, caio) = (
        place.person("ana", Role::Operator).await,
        place.person("bia", Role::Approver).await,
        place.person("caio", Role::Coordinator).await,
    );
    let (status, text) =
        place.ask(Method::POST, "/api/v1/rules", &ana, &json!({"text": slope(2, 35), "note": "plano"})).await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let base = format!("/api/v1/rules/{SLOPE}/versions/2");
    let act = |what: &str| format!("{base}/{what}");
    let because = json!({"revision": 1, "reason": "plano de 2026"});
    let (status, text) = place.ask(Method::POST, &act("approve"), &bia, &because).await;
    assert_eq!(status, StatusCode::CONFLICT, "a draft is not approved: {text}");
    let (status, text) = place.ask(Method::POST, &act("check"), &ana, &json!({"revision": 1})).await;
    assert_eq!((status, read(&text)["areas"].as_i64()), (StatusCode::OK, Some(2)), "{text}");
    let (status, text) = place.ask(Method::POST, &act("preview"), &ana, &json!({"days": 2})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    assert!(sentinela::rules::worker::carry_out_next(&place.app).await.unwrap());
    let (status, text) =
        place.ask(Method::GET, &format!("/api/v1/rules/{SLOPE}/changes?from=1&to=2"), &ana, &Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let changes = read(&text);
    assert_eq!(
        (&changes[0]["from"], &changes[0]["to"], &changes[0]["of"]),
        (&json!("40 mm"), &json!("35 mm"), &json!("alert"))
    );

    let (status, _) = place.ask(Method::POST, &act("approve"), &ana, &because).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "an operator warns nobody");
    let (status, text) = place.ask(Method::POST, &act("approve"), &bia, &json!({"revision": 1, "reason": " "})).await;
    assert_eq!((status, &read(&text)["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("reason")));
    let (_, text) = place.ask(Method::POST, &act("approve"), &bia, &because).await;
    assert_eq!(read(&text), json!({"state": "back_tested", "have": 1, "needed": 2}));
    let (status, text) = place.ask(Method::POST, &act("approve"), &caio, &because).await;
    assert_eq!((status, read(&text)["state"].as_str()), (StatusCode::OK, Some("active")), "{text}");
    let (_, text) = place.ask(Method::GET, "/api/v1/rules", &ana, &Value::Null).await;
    let rules = read(&text);
    let rule = rules["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == SLOPE).unwrap();
    assert_eq!((&rule["active"], rules["gaps"].as_array().unwrap().len()), (&json!(2), 0));
}

#[tokio::test]
async fn a_text_can_be_examined_without_keeping_it() {
    let place = Place::started(&[]).await;
    let ana = place.person("ana", Role::Operator).await;
    let wrong = slope(2, 35).replace("\"25 mm\"", "\"25 kg\"");
    let (status, text) = place.ask(Method::POST, "/api/v1/rules/check", &ana, &json!({"text": wrong})).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let finding = &read(&text)["findings"][0];
    let line = wrong.lines().position(|line| line.contains("25 kg")).unwrap() + 1;
    assert_eq!((&finding["line"], &finding["is_error"]), (&json!(line), &json!(true)));
    assert_eq!(place.states().await, [(1, State::Active)]);
}

#[tokio::test]
async fn the_pages_tell_the_rule_in_words_and_the_form_turns_a_number() {
    let place = Place::started(&[]).await;
    let (ana, bia, caio) = (
        place.person("ana", Role::Coordinator).await,
        place.person("bia", Role::Approver).await,
        place.person("caio", Role::Approver).await,
    );
    let (status, page) = place.ask(Method::GET, "/console/rules", &ana, &json!("")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("Chuva em encosta") && page.contains("versão 1"), "{page}");
    let (_, page) = place.ask(Method::GET, &format!("/console/rules/{SLOPE}"), &ana, &json!("")).await;
    assert!(page.contains("soma de 1 h, a partir de 40 mm; volta abaixo de 20 mm"), "{page}");

    let (status, _) = place
        .ask(Method::POST, &format!("/console/rules/{SLOPE}/1/prepare"), &ana, &json!("act=redraft&revision=1"))
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let edit = format!("/console/rules/{SLOPE}/2/edit");
    let (_, page) = place.ask(Method::GET, &edit, &ana, &json!("")).await;
    assert!(page.contains("name=\"levels.1.any.0.at_least\" value=\"40\""), "{page}");
    let (status, page) =
        place.ask(Method::POST, &edit, &ana, &json!("revision=1&note=x&levels.1.any.0.at_least=muito")).await;
    assert!(
        status == StatusCode::OK && page.contains("Escreva um número") && page.contains("value=\"muito\""),
        "{page}"
    );
    let turned = json!("revision=1&note=menos&levels.1.any.0.at_least=35%2C5");
    let (_, look) = place.ask(Method::POST, &format!("/console/rules/{SLOPE}/2/look"), &ana, &turned).await;
    assert!(look.contains("ALERTA: soma de 1 h de 40 mm para 35,5 mm"), "{look}");
    let (status, page) = place.ask(Method::POST, &edit, &ana, &turned).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    assert!(place.version(2).await.text.contains("\"35.5 mm\""));

    let prepare = |act: &str| json!(format!("act={act}&revision=2&days=2"));
    let path = format!("/console/rules/{SLOPE}/2/prepare");
    for act in ["check", "preview"] {
        let (status, page) = place.ask(Method::POST, &path, &ana, &prepare(act)).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{act}: {page}");
    }
    sentinela::rules::worker::carry_out_next(&place.app).await.unwrap();
    let (_, page) = place.ask(Method::GET, &format!("/console/rules/{SLOPE}?version=2"), &bia, &json!("")).await;
    assert!(page.contains("ALERTA: soma de 1 h de 40 mm para 35,5 mm") && page.contains("Juiz de Fora"), "{page}");
    assert!(page.contains("<svg class=\"bands\""), "{page}");
    let decide = format!("/console/rules/{SLOPE}/2/decide");
    let (status, page) = place.ask(Method::POST, &decide, &bia, &json!("act=approve&revision=2&reason=plano")).await;
    assert!(status == StatusCode::OK && page.contains("Marque que você leu"), "{page}");
    let sure = json!("act=approve&revision=2&reason=plano&sure=yes");
    for person in [&bia, &caio] {
        let (status, page) = place.ask(Method::POST, &decide, person, &sure).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    }
    assert_eq!(place.states().await, [(2, State::Active), (1, State::Retired)]);
}

#[tokio::test]
async fn a_page_of_a_version_that_is_not_there_says_so() {
    let place = Place::started(&[]).await;
    let ana = place.person("ana", Role::Coordinator).await;
    for path in [
        "/console/rules/nada",
        "/console/rules/encosta-teste?version=99",
        "/console/rules/%00",
        "/console/rules/encosta-teste/9/edit",
    ] {
        let (status, _) = place.ask(Method::GET, path, &ana, &json!("")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}
