//! The life of a meeting. Pure.
//!
//! ```text
//! convened ─open→ opened ─close→ held ─draft→ drafted ─approve→ approved ─publish→ published
//!     ├─ cancel → cancelled
//!     └─ fail ──→ no_quorum
//! ```

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// Where a meeting stands. Texts are `sec-committees-state-STATE`.
    State, "state of a meeting" {
        Convened = "convened",
        Opened = "opened",
        Held = "held",
        /// There is a text of its minutes.
        Drafted = "drafted",
        Approved = "approved",
        Published = "published",
        Cancelled = "cancelled",
        /// Too few came, also at the second call where there is one.
        NoQuorum = "no_quorum",
    }
}

vocabulary! {
    /// What moves it.
    Act, "act on a meeting" {
        Open = "open",
        Fail = "fail",
        Cancel = "cancel",
        Close = "close",
        Draft = "draft",
        Approve = "approve",
        Publish = "publish",
    }
}

/// The state does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the meeting is {0}: it does not {1}")]
pub struct NotNow(pub State, pub Act);

impl State {
    /// # Errors
    /// The state does not allow the act.
    pub const fn after(self, act: Act) -> Result<Self, NotNow> {
        match (self, act) {
            (Self::Convened, Act::Open) => Ok(Self::Opened),
            (Self::Convened, Act::Fail) => Ok(Self::NoQuorum),
            (Self::Convened, Act::Cancel) => Ok(Self::Cancelled),
            (Self::Opened, Act::Close) => Ok(Self::Held),
            (Self::Held, Act::Draft) => Ok(Self::Drafted),
            (Self::Drafted, Act::Approve) => Ok(Self::Approved),
            (Self::Approved, Act::Publish) => Ok(Self::Published),
            _ => Err(NotNow(self, act)),
        }
    }

    /// It took place, so that there is something to tell of it.
    pub const fn was_held(self) -> bool {
        matches!(self, Self::Held | Self::Drafted | Self::Approved | Self::Published)
    }

    /// Whether somebody can still be marked present, or item be added.
    pub const fn is_before_end(self) -> bool {
        matches!(self, Self::Convened | Self::Opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_approved_is_published_and_only_what_opened_is_held() {
        for state in State::ALL {
            assert_eq!(state.after(Act::Publish).is_ok(), *state == State::Approved, "{state}");
            assert_eq!(state.after(Act::Close).is_ok(), *state == State::Opened, "{state}");
            for act in Act::ALL {
                assert_ne!(state.after(*act), Ok(State::Convened), "nothing leads back: {state} {act}");
            }
        }
        for end in [State::Published, State::Cancelled, State::NoQuorum] {
            assert!(Act::ALL.iter().all(|act| end.after(*act).is_err()), "{end}");
        }
    }
}
