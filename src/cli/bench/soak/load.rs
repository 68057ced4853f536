//! Gauges that send at a steady rate for hours. How long a message took is counted from the instant at which it was due, so that a
//! service that stands still is not spared the messages that it kept from being sent.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use crate::cli::bench::devices::wire::Line;
use crate::cli::bench::stage::{SECRET, code};
use crate::clock::{Clock, Stopwatch};

/// Connections from one address of the loopback: fewer than the service allows one address by default.
const PER_ADDRESS: usize = 900;
/// An acknowledgement that is not there after this never comes; the message is sent again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// What all gauges share.
#[derive(Debug)]
pub struct Load {
    pub endpoint: SocketAddr,
    pub devices: usize,
    /// Readings in one message, and the time over which they spread.
    pub per_message: u32,
    pub every: Duration,
    pub watch: Stopwatch,
    pub stop: AtomicBool,
    /// Readings.
    pub acknowledged: AtomicU64,
    /// Connections that broke.
    pub broken: AtomicU64,
    /// Milliseconds from due to acknowledged, since somebody last took them.
    took: Mutex<Vec<f64>>,
}

impl Load {
    /// `rate`: readings a second of all gauges together.
    pub fn new(endpoint: SocketAddr, devices: usize, per_message: u32, rate: u64) -> Self {
        let every = Duration::from_secs_f64(devices as f64 * f64::from(per_message) / rate.max(1) as f64);
        Self {
            endpoint,
            devices,
            per_message,
            every,
            watch: Stopwatch::start(),
            stop: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            broken: AtomicU64::new(0),
            took: Mutex::new(Vec::new()),
        }
    }

    /// What the messages since the last call took.
    pub fn took(&self) -> Vec<f64> {
        std::mem::take(&mut *self.took.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, due: Duration) {
        let took = self.watch.elapsed().saturating_sub(due).as_secs_f64() * 1000.0;
        self.took.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        self.acknowledged.fetch_add(u64::from(self.per_message), Relaxed);
    }

    async fn connect(&self, device: usize) -> std::io::Result<Line> {
        let net = u8::try_from(device / PER_ADDRESS + 1).unwrap_or(u8::MAX);
        let from = SocketAddr::new(Ipv4Addr::new(127, 0, net, 3).into(), 0);
        let code = code(device);
        tokio::time::timeout(PATIENCE, Line::open(from, self.endpoint, &code, &code, SECRET)).await?
    }

    /// Dry readings, each with an instant of its own.
    fn payload(&self, number: u64) -> String {
        let (now, step) = (Clock::System.now(), self.every / self.per_message.max(1));
        let mut text = format!(r#"{{"id":"s-{number}","readings":["#);
        for back in 0..self.per_message {
            let at = now - TimeDelta::from_std(step * back).unwrap_or_default();
            let comma = if back == 0 { "" } else { "," };
            let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
            // Writing to a string cannot fail.
            let _ = write!(text, r#"{comma}{{"stream":"rain","at":"{at}","value":0,"unit":"mm"}}"#);
        }
        text.push_str("]}");
        text
    }
}

/// One gauge, until it is told to stop. What was under way when a connection broke is sent again as it was.
pub async fn gauge(load: Arc<Load>, device: usize) {
    let topic = format!("v1/devices/{}/readings", code(device));
    // Each has its own place in the interval.
    let phase = load.every.mul_f64(device as f64 / load.devices.max(1) as f64);
    let (mut number, mut due) = (0_u64, load.watch.elapsed() + phase);
    let mut under_way = None;
    while !load.stop.load(Relaxed) {
        let Ok(mut line) = load.connect(device).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        loop {
            if load.stop.load(Relaxed) {
                // The service may be faster to close than this is to say goodbye.
                let _ = line.close().await;
                return;
            }
            tokio::time::sleep(due.saturating_sub(load.watch.elapsed())).await;
            let payload = under_way.take().unwrap_or_else(|| load.payload(number));
            let published = tokio::time::timeout(PATIENCE, line.publish(&topic, payload.as_bytes())).await;
            if !matches!(published, Ok(Ok(()))) {
                under_way = Some(payload);
                load.broken.fetch_add(1, Relaxed);
                break;
            }
            load.note(due);
            number += 1;
            due += load.every;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_share_the_rate_and_each_reading_has_its_own_instant() {
        let load = Load::new(SocketAddr::from(([127, 0, 0, 1], 1)), 200, 5, 1000);
        assert_eq!(load.every, Duration::from_secs(1));
        let message: serde_json::Value = serde_json::from_str(&load.payload(7)).unwrap();
        let mut instants: Vec<&str> =
            message["readings"].as_array().unwrap().iter().map(|reading| reading["at"].as_str().unwrap()).collect();
        instants.sort_unstable();
        instants.dedup();
        assert_eq!((message["id"].as_str(), instants.len()), (Some("s-7"), 5));
    }

    #[test]
    fn what_messages_took_is_given_out_once() {
        let load = Load::new(SocketAddr::from(([127, 0, 0, 1], 1)), 1, 5, 5);
        load.note(Duration::ZERO);
        assert_eq!((load.took().len(), load.took().len(), load.acknowledged.load(Relaxed)), (1, 0, 5));
    }
}
