//! The life of a dossier. Pure.

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// Where a version of a dossier stands.
    State, "state of a dossier" {
        Open = "open",
        /// Frozen and sent: nothing of it changes any more but what came of it.
        Submitted = "submitted",
        Recognised = "recognised",
        Refused = "refused",
        /// Given up, or no request was made. The next version takes it up again.
        Archived = "archived",
    }
}

vocabulary! {
    /// What is done to it.
    Act, "act on a dossier" {
        Submit = "submit",
        Recognise = "recognise",
        Refuse = "refuse",
        Archive = "archive",
    }
}

/// The state does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dossier is {0}: it does not {1}")]
pub struct NotNow(pub State, pub Act);

impl State {
    /// # Errors
    /// The state does not allow the act.
    pub const fn after(self, act: Act) -> Result<Self, NotNow> {
        match (self, act) {
            (Self::Open, Act::Submit) => Ok(Self::Submitted),
            (Self::Submitted, Act::Recognise) => Ok(Self::Recognised),
            (Self::Submitted, Act::Refuse) => Ok(Self::Refused),
            (Self::Open | Self::Submitted | Self::Refused, Act::Archive) => Ok(Self::Archived),
            _ => Err(NotNow(self, act)),
        }
    }

    /// What was sent can be corrected by a new version, and what was given up goes on as one; what is open is simply changed.
    pub const fn may_be_corrected(self) -> bool {
        matches!(self, Self::Submitted | Self::Refused | Self::Archived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_back_to_open_and_only_what_was_sent_is_decided() {
        for state in State::ALL {
            for act in Act::ALL {
                let next = state.after(*act);
                assert_ne!(next, Ok(State::Open), "{state} {act}");
                if matches!(act, Act::Recognise | Act::Refuse) {
                    assert_eq!(next.is_ok(), *state == State::Submitted, "{state} {act}");
                }
            }
        }
        assert!(!State::Open.may_be_corrected() && !State::Recognised.may_be_corrected());
        assert!(State::Archived.may_be_corrected(), "archiving is no dead end");
    }
}
