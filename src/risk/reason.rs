//! Why an area is at its level: stored with every level and transition, shown on every card.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::units::{Fixed, Level, Quantity};

/// How a condition came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At or above the threshold.
    Met,
    /// Below the threshold, not yet below the clear threshold: keeps a level, never raises one.
    Holding,
    NotMet,
    /// Too few fresh stations to say.
    NoData,
}

/// One condition of the rule with what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The level this condition speaks for.
    pub level: Level,
    pub quantity: Quantity,
    /// "sum 1h", "latest", "rate 1h".
    pub measure: String,
    pub unit: String,
    /// The combined value over the stations, in `unit`.
    pub value: Option<Fixed>,
    pub threshold: Fixed,
    pub clear_below: Fixed,
    pub outcome: Outcome,
    /// Stations that were asked, highest value first (at most eight).
    pub stations: Vec<Measured>,
    /// Said when something limits the judgement ("2 of 3 gauges silent").
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What one station contributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    pub code: String,
    pub name: String,
    pub value: Option<Fixed>,
    pub observed_at: Option<Instant>,
    /// False when silent for too long, or when what it sends is too old.
    pub fresh: bool,
}
