//! Shelters, supplies, humanitarian aid and volunteers on a real database.

mod aid;
mod apart;
mod at_once;
mod door;
mod volunteers;

use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::app::App;
use sentinela::audit::{Actor, ActorKind, Via};
use sentinela::ids::IncidentId;
use sentinela::reports::Spot;
use sentinela::shelters::desk::{self, Wanted};
use sentinela::shelters::life::Act;
use sentinela::shelters::people::Keeping;
use sentinela::shelters::{Age, Identity, NewHousehold, NewPerson, NewShelter};
use serde_json::Value;
use uuid::Uuid;

use crate::approval::{Person, Room};
use crate::support::TestDb;

pub const INCIDENT: Uuid = Uuid::from_u128(0x1c);

/// An open incident, for which shelters are opened.
pub async fn incident(db: &TestDb) -> Uuid {
    sqlx::query(
        "insert into incident (id, number, title, cobrade, state, opened_at, opened_by)
         values ($1, '2026/001', 'Temporal', '1.1.3.2.1', 'open', '2026-02-22T11:00:00Z', 'olga')",
    )
    .bind(INCIDENT)
    .execute(&db.pool)
    .await
    .unwrap();
    INCIDENT
}

pub fn actor(name: &str) -> Actor {
    Actor { kind: ActorKind::Staff, name: name.into(), id: None, via: Via::Console, address: None }
}

pub fn acting<'a>(app: &'a App, actor: &'a Actor) -> Acting<'a> {
    Acting { ids: &app.ids, now: app.clock.now(), actor }
}

pub fn keeping(app: &App) -> Keeping<'_> {
    Keeping { ring: &app.keys.vault, days: 1825 }
}

pub fn shelter(code: &str, capacity: i32) -> NewShelter {
    NewShelter {
        code: code.into(),
        name: format!("Escola {code}"),
        spot: Spot { lon: -43.395, lat: -21.75, precision_m: 20 },
        address: "Rua Halfeld, 100".into(),
        capacity,
        rooms: 10,
        accessible: true,
        pets: false,
        kitchen: true,
        contact: "Ana 32 99999-0009".into(),
        keys: String::new(),
    }
}

/// A shelter that is open, without its checklist for the sake of haste.
pub async fn opened(app: &App, code: &str, capacity: i32) -> Uuid {
    let actor = actor("olga");
    let by = acting(app, &actor);
    let mut tx = app.db.web.begin().await.unwrap();
    let id = desk::save(&mut tx, by, None, &shelter(code, capacity)).await.unwrap();
    for act in [Act::Begin, Act::Open] {
        let wanted = Wanted { act, reason: "famílias na porta", incident: Some(INCIDENT) };
        desk::act(&mut tx, by, id, wanted).await.unwrap();
    }
    tx.commit().await.unwrap();
    id
}

pub fn family(names: &[&str]) -> NewHousehold {
    let person = |name: &&str| NewPerson {
        identity: Identity { name: (*name).into(), document: String::new() },
        age: Age::Adult,
        needs: Vec::new(),
    };
    NewHousehold {
        district: "Linhares".into(),
        pets: 1,
        consent: true,
        needs_consent: false,
        persons: names.iter().map(person).collect(),
    }
}

/// A family that is registered and nowhere yet; its id and those of its persons.
pub async fn registered(app: &App, names: &[&str]) -> (Uuid, Vec<Uuid>) {
    let actor = actor("fabio");
    let mut tx = app.db.web.begin().await.unwrap();
    let form = family(names);
    let (acting, keeping) = (acting(app, &actor), keeping(app));
    let made =
        sentinela::shelters::people::register(&mut tx, acting, keeping, IncidentId(INCIDENT), &form).await.unwrap();
    tx.commit().await.unwrap();
    made
}

pub async fn texts(db: &TestDb, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&db.pool).await.unwrap()
}

/// A room with an open incident and somebody of each kind.
pub struct House {
    pub room: Room,
    /// Works at the door.
    pub fabio: Person,
    /// Runs incidents.
    pub olga: Person,
    pub clara: Person,
}

impl House {
    pub async fn open() -> Self {
        let room = Room::open(&[]).await;
        incident(&room.db).await;
        let fabio = room.person("fabio", Role::FieldAgent).await;
        let olga = room.person("olga", Role::Operator).await;
        let clara = room.person("clara", Role::Coordinator).await;
        Self { room, fabio, olga, clara }
    }

    /// Time passes, and everybody signs in anew.
    pub async fn later(&mut self, time: chrono::TimeDelta) {
        let app = &self.room.app;
        app.clock.set(app.clock.now() + time);
        for person in [&mut self.fabio, &mut self.olga, &mut self.clara] {
            (person.cookie, person.csrf) = crate::support::session_of(app, person.id).await;
        }
    }

    /// A form; gives back the status and the page, or nothing when it led elsewhere.
    pub async fn form(&self, person: &Person, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.room.post(person, path, &form).await
    }

    /// The same, which has to succeed.
    pub async fn done(&self, person: &Person, path: &str, fields: &[(&str, &str)]) {
        let (status, text) = self.form(person, path, fields).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path} {fields:?}: {text}");
    }

    /// The same, which has to be refused with these words.
    pub async fn refused(&self, person: &Person, path: &str, fields: &[(&str, &str)], words: &str) {
        let (status, text) = self.form(person, path, fields).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {fields:?}: {text}");
        assert!(text.contains(words), "{words:?} is not said: {text}");
    }

    pub async fn api(&self, person: &Person, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, &person.token)
            .header(header::CONTENT_TYPE, "application/json");
        let (status, text) = self.room.send(request.body(body.to_string().into()).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn json(&self, path: &str) -> Value {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let (status, text) = self.room.send(request).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        texts(&self.room.db, sql).await
    }
}
