//! How long what was claimed may leave.
//!
//! The database frees a claim by its own reckoning when the lease is over, and the fence then refuses what the first worker says of
//! it. But what has left has left: a worker that was stopped, or cut off from the database, must not go on sending what another has
//! by now. So each claim is also counted by this process's own clock, which nobody sets, from before it was asked for.

use std::time::Duration;

use crate::clock::Stopwatch;

/// The lease of something claimed, as this process may count on it.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    since: Stopwatch,
    lasts: Duration,
}

impl Held {
    /// Begins to count. To be called before the database is asked for the lease, so that it never ends later here than there.
    pub fn begin(lasts: Duration) -> Self {
        Self { since: Stopwatch::start(), lasts }
    }

    /// The one of the two that began first.
    pub fn older(self, other: Self) -> Self {
        if other.since < self.since { other } else { self }
    }

    /// Whether it may leave now. The last third of a lease is left for the way out, and for clocks that do not quite agree.
    pub fn is_good(&self) -> bool {
        is_good_after(self.since.elapsed(), self.lasts)
    }

    /// Whether a third of it is over, so that it should be renewed.
    pub fn is_aging(&self) -> bool {
        self.since.elapsed() > self.lasts / 3
    }
}

fn is_good_after(elapsed: Duration, lasts: Duration) -> bool {
    elapsed < lasts - lasts / 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_leaves_within_two_thirds_of_its_lease_or_not_at_all() {
        let lease = Duration::from_secs(30);
        assert!(is_good_after(Duration::ZERO, lease) && is_good_after(Duration::from_millis(19_999), lease));
        assert!(!is_good_after(Duration::from_secs(20), lease) && !is_good_after(Duration::from_secs(3600), lease));
        assert!(!Held::begin(Duration::ZERO).is_good());
    }

    #[test]
    fn of_two_leases_the_one_that_began_first_ends_first() {
        let first = Held::begin(Duration::from_secs(30));
        let second = Held::begin(Duration::from_secs(30));
        assert_eq!((first.older(second).since, second.older(first).since), (first.since, first.since));
    }
}
