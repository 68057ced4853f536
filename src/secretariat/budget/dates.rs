//! Until which day a bill is due, and until which it comes back. Pure: a fixed day of the year, by rules that hold from a day on.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use super::BillKind;

const SHIPPED: &str = include_str!("../../../config/secretariat/budget/dates.toml");

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetDateRule)]
#[serde(deny_unknown_fields)]
pub struct DateRule {
    /// ppa, ldo or loa, and submit or return.
    #[schema(pattern = r"^(ppa|ldo|loa)\.(submit|return)$")]
    pub code: String,
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub law_ref: String,
    /// Somebody held it against the law of the town.
    #[serde(default)]
    pub confirmed: bool,
    pub valid_from: NaiveDate,
    #[schema(minimum = 1, maximum = 12)]
    pub month: u32,
    #[schema(minimum = 1, maximum = 31)]
    pub day: u32,
    /// Years before the first one that the bill holds for.
    #[schema(minimum = 0, maximum = 2)]
    pub years_before: i32,
}

/// A day with the rule that says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetDue)]
pub struct Due {
    pub code: String,
    pub on: NaiveDate,
    pub law_ref: String,
    pub confirmed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<DateRule>,
}

/// # Errors
/// None in a release: a test reads the file.
pub fn shipped() -> Result<Vec<DateRule>, toml::de::Error> {
    toml::from_str::<File>(SHIPPED).map(|file| file.rule)
}

impl DateRule {
    /// What is wrong with it, with its field.
    pub fn problem(&self) -> Option<(&'static str, String, &'static str)> {
        let (kind, what) = self.code.split_once('.').unwrap_or_default();
        if kind.parse::<BillKind>().is_err() || !["submit", "return"].contains(&what) {
            return Some(("code", self.code.clone(), "expected ppa, ldo or loa, and .submit or .return"));
        }
        // A leap day is none of three years in four.
        if NaiveDate::from_ymd_opt(2026, self.month, self.day).is_none() {
            return Some(("day", format!("{}/{}", self.day, self.month), "expected a day of every year"));
        }
        if !(0..=2).contains(&self.years_before) {
            return Some(("years_before", self.years_before.to_string(), "expected 0 to 2"));
        }
        None
    }

    fn on(&self, first_year: i32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(first_year - self.years_before, self.month, self.day)
    }
}

/// The day by the rule that holds on it: the town's own before what is shipped, then the one that began last.
pub fn due(shipped: &[DateRule], local: &[DateRule], code: &str, first_year: i32) -> Option<Due> {
    let of = |rules: &[DateRule]| {
        let fitting = rules.iter().enumerate().filter_map(|(at, rule)| {
            let on = rule.on(first_year).filter(|on| rule.code == code && rule.valid_from <= *on)?;
            Some((rule.valid_from, at, on, rule.clone()))
        });
        fitting.max_by_key(|(from, at, ..)| (*from, *at))
    };
    let (_, _, on, rule) = of(local).or_else(|| of(shipped))?;
    Some(Due { code: rule.code, on, law_ref: rule.law_ref, confirmed: rule.confirmed })
}

/// The day on which codes of a bill are looked up: the first of its years.
pub fn first_day(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default()
}

/// True in one of the years.
pub fn is_in(day: NaiveDate, from: i32, to: i32) -> bool {
    (from..=to).contains(&day.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn bills_are_due_in_the_year_before_the_one_they_hold_for() {
        let rules = shipped().unwrap();
        assert!(rules.iter().all(|rule| rule.problem().is_none()));
        let on = |code: &str, year: i32| due(&rules, &[], code, year).unwrap().on;
        assert_eq!(on("ppa.submit", 2026), day("2025-08-31"));
        assert_eq!((on("ldo.submit", 2027), on("ldo.return", 2027)), (day("2026-04-15"), day("2026-07-17")));
        assert_eq!((on("loa.submit", 2027), on("loa.return", 2027)), (day("2026-08-31"), day("2026-12-22")));
        assert_eq!(due(&rules, &[], "loa.submit", 1980), None, "before the constitution");
    }

    #[test]
    fn the_organic_law_goes_before_from_its_day_on() {
        let rules = shipped().unwrap();
        let own = DateRule {
            code: "loa.submit".into(),
            law_ref: "Lei Orgânica, art. 120".into(),
            confirmed: true,
            valid_from: day("2026-01-01"),
            month: 9,
            day: 30,
            years_before: 1,
        };
        let local = [own.clone()];
        assert_eq!(due(&rules, &local, "loa.submit", 2027).unwrap().on, day("2026-09-30"));
        assert_eq!(
            due(&rules, &local, "loa.submit", 2026).unwrap().on,
            day("2025-08-31"),
            "the older year keeps its day"
        );
        assert_eq!(DateRule { month: 2, day: 29, ..own }.problem().unwrap().0, "day");
    }
}
