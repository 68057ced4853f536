//! kill -9 of the real service under a stream of QoS 1 messages: whatever was acknowledged is in the journal, and the next
//! process goes on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use sentinela::clock::Clock;
use tokio::sync::watch;

use crate::ingest::{SECRET, gauge};
use crate::support::{self, Process, TestDb, free_port, soon};

const DEVICES: [&str; 4] = ["A", "B", "C", "D"];
const READINGS_A_MESSAGE: u32 = 5;

/// Message ids that a device got a PUBACK for: each client's own account, independent of the service's.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<BTreeSet<String>>>);

impl Ledger {
    fn note(&self, id: String) {
        self.0.lock().unwrap().insert(id);
    }

    fn acked(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }
}

/// The service under test runs on the machine's clock, so the readings must be near it. Fixed for the whole run: a message
/// that is sent again says the same.
fn payload(id: &str) -> String {
    static BASE: OnceLock<String> = OnceLock::new();
    let base = BASE.get_or_init(|| Clock::System.now().format("%Y-%m-%dT%H:%M").to_string());
    let readings: Vec<String> =
        (0..READINGS_A_MESSAGE).map(|n| format!(r#"{{"stream":"rain","at":"{base}:{n:02}Z","value":0.2}}"#)).collect();
    format!(r#"{{"id":"{id}","readings":[{}]}}"#, readings.join(","))
}

/// Publishes one message after the other, each when the one before is acknowledged, starting at number `from`. Ends when
/// the connection does, and returns the number that was not acknowledged.
async fn stream(port: u16, device: &str, from: u32, ledger: Ledger, count: Arc<watch::Sender<u32>>) -> u32 {
    let mut options = MqttOptions::new(device, "127.0.0.1", port);
    options.set_credentials(device, SECRET).set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = AsyncClient::new(options, 8);
    let mut number = from;
    let topic = format!("v1/devices/{device}/readings");
    let send =
        |number: u32| client.try_publish(&topic, QoS::AtLeastOnce, false, payload(&format!("{device}-{number}")));
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => send(number).unwrap(),
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                ledger.note(format!("{device}-{number}"));
                count.send_modify(|count| *count += 1);
                number += 1;
                send(number).unwrap();
            }
            Ok(_) => {}
            Err(_) => return number,
        }
    }
}

struct Ports {
    http: u16,
    mqtt: u16,
    data: PathBuf,
}

async fn start(db: &TestDb, ports: &Ports) -> Process {
    let mut command = support::sentinela();
    command
        .arg("serve")
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__DATA_DIR", &ports.data)
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", ports.http))
        .env("SENTINELA__MQTT__LISTEN", format!("127.0.0.1:{}", ports.mqtt))
        .env("SENTINELA__LOG__LEVEL", "error");
    let mut process = Process::start(command);
    process.line_with("ready:").await;
    soon("the MQTT endpoint", async {
        while tokio::net::TcpStream::connect(("127.0.0.1", ports.mqtt)).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    process
}

/// Message ids with all their readings, each once.
async fn journal(db: &TestDb) -> BTreeSet<String> {
    let rows: Vec<(String, i64)> = sqlx::query_as("select message_id, count(*) from journal group by message_id")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    for (id, count) in &rows {
        assert_eq!(*count, i64::from(READINGS_A_MESSAGE), "message {id} is whole and there once");
    }
    rows.into_iter().map(|(id, _)| id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_reading_survives_kill_9_and_the_next_process_goes_on() {
    let db = support::db().await;
    for device in DEVICES {
        gauge(&db.pool, device).await;
    }
    let data = std::env::temp_dir().join(format!("sentinela-crash-{}", std::process::id()));
    let ports = Ports { http: free_port(), mqtt: free_port(), data };
    let ledger = Ledger::default();
    let mut next = [0; DEVICES.len()];
    for kill_after in [1, 37, 150] {
        let mut service = start(&db, &ports).await;
        let count = Arc::new(watch::Sender::new(0));
        let mut streams = Vec::new();
        for (device, from) in DEVICES.iter().zip(next) {
            streams.push(tokio::spawn(stream(ports.mqtt, device, from, ledger.clone(), Arc::clone(&count))));
        }
        soon("acknowledgements", count.subscribe().wait_for(|count| *count >= kill_after)).await.unwrap();
        service.kill().await;
        for (stream, next) in streams.into_iter().zip(&mut next) {
            // The message that was under way is sent again with its old id: it may be in the journal, and must not be twice.
            *next = soon("the client to notice", stream).await.unwrap();
        }
        let (acked, stored) = (ledger.acked(), journal(&db).await);
        let lost: Vec<&String> = acked.difference(&stored).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert!(acked.len() >= kill_after as usize);
    }
    // At most the one message a device had under way when its service died may be stored without having been acknowledged.
    let unacked = journal(&db).await.len() - ledger.acked().len();
    assert!(unacked <= DEVICES.len(), "{unacked}");
    let _ = std::fs::remove_dir_all(&ports.data);
}
