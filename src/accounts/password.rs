//! Password hashing: Argon2id with the parameters of RFC 9106's second recommendation as the crate ships them
//! (19 MiB, two passes), in PHC string form, so that stronger parameters can come later without a migration.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::ids::Ids;

pub const MIN_LENGTH: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("the password has {0} characters; expected at least {MIN_LENGTH}")]
    Short(usize),
    #[error("the password has {0} bytes; expected at most 1024")]
    Long(usize),
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// Hashes on a thread of its own: it takes tens of milliseconds of computing.
pub async fn hash(ids: &Ids, password: &str) -> Result<String, PasswordError> {
    let length = password.chars().count();
    if length < MIN_LENGTH {
        return Err(PasswordError::Short(length));
    }
    if password.len() > 1024 {
        return Err(PasswordError::Long(password.len()));
    }
    let salt = ids.bytes::<16>();
    let password = password.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let hashed: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        hashed.map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
    });
    hashed.await.map_err(|error| PasswordError::Hash(error.to_string()))?
}

/// True when the password fits the hash. Without a hash the same work is done, so that the time taken does not tell
/// whether a user name exists.
pub async fn verify(password: &str, stored: Option<&str>) -> bool {
    let password: String = password.chars().take(1024).collect();
    let stored = stored.map(str::to_owned);
    let checked = tokio::task::spawn_blocking(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| DECOY.to_owned());
        let fits = PasswordHash::new(&stored)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        fits && known
    });
    checked.await.unwrap_or(false)
}

/// A hash nobody's password has: verified against when the user is unknown.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2VudGluZWxhLWRlY295$u0Wm2m9GJ7Jp1m7oJ3cJ0yV6a1wq0b8m1kq5Qm0xw3A";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hashed = hash(&Ids::seeded(1), "uma senha longa").await.unwrap();
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert!(verify("uma senha longa", Some(&hashed)).await);
        assert!(!verify("outra senha longa", Some(&hashed)).await);
    }

    #[tokio::test]
    async fn nothing_fits_an_unknown_user_and_the_decoy_is_well_formed() {
        assert!(PasswordHash::new(DECOY).is_ok());
        assert!(!verify("uma senha longa", None).await);
    }

    #[tokio::test]
    async fn a_short_password_is_refused_with_its_length() {
        let message = hash(&Ids::seeded(1), "curta").await.unwrap_err().to_string();
        assert_eq!(message, "the password has 5 characters; expected at least 10");
    }
}
