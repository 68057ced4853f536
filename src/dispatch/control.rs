//! Pause, resume and cancel what is unsent of one alert. Pure: `desk` carries it out, `store::control` keeps it.
//!
//! ```text
//! running ⇄ paused      running, paused ──cancel──▶ cancelled (for good)
//! ```
//!
//! None of it touches what a provider has, or may have. Time runs on: what expires while it is paused has expired.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::units::vocabulary;

/// Longest reason, in characters.
pub const MOST_REASON: usize = 500;

/// Column `outbox.reason` of a row that was cancelled.
pub const CANCELLED: &str = "dispatch_cancelled";

vocabulary! {
    /// Column `dispatch_control.control`.
    Control, "state of a dispatch" {
        Running = "running",
        /// Nothing more is handed to a provider until somebody resumes.
        Paused = "paused",
        /// What was not sent stays unsent.
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// What a person does to it.
    Act, "act on a dispatch" {
        Pause = "pause",
        Resume = "resume",
        Cancel = "cancel",
    }
}

impl Control {
    /// The state after an act: the same when the act was done already, so that whoever repeats a request changes nothing.
    ///
    /// # Errors
    /// What was cancelled neither pauses nor goes on.
    pub fn after(self, act: Act) -> Result<Self, ControlError> {
        match (self, act) {
            (Self::Running | Self::Paused, Act::Pause) => Ok(Self::Paused),
            (Self::Running | Self::Paused, Act::Resume) => Ok(Self::Running),
            (_, Act::Cancel) => Ok(Self::Cancelled),
            (Self::Cancelled, Act::Pause | Act::Resume) => Err(ControlError::Refused(
                "what was unsent of this alert was cancelled; that cannot be taken back".to_owned(),
            )),
        }
    }
}

/// How the dispatch of one alert stands, and who made it so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DispatchControl)]
pub struct Standing {
    #[schema(value_type = String)]
    pub control: Control,
    /// Null, and no name, of one that was never touched.
    pub since: Option<DateTime<Utc>>,
    pub by: String,
    pub reason: String,
}

impl Standing {
    pub const fn untouched() -> Self {
        Self { control: Control::Running, since: None, by: String::new(), reason: String::new() }
    }

    pub fn is_paused(&self) -> bool {
        self.control == Control::Paused
    }

    pub fn is_cancelled(&self) -> bool {
        self.control == Control::Cancelled
    }
}

/// What an act did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DispatchControlled)]
pub struct Done {
    pub standing: Standing,
    /// False when it stood so already.
    pub changed: bool,
    /// Rows that waited to be sent when it was done.
    pub waiting: i64,
    /// Rows that a provider was being handed: they end as they will.
    pub under_way: i64,
}

/// When staff are told that a dispatch is still paused: `after_min` minutes after it began, and again each as many. `None` while it
/// is not due, or for 0.
pub fn page_is_due(since: Instant, paged_at: Option<Instant>, after_min: u32, now: Instant) -> Option<i64> {
    let wait = chrono::TimeDelta::minutes(after_min.into());
    (after_min > 0 && paged_at.unwrap_or(since) + wait <= now).then(|| (now - since).num_minutes())
}

/// A reason, trimmed.
///
/// # Errors
/// `ControlError::Reason` unless it has 1 to 500 characters.
pub fn reason(given: &str) -> Result<&str, ControlError> {
    let given = given.trim();
    if (1..=MOST_REASON).contains(&given.chars().count()) { Ok(given) } else { Err(ControlError::Reason(given.into())) }
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("the alert was not found")]
    NotFound,
    #[error("{0}")]
    Refused(String),
    #[error("reason: expected 1 to 500 characters")]
    Reason(String),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<ControlError> for crate::web::error::ApiError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NotFound => Self::NotFound("the alert".into()),
            ControlError::Refused(why) => Self::Conflict(why),
            ControlError::Reason(given) => Self::field("reason", given, "expected 1 to 500 characters"),
            ControlError::Database(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn at(minutes: i64) -> Instant {
        from_micros(minutes * 60_000_000)
    }

    #[test]
    fn an_act_that_was_done_already_changes_nothing_and_is_no_error() {
        for (state, act) in
            [(Control::Paused, Act::Pause), (Control::Running, Act::Resume), (Control::Cancelled, Act::Cancel)]
        {
            assert_eq!(state.after(act).unwrap(), state);
        }
    }

    #[test]
    fn what_was_cancelled_never_goes_on() {
        for act in [Act::Pause, Act::Resume] {
            assert!(Control::Cancelled.after(act).is_err(), "{act}");
        }
        assert_eq!(Control::Paused.after(Act::Cancel).unwrap(), Control::Cancelled);
        assert_eq!(Control::Paused.after(Act::Resume).unwrap(), Control::Running);
    }

    #[test]
    fn staff_hear_of_a_pause_after_so_many_minutes_and_again_each_as_many() {
        assert_eq!(page_is_due(at(0), None, 5, at(4)), None);
        assert_eq!(page_is_due(at(0), None, 5, at(5)), Some(5));
        assert_eq!(page_is_due(at(0), Some(at(5)), 5, at(9)), None);
        assert_eq!(page_is_due(at(0), Some(at(5)), 5, at(10)), Some(10));
        assert_eq!(page_is_due(at(0), None, 0, at(99)), None, "0 pages nobody");
    }

    #[test]
    fn a_reason_says_something_and_not_too_much() {
        assert_eq!(reason("  texto errado ").unwrap(), "texto errado");
        assert!(reason(" \n").is_err() && reason(&"x".repeat(501)).is_err());
    }
}
