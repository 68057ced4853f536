//! The service on a database whose rows are of every age: its commands, its pages and its workers read them all.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use sentinela::accounts::{Role, Roles, store};
use sentinela::app::App;
use sentinela::web::gate::RULES;
use serde_json::Value;
use sqlx::PgPool;
use tokio::process::Command;
use tower::ServiceExt as _;

use crate::support::{self, Folder, Process, TestDb, free_port};

/// No password fits it; nobody here signs in with one.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

/// So many values of one place in a path, and so many paths of one route.
const MOST_VALUES: usize = 8;
const MOST_PATHS: usize = 32;

/// Pages that open what lies sealed. The keys of these rows are nobody's.
const SEALED: [&str; 3] =
    ["/console/interdictions/{id}/term", "/console/interdictions/{id}/term.pdf", "/console/residents/{id}"];

/// What stands in a path behind this word.
const PLACES: &[(&str, &str)] = &[
    ("agreements", "select id::text from instrument where module = 'agreements'"),
    ("alerts", "select id::text from alert order by number nulls last"),
    ("area-imports", "select id::text from area_import"),
    ("area-versions", "select code from risk_area order by 1"),
    ("areas", "select code from risk_area order by 1"),
    ("bills", "select id::text from budget_bill"),
    ("cadastro", "select id::text from registry_entry order by name"),
    ("callouts", "select id::text from volunteer_callout"),
    ("captacao", "select id::text from instrument where module = 'funding'"),
    ("cases", "select id::text from case_file order by opened_at"),
    ("casos", "select id::text from case_file order by opened_at"),
    ("clippings", "select day::text from media_clipping"),
    ("comites", "select slug from body order by 1"),
    ("committees", "select slug from body order by 1"),
    ("damage", "select id::text from disaster order by version"),
    ("deadlines", "select id::text from deadline order by 1"),
    ("declarations", "select id::text from damage_declaration order by 1"),
    ("deliveries", "select id::text from aid_delivery order by at"),
    ("deployments", "select id::text from deployment"),
    ("devices", "select code from device order by 1"),
    ("diarios", "select day::text from media_clipping"),
    ("endpoints", "select id::text from endpoint order by name"),
    ("exercises", "select id::text from exercise order by code"),
    ("hazards", "select distinct cobrade from area_hazard order by 1"),
    ("households", "select id::text from household order by code"),
    ("incidents", "select id::text from incident order by number"),
    ("inspections", "select id::text from inspection order by number"),
    ("institutions", "select id::text from institution"),
    ("interdictions", "select id::text from interdiction"),
    ("itens", "select id::text from media_item order by guid"),
    ("maintenance", "select id::text from maintenance_task order by id"),
    ("meetings", "select format('%s-%s', year, number) from body_meeting order by 1"),
    ("morning", "select day::text from morning_report"),
    ("nupdec", "select id::text from nupdec"),
    ("occurrences", "select id::text from occurrence order by number"),
    ("orcamento", "select id::text from budget_bill"),
    ("painel", "select unnest(array['acesso-a-informacao', 'ouvidoria', 'transparencia', 'etica'])"),
    ("parcerias", "select id::text from instrument where module = 'agreements'"),
    ("photographs", "select id::text from attachment where removed_at is null order by seq"),
    ("plans", "select code from contingency_plan"),
    ("projetos", "select id::text from instrument where module = 'strategic_projects'"),
    ("publicacoes", "select id::text from case_publication"),
    ("publications", "select id::text from case_publication"),
    ("registry", "select id::text from registry_entry order by name"),
    ("relatorios", "select year::text from evaluation_report"),
    ("reports", "select id::text from report order by protocol"),
    ("requests", "select id::text from resource_request order by number"),
    ("residents", "select id::text from resident order by name"),
    ("resource-requests", "select id::text from resource_request order by number"),
    ("resources", "select id::text from resource order by code"),
    ("reunioes", "select format('%s-%s', year, number) from body_meeting order by 1"),
    ("rodadas", "select id::text from evaluation_round"),
    ("rotas", "select id::text from rota"),
    ("rules", "select id from rule"),
    ("secretariat", "select unnest(array['sic', 'ombudsman', 'transparency', 'ethics'])"),
    ("secretaria", "select unnest(array['transparencia', 'imprensa'])"),
    ("shelters", "select id::text from shelter order by code"),
    ("shift-notes", "select id::text from shift_note order by number"),
    ("simulados", "select code from exercise order by 1"),
    ("situation", "select id::text from situation_report order by made_at"),
    ("situation-reports", "select id::text from situation_report order by made_at"),
    ("staff", "select id::text from staff order by username"),
    ("stations", "select code from station order by 1"),
    ("strategic-projects", "select id::text from instrument where module = 'strategic_projects'"),
    ("supplies", "select id::text from stock_place order by name"),
    ("teams", "select id::text from resource order by code"),
    ("volunteers", "select id::text from volunteer"),
    ("warning-imports", "select id::text from warning_import"),
    ("warnings", "select id::text from outside_warning order by id"),
];

/// The values there are for each word.
async fn values(pool: &PgPool) -> BTreeMap<&'static str, Vec<String>> {
    let mut values = BTreeMap::new();
    for (word, sql) in PLACES {
        let found: Vec<String> = sqlx::query_scalar(*sql).fetch_all(pool).await.unwrap();
        values.insert(*word, found.into_iter().take(MOST_VALUES).collect());
    }
    values
}

/// A route with what there is in each of its places; where nothing is known of a place, with an id that nobody has.
fn paths(route: &str, values: &BTreeMap<&'static str, Vec<String>>) -> Vec<String> {
    let nobody = vec![uuid::Uuid::nil().to_string()];
    let mut paths = vec![String::new()];
    let mut before = "";
    for part in route.split('/').skip(1) {
        let here = vec![part.to_owned()];
        let known = values.get(before).filter(|known| !known.is_empty()).unwrap_or(&nobody);
        let next = if part.starts_with('{') { known } else { &here };
        paths = paths.iter().flat_map(|path| next.iter().map(move |value| format!("{path}/{value}"))).collect();
        paths.truncate(MOST_PATHS);
        before = part;
    }
    paths
}

/// Somebody who may do everything there is; their cookie.
async fn chief(app: &App) -> String {
    let mut conn = app.db.web.acquire().await.unwrap();
    let (now, roles) = (app.clock.now(), Roles::new(Role::ALL.iter().copied()));
    let id = store::upsert_member(&mut conn, &app.ids, now, "chefe", "Chefe", &roles, NO_HASH).await.unwrap();
    drop(conn);
    support::session_of(app, id).await.0
}

/// Status and, of what failed, the words.
async fn ask(router: &Router, cookie: &str, path: &str) -> (StatusCode, String) {
    let accept = if path.starts_with("/api/") { "application/json" } else { "text/html" };
    let request = Request::get(path).header("cookie", cookie).header("accept", accept).body(Body::empty()).unwrap();
    let response = support::soon(path, router.clone().oneshot(request)).await.unwrap();
    let (parts, body) = response.into_parts();
    // A stream of events has no end.
    if parts.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return (parts.status, String::new());
    }
    match support::soon(path, to_bytes(body, 64 << 20)).await {
        Ok(body) => (parts.status, String::from_utf8_lossy(&body).chars().take(300).collect()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the answer breaks off: {error}")),
    }
}

/// Every page and every list of the table of routes, with what there is in its places. Gives those that fail, and how many answered well.
async fn read_everything(db: &TestDb) -> (Vec<String>, usize) {
    let unlimited = [
        ("SENTINELA__HTTP__LIMITS__ADDRESS_PER_MINUTE", "0"),
        ("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "0"),
        ("SENTINELA__HTTP__LIMITS__ACCOUNT_BURST", "0"),
        ("SENTINELA__HTTP__LIMITS__PUBLIC_SEARCHES_PER_MINUTE", "0"),
    ];
    let app = support::app_with(db, &unlimited);
    let router = sentinela::web::router::router(app.clone());
    let (cookie, values) = (chief(&app).await, values(&app.db.web).await);
    let (mut failed, mut good) = (Vec::new(), 0);
    for rule in RULES.iter().filter(|rule| rule.method == "GET" && !SEALED.contains(&rule.path)) {
        for path in paths(rule.path, &values) {
            let (status, words) = ask(&router, &cookie, &path).await;
            if status == StatusCode::INTERNAL_SERVER_ERROR {
                failed.push(format!("{path}: {words}"));
            }
            good += usize::from(status.is_success());
        }
    }
    (failed, good)
}

/// `sentinela` on this database, with a folder and a door of its own.
fn program(db: &TestDb, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = support::sentinela();
    command
        .args(arguments)
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__DATA_DIR", folder.join("data"))
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", free_port()))
        .env("SENTINELA__MQTT__LISTEN", "");
    command
}

/// The audit is whole, and so is every chain of the secretariat that there is.
async fn verify(db: &TestDb, folder: &Path) {
    let output = support::soon("the audit", program(db, folder, &["audit", "verify"]).output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("the chain is whole"), "{said}");
    let sql =
        "select (select count(*) from case_file) + (select count(*) from instrument) + (select count(*) from body)
        + (select count(*) from budget_bill)";
    let subjects: i64 = sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap();
    assert!(said.contains(&format!("{subjects} cases, instruments, bodies and budgets")), "{subjects}: {said}");
}

async fn examine(db: &TestDb, folder: &Path) {
    let output = support::soon("the doctor", program(db, folder, &["doctor", "--json"]).output()).await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap();
    let fine = [
        "database-fine",
        "postgis-fine",
        "schema-current",
        "role-fine",
        "cursor-fine",
        "outbox-fine",
        "timers-fine",
        "areas-fine",
    ];
    for word in fine {
        let found = findings.iter().find(|finding| finding["finding"] == word);
        assert!(found.is_some_and(|finding| finding["verdict"] == "ok"), "no {word} among {findings:#?}");
    }
    // What cannot be read of the database is told as one that does not answer.
    let is_wrong = |finding: &&Value| {
        let word = finding["finding"].as_str().unwrap_or_default();
        word.starts_with("database-") && word != "database-fine"
    };
    assert_eq!(findings.iter().find(is_wrong), None);
}

/// Starts the whole service, waits until the rules have read everything, and ends it.
async fn serve(db: &TestDb, folder: &Path) {
    let mut service = Process::start(program(db, folder, &["serve"]));
    service.line_with("ready:").await;
    support::eventually("the evaluation at the end of the journal", || async {
        let sql =
            "select coalesce(bool_or(beaten_at > clock_timestamp() - interval '1 hour'), false) from evaluator_beat";
        let beats: bool = sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap();
        beats.then_some(())
    })
    .await;
    service.signal("TERM").await;
    let (status, said) = service.end().await;
    assert!(status.success(), "{said}");
}

#[tokio::test]
async fn the_service_reads_rows_of_every_age() {
    let (db, _) = super::walk().await;
    let folder = Folder::new();
    verify(&db, folder.path()).await;
    examine(&db, folder.path()).await;
    let (failed, good) = read_everything(&db).await;
    assert!(failed.is_empty(), "{} pages cannot be made of the rows:\n{}", failed.len(), failed.join("\n"));
    assert!(good > 300, "{good} pages and lists only");
    serve(&db, folder.path()).await;
    verify(&db, folder.path()).await;
}
