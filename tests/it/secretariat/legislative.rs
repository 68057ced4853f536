//! A matter from its arrival to the law, over Christmas and the turn of the year.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::secretariat::budget::BillKind;
use sentinela::secretariat::budget::life::{Hearing, Law, Life, Submission};
use sentinela::secretariat::budget::plans::{Content, Ppa, Programme};
use sentinela::secretariat::budget::store::{self, Bill};
use sentinela::secretariat::kernel::worker;
use serde_json::{Value, json};

use super::{act, at, done, due, moved, open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;

async fn matter(room: &Room, lia: &Person) -> Value {
    let body = json!({ "type": "legislative.matter", "title": "Abrigos em escolas", "assigned": "lia", "fields": {
        "urn": "urn:lex:br;minas.gerais;juiz.de.fora:municipal:projeto.lei:2026-02-05;120", "author": "Câmara Municipal",
        "regime": "ordinary", "summary": "Autoriza o uso de escolas como abrigo" } });
    open(room, lia, "legislative", body).await
}

fn opinion(matter: &Value, department: &str) -> Value {
    json!({ "type": "legislative.opinion", "title": "Uso das escolas", "department": department, "parent": matter["id"],
        "fields": { "question": "Serve?", "due_on": "2026-03-06" } })
}

fn code(answer: &(StatusCode, Value)) -> &Value {
    assert_eq!(answer.0, StatusCode::CONFLICT, "{}", answer.1);
    &answer.1["code"]
}

#[tokio::test]
async fn each_department_asked_answers_in_a_case_of_its_own_and_the_matter_takes_no_position_while_one_is_open() {
    let room = Room::open(&[]).await;
    let lia = room.person("lia", Role::Legislative).await;
    let case = matter(&room, &lia).await;
    let cases = "secretariat/legislative/cases";
    let early = ask(&room, &lia, Method::POST, cases, opinion(&case, "Educação")).await;
    assert_eq!(code(&early), "guard-parent-state", "{}", early.1);
    done(&room, &lia, "legislative", &case, ("ask", json!({}))).await;
    let (status, nobody) = ask(&room, &lia, Method::POST, cases, opinion(&case, " ")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "it is for a department: {nobody}");
    assert_eq!(nobody["errors"][0]["field"], "department", "{nobody}");
    let schools = open(&room, &lia, "legislative", opinion(&case, "Educação")).await;
    let works = open(&room, &lia, "legislative", opinion(&case, "Obras")).await;
    assert_eq!(schools["numbered"], "OPI 2026/001", "{schools}");
    assert_eq!(due(&schools, "legislative.department_opinion"), "2026-03-06", "{schools}");

    let judged = json!({ "fields": { "merit": "Sim", "opportunity": "Sim", "compatibility": "Sem despesa", "creates_expense": false } });
    done(&room, &lia, "legislative", &case, ("judge", judged)).await;
    let position = || json!({ "fields": { "position": "favourable", "position_text": "Útil" } });
    let refused = act(&room, &lia, "legislative", &case, ("propose", position())).await;
    assert_eq!(code(&refused), "guard-child-open", "{}", refused.1);
    assert!(refused.1["detail"].as_str().unwrap().contains("cláusula 5"), "{}", refused.1);

    let vague = json!({ "fields": { "result": "changes", "reasons": "Fora do período letivo" } });
    let refused = act(&room, &lia, "legislative", &schools, ("answer", vague)).await;
    assert_eq!(code(&refused), "guard-field-when", "{}", refused.1);
    let whole = json!({ "fields": { "result": "changes", "reasons": "Fora do período letivo", "changes": "Dizer quem repõe as aulas" } });
    done(&room, &lia, "legislative", &schools, ("answer", whole)).await;
    let refused = act(&room, &lia, "legislative", &case, ("reject", json!({ "reason": "Retirada" }))).await;
    assert_eq!(code(&refused), "guard-child-open", "Obras has not answered: {}", refused.1);

    let seen = ask(&room, &lia, Method::GET, &path("legislative", &case, ""), Value::Null).await.1;
    let below = seen["below"].as_array().unwrap();
    assert_eq!(below.len(), 2, "{seen}");
    let of = |department: &str| below.iter().find(|one| one["department"] == department).expect("a department");
    assert_eq!(of("Educação")["fields"]["result"], "changes", "{seen}");
    assert_eq!((&of("Educação")["due_on"], &of("Obras")["due_on"]), (&Value::Null, &json!("2026-03-06")), "{seen}");
    assert_eq!(of("Educação")["fields"].get("question"), None, "only what its type shows above: {seen}");
    let link = format!("/secretaria/painel/materias-legislativas/casos/{}", case["id"].as_str().unwrap());
    let page = room.page(&lia, &link).await;
    assert!(page.contains("Dizer quem repõe as aulas") && page.contains("Favourable with changes"), "{page}");

    done(&room, &lia, "legislative", &works, ("drop", json!({ "reason": "Não lhe diz respeito" }))).await;
    let after = done(&room, &lia, "legislative", &case, ("propose", position())).await;
    assert_eq!(after["state"], "positioned", "{after}");
    let late = ask(&room, &lia, Method::POST, cases, opinion(&case, "Saúde")).await;
    assert_eq!(code(&late), "guard-parent-state", "the position is taken: {}", late.1);
}

/// A PPA of four years with one programme, which is law.
async fn enacted(room: &Room) {
    let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    let hearing = Hearing { on: day("2025-08-10"), place: "Câmara".into(), minutes: "Ata 1".into() };
    let submission = Submission { on: day("2025-08-29"), number: "PL 101/2025".into() };
    let law = Law { number: "Lei 15.001".into(), on: day("2025-12-15") };
    let programme = Programme { code: "0012".into(), name: "Cidade segura".into(), ..Programme::default() };
    let now = room.app.clock.now();
    let bill = Bill {
        id: room.app.ids.uuid(now),
        kind: BillKind::Ppa,
        year_from: 2026,
        year_to: 2029,
        life: Life::Enacted { hearing, submission, law },
        content: Content::Ppa(Ppa { programmes: vec![programme] }),
        revision: 1,
        changed_at: now,
    };
    store::insert(&mut room.app.db.web.acquire().await.unwrap(), &bill, "bia").await.unwrap();
}

#[tokio::test]
async fn the_programme_of_a_matter_is_held_against_the_plan_that_is_law_or_the_case_says_that_there_was_none() {
    let room = Room::open(&[]).await;
    let lia = room.person("lia", Role::Legislative).await;
    let case = matter(&room, &lia).await;
    done(&room, &lia, "legislative", &case, ("ask", json!({}))).await;
    let judged = |programme: &str| {
        json!({ "fields": { "merit": "Sim", "opportunity": "Sim", "compatibility": "Cabe", "creates_expense": true, "cost": 500_000,
            "programme": programme } })
    };
    let after = done(&room, &lia, "legislative", &case, ("judge", judged("0042 Encosta segura"))).await;
    assert_eq!(after["fields"]["programme_check"], "no_plan", "{after}");
    enacted(&room).await;
    let refused = act(&room, &lia, "legislative", &case, ("judge", judged("0042 Encosta segura"))).await;
    assert_eq!(code(&refused), "guard-no-programme", "{}", refused.1);
    let detail = refused.1["detail"].as_str().unwrap();
    assert!(detail.contains("2026 to 2029") && detail.contains("LC 101/2000"), "{detail}");
    let after = done(&room, &lia, "legislative", &case, ("judge", judged("0012 Cidade segura"))).await;
    assert_eq!(after["fields"]["programme_check"], "in_plan", "{after}");
    let link = format!("/secretaria/painel/materias-legislativas/casos/{}", case["id"].as_str().unwrap());
    assert!(room.page(&lia, &link).await.contains("The plan in force"), "the page says so");
    let ledger = ask(&room, &lia, Method::GET, &path("legislative", &case, "/acts"), Value::Null).await.1;
    assert_eq!((&ledger["broken_at"], &ledger["unfounded"]), (&Value::Null, &Value::Null), "{ledger}");
}

#[tokio::test]
async fn silence_of_fifteen_business_days_over_christmas_is_a_sanction_by_itself() {
    let room = Room::open(&[]).await;
    let lia = room.person("lia", Role::Legislative).await;
    let lia = moved(&room, &lia, "lia", "2026-12-01T12:00:00Z").await;
    let body = json!({ "type": "legislative.matter", "title": "Abrigos em escolas", "assigned": "lia", "fields": {
        "urn": "urn:lex:br;minas.gerais;juiz.de.fora:municipal:projeto.lei:2026-11-05;120", "author": "Câmara Municipal",
        "regime": "ordinary", "summary": "Autoriza o uso de escolas como abrigo" } });
    let case = open(&room, &lia, "legislative", body).await;
    done(&room, &lia, "legislative", &case, ("ask", json!({}))).await;
    let (status, early) = act(
        &room,
        &lia,
        "legislative",
        &case,
        ("propose", json!({ "fields": { "position": "favourable", "position_text": "Útil" } })),
    )
    .await;
    assert_eq!(status, StatusCode::CONFLICT, "an opinion comes first: {early}");
    let opinion = json!({ "fields": { "merit": "Sim", "opportunity": "Sim", "compatibility": "Sem despesa", "creates_expense": false } });
    done(&room, &lia, "legislative", &case, ("judge", opinion)).await;
    done(
        &room,
        &lia,
        "legislative",
        &case,
        ("propose", json!({ "fields": { "position": "favourable", "position_text": "Útil" } })),
    )
    .await;
    done(&room, &lia, "legislative", &case, ("send", json!({}))).await;
    let lia = moved(&room, &lia, "lia", "2026-12-15T13:00:00Z").await;
    let passed =
        done(&room, &lia, "legislative", &case, ("pass", json!({ "fields": { "received_on": "2026-12-15" } }))).await;
    // By hand: 16, 17, 18, 21, 22, 23, 24, (25 Christmas), 28, 29, 30, 31 December are eleven; (1 January), 4, 5, 6, 7 January.
    assert_eq!(due(&passed, "legislative.sanction"), "2027-01-07", "{passed}");
    let lia = moved(&room, &lia, "lia", "2027-01-07T20:00:00Z").await;
    assert_eq!(worker::round(&room.app, room.app.clock.now()).await.unwrap(), 0, "the last day is theirs");
    let lia = moved(&room, &lia, "lia", "2027-01-08T03:00:01Z").await;
    let (status, late) =
        act(&room, &lia, "legislative", &case, ("veto", json!({ "fields": { "veto": "Contra o interesse público" } })))
            .await;
    assert_eq!(status, StatusCode::CONFLICT, "{late}");
    assert!(late["detail"].as_str().unwrap().contains("art. 66"), "{late}");
    let now = room.app.clock.now();
    assert_eq!(worker::round(&room.app, now).await.unwrap(), 1);
    assert_eq!(worker::round(&room.app, now).await.unwrap(), 0, "once");
    let promulgated =
        done(&room, &lia, "legislative", &case, ("promulgate", json!({ "fields": { "law": "Lei 15.001/2027" } })))
            .await;
    assert_eq!((&promulgated["state"], &promulgated["is_final"]), (&json!("law"), &json!(true)), "{promulgated}");
    let acts = room.words("select act || ' ' || actor || ' ' || to_state from case_act order by seq").await;
    assert!(acts.contains(&"tacit service tacit".to_owned()), "{acts:?}");
    assert!(promulgated["deadlines"].as_array().unwrap().iter().all(|one| one["state"] != "open"), "{promulgated}");
    assert!(at("2027-01-08T03:00:01Z") <= now);
}
