//! Residents who subscribe, choose and leave by themselves.

mod choices;
mod institutions;
mod lists;
mod page;
mod telephone;
mod unsubscribe;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use sentinela::app::App;
use tower::ServiceExt as _;

use crate::support::{self, TestDb};

/// Two CEPs of the town, the first inside the area of `dispatch::town`.
pub const POSTCODES: &str = "
    insert into address_postcode (source, cep, street, middle, reach_m) values
        ('own', '36010000', '', 'SRID=4326;POINT(-43.405 -21.705)', 300),
        ('own', '36020100', 'Rua Halfeld', 'SRID=4326;POINT(-43.35 -21.65)', 200),
        ('own', '36030300', '', 'SRID=4326;POINT(-43.36 -21.66)', 200);";

/// A browser without JavaScript: its cookies, and nothing else.
pub struct Browser {
    pub app: App,
    router: Router,
    cookies: Vec<(String, String)>,
}

pub struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub text: String,
    pub headers: HeaderMap,
}

impl Browser {
    pub fn of(app: &App) -> Self {
        Self { app: app.clone(), router: sentinela::web::router::router(app.clone()), cookies: Vec::new() }
    }

    pub async fn ask(&mut self, request: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let line: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            request.header("cookie", line.join("; ")).header("accept", "text/html").body(body.into()).unwrap();
        let response = support::soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let location = parts.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap()).to_owned();
        let text = String::from_utf8(to_bytes(body, 8 << 20).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, location, text, headers: parts.headers }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask(Request::get(path), Body::empty()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(Request::post(path).header("content-type", "application/x-www-form-urlencoded"), form).await
    }

    /// A form of the own page, with the visit's own value; gives back where it leads.
    pub async fn act(&mut self, path: &str, fields: &[(&str, &str)]) -> String {
        let page = self.get("/meus-dados").await.text;
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"");
        let answer = self.post(path, &[&[("csrf", csrf.as_str())], fields].concat()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        answer.location
    }
}

pub fn between(page: &str, before: &str, after: &str) -> String {
    let start = page.find(before).unwrap_or_else(|| panic!("{before:?} is not in {page}")) + before.len();
    page[start..].split(after).next().unwrap().to_owned()
}

pub async fn texts(db: &TestDb, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&db.pool).await.unwrap()
}
