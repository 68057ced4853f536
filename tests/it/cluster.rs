//! The private database cluster, with PostgreSQL's real programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sentinela::config::Config;
use sentinela::db::embedded::{Cluster, ClusterError};
use sentinela::db::open::Database;
use sqlx::{ConnectOptions, Connection};

use crate::support::{self, Folder};

fn config(data_dir: &Path) -> Config {
    support::config(&[("SENTINELA__DATA_DIR", data_dir.to_str().unwrap())])
}

async fn remember(cluster: &Cluster, word: &str) {
    let mut conn = cluster.options.connect().await.unwrap();
    sqlx::query("create table if not exists memory (word text)").execute(&mut conn).await.unwrap();
    sqlx::query("insert into memory values ($1)").bind(word).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

async fn recall(cluster: &Cluster) -> Vec<String> {
    let mut conn = cluster.options.connect().await.unwrap();
    let words = sqlx::query_scalar("select word from memory order by word").fetch_all(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    words
}

fn server_process(cluster: &Cluster) -> String {
    let lock = fs::read_to_string(cluster.data().join("postmaster.pid")).unwrap();
    lock.lines().next().unwrap().trim().to_owned()
}

async fn kill(process: &str) {
    let status = tokio::process::Command::new("kill").args(["-9", process]).status().await.unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_fresh_cluster_starts_and_keeps_its_data_over_a_stop() {
    let folder = Folder::new();
    let config = config(&folder.path().join("var"));
    let cluster = Cluster::start(&config).await.unwrap();
    remember(&cluster, "one").await;
    cluster.stop().await.unwrap();

    let cluster = Cluster::start(&config).await.unwrap();
    assert_eq!(recall(&cluster).await, ["one"]);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_fresh_cluster_takes_the_whole_schema() {
    let folder = Folder::new();
    let database = Database::open(&config(folder.path())).await.unwrap();
    let mut conn = database.options.connect().await.unwrap();
    let version: String = sqlx::query_scalar("select postgis_lib_version()").fetch_one(&mut conn).await.unwrap();
    assert!(!version.is_empty());
    let journal: i64 = sqlx::query_scalar("select count(*) from journal").fetch_one(&mut conn).await.unwrap();
    assert_eq!(journal, 0);
    conn.close().await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn after_kill_9_of_the_server_the_data_is_there() {
    let folder = Folder::new();
    let config = config(folder.path());
    let cluster = Cluster::start(&config).await.unwrap();
    remember(&cluster, "committed").await;
    kill(&server_process(&cluster)).await;
    drop(cluster);

    let cluster = Cluster::start(&config).await.unwrap();
    assert_eq!(recall(&cluster).await, ["committed"]);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_a_killed_service_left_running_is_adopted() {
    let folder = Folder::new();
    let config = config(folder.path());
    let cluster = Cluster::start(&config).await.unwrap();
    remember(&cluster, "one").await;
    let process = server_process(&cluster);
    // What kill -9 of the service does: the keeper's lock goes, the server stays.
    drop(cluster);

    let cluster = Cluster::start(&config).await.unwrap();
    assert_eq!(server_process(&cluster), process);
    assert_eq!(recall(&cluster).await, ["one"]);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_joins_the_cluster_of_a_running_service_and_leaves_it_running() {
    let folder = Folder::new();
    let config = config(folder.path());
    let service = Cluster::start(&config).await.unwrap();
    remember(&service, "one").await;

    let command = Cluster::join(&config).await.unwrap();
    assert_eq!(recall(&command).await, ["one"]);
    command.stop().await.unwrap();

    assert_eq!(recall(&service).await, ["one"]);
    service.stop().await.unwrap();
}

#[tokio::test]
async fn the_guard_starts_a_lost_server_again() {
    let folder = Folder::new();
    let cluster = Cluster::start(&config(folder.path())).await.unwrap();
    remember(&cluster, "one").await;
    kill(&server_process(&cluster)).await;
    let words = tokio::select! {
        () = cluster.guard() => panic!("the guard gave up"),
        words = support::eventually("the server to be back", || async {
            let mut conn = cluster.options.connect().await.ok()?;
            let words: Vec<String> = sqlx::query_scalar("select word from memory").fetch_all(&mut conn).await.ok()?;
            Some(words)
        }) => words,
    };
    assert_eq!(words, ["one"]);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn data_of_another_major_version_is_refused_with_what_to_do() {
    let folder = Folder::new();
    let config = config(folder.path());
    let cluster = Cluster::start(&config).await.unwrap();
    let version = cluster.data().join("PG_VERSION");
    cluster.stop().await.unwrap();
    fs::write(&version, "9\n").unwrap();

    let error = Cluster::start(&config).await.unwrap_err();
    assert!(matches!(error, ClusterError::OtherVersion { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("made by PostgreSQL 9") && message.contains("pg_upgrade"), "{message}");
}

#[tokio::test]
async fn a_data_dir_too_long_for_a_socket_works() {
    let folder = Folder::new();
    let long = folder.path().join("a-rather-long-name-for-a-folder".repeat(4)).join("var");
    let cluster = Cluster::start(&config(&long)).await.unwrap();
    remember(&cluster, "one").await;
    let socket = cluster.options.get_socket().unwrap().clone();
    assert!(socket.as_os_str().len() < 90, "{}", socket.display());
    cluster.stop().await.unwrap();
    fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn a_data_dir_that_the_servers_user_cannot_enter_keeps_a_pointer_to_the_data() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    let data_dir = folder.path().join("var");
    let config = config(&data_dir);
    let cluster = Cluster::start(&config).await.unwrap();
    remember(&cluster, "one").await;
    let data = cluster.data();
    cluster.stop().await.unwrap();

    let cluster = Cluster::start(&config).await.unwrap();
    assert_eq!((cluster.data(), recall(&cluster).await), (data.clone(), vec!["one".to_owned()]));
    cluster.stop().await.unwrap();
    // Run by an ordinary user the server is that user, and enters.
    if let Ok(elsewhere) = fs::read_to_string(data_dir.join("postgres.location")) {
        assert!(data.starts_with(elsewhere.trim()));
        fs::remove_dir_all(elsewhere.trim()).unwrap();
    }
}

#[tokio::test]
async fn missing_programs_are_reported_with_the_command_that_installs_them() {
    let folder = Folder::new();
    let overrides = [
        ("SENTINELA__DATA_DIR", folder.path().to_str().unwrap()),
        ("SENTINELA__DATABASE__POSTGRES_BIN_DIR", "/nowhere"),
    ];
    let message = Cluster::start(&support::config(&overrides)).await.unwrap_err().to_string();
    assert!(message.contains("/nowhere") && message.contains("apt-get install"), "{message}");
}
