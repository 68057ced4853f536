//! Hours of a volunteer, from when they came and went. Pure.

use chrono::TimeDelta;

use crate::clock::Instant;

/// From when to when somebody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Instant,
    /// None while they are there.
    pub until: Option<Instant>,
}

/// Whole minutes within a period; whoever is still there counts up to `now`.
pub fn minutes(spans: &[Span], (since, until): (Instant, Instant), now: Instant) -> i64 {
    let one = |span: &Span| {
        let from = span.from.max(since);
        let to = span.until.unwrap_or(now).min(until);
        (to - from).max(TimeDelta::zero()).num_seconds()
    };
    spans.iter().map(one).sum::<i64>() / 60
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> Instant {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    #[test]
    fn whoever_is_still_there_counts_up_to_now_and_only_within_the_period() {
        let spans = [Span { from: at(0), until: Some(at(90)) }, Span { from: at(200), until: None }];
        assert_eq!(minutes(&spans, (at(0), at(1000)), at(230)), 120);
        assert_eq!(minutes(&spans, (at(60), at(210)), at(230)), 40);
    }

    proptest! {
        #[test]
        fn hours_of_two_periods_that_meet_are_those_of_both(spans in prop::collection::vec((0..5000_i64, 0..600_i64), 0..20), middle in 0..6000_i64) {
            let spans: Vec<Span> = spans.into_iter().map(|(from, long)| Span { from: at(from), until: Some(at(from + long)) }).collect();
            let (start, end, now) = (at(0), at(6000), at(6000));
            let both = minutes(&spans, (start, at(middle)), now) + minutes(&spans, (at(middle), end), now);
            prop_assert_eq!(both, minutes(&spans, (start, end), now));
        }
    }
}
