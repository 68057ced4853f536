//! Appends the past in slices, so that whoever has a live reading never waits long for the journal.
//!
//! PostgreSQL gives an advisory lock to whoever asked first. So a live reading that finds the lock taken waits for the rest of
//! one slice and no more, and the next slice waits behind it. The slices are made as large as lets each hold the lock for
//! [`HOLD`]; nothing is synced to disk while it is held, because the pool of a back-fill commits asynchronously: what a crash
//! takes can be brought in again, and the last commit, which is synced, says that everything before it is safe.

use std::time::Duration;

use sqlx::PgPool;

use super::store::known_live;
use crate::clock::{Clock, Stopwatch};
use crate::ingest::NewReading;
use crate::journal::{self, Outcome};

/// How long a slice should hold the journal's lock.
const HOLD: Duration = Duration::from_millis(10);
/// Readings in a slice: at first, least, most.
const FIRST: usize = 500;
const LEAST: usize = 50;
const MOST: usize = 5000;

/// What became of the readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Filled {
    pub appended: u64,
    /// In the journal already, with the same value.
    pub known: u64,
    /// In the journal already with another value: both are kept, the newer counts.
    pub revised: u64,
    /// Measured live at the same instant, which stands.
    pub live: u64,
    /// Refused by the database; in quarantine.
    pub refused: u64,
}

/// Fills the journal with the past.
#[derive(Debug)]
pub struct Filler {
    pool: PgPool,
    clock: Clock,
    slice: usize,
    pub filled: Filled,
}

impl Filler {
    /// The pool should commit asynchronously (`Session::history_pool`).
    pub const fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock, slice: FIRST, filled: Filled { appended: 0, known: 0, revised: 0, live: 0, refused: 0 } }
    }

    /// Appends all of these, a transaction for each slice.
    ///
    /// # Errors
    /// The database's. What was appended before stays; the same readings again are duplicates.
    pub async fn fill(&mut self, readings: &[NewReading]) -> sqlx::Result<()> {
        let live = known_live(&self.pool, readings).await?;
        let kept: Vec<NewReading>;
        let mut rest = readings;
        if !live.is_empty() {
            let is_new = |reading: &&NewReading| !live.contains(&(reading.datastream_id, reading.observed_at));
            kept = readings.iter().filter(is_new).cloned().collect();
            self.filled.live += (readings.len() - kept.len()) as u64;
            rest = &kept;
        }
        while !rest.is_empty() {
            let (slice, later) = rest.split_at(self.slice.min(rest.len()));
            let watch = Stopwatch::start();
            let outcomes = journal::append(&self.pool, &self.clock, slice, &[]).await?;
            self.slice = next_slice(slice.len(), self.slice, watch.elapsed());
            self.count(&outcomes);
            rest = later;
        }
        Ok(())
    }

    fn count(&mut self, outcomes: &[Outcome]) {
        let filled = &mut self.filled;
        for outcome in outcomes {
            match outcome {
                Outcome::Appended => filled.appended += 1,
                Outcome::Duplicate => filled.known += 1,
                Outcome::Revision => filled.revised += 1,
                Outcome::Refused => filled.refused += 1,
            }
        }
    }
}

/// Half way to the slice that would have taken [`HOLD`]. The time includes the wait for the lock, so a busy journal makes
/// slices smaller, which is right too.
fn next_slice(done: usize, size: usize, took: Duration) -> usize {
    let ideal = done as f64 * HOLD.as_secs_f64() / took.as_secs_f64().max(1e-6);
    // A short rest at a batch's end says little.
    if done < size && ideal < size as f64 {
        return size;
    }
    ((size as f64 + ideal) / 2.0).clamp(LEAST as f64, MOST as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_approach_the_time_they_may_take() {
        let mut size = FIRST;
        for _ in 0..20 {
            // A machine that appends 100 readings in a millisecond, and then one that appends 20.
            size = next_slice(size, size, Duration::from_micros(size as u64 * 10));
        }
        assert!((950..=1000).contains(&size), "{size}");
        for _ in 0..20 {
            size = next_slice(size, size, Duration::from_micros(size as u64 * 50));
        }
        assert!((190..=210).contains(&size), "{size}");
    }

    #[test]
    fn a_slice_has_bounds() {
        assert_eq!(next_slice(LEAST, LEAST, Duration::from_secs(9)), LEAST);
        assert_eq!(next_slice(MOST, MOST, Duration::ZERO), MOST);
    }
}
