//! What becomes of the signature of a message: it is verified over the bytes as they came, against the certificates that its
//! source is trusted by, and what was found is kept with the warning.

use serde::{Deserialize, Serialize};

use super::cut;
use super::trust::Trust;
use crate::alerts::cap::signature::{Refusal, Verification, Verified, verify};
use crate::alerts::cap::xml;
use crate::units::vocabulary;

vocabulary! {
    /// How a message is signed. The text keys are `signature-WORD`.
    Signature, "state of a signature" {
        Unsigned = "unsigned",
        /// It holds, and is by a certificate that its source is trusted by.
        Valid = "valid",
        /// By a key that nobody here trusts: anybody can sign so.
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

/// Longest name and reason that are kept.
const MOST: usize = 300;

/// Judges the signature of a message as it came. What is no XML (INMET's list) bears none.
pub fn judge(raw: &[u8], trust: &Trust) -> Signed {
    let text = xml::decode(raw).ok().filter(|text| text.trim_start().starts_with('<') && text.contains("Signature"));
    let found = text.map_or(Verification::Unsigned, |text| verify(&text, &trust.trusted));
    let (signature, by, why) = match found {
        Verification::Unsigned => (Signature::Unsigned, String::new(), String::new()),
        Verification::Verified(verified) => (Signature::Valid, signer(&verified), String::new()),
        Verification::Refused(Refusal::Stranger { name, fingerprint }) => {
            let by = if name.is_empty() { fingerprint.clone() } else { name.clone() };
            (Signature::Unknown, by, Refusal::Stranger { name, fingerprint }.to_string())
        }
        Verification::Refused(Refusal::NoKey) => (Signature::Unknown, String::new(), Refusal::NoKey.to_string()),
        Verification::Refused(why) => (Signature::Invalid, String::new(), why.to_string()),
    };
    let is_quarantined = trust.is_required && signature != Signature::Valid;
    Signed { signature, by: cut(&by, MOST), why: cut(&why, MOST), is_quarantined }
}

/// Who signed, and of a weak signature how.
fn signer(verified: &Verified) -> String {
    if verified.is_weak { format!("{} ({})", verified.by, verified.algorithm.name()) } else { verified.by.clone() }
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
