//! What residents see: only what has left, at addresses that stay, with what no longer holds saying so, and "no alert" only
//! while that is known.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::Duration;
use image::GenericImageView as _;
use sentinela::app::App;
use sentinela::clock::Instant;
use serde_json::Value;
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::support::{self, TestDb, start_at};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

async fn ask(app: &App, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let router = sentinela::web::router::router(app.clone());
    let response = support::soon(path, router.oneshot(request)).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 8 << 20).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

async fn get(app: &App, path: &str) -> Answer {
    ask(app, path, &[]).await
}

/// An alert as the tests put it into the database: number `n` was issued `n` minutes after the clock's start.
#[derive(Clone, Copy)]
struct Put {
    n: u8,
    state: &'static str,
    kind: &'static str,
    status: &'static str,
    level: &'static str,
    cobrade: &'static str,
    answers: Option<u8>,
    areas: &'static [&'static str],
}

const ALERT: Put = Put {
    n: 1,
    state: "issued",
    kind: "alert",
    status: "actual",
    level: "maximum",
    cobrade: "1.1.3.2.1",
    answers: None,
    areas: &["morro-alto"],
};

fn id(n: u8) -> Uuid {
    Uuid::from_u128(0xA1E7_0000_0000_0000_0000_0000_0000_0000 + u128::from(n))
}

fn identifier(n: u8) -> String {
    format!("BR-3136702-2026-{n:04}-0a1b2c3d")
}

fn issued(n: u8) -> Instant {
    start_at() + Duration::minutes(i64::from(n))
}

impl Put {
    async fn into(self, pool: &PgPool) {
        let leaves = !matches!(self.state, "draft" | "discarded");
        let at = issued(self.n);
        sqlx::query(
            "insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity,
                 urgency, certainty, expires_at, created_at, created_by, approved_at, approved_by, issued_at, ended_at, number,
                 cap_identifier, cap_sender, cap_sent, cap_xml, references_alert_id)
             values ($1, $2, $3, $4, $5, $6, $7, 'Encostas podem cair.', E'1. Saia agora.\n2. Ligue 199.', 'sms', 'Extreme',
                 'Immediate', 'Likely', $8, $9, 'rule', $10, $11, $10, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(id(self.n))
        .bind("draft")
        .bind(self.kind)
        .bind(self.status)
        .bind(self.cobrade)
        .bind(self.level)
        .bind(format!("Risco {}", self.n))
        .bind(at + Duration::hours(6))
        .bind(at)
        .bind(None::<Instant>)
        .bind(None::<&str>)
        .bind(None::<Instant>)
        .bind(None::<String>)
        .bind(None::<String>)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(self.answers.map(id))
        .execute(pool)
        .await
        .unwrap();
        for area in self.areas {
            sqlx::query(
                "insert into alert_area (alert_id, area_id, name, geom) select $1, id, name, geom from risk_area where code = $2",
            )
            .bind(id(self.n))
            .bind(area)
            .execute(pool)
            .await
            .unwrap();
        }
        if leaves {
            self.leave(pool).await;
        } else {
            sqlx::query("update alert set state = $2 where id = $1")
                .bind(id(self.n))
                .bind(self.state)
                .execute(pool)
                .await
                .unwrap();
        }
    }

    async fn leave(self, pool: &PgPool) {
        let at = issued(self.n);
        let over = !matches!(self.state, "issued");
        sqlx::query(
            "update alert set state = $2, approved_at = $3, approved_by = 'coordenadora', issued_at = $3, ended_at = $4, number = $5,
                 cap_identifier = $6, cap_sender = 'defesacivil@example.org', cap_sent = '2026-02-22T09:01:00-03:00', cap_xml = '<alert/>'
             where id = $1",
        )
        .bind(id(self.n))
        .bind(self.state)
        .bind(at)
        .bind(over.then_some(at + Duration::minutes(1)))
        .bind(format!("{}/2026", self.n))
        .bind(identifier(self.n))
        .execute(pool)
        .await
        .unwrap();
    }
}

const AREAS: &str = "
    with area as (
        insert into risk_area (code, name, geom, created_at, updated_at) values
            ('morro-alto', 'Morro Alto', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), $1, $1),
            ('baixada', 'Baixada & Várzea', st_multi(st_makeenvelope(-43.38, -21.76, -43.37, -21.74, 4326)), $1, $1)
        returning *)
    insert into area_version (code, number, state, name, geom, hazards, origin, author, created_at, valid_from)
    select code, 1, 'effective', name, geom, '{}', 'before', 'service', $1, $1 from area";

async fn town() -> (TestDb, App) {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__HTTP__PUBLIC_URL", "https://alertas.example.org")]);
    sqlx::query(AREAS).bind(start_at() - Duration::days(30)).execute(&db.pool).await.unwrap();
    app.clock.set(start_at() + Duration::minutes(30));
    (db, app)
}

/// The evaluation stood at the end of the journal so long ago, by the database's own clock.
async fn evaluated(pool: &PgPool, at: Instant, ago_s: i32) {
    sqlx::query(
        "insert into evaluator_beat (at, beaten_at) values ($1, clock_timestamp() - make_interval(secs => $2))
         on conflict (id) do update set at = excluded.at, beaten_at = excluded.beaten_at",
    )
    .bind(at)
    .bind(ago_s)
    .execute(pool)
    .await
    .unwrap();
}

/// A chain of three messages that ended, and alerts of every other kind.
async fn with_alerts() -> (TestDb, App) {
    let (db, app) = town().await;
    for put in [
        Put { state: "superseded", ..ALERT },
        Put { n: 2, state: "draft", kind: "update", answers: Some(1), ..ALERT },
        Put {
            n: 3,
            state: "issued",
            kind: "update",
            answers: Some(1),
            level: "alert",
            areas: &["morro-alto", "baixada"],
            ..ALERT
        },
        Put { n: 4, status: "exercise", ..ALERT },
        Put { n: 5, state: "discarded", ..ALERT },
        Put { n: 6, state: "cleared", cobrade: "1.2.1.0.0", level: "attention", areas: &["baixada"], ..ALERT },
        Put {
            n: 7,
            state: "cleared",
            kind: "all_clear",
            cobrade: "1.2.1.0.0",
            level: "attention",
            areas: &["baixada"],
            answers: Some(6),
            ..ALERT
        },
        Put { n: 8, state: "cancelled", ..ALERT },
    ] {
        put.into(&db.pool).await;
    }
    evaluated(&db.pool, app.clock.now(), 5).await;
    (db, app)
}

const PUBLIC: [&str; 8] = [
    "/",
    "/alerts",
    "/alerts?kind=drills",
    "/alerts/active.geojson",
    "/banner",
    "/banner.svg",
    "/api/v1/public/status",
    "/alerts/feed.atom",
];

#[tokio::test]
async fn no_public_address_shows_or_serves_what_has_not_left() {
    let (_db, app) = with_alerts().await;
    for n in [2, 5] {
        for name in [id(n).to_string(), id(n).simple().to_string(), identifier(n), format!("{n}/2026")] {
            let name = name.replace('/', "%2F");
            for address in ["", ".xml", ".png", "/map.png", "?print", "?lang=en"] {
                let answer = get(&app, &format!("/alerts/{name}{address}")).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "/alerts/{name}{address}");
            }
        }
        for address in PUBLIC {
            let answer = get(&app, address).await;
            assert_eq!(answer.status, StatusCode::OK, "{address}");
            let text = answer.text();
            assert!(!text.contains(&format!("Risco {n}")) && !text.contains(&id(n).to_string()), "{address}: {text}");
        }
    }
}

#[tokio::test]
async fn what_was_replaced_is_over_everywhere_and_leads_to_what_counts() {
    let (_db, app) = with_alerts().await;
    for address in ["/", "/alerts/active.geojson", "/banner", "/banner.svg", "/api/v1/public/status"] {
        let text = get(&app, address).await.text();
        assert!(text.contains("Risco 3"), "{address}: {text}");
        for over in [1, 6, 8] {
            assert!(!text.contains(&format!("Risco {over}")), "{address} still shows {over}");
        }
    }
    let old = get(&app, &format!("/alerts/{}", identifier(1))).await.text();
    assert!(old.contains("Este aviso foi substituído e não vale mais."), "{old}");
    let loud = old.split("O que vale agora:").nth(1).unwrap();
    assert!(loud[..200].contains(&format!("href=\"/alerts/{}\"", identifier(3))), "{loud}");
    assert!(old.contains("[substituído] Risco 1"), "the title of a shared link says so too");
    let new = get(&app, &format!("/alerts/{}", identifier(3))).await.text();
    assert!(
        !new.contains("não vale mais") && new.contains(&format!("href=\"/alerts/{}\"", identifier(1))),
        "the way back"
    );
    let cleared = get(&app, &format!("/alerts/{}", identifier(6))).await.text();
    assert!(
        cleared.contains("Este alerta foi encerrado")
            && cleared.contains(&format!("href=\"/alerts/{}\"", identifier(7)))
    );
    let cancelled = get(&app, &format!("/alerts/{}", identifier(8))).await.text();
    assert!(cancelled.contains("Este alerta foi cancelado"), "{cancelled}");
}

#[tokio::test]
async fn an_alert_whose_time_ran_out_is_over_before_anybody_writes_it_down() {
    let (db, app) = with_alerts().await;
    app.clock.set(issued(3) + Duration::hours(6));
    evaluated(&db.pool, app.clock.now(), 0).await;
    let status = get(&app, "/api/v1/public/status").await.json();
    assert_eq!((&status["state"], &status["alerts"]), (&Value::from("none"), &Value::from(Vec::<Value>::new())));
    assert!(get(&app, "/alerts/active.geojson").await.json()["features"].as_array().unwrap().is_empty());
    let page = get(&app, &format!("/alerts/{}", identifier(3))).await.text();
    assert!(page.contains("Este aviso venceu e não vale mais."), "{page}");
    assert!(get(&app, "/").await.text().contains("Nenhum alerta em vigor"));
    // What it replaced leads to it no longer as to what counts.
    for address in ["", "?print"] {
        let old = get(&app, &format!("/alerts/{}{address}", identifier(1))).await.text();
        assert!(old.contains("não vale mais") && !old.contains("O que vale agora"), "{old}");
    }
}

#[tokio::test]
async fn exercises_are_apart_and_never_among_what_is_real() {
    let (db, app) = with_alerts().await;
    let status = get(&app, "/api/v1/public/status").await.json();
    assert_eq!((status["alerts"].as_array().unwrap().len(), &status["drills"]), (1, &Value::from(1)));
    for address in ["/alerts/active.geojson", "/banner", "/banner.svg", "/alerts"] {
        assert!(!get(&app, address).await.text().contains("Risco 4"), "{address}");
    }
    let home = get(&app, "/").await.text();
    let (real, drills) = home.split_once("id=\"exercicios\"").unwrap();
    assert!(!real.contains("Risco 4") && drills.contains("Risco 4") && drills.contains("EXERCÍCIO"));
    assert!(drills.contains("Nada do que está abaixo é real"));
    assert!(get(&app, "/alerts?kind=drills").await.text().contains("Risco 4"));
    let page = get(&app, &format!("/alerts/{}", identifier(4))).await.text();
    assert!(page.contains("<b>EXERCÍCIO</b> — não é real"), "{page}");
    // With nothing but an exercise, there is no alert.
    sqlx::query("update alert set state = 'cleared' where id = $1").bind(id(3)).execute(&db.pool).await.unwrap();
    assert_eq!(get(&app, "/api/v1/public/status").await.json()["state"], "none");
    assert!(get(&app, "/banner").await.text().contains("exercício em curso, não é real"));
}

#[tokio::test]
async fn no_alert_is_said_only_while_it_is_known() {
    let (db, app) = town().await;
    // Nothing was ever evaluated.
    let told = async || {
        let status = get(&app, "/api/v1/public/status").await.json();
        let banner = get(&app, "/banner").await.text();
        let badge = get(&app, "/banner.svg").await.text();
        let home = get(&app, "/").await.text();
        let geo = get(&app, "/alerts/active.geojson").await.json();
        assert_eq!(status["state"], geo["state"]);
        let none = "Nenhum alerta em vigor";
        let said: BTreeSet<bool> = [&banner, &badge, &home].into_iter().map(|text| text.contains(none)).collect();
        assert_eq!(said.len(), 1, "all say the same");
        (status["state"].as_str().unwrap().to_owned(), said.contains(&true), banner)
    };
    let (state, is_calm, banner) = told().await;
    assert_eq!((state.as_str(), is_calm), ("unknown", false));
    assert!(banner.contains("Sem dados") && banner.contains("Ainda sem verificação"), "{banner}");
    evaluated(&db.pool, app.clock.now(), 5).await;
    let (state, is_calm, banner) = told().await;
    assert_eq!((state.as_str(), is_calm), ("none", true));
    assert!(banner.contains("Última verificação: 09:30") && banner.contains("2 áreas sem dados"), "{banner}");
    evaluated(&db.pool, app.clock.now() - Duration::minutes(10), 600).await;
    let (state, is_calm, banner) = told().await;
    assert_eq!((state.as_str(), is_calm), ("unknown", false));
    assert!(banner.contains("Última verificação: 09:20"), "{banner}");
    // An alert in force holds, however late the evaluation is, and the lateness is told.
    ALERT.into(&db.pool).await;
    let (state, ..) = told().await;
    assert_eq!(state, "alert");
    assert!(get(&app, "/").await.text().contains("A avaliação automática está atrasada"));
}

#[tokio::test]
async fn the_evaluation_says_that_it_reached_the_end() {
    let (db, app) = town().await;
    tokio::spawn(sentinela::pipeline::run(app.clone()));
    support::eventually("the first word of the evaluation", async || {
        let at: Option<Instant> =
            sqlx::query_scalar("select at from evaluator_beat").fetch_optional(&db.pool).await.unwrap();
        at.filter(|at| *at == app.clock.now())
    })
    .await;
    assert_eq!(get(&app, "/api/v1/public/status").await.json()["state"], "none");
    app.stop.cancel();
}

#[tokio::test]
async fn the_banner_alone_may_stand_in_pages_of_others_and_runs_nothing() {
    let (_db, app) = with_alerts().await;
    let banner = get(&app, "/banner").await;
    let policy = banner.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.contains("frame-ancestors *") && !policy.contains("script-src") && policy.contains("form-action 'none'")
    );
    assert!(banner.headers.get(header::X_FRAME_OPTIONS).is_none());
    assert!(!banner.text().contains("<script") && !banner.text().contains("<form"), "{}", banner.text());
    for address in ["/", "/alerts", "/banner/como-usar", "/banner.svg", "/banner/", "/alerts/active.geojson"] {
        let answer = get(&app, address).await;
        assert_eq!(answer.header(header::X_FRAME_OPTIONS), "DENY", "{address}");
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"), "{address}");
    }
    let badge = get(&app, "/banner.svg").await;
    assert_eq!(badge.header(header::CONTENT_TYPE), "image/svg+xml");
    // A cache gives all the same, so what one reader's browser says of them changes nothing; the address does.
    let own = [(header::ACCEPT_LANGUAGE, "en"), (header::COOKIE, "sentinela_lang=en; sentinela_theme=dark")];
    for address in ["/banner", "/banner.svg"] {
        let (plain, theirs) = (get(&app, address).await, ask(&app, address, &own).await);
        assert!(plain.bytes == theirs.bytes, "{address}");
        assert_ne!(get(&app, &format!("{address}?lang=en")).await.bytes, plain.bytes, "{address}");
    }
    let how = ask(&app, "/banner/como-usar", &own).await.text();
    assert!(how.contains("/banner?lang=en") && how.contains("/banner.svg?lang=en"), "{how}");
    assert_eq!(badge.header("cross-origin-resource-policy"), "cross-origin");
    let how = get(&app, "/banner/como-usar").await.text();
    assert!(how.contains("https://alertas.example.org/banner") && how.contains("&#60;iframe"), "{how}");
}

#[tokio::test]
async fn whoever_has_the_present_is_spared_it_and_hears_of_every_change() {
    let (db, app) = with_alerts().await;
    let addresses = ["/alerts/active.geojson", "/banner", "/banner.svg", "/api/v1/public/status"];
    let mut tags = Vec::new();
    for address in addresses {
        let first = get(&app, address).await;
        assert_eq!(first.header(header::CACHE_CONTROL), "public, max-age=15, must-revalidate", "{address}");
        assert_eq!(first.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        let tag = first.header(header::ETAG).to_owned();
        let again = ask(&app, address, &[(header::IF_NONE_MATCH, &tag)]).await;
        assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0), "{address}");
        tags.push(tag);
    }
    Put { n: 9, ..ALERT }.into(&db.pool).await;
    for (address, tag) in addresses.into_iter().zip(tags) {
        let again = ask(&app, address, &[(header::IF_NONE_MATCH, &tag)]).await;
        assert_eq!(again.status, StatusCode::OK, "{address}");
    }
}

/// A browser asks first, because `If-None-Match` is no header that any page may send.
#[tokio::test]
async fn pages_of_other_sites_may_ask_whether_the_present_has_changed() {
    let (_db, app) = with_alerts().await;
    let preflight = async |path: &str| {
        let request =
            Request::builder().method("OPTIONS").uri(path).header(header::ORIGIN, "https://jornal.example.org");
        let request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
        let request =
            request.header(header::ACCESS_CONTROL_REQUEST_HEADERS, "if-none-match").body(Body::empty()).unwrap();
        sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap()
    };
    for path in ["/api/v1/public/status", "/alerts/active.geojson", "/alerts/feed.atom"] {
        let answer = preflight(path).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        let allowed = &answer.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS];
        assert!(allowed.to_str().unwrap().contains("if-none-match"), "{path}");
        assert!(get(&app, path).await.header(header::ACCESS_CONTROL_EXPOSE_HEADERS).contains("etag"), "{path}");
    }
    for path in ["/console", "/api/v1/alerts"] {
        assert_eq!(preflight(path).await.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn the_geojson_holds_the_alerts_in_force_with_their_ground_and_their_cap_properties() {
    let (db, app) = with_alerts().await;
    // Two pieces that overlap must not come out as an invalid shape.
    sqlx::query("insert into alert_shape (alert_id, source, name, geom) select $1, 'drawn', 'Beira do rio', st_multi(st_makeenvelope(-43.395, -21.75, -43.375, -21.745, 4326))")
        .bind(id(10))
        .execute(&db.pool)
        .await
        .unwrap_err();
    Put { n: 10, state: "draft", areas: &["baixada"], ..ALERT }.into(&db.pool).await;
    sqlx::query("insert into alert_shape (alert_id, source, name, geom) values ($1, 'drawn', 'Beira do rio', st_multi(st_makeenvelope(-43.385, -21.75, -43.375, -21.745, 4326)))")
        .bind(id(10))
        .execute(&db.pool)
        .await
        .unwrap();
    Put { n: 10, ..ALERT }.leave(&db.pool).await;
    let answer = get(&app, "/alerts/active.geojson").await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/geo+json");
    let all = answer.json();
    assert_eq!(all["type"], "FeatureCollection");
    let features = all["features"].as_array().unwrap();
    let ids: Vec<&str> = features.iter().map(|feature| feature["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [identifier(10), identifier(3)], "the worst first");
    let (first, second) = (&features[0], &features[1]);
    assert_eq!(second["properties"]["msgType"], "Update");
    assert_eq!(second["properties"]["category"], "Geo");
    assert_eq!(second["properties"]["expires"], "2026-02-22T15:03:00-03:00");
    assert_eq!(second["properties"]["web"], format!("https://alertas.example.org/alerts/{}", identifier(3)));
    assert_eq!(first["properties"]["areaDesc"], "Baixada & Várzea, Beira do rio");
    assert_eq!(first["geometry"]["type"], "MultiPolygon");
    let geometry = first["geometry"].to_string();
    let (is_valid, turns): (bool, bool) =
        sqlx::query_as("select st_isvalid(g), st_ispolygonccw(g) from st_geomfromgeojson($1) as g")
            .bind(&geometry)
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert!(is_valid && turns, "{geometry}");
    assert_eq!(first["bbox"], serde_json::json!([-43.385, -21.76, -43.37, -21.74]));
    assert_eq!(all["bbox"], serde_json::json!([-43.4, -21.76, -43.37, -21.74]));
}

#[tokio::test]
async fn pictures_are_drawn_the_same_each_time_and_the_map_of_an_alert_never_changes() {
    let (db, app) = with_alerts().await;
    let map = format!("/alerts/{}/map.png", identifier(3));
    let first = get(&app, &map).await;
    assert_eq!((first.status, first.header(header::CONTENT_TYPE)), (StatusCode::OK, "image/png"));
    assert_eq!(first.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(image::load_from_memory(&first.bytes).unwrap().dimensions(), (1200, 900));
    let known = ask(&app, &map, &[(header::IF_NONE_MATCH, first.header(header::ETAG))]).await;
    assert_eq!((known.status, known.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let share = get(&app, &format!("/alerts/{}.png", identifier(3))).await;
    assert_eq!(image::load_from_memory(&share.bytes).unwrap().dimensions(), (1200, 630));
    assert!(!share.header(header::CACHE_CONTROL).contains("immutable"), "it says when the alert is over");
    // Another process, after the alert was ended and the town's areas were redrawn.
    sqlx::query("update alert set state = 'cleared', ended_at = $2 where id = $1")
        .bind(id(3))
        .bind(app.clock.now())
        .execute(&db.pool)
        .await
        .unwrap();
    sqlx::query(
        "with old as (update area_version set valid_until = $1 where valid_until is null)
         update risk_area set geom = st_multi(st_makeenvelope(-43.5, -21.9, -43.3, -21.7, 4326))",
    )
    .bind(app.clock.now())
    .execute(&db.pool)
    .await
    .unwrap();
    let other = support::app_with(&db, &[("SENTINELA__HTTP__PUBLIC_URL", "https://alertas.example.org")]);
    other.clock.set(app.clock.now() + Duration::hours(1));
    assert_eq!(get(&other, &map).await.bytes, first.bytes, "the same map");
    for app in [&app, &other] {
        let now = get(app, &format!("/alerts/{}.png", identifier(3))).await;
        assert_ne!(now.bytes, share.bytes, "the share image says that it ended");
    }
}

#[tokio::test]
async fn a_flood_of_requests_for_one_picture_draws_it_once() {
    let (_db, app) = with_alerts().await;
    let path = format!("/alerts/{}.png", identifier(3));
    let answers = futures_util::future::join_all((0..16).map(|_| get(&app, &path))).await;
    let good: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert!(!good.is_empty() && good.iter().all(|answer| answer.bytes == good[0].bytes));
    assert!(answers.iter().all(|answer| matches!(answer.status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE)));
    assert_eq!(app.pictures.drawn(), 1);
}

#[tokio::test]
async fn the_page_says_what_where_why_and_how_it_went_on_in_the_languages_it_has() {
    let (db, app) = with_alerts().await;
    let identifier = identifier(9);
    Put { n: 9, state: "draft", ..ALERT }.into(&db.pool).await;
    sqlx::query(
        "insert into alert_text (alert_id, language, headline, description, instruction, sms_text) values
            ($1, 'en', 'Landslide risk 9', 'Slopes may fall.', '1. Leave now.', 'sms'),
            ($1, 'es', 'Riesgo de deslizamiento 9', 'Las laderas pueden caer.', '1. Salga ahora.', 'sms')",
    )
    .bind(id(9))
    .execute(&db.pool)
    .await
    .unwrap();
    Put { n: 9, ..ALERT }.leave(&db.pool).await;
    let page = get(&app, &format!("/alerts/{identifier}")).await.text();
    for part in [
        "Risco 9",
        "<li>Saia agora.</li>",
        "Morro Alto",
        "sem regra automática",
        "hreflang=\"es\"",
        "property=\"og:image\" content=\"https://alertas.example.org/alerts/BR-3136702-2026-0009-0a1b2c3d.png\"",
        "content=\"1200\"",
        "rel=\"canonical\"",
        "22/02/2026 15:09",
    ] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    let english = get(&app, &format!("/alerts/{identifier}?lang=en")).await.text();
    assert!(english.contains("Landslide risk 9") && english.contains("<html lang=\"en\""), "{english}");
    let spanish = get(&app, &format!("/alerts/{identifier}?lang=es")).await.text();
    assert!(
        spanish.contains("lang=\"es\">Riesgo de deslizamiento 9")
            && spanish.contains("não tem texto na língua desta página")
    );
    let only = get(&app, &format!("/alerts/{}?lang=en", super::public::identifier(3))).await.text();
    assert!(only.contains("Risco 3") && only.contains("has no text in the language of this page"), "{only}");
    let home = ask(&app, "/", &[(header::ACCEPT_LANGUAGE, "en")]).await.text();
    assert!(home.contains("Landslide risk 9"), "the front page too");
}

#[tokio::test]
async fn the_sheet_carries_the_code_of_its_address_and_says_when_it_no_longer_holds() {
    let (_db, app) = with_alerts().await;
    let sheet = get(&app, &format!("/alerts/{}?print", identifier(3))).await.text();
    assert!(sheet.contains("class=\"sheet") && sheet.contains("https://alertas.example.org/alerts/"), "{sheet}");
    assert!(sheet.matches("<svg").count() >= 2, "a map and a code");
    assert!(!sheet.contains("não vale mais"));
    let old = get(&app, &format!("/alerts/{}?print=1", identifier(1))).await.text();
    assert!(old.contains("Este aviso foi substituído e não vale mais.") && old.contains("Risco 3"), "{old}");
    let drill = get(&app, &format!("/alerts/{}?print", identifier(4))).await.text();
    assert!(drill.contains("EXERCÍCIO — não é real"));
}

/// Numbers of the alerts that an archive page lists, in its order.
fn listed(page: &str) -> Vec<u8> {
    let list = page.split("archive-list").nth(1).unwrap_or_default();
    let titles = list.split(">Risco ").skip(1);
    titles.map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_archive_is_found_by_time_hazard_level_and_place_and_counts_what_it_shows() {
    let (db, app) = with_alerts().await;
    let find = async |query: &str| {
        let answer = get(&app, &format!("/alerts{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        listed(&answer.text())
    };
    assert_eq!(find("").await, [8, 7, 6, 3, 1]);
    assert_eq!(find("?kind=drills").await, [4]);
    assert_eq!(find("?hazard=1.2.1.0.0").await, [7, 6]);
    assert_eq!(find("?level=alert").await, [3]);
    assert_eq!(find("?area=Baixada+%26+V%C3%A1rzea").await, [7, 6, 3]);
    assert_eq!(find("?year=2026&month=2&hazard=&level=&area=").await, [8, 7, 6, 3, 1]);
    assert_eq!(find("?year=2026&month=3").await, [0_u8; 0]);
    assert_eq!(find("?year=2025").await, [0_u8; 0]);
    let page = get(&app, "/alerts?year=2026").await.text();
    for part in [
        "2026 (5)",
        "fevereiro (5)",
        "Deslizamentos (3)",
        "Inundações (2)",
        "atenção (2)",
        "5 mensagens, 3 delas o primeiro aviso",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("substituído") && page.contains("cancelado"));
    for query in ["?year=x", "?month=0", "?hazard=1", "?level=red", "?kind=x", "?page=0", "?area=%00"] {
        assert_eq!(get(&app, &format!("/alerts{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    for n in 20..50 {
        Put { n, state: "expired", ..ALERT }.into(&db.pool).await;
    }
    assert_eq!(find("").await.len(), 25);
    assert_eq!(find("?page=2").await.len(), 10);
    assert_eq!(get(&app, "/alerts?page=3").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn public_pages_are_whole_documents_with_one_heading_and_names_for_everything() {
    let (_db, app) = with_alerts().await;
    let one = format!("/alerts/{}", identifier(3));
    let sheet = format!("{one}?print");
    for address in ["/", "/alerts", "/alerts?kind=drills", "/banner", "/banner/como-usar", &one, &sheet] {
        for language in ["pt-BR", "en"] {
            // The frame for other sites speaks the language of its address.
            let asked = if address == "/banner" { format!("/banner?lang={language}") } else { address.to_owned() };
            let page = ask(&app, &asked, &[(header::ACCEPT_LANGUAGE, language)]).await.text();
            assert!(page.contains(&format!("<html lang=\"{language}\"")), "{address}");
            assert_eq!(page.matches("<h1").count(), 1, "{address}: one h1");
            assert_eq!(page.matches("<main").count(), 1, "{address}: one main");
            assert!(page.contains("name=\"viewport\""), "{address}");
            let drawn = page.matches("<svg class=\"drawn ground\"").count();
            assert!(page.matches("role=\"img\" aria-label=\"").count() >= drawn, "{address}");
            let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{address}: an id twice in {ids:?}");
            for image in page.split("<img ").skip(1) {
                assert!(image.split('>').next().unwrap().contains("alt="), "{address}: {image:.80}");
            }
        }
    }
}

#[tokio::test]
async fn the_front_page_has_every_one_of_many_alerts() {
    let (db, app) = with_alerts().await;
    for n in 30..45 {
        Put { n, areas: &["morro-alto", "baixada"], ..ALERT }.into(&db.pool).await;
    }
    let page = get(&app, "/").await.text();
    for n in 30..45 {
        assert!(page.contains(&format!("Risco {n}")), "{n}: {page}");
    }
}
