//! When something was published, as feeds write it: RFC 2822 with zones that are wrong, ISO 8601 with and without one, months in Portuguese.
//! Pure.

use chrono::{Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;

use crate::clock::Instant;

const MONTHS: [(&str, u32); 17] = [
    ("jan", 1),
    ("feb", 2),
    ("fev", 2),
    ("mar", 3),
    ("apr", 4),
    ("abr", 4),
    ("may", 5),
    ("mai", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("ago", 8),
    ("sep", 9),
    ("set", 9),
    ("oct", 10),
    ("out", 10),
    ("nov", 11),
];
const DECEMBERS: [&str; 2] = ["dec", "dez"];
/// Letters of a date that is looked at.
const MOST: usize = 64;

/// The instant; what names no zone, or one that is none, is the town's time. `None` for what is no date.
pub fn read(text: &str, tz: Tz) -> Option<Instant> {
    let text = text.trim();
    if text.len() > MOST || !text.is_ascii() {
        return None;
    }
    let found = iso(text, tz).or_else(|| mail(text, tz))?;
    (1990..=2200).contains(&found.year()).then_some(found)
}

fn local(at: NaiveDateTime, tz: Tz) -> Option<Instant> {
    // An hour that a change of clocks leaves out is read as if it had not.
    tz.from_local_datetime(&at).earliest().map(|at| at.to_utc()).or_else(|| Some(at.and_utc()))
}

/// 2026-02-22, 2026-02-22T10:00, 2026-02-22 10:00:00.123-03:00, …Z.
fn iso(text: &str, tz: Tz) -> Option<Instant> {
    let day: NaiveDate = text.get(..10)?.parse().ok()?;
    let rest = text[10..].trim_start_matches(['T', 't', ' ']).trim();
    if rest.is_empty() {
        return local(day.and_time(NaiveTime::MIN), tz);
    }
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(rest.len());
    let (time, zone) = rest.split_at(end);
    within(day.and_time(clock(time)?), zone.trim(), tz)
}

/// Sun, 22 Feb 2026 10:00:00 -0300; the day of the week is not believed, and need not be there.
fn mail(text: &str, tz: Tz) -> Option<Instant> {
    let mut parts = text.split([' ', ',', '\t', '-']).filter(|part| !part.is_empty()).peekable();
    if parts.peek()?.starts_with(|c: char| c.is_ascii_alphabetic()) && month(parts.peek()?).is_none() {
        parts.next();
    }
    let first = parts.next()?;
    // Some put the month before the day.
    let (day, month) = match month(first) {
        Some(month) => (parts.next()?.parse().ok()?, month),
        None => (first.parse().ok()?, month(parts.next()?)?),
    };
    let year: i32 = parts.next()?.parse().ok()?;
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        other => other,
    };
    let day = NaiveDate::from_ymd_opt(year, month, day)?;
    let Some(time) = parts.next() else { return local(day.and_time(NaiveTime::MIN), tz) };
    let at = day.and_time(clock(time)?);
    // The zone as it stands, with its sign.
    let zone = text.rsplit_once(time).map_or("", |(_, zone)| zone.trim());
    within(at, zone, tz)
}

fn month(word: &str) -> Option<u32> {
    let word = word.get(..3)?.to_ascii_lowercase();
    if DECEMBERS.contains(&word.as_str()) {
        return Some(12);
    }
    MONTHS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number)
}

fn clock(text: &str) -> Option<NaiveTime> {
    let mut parts = text.split(':');
    let (hour, minute): (u32, u32) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second: u32 = parts.next().map_or(Some(0), |part| part.split('.').next()?.parse().ok())?;
    // A leap second, or hour 24 of a program that counts so.
    NaiveTime::from_hms_opt(hour % 24, minute, second.min(59))
}

fn within(at: NaiveDateTime, zone: &str, tz: Tz) -> Option<Instant> {
    match offset(zone) {
        Some(offset) => offset.from_local_datetime(&at).single().map(|at| at.to_utc()),
        None => local(at, tz),
    }
}

/// `None` for no zone, and for one that nobody lives in.
fn offset(zone: &str) -> Option<FixedOffset> {
    let upper = zone.to_ascii_uppercase();
    let hours = |hours: i32| FixedOffset::east_opt(hours * 3600);
    match upper.as_str() {
        "Z" | "UT" | "UTC" | "GMT" => return hours(0),
        "BRT" | "ART" => return hours(-3),
        "BRST" | "FNT" => return hours(-2),
        "AMT" | "EDT" => return hours(-4),
        "EST" | "ACT" | "CDT" => return hours(-5),
        "CST" | "MDT" => return hours(-6),
        "PDT" | "MST" => return hours(-7),
        "PST" => return hours(-8),
        "CET" | "WEST" => return hours(1),
        "CEST" => return hours(2),
        _ => {}
    }
    let number = upper.strip_prefix("GMT").or_else(|| upper.strip_prefix("UTC")).unwrap_or(&upper);
    let (sign, digits) = match number.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().take_while(|c| c.is_ascii_digit() || *c == ':').filter(|c| *c != ':').collect();
    let (hour, minute) = match digits.len() {
        1 | 2 => (digits.parse::<i32>().ok()?, 0),
        3 | 4 => digits
            .split_at_checked(digits.len() - 2)
            .map(|(h, m)| (h.parse().unwrap_or(99), m.parse().unwrap_or(99)))?,
        _ => return None,
    };
    (hour <= 14 && minute < 60).then(|| FixedOffset::east_opt(sign * (hour * 3600 + minute * 60))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<String> {
        read(text, chrono_tz::America::Sao_Paulo).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }

    #[test]
    fn dates_are_read_as_feeds_write_them() {
        let ten = Some("2026-02-22T13:00:00Z".to_owned());
        for text in [
            "Sun, 22 Feb 2026 10:00:00 -0300",
            "Dom, 22 Fev 2026 10:00:00 -0300",
            "Tue, 22 Feb 2026 10:00:00 -0300",
            "22 Feb 26 10:00 -0300",
            "Sun, 22 Feb 2026 13:00:00 GMT",
            "Sun, 22 Feb 2026 10:00:00 BRT",
            "Sun, 22 Feb 2026 10:00:00 GMT-3",
            "Sun, 22 Feb 2026 10:00:00 -300",
            "Sun, 22 Feb 2026 10:00:00",
            "Sun, 22 Feb 2026 10:00:00 -9900",
            "Sun, 22 Feb 2026 10:00:00 XYZ",
            "2026-02-22T10:00:00-03:00",
            "2026-02-22T13:00:00.5Z",
            "2026-02-22 10:00",
            "2026-02-22T10:00:00-0300",
            "Feb 22, 2026 10:00:00 -0300",
        ] {
            assert_eq!(at(text), ten, "{text}");
        }
        assert_eq!(at("2026-02-22").as_deref(), Some("2026-02-22T03:00:00Z"));
        // In a summer with daylight saving time.
        assert_eq!(at("2018-12-22T10:00:00").as_deref(), Some("2018-12-22T12:00:00Z"));
        for text in ["", "ontem", "2026-02-30", "32 Feb 2026", "Sun", "0001-01-01", "22 Feb 2026 99:99", "é"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
