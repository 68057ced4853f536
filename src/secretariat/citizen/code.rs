//! Protocol numbers and the codes by which somebody without an account follows a case. Pure.

use sha2::{Digest as _, Sha256};

/// Letters of a code: none that is read as another (Crockford).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: eighty bits, so that trying is of no use.
const LENGTH: usize = 16;
/// Bytes of a code.
pub const BYTES: usize = 10;
/// The longest text that is looked at.
const MOST: usize = 60;

/// A code of ten random bytes, in groups of four: "7K2M-0QFX-…".
pub fn make(bytes: [u8; BYTES]) -> String {
    let number = bytes.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    let mut code = String::with_capacity(LENGTH + 3);
    for at in 0..LENGTH {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        let letter = (number >> (5 * (LENGTH - 1 - at))) & 31;
        code.push(LETTERS.get(letter as usize).copied().map_or('0', char::from));
    }
    code
}

/// The code as it is compared: capitals, without marks, and with what is misread put right.
fn plain(text: &str) -> Option<String> {
    let mut code = String::with_capacity(LENGTH);
    for letter in text.chars().take(MOST).filter(|letter| letter.is_alphanumeric()) {
        code.push(match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other if LETTERS.contains(&u8::try_from(other).unwrap_or_default()) => other,
            _ => return None,
        });
    }
    (code.len() == LENGTH).then_some(code)
}

/// What is kept of a code; none when it is no code.
pub fn hash(text: &str) -> Option<[u8; 32]> {
    let code = plain(text)?;
    Some(Sha256::digest(format!("sentinela protocol code 1:{code}")).into())
}

/// Series, year and number of a protocol: "SIC 2026/001", "sic-2026-1".
pub fn number(text: &str) -> Option<(String, i32, i32)> {
    let text: String = text.trim().chars().take(MOST).collect::<String>().to_uppercase();
    let series: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    let rest = text.get(series.len()..)?;
    let parts: Vec<&str> = rest.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let [year, number] = parts[..] else { return None };
    (!series.is_empty()).then_some(())?;
    Some((series, year.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed_and_another_is_not() {
        let code = make([0xff, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((code.len(), code.matches('-').count()), (19, 3), "{code}");
        let known = hash(&code).unwrap();
        assert_eq!(hash(&code.to_lowercase().replace('-', " ")), Some(known));
        assert_eq!(hash(&code.replace('0', "o").replace('1', "l")), Some(known), "{code}");
        assert_ne!(hash(&make([0xff, 0, 1, 2, 3, 4, 5, 6, 7, 9])), Some(known));
        for bad in ["", "7K2M", &code[1..], &format!("{code}0"), "UUUU-UUUU-UUUU-UUUU"] {
            assert_eq!(hash(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for text in ["SIC 2026/001", "sic-2026-1", " Sic 2026 / 1 "] {
            assert_eq!(number(text), Some(("SIC".into(), 2026, 1)), "{text}");
        }
        for bad in ["", "2026/1", "SIC 2026", "SIC 2026/1/2", "SIC 2026/99999999999"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
