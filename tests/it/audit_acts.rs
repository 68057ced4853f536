//! What the service does leaves its event in the audit; the page and the API find it, and the keeper notes and checks it.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::audit::keeper::Keeper;
use sentinela::audit::{anchors, check, store};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tower::ServiceExt as _;

use crate::support::{self, Folder, TestDb};

const AREAS: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.areas.geojson");

struct Desk {
    db: TestDb,
    app: App,
    folder: Folder,
}

impl Desk {
    async fn open() -> Self {
        let (db, folder) = (support::db().await, Folder::new());
        let app = support::app_with(&db, &[("SENTINELA__DATA_DIR", folder.path().to_str().unwrap())]);
        Self { db, app, folder }
    }

    async fn token(&self, role: Role) -> String {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let now = self.app.clock.now();
        accounts::upsert_member(&mut conn, &self.app.ids, now, role.as_str(), "Ana", &role.into(), "x").await.unwrap();
        let ends = now + chrono::TimeDelta::days(30);
        let made = accounts::add_token(&mut conn, &self.app.ids, now, role.as_str(), "test", ends).await;
        made.unwrap().unwrap()
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: &str) -> (StatusCode, String) {
        let media = if path.contains("areas") { "application/geo+json" } else { "application/json" };
        let request = Request::builder().method(method).uri(path).header("content-type", media);
        let request = request.header("authorization", format!("Bearer {token}")).header("accept-language", "pt-BR");
        let router = sentinela::web::router::router(self.app.clone());
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = support::soon("the answer", router.oneshot(request)).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let (status, text) = self.ask(Method::POST, path, token, &body.to_string()).await;
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn found(&self, token: &str, query: &str) -> Vec<Value> {
        let (status, text) = self.ask(Method::GET, &format!("/api/v1/audit?{query}"), token, "").await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let page: Value = serde_json::from_str(&text).unwrap();
        page["items"].as_array().unwrap().clone()
    }

    async fn is_whole(&self) -> bool {
        let mut conn = self.db.pool.acquire().await.unwrap();
        check::ask(&mut conn, &self.app.ids, self.app.clock.now(), "ana").await.unwrap();
        check::carry_out(&self.app).await.unwrap();
        let done = store::last_check(&mut conn).await.unwrap().unwrap();
        assert!(done.finished_at.is_some() && done.failure.is_empty(), "{done:?}");
        done.findings == 0
    }
}

#[tokio::test]
async fn the_life_of_an_alert_can_be_told_from_the_audit() {
    let desk = Desk::open().await;
    let approver = desk.token(Role::Coordinator).await;
    let (status, _) = desk.ask(Method::POST, "/api/v1/areas", &approver, AREAS).await;
    assert_eq!(status, StatusCode::OK);
    let draft = json!({ "cobrade": "1.1.3.2.1", "level": "alert", "areas": ["jf-centro"] });
    let id = desk.post("/api/v1/alerts", &approver, &draft).await["id"].as_str().unwrap().to_owned();
    let (_, alert) = desk.ask(Method::GET, &format!("/api/v1/alerts/{id}"), &approver, "").await;
    let alert: Value = serde_json::from_str(&alert).unwrap();
    let mut texts = json!({});
    for field in ["headline", "description", "instruction", "sms_text", "expires_at"] {
        texts[field] = alert[field].clone();
    }
    texts["headline"] = json!("Encosta cede no Centro");
    let edit = json!({ "revision": 1, "texts": texts }).to_string();
    let (status, said) = desk.ask(Method::PUT, &format!("/api/v1/alerts/{id}"), &approver, &edit).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let (issue, discard) = (format!("/api/v1/alerts/{id}/issue"), json!({ "revision": 1, "reason": "engano" }));
    desk.post(&issue, &approver, &json!({ "revision": 2 })).await;
    let other = desk.post(&format!("/api/v1/alerts/{id}/all-clear"), &approver, &json!({})).await;
    let other = other["id"].as_str().unwrap().to_owned();
    desk.post(&format!("/api/v1/alerts/{other}/discard"), &approver, &discard).await;
    let incident = desk.ask(Method::GET, "/api/v1/incidents", &approver, "").await.1;
    let incident = serde_json::from_str::<Value>(&incident).unwrap()[0]["id"].as_str().unwrap().to_owned();
    desk.post(&format!("/api/v1/incidents/{incident}/entries"), &approver, &json!({ "text": "equipe no local" })).await;
    desk.post(&format!("/api/v1/incidents/{incident}/close"), &approver, &json!({ "reason": "passou" })).await;

    let events = desk.found(&approver, &format!("object=alert+{id}")).await;
    let acts: Vec<&str> = events.iter().rev().map(|event| event["act"].as_str().unwrap()).collect();
    assert_eq!(acts.len(), 3, "{events:?}");
    let of = |act: &str| events.iter().find(|event| event["act"] == act).unwrap().clone();
    assert_eq!(of("alert.edit")["after"], json!({ "headline": "Encosta cede no Centro" }));
    assert_eq!(of("alert.edit")["before"].as_object().unwrap().len(), 1);
    assert_eq!(of("alert.draft")["after"]["areas"], json!(["jf-centro"]));
    let issued = of("alert.issue");
    assert_eq!((&issued["actor"], &issued["via"]), (&json!("coordinator"), &json!("api")));
    assert_eq!(issued["after"]["state"], "issued");
    let discarded = &desk.found(&approver, "act=alert.discard").await[0];
    assert_eq!((&discarded["object"], &discarded["reason"]), (&json!(other), &json!("engano")));
    assert_eq!(desk.found(&approver, "act=incident.close&text=PASSOU").await.len(), 1);
    assert_eq!(desk.found(&approver, "act=catalogue.import").await[0]["after"]["created"], 81);
    assert_eq!(desk.found(&approver, "act=incident.note").await.len(), 1);
    assert!(desk.is_whole().await);
}

#[tokio::test]
async fn whoever_reads_residents_or_messages_is_written_down() {
    let desk = Desk::open().await;
    let operator = desk.token(Role::Operator).await;
    let auditor = desk.token(Role::Auditor).await;
    assert_eq!(desk.ask(Method::GET, "/api/v1/residents?limit=7", &operator, "").await.0, StatusCode::OK);
    assert_eq!(desk.ask(Method::GET, "/console/outbox", &operator, "").await.0, StatusCode::OK);
    let read = &desk.found(&auditor, "act=residents.read").await[0];
    assert_eq!((&read["actor"], &read["after"]["limit"]), (&json!("operator"), &json!(7)));
    assert_eq!(desk.found(&auditor, "act=deliveries.read").await.len(), 1);
}

#[tokio::test]
async fn the_audit_is_paged_without_a_gap_and_refuses_what_it_cannot_read() {
    let desk = Desk::open().await;
    let auditor = desk.token(Role::Auditor).await;
    let operator = desk.token(Role::Operator).await;
    for _ in 0..7 {
        desk.ask(Method::GET, "/api/v1/residents", &operator, "").await;
    }
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let (_, text) = desk.ask(Method::GET, &format!("/api/v1/audit?limit=3{before}"), &auditor, "").await;
        let page: Value = serde_json::from_str(&text).unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=i64::try_from(seen.len()).unwrap()).collect::<Vec<_>>());
    for wrong in
        ["limit=0", "before=x", "act=nothing", "text=%00", "from=x", "colour=red", "from=-9999-01-01T00:00:00Z"]
    {
        let (status, text) = desk.ask(Method::GET, &format!("/api/v1/audit?{wrong}"), &auditor, "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}: {text}");
    }
    assert_eq!(desk.ask(Method::GET, "/api/v1/audit", &operator, "").await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_page_shows_the_acts_their_changes_and_the_last_check() {
    let desk = Desk::open().await;
    let auditor = desk.token(Role::Auditor).await;
    desk.ask(Method::GET, "/api/v1/residents", &desk.token(Role::Operator).await, "").await;
    let (status, page) = desk.ask(Method::GET, "/console/audit", &auditor, "").await;
    assert_eq!(status, StatusCode::OK);
    for part in
        ["Leu dados de moradores", "A cadeia ainda não foi conferida", "?actor=operator", "act=residents.read", "limit"]
    {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(desk.is_whole().await);
    let (_, page) = desk.ask(Method::GET, "/console/audit", &auditor, "").await;
    assert!(page.contains("Íntegra"), "{page}");
    let mut owner = desk.db.owner().await;
    sqlx::raw_sql(
        "set session_replication_role = replica; update audit_event set actor = 'x' where act = 'residents.read'",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    owner.close().await.unwrap();
    assert!(!desk.is_whole().await);
    let (_, page) = desk.ask(Method::GET, "/console/audit?act=residents.read", &auditor, "").await;
    assert!(page.contains("Alterada") && page.contains("não é o que foi escrito"), "{page}");
    let (_, page) = desk.ask(Method::GET, "/console/audit?actor=nobody", &auditor, "").await;
    assert!(page.contains("Nada encontrado"), "{page}");
    for wrong in ["from=x", "from=99999-01-01T00:00", "text=%00", "before=1"] {
        let (status, _) = desk.ask(Method::GET, &format!("/console/audit?{wrong}"), &auditor, "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn an_export_is_whole_and_is_itself_written_down() {
    let desk = Desk::open().await;
    let auditor = desk.token(Role::Auditor).await;
    desk.ask(Method::GET, "/api/v1/residents", &desk.token(Role::Operator).await, "").await;
    let (_, table) = desk.ask(Method::GET, "/console/audit/export?format=csv", &auditor, "").await;
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let acts: Vec<String> = rows.records().map(|row| row.unwrap()[8].to_owned()).collect();
    assert_eq!(acts.iter().filter(|act| *act == "residents.read").count(), 1, "{table}");
    let (_, json) = desk.ask(Method::GET, "/console/audit/export?format=json&act=audit.export", &auditor, "").await;
    let events: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(events.len(), 2, "both exports: {json}");
    assert_eq!(events[0]["after"], json!({ "act": "audit.export" }), "with what was searched for");
}

#[tokio::test]
async fn the_keeper_notes_each_new_head_once_where_only_the_service_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::open().await;
    let path = anchors::path(desk.folder.path());
    let mut keeper = Keeper::new(desk.app.clone());
    keeper.note().await;
    assert!(!path.exists(), "there is no head before the first event");
    desk.ask(Method::GET, "/api/v1/residents", &desk.token(Role::Operator).await, "").await;
    keeper.note().await;
    keeper.note().await;
    Keeper::new(desk.app.clone()).note().await;
    let noted = anchors::read(&path).unwrap();
    assert_eq!(noted.len(), 1);
    let head = store::head(&mut desk.db.pool.acquire().await.unwrap()).await.unwrap().unwrap();
    assert_eq!((noted[0].seq, &noted[0].hash[..]), (head.seq, &head.hash[..]));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(desk.is_whole().await);
    // Cut by a crash in the middle of a line: what is whole counts.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("2026-02-2");
    std::fs::write(&path, &text).unwrap();
    assert_eq!(anchors::read(&path).unwrap().len(), 1);
    std::fs::write(&path, "nonsense\n").unwrap();
    assert!(anchors::read(&path).unwrap_err().to_string().contains("line 1"));
}

#[tokio::test]
async fn the_command_names_the_damage_and_exits_with_1() {
    let desk = Desk::open().await;
    let auditor = desk.token(Role::Auditor).await;
    desk.ask(Method::GET, "/api/v1/residents", &desk.token(Role::Operator).await, "").await;
    let run = async |arguments: &[&str]| {
        let mut command = support::sentinela();
        command.args(arguments).env("SENTINELA__DATABASE__URL", &desk.db.url);
        command.env("SENTINELA__DATA_DIR", desk.folder.path());
        let output = support::soon("the command", command.output()).await.unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), text)
    };
    let (code, said) = run(&["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the chain is whole"), "{said}");
    let (code, head) = run(&["audit", "head"]).await;
    assert_eq!(code, Some(0), "{head}");
    let given = head.lines().find(|line| line.contains(':') && line.len() > 64).unwrap();
    assert_eq!(run(&["audit", "verify", "--head", given]).await.0, Some(0));
    assert_eq!(run(&["audit", "verify", "--head", "nonsense"]).await.0, Some(2));
    assert_eq!(run(&["audit", "export", "--from", "yesterday"]).await.0, Some(2));
    let (code, table) = run(&["audit", "export", "--act", "residents.read"]).await;
    assert!(code == Some(0) && table.contains("residents.read"), "{table}");
    let mut owner = desk.db.owner().await;
    sqlx::raw_sql(
        "set session_replication_role = replica; update audit_event set reason = 'x' where act = 'residents.read'",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    owner.close().await.unwrap();
    let (code, said) = run(&["audit", "verify"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("changed seq 1 at") && said.contains("residents.read"), "{said}");
    assert_eq!(desk.ask(Method::GET, "/console/audit", &auditor, "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_database_of_the_version_before_is_carried_over_with_its_people() {
    let db = support::db().await;
    let name = format!("{}_old", db.name);
    let mut owner = db.owner().await;
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&mut owner).await.unwrap();
    let options = db.options.clone().database(&name);
    let mut old = sqlx::ConnectOptions::connect(&options).await.unwrap();
    // As it was before roles were widened: the migrations up to then, and a person in each of two roles.
    let before = |version: i64| version < 20_261_123_000_000;
    for migration in sentinela::db::MIGRATOR.iter().filter(|migration| before(migration.version)) {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut old).await.unwrap();
    }
    for (id, role) in [(1, "administrator"), (2, "viewer")] {
        sqlx::query(
            "insert into staff (id, username, name, role, password_hash, created_at)
             values (gen_random_uuid(), 'user' || $1, 'x', $2, 'x', now())",
        )
        .bind(id.to_string())
        .bind(role)
        .execute(&mut old)
        .await
        .unwrap();
    }
    for migration in sentinela::db::MIGRATOR.iter().filter(|migration| !before(migration.version)) {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut old).await.unwrap();
    }
    sentinela::db::open::grant(&mut old).await.unwrap();
    let roles: Vec<Vec<String>> =
        sqlx::query_scalar("select roles from staff order by username").fetch_all(&mut old).await.unwrap();
    assert_eq!(roles, [vec!["coordinator", "administrator"], vec!["viewer"]]);
    old.close().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("drop database {name} with (force)"))).execute(&mut owner).await.unwrap();
}
