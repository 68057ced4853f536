//! A request of the council from its receipt to the figures of the year: its days end on New Year's Day, are extended once, and are moved by
//! a holiday that is entered later.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::remind;
use serde_json::{Value, json};

use super::{act, done, due, moved, open, path};
use crate::approval::{Person, Room};
use crate::damage::ask;

fn demand(from: (&str, &str), title: &str) -> Value {
    json!({ "type": "relations.demand", "title": title, "assigned": "rui", "fields": { "counterpart_kind": from.0,
        "counterpart": from.1, "document": "Requerimento 77/2026", "received_on": "2026-12-17", "request": "As obras de cada encosta" } })
}

/// What everybody reads of the case answers, and nothing of what is inside.
async fn is_published(room: &Room, case: &Value) {
    let id = case["id"].as_str().unwrap();
    let (status, page) = room.stranger(Method::GET, &format!("/secretaria/articulacao-externa/publicacoes/{id}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("DEM 2026/001") && page.contains("Seguem as nove obras"), "{page}");
    assert!(!page.contains("As obras de cada encosta"), "what was asked stays inside: {page}");
}

/// One reply in time, one request without any, and one reply a day late: they are of the year in which they came.
async fn rate_of_the_year(room: &Room, rui: &Person) {
    let report = |year: i32| format!("secretariat/relations/report?type=relations.demand&year={year}");
    let figures = ask(room, rui, Method::GET, &report(2026), Value::Null).await.1;
    let rate = |code: &str| {
        let all = figures["in_time"].as_array().unwrap();
        let one = all.iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("{code}: {figures}"));
        ["met_in_time", "met_late", "open_in_time", "open_late"].map(|name| one[name].as_i64().unwrap())
    };
    assert_eq!(rate("relations.reply"), [1, 0, 0, 1], "one reply in time, one request without any");
    assert_eq!(rate("relations.answer"), [0, 1, 0, 0], "a day late");
    assert_eq!(
        figures["by_choice"],
        json!([{ "key": "council", "count": 2 }, { "key": "movement", "count": 1 }]),
        "{figures}"
    );
    let next = ask(room, rui, Method::GET, &report(2027), Value::Null).await.1;
    assert_eq!(next["in_time"], json!([]), "they are of the year in which they came: {next}");
    let page = room.page(rui, "/secretaria/painel/articulacao-externa/relatorio/relations.demand?year=2026").await;
    assert!(page.contains("2026"), "{page}");
}

#[tokio::test]
async fn a_request_of_the_council_is_answered_over_new_year_published_and_stands_in_the_rate_of_its_year() {
    let room = Room::open(&[]).await;
    let (rui, olga) = (room.person("rui", Role::Relations).await, room.person("olga", Role::Operator).await);
    let rui = moved(&room, &rui, "rui", "2026-12-17T15:00:00Z").await;
    let case = open(&room, &rui, "relations", demand(("council", "Câmara Municipal"), "Obras nas encostas")).await;
    let left = open(&room, &rui, "relations", demand(("council", "Câmara Municipal"), "Gasto com bombas")).await;
    let other = open(&room, &rui, "relations", demand(("movement", "Associação do Alto"), "Escadaria")).await;
    assert_eq!(case["numbered"], "DEM 2026/001", "{case}");

    // Fifteen days end on 1 January, a Friday and a holiday; the next day with business is Monday.
    for one in [&case, &left] {
        let after = done(&room, &rui, "relations", one, ("register_council", json!({}))).await;
        assert_eq!(due(&after, "relations.reply"), "2027-01-04", "{after}");
        let trace = after["deadlines"][0]["trace"].to_string();
        assert!(trace.contains("roll") && trace.contains("2027-01-01"), "how it came about: {trace}");
    }
    let forwarded = done(&room, &rui, "relations", &other, ("forward", json!({}))).await;
    assert_eq!(due(&forwarded, "relations.answer"), "2027-01-18", "thirty days, and 16 January is a Saturday");
    let (status, told) = act(&room, &rui, "relations", &case, ("file", json!({ "reason": "Sem objeto" }))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("o pedido da Câmara é respondido"), "{told}");

    let rui = moved(&room, &rui, "rui", "2026-12-29T15:00:00Z").await;
    let (status, told) = act(&room, &rui, "relations", &case, ("extend", json!({}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "without a reason: {told}");
    let reason = json!({ "reason": "As medições fecham em janeiro" });
    let after = done(&room, &rui, "relations", &case, ("extend", reason.clone())).await;
    assert_eq!(due(&after, "relations.reply"), "2027-01-18", "{after}");
    let (status, told) = act(&room, &rui, "relations", &case, ("extend", reason)).await;
    assert_eq!(status, StatusCode::CONFLICT, "once: {told}");

    // The year turns; a holiday of the town falls on the last day.
    let olga = moved(&room, &olga, "olga", "2027-01-11T15:00:00Z").await;
    let holiday = json!({ "day": "2027-01-18", "name": "Luto oficial", "kind": "municipal", "shut": true });
    let (status, told) = ask(&room, &olga, Method::POST, "holidays", holiday).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    let rui = moved(&room, &rui, "rui", "2027-01-11T16:00:00Z").await;
    let reply = json!({ "fields": { "reply": "Seguem as nove obras, com prazo e valor." } });
    let ready = done(&room, &rui, "relations", &case, ("draft", reply)).await;
    assert_eq!(
        (&ready["waits_for"], due(&ready, "relations.reply")),
        (&json!("mayor"), &json!("2027-01-19")),
        "{ready}"
    );
    let view = ask(&room, &rui, Method::GET, "secretariat/mayor", Value::Null).await.1;
    assert_eq!(view["awaiting"][0]["id"], case["id"], "{view}");
    assert_eq!(view["late"][0]["id"], left["id"], "nobody answered the other one by 4 January: {view}");

    // Its last day counts until midnight in the town.
    let rui = moved(&room, &rui, "rui", "2027-01-20T02:30:00Z").await;
    let answered = done(&room, &rui, "relations", &case, ("answer", json!({}))).await;
    assert_eq!(
        (&answered["state"], &answered["deadlines"][0]["state"]),
        (&json!("answered"), &json!("met")),
        "{answered}"
    );
    is_published(&room, &case).await;

    let rui = moved(&room, &rui, "rui", "2027-01-20T15:00:00Z").await;
    done(&room, &rui, "relations", &other, ("draft", json!({ "fields": { "reply": "Entra no plano de obras." } })))
        .await;
    done(&room, &rui, "relations", &other, ("answer", json!({}))).await;
    rate_of_the_year(&room, &rui).await;
    let ledger = ask(&room, &rui, Method::GET, &path("relations", &case, "/acts"), Value::Null).await.1;
    let acts: Vec<&str> = ledger["acts"].as_array().unwrap().iter().map(|one| one["act"].as_str().unwrap()).collect();
    assert_eq!(
        (acts, &ledger["broken_at"]),
        (vec!["open", "register_council", "extend", "draft", "answer"], &Value::Null)
    );
}

#[tokio::test]
async fn a_request_that_nobody_registers_is_late_and_told_of() {
    let room = Room::open(&[]).await;
    let rui = room.person("rui", Role::Relations).await;
    sqlx::query("update staff set email = username || '@exemplo.invalid'").execute(&room.db.pool).await.unwrap();
    let rui = moved(&room, &rui, "rui", "2026-12-17T15:00:00Z").await;
    let case = open(&room, &rui, "relations", demand(("council", "Câmara Municipal"), "Obras nas encostas")).await;
    assert_eq!(due(&case, "relations.triage"), "2026-12-22", "{case}");
    let other = open(&room, &rui, "relations", demand(("council", "Câmara Municipal"), "Gasto com bombas")).await;
    let after = done(&room, &rui, "relations", &other, ("register_council", json!({}))).await;
    assert_eq!((due(&after, "relations.triage"), due(&after, "relations.reply")), (&Value::Null, &json!("2027-01-04")));

    let rui = moved(&room, &rui, "rui", "2026-12-22T15:00:00Z").await;
    assert!(remind::round(&room.app, room.app.clock.now()).await.unwrap() > 0, "on its last day");
    let letters = room.words("select address || ' ' || body from notice where purpose = 'secretariat_deadline'").await;
    assert!(letters.iter().any(|one| one.starts_with("rui@") && one.contains("Obras nas encostas")), "{letters:?}");
    let rui = moved(&room, &rui, "rui", "2026-12-23T15:00:00Z").await;
    let late = ask(&room, &rui, Method::GET, "secretariat/relations/cases?late=true", Value::Null).await.1;
    let titles: Vec<&str> =
        late["items"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Obras nas encostas"]);
    let view = ask(&room, &rui, Method::GET, "secretariat/mayor", Value::Null).await.1;
    assert_eq!((&view["late"][0]["id"], &view["late"][0]["code"]), (&case["id"], &json!("relations.triage")), "{view}");
}
