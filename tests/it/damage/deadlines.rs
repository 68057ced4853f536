//! A deadline tells how its day was reckoned, and a holiday or a rule moves it with a trace in its journal.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::deadlines::worker;
use serde_json::{Value, json};

use super::{Town, ask};
use crate::approval::Person;

const DUE: &str = "select due_on::text from deadline where code = 'damage.submission.sudden'";

async fn add(town: &Town, day: &str) -> Value {
    let holiday =
        json!({ "day": day, "name": "Luto oficial", "kind": "municipal", "shut": true, "law_ref": "Decreto 1" });
    let (status, moved) = ask(&town.room, &town.olga, Method::POST, "holidays", holiday).await;
    assert_eq!(status, StatusCode::CREATED, "{moved}");
    moved
}

/// A rule of business days, so that holidays matter.
fn rule(quantity: u32) -> Value {
    json!({ "reason": "Norma conferida", "rule": { "code": "damage.submission.sudden", "law_ref": "Portaria do teste", "confirmed": true,
        "valid_from": "2026-01-01", "anchor_event": "occurred", "quantity": quantity, "unit": "business", "warn_days": 3,
        "extensions": { "max": 1, "quantity": 5, "needs_reason": true, "before_expiry": true }, "pause": "suspend" } })
}

#[tokio::test]
async fn a_rule_and_a_holiday_move_what_is_open_and_the_journal_says_from_when_to_when() {
    let town = Town::open().await;
    assert_eq!(town.room.words(DUE).await, ["2026-03-04"], "ten days after a Sunday");
    let (status, refused) = ask(&town.room, &town.olga, Method::POST, "deadline-rules", rule(5)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    let (status, moved) = ask(&town.room, &town.ana, Method::POST, "deadline-rules", rule(5)).await;
    assert_eq!(status, StatusCode::CREATED, "{moved}");
    assert_eq!((&moved[0]["due_before"], &moved[0]["due_after"]), (&json!("2026-03-04"), &json!("2026-02-27")));
    let moved = add(&town, "2026-02-25").await;
    assert_eq!((&moved[0]["due_before"], &moved[0]["due_after"]), (&json!("2026-02-27"), &json!("2026-03-02")));
    assert_eq!(add(&town, "2026-02-28").await, json!([]), "a Saturday moves nothing");
    let deadlines = ask(&town.room, &town.olga, Method::GET, "deadlines", Value::Null).await.1;
    let trace = deadlines[0]["trace"].to_string();
    assert!(trace.contains("Luto oficial") && deadlines[0]["confirmed"] == true, "{trace}");
    let path = format!("deadlines/{}/acts", deadlines[0]["id"].as_str().unwrap());
    let acts = ask(&town.room, &town.olga, Method::GET, &path, Value::Null).await.1;
    let acts: Vec<(&str, &str)> = acts
        .as_array()
        .unwrap()
        .iter()
        .map(|act| (act["act"].as_str().unwrap(), act["due_after"].as_str().unwrap()))
        .collect();
    assert_eq!(acts, [("set", "2026-03-04"), ("reckon", "2026-02-27"), ("reckon", "2026-03-02")]);
    let id = town.room.words("select id::text from holiday where day = '2026-02-25'").await.pop().unwrap();
    let (status, moved) =
        ask(&town.room, &town.olga, Method::POST, &format!("holidays/{id}/remove"), json!({ "reason": "Engano" }))
            .await;
    assert_eq!((status, &moved[0]["due_after"]), (StatusCode::OK, &json!("2026-02-27")), "{moved}");
    let kept = town
        .room
        .words("select act from audit_event where act like 'deadline%' or act like 'holiday%' order by at, id")
        .await;
    assert_eq!(kept.iter().filter(|act| *act == "deadline.reckon").count(), 3, "{kept:?}");
    assert!(town.keeps("update deadline_act set due_after = null").await);
    let page = town.room.page(&town.olga, "/console/deadlines").await;
    assert!(page.contains("Portaria do teste") && page.contains("is due on 27 Feb 2026"), "{page}");
}

#[tokio::test]
async fn a_rule_that_only_warns_otherwise_reaches_what_is_open_and_a_rule_that_was_wrong_ends() {
    let town = Town::open().await;
    let mut same = json!({ "code": "damage.submission.sudden", "confirmed": true, "valid_from": "2026-01-01", "anchor_event": "occurred",
        "quantity": 10, "unit": "calendar", "roll_to_business": false, "warn_days": 7 });
    same["law_ref"] =
        json!("Portaria MDR 260/2022, como a citam dois Estados (10 dias); a Portaria 3.646/2022 a alterou: confirmar");
    let new = json!({ "reason": "Conferida", "rule": same });
    let (status, moved) = ask(&town.room, &town.ana, Method::POST, "deadline-rules", new).await;
    assert_eq!((status, moved.as_array().map(Vec::len)), (StatusCode::CREATED, Some(1)), "{moved}");
    let warns = "select warn_days || ' ' || confirmed from deadline where code = 'damage.submission.sudden'";
    assert_eq!(town.room.words(warns).await, ["7 true"]);
    let rules = ask(&town.room, &town.olga, Method::GET, "deadline-rules", Value::Null).await.1;
    let path = format!("deadline-rules/{}/end", rules[0]["id"].as_str().unwrap());
    let why = json!({ "reason": "Engano" });
    assert_eq!(ask(&town.room, &town.olga, Method::POST, &path, why.clone()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        ask(&town.room, &town.ana, Method::POST, &path, json!({ "reason": " " })).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(ask(&town.room, &town.ana, Method::POST, &path, why.clone()).await.0, StatusCode::OK);
    assert_eq!(town.room.words(warns).await, ["4 false"], "what is shipped holds again");
    assert_eq!(ask(&town.room, &town.ana, Method::POST, &path, why).await.0, StatusCode::NOT_FOUND, "it ended once");
    let rules = ask(&town.room, &town.olga, Method::GET, "deadline-rules", Value::Null).await.1;
    assert!(rules.as_array().unwrap().iter().all(|one| one["is_local"] == false), "{rules}");
    assert!(town.keeps("delete from deadline_rule_end").await && town.keeps("delete from deadline_rule").await);
}

#[tokio::test]
async fn what_was_done_is_met_and_what_only_held_for_a_time_ends_by_itself() {
    let town = Town::open().await;
    town.complete().await;
    let state = |code: &'static str| {
        let town = &town;
        async move {
            let rows = town.room.words("select code || ' ' || state from deadline").await;
            rows.into_iter().find_map(|row| row.strip_prefix(&format!("{code} ")).map(str::to_owned))
        }
    };
    let id = town.room.words("select id::text from deadline where code = 'damage.submission.sudden'").await.remove(0);
    let path = format!("deadlines/{id}");
    let meet = json!({ "act": "meet", "reason": "Pedido feito no S2iD" });
    let (status, met) = ask(&town.room, &town.olga, Method::POST, &path, meet.clone()).await;
    assert_eq!((status, &met["state"]), (StatusCode::OK, &json!("met")), "{met}");
    assert_eq!(ask(&town.room, &town.olga, Method::POST, &path, meet).await.0, StatusCode::CONFLICT, "it is over");
    let app = &town.room.app;
    worker::round(app, app.clock.now() + TimeDelta::days(179)).await.unwrap();
    assert_eq!(state("damage.decree").await.as_deref(), Some("open"), "in force to its last day");
    worker::round(app, app.clock.now() + TimeDelta::days(182)).await.unwrap();
    assert_eq!(state("damage.decree").await.as_deref(), Some("void"));
    let acts = town.room.words("select actor || ' ' || reason from deadline_act where act = 'void'").await;
    assert_eq!(acts, ["service o último dia passou"]);
    let page = town.room.page(&town.olga, "/console/deadlines").await;
    assert!(page.contains("No deadline"), "nothing runs: {page}");
}

#[tokio::test]
async fn a_reminder_that_reaches_nobody_is_not_used_up() {
    let town = Town::open().await;
    let app = &town.room.app;
    let near = app.clock.now() + TimeDelta::days(7);
    sqlx::query("update staff set email = null").execute(&town.room.db.pool).await.unwrap();
    assert_eq!(worker::round(app, near).await.unwrap(), 0, "nobody has an address");
    sqlx::query("update staff set email = username || '@exemplo.invalid'").execute(&town.room.db.pool).await.unwrap();
    assert_eq!(worker::round(app, near).await.unwrap(), 1, "it was kept for whoever can be told");
}

#[tokio::test]
async fn a_deadline_is_extended_once_with_a_reason_and_suspended_as_its_rule_says() {
    let town = Town::open().await;
    ask(&town.room, &town.ana, Method::POST, "deadline-rules", rule(5)).await;
    let id =
        town.room.words("select id::text from deadline where code = 'damage.submission.sudden'").await.pop().unwrap();
    let act = |act: &'static str| {
        let (town, path) = (&town, format!("deadlines/{id}"));
        async move {
            ask(&town.room, &town.olga, Method::POST, &path, json!({ "act": act, "reason": "Faltam laudos" })).await
        }
    };
    let (status, extended) = act("extend").await;
    assert_eq!((status, &extended["due_on"]), (StatusCode::OK, &json!("2026-03-06")), "{extended}");
    assert_eq!(act("extend").await.0, StatusCode::CONFLICT);
    assert_eq!(act("interrupt").await.0, StatusCode::CONFLICT);
    let (status, paused) = act("suspend").await;
    assert_eq!((status, &paused["due_on"]), (StatusCode::OK, &Value::Null), "{paused}");
    town.room.app.clock.set(town.room.app.clock.now() + TimeDelta::days(3));
    // Her token ran out meanwhile.
    let token = town.room.token("olga", "later").await;
    let olga = Person { id: town.olga.id, token, cookie: String::new(), csrf: String::new() };
    let resume = json!({ "act": "resume", "reason": "Laudos entregues" });
    let (status, resumed) = ask(&town.room, &olga, Method::POST, &format!("deadlines/{id}"), resume).await;
    assert_eq!(
        (status, &resumed["due_on"]),
        (StatusCode::OK, &json!("2026-03-10")),
        "two business days were lost: {resumed}"
    );
}

#[tokio::test]
async fn coordinators_are_told_when_it_is_near_and_on_the_last_day_and_not_in_between() {
    let town = Town::open().await;
    town.room.person("bruno", Role::Coordinator).await;
    sqlx::query("update staff set email = username || '@exemplo.invalid'").execute(&town.room.db.pool).await.unwrap();
    let app = &town.room.app;
    let mut told = Vec::new();
    for day in 0..12 {
        let now = app.clock.now() + TimeDelta::days(day);
        let first = worker::round(app, now).await.unwrap();
        assert_eq!(worker::round(app, now).await.unwrap(), 0, "each once, also after a restart");
        told.push(first);
    }
    assert_eq!(told, [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0], "four days before, and on the last day");
    let subjects = town.room.words("select distinct subject from notice where purpose = 'deadline'").await;
    assert!(
        subjects.iter().all(|subject| subject.contains("04/03/2026") && subject.contains("2026/001")),
        "{subjects:?}"
    );
}

#[tokio::test]
async fn a_preview_shows_the_rule_of_the_day_and_each_step() {
    let town = Town::open().await;
    let of = |on: &'static str| {
        let town = &town;
        async move {
            ask(
                &town.room,
                &town.olga,
                Method::GET,
                &format!("deadline-preview?code=damage.submission.sudden&on={on}"),
                Value::Null,
            )
            .await
        }
    };
    let (status, old) = of("2022-02-02").await;
    assert_eq!(
        (status, &old["rule"]["quantity"], &old["due_on"]),
        (StatusCode::OK, &json!(15), &json!("2022-02-17")),
        "{old}"
    );
    let (_, new) = of("2022-02-03").await;
    assert_eq!(new["rule"]["quantity"], 10, "the law changes by the day of the anchor");
    assert!(new["trace"].as_array().unwrap().iter().any(|step| step.as_str().unwrap().contains("13/02/2022")), "{new}");
    assert_eq!(of("2010-01-01").await.0, StatusCode::CONFLICT);
    let (_, holidays) = ask(&town.room, &town.olga, Method::GET, "holidays?year=2026", Value::Null).await;
    assert!(
        holidays.as_array().unwrap().iter().any(|day| day["day"] == "2026-04-03" && day["name"] == "Paixão de Cristo"),
        "{holidays}"
    );
}
