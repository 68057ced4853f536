//! Where an alert holds besides risk areas: what is drawn, a circle, a neighbourhood, a file. And what becomes of any place when the
//! message leaves. Pure, but for `store`.
//!
//! Phones and broadcast systems take about a hundred points for a polygon, so what leaves is simpler than what was meant. It is made
//! simpler at one place (`cap`), and shown here with what it gains and loses before anybody approves it.

pub mod kml;
pub mod store;

use geo::{Coord, LineString, MultiPolygon, Polygon};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cap;
use crate::catalogue::geometry_check::{GeometryProblem, loose_polygons_of, point, polygons_of};
use crate::units::vocabulary;

/// Places of one alert besides risk areas.
pub const MAX_PLACES: i64 = 40;
/// Bytes of a file with places.
pub const MAX_FILE_BYTES: usize = 2 * 1024 * 1024;
/// Letters of a place's name.
pub const MAX_NAME: usize = 120;
/// Kilometres of a circle's radius.
pub const MAX_RADIUS_KM: f64 = 100.0;
pub const MIN_RADIUS_KM: f64 = 0.05;
/// Sides of the polygon that stands for a circle: it differs from it by a thousandth of its size.
const SIDES: u32 = 72;
/// Metres of the earth's mean radius (IUGG).
const EARTH_M: f64 = 6_371_008.8;

vocabulary! {
    /// Where a place comes from; column `alert_shape.source`.
    Source, "source of a place" {
        Drawn = "drawn",
        Circle = "circle",
        Neighbourhood = "neighbourhood",
        Upload = "upload",
    }
}

/// A place that joins a draft.
#[derive(Clone, Debug, PartialEq)]
pub struct NewShape {
    pub source: Source,
    pub name: String,
    /// WGS 84, x = longitude. It may overlap itself; what is stored is its union.
    pub polygons: MultiPolygon<f64>,
    pub circle: Option<Circle>,
}

/// A centre in degrees and a radius in kilometres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Circle {
    pub lat: f64,
    pub lon: f64,
    #[schema(minimum = 0.05, maximum = 100)]
    pub radius_km: f64,
}

/// Why a place cannot be taken; `field` is the one of the form or request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadPlace {
    pub field: &'static str,
    pub value: String,
    pub message: String,
}

impl BadPlace {
    pub fn new(field: &'static str, value: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field, value: value.into(), message: message.into() }
    }

    fn of(field: &'static str) -> impl Fn(GeometryProblem) -> Self {
        move |problem| Self::new(field, problem.value, problem.message)
    }
}

impl Circle {
    /// The polygon that stands for it, its corners on the circle: geodesic on a sphere.
    ///
    /// # Errors
    /// A centre that is no place, a radius out of bounds.
    pub fn polygon(self) -> Result<Polygon<f64>, BadPlace> {
        if !(MIN_RADIUS_KM..=MAX_RADIUS_KM).contains(&self.radius_km) {
            let expected = format!("expected {MIN_RADIUS_KM} to {MAX_RADIUS_KM} kilometres");
            return Err(BadPlace::new("radius_km", self.radius_km.to_string(), expected));
        }
        point(self.lon, self.lat).map_err(BadPlace::of("lat"))?;
        let (lat, lon, reach) = (self.lat.to_radians(), self.lon.to_radians(), self.radius_km * 1000.0 / EARTH_M);
        // Counter-clockwise, as GeoJSON wants outlines.
        let corner = |side: u32| {
            let bearing = -f64::from(side) * std::f64::consts::TAU / f64::from(SIDES);
            let there = (lat.sin() * reach.cos() + lat.cos() * reach.sin() * bearing.cos()).asin();
            let aside = (bearing.sin() * reach.sin() * lat.cos()).atan2(reach.cos() - lat.sin() * there.sin());
            Coord { x: seven((lon + aside).to_degrees()), y: seven(there.to_degrees()) }
        };
        let mut ring: Vec<Coord<f64>> = (0..SIDES).map(corner).collect();
        ring.push(corner(0));
        Ok(Polygon::new(LineString(ring), Vec::new()))
    }
}

/// A centimetre.
fn seven(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7 + 0.0
}

/// A name in one line.
///
/// # Errors
/// Empty, too long, or with control characters.
pub fn named(name: &str) -> Result<String, BadPlace> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let letters = name.chars().count();
    if letters == 0 || letters > MAX_NAME || name.chars().any(char::is_control) {
        return Err(BadPlace::new("name", name, format!("expected a name of 1 to {MAX_NAME} letters in one line")));
    }
    Ok(name)
}

/// What somebody drew, as GeoJSON.
///
/// # Errors
/// What is wrong with it, and where.
pub fn drawn(name: &str, geometry: &Value) -> Result<NewShape, BadPlace> {
    let polygons = polygons_of(geometry).map_err(BadPlace::of("geometry"))?;
    Ok(NewShape { source: Source::Drawn, name: named(name)?, polygons, circle: None })
}

/// # Errors
/// As [`Circle::polygon`].
pub fn circle(name: &str, circle: Circle) -> Result<NewShape, BadPlace> {
    let polygons = MultiPolygon(vec![circle.polygon()?]);
    Ok(NewShape { source: Source::Circle, name: named(name)?, polygons, circle: Some(circle) })
}

/// The polygons of a file: GeoJSON (a geometry, a Feature or a FeatureCollection) or KML, told apart by how it begins. What is no
/// polygon in it is passed over; open rings are closed.
///
/// # Errors
/// Too large, unreadable, or without a polygon; `field` is "file".
pub fn uploaded(name: &str, file: &[u8]) -> Result<NewShape, BadPlace> {
    let wrong = |message: String| BadPlace::new("file", "", message);
    if file.len() > MAX_FILE_BYTES {
        return Err(wrong(format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", file.len())));
    }
    let text = std::str::from_utf8(file).map_err(|error| wrong(format!("the file is not UTF-8: {error}")))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let (own_name, geometries) = if text.starts_with('<') {
        kml::read(text).map_err(|error| wrong(error.to_string()))?
    } else {
        let value: Value =
            serde_json::from_str(text).map_err(|error| wrong(format!("neither KML nor GeoJSON: {error}")))?;
        (String::new(), geometries_of(&value))
    };
    let mut polygons = Vec::new();
    for geometry in &geometries {
        polygons.extend(loose_polygons_of(geometry).map_err(BadPlace::of("file"))?.0);
    }
    if polygons.is_empty() {
        return Err(wrong("there is no polygon in the file".into()));
    }
    let name = if name.trim().is_empty() { own_name.as_str() } else { name };
    Ok(NewShape { source: Source::Upload, name: named(name)?, polygons: MultiPolygon(polygons), circle: None })
}

/// Every Polygon and MultiPolygon of a GeoJSON document.
fn geometries_of(value: &Value) -> Vec<Value> {
    let many = |key: &str| value.get(key).and_then(Value::as_array);
    if let Some(parts) = many("features").or_else(|| many("geometries")) {
        // A collection may hold collections; their depth is bounded by that of JSON's reader.
        return parts.iter().flat_map(geometries_of).collect();
    }
    if let Some(geometry) = value.get("geometry") {
        return geometries_of(geometry);
    }
    match value.get("type").and_then(Value::as_str) {
        Some("Polygon" | "MultiPolygon") => vec![value.clone()],
        _ => Vec::new(),
    }
}

/// What becomes of some polygons when the message leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Simplified {
    pub polygons: MultiPolygon<f64>,
    /// Points of all outlines and holes as they were given, the repeated last ones not counted.
    pub before: usize,
    pub after: usize,
    /// Points of the largest outline that leaves.
    pub largest: usize,
    /// Holes that are filled: CAP has none.
    pub holes: usize,
}

/// The polygons as the message will carry them, each in at most a hundred points.
pub fn simplify(polygons: &MultiPolygon<f64>) -> Simplified {
    let points = |ring: &LineString<f64>| ring.0.len().saturating_sub(1);
    let mut simple = Simplified { polygons: MultiPolygon(Vec::new()), before: 0, after: 0, largest: 0, holes: 0 };
    for polygon in polygons {
        simple.before += points(polygon.exterior()) + polygon.interiors().iter().map(points).sum::<usize>();
        simple.holes += polygon.interiors().len();
        let Some(ring) = cap::ring(polygon) else { continue };
        let line: LineString<f64> = ring.iter().map(|point| (point.lon, point.lat)).collect();
        simple.after += points(&line);
        simple.largest = simple.largest.max(points(&line));
        simple.polygons.0.push(Polygon::new(line, Vec::new()));
    }
    simple
}

#[cfg(test)]
mod tests;
