//! Getting in and staying in: sessions, passwords, second factor, back-off, links, and who manages whom.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use chrono::TimeDelta;
use sentinela::accounts::{Role, Roles, factor, password, store};
use sentinela::app::App;
use sentinela::ids::StaffId;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support;

const PASSWORD: &str = "o morro desce devagar";
const OTHER: &str = "chove desde a madrugada";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Letters leave, as far as the accounts know: nothing here runs that would send them.
const WITH_MAIL: (&str, &str) = ("SENTINELA__MAIL__URL", "smtp://127.0.0.1:1");

/// A browser: its cookies, and the address it comes from.
#[derive(Clone, Default)]
struct Browser {
    cookies: Vec<(String, String)>,
    address: Option<std::net::SocketAddr>,
}

impl Browser {
    fn keep(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    async fn send(&mut self, app: &App, request: axum::http::request::Builder, body: Body) -> Response {
        let line: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header("user-agent", AGENT).header("accept", "text/html").body(body).unwrap();
        if !line.is_empty() {
            request.headers_mut().insert("cookie", line.join("; ").parse().unwrap());
        }
        if let Some(address) = self.address {
            request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        }
        let router = sentinela::web::router::router(app.clone());
        let response = support::soon("the answer", router.oneshot(request)).await.unwrap();
        self.keep(response.headers());
        response
    }

    async fn get(&mut self, app: &App, path: &str) -> Response {
        self.send(app, Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, app: &App, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(app, request, Body::from(form)).await
    }

    /// A form of a page that carries the session's own value.
    async fn act(&mut self, app: &App, path: &str, fields: &[(&str, &str)]) -> Response {
        let page = text(self.get(app, "/console/account").await).await;
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"");
        self.post(app, path, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    async fn sign_in(&mut self, app: &App, username: &str, password: &str) -> Response {
        self.post(app, "/console/login", &[("username", username), ("password", password)]).await
    }

    async fn is_in(&mut self, app: &App) -> bool {
        self.get(app, "/console/account").await.status() == StatusCode::OK
    }
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

fn between(page: &str, before: &str, after: &str) -> String {
    let start = page.find(before).unwrap_or_else(|| panic!("{before:?} is not in {page}")) + before.len();
    page[start..].split(after).next().unwrap().to_owned()
}

fn location(response: &Response) -> &str {
    response.headers()[header::LOCATION].to_str().unwrap()
}

async fn add(app: &App, username: &str, roles: &[Role]) -> StaffId {
    let mut conn = app.db.web.acquire().await.unwrap();
    let hash = password::hash(&app.ids, PASSWORD).await.unwrap();
    let roles = Roles::new(roles.iter().copied());
    let id = store::upsert_member(&mut conn, &app.ids, app.clock.now(), username, "Ana Souza", &roles, &hash).await;
    let id = id.unwrap();
    assert!(store::people::set_email(&mut conn, id, &format!("{username}@example.org")).await.unwrap());
    id
}

/// Somebody signed in, without second factor.
async fn signed_in(app: &App, username: &str) -> Browser {
    let mut browser = Browser::default();
    let response = browser.sign_in(app, username, PASSWORD).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    browser
}

fn pass(app: &App, time: TimeDelta) {
    app.clock.set(app.clock.now() + time);
}

/// The key a person was shown on the page that sets the second factor up.
async fn read_key(browser: &mut Browser, app: &App) -> Vec<u8> {
    let page = text(browser.get(app, "/console/account/second-factor").await).await;
    assert!(page.contains("<svg") && !page.contains("style="), "{page}");
    let typed = between(&page, "class=\"mono key\">", "<").replace(' ', "");
    totp_rs::Secret::try_from_base32(typed).unwrap().as_ref().to_vec()
}

/// Sets the second factor up and gives back the key and the recovery codes.
async fn enrol(browser: &mut Browser, app: &App) -> (Vec<u8>, Vec<String>) {
    let key = read_key(browser, app).await;
    let code = factor::code_at(&key, app.clock.now());
    let response = browser.act(app, "/console/account/second-factor", &[("code", &code)]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let page = text(response).await;
    let list = between(&page, "<ul class=\"codes mono\">", "</ul>");
    let codes = list.split("<li>").skip(1).map(|item| item.split('<').next().unwrap().to_owned()).collect();
    (key, codes)
}

async fn acts(app: &App) -> Vec<String> {
    sqlx::query_scalar("select act || ' ' || object from audit_event order by id").fetch_all(&app.db.web).await.unwrap()
}

/// Subjects and texts of the letters that wait.
async fn letters(app: &App) -> Vec<(String, String)> {
    sqlx::query_as("select purpose, body from notice order by id").fetch_all(&app.db.web).await.unwrap()
}

fn token_of(letter: &str) -> String {
    letter.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_what_an_open_page_fetches_is_no_use() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut browser = signed_in(&app, "ana").await;
    pass(&app, TimeDelta::minutes(119));
    assert!(browser.is_in(&app).await);
    pass(&app, TimeDelta::minutes(119));
    let fetch = Request::get("/console/account").header("sec-fetch-mode", "cors");
    assert_eq!(browser.send(&app, fetch, Body::empty()).await.status(), StatusCode::OK);
    pass(&app, TimeDelta::minutes(1));
    assert!(!browser.is_in(&app).await);
}

#[tokio::test]
async fn a_session_ends_after_its_hours_however_much_it_is_used() {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__ACCOUNTS__SESSION_HOURS", "3")]);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut browser = signed_in(&app, "ana").await;
    for _ in 0..2 {
        pass(&app, TimeDelta::hours(1));
        assert!(browser.is_in(&app).await);
    }
    pass(&app, TimeDelta::minutes(59));
    assert!(browser.is_in(&app).await);
    pass(&app, TimeDelta::minutes(1));
    assert!(!browser.is_in(&app).await);
}

#[tokio::test]
async fn a_cookie_planted_before_the_sign_in_is_never_adopted() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Viewer]).await;
    add(&app, "eva", &[Role::Viewer]).await;
    // An attacker's own live session, and a made-up one.
    let eva = signed_in(&app, "eva").await;
    let planted = eva.cookie("sentinela_session").unwrap();
    for planted in [planted.as_str(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let mut victim = Browser { cookies: vec![("sentinela_session".into(), planted.into())], address: None };
        victim.sign_in(&app, "ana", PASSWORD).await;
        assert_ne!(victim.cookie("sentinela_session").unwrap(), planted);
        assert!(victim.is_in(&app).await);
        let mut attacker = Browser { cookies: vec![("sentinela_session".into(), planted.into())], address: None };
        assert!(!attacker.is_in(&app).await, "the planted session is ended");
    }
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__HTTP__PUBLIC_URL", "https://alerta.example.org")]);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut browser = Browser::default();
    let response = browser.sign_in(&app, "ana", PASSWORD).await;
    for line in response.headers().get_all(header::SET_COOKIE) {
        let line = line.to_str().unwrap();
        assert!(line.starts_with("__Host-") && line.contains("; Path=/;"), "{line}");
        assert!(line.contains("HttpOnly") && line.contains("Secure") && line.contains("SameSite=Lax"), "{line}");
    }
    assert!(browser.is_in(&app).await);
    // A cookie without the prefix, as another host of the domain could set it, opens nothing.
    let token = browser.cookie("__Host-sentinela_session").unwrap();
    let mut plain = Browser { cookies: vec![("sentinela_session".into(), token)], address: None };
    assert!(!plain.is_in(&app).await);
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them_and_nobody_elses() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Viewer]).await;
    add(&app, "eva", &[Role::Viewer]).await;
    let mut here = signed_in(&app, "ana").await;
    let mut there = signed_in(&app, "ana").await;
    let mut eva = signed_in(&app, "eva").await;
    let page = text(here.get(&app, "/console/account").await).await;
    assert_eq!(page.matches("Firefox · Linux").count(), 3, "two rows and one label: {page}");
    let id = between(&page, "name=\"id\" value=\"", "\"");
    let refused = eva.act(&app, "/console/account/sessions/end", &[("id", &id)]).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    assert!(there.is_in(&app).await);
    let ended = here.act(&app, "/console/account/sessions/end", &[("id", &id)]).await;
    assert_eq!(ended.status(), StatusCode::SEE_OTHER);
    assert!(!there.is_in(&app).await && here.is_in(&app).await);
    let mut third = signed_in(&app, "ana").await;
    here.act(&app, "/console/account/sessions/end", &[]).await;
    assert!(!third.is_in(&app).await && here.is_in(&app).await && eva.is_in(&app).await);
    assert_eq!(acts(&app).await.iter().filter(|act| *act == "session.revoke ana").count(), 2);
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session_and_gives_this_one_a_new_token() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut here = signed_in(&app, "ana").await;
    let mut there = signed_in(&app, "ana").await;
    let before = here.clone();
    let change = |old: &'static str, new: &'static str| [("old", old), ("new", new), ("again", new)];
    for (old, new) in
        [("errada errada errada", OTHER), (PASSWORD, "curta"), (PASSWORD, "anasouza2026!"), (PASSWORD, "senhasenha123")]
    {
        let response = here.act(&app, "/console/account/password", &change(old, new)).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{old} → {new}");
    }
    assert!(there.is_in(&app).await);
    let response = here.act(&app, "/console/account/password", &change(PASSWORD, OTHER)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(here.is_in(&app).await && !there.is_in(&app).await && !before.clone().is_in(&app).await);
    assert_eq!(Browser::default().sign_in(&app, "ana", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(Browser::default().sign_in(&app, "ana", OTHER).await.status(), StatusCode::SEE_OTHER);
    assert!(acts(&app).await.contains(&"password.change ana".to_owned()));
    assert_eq!(letters(&app).await[0].0, "account_event");
}

#[tokio::test]
async fn whoever_may_warn_sees_nothing_but_their_account_until_the_second_factor_is_set_up() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Coordinator]).await;
    let mut browser = signed_in(&app, "ana").await;
    for path in ["/console", "/console/alerts", "/console/admin"] {
        let response = browser.get(&app, path).await;
        assert_eq!((response.status(), location(&response)), (StatusCode::SEE_OTHER, "/console/account/second-factor"));
    }
    let request = Request::get("/api/v1/alerts")
        .header("cookie", format!("sentinela_session={}", browser.cookie("sentinela_session").unwrap()));
    let router = sentinela::web::router::router(app.clone());
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(text(response).await.contains("second factor"));
    let before = browser.clone();
    assert_eq!(browser.get(&app, "/console/account/second-factor").await.status(), StatusCode::OK);
    let wrong = browser.act(&app, "/console/account/second-factor", &[("code", "000000")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let (_, codes) = enrol(&mut browser, &app).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(browser.get(&app, "/console").await.status(), StatusCode::OK);
    assert!(!before.clone().is_in(&app).await, "a rise of privilege has a new token");
    assert!(acts(&app).await.contains(&"second_factor.set ana".to_owned()));
    // It cannot be taken away by whoever needs it.
    let response = browser.act(&app, "/console/account/second-factor/remove", &[("password", PASSWORD)]).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn where_it_is_optional_the_console_opens_without_and_asks_for_it_once_it_is_set_up() {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__ACCOUNTS__SECOND_FACTOR", "optional")]);
    add(&app, "ana", &[Role::Coordinator]).await;
    let mut browser = signed_in(&app, "ana").await;
    assert_eq!(browser.get(&app, "/console").await.status(), StatusCode::OK);
    // Long after the sign-in the password is asked first.
    pass(&app, TimeDelta::minutes(30));
    let key = read_key(&mut browser, &app).await;
    let code = factor::code_at(&key, app.clock.now());
    let refused = browser.act(&app, "/console/account/second-factor", &[("code", &code)]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let set = browser.act(&app, "/console/account/second-factor", &[("code", &code), ("password", PASSWORD)]).await;
    assert_eq!(set.status(), StatusCode::OK);
    let response = Browser::default().sign_in(&app, "ana", PASSWORD).await;
    assert!(location(&response).starts_with("/console/login/code"));
    let removed = browser.act(&app, "/console/account/second-factor/remove", &[("password", PASSWORD)]).await;
    assert_eq!(removed.status(), StatusCode::SEE_OTHER);
    assert_eq!(location(&Browser::default().sign_in(&app, "ana", PASSWORD).await), "/console");
}

#[tokio::test]
async fn a_code_is_accepted_once_even_within_its_thirty_seconds() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Coordinator]).await;
    let mut browser = signed_in(&app, "ana").await;
    let (key, _) = enrol(&mut browser, &app).await;
    // The code of the set-up itself is used up.
    let code = factor::code_at(&key, app.clock.now());
    let mut second = Browser::default();
    let response = second.sign_in(&app, "ana", PASSWORD).await;
    assert!(second.cookie("sentinela_session").is_none(), "half a sign-in is no session");
    assert!(location(&response).starts_with("/console/login/code"));
    assert!(!second.is_in(&app).await);
    assert_eq!(second.post(&app, "/console/login/code", &[("code", &code)]).await.status(), StatusCode::UNAUTHORIZED);
    pass(&app, TimeDelta::seconds(30));
    let code = factor::code_at(&key, app.clock.now());
    assert_eq!(second.post(&app, "/console/login/code", &[("code", &code)]).await.status(), StatusCode::SEE_OTHER);
    assert!(second.is_in(&app).await);
    // Somebody who looked over the shoulder has password and code, within the same half minute.
    let mut thief = Browser::default();
    thief.sign_in(&app, "ana", PASSWORD).await;
    assert_eq!(thief.post(&app, "/console/login/code", &[("code", &code)]).await.status(), StatusCode::UNAUTHORIZED);
    // Nor does an earlier code fit, though it is within the tolerance.
    let earlier = factor::code_at(&key, app.clock.now() - TimeDelta::seconds(30));
    assert_eq!(thief.post(&app, "/console/login/code", &[("code", &earlier)]).await.status(), StatusCode::UNAUTHORIZED);
    assert!(!thief.is_in(&app).await);
}

#[tokio::test]
async fn the_second_step_is_bound_to_the_browser_and_to_ten_minutes() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Coordinator]).await;
    let (key, _) = enrol(&mut signed_in(&app, "ana").await, &app).await;
    pass(&app, TimeDelta::seconds(60));
    let code = factor::code_at(&key, app.clock.now());
    let response = Browser::default().post(&app, "/console/login/code", &[("code", &code)]).await;
    assert_eq!(location(&response), "/console/login");
    let mut slow = Browser::default();
    slow.sign_in(&app, "ana", PASSWORD).await;
    pass(&app, TimeDelta::minutes(10));
    let code = factor::code_at(&key, app.clock.now());
    let response = slow.post(&app, "/console/login/code", &[("code", &code)]).await;
    assert_eq!(location(&response), "/console/login");
}

#[tokio::test]
async fn a_recovery_code_opens_once_and_new_ones_replace_the_old() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Coordinator]).await;
    let mut browser = signed_in(&app, "ana").await;
    let (_, codes) = enrol(&mut browser, &app).await;
    let open = async |code: &str| {
        let mut browser = Browser::default();
        browser.sign_in(&app, "ana", PASSWORD).await;
        browser.post(&app, "/console/login/code", &[("code", code)]).await.status()
    };
    assert_eq!(open(&codes[0].to_lowercase().replace('-', " ")).await, StatusCode::SEE_OTHER);
    assert_eq!(open(&codes[0]).await, StatusCode::UNAUTHORIZED);
    let response = browser.act(&app, "/console/account/recovery-codes", &[("password", PASSWORD)]).await;
    let page = text(response).await;
    let fresh = between(&page, "<ul class=\"codes mono\"><li>", "<");
    assert_eq!(open(&codes[1]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(open(&fresh).await, StatusCode::SEE_OTHER);
    let acts = acts(&app).await;
    assert_eq!(acts.iter().filter(|act| *act == "recovery_code.use ana").count(), 2);
    assert!(acts.contains(&"recovery_code.renew ana".to_owned()));
}

#[tokio::test]
async fn guessed_codes_make_one_wait_like_guessed_passwords_and_the_password_does_not_reset_the_count() {
    let db = support::db().await;
    let app = support::app_with(&db, &[WITH_MAIL]);
    add(&app, "ana", &[Role::Coordinator]).await;
    let (key, _) = enrol(&mut signed_in(&app, "ana").await, &app).await;
    let mut thief = Browser::default();
    for n in 0..6 {
        // Back to the first step each time: the right password must not clear what was counted.
        assert_eq!(thief.sign_in(&app, "ana", PASSWORD).await.status(), StatusCode::SEE_OTHER, "{n}");
        let guess = thief.post(&app, "/console/login/code", &[("code", "000000")]).await;
        assert_eq!(guess.status(), StatusCode::UNAUTHORIZED);
    }
    let code = factor::code_at(&key, app.clock.now() + TimeDelta::seconds(30));
    assert_eq!(
        thief.post(&app, "/console/login/code", &[("code", &code)]).await.status(),
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn waiting_doubles_survives_a_restart_and_is_the_same_for_names_nobody_has() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut answers = Vec::new();
    for name in ["ana", "ninguem"] {
        let mut log = Vec::new();
        // Another browser and another router each time: nothing is kept in memory.
        let mut fail = async |status: StatusCode| {
            let response = Browser::default().sign_in(&app, name, "errada").await;
            assert_eq!(response.status(), status, "{name}");
            log.push(text(response).await.replace(name, "NAME"));
        };
        for _ in 0..6 {
            fail(StatusCode::UNAUTHORIZED).await;
        }
        for doubling in 1..=5 {
            fail(StatusCode::TOO_MANY_REQUESTS).await;
            pass(&app, TimeDelta::seconds((1 << doubling) - 1));
            fail(StatusCode::TOO_MANY_REQUESTS).await;
            pass(&app, TimeDelta::seconds(1));
            fail(StatusCode::UNAUTHORIZED).await;
        }
        answers.push(log);
        app.clock.set(support::start_at());
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn nobody_can_lock_an_account_for_the_browser_its_owner_uses_and_the_owner_is_told() {
    let db = support::db().await;
    let app = support::app_with(&db, &[WITH_MAIL]);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut own = signed_in(&app, "ana").await;
    for n in 0..12 {
        let status = Browser::default().sign_in(&app, "ana", "errada").await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{n}");
        pass(&app, TimeDelta::minutes(15));
    }
    Browser::default().sign_in(&app, "ana", "errada").await;
    assert_eq!(Browser::default().sign_in(&app, "ana", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(own.sign_in(&app, "ana", PASSWORD).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(letters(&app).await.len(), 1, "told once");
    // Waiting ends by itself: there is no lock for ever.
    pass(&app, TimeDelta::minutes(15));
    assert_eq!(Browser::default().sign_in(&app, "ana", PASSWORD).await.status(), StatusCode::SEE_OTHER);
    let acts = acts(&app).await;
    assert!(acts.contains(&"session.refuse ana".to_owned()) && acts.contains(&"session.lock ana".to_owned()));
}

#[tokio::test]
async fn an_address_that_tries_many_names_waits_too_and_no_tried_name_is_kept() {
    let db = support::db().await;
    let app = support::app(&db);
    let mut browser = Browser { address: Some("192.0.2.7:4000".parse().unwrap()), ..Browser::default() };
    for n in 0..21 {
        let status = browser.sign_in(&app, &format!("senha-digitada-{n}"), "x").await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{n}");
    }
    assert_eq!(browser.sign_in(&app, "outra", "x").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let mut other = Browser { address: Some("192.0.2.8:4000".parse().unwrap()), ..Browser::default() };
    assert_eq!(other.sign_in(&app, "outra", "x").await.status(), StatusCode::UNAUTHORIZED);
    assert!(acts(&app).await.iter().all(|act| act == "session.refuse unknown"));
}

#[tokio::test]
async fn tries_at_the_same_moment_are_counted_each() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "ana", &[Role::Viewer]).await;
    let tries = (0..20).map(|_| async { Browser::default().sign_in(&app, "ana", "errada").await.status() });
    let answers = futures_util::future::join_all(tries).await;
    let judged = answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert_eq!(judged, 6, "five free ones and the first that makes one wait: {answers:?}");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once_and_the_answer_tells_nothing() {
    let db = support::db().await;
    let app = support::app_with(&db, &[WITH_MAIL]);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut there = signed_in(&app, "ana").await;
    let mut browser = Browser::default();
    let unknown = text(browser.post(&app, "/console/forgot", &[("who", "ninguem@example.org")]).await).await;
    let known = text(browser.post(&app, "/console/forgot", &[("who", "ANA@example.org")]).await).await;
    assert_eq!(known, unknown);
    let letter = support::eventually("the letter", || async { letters(&app).await.pop() }).await;
    assert_eq!(letter.0, "password_reset");
    let token = token_of(&letter.1);
    let choose = [("token", token.as_str()), ("new", OTHER), ("again", OTHER)];
    let page = browser.get(&app, &format!("/console/reset?token={token}")).await;
    assert_eq!(page.status(), StatusCode::OK, "looking does not use it up");
    let response = browser.post(&app, "/console/reset", &choose).await;
    assert_eq!(location(&response), "/console/login?done=reset");
    assert!(!there.is_in(&app).await, "every session ends");
    assert_eq!(browser.post(&app, "/console/reset", &choose).await.status(), StatusCode::GONE);
    assert_eq!(browser.get(&app, &format!("/console/reset?token={token}")).await.status(), StatusCode::GONE);
    assert_eq!(Browser::default().sign_in(&app, "ana", OTHER).await.status(), StatusCode::SEE_OTHER);
    assert!(acts(&app).await.contains(&"password.reset ana".to_owned()));
}

#[tokio::test]
async fn a_link_for_a_new_password_runs_out_after_half_an_hour_and_a_newer_one_ends_it() {
    let db = support::db().await;
    let app = support::app_with(&db, &[WITH_MAIL]);
    add(&app, "ana", &[Role::Viewer]).await;
    let mut browser = Browser::default();
    let mut tokens = Vec::new();
    for n in 1..=2 {
        browser.post(&app, "/console/forgot", &[("who", "ana")]).await;
        let all = support::eventually("the letter", || async {
            let letters = letters(&app).await;
            (letters.len() == n).then_some(letters)
        });
        tokens = all.await.iter().map(|letter| token_of(&letter.1)).collect();
    }
    let open = |token: &str| format!("/console/reset?token={token}");
    let works = sqlx::query_scalar::<_, i64>("select count(*) from staff_link where used_at is null");
    assert_eq!(works.fetch_one(&app.db.web).await.unwrap(), 1);
    let mut good = 0;
    for token in &tokens {
        good += i32::from(browser.get(&app, &open(token)).await.status() == StatusCode::OK);
    }
    assert_eq!(good, 1);
    pass(&app, TimeDelta::minutes(30));
    for token in &tokens {
        assert_eq!(browser.get(&app, &open(token)).await.status(), StatusCode::GONE);
        let choose = [("token", token.as_str()), ("new", OTHER), ("again", OTHER)];
        assert_eq!(browser.post(&app, "/console/reset", &choose).await.status(), StatusCode::GONE);
    }
}

#[tokio::test]
async fn a_new_password_by_link_does_not_open_what_the_second_factor_closes() {
    let db = support::db().await;
    let app = support::app_with(&db, &[WITH_MAIL]);
    add(&app, "ana", &[Role::Coordinator]).await;
    enrol(&mut signed_in(&app, "ana").await, &app).await;
    let mut thief = Browser::default();
    thief.post(&app, "/console/forgot", &[("who", "ana")]).await;
    let letter = support::eventually("the letter", || async {
        letters(&app).await.into_iter().find(|letter| letter.0 == "password_reset")
    });
    let token = token_of(&letter.await.1);
    thief.post(&app, "/console/reset", &[("token", &token), ("new", OTHER), ("again", OTHER)]).await;
    assert!(location(&thief.sign_in(&app, "ana", OTHER).await).starts_with("/console/login/code"));
    assert!(!thief.is_in(&app).await);
}

/// An administrator with the second factor shown.
async fn administrator(app: &App, username: &str) -> Browser {
    add(app, username, &[Role::Administrator]).await;
    let mut browser = signed_in(app, username).await;
    enrol(&mut browser, app).await;
    browser
}

#[tokio::test]
async fn an_invited_person_chooses_a_password_once_and_sets_up_what_their_role_asks() {
    let db = support::db().await;
    let app = support::app_with(&db, &[WITH_MAIL]);
    let mut admin = administrator(&app, "adm").await;
    let fields =
        [("name", "João da Conceição"), ("email", "joao@example.org"), ("roles", "approver"), ("roles", "viewer")];
    let page = text(admin.act(&app, "/console/staff", &fields).await).await;
    assert!(page.contains("joao.conceicao") && !page.contains("token="), "{page}");
    let taken = admin.act(&app, "/console/staff", &fields).await;
    assert_eq!(taken.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(Browser::default().sign_in(&app, "joao.conceicao", "").await.status(), StatusCode::UNAUTHORIZED);
    let invited = |letters: Vec<(String, String)>| -> Vec<String> {
        letters.iter().filter(|letter| letter.0 == "staff_invitation").map(|letter| token_of(&letter.1)).collect()
    };
    let first = invited(letters(&app).await).remove(0);
    pass(&app, TimeDelta::seconds(1));
    admin.act(&app, "/console/staff/joao.conceicao", &[("act", "resend")]).await;
    let second = invited(letters(&app).await).remove(1);
    let mut joao = Browser::default();
    let choose =
        |token: &str| [("token", token.to_owned()), ("new", PASSWORD.to_owned()), ("again", PASSWORD.to_owned())];
    for (token, status) in [(&first, StatusCode::GONE), (&second, StatusCode::SEE_OTHER), (&second, StatusCode::GONE)] {
        let fields = choose(token);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(joao.post(&app, "/console/invitation", &fields).await.status(), status);
    }
    let response = joao.get(&app, "/console").await;
    assert_eq!(location(&response), "/console/account/second-factor");
    enrol(&mut joao, &app).await;
    assert_eq!(joao.get(&app, "/console").await.status(), StatusCode::OK);
    let acts = acts(&app).await;
    assert!(
        acts.contains(&"staff.invite joao.conceicao".to_owned())
            && acts.contains(&"staff.accept joao.conceicao".to_owned())
    );
}

#[tokio::test]
async fn an_invitation_runs_out_after_three_days() {
    let db = support::db().await;
    let app = support::app(&db);
    let mut admin = administrator(&app, "adm").await;
    let fields = [("name", "Bia"), ("email", "bia@example.org"), ("roles", "viewer")];
    let page = text(admin.act(&app, "/console/staff", &fields).await).await;
    // No mail server: the link is handed over by hand.
    let token = between(&page, "token=", "<");
    let path = format!("/console/invitation?token={token}");
    assert_eq!(Browser::default().get(&app, &path).await.status(), StatusCode::OK);
    pass(&app, TimeDelta::hours(72));
    assert_eq!(Browser::default().get(&app, &path).await.status(), StatusCode::GONE);
}

#[tokio::test]
async fn nobody_changes_themselves_and_the_last_administrator_stays() {
    let db = support::db().await;
    let app = support::app(&db);
    let mut admin = administrator(&app, "adm").await;
    add(&app, "bia", &[Role::Operator]).await;
    for fields in [[("act", "roles"), ("roles", "viewer")], [("act", "disable"), ("reason", "x")]] {
        let response = admin.act(&app, "/console/staff/adm", &fields).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    // Two administrators; the second shuts the first out and is the last then, whatever way somebody tries.
    let mut second = administrator(&app, "seg").await;
    let fields = [("act", "roles"), ("roles", "operator"), ("reason", "mudou de setor")];
    assert_eq!(second.act(&app, "/console/staff/adm", &fields).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(admin.get(&app, "/console/staff").await.status(), StatusCode::FORBIDDEN, "at the very next request");
    let mut conn = app.db.web.acquire().await.unwrap();
    let person = store::people::person(&mut conn, app.clock.now(), "seg").await.unwrap().unwrap();
    let refusal = sentinela::accounts::manage::keep_an_administrator(&mut conn, &person).await.unwrap_err();
    assert!(refusal.to_string().contains("last"), "{refusal}");
    drop(conn);
    let before: Value = sqlx::query_scalar("select before from audit_event where act = 'staff.change_roles'")
        .fetch_one(&app.db.web)
        .await
        .unwrap();
    assert_eq!(before, json!({"roles": ["administrator"], "active": true}));
}

#[tokio::test]
async fn whoever_is_shut_out_is_out_at_once_and_in_again_by_permission_only() {
    let db = support::db().await;
    let app = support::app(&db);
    let mut admin = administrator(&app, "adm").await;
    add(&app, "bia", &[Role::Operator]).await;
    let mut bia = signed_in(&app, "bia").await;
    let response = admin.act(&app, "/console/staff/bia", &[("act", "disable"), ("reason", "saiu")]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(!bia.is_in(&app).await);
    assert_eq!(bia.sign_in(&app, "bia", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    admin.act(&app, "/console/staff/bia", &[("act", "enable"), ("reason", "voltou")]).await;
    assert_eq!(bia.sign_in(&app, "bia", PASSWORD).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_lost_second_factor_is_reset_with_a_reason_and_its_owner_is_told() {
    let db = support::db().await;
    let app = support::app_with(&db, &[WITH_MAIL]);
    let mut admin = administrator(&app, "adm").await;
    add(&app, "ana", &[Role::Coordinator]).await;
    let mut ana = signed_in(&app, "ana").await;
    enrol(&mut ana, &app).await;
    let without = admin.act(&app, "/console/staff/ana", &[("act", "reset-factor"), ("reason", " ")]).await;
    assert_eq!(without.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let told = letters(&app).await.len();
    admin.act(&app, "/console/staff/ana", &[("act", "reset-factor"), ("reason", "perdeu o celular")]).await;
    assert_eq!(letters(&app).await.len(), told + 1);
    assert!(!ana.is_in(&app).await);
    ana.sign_in(&app, "ana", PASSWORD).await;
    assert_eq!(location(&ana.get(&app, "/console").await), "/console/account/second-factor");
    let reason: String = sqlx::query_scalar("select reason from audit_event where act = 'second_factor.reset'")
        .fetch_one(&app.db.web)
        .await
        .unwrap();
    assert_eq!(reason, "perdeu o celular");
}

#[tokio::test]
async fn the_api_manages_staff_by_the_same_rules() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "adm", &[Role::Administrator]).await;
    add(&app, "bia", &[Role::Operator]).await;
    let mut conn = app.db.web.acquire().await.unwrap();
    let expires_at = app.clock.now() + TimeDelta::hours(1);
    let token = store::add_token(&mut conn, &app.ids, app.clock.now(), "adm", "t", expires_at).await.unwrap().unwrap();
    drop(conn);
    let ask = async |method: Method, path: &str, body: Value| -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = request.header("content-type", "application/json").body(body).unwrap();
        let router = sentinela::web::router::router(app.clone());
        let response = support::soon("the answer", router.oneshot(request)).await.unwrap();
        let status = response.status();
        (status, serde_json::from_str(&text(response).await).unwrap_or(Value::Null))
    };
    let (status, made) =
        ask(Method::POST, "/api/v1/staff", json!({"name": "Léo Sá", "email": "leo@example.org", "roles": ["viewer"]}))
            .await;
    assert_eq!((status, &made["username"]), (StatusCode::CREATED, &json!("leo.sa")));
    assert!(made["link"].as_str().unwrap().contains("/console/invitation?token="));
    let (_, list) = ask(Method::GET, "/api/v1/staff", Value::Null).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    let (status, person) =
        ask(Method::PUT, "/api/v1/staff/bia/roles", json!({"roles": ["approver"], "reason": "curso"})).await;
    assert_eq!((status, &person["roles"]), (StatusCode::OK, &json!(["approver"])));
    let refused = [
        (Method::PUT, "/api/v1/staff/adm/roles", json!({"roles": ["viewer"]}), StatusCode::CONFLICT),
        (Method::POST, "/api/v1/staff/adm/disable", json!({}), StatusCode::CONFLICT),
        (Method::PUT, "/api/v1/staff/bia/roles", json!({"roles": []}), StatusCode::BAD_REQUEST),
        (Method::PUT, "/api/v1/staff/bia/roles", json!({"roles": ["king"]}), StatusCode::BAD_REQUEST),
        (Method::POST, "/api/v1/staff/bia/reset-second-factor", json!({"reason": "x"}), StatusCode::CONFLICT),
        (Method::POST, "/api/v1/staff/bia/enable", json!({}), StatusCode::CONFLICT),
        (Method::GET, "/api/v1/staff/n%00obody", Value::Null, StatusCode::NOT_FOUND),
        (
            Method::POST,
            "/api/v1/staff",
            json!({"name": "\u{0}", "email": "a@b.c", "roles": ["viewer"]}),
            StatusCode::BAD_REQUEST,
        ),
    ];
    for (method, path, body, status) in refused {
        assert_eq!(ask(method, path, body).await.0, status, "{path}");
    }
    assert_eq!(
        ask(Method::POST, "/api/v1/staff/bia/disable", json!({"reason": "saiu\u{0}"})).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(ask(Method::POST, "/api/v1/staff/bia/disable", json!({"reason": "saiu"})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_first_administrator_is_made_by_a_link_once_and_never_again() {
    let db = support::db().await;
    let folder = support::Folder::new();
    let data = folder.path().to_str().unwrap();
    let app = support::app_with(&db, &[("SENTINELA__DATA_DIR", data)]);
    let page = text(Browser::default().get(&app, "/console/login").await).await;
    assert!(page.contains("setup-link"), "{page}");
    let older = sentinela::accounts::setup::offer(&app).await.unwrap().unwrap();
    let link = sentinela::accounts::setup::offer(&app).await.unwrap().unwrap();
    let file = folder.path().join("setup-link");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), link);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let path = |link: &str| link[link.find("/console").unwrap()..].to_owned();
    assert_eq!(Browser::default().get(&app, &path(&older)).await.status(), StatusCode::GONE);
    assert_eq!(Browser::default().get(&app, &path(&link)).await.status(), StatusCode::OK);
    let token = link.split("token=").nth(1).unwrap();
    let fields = [
        ("token", token),
        ("name", "Rosa Lima"),
        ("username", "rosa"),
        ("email", "rosa@example.org"),
        ("new", PASSWORD),
        ("again", PASSWORD),
        ("coordinates", "on"),
    ];
    let mut rosa = Browser::default();
    assert_eq!(location(&rosa.post(&app, "/console/setup", &fields).await), "/console");
    assert!(!file.exists());
    assert_eq!(location(&rosa.get(&app, "/console").await), "/console/account/second-factor");
    enrol(&mut rosa, &app).await;
    assert_eq!(rosa.get(&app, "/console/staff").await.status(), StatusCode::OK);
    assert_eq!(Browser::default().post(&app, "/console/setup", &fields).await.status(), StatusCode::GONE);
    assert!(sentinela::accounts::setup::offer(&app).await.unwrap().is_none());
    assert!(acts(&app).await.contains(&"staff.set_up rosa".to_owned()));
}

#[tokio::test]
async fn people_of_a_module_land_on_their_own_account_and_see_no_console() {
    let db = support::db().await;
    let app = support::app(&db);
    add(&app, "caio", &[Role::Press]).await;
    let mut caio = Browser::default();
    assert_eq!(location(&caio.sign_in(&app, "caio", PASSWORD).await), "/console/account");
    assert_eq!(location(&caio.get(&app, "/console").await), "/console/account");
    let page = text(caio.get(&app, "/console/account").await).await;
    assert!(!page.contains("href=\"/console/alerts\"") && page.contains("Ana Souza"), "{page}");
    assert_eq!(caio.get(&app, "/console/alerts").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_stored_of_a_second_factor_is_sealed_and_no_secret_is_in_the_audit() {
    let db = support::db().await;
    let app = support::app(&db);
    let id = add(&app, "ana", &[Role::Coordinator]).await;
    let (key, codes) = enrol(&mut signed_in(&app, "ana").await, &app).await;
    let stored: Vec<u8> = sqlx::query_scalar("select secret from staff_factor where staff_id = $1")
        .bind(id.0)
        .fetch_one(&app.db.web)
        .await
        .unwrap();
    assert!(!stored.windows(key.len()).any(|window| window == key));
    let audit: String =
        sqlx::query_scalar("select string_agg(e::text, ' ') from audit_event e").fetch_one(&app.db.web).await.unwrap();
    for secret in [PASSWORD, codes[0].as_str(), "ana@example.org"] {
        assert!(!audit.contains(secret), "{secret}");
    }
}
