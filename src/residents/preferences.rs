//! What residents want to hear, and when, and what kind of help they need. Pure.

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// The least level that somebody hears of. Nobody can choose not to hear of alert and maximum.
    LeastLevel, "least level" {
        Observation = "observation",
        Attention = "attention",
        Alert = "alert",
    }
}

vocabulary! {
    /// A kind of help in an emergency, kept while the consent to it stands. What exactly somebody needs is sealed. Texts are `need-NEED`.
    Need, "kind of need" {
        /// Cannot walk, or not far.
        Mobility = "mobility",
        /// Depends on somebody who cares for them, or on a device.
        Care = "care",
        Hearing = "hearing",
        Sight = "sight",
        Pets = "pets",
        Children = "children",
        Elderly = "elderly",
    }
}

/// Hours without messages of levels below alert, by the clock of the town; from 22:00 until 6:00 they run over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    pub from: NaiveTime,
    pub until: NaiveTime,
}

impl Quiet {
    /// From two fields such as "22:00" and "06:00"; `None` when both are empty.
    ///
    /// # Errors
    /// When one is missing, is no time, or both are the same: a whole day without messages is another choice.
    pub fn read(from: &str, until: &str) -> Result<Option<Self>, String> {
        let (from, until) = (from.trim(), until.trim());
        if from.is_empty() && until.is_empty() {
            return Ok(None);
        }
        let time = |text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M")
                .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S"))
                .map_err(|_| format!("{text:?} is no time of the day such as 22:00"))
        };
        let quiet = Self { from: time(from)?, until: time(until)? };
        if quiet.from == quiet.until { Err("both times are the same".to_owned()) } else { Ok(Some(quiet)) }
    }

    pub fn words(self) -> (String, String) {
        (self.from.format("%H:%M").to_string(), self.until.format("%H:%M").to_string())
    }
}

/// What somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    pub least_level: LeastLevel,
    pub quiet: Option<Quiet>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { least_level: LeastLevel::Observation, quiet: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_two_times_or_none() {
        let night = Quiet::read("22:00", " 06:30 ").unwrap().unwrap();
        assert_eq!(night.words(), ("22:00".to_owned(), "06:30".to_owned()));
        assert_eq!(Quiet::read("", " "), Ok(None));
        for (from, until) in [("22:00", ""), ("", "06:00"), ("24:00", "06:00"), ("22", "6"), ("07:00", "07:00")] {
            assert!(Quiet::read(from, until).is_err(), "{from} {until}");
        }
    }
}
