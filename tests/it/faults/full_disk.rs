//! Family 2, with file systems that are really full: of the private database with all that it has, of the tables alone, and of the service's
//! own folder. Each is small, the story's own, and filled with ballast to the last byte while devices publish.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sentinela::audit::{Act, Actor, Entry, anchors, record, store};
use sentinela::clock::Clock;
use sentinela::ids::Ids;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};

use super::accounts;
use super::devices::{Fleet, counted, readiness};
use super::kills::{centre, people, warn};
use super::machine::{self, Disk, inside};
use super::server::Server;
use super::service::{Peer, Place, Service};
use crate::support::{self, Folder, TestDb, eventually, free_port, soon};

const FAILURES: &str = "sentinela_ingest_commit_failures_total";
const READINGS_WAIT: &str = r#"sentinela_problem{problem="intake_still"}"#;
const NOT_NOTED: &str = "sentinela_audit_anchor_failures_total";
/// What the system says, in the words that people look for.
const FULL: &str = "No space left on device";

/// Nothing acknowledged is lost, no reading is blamed, and everything is judged and audited.
async fn closes(pool: &PgPool, fleet: &Fleet, data: &Path) {
    let lost = accounts::lost(pool, &fleet.ledger.acked()).await;
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let quarantined: i64 = sqlx::query_scalar("select count(*) from quarantine").fetch_one(pool).await.unwrap();
    assert_eq!(quarantined, 0, "a full disk is no reading's fault");
    accounts::settled(pool).await;
    accounts::audit(pool, data).await;
}

/// The private database as the test reaches it, over its socket on the disk. Whoever asks while it is down is not kept waiting for long.
fn private(disk: &Disk) -> PgPool {
    let socket = disk.seen().join("postgres/socket");
    let options = PgConnectOptions::new_without_pgpass()
        .host(&socket.to_string_lossy())
        .socket(&socket)
        .port(5432)
        .username("sentinela")
        .database("sentinela")
        .ssl_mode(PgSslMode::Disable);
    PgPoolOptions::new().acquire_timeout(Duration::from_secs(5)).connect_lazy_with(options)
}

/// Without room for its write-ahead log PostgreSQL panics, and cannot recover before there is some. The service outlives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_database_falls_of_a_disk_that_is_really_full_and_is_started_again_when_there_is_room() {
    if !machine::allows("a full disk under the private database").await {
        return;
    }
    let folder = Folder::new();
    let disk = Disk::new(folder.path(), "data", 400).await;
    let place = Place { within: disk.enter(), ..Place::new(folder.path(), "") };
    let service = Service::start_private(&place, "").await;
    let pool = private(&disk);
    let mut publishing = Fleet::new(&pool).await.keep_publishing(place.mqtt);
    publishing.acked_more(40).await;
    eventually("the server to fall, and not to start again", || async {
        disk.fill();
        // Each asks for one more file of the write-ahead log. Once the server is down nobody answers.
        let _ = sqlx::query("select pg_switch_wal()").execute(&pool).await;
        service.said().contains("the private database does not start").then_some(())
    })
    .await;
    eventually("the service to say that it has no database", || async {
        let (status, said) = readiness(place.http).await;
        (status == 503 && said["database"] == false).then_some(())
    })
    .await;
    eventually("some commits to fail", || async { (counted(place.http, FAILURES).await >= 3.0).then_some(()) }).await;
    let acked = publishing.ledger.acked();
    disk.clear();
    publishing.acked_more(20).await;
    let lost = accounts::lost(&pool, &acked).await;
    assert!(lost.is_empty(), "acknowledged without a commit: {lost:?}");
    eventually("the service to be ready", || async { (readiness(place.http).await.0 == 200).then_some(()) }).await;
    let fleet = publishing.stop().await;
    closes(&pool, &fleet, &disk.seen()).await;
    pool.close().await;
    service.stop().await;
}

/// Where the log has room and the tables have none PostgreSQL stays up and refuses what needs a new page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_table_space_is_really_full_nothing_is_acknowledged_and_every_message_keeps_its_account() {
    const PEOPLE: usize = 120;
    if !machine::allows("a full disk under the tables").await {
        return;
    }
    let (folder, port) = (Folder::new(), free_port());
    let disk = Disk::new(folder.path(), "disk", 160).await;
    let tables = folder.path().join("disk/tables");
    disk.give_folder(&tables).await;
    let server = Server::start(&disk.enter(), &[]).await;
    server.run(format!("create tablespace small location '{}'", tables.display())).await;
    let db = support::db_at(&server.url(), "tablespace small").await;
    let peer = Peer::centre(folder.path(), port, &[]).await;
    let town = people(&db, PEOPLE).await;
    let place = Place::new(folder.path(), &centre(port, ""));
    let service = Service::start(&db, &place, "").await;
    let mut publishing = Fleet::new(&db.pool).await.keep_publishing(place.mqtt);
    publishing.acked_more(40).await;
    // It fills up amid the deliveries: what the centre answers to the next ones may find no place.
    warn(&town, "Saia de casa.").await;
    peer.told("submit", 10).await;
    eventually("some commits to fail", || async {
        disk.fill();
        (counted(place.http, FAILURES).await >= 3.0).then_some(())
    })
    .await;
    eventually("the service to say that readings wait", || async {
        disk.fill();
        (counted(place.http, READINGS_WAIT).await >= 1.0).then_some(())
    })
    .await;
    // It is ready for all else, and shows how much waits.
    let (_, ready) = readiness(place.http).await;
    assert!(ready["ingest_queue_readings"].as_u64() > Some(0), "{ready}");
    let said = server.said();
    assert!(said.contains(FULL) && !said.contains("PANIC"), "{said}");
    let lost = accounts::lost(&db.pool, &publishing.ledger.acked()).await;
    assert!(lost.is_empty(), "acknowledged without a commit: {lost:?}");
    disk.clear();
    publishing.acked_more(20).await;
    let fleet = publishing.stop().await;
    closes(&db.pool, &fleet, &place.data()).await;
    let sums = accounts::balance(&db.pool, "sms", 120, &accounts::handed(&peer)).await;
    sums.assert_right();
    service.stop().await;
}

/// Something for the audit to note.
async fn act(db: &TestDb, number: u32) {
    let mut tx = db.pool.begin().await.unwrap();
    let (ids, entry) = (Ids::seeded(number.into()), Entry::new(Act::AlertEdit, "alert", number));
    record(&mut tx, &ids, Clock::System.now(), &Actor::service(), entry).await.unwrap();
    tx.commit().await.unwrap();
}

/// The newest row of the audit's chain.
async fn newest(db: &TestDb) -> store::Head {
    store::head(&mut db.pool.acquire().await.unwrap()).await.unwrap().unwrap()
}

/// Notes the head again and again until the page that the file ends in has less room than a line.
fn fill_the_page(heads: &Path, head: &store::Head) {
    const PAGE: u64 = 4096;
    let length = || fs::metadata(heads).map_or(0, |about| about.len());
    loop {
        let before = length();
        anchors::note(heads, Clock::System.now(), head).unwrap();
        let after = length();
        if PAGE - after % PAGE < after - before {
            return;
        }
    }
}

/// Exit code and words of a backup into the service's own folder.
async fn backup(db: &TestDb, disk: &Disk, place: &Place) -> (Option<i32>, String) {
    let mut command = inside(&disk.enter(), env!("CARGO_BIN_EXE_sentinela"));
    command.arg("backup").arg(place.data().join("x.zip")).kill_on_drop(true);
    command.env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA__DATA_DIR", place.data());
    let output = soon("a backup", command.output()).await.unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The service's own files are its keys, the heads of the audit, the link of the first start and what backups are told to write there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_its_own_folder_really_full_the_service_says_so_acknowledges_on_and_spoils_no_file() {
    if !machine::allows("a full disk under the service's own folder").await {
        return;
    }
    let (db, folder) = (support::db().await, Folder::new());
    let disk = Disk::new(folder.path(), "data", 4).await;
    let place = Place { within: disk.enter(), ..Place::new(folder.path(), "") };
    // Without room for its keys it does not start, and leaves nothing half for the next start.
    disk.fill();
    let (code, said) = Service::refused(&db.url, &place).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the key file") && said.contains(FULL), "{said}");
    let keys = fs::read_dir(disk.seen().join("keys")).into_iter().flatten().flatten();
    let left: Vec<_> = keys.map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    disk.clear();

    let service = Service::start(&db, &place, "").await;
    let mut publishing = Fleet::new(&db.pool).await.keep_publishing(place.mqtt);
    publishing.acked_more(20).await;
    let heads = anchors::path(&disk.seen());
    let first = eventually("the first head to be noted", || async {
        let (noted, head) = (anchors::read(&heads).unwrap().pop()?, newest(&db).await);
        (noted.seq == head.seq).then_some(head)
    })
    .await;
    fill_the_page(&heads, &first);
    disk.fill();
    let before = fs::read(&heads).unwrap();
    act(&db, 1).await;
    eventually("a head not to be noted", || async { (counted(place.http, NOT_NOTED).await >= 1.0).then_some(()) })
        .await;
    assert!(service.said().contains("the head of the audit could not be noted"), "{}", service.said());
    assert!(service.said().contains(FULL), "{}", service.said());
    assert!(fs::read(&heads).unwrap() == before, "a piece of a line is left");
    publishing.acked_more(20).await;
    assert_eq!(readiness(place.http).await.0, 200);
    let (code, said) = backup(&db, &disk, &place).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing was written") && !disk.seen().join("x.zip").exists(), "{said}");
    // With its keys in place it starts on a full disk too.
    service.stop().await;
    let service = Service::start(&db, &place, "").await;
    publishing.acked_more(20).await;

    disk.clear();
    let fleet = publishing.stop().await;
    service.stop().await;
    let (noted, head) = (anchors::read(&heads).unwrap().pop().unwrap(), newest(&db).await);
    assert_eq!((noted.seq, &noted.hash[..]), (head.seq, &head.hash[..]));
    closes(&db.pool, &fleet, &disk.seen()).await;
}
