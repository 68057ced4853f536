//! The audit: nothing changes it unseen, and the service could not if it wanted to.

use std::path::Path;

use sentinela::audit::chain::{Anchor, Fault, Finding, Outcome};
use sentinela::audit::{Act, Actor, Entry, anchors, record, store, verify};
use sentinela::clock::Instant;
use sentinela::ids::Ids;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};

use crate::support::{self, Folder, TestDb};

/// Each in a transaction of its own, one second after the other.
async fn acts(pool: &PgPool, from: i64, count: i64) {
    let ids = Ids::seeded(u64::try_from(from).unwrap());
    for number in from..from + count {
        let mut tx = pool.begin().await.unwrap();
        let entry = Entry::new(Act::AlertEdit, "alert", number)
            .because("a árvore caiu")
            .from(json!({ "headline": "antes", "n": 1.50, "ç": null }))
            .to(json!({ "n": [1, 2], "headline": format!("depois {number}") }));
        record(&mut tx, &ids, at(number), &Actor::anonymous(Some("2001:db8::7".parse().unwrap())), entry)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

fn at(number: i64) -> Instant {
    support::start_at() + chrono::TimeDelta::seconds(number)
}

async fn check(db: &TestDb, heads: &Path, given: Vec<Anchor>) -> Outcome {
    let mut conn = db.pool.acquire().await.unwrap();
    verify::verify(&mut conn, heads, given, |_| std::future::ready(Ok(()))).await.unwrap()
}

fn nowhere() -> &'static Path {
    Path::new("/nonexistent/audit-heads.log")
}

/// What a superuser can do: no trigger and no constraint is asked.
async fn tamper(db: &TestDb, sql: &str) {
    let mut owner = db.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    owner.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    owner.close().await.unwrap();
}

async fn ten() -> TestDb {
    let db = support::db().await;
    acts(&db.pool, 1, 10).await;
    db
}

fn places(outcome: &Outcome) -> Vec<(Fault, Option<i64>)> {
    outcome.findings.iter().map(|finding| (finding.fault, finding.seq)).collect()
}

#[tokio::test]
async fn the_program_computes_the_very_hashes_the_database_did() {
    let db = ten().await;
    let mut tx = db.pool.begin().await.unwrap();
    let staff = Actor { id: Some(uuid::Uuid::from_u128(7)), ..Actor::command() };
    let ids = Ids::seeded(99);
    for reason in ["", "ção — \u{1F30A}", "a:b-\n"] {
        let entry = Entry::new(Act::SignIn, "staff", "").because(reason).to(json!({ "x": [{ "y": "\u{7}" }, 1e30] }));
        record(&mut tx, &ids, at(50), &staff, entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let outcome = check(&db, nowhere(), vec![]).await;
    assert_eq!((outcome.checked, outcome.found), (13, 0), "{:?}", outcome.findings);
}

#[tokio::test]
async fn a_row_changed_by_a_superuser_is_found_and_located() {
    let db = ten().await;
    tamper(&db, "update audit_event set actor = 'outro' where id = (select event_id from audit_chain where seq = 4)")
        .await;
    let outcome = check(&db, nowhere(), vec![]).await;
    let [Finding { fault, seq, at: when, act, object, .. }] = &outcome.findings[..] else { panic!("{outcome:?}") };
    assert_eq!((*fault, *seq, *when), (Fault::Changed, Some(4), Some(at(4))));
    assert_eq!((act.as_str(), object.as_str()), ("alert.edit", "alert 4"));
}

#[tokio::test]
async fn every_column_of_an_event_is_covered() {
    let changes = [
        "at = at + interval '1 microsecond'",
        "actor_kind = 'staff'",
        "actor_id = gen_random_uuid()",
        "via = 'api'",
        "address = null",
        "act = 'alert.issue'",
        "object_kind = 'x'",
        "object = '9'",
        "reason = ''",
        "before = null",
        "after = after || '{\"z\": 1}'",
    ];
    let db = support::db().await;
    acts(&db.pool, 1, i64::try_from(changes.len()).unwrap()).await;
    for (seq, change) in (1..).zip(changes) {
        tamper(
            &db,
            &format!("update audit_event set {change} where id = (select event_id from audit_chain where seq = {seq})"),
        )
        .await;
    }
    let found = check(&db, nowhere(), vec![]).await;
    let expected: Vec<_> = (1..).zip(changes).map(|(seq, _)| (Fault::Changed, Some(seq))).collect();
    assert_eq!(places(&found), expected);
}

#[tokio::test]
async fn a_deleted_row_leaves_a_gap_that_is_named() {
    let db = ten().await;
    tamper(
        &db,
        "with gone as (delete from audit_chain where seq in (3, 4) returning event_id)
         delete from audit_event using gone where id = gone.event_id",
    )
    .await;
    let outcome = check(&db, nowhere(), vec![]).await;
    assert_eq!(places(&outcome), [(Fault::Missing, Some(3))]);
    assert_eq!(outcome.findings[0].through, Some(4));
    assert_eq!(outcome.findings[0].at, Some(at(2)), "the last event before the gap");
}

#[tokio::test]
async fn an_event_deleted_alone_leaves_its_row() {
    let db = ten().await;
    tamper(&db, "delete from audit_event where id = (select event_id from audit_chain where seq = 10)").await;
    assert_eq!(places(&check(&db, nowhere(), vec![]).await), [(Fault::Missing, Some(10))]);
}

#[tokio::test]
async fn a_cut_off_end_does_not_fit_the_heads_noted_outside() {
    let (db, folder) = (ten().await, Folder::new());
    let path = anchors::path(folder.path());
    let head = store::head(&mut db.pool.acquire().await.unwrap()).await.unwrap().unwrap();
    anchors::note(&path, at(20), &head).unwrap();
    assert_eq!(check(&db, &path, vec![]).await.found, 0);
    tamper(
        &db,
        "with gone as (delete from audit_chain where seq > 7 returning event_id)
         delete from audit_event using gone where id = gone.event_id",
    )
    .await;
    assert_eq!(check(&db, nowhere(), vec![]).await.found, 0, "the rest is whole in itself");
    let outcome = check(&db, &path, vec![]).await;
    assert_eq!(places(&outcome), [(Fault::Truncated, Some(8))]);
    assert_eq!(outcome.findings[0].through, Some(10));
    let given: Anchor = head.to_string().parse().unwrap();
    assert_eq!(places(&check(&db, nowhere(), vec![given]).await), [(Fault::Truncated, Some(8))]);
}

#[tokio::test]
async fn swapped_places_are_found_with_where_they_belong() {
    let db = ten().await;
    tamper(
        &db,
        "update audit_chain set seq = -3 where seq = 3; update audit_chain set seq = 3 where seq = 8;
         update audit_chain set seq = 8 where seq = -3",
    )
    .await;
    let outcome = check(&db, nowhere(), vec![]).await;
    assert_eq!(places(&outcome), [(Fault::Reordered, Some(3)), (Fault::Reordered, Some(8))]);
    assert_eq!(outcome.findings[0].through, Some(8));
}

#[tokio::test]
async fn an_event_put_in_past_the_chain_is_found() {
    let db = ten().await;
    tamper(
        &db,
        "insert into audit_event (id, at, actor_kind, actor, via, act, object_kind, object)
         values (gen_random_uuid(), '2026-02-22T12:00:05Z', 'staff', 'bia', 'console', 'alert.issue', 'alert', 'x')",
    )
    .await;
    let outcome = check(&db, nowhere(), vec![]).await;
    assert_eq!(places(&outcome), [(Fault::Inserted, None)]);
    assert_eq!(outcome.findings[0].at, Some(at(5)));
}

#[tokio::test]
async fn an_event_chained_twice_is_found() {
    let db = ten().await;
    tamper(
        &db,
        "alter table audit_chain drop constraint audit_chain_event_unique;
         with last as (select * from audit_chain order by seq desc limit 1)
         insert into audit_chain select 11, e.id, last.hash, sha256(last.hash || convert_to(audit_text(e, 11), 'UTF8'))
         from last, audit_chain c join audit_event e on e.id = c.event_id where c.seq = 2",
    )
    .await;
    assert_eq!(places(&check(&db, nowhere(), vec![]).await), [(Fault::Inserted, Some(11))]);
}

#[tokio::test]
async fn a_line_that_a_crash_cut_off_spoils_none_that_is_noted_after_it() {
    let (db, folder) = (ten().await, Folder::new());
    let path = anchors::path(folder.path());
    let head = store::head(&mut db.pool.acquire().await.unwrap()).await.unwrap().unwrap();
    anchors::note(&path, at(20), &head).unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{}", &whole[..30])).unwrap();
    anchors::note(&path, at(21), &head).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&whole) && text.lines().count() == 2, "{text}");
    assert_eq!(anchors::read(&path).unwrap().len(), 2);
    // Nor where the first line of all was cut off.
    std::fs::write(&path, &whole[..30]).unwrap();
    anchors::note(&path, at(22), &head).unwrap();
    assert_eq!(anchors::read(&path).unwrap().len(), 1);
    assert_eq!(check(&db, &path, vec![]).await.found, 0);
}

#[tokio::test]
async fn a_chain_computed_anew_does_not_fit_the_heads_noted_outside() {
    let (db, folder) = (support::db().await, Folder::new());
    let path = anchors::path(folder.path());
    for round in 0..3 {
        acts(&db.pool, 1 + round * 4, 4).await;
        let head = store::head(&mut db.pool.acquire().await.unwrap()).await.unwrap().unwrap();
        anchors::note(&path, at(100 + round), &head).unwrap();
    }
    tamper(
        &db,
        "update audit_event set actor = 'outro' where id = (select event_id from audit_chain where seq = 6);
         do $$ declare item record; tail bytea := decode(repeat('00', 32), 'hex'); begin
             for item in select c.seq, c.event_id from audit_chain c order by c.seq loop
                 update audit_chain c set previous = tail,
                     hash = sha256(tail || convert_to(audit_text(e, item.seq), 'UTF8'))
                 from audit_event e where c.seq = item.seq and e.id = item.event_id returning c.hash into tail;
             end loop;
         end $$",
    )
    .await;
    assert_eq!(check(&db, nowhere(), vec![]).await.found, 0, "every row fits its neighbours");
    let outcome = check(&db, &path, vec![]).await;
    assert_eq!(places(&outcome), [(Fault::Recomputed, Some(5))]);
    assert_eq!(outcome.findings[0].through, Some(8), "between the heads 4 and 8");
}

/// The name of the refusal, of a statement that must be refused.
async fn refusal(conn: &mut PgConnection, sql: &str) -> String {
    let error = conn.execute(AssertSqlSafe(sql.to_owned())).await.expect_err(sql);
    error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned()
}

const TAMPERING: [&str; 10] = [
    "update audit_event set actor = 'x'",
    "delete from audit_event",
    "truncate audit_event cascade",
    "update audit_chain set hash = previous",
    "delete from audit_chain",
    "truncate audit_chain",
    "update journal set value = 0",
    "delete from incident_entry",
    "update alert_event set actor = 'x'",
    "truncate alert_event",
];

#[tokio::test]
async fn neither_the_service_nor_the_owner_may_change_what_is_append_only() {
    let db = ten().await;
    let mut service = db.pool.acquire().await.unwrap();
    let role: String = sqlx::query_scalar("select current_user::text").fetch_one(&mut *service).await.unwrap();
    assert_eq!(role, "sentinela_service");
    let mut owner = db.owner().await;
    for sql in TAMPERING {
        assert_eq!(refusal(&mut service, sql).await, "42501", "{sql}: not granted");
        let refused = refusal(&mut owner, sql).await;
        assert!(["42501", "23001"].contains(&refused.as_str()), "{sql}: {refused}");
    }
    let made = "insert into audit_chain select 99, event_id, previous, hash from audit_chain limit 1";
    for sql in [
        made,
        "alter table audit_event disable trigger all",
        "drop trigger audit_event_append_only on audit_event",
        "create table own (id int)",
        "create trigger own before insert on audit_event for each row execute function refuse_audit_change()",
        "set session_replication_role = replica",
        "create or replace function chain_audit_event() returns trigger language sql as 'select 1'",
        "update _sqlx_migrations set checksum = ''",
    ] {
        assert_eq!(refusal(&mut service, sql).await, "42501", "{sql}");
    }
}

#[tokio::test]
async fn an_act_that_rolls_back_leaves_no_event() {
    let db = support::db().await;
    let ids = Ids::seeded(1);
    let mut tx = db.pool.begin().await.unwrap();
    let entry = Entry::new(Act::StaffAdd, "staff", "ana");
    record(&mut tx, &ids, at(0), &Actor::service(), entry).await.unwrap();
    tx.rollback().await.unwrap();
    let mut tx = db.pool.begin().await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    record(&mut inner, &ids, at(0), &Actor::service(), Entry::new(Act::StaffAdd, "staff", "bia")).await.unwrap();
    inner.rollback().await.unwrap();
    record(&mut tx, &ids, at(0), &Actor::service(), Entry::new(Act::StaffAdd, "staff", "caio")).await.unwrap();
    tx.commit().await.unwrap();
    let outcome = check(&db, nowhere(), vec![]).await;
    assert_eq!((outcome.checked, outcome.found), (1, 0));
}

#[tokio::test]
async fn acts_at_once_make_one_chain_without_a_gap() {
    let db = support::db().await;
    let workers = (0..8).map(|worker| {
        let pool = sentinela::db::pool(&db.options, "worker", 1);
        tokio::spawn(async move { acts(&pool, 1 + worker * 100, 25).await })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let outcome = check(&db, nowhere(), vec![]).await;
    assert_eq!((outcome.checked, outcome.found), (200, 0), "{:?}", outcome.findings);
    assert_eq!(outcome.head.unwrap().0, 200);
}

#[tokio::test]
async fn the_chain_never_deadlocks_with_the_locks_of_an_act() {
    let db = support::db().await;
    let mut owner = db.owner().await;
    owner
        .execute("create table held (id int primary key, n int); insert into held values (1, 0), (2, 0)")
        .await
        .unwrap();
    owner.execute("grant all on held to sentinela_service").await.unwrap();
    // Half take the rows first and record in between, half record first and last.
    let workers = (0..6_u64).map(|worker| {
        let pool = sentinela::db::pool(&db.options, "worker", 1);
        tokio::spawn(async move {
            let ids = Ids::seeded(worker);
            for _ in 0..20 {
                let mut tx = pool.begin().await.unwrap();
                for part in [worker % 2, (worker + 1) % 2, worker % 2] {
                    if part == 0 {
                        tx.execute("select from held order by id for update").await.unwrap();
                    } else {
                        let entry = Entry::new(Act::AlertIssue, "alert", worker);
                        record(&mut tx, &ids, at(0), &Actor::service(), entry).await.unwrap();
                    }
                }
                tx.execute("update held set n = n + 1").await.unwrap();
                tx.commit().await.unwrap();
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        support::soon("a worker", worker).await.unwrap();
    }
    let outcome = check(&db, nowhere(), vec![]).await;
    assert_eq!((outcome.checked, outcome.found), (3 * 20 + 3 * 2 * 20, 0), "{:?}", outcome.findings);
}
