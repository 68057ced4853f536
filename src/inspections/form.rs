//! The checklist of an inspection: its versions, what was answered, and the grade that the answers speak for, with the reasons. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fault, Risk};
use crate::i18n::Lang;

/// Every version that was ever in use, the newest last.
const SHIPPED: [&str; 1] = [include_str!("../../config/inspection/2026-1.toml")];

/// A version of the checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionForm)]
#[serde(deny_unknown_fields)]
pub struct Form {
    pub version: String,
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
    #[serde(rename = "raise")]
    pub raises: Vec<Raise>,
}

/// Questions that stand together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionFormGroup)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub code: String,
    pub pt: String,
    pub en: String,
}

/// A question with one answer of a few.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionFormQuestion)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub code: String,
    pub group: String,
    pub pt: String,
    pub en: String,
    pub options: Vec<Choice>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionFormChoice)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub code: String,
    pub pt: String,
    pub en: String,
    /// The grade that it speaks for by itself.
    #[schema(value_type = Option<String>)]
    pub at_least: Option<Risk>,
}

/// Answers that together speak for a grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionFormRaise)]
#[serde(deny_unknown_fields)]
pub struct Raise {
    #[schema(value_type = String)]
    pub to: Risk,
    /// So many of them.
    pub count: usize,
    /// `question=answer`
    pub of: Vec<String>,
}

/// The versions by name. A file that ships and cannot be read is a fault of the program, which its test finds.
pub fn all() -> Vec<Form> {
    SHIPPED.iter().filter_map(|text| toml::from_str(text).ok()).collect()
}

/// The version of this name.
pub fn find(version: &str) -> Option<Form> {
    all().into_iter().find(|form| form.version == version)
}

/// The one that is filled now.
pub fn current() -> Option<Form> {
    all().into_iter().max_by(|a, b| a.version.cmp(&b.version))
}

/// What the answers speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub risk: Risk,
    /// `question=answer`, of those that made the grade.
    pub because: Vec<String>,
}

impl Form {
    /// Every answer that is none of this version.
    pub fn faults(&self, answers: &BTreeMap<String, String>) -> Vec<Fault> {
        let wrong = |(code, answer): (&String, &String)| {
            let field = format!("answers.{code}");
            let Some(question) = self.questions.iter().find(|question| question.code == *code) else {
                return Some(Fault::new(field, answer, format!("checklist {} has no such question", self.version)));
            };
            let is_known = question.options.iter().any(|choice| choice.code == *answer);
            let expected = || question.options.iter().map(|choice| choice.code.as_str()).collect::<Vec<_>>().join(", ");
            (!is_known).then(|| Fault::new(field, answer, format!("expected {}", expected())))
        };
        answers.iter().filter_map(wrong).collect()
    }

    /// The highest grade that the answers speak for; none when nothing was answered.
    pub fn suggest(&self, answers: &BTreeMap<String, String>) -> Option<Suggestion> {
        if answers.is_empty() {
            return None;
        }
        let given = |pair: &&String| {
            pair.split_once('=').is_some_and(|(code, answer)| answers.get(code).is_some_and(|given| given == answer))
        };
        let mut found: Vec<(Risk, Vec<String>)> = Vec::new();
        for question in &self.questions {
            let Some(answer) = answers.get(&question.code) else { continue };
            let choice = question.options.iter().find(|choice| choice.code == *answer);
            if let Some(grade) = choice.and_then(|choice| choice.at_least) {
                found.push((grade, vec![format!("{}={answer}", question.code)]));
            }
        }
        for raise in &self.raises {
            let met: Vec<String> = raise.of.iter().filter(given).cloned().collect();
            if met.len() >= raise.count {
                found.push((raise.to, met));
            }
        }
        let risk = found.iter().map(|(grade, _)| *grade).max().unwrap_or(Risk::R1);
        let mut because: Vec<String> =
            found.into_iter().filter(|(grade, _)| *grade == risk).flat_map(|(_, pairs)| pairs).collect();
        because.sort();
        because.dedup();
        Some(Suggestion { risk, because })
    }

    /// Question and answer in words, in the form's order. What this version does not know is told as it is written.
    pub fn told(&self, lang: Lang, answers: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let of = |question: &Question| {
            let answer = answers.get(&question.code)?;
            let choice = question.options.iter().find(|choice| choice.code == *answer);
            let words = choice.map_or_else(|| answer.clone(), |choice| pick(lang, &choice.pt, &choice.en));
            Some((pick(lang, &question.pt, &question.en), words))
        };
        self.questions.iter().filter_map(of).collect()
    }

    /// A pair `question=answer` in words.
    pub fn pair(&self, lang: Lang, pair: &str) -> String {
        let Some((code, answer)) = pair.split_once('=') else { return pair.to_owned() };
        let one = BTreeMap::from([(code.to_owned(), answer.to_owned())]);
        self.told(lang, &one).pop().map_or_else(|| pair.to_owned(), |(question, words)| format!("{question}: {words}"))
    }
}

fn pick(lang: Lang, pt: &str, en: &str) -> String {
    if lang == Lang::Pt { pt.to_owned() } else { en.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(code, answer)| ((*code).to_owned(), (*answer).to_owned())).collect()
    }

    #[test]
    fn every_version_that_ships_is_read_and_names_only_its_own_questions() {
        assert_eq!(all().len(), SHIPPED.len());
        for form in all() {
            assert!(form.version.len() <= 40);
            for question in &form.questions {
                assert!(form.groups.iter().any(|group| group.code == question.group), "{}", question.code);
                assert!((2..=6).contains(&question.options.len()), "{}", question.code);
            }
            let mut codes: Vec<&str> = form.questions.iter().map(|question| question.code.as_str()).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), form.questions.len());
            for pair in form.raises.iter().flat_map(|raise| &raise.of) {
                let (code, answer) = pair.split_once('=').unwrap();
                assert_eq!(form.faults(&answers(&[(code, answer)])), [], "{pair}");
            }
        }
        assert!(current().is_some());
    }

    #[test]
    fn the_highest_grade_counts_with_its_reasons_alone() {
        let form = current().unwrap();
        assert_eq!(form.suggest(&answers(&[])), None, "nothing answered is no low risk");
        let calm = form.suggest(&answers(&[("slope", "flat"), ("leak", "no")])).unwrap();
        assert_eq!((calm.risk, calm.because), (Risk::R1, vec![]));
        let one = form.suggest(&answers(&[("slope", "steep"), ("leaning", "yes")])).unwrap();
        assert_eq!((one.risk, one.because), (Risk::R3, vec!["leaning=yes".to_owned()]));
        let two = form.suggest(&answers(&[("scar", "near"), ("leaning", "yes"), ("leak", "yes")])).unwrap();
        assert_eq!((two.risk, two.because), (Risk::R4, vec!["leaning=yes".to_owned(), "scar=near".to_owned()]));
        let many = form.suggest(&answers(&[("slope", "steep"), ("leak", "yes"), ("material", "wood")])).unwrap();
        assert_eq!(many.risk, Risk::R3);
    }

    #[test]
    fn an_answer_that_is_none_is_named_and_told_ones_are_words() {
        let form = current().unwrap();
        let faults = form.faults(&answers(&[("slope", "round"), ("colour", "red"), ("leak", "yes")]));
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["answers.colour", "answers.slope"]);
        assert_eq!(form.pair(Lang::Pt, "leaning=yes"), "Árvores, postes ou muros inclinados: Sim");
        assert_eq!(
            form.told(Lang::En, &answers(&[("slope", "flat")])),
            [("Slope of the ground".into(), "Flat or gentle".into())]
        );
    }
}
