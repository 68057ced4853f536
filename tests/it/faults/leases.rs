//! Family 7: two processes of one installation, one of which stands still past its lease and then goes on.

use super::accounts::{self, Sums};
use super::cut_off::judges;
use super::devices::Fleet;
use super::kills::{centre, people, warn};
use super::service::{Peer, Place, Service};
use crate::support::{self, Folder, eventually, free_port};

#[tokio::test]
async fn a_dispatcher_that_stood_still_with_an_answer_in_its_hands_is_refused_by_the_fence() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, &["--receipt=none"]).await;
    let town = people(&db, 1).await;
    let place = Place::new(folder.path(), &centre(port, ""));
    let sleeper = Service::start(&db, &place, "dispatch.response.after=stop@1").await;
    warn(&town, "Saia de casa.").await;
    sleeper.reached("dispatch.response.after").await;
    // Its answer says "accepted", and nobody knows it. The next one takes the row when the lease ends.
    let other = Service::start(&db, &place.beside(), "").await;
    eventually("the other's acceptance", || async {
        (town.states().await == ["+5532900000000 accepted"]).then_some(())
    })
    .await;
    let row = "select state || ' ' || fence || ' ' || attempts || ' ' || provider_message_id from outbox";
    let text = async || sqlx::query_scalar::<_, String>(row).fetch_one(&db.pool).await.unwrap();
    let before = text().await;
    sleeper.process.signal("CONT").await;
    // Its own record of the first try stands beside, and the row is as the other one left it.
    eventually("the sleeper's word", || async {
        let late = "select count(*) from outbox_attempt where attempt = 1 and part = 1 and outcome = 'accepted'";
        (sqlx::query_scalar::<_, i64>(late).fetch_one(&db.pool).await.unwrap() == 1).then_some(())
    })
    .await;
    assert_eq!(text().await, before);
    let sums = accounts::balance(&db.pool, "sms", 1, &accounts::handed(&peer)).await;
    assert_eq!(sums, Sums { recipients: 1, copies_in_doubt: 1, ..Sums::default() });
    sleeper.stop().await;
    other.stop().await;
    assert_eq!(accounts::handed(&peer).values().sum::<i64>(), 2, "no third copy");
    accounts::audit(&db.pool, &place.data()).await;
}

#[tokio::test]
async fn a_dispatcher_that_stood_still_before_it_sent_makes_one_copy_which_is_in_doubt() {
    let (db, folder, port) = (support::db().await, Folder::new(), free_port());
    let peer = Peer::centre(folder.path(), port, &["--receipt=none"]).await;
    let town = people(&db, 3).await;
    let place = Place::new(folder.path(), &centre(port, ""));
    let sleeper = Service::start(&db, &place, "dispatch.pdu.before=stop@1").await;
    warn(&town, "Saia de casa.").await;
    sleeper.reached("dispatch.pdu.before").await;
    let other = Service::start(&db, &place.beside(), "").await;
    accounts::settled(&db.pool).await;
    sleeper.process.signal("CONT").await;
    // It cannot know that its time is over before it looks, so what it held may leave once more; the doubt was written down before.
    sleeper.stop().await;
    let sums = accounts::balance(&db.pool, "sms", 3, &accounts::handed(&peer)).await;
    sums.assert_right();
    assert!(sums.copies_in_doubt <= 3, "{sums:?}");
    other.stop().await;
}

/// The evaluator's right goes with its connection: another process judges when the first is gone, and nothing is judged twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_judges_on_when_the_first_is_killed_in_the_middle() {
    let (db, folder) = (support::db().await, Folder::new());
    let fleet = Fleet::new(&db.pool).await;
    let place = Place::new(folder.path(), "");
    let mut first = Service::start(&db, &place, "evaluate.commit.before=kill@5").await;
    judges(&db, &place).await;
    let beside = place.beside();
    let second = Service::start(&db, &beside, "").await;
    let publishing = fleet.publish(place.mqtt);
    first.died().await;
    let fleet = publishing.ended().await;
    accounts::settled(&db.pool).await;
    let mut publishing = fleet.publish(beside.mqtt);
    publishing.acked(20).await;
    let fleet = publishing.stop().await;
    accounts::settled(&db.pool).await;
    assert!(accounts::lost(&db.pool, &fleet.ledger.acked()).await.is_empty());
    second.stop().await;
}
