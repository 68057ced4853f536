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
        assert_eq!(on(day("2028-06-30")), None);
        let first = on(day("2028-07-01")).unwrap();
        assert!(first.election == day("2028-10-01") && first.law_ref.contains("art. 73"), "{first:?}");
        assert_eq!(on(day("2028-10-01")), Some(first));
        assert_eq!(on(day("2028-10-02")), None);
        assert_eq!(on(day("2026-08-15")), None, "a general election is not the town's (art. 73, § 3º)");
    }
}
