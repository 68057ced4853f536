//! Instants as CAP writes them.

use std::fmt;

use chrono::{DateTime, FixedOffset, TimeZone, Utc};

/// An instant with its offset, and the very characters it was written with: `references` must repeat them.
///
/// CAP 1.2 section 3.3.2: `2026-02-23T21:40:00-03:00`, no fractions, no `Z`; UTC is `-00:00`. Reading takes any
/// RFC 3339 time, so that `validate` can name what is wrong with it.
#[derive(Clone, Debug)]
pub struct CapTime {
    at: DateTime<FixedOffset>,
    text: String,
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no time; expected one such as 2026-02-23T21:40:00-03:00")]
pub struct BadTime(pub String);

impl CapTime {
    /// `at` in the local time of `zone`, cut to the second.
    pub fn at<Z: TimeZone>(at: DateTime<Utc>, zone: &Z) -> Self {
        use chrono::Offset as _;
        let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let local = at.with_timezone(&offset);
        let numeric = if offset.local_minus_utc() == 0 { "-00:00".to_owned() } else { offset.to_string() };
        let text = format!("{}{numeric}", local.format("%Y-%m-%dT%H:%M:%S"));
        // The instant must be the one the text tells, or a message would not equal itself after parsing.
        Self::parse(&text).unwrap_or(Self { at: local, text })
    }

    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| BadTime(text.chars().take(80).collect()))?;
        Ok(Self { at, text: text.to_owned() })
    }

    pub fn instant(&self) -> DateTime<Utc> {
        self.at.with_timezone(&Utc)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Why the text is not a CAP time, or `None`.
    pub fn flaw(&self) -> Option<&'static str> {
        let shape = self.text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
        let shape: Vec<u8> = shape.collect();
        match shape.as_slice() {
            _ if self.text.ends_with("+00:00") => Some("UTC is written -00:00"),
            b"0000-00-00T00:00:00-00:00" | b"0000-00-00T00:00:00+00:00" => None,
            _ if self.text.ends_with(['Z', 'z']) => Some("needs a numeric offset, not Z (UTC is -00:00)"),
            _ if self.text.contains('.') => Some("must not have fractions of a second"),
            _ => Some("must look like 2026-02-23T21:40:00-03:00"),
        }
    }
}

/// Equal when written alike: two spellings of one instant are two references.
impl PartialEq for CapTime {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CapTime {}

impl fmt::Display for CapTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_carries_the_offset_of_its_zone() {
        let at = DateTime::from_timestamp_micros(1_771_893_600_123_456).unwrap();
        assert_eq!(CapTime::at(at, &chrono_tz::America::Sao_Paulo).as_str(), "2026-02-23T21:40:00-03:00");
        assert_eq!(CapTime::at(at, &chrono_tz::America::Manaus).as_str(), "2026-02-23T20:40:00-04:00");
        assert_eq!(CapTime::at(at, &chrono_tz::UTC).as_str(), "2026-02-24T00:40:00-00:00");
    }

    #[test]
    fn times_that_cap_forbids_are_read_and_named() {
        let flaw = |text: &str| CapTime::parse(text).unwrap().flaw();
        assert_eq!(flaw("2026-02-23T21:40:00-03:00"), None);
        assert_eq!(flaw("2026-02-24T00:40:00-00:00"), None);
        assert!(flaw("2026-02-24T00:40:00Z").unwrap().contains("not Z"));
        assert!(flaw("2026-02-24T00:40:00+00:00").unwrap().contains("-00:00"));
        assert!(flaw("2026-02-24T00:40:00.5-03:00").unwrap().contains("fractions"));
        assert!(CapTime::parse("24/02/2026 00:40").is_err());
    }
}
