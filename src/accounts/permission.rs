//! What a role allows. This is the one table; routes name a permission (`web::routes`) and handlers ask for it by type
//! (`web::auth::May`).

use serde::{Deserialize, Serialize};

use super::role::Role;
use crate::units::vocabulary;

vocabulary! {
    /// One thing a person may do, or not.
    Permission, "permission" {
        /// Their own account: password, second factor, sessions. Everybody who is signed in.
        OwnAccount = "own_account",
        /// The console: map, levels, stations, alerts, incidents.
        SeeConsole = "see_console",
        /// Single messages with the address they went to.
        SeeDeliveries = "see_deliveries",
        /// Residents with names, places and addresses. Such reads are logged.
        SeeResidents = "see_residents",
        EditResidents = "edit_residents",
        /// Risk areas and stations.
        EditCatalogue = "edit_catalogue",
        ManageDevices = "manage_devices",
        DraftAlerts = "draft_alerts",
        /// Warns the city.
        IssueAlerts = "issue_alerts",
        /// Adds notes and photographs to an incident.
        ReportField = "report_field",
        /// Inspects buildings, forbids their use and releases them; the app of the field.
        Inspect = "inspect",
        /// Closes incidents and decides in them.
        RunIncidents = "run_incidents",
        /// Declares damage of a department of the town (FIDE 6 and 7).
        DeclareDamage = "declare_damage",
        /// Invites, changes and shuts out staff.
        ManageStaff = "manage_staff",
        /// API tokens of others.
        ManageTokens = "manage_tokens",
        ReadAudit = "read_audit",
        /// Answers and carries out what residents ask about their data.
        ManagePrivacy = "manage_privacy",
        /// Opens what is sealed under the vault's key.
        OpenVault = "open_vault",
        /// Reads the modules of the secretariat.
        SeeSecretariat = "see_secretariat",
        /// Works in a module of the secretariat whose role one has.
        WorkSecretariat = "work_secretariat",
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    pub const NONE: Self = Self(0);

    pub const fn of(permissions: &[Permission]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < permissions.len() {
            bits |= 1 << permissions[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// Either of the two.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both allow: an API token never allows more than its owner.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn allow(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.allow(*permission))
    }
}

use Permission::{
    DeclareDamage, DraftAlerts, EditCatalogue, EditResidents, Inspect, IssueAlerts, ManageDevices, ManagePrivacy,
    ManageStaff, ManageTokens, OpenVault, OwnAccount, ReadAudit, ReportField, RunIncidents, SeeConsole, SeeDeliveries,
    SeeResidents, SeeSecretariat, WorkSecretariat,
};

const ACCOUNT: Permissions = Permissions::of(&[OwnAccount]);
const VIEWER: Permissions = ACCOUNT.and(Permissions::of(&[SeeConsole]));
const FIELD_AGENT: Permissions = VIEWER.and(Permissions::of(&[ReportField, Inspect]));
const OPERATOR: Permissions = FIELD_AGENT.and(Permissions::of(&[
    SeeDeliveries,
    SeeResidents,
    EditResidents,
    EditCatalogue,
    ManageDevices,
    DraftAlerts,
    RunIncidents,
    DeclareDamage,
]));
const APPROVER: Permissions = OPERATOR.and(Permissions::of(&[IssueAlerts]));
const COORDINATOR: Permissions = APPROVER.and(Permissions::of(&[ReadAudit, OpenVault, SeeSecretariat]));
const ADMINISTRATOR: Permissions =
    VIEWER.and(Permissions::of(&[EditCatalogue, ManageDevices, ManageStaff, ManageTokens, ReadAudit]));
const AUDITOR: Permissions = VIEWER.and(Permissions::of(&[ReadAudit, SeeSecretariat]));
const PRIVACY_OFFICER: Permissions =
    VIEWER.and(Permissions::of(&[SeeResidents, EditResidents, ManagePrivacy, ReadAudit]));
const DEPARTMENT: Permissions = ACCOUNT.and(Permissions::of(&[DeclareDamage]));
/// Whoever works in a module; in which one their role says.
const MODULE: Permissions = ACCOUNT.and(Permissions::of(&[SeeSecretariat, WorkSecretariat]));
const ETHICS: Permissions = MODULE.and(Permissions::of(&[OpenVault]));

/// The table.
pub const fn of_role(role: Role) -> Permissions {
    match role {
        Role::Viewer => VIEWER,
        Role::FieldAgent => FIELD_AGENT,
        Role::Operator => OPERATOR,
        Role::Approver => APPROVER,
        Role::Coordinator => COORDINATOR,
        Role::Administrator => ADMINISTRATOR,
        Role::Auditor => AUDITOR,
        Role::PrivacyOfficer => PRIVACY_OFFICER,
        Role::Department => DEPARTMENT,
        Role::Ethics | Role::Ombudsman => ETHICS,
        // The other roles are those of the modules.
        _ => MODULE,
    }
}

/// Permissions in front of which a second factor stands: to warn the city, to decide who may, to read what is protected.
pub const NEEDS_SECOND_FACTOR: Permissions =
    Permissions::of(&[IssueAlerts, ManageStaff, ManageTokens, ManagePrivacy, OpenVault]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_runs_the_machine_warns_nobody_and_whoever_warns_makes_no_staff() {
        assert!(!of_role(Role::Administrator).allow(IssueAlerts));
        assert!(!of_role(Role::Coordinator).allow(ManageStaff));
        assert!(of_role(Role::Approver).allow(IssueAlerts) && !of_role(Role::Operator).allow(IssueAlerts));
    }

    #[test]
    fn everyone_has_an_account_and_modules_open_no_console() {
        for role in Role::ALL {
            assert!(of_role(*role).allow(OwnAccount), "{role}");
            assert!(!role.is_module() || !of_role(*role).allow(SeeConsole), "{role}");
        }
    }

    #[test]
    fn a_token_allows_what_both_it_and_its_owner_allow() {
        let scope = Permissions::of(&[SeeConsole, IssueAlerts]);
        let both = scope.within(of_role(Role::Viewer));
        assert_eq!(both.iter().collect::<Vec<_>>(), [SeeConsole]);
    }
}
