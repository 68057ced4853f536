//! Quality control by what stands around a reading: the one before and after it, its own past, the gauges nearby. After QARTOD
//! (U.S. IOOS, "Manual for Real-Time Quality Control of Water Level Data" 2.1, 2021: spike, rate of change, flat line, neighbour)
//! and WMO-No. 488. Pure: it is part of the fold over the journal, so the same log gives the same flags.
//!
//! The range test is done on receipt (`ingest::quality`), for it needs nothing but the value. A reading that comes late or
//! corrects another one is not put to these tests: what was around it is gone.

mod judge;
mod limits;

use serde::{Deserialize, Serialize};

pub use judge::{Around, Run, judge, middle};
pub use limits::{
    Defaults, Flat, Limits, LimitsError, MAX_LOOK_BACK_H, MAX_NEIGHBOURS, Neighbours, Overrides, Range, Step,
};

use crate::clock::Instant;
use crate::ids::{DatastreamId, Seq};
use crate::units::{Fixed, Quality, vocabulary};

vocabulary! {
    /// The tests, as in the column `reading_flag.test`.
    Test, "quality test" {
        /// On receipt; its word stands in the journal itself.
        Range = "range",
        Spike = "spike",
        Rate = "rate",
        FlatLine = "flat_line",
        StuckCounter = "stuck_counter",
        Neighbours = "neighbours",
    }
}

/// Why a reading is not believed, with the numbers that were compared, in the quantity's canonical unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
pub enum Why {
    Range {
        told: String,
    },
    /// Off the middle of the reading before and the one after it.
    Spike {
        off_by: Fixed,
        limit: Fixed,
    },
    Rate {
        per_hour: Fixed,
        limit: Fixed,
    },
    FlatLine {
        value: Fixed,
        /// At most as far as is looked back.
        hours: u32,
    },
    Neighbours(Dry),
    StuckCounter(Dry),
}

/// A gauge that stays dry among wet ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dry {
    pub own: Fixed,
    /// Of the gauges around.
    pub median: Fixed,
    pub gauges: u32,
    pub window_h: u32,
    pub within_km: Fixed,
}

impl Why {
    pub const fn test(&self) -> Test {
        match self {
            Self::Range { .. } => Test::Range,
            Self::Spike { .. } => Test::Spike,
            Self::Rate { .. } => Test::Rate,
            Self::FlatLine { .. } => Test::FlatLine,
            Self::Neighbours(_) => Test::Neighbours,
            Self::StuckCounter(_) => Test::StuckCounter,
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Range { told } => f.write_str(told),
            Self::Spike { off_by, limit } => {
                write!(f, "{off_by} off the middle of the readings around it; the limit is {limit}")
            }
            Self::Rate { per_hour, limit } => write!(f, "changes by {per_hour} an hour; the limit is {limit}"),
            Self::FlatLine { value, hours } => write!(f, "has stood at {value} for {hours} h"),
            Self::Neighbours(dry) | Self::StuckCounter(dry) => write!(
                f,
                "{} in {} h, where {} gauges within {} km have a median of {}",
                dry.own, dry.window_h, dry.gauges, dry.within_km, dry.median
            ),
        }
    }
}

/// What a test says of one reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    pub datastream: DatastreamId,
    pub seq: Seq,
    pub observed_at: Instant,
    /// Suspect or failed.
    pub quality: Quality,
    pub why: Why,
}
