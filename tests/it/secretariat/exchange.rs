//! What is taken out comes in elsewhere and goes out there byte by byte the same.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::json;

use super::{determination, done, open};
use crate::approval::{Person, Room};

async fn export(room: &Room, by: &Person, format: &str) -> String {
    let request = Request::get(format!("/api/v1/secretariat/coordination/export?format={format}"))
        .header(header::AUTHORIZATION, &by.token)
        .body(Body::empty());
    let (status, body) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn import(room: &Room, by: &Person, kind: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post("/api/v1/secretariat/coordination/import")
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body.to_owned()));
    room.send(request.unwrap()).await
}

#[tokio::test]
async fn an_export_comes_in_elsewhere_and_goes_out_the_same_and_a_forged_line_is_refused() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    for title in ["Bueiros", "Poda, \"urgente\""] {
        let case = open(&room, &carla, "coordination", determination(title, "2026-12-01")).await;
        done(&room, &carla, "coordination", &case, ("accept", json!({ "fields": { "responsible": "Sr. Lima" } })))
            .await;
    }
    for (format, kind) in [("jsonl", "application/jsonl"), ("csv", "text/csv")] {
        let out = export(&room, &carla, format).await;
        let other = Room::open(&[]).await;
        let clara = other.person("clara", Role::Coordination).await;
        let (status, told) = import(&other, &clara, kind, &out).await;
        assert_eq!((status, told.as_str()), (StatusCode::OK, r#"{"added":2,"unchanged":0}"#));
        assert_eq!(export(&other, &clara, format).await, out);
        let (_, told) = import(&other, &clara, kind, &out).await;
        assert_eq!(told, r#"{"added":0,"unchanged":2}"#);
        let next = open(&other, &clara, "coordination", determination("Nova", "2026-12-01")).await;
        assert_eq!(next["numbered"], "DET 2026/003", "the series goes on after what came in");
        let third = Room::open(&[]).await;
        let clara = third.person("clara", Role::Coordination).await;
        let (status, told) = import(&third, &clara, kind, &out.replacen("Sr. Lima", "Sr. Lobo", 1)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
        assert!(
            ["line 1: acts", "line 2: acts", "it was changed since", "is another than the acts made it"]
                .iter()
                .any(|word| told.contains(word)),
            "{told}"
        );
        assert_eq!(third.words("select count(*)::text from case_file").await, ["0"], "all or none");
    }
}
