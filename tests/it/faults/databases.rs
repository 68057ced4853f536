//! Family 2: the database is killed, away, locked, full, or besieged. Nothing that was acknowledged is lost, nothing is acknowledged
//! meanwhile that is not committed, and the service goes on by itself.

use std::path::Path;

use sentinela::db::SERVICE_ROLE;
use sentinela::db::embedded::Cluster;
use sentinela::journal;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool};

use super::accounts;
use super::devices::{Fleet, counted};
use super::service::{Place, Service};
use crate::mqtt::database_is_away;
use crate::support::{self, Folder, eventually};

const FAILURES: &str = "sentinela_ingest_commit_failures_total";

/// The private cluster that a running service keeps, as a command beside it sees it.
async fn cluster_of(place: &Place) -> (Cluster, PgPool) {
    let data = place.data();
    let config = support::config(&[("SENTINELA__DATA_DIR", data.to_str().unwrap())]);
    let cluster = Cluster::join(&config).await.unwrap();
    let pool = PgPool::connect_with(cluster.options.clone()).await.unwrap();
    (cluster, pool)
}

fn server_process(data: &Path) -> String {
    let lock = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    lock.lines().next().unwrap().trim().to_owned()
}

async fn balanced(pool: &PgPool, fleet: &Fleet, place: &Place) {
    let lost = accounts::lost(pool, &fleet.ledger.acked()).await;
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    accounts::settled(pool).await;
    accounts::audit(pool, &place.data()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_of_the_server_under_load_nothing_is_lost_and_the_service_starts_it_again() {
    let folder = Folder::new();
    let place = Place::new(folder.path(), "");
    let service = Service::start_private(&place, "").await;
    let (cluster, pool) = cluster_of(&place).await;
    let mut publishing = Fleet::new(&pool).await.keep_publishing(place.mqtt);
    for _ in 0..2 {
        publishing.acked_more(40).await;
        let server = server_process(&cluster.data());
        let killed = tokio::process::Command::new("kill").args(["-9", &server]).status().await.unwrap();
        assert!(killed.success());
        eventually("another server", || async {
            let lock = std::fs::read_to_string(cluster.data().join("postmaster.pid")).ok()?;
            (lock.lines().next()?.trim() != server).then_some(())
        })
        .await;
        publishing.acked_more(20).await;
    }
    let fleet = publishing.stop().await;
    balanced(&pool, &fleet, &place).await;
    pool.close().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_nothing_is_acknowledged_and_when_it_is_back_all_goes_on() {
    let (db, folder) = (support::db().await, Folder::new());
    let place = Place::new(folder.path(), "");
    let service = Service::start(&db, &place, "").await;
    let mut publishing = Fleet::new(&db.pool).await.keep_publishing(place.mqtt);
    publishing.acked_more(20).await;
    database_is_away(&db, true).await;
    eventually("some commits to fail", || async { (counted(place.http, FAILURES).await >= 3.0).then_some(()) }).await;
    let acked = publishing.ledger.acked();
    database_is_away(&db, false).await;
    let lost = accounts::lost(&db.pool, &acked).await;
    assert!(lost.is_empty(), "acknowledged without a commit: {lost:?}");
    publishing.acked_more(20).await;
    let fleet = publishing.stop().await;
    balanced(&db.pool, &fleet, &place).await;
    service.stop().await;
}

/// Somebody opened a transaction, took what appenders need, and went to lunch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_an_idle_transaction_readings_wait_and_none_is_acknowledged_or_lost() {
    let (db, folder) = (support::db().await, Folder::new());
    let place = Place::new(folder.path(), "");
    let service = Service::start(&db, &place, "").await;
    let mut publishing = Fleet::new(&db.pool).await.keep_publishing(place.mqtt);
    publishing.acked_more(20).await;
    let mut idle = db.owner().await;
    let mut transaction = idle.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock($1)").bind(journal::LOCK).execute(&mut *transaction).await.unwrap();
    // The service's role sees nothing of what others wait for.
    let watching = PgPool::connect(&db.url).await.unwrap();
    eventually("a batch that waits", || async {
        let waits: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'advisory')",
        )
        .fetch_one(&watching)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    // With the lock in our hands the journal stands still, so whatever was acknowledged lies in it.
    let acked = publishing.ledger.acked();
    assert!(accounts::lost(&db.pool, &acked).await.is_empty());
    transaction.rollback().await.unwrap();
    publishing.acked_more(20).await;
    let fleet = publishing.stop().await;
    balanced(&db.pool, &fleet, &place).await;
    service.stop().await;
}

/// What the server says when its disk is full (SQLSTATE 53100), for every row of the journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_is_full_nothing_is_acknowledged_or_blamed_on_a_reading() {
    let (db, folder) = (support::db().await, Folder::new());
    let place = Place::new(folder.path(), "");
    let service = Service::start(&db, &place, "").await;
    let mut publishing = Fleet::new(&db.pool).await.keep_publishing(place.mqtt);
    publishing.acked_more(20).await;
    let mut owner = db.owner().await;
    owner
        .execute(
            "create function disk_is_full() returns trigger language plpgsql as $$ begin
                 raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
             create trigger disk_is_full before insert on journal for each statement execute function disk_is_full()",
        )
        .await
        .unwrap();
    eventually("some commits to fail", || async { (counted(place.http, FAILURES).await >= 3.0).then_some(()) }).await;
    let lost = accounts::lost(&db.pool, &publishing.ledger.acked()).await;
    assert!(lost.is_empty(), "acknowledged without a commit: {lost:?}");
    owner.execute("drop trigger disk_is_full on journal").await.unwrap();
    publishing.acked_more(20).await;
    let fleet = publishing.stop().await;
    let quarantined: i64 = sqlx::query_scalar("select count(*) from quarantine").fetch_one(&db.pool).await.unwrap();
    assert_eq!(quarantined, 0, "a full disk is no reading's fault");
    balanced(&db.pool, &fleet, &place).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_connections_that_takes_every_place_holds_up_no_acknowledgement() {
    let folder = Folder::new();
    let place = Place::new(folder.path(), "");
    let service = Service::start_private(&place, "").await;
    let (cluster, pool) = cluster_of(&place).await;
    let mut publishing = Fleet::new(&pool).await.keep_publishing(place.mqtt);
    publishing.acked_more(40).await;
    let stranger = cluster.options.clone().username(SERVICE_ROLE);
    let mut storm = Vec::new();
    let refused = loop {
        match stranger.connect().await {
            Ok(connection) => storm.push(connection),
            Err(error) => break error,
        }
        assert!(storm.len() < 2_000, "the server takes everybody");
    };
    let code = refused.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
    assert_eq!(code.as_deref(), Some("53300"), "{refused}");
    publishing.acked_more(40).await;
    for connection in storm {
        connection.close().await.unwrap();
    }
    publishing.acked_more(20).await;
    let fleet = publishing.stop().await;
    balanced(&pool, &fleet, &place).await;
    pool.close().await;
    service.stop().await;
}
