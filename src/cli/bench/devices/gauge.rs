//! A gauge of the bench: measures once a second, keeps what it cannot send, sends newest first, and keeps its own account
//! of what was acknowledged.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use chrono::TimeDelta;

use super::wire::Line;
use crate::cli::bench::stage::{SECRET, code};
use crate::clock::{Instant, Stopwatch};

/// Connections from one address of the loopback: fewer than the service allows one address by default.
const PER_ADDRESS: usize = 900;
/// An acknowledgement that is not there after this never comes.
const PATIENCE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
/// Longest wait between two tries to connect.
const LONGEST_PAUSE_S: u64 = 30;

/// What all gauges share.
#[derive(Debug)]
pub struct Fleet {
    pub endpoint: SocketAddr,
    pub devices: usize,
    /// Most readings in one message.
    pub per_message: usize,
    /// Messages of backlog that each gauge holds once the storm has begun.
    pub backlog_messages: usize,
    /// Gauges come back within this long after they lost their connection.
    pub spread: Duration,
    /// The instant and the clock that readings are counted from.
    pub from: Instant,
    pub watch: Stopwatch,
    pub storm: AtomicBool,
    pub stop: AtomicBool,
    pub connected: AtomicUsize,
    pub acknowledged: AtomicUsize,
    pub backlog_left: AtomicUsize,
    pub broken: AtomicUsize,
}

impl Fleet {
    /// When the reading of that number was observed; negative numbers lie before the bench began.
    fn observed_at(&self, device: usize, number: i64) -> Instant {
        let phase = TimeDelta::from_std(self.phase(device)).unwrap_or_default();
        self.from + TimeDelta::seconds(number) + phase
    }

    /// Each gauge has its own place in the second.
    fn phase(&self, device: usize) -> Duration {
        SECOND.mul_f64(device as f64 / self.devices as f64)
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Live,
    Backlog,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Live,
    Backlog,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Backlog => "backlog",
        }
    }
}

/// Kept until it is acknowledged, and sent again as it was.
#[derive(Debug)]
struct Message {
    kind: Kind,
    number: usize,
    readings: Vec<i64>,
    tries: usize,
}

/// A live message: when it was sent first, and how long its acknowledgement took.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub sent_after: Duration,
    pub took: Duration,
    pub tries: usize,
}

/// What one connection's gauge knows at its end: readings in each acknowledged message, by number; 0 is not acknowledged.
#[derive(Debug, Default)]
pub struct Account {
    pub device: usize,
    pub live: Vec<u16>,
    pub backlog: Vec<u16>,
    pub answered: Vec<Answered>,
}

pub struct Gauge {
    fleet: Arc<Fleet>,
    device: usize,
    purpose: Use,
    /// Live readings not yet sent, oldest first.
    pending: VecDeque<i64>,
    measured: i64,
    live_messages: usize,
    backlog_messages: usize,
    under_way: Option<Message>,
    account: Account,
}

impl Gauge {
    pub fn new(fleet: Arc<Fleet>, device: usize, purpose: Use) -> Self {
        Self {
            fleet,
            device,
            purpose,
            pending: VecDeque::new(),
            measured: 0,
            live_messages: 0,
            backlog_messages: 0,
            under_way: None,
            account: Account { device, ..Account::default() },
        }
    }

    /// Measures and sends until the bench stops and everything is acknowledged.
    pub async fn run(mut self) -> Account {
        // Where its first readings begin.
        self.measured = i64::try_from(self.fleet.watch.elapsed().as_secs()).unwrap_or(i64::MAX);
        let mut failures = 0;
        loop {
            tokio::time::sleep(self.pause(failures)).await;
            let Ok(mut line) = self.connect().await else {
                failures += 1;
                continue;
            };
            self.fleet.connected.fetch_add(1, Relaxed);
            let talked = self.talk(&mut line).await;
            self.fleet.connected.fetch_sub(1, Relaxed);
            match talked {
                Ok(()) => {
                    // The service may be faster to close than this is to say goodbye.
                    let _ = line.close().await;
                    return self.account;
                }
                Err(_) => self.fleet.broken.fetch_add(1, Relaxed),
            };
            failures = 1;
        }
    }

    /// The first connection and the first after a loss come spread out; then the waits double.
    fn pause(&self, failures: u32) -> Duration {
        let scattered = (self.device as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(failures * 7 % 64);
        let share = (scattered >> 32) as f64 / f64::from(u32::MAX);
        let longest = if failures <= 1 {
            self.fleet.spread
        } else {
            Duration::from_secs((1 << failures.min(10)).min(LONGEST_PAUSE_S))
        };
        longest.mul_f64(share)
    }

    async fn connect(&self) -> std::io::Result<Line> {
        let code = code(self.device);
        // 127.0.1.1, 127.0.2.1, …: the loopback has sixteen million addresses.
        let (net, side) = ((self.device / PER_ADDRESS + 1) as u8, if self.purpose == Use::Backlog { 2 } else { 1 });
        let from = SocketAddr::new(Ipv4Addr::new(127, 0, net, side).into(), 0);
        let client = if self.purpose == Use::Backlog { format!("{code}.backlog") } else { code.clone() };
        let opening = Line::open(from, self.fleet.endpoint, &client, &code, SECRET);
        tokio::time::timeout(PATIENCE, opening).await?
    }

    async fn talk(&mut self, line: &mut Line) -> std::io::Result<()> {
        let topic = format!("v1/devices/{}/readings", code(self.device));
        while let Some(mut message) = self.next().await {
            message.tries += 1;
            let payload = self.payload(&message);
            let sent_after = self.fleet.watch.elapsed();
            self.under_way = Some(message);
            tokio::time::timeout(PATIENCE, line.publish(&topic, payload.as_bytes())).await??;
            self.note(sent_after);
        }
        Ok(())
    }

    /// The message that was under way when the connection ended, else what is newest; waits for the next measurement when
    /// there is nothing. `None` at the end.
    async fn next(&mut self) -> Option<Message> {
        if let Some(again) = self.under_way.take() {
            return Some(again);
        }
        loop {
            let stopping = self.fleet.stop.load(Relaxed);
            if self.purpose != Use::Backlog {
                self.measure(stopping);
                if let Some(message) = self.live() {
                    return Some(message);
                }
            }
            if let Some(message) = self.backlog() {
                return Some(message);
            }
            if stopping || self.purpose == Use::Backlog {
                return None;
            }
            let due = SECOND * u32::try_from(self.measured).unwrap_or(u32::MAX) + self.fleet.phase(self.device);
            tokio::time::sleep(due.saturating_sub(self.fleet.watch.elapsed())).await;
        }
    }

    /// Takes the readings that are due by now.
    fn measure(&mut self, stopping: bool) {
        let Some(since) = self.fleet.watch.elapsed().checked_sub(self.fleet.phase(self.device)) else { return };
        if stopping {
            return;
        }
        let due = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        self.pending.extend(self.measured..=due);
        self.measured = self.measured.max(due + 1);
    }

    fn live(&mut self) -> Option<Message> {
        let count = self.pending.len().min(self.fleet.per_message);
        if count == 0 {
            return None;
        }
        let readings = self.pending.split_off(self.pending.len() - count).into_iter().rev().collect();
        self.live_messages += 1;
        Some(Message { kind: Kind::Live, number: self.live_messages - 1, readings, tries: 0 })
    }

    fn backlog(&mut self) -> Option<Message> {
        let all = self.fleet.backlog_messages;
        if self.purpose == Use::Live || !self.fleet.storm.load(Relaxed) || self.backlog_messages >= all {
            return None;
        }
        let (number, size) = (self.backlog_messages, self.fleet.per_message as i64);
        self.backlog_messages += 1;
        let newest = -1 - number as i64 * size;
        Some(Message { kind: Kind::Backlog, number, readings: (newest - size + 1..=newest).rev().collect(), tries: 0 })
    }

    fn note(&mut self, sent_after: Duration) {
        let Some(Message { kind, number, readings, tries }) = self.under_way.take() else { return };
        let account = match kind {
            Kind::Live => &mut self.account.live,
            Kind::Backlog => &mut self.account.backlog,
        };
        account.resize(account.len().max(number + 1), 0);
        account[number] = u16::try_from(readings.len()).unwrap_or(u16::MAX);
        self.fleet.acknowledged.fetch_add(readings.len(), Relaxed);
        match kind {
            Kind::Live => {
                let took = self.fleet.watch.elapsed() - sent_after;
                self.account.answered.push(Answered { sent_after, took, tries });
            }
            Kind::Backlog => {
                self.fleet.backlog_left.fetch_sub(1, Relaxed);
            }
        }
    }

    fn payload(&self, message: &Message) -> String {
        let mut text = format!(r#"{{"id":"{}-{}","readings":["#, message.kind.as_str(), message.number);
        for (index, number) in message.readings.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // A little rain: 1.2 mm in an hour.
            let value = if number.rem_euclid(600) == 0 { "0.2" } else { "0" };
            let at = self.fleet.observed_at(self.device, *number).format("%Y-%m-%dT%H:%M:%S%.6fZ");
            // Writing to a string cannot fail.
            let _ = write!(text, r#"{comma}{{"stream":"rain","at":"{at}","value":{value},"unit":"mm"}}"#);
        }
        text.push_str("]}");
        text
    }
}
