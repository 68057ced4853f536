//! The door: who gets in, what is refused, and what anyone may see.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use sentinela::accounts::{Role, password, permission, store};
use sentinela::app::App;
use sentinela::events::Event;
use sentinela::web::gate::{Guard, RULES};
use tower::ServiceExt as _;

use crate::support;

const PASSWORD: &str = "uma senha de teste";

async fn send(app: &App, request: Request<Body>) -> Response {
    asked(&sentinela::web::router::router(app.clone()), request).await
}

/// The same of a router that is there already: making one takes longer than asking it.
async fn asked(router: &axum::Router, request: Request<Body>) -> Response {
    support::soon("the answer", router.clone().oneshot(request)).await.unwrap()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// A path with something in each of its places.
fn filled(path: &str) -> String {
    let known = [("{layer}", "areas"), ("{z}", "0"), ("{x}", "0"), ("{y}", "0"), ("{*path}", "app.css")];
    let path = known.iter().fold(path.to_owned(), |path, (place, value)| path.replace(place, value));
    let mut filled = String::new();
    for part in path.split_inclusive('/') {
        let slash = if part.ends_with('/') { "/" } else { "" };
        let value =
            if part.starts_with('{') { "00000000-0000-0000-0000-000000000000" } else { part.trim_end_matches('/') };
        filled.push_str(value);
        filled.push_str(slash);
    }
    filled
}

async fn add_staff(app: &App, role: Role) {
    let mut conn = app.db.web.acquire().await.unwrap();
    let hash = password::hash(&app.ids, PASSWORD).await.unwrap();
    store::upsert_member(&mut conn, &app.ids, app.clock.now(), role.as_str(), "Ana", &role.into(), &hash)
        .await
        .unwrap();
}

async fn sign_in(app: &App, username: &str, password: &str) -> Response {
    let form = format!("username={username}&password={}&next=", password.replace(' ', "+"));
    let request = Request::post("/console/login").header("content-type", "application/x-www-form-urlencoded");
    send(app, request.body(Body::from(form)).unwrap()).await
}

/// The cookie of a fresh session, as the browser sends it back.
async fn session(app: &App, role: Role) -> String {
    add_staff(app, role).await;
    let response = sign_in(app, role.as_str(), PASSWORD).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    cookie(response.headers())
}

fn cookie(headers: &HeaderMap) -> String {
    headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn without_credentials_every_guarded_route_refuses() {
    let db = support::db().await;
    let router = sentinela::web::router::router(support::app(&db));
    for rule in RULES.iter().filter(|rule| rule.guard != Guard::Open) {
        let method: Method = rule.method.parse().unwrap();
        let request = Request::builder().method(method).uri(filled(rule.path)).body(Body::empty()).unwrap();
        let response = asked(&router, request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{} {}", rule.method, rule.path);
    }
}

#[tokio::test]
async fn a_lower_role_is_refused_everywhere_a_higher_one_is_asked() {
    let db = support::db().await;
    // One person asks for everything at once: more than an account may in earnest.
    let unlimited =
        [("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "0"), ("SENTINELA__HTTP__LIMITS__ACCOUNT_BURST", "0")];
    let app = support::app_with(&db, &unlimited);
    let cookie = session(&app, Role::Viewer).await;
    let (allowed, router) = (permission::of_role(Role::Viewer), sentinela::web::router::router(app.clone()));
    for rule in RULES.iter().filter(|rule| matches!(rule.guard, Guard::Staff(needed) if !allowed.allow(needed))) {
        let method: Method = rule.method.parse().unwrap();
        let request = Request::builder().method(method).uri(filled(rule.path)).header("cookie", &cookie);
        let response = asked(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{} {}", rule.method, rule.path);
    }
}

#[tokio::test]
async fn a_browser_is_led_to_the_sign_in_and_back() {
    let db = support::db().await;
    let app = support::app(&db);
    let request = Request::get("/console/areas?level=alert").header("accept", "text/html").body(Body::empty()).unwrap();
    let response = send(&app, request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/console/login?next=%2Fconsole%2Fareas%3Flevel%3Dalert");
}

#[tokio::test]
async fn a_session_cookie_cannot_be_read_by_scripts_and_ends_after_twelve_hours() {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__HTTP__PUBLIC_URL", "https://alerta.example.org")]);
    add_staff(&app, Role::Viewer).await;
    let response = sign_in(&app, "viewer", PASSWORD).await;
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("; Secure"), "{set}");
    let open = |cookie: String| Request::get("/console").header("cookie", cookie).body(Body::empty()).unwrap();
    let cookie = cookie(response.headers());
    assert_eq!(send(&app, open(cookie.clone())).await.status(), StatusCode::OK);
    app.clock.set(support::start_at() + chrono::TimeDelta::hours(12));
    assert_eq!(send(&app, open(cookie)).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_without_the_sessions_own_value_changes_nothing() {
    let db = support::db().await;
    let app = support::app(&db);
    let cookie = session(&app, Role::Viewer).await;
    let post = |form: String| {
        let request = Request::post("/console/logout").header("cookie", &cookie);
        request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form)).unwrap()
    };
    assert_eq!(send(&app, post("csrf=wrong".into())).await.status(), StatusCode::FORBIDDEN);
    let page = Request::get("/console").header("cookie", &cookie).body(Body::empty()).unwrap();
    let page = text(send(&app, page).await).await;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(send(&app, post(format!("csrf={csrf}"))).await.status(), StatusCode::SEE_OTHER);
    let again = Request::get("/console").header("cookie", &cookie).body(Body::empty()).unwrap();
    assert_eq!(send(&app, again).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_site_cannot_send_forms() {
    let db = support::db().await;
    let app = support::app(&db);
    let request = Request::post("/console/login").header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    assert_eq!(send(&app, request).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let db = support::db().await;
    let app = support::app(&db);
    add_staff(&app, Role::Viewer).await;
    // The back-off lives in the router, so that one router takes all the tries.
    let router = sentinela::web::router::router(app.clone());
    let try_in = |password: &'static str| {
        let form = format!("username=viewer&password={password}");
        let request = Request::post("/console/login").header("content-type", "application/x-www-form-urlencoded");
        router.clone().oneshot(request.body(Body::from(form)).unwrap())
    };
    for _ in 0..6 {
        assert_eq!(try_in("errada").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(try_in("uma+senha+de+teste").await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    app.clock.set(support::start_at() + chrono::TimeDelta::seconds(3));
    assert_eq!(try_in("uma+senha+de+teste").await.unwrap().status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn every_answer_forbids_framing_and_foreign_content() {
    let db = support::db().await;
    let app = support::app(&db);
    for path in ["/", "/healthz", "/no-such-page"] {
        let response = send(&app, Request::get(path).header("accept", "text/html").body(Body::empty()).unwrap()).await;
        let headers = response.headers();
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"), "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
    }
}

#[tokio::test]
async fn people_get_error_pages_in_their_language_and_programs_get_problems() {
    let db = support::db().await;
    let app = support::app(&db);
    let page = Request::get("/nada").header("accept", "text/html").header("accept-language", "en").body(Body::empty());
    let response = send(&app, page.unwrap()).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(text(response).await.contains("Page not found"));
    let response = send(&app, Request::get("/nada").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
}

/// What the map hatches is what `/api/v1/blind-areas` lists, whatever level the area shows.
#[tokio::test]
async fn an_area_is_hatched_over_any_level_where_no_gauge_speaks_for_some_hazard() {
    let db = support::db().await;
    let app = support::app(&db);
    let reason = |outcome: &str| {
        serde_json::json!({"level": "alert", "quantity": "rain", "measure": "sum", "window_min": 60, "unit": "mm",
            "value": null, "threshold": 1, "clear_below": 1, "outcome": outcome, "stations": [], "asked": 1, "silent": 1})
    };
    let judged = [
        // area, hazard, level, rule, outcomes of its conditions
        ("kept", "1.1.3.2.1", "alert", "r", vec!["no_data", "no_data"]),
        ("mixed", "1.1.3.2.1", "alert", "r", vec!["met"]),
        ("mixed", "1.2.1.0.0", "unknown", "r", vec!["no_data"]),
        ("seen", "1.1.3.2.1", "attention", "r", vec!["met", "no_data"]),
        ("calm", "1.1.3.2.1", "normal", "r", vec![]),
        ("unjudged", "1.1.3.2.1", "unknown", "", vec![]),
    ];
    for (area, cobrade, level, rule, outcomes) in &judged {
        let reasons: Vec<_> = outcomes.iter().map(|outcome| reason(outcome)).collect();
        sqlx::query(
            "with area as (insert into risk_area (code, name, geom, created_at, updated_at)
                 values ($1, $1, st_multi(st_makeenvelope(-43.33, -21.76, -43.32, -21.75, 4326)), now(), now())
                 on conflict (code) do update set name = excluded.name returning id),
             hazard as (insert into area_hazard (area_id, cobrade, grade) select id, $2, 'R3' from area returning area_id)
             insert into area_level (area_id, cobrade, level, since_at, evaluated_at, rule_id, rule_version, reasons, memory)
             select id, $2, $3, now(), now(), $4, 1, $5, '{}' from area",
        )
        .bind(area)
        .bind(cobrade)
        .bind(level)
        .bind(rule)
        .bind(serde_json::Value::from(reasons))
        .execute(&mut db.owner().await)
        .await
        .unwrap();
    }
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let listed: serde_json::Value =
        serde_json::from_str(&text(send(&app, get("/api/v1/blind-areas")).await).await).unwrap();
    let mut listed: Vec<(String, String)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["area"].as_str().unwrap().into(), one["cobrade"].as_str().unwrap().into()))
        .collect();
    listed.sort();
    let hatched: Vec<(String, String)> = sqlx::query_as(
        "select a.code, h.hazard from area_blind b join risk_area a on a.id = b.area_id, unnest(b.hazards) as h (hazard)
         order by 1, 2",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(hatched, listed);
    assert_eq!(hatched, [("kept".into(), "1.1.3.2.1".into()), ("mixed".into(), "1.2.1.0.0".into())]);

    let response = send(&app, get("/tiles/areas/14/6220/9206")).await;
    let tag = response.headers()[header::ETAG].clone();
    let tile = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let holds = |word: &str| tile.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(holds("blind") && holds("1.2.1.0.0"));
    let drawn = text(send(&app, get("/")).await).await;
    assert_eq!(drawn.matches("class=\"dark\"").count(), 2, "both are hatched over their level");
    let viewer = session(&app, Role::Viewer).await;
    let console = Request::get("/console").header("cookie", viewer).body(Body::empty()).unwrap();
    let console = text(send(&app, console).await).await;
    assert!(console.contains("kept, mixed"), "one card for all of them: {console}");
    // An area that sees again is another map, though no level changed.
    sqlx::query("update area_level set reasons = $1 where level = 'alert'")
        .bind(serde_json::json!([reason("met")]))
        .execute(&db.pool)
        .await
        .unwrap();
    assert_ne!(send(&app, get("/tiles/areas/14/6220/9206")).await.headers()[header::ETAG], tag);
}

#[tokio::test]
async fn tiles_hold_the_areas_and_are_bounded() {
    let db = support::db().await;
    let app = support::app(&db);
    sqlx::query(
        "insert into risk_area (code, name, geom, created_at, updated_at)
         values ('a', 'Linhares', st_multi(st_makeenvelope(-43.33, -21.76, -43.32, -21.75, 4326)), now(), now())",
    )
    .execute(&app.db.web)
    .await
    .unwrap();
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let response = send(&app, get("/tiles/areas/14/6220/9206")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let tag = response.headers()[header::ETAG].clone();
    let tile = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let holds = |word: &str| tile.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(holds("Linhares") && holds("unknown"), "an area without levels is blind");
    let again = Request::get("/tiles/areas/14/6220/9206").header("if-none-match", tag).body(Body::empty()).unwrap();
    assert_eq!(send(&app, again).await.status(), StatusCode::NOT_MODIFIED);
    for (path, status) in [
        ("/tiles/areas/17/0/0", StatusCode::BAD_REQUEST),
        ("/tiles/areas/1/2/0", StatusCode::BAD_REQUEST),
        ("/tiles/areas/1/0/-1", StatusCode::BAD_REQUEST),
        ("/tiles/residents/0/0/0", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(send(&app, get(path)).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn the_public_hears_of_levels_and_not_of_deliveries() {
    let db = support::db().await;
    let app = support::app(&db);
    let response = send(&app, Request::get("/api/v1/events").body(Body::empty()).unwrap()).await;
    app.events.send(Event::Delivery { alert_id: uuid::Uuid::nil() });
    app.events.send(Event::Levels);
    let mut frames = response.into_body().into_data_stream();
    let first = support::soon("the first event", frames.next()).await.unwrap().unwrap();
    assert_eq!(std::str::from_utf8(&first).unwrap(), "data: {\"kind\":\"levels\"}\n\n");
    let cookie = session(&app, Role::Viewer).await;
    let request = Request::get("/api/v1/events").header("cookie", cookie).body(Body::empty()).unwrap();
    let response = send(&app, request).await;
    app.events.send(Event::Delivery { alert_id: uuid::Uuid::nil() });
    let mut frames = response.into_body().into_data_stream();
    let first = support::soon("the first event", frames.next()).await.unwrap().unwrap();
    assert!(std::str::from_utf8(&first).unwrap().contains("delivery"));
}

#[tokio::test]
async fn a_watcher_that_lags_is_told_to_read_everything_again() {
    let db = support::db().await;
    let app = support::app(&db);
    let response = send(&app, Request::get("/api/v1/events").body(Body::empty()).unwrap()).await;
    for _ in 0..2000 {
        app.events.send(Event::Levels);
    }
    let mut frames = response.into_body().into_data_stream();
    let first = support::soon("the first event", frames.next()).await.unwrap().unwrap();
    assert_eq!(std::str::from_utf8(&first).unwrap(), "data: {\"kind\":\"reload\"}\n\n");
}

#[tokio::test]
async fn readiness_tells_what_is_missing() {
    let db = support::db().await;
    let app = support::app(&db);
    let ready = || Request::get("/readyz").body(Body::empty()).unwrap();
    let response = send(&app, ready()).await;
    assert_eq!(response.status(), StatusCode::OK);
    sqlx::query("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)")
        .execute(&mut db.owner().await)
        .await
        .unwrap();
    let response = send(&app, ready()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(response).await.contains("\"migrated\":false"));
}

#[tokio::test]
async fn the_api_document_names_every_api_route() {
    let db = support::db().await;
    let app = support::app(&db);
    let document = text(send(&app, Request::get("/api/openapi.json").body(Body::empty()).unwrap()).await).await;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for rule in RULES.iter().filter(|rule| rule.path.starts_with("/api/v1/")) {
        let described = paths.get(rule.path).is_some_and(|path| path.get(rule.method.to_lowercase()).is_some());
        assert!(described, "{} {}", rule.method, rule.path);
    }
}
