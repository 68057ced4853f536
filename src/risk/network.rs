//! The catalogue as the engine sees it, and rules bound to it: for every (area × hazard) the streams that feed it.

use std::collections::{BTreeMap, BTreeSet};

use geo::{Distance, Euclidean, MapCoords, MultiPolygon, Point};
use serde::{Deserialize, Serialize};

use crate::cobrade::Cobrade;
use crate::ids::{AreaId, DatastreamId};
use crate::reports;
use crate::risk::control::{Limits, MAX_NEIGHBOURS};
use crate::risk::counter::Counter;
use crate::risk::rule::{Measure, Place, Rule, Selector};
use crate::risk::series::Micros;
use crate::risk::stream::{self, Windows};
use crate::units::{Grade, Quantity, StreamKind};

/// A level is kept for each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PairKey {
    pub area: AreaId,
    pub hazard: Cobrade,
}

#[derive(Clone, Debug)]
pub struct StreamSpec {
    pub id: DatastreamId,
    pub station_code: String,
    pub station_name: String,
    /// Its name at the station: "rain".
    pub name: String,
    /// Longitude, latitude (WGS 84).
    pub point: Point<f64>,
    pub quantity: Quantity,
    pub kind: StreamKind,
    pub interval: Option<Micros>,
    pub stale_after: Micros,
    /// What its readings are tested against.
    pub limits: Limits,
    pub counter: Counter,
}

#[derive(Clone, Debug)]
pub struct AreaSpec {
    pub id: AreaId,
    pub code: String,
    pub name: String,
    pub polygons: MultiPolygon<f64>,
    pub hazards: Vec<(Cobrade, Grade)>,
}

/// Streams, areas and rules, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Network {
    pub streams: Vec<StreamSpec>,
    pub areas: Vec<AreaSpec>,
    pub rules: Vec<Rule>,
}

/// One pair with what it reads.
#[derive(Clone, Debug)]
pub struct BoundPair {
    pub key: PairKey,
    pub area_code: String,
    pub area_name: String,
    pub grade: Grade,
    /// Index into `Bound::rules`; `None` when no rule covers this hazard and grade.
    pub rule: Option<usize>,
    /// For each selector of the rule, indexes into `Bound::streams`.
    pub feeds: Vec<Vec<usize>>,
}

#[derive(Clone, Debug, Default)]
pub struct Bound {
    pub streams: Vec<StreamSpec>,
    pub stream_index: BTreeMap<DatastreamId, usize>,
    pub rules: Vec<Rule>,
    pub pairs: Vec<BoundPair>,
    /// For each stream, the pairs it feeds.
    pub fed_by: Vec<Vec<usize>>,
    /// For each stream, the window lengths its pairs ask for.
    pub windows: Vec<Windows>,
    /// For each stream that is held against its neighbours, those, nearest first.
    pub neighbours: Vec<Vec<usize>>,
}

/// Two rules that claim the same pair.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("rules {first} and {second} both cover hazard {hazard} at grade {grade}; restrict one with `grades`")]
pub struct RuleClash {
    pub first: String,
    pub second: String,
    pub hazard: Cobrade,
    pub grade: Grade,
}

impl Network {
    /// # Errors
    /// When two rules cover the same hazard and grade: which of them speaks must not depend on file order.
    pub fn bind(self) -> Result<Bound, RuleClash> {
        check_clashes(&self.rules)?;
        let mut bound = Bound {
            stream_index: self.streams.iter().enumerate().map(|(index, stream)| (stream.id, index)).collect(),
            fed_by: vec![Vec::new(); self.streams.len()],
            windows: vec![Windows::default(); self.streams.len()],
            neighbours: neighbours(&self.streams),
            ..Bound::default()
        };
        for area in &self.areas {
            let distances: Vec<f64> =
                self.streams.iter().map(|stream| distance_km(&area.polygons, stream.point)).collect();
            for &(hazard, grade) in &area.hazards {
                let rule = self.rules.iter().position(|rule| rule.applies_to(hazard, grade));
                let selectors = rule.and_then(|index| self.rules.get(index)).map_or(&[][..], |rule| &rule.selectors);
                let feeds: Vec<Vec<usize>> =
                    selectors.iter().map(|selector| select(selector, area, &self.streams, &distances)).collect();
                bound.pairs.push(BoundPair {
                    key: PairKey { area: area.id, hazard },
                    area_code: area.code.clone(),
                    area_name: area.name.clone(),
                    grade,
                    rule,
                    feeds,
                });
            }
        }
        bound.streams = self.streams;
        bound.rules = self.rules;
        bound.link();
        Ok(bound)
    }
}

impl Bound {
    fn link(&mut self) {
        for (index, pair) in self.pairs.iter().enumerate() {
            let Some(rule) = pair.rule.and_then(|rule| self.rules.get(rule)) else { continue };
            let streams: BTreeSet<usize> = pair.feeds.iter().flatten().copied().collect();
            for stream in streams {
                if let Some(fed) = self.fed_by.get_mut(stream) {
                    fed.push(index);
                }
            }
            for condition in rule.levels.iter().flat_map(|level| &level.any) {
                let Measure::Sum(window) = condition.measure else { continue };
                let suspect = rule.selectors.get(condition.selector).is_some_and(|selector| selector.suspect);
                for &stream in pair.feeds.get(condition.selector).into_iter().flatten() {
                    let Some(windows) = self.windows.get_mut(stream) else { continue };
                    let windows = if suspect { &mut windows.lenient } else { &mut windows.strict };
                    if !windows.contains(&window) {
                        windows.push(window);
                    }
                }
            }
        }
        // A gauge is held against its neighbours over a window that they must keep as well.
        for (index, near) in self.neighbours.iter().enumerate() {
            let limit = self.streams.get(index).and_then(|spec| spec.limits.neighbours);
            let Some(window) = limit.map(|limit| stream::hours(limit.window_h)) else { continue };
            for &other in near {
                if let Some(windows) = self.windows.get_mut(other).filter(|w| !w.strict.contains(&window)) {
                    windows.strict.push(window);
                }
            }
        }
        for windows in &mut self.windows {
            windows.strict.sort_unstable();
            windows.lenient.sort_unstable();
        }
    }
}

fn check_clashes(rules: &[Rule]) -> Result<(), RuleClash> {
    for (index, first) in rules.iter().enumerate() {
        for second in rules.iter().skip(index + 1) {
            let shared = Grade::ALL
                .iter()
                .find(|grade| first.applies_to(first.hazard, **grade) && second.applies_to(first.hazard, **grade));
            if let Some(&grade) = shared {
                let (first_id, second_id) = (first.id.clone(), second.id.clone());
                return Err(RuleClash { first: first_id, second: second_id, hazard: first.hazard, grade });
            }
        }
    }
    Ok(())
}

/// Indexes of the streams a selector reads, nearest first, ties by index.
fn select(selector: &Selector, area: &AreaSpec, streams: &[StreamSpec], distances: &[f64]) -> Vec<usize> {
    let mut found: Vec<(f64, usize)> = streams
        .iter()
        .zip(distances)
        .enumerate()
        .filter(|(_, (stream, _))| stream.quantity == selector.quantity)
        .filter(|(_, (stream, _))| selector.stream.is_empty() || stream.name == selector.stream)
        .filter(|(_, (stream, distance))| match &selector.place {
            // What people report of an area stands at its own station, wherever the areas overlap.
            Place::Inside if selector.quantity == Quantity::Reports => {
                stream.station_code == reports::feed::station_code(area.id, &area.code)
            }
            Place::Inside => **distance <= 0.0,
            Place::WithinKm(km) | Place::Nearest { within_km: km, .. } => **distance <= *km,
            Place::Named(codes) => codes.contains(&stream.station_code),
        })
        .map(|(index, (_, distance))| (*distance, index))
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if let Place::Nearest { n, .. } = selector.place {
        found.truncate(n);
    }
    found.into_iter().map(|(_, index)| index).collect()
}

/// For each stream with the neighbour test, the nearest sums of the same quantity at other stations within its distance.
fn neighbours(streams: &[StreamSpec]) -> Vec<Vec<usize>> {
    let adds_up = |spec: &StreamSpec| spec.kind != StreamKind::Instantaneous;
    // From south to north, so that only a band of latitudes is looked through.
    let mut northward: Vec<usize> =
        (0..streams.len()).filter(|&index| streams.get(index).is_some_and(adds_up)).collect();
    let latitude = |index: &usize| streams.get(*index).map_or(0.0, |spec| spec.point.y());
    northward.sort_by(|a, b| latitude(a).total_cmp(&latitude(b)).then(a.cmp(b)));
    let around = |spec: &StreamSpec| {
        let Some(limit) = spec.limits.neighbours.filter(|_| adds_up(spec)) else { return Vec::new() };
        let (km, band) = (limit.within_km.to_f64(), limit.within_km.to_f64() / KM_PER_DEGREE);
        let first = northward.partition_point(|index| latitude(index) < spec.point.y() - band);
        let near = northward.iter().skip(first).take_while(|index| latitude(index) <= spec.point.y() + band);
        let mut found: Vec<(f64, usize)> = near
            .filter_map(|&index| streams.get(index).map(|other| (other, index)))
            .filter(|(other, _)| other.quantity == spec.quantity && other.station_code != spec.station_code)
            .map(|(other, index)| (distance_between_km(spec.point, other.point), index))
            .filter(|(distance, _)| *distance <= km)
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(MAX_NEIGHBOURS);
        found.into_iter().map(|(_, index)| index).collect()
    };
    streams.iter().map(around).collect()
}

const KM_PER_DEGREE: f64 = 111.195;

/// Kilometres between two points some kilometres apart (equirectangular).
fn distance_between_km(a: Point<f64>, b: Point<f64>) -> f64 {
    let shrink = a.y().to_radians().cos();
    ((b.x() - a.x()) * shrink).hypot(b.y() - a.y()) * KM_PER_DEGREE
}

/// Kilometres from a point to the nearest edge, 0 inside. Degrees are projected about the point (equirectangular), which
/// errs by less than 0.1 % over the few kilometres that rules speak of.
pub fn distance_km(polygons: &MultiPolygon<f64>, point: Point<f64>) -> f64 {
    let shrink = point.y().to_radians().cos();
    let project = |x: f64, y: f64| ((x - point.x()) * shrink * KM_PER_DEGREE, (y - point.y()) * KM_PER_DEGREE);
    let local = polygons.map_coords(|coord| project(coord.x, coord.y).into());
    Euclidean.distance(&Point::new(0.0, 0.0), &local)
}

#[cfg(test)]
mod tests {
    use geo::{LineString, Polygon};

    use super::*;

    #[test]
    fn distance_is_zero_inside_and_kilometres_outside() {
        let square = Polygon::new(
            LineString::from(vec![(-43.0, -22.0), (-42.9, -22.0), (-42.9, -21.9), (-43.0, -21.9), (-43.0, -22.0)]),
            vec![],
        );
        let area = MultiPolygon(vec![square]);
        assert!(distance_km(&area, Point::new(-42.95, -21.95)) < 1e-9);
        let south = distance_km(&area, Point::new(-42.95, -22.01));
        assert!((south - 1.112).abs() < 0.01, "{south}");
    }
}
