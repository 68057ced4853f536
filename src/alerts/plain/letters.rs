//! Texts without capitals and accents, in which words are found and shown as they were written. Pure.

use std::ops::Range;

/// Letters of a passage that is shown of a longer one.
const SHOWN: usize = 80;

/// A text letter by letter, and the same folded: `folded[n]` is what `letters[n]` is compared as.
#[derive(Clone, Debug)]
pub struct Folded {
    letters: Vec<char>,
    folded: Vec<char>,
}

impl Folded {
    pub fn of(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let folded = letters.iter().map(|letter| fold(*letter)).collect();
        Self { letters, folded }
    }

    /// Where these words stand, as whole words; an entry that ends in `*` may go on to the end of its last word.
    pub fn find(&self, words: &str) -> Option<Range<usize>> {
        let (words, goes_on) = words.strip_suffix('*').map_or((words, false), |stem| (stem, true));
        let wanted: Vec<char> = words.trim().chars().map(fold).collect();
        if wanted.is_empty() || wanted.len() > self.folded.len() {
            return None;
        }
        (0..=self.folded.len() - wanted.len()).find_map(|start| {
            let end = start + wanted.len();
            let begins = start == 0 || !self.folded[start - 1].is_alphanumeric();
            if !begins || self.folded[start..end] != wanted[..] {
                return None;
            }
            let rest = self.folded[end..].iter().take_while(|letter| letter.is_alphanumeric()).count();
            (goes_on || rest == 0).then_some(start..end + rest)
        })
    }

    /// The words as they were written.
    pub fn shown(&self, at: Range<usize>) -> String {
        self.letters.get(at).unwrap_or_default().iter().collect()
    }

    /// An hour or a date: "18:30", "18h", "24/02".
    pub fn time(&self) -> Option<String> {
        self.tokens().find(|token| is_time(token))
    }

    /// Letter sequences that stand for names, unless the text spells them out in brackets.
    pub fn acronyms(&self, known: &[&str]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for token in self.tokens() {
            let letters = token.chars().count();
            let is_capital = token.chars().all(char::is_uppercase) && (2..=9).contains(&letters);
            let has_no_vowel = !token.chars().map(fold).any(|letter| "aeiouy".contains(letter));
            let is_one = known.contains(&token.as_str()) || (letters >= 3 && has_no_vowel && token != "SMS");
            if is_capital && is_one && !found.contains(&token) && !self.is_spelt_out(&token) {
                found.push(token);
            }
        }
        found
    }

    /// "INMET (Instituto …)" or "Instituto … (INMET)".
    fn is_spelt_out(&self, token: &str) -> bool {
        let text: String = self.letters.iter().collect();
        text.contains(&format!("({token})")) || text.contains(&format!("{token} ("))
    }

    /// A number with a unit that says little: "90 mm".
    pub fn measure(&self, units: &[&str]) -> Option<String> {
        let tokens: Vec<String> = self.tokens().collect();
        let is_number = |token: &str| token.starts_with(|letter: char| letter.is_ascii_digit());
        tokens.windows(2).find_map(|pair| {
            let [number, unit] = pair else { return None };
            (is_number(number) && !is_time(number) && units.contains(&unit.as_str()))
                .then(|| format!("{number} {unit}"))
        })
    }

    fn tokens(&self) -> impl Iterator<Item = String> + '_ {
        let is_part = |letter: &char| letter.is_alphanumeric() || matches!(letter, ':' | '/' | '³' | ',' | '.');
        self.letters.split(move |letter| !is_part(letter)).map(|token| {
            let token: String = token.iter().collect();
            token.trim_matches(['.', ',', ':', '/']).to_owned()
        })
    }
}

fn is_time(token: &str) -> bool {
    let digits =
        |text: &str, most: usize| !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((left, right)) = token.split_once([':', '/', 'h']) {
        return digits(left, 2) && (right.is_empty() || right.split('/').all(|part| digits(part, 4)));
    }
    ["am", "pm"].iter().any(|half| token.strip_suffix(half).is_some_and(|hour| digits(hour, 2)))
}

/// Without capital and accent; one letter for one letter.
fn fold(letter: char) -> char {
    match letter.to_lowercase().next().unwrap_or(letter) {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

/// A text in its sentences. A full stop within a number ("1.5") or after a step's number ends none.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(without_number)
        .flat_map(|line| line.split_inclusive(['.', '!', '?', ';', ':']))
        .map(str::trim)
        .filter(|part| part.chars().any(char::is_alphabetic))
}

/// A line without the number of its step: "2. Leve documentos".
pub fn without_number(line: &str) -> &str {
    let line = line.trim();
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let numbered = rest.len() < line.len() && rest.starts_with(['.', ')']);
    if numbered { rest[1..].trim_start() } else { line }
}

pub fn count_words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

/// Whether nearly all of at least six words are in capitals.
pub fn shouts(sentence: &str) -> bool {
    let letters: Vec<char> = sentence.chars().filter(|letter| letter.is_alphabetic()).collect();
    let capitals = letters.iter().filter(|letter| letter.is_uppercase()).count();
    count_words(sentence) >= 6 && capitals * 10 >= letters.len() * 8
}

/// The first address of the web.
pub fn link(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.contains("://") || word.to_lowercase().starts_with("www."))
}

/// The beginning of a passage.
pub fn short(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let kept: String = text.chars().take(SHOWN - 1).collect();
    format!("{}…", kept.trim_end())
}
