//! GeoJSON (RFC 7946) into records, each with the line its feature begins on.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::problems::{ImportError, Problems};
use super::projection::Reference;
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
/// Broken JSON (with its line), anything that is no FeatureCollection, a coordinate system that cannot be read.
pub fn read(text: &str) -> Result<Vec<Record>, Problems> {
    let root: Root<'_> = serde_json::from_str(text).map_err(|error| Problems::one(broken(1, None, &error)))?;
    let reference = reference(root.crs.as_ref()).map_err(Problems::one)?;
    let mut problems = Problems::default();
    let mut records = Vec::new();
    match (root.kind.as_deref(), &root.features) {
        (Some("FeatureCollection"), Some(features)) => {
            let mut lines = Lines::of(text);
            for (index, raw) in features.iter().enumerate() {
                let line = lines.of_part(raw.get());
                collect(feature(raw.get(), line, Some(index), reference), &mut records, &mut problems);
            }
        }
        (Some("Feature"), _) => collect(feature(text, 1, Some(0), reference), &mut records, &mut problems),
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

fn feature(text: &str, line: usize, index: Option<usize>, reference: Reference) -> Result<Record, ImportError> {
    let mut feature: Feature = serde_json::from_str(text).map_err(|error| broken(line, index, &error))?;
    if feature.kind.as_deref() != Some("Feature") {
        let kind = feature.kind.unwrap_or_default();
        return Err(ImportError::new(line, index, "type", &kind, "expected \"Feature\""));
    }
    if let Some(Err(at)) = feature.geometry.as_mut().map(|geometry| reference.convert(geometry)) {
        let message = "is no position in metres of the file's coordinate system (`crs`)";
        return Err(ImportError::new(line, index, "geometry", &at.to_string(), message));
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

/// The legacy `crs` member (GeoJSON 2008, section 3). Without one positions are longitude and latitude (RFC 7946, section 4).
fn reference(crs: Option<&Value>) -> Result<Reference, ImportError> {
    let Some(crs) = crs.filter(|crs| !crs.is_null()) else { return Ok(Reference::Degrees) };
    let name = crs.pointer("/properties/name").and_then(Value::as_str).unwrap_or_default();
    Reference::named(name).map_err(|why| {
        let shown = if name.is_empty() { crs.to_string() } else { name.to_owned() };
        ImportError::new(1, None, "crs", &shown, why)
    })
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
    fn a_coordinate_system_that_cannot_be_read_is_refused_by_name() {
        let text = r#"{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::29193"}},"features":[]}"#;
        let problems = read(text).unwrap_err();
        assert!(problems.to_string().contains("29193") && problems.to_string().contains("SAD 69"), "{problems}");
    }

    #[test]
    fn metres_of_a_zone_become_degrees_and_degrees_among_them_are_told_by_their_line() {
        let text = "{\"type\":\"FeatureCollection\",\"crs\":{\"properties\":{\"name\":\"EPSG:31982\"}},\"features\":[\n\
                    {\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[500000,10000000]}},\n\
                    {\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[-51,-28]}}]}";
        let problems = read(text).unwrap_err().to_string();
        assert!(problems.starts_with("line 3 (features[1]): geometry = \"[-51,-28]\""), "{problems}");
        let good = text.replace("[-51,-28]", "[400000,6900000]");
        let records = read(&good).unwrap();
        assert_eq!(records[0].geometry.as_ref().unwrap()["coordinates"][0], -51.0);
        assert!(records[1].geometry.as_ref().unwrap()["coordinates"][1].as_f64().unwrap() < -27.0);
    }

    #[test]
    fn what_is_no_collection_is_refused() {
        assert!(read(r#"{"type":"Topology"}"#).unwrap_err().to_string().contains("FeatureCollection"));
    }
}
