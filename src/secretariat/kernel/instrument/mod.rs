//! Instruments: what the town agrees on with others, and what it owes and is owed by it.
//!
//! `Core` is what all have: parties, plan of work, term, amendments, money. Modules put a state machine around it ([`Kept`]): acts that
//! consume what was and give what is, or a refusal with its law. All of that is pure; `desk` does acts in the caller's transaction, `store`
//! keeps them, `exchange` writes and reads files.

pub mod amend;
pub mod chain;
pub mod desk;
pub mod exchange;
pub mod form;
pub mod ledger;
pub mod norm;
pub mod papers;
pub mod party;
pub mod plan;
pub mod public;
pub mod refers;
pub mod release;
pub mod report;
pub mod shown;
pub mod store;

use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounts::Role;
use crate::refused::Refused;
use crate::secretariat::kernel::money::Centavos;
use crate::units::vocabulary;
pub use amend::Amendment;
pub use ledger::{Entry, Ledger, Movement, NewEntry, Totals};
pub use party::{Party, TaxId};
pub use plan::Plan;

/// Whose deadlines these are.
pub const SUBJECT: &str = "instrument";

/// Most amendments, opinions, reports or accounts of one instrument.
pub const MOST_PARTS: usize = 200;

/// Why an act is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A law or rule forbids it.
    #[error("{why} ({law})")]
    Law { why: String, law: String },
    #[error("the act {act} does not fit the state {state} ({law}); it allows: {}", listed(.possible))]
    Illegal { act: String, state: String, possible: Vec<&'static str>, law: &'static str },
    #[error("{field} = {value:?}: {expected}")]
    Wrong { field: String, value: String, expected: String },
}

fn listed(acts: &[&str]) -> String {
    if acts.is_empty() { "nothing more".to_owned() } else { acts.join(", ") }
}

impl Refusal {
    pub fn law(why: impl Into<String>, law: impl Into<String>) -> Self {
        Self::Law { why: why.into(), law: law.into() }
    }

    pub fn wrong(field: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        let value: String = value.to_string().chars().take(80).collect();
        Self::Wrong { field: field.into(), value, expected: expected.into() }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Wrong { field, value, expected } => Self::wrong(field, value, expected),
            other => Self::Conflict(other.to_string()),
        }
    }
}

/// A text of 1 to `most` characters, without what surrounds it.
///
/// # Errors
/// Names the field.
pub fn said(field: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let is_control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if text.is_empty() || text.chars().count() > most || text.contains(is_control) {
        return Err(Refusal::wrong(field, text, format!("expected 1 to {most} characters")));
    }
    Ok(text.to_owned())
}

/// The same, or nothing.
///
/// # Errors
/// Names the field.
pub fn maybe(field: &str, text: &str, most: usize) -> Result<String, Refusal> {
    if text.trim().is_empty() { Ok(String::new()) } else { said(field, text, most) }
}

/// # Errors
/// The list is full.
pub fn room(field: &str, held: usize) -> Result<(), Refusal> {
    if held < MOST_PARTS { Ok(()) } else { Err(Refusal::wrong(field, held, format!("expected at most {MOST_PARTS}"))) }
}

vocabulary! {
    /// Who speaks in an opinion.
    OpinionKind, "kind of opinion" {
        Technical = "technical",
        Legal = "legal",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    pub kind: OpinionKind,
    pub favourable: bool,
    pub text: String,
    pub on: NaiveDate,
    pub author: String,
}

/// Something written on a day: monitoring, measurements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub on: NaiveDate,
    pub text: String,
    pub author: String,
}

/// Accounts that were delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// Of a year within the term, not of the whole.
    pub interim: bool,
    pub on: NaiveDate,
    pub spent: Centavos,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
}

/// Where and when the extract was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extract {
    pub on: NaiveDate,
    pub place: String,
}

/// What every instrument has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Core {
    pub object: String,
    /// The first one is the other side.
    pub parties: Vec<Party>,
    pub plan: Option<Plan>,
    /// As it was signed; the amendments say what it is now.
    pub term: Option<Term>,
    pub agreed: Centavos,
    pub amendments: Vec<Amendment>,
    pub manager: String,
    pub commission: Vec<String>,
    pub opinions: Vec<Opinion>,
    pub signed_on: Option<NaiveDate>,
    pub published: Option<Extract>,
    pub monitoring: Vec<Note>,
    pub accounts: Vec<Accounts>,
    /// Why no money goes out until it is mended.
    pub held: Option<String>,
    #[serde(skip)]
    pub ledger: Ledger,
}

impl Core {
    pub fn partner(&self) -> Option<&Party> {
        self.parties.first()
    }

    /// The value with its amendments.
    pub fn value(&self) -> Centavos {
        self.amendments.iter().rev().find_map(|one| one.agreed.map(|(_, after)| after)).unwrap_or(self.agreed)
    }

    /// The last day with its amendments.
    pub fn ends_on(&self) -> Option<NaiveDate> {
        let last = self.amendments.iter().rev().find_map(|one| one.ends_on.map(|(_, after)| after));
        last.or(self.term.map(|term| term.ends_on))
    }

    pub fn index(&self) -> Index {
        Index {
            title: self.object.clone(),
            partner: self.partner().map(|party| party.name.clone()).unwrap_or_default(),
            partner_document: self.partner().map(|party| party.document.as_str().to_owned()).unwrap_or_default(),
            starts_on: self.term.map(|term| term.starts_on),
            ends_on: self.ends_on(),
            agreed: self.value(),
        }
    }
}

/// What lists sort and search by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    pub title: String,
    pub partner: String,
    pub partner_document: String,
    pub starts_on: Option<NaiveDate>,
    pub ends_on: Option<NaiveDate>,
    pub agreed: Centavos,
}

/// A deadline that has run out and was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    pub code: String,
    pub law_ref: String,
    pub due_on: NaiveDate,
}

/// What an act may look at beside the instrument itself.
#[derive(Clone, Debug)]
pub struct Seen {
    pub today: NaiveDate,
    pub by: String,
    pub late: Vec<Late>,
    /// Open deadlines of the instrument: code and day.
    pub due: Vec<(String, Option<NaiveDate>)>,
    /// Another instrument of the same partner whose accounts are overdue: its number.
    pub elsewhere: Option<String>,
}

/// What an act does to a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Begins it, or reckons it from another day.
    Set(&'static str, NaiveDate),
    Met(&'static str),
    Void(&'static str),
    /// Puts it off as its rule allows, for this reason.
    Extend(&'static str, String),
}

/// What an act comes to.
#[derive(Clone, Debug)]
pub struct Done<T> {
    pub next: T,
    pub ticks: Vec<Tick>,
    pub entries: Vec<NewEntry>,
    /// It gets its number now, of this series.
    pub numbers: Option<String>,
    pub reason: String,
}

impl<T> Done<T> {
    pub const fn of(next: T) -> Self {
        Self { next, ticks: Vec::new(), entries: Vec::new(), numbers: None, reason: String::new() }
    }

    #[must_use]
    pub fn with(mut self, tick: Tick) -> Self {
        self.ticks.push(tick);
        self
    }

    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

/// What everybody may read of it, and since when it is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Public {
    pub snapshot: Value,
    pub over_on: Option<NaiveDate>,
}

/// A kind of instrument with its state machine.
pub trait Kept: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    type Opening: DeserializeOwned + Serialize + Send + Sync + 'static;
    type Act: DeserializeOwned + Serialize + Send + Sync + 'static;
    /// "agreements"
    const MODULE: &'static str;
    /// "parcerias"
    const PAGES: &'static str;
    const ROLE: Role;
    /// The rule of how long it stays listed after it is over; none: for ever.
    const LISTED: Option<&'static str>;
    /// The rule of how long it is kept after it is over.
    const KEPT: Option<&'static str>;
    const OPENING: &'static form::Form;
    /// Codes of deadlines of accounts: while one of them is late elsewhere, a partner gets no money.
    const ACCOUNTS: &'static [&'static str];

    /// # Errors
    /// Why not.
    fn open(opening: Self::Opening, seen: &Seen) -> Result<Done<Self>, Refusal>;

    /// # Errors
    /// Why not.
    fn act(self, act: Self::Act, seen: &Seen) -> Result<Done<Self>, Refusal>;

    fn index(&self) -> Index;
    fn kind(&self) -> &'static str;
    fn state(&self) -> &'static str;
    fn is_final(&self) -> bool;
    /// What orders its phases.
    fn law(&self, today: NaiveDate) -> &'static str;
    /// The day whose norm governs its deadlines; none: of each the day of its anchor.
    fn governed_on(&self, today: NaiveDate) -> Option<NaiveDate>;
    fn set_ledger(&mut self, ledger: Ledger);
    fn ledger(&self) -> &Ledger;
    fn public(&self, number: &str) -> Option<Public>;
    /// Forms of what may be done now.
    fn forms(&self) -> Vec<&'static form::Form>;
    fn shown(&self, today: NaiveDate) -> shown::Shown;
    /// What an opening points to that has to be there.
    fn opening_refers(_opening: &Self::Opening) -> Vec<refers::Reference> {
        Vec::new()
    }
    /// What an act points to that has to be there.
    fn act_refers(_act: &Self::Act) -> Vec<refers::Reference> {
        Vec::new()
    }
    /// Its parties, whom the registry knows; the first one is the other side.
    fn parties(&self) -> &[Party] {
        &[]
    }
    /// What somebody outside calls it.
    fn outside_key(&self) -> Option<&str> {
        None
    }
}
