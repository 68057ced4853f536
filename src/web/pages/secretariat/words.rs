//! Cells, fields and forms of instruments in words.

use std::collections::BTreeMap;

use crate::secretariat::kernel::instrument::form::{Cell as Column, Field, Form, Input};
use crate::secretariat::kernel::instrument::papers::{CLOSED_KINDS, OPEN_KINDS};
use crate::secretariat::kernel::instrument::shown::Cell;
use crate::web::error::FieldError;
use crate::web::pages::view::View;

/// A cell as it is read.
pub fn cell(v: &View, cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Word(vocabulary, word) => v.word(vocabulary, word),
        Cell::Day(day) => v.day(*day),
        Cell::Money(amount) => v.money(amount.0),
        Cell::None => String::new(),
    }
}

/// "plan.goals" and "goals" are one field to whoever reads.
pub fn field(v: &View, name: &str) -> String {
    v.word("sec-instrument-field", &name.replace('.', "-"))
}

/// What kind of document it is; as it was given where it is none that a page offers.
pub fn document_kind(v: &View, kind: &str) -> String {
    let is_known = OPEN_KINDS.iter().chain(CLOSED_KINDS).any(|one| *one == kind);
    if is_known { v.word("sec-instrument-paper", kind) } else { kind.to_owned() }
}

/// A field as the page draws it.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub name: &'static str,
    pub label: String,
    /// line, text, day, yes, choice
    pub kind: &'static str,
    pub help: String,
    /// What is wrong with it; empty: nothing.
    pub wrong: String,
    pub required: bool,
    pub value: String,
    /// Value and words.
    pub options: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
pub struct DrawnForm {
    pub act: &'static str,
    pub label: String,
    pub confirm: bool,
    pub fields: Vec<Drawn>,
    /// The one that was sent and refused.
    pub open: bool,
}

/// Which vocabulary the choices of a field are of.
fn choices(v: &View, field: &str, words: &'static [&'static str]) -> Vec<(&'static str, String)> {
    let vocabulary = match field {
        "kind" if words.contains(&"fomento") || words.contains(&"convenio") || words.contains(&"project") => {
            "sec-instrument-kind"
        }
        "outcome" => "sec-instrument-state",
        _ => "sec-instrument-word",
    };
    words.iter().map(|word| (*word, v.word(vocabulary, word))).collect()
}

/// What a line of a list holds, in words.
fn columns(v: &View, columns: &[(&str, Column)]) -> String {
    let names: Vec<String> = columns.iter().map(|column| field(v, column.0)).collect();
    v.t1("sec-instrument-help-rows", "columns", names.join("; "))
}

fn drawn(v: &View, one: &Field, given: &BTreeMap<String, String>, errors: &[FieldError]) -> Drawn {
    let (kind, help, options) = match one.input {
        Input::Line => ("line", String::new(), Vec::new()),
        Input::Text => ("text", String::new(), Vec::new()),
        Input::Day => ("day", String::new(), Vec::new()),
        Input::Money => ("line", v.t("sec-instrument-help-money"), Vec::new()),
        Input::Whole => ("line", v.t("sec-instrument-help-whole"), Vec::new()),
        Input::Yes => ("yes", String::new(), Vec::new()),
        Input::Choice(words) => ("choice", String::new(), choices(v, one.name, words)),
        Input::Lines => ("text", v.t("sec-instrument-help-lines"), Vec::new()),
        Input::Rows(rows) => ("text", columns(v, rows), Vec::new()),
    };
    let value = given.get(one.name).cloned().unwrap_or_default();
    let wrong = wrong(v, one.name, errors);
    Drawn { name: one.name, label: field(v, one.name), kind, help, wrong, required: one.required, value, options }
}

impl Drawn {
    pub fn described(&self) -> bool {
        !self.help.is_empty() || !self.wrong.is_empty()
    }
}

/// What is wrong with a field or with a part of it.
fn wrong(v: &View, name: &str, errors: &[FieldError]) -> String {
    let own = errors.iter().filter(|one| v.is_wrong(std::slice::from_ref(*one), name));
    own.map(|one| one.message.as_str()).collect::<Vec<_>>().join(" ")
}

/// A form with what was typed into it and what is wrong with that, when it is the one that was sent.
pub fn form(
    v: &View,
    one: &Form,
    (sent, given, errors): (&str, &BTreeMap<String, String>, &[FieldError]),
) -> DrawnForm {
    let empty = BTreeMap::new();
    let is_sent = sent == one.act;
    let (given, errors) = if is_sent { (given, errors) } else { (&empty, &[] as &[FieldError]) };
    let fields = one.fields.iter().map(|field| drawn(v, field, given, errors)).collect();
    DrawnForm {
        act: one.act,
        label: v.word("sec-instrument-act", one.act),
        confirm: one.confirm,
        fields,
        open: is_sent,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::i18n::Lang;
    use crate::secretariat::agreements::{self, forms as of_agreements};
    use crate::secretariat::funding::{self, forms as of_funding, risk::Why};
    use crate::secretariat::kernel::instrument::form::Field;
    use crate::secretariat::kernel::instrument::papers::Readers;
    use crate::secretariat::kernel::instrument::{Kept, Movement};
    use crate::secretariat::strategic_projects::{self as projects, forms as of_projects, standing::Word};

    fn names(fields: &[Field], into: &mut BTreeSet<String>) {
        for field in fields {
            into.insert(format!("sec-instrument-field-{}", field.name.replace(['.', '_'], "-")));
            match field.input {
                Input::Rows(columns) => into
                    .extend(columns.iter().map(|(name, _)| format!("sec-instrument-field-{}", name.replace('_', "-")))),
                Input::Choice(words) if field.name != "kind" || words.contains(&"legal") => {
                    let vocabulary = if field.name == "outcome" { "state" } else { "word" };
                    into.extend(
                        words.iter().map(|word| format!("sec-instrument-{vocabulary}-{}", word.replace('_', "-"))),
                    );
                }
                _ => {}
            }
        }
    }

    #[test]
    fn every_word_of_instruments_has_a_text() {
        let mut keys = BTreeSet::new();
        let forms = of_agreements::FORMS.iter().chain(of_funding::FORMS).chain(of_projects::FORMS);
        let openings = [agreements::Agreement::OPENING, funding::Funding::OPENING, projects::Project::OPENING];
        for form in forms.chain(openings) {
            keys.insert(format!("sec-instrument-act-{}", form.act.replace('_', "-")));
            names(form.fields, &mut keys);
        }
        let mut add = |prefix: &str, words: Vec<&str>| {
            keys.extend(words.iter().map(|word| format!("sec-instrument-{prefix}-{}", word.replace('_', "-"))));
        };
        add("state", agreements::State::ALL.iter().map(|one| one.as_str()).collect());
        add("state", funding::State::ALL.iter().map(|one| one.as_str()).collect());
        add("state", projects::State::ALL.iter().map(|one| one.as_str()).collect());
        add("kind", agreements::Kind::ALL.iter().map(|one| one.as_str()).collect());
        add("kind", funding::Kind::ALL.iter().map(|one| one.as_str()).collect());
        add("kind", projects::Kind::ALL.iter().map(|one| one.as_str()).collect());
        add("movement", Movement::ALL.iter().map(|one| one.as_str()).collect());
        add("risk", Why::ALL.iter().map(|one| one.as_str()).collect());
        add("standing", Word::ALL.iter().map(|one| one.as_str()).collect());
        add("word", vec!["favourable", "contrary", "interim", "final", "simplified", "general"]);
        add("act", vec!["sync"]);
        add("paper", OPEN_KINDS.iter().chain(CLOSED_KINDS).copied().collect());
        add("readers", Readers::ALL.iter().map(|one| one.as_str()).collect());
        let missing: Vec<&String> = keys.iter().filter(|key| !Lang::Pt.knows(key) || !Lang::En.knows(key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
