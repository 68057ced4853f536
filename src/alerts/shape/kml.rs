//! Polygons of a KML document (OGC KML 2.3). Pure. Nothing but outlines, holes and the document's name is looked at; links to other
//! files are not followed.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

/// Elements inside each other.
const MAX_DEPTH: usize = 64;
/// Polygons of one file.
const MAX_POLYGONS: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKml {
    #[error("the KML cannot be read at byte {at}: {message}")]
    Xml { at: u64, message: String },
    #[error("{value:?} is no position; KML writes longitude,latitude")]
    Position { value: String },
    #[error("the file holds more than {MAX_POLYGONS} polygons")]
    TooMany,
}

/// What is being read.
#[derive(Default)]
struct Reading {
    path: Vec<String>,
    text: String,
    name: String,
    /// Outline and holes of the polygon that is open.
    outline: Vec<Value>,
    holes: Vec<Value>,
    polygons: Vec<Value>,
}

/// The document's name (or that of its first placemark) and its polygons as GeoJSON geometries.
///
/// # Errors
/// Broken XML with its place, a position that is none, too many polygons.
pub fn read(text: &str) -> Result<(String, Vec<Value>), BadKml> {
    let mut reader = Reader::from_str(text);
    let mut reading = Reading::default();
    loop {
        let at = reader.buffer_position();
        let wrong = |message: String| BadKml::Xml { at, message };
        match reader.read_event().map_err(|error| wrong(error.to_string()))? {
            Event::Start(tag) => {
                if reading.path.len() >= MAX_DEPTH {
                    return Err(wrong(format!("more than {MAX_DEPTH} elements inside each other")));
                }
                reading.path.push(tag.local_name().into_inner().to_owned());
                reading.text.clear();
            }
            Event::End(_) => reading.close()?,
            Event::Text(piece) => reading.text.push_str(&piece.xml10_content()),
            Event::CData(piece) => reading.text.push_str(&piece.xml10_content()),
            // A name may hold an ampersand; any other reference has no meaning in what is read.
            Event::GeneralRef(reference) => {
                let entity: &str = &reference;
                reading.text.push_str(quick_xml::escape::resolve_xml_entity(entity).unwrap_or_default());
            }
            Event::DocType(_) => return Err(wrong("a document type is not allowed".into())),
            Event::Eof if reading.path.is_empty() => return Ok((reading.name, reading.polygons)),
            Event::Eof => return Err(wrong("the document ends inside an element".into())),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

impl Reading {
    fn close(&mut self) -> Result<(), BadKml> {
        let element = self.path.pop().unwrap_or_default();
        let is_in = |name: &str| self.path.iter().any(|above| above == name);
        match element.as_str() {
            "name" if self.name.is_empty() => self.text.trim().clone_into(&mut self.name),
            "coordinates" if is_in("LinearRing") && is_in("outerBoundaryIs") => self.outline = ring(&self.text)?,
            "coordinates" if is_in("LinearRing") && is_in("innerBoundaryIs") => {
                let hole = ring(&self.text)?;
                self.holes.push(Value::Array(hole));
            }
            "Polygon" => {
                if self.polygons.len() == MAX_POLYGONS {
                    return Err(BadKml::TooMany);
                }
                let mut rings = vec![Value::Array(std::mem::take(&mut self.outline))];
                rings.append(&mut self.holes);
                self.polygons.push(json!({ "type": "Polygon", "coordinates": rings }));
            }
            _ => {}
        }
        self.text.clear();
        Ok(())
    }
}

/// "lon,lat[,height] lon,lat[,height] …"
fn ring(text: &str) -> Result<Vec<Value>, BadKml> {
    text.split_whitespace()
        .map(|tuple| {
            let mut numbers = tuple.split(',').map(|number| number.parse::<f64>().ok().filter(|n| n.is_finite()));
            match (numbers.next().flatten(), numbers.next().flatten()) {
                (Some(lon), Some(lat)) => Ok(json!([lon, lat])),
                _ => Err(BadKml::Position { value: tuple.chars().take(60).collect() }),
            }
        })
        .collect()
}
