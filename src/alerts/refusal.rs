//! Why an act upon an alert is refused, and what keeps one from leaving. `Display` is for programs and logs, in English; pages say the
//! same in the reader's language (`web/pages/alerts/told.rs`).

use crate::alerts::approval::Why;
use crate::alerts::cap::validate::Problem;
use crate::alerts::kind::AlertKind;
use crate::alerts::state::{Act, AlertState};
use crate::clock::Instant;
use crate::feeds::warnings::draft::Refusal as WarningRefusal;
use crate::ids::{AlertId, AreaId};

/// What a person has to write down the reason of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoned {
    Cancel,
    Return,
    Discard,
}

impl Reasoned {
    pub const fn key(self) -> &'static str {
        match self {
            Self::Cancel => "refused-why-cancel",
            Self::Return => "refused-why-return",
            Self::Discard => "refused-why-discard",
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Cancel => "the alert is cancelled",
            Self::Return => "the draft is returned",
            Self::Discard => "the draft is discarded",
        }
    }
}

/// Why an act was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("a {state} alert does not allow {act:?}")]
    State { state: AlertState, act: Act },
    #[error("the alert is {0} and can no longer be changed")]
    Decided(AlertState),
    #[error("{by} has issued this alert as number {number}; nothing is left to approve")]
    IssuedBefore { by: String, number: String },
    #[error("only a person approves")]
    NoPerson,
    #[error("{0} has not approved this draft as it stands")]
    NotApproved(String),
    #[error("{0}")]
    Approval(Why),
    #[error("say why {}", .0.done())]
    NoReason(Reasoned),
    #[error("the reason has {0} characters; at most {most}", most = crate::alerts::life::MOST_REASON)]
    LongReason(usize),
    #[error("a first alert answers nothing, this one answers {0}")]
    AnswersSomething(AlertId),
    #[error("an {0} must answer an alert")]
    AnswersNothing(AlertKind),
    #[error("this alert does not answer {0}")]
    AnswersAnother(AlertId),
    #[error("an alert of status {mine} cannot answer one of status {theirs}")]
    AnswersOtherStatus { mine: &'static str, theirs: &'static str },
    #[error("the alert lasts until {0}")]
    LastsUntil(Instant),
    #[error("an alert needs at least one area")]
    NoArea,
    #[error("an alert needs at least one place; add another before you take this one out")]
    LastPlace,
    #[error("no place was taken out that could be put back")]
    NothingToRestore,
    #[error("the risk area is in the alert already, or out of service")]
    AreaTaken,
    #[error("there is no risk area in service with the id {0}")]
    NoSuchArea(AreaId),
    #[error("an alert holds for at most {0} places besides risk areas")]
    ManyPlaces(i64),
    #[error("{name:?} lies {km:.0} km from the town; are latitude and longitude swapped?")]
    FarPlace { name: String, km: f64 },
    #[error("{0:?} encloses nothing")]
    EmptyPlace(String),
    #[error("headline is one line, without control characters")]
    HeadlineLines,
    #[error("{field} has {length} characters; at most {most}")]
    LongText { field: &'static str, length: usize, most: usize },
    #[error("{field} is empty; write it, or take the template's text again")]
    EmptyText { field: &'static str },
    #[error("expires_at is {0}; at most 72 hours from now")]
    LateExpiry(Instant),
    #[error("expires_at is {0}, which is over; give a time to come")]
    PastExpiry(Instant),
    #[error("expires_at is {0:?}, which is no local time such as 2026-02-24T03:40")]
    UnreadableExpiry(String),
    #[error("this alert waits for nobody")]
    WaitsForNobody,
    #[error("the exercise {title:?} is {state}; its alerts leave while it runs")]
    ExerciseNotRunning { title: String, state: crate::exercises::ExerciseState },
    #[error("{0}")]
    Warning(WarningRefusal),
    #[error("neither code nor words of the warning name a hazard; choose one")]
    WarningNamesNoHazard,
    #[error("the warning touches none of the risk areas; choose the areas")]
    WarningTouchesNothing,
}

/// One thing that keeps a message from leaving.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    #[error("the {} is empty", .0.replace('_', " "))]
    Text(&'static str),
    #[error("it expires at {0}, which is over")]
    Expiry(Instant),
    #[error("nobody entitled issues it")]
    Issuer,
    #[error("it has no area")]
    Area,
    /// A rule of CAP 1.2 that it breaks.
    #[error("{}: {}", .0.path, .0.message)]
    Cap(Problem),
    #[error("alert/Signature: the message cannot be signed: {0}")]
    Signature(String),
}
