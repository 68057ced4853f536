//! What of a client certificate matters here: its fingerprint, the names it bears, and until when it holds (X.509, RFC 5280).
//!
//! Who signed it is decided by the TLS library. This reads bytes of strangers and never indexes past them.

use base64::Engine as _;
use chrono::{NaiveDateTime, TimeZone as _, Utc};
use sha2::{Digest, Sha256};

use crate::clock::Instant;

/// SHA-256 over the certificate in DER.
pub type Fingerprint = [u8; 32];

/// A certificate somebody shows, or registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub fingerprint: Fingerprint,
    /// Empty when its subject has none.
    pub common_name: String,
    /// `subjectAltName`, DNS names only.
    pub dns_names: Vec<String>,
    pub not_after: Instant,
}

/// "not a certificate: …"
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate: {0}")]
pub struct NoCertificate(&'static str);

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`: the version.
const VERSION: u8 = 0xa0;
/// `[3]`: the extensions.
const EXTENSIONS: u8 = 0xa3;
/// `[2]` in `GeneralName`: a DNS name.
const DNS_NAME: u8 = 0x82;
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17
const ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The values inside one DER value, one after the other.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next tag and its content.
    pub(crate) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // Four bytes of length are 4 GiB; nothing here is longer, and zero would be BER's indefinite form.
            let count = usize::from(first & 0x7f);
            if !(1..=4).contains(&count) || rest.len() < count {
                return None;
            }
            let (bytes, rest) = rest.split_at(count);
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        };
        if rest.len() < length {
            return None;
        }
        let (content, rest) = rest.split_at(length);
        self.0 = rest;
        Some((tag, content))
    }

    fn expect(&mut self, tag: u8, what: &'static str) -> Result<&'a [u8], NoCertificate> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content).ok_or(NoCertificate(what))
    }
}

impl Certificate {
    /// # Errors
    /// Says which part is missing or malformed.
    pub fn from_der(der: &[u8]) -> Result<Self, NoCertificate> {
        let mut outer = Reader(der);
        let mut certificate = Reader(outer.expect(SEQUENCE, "it does not begin as one")?);
        if !outer.0.is_empty() {
            return Err(NoCertificate("something follows it"));
        }
        let mut fields = Reader(certificate.expect(SEQUENCE, "its body is missing")?);
        if fields.0.first() == Some(&VERSION) {
            fields.next();
        }
        fields.next().ok_or(NoCertificate("its serial number is missing"))?;
        fields.expect(SEQUENCE, "its algorithm is missing")?;
        fields.expect(SEQUENCE, "its issuer is missing")?;
        let mut validity = Reader(fields.expect(SEQUENCE, "its validity is missing")?);
        validity.next();
        let not_after = validity.next().and_then(time).ok_or(NoCertificate("its end cannot be read"))?;
        let common_name = common_name(fields.expect(SEQUENCE, "its subject is missing")?);
        fields.expect(SEQUENCE, "its key is missing")?;
        let mut dns = Vec::new();
        while let Some((tag, content)) = fields.next() {
            if tag == EXTENSIONS {
                dns = dns_names(content);
            }
        }
        Ok(Self { fingerprint: Sha256::digest(der).into(), common_name, dns_names: dns, not_after })
    }

    /// The first certificate of a PEM text.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn from_pem(pem: &str) -> Result<Self, NoCertificate> {
        let body = pem.split("-----BEGIN CERTIFICATE-----").nth(1).ok_or(NoCertificate("no BEGIN CERTIFICATE"))?;
        let body = body.split("-----END CERTIFICATE-----").next().unwrap_or_default();
        let base64: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(base64);
        Self::from_der(&der.map_err(|_| NoCertificate("its base64 is wrong"))?)
    }

    /// Every name it bears.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let common = (!self.common_name.is_empty()).then_some(self.common_name.as_str());
        common.into_iter().chain(self.dns_names.iter().map(String::as_str))
    }
}

/// Years of two digits are 1950 to 2049 (RFC 5280, 4.1.2.5.1).
pub(crate) fn time((tag, content): (u8, &[u8])) -> Option<Instant> {
    let text = std::str::from_utf8(content).ok()?;
    let whole = match tag {
        UTC_TIME => {
            let year: u8 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let naive = NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%SZ").ok()?;
    Some(Utc.from_utc_datetime(&naive))
}

/// The last CN of a subject: the most specific one.
pub(crate) fn common_name(subject: &[u8]) -> String {
    let mut found = String::new();
    let mut sets = Reader(subject);
    while let Some((SET, set)) = sets.next() {
        let mut pairs = Reader(set);
        while let Some((SEQUENCE, pair)) = pairs.next() {
            let mut parts = Reader(pair);
            if let (Some((OID, COMMON_NAME)), Some((_, value))) = (parts.next(), parts.next()) {
                found = std::str::from_utf8(value).unwrap_or_default().to_owned();
            }
        }
    }
    found
}

fn dns_names(extensions: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let Some((SEQUENCE, list)) = Reader(extensions).next() else { return found };
    let mut list = Reader(list);
    while let Some((SEQUENCE, extension)) = list.next() {
        let mut parts = Reader(extension);
        if parts.next() != Some((OID, ALT_NAME)) {
            continue;
        }
        // A boolean may stand between: whether it is critical.
        let mut value = parts.next();
        while value.is_some_and(|(tag, _)| tag != OCTETS) {
            value = parts.next();
        }
        let Some((SEQUENCE, names)) = value.and_then(|(_, octets)| Reader(octets).next()) else { continue };
        let mut names = Reader(names);
        while let Some((tag, name)) = names.next() {
            if tag == DNS_NAME {
                found.extend(std::str::from_utf8(name).ok().map(str::to_owned));
            }
        }
    }
    found
}

/// Reads a fingerprint as people copy it: any case, with or without colons.
pub fn from_hex(text: &str) -> Option<Fingerprint> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b':' | b' ')).collect();
    if digits.len() != 64 {
        return None;
    }
    let mut fingerprint = [0; 32];
    for (byte, pair) in fingerprint.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hexadecimal::hex;

    fn made(names: &[&str], common_name: &str) -> rcgen::Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        params.not_after = rcgen::date_time_ymd(2051, 3, 4);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn names_end_and_fingerprint_are_read() {
        let made = made(&["jf-01.example", "b"], "JF_01");
        let read = Certificate::from_pem(&made.pem()).unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), ["JF_01", "jf-01.example", "b"]);
        assert_eq!(read.not_after.to_rfc3339(), "2051-03-04T00:00:00+00:00");
        assert_eq!(from_hex(&hex(&read.fingerprint).to_uppercase()), Some(read.fingerprint));
    }

    #[test]
    fn cut_or_changed_bytes_are_an_error_or_another_certificate_and_never_a_panic() {
        let der = made(&["a"], "A").der().to_vec();
        for end in 0..der.len() {
            assert!(Certificate::from_der(&der[..end]).is_err(), "{end}");
        }
        for at in 0..der.len() {
            for value in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = der.clone();
                changed[at] = value;
                let _ = Certificate::from_der(&changed);
            }
        }
        assert!(Certificate::from_pem("-----BEGIN CERTIFICATE-----").is_err());
        assert_eq!(from_hex("é0"), None);
    }
}
