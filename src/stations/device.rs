//! Device secrets. They are machine-made with 128 bits or more, so one round of SHA-256 is enough to store them.

use sha2::{Digest, Sha256};

/// Shortest secret taken from an import, in characters.
pub const MIN_SECRET_LENGTH: usize = 16;

/// SHA-256 over "code NUL secret": equal secrets of two devices do not look equal in the table.
pub fn secret_sha256(code: &str, secret: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(code.as_bytes());
    hash.update([0]);
    hash.update(secret.as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_part_of_the_hash() {
        assert_ne!(secret_sha256("a", "same"), secret_sha256("b", "same"));
        assert_ne!(secret_sha256("ab", "c"), secret_sha256("a", "bc"));
        assert_eq!(secret_sha256("a", "same"), secret_sha256("a", "same"));
    }
}
