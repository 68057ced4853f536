//! Periods before municipal elections in which the town publishes no institutional publicity (Lei 9.504/1997, art. 73, VI, b). Pure.

use std::sync::OnceLock;

use chrono::NaiveDate;
use serde::Deserialize;

const SHIPPED: &str = include_str!("../../../config/secretariat/quiet_periods.toml");

/// One election and the days before it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    pub election: NaiveDate,
    pub from: NaiveDate,
    /// The last day, it included.
    pub until: NaiveDate,
    pub law_ref: String,
    /// Somebody held it against the calendar of the electoral court.
    #[serde(default)]
    pub confirmed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    period: Vec<Period>,
}

/// # Errors
/// Says where the text is wrong.
pub fn read(text: &str) -> Result<Vec<Period>, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.period)
}

/// The periods that come with the service; a test reads the file.
pub fn shipped() -> &'static [Period] {
    static READ: OnceLock<Vec<Period>> = OnceLock::new();
    READ.get_or_init(|| read(SHIPPED).unwrap_or_default())
}

/// The period that a day lies in.
pub fn on(day: NaiveDate) -> Option<&'static Period> {
    shipped().iter().find(|period| (period.from..=period.until).contains(&day))
}

/// # Errors
/// Why nothing institutional leaves on this day.
pub fn open_on(day: NaiveDate) -> Result<(), String> {
    match on(day) {
        None => Ok(()),
        Some(period) => Err(format!(
            "{day} lies in the quiet period of the election of {}, {} to {}: no institutional publicity but by a decision of the \
             electoral court; {}",
            period.election, period.from, period.until, period.law_ref
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_period_that_is_shipped_begins_three_months_before_its_election() {
        let all = read(SHIPPED).unwrap();
        assert!(!all.is_empty());
        for period in all {
            assert_eq!(period.from.checked_add_months(chrono::Months::new(3)), Some(period.election), "{period:?}");
            assert!(period.until >= period.election, "{period:?}");
        }
    }

    #[test]
    fn the_first_and_the_last_day_are_quiet_and_their_neighbours_are_not() {
        assert!(open_on(day("2028-06-30")).is_ok());
        let refused = open_on(day("2028-07-01")).unwrap_err();
        assert!(refused.contains("2028-10-01") && refused.contains("art. 73"), "{refused}");
        assert!(open_on(day("2028-10-01")).is_err());
        assert!(open_on(day("2028-10-02")).is_ok());
        assert!(open_on(day("2026-08-15")).is_ok(), "a general election is not the town's (art. 73, § 3º)");
    }
}
