//! Two persons stand behind an alert where the policy wants it: over the API and the console, in every order, at once.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::{Role, store};
use sentinela::alerts::draft::{Drafter, Subject};
use sentinela::alerts::{AlertKind, store as alerts};
use sentinela::app::App;
use sentinela::config::AlertStatus;
use sentinela::ids::{AlertId, AreaId, StaffId};
use sentinela::units::Level;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{self, TestDb};

/// No password fits it; nobody here signs in with one.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";
const TWO: &[(&str, &str)] = &[("SENTINELA__ALERTS__TWO_PERSON_FROM", "maximum")];
const TOWN: &str = "
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now()),
        ('linhares', 'Linhares', st_multi(st_makeenvelope(-43.305, -21.76, -43.295, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;";

/// A person with a browser and a program.
#[derive(Clone)]
pub struct Person {
    pub id: StaffId,
    pub token: String,
    pub cookie: String,
    pub csrf: String,
}

/// A town with an empty console, and doors to it.
pub struct Room {
    pub app: App,
    pub db: TestDb,
    pub router: Router,
}

impl Room {
    pub async fn open(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let app = support::app_with(&db, overrides);
        let router = sentinela::web::router::router(app.clone());
        Self { app, db, router }
    }

    /// The same with a whole configuration.
    pub async fn configured(change: impl FnOnce(&mut sentinela::config::Config)) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let mut config = support::config(&[("SENTINELA__DATABASE__URL", db.url.as_str())]);
        change(&mut config);
        let (app, receiver) = support::app_from(&db, config);
        tokio::spawn(sentinela::ingest::committer::run(app.clone(), receiver));
        let router = sentinela::web::router::router(app.clone());
        Self { app, db, router }
    }

    /// Somebody without an account asks, or somebody's telephone does.
    pub async fn stranger(&self, method: Method, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(in_english(path)).body(Body::empty());
        self.send(request.unwrap()).await
    }

    /// One column of whatever is asked for.
    pub async fn words(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.unwrap()
    }

    pub async fn person(&self, username: &str, role: Role) -> Person {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let (ids, now) = (&self.app.ids, self.app.clock.now());
        let name = format!("{}{}", username[..1].to_uppercase(), &username[1..]);
        let id = store::upsert_member(&mut conn, ids, now, username, &name, &role.into(), NO_HASH).await.unwrap();
        drop(conn);
        let opened = support::session_of(&self.app, id).await;
        Person { id, token: self.token(username, "probe").await, cookie: opened.0, csrf: opened.1 }
    }

    pub async fn token(&self, username: &str, name: &str) -> String {
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let (now, ends) = (self.app.clock.now(), self.app.clock.now() + chrono::TimeDelta::days(1));
        let made = store::add_token(&mut conn, &self.app.ids, now, username, name, ends).await;
        format!("Bearer {}", made.unwrap().unwrap())
    }

    pub async fn api(&self, token: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/alerts{path}"))
            .header(header::AUTHORIZATION, token)
            .header(header::CONTENT_TYPE, "application/json");
        let (status, text) = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = support::soon("the answer", self.router.clone().oneshot(request)).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        // A picture is an answer too.
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    pub async fn page(&self, person: &Person, path: &str) -> String {
        let request = Request::get(in_english(path)).header("cookie", &person.cookie);
        self.send(request.body(Body::empty()).unwrap()).await.1
    }

    pub async fn post(&self, person: &Person, path: &str, form: &str) -> (StatusCode, String) {
        let request = Request::post(in_english(path))
            .header("cookie", &person.cookie)
            .header("csrf", &person.csrf)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    pub async fn draft(&self, person: &Person, level: &str) -> AlertId {
        let body = json!({ "cobrade": "1.1.3.2.1", "level": level, "areas": ["bom-pastor"] });
        let (status, made) = self.api(&person.token, Method::POST, "", body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        AlertId(made["id"].as_str().unwrap().parse().unwrap())
    }

    /// A draft whose words are the rule's.
    pub async fn draft_by_rule(&self, level: Level, status: AlertStatus) -> AlertId {
        let areas: Vec<i64> = sqlx::query_scalar("select id from risk_area where code = 'bom-pastor'")
            .fetch_all(&self.db.pool)
            .await
            .unwrap();
        let subject = Subject {
            kind: AlertKind::Alert,
            cobrade: "1.1.3.2.1".parse().unwrap(),
            level,
            areas: &areas.into_iter().map(AreaId).collect::<Vec<_>>(),
            references: None,
            status,
            rule: Some(("chuva", 1)),
            reasons: &[],
        };
        let mut tx = self.app.db.web.begin().await.unwrap();
        let id = self.drafter().create(&mut tx, self.app.clock.now(), alerts::RULE, &subject).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub fn drafter(&self) -> Drafter<'_> {
        Drafter { config: &self.app.config, templates: &self.app.templates, ids: &self.app.ids }
    }

    pub async fn approve(&self, token: &str, id: AlertId, revision: i32) -> (StatusCode, Value) {
        self.api(token, Method::POST, &format!("/{id}/issue"), json!({ "revision": revision })).await
    }

    pub async fn edit(&self, person: &Person, id: AlertId, revision: i32, headline: &str) -> i32 {
        let alert = self.show(person, id).await;
        let texts = json!({ "headline": headline, "description": alert["description"], "expires_at": alert["expires_at"],
            "instruction": alert["instruction"], "sms_text": alert["sms_text"] });
        let body = json!({ "revision": revision, "texts": texts });
        let (status, saved) = self.api(&person.token, Method::PUT, &format!("/{id}"), body).await;
        assert_eq!(status, StatusCode::OK, "{saved}");
        i32::try_from(saved["revision"].as_i64().unwrap()).unwrap()
    }

    pub async fn show(&self, person: &Person, id: AlertId) -> Value {
        self.api(&person.token, Method::GET, &format!("/{id}"), Value::Null).await.1
    }

    pub async fn state(&self, id: AlertId) -> String {
        sqlx::query_scalar("select state from alert where id = $1").bind(id.0).fetch_one(&self.db.pool).await.unwrap()
    }

    /// The acts that the audit tells of an alert, oldest first, each with who did it.
    pub async fn acts(&self, id: AlertId) -> Vec<String> {
        sqlx::query_scalar(
            "select e.actor || ' ' || e.act from audit_event e join audit_chain c on c.event_id = e.id
             where e.object = $1 and e.act in ('alert.approve', 'alert.issue', 'alert.withdraw_approval') order by c.seq",
        )
        .bind(id.to_string())
        .fetch_all(&self.db.pool)
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn the_author_approves_first_and_another_completes() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Coordinator).await);
    room.person("olga", Role::Operator).await;
    let id = room.draft(&ana, "maximum").await;
    let (status, first) = room.approve(&ana.token, id, 1).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{first}");
    assert_eq!(first, json!({ "revision": 1, "have": 1, "needed": 2, "approved_by": ["ana"], "awaited": ["bruno"] }));
    assert_eq!(room.state(id).await, "draft");
    let (status, issued) = room.approve(&bruno.token, id, 1).await;
    assert_eq!((status, issued["number"].as_str()), (StatusCode::OK, Some("2026/001")), "{issued}");
    assert_eq!(room.state(id).await, "issued");
    assert_eq!(room.acts(id).await, ["ana alert.approve", "bruno alert.approve", "bruno alert.issue"]);
    let shown = room.show(&ana, id).await;
    let approvals: Vec<_> = shown["approvals"].as_array().unwrap().iter().map(|given| &given["username"]).collect();
    assert_eq!(approvals, ["ana", "bruno"]);
    let page = room.page(&ana, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("with the approval of Ana"), "{page}");
}

#[tokio::test]
async fn the_author_never_completes_over_no_door() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let carla = room.person("carla", Role::Approver).await;
    let id = room.draft(&ana, "maximum").await;
    let (status, first) = room.approve(&bruno.token, id, 1).await;
    assert_eq!((status, &first["awaited"]), (StatusCode::ACCEPTED, &json!(["carla"])));
    let (status, refused) = room.approve(&ana.token, id, 1).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("cannot be the second"), "{refused}");
    let page = room.page(&ana, &format!("/console/alerts/{id}")).await;
    let form = form_of(&page, "");
    let (_, answer) = room.post(&ana, &format!("/console/alerts/{id}/issue"), &form).await;
    assert!(answer.contains("cannot be the second"), "{answer}");
    assert_eq!(room.state(id).await, "draft");
    // Whoever edits becomes the author, and the approval before was of other words.
    let revision = room.edit(&bruno, id, 1, "Risco muito alto de deslizamento").await;
    assert_eq!(room.approve(&ana.token, id, revision).await.0, StatusCode::ACCEPTED);
    assert_eq!(room.approve(&bruno.token, id, revision).await.0, StatusCode::CONFLICT);
    assert_eq!(room.approve(&carla.token, id, revision).await.0, StatusCode::OK);
}

#[tokio::test]
async fn one_person_is_one_person_over_tokens_and_console() {
    let room = Room::open(TWO).await;
    let ana = room.person("ana", Role::Approver).await;
    room.person("bruno", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    let another_token = room.token("ana", "phone").await;
    for token in [&ana.token, &another_token, &ana.token] {
        let (status, waits) = room.approve(token, id, 1).await;
        assert_eq!((status, waits["have"].as_i64()), (StatusCode::ACCEPTED, Some(1)), "{waits}");
    }
    let other = support::session_of(&room.app, ana.id).await;
    let elsewhere = Person { cookie: other.0, csrf: other.1, ..ana.clone() };
    let page = room.page(&elsewhere, &format!("/console/alerts/{id}")).await;
    let (status, _) = room.post(&elsewhere, &format!("/console/alerts/{id}/issue"), &form_of(&page, "")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(room.state(id).await, "draft");
    let kept: i64 = sqlx::query_scalar("select count(*) from alert_approval").fetch_one(&room.db.pool).await.unwrap();
    assert_eq!(kept, 1);
    assert_eq!(room.acts(id).await, ["ana alert.approve"]);
}

#[tokio::test]
async fn an_edit_or_a_joined_area_takes_every_approval_away_and_says_so() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::ACCEPTED);
    let other: i64 =
        sqlx::query_scalar("select id from risk_area where code = 'linhares'").fetch_one(&room.db.pool).await.unwrap();
    let mut tx = room.app.db.web.begin().await.unwrap();
    room.drafter().join(&mut tx, room.app.clock.now(), id, AreaId(other), &[], "it rose too").await.unwrap();
    tx.commit().await.unwrap();
    // Bruno's page was of the first revision.
    assert_eq!(room.approve(&bruno.token, id, 1).await.0, StatusCode::CONFLICT);
    let (status, waits) = room.approve(&bruno.token, id, 2).await;
    assert_eq!((status, &waits["approved_by"]), (StatusCode::ACCEPTED, &json!(["bruno"])));
    for person in [&ana, &bruno] {
        let page = room.page(person, &format!("/console/alerts/{id}")).await;
        assert!(page.contains("The approval of Ana") && page.contains("no longer counts"), "{page}");
        assert!(page.contains("1 of 2: Bruno approved"), "{page}");
    }
    // The one who comes second and changes a word is the author of another text: nothing leaves.
    let page = room.page(&ana, &format!("/console/alerts/{id}")).await;
    let changed = form_of(&page, "Outra manchete");
    let (status, _) = room.post(&ana, &format!("/console/alerts/{id}/issue"), &changed).await;
    assert_eq!((status, room.state(id).await.as_str()), (StatusCode::SEE_OTHER, "draft"));
    assert_eq!(room.approve(&bruno.token, id, 3).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_approval_taken_back_or_of_somebody_turned_away_counts_no_more() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    let withdraw = format!("/{id}/approval");
    assert_eq!(room.api(&ana.token, Method::DELETE, &withdraw, Value::Null).await.0, StatusCode::CONFLICT);
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::ACCEPTED);
    let path = format!("/console/alerts/{id}/approval/withdraw");
    assert_eq!(room.post(&ana, &path, "").await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.approve(&bruno.token, id, 1).await.0, StatusCode::ACCEPTED);
    assert_eq!(room.acts(id).await, ["ana alert.approve", "ana alert.withdraw_approval", "bruno alert.approve"]);
    // A phone was stolen; its owner's account is turned away before somebody else approves.
    sqlx::query("update staff set disabled_at = now() where username = 'bruno'").execute(&room.db.pool).await.unwrap();
    let (status, waits) = room.approve(&ana.token, id, 1).await;
    assert_eq!((status, &waits["approved_by"]), (StatusCode::ACCEPTED, &json!(["ana"])));
    let page = room.page(&ana, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("Nobody else can complete the approval"), "{page}");
    sqlx::query("update staff set disabled_at = null, roles = '{viewer}' where username = 'bruno'")
        .execute(&room.db.pool)
        .await
        .unwrap();
    assert_eq!(room.approve(&bruno.token, id, 1).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn two_who_approve_at_once_issue_once() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let carla = room.person("carla", Role::Approver).await;
    for round in 1..=5 {
        let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
        let (one, two, three) = tokio::join!(
            room.approve(&ana.token, id, 1),
            room.approve(&bruno.token, id, 1),
            room.approve(&carla.token, id, 1)
        );
        let mut answers = [one.0.as_u16(), two.0.as_u16(), three.0.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers, [200, 202, 409], "{one:?} {two:?} {three:?}");
        let numbers: i64 = sqlx::query_scalar("select count(*) from alert where number is not null")
            .fetch_one(&room.db.pool)
            .await
            .unwrap();
        assert_eq!(numbers, round);
    }
    let last: i32 = sqlx::query_scalar("select last_number from number_series where series = 'alert'")
        .fetch_one(&room.db.pool)
        .await
        .unwrap();
    assert_eq!(last, 5, "a first approval takes no number");
}

#[tokio::test]
async fn an_edit_that_meets_an_approval_never_leaves_unapproved() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let olga = room.person("olga", Role::Operator).await;
    for round in 0..5 {
        let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
        assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::ACCEPTED);
        let before = room.show(&olga, id).await;
        let texts = json!({ "headline": "Não saia de casa", "description": before["description"],
            "expires_at": before["expires_at"], "instruction": before["instruction"], "sms_text": before["sms_text"] });
        let (path, body) = (format!("/{id}"), json!({ "revision": 1, "texts": texts }));
        let (edited, issued) =
            tokio::join!(room.api(&olga.token, Method::PUT, &path, body), room.approve(&bruno.token, id, 1));
        match (edited.0, issued.0) {
            (StatusCode::OK, StatusCode::CONFLICT) => assert_eq!(room.state(id).await, "draft", "round {round}"),
            (StatusCode::CONFLICT, StatusCode::OK) => {
                assert_eq!(room.show(&ana, id).await["headline"], before["headline"], "round {round}");
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_edit_and_approval_sent_twice_is_kept_once_and_answered_twice() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    for (act, done) in [("issue", "approved"), ("submit", "submitted")] {
        let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
        let path = format!("/console/alerts/{id}");
        let form = form_of(&room.page(&ana, &path).await, "Risco muito alto na Rua A");
        for _ in 0..2 {
            let (status, answer) = room.post(&ana, &format!("{path}/{act}"), &form).await;
            assert_eq!(status, StatusCode::SEE_OTHER, "{act}: {answer}");
        }
        let shown = room.show(&ana, id).await;
        assert_eq!(shown["revision"], 2);
        let events: Vec<_> = shown["events"].as_array().unwrap().iter().map(|event| &event["action"]).collect();
        assert_eq!(events, ["drafted", "edited", done]);
        // The same words under somebody else's hand are no repetition.
        let (status, _) = room.post(&bruno, &format!("{path}/issue"), &form).await;
        assert_ne!(status, StatusCode::SEE_OTHER);
        assert_ne!(room.state(id).await, "issued");
    }
}

#[tokio::test]
async fn one_is_enough_below_the_level_and_for_other_kinds_and_without_a_policy() {
    let room = Room::open(&[
        ("SENTINELA__ALERTS__TWO_PERSON_FROM", "maximum"),
        ("SENTINELA__ALERTS__TWO_PERSON_KINDS", "alert"),
    ])
    .await;
    let ana = room.person("ana", Role::Approver).await;
    let bruno = room.person("bruno", Role::Approver).await;
    let lower = room.draft(&ana, "alert").await;
    assert_eq!(room.approve(&ana.token, lower, 1).await.0, StatusCode::OK);
    let highest = room.draft(&ana, "maximum").await;
    assert_eq!(room.approve(&ana.token, highest, 1).await.0, StatusCode::ACCEPTED);
    assert_eq!(room.approve(&bruno.token, highest, 1).await.0, StatusCode::OK);
    let (_, clear) = room.api(&ana.token, Method::POST, &format!("/{highest}/all-clear"), Value::Null).await;
    let clear = AlertId(clear["id"].as_str().unwrap().parse().unwrap());
    assert_eq!(room.approve(&ana.token, clear, 1).await.0, StatusCode::OK, "ending it takes one here");
    assert_eq!(room.state(highest).await, "cleared");

    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Approver).await;
    let id = room.draft(&ana, "maximum").await;
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::OK);
    assert_eq!(room.acts(id).await, ["ana alert.issue"]);
}

#[tokio::test]
async fn ends_exercises_and_tests_follow_the_same_rule() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    for status in [AlertStatus::Exercise, AlertStatus::Test] {
        let id = room.draft_by_rule(Level::Maximum, status).await;
        assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::ACCEPTED, "{status:?}");
        assert_eq!(room.approve(&bruno.token, id, 1).await.0, StatusCode::OK, "{status:?}");
        let (_, clear) =
            room.api(&bruno.token, Method::POST, &format!("/{id}/cancel"), json!({ "reason": "engano" })).await;
        let clear = AlertId(clear["id"].as_str().unwrap().parse().unwrap());
        assert_eq!(room.approve(&ana.token, clear, 1).await.0, StatusCode::ACCEPTED, "{status:?}");
        assert_eq!(room.approve(&bruno.token, clear, 1).await.0, StatusCode::CONFLICT, "bruno drafted it: {status:?}");
    }
}

#[tokio::test]
async fn what_could_not_leave_cannot_be_approved() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let id = room.draft(&ana, "maximum").await;
    sqlx::query("update alert set instruction = '' where id = $1").bind(id.0).execute(&room.db.pool).await.unwrap();
    let (status, refused) = room.approve(&bruno.token, id, 1).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    assert_eq!(room.acts(id).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_list_and_the_other_browsers_hear_of_the_first_approval() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let mut listener = sqlx::postgres::PgListener::connect_with(&room.db.pool).await.unwrap();
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    listener.listen("sentinela").await.unwrap();
    assert!(room.page(&bruno, "/console/alerts").await.contains("nobody has approved it yet"));
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::ACCEPTED);
    let heard = support::soon("the hint", listener.recv()).await.unwrap();
    assert!(heard.payload().contains(&id.to_string()), "{}", heard.payload());
    assert!(room.page(&bruno, "/console/alerts").await.contains("1 of 2: Ana approved"));
    let page = room.page(&bruno, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("1 of 2: Ana approved") && !page.contains("Approve (1 of 2)"), "{page}");
    let page = room.page(&ana, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("Take back my approval"), "{page}");
}

#[tokio::test]
async fn approvals_are_append_only_and_reserved_names_sign_nobody_in() {
    let room = Room::open(TWO).await;
    let ana = room.person("ana", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::ACCEPTED);
    for forged in
        ["update alert_approval set staff_id = staff_id", "delete from alert_approval", "truncate alert_approval"]
    {
        let refused = sqlx::query(forged).execute(&room.db.pool).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "the service: {refused}");
        let refused = sqlx::query(forged).execute(&mut room.db.owner().await).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "the owner: {refused}");
    }
    let mut conn = room.app.db.web.acquire().await.unwrap();
    let (ids, now) = (&room.app.ids, room.app.clock.now());
    for name in ["rule", "service", "policy"] {
        let roles = Role::Approver.into();
        assert!(store::upsert_member(&mut conn, ids, now, name, "X", &roles, NO_HASH).await.is_err(), "{name}");
    }
}

/// The page in English, whatever its reader's own language is. The API of the secretariat speaks one language and knows no such word.
fn in_english(path: &str) -> String {
    if path.starts_with("/api/v1/secretariat/") {
        return path.to_owned();
    }
    format!("{path}{}lang=en", if path.contains('?') { '&' } else { '?' })
}

/// The review's form as the browser would send it, confirmed; with another headline when one is given.
pub fn form_of(page: &str, headline: &str) -> String {
    let input = |name: &str| {
        let at = page.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {page}"));
        let rest = &page[at + name.len() + 15..];
        rest[..rest.find('"').unwrap()].to_owned()
    };
    let area = |name: &str| {
        let at = page.find(&format!("<textarea name=\"{name}\"")).unwrap();
        let rest = &page[at..];
        let rest = &rest[rest.find('>').unwrap() + 1..];
        rest[..rest.find("</textarea>").unwrap()].to_owned()
    };
    let headline = if headline.is_empty() { input("headline") } else { headline.to_owned() };
    let fields = [
        ("revision", input("revision")),
        ("headline", headline),
        ("description", area("description")),
        ("instruction", area("instruction")),
        ("sms_text", area("sms_text")),
        ("expires_at", input("expires_at")),
        ("confirmed", "yes".into()),
    ];
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, &unescape(&value));
    }
    form.finish()
}

fn unescape(text: &str) -> String {
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[tokio::test]
async fn words_outlast_a_draft_that_was_discarded_or_issued_meanwhile() {
    let room = Room::open(TWO).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    for (act, says) in [("discard", "discarded this draft"), ("issue", "issued this draft")] {
        let id = room.draft(&ana, "alert").await;
        let path = format!("/console/alerts/{id}");
        let page = room.page(&ana, &path).await;
        assert!(
            page.contains(&format!(r#"<a href="{path}" target="_blank" rel="noopener">"#)),
            "the fresh version opens beside"
        );
        let form = form_of(&page, "Palavras da Ana");
        let body = if act == "issue" { json!({ "revision": 1 }) } else { json!({ "revision": 1, "reason": "engano" }) };
        let (status, answer) = room.api(&bruno.token, Method::POST, &format!("/{id}/{act}"), body).await;
        assert!(status.is_success(), "{answer}");
        let (status, answer) = room.post(&ana, &path, &form).await;
        assert_eq!(status, StatusCode::CONFLICT, "{answer}");
        assert!(
            answer.contains(says) && answer.contains("Palavras da Ana") && answer.contains("data-kept"),
            "{answer}"
        );
        // Whoever changed nothing is led to what became of it.
        let (status, _) = room.post(&ana, &format!("{path}/issue"), &form_of(&page, "")).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
}
