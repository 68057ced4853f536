//! The command of an incident (ICS; in Brazil *Sistema de Comando de Incidentes*, SCI): who holds which position from when to when, the chart that
//! follows from it, and the content of the forms 201, 209 and 214 (FEMA NIMS ICS Forms Booklet).

pub mod chart;
pub mod desk;
pub mod form;
pub mod store;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;

/// Kind of the lines on the timeline.
pub const ENTRY: &str = "organization";

vocabulary! {
    /// A position of the command. Texts are `ics-position-POSITION`.
    Position, "position of the command" {
        Commander = "commander",
        Deputy = "deputy",
        Safety = "safety",
        Liaison = "liaison",
        PublicInformation = "public_information",
        Operations = "operations",
        /// The area where resources wait.
        Staging = "staging",
        Branch = "branch",
        /// By ground.
        Division = "division",
        /// By what is done.
        Group = "group",
        Planning = "planning",
        ResourcesUnit = "resources_unit",
        SituationUnit = "situation_unit",
        DocumentationUnit = "documentation_unit",
        Logistics = "logistics",
        CommunicationsUnit = "communications_unit",
        MedicalUnit = "medical_unit",
        FoodUnit = "food_unit",
        SupplyUnit = "supply_unit",
        Finance = "finance",
        TimeUnit = "time_unit",
        ProcurementUnit = "procurement_unit",
    }
}

impl Position {
    /// To whom it reports; a division or group with a branch reports to that.
    pub const fn reports_to(self) -> Option<Self> {
        match self {
            Self::Commander => None,
            Self::Deputy
            | Self::Safety
            | Self::Liaison
            | Self::PublicInformation
            | Self::Operations
            | Self::Planning
            | Self::Logistics
            | Self::Finance => Some(Self::Commander),
            Self::Staging | Self::Branch | Self::Division | Self::Group => Some(Self::Operations),
            Self::ResourcesUnit | Self::SituationUnit | Self::DocumentationUnit => Some(Self::Planning),
            Self::CommunicationsUnit | Self::MedicalUnit | Self::FoodUnit | Self::SupplyUnit => Some(Self::Logistics),
            Self::TimeUnit | Self::ProcurementUnit => Some(Self::Finance),
        }
    }

    /// Whether there may be several, each with a name of its own.
    pub const fn is_named(self) -> bool {
        matches!(self, Self::Branch | Self::Division | Self::Group)
    }
}

/// Who held a position, and from when to when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentPosition)]
pub struct Holding {
    pub id: Uuid,
    /// commander, deputy, safety, liaison, public_information, operations, staging, branch, division, group, planning, resources_unit,
    /// situation_unit, documentation_unit, logistics, communications_unit, medical_unit, food_unit, supply_unit, finance, time_unit,
    /// procurement_unit
    #[schema(value_type = String)]
    pub position: Position,
    /// Name of a branch, division or group; empty for all others.
    pub unit: String,
    /// The branch that a division or group is part of; empty: none.
    pub under: String,
    pub resource: Option<Uuid>,
    pub name: String,
    #[schema(value_type = String, format = DateTime)]
    pub from_at: Instant,
    pub from_by: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until_at: Option<Instant>,
    pub until_by: Option<String>,
}

/// Somebody who takes a position over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHolding {
    pub position: Position,
    pub unit: String,
    pub under: String,
    pub resource: Option<Uuid>,
    /// Of somebody who is not in the register.
    pub name: String,
}
