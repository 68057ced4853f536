//! Which positions of a telephone are kept. Pure: only those between departure and end are anybody's business.

use chrono::TimeDelta;

use super::Fix;
use crate::clock::Instant;

/// Fixes of one message, at most.
pub const MOST: usize = 500;
/// Fixes of one deployment, at most.
pub const MOST_KEPT: i64 = 20_000;
/// How far a telephone's clock may be ahead.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What is wrong with a fix: the field, its value and what was expected.
pub fn wrong(fix: &Fix) -> Option<(&'static str, String, &'static str)> {
    if !fix.lat.is_finite() || fix.lat.abs() > 90.0 {
        return Some(("lat", fix.lat.to_string(), "expected −90 to 90 degrees"));
    }
    if !fix.lon.is_finite() || fix.lon.abs() > 180.0 {
        return Some(("lon", fix.lon.to_string(), "expected −180 to 180 degrees"));
    }
    match fix.accuracy_m {
        Some(metres) if !(0..=100_000).contains(&metres) => {
            Some(("accuracy_m", metres.to_string(), "expected 0 to 100000 metres"))
        }
        _ => None,
    }
}

/// The fixes within the time under way, by time, each instant once; and how many were left out.
pub fn kept(
    fixes: &[Fix],
    (departed, ended): (Option<Instant>, Option<Instant>),
    now: Instant,
) -> (Vec<(Instant, Fix)>, usize) {
    let is_within = |at: &Instant| {
        departed.is_some_and(|from| from <= *at) && ended.is_none_or(|until| *at <= until) && *at <= now + AHEAD
    };
    let mut all: Vec<(Instant, Fix)> =
        fixes.iter().map(|fix| (fix.at.unwrap_or(now), *fix)).filter(|(at, _)| is_within(at)).collect();
    all.sort_by_key(|(at, _)| *at);
    all.dedup_by_key(|(at, _)| *at);
    let out = fixes.len() - all.len();
    (all, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Instant {
        Instant::default() + TimeDelta::minutes(minutes)
    }

    fn fix(minutes: i64) -> Fix {
        Fix { lat: -21.7, lon: -43.4, accuracy_m: Some(12), at: Some(at(minutes)) }
    }

    #[test]
    fn only_the_time_under_way_is_kept_and_the_rest_is_counted() {
        let fixes = [fix(30), fix(5), fix(12), fix(12), fix(90)];
        let (all, out) = kept(&fixes, (Some(at(10)), Some(at(40))), at(60));
        assert_eq!((all.iter().map(|(when, _)| *when).collect::<Vec<_>>(), out), (vec![at(12), at(30)], 3));
        assert_eq!(kept(&fixes, (None, None), at(60)).1, 5);
    }

    #[test]
    fn a_place_outside_the_world_is_named() {
        let named = |fix: Fix| wrong(&fix).map(|(field, ..)| field);
        assert_eq!(named(fix(0)), None);
        assert_eq!(named(Fix { lat: f64::NAN, ..fix(0) }), Some("lat"));
        assert_eq!(named(Fix { lon: 180.5, ..fix(0) }), Some("lon"));
        assert_eq!(named(Fix { accuracy_m: Some(-1), ..fix(0) }), Some("accuracy_m"));
    }
}
