//! Family 1: kill -9 at each named point, alone, and at any moment.

use super::accounts::{self, Sums};
use super::devices::{Fleet, Ledger, Message, post};
use super::service::{Peer, Place, Service};
use crate::dispatch::town::{INSIDE, Town};
use crate::support::{self, Folder, TestDb, free_port};

/// A centre with four messages under way at most. Leases end soon, so that a test need not wait half a minute for them.
pub fn centre(port: u16, more: &str) -> String {
    format!(
        r#"
        [[sms.smpp]]
        name = "centre"
        host = "127.0.0.1"
        port = {port}
        system_id = "sentinela"
        password = "secret"
        source_addr = "40199"
        window = 4
        messages_per_second = 50
        {more}
        [dispatch]
        lease_s = 3
        retry_base_s = 1
        "#
    )
}

/// So many people inside, with telephones.
pub async fn people(db: &TestDb, count: usize) -> Town<'_> {
    let town = Town::new(db).await;
    for n in 0..count {
        town.resident(INSIDE, 10, &[format!("+5532900000{n:03}").as_str()]).await;
    }
    town
}

/// Issues an alert with words of its own.
pub async fn warn(town: &Town<'_>, words: &str) {
    let alert = town.living_alert(words).await;
    town.enqueue(alert).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_reading_survives_kill_9_and_the_next_process_goes_on() {
    let (db, folder) = (support::db().await, Folder::new());
    let mut fleet = Fleet::new(&db.pool).await;
    let place = Place::new(folder.path(), "");
    let mut acknowledged = 0;
    for kill_after in [1, 37, 150] {
        let service = Service::start(&db, &place, "").await;
        let mut publishing = fleet.publish(place.mqtt);
        publishing.acked(kill_after).await;
        service.kill().await;
        // The message that was under way is sent again with its old id: it may be in the journal, and must not be twice.
        fleet = publishing.ended().await;
        acknowledged += kill_after;
        let acked = fleet.ledger.acked();
        assert!(acked.len() >= acknowledged);
        assert!(accounts::lost(&db.pool, &acked).await.is_empty());
    }
    // At most the one message a device had under way when its service died may be stored without having been acknowledged.
    let unacked = accounts::journal(&db.pool).await.len() - fleet.ledger.acked().len();
    assert!(unacked <= fleet.under_way(), "{unacked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_point_of_the_way_in_no_acknowledged_reading_is_lost_and_all_are_judged() {
    let (db, folder) = (support::db().await, Folder::new());
    let mut fleet = Fleet::new(&db.pool).await;
    let place = Place::new(folder.path(), "");
    for failpoint in [
        "ingest.commit.before=kill@2",
        "ingest.commit.after=kill@2",
        "mqtt.ack.before=kill@3",
        "mqtt.ack.after=kill@9",
        "evaluate.commit.before=kill@1",
        "evaluate.commit.after=kill@1",
        "evaluate.commit.before=kill@3",
    ] {
        // What the one before left is judged first: otherwise the next would fall while it starts, before a device can reach it.
        let between = Service::start(&db, &place, "").await;
        accounts::settled(&db.pool).await;
        between.stop().await;
        let mut service = Service::start(&db, &place, failpoint).await;
        let publishing = fleet.publish(place.mqtt);
        service.died().await;
        fleet = publishing.ended().await;
        let lost = accounts::lost(&db.pool, &fleet.ledger.acked()).await;
        assert!(lost.is_empty(), "{failpoint}: acknowledged and lost: {lost:?}");
    }
    assert!(!fleet.ledger.acked().is_empty());
    let service = Service::start(&db, &place, "").await;
    accounts::settled(&db.pool).await;
    accounts::audit(&db.pool, &place.data()).await;
    service.stop().await;
}

#[tokio::test]
async fn killed_at_either_side_of_an_answer_over_http_nothing_acknowledged_is_lost() {
    let (db, folder) = (support::db().await, Folder::new());
    crate::ingest::gauge(&db.pool, "A").await;
    let place = Place::new(folder.path(), "");
    let (ledger, mut number) = (Ledger::default(), 0);
    for failpoint in
        ["ingest.commit.before=kill@2", "ingest.commit.after=kill@2", "http.ack.before=kill@3", "http.ack.after=kill@3"]
    {
        let mut service = Service::start(&db, &place, failpoint).await;
        let unanswered = loop {
            let message = Message::now(&format!("h{number}"));
            number += 1;
            match post(place.http, &message.payload).await {
                Some((status, body)) => {
                    assert_eq!(status, 200, "{body}");
                    ledger.note(&message.id);
                }
                None => break message,
            }
        };
        service.died().await;
        let lost = accounts::lost(&db.pool, &ledger.acked()).await;
        assert!(lost.is_empty(), "{failpoint}: answered and lost: {lost:?}");
        // Whoever got no answer asks again, and nothing is there twice.
        let service = Service::start(&db, &place, "").await;
        let (status, body) = post(place.http, &unanswered.payload).await.unwrap();
        assert_eq!(status, 200, "{body}");
        ledger.note(&unanswered.id);
        assert!(accounts::lost(&db.pool, &ledger.acked()).await.is_empty());
        service.stop().await;
    }
}

/// What is done where a commit fails: it is tried again, and whoever waits gets the answer then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_is_tried_again_and_only_then_acknowledged() {
    let (db, folder) = (support::db().await, Folder::new());
    let fleet = Fleet::new(&db.pool).await;
    let place = Place::new(folder.path(), "");
    let failpoints = "ingest.commit.before=error@1;ingest.commit.before=error@2;evaluate.commit.before=error@1";
    let service = Service::start(&db, &place, failpoints).await;
    let mut publishing = fleet.publish(place.mqtt);
    publishing.acked(20).await;
    service.reached("evaluate.commit.before").await;
    let fleet = publishing.stop().await;
    assert!(accounts::lost(&db.pool, &fleet.ledger.acked()).await.is_empty());
    accounts::settled(&db.pool).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_point_of_the_way_out_each_message_has_its_end_and_a_copy_only_where_nobody_knew() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, &[]).await;
    let place = Place::new(folder.path(), &centre(port, ""));
    let town = people(&db, 6).await;
    let failpoints = [
        "dispatch.claim.after=kill@1",
        "dispatch.pdu.before=kill@2",
        "dispatch.pdu.after=kill@2",
        "dispatch.response.after=kill@2",
        "dispatch.commit.before=kill@1",
        "dispatch.commit.after=kill@1",
        "receipt.answer.before=kill@1",
    ];
    for (number, failpoint) in failpoints.iter().enumerate() {
        let mut service = Service::start(&db, &place, failpoint).await;
        warn(&town, &format!("Saia de casa {number}.")).await;
        service.died().await;
        // The next one begins with what this one left.
        let service = Service::start(&db, &place, "").await;
        accounts::settled(&db.pool).await;
        let recipients = 6 * (i64::try_from(number).unwrap() + 1);
        let sums = accounts::balance(&db.pool, "sms", recipients, &accounts::handed(&peer)).await;
        assert_eq!((sums.unaccounted, sums.other_copies), (0, 0), "{failpoint}: {sums:?}");
        service.stop().await;
    }
    accounts::audit(&db.pool, &place.data()).await;
}

#[tokio::test]
async fn killed_with_claimed_messages_of_which_none_left_no_copy_is_made() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, &["--receipt=none"]).await;
    let place = Place::new(folder.path(), &centre(port, ""));
    let town = people(&db, 6).await;
    for failpoint in ["dispatch.claim.after=kill@1", "dispatch.pdu.before=kill@1", "dispatch.claim.after=kill@1"] {
        let mut service = Service::start(&db, &place, failpoint).await;
        if town.count("alert").await == 0 {
            warn(&town, "Saia de casa.").await;
        }
        service.died().await;
        assert!(accounts::handed(&peer).is_empty(), "nothing has left");
    }
    let service = Service::start(&db, &place, "").await;
    accounts::settled(&db.pool).await;
    let sums = accounts::balance(&db.pool, "sms", 6, &accounts::handed(&peer)).await;
    assert_eq!(sums, Sums { recipients: 6, ..Sums::default() });
    service.stop().await;
}

#[tokio::test]
async fn killed_between_an_answer_and_its_commit_the_copy_has_its_doubt() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, &["--receipt=none"]).await;
    let place = Place::new(folder.path(), &centre(port, ""));
    let town = people(&db, 1).await;
    let mut service = Service::start(&db, &place, "dispatch.response.after=kill@1").await;
    warn(&town, "Saia de casa.").await;
    service.died().await;
    let service = Service::start(&db, &place, "").await;
    accounts::settled(&db.pool).await;
    let sums = accounts::balance(&db.pool, "sms", 1, &accounts::handed(&peer)).await;
    assert_eq!(sums, Sums { recipients: 1, copies_in_doubt: 1, ..Sums::default() });
    service.stop().await;
}

#[tokio::test]
async fn killed_after_a_mail_server_took_the_text_the_letter_comes_again_under_the_same_id() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let server = Peer::mail(folder.path(), port, &[]).await;
    let config = format!("[mail]\nurl = \"smtp://127.0.0.1:{port}\"\n[dispatch]\nlease_s = 3\nretry_base_s = 1\n");
    let place = Place::new(folder.path(), &config);
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["a@example.org"]).await;
    let mut service = Service::start(&db, &place, "smtp.data.after=kill@1").await;
    warn(&town, "Saia de casa.").await;
    service.died().await;
    let service = Service::start(&db, &place, "").await;
    accounts::settled(&db.pool).await;
    let letters = server.told("subject", 2).await;
    assert_eq!(letters[0]["id"], letters[1]["id"]);
    let sums = accounts::balance(&db.pool, "email", 1, &accounts::taken(&server)).await;
    assert_eq!(sums, Sums { recipients: 1, copies_in_doubt: 1, ..Sums::default() });
    service.stop().await;
}

#[tokio::test]
async fn a_name_that_is_no_place_keeps_the_service_from_starting_and_the_places_are_told() {
    let mut command = support::sentinela();
    command.arg("serve").env("SENTINELA_FAILPOINTS", "ingest.commit.behind=kill").kill_on_drop(true);
    let output = support::soon("the refusal", command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("\"ingest.commit.behind\"") && said.contains("dispatch.response.after"), "{said}");
}

/// What hangs holds up nothing else: readings go on being acknowledged while the evaluator stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evaluator_that_hangs_holds_up_no_acknowledgement_and_the_next_process_judges_what_waited() {
    let (db, folder) = (support::db().await, Folder::new());
    let fleet = Fleet::new(&db.pool).await;
    let place = Place::new(folder.path(), "");
    let service = Service::start(&db, &place, "evaluate.commit.before=hang@1").await;
    let mut publishing = fleet.publish(place.mqtt);
    service.reached("evaluate.commit.before").await;
    publishing.acked_more(30).await;
    service.kill().await;
    let fleet = publishing.ended().await;
    assert!(accounts::behind(&db.pool).await > 0, "readings wait for their judgement");
    let service = Service::start(&db, &place, "").await;
    accounts::settled(&db.pool).await;
    assert!(accounts::lost(&db.pool, &fleet.ledger.acked()).await.is_empty());
    service.stop().await;
}
