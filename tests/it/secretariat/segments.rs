//! Messages by segment: nothing leaves before the mailbox confirmed, a digest leaves once, and one press ends it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::secretariat::segments::worker;
use serde_json::json;

use super::{at, done, moved, open};
use crate::approval::{Person, Room};

async fn form(room: &Room, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT_LANGUAGE, "en")
        .body(Body::from(body.to_owned()))
        .unwrap();
    room.send(request).await
}

/// The path of the link in the last notice of a purpose.
async fn link(room: &Room, sql: &'static str, below: &str) -> String {
    let bodies = room.words(sql).await;
    let body = bodies.last().expect("a notice");
    let line = body.lines().find(|line| line.contains(below)).unwrap_or_else(|| panic!("{body}"));
    format!("{below}{}", line.split(below).nth(1).unwrap().trim())
}

const ASKED: &str = "select body from notice where purpose = 'segment_confirm' order by created_at, id";
const SENT: &str = "select body from notice where purpose = 'segment_digest' order by created_at, id";

async fn published(room: &Room, (ana, bia): (&Person, &Person), (title, tags): (&str, &str)) {
    let body = json!({ "type": "news.item", "title": title,
        "fields": { "kind": "civil_defense", "lead": "Resumo", "body": "Texto", "tags": tags } });
    let item = open(room, ana, "news", body).await;
    done(room, bia, "news", &item, ("approve", json!({}))).await;
    done(room, ana, "news", &item, ("publish", json!({}))).await;
}

#[tokio::test]
async fn a_mailbox_gets_what_has_its_tags_only_after_it_confirmed_and_nothing_after_it_left() {
    let room = Room::open(&[]).await;
    let (ana, bia) = (room.person("ana", Role::News).await, room.person("bia", Role::News).await);
    let ana = moved(&room, &ana, "ana", "2026-12-30T15:00:00Z").await;
    let bia = moved(&room, &bia, "bia", "2026-12-30T15:00:00Z").await;
    let ask = "/secretaria/segmentos/assinar";
    assert_eq!(form(&room, ask, "email=x&tag=chuva").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(form(&room, ask, "email=maria%40exemplo.invalid&tag=futebol").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, page) = form(&room, ask, "email=maria%40exemplo.invalid&tag=chuva").await;
    assert_eq!(status, StatusCode::OK, "{page}");

    published(&room, (&ana, &bia), ("Antes do pedido", "chuva")).await;
    room.app.clock.set(at("2026-12-31T12:00:00Z"));
    assert_eq!(worker::round(&room.app, at("2026-12-31T12:00:00Z")).await.unwrap(), 0, "nobody confirmed");
    let confirm = link(&room, ASKED, "/secretaria/segmentos/confirmar/").await;
    assert_eq!(room.stranger(Method::GET, &confirm).await.0, StatusCode::OK);
    assert_eq!(
        room.words("select id::text from segment_subscription where confirmed_at is not null").await.len(),
        0,
        "looking changes nothing"
    );
    let (status, page) = form(&room, &confirm, "").await;
    assert_eq!(status, StatusCode::OK, "{page}");

    let ana = moved(&room, &ana, "ana", "2026-12-31T15:00:00Z").await;
    let bia = moved(&room, &bia, "bia", "2026-12-31T15:00:00Z").await;
    for (title, tags) in [("Chuva à tarde", "Chuva"), ("Feira de livros", "cultura")] {
        published(&room, (&ana, &bia), (title, tags)).await;
    }
    // Before eight in the town nothing leaves.
    assert_eq!(worker::round(&room.app, at("2027-01-01T10:30:00Z")).await.unwrap(), 0);
    // The morning of New Year's Day, a Friday, is one like others.
    let morning = at("2027-01-01T11:30:00Z");
    room.app.clock.set(morning);
    assert_eq!(worker::round(&room.app, morning).await.unwrap(), 1);
    assert_eq!(worker::round(&room.app, morning).await.unwrap(), 0, "once a day");
    let digest = room.words(SENT).await.pop().unwrap();
    assert!(digest.contains("Chuva à tarde"), "{digest}");
    assert!(!digest.contains("Feira de livros") && !digest.contains("Antes do pedido"), "{digest}");
    // What comes out on the Saturday leaves on the Sunday; on the Saturday and the Monday there is nothing to tell.
    assert_eq!(worker::round(&room.app, at("2027-01-02T11:30:00Z")).await.unwrap(), 0);
    let ana = moved(&room, &ana, "ana", "2027-01-02T15:00:00Z").await;
    let bia = moved(&room, &bia, "bia", "2027-01-02T15:00:00Z").await;
    published(&room, (&ana, &bia), ("Encosta interditada", "chuva")).await;
    for (instant, handed) in [("2027-01-03T11:30:00Z", 1), ("2027-01-04T11:30:00Z", 0)] {
        room.app.clock.set(at(instant));
        assert_eq!(worker::round(&room.app, at(instant)).await.unwrap(), handed, "{instant}");
    }
    let digest = room.words(SENT).await.pop().unwrap();
    assert!(digest.contains("Encosta interditada") && !digest.contains("Chuva à tarde"), "{digest}");

    let leave = link(&room, SENT, "/secretaria/segmentos/sair/").await;
    assert_eq!(room.stranger(Method::GET, &leave).await.0, StatusCode::OK);
    assert_eq!(form(&room, &leave, "x=y").await.0, StatusCode::BAD_REQUEST, "only what the RFC names");
    assert_eq!(form(&room, &leave, "List-Unsubscribe=One-Click").await.0, StatusCode::OK);
    let kept = room.words("select coalesce(email, 'none') from segment_subscription").await;
    assert_eq!(kept, ["none"], "whoever leaves is forgotten");
    // The old link of the confirmation brings nobody back.
    form(&room, &confirm, "").await;
    assert_eq!(room.words("select id::text from segment_subscription where left_at is null").await.len(), 0);
}
