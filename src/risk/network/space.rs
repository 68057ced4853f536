//! Which stations speak for an area, and with what weight.

use geo::{BoundingRect as _, Centroid as _, Contains as _, Distance, Euclidean, MapCoords, MultiPolygon, Point};

use super::{AreaSpec, StreamSpec};
use crate::reports;
use crate::risk::rule::{Combine, Place, Selector, Subject};
use crate::units::{Fixed, Quantity};

/// A station as one selector of one area reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Index into `Bound::streams`.
    pub stream: usize,
    /// The other streams of its station that a derived quantity needs.
    pub beside: Box<[usize]>,
    /// To the area's edge, 0 inside.
    pub distance_km: f64,
    /// By the inverse square of the distance to the area's middle.
    pub weight: Fixed,
}

/// What one selector reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feed {
    /// Nearest first, ties by index.
    pub sources: Vec<Source>,
    /// For a grid of points of the area, indexes of `sources`, nearest first: whoever is nearest and speaks has the point.
    pub cells: Vec<Box<[u16]>>,
}

/// Points of an area that are dealt out to the stations around it.
const CELLS: usize = 256;
/// Nearer than this no station counts for more.
const NEAREST_KM: f64 = 0.2;
const KM_PER_DEGREE: f64 = 111.195;

/// What a selector reads for an area. `distances` are those of the streams to the area's edge.
pub fn select(selector: &Selector, area: &AreaSpec, streams: &[StreamSpec], distances: &[f64]) -> Feed {
    let mut found: Vec<(f64, usize)> = streams
        .iter()
        .zip(distances)
        .enumerate()
        .filter(|(_, (stream, _))| stream.quantity == selector.subject.quantity())
        .filter(|(_, (stream, _))| selector.stream.is_empty() || stream.name == selector.stream)
        .filter(|(_, (stream, distance))| match &selector.place {
            // What is told of an area stands at its own station, wherever the areas overlap.
            Place::Inside if matches!(stream.quantity, Quantity::Reports | Quantity::Warnings) => {
                stream.station_code == reports::feed::station_code(area.id, &area.code)
            }
            Place::Inside => **distance <= 0.0,
            Place::WithinKm(km) | Place::Nearest { within_km: km, .. } => **distance <= *km,
            Place::Named(codes) => codes.contains(&stream.station_code),
        })
        .map(|(index, (_, distance))| (*distance, index))
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let middle = middle(&area.polygons);
    let mut sources: Vec<Source> = found
        .into_iter()
        .filter_map(|(distance_km, stream)| {
            let spec = streams.get(stream)?;
            let away = middle.map_or(distance_km, |middle| distance_between_km(middle, spec.point)).max(NEAREST_KM);
            let weight = Fixed::try_from(1.0 / (away * away)).unwrap_or(Fixed(1)).max(Fixed(1));
            let beside = beside(selector.subject, spec, streams)?;
            Some(Source { stream, beside, distance_km, weight })
        })
        .collect();
    if let Place::Nearest { n, .. } = selector.place {
        sources.truncate(n);
    }
    let cells =
        if selector.combine == Combine::Thiessen { cells(&area.polygons, &sources, streams) } else { Vec::new() };
    Feed { sources, cells }
}

/// The streams that a derived quantity needs beside its first; `None` where the station lacks one.
fn beside(subject: Subject, spec: &StreamSpec, streams: &[StreamSpec]) -> Option<Box<[usize]>> {
    let Subject::Derived(derived) = subject else { return Some(Box::default()) };
    let others = derived.needs().iter().skip(1);
    let find = |quantity: &Quantity| {
        streams.iter().position(|other| other.station_code == spec.station_code && other.quantity == *quantity)
    };
    others.map(find).collect()
}

fn middle(polygons: &MultiPolygon<f64>) -> Option<Point<f64>> {
    polygons.centroid()
}

/// A grid of points inside the area, each with the sources in the order of their distance.
fn cells(polygons: &MultiPolygon<f64>, sources: &[Source], streams: &[StreamSpec]) -> Vec<Box<[u16]>> {
    let Some(bounds) = polygons.bounding_rect() else { return Vec::new() };
    let order = |point: Point<f64>| {
        let mut order: Vec<(f64, u16)> = sources
            .iter()
            .enumerate()
            .filter_map(|(index, source)| {
                let spec = streams.get(source.stream)?;
                Some((distance_between_km(point, spec.point), u16::try_from(index).ok()?))
            })
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        order.into_iter().map(|(_, index)| index).collect()
    };
    let side = (CELLS as f64).sqrt() as usize;
    let mut points = Vec::new();
    for row in 0..side {
        for column in 0..side {
            let at = |from: f64, to: f64, place: usize| from + (to - from) * (place as f64 + 0.5) / side as f64;
            let point = Point::new(at(bounds.min().x, bounds.max().x, column), at(bounds.min().y, bounds.max().y, row));
            if polygons.contains(&point) {
                points.push(point);
            }
        }
    }
    // An area thinner than the grid still has a middle.
    if points.is_empty() {
        points.extend(middle(polygons));
    }
    points.into_iter().map(order).collect()
}

/// For each stream with the neighbour test, the nearest sums of the same quantity at other stations within its distance.
pub fn neighbours(streams: &[StreamSpec]) -> Vec<Vec<usize>> {
    use crate::risk::control::MAX_NEIGHBOURS;
    use crate::units::StreamKind;

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

/// Kilometres between two points some kilometres apart (equirectangular).
pub fn distance_between_km(a: Point<f64>, b: Point<f64>) -> f64 {
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
