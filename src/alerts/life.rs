//! The life of one alert: what may be done with it, and what becomes of it. Pure, and consumed by each step; whoever acts on a
//! row reads its life, takes the step, and writes what came out.
//!
//! draft → submitted → approved → issued → superseded, cleared, cancelled or expired. A submitted alert can be returned, an
//! undecided one discarded. The texts are beside the machine, because no decision depends on what they say; that none is
//! missing is asked by [`missing`].

use crate::alerts::approval::{self, Case, Verdict};
use crate::alerts::kind::AlertKind;
use crate::alerts::refusal::{Lack, Reasoned, Refusal};
use crate::alerts::state::{Act, AlertError, AlertState};
use crate::alerts::store::AlertRow;
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::ids::AlertId;

/// Everything of an alert that decides what may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    pub id: AlertId,
    pub state: AlertState,
    pub kind: AlertKind,
    /// Never changes: an exercise stays one.
    pub status: AlertStatus,
    /// Rises with every change of what it says; an approval counts for exactly one.
    pub revision: i32,
    pub expires_at: Instant,
    /// The alert that this one ends or replaces.
    pub answers: Option<AlertId>,
}

/// An alert that leaves, and what becomes of the one it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub life: Life,
    pub answered: Option<Life>,
}

impl Life {
    /// # Errors
    /// A word in the row that this release does not know.
    pub fn of(row: &AlertRow) -> anyhow::Result<Self> {
        Ok(Self {
            id: row.id,
            state: row.state.parse()?,
            kind: row.kind.parse()?,
            status: row.status.parse()?,
            revision: row.revision,
            expires_at: row.expires_at,
            answers: row.references_alert_id,
        })
    }

    /// The same while it is undecided and nobody changed it since `revision` was read.
    fn at(self, revision: i32) -> Result<Self, AlertError> {
        if !self.state.is_undecided() {
            return Err(Refusal::Decided(self.state).into());
        }
        if self.revision != revision {
            return Err(AlertError::Stale { current: self.revision, yours: revision });
        }
        Ok(self)
    }

    fn then(self, act: Act) -> Result<Self, AlertError> {
        Ok(Self { state: self.state.after(act)?, ..self })
    }

    fn anew(self) -> Self {
        Self { revision: self.revision.saturating_add(1), ..self }
    }

    /// A person changes what it says, which takes a submission back and every approval away.
    ///
    /// # Errors
    /// `Stale`, or `Refused` when it is decided.
    pub fn edit(self, revision: i32) -> Result<Self, AlertError> {
        Ok(self.at(revision)?.then(Act::Edit)?.anew())
    }

    /// A rule changes where it holds or how long. It stays submitted, and every approval goes.
    ///
    /// # Errors
    /// `Refused` when it is decided.
    pub fn widen(self) -> Result<Self, AlertError> {
        Ok(self.then(Act::Widen)?.anew())
    }

    /// # Errors
    /// `Stale`, or `Refused` when it is submitted already or decided.
    pub fn submit(self, revision: i32) -> Result<Self, AlertError> {
        self.at(revision)?.then(Act::Submit)
    }

    /// Given back to whoever wrote it. A new revision, so that no approval of the text that was refused counts.
    ///
    /// # Errors
    /// `Stale`; `Refused` without a reason, or when it was not submitted.
    pub fn send_back(self, revision: i32, reason: &str) -> Result<Self, AlertError> {
        let life = self.at(revision)?.then(Act::Return)?.anew();
        because(reason, Reasoned::Return)?;
        Ok(life)
    }

    /// # Errors
    /// `Stale`; `Refused` without a reason, or when it is decided.
    pub fn discard(self, revision: i32, reason: &str) -> Result<Self, AlertError> {
        let life = self.at(revision)?.then(Act::Discard)?;
        because(reason, Reasoned::Discard)?;
        Ok(life)
    }

    /// A person stands behind it. Approved only when that completes those whom the policy wants.
    ///
    /// # Errors
    /// `Stale`, or `Refused` when it is decided, or when the person would complete their own words.
    pub fn approve(self, revision: i32, case: Case<'_>) -> Result<(Self, Verdict), AlertError> {
        let life = self.at(revision)?;
        match approval::decide(case) {
            Verdict::Refused(why) => Err(Refusal::Approval(why).into()),
            Verdict::Issue => Ok((life.then(Act::Approve)?, Verdict::Issue)),
            verdict @ Verdict::NeedsAnother { .. } => Ok((life, verdict)),
        }
    }

    /// Everybody whom it needs stands behind it: the contingency plan, or persons who were asked elsewhere.
    ///
    /// # Errors
    /// `Stale`, or `Refused` when it is decided.
    pub fn approved(self, revision: i32) -> Result<Self, AlertError> {
        self.at(revision)?.then(Act::Approve)
    }

    /// It leaves, and ends or replaces what it answers.
    ///
    /// # Errors
    /// `Refused` when it is not approved, answers nothing though its kind must, or when the answered one is not in force or
    /// of another status: no exercise ends the real thing, and nothing real ends an exercise.
    pub fn leave(self, answered: Option<Self>) -> Result<Leaving, AlertError> {
        let kind = self.kind;
        let answered = match (kind, answered) {
            (AlertKind::Alert, None) => None,
            (AlertKind::Alert, Some(other)) => {
                return Err(Refusal::AnswersSomething(other.id).into());
            }
            (_, None) => return Err(Refusal::AnswersNothing(kind).into()),
            (_, Some(other)) => Some(self.over(other)?),
        };
        Ok(Leaving { life: self.then(Act::Issue(kind))?, answered })
    }

    /// What becomes of the answered one.
    fn over(&self, other: Self) -> Result<Self, AlertError> {
        if self.answers != Some(other.id) {
            return Err(Refusal::AnswersAnother(other.id).into());
        }
        if self.status != other.status {
            let (mine, theirs) = (self.status.as_str(), other.status.as_str());
            return Err(Refusal::AnswersOtherStatus { mine, theirs }.into());
        }
        other.then(Act::Answered(self.kind))
    }

    /// Its time ran out: what was in force expires, what nobody decided upon is dropped.
    ///
    /// # Errors
    /// `Refused` when its time has not come, or it is over.
    pub fn run_out(self, now: Instant) -> Result<Self, AlertError> {
        if self.expires_at > now {
            return Err(Refusal::LastsUntil(self.expires_at).into());
        }
        let act = if self.state.is_undecided() { Act::Discard } else { Act::RunOut };
        self.then(act)
    }

    /// What it answers was answered by another message first: it has nothing left to say.
    ///
    /// # Errors
    /// `Refused` when it is decided.
    pub fn overtaken(self) -> Result<Self, AlertError> {
        self.then(Act::Discard)
    }
}

/// The longest reason, in characters.
pub const MOST_REASON: usize = 4000;

/// A reason that people can read: not empty, and within its bound.
///
/// # Errors
/// `Refused` with what it is the reason of where there is none, or with how long it is.
pub fn because(reason: &str, of: Reasoned) -> Result<&str, AlertError> {
    let reason = reason.trim();
    match reason.chars().count() {
        0 => Err(Refusal::NoReason(of).into()),
        length if length > MOST_REASON => Err(Refusal::LongReason(length).into()),
        _ => Ok(reason),
    }
}

/// What no message may leave without, one line each: texts, a time to come, and a name that stands for it.
pub fn missing(row: &AlertRow, now: Instant, actor: &str) -> Vec<Lack> {
    let mut missing = Vec::new();
    for (what, text) in [
        ("headline", &row.headline),
        ("description", &row.description),
        ("instruction", &row.instruction),
        ("sms_text", &row.sms_text),
    ] {
        if text.trim().is_empty() {
            missing.push(Lack::Text(what));
        }
    }
    if row.expires_at <= now {
        missing.push(Lack::Expiry(row.expires_at));
    }
    if actor.is_empty() {
        missing.push(Lack::Issuer);
    }
    missing
}

#[cfg(test)]
mod tests;
