//! Finding somebody by what was typed into one field: forgiving, because it is noisy and late. Pure.

use crate::reports::words::{fold, is_like};

/// Fits at least; the more letters agree, the higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit(u32);

/// Whether the words typed are in a name: each of them begins a word of it, or is like one by all but a letter or two.
pub fn fit(typed: &str, name: &str) -> Option<Fit> {
    let (typed, name) = (fold(typed), fold(name));
    let words: Vec<&str> = name.split(' ').collect();
    let mut sum = 0;
    for part in typed.split(' ').filter(|part| !part.is_empty()) {
        sum += words.iter().map(|word| one(part, word)).max()?;
        if !words.iter().any(|word| one(part, word) > 0) {
            return None;
        }
    }
    (sum > 0).then_some(Fit(sum))
}

fn one(part: &str, word: &str) -> u32 {
    let letters = part.chars().count();
    let most = match letters {
        ..=3 => 0,
        4..=6 => 1,
        _ => 2,
    };
    match () {
        () if part == word => 4,
        () if letters >= 2 && word.starts_with(part) => 3,
        () if most > 0 && is_like(part, word, most) => 2,
        () => 0,
    }
}

/// A document's digits and letters, as they are compared.
pub fn document(text: &str) -> String {
    text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_order_beginnings_and_a_wrong_letter_are_forgiven() {
        let name = "José Antônio da Conceição";
        for typed in ["jose", "conceicao jose", "JOSÉ ANT", "Antonho", "concecao", "jose conseição"] {
            assert!(fit(typed, name).is_some(), "{typed}");
        }
        for typed in ["", "maria", "jose maria", "x", "da silva"] {
            assert_eq!(fit(typed, name), None, "{typed}");
        }
    }

    #[test]
    fn the_exact_name_comes_before_one_that_is_like_it() {
        assert!(fit("ana souza", "Ana Souza") > fit("ana souza", "Ana Sousa"));
        assert!(fit("ana", "Ana") > fit("ana", "Anabela"));
    }

    #[test]
    fn a_document_is_the_same_with_and_without_its_dots() {
        assert_eq!(document("529.982.247-25"), document("52998224725"));
    }
}
