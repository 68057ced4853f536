//! Sealing under keys that are not in the database, and the vault of what only a few may read.
//!
//! Two key rings: `service` (second factors of staff) and `vault` (who reported a wrong, health in a shelter, needs of
//! residents). Whoever gets a dump of the database gets neither. A ring is a file of keys, newest first; the first seals, all
//! open. Sealed bytes bind what they are for ("table.column:row id"), so that they open nowhere else.

pub mod access;
pub mod boot;
pub mod file;
pub mod link;
pub mod store;

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use crate::ids::Ids;

/// First byte of what is sealed: the form described at [`Ring::seal`].
const VERSION: u8 = 1;
const ID_LEN: usize = 8;
const TAG_LEN: usize = 8;
/// Bytes of a keyed sum.
pub const SUM_LEN: usize = 16;
const HEADER: usize = 1 + ID_LEN + TAG_LEN + NONCE_LEN;
/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// Why something cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("these bytes were not sealed by this program")]
    Malformed,
    #[error("sealed under key {0}, which is not in the key file of the ring `{1}`")]
    UnknownKey(KeyId, &'static str),
    #[error("sealed for another place than {0:?}")]
    WrongContext(String),
    #[error("changed since it was sealed")]
    Tampered,
}

/// The first eight bytes of the key's SHA-256: tells keys apart and says nothing of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; ID_LEN]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Key {
    id: KeyId,
    seal: LessSafeKey,
    /// Marks the context, so that a wrong one can be told from a changed byte.
    mark: hmac::Key,
}

/// The keys of one ring.
pub struct Ring {
    name: &'static str,
    /// Newest first; never empty.
    keys: Vec<Key>,
    ids: Ids,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ring({}, {} keys)", self.name, self.keys.len())
    }
}

impl Ring {
    /// A ring of these keys, newest first. Never empty: without any, a fresh one is made, which lives as long as the ring.
    pub fn new(name: &'static str, keys: &[[u8; KEY_LEN]], ids: &Ids) -> Self {
        let fresh = [ids.bytes::<KEY_LEN>()];
        let keys = if keys.is_empty() { &fresh } else { keys };
        Self { name, keys: keys.iter().filter_map(key).collect(), ids: ids.clone() }
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The key that seals.
    pub fn newest(&self) -> Option<KeyId> {
        self.keys.first().map(|key| key.id)
    }

    pub fn has(&self, id: KeyId) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    /// Seals for one place: version 1, key id, mark of the context, nonce, AES-256-GCM over the plain bytes with all of the
    /// former and the context as associated data. The nonce is random, which is sound for four thousand million messages
    /// under one key (NIST SP 800-38D, section 8.3).
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        // `new` puts one in; a cipher of bounded input does not fail.
        let Some(key) = self.keys.first() else { return Vec::new() };
        let nonce = self.ids.bytes::<NONCE_LEN>();
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&key.id.0);
        sealed.extend_from_slice(&self.mark(key, context));
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        let aad = Aad::from(self.associated(&sealed, context));
        if key.seal.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body).is_err() {
            return Vec::new();
        }
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// Says whether the key is missing, the place another, or the bytes changed.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let id = key_id_of(sealed).ok_or(SealError::Malformed)?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey(id, self.name))?;
        let (header, body) = sealed.split_at(HEADER);
        let mark = &header[1 + ID_LEN..1 + ID_LEN + TAG_LEN];
        let nonce: [u8; NONCE_LEN] = header[HEADER - NONCE_LEN..].try_into().map_err(|_| SealError::Malformed)?;
        let wrong_context = !bool::from(subtle::ConstantTimeEq::ct_eq(&self.mark(key, context)[..], mark));
        if wrong_context {
            return Err(SealError::WrongContext(context.to_owned()));
        }
        let mut body = body.to_vec();
        let aad = Aad::from(self.associated(header, context));
        let plain = key
            .seal
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body)
            .map_err(|_| SealError::Tampered)?;
        Ok(plain.to_vec())
    }

    /// True when a newer key than the one it is sealed under is there.
    pub fn is_stale(&self, sealed: &[u8]) -> bool {
        key_id_of(sealed) != self.newest()
    }

    /// The same under the newest key.
    ///
    /// # Errors
    /// As [`Ring::open`].
    pub fn reseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(self.seal(context, &self.open(context, sealed)?))
    }

    /// A keyed sum of some bytes under the newest key: tells equal things apart from others, and gives nothing of them away.
    pub fn sum(&self, context: &str, bytes: &[u8]) -> [u8; SUM_LEN] {
        // `new` puts one in.
        self.keys.first().map_or([0; SUM_LEN], |key| self.sum_under(key, context, bytes))
    }

    /// The sums of some bytes under every key, newest first: by one of them is found what was summed before a newer key came.
    pub fn sums(&self, context: &str, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.keys.iter().map(|key| self.sum_under(key, context, bytes).to_vec()).collect()
    }

    /// True when the sum was made here, under whichever key.
    pub fn has_made(&self, context: &str, bytes: &[u8], sum: &[u8]) -> bool {
        self.keys
            .iter()
            .any(|key| bool::from(subtle::ConstantTimeEq::ct_eq(&self.sum_under(key, context, bytes)[..], sum)))
    }

    fn sum_under(&self, key: &Key, context: &str, bytes: &[u8]) -> [u8; SUM_LEN] {
        let of = format!("{}\0sum\0{context}\0", self.name);
        let tag = hmac::sign(&key.mark, &[of.as_bytes(), bytes].concat());
        let mut sum = [0; SUM_LEN];
        sum.copy_from_slice(&tag.as_ref()[..SUM_LEN]);
        sum
    }

    fn mark(&self, key: &Key, context: &str) -> [u8; TAG_LEN] {
        let tag = hmac::sign(&key.mark, format!("{}\0{context}", self.name).as_bytes());
        let mut mark = [0; TAG_LEN];
        mark.copy_from_slice(&tag.as_ref()[..TAG_LEN]);
        mark
    }

    fn associated(&self, header: &[u8], context: &str) -> Vec<u8> {
        [header, self.name.as_bytes(), &[0], context.as_bytes()].concat()
    }
}

fn key(bytes: &[u8; KEY_LEN]) -> Option<Key> {
    let seal = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?);
    // Another key for another use, derived from the one that is kept.
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"sentinela context mark 1");
    Some(Key { id: id_of(bytes), seal, mark: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) })
}

/// The id of a key.
pub fn id_of(bytes: &[u8; KEY_LEN]) -> KeyId {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"sentinela key id 1");
    let mut id = [0; ID_LEN];
    id.copy_from_slice(&tag.as_ref()[..ID_LEN]);
    KeyId(id)
}

/// The key these bytes are sealed under; `None` when they are too short or of a form nobody knows.
pub fn key_id_of(sealed: &[u8]) -> Option<KeyId> {
    if sealed.len() < HEADER + AES_256_GCM.tag_len() || sealed.first() != Some(&VERSION) {
        return None;
    }
    sealed[1..=ID_LEN].try_into().ok().map(KeyId)
}

/// Both rings.
#[derive(Debug)]
pub struct Keyring {
    /// Secrets of the service itself, such as second factors.
    pub service: Ring,
    /// What the vault keeps.
    pub vault: Ring,
}

impl Keyring {
    /// Keys that live only as long as this value: for tests and measurements.
    pub fn passing(ids: &Ids) -> Self {
        Self { service: Ring::new("service", &[], ids), vault: Ring::new("vault", &[], ids) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[u8]) -> Ring {
        let keys: Vec<[u8; KEY_LEN]> = keys.iter().map(|byte| [*byte; KEY_LEN]).collect();
        Ring::new("vault", &keys, &Ids::seeded(3))
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place_and_unchanged() {
        let ring = ring(&[1]);
        let sealed = ring.seal("staff.totp:7", b"segredo");
        assert_eq!(ring.open("staff.totp:7", &sealed).as_deref(), Ok(&b"segredo"[..]));
        assert_eq!(ring.open("staff.totp:8", &sealed), Err(SealError::WrongContext("staff.totp:8".into())));
        for at in 1 + ID_LEN + TAG_LEN..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(ring.open("staff.totp:7", &changed), Err(SealError::Tampered), "byte {at}");
        }
        assert_eq!(ring.open("staff.totp:7", &sealed[..20]), Err(SealError::Malformed));
        assert!(!sealed.windows(7).any(|part| part == b"segredo"));
    }

    #[test]
    fn the_same_words_are_never_sealed_alike() {
        let ring = ring(&[1]);
        assert_ne!(ring.seal("a", b"x"), ring.seal("a", b"x"));
    }

    #[test]
    fn a_new_key_seals_while_the_old_one_still_opens() {
        let old = ring(&[1]).seal("a", b"x");
        let both = ring(&[2, 1]);
        assert!(both.is_stale(&old));
        assert_eq!(both.open("a", &old).as_deref(), Ok(&b"x"[..]));
        let new = both.reseal("a", &old).unwrap();
        assert!(!both.is_stale(&new));
        assert_eq!(ring(&[1]).open("a", &new), Err(SealError::UnknownKey(id_of(&[2; KEY_LEN]), "vault")));
    }

    #[test]
    fn what_was_summed_under_an_older_key_is_found_under_both() {
        let old = ring(&[1]).sum("a", b"x").to_vec();
        let both = ring(&[2, 1]);
        assert_eq!(both.sums("a", b"x"), [both.sum("a", b"x").to_vec(), old.clone()]);
        assert!(!both.sums("b", b"x").contains(&old), "another context, another sum");
    }

    #[test]
    fn one_ring_does_not_open_what_the_other_sealed_even_with_the_same_key() {
        let ids = Ids::seeded(3);
        let service = Ring::new("service", &[[1; KEY_LEN]], &ids);
        assert!(matches!(service.open("a", &ring(&[1]).seal("a", b"x")), Err(SealError::WrongContext(_))));
    }
}
