//! Instruments of the secretariat, each by a procedure from its start to its end.

mod agreements;
mod documents;
mod exchange;
mod funding;
mod projects;
mod versions;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use chrono::{DateTime, Utc};
use sentinela::accounts::Role;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::approval::{Person, Room};
use crate::damage::ask;
use crate::support;

pub const PARTNER: &str = "11.222.333/0001-81";
pub const GRANTOR: &str = "00.394.460/0001-41";

/// A town whose clock jumps, and somebody who works in a module.
pub struct House {
    pub room: Room,
    pub person: Person,
    pub base: &'static str,
    name: &'static str,
}

/// Noon of a day in the town.
fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T15:00:00Z").parse().unwrap()
}

impl House {
    pub async fn open(role: Role, base: &'static str, day: &str) -> Self {
        let room = Room::open(&[]).await;
        room.app.clock.set(noon(day));
        let name = "irene";
        let person = room.person(name, role).await;
        Self { room, person, base, name }
    }

    /// It is this day now; whoever acts signed in again.
    pub async fn on(&mut self, day: &str) {
        self.room.app.clock.set(noon(day));
        self.person.token = self.room.token(self.name, day).await;
        let (cookie, csrf) = support::session_of(&self.room.app, self.person.id).await;
        (self.person.cookie, self.person.csrf) = (cookie, csrf);
    }

    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) = self.raw(&self.person.token, method, path, body).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn raw(&self, token: &str, method: Method, path: &str, body: String) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/secretariat/{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/json");
        let request = if token.is_empty() { request } else { request.header(header::AUTHORIZATION, token) };
        let request = request.body(Body::from(body)).unwrap();
        let response = support::soon("the answer", self.room.router.clone().oneshot(request)).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 32 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Opens one; its id.
    pub async fn opened(&self, opening: Value) -> String {
        let (status, made) = self.ask(Method::POST, "", &opening).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn act(&self, id: &str, act: Value) -> (StatusCode, Value) {
        self.ask(Method::POST, &format!("/{id}/acts"), &json!({ "act": act })).await
    }

    pub async fn done(&self, id: &str, act: Value) -> Value {
        let (status, shown) = self.act(id, act.clone()).await;
        assert_eq!(status, StatusCode::OK, "{act}: {shown}");
        shown
    }

    /// The act is refused with a conflict, and says these words.
    pub async fn refused(&self, id: &str, act: Value, words: &[&str]) {
        let (status, told) = self.act(id, act.clone()).await;
        assert_eq!(status, StatusCode::CONFLICT, "{act}: {told}");
        let detail = told["detail"].as_str().unwrap();
        assert!(words.iter().all(|word| detail.contains(word)), "{act}: {detail} lacks one of {words:?}");
    }

    pub async fn show(&self, id: &str) -> Value {
        let (status, shown) = self.ask(Method::GET, &format!("/{id}"), &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{shown}");
        shown
    }

    /// Day and state of a deadline.
    pub async fn deadline(&self, id: &str, code: &str) -> (String, String) {
        let shown = self.show(id).await;
        let all = shown["deadlines"].as_array().unwrap();
        let one = all.iter().rfind(|one| one["code"] == code).unwrap_or_else(|| panic!("{code} in {all:?}"));
        (one["due_on"].as_str().unwrap().to_owned(), one["state"].as_str().unwrap().to_owned())
    }

    pub async fn public(&self) -> Vec<Value> {
        let (status, text) = self.raw("", Method::GET, "/public", String::new()).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone()
    }
}

/// A PPA of 2026 to 2029 with one action, so that projects have something to point to.
pub async fn planned(room: &Room, (programme, action): (&str, &str)) {
    let bia = room.person("bia", Role::Budget).await;
    let bill = json!({ "kind": "ppa", "year": 2026 });
    let (status, made) = ask(room, &bia, Method::POST, "secretariat/budget/bills", bill).await;
    assert!(status.is_success(), "{made}");
    let targets = json!([{ "year": 2026, "quantity": 10, "amount": 100_000 }]);
    let action = json!({ "code": action, "name": "Resposta", "product": "", "unit": "", "targets": targets });
    let programme = json!({ "code": programme, "name": "Cidade segura", "objective": "Ninguém morre",
        "indicators": [{ "name": "Mortes", "unit": "pessoas", "reference": "3", "target": "0" }], "actions": [action] });
    let content = json!({ "revision": 1, "content": { "kind": "ppa", "programmes": [programme] } });
    let path = format!("secretariat/budget/bills/{}/content", made["id"].as_str().unwrap());
    let (status, told) = ask(room, &bia, Method::PUT, &path, content).await;
    assert!(status.is_success(), "{told}");
}

pub fn plan(starts_on: &str, ends_on: &str, schedule: &[(&str, i64)]) -> Value {
    let schedule: Vec<Value> =
        schedule.iter().map(|(on, centavos)| json!({ "on": on, "centavos": centavos })).collect();
    json!({ "goals": [{ "title": "Formar 200 voluntários", "indicator": "Certificados" }],
        "stages": [{ "title": "Oficinas", "starts_on": starts_on, "ends_on": ends_on }], "schedule": schedule })
}
