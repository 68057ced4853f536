//! GeoJSON (RFC 7946) into records, each with the line its feature begins on.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::problems::{ImportError, Problems};
use super::record::Record;

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    features: Option<Vec<&'a RawValue>>,
    crs: Option<Value>,
}

#[derive(Deserialize)]
struct Feature {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<Value>,
    properties: Option<Map<String, Value>>,
    geometry: Option<Value>,
}

/// Reads a FeatureCollection, or a single Feature.
///
/// # Errors
/// Broken JSON (with its line), anything that is no FeatureCollection, a coordinate system other than WGS84.
pub fn read(text: &str) -> Result<Vec<Record>, Problems> {
    let root: Root<'_> = serde_json::from_str(text).map_err(|error| Problems::one(broken(1, None, &error)))?;
    if let Some(crs) = root.crs.as_ref().filter(|crs| !is_wgs84(crs)) {
        let message = "coordinates must be WGS84 longitude and latitude (RFC 7946, section 4); convert the file first";
        return Err(Problems::one(ImportError::new(1, None, "crs", &crs.to_string(), message)));
    }
    let mut problems = Problems::default();
    let mut records = Vec::new();
    match (root.kind.as_deref(), &root.features) {
        (Some("FeatureCollection"), Some(features)) => {
            let mut lines = Lines::of(text);
            for (index, raw) in features.iter().enumerate() {
                let line = lines.of_part(raw.get());
                collect(feature(raw.get(), line, Some(index)), &mut records, &mut problems);
            }
        }
        (Some("Feature"), _) => collect(feature(text, 1, Some(0)), &mut records, &mut problems),
        (kind, _) => {
            let kind = kind.unwrap_or_default();
            problems.push(ImportError::new(1, None, "type", kind, "expected a FeatureCollection with features"));
        }
    }
    problems.or(records)
}

fn collect(read: Result<Record, ImportError>, records: &mut Vec<Record>, problems: &mut Problems) {
    match read {
        Ok(record) => records.push(record),
        Err(error) => problems.push(error),
    }
}

fn feature(text: &str, line: usize, index: Option<usize>) -> Result<Record, ImportError> {
    let feature: Feature = serde_json::from_str(text).map_err(|error| broken(line, index, &error))?;
    if feature.kind.as_deref() != Some("Feature") {
        let kind = feature.kind.unwrap_or_default();
        return Err(ImportError::new(line, index, "type", &kind, "expected \"Feature\""));
    }
    let mut fields = feature.properties.unwrap_or_default();
    if let Some(id) = feature.id.filter(|_| !fields.contains_key("code")) {
        fields.insert("code".to_owned(), id);
    }
    Ok(Record { line, feature: index, fields, geometry: feature.geometry, decimal_comma: false })
}

fn broken(first_line: usize, feature: Option<usize>, error: &serde_json::Error) -> ImportError {
    let line = first_line + error.line().saturating_sub(1);
    ImportError::new(line, feature, "file", "", format!("cannot be read as GeoJSON: {error}"))
}

/// The legacy `crs` member, when it says what RFC 7946 takes for granted.
fn is_wgs84(crs: &Value) -> bool {
    let name = crs.pointer("/properties/name").and_then(Value::as_str).unwrap_or_default();
    crs.is_null() || name.ends_with("CRS84") || name.ends_with(":4326") || name.ends_with("EPSG:4674")
}

/// Line numbers of parts of a text, asked in ascending order.
struct Lines<'a> {
    text: &'a str,
    counted_to: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    const fn of(text: &'a str) -> Self {
        Self { text, counted_to: 0, line: 1 }
    }

    /// `part` must be a slice of the text; its offset is where it lies in memory.
    fn of_part(&mut self, part: &str) -> usize {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let between = self.text.as_bytes().get(self.counted_to..offset).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.counted_to = self.counted_to.max(offset);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_know_their_line() {
        let text = "{\"type\":\"FeatureCollection\",\n\"features\":[\n\n{\"type\":\"Feature\",\"properties\":{\"code\":\"a\"},\
                    \"geometry\":null},\n{\"type\":\"Feature\",\"id\":\"b\",\n\"geometry\":null}]}";
        let records = read(text).unwrap();
        let seen: Vec<_> = records.iter().map(|record| (record.line, record.feature)).collect();
        assert_eq!(seen, [(4, Some(0)), (5, Some(1))]);
        assert_eq!(records[1].fields["code"], "b");
    }

    #[test]
    fn broken_json_names_its_line() {
        let problems = read("{\"type\":\"FeatureCollection\",\n\"features\":[\n{]}").unwrap_err();
        assert_eq!(problems.kept()[0].line, 3, "{problems}");
    }

    #[test]
    fn another_coordinate_system_is_refused() {
        let text = r#"{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::31982"}},"features":[]}"#;
        let problems = read(text).unwrap_err();
        assert!(problems.to_string().contains("31982") && problems.to_string().contains("WGS84"), "{problems}");
    }

    #[test]
    fn what_is_no_collection_is_refused() {
        assert!(read(r#"{"type":"Topology"}"#).unwrap_err().to_string().contains("FeatureCollection"));
    }
}
