//! How fast a provider may be fed: token bucket, additive recovery after THROTTLED, and a breaker. Pure: the instant comes in.

use std::time::Duration;

use crate::clock::Instant;

/// A share of the full rate is won back this often after THROTTLED.
const RECOVERY_EVERY: Duration = Duration::from_secs(5);
const RECOVERY_SHARE: f64 = 0.1;
/// Never slower than this, in messages a second: a stopped provider is the breaker's business.
const SLOWEST: f64 = 1.0;

/// Messages a second, with a burst of 50 ms so that coarse timers do not waste the budget.
#[derive(Clone, Debug)]
pub struct Bucket {
    full_rate: f64,
    rate: f64,
    tokens: f64,
    filled_at: Instant,
    recovers_at: Instant,
}

impl Bucket {
    pub fn new(per_second: u32, now: Instant) -> Self {
        let rate = f64::from(per_second).max(SLOWEST);
        Self { full_rate: rate, rate, tokens: 1.0, filled_at: now, recovers_at: now }
    }

    /// Current messages a second.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// Whole tokens there are now.
    pub fn available(&mut self, now: Instant) -> usize {
        self.refill(now);
        self.tokens as usize
    }

    /// Takes `count` tokens. The bucket may go into debt: a message of three segments leaves together.
    pub fn take(&mut self, count: usize) {
        self.tokens -= count as f64;
    }

    /// Until the next whole token.
    pub fn wait(&self) -> Duration {
        Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).max(0.0))
    }

    /// The provider asked for a slower pace.
    pub fn throttled(&mut self, now: Instant) {
        self.refill(now);
        // One storm of refusals is one request: what was on its way already is not counted again.
        if now >= self.recovers_at - RECOVERY_EVERY / 2 || self.rate >= self.full_rate {
            self.rate = (self.rate / 2.0).max(SLOWEST);
            self.recovers_at = now + RECOVERY_EVERY;
        }
        self.tokens = self.tokens.min(0.0);
    }

    fn refill(&mut self, now: Instant) {
        let passed = (now - self.filled_at).to_std().unwrap_or_default();
        self.filled_at = self.filled_at.max(now);
        let burst = (self.rate * 0.05).max(1.0);
        self.tokens = (self.tokens + passed.as_secs_f64() * self.rate).min(burst);
        while self.rate < self.full_rate && now >= self.recovers_at {
            self.rate = (self.rate + self.full_rate * RECOVERY_SHARE).min(self.full_rate);
            self.recovers_at += RECOVERY_EVERY;
        }
    }
}

/// Timeouts in a row that open the breaker.
const TIMEOUTS_TO_OPEN: u32 = 5;
const OPEN_FIRST: Duration = Duration::from_secs(2);
const OPEN_MAX: Duration = Duration::from_secs(30);

/// Opens on timeouts, never on errors about one recipient; one probe at a time finds out whether the provider is back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Breaker {
    #[default]
    Closed,
    /// Timeouts in a row so far.
    Doubting(u32),
    Open {
        until: Instant,
        waited: Duration,
    },
    /// One message is on its way.
    Probing {
        waited: Duration,
    },
}

impl Breaker {
    /// How many messages may leave now: all, one probe, or none.
    pub fn allows(&self, now: Instant, room: usize) -> usize {
        match self {
            Self::Closed | Self::Doubting(_) => room,
            Self::Open { until, .. } if now >= *until => room.min(1),
            Self::Open { .. } | Self::Probing { .. } => 0,
        }
    }

    pub const fn is_healthy(&self) -> bool {
        matches!(self, Self::Closed | Self::Doubting(_))
    }

    /// A message leaves.
    #[must_use]
    pub fn sent(self) -> Self {
        match self {
            Self::Open { waited, .. } => Self::Probing { waited },
            other => other,
        }
    }

    /// The provider answered, whatever it said.
    #[must_use]
    pub const fn answered(self) -> Self {
        Self::Closed
    }

    /// No answer came.
    #[must_use]
    pub fn timed_out(self, now: Instant) -> Self {
        match self {
            Self::Closed => Self::Doubting(1),
            Self::Doubting(count) if count + 1 < TIMEOUTS_TO_OPEN => Self::Doubting(count + 1),
            Self::Doubting(_) => Self::Open { until: now + OPEN_FIRST, waited: OPEN_FIRST },
            Self::Probing { waited } => {
                let waited = (waited * 2).min(OPEN_MAX);
                Self::Open { until: now + waited, waited }
            }
            open @ Self::Open { .. } => open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn at(millis: i64) -> Instant {
        from_micros(millis * 1000)
    }

    #[test]
    fn ten_seconds_give_ten_times_the_rate() {
        let mut bucket = Bucket::new(100, at(0));
        let sent: usize = (0..10_000)
            .map(|ms| {
                let free = bucket.available(at(ms));
                bucket.take(free);
                free
            })
            .sum();
        assert!((998..=1002).contains(&sent), "{sent}");
    }

    #[test]
    fn throttled_halves_the_rate_once_for_one_storm_and_wins_it_back_slowly() {
        let mut bucket = Bucket::new(100, at(0));
        for ms in 0..20 {
            bucket.throttled(at(ms));
        }
        assert_eq!(bucket.rate(), 50.0);
        bucket.available(at(5_100));
        assert_eq!(bucket.rate(), 60.0);
        bucket.available(at(60_000));
        assert_eq!(bucket.rate(), 100.0);
    }

    #[test]
    fn a_message_of_several_segments_puts_the_bucket_in_debt() {
        let mut bucket = Bucket::new(10, at(0));
        assert_eq!(bucket.available(at(0)), 1);
        bucket.take(3);
        assert_eq!(bucket.available(at(200)), 0);
        assert_eq!(bucket.wait(), Duration::from_millis(100));
        assert_eq!(bucket.available(at(310)), 1);
    }

    #[test]
    fn the_breaker_opens_on_timeouts_probes_once_and_closes_on_an_answer() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker = breaker.timed_out(at(0));
        }
        assert_eq!(breaker.allows(at(1_000), 32), 0);
        assert_eq!(breaker.allows(at(2_000), 32), 1);
        breaker = breaker.sent();
        assert_eq!(breaker.allows(at(2_001), 32), 0);
        breaker = breaker.timed_out(at(3_000));
        assert_eq!(breaker.allows(at(6_999), 32), 0);
        assert_eq!(breaker.allows(at(7_000), 32), 1);
        breaker = breaker.sent().answered();
        assert_eq!(breaker.allows(at(7_001), 32), 32);
    }

    #[test]
    fn an_answer_between_timeouts_keeps_the_breaker_closed() {
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            breaker = breaker.timed_out(at(0)).timed_out(at(0)).answered();
        }
        assert!(breaker.is_healthy());
    }
}
