//! Coordinates of files that are not written in longitude and latitude, made so. Pure.
//!
//! Brazilian files come in SIRGAS 2000 (EPSG:4674, the same as WGS84 to within the centimetres that nobody draws), in its UTM zones
//! (EPSG:31965 to 31985), in those of WGS84, or in the web's Mercator. The older systems SAD 69 and Córrego Alegre lie up to 70 m
//! aside; their shift depends on who measured, so they are refused by name and never guessed.
//!
//! UTM is undone by Krüger's series to the fourth order of the flattening, exact to far less than a millimetre within a zone
//! (C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers", Journal of Geodesy 85, 2011, equations 11 and 36).

use serde_json::{Value, json};

/// A system of coordinates that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Longitude and latitude in degrees.
    Degrees,
    Utm {
        /// 11 to 25 cover Brazil and its sea.
        zone: u8,
        south: bool,
    },
    WebMercator,
}

/// Semi-major axis of GRS 80 and of WGS84, in metres.
const AXIS_M: f64 = 6_378_137.0;
/// Flattening of GRS 80; that of WGS84 differs by less than a tenth of a millimetre on the ground.
const FLATTENING: f64 = 1.0 / 298.257_222_101;
const SCALE: f64 = 0.9996;
const FALSE_EASTING_M: f64 = 500_000.0;
const FALSE_NORTHING_M: f64 = 10_000_000.0;

impl Reference {
    /// By a name as files and services write it: `EPSG:31982`, `urn:ogc:def:crs:EPSG::31982`, a URI of opengis.net, `CRS84`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn named(name: &str) -> Result<Self, &'static str> {
        if name.ends_with("CRS84") || name.ends_with("CRS84h") {
            return Ok(Self::Degrees);
        }
        let last = name.rsplit([':', '/']).next().unwrap_or_default();
        let code: u32 =
            last.parse().map_err(|_| "is no coordinate system that can be read; convert the file to WGS84")?;
        Self::of_epsg(code)
    }

    fn of_epsg(code: u32) -> Result<Self, &'static str> {
        let utm = |zone: u32, south| Ok(Self::Utm { zone: u8::try_from(zone).unwrap_or_default(), south });
        match code {
            4326 | 4674 | 4979 | 4988 => Ok(Self::Degrees),
            // SIRGAS 2000: zones 11N to 22N, then 17S to 25S.
            31965..=31976 => utm(code - 31965 + 11, false),
            31977..=31985 => utm(code - 31977 + 17, true),
            32611..=32625 => utm(code - 32600, false),
            32711..=32725 => utm(code - 32700, true),
            3857 | 900_913 => Ok(Self::WebMercator),
            4618 | 29168..=29195 | 5841 | 5530..=5532 => Err(
                "is SAD 69, which lies some 70 m aside; convert the file to SIRGAS 2000 with the shift its makers used",
            ),
            4225 | 22521..=22525 | 5524 | 5527 => Err(
                "is Córrego Alegre, which lies some 70 m aside; convert the file to SIRGAS 2000 with the shift its makers used",
            ),
            _ => Err("is no coordinate system that can be read; convert the file to WGS84 or SIRGAS 2000"),
        }
    }

    /// A position in longitude and latitude; none where it cannot lie in this system.
    pub fn degrees(self, x: f64, y: f64) -> Option<[f64; 2]> {
        match self {
            Self::Degrees => Some([x, y]),
            Self::Utm { zone, south } => {
                let is_metres = (0.0..=1_000_000.0).contains(&x) && (-10_000.0..=10_100_000.0).contains(&y);
                is_metres.then(|| utm_degrees(zone, south, x, y))
            }
            Self::WebMercator => {
                let most = AXIS_M * std::f64::consts::PI;
                // Degrees that claim to be metres would lie within a few hundred metres of 0/0.
                (x.abs() <= most && y.abs() <= most && (x.abs() > 1_000.0 || y.abs() > 1_000.0)).then(|| {
                    let lat = std::f64::consts::FRAC_PI_2 - 2.0 * (-y / AXIS_M).exp().atan();
                    [(x / AXIS_M).to_degrees(), lat.to_degrees()]
                })
            }
        }
    }

    /// A GeoJSON geometry with its positions in degrees; heights stay.
    ///
    /// # Errors
    /// The first position that cannot lie in this system.
    pub fn convert(self, geometry: &mut Value) -> Result<(), Value> {
        if self == Self::Degrees {
            return Ok(());
        }
        if let Some(parts) = geometry.get_mut("geometries").and_then(Value::as_array_mut) {
            return parts.iter_mut().try_for_each(|part| self.convert(part));
        }
        geometry.get_mut("coordinates").map_or(Ok(()), |coordinates| self.convert_all(coordinates))
    }

    fn convert_all(self, value: &mut Value) -> Result<(), Value> {
        let Some(list) = value.as_array_mut() else { return Ok(()) };
        let (x, y) = (list.first().and_then(Value::as_f64), list.get(1).and_then(Value::as_f64));
        let (Some(x), Some(y)) = (x, y) else { return list.iter_mut().try_for_each(|part| self.convert_all(part)) };
        let Some([lon, lat]) = self.degrees(x, y) else { return Err(value.clone()) };
        list.splice(0..2, [json!(lon), json!(lat)]).for_each(drop);
        Ok(())
    }
}

fn utm_degrees(zone: u8, south: bool, easting: f64, northing: f64) -> [f64; 2] {
    let n = FLATTENING / (2.0 - FLATTENING);
    let (n2, n3, n4) = (n.powi(2), n.powi(3), n.powi(4));
    let radius = AXIS_M / (1.0 + n) * (1.0 + n2 / 4.0 + n4 / 64.0);
    let beta = [
        n / 2.0 - 2.0 * n2 / 3.0 + 37.0 * n3 / 96.0 - n4 / 360.0,
        n2 / 48.0 + n3 / 15.0 - 437.0 * n4 / 1440.0,
        17.0 * n3 / 480.0 - 37.0 * n4 / 840.0,
        4397.0 * n4 / 161_280.0,
    ];
    let delta = [
        2.0 * n - 2.0 * n2 / 3.0 - 2.0 * n3 + 116.0 * n4 / 45.0,
        7.0 * n2 / 3.0 - 8.0 * n3 / 5.0 - 227.0 * n4 / 45.0,
        56.0 * n3 / 15.0 - 136.0 * n4 / 35.0,
        4279.0 * n4 / 630.0,
    ];
    let origin = if south { FALSE_NORTHING_M } else { 0.0 };
    let xi = (northing - origin) / (SCALE * radius);
    let eta = (easting - FALSE_EASTING_M) / (SCALE * radius);
    let terms = || (1..).map(|order| 2.0 * f64::from(order));
    let xi_1 = xi - terms().zip(beta).map(|(k, b)| b * (k * xi).sin() * (k * eta).cosh()).sum::<f64>();
    let eta_1 = eta - terms().zip(beta).map(|(k, b)| b * (k * xi).cos() * (k * eta).sinh()).sum::<f64>();
    let conformal = (xi_1.sin() / eta_1.cosh()).asin();
    let latitude = conformal + terms().zip(delta).map(|(k, d)| d * (k * conformal).sin()).sum::<f64>();
    let meridian = f64::from(zone) * 6.0 - 183.0;
    [meridian + eta_1.sinh().atan2(xi_1.cos()).to_degrees(), latitude.to_degrees()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_services_are_read_in_each_spelling() {
        let utm = |zone, south| Ok(Reference::Utm { zone, south });
        assert_eq!(Reference::named("urn:ogc:def:crs:EPSG::31982"), utm(22, true));
        assert_eq!(Reference::named("EPSG:31983"), utm(23, true));
        assert_eq!(Reference::named("http://www.opengis.net/def/crs/EPSG/0/31985"), utm(25, true));
        assert_eq!(Reference::named("EPSG:31977"), utm(17, true));
        assert_eq!(Reference::named("EPSG:31976"), utm(22, false));
        assert_eq!(Reference::named("EPSG:32723"), utm(23, true));
        assert_eq!(Reference::named("urn:ogc:def:crs:EPSG::4674"), Ok(Reference::Degrees));
        assert_eq!(Reference::named("urn:ogc:def:crs:OGC:1.3:CRS84"), Ok(Reference::Degrees));
        assert_eq!(Reference::named("EPSG:3857"), Ok(Reference::WebMercator));
    }

    #[test]
    fn older_systems_are_refused_by_name_and_unknown_ones_too() {
        assert!(Reference::named("EPSG:29193").unwrap_err().contains("SAD 69"));
        assert!(Reference::named("EPSG:22523").unwrap_err().contains("Córrego Alegre"));
        assert!(Reference::named("EPSG:2154").is_err() && Reference::named("local").is_err());
    }

    #[test]
    fn degrees_that_claim_to_be_metres_are_refused() {
        let utm = Reference::Utm { zone: 22, south: true };
        assert_eq!(utm.degrees(-52.4, -28.2), None);
        assert_eq!(utm.degrees(6_881_936.8, 348_583.6), None, "axes swapped");
        assert_eq!(Reference::WebMercator.degrees(-43.3, -21.7), None);
        let mut shape = json!({"type": "Polygon", "coordinates": [[[348_583.6, 6_881_936.8], [-52.4, -28.2]]]});
        assert_eq!(utm.convert(&mut shape), Err(json!([-52.4, -28.2])));
    }

    #[test]
    fn heights_stay_and_collections_are_converted_whole() {
        let utm = Reference::Utm { zone: 22, south: true };
        let mut shape = json!({"type": "GeometryCollection", "geometries": [
            {"type": "Point", "coordinates": [500_000.0, 10_000_000.0, 650.0]}]});
        utm.convert(&mut shape).unwrap();
        let at = &shape["geometries"][0]["coordinates"];
        assert_eq!((at[0].as_f64(), at[1].as_f64(), at[2].as_f64()), (Some(-51.0), Some(0.0), Some(650.0)));
    }
}
