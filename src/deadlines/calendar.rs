//! Days without business: Saturdays, Sundays, and holidays that are fixed, reckoned from Easter, or entered. Pure.

use chrono::{Datelike as _, NaiveDate, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};

use super::HolidayKind;

const SHIPPED: &str = include_str!("../../config/secretariat/holidays.toml");

const fn yes() -> bool {
    true
}

/// Comes every year on the same day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    pub month: u32,
    pub day: u32,
    pub name: String,
    pub kind: HolidayKind,
    #[serde(default = "yes")]
    pub shut: bool,
    #[serde(default)]
    pub law_ref: String,
    /// The first year that has it.
    #[serde(default)]
    pub from_year: Option<i32>,
}

/// So many days after Easter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfEaster {
    pub offset: i64,
    pub name: String,
    pub kind: HolidayKind,
    #[serde(default = "yes")]
    pub shut: bool,
    #[serde(default)]
    pub law_ref: String,
}

/// On one day of one year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Holiday {
    /// Of a row that was entered; none of what is shipped.
    pub id: Option<uuid::Uuid>,
    pub day: NaiveDate,
    pub name: String,
    #[schema(value_type = String)]
    pub kind: HolidayKind,
    /// Offices are shut: no business day.
    pub shut: bool,
    pub law_ref: String,
}

/// Why a day has no business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shut {
    Saturday,
    Sunday,
    Holiday(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    pub fixed: Vec<Fixed>,
    pub of_easter: Vec<OfEaster>,
    /// Entered by the town. What it says of a day goes before what is shipped: a row that is not shut opens an optional day.
    pub entered: Vec<Holiday>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fixed: Vec<Fixed>,
    easter: Vec<OfEaster>,
}

/// What comes with the service, without anything entered.
///
/// # Errors
/// None in a release: a test reads it.
pub fn shipped() -> Result<Calendar, toml::de::Error> {
    let file: File = toml::from_str(SHIPPED)?;
    Ok(Calendar { fixed: file.fixed, of_easter: file.easter, entered: Vec::new() })
}

/// Easter Sunday of the Gregorian calendar, by the rule that was first printed in Nature, 1876.
pub fn easter(year: i32) -> Option<NaiveDate> {
    let (a, b, c) = (year.rem_euclid(19), year.div_euclid(100), year.rem_euclid(100));
    let (d, e) = (b.div_euclid(4), b.rem_euclid(4));
    let f = (b + 8).div_euclid(25);
    let g = (b - f + 1).div_euclid(3);
    let h = (19 * a + b - d - g + 15).rem_euclid(30);
    let (i, k) = (c.div_euclid(4), c.rem_euclid(4));
    let l = (32 + 2 * e + 2 * i - h - k).rem_euclid(7);
    let m = (a + 11 * h + 22 * l).div_euclid(451);
    let sum = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(sum / 31).ok()?, u32::try_from(sum % 31 + 1).ok()?)
}

impl Calendar {
    /// Every holiday of a year, by day; what was entered in the place of what is shipped for that day and kind.
    pub fn of_year(&self, year: i32) -> Vec<Holiday> {
        let mut all: Vec<Holiday> = Vec::new();
        for one in self.fixed.iter().filter(|one| one.from_year.is_none_or(|from| from <= year)) {
            let Some(day) = NaiveDate::from_ymd_opt(year, one.month, one.day) else { continue };
            let (name, law_ref) = (one.name.clone(), one.law_ref.clone());
            all.push(Holiday { id: None, day, name, kind: one.kind, shut: one.shut, law_ref });
        }
        for one in &self.of_easter {
            let day = easter(year).and_then(|easter| easter.checked_add_signed(TimeDelta::days(one.offset)));
            let Some(day) = day else { continue };
            let (name, law_ref) = (one.name.clone(), one.law_ref.clone());
            all.push(Holiday { id: None, day, name, kind: one.kind, shut: one.shut, law_ref });
        }
        let entered = self.entered.iter().filter(|one| one.day.year() == year);
        for one in entered {
            all.retain(|other| other.id.is_some() || (other.day, other.kind) != (one.day, one.kind));
            all.push(one.clone());
        }
        all.sort_by(|a, b| (a.day, a.kind, &a.name).cmp(&(b.day, b.kind, &b.name)));
        all
    }

    /// Why a day has no business; none: it has.
    pub fn shut(&self, day: NaiveDate) -> Option<Shut> {
        match day.weekday() {
            Weekday::Sat => return Some(Shut::Saturday),
            Weekday::Sun => return Some(Shut::Sunday),
            _ => {}
        }
        let today = self.of_year(day.year()).into_iter().find(|one| one.day == day && one.shut);
        today.map(|one| Shut::Holiday(one.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_falls_where_almanacs_say() {
        for known in ["2000-04-23", "2011-04-24", "2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05", "2038-04-25"]
        {
            assert_eq!(easter(day(known).year()), Some(day(known)));
        }
    }

    #[test]
    fn the_days_of_2026_are_those_of_the_law() {
        let calendar = shipped().unwrap();
        let names = |on: &str| calendar.shut(day(on));
        assert_eq!(names("2026-02-17"), Some(Shut::Holiday("Carnaval (terça-feira)".into())));
        assert_eq!(names("2026-04-03"), Some(Shut::Holiday("Paixão de Cristo".into())));
        assert_eq!(names("2026-06-04"), Some(Shut::Holiday("Corpus Christi".into())));
        assert!(names("2026-11-20").is_some() && names("2023-11-20").is_none(), "the law is of 2023");
        assert_eq!((names("2026-11-28"), names("2026-11-29")), (Some(Shut::Saturday), Some(Shut::Sunday)));
        assert_eq!(names("2026-10-28"), None, "an optional day with business");
    }

    #[test]
    fn what_the_town_enters_goes_before_what_is_shipped() {
        let mut calendar = shipped().unwrap();
        let row = |on: &str, kind, shut| Holiday {
            id: Some(uuid::Uuid::nil()),
            day: day(on),
            name: "Aniversário da cidade".into(),
            kind,
            shut,
            law_ref: String::new(),
        };
        calendar.entered.push(row("2026-06-01", HolidayKind::Municipal, true));
        calendar.entered.push(row("2026-06-04", HolidayKind::Optional, false));
        assert_eq!(calendar.shut(day("2026-06-01")), Some(Shut::Holiday("Aniversário da cidade".into())));
        assert_eq!(calendar.shut(day("2026-06-04")), None, "the act of the year opens the offices");
        assert_eq!(calendar.shut(day("2027-06-01")), None);
    }
}
