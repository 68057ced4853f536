//! Family 7, with a real network: one of two nodes reaches the database over a cable of its own, which swallows every packet from one moment
//! on. Nothing is refused and nothing answers, so neither end knows. The node acts on nothing that it held, and is let in again.

use super::accounts::{self, Sums};
use super::devices::{Fleet, Publishing, counted, readiness};
use super::kills::{people, warn};
use super::machine::{self, Cable};
use super::server::Server;
use super::service::{Peer, Place, Service};
use crate::support::{self, Folder, TestDb, eventually, free_port};

const PEOPLE: usize = 6;
const FIRST: &str = "Saia de casa.";
const SECOND: &str = "Saia de novo.";

const FENCED: &str = r#"sentinela_dispatch_fenced_total{provider="smpp:centre"}"#;
const NO_CONNECTION: &str = r#"sentinela_database_probes_total{pool="dispatch",outcome="failed"}"#;

/// A centre with one message under way at a time, whose answer is waited for for longer than a lease.
fn one_at_a_time(port: u16) -> String {
    format!(
        r#"
        [[sms.smpp]]
        name = "centre"
        host = "127.0.0.1"
        port = {port}
        system_id = "sentinela"
        password = "secret"
        source_addr = "40199"
        window = 1
        messages_per_second = 50
        timeout_s = 60
        [dispatch]
        lease_s = 3
        retry_base_s = 1
        "#
    )
}

/// Waits until the process at this place holds the lock of the evaluator.
pub async fn judges(db: &TestDb, place: &Place) {
    let sql = "select split_part(a.application_name, '@', 2) from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid::bigint = $1
            and l.database = (select oid from pg_database where datname = current_database())";
    // "EVAL".
    let lock = 0x4556_414c_i64;
    let name = format!("n{}", place.http);
    eventually(&format!("{name} to judge"), || async {
        // The service's role sees nothing of what others hold.
        let holder: Option<String> =
            sqlx::query_scalar(sql).bind(lock).fetch_optional(&mut db.owner().await).await.unwrap();
        (holder.as_ref() == Some(&name)).then_some(())
    })
    .await;
}

/// Every message with all that a late word could change of it.
async fn rows(db: &TestDb) -> Vec<String> {
    let sql =
        "select concat_ws(' ', id, state, fence, attempts, provider_message_id, lease_until) from outbox order by id";
    sqlx::query_scalar(sql).fetch_all(&db.pool).await.unwrap()
}

/// How many submits with this text a centre was handed.
fn submits(centre: &Peer, text: &str) -> usize {
    centre.lines().iter().filter(|line| line.get("submit").is_some() && line["text"] == text).count()
}

/// Two nodes of one installation, each with the centre at its own end, so that what either handed over is told apart.
struct Story<'a> {
    db: &'a TestDb,
    cable: &'a Cable,
    node: Place,
    at_node: Peer,
    other: Place,
    at_other: Peer,
    devices: Publishing,
}

impl Story<'_> {
    /// Waits until all messages are in this state.
    async fn all(&self, state: &str) {
        eventually(&format!("every message to be {state}"), || async {
            let states: Vec<String> =
                sqlx::query_scalar("select state from outbox").fetch_all(&self.db.pool).await.unwrap();
            states.iter().all(|one| one == state).then_some(())
        })
        .await;
    }

    /// The node has all six in its hands and one on its way when its packets begin to vanish. The other takes over what was promised; the
    /// node acknowledges nothing and says that it has no database.
    async fn packets_vanish(&self) {
        self.all("sending").await;
        self.at_node.told("submit", 1).await;
        self.cable.cut().await;
        self.all("accepted").await;
        assert_eq!((submits(&self.at_node, FIRST), submits(&self.at_other, FIRST)), (1, PEOPLE));
        let acked = self.devices.ledger.acked();
        // Its one message is answered now, and its window is free: what else it held is no longer its own.
        self.at_node.signal("USR2").await;
        self.at_node.told("released", 1).await;
        judges(self.db, &self.other).await;
        eventually("the node to say so", || async {
            let (status, said) = readiness(self.node.http).await;
            (status == 503 && said["database"] == false).then_some(())
        })
        .await;
        eventually("its metrics to say so", || async {
            (counted(self.node.http, NO_CONNECTION).await >= 1.0).then_some(())
        })
        .await;
        assert_eq!(self.devices.ledger.acked(), acked, "acknowledged by a node without a database");
        let lost = accounts::lost(&self.db.pool, &acked).await;
        assert!(lost.is_empty(), "acknowledged without a commit: {lost:?}");
    }

    /// Packets pass again. What the node has to say of its message is refused, it sends nothing of what it held, and takes readings in.
    async fn packets_pass(&mut self) {
        let before = rows(self.db).await;
        self.cable.mend().await;
        eventually("its word to be refused", || async { (counted(self.node.http, FENCED).await >= 1.0).then_some(()) })
            .await;
        self.devices.acked_more(20).await;
        eventually("the node to be ready", || async { (readiness(self.node.http).await.0 == 200).then_some(()) }).await;
        assert_eq!(rows(self.db).await, before, "a stale word changed a message");
        assert_eq!((submits(&self.at_node, FIRST), submits(&self.at_other, FIRST)), (1, PEOPLE));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_packets_to_the_database_vanish_acts_on_no_lease_that_is_over_and_is_let_in_again() {
    if !machine::allows("a node cut off from the database").await {
        return;
    }
    let (cable, folder, apart, port) = (Cable::new().await, Folder::new(), Folder::new(), free_port());
    let server = Server::start(&cable.database(), &[Cable::listen()]).await;
    let db = support::db_at(&server.url(), "").await;
    let town = people(&db, PEOPLE).await;
    let node = Place { within: cable.node(), ..Place::new(folder.path(), &one_at_a_time(port)) };
    let _doors = [cable.door(node.http), cable.door(node.mqtt)];
    let at_node = Peer::centre_inside(&cable.node(), apart.path(), port, &["--receipt=none", "--hold=1"]).await;
    let at_other = Peer::centre(folder.path(), port, &["--receipt=none"]).await;
    let cut_off = Service::start_at(&cable.url(&db.name), &node, "").await;
    judges(&db, &node).await;
    let held = "select exists (select from dispatch_claimer where provider = 'smpp:centre')";
    eventually("the node's claim to the centre", || async {
        sqlx::query_scalar::<_, bool>(held).fetch_one(&db.pool).await.unwrap().then_some(())
    })
    .await;
    let other = node.beside();
    let second = Service::start(&db, &other, "").await;
    let mut devices = Fleet::new(&db.pool).await.keep_publishing(node.mqtt);
    devices.acked_more(20).await;
    warn(&town, FIRST).await;

    let mut story = Story { db: &db, cable: &cable, node, at_node, other, at_other, devices };
    story.packets_vanish().await;
    story.packets_pass().await;

    // It does everything by itself when the other goes.
    second.stop().await;
    warn(&town, SECOND).await;
    judges(&db, &story.node).await;
    let fleet = story.devices.stop().await;
    accounts::settled(&db.pool).await;
    assert_eq!((submits(&story.at_node, SECOND), submits(&story.at_other, SECOND)), (PEOPLE, 0));
    let mut copies = accounts::handed(&story.at_node);
    for (intent, more) in accounts::handed(&story.at_other) {
        *copies.entry(intent).or_default() += more;
    }
    // The one that was under way when the packets began to vanish, of which nobody knew.
    let sums = accounts::balance(&db.pool, "sms", 12, &copies).await;
    assert_eq!(sums, Sums { recipients: 12, copies_in_doubt: 1, ..Sums::default() });
    let lost = accounts::lost(&db.pool, &fleet.ledger.acked()).await;
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    accounts::audit(&db.pool, &story.node.data()).await;
    cut_off.stop().await;
}
