//! From the PPA to the LOA that is law, an extraordinary credit for a calamity and the execution, over two turns of the year; and what is
//! refused on the way.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::audit::Actor;
use sentinela::deadlines::desk::{self as deadlines, NewHoliday};
use sentinela::deadlines::{DeadlineRule, HolidayKind};
use sentinela::secretariat::budget::life::Life;
use sentinela::secretariat::budget::plans::{Content, LoaHead};
use sentinela::secretariat::budget::store::{self, Bill};
use sentinela::secretariat::budget::{BillKind, days};
use serde_json::{Value, json};

use super::chained::found_in;
use super::paper::asked_again;
use crate::approval::{Person, Room};
use crate::damage::raw;

const CIVIL: &str = "02.04.06.182.0012.2041.3.3.90.30.1500";
const STAFF: &str = "02.04.06.182.0012.2041.3.1.90.11.1500";
const RESERVE: &str = "02.04.99.999.9999.9001.9.9.99.99.99.1500";

struct Town {
    room: Room,
}

impl Town {
    async fn open() -> Self {
        let room = Room::open(&[]).await;
        room.person("bia", Role::Budget).await;
        let town = Self { room };
        town.at("2025-08-01").await;
        let node = |code: &str, name: &str| json!({"code": code, "name": name, "valid_from": "2020-01-01"});
        let units = json!([node("02", "Prefeitura"), node("02.04", "Defesa Civil")]);
        town.good(Method::POST, "codes/unit", units).await;
        town.good(Method::POST, "codes/source", json!([node("1500", "Livres")])).await;
        town
    }

    /// Noon of a day in the town; sessions and tokens are made anew, for months pass between acts.
    async fn at(&self, day: &str) {
        let now: sentinela::clock::Instant = format!("{day}T15:00:00Z").parse().unwrap();
        self.room.app.clock.set(now);
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let token = self.room.token("bia", &format!("t{}", self.room.app.ids.uuid(self.room.app.clock.now()))).await;
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/secretariat/budget/{path}"))
            .header(header::AUTHORIZATION, token)
            .header(header::CONTENT_TYPE, if body.is_string() { "text/csv" } else { "application/json" });
        let body = match body {
            Value::Null => Body::empty(),
            Value::String(text) => Body::from(text),
            other => Body::from(other.to_string()),
        };
        let (status, bytes) = raw(&self.room, request.body(body).unwrap()).await;
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn good(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    async fn refused(&self, method: Method, path: &str, body: Value) -> String {
        let (status, answer) = self.ask(method, path, body).await;
        assert!(status.is_client_error(), "{path}: {status} {answer}");
        answer.to_string()
    }

    async fn bill(&self, kind: &str, year: i32) -> String {
        let made = self.good(Method::POST, "bills", json!({"kind": kind, "year": year})).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn step(&self, id: &str, step: Value) {
        self.good(Method::POST, &format!("bills/{id}/steps"), step).await;
    }

    async fn to_council(&self, id: &str, day: &str) {
        self.step(id, json!({"act": "consolidate"})).await;
        let early = self.refused(Method::POST, &format!("bills/{id}/steps"), submit(day)).await;
        assert!(early.contains("LRF art. 48"), "{early}");
        let hearing = json!({"on": day, "place": "Câmara Municipal", "minutes": "Ata 3"});
        self.step(id, json!({"act": "hear", "hearing": hearing})).await;
        self.step(id, submit(day)).await;
    }

    async fn enact(&self, id: &str, day: &str) {
        self.step(id, json!({"act": "enact", "law": {"number": "Lei 15.001", "on": day}})).await;
    }

    async fn planned(&self, year: i32) -> String {
        let ppa = self.bill("ppa", year).await;
        let targets = json!([{"year": year, "quantity": 10, "amount": 100_000}]);
        let action = json!({"code": "2041", "name": "Resposta", "product": "", "unit": "", "targets": targets});
        let programme = json!({"code": "0012", "name": "Cidade segura", "objective": "Ninguém morre",
            "indicators": [{"name": "Mortes", "unit": "pessoas", "reference": "3", "target": "0"}], "actions": [action]});
        let content = json!({"kind": "ppa", "programmes": [programme]});
        self.good(Method::PUT, &format!("bills/{ppa}/content"), json!({"revision": 1, "content": content})).await;
        ppa
    }

    /// An LOA of R$ 1.000,00, collected.
    async fn collected(&self, year: i32) -> String {
        let loa = self.bill("loa", year).await;
        let head = json!({"kind": "loa", "credit_limit": 1000});
        self.good(Method::PUT, &format!("bills/{loa}/content"), json!({"revision": 1, "content": head})).await;
        let revenue = json!([{"nature": "1.1.1.2.50", "source": "1500", "sphere": "fiscal", "amount": 100_000}]);
        self.good(Method::PUT, &format!("bills/{loa}/revenue"), revenue).await;
        self.good(Method::PUT, &format!("bills/{loa}/ceilings"), json!([{"unit": "02.04", "amount": 100_000}])).await;
        loa
    }

    async fn propose(&self, loa: &str, civil: i64) {
        self.propose_for(loa, (CIVIL, civil)).await;
    }

    async fn propose_for(&self, loa: &str, (key, amount): (&str, i64)) {
        let lines = json!([line(key, amount), line(STAFF, 20_000), line(RESERVE, 10_000)]);
        self.good(Method::PUT, &format!("bills/{loa}/proposals/02.04"), lines).await;
    }

    /// Sends a form as somebody who reads Portuguese.
    async fn post(&self, by: &Person, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("/secretaria/painel/orcamento/{path}?lang=pt-BR"))
            .header("cookie", &by.cookie)
            .header("csrf", &by.csrf)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.room.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A file of a bill, as its staff takes it.
    async fn file(&self, loa: &str, name: &str) -> String {
        let token = self.room.token("bia", name).await;
        let path = format!("/api/v1/secretariat/budget/bills/{loa}/files/{name}");
        let request = Request::get(path).header(header::AUTHORIZATION, token).body(Body::empty()).unwrap();
        let (status, bytes) = raw(&self.room, request).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        String::from_utf8(bytes).unwrap()
    }
}

fn submit(day: &str) -> Value {
    json!({"act": "submit", "submission": {"on": day, "number": "PL 1"}})
}

fn line(key: &str, amount: i64) -> Value {
    json!({"key": key, "sphere": "fiscal", "amount": amount, "words": ""})
}

#[tokio::test]
async fn a_budget_goes_from_the_plan_to_the_law_and_a_calamity_opens_a_credit_without_a_source() {
    let town = Town::open().await;
    let ppa = town.planned(2026).await;
    town.to_council(&ppa, "2025-08-01").await;
    let loa = town.collected(2026).await;
    let path = |of: &str| format!("bills/{loa}/{of}");

    // Over the ceiling by a centavo, then within it but out of balance.
    town.propose(&loa, 70_001).await;
    let over = town.refused(Method::POST, &path("proposals/02.04/send"), Value::Null).await;
    assert!(over.contains("R$ 1.000,01 proposed, the ceiling is R$ 1.000,00: R$ 0,01 too much"), "{over}");
    town.propose(&loa, 69_999).await;
    town.good(Method::POST, &path("proposals/02.04/send"), Value::Null).await;
    let unbalanced = town.refused(Method::POST, &path("steps"), json!({"act": "consolidate"})).await;
    assert!(unbalanced.contains("revenue R$ 1.000,00, expense R$ 999,99: the difference is R$ 0,01"), "{unbalanced}");
    town.propose(&loa, 70_000).await;
    town.good(Method::POST, &path("proposals/02.04/send"), Value::Null).await;
    let public = town.ask(Method::GET, "public/2026", Value::Null).await;
    assert_eq!(public.0, StatusCode::NOT_FOUND, "nothing is public before it is submitted");
    town.to_council(&loa, "2025-08-01").await;
    assert_eq!(town.ask(Method::GET, "public/2026", Value::Null).await.1["state"], "submitted");

    // The council amends; the plan becomes law first.
    let amendment = |to: i64, from: &str| {
        json!({"kind": "amendment", "origin": "annulment", "on": "2025-08-01", "act": "Vereadora Lima", "reason": "Mais lonas",
            "expense": [{"key": CIVIL, "amount": to}, {"key": from, "amount": -5_000}]})
    };
    assert!(town.refused(Method::POST, &path("changes"), amendment(4_999, RESERVE)).await.contains("CF art. 166"));
    assert!(town.refused(Method::POST, &path("changes"), amendment(5_000, STAFF)).await.contains("personnel"));
    town.good(Method::POST, &path("changes"), amendment(5_000, RESERVE)).await;
    town.at("2025-12-19").await;
    let law = json!({"act": "enact", "law": {"number": "Lei 15.002", "on": "2025-12-19"}});
    assert!(town.refused(Method::POST, &path("steps"), law.clone()).await.contains("1 amendments await"));
    let filed = town.good(Method::GET, &path("changes"), Value::Null).await;
    let decide = path(&format!("changes/{}/decide", filed[0]["id"].as_str().unwrap()));
    town.good(Method::POST, &decide, json!({"taken": true, "reason": "Aprovada"})).await;
    let no_plan = town.refused(Method::POST, &path("steps"), law.clone()).await;
    assert!(no_plan.contains("no PPA is in force"), "{no_plan}");
    town.enact(&ppa, "2025-12-18").await;
    town.good(Method::POST, &path("steps"), law).await;

    // The year turns. A calamity needs no source, everything else does.
    town.at("2026-02-23").await;
    let credit = |kind: &str, origin: &str, amount: i64| {
        json!({"kind": kind, "origin": origin, "on": "2026-02-23", "act": "Decreto 17.001", "reason": "Calamidade: chuvas de fevereiro",
            "expense": [{"key": CIVIL, "amount": amount}]})
    };
    let refused = town.refused(Method::POST, &path("changes"), credit("supplementary", "none", 1)).await;
    assert!(refused.contains("only an extraordinary credit"), "{refused}");
    let beyond = town.refused(Method::POST, &path("changes"), credit("supplementary", "surplus", 10_001)).await;
    assert!(beyond.contains("CF art. 165 §8"), "{beyond}");
    let opened = town.good(Method::POST, &path("changes"), credit("extraordinary", "none", 500_000)).await;
    assert_eq!(opened["number"], "2026/001");

    let table = format!(
        "dia;chave;documento;empenhado;anulado;liquidado;pago\r\n23/02/2026;{CIVIL};E1;5.000,00;;;\r\n\
         23/02/2026;{CIVIL};L1;;;2.000,00;1.000,00\r\n23/02/2026;{CIVIL};E2;9.000,00;;;\r\n23/02/2026;{STAFF};P9;;;;0,01\r\n"
    );
    let import = town.good(Method::POST, &path("execution"), Value::String(table.clone())).await;
    assert_eq!((&import["good"], &import["bad_count"]), (&json!(2), &json!(2)), "{import}");
    assert_eq!((&import["bad"][0]["line"], &import["bad"][0]["column"]), (&json!(4), &json!("empenhado")));
    let again = town.good(Method::POST, &path("execution"), Value::String(table)).await;
    assert_eq!((&again["good"], &again["known"]), (&json!(0), &json!(2)), "the same table changes nothing");

    let shown = town.good(Method::GET, "public/2026", Value::Null).await;
    let civil = shown["expense"].as_array().unwrap().iter().find(|line| line["key"] == CIVIL).unwrap();
    assert_eq!((&civil["planned"], &civil["allowed"]), (&json!(75_000), &json!(575_000)), "{civil}");
    assert_eq!(civil["executed"]["paid"], 100_000);
    assert!(!shown.to_string().contains("bia"), "no name of staff is published");
    let (status, page) = town.room.stranger(Method::GET, "/secretaria/orcamento/2026").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Decreto 17.001") && page.contains("5.950,00"), "{page}");
    let files = ["/secretaria/orcamento/2026/arquivos/datapackage.json", "/api/v1/secretariat/budget/public/2026"];
    let law = ("LOA 2026", "/secretaria/orcamento/2026");
    super::open_data::is_found(&town.room, ("orcamento", "budget"), law, &files).await;

    town.at("2027-01-02").await;
    let mut late = credit("extraordinary", "none", 1);
    late["on"] = json!("2027-01-02");
    assert!(town.refused(Method::POST, &path("changes"), late).await.contains("lies outside of the year 2026"));
}

#[tokio::test]
async fn what_was_changed_in_a_budget_behind_the_service_is_found() {
    let town = Town::open().await;
    let ppa = town.planned(2026).await;
    town.to_council(&ppa, "2025-08-01").await;
    let loa = town.collected(2026).await;
    let path = |of: &str| format!("bills/{loa}/{of}");
    town.propose(&loa, 70_000).await;
    town.good(Method::POST, &path("proposals/02.04/send"), Value::Null).await;
    town.to_council(&loa, "2025-08-01").await;
    let amendment = json!({"kind": "amendment", "origin": "annulment", "on": "2025-08-01", "act": "Vereadora Lima",
        "reason": "Mais lonas", "expense": [{"key": CIVIL, "amount": 5_000}, {"key": RESERVE, "amount": -5_000}]});
    town.good(Method::POST, &path("changes"), amendment).await;
    town.at("2025-12-19").await;
    let filed = town.good(Method::GET, &path("changes"), Value::Null).await;
    let decide = path(&format!("changes/{}/decide", filed[0]["id"].as_str().unwrap()));
    town.good(Method::POST, &decide, json!({"taken": true, "reason": "Aprovada"})).await;
    town.enact(&ppa, "2025-12-18").await;
    let law = json!({"act": "enact", "law": {"number": "Lei 15.002", "on": "2025-12-19"}});
    town.good(Method::POST, &path("steps"), law).await;
    town.at("2026-02-23").await;
    let table = format!("dia;chave;documento;empenhado;anulado;liquidado;pago\r\n23/02/2026;{CIVIL};E1;500,00;;;\r\n");
    let import = town.good(Method::POST, &path("execution"), Value::String(table)).await;
    assert_eq!(import["good"], 1, "{import}");
    let columns = [
        ("budget_bill", "created_by"),
        ("budget_act", "actor"),
        ("budget_change", "number"),
        ("budget_decision", "reason"),
        ("budget_import", "by"),
        ("budget_publication", "kind"),
    ];
    found_in(&town.room, "budget", &columns).await;
}

#[tokio::test]
async fn an_unknown_function_is_refused_with_the_portaria_and_nothing_is_kept() {
    let town = Town::open().await;
    let loa = town.collected(2026).await;
    let lines = json!([line("02.04.77.182.0012.2041.3.3.90.30.1500", 1)]);
    let refused = town.refused(Method::PUT, &format!("bills/{loa}/proposals/02.04"), lines).await;
    assert!(refused.contains("function 77 is unknown (Portaria MOG 42/1999, anexo)"), "{refused}");
    let kept = town.good(Method::GET, &format!("bills/{loa}/proposals/02.04"), Value::Null).await;
    assert_eq!(kept, json!([]));
    let law = town
        .refused(Method::POST, "codes/function", json!([{"code": "77", "name": "X", "valid_from": "2020-01-01"}]))
        .await;
    assert!(law.contains("those of the law"), "{law}");
}

#[tokio::test]
async fn only_the_role_of_the_budget_works_in_it_and_acts_are_never_rewritten() {
    let town = Town::open().await;
    let press = town.room.person("paulo", Role::Press).await;
    let request = Request::post("/api/v1/secretariat/budget/bills")
        .header(header::AUTHORIZATION, &press.token)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({"kind": "loa", "year": 2026}).to_string()));
    let (status, bytes) = raw(&town.room, request.unwrap()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(String::from_utf8(bytes).unwrap().contains("this needs the role budget"));
    town.bill("loa", 2026).await;
    let twice = town.refused(Method::POST, "bills", json!({"kind": "loa", "year": 2026})).await;
    assert!(twice.contains("there is a loa for 2026"), "{twice}");
    let rewritten = sqlx::query("update budget_act set reason = 'x'").execute(&town.room.db.pool).await;
    assert!(rewritten.is_err());
}

#[tokio::test]
async fn every_page_of_the_staff_opens_and_files_are_handed_out() {
    let town = Town::open().await;
    let ppa = town.planned(2026).await;
    town.to_council(&ppa, "2025-08-01").await;
    let loa = town.collected(2026).await;
    town.propose(&loa, 70_000).await;
    town.good(Method::POST, &format!("bills/{loa}/proposals/02.04/send"), Value::Null).await;
    town.to_council(&loa, "2025-08-01").await;
    let bia = town.room.person("bia", Role::Budget).await;
    let root = "/secretaria/painel/orcamento";
    for path in ["", "/classificacoes", "/classificacoes?qual=function"] {
        let page = town.room.page(&bia, &format!("{root}{path}")).await;
        assert!(page.contains("<h1>"), "{path}: {page}");
    }
    for part in
        ["", "/conteudo", "/propostas", "/propostas/02.04", "/receita", "/alteracoes", "/execucao", "/relatorio"]
    {
        let page = town.room.page(&bia, &format!("{root}/{loa}{part}")).await;
        assert!(page.contains("<h1>") && !page.contains("sec-budget-"), "{part}: {page}");
    }
    let report = town.room.page(&bia, &format!("{root}/{loa}/relatorio?way=function&path=06")).await;
    assert!(report.contains("Defesa Civil"), "{report}");
    for file in ["qdd.pdf", "qdd.csv", "datapackage.json", "despesa.csv", "receita.csv", "linhas.csv"] {
        let path = format!("/secretaria/orcamento/2026/arquivos/{file}");
        let (status, bytes) = raw(&town.room, Request::get(&path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{file}");
        assert!(bytes.len() > 100, "{file}");
        assert!(file != "qdd.pdf" || bytes.starts_with(b"%PDF-"));
        assert_eq!(asked_again(&town.room, &path).await, StatusCode::NOT_MODIFIED, "{file}");
        town.at("2025-08-02").await;
        let later = raw(&town.room, Request::get(&path).body(Body::empty()).unwrap()).await.1;
        assert!(bytes == later, "{file} does not say when it was asked for");
        town.at("2025-08-01").await;
    }
}

#[tokio::test]
async fn what_the_law_forbids_a_budget_is_refused_with_it_and_in_portuguese_on_the_page() {
    let town = Town::open().await;
    let ppa = town.planned(2026).await;
    town.to_council(&ppa, "2025-08-01").await;
    let loa = town.collected(2026).await;
    let bia = town.room.person("bia", Role::Budget).await;
    let (steps, proposal) = (format!("bills/{loa}/steps"), format!("{loa}/propostas/02.04"));
    let refused = async |path: &str, form: &[(&str, &str)], parts: &[&str]| {
        let (status, page) = town.post(&bia, path, form).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        assert!(parts.iter().all(|part| page.contains(part)), "{page} lacks one of {parts:?}");
    };

    let early = json!({"act": "enact", "law": {"number": "Lei 15.001", "on": "2025-08-01"}});
    let told = town.refused(Method::POST, &steps, early).await;
    assert!(told.contains("enacting (CF arts. 165 e 166) needs a submitted bill"), "{told}");
    let enact = [("act", "enact"), ("number", "Lei 15.001"), ("on", "2025-08-01")];
    refused(&loa, &enact, &["A situação do projeto não permite isto agora (CF arts. 165 e 166)."]).await;

    let unknown = "chave;esfera;valor;descricao\r\n02.04.77.182.0012.2041.3.3.90.30.1500;fiscal;0,01;";
    let portaria = "função 77: código desconhecido (Portaria MOG 42/1999, anexo)";
    refused(&proposal, &[("table", unknown)], &[portaria]).await;

    let consolidate = json!({"act": "consolidate"});
    town.propose(&loa, 69_999).await;
    town.good(Method::POST, &format!("bills/{loa}/proposals/02.04/send"), Value::Null).await;
    let universal = "(Lei 4.320/1964, art. 2, e CF art. 165 §5 e art. 167 II)";
    let told = town.refused(Method::POST, &steps, consolidate.clone()).await;
    assert!(told.contains(&format!("the difference is R$ 0,01 {universal}")), "{told}");
    let pt = format!("O projeto não fecha: receita R$ 1.000,00, despesa R$ 999,99: a diferença é R$ 0,01 {universal}");
    refused(&loa, &[("act", "consolidate")], &[pt.as_str()]).await;

    let stray = "02.04.06.182.0012.2042.3.3.90.30.1500";
    town.propose_for(&loa, (stray, 70_000)).await;
    town.good(Method::POST, &format!("bills/{loa}/proposals/02.04/send"), Value::Null).await;
    let plan = "(CF art. 165 §7 e art. 167 §1; LRF art. 5)";
    let told = town.refused(Method::POST, &steps, consolidate).await;
    let no_action = format!("{stray}: the PPA in force has no action 2042 in a programme 0012 {plan}");
    assert!(told.contains(&no_action), "{told}");
    let pt = format!("{stray}: o PPA em vigor não tem a ação 2042 no programa 0012 {plan}");
    refused(&loa, &[("act", "consolidate")], &[pt.as_str()]).await;
    assert_eq!(town.good(Method::GET, &format!("bills/{loa}"), Value::Null).await["state"], "collecting");
}

#[tokio::test]
async fn the_tables_of_a_budget_are_read_elsewhere_and_go_out_there_with_the_same_bytes() {
    let town = Town::open().await;
    let loa = town.collected(2026).await;
    town.propose(&loa, 70_000).await;
    let (expense, revenue) = (town.file(&loa, "linhas.csv").await, town.file(&loa, "receitas-linhas.csv").await);
    assert!(expense.contains(&format!("{CIVIL};fiscal;700,00;")), "{expense}");
    assert!(revenue.contains("1.1.1.2.50;1500;fiscal;1.000,00;"), "{revenue}");

    let other = Town::open().await;
    let bia = other.room.person("bia", Role::Budget).await;
    let there = other.bill("loa", 2026).await;
    let head = json!({"kind": "loa", "credit_limit": 1000});
    other.good(Method::PUT, &format!("bills/{there}/content"), json!({"revision": 1, "content": head})).await;
    for (path, table) in [(format!("{there}/receita"), &revenue), (format!("{there}/propostas/02.04"), &expense)] {
        let (status, page) = other.post(&bia, &path, &[("table", table)]).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    }
    assert_eq!(other.file(&there, "linhas.csv").await, expense);
    assert_eq!(other.file(&there, "receitas-linhas.csv").await, revenue);
    // The Fiscal Data Package says the same of the same lines.
    for name in ["despesa.csv", "receita.csv"] {
        assert_eq!(other.file(&there, name).await, town.file(&loa, name).await, "{name}");
    }
}

/// The deadline of a code as the bill tells it.
async fn deadline(town: &Town, bill: &str, code: &str) -> Value {
    let shown = town.good(Method::GET, &format!("bills/{bill}"), Value::Null).await;
    let all = shown["deadlines"].as_array().unwrap();
    all.iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("{code}: {shown}")).clone()
}

/// What the mayor sees.
async fn mayor(town: &Town) -> Value {
    let token = town.room.token("bia", &format!("m{}", town.room.app.ids.uuid(town.room.app.clock.now()))).await;
    let request = Request::get("/api/v1/secretariat/mayor").header(header::AUTHORIZATION, token);
    let (status, bytes) = raw(&town.room, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn the_days_of_a_bill_are_deadlines_that_the_lei_organica_moves_and_that_its_steps_meet() {
    let town = Town::open().await;
    let ppa = town.planned(2026).await;
    town.to_council(&ppa, "2025-08-01").await;
    let loa = town.collected(2026).await;
    let due = deadline(&town, &loa, "budget.loa.submit").await;
    assert_eq!(
        (&due["due_on"], &due["state"], &due["confirmed"]),
        (&json!("2025-08-31"), &json!("open"), &json!(false))
    );
    assert!(due["law_ref"].as_str().unwrap().contains("ADCT art. 35"), "{due}");
    assert!(due["trace"].to_string().contains("2025-08-31"), "{due}");
    let own = json!({"rule": {"code": "loa.submit", "law_ref": "Lei Orgânica, art. 120", "confirmed": true, "valid_from": "2025-01-01",
        "month": 9, "day": 30, "years_before": 1}, "reason": "Conferido no texto"});
    town.good(Method::POST, "date-rules", own).await;
    let due = deadline(&town, &loa, "budget.loa.submit").await;
    assert_eq!((&due["due_on"], &due["confirmed"]), (&json!("2025-09-30"), &json!(true)), "{due}");
    assert_eq!(due["law_ref"], "Lei Orgânica, art. 120", "{due}");

    town.propose(&loa, 70_000).await;
    town.good(Method::POST, &format!("bills/{loa}/proposals/02.04/send"), Value::Null).await;
    town.step(&loa, json!({"act": "consolidate"})).await;
    assert_eq!(mayor(&town).await["signing"], json!([]), "it was not heard yet");
    let hearing = json!({"on": "2025-08-01", "place": "Câmara Municipal", "minutes": "Ata 3"});
    town.step(&loa, json!({"act": "hear", "hearing": hearing})).await;
    town.at("2025-10-03").await;
    let view = mayor(&town).await;
    let waits = &view["signing"][0];
    assert_eq!(
        (&waits["title"], &waits["act"], &waits["late_days"]),
        (&json!("LOA 2026"), &json!("submit"), &json!(2)),
        "{view}"
    );
    let late = &view["elsewhere"][0];
    assert_eq!(
        (&late["code"], &late["state"], &late["waits_for"]),
        (&json!("budget.loa.submit"), &json!("heard"), &json!("mayor"))
    );
    let bia = town.room.person("bia", Role::Budget).await;
    let page = town.room.page(&bia, "/secretaria/painel/prefeito").await;
    assert!(page.contains("LOA 2026") && page.contains("to be sent to the council"), "{page}");
    let page = town.room.page(&bia, &format!("/secretaria/painel/orcamento/{loa}")).await;
    assert!(page.contains("LOA to the council") && page.contains("Lei Orgânica, art. 120"), "{page}");

    town.step(&loa, submit("2025-10-03")).await;
    assert_eq!(deadline(&town, &loa, "budget.loa.submit").await["state"], "met");
    let back = deadline(&town, &loa, "budget.loa.return").await;
    assert_eq!((&back["due_on"], &back["state"]), (&json!("2025-12-22"), &json!("open")), "{back}");
    assert_eq!(mayor(&town).await["signing"], json!([]), "it is with the council");
    town.at("2026-01-05").await;
    let view = mayor(&town).await;
    let late = view["elsewhere"].as_array().unwrap();
    let told: Vec<_> = late.iter().map(|one| (one["code"].as_str().unwrap(), one["waits_for"].clone())).collect();
    assert_eq!(told, [("budget.ppa.return", json!("council")), ("budget.loa.return", json!("council"))], "{view}");
    town.enact(&ppa, "2026-01-05").await;
    town.enact(&loa, "2026-01-05").await;
    assert_eq!(deadline(&town, &loa, "budget.loa.return").await["state"], "met");
    assert_eq!(mayor(&town).await["elsewhere"], json!([]), "all is law");
}

#[tokio::test]
async fn bills_from_before_their_deadlines_get_them_once_and_a_holiday_moves_those_of_a_town_whose_days_roll() {
    let town = Town::open().await;
    let app = &town.room.app;
    let (now, tz) = (app.clock.now(), app.config.municipality.time_zone);
    let bill = Bill {
        id: app.ids.uuid(now),
        kind: BillKind::Loa,
        year_from: 2026,
        year_to: 2026,
        life: Life::Collecting,
        content: Content::Loa(LoaHead::default()),
        revision: 1,
        changed_at: now,
    };
    let (actor, mut conn) = (Actor::service(), app.db.web.acquire().await.unwrap());
    store::insert(&mut conn, &bill, "bia").await.unwrap();
    let by = Acting { ids: &app.ids, now, actor: &actor };
    for _ in 0..2 {
        days::settle(&mut conn, by, tz).await.unwrap();
    }
    let found = "select code || ' ' || due_on::text || ' ' || title from deadline where subject_kind = 'budget_bill'";
    assert_eq!(town.room.words(found).await, ["budget.loa.submit 2025-08-31 LOA 2026"]);
    // 31 August 2025 is a Sunday: a town whose days roll says so with a rule of its own.
    let rule: DeadlineRule =
        serde_json::from_value(json!({ "code": "budget.loa.submit", "law_ref": "Lei Orgânica, art. 121",
        "confirmed": true, "valid_from": "2025-01-01", "anchor_event": "day_of_law", "quantity": 1, "unit": "calendar",
        "first_day_excluded": false, "roll_to_business": true, "warn_days": 30 }))
        .unwrap();
    deadlines::add_rule(&mut conn, by, tz, (&rule, "Conferido")).await.unwrap();
    assert_eq!(town.room.words(found).await, ["budget.loa.submit 2025-09-01 LOA 2026"]);
    let holiday = NewHoliday {
        day: "2025-09-01".parse().unwrap(),
        name: "Dia da cidade".into(),
        kind: HolidayKind::Municipal,
        shut: true,
        law_ref: String::new(),
    };
    deadlines::add_holiday(&mut conn, by, tz, &holiday).await.unwrap();
    assert_eq!(town.room.words(found).await, ["budget.loa.submit 2025-09-02 LOA 2026"]);
}

#[tokio::test]
async fn a_bill_is_found_by_what_it_says_by_its_kind_its_year_and_its_state() {
    let town = Town::open().await;
    let ppa = town.planned(2026).await;
    town.to_council(&ppa, "2025-08-01").await;
    town.bill("loa", 2026).await;
    let kinds = async |query: &str| {
        let all = town.good(Method::GET, &format!("bills?{query}"), Value::Null).await;
        all.as_array().unwrap().iter().map(|bill| bill["kind"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(kinds("").await, ["loa", "ppa"]);
    assert_eq!(kinds("q=SEGURA%20resp%C3%B3sta").await, ["ppa"], "a programme and an action, accents or not");
    assert!(kinds("q=futebol").await.is_empty());
    assert_eq!(kinds("kind=loa").await, ["loa"]);
    assert_eq!(kinds("year=2028").await, ["ppa"], "it holds for four years");
    assert_eq!(kinds("state=submitted").await, ["ppa"]);
    assert!(town.refused(Method::GET, "bills?state=lost", Value::Null).await.contains("collecting"));
    let bia = town.room.person("bia", Role::Budget).await;
    let desk = "/secretaria/painel/orcamento";
    let page = town.room.page(&bia, &format!("{desk}?q=resposta&kind=&year=&state=")).await;
    assert!(page.contains(&format!("{desk}/{ppa}")), "{page}");
    let page = town.room.page(&bia, &format!("{desk}?q=futebol")).await;
    assert!(page.contains("Nothing found"), "{page}");
}
