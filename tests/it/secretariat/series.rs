//! With which number a series begins: for administrators, confirmed, in the audit, and never after a case has a number.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{determination, open};
use crate::approval::{Person, Room};
use crate::damage::ask;

async fn begin(room: &Room, by: &Person, change: Value) -> (StatusCode, Value) {
    let mut body =
        json!({ "series": "DET", "year": 2026, "start": 42, "reason": "Segue o livro de papel", "confirm": true });
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    ask(room, by, Method::PUT, "secretariat/series", body).await
}

#[tokio::test]
async fn an_administrator_sets_the_first_number_once_and_the_audit_says_so() {
    let room = Room::open(&[]).await;
    let (ada, carla) = (room.person("ada", Role::Administrator).await, room.person("carla", Role::Coordination).await);
    assert_eq!(begin(&room, &carla, json!({})).await.0, StatusCode::FORBIDDEN);
    for (change, field) in [
        (json!({ "confirm": false }), "confirm"),
        (json!({ "reason": " " }), "reason"),
        (json!({ "start": 0 }), "start"),
        (json!({ "year": 2030 }), "year"),
        (json!({ "series": "XYZ" }), "series"),
    ] {
        let (status, wrong) = begin(&room, &ada, change).await;
        assert_eq!((status, &wrong["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!(field)), "{wrong}");
    }
    assert_eq!(begin(&room, &ada, json!({})).await.0, StatusCode::NO_CONTENT);
    let all = ask(&room, &ada, Method::GET, "secretariat/series", Value::Null).await.1;
    let det = all.as_array().unwrap().iter().find(|one| one["series"] == "DET" && one["year"] == 2026).unwrap();
    assert_eq!((&det["next"], &det["used"]), (&json!(42), &json!(false)), "{det}");
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    assert_eq!(case["numbered"], "DET 2026/042", "{case}");
    let (status, late) = begin(&room, &ada, json!({ "start": 1 })).await;
    assert_eq!((status, &late["code"]), (StatusCode::CONFLICT, &json!("series-used")), "{late}");
    let next = open(&room, &carla, "coordination", determination("Galerias", "2026-12-01")).await;
    assert_eq!(next["numbered"], "DET 2026/043", "what was refused changed nothing: {next}");
    let kept = room.words("select object || ' ' || reason from audit_event where act = 'series.start'").await;
    assert_eq!(kept, ["DET/2026 Segue o livro de papel"]);
}

#[tokio::test]
async fn the_page_asks_to_confirm_and_says_what_stands() {
    let room = Room::open(&[]).await;
    let ada = room.person("ada", Role::Administrator).await;
    let form = "series=DET%2F2026&start=7&reason=Livro+de+papel";
    let (status, page) = room.post(&ada, "/console/series", form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert_eq!(room.post(&ada, "/console/series", &format!("{form}&sure=yes")).await.0, StatusCode::SEE_OTHER);
    let page = room.page(&ada, "/console/series").await;
    assert!(page.contains("<td class=\"n\">7</td>"), "{page}");
}
