//! Signing in through an identity provider: a real one (npm package `oidc-provider`), its own sign-in and consent forms, and
//! a browser of few lines that goes wherever it is sent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::http::StatusCode;
use chrono::TimeDelta;
use reqwest::{Client, Method, Response};
use sentinela::accounts::store::people::{self, Person};
use sentinela::accounts::{Role, Roles, password, store};
use sentinela::app::App;
use sentinela::clock::from_micros;
use tokio::net::TcpListener;
use tokio::process::Command;
use url::Url;

use crate::support::{self, Process, TestDb, free_port, soon};

const PASSWORD: &str = "o morro desce devagar";
const RETURN: &str = "/console/login/oidc/return";

/// The service on a port of its own, and a provider that knows it.
struct Town {
    app: App,
    /// Goes with the test.
    _db: TestDb,
    service: String,
    provider: String,
    /// Ends with the test.
    process: Process,
}

impl Town {
    async fn new(overrides: &[(&str, &str)]) -> Self {
        // The tests' own client speaks no TLS, but is not built without a library for it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = format!("http://{}", listener.local_addr().unwrap());
        let port = free_port();
        let provider = format!("http://127.0.0.1:{port}");
        let process = start(port, &service).await;
        let db = support::db().await;
        let base = [
            ("SENTINELA__HTTP__PUBLIC_URL", service.as_str()),
            ("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1"),
            ("SENTINELA__OIDC__ISSUER", provider.as_str()),
            ("SENTINELA__OIDC__CLIENT_ID", "sentinela"),
            ("SENTINELA__OIDC__CLIENT_SECRET", "between-us"),
            ("SENTINELA__OIDC__ROLES", "plantao = operator,chefia = coordinator,ti = administrator"),
        ];
        let app = support::app_with(&db, &[&base[..], overrides].concat());
        let router = sentinela::web::router::router(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let town = Self { app, _db: db, service, provider, process };
        town.keep_time(TimeDelta::zero()).await;
        town
    }

    /// Something the provider's own hands do.
    async fn tell(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let url = Url::parse_with_params(&format!("{}{path}", self.provider), fields).unwrap();
        soon("the provider", Client::new().get(url).send()).await.unwrap().text().await.unwrap()
    }

    /// Puts our clock to what the provider's shows, and so much more.
    async fn keep_time(&self, ahead: TimeDelta) {
        let millis: i64 = self.tell("/now", &[]).await.parse().unwrap();
        self.app.clock.set(from_micros(millis * 1000) + ahead);
    }

    async fn person(&self, username: &str) -> Option<Person> {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        people::person(&mut conn, self.app.clock.now(), username).await.unwrap()
    }

    async fn add(&self, username: &str, role: Role) {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let hash = password::hash(&self.app.ids, PASSWORD).await.unwrap();
        let now = self.app.clock.now();
        store::upsert_member(&mut conn, &self.app.ids, now, username, "Ana Souza", &role.into(), &hash).await.unwrap();
    }

    /// The acts in the audit, oldest first, with the reasons given.
    async fn acts(&self) -> Vec<(String, String)> {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let rows = sqlx::query_as(
            "select e.act, e.reason from audit_event e join audit_chain c on c.event_id = e.id order by c.seq",
        );
        rows.fetch_all(&mut *conn).await.unwrap()
    }
}

async fn start(port: u16, service: &str) -> Process {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    assert!(folder.join("node_modules/oidc-provider").exists(), "run tests/peers/setup.sh");
    let mut command = Command::new("node");
    command.arg(folder.join("oidc.mjs")).arg(port.to_string()).arg(service).stderr(std::process::Stdio::null());
    let mut process = Process::start(command);
    process.line_with("ready").await;
    process
}

/// Cookies by host and port, which real browsers do not tell apart; here they are two sites.
#[derive(Clone, Default)]
struct Browser {
    cookies: BTreeMap<(String, String), String>,
}

struct Page {
    url: Url,
    status: StatusCode,
    text: String,
}

impl Page {
    fn between(&self, before: &str, after: &str) -> String {
        let start =
            self.text.find(before).unwrap_or_else(|| panic!("{before:?} is not in {}", self.text)) + before.len();
        self.text[start..].split(after).next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
    }

    fn says(&self, words: &str) {
        assert!(
            self.text.contains(words),
            "{words:?} is not on the page of {} ({}): {}",
            self.url,
            self.status,
            self.text
        );
    }
}

impl Browser {
    async fn once(&mut self, method: Method, url: &Url, form: &[(&str, &str)]) -> Response {
        let site = url.authority().to_owned();
        let sent: Vec<String> = self
            .cookies
            .iter()
            .filter(|((at, _), _)| *at == site)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut request = client
            .request(method.clone(), url.clone())
            .header("accept", "text/html")
            .header("accept-language", "pt-BR");
        if !sent.is_empty() {
            request = request.header("cookie", sent.join("; "));
        }
        if method == Method::POST {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = soon("an answer", request.send()).await.unwrap();
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let key = (site.clone(), name.to_owned());
            if value.is_empty() || line.to_lowercase().contains("1970") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        response
    }

    /// Goes where it is sent, until there is a page, or `stop` is in the next address: that one is given back unvisited.
    async fn go_until(&mut self, method: Method, url: Url, form: &[(&str, &str)], stop: &str) -> Page {
        let (mut method, mut url) = (method, url);
        for _ in 0..12 {
            let response = self.once(method, &url, form).await;
            let status = StatusCode::from_u16(response.status().as_u16()).unwrap();
            let next = response.headers().get("location").map(|to| url.join(to.to_str().unwrap()).unwrap());
            let Some(next) = next else { return Page { url, status, text: response.text().await.unwrap() } };
            if !stop.is_empty() && next.as_str().contains(stop) {
                return Page { url: next, status, text: String::new() };
            }
            (method, url) = (Method::GET, next);
        }
        panic!("sent on and on, at last to {url}");
    }

    async fn get(&mut self, url: &str) -> Page {
        self.go_until(Method::GET, Url::parse(url).unwrap(), &[], "").await
    }

    async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Page {
        self.go_until(Method::POST, Url::parse(url).unwrap(), form, "").await
    }

    /// From wherever the service sends one through the provider's forms, up to the address the provider sends one back to.
    async fn through_provider(&mut self, url: Url, username: &str) -> Url {
        let mut page = self.go_until(Method::GET, url, &[], RETURN).await;
        for _ in 0..3 {
            if page.url.path() == RETURN {
                return page.url;
            }
            let to = page.url.join(&page.between("action=\"", "\"")).unwrap();
            let form: &[(&str, &str)] = if page.text.contains("value=\"login\"") {
                &[("prompt", "login"), ("login", username), ("password", "any")]
            } else {
                page.says("value=\"consent\"");
                &[("prompt", "consent")]
            };
            page = self.go_until(Method::POST, to, form, RETURN).await;
        }
        panic!("the provider asks on and on: {}", page.text)
    }

    /// The whole way: the button of the sign-in page, the provider's forms, and back.
    async fn sign_in(&mut self, town: &Town, username: &str) -> Page {
        let back = self.until_return(town, username, "").await;
        self.get(back.as_str()).await
    }

    async fn until_return(&mut self, town: &Town, username: &str, next: &str) -> Url {
        let login = Url::parse_with_params(&format!("{}/console/login", town.service), [("next", next)]).unwrap();
        let page = self.get(login.as_str()).await;
        page.says("Conta da prefeitura");
        let button = page.between("<a class=\"btn primary\" href=\"", "\"");
        let back = self.through_provider(Url::parse(&town.service).unwrap().join(&button).unwrap(), username).await;
        town.keep_time(TimeDelta::zero()).await;
        back
    }

    async fn is_in(&mut self, town: &Town) -> bool {
        self.get(&format!("{}/console/account", town.service)).await.url.path() == "/console/account"
    }
}

fn acts_of(acts: &[(String, String)]) -> Vec<&str> {
    acts.iter().map(|(act, _)| act.as_str()).collect()
}

#[tokio::test]
async fn somebody_signs_in_through_the_provider_and_has_the_roles_it_tells_each_time() {
    let town = Town::new(&[]).await;
    town.tell("/people", &[("name", "ana"), ("groups", "plantao,futebol")]).await;
    let mut browser = Browser::default();
    let page = browser.sign_in(&town, "ana").await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/console"), "{}", page.text);
    let ana = town.person("ana").await.unwrap();
    assert_eq!((ana.roles, ana.has_password, ana.is_joined), (Role::Operator.into(), false, true));
    assert_eq!(ana.name, "Pessoa ana");
    // A second time: the same person, with what the provider tells now.
    town.tell("/people", &[("name", "ana"), ("groups", "chefia,plantao")]).await;
    let mut other = Browser::default();
    other.sign_in(&town, "ana").await;
    assert_eq!(town.person("ana").await.unwrap().roles, Roles::new([Role::Operator, Role::Coordinator]));
    // Without any role nobody stays in: not here, and not in the sessions of before.
    town.tell("/people", &[("name", "ana"), ("groups", "futebol")]).await;
    let page = Browser::default().sign_in(&town, "ana").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.says("Você não tem função aqui");
    page.says("Peça a função");
    assert!(!browser.is_in(&town).await && !other.is_in(&town).await);
    let acts = town.acts().await;
    let wanted =
        ["staff.add", "session.open", "staff.change_roles", "session.open", "staff.change_roles", "session.refuse"];
    assert_eq!(acts_of(&acts), wanted, "{acts:?}");
}

#[tokio::test]
async fn a_namesake_gets_an_account_of_their_own_and_the_disabled_stay_out() {
    let town = Town::new(&[]).await;
    town.add("ana", Role::Coordinator).await;
    town.tell("/people", &[("name", "ana"), ("groups", "plantao")]).await;
    let page = Browser::default().sign_in(&town, "ana").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let (here, there) = (town.person("ana").await.unwrap(), town.person("ana.2").await.unwrap());
    assert_eq!((here.is_joined, here.roles), (false, Role::Coordinator.into()));
    assert_eq!((there.is_joined, there.roles), (true, Role::Operator.into()));
    let mut conn = town.app.db.web.acquire().await.unwrap();
    store::disable(&mut conn, town.app.clock.now(), "ana.2").await.unwrap();
    drop(conn);
    let page = Browser::default().sign_in(&town, "ana").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.says("Sua conta está desativada aqui");
}

#[tokio::test]
async fn what_comes_back_counts_once_in_time_and_in_the_browser_that_asked() {
    let town = Town::new(&[]).await;
    town.tell("/people", &[("name", "ana"), ("groups", "plantao")]).await;
    let stale = "Esta entrada não vale mais";
    // In another browser: a victim's click on an attacker's answer.
    let mut browser = Browser::default();
    let back = browser.until_return(&town, "ana", "").await;
    let page = Browser::default().get(back.as_str()).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says(stale);
    // In its own it still counts, and then no more.
    assert_eq!(browser.get(back.as_str()).await.url.path(), "/console");
    let mut again = browser.clone();
    again.get(back.as_str()).await.says(stale);
    // With another state.
    let mut browser = Browser::default();
    let mut back = browser.until_return(&town, "ana", "").await;
    let pairs: Vec<(String, String)> = back.query_pairs().into_owned().filter(|(key, _)| key != "state").collect();
    back.query_pairs_mut().clear().extend_pairs(pairs).append_pair("state", "guessed");
    browser.get(back.as_str()).await.says(stale);
    // Too late.
    let mut browser = Browser::default();
    let back = browser.until_return(&town, "ana", "").await;
    town.keep_time(TimeDelta::minutes(11)).await;
    browser.get(back.as_str()).await.says(stale);
    town.keep_time(TimeDelta::zero()).await;
    // A code that belongs to another sign-in: the provider refuses it by the PKCE challenge.
    let (mut one, mut two) = (Browser::default(), Browser::default());
    let (first, mut second) = (one.until_return(&town, "ana", "").await, two.until_return(&town, "ana", "").await);
    let code = first.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
    let pairs: Vec<(String, String)> = second.query_pairs().into_owned().filter(|(key, _)| key != "code").collect();
    second.query_pairs_mut().clear().extend_pairs(pairs).append_pair("code", &code);
    let page = two.get(second.as_str()).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.says("O provedor de identidade recusou");
    assert!(!two.is_in(&town).await);
    // An answer in another provider's name.
    let mut browser = Browser::default();
    let mut back = browser.until_return(&town, "ana", "").await;
    let pairs: Vec<(String, String)> = back.query_pairs().into_owned().filter(|(key, _)| key != "iss").collect();
    back.query_pairs_mut().clear().extend_pairs(pairs).append_pair("iss", "https://evil.example");
    browser.get(back.as_str()).await.says("não confere");
}

#[tokio::test]
async fn an_id_token_that_does_not_hold_lets_nobody_in() {
    let town = Town::new(&[]).await;
    town.tell("/people", &[("name", "ana"), ("groups", "plantao")]).await;
    let now = town.app.clock.now().timestamp();
    let expired = format!("{{\"exp\":{}}}", now - 60);
    let old = format!("{{\"iat\":{}}}", now - 3600);
    let twists = [
        ("how", "signature"),
        ("how", "none"),
        ("how", "secret"),
        ("how", "key"),
        ("claims", "{\"nonce\":\"another\"}"),
        ("claims", "{\"aud\":\"somebody-else\"}"),
        ("claims", "{\"iss\":\"https://evil.example\"}"),
        ("claims", "{\"azp\":\"somebody-else\"}"),
        ("claims", expired.as_str()),
        ("claims", old.as_str()),
    ];
    for twist in twists {
        town.tell("/twist", &[twist]).await;
        let mut browser = Browser::default();
        let page = browser.sign_in(&town, "ana").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{twist:?}: {}", page.text);
        page.says("A resposta do provedor de identidade não confere");
        assert!(!browser.is_in(&town).await, "{twist:?}");
    }
    assert!(town.person("ana").await.is_none());
    let acts = town.acts().await;
    assert!(acts.len() == twists.len() && acts.iter().all(|(act, _)| act == "session.refuse"), "{acts:?}");
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_fetched_when_it_is_first_seen() {
    let town = Town::new(&[]).await;
    town.tell("/people", &[("name", "ana"), ("groups", "plantao")]).await;
    assert_eq!(Browser::default().sign_in(&town, "ana").await.url.path(), "/console");
    town.tell("/keys", &[]).await;
    let mut browser = Browser::default();
    let back = browser.until_return(&town, "ana", "").await;
    // Keys are not asked for anew more often than every ten seconds.
    town.keep_time(TimeDelta::seconds(15)).await;
    assert_eq!(browser.get(back.as_str()).await.url.path(), "/console");
}

#[tokio::test]
async fn nobody_is_led_to_another_site_after_the_sign_in() {
    let town = Town::new(&[]).await;
    town.tell("/people", &[("name", "ana"), ("groups", "plantao")]).await;
    for (next, path) in [
        ("/console/alerts", "/console/alerts"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
    ] {
        let mut browser = Browser::default();
        let back = browser.until_return(&town, "ana", next).await;
        let page = browser.get(back.as_str()).await;
        assert_eq!((page.url.origin(), page.url.path()), (Url::parse(&town.service).unwrap().origin(), path), "{next}");
    }
}

#[tokio::test]
async fn the_second_factor_is_ours_unless_the_provider_says_it_asked() {
    let town =
        Town::new(&[("SENTINELA__OIDC__SECOND_FACTOR", "provider"), ("SENTINELA__OIDC__ACCEPTED_AMR", "otp,mfa")])
            .await;
    town.tell("/people", &[("name", "rui"), ("groups", "chefia")]).await;
    // Whoever may warn the city and showed one factor only has their own account open, to set up the second.
    let mut browser = Browser::default();
    let page = browser.sign_in(&town, "rui").await;
    assert_eq!(page.url.path(), "/console/account/second-factor", "{}", page.text);
    // With the provider's word for it, everything is open.
    town.tell("/twist", &[("claims", "{\"amr\":[\"pwd\",\"otp\"]}")]).await;
    assert_eq!(Browser::default().sign_in(&town, "rui").await.url.path(), "/console");
    // Who has a second factor here, and did not show one there, shows ours before any session.
    let typed = page.between("class=\"mono key\">", "<").replace(' ', "");
    let key = totp_rs::Secret::try_from_base32(typed).unwrap().as_ref().to_vec();
    let code = |app: &App| sentinela::accounts::factor::code_at(&key, app.clock.now());
    let csrf = page.between("name=\"csrf\" value=\"", "\"");
    let url = format!("{}/console/account/second-factor", town.service);
    let done = browser.post(&url, &[("csrf", &csrf), ("code", &code(&town.app))]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let mut browser = Browser::default();
    let page = browser.sign_in(&town, "rui").await;
    assert_eq!(page.url.path(), "/console/login/code", "{}", page.text);
    assert!(!browser.is_in(&town).await);
    town.keep_time(TimeDelta::seconds(60)).await;
    let url = format!("{}/console/login/code", town.service);
    let page = browser.post(&url, &[("code", &code(&town.app))]).await;
    assert_eq!(page.url.path(), "/console", "{}", page.text);
    // That session is the provider's too: signing out leads on to its own sign-out.
    let csrf = page.between("name=\"csrf\" value=\"", "\"");
    let page = browser.post(&format!("{}/console/logout", town.service), &[("csrf", &csrf)]).await;
    assert_eq!(page.url.path(), "/console/login/oidc/end");
    page.says("Sair também do provedor");
}

#[tokio::test]
async fn signing_out_at_the_provider_ends_the_session_here() {
    let town = Town::new(&[]).await;
    town.tell("/people", &[("name", "ana"), ("groups", "plantao")]).await;
    let mut browser = Browser::default();
    browser.sign_in(&town, "ana").await;
    assert!(browser.is_in(&town).await);
    // Over there, from the page that our sign-out offers; nothing is signed out here.
    let page = browser.get(&format!("{}/console/login/oidc/end", town.service)).await;
    let there = page.between("<a class=\"btn primary\" href=\"", "\"");
    let page = browser.get(&there).await;
    let to = page.url.join(&page.between("action=\"", "\"")).unwrap();
    let xsrf = page.between("name=\"xsrf\" value=\"", "\"");
    let page = browser.post(to.as_str(), &[("xsrf", &xsrf), ("logout", "yes")]).await;
    assert_eq!(page.url.path(), "/console/login", "{}", page.text);
    // The provider told us from server to server.
    let ended = support::eventually("the session's end", || {
        let mut browser = browser.clone();
        let town = &town;
        async move { (!browser.is_in(town).await).then_some(()) }
    });
    ended.await;
    let acts = town.acts().await;
    assert_eq!(acts.last().unwrap().0, "session.revoke", "{acts:?}");
    let forged =
        browser.post(&format!("{}/console/login/oidc/logout", town.service), &[("logout_token", "a.b.c")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_account_is_joined_by_its_owner_who_proves_both_and_separated_again() {
    let town = Town::new(&[]).await;
    town.add("maria", Role::Viewer).await;
    town.tell("/people", &[("name", "m.souza"), ("groups", "plantao")]).await;
    let mut browser = Browser::default();
    let login = format!("{}/console/login", town.service);
    browser.post(&login, &[("username", "maria"), ("password", PASSWORD)]).await;
    let account = format!("{}/console/account/oidc", town.service);
    let page = browser.get(&account).await;
    let csrf = page.between("name=\"csrf\" value=\"", "\"");
    let page = browser.post(&account, &[("csrf", &csrf)]).await;
    let there = page.between("<a class=\"btn primary\" href=\"", "\"");
    let back = browser.through_provider(Url::parse(&there).unwrap(), "m.souza").await;
    town.keep_time(TimeDelta::zero()).await;
    let page = browser.get(back.as_str()).await;
    page.says("Unida desde");
    assert!(town.person("maria").await.unwrap().is_joined && town.person("m.souza").await.is_none());
    let page = Browser::default().sign_in(&town, "m.souza").await;
    page.says("Ana Souza");
    assert_eq!(town.person("maria").await.unwrap().roles, Role::Operator.into());
    let page = browser.post(&format!("{account}/remove"), &[("csrf", &csrf)]).await;
    page.says("Una sua conta");
    assert!(!town.person("maria").await.unwrap().is_joined);
    let acts = town.acts().await;
    assert!(acts_of(&acts).contains(&"staff.link") && acts_of(&acts).contains(&"staff.unlink"), "{acts:?}");
}

#[tokio::test]
async fn while_the_provider_is_down_a_page_says_so_and_passwords_still_work() {
    let mut town = Town::new(&[]).await;
    town.add("maria", Role::Viewer).await;
    town.process.kill().await;
    let mut browser = Browser::default();
    let page = browser.get(&format!("{}/console/login/oidc", town.service)).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    page.says("O provedor de identidade não responde");
    page.says("Quem tem senha aqui entra com usuário e senha");
    let login = format!("{}/console/login", town.service);
    let page = browser.post(&login, &[("username", "maria"), ("password", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/console");
}

#[tokio::test]
async fn where_passwords_are_off_only_the_emergency_account_has_one_that_counts() {
    let town = Town::new(&[("SENTINELA__OIDC__ALLOW_PASSWORD", "false")]).await;
    town.add("maria", Role::Coordinator).await;
    town.add("reserva", Role::Administrator).await;
    let login = format!("{}/console/login", town.service);
    let page = Browser::default().post(&login, &[("username", "maria"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.says("A senha vale só para a conta de emergência");
    let page = Browser::default().post(&login, &[("username", "reserva"), ("password", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/console/account/second-factor");
}
