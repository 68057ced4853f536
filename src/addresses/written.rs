//! Addresses as people write them: "R. das Flores, 20, Linhares", "Av Rio Branco n° 2.100", "36016-000". Pure.

use super::key::{self, kind_of};
use crate::reports::words::fold;

/// How a text came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Somebody was asked for an address: all of it is one.
    Field,
    /// A message that may hold one somewhere.
    Text,
}

/// One reading of a text. A message may be read in several ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// "rua", in full; empty when nobody said.
    pub kind: &'static str,
    /// The words of the name as they are compared. Unless `is_whole` the last of them may belong to what follows it.
    pub name: Vec<String>,
    /// A comma, a number or a word such as "no" ended the name.
    pub is_whole: bool,
    pub number: Option<u32>,
    /// "a" of 20-A.
    pub suffix: String,
    /// Eight digits.
    pub cep: Option<String>,
    /// Everything beside, as it is compared: a neighbourhood may be in it.
    pub beside: String,
}

/// Readings of one text.
const MOST_READINGS: usize = 4;
/// Words of a name.
const MOST_WORDS: usize = 8;
/// Letters that are looked at.
const MOST_LETTERS: usize = 1000;
/// What follows a name and is none of it.
const AFTER: &[&str] = &[
    "no",
    "na",
    "nos",
    "nas",
    "em",
    "perto",
    "proximo",
    "ao",
    "bairro",
    "esquina",
    "altura",
    "casa",
    "fundos",
    "apto",
    "ap",
    "apartamento",
    "lote",
    "bloco",
    "km",
    "lado",
    "frente",
    "atras",
    "entre",
    "com",
    "que",
    "cep",
    "sn",
    "onde",
    "esta",
    "caiu",
];
/// What a number before it counts or measures: no house stands there.
const COUNTED: &[&str] = &[
    "casas",
    "predios",
    "pessoas",
    "familias",
    "mortos",
    "feridos",
    "vitimas",
    "criancas",
    "idosos",
    "moradores",
    "mulheres",
    "homens",
    "desabrigados",
    "desalojados",
    "ilhados",
    "presos",
    "soterrados",
    "desaparecidos",
    "carros",
    "motos",
    "onibus",
    "veiculos",
    "arvores",
    "postes",
    "barrancos",
    "muros",
    "ruas",
    "quadras",
    "quarteiroes",
    "metro",
    "metros",
    "m",
    "cm",
    "mm",
    "centimetros",
    "km",
    "quilometros",
    "litros",
    "h",
    "hs",
    "hora",
    "horas",
    "min",
    "minutos",
    "dia",
    "dias",
    "semanas",
    "meses",
    "anos",
    "andar",
    "andares",
    "pavimento",
    "vezes",
    "mil",
    "graus",
    "ou",
    "que",
];
/// Letters and particles: names of streets, and words of any sentence.
const BARE: &[&str] = &["a", "e", "o", "as", "os", "de", "da", "do", "das", "dos"];
/// What stands before a number.
const NUMBER: &[&str] = &["n", "no", "nr", "nro", "num", "numero"];

/// The readings of a text, the likeliest first; none when it holds no address.
pub fn read(text: &str, mode: Mode) -> Vec<Written> {
    let text: String = text.chars().take(MOST_LETTERS).collect();
    let (text, cep) = take_cep(&text);
    let words = split(&text);
    let mut readings = Vec::new();
    let mut at = 0;
    while let Some(start) = (at..words.len()).find(|at| begins(&words, *at)) {
        let (reading, end) = street(&words, start, &cep);
        if mode == Mode::Field || is_name(&words, start + 1, &reading) {
            readings.push(reading);
        }
        at = end.max(start + 1);
        if readings.len() == MOST_READINGS {
            return readings;
        }
    }
    if readings.is_empty() && mode == Mode::Field && !words.is_empty() {
        readings.push(named(&words, (0, 0), "", &cep).0);
    }
    if readings.is_empty() && cep.is_some() {
        readings.push(Written { cep, beside: beside(&words, words.len()..words.len()), ..Written::default() });
    }
    readings
}

/// A word, and what ended just before it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    begins_part: bool,
    /// More than a comma or a dash ended there: the end of a sentence or a line, or a bracket.
    begins_anew: bool,
    /// It was written so that it can be the number of a house: no ordinal, no telephone, no time.
    is_plain: bool,
}

/// In a running text "rua e na casa" names no street: a letter or a particle is a name only before a number or an end.
fn is_name(words: &[Word], from: usize, reading: &Written) -> bool {
    let length = words[from..].iter().take_while(|word| BARE.contains(&word.text.as_str())).count();
    let ends = |word: &Word| word.begins_part;
    length == 0
        || reading.name.iter().any(|word| !BARE.contains(&word.as_str()))
        || reading.number.is_some()
        || words.get(from + length).is_none_or(ends)
}

/// True where a street begins: its kind, and a name beside it.
fn begins(words: &[Word], at: usize) -> bool {
    let named = words.get(at + 1).is_some_and(|next| !next.begins_part);
    named && words.get(at).is_some_and(|word| kind_of(&word.text).is_some())
}

fn street(words: &[Word], start: usize, cep: &Option<String>) -> (Written, usize) {
    let kind = words.get(start).and_then(|word| kind_of(&word.text)).unwrap_or_default();
    named(words, (start, start + 1), kind, cep)
}

/// The street whose name begins at `from`, its kind standing at `start`.
fn named(words: &[Word], (start, from): (usize, usize), kind: &'static str, cep: &Option<String>) -> (Written, usize) {
    let mut end = from;
    while end < words.len() && end - from < MOST_WORDS && (end == from || goes_on(words, from, end)) {
        end += 1;
    }
    let (number, after) = number_at(words, end);
    let is_whole = end < words.len() && end - from < MOST_WORDS;
    let name: Vec<&str> = words[from..end].iter().map(|word| word.text.as_str()).collect();
    let (number, suffix) = number.unwrap_or_default();
    let written = Written {
        kind,
        name: key::words(&name.join(" ")),
        is_whole,
        number: Some(number).filter(|number| *number > 0),
        suffix,
        cep: cep.clone(),
        beside: beside(words, start..after),
    };
    (written, after)
}

/// Whether the name that began at `from` holds the word at `at`.
fn goes_on(words: &[Word], from: usize, at: usize) -> bool {
    let Some(word) = words.get(at) else { return false };
    if word.begins_part || AFTER.contains(&word.text.as_str()) {
        return false;
    }
    // "n 20", but "Rua N Senhora".
    if NUMBER.contains(&word.text.as_str()) {
        return words.get(at + 1).is_none_or(|next| house(&next.text).is_none());
    }
    if !word.text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return true;
    }
    // "31 de Março" and "BR 040" are names.
    let is_date = words.get(at + 1).is_some_and(|next| next.text == "de" && !next.begins_part);
    let is_road =
        at == from + 1 && words.get(from).is_some_and(|first| first.text.len() == 2 && house(&first.text).is_none());
    is_date || is_road
}

/// The number at this place, after "n", "número" or nothing, and the place after it. Only a comma, a dash or a blank stands
/// before it, and nothing that it counts behind it.
fn number_at(words: &[Word], at: usize) -> (Option<(u32, String)>, usize) {
    let is_sign = words.get(at).is_some_and(|word| NUMBER.contains(&word.text.as_str()) && !word.begins_anew);
    let place = if is_sign { at + 1 } else { at };
    let number = words.get(place).filter(|word| word.is_plain && !word.begins_anew).and_then(|word| house(&word.text));
    match number {
        Some(found) if !is_count(words, place, found.0) => (Some(found), place + 1),
        _ => (None, at),
    }
}

/// Whether the number at this place counts what follows, or is the beginning of a telephone's.
fn is_count(words: &[Word], place: usize, number: u32) -> bool {
    let Some(next) = words.get(place + 1).filter(|next| !next.begins_part) else { return false };
    let is_digit = |word: &Word| word.text.starts_with(|letter: char| letter.is_ascii_digit());
    let is_range = next.text == "a" && words.get(place + 2).is_some_and(is_digit);
    COUNTED.contains(&next.text.as_str()) || (number == 1 && next.text == "casa") || is_digit(next) || is_range
}

/// "20" and "20a".
fn house(word: &str) -> Option<(u32, String)> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = word.split_at(digits);
    let is_one = (1..=6).contains(&digits) && suffix.len() <= 1 && suffix.bytes().all(|byte| byte.is_ascii_lowercase());
    // "14h", "2m" and "2o" are a time, a length and an ordinal.
    let is_one = is_one && !matches!(suffix, "h" | "m" | "o");
    is_one.then(|| number.parse().ok().map(|number| (number, suffix.to_owned()))).flatten()
}

/// All words but these.
fn beside(words: &[Word], but: std::ops::Range<usize>) -> String {
    let others = words.iter().enumerate().filter(|(at, _)| !but.contains(at));
    others.map(|(_, word)| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// Takes the first CEP out of a text: "36016-000", "36.016-000", "36016000".
fn take_cep(text: &str) -> (String, Option<String>) {
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        let is_inside = at > 0 && bytes.get(at - 1).is_some_and(u8::is_ascii_alphanumeric);
        if is_inside || !bytes[at].is_ascii_digit() {
            continue;
        }
        if let Some((cep, end)) = cep_at(bytes, at) {
            let rest = format!("{}, {}", &text[..at], &text[end..]);
            return (rest, Some(cep));
        }
    }
    (text.to_owned(), None)
}

fn cep_at(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let mut digits = String::new();
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        let is_joint = (*byte == b'.' && digits.len() == 2) || (*byte == b'-' && digits.len() == 5);
        if byte.is_ascii_digit() {
            digits.push(char::from(*byte));
        } else if !is_joint {
            break;
        }
        at += 1;
    }
    (digits.len() == 8 && !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)).then_some((digits, at))
}

/// Words, with what ends a part of an address between them.
fn split(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut begins_part, mut begins_anew) = (true, true);
    for piece in pieces(text) {
        match piece {
            Piece::End { is_hard } => {
                begins_part = true;
                begins_anew |= is_hard;
            }
            Piece::Word { text, is_plain } => {
                for folded in fold(&text).split(' ').filter(|word| !word.is_empty()) {
                    words.push(Word { text: folded.to_owned(), begins_part, begins_anew, is_plain });
                    (begins_part, begins_anew) = (false, false);
                }
            }
        }
    }
    words
}

enum Piece {
    Word { text: String, is_plain: bool },
    End { is_hard: bool },
}

const ENDS: &[char] = &[',', ';', '\n', '(', ')', '–', '—', ':'];

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for raw in text.split_inclusive(ENDS) {
        let first = pieces.len();
        for word in raw.trim_end_matches(ENDS).split_whitespace() {
            if word == "-" {
                pieces.push(Piece::End { is_hard: false });
                continue;
            }
            let bare = fold(word);
            if bare == "s n" {
                pieces.push(Piece::Word { text: "sn".into(), is_plain: false });
                continue;
            }
            let text = joined(word);
            let number = text.rsplit(' ').next().unwrap_or_default().to_ascii_lowercase();
            pieces.push(Piece::Word { is_plain: house(number.trim_end_matches(['.', '!', '?'])).is_some(), text });
            // The point of "Av." ends nothing; that of a sentence does.
            let is_shortened = key::is_shortened(&bare) || NUMBER.contains(&bare.as_str());
            if word.ends_with(['.', '!', '?']) && !is_shortened && bare.len() > 1 {
                pieces.push(Piece::End { is_hard: true });
            }
        }
        // "14:30" is a time.
        if let (true, Some(Piece::Word { is_plain, .. })) =
            (raw.ends_with(':'), pieces.get_mut(first..).and_then(<[_]>::last_mut))
        {
            *is_plain = false;
        }
        if raw.ends_with(ENDS) {
            pieces.push(Piece::End { is_hard: !raw.ends_with([',', '–', '—']) });
        }
    }
    pieces
}

/// Numbers as one word: "2.100" is 2100, "20-A" is 20a, "n°20" is n 20. Other words as they are.
fn joined(word: &str) -> String {
    let start = word.find(|letter: char| letter.is_ascii_digit()).unwrap_or(word.len());
    let (before, number) = word.split_at(start);
    let number = number.trim_end_matches(['.', '!', '?']);
    if number.is_empty() || !before.chars().all(|letter| "nNºª°.o".contains(letter)) {
        return word.to_owned();
    }
    let groups: Vec<&str> = number.split('.').collect();
    let is_grouped = groups.len() > 1
        && groups.iter().skip(1).all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()));
    let number = if is_grouped { groups.concat() } else { number.to_owned() };
    let number = match number.split_once('-') {
        Some((digits, letter)) if letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            format!("{digits}{letter}")
        }
        _ => number,
    };
    if before.is_empty() { number } else { format!("n {number}") }
}

#[cfg(test)]
#[path = "written_tests.rs"]
mod tests;
