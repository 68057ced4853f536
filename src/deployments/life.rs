//! Where a deployment stands and what moves it. Pure.
//!
//! ```text
//! assigned ─accept→ accepted ─en_route→ en_route ─on_site→ on_site ─release→ released
//!     │                 │                   │ └───────── release ────────────┘
//!     ├──── decline ────┤                   │        a telephone may skip steps forward, never back
//!     └──── cancel ─────┴──── cancel ───────┘
//! ```

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::units::vocabulary;

vocabulary! {
    /// Where a deployment stands. Texts are `deployment-state-STATE`.
    State, "state of a deployment" {
        Assigned = "assigned",
        /// Whoever was assigned has said yes.
        Accepted = "accepted",
        EnRoute = "en_route",
        OnSite = "on_site",
        Released = "released",
        /// Whoever was assigned could not.
        Declined = "declined",
        /// The desk took it back before anybody was there.
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// What moves it. Texts are `deployment-act-ACT`.
    Act, "act on a deployment" {
        Accept = "accept",
        EnRoute = "en_route",
        OnSite = "on_site",
        Release = "release",
        Decline = "decline",
        Cancel = "cancel",
    }
}

/// Why it stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    #[error("a deployment that is {state} does not allow `{act}`")]
    State { state: State, act: Act },
    #[error("say why")]
    Reason,
    #[error("the step lies {0} minutes ahead of the service's clock")]
    Ahead(i64),
}

/// How far a telephone's clock may be ahead.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

impl State {
    /// The state after an act.
    ///
    /// # Errors
    /// Why not.
    pub fn after(self, act: Act, reason: &str) -> Result<Self, NotNow> {
        let to = match (self, act) {
            (Self::Assigned, Act::Accept) => Self::Accepted,
            (Self::Assigned | Self::Accepted, Act::EnRoute) => Self::EnRoute,
            (Self::Assigned | Self::Accepted | Self::EnRoute, Act::OnSite) => Self::OnSite,
            (Self::EnRoute | Self::OnSite, Act::Release) => Self::Released,
            (Self::Assigned | Self::Accepted, Act::Decline) => Self::Declined,
            (Self::Assigned | Self::Accepted | Self::EnRoute, Act::Cancel) => Self::Cancelled,
            (state, act) => return Err(NotNow::State { state, act }),
        };
        if matches!(act, Act::Decline | Act::Cancel) && reason.trim().is_empty() {
            return Err(NotNow::Reason);
        }
        Ok(to)
    }

    /// Whether it binds the resource.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Assigned | Self::Accepted | Self::EnRoute | Self::OnSite)
    }

    /// Whether it counts towards what a request asks for.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::Declined | Self::Cancelled)
    }

    /// Acts that a page offers.
    pub const fn acts(self) -> &'static [Act] {
        match self {
            Self::Assigned => &[Act::Accept, Act::EnRoute, Act::OnSite, Act::Decline, Act::Cancel],
            Self::Accepted => &[Act::EnRoute, Act::OnSite, Act::Decline, Act::Cancel],
            Self::EnRoute => &[Act::OnSite, Act::Release, Act::Cancel],
            Self::OnSite => &[Act::Release],
            Self::Released | Self::Declined | Self::Cancelled => &[],
        }
    }
}

/// When a step happened: what the telephone says, but not before the step it follows and not after now.
///
/// # Errors
/// When the telephone's clock is more than five minutes ahead.
pub fn moment(said: Option<Instant>, before: Instant, now: Instant) -> Result<Instant, NotNow> {
    let said = said.unwrap_or(now);
    if said - now > AHEAD {
        return Err(NotNow::Ahead((said - now).num_minutes()));
    }
    Ok(said.min(now).max(before))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_but_the_drawn_way_is_allowed_and_the_page_offers_just_that() {
        for state in State::ALL {
            for act in Act::ALL {
                assert_eq!(state.after(*act, "porque").is_ok(), state.acts().contains(act), "{state} {act}");
            }
            assert_eq!(state.acts().is_empty(), !state.is_open(), "{state}");
        }
    }

    #[test]
    fn to_decline_and_to_cancel_is_given_a_reason() {
        assert_eq!(State::Assigned.after(Act::Decline, " "), Err(NotNow::Reason));
        assert_eq!(State::EnRoute.after(Act::Cancel, ""), Err(NotNow::Reason));
        assert_eq!(State::EnRoute.after(Act::Release, ""), Ok(State::Released));
    }

    #[test]
    fn a_step_lies_between_the_one_before_and_now() {
        let at = |minutes| Instant::default() + TimeDelta::minutes(minutes);
        assert_eq!(moment(None, at(1), at(9)), Ok(at(9)));
        assert_eq!(moment(Some(at(5)), at(1), at(9)), Ok(at(5)));
        assert_eq!(moment(Some(at(0)), at(1), at(9)), Ok(at(1)));
        assert_eq!(moment(Some(at(13)), at(1), at(9)), Ok(at(9)));
        assert_eq!(moment(Some(at(40)), at(1), at(9)), Err(NotNow::Ahead(31)));
    }

    proptest! {
        #[test]
        fn whatever_is_done_a_deployment_only_moves_forward(acts in prop::collection::vec(0..Act::ALL.len(), 0..30)) {
            let mut state = State::Assigned;
            for act in acts {
                if let Ok(to) = state.after(Act::ALL[act], "porque") {
                    prop_assert!(to > state, "{state} {to}");
                    prop_assert!(state.is_open());
                    state = to;
                }
            }
        }
    }
}
