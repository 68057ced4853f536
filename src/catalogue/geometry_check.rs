//! What a geometry must be before it enters the catalogue. Pure; every complaint says where and what was expected.

use geo::algorithm::line_intersection::line_intersection;
use geo::{Area, Coord, Line, LineString, MultiPolygon, Point, Polygon, Validation};
use serde_json::Value;

/// Vertices of one area at most.
pub const MAX_VERTICES: usize = 20_000;

/// The general test of holes and parts compares every pair of segments; larger geometries leave it to PostGIS, which
/// refuses them at the insert.
const MAX_VERTICES_OF_PAIR_TEST: usize = 1_000;

/// Brazil with its sea: west, east, south, north in degrees.
const BRAZIL: [f64; 4] = [-74.0, -28.0, -34.0, 6.0];

/// What is wrong with a geometry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GeometryProblem {
    /// The offending value: "[-21.76, -43.35]".
    pub value: String,
    pub message: String,
}

fn problem(value: impl Into<String>, message: impl Into<String>) -> GeometryProblem {
    GeometryProblem { value: value.into(), message: message.into() }
}

fn shown(at: Coord<f64>) -> String {
    format!("[{}, {}]", at.x, at.y)
}

/// A point given as longitude and latitude.
///
/// # Errors
/// Out of range, exactly 0/0, or with the axes swapped.
pub fn point(lon: f64, lat: f64) -> Result<Point<f64>, GeometryProblem> {
    let at = Coord { x: lon, y: lat };
    check_positions(std::iter::once(at))?;
    Ok(Point(at))
}

/// A GeoJSON Point.
///
/// # Errors
/// Any other type, and what [`point`] refuses.
pub fn point_of(geometry: &Value) -> Result<Point<f64>, GeometryProblem> {
    match geometry.get("type").and_then(Value::as_str) {
        Some("Point") => {
            let at = position(geometry.get("coordinates").unwrap_or(&Value::Null), "coordinates")?;
            point(at.x, at.y)
        }
        other => Err(problem(other.unwrap_or_default(), "expected a Point")),
    }
}

/// A GeoJSON Polygon or MultiPolygon, checked. A third coordinate is dropped, repeated positions are merged.
///
/// # Errors
/// Another type, empty, open or too short rings, wrong or swapped coordinates, self-crossing rings, misplaced holes,
/// more than [`MAX_VERTICES`].
pub fn polygons_of(geometry: &Value) -> Result<MultiPolygon<f64>, GeometryProblem> {
    let parts = parts_of(geometry, Ends::MustMeet)?;
    let vertices: usize = parts.iter().flatten().map(|ring| ring.0.len()).sum();
    for (index, ring) in parts.iter().flatten().enumerate() {
        check_ring(index, ring)?;
    }
    let polygons = assembled(parts);
    let simple = polygons.0.len() == 1 && polygons.0.iter().all(|polygon| polygon.interiors().is_empty());
    if !simple && vertices <= MAX_VERTICES_OF_PAIR_TEST {
        polygons.check_validation().map_err(|error| problem("", error.to_string()))?;
    }
    Ok(polygons)
}

/// The same without the tests that need more than a look at each position: rings that cross, and holes out of place, pass. Open
/// rings are closed. For whoever mends what is bent.
///
/// # Errors
/// What no mending could read: another type, no positions, places out of range or with swapped axes, more than [`MAX_VERTICES`].
pub fn loose_polygons_of(geometry: &Value) -> Result<MultiPolygon<f64>, GeometryProblem> {
    Ok(assembled(parts_of(geometry, Ends::AreClosed)?))
}

/// What becomes of a ring whose last position does not repeat its first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    MustMeet,
    AreClosed,
}

fn parts_of(geometry: &Value, ends: Ends) -> Result<Vec<Vec<LineString<f64>>>, GeometryProblem> {
    let coordinates = geometry.get("coordinates").unwrap_or(&Value::Null);
    let parts = match geometry.get("type").and_then(Value::as_str) {
        Some("Polygon") => vec![rings(coordinates, "coordinates", ends)?],
        Some("MultiPolygon") => array(coordinates, "coordinates")?
            .iter()
            .enumerate()
            .map(|(index, part)| rings(part, &format!("coordinates[{index}]"), ends))
            .collect::<Result<_, _>>()?,
        other => return Err(problem(other.unwrap_or_default(), "an area must be a Polygon or a MultiPolygon")),
    };
    if parts.is_empty() {
        return Err(problem("[]", "the geometry is empty"));
    }
    let vertices: usize = parts.iter().flatten().map(|ring| ring.0.len()).sum();
    if vertices > MAX_VERTICES {
        return Err(problem(vertices.to_string(), format!("too many vertices; simplify to at most {MAX_VERTICES}")));
    }
    check_positions(parts.iter().flatten().flat_map(|ring| ring.0.iter().copied()))?;
    Ok(parts)
}

fn assembled(parts: Vec<Vec<LineString<f64>>>) -> MultiPolygon<f64> {
    let polygons = parts.into_iter().map(|mut rings| {
        let shell = rings.remove(0);
        Polygon::new(shell, rings)
    });
    MultiPolygon(polygons.collect())
}

fn array<'a>(value: &'a Value, path: &str) -> Result<&'a Vec<Value>, GeometryProblem> {
    value.as_array().ok_or_else(|| problem(value.to_string(), format!("{path}: expected an array")))
}

fn rings(value: &Value, path: &str, ends: Ends) -> Result<Vec<LineString<f64>>, GeometryProblem> {
    let list = array(value, path)?;
    if list.is_empty() {
        return Err(problem("[]", format!("{path}: the polygon is empty")));
    }
    list.iter().enumerate().map(|(index, ring)| ring_of(ring, &format!("{path}[{index}]"), ends)).collect()
}

fn ring_of(value: &Value, path: &str, ends: Ends) -> Result<LineString<f64>, GeometryProblem> {
    let list = array(value, path)?;
    let mut positions: Vec<Coord<f64>> = Vec::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        positions.push(position(entry, &format!("{path}[{index}]"))?);
    }
    let (Some(first), Some(last)) = (positions.first(), positions.last()) else {
        return Err(problem("[]", format!("{path}: the ring is empty")));
    };
    let (first, last) = (*first, *last);
    if first != last && ends == Ends::AreClosed {
        positions.push(first);
    } else if first != last {
        let ends = format!("{} … {}", shown(first), shown(last));
        return Err(problem(ends, format!("{path}: the ring is open; its last position must repeat its first")));
    }
    positions.dedup();
    if positions.len() < 4 {
        let message = format!("{path}: a ring needs at least 4 positions, the last equal to the first");
        return Err(problem(list.len().to_string(), message));
    }
    Ok(LineString(positions))
}

fn position(value: &Value, path: &str) -> Result<Coord<f64>, GeometryProblem> {
    let numbers: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    match numbers.as_deref() {
        Some([x, y]) | Some([x, y, _]) if x.is_finite() && y.is_finite() => Ok(Coord { x: *x, y: *y }),
        _ => Err(problem(value.to_string(), format!("{path}: expected [longitude, latitude] in degrees"))),
    }
}

const fn within_brazil(x: f64, y: f64) -> bool {
    let [west, east, south, north] = BRAZIL;
    x >= west && x <= east && y >= south && y <= north
}

/// Ranges and the order of the axes. Swapped axes are told apart by Brazil's bounds: no place of the country lies within
/// them both ways round.
fn check_positions(positions: impl Iterator<Item = Coord<f64>> + Clone) -> Result<(), GeometryProblem> {
    let mut outside = positions.clone().filter(|at| !within_brazil(at.x, at.y)).peekable();
    let Some(first) = outside.peek().copied() else { return Ok(()) };
    if positions.clone().all(|at| within_brazil(at.y, at.x)) {
        let message = "axes swapped: GeoJSON puts longitude first, then latitude";
        return Err(problem(shown(first), message));
    }
    for at in outside {
        if at.x.abs() > 180.0 || at.y.abs() > 90.0 {
            let projected = at.x.abs() > 1_000.0 || at.y.abs() > 1_000.0;
            let hint =
                if projected { "; these look like metres of a projected system, convert them to WGS84" } else { "" };
            let message = format!("out of range: longitude is -180 to 180 and latitude -90 to 90 degrees{hint}");
            return Err(problem(shown(at), message));
        }
        if at.x == 0.0 && at.y == 0.0 {
            return Err(problem("[0, 0]", "0/0 lies in the Gulf of Guinea; the place is missing"));
        }
    }
    Ok(())
}

fn check_ring(index: usize, ring: &LineString<f64>) -> Result<(), GeometryProblem> {
    if let Some(at) = self_crossing(ring) {
        return Err(problem(shown(at), format!("ring {index} crosses or touches itself here")));
    }
    if Polygon::new(ring.clone(), Vec::new()).unsigned_area() == 0.0 {
        return Err(problem("", format!("ring {index} encloses nothing")));
    }
    Ok(())
}

/// Where two segments of a closed ring meet other than at the vertex neighbours share. Segments are swept from west to
/// east, so that only those that overlap in longitude are compared.
fn self_crossing(ring: &LineString<f64>) -> Option<Coord<f64>> {
    let mut segments: Vec<(usize, Line<f64>)> = ring.lines().enumerate().collect();
    let last = segments.len().checked_sub(1)?;
    segments.sort_by(|(_, a), (_, b)| west(a).total_cmp(&west(b)));
    for (order, (index, line)) in segments.iter().enumerate() {
        let east = line.start.x.max(line.end.x);
        let rest = segments.iter().skip(order + 1).take_while(|(_, other)| west(other) <= east);
        for (other_index, other) in rest {
            if let Some(at) = meeting(*line, *other)
                .filter(|meeting| !is_shared_vertex(*meeting, (*index, *line), (*other_index, *other), last))
            {
                return Some(match at {
                    Meeting::At(at) => at,
                    Meeting::Along(line) => line.start,
                });
            }
        }
    }
    None
}

fn west(line: &Line<f64>) -> f64 {
    line.start.x.min(line.end.x)
}

#[derive(Clone, Copy)]
enum Meeting {
    At(Coord<f64>),
    Along(Line<f64>),
}

fn meeting(a: Line<f64>, b: Line<f64>) -> Option<Meeting> {
    let (low, high) = (b.start.y.min(b.end.y), b.start.y.max(b.end.y));
    if a.start.y.max(a.end.y) < low || a.start.y.min(a.end.y) > high {
        return None;
    }
    line_intersection(a, b).map(|found| match found {
        geo::LineIntersection::SinglePoint { intersection, .. } => Meeting::At(intersection),
        geo::LineIntersection::Collinear { intersection } => Meeting::Along(intersection),
    })
}

/// Neighbours on the ring meet at one vertex, and may.
fn is_shared_vertex(found: Meeting, a: (usize, Line<f64>), b: (usize, Line<f64>), last: usize) -> bool {
    let ((first_index, first), (second_index, second)) = if a.0 < b.0 { (a, b) } else { (b, a) };
    let shared = if second_index - first_index == 1 {
        first.end
    } else if first_index == 0 && second_index == last {
        first.start
    } else {
        return false;
    };
    let touches = [first.start, first.end].contains(&shared) && [second.start, second.end].contains(&shared);
    match found {
        Meeting::At(at) => touches && (at == shared || close(at, shared)),
        Meeting::Along(line) => touches && line.start == line.end,
    }
}

/// The computed meeting point of neighbours may differ from their vertex by rounding.
fn close(a: Coord<f64>, b: Coord<f64>) -> bool {
    (a.x - b.x).abs() < 1e-12 && (a.y - b.y).abs() < 1e-12
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(rings: &str) -> Result<MultiPolygon<f64>, GeometryProblem> {
        polygons_of(&serde_json::from_str(&format!(r#"{{"type":"Polygon","coordinates":{rings}}}"#)).unwrap())
    }

    fn refused(rings: &str) -> String {
        let problem = polygon(rings).unwrap_err();
        format!("{} {}", problem.value, problem.message)
    }

    #[test]
    fn a_square_is_taken_and_its_heights_are_dropped() {
        let square =
            polygon("[[[-43.4,-21.8,700],[-43.3,-21.8,701],[-43.3,-21.7,702],[-43.4,-21.7,0],[-43.4,-21.8,700]]]");
        assert_eq!(square.unwrap().0[0].exterior().0.len(), 5);
    }

    #[test]
    fn a_bow_tie_is_refused_with_the_place_of_the_crossing() {
        let message = refused("[[[-43.4,-21.8],[-43.2,-21.6],[-43.2,-21.8],[-43.4,-21.6],[-43.4,-21.8]]]");
        assert!(message.contains("crosses") && message.contains("-43.3"), "{message}");
    }

    #[test]
    fn a_ring_that_touches_itself_or_runs_back_is_refused() {
        let touch = "[[[-43,-21],[-42,-21],[-42,-20],[-42.5,-21],[-43,-20],[-43,-21]]]";
        assert!(refused(touch).contains("touches"));
        let spike = "[[[-43,-21],[-42,-21],[-42,-20],[-42,-19],[-42,-20],[-43,-20],[-43,-21]]]";
        assert!(refused(spike).contains("touches"));
    }

    #[test]
    fn an_open_ring_is_refused() {
        assert!(refused("[[[-43.4,-21.8],[-43.3,-21.8],[-43.3,-21.7],[-43.4,-21.7]]]").contains("open"));
    }

    #[test]
    fn swapped_axes_are_named() {
        let message = refused("[[[-21.8,-43.4],[-21.8,-43.3],[-21.7,-43.3],[-21.8,-43.4]]]");
        assert!(message.contains("[-21.8, -43.4]") && message.contains("longitude first"), "{message}");
        assert!(point(-21.76, -43.35).unwrap_err().message.contains("axes swapped"));
        assert!(point(-30.03, -51.23).unwrap_err().message.contains("axes swapped"));
        assert!(point(-43.35, -21.76).is_ok() && point(-51.23, -30.03).is_ok());
    }

    #[test]
    fn metres_and_impossible_degrees_are_out_of_range() {
        let message = refused("[[[365000,6870000],[366000,6870000],[366000,6871000],[365000,6870000]]]");
        assert!(message.contains("out of range") && message.contains("metres"), "{message}");
        assert!(point(-43.0, 121.0).unwrap_err().message.contains("out of range"));
        assert!(point(0.0, 0.0).is_err());
    }

    #[test]
    fn empty_and_short_rings_are_refused() {
        assert!(refused("[]").contains("empty"));
        assert!(refused("[[]]").contains("empty"));
        assert!(refused("[[[-43,-21],[-42,-21],[-43,-21]]]").contains("at least 4"));
        assert!(refused("[[[-43,-21],[-42,\"x\"],[-43,-21]]]").contains("[0][1]"));
    }

    #[test]
    fn a_hole_outside_its_shell_is_refused() {
        let message = refused("[[[-43,-21],[-42,-21],[-42,-20],[-43,-21]],[[-41,-21],[-40,-21],[-40,-20],[-41,-21]]]");
        assert!(message.contains("not contained"), "{message}");
    }

    #[test]
    fn more_vertices_than_allowed_are_refused_and_the_most_are_taken() {
        let ring = |vertices: usize| {
            let mut positions: Vec<String> = (0..vertices - 1)
                .map(|index| {
                    let angle = index as f64 / (vertices - 1) as f64 * std::f64::consts::TAU;
                    format!("[{},{}]", -43.0 + angle.cos(), -21.0 + angle.sin())
                })
                .collect();
            positions.push(positions[0].clone());
            format!("[[{}]]", positions.join(","))
        };
        assert!(refused(&ring(MAX_VERTICES + 1)).contains("too many vertices"));
        assert!(polygon(&ring(MAX_VERTICES)).is_ok());
    }

    #[test]
    fn other_types_are_refused() {
        let line = serde_json::json!({"type": "LineString", "coordinates": [[-43, -21], [-42, -21]]});
        assert!(polygons_of(&line).unwrap_err().message.contains("Polygon"));
    }
}
