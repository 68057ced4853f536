//! A matter from its arrival to the law, over Christmas and the turn of the year.

use axum::http::StatusCode;
use sentinela::accounts::Role;
use sentinela::secretariat::kernel::worker;
use serde_json::json;

use super::{act, at, done, due, moved, open};
use crate::approval::Room;

#[tokio::test]
async fn silence_of_fifteen_business_days_over_christmas_is_a_sanction_by_itself() {
    let room = Room::open(&[]).await;
    let lia = room.person("lia", Role::Legislative).await;
    let lia = moved(&room, &lia, "lia", "2026-12-01T12:00:00Z").await;
    let body = json!({ "type": "legislative.matter", "title": "Abrigos em escolas", "assigned": "lia", "fields": {
        "urn": "urn:lex:br;minas.gerais;juiz.de.fora:municipal:projeto.lei:2026-11-05;120", "author": "Câmara Municipal",
        "regime": "ordinary", "summary": "Autoriza o uso de escolas como abrigo" } });
    let case = open(&room, &lia, "legislative", body).await;
    done(&room, &lia, "legislative", &case, ("ask", json!({}))).await;
    let (status, early) = act(
        &room,
        &lia,
        "legislative",
        &case,
        ("propose", json!({ "fields": { "position": "favourable", "position_text": "Útil" } })),
    )
    .await;
    assert_eq!(status, StatusCode::CONFLICT, "an opinion comes first: {early}");
    let opinion = json!({ "fields": { "merit": "Sim", "opportunity": "Sim", "compatibility": "Sem despesa", "creates_expense": false } });
    done(&room, &lia, "legislative", &case, ("judge", opinion)).await;
    done(
        &room,
        &lia,
        "legislative",
        &case,
        ("propose", json!({ "fields": { "position": "favourable", "position_text": "Útil" } })),
    )
    .await;
    done(&room, &lia, "legislative", &case, ("send", json!({}))).await;
    let lia = moved(&room, &lia, "lia", "2026-12-15T13:00:00Z").await;
    let passed =
        done(&room, &lia, "legislative", &case, ("pass", json!({ "fields": { "received_on": "2026-12-15" } }))).await;
    // By hand: 16, 17, 18, 21, 22, 23, 24, (25 Christmas), 28, 29, 30, 31 December are eleven; (1 January), 4, 5, 6, 7 January.
    assert_eq!(due(&passed, "legislative.sanction"), "2027-01-07", "{passed}");
    let lia = moved(&room, &lia, "lia", "2027-01-07T20:00:00Z").await;
    assert_eq!(worker::round(&room.app, room.app.clock.now()).await.unwrap(), 0, "the last day is theirs");
    let lia = moved(&room, &lia, "lia", "2027-01-08T03:00:01Z").await;
    let (status, late) =
        act(&room, &lia, "legislative", &case, ("veto", json!({ "fields": { "veto": "Contra o interesse público" } })))
            .await;
    assert_eq!(status, StatusCode::CONFLICT, "{late}");
    assert!(late["detail"].as_str().unwrap().contains("art. 66"), "{late}");
    let now = room.app.clock.now();
    assert_eq!(worker::round(&room.app, now).await.unwrap(), 1);
    assert_eq!(worker::round(&room.app, now).await.unwrap(), 0, "once");
    let promulgated =
        done(&room, &lia, "legislative", &case, ("promulgate", json!({ "fields": { "law": "Lei 15.001/2027" } })))
            .await;
    assert_eq!((&promulgated["state"], &promulgated["is_final"]), (&json!("law"), &json!(true)), "{promulgated}");
    let acts = room.words("select act || ' ' || actor || ' ' || to_state from case_act order by seq").await;
    assert!(acts.contains(&"tacit service tacit".to_owned()), "{acts:?}");
    assert!(promulgated["deadlines"].as_array().unwrap().iter().all(|one| one["state"] != "open"), "{promulgated}");
    assert!(at("2027-01-08T03:00:01Z") <= now);
}
