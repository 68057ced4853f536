//! Why an area is at its level: stored with every level and transition, shown on every card.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::risk::control::Why;
use crate::risk::derived::Derived;
use crate::risk::measure::Stage;
use crate::risk::rule::Combine;
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
    Max,
    Min,
    Mean,
    /// Above a stage of the station.
    Above,
    /// The share of what an intensity–duration curve allows.
    Curve,
    /// Antecedent precipitation index.
    Antecedent,
}

/// How a condition came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// On the dangerous side of the threshold, or on it.
    Met,
    /// Left the threshold, not yet the clear threshold: keeps a level, never raises one.
    Holding,
    NotMet,
    /// Stations speak, and what they tell does not settle it yet: too much of the window is untold, or nobody knows when it fell.
    Unsure,
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
    /// Danger lies above the threshold.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub rises: bool,
    /// What it is called in the rule: "alert.2".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// How the stations made one value, where it is not the worst that speaks.
    #[serde(default, skip_serializing_if = "Joined::is_worst")]
    pub joined: Joined,
    /// When the water that was measured upstream comes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrives_at: Option<Instant>,
    /// Stations that were asked, highest value first (at most eight).
    pub stations: Vec<Measured>,
    /// How many stations were asked, and how many of them are silent: what limits the judgement.
    pub asked: u32,
    pub silent: u32,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// How several stations made one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joined {
    #[default]
    Worst,
    /// The k-th worst.
    Kth(u32),
    Mean,
    InverseDistance,
    Thiessen,
}

impl Joined {
    pub const fn is_worst(&self) -> bool {
        matches!(self, Self::Worst)
    }
}

impl From<Combine> for Joined {
    fn from(combine: Combine) -> Self {
        match combine {
            Combine::Kth(1) => Self::Worst,
            Combine::Kth(k) => Self::Kth(u32::try_from(k).unwrap_or(u32::MAX)),
            Combine::Mean => Self::Mean,
            Combine::InverseDistance => Self::InverseDistance,
            Combine::Thiessen => Self::Thiessen,
        }
    }
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
