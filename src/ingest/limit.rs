//! How much one device may send, and how often one address may fail to sign in. Kept in memory.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use crate::clock::Instant;
use crate::config;
use crate::ids::DeviceId;

/// Entries kept at most; beyond it those that say nothing any more are forgotten.
const MAX_ENTRIES: usize = 50_000;
/// Failures of an address that cost nothing: people mistype, and one gateway may speak for many.
const FREE_FAILURES: u32 = 10;
/// An address is forgiven after this long without a failure.
const FORGIVEN_AFTER_S: i64 = 600;
/// Longest wait before an answer to another failure.
const MAX_DELAY_S: u64 = 8;

/// The messages of each device: a bucket that holds `burst` and fills at `per_s` (GCRA).
#[derive(Debug)]
pub struct MessageRate {
    /// Between two messages at the sustained rate; zero is no limit.
    interval: TimeDelta,
    /// How far ahead of the sustained rate a device may be.
    ahead: TimeDelta,
    /// When each device would be level with the sustained rate.
    level_at: Mutex<HashMap<DeviceId, Instant>>,
}

impl MessageRate {
    pub fn new(config: &config::Ingest) -> Self {
        let per_s = i64::from(config.device_messages_per_s);
        let interval = TimeDelta::microseconds(if per_s == 0 { 0 } else { 1_000_000 / per_s });
        let burst = i32::try_from(config.device_burst).unwrap_or(i32::MAX);
        Self { interval, ahead: interval * (burst - 1).max(0), level_at: Mutex::default() }
    }

    /// Takes a message in any case, and says how long it must wait. For doors that can hold their client.
    pub fn reserve(&self, device: DeviceId, now: Instant) -> Duration {
        let mut all = lock(&self.level_at);
        let wait = self.wait(&all, device, now);
        self.take(&mut all, device, now);
        wait
    }

    /// Takes a message if there is room.
    ///
    /// # Errors
    /// Whole seconds after which there is room again.
    pub fn try_take(&self, device: DeviceId, now: Instant) -> Result<(), u64> {
        let mut all = lock(&self.level_at);
        let wait = self.wait(&all, device, now);
        if wait.is_zero() {
            self.take(&mut all, device, now);
            return Ok(());
        }
        Err(wait.as_secs() + 1)
    }

    fn wait(&self, all: &HashMap<DeviceId, Instant>, device: DeviceId, now: Instant) -> Duration {
        let ahead = all.get(&device).map_or_else(TimeDelta::zero, |level_at| *level_at - now);
        (ahead - self.ahead).to_std().unwrap_or_default()
    }

    fn take(&self, all: &mut HashMap<DeviceId, Instant>, device: DeviceId, now: Instant) {
        if self.interval.is_zero() {
            return;
        }
        if all.len() >= MAX_ENTRIES {
            all.retain(|_, level_at| *level_at > now);
        }
        let level_at = all.entry(device).or_insert(now);
        *level_at = (*level_at).max(now) + self.interval;
    }
}

/// Failed sign-ins of devices by address.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl Strangers {
    pub fn failed(&self, address: Option<IpAddr>, now: Instant) {
        let Some(address) = address.map(network) else { return };
        let mut all = lock(&self.0);
        if all.len() >= MAX_ENTRIES {
            all.retain(|_, (_, last_at)| now - *last_at < TimeDelta::seconds(FORGIVEN_AFTER_S));
        }
        if all.len() >= MAX_ENTRIES {
            all.clear();
        }
        let entry = all.entry(address).or_insert((0, now));
        let forgiven = now - entry.1 >= TimeDelta::seconds(FORGIVEN_AFTER_S);
        *entry = (if forgiven { 1 } else { entry.0.saturating_add(1) }, now);
    }

    /// Seconds another failure from there has to wait for its answer: 1, 2, 4, 8 after the free ones, else zero.
    pub fn delay_s(&self, address: Option<IpAddr>, now: Instant) -> u64 {
        let Some(address) = address.map(network) else { return 0 };
        match lock(&self.0).get(&address) {
            Some((count, last_at))
                if *count >= FREE_FAILURES && now - *last_at < TimeDelta::seconds(FORGIVEN_AFTER_S) =>
            {
                (1 << (count - FREE_FAILURES).min(3)).min(MAX_DELAY_S)
            }
            _ => 0,
        }
    }
}

/// Whoever has one IPv6 address has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn rate(device_messages_per_s: u32, device_burst: u32) -> MessageRate {
        MessageRate::new(&config::Ingest {
            queue_readings: 1,
            batch_readings: 1,
            live_within_s: 600,
            max_future_s: 1,
            max_age_days: 1,
            device_messages_per_s,
            device_burst,
            profiles: Vec::new(),
        })
    }

    #[test]
    fn a_burst_passes_then_the_sustained_rate_holds() {
        let (rate, device) = (rate(2, 3), DeviceId(1));
        for _ in 0..3 {
            assert_eq!(rate.try_take(device, from_micros(0)), Ok(()));
        }
        assert_eq!(rate.try_take(device, from_micros(0)), Err(1));
        assert_eq!(rate.try_take(DeviceId(2), from_micros(0)), Ok(()));
        assert_eq!(rate.try_take(device, from_micros(500_000)), Ok(()));
        assert_eq!(rate.reserve(device, from_micros(500_000)), Duration::from_millis(500));
        assert_eq!(rate.reserve(device, from_micros(500_000)), Duration::from_secs(1));
    }

    #[test]
    fn zero_is_no_limit() {
        let rate = rate(0, 1);
        assert!((0..100).all(|_| rate.reserve(DeviceId(1), from_micros(0)).is_zero()));
    }

    #[test]
    fn failures_cost_time_after_the_free_ones_until_they_are_forgiven() {
        let (strangers, now) = (Strangers::default(), from_micros(0));
        let address = Some("2001:db8::1".parse().unwrap());
        let neighbour = Some("2001:db8::2".parse().unwrap());
        for _ in 0..FREE_FAILURES {
            assert_eq!(strangers.delay_s(address, now), 0);
            strangers.failed(address, now);
        }
        let mut delays = Vec::new();
        for _ in 0..5 {
            delays.push(strangers.delay_s(neighbour, now));
            strangers.failed(neighbour, now);
        }
        assert_eq!(delays, [1, 2, 4, 8, 8]);
        assert_eq!(strangers.delay_s(address, now + TimeDelta::seconds(FORGIVEN_AFTER_S)), 0);
    }
}
