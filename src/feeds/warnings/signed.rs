//! What becomes of the signature of a message: it is verified over the bytes as they came, against the certificates that its
//! source is trusted by, and what was found is kept with the warning.

use serde::{Deserialize, Serialize};

use super::cut;
use super::trust::Trust;
use crate::alerts::cap::xml;
use crate::units::vocabulary;

vocabulary! {
    /// How a message is signed. The text keys are `signature-WORD`.
    Signature, "state of a signature" {
        Unsigned = "unsigned",
        /// Whole, and by a certificate that its source is trusted by.
        Valid = "valid",
        /// Whole, but by a certificate that nobody here trusts: anybody can sign so.
        Unknown = "unknown",
        /// Not what its signature says, or signed in a way that is not accepted.
        Invalid = "invalid",
    }
}

/// What was found of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub signature: Signature,
    /// Whose certificate it bears; empty for none.
    pub by: String,
    /// Why it is refused; empty otherwise.
    pub why: String,
    /// Its source has to sign, and this is not signed as it must be: kept and shown, never acted upon.
    pub is_quarantined: bool,
}

/// A certificate that a source is trusted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(Vec<u8>);

impl Certificate {
    /// Every certificate of a PEM text.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, String> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let all = all.map_err(|error| error.to_string())?;
        Ok(all.into_iter().map(|der| Self(der.to_vec())).collect())
    }
}

/// What a signature is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    Unsigned,
    Valid { by: String, trusted: bool },
    Invalid(String),
}

/// Stands in for `alerts::cap::signature::verify`.
fn verify(text: &str, _: &[Certificate]) -> Verification {
    match crate::alerts::cap::tree::read_tree(text) {
        Ok(root) if root.children.iter().any(|child| child.name == "Signature") => {
            Verification::Invalid("no signature is accepted yet".into())
        }
        _ => Verification::Unsigned,
    }
}

/// Longest name and reason that are kept.
const MOST: usize = 300;

/// Judges the signature of a message as it came. What is no XML (INMET's list) bears none.
pub fn judge(raw: &[u8], trust: &Trust) -> Signed {
    let text = xml::decode(raw).ok().filter(|text| text.contains("Signature"));
    let found = text.map_or(Verification::Unsigned, |text| verify(&text, &trust.certificates));
    let (signature, by, why) = match found {
        Verification::Unsigned => (Signature::Unsigned, String::new(), String::new()),
        Verification::Valid { by, trusted: true } => (Signature::Valid, by, String::new()),
        Verification::Valid { by, trusted: false } => (Signature::Unknown, by, String::new()),
        Verification::Invalid(why) => (Signature::Invalid, String::new(), why),
    };
    let is_quarantined = trust.is_required && signature != Signature::Valid;
    Signed { signature, by: cut(&by, MOST), why: cut(&why, MOST), is_quarantined }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = include_str!("../../../tests/data/feeds/inmet_cap_polygon_trailing_space.xml");

    #[test]
    fn what_bears_no_signature_is_unsigned_and_where_it_has_to_it_waits_in_quarantine() {
        let free = Trust::default();
        let strict = Trust { is_required: true, ..Trust::default() };
        for raw in [PLAIN.as_bytes(), b"{\"codigo\": \"Signature\"}".as_slice(), b"\xff\xfe"] {
            let judged = judge(raw, &free);
            assert_ne!(judged.signature, Signature::Valid);
            assert!(!judged.is_quarantined, "{judged:?}");
            assert!(judge(raw, &strict).is_quarantined);
        }
        assert_eq!(judge(PLAIN.as_bytes(), &free).signature, Signature::Unsigned);
    }

    #[test]
    fn a_signature_that_signs_something_else_is_refused_with_a_reason() {
        let broken = PLAIN.replace(
            "</alert>",
            "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo/></Signature></alert>",
        );
        let judged = judge(broken.as_bytes(), &Trust::default());
        assert_eq!(judged.signature, Signature::Invalid);
        assert!(!judged.why.is_empty() && !judged.is_quarantined, "{judged:?}");
    }
}
