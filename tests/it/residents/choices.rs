//! What residents chose to hear is obeyed, and whoever needs help is told first.

use chrono::TimeDelta;
use sentinela::dispatch::audience;
use sentinela::dispatch::store::spread;
use sentinela::ids::AlertId;
use uuid::Uuid;

use super::texts;
use crate::dispatch::town::{INSIDE, Town};
use crate::support::{self, TestDb, start_at};

async fn set(db: &TestDb, id: Uuid, sql: &'static str) {
    sqlx::query(sql).bind(id).execute(&db.pool).await.unwrap();
}

/// Of an alert that was just made: the town's alerts are born issued, and only their owner may change what was.
async fn level(db: &TestDb, alert: AlertId, level: &str) {
    let mut owner = db.owner().await;
    sqlx::raw_sql("alter table alert disable trigger user").execute(&mut owner).await.unwrap();
    sqlx::query("update alert set level = $2 where id = $1").bind(alert).bind(level).execute(&mut owner).await.unwrap();
    sqlx::raw_sql("alter table alert enable trigger user").execute(&mut owner).await.unwrap();
}

/// Noon UTC is nine in the morning in the town.
const QUIET_NOW: &str =
    "update resident set quiet_from = '22:00', quiet_until = '10:00', quiet_zone = 'America/Sao_Paulo' where id = $1";
const QUIET_LATER: &str =
    "update resident set quiet_from = '12:00', quiet_until = '13:00', quiet_zone = 'America/Sao_Paulo' where id = $1";

#[tokio::test]
async fn least_level_and_quiet_hours_hold_below_alert_and_the_preview_agrees_with_what_is_written() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let picky = town.resident(INSIDE, 10, &["+5532900000002"]).await;
    let asleep = town.resident(INSIDE, 10, &["+5532900000003"]).await;
    let awake = town.resident(INSIDE, 10, &["+5532900000004"]).await;
    set(&db, picky, "update resident set least_level = 'alert' where id = $1").await;
    set(&db, asleep, QUIET_NOW).await;
    set(&db, awake, QUIET_LATER).await;
    let mild = town.alert("alert", None, 60).await;
    level(&db, mild, "attention").await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reach = audience::preview(&mut conn, start_at(), mild).await.unwrap();
    assert_eq!((reach.residents, reach.sms, reach.below_least_level, reach.quiet_hours), (4, 2, 1, 1));
    assert_eq!(reach.unreachable, 0, "whoever chose so is reached when it matters");
    let written = town.enqueue(mild).await;
    assert_eq!((written.sms, written.suppressed, written.unreachable), (2, 2, 0));
    assert_eq!(
        town.rows().await,
        [
            "+5532900000001 pending inside",
            "+5532900000002 suppressed inside below_least_level",
            "+5532900000003 suppressed inside quiet_hours",
            "+5532900000004 pending inside",
        ]
    );
    // Its end reaches whoever was told, and nobody else.
    sqlx::query("update outbox set state = 'accepted', attempts = 1 where state = 'pending'")
        .execute(&db.pool)
        .await
        .unwrap();
    let clear = town.alert("all_clear", Some(mild), 60).await;
    level(&db, clear, "normal").await;
    assert_eq!((town.enqueue(clear).await.sms, town.rows().await.len()), (2, 8));
    // What is grave comes at any hour to everybody.
    let grave = town.alert("alert", None, 60).await;
    assert_eq!(town.enqueue(grave).await.sms, 4);
}

#[tokio::test]
async fn an_update_below_what_somebody_chose_still_reaches_whoever_was_told_of_the_alert() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let picky = town.resident(INSIDE, 10, &["+5532900000001"]).await;
    set(&db, picky, "update resident set least_level = 'alert' where id = $1").await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::query("update outbox set state = 'accepted', attempts = 1").execute(&db.pool).await.unwrap();
    let milder = town.alert("update", Some(alert), 60).await;
    level(&db, milder, "attention").await;
    assert_eq!(town.enqueue(milder).await.sms, 1);
}

#[tokio::test]
async fn whoever_needs_help_goes_first_within_a_grade_and_is_counted_by_kind() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let plain = town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let needy = town.resident(INSIDE, 10, &["+5532900000002"]).await;
    town.resident((-43.411, -21.711), 10, &["+5532900000003"]).await;
    set(
        &db,
        needy,
        "insert into consent (resident_id, purpose, given, at, source) values ($1, 'needs', true, now(), 'test')",
    )
    .await;
    set(&db, needy, "update resident set needs = '{mobility,pets}' where id = $1").await;
    // Without the consent to it nothing of the kind is kept.
    let refused = sqlx::query("update resident set needs = '{care}' where id = $1").bind(plain).execute(&db.pool).await;
    assert!(refused.unwrap_err().to_string().contains("only while the consent"));
    let alert = town.alert("alert", None, 60).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reach = audience::preview(&mut conn, start_at(), alert).await.unwrap();
    let counted = (reach.with_needs, reach.needs.mobility, reach.needs.pets, reach.needs.care);
    assert_eq!(counted, (1, 1, 1, 0));
    town.enqueue(alert).await;
    let order = texts(&db, "select address from outbox order by priority, id").await;
    assert_eq!(order, ["+5532900000003", "+5532900000002", "+5532900000001"]);
    // The consent is taken back, and with it the kinds.
    set(
        &db,
        needy,
        "insert into consent (resident_id, purpose, given, at, source) values ($1, 'needs', false, now(), 'test')",
    )
    .await;
    assert_eq!(texts(&db, "select needs::text from resident where needs <> '{}'").await, [] as [&str; 0]);
}

#[tokio::test]
async fn of_a_large_audience_the_first_rows_obey_too_and_the_rest_is_judged_by_the_same_hour() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    sqlx::raw_sql(
        "insert into resident (id, consent_at, consent_source, created_at, quiet_from, quiet_until, quiet_zone)
            select lpad(to_hex(n), 32, '0')::uuid, now(), 'test', now(),
                case when n % 2 = 0 then '08:00'::time end, case when n % 2 = 0 then '09:30'::time end,
                case when n % 2 = 0 then 'America/Sao_Paulo' end
            from generate_series(1, 6000) n;
        insert into resident_place (resident_id, geom, precision_m)
            select id, 'SRID=4326;POINT(-43.405 -21.705)', 10 from resident;
        insert into resident_channel (resident_id, kind, address, verified_at)
            select id, 'sms', '+55329' || right(id::text, 8), now() from resident;
        analyze",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let alert = town.alert("alert", None, 600).await;
    level(&db, alert, "observation").await;
    let at_once = town.enqueue(alert).await;
    assert!(at_once.spreading && at_once.sms > 0, "{at_once:?}");
    let mut conn = db.pool.acquire().await.unwrap();
    // The rest is written an hour later, when the quiet hours are over.
    spread::spread(&mut conn, start_at() + TimeDelta::hours(1)).await.unwrap();
    let found =
        texts(&db, "select state || ' ' || reason || ' ' || count(*) from outbox group by state, reason order by 1")
            .await;
    assert_eq!(found, ["pending  3000", "suppressed quiet_hours 3000"]);
}

#[tokio::test]
async fn a_clock_that_nobody_knows_is_refused_where_it_is_written() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let id = town.resident(INSIDE, 10, &[]).await;
    let sql =
        "update resident set quiet_from = '22:00', quiet_until = '06:00', quiet_zone = 'Mars/Olympus' where id = $1";
    let refused = sqlx::query(sql).bind(id).execute(&db.pool).await.unwrap_err().to_string();
    assert!(refused.contains("Mars/Olympus"), "{refused}");
}
