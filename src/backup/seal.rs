//! Keys within an archive: sealed under a passphrase, so that whoever has the archive alone can open neither them nor what they sealed.
//!
//! Form: the line `HEAD`, 16 bytes of salt, 12 bytes of nonce, AES-256-GCM over the JSON of the files with the head as associated data.
//! The key is Argon2id of the passphrase (RFC 9106, section 4, second recommendation: 64 MiB, three passes, four lanes).

use std::collections::BTreeMap;

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::ids::Ids;

const HEAD: &[u8] = b"sentinela keys 1\n";
const SALT_LEN: usize = 16;
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// Shortest passphrase: whoever has the archive can try as many as they like.
pub const MIN_PASSPHRASE: usize = 16;

/// Key files by their plain names ("service.key", "vault.key"), with their content.
pub type Files = BTreeMap<String, String>;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the passphrase has {0} characters; expected at least {MIN_PASSPHRASE}")]
    Short(usize),
    #[error("the sealed keys are of a form this program does not know")]
    Form,
    #[error("the keys do not open: another passphrase, or they were changed")]
    Closed,
    #[error("the keys cannot be sealed: {0}")]
    Cipher(String),
}

/// # Errors
/// A passphrase that is too short, or no memory for its key.
pub fn seal(files: &Files, passphrase: &str, ids: &Ids) -> Result<Vec<u8>, SealError> {
    let length = passphrase.chars().count();
    if length < MIN_PASSPHRASE {
        return Err(SealError::Short(length));
    }
    let (salt, nonce) = (ids.bytes::<SALT_LEN>(), ids.bytes::<NONCE_LEN>());
    let mut body = serde_json::to_vec(files).map_err(|error| SealError::Cipher(error.to_string()))?;
    let key = key(passphrase, &salt)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(HEAD), &mut body)
        .map_err(|_| SealError::Cipher("they are too long".to_owned()))?;
    Ok([HEAD, &salt[..], &nonce[..], body.as_slice()].concat())
}

/// # Errors
/// Another form, another passphrase, or changed bytes.
pub fn open(sealed: &[u8], passphrase: &str) -> Result<Files, SealError> {
    let rest = sealed.strip_prefix(HEAD).ok_or(SealError::Form)?;
    let (salt, rest) = rest.split_at_checked(SALT_LEN).ok_or(SealError::Form)?;
    let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(SealError::Form)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| SealError::Form)?;
    let mut body = body.to_vec();
    let key = key(passphrase, salt)?;
    let plain = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(HEAD), &mut body)
        .map_err(|_| SealError::Closed)?;
    serde_json::from_slice(plain).map_err(|_| SealError::Form)
}

fn key(passphrase: &str, salt: &[u8]) -> Result<LessSafeKey, SealError> {
    let wrong = |error: argon2::Error| SealError::Cipher(error.to_string());
    let mut bytes = [0_u8; 32];
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(bytes.len())).map_err(wrong)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut bytes)
        .map_err(wrong)?;
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| SealError::Cipher("no key".to_owned()))?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &str = "quatro palavras sem sentido";

    #[test]
    fn keys_open_with_their_passphrase_alone_and_unchanged() {
        let files = Files::from([("vault.key".to_owned(), "c2VncmVkbw==".to_owned())]);
        let sealed = seal(&files, PASSPHRASE, &Ids::seeded(1)).unwrap();
        assert!(!sealed.windows(8).any(|part| part == b"c2VncmVk"));
        assert_eq!(open(&sealed, PASSPHRASE).unwrap(), files);
        assert!(matches!(open(&sealed, "outra frase qualquer"), Err(SealError::Closed)));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(matches!(open(&changed, PASSPHRASE), Err(SealError::Closed)));
        assert!(matches!(open(&sealed[..20], PASSPHRASE), Err(SealError::Form)));
        assert!(matches!(open(b"something else", PASSPHRASE), Err(SealError::Form)));
    }

    #[test]
    fn a_short_passphrase_is_refused() {
        assert!(matches!(seal(&Files::new(), "curta", &Ids::seeded(1)), Err(SealError::Short(5))));
    }
}
