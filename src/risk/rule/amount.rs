//! Windows, amounts with their units, days of the year and times of day, as people write them.

use crate::risk::calendar::Season;
use crate::risk::measure::Measure;
use crate::risk::rule::{MAX_WINDOW_H, Subject};
use crate::risk::series::Micros;
use crate::units::{Fixed, Quantity};

pub const HOUR: Micros = 3_600_000_000;
pub const MINUTE: Micros = HOUR / 60;

/// "15min", "1h" … "96h".
///
/// # Errors
/// Says what would be a window.
pub fn window(text: &str) -> Result<Micros, String> {
    let expected = || format!("{text:?} is no window; expected 5min to {MAX_WINDOW_H}h, such as \"15min\" or \"24h\"");
    let window = span(text).ok_or_else(expected)?;
    if (HOUR / 12..=MAX_WINDOW_H * HOUR).contains(&window) { Ok(window) } else { Err(expected()) }
}

/// "90min", "2h", "1h30min", "3d".
pub fn span(text: &str) -> Option<Micros> {
    let mut rest = text.trim();
    let mut total: Micros = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest.get(..digits)?.parse().ok()?;
        let (unit, after) = [("min", MINUTE), ("h", HOUR), ("d", 24 * HOUR)]
            .iter()
            .find_map(|(word, unit)| Some((*unit, rest.get(digits..)?.strip_prefix(word)?)))?;
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = after;
    }
    Some(total)
}

/// "25 mm": a number and a unit that fits what is measured; the result is in the canonical unit. A bare number needs no unit.
///
/// # Errors
/// Says what would fit.
pub fn amount(text: &str, measure: &Measure, subject: Subject) -> Result<Fixed, String> {
    let wanted = measure.unit(subject);
    let expected = || match wanted.as_str() {
        "1" => format!("{text:?} is no number; expected such as \"1.5\""),
        unit => format!("{text:?} does not fit {}; expected such as \"25 {unit}\"", subject.as_str()),
    };
    let (number, unit) = match text.trim().split_once(' ') {
        Some((number, unit)) => (number, unit.trim()),
        None if wanted == "1" => (text.trim(), "1"),
        None => return Err(expected()),
    };
    let value: f64 = number.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(expected)?;
    let factor = match (measure, subject) {
        (Measure::Curve(_), _) => (unit == "1").then_some((1.0, 0.0)),
        (Measure::Rate(_), subject) => unit.strip_suffix("/h").and_then(|unit| difference(subject.quantity(), unit)),
        (Measure::Above(_), subject) => difference(subject.quantity(), unit),
        (_, Subject::Measured(quantity)) => quantity.conversion(unit),
        (_, Subject::Derived(derived)) if derived.unit() == "1" => (unit == "1").then_some((1.0, 0.0)),
        (_, Subject::Derived(derived)) => derived.primary().conversion(unit),
    };
    let (factor, offset) = factor.ok_or_else(expected)?;
    Fixed::try_from(value.mul_add(factor, offset)).map_err(|error| error.to_string())
}

/// A difference has no zero point: 9 °F more are 5 °C more.
fn difference(quantity: Quantity, unit: &str) -> Option<(f64, f64)> {
    quantity.conversion(unit).map(|(factor, _)| (factor, 0.0))
}

/// "12-01" to month and day.
fn day(text: &str) -> Option<(u8, u8)> {
    let (month, day) = text.split_once('-')?;
    let (month, day): (u8, u8) = (month.parse().ok()?, day.parse().ok()?);
    let days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let last = *days.get(usize::from(month).checked_sub(1)?)?;
    (1..=last).contains(&day).then_some((month, day))
}

/// First and last day of a season.
///
/// # Errors
/// Names the one that is no day.
pub fn season(from: &str, to: &str) -> Result<Season, String> {
    let read =
        |text: &str| day(text).ok_or_else(|| format!("{text:?} is no day; expected month-day, such as \"12-01\""));
    Ok(Season { from: read(from)?, to: read(to)? })
}

/// "22:00" to minutes after midnight.
///
/// # Errors
/// Says what would be a time.
pub fn time_of_day(text: &str) -> Result<u32, String> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    read().ok_or_else(|| format!("{text:?} is no time of day; expected such as \"22:00\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_their_parts() {
        assert_eq!(span("1h30min"), Some(90 * MINUTE));
        assert_eq!(span("2d"), Some(48 * HOUR));
        assert_eq!((span("90"), span("h"), span(""), span("1m")), (None, None, None, None));
    }

    #[test]
    fn a_difference_of_temperatures_has_no_zero_point() {
        let heat = Subject::Measured(Quantity::AirTemperature);
        assert_eq!(amount("9 [degF]/h", &Measure::Rate(HOUR), heat), Ok(Fixed::from_whole(5)));
        assert_eq!(amount("95 [degF]", &Measure::Latest, heat), Ok(Fixed::from_whole(35)));
    }

    #[test]
    fn days_that_no_month_has_are_refused() {
        assert!(season("02-29", "12-31").is_ok());
        for wrong in ["02-30", "13-01", "0-1", "12", ""] {
            assert!(season(wrong, "01-01").is_err(), "{wrong}");
        }
    }
}
