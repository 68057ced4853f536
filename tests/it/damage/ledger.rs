//! Figures: each with its source, totals computed, nothing counted twice; and levels.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sentinela::clock::Instant;
use sentinela::shelters::{Destination, people};
use serde_json::{Value, json};

use super::Town;
use crate::relief;

#[tokio::test]
async fn a_total_is_the_sum_of_entries_that_name_their_source_and_an_entry_is_taken_back_with_a_reason() {
    let town = Town::open().await;
    let first = town.enter("housing", json!({ "damaged": 3, "centavos": 100_000 })).await;
    town.enter("housing", json!({ "destroyed": 1 })).await;
    let figure = town.figure("housing").await;
    assert_eq!(figure["total"], json!({ "persons": null, "damaged": 3, "destroyed": 1, "centavos": 100_000 }));
    assert_eq!(figure["entries"][0]["because"], "Planilha da equipe");
    assert_eq!(town.figure("health").await["total"]["damaged"], Value::Null, "nobody said is not nought");
    let (status, wrong) = town
        .act(
            &town.olga,
            Method::POST,
            "entries",
            json!({ "line": "dead", "amount": { "centavos": 5 }, "because": "x" }),
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong["errors"][0]["field"], "amount.centavos", "{wrong}");
    let path = format!("entries/{first}/end");
    assert_eq!(town.act(&town.olga, Method::POST, &path, json!({ "reason": " " })).await.0, StatusCode::BAD_REQUEST);
    town.good(&town.olga, Method::POST, &path, json!({ "reason": "Contada duas vezes" })).await;
    assert_eq!(
        town.act(&town.olga, Method::POST, &path, json!({ "reason": "De novo" })).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(town.figure("housing").await["total"]["damaged"], Value::Null);
    assert_eq!(town.get().await["ended"][0]["reason"], "Contada duas vezes");
    for sql in ["update damage_entry set damaged = 9", "delete from damage_entry", "delete from damage_entry_end"] {
        assert!(town.keeps(sql).await, "{sql}");
    }
}

#[tokio::test]
async fn two_inspections_of_one_building_are_one_and_adopting_again_follows_the_field() {
    let town = Town::open().await;
    town.inspection("2026/001", "10", "damaged", None).await;
    let old = town.inspection("2026/002", "12", "damaged", None).await;
    town.inspection("2026/003", "10", "destroyed", None).await;
    let figure = town.figure("housing").await;
    assert_eq!(figure["proposals"][0]["amount"]["damaged"], 2);
    assert_eq!(figure["proposals"][0]["amount"]["destroyed"], 2, "the newest of the building: {figure}");
    assert_eq!(figure["differences"][0]["damaged"], -2, "nothing is adopted yet");
    let doubts = town.get().await["doubts"].clone();
    assert_eq!(doubts[0]["inspections"], json!(["2026/003", "2026/001"]), "{doubts}");
    let adoption = json!({ "line": "housing", "source": "inspection" });
    let adopted = town.good(&town.olga, Method::POST, "adopt", adoption.clone()).await;
    assert_eq!(adopted, json!({ "entered": 2, "taken_back": 0 }));
    let adopted = town.good(&town.olga, Method::POST, "adopt", adoption.clone()).await;
    assert_eq!(adopted, json!({ "entered": 0, "taken_back": 0 }), "adopting again changes nothing");
    // The field corrects an inspection: the entry on the old one is a doubt until it is adopted again.
    town.inspection("2026/004", "12", "destroyed", Some(old)).await;
    let doubts = town.get().await["doubts"].clone();
    assert!(
        doubts.as_array().unwrap().iter().any(|one| one["doubt"] == "outdated" && one["inspection"] == "2026/002"),
        "{doubts}"
    );
    let adopted = town.good(&town.olga, Method::POST, "adopt", adoption).await;
    assert_eq!(adopted, json!({ "entered": 1, "taken_back": 1 }));
    let figure = town.figure("housing").await;
    assert_eq!((&figure["total"]["damaged"], &figure["total"]["destroyed"]), (&Value::Null, &json!(4)), "{figure}");
    assert_eq!(
        figure["differences"][0],
        json!({ "persons": null, "damaged": null, "destroyed": null, "centavos": null })
    );
    let twice = town
        .refused(
            "insert into damage_entry (id, disaster_id, line, part, source, destroyed, inspection_id, at, actor)
             select gen_random_uuid(), disaster_id, line, part, source, destroyed, inspection_id, at, actor from damage_entry_standing limit 1",
        )
        .await;
    assert!(twice.contains("already"), "{twice}");
    let (status, none) =
        town.act(&town.olga, Method::POST, "adopt", json!({ "line": "health", "source": "inspection" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{none}");
}

#[tokio::test]
async fn shelters_propose_desabrigados_and_desalojados_apart_at_an_instant() {
    let town = Town::open().await;
    let app = &town.room.app;
    relief::opened(app, "escola-1", 50).await;
    relief::registered(app, &["Rosa", "Davi"]).await;
    let homeless = town.figure("homeless").await;
    assert_eq!(homeless["proposals"][0]["amount"]["persons"], 0, "{homeless}");
    town.good(&town.olga, Method::POST, "adopt", json!({ "line": "homeless", "source": "shelters" })).await;
    let homeless = town.figure("homeless").await;
    assert_eq!((&homeless["total"]["persons"], &homeless["entries"][0]["source"]), (&json!(0), &json!("shelters")));
    assert!(homeless["entries"][0]["counted_at"].is_string(), "{homeless}");
    town.enter("displaced", json!({ "persons": 7 })).await;
    let shown = town.get().await;
    assert!(!shown["sums"].as_object().unwrap().keys().any(|key| key.contains("persons")), "persons are never summed");
}

#[tokio::test]
async fn whoever_slept_in_a_shelter_is_proposed_also_after_it_is_empty() {
    let town = Town::open().await;
    let app = &town.room.app;
    let school = relief::opened(app, "escola-1", 50).await;
    let (_, persons) = relief::registered(app, &["Rosa", "Davi"]).await;
    let actor = relief::actor("fabio");
    let came = app.clock.now();
    let mut tx = app.db.web.begin().await.unwrap();
    people::arrive(&mut tx, relief::acting(app, &actor), school, &persons, "").await.unwrap();
    tx.commit().await.unwrap();
    app.clock.set(came + TimeDelta::minutes(20));
    let mut tx = app.db.web.begin().await.unwrap();
    let by = relief::acting(app, &actor);
    people::leave(&mut tx, by, &persons, Destination::Home, "a chuva passou").await.unwrap();
    tx.commit().await.unwrap();
    app.clock.set(came + TimeDelta::minutes(30));
    let proposal = town.figure("homeless").await["proposals"][0].clone();
    assert_eq!(proposal["amount"]["persons"], 2, "{proposal}");
    assert_eq!(proposal["counted_at"].as_str().unwrap().parse::<Instant>().unwrap(), came);
    let adoption = json!({ "line": "homeless", "source": "shelters" });
    town.good(&town.olga, Method::POST, "adopt", adoption.clone()).await;
    let adopted = town.good(&town.olga, Method::POST, "adopt", adoption).await;
    assert_eq!(adopted, json!({ "entered": 0, "taken_back": 0 }), "adopting again later takes nothing back");
    assert_eq!(town.figure("homeless").await["total"]["persons"], 2);
    assert_eq!(town.figure("displaced").await["proposals"][0]["amount"]["persons"], 0, "they are apart");
}

#[tokio::test]
async fn houses_without_a_number_are_not_one_house() {
    let town = Town::open().await;
    for number in ["2026/001", "2026/002", "2026/003"] {
        town.inspection(number, "s/n", "destroyed", None).await;
    }
    let figure = town.figure("housing").await;
    assert_eq!(figure["proposals"][0]["amount"]["destroyed"], 6, "three of two dwellings each: {figure}");
    assert_eq!(figure["proposals"][0]["amount"]["centavos"], 1_500_000);
}

#[tokio::test]
async fn every_change_is_a_revision_and_nothing_is_decided_on_figures_that_nobody_saw() {
    let town = Town::open().await;
    town.enter("displaced", json!({ "persons": 7 })).await;
    let seen = town.get().await;
    let entry = town.enter("agriculture", json!({ "centavos": 200_000_000 })).await;
    let said = json!({ "revision": seen["revision"], "verdict": { "level": "i", "declared": "se" },
        "answers": { "bearable": true, "needs_three_spheres": false }, "reason": "Reunião" });
    let (status, refused) = town.act(&town.olga, Method::PUT, "level", said).await;
    assert_eq!(status, StatusCode::CONFLICT, "a figure came meanwhile: {refused}");
    // Whoever writes the form need not have seen the figures.
    let sections = json!({ "revision": seen["revision"], "sections": { "causes": "Chuva forte" } });
    town.good(&town.olga, Method::PUT, "sections", sections.clone()).await;
    assert_eq!(town.act(&town.olga, Method::PUT, "sections", sections).await.0, StatusCode::CONFLICT);
    let now = town.get().await;
    let path = format!("entries/{entry}/end");
    town.good(&town.ana, Method::POST, &path, json!({ "reason": "Contada duas vezes" })).await;
    let then = town.get().await;
    assert!(then["revision"].as_i64() > now["revision"].as_i64() && then["changed_by"] == "ana", "{then}");
}

#[tokio::test]
async fn a_decision_that_departs_from_the_criteria_is_told() {
    let town = Town::open().await;
    town.enter("displaced", json!({ "persons": 7 })).await;
    assert_eq!(town.level("iii", "se", true).await.0, StatusCode::NO_CONTENT);
    let keys = town.checks().await;
    assert!(keys.contains(&"level-differs".to_owned()) && keys.contains(&"level-iii-se".to_owned()), "{keys:?}");
    assert_eq!(town.level("i", "se", true).await.0, StatusCode::NO_CONTENT);
    let keys = town.checks().await;
    assert!(!keys.iter().any(|key| key.starts_with("level")), "{keys:?}");
    town.enter("agriculture", json!({ "centavos": 1 })).await;
    assert!(town.checks().await.contains(&"level-differs".to_owned()), "the figures changed since");
}

#[tokio::test]
async fn level_one_or_two_is_never_a_calamity_whoever_writes() {
    let town = Town::open().await;
    assert_eq!(town.level("i", "se", true).await.0, StatusCode::CONFLICT, "nothing to grade");
    town.enter("displaced", json!({ "persons": 7 })).await;
    for level in ["i", "ii"] {
        let (status, refused) = town.level(level, "ecp", true).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(refused["errors"][0]["field"], "verdict.declared", "{refused}");
    }
    assert_eq!(town.level("i", "se", true).await.0, StatusCode::NO_CONTENT);
    let shown = town.get().await;
    assert_eq!(
        (&shown["verdict"], &shown["level_detail"]["proposed"]),
        (&json!({ "level": "i", "declared": "se" }), &json!("i"))
    );
    assert!(town.refused("update disaster set declared = 'ecp'").await.contains("disaster_ecp_only_level_iii"));
    assert!(
        town.refused("update disaster set level = 'ii', declared = 'ecp'")
            .await
            .contains("disaster_ecp_only_level_iii")
    );
    assert!(
        town.refused("update disaster set level = null, declared = 'ecp', level_at = null, level_by = null")
            .await
            .contains("disaster_")
    );
    assert_eq!(town.level("iii", "ecp", false).await.0, StatusCode::NO_CONTENT);
    let acts = town.room.words("select act from audit_event where act like 'damage.%' order by at, id").await;
    assert!(acts.contains(&"damage.level".to_owned()), "{acts:?}");
}
