//! Why an area is at its level: stored with every level and transition, shown on every card.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::risk::control::Why;
use crate::units::{Fixed, Level, Quantity};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureKind {
    /// The total of the window.
    Sum,
    Latest,
    /// The change per hour over the window.
    Rate,
}

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
    pub measure: MeasureKind,
    /// Length of the window of a sum or a rate, in minutes.
    pub window_min: Option<u32>,
    pub unit: String,
    /// The combined value over the stations, in `unit`.
    pub value: Option<Fixed>,
    pub threshold: Fixed,
    pub clear_below: Fixed,
    pub outcome: Outcome,
    /// Stations that were asked, highest value first (at most eight).
    pub stations: Vec<Measured>,
    /// How many stations were asked, and how many of them are silent: what limits the judgement.
    pub asked: u32,
    pub silent: u32,
}

/// What one station contributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    pub code: String,
    pub name: String,
    pub value: Option<Fixed>,
    pub observed_at: Option<Instant>,
    /// False when silent for too long, or when what it sends is too old or not believed.
    pub fresh: bool,
    /// Why its newest reading is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Why>,
}
