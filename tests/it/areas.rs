//! Risk areas over time: versions, imports from files and services, what stands on them, and the way back.

mod http;
mod imports;
mod services;
mod versions;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::areas::desk::{AreaError, Care};
use sentinela::areas::store::Put;
use sentinela::areas::{Change, Content, Origin, When, desk, store};
use sentinela::audit::Actor;
use sentinela::clock::Instant;
use sentinela::db::geometry::to_wkb;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tower::ServiceExt as _;

use crate::support::{self, TestDb};

/// A square of about a kilometre, so many hundredths of a degree east of the first.
pub fn square(east: f64) -> Value {
    let (w, e) = (-43.40 + east, -43.39 + east);
    json!({"type": "Polygon", "coordinates": [[[w, -21.76], [e, -21.76], [e, -21.75], [w, -21.75], [w, -21.76]]]})
}

pub fn content(name: &str, shape: &Value, grade: &str) -> Content {
    let polygons = sentinela::catalogue::geometry_check::polygons_of(shape).unwrap();
    Content {
        name: name.into(),
        source: "test".into(),
        wkb: to_wkb(&geo::Geometry::MultiPolygon(polygons)).unwrap(),
        hazards: [("1.1.3.2.1".parse().unwrap(), grade.parse().unwrap())].into(),
        details: json!({}),
        retired: false,
    }
}

pub fn change(code: &str, content: Content, when: When) -> Change {
    Change {
        code: code.into(),
        content,
        origin: Origin::Drawing,
        origin_detail: json!({}),
        reason: "test".into(),
        when,
    }
}

/// A town hall with a clock that is moved by hand.
pub struct Hall {
    pub db: TestDb,
    pub app: App,
}

impl Hall {
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        let app = support::app_with(&db, overrides);
        Self { db, app }
    }

    pub fn now(&self) -> Instant {
        self.app.clock.now()
    }

    pub fn pass(&self, minutes: i64) {
        self.app.clock.set(self.now() + TimeDelta::minutes(minutes));
    }

    pub async fn conn(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.app.db.web.acquire().await.unwrap()
    }

    pub async fn put(&self, wish: Change, care: Care) -> Result<Put, AreaError> {
        let mut tx = self.app.db.web.begin().await.unwrap();
        let actor = Actor::command();
        let by = Acting { ids: &self.app.ids, now: self.now(), actor: &actor };
        let put = desk::change(&mut tx, by, wish, care).await?;
        tx.commit().await.unwrap();
        Ok(put)
    }

    /// An area in force now, as a square.
    pub async fn area(&self, code: &str, east: f64, grade: &str) -> Put {
        let wish = change(code, content(&code.to_uppercase(), &square(east), grade), When::Now);
        self.put(wish, Care { base: None, confirmed: true }).await.unwrap()
    }

    /// An issued alert over an area, as far as its table goes.
    pub async fn alert_over(&self, code: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "with one as (insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text,
                 severity, urgency, certainty, expires_at, created_at, created_by)
             values (gen_random_uuid(), 'draft', 'alert', 'actual', '1.1.3.2.1', 'alert', 'h', 'd', 'i', 's', 'Severe', 'Immediate',
                 'Likely', now() + interval '1 day', now(), 'rule')
             returning id)
             insert into alert_area (alert_id, area_id, name, geom) select one.id, a.id, a.name, a.geom from one, risk_area a
             where a.code = '{code}';
             update alert set state = 'issued', approved_at = now(), approved_by = 'ana', issued_at = now(), number = '7/2026',
                 cap_identifier = 'x-7', cap_sender = 's', cap_sent = 't', cap_xml = '<alert/>' where state = 'draft'"
        )))
        .execute(&self.db.pool)
        .await
        .unwrap();
    }

    pub async fn token(&self, role: Role) -> String {
        let mut conn = self.conn().await;
        let now = self.now();
        accounts::upsert_member(&mut conn, &self.app.ids, now, role.as_str(), "Ana", &role.into(), "unused")
            .await
            .unwrap();
        let ends = now + TimeDelta::days(30);
        accounts::add_token(&mut conn, &self.app.ids, now, role.as_str(), "test", ends).await.unwrap().unwrap()
    }

    pub async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let media = if path == "/api/v1/areas" || path.starts_with("/api/v1/areas?") {
            "application/geo+json"
        } else {
            "application/json"
        };
        let request = Request::builder().method(method).uri(path).header("content-type", media);
        let request = request.header("authorization", format!("Bearer {token}"));
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let router = sentinela::web::router::router(self.app.clone());
        let response = support::soon("the answer", router.oneshot(request.body(body).unwrap())).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

/// What the rest of the service reads of an area: whether it is in service, its shape, and its hazards.
pub async fn present(conn: &mut PgConnection, code: &str) -> (bool, Vec<u8>, Vec<(String, String)>) {
    let (id, retired, wkb): (i64, bool, Vec<u8>) =
        sqlx::query_as("select id, retired_at is not null, st_asbinary(geom, 'NDR') from risk_area where code = $1")
            .bind(code)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    let hazards = sqlx::query_as("select cobrade, grade from area_hazard where area_id = $1 order by 1").bind(id);
    (!retired, wkb, hazards.fetch_all(conn).await.unwrap())
}

pub async fn numbers(conn: &mut PgConnection, code: &str) -> Vec<i32> {
    store::list(conn, Some(code)).await.unwrap().iter().map(|version| version.number).collect()
}
