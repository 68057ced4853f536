//! Who is told, who is not, and why.

use sentinela::dispatch::outbox::{self, Enqueued};
use sentinela::dispatch::store::spread;
use sentinela::dispatch::{audience, progress};

use super::town::{AWAY, INSIDE, NEAR, Town};
use crate::support::{self, start_at};

#[tokio::test]
async fn only_residents_inside_are_told_and_near_ones_as_far_as_their_place_is_uncertain() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001", "a@example.org"]).await;
    town.resident(NEAR, 30, &["+5532900000002"]).await;
    town.resident(NEAR, 40, &["+5532900000003"]).await;
    town.resident(AWAY, 300, &["+5532900000004"]).await;
    let alert = town.alert("alert", None, 60).await;
    assert_eq!(
        town.enqueue(alert).await,
        Enqueued { sms: 2, email: 1, suppressed: 0, unreachable: 0, spreading: false }
    );
    assert_eq!(
        town.rows().await,
        ["+5532900000001 pending inside", "+5532900000003 pending within_precision", "a@example.org pending inside"]
    );
}

#[tokio::test]
async fn whoever_is_not_told_has_a_row_or_a_count_that_says_why() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let out = town.resident(INSIDE, 10, &["+5532900000002"]).await;
    let unverified = town.resident(INSIDE, 10, &["+5532900000003"]).await;
    town.resident(INSIDE, 10, &[]).await;
    let gone = town.resident(INSIDE, 10, &["+5532900000004"]).await;
    for (sql, id) in [
        ("update resident_channel set opted_out_at = now() where resident_id = $1", out),
        ("update resident_channel set verified_at = null where resident_id = $1", unverified),
        ("update resident set deleted_at = now() where id = $1", gone),
    ] {
        sqlx::query(sql).bind(id).execute(&db.pool).await.unwrap();
    }
    let alert = town.alert("alert", None, 60).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reach = audience::preview(&mut conn, start_at(), alert).await.unwrap();
    assert_eq!((reach.residents, reach.sms, reach.unreachable), (5, 1, 3));
    assert_eq!((reach.opted_out, reach.unverified, reach.duplicate_address), (1, 1, 1));
    assert_eq!(
        town.enqueue(alert).await,
        Enqueued { sms: 1, email: 0, suppressed: 3, unreachable: 3, spreading: false }
    );
    assert_eq!(
        town.rows().await,
        [
            "+5532900000001 pending inside",
            "+5532900000001 suppressed inside duplicate_address",
            "+5532900000002 suppressed inside opted_out",
            "+5532900000003 suppressed inside unverified"
        ]
    );
}

#[tokio::test]
async fn enqueueing_twice_adds_nothing_and_the_accounts_balance() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001", "a@example.org"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    town.enqueue(alert).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let found = progress(&mut conn, alert).await.unwrap();
    assert_eq!((found.sms.pending, found.email.pending, found.total()), (1, 1, 2));
    let accounts = outbox::audit(&mut conn, start_at(), 30, alert).await.unwrap().unwrap();
    assert!(accounts.balance(), "{accounts:?}");
}

#[tokio::test]
async fn the_most_endangered_place_is_told_first() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    town.resident((-43.411, -21.711), 10, &["+5532900000002"]).await;
    // In both areas: the worse grade counts.
    town.resident((-43.409, -21.709), 10, &["+5532900000003"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let order: Vec<String> = sqlx::query_scalar("select address || ' ' || priority from outbox order by priority, id")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(order, ["+5532900000002 11", "+5532900000003 11", "+5532900000001 13"]);
}

#[tokio::test]
async fn an_all_clear_also_goes_to_whoever_was_told_and_moved_away() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let moved = town.resident(INSIDE, 10, &["+5532900000002"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query("update outbox set state = 'accepted', attempts = 1 where alert_id = $1")
        .bind(alert)
        .execute(&db.pool)
        .await
        .unwrap();
    sqlx::query("update resident_place set geom = st_setsrid(st_makepoint($2, $3), 4326) where resident_id = $1")
        .bind(moved)
        .bind(AWAY.0)
        .bind(AWAY.1)
        .execute(&db.pool)
        .await
        .unwrap();
    let clear = town.alert("all_clear", Some(alert), 60).await;
    town.enqueue(clear).await;
    assert_eq!(town.rows().await[2..], ["+5532900000001 pending inside", "+5532900000002 pending told_before"]);
}

#[tokio::test]
async fn an_all_clear_goes_to_whoever_was_told_further_back_in_the_chain() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let moved = town.resident(INSIDE, 10, &["+5532900000002"]).await;
    town.resident(AWAY, 10, &["+5532900000003"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query("update outbox set state = 'accepted', attempts = 1").execute(&db.pool).await.unwrap();
    // The update does not hold for the second any more, and had not reached them when the end came.
    sqlx::query("update resident_place set geom = st_setsrid(st_makepoint($2, $3), 4326) where resident_id = $1")
        .bind(moved)
        .bind(AWAY.0)
        .bind(AWAY.1)
        .execute(&db.pool)
        .await
        .unwrap();
    let update = town.alert("update", Some(alert), 60).await;
    town.enqueue(update).await;
    let mut conn = db.pool.acquire().await.unwrap();
    outbox::withdraw(&mut conn, start_at(), update, "cleared before it was sent").await.unwrap();
    let clear = town.alert("all_clear", Some(update), 60).await;
    town.enqueue(clear).await;
    assert_eq!(
        town.rows().await[2..],
        [
            "+5532900000001 suppressed inside cleared before it was sent",
            "+5532900000002 suppressed told_before cleared before it was sent",
            "+5532900000001 pending inside",
            "+5532900000002 pending told_before",
        ]
    );
}

#[tokio::test]
async fn what_has_not_left_is_withdrawn_with_its_reason() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(outbox::withdraw(&mut conn, start_at(), alert, "cancelled").await.unwrap(), 1);
    assert_eq!(town.rows().await, ["+5532900000001 suppressed inside cancelled"]);
    assert!(outbox::finished(&mut conn, alert).await.unwrap());
}

#[tokio::test]
async fn of_a_large_audience_the_most_endangered_leave_at_once_and_the_rest_is_written_by_the_dispatcher() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    // 6,000 residents inside, 100 of them in the worse area and the last to be found; two share each telephone.
    sqlx::raw_sql(
        "insert into resident (id, consent_at, consent_source, created_at)
            select lpad(to_hex(n), 32, '0')::uuid, now(), 'test', now() from generate_series(1, 6000) n;
        insert into resident_place (resident_id, geom, precision_m)
            select lpad(to_hex(n), 32, '0')::uuid,
                st_setsrid(st_makepoint(case when n > 5900 then -43.411 else -43.405 end, case when n > 5900 then -21.711 else -21.705 end), 4326), 10
            from generate_series(1, 6000) n;
        insert into resident_channel (resident_id, kind, address, verified_at)
            select lpad(to_hex(n), 32, '0')::uuid, 'sms', '+55329' || lpad((n / 2)::text, 8, '0'), now() from generate_series(1, 6000) n;
        analyze",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let alert = town.alert("alert", None, 60).await;
    let at_once = town.enqueue(alert).await;
    assert!(at_once.spreading && at_once.sms >= 700, "{at_once:?}");
    let worst: i64 =
        sqlx::query_scalar("select count(*) from outbox where priority = 11").fetch_one(&db.pool).await.unwrap();
    assert_eq!(worst, 51);
    let mut conn = db.pool.acquire().await.unwrap();
    assert!(progress(&mut conn, alert).await.unwrap().spreading);
    assert_eq!(spread::spread(&mut conn, start_at()).await.unwrap(), Some(alert));
    assert_eq!(spread::spread(&mut conn, start_at()).await.unwrap(), None);
    let found = progress(&mut conn, alert).await.unwrap();
    assert_eq!((found.sms.pending, found.sms.suppressed, found.spreading), (3001, 2999, false));
    let accounts = outbox::audit(&mut conn, start_at(), 30, alert).await.unwrap().unwrap();
    assert!(accounts.balance() && accounts.promised == 6000, "{accounts:?}");
}
