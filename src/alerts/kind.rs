//! What an alert is to the ones before it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cobrade::Cobrade;
use crate::units::UnknownWord;

/// Column `alert.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The first word on an event.
    Alert,
    /// Replaces an earlier alert: another level, area or advice.
    Update,
    /// The danger is over.
    AllClear,
    /// The earlier alert was wrong.
    Cancel,
}

impl AlertKind {
    pub const ALL: [Self; 4] = [Self::Alert, Self::Update, Self::AllClear, Self::Cancel];

    /// The word used in files, columns and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Update => "update",
            Self::AllClear => "all_clear",
            Self::Cancel => "cancel",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AlertKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownWord {
            what: "alert kind",
            word: text.to_owned(),
            expected: &["alert", "update", "all_clear", "cancel"],
        })
    }
}

/// The hazards that have advice of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hazard {
    Landslide,
    Flood,
    FlashFlood,
    Waterlogging,
    HeavyRain,
    Heat,
    DryAir,
    Wind,
    /// Lightning.
    Storm,
    Hail,
    Tornado,
    /// Cold waves and frost.
    Cold,
    Wildfire,
    /// A dam that breaks.
    Dam,
    Other,
}

impl Hazard {
    pub const ALL: [Self; 15] = [
        Self::Landslide,
        Self::Flood,
        Self::FlashFlood,
        Self::Waterlogging,
        Self::HeavyRain,
        Self::Heat,
        Self::DryAir,
        Self::Wind,
        Self::Storm,
        Self::Hail,
        Self::Tornado,
        Self::Cold,
        Self::Wildfire,
        Self::Dam,
        Self::Other,
    ];

    pub fn of(cobrade: Cobrade) -> Self {
        match cobrade.to_string().as_str() {
            "1.1.3.2.1" => Self::Landslide,
            "1.2.1.0.0" => Self::Flood,
            "1.2.2.0.0" => Self::FlashFlood,
            "1.2.3.0.0" => Self::Waterlogging,
            "1.3.2.1.4" => Self::HeavyRain,
            "1.3.3.1.0" => Self::Heat,
            "1.4.1.4.0" => Self::DryAir,
            "1.3.2.1.5" => Self::Wind,
            "1.3.2.1.2" => Self::Storm,
            "1.3.2.1.3" => Self::Hail,
            "1.3.2.1.1" => Self::Tornado,
            "1.3.3.2.1" | "1.3.3.2.2" => Self::Cold,
            "1.4.1.3.1" | "1.4.1.3.2" => Self::Wildfire,
            "2.4.2.0.0" => Self::Dam,
            _ => Self::Other,
        }
    }

    /// The word used in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Landslide => "landslide",
            Self::Flood => "flood",
            Self::FlashFlood => "flash_flood",
            Self::Waterlogging => "waterlogging",
            Self::HeavyRain => "heavy_rain",
            Self::Heat => "heat",
            Self::DryAir => "dry_air",
            Self::Wind => "wind",
            Self::Storm => "storm",
            Self::Hail => "hail",
            Self::Tornado => "tornado",
            Self::Cold => "cold",
            Self::Wildfire => "wildfire",
            Self::Dam => "dam",
            Self::Other => "other",
        }
    }
}
