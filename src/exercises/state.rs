//! States of an exercise and the acts that move it. Pure.

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// Where an exercise stands. Transitions consume the value; what is not allowed says so.
    ExerciseState, "exercise state" {
        Planned = "planned",
        /// Whoever takes part was told of it.
        Announced = "announced",
        /// Under way: its alerts may leave.
        Running = "running",
        Finished = "finished",
        /// The report is closed.
        Reported = "reported",
        /// Did not take place, or was broken off.
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// What can be done to an exercise.
    Act, "act on an exercise" {
        Edit = "edit",
        Announce = "announce",
        Start = "start",
        Finish = "finish",
        /// Closes the report.
        Report = "report",
        Cancel = "cancel",
    }
}

/// An act that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an exercise that is {state} does not allow `{act}`")]
pub struct NotNow {
    pub state: ExerciseState,
    pub act: Act,
}

impl ExerciseState {
    /// The state after an act.
    ///
    /// # Errors
    /// [`NotNow`] names the state and the act.
    pub fn after(self, act: Act) -> Result<Self, NotNow> {
        use ExerciseState::{Announced, Cancelled, Finished, Planned, Reported, Running};
        match (self, act) {
            (Planned | Announced, Act::Edit) => Ok(self),
            // Announcing again tells those who came since, and does no harm.
            (Planned | Announced, Act::Announce) => Ok(Announced),
            (Planned | Announced, Act::Start) => Ok(Running),
            (Running, Act::Finish) => Ok(Finished),
            (Finished, Act::Report) => Ok(Reported),
            (Planned | Announced | Running, Act::Cancel) => Ok(Cancelled),
            (state, act) => Err(NotNow { state, act }),
        }
    }

    /// Whether people may still come in.
    pub const fn takes_people(self) -> bool {
        matches!(self, Self::Planned | Self::Announced | Self::Running)
    }

    /// Whether what is written about it afterwards may change.
    pub const fn takes_evaluation(self) -> bool {
        matches!(self, Self::Running | Self::Finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every act in every state, against the list of what is allowed.
    #[test]
    fn nothing_but_the_plain_way_is_allowed() {
        let allowed = [
            ("planned", "edit", "planned"),
            ("planned", "announce", "announced"),
            ("planned", "start", "running"),
            ("planned", "cancel", "cancelled"),
            ("announced", "edit", "announced"),
            ("announced", "announce", "announced"),
            ("announced", "start", "running"),
            ("announced", "cancel", "cancelled"),
            ("running", "finish", "finished"),
            ("running", "cancel", "cancelled"),
            ("finished", "report", "reported"),
        ];
        for state in ExerciseState::ALL {
            for act in Act::ALL {
                let wanted = allowed.iter().find(|(from, by, _)| (*from, *by) == (state.as_str(), act.as_str()));
                let wanted = wanted.map(|(_, _, to)| *to);
                assert_eq!(state.after(*act).ok().map(ExerciseState::as_str), wanted, "{state} {act}");
            }
        }
    }

    #[test]
    fn what_ended_stays_ended() {
        for state in [ExerciseState::Reported, ExerciseState::Cancelled] {
            assert!(Act::ALL.iter().all(|act| state.after(*act).is_err()), "{state}");
            assert!(!state.takes_people() && !state.takes_evaluation());
        }
    }

    #[test]
    fn a_refusal_names_the_state_and_the_act() {
        let refused = ExerciseState::Finished.after(Act::Start).unwrap_err();
        assert_eq!(refused.to_string(), "an exercise that is finished does not allow `start`");
    }
}
