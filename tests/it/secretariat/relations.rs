//! A request of the council from its receipt to the figures of the year: its days end on New Year's Day, are extended once, and are moved by
//! a holiday that is entered later.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::remind;
use serde_json::{Value, json};

use super::instruments::House;
use super::{act, done, due, moved, open, path};
use crate::approval::{Person, Room};
use crate::damage::{ask, raw};

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
    let months = figures["months"].as_array().unwrap();
    assert_eq!(months.len(), 12, "{figures}");
    let december = json!({ "month": 12, "received": 3, "concluded": 2, "in_time": 1, "late": 2 });
    assert_eq!(months[11], december, "one in time, one a day late, one that nobody answered: {figures}");
    assert!(months[..11].iter().all(|one| one["received"] == 0), "{figures}");
    let of_one = ask(room, rui, Method::GET, &format!("{}&department=Obras", report(2026)), Value::Null).await.1;
    assert_eq!((&of_one["months"][11]["received"], &of_one["department"]), (&json!(0), &json!("Obras")), "{of_one}");
    let request =
        Request::get(format!("/api/v1/{}&format=csv", report(2026))).header(header::AUTHORIZATION, &rui.token);
    let (status, file) = raw(room, request.body(Body::empty()).unwrap()).await;
    let file = String::from_utf8(file).unwrap();
    assert_eq!(status, StatusCode::OK, "{file}");
    assert_eq!(file.lines().count(), 13, "{file}");
    assert!(file.contains("relations.demand,2026,,12,3,2,1,2"), "{file}");
    let (status, other) = ask(room, rui, Method::GET, &format!("{}&format=xls", report(2026)), Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{other}");
    let next = ask(room, rui, Method::GET, &report(2027), Value::Null).await.1;
    assert_eq!(next["in_time"], json!([]), "they are of the year in which they came: {next}");
    let page = room.page(rui, "/secretaria/painel/articulacao-externa/relatorio/relations.demand?year=2026").await;
    assert!(page.contains("2026") && page.contains("<th scope=\"row\">December</th>"), "{page}");
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
async fn a_demand_is_linked_with_an_agreement_and_with_a_case_by_what_people_write_and_both_sides_show_it() {
    let house = House::open(Role::Agreements, "agreements", "2026-12-18").await;
    let agreement = house.opened(json!({ "kind": "fomento", "object": "Formação de núcleos" })).await;
    let room = &house.room;
    let rui = room.person("rui", Role::Relations).await;
    let case = open(room, &rui, "relations", demand(("movement", "Associação do Alto"), "Escadaria")).await;
    let other = open(room, &rui, "relations", demand(("council", "Câmara Municipal"), "Obras")).await;
    let link = format!("/secretaria/painel/articulacao-externa/casos/{}", case["id"].as_str().unwrap());
    let form = format!("{link}/ligar");
    let (status, page) = room.post(&rui, &form, "what=agreements&other=2031%2F001").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    let (status, page) = room.post(&rui, &form, "what=case&other=DEM+2026%2F999").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("othing of this number"), "{page}");
    let (status, page) = room.post(&rui, &form, "what=agreements&other=forma%C3%A7%C3%A3o").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let (status, page) = room.post(&rui, &form, "what=case&other=dem+2026%2F002").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");

    let links = path("relations", &case, "/links");
    let (status, twice) = ask(room, &rui, Method::POST, &links, json!({ "instrument": agreement })).await;
    assert_eq!(status, StatusCode::CONFLICT, "{twice}");
    for wrong in [json!({}), json!({ "instrument": agreement, "other": other["id"] })] {
        let (status, told) = ask(room, &rui, Method::POST, &links, wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "one of the two: {told}");
    }
    let seen = ask(room, &rui, Method::GET, &path("relations", &case, ""), Value::Null).await.1;
    assert_eq!((&seen["instruments"][0]["id"], &seen["links"][0]["id"]), (&json!(agreement), &other["id"]), "{seen}");
    assert_eq!(seen["instruments"][0]["title"], "Formação de núcleos", "{seen}");
    assert!(room.page(&rui, &link).await.contains("Formação de núcleos"));
    let ledger = ask(room, &rui, Method::GET, &path("relations", &case, "/acts"), Value::Null).await.1;
    assert_eq!((&ledger["acts"][1]["changes"]["instrument"], &ledger["broken_at"]), (&json!(agreement), &Value::Null));
    let whole = ask(room, &rui, Method::GET, &format!("secretariat/agreements/{agreement}"), Value::Null).await.1;
    assert_eq!(whole["cases"][0]["id"], case["id"], "{whole}");
    let page = room.page(&rui, &format!("/secretaria/painel/parcerias/{agreement}")).await;
    assert!(page.contains("Escadaria") && page.contains("DEM 2026/001"), "{page}");
    let paula = room.person("paula", Role::Press).await;
    let (status, told) = ask(room, &paula, Method::POST, &links, json!({ "instrument": agreement })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{told}");
}

#[tokio::test]
async fn the_counterpart_of_a_demand_is_an_entry_of_the_registry_which_shows_the_demand() {
    let room = Room::open(&[]).await;
    let rui = room.person("rui", Role::Relations).await;
    let rui = moved(&room, &rui, "rui", "2026-12-18T15:00:00Z").await;
    let entry = json!({ "kind": "organisation", "name": "Associação do Alto", "nature": "civil_society", "document": "", "access": "internal" });
    let (status, made) = ask(&room, &rui, Method::POST, "secretariat/registry", entry).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let new = "/secretaria/painel/articulacao-externa/novo/relations.demand";
    let typed = "title=Escadaria&f.counterpart_kind=movement&f.counterpart=Associa%C3%A7%C3%A3o+do+Alto&f.received_on=2026-12-17&f.request=A+escadaria";
    let (status, page) = room.post(&rui, new, &format!("{typed}&f.counterpart_entry=Ningu%C3%A9m")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nobody of this name is there: {page}");
    let (status, page) = room.post(&rui, new, &format!("{typed}&f.counterpart_entry=")).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "it is beside the name, and may be empty: {page}");
    let found = ask(&room, &rui, Method::GET, "secretariat/relations/cases", Value::Null).await.1;
    let case = &found["items"][0];
    assert_eq!(case["fields"].get("counterpart_entry"), None, "{case}");

    let named = json!({ "fields": { "counterpart_entry": "Associação do Alto" } });
    let after = done(&room, &rui, "relations", case, ("identify", named)).await;
    assert_eq!(after["fields"]["counterpart_entry"], made["id"], "{after}");
    let whole =
        ask(&room, &rui, Method::GET, &format!("secretariat/registry/{}", made["id"].as_str().unwrap()), Value::Null)
            .await
            .1;
    assert_eq!(whole["cases"][0]["id"], case["id"], "{whole}");
    let link = format!("/secretaria/painel/articulacao-externa/casos/{}", case["id"].as_str().unwrap());
    let page = room.page(&rui, &link).await;
    assert!(page.contains("Counterpart in the registry") && !page.contains(made["id"].as_str().unwrap()), "{page}");
    let wiped =
        done(&room, &rui, "relations", case, ("identify", json!({ "fields": { "counterpart_entry": null } }))).await;
    assert_eq!(wiped["fields"].get("counterpart_entry"), None, "{wiped}");
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
