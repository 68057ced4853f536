//! Bytes as hexadecimal digits, and back. Pure.

use std::fmt::Write as _;

/// Two digits a byte, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What two digits a byte stand for; none of anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The same of a hash, which has 64 digits.
pub fn hash(text: &str) -> Option<[u8; 32]> {
    unhex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert_eq!(unhex("000aFF"), Some(vec![0, 10, 255]));
        assert_eq!((hex(&[]), unhex("")), (String::new(), Some(Vec::new())));
        assert_eq!(hash(&hex(&[7; 32])), Some([7; 32]));
    }

    #[test]
    fn what_is_no_hexadecimal_is_nothing() {
        for text in ["0", "0g", "é", "é0", "0 ", "00é"] {
            assert_eq!(unhex(text), None, "{text}");
        }
        for digits in [0, 62, 66] {
            assert_eq!(hash(&"0".repeat(digits)), None, "{digits}");
        }
    }
}
