//! SIGHUP: what a reload takes up, what it names, and what a mistake does.

use std::fs;

use sentinela::config::Config;
use sentinela::operation::reload::{Reloaded, reload};

use crate::support::{self, Folder, Process, TestDb};

async fn version(db: &TestDb) -> i64 {
    sqlx::query_scalar("select version from catalogue_version").fetch_one(&db.pool).await.unwrap()
}

#[tokio::test]
async fn a_reload_takes_up_what_it_can_and_names_what_waits_for_a_restart() {
    let db = support::db().await;
    let folder = Folder::new();
    let file = folder.path().join("sentinela.toml");
    let write = |level: &str, queue: u32| {
        let text = format!("database.url = '{}'\nlog.level = '{level}'\ningest.queue_readings = {queue}\n", db.url);
        fs::write(&file, text).unwrap();
    };
    write("info", 5000);
    let (app, _queue) = support::app_from(&db, Config::load(Some(file.as_path())).unwrap());
    let before = version(&db).await;
    assert_eq!(reload(&app).await.unwrap(), Reloaded::default());
    assert_eq!(version(&db).await, before + 1, "the rules are read anew all the same: a folder may have changed");
    write("debug", 6000);
    let done = reload(&app).await.unwrap();
    assert_eq!((done.taken_up, done.waiting), (vec!["log.level".to_owned()], vec!["ingest.queue_readings".to_owned()]));
    write("sentinela=loud", 6000);
    let wrong = format!("{:#}", reload(&app).await.unwrap_err());
    assert!(wrong.contains("log.level") && wrong.contains("loud"), "{wrong}");
    fs::write(&file, "ingest.queue_reading = 1\n").unwrap();
    let wrong = format!("{:#}", reload(&app).await.unwrap_err());
    assert!(wrong.contains("queue_reading"), "{wrong}");
    assert_eq!(version(&db).await, before + 2, "what cannot be understood changes nothing");
}

#[tokio::test]
async fn the_signal_of_a_reload_ends_nothing() {
    let db = support::db().await;
    let mut command = support::sentinela();
    command
        .arg("serve")
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", support::free_port()))
        .env("SENTINELA__MQTT__LISTEN", "");
    let mut service = Process::start(command);
    service.line_with("ready:").await;
    let before = version(&db).await;
    service.signal("HUP").await;
    support::eventually("the reload", async || (version(&db).await > before).then_some(())).await;
    service.signal("TERM").await;
    let (status, _) = service.end().await;
    assert_eq!(status.code(), Some(0));
}
