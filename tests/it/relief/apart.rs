//! What is exercised and what happens under different roofs, and slips that must make nobody vanish.

use axum::http::{Method, StatusCode};
use sentinela::ids::IncidentId;
use sentinela::refused::Refused;
use sentinela::shelters::desk::{self, Wanted};
use sentinela::shelters::life::Act;
use sentinela::shelters::people;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{House, INCIDENT, acting, actor, family, keeping, opened, registered, shelter, texts};

#[tokio::test]
async fn a_shelter_of_an_exercise_is_open_to_nobody_who_lost_their_home_and_counts_for_nothing() {
    let house = House::open().await;
    let app = &house.room.app;
    let actor = actor("olga");
    let school = opened(app, "escola", 10).await;
    let (_, persons) = registered(app, &["Ana Reis", "Bia Reis"]).await;
    // An alert of an exercise makes an incident of it; what the database says of it is what counts.
    sqlx::query("create or replace function incident_is_drill(wanted uuid) returns boolean language sql stable as $$ select exists (select from incident where id = wanted and number = '2026/900') $$")
        .execute(&mut house.room.db.owner().await).await.unwrap();
    sqlx::query("insert into incident (id, number, title, cobrade, state, opened_at, opened_by) values ('00000000-0000-0000-0000-0000000000e1', '2026/900', 'Simulado', '1.1.3.2.1', 'open', now(), 'olga')")
        .execute(&house.room.db.pool).await.unwrap();
    let drill = Uuid::from_u128(0xe1);
    let mut tx = app.db.web.begin().await.unwrap();
    let hall = desk::save(&mut tx, acting(app, &actor), None, &shelter("salao", 10)).await.unwrap();
    for act in [Act::Begin, Act::Open] {
        let wanted = Wanted { act, reason: "simulado", incident: Some(drill) };
        desk::act(&mut tx, acting(app, &actor), hall, wanted).await.unwrap();
    }
    let refused = people::arrive(&mut tx, acting(app, &actor), hall, &persons, "").await.unwrap_err();
    assert!(matches!(&refused, Refused::Conflict(why) if why.contains("of an exercise")), "{refused}");
    let roles = family(&["Figurante Um", "Figurante Dois", "Três", "Quatro", "Cinco"]);
    let (_, players) =
        people::register(&mut tx, acting(app, &actor), keeping(app), IncidentId(drill), &roles).await.unwrap();
    assert!(people::arrive(&mut tx, acting(app, &actor), school, &players, "").await.is_err());
    people::arrive(&mut tx, acting(app, &actor), hall, &players, "").await.unwrap();
    people::arrive(&mut tx, acting(app, &actor), school, &persons, "").await.unwrap();
    tx.commit().await.unwrap();
    let (_, page) = house.room.stranger(Method::GET, "/abrigos").await;
    assert!(page.contains("Escola escola") && !page.contains("Escola salao"), "{page}");
    let (_, told) = house.room.stranger(Method::GET, "/api/v1/public/shelters").await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (told["open"].as_array().unwrap().len(), &told["sheltered"]),
        (1, &Value::Null),
        "two are a few: {told}"
    );
    let (_, plan) = house.room.stranger(Method::GET, "/plano").await;
    assert!(
        plan.contains("Escola salao")
            && plan.contains("class=\"pin shelter open\"")
            && plan.contains("class=\"pin shelter\""),
        "{plan}"
    );
    assert!(!plan.contains("Ana 32 99999-0009"), "contacts are the staff's");
    let ogc = house.json("/ogc/collections/shelters/items/salao").await;
    assert_eq!((&ogc["properties"]["state"], &ogc["properties"]["open"]), (&"closed".into(), &false.into()), "{ogc}");
    // The database stands behind it.
    let wrong = "insert into stay (id, person_id, shelter_id, opening_id, from_at, from_by)
        select gen_random_uuid(), p.id, s.id, s.opening_id, now(), 'x' from displaced_person p, shelter s
        where s.code = 'salao' and p.household_id in (select id from household where incident_id = '00000000-0000-0000-0000-00000000001c')";
    let refused = sqlx::query(wrong).execute(&house.room.db.pool).await.unwrap_err();
    assert!(refused.to_string().contains("stay_drill"), "{refused}");
}

#[tokio::test]
async fn an_undone_arrival_from_a_shelter_that_is_closed_by_now_leaves_nobody_nowhere() {
    let house = House::open().await;
    let app = &house.room.app;
    let actor = actor("olga");
    let (first, second) = (opened(app, "a", 10).await, opened(app, "b", 10).await);
    let (_, persons) = registered(app, &["Ana Reis"]).await;
    let mut tx = app.db.web.begin().await.unwrap();
    for shelter in [first, second] {
        people::arrive(&mut tx, acting(app, &actor), shelter, &persons, "").await.unwrap();
    }
    for act in [Act::WindDown, Act::Close] {
        desk::act(&mut tx, acting(app, &actor), first, Wanted { act, reason: "vazio", incident: None }).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = app.db.web.begin().await.unwrap();
    let refused = people::undo(&mut tx, acting(app, &actor), second, persons[0], "engano").await.unwrap_err();
    assert!(matches!(&refused, Refused::Conflict(why) if why.contains("closed by now")), "{refused}");
    tx.rollback().await.unwrap();
    assert_eq!(texts(&house.room.db, "select count(*)::text from stay where until_at is null").await, ["1"]);
}

#[tokio::test]
async fn an_incident_is_not_closed_while_a_shelter_is_in_use_for_it() {
    let house = House::open().await;
    let app = &house.room.app;
    let actor = actor("olga");
    let id = opened(app, "a", 10).await;
    let path = format!("/console/incidents/{INCIDENT}/close");
    let (status, page) = house.form(&house.olga, &path, &[("text", "Passou")]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(page.contains("Escola a"), "it is named: {page}");
    let api = format!("/api/v1/incidents/{INCIDENT}/close");
    assert_eq!(
        house.api(&house.olga, Method::POST, &api, &json!({ "reason": "Passou" })).await.0,
        StatusCode::CONFLICT
    );
    let mut tx = app.db.web.begin().await.unwrap();
    for act in [Act::WindDown, Act::Close] {
        desk::act(&mut tx, acting(app, &actor), id, Wanted { act, reason: "vazio", incident: None }).await.unwrap();
    }
    tx.commit().await.unwrap();
    house.done(&house.olga, &path, &[("text", "Passou")]).await;
    assert_eq!(texts(&house.room.db, "select state from incident").await, ["closed"]);
}
