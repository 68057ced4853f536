//! Our own signature: ECDSA on the curve P-256 with SHA-256, exclusive canonical form, the certificate beside it.

use std::slice::from_ref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use super::keys::Trusted;
use super::{NAMESPACE, Verification, verify};
use crate::alerts::cap::c14n::{Method, Pieces, canonical};
use crate::alerts::cap::tree::{Node, read_tree};

/// Letters of a line of base64.
const LINE: usize = 76;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("the key {0} is damaged: {1}")]
    Key(String, String),
    #[error("the message cannot be brought into its canonical form: {0}")]
    Message(String),
    #[error("the signature that was made with key {0} does not verify: {1:?}")]
    Unsound(String, Verification),
}

/// A key that signs.
pub struct Key {
    name: String,
    pair: EcdsaKeyPair,
    certificate: Vec<u8>,
    random: SystemRandom,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.name)
    }
}

impl Key {
    /// `pkcs8` and `certificate` in DER.
    ///
    /// # Errors
    /// When they are no key of this kind.
    pub fn open(name: &str, pkcs8: &[u8], certificate: &[u8]) -> Result<Self, SignError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random);
        let pair = pair.map_err(|error| SignError::Key(name.to_owned(), error.to_string()))?;
        Ok(Self { name: name.to_owned(), pair, certificate: certificate.to_vec(), random })
    }
}

/// The message with its signature as the last element of the root. It is verified before it is given back.
///
/// # Errors
/// When the message or the key is not as it should be.
pub fn sign(message: &str, key: &Key) -> Result<String, SignError> {
    let broken = |error: &dyn std::fmt::Display| SignError::Message(error.to_string());
    let at = message.rfind("</alert>").ok_or_else(|| broken(&"it has no </alert>"))?;
    let around = |signature: &str| format!("{}{signature}{}", &message[..at], &message[at..]);
    // Nothing but the signature is added, not even space: whoever signed before has signed just this.
    let whole = piece(message, |root| Some(root), true).map_err(|error| broken(&error))?;
    let sum = STANDARD.encode(digest::digest(&digest::SHA256, whole.as_bytes()));
    let unsigned = around(&element(&sum, "", &key.name, &key.certificate));
    let info = piece(&unsigned, signed_info, false).map_err(|error| broken(&error))?;
    let made = key.pair.sign(&key.random, info.as_bytes());
    let made = made.map_err(|error| SignError::Key(key.name.clone(), error.to_string()))?;
    let signed = around(&element(&sum, &STANDARD.encode(made), &key.name, &key.certificate));
    let mut own = Trusted::default();
    let pem = pem("CERTIFICATE", &key.certificate);
    own.add_pem(&key.name, &pem).map_err(|error| SignError::Key(key.name.clone(), error.to_string()))?;
    match verify(&signed, &own) {
        Verification::Verified(_) => Ok(signed),
        other => Err(SignError::Unsound(key.name.clone(), other)),
    }
}

fn piece(text: &str, find: impl Fn(&Node) -> Option<&Node>, whole: bool) -> Result<String, String> {
    let root = read_tree(text).map_err(|error| error.to_string())?;
    let node = find(&root).ok_or("it lost its signature")?;
    let wanted = node.from..node.to;
    let pieces = Pieces { wanted: from_ref(&wanted), without: &[], inside: "", whole };
    canonical(text, &pieces, &Method::exclusive()).map(|pieces| pieces.concat()).map_err(|error| error.to_string())
}

fn signed_info(root: &Node) -> Option<&Node> {
    root.children.last()?.children.first()
}

fn element(sum: &str, value: &str, name: &str, certificate: &[u8]) -> String {
    let name = quick_xml::escape::escape(name);
    let certificate = lines(&STANDARD.encode(certificate));
    format!(
        "<Signature xmlns=\"{NAMESPACE}\"><SignedInfo>\
         <CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>\
         <Reference URI=\"\"><Transforms>\
         <Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></Transforms>\
         <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
         <DigestValue>{sum}</DigestValue></Reference></SignedInfo>\
         <SignatureValue>{value}</SignatureValue>\
         <KeyInfo><KeyName>{name}</KeyName><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>\
         </Signature>"
    )
}

fn lines(base64: &str) -> String {
    let mut wrapped = String::from("\n");
    let mut rest = base64;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        wrapped.push_str(line);
        wrapped.push('\n');
        rest = after;
    }
    wrapped
}

/// DER as PEM (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = STANDARD.encode(der);
    while !rest.is_empty() {
        let after = rest.split_off(rest.len().min(64));
        text.push_str(&rest);
        text.push('\n');
        rest = after;
    }
    text + &format!("-----END {label}-----\n")
}
