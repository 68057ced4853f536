//! How a row of the outbox moves. Pure: the instant and the chance come in, the next state and its reason come out.
//!
//! ```text
//! pending ──claim──▶ sending ──▶ accepted ──receipt──▶ delivered
//!    ▲                 │  │  └──▶ unknown ──receipt──▶ undelivered
//!    └──── retry ──────┘  └─────▶ rejected
//! pending ──▶ expired (the alert died)   pending ──▶ suppressed (withdrawn, or never meant to leave)
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retry::{self, Code, Verdict};
use crate::clock::Instant;
use crate::units::UnknownWord;

/// Column `outbox.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Pending,
    Sending,
    Accepted,
    Unknown,
    Delivered,
    Rejected,
    Undelivered,
    Expired,
    Suppressed,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Sending,
        Self::Accepted,
        Self::Unknown,
        Self::Delivered,
        Self::Rejected,
        Self::Undelivered,
        Self::Expired,
        Self::Suppressed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
            Self::Suppressed => "suppressed",
        }
    }

    /// Nothing more will be tried for this row. A receipt may still say how it ended.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Sending)
    }

    /// What a receipt makes of this state; `None` when it is already as far or farther.
    /// A copy that arrived counts whatever was said before; a failure never undoes a delivery.
    pub const fn after_receipt(self, fate: Fate) -> Option<Self> {
        match (fate, self) {
            (_, Self::Delivered) | (Fate::Undelivered, Self::Undelivered) | (Fate::OnItsWay, _) => None,
            (Fate::Delivered, _) => Some(Self::Delivered),
            // A resend is under way or waits: it may still succeed.
            (Fate::Undelivered, Self::Pending | Self::Sending) => None,
            (Fate::Undelivered, _) => Some(Self::Undelivered),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownWord {
            what: "delivery state",
            word: text.to_owned(),
            expected: &[
                "pending",
                "sending",
                "accepted",
                "unknown",
                "delivered",
                "rejected",
                "undelivered",
                "expired",
                "suppressed",
            ],
        })
    }
}

/// What a receipt says about one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    OnItsWay,
    Delivered,
    Undelivered,
}

impl Fate {
    /// The word in `delivery_receipt.status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnItsWay => "on_its_way",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }
}

/// What came of handing one message to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// The channel has no receipts of its own and the message is where it was meant to go.
    Delivered,
    Refused {
        code: Code,
        detail: String,
    },
    /// It certainly did not leave: there was no connection.
    NotSent {
        detail: String,
    },
    /// It left, or may have, and no answer came.
    Unknown {
        detail: String,
    },
}

impl Outcome {
    /// The word of traces.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Refused { .. } => "refused",
            Self::NotSent { .. } => "not_sent",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Limits a try is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub retry_base: Duration,
    pub retry_max: Duration,
}

impl Policy {
    pub fn of(config: &crate::config::Dispatch) -> Self {
        Self {
            retry_base: Duration::from_secs(config.retry_base_s.into()),
            retry_max: Duration::from_secs(config.retry_max_s.into()),
        }
    }
}

/// A claimed row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// This try, from 1; of those with this provider where others gave the row up before.
    pub attempt: i32,
    pub expires_at: Instant,
    /// Real warnings are sent again when nobody knows whether they arrived: rather twice than never.
    pub life_safety: bool,
}

/// Where a row goes after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    pub state: State,
    pub reason: String,
    /// Set when `state` is pending.
    pub next_attempt_at: Option<Instant>,
}

impl Sending {
    /// Ends the try. `chance` lies in 0..1.
    pub fn end(self, outcome: &Outcome, policy: &Policy, now: Instant, chance: f64) -> Next {
        match outcome {
            Outcome::Accepted => Next::to(State::Accepted, ""),
            Outcome::Delivered => Next::to(State::Delivered, ""),
            Outcome::Unknown { detail } if self.life_safety => self.again(detail, policy, now, chance),
            Outcome::Unknown { detail } => Next::to(State::Unknown, detail),
            Outcome::NotSent { detail } => self.again(detail, policy, now, chance),
            Outcome::Refused { code, detail } => {
                let reason = format!("{code} {detail}");
                let reason = reason.trim_end();
                match retry::verdict(*code) {
                    Verdict::Permanent => Next::to(State::Rejected, reason),
                    Verdict::RetryBounded if self.attempt >= retry::BOUNDED_ATTEMPTS => {
                        Next::to(State::Rejected, reason)
                    }
                    Verdict::Retry | Verdict::Throttled | Verdict::RetryBounded => {
                        self.again(reason, policy, now, chance)
                    }
                }
            }
        }
    }

    /// Whether this try ends with words that nobody knows, as often as one provider may say them. Another provider may know better.
    pub fn is_given_up(self, outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Refused { code, .. } if retry::verdict(*code) == Verdict::RetryBounded)
            && self.attempt >= retry::BOUNDED_ATTEMPTS
    }

    fn again(self, reason: &str, policy: &Policy, now: Instant, chance: f64) -> Next {
        let at = now + retry::wait(policy.retry_base, policy.retry_max, self.attempt, chance);
        if at >= self.expires_at {
            return Next::to(State::Expired, reason);
        }
        Next { state: State::Pending, reason: reason.to_owned(), next_attempt_at: Some(at) }
    }
}

impl Next {
    /// At once, by whoever else carries the channel.
    pub fn by_another(reason: String, now: Instant) -> Self {
        Self { state: State::Pending, reason, next_attempt_at: Some(now) }
    }

    fn to(state: State, reason: &str) -> Self {
        Self { state, reason: reason.to_owned(), next_attempt_at: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    const POLICY: Policy = Policy { retry_base: Duration::from_secs(2), retry_max: Duration::from_secs(60) };

    fn at(seconds: i64) -> Instant {
        from_micros(seconds * 1_000_000)
    }

    fn row(attempt: i32, life_safety: bool) -> Sending {
        Sending { attempt, expires_at: at(3600), life_safety }
    }

    fn refused(status: u32) -> Outcome {
        Outcome::Refused { code: Code::Smpp(status), detail: String::new() }
    }

    #[test]
    fn an_unknown_outcome_of_a_warning_is_sent_again_and_of_anything_else_is_not() {
        let unknown = Outcome::Unknown { detail: "no answer".into() };
        let next = row(1, true).end(&unknown, &POLICY, at(0), 0.5);
        assert_eq!((next.state, next.next_attempt_at), (State::Pending, Some(at(1))));
        assert_eq!(row(1, false).end(&unknown, &POLICY, at(0), 0.5).state, State::Unknown);
    }

    #[test]
    fn a_wrong_number_is_rejected_at_once() {
        let next = row(1, true).end(&refused(0x0b), &POLICY, at(0), 0.5);
        assert_eq!((next.state, next.reason.as_str()), (State::Rejected, "smpp 0x0000000b"));
    }

    #[test]
    fn throttling_never_becomes_permanent_while_the_alert_lives() {
        let next = row(1000, true).end(&refused(0x58), &POLICY, at(0), 1.0);
        assert_eq!((next.state, next.next_attempt_at), (State::Pending, Some(at(60))));
    }

    #[test]
    fn a_code_nobody_knows_is_given_up_after_six_tries() {
        assert_eq!(row(5, true).end(&refused(0x400), &POLICY, at(0), 0.0).state, State::Pending);
        assert_eq!(row(6, true).end(&refused(0x400), &POLICY, at(0), 0.0).state, State::Rejected);
    }

    #[test]
    fn only_a_code_nobody_knows_is_given_up_and_only_at_the_last_try() {
        assert!(row(6, true).is_given_up(&refused(0x400)) && !row(5, true).is_given_up(&refused(0x400)));
        assert!(!row(6, true).is_given_up(&refused(0x0b)) && !row(6, true).is_given_up(&refused(0x58)));
    }

    #[test]
    fn a_retry_that_would_come_after_the_alert_died_is_not_planned() {
        let next = row(9, true).end(&refused(0x58), &POLICY, at(3590), 1.0);
        assert_eq!((next.state, next.next_attempt_at), (State::Expired, None));
    }

    #[test]
    fn receipts_move_a_row_only_forward() {
        for state in State::ALL {
            if let Some(next) = state.after_receipt(Fate::Delivered) {
                assert_eq!((next, next.after_receipt(Fate::Undelivered)), (State::Delivered, None));
            }
            assert_eq!(state.after_receipt(Fate::OnItsWay), None);
        }
        assert_eq!(State::Accepted.after_receipt(Fate::Undelivered), Some(State::Undelivered));
        assert_eq!(State::Undelivered.after_receipt(Fate::Delivered), Some(State::Delivered));
        assert_eq!(State::Sending.after_receipt(Fate::Undelivered), None);
    }

    #[test]
    fn every_state_has_a_word_of_its_own() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>().unwrap(), state);
        }
    }
}
