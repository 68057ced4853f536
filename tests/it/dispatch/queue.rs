//! What waits and what is claimed lies beside the outbox; both are the rows, whatever moves them.

use chrono::TimeDelta;
use sentinela::dispatch::decide::{Next, State};
use sentinela::dispatch::outbox::withdraw;
use sentinela::dispatch::provider::{Provider, providers};
use sentinela::dispatch::store::claim::{self, Claimed, Ending};
use sentinela::dispatch::store::passed_on;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::town::{INSIDE, Town};
use crate::support::{self, start_at};

/// Rows that wait and are not in the queue as they are, entries of the queue without such a row, and leases that nobody would find.
const AMISS: &str = "select (
        select count(*) from (
            (select id, alert_id, channel, priority, next_attempt_at, held, refused_by <> '{}' from outbox where state = 'pending'
                except select id, alert_id, channel, priority, next_attempt_at, held, passed_on from outbox_queue)
            union all
            (select id, alert_id, channel, priority, next_attempt_at, held, passed_on from outbox_queue
                except select id, alert_id, channel, priority, next_attempt_at, held, refused_by <> '{}' from outbox where state = 'pending')
        ) as wrong
    ) + (
        select count(*) from outbox o where o.state = 'sending' and not exists (
            select from outbox_lease l where l.channel = o.channel and l.until = o.lease_until and o.id = any(l.ids)))";

fn sink() -> Provider {
    providers(&support::config(&[])).remove(0)
}

/// A generator of its own, so that a failure repeats itself.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn ending(row: &Claimed, state: State) -> Ending {
    let next_attempt_at = (state == State::Pending).then_some(start_at());
    let next = Next { state, reason: String::new(), next_attempt_at };
    Ending { id: row.id, fence: row.fence, attempt: row.attempt, next, parts: Vec::new(), is_dead_address: false }
}

async fn amiss(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar(AMISS).fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn queue_and_leases_are_the_rows_whatever_moved_them() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    for number in 100..160 {
        town.resident(INSIDE, 50, &[&format!("+5532900000{number}")]).await;
    }
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let seed = 20_261_205;
    let mut dice = Dice(seed);
    let mut conn = db.pool.acquire().await.unwrap();
    let mut hands: Vec<Claimed> = Vec::new();
    let mut taken_back = 0;
    for step in 0..80_i64 {
        let now = start_at() + TimeDelta::seconds(step);
        let some: Vec<Claimed> = hands.iter().filter(|_| dice.roll(3) == 0).cloned().collect();
        let (ids, fences): (Vec<i64>, Vec<i64>) = some.iter().map(|row| (row.id.0, row.fence)).unzip();
        match dice.roll(9) {
            0 => drop(claim::release(&mut conn, now, &ids, &fences).await.unwrap()),
            1 => drop(claim::renew(&mut conn, &ids, &fences, now + TimeDelta::seconds(9)).await.unwrap()),
            2 => taken_back += claim::take_back(&mut conn, now, "sms").await.unwrap(),
            3 => {
                let endings: Vec<Ending> = some
                    .iter()
                    .map(|row| ending(row, [State::Accepted, State::Pending][dice.roll(2) as usize]))
                    .collect();
                claim::complete(&mut conn, now, "sink:sms", &endings).await.unwrap();
            }
            4 => passed_on::record(&mut conn, "other", &ids).await.unwrap(),
            5 => {
                let held = "update outbox set held = not held where id % 7 = $1 and state = 'pending'";
                sqlx::query(held).bind(step % 7).execute(&mut *conn).await.unwrap();
            }
            6 if step > 60 => drop(withdraw(&mut conn, now, alert, "superseded").await.unwrap()),
            7 if step > 30 => {
                sqlx::query("delete from outbox where id in (select max(id) from outbox)")
                    .execute(&mut *conn)
                    .await
                    .unwrap();
            }
            _ => {
                let lease = now + TimeDelta::seconds(i64::try_from(dice.roll(9)).unwrap());
                let limit = i64::try_from(dice.roll(9)).unwrap();
                hands.extend(claim::claim(&mut conn, now, &sink(), limit, lease).await.unwrap());
            }
        }
        assert_eq!(amiss(&mut conn).await, 0, "seed {seed}, step {step}");
    }
    assert!(taken_back > 0, "seed {seed}: no lease ended, so nothing was proved");
    // Nothing is looked at twice: when all is over, no entry is left.
    let late = start_at() + TimeDelta::hours(1);
    claim::take_back(&mut conn, late, "sms").await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from outbox_lease) + (select count(*) from outbox where state = 'sending')",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!((left, amiss(&mut conn).await), (0, 0));
}

#[tokio::test]
async fn a_claim_takes_no_row_that_another_has_in_hand_and_waits_for_none() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    for number in 1..=4 {
        town.resident(INSIDE, 50, &[&format!("+553290000000{number}")]).await;
    }
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let lease = start_at() + TimeDelta::seconds(30);
    let (mut one, mut other) = (db.pool.begin().await.unwrap(), db.pool.begin().await.unwrap());
    let first = claim::claim(&mut one, start_at(), &sink(), 2, lease).await.unwrap();
    let second = claim::claim(&mut other, start_at(), &sink(), 4, lease).await.unwrap();
    assert_eq!((first.len(), second.len()), (2, 2));
    assert!(first.iter().all(|row| second.iter().all(|theirs| theirs.id != row.id)));
    one.rollback().await.unwrap();
    other.commit().await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(claim::claim(&mut conn, start_at(), &sink(), 4, lease).await.unwrap().len(), 2);
}

#[tokio::test]
async fn rows_name_what_there_is_and_what_they_name_stays() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let resident = town.resident(INSIDE, 50, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    let mut owner = db.owner().await;
    let insert = "insert into outbox (alert_id, resident_id, channel, address, area_id, priority, state, next_attempt_at, expires_at, created_at)
        values ($1, $2, 'sms', '+5532900000001', $3, 1, 'pending', now(), now(), now())";
    for (alert, area) in [(uuid::Uuid::from_u128(7), 1_i64), (alert.0, 999)] {
        let refused = sqlx::query(insert).bind(alert).bind(resident).bind(area).execute(&mut owner).await.unwrap_err();
        assert!(refused.to_string().contains("does not exist"), "{refused}");
    }
    // One that nothing else names.
    let area: i64 = sqlx::query_scalar(
        "insert into risk_area (code, name, geom, created_at, updated_at)
            select 'c', 'Centro', geom, now(), now() from risk_area where code = 'a' returning id",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    sqlx::query(insert).bind(alert.0).bind(resident).bind(area).execute(&mut owner).await.unwrap();
    let moved = sqlx::query("update outbox set area_id = 999").execute(&mut owner).await.unwrap_err();
    assert!(moved.to_string().contains("999"), "{moved}");
    let refused = owner.execute("delete from risk_area where code = 'c'").await.unwrap_err();
    assert!(refused.to_string().contains("rows of the outbox name risk_area"), "{refused}");
    owner.execute("delete from outbox; delete from risk_area where code = 'c'").await.unwrap();
}

#[tokio::test]
async fn what_was_on_its_way_before_the_queue_was_made_is_in_it() {
    let db = support::db().await;
    let mut admin = db.owner().await;
    let name = format!("{}_before", db.name);
    admin.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
    let mut conn = PgConnection::connect(&db.url.replace(&db.name, &name)).await.unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    let split = all.iter().position(|path| path.ends_with("20261205040000_queue_deliveries.sql")).unwrap();
    for path in &all[..split] {
        conn.execute(AssertSqlSafe(std::fs::read_to_string(path).unwrap())).await.unwrap();
    }
    conn.execute(
        "insert into resident (id, consent_at, consent_source, created_at)
            select lpad(to_hex(n), 32, '0')::uuid, now(), 'test', now() from generate_series(1, 40) n;
        insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity,
                urgency, certainty, expires_at, created_at, created_by)
            values (lpad('a', 32, '0')::uuid, 'draft', 'alert', 'actual', '1.1.3.2.1', 'alert', 'h', 'd', 'i', 's', 'Severe',
                'Immediate', 'Likely', now() + interval '1 hour', now(), 'test');
        insert into outbox (alert_id, resident_id, channel, address, priority, state, held, refused_by, lease_until, next_attempt_at,
                expires_at, created_at)
            select a.id, r.id, 'sms', '+55329' || lpad(n::text, 8, '0'), n % 3,
                (array['pending', 'sending', 'accepted', 'suppressed'])[1 + n % 4], n % 8 = 0,
                case when n % 12 = 0 then '{p}' else '{}' end::text[],
                case when n % 4 = 1 then timestamptz '2026-12-05 12:00Z' + n % 3 * interval '1 second' end, now(), a.expires_at, now()
            from alert a, (select id, row_number() over (order by id) as n from resident) r;
        insert into outbox_attempt (outbox_id, attempt, at, provider, outcome) select id, 1, now(), 'p', 'intent' from outbox",
    )
    .await
    .unwrap();
    for path in &all[split..] {
        let sql = std::fs::read_to_string(path).unwrap();
        conn.execute(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert_eq!(amiss(&mut conn).await, 0);
    let found: (i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from outbox_queue), (select count(*) from outbox_queue where held),
            (select count(*) from outbox_queue where passed_on), (select sum(cardinality(ids)) from outbox_lease)::bigint",
    )
    .fetch_one(&mut conn)
    .await
    .unwrap();
    assert_eq!(found, (10, 5, 3, 10));
    conn.execute("delete from outbox").await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select (select count(*) from outbox_attempt) + (select count(*) from outbox_queue)")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(left, 0, "tries go with their row");
    conn.close().await.unwrap();
    admin.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
}
