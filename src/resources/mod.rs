//! What can be sent: people of the field, vehicles, equipment, and the teams they form.
//!
//! Kinds follow the typing of the incident command system (NIMS resource typing; in Brazil *Sistema de Comando de Incidentes*): a kind says what
//! something is, its type from 1 (the most able) to 4 how able. A team has a leader, and nothing belongs to two. What a resource is doing is no
//! state of its own but follows from its open deployment ([`crate::deployments`]), so that the two cannot disagree.

pub mod desk;
pub mod file;
pub mod fit;
pub mod shift;
pub mod store;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;

vocabulary! {
    /// What sort of thing it is. Texts are `resource-class-CLASS`.
    Class, "class of resource" {
        Team = "team",
        Person = "person",
        Vehicle = "vehicle",
        Equipment = "equipment",
    }
}

vocabulary! {
    /// What it is. Texts are `resource-kind-KIND`.
    Kind, "kind of resource" {
        SearchRescue = "search_rescue",
        Inspection = "inspection",
        Medical = "medical",
        Clearing = "clearing",
        Evacuation = "evacuation",
        ShelterTeam = "shelter_team",
        LogisticsTeam = "logistics_team",
        /// Resources of one kind under one leader (ICS).
        StrikeTeam = "strike_team",
        /// Resources of several kinds under one leader (ICS).
        TaskForce = "task_force",
        FieldAgent = "field_agent",
        Engineer = "engineer",
        Geologist = "geologist",
        SocialWorker = "social_worker",
        HealthWorker = "health_worker",
        Driver = "driver",
        Operator = "operator",
        Pickup = "pickup",
        Car = "car",
        Motorcycle = "motorcycle",
        Truck = "truck",
        Ambulance = "ambulance",
        Boat = "boat",
        Bus = "bus",
        Backhoe = "backhoe",
        Generator = "generator",
        Pump = "pump",
        Chainsaw = "chainsaw",
        Lighting = "lighting",
        Radio = "radio",
        Drone = "drone",
        Tent = "tent",
        Stretcher = "stretcher",
    }
}

vocabulary! {
    /// What somebody can do. Texts are `resource-skill-SKILL`.
    Skill, "skill of a resource" {
        Command = "command",
        FirstAid = "first_aid",
        Health = "health",
        Psychology = "psychology",
        Driving = "driving",
        HeavyMachine = "heavy_machine",
        Boat = "boat",
        Rescue = "rescue",
        Chainsaw = "chainsaw",
        Engineering = "engineering",
        Geology = "geology",
        Electrical = "electrical",
        Radio = "radio",
        Drone = "drone",
        Logistics = "logistics",
        Animals = "animals",
        Social = "social",
    }
}

vocabulary! {
    /// Whether it can be sent at all. Texts are `resource-condition-CONDITION`.
    Condition, "condition of a resource" {
        InService = "in_service",
        /// It is repaired, or somebody is on leave.
        Maintenance = "maintenance",
        /// It is no more.
        Retired = "retired",
    }
}

impl Kind {
    pub const fn class(self) -> Class {
        match self {
            Self::SearchRescue
            | Self::Inspection
            | Self::Medical
            | Self::Clearing
            | Self::Evacuation
            | Self::ShelterTeam
            | Self::LogisticsTeam
            | Self::StrikeTeam
            | Self::TaskForce => Class::Team,
            Self::FieldAgent
            | Self::Engineer
            | Self::Geologist
            | Self::SocialWorker
            | Self::HealthWorker
            | Self::Driver
            | Self::Operator => Class::Person,
            Self::Pickup
            | Self::Car
            | Self::Motorcycle
            | Self::Truck
            | Self::Ambulance
            | Self::Boat
            | Self::Bus
            | Self::Backhoe => Class::Vehicle,
            Self::Generator
            | Self::Pump
            | Self::Chainsaw
            | Self::Lighting
            | Self::Radio
            | Self::Drone
            | Self::Tent
            | Self::Stretcher => Class::Equipment,
        }
    }

    /// What somebody of such a team has to be able to do, whatever a request says.
    pub const fn needs(self) -> &'static [Skill] {
        match self {
            Self::SearchRescue => &[Skill::Rescue],
            Self::Medical => &[Skill::Health],
            Self::Clearing => &[Skill::Chainsaw],
            _ => &[],
        }
    }

    pub fn of_class(class: Class) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |kind| kind.class() == class)
    }
}

/// A resource as somebody describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewResource {
    /// The town's own key.
    pub code: String,
    pub kind: Kind,
    /// 1 to 4, 1 the most able; none: it is not typed.
    pub typing: Option<i16>,
    pub name: String,
    /// User name of a person's account; empty: none.
    pub account: String,
    /// Of a person, E.164; empty: none.
    pub phone: String,
    pub skills: Vec<Skill>,
    /// Where it stands when nobody needs it.
    pub base: String,
}

/// One that is kept, with what it is doing now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub id: Uuid,
    pub what: NewResource,
    pub condition: Condition,
    pub condition_reason: String,
    pub condition_at: Instant,
    pub staff_id: Option<Uuid>,
    pub team: Option<Uuid>,
    pub team_name: Option<String>,
    pub leads: bool,
    /// Of a team: what belongs to it.
    pub members: i64,
    /// What binds it: its own deployment, or that of its team.
    pub bound: Option<Bound>,
    pub shift: shift::Shift,
}

/// The open deployment that something is bound by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub deployment: Uuid,
    pub state: crate::deployments::life::State,
    /// Number of the request.
    pub request: String,
    /// It is of an exercise.
    pub drill: bool,
    pub since: Instant,
    pub task: String,
}

vocabulary! {
    /// What the board shows of a resource. Texts are `resource-standing-STANDING`.
    Standing, "standing of a resource" {
        Free = "free",
        Busy = "busy",
        /// Outside its shift, or in maintenance.
        Off = "off",
    }
}

impl Resource {
    pub fn class(&self) -> Class {
        self.what.kind.class()
    }

    pub fn standing(&self) -> Standing {
        if self.bound.is_some() {
            Standing::Busy
        } else if self.condition != Condition::InService || matches!(self.shift, shift::Shift::Off { .. }) {
            Standing::Off
        } else {
            Standing::Free
        }
    }
}

impl Resource {
    /// What a board shows of it, with what belongs to it out of everything: a team can do no more than whoever is in it. Of a team that is not
    /// free the first thing that speaks against it is told.
    pub fn standing_with(&self, all: &[Self]) -> (Standing, Option<fit::Conflict>) {
        if self.class() != Class::Team || self.bound.is_some() {
            return (self.standing(), None);
        }
        let mut conflicts = fit::judge(&self.candidate(all), &fit::Wanted::default());
        if conflicts.is_empty() {
            return (Standing::Free, None);
        }
        let first = conflicts.swap_remove(0);
        let standing = if matches!(first, fit::Conflict::Booked { .. }) { Standing::Busy } else { Standing::Off };
        (standing, Some(first))
    }

    /// As it is judged before it is sent.
    pub fn part(&self) -> fit::Part {
        fit::Part {
            name: self.what.name.clone(),
            class: self.class(),
            condition: self.condition,
            reason: self.condition_reason.clone(),
            booked: self.bound.as_ref().map(|bound| (bound.request.clone(), bound.drill)),
            shift: self.shift,
            skills: self.what.skills.clone(),
            leads: self.leads,
        }
    }

    /// With what belongs to it, out of everything.
    pub fn candidate(&self, all: &[Self]) -> fit::Candidate {
        let own = all.iter().filter(|one| self.class() == Class::Team && one.team == Some(self.id));
        fit::Candidate {
            kind: self.what.kind,
            typing: self.what.typing,
            team: self.team_name.clone(),
            own: self.part(),
            members: own.map(Self::part).collect(),
        }
    }
}
