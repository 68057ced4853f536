//! Public keys and certificates, and whom we trust (X.509, RFC 5280; SubjectPublicKeyInfo). Reads bytes of strangers and never
//! indexes past them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature as sig;
use sha2::{Digest as _, Sha256};

use super::{Refusal, SHA1, SHORT};
use crate::clock::Instant;
use crate::hexadecimal::hex;
use crate::stations::certificate::{Reader, common_name, time};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// 1.2.840.113549.1.1.1
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 2.5.29.19
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// Certificates between a signer's and one we trust.
const MAX_CHAIN: usize = 4;

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    RsaSha1,
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
}

impl Algorithm {
    /// The word of the XML signature standards (RFC 9231).
    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        Some(match uri {
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1" => Self::RsaSha1,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => Self::RsaSha256,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Self::RsaSha384,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Self::RsaSha512,
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Self::EcdsaSha256,
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Self::EcdsaSha384,
            _ => return None,
        })
    }

    /// Of a certificate's signature: the last numbers of 1.2.840.113549.1.1.x and 1.2.840.10045.4.3.x.
    fn from_oid(oid: &[u8]) -> Option<Self> {
        let (last, first) = oid.split_last()?;
        match (first, last) {
            (first, last) if first == &RSA[..8] => Some(match last {
                5 => Self::RsaSha1,
                11 => Self::RsaSha256,
                12 => Self::RsaSha384,
                13 => Self::RsaSha512,
                _ => return None,
            }),
            ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03], 2) => Some(Self::EcdsaSha256),
            ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03], 3) => Some(Self::EcdsaSha384),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaSha1 => "RSA-SHA1",
            Self::RsaSha256 => "RSA-SHA256",
            Self::RsaSha384 => "RSA-SHA384",
            Self::RsaSha512 => "RSA-SHA512",
            Self::EcdsaSha256 => "ECDSA-SHA256",
            Self::EcdsaSha384 => "ECDSA-SHA384",
        }
    }
}

/// What signatures are verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Modulus and exponent, without leading zeros.
    Rsa(Vec<u8>, Vec<u8>),
    /// The uncompressed point.
    P256(Vec<u8>),
    P384(Vec<u8>),
}

fn bare(integer: &[u8]) -> Vec<u8> {
    integer.iter().skip_while(|byte| **byte == 0).copied().collect()
}

impl PublicKey {
    /// From a SubjectPublicKeyInfo's content.
    fn from_info(info: &[u8]) -> Option<Self> {
        let mut parts = Reader(info);
        let (algorithm, bits) = (take(&mut parts, SEQUENCE)?, take(&mut parts, BITS)?);
        // The first octet counts unused bits; keys have none.
        let key = bits.strip_prefix(&[0])?;
        let mut algorithm = Reader(algorithm);
        match take(&mut algorithm, OID)? {
            RSA => {
                let mut numbers = Reader(take(&mut Reader(key), SEQUENCE)?);
                Some(Self::rsa(take(&mut numbers, INTEGER)?, take(&mut numbers, INTEGER)?))
            }
            ELLIPTIC => Self::elliptic(take(&mut algorithm, OID)?, key),
            _ => None,
        }
    }

    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::Rsa(bare(modulus), bare(exponent))
    }

    fn elliptic(curve: &[u8], point: &[u8]) -> Option<Self> {
        match curve {
            P256 if point.len() == 65 => Some(Self::P256(point.to_vec())),
            P384 if point.len() == 97 => Some(Self::P384(point.to_vec())),
            _ => None,
        }
    }

    /// From a curve as XML signatures name it.
    pub(super) fn named_curve(uri: &str, point: &[u8]) -> Option<Self> {
        match uri {
            "urn:oid:1.2.840.10045.3.1.7" => Self::elliptic(P256, point),
            "urn:oid:1.3.132.0.34" => Self::elliptic(P384, point),
            _ => None,
        }
    }

    /// An RSA key of fewer than 2048 bits.
    pub(super) fn is_short(&self) -> bool {
        matches!(self, Self::Rsa(modulus, _) if modulus.len() < 256)
    }

    /// SHA-256 of what the key is made of, in small hexadecimal letters.
    pub fn fingerprint(&self) -> String {
        let sum = match self {
            Self::Rsa(modulus, exponent) => Sha256::new().chain_update(modulus).chain_update(exponent).finalize(),
            Self::P256(point) | Self::P384(point) => Sha256::digest(point),
        };
        hex(&sum)
    }

    /// Whether the signature over the message is this key's. Those of elliptic curves are the two numbers one after the
    /// other, as XML has them, or in DER, as certificates have them.
    pub(super) fn verifies(&self, how: Algorithm, message: &[u8], signature: &[u8], der: bool) -> bool {
        let elliptic = |with: &'static dyn sig::VerificationAlgorithm, point: &[u8]| {
            sig::UnparsedPublicKey::new(with, point).verify(message, signature).is_ok()
        };
        match (self, how) {
            (Self::Rsa(n, e), how) => {
                let with = match how {
                    Algorithm::RsaSha1 => &sig::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                    Algorithm::RsaSha256 => &sig::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                    Algorithm::RsaSha384 => &sig::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::RsaSha512 => &sig::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                    Algorithm::EcdsaSha256 | Algorithm::EcdsaSha384 => return false,
                };
                sig::RsaPublicKeyComponents { n, e }.verify(with, message, signature).is_ok()
            }
            (Self::P256(point), Algorithm::EcdsaSha256) if der => elliptic(&sig::ECDSA_P256_SHA256_ASN1, point),
            (Self::P256(point), Algorithm::EcdsaSha384) if der => elliptic(&sig::ECDSA_P256_SHA384_ASN1, point),
            (Self::P384(point), Algorithm::EcdsaSha256) if der => elliptic(&sig::ECDSA_P384_SHA256_ASN1, point),
            (Self::P384(point), Algorithm::EcdsaSha384) if der => elliptic(&sig::ECDSA_P384_SHA384_ASN1, point),
            (Self::P256(point), Algorithm::EcdsaSha256) => elliptic(&sig::ECDSA_P256_SHA256_FIXED, point),
            (Self::P384(point), Algorithm::EcdsaSha384) => elliptic(&sig::ECDSA_P384_SHA384_FIXED, point),
            _ => false,
        }
    }
}

fn take<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    reader.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// A value with its head, and its content.
fn taken<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
    let before = reader.0;
    let content = take(reader, tag)?;
    Some((&before[..before.len() - reader.0.len()], content))
}

/// What of a certificate matters here.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    body: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    pub name: String,
    not_before: Instant,
    not_after: Instant,
    /// It may stand behind other certificates.
    issues: bool,
    pub key: PublicKey,
    how: Algorithm,
    signature: Vec<u8>,
}

impl Certificate {
    /// `None` for what is no certificate, or is made in a way that is not known here.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let mut outer = Reader(take(&mut Reader(der), SEQUENCE)?);
        let (body, fields) = taken(&mut outer, SEQUENCE)?;
        let how = Algorithm::from_oid(take(&mut Reader(take(&mut outer, SEQUENCE)?), OID)?)?;
        let signature = take(&mut outer, BITS)?.strip_prefix(&[0])?.to_vec();
        let mut fields = Reader(fields);
        if fields.0.first() == Some(&VERSION) {
            fields.next();
        }
        fields.next()?;
        take(&mut fields, SEQUENCE)?;
        let issuer = take(&mut fields, SEQUENCE)?.to_vec();
        let mut validity = Reader(take(&mut fields, SEQUENCE)?);
        let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = take(&mut fields, SEQUENCE)?.to_vec();
        let key = PublicKey::from_info(take(&mut fields, SEQUENCE)?)?;
        let mut issues = false;
        while let Some((tag, content)) = fields.next() {
            issues = issues || tag == EXTENSIONS && may_issue(content).unwrap_or(false);
        }
        let name = common_name(&subject);
        let body = body.to_vec();
        Some(Self { body, issuer, subject, name, not_before, not_after, issues, key, how, signature })
    }

    /// What its own signature, by the key of `by`, rests on that is no longer safe.
    fn weaknesses(&self, by: &PublicKey) -> impl Iterator<Item = &'static str> {
        let sum = (self.how == Algorithm::RsaSha1).then_some(SHA1);
        sum.into_iter().chain(by.is_short().then_some(SHORT))
    }

    fn issued_by(&self, other: &Self, at: Instant) -> bool {
        let held = |certificate: &Self| certificate.not_before <= at && at <= certificate.not_after;
        other.issues
            && self.issuer == other.subject
            && held(self)
            && held(other)
            && other.key.verifies(self.how, &self.body, &self.signature, true)
    }
}

/// The extension basicConstraints says `cA`.
fn may_issue(extensions: &[u8]) -> Option<bool> {
    let mut list = Reader(take(&mut Reader(extensions), SEQUENCE)?);
    while let Some((SEQUENCE, extension)) = list.next() {
        let mut parts = Reader(extension);
        if take(&mut parts, OID)? != BASIC_CONSTRAINTS {
            continue;
        }
        // A boolean may stand between: whether it is critical.
        let mut value = parts.next()?;
        if value.0 == BOOLEAN {
            value = parts.next()?;
        }
        let inner = (value.0 == OCTETS).then_some(value.1)?;
        return Some(take(&mut Reader(take(&mut Reader(inner), SEQUENCE)?), BOOLEAN).is_some_and(|b| b != [0]));
    }
    Some(false)
}

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct Trusted(Vec<Signer>);

#[derive(Clone, Debug)]
struct Signer {
    name: String,
    key: PublicKey,
    certificate: Option<Certificate>,
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name:?}: expected a certificate or public key in PEM, RSA or on the curves P-256 or P-384")]
pub struct BadKey {
    pub name: String,
}

impl Trusted {
    /// Trusts every certificate and public key of a PEM text. A certificate that may issue others is trusted with them.
    /// `name` is who signs; `KeyName` in a signature means it.
    ///
    /// # Errors
    /// Names the signer of whom nothing could be read.
    pub fn add_pem(&mut self, name: &str, pem: &str) -> Result<(), BadKey> {
        let before = self.0.len();
        for block in pem.split("-----BEGIN ").skip(1) {
            let Some((label, rest)) = block.split_once("-----") else { continue };
            let body: String = rest.split("-----END").next().unwrap_or_default().split_whitespace().collect();
            let Ok(der) = STANDARD.decode(body) else { continue };
            let certificate = (label == "CERTIFICATE").then(|| Certificate::from_der(&der)).flatten();
            let key = match (label, &certificate) {
                ("CERTIFICATE", Some(certificate)) => Some(certificate.key.clone()),
                ("PUBLIC KEY", _) => take(&mut Reader(&der), SEQUENCE).and_then(PublicKey::from_info),
                _ => None,
            };
            self.0.extend(key.map(|key| Signer { name: name.to_owned(), key, certificate }));
        }
        if self.0.len() > before { Ok(()) } else { Err(BadKey { name: name.to_owned() }) }
    }

    /// Trusts these certificates (DER), each under the name it bears. What is none that could be used here is left out.
    pub fn of_certificates<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let signer = |certificate: Certificate| Signer {
            name: certificate.name.clone(),
            key: certificate.key.clone(),
            certificate: Some(certificate),
        };
        Self(certificates.into_iter().filter_map(Certificate::from_der).map(signer).collect())
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys that a `KeyName` means.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = (&PublicKey, &str)> {
        self.0.iter().filter(move |signer| signer.name == name).map(|signer| (&signer.key, signer.name.as_str()))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&PublicKey, &str)> {
        self.0.iter().map(|signer| (&signer.key, signer.name.as_str()))
    }

    /// In whose name this key signs: it is theirs, or a chain of certificates leads to them. With what is weak about the chain.
    ///
    /// # Errors
    /// Names the key that nobody we trust stands behind.
    pub(super) fn stands_behind(
        &self,
        key: &PublicKey,
        shown: &[Certificate],
        at: Instant,
    ) -> Result<(String, Vec<&'static str>), Refusal> {
        if let Some(signer) = self.0.iter().find(|signer| signer.key == *key) {
            return Ok((signer.name.clone(), Vec::new()));
        }
        let mut weak = Vec::new();
        let mut current = shown.iter().find(|certificate| certificate.key == *key);
        let subject = current.map(|certificate| certificate.name.clone()).unwrap_or_default();
        for _ in 0..MAX_CHAIN {
            let Some(certificate) = current else { break };
            let anchor = |signer: &&Signer| signer.certificate.as_ref().is_some_and(|c| certificate.issued_by(c, at));
            if let Some(signer) = self.0.iter().find(anchor) {
                weak.extend(certificate.weaknesses(&signer.key));
                return Ok((format!("{subject} ({})", signer.name), weak));
            }
            current = shown.iter().find(|other| other.key != certificate.key && certificate.issued_by(other, at));
            weak.extend(current.iter().flat_map(|issuer| certificate.weaknesses(&issuer.key)));
        }
        Err(Refusal::Stranger { name: subject, fingerprint: key.fingerprint() })
    }
}
