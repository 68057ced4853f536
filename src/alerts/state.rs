//! States of an alert and the acts that move it.

use serde::{Deserialize, Serialize};

use crate::alerts::kind::AlertKind;
use crate::units::vocabulary;

vocabulary! {
    /// Where an alert stands. Transitions consume the value; what is not allowed says so.
    AlertState, "alert state" {
        /// Waits for a person.
        Draft = "draft",
        /// Never left.
        Discarded = "discarded",
        /// In force.
        Issued = "issued",
        /// Another message took its place.
        Superseded = "superseded",
        /// Ended by an all-clear.
        Cleared = "cleared",
        /// Withdrawn: it should not have been sent.
        Cancelled = "cancelled",
        /// Ran out.
        Expired = "expired",
    }
}

/// What can be done to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Discard,
    /// A message that carries this kind leaves.
    Issue(AlertKind),
    /// A later message of that kind, which references this one, leaves.
    Answered(AlertKind),
    RunOut,
}

impl AlertState {
    /// The state after an act.
    ///
    /// # Errors
    /// `AlertError::Refused` names the state and the act.
    pub fn after(self, act: Act) -> Result<Self, AlertError> {
        match (self, act) {
            (Self::Draft, Act::Discard) => Ok(Self::Discarded),
            // An all-clear or a cancellation is itself over the moment it is said.
            (Self::Draft, Act::Issue(AlertKind::AllClear)) => Ok(Self::Cleared),
            (Self::Draft, Act::Issue(AlertKind::Cancel)) => Ok(Self::Cancelled),
            (Self::Draft, Act::Issue(_)) => Ok(Self::Issued),
            // That it is over, or goes on, may be said after the time ran out too.
            (Self::Issued | Self::Expired, Act::Answered(AlertKind::AllClear)) => Ok(Self::Cleared),
            (Self::Issued | Self::Expired, Act::Answered(AlertKind::Update)) => Ok(Self::Superseded),
            (Self::Issued, Act::Answered(AlertKind::Cancel)) => Ok(Self::Cancelled),
            (Self::Issued, Act::RunOut) => Ok(Self::Expired),
            (state, act) => Err(AlertError::Refused(format!("a {state} alert does not allow {act:?}"))),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error("the alert was not found")]
    NotFound,
    /// Somebody, or a rising level, changed the draft meanwhile.
    #[error("the draft changed meanwhile (revision {current}, you had {yours}); look at it again")]
    Stale { current: i32, yours: i32 },
    #[error("{0}")]
    Refused(String),
    /// What keeps the message from leaving, one line each.
    #[error("the alert cannot leave: {}", .0.join("; "))]
    Incomplete(Vec<String>),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl From<AlertError> for crate::web::error::ApiError {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::NotFound => Self::NotFound("the alert".into()),
            AlertError::Stale { .. } | AlertError::Refused(_) => Self::Conflict(error.to_string()),
            AlertError::Incomplete(_) => Self::bad(error.to_string()),
            AlertError::Database(error) => error.into(),
            AlertError::Other(error) => Self::Internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_draft_can_leave_and_only_once() {
        assert_eq!(AlertState::Draft.after(Act::Issue(AlertKind::Alert)).unwrap(), AlertState::Issued);
        for state in [AlertState::Discarded, AlertState::Issued, AlertState::Superseded, AlertState::Expired] {
            assert!(state.after(Act::Issue(AlertKind::Alert)).is_err(), "{state}");
        }
    }

    #[test]
    fn what_ended_stays_ended() {
        for state in [AlertState::Cleared, AlertState::Cancelled, AlertState::Superseded] {
            assert!(state.after(Act::Answered(AlertKind::AllClear)).is_err(), "{state}");
        }
    }
}
