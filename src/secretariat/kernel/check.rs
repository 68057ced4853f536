//! Judges a definition file: every fault with line and column, all of them at once. Pure.

mod computed;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::define::{CaseType, DeadlineStep, Guard, Transition, Word};
use super::{Counting, FieldKind, guards};
use crate::accounts::Role;
use crate::secretariat::modules;

/// Roles that are no account's but somebody's part in the case.
pub const PARTS: [&str; 4] = ["owner", "author", "citizen", "service"];
const TOLD: [&str; 3] = ["owner", "author", "citizen"];
/// Acts that every case has; a transition has another name.
pub const OWN_ACTS: [&str; 11] =
    ["open", "assign", "annul", "attach", "link", "import", "withdraw", "recuse", "lift_recusal", "vote", "designate"];

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// Line and column of a byte, from 1.
pub(in crate::secretariat) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Reads one file.
///
/// # Errors
/// Every fault, in the order of the file.
pub fn read(file: &str, text: &str, is_code: &dyn Fn(&str) -> bool) -> Result<CaseType, Vec<Fault>> {
    let told = |span: Range<usize>, message: String| {
        let (line, column) = place(text, span.start);
        Fault { file: file.to_owned(), line, column, message }
    };
    let read: CaseType = toml::from_str(text)
        .map_err(|error| vec![told(error.span().unwrap_or_default(), error.message().trim().to_owned())])?;
    let mut judge = Judge { of: &read, is_code, found: Vec::new() };
    judge.all();
    let mut faults: Vec<Fault> = judge.found.into_iter().map(|(span, message)| told(span, message)).collect();
    faults.sort();
    faults.dedup();
    if faults.is_empty() { Ok(read) } else { Err(faults) }
}

struct Judge<'a> {
    of: &'a CaseType,
    is_code: &'a dyn Fn(&str) -> bool,
    found: Vec<(Range<usize>, String)>,
}

pub(super) fn is_word(word: &str) -> bool {
    (1..=60).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Judge<'_> {
    fn wrong(&mut self, word: &Word, message: impl Into<String>) {
        self.found.push((word.span(), message.into()));
    }

    fn all(&mut self) {
        self.head();
        self.names();
        self.fields();
        self.states();
        for transition in &self.of.transitions {
            self.transition(transition);
        }
        self.opening();
        self.public();
    }

    fn head(&mut self) {
        let of = self.of;
        match modules::find(of.module()) {
            Some(module) if module.key() == of.module() => {}
            _ => {
                let keys: Vec<&str> = modules::MODULES.iter().map(modules::Module::key).collect();
                self.wrong(
                    &of.module,
                    format!("unknown module {:?}; expected one of {}", of.module(), keys.join(", ")),
                );
            }
        }
        let parts: Vec<&str> = of.key().split('.').collect();
        if parts.len() != 2 || parts[0] != of.module() || !parts.iter().all(|part| is_word(part)) {
            self.wrong(
                &of.key,
                format!("expected a key {:?} and a word of small letters", format!("{}.…", of.module())),
            );
        }
        if of.version() < 1 {
            self.found.push((of.version.span(), "expected a version from 1".into()));
        }
        if of.law_ref.trim().is_empty() || of.law_ref.chars().count() > 300 {
            self.wrong(&of.key, "law_ref: expected 1 to 300 characters");
        }
        for (name, words) in [("title", Some(&of.title)), ("lead", of.lead.as_ref())] {
            if words.is_some_and(|words| words.pt.trim().is_empty() || words.en.trim().is_empty()) {
                self.wrong(&of.key, format!("{name}: expected words in pt and en"));
            }
        }
        if let Some(series) = &of.series {
            let prefix = series.prefix.get_ref();
            let is_good = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
            if !(1..=20).contains(&prefix.len()) || !prefix.bytes().all(is_good) {
                self.wrong(&series.prefix, "expected 1 to 20 capital letters, digits or -");
            }
            if let Some(at) = series.numbered_at.as_ref().filter(|at| of.transition(at.get_ref()).is_none()) {
                self.wrong(at, format!("unknown transition {:?}", at.get_ref()));
            }
        }
        for rule in &of.rules {
            for problem in rule.problems() {
                self.wrong(&of.key, format!("rule {}: {}: {}", rule.code, problem.field, problem.message));
            }
        }
    }

    /// No two of a kind share a key.
    fn names(&mut self) {
        let of = self.of;
        let all: [(&str, Vec<&Word>); 4] = [
            ("field", of.fields.iter().map(|one| &one.key).collect()),
            ("state", of.states.iter().map(|one| &one.key).collect()),
            ("transition", of.transitions.iter().map(|one| &one.key).collect()),
            ("document", of.documents.iter().map(|one| &one.kind).collect()),
        ];
        for (what, words) in all {
            let mut seen = BTreeSet::new();
            for word in words {
                if !is_word(word.get_ref()) {
                    self.wrong(word, format!("{what}: expected 1 to 60 small letters, digits or _"));
                }
                if !seen.insert(word.get_ref()) {
                    self.wrong(word, format!("{what} {:?} stands here twice", word.get_ref()));
                }
                if what == "transition" && OWN_ACTS.contains(&word.get_ref().as_str()) {
                    self.wrong(word, format!("{:?} is an act that every case has", word.get_ref()));
                }
            }
        }
    }

    fn fields(&mut self) {
        for field in &self.of.fields {
            let has_options = !field.options.is_empty();
            if has_options != (field.kind == FieldKind::Choice) {
                self.wrong(&field.key, "expected options for a choice, and for nothing else");
            }
            if field.public && field.restricted {
                self.wrong(&field.key, "a field that is restricted is never public");
            }
            if field.public && (field.personal || matches!(field.kind, FieldKind::Email | FieldKind::Phone)) {
                self.wrong(
                    &field.key,
                    "a field that is personal is never public (Lei 13.709/2018; Lei 12.527/2011, art. 31)",
                );
            }
            if field.kind == FieldKind::Registry && field.public {
                self.wrong(&field.key, "a field of the registry is never public: what it refers to has its own access");
            }
            if field.secret && !field.is_closed() {
                self.wrong(&field.key, "what is secret is personal or restricted too");
            }
            if field.required && field.later {
                self.wrong(&field.key, "what is filled in later is not required at the opening");
            }
            if field.recuses && (field.public || field.kind != FieldKind::Line) {
                self.wrong(&field.key, "what recuses is a line of user names, and never public");
            }
            self.computed(field);
            if field.max.is_some_and(|max| max < 1) {
                self.wrong(&field.key, "max: expected 1 or more");
            }
            let mut seen = BTreeSet::new();
            for option in &field.options {
                if !is_word(option.key.get_ref()) || !seen.insert(option.key.get_ref()) {
                    self.wrong(&option.key, "expected a word of small letters that stands here once");
                }
            }
        }
    }

    /// Every state is reached from the first, and whoever is in one that is not final can leave it.
    fn states(&mut self) {
        let of = self.of;
        let Some(first) = of.initial() else {
            self.wrong(&of.key, "expected at least one [[state]]");
            return;
        };
        let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for transition in &of.transitions {
            for from in &transition.from {
                edges.entry(from.get_ref()).or_default().push(transition.target(from.get_ref()));
            }
        }
        let mut reached = BTreeSet::from([first.key.get_ref().as_str()]);
        let mut ahead = vec![first.key.get_ref().as_str()];
        while let Some(state) = ahead.pop() {
            for next in edges.get(state).into_iter().flatten() {
                if reached.insert(next) {
                    ahead.push(next);
                }
            }
        }
        for state in &of.states {
            let key = state.key.get_ref().as_str();
            if !reached.contains(key) {
                self.wrong(&state.key, format!("the state {key:?} is never reached from {:?}", first.key.get_ref()));
            }
            let leaves = edges.get(key).is_some_and(|to| to.iter().any(|to| *to != key));
            if !state.is_final && !leaves {
                self.wrong(&state.key, format!("nothing leads out of the state {key:?}, and it is not final"));
            }
            if state.is_final && state.waits_for.is_some() {
                self.wrong(&state.key, "a final state waits for nobody");
            }
        }
        if !of.states.iter().any(|state| state.is_final) {
            self.wrong(&of.key, "expected at least one state that is final");
        }
    }

    fn field_word(&mut self, word: &Word) {
        if self.of.field(word.get_ref()).is_none() {
            self.wrong(word, format!("unknown field {:?}", word.get_ref()));
        }
    }

    fn state_word(&mut self, word: &Word) {
        if self.of.state(word.get_ref()).is_none() {
            self.wrong(word, format!("unknown state {:?}", word.get_ref()));
        }
    }

    fn roles(&mut self, words: &[Word]) {
        for word in words {
            let text = word.get_ref().as_str();
            if text.parse::<Role>().is_err() && !PARTS.contains(&text) {
                self.wrong(word, format!("unknown role {text:?}; expected a role of staff, or {}", PARTS.join(", ")));
            }
        }
    }

    fn told(&mut self, words: &[Word]) {
        for word in words.iter().filter(|word| !TOLD.contains(&word.get_ref().as_str())) {
            self.wrong(word, format!("expected {}", TOLD.join(", ")));
        }
    }

    fn guards(&mut self, guards: &[Guard]) {
        for guard in guards {
            let Some(known) = guards::find(guard.name.get_ref()) else {
                let names: Vec<&str> = guards::ALL.iter().map(|one| one.name).collect();
                self.wrong(
                    &guard.name,
                    format!("unknown guard {:?}; expected one of {}", guard.name.get_ref(), names.join(", ")),
                );
                continue;
            };
            if !known.fits(guard.args.len()) {
                self.wrong(&guard.name, format!("{} takes {}", known.name, known.takes()));
                continue;
            }
            for (at, arg) in guard.args.iter().enumerate() {
                match known.arg(at) {
                    guards::Arg::Field => self.field_word(arg),
                    guards::Arg::State => self.state_word(arg),
                    guards::Arg::Code => self.code(arg),
                    guards::Arg::Document => self.document_word(arg),
                    guards::Arg::Act => self.act_word(arg),
                    guards::Arg::Free => {}
                }
            }
        }
    }

    fn act_word(&mut self, word: &Word) {
        if self.of.transition(word.get_ref()).is_none() && word.get_ref() != "open" {
            self.wrong(word, format!("unknown transition {:?}", word.get_ref()));
        }
    }

    fn document_word(&mut self, word: &Word) {
        if self.of.document(word.get_ref()).is_none() {
            self.wrong(word, format!("unknown document {:?}", word.get_ref()));
        }
    }

    fn code(&mut self, word: &Word) {
        let code = word.get_ref();
        if !(self.is_code)(code) && !self.of.rules.iter().any(|rule| rule.code == *code) {
            self.wrong(word, format!("no rule of a deadline has the code {code:?}"));
        }
    }

    fn deadlines(&mut self, steps: &[DeadlineStep]) {
        for step in steps {
            self.code(&step.code);
            let Some(anchor) = &step.anchor else { continue };
            if step.what != Counting::Start {
                self.wrong(anchor, "only what starts a deadline has an anchor");
                continue;
            }
            match anchor.get_ref().split_once(':') {
                None if anchor.get_ref() == "now" => {}
                Some(("field", field)) => match self.of.field(field).map(|field| field.kind) {
                    Some(FieldKind::Date) => {}
                    Some(_) => self.wrong(anchor, format!("the field {field:?} is no date")),
                    None => self.wrong(anchor, format!("unknown field {field:?}")),
                },
                _ => self.wrong(anchor, "expected now, or field: and the key of a date"),
            }
        }
    }

    fn transition(&mut self, one: &Transition) {
        if one.from.is_empty() {
            self.wrong(&one.key, "from: expected at least one state");
        }
        for from in &one.from {
            self.state_word(from);
            let is_final = self.of.state(from.get_ref()).is_some_and(|state| state.is_final);
            if is_final && one.to.as_ref().is_some_and(|to| to.get_ref() != from.get_ref()) && !one.needs.reason {
                self.wrong(from, "what leads out of a final state needs a reason");
            }
        }
        if let Some(to) = &one.to {
            self.state_word(to);
        }
        self.roles(&one.roles);
        for word in one.who_not.iter().filter(|word| word.get_ref() != "author") {
            self.act_word(word);
        }
        for word in one.needs.fields.iter().chain(&one.asks) {
            self.field_word(word);
        }
        for word in &one.asks {
            if self.of.field(word.get_ref()).is_some_and(|field| field.computed.is_some()) {
                self.wrong(word, "what is computed is asked of nobody");
            }
        }
        for word in &one.needs.documents {
            self.document_word(word);
        }
        self.guards(&one.guards);
        self.deadlines(&one.deadlines);
        self.told(&one.notifies);
        if let Some(code) = &one.automatic {
            self.code(code);
            if one.roles.len() != 1 || one.roles[0].get_ref() != "service" {
                self.wrong(code, "what the service does by itself is nobody else's: expected roles = [\"service\"]");
            }
            if one.needs.reason || !one.needs.fields.is_empty() || !one.needs.documents.is_empty() {
                self.wrong(code, "what the service does by itself needs nothing that a person gives");
            }
        }
        if one.withdraws && (one.publishes || !one.needs.reason) {
            self.wrong(&one.key, "what withdraws needs a reason, and publishes nothing");
        }
        if one.publishes {
            let into: Vec<&Word> = one.to.as_ref().map_or_else(|| one.from.iter().collect(), |to| vec![to]);
            for state in into {
                if !self.of.public.states.iter().any(|public| public.get_ref() == state.get_ref()) {
                    self.wrong(&one.key, format!("publishes into {:?}, which [public] does not name", state.get_ref()));
                }
            }
        }
        if let Some(spawn) = &one.spawns {
            if let Some(word) = &spawn.title {
                self.field_word(word);
            }
            for from in spawn.copy.values() {
                if from.get_ref() != "title" {
                    self.field_word(from);
                }
            }
        }
    }

    fn opening(&mut self) {
        let opening = &self.of.opening;
        self.roles(&opening.roles);
        self.guards(&opening.guards);
        self.deadlines(&opening.deadlines);
        self.told(&opening.notifies);
        for word in &self.of.starts.states {
            self.state_word(word);
            if self.of.state(word.get_ref()).is_some_and(|state| state.is_final) {
                self.wrong(word, "what is over begins nothing");
            }
        }
        for word in &opening.shows_above {
            self.field_word(word);
            if opening.parent.is_none() || self.of.field(word.get_ref()).is_some_and(super::define::Field::is_closed) {
                self.wrong(
                    word,
                    "shown above is what is neither personal nor restricted, of a type that is opened under another",
                );
            }
        }
    }

    fn public(&mut self) {
        let of = self.of;
        for word in &of.public.states {
            self.state_word(word);
        }
        for word in &of.public.fields {
            match of.field(word.get_ref()) {
                None => self.field_word(word),
                Some(field) if !field.public => {
                    self.wrong(word, format!("the field {:?} is not marked public", word.get_ref()));
                }
                Some(_) => {}
            }
        }
        if let Some(word) = &of.public.embargo {
            self.field_word(word);
        }
        if let Some(word) = &of.public.title
            && of.field(word.get_ref()).is_none_or(|field| !field.public)
        {
            self.wrong(word, format!("expected a field that is marked public, not {:?}", word.get_ref()));
        }
        if let Some(by) = &of.report.by {
            match of.field(by.get_ref()).map(|field| field.kind) {
                Some(FieldKind::Choice) => {}
                _ => self.wrong(by, format!("expected a field of choice, not {:?}", by.get_ref())),
            }
        }
    }
}

/// Words of one file that point into another: types that are spawned or that a case is opened under.
pub fn across(all: &BTreeMap<String, (String, String, CaseType)>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut counted: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, (file, text, of)) in all {
        let mut wrong = |word: &Word, message: String| {
            let (line, column) = place(text, word.span().start);
            faults.push(Fault { file: file.clone(), line, column, message });
        };
        // Two books of one series would each have gaps, and those of one would tell how many the other has.
        if let Some(series) = &of.series
            && let Some(other) = counted.insert(series.prefix.get_ref(), key)
        {
            wrong(&series.prefix, format!("the series {:?} is that of {other} already", series.prefix.get_ref()));
        }
        if let Some(parent) = of.opening.parent.as_ref().filter(|parent| !all.contains_key(parent.get_ref().as_str())) {
            wrong(parent, format!("unknown type {:?}", parent.get_ref()));
        }
        for spawn in of.transitions.iter().filter_map(|one| one.spawns.as_ref()) {
            let Some((_, _, other)) = all.get(spawn.key.get_ref().as_str()) else {
                wrong(&spawn.key, format!("unknown type {:?}", spawn.key.get_ref()));
                continue;
            };
            for (field, from) in spawn.copy.iter().filter(|(field, _)| other.field(field).is_none()) {
                wrong(from, format!("the type {} has no field {field:?}", other.key()));
            }
            for field in other.fields.iter().filter(|field| field.required && !spawn.copy.contains_key(field.key())) {
                wrong(&spawn.key, format!("the type {} requires the field {:?}; copy it", other.key(), field.key()));
            }
        }
    }
    faults
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
