//! Lists that modules keep beside their work go out as a file, come in elsewhere, and go out there with the same bytes.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};

use crate::approval::{Person, Room};
use crate::damage::ask;

const OUTLETS: &str = "secretariat/press/outlets/file";
const HEARD: &str = "secretariat/media-monitoring/definitions";

async fn file(room: &Room, by: &Person, path: &str) -> String {
    let request = Request::get(format!("/api/v1/{path}")).header(header::AUTHORIZATION, &by.token).body(Body::empty());
    let (status, text) = room.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

async fn put(room: &Room, by: &Person, path: &str, text: &str) -> (StatusCode, Value) {
    let request = Request::put(format!("/api/v1/{path}"))
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(text.to_owned()));
    let (status, told) = room.send(request.unwrap()).await;
    (status, serde_json::from_str(&told).unwrap_or(Value::String(told)))
}

async fn made(room: &Room, by: &Person, path: &str, body: Value) -> Value {
    let (status, told) = ask(room, by, Method::POST, path, body).await;
    assert!(status.is_success(), "{path}: {told}");
    told
}

#[tokio::test]
async fn outlets_come_in_elsewhere_and_whoever_left_there_does_not_come_back() {
    let room = Room::open(&[]).await;
    let paula = room.person("paula", Role::Press).await;
    for (name, email, tags) in
        [("Rádio", "radio@exemplo.invalid", ""), ("Jornal", "jornal@exemplo.invalid", "obras, chuva")]
    {
        let new = json!({ "name": name, "email": email, "tags": tags, "contact": "Redação" });
        made(&room, &paula, "secretariat/press/outlets", new).await;
    }
    let out = file(&room, &paula, OUTLETS).await;
    let other = Room::open(&[]).await;
    let there = other.person("paula", Role::Press).await;
    let rui = other.person("rui", Role::Relations).await;
    assert_eq!(put(&other, &rui, OUTLETS, &out).await.0, StatusCode::FORBIDDEN, "the list is restricted");
    for (added, unchanged) in [(2, 0), (0, 2)] {
        let told = put(&other, &there, OUTLETS, &out).await;
        assert_eq!(told, (StatusCode::OK, json!({ "added": added, "unchanged": unchanged })));
        assert_eq!(file(&other, &there, OUTLETS).await, out);
    }
    let (status, told) = put(&other, &there, OUTLETS, &out.replacen("Redação", "Pauta", 1)).await;
    assert!(status == StatusCode::CONFLICT && told.to_string().contains("differs"), "{told}");
    let (status, told) = put(&other, &there, OUTLETS, &out.replacen("radio@exemplo.invalid", "rádio", 1)).await;
    assert!(status == StatusCode::BAD_REQUEST && told.to_string().contains("outlets[1].email"), "{told}");

    let list: Value = serde_json::from_str(&out).unwrap();
    let gone = format!("secretariat/press/outlets/{}", list["outlets"][0]["id"].as_str().unwrap());
    assert_eq!(ask(&other, &there, Method::DELETE, &gone, Value::Null).await.0, StatusCode::NO_CONTENT);
    let (status, told) = put(&other, &there, OUTLETS, &out).await;
    assert!(status == StatusCode::CONFLICT && told.to_string().contains("left the list here"), "{told}");
    let kept = other.words("select o::text from press_outlet o").await.concat();
    assert!(!kept.contains("jornal@exemplo.invalid"), "who left stays forgotten: {kept}");
}

#[tokio::test]
async fn sources_and_rules_are_listened_to_elsewhere_with_the_same_file() {
    let room = Room::open(&[]).await;
    let mia = room.person("mia", Role::MediaMonitoring).await;
    let base = "secretariat/media-monitoring";
    let feed = json!({ "name": "Jornal", "kind": "feed", "url": "https://jornal.example/rss", "every_s": 1800 });
    let id = made(&room, &mia, &format!("{base}/sources"), feed).await["id"].clone();
    made(&room, &mia, &format!("{base}/sources"), json!({ "name": "Rádio", "kind": "hand" })).await;
    let of_one = json!({ "name": "Chuva", "query": "chuva OU enchent*", "source_id": id, "theme": "Clima" });
    made(&room, &mia, &format!("{base}/rules"), of_one).await;
    made(&room, &mia, &format!("{base}/rules"), json!({ "name": "Sirene", "query": "\"sirene\"", "theme": "" })).await;
    let rests = format!("{base}/sources/{}/pause", id.as_str().unwrap());
    assert_eq!(ask(&room, &mia, Method::POST, &rests, Value::Null).await.0, StatusCode::NO_CONTENT);

    let out = file(&room, &mia, HEARD).await;
    let other = Room::open(&[]).await;
    let there = other.person("mia", Role::MediaMonitoring).await;
    for (sources, rules) in [(2, 2), (0, 0)] {
        let told = put(&other, &there, HEARD, &out).await;
        assert_eq!(told, (StatusCode::OK, json!({ "sources": sources, "rules": rules })));
        assert_eq!(file(&other, &there, HEARD).await, out);
    }
    let rests = other.words("select name from media_source where paused_at is not null").await;
    assert_eq!(rests, ["Jornal"], "a source that rests is not asked there either");
    let (status, told) = put(&other, &there, HEARD, &out.replacen("1800", "900", 1)).await;
    assert!(
        status == StatusCode::CONFLICT && told.to_string().contains("Jornal is followed here and differs"),
        "{told}"
    );

    // All or none: a rule of a source that nobody follows leaves no source behind.
    let third = Room::open(&[]).await;
    let there = third.person("mia", Role::MediaMonitoring).await;
    let mut list: Value = serde_json::from_str(&out).unwrap();
    list["rules"][0]["source"] = json!("Outro");
    let (status, told) = put(&third, &there, HEARD, &list.to_string()).await;
    assert!(status == StatusCode::BAD_REQUEST && told.to_string().contains("rules[0].source"), "{told}");
    assert_eq!(third.words("select count(*)::text from media_source").await, ["0"]);
}
