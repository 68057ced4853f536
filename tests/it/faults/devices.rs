//! Devices that publish one message after the other over MQTT, and keep their own account of what was acknowledged.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use sentinela::clock::Clock;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ingest::{SECRET, gauge};
use crate::support::soon;

const CODES: [&str; 4] = ["A", "B", "C", "D"];
pub const READINGS_A_MESSAGE: u32 = 5;

/// Message ids that somebody got an acknowledgement for: the clients' own account, independent of the service's.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeSet<String>>>);

impl Ledger {
    pub fn note(&self, id: &str) {
        self.0.lock().unwrap().insert(id.to_owned());
    }

    pub fn acked(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A message until it is acknowledged: sent again it says the same.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub payload: String,
}

impl Message {
    /// Some readings of the last seconds on the machine's clock, which is that of the service under test.
    pub fn now(id: &str) -> Self {
        let now = Clock::System.now();
        let readings: Vec<String> = (0..READINGS_A_MESSAGE)
            .map(|back| {
                let at = (now - TimeDelta::seconds(back.into())).format("%Y-%m-%dT%H:%M:%SZ");
                format!(r#"{{"stream":"rain","at":"{at}","value":0.2}}"#)
            })
            .collect();
        Self { id: id.to_owned(), payload: format!(r#"{{"id":"{id}","readings":[{}]}}"#, readings.join(",")) }
    }
}

/// A device with the message that it has to get rid of.
struct Device {
    code: &'static str,
    number: u32,
    message: Message,
}

impl Device {
    /// Its first message has this number.
    fn new(code: &'static str, number: u32) -> Self {
        Self { code, number, message: Message::now(&format!("{code}-{number}")) }
    }

    fn next(&mut self) {
        self.number += 1;
        self.message = Message::now(&format!("{}-{}", self.code, self.number));
    }

    /// Publishes over one connection, each when the one before is acknowledged, until the connection ends or `stop`.
    async fn publish(&mut self, port: u16, ledger: &Ledger, count: &watch::Sender<usize>, stop: &CancellationToken) {
        let mut options = MqttOptions::new(self.code, "127.0.0.1", port);
        options.set_credentials(self.code, SECRET).set_keep_alive(Duration::from_secs(30));
        let (client, mut events) = AsyncClient::new(options, 8);
        // Whoever stalls is not gone.
        events.network_options.set_connection_timeout(120);
        let topic = format!("v1/devices/{}/readings", self.code);
        let send = |message: &Message| {
            client.try_publish(&topic, QoS::AtLeastOnce, false, message.payload.as_str()).unwrap();
        };
        loop {
            let event = tokio::select! {
                event = events.poll() => event,
                () = stop.cancelled() => return,
            };
            match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => send(&self.message),
                Ok(Event::Incoming(Packet::PubAck(_))) => {
                    ledger.note(&self.message.id);
                    count.send_modify(|count| *count += 1);
                    self.next();
                    send(&self.message);
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

/// All devices of a test.
pub struct Fleet {
    devices: Vec<Device>,
    pub ledger: Ledger,
}

impl Fleet {
    pub async fn new(pool: &PgPool) -> Self {
        Self::of(pool, &CODES).await
    }

    /// The same with codes of their own, for several fleets at one database.
    pub async fn of(pool: &PgPool, codes: &[&'static str]) -> Self {
        for code in codes {
            gauge(pool, code).await;
        }
        let devices = codes.iter().map(|code| Device::new(code, 0)).collect();
        Self { devices, ledger: Ledger::default() }
    }

    /// Others who sign in as the same devices, with messages of their own and the same account.
    pub fn twins(&self) -> Self {
        Self { devices: CODES.map(|code| Device::new(code, 1_000_000)).into(), ledger: self.ledger.clone() }
    }

    /// As many messages as devices can be under way at once.
    pub fn under_way(&self) -> usize {
        self.devices.len()
    }

    /// Publishes until each connection ended.
    pub fn publish(self, port: u16) -> Publishing {
        self.start(port, false)
    }

    /// Publishes, and comes back whenever a connection ends, until it is stopped.
    pub fn keep_publishing(self, port: u16) -> Publishing {
        self.start(port, true)
    }

    fn start(self, port: u16, comes_back: bool) -> Publishing {
        let (count, acknowledged) = watch::channel(0);
        let (count, stop) = (Arc::new(count), CancellationToken::new());
        let tasks = self.devices.into_iter().map(|mut device| {
            let (ledger, count, stop) = (self.ledger.clone(), Arc::clone(&count), stop.clone());
            tokio::spawn(async move {
                let mut again = tokio::time::interval(Duration::from_millis(20));
                loop {
                    again.tick().await;
                    device.publish(port, &ledger, &count, &stop).await;
                    if !comes_back || stop.is_cancelled() {
                        return device;
                    }
                }
            })
        });
        Publishing { tasks: tasks.collect(), acknowledged, stop, ledger: self.ledger }
    }
}

/// Devices that publish.
pub struct Publishing {
    tasks: Vec<JoinHandle<Device>>,
    acknowledged: watch::Receiver<usize>,
    stop: CancellationToken,
    pub ledger: Ledger,
}

impl Publishing {
    /// Waits for so many acknowledgements since they began.
    pub async fn acked(&mut self, count: usize) {
        soon("acknowledgements", self.acknowledged.wait_for(|acked| *acked >= count)).await.unwrap();
    }

    /// Waits for so many acknowledgements from now on.
    pub async fn acked_more(&mut self, count: usize) {
        let before = *self.acknowledged.borrow();
        self.acked(before + count).await;
    }

    /// Waits for the end of every connection.
    pub async fn ended(self) -> Fleet {
        let mut devices = Vec::new();
        for task in self.tasks {
            devices.push(soon("a device to notice", task).await.unwrap());
        }
        Fleet { devices, ledger: self.ledger }
    }

    pub async fn stop(self) -> Fleet {
        self.stop.cancel();
        self.ended().await
    }
}

/// Posts a body as device A, over a connection of its own; the status and body of the answer, or none when there was none.
pub async fn post(port: u16, payload: &str) -> Option<(u16, String)> {
    let request = format!(
        "POST /api/v1/readings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer A.{SECRET}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{payload}",
        payload.len()
    );
    ask(port, &request).await
}

/// A number that the service counts, by its name and labels as `/metrics` writes them; 0 while it was not counted.
pub async fn counted(port: u16, name: &str) -> f64 {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let (status, body) = ask(port, &request).await.expect("an answer");
    assert_eq!(status, 200, "{body}");
    let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// What the service says of its readiness: the status and the answer.
pub async fn readiness(port: u16) -> (u16, serde_json::Value) {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let (status, body) = ask(port, &request).await.expect("an answer");
    (status, serde_json::from_str(&body).unwrap_or_default())
}

async fn ask(port: u16, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    // What came before a broken end is no whole answer.
    soon("an answer, or the end", stream.read_to_end(&mut answer)).await.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
