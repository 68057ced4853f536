//! By which certificates a source of warnings is trusted, and whether it has to sign.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::{BY_HAND, Way};
use crate::alerts::cap::signature::Trusted;
use crate::config::Config;
use crate::feeds::{Feed, Kind};

/// Largest file of certificates, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// The certificates (DER) of one entry of the configuration: PEM, or the path of a file with PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pem(Vec<Vec<u8>>);

#[derive(Debug, thiserror::Error)]
pub enum PemError {
    #[error("the certificates in {0} cannot be read: {1}")]
    Read(String, std::io::Error),
    #[error("{0} is larger than {MAX_BYTES} bytes; expected certificates in PEM")]
    Large(String),
    #[error("{0} holds no certificate in PEM: {1}")]
    Wrong(String, String),
}

impl TryFrom<String> for Pem {
    type Error = PemError;

    fn try_from(given: String) -> Result<Self, PemError> {
        if given.contains("-----BEGIN") {
            return certificates(&given, "the text").map(Self);
        }
        let path = given.strip_prefix("file:").unwrap_or(&given);
        let failed = |error| PemError::Read(path.to_owned(), error);
        if std::fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
            return Err(PemError::Large(path.to_owned()));
        }
        let text = std::fs::read_to_string(Path::new(path)).map_err(failed)?;
        certificates(&text, path).map(Self)
    }
}

fn certificates(text: &str, whose: &str) -> Result<Vec<Vec<u8>>, PemError> {
    let wrong = |why: &str| PemError::Wrong(whose.to_owned(), why.to_owned());
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let all = all.map_err(|error| wrong(&error.to_string()))?;
    let all: Vec<Vec<u8>> = all.into_iter().map(|der| der.to_vec()).collect();
    if all.is_empty() {
        return Err(wrong("none stands in it"));
    }
    let is_of_use = |der: &Vec<u8>| !Trusted::of_certificates([der.as_slice()]).is_empty();
    if all.iter().all(is_of_use) {
        Ok(all)
    } else {
        Err(wrong("expected keys of RSA or on the curves P-256 and P-384"))
    }
}

/// What people bring by hand: the table `[warnings]` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    pub certificates: Vec<Pem>,
    pub require_signature: bool,
}

/// How far a source is trusted.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub trusted: Trusted,
    /// How many certificates that is.
    pub certificates: usize,
    /// What is not signed by one of them is kept in quarantine.
    pub is_required: bool,
}

impl Trust {
    fn new(pems: &[Pem], is_required: bool) -> Self {
        let all: Vec<&[u8]> = pems.iter().flat_map(|pem| &pem.0).map(Vec::as_slice).collect();
        Self { certificates: all.len(), trusted: Trusted::of_certificates(all), is_required }
    }

    /// Of a feed of the configuration.
    pub fn of(feed: &Feed) -> Self {
        Self::new(&feed.certificates, feed.require_signature)
    }

    /// Of a source by its name; `None` for one that is neither a feed of CAP messages nor what people bring by hand.
    pub fn named(config: &Config, source: &str) -> Option<Self> {
        if source == BY_HAND {
            return Some(Self::new(&config.warnings.certificates, config.warnings.require_signature));
        }
        config.feeds.iter().find(|feed| feed.name == source && feed.kind == Kind::Cap).map(Self::of)
    }
}

/// Sources whose words a person may bring, by name; what is brought by hand comes first.
pub fn sources(config: &Config) -> Vec<&str> {
    let feeds = config.feeds.iter().filter(|feed| feed.kind == Kind::Cap).map(|feed| feed.name.as_str());
    std::iter::once(BY_HAND).chain(feeds.filter(|name| *name != BY_HAND)).collect()
}

/// Where a message came from, and how far that is trusted.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub source: &'a str,
    pub way: Way,
    /// A file's name, or an address; empty for a feed.
    pub name: &'a str,
    /// Who brought it; empty for a feed.
    pub by: &'a str,
    pub trust: &'a Trust,
}
