//! Why an act was not done, and what is wrong with what was given, for the desks that pages and API share.

use chrono::NaiveDate;
use serde::Serialize;

use crate::i18n::Lang;

/// Why not, for programs and for people: a code that stays, a sentence in English, and what words in each language are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its words are `refused-CODE`.
    pub code: &'static str,
    pub detail: String,
    pub args: Vec<(&'static str, Said)>,
    /// The law or rule that it rests on; empty: none is cited.
    pub law: String,
    /// It is about who asks, not about what stands.
    pub is_forbidden: bool,
}

/// A part of a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Text(String),
    Day(NaiveDate),
    /// In Portuguese and in English.
    Label(String, String),
    /// A key of `config/i18n`.
    Key(String),
    All(Vec<Said>),
}

impl Said {
    fn of(&self, lang: Lang) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Day(day) => day.format(if lang == Lang::Pt { "%d/%m/%Y" } else { "%-d %b %Y" }).to_string(),
            Self::Label(pt, en) => if lang == Lang::Pt { pt } else { en }.clone(),
            Self::Key(key) => lang.t(key),
            Self::All(all) => all.iter().map(|one| one.of(lang)).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Reason {
    /// Key of its words.
    pub fn key(&self) -> String {
        format!("refused-{}", self.code)
    }

    /// The sentence in a language, with the law.
    pub fn words(&self, lang: Lang) -> String {
        let args: Vec<(&str, String)> = self.args.iter().map(|(name, said)| (*name, said.of(lang))).collect();
        let words = lang.tn(&self.key(), &args);
        if self.law.is_empty() { words } else { format!("{words} ({})", self.law) }
    }
}

/// The act changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The field that is wrong, its value, and what was expected.
    #[error("{field} = {value:?}: {message}")]
    Wrong { field: String, value: String, message: String },
    #[error("there is no {0}")]
    NotFound(String),
    /// The state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Not this person.
    #[error("{0}")]
    Forbidden(String),
    /// The state, or who asks, does not allow it, and it can be said in the reader's language.
    #[error("{}", .0.detail)]
    Because(Box<Reason>),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Refused {
    pub fn wrong(field: impl Into<String>, value: impl ToString, message: impl Into<String>) -> Self {
        Self::Wrong { field: field.into(), value: value.to_string(), message: message.into() }
    }
}

/// One thing wrong with a request.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct FieldError {
    /// Where: a JSON path ("readings[3].value"), a line ("line 12: geom"), or a parameter.
    pub field: String,
    /// What was given, shortened.
    pub value: String,
    pub message: String,
}

/// At most 80 characters of what was given, so that an error never echoes a megabyte.
pub fn shorten(value: &str) -> String {
    shorten_to(value, 80)
}

/// The same of so many characters.
pub fn shorten_to(value: &str, characters: usize) -> String {
    let mut short: String = value.chars().take(characters).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
}
