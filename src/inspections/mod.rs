//! What people of the field find out about a building (vistoria), and what they forbid (interdição). What a telephone sends is one
//! thing, taken whole and once, however often it is sent; names and signatures go into the vault.

pub mod acts;
pub mod address;
pub mod check;
pub mod csv;
pub mod desk;
pub mod form;
pub mod interdictions;
pub mod photographs;
pub mod sent;
pub mod store;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;

/// Photographs of one inspection.
pub const MOST_PHOTOGRAPHS: usize = 24;

vocabulary! {
    /// What a building is for: the words of FIDE 6.2 and 7.2. Texts are `building-BUILDING`.
    Building, "use of a building" {
        /// Unidades habitacionais.
        Housing = "housing",
        /// Instalações públicas de saúde.
        Health = "health",
        /// Instalações públicas de ensino.
        Education = "education",
        /// Instalações públicas prestadoras de outros serviços.
        Services = "services",
        /// Instalações públicas de uso comunitário.
        Community = "community",
        /// Obras de infraestrutura pública.
        Infrastructure = "infrastructure",
        Agriculture = "agriculture",
        Livestock = "livestock",
        Industry = "industry",
        Commerce = "commerce",
        /// Serviços privados.
        PrivateServices = "private_services",
        Other = "other",
    }
}

vocabulary! {
    /// Whose a building is. Texts are `ownership-OWNERSHIP`.
    Ownership, "ownership" {
        Public = "public",
        Private = "private",
    }
}

vocabulary! {
    /// How a building is. Texts are `building-damage-DAMAGE`.
    Damage, "damage" {
        None = "none",
        Damaged = "damaged",
        Destroyed = "destroyed",
    }
}

vocabulary! {
    /// Grade of risk (Ministério das Cidades / IPT 2007): R1 low to R4 very high. Texts are `risk-grade-RISK`.
    Risk, "grade of risk" {
        R1 = "R1",
        R2 = "R2",
        R3 = "R3",
        R4 = "R4",
    }
}

vocabulary! {
    /// How much of a building is forbidden. Texts are `interdiction-scope-SCOPE`.
    Scope, "scope of an interdiction" {
        Partial = "partial",
        Total = "total",
    }
}

vocabulary! {
    /// Who is asked to sign. Texts are `signer-ROLE`.
    SignerRole, "role of a signer" {
        Owner = "owner",
        Tenant = "tenant",
        Resident = "resident",
        Manager = "manager",
        Other = "other",
    }
}

vocabulary! {
    /// How a term was received. Texts are `interdiction-proof-PROOF`.
    Proof, "proof" {
        Signature = "signature",
        /// They refused to sign, and a witness says so.
        Refused = "refused",
    }
}

vocabulary! {
    /// Where an interdiction stands. Texts are `interdiction-state-STATE`.
    State, "state of an interdiction" {
        Active = "active",
        Released = "released",
    }
}

impl State {
    /// What becomes of it when it is released.
    ///
    /// # Errors
    /// When it is released already.
    pub const fn release(self) -> Result<Self, AlreadyReleased> {
        match self {
            Self::Active => Ok(Self::Released),
            Self::Released => Err(AlreadyReleased),
        }
    }
}

/// The act is not possible now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the interdiction is released already")]
pub struct AlreadyReleased;

/// Where something stands, as the telephone knows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FieldPoint)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Degrees (WGS 84).
    #[schema(minimum = -90, maximum = 90)]
    pub lat: f64,
    #[schema(minimum = -180, maximum = 180)]
    pub lon: f64,
    /// Metres.
    #[schema(minimum = 0, maximum = 100_000)]
    pub accuracy_m: Option<f32>,
}

/// Persons, in the words of FIDE 6.1. Null = nobody said, which is not nought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionPeople)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Living or working in it.
    #[schema(minimum = 0, maximum = 20_000)]
    pub residents: Option<i32>,
    /// Desalojados: had to leave, and stay elsewhere by own means.
    #[schema(minimum = 0, maximum = 20_000)]
    pub displaced: Option<i32>,
    /// Desabrigados: had to leave, and need a shelter.
    #[schema(minimum = 0, maximum = 20_000)]
    pub homeless: Option<i32>,
    #[schema(minimum = 0, maximum = 20_000)]
    pub dead: Option<i32>,
    #[schema(minimum = 0, maximum = 20_000)]
    pub injured: Option<i32>,
    #[schema(minimum = 0, maximum = 20_000)]
    pub ill: Option<i32>,
    #[schema(minimum = 0, maximum = 20_000)]
    pub missing: Option<i32>,
    #[schema(minimum = 0, maximum = 20_000)]
    pub other_affected: Option<i32>,
}

impl People {
    /// Each number with its field.
    pub const fn each(&self) -> [(&'static str, Option<i32>); 8] {
        [
            ("residents", self.residents),
            ("displaced", self.displaced),
            ("homeless", self.homeless),
            ("dead", self.dead),
            ("injured", self.injured),
            ("ill", self.ill),
            ("missing", self.missing),
            ("other_affected", self.other_affected),
        ]
    }
}

/// A photograph as it is announced; its file comes after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NewInspectionPhotograph)]
#[serde(deny_unknown_fields)]
pub struct NewPhotograph {
    /// Made on the device.
    pub key: Uuid,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub caption: String,
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Instant,
    pub place: Option<Point>,
    /// Where the camera looked, in degrees from north, clockwise.
    #[schema(minimum = 0, maximum = 359)]
    pub bearing_deg: Option<i16>,
}

/// An interdiction as it is sent. Names and signature are sealed in the vault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NewInterdiction)]
#[serde(deny_unknown_fields)]
pub struct NewInterdiction {
    /// Made on the device.
    pub key: Uuid,
    /// partial or total
    #[schema(value_type = String)]
    pub scope: Scope,
    /// Which part; of a partial one.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub part: String,
    /// 3 to 2,000 characters.
    #[schema(min_length = 3, max_length = 2000)]
    pub reason: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub apparent_damage: String,
    /// Until when the building must be left, or mended.
    #[schema(value_type = Option<String>, format = Date)]
    pub deadline: Option<NaiveDate>,
    /// How one may object; empty takes the usual words.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub appeal: String,
    /// CREA or CAU of whoever answers for it; empty when an agent without one acts.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub registry: String,
    /// Who received the term, 3 to 120 characters.
    #[schema(min_length = 3, max_length = 120)]
    pub signer_name: String,
    /// owner, tenant, resident, manager, other
    #[schema(value_type = String)]
    pub signer_role: SignerRole,
    /// Strokes on a field of 600 by 200, `x,y x,y;x,y …`; empty when they refused.
    #[serde(default)]
    pub signature: String,
    /// Who saw that they refused, 3 to 120 characters; needed without a signature.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub witness: String,
}

impl NewInterdiction {
    pub fn proof(&self) -> Proof {
        if self.signature.trim().is_empty() { Proof::Refused } else { Proof::Signature }
    }
}

const fn one() -> i32 {
    1
}

/// An inspection as a telephone sends it, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NewInspection)]
#[serde(deny_unknown_fields)]
pub struct NewInspection {
    /// Made on the device: the same key is the same inspection, however often it is sent.
    pub key: Uuid,
    /// The inspection that this corrects, with why.
    pub supersedes: Option<Uuid>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub correction_reason: String,
    pub occurrence: Option<Uuid>,
    pub incident: Option<Uuid>,
    /// By the device's clock. What lies ahead or more than a year ago counts from when it came, unless it is a correction; the
    /// difference is kept.
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Instant,
    /// The device's clock when it sent this, from which follows by how much it is wrong. No part of the content.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Instant>,
    /// CREA or CAU of the inspector, if any.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub registry: String,
    pub place: Option<Point>,
    /// 1 to 160 characters.
    #[schema(min_length = 1, max_length = 160)]
    pub street: String,
    #[serde(default)]
    #[schema(max_length = 20)]
    pub house_number: String,
    #[serde(default)]
    #[schema(max_length = 120)]
    pub complement: String,
    /// Empty: the one that the place lies in.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub neighbourhood: String,
    /// housing, health, education, services, community, infrastructure, agriculture, livestock, industry, commerce,
    /// `private_services`, other
    #[schema(value_type = String)]
    pub building: Building,
    /// public or private
    #[schema(value_type = String)]
    pub ownership: Ownership,
    /// Units of that kind in it.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 2000)]
    pub units: i32,
    /// none, damaged, destroyed
    #[schema(value_type = String)]
    pub damage: Damage,
    #[schema(minimum = 0, maximum = 1e14)]
    pub estimated_loss_centavos: Option<i64>,
    #[serde(default)]
    pub people: People,
    /// R1, R2, R3, R4
    #[schema(value_type = Option<String>)]
    pub risk: Option<Risk>,
    /// Version of the checklist.
    #[schema(min_length = 1, max_length = 40)]
    pub form: String,
    /// Code of a question → code of its answer.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub opinion: String,
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub recommendation: String,
    /// A day from the one of the inspection on.
    #[schema(value_type = Option<String>, format = Date)]
    pub inspect_again_by: Option<NaiveDate>,
    /// At most 24.
    #[serde(default)]
    #[schema(max_items = 24)]
    pub photographs: Vec<NewPhotograph>,
    pub interdiction: Option<NewInterdiction>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: String,
    pub value: String,
    pub message: String,
}

impl Fault {
    pub fn new(field: impl Into<String>, value: impl ToString, message: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_string(), message: message.into() }
    }
}

/// Why what was sent is not taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{}", .0.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<Fault>),
    /// The key was sent before with other content; the fields that differ.
    #[error("this key was sent before with other content; different: {}", .0.join(", "))]
    Differs(Vec<String>),
    #[error("there is no {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A failure.
    #[error("{0:#}")]
    Other(anyhow::Error),
}

impl Refusal {
    pub fn wrong(field: impl Into<String>, value: impl ToString, message: impl Into<String>) -> Self {
        Self::Wrong(vec![Fault::new(field, value, message)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_released_stays_released() {
        assert_eq!(State::Active.release(), Ok(State::Released));
        assert_eq!(State::Released.release(), Err(AlreadyReleased));
    }
}
