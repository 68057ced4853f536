//! What a refusal of a case says to people: the words of its type in both languages, days as days, and the law. Pure.

use super::decide::Refusal;
use super::define::CaseType;
use super::guards::Why;
use super::quiet::Period;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::refused::{Reason, Refused, Said};
use crate::secretariat::modules;

/// The same refusal with its code and what its words are made of.
pub fn told(refusal: Refusal, of: &CaseType) -> PlanError {
    match refusal {
        Refusal::Fields(errors) => PlanError::Wrong(errors),
        other => PlanError::Refused(Refused::Because(Box::new(reason(&other, of)))),
    }
}

/// Code, arguments and law of a refusal.
pub fn reason(refusal: &Refusal, of: &CaseType) -> Reason {
    let said = Parts { of };
    let number = |number: i32| Said::Text(number.to_string());
    let (code, args, law) = match refusal {
        Refusal::Illegal { state, possible, law, .. } => {
            let possible: Vec<Said> = possible.iter().map(|key| said.act(key)).collect();
            if possible.is_empty() {
                ("case-ended", vec![("state", said.state(state))], law.as_str())
            } else {
                ("case-illegal", vec![("state", said.state(state)), ("possible", Said::All(possible))], law.as_str())
            }
        }
        Refusal::Role { act, roles } => {
            let roles = Said::All(roles.iter().map(|word| role(word)).collect());
            ("case-role", vec![("act", said.act(act)), ("roles", roles)], "")
        }
        Refusal::SamePerson { act, other, law } => {
            ("case-two-persons", vec![("act", said.act(act)), ("other", said.act(other))], law.as_str())
        }
        Refusal::Revision(now) => ("case-changed", vec![("revision", number(*now))], ""),
        Refusal::Document(kind) => ("case-document", vec![("document", said.document(kind))], of.law_ref.as_str()),
        Refusal::Annulled => ("case-annulled", Vec::new(), ""),
        Refusal::Guard { why, law, .. } => {
            let (code, args) = said.guard(why);
            let detail = refusal.to_string();
            let law = [why.law(), Some(law.as_str())].into_iter().flatten().collect::<Vec<_>>().join("; ");
            return Reason { code, detail, args, law, is_forbidden: false };
        }
        // Said field by field.
        Refusal::Fields(_) => ("case-fields", Vec::new(), ""),
    };
    let is_forbidden = matches!(refusal, Refusal::Role { .. });
    Reason { code, detail: refusal.to_string(), args, law: law.to_owned(), is_forbidden }
}

/// Who may, in words: a module, a role of staff, or a part in the case.
fn role(word: &str) -> Said {
    match modules::find(word) {
        Some(module) => Said::Label(module.title_pt.to_owned(), module.title_en.to_owned()),
        None => {
            let key = |prefix: &str| format!("{prefix}-{}", word.replace('_', "-"));
            let is_part = matches!(word, "owner" | "author" | "citizen" | "service");
            Said::Key(key(if is_part { "refused-part" } else { "role" }))
        }
    }
}

fn deadline(code: &str) -> Said {
    let key = format!("deadline-code-{}", code.replace(['.', '_'], "-"));
    if Lang::Pt.knows(&key) { Said::Key(key) } else { Said::Text(code.to_owned()) }
}

fn day(day: Option<chrono::NaiveDate>) -> Said {
    day.map_or_else(|| Said::Key("refused-no-day".into()), Said::Day)
}

/// The words that a type has for its parts.
struct Parts<'a> {
    of: &'a CaseType,
}

impl Parts<'_> {
    fn state(&self, key: &str) -> Said {
        Said::Label(self.of.state_label(key, Lang::Pt), self.of.state_label(key, Lang::En))
    }

    fn act(&self, key: &str) -> Said {
        match (self.of.act_label(key, Lang::Pt), self.of.act_label(key, Lang::En)) {
            (Some(pt), Some(en)) => Said::Label(pt, en),
            _ if key == "author" => Said::Key("refused-part-author".into()),
            _ => Said::Key(format!("sec-act-{}", key.replace('_', "-"))),
        }
    }

    fn document(&self, kind: &str) -> Said {
        match self.of.document(kind) {
            Some(one) => Said::Label(one.label.of(Lang::Pt).to_owned(), one.label.of(Lang::En).to_owned()),
            None => Said::Text(kind.to_owned()),
        }
    }

    fn field(&self, key: &str) -> Said {
        match self.of.field(key) {
            Some(one) => Said::Label(one.label.of(Lang::Pt).to_owned(), one.label.of(Lang::En).to_owned()),
            None => Said::Text(key.to_owned()),
        }
    }

    /// What a field holds, as its options say it.
    fn value(&self, field: &str, value: &str) -> Said {
        if value.is_empty() {
            return Said::Key("refused-nothing".into());
        }
        match (value, self.of.field(field)) {
            ("true", _) => Said::Key("sec-yes".into()),
            ("false", _) => Said::Key("sec-no".into()),
            (_, Some(one)) => Said::Label(one.option_label(value, Lang::Pt), one.option_label(value, Lang::En)),
            _ => Said::Text(value.to_owned()),
        }
    }

    fn guard(&self, why: &Why) -> (&'static str, Vec<(&'static str, Said)>) {
        let text = |text: &str| Said::Text(text.to_owned());
        match why {
            Why::RanOut { code, on, .. } => ("guard-ran-out", vec![("deadline", deadline(code)), ("day", day(*on))]),
            Why::Runs { code, until, .. } => ("guard-runs", vec![("deadline", deadline(code)), ("day", day(*until))]),
            Why::NotBegun(code) => ("guard-not-begun", vec![("deadline", deadline(code))]),
            Why::FieldIs { field, value, expected } => {
                let expected = Said::All(expected.iter().map(|one| self.value(field, one)).collect());
                let (name, value) = (self.field(field), self.value(field, value));
                ("guard-field-is", vec![("field", name), ("value", value), ("expected", expected)])
            }
            Why::FieldWhen { field, value, needed } => {
                let (name, value) = (self.field(field), self.value(field, value));
                ("guard-field-when", vec![("field", name), ("value", value), ("needed", self.field(needed))])
            }
            Why::Stays { field, kept, other, value } => {
                let (name, kept) = (self.field(field), self.value(field, kept));
                let (other, value) = (self.field(other), self.value(other, value));
                ("guard-stays", vec![("field", name), ("kept", kept), ("other", other), ("value", value)])
            }
            Why::ValueWhen { field, other, value, expected } => {
                let expected = Said::All(expected.iter().map(|one| self.value(field, one)).collect());
                let (name, value, other) = (self.field(field), self.value(other, value), self.field(other));
                ("guard-value-when", vec![("field", name), ("other", other), ("value", value), ("expected", expected)])
            }
            Why::First(act) => ("guard-first", vec![("act", self.act(act))]),
            Why::Document(kind) => ("case-document", vec![("document", self.document(kind))]),
            Why::Quiet(today, period) => {
                let Period { election, from, until, .. } = *period;
                let days = [("day", *today), ("election", *election), ("from", *from), ("until", *until)];
                ("guard-quiet", days.into_iter().map(|(name, day)| (name, Said::Day(day))).collect())
            }
            Why::NoProgramme { field, value, years, law } => {
                let years = [("from", text(&years.0.to_string())), ("to", text(&years.1.to_string()))];
                let named = [("field", self.field(field)), ("value", text(value)), ("plan", text(law))];
                ("guard-no-programme", named.into_iter().chain(years).collect())
            }
            Why::ChildOpen(name) => ("guard-child-open", vec![("name", text(name))]),
            Why::ChildMissing(key) => ("guard-child-missing", vec![("kind", kind(key))]),
            Why::ParentState { name, .. } => ("guard-parent-state", vec![("name", text(name))]),
            Why::ParentType(key) => ("guard-parent-type", vec![("kind", kind(key))]),
            Why::NoParent => ("guard-no-parent", Vec::new()),
            Why::Unknown(name) => ("guard-unknown", vec![("name", text(name))]),
            of_days => self.days(of_days),
        }
    }

    fn days(&self, why: &Why) -> (&'static str, Vec<(&'static str, Said)>) {
        let pair = |field: &str, day: &chrono::NaiveDate| vec![("field", self.field(field)), ("day", Said::Day(*day))];
        match why {
            Why::Before { field, day, other, other_day } => {
                let other = [("other", self.field(other)), ("otherday", Said::Day(*other_day))];
                ("guard-before", pair(field, day).into_iter().chain(other).collect())
            }
            Why::NotLater { field, day, was } => {
                ("guard-not-later", pair(field, day).into_iter().chain([("was", Said::Day(*was))]).collect())
            }
            Why::BeforeAct { field, day, act, act_day } => {
                let other = [("other", self.act(act)), ("otherday", Said::Day(*act_day))];
                ("guard-before", pair(field, day).into_iter().chain(other).collect())
            }
            Why::NotCome { field, day, today } => {
                ("guard-not-come", pair(field, day).into_iter().chain([("today", Said::Day(*today))]).collect())
            }
            Why::Over { field, day, today } => {
                ("guard-over", pair(field, day).into_iter().chain([("today", Said::Day(*today))]).collect())
            }
            Why::Outside { field, day: on, name, first, last } => {
                let end = last.map_or_else(|| Said::Key("refused-no-end".into()), Said::Day);
                let around = [("name", Said::Text(name.clone())), ("first", Said::Day(*first)), ("last", end)];
                ("guard-outside", pair(field, on).into_iter().chain(around).collect())
            }
            Why::NotTold { field, name } => {
                ("guard-not-told", vec![("field", self.field(field)), ("name", Said::Text(name.clone()))])
            }
            _ => ("guard-unknown", vec![("name", Said::Text(String::new()))]),
        }
    }
}

/// The module that a type belongs to: the type itself is of another file.
fn kind(key: &str) -> Said {
    let module = key.split('.').next().and_then(modules::find);
    module.map_or_else(
        || Said::Text(key.to_owned()),
        |module| Said::Label(module.title_pt.to_owned(), module.title_en.to_owned()),
    )
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
