//! Why a feed could not be read: a kind, which pages put into words of the reader's language, and the technical detail.

use serde::{Deserialize, Serialize};

use crate::outbound::OutboundError;
use crate::units::vocabulary;

use super::formats::Problem;

vocabulary! {
    /// What kept a feed from being read. Texts are `feed-failure-KIND`.
    FailureKind, "kind of failure" {
        /// The configuration names what cannot be asked, or what `outbound` does not let through.
        Address = "address",
        Refused = "refused",
        Unreachable = "unreachable",
        Slow = "slow",
        Large = "large",
        Redirects = "redirects",
        /// The server answers with a status that is no success.
        Status = "status",
        /// It says that it is in trouble, or that it is asked too often.
        Busy = "busy",
        Login = "login",
        /// The answer is not of the format it should be.
        Document = "document",
        /// Our own side: the journal or the database.
        Own = "own",
    }
}

/// A failure with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    pub detail: String,
}

impl Failure {
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub fn own(error: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::Own, error.to_string())
    }

    /// Whether asking again for the same may go better.
    pub const fn may_pass(&self) -> bool {
        matches!(self.kind, FailureKind::Unreachable | FailureKind::Slow | FailureKind::Busy | FailureKind::Own)
    }
}

impl From<OutboundError> for Failure {
    fn from(error: OutboundError) -> Self {
        let kind = match error {
            OutboundError::Url(..) | OutboundError::Setup(_) => FailureKind::Address,
            OutboundError::Refused { .. } => FailureKind::Refused,
            OutboundError::Unknown { .. } | OutboundError::Unreachable { .. } | OutboundError::Unconnected { .. } => {
                FailureKind::Unreachable
            }
            OutboundError::Slow { .. } => FailureKind::Slow,
            OutboundError::Large { .. } => FailureKind::Large,
            OutboundError::Redirects { .. } | OutboundError::Downgrade { .. } => FailureKind::Redirects,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(FailureKind::Document, problem.to_string())
    }
}
