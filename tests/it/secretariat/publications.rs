//! Everybody reads publications and nothing else: by allow-list, masked, corrected and withdrawn in the open.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use super::{done, open, path};
use crate::approval::Room;
use crate::damage::ask;

/// Asks as whoever has no account.
async fn everybody(room: &Room, path: &str) -> (StatusCode, String) {
    room.send(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn what_leaves_is_a_snapshot_by_allow_list_and_a_later_change_does_not_show() {
    let room = Room::open(&[]).await;
    let rui = room.person("rui", Role::Relations).await;
    let body = json!({ "type": "relations.demand", "title": "Pedido de Maria, CPF 529.982.247-25", "assigned": "rui", "fields": {
        "counterpart_kind": "council", "counterpart": "Câmara Municipal", "received_on": "2026-02-20", "request": "Segredo interno",
        "contact": "maria@exemplo.invalid" } });
    let case = open(&room, &rui, "relations", body).await;
    let (_, listed) = everybody(&room, "/api/v1/secretariat/relations/publications").await;
    assert!(listed.contains("\"items\":[]"), "{listed}");
    done(&room, &rui, "relations", &case, ("register_council", json!({}))).await;
    done(&room, &rui, "relations", &case, ("draft", json!({ "fields": { "reply": "Segue o mapa (52998224725)." } })))
        .await;
    done(&room, &rui, "relations", &case, ("answer", json!({}))).await;
    let (status, page) = everybody(&room, "/api/v1/secretariat/relations/publications").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("***.982.247-**") && page.contains("Segue o mapa"), "{page}");
    for secret in ["529.982", "52998224725", "Segredo interno", "maria@exemplo"] {
        assert!(!page.contains(secret), "{secret} got out: {page}");
    }
    let id = case["id"].as_str().unwrap();
    let (status, html) = room.stranger(Method::GET, &format!("/secretaria/articulacao-externa/publicacoes/{id}")).await;
    assert_eq!(status, StatusCode::OK, "{html}");
    assert!(html.contains("Segue o mapa") && !html.contains("Segredo interno"), "{html}");
    // Behind the desk's back: the snapshot stands.
    sqlx::query("update case_file set title = 'Outro'").execute(&room.db.pool).await.unwrap();
    let (_, again) = everybody(&room, "/api/v1/secretariat/relations/publications").await;
    assert!(!again.contains("Outro"), "{again}");
    let rewritten = sqlx::query("update case_publication set snapshot = '{}'").execute(&room.db.pool).await;
    assert!(rewritten.is_err(), "a publication is never rewritten");
    let now = ask(&room, &rui, Method::GET, &path("relations", &case, ""), Value::Null).await.1;
    let why = json!({ "revision": now["revision"], "reason": "Dado de terceiro no anexo" });
    let (status, gone) = ask(&room, &rui, Method::POST, &path("relations", &case, "/withdraw"), why).await;
    assert_eq!(status, StatusCode::OK, "{gone}");
    let (_, listed) = everybody(&room, "/api/v1/secretariat/relations/publications").await;
    assert!(listed.contains("\"items\":[]"), "{listed}");
    assert_eq!(
        room.stranger(Method::GET, &format!("/secretaria/articulacao-externa/publicacoes/{id}")).await.0,
        StatusCode::NOT_FOUND
    );
}
