//! Which open occurrence a report belongs to: the same family of things, near in place and in time. Pure; the answer carries
//! its reason, so that whoever looks at the queue sees why two words were put together.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::kind::Kind;
use crate::clock::Instant;

/// A place known only to more than this (a neighbourhood, a whole street) puts no two reports together by itself: they would
/// all meet at the same middle point.
pub const EXACT_M: i32 = 200;

/// A point on the ground with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub lon: f64,
    pub lat: f64,
    pub precision_m: i32,
}

/// An occurrence that is open, as a report sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub id: Uuid,
    pub kind: Kind,
    pub spot: Option<Spot>,
    pub first_at: Instant,
    pub last_at: Instant,
}

/// What a report says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub kind: Kind,
    pub spot: Option<Spot>,
    pub at: Instant,
}

/// Why a report stands where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Because {
    /// The nearest open occurrence of its family: so many metres, of so many that count as near, and so many minutes apart.
    Near {
        distance_m: i32,
        within_m: i32,
        minutes: i64,
    },
    /// Nothing of its family is open near by.
    FirstHere,
    /// It does not say where, or only roughly: a person decides.
    PlaceUnknown,
    PlaceRough {
        precision_m: i32,
    },
    /// A person put it there.
    ByHand {
        who: String,
    },
}

/// The occurrence a report joins, or none, each with its reason. Of several that fit the nearest is taken, of equally near
/// ones the one spoken of last, then the smaller id, so that the answer never depends on an order of rows.
pub fn place(report: &Seen, open: &[Candidate]) -> (Option<Uuid>, Because) {
    let Some(spot) = report.spot else { return (None, Because::PlaceUnknown) };
    if spot.precision_m > EXACT_M {
        return (None, Because::PlaceRough { precision_m: spot.precision_m });
    }
    let fitting = open.iter().filter_map(|candidate| fit(report, spot, candidate).map(|near| (candidate, near)));
    let best = fitting.min_by(|(a, near_a), (b, near_b)| {
        near_a.distance_m.total_cmp(&near_b.distance_m).then(b.last_at.cmp(&a.last_at)).then(a.id.cmp(&b.id))
    });
    match best {
        Some((candidate, near)) => {
            let because = Because::Near {
                distance_m: near.distance_m.round() as i32,
                within_m: near.within_m.round() as i32,
                minutes: near.minutes,
            };
            (Some(candidate.id), because)
        }
        None => (None, Because::FirstHere),
    }
}

struct Near {
    distance_m: f64,
    within_m: f64,
    minutes: i64,
}

fn fit(report: &Seen, spot: Spot, candidate: &Candidate) -> Option<Near> {
    let family = report.kind.family();
    let there = candidate.spot.filter(|there| there.precision_m <= EXACT_M)?;
    if candidate.kind.family() != family {
        return None;
    }
    let apart = (report.at - candidate.last_at).max(candidate.first_at - report.at).max(chrono::TimeDelta::zero());
    if apart > family.lasts() {
        return None;
    }
    let within_m = family.radius_m() + f64::from(spot.precision_m) + f64::from(there.precision_m);
    let distance_m = distance_m(spot, there);
    (distance_m <= within_m).then_some(Near { distance_m, within_m, minutes: apart.num_minutes() })
}

/// Metres on a sphere (haversine).
pub fn distance_m(a: Spot, b: Spot) -> f64 {
    const EARTH_M: f64 = 6_371_008.8;
    let (lat_a, lat_b) = (a.lat.to_radians(), b.lat.to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.lon - a.lon).to_radians() / 2.0).sin();
    let h = (lat_a.cos() * lat_b.cos() * half_lon).mul_add(half_lon, half_lat * half_lat);
    2.0 * EARTH_M * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    const MINUTE: i64 = 60_000_000;
    /// About thirty metres of latitude.
    const THIRTY_M: f64 = 0.000_27;

    fn at(minutes: i64) -> Instant {
        from_micros(1_700_000_000_000_000 + minutes * MINUTE)
    }

    fn spot(north: f64, precision_m: i32) -> Option<Spot> {
        Some(Spot { lon: -43.35, lat: -21.76 + north, precision_m })
    }

    fn open(id: u128, kind: Kind, spot: Option<Spot>) -> Candidate {
        Candidate { id: Uuid::from_u128(id), kind, spot, first_at: at(0), last_at: at(0) }
    }

    fn seen(kind: Kind, spot: Option<Spot>, minutes: i64) -> Seen {
        Seen { kind, spot, at: at(minutes) }
    }

    #[test]
    fn two_reports_of_a_fall_at_thirty_metres_within_the_hour_are_one_occurrence() {
        let there = [open(1, Kind::Landslide, spot(0.0, 10))];
        let (joined, because) = place(&seen(Kind::Landslide, spot(THIRTY_M, 10), 40), &there);
        assert_eq!(joined, Some(Uuid::from_u128(1)));
        assert_eq!(because, Because::Near { distance_m: 30, within_m: 120, minutes: 40 });
    }

    #[test]
    fn cracks_before_a_landslide_are_the_same_thing_and_a_tree_is_not() {
        let there = [open(1, Kind::Cracks, spot(0.0, 10))];
        assert!(place(&seen(Kind::Landslide, spot(0.0, 10), 5), &there).0.is_some());
        assert_eq!(place(&seen(Kind::FallenTree, spot(0.0, 10), 5), &there), (None, Because::FirstHere));
    }

    #[test]
    fn far_away_or_long_ago_is_another_thing() {
        let there = [open(1, Kind::Landslide, spot(0.0, 10))];
        assert_eq!(place(&seen(Kind::Landslide, spot(0.01, 10), 5), &there).0, None);
        assert_eq!(place(&seen(Kind::Landslide, spot(0.0, 10), 13 * 60), &there).0, None);
        // What was seen before the first word came late, and counts by when it was seen.
        assert_eq!(place(&seen(Kind::Landslide, spot(0.0, 10), -13 * 60), &there).0, None);
        assert!(place(&seen(Kind::Landslide, spot(0.0, 10), -60), &there).0.is_some());
    }

    #[test]
    fn uncertainty_of_both_places_counts_in() {
        let there = [open(1, Kind::FallenTree, spot(0.0, 80))];
        let two_hundred = 0.001_8;
        assert!(place(&seen(Kind::FallenTree, spot(two_hundred, 80), 5), &there).0.is_some());
        assert_eq!(place(&seen(Kind::FallenTree, spot(two_hundred, 5), 5), &there).0, None);
    }

    #[test]
    fn a_rough_or_unknown_place_joins_nothing_by_itself() {
        let there = [open(1, Kind::Landslide, spot(0.0, 10)), open(2, Kind::Landslide, None)];
        let rough = place(&seen(Kind::Landslide, spot(0.0, 900), 5), &there);
        assert_eq!(rough, (None, Because::PlaceRough { precision_m: 900 }));
        assert_eq!(place(&seen(Kind::Landslide, None, 5), &there), (None, Because::PlaceUnknown));
    }

    #[test]
    fn of_several_the_nearest_is_taken_whatever_their_order() {
        let mut there = vec![
            open(3, Kind::Landslide, spot(0.000_8, 10)),
            open(2, Kind::Landslide, spot(0.000_1, 10)),
            open(1, Kind::Landslide, spot(0.000_1, 10)),
        ];
        let report = seen(Kind::Landslide, spot(0.0, 10), 5);
        assert_eq!(place(&report, &there).0, Some(Uuid::from_u128(1)));
        there.reverse();
        assert_eq!(place(&report, &there).0, Some(Uuid::from_u128(1)));
    }
}
