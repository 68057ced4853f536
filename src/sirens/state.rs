//! What a siren does, as far as anybody knows. Pure: what it answered and said of itself comes in with its instant.
//!
//! ```text
//! idle ──arm──▶ armed ──sound──▶ sounding ──time, silence asked──▶ silencing ──done──▶ idle
//!      ──────────sound──────────▶     any ──out of contact──▶ unknown ──says so──▶ what it says
//! ```

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Act, DURATION_S};
use crate::clock::Instant;
use crate::units::vocabulary;

vocabulary! {
    /// Column `siren.state`.
    StateWord, "state of a siren" {
        /// Nothing is heard of it, or it could not do what it was asked.
        Unknown = "unknown",
        Idle = "idle",
        Armed = "armed",
        Sounding = "sounding",
        /// Asked to be silent, and has not said that it is.
        Silencing = "silencing",
    }
}

/// What a siren says of itself on its status topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Idle,
    Armed,
    Sounding,
}

/// The state of a siren.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    Unknown,
    Idle,
    Armed,
    Sounding { until: Instant },
    Silencing,
}

/// What happened to a siren.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It did, at that instant, what it was asked. `duration_s` of a sound.
    Did {
        act: Act,
        at: Instant,
        duration_s: u32,
    },
    /// It could not.
    Failed(Act),
    /// Silence was handed to it.
    AskedForSilence,
    Said {
        said: Said,
        at: Instant,
    },
    OutOfContact,
    /// The clock says so.
    Time(Instant),
}

/// The silence that a siren is sent beyond those that go along with sounds of ours: after a sound that it began by itself, and again
/// after one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    pub at: Option<Instant>,
    /// How often silence failed since it was last heard to be silent, or told to sound.
    pub failures: u32,
}

/// How long a silence that was sent may take before it is sent again, in seconds; doubled with each failure, a few times.
const AGAIN_AFTER_S: i64 = 30;
const MOST_DOUBLED: u32 = 6;

impl Owed {
    /// What is owed after something that happened at `at`, to a siren that was in `state` before it.
    #[must_use]
    pub fn after(self, state: State, at: Instant, happening: Happening) -> Self {
        match happening {
            // A sound of ours has its own silence.
            Happening::Did { act: Act::Sound | Act::Silence, .. }
            | Happening::Said { said: Said::Idle | Said::Armed, .. } => Self::default(),
            Happening::Said { said: Said::Sounding, at } => match state {
                State::Sounding { .. } => self,
                State::Silencing => self.no_later_than(at + TimeDelta::seconds(AGAIN_AFTER_S)),
                // Going out of contact and coming back makes it no longer.
                _ => self.no_later_than(at + TimeDelta::seconds((*DURATION_S.end()).into())),
            },
            Happening::Failed(Act::Silence) => self.failed(at),
            _ => self,
        }
    }

    fn no_later_than(self, at: Instant) -> Self {
        Self { at: Some(self.at.map_or(at, |before| before.min(at))), ..self }
    }

    /// Silence did not come of it: once more, a little later each time.
    #[must_use]
    pub fn failed(self, at: Instant) -> Self {
        let wait = TimeDelta::seconds(AGAIN_AFTER_S << self.failures.min(MOST_DOUBLED));
        Self { at: Some(at + wait), failures: self.failures.saturating_add(1) }
    }

    pub fn is_due(self, now: Instant) -> bool {
        self.at.is_some_and(|at| at <= now)
    }
}

/// An act that a siren's state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a siren that is {0} is not asked to {1}")]
pub struct NotNow(pub StateWord, pub Act);

impl State {
    pub const fn word(self) -> StateWord {
        match self {
            Self::Unknown => StateWord::Unknown,
            Self::Idle => StateWord::Idle,
            Self::Armed => StateWord::Armed,
            Self::Sounding { .. } => StateWord::Sounding,
            Self::Silencing => StateWord::Silencing,
        }
    }

    /// From its columns. A sound without its end is one that nobody knows the end of.
    pub fn read(word: StateWord, until: Option<Instant>) -> Self {
        match (word, until) {
            (StateWord::Sounding, Some(until)) => Self::Sounding { until },
            (StateWord::Unknown | StateWord::Sounding, _) => Self::Unknown,
            (StateWord::Idle, _) => Self::Idle,
            (StateWord::Armed, _) => Self::Armed,
            (StateWord::Silencing, _) => Self::Silencing,
        }
    }

    /// The state afterwards.
    #[must_use]
    pub fn after(self, happening: Happening) -> Self {
        match (self, happening) {
            (Self::Sounding { .. }, Happening::Did { act: Act::Arm, .. }) => self,
            (_, Happening::Did { act: Act::Arm, .. }) => Self::Armed,
            (_, Happening::Did { act: Act::Sound, at, duration_s }) => Self::sounding(at, duration_s),
            (_, Happening::Did { act: Act::Silence, .. }) => Self::Idle,
            (Self::Unknown, Happening::Did { act: Act::Test, .. }) => Self::Idle,
            (_, Happening::Did { act: Act::Test, .. }) => self,
            // It may go on sounding, and nobody knows: somebody has to look.
            (_, Happening::Failed(Act::Silence)) => Self::Unknown,
            (_, Happening::Failed(_)) => self,
            (Self::Sounding { .. }, Happening::AskedForSilence) => Self::Silencing,
            (_, Happening::AskedForSilence) => self,
            (_, Happening::OutOfContact) => Self::Unknown,
            (Self::Sounding { until }, Happening::Time(now)) if now >= until => Self::Silencing,
            (_, Happening::Time(_)) => self,
            (_, Happening::Said { said: Said::Idle, .. }) => Self::Idle,
            (_, Happening::Said { said: Said::Armed, .. }) => Self::Armed,
            (Self::Sounding { .. } | Self::Silencing, Happening::Said { said: Said::Sounding, .. }) => self,
            // Somebody pressed the button at its foot: it is silenced in time all the same.
            (_, Happening::Said { said: Said::Sounding, at }) => Self::sounding(at, *DURATION_S.end()),
        }
    }

    fn sounding(at: Instant, duration_s: u32) -> Self {
        Self::Sounding { until: at + TimeDelta::seconds(duration_s.min(*DURATION_S.end()).into()) }
    }

    /// Silence is never refused, and neither is a sound that is allowed otherwise.
    ///
    /// # Errors
    /// Names state and act.
    pub fn permits(self, act: Act) -> Result<(), NotNow> {
        match (self, act) {
            (Self::Sounding { .. } | Self::Silencing, Act::Arm | Act::Test) => Err(NotNow(self.word(), act)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::default() + TimeDelta::seconds(seconds)
    }

    const ALL: [State; 5] =
        [State::Unknown, State::Idle, State::Armed, State::Sounding { until: Instant::MIN_UTC }, State::Silencing];

    fn did(act: Act) -> Happening {
        Happening::Did { act, at: at(0), duration_s: 60 }
    }

    #[test]
    fn a_siren_is_armed_sounds_is_silenced_in_time_and_rests() {
        let armed = State::Unknown.after(Happening::Said { said: Said::Idle, at: at(0) }).after(did(Act::Arm));
        assert_eq!(armed, State::Armed);
        let sounding = armed.after(did(Act::Sound));
        assert_eq!(sounding, State::Sounding { until: at(60) });
        assert_eq!(sounding.after(Happening::Time(at(59))), sounding);
        let silencing = sounding.after(Happening::Time(at(60)));
        assert_eq!(silencing, State::Silencing);
        let late = Happening::Said { said: Said::Sounding, at: at(61) };
        assert_eq!(silencing.after(late), State::Silencing, "it has not heard yet");
        assert_eq!(silencing.after(did(Act::Silence)), State::Idle);
    }

    #[test]
    fn silence_of_the_siren_itself_makes_it_unknown_from_every_state() {
        for state in ALL {
            assert_eq!(state.after(Happening::OutOfContact), State::Unknown, "{state:?}");
            assert_eq!(state.after(Happening::Failed(Act::Silence)), State::Unknown, "{state:?}");
        }
    }

    #[test]
    fn no_sound_lasts_longer_than_the_bound_whoever_began_it() {
        let longest = at(0) + TimeDelta::seconds((*DURATION_S.end()).into());
        for state in [State::Unknown, State::Idle, State::Armed] {
            let asked = Happening::Did { act: Act::Sound, at: at(0), duration_s: u32::MAX };
            assert_eq!(state.after(asked), State::Sounding { until: longest });
            let by_itself = Happening::Said { said: Said::Sounding, at: at(0) };
            assert_eq!(state.after(by_itself), State::Sounding { until: longest });
        }
    }

    #[test]
    fn what_began_by_itself_is_owed_a_silence_within_the_bound_and_a_failed_one_is_owed_again() {
        let said = |said, when| Happening::Said { said, at: at(when) };
        let owed = Owed::default().after(State::Idle, at(0), said(Said::Sounding, 0));
        assert_eq!(owed.at, Some(at(600)));
        let back = owed.after(State::Unknown, at(500), said(Said::Sounding, 500));
        assert_eq!(back.at, Some(at(600)), "contact that was lost makes it no longer");
        assert_eq!(owed.after(State::Unknown, at(9), did(Act::Sound)), Owed::default(), "ours has its own silence");
        assert_eq!(owed.after(State::Unknown, at(9), said(Said::Idle, 9)), Owed::default());
        let failed = Owed::default().after(State::Silencing, at(700), Happening::Failed(Act::Silence));
        assert_eq!(failed, Owed { at: Some(at(730)), failures: 1 });
        let twice = failed.after(State::Unknown, at(740), Happening::Failed(Act::Silence));
        assert_eq!(twice, Owed { at: Some(at(800)), failures: 2 });
        assert_eq!(Owed { at: None, failures: u32::MAX }.failed(at(0)).at, Some(at(1920)), "at least each half hour");
        let deaf = Owed::default().after(State::Silencing, at(0), said(Said::Sounding, 0));
        assert_eq!(deaf.at, Some(at(30)), "it sounds on though silence was asked");
    }

    #[test]
    fn a_sounding_siren_is_neither_tested_nor_armed_and_can_always_be_silenced() {
        for state in ALL {
            assert!(state.permits(Act::Silence).is_ok() && state.permits(Act::Sound).is_ok());
        }
        assert_eq!(State::Silencing.permits(Act::Test), Err(NotNow(StateWord::Silencing, Act::Test)));
        assert!(State::Sounding { until: at(1) }.permits(Act::Arm).is_err());
        assert!(State::Unknown.permits(Act::Test).is_ok(), "a test is how it is found again");
    }

    #[test]
    fn a_state_is_read_back_from_its_columns() {
        for state in ALL {
            let until = if let State::Sounding { until } = state { Some(until) } else { None };
            assert_eq!(State::read(state.word(), until), state);
        }
    }
}
