//! Why the desk refused, in the reader's words: a sentence, and each field as its form names it.

use axum::http::StatusCode;

use crate::i18n::Lang;
use crate::refused::Refused;
use crate::secretariat::evaluation::EvaluationError;
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::secretariat::sentences;
use crate::web::pages::view::{Markup, View};

/// Sentences of the desk by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 10] = [
    ("changed meanwhile", "sec-evaluation-no-changed"),
    ("with the code", "sec-evaluation-no-taken"),
    ("is published: no round", "sec-evaluation-no-published"),
    ("the next is planned before that", "sec-evaluation-no-next"),
    ("one year has one table", "sec-evaluation-no-other-form"),
    ("the round is over", "sec-evaluation-no-over"),
    ("codes were made", "sec-evaluation-no-more-codes"),
    ("checked before", "sec-evaluation-no-checked"),
    ("the report is made after it", "sec-evaluation-no-running"),
    ("there is nothing to report", "sec-evaluation-no-rounds"),
];

/// A field that is wrong, as the form names it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// As the desk names it.
    field: String,
    pub label: String,
    pub value: String,
    pub message: String,
}

/// What went wrong, as the page says it: a sentence, and each field.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrong {
    pub sentence: String,
    pub errors: Vec<Told>,
}

impl Wrong {
    fn of(v: &View, errors: Vec<FieldError>) -> Self {
        let told = |one: FieldError| Told {
            label: label(v, &one.field),
            field: one.field,
            value: one.value,
            message: one.message,
        };
        let errors = sentences::fields(v.lang, errors).into_iter().map(told).collect();
        Self { sentence: v.t("sec-wrong"), errors }
    }

    pub fn status(&self) -> StatusCode {
        if self.sentence.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    /// How an input says that it is wrong: the sentences stand above the forms.
    pub fn mark(&self, field: &str) -> Markup {
        let is_wrong = self.errors.iter().any(|one| one.field == field);
        Markup(if is_wrong { r#" aria-invalid="true" aria-describedby="wrong""#.into() } else { String::new() })
    }
}

/// The label of a field of the desk's, as the forms have it; a word that is none stays.
fn label(v: &View, field: &str) -> String {
    // A fault of a questionnaire has its place.
    if let Some((_, place)) = field.split_once(": line ") {
        let (line, column) = place.split_once(", column ").unwrap_or((place, ""));
        let place = v.t2("sec-evaluation-place-of-fault", "line", line, "column", column);
        return format!("{}: {place}", v.t("sec-evaluation-questionnaire"));
    }
    let key = match field {
        "code" => "sec-evaluation-code",
        "name" | "title" => "sec-evaluation-name",
        "sphere" => "sec-evaluation-sphere",
        "unit" => "sec-evaluation-unit",
        "department" => "sec-evaluation-department",
        "ended_on" => "sec-evaluation-ended",
        "questionnaire" | "version" => "sec-evaluation-questionnaire",
        "opens_on" => "sec-evaluation-opens",
        "closes_on" => "sec-evaluation-closes",
        "services" => "sec-evaluation-services-codes",
        "service" => "sec-evaluation-service",
        "count" => "sec-evaluation-codes-count",
        "text" => "sec-evaluation-text",
        "reason" => "sec-evaluation-reason",
        "source" => "sec-evaluation-source",
        "year" => "sec-year",
        "manifestations" => "sec-evaluation-manifestations",
        other => return other.to_owned(),
    };
    v.t(key)
}

/// # Errors
/// What pages answer in another way.
pub(super) fn said(v: &View, error: EvaluationError) -> Result<Wrong, ApiError> {
    match error {
        EvaluationError::Wrong(errors) => Ok(Wrong::of(v, errors)),
        EvaluationError::Refused(Refused::Wrong { field, value, message }) => {
            Ok(Wrong::of(v, vec![FieldError { field, value, message }]))
        }
        EvaluationError::Refused(Refused::Conflict(why)) => {
            let known = KNOWN.iter().find(|(part, _)| why.contains(part));
            let sentence = match known {
                // The desk's own words are English.
                Some((_, key)) if v.lang == Lang::Pt => v.t(key),
                Some((_, key)) => format!("{} ({why})", v.t(key)),
                None => sentences::said(v.lang, &why),
            };
            Ok(Wrong { sentence, errors: Vec::new() })
        }
        other => Err(other.into()),
    }
}

/// # Errors
/// Names the field.
pub(super) fn read<T: std::str::FromStr>(field: &str, text: &str, expected: &str) -> Result<T, EvaluationError> {
    text.trim().parse().map_err(|_| Refused::wrong(field, text, expected).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_desk_have_words() {
        for (_, key) in KNOWN {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
        }
    }
}
