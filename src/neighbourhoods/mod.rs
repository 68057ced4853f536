//! The town's neighbourhoods: names by which people know where they live, as polygons that carry no grade and that no rule judges. An
//! alert may hold for one of them.

pub mod store;

use std::collections::BTreeMap;

use geo::MultiPolygon;
use serde_json::Value;

use crate::catalogue::geometry_check::loose_polygons_of;
use crate::catalogue::record::Fields;
use crate::catalogue::{Format, Problems, read};
use crate::reports::words::fold;

/// Letters of a name.
pub const MAX_NAME: usize = 120;
/// Properties under which files carry the name, the best first: our own, OpenStreetMap's and IBGE's, and those of exports.
const NAMES: [&str; 6] = ["name", "nome", "Name", "NM_BAIRRO", "bairro", "Nome"];

/// One neighbourhood of a file. Its shape may cross itself; whoever stores it makes it valid.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNeighbourhood {
    pub code: String,
    pub name: String,
    pub source: String,
    pub polygons: MultiPolygon<f64>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    pub neighbourhoods: Vec<NewNeighbourhood>,
    /// Names of what is a point or a line: maps know some neighbourhoods only as that.
    pub without_area: Vec<String>,
}

/// Reads a FeatureCollection of polygons with the property `name` and, if there is one, `code`; without it the code is made of the
/// name.
///
/// # Errors
/// Everything that is wrong, with its line.
pub fn read_file(bytes: &[u8]) -> Result<Contents, Problems> {
    let mut problems = Problems::default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut contents = Contents::default();
    for record in &read(Format::GeoJson, bytes)? {
        let mut fields = Fields::of(record, &mut problems);
        let Some(name) = NAMES.iter().find_map(|key| fields.text(key)) else {
            fields.wrong("name", "", "is missing");
            continue;
        };
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.chars().count() > MAX_NAME {
            fields.wrong("name", &name, format!("expected at most {MAX_NAME} letters"));
        }
        let geometry = record.geometry.as_ref().unwrap_or(&Value::Null);
        if matches!(
            geometry.get("type").and_then(Value::as_str),
            Some("Point" | "MultiPoint" | "LineString" | "MultiLineString")
        ) {
            contents.without_area.push(name);
            continue;
        }
        // What a map calls "relation/5546995" is a code too, but none that anybody writes.
        let code = code_of(&fields.text("code").filter(|code| !code.contains('/')).unwrap_or_else(|| name.clone()));
        if code.is_empty() {
            fields.wrong("code", &name, "holds no letter or digit");
        }
        if let Some(line) = seen.get(&code) {
            fields.wrong("code", &code, format!("was given before, on line {line}; give each its own code"));
        }
        seen.entry(code.clone()).or_insert(record.line);
        let source = fields.text("source").unwrap_or_default().chars().take(200).collect();
        match loose_polygons_of(geometry) {
            Ok(polygons) if fields.is_good() => {
                contents.neighbourhoods.push(NewNeighbourhood { code, name, source, polygons });
            }
            Ok(_) => {}
            Err(problem) => fields.wrong("geometry", &problem.value, problem.message),
        }
    }
    problems.or(contents)
}

/// "Bom Pastor" as "bom-pastor"; at most 64 letters.
pub fn code_of(name: &str) -> String {
    let folded = fold(name);
    let words = folded.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let code: String = words.collect::<Vec<_>>().join("-");
    code.chars().take(64).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn feature(properties: &Value, kind: &str) -> Value {
        let ring = json!([[-43.4, -21.8], [-43.3, -21.8], [-43.3, -21.7], [-43.4, -21.8]]);
        let coordinates = if kind == "Point" { json!([-43.4, -21.8]) } else { json!([ring]) };
        json!({ "type": "Feature", "properties": properties, "geometry": { "type": kind, "coordinates": coordinates } })
    }

    fn file(features: &[Value]) -> Vec<u8> {
        json!({ "type": "FeatureCollection", "features": features }).to_string().into_bytes()
    }

    #[test]
    fn names_are_read_under_any_of_their_keys_and_codes_are_made_of_them() {
        let bytes = file(&[
            feature(&json!({ "name": "São  Bernardo" }), "Polygon"),
            feature(&json!({ "Name": "Vila Ideal", "code": "vila" }), "Polygon"),
            feature(&json!({ "NM_BAIRRO": "Grajaú" }), "Point"),
        ]);
        let contents = read_file(&bytes).unwrap();
        let read: Vec<_> = contents.neighbourhoods.iter().map(|one| (one.code.as_str(), one.name.as_str())).collect();
        assert_eq!(read, [("sao-bernardo", "São Bernardo"), ("vila", "Vila Ideal")]);
        assert_eq!(contents.without_area, ["Grajaú"]);
    }

    #[test]
    fn a_name_that_is_missing_or_comes_twice_is_told_with_its_place() {
        let twice =
            [feature(&json!({ "name": "Centro" }), "Polygon"), feature(&json!({ "name": "centro" }), "Polygon")];
        let problems = read_file(&file(&twice)).unwrap_err();
        assert!(problems.kept()[0].to_string().contains("was given before"), "{problems:?}");
        let problems = read_file(&file(&[feature(&json!({}), "Polygon")])).unwrap_err();
        assert!(problems.kept()[0].to_string().contains("name"), "{problems:?}");
    }

    #[test]
    fn a_code_is_short_plain_and_never_empty_by_accident() {
        assert_eq!(code_of("Nossa Senhora das Graças (parte alta)"), "nossa-senhora-das-gracas-parte-alta");
        assert_eq!(code_of("…"), "");
        assert!(code_of(&"vila ".repeat(40)).len() <= 64);
    }
}
