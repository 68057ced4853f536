//! Password hashing: Argon2id with the parameters of RFC 9106's second recommendation as the crate ships them
//! (19 MiB, two passes), in PHC string form, so that stronger parameters can come later without a migration.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::ids::Ids;

pub const MIN_LENGTH: usize = 12;

/// Words the commonest passwords are made of.
const COMMON: &str = include_str!("common_passwords.txt");

/// Letters that must be left of a password without common words, names and runs such as "abcd". Of digits at most two count:
/// most are years and "123".
const MIN_OWN: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("the password has {0} characters; expected at least {MIN_LENGTH}")]
    Short(usize),
    #[error("the password has {0} bytes; expected at most 1024")]
    Long(usize),
    #[error("the password is made of common words, names or runs; expected something nobody would try first")]
    Common,
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// Whether a new password is good: long enough, and not what is tried first. `names` are the person's own: user name, name,
/// e-mail address. There is no rule about kinds of characters, and none about age: both make people choose worse ones.
///
/// # Errors
/// Says which of them it is.
pub fn check(password: &str, names: &[&str]) -> Result<(), PasswordError> {
    let length = password.chars().count();
    if length < MIN_LENGTH {
        return Err(PasswordError::Short(length));
    }
    if password.len() > 1024 {
        return Err(PasswordError::Long(password.len()));
    }
    if own_characters(password, names) < MIN_OWN { Err(PasswordError::Common) } else { Ok(()) }
}

/// How many characters are left when common words, the person's names, runs and repetitions are taken out.
fn own_characters(password: &str, names: &[&str]) -> usize {
    let plain = plain(password);
    let mut words: Vec<String> = COMMON.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let parts = names.iter().flat_map(|name| name.split(|letter: char| !letter.is_alphanumeric()));
    words.extend(parts.map(|part| part.to_lowercase()).filter(|part| part.chars().count() >= 3));
    words.retain(|word| word.chars().count() >= 3);
    let words: Vec<Vec<char>> = words.iter().map(|word| word.chars().collect()).collect();
    let text: Vec<char> = plain.chars().collect();
    // The least that is left from each place on, whichever words are taken out: "senhasenha" is twice "senha", though
    // "senhas" would fit its beginning too.
    let mut left = vec![(0_usize, 0_usize); text.len() + 1];
    for place in (0..text.len()).rev() {
        let before = place.checked_sub(1).and_then(|place| text.get(place));
        let in_run = before.is_some_and(|before| (*before as i64 - text[place] as i64).abs() <= 1);
        let (letters, digits) = left[place + 1];
        let own = (
            letters + usize::from(text[place].is_alphabetic() && !in_run),
            digits + usize::from(text[place].is_ascii_digit() && !in_run),
        );
        let without = words.iter().filter(|word| text[place..].starts_with(word)).map(|word| left[place + word.len()]);
        left[place] = without.chain([own]).min_by_key(|(letters, digits)| (letters + digits, *letters)).unwrap_or(own);
    }
    let (letters, digits) = left[0];
    letters + digits.min(2)
}

/// Small letters, with the digits and signs that stand for letters read as them.
fn plain(password: &str) -> String {
    let letters: Vec<char> = password.to_lowercase().chars().collect();
    let is_letter = |place: usize| letters.get(place).is_some_and(|letter| letter.is_alphabetic());
    let read = letters.iter().enumerate().map(|(place, letter)| {
        // Only between letters: the digits of "senha2026" are digits.
        let inside = place > 0 && is_letter(place - 1) && is_letter(place + 1);
        match letter {
            '@' | '4' if inside => 'a',
            '3' if inside => 'e',
            '1' | '!' if inside => 'i',
            '0' if inside => 'o',
            '5' | '$' if inside => 's',
            other => *other,
        }
    });
    read.collect()
}

/// Hashes on a thread of its own: it takes tens of milliseconds of computing.
///
/// # Errors
/// A password that [`check`] refuses of anybody; ask it first with the person's names.
pub async fn hash(ids: &Ids, password: &str) -> Result<String, PasswordError> {
    check(password, &[])?;
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
        assert_eq!(message, "the password has 5 characters; expected at least 12");
    }

    #[test]
    fn what_is_tried_first_is_refused_and_sentences_are_not() {
        for bad in [
            "senhasenha12",
            "P4ssw0rd1234",
            "Brasil@@2026!",
            "123456789012",
            "aaaaaaaaaaaaaaa",
            "qwertyuiop123",
            "DefesaCivil2026",
            "ana.souza.2026",
            "abcdefghijklmnop",
        ] {
            let checked = check(bad, &["ana.souza", "Ana Souza"]);
            assert!(matches!(checked, Err(PasswordError::Common)), "{bad}: {checked:?}");
        }
        for good in ["uma senha de teste", "o morro desce devagar", "kX9#vLq2TzRw", "uma senha longa"] {
            assert!(check(good, &["ana.souza", "Ana Souza"]).is_ok(), "{good}");
        }
    }

    #[tokio::test]
    async fn a_common_password_cannot_even_be_hashed() {
        assert!(matches!(hash(&Ids::seeded(1), "senhasenha123").await, Err(PasswordError::Common)));
    }
}
