//! Who is on call: turns, swaps, calendars in and out (PyPI `icalendar` reads ours), plans of escalation that name a rota, and
//! answers to pages by SMS.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::alerts::escalation::{Step, worker};
use sentinela::config::AlertStatus;
use sentinela::dispatch::provider::Channel;
use sentinela::reports::inbound;
use sentinela::rota::worker as rota_worker;
use sentinela::units::Level;
use serde_json::{Value, json};

use crate::approval::{Person, Room};
use crate::exercises::calendar::read;
use crate::support;

const ALLOW: &[(&str, &str)] =
    &[("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1"), ("SENTINELA__HTTP__PUBLIC_URL", "http://alertas.example.org")];

/// Ana by day and Bruno by night for three days from the start of the tests on (12:00 UTC is 9:00 in the town).
const WEEK: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:day\r\nSUMMARY:ana\r\n\
    DTSTART;TZID=America/Sao_Paulo:20260222T080000\r\nDTEND;TZID=America/Sao_Paulo:20260222T200000\r\n\
    RRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:night\r\nSUMMARY:Plantao\r\nATTENDEE:mailto:BRUNO@exemplo.invalid\r\n\
    DTSTART;TZID=America/Sao_Paulo:20260222T200000\r\nDTEND;TZID=America/Sao_Paulo:20260223T080000\r\n\
    RRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

impl Room {
    async fn rota(&self, by: &Person, method: Method, path: &str, kind: &str, body: String) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/rotas{path}"))
            .header(header::AUTHORIZATION, &by.token)
            .header(header::CONTENT_TYPE, kind);
        let (status, text) = self.send(request.body(Body::from(body)).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn put(&self, by: &Person, path: &str, body: Value) -> (StatusCode, Value) {
        self.rota(by, Method::POST, path, "application/json", body.to_string()).await
    }

    async fn on_call(&self, by: &Person) -> Value {
        self.rota(by, Method::GET, "/plantao", "application/json", String::new()).await.1["on_call"].clone()
    }
}

/// A room with Ana, Bruno, and an operator who writes the rota `plantao`.
async fn staffed(overrides: &[(&str, &str)]) -> (Room, Person) {
    let room = Room::open(overrides).await;
    let olga = room.staff().await;
    (room, olga)
}

impl Room {
    async fn staff(&self) -> Person {
        self.person("ana", Role::Coordinator).await;
        self.person("bruno", Role::Operator).await;
        let olga = self.person("olga", Role::Operator).await;
        sqlx::raw_sql(
            "update staff set phone = '+5532911110001', email = 'ana@exemplo.invalid', language = 'pt-BR' where username = 'ana';
             update staff set phone = '+5532911110002', email = 'bruno@exemplo.invalid' where username = 'bruno'",
        )
        .execute(&self.db.pool)
        .await
        .unwrap();
        let (status, made) = self.put(&olga, "", json!({ "code": "plantao", "name": "Plantão da Defesa Civil" })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        olga
    }
}

#[tokio::test]
async fn a_calendar_file_fills_a_rota_and_says_who_is_on_call_and_when_nobody_is() {
    let (room, olga) = staffed(ALLOW).await;
    let import = |text: String| room.rota(&olga, Method::POST, "/plantao/imports", "text/calendar", text);
    let (status, done) = import(WEEK.into()).await;
    assert_eq!((status, done), (StatusCode::OK, json!({ "added": 5, "taken_back": 0, "unchanged": 0 })));
    let shown = room.on_call(&olga).await;
    assert_eq!(shown[0]["now"], json!(["ana"]));
    assert_eq!(shown[0]["gaps"][0]["from"], json!("2026-02-24T23:00:00Z"), "{shown}");
    room.app.clock.set(support::start_at() + TimeDelta::hours(11));
    assert_eq!(room.on_call(&olga).await[0]["now"], json!(["bruno"]));
    // The same file once more changes nothing; one without the second night takes it back.
    assert_eq!(import(WEEK.into()).await.1, json!({ "added": 0, "taken_back": 0, "unchanged": 4 }));
    let shorter = WEEK.replace("COUNT=2", "COUNT=1");
    assert_eq!(import(shorter).await.1, json!({ "added": 0, "taken_back": 1, "unchanged": 3 }));
    let (status, refused) = import(WEEK.replace("SUMMARY:ana", "SUMMARY:carla")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        (&refused["errors"][0]["field"], &refused["errors"][0]["value"]),
        (&json!("SUMMARY (day)"), &json!("carla"))
    );
    assert_eq!(
        room.rota(&olga, Method::POST, "/plantao/imports", "text/plain", WEEK.into()).await.0,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
}

#[tokio::test]
async fn a_swap_takes_a_turn_over_for_its_time_and_can_be_taken_back() {
    let (room, olga) = staffed(ALLOW).await;
    let turn = json!({ "person": "ana", "from": "2026-02-22T11:00:00Z", "until": "2026-02-22T23:00:00Z" });
    assert_eq!(room.put(&olga, "/plantao/turns", turn.clone()).await.0, StatusCode::NO_CONTENT);
    let swap = json!({ "person": "bruno", "instead_of": "ana", "from": "2026-02-22T11:30:00Z", "until": "2026-02-22T13:00:00Z", "reason": "consulta" });
    assert_eq!(room.put(&olga, "/plantao/turns", swap.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(room.on_call(&olga).await[0]["now"], json!(["bruno"]));
    let set = async |value: &'static str| {
        sqlx::raw_sql(value).execute(&room.db.pool).await.unwrap();
        room.on_call(&olga).await[0]["now"].clone()
    };
    let alone = set("update staff set disabled_at = created_at where username = 'ana'").await;
    assert_eq!(alone, json!(["bruno"]), "whoever took the turn over keeps it");
    set("update staff set disabled_at = null where username = 'ana'").await;
    let mut nobody = swap.clone();
    nobody["instead_of"] = "olga".into();
    assert_eq!(room.put(&olga, "/plantao/turns", nobody).await.0, StatusCode::CONFLICT, "olga has no turn then");
    let mut wrong = turn;
    wrong["until"] = "2026-02-22T10:00:00Z".into();
    let (status, refused) = room.put(&olga, "/plantao/turns", wrong).await;
    assert_eq!((status, &refused["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("until")), "{refused}");
    let page = room.page(&olga, "/console/rotas/plantao").await;
    for part in ["instead of ana", "consulta", "Nobody is on call at these times"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let id: i64 = sqlx::query_scalar("select id from rota_turn where instead_of is not null")
        .fetch_one(&room.db.pool)
        .await
        .unwrap();
    let (status, _) = room.post(&olga, "/console/rotas/plantao", &format!("act=take-back&turn={id}")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(room.on_call(&olga).await[0]["now"], json!(["ana"]));
    assert!(room.page(&olga, "/console/rotas").await.contains("Plantão da Defesa Civil"));
}

#[tokio::test]
async fn another_program_reads_the_calendar_behind_a_secret_address_until_it_is_changed() {
    let (room, olga) = staffed(ALLOW).await;
    room.rota(&olga, Method::POST, "/plantao/imports", "text/calendar", WEEK.into()).await;
    let address = async || {
        assert_eq!(room.post(&olga, "/console/rotas/plantao", "act=calendar").await.0, StatusCode::SEE_OTHER);
        let page = room.page(&olga, "/console/rotas/plantao").await;
        let at = page.find("http://alertas.example.org/rota/").unwrap();
        page[at + "http://alertas.example.org".len()..].split('"').next().unwrap().to_owned()
    };
    let first = address().await;
    let (status, text) = room.stranger(Method::GET, &first).await;
    assert_eq!(status, StatusCode::OK);
    let events = read(&text).await;
    let told: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|event| (&event["summary"], &event["start"])).collect();
    assert_eq!((told.len(), told[0]), (5, (&json!("Ana"), &json!("2026-02-22T11:00:00+00:00"))));
    let second = address().await;
    assert_eq!(room.stranger(Method::GET, &first).await.0, StatusCode::NOT_FOUND, "the one before ended");
    assert_eq!(room.stranger(Method::GET, &second).await.0, StatusCode::OK);
    assert_eq!(room.stranger(Method::GET, "/rota/AAAA.ics").await.0, StatusCode::NOT_FOUND);
    // One's own calendar holds one's own turns, and ends with the account.
    let bruno = sqlx::query_scalar::<_, uuid::Uuid>("select id from staff where username = 'bruno'")
        .fetch_one(&room.db.pool)
        .await
        .unwrap();
    let session = support::session_of(&room.app, sentinela::ids::StaffId(bruno)).await;
    let bruno = Person { id: sentinela::ids::StaffId(bruno), token: String::new(), cookie: session.0, csrf: session.1 };
    assert_eq!(room.post(&bruno, "/console/rota-calendar", "").await.0, StatusCode::SEE_OTHER);
    let page = room.page(&bruno, "/console/rotas").await;
    let at = page.find("http://alertas.example.org/rota/").unwrap();
    let mine = page[at + "http://alertas.example.org".len()..].split('"').next().unwrap().to_owned();
    let events = read(&room.stranger(Method::GET, &mine).await.1).await;
    assert!(events["events"].as_array().unwrap().iter().all(|event| event["summary"] == "Bruno"));
    sqlx::query("update staff set disabled_at = now() where username = 'bruno'").execute(&room.db.pool).await.unwrap();
    assert_eq!(room.stranger(Method::GET, &mine).await.0, StatusCode::NOT_FOUND);
}

/// Serves one text over HTTP, again and again.
async fn served(text: std::sync::Arc<std::sync::Mutex<String>>) -> u16 {
    let app = axum::Router::new().route(
        "/plantao.ics",
        axum::routing::get(move || {
            let text = text.lock().unwrap().clone();
            async move { text }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

#[tokio::test]
async fn a_followed_calendar_is_read_again_and_a_broken_one_changes_nothing_and_says_so() {
    let (room, olga) = staffed(ALLOW).await;
    let text = std::sync::Arc::new(std::sync::Mutex::new(WEEK.to_owned()));
    let port = served(text.clone()).await;
    let form = format!("act=feed&feed_url=http%3A%2F%2F127.0.0.1%3A{port}%2Fplantao.ics&feed_layer=1");
    assert_eq!(room.post(&olga, "/console/rotas/plantao", &form).await.0, StatusCode::SEE_OTHER);
    assert!(rota_worker::one(&room.app).await.unwrap());
    assert!(!rota_worker::one(&room.app).await.unwrap(), "not before it is due");
    assert_eq!(room.on_call(&olga).await[0]["now"], json!(["ana"]));
    *text.lock().unwrap() = "<html>manutenção</html>".into();
    room.app.clock.set(support::start_at() + TimeDelta::minutes(30));
    assert!(rota_worker::one(&room.app).await.unwrap());
    assert_eq!(room.on_call(&olga).await[0]["now"], json!(["ana"]));
    let vera = room.person("vera", Role::Viewer).await;
    assert!(room.page(&vera, "/console/rotas").await.contains("calendar has a problem"));
    // Whom nobody knows is told; the rest is taken.
    *text.lock().unwrap() = WEEK.replace("SUMMARY:ana", "SUMMARY:carla");
    room.app.clock.set(support::start_at() + TimeDelta::minutes(60));
    assert!(rota_worker::one(&room.app).await.unwrap());
    assert_eq!(room.on_call(&olga).await[0]["now"], json!([]));
    let problem: String = sqlx::query_scalar("select feed_problem from rota").fetch_one(&room.db.pool).await.unwrap();
    assert!(problem.contains("carla"), "{problem}");
}

fn step(after_min: u32, rotas: &[&str], roles: &[Role]) -> Step {
    let (usernames, levels, on_call, gaps) = Default::default();
    let rotas = rotas.iter().map(|code| (*code).to_owned()).collect();
    Step { after_min, roles: roles.to_vec(), usernames, rotas, channels: vec![Channel::Sms], levels, on_call, gaps }
}

async fn pass(room: &Room, minutes: i64) {
    let now = room.app.clock.now() + TimeDelta::minutes(minutes);
    room.app.clock.set(now);
    worker::round(&room.app, now).await.unwrap();
}

const PAGES: &str = "select s.username from alert_page p join staff s on s.id = p.staff_id order by p.at, s.username";

#[tokio::test]
async fn a_plan_calls_whoever_is_on_call_and_a_gap_falls_to_the_next_step_at_once() {
    let room = Room::configured(|config| {
        config.alerts.escalation = vec![step(5, &["plantao"], &[]), step(30, &[], &[Role::Coordinator])];
    })
    .await;
    let olga = room.staff().await;
    let turn = json!({ "person": "bruno", "from": "2026-02-22T11:00:00Z", "until": "2026-02-22T12:30:00Z" });
    room.put(&olga, "/plantao/turns", turn).await;
    room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    pass(&room, 0).await;
    // Frozen: what is written into the rota afterwards changes nothing.
    let later = json!({ "person": "ana", "from": "2026-02-22T11:00:00Z", "until": "2026-02-22T12:30:00Z" });
    room.put(&olga, "/plantao/turns", later).await;
    pass(&room, 5).await;
    assert_eq!(room.words(PAGES).await, ["bruno"]);
    // When nobody is on call, the next step does not wait for its own time.
    room.app.clock.set(support::start_at() + TimeDelta::hours(3));
    let id = room.draft_by_rule(Level::Alert, AlertStatus::Actual).await;
    pass(&room, 0).await;
    pass(&room, 5).await;
    let of_second = "select s.username from alert_page p join staff s on s.id = p.staff_id
        join alert_escalation e on e.id = p.escalation_id where e.opened_at >= '2026-02-22T14:00:00Z'";
    assert_eq!(room.words(of_second).await, ["ana"], "the coordinator, after 5 minutes instead of 30");
    let vera = room.person("vera", Role::Viewer).await;
    let page = room.page(&vera, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("nobody on call in plantao; the next step takes over"), "{page}");
}

async fn says(room: &Room, from: &str, text: &str) {
    let mut tx = room.app.db.dispatch.begin().await.unwrap();
    inbound::sms(&mut tx, &room.app, room.app.clock.now(), (from, text)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn whoever_was_paged_answers_by_sms_and_nobody_else_does() {
    let room = Room::configured(|config| {
        config.alerts.escalation = vec![step(5, &[], &[Role::Coordinator]), step(15, &[], &[Role::Operator])];
    })
    .await;
    room.staff().await;
    room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    pass(&room, 0).await;
    pass(&room, 5).await;
    let body = room.words("select body from notice where channel = 'sms'").await.remove(0);
    let code = room.words("select code from alert_page where code is not null").await.remove(0);
    assert!(body.contains(&format!("OK {code}")), "{body}");
    let how = "select coalesce(acknowledged_how, 'nobody') from alert_escalation";
    // From another telephone it is no answer, with a wrong code neither.
    says(&room, "5532988887777", &format!("OK {code}")).await;
    let wrong = if code == "0000" { "1111" } else { "0000" };
    says(&room, "5532911110001", &format!("OK {wrong}")).await;
    assert_eq!(room.words(how).await, ["nobody"]);
    says(&room, "+55 32 91111-0001", &format!("ok {code}")).await;
    assert_eq!(room.words(how).await, ["sms"]);
    pass(&room, 30).await;
    assert_eq!(room.words(PAGES).await, ["ana"], "nobody is paged any more");
    let acts = "select e.actor || ' ' || e.act from audit_event e where e.act = 'alert.acknowledge'";
    assert_eq!(room.words(acts).await, ["ana alert.acknowledge"]);
    let told = room.words("select body from notice where purpose = 'alert_page_reply'").await;
    for said in ["Nenhum alerta seu", "Recebido"] {
        assert_eq!(told.iter().filter(|body| body.starts_with(said)).count(), 1, "{said}: {told:?}");
    }
    // It was no report of anybody.
    assert!(room.words("select id::text from report").await.is_empty());
}

#[tokio::test]
async fn a_bare_word_answers_the_only_wait_and_of_several_asks_which() {
    let room = Room::configured(|config| config.alerts.escalation = vec![step(5, &[], &[Role::Coordinator])]).await;
    room.staff().await;
    room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    pass(&room, 0).await;
    pass(&room, 5).await;
    room.draft_by_rule(Level::Alert, AlertStatus::Actual).await;
    pass(&room, 0).await;
    pass(&room, 5).await;
    says(&room, "5532911110001", "CIENTE").await;
    let seen = "select count(*)::text from alert_escalation where acknowledged_how = 'sms'";
    assert_eq!(room.words(seen).await, ["0"]);
    let code = room.words("select code from alert_page order by at desc limit 1").await.remove(0);
    says(&room, "5532911110001", &code).await;
    assert_eq!(room.words(seen).await, ["1"]);
    sqlx::query("update alert_escalation set ended_at = now(), ended_as = 'issued' where acknowledged_how = 'sms'")
        .execute(&room.db.pool)
        .await
        .unwrap();
    says(&room, "5532911110001", "ciente").await;
    assert_eq!(room.words(seen).await, ["2"]);
}
