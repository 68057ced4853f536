//! Three processes of one installation under load, of which one after the other is killed: the accounts at the end are those of a run in
//! which nobody died.

use std::collections::BTreeSet;
use std::time::Duration;

use super::accounts::{self, Sums};
use super::devices::{Fleet, Publishing};
use super::kills::{centre, people, warn};
use super::random::number;
use super::service::{Peer, Place, Service};
use crate::support::{self, Folder, free_port};

/// Readers of each round's own alert.
const PEOPLE: i64 = 6;
/// The gauges of each process.
const GAUGES: [[&str; 4]; 3] = [["A", "B", "C", "D"], ["E", "F", "G", "H"], ["I", "J", "K", "L"]];

/// When the next one falls.
#[derive(Clone, Copy)]
enum Pace {
    /// After so many acknowledgements by another process.
    Acknowledged(usize),
    /// By the clock, for the long run.
    Every(Duration),
}

/// Acknowledged messages, and the sums at the end.
async fn kill_in_turn(rounds: usize, pace: Pace) -> (usize, Sums) {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, &[]).await;
    let town = people(&db, usize::try_from(PEOPLE).unwrap()).await;
    let first = Place::new(folder.path(), &centre(port, ""));
    let places = [first.beside(), first.beside(), first];
    let (mut services, mut publishing): (Vec<Service>, Vec<Publishing>) = (Vec::new(), Vec::new());
    for (place, codes) in places.iter().zip(&GAUGES) {
        services.push(Service::start(&db, place, "").await);
        publishing.push(Fleet::of(&db.pool, codes).await.keep_publishing(place.mqtt));
    }
    for devices in &mut publishing {
        devices.acked(1).await;
    }
    let mut tick = match pace {
        Pace::Every(every) => Some(tokio::time::interval(every)),
        Pace::Acknowledged(_) => None,
    };
    for round in 0..rounds {
        let victim = round % places.len();
        warn(&town, &format!("Saia de casa {round}.")).await;
        match (pace, &mut tick) {
            (Pace::Acknowledged(count), _) => publishing[(victim + 1) % places.len()].acked_more(count).await,
            (Pace::Every(_), Some(tick)) => {
                tick.tick().await;
            }
            (Pace::Every(_), None) => unreachable!("it has a clock"),
        }
        services.remove(victim).kill().await;
        services.insert(victim, Service::start(&db, &places[victim], "").await);
        // Its devices found it again.
        publishing[victim].acked_more(1).await;
    }
    let mut acked = BTreeSet::new();
    for devices in publishing {
        acked.extend(devices.stop().await.ledger.acked());
    }
    accounts::settled(&db.pool).await;
    let lost = accounts::lost(&db.pool, &acked).await;
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let recipients = PEOPLE * i64::try_from(rounds).unwrap();
    let sums = accounts::balance(&db.pool, "sms", recipients, &accounts::handed(&peer)).await;
    sums.assert_right();
    for service in services {
        service.stop().await;
    }
    accounts::audit(&db.pool, &places[0].data()).await;
    (acked.len(), sums)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_of_which_one_after_the_other_is_killed_keep_every_account() {
    let (acknowledged, sums) = kill_in_turn(3, Pace::Acknowledged(40)).await;
    assert!(acknowledged >= 120 && sums.recipients == 18, "{acknowledged} {sums:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten minutes: `make faults-cluster` runs it (MINUTES=10 EVERY_S=20)"]
async fn one_of_three_killed_each_twenty_seconds() {
    let (minutes, every_s) = (number("MINUTES").unwrap_or(10), number("EVERY_S").unwrap_or(20).max(1));
    let rounds = usize::try_from(minutes * 60 / every_s).unwrap();
    let (acknowledged, sums) = kill_in_turn(rounds, Pace::Every(Duration::from_secs(every_s))).await;
    println!(
        "{rounds} kills, one of three each {every_s} s: {acknowledged} acknowledged messages, 0 lost; {} recipients, {} unaccounted; \
         {} copies where the outcome was unknown, {} other copies",
        sums.recipients, sums.unaccounted, sums.copies_in_doubt, sums.other_copies
    );
}
