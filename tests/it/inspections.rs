//! Inspections and interdictions as telephones send them: once and whole, whatever becomes of the answers, and by nobody else's key.

use axum::http::{Method, Request, StatusCode, header};
use sentinela::ids::Ids;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::approval::Person;
use crate::relief::{House, INCIDENT};
use crate::support;

mod corrections;

const SIGNED: &str = "10,10 20,30 40,10 60,40 80,10 100,50 120,10 140,60";

fn key(n: u128) -> Uuid {
    Uuid::from_u128(0x5e00_0000_0000_4000_8000_0000_0000_0000 + n)
}

fn term(n: u128) -> Value {
    json!({"key": key(n), "scope": "total", "reason": "Risco de queda do muro", "signer_name": "Maria Aparecida Lima",
        "signer_role": "owner", "signature": SIGNED, "registry": "CREA-MG 12345/D"})
}

fn inspection(n: u128) -> Value {
    json!({"key": key(n), "observed_at": "2026-02-22T11:00:00Z", "street": "Rua das Flores, 20", "house_number": "20",
        "neighbourhood": "Linhares", "incident": INCIDENT, "building": "housing", "ownership": "private", "units": 2,
        "damage": "damaged", "people": {"residents": 4, "homeless": 0}, "risk": "R4", "form": "2026-1",
        "answers": {"structure": "failing", "slope": "steep"}, "place": {"lat": -21.75, "lon": -43.35, "accuracy_m": 8.0}})
}

impl House {
    async fn take(&self, who: &Person, what: &Value) -> (StatusCode, Value) {
        self.api(who, Method::POST, "/api/v1/inspections", what).await
    }

    async fn look(&self, who: &Person, path: &str) -> Value {
        let (status, said) = self.api(who, Method::GET, path, &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {said}");
        said
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.room.db.pool).await.unwrap()
    }

    async fn send_photograph(&self, who: &Person, inspection: &str, key: Uuid, sha256: &str) -> (StatusCode, Value) {
        let mut jpeg = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(40, 30, image::Rgb([90, 20, 20]))
            .write_to(&mut jpeg, image::ImageFormat::Jpeg)
            .unwrap();
        let mut body = Vec::new();
        for (name, value) in [("key", key.to_string()), ("sha256", sha256.to_owned())] {
            body.extend(format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        body.extend(b"--x\r\ncontent-disposition: form-data; name=\"photographs\"; filename=\"a.jpg\"\r\n\r\n");
        body.extend(jpeg.into_inner());
        body.extend(b"\r\n--x--\r\n");
        let request = Request::post(format!("/api/v1/inspections/{inspection}/photographs"))
            .header(header::AUTHORIZATION, &who.token)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
        let (status, text) = self.room.send(request.body(body.into()).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn what_is_sent_again_is_answered_as_the_first_time_and_is_there_once() {
    let house = House::open().await;
    let mut what = inspection(1);
    what["interdiction"] = term(2);
    what["photographs"] =
        json!([{"key": key(3), "caption": "Muro", "taken_at": "2026-02-22T11:01:00Z", "bearing_deg": 270}]);
    let (status, first) = house.take(&house.fabio, &what).await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    assert_eq!((&first["number"], &first["interdiction"]["number"]), (&json!("2026/001"), &json!("2026/001")));
    // The answer was lost; the telephone's clock says something else by now.
    what["sent_at"] = json!("2026-02-22T12:30:00Z");
    for _ in 0..3 {
        assert_eq!(house.take(&house.fabio, &what).await, (StatusCode::OK, first.clone()));
    }
    assert_eq!((house.count("inspection").await, house.count("interdiction").await), (1, 1));
    assert_eq!(house.count("incident_entry where kind = 'inspection'").await, 2, "one line each");
    assert_eq!(house.count("audit_event where act in ('inspection.take', 'interdiction.make')").await, 2);
    // The picture comes after, also twice.
    let id = first["id"].as_str().unwrap();
    let (sum, other) = ("a".repeat(64), "b".repeat(64));
    let awaited = house.look(&house.olga, &format!("/api/v1/inspections/{id}")).await;
    assert_eq!(awaited["photographs"][0]["arrived"], json!(false));
    let (status, kept) = house.send_photograph(&house.fabio, id, key(3), &sum).await;
    assert_eq!(status, StatusCode::CREATED, "{kept}");
    assert_eq!(house.send_photograph(&house.fabio, id, key(3), &sum).await, (StatusCode::OK, kept));
    let (status, differs) = house.send_photograph(&house.fabio, id, key(3), &other).await;
    assert_eq!((status, &differs["errors"][0]["field"]), (StatusCode::CONFLICT, &json!("sha256")));
    assert_eq!(house.send_photograph(&house.fabio, id, key(9), &sum).await.0, StatusCode::NOT_FOUND, "not announced");
    assert_eq!(house.count("attachment").await, 1);
    let shown = house.look(&house.olga, &format!("/api/v1/inspections/{id}")).await;
    assert_eq!(shown["photographs"][0]["arrived"], json!(true));
    assert_eq!(
        (&shown["suggested_risk"], &shown["homeless"], &shown["displaced"]),
        (&json!("R4"), &json!(0), &Value::Null)
    );
}

#[tokio::test]
async fn the_same_key_with_other_content_is_refused_with_what_differs_and_changes_nothing() {
    let house = House::open().await;
    let what = inspection(1);
    let (_, first) = house.take(&house.fabio, &what).await;
    let mut other = what.clone();
    other["risk"] = json!("R2");
    other["opinion"] = json!("Escorado");
    let (status, said) = house.take(&house.fabio, &other).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    let fields: Vec<&str> =
        said["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["opinion", "risk"]);
    // Nobody else learns anything under that key.
    let (status, said) = house.take(&house.olga, &what).await;
    assert_eq!((status, &said["errors"][0]["field"]), (StatusCode::CONFLICT, &json!("key")));
    assert_eq!(house.count("inspection").await, 1);
    // The telephone finds by its key what is there, and sends its own as a correction.
    let found = house.look(&house.fabio, &format!("/api/v1/inspections?all=true&key={}", key(1))).await;
    assert_eq!(found[0]["id"], first["id"]);
    other["key"] = json!(key(2));
    other["supersedes"] = first["id"].clone();
    other["correction_reason"] = json!("Grau conferido no local");
    let (status, corrected) = house.take(&house.fabio, &other).await;
    assert_eq!((status, &corrected["number"]), (StatusCode::CREATED, &json!("2026/002")), "{corrected}");
    let standing = house.look(&house.fabio, "/api/v1/inspections").await;
    assert_eq!((standing.as_array().unwrap().len(), &standing[0]["risk"]), (1, &json!("R2")));
    assert_eq!(house.texts("select number from inspection_standing").await, ["2026/002"]);
    other["key"] = json!(key(3));
    let (status, said) = house.take(&house.fabio, &other).await;
    assert_eq!(status, StatusCode::CONFLICT, "corrected once, by the next: {said}");
}

#[tokio::test]
async fn every_wrong_field_is_named_and_a_refused_key_may_be_sent_again() {
    let house = House::open().await;
    let mut what = inspection(1);
    what["street"] = json!("");
    what["incident"] = json!(key(77));
    what["answers"]["structure"] = json!("good?");
    let (status, said) = house.take(&house.fabio, &what).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let fields: Vec<&str> =
        said["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["street", "answers.structure"]);
    assert_eq!(house.take(&house.fabio, &inspection(1)).await.0, StatusCode::CREATED);
    assert_eq!(house.texts("select number from inspection").await, ["2026/001"], "what was refused took no number");
    let (status, _) = house.take(&house.fabio, &json!({"key": key(5), "street": 3})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    // Whoever only looks on may not.
    let viewer = house.room.person("vera", sentinela::accounts::Role::Viewer).await;
    assert_eq!(house.take(&viewer, &inspection(8)).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_term_is_sealed_its_reading_is_written_down_and_the_public_sees_no_name_and_no_number() {
    let house = House::open().await;
    let mut what = inspection(1);
    what["interdiction"] = term(2);
    let (_, taken) = house.take(&house.fabio, &what).await;
    let id = taken["interdiction"]["id"].as_str().unwrap().to_owned();
    let said = house
        .texts("select (to_jsonb(n) || to_jsonb(i) || to_jsonb(f))::text from interdiction n, inspection i, field_sent f where f.kind = 'inspection'")
        .await
        .remove(0);
    for secret in ["Maria", "Lima", "10,10 20,30"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    let notice = house.room.page(&house.fabio, "/interdicoes").await;
    let open = house.json("/api/v1/public/interdictions").await;
    assert_eq!(open["active"][0]["street"], json!("Rua das Flores"));
    assert!(
        notice.contains("Rua das Flores, Linhares") && !notice.contains("Flores, 20") && !notice.contains("Maria"),
        "{notice}"
    );
    let term = house.room.page(&house.fabio, &format!("/console/interdictions/{id}/term")).await;
    assert!(term.contains("Maria Aparecida Lima") && term.contains("M10 10L20 30"), "{term}");
    assert_eq!(house.texts("select actor from audit_event where act = 'interdiction.read_term'").await, ["fabio"]);
    // It is released after a question, by whoever says why; then the notice is gone.
    let path = format!("/console/interdictions/{id}/release");
    house.refused(&house.fabio, &path, &[("reason", "Muro refeito")], "confirm").await;
    house.refused(&house.fabio, &path, &[("reason", "x"), ("sure", "yes")], "3").await;
    let new_key = key(50).to_string();
    let form = [("key", &*new_key), ("reason", "Muro refeito"), ("sure", "yes")];
    house.done(&house.fabio, &path, &form).await;
    house.done(&house.fabio, &path, &form).await;
    let again = json!({"key": key(51), "reason": "Muro refeito"});
    let release = format!("/api/v1/interdictions/{id}/release");
    assert_eq!(house.api(&house.fabio, Method::POST, &release, &again).await.0, StatusCode::CONFLICT);
    assert_eq!(house.json("/api/v1/public/interdictions").await["active"], json!([]));
    let lines = house.texts("select text from incident_entry where kind = 'inspection' order by id").await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("Maria")), "{lines:?}");
    for change in [
        "update interdiction set reason = 'outro'",
        "update interdiction set state = 'active'",
        "delete from interdiction",
        "update inspection set risk = 'R1'",
        "delete from inspection_photograph",
    ] {
        assert!(sqlx::query(sqlx::AssertSqlSafe(change)).execute(&house.room.db.pool).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn whoever_refuses_to_sign_is_written_down_with_a_witness_and_a_partial_one_names_its_part() {
    let house = House::open().await;
    let (_, taken) = house.take(&house.fabio, &inspection(1)).await;
    let mut wanted = term(2);
    wanted["signature"] = json!("");
    wanted["scope"] = json!("partial");
    let later = |term: &Value| json!({"inspection": taken["id"], "at": "2026-02-22T11:30:00Z", "interdiction": term});
    let (status, said) = house.api(&house.fabio, Method::POST, "/api/v1/interdictions", &later(&wanted)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let fields: Vec<&str> =
        said["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["interdiction.part", "interdiction.witness"]);
    wanted["part"] = json!("Quarto dos fundos");
    wanted["witness"] = json!("José Souza");
    let (status, first) = house.api(&house.fabio, Method::POST, "/api/v1/interdictions", &later(&wanted)).await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    assert_eq!(
        house.api(&house.fabio, Method::POST, "/api/v1/interdictions", &later(&wanted)).await,
        (StatusCode::OK, first)
    );
    let all = house.look(&house.olga, "/api/v1/interdictions?state=active").await;
    assert_eq!((&all[0]["proof"], &all[0]["scope"]), (&json!("refused"), &json!("partial")));
}

#[tokio::test]
async fn the_list_filters_by_links_and_its_file_has_what_it_shows() {
    let house = House::open().await;
    house.take(&house.fabio, &inspection(1)).await;
    let clock = &house.room.app.clock;
    clock.set(clock.now() + chrono::TimeDelta::seconds(1));
    let mut calm = inspection(2);
    calm["street"] = json!("=Rua B");
    calm["damage"] = json!("none");
    calm["risk"] = json!("R1");
    calm["answers"] = json!({});
    calm["inspect_again_by"] = json!("2026-02-23");
    house.take(&house.olga, &calm).await;
    let page = house.room.page(&house.olga, "/console/inspections").await;
    assert!(page.contains("2026/001") && page.contains("2026/002"), "{page}");
    let page = house.room.page(&house.olga, "/console/inspections?risk=R4").await;
    assert!(page.contains("2026/001") && !page.contains("2026/002"), "{page}");
    let page = house.room.page(&house.olga, "/console/inspections?mine=yes").await;
    // The first interdiction bears the same number, in a mark of its own.
    assert!(!page.contains("num\">2026/001") && page.contains("num\">2026/002"), "{page}");
    let request = Request::get("/console/inspections.csv?damage=none").header("cookie", &house.olga.cookie);
    let (status, csv) = house.room.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((status, csv.lines().count()), (StatusCode::OK, 2), "{csv}");
    assert!(csv.contains("'=Rua B"), "{csv}");
    let one = house.look(&house.olga, "/api/v1/inspections").await[1]["id"].as_str().unwrap().to_owned();
    let page = house.room.page(&house.olga, &format!("/console/inspections/{one}")).await;
    assert!(page.contains("Rua das Flores") && page.contains("R4"), "{page}");
}

#[tokio::test]
async fn acts_of_the_field_are_done_once_and_only_in_what_is_theirs() {
    let house = House::open().await;
    let occurrence = Uuid::from_u128(0x0c);
    sqlx::query(
        "insert into occurrence (id, number, kind, state, opened_at, first_at, last_at, trust, pressing, assignee,
             decided_at, decided_by)
         values ($1, '2026/001', 'landslide', 'dispatched', '2026-02-22T11:00:00Z', '2026-02-22T11:00:00Z', '2026-02-22T11:00:00Z', 1, 1, 'fabio',
             '2026-02-22T11:00:00Z', 'olga')",
    )
    .bind(occurrence)
    .execute(&house.room.db.pool)
    .await
    .unwrap();
    let today = house.look(&house.fabio, "/api/v1/field/today").await;
    assert_eq!((today["occurrences"].as_array().unwrap().len(), &today["form"]["version"]), (1, &json!("2026-1")));
    assert_eq!(today["account"]["username"], json!("fabio"));
    let other = house.room.person("gil", sentinela::accounts::Role::FieldAgent).await;
    assert_eq!(house.look(&other, "/api/v1/field/today").await["occurrences"], json!([]));
    let arrive = json!({"key": key(1), "act": "arrive", "id": occurrence});
    let theirs = json!({"key": key(2), "act": "arrive", "id": occurrence});
    assert_eq!(house.api(&other, Method::POST, "/api/v1/field/acts", &theirs).await.0, StatusCode::CONFLICT);
    for status in [StatusCode::CREATED, StatusCode::OK, StatusCode::OK] {
        let (found, said) = house.api(&house.fabio, Method::POST, "/api/v1/field/acts", &arrive).await;
        assert_eq!((found, &said["state"]), (status, &json!("on_scene")), "{said}");
    }
    let late = json!({"key": key(3), "act": "arrive", "id": occurrence});
    assert_eq!(house.api(&house.fabio, Method::POST, "/api/v1/field/acts", &late).await.0, StatusCode::CONFLICT);
    let resolve = json!({"key": key(4), "act": "resolve", "id": occurrence, "text": ""});
    let (status, said) = house.api(&house.fabio, Method::POST, "/api/v1/field/acts", &resolve).await;
    assert_eq!((status, &said["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("text")));
    assert_eq!(house.texts("select state from occurrence").await, ["on_scene"]);
    assert_eq!(house.count("occurrence_event where kind = 'on_scene'").await, 1);
}

/// Telephones repeat, in any order and at once: each key is one row, and numbers have no gap.
#[tokio::test]
async fn however_often_and_at_once_things_are_sent_each_is_there_once_and_numbers_have_no_gap() {
    for seed in [1_u64, 2, 3] {
        let house = std::sync::Arc::new(House::open().await);
        let hands = (0..4_u64).map(|hand| {
            let house = house.clone();
            tokio::spawn(async move {
                let ids = Ids::seeded(seed * 100 + hand);
                for _ in 0..12 {
                    let [n, wrong] = ids.bytes::<2>();
                    let mut what = inspection(u128::from(n % 6) + 1);
                    if wrong % 5 == 0 {
                        what["street"] = json!(" ");
                    }
                    let (status, said) = house.take(&house.fabio, &what).await;
                    let allowed = [
                        StatusCode::CREATED,
                        StatusCode::OK,
                        StatusCode::BAD_REQUEST,
                        StatusCode::CONFLICT,
                        StatusCode::SERVICE_UNAVAILABLE,
                    ];
                    assert!(allowed.contains(&status), "{status} {said}");
                }
            })
        });
        for hand in hands.collect::<Vec<_>>() {
            support::soon("a hand", hand).await.unwrap();
        }
        let numbers = house.texts("select number from inspection order by number").await;
        assert!(!numbers.is_empty() && numbers.len() <= 6, "{numbers:?}");
        let expected: Vec<String> = (1..=numbers.len()).map(|n| format!("2026/{n:03}")).collect();
        assert_eq!(numbers, expected, "seed {seed}");
        assert_eq!(house.count("field_sent").await, i64::try_from(numbers.len()).unwrap());
    }
}

#[tokio::test]
async fn the_app_s_page_names_nobody_and_its_worker_keeps_nothing_but_the_shell() {
    let house = House::open().await;
    let page = house.room.page(&house.fabio, "/campo").await;
    assert!(
        page.contains("id=\"inspection\"") && !page.contains("fabio") && !page.contains(&house.fabio.csrf),
        "{page}"
    );
    let same = house.room.page(&house.clara, "/campo").await;
    assert_eq!(page, same, "the same for everybody");
    let (status, script) =
        house.room.send(Request::get("/campo/worker.js").body(axum::body::Body::empty()).unwrap()).await;
    if status == StatusCode::NOT_FOUND {
        // Nothing to look at where the pages' scripts were not built; anywhere else that is a fault.
        let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/ui/dist/field-worker.js");
        assert!(!built.exists(), "the scripts are built, and the worker is not handed out: {script}");
        eprintln!("left out: the scripts of pages are not built (make ui)");
        return;
    }
    assert_eq!(status, StatusCode::OK, "{script}");
    assert!(script.starts_with("self.CAMPO={") && !script.contains("/api/"), "{}", &script[..script.len().min(200)]);
}
