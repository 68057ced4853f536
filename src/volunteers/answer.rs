//! Answers to a call by SMS: "SIM", "NÃO", "sim 4821", "posso". The words are read by a pure function; what they answer is looked up by the
//! telephone they come from.

use super::Answer;
use crate::reports::words::fold;

const DIGITS: usize = 4;
/// Longer than any answer: whatever is longer is something else.
const LONGEST: usize = 40;
const YES: &[&str] = &["sim", "s", "yes", "posso", "vou", "confirmo", "ok"];
const NO: &[&str] = &["nao", "n", "no"];
/// Beside them, and saying nothing else.
const BESIDE: &[&str] = &["posso", "vou", "ir", "eu", "obrigado", "obrigada"];

/// What a message says to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub answer: Answer,
    /// Of the call; without one it answers the only call that waits.
    pub code: Option<String>,
}

/// `None` for what is no answer: every word of it has to be known.
pub fn read(text: &str) -> Option<Reply> {
    if text.chars().count() > LONGEST {
        return None;
    }
    let folded = fold(text);
    let is_code = |part: &str| part.len() == DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    let (codes, words): (Vec<&str>, Vec<&str>) = folded.split_whitespace().partition(|part| is_code(part));
    let known = |word: &&str| YES.contains(word) || NO.contains(word) || BESIDE.contains(word);
    if codes.len() > 1 || words.is_empty() || !words.iter().all(known) {
        return None;
    }
    let says_no = words.iter().any(|word| NO.contains(word));
    let says_yes = words.iter().any(|word| YES.contains(word));
    // "não posso" is a no; "sim não" is neither.
    let is_both = says_no && words.iter().any(|word| ["sim", "s", "yes", "ok", "confirmo"].contains(word));
    let answer = match (says_no, says_yes) {
        _ if is_both => return None,
        (true, _) => Answer::No,
        (false, true) => Answer::Yes,
        (false, false) => return None,
    };
    Some(Reply { answer, code: codes.first().map(|code| (*code).to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_read_as_people_write_them() {
        for (text, answer, code) in [
            ("SIM", Answer::Yes, None),
            ("Sim, posso ir!", Answer::Yes, None),
            ("sim 4821", Answer::Yes, Some("4821")),
            ("vou", Answer::Yes, None),
            ("NÃO", Answer::No, None),
            ("nao posso", Answer::No, None),
            ("4821 não, obrigada", Answer::No, Some("4821")),
        ] {
            assert_eq!(read(text), Some(Reply { answer, code: code.map(str::to_owned) }), "{text}");
        }
    }

    #[test]
    fn everything_else_is_left_to_others() {
        let long = "sim ".repeat(20);
        for text in
            ["", "4821", "SAIR", "sim não", "socorro", "sim, mas a água subiu", "36010-000", "sim 1234 5678", &long]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
