//! The roles of staff. A person has one or more; what they may do is the union (`permission::of_role`).

use serde::{Deserialize, Serialize};

use crate::accounts::permission::Permissions;
use crate::units::vocabulary;

vocabulary! {
    /// A role of a person. The first nine are of civil defense and of running the service; the others are the modules
    /// of the secretariat, one for each competence of its act.
    Role, "role" {
        /// Sees the console.
        Viewer = "viewer",
        /// Works outside: notes and photographs in incidents, inspections, interdictions.
        FieldAgent = "field_agent",
        /// Edits drafts, the catalogue and incidents.
        Operator = "operator",
        /// Issues alerts that somebody prepared.
        Approver = "approver",
        /// Runs the night: issues, ends and cancels alerts, and reads the audit.
        Coordinator = "coordinator",
        /// Manages staff, devices and tokens. Warns nobody.
        Administrator = "administrator",
        /// Reads and exports the audit (internal control).
        Auditor = "auditor",
        /// Answers residents about their data (LGPD art. 41, "encarregado").
        PrivacyOfficer = "privacy_officer",
        /// Another department of the town: declares its own damage and sees nothing else.
        Department = "department",
        Representation = "representation",
        Advisory = "advisory",
        Coordination = "coordination",
        Relations = "relations",
        Legislative = "legislative",
        Ethics = "ethics",
        Transparency = "transparency",
        Participation = "participation",
        ServiceEvaluation = "service_evaluation",
        Committees = "committees",
        Agreements = "agreements",
        StrategicProjects = "strategic_projects",
        Sic = "sic",
        Ombudsman = "ombudsman",
        Outreach = "outreach",
        Segments = "segments",
        ServiceCharter = "service_charter",
        MediaMonitoring = "media_monitoring",
        Press = "press",
        Funding = "funding",
        Budget = "budget",
        Assignments = "assignments",
        News = "news",
    }
}

impl Role {
    /// True for a module of the secretariat.
    pub const fn is_module(self) -> bool {
        self as u8 >= Self::Representation as u8
    }
}

/// The roles of one person, as the column `staff.roles` holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Sorted, each once.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        let mut roles: Vec<Role> = roles.into_iter().collect();
        roles.sort_unstable_by_key(|role| *role as u8);
        roles.dedup();
        Self(roles)
    }

    /// # Errors
    /// Names the word that is no role.
    pub fn parse(words: &[String]) -> Result<Self, crate::units::UnknownWord> {
        let roles: Result<Vec<Role>, _> = words.iter().map(|word| word.parse()).collect();
        roles.map(Self::new)
    }

    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|role| role.as_str().to_owned()).collect()
    }

    pub fn as_slice(&self) -> &[Role] {
        &self.0
    }

    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// What they may do: the union of their roles.
    pub fn permissions(&self) -> Permissions {
        self.0.iter().fold(Permissions::NONE, |all, role| all.and(super::permission::of_role(*role)))
    }
}

impl From<Role> for Roles {
    fn from(role: Role) -> Self {
        Self(vec![role])
    }
}

impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words().join(", "))
    }
}
