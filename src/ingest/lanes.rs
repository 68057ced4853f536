//! Which message the next commit takes: what was observed lately overtakes what was observed long ago. Pure.
//!
//! After an outage every device comes back with hours of readings, and the newest of each station is what tells where
//! the water stands now. So there are two lanes, each with a room of its own, and each commit is laid out anew: live
//! messages first, and a share that the backlog has for itself whenever it waits, so that it is never starved. Within a
//! lane messages keep the order in which they came in; so do the acknowledgements of one connection, because rmqtt
//! hands in one message of a connection at a time.

use chrono::TimeDelta;

use super::NewReading;
use crate::clock::Instant;

/// One part in so many of each commit belongs to the backlog while it waits.
const BACKLOG_PART: usize = 4;

/// What a message waits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Its newest reading was observed lately.
    Live,
    /// All of it is older, or it holds no reading at all.
    Backlog,
}

impl Lane {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Backlog => "backlog",
        }
    }

    /// The lane of a message that is handed in at `now`.
    pub fn of(readings: &[NewReading], now: Instant, live_within: TimeDelta) -> Self {
        let lately = |reading: &NewReading| now - reading.observed_at <= live_within;
        if readings.iter().any(lately) { Self::Live } else { Self::Backlog }
    }
}

/// How many readings of each lane something holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub live: usize,
    pub backlog: usize,
}

impl Load {
    pub const fn total(self) -> usize {
        self.live + self.backlog
    }

    pub const fn add(&mut self, lane: Lane, readings: usize) {
        match lane {
            Lane::Live => self.live += readings,
            Lane::Backlog => self.backlog += readings,
        }
    }
}

/// Whether a message of each lane waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub live: bool,
    pub backlog: bool,
}

/// The lane of the next message for a commit that holds `taken` already; `None` when the commit is full or nothing waits.
/// `limit` is in readings; the last message may reach beyond it, because messages are not cut.
pub const fn next(taken: Load, waiting: Waiting, limit: usize) -> Option<Lane> {
    let share = limit.div_ceil(BACKLOG_PART);
    // While a backlog waits, live messages leave its share free; one that reached into it does not take it away.
    let live_is_served = !waiting.live || (taken.live > 0 && taken.live + share >= limit);
    if waiting.backlog && live_is_served && (taken.backlog == 0 || taken.total() < limit) {
        return Some(Lane::Backlog);
    }
    if waiting.live && taken.total() < limit {
        return Some(Lane::Live);
    }
    None
}

/// Readings that may wait for their judgement before the backlog is held back.
pub const UNJUDGED_MAX: i64 = 3000;
/// While it is held back, the backlog gets its share of a commit this often all the same.
const SHARE_EVERY: TimeDelta = TimeDelta::seconds(1);
/// An evaluator that has not moved for this long is not helped by holding anything back.
const STANDING_AFTER: TimeDelta = TimeDelta::seconds(10);

/// Keeps the backlog from outrunning the rules: they read the journal in its order, so whatever is appended before a live
/// reading is judged before it.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    judged: i64,
    moved_at: Instant,
    backlog_at: Instant,
}

impl Pace {
    pub const fn new(now: Instant) -> Self {
        Self { judged: 0, moved_at: now, backlog_at: now }
    }

    /// Whether the next commit may take backlog; `judged` is how far the evaluator has come, `unjudged` how many readings
    /// lie before it.
    pub fn allows_backlog(&mut self, judged: i64, unjudged: i64, now: Instant) -> bool {
        if judged != self.judged {
            (self.judged, self.moved_at) = (judged, now);
        }
        let allowed =
            unjudged <= UNJUDGED_MAX || now - self.moved_at >= STANDING_AFTER || now - self.backlog_at >= SHARE_EVERY;
        if allowed {
            self.backlog_at = now;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::from_micros;
    use crate::ids::DatastreamId;
    use crate::ingest::Source;
    use crate::units::{Fixed, Quality};

    const LIMIT: usize = 100;

    fn reading(second: i64) -> NewReading {
        NewReading {
            datastream_id: DatastreamId(1),
            device_id: None,
            message_id: None,
            observed_at: from_micros(second * 1_000_000),
            value: Fixed::from_whole(1),
            quality: Quality::Pass,
            quality_reason: String::new(),
            source: Source::Mqtt,
        }
    }

    /// Lays out one commit from messages of these sizes.
    fn lay_out(live: &mut VecDeque<usize>, backlog: &mut VecDeque<usize>) -> Load {
        let mut taken = Load::default();
        while let Some(lane) = next(taken, Waiting { live: !live.is_empty(), backlog: !backlog.is_empty() }, LIMIT) {
            let queue = if lane == Lane::Live { &mut *live } else { &mut *backlog };
            taken.add(lane, queue.pop_front().expect("only what waits is taken"));
        }
        taken
    }

    #[test]
    fn one_late_reading_makes_no_backlog_of_a_message_with_a_new_one() {
        let (now, within) = (from_micros(10_000_000_000), TimeDelta::seconds(600));
        assert_eq!(Lane::of(&[reading(100), reading(9_400)], now, within), Lane::Live);
        assert_eq!(Lane::of(&[reading(100), reading(9_399)], now, within), Lane::Backlog);
        assert_eq!(Lane::of(&[reading(10_100)], now, within), Lane::Live, "a clock that is a little ahead");
        assert_eq!(Lane::of(&[], now, within), Lane::Backlog);
    }

    #[test]
    fn a_commit_takes_live_messages_first_and_leaves_the_backlog_its_share() {
        let (mut live, mut backlog) = (vec![1; 500].into(), vec![10; 50].into());
        assert_eq!(lay_out(&mut live, &mut backlog), Load { live: 75, backlog: 30 });
    }

    #[test]
    fn what_the_live_lane_does_not_need_goes_to_the_backlog_and_the_other_way_round() {
        let (mut live, mut backlog) = (vec![1; 5].into(), vec![10; 50].into());
        assert_eq!(lay_out(&mut live, &mut backlog), Load { live: 5, backlog: 100 });
        let (mut live, mut backlog) = (vec![1; 500].into(), VecDeque::new());
        assert_eq!(lay_out(&mut live, &mut backlog), Load { live: 100, backlog: 0 });
    }

    #[test]
    fn even_commits_of_one_reading_serve_both_lanes() {
        let both = Waiting { live: true, backlog: true };
        assert_eq!(next(Load::default(), both, 1), Some(Lane::Live));
        assert_eq!(next(Load { live: 1, backlog: 0 }, both, 1), Some(Lane::Backlog));
        assert_eq!(next(Load { live: 1, backlog: 1 }, both, 1), None);
    }

    #[test]
    fn the_backlog_waits_for_the_rules_but_not_for_ever_and_not_for_rules_that_stand_still() {
        let at = |ms: i64| from_micros(ms * 1000);
        let mut pace = Pace::new(at(0));
        assert!(pace.allows_backlog(10, UNJUDGED_MAX, at(0)));
        assert!(!pace.allows_backlog(20, UNJUDGED_MAX + 1, at(100)));
        assert!(!pace.allows_backlog(30, UNJUDGED_MAX + 1, at(999)));
        assert!(pace.allows_backlog(40, UNJUDGED_MAX + 1, at(1000)), "its share once a second");
        assert!(!pace.allows_backlog(50, UNJUDGED_MAX + 1, at(1100)));
        for ms in [5_000, 11_200, 11_300] {
            pace.allows_backlog(50, UNJUDGED_MAX + 1, at(ms));
        }
        assert!(pace.allows_backlog(50, UNJUDGED_MAX + 1, at(11_301)), "nobody judges");
        assert!(!pace.allows_backlog(51, UNJUDGED_MAX + 1, at(11_302)), "somebody judges again");
    }

    proptest! {
        #[test]
        fn neither_lane_ever_waits_for_the_other_to_be_empty(
            live in proptest::collection::vec(1_usize..300, 1..40),
            backlog in proptest::collection::vec(1_usize..300, 1..40),
        ) {
            let (mut live, mut backlog): (VecDeque<usize>, VecDeque<usize>) = (live.into(), backlog.into());
            while !live.is_empty() || !backlog.is_empty() {
                let (had_live, had_backlog) = (!live.is_empty(), !backlog.is_empty());
                let longest = live.iter().chain(&backlog).copied().max().unwrap_or(0);
                let taken = lay_out(&mut live, &mut backlog);
                prop_assert!(!had_live || taken.live > 0);
                prop_assert!(!had_backlog || taken.backlog > 0);
                prop_assert!(taken.total() < LIMIT + 2 * longest, "bounded: {taken:?}");
                prop_assert!(taken.total() >= LIMIT || (live.is_empty() && backlog.is_empty()), "no commit goes half full: {taken:?}");
            }
        }
    }
}
