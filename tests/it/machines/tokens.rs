//! API tokens through the router: scope, expiry, rotation, revocation, and the streams they hold open.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use chrono::TimeDelta;
use futures_util::StreamExt as _;
use sentinela::accounts::permission::{Permission, Permissions};
use sentinela::accounts::tokens::store::{NewToken, add};
use sentinela::accounts::{Role, Roles, store};
use sentinela::app::App;
use sentinela::web::gate::{Guard, RULES};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support;

async fn send(app: &App, request: Request<Body>) -> Response {
    let router = sentinela::web::router::router(app.clone());
    support::soon("the answer", router.oneshot(request)).await.unwrap()
}

async fn ask(app: &App, method: Method, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let response = send(app, request.header("content-type", "application/json").body(body).unwrap()).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(app: &App, path: &str, token: &str) -> StatusCode {
    ask(app, Method::GET, path, token, Value::Null).await.0
}

/// A token of somebody with these roles, with this scope.
async fn token(app: &App, name: &str, roles: &[Role], scope: Option<Permissions>) -> String {
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    let roles = Roles::new(roles.iter().copied());
    store::upsert_member(&mut conn, &app.ids, now, name, "Ana", &roles, "unused").await.unwrap();
    let new = NewToken { username: name, name: "test", scope, expires_at: now + TimeDelta::days(1) };
    add(&mut conn, &app.ids, now, &new).await.unwrap().unwrap().token
}

fn filled(path: &str) -> String {
    let nil = "00000000-0000-0000-0000-000000000000";
    path.split('/').map(|part| if part.starts_with('{') { nil } else { part }).collect::<Vec<_>>().join("/")
}

async fn acts(db: &support::TestDb) -> Vec<String> {
    sqlx::query_scalar("select act from audit_event where act like 'token.%' order by at, id")
        .fetch_all(&db.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_token_passes_the_gate_of_exactly_the_routes_in_its_scope_and_its_owners_roles() {
    let db = support::db().await;
    // Every route under one account: more than anybody asks in a minute.
    let app = support::app_with(&db, &[("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "0")]);
    // Every module too: what one of them guards by its role is not the gate's.
    let modules = Role::ALL.iter().copied().filter(|role| role.is_module());
    let roles: Vec<Role> = [Role::Coordinator, Role::Administrator].into_iter().chain(modules).collect();
    let owner = Roles::new(roles.iter().copied()).permissions();
    let router = sentinela::web::router::router(app.clone());
    for scope in Permission::ALL {
        let held = token(&app, "ana", &roles, Some(Permissions::of(&[*scope]))).await;
        for rule in RULES {
            let Guard::Staff(needed) = rule.guard else { continue };
            // What a refusal needs no database for is asked of every route; of those that pass, reads are enough.
            let allowed = needed == *scope && owner.allow(needed);
            if allowed && rule.method != "GET" {
                continue;
            }
            let method: Method = rule.method.parse().unwrap();
            let request = Request::builder().method(method).uri(filled(rule.path));
            let request = request.header("authorization", format!("Bearer {held}")).body(Body::empty()).unwrap();
            let status = support::soon("the answer", router.clone().oneshot(request)).await.unwrap().status();
            let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            assert_eq!(!refused, allowed, "{scope}: {} {} answers {status}", rule.method, rule.path);
        }
    }
}

#[tokio::test]
async fn a_token_loses_what_its_owner_loses() {
    let db = support::db().await;
    let app = support::app(&db);
    let held = token(&app, "ana", &[Role::Operator], None).await;
    assert_eq!(get(&app, "/api/v1/residents", &held).await, StatusCode::OK);
    sqlx::query("update staff set roles = array['viewer']").execute(&db.pool).await.unwrap();
    assert_eq!(get(&app, "/api/v1/residents", &held).await, StatusCode::FORBIDDEN);
    assert_eq!(get(&app, "/api/v1/alerts", &held).await, StatusCode::OK);
}

#[tokio::test]
async fn an_expired_a_revoked_and_an_invented_token_are_refused() {
    let db = support::db().await;
    let app = support::app(&db);
    let held = token(&app, "ana", &[Role::Viewer], None).await;
    assert_eq!(get(&app, "/api/v1/alerts", &held).await, StatusCode::OK);
    assert_eq!(get(&app, "/api/v1/alerts", "snt_0123456789abcdef0123456789abcdef").await, StatusCode::UNAUTHORIZED);
    app.clock.set(support::start_at() + TimeDelta::days(1));
    assert_eq!(get(&app, "/api/v1/alerts", &held).await, StatusCode::UNAUTHORIZED);
    app.clock.set(support::start_at());
    sqlx::query("update api_token set revoked_at = $1").bind(app.clock.now()).execute(&db.pool).await.unwrap();
    assert_eq!(get(&app, "/api/v1/alerts", &held).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_made_by_an_earlier_version_goes_on_working() {
    let db = support::db().await;
    let app = support::app(&db);
    token(&app, "ana", &[Role::Viewer], None).await;
    let old = "an-older-token-without-the-mark";
    sqlx::query("update api_token set token_sha256 = $1, prefix = '', scopes = null")
        .bind(store::token_sha256(old))
        .execute(&db.pool)
        .await
        .unwrap();
    assert_eq!(get(&app, "/api/v1/alerts", old).await, StatusCode::OK);
}

#[tokio::test]
async fn rotation_keeps_the_old_secret_until_its_stated_end_and_lists_it() {
    let db = support::db().await;
    let app = support::app(&db);
    let old = token(&app, "ana", &[Role::Operator], None).await;
    let (_, listed) = ask(&app, Method::GET, "/api/v1/tokens", &old, Value::Null).await;
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed[0]["prefix"], json!(old[..10]));
    let path = format!("/api/v1/tokens/{id}/rotate");
    let (status, made) = ask(&app, Method::POST, &path, &old, json!({"grace_h": 2})).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let new = made["token"].as_str().unwrap().to_owned();
    assert_eq!(
        (get(&app, "/api/v1/alerts", &old).await, get(&app, "/api/v1/alerts", &new).await),
        (StatusCode::OK, StatusCode::OK)
    );
    let (_, listed) = ask(&app, Method::GET, "/api/v1/tokens", &new, Value::Null).await;
    assert_eq!(listed[0]["previous"]["prefix"], json!(old[..10]));
    assert!(!listed.to_string().contains(&new), "a list never shows a token");

    app.clock.set(support::start_at() + TimeDelta::hours(2));
    assert_eq!(get(&app, "/api/v1/alerts", &old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&app, "/api/v1/alerts", &new).await, StatusCode::OK);
    let (_, listed) = ask(&app, Method::GET, "/api/v1/tokens", &new, Value::Null).await;
    assert_eq!(listed[0]["previous"], Value::Null);
    assert_eq!(acts(&db).await, ["token.rotate"]);
}

#[tokio::test]
async fn a_new_secret_that_was_lost_does_not_cut_off_whoever_uses_the_old_one() {
    let db = support::db().await;
    let app = support::app(&db);
    let old = token(&app, "ana", &[Role::Operator], None).await;
    let (_, listed) = ask(&app, Method::GET, "/api/v1/tokens", &old, Value::Null).await;
    let path = format!("/api/v1/tokens/{}/rotate", listed[0]["id"].as_str().unwrap());
    let (_, lost) = ask(&app, Method::POST, &path, &old, json!({})).await;
    let (status, made) = ask(&app, Method::POST, &path, &old, json!({})).await;
    assert_eq!((status, get(&app, "/api/v1/alerts", &old).await), (StatusCode::OK, StatusCode::OK));
    assert_eq!(get(&app, "/api/v1/alerts", lost["token"].as_str().unwrap()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&app, "/api/v1/alerts", made["token"].as_str().unwrap()).await, StatusCode::OK);
}

#[tokio::test]
async fn a_weak_token_gets_hold_of_no_stronger_one() {
    let db = support::db().await;
    let app = support::app(&db);
    let strong = token(&app, "ana", &[Role::Coordinator], None).await;
    let (_, listed) = ask(&app, Method::GET, "/api/v1/tokens", &strong, Value::Null).await;
    let strong_id = listed[0]["id"].as_str().unwrap().to_owned();
    let weak = json!({"name": "weak", "scope": ["own_account", "see_console"]});
    let (status, made) = ask(&app, Method::POST, "/api/v1/tokens", &strong, weak).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let weak = made["token"].as_str().unwrap().to_owned();
    let stronger = json!({"name": "x", "scope": ["issue_alerts"]});
    assert_eq!(ask(&app, Method::POST, "/api/v1/tokens", &weak, stronger).await.0, StatusCode::BAD_REQUEST);
    let path = format!("/api/v1/tokens/{strong_id}/rotate");
    assert_eq!(ask(&app, Method::POST, &path, &weak, json!({})).await.0, StatusCode::FORBIDDEN);
    // Unless it is named, nothing that asks people for a second factor is given.
    let (_, usual) = ask(&app, Method::POST, "/api/v1/tokens", &strong, json!({"name": "usual"})).await;
    let scope = usual["scope"].to_string();
    assert!(
        scope.contains("draft_alerts") && !scope.contains("issue_alerts") && !scope.contains("own_account"),
        "{scope}"
    );
}

#[tokio::test]
async fn somebody_elses_token_is_revoked_by_whoever_manages_tokens_and_by_nobody_else() {
    let db = support::db().await;
    let app = support::app(&db);
    let anas = token(&app, "ana", &[Role::Coordinator], None).await;
    let bias = token(&app, "bia", &[Role::Coordinator], None).await;
    let root = token(&app, "root", &[Role::Administrator], None).await;
    let (_, listed) = ask(&app, Method::GET, "/api/v1/tokens", &anas, Value::Null).await;
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tokens/{id}");
    assert_eq!(ask(&app, Method::DELETE, &path, &bias, Value::Null).await.0, StatusCode::NOT_FOUND);
    let rotate = format!("{path}/rotate");
    assert_eq!(ask(&app, Method::POST, &rotate, &root, json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, "/api/v1/tokens?everyone=true", &bias).await, StatusCode::FORBIDDEN);
    assert_eq!(get(&app, "/api/v1/tokens?everyone=true", &root).await, StatusCode::OK);
    assert_eq!(ask(&app, Method::DELETE, &path, &root, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(get(&app, "/api/v1/alerts", &anas).await, StatusCode::UNAUTHORIZED);
    assert_eq!(acts(&db).await, ["token.revoke"]);
}

#[tokio::test]
async fn an_open_stream_ends_when_its_token_is_revoked() {
    let db = support::db().await;
    let app = support::app(&db);
    tokio::spawn(sentinela::db::listen::run(app.clone()));
    let held = token(&app, "ana", &[Role::Viewer], None).await;
    let root = token(&app, "root", &[Role::Administrator], None).await;
    let request = Request::get("/api/v1/events").header("authorization", format!("Bearer {held}"));
    let mut frames = send(&app, request.body(Body::empty()).unwrap()).await.into_body().into_data_stream();
    let (_, listed) = ask(&app, Method::GET, "/api/v1/tokens", &held, Value::Null).await;
    let path = format!("/api/v1/tokens/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(ask(&app, Method::DELETE, &path, &root, Value::Null).await.0, StatusCode::NO_CONTENT);
    let end = async { while frames.next().await.is_some() {} };
    support::soon("the stream's end", end).await;
    app.stop.cancel();
}

#[tokio::test]
async fn last_use_and_address_are_kept_at_most_once_a_minute() {
    let db = support::db().await;
    let app = support::app(&db);
    let held = token(&app, "ana", &[Role::Viewer], None).await;
    let used = || async {
        sqlx::query_scalar::<_, Option<chrono::DateTime<chrono::Utc>>>("select last_used_at from api_token")
            .fetch_one(&db.pool)
            .await
            .unwrap()
    };
    assert_eq!(used().await, None);
    get(&app, "/api/v1/alerts", &held).await;
    assert_eq!(used().await, Some(support::start_at()));
    app.clock.set(support::start_at() + TimeDelta::seconds(59));
    get(&app, "/api/v1/alerts", &held).await;
    assert_eq!(used().await, Some(support::start_at()));
    app.clock.set(support::start_at() + TimeDelta::seconds(60));
    get(&app, "/api/v1/alerts", &held).await;
    assert_eq!(used().await, Some(support::start_at() + TimeDelta::seconds(60)));
}
