//! A source's addresses together: its streets with their houses, where each street and each CEP lies and how far it reaches. Pure.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::btree_map::Entry;

use super::find::SAME_DOOR_M;
use super::key;
use crate::reports::Spot;
use crate::reports::cluster::distance_m;
use crate::reports::words::fold;

/// Nothing is known better than the front of a house.
pub const DOOR_M: i32 = 15;
/// A place known only to more than this tells nothing of where its street runs, while others do.
const COARSE_M: i32 = 200;
/// Of the points of a street so many of a hundred at each end are left out, because some are always wrong.
const STRAY: f64 = 0.02;

/// One address of a file, well-formed.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// With its kind, as it is shown.
    pub street: String,
    pub neighbourhood: String,
    /// 0 = none.
    pub number: u32,
    pub suffix: String,
    /// Eight digits, or 0.
    pub cep: u32,
    pub lon: f64,
    pub lat: f64,
    pub accuracy_m: i32,
}

/// A point with its accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    lon: f64,
    lat: f64,
    accuracy_m: i32,
}

/// The addresses of one source.
#[derive(Debug, Default)]
pub struct Register {
    streets: Vec<StreetRows>,
    /// The parts of a street: where its neighbourhoods are not told, several streets of the town may bear one name.
    known: HashMap<(String, String, String), Vec<usize>>,
    postcodes: BTreeMap<u32, (Vec<Point>, Vec<usize>)>,
    rows: u64,
}

#[derive(Debug)]
struct StreetRows {
    kind: String,
    words: Vec<String>,
    name: String,
    neighbourhood: String,
    houses: BTreeMap<(u32, String), House>,
    points: Vec<Point>,
    ceps: Vec<u32>,
}

/// A house of a street.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct House {
    pub lon: f64,
    pub lat: f64,
    pub accuracy_m: i32,
    /// Eight digits, or 0.
    pub cep: u32,
}

/// A street within one neighbourhood, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Street {
    pub kind: String,
    pub words: Vec<String>,
    pub name: String,
    pub neighbourhood: String,
    pub ceps: Vec<u32>,
    pub extent: Extent,
    pub houses: BTreeMap<(u32, String), House>,
}

/// Where something long lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Its middle, known to half of how far it reaches.
    pub middle: Spot,
    /// West, south, east, north.
    pub bounds: [f64; 4],
}

/// Where the addresses of a CEP lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Postcode {
    pub cep: u32,
    /// Its only street, or nothing.
    pub street: String,
    pub extent: Extent,
}

impl StreetRows {
    /// Whether the address may stand on this street: one number at two places is two streets of one name.
    fn has_room(&self, row: &Row, point: Point) -> bool {
        self.houses.get(&(row.number, row.suffix.clone())).is_none_or(|known| {
            let there = Point { lon: known.lon, lat: known.lat, accuracy_m: known.accuracy_m };
            // A coarse point gives way to an exact one, and says nothing of another street.
            let is_coarse = known.accuracy_m.max(point.accuracy_m) > COARSE_M;
            is_coarse
                || there.way_m(point) <= SAME_DOOR_M.max(f64::from(known.accuracy_m) + f64::from(point.accuracy_m))
        })
    }

    /// How far the nearest of its points is.
    fn way_m(&self, point: Point) -> f64 {
        self.points.iter().map(|known| known.way_m(point)).fold(f64::MAX, f64::min)
    }
}

impl Point {
    fn way_m(self, other: Self) -> f64 {
        let spot = |point: Self| Spot { lon: point.lon, lat: point.lat, precision_m: 0 };
        distance_m(spot(self), spot(other))
    }
}

impl Register {
    /// Takes an address in. Of one house that stands there several times (flats, shops) the best known place is kept.
    pub fn add(&mut self, row: Row) {
        let (kind, words) = key::split(&row.street);
        let neighbourhood_key = fold(&row.neighbourhood);
        let point = Point { lon: row.lon, lat: row.lat, accuracy_m: row.accuracy_m };
        let parts = self.known.entry((kind.to_owned(), words.join(" "), neighbourhood_key)).or_default();
        let mut free =
            parts.iter().copied().filter(|at| self.streets.get(*at).is_some_and(|rows| rows.has_room(&row, point)));
        let way_m = |at: &usize| self.streets.get(*at).map_or(f64::MAX, |rows| rows.way_m(point));
        // Most streets have one part, and the way is not looked at.
        let nearest =
            if parts.len() > 1 { free.min_by(|a, b| way_m(a).total_cmp(&way_m(b))) } else { free.next_back() };
        let street = nearest.unwrap_or_else(|| {
            self.streets.push(StreetRows {
                kind: kind.to_owned(),
                words,
                name: row.street,
                neighbourhood: row.neighbourhood,
                houses: BTreeMap::new(),
                points: Vec::new(),
                ceps: Vec::new(),
            });
            parts.push(self.streets.len() - 1);
            self.streets.len() - 1
        });
        self.rows += 1;
        let Some(rows) = self.streets.get_mut(street) else { return };
        rows.points.push(point);
        if row.cep > 0 {
            if !rows.ceps.contains(&row.cep) {
                rows.ceps.push(row.cep);
            }
            let (points, streets) = self.postcodes.entry(row.cep).or_default();
            points.push(point);
            if !streets.contains(&street) {
                streets.push(street);
            }
        }
        if row.number > 0 {
            let house = House { lon: row.lon, lat: row.lat, accuracy_m: row.accuracy_m, cep: row.cep };
            match rows.houses.entry((row.number, row.suffix)) {
                Entry::Occupied(mut known) if known.get().accuracy_m > house.accuracy_m => *known.get_mut() = house,
                Entry::Occupied(_) => {}
                Entry::Vacant(new) => {
                    new.insert(house);
                }
            }
        }
    }

    /// Rows that were taken in.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// What is kept: streets in the order they came, CEPs by their digits.
    pub fn finish(self) -> (Vec<Street>, Vec<Postcode>) {
        let name = |at: &usize| self.streets.get(*at).map_or("", |street| street.name.as_str());
        let postcodes = self.postcodes.iter().filter_map(|(cep, (points, streets))| {
            let mut names: Vec<&str> = streets.iter().map(name).collect();
            names.dedup();
            let street = if let [one] = names.as_slice() { (*one).to_owned() } else { String::new() };
            Some(Postcode { cep: *cep, street, extent: extent(points)? })
        });
        let postcodes = postcodes.collect();
        let streets = self.streets.into_iter().filter_map(|rows| {
            let StreetRows { kind, words, name, neighbourhood, houses, points, ceps } = rows;
            Some(Street { kind, words, name, neighbourhood, ceps, extent: extent(&points)?, houses })
        });
        (streets.collect(), postcodes)
    }
}

/// The box of the points but for strays, its middle, and the way from there to a corner.
fn extent(points: &[Point]) -> Option<Extent> {
    let fine: Vec<Point> = points.iter().filter(|point| point.accuracy_m <= COARSE_M).copied().collect();
    let points = if fine.is_empty() { points } else { &fine };
    let least_m = points.iter().map(|point| point.accuracy_m).min()?;
    let (west, east) = ends(points.iter().map(|point| point.lon))?;
    let (south, north) = ends(points.iter().map(|point| point.lat))?;
    let (lon, lat) = (f64::midpoint(west, east), f64::midpoint(south, north));
    let corner = Spot { lon: west, lat: south, precision_m: 0 };
    let reach_m = distance_m(corner, Spot { lon, lat, precision_m: 0 }).round() as i32 + least_m.max(DOOR_M);
    Some(Extent { middle: Spot { lon, lat, precision_m: reach_m }, bounds: [west, south, east, north] })
}

/// The least and the greatest but for strays.
fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let strays = (values.len() as f64 * STRAY).floor() as usize;
    Some((*values.get(strays)?, *values.get(values.len() - 1 - strays)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A house so many metres north on the street's meridian.
    fn row(street: &str, number: u32, north_m: f64) -> Row {
        Row {
            street: street.into(),
            neighbourhood: "Linhares".into(),
            number,
            suffix: String::new(),
            cep: 36_060_000,
            lon: -43.3,
            lat: -21.75 + north_m / 111_195.0,
            accuracy_m: DOOR_M,
        }
    }

    #[test]
    fn one_number_at_two_places_is_two_streets() {
        let mut register = Register::default();
        for (number, lat) in [(20, -21.75), (20, -21.80), (22, -21.8002), (20, -21.7501)] {
            let street = "Rua A".to_owned();
            let (neighbourhood, suffix) = (String::new(), String::new());
            register.add(Row { street, neighbourhood, number, suffix, cep: 0, lon: -43.3, lat, accuracy_m: 15 });
        }
        let (streets, _) = register.finish();
        let houses: Vec<usize> = streets.iter().map(|street| street.houses.len()).collect();
        assert_eq!(houses, [1, 2]);
    }

    #[test]
    fn a_street_has_its_houses_once_and_its_middle_with_half_its_length() {
        let mut register = Register::default();
        register.add(Row { accuracy_m: 800, ..row("Rua das Flores", 2, 5000.0) });
        for (number, north_m) in [(2, 0.0), (2, 0.0), (100, 100.0), (200, 200.0)] {
            register.add(row("RUA DAS FLORES", number, north_m));
        }
        assert_eq!(register.rows(), 5);
        let (streets, postcodes) = register.finish();
        let [street] = streets.as_slice() else { panic!("{streets:?}") };
        assert_eq!((street.kind.as_str(), street.words.join(" ").as_str(), street.houses.len()), ("rua", "flores", 3));
        // The coarse one gave way to the exact one, and stretches nothing.
        assert_eq!(street.houses[&(2, String::new())].accuracy_m, DOOR_M);
        assert_eq!(street.extent.middle.precision_m, 100 + DOOR_M);
        assert!((street.extent.middle.lat - (-21.75 + 100.0 / 111_195.0)).abs() < 1e-6);
        let [postcode] = postcodes.as_slice() else { panic!("{postcodes:?}") };
        assert_eq!((postcode.cep, postcode.street.as_str()), (36_060_000, "Rua das Flores"));
    }

    #[test]
    fn two_wrong_points_of_a_hundred_do_not_stretch_a_street() {
        let mut register = Register::default();
        for number in 1..=100 {
            register.add(row("Rua A", number, if number % 50 == 0 { 9000.0 } else { f64::from(number) }));
        }
        let (streets, _) = register.finish();
        assert!(streets[0].extent.middle.precision_m < 80, "{:?}", streets[0].extent);
    }

    #[test]
    fn one_name_in_two_neighbourhoods_is_two_streets_and_a_cep_of_both_names_none() {
        let mut register = Register::default();
        register.add(row("Rua A", 1, 0.0));
        register.add(Row { neighbourhood: "Centro".into(), ..row("Rua A", 1, 3000.0) });
        register.add(row("Rua B", 1, 10.0));
        let (streets, postcodes) = register.finish();
        assert_eq!(streets.len(), 3);
        assert_eq!(postcodes[0].street, "");
    }
}
