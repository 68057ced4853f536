//! Rules tried on the past before they are trusted: levels that a rule would have given, held against recorded disasters, for
//! one set of thresholds or for thousands. Pure but `store`; the fold is [`crate::engine::Engine`], the one that runs live.
//!
//! What the figures mean is told in `docs/backtest.md`.

pub mod bridge;
pub mod events;
pub mod measured;
pub mod report;
pub mod run;
pub mod score;
pub mod store;
pub mod svg;
pub mod sweep;

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::engine::ReadingInput;
use crate::risk::network::Network;
use events::Event;
use run::Period;

/// One stretch of the past that rules are tried on.
#[derive(Debug)]
pub struct Case {
    pub title: String,
    /// Where the measurements come from.
    pub source: String,
    pub time_zone: Tz,
    /// With the rules that are tried.
    pub network: Network,
    /// In order of receipt. What lies before the period fills the windows and is not scored.
    pub readings: Vec<ReadingInput>,
    pub events: Vec<Event>,
    pub period: Period,
}

/// How far before an event a rise still counts as its warning.
#[derive(Clone, Copy, Debug)]
pub struct LeadMax(pub TimeDelta);
