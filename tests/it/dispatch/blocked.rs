//! Addresses that lead nowhere: what counts against them, and what a block is worth.

use chrono::TimeDelta;
use sentinela::clock::Instant;
use sentinela::dispatch::audience;
use sentinela::dispatch::outbox::Enqueued;
use sentinela::dispatch::store::spread;
use sentinela::ids::OutboxId;
use sentinela::residents::store::blocked::{self, Failure};

use super::town::{INSIDE, Town};
use crate::support::{self, TestDb, start_at};

/// Ends every row that waits as refused, and counts each as its address's fault.
async fn fail(db: &TestDb, now: Instant) {
    let mut tx = db.pool.begin().await.unwrap();
    let ended =
        "update outbox set state = 'rejected', provider = 'centre', attempts = 1 where state = 'pending' returning id";
    let rows: Vec<i64> = sqlx::query_scalar(ended).fetch_all(&mut *tx).await.unwrap();
    let reason = || "smpp 0x0000000b".to_owned();
    let failures: Vec<Failure> = rows.iter().map(|row| Failure { row: OutboxId(*row), reason: reason() }).collect();
    blocked::failed(&mut tx, now, &failures).await.unwrap();
    tx.commit().await.unwrap();
}

async fn failures(db: &TestDb) -> (i64, i64) {
    sqlx::query_as(
        "select coalesce(sum(failures), 0), count(*) filter (where blocked_at is not null) from resident_channel",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn an_address_counts_one_failure_a_day_and_the_third_blocks_it_for_the_next_alert_and_its_preview() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    for (hours, counted) in [(0, 1), (1, 1), (23, 1), (24, 2), (47, 2), (48, 3)] {
        assert_eq!(failures(&db).await.1, 0, "before hour {hours}");
        let alert = town.alert("alert", None, 60).await;
        assert_eq!(town.enqueue(alert).await.sms, 1);
        fail(&db, start_at() + TimeDelta::hours(hours)).await;
        assert_eq!(failures(&db).await.0, counted, "after hour {hours}");
    }
    assert_eq!(failures(&db).await, (3, 1));
    town.resident(INSIDE, 10, &["+5532900000002"]).await;
    let alert = town.alert("alert", None, 60).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reach = audience::preview(&mut conn, start_at(), alert).await.unwrap();
    assert_eq!((reach.residents, reach.sms, reach.blocked, reach.unreachable), (2, 1, 1, 1));
    let written = Enqueued { sms: 1, email: 0, suppressed: 1, unreachable: 1, spreading: false };
    assert_eq!(town.enqueue(alert).await, written);
    assert_eq!(town.rows().await[6..], ["+5532900000001 suppressed inside blocked", "+5532900000002 pending inside"]);
    // Whoever confirms it again has received something there, and a failure of the same day counts anew.
    sqlx::query("update resident_channel set verified_at = now() + interval '1 minute'")
        .execute(&db.pool)
        .await
        .unwrap();
    let alert = town.alert("alert", None, 60).await;
    assert_eq!(town.enqueue(alert).await.sms, 2);
    fail(&db, start_at() + TimeDelta::hours(49)).await;
    assert_eq!(failures(&db).await, (2, 0));
}

#[tokio::test]
async fn a_blocked_address_gets_nothing_of_a_large_audience_either_and_the_preview_agrees() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    // 6,000 residents inside, 100 of them in the worse area; of those half are blocked, and as many of the others.
    sqlx::raw_sql(
        "insert into resident (id, consent_at, consent_source, created_at)
            select lpad(to_hex(n), 32, '0')::uuid, now(), 'test', now() from generate_series(1, 6000) n;
        insert into resident_place (resident_id, geom, precision_m)
            select lpad(to_hex(n), 32, '0')::uuid,
                st_setsrid(st_makepoint(case when n <= 100 then -43.411 else -43.405 end, case when n <= 100 then -21.711 else -21.705 end), 4326), 10
            from generate_series(1, 6000) n;
        insert into resident_channel (resident_id, kind, address, verified_at, failures, blocked_at, blocked_reason)
            select lpad(to_hex(n), 32, '0')::uuid, 'sms', '+55329' || lpad(n::text, 8, '0'), now(), 0, b.at,
                case when b.at is not null then 'smpp 0x0000000b' end
            from generate_series(1, 6000) n cross join lateral (select case when n <= 50 or n > 5950 then now() end as at) b;
        analyze",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let alert = town.alert("alert", None, 60).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reach = audience::preview(&mut conn, start_at(), alert).await.unwrap();
    assert_eq!((reach.residents, reach.sms, reach.blocked, reach.unreachable), (6000, 5900, 100, 100));
    let at_once = town.enqueue(alert).await;
    assert!(at_once.spreading && at_once.sms > 50, "{at_once:?}");
    let told = "select count(*) from outbox o join resident_channel c using (resident_id)
        where c.blocked_at is not null and (o.state, o.reason) is distinct from ('suppressed', 'blocked')";
    let told_although = async || sqlx::query_scalar::<_, i64>(told).fetch_one(&db.pool).await.unwrap();
    assert_eq!(told_although().await, 0, "among the first");
    assert_eq!(spread::spread(&mut conn, start_at()).await.unwrap(), Some(alert));
    assert_eq!(told_although().await, 0);
    let found: (i64, i64) = sqlx::query_as(
        "select count(*) filter (where state = 'pending'), count(*) filter (where reason = 'blocked') from outbox",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert_eq!(found, (reach.sms, reach.blocked));
}

#[tokio::test]
async fn when_a_provider_refuses_an_unusual_share_at_once_no_address_is_to_blame() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    for n in 10..35 {
        town.resident(INSIDE, 10, &[format!("+55329000000{n}").as_str()]).await;
    }
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    fail(&db, start_at()).await;
    assert_eq!(failures(&db).await, (0, 0), "25 of 25");
    // The same provider, to which most lead somewhere.
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query("update outbox set state = 'accepted', provider = 'centre', attempts = 1 where state = 'pending' and address > '+5532900000014'")
        .execute(&db.pool)
        .await
        .unwrap();
    fail(&db, start_at()).await;
    assert_eq!(failures(&db).await, (5, 0), "5 of 25");
}
