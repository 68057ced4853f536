//! States of an alert and the acts that move it.

use serde::{Deserialize, Serialize};

use crate::alerts::kind::AlertKind;
use crate::alerts::refusal::{Lack, Refusal};
use crate::units::vocabulary;

vocabulary! {
    /// Where an alert stands. Transitions consume the value; what is not allowed says so.
    AlertState, "alert state" {
        /// Is being written, or waits for a person.
        Draft = "draft",
        /// Somebody asked for a decision.
        Submitted = "submitted",
        /// Everybody whom the policy wants stands behind it. It is issued in the same transaction.
        Approved = "approved",
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
    /// A person changes what it says.
    Edit,
    /// A rule takes an area in or out, or the clock gives it its whole time again.
    Widen,
    /// Whoever prepared it asks for a decision.
    Submit,
    /// An approver gives it back, with a reason.
    Return,
    /// The last of those whom the policy wants stands behind it.
    Approve,
    Discard,
    /// A message that carries this kind leaves.
    Issue(AlertKind),
    /// A later message of that kind, which references this one, leaves.
    Answered(AlertKind),
    RunOut,
}

impl AlertState {
    /// Nobody has decided yet: it can be edited, approved and discarded.
    pub const fn is_undecided(self) -> bool {
        matches!(self, Self::Draft | Self::Submitted)
    }

    /// The state after an act.
    ///
    /// # Errors
    /// `AlertError::Refused` names the state and the act.
    pub fn after(self, act: Act) -> Result<Self, AlertError> {
        match (self, act) {
            (Self::Draft | Self::Submitted, Act::Edit) => Ok(Self::Draft),
            (Self::Draft | Self::Submitted, Act::Widen) => Ok(self),
            (Self::Draft, Act::Submit) => Ok(Self::Submitted),
            (Self::Submitted, Act::Return) => Ok(Self::Draft),
            (Self::Draft | Self::Submitted, Act::Approve) => Ok(Self::Approved),
            (Self::Draft | Self::Submitted, Act::Discard) => Ok(Self::Discarded),
            // An all-clear or a cancellation is itself over the moment it is said.
            (Self::Approved, Act::Issue(AlertKind::AllClear)) => Ok(Self::Cleared),
            (Self::Approved, Act::Issue(AlertKind::Cancel)) => Ok(Self::Cancelled),
            (Self::Approved, Act::Issue(_)) => Ok(Self::Issued),
            // That it is over, or goes on, may be said after the time ran out too.
            (Self::Issued | Self::Expired, Act::Answered(AlertKind::AllClear)) => Ok(Self::Cleared),
            (Self::Issued | Self::Expired, Act::Answered(AlertKind::Update)) => Ok(Self::Superseded),
            (Self::Issued, Act::Answered(AlertKind::Cancel)) => Ok(Self::Cancelled),
            (Self::Issued, Act::RunOut) => Ok(Self::Expired),
            (state, act) => Err(Refusal::State { state, act }.into()),
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
    Refused(#[from] Refusal),
    /// What keeps the message from leaving, one line each.
    #[error("the alert cannot leave: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Incomplete(Vec<Lack>),
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
    fn only_what_was_approved_can_leave_and_only_once() {
        assert_eq!(AlertState::Approved.after(Act::Issue(AlertKind::Alert)).unwrap(), AlertState::Issued);
        for state in AlertState::ALL.iter().filter(|state| **state != AlertState::Approved) {
            assert!(state.after(Act::Issue(AlertKind::Alert)).is_err(), "{state}");
        }
    }

    #[test]
    fn an_edit_takes_the_submission_back_and_a_wider_area_does_not() {
        assert_eq!(AlertState::Submitted.after(Act::Edit).unwrap(), AlertState::Draft);
        assert_eq!(AlertState::Submitted.after(Act::Widen).unwrap(), AlertState::Submitted);
        assert_eq!(AlertState::Submitted.after(Act::Return).unwrap(), AlertState::Draft);
        assert!(AlertState::Draft.after(Act::Return).is_err());
        assert!(AlertState::Submitted.after(Act::Submit).is_err());
    }

    #[test]
    fn what_ended_stays_ended() {
        for state in [AlertState::Cleared, AlertState::Cancelled, AlertState::Superseded] {
            assert!(state.after(Act::Answered(AlertKind::AllClear)).is_err(), "{state}");
        }
    }
}
