use geo::{Area, Contains, Point};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::alerts::cap::{BuildArea, BuildInput, CapTime, build};
use crate::alerts::kind::AlertKind;
use crate::units::Level;

/// A wavy outline of so many points, about two kilometres across.
fn wavy(points: u32, waves: f64, depth: f64) -> Polygon<f64> {
    let at = |n: u32| {
        let turn = f64::from(n) * std::f64::consts::TAU / f64::from(points);
        let reach = 0.01 * (1.0 + depth * (turn * waves).sin());
        (-43.35 + reach * turn.cos(), -21.76 + reach * turn.sin())
    };
    let ring: LineString<f64> = (0..points).chain([0]).map(at).collect();
    Polygon::new(ring, Vec::new())
}

/// The polygons of the message that is made of these.
fn in_message(polygons: MultiPolygon<f64>) -> Vec<Vec<(f64, f64)>> {
    let sent = "2026-02-24T00:00:00Z".parse().unwrap();
    let message = build(&BuildInput {
        identifier: "X".into(),
        sender: "x@example.org".into(),
        sender_name: String::new(),
        sent,
        time_zone: chrono_tz::America::Sao_Paulo,
        kind: AlertKind::Alert,
        status: crate::alerts::cap::model::Status::Actual,
        references: Vec::new(),
        cobrade: "1.1.3.2.1".parse().unwrap(),
        level: Level::Alert,
        headline: String::new(),
        description: String::new(),
        instruction: String::new(),
        expires_at: sent,
        web: String::new(),
        map_picture: String::new(),
        translations: Vec::new(),
        contact: String::new(),
        language: "pt-BR".into(),
        areas: vec![BuildArea {
            name: "A".into(),
            polygons,
            ibge_code: "3136702".into(),
            area_code: String::new(),
            circle: None,
        }],
        parameters: Vec::new(),
    });
    assert_eq!(message.sent.as_str(), CapTime::at(sent, &chrono_tz::America::Sao_Paulo).as_str());
    let rings = message.infos[0].areas[0].polygons.iter();
    rings.map(|ring| ring.get().iter().map(|point| (point.lon, point.lat)).collect()).collect()
}

#[test]
fn what_is_shown_is_what_the_message_will_carry() {
    for (points, waves, depth) in [(12, 3.0, 0.2), (400, 7.0, 0.3), (5000, 40.0, 0.2)] {
        let shape = MultiPolygon(vec![wavy(points, waves, depth), wavy(30, 2.0, 0.1)]);
        let shown = simplify(&shape);
        let rings: Vec<Vec<(f64, f64)>> =
            shown.polygons.iter().map(|p| p.exterior().coords().map(|c| (c.x, c.y)).collect()).collect();
        assert_eq!(rings, in_message(shape.clone()));
        assert_eq!(shown.before, points as usize + 30);
        assert!(shown.largest < 100 && shown.after <= shown.before, "{shown:?}");
        let (was, is) = (shape.unsigned_area(), shown.polygons.unsigned_area());
        assert!((is / was - 1.0).abs() < 0.05, "{points}: {was} {is}");
    }
}

#[test]
fn a_hole_is_filled_and_told() {
    let hole: LineString<f64> =
        vec![(-43.351, -21.761), (-43.349, -21.761), (-43.349, -21.759), (-43.351, -21.761)].into();
    let outline = wavy(20, 2.0, 0.1);
    let simple = simplify(&MultiPolygon(vec![Polygon::new(outline.exterior().clone(), vec![hole])]));
    assert_eq!((simple.holes, simple.before, simple.after), (1, 23, 20));
}

#[test]
fn a_circle_is_as_large_as_it_says() {
    let polygon = Circle { lat: -21.76, lon: -43.35, radius_km: 2.0 }.polygon().unwrap();
    assert_eq!(polygon.exterior().0.len(), 73);
    // A degree is 111.195 km of this sphere.
    let km2 = polygon.unsigned_area() * 111.195_f64.powi(2) * (-21.76_f64).to_radians().cos();
    assert!((km2 / (std::f64::consts::PI * 4.0) - 1.0).abs() < 0.003, "{km2}");
    assert!(polygon.contains(&Point::new(-43.35, -21.743)) && !polygon.contains(&Point::new(-43.35, -21.7)));
    assert!(polygon.signed_area() > 0.0, "counter-clockwise");
}

#[test]
fn a_circle_out_of_bounds_names_its_field() {
    let wrong = |lat, lon, radius_km| Circle { lat, lon, radius_km }.polygon().unwrap_err().field;
    assert_eq!(wrong(-21.76, -43.35, 0.0), "radius_km");
    assert_eq!(wrong(-21.76, -43.35, 100.1), "radius_km");
    assert_eq!(wrong(-21.76, -43.35, f64::NAN), "radius_km");
    assert_eq!(wrong(-43.35, -21.76, 1.0), "lat");
    assert_eq!(wrong(0.0, 0.0, 1.0), "lat");
}

const SQUARE: &str = "[[[-43.4,-21.76],[-43.39,-21.76],[-43.39,-21.75],[-43.4,-21.75],[-43.4,-21.76]]]";

#[test]
fn every_polygon_of_a_geojson_file_is_taken_and_the_rest_passed_over() {
    let file = json!({ "type": "FeatureCollection", "features": [
        { "type": "Feature", "properties": {}, "geometry": { "type": "Polygon", "coordinates": serde_json::from_str::<Value>(SQUARE).unwrap() } },
        { "type": "Feature", "properties": {}, "geometry": { "type": "Point", "coordinates": [-43.4, -21.76] } },
        { "type": "Feature", "geometry": { "type": "GeometryCollection", "geometries": [
            { "type": "MultiPolygon", "coordinates": [serde_json::from_str::<Value>(SQUARE).unwrap()] }] } },
        { "type": "Feature", "geometry": null } ] });
    let taken = uploaded("Zona norte", file.to_string().as_bytes()).unwrap();
    assert_eq!((taken.source, taken.name.as_str(), taken.polygons.0.len()), (Source::Upload, "Zona norte", 2));
}

#[test]
fn a_kml_file_is_taken_with_its_holes_and_its_name() {
    let file = r#"<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>Beira-rio &amp; Centro</name><Placemark><name>P1</name><MultiGeometry>
<Polygon><outerBoundaryIs><LinearRing><coordinates>-43.4,-21.76,0 -43.39,-21.76,0 -43.39,-21.75,0
 -43.4,-21.75,0 -43.4,-21.76,0</coordinates></LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing><coordinates>
-43.398,-21.758 -43.396,-21.758 -43.396,-21.756 -43.398,-21.758</coordinates></LinearRing></innerBoundaryIs></Polygon>
<Point><coordinates>-43.4,-21.76</coordinates></Point></MultiGeometry></Placemark></Document></kml>"#;
    let taken = uploaded(" ", file.as_bytes()).unwrap();
    assert_eq!((taken.name.as_str(), taken.polygons.0.len()), ("Beira-rio & Centro", 1));
    assert_eq!(taken.polygons.0[0].interiors().len(), 1);
}

#[test]
fn a_file_that_cannot_be_taken_says_why() {
    let why = |file: &str| uploaded("x", file.as_bytes()).unwrap_err().message;
    assert!(why("<kml><Document>").contains("ends inside an element"));
    assert!(why("<!DOCTYPE kml [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><kml/>").contains("document type"));
    assert!(why("<kml></kml>").contains("no polygon"));
    assert!(why("rua das flores").contains("neither KML nor GeoJSON"));
    assert!(why("{\"type\":\"Point\",\"coordinates\":[0,0]}").contains("no polygon"));
    let bad = "<kml><Polygon><outerBoundaryIs><LinearRing><coordinates>-43,4 x</coordinates></LinearRing></outerBoundaryIs></Polygon></kml>";
    assert!(why(bad).contains("\"x\" is no position"));
    assert!(why(&" ".repeat(MAX_FILE_BYTES + 1)).contains("at most"));
    let deep = "<a>".repeat(100);
    assert!(why(&deep).contains("inside each other"));
}

#[test]
fn a_name_is_one_line_of_bounded_length() {
    assert_eq!(named("  Beira \n rio ").unwrap(), "Beira rio");
    assert_eq!(named("").unwrap_err().field, "name");
    assert!(named(&"a".repeat(121)).is_err() && named("a\u{7}b").is_err());
}

/// Few points cost little, so most outlines have few; those of a hundred and more are thinned.
fn sizes() -> impl Strategy<Value = u32> {
    prop_oneof![1 => 4_u32..100, 4 => 100_u32..400, 1 => 400_u32..1500]
}

proptest! {
    // Each of them is thinned fourteen times, which takes long where nothing is optimised.
    #![proptest_config(ProptestConfig::with_cases(72))]

    #[test]
    fn whatever_leaves_has_few_points_and_is_valid(points in sizes(), waves in 1.0_f64..30.0, depth in 0.0_f64..0.6) {
        let simple = simplify(&MultiPolygon(vec![wavy(points, waves.round(), depth)]));
        prop_assert!(simple.largest < 100);
        prop_assert!(geo::Validation::is_valid(&simple.polygons));
    }
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(text in "\\PC{0,300}") {
        let _ = uploaded("x", text.as_bytes());
        let _ = uploaded("x", format!("<kml>{text}").as_bytes());
    }
}
