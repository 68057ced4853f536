//! The life of one version of a rule. Pure: a transition takes the version as it stands and gives back what becomes of it, or
//! says why not.
//!
//! draft → checked → back_tested → (trial) → active → retired. Whoever changes a text makes it a draft again. Two persons stand
//! behind an activation, and the author is never the last of them; the same holds for retiring a rule without another in its
//! place, because then nobody watches what it watched.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::alerts::approval::{self, Case, Verdict};
use crate::ids::StaffId;
use crate::units::vocabulary;

/// How many persons an activation or a retirement needs.
pub const PERSONS: usize = 2;

vocabulary! {
    /// Where a version stands.
    State, "state of a rule" {
        Draft = "draft",
        /// Its text is right, clashes with no active rule, and binds to the town.
        Checked = "checked",
        /// Compared with the active version over past days and storms.
        BackTested = "back_tested",
        /// Judged beside the active version, and warns nobody.
        Trial = "trial",
        Active = "active",
        Retired = "retired",
        /// Given up before it was ever active.
        Withdrawn = "withdrawn",
    }
}

vocabulary! {
    /// What was done to a version, as `rule_act.act` holds it.
    Done, "act on a rule" {
        Proposed = "propose",
        Edited = "edit",
        Checked = "check",
        BackTested = "back_test",
        TrialStarted = "start_trial",
        TrialEnded = "end_trial",
        Approved = "approve",
        TookBack = "take_back",
        RetirementApproved = "approve_retirement",
        Activated = "activate",
        Returned = "return",
        Withdrew = "withdraw",
        Retired = "retire",
        /// Another version took its place.
        Replaced = "replace",
    }
}

/// What somebody wants of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Saves another text.
    Edit,
    /// The check found so many errors.
    Check {
        errors: usize,
    },
    /// The comparison of this revision ended.
    BackTest {
        revision: i32,
    },
    StartTrial,
    EndTrial,
    /// Stands behind the activation.
    Approve,
    /// Takes back one's own word.
    TakeBack,
    /// Sends it back to its author.
    Return,
    /// Gives it up.
    Withdraw,
    /// Stands behind ending the active version without another in its place.
    Retire,
    /// Another version of the rule became active.
    Replace,
}

/// A version as the decision needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    pub state: State,
    /// Whose words it has; none for the product's and the folder's.
    pub author: Option<StaffId>,
    pub revision: i32,
    /// Who stands behind this revision for what may come next (its activation, or of an active one its end), and may still do so.
    pub approvals: BTreeSet<StaffId>,
    /// It was tried or active once: its text stands for good.
    pub used: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands where `Life::state` says now.
    Done(Done),
    /// The word counts; somebody else must join.
    Waits { done: Done, have: usize },
}

impl Outcome {
    pub const fn done(self) -> Done {
        match self {
            Self::Done(done) | Self::Waits { done, .. } => done,
        }
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a version that is {state} does not allow this")]
    State { state: State, ask: Ask },
    #[error("the check found {0} errors; correct them first")]
    Errors(usize),
    #[error("a version that was tried or active is never rewritten; make a new one from its text")]
    Used,
    #[error("only a person decides this")]
    NoPerson,
    #[error(
        "whoever wrote a version cannot be the last to approve it; another person is needed, or the first takes the approval back \
         and gives it after the author's"
    )]
    AuthorCompletes,
    #[error("you have not approved this version as it stands")]
    NothingToTakeBack,
    #[error("the text has changed since the comparison was asked for")]
    Stale,
}

impl Life {
    /// What becomes of the version when `by` asks this (none: the service itself).
    ///
    /// # Errors
    /// Why it stays what it is. The caller keeps nothing of a version that was refused and reads it again.
    pub fn after(self, ask: Ask, by: Option<StaffId>) -> Result<(Self, Outcome), Refusal> {
        use State::{Active, BackTested, Checked, Draft, Trial};
        let refused = Refusal::State { state: self.state, ask };
        match (ask, self.state) {
            (Ask::Edit, Draft | Checked | BackTested | Trial) if self.used => Err(Refusal::Used),
            (Ask::Edit, Draft | Checked | BackTested) => Ok(self.rewritten(by).ending(Draft, Done::Edited)),
            (Ask::Check { errors }, Draft) if errors > 0 => Err(Refusal::Errors(errors)),
            (Ask::Check { .. }, Draft) => Ok(self.ending(Checked, Done::Checked)),
            (Ask::BackTest { revision }, Checked | BackTested | Trial) if revision != self.revision => {
                Err(Refusal::Stale)
            }
            (Ask::BackTest { .. }, Checked) => Ok(self.ending(BackTested, Done::BackTested)),
            // A fresh comparison of what has one already.
            (Ask::BackTest { .. }, BackTested | Trial) => {
                let state = self.state;
                Ok(self.ending(state, Done::BackTested))
            }
            (Ask::StartTrial, BackTested) => {
                let mut life = self;
                life.used = true;
                Ok(life.ending(Trial, Done::TrialStarted))
            }
            (Ask::EndTrial, Trial) => Ok(self.ending(BackTested, Done::TrialEnded)),
            (Ask::Approve, BackTested | Trial) => self.approved(by, Active, (Done::Approved, Done::Activated)),
            (Ask::Retire, Active) => self.approved(by, State::Retired, (Done::RetirementApproved, Done::Retired)),
            (Ask::TakeBack, BackTested | Trial | Active) => self.took_back(by),
            // What was tried cannot be rewritten, so sending it back would lead nowhere.
            (Ask::Return, BackTested | Trial | Checked) if self.used => {
                Ok(self.ending(State::Withdrawn, Done::Withdrew))
            }
            (Ask::Return, Checked | BackTested) => {
                let author = self.author;
                Ok(self.rewritten(author).ending(Draft, Done::Returned))
            }
            (Ask::Withdraw, Draft | Checked | BackTested | Trial) => Ok(self.ending(State::Withdrawn, Done::Withdrew)),
            (Ask::Replace, Active) => Ok(self.ending(State::Retired, Done::Replaced)),
            _ => Err(refused),
        }
    }

    fn ending(mut self, state: State, done: Done) -> (Self, Outcome) {
        // What somebody stood behind was another step.
        if matches!(done, Done::Activated | Done::Retired | Done::Withdrew | Done::Replaced) {
            self.approvals.clear();
        }
        self.state = state;
        (self, Outcome::Done(done))
    }

    /// Another revision, which nobody has approved.
    fn rewritten(mut self, author: Option<StaffId>) -> Self {
        self.revision += 1;
        self.approvals.clear();
        self.author = author;
        self
    }

    fn approved(
        mut self,
        by: Option<StaffId>,
        to: State,
        (word, deed): (Done, Done),
    ) -> Result<(Self, Outcome), Refusal> {
        let person = by.ok_or(Refusal::NoPerson)?;
        // Whose words an active version has says nothing about ending it.
        let author = if self.state == State::Active { None } else { self.author };
        match approval::decide(Case { persons: PERSONS, author, approvals: &self.approvals, asks: person }) {
            Verdict::Issue => {
                self.used = true;
                Ok(self.ending(to, deed))
            }
            Verdict::NeedsAnother { have } => {
                self.approvals.insert(person);
                Ok((self, Outcome::Waits { done: word, have }))
            }
            Verdict::Refused(_) => Err(Refusal::AuthorCompletes),
        }
    }

    fn took_back(mut self, by: Option<StaffId>) -> Result<(Self, Outcome), Refusal> {
        let person = by.ok_or(Refusal::NoPerson)?;
        if !self.approvals.remove(&person) {
            return Err(Refusal::NothingToTakeBack);
        }
        Ok((self, Outcome::Done(Done::TookBack)))
    }

    /// Whether this could be asked now by somebody (of approvals: by somebody else than those who gave theirs).
    pub fn allows(&self, ask: Ask) -> bool {
        // Nobody's id: stands for a colleague who did nothing yet.
        let colleague = StaffId(uuid::Uuid::from_u128(u128::MAX));
        self.clone().after(ask, Some(colleague)).is_ok()
    }
}

#[cfg(test)]
mod tests;
