//! Dates and times as files write them, into instants. Pure.

use std::str::FromStr;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Days, FixedOffset, LocalResult, Months, NaiveDateTime, NaiveTime, TimeZone as _, Utc};

use super::mapping::Time;
use crate::clock::Instant;

/// Where the clock on the wall hung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zone {
    Utc,
    Offset(FixedOffset),
    Named(chrono_tz::Tz),
    /// The text has an offset of its own.
    Text,
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if let Some(zone) = [("UTC", Self::Utc), ("text", Self::Text)].iter().find(|(name, _)| *name == word) {
            return Ok(zone.1);
        }
        if let Ok(offset) = word.parse() {
            return Ok(Self::Offset(offset));
        }
        let expected = "expected UTC, an offset such as -03:00, a name such as America/Sao_Paulo, or \"text\"";
        word.parse().map(Self::Named).map_err(|_| format!("{word:?}: {expected}"))
    }
}

/// What is wrong with a mapping's times.
#[derive(Debug)]
pub struct BadTime {
    pub key: &'static str,
    pub message: String,
}

#[derive(Clone, Debug)]
enum Format {
    Rfc3339,
    Items { items: Vec<Item<'static>>, has_day: bool, short_year: bool, month_name: bool },
}

/// Reads the stamps of one kind of file.
#[derive(Clone, Debug)]
pub struct Stamp {
    zone: Zone,
    formats: Vec<Format>,
    shown: String,
    /// Which part between blanks is the hour alone, when it stands in a column of its own.
    hour_at: Option<usize>,
}

/// Months as Portuguese shortens them where English does otherwise.
const MONTHS: [(&str, &str); 7] =
    [("fev", "feb"), ("abr", "apr"), ("mai", "may"), ("ago", "aug"), ("set", "sep"), ("out", "oct"), ("dez", "dec")];

impl Stamp {
    pub fn build(time: &Time) -> Result<Self, BadTime> {
        let zone: Zone = time.zone.parse().map_err(|message| BadTime { key: "zone", message })?;
        if time.formats.is_empty() {
            return Err(BadTime { key: "formats", message: "expected at least one".into() });
        }
        let formats = time.formats.iter().map(|text| format(text, zone)).collect::<Result<_, _>>()?;
        let hour_at = time.formats.iter().find_map(|text| text.split_whitespace().position(|part| part == "%H"));
        Ok(Self { zone, formats, shown: time.formats.join(" or "), hour_at })
    }

    /// The time on the file's own clock, before its zone counts. A year of two digits lies before `now`.
    ///
    /// # Errors
    /// The text fits no format.
    pub fn read(&self, text: &str, now: Instant) -> Result<Read, String> {
        let (text, day_after) = self.hour_at.and_then(|at| midnight_at(text, at)).unwrap_or_else(|| midnight(text));
        let read = self.formats.iter().find_map(|format| format.read(&text, now));
        let days = Days::new(u64::from(day_after));
        match read {
            Some(Read::Local(at)) => at.checked_add_days(days).map(Read::Local),
            Some(Read::Instant(at)) => at.checked_add_days(days).map(Read::Instant),
            None => None,
        }
        .ok_or_else(|| format!("expected a time as {}", self.shown))
    }

    /// The instant of a time on the file's clock.
    ///
    /// # Errors
    /// A time that the clock showed twice or never, when summer time ended or began.
    pub fn instant(&self, at: NaiveDateTime) -> Result<Instant, &'static str> {
        match self.zone {
            Zone::Utc | Zone::Text => Ok(at.and_utc()),
            Zone::Offset(offset) => offset.from_local_datetime(&at).single().map(|at| at.to_utc()).ok_or("is no time"),
            Zone::Named(zone) => match zone.from_local_datetime(&at) {
                LocalResult::Single(at) => Ok(at.with_timezone(&Utc)),
                LocalResult::Ambiguous(..) => Err("was shown twice, when summer time ended: which one is meant?"),
                LocalResult::None => Err("was never shown: summer time began"),
            },
        }
    }
}

/// What a stamp says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Read {
    Local(NaiveDateTime),
    Instant(Instant),
}

/// "24:00" is the midnight that ends its day.
fn midnight(text: &str) -> (std::borrow::Cow<'_, str>, bool) {
    for (last, first) in [(" 24:00", " 00:00"), ("T24:00", "T00:00"), (" 2400", " 0000")] {
        if let Some(at) = text.find(last) {
            let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + last.len()..).unwrap_or_default());
            return (format!("{before}{first}{after}").into(), true);
        }
    }
    (text.into(), false)
}

/// The same where the hour is a part of its own. None when it is not 24, or something follows it that is not nothing.
fn midnight_at(text: &str, hour_at: usize) -> Option<(std::borrow::Cow<'_, str>, bool)> {
    let mut parts: Vec<&str> = text.split_whitespace().collect();
    let is_zero = |part: &&str| part.bytes().all(|byte| byte == b'0');
    if !parts.iter().skip(hour_at + 1).all(is_zero) {
        return None;
    }
    let hour = parts.get_mut(hour_at).filter(|hour| **hour == "24")?;
    *hour = "0";
    Some((parts.join(" ").into(), true))
}

fn format(text: &str, zone: Zone) -> Result<Format, BadTime> {
    let bad = |message: String| BadTime { key: "formats", message };
    if text == "rfc3339" {
        return match zone {
            Zone::Text => Ok(Format::Rfc3339),
            _ => Err(bad("\"rfc3339\" needs zone = \"text\"".into())),
        };
    }
    let items =
        StrftimeItems::new(text).parse_to_owned().map_err(|_| bad(format!("{text:?} is no strftime format")))?;
    let says_offset = text.contains("%z") || text.contains("%:z") || text.contains("%#z") || text.contains("%+");
    if says_offset != (zone == Zone::Text) {
        return Err(bad(format!("{text:?}: an offset in the text (%z) and zone = \"text\" belong together")));
    }
    let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    Ok(Format::Items {
        items,
        has_day: has(&["%d", "%e", "%j", "%F", "%D", "%x", "%c", "%s", "%+"]),
        short_year: has(&["%y", "%D", "%x"]),
        month_name: has(&["%b", "%h"]),
    })
}

impl Format {
    fn read(&self, text: &str, now: Instant) -> Option<Read> {
        let Self::Items { items, has_day, short_year, month_name } = self else {
            return DateTime::parse_from_rfc3339(text).ok().map(|at| Read::Instant(at.to_utc()));
        };
        let mut parsed = Parsed::new();
        let english = month_name.then(|| in_english(text));
        parse(&mut parsed, english.as_deref().unwrap_or(text), items.iter()).ok()?;
        if !has_day {
            parsed.set_day(1).ok()?;
        }
        // An hour alone is a whole one.
        if parsed.hour_div_12().is_some() && parsed.minute().is_none() {
            parsed.set_minute(0).ok()?;
        }
        let date = parsed.to_naive_date().ok()?;
        let time = if parsed.hour_div_12().is_some() { parsed.to_naive_time().ok()? } else { NaiveTime::MIN };
        let mut at = date.and_time(time);
        if *short_year && at.and_utc() > now {
            at = at.checked_sub_months(Months::new(1200))?;
        }
        match parsed.offset() {
            Some(seconds) => {
                let offset = FixedOffset::east_opt(seconds)?;
                offset.from_local_datetime(&at).single().map(|at| Read::Instant(at.to_utc()))
            }
            None => Some(Read::Local(at)),
        }
    }
}

fn in_english(text: &str) -> String {
    let mut text = text.to_lowercase();
    for (portuguese, english) in MONTHS {
        text = text.replace(portuguese, english);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(zone: &str, format: &str, text: &str) -> Result<String, String> {
        let time =
            Time { columns: vec![], formats: vec![format.into()], zone: zone.into(), stamps: Default::default() };
        let stamp = Stamp::build(&time).map_err(|bad| bad.message)?;
        let now = "2026-11-28T00:00:00Z".parse().unwrap();
        let at = match stamp.read(text, now)? {
            Read::Local(at) => stamp.instant(at)?,
            Read::Instant(at) => at,
        };
        Ok(at.format("%Y-%m-%dT%H:%MZ").to_string())
    }

    #[test]
    fn every_layout_seen_gives_its_instant() {
        for (zone, format, text, expected) in [
            ("UTC", "%Y/%m/%d %H%M UTC", "2022/01/01 1200 UTC", "2022-01-01T12:00Z"),
            ("UTC", "%d/%m/%Y %H%M", "31/01/2011 2300", "2011-01-31T23:00Z"),
            ("UTC", "%Y-%m-%d %H:%M:%S%.f", "2022-02-15 20:30:00.0", "2022-02-15T20:30Z"),
            ("-03:00", "%d/%m/%Y %H:%M", "05/05/2024 24:00", "2024-05-06T03:00Z"),
            ("-03:00", "%Y %m %d %H", "2024 5 5 24", "2024-05-06T03:00Z"),
            ("-03:00", "%Y %m %d %H %M", "2024 5 5 24 0", "2024-05-06T03:00Z"),
            ("-03:00", "%d %m %Y %H %M", "5 12 2024 7 40", "2024-12-05T10:40Z"),
            ("-05:00", "%b-%y", "May-68", "1968-05-01T05:00Z"),
            ("UTC", "%b-%y", "Fev-25", "2025-02-01T00:00Z"),
            ("America/Sao_Paulo", "%d/%m/%Y %H:%M", "10/01/2018 10:00", "2018-01-10T12:00Z"),
            ("America/Sao_Paulo", "%d/%m/%Y %H:%M", "10/07/2018 10:00", "2018-07-10T13:00Z"),
            ("text", "rfc3339", "2026-02-24T00:50:00-03:00", "2026-02-24T03:50Z"),
            ("text", "%Y-%m-%d %H:%M%z", "2026-02-24 00:50-0300", "2026-02-24T03:50Z"),
        ] {
            assert_eq!(read(zone, format, text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_hour_that_was_shown_twice_or_never_is_not_guessed() {
        let zone = "America/Sao_Paulo";
        assert!(read(zone, "%d/%m/%Y %H:%M", "17/02/2018 23:30").unwrap_err().contains("twice"));
        assert!(read(zone, "%d/%m/%Y %H:%M", "04/11/2018 00:30").unwrap_err().contains("never"));
    }

    #[test]
    fn what_does_not_fit_names_what_was_expected() {
        assert_eq!(read("UTC", "%d/%m/%Y", "2022-01-01").unwrap_err(), "expected a time as %d/%m/%Y");
        assert!(read("Brasilia", "%d/%m/%Y", "").unwrap_err().contains("America/Sao_Paulo"));
        assert!(read("UTC", "rfc3339", "").unwrap_err().contains("text"));
    }
}
