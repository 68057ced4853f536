//! Where an occurrence stands and what may become of it. Pure: a transition takes the occurrence as it stands and gives back what becomes
//! of it, or says why not.
//!
//! new → confirmed → dispatched → on_scene → resolved → closed. Somebody may be sent before anybody confirmed, and what ended without a
//! visit may be resolved from the desk. When nobody comes after all, it stands where it stood before. Dismissed, closed and joined ones come back, each with its reason.

use super::{MAX_UNIT, REASON};
use crate::audit::Act;
use crate::reports::State;

/// What somebody wants of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    Confirm,
    Dismiss {
        reason: &'a str,
    },
    /// Sends somebody, or somebody else.
    Dispatch {
        unit: &'a str,
    },
    /// They are there.
    Arrive,
    /// Whoever was sent does not come, and nobody else was.
    StandDown {
        before: State,
        reason: &'a str,
    },
    /// With what was done.
    Resolve {
        reason: &'a str,
    },
    Close {
        reason: &'a str,
    },
    Reopen {
        reason: &'a str,
    },
    /// It is told under another. One to which somebody was sent is what the other is put under.
    Merge,
    /// It was another thing after all.
    Unmerge {
        before: State,
        reason: &'a str,
    },
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("an occurrence that is {0} does not allow this")]
    State(State),
    #[error("a reason of {} to {} characters is needed", REASON.start(), REASON.end())]
    NoReason,
    #[error("who is sent is named in 2 to {MAX_UNIT} characters")]
    NoUnit,
}

/// What was done: where it stands now, and the act as the audit calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub from: State,
    pub act: Act,
}

/// An occurrence between two acts. It is consumed by each, so nobody goes on with what it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Life {
    state: State,
}

impl Life {
    pub const fn of(state: State) -> Self {
        Self { state }
    }

    pub const fn state(&self) -> State {
        self.state
    }

    /// What becomes of it.
    ///
    /// # Errors
    /// Why it stays what it is.
    pub fn after(self, ask: Ask<'_>) -> Result<(Self, Step), Refusal> {
        use State::{Closed, Confirmed, Dismissed, Dispatched, Merged, New, OnScene, Resolved};
        let from = self.state;
        let (to, act) = match (ask, from) {
            (Ask::Confirm, New | Dismissed) => (Confirmed, Act::OccurrenceConfirm),
            (Ask::Dismiss { reason }, New | Confirmed | Dispatched | OnScene) => {
                (told(Dismissed, reason)?, Act::OccurrenceDismiss)
            }
            (Ask::Dispatch { unit }, New | Confirmed | Dispatched | OnScene) => {
                if !(2..=MAX_UNIT).contains(&unit.trim().chars().count()) {
                    return Err(Refusal::NoUnit);
                }
                (Dispatched, Act::OccurrenceDispatch)
            }
            (Ask::Arrive, Dispatched) => (OnScene, Act::OccurrenceArrive),
            (Ask::StandDown { before: before @ (New | Confirmed), reason }, Dispatched) => {
                (told(before, reason)?, Act::OccurrenceStandDown)
            }
            (Ask::Resolve { reason }, Confirmed | Dispatched | OnScene) => {
                (told(Resolved, reason)?, Act::OccurrenceResolve)
            }
            (Ask::Close { reason }, Confirmed | Resolved) => (told(Closed, reason)?, Act::OccurrenceClose),
            (Ask::Reopen { reason }, Confirmed | Dispatched | OnScene | Resolved | Closed | Dismissed) => {
                (told(New, reason)?, Act::OccurrenceReopen)
            }
            (Ask::Merge, New | Confirmed) => (Merged, Act::OccurrenceMerge),
            (Ask::Unmerge { before, reason }, Merged) if before != Merged => {
                (told(before, reason)?, Act::OccurrenceUnmerge)
            }
            _ => return Err(Refusal::State(from)),
        };
        Ok((Self { state: to }, Step { from, act }))
    }
}

/// Where it goes, if the reason says something.
fn told(to: State, reason: &str) -> Result<State, Refusal> {
    if REASON.contains(&reason.trim().chars().count()) { Ok(to) } else { Err(Refusal::NoReason) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHY: &str = "vistoria feita";

    fn asks() -> Vec<Ask<'static>> {
        vec![
            Ask::Confirm,
            Ask::Dismiss { reason: WHY },
            Ask::Dispatch { unit: "VTR 02" },
            Ask::Arrive,
            Ask::StandDown { before: State::Confirmed, reason: WHY },
            Ask::Resolve { reason: WHY },
            Ask::Close { reason: WHY },
            Ask::Reopen { reason: WHY },
            Ask::Merge,
            Ask::Unmerge { before: State::Confirmed, reason: WHY },
        ]
    }

    #[test]
    fn the_whole_way_is_walked_and_comes_back_with_a_reason() {
        let mut life = Life::of(State::New);
        for (ask, to) in [
            (Ask::Confirm, State::Confirmed),
            (Ask::Dispatch { unit: "VTR 02" }, State::Dispatched),
            (Ask::Arrive, State::OnScene),
            (Ask::Resolve { reason: WHY }, State::Resolved),
            (Ask::Close { reason: WHY }, State::Closed),
            (Ask::Reopen { reason: WHY }, State::New),
        ] {
            let from = life.state();
            let (next, step) = life.after(ask).unwrap();
            assert_eq!((step.from, next.state()), (from, to));
            life = next;
        }
    }

    #[test]
    fn what_ends_or_turns_back_says_why_and_who_is_sent_is_named() {
        let long = "x".repeat(2001);
        let refused = |state, ask| Life::of(state).after(ask).unwrap_err();
        for reason in ["", "  ", "ok", &long] {
            assert_eq!(refused(State::New, Ask::Dismiss { reason }), Refusal::NoReason);
            assert_eq!(refused(State::OnScene, Ask::Resolve { reason }), Refusal::NoReason);
            assert_eq!(refused(State::Resolved, Ask::Close { reason }), Refusal::NoReason);
            assert_eq!(refused(State::Closed, Ask::Reopen { reason }), Refusal::NoReason);
            let undo = Ask::Unmerge { before: State::New, reason };
            assert_eq!(refused(State::Merged, undo), Refusal::NoReason);
        }
        assert_eq!(refused(State::New, Ask::Dispatch { unit: " " }), Refusal::NoUnit);
    }

    #[test]
    fn what_is_told_under_another_only_comes_back_as_what_it_was() {
        for ask in asks() {
            let after = Life::of(State::Merged).after(ask);
            match ask {
                Ask::Unmerge { before, .. } => assert_eq!(after.unwrap().0.state(), before),
                _ => assert_eq!(after.unwrap_err(), Refusal::State(State::Merged)),
            }
        }
    }

    /// The table of the page of docs: who may follow whom.
    const LEGAL: &[(State, &[State])] = &[
        (State::New, &[State::Confirmed, State::Dismissed, State::Dispatched, State::Merged]),
        (
            State::Confirmed,
            &[State::Dismissed, State::Dispatched, State::Resolved, State::Closed, State::New, State::Merged],
        ),
        (
            State::Dispatched,
            &[State::Confirmed, State::Dismissed, State::Dispatched, State::OnScene, State::Resolved, State::New],
        ),
        (State::OnScene, &[State::Dismissed, State::Dispatched, State::Resolved, State::New]),
        (State::Resolved, &[State::Closed, State::New]),
        (State::Closed, &[State::New]),
        (State::Dismissed, &[State::Confirmed, State::New]),
        (State::Merged, &[State::Confirmed]),
    ];

    proptest! {
        #[test]
        fn every_transition_is_one_of_the_table_and_a_refused_act_says_where_it_stands(
            steps in proptest::collection::vec(0_usize..10, 0..40)
        ) {
            let mut state = State::New;
            for step in steps {
                let ask = asks()[step];
                match Life::of(state).after(ask) {
                    Ok((next, done)) => {
                        let (_, legal) = LEGAL.iter().find(|(from, _)| *from == state).unwrap();
                        prop_assert!(legal.contains(&next.state()), "{state} → {}", next.state());
                        prop_assert_eq!(done.from, state);
                        state = next.state();
                    }
                    Err(refusal) => prop_assert_eq!(refusal, Refusal::State(state)),
                }
            }
        }
    }
}
