//! A type of cases as data: what a definition file may say. `check` judges it; both are pure.

use std::borrow::Borrow;

use serde::Deserialize;
use toml::Spanned;

use super::{Access, Counting, FieldKind, Waits};
use crate::deadlines::DeadlineRule;
use crate::i18n::Lang;

/// A word of a file with its place, so that a fault is told with line and column.
pub type Word = Spanned<String>;

/// A text in both languages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub pt: String,
    pub en: String,
}

impl Words {
    pub fn of(&self, lang: impl Borrow<Lang>) -> &str {
        let lang: &Lang = lang.borrow();
        match lang {
            Lang::Pt => &self.pt,
            Lang::En => &self.en,
        }
    }
}

/// A value that may be chosen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub key: Word,
    pub label: Words,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub key: Word,
    pub label: Words,
    pub kind: FieldKind,
    /// Asked for when a case is opened.
    #[serde(default)]
    pub required: bool,
    /// Filled in by an act, so not offered when a case is opened.
    #[serde(default)]
    pub later: bool,
    /// Characters, or the greatest number.
    #[serde(default)]
    pub max: Option<i64>,
    #[serde(default)]
    pub options: Vec<Choice>,
    /// May be shown to everybody, when `[public]` names it.
    #[serde(default)]
    pub public: bool,
    /// Of a person: never public, never searched, and never written to the ledger.
    #[serde(default)]
    pub personal: bool,
    /// Of nobody, and still for whoever works on the case alone: kept from others as what is personal.
    #[serde(default)]
    pub restricted: bool,
    /// Personal or restricted, and left out of the files of an export too.
    #[serde(default)]
    pub secret: bool,
    #[serde(default)]
    pub help: Option<Words>,
    /// User names, apart by commas: whoever stands there is recused from the case (`desk::recusal`).
    #[serde(default)]
    pub recuses: bool,
    /// Reckoned from other fields after each act, and typed by nobody.
    #[serde(default)]
    pub computed: Option<Computed>,
}

/// The product of whole numbers, or the band that it falls in; or whether a programme is one of the plan that is law.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Computed {
    /// Fields of whole numbers. Nothing is reckoned while one is empty.
    #[serde(default)]
    pub product: Vec<Word>,
    /// The lowest product of each option, rising; none: the field is the product itself.
    #[serde(default)]
    pub bands: Vec<Band>,
    /// A field that names a programme: `in_plan` when the plan has it, `no_plan` when no plan was law to hold it against.
    #[serde(default)]
    pub plan: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    pub from: i64,
    pub key: Word,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub key: Word,
    pub label: Words,
    #[serde(rename = "final", default)]
    pub is_final: bool,
    #[serde(default)]
    pub waits_for: Option<Waits>,
}

/// What has to be there before an act.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    #[serde(default)]
    pub fields: Vec<Word>,
    #[serde(default)]
    pub documents: Vec<Word>,
    #[serde(default)]
    pub reason: bool,
}

/// A named guard of `guards` with its arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    pub name: Word,
    #[serde(default)]
    pub args: Vec<Word>,
    /// Of the law that it enforces; none: that of the transition.
    #[serde(default)]
    pub law_ref: Option<String>,
}

/// What an act does to a deadline.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadlineStep {
    #[serde(rename = "do")]
    pub what: Counting,
    pub code: Word,
    /// "now", or "field:…" of a date; only of `start`.
    #[serde(default)]
    pub anchor: Option<Word>,
}

/// Another case that an act opens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spawn {
    #[serde(rename = "type")]
    pub key: Word,
    /// A field of the new case to a field of this one.
    #[serde(default)]
    pub copy: std::collections::BTreeMap<String, Word>,
    /// A field of this case that is the title there; none: its own title.
    #[serde(default)]
    pub title: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    pub key: Word,
    pub label: Words,
    pub from: Vec<Word>,
    /// None: the state stays.
    #[serde(default)]
    pub to: Option<Word>,
    /// Roles of accounts, or owner, author, citizen, service. None: the role of the module.
    #[serde(default)]
    pub roles: Vec<Word>,
    /// author, or the key of an act: whoever did it does not do this.
    #[serde(default)]
    pub who_not: Vec<Word>,
    #[serde(default)]
    pub law_ref: Option<String>,
    #[serde(default)]
    pub needs: Needs,
    #[serde(default)]
    pub asks: Vec<Word>,
    #[serde(default)]
    pub guards: Vec<Guard>,
    #[serde(default)]
    pub deadlines: Vec<DeadlineStep>,
    #[serde(default)]
    pub publishes: bool,
    /// What was published of the case is withdrawn, with the reason of the act.
    #[serde(default)]
    pub withdraws: bool,
    #[serde(default)]
    pub notifies: Vec<Word>,
    #[serde(default)]
    pub spawns: Option<Spawn>,
    /// The service does it by itself when this deadline of the case has run out.
    #[serde(default)]
    pub automatic: Option<Word>,
    /// Asks whoever acts on the page once more.
    #[serde(default)]
    pub confirm: bool,
}

/// How a case begins: in the first state of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    #[serde(default)]
    pub roles: Vec<Word>,
    #[serde(default)]
    pub guards: Vec<Guard>,
    #[serde(default)]
    pub deadlines: Vec<DeadlineStep>,
    #[serde(default)]
    pub publishes: bool,
    #[serde(default)]
    pub notifies: Vec<Word>,
    /// Opened under a case of this type.
    #[serde(default)]
    pub parent: Option<Word>,
    /// It is for a department, which is told.
    #[serde(default)]
    pub department: bool,
    /// Fields that the case above shows, with department, state and day.
    #[serde(default)]
    pub shows_above: Vec<Word>,
}

/// When whoever carries a case out may begin others, of any module that they work in, by its order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Starts {
    pub states: Vec<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    pub prefix: Word,
    /// The transition that gives the number; none: when it is opened.
    #[serde(default)]
    pub numbered_at: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub kind: Word,
    pub label: Words,
    /// Only whoever works on the case reads it.
    #[serde(default)]
    pub draft: bool,
    /// Of this kind whoever works on the case reads alone what is final too: it may name persons.
    #[serde(default)]
    pub restricted: bool,
}

/// What everybody may see: states and fields by allow-list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Public {
    #[serde(default)]
    pub states: Vec<Word>,
    #[serde(default)]
    pub fields: Vec<Word>,
    /// A field of a date before which what is published is not shown.
    #[serde(default)]
    pub embargo: Option<Word>,
    /// A public field that stands in the place of the title; none: the title itself.
    #[serde(default)]
    pub title: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// A field of choice by which cases are counted.
    #[serde(default)]
    pub by: Option<Word>,
    /// Days at which the columns of the age begin.
    #[serde(default = "usual_ages")]
    pub ages: Vec<i64>,
}

fn usual_ages() -> Vec<i64> {
    vec![7, 15, 30, 60]
}

impl Default for Report {
    fn default() -> Self {
        Self { by: None, ages: usual_ages() }
    }
}

/// A whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseType {
    pub module: Word,
    pub key: Word,
    pub version: Spanned<i32>,
    pub title: Words,
    /// What it is for, above the form.
    #[serde(default)]
    pub lead: Option<Words>,
    pub law_ref: String,
    #[serde(default)]
    pub series: Option<Series>,
    pub access: Access,
    /// The title is of whoever writes from outside: it is not searched, and files of an export have the name of the type in its place.
    #[serde(default)]
    pub secret_title: bool,
    #[serde(default)]
    pub opening: Opening,
    #[serde(default)]
    pub starts: Starts,
    #[serde(default, rename = "field")]
    pub fields: Vec<Field>,
    #[serde(default, rename = "state")]
    pub states: Vec<State>,
    #[serde(default, rename = "transition")]
    pub transitions: Vec<Transition>,
    #[serde(default, rename = "document")]
    pub documents: Vec<Document>,
    #[serde(default)]
    pub public: Public,
    #[serde(default)]
    pub report: Report,
    /// Rules of deadlines that come with the type, as in config/secretariat/deadlines.toml.
    #[serde(default, rename = "rule")]
    pub rules: Vec<DeadlineRule>,
}

impl CaseType {
    pub fn key(&self) -> &str {
        self.key.get_ref()
    }

    pub fn version(&self) -> i32 {
        *self.version.get_ref()
    }

    pub fn module(&self) -> &str {
        self.module.get_ref()
    }

    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key.get_ref() == key)
    }

    pub fn state(&self, key: &str) -> Option<&State> {
        self.states.iter().find(|state| state.key.get_ref() == key)
    }

    pub fn transition(&self, key: &str) -> Option<&Transition> {
        self.transitions.iter().find(|transition| transition.key.get_ref() == key)
    }

    pub fn document(&self, kind: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.kind.get_ref() == kind)
    }

    /// It holds a programme against the plan that is law.
    pub fn asks_plan(&self) -> bool {
        let mut guards = self.opening.guards.iter().chain(self.transitions.iter().flat_map(|one| &one.guards));
        self.fields.iter().any(|field| field.computed.as_ref().is_some_and(|computed| computed.plan.is_some()))
            || guards.any(|guard| guard.name.get_ref() == "in_plan")
    }

    /// Where a case begins.
    pub fn initial(&self) -> Option<&State> {
        self.states.first()
    }

    /// What leads on from a state, whoever may do it.
    pub fn leads_from<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Transition> {
        self.transitions.iter().filter(move |transition| transition.is_from(state))
    }

    pub fn state_label(&self, key: &str, lang: Lang) -> String {
        self.state(key).map_or_else(|| key.to_owned(), |state| state.label.of(lang).to_owned())
    }

    /// What was done, in words: of the acts that every case has, the key.
    pub fn act_label(&self, key: &str, lang: Lang) -> Option<String> {
        self.transition(key).map(|transition| transition.label.of(lang).to_owned())
    }
}

impl Transition {
    pub fn key(&self) -> &str {
        self.key.get_ref()
    }

    pub fn is_from(&self, state: &str) -> bool {
        self.from.iter().any(|from| from.get_ref() == state)
    }

    /// Where a case in this state goes.
    pub fn target<'a>(&'a self, state: &'a str) -> &'a str {
        self.to.as_ref().map_or(state, |to| to.get_ref())
    }
}

impl Field {
    pub fn key(&self) -> &str {
        self.key.get_ref()
    }

    /// Read by whoever works on the case and by nobody else: never public, never searched, and in no ledger in clear.
    pub const fn is_closed(&self) -> bool {
        self.personal || self.restricted
    }

    pub fn option_label(&self, key: &str, lang: Lang) -> String {
        let found = self.options.iter().find(|option| option.key.get_ref() == key);
        found.map_or_else(|| key.to_owned(), |option| option.label.of(lang).to_owned())
    }
}
