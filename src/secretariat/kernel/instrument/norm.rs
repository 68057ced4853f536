//! Whose norm governs an instrument (tempus regit actum). Pure.

use chrono::NaiveDate;

/// The day whose norm governs: that of the signing, under whose norm an instrument goes on whatever comes after it; before it is signed,
/// today.
pub fn governed_on(signed_on: Option<NaiveDate>, today: NaiveDate) -> NaiveDate {
    signed_on.filter(|signed| *signed <= today).unwrap_or(today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_goes_on_under_the_norm_of_that_day_and_what_was_not_under_todays() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let today = day("2026-03-02");
        assert_eq!(governed_on(Some(day("2023-08-31")), today), day("2023-08-31"));
        assert_eq!(governed_on(Some(today), today), today);
        assert_eq!(governed_on(None, today), today);
        assert_eq!(governed_on(Some(day("2026-03-03")), today), today, "a day to come signed nothing yet");
    }
}
