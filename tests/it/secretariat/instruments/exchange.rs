//! What is taken out reads back byte for byte, in a town that had nothing.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::json;

use super::{House, PARTNER, plan};

#[tokio::test]
async fn an_export_reads_back_byte_for_byte_and_the_series_goes_on_after_it() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let start = async |house: &House| {
        let id = house.opened(json!({ "kind": "fomento", "object": "Oficinas" })).await;
        house
            .done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" }))
            .await;
        house
            .done(
                &id,
                json!({ "act": "select", "partner": { "name": "Casa", "document": PARTNER }, "reason": "Única" }),
            )
            .await;
        let plan = plan("2026-01-14", "2026-12-31", &[("2026-01-14", 1000)]);
        house.done(&id, json!({ "act": "write_plan", "agreed": 1000, "starts_on": "2026-01-14", "ends_on": "2026-12-31", "plan": plan })).await;
        house.done(&id, json!({ "act": "appoint", "manager": "Rui", "commission": ["Ana"] })).await;
        for kind in ["technical", "legal"] {
            house.done(&id, json!({ "act": "opine", "kind": kind, "favourable": true, "text": "Sim" })).await;
        }
        house.done(&id, json!({ "act": "sign", "on": "2026-01-14" })).await
    };
    let id = start(&house).await["id"].as_str().unwrap().to_owned();
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    for act in ["commit", "release"] {
        house.done(&id, json!({ "act": act, "centavos": 1000, "on": "2026-01-14", "what": "Parcela" })).await;
    }
    house.done(&id, json!({ "act": "reverse", "seq": 2, "on": "2026-01-14", "reason": "Conta errada" })).await;
    let (status, text) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    assert_eq!((status, text.lines().count()), (StatusCode::OK, 1));

    let other = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let import = async |text: &str| other.raw(&other.person.token, Method::POST, "/import", text.to_owned()).await;
    let (status, told) = import(&text).await;
    assert_eq!((status, told.contains("\"created\":1")), (StatusCode::OK, true), "{told}");
    let (_, again) = other.raw(&other.person.token, Method::GET, "/export", String::new()).await;
    assert_eq!(again, text);
    assert!(import(&text).await.1.contains("\"unchanged\":1"));
    let (status, told) = import(&text.replace("Oficinas", "Outra coisa")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert_eq!(other.public().await[0]["released_centavos"], 0);
    assert_eq!(start(&other).await["number"], "2026/002");
    for table in ["instrument_act", "instrument_money"] {
        let rewritten =
            sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table}"))).execute(&other.room.db.pool).await;
        assert!(rewritten.is_err(), "{table} is only added to");
    }
}
