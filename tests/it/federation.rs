//! A state that follows its municipalities, as three installations: real processes, each with a database of its own.

use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::{Role, store};
use sentinela::app::App;
use sentinela::clock::Clock;
use sentinela::feeds::Feed;
use sentinela::feeds::warnings::store::gravest;
use sentinela::ids::Ids;
use serde_json::{Value, json};

use crate::faults::service::{Place, Service};
use crate::support::{self, Folder, TestDb, eventually};

const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

/// An installation with a coordinator, who speaks to it over HTTP.
struct Installation {
    db: TestDb,
    _folder: Folder,
    place: Place,
    /// On the same database, in this process; nothing of it runs but its client.
    app: App,
    token: String,
    cookie: String,
}

impl Installation {
    /// Its ports are known before anything runs.
    async fn plan(name: &str, ibge: &str) -> Self {
        let (db, folder) = (support::db().await, Folder::new());
        let config = format!(
            "[municipality]\nname = \"{name}\"\nibge_code = \"{ibge}\"\nsender = \"{name}@example.org\"\n\
             sender_name = \"Defesa Civil de {name}\"\n"
        );
        let place = Place { mqtt: 0, ..Place::new(folder.path(), &config) };
        let (app, _) = support::app_and_queue(&db, &[("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")]);
        let now = Clock::System.now();
        app.clock.set(now);
        let mut conn = app.db.web.acquire().await.unwrap();
        let (ids, roles) = (Ids::system(), Role::Coordinator.into());
        let id = store::upsert_member(&mut conn, &ids, now, "ana", "Ana", &roles, NO_HASH).await.unwrap();
        let ends = now + chrono::TimeDelta::days(2);
        let token = store::add_token(&mut conn, &ids, now, "ana", "probe", ends).await.unwrap().unwrap();
        drop(conn);
        let (cookie, _) = support::session_of(&app, id).await;
        Self { db, _folder: folder, place, app, token: format!("Bearer {token}"), cookie }
    }

    fn feed(&self, query: &str) -> String {
        format!("http://127.0.0.1:{}/alerts/feed.atom{query}", self.place.http)
    }

    fn follow(&mut self, name: &str, url: &str, more: &str) {
        let table = format!("\n[[feeds]]\nname = \"{name}\"\nkind = \"cap\"\nurl = \"{url}\"\nevery_s = 5\n{more}\n");
        self.place.config.push_str(&table);
    }

    async fn start(&self) -> Service {
        Service::start(&self.db, &self.place, "").await
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.place.http))
            .header(header::AUTHORIZATION, &self.token)
            .header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.app.outbound.send(request.body(body).unwrap(), 1 << 22).await.unwrap();
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    }

    async fn get(&self, path: &str) -> String {
        let (status, text) = self.ask(Method::GET, path, &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    async fn page(&self, path: &str) -> String {
        let uri = format!("http://127.0.0.1:{}{path}", self.place.http);
        let request = Request::get(uri).header(header::COOKIE, &self.cookie).body(Vec::new()).unwrap();
        let answer = self.app.outbound.send(request, 1 << 22).await.unwrap();
        String::from_utf8_lossy(&answer.body).into_owned()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, text) = self.ask(Method::POST, path, &body).await;
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Issues a draft: its id, and the identifier of its message.
    async fn issue(&self, draft: &Value) -> (String, String) {
        let id = draft["id"].as_str().unwrap().to_owned();
        let issued = self.post(&format!("/api/v1/alerts/{id}/issue"), json!({ "revision": draft["revision"] })).await;
        (id, issued["cap_identifier"].as_str().unwrap_or_else(|| panic!("{issued}")).to_owned())
    }

    async fn warn(&self, status: &str) -> (String, String) {
        let circle = json!({ "circle": { "lat": -21.76, "lon": -43.35, "radius_km": 1.5 }, "name": "Praça" });
        let draft = json!({ "cobrade": "1.1.3.2.1", "level": "alert", "status": status, "places": [circle] });
        self.issue(&self.post("/api/v1/alerts", draft).await).await
    }

    async fn answer(&self, id: &str, how: &str, body: Value) -> (String, String) {
        self.issue(&self.post(&format!("/api/v1/alerts/{id}/{how}"), body).await).await
    }

    /// Source and identifier of what is open and real, as the API tells everyone.
    async fn open(&self) -> Vec<(String, String)> {
        let all: Value = serde_json::from_str(&self.get("/api/v1/warnings").await).unwrap();
        let word = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        let mut all: Vec<(String, String)> =
            all.as_array().unwrap().iter().map(|one| (word(one, "source"), word(one, "identifier"))).collect();
        all.sort();
        all
    }

    async fn shows(&self, what: &[(&str, &str)]) {
        let mut wanted: Vec<(String, String)> =
            what.iter().map(|(source, id)| ((*source).to_owned(), (*id).to_owned())).collect();
        wanted.sort();
        eventually("what the municipalities have in force", async || (self.open().await == wanted).then_some(())).await;
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap()
    }

    async fn feed_state(&self, name: &str) -> Value {
        let all: Value = serde_json::from_str(&self.get("/api/v1/feeds").await).unwrap();
        all.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
    }
}

/// Two municipalities that follow each other, and a state that follows both and trusts their keys.
struct Federation {
    a: Installation,
    b: Installation,
    state: Installation,
    /// In the same order.
    services: Vec<Service>,
}

impl Federation {
    async fn start() -> Self {
        let mut a = Installation::plan("Alfa", "3136702").await;
        let mut b = Installation::plan("Beta", "3106200").await;
        let mut state = Installation::plan("Estado", "3100000").await;
        let (of_a, of_b) = (a.feed(""), b.feed(""));
        a.follow("b", &of_b, "municipality = \"3106200\"");
        b.follow("a", &of_a, "municipality = \"3136702\"");
        // Whoever gathers what others publish gives us our own words back.
        a.follow("eco", &of_a, "municipality = \"3100000\"");
        let mut services = vec![a.start().await, b.start().await];
        let trusting = |installation: &Installation, pem: &str| {
            let code = installation.place.config.split("ibge_code = ").nth(1).unwrap().lines().next().unwrap();
            format!("municipality = {code}\nrequire_signature = true\ncertificates = ['''{pem}''']")
        };
        let (key_a, key_b) = (a.get("/alerts/keys.pem").await, b.get("/alerts/keys.pem").await);
        state.follow("a", &of_a, &trusting(&a, &key_a));
        state.follow("b", &of_b, &trusting(&b, &key_b));
        state.follow("a-testes", &a.feed("?status=test"), &trusting(&a, &key_a));
        sqlx::query(
            "insert into risk_area (code, name, geom, created_at, updated_at)
             values ('serra', 'Serra', st_multi(st_makeenvelope(-43.36, -21.77, -43.34, -21.75, 4326)), now(), now())",
        )
        .execute(&state.db.pool)
        .await
        .unwrap();
        services.push(state.start().await);
        Self { a, b, state, services }
    }

    async fn stop(self) {
        for service in self.services {
            service.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_shows_what_its_municipalities_have_in_force_and_sends_none_of_it() {
    let federation = Federation::start().await;
    let Federation { a, b, state, .. } = &federation;
    let (first, told) = a.warn("actual").await;
    state.shows(&[("a", &told)]).await;
    let all: Value = serde_json::from_str(&state.get("/api/v1/warnings").await).unwrap();
    assert_eq!((&all[0]["sender"], &all[0]["signature"]), (&"Alfa@example.org".into(), &"valid".into()), "{all}");
    let console = state.page("/console/warnings").await;
    for text in ["Municípios acompanhados", "IBGE 3136702", "Defesa Civil de Alfa", "class=\"drawn outside\""] {
        assert!(console.contains(text), "{text}: {console}");
    }

    // An update takes its place, and so does what withdraws it.
    let (second, updated) = a.answer(&first, "update", json!({})).await;
    let (_, others) = b.warn("actual").await;
    state.shows(&[("a", &updated), ("b", &others)]).await;
    let how = "select count(*) from outside_warning where linked_how = 'references' and source = 'a'";
    assert_eq!(state.count(how).await, 1);
    a.answer(&second, "cancel", json!({ "reason": "engano" })).await;
    state.shows(&[("b", &others)]).await;
    // An all-clear is over when it comes.
    let (third, again) = a.warn("actual").await;
    state.shows(&[("a", &again), ("b", &others)]).await;
    a.answer(&third, "all-clear", json!({})).await;
    state.shows(&[("b", &others)]).await;

    // What is no more than a test stands apart.
    let (_, test) = a.warn("test").await;
    eventually("the test", async || (state.feed_state("a-testes").await["exercises_open"] == 1).then_some(())).await;
    assert_eq!(state.open().await, [("b".to_owned(), others.clone())], "{test}");

    // Nothing of it is the state's own, and no rule of the state hears of it unless it is said.
    let sums = "select (select count(*) from alert) + (select count(*) from outbox)";
    assert_eq!(state.count(sums).await, 0);
    let mut conn = state.db.pool.acquire().await.unwrap();
    let now = Clock::System.now();
    let over_serra = gravest(&mut conn, now, &[]).await.unwrap();
    assert_eq!(over_serra.iter().map(|area| area.severity).collect::<Vec<_>>(), [3]);
    let feeds: Vec<Feed> =
        toml::from_str::<toml::Table>(&state.place.config).unwrap()["feeds"].clone().try_into().unwrap();
    let untold: Vec<String> = feeds.iter().filter(|feed| !feed.tells_rules()).map(|feed| feed.name.clone()).collect();
    assert_eq!(untold, ["a", "b", "a-testes"]);
    assert_eq!(gravest(&mut conn, now, &untold).await.unwrap(), []);
    federation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn municipalities_that_follow_each_other_never_get_their_own_words_back() {
    let federation = Federation::start().await;
    let Federation { a, b, .. } = &federation;
    let (_, of_a) = a.warn("actual").await;
    let (_, of_b) = b.warn("actual").await;
    a.shows(&[("b", &of_b)]).await;
    b.shows(&[("a", &of_a)]).await;
    // The echo was fetched and read, and kept by nobody.
    eventually("the echo", async || (a.feed_state("eco").await["warnings"] == 1).then_some(())).await;
    assert_eq!(a.count("select count(*) from outside_warning where sender = 'Alfa@example.org'").await, 0);
    assert_eq!(b.count("select count(*) from outside_warning where sender = 'Beta@example.org'").await, 0);
    // Neither publishes what it only follows.
    for (own, others, installation) in [(&of_a, &of_b, a), (&of_b, &of_a, b)] {
        let feed = installation.get("/alerts/feed.atom").await;
        assert!(feed.contains(own.as_str()) && !feed.contains(others.as_str()), "{feed}");
        assert_eq!(installation.count("select count(*) from alert").await, 1);
    }
    federation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_municipality_that_cannot_be_reached_is_silent_since_then_and_what_it_said_stands() {
    let mut federation = Federation::start().await;
    let (_, said) = federation.b.warn("actual").await;
    federation.state.shows(&[("b", &said)]).await;
    assert_eq!(federation.state.feed_state("b").await["silent_since"], Value::Null);
    federation.services.remove(1).kill().await;
    let state = &federation.state;
    let told = eventually("the silence", async || {
        let told = state.feed_state("b").await;
        (!told["silent_since"].is_null()).then_some(told)
    })
    .await;
    assert_eq!((&told["silent_since"], &told["municipality"]), (&told["answered_at"], &"3106200".into()), "{told}");
    assert_eq!(told["error_kind"], "unreachable", "{told}");
    assert_eq!(state.feed_state("a").await["silent_since"], Value::Null);
    let console = state.page("/console/warnings").await;
    let row = console.split("IBGE 3106200").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(row.contains("em silêncio desde") && row.contains("Defesa Civil de Beta"), "{row}");
    state.shows(&[("b", &said)]).await;
    // It comes back, and is asked again soon.
    let again = federation.b.start().await;
    federation.services.insert(1, again);
    let state = &federation.state;
    eventually("its voice", async || (state.feed_state("b").await["silent_since"].is_null()).then_some(())).await;
    federation.stop().await;
}
