//! The rules of retention on data that grow old, with a clock that is moved.

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use sentinela::accounts::{Role, store as accounts};
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::dispatch::notices::{Notice, queue};
use sentinela::dispatch::provider::Channel;
use sentinela::privacy::retention::{Done, Rule, carry_out, look};
use sentinela::reports::take::{Desk, take};
use sentinela::reports::{Kind, NewReport, Reporter, Source, Standing};
use sentinela::vault::access::Purpose;
use sentinela::vault::store::{NewRecord, put};
use sqlx::Executor as _;
use tower::ServiceExt as _;

use crate::dispatch::town::{INSIDE, Town};
use crate::ingest::gauge;
use crate::support::{self, TestDb, start_at};

/// One thing under each rule, all of them from `start_at`.
async fn fill(db: &TestDb, app: &App) {
    let town = Town::new(db).await;
    gauge(&db.pool, "RUI").await;
    town.resident(INSIDE, 30, &["+5532999991234"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let mut tx = db.pool.begin().await.unwrap();
    let notice = Notice {
        channel: Channel::Email,
        address: "maria@exemplo.br",
        subject: "Código",
        body: "123456",
        expires_at: start_at() + TimeDelta::minutes(10),
        purpose: "resident_code",
    };
    queue(&mut tx, &app.ids, start_at(), &notice).await.unwrap();
    let record = NewRecord {
        purpose: Purpose::ShelterHealth,
        subject: "shelter_stay:7",
        plain: "diabética".as_bytes(),
        created_by: "ana",
        keep_until: (start_at() + TimeDelta::days(30)).date_naive(),
    };
    put(&mut tx, &app.keys.vault, app.ids.uuid(start_at()), start_at(), &record).await.unwrap();
    reported(&mut tx, app).await;
    worked(&mut tx).await;
    tx.execute(
        "update outbox set state = 'delivered', final_at = created_at;
        insert into outbox_attempt (outbox_id, attempt, at, provider, outcome, detail)
            select id, 1, created_at, 'p', 'refused', 'no route to ' || address from outbox;
        insert into delivery_receipt (provider, received_at, raw, provider_message_id, status, address, error)
            select 'p', '2026-02-22T12:00:00Z', convert_to(address, 'UTF8'), '1', 'DELIVRD', address, 'no route to ' || address from outbox;
        insert into sms_message (source, destination, reference, total, last_at)
            values ('+5532999991234', '40199', 7, 2, '2026-02-22T12:00:00Z');
        insert into sink_message (at, channel, address, body, outbox_id)
            select '2026-02-22T12:00:00Z', channel, address, 'Saia.', id from outbox;
        update notice set state = 'expired', subject = '', body = '', final_at = created_at;
        insert into quarantine (received_at, source, payload, reason, value)
            values ('2026-02-22T12:00:00Z', 'http', 'call 32 99999-1234', 'no JSON', 'call 32 99999-1234');
        insert into resident_code (id, channel, address, sealed, created_at, expires_at)
            values ('00000000-0000-7000-8000-000000000001', 'sms', '+5532999991234', '', '2026-02-22T12:00:00Z', '2026-02-22T12:10:00Z')",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// A closed task and an open one, a morning report that was sent, and a command that ended and one that waits. The first two are
/// old already, so that their terms end with others.
async fn worked(conn: &mut sqlx::PgConnection) {
    conn.execute(
        "insert into staff (id, username, name, roles, created_at)
            values ('00000000-0000-7000-8000-000000000002', 'rui', 'Rui', array['operator'], '2021-01-01T00:00:00Z');
        insert into maintenance_task (station_id, opened_at, closed_at, closed_by, assigned_to)
            select id, '2021-05-01T00:00:00Z', '2021-05-24T12:00:00Z', 'rui', '00000000-0000-7000-8000-000000000002' from station where code = 'RUI';
        insert into maintenance_task (station_id, opened_at) select id, '2021-05-30T00:00:00Z' from station where code = 'RUI';
        insert into maintenance_event (task_id, at, actor, act, detail)
            select id, opened_at, 'rui', 'noted', 'chave com a vizinha' from maintenance_task where closed_at is not null;
        insert into morning_report (day, made_at, body) values ('2024-05-23', '2024-05-23T12:00:00Z', '{}');
        insert into morning_letter (day, staff_id, notice_id, queued_at) values
            ('2024-05-23', '00000000-0000-7000-8000-000000000002', gen_random_uuid(), '2024-05-23T12:00:00Z');
        insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at, ended_at, result)
            select gen_random_uuid(), d.id, 'reboot', '{}', g.state, 'rui', '2026-02-22T11:00:00Z', '2099-01-01T00:00:00Z', g.at, g.result
            from device d cross join (values ('acknowledged', '2026-02-22T12:00:00Z'::timestamptz, 'done'), ('queued', null, null))
                as g (state, at, result) where d.code = 'RUI'",
    )
    .await
    .unwrap();
}

/// A report of somebody who left a telephone.
async fn reported(conn: &mut sqlx::PgConnection, app: &App) {
    let reporter = Reporter {
        standing: Standing::Contact,
        known_by: "sms +5532999991234".into(),
        contact: Some("+5532999991234".into()),
        staff: None,
    };
    let new = NewReport {
        key: "api-0000000000000001".into(),
        source: Source::Api,
        kind: Kind::Fire,
        words: "fogo".into(),
        place: "Rua A".into(),
        spot: None,
        observed_at: None,
        language: "pt-BR",
        reporter,
        doubts: Vec::new(),
        pictures: &[],
    };
    take(conn, Desk::of(app), start_at(), new).await.unwrap();
}

fn of(done: &[Done], rule: Rule) -> i64 {
    done.iter().find(|done| done.rule == rule).unwrap().rows
}

async fn at_day(db: &TestDb, app: &App, days: i64) -> Vec<Done> {
    app.clock.set(start_at() + TimeDelta::days(days) + TimeDelta::minutes(11));
    let (now, privacy) = (app.clock.now(), &app.config.privacy);
    let told = look(&mut db.pool.acquire().await.unwrap(), privacy, now).await.unwrap();
    let done = carry_out(&db.pool, &app.ids, privacy, now, &Actor::service()).await.unwrap();
    for rule in Rule::ALL.iter().filter(|rule| **rule != Rule::OutboxAddresses) {
        assert_eq!(of(&told, *rule), of(&done, *rule), "{rule}: what was told is what was done");
    }
    assert_eq!(of(&told, Rule::OutboxAddresses) > 0, of(&done, Rule::OutboxAddresses) > 0);
    done
}

/// Every append-only table, row by row.
async fn kept(db: &TestDb) -> String {
    sqlx::query_scalar(
        "select concat((select string_agg(t::text, '|' order by id) from consent t),
            (select string_agg(t::text, '|' order by seq) from journal t),
            (select string_agg(t::text, '|' order by id) from alert_event t), (select count(*) from alert))",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn each_kind_of_data_goes_on_its_own_day_and_what_is_append_only_stays() {
    let db = support::db().await;
    let app = support::app(&db);
    fill(&db, &app).await;
    let before = kept(&db).await;
    let rows: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&db.pool).await.unwrap();
    let mut gone_on = Vec::new();
    for day in [0, 6, 7, 29, 30, 31, 89, 90, 179, 180, 400] {
        for done in at_day(&db, &app, day).await.iter().filter(|done| done.rows > 0) {
            gone_on.push((day, done.rule));
        }
    }
    let expected = [
        (7, Rule::Notices),
        (7, Rule::Sessions),
        (30, Rule::SinkMessages),
        (31, Rule::Vault),
        (90, Rule::QuarantinePayloads),
        (90, Rule::ReportContacts),
        (90, Rule::MaintenanceTasks),
        (90, Rule::MorningReports),
        (180, Rule::OutboxAddresses),
        (400, Rule::CommandIssuers),
    ];
    assert_eq!(gone_on, expected);
    assert_eq!(kept(&db).await, before);
    let after: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&db.pool).await.unwrap();
    assert_eq!(after, rows, "the accounts stay, without the address");
    let left: String = sqlx::query_scalar(
        "select concat((select string_agg(t::text, ' ') from outbox t), (select string_agg(t::text, ' ') from outbox_attempt t),
            (select string_agg(t::text, ' ') from delivery_receipt t), (select string_agg(t::text, ' ') from quarantine t),
            (select string_agg(t::text, ' ') from sms_message t), (select string_agg(t::text, ' ') from maintenance_event t))",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert!(!left.contains("99999") && !left.contains("1234"), "{left}");
    // What is open keeps who did it; of what ended the fact stays.
    let commands: Vec<String> = sqlx::query_scalar("select state || ':' || issued_by from device_command order by 1")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(commands, ["acknowledged:", "queued:rui"]);
    let tasks: Vec<bool> = sqlx::query_scalar("select closed_at is null from maintenance_task order by 1")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(tasks, [false, true]);
    let closed: (String, bool, String, String, String) = sqlx::query_as(
        "select t.closed_by, t.assigned_to is null, e.actor, e.act, e.detail
         from maintenance_task t join maintenance_event e on e.task_id = t.id where t.closed_at is not null",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    let nobody = String::new;
    assert_eq!(closed, (nobody(), true, nobody(), "noted".to_owned(), nobody()));
    let runs: i64 = sqlx::query_scalar("select count(*) from retention_run").fetch_one(&db.pool).await.unwrap();
    assert_eq!(runs, 11 * Rule::ALL.len() as i64);
}

#[tokio::test]
async fn a_look_changes_nothing() {
    let db = support::db().await;
    let app = support::app(&db);
    fill(&db, &app).await;
    let before = super::dump(&db).await;
    let later = start_at() + TimeDelta::days(400);
    let told = look(&mut db.pool.acquire().await.unwrap(), &app.config.privacy, later).await.unwrap();
    // Positions of deployments need an incident that was worked, and are looked at in `teams`.
    let looked_at = told.iter().filter(|done| done.rule != Rule::DeploymentPositions);
    assert!(looked_at.into_iter().all(|done| done.rows > 0), "{told:?}");
    assert_eq!(super::dump(&db).await, before);
}

#[tokio::test]
async fn the_service_cannot_rewrite_consents_even_if_it_wanted() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 30, &["+5532999991234"]).await;
    for sql in ["delete from consent", "update consent set given = true", "truncate consent"] {
        assert!(db.pool.execute(sql).await.is_err(), "{sql}");
    }
    let refused = db.pool.execute("select maintenance_forget(now() - interval '300 days')").await.unwrap_err();
    assert!(refused.to_string().contains("within a year"), "{refused}");
    // Not even their owner.
    let mut owner = db.owner().await;
    sqlx::query("insert into consent (resident_id, purpose, given, at, source) select id, 'alerts', true, now(), 't' from resident")
        .execute(&mut owner).await.unwrap();
    assert!(owner.execute("delete from consent").await.is_err());
}

#[tokio::test]
async fn the_command_says_what_it_would_do_then_does_it_and_the_officer_sees_both() {
    let (db, folder) = (support::db().await, support::Folder::new());
    let app = support::app(&db);
    fill(&db, &app).await;
    let run = async |arguments: &[&str]| {
        let mut command = support::sentinela();
        command.args(["privacy", "retention"]).args(arguments);
        command.env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA__DATA_DIR", folder.path());
        let output = support::soon("the command", command.output()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let told = run(&["--dry-run"]).await;
    assert!(told.starts_with("RULE") && told.contains("ROWS DUE"), "{told}");
    let due = |text: &str, rule: &str| {
        let line = text.lines().find(|line| line.starts_with(rule)).unwrap().to_owned();
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(due(&told, "notices"), "1");
    assert_eq!(due(&run(&[]).await, "notices"), "1");
    assert_eq!(due(&run(&["--dry-run"]).await, "notices"), "0");
    let told: String =
        sqlx::query_scalar("select actor_kind || ' ' || after::text from audit_event where act = 'retention.run'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert!(told.starts_with("command") && told.contains("outbox_addresses"), "{told}");
    // What the person in charge of personal data sees, and nobody else.
    app.clock.set(sentinela::clock::Clock::System.now());
    for (role, status) in [(Role::PrivacyOfficer, 200), (Role::Coordinator, 403)] {
        let member = {
            let mut conn = app.db.web.acquire().await.unwrap();
            accounts::upsert_member(&mut conn, &app.ids, app.clock.now(), role.as_str(), "Ana", &role.into(), "x")
                .await
                .unwrap()
        };
        let (cookie, _) = support::session_of(&app, member).await;
        let request = Request::get("/console/privacy").header("cookie", cookie).body(Body::empty()).unwrap();
        let response = sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{role}");
        let page = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        if status == 200 {
            assert!(page.contains("180 dias") && page.contains("/console/audit?act=vault.open"), "{page}");
            assert!(!page.contains("99999"), "{page}");
        }
    }
}
