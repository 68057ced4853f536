//! A project's standing follows its milestones and the days.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::House;

async fn standing(house: &House, id: &str) -> Value {
    house.ask(Method::GET, &format!("/{id}/standing"), &Value::Null).await.1["standing"]["word"].clone()
}

#[tokio::test]
async fn a_project_goes_from_on_time_over_late_to_done_and_nobody_types_it() {
    let mut house = House::open(Role::StrategicProjects, "strategic-projects", "2026-12-01").await;
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
