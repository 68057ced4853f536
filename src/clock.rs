//! The only place that reads the machine's clock. Everything else takes the instant as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};

pub mod leap;

/// An instant in UTC, to the microsecond: PostgreSQL keeps no more, and a value must survive the round trip.
pub type Instant = DateTime<Utc>;

/// The source of "now". Tests and replays hold a manual clock.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(Arc<AtomicI64>),
    Staged(Stage),
    #[cfg(debug_assertions)]
    Leaping(Arc<leap::Leaps>),
}

/// A stretch of the past played faster than it was, up to the instant where it meets the present; the present from there on.
/// For demonstrations: with it, everything that waits or expires does so in the played time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// When the play began, in real time.
    pub opened_at: Instant,
    /// What the clock showed then: earlier than `opened_at`.
    pub shows_from: Instant,
    /// Played seconds in a real second, above 1.
    pub speed: f64,
}

impl Stage {
    /// What the clock shows at a real instant.
    pub fn shown_at(&self, real: Instant) -> Instant {
        let passed = (real - self.opened_at).num_microseconds().unwrap_or(0).max(0);
        let played = from_micros(self.shows_from.timestamp_micros() + (passed as f64 * self.speed) as i64);
        played.min(real)
    }
}

impl Clock {
    /// A clock that stands at `at` until it is moved.
    pub fn manual(at: Instant) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Instant {
        let micros = match self {
            Self::System => Utc::now().timestamp_micros(),
            Self::Manual(micros) => micros.load(Ordering::SeqCst),
            Self::Staged(stage) => stage.shown_at(from_micros(Utc::now().timestamp_micros())).timestamp_micros(),
            #[cfg(debug_assertions)]
            Self::Leaping(leaps) => leaps.now().timestamp_micros(),
        };
        from_micros(micros)
    }

    /// Moves a manual clock. Has no effect on the others.
    pub fn set(&self, at: Instant) {
        if let Self::Manual(micros) = self {
            micros.store(at.timestamp_micros(), Ordering::SeqCst);
        }
    }

    /// Whether it shows another time than the machine's, so that ages by it say nothing about the service.
    pub const fn is_played(&self) -> bool {
        match self {
            Self::System | Self::Manual(_) => false,
            Self::Staged(_) => true,
            #[cfg(debug_assertions)]
            Self::Leaping(_) => true,
        }
    }

    /// The pauses of a worker that looks again and again. Made before its first look.
    pub fn rest(&self) -> leap::Rest {
        leap::Rest::of(self)
    }
}

/// Micros since 1970 to an instant. Values beyond chrono's range (year ±262,000) become the epoch.
pub fn from_micros(micros: i64) -> Instant {
    Utc.timestamp_micros(micros).single().unwrap_or_default()
}

/// Elapsed time for metrics and benches, never for decisions. One that was started earlier is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods)]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staged_clock_runs_fast_until_it_meets_the_present() {
        let opened_at = from_micros(1_800_000_000_000_000);
        let stage = Stage { opened_at, shows_from: opened_at - chrono::TimeDelta::seconds(599), speed: 600.0 };
        let after = |seconds| stage.shown_at(opened_at + chrono::TimeDelta::milliseconds(seconds));
        assert_eq!(after(0), stage.shows_from);
        assert_eq!(after(500), stage.shows_from + chrono::TimeDelta::seconds(300));
        assert_eq!(after(1000), opened_at + chrono::TimeDelta::seconds(1));
        assert_eq!(after(5000), opened_at + chrono::TimeDelta::seconds(5));
    }
}
