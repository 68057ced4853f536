//! The case engine: types of cases as data, and what may be done to a case of a type; and what modules share beside it (`body`, `instrument`, `registry`, `tree`, `money`, `form`).
//!
//! `define` and `check` read definition files, `values` reads fields, `decide` judges an act with the guards of `guards`, `ledger` chains
//! acts in the one shape of `chain`, `words` says why not, `publication` makes what everybody may see (all pure). `types` holds the definitions of this installation, `desk` acts in the
//! caller's transaction for every module, `exchange` takes cases out and in, `worker` does what the law does by itself, `remind` tells people of
//! what is due, `walk` reckons every chain anew, `report` counts the cases of a type for whoever may see how much.

pub mod body;
pub mod chain;
pub mod check;
pub mod decide;
pub mod define;
pub mod desk;
pub mod exchange;
pub mod form;
pub mod guards;
pub mod instrument;
pub mod ledger;
pub mod money;
pub mod publication;
pub mod quiet;
pub mod registry;
pub mod remind;
pub mod report;
pub mod series;
pub mod store;
pub mod tree;
pub mod types;
pub mod values;
pub mod walk;
pub mod words;
pub mod worker;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Instant;
use crate::i18n::Lang;
use crate::units::vocabulary;

pub use define::CaseType;
pub use types::Types;

/// Whose deadlines those of a case are, in `deadline.subject_kind`.
pub const SUBJECT: &str = "case";

vocabulary! {
    /// Who inside may read a case.
    Access, "access" {
        /// Whoever sees the secretariat.
        Internal = "internal",
        /// Whoever works in its module, opened it, or works on it.
        Restricted = "restricted",
        /// As internal; and its public part is published.
        Public = "public",
    }
}

vocabulary! {
    /// On whom a case waits.
    Waits, "who is waited for" {
        Mayor = "mayor",
        Owner = "owner",
        Citizen = "citizen",
        Area = "area",
    }
}

vocabulary! {
    /// How a field is read and shown.
    FieldKind, "kind of field" {
        Line = "line",
        Text = "text",
        Choice = "choice",
        Date = "date",
        /// Centavos.
        Money = "money",
        Integer = "integer",
        YesNo = "yes_no",
        Person = "person",
        Organisation = "organisation",
        Department = "department",
        Url = "url",
        /// LexML: urn:lex:br;mg;juiz.de.fora:municipal:lei:2026-01-05;100
        UrnLex = "urn_lex",
        Email = "email",
        Phone = "phone",
        Cpf = "cpf",
        Cnpj = "cnpj",
        /// An entry of the registry, by its id.
        Registry = "registry",
    }
}

vocabulary! {
    /// What an act does to a deadline.
    Counting, "act on a deadline" {
        Start = "start",
        Meet = "meet",
        Void = "void",
        Extend = "extend",
        Suspend = "suspend",
        Resume = "resume",
        Interrupt = "interrupt",
    }
}

vocabulary! {
    /// Through which door a case came.
    Source, "source of a case" {
        Staff = "staff",
        Citizen = "citizen",
        Service = "service",
    }
}

vocabulary! {
    /// How somebody came to be recused from a case.
    RecusedHow, "way of recusal" {
        /// By their own word.
        Declared = "declared",
        /// By whoever works in the module, with a reason.
        Decided = "decided",
        /// They are named as party.
        Party = "party",
    }
}

vocabulary! {
    /// How one case belongs to another.
    LinkKind, "kind of link" {
        /// From the case below to the one above.
        Parent = "parent",
        /// From the case that was acted on to the one that the act opened.
        Spawned = "spawned",
        Refers = "refers",
        /// From the order to a case that whoever carries it out began.
        Started = "started",
    }
}

/// The fields of a case by their keys; money in centavos, days as "2026-01-05".
pub type Fields = Map<String, Value>;

/// A case as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SecretariatCase)]
pub struct CaseFile {
    pub id: Uuid,
    /// Key of its type, e.g. "coordination.determination".
    #[serde(rename = "type")]
    pub type_key: String,
    pub version: i32,
    pub module: String,
    pub series: Option<String>,
    pub year: Option<i32>,
    pub number: Option<i32>,
    pub title: String,
    pub state: String,
    pub is_final: bool,
    #[schema(value_type = Option<String>)]
    pub waits_for: Option<Waits>,
    #[schema(value_type = Object)]
    pub fields: Fields,
    pub department: String,
    /// User name of whoever works on it.
    pub assigned: String,
    #[schema(value_type = String)]
    pub access: Access,
    pub author: String,
    #[schema(value_type = String)]
    pub source: Source,
    #[serde(skip)]
    pub code_hash: Option<Vec<u8>>,
    #[schema(value_type = String)]
    pub opened_at: Instant,
    #[schema(value_type = String)]
    pub changed_at: Instant,
    pub revision: i32,
    pub annulled: Option<Annulled>,
}

/// Why a number stands without its case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SecretariatAnnulled)]
pub struct Annulled {
    #[schema(value_type = String)]
    pub at: Instant,
    pub by: String,
    pub reason: String,
}

impl CaseFile {
    /// "DET 2026/001"; empty until it is numbered.
    pub fn number(&self) -> String {
        match (&self.series, self.year, self.number) {
            (Some(series), Some(year), Some(number)) => format!("{series} {year}/{number:03}"),
            _ => String::new(),
        }
    }

    /// Its number, or its title while it has none.
    pub fn name(&self) -> String {
        let number = self.number();
        if number.is_empty() { self.title.clone() } else { format!("{number} · {}", self.title) }
    }

    /// Its name where more people look than may read it: in the list of deadlines, and on a case for another department. Of what is
    /// restricted only the kind and the number, because a title that a citizen wrote may tell who they are.
    pub fn name_outside(&self, of: &CaseType) -> String {
        let name = match self.access {
            Access::Restricted => format!("{} {}", of.title.of(Lang::Pt), self.number()).trim().to_owned(),
            Access::Internal | Access::Public => self.name(),
        };
        name.chars().take(300).collect()
    }

    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    pub fn day(&self, field: &str) -> Option<chrono::NaiveDate> {
        self.text(field).and_then(|text| text.parse().ok())
    }

    /// Path of its page.
    pub fn link(&self) -> String {
        link(&self.module, self.id)
    }
}

/// Path of the page of a case.
pub fn link(module: &str, id: Uuid) -> String {
    let slug = super::modules::find(module).map_or(module, |module| module.slug_pt);
    format!("/secretaria/painel/{slug}/casos/{id}")
}

/// One act in the ledger of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseAct)]
pub struct ActDone {
    pub seq: i32,
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub actor_kind: String,
    /// Key of the transition, or open, assign, annul, attach, link.
    pub act: String,
    pub from_state: String,
    pub to_state: String,
    pub reason: String,
    /// Field to what it was and became; of what is personal only that it changed.
    #[schema(value_type = Object)]
    pub changes: Map<String, Value>,
    /// Of the act before, in hexadecimal.
    pub prev: Option<String>,
    pub hash: String,
}

/// Somebody who neither reads a case nor acts on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseRecusal)]
pub struct Recusal {
    pub username: String,
    /// declared, decided, party
    #[schema(value_type = String)]
    pub how: RecusedHow,
    pub reason: String,
    #[schema(value_type = String)]
    pub at: Instant,
    pub by: String,
}

/// A document of a case, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SecretariatDocument)]
pub struct CaseDocument {
    pub id: Uuid,
    pub kind: String,
    pub version: i32,
    pub name: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: String,
    pub draft: bool,
    #[schema(value_type = String)]
    pub added_at: Instant,
    pub added_by: String,
    /// When it came in from another place; absent: it was attached here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub imported_at: Option<Instant>,
}

/// A case beside this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SecretariatLink)]
pub struct CaseLink {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub type_key: String,
    pub module: String,
    pub number: String,
    pub title: String,
    pub state: String,
    pub is_final: bool,
    #[schema(value_type = String)]
    pub kind: LinkKind,
    /// The link leads from that case to this one.
    pub inward: bool,
    /// Of its first deadline that is open.
    pub due_on: Option<chrono::NaiveDate>,
}

impl CaseLink {
    pub fn link(&self) -> String {
        link(&self.module, self.id)
    }
}
