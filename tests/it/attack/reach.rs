//! Reaching for what belongs to somebody else: ids of others, guessed ids, and paths that climb out of their folder.

use axum::http::StatusCode;
use sentinela::accounts::Role;
use sentinela::web::gate::RULES;
use serde_json::json;
use uuid::Uuid;

use super::{Person, Place, filled, media_type};

#[tokio::test]
async fn a_token_of_somebody_else_is_neither_seen_nor_rotated_nor_revoked() {
    let place = Place::open().await;
    let (ana, bia) = (place.person("ana", &[Role::Operator]).await, place.person("bia", &[Role::Operator]).await);
    let new = json!({"name": "painel", "scope": ["see_console"], "days": 1});
    let made = place.json(&ana, "POST", "/api/v1/tokens", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let (id, secret) =
        (made.json()["id"].as_str().unwrap().to_owned(), made.json()["token"].as_str().unwrap().to_owned());

    let seen = place.send("GET", "/api/v1/tokens", &[("cookie", &bia.cookie)], "").await;
    assert!(!seen.text.contains(&id), "{}", seen.text);
    let everyone = place.send("GET", "/api/v1/tokens?everyone=true", &[("cookie", &bia.cookie)], "").await;
    assert_eq!(everyone.status, StatusCode::FORBIDDEN);
    for (method, path) in [("POST", format!("/api/v1/tokens/{id}/rotate")), ("DELETE", format!("/api/v1/tokens/{id}"))]
    {
        let theirs = place.json(&bia, method, &path, json!({})).await;
        let guessed = place.json(&bia, method, &path.replace(&id, &Uuid::nil().to_string()), json!({})).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{method} {path}: {}", theirs.text);
        assert_eq!(guessed.status, theirs.status, "whether there is one is not told");
    }
    for path in [format!("/console/tokens/{id}/rotate"), format!("/console/tokens/{id}/revoke")] {
        let answer = place.form(&bia, &path, &[("grace_h", "0")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let bearer = format!("Bearer {secret}");
    let alive = place.send("GET", "/api/v1/alerts", &[("authorization", &bearer)], "").await;
    assert_eq!(alive.status, StatusCode::OK);
    // Nor does a token make a stronger one: not for itself, and not by naming what its scope leaves out.
    let stronger = json!({"name": "mais", "scope": ["see_console", "edit_residents"], "days": 1}).to_string();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = place.send("POST", "/api/v1/tokens", &headers, stronger).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
}

/// What is held of residents in tests/data/story, and must reach nobody who may only look.
const PRIVATE: [&str; 6] = ["999990001", "99999-0002", "999990002", "ana@exemplo", "Ana (dentro)", "Beto (dentro)"];

#[tokio::test]
async fn whoever_may_only_look_reads_no_residents_name_number_or_address_anywhere() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let (alert, incident) = place.town(&chief).await;
    let held = place.send("GET", "/api/v1/residents", &[("cookie", &chief.cookie)], "").await;
    assert!(
        PRIVATE.iter().any(|private| held.text.contains(private)),
        "the test looks for the right words: {}",
        held.text
    );
    for role in [Role::Viewer, Role::FieldAgent, Role::Auditor, Role::Administrator] {
        let person = place.person(role.as_str(), &[role]).await;
        let token = place.token(role.as_str()).await;
        for rule in RULES.iter().filter(|rule| rule.method == "GET" && rule.path != "/api/v1/events") {
            for id in [alert.as_str(), &incident, "morro-alto", "1", "G1", "areas"] {
                let path = filled(rule.path, id);
                let by_session = place.get(&person, &path).await;
                let by_token = place.send("GET", &path, &[("authorization", &token)], "").await;
                for answer in [by_session, by_token] {
                    let found = PRIVATE.iter().find(|private| answer.text.contains(*private));
                    assert_eq!(found, None, "{role} reads {path}: {}", answer.status);
                }
                if !rule.path.contains('{') {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_id_of_one_kind_opens_nothing_of_another() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let (alert, incident) = place.town(&chief).await;
    for (path, id) in [
        ("/api/v1/alerts/{id}", &incident),
        ("/api/v1/alerts/{id}/delivery", &incident),
        ("/api/v1/alerts/{id}/reach", &incident),
        ("/api/v1/incidents/{id}", &alert),
        ("/console/alerts/{id}", &incident),
        ("/console/incidents/{id}", &alert),
        ("/console/tokens/{id}/revoke", &alert),
    ] {
        let answer = place.get(&chief, &filled(path, id)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let note = json!({"text": "aqui não"});
    let answer = place.json(&chief, "POST", &format!("/api/v1/incidents/{alert}/entries"), note).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    // A draft is nobody's but the console's: outside it is not found by its id.
    let draft = place.draft(&chief).await;
    for path in [format!("/alerts/{draft}"), format!("/alerts/{draft}.xml")] {
        let answer = place.send("GET", &path, &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

const CLIMBING: [&str; 22] = [
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252fetc%252fpasswd",
    "..%5c..%5c..%5cetc%5cpasswd",
    "%c0%ae%c0%ae%c0%afetc%c0%afpasswd",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "..",
    "%2e%2e",
    ".",
    "%00",
    "G1%00.css",
    "%ff%fe",
    "%0d%0aSet-Cookie:%20sentinela_session=planted",
    "%27%20or%20%271%27=%271",
    "%25s%25n%25x",
    "-1",
    "9223372036854775808",
    "1e9999",
    "%F0%9F%92%A5%E2%80%AE",
    "%7Bid%7D",
    "*",
];

#[tokio::test]
async fn no_value_in_a_path_climbs_out_fails_the_service_or_plants_a_header() {
    let place = Place::open().await;
    let mut chief = place.chief().await;
    place.town(&chief).await;
    let long = "a".repeat(15_000);
    let values = CLIMBING.into_iter().chain([long.as_str()]);
    for value in values {
        for rule in RULES.iter().filter(|rule| rule.path.contains('{')) {
            let path = filled(rule.path, value);
            let answer = place.api(&chief, rule.method, &path, media_type(rule), "").await;
            let what = format!("{} {}", rule.method, &path[..path.len().min(150)]);
            assert!(answer.status.is_client_error(), "{what}: {}", answer.status);
            assert!(!answer.text.contains("root:x:"), "{what}");
            assert!(answer.text.len() < 20_000, "{what}: an echo of {} bytes", answer.text.len());
            assert_ne!(answer.header("set-cookie"), "sentinela_session=planted", "{what}");
            refresh(&place, &mut chief, rule.method).await;
        }
    }
}

/// Whatever ends sessions may have ended this one.
async fn refresh(place: &Place, chief: &mut Person, method: &str) {
    if method != "GET" {
        (chief.cookie, chief.csrf) = crate::support::session_of(&place.app, chief.id).await;
    }
}

#[tokio::test]
async fn static_files_are_those_of_the_bundle_and_no_others() {
    let place = Place::open().await;
    let from_the_bundle = "../package.json";
    for path in [
        from_the_bundle,
        "..%2fpackage.json",
        "%2e%2e/package.json",
        "h/../../package.json",
        "h%2f..%2f..%2fpackage.json",
        "./../package.json",
        "..%2f..%2f..%2f..%2fCargo.toml",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "/etc/passwd",
        "app.css%00",
        "app.css/",
        "app.css%2f..%2f..%2fpackage.json",
        "\\..\\package.json",
        "",
        ".",
        ".built",
    ] {
        let answer = place.send("GET", &format!("/assets/{}", path.replace('\\', "%5c")), &[], "").await;
        let hidden = answer.status == StatusCode::NOT_FOUND || answer.status == StatusCode::BAD_REQUEST;
        assert!(hidden && !answer.text.contains("esbuild"), "/assets/{path}: {}", answer.status);
    }
}
