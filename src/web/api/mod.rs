//! The JSON API under /api/v1, one folder a noun.

pub mod areas;
pub mod devices;
pub mod imports;
pub mod readings;
pub mod residents;
pub mod stations;

/// What the API document lists.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    areas::list,
    areas::import,
    devices::list,
    devices::create,
    devices::disable,
    readings::publish::publish,
    residents::list,
    residents::import,
    stations::list,
    stations::import
))]
pub struct ApiDocument;
