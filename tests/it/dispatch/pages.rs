//! What coordinators see of a delivery and do about it, over pages and API.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::dispatch::worker;
use sentinela::ids::{AlertId, StaffId};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::town::{INSIDE, NEAR, Town};
use crate::support::{self, TestDb};

struct Desk {
    app: App,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

impl Desk {
    /// Counts are read anew each time.
    fn new(db: &TestDb) -> Self {
        Self { app: support::app_with(db, &[("SENTINELA__DISPATCH__PROGRESS_EVERY_MS", "0")]) }
    }

    async fn person(&self, role: Role) -> StaffId {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let now = self.app.clock.now();
        accounts::upsert_member(&mut conn, &self.app.ids, now, role.as_str(), "Ana", &role.into(), "x").await.unwrap()
    }

    async fn send(&self, who: StaffId, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let (cookie, csrf) = support::session_of(&self.app, who).await;
        let request = axum::http::Request::builder().method(method).uri(path).header("cookie", cookie);
        let request = request.header("csrf", csrf).header("content-type", kind).header("accept", "text/html");
        let request = request.header("accept-language", "pt-BR").body(Body::from(body.to_owned())).unwrap();
        let router = sentinela::web::router::router(self.app.clone());
        let response = support::soon(path, router.oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    async fn get(&self, who: StaffId, path: &str) -> Answer {
        self.send(who, "GET", path, "text/plain", "").await
    }

    async fn post(&self, who: StaffId, path: &str, body: Value) -> Answer {
        self.send(who, "POST", path, "application/json", &body.to_string()).await
    }

    async fn form(&self, who: StaffId, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(who, "POST", path, "application/x-www-form-urlencoded", &form).await
    }

    /// Sends everything into the sink.
    async fn deliver(&self, town: &Town<'_>) {
        let running = tokio::spawn(worker::run(self.app.clone()));
        support::eventually("the sink", || async {
            town.states()
                .await
                .iter()
                .all(|row| row.ends_with("delivered") || row.ends_with("suppressed"))
                .then_some(())
        })
        .await;
        self.app.stop.cancel();
        support::soon("the worker's end", running).await.unwrap();
    }
}

async fn warned(town: &Town<'_>) -> AlertId {
    for number in 1..=4 {
        let phone = format!("+553290000000{number}");
        town.resident(if number < 4 { INSIDE } else { NEAR }, 50, &[&phone, &format!("r{number}@example.org")]).await;
    }
    town.resident(INSIDE, 10, &[]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    alert
}

#[tokio::test]
async fn the_page_of_a_delivery_adds_up_and_says_what_is_not_known() {
    let db = support::db().await;
    let (town, desk) = (Town::new(&db).await, Desk::new(&db));
    let alert = warned(&town).await;
    let viewer = desk.person(Role::Viewer).await;
    let page = desk.get(viewer, &format!("/console/alerts/{alert}/delivery")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for said in ["As contas fecham", "ainda não se sabe", "Bom Pastor", "R3", "moradores sem nenhum canal"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("/act/pause"), "who may not issue is offered no act");
    let counted = desk.get(viewer, &format!("/api/v1/alerts/{alert}/delivery")).await.json();
    assert_eq!(
        (&counted["sms"]["pending"], &counted["email"]["pending"], &counted["promised"], &counted["balances"]),
        (&json!(4), &json!(4), &json!(8), &json!(true))
    );
    assert_eq!((&counted["unreachable"], &counted["forecast"]["is"]), (&json!(1), &json!("unknown")));
    // A row that is lost shows.
    let mut owner = db.owner().await;
    sqlx::raw_sql("delete from delivery_change where channel = 'sms'").execute(&mut owner).await.unwrap();
    let page = desk.get(viewer, &format!("/console/alerts/{alert}/delivery")).await;
    assert!(
        page.text.contains("As contas não fecham") && page.text.contains("Prometidas 8, encontradas 4"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn an_approver_pauses_resumes_and_cancels_and_others_may_not() {
    let db = support::db().await;
    let (town, desk) = (Town::new(&db).await, Desk::new(&db));
    let alert = warned(&town).await;
    let (operator, approver) = (desk.person(Role::Operator).await, desk.person(Role::Approver).await);
    let path = |act: &str| format!("/api/v1/alerts/{alert}/delivery/{act}");
    let why = || json!({ "reason": "bairro errado" });
    assert_eq!(desk.post(operator, &path("pause"), why()).await.status, StatusCode::FORBIDDEN);
    let refused = desk.post(approver, &path("pause"), json!({ "reason": "  " })).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("reason")));
    let done = desk.post(approver, &path("pause"), why()).await.json();
    assert_eq!(
        (&done["standing"]["control"], &done["changed"], &done["waiting"]),
        (&json!("paused"), &json!(true), &json!(8))
    );
    let again = desk.post(approver, &path("pause"), why()).await;
    assert_eq!((again.status, &again.json()["changed"]), (StatusCode::OK, &json!(false)));
    let console = desk.get(operator, "/console").await;
    assert!(console.text.contains("ENVIO PAUSADO"), "every page of the console says so");
    // Without a script: the question, the missing reason, the act.
    let form = format!("/console/alerts/{alert}/delivery/act");
    assert!(desk.get(approver, &format!("{form}/resume")).await.text.contains("Retomar o envio deste alerta?"));
    let wrong = desk.form(approver, &format!("{form}/resume"), &[("reason", "")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let went_on = desk.form(approver, &format!("{form}/resume"), &[("reason", "texto conferido")]).await;
    assert_eq!(went_on.status, StatusCode::SEE_OTHER);
    let cancelled = desk.form(approver, &format!("{form}/cancel"), &[("reason", "alerta errado")]).await;
    assert_eq!(cancelled.status, StatusCode::SEE_OTHER);
    let counted = desk.get(operator, &format!("/api/v1/alerts/{alert}/delivery")).await.json();
    assert_eq!(counted["suppressed"], json!([{ "state": "suppressed", "cause": "dispatch_cancelled", "rows": 8 }]));
    let gone = desk.post(approver, &path("resume"), why()).await;
    assert_eq!(gone.status, StatusCode::CONFLICT, "{}", gone.text);
    let page = desk.get(operator, &format!("/console/alerts/{alert}/delivery")).await;
    assert!(
        page.text.contains("envio cancelado por uma pessoa") && page.text.contains("alerta errado"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn an_export_masks_addresses_unless_its_reader_may_see_residents() {
    let db = support::db().await;
    let (town, desk) = (Town::new(&db).await, Desk::new(&db));
    let alert = warned(&town).await;
    let operator = desk.person(Role::Operator).await;
    let path = format!("/api/v1/alerts/{alert}/delivery/messages");
    let masked = desk.get(operator, &path).await;
    assert_eq!(masked.status, StatusCode::OK);
    assert!(masked.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/csv"));
    assert_eq!(masked.text.lines().count(), 9, "a head and eight rows: {}", masked.text);
    assert!(!masked.text.contains("+5532900000001") && masked.text.contains("•••• 0001"), "{}", masked.text);
    let full = desk.get(operator, &format!("{path}?addresses=full")).await;
    assert!(full.text.contains("+5532900000001") && full.text.contains("r1@example.org"), "{}", full.text);
    let wrong = desk.get(operator, &format!("{path}?addresses=all")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let audited: Vec<Value> =
        sqlx::query_scalar("select e.after from audit_event e join audit_chain c on c.event_id = e.id where e.act = 'deliveries.export' order by c.seq")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(audited, [json!({ "addresses": "masked" }), json!({ "addresses": "full" })]);
}

#[tokio::test]
async fn the_map_of_the_unreached_shows_no_house_to_whoever_may_not_see_residents() {
    let db = support::db().await;
    let (town, desk) = (Town::new(&db).await, Desk::new(&db));
    let alert = warned(&town).await;
    let (viewer, operator) = (desk.person(Role::Viewer).await, desk.person(Role::Operator).await);
    let path = format!("/api/v1/alerts/{alert}/delivery/unreached");
    let people = |answer: &Answer| -> Vec<i64> {
        let squares = answer.json()["features"].as_array().unwrap().clone();
        squares.iter().map(|square| square["properties"]["unreached"].as_i64().unwrap()).collect()
    };
    let whole = desk.get(operator, &path).await;
    assert_eq!(whole.headers[header::CONTENT_TYPE], "application/geo+json");
    assert_eq!(people(&whole), [4, 1]);
    assert_eq!(people(&desk.get(viewer, &path).await), [4]);
    let page = desk.get(viewer, &format!("/console/alerts/{alert}/delivery/unreached")).await;
    assert!(page.text.contains("class=\"people") && page.text.contains("menos de três pessoas"), "{}", page.text);
}

#[tokio::test]
async fn what_was_sent_to_one_resident_is_found_by_telephone_or_postcode_and_the_look_is_kept() {
    let db = support::db().await;
    let (town, desk) = (Town::new(&db).await, Desk::new(&db));
    let resident = town.resident(INSIDE, 10, &["+5532900000001"]).await;
    sqlx::query("update resident_place set address_text = 'Rua das Flores, 20, 36010-000'")
        .execute(&db.pool)
        .await
        .unwrap();
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    // Whoever subscribes by SMS gives a postcode and no address.
    let subscriber = town.resident(INSIDE, 10, &["+5532900000003"]).await;
    sqlx::query("update resident_place set cep = '36015000' where resident_id = $1")
        .bind(subscriber)
        .execute(&db.pool)
        .await
        .unwrap();
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let (viewer, operator) = (desk.person(Role::Viewer).await, desk.person(Role::Operator).await);
    assert_eq!(desk.get(viewer, "/console/residents").await.status, StatusCode::FORBIDDEN);
    for (q, found) in [("(32) 90000-0001", 2), ("36010-000", 1), ("36015-000", 1), ("nobody@example.org", 0)] {
        let page = desk.form(operator, "/console/residents", &[("q", q)]).await;
        assert_eq!(page.text.matches("/console/residents/0000").count(), found, "{q}: {}", page.text);
    }
    let wrong = desk.form(operator, "/console/residents", &[("q", "Maria")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = desk.get(operator, &format!("/console/residents/{resident}")).await;
    assert!(page.text.contains("Risco alto de deslizamento") && page.text.contains("na fila"), "{}", page.text);
    let looks: Vec<Value> =
        sqlx::query_scalar("select e.after from audit_event e join audit_chain c on c.event_id = e.id where e.act = 'residents.read' order by c.seq")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(looks.len(), 5);
    assert_eq!(looks[1], json!({ "by": "cep", "residents": [resident] }));
    assert!(!format!("{looks:?}").contains("90000"), "no address in the audit");
}

#[tokio::test]
async fn the_sink_shows_telephones_and_a_letter_shut_in_its_frame() {
    let db = support::db().await;
    let (town, desk) = (Town::new(&db).await, Desk::new(&db));
    let operator = desk.person(Role::Operator).await;
    let empty = desk.get(operator, "/console/outbox").await;
    assert!(empty.text.contains("Nada saiu ainda"), "an empty page teaches");
    warned(&town).await;
    desk.deliver(&town).await;
    let phones = desk.get(operator, "/console/outbox?channel=sms").await;
    assert_eq!(phones.text.matches("class=\"phone\"").count(), 4, "{}", phones.text);
    assert!(!phones.text.contains("+553290"), "numbers are masked");
    let one = desk.get(operator, "/console/outbox?channel=sms&who=0003&alert=1").await;
    assert_eq!(one.text.matches("class=\"phone\"").count(), 1);
    let mailbox = desk.get(operator, "/console/outbox?channel=email").await;
    assert!(mailbox.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-src 'self'"));
    let (_, rest) = mailbox.text.split_once("<iframe src=\"").expect("a letter in a frame");
    let (address, rest) = rest.split_once('"').unwrap();
    assert!(rest.starts_with(" sandbox=\"\""), "{rest}");
    let letter = desk.get(operator, address).await;
    let policy = letter.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("sandbox")
            && policy.contains("frame-ancestors 'self'")
    );
    assert!(letter.text.contains("Saia de casa agora."), "{}", letter.text);
    let id = address.trim_start_matches("/console/outbox/").trim_end_matches("/letter");
    let looks: i64 = sqlx::query_scalar(
        "select count(*) from audit_event where act = 'deliveries.read' and object_kind = 'message' and object = $1",
    )
    .bind(id)
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert_eq!(looks, 1, "opening a letter is kept");
}

#[tokio::test]
async fn the_report_is_linked_once_it_is_written_and_says_so_before() {
    let db = support::db().await;
    let (town, desk) = (Town::new(&db).await, Desk::new(&db));
    let alert = warned(&town).await;
    let viewer = desk.person(Role::Viewer).await;
    let path = format!("/console/alerts/{alert}/delivery/report");
    assert!(desk.get(viewer, &path).await.text.contains("Ainda não há relatório"));
    assert_eq!(
        desk.get(viewer, &format!("/api/v1/alerts/{alert}/delivery/report")).await.status,
        StatusCode::NOT_FOUND
    );
    desk.deliver(&town).await;
    for _ in 0..2 {
        sentinela::dispatch::keeper::round(&desk.app, support::start_at(), true).await.unwrap();
    }
    let page = desk.get(viewer, &path).await;
    assert!(page.text.contains("As contas fecham") && page.text.contains("Custo por operadora"), "{}", page.text);
    let report = desk.get(viewer, &format!("/api/v1/alerts/{alert}/delivery/report")).await.json();
    assert_eq!((&report["found"], &report["totals"]["delivered"]), (&json!(8), &json!(8)));
    assert!(desk.get(viewer, &format!("/console/alerts/{alert}")).await.text.contains(&path), "the alert leads to it");
}
