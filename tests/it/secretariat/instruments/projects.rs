//! A project's standing follows its milestones and the days.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{House, planned};
use crate::damage::ask;

async fn standing(house: &House, id: &str) -> Value {
    house.ask(Method::GET, &format!("/{id}/standing"), &Value::Null).await.1["standing"]["word"].clone()
}

#[tokio::test]
async fn a_project_goes_from_on_time_over_late_to_done_and_nobody_types_it() {
    let mut house = House::open(Role::StrategicProjects, "strategic-projects", "2026-12-01").await;
    planned(&house.room, ("0012", "2045")).await;
    let base = json!({ "title": "Cidade resiliente", "objective": "Menos risco", "owner": "Rui" });
    let with = |kind: &str, portfolio: Value| {
        let mut opening = base.clone();
        (opening["kind"], opening["portfolio"]) = (json!(kind), portfolio);
        opening
    };
    let portfolio = house.opened(with("portfolio", Value::Null)).await;
    let id = house.opened(with("project", json!(portfolio))).await;
    assert_eq!(house.show(&id).await["number"], "2026/001");
    assert_eq!(standing(&house, &id).await, "unknown");
    house.done(&id, json!({ "act": "add_milestone", "title": "Licitação", "planned_on": "2026-12-30" })).await;
    house.done(&id, json!({ "act": "set_budget", "budget_key": "0012.2045", "budget": 1000 })).await;
    assert_eq!(standing(&house, &id).await, "on_time");
    house.done(&id, json!({ "act": "add_risk", "title": "Embargo", "probability": 3, "impact": 5, "response": "mitigate", "plan": "Licença", "owner": "Ana" })).await;
    assert_eq!(standing(&house, &id).await, "at_risk");
    house.done(&id, json!({ "act": "close_risk", "risk": 1, "reason": "Licença emitida" })).await;
    house.on("2027-01-04").await;
    assert_eq!(standing(&house, &id).await, "late", "over the turn of the year, and nobody did anything");
    let (status, told) =
        house.act(&id, json!({ "act": "replan", "milestone": 1, "planned_on": "2027-03-01", "reason": " " })).await;
    assert_eq!((status, told["errors"][0]["field"].as_str()), (StatusCode::BAD_REQUEST, Some("reason")), "{told}");
    house
        .done(
            &id,
            json!({ "act": "replan", "milestone": 1, "planned_on": "2027-03-01", "reason": "Recurso administrativo" }),
        )
        .await;
    assert_eq!(standing(&house, &id).await, "on_time");
    house.refused(&id, json!({ "act": "close", "reason": "Fim" }), &["Licitação", "not done"]).await;
    house.done(&id, json!({ "act": "finish", "milestone": 1, "on": "2027-01-04", "evidence": "Contrato 5" })).await;
    assert_eq!(standing(&house, &id).await, "done");
    house.done(&id, json!({ "act": "close", "reason": "Entregue" })).await;
    let page = house.room.page(&house.person, &format!("/secretaria/painel/projetos/{id}")).await;
    assert!(page.contains("Recurso administrativo") && page.contains("30 Dec 2026"), "{page}");
    let listed = house.public().await;
    assert!(listed.iter().any(|item| item["id"] == json!(id) && item["milestones"][0]["replanned"] == 1), "{listed:?}");
}

#[tokio::test]
async fn a_project_points_to_an_action_a_portfolio_and_instruments_that_are_there_and_is_not_finished_without_a_milestone()
 {
    let house = House::open(Role::StrategicProjects, "strategic-projects", "2026-12-01").await;
    let project = json!({ "kind": "project", "title": "Encostas", "objective": "Menos risco", "owner": "Rui" });
    let id = house.opened(project.clone()).await;
    let wrong = async |act: Value, field: &str| {
        let (status, told) = house.act(&id, act).await;
        assert_eq!((status, &told["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!(field)), "{told}");
    };
    let budget = |key: &str| json!({ "act": "set_budget", "budget_key": key, "budget": 1000 });
    wrong(budget("encostas"), "budget_key").await;
    wrong(budget("0012.2045"), "budget_key").await;
    planned(&house.room, ("0012", "2045")).await;
    wrong(budget("0012.2046"), "budget_key").await;
    wrong(budget("0013.2045"), "budget_key").await;
    house.done(&id, budget("0012.2045")).await;

    let link = |instrument: &str| json!({ "act": "link", "instrument": instrument });
    wrong(link("019b3a00-0000-7000-8000-000000000000"), "instrument").await;
    wrong(link(&id), "instrument").await;
    let irene = house.room.person("irma", Role::Agreements).await;
    let new = json!({ "kind": "fomento", "object": "Oficinas" });
    let made = ask(&house.room, &irene, Method::POST, "secretariat/agreements", new).await.1;
    house.done(&id, link(made["id"].as_str().unwrap())).await;

    let mut lost = project;
    lost["portfolio"] = json!(id);
    let (status, told) = house.ask(Method::POST, "", &lost).await;
    assert_eq!((status, &told["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("portfolio")), "{told}");

    house.refused(&id, json!({ "act": "close", "reason": "Fim" }), &["without milestones", "Planejamento"]).await;
    let path = format!("/secretaria/painel/projetos/{id}?lang=pt-BR");
    let (status, page) = close(&house, &path).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("Projeto sem marcos não se encerra"), "{page}");
    house.done(&id, json!({ "act": "stop", "reason": "Sem recursos" })).await;
}

/// Closes one on its page in Portuguese.
async fn close(house: &House, path: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header("cookie", &house.person.cookie)
        .header("csrf", &house.person.csrf)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    house.room.send(request.body(Body::from("act=close&reason=Fim&sure=yes")).unwrap()).await
}
