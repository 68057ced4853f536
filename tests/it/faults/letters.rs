//! Family 4, by mail: a server that greylists, rejects one reader, hangs up after the text, and is slow.

use super::accounts;
use super::kills::warn;
use super::service::{Peer, Place, Service};
use crate::dispatch::town::{INSIDE, Town};
use crate::support::{self, Folder, free_port};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reader_has_one_end_though_the_server_greylists_rejects_hangs_up_and_is_slow() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let faults = ["--greylist", "2", "--reject", "r3@example.org", "--drop", "1", "--slow", "2"];
    let server = Peer::mail(folder.path(), port, &faults).await;
    let config = format!("[mail]\nurl = \"smtp://127.0.0.1:{port}\"\n[dispatch]\nlease_s = 3\nretry_base_s = 1\n");
    let place = Place::new(folder.path(), &config);
    let town = Town::new(&db).await;
    for n in 0..6 {
        town.resident(INSIDE, 10, &[format!("r{n}@example.org").as_str()]).await;
    }
    let service = Service::start(&db, &place, "").await;
    warn(&town, "Saia de casa.").await;
    accounts::settled(&db.pool).await;
    let states = town.states().await;
    let rejected: Vec<&String> = states.iter().filter(|state| state.ends_with(" rejected")).collect();
    assert_eq!(rejected, ["r3@example.org rejected"], "{states:?}");
    assert_eq!(states.iter().filter(|state| state.ends_with(" accepted")).count(), 5, "{states:?}");
    let copies = accounts::taken(&server);
    assert!(copies.keys().all(|(to, _)| to != "r3@example.org"), "{copies:?}");
    let sums = accounts::balance(&db.pool, "email", 6, &copies).await;
    sums.assert_right();
    assert!(sums.copies_in_doubt >= 1, "the letter whose answer never came: {sums:?}");
    service.stop().await;
}
