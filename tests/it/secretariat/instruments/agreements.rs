//! A fomento from its call to regular accounts, and every reason for which money does not go out.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{House, PARTNER, plan};

fn opening() -> Value {
    json!({ "kind": "fomento", "object": "Formação de núcleos comunitários" })
}

fn partner(document: &str) -> Value {
    json!({ "name": "Instituto Serra Segura", "document": document,
        "bank": { "bank": "001", "branch": "0024-8", "account": "778899-1" } })
}

async fn everybody_finds(house: &House, id: &str, number: &str) {
    let page = format!("/secretaria/parcerias/{id}");
    let files = ["/api/v1/secretariat/agreements/public", "/api/v1/secretariat/agreements/public.csv"];
    super::super::open_data::is_found(&house.room, ("parcerias", "agreements"), (number, &page), &files).await;
}

/// Through selection, plan, appointments and opinions.
async fn ready(house: &House, id: &str, term: (&str, &str), schedule: &[(&str, i64)]) {
    let agreed: i64 = schedule.iter().map(|(_, centavos)| centavos).sum();
    house.done(id, json!({ "act": "write_plan", "agreed": agreed, "starts_on": term.0, "ends_on": term.1, "plan": plan(term.0, term.1, schedule) })).await;
    house.done(id, json!({ "act": "appoint", "manager": "Rui Prado", "commission": ["Ana Lima", "Bia Reis"] })).await;
    for kind in ["technical", "legal"] {
        house.done(id, json!({ "act": "opine", "kind": kind, "favourable": true, "text": "Favorável" })).await;
    }
}

/// One that runs from its publication on, waived and all signed on one day.
async fn running(house: &House, day: &str, term: (&str, &str), schedule: &[(&str, i64)]) -> String {
    let id = house.opened(opening()).await;
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    house.done(&id, json!({ "act": "select", "partner": partner(PARTNER), "reason": "Única com experiência" })).await;
    ready(house, &id, term, schedule).await;
    house.done(&id, json!({ "act": "sign", "on": day })).await;
    house.done(&id, json!({ "act": "publish", "on": day, "place": "Diário Oficial" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    let agreed: i64 = schedule.iter().map(|(_, centavos)| centavos).sum();
    house.done(&id, json!({ "act": "commit", "centavos": agreed, "on": day, "what": "Empenho 12" })).await;
    id
}

#[tokio::test]
async fn a_fomento_goes_from_its_call_to_regular_accounts_over_christmas_the_turn_of_the_year_and_carnival() {
    let mut house = House::open(Role::Agreements, "agreements", "2025-11-25").await;
    let id = house.opened(opening()).await;
    house.done(&id, json!({ "act": "open_call", "on": "2025-11-25", "closes_on": "2026-01-05", "place": "Portal do Município" })).await;
    assert_eq!(house.deadline(&id, "agreements.call").await.0, "2025-12-26", "the thirtieth day is Christmas");
    let select = json!({ "act": "select", "partner": partner(PARTNER), "reason": "Maior nota" });
    house.on("2025-12-26").await;
    house.refused(&id, select.clone(), &["30 days", "art. 26"]).await;
    house.on("2026-01-05").await;
    house.refused(&id, select.clone(), &["the call is open until 2026-01-05"]).await;
    house.on("2026-01-06").await;
    house.done(&id, select).await;
    house.refused(&id, json!({ "act": "sign", "on": "2026-01-06" }), &["selection", "write_plan"]).await;
    ready(&house, &id, ("2026-01-15", "2026-11-10"), &[("2026-01-15", 500_000), ("2026-06-15", 300_000)]).await;
    house.on("2026-01-13").await;
    let signed = house.done(&id, json!({ "act": "sign", "on": "2026-01-13" })).await;
    assert_eq!(signed["number"], "2026/001", "numbered by the year of the town");
    house.on("2026-01-14").await;
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário Oficial" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    house.done(&id, json!({ "act": "commit", "centavos": 800_000, "on": "2026-01-14", "what": "Empenho 12" })).await;
    assert_eq!(
        house.deadline(&id, "agreements.accounts").await.0,
        "2027-02-10",
        "the ninetieth day is the Monday of carnival"
    );
    house.on("2026-01-20").await;
    house.done(&id, json!({ "act": "release", "centavos": 500_000, "on": "2026-01-20", "what": "Parcela 1" })).await;
    house.on("2026-06-15").await;
    house.done(&id, json!({ "act": "release", "centavos": 300_000, "on": "2026-06-15", "what": "Parcela 2" })).await;
    house.refused(&id, json!({ "act": "end" }), &["until 2026-11-10"]).await;
    house.on("2026-11-11").await;
    house.done(&id, json!({ "act": "end" })).await;
    house
        .refused(
            &id,
            json!({ "act": "amend", "on": "2026-11-11", "reason": "Mais prazo", "ends_on": "2027-01-01" }),
            &["after its end", "arts. 55"],
        )
        .await;
    house.on("2027-02-10").await;
    let extend = json!({ "act": "extend", "deadline": "accounts", "reason": "Faltam notas fiscais" });
    house.done(&id, extend.clone()).await;
    assert_eq!(house.deadline(&id, "agreements.accounts").await.0, "2027-03-10");
    house.refused(&id, extend, &["1 extensions"]).await;
    house.on("2027-03-10").await;
    house.done(&id, json!({ "act": "account", "centavos": 780_000, "text": "Relatório de execução" })).await;
    assert_eq!(house.deadline(&id, "agreements.review").await.0, "2027-08-09", "the last day is a Saturday");
    house.done(&id, json!({ "act": "review" })).await;
    house.on("2027-04-05").await;
    house.done(&id, json!({ "act": "ask_cure", "reason": "Devolver o saldo" })).await;
    assert_eq!(house.deadline(&id, "agreements.cure").await.0, "2027-05-20");
    house.done(&id, json!({ "act": "return", "centavos": 20_000, "on": "2027-04-05", "what": "Saldo" })).await;
    house.done(&id, json!({ "act": "cure", "text": "Saldo devolvido" })).await;
    let decided = house.done(&id, json!({ "act": "decide", "outcome": "regular", "reason": "Metas cumpridas" })).await;
    assert_eq!(decided["state"], "regular");
    assert_eq!(
        decided["totals"],
        json!({ "committed": 800_000, "released": 800_000, "counterpart_due": 0, "counterpart_paid": 0,
        "spent": 780_000, "returned": 20_000, "balance": 0 })
    );
    let closed = house.done(&id, json!({ "act": "close", "reason": "Arquivado" })).await;
    assert_eq!(closed["kept_until"], "2037-04-05", "ten years");
    house.on("2027-10-02").await;
    let listed = house.public().await;
    assert_eq!(listed[0]["outcome"], "regular", "the hundred and eightieth day");
    everybody_finds(&house, &id, listed[0]["number"].as_str().unwrap()).await;
    house.on("2027-10-03").await;
    assert!(house.public().await.is_empty(), "not listed any more");
    let (_, feed) = house.room.stranger(Method::GET, "/secretaria/parcerias/feed.atom").await;
    assert!(!feed.contains(&id), "{feed}");
}

#[tokio::test]
async fn a_release_is_refused_for_each_reason_with_its_law() {
    let mut house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let release =
        |centavos: i64, on: &str| json!({ "act": "release", "centavos": centavos, "on": on, "what": "Parcela" });
    let id = house.opened(opening()).await;
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    house.done(&id, json!({ "act": "select", "partner": partner(PARTNER), "reason": "Única" })).await;
    ready(&house, &id, ("2026-02-01", "2027-12-31"), &[("2026-02-01", 600), ("2026-09-01", 400)]).await;
    house.done(&id, json!({ "act": "sign", "on": "2026-01-14" })).await;
    house.done(&id, json!({ "act": "commit", "centavos": 1000, "on": "2026-01-14", "what": "Empenho" })).await;
    house.refused(&id, release(1, "2026-01-14"), &["before the extract is published", "art. 38"]).await;
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário Oficial" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    house.refused(&id, release(1, "2026-01-14"), &["outside the term"]).await;
    house.on("2026-02-02").await;
    house.refused(&id, release(601, "2026-02-02"), &["the schedule allows R$ 6,00", "art. 48"]).await;
    house.refused(&id, release(1001, "2026-02-02"), &["above the R$ 10,00", "art. 48"]).await;
    house.done(&id, json!({ "act": "hold", "reason": "Indício de irregularidade" })).await;
    house.refused(&id, release(1, "2026-02-02"), &["held", "art. 48, I a III"]).await;
    house.done(&id, json!({ "act": "mend", "reason": "Saneado" })).await;
    house.done(&id, release(600, "2026-02-02")).await;
    assert_eq!(house.deadline(&id, "agreements.interim").await.0, "2027-03-02", "30 days after the first year");
    let other = running(&house, "2026-02-02", ("2026-02-02", "2027-12-31"), &[("2026-02-02", 100)]).await;
    house.on("2027-03-03").await;
    house.refused(&id, release(1, "2027-03-03"), &["accounts are overdue", "2027-03-02", "48 e 49"]).await;
    house.done(&id, json!({ "act": "account_interim", "centavos": 600, "text": "Ano 1" })).await;
    house.on("2027-03-05").await;
    let (_, told) = house.act(&id, release(1, "2027-03-05")).await;
    let overdue = house.deadline(&other, "agreements.interim").await;
    assert_eq!(overdue.1, "open", "the other one is overdue since {}", overdue.0);
    assert!(told["detail"].as_str().unwrap().contains("same partner are overdue, in 2026/002"), "{told}");
    house.done(&other, json!({ "act": "account_interim", "centavos": 0, "text": "Ano 1" })).await;
    house.done(&id, release(400, "2027-03-05")).await;
    assert_eq!(house.show(&id).await["totals"]["released"], 1000);
}

#[tokio::test]
async fn the_public_reads_no_bank_data_and_no_whole_cpf_and_another_module_sees_neither() {
    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "doacao_adocao", "object": "Adoção da praça" })).await;
    house.done(&id, json!({ "act": "waive", "ground": "Sem ônus", "law_ref": "Lei municipal" })).await;
    house.done(&id, json!({ "act": "select", "partner": partner("111.444.777-35"), "reason": "Vizinha" })).await;
    let plan = plan("2026-01-14", "2026-12-31", &[]);
    house.done(&id, json!({ "act": "write_plan", "agreed": 0, "starts_on": "2026-01-14", "ends_on": "2026-12-31", "plan": plan })).await;
    for kind in ["technical", "legal"] {
        house.done(&id, json!({ "act": "opine", "kind": kind, "favourable": true, "text": "Favorável" })).await;
    }
    house.done(&id, json!({ "act": "sign", "on": "2026-01-14" })).await;
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário Oficial" })).await;
    let listed = house.public().await;
    assert_eq!(listed[0]["partner_document"], "***.444.777-**");
    let page = house
        .room
        .send(axum::http::Request::get(format!("/secretaria/parcerias/{id}")).body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!(page.0, StatusCode::OK, "{}", page.1);
    let (_, csv) = house.raw("", Method::GET, "/public.csv", String::new()).await;
    let fumio = house.room.person("fumio", Role::Funding).await;
    let (status, seen) = house.raw(&fumio.token, Method::GET, &format!("/{id}"), String::new()).await;
    assert_eq!(status, StatusCode::OK, "{seen}");
    let staff_page = house.room.page(&fumio, &format!("/secretaria/painel/parcerias/{id}")).await;
    for text in [listed[0].to_string(), page.1, csv, seen, staff_page.clone()] {
        assert!(!text.contains("778899") && !text.contains("0024-8"), "{text}");
    }
    assert!(staff_page.contains("Adoção da praça"), "{staff_page}");
    let (status, told) = house
        .raw(&fumio.token, Method::POST, &format!("/{id}/acts"), json!({ "act": { "act": "begin" } }).to_string())
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(told.contains("the role agreements"), "{told}");
    house
        .refused(&id, json!({ "act": "release", "centavos": 1, "on": "2026-01-14", "what": "x" }), &["moves no money"])
        .await;
}

#[tokio::test]
async fn a_contract_has_no_effect_before_the_national_portal_and_is_worked_on_the_page() {
    let mut house = House::open(Role::Agreements, "agreements", "2026-02-11").await;
    let id = house.opened(json!({ "kind": "contrato", "object": "Desassoreamento do córrego" })).await;
    house
        .done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 14.133/2021, art. 75, VIII" }))
        .await;
    house.done(&id, json!({ "act": "select", "partner": partner(PARTNER), "reason": "Menor preço" })).await;
    ready(&house, &id, ("2026-02-12", "2026-08-12"), &[("2026-02-12", 5000)]).await;
    let path = format!("/secretaria/painel/parcerias/{id}");
    let (status, page) = house.room.post(&house.person, &path, "act=sign&on=2026-02-11").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "not ticked: {page}");
    let (status, page) = house.room.post(&house.person, &path, "act=sign&on=2026-02-11&sure=yes").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    // Carnival is on the 16th and 17th: 12, 13, 18, 19, 20, 23, 24, 25, 26, 27.
    assert_eq!(house.deadline(&id, "agreements.pncp.direct").await, ("2026-02-27".into(), "open".into()));
    house.on("2026-02-26").await;
    house.done(&id, json!({ "act": "commit", "centavos": 5000, "on": "2026-02-26", "what": "Empenho" })).await;
    house
        .refused(
            &id,
            json!({ "act": "release", "centavos": 1, "on": "2026-02-26", "what": "Medição 1" }),
            &["Lei 14.133/2021, art. 94"],
        )
        .await;
    let (status, page) =
        house.room.post(&house.person, &path, "act=publish&on=26%2F02%2F2026&place=PNCP&sure=yes").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    assert_eq!(house.deadline(&id, "agreements.pncp.direct").await.1, "met");
    let page = house.room.page(&house.person, &path).await;
    assert!(page.contains("27 Feb 2026") && page.contains("Carnaval"), "the deadline is explained: {page}");
}
