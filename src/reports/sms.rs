//! Reports by SMS: a message that begins with RELATO, OCORRÊNCIA, AJUDA or SOCORRO and says something; of residents any that
//! speaks of a danger. Pure.

use super::kind::Kind;
use super::words::{fold, is_like, kind_of};

/// What a message may begin with, and how many letters of it may be wrong.
const OPENERS: &[(&str, usize)] =
    &[("relato", 1), ("relatar", 1), ("ocorrencia", 2), ("ajuda", 1), ("socorro", 1), ("report", 1), ("help", 0)];
/// What a place begins with.
const PLACES: &[&str] = &[
    "rua", "r", "av", "avenida", "travessa", "trav", "beco", "praca", "estrada", "rodovia", "alameda", "ladeira",
    "morro", "bairro", "vila", "cep", "servidao", "escadao", "perto", "street",
];
/// Letters that a report has at least.
const LEAST: usize = 4;
/// Longest text kept, in characters: a message of some parts.
const MOST: usize = 1000;

/// A message that is a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    /// Without the word it began with.
    pub words: String,
    /// From the first word that begins a place; empty when none does.
    pub place: String,
}

/// `None` for whatever does not begin as a report does.
pub fn read(text: &str) -> Option<Message> {
    let text = plain(text);
    let text = text.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let end = text.find(|letter: char| !letter.is_alphanumeric() && !('\u{300}'..='\u{36f}').contains(&letter))?;
    let opener = fold(&text[..end]);
    if !OPENERS.iter().any(|(word, most)| is_like(&opener, word, *most)) {
        return None;
    }
    let words = text[end..].trim_start_matches(|letter: char| !letter.is_alphanumeric()).trim_end();
    if words.chars().filter(|letter| letter.is_alphabetic()).count() < LEAST {
        return None;
    }
    Some(message(words))
}

/// A message without any of the words, which speaks of a danger all the same. `None` for every other.
pub fn by_signs(text: &str) -> Option<Message> {
    let message = message(plain(text).trim());
    (message.kind != Kind::Other).then_some(message)
}

fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn message(words: &str) -> Message {
    let words: String = words.chars().take(MOST).collect();
    Message { kind: kind_of(&words), place: place(&words), words }
}

/// Whether it says that this is at the home of whoever writes.
pub fn names_own_home(words: &str) -> bool {
    let words = format!(" {} ", fold(words));
    ["minha casa", "nossa casa", "em casa", "de casa", "da casa", "meu quintal", "meu terreno", "my house", "my home"]
        .iter()
        .any(|home| words.contains(&format!(" {home} ")))
}

/// From the first word that begins a place, or nothing.
pub fn place(words: &str) -> String {
    let mut at = 0;
    for word in words.split(' ') {
        let plain = fold(word);
        let is_cep =
            plain.split(' ').map(str::len).eq([5, 3]) && plain.bytes().all(|b| b.is_ascii_digit() || b == b' ');
        if is_cep || PLACES.contains(&plain.as_str()) {
            return words[at..].chars().take(500).collect();
        }
        at += word.len() + 1;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_begins_with_one_of_the_words_is_a_report() {
        let message = read("RELATO barranco caiu, rua das Flores 20, Linhares").unwrap();
        let expected = Message {
            kind: Kind::Landslide,
            words: "barranco caiu, rua das Flores 20, Linhares".into(),
            place: "rua das Flores 20, Linhares".into(),
        };
        assert_eq!(message, expected);
        assert_eq!(read("Ocorrência: árvore caída CEP 36010-000").unwrap().place, "CEP 36010-000");
        assert_eq!(read("ajuda água subindo 36010-000").unwrap().place, "36010-000");
    }

    #[test]
    fn accents_and_typing_errors_are_forgiven() {
        for text in [
            "relato rua alagada",
            "  *RELATO* rua alagada",
            "Rleato: rua alagada",
            "OCORENCIA rua alagada",
            "OCORRE\u{302}NCIA rua alagada",
            "ajudaa rua alagada",
            "SOCORO!! rua alagada",
        ] {
            assert_eq!(read(text).map(|message| message.words).as_deref(), Some("rua alagada"), "{text}");
        }
    }

    #[test]
    fn a_message_that_speaks_of_a_danger_is_one_without_any_of_the_words() {
        let message = by_signs(" Barranco caiu na minha casa\n").unwrap();
        assert_eq!((message.kind, message.words.as_str()), (Kind::Landslide, "Barranco caiu na minha casa"));
        assert_eq!(by_signs("[…] rio subindo, rua das Flores").map(|message| message.kind), Some(Kind::Flooding));
        for text in ["SAIR", "SOCORRO", "bom dia", "obrigada", "", "\u{0}"] {
            assert_eq!(by_signs(text), None, "{text}");
        }
    }

    #[test]
    fn who_speaks_of_home_is_told_from_who_names_a_street() {
        for words in ["o morro atrás da minha casa desceu", "aqui em casa, rua das Flores", "caiu atrás da casa"] {
            assert!(names_own_home(words), "{words}");
        }
        for words in ["barranco caiu, rua das Flores 20", "minha casaca", "casa de Maria", ""] {
            assert!(!names_own_home(words), "{words}");
        }
    }

    #[test]
    fn every_other_message_is_left_as_it_is() {
        for text in [
            "SAIR",
            "sair por favor",
            "relato",
            "AJUDA",
            "ajuda !!",
            "relato 123 45",
            "Bom dia, qual o retrato da chuva?",
            "id:1 sub:001 stat:DELIVRD",
            "",
            "\u{0}\u{1}",
            "relatório da chuva",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
