//! What a law or a rule forbids is refused over the API and, in Portuguese, on the page, and both cite it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::Types;
use serde_json::{Value, json};

use super::instruments::{House, PARTNER, plan};
use super::{act, determination, done, moved, open};
use crate::approval::{Person, Room};
use crate::damage::ask;
use crate::support::Folder;

/// Sends a form that is refused, as somebody who reads Portuguese; the page.
async fn refused(room: &Room, by: &Person, path: &str, form: &str) -> String {
    let request = Request::post(format!("{path}?lang=pt-BR"))
        .header("cookie", &by.cookie)
        .header("csrf", &by.csrf)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let (status, page) = room.send(request.body(Body::from(form.to_owned())).unwrap()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    page
}

/// The answer is a conflict, and says all of these.
fn conflict((status, answer): &(StatusCode, Value), parts: &[&str]) {
    assert_eq!(*status, StatusCode::CONFLICT, "{answer}");
    let detail = answer["detail"].as_str().unwrap();
    assert!(parts.iter().all(|part| detail.contains(part)), "{detail} lacks one of {parts:?}");
}

fn says(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part}: {page}");
    }
}

const DETERMINATION: &str = "(Ato de organização da Secretaria, cláusula 3)";

#[tokio::test]
async fn an_act_that_does_not_fit_the_state_is_refused_with_what_orders_the_procedure() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    let finish = json!({ "fields": { "evidence": "Feito" } });
    let answer = act(&room, &carla, "coordination", &case, ("finish", finish.clone())).await;
    conflict(&answer, &["there is no act \"finish\"", "accept", DETERMINATION]);
    let link = format!("/secretaria/painel/articulacao-interna/casos/{}/atos/finish", case["id"].as_str().unwrap());
    let page = refused(&room, &carla, &link, "revision=1&f.evidence=Feito").await;
    says(&page, &["este ato não cabe", DETERMINATION]);
    // What ended allows nothing more, and says so with the same rule.
    done(&room, &carla, "coordination", &case, ("accept", json!({}))).await;
    done(&room, &carla, "coordination", &case, ("finish", finish.clone())).await;
    let answer = act(&room, &carla, "coordination", &case, ("finish", finish)).await;
    assert_eq!(answer.1["code"], "case-ended", "{}", answer.1);
    conflict(&answer, &[DETERMINATION]);

    let house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    for (kind, law) in [("fomento", "Lei 13.019/2014"), ("contrato", "Lei 14.133/2021")] {
        let id = house.opened(json!({ "kind": kind, "object": "Oficinas" })).await;
        let sentence = format!("the act begin does not fit the state planning ({law}); it allows: open_call, waive");
        house.refused(&id, json!({ "act": "begin" }), &[sentence.as_str()]).await;
        let path = format!("/secretaria/painel/parcerias/{id}");
        let page = refused(&house.room, &house.person, &path, "act=begin&sure=yes").await;
        let pt = format!("Este ato não cabe na situação atual do instrumento ({law}).");
        says(&page, &[pt.as_str()]);
    }
}

#[tokio::test]
async fn a_second_extension_and_one_after_the_last_day_are_refused_with_the_rule_of_the_deadline() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let rule = "(coordination.due: Determinação do Prefeito (dia marcado no ato))";
    let mut cases = Vec::new();
    for title in ["Bueiros", "Calçadas"] {
        let case = open(&room, &carla, "coordination", determination(title, "2026-03-02")).await;
        cases.push(done(&room, &carla, "coordination", &case, ("accept", json!({}))).await);
    }
    let extend = |case: &Value| {
        let link = format!("/secretaria/painel/articulacao-interna/casos/{}/atos/extend", case["id"].as_str().unwrap());
        (link, format!("revision={}&reason=Chuva", case["revision"]))
    };
    let reason = json!({ "reason": "Chuva" });
    let once = done(&room, &carla, "coordination", &cases[0], ("extend", reason.clone())).await;
    conflict(&act(&room, &carla, "coordination", &once, ("extend", reason.clone())).await, &["1 extensions", rule]);
    let (link, form) = extend(&once);
    let page = refused(&room, &carla, &link, &form).await;
    says(&page, &["A norma permite 1 prorrogação, e ela já foi usada.", rule]);

    let carla = moved(&room, &carla, "carla", "2026-03-03T12:00:00Z").await;
    conflict(&act(&room, &carla, "coordination", &cases[1], ("extend", reason)).await, &["it ran out", rule]);
    let (link, form) = extend(&cases[1]);
    let page = refused(&room, &carla, &link, &form).await;
    says(&page, &["O prazo já venceu, e a norma só permite prorrogar antes.", rule]);
}

/// A body of two seats that may meet with one member and decides with both; its meeting is convened for the 28th. Seats.
async fn convened(room: &Room, carla: &Person) -> Vec<String> {
    let post = async |path: &str, body: Value| {
        let (status, answer) = ask(room, carla, Method::POST, &format!("secretariat/committees{path}"), body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    };
    let rules = json!({ "notice_ordinary": "committees.notice.ordinary", "notice_extraordinary": "committees.notice.extraordinary",
        "quorum_open": { "num": 1, "den": 2 }, "quorum_decide": { "num": 1, "den": 2, "more": true }, "majority": "simple" });
    let body = json!({ "slug": "comite", "name": "Comitê de teste", "kind": "committee", "purpose": "Aconselhar",
        "act": { "kind": "law", "number": "Lei 15.001/2025", "on": "2025-12-01" }, "law_ref": "Lei 15.001/2025, art. 4",
        "term_from": "2026-01-01", "rules": rules });
    post("", body).await;
    let mut seats = Vec::new();
    for (position, role) in [(1, "chair"), (2, "member")] {
        let seat = json!({ "position": position, "entity": format!("Secretaria {position}"), "role": role });
        let seat = post("/comite/seats", seat).await["id"].as_str().unwrap().to_owned();
        let person = post("/persons", json!({ "name": format!("Membro {position}") })).await;
        let mandate = json!({ "person_id": person["id"], "capacity": "titular", "from_on": "2026-01-01", "until_on": "2026-12-31",
            "act": "Decreto" });
        post(&format!("/comite/seats/{seat}/mandates"), mandate).await;
        seats.push(seat);
    }
    let meeting = json!({ "kind": "extraordinary", "starts_at": "2026-02-28T17:00:00Z", "place": "Sala 2", "urgency": "Chuva",
        "items": [{ "title": "Plano" }] });
    post("/comite/meetings", meeting).await;
    seats
}

#[tokio::test]
async fn without_quorum_nothing_is_decided_nor_resolved_and_the_rules_of_the_body_are_cited() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Committees).await;
    let seats = convened(&room, &carla).await;
    let base = "secretariat/committees/comite/meetings/2026-1";
    let here = "/secretaria/painel/comites/comite/reunioes/2026-1";
    // A meeting that did not open is not closed.
    let (acts, close) = (format!("{base}/acts"), json!({ "act": "close" }));
    conflict(&ask(&room, &carla, Method::POST, &acts, close).await, &["(Regimento interno do colegiado)"]);
    let page = refused(&room, &carla, here, "act=close").await;
    says(&page, &["não permite isto agora. (Regimento interno do colegiado)"]);

    let carla = moved(&room, &carla, "carla", "2026-02-28T17:00:00Z").await;
    let there = json!({ "seat_id": seats[0], "capacity": "titular" });
    let (status, told) = ask(&room, &carla, Method::POST, &format!("{base}/attendance"), there).await;
    assert!(status.is_success(), "{told}");
    let (status, called) = ask(&room, &carla, Method::POST, &acts, json!({ "act": "call" })).await;
    assert!(status.is_success() && called["outcome"] == "opened", "{called}");
    let record = ask(&room, &carla, Method::GET, base, Value::Null).await.1;
    let id = record["items"][0]["id"].as_str().unwrap();
    let tally = json!({ "tally": { "votes_for": 1, "votes_against": 0, "votes_abstain": 0 } });
    let (decision, resolution) = (format!("{base}/items/{id}/decision"), format!("{base}/items/{id}/resolution"));
    let law = "(Lei 15.001/2025, art. 4)";
    let answer = ask(&room, &carla, Method::POST, &decision, tally).await;
    conflict(&answer, &["no quorum to decide: 1 of 2 seats present, 2 needed", law]);
    let counted = format!("act=decide&item={id}&counted=yes&votes_for=1&votes_against=0&votes_abstain=0");
    let page = refused(&room, &carla, here, &counted).await;
    says(&page, &["Não há quórum para decidir: 1 de 2 assentos presentes, são precisos 2", law]);
    let answer = ask(&room, &carla, Method::POST, &resolution, json!({ "text": "Aprova." })).await;
    conflict(&answer, &["no resolution without a decision that had quorum", law]);
    let page = refused(&room, &carla, here, &format!("act=resolve&item={id}&text=Aprova.")).await;
    says(&page, &["Não há resolução sem decisão com quórum.", law]);
    assert_eq!(room.words("select count(*)::text from body_resolution").await, ["0"]);
}

#[tokio::test]
async fn no_money_is_released_while_accounts_are_overdue_and_the_page_says_since_when() {
    let mut house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = house.opened(json!({ "kind": "fomento", "object": "Oficinas" })).await;
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    house
        .done(&id, json!({ "act": "select", "partner": { "name": "Casa", "document": PARTNER }, "reason": "Única" }))
        .await;
    let plan = plan("2026-01-14", "2027-12-31", &[("2026-01-14", 600), ("2026-09-01", 400)]);
    house.done(&id, json!({ "act": "write_plan", "agreed": 1000, "starts_on": "2026-01-14", "ends_on": "2027-12-31", "plan": plan })).await;
    house.done(&id, json!({ "act": "appoint", "manager": "Rui", "commission": ["Ana"] })).await;
    for kind in ["technical", "legal"] {
        house.done(&id, json!({ "act": "opine", "kind": kind, "favourable": true, "text": "Sim" })).await;
    }
    house.done(&id, json!({ "act": "sign", "on": "2026-01-14" })).await;
    house.done(&id, json!({ "act": "publish", "on": "2026-01-14", "place": "Diário" })).await;
    house.done(&id, json!({ "act": "begin" })).await;
    house.done(&id, json!({ "act": "commit", "centavos": 1000, "on": "2026-01-14", "what": "Empenho" })).await;
    house.done(&id, json!({ "act": "release", "centavos": 600, "on": "2026-01-14", "what": "Parcela 1" })).await;
    // By hand: the first year ends on 13 January 2027; of January 18 days are left, the twelfth of February is the thirtieth, a Friday.
    assert_eq!(house.deadline(&id, "agreements.interim").await, ("2027-02-12".into(), "open".into()));
    house.on("2027-02-13").await;
    let second = json!({ "act": "release", "centavos": 400, "on": "2027-02-13", "what": "Parcela 2" });
    let law = "Lei 13.019/2014, arts. 39, II, 48 e 49";
    house.refused(&id, second, &["accounts are overdue: they were due on 2027-02-12", law]).await;
    let (path, form) = (
        format!("/secretaria/painel/parcerias/{id}"),
        "act=release&centavos=4,00&on=13/02/2027&what=Parcela+2&sure=yes",
    );
    let page = refused(&house.room, &house.person, &path, form).await;
    says(&page, &["Não há repasse com contas atrasadas: venceram em 12/02/2027", law]);
    assert_eq!(house.show(&id).await["totals"]["released"], 600);
}

const UNREACHABLE: &str = r#"module = "coordination"
key = "coordination.note"
version = 1
title = { pt = "Nota", en = "Note" }
law_ref = "Lei Municipal 1/2026"
access = "internal"
[[state]]
key = "open"
label = { pt = "Aberta", en = "Open" }
[[state]]
key = "shelved"
label = { pt = "Engavetada", en = "Shelved" }
final = true
[[state]]
key = "done"
label = { pt = "Encerrada", en = "Done" }
final = true
[[transition]]
key = "finish"
label = { pt = "Encerrar", en = "Finish" }
from = ["open"]
to = "done"
"#;

#[tokio::test]
async fn a_definition_with_a_state_that_is_never_reached_is_refused_with_its_line_before_anything_starts() {
    let folder = Folder::new();
    let file = folder.path().join("note.toml");
    std::fs::write(&file, UNREACHABLE).unwrap();
    let told = format!("{}:11:7: the state \"shelved\" is never reached from \"open\"", file.display());
    let faults = Types::load(&folder.path().display().to_string()).unwrap_err().to_string();
    assert!(faults.contains(&told), "{faults}");
    let mut command = crate::support::sentinela();
    command.arg("check-config").env("SENTINELA__SECRETARIAT__CASE_TYPES", folder.path());
    let output = crate::support::soon("a command to end", command.output()).await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(&told), "{error}");
    // With a way to it, the same file is a type.
    let reached = UNREACHABLE.replace(
        "[[transition]]\nkey = \"finish\"",
        "[[transition]]\nkey = \"shelve\"
label = { pt = \"Engavetar\", en = \"Shelve\" }\nfrom = [\"open\"]\nto = \"shelved\"\n[[transition]]\nkey = \"finish\"",
    );
    std::fs::write(&file, reached).unwrap();
    assert!(Types::load(&folder.path().display().to_string()).unwrap().get("coordination.note").is_some());
}
