//! Geometry between PostGIS and `geo`, as WKB (`st_asbinary(geom)` out, `st_geomfromwkb($1, 4326)` in).

use geo::{Geometry, MultiPolygon};
use geozero::wkb::Wkb;
use geozero::{CoordDimensions, ToGeo, ToWkb};

#[derive(Debug, thiserror::Error)]
#[error("geometry from the database cannot be read: {0}")]
pub struct BadWkb(String);

/// WKB bytes to a geometry.
pub fn from_wkb(bytes: &[u8]) -> Result<Geometry<f64>, BadWkb> {
    Wkb(bytes).to_geo().map_err(|error| BadWkb(error.to_string()))
}

/// WKB bytes to the polygons in them.
pub fn polygons_from_wkb(bytes: &[u8]) -> Result<MultiPolygon<f64>, BadWkb> {
    match from_wkb(bytes)? {
        Geometry::Polygon(polygon) => Ok(MultiPolygon(vec![polygon])),
        Geometry::MultiPolygon(polygons) => Ok(polygons),
        other => Err(BadWkb(format!("expected polygons, found {other:?}"))),
    }
}

/// A geometry to WKB bytes.
pub fn to_wkb(geometry: &Geometry<f64>) -> Result<Vec<u8>, BadWkb> {
    geometry.to_wkb(CoordDimensions::xy()).map_err(|error| BadWkb(error.to_string()))
}
