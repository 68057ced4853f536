//! The JSON API under /api/v1, one folder a noun.

pub mod alerts;
pub mod areas;
pub mod devices;
pub mod imports;
pub mod incidents;
pub mod levels;
pub mod readings;
pub mod residents;
pub mod stations;
pub mod tokens;

/// What the API document lists.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    crate::web::stream::events,
    alerts::read::list,
    alerts::read::show,
    alerts::read::reach,
    alerts::read::delivery,
    alerts::draft::create,
    alerts::draft::edit,
    alerts::act::discard,
    alerts::act::issue,
    alerts::act::all_clear,
    alerts::act::cancel,
    alerts::act::update,
    incidents::list,
    incidents::show,
    incidents::add,
    incidents::close,
    levels::list,
    levels::history,
    areas::list,
    areas::import,
    devices::list,
    devices::create,
    devices::disable,
    readings::publish::publish,
    residents::list,
    residents::import,
    stations::list,
    stations::import,
    tokens::list,
    tokens::create,
    tokens::rotate,
    tokens::revoke
))]
pub struct ApiDocument;
