//! Judges the text of a questionnaire: every fault with line and column, all of them at once. Pure.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::check::{Fault, is_word, place};
use super::super::define::{Word, Words};
use super::{Form, MOST_OPTIONS, MOST_QUESTIONS, Question, QuestionKind, Total};

/// Characters of a title, a label or a help.
const MOST_WORDS: usize = 400;
const FILE: &str = "questionnaire";

/// Reads a version. `before`: the one it follows, whose questions keep their meaning.
///
/// # Errors
/// Every fault, in the order of the text.
pub fn read(text: &str, before: Option<&Form>) -> Result<Form, Vec<Fault>> {
    let told = |span: Range<usize>, message: String| {
        let (line, column) = place(text, span.start);
        Fault { file: FILE.into(), line, column, message }
    };
    let form: Form = toml::from_str(text)
        .map_err(|error| vec![told(error.span().unwrap_or_default(), error.message().trim().to_owned())])?;
    let mut judge = Judge { of: &form, found: Vec::new(), names: BTreeSet::new() };
    judge.all();
    if let Some(before) = before {
        judge.follows(before);
    }
    let Judge { found, .. } = judge;
    let mut faults: Vec<Fault> = found.into_iter().map(|(span, message)| told(span, message)).collect();
    faults.sort();
    faults.dedup();
    if faults.is_empty() { Ok(form) } else { Err(faults) }
}

/// A fault that whoever uses the form finds, at the place of a word.
pub fn fault(text: &str, word: &Word, message: impl Into<String>) -> Fault {
    let (line, column) = place(text, word.span().start);
    Fault { file: FILE.into(), line, column, message: message.into() }
}

struct Judge<'a> {
    of: &'a Form,
    found: Vec<(Range<usize>, String)>,
    names: BTreeSet<&'a str>,
}

impl<'a> Judge<'a> {
    fn wrong(&mut self, word: &Word, message: impl Into<String>) {
        self.found.push((word.span(), message.into()));
    }

    fn all(&mut self) {
        let of = self.of;
        if !is_word(of.key()) {
            self.wrong(&of.key, "expected a key of small letters, digits and `_`");
        }
        if of.version() < 1 {
            self.found.push((of.version.span(), "expected a version from 1".into()));
        }
        if of.law_ref.chars().count() > 300 {
            self.wrong(&of.key, "law_ref: expected at most 300 characters");
        }
        self.words(&of.key, "title", &of.title);
        if let Some(lead) = &of.lead {
            self.words(&of.key, "lead", lead);
        }
        if of.questions.is_empty() || of.questions.len() > MOST_QUESTIONS {
            self.wrong(&of.key, format!("expected 1 to {MOST_QUESTIONS} questions, there are {}", of.questions.len()));
        }
        of.questions.iter().for_each(|question| self.question(question));
        of.totals.iter().for_each(|total| self.total(total));
    }

    fn words(&mut self, at: &Word, what: &str, words: &Words) {
        let is_good = |text: &str| (1..=MOST_WORDS).contains(&text.trim().chars().count());
        if !is_good(&words.pt) || !is_good(&words.en) {
            self.wrong(at, format!("{what}: expected 1 to {MOST_WORDS} characters in both languages"));
        }
    }

    /// A key that nothing else in the form has.
    fn name(&mut self, key: &'a Word) {
        if !is_word(key.get_ref()) {
            self.wrong(key, "expected a key of small letters, digits and `_`");
        }
        if !self.names.insert(key.get_ref()) {
            self.wrong(key, format!("the key {:?} stands here for the second time", key.get_ref()));
        }
    }

    fn question(&mut self, question: &'a Question) {
        let key = &question.key;
        self.name(key);
        self.words(key, "label", &question.label);
        if let Some(help) = &question.help {
            self.words(key, "help", help);
        }
        if let Some(topic) = question.topic.as_ref().filter(|topic| !is_word(topic.get_ref())) {
            self.wrong(topic, "expected a topic of small letters, digits and `_`");
        }
        match question.kind {
            QuestionKind::Choice => self.options(question),
            _ if !question.options.is_empty() => self.wrong(key, "only a choice has options"),
            _ => {}
        }
        if let Some(max) = question.max
            && (question.kind != QuestionKind::Text || !(1..=4000).contains(&max))
        {
            self.wrong(key, "max: expected 1 to 4000 characters, of a text");
        }
    }

    fn options(&mut self, question: &Question) {
        if !(2..=MOST_OPTIONS).contains(&question.options.len()) {
            self.wrong(&question.key, format!("expected 2 to {MOST_OPTIONS} options"));
        }
        let mut seen = BTreeSet::new();
        for option in &question.options {
            if !is_word(option.key.get_ref()) || !seen.insert(option.key.get_ref()) {
                self.wrong(&option.key, "expected a key of small letters, digits and `_` that no other option has");
            }
            self.words(&option.key, "label", &option.label);
        }
    }

    fn total(&mut self, total: &'a Total) {
        self.name(&total.key);
        self.words(&total.key, "label", &total.label);
        if total.of.is_empty() {
            self.wrong(&total.key, "expected questions of which it is the total");
        }
        let mut seen = BTreeSet::new();
        for word in &total.of {
            let is_scale = self
                .of
                .question(word.get_ref())
                .is_some_and(|question| question.kind == QuestionKind::Scale && question.required);
            if !is_scale {
                self.wrong(word, format!("{:?} is no question with a scale that everybody answers", word.get_ref()));
            }
            if !seen.insert(word.get_ref()) {
                self.wrong(word, format!("{:?} is counted for the second time", word.get_ref()));
            }
        }
    }

    /// What a key meant it means in the next version too, so that years can be compared.
    fn follows(&mut self, before: &Form) {
        let of = self.of;
        if of.version() != before.version() + 1 {
            let message = format!(
                "expected version {}: the last one that was used is {}",
                before.version() + 1,
                before.version()
            );
            self.found.push((of.version.span(), message));
        }
        for question in &of.questions {
            let Some(old) = before.question(question.key()) else { continue };
            if old.kind != question.kind || old.topic() != question.topic() {
                let message = format!(
                    "{:?} was of the kind {} before; another kind or topic takes another key",
                    question.key(),
                    old.kind
                );
                self.wrong(&question.key, message);
            }
            let values = question.values();
            if let Some(gone) = old.values().into_iter().find(|value| !values.contains(value)) {
                self.wrong(
                    &question.key,
                    format!("the option {gone:?} was offered before; another list takes another key"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
key = "counter"
version = 1
title = { pt = "Atendimento", en = "Service" }
law_ref = "Lei 13.460/2017, art. 23"

[[question]]
key = "overall"
kind = "scale"
topic = "satisfaction"
label = { pt = "No geral", en = "Overall" }

[[question]]
key = "channel"
kind = "choice"
label = { pt = "Por onde", en = "Which way" }
options = [
    { key = "desk", label = { pt = "Balcão", en = "Desk" } },
    { key = "site", label = { pt = "Site", en = "Site" } },
]

[[question]]
key = "more"
kind = "text"
required = false
label = { pt = "Algo mais?", en = "Anything else?" }

[[total]]
key = "index"
how = "mean"
label = { pt = "Índice", en = "Index" }
of = ["overall"]
"#;

    fn faults(text: &str, before: Option<&Form>) -> Vec<String> {
        read(text, before).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        assert!(read(GOOD, None).is_ok());
        let bad = GOOD
            .replace("of = [\"overall\"]", "of = [\"channel\", \"nothing\"]")
            .replace("key = \"more\"", "key = \"overall\"");
        let told = faults(&bad, None);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("questionnaire:23:7:") && told[0].contains("second time"), "{told:?}");
        assert!(told[1].starts_with("questionnaire:32:7:") && told[2].starts_with("questionnaire:32:18:"), "{told:?}");
        let bad = GOOD.replace("kind = \"scale\"", "kind = \"stars\"");
        assert!(faults(&bad, None)[0].starts_with("questionnaire:9:"), "{:?}", faults(&bad, None));
        let bad = GOOD.replace("    { key = \"site\", label = { pt = \"Site\", en = \"Site\" } },\n", "");
        assert!(faults(&bad, None)[0].contains("2 to 20 options"));
    }

    #[test]
    fn the_next_version_keeps_what_keys_mean() {
        let before = read(GOOD, None).unwrap();
        let next = GOOD.replace("version = 1", "version = 2");
        assert!(read(&next, Some(&before)).is_ok());
        assert!(faults(GOOD, Some(&before))[0].contains("expected version 2"));
        let other = next.replace("key = \"site\"", "key = \"phone\"");
        assert!(faults(&other, Some(&before))[0].contains("the option \"site\" was offered before"));
        let other = next.replace("kind = \"scale\"", "kind = \"yes_no\"").replace("of = [\"overall\"]", "of = []");
        assert!(faults(&other, Some(&before)).iter().any(|fault| fault.contains("was of the kind scale before")));
    }
}
