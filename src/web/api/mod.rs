//! The JSON API under /api/v1, one folder a noun.

pub mod addresses;
pub mod alerts;
pub mod areas;
pub mod audit;
pub mod devices;
pub mod document;
mod examples;
pub mod exercises;
pub mod feeds;
pub mod imports;
pub mod incidents;
pub mod levels;
pub mod maintenance;
pub mod readings;
pub mod reports;
pub mod residents;
pub mod rules;
pub mod staff;
pub mod stations;
pub mod tokens;
pub mod warnings;

/// What the API document lists.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    crate::web::stream::events,
    crate::web::feeds::keys,
    crate::web::notices::status::show,
    addresses::list,
    audit::list,
    alerts::read::list,
    alerts::read::show,
    alerts::read::reach,
    alerts::read::delivery,
    alerts::draft::create,
    alerts::draft::edit,
    alerts::places::list,
    alerts::places::shape,
    alerts::places::add,
    alerts::places::remove,
    alerts::places::restore,
    alerts::places::neighbourhoods,
    alerts::texts::list,
    alerts::texts::edit,
    alerts::texts::regenerate,
    alerts::act::discard,
    alerts::act::issue,
    alerts::act::withdraw_approval,
    alerts::act::all_clear,
    alerts::act::cancel,
    alerts::act::update,
    alerts::stage::submit,
    alerts::stage::send_back,
    alerts::stage::acknowledge,
    alerts::stage::escalation,
    alerts::stage::approval,
    incidents::list,
    incidents::show,
    incidents::add,
    incidents::close,
    incidents::photographs::list,
    incidents::photographs::add,
    incidents::photographs::show,
    levels::list,
    levels::history,
    levels::explanation,
    maintenance::health,
    maintenance::list,
    maintenance::blind,
    areas::list,
    areas::import::import,
    areas::import::read,
    areas::look::check,
    areas::change::change,
    areas::change::retire,
    areas::versions::list,
    areas::versions::show,
    areas::versions::restore,
    areas::versions::enforce,
    areas::versions::withdraw,
    devices::list,
    devices::create,
    devices::disable,
    devices::configure,
    devices::commands::issue,
    devices::commands::list,
    devices::commands::cancel,
    devices::provision::create,
    feeds::list,
    devices::enable,
    devices::secrets::rotate,
    devices::secrets::retire,
    devices::secrets::certificates,
    devices::secrets::register,
    devices::secrets::revoke_certificate,
    readings::publish::publish,
    reports::create,
    reports::list::reports,
    reports::list::occurrences,
    rules::list,
    rules::show,
    rules::version,
    rules::propose,
    rules::edit,
    rules::examine,
    rules::compare,
    rules::act::check,
    rules::act::preview,
    rules::act::cancel_preview,
    rules::act::start_trial,
    rules::act::end_trial,
    rules::act::give_back,
    rules::act::withdraw,
    rules::act::approve,
    rules::act::take_back,
    rules::act::retire,
    residents::list,
    residents::import,
    staff::list,
    staff::invite,
    staff::show,
    staff::change_roles,
    staff::disable,
    staff::enable,
    staff::resend,
    staff::reset_second_factor,
    stations::list,
    stations::quality::show,
    stations::quality::change,
    stations::import,
    stations::series::show,
    tokens::list,
    tokens::create,
    tokens::rotate,
    tokens::revoke,
    warnings::list,
    warnings::import,
    warnings::show,
    warnings::draft,
    exercises::list,
    exercises::create,
    exercises::show,
    exercises::edit,
    exercises::act,
    exercises::invite,
    exercises::tick,
    exercises::draft,
    exercises::report
))]
pub struct ApiDocument;
