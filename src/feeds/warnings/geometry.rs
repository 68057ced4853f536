//! Shapes as warnings write them, brought into polygons: CAP's "lat,lon lat,lon", circles, WKT and GeoJSON. Points that
//! repeat are taken once and open rings are closed; whether rings cross themselves is mended by PostGIS when they are kept.

use geo::{Coord, LineString, MultiPolygon, Polygon};
use serde_json::Value;

use super::MAX_POINTS;

/// Corners of a circle.
const CORNERS: u32 = 48;
/// A circle without a radius means a place: what lies within this.
const PLACE_KM: f64 = 0.5;
const MOST_KM: f64 = 5000.0;
/// Kilometres of a degree of latitude.
const DEGREE_KM: f64 = 111.195;

/// CAP's polygon: points "lat,lon" with space between them.
///
/// # Errors
/// Says what is no point, or that too little or too much is left.
pub fn cap_polygon(text: &str) -> Result<Polygon<f64>, String> {
    let points: Result<Vec<Coord<f64>>, String> = text.split_whitespace().map(cap_point).collect();
    ring(points?).map(|ring| Polygon::new(ring, Vec::new()))
}

fn cap_point(text: &str) -> Result<Coord<f64>, String> {
    let (lat, lon) = text.split_once(',').ok_or_else(|| format!("{text:?} is no point \"lat,lon\""))?;
    coord(number(lat)?, number(lon)?)
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{text:?} is no number"))
}

fn coord(lat: f64, lon: f64) -> Result<Coord<f64>, String> {
    let on_earth = lat.abs() <= 90.0 && lon.abs() <= 180.0;
    if on_earth { Ok(Coord { x: lon, y: lat }) } else { Err(format!("{lat}, {lon} lies outside ±90, ±180")) }
}

/// A closed ring in which no point follows itself.
fn ring(mut points: Vec<Coord<f64>>) -> Result<LineString<f64>, String> {
    if points.len() > MAX_POINTS {
        return Err(format!("has {} points; at most {MAX_POINTS} are kept", points.len()));
    }
    points.dedup();
    if points.first() != points.last() {
        points.extend(points.first().copied());
    }
    if points.len() < 4 {
        return Err("has fewer than three different points".into());
    }
    Ok(LineString::new(points))
}

/// CAP's circle "lat,lon radius_km" as a polygon.
///
/// # Errors
/// Says what is wrong with it.
pub fn cap_circle(text: &str) -> Result<Polygon<f64>, String> {
    let (centre, radius) = text.trim().split_once(char::is_whitespace).ok_or("is no circle \"lat,lon radius\"")?;
    let (centre, radius_km) = (cap_point(centre)?, number(radius)?);
    if !(0.0..=MOST_KM).contains(&radius_km) {
        return Err(format!("has a radius of {radius_km} km; expected 0 to {MOST_KM}"));
    }
    let high = radius_km.max(PLACE_KM) / DEGREE_KM;
    // Near the poles a degree of longitude shrinks to nothing; a warning there is none of ours.
    let wide = high / centre.y.to_radians().cos().max(0.01);
    let corner = |step: u32| {
        let angle = std::f64::consts::TAU * f64::from(step) / f64::from(CORNERS);
        let (x, y) = (centre.x + wide * angle.cos(), centre.y + high * angle.sin());
        Coord { x: x.clamp(-180.0, 180.0), y: y.clamp(-90.0, 90.0) }
    };
    ring((0..CORNERS).map(corner).collect()).map(|ring| Polygon::new(ring, Vec::new()))
}

/// `POLYGON ((lon lat, …))` or `MULTIPOLYGON (((…)))`, with or without SRID and Z, or the same in GeoJSON.
///
/// # Errors
/// Says what cannot be read.
pub fn written(text: &str) -> Result<MultiPolygon<f64>, String> {
    let text = text.trim();
    if text.starts_with('{') {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("is no GeoJSON: {error}"))?;
        return geojson(&value);
    }
    wkt(text)
}

fn wkt(text: &str) -> Result<MultiPolygon<f64>, String> {
    let bare = text.rsplit_once(';').map_or(text, |(_, bare)| bare);
    let open = bare.find('(').ok_or("is neither WKT nor GeoJSON")?;
    let (kind, body) = bare.split_at(open);
    let kind = kind.trim().to_ascii_uppercase();
    let kind = kind.split_whitespace().next().unwrap_or_default();
    match kind {
        "POLYGON" => Ok(MultiPolygon(vec![wkt_polygon(body)?])),
        "MULTIPOLYGON" => {
            split_groups(inside(body)?)?.into_iter().map(wkt_polygon).collect::<Result<Vec<_>, _>>().map(MultiPolygon)
        }
        other => Err(format!("is a {other:?}; expected POLYGON or MULTIPOLYGON")),
    }
}

fn wkt_polygon(text: &str) -> Result<Polygon<f64>, String> {
    let mut rings = Vec::new();
    for group in split_groups(inside(text)?)? {
        let points: Result<Vec<_>, String> = inside(group)?.split(',').map(wkt_point).collect();
        rings.push(ring(points?)?);
    }
    polygon(rings)
}

fn polygon(mut rings: Vec<LineString<f64>>) -> Result<Polygon<f64>, String> {
    if rings.is_empty() {
        return Err("has a polygon without a ring".into());
    }
    let outer = rings.remove(0);
    Ok(Polygon::new(outer, rings))
}

fn wkt_point(text: &str) -> Result<Coord<f64>, String> {
    let mut numbers = text.split_whitespace();
    let (Some(lon), Some(lat)) = (numbers.next(), numbers.next()) else {
        return Err(format!("{:?} is no point \"lon lat\"", text.chars().take(40).collect::<String>()));
    };
    coord(number(lat)?, number(lon)?)
}

/// What stands between the outermost brackets.
fn inside(text: &str) -> Result<&str, String> {
    let text = text.trim();
    text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).ok_or_else(|| "has a bracket too few".to_owned())
}

/// "(…), (…)" as its bracketed parts.
fn split_groups(text: &str) -> Result<Vec<&str>, String> {
    let (mut groups, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => {
                if depth == 0 {
                    from = at;
                }
                depth += 1;
            }
            b')' => {
                depth = depth.checked_sub(1).ok_or("has a bracket too many")?;
                if depth == 0 {
                    groups.push(&text[from..=at]);
                }
            }
            _ => {}
        }
    }
    if depth == 0 { Ok(groups) } else { Err("has a bracket too few".into()) }
}

fn geojson(value: &Value) -> Result<MultiPolygon<f64>, String> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let coordinates = value.get("coordinates").unwrap_or(&Value::Null);
    match kind {
        "Polygon" => Ok(MultiPolygon(vec![json_polygon(coordinates)?])),
        "MultiPolygon" => items(coordinates)?.iter().map(json_polygon).collect::<Result<Vec<_>, _>>().map(MultiPolygon),
        "Feature" => geojson(value.get("geometry").unwrap_or(&Value::Null)),
        other => Err(format!("is a {other:?} of GeoJSON; expected Polygon or MultiPolygon")),
    }
}

fn items(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| "has coordinates that are no array".to_owned())
}

fn json_polygon(value: &Value) -> Result<Polygon<f64>, String> {
    let mut rings = Vec::new();
    for points in items(value)? {
        let points: Result<Vec<_>, String> = items(points)?.iter().map(json_point).collect();
        rings.push(ring(points?)?);
    }
    polygon(rings)
}

fn json_point(value: &Value) -> Result<Coord<f64>, String> {
    let number = |place: usize| value.get(place).and_then(Value::as_f64);
    let (Some(lon), Some(lat)) = (number(0), number(1)) else { return Err(format!("{value} is no point [lon, lat]")) };
    coord(lat, lon)
}

#[cfg(test)]
mod tests {
    use geo::Area as _;

    use super::*;

    #[test]
    fn repeated_points_and_a_space_at_the_end_do_no_harm() {
        let polygon = cap_polygon("-5.2,-35.6 -5.2,-36.1 -5.09,-35.2 -5.09,-35.2 -5.09,-35.2 -5.2,-35.6 ").unwrap();
        assert_eq!(polygon.exterior().0.len(), 4);
        // Left open, it is closed; the latitude comes first.
        let open = cap_polygon("-5.2,-35.6 -5.2,-36.1 -5.09,-35.2").unwrap();
        assert_eq!(open.exterior().0[0], Coord { x: -35.6, y: -5.2 });
        assert_eq!(open.exterior().0.len(), 4);
    }

    #[test]
    fn what_is_no_polygon_is_named() {
        for (text, why) in [
            ("", "fewer"),
            ("1,2 3,4", "fewer"),
            ("1,2 3,4 x 1,2", "no point"),
            ("1,2 95,4 5,6", "outside"),
            ("1,2 NaN,4 5,6", "no number"),
        ] {
            assert!(cap_polygon(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn a_circle_is_as_wide_as_it_is_high_and_a_place_is_not_nothing() {
        let circle = cap_circle("-21.76,-43.35 10").unwrap();
        let square_km = circle.unsigned_area() * DEGREE_KM * DEGREE_KM * 21.76_f64.to_radians().cos();
        assert!((square_km - 314.0).abs() < 3.0, "{square_km}");
        assert!(cap_circle("-21.76,-43.35 0").unwrap().unsigned_area() > 0.0);
        for wrong in ["-21.76,-43.35", "-21.76 10", "-21.76,-43.35 -1", "-21.76,-43.35 1e9"] {
            assert!(cap_circle(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn wkt_and_geojson_say_the_longitude_first() {
        let same = [
            "POLYGON((-43.4 -21.8, -43.3 -21.8, -43.3 -21.7, -43.4 -21.8))",
            "SRID=4326;MULTIPOLYGON Z (((-43.4 -21.8 0,-43.3 -21.8 0,-43.3 -21.7 0,-43.4 -21.8 0)))",
            r#"{"type":"Polygon","coordinates":[[[-43.4,-21.8],[-43.3,-21.8],[-43.3,-21.7]]]}"#,
        ];
        for text in same {
            let found = written(text).unwrap();
            assert_eq!(found.0[0].exterior().0[0], Coord { x: -43.4, y: -21.8 }, "{text}");
            assert!((found.unsigned_area() - 0.005).abs() < 1e-9, "{text}");
        }
        let holed = "POLYGON((0 0,9 0,9 9,0 9,0 0),(1 1,2 1,2 2,1 2,1 1))";
        assert!((written(holed).unwrap().unsigned_area() - 80.0).abs() < 1e-9);
        for wrong in ["", "POINT(1 2)", "POLYGON((1 2", "POLYGON)1 2(", "POLYGON(())", "{}", "POLYGON((é é))"] {
            assert!(written(wrong).is_err(), "{wrong}");
        }
    }
}
