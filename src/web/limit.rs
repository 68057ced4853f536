//! How often somebody may ask: by address, and by the account of whoever is signed in. In memory, bounded, for each process.
//!
//! Each key has one number, the instant at which its allowance would be whole again (the "generic cell rate algorithm" of
//! ITU-T I.371): a request moves it on by the interval of the rate, and is refused when it lies further ahead than the burst.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::clock::Stopwatch;
use crate::ids::StaffId;
use crate::web::client::{ClientAddress, neighbourhood};
use crate::web::error::ApiError;

/// Keys kept in one generation. Beyond it the generation before is forgotten early, so that memory is bounded however many
/// addresses ask; the bound on connections holds against those.
const MAX_KEYS: usize = 50_000;
const SHARDS: usize = 8;

/// So many a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_minute: u32,
    pub burst: u32,
}

impl Rate {
    const fn interval(self) -> Duration {
        Duration::from_nanos(60_000_000_000 / self.per_minute as u64)
    }

    fn whole(self) -> Duration {
        self.interval() * self.burst
    }
}

/// Allowances by key.
#[derive(Debug)]
pub struct Limiter<K> {
    /// `None` = everybody as often as they like.
    rate: Option<Rate>,
    shards: [Mutex<Shard<K>>; SHARDS],
    hasher: RandomState,
    since: Stopwatch,
}

/// Two generations: a key that nobody used for a whole one has its whole allowance and need not be remembered.
#[derive(Debug)]
struct Shard<K> {
    young: HashMap<K, Duration>,
    old: HashMap<K, Duration>,
    turned_at: Duration,
}

impl<K: Eq + Hash> Limiter<K> {
    /// A rate of none a minute sets no limit.
    pub fn new(rate: Rate) -> Self {
        let shard = || Mutex::new(Shard { young: HashMap::new(), old: HashMap::new(), turned_at: Duration::ZERO });
        let rate = (rate.per_minute > 0 && rate.burst > 0).then_some(rate);
        Self { rate, shards: std::array::from_fn(|_| shard()), hasher: RandomState::new(), since: Stopwatch::start() }
    }

    /// Takes one from the key's allowance.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub fn take(&self, key: K) -> Result<(), Duration> {
        self.take_at(key, self.since.elapsed())
    }

    fn take_at(&self, key: K, now: Duration) -> Result<(), Duration> {
        let Some(rate) = self.rate else { return Ok(()) };
        let place = self.hasher.hash_one(&key) as usize % SHARDS;
        let mut shard = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        shard.turn(now, rate.whole());
        let whole_at = shard.young.get(&key).or_else(|| shard.old.get(&key)).copied().unwrap_or(now).max(now);
        let next = whole_at + rate.interval();
        let ahead = next - now;
        if ahead > rate.whole() {
            return Err(ahead - rate.whole());
        }
        shard.young.insert(key, next);
        drop(shard);
        Ok(())
    }
}

impl<K: Eq + Hash> Shard<K> {
    fn turn(&mut self, now: Duration, whole: Duration) {
        if now.saturating_sub(self.turned_at) > whole || self.young.len() >= MAX_KEYS / SHARDS {
            self.old = std::mem::take(&mut self.young);
            self.turned_at = now;
        }
    }
}

/// The limits of the HTTP door.
#[derive(Debug)]
pub struct Limits {
    all: Limiter<IpAddr>,
    /// What anyone may change: sign-in, codes, forms.
    public_writes: Limiter<IpAddr>,
    account: Limiter<StaffId>,
    /// Reports of people who are not signed in.
    reports: Limiter<IpAddr>,
    /// Addresses looked for while somebody types.
    searches: Limiter<IpAddr>,
}

impl Limits {
    pub fn new(config: &crate::config::HttpLimits) -> Self {
        let rate = |per_minute, burst| Rate { per_minute, burst };
        Self {
            all: Limiter::new(rate(config.address_per_minute, config.address_burst)),
            public_writes: Limiter::new(rate(config.public_writes_per_minute, config.public_writes_burst)),
            account: Limiter::new(rate(config.account_per_minute, config.account_burst)),
            reports: Limiter::new(rate(config.public_reports_per_minute, config.public_reports_burst)),
            searches: Limiter::new(rate(config.public_searches_per_minute, config.public_searches_burst)),
        }
    }

    /// # Errors
    /// `TooMany`.
    pub fn account(&self, id: StaffId) -> Result<(), ApiError> {
        self.account.take(id).map_err(|wait| too_many("account", wait))
    }

    /// A report of somebody who is not signed in, asked by its handler.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn report(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some(address) = address else { return Ok(()) };
        self.reports.take(neighbourhood(address)).map_err(|wait| too_many("reports", wait))
    }

    /// An address that is looked for, asked by its handler.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn search(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some(address) = address else { return Ok(()) };
        self.searches.take(neighbourhood(address)).map_err(|wait| too_many("searches", wait))
    }

    /// What anyone may change, asked by the gate once it knows the route.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn public_write(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some(address) = address else { return Ok(()) };
        self.public_writes.take(neighbourhood(address)).map_err(|wait| too_many("public_writes", wait))
    }
}

fn too_many(limit: &'static str, wait: Duration) -> ApiError {
    metrics::counter!("sentinela_http_limited_total", "limit" => limit).increment(1);
    ApiError::TooMany { retry_after_s: wait.as_secs() + 1 }
}

/// The middleware: every request of an address that is known. Devices have limits of their own, because a gateway speaks for
/// many; health and metrics are asked by machines that must not be turned away when things are bad.
pub async fn by_address(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let exempt = matches!(path, "/api/v1/readings" | "/healthz" | "/readyz" | "/metrics");
    let address = request.extensions().get::<ClientAddress>().and_then(|address| address.0);
    if let Some(address) = address.filter(|_| !exempt && *request.method() != Method::OPTIONS)
        && let Err(wait) = app.limits.all.take(neighbourhood(address))
    {
        return too_many("address", wait).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let limiter = Limiter::new(Rate { per_minute: 60, burst: 3 });
        assert!((0..3).all(|_| limiter.take_at("a", at(0)).is_ok()));
        assert_eq!(limiter.take_at("a", at(0)), Err(at(1000)));
        assert_eq!(limiter.take_at("a", at(400)), Err(at(600)));
        assert!(limiter.take_at("b", at(400)).is_ok(), "another key has its own");
        assert!(limiter.take_at("a", at(1000)).is_ok());
        assert!(limiter.take_at("a", at(1000)).is_err());
        assert!((0..3).all(|_| limiter.take_at("a", at(60_000)).is_ok()), "whole again after a rest");
    }

    #[test]
    fn many_addresses_do_not_fill_the_memory() {
        let limiter = Limiter::new(Rate { per_minute: 1, burst: 1 });
        for key in 0..1_000_000_u32 {
            let _ = limiter.take_at(key, at(0));
        }
        let kept: usize = limiter
            .shards
            .iter()
            .map(|shard| {
                let shard = shard.lock().unwrap();
                shard.young.len() + shard.old.len()
            })
            .sum();
        assert!(kept <= 2 * MAX_KEYS, "{kept}");
    }

    #[test]
    fn no_rate_is_no_limit() {
        let limiter = Limiter::new(Rate { per_minute: 0, burst: 1 });
        assert!((0..1000).all(|_| limiter.take_at((), at(0)).is_ok()));
    }
}
