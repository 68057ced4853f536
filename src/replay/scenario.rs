//! How a recorded storm is told to the replay.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::Deserialize;

use super::{Fault, Repeat};
use crate::units::Level;

/// How a storm is replayed (`simulations/storms/*.toml`). Paths are relative to the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub title: String,
    /// Where the measurements come from, and when.
    pub source: String,
    pub stations: String,
    pub areas: String,
    pub readings: String,
    /// Rule files; empty = those compiled in.
    #[serde(default)]
    pub rules: Vec<String>,
    pub time_zone: Tz,
    /// A reading is received this long after it was observed.
    #[serde(default)]
    pub delay_s: u32,
    #[serde(default = "alert")]
    pub draft_from: Level,
    /// The person of the replay approves a draft this many minutes after it was made.
    #[serde(default)]
    pub approve_after_min: u32,
    /// A CSV file of recorded disasters (`backtest::events`).
    #[serde(default)]
    pub events: Option<String>,
    /// What goes wrong with sensors, clocks and networks, one after the other.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Decides which readings the faults hit.
    #[serde(default)]
    pub fault_seed: u64,
    #[serde(default)]
    pub repeat: Option<Repeat>,
}

impl Scenario {
    /// Three files (stations, areas, readings) and nothing more.
    pub fn plain(
        title: String,
        (stations, areas, readings): (String, String, String),
        time_zone: Tz,
        delay_s: u32,
    ) -> Self {
        Self {
            source: title.clone(),
            title,
            stations,
            areas,
            readings,
            rules: Vec::new(),
            time_zone,
            delay_s,
            draft_from: alert(),
            approve_after_min: 0,
            events: None,
            faults: Vec::new(),
            fault_seed: 0,
            repeat: None,
        }
    }

    pub fn delay(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.delay_s))
    }
}

const fn alert() -> Level {
    Level::Alert
}
