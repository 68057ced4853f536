//! The stages of an alert between people: submitted, returned, approved by one or two, issued once whatever is clicked, lost or
//! asked again, and over for everybody when something took its place.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::alerts::approval::{Needs, Policy};
use sentinela::config::AlertStatus;
use sentinela::dispatch::store::{claim, spread};
use sentinela::ids::AlertId;
use sentinela::units::Level;
use serde_json::{Value, json};

use crate::approval::{Person, Room, form_of};

const TWO: &[(&str, &str)] = &[("SENTINELA__ALERTS__TWO_PERSON_FROM", "maximum")];
const PEOPLE: &str = "
    insert into resident (id, name, consent_at, consent_source, created_at)
        select gen_random_uuid(), name, now(), 'test', now() from unnest(array['Ana', 'Beto', 'Caio']) name;
    insert into resident_place (resident_id, geom, precision_m)
        select id, 'SRID=4326;POINT(-43.395 -21.75)', 0 from resident;
    insert into resident_channel (resident_id, kind, address, verified_at)
        select id, 'sms', '+5532900000' || ascii(name), now() from resident;";

impl Room {
    async fn act(&self, by: &Person, id: AlertId, act: &str, body: Value) -> (StatusCode, Value) {
        self.api(&by.token, Method::POST, &format!("/{id}/{act}"), body).await
    }

    async fn answer(&self, by: &Person, id: AlertId, kind: &str) -> AlertId {
        let body = if kind == "cancel" { json!({ "reason": "sensor com defeito" }) } else { Value::Null };
        let (status, made) = self.act(by, id, kind, body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        AlertId(made["id"].as_str().unwrap().parse().unwrap())
    }

    /// What was done to an alert, as its history tells it.
    async fn history(&self, by: &Person, id: AlertId) -> Vec<String> {
        let shown = self.show(by, id).await;
        let events = shown["events"].as_array().unwrap().iter();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events.map(|event| format!("{} {}", word(&event["actor"]), word(&event["action"]))).collect()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap()
    }

    async fn people(&self) {
        sqlx::raw_sql(PEOPLE).execute(&self.db.pool).await.unwrap();
    }
}

#[tokio::test]
async fn a_draft_is_submitted_returned_with_a_reason_and_submitted_again() {
    let room = Room::open(&[]).await;
    let (olga, ana) = (room.person("olga", Role::Operator).await, room.person("ana", Role::Approver).await);
    let id = room.draft(&olga, "maximum").await;
    let at = |revision: i32| json!({ "revision": revision });
    assert_eq!(room.act(&olga, id, "submit", at(1)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(room.act(&olga, id, "submit", at(1)).await.0, StatusCode::NO_CONTENT, "a double click");
    let back = json!({ "revision": 1, "reason": "falta o ponto de encontro" });
    assert_eq!(room.act(&olga, id, "return", back.clone()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(room.act(&ana, id, "return", json!({ "revision": 1, "reason": " " })).await.0, StatusCode::BAD_REQUEST);
    let page = room.page(&ana, "/console/alerts").await;
    assert!(page.contains("olga submitted it for approval"), "{page}");
    let (status, returned) = room.act(&ana, id, "return", back).await;
    assert_eq!((status, &returned["revision"]), (StatusCode::OK, &json!(2)), "{returned}");
    let page = room.page(&olga, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("ana returned this draft") && page.contains("falta o ponto de encontro"), "{page}");
    assert_eq!(room.act(&ana, id, "return", json!({ "revision": 2, "reason": "x" })).await.0, StatusCode::CONFLICT);
    let revision = room.edit(&olga, id, 2, "Risco muito alto: saia agora").await;
    assert_eq!(room.act(&olga, id, "submit", at(2)).await.0, StatusCode::CONFLICT, "of another revision");
    assert_eq!(room.act(&olga, id, "submit", at(revision)).await.0, StatusCode::NO_CONTENT);
    let shown = room.show(&olga, id).await;
    assert_eq!(
        (&shown["state"], &shown["submitted_by"], &shown["return_reason"]),
        (&json!("submitted"), &json!("olga"), &Value::Null)
    );
    assert_eq!(room.approve(&ana.token, id, revision).await.0, StatusCode::OK);
    let told = [
        "olga drafted",
        "olga submitted",
        "ana returned",
        "olga edited",
        "olga submitted",
        "ana approval complete",
        "ana issued",
    ];
    assert_eq!(room.history(&ana, id).await, told);
    let acts =
        "select e.actor || ' ' || e.act || ' ' || e.reason from audit_event e join audit_chain c on c.event_id = e.id
                where e.act in ('alert.submit', 'alert.return') order by c.seq";
    assert_eq!(
        room.words(acts).await,
        ["olga alert.submit ", "ana alert.return falta o ponto de encontro", "olga alert.submit "]
    );
}

#[tokio::test]
async fn an_edit_takes_the_submission_back_and_what_is_incomplete_is_not_submitted() {
    let room = Room::open(&[]).await;
    let (olga, ana) = (room.person("olga", Role::Operator).await, room.person("ana", Role::Approver).await);
    let id = room.draft(&olga, "maximum").await;
    let page = room.page(&olga, &format!("/console/alerts/{id}")).await;
    let form = form_of(&page, "Outra manchete");
    // The page saves what is on the screen and submits exactly that.
    assert_eq!(room.post(&olga, &format!("/console/alerts/{id}/submit"), &form).await.0, StatusCode::SEE_OTHER);
    let shown = room.show(&olga, id).await;
    assert_eq!(
        (&shown["state"], &shown["headline"], &shown["revision"]),
        (&json!("submitted"), &json!("Outra manchete"), &json!(2))
    );
    room.edit(&ana, id, 2, "Ainda outra").await;
    let shown = room.show(&olga, id).await;
    assert_eq!((&shown["state"], &shown["submitted_by"]), (&json!("draft"), &Value::Null));
    sqlx::query("update alert set instruction = '' where id = $1").bind(id.0).execute(&room.db.pool).await.unwrap();
    let (status, refused) = room.act(&olga, id, "submit", json!({ "revision": 3 })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("instruction"), "{refused}");
    assert_eq!(room.state(id).await, "draft");
}

#[tokio::test]
async fn a_double_click_issues_once_and_both_clicks_get_the_number() {
    let room = Room::open(&[]).await;
    room.people().await;
    let ana = room.person("ana", Role::Approver).await;
    for round in 1..=5 {
        let id = room.draft_by_rule(Level::Alert, AlertStatus::Actual).await;
        let (one, two) = tokio::join!(room.approve(&ana.token, id, 1), room.approve(&ana.token, id, 1));
        assert_eq!((one.0, two.0), (StatusCode::OK, StatusCode::OK), "{one:?} {two:?}");
        assert_eq!(one.1, two.1, "the same answer");
        assert_eq!((&one.1["number"], &one.1["recipients"]), (&json!(format!("2026/00{round}")), &json!(3)));
    }
    assert_eq!(room.count("select count(*) from outbox").await, 15);
    assert_eq!(room.count("select count(*) from audit_event where act = 'alert.issue'").await, 5);
    assert_eq!(room.count("select count(*) from incident_alert").await, 5);
    // The same on the page.
    let id = room.draft_by_rule(Level::Alert, AlertStatus::Actual).await;
    let path = format!("/console/alerts/{id}");
    let form = form_of(&room.page(&ana, &path).await, "");
    let issue = format!("{path}/issue");
    let (one, two) = tokio::join!(room.post(&ana, &issue, &form), room.post(&ana, &issue, &form));
    assert_eq!((one.0, two.0), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER), "{one:?} {two:?}");
    assert_eq!(room.count("select count(*) from alert where number is not null").await, 6);
}

#[tokio::test]
async fn whoever_lost_the_connection_asks_again_and_gets_the_number() {
    let room = Room::open(TWO).await;
    room.people().await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let carla = room.person("carla", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::ACCEPTED);
    let (status, issued) = room.approve(&bruno.token, id, 1).await;
    assert_eq!((status, &issued["recipients"]), (StatusCode::OK, &json!(3)));
    // Neither of the two heard the answer. What is asked again also after the alert ended is answered alike.
    for round in 0..2 {
        for person in [&bruno, &ana] {
            assert_eq!(room.approve(&person.token, id, 1).await, (StatusCode::OK, issued.clone()), "round {round}");
        }
        let (status, refused) = room.approve(&carla.token, id, 1).await;
        assert_eq!(status, StatusCode::CONFLICT);
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("bruno") && detail.contains("2026/001"), "{detail}");
        assert_eq!(
            room.approve(&ana.token, id, 7).await.0,
            StatusCode::CONFLICT,
            "another revision was never approved"
        );
        if round == 0 {
            let clear = room.answer(&carla, id, "all-clear").await;
            assert_eq!(room.approve(&ana.token, clear, 1).await.0, StatusCode::ACCEPTED);
            assert_eq!(room.approve(&bruno.token, clear, 1).await.0, StatusCode::OK);
            assert_eq!(room.state(id).await, "cleared");
        }
    }
    assert_eq!(room.count("select count(*) from alert where number is not null").await, 2);
}

#[tokio::test]
async fn of_two_coordinators_the_second_is_told_what_the_first_did_in_both_orders() {
    for edit_first in [true, false] {
        let room = Room::open(&[]).await;
        let (ana, bruno) = (room.person("ana", Role::Coordinator).await, room.person("bruno", Role::Coordinator).await);
        let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
        let path = format!("/console/alerts/{id}");
        // Both have the first revision on the screen.
        let (hers, his) = (room.page(&ana, &path).await, room.page(&bruno, &path).await);
        let (edit, issue) = (form_of(&hers, "Palavras da Ana"), form_of(&his, ""));
        if edit_first {
            assert_eq!(room.post(&ana, &path, &edit).await.0, StatusCode::SEE_OTHER);
            let (status, answer) = room.post(&bruno, &format!("{path}/issue"), &issue).await;
            assert_eq!(status, StatusCode::OK, "the review again: {answer}");
            assert!(answer.contains("Palavras da Ana") && answer.contains("role=\"alert\""), "{answer}");
            assert_eq!(room.state(id).await, "draft");
            let now = form_of(&room.page(&bruno, &path).await, "");
            assert_eq!(room.post(&bruno, &format!("{path}/issue"), &now).await.0, StatusCode::SEE_OTHER);
        } else {
            assert_eq!(room.post(&bruno, &format!("{path}/issue"), &issue).await.0, StatusCode::SEE_OTHER);
            let (status, answer) = room.post(&ana, &path, &edit).await;
            assert_eq!(status, StatusCode::CONFLICT, "{answer}");
            assert!(answer.contains("Palavras da Ana") && answer.contains("data-kept"), "{answer}");
            // She edits and approves at once: her words are not what left, and she is told so.
            let (status, answer) = room.post(&ana, &format!("{path}/issue"), &edit).await;
            assert_eq!(status, StatusCode::CONFLICT, "{answer}");
        }
        assert_eq!(room.state(id).await, "issued");
        assert_eq!(room.count("select count(*) from alert where number is not null").await, 1);
    }
}

#[tokio::test]
async fn two_coordinators_who_edit_and_approve_at_once_surprise_nobody() {
    let room = Room::open(&[]).await;
    let (ana, bruno) = (room.person("ana", Role::Coordinator).await, room.person("bruno", Role::Coordinator).await);
    for round in 0..6 {
        let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
        let path = format!("/console/alerts/{id}");
        let hers = form_of(&room.page(&ana, &path).await, "Palavras da Ana");
        let his = form_of(&room.page(&bruno, &path).await, "Palavras do Bruno");
        let issue = format!("{path}/issue");
        let (one, two) = tokio::join!(room.post(&ana, &issue, &hers), room.post(&bruno, &issue, &his));
        let led: Vec<bool> = [one.0, two.0].iter().map(|status| *status == StatusCode::SEE_OTHER).collect();
        assert!(led[0] != led[1], "round {round}: one issues, the other is told: {} {}", one.0, two.0);
        let shown = room.show(&ana, id).await;
        let words = if led[0] { "Palavras da Ana" } else { "Palavras do Bruno" };
        let lost = if led[0] { ("Palavras do Bruno", &two.1) } else { ("Palavras da Ana", &one.1) };
        assert_eq!((&shown["state"], &shown["headline"]), (&json!("issued"), &json!(words)), "round {round}");
        assert!(lost.1.contains(lost.0), "nobody's words are thrown away");
        let issuer = if led[0] { "ana" } else { "bruno" };
        assert_eq!(shown["approved_by"], issuer);
    }
    assert_eq!(room.count("select count(*) from alert where number is not null").await, 6);
}

#[tokio::test]
async fn policies_ask_by_hazard_level_and_people_and_the_page_says_which_and_why() {
    let policy = |name: &str, approvals| Policy {
        name: name.into(),
        hazards: Vec::new(),
        levels: Vec::new(),
        kinds: Vec::new(),
        people_from: None,
        people_below: None,
        approvals,
        plancon: String::new(),
    };
    let room = Room::configured(|config| {
        let slope = Policy {
            hazards: vec!["1.1.3.2.1".parse().unwrap()],
            levels: vec![Level::Maximum],
            ..policy("encosta", Needs::Two)
        };
        let many = Policy { people_from: Some(4), ..policy("muita gente", Needs::Two) };
        let plan = Policy { plancon: "PLANCON 4.2".into(), ..policy("plano", Needs::Automatic) };
        config.alerts.policies = vec![slope, many, plan, policy("resto", Needs::One)];
    })
    .await;
    room.people().await;
    let ana = room.person("ana", Role::Approver).await;
    room.person("bruno", Role::Approver).await;
    let asked = async |id: AlertId| room.api(&ana.token, Method::GET, &format!("/{id}/approval"), Value::Null).await.1;
    let highest = room.draft(&ana, "maximum").await;
    let told = asked(highest).await;
    assert_eq!((&told["approvals"], &told["policy"]), (&json!("two"), &json!("encosta")));
    assert_eq!(told["because"], json!([{ "hazard": "1.1.3.2.1" }, { "level": "maximum" }]));
    let page = room.page(&ana, &format!("/console/alerts/{highest}")).await;
    assert!(page.contains("Policy “encosta”: two persons approve.") && page.contains("hazard: Landslide"), "{page}");
    // Three people are not many, and what a person wrote is none of the plan's.
    let lower = room.draft(&ana, "alert").await;
    let told = asked(lower).await;
    assert_eq!((&told["approvals"], &told["policy"]), (&json!("one"), &json!("resto")));
    assert_eq!(told["because"], json!(["everything", { "not_automatic": { "policy": "plano", "why": "by_person" } }]));
    let page = room.page(&ana, &format!("/console/alerts/{lower}")).await;
    assert!(page.contains("the draft is a person’s"), "{page}");
    sqlx::raw_sql(
        "insert into resident (id, name, consent_at, consent_source, created_at) values (gen_random_uuid(), 'Dora', now(), 'test', now());
         insert into resident_place (resident_id, geom, precision_m)
             select id, 'SRID=4326;POINT(-43.395 -21.75)', 0 from resident where name = 'Dora'",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    let told = asked(lower).await;
    assert_eq!((&told["approvals"], &told["policy"]), (&json!("two"), &json!("muita gente")));
    assert_eq!(told["because"], json!([{ "people": { "inside": 4, "from": 4, "below": null } }]));
    assert_eq!(room.approve(&ana.token, lower, 1).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_answers_an_alert_that_was_answered_meanwhile_is_dropped_with_its_words() {
    let room = Room::open(&[]).await;
    let (ana, bruno) = (room.person("ana", Role::Approver).await, room.person("bruno", Role::Approver).await);
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::OK);
    let (update, clear) = (room.answer(&ana, id, "update").await, room.answer(&bruno, id, "all-clear").await);
    let revision = room.edit(&ana, update, 1, "Palavras da Ana").await;
    assert_eq!(room.act(&ana, update, "submit", json!({ "revision": revision })).await.0, StatusCode::NO_CONTENT);
    assert_eq!(room.approve(&bruno.token, clear, 1).await.0, StatusCode::OK);
    let states = [room.state(id).await, room.state(update).await, room.state(clear).await];
    assert_eq!(states, ["cleared", "discarded", "cleared"]);
    let shown = room.show(&ana, update).await;
    assert_eq!(shown["headline"], "Palavras da Ana");
    let last = shown["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["detail"]["reason"], "alert 2026/001 is cleared already");
    assert_eq!(room.approve(&bruno.token, update, revision).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_cancellation_is_asked_twice_and_update_and_end_are_one_click() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::OK);
    let path = format!("/console/alerts/{id}");
    let page = room.page(&ana, &path).await;
    for kind in ["all_clear", "update", "cancel"] {
        assert!(page.contains(&format!("name=\"kind\" value=\"{kind}\"")), "{kind}: {page}");
    }
    let answer = format!("{path}/answer");
    let (status, asked) = room.post(&ana, &answer, "kind=cancel").await;
    assert_eq!(status, StatusCode::OK);
    assert!(asked.contains("Cancel alert 2026/001?") && asked.contains("name=\"reason\""), "{asked}");
    let (status, again) = room.post(&ana, &answer, "kind=cancel&confirmed=yes&reason=+").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{again}");
    assert_eq!(room.count("select count(*) from alert where kind <> 'alert'").await, 0);
    assert_eq!(room.post(&ana, &answer, "kind=update").await.0, StatusCode::SEE_OTHER);
    assert_eq!(
        room.post(&ana, &answer, "kind=cancel&confirmed=yes&reason=sensor+com+defeito").await.0,
        StatusCode::SEE_OTHER
    );
    let drafts = "select kind || ' ' || (headline <> '' and instruction <> '' and sms_text <> '')::text from alert
                  where references_alert_id is not null order by kind";
    assert_eq!(room.words(drafts).await, ["cancel true", "update true"], "prefilled");
    let why = "select reason from audit_event where act = 'alert.draft' and reason <> ''";
    assert_eq!(room.words(why).await, ["sensor com defeito"]);
    // A second reason is not lost because a draft waits already.
    let twice = room.post(&ana, &answer, "kind=cancel&confirmed=yes&reason=e+o+bairro+errado").await;
    assert_eq!(twice.0, StatusCode::SEE_OTHER);
    let given = "select detail ->> 'reason' from alert_event where action = 'reason given' order by id";
    assert_eq!(room.words(given).await, ["sensor com defeito", "e o bairro errado"]);
    // Over the API it is asked for too, and bounded everywhere.
    for body in [Value::Null, json!({}), json!({ "reason": " " }), json!({ "reason": "x".repeat(4001) })] {
        let (status, said) = room.act(&ana, id, "cancel", body).await;
        assert!(status == StatusCode::BAD_REQUEST || status == StatusCode::UNPROCESSABLE_ENTITY, "{status} {said}");
    }
    let long = format!("kind=cancel&confirmed=yes&reason={}", "x".repeat(4001));
    assert_eq!(room.post(&ana, &answer, &long).await.0, StatusCode::CONFLICT);
    // Whoever sees that it was right after all ends it instead.
    assert_eq!(room.post(&ana, &answer, "kind=cancel&kind_instead=all_clear&reason=").await.0, StatusCode::SEE_OTHER);
    assert_eq!(room.count("select count(*) from alert where kind = 'all_clear'").await, 1);
}

#[tokio::test]
async fn the_word_of_an_end_is_sent_to_the_last_and_what_it_ended_is_not() {
    let room = Room::open(&[]).await;
    room.people().await;
    let ana = room.person("ana", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::OK);
    let now = room.app.clock.now();
    // One message of the alert left, one is in a worker's hands, one waits.
    sqlx::raw_sql(
        "update outbox set state = 'accepted', attempts = 1 where address like '%65';
         update outbox set state = 'sending', attempts = 1, fence = 1, lease_until = '2026-02-22 11:59Z' where address like '%66'",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    let clear = room.answer(&ana, id, "all-clear").await;
    assert_eq!(room.approve(&ana.token, clear, 1).await.0, StatusCode::OK);
    let mut conn = room.db.pool.acquire().await.unwrap();
    let sms = sentinela::dispatch::provider::Channel::Sms;
    claim::take_back(&mut conn, now + TimeDelta::minutes(1), sms.as_str()).await.unwrap();
    claim::bury(&mut conn, now + TimeDelta::minutes(1), sms.as_str()).await.unwrap();
    let rows = "select a.kind || ' ' || right(o.address, 2) || ' ' || o.state || ' ' || o.reason from outbox o
                join alert a on a.id = o.alert_id order by 1";
    let left = room.words(rows).await;
    let all: Vec<&str> = left.iter().map(|row| row.trim()).collect();
    let told = [
        "alert 65 accepted",
        "alert 66 suppressed cleared",
        "alert 67 suppressed cleared before it was sent",
        "all_clear 65 pending",
        "all_clear 66 pending",
        "all_clear 67 pending",
    ];
    assert_eq!(all, told);
    // What is given back after the alert was answered stays here; what the end says goes on.
    sqlx::raw_sql("update outbox set state = 'sending', attempts = 1, fence = 7, lease_until = '2030-01-01Z' where address like '%67'")
        .execute(&room.db.pool)
        .await
        .unwrap();
    let ids: Vec<i64> = sqlx::query_scalar("select id from outbox where address like '%67' order by id")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    assert_eq!(claim::release(&mut conn, now, &ids, &[7, 7]).await.unwrap(), 2);
    let states: Vec<String> = sqlx::query_scalar("select state from outbox where address like '%67' order by id")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    assert_eq!(states, ["suppressed", "pending"]);
    // A large audience is written to its end as well.
    sqlx::query("update dispatch_run set spread_at = null where alert_id = $1")
        .bind(clear.0)
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::raw_sql(
        "delete from outbox where address like '%66' and alert_id = (select id from alert where kind = 'all_clear')",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    assert_eq!(spread::spread(&mut conn, now).await.unwrap(), Some(clear));
    assert_eq!(room.words(rows).await.iter().filter(|row| row.starts_with("all_clear")).count(), 3);
}

#[tokio::test]
async fn a_superseded_alert_is_superseded_on_every_page_and_feed() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    let (_, first) = room.approve(&ana.token, id, 1).await;
    let update = room.answer(&ana, id, "update").await;
    let (_, second) = room.approve(&ana.token, update, 1).await;
    let (old, new) = (first["cap_identifier"].as_str().unwrap(), second["cap_identifier"].as_str().unwrap());
    for path in ["/", "/alerts/feed.atom", "/alerts/feed.rss"] {
        let (status, body) = room.stranger(Method::GET, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(body.contains(new) && !body.contains(&format!("/alerts/{old}")), "{path}: {body}");
    }
    for path in [
        "/alerts/active.geojson",
        "/banner",
        "/alerts/areas/bom-pastor/feed.atom",
        "/alerts/hazards/1.1.3.2.1/feed.rss",
    ] {
        let (status, body) = room.stranger(Method::GET, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(body.contains(new) && !body.contains(&format!("/alerts/{old}")), "{path}: {body}");
    }
    let (_, page) = room.stranger(Method::GET, &format!("/alerts/{old}")).await;
    assert!(page.contains("[replaced]") && page.contains(new), "its own address says so: {page}");
    let active = room.api(&ana.token, Method::GET, "?state=active", Value::Null).await.1;
    let ids: Vec<&Value> = active.as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&json!(update.0)]);
    let (_, xml) = room.stranger(Method::GET, &format!("/alerts/{new}.xml")).await;
    assert!(xml.contains(&format!("{old},")), "the update references it: {xml}");
    let page = room.page(&ana, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("superseded") && !page.contains("value=\"cancel\""), "{page}");
    // One incident holds both, and tells of both.
    assert_eq!(room.count("select count(distinct incident_id) from incident_alert").await, 1);
    assert_eq!(room.count("select count(*) from incident_alert").await, 2);
    // Its end is the end everywhere.
    let clear = room.answer(&ana, update, "all-clear").await;
    assert_eq!(room.approve(&ana.token, clear, 1).await.0, StatusCode::OK);
    for path in ["/alerts/active.geojson", "/banner"] {
        let (_, body) = room.stranger(Method::GET, path).await;
        assert!(!body.contains(new) && !body.contains(old), "{path}: {body}");
    }
    let (_, feed) = room.stranger(Method::GET, "/alerts/areas/bom-pastor/feed.atom").await;
    assert!(!feed.contains(&format!("/alerts/{new}")) && !feed.contains(&format!("/alerts/{old}")), "{feed}");
}

#[tokio::test]
async fn a_system_message_is_marked_like_a_test_and_goes_to_no_resident() {
    let room = Room::open(&[]).await;
    room.people().await;
    let ana = room.person("ana", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::System).await;
    let (status, issued) = room.approve(&ana.token, id, 1).await;
    assert_eq!((status, &issued["recipients"]), (StatusCode::OK, &json!(0)), "{issued}");
    let shown = room.show(&ana, id).await;
    assert!(shown["headline"].as_str().unwrap().starts_with("TESTE"), "{shown}");
    assert_eq!(room.count("select count(*) from outbox").await, 0);
    let (_, xml) =
        room.stranger(Method::GET, &format!("/alerts/{}.xml", issued["cap_identifier"].as_str().unwrap())).await;
    assert!(xml.contains("<status>System</status>"), "{xml}");
    let made_real = sqlx::query("update alert set status = 'actual'").execute(&room.db.pool).await.unwrap_err();
    assert!(made_real.to_string().contains("status system cannot become actual"), "{made_real}");
}

#[tokio::test]
async fn a_rules_draft_whose_places_a_person_changed_never_leaves_by_itself() {
    let room = Room::configured(|config| {
        config.alerts.policies = vec![Policy {
            name: "plano".into(),
            hazards: Vec::new(),
            levels: Vec::new(),
            kinds: Vec::new(),
            people_from: None,
            people_below: None,
            approvals: Needs::Automatic,
            plancon: "PLANCON 4.2".into(),
        }];
    })
    .await;
    let olga = room.person("olga", Role::Operator).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    let asked = async || room.api(&olga.token, Method::GET, &format!("/{id}/approval"), Value::Null).await.1;
    assert_eq!(
        (asked().await["approvals"].clone(), asked().await["plancon"].clone()),
        (json!("automatic"), json!("PLANCON 4.2"))
    );
    let place = json!({ "revision": 1, "place": { "risk_area": "linhares" } });
    let (status, said) = room.act(&olga, id, "places", place).await;
    assert_eq!(status, StatusCode::CREATED, "{said}");
    let told = asked().await;
    assert_eq!((&told["approvals"], &told["policy"]), (&json!("one"), &Value::Null));
    assert_eq!(told["because"], json!(["no_policy", { "not_automatic": { "policy": "plano", "why": "edited" } }]));
}

#[tokio::test]
async fn an_alert_begins_from_nothing_on_the_console_and_a_test_reaches_testers_alone() {
    let room = Room::configured(|config| {
        config.exercises.testers = vec!["ti@exemplo.invalid".into()];
    })
    .await;
    room.people().await;
    let ana = room.person("ana", Role::Approver).await;
    let list = room.page(&ana, "/console/alerts").await;
    assert!(list.contains("href=\"/console/alerts/new\""), "{list}");
    assert!(room.page(&ana, "/console").await.contains("href=\"/console/alerts/new\""));
    let form = room.page(&ana, "/console/alerts/new").await;
    for text in ["value=\"actual\" required checked", "value=\"test\"", "value=\"system\"", "There is 1 tester"] {
        assert!(form.contains(text), "{text}: {form}");
    }
    assert!(!form.contains("value=\"exercise\""), "an exercise begins at the exercises: {form}");
    let (status, asked) = room.post(&ana, "/console/alerts/new", "status=exercise&cobrade=9.9").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in ["Choose the hazard", "Choose the level", "Say whether it is real"] {
        assert!(asked.contains(text), "{text}: {asked}");
    }
    let (status, _) = room.post(&ana, "/console/alerts/new", "cobrade=1.1.3.2.1&level=maximum&status=test").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    // A form that is sent twice begins one draft.
    let again = room.post(&ana, "/console/alerts/new", "cobrade=1.1.3.2.1&level=maximum&status=test").await;
    assert_eq!(again.0, StatusCode::SEE_OTHER);
    let id: uuid::Uuid = sqlx::query_scalar("select id from alert").fetch_one(&room.db.pool).await.unwrap();
    let id = AlertId(id);
    let places = room.page(&ana, &format!("/console/alerts/{id}/places?done=begun")).await;
    assert!(places.contains("No place yet") && places.contains("Say where it holds"), "{places}");
    // Without a place it is looked at like every draft, and cannot leave.
    let review = room.page(&ana, &format!("/console/alerts/{id}")).await;
    assert!(review.contains("it has no area") && review.contains("Goes to testers only"), "{review}");
    // The e-mail is shown as it would leave, with its banner, where, until when and links.
    for text in ["*** TESTE. Esta mensagem prova os canais", "Vale até: ", "(identifier given at the issue).xml"] {
        assert!(review.contains(text), "{text}: {review}");
    }
    assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::BAD_REQUEST);
    let place = json!({ "revision": 1, "place": { "risk_area": "bom-pastor" } });
    let (status, said) = room.act(&ana, id, "places", place).await;
    assert_eq!(status, StatusCode::CREATED, "{said}");
    let shown = room.show(&ana, id).await;
    let headline = shown["headline"].as_str().unwrap();
    assert!(headline.starts_with("TESTE") && headline.ends_with("em Bom Pastor"), "{headline}");
    let (status, issued) = room.approve(&ana.token, id, 2).await;
    assert_eq!((status, &issued["recipients"]), (StatusCode::OK, &json!(0)), "{issued}");
    assert_eq!(room.count("select count(*) from outbox").await, 0);
    assert_eq!(room.words("select channel from alert_copy").await, ["email"]);
    let (_, xml) =
        room.stranger(Method::GET, &format!("/alerts/{}.xml", issued["cap_identifier"].as_str().unwrap())).await;
    assert!(xml.contains("<status>Test</status>"), "{xml}");
}

#[tokio::test]
async fn a_program_says_whether_its_draft_is_real() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Approver).await;
    let draft = async |status: Option<&str>| {
        let mut body = json!({ "cobrade": "1.1.3.2.1", "level": "alert", "areas": ["bom-pastor"] });
        if let Some(status) = status {
            body["status"] = json!(status);
        }
        let (code, made) = room.api(&ana.token, Method::POST, "", body).await;
        match made["id"].as_str() {
            Some(id) => (code, room.show(&ana, AlertId(id.parse().unwrap())).await["status"].clone()),
            None => (code, made),
        }
    };
    for (given, kept) in
        [(None, "actual"), (Some("actual"), "actual"), (Some("test"), "test"), (Some("system"), "system")]
    {
        assert_eq!(draft(given).await, (StatusCode::CREATED, json!(kept)), "{given:?}");
    }
    let (status, refused) = draft(Some("exercise")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refused.to_string().contains("expected one of actual, test, system"), "{refused}");
    assert!(draft(Some("unreal")).await.0.is_client_error());
    // Where the whole service exercises nothing real begins.
    let drill = Room::open(&[("SENTINELA__ALERTS__STATUS", "exercise")]).await;
    let olga = drill.person("olga", Role::Operator).await;
    let body = json!({ "cobrade": "1.1.3.2.1", "level": "alert", "areas": ["bom-pastor"], "status": "actual" });
    assert_eq!(drill.api(&olga.token, Method::POST, "", body).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_somebody_had_in_hand_never_leaves_by_itself() {
    let room = Room::configured(|config| {
        config.alerts.policies = vec![Policy {
            name: "plano".into(),
            hazards: Vec::new(),
            levels: Vec::new(),
            kinds: Vec::new(),
            people_from: None,
            people_below: None,
            approvals: Needs::Automatic,
            plancon: "PLANCON 4.2".into(),
        }];
    })
    .await;
    let (olga, ana) = (room.person("olga", Role::Operator).await, room.person("ana", Role::Approver).await);
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    let asked = async || room.api(&olga.token, Method::GET, &format!("/{id}/approval"), Value::Null).await.1;
    assert_eq!(asked().await["approvals"], "automatic");
    let in_hand = json!(["no_policy", { "not_automatic": { "policy": "plano", "why": "in_hand" } }]);
    assert_eq!(room.act(&olga, id, "submit", json!({ "revision": 1 })).await.0, StatusCode::NO_CONTENT);
    assert_eq!(asked().await["because"], in_hand);
    let back = json!({ "revision": 1, "reason": "falta o ponto de encontro" });
    assert_eq!(room.act(&ana, id, "return", back).await.0, StatusCode::OK);
    assert_eq!(asked().await["because"], in_hand);
    let page = room.page(&ana, &format!("/console/alerts/{id}")).await;
    assert!(page.contains("somebody has submitted, returned or approved it already"), "{page}");
}

/// Whatever changes what a draft says or where: each takes the approvals and the submission.
#[tokio::test]
async fn every_way_to_change_a_draft_takes_its_approvals_and_its_submission() {
    let room = Room::open(TWO).await;
    let (olga, ana) = (room.person("olga", Role::Operator).await, room.person("ana", Role::Approver).await);
    room.person("bruno", Role::Approver).await;
    let id = room.draft(&olga, "maximum").await;
    let revision = async || i32::try_from(room.show(&olga, id).await["revision"].as_i64().unwrap()).unwrap();
    let at = |path: &str| format!("/{id}{path}");
    let texts = json!({ "headline": "Leave", "description": "Landslides in Bom Pastor.", "instruction": "1. Leave now.",
        "sms_text": "CIVIL DEFENSE: leave Bom Pastor now." });
    for act in ["place added", "place removed", "place restored", "other texts", "regenerated", "edited"] {
        let now = revision().await;
        assert_eq!(room.act(&olga, id, "submit", json!({ "revision": now })).await.0, StatusCode::NO_CONTENT, "{act}");
        assert_eq!(room.approve(&ana.token, id, now).await.0, StatusCode::ACCEPTED, "{act}");
        let said = match act {
            "place added" => {
                let place = json!({ "revision": now, "place": { "risk_area": "linhares" } });
                room.api(&olga.token, Method::POST, &at("/places"), place).await
            }
            "place removed" => {
                let places = room.api(&olga.token, Method::GET, &at("/places"), Value::Null).await.1;
                let place =
                    places["places"].as_array().unwrap().iter().find(|place| place["name"] == "Linhares").unwrap();
                let path = format!("/places/{}?revision={now}", place["id"].as_str().unwrap());
                room.api(&olga.token, Method::DELETE, &at(&path), Value::Null).await
            }
            "place restored" => {
                room.api(&olga.token, Method::POST, &at("/places/restore"), json!({ "revision": now })).await
            }
            "other texts" => {
                let body = json!({ "revision": now, "texts": texts });
                room.api(&olga.token, Method::PUT, &at("/texts/en"), body).await
            }
            "regenerated" => {
                room.api(&olga.token, Method::POST, &at("/texts/en/regenerate"), json!({ "revision": now })).await
            }
            _ => {
                room.edit(&olga, id, now, "Outra manchete").await;
                (StatusCode::OK, Value::Null)
            }
        };
        assert!(said.0.is_success(), "{act}: {}", said.1);
        let shown = room.show(&olga, id).await;
        assert_eq!((&shown["state"], &shown["submitted_by"]), (&json!("draft"), &Value::Null), "{act}");
        assert_eq!(shown["revision"], json!(now + 1), "{act}");
        let standing = room.api(&ana.token, Method::GET, &at("/approval"), Value::Null).await.1;
        assert_eq!(standing["given"], json!([]), "{act}: {standing}");
        assert_eq!(room.approve(&ana.token, id, now).await.0, StatusCode::CONFLICT, "{act}: of what was before");
    }
}

#[tokio::test]
async fn the_database_keeps_an_issued_alert_its_places_and_the_way_of_its_life() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Approver).await;
    let id = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    let circle = json!({ "revision": 1, "place": { "circle": { "lat": -21.75, "lon": -43.39, "radius_km": 1.0 }, "name": "Praça" } });
    assert_eq!(room.act(&ana, id, "places", circle).await.0, StatusCode::CREATED);
    let other = room.draft_by_rule(Level::Maximum, AlertStatus::Actual).await;
    assert_eq!(room.approve(&ana.token, id, 2).await.0, StatusCode::OK);
    let run = async |sql: &'static str, id: AlertId| {
        let done = sqlx::query(sql).bind(id.0).execute(&room.db.pool).await;
        done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
    };
    for sql in [
        "insert into alert_area (alert_id, area_id, name, geom) select $1, id, name, geom from risk_area where code = 'linhares'",
        "update alert_area set name = 'x' where alert_id = $1",
        "delete from alert_area where alert_id = $1",
        "update alert_area set alert_id = (select id from alert where state = 'draft') where alert_id = $1 and area_id in
             (select id from risk_area)",
        "update alert_shape set alert_id = (select id from alert where state = 'draft') where alert_id = $1",
        "update alert_text set alert_id = (select id from alert where state = 'draft'), language = 'fr-FR' where alert_id = $1
             and language = 'en'",
        "update alert set kind = 'update' where id = $1",
        "update alert set references_alert_id = (select id from alert where state = 'draft') where id = $1",
        "update alert set severity = 'Minor' where id = $1",
        "update alert set revision = revision + 1 where id = $1",
    ] {
        let refused = run(sql, id).await.unwrap_err();
        assert!(refused.contains("is issued and cannot be rewritten"), "{sql}: {refused}");
    }
    for sql in [
        "update alert set state = 'draft' where id = $1",
        "update alert set state = 'submitted', submitted_at = now(), submitted_by = 'x' where id = $1",
        "update alert set state = 'discarded' where id = $1",
    ] {
        let refused = run(sql, id).await.unwrap_err();
        assert!(refused.contains("is issued and cannot become"), "{sql}: {refused}");
    }
    // A draft keeps its freedom, and what is over does not come back.
    assert_eq!(run("update alert_area set name = 'x' where alert_id = $1", other).await, Ok(1));
    assert_eq!(run("update alert set state = 'expired' where id = $1", id).await, Ok(1));
    assert!(
        run("update alert set state = 'issued' where id = $1", id).await.unwrap_err().contains("cannot become issued")
    );
    assert_eq!(run("update alert set state = 'cleared' where id = $1", id).await, Ok(1));
}
