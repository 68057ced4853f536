//! Warnings that other institutions publish (INMET, the states, the federal IDAP): read tolerantly, kept with every byte,
//! linked to what they replace, and held against our town. They are shown as what they are, in their publisher's words;
//! none of them becomes an alert of ours by itself.

pub mod cap;
pub mod draft;
pub mod geometry;
pub mod hazard;
pub mod import;
pub mod inmet;
pub mod link;
pub mod listing;
pub mod shown;
pub mod signed;
pub mod store;
pub mod take;
pub mod teller;
pub mod trust;

use geo::MultiPolygon;
use serde::{Deserialize, Serialize};

pub use crate::alerts::cap::model::{Certainty, MsgType, Scope, Severity, Status, Urgency};
pub use crate::ingest::formats::Problem;

use crate::clock::Instant;
use crate::units::vocabulary;

/// Warnings of one document; a national list has some dozens.
pub const MAX_WARNINGS: usize = 500;
/// Points of all shapes of one warning.
pub const MAX_POINTS: usize = 20_000;
/// Municipalities of one warning; Brazil has 5,571.
pub const MAX_GEOCODES: usize = 6_000;
/// Named areas of one warning.
pub const MAX_AREAS: usize = 500;
/// Bytes of one message. INMET's largest, with every municipality of several states, has some 200 KiB.
pub const MAX_RAW: usize = 1024 * 1024;
/// Characters of a name or code, of a line, and of a text.
const NAME: usize = 200;
const LINE: usize = 500;
const TEXT: usize = 10_000;

vocabulary! {
    /// Why a warning is for this town.
    Because, "reason of a warning" {
        /// It names the municipality's IBGE code.
        Geocode = "geocode",
        /// A polygon of it touches the ground of our risk areas.
        Polygon = "polygon",
        /// A circle of it does.
        Circle = "circle",
    }
}

vocabulary! {
    /// How a warning came here.
    Way, "way of a warning" {
        Feed = "feed",
        /// Brought by a person: a file, what lies at an address, or a text put into the form.
        File = "file",
        Url = "url",
        Text = "text",
        Api = "api",
        Command = "command",
    }
}

/// The source of what people bring by hand, unless they say that it is the words of one of the feeds.
pub const BY_HAND: &str = "import";

vocabulary! {
    /// How it became known that one warning replaces another.
    LinkedHow, "kind of link" {
        /// It names the other in `references`.
        References = "references",
        /// It is a later revision under the same number.
        Revision = "revision",
        /// It names none, and is taken to be about the latest open one of the same sender and event that overlaps it.
        SameEventAndArea = "same_event_and_area",
        /// The same, by a municipality that both name.
        SameEventAndMunicipality = "same_event_and_municipality",
    }
}

/// One message of an institution, as far as it was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    pub identifier: String,
    pub sender: String,
    pub sender_name: String,
    pub sent_at: Instant,
    pub status: Status,
    pub msg_type: MsgType,
    pub scope: Scope,
    /// What the revisions of one warning have in common: the identifier, without the revision where one is known to be in it.
    pub series: String,
    pub revision: i32,
    /// (sender, identifier) of the messages that it names.
    pub references: Vec<(String, String)>,
    pub event: String,
    pub urgency: Urgency,
    pub severity: Severity,
    pub certainty: Certainty,
    /// The publisher's own word for how bad it is ("Perigo Potencial"), and colour ("#FFFE00"). Empty: it says none.
    pub level: String,
    pub colour: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub web: String,
    pub effective_at: Option<Instant>,
    pub onset_at: Option<Instant>,
    pub expires_at: Option<Instant>,
    /// The areas in words.
    pub area_texts: Vec<String>,
    /// IBGE codes of municipalities, seven digits, ascending.
    pub geocodes: Vec<String>,
    pub polygons: MultiPolygon<f64>,
    /// Circles, as polygons.
    pub circles: MultiPolygon<f64>,
    pub raw: Vec<u8>,
}

/// What a document held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    pub warnings: Vec<Warning>,
    pub problems: Vec<Problem>,
}

/// INMET's word for each of its colours.
pub const INMET_LEVELS: [(&str, &str, Severity); 3] = [
    ("#FFFE00", "Perigo Potencial", Severity::Moderate),
    ("#F96602", "Perigo", Severity::Severe),
    ("#F80703", "Grande Perigo", Severity::Extreme),
];

/// A colour as `#RRGGBB`, or nothing.
fn colour(text: &str) -> String {
    let text = text.trim();
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
    let is_colour = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_colour { text.to_ascii_uppercase() } else { String::new() }
}

/// At most so many characters; what is longer ends in "…". NUL, which PostgreSQL cannot keep, is left out.
fn cut(text: &str, most: usize) -> String {
    let text = text.trim();
    let mut kept: String = text.chars().filter(|c| *c != '\0').take(most).collect();
    if text.chars().nth(most).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// Every IBGE code of a municipality in a text: seven digits that stand alone and begin with the number of a state.
fn geocodes_in(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_ascii_digit());
    words.filter(|word| is_geocode(word)).map(str::to_owned)
}

fn is_geocode(word: &str) -> bool {
    let state: Option<u32> = word.get(..2).and_then(|state| state.parse().ok());
    let is_state = state.is_some_and(|state| matches!(state, 11..=17 | 21..=29 | 31..=33 | 35 | 41..=43 | 50..=53));
    word.len() == 7 && word.bytes().all(|byte| byte.is_ascii_digit()) && is_state
}

/// Ascending, each once, at most [`MAX_GEOCODES`].
fn tidy_geocodes(mut codes: Vec<String>) -> Vec<String> {
    codes.sort_unstable();
    codes.dedup();
    codes.truncate(MAX_GEOCODES);
    codes
}

/// INMET puts the revision at the end of its identifiers: `urn:oid:2.49.0.0.76.0.2026.28277.2` is the second word on 28277.
fn series(identifier: &str) -> (String, i32) {
    let of_brazil = identifier.starts_with("urn:oid:2.49.0.0.76.");
    let parts = identifier.rsplit_once('.').filter(|_| of_brazil);
    let numbered = parts.and_then(|(series, last)| Some((series.to_owned(), last.parse().ok().filter(|n| *n >= 0)?)));
    numbered.unwrap_or_else(|| (identifier.to_owned(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_municipalities_are_found_in_lists_and_in_words() {
        let found: Vec<_> = geocodes_in("Acarape - CE (2300150), 3136702,99999990 1834567 9900000").collect();
        assert_eq!(found, ["2300150", "3136702"]);
        assert_eq!(tidy_geocodes(vec!["35".into(), "31".into(), "35".into()]), ["31", "35"]);
    }

    #[test]
    fn the_revision_is_told_from_the_number_of_a_brazilian_warning_only() {
        assert_eq!(series("urn:oid:2.49.0.0.76.0.2026.28277.2"), ("urn:oid:2.49.0.0.76.0.2026.28277".into(), 2));
        assert_eq!(series("urn:oid:2.49.0.1.840.0.1.2"), ("urn:oid:2.49.0.1.840.0.1.2".into(), 0));
        assert_eq!(series("IDAP-7"), ("IDAP-7".into(), 0));
    }

    #[test]
    fn texts_are_cut_and_colours_are_colours() {
        assert_eq!((cut(" ação ", 4), cut("ações", 4)), ("ação".into(), "açõ…".into()));
        assert_eq!(
            (colour(" #f96602 "), colour("orange"), colour("#12")),
            ("#F96602".into(), String::new(), String::new())
        );
    }
}
