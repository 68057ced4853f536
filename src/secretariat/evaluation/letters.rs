//! What somebody writes, on its way to whoever checks it. Pure.
//!
//! Each answer drops a letter: the texts, or none, filled up to the size that the questionnaire allows, and sealed. So whoever reads the database
//! beside the service sees which transaction dropped a letter with an answer, but neither whether words are in it nor which. The worker
//! opens letters of a round and service together, never fewer than [`LEAST`], and keeps the texts in the order of random ids, in a
//! transaction of its own. So that the last ones are not few, as many stay behind until the round is over; where fewer than that ever came, they
//! are erased and nobody reads them ([`due`]).

use std::collections::BTreeMap;

use super::suppress::LEAST;
use crate::secretariat::kernel::form::{Form, Question};

/// Place of letters on the ring that seals them.
pub const CONTEXT: &str = "evaluation letter";
/// Bytes of the longest letter (UTF-8).
const BYTES_OF_LETTER: usize = 4;

/// What is done with the letters of a round and service that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Wait,
    /// All are opened but so many, which chance chooses.
    AllBut(i64),
    /// Fewer than a text may stand among: nobody reads them.
    Erase,
}

/// Letters from which on some are opened while a round runs: as many as stay behind, and as many again.
pub const FROM: i64 = 2 * LEAST;

/// What is due of so many letters. Whatever comes and however often one looks, no fewer than [`LEAST`] are opened at once.
pub const fn due(waiting: i64, is_over: bool) -> Due {
    if is_over {
        if waiting >= LEAST { Due::AllBut(0) } else { Due::Erase }
    } else if waiting >= FROM {
        Due::AllBut(LEAST)
    } else {
        Due::Wait
    }
}

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
    use proptest::prelude::*;

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

    #[test]
    fn few_letters_wait_for_others_and_are_erased_where_none_come() {
        for few in 0..LEAST {
            assert_eq!((due(few, false), due(few, true)), (Due::Wait, Due::Erase), "{few}");
        }
        assert_eq!((due(LEAST, false), due(LEAST, true)), (Due::Wait, Due::AllBut(0)));
        assert_eq!((due(FROM - 1, false), due(FROM, false)), (Due::Wait, Due::AllBut(LEAST)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn whenever_one_looks_no_fewer_than_five_are_opened_at_once(came in prop::collection::vec(0_i64..9, 1..12)) {
            let (mut waiting, mut opened) = (0, 0);
            for (at, new) in came.iter().enumerate() {
                waiting += new;
                let is_over = at + 1 == came.len();
                match due(waiting, is_over) {
                    Due::AllBut(kept) => {
                        prop_assert!(waiting - kept >= LEAST, "{} of {}", waiting - kept, waiting);
                        opened += waiting - kept;
                        waiting = kept;
                    }
                    Due::Erase => {
                        prop_assert_eq!(opened, 0, "where others were read none is lost");
                        waiting = 0;
                    }
                    Due::Wait => prop_assert!(!is_over),
                }
            }
            prop_assert_eq!(waiting, 0, "after the round none waits");
        }
    }
}
