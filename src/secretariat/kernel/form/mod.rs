//! Questionnaires as data: questions of few kinds in versions, answers held against them, and totals computed of them. All of it is pure;
//! `read` judges the text of a version with line and column, `answer` reads what somebody gave.

pub mod answer;
pub mod read;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::define::{Choice, Word, Words};
use crate::units::vocabulary;

/// Answers of a scale lie from 1 to this.
pub const SCALE: u8 = 5;
/// Questions of one questionnaire, and options of one question.
pub const MOST_QUESTIONS: usize = 60;
pub const MOST_OPTIONS: usize = 20;
/// Characters of a text, unless the question says less.
pub const MOST_TEXT: usize = 2000;

vocabulary! {
    /// How a question is answered.
    QuestionKind, "kind of question" {
        /// 1 (worst) to 5 (best).
        Scale = "scale",
        YesNo = "yes_no",
        Choice = "choice",
        Text = "text",
    }
}

vocabulary! {
    /// How a total is computed of its questions.
    How, "way of a total" {
        Sum = "sum",
        Mean = "mean",
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub key: Word,
    pub kind: QuestionKind,
    pub label: Words,
    #[serde(default)]
    pub help: Option<Words>,
    /// What it is about, in the words of whoever uses the form.
    #[serde(default)]
    pub topic: Option<Word>,
    #[serde(default = "yes")]
    pub required: bool,
    /// Of a choice.
    #[serde(default)]
    pub options: Vec<Choice>,
    /// Characters of a text.
    #[serde(default)]
    pub max: Option<usize>,
}

const fn yes() -> bool {
    true
}

impl Question {
    pub fn key(&self) -> &str {
        self.key.get_ref()
    }

    pub fn topic(&self) -> &str {
        self.topic.as_ref().map_or("", |topic| topic.get_ref().as_str())
    }

    /// Everything that may be answered, in order; nothing for a text.
    pub fn values(&self) -> Vec<String> {
        match self.kind {
            QuestionKind::Scale => (1..=SCALE).map(|value| value.to_string()).collect(),
            QuestionKind::YesNo => vec!["yes".into(), "no".into()],
            QuestionKind::Choice => self.options.iter().map(|option| option.key.get_ref().clone()).collect(),
            QuestionKind::Text => Vec::new(),
        }
    }

    pub fn is_closed(&self) -> bool {
        self.kind != QuestionKind::Text
    }

    pub fn most_text(&self) -> usize {
        self.max.unwrap_or(MOST_TEXT)
    }
}

/// A number that is computed of scales.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Total {
    pub key: Word,
    pub label: Words,
    pub how: How,
    pub of: Vec<Word>,
}

/// One version of a questionnaire.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    pub key: Word,
    pub version: Spanned<i32>,
    pub title: Words,
    /// What is said above the questions.
    #[serde(default)]
    pub lead: Option<Words>,
    #[serde(default)]
    pub law_ref: String,
    #[serde(default, rename = "question")]
    pub questions: Vec<Question>,
    #[serde(default, rename = "total")]
    pub totals: Vec<Total>,
}

impl Form {
    pub fn key(&self) -> &str {
        self.key.get_ref()
    }

    pub fn version(&self) -> i32 {
        *self.version.get_ref()
    }

    pub fn question(&self, key: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.key() == key)
    }

    /// The questions that are answered by one of a few values.
    pub fn closed(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(|question| question.is_closed())
    }
}
