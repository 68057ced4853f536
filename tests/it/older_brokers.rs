//! Brokers of MQTT 3.1.1: a real one (`mosquitto`) behind a door that turns every other version away, as The Things Stack's does.

use std::fmt::Write as _;
use std::process::Stdio;

use sentinela::app::App;
use sentinela::config::Protocol;
use sentinela::ingest::lanes::Lane;
use sentinela::ingest::{broker, committer};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;

use crate::ingest::{gauge, rows};
use crate::mqtt::{linked_in, message, mosquitto_with, publish, publisher, through};
use crate::support::{self, Folder, TestDb, eventually, free_port, soon};

/// A broker that speaks nothing else.
pub struct OlderBroker {
    pub port: u16,
    _broker: Child,
}

impl OlderBroker {
    pub async fn new(more: &str) -> Self {
        let behind = free_port();
        let _broker = mosquitto_with(behind, more).await;
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((client, _)) = door.accept().await {
                tokio::spawn(let_in(client, behind));
            }
        });
        Self { port, _broker }
    }
}

/// The byte behind the protocol's name is its version: 4 is 3.1.1.
async fn let_in(mut client: TcpStream, behind: u16) -> std::io::Result<()> {
    let mut hello = [0; 1024];
    let length = client.read(&mut hello).await?;
    let hello = &hello[..length];
    let name = hello.windows(4).position(|bytes| bytes == b"MQTT");
    if name.and_then(|at| hello.get(at + 4)) != Some(&4) {
        return client.write_all(&[0x20, 2, 0, 1]).await;
    }
    let mut broker = TcpStream::connect(("127.0.0.1", behind)).await?;
    broker.write_all(hello).await?;
    copy_bidirectional(&mut client, &mut broker).await.map(|_| ())
}

fn linked(db: &TestDb, broker: &OlderBroker) -> (App, sentinela::ingest::Receiver) {
    linked_in(db, broker.port, Protocol::V311, "", &[])
}

#[tokio::test]
async fn readings_of_a_broker_of_3_1_1_come_in_and_each_is_acknowledged() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    // It hands the next message over when the one before is acknowledged.
    let broker = OlderBroker::new("max_inflight_messages 1\n").await;
    let (app, receiver) = linked(&db, &broker);
    app.ingest.devices().reload(&db.pool).await.unwrap();
    tokio::spawn(committer::run(app.clone(), receiver));
    let running = tokio::spawn(broker::run(app.clone()));
    for count in 1..=3 {
        through(&db, broker.port, &count.to_string(), count).await;
    }
    app.stop.cancel();
    soon("the link's end", running).await.unwrap().unwrap();
    assert_eq!(rows(&db.pool).await.len(), 3);
}

#[tokio::test]
async fn what_a_broker_of_3_1_1_handed_over_comes_again_when_the_service_ended_before_the_commit() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let broker = OlderBroker::new("").await;
    let (app, receiver) = linked(&db, &broker);
    app.ingest.devices().reload(&db.pool).await.unwrap();
    let running = tokio::spawn(broker::run(app.clone()));
    // Handed over, but with no committer never committed.
    let payload = message("1", r#""value":1"#);
    eventually("the reading to be queued", || async {
        let sent = publish(broker.port, &["-t", "v1/devices/A/readings", "-m", &payload]).await;
        assert!(sent.status.success());
        (app.ingest.queued() > 0).then_some(())
    })
    .await;
    app.stop.cancel();
    drop(receiver);
    soon("the link's end", running).await.unwrap().unwrap();
    assert!(rows(&db.pool).await.is_empty());

    // The next process of the same installation finds its session, and the message in it.
    let (app, receiver) = linked(&db, &broker);
    app.ingest.devices().reload(&db.pool).await.unwrap();
    tokio::spawn(committer::run(app.clone(), receiver));
    let running = tokio::spawn(broker::run(app.clone()));
    eventually("the reading to be sent again", || async { (!rows(&db.pool).await.is_empty()).then_some(()) }).await;
    app.stop.cancel();
    soon("the link's end", running).await.unwrap().unwrap();
}

#[tokio::test]
async fn more_than_there_is_room_for_waits_in_a_broker_that_knows_no_bound_and_nothing_of_it_is_lost() {
    const MANY: usize = 3000;
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let broker = OlderBroker::new("max_inflight_messages 0\nmax_queued_messages 0\n").await;
    let (app, receiver) = linked(&db, &broker);
    app.ingest.devices().reload(&db.pool).await.unwrap();
    tokio::spawn(committer::run(app.clone(), receiver));
    let running = tokio::spawn(broker::run(app.clone()));
    through(&db, broker.port, "first", 1).await;

    // From now on the first message stands before the queue, and all others behind it.
    let all = u32::try_from(app.config.ingest.queue_readings).unwrap();
    let room = app.ingest.room(Lane::Backlog, all).await.unwrap();
    let mut lines = String::new();
    for n in 0..MANY {
        let (minute, second) = (n / 60, n % 60);
        let at = format!("2026-02-22T10:{minute:02}:{second:02}Z");
        writeln!(lines, r#"{{"id":"{n}","stream":"rain","at":"{at}","value":1}}"#).unwrap();
    }
    let mut sender = publisher(broker.port, &["-t", "v1/devices/A/readings", "-l"]);
    let mut sender = sender.stdin(Stdio::piped()).spawn().unwrap();
    let mut lines_to = sender.stdin.take().unwrap();
    lines_to.write_all(lines.as_bytes()).await.unwrap();
    drop(lines_to);
    assert!(soon("the broker to have all", sender.wait()).await.unwrap().success());
    drop(room);
    eventually("all to be in the journal", || async { (rows(&db.pool).await.len() == MANY + 1).then_some(()) }).await;
    app.stop.cancel();
    soon("the link's end", running).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_log_says_which_version_to_set_when_a_broker_refuses_ours() {
    let db = support::db().await;
    let broker = OlderBroker::new("").await;
    let folder = Folder::new();
    let file = folder.path().join("sentinela.toml");
    let text = format!("[[mqtt.external]]\nname = 'old'\nurl = 'mqtt://127.0.0.1:{}'\ntopics = ['a']\n", broker.port);
    std::fs::write(&file, text).unwrap();
    let mut command = support::sentinela();
    command.arg("serve").arg("--config").arg(&file).env("SENTINELA__DATABASE__URL", &db.url);
    command.env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", free_port())).env("SENTINELA__MQTT__LISTEN", "");
    let mut service = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut log = BufReader::new(service.stderr.take().unwrap()).lines();
    let told = async {
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains("cannot be reached") {
                return line;
            }
        }
        panic!("the service ended")
    };
    let line = soon("a word on the broker", told).await;
    assert!(line.contains("old") && line.contains("protocol = \"3.1.1\""), "{line}");
}
