//! Sentences that desks write for programs, in the reader's words: found by their form, with what stands in their gaps. Reasons that are
//! typed have words of their own (`refused::Reason`).

mod forms;

use crate::i18n::Lang;
use crate::web::error::FieldError;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// What stands in the gaps of a form, where a sentence has it.
fn gaps<'a>(form: &str, sentence: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = form.split("{}");
    let mut rest = sentence.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last part ends the sentence; those between are looked for.
        let at = if parts.peek().is_none() { rest.strip_suffix(part)?.len() } else { rest.find(part)? };
        let (gap, after) = rest.split_at_checked(at)?;
        if gap.is_empty() {
            return None;
        }
        found.push(gap);
        rest = after.get(part.len()..)?;
    }
    rest.is_empty().then_some(found)
}

/// A gap in words: a day as the reader writes it, a sentence in their language.
fn word(lang: Lang, gap: &str) -> String {
    match gap.parse::<chrono::NaiveDate>() {
        Ok(day) => day.format(if lang == Lang::Pt { "%d/%m/%Y" } else { "%-d %b %Y" }).to_string(),
        Err(_) => said(lang, gap),
    }
}

/// The key of the first form that a sentence has, with what stands in its gaps.
fn find(sentence: &str) -> Option<(&'static str, Vec<&str>)> {
    forms::all().find_map(|(form, key)| Some((key, gaps(form, sentence)?)))
}

/// Where what stands in brackets at the end of a sentence begins, with the space before it; brackets in it are part of it.
fn law_at(sentence: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, letter) in sentence.char_indices().rev() {
        depth += match letter {
            ')' => 1,
            '(' => -1,
            _ => 0,
        };
        if depth <= 0 {
            return at.checked_sub(1).filter(|space| letter == '(' && sentence.as_bytes().get(*space) == Some(&b' '));
        }
    }
    None
}

/// The form of a sentence, with what stands in its gaps, and the law in brackets behind it.
fn head(sentence: &str) -> Option<(&'static str, Vec<&str>, &str)> {
    // Some forms have their law in themselves.
    let own = forms::all().filter(|(form, _)| form.ends_with(')'));
    let mut own = own.filter_map(|(form, key)| Some((key, gaps(form, sentence)?, "")));
    if let Some(found) = own.next() {
        return Some(found);
    }
    let mut end = sentence.len();
    while let Some(at) = sentence.get(..end).and_then(law_at) {
        let (head, law) = sentence.split_at_checked(at)?;
        if let Some((key, found)) = find(head) {
            return Some((key, found, law));
        }
        end = at;
    }
    find(sentence).map(|(key, found)| (key, found, ""))
}

/// The code of a sentence: the name of its form, which stays whatever its gaps hold.
pub fn code(sentence: &str) -> Option<&'static str> {
    head(sentence).and_then(|(key, ..)| key.strip_prefix("said-"))
}

/// The sentence in the reader's language; as it is where it has no form. What stands in brackets behind it, the law, stays as it is.
pub fn said(lang: Lang, sentence: &str) -> String {
    // English stays as the desks wrote it: the same as programs read.
    if lang == Lang::En {
        return sentence.to_owned();
    }
    let Some((key, found, law)) = head(sentence) else { return sentence.to_owned() };
    let args: Vec<(&str, String)> = NAMES.iter().zip(found).map(|(name, gap)| (*name, word(lang, gap))).collect();
    format!("{}{law}", lang.tn(key, &args))
}

/// The name of a field as its form calls it: "plan.stages[1].title" is "Etapas 2 · Título", "line 3, valor" is "linha 3 · valor". What the
/// vocabulary does not have stays as it is.
pub fn label(lang: Lang, vocabulary: &str, name: &str) -> String {
    let known = |word: &str| {
        let key = format!("{vocabulary}-{}", word.replace(['.', '_'], "-"));
        lang.knows(&key).then(|| lang.t(&key))
    };
    let part = |part: &str| {
        let (word, at) = match part.split_once('[') {
            Some((word, rest)) => (word, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        if let Some(line) = word.strip_prefix("line ") {
            return lang.tn("said-line", &[("n", line.to_owned())]);
        }
        let word = known(word).unwrap_or_else(|| word.to_owned());
        at.map_or_else(|| word.clone(), |at| format!("{word} {}", at + 1))
    };
    known(name).unwrap_or_else(|| {
        let parts = name
            .split(", ")
            .flat_map(|part| if known(part).is_some() { vec![part] } else { part.split('.').collect() });
        parts.map(part).collect::<Vec<_>>().join(" · ")
    })
}

/// The same of what is wrong with each field.
pub fn fields(lang: Lang, errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.into_iter().map(|one| FieldError { message: said(lang, &one.message), ..one }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_words_in_both_languages_and_finds_its_own_sentence() {
        for (form, key) in forms::all() {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
            let sentence = form.replace("{}", "7");
            let portuguese = said(Lang::Pt, &sentence);
            assert_ne!(portuguese, sentence);
            assert!(!portuguese.contains('{') && !portuguese.contains(key), "{portuguese}");
            assert_eq!(said(Lang::En, &sentence), sentence);
        }
    }

    #[test]
    fn gaps_are_told_with_days_as_people_write_them_and_the_law_stays() {
        let notice = "the notice is too short: a meeting that is convened now begins on 01/03/2026 14:00 or later (Regimento interno (7 dias))";
        let told = said(Lang::Pt, notice);
        assert!(told.contains("01/03/2026 14:00") && told.ends_with("(Regimento interno (7 dias))"), "{told}");
        assert_eq!(said(Lang::Pt, "expected 2026-03-31 or later"), "O dia é 31/03/2026 ou depois.");
        let twice =
            said(Lang::Pt, "the deadline stays as it is: its rule allows no extension (coordination.due: Norma)");
        assert!(twice.contains("não permite prorrogar") && twice.ends_with("(coordination.due: Norma)"), "{twice}");
        let code = said(Lang::Pt, "function 77 is unknown (Portaria MOG 42/1999, anexo)");
        assert_eq!(code, "função 77: código desconhecido (Portaria MOG 42/1999, anexo)");
        assert_eq!(said(Lang::Pt, "something else"), "something else");
        let over = "what is released would be R$ 5,00, more than the commitment of R$ 4,00 (Lei 4.320/1964, art. 58)";
        let told = said(Lang::Pt, over);
        assert_eq!(told, "O repassado seria R$ 5,00, mais que o empenho, de R$ 4,00. (Lei 4.320/1964, art. 58)");
        let day = said(
            Lang::Pt,
            "no release outside the term of 2026-01-01 to 2026-12-31 (Lei 13.019/2014, art. 42 (termo))",
        );
        assert!(day.contains("01/01/2026") && day.contains("31/12/2026") && day.ends_with("art. 42 (termo))"), "{day}");
    }

    #[test]
    fn a_sentence_has_the_name_of_its_form_as_its_code_whatever_its_gaps_hold() {
        let law = "no release outside the term of 2026-01-01 to 2026-12-31 (Lei 13.019/2014, art. 42)";
        assert_eq!(code(law), Some("no-release-outside-the-term-of-x-to-x"));
        assert_eq!(code("a budget holds at most 9 lines"), Some("a-budget-holds-at-most-x-lines"));
        assert_eq!(code("something else"), None);
        let all: std::collections::BTreeSet<&str> = forms::all().map(|(_, key)| key).collect();
        assert_eq!(all.len(), forms::all().count(), "one code is one form");
        assert!(all.iter().all(|key| key.starts_with("said-")));
    }

    #[test]
    fn fields_are_named_as_their_forms_call_them() {
        let of = |lang, name| label(lang, "sec-instrument-field", name);
        assert_eq!(of(Lang::Pt, "plan.stages[1].title"), "Plano · Etapas 2 · Título");
        assert_eq!(of(Lang::Pt, "plan.stages, line 3, starts_on"), "Etapas · linha 3 · Início");
        assert_eq!(of(Lang::En, "ends_on"), "Last day");
        assert_eq!(label(Lang::Pt, "sec-budget-field", "credit_limit"), "Limite de créditos por decreto");
        assert_eq!(
            label(Lang::Pt, "sec-budget-field", "programmes[0].indicators[2].target"),
            "Programas 1 · Indicadores 3 · Meta"
        );
        assert_eq!(label(Lang::Pt, "sec-budget-field", "line 3, valor"), "linha 3 · valor");
    }

    #[test]
    fn what_fields_of_cases_ask_for_is_told_in_portuguese() {
        use crate::secretariat::kernel::{Types, values};
        let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
        let mut seen = 0;
        for kept in types.all() {
            for field in &kept.def.fields {
                // Too long for every kind, and nothing else that they take.
                let given = serde_json::Map::from_iter([(field.key().to_owned(), "\u{1}".repeat(20_000).into())]);
                let Err(errors) = values::read(&kept.def, &given, &|_| true) else { continue };
                for error in fields(Lang::Pt, errors) {
                    let message = error.message;
                    assert!(!message.contains("expected") && !message.contains(" is "), "{}: {message}", field.key());
                    seen += 1;
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
