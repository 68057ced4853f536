//! Who may open what in the vault. Each opening has a reason and is written to the audit in the same transaction.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{Ring, SealError, store};
use crate::accounts::permission::{Permission, Permissions};
use crate::accounts::{Role, Roles};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::ids::Ids;
use crate::units::vocabulary;

vocabulary! {
    /// What a record is for. It decides who may open it.
    Purpose, "purpose of the vault" {
        /// Who reported a wrong.
        Whistleblower = "whistleblower",
        /// Health of people in shelters (LGPD, art. 11).
        ShelterHealth = "shelter_health",
        /// What a resident needs in an emergency, by their own account.
        ResidentNeeds = "resident_needs",
        /// Names and relations of those who live with a resident, by the resident's own account.
        ResidentHousehold = "resident_household",
        /// Name and document of somebody who lost their home. Whoever runs shelters reads them on the shelter's pages
        /// (`shelters::people`), which write it down; this door is for all other reasons.
        ShelteredPerson = "sheltered_person",
        /// Under what somebody received humanitarian aid: a signature, or who witnessed it.
        AidReceipt = "aid_receipt",
        /// Who signed the term of an interdiction, or refused before a witness. Whoever inspects reads it on the term's own page
        /// (`inspections::interdictions`), which writes it down; this door is for all other reasons.
        InterdictionTerm = "interdiction_term",
    }
}

impl Purpose {
    /// Roles that may open records of this purpose, besides having the permission.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Whistleblower => &[Role::Ethics, Role::Ombudsman],
            Self::ShelterHealth
            | Self::ResidentNeeds
            | Self::ShelteredPerson
            | Self::AidReceipt
            | Self::InterdictionTerm => &[Role::Coordinator],
            // Whoever sees residents sees who is with them; the page of a resident opens it and writes that down.
            Self::ResidentHousehold => &[Role::Operator, Role::Approver, Role::Coordinator, Role::PrivacyOfficer],
        }
    }
}

/// Shortest reason that says something.
pub const REASON: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("records of {purpose} are opened by {}", .purpose.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "))]
    Forbidden { purpose: Purpose },
    #[error("say why you open it, in at least {REASON} characters")]
    Reason,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Whoever opens a record.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub actor: &'a Actor,
    pub roles: &'a Roles,
    pub permissions: Permissions,
}

impl Reader<'_> {
    /// # Errors
    /// `Forbidden`, naming the roles that may.
    pub fn check(&self, purpose: Purpose) -> Result<(), OpenError> {
        let role = purpose.roles().iter().any(|role| self.roles.has(*role));
        if role && self.permissions.allow(Permission::OpenVault) {
            Ok(())
        } else {
            Err(OpenError::Forbidden { purpose })
        }
    }
}

/// Opens a record for staff: the permission, one of the purpose's roles and a reason are needed, and the audit is written in
/// the caller's transaction, which must be committed before anybody sees what was opened. `None` when there is no such record.
///
/// # Errors
/// Who may not, why it cannot be opened, or the database's.
pub async fn open(
    conn: &mut PgConnection,
    ring: &Ring,
    ids: &Ids,
    now: Instant,
    reader: &Reader<'_>,
    wanted: (Purpose, &str),
    reason: &str,
) -> Result<Option<Vec<u8>>, OpenError> {
    let (purpose, subject) = wanted;
    reader.check(purpose)?;
    if reason.trim().chars().count() < REASON {
        return Err(OpenError::Reason);
    }
    let entry = Entry::new(Act::VaultOpen, "vault_record", format!("{purpose} {subject}")).because(reason.trim());
    audit::record(&mut *conn, ids, now, reader.actor, entry).await?;
    let Some(found) = store::find(conn, purpose, subject).await? else { return Ok(None) };
    Ok(Some(ring.open(&store::context(purpose.as_str(), subject), &found.sealed)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_its_own_readers() {
        let actor = Actor::service();
        let may = |role: Role, purpose| {
            let roles = Roles::from(role);
            Reader { actor: &actor, permissions: roles.permissions(), roles: &roles }.check(purpose).is_ok()
        };
        for role in Role::ALL {
            let ethics = matches!(role, Role::Ethics | Role::Ombudsman);
            assert_eq!(may(*role, Purpose::Whistleblower), ethics, "{role}");
            assert_eq!(may(*role, Purpose::ShelterHealth), *role == Role::Coordinator, "{role}");
            assert_eq!(may(*role, Purpose::ResidentNeeds), *role == Role::Coordinator, "{role}");
        }
    }

    #[test]
    fn a_token_without_the_permission_opens_nothing_whatever_its_owner_is() {
        let (actor, roles) = (Actor::service(), Roles::from(Role::Ethics));
        let reader = Reader { actor: &actor, roles: &roles, permissions: Permissions::NONE };
        assert!(matches!(reader.check(Purpose::Whistleblower), Err(OpenError::Forbidden { .. })));
    }
}
