//! Codes of wristbands (`P…`) and of families' cards (`F…`): six signs that are not taken for one another, written by hand and read aloud
//! in noise. Pure.

use crate::ids::Ids;

/// Without 0, 1, I, L and O.
const SIGNS: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const LENGTH: usize = 6;

/// Whose code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Person,
    Household,
}

impl Kind {
    const fn letter(self) -> char {
        match self {
            Self::Person => 'P',
            Self::Household => 'F',
        }
    }
}

/// A new code: one of some nine hundred million.
pub fn new(ids: &Ids, kind: Kind) -> String {
    let drawn = ids.bytes::<LENGTH>();
    let sign = |byte: &u8| char::from(SIGNS[usize::from(*byte) % SIGNS.len()]);
    std::iter::once(kind.letter()).chain(drawn.iter().map(sign)).collect()
}

/// A code as somebody typed it: small letters, blanks, dashes and dots are forgiven, and so are the signs that no code has.
pub fn read(text: &str) -> Option<(Kind, String)> {
    let plain: String = text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    let kind = match plain.chars().next()? {
        'P' => Kind::Person,
        'F' => Kind::Household,
        _ => return None,
    };
    let rest = plain.get(1..)?;
    let is_code = rest.len() == LENGTH && rest.bytes().all(|sign| SIGNS.contains(&sign));
    is_code.then_some((kind, plain))
}

/// In two groups, as it is printed: "P4K-7QZ2".
pub fn shown(code: &str) -> String {
    match (code.get(..3), code.get(3..)) {
        (Some(first), Some(rest)) => format!("{first}-{rest}"),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_it_is_made_however_it_is_typed() {
        let ids = Ids::seeded(4);
        for kind in [Kind::Person, Kind::Household] {
            for _ in 0..200 {
                let code = new(&ids, kind);
                for typed in
                    [code.clone(), code.to_lowercase(), shown(&code), format!(" {} ", shown(&code).to_lowercase())]
                {
                    assert_eq!(read(&typed), Some((kind, code.clone())), "{typed}");
                }
            }
        }
    }

    #[test]
    fn a_name_is_no_code() {
        for text in ["", "Paula", "Pedro Silva", "P", "F0OIL12", "Fátima", "X234567", "P2345678"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
