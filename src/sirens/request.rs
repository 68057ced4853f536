//! The rule of two persons: one asks that sirens sound, another confirms within minutes. Pure.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::ids::StaffId;
use crate::units::vocabulary;

vocabulary! {
    /// Column `siren_request.state`.
    RequestState, "state of a request" {
        Waiting = "waiting",
        Confirmed = "confirmed",
        /// By a second person.
        Refused = "refused",
        /// By whoever asked.
        Withdrawn = "withdrawn",
        Expired = "expired",
    }
}

/// A request as far as it matters who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    pub state: RequestState,
    pub asked_by: StaffId,
    pub expires_at: Instant,
}

/// What somebody does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Confirm,
    Refuse,
    Withdraw,
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub enum No {
    #[error("the request is {0} already")]
    Decided(RequestState),
    #[error("nobody confirmed it in time; ask anew")]
    TooLate,
    #[error("whoever asks cannot confirm; it takes a second person")]
    SamePerson,
    #[error("only whoever asked takes it back; you can refuse it")]
    NotYours,
}

impl Pending {
    /// The state afterwards.
    ///
    /// # Errors
    /// Why not.
    pub fn after(self, word: Word, by: StaffId, now: Instant) -> Result<RequestState, No> {
        if self.state != RequestState::Waiting {
            return Err(No::Decided(self.state));
        }
        if now >= self.expires_at {
            return Err(No::TooLate);
        }
        match (word, by == self.asked_by) {
            (Word::Confirm, false) => Ok(RequestState::Confirmed),
            (Word::Confirm, true) => Err(No::SamePerson),
            (Word::Refuse, false) => Ok(RequestState::Refused),
            (Word::Refuse | Word::Withdraw, true) => Ok(RequestState::Withdrawn),
            (Word::Withdraw, false) => Err(No::NotYours),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    const ANA: StaffId = StaffId(Uuid::from_u128(1));
    const BRUNO: StaffId = StaffId(Uuid::from_u128(2));

    fn pending() -> Pending {
        let expires_at = Instant::default() + TimeDelta::minutes(5);
        Pending { state: RequestState::Waiting, asked_by: ANA, expires_at }
    }

    #[test]
    fn it_takes_two_persons() {
        let now = Instant::default();
        assert_eq!(pending().after(Word::Confirm, ANA, now), Err(No::SamePerson));
        assert_eq!(pending().after(Word::Confirm, BRUNO, now), Ok(RequestState::Confirmed));
        assert_eq!(pending().after(Word::Refuse, BRUNO, now), Ok(RequestState::Refused));
        assert_eq!(pending().after(Word::Withdraw, ANA, now), Ok(RequestState::Withdrawn));
        assert_eq!(pending().after(Word::Withdraw, BRUNO, now), Err(No::NotYours));
    }

    #[test]
    fn what_is_decided_or_too_late_stays_so() {
        let late = Instant::default() + TimeDelta::minutes(5);
        assert_eq!(pending().after(Word::Confirm, BRUNO, late), Err(No::TooLate));
        for state in RequestState::ALL.iter().copied().filter(|state| *state != RequestState::Waiting) {
            let decided = Pending { state, ..pending() };
            for word in [Word::Confirm, Word::Refuse, Word::Withdraw] {
                assert_eq!(decided.after(word, BRUNO, Instant::default()), Err(No::Decided(state)));
            }
        }
    }
}
