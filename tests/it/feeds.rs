//! The public addresses of the alerts: who is listed, who is reachable, and what a polite reader is spared.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::Duration;
use sentinela::alerts::AlertKind;
use sentinela::alerts::cap::model::{NamedValue, Status};
use sentinela::alerts::cap::xml::{parse, write};
use sentinela::alerts::cap::{BuildInput, build, validate};
use sentinela::app::App;
use sentinela::units::Level;
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::support::{self, start_at};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn get(app: &App, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    Answer { status, headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn identifier(number: u8) -> String {
    format!("urn:oid:2.49.0.0.76.3136702.2026.{number}")
}

/// The message of an alert issued `number` minutes after the clock's start.
fn message(number: u8) -> String {
    let sent = start_at() + Duration::minutes(i64::from(number));
    let alert = build(&BuildInput {
        identifier: identifier(number),
        sender: "defesacivil@example.org".into(),
        sender_name: "Defesa Civil".into(),
        sent,
        time_zone: chrono_tz::America::Sao_Paulo,
        kind: AlertKind::Alert,
        status: Status::Actual,
        references: Vec::new(),
        cobrade: "1.1.3.2.1".parse().unwrap(),
        level: Level::Maximum,
        headline: format!("Risco {number}"),
        description: "Encostas podem cair.".into(),
        instruction: "1. Saia agora.".into(),
        expires_at: sent + Duration::hours(6),
        web: "https://alertas.example.org/".into(),
        contact: "199".into(),
        language: "pt-BR".into(),
        translations: Vec::new(),
        map_picture: String::new(),
        areas: Vec::new(),
        parameters: vec![NamedValue::new("level", "maximum")],
    });
    assert_eq!(validate::check(&alert), []);
    write(&alert)
}

async fn put(pool: &PgPool, number: u8, state: &str, kind: &str) {
    let issued = start_at() + Duration::minutes(i64::from(number));
    let leaves = state != "draft";
    sqlx::query(
        "insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity,
             urgency, certainty, expires_at, created_at, created_by, approved_at, approved_by, issued_at, ended_at, number,
             cap_identifier, cap_sender, cap_sent, cap_xml)
         values ($1, $2, $3, 'actual', '1.1.3.2.1', 'maximum', $4, 'Encostas podem cair.', '1. Saia agora.', 'sms', 'Extreme',
             'Immediate', 'Likely', $5, $6, 'rule', $7, $8, $7, $9, $10, $11, $12, $13, $14)",
    )
    .bind(Uuid::from_u128(u128::from(number)))
    .bind(state)
    .bind(kind)
    .bind(format!("Risco {number}"))
    .bind(issued + Duration::hours(6))
    .bind(issued)
    .bind(leaves.then_some(issued))
    .bind(leaves.then_some("coordenadora"))
    .bind((leaves && state != "issued").then_some(issued))
    .bind(leaves.then(|| format!("{number}/2026")))
    .bind(leaves.then(|| identifier(number)))
    .bind(leaves.then_some("defesacivil@example.org"))
    .bind(leaves.then_some("2026-02-22T09:01:00-03:00"))
    .bind(leaves.then(|| message(number)))
    .execute(pool)
    .await
    .unwrap();
}

async fn with_alerts() -> (support::TestDb, App) {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__HTTP__PUBLIC_URL", "https://alertas.example.org")]);
    put(&db.pool, 1, "issued", "alert").await;
    put(&db.pool, 2, "draft", "alert").await;
    put(&db.pool, 3, "superseded", "alert").await;
    put(&db.pool, 4, "issued", "update").await;
    put(&db.pool, 5, "cleared", "all_clear").await;
    put(&db.pool, 6, "cleared", "alert").await;
    app.clock.set(start_at() + Duration::minutes(30));
    (db, app)
}

/// Numbers of the alerts a feed lists, in its order.
fn listed(body: &str) -> Vec<u8> {
    let titles = body.split("<title>Risco ").skip(1);
    titles.map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_feeds_list_what_is_in_force_and_what_ended_it() {
    let (_db, app) = with_alerts().await;
    let atom = get(&app, "/alerts/feed.atom", &[]).await;
    assert_eq!(
        (atom.status, atom.header(header::CONTENT_TYPE)),
        (StatusCode::OK, "application/atom+xml; charset=utf-8")
    );
    assert_eq!(listed(&atom.body), [5, 4, 1]);
    assert!(atom.body.contains("<updated>2026-02-22T12:06:00Z</updated>"), "{}", atom.body);
    assert!(atom.body.contains(&format!("href=\"https://alertas.example.org/alerts/{}.xml\"", identifier(4))));
    let rss = get(&app, "/alerts/feed.rss", &[]).await;
    assert_eq!((rss.status, listed(&rss.body)), (StatusCode::OK, vec![5, 4, 1]));
}

#[tokio::test]
async fn an_alert_leaves_the_feed_when_it_runs_out_and_the_feed_says_when() {
    let (_db, app) = with_alerts().await;
    let before = get(&app, "/alerts/feed.atom", &[]).await;
    app.clock.set(start_at() + Duration::minutes(60 * 6 + 2));
    let after = get(&app, "/alerts/feed.atom", &[(header::IF_NONE_MATCH, before.header(header::ETAG))]).await;
    assert_eq!((after.status, listed(&after.body)), (StatusCode::OK, vec![5, 4]));
    assert!(after.body.contains("<updated>2026-02-22T18:01:00Z</updated>"), "{}", after.body);
}

#[tokio::test]
async fn a_message_is_served_in_the_bytes_that_were_issued_also_when_replaced() {
    let (_db, app) = with_alerts().await;
    for number in [1, 3, 5, 6] {
        let answer = get(&app, &format!("/alerts/{}.xml", identifier(number)), &[]).await;
        assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, "application/cap+xml"));
        assert_eq!(answer.body, message(number));
        assert_eq!(parse(&answer.body).unwrap().identifier, identifier(number));
    }
}

#[tokio::test]
async fn the_address_without_xml_is_the_page_for_people() {
    let (_db, app) = with_alerts().await;
    let answer = get(&app, &format!("/alerts/{}", identifier(1)), &[]).await;
    assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(answer.body.contains("Risco 1"), "{}", answer.body);
}

#[tokio::test]
async fn drafts_and_strangers_are_not_found() {
    let (_db, app) = with_alerts().await;
    let draft = Uuid::from_u128(2);
    for path in
        [format!("{}.xml", identifier(2)), identifier(2), format!("{draft}.xml"), ".xml".into(), "a%00b.xml".into()]
    {
        let answer = get(&app, &format!("/alerts/{path}"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.body);
        assert!(!answer.body.contains("Risco 2"));
    }
}

#[tokio::test]
async fn a_reader_that_is_up_to_date_is_spared_the_body() {
    let (db, app) = with_alerts().await;
    let message = format!("/alerts/{}.xml", identifier(1));
    for path in ["/alerts/feed.atom", "/alerts/feed.rss", &message] {
        let first = get(&app, path, &[]).await;
        assert!(!first.header(header::CACHE_CONTROL).is_empty());
        let by_tag = get(&app, path, &[(header::IF_NONE_MATCH, first.header(header::ETAG))]).await;
        assert_eq!((by_tag.status, by_tag.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        // Of a list a date tells nothing: what was committed later may bear an earlier one.
        let date = Some(first.header(header::LAST_MODIFIED)).filter(|date| !date.is_empty());
        let by_date =
            get(&app, path, &[(header::IF_MODIFIED_SINCE, date.unwrap_or("Mon, 23 Feb 2026 00:00:00 GMT"))]).await;
        let expected = if path == message { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        assert_eq!((by_date.status, date.is_some()), (expected, path == message), "{path}");
    }
    let old = get(&app, "/alerts/feed.atom", &[]).await;
    put(&db.pool, 7, "issued", "alert").await;
    let new = get(&app, "/alerts/feed.atom", &[(header::IF_NONE_MATCH, old.header(header::ETAG))]).await;
    assert_eq!((new.status, listed(&new.body)), (StatusCode::OK, vec![7, 5, 4, 1]));
}

#[tokio::test]
async fn a_feed_speaks_the_language_that_is_asked_for() {
    let (db, app) = with_alerts().await;
    // Beside the triggers: the text of an issued alert cannot be added later.
    sqlx::raw_sql(
        "alter table alert_text disable trigger user;
         insert into alert_text (alert_id, language, headline, description, instruction, sms_text)
         select id, 'en', 'Risk ' || right(headline, 1), 'Slopes may fall.', '1. Leave.', 'sms' from alert where cap_identifier like '%.1';",
    )
    .execute(&mut db.owner().await)
    .await
    .unwrap();
    let accept = [(header::ACCEPT_LANGUAGE, "en-GB,pt;q=0.5")];
    for (path, headers) in
        [("/alerts/feed.en.atom", &[][..]), ("/alerts/feed.atom?lang=en", &[]), ("/alerts/feed.atom", &accept)]
    {
        let answer = get(&app, path, headers).await;
        assert_eq!((answer.status, answer.header(header::CONTENT_LANGUAGE)), (StatusCode::OK, "en"), "{path}");
        assert!(
            answer.body.contains("<title>Risk 1</title>") && answer.body.contains("xml:lang=\"en\""),
            "{}",
            answer.body
        );
        // What has no translation says in which language it is.
        assert!(answer.body.contains("<title xml:lang=\"pt-BR\">Risco 4</title>"), "{}", answer.body);
        assert!(answer.body.contains(
            "rel=\"self\" type=\"application/atom+xml\" href=\"https://alertas.example.org/alerts/feed.en.atom\""
        ));
        let varies = answer.header(header::VARY).contains("accept-language");
        assert_eq!(varies, path == "/alerts/feed.atom", "{path}");
    }
    assert!(get(&app, "/alerts/feed.atom", &[]).await.body.contains("<title>Risco 1</title>"));
    assert_eq!(get(&app, "/alerts/feed.fr.atom", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, "/alerts/feed.atom?lang=fr", &[]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&app, "/alerts/feed.atom?status=draft", &[]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_area_and_a_hazard_have_feeds_of_their_own() {
    let (db, app) = with_alerts().await;
    sqlx::raw_sql(
        "alter table alert_area disable trigger user;
         insert into risk_area (code, name, geom, created_at, updated_at) values
            ('morro', 'Morro', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now()),
            ('vale', 'Vale', st_multi(st_makeenvelope(-43.30, -21.76, -43.29, -21.74, 4326)), now(), now());
         insert into alert_area (alert_id, area_id, name, geom)
            select a.id, r.id, r.name, r.geom from alert a, risk_area r where a.cap_identifier like '%.4' and r.code = 'morro';",
    )
    .execute(&mut db.owner().await)
    .await
    .unwrap();
    let morro = get(&app, "/alerts/areas/morro/feed.atom", &[]).await;
    assert_eq!(listed(&morro.body), [4], "{}", morro.body);
    assert!(morro.body.contains("<updated>2026-02-22T12:04:00Z</updated>"), "{}", morro.body);
    assert!(morro.body.contains("/alerts/areas/morro/feed.en.atom"));
    let vale = get(&app, "/alerts/areas/vale/feed.rss", &[]).await;
    assert_eq!((vale.status, listed(&vale.body).len()), (StatusCode::OK, 0));
    assert_eq!(listed(&get(&app, "/alerts/hazards/1.1.3.2.1/feed.atom", &[]).await.body), [5, 4, 1]);
    // A place that was drawn over the area is of it; one that only touches it is not. The area is as it was when the alert left.
    sqlx::raw_sql(
        "alter table alert_shape disable trigger user;
         insert into alert_shape (alert_id, source, name, geom) select id, 'drawn', 'Encosta', st_multi(st_makeenvelope(-43.395, -21.75, -43.30, -21.73, 4326))
            from alert where cap_identifier like '%.1';
         insert into area_version (code, number, state, name, geom, hazards, origin, author, created_at, valid_from, valid_until) values
            ('vale', 1, 'effective', 'Vale', st_multi(st_makeenvelope(-43.38, -21.76, -43.37, -21.74, 4326)), '{}', 'before', 'a', now(), '2026-01-01', '2026-02-22T12:03:00Z'),
            ('vale', 2, 'effective', 'Vale', st_multi(st_makeenvelope(-43.30, -21.76, -43.29, -21.74, 4326)), '{}', 'before', 'a', now(), '2026-02-22T12:03:00Z', null);
         insert into alert_shape (alert_id, source, name, geom) select id, 'drawn', 'Encosta', st_multi(st_makeenvelope(-43.38, -21.75, -43.30, -21.74, 4326))
            from alert where cap_identifier like '%.5';",
    )
    .execute(&mut db.owner().await)
    .await
    .unwrap();
    let morro = get(&app, "/alerts/areas/morro/feed.atom", &[]).await;
    assert_eq!(listed(&morro.body), [4, 1], "{}", morro.body);
    assert_eq!(listed(&get(&app, "/alerts/areas/morro/feed.atom?page=1", &[]).await.body), [4, 1]);
    assert_eq!(
        listed(&get(&app, "/alerts/areas/vale/feed.rss", &[]).await.body),
        [1],
        "it was there when 1 left, and not when 5 did"
    );
    assert_eq!(listed(&get(&app, "/alerts/hazards/12100/feed.rss", &[]).await.body), Vec::<u8>::new());
    for missing in [
        "/alerts/areas/nowhere/feed.atom",
        "/alerts/hazards/9.9/feed.atom",
        "/alerts/areas/morro/feed.txt",
        "/alerts/areas/a%00/feed.atom",
    ] {
        assert_eq!(get(&app, missing, &[]).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn the_archive_holds_every_message_in_pieces_that_do_not_change() {
    let (db, app) = with_alerts().await;
    for number in 10..=120 {
        put(&db.pool, number, "superseded", "alert").await;
    }
    app.clock.set(start_at() + Duration::minutes(200));
    let current = get(&app, "/alerts/feed.atom", &[]).await;
    assert!(current.body.contains("rel=\"prev-archive\" type=\"application/atom+xml\" href=\"https://alertas.example.org/alerts/feed.atom?page=3\""));
    let mut all = Vec::new();
    let mut pieces = Vec::new();
    for page in 1..=3 {
        let piece = get(&app, &format!("/alerts/feed.atom?page={page}"), &[]).await;
        assert_eq!(piece.body.contains("<fh:archive/>"), page < 3, "{page}");
        let mut numbers = listed(&piece.body);
        numbers.reverse();
        all.extend(numbers);
        pieces.push(piece.body);
    }
    let every: Vec<u8> = [1, 3, 4, 5, 6].into_iter().chain(10..=120).collect();
    assert_eq!(all, every);
    assert_eq!(get(&app, "/alerts/feed.atom?page=4", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, "/alerts/feed.atom?page=0", &[]).await.status, StatusCode::NOT_FOUND);
    // More messages leave a full piece as it was.
    put(&db.pool, 130, "issued", "alert").await;
    let again = get(&app, "/alerts/feed.atom?page=2", &[]).await;
    assert_eq!(again.body, pieces[1]);
    let known = get(&app, "/alerts/feed.atom?page=2", &[(header::IF_NONE_MATCH, again.header(header::ETAG))]).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn an_end_stays_in_the_feed_for_some_hours_and_the_feed_says_when_it_left() {
    let (_db, app) = with_alerts().await;
    app.clock.set(start_at() + Duration::minutes(5 + 6 * 60));
    let after = get(&app, "/alerts/feed.atom", &[]).await;
    assert_eq!(listed(&after.body), Vec::<u8>::new());
    assert!(after.body.contains("<updated>2026-02-22T18:05:00Z</updated>"), "{}", after.body);
}

/// What feedparser, which reads feeds for thousands of programs, understands.
fn understood(feed: &str) -> serde_json::Value {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let program = std::path::PathBuf::from(env!("CARGO_BIN_EXE_sentinela"));
    let python = program.ancestors().nth(2).unwrap().join("peers/bin/python");
    assert!(python.exists(), "{} is missing: run tests/peers/setup.sh", python.display());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/feed.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(feed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn an_independent_reader_understands_the_feeds() {
    let (_db, app) = with_alerts().await;
    for (path, version) in [
        ("/alerts/feed.atom", "atom10"),
        ("/alerts/feed.rss", "rss20"),
        ("/alerts/feed.en.atom", "atom10"),
        ("/alerts/feed.atom?page=1", "atom10"),
        ("/alerts/feed.rss?page=1", "rss20"),
        ("/alerts/hazards/1.2.1.0.0/feed.atom", "atom10"),
    ] {
        let read = understood(&get(&app, path, &[]).await.body);
        assert_eq!((&read["bozo"], &read["version"]), (&"".into(), &version.into()), "{path}: {read}");
        let rels: Vec<_> =
            read["links"].as_array().unwrap().iter().map(|link| link[0].as_str().unwrap().to_owned()).collect();
        assert!(rels.contains(&"self".to_owned()), "{path}: {rels:?}");
        if path.contains("hazards") {
            assert_eq!(read["entries"].as_array().unwrap().len(), 0);
            continue;
        }
        let first = &read["entries"][0];
        assert!(first["title"].as_str().unwrap().starts_with("Risco"), "{path}: {first}");
        let message = first["links"].as_array().unwrap().iter().find(|link| link[0] == "application/cap+xml").unwrap();
        assert_eq!(message[1], first["id"], "{path}");
        assert!(first["summary"].as_str().unwrap().contains("Encostas podem cair."));
        assert!(first["terms"].as_array().unwrap().contains(&"1.1.3.2.1".into()));
    }
}
