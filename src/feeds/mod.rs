//! What other institutions publish: measurements, which are asked for, read, and put into the journal of our own stations,
//! and warnings, which are kept and shown beside our own.

pub mod failure;
pub mod formats;
pub mod poll;
pub mod store;
pub mod warnings;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use formats::mapped::Mapping;

use crate::secret::Secret;
use crate::units::vocabulary;

vocabulary! {
    /// Who publishes, and in which form. Each has its parser in `formats`.
    Kind, "kind of feed" {
        /// Current readings of a state (`getJson2.php`).
        Cemaden = "cemaden",
        /// The hours of one station.
        CemadenHourly = "cemaden_hourly",
        /// The monthly table of the Mapa Interativo.
        CemadenTable = "cemaden_table",
        /// `HidroWebService`, with its token.
        Ana = "ana",
        /// The older web service in XML.
        AnaLegacy = "ana_legacy",
        /// Hours of stations.
        Inmet = "inmet",
        /// Any other in JSON, by a mapping.
        Json = "json",
        /// Stations of Rio de Janeiro in their older shape.
        Rio = "rio",
        /// Warnings in CAP: one message, or a list of them in Atom or RSS.
        Cap = "cap",
        /// INMET's list of active warnings.
        InmetWarnings = "inmet_warnings",
    }
}

impl Kind {
    /// Whether it brings warnings, not measurements.
    pub const fn is_warnings(self) -> bool {
        matches!(self, Self::Cap | Self::InmetWarnings)
    }
}

/// A table `[[feeds]]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Shows in logs, metrics and the console.
    pub name: String,
    pub kind: Kind,
    /// With `{station}` it is asked once for each of `stations`; `{today}` and `{yesterday}` are dates of UTC as in 2026-02-22.
    pub url: String,
    /// Seconds between two asks.
    #[serde(default = "ten_minutes")]
    pub every_s: u32,
    /// Their code for a station and ours. A station that is not here counts when the codes are the same.
    #[serde(default)]
    pub stations: BTreeMap<String, String>,
    /// Where what stands, of a feed of kind `json`.
    #[serde(default)]
    pub mapping: Option<Mapping>,
    /// Which of overlapping sums becomes readings, of a feed of kind `rio`: 300 or 900 seconds.
    #[serde(default)]
    pub interval_s: Option<i32>,
    /// Sent with each request to the feed's own server.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Where ANA gives tokens, with `Identificador` and `Senha` in `login_headers`. Empty: none is needed.
    #[serde(default)]
    pub login_url: String,
    #[serde(default)]
    pub login_headers: BTreeMap<String, Secret>,
    /// By which certificates the messages of a feed of kind `cap` are trusted: PEM, or paths of files with PEM.
    #[serde(default)]
    pub certificates: Vec<warnings::trust::Pem>,
    /// What is not signed by one of them is kept in quarantine and never acted upon.
    #[serde(default)]
    pub require_signature: bool,
    /// IBGE code of the municipality whose installation publishes it, of a feed of kind `cap`; empty: it is none's.
    #[serde(default)]
    pub municipality: String,
    /// Whether its warnings are told to rules. Without it those of a municipality's installation are not.
    #[serde(default)]
    pub for_rules: Option<bool>,
}

const fn ten_minutes() -> u32 {
    600
}

/// Least seconds between two asks: of a feed, and of the installation of a municipality, which answers in the main with 304.
const LEAST_S: u32 = 30;
const LEAST_OF_A_MUNICIPALITY_S: u32 = 5;

impl Feed {
    /// Whether another installation publishes it, that of a municipality (docs/federation.md).
    pub const fn is_municipal(&self) -> bool {
        !self.municipality.is_empty()
    }

    /// Whether its warnings are told to rules.
    pub fn tells_rules(&self) -> bool {
        self.for_rules.unwrap_or(!self.is_municipal())
    }

    /// What is wrong with it, in words for the configuration.
    pub fn problem(&self) -> Option<&'static str> {
        if self.name.is_empty() || self.name.len() > 100 {
            return Some("a name of 1 to 100 bytes");
        }
        if self.name == warnings::BY_HAND {
            return Some("another name than \"import\", which is what people bring by hand");
        }
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            return Some("an http:// or https:// address in `url`");
        }
        if self.url.contains("{station}") && self.stations.is_empty() {
            return Some("`stations` beside an address with {station}");
        }
        let names = self.headers.keys().chain(self.login_headers.keys());
        if !names.into_iter().all(|name| axum::http::HeaderName::try_from(name).is_ok()) {
            return Some("names of HTTP headers in `headers`");
        }
        if self.interval_s.is_some_and(|seconds| self.kind != Kind::Rio || !formats::rio::has_window(seconds)) {
            return Some("`interval_s` of 300 or 900, beside kind = \"rio\" alone");
        }
        if self.kind.is_warnings() && self.url.contains("{station}") {
            return Some("no {station} in `url`: warnings have none");
        }
        if self.kind != Kind::Cap && (self.require_signature || !self.certificates.is_empty()) {
            return Some("`certificates` and `require_signature` beside kind = \"cap\" alone");
        }
        if self.require_signature && self.certificates.is_empty() {
            return Some("`certificates` beside `require_signature`: without them nothing would ever be let in");
        }
        if let Some(problem) = self.problem_of_federation() {
            return Some(problem);
        }
        match (self.kind, &self.mapping) {
            (Kind::Json, None) => return Some("a `mapping` beside kind = \"json\""),
            (Kind::Json, Some(mapping)) => {
                if let Some(problem) = mapping.problem() {
                    return Some(problem);
                }
            }
            (_, Some(_)) => return Some("no `mapping` beside this kind"),
            (_, None) => {}
        }
        let least = if self.is_municipal() { LEAST_OF_A_MUNICIPALITY_S } else { LEAST_S };
        (self.every_s < least).then_some("`every_s` of 30 or more, or of 5 or more beside `municipality`")
    }

    fn problem_of_federation(&self) -> Option<&'static str> {
        let code = self.municipality.as_bytes();
        let is_code = code.len() == 7 && code.iter().all(u8::is_ascii_digit);
        if self.is_municipal() && (self.kind != Kind::Cap || !is_code) {
            return Some("`municipality` as seven digits of IBGE, beside kind = \"cap\" alone");
        }
        let is_misplaced = self.for_rules.is_some() && !self.kind.is_warnings();
        is_misplaced.then_some("`for_rules` beside a kind of warnings alone")
    }

    /// Our code for a station of theirs.
    pub fn ours<'a>(&'a self, theirs: &'a str) -> &'a str {
        self.stations.get(theirs).map_or(theirs, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(more: &str) -> Feed {
        toml::from_str(&format!("name = 'x'\nurl = 'https://example.org/alerts/feed.atom'\n{more}")).unwrap()
    }

    #[test]
    fn the_installation_of_a_municipality_is_asked_sooner_and_tells_no_rules_unless_that_is_said() {
        let cap = feed("kind = 'cap'\nevery_s = 30");
        assert!(cap.problem().is_none() && cap.tells_rules() && !cap.is_municipal());
        let town = "kind = 'cap'\nmunicipality = '3136702'\nevery_s = ";
        let member = feed(&format!("{town}5"));
        assert!(member.problem().is_none() && !member.tells_rules() && member.is_municipal());
        assert!(feed(&format!("{town}5\nfor_rules = true")).tells_rules());
        assert!(!feed("kind = 'inmet_warnings'\nfor_rules = false").tells_rules());
        for wrong in [
            &format!("{town}4"),
            "kind = 'cap'\nevery_s = 29",
            "kind = 'cap'\nmunicipality = '31367'",
            "kind = 'cemaden'\nmunicipality = '3136702'",
            "kind = 'cemaden'\nfor_rules = false",
        ] {
            assert!(feed(wrong).problem().is_some(), "{wrong}");
        }
    }
}
