//! When an exercise announces itself, and which of its injects is due. Pure: the instant comes in.

use chrono::TimeDelta;

use super::state::ExerciseState;
use crate::clock::Instant;

/// The two announcements that go out by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// Some days before.
    Days,
    /// Some hours before.
    Hours,
}

/// What the clock is held against.
#[derive(Clone, Copy, Debug)]
pub struct Announced {
    pub state: ExerciseState,
    pub starts_at: Instant,
    /// Days before the start; 0 = none of this kind.
    pub days: i32,
    /// Hours before the start; 0 = none of this kind.
    pub hours: i32,
    pub days_at: Option<Instant>,
    pub hours_at: Option<Instant>,
}

impl Announced {
    /// The announcement that is due now. Whoever plans late is told once: where both are due, only the nearer one goes out.
    /// Nothing is announced after the planned start.
    pub fn due(&self, now: Instant) -> Option<Announcement> {
        let waits = matches!(self.state, ExerciseState::Planned | ExerciseState::Announced);
        if !waits || now >= self.starts_at {
            return None;
        }
        let is_due = |amount: i32, before: TimeDelta, sent: Option<Instant>| {
            amount > 0 && sent.is_none() && now >= self.starts_at - before
        };
        if is_due(self.hours, TimeDelta::hours(self.hours.into()), self.hours_at) {
            return Some(Announcement::Hours);
        }
        // Once the nearer one is out the farther one has nothing to add.
        let is_days_due = is_due(self.days, TimeDelta::days(self.days.into()), self.days_at);
        (is_days_due && self.hours_at.is_none()).then_some(Announcement::Days)
    }
}

/// The minute of an exercise: whole minutes since it was started.
pub fn minute(started_at: Instant, now: Instant) -> i64 {
    (now - started_at).num_minutes().max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn at(hours: i64) -> Instant {
        from_micros(1_780_000_000_000_000) + TimeDelta::hours(hours)
    }

    fn exercise() -> Announced {
        Announced { state: ExerciseState::Planned, starts_at: at(0), days: 7, hours: 24, days_at: None, hours_at: None }
    }

    #[test]
    fn it_is_announced_days_before_and_again_hours_before() {
        let planned = exercise();
        assert_eq!(planned.due(at(-7 * 24 - 1)), None);
        assert_eq!(planned.due(at(-7 * 24)), Some(Announcement::Days));
        let once = Announced { days_at: Some(at(-7 * 24)), state: ExerciseState::Announced, ..planned };
        assert_eq!(once.due(at(-25)), None);
        assert_eq!(once.due(at(-24)), Some(Announcement::Hours));
        assert_eq!(Announced { hours_at: Some(at(-24)), ..once }.due(at(-1)), None);
    }

    #[test]
    fn whoever_plans_late_is_told_once() {
        let late = exercise();
        assert_eq!(late.due(at(-3)), Some(Announcement::Hours));
        assert_eq!(Announced { hours_at: Some(at(-3)), ..late }.due(at(-2)), None);
    }

    #[test]
    fn nothing_is_announced_of_what_began_or_does_not_take_place() {
        assert_eq!(exercise().due(at(0)), None);
        for state in [ExerciseState::Running, ExerciseState::Cancelled, ExerciseState::Reported] {
            assert_eq!(Announced { state, ..exercise() }.due(at(-3)), None, "{state}");
        }
        assert_eq!(Announced { days: 0, hours: 0, ..exercise() }.due(at(-3)), None);
    }

    #[test]
    fn minutes_are_whole_and_never_negative() {
        assert_eq!(minute(at(0), at(0) + TimeDelta::seconds(119)), 1);
        assert_eq!(minute(at(0), at(-1)), 0);
    }
}
