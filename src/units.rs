//! Quantities, units and the vocabulary of levels. Values inside the core are fixed-point, so that sums are exact
//! and do not depend on the order in which they were added.

use std::fmt;

use serde::{Deserialize, Serialize};

mod measure;

pub use measure::{Measure, RefusedUnit, Unit};

/// A value in millionths of its unit. Range ±9.2 × 10^12 units; conversions outside it fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Fixed(pub i64);

impl Fixed {
    pub const SCALE: i64 = 1_000_000;

    pub const fn from_whole(units: i64) -> Self {
        Self(units * Self::SCALE)
    }

    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }
}

impl From<Fixed> for f64 {
    fn from(value: Fixed) -> Self {
        value.to_f64()
    }
}

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq)]
#[error("{0} is not a finite number within ±9e12")]
pub struct OutOfRange(pub f64);

impl TryFrom<f64> for Fixed {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        let scaled = (value * Self::SCALE as f64).round();
        if scaled.is_finite() && scaled.abs() < 9.0e18 { Ok(Self(scaled as i64)) } else { Err(OutOfRange(value)) }
    }
}

impl fmt::Display for Fixed {
    /// At most three decimals, without trailing zeros: "46", "0.2", "-1.25".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.3}", self.to_f64());
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in files, columns and URLs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::units::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::units::UnknownWord> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::units::UnknownWord { what: $what, word: text.to_owned(), expected: &[$($text),+] }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::units::UnknownWord;

            fn try_from(text: String) -> Result<Self, $crate::units::UnknownWord> {
                text.parse()
            }
        }
    };
}

/// A word outside its vocabulary. The message names the word and what was expected.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what} {word:?} is unknown; expected one of {}", .expected.join(", "))]
pub struct UnknownWord {
    pub what: &'static str,
    pub word: String,
    pub expected: &'static [&'static str],
}

pub(crate) use vocabulary;

vocabulary! {
    /// What is measured.
    Quantity, "quantity" {
        Rain = "rain",
        WaterLevel = "water_level",
        Flow = "flow",
        AirTemperature = "air_temperature",
        RelativeHumidity = "relative_humidity",
        WindSpeed = "wind_speed",
        WindGust = "wind_gust",
        SoilMoisture = "soil_moisture",
        Battery = "battery",
        /// Of people: how many said that something happens here, each weighed by how far they are trusted.
        Reports = "reports",
        /// Of other institutions: the gravest warning that is in force over an area, 0 none, 1 minor, 2 moderate, 3 severe, 4 extreme (the
        /// severities of CAP 1.2).
        Warnings = "warnings",
        /// What a model foretells of rain, over the span that the stream's name tells.
        RainForecast = "rain_forecast",
    }
}

vocabulary! {
    /// What one reading of a stream stands for.
    StreamKind, "stream kind" {
        /// The total of the interval that ends at `observed_at`.
        IntervalSum = "interval_sum",
        Instantaneous = "instantaneous",
        /// A running total that may reset to zero.
        CumulativeCounter = "cumulative_counter",
    }
}

vocabulary! {
    /// Quality after QARTOD's vocabulary: failed readings never feed a rule.
    Quality, "quality" {
        Pass = "pass",
        Suspect = "suspect",
        Fail = "fail",
    }
}

vocabulary! {
    /// The municipality's scale, after the operating plans of the state of São Paulo (PPDC): observation, attention,
    /// alert, maximum alert. `Unknown` is no data, and never means normal.
    Level, "level" {
        Unknown = "unknown",
        Normal = "normal",
        Observation = "observation",
        Attention = "attention",
        Alert = "alert",
        Maximum = "maximum",
    }
}

vocabulary! {
    /// Grade of a risk sector in municipal maps (R1 low … R4 very high).
    Grade, "grade" {
        R1 = "R1",
        R2 = "R2",
        R3 = "R3",
        R4 = "R4",
    }
}

impl Quantity {
    /// The unit every value of this quantity is stored in.
    pub const fn canonical_unit(self) -> &'static str {
        match self {
            Self::Rain | Self::RainForecast => "mm",
            Self::WaterLevel => "m",
            Self::Flow => "m3/s",
            Self::AirTemperature => "Cel",
            Self::RelativeHumidity | Self::SoilMoisture | Self::Battery => "%",
            Self::WindSpeed | Self::WindGust => "m/s",
            Self::Reports | Self::Warnings => "1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_values_print_without_noise() {
        let shown: Vec<String> =
            [46.0, 0.2, -1.25, 0.000_4, 12.345_6].iter().map(|v| Fixed::try_from(*v).unwrap().to_string()).collect();
        assert_eq!(shown, ["46", "0.2", "-1.25", "0", "12.346"]);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, 1e19] {
            assert!(Fixed::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn levels_are_ordered_by_danger() {
        assert!(Level::Maximum > Level::Alert && Level::Observation > Level::Normal);
    }

    #[test]
    fn an_unknown_word_names_itself_and_the_vocabulary() {
        let message = "R9".parse::<Grade>().unwrap_err().to_string();
        assert_eq!(message, "grade \"R9\" is unknown; expected one of R1, R2, R3, R4");
    }
}
