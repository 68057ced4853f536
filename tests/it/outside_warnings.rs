//! Warnings of other institutions, followed over HTTP from a server that gives recorded messages and lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::clock::Instant;
use sentinela::feeds::Feed;
use sentinela::feeds::poll::{Follower, know};
use sentinela::feeds::store::{State as FeedState, states};
use sentinela::feeds::warnings::shown::{self, Shown, Stage, Wish};
use sentinela::feeds::warnings::teller;
use sentinela::ingest::committer;
use tower::ServiceExt as _;

use crate::ingest::quarantine;
use crate::support::{self, TestDb};

const INMET: &str = include_str!("../data/feeds/inmet_cap_polygon_trailing_space.xml");
const LIST: &str = include_str!("../data/feeds/inmet_avisos_ativos_part.json");
/// One of the three municipalities that the recorded warning names.
const ACARAPE: &str = "2300150";
pub const JUIZ_DE_FORA: &str = "3136702";

/// What stands at each path, and what was asked.
#[derive(Default)]
pub struct Site {
    pages: BTreeMap<String, (u16, String)>,
    asked: Vec<(String, HeaderMap)>,
}

#[derive(Clone, Default)]
pub struct Provider(Arc<Mutex<Site>>);

impl Provider {
    pub async fn open() -> (Self, String) {
        let provider = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (provider, address)
    }

    pub fn put(&self, path: &str, body: impl Into<String>) {
        self.0.lock().unwrap().pages.insert(path.into(), (200, body.into()));
    }

    pub fn say(&self, path: &str, status: u16, body: &str) {
        self.0.lock().unwrap().pages.insert(path.into(), (status, body.into()));
    }

    /// Paths asked for since the last question.
    pub fn asked(&self) -> Vec<String> {
        self.asked_with().into_iter().map(|(path, _)| path).collect()
    }

    fn asked_with(&self) -> Vec<(String, HeaderMap)> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

/// Each body has its own tag, as real servers' have.
async fn answer(State(provider): State<Provider>, request: Request) -> Response {
    let mut site = provider.0.lock().unwrap();
    let path = request.uri().path().to_owned();
    site.asked.push((path.clone(), request.headers().clone()));
    let Some((status, body)) = site.pages.get(&path).cloned() else { return StatusCode::NOT_FOUND.into_response() };
    let tag =
        format!("\"{}-{}\"", body.len(), body.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte)));
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|given| given == tag.as_str()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let status = StatusCode::from_u16(status).unwrap();
    if status.is_redirection() {
        return (status, [(header::LOCATION, body)]).into_response();
    }
    (status, [(header::ETAG, tag)], body).into_response()
}

/// A town with one area, a feed, and a clock.
pub struct Town {
    pub db: TestDb,
    pub app: App,
    follower: Follower,
}

impl Town {
    pub async fn new(ibge: &str, now: &str, feed: &str) -> Self {
        Self::allowing("127.0.0.1", ibge, now, feed).await
    }

    pub async fn allowing(hosts: &str, ibge: &str, now: &str, feed: &str) -> Self {
        let db = support::db().await;
        let feed: Feed = toml::from_str(feed).unwrap();
        assert_eq!(feed.problem(), None);
        let mut config = support::config(&[
            ("SENTINELA__DATABASE__URL", db.url.as_str()),
            ("SENTINELA__OUTBOUND__ALLOW", hosts),
            ("SENTINELA__MUNICIPALITY__IBGE_CODE", ibge),
            ("SENTINELA__MUNICIPALITY__NAME", "Vila"),
        ]);
        config.feeds.push(feed.clone());
        let (app, receiver) = support::app_from(&db, config);
        tokio::spawn(committer::run(app.clone(), receiver));
        app.clock.set(now.parse().unwrap());
        know(&app, std::slice::from_ref(&feed.name)).await.unwrap();
        Self { db, app: app.clone(), follower: Follower::new(app, feed) }
    }

    /// A square area with its south-western corner there.
    pub async fn area(&self, code: &str, lat: f64, lon: f64) {
        sqlx::query(
            "insert into risk_area (code, name, geom, created_at, updated_at)
             values ($1, $1, st_multi(st_makeenvelope($3, $2, $3 + 0.01, $2 + 0.01, 4326)), now(), now())",
        )
        .bind(code)
        .bind(lat)
        .bind(lon)
        .execute(&self.db.pool)
        .await
        .unwrap();
    }

    pub async fn ask(&mut self) -> FeedState {
        assert!(self.follower.once().await.unwrap(), "it is time");
        self.state().await
    }

    pub async fn ask_later(&mut self, minutes: i64) -> FeedState {
        self.app.clock.set(self.app.clock.now() + TimeDelta::minutes(minutes));
        self.ask().await
    }

    async fn state(&self) -> FeedState {
        let mut conn = self.db.pool.acquire().await.unwrap();
        states(&mut conn, self.app.clock.now()).await.unwrap().remove(0)
    }

    pub fn now(&self) -> Instant {
        self.app.clock.now()
    }

    pub async fn list(&self, wish: Wish) -> Vec<Shown> {
        let mut conn = self.db.pool.acquire().await.unwrap();
        let mut all = shown::list(&mut conn, self.now(), Wish { limit: 500, ..wish }).await.unwrap();
        all.sort_by_key(|warning| (warning.sent_at, warning.id));
        all
    }

    pub async fn all(&self) -> Vec<Shown> {
        self.list(Wish::default()).await
    }

    /// Identifiers of what is open.
    pub async fn open(&self) -> Vec<String> {
        self.list(Wish { open: true, ..Wish::default() }).await.into_iter().map(|warning| warning.identifier).collect()
    }

    pub async fn get(&self, path: &str, cookie: &str) -> (StatusCode, String) {
        let request = axum::http::Request::builder().uri(path).header(header::COOKIE, cookie);
        let request = request.body(Body::empty()).unwrap();
        let response = sentinela::web::router::router(self.app.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 22).await.unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The cookie of somebody who may see the console.
    async fn staff(&self) -> String {
        let mut conn = self.db.pool.acquire().await.unwrap();
        let (now, roles) = (self.now(), Role::Operator.into());
        let id = accounts::upsert_member(&mut conn, &self.app.ids, now, "ana", "Ana", &roles, "x").await.unwrap();
        support::session_of(&self.app, id).await.0
    }
}

pub fn feed(address: &str) -> String {
    format!("name='avisos'\nkind='cap'\nurl='{address}/feed'\nheaders={{ 'x-key' = 'segredo' }}")
}

fn body_of(xml: &str) -> &str {
    xml.split_once("?>").map_or(xml, |(_, body)| body)
}

pub fn atom(entries: &[String]) -> String {
    let entries: String =
        entries.iter().map(|entry| format!("<entry><content type='text/xml'>{entry}</content></entry>")).collect();
    format!("<feed xmlns='http://www.w3.org/2005/Atom'>{entries}</feed>")
}

fn rss(links: &[&str]) -> String {
    let items: String =
        links.iter().map(|link| format!("<item><link>{link}</link><guid>{link}</guid></item>")).collect();
    format!("<rss version='2.0'><channel>{items}</channel></rss>")
}

/// A message in the manner of IDAP, around a town at 21.7 S, 43.3 W.
pub fn idap(identifier: &str, hour: u32, kind: &str, more: &str) -> String {
    format!(
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{identifier}</identifier><sender>idap@mdr.gov.br</sender>\
         <sent>2026-09-19T{hour:02}:00:00-03:00</sent><status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{more}\
         <info><language>pt-BR</language><category>Met</category><event>Chuvas Intensas</event><urgency>Expected</urgency>\
         <severity>Severe</severity><certainty>Likely</certainty><expires>2026-09-20T12:00:00-03:00</expires>\
         <senderName>Defesa Civil do Estado</senderName><headline>Chuva forte</headline>\
         <area><areaDesc>Zona da Mata</areaDesc><circle>-21.7,-43.3 25</circle></area></info></alert>"
    )
}

#[tokio::test]
async fn a_list_leads_to_its_messages_and_each_is_fetched_once() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    provider.put("/feed", rss(&["/avisos/1", "/avisos/2"]));
    provider.put("/avisos/1", INMET);
    provider.put("/avisos/2", INMET.replace("18084", "18085"));
    let told = town.ask().await;
    assert_eq!((told.warnings, told.warnings_for_us, told.problems, told.error.as_str()), (2, 2, 0, ""));
    assert_eq!(provider.asked(), ["/feed", "/avisos/1", "/avisos/2"]);

    // Nothing new: one question. Then one more entry: only that is fetched.
    town.ask_later(10).await;
    assert_eq!(provider.asked(), ["/feed"]);
    provider.put("/feed", rss(&["/avisos/3", "/avisos/1", "/avisos/2"]));
    provider.put("/avisos/3", INMET.replace("18084", "18086"));
    town.ask_later(10).await;
    assert_eq!(provider.asked(), ["/feed", "/avisos/3"]);
    assert_eq!(town.all().await.len(), 3);

    // Nor does another process, or this one after a restart, fetch them again.
    let (app, feed) = (town.app.clone(), toml::from_str(&feed(&address)).unwrap());
    town.follower = Follower::new(app, feed);
    town.ask_later(10).await;
    assert_eq!((provider.asked(), town.all().await.len()), (vec!["/feed".to_owned()], 3));
}

#[tokio::test]
async fn a_round_fetches_a_bounded_number_and_the_next_goes_on() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    let paths: Vec<String> = (0..60).map(|number| format!("/avisos/{number}")).collect();
    for (number, path) in paths.iter().enumerate() {
        provider.put(path, INMET.replace("18084", &format!("19{number:03}")));
    }
    provider.put("/feed", rss(&paths.iter().map(String::as_str).collect::<Vec<_>>()));
    town.ask().await;
    assert_eq!((provider.asked().len(), town.all().await.len()), (51, 50));
    town.ask_later(10).await;
    assert_eq!((provider.asked().len(), town.all().await.len()), (11, 60));
    town.ask_later(10).await;
    assert_eq!(provider.asked(), ["/feed"]);
}

#[tokio::test]
async fn the_real_warning_is_for_the_municipality_that_its_parameter_names() {
    let (provider, address) = Provider::open().await;
    provider.put("/feed", INMET);
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    // Inland, off the polygon.
    town.area("serra", -4.22, -38.7).await;
    town.ask().await;
    let warning = town.all().await.remove(0);
    assert_eq!(warning.for_us_by, ["geocode"]);
    assert_eq!((warning.event.as_str(), warning.level.as_str()), ("Ventos Costeiros", "Perigo Potencial"));
    assert!(warning.areas.is_empty(), "the polygon touches none of our areas");
    assert_eq!(warning.stage(town.now()), Stage::Future);
    assert_eq!(warning.stage("2022-08-13T00:00:00Z".parse().unwrap()), Stage::InForce);
    assert_eq!(warning.stage("2022-08-14T13:00:00Z".parse().unwrap()), Stage::Ended);

    let mut elsewhere = Town::new(JUIZ_DE_FORA, "2022-08-12T17:00:00Z", &feed(&address)).await;
    elsewhere.area("morro", -21.76, -43.35).await;
    elsewhere.ask().await;
    assert!(elsewhere.all().await[0].for_us_by.is_empty());
}

#[tokio::test]
async fn polygon_and_circle_tell_which_areas_are_meant_and_areas_that_come_later_count() {
    let (provider, address) = Provider::open().await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "")]));
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &feed(&address)).await;
    town.ask().await;
    assert!(town.all().await[0].for_us_by.is_empty(), "there is no area yet");
    let mut heard = sqlx::postgres::PgListener::connect(&town.db.url).await.unwrap();
    heard.listen("sentinela").await.unwrap();
    town.area("perto", -21.76, -43.35).await;
    town.area("longe", -23.0, -45.0).await;
    let told = town.ask_later(10).await;
    let hint = support::soon("the hint that warnings changed", heard.recv()).await.unwrap();
    assert_eq!(hint.payload(), r#"{"kind":"warning"}"#);
    let warning = town.all().await.remove(0);
    assert_eq!(
        (warning.for_us_by, warning.areas, told.warnings_for_us),
        (vec!["circle".to_owned()], vec!["perto".to_owned()], 1)
    );

    let polygon = idap("MG-2", 10, "Alert", "").replace(
        "<circle>-21.7,-43.3 25</circle>",
        "<polygon>-22,-44 -22,-43 -21,-43 -21,-44 -22,-44</polygon><polygon>0,0 0,0 0,0</polygon>",
    );
    provider.put("/feed", atom(&[polygon]));
    let told = town.ask_later(10).await;
    assert_eq!((told.warnings, told.problems), (1, 1));
    let warning = town.all().await.remove(1);
    assert_eq!((warning.for_us_by, warning.areas), (vec!["polygon".to_owned()], vec!["perto".to_owned()]));
}

#[tokio::test]
async fn an_update_that_repeats_the_identifier_is_another_message_and_replaces_the_first() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &feed(&address)).await;
    town.area("perto", -21.76, -43.35).await;
    provider.put("/feed", atom(&[idap("MG-7", 9, "Alert", "")]));
    town.ask().await;
    // The same identifier with a later hour; then the same hour with other words.
    let later = idap("MG-7", 10, "Update", "");
    provider.put("/feed", atom(&[later.clone(), idap("MG-7", 9, "Alert", "")]));
    town.ask_later(10).await;
    provider.put("/feed", atom(&[later.replace("Chuva forte", "Chuva muito forte"), later]));
    town.ask_later(10).await;
    let all = town.all().await;
    assert_eq!(all.len(), 3, "each message once");
    assert_eq!((all[0].superseded_by, all[0].linked_how.as_str()), (Some(all[1].id), "revision"));
    assert_eq!(all[1].superseded_by, Some(all[2].id));
    let open = town.list(Wish { open: true, ..Wish::default() }).await;
    assert_eq!(open.iter().map(|warning| warning.headline.as_str()).collect::<Vec<_>>(), ["Chuva muito forte"]);
}

#[tokio::test]
async fn an_update_or_cancel_without_references_finds_what_it_is_about_and_says_how() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    let message = |number: &str, hour: u32, kind: &str| {
        let text = body_of(INMET).replace("18084", number).replace("T13:22:45", &format!("T{hour}:22:45"));
        text.replace("<msgType>Alert", &format!("<msgType>{kind}"))
    };
    let other_event = message("1", 14, "Alert").replace("Ventos Costeiros", "Chuvas Intensas");
    provider.put("/feed", atom(&[message("2", 14, "Update"), other_event, message("18084", 13, "Alert")]));
    town.ask().await;
    let all = town.all().await;
    let first = all.iter().find(|warning| warning.identifier.contains("18084")).unwrap();
    assert_eq!(first.linked_how, "same_event_and_area");
    assert_eq!(town.open().await.len(), 2);

    // The polygon gone, the municipality is what they have in common.
    let cancel = message("3", 15, "Cancel");
    let (start, end) = (cancel.find("<polygon>").unwrap(), cancel.find("</polygon>").unwrap() + "</polygon>".len());
    provider.put("/feed", atom(&[format!("{}{}", &cancel[..start], &cancel[end..])]));
    town.ask_later(10).await;
    let all = town.all().await;
    let update = all.iter().find(|warning| warning.msg_type == "Update").unwrap();
    assert_eq!(update.linked_how, "same_event_and_municipality");
    assert_eq!(town.open().await, ["urn:oid:2.49.0.0.76.0.2022.1.1"]);
}

#[tokio::test]
async fn what_is_older_than_two_seasons_is_forgotten() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &feed(&address)).await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "")]));
    town.ask().await;
    // Whether its feed is still asked or not.
    sqlx::query("update outside_warning set source = 'gone'").execute(&town.db.pool).await.unwrap();
    provider.put("/feed", atom(&[idap("MG-2", 9, "Alert", "")]));
    town.ask_later(801 * 24 * 60).await;
    teller::hold(&town.app).await.unwrap();
    assert_eq!(town.all().await.iter().map(|warning| warning.identifier.as_str()).collect::<Vec<_>>(), ["MG-2"]);
}

#[tokio::test]
async fn references_are_followed_even_when_the_later_message_comes_first() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &feed(&address)).await;
    let references = "<references>idap@mdr.gov.br,MG-1,2026-09-19T08:00:00-03:00</references>";
    provider.put("/feed", atom(&[idap("MG-2", 9, "Cancel", references)]));
    town.ask().await;
    provider.put("/feed", atom(&[idap("MG-1", 8, "Alert", "")]));
    town.ask_later(10).await;
    let all = town.all().await;
    assert_eq!((all[0].superseded_by, all[0].linked_how.as_str()), (Some(all[1].id), "references"));
    assert!(town.open().await.is_empty());
}

#[tokio::test]
async fn what_is_an_exercise_a_test_or_a_draft_is_never_shown_as_real() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &feed(&address)).await;
    town.area("perto", -21.76, -43.35).await;
    let unreal = ["Exercise", "Test", "Draft", "System"].map(|status| {
        idap(&format!("MG-{status}"), 9, "Alert", "").replace("<status>Actual", &format!("<status>{status}"))
    });
    // One that is real, but for a closed circle.
    let restricted =
        idap("MG-fechado", 9, "Alert", "").replace("Public", "Restricted").replace("Chuva forte", "Segredo");
    provider.put("/feed", atom(&[unreal.to_vec(), vec![restricted]].concat()));
    town.ask().await;
    assert_eq!((town.all().await.len(), town.open().await), (5, vec!["MG-fechado".to_owned()]));
    let (_, api) = town.get("/api/v1/warnings?past=true", "").await;
    assert_eq!(api, "[]");
    let (_, public) = town.get("/", "").await;
    assert!(!public.contains("Chuvas Intensas"), "the public page shows none of them");
    let (_, console) = town.get("/console/warnings", &town.staff().await).await;
    for word in ["exercício", "teste", "rascunho", "mensagem de sistema"] {
        assert!(console.contains(word), "{word}");
    }
}

#[tokio::test]
async fn the_feeds_keys_go_to_its_own_server_alone_and_one_bad_entry_costs_the_others_nothing() {
    let (provider, address) = Provider::open().await;
    let (other, elsewhere) = Provider::open().await;
    other.put("/cap", INMET);
    provider.put("/feed", rss(&["/good", &format!("{elsewhere}/cap"), "/gone", "/busy", "/page"]));
    provider.put("/good", INMET.replace("18084", "18085"));
    provider.say("/busy", 503, "");
    provider.put("/page", "<html><body>Aviso</body></html>");
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    let told = town.ask().await;
    assert_eq!((told.warnings, told.problems, told.error.as_str()), (2, 3, ""));
    let own = provider.asked_with();
    assert!(own.iter().all(|(_, headers)| headers.get("x-key").is_some_and(|key| key == "segredo")));
    assert!(other.asked_with().iter().all(|(_, headers)| !headers.contains_key("x-key")));
    assert_eq!(quarantine(&town.db.pool).await.len(), 3);

    // What could not be fetched is asked for again; what is no message is not.
    provider.put("/busy", INMET.replace("18084", "18086"));
    let told = town.ask_later(10).await;
    assert_eq!(told.warnings, 1);
    let asked: BTreeSet<String> = provider.asked().into_iter().collect();
    assert_eq!(asked, ["/feed", "/busy", "/gone"].map(String::from).into());
}

#[tokio::test]
async fn a_round_that_reads_nothing_is_a_failure_and_what_was_refused_is_asked_for_later_and_later() {
    let (provider, address) = Provider::open().await;
    provider.put("/feed", rss(&["/one", "/two"]));
    provider.say("/one", 401, "");
    provider.say("/two", 403, "");
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    let told = town.ask().await;
    assert_eq!((told.error_kind.as_str(), told.failures), ("status", 1), "{told:?}");
    // Before they are due again nothing has become better.
    provider.asked();
    sqlx::query("update feed set due_at = now() - interval '10 years'").execute(&town.db.pool).await.unwrap();
    let told = town.ask_later(5).await;
    assert_eq!((told.error_kind.as_str(), provider.asked()), ("status", vec!["/feed".to_owned()]));
    provider.put("/one", INMET);
    let told = town.ask_later(60).await;
    assert_eq!((told.error.as_str(), told.warnings), ("", 1));
    // One old entry that stays away is no failure of the feed, and is given up after more than a day.
    provider.asked();
    let told = town.ask_later(60).await;
    assert_eq!((told.error.as_str(), provider.asked()), ("", vec!["/feed".to_owned(), "/two".to_owned()]));
    for _ in 0..10 {
        town.ask_later(300).await;
    }
    provider.asked();
    town.ask_later(300).await;
    assert_eq!(provider.asked(), ["/feed"]);
}

/// As many messages of the feed as that, each under a name of its own; the first of those that are there is the pattern.
pub async fn flood(town: &Town, count: i32) {
    sqlx::query(
        "insert into outside_warning (source, identifier, sent_at, content_sha256, series, revision, sender, sender_name, status,
             msg_type, scope, urgency, severity, certainty, level, colour, event, headline, description, instruction, web, area_texts,
             geocodes, reference_keys, raw, received_at, quarantined)
         select source, identifier || '-' || n, sent_at, content_sha256, series || '-' || n, revision, sender, sender_name, status,
             msg_type, scope, urgency, severity, certainty, level, colour, event, headline, description, instruction, web, area_texts,
             geocodes, reference_keys, raw, received_at, quarantined
         from (select * from outside_warning order by id limit 1) as one, generate_series(1, $1) as n",
    )
    .bind(count)
    .execute(&town.db.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn the_gravest_is_shown_however_many_came_after_it() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &feed(&address)).await;
    town.area("perto", -21.76, -43.35).await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "").replace("Severe", "Extreme")]));
    town.ask().await;
    flood(&town, 60).await;
    let later = "update outside_warning set for_us_by = '{circle}', severity = case when identifier = 'MG-1' then 'Extreme' else 'Minor' end";
    sqlx::query(later).execute(&town.db.pool).await.unwrap();
    let mut conn = town.db.pool.acquire().await.unwrap();
    let (shown, has_more) = shown::for_us(&mut conn, town.now(), true).await.unwrap();
    assert_eq!((shown[0].identifier.as_str(), shown.len(), has_more), ("MG-1", 50, true));
    let (_, console) = town.get("/console/warnings", &town.staff().await).await;
    assert!(console.contains("São mostrados os 50 mais graves"), "what is left out is said");
}

#[tokio::test]
async fn what_is_beyond_a_days_bound_is_kept_when_there_is_room_again() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    provider.put("/feed", rss(&["/1"]));
    provider.put("/1", INMET);
    town.ask().await;
    flood(&town, 1999).await;
    provider.put("/feed", rss(&["/2", "/1"]));
    provider.put("/2", INMET.replace("18084", "18085"));
    town.ask_later(10).await;
    assert_eq!(
        town.list(Wish { before: Some(i64::MAX), ..Wish::default() })
            .await
            .iter()
            .filter(|one| one.identifier.contains("18085"))
            .count(),
        0
    );
    let mut kept = Vec::new();
    for _ in 0..10 {
        town.ask_later(180).await;
        kept = town.all().await;
        kept.retain(|one| one.identifier.contains("18085"));
    }
    assert_eq!(kept.len(), 1);
}

#[tokio::test]
async fn neither_an_entry_nor_a_redirect_leads_into_the_own_network() {
    let (provider, address) = Provider::open().await;
    // Only by this name; the number and its neighbours are of the own network.
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let by_name = format!("http://localhost:{port}");
    provider.put("/feed", rss(&[&format!("{address}/inside"), "/moved", "file:///etc/passwd"]));
    provider.put("/inside", INMET);
    provider.say("/moved", 302, &format!("{address}/inside"));
    let mut town = Town::allowing("localhost", ACARAPE, "2022-08-12T17:00:00Z", &feed(&by_name)).await;
    let told = town.ask().await;
    assert_eq!((told.error_kind.as_str(), quarantine(&town.db.pool).await.len()), ("refused", 2), "{told:?}");
    assert!(town.all().await.is_empty());
    assert_eq!(provider.asked(), ["/feed", "/moved"]);
}

#[tokio::test]
async fn inmets_list_is_read_shown_to_the_town_and_not_dropped_when_it_is_no_longer_listed() {
    let (provider, address) = Provider::open().await;
    let ours =
        LIST.replacen("\"id_sequencia\"", &format!("\"geocodes\": \"4202404,{JUIZ_DE_FORA}\", \"id_sequencia\""), 1);
    provider.put("/ativos", ours.clone());
    let table = format!("name='inmet'\nkind='inmet_warnings'\nurl='{address}/ativos'");
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &table).await;
    town.area("morro", -21.76, -43.35).await;
    let told = town.ask().await;
    assert_eq!((told.warnings, told.warnings_for_us), (1, 1));
    let warning = town.all().await.remove(0);
    assert_eq!((warning.for_us_by, warning.areas), (vec!["geocode".to_owned()], vec!["morro".to_owned()]));

    let (_, public) = town.get("/", "").await;
    for text in
        ["INMET: aviso de Tempestade", "Perigo Potencial", "Instituto Nacional de Meteorologia", "Chuva entre 20"]
    {
        assert!(public.contains(text), "{text}");
    }
    let cookie = town.staff().await;
    let (_, console) = town.get("/console/warnings", &cookie).await;
    assert!(console.contains("o aviso nomeia o município"), "it says why it is here");
    assert!(town.get("/console", &cookie).await.1.contains("INMET: aviso de Tempestade"));
    let (_, api) = town.get("/api/v1/warnings?for_us=true", "").await;
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    assert_eq!(api[0]["level"], "Perigo Potencial");

    // A list that forgets it ends nothing; its revision does, and so does time.
    provider.put("/ativos", "{\"hoje\": [], \"futuro\": []}");
    town.ask_later(10).await;
    assert_eq!(town.open().await.len(), 1);
    assert!(town.all().await[0].unlisted_at.is_some());
    let revised = ours.replace("28277.2", "28277.3").replace("\"encerrado\": false", "\"encerrado\": true");
    provider.put("/ativos", revised);
    town.ask_later(10).await;
    assert!(town.open().await.is_empty());
    assert_eq!(town.all().await[0].linked_how, "revision");
    assert!(!town.get("/", "").await.1.contains("Tempestade"));
}

#[tokio::test]
async fn a_warning_of_the_same_name_from_two_feeds_is_shown_once_and_no_feed_ends_anothers() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &feed(&address)).await;
    town.area("perto", -21.76, -43.35).await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "")]));
    town.ask().await;
    let second = feed(&address).replace("'avisos'", "'outra'").replace("/feed", "/outra");
    let second: Feed = toml::from_str(&second).unwrap();
    know(&town.app, &["avisos".to_owned(), "outra".to_owned()]).await.unwrap();
    town.follower = Follower::new(town.app.clone(), second);
    provider.put("/outra", atom(&[idap("MG-1", 9, "Alert", "")]));
    town.ask_later(10).await;
    assert_eq!((town.all().await.len(), town.open().await.len()), (2, 1));
    let references = "<references>idap@mdr.gov.br,MG-1,2026-09-19T09:00:00-03:00</references>";
    provider.put("/outra", atom(&[idap("MG-9", 11, "Cancel", references)]));
    town.ask_later(10).await;
    assert_eq!(town.open().await, ["MG-1"], "the first source's stands");
}

#[tokio::test]
async fn what_is_wrong_with_a_feed_is_said_in_the_readers_language_with_the_detail_beside_it() {
    let (provider, address) = Provider::open().await;
    let mut town = Town::new(ACARAPE, "2022-08-12T17:00:00Z", &feed(&address)).await;
    let cookie = town.staff().await;
    provider.put("/feed", "<html><body>Em manutenção</body></html>");
    assert_eq!(town.ask().await.error_kind, "document");
    let (_, page) = town.get("/console/feeds", &cookie).await;
    assert!(page.contains("a resposta não está no formato esperado") && page.contains("expected CAP, Atom or RSS"));
    provider.say("/feed", 502, "");
    assert_eq!(town.ask_later(30).await.error_kind, "busy");
    let english = format!("{cookie}; sentinela_lang=en");
    let (_, page) = town.get("/console/feeds", &english).await;
    assert!(page.contains("the server is in trouble"));
    provider.put("/feed", INMET);
    let told = town.ask_later(60).await;
    assert_eq!((told.error.as_str(), told.error_kind.as_str(), told.warnings), ("", "", 1));
    let (_, page) = town.get("/console/feeds", &cookie).await;
    assert!(page.contains("1 aviso lido") && page.contains("Avisos em CAP"));
}

#[tokio::test]
async fn the_page_of_a_warning_tells_all_and_gives_the_message_as_text() {
    let (provider, address) = Provider::open().await;
    let hostile = INMET.replace("Procurar a Marinha", "&lt;script&gt;alert(1)&lt;/script&gt; Procurar a Marinha");
    provider.put("/feed", hostile.replace("</area>", "<circle>-4.2,-38.7 10</circle></area>"));
    let mut town = Town::new(ACARAPE, "2022-08-13T00:00:00Z", &feed(&address)).await;
    town.area("serra", -4.22, -38.7).await;
    town.ask().await;
    let (cookie, id) = (town.staff().await, town.all().await[0].id);
    let (status, page) = town.get(&format!("/console/warnings/{id}"), &cookie).await;
    assert_eq!(status, StatusCode::OK);
    for text in ["INMET: aviso de Ventos Costeiros", "#FFFE00", "Contate a Defesa Civil", "2313757", "class=\"ground\""]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<script>alert"), "what others write is text");
    let (_, message) = town.get(&format!("/console/warnings/{id}/message"), &cookie).await;
    assert!(message.contains("<identifier>urn:oid:2.49.0.0.76.0.2022.18084.1"));
    assert_eq!(town.get("/console/warnings/999999", &cookie).await.0, StatusCode::NOT_FOUND);
    assert_eq!(town.get("/api/v1/warnings?limit=0", "").await.0, StatusCode::BAD_REQUEST);
    let (status, tile) = town.get("/tiles/warnings/4/6/8", "").await;
    assert!(status == StatusCode::OK && tile.contains("Ventos Costeiros"), "the shape is on the map");
    assert_eq!(town.all().await[0].for_us_by, ["geocode", "circle"]);
}
