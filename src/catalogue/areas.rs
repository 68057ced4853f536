//! Risk areas: a polygon, and a grade for each hazard (COBRADE) it is exposed to.

use std::collections::BTreeMap;

use geo::MultiPolygon;
use serde_json::{Map, Value};

use super::geometry_check::{loose_polygons_of, polygons_of};
use super::problems::Problems;
use super::record::{Fields, Record};
use super::sgb;
use crate::cobrade::Cobrade;
use crate::units::Grade;

/// A risk area as somebody describes it; `code` is the key.
#[derive(Clone, Debug, PartialEq)]
pub struct NewArea {
    pub line: usize,
    pub feature: Option<usize>,
    pub code: String,
    pub name: String,
    pub source: String,
    pub geometry: MultiPolygon<f64>,
    pub hazards: BTreeMap<Cobrade, Grade>,
    /// What the source says beside; an object.
    pub details: Value,
    /// What is wrong with the shape, which whoever stores it has to mend; only where mending was asked for.
    pub bent: Option<String>,
}

/// What becomes of shapes that are not valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bent {
    /// They are errors.
    #[default]
    Refused,
    /// Rings are closed, and the rest is left to whoever stores them.
    Mended,
}

/// Turns records into areas. Hazards are `hazards: [{"cobrade": …, "grade": …}]`, the text "1.1.3.2.1:R3; 1.2.3.0.0:R1",
/// or one pair of fields `cobrade` and `grade`. CSV carries the polygon as GeoJSON in the column `geometry`.
///
/// Risk sectors in SGB's layout are taken as they are ([`super::sgb`]).
///
/// # Errors
/// Everything wrong in every record.
pub fn parse_areas(records: &[Record]) -> Result<Vec<NewArea>, Problems> {
    let (areas, problems) = read_areas(records, Bent::Refused);
    problems.or(areas)
}

/// The same, with what is good beside what is wrong.
pub fn read_areas(records: &[Record], bent: Bent) -> (Vec<NewArea>, Problems) {
    let mut problems = Problems::default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut areas = Vec::new();
    for record in records {
        let translated = sgb::is_sector(record).then(|| sgb::translate(record));
        let record = translated.as_ref().unwrap_or(record);
        let mut fields = Fields::of(record, &mut problems);
        let code = fields.code("code");
        if let Some(code) = &code {
            if let Some(line) = seen.get(code) {
                fields.wrong("code", code, format!("was given before, on line {line}"));
            }
            seen.entry(code.clone()).or_insert(record.line);
        }
        let name = fields.name("name");
        let source = fields.text("source").unwrap_or_default();
        let hazards = hazards(&mut fields);
        let details = details(&mut fields);
        let geometry = geometry(&mut fields, bent);
        if let (true, Some(code), Some(name), Some((geometry, bent))) = (fields.is_good(), code, name, geometry) {
            let (line, feature) = (record.line, record.feature);
            areas.push(NewArea { line, feature, code, name, source, geometry, hazards, details, bent });
        }
    }
    (areas, problems)
}

/// Bytes of `details` at most.
const MAX_DETAILS_BYTES: usize = 16 * 1024;

fn details(fields: &mut Fields<'_>) -> Value {
    let given = match fields.record().fields.get("details") {
        None | Some(Value::Null) => return Value::Object(Map::new()),
        Some(given) => given.clone(),
    };
    let length = given.to_string().len();
    if !given.is_object() || length > MAX_DETAILS_BYTES {
        fields.wrong("details", &given.to_string(), format!("expected an object of at most {MAX_DETAILS_BYTES} bytes"));
    }
    given
}

/// The shape, and what is wrong with it where it is to be mended.
fn geometry(fields: &mut Fields<'_>, bent: Bent) -> Option<(MultiPolygon<f64>, Option<String>)> {
    let record = fields.record();
    let parsed;
    let value = match (&record.geometry, record.fields.get("geometry").and_then(Value::as_str)) {
        (Some(value), _) => value,
        (None, Some(text)) => match serde_json::from_str::<Value>(text) {
            Ok(value) => {
                parsed = value;
                &parsed
            }
            Err(error) => {
                fields.wrong("geometry", text, format!("cannot be read as GeoJSON: {error}"));
                return None;
            }
        },
        (None, None) => {
            fields.wrong("geometry", "", "is missing");
            return None;
        }
    };
    let problem = match polygons_of(value) {
        Ok(polygons) => return Some((polygons, None)),
        Err(problem) => problem,
    };
    // What cannot even be read as rings of places stays refused.
    if bent == Bent::Mended
        && let Ok(polygons) = loose_polygons_of(value)
    {
        let told =
            if problem.value.is_empty() { problem.message } else { format!("{}: {}", problem.value, problem.message) };
        return Some((polygons, Some(told)));
    }
    fields.wrong("geometry", &problem.value, problem.message);
    None
}

fn hazards(fields: &mut Fields<'_>) -> BTreeMap<Cobrade, Grade> {
    let pairs: Vec<(String, String)> = match fields.record().fields.get("hazards") {
        Some(Value::Array(list)) => list
            .iter()
            .map(|hazard| {
                let part = |name| hazard.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                (part("cobrade"), part("grade"))
            })
            .collect(),
        Some(Value::String(text)) if !text.trim().is_empty() => text
            .split([';', '|'])
            .map(|pair| {
                let (cobrade, grade) = pair.split_once(':').unwrap_or((pair, ""));
                (cobrade.trim().to_owned(), grade.trim().to_owned())
            })
            .collect(),
        _ => vec![(fields.text("cobrade").unwrap_or_default(), fields.text("grade").unwrap_or_default())],
    };
    let mut hazards: BTreeMap<Cobrade, Grade> = BTreeMap::new();
    for (index, (cobrade, grade)) in pairs.iter().enumerate() {
        let cobrade: Option<Cobrade> = note(fields, &format!("hazards[{index}].cobrade"), cobrade);
        let grade = note(fields, &format!("hazards[{index}].grade"), grade);
        let (Some(cobrade), Some(grade)) = (cobrade, grade) else { continue };
        if hazards.insert(cobrade, grade).is_some() {
            fields.wrong(&format!("hazards[{index}].cobrade"), &cobrade.to_string(), "was given before");
        }
    }
    if pairs.is_empty() {
        fields.wrong(
            "hazards",
            "[]",
            "expected at least one hazard, such as {\"cobrade\": \"1.1.3.2.1\", \"grade\": \"R3\"}",
        );
    }
    hazards
}

fn note<T: std::str::FromStr<Err: std::fmt::Display>>(fields: &mut Fields<'_>, field: &str, text: &str) -> Option<T> {
    text.parse().map_err(|error: T::Err| fields.wrong(field, text, error.to_string())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, read};

    const SQUARE: &str = "[[[-43.4,-21.8],[-43.3,-21.8],[-43.3,-21.7],[-43.4,-21.7],[-43.4,-21.8]]]";

    fn collection(features: &[(&str, &str)]) -> String {
        let features: Vec<String> = features
            .iter()
            .map(|(properties, rings)| {
                format!(
                    r#"{{"type":"Feature","properties":{properties},"geometry":{{"type":"Polygon","coordinates":{rings}}}}}"#
                )
            })
            .collect();
        format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}", features.join(",\n"))
    }

    fn parse(text: &str) -> Result<Vec<NewArea>, Problems> {
        parse_areas(&read(Format::guess(text), text.as_bytes())?)
    }

    #[test]
    fn hazards_are_read_in_each_spelling() {
        let text = collection(&[
            (
                r#"{"code":"a","name":"A","hazards":[{"cobrade":"1.1.3.2.1","grade":"R4"},{"cobrade":"12300","grade":"R1"}]}"#,
                SQUARE,
            ),
            (r#"{"code":"b","name":"B","hazards":"1.1.3.2.1:R4; 12300:R1"}"#, SQUARE),
            (r#"{"code":"c","name":"C","cobrade":"1.1.3.2.1","grade":"R2"}"#, SQUARE),
        ]);
        let areas = parse(&text).unwrap();
        assert_eq!(areas[0].hazards, areas[1].hazards);
        assert_eq!(areas[0].hazards.len(), 2);
        assert_eq!(areas[2].hazards.values().next(), Some(&Grade::R2));
    }

    #[test]
    fn every_error_is_told_with_line_field_and_value() {
        let text = collection(&[
            (r#"{"code":"a b","name":"A","cobrade":"1.1.3.2.1","grade":"R4"}"#, SQUARE),
            (r#"{"code":"c","cobrade":"9.9","grade":"R9"}"#, "[[[-43,-21],[-42,-21],[-42,-20]]]"),
            (r#"{"code":"c","name":"C","hazards":[]}"#, SQUARE),
        ]);
        let told = parse(&text).unwrap_err().to_string();
        for expected in [
            "line 2 (features[0]): code = \"a b\"",
            "line 3 (features[1]): name: is missing",
            "line 3 (features[1]): hazards[0].cobrade = \"9.9\"",
            "line 3 (features[1]): hazards[0].grade = \"R9\"",
            "line 3 (features[1]): geometry = \"[-43, -21] … [-42, -20]\": coordinates[0]: the ring is open",
            "line 4 (features[2]): code = \"c\": was given before, on line 3",
            "line 4 (features[2]): hazards",
            "7 errors; nothing was stored",
        ] {
            assert!(told.contains(expected), "{expected:?} is not in:\n{told}");
        }
    }

    #[test]
    fn csv_carries_the_polygon_as_geojson() {
        let text = format!(
            "code,name,cobrade,grade,geometry\na,A,1.1.3.2.1,R3,\"{{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":{SQUARE}}}\"\n"
        );
        assert_eq!(parse(&text).unwrap().len(), 1);
    }

    #[test]
    fn only_a_hundred_errors_are_kept_and_all_are_counted() {
        let features: Vec<(&str, &str)> =
            (0..150).map(|_| (r#"{"name":"A","cobrade":"11321","grade":"R1"}"#, SQUARE)).collect();
        let problems = parse(&collection(&features)).unwrap_err();
        assert_eq!((problems.kept().len(), problems.total()), (100, 150));
    }
}
