//! What people type into the forms of a dossier: times of the town, money, numbers. Empty is nothing, and not nought.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeZone as _};

use crate::clock::Instant;
use crate::damage::lines::{Amount, Line, Part};
use crate::web::error::FieldError;
use crate::web::pages::view::View;

/// The value of an `<input type=datetime-local>` in the town's zone.
pub fn local(v: &View, text: &str) -> Option<Instant> {
    let text = text.trim();
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
        .ok()?;
    v.tz.from_local_datetime(&naive).earliest().map(|at| at.to_utc())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits, in groups of three where there is a point: "1.234" and "1234", and never "85.5".
fn grouped(text: &str) -> Result<i64, ()> {
    let groups: Vec<&str> = text.split('.').collect();
    let is_grouped =
        groups.len() == 1 || groups.iter().skip(1).all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len());
    let digits = groups.concat();
    if !is_grouped || !is_number(&digits) || digits.len() > 15 {
        return Err(());
    }
    digits.parse().map_err(|_| ())
}

/// "1.234,56", "1234" and "R$ 1.234,5" as centavos; nothing for an empty text.
pub fn money(text: &str) -> Result<Option<i64>, ()> {
    let text: String = text.trim().trim_start_matches("R$").chars().filter(|letter| !letter.is_whitespace()).collect();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, cents) = text.split_once(',').unwrap_or((text.as_str(), "00"));
    if !is_number(cents) || cents.len() > 2 {
        return Err(());
    }
    let whole = grouped(whole)?;
    let cents: i64 = format!("{cents:0<2}").parse().map_err(|_| ())?;
    whole.checked_mul(100).and_then(|whole| whole.checked_add(cents)).map(Some).ok_or(())
}

/// A whole number with or without groups; nothing for an empty text.
pub fn number(text: &str) -> Result<Option<i64>, ()> {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    if text.is_empty() { Ok(None) } else { grouped(&text).map(Some) }
}

/// The fields of a form by name.
#[derive(Clone, Debug, Default)]
pub struct Typed(pub BTreeMap<String, String>);

impl Typed {
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn text(&self, name: &str) -> String {
        self.get(name).trim().replace("\r\n", "\n")
    }

    pub fn money(&self, name: &str, problems: &mut Vec<FieldError>) -> Option<i64> {
        money(self.get(name)).unwrap_or_else(|()| self.wrong(name, "expected money such as 1.234,56", problems))
    }

    pub fn number(&self, name: &str, problems: &mut Vec<FieldError>) -> Option<i64> {
        number(self.get(name)).unwrap_or_else(|()| self.wrong(name, "expected a whole number", problems))
    }

    fn wrong(&self, name: &str, expected: &str, problems: &mut Vec<FieldError>) -> Option<i64> {
        let value = self.get(name).chars().take(80).collect();
        problems.push(FieldError { field: name.into(), value, message: expected.into() });
        None
    }

    /// The amount of a line, of the fields `PREFIXpersons`, `PREFIXdamaged`, `PREFIXdestroyed` and `PREFIXvalue` that it has.
    pub fn amount(&self, prefix: &str, line: Line, problems: &mut Vec<FieldError>) -> Amount {
        let name = |field: &str| format!("{prefix}{field}");
        match line.part() {
            Part::Human | Part::Environmental => {
                Amount { persons: self.number(&name("persons"), problems), ..Amount::default() }
            }
            Part::Material => Amount {
                damaged: self.number(&name("damaged"), problems),
                destroyed: self.number(&name("destroyed"), problems),
                centavos: self.money(&name("value"), problems),
                persons: None,
            },
            Part::PublicLoss | Part::PrivateLoss => {
                Amount { centavos: self.money(&name("value"), problems), ..Amount::default() }
            }
        }
    }
}

/// Centavos as they are typed: "1234,56".
pub fn as_money(centavos: Option<i64>) -> String {
    centavos.map(|centavos| format!("{},{:02}", centavos / 100, centavos % 100)).unwrap_or_default()
}

pub fn as_number(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_as_people_write_it() {
        for (text, centavos) in [
            ("", None),
            (" ", None),
            ("0", Some(0)),
            ("1.234,56", Some(123_456)),
            ("R$ 10,5", Some(1050)),
            ("1234", Some(123_400)),
        ] {
            assert_eq!(money(text), Ok(centavos), "{text}");
        }
        for wrong in ["1,234.56", "-1", "1.23,4", "dez", "1,234", ",5", "12.34"] {
            assert_eq!(money(wrong), Err(()), "{wrong}");
        }
        assert_eq!(money(&as_money(Some(123_456))), Ok(Some(123_456)));
    }

    #[test]
    fn a_whole_number_with_a_decimal_point_is_refused_and_never_ten_times_as_much() {
        for (text, known) in
            [("", None), ("0", Some(0)), ("1.200", Some(1200)), ("540.756", Some(540_756)), ("85", Some(85))]
        {
            assert_eq!(number(text), Ok(known), "{text}");
        }
        for wrong in ["x", "85.5", "1.5", "12.34", "1.2345", ".200", "1234.567", "85,5", "-1", "+1"] {
            assert_eq!(number(wrong), Err(()), "{wrong}");
        }
    }
}
