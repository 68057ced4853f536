//! Back-off of failed sign-ins, by user name and address. Kept in memory: after a restart everyone starts afresh.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use crate::clock::Instant;

/// Entries kept at most. Beyond it the ones that failed longest ago are forgotten.
const MAX_ENTRIES: usize = 10_000;
/// Free tries before waiting starts.
const FREE_TRIES: u32 = 5;
const MAX_WAIT_S: i64 = 900;
/// Forgotten after this long without a failure.
const FORGET_AFTER_S: i64 = 3600;

#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<(String, Option<IpAddr>), Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_at: Instant,
}

impl Failures {
    /// Doubles with each failure after the free ones: 2, 4, 8 … 900 seconds.
    fn free_at(self) -> Instant {
        let exponent = self.count.saturating_sub(FREE_TRIES).min(10);
        let wait_s = if exponent == 0 { 0 } else { (1_i64 << exponent).min(MAX_WAIT_S) };
        self.last_at + TimeDelta::seconds(wait_s)
    }
}

impl Throttle {
    /// Seconds this pair has to wait before the next try; zero when it may try.
    pub fn wait_s(&self, username: &str, address: Option<IpAddr>, now: Instant) -> i64 {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (username.to_owned(), address);
        failures.get(&key).map_or(0, |entry| (entry.free_at() - now).num_seconds().max(0))
    }

    pub fn failed(&self, username: &str, address: Option<IpAddr>, now: Instant) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_ENTRIES {
            failures.retain(|_, entry| now - entry.last_at < TimeDelta::seconds(FORGET_AFTER_S));
        }
        if failures.len() >= MAX_ENTRIES {
            let oldest = failures.iter().min_by_key(|(_, entry)| entry.last_at).map(|(key, _)| key.clone());
            oldest.and_then(|key| failures.remove(&key));
        }
        let key = (username.chars().take(64).collect(), address);
        let entry = failures.entry(key).or_insert(Failures { count: 0, last_at: now });
        entry.count = entry.count.saturating_add(1);
        entry.last_at = now;
    }

    pub fn succeeded(&self, username: &str, address: Option<IpAddr>) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&(username.to_owned(), address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn waiting_doubles_after_the_free_tries_and_ends_with_success() {
        let throttle = Throttle::default();
        let now = from_micros(0);
        for _ in 0..FREE_TRIES {
            throttle.failed("ana", None, now);
        }
        assert_eq!(throttle.wait_s("ana", None, now), 0);
        throttle.failed("ana", None, now);
        assert_eq!(throttle.wait_s("ana", None, now), 2);
        throttle.failed("ana", None, now);
        assert_eq!(throttle.wait_s("ana", None, now), 4);
        assert_eq!(throttle.wait_s("bia", None, now), 0);
        throttle.succeeded("ana", None);
        assert_eq!(throttle.wait_s("ana", None, now), 0);
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = Throttle::default();
        for n in 0..(MAX_ENTRIES + 10) {
            throttle.failed(&format!("u{n}"), None, from_micros(n as i64));
        }
        assert!(throttle.0.lock().unwrap().len() <= MAX_ENTRIES);
    }
}
