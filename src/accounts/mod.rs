//! Who works here and what each may do: staff, their sessions and API tokens.
//!
//! Invariants:
//! - Only hashes are stored: Argon2id for passwords, SHA-256 for session and API tokens (192 random bits each).
//! - A disabled person has no session and no token, from the next request on.

pub mod password;
pub mod store;
pub mod throttle;

use serde::{Deserialize, Serialize};

use crate::units::UnknownWord;

/// What a person may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees the console.
    Viewer,
    /// Edits drafts, the catalogue and incidents.
    Operator,
    /// Issues alerts that an operator prepared.
    Approver,
    /// Runs the night: issues, ends and cancels alerts.
    Coordinator,
    /// Manages staff and devices.
    Administrator,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Operator, Self::Approver, Self::Coordinator, Self::Administrator];

    /// The word used in the column, on the command line and in texts keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Coordinator => "coordinator",
            Self::Administrator => "administrator",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownWord {
            what: "role",
            word: text.to_owned(),
            expected: &["viewer", "operator", "approver", "coordinator", "administrator"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
    }
}
