//! Agreements over HTTP.

use super::instrument_routes::instrument_routes;
use super::instrument_routes::names::*;
use crate::secretariat::agreements::{Act, Agreement, Opening};

instrument_routes! {
    what: Agreement,
    opening: Opening,
    act: Act,
    at: "/api/v1/secretariat/agreements",
    tag: "agreements",
    things: "agreements",
    asked: AgreementAsked,
}

pub fn routes() -> Router<App> {
    shared_routes()
}
