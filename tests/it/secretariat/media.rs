//! Media monitoring: a server of our own gives feeds as they really come; items are told apart, found by rules, chosen by people, closed into
//! clippings, and go out and come in the same.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sentinela::accounts::Role;
use sentinela::accounts::tokens::desk::Acting;
use sentinela::audit::Actor;
use sentinela::secretariat::media_monitoring::judge::Judging;
use sentinela::secretariat::media_monitoring::{clipping, desk, worker};
use serde_json::{Value, json};

use super::{at, moved};
use crate::approval::{Person, Room};
use crate::damage::{ask, raw};
use crate::support::{eventually, soon};

const BASE: &str = "secretariat/media-monitoring";

/// What the server says next, and what it was asked.
#[derive(Default)]
struct Script {
    status: u16,
    body: Vec<u8>,
    content_type: &'static str,
    etag: &'static str,
    /// Of an answer that says so; empty: none.
    retry_after: &'static str,
    /// It takes the question and never answers.
    is_mute: bool,
    asked: Vec<HeaderMap>,
}

#[derive(Clone, Default)]
struct Outlet(Arc<Mutex<Script>>);

impl Outlet {
    async fn open() -> (Self, String) {
        let outlet = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/rss.xml", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(outlet.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        outlet.say(rss(&[]), "");
        (outlet, address)
    }

    fn say(&self, body: impl Into<Vec<u8>>, etag: &'static str) {
        let mut script = self.0.lock().unwrap();
        (script.status, script.body, script.etag) = (200, body.into(), etag);
        script.content_type = "text/xml";
    }

    fn fail(&self, status: u16) {
        self.0.lock().unwrap().status = status;
    }

    fn busy(&self, status: u16, retry_after: &'static str) {
        let mut script = self.0.lock().unwrap();
        (script.status, script.retry_after) = (status, retry_after);
    }

    fn fall_silent(&self) {
        self.0.lock().unwrap().is_mute = true;
    }

    fn asked(&self) -> Vec<HeaderMap> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

async fn answer(State(outlet): State<Outlet>, request: Request) -> Response {
    let is_mute = {
        let mut script = outlet.0.lock().unwrap();
        script.asked.push(request.headers().clone());
        script.is_mute
    };
    if is_mute {
        std::future::pending::<()>().await;
    }
    let script = outlet.0.lock().unwrap();
    let knows = request.headers().get(header::IF_NONE_MATCH).is_some_and(|given| given == script.etag);
    if knows && !script.etag.is_empty() {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let headers = [
        (header::ETAG, script.etag),
        (header::CONTENT_TYPE, script.content_type),
        (header::LAST_MODIFIED, "Sun, 22 Feb 2026 11:00:00 GMT"),
        (header::RETRY_AFTER, script.retry_after),
    ];
    (StatusCode::from_u16(script.status).unwrap(), headers, script.body.clone()).into_response()
}

fn item(guid: &str, title: &str, text: &str, day: &str) -> String {
    format!(
        "<item><title>{title}</title><link>/n/{guid}?utm_source=rss</link><guid isPermaLink=\"false\">{guid}</guid>\
         <description>{text}</description><pubDate>{day}</pubDate></item>"
    )
}

fn rss(items: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Jornal</title>{}</channel></rss>",
        items.concat()
    )
}

const MORNING: &str = "Sun, 22 Feb 2026 08:00:00 -0300";

async fn room() -> (Room, Person) {
    let room = Room::open(&[("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")]).await;
    let ana = room.person("ana", Role::MediaMonitoring).await;
    (room, ana)
}

async fn made(room: &Room, by: &Person, what: &str, body: Value) -> Value {
    let (status, made) = ask(room, by, Method::POST, &format!("{BASE}/{what}"), body).await;
    assert_eq!(status, StatusCode::CREATED, "{what}: {made}");
    made
}

async fn source(room: &Room, by: &Person, name: &str, url: &str) -> String {
    let made = made(room, by, "sources", json!({ "name": name, "kind": "feed", "url": url })).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn got(room: &Room, by: &Person, what: &str) -> Value {
    let (status, told) = ask(room, by, Method::GET, &format!("{BASE}/{what}"), Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{what}: {told}");
    told
}

async fn items(room: &Room, by: &Person, query: &str) -> Vec<Value> {
    got(room, by, &format!("items{query}")).await["items"].as_array().unwrap().clone()
}

fn titles(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_feed_is_asked_on_its_time_and_told_only_what_is_new() {
    let (room, ana) = room().await;
    let (outlet, url) = Outlet::open().await;
    source(&room, &ana, "Jornal", &url).await;
    let one = item("1", "Rio sobe e alaga ruas do centro", "&lt;p&gt;A r&amp;eacute;gua marca 2 m.&lt;/p&gt;", MORNING);
    outlet.say(rss(std::slice::from_ref(&one)), "\"v1\"");
    let now = at("2026-02-22T12:00:00Z");
    assert_eq!(worker::round(&room.app, now).await.unwrap(), 1);
    assert_eq!(worker::round(&room.app, now).await.unwrap(), 0, "not before its time");
    let all = items(&room, &ana, "").await;
    assert_eq!(titles(&all), ["Rio sobe e alaga ruas do centro"]);
    assert_eq!(all[0]["excerpt"], "A régua marca 2 m.");
    assert_eq!(all[0]["published_at"], "2026-02-22T11:00:00Z");
    assert!(all[0]["link"].as_str().unwrap().ends_with("/n/1"), "{}", all[0]);
    assert!(!outlet.asked()[0].contains_key(header::IF_NONE_MATCH));

    // It knows what was answered: nothing comes, and it does well.
    assert_eq!(worker::round(&room.app, at("2026-02-22T12:15:00Z")).await.unwrap(), 1);
    let asked = outlet.asked();
    assert_eq!(asked[0][header::IF_NONE_MATCH], "\"v1\"");
    assert_eq!(asked[0][header::IF_MODIFIED_SINCE], "Sun, 22 Feb 2026 11:00:00 GMT");

    // The same again with one more: the old one is the same by its name, a third by its address and words.
    let two = item("2", "Prefeitura abre edital de cultura", "", MORNING);
    let again = item("1", "Rio sobe e alaga ruas do centro (atualizado)", "", MORNING);
    let same_page = format!(
        "<item><title>RIO SOBE e alaga ruas do centro</title><description>A régua marca 2 m.</description><link>{}</link>\
         <guid isPermaLink=\"false\">9</guid></item>",
        all[0]["link"].as_str().unwrap()
    );
    outlet.say(rss(&[two, again, same_page]), "\"v2\"");
    worker::round(&room.app, at("2026-02-22T12:30:00Z")).await.unwrap();
    assert_eq!(items(&room, &ana, "").await.len(), 2);
    let told = &got(&room, &ana, "sources").await[0];
    assert_eq!((&told["items"], &told["new_items"], &told["failures"]), (&json!(3), &json!(1), &json!(0)), "{told}");
}

#[tokio::test]
async fn what_is_broken_hostile_or_in_latin_1_does_no_harm_and_is_told() {
    let (room, ana) = room().await;
    let (outlet, url) = Outlet::open().await;
    let id = source(&room, &ana, "Jornal", &url).await;
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>\
                  <rss><channel><item><title>&b;</title></item></channel></rss>";
    outlet.say(laughs, "");
    worker::round(&room.app, at("2026-02-22T12:00:00Z")).await.unwrap();
    let told = got(&room, &ana, "sources").await[0].clone();
    assert_eq!((&told["failures"], &told["error_kind"]), (&json!(1), &json!("document")), "{told}");
    assert!(told["error"].as_str().unwrap().contains("entities"), "{told}");
    assert_eq!(told["due_at"], "2026-02-22T12:30:00Z", "later than usual");

    outlet.fail(503);
    worker::round(&room.app, at("2026-02-22T12:30:00Z")).await.unwrap();
    let told = got(&room, &ana, "sources").await[0].clone();
    assert_eq!(
        (&told["failures"], &told["error_kind"], &told["due_at"]),
        (&json!(2), &json!("busy"), &json!("2026-02-22T13:30:00Z"))
    );

    // Somebody asks sooner. The document breaks off after its first item, and is in latin-1.
    let (status, _) = ask(&room, &ana, Method::POST, &format!("{BASE}/sources/{id}/ask"), Value::Null).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let whole = format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><rss><channel>{}<item><title>Cortado",
        item("1", "Três ruas interditadas após a chuva", "Trânsito lento.", "Dom, 22 Fev 2026 08:00:00 -0300")
    );
    let latin: Vec<u8> = whole.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    outlet.say(latin, "");
    worker::round(&room.app, at("2026-02-22T12:31:00Z")).await.unwrap();
    let told = got(&room, &ana, "sources").await[0].clone();
    assert_eq!((&told["failures"], &told["new_items"], &told["problems"]), (&json!(0), &json!(1), &json!(1)), "{told}");
    let all = items(&room, &ana, "").await;
    assert_eq!(titles(&all), ["Três ruas interditadas após a chuva"]);
    assert_eq!(all[0]["published_at"], "2026-02-22T11:00:00Z");
}

#[tokio::test]
async fn one_page_that_all_items_of_a_feed_link_to_swallows_none_of_them() {
    let (room, ana) = room().await;
    let (outlet, url) = Outlet::open().await;
    source(&room, &ana, "Jornal", &url).await;
    let one = |guid: &str, title: &str, text: &str| {
        format!(
            "<item><title>{title}</title><link>/plantao</link><guid isPermaLink=\"false\">{guid}</guid>\
             <description>{text}</description><pubDate>{MORNING}</pubDate></item>"
        )
    };
    let three = [
        one("1", "Rio sobe e alaga ruas do centro", ""),
        one("2", "Prefeitura abre edital de cultura", ""),
        one("3", "Plantão", "Deslizamento na rua de cima."),
        one("4", "Plantão", "Aulas voltam na segunda."),
        one("5", "Plantão", "Aulas voltam na segunda."),
    ];
    outlet.say(rss(&three), "");
    worker::round(&room.app, at("2026-02-22T12:00:00Z")).await.unwrap();
    let all = items(&room, &ana, "?firsts=true").await;
    assert_eq!(all.len(), 4, "only the same words are the same item: {:?}", titles(&all));
}

#[tokio::test]
async fn a_server_that_is_busy_is_left_alone_as_long_as_it_asks_up_to_a_day() {
    let (room, ana) = room().await;
    let (outlet, url) = Outlet::open().await;
    source(&room, &ana, "Jornal", &url).await;
    // As many seconds, until an instant, longer than a day, and shorter than it would be left alone anyway.
    for (status, asks, now, due) in [
        (429, "7200", "2026-02-22T12:00:00Z", "2026-02-22T14:00:00Z"),
        (503, "Mon, 23 Feb 2026 09:00:00 GMT", "2026-02-22T14:00:00Z", "2026-02-23T09:00:00Z"),
        (503, "9999999", "2026-02-23T09:00:00Z", "2026-02-24T09:00:00Z"),
        (503, "60", "2026-02-24T09:00:00Z", "2026-02-24T13:00:00Z"),
        (404, "86400", "2026-02-24T13:00:00Z", "2026-02-24T19:00:00Z"),
    ] {
        outlet.busy(status, asks);
        assert_eq!(worker::round(&room.app, at(now)).await.unwrap(), 1, "{asks}");
        assert_eq!(got(&room, &ana, "sources").await[0]["due_at"], due, "{status} {asks}");
    }
}

#[tokio::test]
async fn a_source_is_changed_rests_and_goes_on_and_the_audit_says_so() {
    let (room, ana) = room().await;
    let (outlet, url) = Outlet::open().await;
    let (other, elsewhere) = Outlet::open().await;
    let id = source(&room, &ana, "Jornal", &url).await;
    made(&room, &ana, "sources", json!({ "name": "Rádio", "kind": "hand" })).await;
    outlet.say(rss(&[item("1", "Rio sobe e alaga ruas do centro", "", MORNING)]), "\"v1\"");
    let now = at("2026-02-22T12:00:00Z");
    let change = |revision: i32, name: &str, url: &str| json!({ "revision": revision, "source": { "name": name, "kind": "gazette", "url": url, "every_s": 3600 } });
    let path = format!("{BASE}/sources/{id}");
    let put = async |body: Value| ask(&room, &ana, Method::PUT, &path, body).await;
    let post = async |act: &str| ask(&room, &ana, Method::POST, &format!("{path}/{act}"), Value::Null).await.0;
    let of = |sources: &Value| sources.as_array().unwrap().iter().find(|one| one["id"] == id.as_str()).unwrap().clone();

    assert_eq!(post("pause").await, StatusCode::NO_CONTENT);
    assert_eq!(post("pause").await, StatusCode::CONFLICT);
    worker::round(&room.app, now).await.unwrap();
    assert!(outlet.asked().is_empty(), "it rests");
    assert_eq!(post("ask").await, StatusCode::NOT_FOUND);
    assert_eq!(post("resume").await, StatusCode::NO_CONTENT);
    assert_eq!(post("resume").await, StatusCode::CONFLICT);
    worker::round(&room.app, now).await.unwrap();
    assert_eq!(outlet.asked().len(), 1);

    assert_eq!(put(change(1, "rádio", &elsewhere)).await.0, StatusCode::CONFLICT, "another has the name");
    assert_eq!(put(change(1, "", "ftp://x")).await.1["errors"].as_array().unwrap().len(), 2);
    assert_eq!(put(change(1, "Diário", &elsewhere)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(put(change(1, "Outro", &elsewhere)).await.0, StatusCode::CONFLICT, "it changed meanwhile");
    let stands = of(&got(&room, &ana, "sources").await);
    assert_eq!(
        (&stands["name"], &stands["kind"], &stands["every_s"], &stands["revision"]),
        (&json!("Diário"), &json!("gazette"), &json!(3600), &json!(2)),
        "{stands}"
    );
    assert_eq!(worker::round(&room.app, now).await.unwrap(), 1, "another address is asked at once");
    let asked = other.asked();
    assert!(!asked[0].contains_key(header::IF_NONE_MATCH), "what another server said counts no more");
    let told = room.words("select after::text from audit_event where act = 'media.source' order by id").await;
    assert!(told.iter().any(|one| one.contains("\"paused\": true")), "{told:?}");
    assert!(told.iter().any(|one| one.contains("Diário")), "{told:?}");

    let page = format!("/secretaria/painel/clipping/fontes/{id}");
    let typed = "revision=2&name=Jornal&kind=feed&every=1";
    let (status, answer) = room.post(&ana, &format!("{page}/alterar"), typed).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert!(answer.contains("<b>Minutes between two asks</b>"), "{answer}");
    assert!(answer.contains("value=\"1\" aria-invalid=\"true\" aria-describedby=\"wrong\""), "{answer}");
    let typed = format!("revision=2&name=Jornal&kind=feed&every=15&url={elsewhere}");
    assert_eq!(room.post(&ana, &format!("{page}/alterar"), &typed).await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.post(&ana, &format!("{page}/pausar"), "").await.0, StatusCode::SEE_OTHER);
    assert!(room.page(&ana, "/secretaria/painel/clipping/fontes").await.contains("/retomar"));
    assert_eq!(room.post(&ana, &format!("{page}/retomar"), "").await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_service_asks_nothing_inside_its_own_network_unless_it_is_allowed() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::MediaMonitoring).await;
    let (outlet, url) = Outlet::open().await;
    source(&room, &ana, "Dentro", &url).await;
    worker::round(&room.app, at("2026-02-22T12:00:00Z")).await.unwrap();
    assert!(outlet.asked().is_empty());
    assert_eq!(got(&room, &ana, "sources").await[0]["error_kind"], "refused");
    let body = json!({ "name": "x", "kind": "feed", "url": "ftp://jornal.example/" });
    let (status, wrong) = ask(&room, &ana, Method::POST, &format!("{BASE}/sources"), body).await;
    assert_eq!((status, &wrong["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("url")));
}

/// Two outlets tell one story, one of them tells another.
async fn told(room: &Room, ana: &Person) {
    let (first, url) = Outlet::open().await;
    source(room, ana, "Jornal", &url).await;
    let (second, url) = Outlet::open().await;
    source(room, ana, "Rádio", &url).await;
    let excerpt = "O rio subiu dois metros na madrugada e a Defesa Civil retirou famílias.";
    first.say(rss(&[item("1", "Chuva forte deixa famílias desalojadas no bairro Industrial", excerpt, MORNING)]), "");
    worker::round(&room.app, at("2026-02-22T12:00:00Z")).await.unwrap();
    let twin = item("7", "Chuva forte deixa famílias desalojadas no bairro Industrial, diz rádio", excerpt, MORNING);
    let other = item("8", "Time vence na chuva e lidera o campeonato", "Futebol.", "Sun, 22 Feb 2026 08:30:00 -0300");
    second.say(rss(&[other, twin]), "");
    worker::round(&room.app, at("2026-02-22T12:15:00Z")).await.unwrap();
}

#[tokio::test]
async fn a_story_told_twice_stands_once_and_rules_and_search_find_it_without_accents() {
    let (room, ana) = room().await;
    let rule = json!({ "name": "Chuva", "query": "(chuva OU inundação) NÃO futebol", "theme": "Chuva" });
    made(&room, &ana, "rules", rule).await;
    told(&room, &ana).await;
    let candidates = items(&room, &ana, "?state=candidate&firsts=true").await;
    assert_eq!(titles(&candidates), ["Chuva forte deixa famílias desalojadas no bairro Industrial"]);
    let first = &candidates[0];
    assert_eq!(
        (&first["others"], &first["rules"], &first["proposed_theme"]),
        (&json!(1), &json!(["Chuva"]), &json!("chuva"))
    );
    let whole = got(&room, &ana, &format!("items/{}", first["id"].as_str().unwrap())).await;
    assert_eq!(whole["repeats"][0]["source"], "Rádio");

    assert_eq!(items(&room, &ana, "?q=familias%20-radio").await.len(), 1);
    assert_eq!(items(&room, &ana, "?q=%22defesa%20civil%22").await.len(), 2);
    assert_eq!(
        titles(&items(&room, &ana, "?q=campe%C3%A3o%20OR%20campeonato").await),
        ["Time vence na chuva e lidera o campeonato"]
    );
    assert_eq!(items(&room, &ana, "?q=granizo").await.len(), 0);

    let (status, wrong) =
        ask(&room, &ana, Method::POST, &format!("{BASE}/rules"), json!({ "name": "x", "query": "chuva OU" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(wrong["errors"][0]["message"].as_str().unwrap().starts_with("column 9:"), "{wrong}");
    // A rule that comes later looks back.
    made(&room, &ana, "rules", json!({ "name": "Esporte", "query": "campeonat*" })).await;
    assert_eq!(items(&room, &ana, "?state=candidate").await.len(), 3);
}

#[tokio::test]
async fn items_of_a_rule_and_words_are_found_by_how_people_judged_them() {
    let (room, ana) = room().await;
    let rule = json!({ "name": "Chuva", "query": "(chuva OU inundação) NÃO futebol", "theme": "Chuva" });
    let rule = made(&room, &ana, "rules", rule).await["id"].as_str().unwrap().to_owned();
    told(&room, &ana).await;
    let count = async |query: &str| items(&room, &ana, query).await.len();
    assert_eq!(count(&format!("?rule={rule}")).await, 2);
    assert_eq!(count(&format!("?rule={rule}&state=candidate&firsts=true")).await, 1);
    assert_eq!(count(&format!("?rule={rule}&q=familias")).await, 2);
    assert_eq!(count(&format!("?rule={rule}&q=campeonato")).await, 0);
    let first = items(&room, &ana, "?state=candidate&firsts=true").await.remove(0);
    let chosen = json!({ "state": "selected", "tone": "negative", "theme": "d'água \\ sul", "revision": 0 });
    let judge = format!("{BASE}/items/{}/judge", first["id"].as_str().unwrap());
    assert_eq!(ask(&room, &ana, Method::POST, &judge, chosen).await.0, StatusCode::OK);
    assert_eq!(count(&format!("?rule={rule}&state=candidate")).await, 1, "the match follows its item");
    assert_eq!(count(&format!("?rule={rule}&state=selected&tone=negative")).await, 1);
    assert_eq!(count("?q=familias&state=selected").await, 1);
    assert_eq!(count("?q=familias&state=dismissed").await, 0);
    assert_eq!(count("?q=familias&tone=negative").await, 1);
    assert_eq!(count("?q=familias&tone=positive").await, 0);
    assert_eq!(count("?q=familias&theme=d%27%C3%A1gua%20%5C%20sul").await, 1);
    assert_eq!(count(&format!("?q=familias&source={}", first["source_id"].as_str().unwrap())).await, 1);
    // Words of the index that no word has are no words of a search.
    assert_eq!(count("?q=%C2%A7state").await, 0);
}

#[tokio::test]
async fn a_selection_on_its_way_stands_in_the_clipping_that_is_closed_meanwhile() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    let all = items(&room, &ana, "?firsts=true").await;
    let chosen = json!({ "state": "selected", "tone": "neutral", "theme": "esporte", "revision": 0 });
    ask(&room, &ana, Method::POST, &format!("{BASE}/items/{}/judge", all[0]["id"].as_str().unwrap()), chosen).await;
    let now = at("2026-02-22T22:00:00Z");
    let actor = Actor::service();
    let by = Acting { ids: &room.app.ids, now, actor: &actor };
    let asked =
        Judging { state: "selected".into(), tone: "negative".into(), theme: "chuva".into(), ..Judging::default() };
    let mut judging = room.db.pool.begin().await.unwrap();
    desk::judge(&mut judging, by, all[1]["id"].as_str().unwrap().parse().unwrap(), &asked).await.unwrap();

    let app = room.app.clone();
    let closing = tokio::spawn(async move {
        let actor = Actor::service();
        let mut tx = app.db.web.begin().await.unwrap();
        let by = Acting { ids: &app.ids, now, actor: &actor };
        let made = clipping::close(&mut tx, by, &app.config, "2026-02-22".parse().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        made
    });
    let waits = "select pid::text from pg_locks where not granted and locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())";
    eventually("the closing to wait for the selection", || async { room.words(waits).await.pop() }).await;
    judging.commit().await.unwrap();
    let made = soon("the clipping", closing).await.unwrap();
    let themes: Vec<&str> = made.items.iter().map(|item| item.theme.as_str()).collect();
    assert_eq!(themes, ["chuva", "esporte"]);
    assert_eq!(
        room.words("select id::text from media_item where state = 'selected' and clipped_on is null").await.len(),
        0
    );
}

#[tokio::test]
async fn a_source_that_never_answers_holds_up_no_clipping() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    let rain = items(&room, &ana, "?firsts=true").await.remove(1);
    let chosen = json!({ "state": "selected", "tone": "neutral", "theme": "chuva", "revision": 0 });
    ask(&room, &ana, Method::POST, &format!("{BASE}/items/{}/judge", rain["id"].as_str().unwrap()), chosen).await;
    let (silent, url) = Outlet::open().await;
    source(&room, &ana, "Muda", &url).await;
    silent.fall_silent();
    room.app.clock.set(at("2026-02-23T10:30:00Z"));
    let running = tokio::spawn(worker::run(room.app.clone()));
    let was_asked = || async { (!silent.asked().is_empty()).then_some(()) };
    eventually("the silent source to be asked", was_asked).await;
    let closed = || async { room.words("select day::text from media_clipping").await.pop() };
    assert_eq!(eventually("the clipping", closed).await, "2026-02-22");
    let stands = "select failures || ' ' || (answered_at is null) from media_source where name = 'Muda'";
    assert_eq!(room.words(stands).await, ["0 true"], "it is still waited for");
    running.abort();
}

#[tokio::test]
async fn no_chain_of_repeats_comes_back_to_itself() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    let file = export(&room, &ana).await;
    let mut lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let repeat = lines.iter().position(|line| line["first"] != line["id"]).unwrap();
    let first = lines.iter().position(|line| line["id"] == lines[repeat]["first"]).unwrap();
    lines[first]["first"] = lines[repeat]["id"].clone();
    let cyclic: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (elsewhere, bia) = self::room().await;
    let (status, wrong) = import(&elsewhere, &bia, &cyclic).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    let fields: Vec<&str> =
        wrong["errors"].as_array().unwrap().iter().filter_map(|one| one["field"].as_str()).collect();
    assert_eq!(fields.len(), 2, "{wrong}");
    assert!(fields.iter().all(|field| field.ends_with(", first")), "{wrong}");
    // Nor past the service.
    let around = "update media_item set first_id = (select id from media_item where first_id <> id)
        where id = (select first_id from media_item where first_id <> id)";
    let raw = sqlx::query(around).execute(&room.db.pool).await;
    assert!(raw.unwrap_err().to_string().contains("the first of its story"));
}

#[tokio::test]
async fn people_choose_take_back_and_close_the_day_which_leaves_once_and_never_changes() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    made(&room, &ana, "subscribers", json!({ "name": "Gabinete", "email": "gabinete@exemplo.invalid" })).await;
    let all = items(&room, &ana, "?firsts=true").await;
    let (football, rain) = (&all[0], &all[1]);
    let path = |item: &Value, act: &str| format!("{BASE}/items/{}/{act}", item["id"].as_str().unwrap());
    let chosen =
        json!({ "state": "selected", "tone": "negative", "theme": "Chuva", "spokesperson": "Maria", "revision": 0 });

    let (status, wrong) =
        ask(&room, &ana, Method::POST, &path(rain, "judge"), json!({ "state": "selected", "revision": 0 })).await;
    assert_eq!((status, wrong["errors"].as_array().unwrap().len()), (StatusCode::BAD_REQUEST, 2), "{wrong}");
    let (status, whole) = ask(&room, &ana, Method::POST, &path(rain, "judge"), chosen.clone()).await;
    assert_eq!((status, &whole["item"]["state"]), (StatusCode::OK, &json!("selected")), "{whole}");
    let (status, _) = ask(&room, &ana, Method::POST, &path(rain, "judge"), chosen.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT, "somebody judged it meanwhile");
    ask(&room, &ana, Method::POST, &path(football, "judge"), json!({ "state": "dismissed", "revision": 0 })).await;
    let (status, whole) = ask(&room, &ana, Method::POST, &path(football, "undo"), json!({ "revision": 1 })).await;
    assert_eq!((status, &whole["item"]["state"]), (StatusCode::OK, &json!("new")), "{whole}");
    assert_eq!(whole["acts"].as_array().unwrap().len(), 2);

    let series = got(&room, &ana, "repercussion?from=2026-02-20&to=2026-02-22").await;
    assert_eq!(series, json!([{ "day": "2026-02-22", "theme": "chuva", "tone": "negative", "items": 1 }]));

    // Half past seven of the next morning, in the town.
    worker::close_yesterday(&room.app, at("2026-02-23T10:29:00Z")).await.unwrap();
    assert_eq!(got(&room, &ana, "clippings").await, json!([]));
    for _ in 0..2 {
        worker::close_yesterday(&room.app, at("2026-02-23T10:30:00Z")).await.unwrap();
    }
    let mails = room.words("select body from notice where purpose = 'media_clipping'").await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("CHUVA") && mails[0].contains("Chuva forte deixa famílias"), "{}", mails[0]);
    let ana = moved(&room, &ana, "ana", "2026-02-23T11:00:00Z").await;
    let frozen = got(&room, &ana, "clippings/2026-02-22").await;
    assert_eq!((&frozen["items"][0]["spokesperson"], &frozen["items"][0]["others"]), (&json!("Maria"), &json!(1)));
    let (status, _) = ask(&room, &ana, Method::POST, &path(rain, "undo"), json!({ "revision": 1 })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(got(&room, &ana, "clippings/2026-02-22").await, frozen, "what is closed stays");
    let (status, _) =
        ask(&room, &ana, Method::POST, &format!("{BASE}/clippings"), json!({ "day": "2026-02-22" })).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) =
        ask(&room, &ana, Method::POST, &format!("{BASE}/clippings"), json!({ "day": "2026-03-30" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_rumour_opens_an_occurrence_to_be_checked_and_raises_nothing() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    let rain = items(&room, &ana, "?firsts=true").await.remove(1);
    let path = format!("{BASE}/items/{}/check", rain["id"].as_str().unwrap());
    let asked =
        json!({ "kind": "flooding", "place": "Bairro Industrial", "reason": "Um áudio diz que a barragem cedeu." });
    let (status, check) = ask(&room, &ana, Method::POST, &path, asked.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{check}");
    assert_eq!(room.words("select number from occurrence").await, [check["number"].as_str().unwrap()]);
    assert_eq!(room.words("select kind from report_cause").await, ["media"]);
    assert_eq!(room.words("select id::text from alert").await.len(), 0);
    // A rule would hear a rumour as a witness: it weighs nothing.
    assert_eq!(room.words("select weight::text from report_standing where weight > 0").await.len(), 0);
    let (status, _) = ask(&room, &ana, Method::POST, &path, asked).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) =
        ask(&room, &ana, Method::POST, &path, json!({ "kind": "ufo", "place": "x", "reason": "y" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

async fn export(room: &Room, by: &Person) -> String {
    let request = axum::http::Request::get(format!("/api/v1/{BASE}/export")).header(header::AUTHORIZATION, &by.token);
    let (status, bytes) = raw(room, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    String::from_utf8(bytes).unwrap()
}

async fn import(room: &Room, by: &Person, file: &str) -> (StatusCode, Value) {
    let request = axum::http::Request::post(format!("/api/v1/{BASE}/import"))
        .header(header::AUTHORIZATION, &by.token)
        .header(header::CONTENT_TYPE, "application/jsonl");
    let (status, bytes) = raw(room, request.body(Body::from(file.to_owned())).unwrap()).await;
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn what_goes_out_comes_in_elsewhere_and_goes_out_there_the_same() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    let rain = items(&room, &ana, "?firsts=true").await.remove(1);
    let chosen = json!({ "state": "selected", "tone": "neutral", "theme": "chuva", "revision": 0 });
    ask(&room, &ana, Method::POST, &format!("{BASE}/items/{}/judge", rain["id"].as_str().unwrap()), chosen).await;
    let file = export(&room, &ana).await;
    assert_eq!(file.lines().count(), 3);

    let (elsewhere, bia) = self::room().await;
    let (status, taken) = import(&elsewhere, &bia, &file).await;
    assert_eq!((status, taken), (StatusCode::OK, json!({ "items": 3, "known": 0 })));
    assert_eq!(export(&elsewhere, &bia).await, file);
    let (status, taken) = import(&elsewhere, &bia, &file).await;
    assert_eq!((status, taken), (StatusCode::OK, json!({ "items": 0, "known": 3 })));
    let changed = file.replacen("Chuva forte", "Chuva fraca", 1);
    let (status, wrong) = import(&elsewhere, &bia, &changed).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(wrong["errors"][0]["field"].as_str().unwrap().contains("sha256"), "{wrong}");
    assert_eq!(items(&elsewhere, &bia, "?q=chuva").await.len(), 3, "it is found there too");
}

#[tokio::test]
async fn items_are_forgotten_when_their_days_are_over_and_what_was_selected_later() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    let football = items(&room, &ana, "?firsts=true").await.remove(0);
    let chosen = json!({ "state": "selected", "tone": "neutral", "theme": "esporte", "revision": 0 });
    ask(&room, &ana, Method::POST, &format!("{BASE}/items/{}/judge", football["id"].as_str().unwrap()), chosen).await;
    assert_eq!(worker::forget(&room.app, at("2027-02-22T10:00:00Z")).await.unwrap(), 0);
    assert_eq!(worker::forget(&room.app, at("2027-02-23T12:00:00Z")).await.unwrap(), 2);
    assert_eq!(room.words("select title from media_item").await, ["Time vence na chuva e lidera o campeonato"]);
    assert_eq!(worker::forget(&room.app, at("2031-02-23T12:00:00Z")).await.unwrap(), 1);
}

#[tokio::test]
async fn the_pages_do_the_same_without_a_script_and_others_only_read() {
    let (room, ana) = room().await;
    told(&room, &ana).await;
    let rui = room.person("rui", Role::Press).await;
    let page = room.page(&ana, "/secretaria/painel/clipping?firsts=true").await;
    assert!(page.contains("repeated once") && page.contains("Write an item down"), "{page}");
    let rain = items(&room, &ana, "?firsts=true").await.remove(1);
    let one = format!("/secretaria/painel/clipping/itens/{}", rain["id"].as_str().unwrap());
    let (status, page) = room.post(&ana, &format!("{one}/julgar"), "state=selected&revision=0").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    let chosen = "state=selected&tone=negative&theme=chuva&revision=0";
    assert_eq!(room.post(&ana, &format!("{one}/julgar"), chosen).await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.post(&rui, &format!("{one}/desfazer"), "revision=1").await.0, StatusCode::FORBIDDEN);
    let page = room.page(&rui, &one).await;
    assert!(page.contains("Selected") && !page.contains("/julgar"), "{page}");
    let (status, _) = room.post(&ana, "/secretaria/painel/clipping/diarios", "day=2026-02-22").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let page = room.page(&rui, "/secretaria/painel/clipping/diarios/2026-02-22").await;
    assert!(page.contains("Chuva forte deixa famílias desalojadas"), "{page}");
    let page = room.page(&rui, "/secretaria/painel/clipping/repercussao?from=2026-02-20&to=2026-02-22").await;
    assert!(page.contains("<svg") && page.contains("bar negative"), "{page}");
    let (status, page) = room.post(&ana, "/secretaria/painel/clipping/regras", "name=x&query=(chuva").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("column 1"), "{page}");
    assert!(room.page(&ana, "/secretaria/painel/clipping/fontes").await.contains("Rádio"));
}
