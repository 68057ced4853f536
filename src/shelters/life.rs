//! States of a shelter and what moves it. Pure.
//!
//! ```text
//! closed ─begin→ opening ─open→ open ⇄ full
//!    ↑              │             └──┬──┘
//!    │            give up          wind down
//!    └──────────────┴──close─── closing ─reopen→ open
//! ```

use serde::{Deserialize, Serialize};

use super::CheckItem;
use crate::units::vocabulary;

vocabulary! {
    /// Where a shelter stands. Transitions consume the value; what is not allowed says so. Texts are `shelter-state-STATE`.
    State, "state of a shelter" {
        Closed = "closed",
        /// Somebody is making it ready.
        Opening = "opening",
        Open = "open",
        /// Takes in nobody more, unless somebody says why.
        Full = "full",
        /// Takes in nobody; who is in it leaves or is moved.
        Closing = "closing",
    }
}

vocabulary! {
    /// What can be done to a shelter. Texts are `shelter-act-ACT`.
    Act, "act on a shelter" {
        /// For an incident.
        Begin = "begin",
        /// When the checklist is good.
        Open = "open",
        /// It is not opened after all.
        GiveUp = "give_up",
        Fill = "fill",
        /// There is room again.
        Relieve = "relieve",
        WindDown = "wind_down",
        Reopen = "reopen",
        /// When it is empty.
        Close = "close",
    }
}

/// What the transition looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Items of the checklist that nobody found good.
    pub unchecked: Vec<CheckItem>,
    /// Persons in it.
    pub sheltered: i64,
    /// In words of whoever acts; empty when they gave none.
    pub reason: String,
}

/// Why a shelter stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    #[error("a shelter that is {state} does not allow `{act}`")]
    State { state: State, act: Act },
    #[error("not checked, or not good: {}; open it anyway by saying why", words(.0))]
    Unchecked(Vec<CheckItem>),
    #[error("{0} persons are still in it: check them out or move them first")]
    Inhabited(i64),
    #[error("say why")]
    Reason,
}

fn words(items: &[CheckItem]) -> String {
    items.iter().map(|item| item.as_str()).collect::<Vec<_>>().join(", ")
}

impl State {
    /// The state after an act.
    ///
    /// # Errors
    /// What stands in its way.
    pub fn after(self, act: Act, seen: &Seen) -> Result<Self, NotNow> {
        let has_reason = !seen.reason.trim().is_empty();
        match (self, act) {
            (Self::Closed, Act::Begin) => Ok(Self::Opening),
            (Self::Opening, Act::Open) if seen.unchecked.is_empty() || has_reason => Ok(Self::Open),
            (Self::Opening, Act::Open) => Err(NotNow::Unchecked(seen.unchecked.clone())),
            (Self::Opening, Act::GiveUp) | (Self::Open, Act::Fill) if !has_reason => Err(NotNow::Reason),
            (Self::Open | Self::Full, Act::WindDown) | (Self::Closing, Act::Reopen) if !has_reason => {
                Err(NotNow::Reason)
            }
            (Self::Opening, Act::GiveUp) => Ok(Self::Closed),
            (Self::Open, Act::Fill) => Ok(Self::Full),
            (Self::Full, Act::Relieve) | (Self::Closing, Act::Reopen) => Ok(Self::Open),
            (Self::Open | Self::Full, Act::WindDown) => Ok(Self::Closing),
            (Self::Closing, Act::Close) if seen.sheltered > 0 => Err(NotNow::Inhabited(seen.sheltered)),
            (Self::Closing, Act::Close) => Ok(Self::Closed),
            (state, act) => Err(NotNow::State { state, act }),
        }
    }

    /// Whether somebody may be taken in, with or without a reason.
    pub const fn takes_people(self) -> bool {
        matches!(self, Self::Open | Self::Full)
    }

    /// Acts that a page offers.
    pub const fn acts(self) -> &'static [Act] {
        match self {
            Self::Closed => &[Act::Begin],
            Self::Opening => &[Act::Open, Act::GiveUp],
            Self::Open => &[Act::Fill, Act::WindDown],
            Self::Full => &[Act::Relieve, Act::WindDown],
            Self::Closing => &[Act::Close, Act::Reopen],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn because(reason: &str) -> Seen {
        Seen { reason: reason.into(), ..Seen::default() }
    }

    #[test]
    fn nothing_but_the_drawn_way_is_allowed_and_the_page_offers_just_that() {
        for state in State::ALL {
            for act in Act::ALL {
                let done = state.after(*act, &because("chuva"));
                assert_eq!(done.is_ok(), state.acts().contains(act), "{state} {act}");
            }
        }
    }

    #[test]
    fn an_unchecked_shelter_opens_only_with_a_reason_and_an_inhabited_one_never_closes() {
        let unchecked = Seen { unchecked: vec![CheckItem::Water], ..Seen::default() };
        let refusal = State::Opening.after(Act::Open, &unchecked).unwrap_err();
        assert!(refusal.to_string().contains("water"), "{refusal}");
        let urgent = Seen { reason: "famílias na porta".into(), ..unchecked };
        assert_eq!(State::Opening.after(Act::Open, &urgent), Ok(State::Open));
        let inhabited = Seen { sheltered: 3, reason: "fim".into(), ..Seen::default() };
        assert_eq!(State::Closing.after(Act::Close, &inhabited), Err(NotNow::Inhabited(3)));
    }

    #[test]
    fn what_changes_the_lives_of_people_is_given_a_reason() {
        for (state, act) in [
            (State::Opening, Act::GiveUp),
            (State::Open, Act::Fill),
            (State::Open, Act::WindDown),
            (State::Full, Act::WindDown),
            (State::Closing, Act::Reopen),
        ] {
            assert_eq!(state.after(act, &because("  ")), Err(NotNow::Reason), "{state} {act}");
            assert!(state.after(act, &because("a água subiu")).is_ok(), "{state} {act}");
        }
    }
}
