//! What people read on the pages, in Portuguese first and English second, from Fluent files compiled in.

use std::fmt::Display;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

const PT_BR: &str = include_str!("../config/i18n/pt-BR.ftl");
const EN: &str = include_str!("../config/i18n/en.ftl");

/// A language the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    Pt,
    En,
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| [bundle("pt-BR", PT_BR), bundle("en", EN)]);

/// A line that does not parse is left out; a test keeps the files whole.
fn bundle(tag: &str, text: &str) -> Bundle {
    let language: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // The isolation marks around arguments would show in copied text, and both languages run left to right.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
    bundle.add_resource_overriding(resource);
    bundle
}

impl Lang {
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Pt => "pt-BR",
            Self::En => "en",
        }
    }

    /// From a tag such as "pt-BR", "pt", "en-GB".
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("pt") => Some(Self::Pt),
            Some("en") => Some(Self::En),
            _ => None,
        }
    }

    /// The first known language of an `Accept-Language` header. Its order is taken as its preference: browsers write
    /// it that way, and a wrong guess costs one click.
    pub fn from_accept(header: &str) -> Option<Self> {
        header.split(',').find_map(|part| Self::from_tag(part.split(';').next().unwrap_or_default()))
    }

    /// The text of a key. An unknown key shows itself, so that it is seen and mended.
    pub fn t(self, key: &str) -> String {
        self.format(key, None)
    }

    pub fn t1(self, key: &str, name: &'static str, value: impl Display) -> String {
        let mut args = FluentArgs::new();
        args.set(name, argument(value));
        self.format(key, Some(&args))
    }

    pub fn t2(
        self,
        key: &str,
        name: &'static str,
        value: impl Display,
        second: &'static str,
        second_value: impl Display,
    ) -> String {
        let mut args = FluentArgs::new();
        args.set(name, argument(value));
        args.set(second, argument(second_value));
        self.format(key, Some(&args))
    }

    /// With any number of arguments.
    pub fn tn(self, key: &str, given: &[(&str, String)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in given {
            args.set((*name).to_owned(), argument(value));
        }
        self.format(key, Some(&args))
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = &BUNDLES[self as usize];
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
    }

    /// True when the key has a text in this language.
    pub fn knows(self, key: &str) -> bool {
        BUNDLES[self as usize].has_message(key)
    }
}

/// Whole numbers choose plurals; everything else is text.
fn argument(value: impl Display) -> FluentValue<'static> {
    let text = value.to_string();
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => FluentValue::from(number),
        _ => FluentValue::from(text),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn keys(text: &str) -> BTreeSet<String> {
        let lines = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        lines.filter_map(|line| line.split_once(" =")).map(|(key, _)| key.to_owned()).collect()
    }

    /// Keys written as `t("key"`, `t1("key"`, `t2("key"` in templates and Rust files of the web.
    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("ui") {
                    used(&path, found);
                }
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for opening in [".t(\"", ".t1(\"", ".t2(\""] {
                found.extend(text.split(opening).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn both_languages_have_the_same_keys_and_parse_whole() {
        assert_eq!(keys(PT_BR), keys(EN));
        for text in [PT_BR, EN] {
            if let Err((_, errors)) = FluentResource::try_new(text.to_owned()) {
                panic!("{errors:?}");
            }
        }
    }

    #[test]
    fn every_key_the_pages_use_exists() {
        let mut found = BTreeSet::new();
        for folder in ["src/web", "src/backtest"] {
            used(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
        }
        let missing: Vec<_> = found.iter().filter(|key| !Lang::Pt.knows(key) || !Lang::En.knows(key)).collect();
        assert!(!found.is_empty() && missing.is_empty(), "keys without a text: {missing:?}");
    }

    #[test]
    fn every_word_of_every_vocabulary_has_a_text() {
        use crate::feeds::warnings;
        let words = [
            ("quantity", crate::units::Quantity::ALL.iter().map(|quantity| quantity.as_str()).collect::<Vec<_>>()),
            ("kind", crate::alerts::AlertKind::ALL.iter().map(|kind| kind.as_str()).collect()),
            ("level", crate::units::Level::ALL.iter().map(|level| level.as_str()).collect()),
            ("meaning", crate::units::Level::ALL.iter().map(|level| level.as_str()).collect()),
            ("state", crate::alerts::AlertState::ALL.iter().map(|state| state.as_str()).collect()),
            ("status", crate::config::AlertStatus::ALL.iter().map(|status| status.as_str()).collect()),
            ("never-automatic", crate::alerts::approval::NeverAutomatic::ALL.iter().map(|why| why.as_str()).collect()),
            ("channel", vec!["sms", "email", "webhook", "siren", "chat"]),
            ("actor", vec!["rule", "service", "policy"]),
            ("incident-state", vec!["open", "closed"]),
            ("feed-kind", crate::feeds::Kind::ALL.iter().map(|kind| kind.as_str()).collect()),
            ("feed-failure", crate::feeds::failure::FailureKind::ALL.iter().map(|kind| kind.as_str()).collect()),
            ("warning-stage", warnings::shown::Stage::ALL.iter().map(|stage| stage.as_str()).collect()),
            ("warning-because", warnings::Because::ALL.iter().map(|because| because.as_str()).collect()),
            ("linked-how", warnings::LinkedHow::ALL.iter().map(|how| how.as_str()).collect()),
            ("cap-status", vec!["actual", "exercise", "system", "test", "draft"]),
            ("severity", vec!["extreme", "severe", "moderate", "minor", "unknown"]),
            ("urgency", vec!["immediate", "expected", "future", "past", "unknown"]),
            ("certainty", vec!["observed", "likely", "possible", "unlikely", "unknown"]),
            (
                "action",
                vec![
                    "drafted",
                    "edited",
                    "area joined",
                    "area left",
                    "issued",
                    "discarded",
                    "submitted",
                    "returned",
                    "approval complete",
                    "paged",
                    "nobody",
                    "acknowledged",
                    "unanswered",
                    "undecided",
                    "cleared",
                    "cancelled",
                    "superseded",
                    "expired",
                ],
            ),
            (
                "outbox",
                vec![
                    "pending",
                    "sending",
                    "accepted",
                    "unknown",
                    "delivered",
                    "rejected",
                    "undelivered",
                    "expired",
                    "suppressed",
                ],
            ),
        ];
        have_texts(&words);
    }

    fn have_texts(words: &[(&str, Vec<&str>)]) {
        for (vocabulary, words) in words {
            for word in words {
                let key = format!("{vocabulary}-{}", word.replace(['_', ' '], "-"));
                assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
            }
        }
    }

    #[test]
    fn every_word_of_endpoints_sirens_and_rotas_has_a_text() {
        have_texts(&[
            ("endpoint-why", crate::endpoints::DisabledWhy::ALL.iter().map(|why| why.as_str()).collect()),
            ("endpoint-topic", crate::endpoints::settings::Topic::ALL.iter().map(|topic| topic.as_str()).collect()),
            ("endpoint-event-state", vec!["waiting", "delivered", "given_up", "endpoint_off"]),
            ("untold", vec!["too_many_wait", "not_subscribed", "status_not_taken"]),
            ("untold", crate::endpoints::takes::Why::ALL.iter().map(|why| why.as_str()).collect()),
            ("siren-state", crate::sirens::state::StateWord::ALL.iter().map(|state| state.as_str()).collect()),
            ("siren-act", crate::sirens::Act::ALL.iter().map(|act| act.as_str()).collect()),
            ("siren-pattern", crate::sirens::Pattern::ALL.iter().map(|pattern| pattern.as_str()).collect()),
            ("siren-request", crate::sirens::request::RequestState::ALL.iter().map(|state| state.as_str()).collect()),
            ("rota-source", crate::rota::Source::ALL.iter().map(|source| source.as_str()).collect()),
        ]);
    }

    #[test]
    fn every_word_of_plans_and_situation_reports_has_a_text() {
        use crate::plancon::tasks::{TaskAct, TaskWord};
        use crate::situation::figures::{Key, Source};
        have_texts(&[
            ("plan-state", crate::plancon::PlanState::ALL.iter().map(|state| state.as_str()).collect()),
            ("plan-act", vec!["write", "approve", "review", "replace", "withdraw"]),
            ("task-state", TaskWord::ALL.iter().map(|state| state.as_str()).collect()),
            ("task-act", TaskAct::ALL.iter().map(|act| act.as_str()).collect()),
            ("sitrep-state", vec!["draft", "approved"]),
            ("figure", Key::ALL.iter().map(|key| key.as_str()).collect()),
            ("figure-source", Source::ALL.iter().map(|source| source.as_str()).collect()),
        ]);
    }

    #[test]
    fn every_word_of_damage_and_deadlines_has_a_text() {
        use crate::damage::{Department, Onset, documents, figures, levels, life, lines, sections};
        use crate::deadlines::{HolidayKind, Pause, Unit};
        assert_eq!(Pause::ALL.len(), 3, "pauses are told by their acts");
        have_texts(&[
            ("damage-line", lines::Line::ALL.iter().map(|line| line.as_str()).collect()),
            ("damage-part", lines::Part::ALL.iter().map(|part| part.as_str()).collect()),
            ("damage-state", life::State::ALL.iter().map(|state| state.as_str()).collect()),
            ("damage-source", figures::Source::ALL.iter().map(|source| source.as_str()).collect()),
            ("damage-level", levels::Level::ALL.iter().map(|level| level.as_str()).collect()),
            ("damage-declared", levels::Declared::ALL.iter().map(|declared| declared.as_str()).collect()),
            ("damage-why", vec!["not-bearable", "three-spheres", "material", "environmental", "losses", "only-human"]),
            ("damage-document", documents::Kind::ALL.iter().map(|kind| kind.as_str()).collect()),
            ("damage-department", Department::ALL.iter().map(|one| one.as_str()).collect()),
            ("damage-onset", Onset::ALL.iter().map(|onset| onset.as_str()).collect()),
            ("damage-hit", sections::Hit::ALL.iter().map(|hit| hit.as_str()).collect()),
            ("damage-occupation", sections::OCCUPATIONS.to_vec()),
            ("damage-field", sections::Sections::default().missing()),
            ("damage-check", vec!["fields", "figures", "level", "documents", "photographs", "photographs-caption"]),
            ("damage-check", vec!["photographs-time", "photographs-place", "undocumented", "doubts", "declarations"]),
            ("damage-check", vec!["criteria", "late"]),
            ("declaration-state", vec!["sent", "adopted", "returned"]),
            ("deadline-unit", Unit::ALL.iter().map(|unit| unit.as_str()).collect()),
            ("deadline-state", vec!["open", "met", "void"]),
            ("deadline-act", vec!["set", "reckon", "extend", "suspend", "resume", "interrupt", "meet", "void"]),
            ("holiday-kind", HolidayKind::ALL.iter().map(|kind| kind.as_str()).collect()),
        ]);
    }

    #[test]
    fn every_word_of_committees_has_a_text() {
        use crate::secretariat::ethics::Proposal;
        use crate::secretariat::kernel::RecusedHow;
        use crate::secretariat::kernel::body::{self, life, rules};
        have_texts(&[
            ("sec-ethics-proposal", Proposal::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-ethics-how", RecusedHow::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-kind", body::BodyKind::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-act", body::ActKind::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-role", body::SeatRole::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-capacity", body::Capacity::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-meeting", body::MeetingKind::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-choice", body::Choice::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-how", body::How::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-approved", body::ApprovedHow::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-majority", rules::MajorityKind::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-committees-state", life::State::ALL.iter().map(|one| one.as_str()).collect()),
        ]);
    }

    #[test]
    fn every_word_of_the_evaluation_has_a_text() {
        use crate::secretariat::evaluation::{Sphere, Standing, TOPICS};
        have_texts(&[
            ("sec-evaluation-sphere", Sphere::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-evaluation-standing", Standing::ALL.iter().map(|one| one.as_str()).collect()),
            ("sec-evaluation-topic", TOPICS.to_vec()),
            ("sec-evaluation-scale", vec!["1", "2", "3", "4", "5"]),
        ]);
    }

    #[test]
    fn the_language_is_taken_from_the_browser() {
        assert_eq!(Lang::from_accept("de-DE,en;q=0.8,pt;q=0.5"), Some(Lang::En));
        assert_eq!(Lang::from_accept("ja"), None);
        assert_eq!(Lang::from_tag("pt_BR"), Some(Lang::Pt));
    }
}
