//! Volunteers, and the neighbourhoods' nuclei of civil defense (NUPDEC).
//!
//! Somebody registers on a public page and proves their telephone or mailbox by a code; staff accept them. A call-out asks whoever can do
//! what is needed; they answer by the link or by SMS. Who came is written down when they come and when they go, and hours follow from it.

pub mod answer;
pub mod calls;
pub mod desk;
pub mod hours;
pub mod signup;
pub mod store;

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// What somebody can do. Texts are `volunteer-skill-SKILL`.
    Skill, "skill" {
        FirstAid = "first_aid",
        Health = "health",
        Psychology = "psychology",
        Cooking = "cooking",
        Driving = "driving",
        Boat = "boat",
        Rescue = "rescue",
        Electrical = "electrical",
        Construction = "construction",
        Radio = "radio",
        Logistics = "logistics",
        Animals = "animals",
        Social = "social",
        Languages = "languages",
    }
}

vocabulary! {
    /// Where a volunteer stands. Texts are `volunteer-state-STATE`.
    State, "state of a volunteer" {
        /// The telephone or mailbox is proven; nobody has accepted them yet.
        Registered = "registered",
        Accepted = "accepted",
        /// Name and address are gone; hours stay.
        Left = "left",
    }
}

impl State {
    /// Accepted.
    ///
    /// # Errors
    /// The state that does not allow it.
    pub const fn accept(self) -> Result<Self, Self> {
        match self {
            Self::Registered => Ok(Self::Accepted),
            other => Err(other),
        }
    }

    /// Left, by their own wish or by that of staff.
    ///
    /// # Errors
    /// The state that does not allow it.
    pub const fn leave(self) -> Result<Self, Self> {
        match self {
            Self::Registered | Self::Accepted => Ok(Self::Left),
            Self::Left => Err(Self::Left),
        }
    }
}

vocabulary! {
    /// What somebody said to a call. Texts are `callout-answer-ANSWER`.
    Answer, "answer" {
        Yes = "yes",
        No = "no",
    }
}

/// What somebody said of themselves on the public page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signup {
    pub name: String,
    pub district: String,
    pub skills: Vec<Skill>,
    pub language: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_accepted_once_and_leaves_once() {
        assert_eq!(State::Registered.accept(), Ok(State::Accepted));
        assert_eq!(State::Accepted.accept(), Err(State::Accepted));
        assert_eq!(State::Accepted.leave(), Ok(State::Left));
        assert_eq!(State::Left.leave(), Err(State::Left));
        assert_eq!(State::Left.accept(), Err(State::Left));
    }
}
