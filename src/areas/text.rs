//! Shapes as people write them: GeoJSON, or places line by line. Pure.

use serde_json::{Value, json};

/// Lines of one text.
const MAX_LINES: usize = 20_000;

/// What cannot be read, by its line (from 1; 0 for the whole).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadText {
    pub line: usize,
    pub text: String,
}

/// A GeoJSON geometry from GeoJSON (a geometry, a Feature, or a FeatureCollection of one), or from lines of "latitude, longitude" as
/// maps show them: a ring is closed by itself, and after an empty line a hole begins.
///
/// # Errors
/// The line that cannot be read.
pub fn geometry_of(text: &str) -> Result<Value, BadText> {
    let text = text.trim();
    if text.starts_with('{') {
        let whole: Value =
            serde_json::from_str(text).map_err(|error| BadText { line: error.line(), text: error.to_string() })?;
        return Ok(inner(whole));
    }
    let bad = |line: usize, text: &str| BadText { line, text: text.chars().take(80).collect() };
    if text.is_empty() || text.lines().count() > MAX_LINES {
        return Err(bad(0, ""));
    }
    let mut rings: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            if rings.last().is_some_and(|ring| !ring.is_empty()) {
                rings.push(Vec::new());
            }
            continue;
        }
        let place = place(line).ok_or_else(|| bad(index + 1, line))?;
        if let Some(ring) = rings.last_mut() {
            ring.push(place);
        }
    }
    rings.retain(|ring| !ring.is_empty());
    for ring in &mut rings {
        if let (Some(first), Some(last)) = (ring.first().copied(), ring.last().copied())
            && first != last
        {
            ring.push(first);
        }
    }
    Ok(json!({ "type": "Polygon", "coordinates": rings }))
}

/// The geometry within what was given.
fn inner(mut value: Value) -> Value {
    if let Some([feature]) = value.get_mut("features").and_then(Value::as_array_mut).map(Vec::as_mut_slice) {
        value = feature.take();
    }
    match value.get_mut("geometry") {
        Some(geometry) => geometry.take(),
        None => value,
    }
}

/// "-21.76, -43.35", "-21,76; -43,35", "-21.76 -43.35" as longitude and latitude.
fn place(line: &str) -> Option<[f64; 2]> {
    let parts: Vec<&str> = match line {
        _ if line.contains(';') => line.split(';').collect(),
        _ if line.matches(',').count() == 1 && !line.contains(char::is_whitespace) => line.split(',').collect(),
        _ if line.contains(", ") => line.split(", ").collect(),
        _ => line.split_whitespace().collect(),
    };
    let [lat, lon] = parts.as_slice() else { return None };
    let number =
        |text: &str| text.trim().trim_end_matches(',').replace(',', ".").parse::<f64>().ok().filter(|n| n.is_finite());
    Some([number(lon)?, number(lat)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_line_by_line_in_each_spelling_and_the_ring_is_closed() {
        let text = "-21.80, -43.40\n-21.80 -43.30\n-21,70; -43,30\n-21.7,-43.4\n";
        let ring = json!([[-43.4, -21.8], [-43.3, -21.8], [-43.3, -21.7], [-43.4, -21.7], [-43.4, -21.8]]);
        assert_eq!(geometry_of(text).unwrap(), json!({"type": "Polygon", "coordinates": [ring]}));
    }

    #[test]
    fn after_an_empty_line_a_hole_begins() {
        let shape = geometry_of("0 0\n0 4\n4 4\n\n1 1\n1 2\n2 2\n").unwrap();
        assert_eq!(shape["coordinates"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_line_that_is_no_place_is_named() {
        assert_eq!(
            geometry_of("-21.8 -43.4\nRua das Flores").unwrap_err(),
            BadText { line: 2, text: "Rua das Flores".into() }
        );
        assert_eq!(geometry_of("{\"type\":\n nonsense").unwrap_err().line, 2);
        assert_eq!(geometry_of("  ").unwrap_err().line, 0);
    }

    #[test]
    fn geojson_is_taken_as_geometry_feature_or_collection_of_one() {
        let shape = json!({"type": "Polygon", "coordinates": []});
        let feature = json!({"type": "Feature", "geometry": shape});
        let collection = json!({"type": "FeatureCollection", "features": [feature]});
        for text in [shape.to_string(), feature.to_string(), collection.to_string()] {
            assert_eq!(geometry_of(&text).unwrap(), shape);
        }
    }
}
