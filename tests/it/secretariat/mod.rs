//! The secretariat's modules on a real database, with a clock that jumps over holidays and the year's turn.

mod bad_input;
mod budget;
mod by_hand;
mod chained;
mod citizen;
mod committees;
mod council;
mod definitions;
mod diary;
mod enforced;
mod ethics;
mod evaluation;
mod exchange;
mod figures;
mod files;
mod guarded;
mod instruments;
mod kernel;
mod legislative;
mod mayor;
mod media;
mod open_data;
mod open_door;
mod orders;
mod paper;
mod publications;
mod publishing;
mod recusal;
mod registry;
mod relations;
mod representation;
mod search;
mod segments;
mod series;
mod stories;
mod table;
mod words;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::clock::Instant;
use serde_json::{Value, json};

use crate::approval::{Person, Room};
use crate::damage::ask;

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Moves the clock, and gives the person a token that lives then.
pub async fn moved(room: &Room, person: &Person, username: &str, to: &str) -> Person {
    room.app.clock.set(at(to));
    let opened = crate::support::session_of(&room.app, person.id).await;
    Person { id: person.id, token: room.token(username, to).await, cookie: opened.0, csrf: opened.1 }
}

pub async fn open(room: &Room, by: &Person, module: &str, body: Value) -> Value {
    let (status, made) = ask(room, by, Method::POST, &format!("secretariat/{module}/cases"), body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made
}

pub fn path(module: &str, case: &Value, rest: &str) -> String {
    format!("secretariat/{module}/cases/{}{rest}", case["id"].as_str().unwrap())
}

/// Sends a form with a file as a browser does: the words of the form, then what the file is called, what it is, and its bytes.
pub async fn send_file(
    room: &Room,
    by: &Person,
    path: &str,
    words: &[(&str, &str)],
    (name, kind, bytes): (&str, &str, &[u8]),
) -> (StatusCode, String) {
    let mut body = Vec::new();
    let csrf = ("csrf", by.csrf.as_str());
    for (field, text) in std::iter::once(&csrf).chain(words) {
        let part = format!("--X\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{text}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}");
    body.extend_from_slice(format!("--X\r\n{head}\r\n\r\n").as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--X--\r\n");
    let request = Request::post(format!("{path}?lang=en"))
        .header("cookie", &by.cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
        .body(Body::from(body));
    room.send(request.unwrap()).await
}

/// Does an act to a case as it stands.
pub async fn act(
    room: &Room,
    by: &Person,
    module: &str,
    case: &Value,
    (act, mut body): (&str, Value),
) -> (StatusCode, Value) {
    let now = ask(room, by, Method::GET, &path(module, case, ""), Value::Null).await.1;
    if body.get("revision").is_none() {
        body["revision"] = now["revision"].clone();
    }
    ask(room, by, Method::POST, &path(module, case, &format!("/acts/{act}")), body).await
}

pub async fn done(room: &Room, by: &Person, module: &str, case: &Value, what: (&str, Value)) -> Value {
    let name = what.0.to_owned();
    let (status, after) = act(room, by, module, case, what).await;
    assert_eq!(status, StatusCode::OK, "{name}: {after}");
    after
}

pub fn due<'a>(case: &'a Value, code: &str) -> &'a Value {
    let all = case["deadlines"].as_array().unwrap();
    all.iter().find(|one| one["code"] == code && one["state"] == "open").map_or(&Value::Null, |one| &one["due_on"])
}

pub fn determination(title: &str, due_on: &str) -> Value {
    json!({ "type": "coordination.determination", "title": title, "department": "Obras",
        "fields": { "text": "Limpar as bocas de lobo", "due_on": due_on } })
}
