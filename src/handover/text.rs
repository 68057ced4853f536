//! The words of an alert within a channel's limit: areas are cut before advice. Pure.

use super::PublicChannel;
use super::limits::length;
use crate::dispatch::sms_text::transliterate;

/// What there is to say.
#[derive(Clone, Debug)]
pub struct Words {
    /// "Defesa Civil de Juiz de Fora"
    pub authority: String,
    /// Hazard and level in few words: "Deslizamentos, alerta máximo". A headline names areas, which short texts cut first.
    pub what: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub areas: Vec<String>,
    /// "até 25/02 03:13"
    pub until: String,
    /// Where to call.
    pub contact: String,
}

/// The text that fits, and what was left out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    pub text: String,
    /// Areas that are not named.
    pub areas_cut: usize,
    /// Sentences of advice that are not said.
    pub advice_cut: usize,
    /// False when even the shortest does not fit: then a person has to write it.
    pub fits: bool,
}

/// Writes the text of a channel. Areas are left out first, one after the other from the end; then where they are at all; then
/// sentences of the advice from the end. The first sentence of the advice is never cut.
pub fn fit(channel: PublicChannel, words: &Words) -> Fitted {
    if channel == PublicChannel::Idap {
        let text = whole(words);
        return Fitted { fits: length(channel, &text).fits(), text, areas_cut: 0, advice_cut: 0 };
    }
    let advice = sentences(&words.instruction);
    let total = words.areas.len();
    let mut last = None;
    for advice_cut in 0..advice.len().max(1) {
        let said = &advice[..advice.len() - advice_cut];
        // Once advice has to go, no area is named any more.
        let from = if advice_cut == 0 { total } else { 0 };
        for named in (0..=from).rev() {
            let text = transliterate(&short(words, named, said));
            let fits = length(channel, &text).fits();
            let fitted = Fitted { text, areas_cut: total - named, advice_cut, fits };
            if fits {
                return fitted;
            }
            last = Some(fitted);
        }
    }
    last.unwrap_or_else(|| Fitted { text: String::new(), areas_cut: total, advice_cut: 0, fits: false })
}

fn short(words: &Words, named: usize, advice: &[String]) -> String {
    let mut text = format!("{}: {}.", words.authority, words.what.trim().trim_end_matches('.'));
    let cut = words.areas.len() - named;
    match (named, cut) {
        (0, _) => {}
        (_, 0) => text.push_str(&format!(" Onde: {}.", words.areas.join(", "))),
        _ => text.push_str(&format!(" Onde: {} e mais {cut}.", words.areas[..named].join(", "))),
    }
    for sentence in advice {
        text.push(' ');
        text.push_str(sentence);
    }
    text.push_str(&format!(" Vale {}. Emergencia: {}.", words.until, words.contact));
    text
}

/// Title, then everything.
fn whole(words: &Words) -> String {
    format!(
        "{}\n\n{}\n\n{}\n\nOnde: {}\nVale {}\nEmergência: {}\n{}",
        words.headline.trim(),
        words.description.trim(),
        words.instruction.trim(),
        words.areas.join(", "),
        words.until,
        words.contact,
        words.authority
    )
}

/// Sentences of the advice, without the numbers of steps.
fn sentences(instruction: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in instruction.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let line = if rest.len() < line.len() && rest.starts_with(['.', ')']) { rest[1..].trim_start() } else { line };
        let mut sentence = String::new();
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            sentence.push(letter);
            let ends = matches!(letter, '.' | '!' | '?') && letters.peek().is_none_or(|next| next.is_whitespace());
            if ends {
                found.push(std::mem::take(&mut sentence).trim().to_owned());
            }
        }
        if !sentence.trim().is_empty() {
            found.push(format!("{}.", sentence.trim()));
        }
    }
    found.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::handover::limits::{CELL_GSM7, SMS_GSM7};

    fn words(areas: usize) -> Words {
        Words {
            authority: "Defesa Civil".into(),
            what: "Deslizamentos, alerta máximo".into(),
            headline: "Risco muito alto de deslizamento".into(),
            description: "Choveu 90 mm.".into(),
            instruction: "1. Saia de casa agora.\n2. Vá ao ponto de apoio. Leve remédios.".into(),
            areas: (1..=areas).map(|n| format!("Bairro {n}")).collect(),
            until: "até 25/02 03:13".into(),
            contact: "199".into(),
        }
    }

    #[test]
    fn areas_are_cut_before_advice() {
        let fitted = fit(PublicChannel::Sms40199, &words(30));
        assert!(fitted.fits && fitted.areas_cut > 0, "{fitted:?}");
        assert!(fitted.text.contains("Saia de casa agora."), "{}", fitted.text);
        let all = fit(PublicChannel::CellBroadcast, &words(30));
        assert_eq!((all.areas_cut, all.advice_cut), (0, 0), "{all:?}");
        assert!(all.text.contains("Bairro 30.") && all.text.contains("Leve remédios."), "{}", all.text);
    }

    #[test]
    fn advice_goes_from_its_end_and_its_first_sentence_stays() {
        let long = Words { instruction: format!("Saia agora. {}", "Leve água e comida. ".repeat(20)), ..words(3) };
        let fitted = fit(PublicChannel::Sms40199, &long);
        assert!(fitted.fits && fitted.areas_cut == 3 && fitted.advice_cut > 0, "{fitted:?}");
        assert!(fitted.text.contains("Saia agora."));
        let hopeless = Words { instruction: "a".repeat(400), ..words(1) };
        assert!(!fit(PublicChannel::Sms40199, &hopeless).fits);
    }

    #[test]
    fn what_was_cut_is_told() {
        let fitted = fit(PublicChannel::CellBroadcast, &Words { ..words(400) });
        assert!(fitted.fits && fitted.text.contains(&format!(" e mais {}.", fitted.areas_cut)), "{}", fitted.text);
    }

    #[test]
    fn idap_gets_everything() {
        let fitted = fit(PublicChannel::Idap, &words(2));
        assert!(
            fitted.text.starts_with("Risco muito alto de deslizamento\n") && fitted.text.contains("Bairro 1, Bairro 2")
        );
    }

    proptest! {
        /// Whatever is said, nothing that claims to fit is longer than the channel takes.
        #[test]
        fn what_fits_fits(what in ".{0,80}", instruction in ".{0,300}", areas in prop::collection::vec("[A-Zãé ]{1,30}", 0..40)) {
            let words = Words { what, instruction, areas, ..words(0) };
            for (channel, most) in [(PublicChannel::Sms40199, SMS_GSM7), (PublicChannel::CellBroadcast, CELL_GSM7)] {
                let fitted = fit(channel, &words);
                let units = crate::dispatch::sms_text::measure(fitted.text.trim()).units;
                prop_assert!(!fitted.fits || units <= most, "{} units", units);
            }
        }
    }
}
