//! What is wrong with a station, from what it sent and did not send. Pure: facts, an instant and limits in, faults with
//! their numbers out. `store` gathers the facts, `worker` keeps the judgement, `tasks` is the work that follows.

pub mod battery;
pub mod blind;
pub mod drift;
mod judge;
pub mod reconcile;
pub mod store;
pub mod tasks;
pub mod worker;

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::ids::{DatastreamId, DeviceId};
use crate::units::vocabulary;

pub use judge::judge;

vocabulary! {
    /// What is wrong.
    FaultKind, "kind of fault" {
        /// Nothing was received for longer than the stream promises.
        Silent = "silent",
        /// Nothing was ever received.
        NeverHeard = "never_heard",
        /// Receipts come, but what they say is old.
        Late = "late",
        /// Too many of the intervals of the last day are missing.
        Gaps = "gaps",
        /// The same value for too long.
        Flat = "flat",
        /// A counter that does not count.
        Stuck = "stuck",
        /// Other than the stations around it.
        Disagrees = "disagrees",
        /// Too many readings fail the range test.
        Failing = "failing",
        ClockAhead = "clock_ahead",
        ClockBehind = "clock_behind",
        /// It goes wrong faster than a clock should, wherever it stands now.
        ClockDrifts = "clock_drifts",
        BatteryLow = "battery_low",
    }
}

impl FaultKind {
    /// True when what the station sends cannot be had at all: the others make it doubtful.
    pub const fn is_absence(self) -> bool {
        matches!(self, Self::Silent | Self::NeverHeard)
    }

    /// Whether the numbers of its reason are seconds, seconds a day, shares of one, or per cent.
    pub const fn measure(self) -> Measure {
        match self {
            Self::Silent | Self::NeverHeard | Self::Late | Self::ClockAhead | Self::ClockBehind => Measure::Seconds,
            Self::Gaps | Self::Flat | Self::Stuck | Self::Disagrees | Self::Failing => Measure::Share,
            Self::ClockDrifts => Measure::SecondsPerDay,
            Self::BatteryLow => Measure::PerCent,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Seconds,
    SecondsPerDay,
    Share,
    PerCent,
}

/// The numbers a fault was found by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// Seconds, seconds a day, a share of one, or per cent, as the kind says.
    pub measured: f64,
    /// What it was held against, in the same measure.
    pub limit: f64,
    /// Readings or messages that speak for it.
    pub count: i64,
    /// Days until a falling battery is empty.
    #[serde(default)]
    pub days_left: Option<f64>,
}

/// Something wrong with a stream or a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub kind: FaultKind,
    pub stream: Option<DatastreamId>,
    pub device: Option<DeviceId>,
    /// Since when, by what was measured.
    pub since: Instant,
    pub reason: Reason,
}

/// What makes two faults the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultKey {
    pub kind: FaultKind,
    pub stream: Option<DatastreamId>,
    pub device: Option<DeviceId>,
}

impl Fault {
    pub const fn key(&self) -> FaultKey {
        FaultKey { kind: self.kind, stream: self.stream, device: self.device }
    }
}

/// What one stream did in the last 24 hours.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamFacts {
    pub id: DatastreamId,
    pub created_at: Instant,
    pub interval_s: Option<i32>,
    pub stale_after_s: i32,
    /// Newest instant that was measured.
    pub observed_at: Option<Instant>,
    pub received_at: Option<Instant>,
    /// Different instants that were measured in the last `span_s` seconds.
    pub readings: i64,
    /// At most a day; less for streams that speak often, in a town with many.
    pub span_s: i32,
    /// Readings that failed the range test.
    pub failed: i64,
    pub flat: Flags,
    pub stuck: Flags,
    pub disagrees: Flags,
    /// Of a battery's stream: its last value in per cent; none for others and for volts.
    pub battery: Option<Battery>,
}

/// Readings that a test flagged, and the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flags {
    pub count: i64,
    pub first_at: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Battery {
    pub at: Instant,
    pub pct: f64,
    /// Lowest per cent of each of the last days, as days before now.
    pub days: Vec<(f64, f64)>,
}

/// What one device did.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceFacts {
    pub id: DeviceId,
    pub clock: Option<drift::Estimate>,
    pub drift: Option<drift::Drift>,
    pub battery: Option<Battery>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationFacts {
    pub streams: Vec<StreamFacts>,
    pub devices: Vec<DeviceFacts>,
    /// Faults that are open: these close by a stricter limit than they opened by.
    pub open: Vec<FaultKey>,
}

/// Section `[health]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub never_heard_after_s: u32,
    pub gaps_share: f64,
    pub failed_share: f64,
    pub flagged_share: f64,
    pub min_readings: u32,
    pub clock_ahead_s: u32,
    pub clock_behind_s: u32,
    pub clock_drift_s_per_day: f64,
    pub clock_min_messages: u32,
    pub battery_low_pct: f64,
    pub battery_days_left: f64,
    pub clear_factor: f64,
    pub close_after_s: u32,
}

impl Limits {
    /// The first key that makes no sense, with its value and what was expected.
    pub fn problem(&self) -> Option<(&'static str, f64, &'static str)> {
        let shares = [
            ("health.gaps_share", self.gaps_share),
            ("health.failed_share", self.failed_share),
            ("health.flagged_share", self.flagged_share),
            ("health.clear_factor", self.clear_factor),
        ];
        let share = shares.into_iter().find(|(_, value)| !(*value > 0.0 && *value <= 1.0));
        let drift = self.clock_drift_s_per_day;
        let drift = (!(drift > 0.0 && drift.is_finite())).then_some(drift);
        let battery = (!(0.0..=100.0).contains(&self.battery_low_pct)).then_some(self.battery_low_pct);
        share
            .map(|(key, value)| (key, value, "expected a share above 0 and up to 1"))
            .or_else(|| {
                drift.map(|value| ("health.clock_drift_s_per_day", value, "expected more than 0 seconds a day"))
            })
            .or_else(|| battery.map(|value| ("health.battery_low_pct", value, "expected 0 to 100 per cent")))
    }
}
