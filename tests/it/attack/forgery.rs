//! Pages of others that make a browser send what its owner never wanted.

use axum::http::StatusCode;
use sentinela::accounts::Role;
use sentinela::web::gate::{Guard, RULES};
use uuid::Uuid;

use super::{FORM, Place, filled, is_staff, media_type};

#[tokio::test]
async fn no_act_under_a_cookie_goes_without_the_value_of_that_very_session() {
    // One account asks every route several times, which is more than a person does in a minute.
    let place = Place::with(&[("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "0")]).await;
    let (chief, other) = (place.chief().await, place.person("bia", &[Role::Coordinator]).await);
    let mut upper = chief.csrf.to_uppercase();
    if upper == chief.csrf {
        upper.push('A');
    }
    let wrong = [None, Some(""), Some("null"), Some(other.csrf.as_str()), Some(&chief.csrf[1..]), Some(&upper)];
    for rule in RULES.iter().filter(|rule| is_staff(rule) && rule.method != "GET") {
        let path = filled(rule.path, &Uuid::nil().to_string());
        for value in wrong {
            let mut headers = vec![("cookie", chief.cookie.as_str()), ("content-type", media_type(rule))];
            headers.extend(value.map(|value| ("csrf", value)));
            let answer = place.send(rule.method, &path, &headers, "{}").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path} with {value:?}", rule.method);
        }
        // A form that a foreign page can send: the value belongs into its body, never into the address.
        let plain = [("cookie", chief.cookie.as_str()), ("content-type", "text/plain")];
        let path = format!("{path}?csrf={}", chief.csrf);
        let answer = place.send(rule.method, &path, &plain, format!("csrf={}", chief.csrf)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path}", rule.method);
    }
    let acts: i64 = sqlx::query_scalar("select count(*) from audit_event").fetch_one(&place.app.db.web).await.unwrap();
    assert_eq!(acts, 0, "nothing was done");
}

#[tokio::test]
async fn whatever_changes_something_is_refused_when_a_page_of_another_site_sends_it() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let foreign: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")],
        // Browsers that do not tell the site tell the origin.
        &[("origin", "https://evil.example"), ("host", "alerta.example.org")],
        &[("origin", "https://alerta.example.org.evil.example"), ("host", "alerta.example.org")],
        &[("origin", "null"), ("host", "alerta.example.org")],
    ];
    for rule in RULES.iter().filter(|rule| rule.method != "GET" && rule.guard != Guard::Device) {
        let path = filled(rule.path, &Uuid::nil().to_string());
        for from in foreign {
            let mut headers = vec![("cookie", chief.cookie.as_str()), ("csrf", chief.csrf.as_str())];
            headers.push(("content-type", media_type(rule)));
            headers.extend_from_slice(from);
            let answer = place.send(rule.method, &path, &headers, "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path} {from:?}", rule.method);
        }
    }
    let own: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "same-origin"), ("origin", "null")],
        &[("origin", "https://alerta.example.org"), ("host", "alerta.example.org")],
        &[("origin", "http://alerta.example.org:8080"), ("host", "alerta.example.org:8080")],
        &[],
    ];
    for from in own {
        let headers = [&[("content-type", FORM)], from].concat();
        let answer = place.send("POST", "/preferences", &headers, "theme=dark&back=/").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{from:?}");
    }
}

#[tokio::test]
async fn no_header_and_no_field_makes_one_method_of_another() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let (id, _) = place.town(&chief).await;
    let draft = place.draft(&chief).await;
    let before = acts(&place).await;
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        for (method, path) in [
            ("GET", format!("/console/alerts/{draft}/discard")),
            ("GET", format!("/api/v1/alerts/{draft}/discard")),
            ("GET", format!("/api/v1/alerts/{id}/issue?_method=DELETE")),
            ("POST", "/api/v1/devices/D-1?_method=DELETE".to_owned()),
            ("POST", format!("/api/v1/alerts/{draft}?_method=PUT")),
        ] {
            let headers =
                [("cookie", chief.cookie.as_str()), ("csrf", &chief.csrf), (name, "DELETE"), ("content-type", FORM)];
            let answer = place.send(method, &path, &headers, "_method=DELETE&reason=x&revision=1").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path} {name}");
        }
    }
    assert_eq!(acts(&place).await, before, "nothing was done");
}

async fn acts(place: &Place) -> i64 {
    sqlx::query_scalar("select count(*) from audit_event").fetch_one(&place.app.db.web).await.unwrap()
}

const AWAY: [&str; 16] = [
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\u{1}https://evil.example",
    " //evil.example",
    "javascript:alert(7)",
    "data:text/html,<script>alert(7)</script>",
    "http:evil.example",
    "console@evil.example",
    ".evil.example",
    "/console\r\nSet-Cookie: sentinela_session=planted",
    "/\u{0}//evil.example",
];

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let place = Place::open().await;
    let mut conn = place.app.db.web.acquire().await.unwrap();
    let hash = sentinela::accounts::password::hash(&place.app.ids, "o morro desce devagar").await.unwrap();
    let (now, roles) = (place.app.clock.now(), Role::Viewer.into());
    let store = sentinela::accounts::store::upsert_member;
    store(&mut conn, &place.app.ids, now, "ana", "Ana", &roles, &hash).await.unwrap();
    drop(conn);
    let base = url::Url::parse("https://alerta.example.org/console/login").unwrap();
    for wanted in AWAY {
        let fields =
            |extra: &[(&str, &str)]| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(extra).finish();
        let login = fields(&[("username", "ana"), ("password", "o morro desce devagar"), ("next", wanted)]);
        let preferences = fields(&[("theme", "dark"), ("back", wanted)]);
        for (path, form) in [("/console/login", login), ("/preferences", preferences)] {
            let answer = place.send("POST", path, &[("content-type", FORM)], form).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path} {wanted:?}: {}", answer.text);
            let location = answer.header("location");
            assert_eq!(base.join(location).unwrap().host_str(), base.host_str(), "{path} {wanted:?} -> {location:?}");
            let planted =
                answer.headers.get_all("set-cookie").iter().any(|line| line.to_str().unwrap().contains("planted"));
            assert!(!planted, "{path} {wanted:?}");
        }
    }
    // Led to the sign-in, whatever the address looks like.
    for path in ["/console//evil.example", "/console?next=//evil.example", "/console/areas?%0d%0aSet-Cookie:a=b"] {
        let answer = place.send("GET", path, &[("accept", "text/html"), ("host", "evil.example")], "").await;
        let location = answer.header("location");
        assert!(location.is_empty() || location.starts_with("/console/login?next=%2F"), "{path} -> {location}");
    }
}
