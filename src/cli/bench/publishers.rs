//! Devices of the bench: rumqttc clients that publish QoS 1 messages as fast as they are acknowledged.

use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::task::JoinSet;

use super::stage::{SECRET, code};
use crate::clock::{Instant, Stopwatch};

/// Messages a device has under way at once.
const WINDOW: u16 = 4;

/// How hard to publish, and what.
#[derive(Clone, Debug)]
pub struct Load {
    pub port: u16,
    pub devices: usize,
    /// Readings in one message.
    pub batch: u64,
    pub lasting: Duration,
    /// Tells the messages of one run from those of another.
    pub run: u64,
    /// Where the observed instants start. One reading a second and device.
    pub from: Instant,
    /// Each device stops after so many messages.
    pub messages: u64,
    /// The end of a connection is the end of a device's part: its account holds what was acknowledged until then.
    pub until_broken: bool,
}

/// Publishes, waits for the last acknowledgement, and returns the readings that were acknowledged.
pub async fn publish(load: &Load) -> anyhow::Result<u64> {
    let mut devices = JoinSet::new();
    for n in 0..load.devices {
        devices.spawn(device(load.clone(), n));
    }
    let mut acknowledged = 0;
    while let Some(ended) = devices.join_next().await {
        acknowledged += ended.context("a publisher failed")??;
    }
    Ok(acknowledged)
}

struct Publisher {
    client: AsyncClient,
    load: Load,
    topic: String,
    sent: u64,
    acknowledged: u64,
}

async fn device(load: Load, n: usize) -> anyhow::Result<u64> {
    let code = code(n);
    let mut options = MqttOptions::new(&code, "127.0.0.1", load.port);
    options.set_credentials(&code, SECRET).set_inflight(WINDOW).set_max_packet_size(1 << 20, 1 << 20);
    let (client, events) = AsyncClient::new(options, usize::from(WINDOW) * 2);
    let topic = format!("v1/devices/{code}/readings");
    Publisher { client, load, topic, sent: 0, acknowledged: 0 }.run(events).await
}

impl Publisher {
    async fn run(mut self, mut events: EventLoop) -> anyhow::Result<u64> {
        let watch = Stopwatch::start();
        loop {
            let event = match events.poll().await {
                Err(_) if self.load.until_broken => return Ok(self.acknowledged * self.load.batch),
                event => event.context("the endpoint ended a connection")?,
            };
            match event {
                Event::Incoming(Packet::ConnAck(_)) => {
                    for _ in 0..u64::from(WINDOW).min(self.load.messages) {
                        self.send()?;
                    }
                }
                Event::Incoming(Packet::PubAck(_)) => {
                    self.acknowledged += 1;
                    if watch.elapsed() < self.load.lasting && self.sent < self.load.messages {
                        self.send()?;
                    } else if self.acknowledged == self.sent {
                        return Ok(self.acknowledged * self.load.batch);
                    }
                }
                _ => {}
            }
        }
    }

    fn send(&mut self) -> anyhow::Result<()> {
        let payload = self.payload();
        self.sent += 1;
        self.client.try_publish(&self.topic, QoS::AtLeastOnce, false, payload).context("the client's own queue is full")
    }

    fn payload(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!(r#"{{"id":"{}-{}","readings":["#, self.load.run, self.sent);
        for n in 0..self.load.batch {
            let second = self.sent * self.load.batch + n;
            let at = self.load.from + TimeDelta::seconds(i64::try_from(second).unwrap_or(i64::MAX / 2000));
            let comma = if n == 0 { "" } else { "," };
            let value = if second.is_multiple_of(10) { "0.2" } else { "0" };
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                r#"{comma}{{"stream":"rain","at":"{}","value":{value},"unit":"mm"}}"#,
                at.format("%Y-%m-%dT%H:%M:%SZ")
            );
        }
        text.push_str("]}");
        text
    }
}
