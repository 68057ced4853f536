//! Whom a person chose that an alert goes to: a distance around its places, and how well a home must be known.

use sentinela::dispatch::audience::{self, Reach};
use sentinela::dispatch::store::spread;
use sentinela::ids::AlertId;
use uuid::Uuid;

use super::town::{AWAY, INSIDE, NEAR, Town};
use crate::support::{self, TestDb, start_at};

/// 277 m and 321 m north of the border.
const FAR: (f64, f64) = (-43.405, -21.6975);
const FARTHER: (f64, f64) = (-43.405, -21.6971);

async fn chosen(town: &Town<'_>, kind: &str, references: Option<AlertId>, choice: (i32, Option<i32>)) -> AlertId {
    let id = town.draft_of(kind, references, 600, "actual", "Saia.").await;
    sqlx::query("update alert set buffer_m = $2, leave_out_from_m = $3 where id = $1")
        .bind(id)
        .bind(choice.0)
        .bind(choice.1)
        .execute(&town.db.pool)
        .await
        .unwrap();
    town.issue(id).await;
    id
}

async fn preview(db: &TestDb, alert: AlertId) -> Reach {
    audience::preview(&mut db.pool.acquire().await.unwrap(), start_at(), alert).await.unwrap()
}

async fn second_place(db: &TestDb, resident: Uuid, at: (f64, f64), precision_m: i32) {
    sqlx::query(
        "insert into resident_place (resident_id, label, geom, precision_m) values ($1, 'Trabalho', st_setsrid(st_makepoint($2, $3), 4326), $4)",
    )
    .bind(resident)
    .bind(at.0)
    .bind(at.1)
    .bind(precision_m)
    .execute(&db.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_distance_around_the_places_brings_in_who_lives_within_it_and_the_preview_counts_them() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    town.resident(NEAR, 5, &["+5532900000002"]).await;
    town.resident(FAR, 10, &["+5532900000003"]).await;
    town.resident(FARTHER, 10, &["+5532900000004"]).await;
    town.resident(FARTHER, 30, &["+5532900000005"]).await;
    town.resident(AWAY, 300, &["+5532900000006"]).await;
    let alert = chosen(&town, "alert", None, (300, None)).await;
    let reach = preview(&db, alert).await;
    assert_eq!((reach.residents, reach.around, reach.sms), (4, 2, 4));
    assert_eq!(town.enqueue(alert).await.sms, reach.sms);
    assert_eq!(
        town.rows().await,
        [
            "+5532900000001 pending inside",
            "+5532900000002 pending within_buffer",
            "+5532900000003 pending within_buffer",
            "+5532900000005 pending within_precision",
        ]
    );
    // Within one grade of danger whoever is surely inside goes first, then whoever lives around.
    let order: Vec<String> =
        sqlx::query_scalar("select address from outbox order by priority, id").fetch_all(&db.pool).await.unwrap();
    assert_eq!(order, ["+5532900000001", "+5532900000002", "+5532900000003", "+5532900000005"]);
}

#[tokio::test]
async fn the_distance_is_that_of_the_ground_in_every_direction() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    sqlx::raw_sql(
        "insert into resident (id, consent_at, consent_source, created_at)
            select lpad(to_hex(n), 32, '0')::uuid, now(), 'test', now() from generate_series(1, 3000) n;
        insert into resident_place (resident_id, geom, precision_m)
            select id, st_setsrid(st_makepoint(-43.425 + 0.04 * h.a, -21.727 + 0.042 * h.b), 4326), 0
            from resident r cross join lateral (select (hashtextextended(r.id::text, 1) & 65535) / 65535.0 as a,
                (hashtextextended(r.id::text, 2) & 65535) / 65535.0 as b) h",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let alert = chosen(&town, "alert", None, (1000, None)).await;
    let wrong: Vec<String> = sqlx::query_scalar(
        "select p.resident_id || ': ' || d.metres || ' m, ' || coalesce(a.basis, 'left out') from resident_place p
            left join alert_audience($1) a on a.resident_id = p.resident_id
            cross join lateral (select min(st_distance(t.geom::geography, p.geom::geography)) as metres
                from alert_target t where t.alert_id = $1) d
        where (d.metres = 0 and a.basis is distinct from 'inside')
            or (d.metres > 1 and d.metres < 992 and a.basis is distinct from 'within_buffer') or (d.metres > 1008 and a.basis is not null)",
    )
    .bind(alert)
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(wrong, [] as [&str; 0]);
    let around: i64 = sqlx::query_scalar("select count(*) from alert_audience($1) where basis = 'within_buffer'")
        .bind(alert)
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert!(around > 300, "{around}");
}

#[tokio::test]
async fn whose_home_is_known_too_badly_is_left_out_with_a_row_that_says_so() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 299, &["+5532900000001"]).await;
    town.resident(INSIDE, 300, &["+5532900000002", "b@example.org"]).await;
    // Known well at one place, badly at another: the one counts.
    let two = town.resident(INSIDE, 1000, &["+5532900000003"]).await;
    second_place(&db, two, INSIDE, 20).await;
    let alert = chosen(&town, "alert", None, (0, Some(300))).await;
    let reach = preview(&db, alert).await;
    assert_eq!((reach.residents, reach.sms, reach.coarse_place, reach.unreachable), (3, 2, 2, 0));
    let written = town.enqueue(alert).await;
    assert_eq!((written.sms, written.suppressed, written.unreachable), (2, 2, 0));
    assert_eq!(
        town.rows().await,
        [
            "+5532900000001 pending inside",
            "+5532900000002 suppressed inside coarse_place",
            "+5532900000003 pending inside",
            "b@example.org suppressed inside coarse_place",
        ]
    );
    // Whoever was told hears of the update, however badly their home is known by then.
    sqlx::query("update outbox set state = 'accepted', attempts = 1 where state = 'pending'")
        .execute(&db.pool)
        .await
        .unwrap();
    sqlx::query("update resident_place set precision_m = 5000").execute(&db.pool).await.unwrap();
    let update = chosen(&town, "update", Some(alert), (0, Some(300))).await;
    assert_eq!((preview(&db, update).await.sms, town.enqueue(update).await.sms), (2, 2));
}

#[tokio::test]
async fn a_large_audience_is_written_by_the_same_choice_in_both_of_its_parts() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    sqlx::raw_sql(
        "insert into resident (id, consent_at, consent_source, created_at)
            select lpad(to_hex(n), 32, '0')::uuid, now(), 'test', now() from generate_series(1, 6000) n;
        insert into resident_place (resident_id, geom, precision_m)
            select id, case when id::text like '%0' then 'SRID=4326;POINT(-43.405 -21.6975)' else 'SRID=4326;POINT(-43.405 -21.705)' end,
                case when id::text like '%1' then 500 else 10 end from resident;
        insert into resident_channel (resident_id, kind, address, verified_at)
            select id, 'sms', '+55329' || lpad(row_number() over (order by id)::text, 8, '0'), now() from resident;
        analyze",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let alert = chosen(&town, "alert", None, (400, Some(500))).await;
    let reach = preview(&db, alert).await;
    assert_eq!((reach.residents, reach.around, reach.coarse_place, reach.sms), (6000, 375, 375, 5625));
    let at_once = town.enqueue(alert).await;
    assert!(at_once.spreading && at_once.sms > 0, "{at_once:?}");
    let early: Vec<String> =
        sqlx::query_scalar("select distinct state || ' ' || basis from outbox").fetch_all(&db.pool).await.unwrap();
    assert_eq!(early, ["pending inside"], "the first are the surest");
    spread::spread(&mut db.pool.acquire().await.unwrap(), start_at()).await.unwrap();
    let found: Vec<String> = sqlx::query_scalar(
        "select state || ' ' || basis || ' ' || reason || ' ' || count(*) from outbox group by state, basis, reason order by 1",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    // Those whose home may lie in the smaller area of greater danger count by it.
    assert_eq!(
        found,
        ["pending inside  5250", "pending within_buffer  375", "suppressed within_precision coarse_place 375"]
    );
}

#[tokio::test]
async fn an_exercise_leaves_out_by_the_same_choice_whoever_takes_part_where_they_live() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let near = town.resident(FAR, 10, &["+5532900000001"]).await;
    let coarse = town.resident(INSIDE, 900, &["+5532900000002"]).await;
    let anywhere = town.resident(INSIDE, 900, &["+5532900000003"]).await;
    town.exercise(&[near, coarse, anywhere]).await;
    sqlx::query("update exercise_participant set reach = case when resident_id = $1 then 'all' else 'place' end")
        .bind(anywhere)
        .execute(&db.pool)
        .await
        .unwrap();
    let id = town.draft_of("alert", None, 600, "exercise", "Treino.").await;
    sqlx::query("update alert set buffer_m = 300, leave_out_from_m = 500, exercise_id = (select id from exercise) where id = $1")
        .bind(id)
        .execute(&db.pool)
        .await
        .unwrap();
    town.issue(id).await;
    assert_eq!((preview(&db, id).await.sms, town.enqueue(id).await.sms), (2, 2));
    assert_eq!(
        town.rows().await,
        [
            "+5532900000001 pending within_buffer",
            "+5532900000002 suppressed within_precision coarse_place",
            "+5532900000003 pending within_precision",
        ]
    );
}
