//! XML signatures over CAP messages (W3C XML Signature 1.1; CAP 1.2, section 3.3.4.1): enveloped, over the whole message.
//!
//! What is verified is what is read: a signature counts only when it stands directly in the root `<alert>` and covers all of it
//! but the signatures themselves, which the reader of messages passes over. So nothing can be wrapped around a signed part.

pub mod keys;
mod sign;
mod verify;

pub use keys::{Algorithm, BadKey, PublicKey, Trusted};
pub use sign::{Key, SignError, pem, sign};
pub use verify::{detached, verify, verify_received};

/// Namespace of XML signatures.
pub const NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// What a message's signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    Verified(Verified),
    Unsigned,
    /// It bears a signature that does not hold, or of somebody we do not trust.
    Refused(Refusal),
}

/// A signature that holds, of somebody we trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The name under which the key is trusted; of a chain of certificates, the signer's own and that one.
    pub by: String,
    /// SHA-256 of the key, in small hexadecimal letters.
    pub fingerprint: String,
    pub algorithm: Algorithm,
    /// What it rests on that is no longer safe; empty where nothing is. "SHA-1": two messages of one sum can be made by
    /// whoever may choose both. "RSA < 2048": the key can be found out.
    pub weak: Vec<&'static str>,
}

const SHA1: &str = "SHA-1";
const SHORT: &str = "RSA < 2048";

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the message cannot be read: {0}")]
    Unreadable(String),
    #[error("the document is no CAP message: its root is <{0}>")]
    NotCap(String),
    #[error("a signature stands elsewhere than directly in the <alert>")]
    Misplaced,
    #[error("the message bears more than {} signatures", verify::MAX_SIGNATURES)]
    TooMany,
    #[error("the signature is not made as it should: {0}")]
    Malformed(String),
    #[error("the signature does not cover the whole message: {0}")]
    Partial(String),
    #[error("{what} {value:?} is not known here")]
    Unsupported { what: &'static str, value: String },
    #[error("the message was changed since it was signed")]
    Changed,
    #[error("the signature is not of the key that it names")]
    Broken,
    #[error("signed with key {fingerprint}{}, which is not among those trusted", named(.name))]
    Stranger { name: String, fingerprint: String },
    #[error("no trusted key fits the signature")]
    NoKey,
}

fn named(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" of {name:?}") }
}

#[cfg(test)]
mod tests;
