//! API tokens: secrets with which programs act in a person's name.
//!
//! - A token is `snt_` and 192 random bits; only its SHA-256 is stored, and its beginning, so that one that turns up in a
//!   log or a repository can be told. Tokens without `snt_`, made by earlier versions, go on working.
//! - It may do what both its scope and the roles of its owner allow, at the moment of each request.
//! - Rotation gives a token a new secret; the old one lives on until a stated end. Revocation ends both at once.

pub mod desk;
pub mod store;

use uuid::Uuid;

use super::permission::{NEEDS_SECOND_FACTOR, Permission, Permissions};
use crate::clock::Instant;
use crate::ids::Ids;

/// What every token begins with, so that scanners for leaked secrets have something to look for.
pub const MARK: &str = "snt_";
/// Characters of a token that are stored and shown: the mark and 36 of its 192 bits.
const SHOWN: usize = MARK.len() + 6;
/// How long the old secret lives on after a rotation, unless somebody says otherwise, in hours.
pub const GRACE_H: u16 = 24;
/// The longest it may live on, in hours.
pub const MAX_GRACE_H: u16 = 24 * 30;
/// The longest a token may live, in days.
pub const MAX_DAYS: u16 = 3650;
/// Longest name, in characters.
pub const MAX_NAME: usize = 60;

/// What a token gets only when it is named: a program has no second factor, and no business in its owner's account.
pub const NAMED_ONLY: Permissions = NEEDS_SECOND_FACTOR.and(Permissions::of(&[Permission::OwnAccount]));

/// The scope of a token for which none was named: whatever its owner may do, without [`NAMED_ONLY`].
pub fn usual_scope(owner: Permissions) -> Permissions {
    let usual: Vec<Permission> = owner.iter().filter(|permission| !NAMED_ONLY.allow(*permission)).collect();
    Permissions::of(&usual)
}

/// A new secret.
pub fn make(ids: &Ids) -> String {
    format!("{MARK}{}", ids.secret())
}

/// What of a token may be shown.
pub fn prefix(token: &str) -> String {
    token.chars().take(SHOWN).collect()
}

/// A token as it is listed: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    /// Empty for tokens of earlier versions.
    pub prefix: String,
    /// `None`: whatever its owner may do.
    pub scope: Option<Permissions>,
    pub created_at: Instant,
    pub rotated_at: Option<Instant>,
    pub expires_at: Instant,
    pub revoked_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    /// The network address it was last used from.
    pub last_address: Option<String>,
    pub previous: Option<Previous>,
}

/// The secret before the last rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    pub prefix: String,
    pub ends_at: Instant,
    pub last_used_at: Option<Instant>,
}

impl TokenInfo {
    /// "active", "expired" or "revoked".
    pub fn state(&self, now: Instant) -> &'static str {
        if self.revoked_at.is_some() {
            "revoked"
        } else if self.expires_at <= now {
            "expired"
        } else {
            "active"
        }
    }

    /// The old secret, as long as it works.
    pub fn live_previous(&self, now: Instant) -> Option<&Previous> {
        self.previous.as_ref().filter(|previous| previous.ends_at > now && self.state(now) == "active")
    }

    /// The scope in words, for people.
    pub fn scope_words(&self) -> String {
        self.scope.map_or_else(|| "*".to_owned(), words)
    }
}

/// "see_console report_field"
pub fn words(permissions: Permissions) -> String {
    permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
}

/// Reads a scope: words, separated by blanks or commas.
///
/// # Errors
/// Names the word that is no permission.
pub fn parse_scope<'a>(given: impl IntoIterator<Item = &'a str>) -> Result<Permissions, crate::units::UnknownWord> {
    let words = given.into_iter().flat_map(|text| text.split([' ', ','])).filter(|word| !word.is_empty());
    let permissions: Result<Vec<Permission>, _> = words.map(str::parse).collect();
    Ok(Permissions::of(&permissions?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Role, permission::of_role};

    #[test]
    fn a_token_shows_its_beginning_only() {
        let token = make(&Ids::seeded(1));
        assert_eq!((token.len(), prefix(&token).len()), (36, 10));
        assert!(token.starts_with("snt_") && !token.contains('.'));
    }

    #[test]
    fn without_a_named_scope_a_token_neither_warns_the_city_nor_decides_who_may() {
        let usual = usual_scope(of_role(Role::Coordinator));
        assert!(usual.allow(Permission::DraftAlerts));
        for needs in [Permission::IssueAlerts, Permission::OpenVault, Permission::OwnAccount] {
            assert!(!usual.allow(needs), "{needs}");
        }
    }

    #[test]
    fn a_scope_is_read_from_words() {
        let scope = parse_scope(["see_console, draft_alerts"]).unwrap();
        assert_eq!(words(scope), "see_console draft_alerts");
        assert!(parse_scope(["everything"]).is_err());
    }
}
