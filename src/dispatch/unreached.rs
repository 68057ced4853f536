//! Residents inside whom nothing has reached: no message of theirs was accepted or delivered, or no channel leads to them. Whoever
//! asked for silence (a least level, quiet hours) is told apart. Pure.
//!
//! Where they are is told by squares of about half a kilometre, and where it is not for the reader who they are, no square and no
//! area with fewer than three: one dot on a map is a house.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;

/// Side of a square, in degrees.
pub const SQUARE_DEG: f64 = 0.005;
/// Fewer than this are not told apart.
pub const LEAST: i64 = 3;

/// A square, by its south-west corner in whole sides, and how many in it were not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Square {
    pub x: i32,
    pub y: i32,
    pub people: i64,
}

impl Square {
    /// West, south, east, north in degrees (WGS84).
    pub fn bounds(&self) -> [f64; 4] {
        let (west, south) = (f64::from(self.x) * SQUARE_DEG, f64::from(self.y) * SQUARE_DEG);
        [west, south, west + SQUARE_DEG, south + SQUARE_DEG]
    }
}

/// How many of an area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = UnreachedArea)]
pub struct Area {
    /// Empty: no area, because they were told before or joined.
    pub name: String,
    /// Whom the alert is for.
    pub residents: i64,
    pub unreached: i64,
    /// Of the unreached, those without any channel.
    pub without_channel: i64,
    /// Who has channels and asked not to be told of what is as little, or at this hour. They are not among the unreached.
    #[serde(default)]
    pub by_choice: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreached {
    pub at: Instant,
    /// Most unreached first.
    pub areas: Vec<Area>,
    pub squares: Vec<Square>,
    /// Unreached whose squares or areas have fewer than three, when the reader may not see them apart.
    pub scattered: Scattered,
}

/// What is kept back from a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scattered {
    pub squares: usize,
    pub areas: usize,
}

impl Unreached {
    pub fn total(&self) -> i64 {
        self.areas.iter().map(|area| area.unreached).sum()
    }

    pub fn residents(&self) -> i64 {
        self.areas.iter().map(|area| area.residents).sum()
    }

    /// The same for somebody who may not see residents: squares and areas with fewer than three are left out. Where only one area
    /// would be, the next smallest goes with it, because the total tells what a single gap holds.
    #[must_use]
    pub fn for_the_many(&self) -> Self {
        let squares: Vec<Square> = self.squares.iter().copied().filter(|square| square.people >= LEAST).collect();
        let small = |area: &Area| (1..LEAST).contains(&area.unreached);
        let mut areas: Vec<Area> = self.areas.iter().filter(|area| !small(area)).cloned().collect();
        if self.areas.len() - areas.len() == 1
            && let Some(at) = areas.iter().rposition(|area| area.unreached > 0)
        {
            areas.remove(at);
        }
        let scattered =
            Scattered { squares: self.squares.len() - squares.len(), areas: self.areas.len() - areas.len() };
        Self { at: self.at, areas, squares, scattered }
    }

    /// RFC 7946: one polygon a square.
    pub fn geojson(&self) -> serde_json::Value {
        let features: Vec<serde_json::Value> = self.squares.iter().map(feature).collect();
        serde_json::json!({ "type": "FeatureCollection", "features": features, "counted_at": self.at })
    }
}

fn feature(square: &Square) -> serde_json::Value {
    let [west, south, east, north] = square.bounds().map(|degrees| (degrees * 1e6).round() / 1e6);
    serde_json::json!({
        "type": "Feature",
        "properties": { "unreached": square.people },
        "geometry": { "type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(name: &str, unreached: i64) -> Area {
        Area { name: name.into(), residents: 100, unreached, without_channel: 0, by_choice: 0 }
    }

    fn found(areas: Vec<Area>, people: &[i64]) -> Unreached {
        let squares = (0..).zip(people).map(|(x, people)| Square { x, y: -4343, people: *people }).collect();
        Unreached { at: Instant::default(), areas, squares, scattered: Scattered::default() }
    }

    #[test]
    fn no_square_shows_fewer_than_three_to_whoever_may_not_see_residents() {
        let shown = found(vec![area("a", 9)], &[1, 2, 3, 40]).for_the_many();
        assert_eq!(shown.squares.iter().map(|square| square.people).collect::<Vec<_>>(), [3, 40]);
        assert_eq!(shown.scattered.squares, 2);
    }

    #[test]
    fn a_single_small_area_does_not_follow_from_the_sum() {
        let shown = found(vec![area("a", 50), area("b", 7), area("c", 1), area("d", 0)], &[]).for_the_many();
        assert_eq!(shown.areas.iter().map(|area| area.name.as_str()).collect::<Vec<_>>(), ["a", "d"]);
        assert_eq!(shown.scattered.areas, 2, "b goes with c");
        let shown = found(vec![area("a", 50), area("b", 2), area("c", 1)], &[]).for_the_many();
        assert_eq!((shown.areas.len(), shown.scattered.areas), (1, 2));
    }

    #[test]
    fn a_square_becomes_a_closed_ring() {
        let json = found(vec![], &[5]).geojson();
        let ring = json["features"][0]["geometry"]["coordinates"][0].as_array().unwrap().clone();
        assert_eq!((ring.len(), &ring[0]), (5, &ring[4]));
        assert_eq!(json["features"][0]["properties"]["unreached"], 5);
        assert_eq!(ring[0], serde_json::json!([0.0, -21.715]));
    }
}
