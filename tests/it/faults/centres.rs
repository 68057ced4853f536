//! Family 4: SMS centres that throttle, answer late or never, hang up, and send receipts early, twice, in disorder and in another base.

use super::accounts::{self, Sums};
use super::kills::{centre, people, warn};
use super::service::{Peer, Place, Service};
use crate::support::{self, Folder, eventually, free_port};

const PEOPLE: usize = 8;
/// Longer than any machine of tests stalls: where every answer comes, none is to be doubted.
const PATIENT_S: u32 = 60;

/// One alert through a centre with these options, whose answers are waited for so many seconds; the sums when all is settled, and whether
/// all receipts found their message.
async fn through(options: &[&str], timeout_s: u32) -> (Sums, bool) {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, options).await;
    let place = Place::new(folder.path(), &centre(port, &format!("timeout_s = {timeout_s}")));
    let town = people(&db, PEOPLE).await;
    let service = Service::start(&db, &place, "").await;
    warn(&town, "Saia de casa.").await;
    accounts::settled(&db.pool).await;
    let states = town.states().await;
    assert!(states.iter().all(|state| state.ends_with(" accepted") || state.ends_with(" delivered")), "{states:?}");
    let with_receipts = !options.contains(&"--receipt=none");
    if with_receipts {
        eventually("all receipts matched", || async {
            town.states().await.iter().all(|state| state.ends_with(" delivered")).then_some(())
        })
        .await;
    }
    let sums = accounts::balance(&db.pool, "sms", PEOPLE as i64, &accounts::handed(&peer)).await;
    accounts::audit(&db.pool, &place.data()).await;
    service.stop().await;
    (sums, with_receipts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_throttling_with_receipts_before_their_answers_in_hexadecimal_makes_no_copy() {
    let options = ["--throttle=8", "--ids=hex", "--first=4096", "--receipt=before"];
    let (sums, matched) = through(&options, PATIENT_S).await;
    assert_eq!(sums, Sums { recipients: PEOPLE as i64, ..Sums::default() });
    assert!(matched);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_come_twice_and_last_one_first_make_no_copy() {
    for options in [&["--receipt=twice"][..], &["--reverse=4", "--ids=hex", "--first=65536"]] {
        let (sums, matched) = through(options, PATIENT_S).await;
        assert_eq!(sums, Sums { recipients: PEOPLE as i64, ..Sums::default() }, "{options:?}");
        assert!(matched);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_centre_that_never_answers_answers_late_or_hangs_up_makes_copies_of_what_is_in_doubt_alone() {
    // Of what was taken and never answered nobody can know, so it leaves once more: rather twice than never.
    for (option, copies) in [("--mute=3", 3), ("--late=2", 0), ("--unbind=3", 1)] {
        let (sums, _) = through(&["--receipt=none", option], 1).await;
        sums.assert_right();
        assert!(sums.copies_in_doubt >= copies, "{option}: {sums:?}");
    }
}

/// Half-open: the centre's machine is there and its program stands still, with what it was given in its hands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_centre_that_hangs_with_messages_in_its_hands_and_wakes_has_no_copy_without_a_doubt() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, &["--receipt=none"]).await;
    let place = Place::new(folder.path(), &centre(port, "timeout_s = 1"));
    let town = people(&db, PEOPLE).await;
    let service = Service::start(&db, &place, "").await;
    peer.told("bind", 1).await;
    peer.signal("STOP").await;
    warn(&town, "Saia de casa.").await;
    eventually("a doubt", || async {
        let doubts = "select count(*) from outbox_attempt where outcome = 'unknown'";
        (sqlx::query_scalar::<_, i64>(doubts).fetch_one(&db.pool).await.unwrap() > 0).then_some(())
    })
    .await;
    peer.signal("CONT").await;
    accounts::settled(&db.pool).await;
    let sums = accounts::balance(&db.pool, "sms", PEOPLE as i64, &accounts::handed(&peer)).await;
    sums.assert_right();
    service.stop().await;
}
