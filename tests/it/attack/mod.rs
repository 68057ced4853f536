//! What somebody of ill will sends, and what comes of it: foreign pages, guessed ids, paths that climb, bodies that swell,
//! bytes that end early, and words that are markup.

mod bodies;
mod forgery;
mod reach;
mod wire;
mod words;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use sentinela::accounts::{Permission, Role, Roles, store};
use sentinela::app::App;
use sentinela::ids::StaffId;
use sentinela::web::gate::{Guard, Rule};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{self, TestDb};

/// No password fits it; nobody here signs in with one.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";
const FORM: &str = "application/x-www-form-urlencoded";
const AREAS: &str = include_str!("../../data/story/areas.geojson");
const STATIONS: &str = include_str!("../../data/story/stations.csv");
const RESIDENTS: &str = include_str!("../../data/story/residents.csv");

struct Place {
    app: App,
    db: TestDb,
    router: Router,
}

/// Somebody with an open session.
struct Person {
    id: StaffId,
    cookie: String,
    csrf: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }
}

impl Place {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    /// The same with some configuration keys replaced.
    async fn with(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        let app = support::app_with(&db, overrides);
        let router = sentinela::web::router::router(app.clone());
        Self { app, db, router }
    }

    async fn person(&self, username: &str, roles: &[Role]) -> Person {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let (ids, now, roles) = (&self.app.ids, self.app.clock.now(), Roles::new(roles.iter().copied()));
        let id = store::upsert_member(&mut conn, ids, now, username, username, &roles, NO_HASH).await.unwrap();
        drop(conn);
        let (cookie, csrf) = support::session_of(&self.app, id).await;
        Person { id, cookie, csrf }
    }

    /// Somebody who may do everything there is.
    async fn chief(&self) -> Person {
        let modules = Role::ALL.iter().copied().filter(|role| role.is_module());
        let roles: Vec<Role> =
            [Role::Coordinator, Role::Administrator, Role::PrivacyOfficer].into_iter().chain(modules).collect();
        let chief = self.person("chefe", &roles).await;
        let allowed = Roles::new(roles).permissions();
        assert!(Permission::ALL.iter().all(|permission| allowed.allow(*permission)));
        chief
    }

    async fn token(&self, username: &str) -> String {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let ends = self.app.clock.now() + chrono::TimeDelta::days(1);
        let made = store::add_token(&mut conn, &self.app.ids, self.app.clock.now(), username, "probe", ends).await;
        format!("Bearer {}", made.unwrap().unwrap())
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = support::soon(path, self.router.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 16 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    async fn get(&self, who: &Person, path: &str) -> Answer {
        self.send("GET", path, &[("cookie", &who.cookie), ("accept", "text/html")], "").await
    }

    async fn form(&self, who: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [("cookie", who.cookie.as_str()), ("csrf", who.csrf.as_str()), ("content-type", FORM)];
        self.send("POST", path, &headers, form).await
    }

    /// A request to the API with a session, as the console's own scripts send it.
    async fn api(&self, who: &Person, method: &str, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let headers = [("cookie", who.cookie.as_str()), ("csrf", who.csrf.as_str()), ("content-type", kind)];
        self.send(method, path, &headers, body).await
    }

    async fn json(&self, who: &Person, method: &str, path: &str, body: Value) -> Answer {
        self.api(who, method, path, "application/json", body.to_string()).await
    }

    /// Areas, stations and residents of the town, and one alert that was issued: its id and the incident's.
    async fn town(&self, chief: &Person) -> (String, String) {
        for (path, kind, body) in [
            ("/api/v1/areas", "application/geo+json", AREAS),
            ("/api/v1/stations", "text/csv", STATIONS),
            ("/api/v1/residents", "text/csv", RESIDENTS),
        ] {
            let answer = self.api(chief, "POST", path, kind, body).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        }
        let id = self.draft(chief).await;
        let issue = serde_json::json!({ "revision": 1 });
        let issued = self.json(chief, "POST", &format!("/api/v1/alerts/{id}/issue"), issue).await;
        assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
        (id, issued.json()["incident_id"].as_str().unwrap().to_owned())
    }

    async fn draft(&self, who: &Person) -> String {
        let wanted = serde_json::json!({"cobrade": "1.1.3.2.1", "level": "alert", "areas": ["morro-alto"]});
        let made = self.json(who, "POST", "/api/v1/alerts", wanted).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }
}

/// The media type that the route's handler reads.
fn media_type(rule: &Rule) -> &'static str {
    if rule.path.starts_with("/api/") { "application/json" } else { FORM }
}

fn is_staff(rule: &Rule) -> bool {
    matches!(rule.guard, Guard::Staff(_))
}

/// A path with one value in each of its places.
fn filled(path: &str, value: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { value } else { part }).collect::<Vec<_>>().join("/")
}
