//! Whether somebody works now. Pure.

use serde::Serialize;

use crate::clock::Instant;

/// What is known of the shifts about an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// Nobody wrote shifts down: nothing can be said against sending them.
    Unknown,
    /// Until when, if that is known.
    On { until: Option<Instant> },
    /// With when the next one begins, if one is known.
    Off { next: Option<Instant> },
}

/// Own spans within a week of `now`, whether a rota calls them now and until when, whether any rota named them within that week, and when one
/// calls them next.
pub fn stands(
    own: &[(Instant, Instant)],
    (on_call, in_rota): (Option<Instant>, bool),
    next_call: Option<Instant>,
    now: Instant,
) -> Shift {
    let mut until = on_call;
    // One that begins as the other ends goes on.
    while let Some(end) = own.iter().filter(|(from, _)| *from <= until.unwrap_or(now)).map(|(_, end)| *end).max()
        && until.is_none_or(|until| end > until)
        && end > now
    {
        until = Some(end);
    }
    if until.is_some() {
        return Shift::On { until };
    }
    if own.is_empty() && !in_rota {
        return Shift::Unknown;
    }
    let next = own.iter().map(|(from, _)| *from).filter(|from| *from > now).chain(next_call).min();
    Shift::Off { next }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(hours: i64) -> Instant {
        Instant::default() + TimeDelta::hours(hours)
    }

    #[test]
    fn a_shift_holds_its_begin_and_not_its_end_and_without_any_nothing_is_said() {
        let own = [(at(8), at(16)), (at(32), at(40))];
        let told = |hour| stands(&own, (None, false), None, at(hour));
        let until = |hour| Shift::On { until: Some(at(hour)) };
        assert_eq!([told(8), told(15), told(32)], [until(16), until(16), until(40)]);
        let joined = [(at(8), at(16)), (at(16), at(20))];
        assert_eq!(stands(&joined, (None, false), None, at(9)), until(20));
        assert_eq!([told(7), told(16)], [Shift::Off { next: Some(at(8)) }, Shift::Off { next: Some(at(32)) }]);
        assert_eq!(told(41), Shift::Off { next: None });
        assert_eq!(stands(&[], (None, false), None, at(3)), Shift::Unknown);
    }

    #[test]
    fn whoever_a_rota_calls_is_on_shift_and_whoever_it_names_for_later_is_off() {
        assert_eq!(stands(&[], (Some(at(6)), true), None, at(0)), Shift::On { until: Some(at(6)) });
        assert_eq!(stands(&[], (None, true), Some(at(5)), at(0)), Shift::Off { next: Some(at(5)) });
        assert_eq!(stands(&[(at(9), at(10))], (None, true), Some(at(5)), at(0)), Shift::Off { next: Some(at(5)) });
    }
}
