//! Pages of shelters, supplies, humanitarian aid and volunteers, for whoever runs them in the night.

pub mod aid;
pub mod callouts;
pub mod households;
pub mod nupdec;
pub mod open;
pub mod panel;
pub mod people;
pub mod report;
pub mod shelters;
pub mod supplies;
pub mod volunteers;

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, FromRequest, Request};
use serde::Deserialize;

use super::refusal;
use super::view::View;
use crate::app::App;
use crate::refused::Refused;
use crate::shelters::people::Keeping;
use crate::web::error::ApiError;

/// A form with a family of twelve, or with a signature.
const MAX_BODY_BYTES: usize = 128 * 1024;
const MOST_FIELDS: usize = 400;
const MOST_LETTERS: usize = 30_000;

pub fn routes() -> Router<App> {
    Router::new()
        .merge(shelters::routes())
        .merge(people::routes())
        .merge(households::routes())
        .merge(report::routes())
        .merge(supplies::routes())
        .merge(aid::routes())
        .merge(volunteers::routes())
        .merge(callouts::routes())
        .merge(nupdec::routes())
        .merge(open::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// How names are kept here.
pub fn keeping(app: &App) -> Keeping<'_> {
    Keeping { ring: &app.keys.vault, days: app.config.privacy.shelter_days }
}

/// The fields of a form, bounded. A name may come several times.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn of(fields: Vec<(String, String)>) -> Self {
        let plain = |text: &str| -> String {
            text.chars().filter(|letter| !letter.is_control() || *letter == '\n').take(MOST_LETTERS).collect()
        };
        Self(fields.into_iter().take(MOST_FIELDS).map(|(name, value)| (name, plain(&value))).collect())
    }

    /// The field, trimmed; empty when it is missing.
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.trim())
    }

    pub fn has(&self, name: &str) -> bool {
        self.one(name) == "yes"
    }

    /// Every value of the field that is one; others are refused.
    ///
    /// # Errors
    /// The field and the value.
    pub fn all<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Vec<T>, Refused> {
        let given = self.0.iter().filter(|(other, value)| other == name && !value.trim().is_empty());
        given
            .map(|(_, value)| {
                value.trim().parse().map_err(|error: T::Err| Refused::wrong(name, value, error.to_string()))
            })
            .collect()
    }

    /// # Errors
    /// The field and the value.
    pub fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, Refused> {
        let value = self.one(name);
        value.parse().map_err(|error: T::Err| Refused::wrong(name, value, error.to_string()))
    }

    /// None when nothing was typed.
    ///
    /// # Errors
    /// The field and the value.
    pub fn maybe<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Refused> {
        if self.one(name).is_empty() { Ok(None) } else { self.parsed(name).map(Some) }
    }

    /// What cannot be taken back easily is confirmed by a tick.
    ///
    /// # Errors
    /// When it is missing.
    pub fn sure(&self) -> Result<(), Refused> {
        if self.has("sure") { Ok(()) } else { Err(Refused::wrong("sure", "", "tick that you are sure")) }
    }
}

impl FromRequest<App> for Fields {
    type Rejection = FormRejection;

    async fn from_request(request: Request, app: &App) -> Result<Self, FormRejection> {
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, app).await?;
        Ok(Self::of(fields))
    }
}

/// Sentences of the desks by a part that is theirs alone, and the key of their words.
const KNOWN: &[(&str, &str)] = &[
    ("one of an exercise and", "relief-refused-drill"),
    ("is closed by now, where", "relief-refused-closed-since"),
    ("does not allow `", "relief-refused-state"),
    ("not checked, or not good", "relief-refused-unchecked"),
    ("are still in it", "relief-refused-inhabited"),
    ("say why they are taken in", "relief-refused-full"),
    ("takes in nobody", "relief-refused-closed"),
    ("begin its opening first", "relief-refused-closed"),
    ("check them out first", "relief-refused-in-shelter"),
    ("is in no shelter", "relief-refused-nowhere"),
    ("is not in this shelter", "relief-refused-not-here"),
    ("asked for", "relief-refused-stock"),
    ("already", "relief-refused-taken"),
    ("say why it is given again", "relief-refused-again-why"),
    ("or by a coordinator", "relief-refused-again"),
    ("no accepted volunteer fits", "relief-refused-nobody-fits"),
    ("the volunteer is", "relief-refused-volunteer"),
];

/// A refusal in the reader's words. What is said of a number or of an item stands behind it.
///
/// # Errors
/// What is no refusal but a failure.
pub fn refused(v: &View, refused: Refused) -> Result<String, ApiError> {
    if let Refused::Wrong { field, .. } = &refused {
        let key = format!("relief-field-{}", field.replace(['.', '_'], "-"));
        if v.lang.knows(&key) {
            return Ok(v.t(&key));
        }
    }
    if let Refused::Conflict(why) = &refused
        && let Some((_, key)) = KNOWN.iter().find(|(part, _)| why.contains(part))
    {
        return Ok(v.t1(key, "why", why));
    }
    Ok(refusal::sentence(v.lang, refused)?)
}

/// `?done=…`: what was just done, in a word.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Done {
    #[serde(default)]
    pub done: String,
}

const DONE: &[&str] = &[
    "saved",
    "state",
    "checked",
    "arrived",
    "moved",
    "here",
    "left",
    "undone",
    "family",
    "person",
    "elsewhere",
    "entered",
    "shifted",
    "need",
    "closed",
    "promised",
    "came",
    "kit",
    "delivered",
    "accepted",
    "gone",
    "present",
    "absent",
    "called",
    "nucleus",
];

impl Done {
    /// The sentence; empty for what nobody does.
    pub fn said(&self, v: &View) -> String {
        if DONE.contains(&self.done.as_str()) { v.word("relief-done", &self.done) } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn every_refusal_and_everything_done_has_words_in_both_languages() {
        for lang in [Lang::Pt, Lang::En] {
            for (_, key) in KNOWN {
                assert!(lang.knows(key), "{key} in {}", lang.tag());
            }
            for word in DONE {
                assert!(lang.knows(&format!("relief-done-{word}")), "{word} in {}", lang.tag());
            }
        }
    }

    #[test]
    fn every_word_that_is_shown_has_a_text_in_both_languages() {
        use crate::shelters::{Age, CheckItem, Destination, Host, Need, life};
        use crate::supplies::{Kind, Priority};
        use crate::volunteers::{Answer, Skill, State};
        let of = |all: &[&'static str]| all.to_vec();
        let words = [
            ("shelter-state", life::State::ALL.iter().map(|word| word.as_str()).collect()),
            ("shelter-act", life::Act::ALL.iter().map(|word| word.as_str()).collect()),
            ("shelter-sure", of(&["give_up", "wind_down", "close"])),
            ("shelter-check", CheckItem::ALL.iter().map(|word| word.as_str()).collect()),
            ("shelter-need", Need::ALL.iter().map(|word| word.as_str()).collect()),
            ("displaced-age", Age::ALL.iter().map(|word| word.as_str()).collect()),
            ("stay-host", Host::ALL.iter().map(|word| word.as_str()).collect()),
            ("stay-destination", Destination::ALL.iter().map(|word| word.as_str()).collect()),
            ("stay-ended", of(&["left", "transferred", "undone"])),
            ("supply-kind", Kind::ALL.iter().map(|word| word.as_str()).collect()),
            ("need-priority", Priority::ALL.iter().map(|word| word.as_str()).collect()),
            ("aid-proof", of(&["signature", "witness"])),
            ("volunteer-skill", Skill::ALL.iter().map(|word| word.as_str()).collect()),
            ("volunteer-state", State::ALL.iter().map(|word| word.as_str()).collect()),
            ("callout-answer", Answer::ALL.iter().map(|word| word.as_str()).collect()),
            ("volunteer-answered", Answer::ALL.iter().map(|word| word.as_str()).collect()),
            ("callout-how", of(&["link", "sms"])),
            ("nucleus-role", of(&["coordinator", "member"])),
            (
                "callout-notice",
                of(&["pending", "sending", "accepted", "unknown", "delivered", "rejected", "expired", "suppressed"]),
            ),
        ];
        for (vocabulary, words) in words {
            let words: Vec<&str> = words;
            for word in words {
                let key = format!("{vocabulary}-{}", word.replace('_', "-"));
                assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
            }
        }
    }

    #[test]
    fn a_form_is_bounded_and_its_fields_are_named() {
        let fields = Fields::of(vec![("a".into(), " 1 ".into()), ("a".into(), "x".into()), ("b".into(), "yes".into())]);
        assert_eq!((fields.one("a"), fields.has("b"), fields.one("c")), ("1", true, ""));
        let wrong = fields.all::<i32>("a").unwrap_err();
        assert!(matches!(wrong, Refused::Wrong { field, value, .. } if field == "a" && value == "x"));
        assert_eq!(Fields::of(vec![("a".into(), "1".into()); 1000]).all::<i32>("a").unwrap().len(), MOST_FIELDS);
    }
}
