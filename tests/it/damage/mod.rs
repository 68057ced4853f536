//! Damage and losses on a real database: ledger, levels, documents, submission; and deadlines that holidays and rules move.

mod deadlines;
mod declarations;
mod dossier;
mod ledger;
mod versions;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::Role;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::approval::{Person, Room};
use crate::{relief, support};

/// A town with an incident and its dossier.
pub struct Town {
    pub room: Room,
    pub olga: Person,
    pub ana: Person,
    pub id: String,
}

pub async fn ask(room: &Room, by: &Person, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/{path}"))
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, "application/json");
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let (status, bytes) = raw(room, request.body(body).unwrap()).await;
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

pub async fn raw(room: &Room, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let response = support::soon("the answer", room.router.clone().oneshot(request)).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), 32 << 20).await.unwrap().to_vec())
}

impl Town {
    pub async fn open() -> Self {
        let room = Room::open(&[]).await;
        relief::incident(&room.db).await;
        let (olga, ana) = (room.person("olga", Role::Operator).await, room.person("ana", Role::Coordinator).await);
        let header = json!({ "cobrade": "1.1.3.2.1", "occurred_at": "2026-02-22T11:00:00Z", "onset": "sudden" });
        let opening = json!({ "incident_id": relief::INCIDENT, "header": header });
        let (status, made) = ask(&room, &olga, Method::POST, "damage", opening).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let id = made["id"].as_str().unwrap().to_owned();
        Self { room, olga, ana, id }
    }

    pub async fn get(&self) -> Value {
        let (status, shown) =
            ask(&self.room, &self.olga, Method::GET, &format!("damage/{}", self.id), Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{shown}");
        shown
    }

    pub async fn act(&self, by: &Person, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        ask(&self.room, by, method, &format!("damage/{}/{path}", self.id), body).await
    }

    pub async fn good(&self, by: &Person, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.act(by, method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    pub async fn enter(&self, line: &str, amount: Value) -> String {
        let new = json!({ "line": line, "amount": amount, "because": "Planilha da equipe" });
        self.good(&self.olga, Method::POST, "entries", new).await["id"].as_str().unwrap().to_owned()
    }

    pub async fn figure(&self, line: &str) -> Value {
        let shown = self.get().await;
        let all = shown["figures"].as_array().unwrap();
        all.iter().find(|figure| figure["line"] == line).unwrap().clone()
    }

    /// What the dossier lacks, and what is told of it.
    pub async fn checks(&self) -> Vec<String> {
        let shown = self.get().await;
        shown["checks"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_owned()).collect()
    }

    /// The next version, as a town of its own.
    pub async fn next(self, reason: &str) -> Self {
        let next = self.good(&self.ana, Method::POST, "correct", json!({ "reason": reason })).await;
        Self { id: next["id"].as_str().unwrap().to_owned(), ..self }
    }

    pub async fn archive(&self) {
        let outcome = json!({ "act": "archive", "reason": "Não se pede reconhecimento" });
        self.good(&self.ana, Method::POST, "outcome", outcome).await;
    }

    pub async fn level(&self, level: &str, declared: &str, bearable: bool) -> (StatusCode, Value) {
        let revision = self.get().await["revision"].clone();
        let said = json!({ "revision": revision, "verdict": { "level": level, "declared": declared },
            "answers": { "bearable": bearable, "needs_three_spheres": false }, "reason": "Reunião do comitê" });
        self.act(&self.olga, Method::PUT, "level", said).await
    }

    /// An inspection of the incident.
    pub async fn inspection(&self, number: &str, house: &str, damage: &str, supersedes: Option<Uuid>) -> Uuid {
        let id = Uuid::from_u128(number.bytes().fold(7, |sum, byte| sum * 257 + u128::from(byte)));
        sqlx::query(
            "insert into inspection (id, number, device_key, supersedes, correction_reason, incident_id, observed_at, received_at, inspector_id,
                 inspector, street, house_number, building, ownership, units, damage, estimated_loss_centavos, injured, form, answers)
             select $1, $2, $1, $5, case when $5::uuid is null then '' else 'endereço' end, $6, now() - interval '1 day' + $7 * interval '1 second',
                 now(), id, username, 'Rua Halfeld', $3, 'housing', 'private', 2, $4, 500000, 1, 'v1', '{}' from staff where username = 'olga'",
        )
        .bind(id)
        .bind(number)
        .bind(house)
        .bind(damage)
        .bind(supersedes)
        .bind(relief::INCIDENT)
        .bind(number.bytes().last().map(f64::from))
        .execute(&self.room.db.pool)
        .await
        .unwrap();
        id
    }

    /// A photograph in the incident; its id.
    pub async fn photograph(&self) -> Uuid {
        let mut jpeg = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(64, 48, image::Rgb([120, 90, 60]))
            .write_to(&mut jpeg, image::ImageFormat::Jpeg)
            .unwrap();
        let id = Uuid::from_u128(0xf0);
        sqlx::query(
            "insert into attachment (id, kind, incident_id, media_type, sha256, bytes, width, height, caption, content, thumbnail, uploaded_by, created_at)
             values ($1, 'photograph', $2, 'image/jpeg', sha256($3), length($3), 64, 48, '', $3, $3, 'olga', now())",
        )
        .bind(id)
        .bind(relief::INCIDENT)
        .bind(jpeg.into_inner())
        .execute(&self.room.db.pool)
        .await
        .unwrap();
        id
    }

    /// Everything that a submission needs, up to it.
    pub async fn complete(&self) {
        self.enter("dead", json!({ "persons": 2 })).await;
        self.enter("infrastructure", json!({ "damaged": 3, "destroyed": 1, "centavos": 12_345_678 })).await;
        assert_eq!(self.level("ii", "se", true).await.0, StatusCode::NO_CONTENT);
        let revision = self.get().await["revision"].clone();
        let sections = json!({ "population": 540_756, "areas": "Linhares", "causes": "Chuva forte", "institution": "Defesa Civil",
            "informant": "Ana Lima", "function": "Coordenadora", "telephone": "199" });
        self.good(&self.olga, Method::PUT, "sections", json!({ "revision": revision, "sections": sections })).await;
        let photograph = json!([{ "id": self.photograph().await, "caption": "Encosta da rua Halfeld",
            "taken_at": "2026-02-22T11:30:00Z", "lon": -43.39, "lat": -21.75 }]);
        self.good(&self.olga, Method::PUT, "photographs", photograph).await;
        self.write_dmate().await;
        for kind in ["dmate", "parecer", "oficio"] {
            self.adopt_document(kind, Value::Null).await;
        }
        self.adopt_document("decree", json!({ "number": "15.321", "on": "2026-02-22" })).await;
    }

    /// In place of what the form only says is to be written.
    pub async fn write_dmate(&self) {
        let shown = self.get().await;
        let document = shown["documents"].as_array().unwrap().iter().find(|one| one["kind"] == "dmate").unwrap();
        let mut paragraphs = document["paragraphs"].clone();
        for one in paragraphs.as_array_mut().unwrap() {
            if one["key"] == "institucionais" || one["key"] == "financeiros" {
                one["text"] = json!("Corpo de Bombeiros, Polícia Militar e recursos próprios.");
            }
        }
        let body = json!({ "revision": document["revision"], "paragraphs": paragraphs });
        self.act(&self.olga, Method::PUT, "documents/dmate", body).await;
    }

    pub async fn adopt_document(&self, kind: &str, decree: Value) -> String {
        let shown = self.get().await;
        let document = shown["documents"].as_array().unwrap().iter().find(|one| one["kind"] == kind).unwrap();
        let mut body = json!({ "revision": document["revision"] });
        if !decree.is_null() {
            body["decree"] = decree;
        }
        let answer = self.good(&self.olga, Method::POST, &format!("documents/{kind}/adopt"), body).await;
        answer["number"].as_str().unwrap().to_owned()
    }

    pub async fn submit(&self, cobrade: &str) -> (StatusCode, Value) {
        let revision = self.get().await["revision"].clone();
        self.act(&self.ana, Method::POST, "submit", json!({ "revision": revision, "cobrade": cobrade })).await
    }

    pub async fn file(&self, name: &str) -> (StatusCode, Vec<u8>) {
        let request =
            Request::get(format!("/console/damage/{}/files/{name}", self.id)).header("cookie", &self.olga.cookie);
        raw(&self.room, request.body(Body::empty()).unwrap()).await
    }

    /// Whether the statement is refused because the table is only added to, by its trigger or already by what the service may do.
    pub async fn keeps(&self, sql: &'static str) -> bool {
        let told = self.refused(sql).await;
        told.contains("append-only") || told.contains("permission denied")
    }

    pub async fn refused(&self, sql: &'static str) -> String {
        sqlx::query(sql).execute(&self.room.db.pool).await.expect_err(sql).to_string()
    }
}
