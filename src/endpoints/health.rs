//! When an endpoint that does not answer is given up. Pure.

use chrono::TimeDelta;

use super::DisabledWhy;
use crate::clock::Instant;

/// Tries in a row that must have failed, however long it took: a storm of a day may bring one message alone.
pub const LEAST_FAILURES: i32 = 10;

/// Tries in a row that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failing {
    pub since: Option<Instant>,
    pub failures: i32,
}

/// What one try told of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Success,
    Failure,
    /// HTTP 410.
    Gone,
}

impl Failing {
    /// After a try, and whether the endpoint is given up now.
    #[must_use]
    pub fn after(self, told: Told, now: Instant, give_up_after: TimeDelta) -> (Self, Option<DisabledWhy>) {
        match told {
            Told::Success => (Self::default(), None),
            Told::Failure | Told::Gone => {
                let since = self.since.unwrap_or(now);
                let failing = Self { since: Some(since), failures: self.failures.saturating_add(1) };
                let is_long = failing.failures >= LEAST_FAILURES && now - since >= give_up_after;
                let why = match told {
                    Told::Gone => Some(DisabledWhy::Gone),
                    _ => is_long.then_some(DisabledWhy::Failing),
                };
                (failing, why)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: TimeDelta = TimeDelta::days(1);

    fn at(hours: i64) -> Instant {
        Instant::default() + TimeDelta::hours(hours)
    }

    #[test]
    fn an_endpoint_is_given_up_after_many_failures_over_long_and_not_before() {
        let mut failing = Failing::default();
        for hour in 0..9 {
            let why;
            (failing, why) = failing.after(Told::Failure, at(hour), DAY);
            assert_eq!(why, None, "{hour}");
        }
        assert_eq!(failing.after(Told::Failure, at(9), DAY).1, None, "many, and not for long");
        assert_eq!(failing.after(Told::Failure, at(24), DAY).1, Some(DisabledWhy::Failing));
        let few = Failing { failures: 2, ..failing };
        assert_eq!(few.after(Told::Failure, at(500), DAY).1, None, "long, and not many");
    }

    #[test]
    fn one_success_forgets_all_failures_and_gone_is_final() {
        let failing = Failing { since: Some(at(0)), failures: 9 };
        assert_eq!(failing.after(Told::Success, at(30), DAY), (Failing::default(), None));
        assert_eq!(Failing::default().after(Told::Gone, at(0), DAY).1, Some(DisabledWhy::Gone));
    }
}
