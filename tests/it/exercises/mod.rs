//! Exercises: planned, announced, joined, run, reported; and their messages, which reach whoever joined and nobody else.

pub mod calendar;
mod guard;
mod join;
mod marks;
mod run;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::accounts::{Role, store};
use sentinela::app::App;
use sentinela::ids::StaffId;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::support::{self, TestDb};

/// No password fits it; nobody here signs in with one.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";
/// One area, and three people who live in it: Ana by telephone, Beto by both, Célia by e-mail.
const TOWN: &str = "
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;
    insert into resident (id, name, consent_at, consent_source, created_at) values
        ('00000000-0000-0000-0000-0000000000a1', 'Ana', now(), 'teste', now()),
        ('00000000-0000-0000-0000-0000000000b2', 'Beto', now(), 'teste', now()),
        ('00000000-0000-0000-0000-0000000000c3', 'Célia', now(), 'teste', now());
    insert into resident_place (resident_id, geom, precision_m)
        select id, st_setsrid(st_makepoint(-43.395, -21.75), 4326), 10 from resident;
    insert into resident_channel (resident_id, kind, address, verified_at) values
        ('00000000-0000-0000-0000-0000000000a1', 'sms', '+5532900000001', now()),
        ('00000000-0000-0000-0000-0000000000b2', 'sms', '+5532900000002', now()),
        ('00000000-0000-0000-0000-0000000000b2', 'email', 'beto@example.org', now()),
        ('00000000-0000-0000-0000-0000000000c3', 'email', 'celia@example.org', now());";
pub const ANA: Uuid = Uuid::from_u128(0xa1);
pub const BETO: Uuid = Uuid::from_u128(0xb2);

/// Somebody of the staff with a browser and a program.
#[derive(Clone)]
pub struct Person {
    pub id: StaffId,
    pub token: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

pub struct Room {
    pub app: App,
    pub db: TestDb,
    pub router: Router,
}

impl Room {
    pub async fn open(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let app = support::app_with(&db, overrides);
        let router = sentinela::web::router::router(app.clone());
        Self { app, db, router }
    }

    pub async fn person(&self, username: &str, role: Role) -> Person {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let (ids, now) = (&self.app.ids, self.app.clock.now());
        let id = store::upsert_member(&mut conn, ids, now, username, username, &role.into(), NO_HASH).await.unwrap();
        let ends = now + TimeDelta::days(60);
        let made = store::add_token(&mut conn, ids, now, username, "probe", ends).await.unwrap().unwrap();
        drop(conn);
        sqlx::query("update staff set email = username || '@defesacivil.example.org' where id = $1")
            .bind(id.0)
            .execute(&self.db.pool)
            .await
            .unwrap();
        Person { id, token: format!("Bearer {made}") }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = support::soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 8 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    pub async fn api(&self, who: &Person, method: Method, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/{path}"))
            .header(header::AUTHORIZATION, &who.token)
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(if body.is_null() { String::new() } else { body.to_string() })).unwrap())
            .await
    }

    /// A page in Portuguese. Days pass in these tests, so each visit is signed in anew.
    pub async fn page(&self, who: &Person, path: &str) -> Answer {
        let (cookie, _) = support::session_of(&self.app, who.id).await;
        let request = Request::get(path).header("cookie", cookie).header("accept", "text/html");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, who: &Person, path: &str, form: &[(&str, &str)]) -> Answer {
        let (cookie, csrf) = support::session_of(&self.app, who.id).await;
        let request = Request::post(path)
            .header("cookie", cookie)
            .header("csrf", csrf)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(encoded(form))).unwrap()).await
    }

    /// What anybody sees, with a cookie or without.
    pub async fn public(&self, method: Method, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("accept", "text/html");
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        if !form.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        self.send(request.body(Body::from(encoded(form))).unwrap()).await
    }

    /// A plan that begins in `days` days and lasts two hours, with two injects.
    pub fn plan(&self, days: i64) -> Value {
        let from = self.app.clock.now() + TimeDelta::days(days);
        json!({
            "title": "Evacuação do Bom Pastor", "scenario": "Chove 90 mm em 24 h; a encosta cede.", "cobrade": "1.1.3.2.1",
            "objectives": "Sair em 20 minutos", "place": "Escola Municipal", "public_text": "Leve um documento.",
            "responsible": "Maria Lima", "starts_at": from, "ends_at": from + TimeDelta::hours(2), "announce_days": 7,
            "announce_hours": 24, "areas": ["bom-pastor"],
            "injects": [{"at_min": 10, "text": "Rachadura na rua das Flores"}, {"at_min": 30, "text": "Ônibus quebrou"}],
        })
    }

    /// Plans an exercise over the API: its id and its code.
    pub async fn planned(&self, who: &Person, days: i64) -> (String, String) {
        let made = self.api(who, Method::POST, "exercises", self.plan(days)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let made = made.json();
        (made["id"].as_str().unwrap().to_owned(), made["code"].as_str().unwrap().to_owned())
    }

    pub async fn act(&self, who: &Person, id: &str, act: &str) -> Answer {
        let reason = if act == "cancel" { "Chuva de verdade" } else { "" };
        self.api(who, Method::POST, &format!("exercises/{id}/acts"), json!({ "act": act, "reason": reason })).await
    }

    /// A resident joins, without the way through the code.
    pub async fn joins(&self, id: &str, resident: Uuid, reach: &str) {
        sqlx::query(
            "insert into exercise_participant (exercise_id, kind, resident_id, reach, joined_at, joined_by)
             values ($1::uuid, 'resident', $2, $3, $4, 'resident')",
        )
        .bind(id)
        .bind(resident)
        .bind(reach)
        .bind(self.app.clock.now())
        .execute(&self.db.pool)
        .await
        .unwrap();
    }

    /// Drafts an alert of the exercise and issues it.
    pub async fn alert(&self, who: &Person, id: &str) -> String {
        let made = self.api(who, Method::POST, &format!("exercises/{id}/alerts"), json!({ "level": "maximum" })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let alert = made.json()["alert_id"].as_str().unwrap().to_owned();
        let issued = self.api(who, Method::POST, &format!("alerts/{alert}/issue"), json!({ "revision": 1 })).await;
        assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
        alert
    }

    /// Lets time pass.
    pub fn pass(&self, time: TimeDelta) {
        self.app.clock.set(self.app.clock.now() + time);
    }

    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }

    pub async fn run(&self, sql: &'static str) -> Result<(), String> {
        sqlx::query(sql).execute(&self.db.pool).await.map(drop).map_err(|error| error.to_string())
    }
}

fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}
