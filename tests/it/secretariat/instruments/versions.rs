//! What everybody reads of an instrument is kept version by version: corrected in the open, withdrawn with a reason, and chained.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::chain::sum;
use serde_json::{Value, json};

use super::super::chained::{checked, found_after, found_in};
use super::{House, PARTNER};

/// An agreement that is public with two versions, on two days.
async fn corrected(house: &mut House) -> String {
    let id = house.opened(json!({ "kind": "fomento", "object": "Oficinas" })).await;
    let everybodys = format!("/public/{id}");
    assert_eq!(house.raw("", Method::GET, &everybodys, String::new()).await.0, StatusCode::NOT_FOUND);
    house.done(&id, json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" })).await;
    house.on("2026-01-15").await;
    let partner = json!({ "name": "Casa da Serra", "document": PARTNER });
    house.done(&id, json!({ "act": "select", "partner": partner, "reason": "Única" })).await;
    id
}

async fn versions(house: &House, id: &str) -> Vec<Value> {
    let (status, text) = house.raw("", Method::GET, &format!("/public/{id}"), String::new()).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
}

#[tokio::test]
async fn each_version_stays_and_the_page_says_which_one_it_is_and_when_it_was_corrected() {
    let mut house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = corrected(&mut house).await;
    let all = versions(&house, &id).await;
    let told: Vec<(&Value, &Value)> = all.iter().map(|one| (&one["seq"], &one["act"])).collect();
    assert_eq!(told, [(&json!(2), &json!("select")), (&json!(1), &json!("waive"))]);
    for one in &all {
        assert_eq!(one["sha256"], json!(sum(&one["view"])), "{one}");
    }
    assert_eq!((&all[0]["view"]["partner"], &all[1]["view"]["partner"]), (&json!("Casa da Serra"), &json!("")));
    // An act of which everybody reads nothing new makes no version.
    house.on("2026-01-16").await;
    house.done(&id, json!({ "act": "appoint", "manager": "Rui", "commission": ["Ana"] })).await;
    assert_eq!(versions(&house, &id).await, all);

    let path = format!("/secretaria/parcerias/{id}");
    let (status, last) = house.room.stranger(Method::GET, &path).await;
    assert_eq!(status, StatusCode::OK, "{last}");
    for said in [
        "Casa da Serra",
        "Corrected or updated on 15 Jan 2026",
        "Published versions",
        all[0]["sha256"].as_str().unwrap(),
    ] {
        assert!(last.contains(said), "{said}: {last}");
    }
    assert!(last.contains(&format!("href=\"{path}?versao=1\"")), "{last}");
    let (status, first) = house.room.stranger(Method::GET, &format!("{path}?versao=1")).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    for said in ["This is version 1, of 14 Jan 2026", "Read version 2", all[1]["sha256"].as_str().unwrap()] {
        assert!(first.contains(said), "{said}: {first}");
    }
    assert!(!first.contains("Casa da Serra"), "{first}");
    for none in ["3", "0", "x"] {
        let (status, _) = house.room.stranger(Method::GET, &format!("{path}?versao={none}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{none}");
    }
}

#[tokio::test]
async fn what_is_withdrawn_is_read_by_nobody_and_keeps_its_versions_and_its_reason() {
    let mut house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = corrected(&mut house).await;
    house.done(&id, json!({ "act": "cancel", "reason": "Sem recursos" })).await;
    assert!(house.public().await.is_empty());
    for rest in ["", "?versao=1"] {
        let (status, page) = house.room.stranger(Method::GET, &format!("/secretaria/parcerias/{id}{rest}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{page}");
    }
    assert_eq!(house.raw("", Method::GET, &format!("/public/{id}"), String::new()).await.0, StatusCode::NOT_FOUND);
    let kept = "select concat_ws(' ', seq, act, snapshot is null, reason) from instrument_publication order by seq";
    let kept = house.room.words(kept).await;
    assert_eq!(kept[2], "3 cancel t Sem recursos", "{kept:?}");
    assert_eq!(kept.len(), 3);
    for sql in ["update instrument_publication set reason = ''", "delete from instrument_publication"] {
        assert!(sqlx::query(sql).execute(&house.room.db.pool).await.is_err(), "{sql}");
    }
    found_in(
        &house.room,
        "instrument",
        &[("instrument_publication", "published_by"), ("instrument_publication", "reason")],
    )
    .await;
    found_after(&house.room, "delete from instrument_publication where seq = 1", "of instrument_publication is gone")
        .await;
}

#[tokio::test]
async fn versions_come_in_elsewhere_with_the_same_pages_and_a_forged_one_does_not() {
    let mut house = House::open(Role::Agreements, "agreements", "2026-01-14").await;
    let id = corrected(&mut house).await;
    let gone = house.opened(json!({ "kind": "fomento", "object": "Hortas" })).await;
    let waive = json!({ "act": "waive", "ground": "Emergência", "law_ref": "Lei 13.019/2014, art. 30, I" });
    house.done(&gone, waive).await;
    house.done(&gone, json!({ "act": "cancel", "reason": "Sem recursos" })).await;
    let (_, out) = house.raw(&house.person.token, Method::GET, "/export", String::new()).await;
    let mut lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    let other = House::open(Role::Agreements, "agreements", "2026-01-15").await;
    let import = async |text: String| other.raw(&other.person.token, Method::POST, "/import", text).await;
    for (place, value, words) in [
        ("/versions/0/view/object", json!("Outra coisa"), "the version 1: it has another SHA-256"),
        ("/versions/1/seq", json!(3), "does not follow the one before it"),
        ("/versions/0/act", json!("sign"), "no act of the instrument made it"),
    ] {
        let mut forged = lines[0].clone();
        *forged.pointer_mut(place).unwrap() = value;
        let (status, told) = import(forged.to_string()).await;
        assert!(status == StatusCode::BAD_REQUEST && told.contains(words), "{place}: {told}");
    }
    for word in ["\"created\":2", "\"unchanged\":2"] {
        let (status, told) = import(out.clone()).await;
        assert!(status == StatusCode::OK && told.contains(word), "{told}");
        assert_eq!(other.raw(&other.person.token, Method::GET, "/export", String::new()).await.1, out);
    }
    assert_eq!(versions(&other, &id).await, versions(&house, &id).await);
    for (path, expected) in [
        (format!("/secretaria/parcerias/{id}"), StatusCode::OK),
        (format!("/secretaria/parcerias/{id}?versao=1"), StatusCode::OK),
        (format!("/secretaria/parcerias/{gone}"), StatusCode::NOT_FOUND),
    ] {
        let (here, there) =
            (house.room.stranger(Method::GET, &path).await, other.room.stranger(Method::GET, &path).await);
        assert_eq!((here.0, there.0), (expected, expected), "{path}");
        if expected == StatusCode::OK {
            assert_eq!(here.1, there.1, "{path}");
        }
    }
    let kept = "select concat_ws(' ', count(*), count(imported_at)) from instrument_publication";
    assert_eq!(other.room.words(kept).await, ["4 4"], "marked as imported");
    assert_eq!(checked(&other.room).await.found, 0);

    // A file from before they were kept: what everybody reads is made anew, of the document.
    let third = House::open(Role::Agreements, "agreements", "2026-01-15").await;
    let mut old = String::new();
    for line in &mut lines {
        line.as_object_mut().unwrap().remove("versions");
        old += &format!("{line}\n");
    }
    for word in ["\"created\":2", "\"unchanged\":2"] {
        let (status, told) = third.raw(&third.person.token, Method::POST, "/import", old.clone()).await;
        assert!(status == StatusCode::OK && told.contains(word), "{told}");
    }
    let made = versions(&third, &id).await;
    assert_eq!((made.len(), &made[0]["view"]), (1, &versions(&house, &id).await[0]["view"]));
}
