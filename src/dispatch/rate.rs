//! How fast a provider may be fed: token bucket, additive recovery after THROTTLED, and a breaker. Pure: the instant comes in.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::TimeDelta;

use crate::clock::Instant;

/// A share of the full rate is won back this often after THROTTLED.
const RECOVERY_EVERY: Duration = Duration::from_secs(5);
const RECOVERY_SHARE: f64 = 0.1;
/// Never slower than this, in messages a second: a stopped provider is the breaker's business.
const SLOWEST: f64 = 1.0;

/// What the contract counts in: no more than its rate leaves within any second.
const WINDOW: TimeDelta = TimeDelta::seconds(1);
/// Tokens that may be saved up beside one, so that coarse timers do not waste the budget.
const SAVED: f64 = 0.05;

/// Messages a second. Tokens spread them evenly; what left within the last second is remembered, so that what was saved up is never on
/// top of the rate.
#[derive(Clone, Debug)]
pub struct Bucket {
    full_rate: f64,
    rate: f64,
    tokens: f64,
    filled_at: Instant,
    recovers_at: Instant,
    /// What left within the last second, oldest first, and its sum.
    left: VecDeque<(Instant, usize)>,
    sum: usize,
}

impl Bucket {
    pub fn new(per_second: u32, now: Instant) -> Self {
        let rate = f64::from(per_second).max(SLOWEST);
        let (left, sum) = (VecDeque::new(), 0);
        Self { full_rate: rate, rate, tokens: 1.0, filled_at: now, recovers_at: now, left, sum }
    }

    /// Current messages a second.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether a message of so many segments may leave now. It leaves whole: one that is longer than a second's worth goes when nothing
    /// else left within the last second.
    pub fn allows(&mut self, now: Instant, weight: usize) -> bool {
        self.refill(now);
        self.tokens >= 1.0 && self.fits(self.sum, weight)
    }

    /// It leaves. The tokens may go into debt: a message of three segments leaves together.
    pub fn take(&mut self, now: Instant, weight: usize) {
        self.tokens -= weight as f64;
        self.sum += weight;
        self.left.push_back((now, weight));
    }

    /// Until a message of so many segments may leave, from when it was last asked.
    pub fn wait(&self, weight: usize) -> Duration {
        let tokens = Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).max(0.0));
        let mut sum = self.sum;
        let mut window = Duration::ZERO;
        for (at, gone) in &self.left {
            if self.fits(sum, weight) {
                break;
            }
            sum -= gone;
            window = (*at + WINDOW - self.filled_at).to_std().unwrap_or_default();
        }
        tokens.max(window)
    }

    fn fits(&self, sum: usize, weight: usize) -> bool {
        sum == 0 || sum + weight <= self.rate as usize
    }

    /// The provider asked for a slower pace. True when this is a request of its own: of a storm of refusals the first one, because
    /// what was on its way already is not counted again.
    pub fn throttled(&mut self, now: Instant) -> bool {
        self.refill(now);
        let is_new = now >= self.recovers_at - RECOVERY_EVERY / 2 || self.rate >= self.full_rate;
        if is_new {
            self.rate = (self.rate / 2.0).max(SLOWEST);
            self.recovers_at = now + RECOVERY_EVERY;
        }
        self.tokens = self.tokens.min(0.0);
        is_new
    }

    fn refill(&mut self, now: Instant) {
        let passed = (now - self.filled_at).to_std().unwrap_or_default();
        self.filled_at = self.filled_at.max(now);
        self.tokens = (self.tokens + passed.as_secs_f64() * self.rate).min(1.0 + self.rate * SAVED);
        while self.rate < self.full_rate && now >= self.recovers_at {
            self.rate = (self.rate + self.full_rate * RECOVERY_SHARE).min(self.full_rate);
            self.recovers_at += RECOVERY_EVERY;
        }
        while let Some((_, gone)) = self.left.pop_front_if(|(at, _)| now - *at >= WINDOW) {
            self.sum -= gone;
        }
    }
}

/// Failures in a row that open the breaker.
const FAILURES_TO_OPEN: u32 = 5;
const OPEN_FIRST: Duration = Duration::from_secs(2);
const OPEN_MAX: Duration = Duration::from_secs(30);

/// Opens when the provider does not answer, or refuses for trouble of its own, and never on errors about one recipient; one probe at a
/// time finds out whether the provider is back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Breaker {
    #[default]
    Closed,
    /// Failures in a row so far.
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

    /// The provider works: it took the message, or refused this one.
    #[must_use]
    pub const fn answered(self) -> Self {
        Self::Closed
    }

    /// It asked for a slower pace. One that does so again and again and takes nothing in between is no way out either; of one storm
    /// only the first refusal counts (`is_new`), or a probe.
    #[must_use]
    pub fn throttled(self, now: Instant, is_new: bool) -> Self {
        if is_new || matches!(self, Self::Probing { .. }) { self.failed(now) } else { self }
    }

    /// No answer came, or the provider said that it is not well.
    #[must_use]
    pub fn failed(self, now: Instant) -> Self {
        match self {
            Self::Closed => Self::Doubting(1),
            Self::Doubting(count) if count + 1 < FAILURES_TO_OPEN => Self::Doubting(count + 1),
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
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::from_micros;

    fn at(millis: i64) -> Instant {
        from_micros(millis * 1000)
    }

    /// Everything that may leave now, message by message of one segment. Returns how many did.
    fn drain(bucket: &mut Bucket, now: Instant) -> usize {
        let mut sent = 0;
        while bucket.allows(now, 1) {
            bucket.take(now, 1);
            sent += 1;
        }
        sent
    }

    /// The most that left within any second.
    fn busiest(sent: &[(Instant, usize)]) -> usize {
        let within = |first: usize| {
            let until = sent[first].0 + WINDOW;
            sent[first..].iter().take_while(|(at, _)| *at < until).map(|(_, weight)| weight).sum()
        };
        (0..sent.len()).map(within).max().unwrap_or(0)
    }

    #[test]
    fn ten_seconds_give_ten_times_the_rate() {
        let mut bucket = Bucket::new(100, at(0));
        let sent: usize = (0..10_000).map(|ms| drain(&mut bucket, at(ms))).sum();
        assert!((998..=1000).contains(&sent), "{sent}");
    }

    proptest! {
        /// Messages of one to four segments come in bursts with pauses between, and timers are late by up to ten milliseconds.
        #[test]
        fn no_second_holds_more_than_the_contract_and_a_queue_uses_nearly_all_of_it(
            per_second in 4_u32..400, arrivals in vec((0_i64..3000, 1_usize..400, 1_usize..5), 1..8), late in vec(0_i64..10, 50),
        ) {
            let mut bucket = Bucket::new(per_second, at(0));
            let (mut sent, mut queue, mut ms) = (Vec::new(), VecDeque::new(), 0);
            let (mut arrivals, mut due) = (VecDeque::from(arrivals), 0);
            let mut late = late.into_iter().cycle();
            // How long something waited all the time, in milliseconds, and the segments that left in it.
            let (mut busy_ms, mut busy_sent) = (0, 0);
            while !(arrivals.is_empty() && queue.is_empty()) {
                while let Some((_, count, weight)) = arrivals.pop_front_if(|(pause, ..)| due + *pause <= ms) {
                    due = ms;
                    queue.extend(std::iter::repeat_n(weight, count));
                }
                let before = ms;
                while let Some(weight) = queue.front().copied().filter(|weight| bucket.allows(at(ms), *weight)) {
                    queue.pop_front();
                    bucket.take(at(ms), weight);
                    sent.push((at(ms), weight));
                    busy_sent += weight;
                }
                ms += match queue.front() {
                    Some(weight) => {
                        let wait = i64::try_from(bucket.wait(*weight).as_millis()).unwrap() + 1 + late.next().unwrap_or(0);
                        busy_ms += wait;
                        wait
                    }
                    None => arrivals.front().map_or(1, |(pause, ..)| (due + *pause - before).max(1)),
                };
            }
            prop_assert!(busiest(&sent) <= per_second as usize, "{} in a second at {per_second}", busiest(&sent));
            // What does not fill a second to its end is lost to it: a message of four segments leaves whole.
            let usable = f64::from(per_second - 3) * busy_ms as f64 / 1000.0;
            prop_assert!(busy_sent as f64 >= 0.98 * usable - 5.0, "{busy_sent} of {usable} at {per_second}");
        }

        #[test]
        fn a_queue_of_single_segments_uses_ninety_eight_of_a_hundred(per_second in 20_u32..400, late in vec(0_i64..4, 50)) {
            let mut bucket = Bucket::new(per_second, at(0));
            let (mut ms, mut sent, mut late) = (0, Vec::new(), late.into_iter().cycle());
            while ms < 20_000 {
                sent.push((at(ms), drain(&mut bucket, at(ms))));
                ms += i64::try_from(bucket.wait(1).as_millis()).unwrap() + 1 + late.next().unwrap_or(0);
            }
            let all: usize = sent.iter().map(|(_, count)| count).sum();
            prop_assert!(busiest(&sent) <= per_second as usize);
            prop_assert!(all as f64 >= 0.98 * f64::from(per_second) * 20.0, "{all} in 20 s at {per_second}");
        }
    }

    #[test]
    fn throttled_halves_the_rate_once_for_one_storm_and_wins_it_back_slowly() {
        let mut bucket = Bucket::new(100, at(0));
        for ms in 0..20 {
            bucket.throttled(at(ms));
        }
        assert_eq!(bucket.rate(), 50.0);
        bucket.allows(at(5_100), 1);
        assert_eq!(bucket.rate(), 60.0);
        bucket.allows(at(60_000), 1);
        assert_eq!(bucket.rate(), 100.0);
    }

    #[test]
    fn a_message_of_several_segments_puts_the_bucket_in_debt() {
        let mut bucket = Bucket::new(10, at(0));
        assert!(bucket.allows(at(0), 3));
        bucket.take(at(0), 3);
        assert!(!bucket.allows(at(200), 1));
        assert_eq!(bucket.wait(1), Duration::from_millis(100));
        assert!(bucket.allows(at(310), 1));
    }

    #[test]
    fn a_message_longer_than_a_second_leaves_alone() {
        let mut bucket = Bucket::new(2, at(0));
        assert!(bucket.allows(at(0), 5));
        bucket.take(at(0), 5);
        assert!(!bucket.allows(at(2_400), 1) && bucket.allows(at(2_600), 5));
    }

    #[test]
    fn the_breaker_opens_on_timeouts_probes_once_and_closes_on_an_answer() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker = breaker.failed(at(0));
        }
        assert_eq!(breaker.allows(at(1_000), 32), 0);
        assert_eq!(breaker.allows(at(2_000), 32), 1);
        breaker = breaker.sent();
        assert_eq!(breaker.allows(at(2_001), 32), 0);
        breaker = breaker.failed(at(3_000));
        assert_eq!(breaker.allows(at(6_999), 32), 0);
        assert_eq!(breaker.allows(at(7_000), 32), 1);
        breaker = breaker.sent().answered();
        assert_eq!(breaker.allows(at(7_001), 32), 32);
    }

    #[test]
    fn an_answer_between_timeouts_keeps_the_breaker_closed() {
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            breaker = breaker.failed(at(0)).failed(at(0)).answered();
        }
        assert!(breaker.is_healthy());
    }

    #[test]
    fn one_storm_of_throttling_is_no_failure_and_storm_after_storm_is() {
        let (mut bucket, mut breaker) = (Bucket::new(100, at(0)), Breaker::default());
        let mut storm = |breaker: Breaker, second: i64| {
            (0..32).fold(breaker, |breaker, ms| {
                let now = at(second * 1000 + ms);
                breaker.throttled(now, bucket.throttled(now))
            })
        };
        breaker = storm(breaker, 0);
        assert_eq!(breaker, Breaker::Doubting(1));
        for second in [3, 6, 9] {
            breaker = storm(breaker, second);
        }
        assert!(breaker.is_healthy());
        breaker = storm(breaker, 12);
        assert!(!breaker.is_healthy());
        // The probe is judged whatever the storm, and an answer ends it all.
        let probing = breaker.sent();
        assert!(!probing.clone().throttled(at(15_000), false).is_healthy() && probing.answered().is_healthy());
    }
}
