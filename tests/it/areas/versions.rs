//! What was, is and will be.

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config as Runs, TestRunner};
use sentinela::accounts::tokens::desk::Acting;
use sentinela::areas::desk::{self, AreaError, Care};
use sentinela::areas::store::{self, Put};
use sentinela::areas::{When, worker};
use sentinela::audit::Actor;
use serde_json::json;

use super::{Hall, change, content, numbers, present, square};

const SURE: Care = Care { base: None, confirmed: true };

#[tokio::test]
async fn every_change_is_a_version_and_an_instant_finds_its_own() {
    let hall = Hall::open().await;
    assert_eq!(hall.area("a", 0.0, "R2").await, Put::Created(1));
    let first = hall.now();
    hall.pass(60);
    assert_eq!(hall.area("a", 0.0, "R2").await, Put::Unchanged);
    assert_eq!(hall.area("a", 0.002, "R4").await, Put::Updated { number: 2, before: 1 });
    let mut conn = hall.conn().await;
    let at = async |conn: &mut sqlx::PgConnection, minutes: i64| {
        store::at(conn, "a", first + TimeDelta::minutes(minutes)).await.unwrap().map(|version| version.number)
    };
    assert_eq!(at(&mut conn, -1).await, None, "before it was known");
    assert_eq!((at(&mut conn, 0).await, at(&mut conn, 59).await), (Some(1), Some(1)));
    assert_eq!((at(&mut conn, 60).await, at(&mut conn, 9999).await), (Some(2), Some(2)));
    let difference = store::compare(&mut conn, "a", Some(1), 2).await.unwrap().unwrap();
    // A fifth of the square moved.
    assert!((difference.gained_km2 / difference.before_km2 - 0.2).abs() < 1e-6, "{difference:?}");
    assert!((difference.gained_km2 - difference.lost_km2).abs() < 1e-9, "{difference:?}");
    assert_eq!(difference.hazards[0].before.as_deref(), Some("R2"));
    assert_eq!(difference.hazards[0].after.as_deref(), Some("R4"));
}

#[tokio::test]
async fn a_version_cannot_be_rewritten_or_removed() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R2").await;
    // Not even the owner of the tables.
    let mut owner = hall.db.owner().await;
    for act in [
        "update area_version set name = 'other'",
        "update area_version set geom = st_translate(geom, 0.1, 0)",
        "update area_version set state = 'withdrawn'",
        "delete from area_version",
        "truncate area_version",
    ] {
        let refused = sqlx::query(act).execute(&mut owner).await.unwrap_err().to_string();
        assert!(refused.contains("kept"), "{act}: {refused}");
    }
}

#[tokio::test]
async fn an_area_out_of_service_is_judged_no_more_keeps_its_past_and_comes_back() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R3").await;
    let mut conn = hall.conn().await;
    let before = present(&mut conn, "a").await;
    hall.pass(1);
    let actor = Actor::command();
    let by = Acting { ids: &hall.app.ids, now: hall.now(), actor: &actor };
    desk::retire(&mut conn, by, "a", ("moved away", When::Now), Care::default()).await.unwrap();
    assert_eq!(present(&mut conn, "a").await, (false, before.1.clone(), vec![]));
    let seen: i64 = sqlx::query_scalar("select count(*) from area_worst").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(seen, 0, "it is on no map");
    let gone = store::compare(&mut conn, "a", Some(1), 2).await.unwrap().unwrap();
    assert!(gone.after_km2 == 0.0 && gone.lost_km2 > 1.0, "{gone:?}");
    let twice = desk::retire(&mut conn, by, "a", ("again", When::Now), Care::default()).await;
    assert!(matches!(twice, Err(AreaError::NotFound(_))), "{twice:?}");
    let back = desk::restore(&mut conn, by, ("a", 2), ("a mistake", When::Now), Care::default()).await.unwrap();
    assert_eq!(back, Put::Returned { number: 3, before: 2 });
    assert_eq!(present(&mut conn, "a").await, before);
}

#[tokio::test]
async fn restoring_any_version_gives_its_shape_and_hazards_bit_by_bit() {
    let hall = Hall::open().await;
    let mut conn = hall.conn().await;
    let mut runner = TestRunner::new_with_rng(
        Runs::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    // Stars with any number of rays: never self-crossing, and of coordinates that no decimal writes short.
    let star = (3_usize..40, 0.001_f64..0.02, prop::sample::select(vec!["R1", "R2", "R3", "R4"]));
    let mut kept = Vec::new();
    for number in 1..=12 {
        let (rays, size, grade) = star.new_tree(&mut runner).unwrap().current();
        let ring: Vec<[f64; 2]> = (0..=rays)
            .map(|ray| {
                let angle = (ray % rays) as f64 / rays as f64 * std::f64::consts::TAU;
                let long = size * (1.0 + (ray % rays % 3) as f64 / 7.0);
                [-43.35 + long * angle.cos(), -21.75 + long * angle.sin()]
            })
            .collect();
        let wish = content("A", &json!({"type": "Polygon", "coordinates": [ring]}), grade);
        hall.pass(1);
        hall.put(change("a", wish, When::Now), SURE).await.unwrap();
        kept.push((number, present(&mut conn, "a").await));
    }
    let actor = Actor::command();
    for (number, was) in kept.iter().rev().chain(&kept) {
        hall.pass(1);
        let by = Acting { ids: &hall.app.ids, now: hall.now(), actor: &actor };
        desk::restore(&mut conn, by, ("a", *number), ("back", When::Now), SURE).await.unwrap();
        assert_eq!(&present(&mut conn, "a").await, was, "version {number}");
    }
}

#[tokio::test]
async fn what_is_planned_takes_force_at_its_time_and_the_catalogue_says_so() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R2").await;
    let day = hall.now() + TimeDelta::hours(5);
    let planned = change("a", content("A", &square(0.003), "R4"), When::At(day));
    assert_eq!(hall.put(planned, Care::default()).await.unwrap(), Put::Waits(2));
    let mut conn = hall.conn().await;
    let version: i64 = sqlx::query_scalar("select version from catalogue_version").fetch_one(&mut *conn).await.unwrap();
    let was = present(&mut conn, "a").await;
    assert_eq!(worker::round(&hall.app, day - TimeDelta::seconds(1)).await.unwrap(), 0);
    assert_eq!(present(&mut conn, "a").await, was);
    assert_eq!(worker::round(&hall.app, day).await.unwrap(), 1);
    assert_eq!(worker::round(&hall.app, day).await.unwrap(), 0, "once");
    let is_now = present(&mut conn, "a").await;
    assert_eq!(is_now.2, [("1.1.3.2.1".to_owned(), "R4".to_owned())]);
    let later: i64 = sqlx::query_scalar("select version from catalogue_version").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(later, version + 1);
    let told: String =
        sqlx::query_scalar("select act || ' ' || actor_kind from audit_event order by at desc, id desc limit 1")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    assert_eq!(told, "area.take_force service");
}

#[tokio::test]
async fn a_draft_changes_nothing_until_it_is_put_in_force_and_may_be_given_up() {
    let hall = Hall::open().await;
    let draft = change("new", content("New", &square(0.0), "R1"), When::Draft);
    assert_eq!(hall.put(draft.clone(), Care::default()).await.unwrap(), Put::Waits(1));
    let mut conn = hall.conn().await;
    let areas = async |conn: &mut sqlx::PgConnection| -> i64 {
        sqlx::query_scalar("select count(*) from risk_area").fetch_one(conn).await.unwrap()
    };
    assert_eq!(areas(&mut conn).await, 0);
    hall.put(draft, Care::default()).await.unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &hall.app.ids, now: hall.now(), actor: &actor };
    desk::withdraw(&mut conn, by, ("new", 1), "twice").await.unwrap();
    assert!(desk::enforce(&mut conn, by, ("new", 1), Care::default()).await.is_err(), "given up");
    desk::enforce(&mut conn, by, ("new", 2), Care { base: Some(0), confirmed: false }).await.unwrap();
    assert_eq!((areas(&mut conn).await, numbers(&mut conn, "new").await), (1, vec![2, 1]));
    assert!(desk::withdraw(&mut conn, by, ("new", 2), "").await.is_err(), "it is in force");
}

#[tokio::test]
async fn ground_under_an_alert_or_a_plan_changes_only_with_that_known_and_a_name_at_any_time() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R2").await;
    hall.alert_over("a").await;
    let moved = || change("a", content("A", &square(0.004), "R2"), When::Now);
    let refused = hall.put(moved(), Care::default()).await.unwrap_err();
    let AreaError::Standing(standing) = &refused else { panic!("{refused}") };
    assert_eq!((standing[0].kind.as_str(), standing[0].number.as_str()), ("alert", "7/2026"));
    let renamed = change("a", content("Another name", &square(0.0), "R2"), When::Now);
    assert!(matches!(hall.put(renamed, Care::default()).await.unwrap(), Put::Updated { .. }));
    hall.put(moved(), SURE).await.unwrap();
    let kept: bool = sqlx::query_scalar(
        "select st_equals(aa.geom, v.geom) from alert_area aa join area_version v on v.code = 'a' and v.number = 1",
    )
    .fetch_one(&hall.db.pool)
    .await
    .unwrap();
    assert!(kept, "the alert keeps the shape it was issued for");
    hall.area("b", 0.05, "R2").await;
    let plan = change("b", content("B", &square(0.06), "R2"), When::At(hall.now() + TimeDelta::days(1)));
    hall.put(plan, Care::default()).await.unwrap();
    let refused =
        hall.put(change("b", content("B", &square(0.07), "R2"), When::Now), Care::default()).await.unwrap_err();
    assert!(refused.to_string().contains("planned 2"), "{refused}");
}

#[tokio::test]
async fn whoever_began_on_a_version_that_is_past_is_told_so() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R2").await;
    hall.area("a", 0.0, "R3").await;
    let late = change("a", content("A", &square(0.001), "R2"), When::Now);
    let refused = hall.put(late, Care { base: Some(1), confirmed: true }).await.unwrap_err();
    assert!(matches!(refused, AreaError::Moved { now: 2, expected: 1, .. }), "{refused}");
}

#[tokio::test]
async fn a_change_without_a_reason_a_hazard_or_a_day_to_come_is_refused_by_its_field() {
    let hall = Hall::open().await;
    let good = || change("a", content("A", &square(0.0), "R2"), When::Now);
    let field = async |wish| match hall.put(wish, Care::default()).await.unwrap_err() {
        AreaError::Wrong { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field(sentinela::areas::Change { reason: "  ".into(), ..good() }).await, "reason");
    assert_eq!(field(sentinela::areas::Change { code: "a b".into(), ..good() }).await, "code");
    assert_eq!(field(sentinela::areas::Change { when: When::At(hall.now()), ..good() }).await, "from");
    let mut bare = good();
    bare.content.hazards.clear();
    assert_eq!(field(bare).await, "hazards");
}

#[tokio::test]
async fn areas_that_stood_before_versions_were_kept_get_their_first_by_the_first_change() {
    let hall = Hall::open().await;
    sqlx::raw_sql(
        "insert into risk_area (code, name, geom, created_at, updated_at)
         values ('old', 'Old', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.75, 4326)), '2026-01-01Z', '2026-01-02Z');
         insert into area_hazard select id, '1.1.3.2.1', 'R1' from risk_area",
    )
    .execute(&hall.db.pool)
    .await
    .unwrap();
    assert_eq!(hall.area("old", 0.001, "R4").await, Put::Updated { number: 2, before: 1 });
    let mut conn = hall.conn().await;
    let first = store::version(&mut conn, "old", 1).await.unwrap().unwrap();
    assert_eq!(first.valid_from.unwrap().to_rfc3339(), "2026-01-02T00:00:00+00:00");
    assert_eq!((first.origin, first.valid_until), (sentinela::areas::Origin::Before, Some(hall.now())));
}

#[tokio::test]
async fn the_migration_gives_every_area_that_stands_its_first_version() {
    let hall = Hall::open().await;
    let mut owner = hall.db.owner().await;
    sqlx::raw_sql(
        "drop table area_version, area_import cascade; drop function keep_area_version cascade;
         alter table risk_area drop column retired_at cascade, drop column details;
         insert into risk_area (code, name, geom, source, created_at, updated_at) values
             ('a', 'A', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.75, 4326)), 'plan', '2026-01-01Z', '2026-01-02Z'),
             ('b', 'B', st_multi(st_makeenvelope(-43.30, -21.76, -43.29, -21.75, 4326)), '', '2026-01-01Z', '2026-01-01Z');
         insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area where code = 'a'",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let migration = include_str!("../../../migrations/20261129120000_keep_area_versions.sql");
    sqlx::raw_sql(migration).execute(&mut owner).await.unwrap();
    let a = store::in_force(&mut owner, "a").await.unwrap().unwrap();
    assert_eq!(
        (a.number, a.source.as_str(), a.valid_from.unwrap().to_rfc3339().as_str()),
        (1, "plan", "2026-01-02T00:00:00+00:00")
    );
    assert_eq!(serde_json::to_value(&a.hazards).unwrap(), json!({"1.1.3.2.1": "R4"}));
    let b = store::in_force(&mut owner, "b").await.unwrap().unwrap();
    assert!(b.hazards.is_empty() && b.area_km2 > 1.0);
    let shown: i64 = sqlx::query_scalar("select count(*) from area_worst").fetch_one(&mut owner).await.unwrap();
    assert_eq!(shown, 2);
}

/// Waits until somebody waits for another's change of an area.
async fn one_waits(hall: &Hall) {
    crate::support::eventually("a writer that waits its turn", || async {
        let waits: bool = sqlx::query_scalar(
            "select exists (select from pg_locks l join pg_database d on d.oid = l.database
                            where d.datname = current_database() and l.locktype = 'advisory' and not l.granted)",
        )
        .fetch_one(&hall.db.pool)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_two_who_change_the_same_version_at_once_the_second_learns_that_it_moved() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R2").await;
    hall.pass(1);
    let care = Care { base: Some(1), confirmed: true };
    let actor = Actor::command();
    let by = Acting { ids: &hall.app.ids, now: hall.now(), actor: &actor };
    let mut first = hall.app.db.web.begin().await.unwrap();
    desk::change(&mut first, by, change("a", content("A", &square(0.002), "R2"), When::Now), care).await.unwrap();
    let second = hall.put(change("a", content("A", &square(0.004), "R2"), When::Now), care);
    let commit = async {
        one_waits(&hall).await;
        first.commit().await.unwrap();
    };
    let (second, ()) = tokio::join!(second, commit);
    assert!(matches!(second, Err(AreaError::Moved { expected: 1, now: 2, .. })), "{second:?}");
}

#[tokio::test]
async fn of_two_who_enforce_the_same_draft_at_once_the_second_learns_that_it_waits_no_more() {
    let hall = Hall::open().await;
    hall.area("a", 0.0, "R2").await;
    hall.put(change("a", content("A", &square(0.002), "R2"), When::Draft), SURE).await.unwrap();
    hall.pass(1);
    let actor = Actor::command();
    let by = Acting { ids: &hall.app.ids, now: hall.now(), actor: &actor };
    let mut first = hall.app.db.web.begin().await.unwrap();
    desk::enforce(&mut first, by, ("a", 2), SURE).await.unwrap();
    let mut second = hall.app.db.web.begin().await.unwrap();
    let commit = async {
        one_waits(&hall).await;
        first.commit().await.unwrap();
    };
    let (second, ()) = tokio::join!(desk::enforce(&mut second, by, ("a", 2), SURE), commit);
    assert!(matches!(second, Err(AreaError::NotFound(_))), "{second:?}");
}
