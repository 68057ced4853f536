//! SMS through a real SMPP centre.

use std::collections::BTreeSet;

use serde_json::Value;

use super::peers::{Dispatcher, provider, smsc, told, told_each};
use super::town::{AWAY, INSIDE, Town};
use crate::support::{self, TestDb, free_port};

const PHONES: [&str; 3] = ["+5532900000001", "+5532900000002", "+5532900000003"];

/// Three residents inside and one away, an alert that lives, and its rows.
async fn warned(db: &TestDb) -> Town<'_> {
    let town = Town::new(db).await;
    for phone in PHONES {
        town.resident(INSIDE, 10, &[phone]).await;
    }
    town.resident(AWAY, 10, &["+5532900000009"]).await;
    let alert = town.living_alert("Defesa Civil: risco de deslizamento. Saia.").await;
    town.enqueue(alert).await;
    town
}

async fn until(town: &Town<'_>, wanted: &[&str]) {
    let what = format!("{wanted:?}");
    support::eventually(&what, || async {
        let states = town.states().await;
        (states == wanted).then_some(())
    })
    .await;
}

const ALL_DELIVERED: [&str; 3] = ["+5532900000001 delivered", "+5532900000002 delivered", "+5532900000003 delivered"];

#[tokio::test]
async fn sms_go_to_residents_inside_only_and_their_receipts_are_matched() {
    let db = support::db().await;
    let port = free_port();
    let mut centre = smsc(port, &[]).await;
    let town = warned(&db).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    let mut to = BTreeSet::new();
    for _ in PHONES {
        let submit = told(&mut centre, "submit").await;
        assert_eq!((submit["from"].as_str(), submit["esm_class"].as_i64()), (Some("40199"), Some(0)));
        assert_eq!(submit["text"].as_str(), Some("Defesa Civil: risco de deslizamento. Saia."));
        assert_eq!(submit["registered_delivery"].as_i64(), Some(1));
        to.insert(submit["to"].as_str().unwrap().to_owned());
    }
    assert_eq!(to, PHONES.map(|phone| phone.trim_start_matches('+').to_owned()).into());
    until(&town, &ALL_DELIVERED).await;
    dispatcher.stop().await;
    told(&mut centre, "unbind").await;
}

#[tokio::test]
async fn receipts_are_matched_before_the_answer_twice_out_of_order_and_in_another_number_base() {
    for options in [
        &["--receipt=before"][..],
        &["--receipt=twice"],
        &["--reverse=3"],
        &["--ids=hex", "--first=4096"],
        &["--ids=hex", "--receipt=before", "--reverse=3"],
        &["--by=data_sm"],
        &["--by=data_sm", "--ids=hex", "--first=4096", "--receipt=before"],
    ] {
        let db = support::db().await;
        let port = free_port();
        let _centre = smsc(port, options).await;
        let town = warned(&db).await;
        let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
        until(&town, &ALL_DELIVERED).await;
        dispatcher.stop().await;
    }
}

#[tokio::test]
async fn a_receipt_is_answered_only_once_it_is_kept() {
    let db = support::db().await;
    let port = free_port();
    let mut centre = smsc(port, &[]).await;
    let town = warned(&db).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    for kept in 1..=3 {
        let answer = told(&mut centre, "receipt").await;
        assert_eq!(answer["answered"].as_i64(), Some(0));
        assert!(town.count("delivery_receipt").await >= kept);
    }
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_receipt_by_data_sm_is_answered_by_its_own_answer_once_it_is_kept() {
    let db = support::db().await;
    let port = free_port();
    let mut centre = smsc(port, &["--by=data_sm"]).await;
    let town = warned(&db).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    for kept in 1..=3 {
        let answer = told(&mut centre, "receipt").await;
        assert_eq!((answer["answered"].as_i64(), answer["by"].as_str()), (Some(0), Some("data_sm_resp")), "{answer}");
        assert!(town.count("delivery_receipt").await >= kept);
    }
    until(&town, &ALL_DELIVERED).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_throttled_message_is_sent_again_and_arrives() {
    let db = support::db().await;
    let port = free_port();
    let _centre = smsc(port, &["--throttle=3"]).await;
    let town = warned(&db).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    until(&town, &ALL_DELIVERED).await;
    let throttled: i64 = sqlx::query_scalar(
        "select count(*) from outbox_attempt where outcome = 'rejected' and code = 'smpp 0x00000058'",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert_eq!(throttled, 3);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_wrong_number_is_given_up_a_lost_message_is_told_and_the_others_arrive() {
    let db = support::db().await;
    let port = free_port();
    let _centre = smsc(port, &["--reject=5532900000001", "--lose=5532900000002"]).await;
    let town = warned(&db).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    until(&town, &["+5532900000001 rejected", "+5532900000002 undelivered", "+5532900000003 delivered"]).await;
    assert!(town.rows().await[0].contains("smpp 0x0000000b"), "{:?}", town.rows().await);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_centre_killed_midway_loses_no_row() {
    let db = support::db().await;
    let port = free_port();
    let mut centre = smsc(port, &["--mute=3", "--receipt=none"]).await;
    let town = warned(&db).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    // All messages left and were not answered: nobody knows what became of them. One that this centre accepted would wait for a receipt
    // that the next one, which knows nothing of it, never sends.
    for _ in ALL_DELIVERED {
        told(&mut centre, "submit").await;
    }
    centre.kill().await;
    let _back = smsc(port, &["--first=5000"]).await;
    until(&town, &ALL_DELIVERED).await;
    let unknown: i64 = sqlx::query_scalar("select count(*) from outbox_attempt where outcome = 'unknown'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert!(unknown >= 3, "the doubt is recorded: {unknown}");
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_long_text_leaves_in_parts_and_is_delivered_when_every_part_is() {
    let db = support::db().await;
    let port = free_port();
    let mut centre = smsc(port, &["--reverse=2"]).await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &[PHONES[0]]).await;
    let alert = town.living_alert(&"Saia de casa agora. ".repeat(10)).await;
    town.enqueue(alert).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    let parts: [Value; 2] = [told(&mut centre, "submit").await, told(&mut centre, "submit").await];
    assert_eq!(parts.map(|part| part["esm_class"].as_i64()), [Some(0x40); 2]);
    until(&town, &["+5532900000001 delivered"]).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn the_second_provider_works_while_the_first_is_away() {
    let db = support::db().await;
    let (away, there) = (free_port(), free_port());
    let mut centre = smsc(there, &[]).await;
    let town = warned(&db).await;
    let dispatcher = Dispatcher::start(&db, |config| {
        let second = sentinela::config::SmppProvider { name: "second".to_owned(), ..provider(there) };
        config.sms.smpp = vec![provider(away), second];
    });
    told(&mut centre, "submit").await;
    until(&town, &ALL_DELIVERED).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_long_message_of_a_person_is_reported_whole_whatever_the_order_of_its_parts() {
    let db = support::db().await;
    let port = free_port();
    let parts = "--parts=5532900000001|2/2 ão, rua das Flores 20|2/2 ão, rua das Flores 20|1/2 RELATO árvore caiu no ch|2/2 ão, rua das Flores 20";
    let mut centre = smsc(port, &[parts]).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    // The reply may leave before the repetition that comes last is answered.
    let [said, replies] = told_each(&mut centre, [("said", 4), ("submit", 1)]).await;
    assert!(said.iter().all(|line| line["answered"].as_i64() == Some(0)), "{said:?}");
    let answer = &replies[0];
    assert!(answer["text"].as_str().unwrap().contains("Protocolo R"), "{answer}");
    let kept: Vec<String> = sqlx::query_scalar("select kind || ': ' || words || ' @ ' || place from report")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(kept, ["fallen_tree: árvore caiu no chão, rua das Flores 20 @ rua das Flores 20"]);
    dispatcher.stop().await;
}

#[tokio::test]
async fn what_a_person_writes_to_the_number_is_reported_once_and_answered_by_sms() {
    let db = support::db().await;
    let port = free_port();
    let mut centre = smsc(port, &["--says=5532900000001|RELATO árvore caída, rua das Flores 20"]).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![provider(port)]);
    // The reply may leave before the repetition that comes last is answered.
    let [said, replies] = told_each(&mut centre, [("said", 2), ("submit", 1)]).await;
    assert!(said.iter().all(|line| line["answered"].as_i64() == Some(0)), "{said:?}");
    let answer = &replies[0];
    assert_eq!(answer["to"].as_str(), Some("5532900000001"));
    assert!(answer["text"].as_str().unwrap().contains("Protocolo R"), "{answer}");
    let kept: Vec<String> = sqlx::query_scalar("select kind || ': ' || words || ' @ ' || place from report")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(kept, ["fallen_tree: árvore caída, rua das Flores 20 @ rua das Flores 20"]);
    dispatcher.stop().await;
}
