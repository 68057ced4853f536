//! The signature of the sending domain on a letter (RFC 6376), with `relaxed` canonical forms of headers and body. Pure: the key
//! comes in as bytes.
//!
//! Made here on the cryptography that the service stands on already: the libraries for it bring a second generation of all of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use sha2::{Digest as _, Sha256};

use crate::clock::Instant;

/// What is signed, in this order, as far as the letter has it. `From` stands twice, so that nobody can put a second one on top.
const SIGNED: [&str; 11] = [
    "from",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "auto-submitted",
    "list-unsubscribe",
    "list-unsubscribe-post",
];

#[derive(Debug)]
enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// Signs for one domain.
#[derive(Debug)]
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    #[error("this is neither an RSA key (2048 bits and more) nor an Ed25519 key in PKCS #8")]
    Key,
    #[error("the letter cannot be signed")]
    Signing,
}

impl Signer {
    /// `pkcs8`: DER of an RSA or Ed25519 key.
    ///
    /// # Errors
    /// When it is neither.
    pub fn new(domain: &str, selector: &str, pkcs8: &[u8]) -> Result<Self, DkimError> {
        let key = match (RsaKeyPair::from_pkcs8(pkcs8), Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)) {
            (Ok(key), _) => Key::Rsa(Box::new(key)),
            (_, Ok(key)) => Key::Ed25519(key),
            _ => return Err(DkimError::Key),
        };
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key })
    }

    /// The letter with its signature on top. Lines must end in CRLF, as they do on the wire.
    ///
    /// # Errors
    /// When the key refuses to sign.
    pub fn sign(&self, letter: &[u8], now: Instant) -> Result<Vec<u8>, DkimError> {
        let (headers, body) = parted(letter);
        let headers = unfolded(headers);
        let mut names: Vec<&str> = Vec::new();
        let mut signed = String::new();
        for name in SIGNED {
            let twice = names.contains(&name);
            let found = headers.iter().find(|(other, _)| other == name);
            // The second of a name that stands once is signed as nothing.
            if let Some((_, value)) = found {
                if !twice {
                    signed = signed + name + ":" + value + "\r\n";
                }
                names.push(name);
            }
        }
        let algorithm = match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let body_sum = STANDARD.encode(Sha256::digest(relaxed_body(body)));
        let tags = format!(
            "v=1; a={algorithm}; c=relaxed/relaxed; d={}; s={};\r\n\tt={}; h={};\r\n\tbh={body_sum};\r\n\tb=",
            self.domain,
            self.selector,
            now.timestamp(),
            names.join(":"),
        );
        signed = signed + "dkim-signature:" + &relaxed(&tags);
        let sum = self.sum(signed.as_bytes())?;
        let mut whole = format!("DKIM-Signature: {tags}{}\r\n", in_lines(&STANDARD.encode(sum))).into_bytes();
        whole.extend_from_slice(letter);
        Ok(whole)
    }

    fn sum(&self, signed: &[u8]) -> Result<Vec<u8>, DkimError> {
        match &self.key {
            Key::Rsa(key) => {
                let mut sum = vec![0; key.public().modulus_len()];
                // The number is only for blinding: the same letter has the same signature.
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut sum).map_err(|_| DkimError::Signing)?;
                Ok(sum)
            }
            // RFC 8463: of the digest, not of the text.
            Key::Ed25519(key) => Ok(key.sign(&Sha256::digest(signed)).as_ref().to_vec()),
        }
    }
}

/// Headers and body.
fn parted(letter: &[u8]) -> (&[u8], &[u8]) {
    let end = letter.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or((letter, &[][..]), |at| (&letter[..at + 2], &letter[at + 4..]))
}

/// Names in small letters with their relaxed values.
fn unfolded(headers: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(headers);
    let mut lines: Vec<String> = Vec::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    let pair = |line: &String| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim_end().to_ascii_lowercase(), relaxed(value)))
    };
    lines.iter().filter_map(pair).collect()
}

/// RFC 6376, section 3.4.2: without line ends, runs of blanks as one, none at the ends.
fn relaxed(value: &str) -> String {
    value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// RFC 6376, section 3.4.4: runs of blanks as one, none at the end of a line, no empty lines at the end of all.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut empty_lines = 0;
    for line in body.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut blanks = false;
        let mut kept = Vec::with_capacity(line.len());
        for octet in line {
            if matches!(octet, b' ' | b'\t') {
                blanks = true;
                continue;
            }
            if blanks {
                kept.push(b' ');
                blanks = false;
            }
            kept.push(*octet);
        }
        if kept.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(&kept);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A long value in lines that mail carries.
fn in_lines(text: &str) -> String {
    let lines: Vec<&str> = (0..text.len()).step_by(72).map(|at| &text[at..text.len().min(at + 72)]).collect();
    lines.join("\r\n\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_body_take_their_relaxed_forms() {
        // The example of RFC 6376, section 3.4.5.
        let (headers, body) = parted(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n");
        assert_eq!(unfolded(headers), [("a".into(), "X".into()), ("b".into(), "Y Z".into())]);
        assert_eq!(relaxed_body(body), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b""), b"");
        assert_eq!(relaxed_body(b"a\r\n\r\nb"), b"a\r\n\r\nb\r\n");
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        assert!(matches!(Signer::new("a.test", "s", b"not a key"), Err(DkimError::Key)));
    }
}
