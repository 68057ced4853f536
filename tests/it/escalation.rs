//! Nobody answers: staff are paged along the plan as it stood, once each, until somebody says that they have seen it or decides.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::alerts::escalation::{Step, worker};
use sentinela::app::App;
use sentinela::config::AlertStatus;
use sentinela::dispatch::provider::Channel;
use sentinela::dispatch::store::notice;
use sentinela::ids::AlertId;
use sentinela::units::Level;
use serde_json::{Value, json};

use crate::approval::{Person, Room};
use crate::support;

fn step(after_min: u32, roles: &[Role], usernames: &[&str], channels: &[Channel]) -> Step {
    let usernames = usernames.iter().map(|name| (*name).to_owned()).collect();
    let (rotas, levels, on_call, gaps) = Default::default();
    Step { after_min, roles: roles.to_vec(), usernames, rotas, channels: channels.to_vec(), levels, on_call, gaps }
}

/// After 5 minutes the coordinators by SMS and e-mail, after 15 the secretary.
fn plan() -> Vec<Step> {
    vec![
        step(5, &[Role::Coordinator], &[], &[Channel::Sms, Channel::Email]),
        step(15, &[], &["secretaria"], &[Channel::Sms]),
    ]
}

/// A room with two coordinators, of whom one has no telephone, and a secretary.
struct Night {
    room: Room,
    ana: Person,
    olga: Person,
}

impl Night {
    async fn fall(steps: Vec<Step>) -> Self {
        let room = Room::configured(|config| config.alerts.escalation = steps).await;
        let ana = room.person("ana", Role::Coordinator).await;
        room.person("bruno", Role::Coordinator).await;
        room.person("secretaria", Role::Viewer).await;
        let olga = room.person("olga", Role::Operator).await;
        sqlx::raw_sql(
            "update staff set phone = '+5532911110001', email = 'ana@exemplo.invalid', language = 'pt-BR' where username = 'ana';
             update staff set email = 'bruno@exemplo.invalid', language = 'en' where username = 'bruno';
             update staff set phone = '+5532911110003' where username = 'secretaria'",
        )
        .execute(&room.db.pool)
        .await
        .unwrap();
        Self { room, ana, olga }
    }

    async fn pass(&self, minutes: i64) {
        let now = self.room.app.clock.now() + TimeDelta::minutes(minutes);
        self.room.app.clock.set(now);
        worker::round(&self.room.app, now).await.unwrap();
    }

    /// Who was paged how, in order, with what became of it.
    async fn pages(&self) -> Vec<String> {
        self.room
            .words(
                "select s.username || ' ' || p.channel || ' ' || p.state from alert_page p join staff s on s.id = p.staff_id
                 order by p.position, s.username, p.channel desc",
            )
            .await
    }

    /// The address in the first message to somebody.
    async fn link(&self, address: &str) -> String {
        let body: String = sqlx::query_scalar("select body from notice where address = $1 order by created_at limit 1")
            .bind(address)
            .fetch_one(&self.room.db.pool)
            .await
            .unwrap();
        let at = body.find("/p/").unwrap_or_else(|| panic!("no link in {body}"));
        body[at..].split_whitespace().next().unwrap().to_owned()
    }

    async fn rule_draft(&self) -> AlertId {
        self.room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await
    }

    async fn acts(&self) -> Vec<String> {
        self.room
            .words(
                "select e.actor || ' ' || e.act from audit_event e join audit_chain c on c.event_id = e.id
                 where e.act in ('alert.page', 'alert.page_end', 'alert.acknowledge', 'alert.unanswered') order by c.seq",
            )
            .await
    }

    async fn waits(&self, id: AlertId) -> Value {
        self.room.api(&self.ana.token, Method::GET, &format!("/{id}/escalation"), Value::Null).await.1
    }
}

#[tokio::test]
async fn while_nobody_answers_staff_are_paged_step_by_step_and_once() {
    let night = Night::fall(plan()).await;
    let id = night.rule_draft().await;
    night.pass(0).await;
    assert_eq!(night.pages().await, Vec::<String>::new());
    night.pass(5).await;
    let first = ["ana sms pending", "ana email pending", "bruno sms no_address", "bruno email pending"];
    assert_eq!(night.pages().await, first);
    for _ in 0..3 {
        night.pass(1).await;
    }
    assert_eq!(night.pages().await, first, "nothing twice");
    let sms = "select body from notice where channel = 'sms' order by created_at";
    let body = night.room.words(sms).await.remove(0);
    assert!(body.starts_with("Defesa Civil: ") && body.contains("Bom Pastor") && body.contains("5 min"), "{body}");
    let english = "select subject from notice where address = 'bruno@exemplo.invalid'";
    assert_eq!(night.room.words(english).await, ["Waiting for an answer for 5 min: maximum alert (Bom Pastor)"]);
    night.pass(7).await;
    assert_eq!(night.pages().await[4..], ["secretaria sms pending"]);
    let page = night.room.page(&night.olga, &format!("/console/alerts/{id}")).await;
    for part in
        ["It has waited 15 min", "Ana · SMS", "Bruno · SMS", "no telephone or e-mail", "after 15 min: secretaria"]
    {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert_eq!(night.acts().await, ["service alert.page", "service alert.page"]);
}

#[tokio::test]
async fn a_restart_with_another_plan_and_two_processes_change_nothing() {
    let night = Night::fall(plan()).await;
    night.rule_draft().await;
    night.pass(0).await;
    // The service stood for an hour, and comes back twice with another configuration.
    let other = |seed: &str| {
        let mut config = support::config(&[("SENTINELA__DATABASE__URL", night.room.db.url.as_str())]);
        config.alerts.escalation = vec![step(1, &[Role::Operator], &[], &[Channel::Email])];
        config.municipality.sender_name = seed.into();
        let app: App = support::app_from(&night.room.db, config).0;
        app.clock.set(night.room.app.clock.now() + TimeDelta::minutes(60));
        app
    };
    let (one, two) = (other("Um"), other("Dois"));
    let now = one.clock.now();
    // Both draw from one seed; two services never do.
    let _drawn: Vec<_> = (0..1000).map(|_| two.ids.uuid(now)).collect();
    let (first, second) = tokio::join!(worker::round(&one, now), worker::round(&two, now));
    first.unwrap();
    second.unwrap();
    worker::round(&one, now).await.unwrap();
    let all = [
        "ana sms pending",
        "ana email pending",
        "bruno sms no_address",
        "bruno email pending",
        "secretaria sms pending",
    ];
    assert_eq!(night.pages().await, all, "both steps are due, each once, as the plan stood");
    assert_eq!(night.room.words("select count(*)::text from notice").await, ["4"]);
    assert_eq!(night.room.words("select count(*)::text from alert_escalation").await, ["1"]);
}

#[tokio::test]
async fn the_link_in_a_message_acknowledges_when_it_is_pressed_and_not_when_it_is_looked_at() {
    let night = Night::fall(plan()).await;
    let id = night.rule_draft().await;
    night.pass(5).await;
    let link = night.link("+5532911110001").await;
    for _ in 0..2 {
        let (status, page) = night.room.stranger(Method::GET, &link).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("Ana, say that you have seen it") && page.contains("method=\"post\""), "{page}");
    }
    assert_eq!(night.waits(id).await[0]["acknowledged_at"], Value::Null, "programs that check links look too");
    let (status, page) = night.room.stranger(Method::POST, &link).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Ana has seen it") && !page.contains("method=\"post\" action=\"/p/"), "{page}");
    assert_eq!(night.room.stranger(Method::POST, &link).await.0, StatusCode::OK, "again changes nothing");
    night.pass(20).await;
    assert_eq!(night.pages().await.len(), 4, "nobody else is paged");
    let wait = &night.waits(id).await[0];
    assert_eq!((&wait["acknowledged_by"], &wait["steps"][1]["outcome"]), (&json!("ana"), &json!("stopped")));
    assert_eq!(night.acts().await, ["service alert.page", "ana alert.acknowledge"]);
    let via = "select via from audit_event where act = 'alert.acknowledge'";
    assert_eq!(night.room.words(via).await, ["public"]);
    // Forged, foreign and dead links.
    for forged in ["/p/AAAA", "/p/%F0%9F%8C%A7", &format!("{}x", link), &link[..link.len() - 4]] {
        for method in [Method::GET, Method::POST] {
            assert_eq!(night.room.stranger(method, forged).await.0, StatusCode::GONE, "{forged}");
        }
    }
    sqlx::raw_sql("update staff set disabled_at = now() where username = 'ana'")
        .execute(&night.room.db.pool)
        .await
        .unwrap();
    assert_eq!(night.room.stranger(Method::GET, &link).await.0, StatusCode::GONE);
}

#[tokio::test]
async fn acknowledging_on_the_page_or_over_the_api_or_by_editing_stops_the_paging() {
    for how in ["page", "api", "edit"] {
        let night = Night::fall(plan()).await;
        let id = night.rule_draft().await;
        night.pass(1).await;
        match how {
            "page" => {
                let page = night.room.page(&night.olga, &format!("/console/alerts/{id}")).await;
                assert!(page.contains("I have seen it"), "{page}");
                let path = format!("/console/alerts/{id}/acknowledge");
                assert_eq!(night.room.post(&night.olga, &path, "").await.0, StatusCode::SEE_OTHER);
            }
            "api" => {
                let path = format!("/{id}/acknowledge");
                for first in [true, false] {
                    let (status, said) = night.room.api(&night.olga.token, Method::POST, &path, Value::Null).await;
                    assert_eq!((status, &said["by"], &said["first"]), (StatusCode::OK, &json!("olga"), &json!(first)));
                }
            }
            _ => {
                night.room.edit(&night.olga, id, 1, "Olga trabalha nisto").await;
            }
        }
        night.pass(20).await;
        assert_eq!(night.pages().await, Vec::<String>::new(), "{how}");
        let said = "select acknowledged_how || ' ' || s.username from alert_escalation e join staff s on s.id = e.acknowledged_by";
        assert_eq!(night.room.words(said).await, [format!("{how} olga")]);
    }
}

#[tokio::test]
async fn when_nobody_answers_in_time_the_console_and_the_history_say_so_loudly() {
    let night = Night::fall(plan()).await;
    let (silent, seen) = (night.rule_draft().await, night.rule_draft().await);
    night.pass(1).await;
    night.room.api(&night.ana.token, Method::POST, &format!("/{seen}/acknowledge"), Value::Null).await;
    night.pass(30).await;
    night.pass(1).await;
    let page = night.room.page(&night.olga, "/console/stations").await;
    assert!(page.contains("2 alerts without an answer"), "on every page: {page}");
    let page = night.room.page(&night.olga, &format!("/console/alerts/{silent}")).await;
    assert!(page.contains("NOBODY HAS ANSWERED: it has waited 32 min") && page.contains("role=\"alert\""), "{page}");
    let page = night.room.page(&night.olga, &format!("/console/alerts/{seen}")).await;
    assert!(page.contains("ana has seen it, but NOBODY HAS DECIDED"), "{page}");
    let told = "select action from alert_event where action in ('unanswered', 'undecided') order by action";
    assert_eq!(night.room.words(told).await, ["unanswered", "undecided"], "once each");
    assert_eq!(night.acts().await.iter().filter(|act| *act == "service alert.unanswered").count(), 2);
    assert_eq!(night.room.approve(&night.ana.token, silent, 1).await.0, StatusCode::OK);
    let body = json!({ "revision": 1, "reason": "falso" });
    assert_eq!(
        night.room.api(&night.ana.token, Method::POST, &format!("/{seen}/discard"), body).await.0,
        StatusCode::NO_CONTENT
    );
    night.pass(0).await;
    assert!(!night.room.page(&night.olga, "/console/stations").await.contains("without an answer"));
    let page = night.room.page(&night.olga, &format!("/console/alerts/{silent}")).await;
    assert!(
        page.contains("Calls to staff") && page.contains("It waited until") && page.contains("Ana · SMS"),
        "{page}"
    );
}

#[tokio::test]
async fn what_a_person_submits_waits_anew_and_ends_when_it_is_returned_edited_or_issued() {
    let night = Night::fall(plan()).await;
    let (room, id) = (&night.room, night.room.draft(&night.olga, "maximum").await);
    night.pass(10).await;
    assert_eq!(night.waits(id).await, json!([]), "a person's draft is in that person's hands");
    let submit = async |revision: i32| {
        let body = json!({ "revision": revision });
        assert_eq!(
            room.api(&night.olga.token, Method::POST, &format!("/{id}/submit"), body).await.0,
            StatusCode::NO_CONTENT
        );
    };
    submit(1).await;
    night.pass(5).await;
    assert_eq!(night.pages().await.len(), 4);
    let back = json!({ "revision": 1, "reason": "falta a rua" });
    assert_eq!(room.api(&night.ana.token, Method::POST, &format!("/{id}/return"), back).await.0, StatusCode::OK);
    night.pass(20).await;
    assert_eq!(night.pages().await.len(), 4, "who wrote it has it");
    submit(2).await;
    night.pass(1).await;
    room.edit(&night.olga, id, 2, "Outra manchete").await;
    night.pass(1).await;
    submit(3).await;
    night.pass(1).await;
    assert_eq!(room.approve(&night.ana.token, id, 3).await.0, StatusCode::OK);
    night.pass(30).await;
    let ends: Vec<Value> =
        night.waits(id).await.as_array().unwrap().iter().map(|wait| wait["ended_as"].clone()).collect();
    assert_eq!(ends, ["issued", "edited", "returned"]);
    assert_eq!(night.pages().await.len(), 4);
}

#[tokio::test]
async fn of_two_who_must_approve_the_one_who_did_is_not_paged() {
    let night = Night::fall(vec![step(5, &[Role::Coordinator], &["ana"], &[Channel::Email])]).await;
    sqlx::raw_sql("update staff set email = null where username = 'secretaria'")
        .execute(&night.room.db.pool)
        .await
        .unwrap();
    let mut config = (night.room.app.config).clone();
    config.alerts.two_person_from = Some(Level::Maximum);
    let (app, _receiver) = support::app_from(&night.room.db, config);
    let router = sentinela::web::router::router(app.clone());
    let id = night.rule_draft().await;
    let room = Room { app, db: support::db().await, router };
    assert_eq!(room.approve(&night.ana.token, id, 1).await.0, StatusCode::ACCEPTED);
    night.pass(5).await;
    assert_eq!(night.pages().await, ["bruno email pending"]);
}

#[tokio::test]
async fn what_became_of_a_page_outlives_its_notice_and_is_audited() {
    let night = Night::fall(vec![step(5, &[], &["ana", "ninguem"], &[Channel::Sms])]).await;
    let id = night.rule_draft().await;
    night.pass(5).await;
    let sent = "update notice set state = 'accepted', subject = '', body = '', final_at = now()";
    sqlx::raw_sql(sent).execute(&night.room.db.pool).await.unwrap();
    night.pass(1).await;
    assert_eq!(night.pages().await, ["ana sms accepted"]);
    sqlx::raw_sql("update notice set state = 'delivered'").execute(&night.room.db.pool).await.unwrap();
    night.pass(1).await;
    sqlx::raw_sql("delete from notice").execute(&night.room.db.pool).await.unwrap();
    night.pass(1).await;
    assert_eq!(night.pages().await, ["ana sms delivered"]);
    assert_eq!(night.acts().await, ["service alert.page", "service alert.page_end", "service alert.page_end"]);
    let page = night.room.page(&night.olga, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("Ana · SMS") && page.contains("received"), "{page}");
    // No number of a member of staff is in the audit.
    let kept =
        "select coalesce(before::text, '') || coalesce(after::text, '') from audit_event where act like 'alert.%'";
    assert!(night.room.words(kept).await.iter().all(|text| !text.contains("+55")));
}

#[tokio::test]
async fn a_step_that_reaches_nobody_is_said_and_the_next_one_goes_on() {
    let night = Night::fall(vec![
        step(1, &[], &["ninguem"], &[Channel::Sms]),
        step(2, &[], &["bruno"], &[Channel::Sms]),
        step(3, &[], &["ana"], &[Channel::Sms]),
    ])
    .await;
    let id = night.rule_draft().await;
    night.pass(4).await;
    assert_eq!(night.pages().await, ["bruno sms no_address", "ana sms pending"]);
    let outcomes = "select outcome from alert_escalation_step order by position";
    assert_eq!(night.room.words(outcomes).await, ["nobody", "nobody", "paged"]);
    let page = night.room.page(&night.olga, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("nobody reached"), "{page}");
}

#[tokio::test]
async fn an_exercise_says_so_in_its_pages_and_a_night_of_alerts_fills_no_share() {
    let night = Night::fall(vec![step(1, &[], &["ana"], &[Channel::Sms])]).await;
    for _ in 0..8 {
        night.room.draft_by_rule(Level::Maximum, AlertStatus::Exercise).await;
    }
    night.pass(1).await;
    assert_eq!(night.pages().await, vec!["ana sms pending"; 8], "more than another notice may have in an hour");
    let bodies = night.room.words("select body from notice").await;
    assert!(bodies.iter().all(|body| body.starts_with("EXERC")), "{bodies:?}");
    // Their share is apart: a code for the password still comes.
    let code = "select state from notice where purpose = 'password_reset'";
    let mut tx = night.room.db.pool.begin().await.unwrap();
    let app = &night.room.app;
    let notice = sentinela::dispatch::notices::Notice {
        channel: Channel::Sms,
        address: "+5532911110001",
        subject: "",
        body: "x",
        expires_at: app.clock.now() + TimeDelta::hours(1),
        purpose: "password_reset",
    };
    sentinela::dispatch::notices::queue(&mut tx, &app.ids, app.clock.now(), &notice).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(night.room.words(code).await, ["pending"]);
}

#[tokio::test]
async fn people_say_themselves_where_they_are_paged() {
    let night = Night::fall(plan()).await;
    let page = night.room.page(&night.olga, "/console/account").await;
    assert!(page.contains("Telephone for calls"), "{page}");
    let form = "phone=%2832%29+98888-0000";
    assert_eq!(night.room.post(&night.olga, "/console/account/phone", form).await.0, StatusCode::SEE_OTHER);
    let kept = "select phone from staff where username = 'olga'";
    assert_eq!(night.room.words(kept).await, ["+5532988880000"]);
    let (status, page) = night.room.post(&night.olga, "/console/account/phone", "phone=3215-1234").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("takes no SMS"), "{page}");
    assert_eq!(night.room.words(kept).await, ["+5532988880000"]);
    let audited = "select before::text || after::text from audit_event where act = 'staff.change_phone'";
    assert_eq!(night.room.words(audited).await, [r#"{"has_phone": false}{"has_phone": true}"#]);
}

#[tokio::test]
async fn whoever_only_looks_on_stops_no_paging_and_answers_by_the_link_once_they_are_paged() {
    let night = Night::fall(plan()).await;
    let id = night.rule_draft().await;
    night.pass(1).await;
    let (viewer, auditor) =
        (night.room.person("vera", Role::Viewer).await, night.room.person("rita", Role::Auditor).await);
    for person in [&viewer, &auditor] {
        let (status, said) =
            night.room.api(&person.token, Method::POST, &format!("/{id}/acknowledge"), Value::Null).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{said}");
        let path = format!("/console/alerts/{id}");
        assert_eq!(night.room.post(person, &format!("{path}/acknowledge"), "").await.0, StatusCode::FORBIDDEN);
    }
    let page = night.room.page(&viewer, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("It has waited") && !page.contains("I have seen it"), "{page}");
    night.pass(14).await;
    assert_eq!(night.pages().await.len(), 5);
    let link = night.link("+5532911110003").await;
    assert_eq!(night.room.stranger(Method::POST, &link).await.0, StatusCode::OK);
    assert_eq!(night.waits(id).await[0]["acknowledged_by"], json!("secretaria"));
}

#[tokio::test]
async fn an_old_link_answers_for_no_later_wait() {
    let night = Night::fall(plan()).await;
    let (room, id) = (&night.room, night.room.draft(&night.olga, "maximum").await);
    let act = async |by: &Person, act: &str, body: Value| {
        let (status, said) = room.api(&by.token, Method::POST, &format!("/{id}/{act}"), body).await;
        assert!(status.is_success(), "{act}: {said}");
    };
    act(&night.olga, "submit", json!({ "revision": 1 })).await;
    night.pass(5).await;
    let old = night.link("+5532911110001").await;
    act(&night.ana, "return", json!({ "revision": 1, "reason": "falta a rua" })).await;
    night.pass(1).await;
    act(&night.olga, "submit", json!({ "revision": 2 })).await;
    night.pass(1).await;
    assert_eq!(room.stranger(Method::POST, &old).await.0, StatusCode::OK);
    let waits = night.waits(id).await;
    assert_eq!((&waits[0]["ended_at"], &waits[0]["acknowledged_at"]), (&Value::Null, &Value::Null));
    night.pass(5).await;
    assert_eq!(night.pages().await.len(), 8, "the new wait is paged");
}

#[tokio::test]
async fn a_rules_draft_that_was_returned_waits_anew_until_somebody_works_on_it() {
    let night = Night::fall(plan()).await;
    let (room, id) = (&night.room, night.rule_draft().await);
    night.pass(1).await;
    let revision = room.edit(&night.olga, id, 1, "Olga trabalha nisto").await;
    night.pass(1).await;
    let submit = json!({ "revision": revision });
    assert_eq!(
        room.api(&night.olga.token, Method::POST, &format!("/{id}/submit"), submit).await.0,
        StatusCode::NO_CONTENT
    );
    night.pass(1).await;
    let back = json!({ "revision": revision, "reason": "falta a rua" });
    assert_eq!(room.api(&night.ana.token, Method::POST, &format!("/{id}/return"), back).await.0, StatusCode::OK);
    night.pass(1).await;
    let wait = night.waits(id).await[0].clone();
    assert_eq!((&wait["cause"], &wait["acknowledged_at"]), (&json!("rule"), &Value::Null), "she edited before that");
    night.pass(5).await;
    assert_eq!(night.pages().await.len(), 4);
    room.edit(&night.olga, id, revision + 1, "Com a rua").await;
    night.pass(20).await;
    assert_eq!(night.pages().await.len(), 4, "she works on it again");
    night.pass(20).await;
    let page = room.page(&night.olga, "/console/stations").await;
    assert!(page.contains("One alert without an answer"), "nobody decided: {page}");
}

#[tokio::test]
async fn drafts_of_people_hide_no_wait_however_many_they_are() {
    let night = Night::fall(plan()).await;
    sqlx::query(
        "insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity, urgency,
             certainty, expires_at, created_at, created_by)
         select gen_random_uuid(), 'draft', 'alert', 'actual', '1.1.3.2.1', 'alert', 'h', 'd', 'i', 's', 'Severe', 'Immediate',
             'Likely', $1::timestamptz + interval '1 day', $1::timestamptz - interval '1 hour', 'olga' from generate_series(1, 250)",
    )
    .bind(night.room.app.clock.now())
    .execute(&night.room.db.pool)
    .await
    .unwrap();
    night.rule_draft().await;
    night.pass(5).await;
    assert_eq!(night.pages().await.len(), 4);
}

#[tokio::test]
async fn calls_that_have_not_left_when_somebody_decides_or_answers_stay_here() {
    for decides in [true, false] {
        let night = Night::fall(plan()).await;
        let id = night.rule_draft().await;
        night.pass(5).await;
        if decides {
            assert_eq!(night.room.approve(&night.ana.token, id, 1).await.0, StatusCode::OK);
        } else {
            let path = format!("/{id}/acknowledge");
            night.room.api(&night.ana.token, Method::POST, &path, Value::Null).await;
        }
        let now = night.room.app.clock.now();
        let mut conn = night.room.db.pool.acquire().await.unwrap();
        for provider in sentinela::dispatch::provider::providers(&night.room.app.config) {
            let ends = now + TimeDelta::seconds(30);
            let claimed = notice::claim(&mut conn, now, &provider, 10, ends, None).await.unwrap();
            assert!(claimed.is_empty(), "{claimed:?}");
            notice::sweep(&mut conn, now, provider.channel).await.unwrap();
        }
        let kept = "select distinct state || ':' || subject || body from notice where purpose = 'alert_page'";
        assert_eq!(night.room.words(kept).await, ["suppressed:"]);
        night.pass(1).await;
        let states = "select distinct state from alert_page where state <> 'no_address'";
        assert_eq!(night.room.words(states).await, ["suppressed"]);
    }
}
