//! A convênio that is lost by its suspensive clause, one that is worked to its end, and open data that are read twice.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{GRANTOR, House, plan};

async fn signed(house: &House, day: &str, clause_on: Option<&str>) -> String {
    let opening = json!({ "kind": "convenio", "object": "Contenção de encosta", "grantor": { "name": "MIDR", "document": GRANTOR },
        "proposals_until": "2026-12-31" });
    let id = house.opened(opening).await;
    house.done(&id, json!({ "act": "propose", "on": day, "text": "Proposta 0123" })).await;
    let plan = plan("2026-03-02", "2027-03-01", &[("2026-03-02", 90_000_000)]);
    house
        .done(
            &id,
            json!({ "act": "write_plan", "agreed": 90_000_000, "counterpart": 10_000_000, "starts_on": "2026-03-02",
        "ends_on": "2027-03-01", "plan": plan }),
        )
        .await;
    let clause = if clause_on.is_some() { "Projeto executivo aprovado" } else { "" };
    house.done(&id, json!({ "act": "sign", "on": day, "clause": clause, "clause_on": clause_on })).await;
    house.done(&id, json!({ "act": "publish", "on": day, "place": "DOU" })).await;
    id
}

fn money(act: &str, centavos: i64, on: &str) -> Value {
    json!({ "act": act, "centavos": centavos, "on": on, "what": "Lançamento" })
}

#[tokio::test]
async fn a_convenio_is_lost_by_its_suspensive_clause_and_what_came_is_returned_in_thirty_days() {
    let mut house = House::open(Role::Funding, "funding", "2026-03-02").await;
    let id = signed(&house, "2026-03-02", Some("2026-09-30")).await;
    let shown = house.show(&id).await;
    assert_eq!((&shown["state"], &shown["document"]["regime"]["simplified"]), (&json!("suspended"), &json!(true)));
    house.done(&id, money("commit", 90_000_000, "2026-03-02")).await;
    house.refused(&id, money("release", 1, "2026-03-02"), &["suspensive clause"]).await;
    assert_eq!(house.ask(Method::GET, "/risks", &Value::Null).await.1, json!([]));
    house.on("2026-08-20").await;
    let (_, risks) = house.ask(Method::GET, "/risks", &Value::Null).await;
    assert_eq!(risks[0]["risks"][0]["why"], "clause_near");
    house.on("2026-10-01").await;
    let (_, risks) = house.ask(Method::GET, "/risks", &Value::Null).await;
    assert_eq!(risks[0]["risks"][0]["why"], "clause_missed");
    house
        .refused(
            &id,
            json!({ "act": "meet_clause", "on": "2026-09-30", "evidence": "Ofício" }),
            &["2026-09-30", "extinguished"],
        )
        .await;
    house.done(&id, json!({ "act": "extinguish", "reason": "Projeto não foi entregue" })).await;
    house.done(&id, json!({ "act": "close", "reason": "Nada a devolver" })).await;
    let other = signed(&house, "2026-10-01", None).await;
    house.done(&other, money("commit", 90_000_000, "2026-10-01")).await;
    house.done(&other, money("release", 500_000, "2026-10-01")).await;
    house.done(&other, json!({ "act": "extinguish", "reason": "Denúncia" })).await;
    assert_eq!(house.deadline(&other, "funding.refund").await.0, "2026-10-31");
    house.refused(&other, json!({ "act": "close", "reason": "Fim" }), &["R$ 5.000,00 have to be returned"]).await;
    house.on("2026-11-01").await;
    let (_, risks) = house.ask(Method::GET, "/risks", &Value::Null).await;
    assert_eq!(risks[0]["risks"][0]["why"], "refund_overdue");
    house.done(&other, money("return", 500_000, "2026-11-01")).await;
    assert_eq!(house.deadline(&other, "funding.refund").await.1, "met");
    house.done(&other, json!({ "act": "close", "reason": "Devolvido" })).await;
}

#[tokio::test]
async fn a_convenio_is_worked_to_approved_accounts_and_stalls_when_nobody_measures() {
    let mut house = House::open(Role::Funding, "funding", "2026-03-02").await;
    let id = signed(&house, "2026-03-02", Some("2026-06-01")).await;
    house.on("2026-05-29").await;
    house.done(&id, json!({ "act": "meet_clause", "on": "2026-05-29", "evidence": "Laudo aprovado" })).await;
    house.done(&id, json!({ "act": "tender", "text": "Concorrência 3/2026" })).await;
    house.done(&id, json!({ "act": "begin", "text": "Ordem de serviço 1" })).await;
    house.done(&id, money("commit", 90_000_000, "2026-05-29")).await;
    house.done(&id, money("release", 90_000_000, "2026-05-29")).await;
    house.done(&id, money("pay_counterpart", 10_000_000, "2026-05-29")).await;
    let (status, told) = house.act(&id, money("pay_counterpart", 1, "2026-05-29")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    house.done(&id, json!({ "act": "measure", "on": "2026-05-29", "centavos": 40_000_000, "text": "Medição 1" })).await;
    assert_eq!(house.deadline(&id, "funding.stalled").await.0, "2026-11-25");
    house.on("2026-11-26").await;
    let (_, risks) = house.ask(Method::GET, "/risks", &Value::Null).await;
    assert_eq!(risks[0]["risks"][0]["why"], "stalled");
    let over = json!({ "act": "measure", "on": "2026-11-26", "centavos": 60_000_001, "text": "Medição 2" });
    house.refused(&id, over, &["above the whole"]).await;
    house.done(&id, json!({ "act": "measure", "on": "2026-11-26", "centavos": 60_000_000, "text": "Medição 2" })).await;
    house.done(&id, money("spend", 99_000_000, "2026-11-26")).await;
    house.on("2027-03-02").await;
    house.done(&id, json!({ "act": "end" })).await;
    // Sixty days after 1 March 2027 is 30 April, a Friday.
    assert_eq!(house.deadline(&id, "funding.accounts").await.0, "2027-04-30");
    house.refused(&id, json!({ "act": "account", "text": "Contas" }), &["R$ 10.000,00"]).await;
    house.done(&id, money("return", 1_000_000, "2027-03-02")).await;
    house.done(&id, json!({ "act": "account", "text": "Contas" })).await;
    let done = house.done(&id, json!({ "act": "approve", "reason": "Parecer 9" })).await;
    assert_eq!((&done["state"], &done["totals"]["balance"]), (&json!("approved"), &json!(0)));
}

#[tokio::test]
async fn a_convenio_goes_on_under_the_norm_of_its_signing() {
    for (day, norm) in [("2023-08-31", "424/2016"), ("2023-09-01", "33/2023")] {
        let mut house = House::open(Role::Funding, "funding", day).await;
        let id = signed(&house, day, None).await;
        house.on("2026-05-29").await;
        house.done(&id, json!({ "act": "tender", "text": "Concorrência 3/2026" })).await;
        house.done(&id, json!({ "act": "begin", "text": "Ordem de serviço 1" })).await;
        let shown = house.show(&id).await;
        let all = shown["deadlines"].as_array().unwrap();
        let mut codes: Vec<&str> = all.iter().map(|one| one["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["funding.accounts", "funding.stalled"], "both begin years after the signing");
        for one in all {
            assert!(one["law_ref"].as_str().unwrap().contains(norm), "{day}: {one}");
            assert_eq!(one["governed_on"], day, "{one}");
            assert_eq!(one["trace"][1], json!({ "step": "norm", "day": day }), "{one}");
        }
        house.refused(&id, money("commit", 90_000_001, "2026-05-29"), &[norm]).await;
        // What comes in elsewhere is governed by the same day.
        let (status, file) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
        assert_eq!(status, StatusCode::OK, "{file}");
        let elsewhere = House::open(Role::Funding, "funding", "2026-05-30").await;
        let (status, told) = elsewhere.raw(&elsewhere.person.token, Method::POST, "/import", file).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        let shown = elsewhere.show(&id).await;
        let all = shown["deadlines"].as_array().unwrap();
        assert_eq!(all.len(), 2, "{shown}");
        assert!(all.iter().all(|one| one["law_ref"].as_str().unwrap().contains(norm)), "{shown}");
    }
}

const HEAD: &str = "COD_MUNIC_IBGE;NR_CONVENIO;OBJETO_PROPOSTA;MODALIDADE;DESC_ORGAO_SUP;SIT_CONVENIO;DIA_ASSIN_CONV;DIA_PUBL_CONV;\
    DIA_INIC_VIGENC_CONV;DIA_FIM_VIGENC_CONV;DATA_SUSPENSIVA;DATA_RETIRADA_SUSPENSIVA;VL_REPASSE_CONV;VL_CONTRAPARTIDA_CONV;\
    VL_EMPENHADO_CONV;VL_DESEMBOLSADO_CONV\n";

#[tokio::test]
async fn the_federal_file_is_read_twice_without_a_change_and_bad_rows_are_told() {
    let house = House::open(Role::Funding, "funding", "2026-03-02").await;
    let town = house.room.app.config.municipality.ibge_code.clone();
    let row = |number: &str, released: &str| {
        format!(
            "{town};{number};Ponte;CONVENIO;MIDR;Em execução;10/01/2026;15/01/2026;10/01/2026;09/01/2028;;;1000000,00;50000,00;1000000,00;{released}\n"
        )
    };
    let import = async |text: String| {
        let (status, told) = house.raw(&house.person.token, Method::POST, "/import-federal", text).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        serde_json::from_str::<Value>(&told).unwrap()
    };
    let first = format!("{HEAD}{}{}", row("900001", "250000,00"), row("900002", "muito"));
    let told = import(first.clone()).await;
    assert_eq!((&told["created"], &told["unchanged"]), (&json!(1), &json!(0)), "{told}");
    assert_eq!(told["faults"][0]["field"], "line 3, VL_DESEMBOLSADO_CONV");
    let told = import(first).await;
    assert_eq!((&told["created"], &told["updated"], &told["unchanged"]), (&json!(0), &json!(0), &json!(1)), "{told}");
    let told = import(format!("{HEAD}{}", row("900001", "300000,00"))).await;
    assert_eq!(told["updated"], 1, "{told}");
    let told = import(format!("{HEAD}{}", row("900001", "200000,00"))).await;
    assert!(told["faults"][0]["field"].as_str().unwrap().contains("VL_DESEMBOLSADO_CONV"), "what fell is told: {told}");
    let listed = house.ask(Method::GET, "?q=ponte", &Value::Null).await.1;
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(house.show(id).await["totals"]["released"], 30_000_000);
}
