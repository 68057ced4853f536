//! What streams are tested against: a file with a table for each quantity, and what single streams have instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Test;
use crate::units::{Fixed, Quantity};

/// The longest look back, in hours. A restart refills what the tests need from the journal, and reads no further than this.
pub const MAX_LOOK_BACK_H: u32 = 96;
/// Gauges around one that are asked at most.
pub const MAX_NEIGHBOURS: usize = 8;

/// Limits of one stream. A test that is left out is not done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spike: Option<Step>,
    /// Change an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<Flat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
}

/// Lowest and highest, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Outside of it a reading fails.
    pub fail: [Fixed; 2],
    pub suspect: [Fixed; 2],
}

/// Beyond these a reading is doubtful, or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub suspect: Fixed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Fixed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flat {
    pub suspect_h: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_h: Option<u32>,
    /// Values this far apart count as the same.
    #[serde(default)]
    pub tolerance: Fixed,
    /// Values at which standing still means nothing: no rain, no wind, saturated air.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Fixed>,
}

/// A gauge stays dry among wet ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    pub within_km: Fixed,
    /// So many gauges must speak.
    pub at_least: usize,
    pub window_h: u32,
    /// So much their median must be.
    pub median: Fixed,
    /// Doubtful below this share of it.
    pub share: Fixed,
}

/// What one stream has instead of its quantity's limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// Tests that are not done here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<Test>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spike: Option<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<Flat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
}

/// Where limits cannot be taken as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct LimitsError {
    /// "rain.flat", or "file".
    pub place: String,
    pub message: String,
}

fn wrong(place: &str, message: impl Into<String>) -> LimitsError {
    LimitsError { place: place.to_owned(), message: message.into() }
}

/// The limits of every quantity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults(BTreeMap<Quantity, Limits>);

impl Defaults {
    /// Reads a file such as `config/quality.toml`.
    ///
    /// # Errors
    /// Names the quantity and the test, or the line.
    pub fn parse(text: &str) -> Result<Self, LimitsError> {
        let tables: BTreeMap<String, Limits> =
            toml::from_str(text).map_err(|error| wrong("file", error.to_string()))?;
        let mut limits = BTreeMap::new();
        for (word, of) in tables {
            let quantity: Quantity = word.parse().map_err(|error| wrong(&word, format!("{error}")))?;
            if of.range.is_some() {
                let message = "what a quantity can be is built in; single streams have ranges of their own";
                return Err(wrong(&format!("{word}.range"), message));
            }
            of.check().map_err(|error| wrong(&format!("{word}.{}", error.place), error.message))?;
            limits.insert(quantity, of);
        }
        Ok(Self(limits))
    }

    /// Those of a stream, with what it has instead.
    pub fn of(&self, quantity: Quantity, own: &Overrides) -> Limits {
        let base = self.0.get(&quantity).cloned().unwrap_or_default();
        let done = |test: Test| !own.off.contains(&test);
        Limits {
            range: own.range.or(base.range),
            spike: own.spike.or(base.spike).filter(|_| done(Test::Spike)),
            rate: own.rate.or(base.rate).filter(|_| done(Test::Rate)),
            flat: own.flat.clone().or(base.flat).filter(|_| done(Test::FlatLine)),
            neighbours: own
                .neighbours
                .or(base.neighbours)
                .filter(|_| done(Test::Neighbours) && done(Test::StuckCounter)),
        }
    }
}

impl Overrides {
    /// # Errors
    /// Names the test.
    pub fn check(&self) -> Result<(), LimitsError> {
        // What a sensor cannot measure is thrown away on receipt; a stream has a range of its own instead.
        if self.off.contains(&Test::Range) {
            return Err(wrong("off", "the range test cannot be switched off; give the stream a wider range"));
        }
        let own = self.clone();
        Limits { range: own.range, spike: own.spike, rate: own.rate, flat: own.flat, neighbours: own.neighbours }
            .check()
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Limits {
    fn check(&self) -> Result<(), LimitsError> {
        if let Some(range) = self.range {
            let [fail_low, fail_high] = range.fail;
            let [low, high] = range.suspect;
            if !(fail_low <= low && low < high && high <= fail_high) {
                return Err(wrong("range", "expected the suspect range within the fail range, lowest first"));
            }
        }
        for (name, step) in [("spike", self.spike), ("rate", self.rate)] {
            if step.is_some_and(|step| step.suspect.0 <= 0 || step.fail.is_some_and(|fail| fail < step.suspect)) {
                return Err(wrong(name, "expected suspect above 0, and fail no less than suspect"));
            }
        }
        if let Some(flat) = &self.flat {
            let hours = 1..=MAX_LOOK_BACK_H;
            let later = flat.fail_h.is_none_or(|fail| hours.contains(&fail) && fail >= flat.suspect_h);
            if !hours.contains(&flat.suspect_h) || !later || flat.tolerance.0 < 0 {
                return Err(wrong(
                    "flat",
                    format!("expected 1 ≤ suspect_h ≤ fail_h ≤ {MAX_LOOK_BACK_H}, tolerance ≥ 0"),
                ));
            }
        }
        if let Some(near) = self.neighbours {
            let good = (1..=MAX_LOOK_BACK_H).contains(&near.window_h)
                && (1..=MAX_NEIGHBOURS).contains(&near.at_least)
                && (0..=Fixed::from_whole(50).0).contains(&near.within_km.0)
                && near.median.0 > 0
                && (0..Fixed::SCALE).contains(&near.share.0);
            if !good {
                let message = format!(
                    "expected window_h 1 to {MAX_LOOK_BACK_H}, at_least 1 to {MAX_NEIGHBOURS}, within_km up to 50, median above 0, \
                     share from 0 to below 1"
                );
                return Err(wrong("neighbours", message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../config/quality.toml");

    #[test]
    fn the_shipped_limits_are_good_and_doubt_no_heavy_rain() {
        let defaults = Defaults::parse(SHIPPED).unwrap();
        let rain = defaults.of(Quantity::Rain, &Overrides::default());
        assert!(rain.spike.is_none() && rain.rate.is_none(), "rain jumps");
        assert!(rain.neighbours.is_some() && rain.flat.is_some());
        assert_eq!(defaults.of(Quantity::Battery, &Overrides::default()), Limits::default());
    }

    #[test]
    fn a_stream_replaces_or_leaves_out_single_tests() {
        let defaults = Defaults::parse(SHIPPED).unwrap();
        let own: Overrides =
            serde_json::from_str(r#"{"off": ["flat_line"], "spike": {"suspect": 0.2, "fail": 0.5}}"#).unwrap();
        own.check().unwrap();
        let level = defaults.of(Quantity::WaterLevel, &own);
        assert!(level.flat.is_none() && level.rate.is_some());
        assert_eq!(level.spike.map(|spike| spike.suspect.to_f64()), Some(0.2));
    }

    #[test]
    fn wrong_limits_are_named() {
        for (text, place) in [
            ("[rain]\nspike = { suspect = 0 }", "rain.spike"),
            ("[rain]\nflat = { suspect_h = 200 }", "rain.flat"),
            (
                "[rain]\nneighbours = { within_km = 5, at_least = 0, window_h = 24, median = 20, share = 0.1 }",
                "rain.neighbours",
            ),
            ("[flow]\nrange = { fail = [0, 2], suspect = [0, 1] }", "flow.range"),
            ("[snow]\n", "snow"),
            ("[rain]\nspikes = 1", "file"),
        ] {
            assert_eq!(Defaults::parse(text).unwrap_err().place, place, "{text}");
        }
    }
}
