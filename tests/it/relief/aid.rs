//! Kits out of the stock, against a signature, once within their days.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use uuid::Uuid;

use super::House;

const SIGNED: &str = "10,10 20,30 40,10 60,40 80,10 100,50 120,10 140,60";

/// A kit, its stock for three, and a family; their ids.
async fn ready(house: &House) -> (String, String, String) {
    house.done(&house.olga, "/console/supplies/items", &[("name", "Arroz"), ("unit", "kg")]).await;
    house.done(&house.olga, "/console/supplies/depots", &[("name", "Depósito central")]).await;
    let item = house.texts("select id::text from supply_item").await.remove(0);
    let place = house.texts("select id::text from stock_place").await.remove(0);
    let stock = [("act", "enter"), ("kind", "received"), ("item", &*item), ("amount", "15")];
    house.done(&house.fabio, &format!("/console/supplies/{place}"), &stock).await;
    let kit = [("name", "Cesta básica"), ("every_days", "30"), ("item1", &*item), ("amount1", "5")];
    house.done(&house.olga, "/console/aid/kits", &kit).await;
    let kit = house.texts("select id::text from aid_kit").await.remove(0);
    let (family, _) = super::registered(&house.room.app, &["Ana", "Bia"]).await;
    (kit, place, family.to_string())
}

#[tokio::test]
async fn a_kit_is_given_once_within_its_days_and_again_only_by_a_coordinator_who_says_why() {
    let mut house = House::open().await;
    let (kit, place, family) = ready(&house).await;
    let path = format!("/console/households/{family}/aid");
    let base = [("kit", kit.as_str()), ("place", place.as_str())];
    house.refused(&house.fabio, &path, &base, "signature is missing").await;
    house
        .refused(&house.fabio, &path, &[&base[..], &[("signature", "\"><script>")]].concat(), "could not be read")
        .await;
    house.done(&house.fabio, &path, &[&base[..], &[("signature", SIGNED)]].concat()).await;
    assert_eq!(house.texts("select amount::text from supply_stock").await, ["10"]);
    // Another hand at another table, and a reason that is not theirs to give.
    let again = [&base[..], &[("witness", "José Souza"), ("override_reason", "perdeu tudo")]].concat();
    house.refused(&house.fabio, &path, &again, "Only a coordinator").await;
    house.refused(&house.clara, &path, &[&base[..], &[("witness", "José Souza")]].concat(), "Write why").await;
    house.done(&house.clara, &path, &again).await;
    assert_eq!(house.texts("select proof || ' ' || coalesce(override_by, '-') || ' ' || override_reason from aid_delivery order by at, override_by nulls first").await,
        ["signature - ", "witness clara perdeu tudo"]);
    // After its days it is simply given again; then the stock is used up.
    house.later(TimeDelta::days(31)).await;
    house.done(&house.fabio, &path, &[&base[..], &[("witness", "José Souza")]].concat()).await;
    let (other, _) = super::registered(&house.room.app, &["Caio"]).await;
    let empty = format!("/console/households/{other}/aid");
    house
        .refused(&house.fabio, &empty, &[&base[..], &[("witness", "José Souza")]].concat(), "not enough in stock")
        .await;
    assert_eq!(house.texts("select count(*)::text from aid_delivery").await, ["3"]);
    // The signature is sealed, and looking at it is written down.
    assert!(
        house
            .texts(
                "select 'x' from vault_record where purpose = 'aid_receipt' and encode(sealed, 'escape') like '%10,10%'"
            )
            .await
            .is_empty()
    );
    let signed = house.texts("select id::text from aid_delivery where proof = 'signature'").await.remove(0);
    let receipt = house.room.page(&house.olga, &format!("/console/aid/deliveries/{signed}")).await;
    assert!(receipt.contains("M10 10L20 30"), "{receipt}");
    assert_eq!(house.texts("select actor from audit_event where act = 'aid.read_receipt'").await, ["olga"]);
    let request = Request::get("/console/aid/deliveries.csv").header("cookie", &house.olga.cookie);
    let (status, csv) = house.room.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((status, csv.lines().count()), (StatusCode::OK, 4), "{csv}");
    assert!(csv.contains("Cesta básica") && !csv.contains("Ana"), "{csv}");
    let lines = house.texts("select text from incident_entry where kind = 'aid' order by id").await;
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[tokio::test]
async fn the_database_refuses_a_second_delivery_by_itself_also_of_two_at_once() {
    let house = House::open().await;
    let (kit, place, family) = ready(&house).await;
    let insert =
        "insert into aid_delivery (id, kit_id, household_id, place_id, incident_id, at, actor, until_at, proof)
        values (gen_random_uuid(), $1, $2, $3, $4, '2026-02-22T12:00:00Z', 'x', '2026-03-24T12:00:00Z', 'witness')";
    let ids: Vec<Uuid> = [kit, family, place].iter().map(|id| id.parse().unwrap()).collect();
    let give = move |pool: sqlx::PgPool, ids: Vec<Uuid>| async move {
        let query = sqlx::query(insert).bind(ids[0]).bind(ids[1]).bind(ids[2]).bind(super::INCIDENT);
        query.execute(&pool).await.map(|_| ()).map_err(|error| error.to_string())
    };
    let hands: Vec<_> = (0..4).map(|_| tokio::spawn(give(house.room.db.pool.clone(), ids.clone()))).collect();
    let mut given = 0;
    for hand in hands {
        match hand.await.unwrap() {
            Ok(()) => given += 1,
            Err(error) => assert!(error.contains("aid_delivery_once_within_its_days"), "{error}"),
        }
    }
    assert_eq!(given, 1);
}

#[tokio::test]
async fn aid_in_an_exercise_takes_nothing_out_of_the_stock_counts_for_nothing_and_says_what_it_is() {
    let house = House::open().await;
    let (kit, place, family) = ready(&house).await;
    // An alert of an exercise makes an incident of it; what the database says of it is what counts.
    sqlx::query("create or replace function incident_is_drill(wanted uuid) returns boolean language sql stable as $$ select exists (select from incident where id = wanted and number = '2026/900') $$")
        .execute(&mut house.room.db.owner().await).await.unwrap();
    sqlx::query("insert into incident (id, number, title, cobrade, state, opened_at, opened_by) values ('00000000-0000-0000-0000-0000000000e1', '2026/900', 'Simulado', '1.1.3.2.1', 'open', now(), 'olga')")
        .execute(&house.room.db.pool).await.unwrap();
    let (app, actor) = (house.room.app.clone(), super::actor("olga"));
    let drill = sentinela::ids::IncidentId(Uuid::from_u128(0xe1));
    let mut tx = app.db.web.begin().await.unwrap();
    let roles = super::family(&["Figurante Um"]);
    let keeping = super::keeping(&app);
    let (players, _) =
        sentinela::shelters::people::register(&mut tx, super::acting(&app, &actor), keeping, drill, &roles)
            .await
            .unwrap();
    tx.commit().await.unwrap();
    let given = [("kit", kit.as_str()), ("place", place.as_str()), ("witness", "José Souza")];
    let path = format!("/console/households/{players}/aid");
    house.done(&house.fabio, &path, &given).await;
    house.refused(&house.fabio, &path, &given, "Only a coordinator").await;
    assert_eq!(house.texts("select amount::text from supply_stock").await, ["15"]);
    assert!(house.room.page(&house.olga, &format!("/console/households/{players}")).await.contains("EXERCISE"));
    let id = house.texts("select id::text from aid_delivery").await.remove(0);
    assert!(house.room.page(&house.olga, &format!("/console/aid/deliveries/{id}")).await.contains("nothing was given"));
    house.done(&house.fabio, &format!("/console/households/{family}/aid"), &given).await;
    assert_eq!(house.texts("select amount::text from supply_stock").await, ["10"]);
    for (query, lines) in [("", 2), ("?exercises=yes", 3)] {
        let csv = house.room.page(&house.olga, &format!("/console/aid/deliveries.csv{query}")).await;
        assert_eq!(csv.lines().count(), lines, "{csv}");
    }
    for (query, rows) in [("", 1), ("?exercises=true", 2)] {
        let all = house.room.page(&house.olga, &format!("/api/v1/aid-deliveries{query}")).await;
        let all: serde_json::Value = serde_json::from_str(&all).unwrap();
        assert_eq!(all.as_array().unwrap().len(), rows, "{all}");
    }
    let page = house.room.page(&house.olga, "/console/aid").await;
    assert!(!page.contains("<span class=\"tag wait\">EXERCISE"), "{page}");
    // The database stands behind it.
    let insert = |drill: bool, incident: &str| {
        format!("insert into aid_delivery (id, kit_id, household_id, place_id, incident_id, at, actor, until_at, proof, drill)
        values (gen_random_uuid(), '{kit}', '{players}', '{place}', '{incident}', '2020-02-22T12:00:00Z', 'x', '2020-03-24T12:00:00Z', 'witness', {drill})")
    };
    let taken = "insert into supply_entry (place_id, item_id, at, actor, kind, amount, delivery_id)
        select place_id, (select id from supply_item), at, 'x', 'delivered', -1, id from aid_delivery where drill";
    for (sql, rule) in [
        (insert(false, "00000000-0000-0000-0000-0000000000e1"), "aid_delivery_drill"),
        (insert(true, "00000000-0000-0000-0000-00000000001c"), "aid_delivery_drill"),
        (taken.to_owned(), "supply_entry_delivery_real"),
        (taken.replace(", id from", ", null from"), "supply_entry_delivery_named"),
    ] {
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&house.room.db.pool).await.unwrap_err();
        assert!(refused.to_string().contains(rule), "{refused}");
    }
}
