//! Rules from draft to retirement: on a real database, over HTTP, and in the evaluator that judges by them.

mod desk;
mod http;
mod judged;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::audit::{Actor, ActorKind, Via};
use sentinela::ids::StaffId;
use sentinela::rules::State;
use sentinela::rules::desk::{At, Desk};
use sentinela::rules::store::{self, Version};
use sentinela::rules::sync;
use tower::ServiceExt as _;

use crate::support::{self, TestDb};

/// Two slopes, each under a gauge of its own.
const TOWN: &str = "
    insert into station (code, name, geom, created_at, updated_at) values
        ('G1', 'Pluviômetro 1', 'SRID=4326;POINT(-43.395 -21.75)', now(), now()),
        ('G2', 'Pluviômetro 2', 'SRID=4326;POINT(-43.300 -21.75)', now(), now());
    insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
        select id, 'rain', 'rain', 'mm', 'interval_sum', 9000, now() from station order by code;
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now()),
        ('linhares', 'Linhares', st_multi(st_makeenvelope(-43.305, -21.76, -43.295, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;";

/// The rule of these tests: from 40 mm in an hour it says alert.
const SLOPE: &str = "encosta-teste";
const TEXT: &str = r#"
id = "encosta-teste"
version = 1
title = "Chuva em encosta"
hazard = "1.1.3.2.1"
[stations.pluviometros]
quantity = "rain"
within_km = 3.0
[[levels]]
level = "attention"
clear_after_min = 120
any = [{ stations = "pluviometros", sum = "1h", at_least = "25 mm", clear_below = "10 mm" }]
[[levels]]
level = "alert"
clear_after_min = 180
any = [{ stations = "pluviometros", sum = "1h", at_least = "40 mm", clear_below = "20 mm" }]
"#;

/// The rule with another number and another threshold for alert.
fn slope(version: i32, alert_mm: u32) -> String {
    sentinela::rules::outline::with_version(&TEXT.replace("\"40 mm\"", &format!("\"{alert_mm} mm\"")), version)
}

struct Place {
    db: TestDb,
    app: App,
}

/// Somebody who works here.
#[derive(Clone)]
struct Person {
    id: StaffId,
    actor: Actor,
    token: String,
}

impl Place {
    async fn open(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let app = support::app_with(&db, overrides);
        Self { db, app }
    }

    /// The same after a first start, at which the rule of these tests is the product's only one; or with the folder's rules.
    async fn started(overrides: &[(&str, &str)]) -> Self {
        let place = Self::open(overrides).await;
        let mut conn = place.conn().await;
        let now = place.app.clock.now();
        let folder = &place.app.config.engine.rules_dir;
        if folder.is_empty() {
            sync::propose(&mut conn, now, &[("slope.toml".to_owned(), slope(1, 40))]).await.unwrap();
        } else {
            sync::sync(&mut conn, now, folder).await.unwrap();
        }
        drop(conn);
        place
    }

    async fn conn(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.app.db.web.acquire().await.unwrap()
    }

    async fn person(&self, username: &str, role: Role) -> Person {
        let mut conn = self.conn().await;
        let now = self.app.clock.now();
        let id = accounts::upsert_member(&mut conn, &self.app.ids, now, username, username, &role.into(), "x")
            .await
            .unwrap();
        let ends = now + chrono::TimeDelta::days(30);
        let token = accounts::add_token(&mut conn, &self.app.ids, now, username, "test", ends).await.unwrap().unwrap();
        let actor =
            Actor { kind: ActorKind::Staff, name: username.into(), id: Some(id.0), via: Via::Console, address: None };
        Person { id, actor, token }
    }

    fn desk<'a>(&'a self, by: &'a Person) -> Desk<'a> {
        let (engine, zone) = (&self.app.config.engine, self.app.config.municipality.time_zone);
        Desk { engine, zone, ids: &self.app.ids, now: self.app.clock.now(), by: &by.actor }
    }

    async fn version(&self, version: i32) -> Version {
        store::find(&mut *self.conn().await, SLOPE, version).await.unwrap().unwrap()
    }

    async fn states(&self) -> Vec<(i32, State)> {
        let versions = store::versions(&mut *self.conn().await, Some(SLOPE)).await.unwrap();
        versions.into_iter().map(|version| (version.version, version.state)).collect()
    }

    /// Brings a version as far as somebody may approve it.
    async fn compared(&self, author: &Person, version: i32, alert_mm: u32) {
        let mut conn = self.conn().await;
        let desk = self.desk(author);
        desk.propose(&mut conn, &slope(version, alert_mm), "outro limiar").await.unwrap();
        let at = At { rule: SLOPE, version, revision: Some(1) };
        let checked = desk.check(&mut conn, at).await.unwrap();
        assert_eq!((checked.errors(), checked.areas, checked.blind), (0, 2, 0), "{checked:?}");
        desk.back_tested(&mut conn, at, &serde_json::json!({})).await.unwrap();
    }

    async fn activate(&self, version: i32, by: [&Person; 2]) {
        for person in by {
            let mut tx = self.app.db.web.begin().await.unwrap();
            let at = At { rule: SLOPE, version, revision: None };
            self.desk(person).approve(&mut tx, at, "plano novo").await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    fn router(&self) -> Router {
        sentinela::web::router::router(self.app.clone())
    }

    async fn ask(&self, method: Method, path: &str, by: &Person, body: &serde_json::Value) -> (StatusCode, String) {
        let kind = if path.starts_with("/api") { "application/json" } else { "application/x-www-form-urlencoded" };
        let body = match body {
            serde_json::Value::String(form) => form.clone(),
            json => json.to_string(),
        };
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        let request =
            request.header("authorization", format!("Bearer {}", by.token)).header("accept-language", "pt-BR");
        let response =
            support::soon(path, self.router().oneshot(request.body(Body::from(body)).unwrap())).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }
}
