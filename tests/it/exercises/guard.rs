//! Messages of exercises, tests and the system never reach residents who did not join: tried in every way there is.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::accounts::Role;
use sentinela::alerts::draft::{Drafter, Subject};
use sentinela::alerts::issue::Issuer;
use sentinela::alerts::{AlertKind, store};
use sentinela::config::AlertStatus;
use sentinela::dispatch::decide::{Next, State};
use sentinela::dispatch::outbox;
use sentinela::dispatch::store::claim::{self, Ending};
use sentinela::dispatch::store::notice;
use sentinela::ids::{AlertId, AreaId};
use sentinela::units::Level;
use serde_json::json;

use super::{ANA, BETO, Room};

const TOLD: &str = "select address || ' ' || state || ' ' || basis from outbox order by address";

async fn draft(room: &Room, status: AlertStatus) -> AlertId {
    let mut conn = room.app.db.web.acquire().await.unwrap();
    let area: i64 = sqlx::query_scalar("select id from risk_area").fetch_one(&mut *conn).await.unwrap();
    let subject = Subject {
        kind: AlertKind::Alert,
        cobrade: "1.1.3.2.1".parse().unwrap(),
        level: Level::Maximum,
        areas: &[AreaId(area)],
        references: None,
        status,
        rule: None,
        reasons: &[],
    };
    let app = &room.app;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    drafter.create(&mut conn, app.clock.now(), "ana", &subject).await.unwrap()
}

async fn issue(room: &Room, id: AlertId) -> Result<i64, String> {
    let mut tx = room.app.db.web.begin().await.unwrap();
    let revision = store::load(&mut tx, id).await.unwrap().unwrap().row.revision;
    let issuer = Issuer::of(&room.app);
    let issued = issuer.issue(&mut tx, room.app.clock.now(), "ana", id, revision).await.map_err(|e| e.to_string())?;
    tx.commit().await.unwrap();
    Ok(issued.recipients)
}

#[tokio::test]
async fn an_exercise_alert_reaches_whoever_joined_and_nobody_else() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, BETO, "all").await;
    assert_eq!(room.act(&ana, &id, "start").await.status, StatusCode::NO_CONTENT);
    room.alert(&ana, &id).await;
    assert_eq!(room.texts(TOLD).await, ["+5532900000002 pending inside", "beto@example.org pending inside"]);
}

#[tokio::test]
async fn without_an_exercise_it_reaches_nobody_and_what_answers_it_neither() {
    let room = Room::open(&[]).await;
    let lone = draft(&room, AlertStatus::Exercise).await;
    assert_eq!(issue(&room, lone).await, Ok(0));
    let app = &room.app;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let mut conn = app.db.web.acquire().await.unwrap();
    let clear = drafter.answer(&mut conn, app.clock.now(), "ana", lone, AlertKind::AllClear).await.unwrap();
    drop(conn);
    assert_eq!(issue(&room, clear).await, Ok(0));
    assert_eq!(room.texts(TOLD).await, Vec::<String>::new());
}

#[tokio::test]
async fn tests_go_to_the_testers_of_the_configuration_and_to_no_resident() {
    let testers = ("SENTINELA__EXERCISES__TESTERS", "(32) 90000-0099,teste@defesacivil.example.org");
    let room = Room::open(&[testers]).await;
    let id = draft(&room, AlertStatus::Test).await;
    assert_eq!(issue(&room, id).await, Ok(0));
    assert_eq!(room.texts(TOLD).await, Vec::<String>::new());
    assert_eq!(
        room.texts("select address || ' ' || left(subject || body, 7) from notice order by address").await,
        ["+5532900000099 TESTE: ", "teste@defesacivil.example.org TESTE: "]
    );
    assert_eq!(
        room.texts("select channel from alert_copy where participant_id is null order by 1").await,
        ["email", "sms"]
    );
}

#[tokio::test]
async fn the_database_refuses_a_row_for_somebody_who_did_not_join_whoever_writes_it() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, BETO, "all").await;
    room.act(&ana, &id, "start").await;
    room.alert(&ana, &id).await;
    let insert = "insert into outbox (alert_id, resident_id, channel, address, priority, state, next_attempt_at, expires_at, created_at)
        select a.id, r.id, 'sms', '+5532900000001', 0, 'pending', now(), now() + interval '1 hour', now()
        from alert a, resident r where r.name = 'Ana'";
    let refused = room.run(insert).await.unwrap_err();
    assert!(refused.contains("reaches only those who joined its exercise"), "{refused}");
    // Nor hidden among many that are right: the whole statement is refused.
    let many = "insert into outbox (alert_id, resident_id, channel, address, priority, state, next_attempt_at, expires_at, created_at)
        select a.id, r.id, 'email', r.name, 0, 'pending', now(), now() + interval '1 hour', now() from alert a, resident r";
    assert!(room.run(many).await.is_err());
    // Nor kept back, to be let out later.
    let hidden = "insert into outbox (alert_id, resident_id, channel, address, priority, state, next_attempt_at, expires_at, created_at)
        select a.id, r.id, 'sms', '+5532900000001', 0, 'suppressed', now(), now(), now() from alert a, resident r where r.name = 'Ana'";
    assert!(room.run(hidden).await.is_err());
    // Nor by turning a row round.
    let turned = "update outbox set resident_id = (select id from resident where name = 'Ana') where channel = 'sms'";
    assert!(room.run(turned).await.unwrap_err().contains("keeps its alert and its recipient"));
    // Nor by giving a real alert an exercise, or an issued one another.
    let lent = room.run("update alert set exercise_id = null").await.unwrap_err();
    assert!(lent.contains("cannot be rewritten"), "{lent}");
    let real = draft(&room, AlertStatus::Actual).await;
    let mixed = sqlx::query("update alert set exercise_id = (select id from exercise) where id = $1").bind(real.0);
    let mixed = mixed.execute(&room.db.pool).await.unwrap_err().to_string();
    assert!(mixed.contains("belongs to no exercise"), "{mixed}");
    assert_eq!(room.texts("select address from outbox order by 1").await, ["+5532900000002", "beto@example.org"]);
}

#[tokio::test]
async fn a_test_alert_cannot_be_enqueued_for_residents_even_by_hand() {
    let room = Room::open(&[]).await;
    let id = draft(&room, AlertStatus::Test).await;
    issue(&room, id).await.unwrap();
    let mut tx = room.db.pool.begin().await.unwrap();
    assert_eq!(outbox::enqueue(&mut tx, room.app.clock.now(), id).await.unwrap().sms, 0);
    let insert = "insert into outbox (alert_id, resident_id, channel, address, priority, state, next_attempt_at, expires_at, created_at)
        select a.id, r.id, 'sms', r.id::text, 0, 'pending', now(), now() + interval '1 hour', now() from alert a, resident r";
    let refused = sqlx::query(insert).execute(&mut *tx).await.unwrap_err().to_string();
    assert!(refused.contains("(test) is not for resident"), "{refused}");
}

#[tokio::test]
async fn a_real_alert_reaches_everyone_inside_as_before() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, BETO, "all").await;
    let real = draft(&room, AlertStatus::Actual).await;
    assert_eq!(issue(&room, real).await, Ok(4));
    assert_eq!(room.texts("select count(*)::text from alert_copy").await, ["0"]);
}

#[tokio::test]
async fn a_large_town_is_no_way_round_the_list() {
    let room = Room::open(&[]).await;
    sqlx::raw_sql(
        "insert into resident (id, name, consent_at, consent_source, created_at)
             select ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'N', now(), 'teste', now()
             from generate_series(1, 5200) n;
         insert into resident_place (resident_id, geom, precision_m)
             select id, st_setsrid(st_makepoint(-43.395, -21.75), 4326), 10 from resident where name = 'N';
         insert into resident_channel (resident_id, kind, address, verified_at)
             select id, 'sms', '+55329' || right(id::text, 8), now() from resident where name = 'N';",
    )
    .execute(&room.db.pool)
    .await
    .unwrap();
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, ANA, "place").await;
    room.act(&ana, &id, "start").await;
    room.alert(&ana, &id).await;
    assert_eq!(room.texts(TOLD).await, ["+5532900000001 pending inside"]);
    assert_eq!(room.texts("select count(*)::text from dispatch_run where spread_at is null").await, ["0"]);
}

#[tokio::test]
async fn whoever_shares_a_telephone_with_somebody_who_did_not_join_is_told_all_the_same() {
    let room = Room::open(&[]).await;
    // Ana comes first in the order of ids and has the same telephone, and did not join.
    room.run("update resident_channel set address = '+5532900000001' where address = '+5532900000002'").await.unwrap();
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, BETO, "all").await;
    room.act(&ana, &id, "start").await;
    room.alert(&ana, &id).await;
    assert_eq!(room.texts(TOLD).await, ["+5532900000001 pending inside", "beto@example.org pending inside"]);
}

#[tokio::test]
async fn every_message_or_only_those_for_where_they_live_is_their_own_choice() {
    let room = Room::open(&[]).await;
    room.run("update resident_place set geom = st_setsrid(st_makepoint(-43.0, -21.0), 4326)").await.unwrap();
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, ANA, "all").await;
    room.joins(&id, BETO, "place").await;
    room.act(&ana, &id, "start").await;
    room.alert(&ana, &id).await;
    assert_eq!(room.texts(TOLD).await, ["+5532900000001 pending joined"]);
}

#[tokio::test]
async fn whoever_took_the_consent_to_exercises_back_or_was_erased_is_not_told() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, ANA, "all").await;
    room.joins(&id, BETO, "all").await;
    room.act(&ana, &id, "start").await;
    room.run(
        "insert into consent (resident_id, purpose, given, at, source)
         select id, 'drills', false, now(), 'own page' from resident where name = 'Ana'",
    )
    .await
    .unwrap();
    room.run("update resident set deleted_at = now() where name = 'Beto'").await.unwrap();
    assert_eq!(room.texts("select count(*)::text from exercise_participant where left_at is null").await, ["1"]);
    room.alert(&ana, &id).await;
    assert_eq!(
        room.texts("select address || ' ' || state || ' ' || reason from outbox").await,
        ["+5532900000001 suppressed consent_withdrawn"]
    );
}

#[tokio::test]
async fn an_alert_of_an_exercise_leaves_only_while_it_runs() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    let made = room.api(&ana, Method::POST, &format!("exercises/{id}/alerts"), json!({ "level": "alert" })).await;
    let alert = made.json()["alert_id"].as_str().unwrap().to_owned();
    let issue = async || room.api(&ana, Method::POST, &format!("alerts/{alert}/issue"), json!({ "revision": 1 })).await;
    let early = issue().await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.text);
    assert!(early.text.contains("is planned; its alerts leave while it runs"), "{}", early.text);
    // An undecided alert keeps the exercise from being called off: nobody issues it afterwards.
    assert_eq!(room.act(&ana, &id, "cancel").await.status, StatusCode::CONFLICT);
    room.act(&ana, &id, "start").await;
    assert_eq!(issue().await.status, StatusCode::OK);
    let open = room.act(&ana, &id, "finish").await;
    assert_eq!(open.status, StatusCode::CONFLICT);
    assert!(open.text.contains("undecided or in force"), "{}", open.text);
}

#[tokio::test]
async fn a_service_that_exercises_as_a_whole_puts_its_drafts_into_the_exercise_that_runs() {
    let room = Room::open(&[("SENTINELA__ALERTS__STATUS", "exercise")]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    let before = draft(&room, AlertStatus::Exercise).await;
    room.act(&ana, &id, "start").await;
    let after = draft(&room, AlertStatus::Exercise).await;
    let of = async |alert: AlertId| -> Option<uuid::Uuid> {
        let query = sqlx::query_scalar("select exercise_id from alert where id = $1").bind(alert.0);
        query.fetch_one(&room.db.pool).await.unwrap()
    };
    assert_eq!((of(before).await, of(after).await.map(|id| id.to_string())), (None, Some(id)));
}

#[tokio::test]
async fn the_end_of_an_exercise_reaches_whoever_was_told_for_where_they_lived() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, ANA, "place").await;
    room.joins(&id, BETO, "place").await;
    room.act(&ana, &id, "start").await;
    let alert = room.alert(&ana, &id).await;
    room.run("update outbox set state = 'accepted', attempts = 1 where address like '+%'").await.unwrap();
    room.run("update resident_place set geom = st_setsrid(st_makepoint(-43.0, -21.0), 4326)").await.unwrap();
    let made = room.api(&ana, Method::POST, &format!("alerts/{alert}/all-clear"), serde_json::Value::Null).await.json();
    let clear = made["id"].as_str().unwrap();
    let issued = room.api(&ana, Method::POST, &format!("alerts/{clear}/issue"), json!({ "revision": 1 })).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    let told = "select o.address || ' ' || o.state || ' ' || o.basis from outbox o join alert a on a.id = o.alert_id
        where a.kind = 'all_clear' order by 1";
    let wanted = [
        "+5532900000001 pending told_before",
        "+5532900000002 pending told_before",
        "beto@example.org pending told_before",
    ];
    assert_eq!(room.texts(told).await, wanted);
}

#[tokio::test]
async fn copies_that_have_not_left_are_withdrawn_with_their_alert() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    for (name, phone) in [("Bombeiros", "32 99999-0001"), ("Escola", "32 99999-0002")] {
        let who = json!({ "kind": "institution", "name": name, "phone": phone });
        room.api(&ana, Method::POST, &format!("exercises/{id}/participants"), who).await;
    }
    room.act(&ana, &id, "start").await;
    let alert = room.alert(&ana, &id).await;
    // One is in a worker's hands when the end comes, and comes back.
    let now = room.app.clock.now();
    let mut conn = room.db.pool.acquire().await.unwrap();
    let provider = sentinela::dispatch::provider::providers(&room.app.config).remove(0);
    let held = notice::claim(&mut conn, now, &provider, 1, now + TimeDelta::seconds(30), None).await.unwrap();
    assert_eq!(held.len(), 1);
    let made = room.api(&ana, Method::POST, &format!("alerts/{alert}/all-clear"), serde_json::Value::Null).await.json();
    let clear = made["id"].as_str().unwrap();
    let issued = room.api(&ana, Method::POST, &format!("alerts/{clear}/issue"), json!({ "revision": 1 })).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    let copies = "select a.kind || ' ' || c.state || ' ' || (n.body = '')::text from alert_copy c join alert a on a.id = c.alert_id
        join notice n on n.id = c.notice_id order by 1";
    let sending =
        ["alert sending false", "alert suppressed true", "all_clear pending false", "all_clear pending false"];
    assert_eq!(room.texts(copies).await, sending);
    notice::release(&mut conn, now, &[held[0].id], &[held[0].fence]).await.unwrap();
    notice::sweep(&mut conn, now, provider.channel).await.unwrap();
    let over = ["alert suppressed true", "alert suppressed true", "all_clear pending false", "all_clear pending false"];
    assert_eq!(room.texts(copies).await, over);
}

#[tokio::test]
async fn what_comes_back_from_a_provider_is_not_sent_to_whoever_left_meanwhile() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, ANA, "all").await;
    room.joins(&id, BETO, "all").await;
    room.act(&ana, &id, "start").await;
    room.alert(&ana, &id).await;
    let now = room.app.clock.now();
    let mut conn = room.db.pool.acquire().await.unwrap();
    let provider = sentinela::dispatch::provider::providers(&room.app.config).remove(0);
    let held = claim::claim(&mut conn, now, &provider, 10, now + TimeDelta::seconds(30)).await.unwrap();
    assert_eq!(held.len(), 2);
    room.run("update exercise_participant set left_at = now()").await.unwrap();
    let ids: Vec<i64> = held.iter().map(|row| row.id.0).collect();
    assert_eq!(claim::overtaken(&mut conn, now, &ids).await.unwrap().len(), 2);
    let next = Next { state: State::Pending, reason: "throttled".into(), next_attempt_at: Some(now) };
    let (one, other) = (&held[0], &held[1]);
    let ending =
        Ending { id: one.id, fence: one.fence, attempt: one.attempt, next, parts: Vec::new(), is_dead_address: false };
    claim::complete(&mut conn, now, &provider.name, &[ending]).await.unwrap();
    claim::release(&mut conn, now, &[other.id.0], &[other.fence]).await.unwrap();
    let states = "select distinct state || ' ' || reason || ' ' || (final_at is not null)::text from outbox where channel = 'sms'";
    assert_eq!(room.texts(states).await, ["suppressed left_exercise true"]);
}

#[tokio::test]
async fn staff_get_announcements_and_copies_on_the_telephone_of_their_own_account() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    room.run("update staff set phone = '+5532911110001' where username = 'ana'").await.unwrap();
    let (id, _) = room.planned(&ana, 10).await;
    let who = json!({ "kind": "staff", "username": "ana" });
    let added = room.api(&ana, Method::POST, &format!("exercises/{id}/participants"), who).await;
    assert!(added.status.is_success(), "{}", added.text);
    room.act(&ana, &id, "announce").await;
    assert_eq!(
        room.texts("select address from notice where purpose = 'exercise_notice'").await,
        ["+5532911110001"],
        "one way, the telephone first"
    );
    room.act(&ana, &id, "start").await;
    room.alert(&ana, &id).await;
    assert_eq!(
        room.texts("select address from notice where purpose = 'alert_copy' order by 1").await,
        ["+5532911110001", "ana@defesacivil.example.org"]
    );
}
