//! The mayor's view beyond cases: what awaits a signature, and what ran out with where it stands.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::instruments::{GRANTOR, House, PARTNER, plan};
use crate::damage::ask;

async fn view(house: &House) -> Value {
    let (status, view) = ask(&house.room, &house.person, Method::GET, "secretariat/mayor", Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    view
}

#[tokio::test]
async fn an_agreement_waits_for_its_signature_after_both_opinions_and_is_told_late_with_its_law() {
    let mut house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "fomento", "object": "Formação de núcleos" })).await;
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    let partner = json!({ "name": "Instituto Serra Segura", "document": PARTNER });
    house.done(&id, json!({ "act": "select", "partner": partner, "reason": "Única com experiência" })).await;
    let plan = plan("2026-02-01", "2026-06-30", &[("2026-02-01", 1_000)]);
    house.done(&id, json!({ "act": "write_plan", "agreed": 1_000, "starts_on": "2026-02-01", "ends_on": "2026-06-30", "plan": plan })).await;
    house.done(&id, json!({ "act": "appoint", "manager": "Rui Prado", "commission": ["Ana Lima", "Bia Reis"] })).await;
    house.done(&id, json!({ "act": "opine", "kind": "technical", "favourable": true, "text": "Favorável" })).await;
    assert_eq!(view(&house).await["signing"], json!([]), "one opinion is missing");
    house.done(&id, json!({ "act": "opine", "kind": "legal", "favourable": true, "text": "Favorável" })).await;
    house.on("2026-01-20").await;
    let seen = view(&house).await;
    let waits = &seen["signing"][0];
    assert_eq!((&waits["id"], &waits["act"], &waits["days"]), (&json!(id), &json!("sign"), &json!(6)), "{seen}");
    assert_eq!(waits["link"], format!("/secretaria/painel/parcerias/{id}"), "{seen}");
    let page = house.room.page(&house.person, "/secretaria/painel/prefeito").await;
    assert!(page.contains("Formação de núcleos") && page.contains("to be signed"), "{page}");
    house.done(&id, json!({ "act": "sign", "on": "2026-01-20" })).await;
    assert_eq!(view(&house).await["signing"], json!([]));

    // Its final accounts are due ninety days after its end; the days pass.
    house.done(&id, json!({ "act": "publish", "on": "2026-01-20", "place": "Diário Oficial" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    house.on("2026-07-01").await;
    house.done(&id, json!({ "act": "end" })).await;
    house.on("2026-12-01").await;
    let seen = view(&house).await;
    let all = seen["elsewhere"].as_array().unwrap();
    let late = all.iter().find(|one| one["code"] == "agreements.accounts").unwrap_or_else(|| panic!("{seen}"));
    assert_eq!((&late["module"], &late["state"]), (&json!("agreements"), &json!("accounts_due")), "{seen}");
    assert_eq!(late["waits_for"], Value::Null, "not for the mayor");
    assert!(late["law_ref"].as_str().unwrap().contains("art. 69"), "{late}");
}

#[tokio::test]
async fn funding_waits_for_its_signature_once_its_plan_is_written() {
    let house = House::open(Role::Funding, "funding", "2026-03-02").await;
    let opening = json!({ "kind": "convenio", "object": "Contenção de encosta", "grantor": { "name": "MIDR", "document": GRANTOR },
        "proposals_until": "2026-12-31" });
    let id = house.opened(opening).await;
    house.done(&id, json!({ "act": "propose", "on": "2026-03-02", "text": "Proposta 0123" })).await;
    assert_eq!(view(&house).await["signing"], json!([]));
    let plan = plan("2026-03-02", "2027-03-01", &[("2026-03-02", 90_000_000)]);
    let written = json!({ "act": "write_plan", "agreed": 90_000_000, "counterpart": 0, "starts_on": "2026-03-02",
        "ends_on": "2027-03-01", "plan": plan });
    house.done(&id, written).await;
    let seen = view(&house).await;
    let waits = &seen["signing"][0];
    assert_eq!((&waits["module"], &waits["title"]), (&json!("funding"), &json!("Contenção de encosta")), "{seen}");
    house.done(&id, json!({ "act": "sign", "on": "2026-03-02", "clause": "", "clause_on": null })).await;
    assert_eq!(view(&house).await["signing"], json!([]));
}
