//! The area of an alert as files, and all of a pack in one archive. Pure.

use std::fmt::Write as _;
use std::io::Write as _;

use geo::{LineString, MultiPolygon};
use serde_json::{Value, json};

/// One place of an alert.
#[derive(Clone, Debug)]
pub struct Place {
    pub name: String,
    /// Of a risk area.
    pub code: Option<String>,
    /// WGS84 degrees.
    pub shape: MultiPolygon<f64>,
}

/// What the files say of the alert.
#[derive(Clone, Debug)]
pub struct About {
    pub identifier: String,
    pub number: String,
    pub headline: String,
    pub level: String,
    pub cobrade: String,
    /// RFC 3339.
    pub issued_at: String,
    pub expires_at: String,
}

/// A `FeatureCollection` (RFC 7946): one feature a place, rings of the right hand.
pub fn geojson(about: &About, places: &[Place]) -> String {
    let features: Vec<Value> = places
        .iter()
        .map(|place| {
            let polygons: Vec<Value> = place
                .shape
                .iter()
                .map(|polygon| {
                    let inner = polygon.interiors().iter().map(|ring| positions(ring, false));
                    std::iter::once(positions(polygon.exterior(), true)).chain(inner).collect()
                })
                .collect();
            json!({
                "type": "Feature",
                "properties": {
                    "name": place.name, "code": place.code, "identifier": about.identifier, "number": about.number,
                    "headline": about.headline, "level": about.level, "cobrade": about.cobrade,
                    "issued_at": about.issued_at, "expires_at": about.expires_at,
                },
                "geometry": { "type": "MultiPolygon", "coordinates": polygons },
            })
        })
        .collect();
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

/// Outer rings counter-clockwise, holes clockwise (RFC 7946, section 3.1.6).
fn positions(ring: &LineString<f64>, outer: bool) -> Value {
    let doubled: f64 = ring.lines().map(|line| line.start.x * line.end.y - line.end.x * line.start.y).sum();
    let mut points: Vec<[f64; 2]> = ring.coords().map(|c| [rounded(c.x), rounded(c.y)]).collect();
    if (doubled > 0.0) != outer {
        points.reverse();
    }
    json!(points)
}

/// Seven decimals are a centimetre.
fn rounded(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

/// KML 2.2 (OGC 07-147r2): one placemark a place.
pub fn kml(about: &About, places: &[Place]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>",
    );
    let _ = write!(out, "<name>{} {}</name>", escaped(&about.number), escaped(&about.headline));
    for place in places {
        let _ = write!(out, "<Placemark><name>{}</name>", escaped(&place.name));
        let _ = write!(out, "<description>{}</description><MultiGeometry>", escaped(&about.identifier));
        for polygon in &place.shape {
            out.push_str("<Polygon><outerBoundaryIs>");
            linear_ring(&mut out, polygon.exterior());
            out.push_str("</outerBoundaryIs>");
            for inner in polygon.interiors() {
                out.push_str("<innerBoundaryIs>");
                linear_ring(&mut out, inner);
                out.push_str("</innerBoundaryIs>");
            }
            out.push_str("</Polygon>");
        }
        out.push_str("</MultiGeometry></Placemark>");
    }
    out.push_str("</Document></kml>\n");
    out
}

fn linear_ring(out: &mut String, ring: &LineString<f64>) {
    let points: Vec<String> = ring.coords().map(|c| format!("{},{}", rounded(c.x), rounded(c.y))).collect();
    let _ = write!(out, "<LinearRing><coordinates>{}</coordinates></LinearRing>", points.join(" "));
}

fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One archive of these files, stored without compression.
///
/// # Errors
/// What the archive's writer says.
pub fn archive(files: &[(String, Vec<u8>)]) -> anyhow::Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        zip.start_file(name, options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    fn about() -> About {
        About {
            identifier: "BR-1".into(),
            number: "2026/001".into(),
            headline: "Risco <alto> & chuva".into(),
            level: "maximum".into(),
            cobrade: "1.1.3.2.1".into(),
            issued_at: "2026-02-22T12:00:00+00:00".into(),
            expires_at: "2026-02-22T18:00:00+00:00".into(),
        }
    }

    fn places() -> Vec<Place> {
        // The outer ring runs clockwise, as files of others often have it.
        let shape = polygon!(
            exterior: [(x: 0.0, y: 0.0), (x: 0.0, y: 4.0), (x: 4.0, y: 4.0), (x: 4.0, y: 0.0), (x: 0.0, y: 0.0)],
            interiors: [[(x: 1.0, y: 1.0), (x: 2.0, y: 1.0), (x: 2.0, y: 2.0), (x: 1.0, y: 1.0)]],
        );
        vec![Place { name: "Morro & Vale".into(), code: Some("morro".into()), shape: MultiPolygon(vec![shape]) }]
    }

    fn area(ring: &Value) -> f64 {
        let points: Vec<(f64, f64)> =
            ring.as_array().unwrap().iter().map(|p| (p[0].as_f64().unwrap(), p[1].as_f64().unwrap())).collect();
        points.windows(2).map(|w| w[0].0 * w[1].1 - w[1].0 * w[0].1).sum()
    }

    #[test]
    fn geojson_has_rings_of_the_right_hand() {
        let read: Value = serde_json::from_str(&geojson(&about(), &places())).unwrap();
        let rings = &read["features"][0]["geometry"]["coordinates"][0];
        assert!(area(&rings[0]) > 0.0 && area(&rings[1]) < 0.0, "{rings}");
        assert_eq!(read["features"][0]["properties"]["code"], "morro");
    }

    #[test]
    fn kml_is_well_formed_and_names_every_place() {
        let text = kml(&about(), &places());
        assert!(text.contains("<name>Morro &amp; Vale</name>") && text.contains("Risco &lt;alto&gt; &amp; chuva"));
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut rings = 0;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(tag) if tag.name().as_ref() == "LinearRing" => rings += 1,
                _ => {}
            }
        }
        assert_eq!(rings, 2);
    }

    #[test]
    fn an_archive_holds_what_was_put_in() {
        let bytes = archive(&[("a.txt".into(), b"um".to_vec()), ("b.txt".into(), b"dois".to_vec())]).unwrap();
        let mut read = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut read.by_name("b.txt").unwrap(), &mut text).unwrap();
        assert_eq!((read.len(), text.as_str()), (2, "dois"));
    }
}
