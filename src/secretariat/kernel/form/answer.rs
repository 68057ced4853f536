//! What somebody answered, held against the version of the questionnaire, and the totals of scales. Pure.

use std::collections::BTreeMap;

use super::{Form, How, Question, QuestionKind};
use crate::refused::{FieldError, shorten};

/// The answers of one person: values by question, and texts apart from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    pub closed: BTreeMap<String, String>,
    pub texts: BTreeMap<String, String>,
}

fn wrong(question: &Question, value: &str, message: String) -> FieldError {
    FieldError { field: format!("answers.{}", question.key()), value: shorten(value), message }
}

fn is_text(text: &str) -> bool {
    !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'))
}

/// Reads what was given by question.
///
/// # Errors
/// Every answer that is missing, that its question does not offer, or that answers nothing.
pub fn read(form: &Form, given: &BTreeMap<String, String>) -> Result<Answers, Vec<FieldError>> {
    let mut answers = Answers::default();
    let mut errors = Vec::new();
    for question in &form.questions {
        let text = given.get(question.key()).map_or("", |text| text.trim());
        if text.is_empty() {
            if question.required {
                errors.push(wrong(question, "", "expected an answer".into()));
            }
            continue;
        }
        if question.kind == QuestionKind::Text {
            let most = question.most_text();
            if text.chars().count() > most || !is_text(text) {
                errors.push(wrong(
                    question,
                    text,
                    format!("expected at most {most} characters without control characters"),
                ));
            } else {
                answers.texts.insert(question.key().to_owned(), text.to_owned());
            }
            continue;
        }
        let values = question.values();
        if values.iter().any(|value| value == text) {
            answers.closed.insert(question.key().to_owned(), text.to_owned());
        } else {
            errors.push(wrong(question, text, format!("expected one of {}", values.join(", "))));
        }
    }
    for (key, value) in given.iter().filter(|(key, _)| form.question(key).is_none()) {
        let field = format!("answers.{}", shorten(key));
        errors.push(FieldError { field, value: shorten(value), message: "is no question of this form".into() });
    }
    if errors.is_empty() { Ok(answers) } else { Err(errors) }
}

/// A total in hundredths, of the values of its questions in hundredths: of one person's answers, or of means, because sums and means of
/// means are the means of sums and means where all answered. None: a value is missing.
pub fn total(total: &super::Total, values: &BTreeMap<String, i64>) -> Option<i64> {
    let parts: Vec<i64> = total.of.iter().map(|word| values.get(word.get_ref()).copied()).collect::<Option<_>>()?;
    let (sum, count) = (parts.iter().sum::<i64>(), i64::try_from(parts.len()).ok()?);
    match total.how {
        How::Sum => Some(sum),
        How::Mean => mean(sum, count),
    }
}

/// The mean, rounded half up. None of nothing.
pub fn mean(sum: i64, count: i64) -> Option<i64> {
    (count > 0).then(|| (2 * sum + count).div_euclid(2 * count))
}

#[cfg(test)]
mod tests {
    use super::super::read::read as form;
    use super::*;

    const FORM: &str = r#"
key = "counter"
version = 1
title = { pt = "Atendimento", en = "Service" }
question = [
    { key = "overall", kind = "scale", label = { pt = "Geral", en = "Overall" } },
    { key = "care", kind = "scale", label = { pt = "Cuidado", en = "Care" } },
    { key = "solved", kind = "yes_no", label = { pt = "Resolveu?", en = "Solved?" } },
    { key = "more", kind = "text", required = false, max = 10, label = { pt = "Mais", en = "More" } },
]
total = [
    { key = "sum", how = "sum", label = { pt = "Soma", en = "Sum" }, of = ["overall", "care"] },
    { key = "index", how = "mean", label = { pt = "Índice", en = "Index" }, of = ["overall", "care"] },
]
"#;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn answers_are_read_and_texts_stand_apart() {
        let form = form(FORM, None).unwrap();
        let all = given(&[("overall", "5"), ("care", "4"), ("solved", "yes"), ("more", " bom ")]);
        let read = super::read(&form, &all).unwrap();
        assert_eq!(read.texts, given(&[("more", "bom")]));
        assert_eq!(read.closed, given(&[("overall", "5"), ("care", "4"), ("solved", "yes")]));
    }

    #[test]
    fn what_is_missing_strange_or_too_long_is_told_all_at_once() {
        let form = form(FORM, None).unwrap();
        let bad = given(&[("overall", "6"), ("solved", "maybe"), ("more", "longer than ten"), ("other", "1")]);
        let fields: Vec<String> = super::read(&form, &bad).unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["answers.overall", "answers.care", "answers.solved", "answers.more", "answers.other"]);
    }

    #[test]
    fn totals_are_computed_in_hundredths() {
        let form = form(FORM, None).unwrap();
        let values = BTreeMap::from([("overall".to_owned(), 500), ("care".to_owned(), 433)]);
        assert_eq!(total(&form.totals[0], &values), Some(933));
        assert_eq!(total(&form.totals[1], &values), Some(467), "466.5 is rounded half up");
        assert_eq!(total(&form.totals[1], &BTreeMap::new()), None);
        assert_eq!((mean(7, 2), mean(0, 0)), (Some(4), None));
    }
}
