//! Reports from people, from the form to the level of an area: doubled posts, two words for one fall, machines that fill in forms,
//! photographs that carry places, what staff does, and a crowd that raises a level and loses it again.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::{Role, store};
use sentinela::app::App;
use sentinela::clock::Instant;
use sentinela::pipeline::Pipeline;
use sentinela::reports::store::streams;
use sentinela::reports::{inbound, mail, worker};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{self, TestDb};

mod addresses;
mod cases;
mod cases_many;
mod crowds;
mod forms;
mod strays;

const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";
const BOUNDARY: &str = "----between7MA4YWxkTrZu0gW";
/// Two neighbourhoods side by side.
const TOWN: &str = "
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now()),
        ('linhares', 'Linhares', st_multi(st_makeenvelope(-43.305, -21.76, -43.295, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;
    insert into resident (id, name, consent_at, consent_source, created_at)
        values ('00000000-0000-0000-0000-00000000000a', 'Ana', now(), 'test', now());
    insert into resident_place (resident_id, geom, precision_m)
        select id, 'SRID=4326;POINT(-43.395 -21.75)', 20 from resident;
    insert into resident_channel (resident_id, kind, address, verified_at)
        select id, 'sms', '+5532999990001', now() from resident;
    insert into resident_channel (resident_id, kind, address, verified_at)
        select id, 'email', 'ana@exemplo.invalid', now() from resident;";

struct Answer {
    status: StatusCode,
    location: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text))
    }
}

struct Site {
    db: TestDb,
    app: App,
    router: Router,
    cookie: String,
    csrf: String,
    /// Where requests come from; a test that does not care has no address.
    from: Option<std::net::SocketAddr>,
}

impl Site {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let app = support::app_with(&db, overrides);
        let router = sentinela::web::router::router(app.clone());
        let mut site = Self { db, app, router, cookie: String::new(), csrf: String::new(), from: None };
        site.become_one(Role::Operator).await;
        site
    }

    fn come_from(&mut self, last: u8) {
        self.from = Some(([203, 0, 113, last], 5000).into());
    }

    async fn become_one(&mut self, role: Role) {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let (now, name) = (self.app.clock.now(), role.as_str());
        let member =
            store::upsert_member(&mut conn, &self.app.ids, now, name, "Bia", &role.into(), NO_HASH).await.unwrap();
        drop(conn);
        (self.cookie, self.csrf) = support::session_of(&self.app, member).await;
    }

    async fn token(&self, role: Role) -> String {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let now = self.app.clock.now();
        let made =
            store::add_token(&mut conn, &self.app.ids, now, role.as_str(), "app", now + TimeDelta::days(1)).await;
        format!("Bearer {}", made.unwrap().unwrap())
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        if let Some(from) = self.from {
            request.extensions_mut().insert(ConnectInfo(from));
        }
        let response = support::soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let location = parts.headers.get("location").map_or("", |value| value.to_str().unwrap()).to_owned();
        Answer { status: parts.status, location, text: String::from_utf8_lossy(&body).into_owned() }
    }

    async fn page(&self, path: &str) -> Answer {
        self.ask("GET", path, &[("cookie", &self.cookie), ("accept", "text/html")], Vec::new()).await
    }

    async fn act(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &self.csrf)
            .extend_pairs(fields)
            .finish();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.ask("POST", path, &[("cookie", &self.cookie), kind], form.into_bytes()).await
    }

    /// The stamp of the public form as it stands now.
    async fn stamp(&self) -> String {
        let page = self.ask("GET", "/relatar", &[], Vec::new()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let (_, rest) = page.text.split_once("name=\"stamp\" value=\"").expect("a stamp in the form");
        rest.split('"').next().unwrap().to_owned()
    }

    async fn send(&self, fields: &[(&str, &str)], files: &[&[u8]]) -> Answer {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.ask("POST", "/relatar", &[("content-type", &kind)], form(fields, files)).await
    }

    /// Loads the public form, takes a minute over it, and sends it; the protocol.
    async fn report(&self, fields: &[(&str, &str)]) -> String {
        let stamp = self.stamp().await;
        self.pass(1);
        let answer = self.send(&[&[("stamp", stamp.as_str())], fields].concat(), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let protocol = answer.location.strip_prefix("/relatar/recebido?protocolo=").expect("the page of receipt");
        protocol.to_owned()
    }

    async fn api(&self, headers: &[(&str, &str)], body: Value) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.ask("POST", "/api/v1/reports", &headers, body.to_string().into_bytes()).await
    }

    fn pass(&self, minutes: i64) -> Instant {
        let now = self.app.clock.now() + TimeDelta::minutes(minutes);
        self.app.clock.set(now);
        now
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap()
    }

    async fn text(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }

    /// The page of the only occurrence, or of the newest.
    async fn occurrence(&self) -> String {
        let id: uuid::Uuid =
            sqlx::query_scalar("select id from occurrence order by opened_at desc, number desc limit 1")
                .fetch_one(&self.db.pool)
                .await
                .unwrap();
        format!("/console/reports/{id}")
    }
}

fn form(fields: &[(&str, &str)], files: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, text) in fields {
        body.extend(
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n").bytes(),
        );
    }
    for file in files {
        let head =
            "content-disposition: form-data; name=\"photographs\"; filename=\"a.jpg\"\r\ncontent-type: image/jpeg";
        body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").bytes());
        body.extend_from_slice(file);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

/// A place in Bom Pastor, some metres north.
fn place(north_m: f64) -> (String, String) {
    (format!("{:.6}", -21.75 + north_m / 111_195.0), "-43.395".to_owned())
}

/// Pixels with a place in EXIF, as a telephone writes it.
fn photograph() -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(64, 48, image::Rgb([120, 90, 60]))
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .unwrap();
    let jpeg = jpeg.into_inner();
    let secret = b"Exif\0\0GPSLatitude 21.7612 S, telefone da Maria";
    let mut marked = jpeg[..2].to_vec();
    marked.extend([0xff, 0xe1]);
    marked.extend(u16::try_from(secret.len() + 2).unwrap().to_be_bytes());
    marked.extend(secret);
    marked.extend(&jpeg[2..]);
    marked
}

#[tokio::test]
async fn a_form_sent_twice_is_one_report_with_one_protocol() {
    let site = Site::new().await;
    let stamp = site.stamp().await;
    site.pass(2);
    let fields = [("stamp", stamp.as_str()), ("kind", "landslide"), ("text", "A terra desceu"), ("place", "Rua A, 20")];
    let first = site.send(&fields, &[]).await;
    let second = site.send(&fields, &[]).await;
    assert_eq!((first.status, &first.location), (StatusCode::SEE_OTHER, &second.location));
    assert_eq!(first.location, "/relatar/recebido?protocolo=R2026/001");
    assert_eq!(site.number("select count(*) from report").await, 1);
    // Somebody who goes back and writes more is heard; a machine that uses one stamp again and again is not.
    for (text, status) in [("Tem gente", 303), ("Venham logo", 303), ("Compre", 422), ("A terra desceu", 303)] {
        let more = [("stamp", stamp.as_str()), ("kind", "landslide"), ("text", text), ("place", "Rua A, 20")];
        assert_eq!(site.send(&more, &[]).await.status.as_u16(), status, "{text}");
    }
    assert_eq!(site.number("select count(*) from report").await, 3);
    let page = site.ask("GET", &first.location, &[], vec![]).await;
    assert!(page.text.contains("R2026/001") && page.text.contains("tel:199"), "{}", page.text);
    let made_up = site.ask("GET", "/relatar/recebido?protocolo=%3Cb%3E", &[], vec![]).await;
    assert_eq!(made_up.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_people_who_see_one_fall_make_one_occurrence_and_both_words_stay() {
    let site = Site::new().await;
    let ((lat, lon), (lat_b, lon_b)) = (place(0.0), place(30.0));
    site.report(&[
        ("kind", "landslide"),
        ("text", "barranco caiu"),
        ("lat", &lat),
        ("lon", &lon),
        ("accuracy_m", "8"),
        ("contact", "(32) 99999-1111"),
    ])
    .await;
    site.pass(40);
    site.report(&[
        ("kind", "cracks"),
        ("text", "rachou tudo"),
        ("lat", &lat_b),
        ("lon", &lon_b),
        ("accuracy_m", "8"),
        ("contact", "(32) 99999-2222"),
    ])
    .await;
    assert_eq!(site.number("select count(*) from occurrence").await, 1);
    let page = site.page(&site.occurrence().await).await;
    assert!(page.text.contains("barranco caiu") && page.text.contains("rachou tudo"), "{}", page.text);
    // Each is the other's neighbour.
    assert_eq!(site.text("select trust::text from report_standing").await, ["0.5", "0.5"]);
    let queue = site.page("/console/reports").await;
    assert!(queue.text.contains("2 relatos") && queue.text.contains("Bom Pastor"), "{}", queue.text);
    // Far away is another one, and so is the same place a day later.
    site.report(&[("kind", "landslide"), ("lat", "-21.7450"), ("lon", "-43.3000"), ("accuracy_m", "8")]).await;
    site.pass(24 * 60);
    site.report(&[("kind", "landslide"), ("lat", &lat), ("lon", &lon), ("accuracy_m", "8")]).await;
    assert_eq!(site.number("select count(*) from occurrence").await, 3);
}

#[tokio::test]
async fn one_person_who_says_it_three_times_is_one_reporter() {
    let site = Site::new().await;
    let (lat, lon) = place(0.0);
    for text in ["caiu", "caiu mesmo", "venham"] {
        let fields = [
            ("kind", "landslide"),
            ("text", text),
            ("lat", lat.as_str()),
            ("lon", lon.as_str()),
            ("accuracy_m", "8"),
            ("contact", "+55 32 99999-1111"),
        ];
        site.report(&fields).await;
    }
    assert_eq!(site.text("select weight::text from report_standing order by report_id").await, ["0.35", "0", "0"]);
    assert_eq!(site.text("select trust::text from occurrence").await, ["0.35"]);
}

#[tokio::test]
async fn machines_are_kept_and_not_believed_and_forms_without_a_stamp_come_back_with_their_words() {
    let site = Site::new().await;
    let stamp = site.stamp().await;
    let base = [("kind", "fire"), ("text", "https://a.invalid https://b.invalid www.c.invalid"), ("place", "Rua A")];
    // At once, and with the field that people do not see.
    let sent =
        site.send(&[&[("stamp", stamp.as_str()), ("website", "http://x.invalid")], &base[..]].concat(), &[]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let doubts = site.text("select unnest(doubts) from report order by 1").await;
    assert_eq!(doubts, ["hidden_field", "links", "too_fast"]);
    assert_eq!(site.text("select weight::text from report_standing").await, ["0"]);
    for stamp in ["", "abc", &"A".repeat(48)] {
        let refused = site.send(&[&[("stamp", stamp)], &base[..]].concat(), &[]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("www.c.invalid") && refused.text.contains("role=\"alert\""), "{}", refused.text);
    }
    let stamp = site.stamp().await;
    site.pass(25 * 60);
    let old = site.send(&[&[("stamp", stamp.as_str())], &base[..]].concat(), &[]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(site.number("select count(*) from report").await, 1);
}

#[tokio::test]
async fn photographs_come_without_their_place() {
    let site = Site::new().await;
    let stamp = site.stamp().await;
    site.pass(1);
    let fields = [("stamp", stamp.as_str()), ("kind", "fallen_tree"), ("place", "Rua A, Linhares")];
    let picture = photograph();
    let sent = site.send(&fields, &[&picture, &picture]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("select content from attachment where report_id is not null")
        .fetch_all(&site.db.pool)
        .await
        .unwrap();
    assert_eq!(kept.len(), 1, "the same picture twice is kept once");
    let has_place = |bytes: &[u8]| bytes.windows(11).any(|part| part == b"GPSLatitude");
    assert!(has_place(&picture) && !has_place(&kept[0]));
    let page = site.page(&site.occurrence().await).await;
    let (_, rest) = page.text.split_once("<img src=\"/console/reports/words/").expect("a picture on the page");
    let path = format!("/console/reports/words/{}", rest.split('?').next().unwrap());
    assert_eq!(site.page(&path).await.status, StatusCode::OK);
    assert_eq!(site.ask("GET", &path, &[], vec![]).await.status, StatusCode::UNAUTHORIZED);
    let removed = site.act(&format!("{path}/remove"), &[("reason", "mostra um rosto")]).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
    assert_eq!(site.page(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_name_of_an_area_is_a_rough_place_and_joins_nothing_by_itself() {
    let site = Site::new().await;
    for text in ["uma", "outra"] {
        site.report(&[("kind", "fallen_tree"), ("text", text), ("place", "bairro LINHARES, perto do mercado")]).await;
    }
    assert_eq!(site.number("select count(*) from occurrence").await, 2);
    let rough = site.number("select min(precision_m)::bigint from report").await;
    assert!((500..3000).contains(&rough), "{rough}");
    assert_eq!(site.text("select distinct place_from from report").await, ["area"]);
    site.report(&[("kind", "fire"), ("place", "lat -21.7500 lon -43.3951")]).await;
    assert_eq!(site.number("select count(*) from report where place_from = 'coordinates'").await, 1);
}

#[tokio::test]
async fn the_api_takes_the_publics_word_and_the_fields_and_each_once() {
    let site = Site::new().await;
    let body = |id: &str| json!({"id": id, "kind": "flooding", "text": "rio subiu", "lat": -21.75, "lon": -43.395, "accuracy_m": 10});
    let first = site.api(&[], body("3e9f8c1a-aaaa-bbbb-cccc-000000000001")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert!(first.json().get("occurrence").is_none(), "{}", first.text);
    let again = site.api(&[], body("3e9f8c1a-aaaa-bbbb-cccc-000000000001")).await;
    assert_eq!((again.status, again.json()["protocol"].clone()), (StatusCode::OK, first.json()["protocol"].clone()));
    let bearer = {
        let mut conn = site.app.db.web.acquire().await.unwrap();
        let role = Role::FieldAgent;
        store::upsert_member(
            &mut conn,
            &site.app.ids,
            site.app.clock.now(),
            role.as_str(),
            "Caio",
            &role.into(),
            NO_HASH,
        )
        .await
        .unwrap();
        drop(conn);
        site.token(role).await
    };
    let field = site.api(&[("authorization", &bearer)], body("3e9f8c1a-aaaa-bbbb-cccc-000000000002")).await;
    assert_eq!(field.status, StatusCode::CREATED, "{}", field.text);
    assert_eq!(field.json()["occurrence"], "2026/001");
    assert_eq!(
        site.text("select source || ' ' || standing from report order by 1").await,
        ["api anonymous", "field staff"]
    );
    assert_eq!(site.number("select count(*) from audit_event where act = 'report.file'").await, 1);
    let unknown = site.api(&[("authorization", "Bearer nobody")], body("3e9f8c1a-aaaa-bbbb-cccc-000000000003")).await;
    assert_eq!(unknown.status, StatusCode::FORBIDDEN);
    for (wrong, field) in [
        (json!({"id": "short", "kind": "fire", "place": "x"}), "id"),
        (json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-1", "kind": "meteor", "place": "x"}), "kind"),
        (json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-1", "kind": "fire"}), "place"),
        (json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-1", "kind": "fire", "lat": 1.0}), "lat"),
        (json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-1", "kind": "fire", "place": "x", "text": "x".repeat(4001)}), "text"),
        (json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-1", "kind": "fire", "lat": 91.0, "lon": 0.0}), "lat"),
        (json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-1", "kind": "fire", "place": "x", "admin": true}), "admin"),
    ] {
        let refused = site.api(&[], wrong.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}: {}", refused.text);
        assert!(refused.json()["errors"][0]["field"].as_str().unwrap().contains(field), "{wrong}: {}", refused.text);
    }
    assert_eq!(site.number("select count(*) from report").await, 2);
}

#[tokio::test]
async fn the_field_form_arrives_once_however_often_it_is_sent() {
    let mut site = Site::new().await;
    site.become_one(Role::FieldAgent).await;
    let page = site.page("/console/reports/new").await;
    let (_, rest) = page.text.split_once("name=\"id\" value=\"").expect("a key in the form");
    let key = rest.split('"').next().unwrap().to_owned();
    let fields = [("csrf", site.csrf.as_str()), ("id", key.as_str()), ("kind", "collapse"), ("place", "Rua B, 7")];
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("cookie", site.cookie.as_str()), ("content-type", kind.as_str())];
    for _ in 0..2 {
        let sent = site.ask("POST", "/console/reports/new", &headers, form(&fields, &[&photograph()])).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    }
    assert_eq!(site.number("select count(*) from report").await, 1);
    assert_eq!(site.text("select trust::text from report_standing").await, ["0.95"]);
    let foreign = form(&[&[("csrf", "x")], &fields[1..]].concat(), &[]);
    let refused = site.ask("POST", "/console/reports/new", &headers, foreign).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // They report and do not judge.
    let occurrence = site.occurrence().await;
    let refused = site.act(&format!("{occurrence}/decide"), &[("to", "confirmed")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn staff_confirms_dismisses_joins_splits_and_opens_an_incident_each_with_its_trace() {
    let site = Site::new().await;
    let (lat, lon) = place(0.0);
    site.report(&[
        ("kind", "landslide"),
        ("text", "um"),
        ("lat", &lat),
        ("lon", &lon),
        ("accuracy_m", "8"),
        ("contact", "a@b.invalid"),
    ])
    .await;
    site.report(&[
        ("kind", "landslide"),
        ("text", "dois"),
        ("lat", &lat),
        ("lon", &lon),
        ("accuracy_m", "8"),
        ("contact", "c@d.invalid"),
    ])
    .await;
    let first = site.occurrence().await;
    let without = site.act(&format!("{first}/decide"), &[("to", "dismissed")]).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST, "{}", without.text);
    let report = site.text("select id::text from report where words = 'dois'").await.remove(0);
    let split = site.act(&format!("/console/reports/words/{report}/split"), &[("reason", "é em outra rua")]).await;
    assert_eq!(split.status, StatusCode::SEE_OTHER, "{}", split.text);
    assert_eq!(
        site.text("select number || ' ' || trust from occurrence order by 1").await,
        ["2026/001 0.35", "2026/002 0.35"]
    );
    let again = site.act(&format!("/console/reports/words/{report}/split"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let joined = site.act(&format!("{}/merge", split.location), &[("into", "2026/001")]).await;
    assert_eq!((joined.status, &joined.location), (StatusCode::SEE_OTHER, &first), "{}", joined.text);
    assert_eq!(site.text("select state from occurrence order by number").await, ["new", "merged"]);
    let opened = site.act(&format!("{first}/incident"), &[("title", "Deslizamento na Rua A")]).await;
    assert!(opened.location.starts_with("/console/incidents/"), "{} {}", opened.status, opened.text);
    assert_eq!(site.text("select cobrade || ' ' || state from incident").await, ["1.1.3.2.1 open"]);
    assert_eq!(site.text("select state from occurrence order by number").await, ["confirmed", "merged"]);
    assert_eq!(site.text("select weight::text from report_standing").await, ["1", "1"]);
    let twice = site.act(&format!("{first}/incident"), &[("title", "De novo")]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let closed = site.act(&format!("{first}/decide"), &[("to", "closed"), ("reason", "via liberada")]).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.text);
    let acts = site.text("select act from audit_event where act like 'occurrence%' order by act").await;
    assert_eq!(acts, ["occurrence.close", "occurrence.merge", "occurrence.open_incident", "occurrence.split"]);
    let page = site.page(&first).await;
    assert!(page.text.contains("via liberada") && page.text.contains("2026/002"), "{}", page.text);
}

#[tokio::test]
async fn a_contact_is_sealed_shown_to_few_and_whoever_looked_is_written_down() {
    let mut site = Site::new().await;
    site.report(&[("kind", "fire"), ("place", "Rua A"), ("contact", "maria@exemplo.invalid")]).await;
    let dump = site
        .text("select row_to_json(r)::text || row_to_json(c)::text from report r join report_contact c on true")
        .await;
    assert!(!dump[0].contains("maria"), "{}", dump[0]);
    let occurrence = site.occurrence().await;
    assert!(!site.page(&occurrence).await.text.contains("maria@"));
    let report = site.text("select id::text from report").await.remove(0);
    let shown = site.act(&format!("/console/reports/words/{report}/contact"), &[]).await;
    assert!(shown.text.contains("maria@exemplo.invalid"), "{}", shown.text);
    assert_eq!(site.number("select count(*) from audit_event where act = 'report.read_contact'").await, 1);
    site.become_one(Role::FieldAgent).await;
    let refused = site.act(&format!("/console/reports/words/{report}/contact"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

/// A rule that listens to people alone.
const RULE: &str = r#"
id = "people-landslide"
version = 1
title = "Relatos de deslizamento"
hazard = "1.1.3.2.1"
[stations.people]
quantity = "reports"
stream = "ground_reports"
inside = true
[[levels]]
level = "attention"
any = [{ stations = "people", sum = "1h", at_least = "1 1", clear_below = "0.6 1" }]
"#;

struct Town {
    site: Site,
    rules: support::Folder,
    conn: sqlx::pool::PoolConnection<sqlx::Postgres>,
}

impl Town {
    async fn listening() -> Self {
        let rules = support::Folder::new();
        std::fs::write(rules.path().join("people.toml"), RULE).unwrap();
        let folder = rules.path().display().to_string();
        let site = Site::with(&[("SENTINELA__ENGINE__RULES_DIR", &folder)]).await;
        let conn = site.app.db.ingest.acquire().await.unwrap();
        Self { site, rules, conn }
    }

    /// Brings what is due to the journal and folds it, as a service that was started just now.
    async fn settle(&mut self) -> Vec<String> {
        assert!(self.rules.path().exists());
        worker::once(&self.site.app, &mut None).await.unwrap();
        let mut pipeline = Pipeline::load(&self.site.app, &mut self.conn).await.unwrap();
        pipeline.drain(&mut self.conn).await.unwrap();
        pipeline.tick(&mut self.conn).await.unwrap();
        self.site
            .text("select a.code || ' ' || l.level from area_level l join risk_area a on a.id = l.area_id order by 1")
            .await
    }

    async fn people(&self, how_many: u32) {
        for n in 0..how_many {
            let (lat, lon) = place(f64::from(n) * 5.0);
            let contact = format!("p{n}@exemplo.invalid");
            let fields = [
                ("kind", "landslide"),
                ("lat", lat.as_str()),
                ("lon", lon.as_str()),
                ("accuracy_m", "8"),
                ("contact", contact.as_str()),
            ];
            self.site.report(&fields).await;
        }
    }
}

#[tokio::test]
async fn a_cluster_of_reports_raises_a_level_and_its_dismissal_lowers_it() {
    let mut town = Town::listening().await;
    town.people(1).await;
    assert_eq!(town.settle().await, ["bom-pastor normal", "linhares unknown"]);
    // Three who say the same are believed 0.65 each.
    town.people(3).await;
    assert_eq!(town.settle().await, ["bom-pastor attention", "linhares unknown"]);
    let readings = town.site.number("select count(*) from journal where source = 'report'").await;
    assert_eq!(town.settle().await, ["bom-pastor attention", "linhares unknown"]);
    assert_eq!(
        town.site.number("select count(*) from journal where source = 'report'").await,
        readings,
        "nothing new, nothing said"
    );
    let occurrence = town.site.occurrence().await;
    let done =
        town.site.act(&format!("{occurrence}/decide"), &[("to", "dismissed"), ("reason", "era poeira de obra")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(town.settle().await, ["bom-pastor normal", "linhares unknown"]);
}

#[tokio::test]
async fn the_sum_falls_when_nobody_reports_any_more_and_a_confirmed_case_counts_whole() {
    let mut town = Town::listening().await;
    town.people(1).await;
    let occurrence = town.site.occurrence().await;
    town.settle().await;
    assert_eq!(
        town.site.act(&format!("{occurrence}/decide"), &[("to", "confirmed")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(town.settle().await[0], "bom-pastor attention");
    town.site.pass(90);
    assert_eq!(town.settle().await[0], "bom-pastor normal");
}

#[tokio::test]
async fn doubtful_reports_say_nothing_to_rules_until_somebody_confirms_them() {
    let mut town = Town::listening().await;
    let stamp = town.site.stamp().await;
    let (lat, lon) = place(0.0);
    let fields = [("stamp", stamp.as_str()), ("kind", "landslide"), ("lat", &lat), ("lon", &lon), ("accuracy_m", "8")];
    assert_eq!(town.site.send(&fields, &[]).await.status, StatusCode::SEE_OTHER);
    town.settle().await;
    assert_eq!(town.site.number("select count(*) from journal").await, 0);
    let occurrence = town.site.occurrence().await;
    town.site.act(&format!("{occurrence}/decide"), &[("to", "confirmed")]).await;
    assert_eq!(town.settle().await[0], "bom-pastor attention");
}

#[tokio::test]
async fn virtual_stations_are_no_gauges_of_anybody() {
    let mut town = Town::listening().await;
    town.people(1).await;
    town.settle().await;
    assert_eq!(town.site.number("select count(*) from station where is_virtual").await, 1);
    for path in ["/api/v1/stations", "/ogc/collections/stations/items", "/console/stations", "/"] {
        let page = town.site.page(path).await;
        assert!(page.status == StatusCode::OK && !page.text.contains("reports-bom-pastor"), "{path}: {}", page.text);
        assert!(!page.text.contains("Relatos em Bom Pastor"), "{path}");
    }
}

#[tokio::test]
async fn an_sms_becomes_a_report_of_the_resident_who_wrote_it_and_is_answered_once() {
    let site = Site::new().await;
    let now = site.app.clock.now();
    let said = ("5532999990001", "Ocorrencia: barranco caiu atrás da casa");
    let mut tx = site.db.pool.begin().await.unwrap();
    for _ in 0..2 {
        let taken = inbound::sms(&mut tx, &site.app, now, said).await.unwrap().unwrap();
        assert_eq!(taken.protocol, "R2026/001");
    }
    for other in ["SAIR", "AJUDA", "bom dia"] {
        assert_eq!(inbound::sms(&mut tx, &site.app, now, ("5532999990001", other)).await.unwrap(), None);
    }
    // Nobody that is known, from a number that cannot be answered.
    inbound::sms(&mut tx, &site.app, now, ("40404", "RELATO rua alagada")).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let kept = site
        .text("select concat_ws(' ', source, kind, standing, place_from, precision_m) from report order by protocol")
        .await;
    assert_eq!(kept, ["sms landslide resident resident 20", "sms waterlogging contact unknown"]);
    let answers = site.text("select address || ' ' || body from notice where purpose = 'report_receipt'").await;
    assert_eq!(answers.len(), 1);
    assert!(answers[0].starts_with("+5532999990001 ") && answers[0].contains("R2026/001"), "{}", answers[0]);
    assert!(!site.text("select row_to_json(r)::text from report r").await.concat().contains("32999990001"));
}

#[tokio::test]
async fn letters_in_a_maildir_are_taken_once_and_what_is_none_lies_in_quarantine() {
    let folder = support::Folder::new();
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir(folder.path().join(part)).unwrap();
    }
    let site = Site::new().await;
    let picture = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(photograph())
    };
    let letter = format!(
        "From: Ana <ana@exemplo.invalid>\r\nSubject: fogo no mato\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         Está perto do posto, bairro Linhares.\r\n--x\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         {picture}\r\n--x\r\nContent-Type: image/png\r\n\r\nthis is none\r\n--x--\r\n"
    );
    let bounce = "From: x@y.invalid\r\nAuto-Submitted: auto-replied\r\nSubject: fora\r\n\r\nestou fora\r\n";
    std::fs::write(folder.path().join("new/1.a"), &letter).unwrap();
    std::fs::write(folder.path().join("new/2.b"), bounce).unwrap();
    // The process died after the commit: the same letter lies there again.
    std::fs::write(folder.path().join("new/3.c"), &letter).unwrap();
    assert_eq!(mail::worker::once(&site.app, folder.path()).await.unwrap(), 3);
    assert_eq!(mail::worker::once(&site.app, folder.path()).await.unwrap(), 0);
    assert_eq!(std::fs::read_dir(folder.path().join("cur")).unwrap().count(), 3);
    let kept = site.text("select concat_ws(' ', source, kind, standing, place_from) from report").await;
    // A sender's name can be forged: it is a contact, and no resident's word.
    assert_eq!(kept, ["email vegetation_fire contact area"]);
    assert_eq!(site.number("select count(*) from attachment where report_id is not null").await, 1);
    let reasons = site.text("select distinct field from quarantine order by 1").await;
    assert_eq!(reasons, ["Auto-Submitted", "attachment"]);
    assert_eq!(site.number("select count(*) from notice where purpose = 'report_receipt'").await, 1);
}

#[tokio::test]
async fn what_is_weighed_anew_while_it_is_brought_stays_due() {
    let mut town = Town::listening().await;
    town.people(2).await;
    let seen = streams::due(&mut town.conn, 10).await.unwrap();
    assert_eq!(seen.len(), 2);
    let weighed = "update report_standing set weight = weight / 2 where report_id = $1";
    sqlx::query(weighed).bind(seen[0].report).execute(&mut *town.conn).await.unwrap();
    streams::fed(&mut town.conn, &seen).await.unwrap();
    let left: Vec<_> = streams::due(&mut town.conn, 10).await.unwrap().iter().map(|due| due.report).collect();
    assert_eq!(left, [seen[0].report]);
}

#[tokio::test]
async fn one_brings_at_a_time_and_lets_go_afterwards() {
    let mut town = Town::listening().await;
    town.people(1).await;
    let due = "select count(*) from report_standing where fed is distinct from weight";
    assert!(streams::begin_bringing(&mut town.conn).await.unwrap());
    worker::once(&town.site.app, &mut None).await.unwrap();
    assert_eq!(town.site.number(due).await, 1);
    streams::end_bringing(&mut town.conn).await.unwrap();
    worker::once(&town.site.app, &mut None).await.unwrap();
    assert_eq!(town.site.number(due).await, 0);
    // Whoever brought has let go.
    assert!(streams::begin_bringing(&mut town.conn).await.unwrap());
}

#[tokio::test]
async fn contacts_go_when_their_days_are_over_and_the_words_stay() {
    use sentinela::audit::Actor;
    use sentinela::privacy::retention;
    let mut site = Site::new().await;
    site.report(&[("kind", "fire"), ("place", "Rua A"), ("contact", "maria@exemplo.invalid")]).await;
    let config = &site.app.config.privacy;
    for (days, left) in [(89, 1), (2, 0)] {
        let now = site.pass(days * 24 * 60);
        retention::carry_out(&site.db.pool, &site.app.ids, config, now, &Actor::service()).await.unwrap();
        assert_eq!(site.number("select count(*) from report_contact").await, left);
    }
    assert_eq!(site.number("select count(*) from report").await, 1);
    let report = site.text("select id::text from report").await.remove(0);
    // The session is over as well.
    site.become_one(Role::Operator).await;
    let gone = site.act(&format!("/console/reports/words/{report}/contact"), &[]).await;
    assert!(gone.status == StatusCode::OK && gone.text.contains("apagado"), "{} {}", gone.status, gone.text);
}
