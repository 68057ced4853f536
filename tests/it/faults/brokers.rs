//! Family 3: brokers that restart with and without their sessions, and devices that take each other's place.

use tokio::process::{Child, Command};

use super::accounts;
use super::devices::{Fleet, Ledger, Message};
use super::service::{Place, Service};
use crate::mqtt::{mosquitto_with, publish};
use crate::support::{self, Folder, TestDb, eventually, free_port, soon};

const TOPIC: &str = "v1/devices/A/readings";

fn linked(port: u16) -> String {
    format!(
        "[[mqtt.external]]\nname = \"test\"\nurl = \"mqtt://127.0.0.1:{port}\"\ntopics = [\"v1/devices/+/readings\"]\n"
    )
}

/// Without an endpoint of its own.
fn place(folder: &Folder, port: u16) -> Place {
    Place { mqtt: 0, ..Place::new(folder.path(), &linked(port)) }
}

/// An orderly end, in which the broker writes down what it keeps.
async fn end(mut broker: Child) {
    let id = broker.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &id]).status().await.unwrap().success());
    soon("the broker's end", broker.wait()).await.unwrap();
}

/// Hands a message to the broker, which acknowledges it.
async fn hand(port: u16, message: &Message) {
    let output = publish(port, &["-t", TOPIC, "-m", &message.payload]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Publishes this message until it is in the journal: before the link has subscribed, it goes nowhere.
async fn through(db: &TestDb, port: u16, message: &Message, ledger: &Ledger) {
    eventually("a message through the broker", || async {
        hand(port, message).await;
        accounts::journal(&db.pool).await.contains(&message.id).then_some(())
    })
    .await;
    ledger.note(&message.id);
}

#[tokio::test]
async fn what_a_broker_with_sessions_acknowledged_comes_in_though_service_and_broker_fall_in_turn() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    crate::ingest::gauge(&db.pool, "A").await;
    let keeping = format!("persistence true\npersistence_location {}/\nuser root\n", folder.path().display());
    let broker = mosquitto_with(port, &keeping).await;
    let place = place(&folder, port);
    let ledger = Ledger::default();
    let service = Service::start(&db, &place, "").await;
    through(&db, port, &Message::now("first"), &ledger).await;
    service.stop().await;

    // The service is away; the broker keeps what it acknowledges, also over its own restart.
    for number in 0..10 {
        let message = Message::now(&format!("b{number}"));
        hand(port, &message).await;
        ledger.note(&message.id);
    }
    end(broker).await;
    let broker = mosquitto_with(port, &keeping).await;
    let mut service = Service::start(&db, &place, "broker.ack.before=kill@4").await;
    service.died().await;
    end(broker).await;
    let _broker = mosquitto_with(port, &keeping).await;
    let service = Service::start(&db, &place, "").await;
    eventually("all that was acknowledged", || async {
        accounts::lost(&db.pool, &ledger.acked()).await.is_empty().then_some(())
    })
    .await;
    accounts::settled(&db.pool).await;
    service.stop().await;
}

#[tokio::test]
async fn a_broker_that_lost_its_sessions_is_subscribed_to_again_and_nothing_is_there_twice() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    crate::ingest::gauge(&db.pool, "A").await;
    let mut broker = mosquitto_with(port, "").await;
    let place = place(&folder, port);
    let ledger = Ledger::default();
    let service = Service::start(&db, &place, "").await;
    for round in 0..3 {
        through(&db, port, &Message::now(&format!("r{round}")), &ledger).await;
        broker.kill().await.unwrap();
        broker = mosquitto_with(port, "").await;
    }
    through(&db, port, &Message::now("last"), &ledger).await;
    assert!(accounts::lost(&db.pool, &ledger.acked()).await.is_empty());
    accounts::settled(&db.pool).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_client_id_over_goes_on_and_what_was_acknowledged_to_either_is_kept() {
    let (db, folder) = (support::db().await, Folder::new());
    let fleet = Fleet::new(&db.pool).await;
    let twins = fleet.twins();
    let place = Place::new(folder.path(), "");
    let service = Service::start(&db, &place, "").await;
    let mut first = fleet.publish(place.mqtt);
    first.acked(20).await;
    let mut second = twins.publish(place.mqtt);
    // A client id has one session: the older connection of each ends.
    let fleet = first.ended().await;
    second.acked(20).await;
    second.stop().await;
    let lost = accounts::lost(&db.pool, &fleet.ledger.acked()).await;
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    accounts::settled(&db.pool).await;
    service.stop().await;
}
