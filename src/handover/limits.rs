//! How much each channel carries. Pure.

use serde::Serialize;

use super::PublicChannel;
use crate::alerts::AlertKind;
use crate::dispatch::sms_text::{self, Encoding};
use crate::units::Level;

/// GSM 7-bit characters of a page of cell broadcast: 82 octets (3GPP TS 23.041, section 9.4.1.2.2).
pub const CELL_PAGE_GSM7: usize = 93;
/// UCS-2 characters of the same 82 octets.
pub const CELL_PAGE_UCS2: usize = 41;
/// Pages of one message (3GPP TS 23.041, section 9.4.1.2.4).
pub const CELL_PAGES: usize = 15;
/// All of it: 1,395 GSM 7-bit characters.
pub const CELL_GSM7: usize = CELL_PAGE_GSM7 * CELL_PAGES;
pub const CELL_UCS2: usize = CELL_PAGE_UCS2 * CELL_PAGES;
/// One segment of SMS (3GPP TS 23.040): 40199 is asked for one.
pub const SMS_GSM7: usize = 160;
pub const SMS_UCS2: usize = 70;
/// CAP 1.2 recommends a headline of at most 160 characters and its peers 140; IDAP publishes no limit of its own, so the title keeps
/// to the shorter and the text to what an alert of ours may hold.
pub const IDAP_TITLE: usize = 140;
pub const IDAP_TEXT: usize = 4000;

/// How long a text is, in what the channel counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Length {
    /// GSM septets, UTF-16 units or characters.
    pub units: usize,
    pub most: usize,
    /// Pages of cell broadcast or segments of SMS; 1 for IDAP.
    pub pages: usize,
    /// False when an accent or sign forces sixteen bits.
    pub is_gsm: bool,
}

impl Length {
    /// Whether the channel takes it.
    pub const fn fits(&self) -> bool {
        self.units > 0 && self.units <= self.most
    }
}

/// Measures a text for a channel.
pub fn length(channel: PublicChannel, text: &str) -> Length {
    let text = text.trim();
    let measured = sms_text::measure(text);
    let is_gsm = measured.encoding == Encoding::Gsm7;
    let units = if text.is_empty() { 0 } else { measured.units };
    match channel {
        PublicChannel::Idap => {
            // The first line is the title.
            let title = text.lines().next().unwrap_or_default().chars().count();
            let most = if title > IDAP_TITLE { 0 } else { IDAP_TEXT };
            Length { units: text.chars().count(), most, pages: 1, is_gsm }
        }
        PublicChannel::Sms40199 => {
            Length { units, most: if is_gsm { SMS_GSM7 } else { SMS_UCS2 }, pages: measured.segments, is_gsm }
        }
        PublicChannel::CellBroadcast => {
            let (page, most) = if is_gsm { (CELL_PAGE_GSM7, CELL_GSM7) } else { (CELL_PAGE_UCS2, CELL_UCS2) };
            Length { units, most, pages: units.div_ceil(page), is_gsm }
        }
    }
}

/// The class of a cell broadcast, with why (key of the words).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Rings even on silent.
    Extreme,
    /// Beeps.
    Severe,
}

impl Class {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extreme => "extreme",
            Self::Severe => "severe",
        }
    }
}

/// The class by kind and level, and the key of its reason; or the key of why no cell broadcast is made of it.
///
/// # Errors
/// Below the level *alert*: every phone in the area would beep for what asks nobody to act at once.
pub const fn class(kind: AlertKind, level: Level) -> Result<(Class, &'static str), &'static str> {
    match (kind, level) {
        // The end of a danger wakes nobody up.
        (AlertKind::AllClear | AlertKind::Cancel, Level::Maximum | Level::Alert) => {
            Ok((Class::Severe, "handover-class-end"))
        }
        (AlertKind::Alert | AlertKind::Update, Level::Maximum) => Ok((Class::Extreme, "handover-class-maximum")),
        (AlertKind::Alert | AlertKind::Update, Level::Alert) => Ok((Class::Severe, "handover-class-alert")),
        _ => Err("handover-class-none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_broadcast_counts_pages_of_93_up_to_1395() {
        let channel = PublicChannel::CellBroadcast;
        let of = |count: usize| length(channel, &"a".repeat(count));
        assert_eq!((of(93).pages, of(94).pages, of(1395).pages), (1, 2, 15));
        assert!(of(1395).fits() && !of(1396).fits());
        let wide = length(channel, &"ã".repeat(616));
        assert!(!wide.fits() && !wide.is_gsm && wide.most == 615);
        // A sign of the extension table is two.
        assert_eq!(length(channel, &"€".repeat(47)).pages, 2);
    }

    #[test]
    fn an_sms_of_40199_is_one_segment() {
        let of = |text: &str| length(PublicChannel::Sms40199, text);
        assert!(of(&"a".repeat(160)).fits() && !of(&"a".repeat(161)).fits());
        assert!(of(&"ã".repeat(70)).fits() && !of(&"ã".repeat(71)).fits());
        assert!(!of("  ").fits(), "nothing is no message");
    }

    #[test]
    fn the_title_of_idap_keeps_to_its_line() {
        let long = format!("{}\ntexto", "t".repeat(141));
        assert!(!length(PublicChannel::Idap, &long).fits());
        assert!(length(PublicChannel::Idap, "Título\ntexto").fits());
    }

    #[test]
    fn only_the_maximum_level_rings_on_silent_and_nothing_below_alert_is_broadcast() {
        assert_eq!(class(AlertKind::Alert, Level::Maximum).unwrap().0, Class::Extreme);
        assert_eq!(class(AlertKind::Update, Level::Alert).unwrap().0, Class::Severe);
        assert_eq!(class(AlertKind::AllClear, Level::Maximum).unwrap().0, Class::Severe);
        for level in [Level::Normal, Level::Observation, Level::Attention] {
            assert!(class(AlertKind::Alert, level).is_err(), "{level}");
        }
    }
}
