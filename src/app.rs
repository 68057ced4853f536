//! One place that holds everything a handler, worker or test needs.

use std::ops::Deref;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::alerts::templates::Templates;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::dispatch::watch::Watch;
use crate::events::Events;
use crate::history::store::past::Past;
use crate::ids::Ids;
use crate::ingest::IngestHandle;
use crate::outbound;
use crate::rules::town::Town;
use crate::secretariat::kernel::Types;
use crate::secretariat::segments::Segments;
use crate::vault::Keyring;
use crate::web::limit::Limits;
use crate::web::notices::pictures::Pictures;

/// Cheap to clone; the state of every axum handler.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

#[derive(Debug)]
pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub ids: Ids,
    pub db: Db,
    pub events: Events,
    pub ingest: IngestHandle,
    pub templates: Templates,
    /// Types of cases of the secretariat.
    pub cases: Types,
    /// What people may ask messages about.
    pub segments: Segments,
    /// Streams, areas and rules, for pages that ask again and again.
    pub town: Town,
    /// Series of readings, and sums of months that are over.
    pub past: Past,
    /// Keys that seal what the database must not show.
    pub keys: Keyring,
    pub outbound: outbound::Client,
    /// How often one address, or one account, may ask.
    pub limits: Limits,
    /// Maps of alerts that were drawn.
    pub pictures: Pictures,
    /// How deliveries fare, for pages that many watch.
    pub deliveries: Watch,
    /// Cancelled when the service is asked to stop; every task drains and ends.
    pub stop: CancellationToken,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
