//! Photographs in incidents, from the form to the stored bytes: real pictures, hostile ones, and people who may not.

use std::io::Cursor;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use image::{ImageFormat, Rgb, RgbImage};
use sentinela::accounts::{Role, store};
use sentinela::app::App;
use serde_json::Value;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::support::{self, TestDb};

const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";
const BOUNDARY: &str = "----between7MA4YWxkTrZu0gW";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text()))
    }
}

/// A service with two open incidents, and somebody of a role who is signed in.
struct Site {
    db: TestDb,
    app: App,
    router: Router,
    incident: Uuid,
    other: Uuid,
    cookie: String,
    csrf: String,
}

impl Site {
    async fn new(role: Role) -> Self {
        Self::with(role, &[]).await
    }

    async fn with(role: Role, overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        let app = support::app_with(&db, overrides);
        let router = sentinela::web::router::router(app.clone());
        let (incident, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (id, number) in [(incident, "2026/0001"), (other, "2026/0002")] {
            sqlx::query(
                "insert into incident (id, number, title, cobrade, state, opened_at, opened_by)
                 values ($1, $2, 'Deslizamento', '1.1.3.2.1', 'open', $3, 'ana')",
            )
            .bind(id)
            .bind(number)
            .bind(app.clock.now())
            .execute(&db.pool)
            .await
            .unwrap();
        }
        let mut site = Self { db, app, router, incident, other, cookie: String::new(), csrf: String::new() };
        site.become_one(role).await;
        site
    }

    async fn become_one(&mut self, role: Role) {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let (now, name) = (self.app.clock.now(), role.as_str());
        let member =
            store::upsert_member(&mut conn, &self.app.ids, now, name, "Ana", &role.into(), NO_HASH).await.unwrap();
        drop(conn);
        (self.cookie, self.csrf) = support::session_of(&self.app, member).await;
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = support::soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], Vec::new()).await
    }

    /// Through the page's form.
    async fn send(&self, fields: &[Field<'_>]) -> Answer {
        let form = form(&[&[Field::text("csrf", &self.csrf)], fields].concat());
        self.ask("POST", &self.page("/photographs"), &[("content-type", &form_type())], form).await
    }

    async fn send_file(&self, file: &[u8]) -> Answer {
        self.send(&[Field::file("a.jpg", file)]).await
    }

    /// Through the API.
    async fn post(&self, fields: &[Field<'_>]) -> Answer {
        let headers = [("content-type", form_type()), ("csrf", self.csrf.clone())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.ask("POST", &self.api(""), &headers, form(fields)).await
    }

    fn page(&self, rest: &str) -> String {
        format!("/console/incidents/{}{rest}", self.incident)
    }

    fn api(&self, rest: &str) -> String {
        format!("/api/v1/incidents/{}/photographs{rest}", self.incident)
    }

    async fn ids(&self) -> Vec<Uuid> {
        sqlx::query_scalar("select id from attachment order by seq").fetch_all(&self.db.pool).await.unwrap()
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }
}

#[derive(Clone, Copy)]
struct Field<'a> {
    name: &'a str,
    file_name: Option<&'a [u8]>,
    content: &'a [u8],
}

impl<'a> Field<'a> {
    fn text(name: &'a str, content: &'a str) -> Self {
        Self { name, file_name: None, content: content.as_bytes() }
    }

    fn file(file_name: &'a str, content: &'a [u8]) -> Self {
        Self { name: "photographs", file_name: Some(file_name.as_bytes()), content }
    }
}

fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

fn form(fields: &[Field<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for field in fields {
        body.extend(format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{}\"", field.name).bytes());
        if let Some(name) = field.file_name {
            body.extend(b"; filename=\"");
            body.extend(name);
            body.extend(b"\"\r\ncontent-type: image/jpeg");
        }
        body.extend(b"\r\n\r\n");
        body.extend(field.content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn pixels(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x % 251) as u8, (y % 241) as u8, 90]))
}

fn written(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    written(&pixels(width, height), ImageFormat::Jpeg)
}

/// APP1 as a telephone writes it: turned, with its maker, and with the place in a GPS directory.
fn exif_with_place() -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend([0, 3]);
    // Maker: at offset 50, "SentinelCam\0".
    tiff.extend([0x01, 0x0f, 0, 2, 0, 0, 0, 12, 0, 0, 0, 50]);
    // Orientation: 6.
    tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]);
    // GPS directory at offset 62.
    tiff.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 62]);
    tiff.extend([0, 0, 0, 0]);
    tiff.extend(b"SentinelCam\0");
    // Latitude: south; 21° 45' 40" at offset 92.
    tiff.extend([0, 2]);
    tiff.extend([0, 1, 0, 2, 0, 0, 0, 2, b'S', 0, 0, 0]);
    tiff.extend([0, 2, 0, 5, 0, 0, 0, 3, 0, 0, 0, 92]);
    tiff.extend([0, 0, 0, 0]);
    for part in [21_u32, 1, 45, 1, 40, 1] {
        tiff.extend(part.to_be_bytes());
    }
    let mut part = vec![0xff, 0xe1];
    part.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    part.extend(b"Exif\0\0");
    part.extend(tiff);
    part
}

fn with_part(jpeg: &[u8], part: &[u8]) -> Vec<u8> {
    [&jpeg[..2], part, &jpeg[2..]].concat()
}

fn comment(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len() + 2).unwrap().to_be_bytes();
    [&[0xff, 0xfe], &length[..], text].concat()
}

fn holds(file: &[u8], word: &[u8]) -> bool {
    file.windows(word.len()).any(|window| window == word)
}

/// A PNG of some bytes that claims 60000 × 60000 pixels.
fn bomb() -> Vec<u8> {
    let mut file = written(&pixels(1, 1), ImageFormat::Png);
    file[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[tokio::test]
async fn a_field_agent_sends_photographs_and_the_page_shows_them_upright_and_bare() {
    let site = Site::new(Role::FieldAgent).await;
    let camera = with_part(&jpeg(1200, 800), &exif_with_place());
    assert!(holds(&camera, b"SentinelCam"));
    let png = written(&pixels(300, 200), ImageFormat::Png);
    let webp = written(&pixels(200, 300), ImageFormat::WebP);
    let fields = [
        Field::text("caption", "Encosta da rua <b>Um</b>"),
        Field::file("IMG_0001.jpg", &camera),
        Field::file("b.jpg", &png),
        Field::file("c.exe", &webp),
    ];
    let answer = site.send(&fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert_eq!(answer.headers[header::LOCATION], site.page("").as_str());
    let page = site.get(&site.page("")).await.text();
    let ids = site.ids().await;
    assert_eq!(ids.len(), 3);
    for id in &ids {
        assert!(page.contains(&site.page(&format!("/photographs/{id}?size=thumbnail"))));
        let answer = site.get(&site.page(&format!("/photographs/{id}"))).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "image/jpeg");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "private, no-store");
        assert_eq!(
            answer.headers[header::CONTENT_DISPOSITION],
            format!("inline; filename=\"sentinela-{id}.jpg\"").as_str()
        );
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
        for word in [&b"Exif"[..], b"SentinelCam", b"IMG_0001"] {
            assert!(!holds(&answer.body, word));
        }
    }
    assert!(page.contains("Encosta da rua &#60;b&#62;Um") && !page.contains("<b>Um</b>"));
    let answer = site.get(&site.page(&format!("/photographs/{}", ids[0]))).await;
    let image = image::load_from_memory_with_format(&answer.body, ImageFormat::Jpeg).unwrap();
    assert_eq!((image.width(), image.height()), (800, 1200), "turned as the camera says");
    let small = site.get(&site.page(&format!("/photographs/{}?size=thumbnail", ids[0]))).await;
    assert_eq!(image::load_from_memory(&small.body).unwrap().height(), 320);
    // The file as the database has it.
    let stored: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select content, thumbnail from attachment").fetch_all(&site.db.pool).await.unwrap();
    for file in stored.iter().flat_map(|(content, thumbnail)| [content, thumbnail]) {
        assert!(file.starts_with(&[0xff, 0xd8, 0xff, 0xe0]) && file.ends_with(&[0xff, 0xd9]));
        assert!(!holds(file, b"Exif") && !holds(file, b"GPS") && !holds(file, &[0xff, 0xe1]));
    }
    let line = site.texts("select actor || ': ' || text from incident_entry where kind = 'photograph'").await;
    assert_eq!(line, ["field_agent: Encosta da rua <b>Um</b>"]);
    let acts = site.texts("select after::text from audit_event where act = 'incident.add_photograph'").await;
    assert!(acts.len() == 1 && ids.iter().all(|id| acts[0].contains(&id.to_string())), "{acts:?}");
}

#[tokio::test]
async fn a_note_stands_with_the_photographs_that_came_with_it_or_not_at_all() {
    let site = Site::new(Role::FieldAgent).await;
    let send = async |fields: &[Field<'_>]| {
        let form = form(&[&[Field::text("csrf", &site.csrf)], fields].concat());
        site.ask("POST", &site.page("/note"), &[("content-type", &form_type())], form).await
    };
    let (muro, casa) = (jpeg(300, 200), jpeg(200, 300));
    let fields = [
        Field::text("text", "Muro caiu\nsobre a casa"),
        Field::file("a.jpg", &muro),
        Field::file("b.jpg", &casa),
        Field::file("", b""),
    ];
    let answer = send(&fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let ids = site.ids().await;
    let lines = site.texts("select kind || ' ' || jsonb_array_length(detail->'photographs') from incident_entry").await;
    assert_eq!((ids.len(), lines), (2, vec!["note 2".to_owned()]), "one line, and no second one for the pictures");
    let page = site.get(&site.page("")).await.text();
    let (_, timeline) = page.split_once("id=\"timeline\"").unwrap();
    let (timeline, _) = timeline.split_once("</ol>").unwrap();
    assert!(ids.iter().all(|id| timeline.contains(&format!("/photographs/{id}?size=thumbnail"))), "{timeline}");
    assert_eq!(site.texts("select distinct caption from attachment").await, ["Muro caiu"]);
    let acts = site.texts("select act from audit_event where act like 'incident%' order by 1").await;
    assert_eq!(acts, ["incident.add_photograph", "incident.note"]);
    // A picture that cannot be kept keeps the whole note back, and its words stay on the page.
    let answer = send(&[Field::text("text", "Ponte <caída>"), Field::file("c.jpg", b"no picture")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("Ponte &#60;caída&#62;</textarea>"), "{}", answer.text());
    assert_eq!(site.texts("select kind from incident_entry").await.len(), 1);
    // Programs name pictures that the incident holds, and of no other one.
    let api = format!("/api/v1/incidents/{}/entries", site.incident);
    let headers = [("content-type", "application/json"), ("csrf", site.csrf.as_str())];
    for (photograph, status) in [(ids[0], StatusCode::CREATED), (Uuid::nil(), StatusCode::BAD_REQUEST)] {
        let body = serde_json::json!({ "text": "vista de cima", "photographs": [photograph] }).to_string();
        assert_eq!(site.ask("POST", &api, &headers, body.into_bytes()).await.status, status);
    }
    sqlx::query("update incident set state = 'closed', closed_at = now(), closed_by = 'ana'")
        .execute(&site.db.pool)
        .await
        .unwrap();
    let answer = send(&[Field::text("text", "tarde demais"), Field::file("a.jpg", &muro)]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_note_on_an_occurrence_brings_photographs_that_are_bare_and_go_with_a_reason() {
    let mut site = Site::new(Role::Coordinator).await;
    let occurrence = Uuid::from_u128(0xb1);
    sqlx::query(
        "insert into occurrence (id, number, kind, state, opened_at, first_at, last_at)
         values ($1, '2026/00042', 'landslide', 'new', $2, $2, $2), (gen_random_uuid(), '2026/00043', 'landslide', 'new', $2, $2, $2)",
    )
    .bind(occurrence)
    .bind(site.app.clock.now())
    .execute(&site.db.pool)
    .await
    .unwrap();
    let path = format!("/console/reports/{occurrence}");
    let send = async |site: &Site, fields: &[Field<'_>]| {
        let form = form(&[&[Field::text("csrf", &site.csrf)], fields].concat());
        site.ask("POST", &format!("{path}/note"), &[("content-type", &form_type())], form).await
    };
    let camera = with_part(&jpeg(300, 200), &exif_with_place());
    let answer = send(&site, &[Field::text("text", "Muro caiu"), Field::file("IMG_1.jpg", &camera)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let id = site.ids().await[0];
    let page = site.get(&path).await.text();
    let (_, timeline) = page.split_once("id=\"happened\"").unwrap();
    assert!(timeline.split_once("</ol>").unwrap().0.contains(&format!("{path}/photographs/{id}?size=thumbnail")));
    let file = site.get(&format!("{path}/photographs/{id}")).await;
    assert_eq!((file.status, &file.headers[header::CONTENT_TYPE]), (StatusCode::OK, &"image/jpeg".parse().unwrap()));
    assert!(!holds(&file.body, b"Exif") && !holds(&file.body, b"SentinelCam"));
    assert_eq!(site.texts("select caption from attachment").await, ["Muro caiu"]);
    // What cannot be kept keeps the note back, and its words stay.
    let answer = send(&site, &[Field::text("text", "Ponte <caída>"), Field::file("c.jpg", b"no picture")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("Ponte &#60;caída&#62;</textarea>"), "{}", answer.text());
    // Programs send the same form, and name what the occurrence holds in a note.
    let api = format!("/api/v1/occurrences/{occurrence}");
    let typed = form_type();
    let headers = [("content-type", typed.as_str()), ("csrf", site.csrf.as_str())];
    let (again, other) = (jpeg(200, 300), form(&[Field::file("a.jpg", &camera)]));
    let two = form(&[Field::text("caption", "de cima"), Field::file("b.jpg", &again)]);
    for body in [two, other] {
        let answer = site.ask("POST", &format!("{api}/photographs"), &headers, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
    let held: serde_json::Value = serde_json::from_str(&site.get(&format!("{api}/photographs")).await.text()).unwrap();
    assert_eq!(held.as_array().unwrap().len(), 2, "one that it holds is not kept twice: {held}");
    let headers = [("content-type", "application/json"), ("csrf", site.csrf.as_str())];
    for (photograph, status) in [(id, StatusCode::NO_CONTENT), (Uuid::nil(), StatusCode::BAD_REQUEST)] {
        let body = serde_json::json!({ "act": "note", "text": "vista", "photographs": [photograph] }).to_string();
        assert_eq!(site.ask("POST", &format!("{api}/acts"), &headers, body.into_bytes()).await.status, status);
    }
    let stranger = site.texts("select id::text from occurrence where number = '2026/00043'").await.remove(0);
    for owner in [format!("occurrences/{stranger}"), format!("incidents/{occurrence}")] {
        let answer = site.get(&format!("/api/v1/{owner}/photographs/{id}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "another's photograph");
    }
    let remove = format!("{path}/photographs/{id}/remove");
    let plain = [("content-type", "application/x-www-form-urlencoded")];
    let body = |site: &Site, reason: &str| format!("csrf={}&reason={reason}", site.csrf).into_bytes();
    assert_eq!(site.ask("POST", &remove, &plain, body(&site, "")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.ask("POST", &remove, &plain, body(&site, "mostra+um+rosto")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get(&format!("{path}/photographs/{id}")).await.status, StatusCode::NOT_FOUND);
    let page = site.get(&path).await.text();
    assert!(page.contains("mostra um rosto") && !page.contains(&format!("/photographs/{id}?")), "{page}");
    let left = site
        .texts("select (content is null)::text || ' ' || removed_reason from attachment where removed_at is not null")
        .await;
    assert_eq!(left, ["true mostra um rosto"]);
    let acts = site.texts("select distinct act from audit_event where act like 'occurrence%' order by 1").await;
    assert_eq!(acts, ["occurrence.add_photograph", "occurrence.note", "occurrence.remove_photograph"]);
    site.become_one(Role::FieldAgent).await;
    assert_eq!(site.ask("POST", &remove, &plain, body(&site, "outro")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn of_a_long_timeline_the_newest_lines_are_shown_and_the_older_ones_are_a_link_away() {
    let site = Site::new(Role::FieldAgent).await;
    sqlx::query(
        "insert into incident_entry (incident_id, at, actor, kind, text)
         select $1, $2::timestamptz + n * interval '1 second', 'ana', 'note', 'linha-' || n || '.' from generate_series(1, 520) n",
    )
    .bind(site.incident)
    .bind(site.app.clock.now())
    .execute(&site.db.pool)
    .await
    .unwrap();
    let page = site.get(&site.page("")).await.text();
    assert!(page.contains("linha-520.") && page.contains("linha-21.") && !page.contains("linha-20."));
    let (_, link) = page.split_once("?only=all&amp;before=").expect("a link to the older ones");
    let before = link.split('"').next().unwrap();
    assert!(page.contains("20 linhas mais antigas"));
    let older = site.get(&site.page(&format!("?only=all&before={before}"))).await.text();
    assert!(older.contains("linha-20.") && older.contains("linha-1.") && !older.contains("linha-21."));
}

#[tokio::test]
async fn polyglots_come_out_as_nothing_but_pictures() {
    let site = Site::new(Role::Operator).await;
    let plain = jpeg(64, 48);
    let script = b"<html><script>alert(document.cookie)</script></html>";
    let zip = [&plain[..], b"PK\x03\x04\x14\0\0\0evil.class", b"PK\x05\x06"].concat();
    let html = with_part(&jpeg(65, 48), &comment(script));
    let php = [&written(&pixels(66, 48), ImageFormat::Png)[..], b"<?php system($_GET['c']); ?>"].concat();
    let svg_inside = with_part(&jpeg(67, 48), &comment(b"<svg onload=alert(1)>"));
    for file in [&zip, &html, &php, &svg_inside] {
        assert_eq!(site.send_file(file).await.status, StatusCode::SEE_OTHER);
    }
    let stored: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select content, thumbnail from attachment").fetch_all(&site.db.pool).await.unwrap();
    assert_eq!(stored.len(), 4);
    for file in stored.iter().flat_map(|(content, thumbnail)| [content, thumbnail]) {
        for word in [&b"PK\x03\x04"[..], b"evil", b"script", b"<?php", b"svg"] {
            assert!(!holds(file, word), "{}", String::from_utf8_lossy(word));
        }
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused_with_its_reason_and_nothing_is_stored() {
    let site = Site::new(Role::Operator).await;
    let whole = jpeg(600, 600);
    let gif =
        b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;PK\x03\x04 jar".as_slice();
    let refused: [(&str, &[u8], &str); 9] = [
        ("svg.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "não é uma imagem"),
        ("gifar.jpg", gif, "não é uma imagem"),
        ("page.jpg", b"<!doctype html><script>alert(1)</script>", "não é uma imagem"),
        ("xml.jpg", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "não é"),
        ("program.jpg", b"\x7fELF\x02\x01\x01", "não é uma imagem"),
        ("bomb.png", &bomb(), "pontos demais"),
        ("half.jpg", &whole[..whole.len() / 2], "termina no meio"),
        ("empty.jpg", b"", "vazio"),
        ("damaged.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR nonsense that is none", "danificada"),
    ];
    let good = jpeg(32, 32);
    for (name, file, words) in refused {
        let answer = site.send(&[Field::file("good.jpg", &good), Field::file(name, file)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        let text = answer.text();
        assert!(text.contains("Fotografia 2") && text.contains(words), "{name}: {text}");
        let answer = site.post(&[Field::file(name, file)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(answer.json()["errors"][0]["field"], "photographs[0]", "{name}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    }
    assert!(site.ids().await.is_empty());
    assert!(site.texts("select text from incident_entry").await.is_empty());
}

#[tokio::test]
async fn names_of_files_lead_nowhere() {
    let site = Site::new(Role::FieldAgent).await;
    let names: [&[u8]; 7] = [
        b"../../etc/passwd",
        b"..\\..\\windows\\system32\\a.jpg",
        b"/etc/cron.d/a",
        b"a.jpg%00.php",
        b"x.php.jpg",
        "\u{202e}gpj.exe".as_bytes(),
        b"<img src=x onerror=alert(1)>.jpg",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let file = jpeg(20 + u32::try_from(number).unwrap(), 20);
        let field = Field { name: "photographs", file_name: Some(name), content: &file };
        let answer = site.send(&[field]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    }
    // Headers cannot hold NUL at all.
    let file = jpeg(50, 50);
    let answer = site.send(&[Field { name: "photographs", file_name: Some(b"a\0.jpg"), content: &file }]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let rows = site.texts("select (to_jsonb(a) - 'content' - 'thumbnail')::text from attachment a").await;
    assert_eq!(rows.len(), names.len());
    let page = site.get(&site.page("")).await.text();
    for word in ["passwd", "system32", "cron", "php", "onerror", "gpj"] {
        assert!(!rows.iter().any(|row| row.contains(word)) && !page.contains(word), "{word}");
    }
    for path in ["/photographs/..%2f..%2fetc%2fpasswd", "/photographs/%00", "/photographs/1", "/photographs/../close"] {
        let status = site.get(&site.page(path)).await.status.as_u16();
        assert!([400, 404, 405].contains(&status), "{path}: {status}");
    }
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_taken() {
    let site = Site::with(Role::FieldAgent, &[("SENTINELA__HTTP__MAX_UPLOAD_BYTES", "200000")]).await;
    let small = jpeg(10, 10);
    let large = [&jpeg(11, 11)[..], &vec![0; 300_000]].concat();
    for answer in [
        site.send(&[Field::file("a", &small), Field::file("b", &large)]).await,
        site.post(&[Field::file("b", &large)]).await,
    ] {
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text());
    }
    let many = vec![Field::file("a", &small); 13];
    let answer = site.send(&many).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("no máximo 12"), "{}", answer.text());
    let long = "a".repeat(301);
    for caption in [long.as_str(), "a\u{0}b", "\u{7}"] {
        let answer = site.post(&[Field::text("caption", caption), Field::file("a", &small)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{caption:?}");
    }
    for fields in [&[][..], &[Field::file("", b"")], &[Field::text("caption", "nothing else")]] {
        let answer = site.send(fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text().contains("Escolha ao menos uma"), "{}", answer.text());
    }
    let answer = site.post(&[Field::text("is_admin", "true"), Field::file("a", &small)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "unknown fields are named");
    assert!(site.ids().await.is_empty());
    // One file beyond the bound of a single one.
    let site = Site::new(Role::FieldAgent).await;
    let huge = vec![0xff; 21 * 1024 * 1024];
    let answer = site.send(&[Field::file("a", &huge)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text().contains("grande demais"), "{}", answer.text());
}

#[tokio::test]
async fn an_incident_holds_so_many_and_the_same_picture_only_once() {
    let site = Site::new(Role::Operator).await;
    let file = jpeg(40, 40);
    let first = site.post(&[Field::file("a", &file)]).await;
    let again = site.post(&[Field::file("again", &file), Field::file("and again", &file)]).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.json(), again.json(), "a retry finds what it sent before");
    assert_eq!(site.texts("select text from incident_entry").await.len(), 1);
    sqlx::query(
        "insert into attachment (id, kind, incident_id, media_type, sha256, bytes, width, height, caption, content, thumbnail,
             uploaded_by, created_at)
         select gen_random_uuid(), 'photograph', incident_id, media_type, sha256(n::text::bytea), 1, 1, 1, '', '', '', 'ana', created_at
         from attachment, generate_series(1, 199) n",
    )
    .execute(&site.db.pool)
    .await
    .unwrap();
    let full = site.post(&[Field::file("a", &jpeg(41, 41))]).await;
    assert_eq!(full.status, StatusCode::CONFLICT, "{}", full.text());
    assert_eq!(site.ids().await.len(), 200, "and nothing of it was kept");
}

#[tokio::test]
async fn the_form_needs_the_value_of_the_session_and_brings_it_first() {
    let site = Site::new(Role::Coordinator).await;
    let file = jpeg(30, 30);
    let photograph = Field::file("a.jpg", &file);
    let padding = "a".repeat(20_000);
    let forms = [
        vec![photograph],
        vec![Field::text("csrf", ""), photograph],
        vec![Field::text("csrf", "wrong"), photograph],
        // Behind the files it is not looked for: nothing may be read on behalf of whoever did not prove anything.
        vec![photograph, Field::text("csrf", &site.csrf)],
        vec![Field::text("csrf", &padding), photograph],
        vec![Field::text("caption", &site.csrf), photograph],
    ];
    for fields in forms {
        let answer =
            site.ask("POST", &site.page("/photographs"), &[("content-type", &form_type())], form(&fields)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let own = form(&[Field::text("csrf", &site.csrf), photograph]);
    let foreign = [("content-type", &*form_type()), ("sec-fetch-site", "cross-site")];
    assert_eq!(site.ask("POST", &site.page("/photographs"), &foreign, own.clone()).await.status, StatusCode::FORBIDDEN);
    for kind in ["multipart/form-data", "text/plain", "application/json", "multipart/mixed; boundary=a", "image/jpeg"] {
        let answer = site.ask("POST", &site.page("/photographs"), &[("content-type", kind)], own.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{kind}");
        let headers = [("content-type", kind), ("csrf", site.csrf.as_str())];
        let answer = site.ask("POST", &site.api(""), &headers, own.clone()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let broken = &own[..own.len() - 30];
    let answer = site.ask("POST", &site.page("/photographs"), &[("content-type", &form_type())], broken.to_vec()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a form that breaks off");
    assert!(site.ids().await.is_empty());
    // The same gate reads the field in every other form with files too.
    let note = form(&[Field::text("csrf", "wrong"), Field::text("text", "x")]);
    let answer = site.ask("POST", &site.page("/note"), &[("content-type", &form_type())], note).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_form_in_pieces_is_read_like_a_whole_one() {
    let site = Site::new(Role::FieldAgent).await;
    let file = jpeg(500, 400);
    let whole = form(&[Field::text("csrf", &site.csrf), Field::text("caption", "Rua"), Field::file("a.jpg", &file)]);
    for size in [1, 7, 1000, 8192] {
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = whole.chunks(size).map(|piece| Ok(piece.to_vec())).collect();
        let request = Request::builder().method("POST").uri(site.page("/photographs"));
        let request = request.header("cookie", &site.cookie).header("content-type", form_type());
        let request = request.body(Body::from_stream(futures_util::stream::iter(pieces))).unwrap();
        let answer = support::soon("the answer", site.router.clone().oneshot(request)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "pieces of {size}");
    }
    assert_eq!(site.ids().await.len(), 1);
}

#[tokio::test]
async fn photographs_open_only_under_their_own_incident_and_for_whoever_may_see_it() {
    let mut site = Site::new(Role::FieldAgent).await;
    assert_eq!(site.send_file(&jpeg(30, 30)).await.status, StatusCode::SEE_OTHER);
    let id = site.ids().await[0];
    let other = site.other;
    let nil = Uuid::nil();
    for path in [
        format!("/console/incidents/{other}/photographs/{id}"),
        format!("/console/incidents/{nil}/photographs/{id}"),
        format!("/console/incidents/{other}/photographs/{id}?size=thumbnail"),
        format!("/api/v1/incidents/{other}/photographs/{id}"),
        format!("/api/v1/incidents/{nil}/photographs"),
        site.api(&format!("/{nil}")),
    ] {
        assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(site.get(&site.api(&format!("/{id}?size=original"))).await.status, StatusCode::BAD_REQUEST);
    let list = site.get(&format!("/api/v1/incidents/{other}/photographs")).await;
    assert_eq!(list.json().as_array().unwrap().len(), 0);
    let list = site.get(&site.api("")).await.json();
    assert_eq!((list[0]["id"].as_str(), list[0]["width"].as_i64()), (Some(&*id.to_string()), Some(30)));
    let file = site.get(&site.api(&format!("/{id}"))).await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "image/jpeg");

    let removal = format!("/console/incidents/{}/photographs/{id}/remove", site.incident);
    let sure = format!("reason=engano&csrf={}", site.csrf).into_bytes();
    let urlencoded = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(site.ask("POST", &removal, &urlencoded, sure).await.status, StatusCode::FORBIDDEN, "a field agent");
    for (role, sees) in [(Role::Viewer, true), (Role::Ombudsman, false), (Role::Administrator, true)] {
        site.become_one(role).await;
        assert_eq!(site.send_file(&jpeg(31, 31)).await.status, StatusCode::FORBIDDEN, "{role}");
        assert_eq!(site.post(&[Field::file("a", &jpeg(31, 31))]).await.status, StatusCode::FORBIDDEN, "{role}");
        for path in [site.page(&format!("/photographs/{id}")), site.api(&format!("/{id}")), site.api("")] {
            let expected = if sees { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(site.get(&path).await.status, expected, "{role} {path}");
        }
    }
    site.cookie = String::new();
    assert_eq!(site.get(&site.page(&format!("/photographs/{id}"))).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(site.ids().await.len(), 1);
}

#[tokio::test]
async fn a_removal_asks_empties_the_bytes_and_leaves_its_trace() {
    let site = Site::new(Role::Operator).await;
    let (first, second) = (jpeg(30, 30), jpeg(31, 31));
    let fields = [Field::text("caption", "Fachada"), Field::file("a", &first), Field::file("b", &second)];
    assert_eq!(site.send(&fields).await.status, StatusCode::SEE_OTHER);
    let ids = site.ids().await;
    let file = site.page(&format!("/photographs/{}", ids[0]));
    let removal = format!("{file}/remove");
    let question = site.get(&removal).await;
    assert!(question.text().contains("Retirar esta fotografia?"), "{}", question.text());
    let urlencoded = [("content-type", "application/x-www-form-urlencoded")];
    let body = |reason: &str| format!("reason={reason}&csrf={}", site.csrf).into_bytes();
    assert_eq!(site.ask("POST", &removal, &urlencoded, body("++")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.ask("POST", &removal, &urlencoded, b"reason=x".to_vec()).await.status, StatusCode::FORBIDDEN);
    let elsewhere = removal.replace(&site.incident.to_string(), &site.other.to_string());
    assert_eq!(site.ask("POST", &elsewhere, &urlencoded, body("engano")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&file).await.status, StatusCode::OK, "nothing was removed so far");
    assert_eq!(site.ask("POST", &removal, &urlencoded, body("Mostra+um+rosto")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get(&file).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&format!("{file}?size=thumbnail")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&removal).await.status, StatusCode::CONFLICT);
    assert_eq!(site.ask("POST", &removal, &urlencoded, body("Mais+uma+vez")).await.status, StatusCode::CONFLICT);
    assert_eq!(site.get(&site.page(&format!("/photographs/{}", ids[1]))).await.status, StatusCode::OK);
    let page = site.get(&site.page("")).await.text();
    assert!(page.contains("Fotografia retirada") && page.contains("Mostra um rosto"));
    let acts = site.texts("select reason from audit_event where act = 'incident.remove_photograph'").await;
    assert_eq!(acts, ["Mostra um rosto"]);
    let left = site.texts("select id::text from attachment where content is null and thumbnail is null").await;
    assert_eq!(left, [ids[0].to_string()]);
    for sql in [
        "update attachment set caption = 'other'",
        "update attachment set content = ''",
        "update attachment set removed_at = null, removed_by = null, removed_reason = null, content = '', thumbnail = ''",
        "delete from attachment",
    ] {
        let error = sqlx::query(sql).execute(&site.db.pool).await.expect_err(sql);
        assert!(error.to_string().contains("attachment"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_closed_incident_takes_no_more() {
    let site = Site::new(Role::Operator).await;
    sqlx::query("update incident set state = 'closed'").execute(&site.db.pool).await.unwrap();
    let answer = site.send_file(&jpeg(30, 30)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(!site.get(&site.page("")).await.text().contains("type=\"file\""));
    assert!(site.ids().await.is_empty());
}
