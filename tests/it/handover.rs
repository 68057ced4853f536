//! Hand-over packs: words within each channel's limit, files, checklist, and the record that it was handed over.

use std::io::Read as _;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use sentinela::accounts::{Role, store};
use sentinela::app::App;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{self, TestDb};

const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

struct Room {
    app: App,
    db: TestDb,
    router: Router,
    token: String,
    cookie: String,
    csrf: String,
}

impl Room {
    async fn open(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(
            "insert into risk_area (code, name, geom, created_at, updated_at)
                select 'area-' || n, 'Vila Nova Esperança ' || n,
                    st_multi(st_makeenvelope(-43.40 + n * 0.01, -21.76, -43.395 + n * 0.01, -21.74, 4326)), now(), now()
                from generate_series(1, 12) n;
             insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;",
        )
        .execute(&db.pool)
        .await
        .unwrap();
        let app = support::app_with(&db, overrides);
        let router = sentinela::web::router::router(app.clone());
        let mut conn = app.db.web.acquire().await.unwrap();
        let (ids, now) = (&app.ids, app.clock.now());
        let role = Role::Coordinator.into();
        let id = store::upsert_member(&mut conn, ids, now, "ana", "Ana", &role, NO_HASH).await.unwrap();
        let ends = now + chrono::TimeDelta::days(2);
        let made = store::add_token(&mut conn, ids, now, "ana", "probe", ends).await.unwrap().unwrap();
        drop(conn);
        let (cookie, csrf) = support::session_of(&app, id).await;
        Self { app, db, router, token: format!("Bearer {made}"), cookie, csrf }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
        let response = support::soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, to_bytes(body, 8 << 20).await.unwrap())
    }

    async fn api(&self, path: &str, body: Value) -> Value {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/api/v1/{path}"))
            .header(header::AUTHORIZATION, &self.token)
            .header(header::CONTENT_TYPE, "application/json");
        let (status, _, body) = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        assert!(status.is_success(), "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }

    async fn get(&self, path: &str) -> (StatusCode, HeaderMap, Bytes) {
        let request = Request::get(path).header("cookie", &self.cookie).header("accept", "text/html");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn page(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.get(path).await.2).into_owned()
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(path)
            .header("cookie", &self.cookie)
            .header("csrf", &self.csrf)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (status, _, body) = self.send(request.body(Body::from(body)).unwrap()).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// An alert of every area, issued: its id.
    async fn alert(&self, level: &str) -> String {
        let areas: Vec<String> = (1..=12).map(|n| format!("area-{n}")).collect();
        let made = self.api("alerts", json!({ "cobrade": "1.1.3.2.1", "level": level, "areas": areas })).await;
        let id = made["id"].as_str().unwrap().to_owned();
        self.api(&format!("alerts/{id}/issue"), json!({ "revision": 1 })).await;
        id
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }
}

/// The text that stands in the form of a channel.
fn text_of(page: &str, channel: &str) -> String {
    let section = page.split(&format!("id=\"{channel}\"")).nth(1).unwrap();
    let area = section.split("<textarea").nth(1).unwrap();
    let text = area.split_once('>').unwrap().1.split("</textarea>").next().unwrap();
    text.replace("&#34;", "\"").replace("&#38;", "&").replace("&#39;", "'")
}

#[tokio::test]
async fn every_text_keeps_to_its_channels_limit_and_leaves_areas_out_before_advice() {
    let room = Room::open(&[]).await;
    let id = room.alert("maximum").await;
    let page = room.page(&format!("/console/alerts/{id}/handover")).await;
    let sms = text_of(&page, "sms_40199");
    assert_eq!(sentinela::dispatch::sms_text::measure(&sms).segments, 1, "{sms}");
    let cell = text_of(&page, "cell_broadcast");
    assert!(cell.chars().count() <= 1395 && cell.contains("Vila Nova Esperan"), "{cell}");
    assert!(page.contains("Classe extremo") && page.contains("toca mesmo no silencioso"), "{page}");
    assert!(page.contains("Nada é enviado por esta página"), "no integration is claimed");
    let idap = text_of(&page, "idap");
    assert!(idap.contains("Vila Nova Esperança 12"), "{idap}");
}

#[tokio::test]
async fn the_class_follows_the_level_and_nothing_below_alert_is_broadcast() {
    let room = Room::open(&[]).await;
    let severe = room.alert("alert").await;
    assert!(room.page(&format!("/console/alerts/{severe}/handover")).await.contains("Classe severo"));
    let low = room.alert("attention").await;
    let page = room.page(&format!("/console/alerts/{low}/handover")).await;
    assert!(page.contains("não se faz difusão por celular") && !page.contains("Classe "), "{page}");
    let form =
        [("channel", "cell_broadcast"), ("text", "Saia"), ("given_to", "CENAD"), ("given_at", "2026-02-22T09:00")];
    assert_eq!(room.post(&format!("/console/alerts/{low}/handover"), &form).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_was_handed_over_is_kept_in_the_history_and_the_audit_and_ends_the_reminder() {
    let room = Room::open(&[]).await;
    let id = room.alert("maximum").await;
    let at = format!("/console/alerts/{id}/handover");
    assert!(room.page("/console/alerts").await.contains("ainda não entregue aos canais públicos"));
    let form = |text: &'static str, when: &'static str| {
        [
            ("channel", "sms_40199"),
            ("text", text),
            ("given_to", "Cap. Souza, CENAD"),
            ("given_at", when),
            ("protocol", "2026-0042"),
            ("note", "por telefone"),
        ]
    };
    let long = "a".repeat(161);
    let form_of =
        [("channel", "sms_40199"), ("text", long.as_str()), ("given_to", "x"), ("given_at", "2026-02-22T09:00")];
    let (status, text) = room.post(&at, &form_of).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text.contains("expected 1 to 160 (161 given)"), "{text}");
    // The alert left at 9:00 local time: it was handed over neither before that nor tomorrow.
    for when in ["2026-02-22T08:00", "2026-02-23T09:00", "ontem"] {
        assert_eq!(room.post(&at, &form("Saia agora.", when)).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{when}");
    }
    assert_eq!(room.texts("select count(*)::text from handover").await, ["0"]);
    let (status, text) = room.post(&at, &form("Saia agora.", "2026-02-22T09:00")).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    let page = room.page(&at).await;
    assert!(page.contains("2026-0042") && page.contains("Cap. Souza, CENAD"), "{page}");
    let issued = room.page(&format!("/console/alerts/{id}")).await;
    assert!(issued.contains("Entregue a canal público: SMS 40199 → Cap. Souza, CENAD 2026-0042"), "{issued}");
    assert!(!room.page("/console/alerts").await.contains("ainda não entregue"));
    let audited = room.texts("select act || ' ' || actor from audit_event where act like 'alert.hand%'").await;
    assert_eq!(audited, ["alert.hand_over ana"]);
    for sql in ["update handover set given_to = 'x'", "delete from handover"] {
        assert!(sqlx::query(sql).execute(&room.db.pool).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn steps_are_ticked_with_who_and_when_and_taken_back() {
    let contacts = [
        ("SENTINELA__HANDOVER__IDAP__RESPONSIBLE", "Plantão CENAD"),
        ("SENTINELA__HANDOVER__IDAP__PHONE", "+5561900000000"),
        ("SENTINELA__HANDOVER__IDAP__URL", "https://idap.example.org"),
    ];
    let room = Room::open(&contacts).await;
    let id = room.alert("alert").await;
    let at = format!("/console/alerts/{id}/handover");
    let page = room.page(&at).await;
    assert!(page.contains("Plantão CENAD") && page.contains("https://idap.example.org"), "{page}");
    assert!(page.contains("Sem responsável, telefone ou endereço"), "of the others");
    let tick = async |done: &str| room.post(&format!("{at}/tick"), &[("step", "idap"), ("done", done)]).await.0;
    assert_eq!(tick("yes").await, StatusCode::SEE_OTHER);
    assert_eq!(tick("yes").await, StatusCode::SEE_OTHER);
    assert!(room.page(&at).await.contains("<span class=\"tag good\">✓ 09:00</span> ana"));
    assert_eq!(tick("no").await, StatusCode::SEE_OTHER);
    assert_eq!(
        room.texts("select step || ' ' || done || ' ' || by from handover_tick order by id").await,
        ["idap true ana", "idap false ana"]
    );
    let unknown = room.post(&format!("{at}/tick"), &[("step", "nada"), ("done", "yes")]).await.0;
    assert_eq!(unknown, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_archive_holds_texts_area_message_and_what_to_do() {
    let room = Room::open(&[]).await;
    let id = room.alert("maximum").await;
    let (status, headers, body) = room.get(&format!("/console/alerts/{id}/handover/pack.zip")).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "application/zip"));
    assert_eq!(headers["content-disposition"], "attachment; filename=\"2026-001-pack.zip\"");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(body.to_vec())).unwrap();
    let mut names: Vec<String> = zip.file_names().map(str::to_owned).collect();
    names.sort();
    let wanted =
        ["LEIA-ME.txt", "alert.cap.xml", "area.geojson", "area.kml", "cell-broadcast.txt", "idap.txt", "sms-40199.txt"];
    assert_eq!(names, wanted);
    let mut read = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let geo: Value = serde_json::from_str(&read("area.geojson")).unwrap();
    assert_eq!(geo["features"].as_array().unwrap().len(), 12);
    assert_eq!(read("area.kml").matches("<Placemark>").count(), 12);
    // The very bytes that were issued.
    assert_eq!(vec![read("alert.cap.xml")], room.texts("select cap_xml from alert").await);
    assert!(read("LEIA-ME.txt").contains("[ ] 4. Entregar texto e polígono para a IDAP"));
    for (file, kind) in [("area.geojson", "application/geo+json"), ("alert.cap.xml", "application/cap+xml")] {
        let (status, headers, _) = room.get(&format!("/console/alerts/{id}/handover/{file}")).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, kind));
    }
    assert_eq!(room.get(&format!("/console/alerts/{id}/handover/outro.exe")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_draft_has_no_pack_and_lengths_are_counted_while_writing() {
    let room = Room::open(&[]).await;
    let made = room.api("alerts", json!({ "cobrade": "1.1.3.2.1", "level": "alert", "areas": ["area-1"] })).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(room.get(&format!("/console/alerts/{id}/handover")).await.0, StatusCode::CONFLICT);
    let measure = async |channel: &str, text: &str| {
        let form = [("channel", channel), ("text", text)];
        let (status, body) = room.post(&format!("/console/alerts/{id}/handover/measure"), &form).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    assert_eq!(measure("sms_40199", "Saia").await["summary"], "4 de 160 · 1 segmento · GSM 7-bit");
    assert_eq!(measure("sms_40199", "São").await["summary"], "3 de 70 · 1 segmento · UCS-2");
    let pages = measure("cell_broadcast", &"a".repeat(94)).await;
    assert_eq!((&pages["summary"], &pages["fits"]), (&"94 de 1395 · 2 páginas · GSM 7-bit".into(), &true.into()));
    assert_eq!(measure("cell_broadcast", &"a".repeat(1396)).await["fits"], false);
    let _ = &room.app;
}

#[tokio::test]
async fn what_is_over_says_so_leads_to_what_holds_and_is_recorded_only_by_whoever_knows() {
    let room = Room::open(&[]).await;
    let id = room.alert("maximum").await;
    let update = room.api(&format!("alerts/{id}/update"), Value::Null).await["id"].as_str().unwrap().to_owned();
    room.api(&format!("alerts/{update}/issue"), json!({ "revision": 1 })).await;
    let clear = room.api(&format!("alerts/{update}/all-clear"), Value::Null).await["id"].as_str().unwrap().to_owned();
    room.api(&format!("alerts/{clear}/issue"), json!({ "revision": 1 })).await;
    let at = format!("/console/alerts/{id}/handover");
    let page = room.page(&at).await;
    assert!(page.contains("Este alerta não vale mais (substituído).") && page.contains("name=\"over\""), "{page}");
    let newest = format!("<a href=\"/console/alerts/{clear}/handover\">Entregue o que vale agora: alerta 2026/003</a>");
    assert!(page.contains(&newest), "{page}");
    let (_, _, zip) = room.get(&format!("{at}/pack.zip")).await;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip.to_vec())).unwrap();
    let mut list = String::new();
    zip.by_name("LEIA-ME.txt").unwrap().read_to_string(&mut list).unwrap();
    assert!(list.contains("não vale mais (substituído)") && list.contains("alerta 2026/003"), "{list}");
    let mut form = vec![("channel", "idap"), ("text", "Saia"), ("given_to", "CENAD"), ("given_at", "2026-02-22T09:00")];
    let (status, text) = room.post(&at, &form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text.contains("Não foi registrado."), "{text}");
    form.push(("over", "yes"));
    assert_eq!(room.post(&at, &form).await.0, StatusCode::SEE_OTHER);
    // The newest word of the end is what holds.
    let page = room.page(&format!("/console/alerts/{clear}/handover")).await;
    assert!(!page.contains("não vale mais"), "{page}");
}

#[tokio::test]
async fn the_same_record_sent_twice_is_kept_once() {
    let room = Room::open(&[]).await;
    let id = room.alert("maximum").await;
    let at = format!("/console/alerts/{id}/handover");
    let form = [("channel", "idap"), ("text", "Saia"), ("given_to", "CENAD"), ("given_at", "2026-02-22T09:00")];
    let (one, two) = tokio::join!(room.post(&at, &form), room.post(&at, &form));
    assert_eq!((one.0, two.0), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    let kept = "select count(*)::text from handover union all
        select count(*)::text from audit_event where act = 'alert.hand_over'";
    assert_eq!(room.texts(kept).await, ["1", "1"]);
    room.app.clock.set(room.app.clock.now() + chrono::TimeDelta::minutes(2));
    assert_eq!(room.post(&at, &form).await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.texts(kept).await, ["2", "2"], "later it is another hand-over");
}
