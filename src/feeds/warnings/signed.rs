//! What becomes of the signature of a message: it is verified over the bytes as they came, against the certificates that its
//! source is trusted by, and what was found is kept with the warning.

use serde::{Deserialize, Serialize};

use super::cut;
use super::trust::Trust;
use crate::alerts::cap::signature::{Refusal, Verification, verify_received};
use crate::alerts::cap::xml;
use crate::clock::Instant;
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
    /// Why it is refused; of one that holds, what is weak about it; empty otherwise.
    pub why: String,
    /// Its source has to sign, and this is not signed as it must be: kept and shown, never acted upon.
    pub is_quarantined: bool,
}

/// Longest name and reason that are kept.
const MOST: usize = 300;

/// Judges the signature of a message as it came. What is no XML (INMET's list) bears none. Where its source has to sign, a
/// signature that rests on what is no longer safe is not accepted.
pub fn judge(raw: &[u8], trust: &Trust, received_at: Instant) -> Signed {
    let text = xml::decode(raw).ok().filter(|text| text.trim_start().starts_with('<') && text.contains("Signature"));
    let found = text.map_or(Verification::Unsigned, |text| verify_received(&text, &trust.trusted, received_at));
    let (signature, by, why) = match found {
        Verification::Unsigned => (Signature::Unsigned, String::new(), String::new()),
        Verification::Verified(verified) => {
            let is_refused = trust.is_required && !verified.weak.is_empty();
            let signature = if is_refused { Signature::Invalid } else { Signature::Valid };
            (signature, verified.by, weak(&verified.weak))
        }
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

/// "weak: SHA-1"
fn weak(weaknesses: &[&str]) -> String {
    if weaknesses.is_empty() { String::new() } else { format!("weak: {}", weaknesses.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = include_str!("../../../tests/data/feeds/inmet_cap_polygon_trailing_space.xml");

    fn now() -> Instant {
        "2022-08-12T17:00:00Z".parse().unwrap()
    }

    /// RSA-SHA256 over a SHA-1 sum, with the certificate of whoever signed.
    #[test]
    fn a_weak_signature_is_told_and_where_one_is_asked_for_it_is_not_accepted() {
        let raw = include_bytes!("../../../tests/data/cap/no_info_tag.cap");
        let text = xml::decode(raw).unwrap();
        let engine = base64::engine::general_purpose::STANDARD;
        let shown = text.split("X509Certificate>").skip(1).step_by(2).map(|rest| {
            let body: String = rest.split('<').next().unwrap().split_whitespace().collect();
            base64::Engine::decode(&engine, body).unwrap()
        });
        let ders: Vec<Vec<u8>> = shown.collect();
        let trusted = crate::alerts::cap::signature::Trusted::of_certificates(ders.iter().map(Vec::as_slice));
        let free = Trust { trusted: trusted.clone(), certificates: 1, is_required: false };
        let judged = judge(raw, &free, now());
        assert_eq!(
            (judged.signature, judged.why.as_str(), judged.is_quarantined),
            (Signature::Valid, "weak: SHA-1", false)
        );
        let judged = judge(raw, &Trust { is_required: true, ..free }, now());
        assert_eq!(
            (judged.signature, judged.why.as_str(), judged.is_quarantined),
            (Signature::Invalid, "weak: SHA-1", true)
        );
    }

    #[test]
    fn what_bears_no_signature_is_unsigned_and_where_it_has_to_it_waits_in_quarantine() {
        let free = Trust::default();
        let strict = Trust { is_required: true, ..Trust::default() };
        for raw in [PLAIN.as_bytes(), b"{\"codigo\": \"Signature\"}".as_slice(), b"\xff\xfe"] {
            let judged = judge(raw, &free, now());
            assert_ne!(judged.signature, Signature::Valid);
            assert!(!judged.is_quarantined, "{judged:?}");
            assert!(judge(raw, &strict, now()).is_quarantined);
        }
        assert_eq!(judge(PLAIN.as_bytes(), &free, now()).signature, Signature::Unsigned);
    }

    #[test]
    fn a_signature_that_signs_something_else_is_refused_with_a_reason() {
        let broken = PLAIN.replace(
            "</alert>",
            "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo/></Signature></alert>",
        );
        let judged = judge(broken.as_bytes(), &Trust::default(), now());
        assert_eq!(judged.signature, Signature::Invalid);
        assert!(!judged.why.is_empty() && !judged.is_quarantined, "{judged:?}");
    }
}
