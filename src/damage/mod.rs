//! Damage and losses of a disaster: the dossier with which a town asks for recognition (FIDE, DMATE, parecer, decree, ofício, photographs).
//!
//! One dossier an incident, in versions; what was submitted stands as it is, and a correction is the next version. Figures are a ledger of
//! entries, each with its source; totals are computed and never typed. `lines`, `figures`, `levels`, `sections`, `documents`, `s2id`,
//! `checklist`, `life`, `mobilised` and `dossier` are pure; `desk` and `submit` act in the caller's transaction, `print` makes PDFs, `store` holds the SQL.

pub mod checklist;
pub mod departments;
pub mod desk;
pub mod documents;
pub mod dossier;
pub mod figures;
pub mod levels;
pub mod life;
pub mod lines;
pub mod mobilised;
pub mod papers;
pub mod print;
pub mod s2id;
pub mod sections;
pub mod store;
pub mod submit;
pub mod view;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;
use levels::{Said, Verdict};
use life::State;
use lines::{Amount, Line};
use sections::Sections;

/// Whose deadlines and audit entries they are.
pub const KIND: &str = "disaster";
/// Standing entries of one dossier, at most.
pub const MOST_ENTRIES: i64 = 5000;
/// Declarations of one dossier, at most.
pub const MOST_DECLARATIONS: i64 = 300;
/// Photographs of one report, at most.
pub const MOST_PHOTOGRAPHS: usize = 60;
/// Kind of the lines on the incident's timeline.
pub const ENTRY: &str = "damage";

vocabulary! {
    /// How a disaster begins: the deadline of its submission goes by it.
    Onset, "onset of a disaster" {
        Sudden = "sudden",
        Gradual = "gradual",
    }
}

impl Onset {
    /// The deadline of the submission.
    pub const fn deadline(self) -> &'static str {
        match self {
            Self::Sudden => "damage.submission.sudden",
            Self::Gradual => "damage.submission.gradual",
        }
    }
}

/// The deadline of the decree.
pub const DECREE: &str = "damage.decree";
/// The deadline of the plan of reconstruction.
pub const RECONSTRUCTION: &str = "damage.reconstruction_plan";

vocabulary! {
    /// A department of the town that declares.
    Department, "department" {
        Health = "health",
        Education = "education",
        Works = "works",
        Agriculture = "agriculture",
        Social = "social",
        Environment = "environment",
        Finance = "finance",
        Transport = "transport",
        Sanitation = "sanitation",
        Security = "security",
        Economy = "economy",
        Other = "other",
    }
}

/// A version of a dossier, without its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DamageDossier)]
pub struct Dossier {
    pub id: Uuid,
    #[schema(value_type = Uuid)]
    pub incident_id: crate::ids::IncidentId,
    /// Number and title of the incident.
    pub incident: String,
    pub title: String,
    pub version: i32,
    /// The version that this one corrects, and why.
    pub corrects: Option<Uuid>,
    pub correction_reason: String,
    /// The incident is exercised.
    pub drill: bool,
    pub cobrade: String,
    #[schema(value_type = String)]
    pub occurred_at: Instant,
    #[schema(value_type = String)]
    pub onset: Onset,
    #[schema(value_type = String)]
    pub state: State,
    /// Counts every change of it and of its parts.
    pub revision: i32,
    /// The revision in which header, sections or level changed last.
    #[serde(skip)]
    pub form_revision: i32,
    pub sections: Sections,
    /// None until somebody decided.
    #[schema(value_type = Option<levels::Said>)]
    pub verdict: Option<Verdict>,
    pub level_reason: String,
    #[schema(value_type = Option<String>)]
    pub level_at: Option<Instant>,
    pub level_by: Option<String>,
    pub decree_number: String,
    pub decree_on: Option<NaiveDate>,
    #[schema(value_type = String)]
    pub opened_at: Instant,
    pub opened_by: String,
    #[schema(value_type = String)]
    pub changed_at: Instant,
    pub changed_by: String,
    #[schema(value_type = Option<String>)]
    pub submitted_at: Option<Instant>,
    pub submitted_by: Option<String>,
    /// Sum of the PDF that was submitted, in hexadecimal.
    pub pdf_sha256: Option<String>,
    /// Number of the request in S2iD.
    pub protocol: String,
    #[schema(value_type = Option<String>)]
    pub decided_at: Option<Instant>,
    pub decided_by: Option<String>,
    pub decision: String,
    /// Of the act of recognition.
    pub recognised_on: Option<NaiveDate>,
}

impl Dossier {
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub fn said(&self) -> Option<Said> {
        self.verdict.map(Said::from)
    }
}

/// A line that a department declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageDeclaredLine)]
#[serde(deny_unknown_fields)]
pub struct DeclaredLine {
    #[schema(value_type = String)]
    pub line: Line,
    pub amount: Amount,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub note: String,
}

/// What a department declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DamageDeclaration)]
pub struct Declaration {
    pub id: Uuid,
    pub disaster_id: Uuid,
    #[schema(value_type = String)]
    pub department: Department,
    /// Who answers for it, and the document that it rests on.
    pub person: String,
    pub registry: String,
    pub document: String,
    pub words: String,
    pub lines: Vec<DeclaredLine>,
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    #[serde(skip)]
    pub staff_id: Option<Uuid>,
    /// sent, adopted or returned.
    pub state: String,
    #[schema(value_type = Option<String>)]
    pub answered_at: Option<Instant>,
    pub answered_by: Option<String>,
    pub answer: String,
    /// Id, name and size of what was attached.
    pub attachments: Vec<Attached>,
}

/// A file of a declaration, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageAttachment)]
pub struct Attached {
    pub id: Uuid,
    pub name: String,
    pub media_type: String,
    pub bytes: i64,
    /// In hexadecimal.
    pub sha256: String,
}

/// A document of a dossier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DamageDocument)]
pub struct Document {
    #[schema(value_type = String)]
    pub kind: documents::Kind,
    pub revision: i32,
    pub paragraphs: Vec<documents::Paragraph>,
    pub is_adopted: bool,
    /// How it reads since it was adopted; none of a draft.
    pub filled: Option<Vec<documents::Paragraph>>,
    pub number: String,
    #[schema(value_type = String)]
    pub changed_at: Instant,
    pub changed_by: String,
    #[schema(value_type = Option<String>)]
    pub adopted_at: Option<Instant>,
    pub adopted_by: Option<String>,
}

/// A photograph that may be in the report.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DamagePhotograph)]
pub struct Photograph {
    /// Of the attachment.
    pub id: Uuid,
    /// Its place in the report; none: it was not chosen.
    pub position: Option<i32>,
    pub caption: String,
    #[schema(value_type = Option<String>)]
    pub taken_at: Option<Instant>,
    pub lon: Option<f64>,
    pub lat: Option<f64>,
}

impl Photograph {
    pub fn facts(&self) -> checklist::Photograph {
        checklist::Photograph {
            has_caption: !self.caption.trim().is_empty(),
            has_place: self.lon.is_some() && self.lat.is_some(),
            has_time: self.taken_at.is_some(),
        }
    }
}
