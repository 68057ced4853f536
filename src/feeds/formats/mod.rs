//! The feeds of other institutions, as they send them. Every parser is pure: it takes the body of one response and gives
//! what was measured, what the provider says it has not, and what could not be understood. A bad record never costs the
//! others; only a document that cannot be read at all is an error. Whether a station is ours, what its zero is and
//! whether a value is believable are decided later, against the catalogue.

pub mod ana;
pub mod cemaden;
pub mod inmet;
pub mod mapped;
pub(super) mod read;
pub mod rio;
mod table;

use chrono::{DateTime, Utc};

pub use crate::ingest::formats::Problem;
use crate::ingest::formats::join;
use crate::units::Quantity;

/// One measurement of a feed, before it is held against the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The station's code at the provider.
    pub station: String,
    pub quantity: Quantity,
    /// The instant of the reading; for sums the end of the interval.
    pub at: DateTime<Utc>,
    pub value: f64,
    /// As the provider measures: "mm", "cm", "m", "m3/s", "Cel", "%", "m/s", "km/h".
    pub unit: &'static str,
    /// Seconds a sum covers. `None` for what is no sum, and for counters that run on.
    pub interval_s: Option<i32>,
}

/// What one document held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// Oldest first, whatever the order of the provider.
    pub observed: Vec<Observed>,
    /// Values the provider says it has not: null, "-", sentinels.
    pub missing: usize,
    pub problems: Vec<Problem>,
}

/// A station as its provider lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogueStation {
    /// The code that readings of the same feed carry.
    pub code: String,
    pub name: String,
    /// Degrees of WGS 84 or SIRGAS 2000, which differ by less than a gauge's coordinates are known.
    pub lat: f64,
    pub lon: f64,
    /// Seven digits, where the provider says it.
    pub ibge: Option<String>,
}

/// What a station list held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    pub stations: Vec<CatalogueStation>,
    pub problems: Vec<Problem>,
}
