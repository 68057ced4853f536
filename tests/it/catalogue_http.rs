//! The catalogue through the API, OGC API – Features and the command line.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::{Role, store};
use sentinela::app::App;
use sentinela::stations::device::secret_sha256;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support;

const AREAS: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.areas.geojson");
const STATIONS: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.stations.csv");

/// An API token of somebody with this role.
async fn token(app: &App, role: Role) -> String {
    let mut conn = app.db.web.acquire().await.unwrap();
    let now = app.clock.now();
    store::upsert_member(&mut conn, &app.ids, now, role.as_str(), "Ana", &role.into(), "unused").await.unwrap();
    let expires_at = now + TimeDelta::hours(1);
    store::add_token(&mut conn, &app.ids, now, role.as_str(), "test", expires_at).await.unwrap().unwrap()
}

async fn ask(app: &App, request: Request<Body>) -> (StatusCode, Value) {
    let router = sentinela::web::router::router(app.clone());
    let response = support::soon("the answer", router.oneshot(request)).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(app: &App, path: &str, token: &str) -> (StatusCode, Value) {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    ask(app, request.body(Body::empty()).unwrap()).await
}

async fn send(app: &App, method: Method, path: &str, token: &str, media: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("content-type", media);
    let request = request.header("authorization", format!("Bearer {token}"));
    ask(app, request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn areas_and_stations_are_imported_over_http_and_listed_by_page() {
    let db = support::db().await;
    let app = support::app(&db);
    let operator = token(&app, Role::Operator).await;
    let (status, report) = send(&app, Method::POST, "/api/v1/areas", &operator, "application/geo+json", AREAS).await;
    assert_eq!((status, &report["created"]), (StatusCode::OK, &json!(81)));
    let (_, again) = send(&app, Method::POST, "/api/v1/areas", &operator, "application/geo+json", AREAS).await;
    assert_eq!(
        (&again["created"], &again["updated"], &again["unchanged"]),
        (&json!(0), &json!(0), &json!(81)),
        "{again}"
    );
    let (status, _) =
        send(&app, Method::POST, "/api/v1/stations", &operator, "text/csv; charset=utf-8", STATIONS).await;
    assert_eq!(status, StatusCode::OK);

    let (_, page) = get(&app, "/api/v1/areas?limit=2&offset=80", "").await;
    assert_eq!((page["total"].clone(), page["items"].as_array().unwrap().len()), (json!(81), 1));
    let (_, page) = get(&app, "/api/v1/stations?limit=1", "").await;
    assert_eq!(page["items"][0]["streams"][0]["quantity"], "rain");
    let (status, problem) = get(&app, "/api/v1/stations?limit=5000", "").await;
    assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("limit")));
}

#[tokio::test]
async fn a_bad_file_is_answered_with_every_line_field_and_value() {
    let db = support::db().await;
    let app = support::app(&db);
    let operator = token(&app, Role::Operator).await;
    let bad = AREAS.replacen("\"R", "\"X", 1);
    let (status, problem) = send(&app, Method::POST, "/api/v1/areas", &operator, "application/geo+json", &bad).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["errors"][0]["field"], "line 2: features[0].hazards[0].grade");
    assert!(problem["errors"][0]["value"].as_str().unwrap().starts_with('X'), "{problem}");
    let (status, problem) = send(&app, Method::POST, "/api/v1/areas", &operator, "text/plain", AREAS).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(problem["detail"].as_str().unwrap().contains("application/geo+json"), "{problem}");
}

#[tokio::test]
async fn a_viewer_changes_nothing_and_sees_no_resident() {
    let db = support::db().await;
    let app = support::app(&db);
    let viewer = token(&app, Role::Viewer).await;
    let (status, _) = send(&app, Method::POST, "/api/v1/areas", &viewer, "application/geo+json", AREAS).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(get(&app, "/api/v1/residents", &viewer).await.0, StatusCode::FORBIDDEN);
    let request = Request::get("/api/v1/residents").body(Body::empty()).unwrap();
    assert_eq!(ask(&app, request).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_device_is_made_with_a_secret_that_is_told_once() {
    let db = support::db().await;
    let app = support::app(&db);
    let operator = token(&app, Role::Operator).await;
    send(&app, Method::POST, "/api/v1/stations", &operator, "text/csv", STATIONS).await;
    let body = r#"{"code":"gw-1","station":"313670207A"}"#;
    let (status, made) = send(&app, Method::POST, "/api/v1/devices", &operator, "application/json", body).await;
    assert_eq!((status, &made["topic"]), (StatusCode::CREATED, &json!("v1/devices/gw-1/readings")));
    let stored: Vec<u8> = sqlx::query_scalar("select secret_sha256 from device").fetch_one(&db.pool).await.unwrap();
    assert_eq!(stored, secret_sha256("gw-1", made["secret"].as_str().unwrap()));
    let (_, page) = get(&app, "/api/v1/devices", &operator).await;
    assert!(!page.to_string().contains(made["secret"].as_str().unwrap()));
    let (status, _) = send(&app, Method::POST, "/api/v1/devices", &operator, "application/json", body).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let wrong = r#"{"code":"gw-2","station":"nowhere"}"#;
    let (status, problem) = send(&app, Method::POST, "/api/v1/devices", &operator, "application/json", wrong).await;
    assert_eq!((status, &problem["errors"][0]["value"]), (StatusCode::BAD_REQUEST, &json!("nowhere")));
    let whole = r#"{"code":"lora-1","station":"313670207A","hardware_id":"0101010101010101"}"#;
    let (status, made) = send(&app, Method::POST, "/api/v1/devices", &operator, "application/json", whole).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let taken = r#"{"code":"lora-2","station":"313670207A","hardware_id":"0101010101010101"}"#;
    let (status, _) = send(&app, Method::POST, "/api/v1/devices", &operator, "application/json", taken).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let odd = r#"{"code":"lora-2","station":"313670207A","profile":"nobodys"}"#;
    let (status, problem) = send(&app, Method::POST, "/api/v1/devices", &operator, "application/json", odd).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("profile")));
    let (_, page) = get(&app, "/api/v1/devices", &operator).await;
    assert_eq!((&page["total"], &page["items"][1]["hardware_id"]), (&json!(2), &json!("0101010101010101")), "{page}");
    let body = r#"{"command":"reboot"}"#;
    let path = "/api/v1/devices/lora-1/commands";
    let (status, refused) = send(&app, Method::POST, path, &operator, "application/json", body).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(refused["detail"].as_str().unwrap().contains("hears no command"), "{refused}");
    assert_eq!(send(&app, Method::DELETE, "/api/v1/devices/gw-1", &operator, "", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(send(&app, Method::DELETE, "/api/v1/devices/gw-9", &operator, "", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ogc_features_are_paged_filtered_by_box_and_found_by_code() {
    let db = support::db().await;
    let app = support::app(&db);
    let operator = token(&app, Role::Operator).await;
    send(&app, Method::POST, "/api/v1/areas", &operator, "application/geo+json", AREAS).await;
    let (_, landing) = get(&app, "/ogc", "").await;
    let rels: Vec<&str> = landing["links"].as_array().unwrap().iter().filter_map(|link| link["rel"].as_str()).collect();
    assert_eq!(rels, ["self", "service-desc", "conformance", "data"]);
    let (_, conformance) = get(&app, "/ogc/conformance", "").await;
    assert!(conformance["conformsTo"][0].as_str().unwrap().ends_with("/conf/core"));

    let (_, first) = get(&app, "/ogc/collections/areas/items?limit=50", "").await;
    assert_eq!((&first["numberMatched"], &first["numberReturned"]), (&json!(81), &json!(50)));
    let next = first["links"][1]["href"].as_str().unwrap();
    let (_, second) = get(&app, next.trim_start_matches(&app.config.public_url()), "").await;
    assert_eq!(
        (&second["numberReturned"], second["links"].as_array().unwrap().len()),
        (&json!(31), 2),
        "itself, and the page before"
    );

    let (_, none) = get(&app, "/ogc/collections/areas/items?bbox=-50,-10,-49,-9", "").await;
    assert_eq!(none["numberMatched"], 0);
    let (status, area) = get(&app, "/ogc/collections/areas/items/jf-centro", "").await;
    assert_eq!((status, &area["properties"]["name"]), (StatusCode::OK, &json!("Centro")));
    assert_eq!(area["geometry"]["type"], "MultiPolygon");
    for wrong in ["bbox=1,2,3", "limit=0", "color=red", "f=xml"] {
        let (status, _) = get(&app, &format!("/ogc/collections/areas/items?{wrong}"), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(get(&app, "/ogc/collections/rivers", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_api_document_lists_the_catalogue() {
    let db = support::db().await;
    let app = support::app(&db);
    let (_, document) = get(&app, "/api/openapi.json", "").await;
    for path in ["/api/v1/areas", "/api/v1/stations", "/api/v1/residents", "/api/v1/devices"] {
        assert!(document["paths"][path]["post"].is_object(), "{path}");
    }
}

#[tokio::test]
async fn the_command_line_imports_and_fails_with_the_list_of_errors() {
    let db = support::db().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/simulations/data");
    let run = async |arguments: &[&str]| {
        let mut command = support::sentinela();
        command.env("SENTINELA__DATABASE__URL", &db.url).arg("import").args(arguments);
        let output = support::soon("an import", command.output()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let stations = format!("{folder}/petropolis_2022-02-15.stations.csv");
    let (code, out, _) = run(&["stations", &stations, "--dry-run"]).await;
    assert!(code == Some(0) && out.contains("8 created") && out.contains("nothing was stored"), "{out}");
    let (_, out, _) = run(&["stations", &stations]).await;
    assert!(out.contains("8 created, 0 updated, 0 unchanged"), "{out}");
    let series = format!("{folder}/petropolis_2022-02-15.csv");
    let (code, out, err) = run(&["readings", &series]).await;
    assert!(code == Some(0) && out.contains("210 appended, 0 known already"), "{out}{err}");
    let (_, out, _) = run(&["readings", &series]).await;
    assert!(out.contains("0 appended, 210 known already"), "{out}");
    let (code, _, err) = run(&["areas", &stations]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("line 2: geometry: is missing") && err.contains("nothing was stored"), "{err}");
    let (code, _, err) = run(&["areas", "/nowhere.geojson"]).await;
    assert!(code == Some(1) && err.contains("/nowhere.geojson"), "{err}");
}
