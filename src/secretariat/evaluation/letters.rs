//! What somebody writes, on its way to whoever checks it. Pure.
//!
//! Each answer drops a letter: the texts, or none, filled up to the size that the questionnaire allows, and sealed. So whoever reads the database
//! beside the service sees which transaction dropped a letter with an answer, but neither whether words are in it nor which. The worker
//! opens the letters of a round and service together, when at least [`super::suppress::LEAST`] wait or the round is over, and keeps the
//! texts in the order of random ids, in a transaction of its own.

use std::collections::BTreeMap;

use crate::secretariat::kernel::form::{Form, Question};

/// Place of letters on the ring that seals them.
pub const CONTEXT: &str = "evaluation letter";
/// Bytes of the longest letter (UTF-8).
const BYTES_OF_LETTER: usize = 4;

/// Bytes that every letter of a questionnaire has before it is sealed; none: it asks for no text.
fn size(form: &Form) -> Option<usize> {
    let room = |question: &Question| question.key().len() + BYTES_OF_LETTER * question.most_text() + 2;
    let all: usize = form.questions.iter().filter(|question| !question.is_closed()).map(room).sum();
    (all > 0).then_some(all)
}

/// A letter; none where no text is asked for. Question and text end with NUL, which no text has, and NUL fills the rest.
pub fn write(form: &Form, texts: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    let size = size(form)?;
    let mut letter = Vec::with_capacity(size);
    for (question, text) in texts {
        letter.extend_from_slice(question.as_bytes());
        letter.push(0);
        letter.extend_from_slice(text.as_bytes());
        letter.push(0);
    }
    letter.resize(size.max(letter.len()), 0);
    Some(letter)
}

/// Questions and texts of a letter.
pub fn read(letter: &[u8]) -> Vec<(String, String)> {
    let mut parts = letter.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
    let mut found = Vec::new();
    while let (Some(question), Some(text)) = (parts.next(), parts.next()) {
        if question.is_empty() {
            break;
        }
        found.push((question, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::evaluation::questionnaire;

    const TEXT: &str = include_str!("questionnaire.toml");

    #[test]
    fn a_letter_with_words_is_as_long_as_one_without_and_reads_back() {
        let form = questionnaire(TEXT, None).unwrap();
        let question = form.questions.iter().find(|question| !question.is_closed()).unwrap();
        let longest: String = std::iter::repeat_n('𝄞', question.most_text()).collect();
        let texts = |text: &str| BTreeMap::from([(question.key().to_owned(), text.to_owned())]);
        let empty = write(&form, &BTreeMap::new()).unwrap();
        for text in ["A fila\ncomeça na rua", &longest] {
            let letter = write(&form, &texts(text)).unwrap();
            assert_eq!(letter.len(), empty.len());
            assert_eq!(read(&letter), [(question.key().to_owned(), text.to_owned())]);
        }
        assert_eq!(read(&empty), []);
    }
}
