//! The registry: organisations, persons and places, each written down once, and where each stands: as partner of an instrument, in a seat of a
//! body, as an outlet of the press, in a field of a case.
//!
//! Here is what an entry is and how it is judged, which is pure. `desk` does acts in the caller's transaction, `whole` gathers everything of an entry, `links` keeps where entries
//! stand in step with the desks of others, `fields` is the kind of field `registry` of cases, `exchange` writes and reads files.
//!
//! Citizens who speak to the ombudsman are no entries: who they are stays in the vault.

pub mod desk;
pub mod exchange;
pub mod fields;
pub mod links;
pub mod seed;
pub mod settle;
pub mod store;
pub mod whole;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Role;
use crate::clock::Instant;
use crate::exercises::plan::text;
use crate::refused::{FieldError, shorten};
use crate::secretariat::kernel::instrument::TaxId;
use crate::units::vocabulary;

vocabulary! {
    /// What an entry is of. It stays as it is.
    EntryKind, "kind of entry" {
        Organisation = "organisation",
        Person = "person",
        Place = "place",
    }
}

vocabulary! {
    /// What an organisation is.
    Nature, "nature of an organisation" {
        CivilSociety = "civil_society",
        Company = "company",
        PublicBody = "public_body",
        Press = "press",
        Other = "other",
    }
}

vocabulary! {
    /// Who reads an entry.
    Class, "class of access" {
        /// Everybody: its name, CNPJ and address are given out. Never of a person.
        Public = "public",
        /// Whoever reads the secretariat.
        Internal = "internal",
        /// One role, and whoever wrote it down.
        Restricted = "restricted",
    }
}

vocabulary! {
    /// By what somebody is reached.
    Channel, "channel" {
        Email = "email",
        Phone = "phone",
        Postal = "postal",
    }
}

vocabulary! {
    /// What an entry stands in.
    SubjectKind, "kind of subject" {
        Instrument = "instrument",
        BodyPerson = "body_person",
        PressOutlet = "press_outlet",
        Case = "case",
    }
}

/// Of a place: degrees of WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RegistryPoint)]
#[serde(deny_unknown_fields)]
pub struct Point {
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: f64,
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: f64,
}

/// An entry as its readers see it: a CNPJ whole, of a CPF the middle digits.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryEntry)]
pub struct Entry {
    pub id: Uuid,
    #[schema(value_type = String)]
    pub kind: EntryKind,
    pub name: String,
    pub short_name: String,
    #[schema(value_type = Option<String>)]
    pub nature: Option<Nature>,
    /// "12.345.678/0001-95", "***.456.789-**", or empty.
    pub document: String,
    pub address: String,
    pub point: Option<Point>,
    #[schema(value_type = String)]
    pub access: Class,
    /// The role that reads a restricted one; otherwise empty.
    pub reserved_to: String,
    /// The entry that this one was found to be.
    pub merged_into: Option<Uuid>,
    #[schema(value_type = String)]
    pub opened_at: Instant,
    pub opened_by: String,
    #[schema(value_type = String)]
    pub changed_at: Instant,
    pub revision: i32,
}

impl Entry {
    /// What it is shown as in lists and fields: the short name, where it has one, before the name.
    pub fn label(&self) -> String {
        if self.short_name.is_empty() { self.name.clone() } else { format!("{}: {}", self.short_name, self.name) }
    }

    /// The CNPJ without marks.
    pub(super) fn cnpj(&self) -> Option<String> {
        let id = self.document.parse::<TaxId>().ok()?;
        (self.kind == EntryKind::Organisation).then(|| id.as_str().to_owned())
    }
}

/// What an entry is written down with, or changed to.
#[derive(Clone, Debug, PartialEq, Deserialize, utoipa::ToSchema)]
#[schema(as = NewRegistryEntry)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    #[schema(value_type = String, pattern = "^(organisation|person|place)$")]
    pub kind: EntryKind,
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 60)]
    pub short_name: String,
    /// Of an organisation: civil_society, company, public_body, press, other.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub nature: Option<Nature>,
    /// CNPJ of an organisation, CPF of a person; empty: none, or the one that it has.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub document: String,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub address: String,
    #[serde(default)]
    pub point: Option<Point>,
    #[schema(value_type = String, pattern = "^(public|internal|restricted)$")]
    pub access: Class,
    #[serde(default)]
    #[schema(max_length = 40)]
    pub reserved_to: String,
}

/// The same, found to be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    pub kind: EntryKind,
    pub name: String,
    pub short_name: String,
    pub nature: Option<Nature>,
    pub document: Option<TaxId>,
    pub address: String,
    pub point: Option<Point>,
    pub access: Class,
    pub reserved_to: String,
}

fn wrong(field: &str, value: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), value: shorten(value), message: message.to_owned() }
}

impl NewEntry {
    /// # Errors
    /// Every field that is wrong. The number of a person is not repeated.
    pub fn checked(&self) -> Result<Checked, Vec<FieldError>> {
        let mut errors = Vec::new();
        text(&mut errors, "name", &self.name, 1, 200, true);
        text(&mut errors, "short_name", &self.short_name, 0, 60, true);
        text(&mut errors, "address", &self.address, 0, 300, true);
        let document = self.judge_document(&mut errors);
        let is_organisation = self.kind == EntryKind::Organisation;
        if self.nature.is_some() != is_organisation {
            let given = self.nature.map_or("", Nature::as_str);
            errors.push(wrong("nature", given, "expected one of an organisation, and of nothing else"));
        }
        if self.point.is_some() && self.kind != EntryKind::Place {
            errors.push(wrong("point", "", "expected of a place alone"));
        }
        if self.point.is_some_and(|at| !(at.longitude.abs() <= 180.0 && at.latitude.abs() <= 90.0)) {
            errors.push(wrong("point", "", "expected longitude from -180 to 180 and latitude from -90 to 90"));
        }
        if self.kind == EntryKind::Person && self.access == Class::Public {
            errors.push(wrong(
                "access",
                "public",
                "a person is never public (Lei 13.709/2018; Lei 12.527/2011, art. 31)",
            ));
        }
        let reserved_to = self.reserved_to.trim();
        let is_role = Role::ALL.iter().any(|role| role.as_str() == reserved_to);
        match self.access {
            Class::Restricted if !is_role => {
                errors.push(wrong("reserved_to", reserved_to, "expected the role that reads what is restricted"));
            }
            Class::Public | Class::Internal if !reserved_to.is_empty() => {
                errors.push(wrong("reserved_to", reserved_to, "only what is restricted is reserved to a role"));
            }
            _ => {}
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let trimmed = |text: &str| text.trim().to_owned();
        Ok(Checked {
            kind: self.kind,
            name: trimmed(&self.name),
            short_name: trimmed(&self.short_name),
            nature: self.nature,
            document,
            address: trimmed(&self.address),
            point: self.point,
            access: self.access,
            reserved_to: reserved_to.to_owned(),
        })
    }

    fn judge_document(&self, errors: &mut Vec<FieldError>) -> Option<TaxId> {
        if self.document.trim().is_empty() {
            return None;
        }
        let read = self.document.parse::<TaxId>().ok();
        let expected = match self.kind {
            EntryKind::Organisation => "expected a CNPJ with its check digits",
            EntryKind::Person => "expected a CPF with its check digits",
            EntryKind::Place => "a place has no document",
        };
        let fits = match self.kind {
            EntryKind::Organisation => read.as_ref().is_some_and(|id| !id.is_person()),
            EntryKind::Person => read.as_ref().is_some_and(TaxId::is_person),
            EntryKind::Place => false,
        };
        if fits {
            return read;
        }
        errors.push(wrong("document", "", expected));
        None
    }
}

/// A way to reach somebody, with the consent that it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RegistryContact)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    pub id: Uuid,
    #[schema(value_type = String)]
    pub channel: Channel,
    /// None: erased when the consent was withdrawn.
    pub value: Option<String>,
    pub purpose: String,
    pub given_on: NaiveDate,
    /// Who wrote it down.
    pub given_by: String,
    pub withdrawn_on: Option<NaiveDate>,
    pub withdrawn_by: Option<String>,
}

/// A contact to write down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[schema(as = NewRegistryContact)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    #[schema(value_type = String, pattern = "^(email|phone|postal)$")]
    pub channel: Channel,
    #[schema(min_length = 3, max_length = 300)]
    pub value: String,
    /// For what they agreed to be reached.
    #[schema(min_length = 3, max_length = 300)]
    pub purpose: String,
    pub given_on: NaiveDate,
}

impl NewContact {
    /// # Errors
    /// Every field that is wrong.
    pub fn checked(&self, today: NaiveDate) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        text(&mut errors, "value", self.value.trim(), 3, 300, true);
        text(&mut errors, "purpose", self.purpose.trim(), 3, 300, true);
        let value = self.value.trim();
        let fits = match self.channel {
            Channel::Email => super::values::is_email(value),
            Channel::Phone => {
                let digits = value.strip_prefix('+').unwrap_or(value);
                (10..=15).contains(&digits.len()) && digits.bytes().all(|one| one.is_ascii_digit())
            }
            Channel::Postal => true,
        };
        if !fits {
            errors.push(wrong("value", value, "expected an e-mail address, or a telephone as +5532999990000"));
        }
        if self.given_on > today || self.given_on < today - chrono::TimeDelta::days(36_600) {
            let given = self.given_on.to_string();
            errors.push(wrong("given_on", &given, "expected the day of the consent, not one to come"));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RegistryLink)]
#[serde(deny_unknown_fields)]
pub struct Link {
    #[schema(value_type = String)]
    pub subject: SubjectKind,
    pub subject_id: Uuid,
    /// "partner", "intervening", "person", "outlet", or the key of a field of a case.
    pub role: String,
}

/// Why two entries are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Apart {
    #[error("an entry is not merged into itself")]
    Same,
    #[error("one of them is merged into another already: take the entry that stands")]
    Merged,
    #[error("only entries of one kind are merged")]
    Kind,
    #[error("they have different readers: give both the same class of access first")]
    Access,
    #[error(
        "they have documents of different holders: those of one organisation share their first eight places, and a CPF has one holder"
    )]
    Document,
}

/// Whether one entry may become an alias of another.
///
/// # Errors
/// Why they are not one.
pub fn may_merge(one: &Entry, into: &Entry) -> Result<(), Apart> {
    if one.id == into.id {
        return Err(Apart::Same);
    }
    if one.merged_into.is_some() || into.merged_into.is_some() {
        return Err(Apart::Merged);
    }
    if one.kind != into.kind {
        return Err(Apart::Kind);
    }
    if (one.access, &one.reserved_to) != (into.access, &into.reserved_to) {
        return Err(Apart::Access);
    }
    let is_one_holder = match (one.cnpj(), into.cnpj()) {
        (Some(one), Some(into)) => one.get(..8) == into.get(..8),
        // Two CPF are of two persons, since each stands in the registry once.
        _ => one.kind != EntryKind::Person || one.document.is_empty() || into.document.is_empty(),
    };
    if is_one_holder { Ok(()) } else { Err(Apart::Document) }
}

#[cfg(test)]
mod tests;
