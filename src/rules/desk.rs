//! Acts on rules, each in one transaction with its entry in the audit, for the pages, the API and the command line alike.

use anyhow::Context as _;
use chrono_tz::Tz;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::check::{self, Checked, Kept, MOST_BYTES};
use super::life::{Ask, Done, Life, Outcome, Refusal, State};
use super::outline::{self, Outline};
use super::store::{self, NewAct, NewVersion, Source, Version};
use super::{is_rule_id, sync, town};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::config;
use crate::events::{Event, notify};
use crate::ids::{Ids, StaffId};
use crate::risk::network::Network;

/// The longest note or reason, in letters.
pub const MOST_LETTERS: usize = 1000;

/// Who acts, when, and under which configuration.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub engine: &'a config::Engine,
    /// The town's own, for seasons in the tests beside a rule.
    pub zone: Tz,
    pub ids: &'a Ids,
    pub now: Instant,
    pub by: &'a Actor,
}

/// A version of a rule, at the revision that somebody saw.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    pub rule: &'a str,
    pub version: i32,
    /// None: whichever it has.
    pub revision: Option<i32>,
}

#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    #[error("there is no version {1} of rule {0:?}")]
    NotFound(String, i32),
    /// The field that is wrong, its value, and what was expected.
    #[error("{field}: {message}")]
    Wrong { field: &'static str, value: String, message: String },
    #[error("the version changed meanwhile: you saw revision {seen}, it has {has}")]
    Stale { seen: i32, has: i32 },
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state of other things does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The check found errors.
    #[error("the check found {} errors", .0.errors())]
    Errors(Box<Checked>),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

fn wrong(field: &'static str, value: &str, message: impl Into<String>) -> RuleError {
    RuleError::Wrong { field, value: value.to_owned(), message: message.into() }
}

/// # Errors
/// `Wrong` when the words are too many, or none where some are needed.
fn words<'a>(field: &'static str, text: &'a str, needed: bool) -> Result<&'a str, RuleError> {
    let text = text.trim();
    let count = text.chars().count();
    if count > MOST_LETTERS || (needed && count == 0) || text.contains('\0') {
        let least = if needed { 1 } else { 0 };
        return Err(wrong(field, text, format!("expected {least} to {MOST_LETTERS} letters that say why")));
    }
    Ok(text)
}

fn bounded(text: &str) -> Result<(), RuleError> {
    if text.is_empty() || text.len() > MOST_BYTES || text.contains('\0') {
        return Err(wrong("text", "", format!("expected a rule of 1 to {MOST_BYTES} bytes, without NUL")));
    }
    Ok(())
}

impl Desk<'_> {
    /// Takes in a new version, or a new rule. The text names both; a version must be above those that are there.
    ///
    /// # Errors
    /// `Wrong` names the field; `Conflict` when the number is taken.
    pub async fn propose(&self, conn: &mut PgConnection, text: &str, note: &str) -> Result<Version, RuleError> {
        bounded(text)?;
        let outline = Outline::read(text).map_err(|error| wrong("text", "", error.to_string()))?;
        if !is_rule_id(&outline.id) {
            return Err(wrong("text", &outline.id, "`id` must be 1 to 64 small letters, digits, - or _"));
        }
        let version = i32::try_from(outline.version).ok().filter(|version| *version > 0);
        let version = version.ok_or_else(|| wrong("text", &outline.version.to_string(), "`version` starts at 1"))?;
        store::take_turn(&mut *conn).await?;
        let highest = store::highest(&mut *conn, &outline.id).await?.unwrap_or(0);
        if version <= highest {
            let next = highest + 1;
            return Err(RuleError::Conflict(format!(
                "rule {} has a version {highest} already; write `version = {next}` in the text",
                outline.id
            )));
        }
        self.add(conn, (&outline.id, version), text, words("note", note, false)?).await
    }

    /// A new draft from the text of a version, under the next number.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn redraft(&self, conn: &mut PgConnection, of: At<'_>) -> Result<Version, RuleError> {
        store::take_turn(&mut *conn).await?;
        let base = self.locked(&mut *conn, of).await?;
        let next = store::highest(&mut *conn, of.rule).await?.unwrap_or(0) + 1;
        let text = outline::with_version(&base.text, next);
        self.add(conn, (of.rule, next), &text, "").await
    }

    async fn add(
        &self,
        conn: &mut PgConnection,
        (rule_id, version): (&str, i32),
        text: &str,
        note: &str,
    ) -> Result<Version, RuleError> {
        let new = NewVersion {
            rule_id,
            version,
            text,
            state: State::Draft,
            source: Source::Person,
            product_version: None,
            note,
            written_by: self.person(),
        };
        store::insert(&mut *conn, self.now, &new).await?;
        let kept = self.found(&mut *conn, rule_id, version).await?;
        self.note(&mut *conn, &kept, (Done::Proposed, State::Draft), note).await?;
        Ok(kept)
    }

    /// Saves another text. Whatever was found of the old one, and every approval, goes.
    ///
    /// # Errors
    /// `Stale`, `Refused` for what was tried or active once.
    pub async fn edit(
        &self,
        conn: &mut PgConnection,
        at: At<'_>,
        text: &str,
        note: &str,
    ) -> Result<Version, RuleError> {
        bounded(text)?;
        let note = words("note", note, false)?;
        let (version, life) = self.turn(&mut *conn, at).await?;
        if (version.text.as_str(), version.note.as_str()) == (text, note) {
            return Ok(version);
        }
        life.after(Ask::Edit, self.person())?;
        store::rewrite(&mut *conn, self.now, &version, (text, note), self.person()).await?;
        let kept = self.found(&mut *conn, at.rule, at.version).await?;
        self.note(&mut *conn, &kept, (Done::Edited, State::Draft), "").await?;
        Ok(kept)
    }

    /// Checks a draft against the town as it stands; without errors it is a draft no more.
    ///
    /// # Errors
    /// `Stale`, `Refused` for what is no draft. Errors of the text are no error here: they are kept and given back.
    pub async fn check(&self, conn: &mut PgConnection, at: At<'_>) -> Result<Checked, RuleError> {
        // Before the turn: playing the tests takes time, and nobody has to wait for it. Active rules that come between are seen by the
        // approval, which checks again.
        let seen = self.locked(&mut *conn, at).await?;
        let network = self.network(&mut *conn).await?;
        let kept = Kept { id: at.rule, version: at.version };
        let checked = check_apart(kept, &seen.text, network, self.zone).await?;
        let (version, life) = self.turn(&mut *conn, At { revision: Some(seen.revision), ..at }).await?;
        match life.after(Ask::Check { errors: checked.errors() }, self.person()) {
            Ok((life, outcome)) => {
                store::keep_checked(&mut *conn, self.now, &version, &checked).await?;
                self.keep(conn, &version, &life, outcome, "").await?;
            }
            Err(Refusal::Errors(_)) => {
                store::keep_checked(&mut *conn, self.now, &version, &checked).await?;
                notify(conn, &Event::Rules).await?;
            }
            Err(refusal) => return Err(refusal.into()),
        }
        Ok(checked)
    }

    /// Keeps what a comparison of a revision found.
    ///
    /// # Errors
    /// `Refused` when the text is another by now.
    pub async fn back_tested(&self, conn: &mut PgConnection, at: At<'_>, result: &Value) -> Result<(), RuleError> {
        let revision = at.revision.unwrap_or(0);
        let (version, life) = self.turn(&mut *conn, At { revision: None, ..at }).await?;
        let (life, outcome) = life.after(Ask::BackTest { revision }, self.person())?;
        store::keep_back_test(&mut *conn, self.now, &version, result).await?;
        self.keep(conn, &version, &life, outcome, "").await
    }

    /// Judges the version beside the active one from now on. It warns nobody.
    ///
    /// # Errors
    /// `Conflict` when another version of the rule, or another rule for the same, is on trial.
    pub async fn start_trial(&self, conn: &mut PgConnection, at: At<'_>) -> Result<(), RuleError> {
        let (version, life) = self.turn(&mut *conn, at).await?;
        let (life, outcome) = life.after(Ask::StartTrial, self.person())?;
        let mut rules = store::in_state(&mut *conn, State::Trial).await?;
        if let Some(other) = rules.iter().find(|rule| rule.id == at.rule) {
            return Err(RuleError::Conflict(format!(
                "version {} of this rule is on trial; end that first",
                other.version
            )));
        }
        rules.push(rule_of(&version)?);
        let together = Network { rules, ..Network::default() }.bind();
        together.map_err(|clash| RuleError::Conflict(format!("another rule on trial: {clash}")))?;
        self.keep(&mut *conn, &version, &life, outcome, "").await?;
        notify(conn, &Event::Catalogue).await?;
        Ok(())
    }

    /// # Errors
    /// `Refused` for what is on no trial.
    pub async fn end_trial(&self, conn: &mut PgConnection, at: At<'_>, reason: &str) -> Result<(), RuleError> {
        self.simply(conn, at, Ask::EndTrial, words("reason", reason, false)?).await
    }

    /// Sends a version back to its author. What was tried is given up instead, because its text stands.
    ///
    /// # Errors
    /// `Wrong` without a reason; `Refused`.
    pub async fn give_back(&self, conn: &mut PgConnection, at: At<'_>, reason: &str) -> Result<(), RuleError> {
        self.simply(conn, at, Ask::Return, words("reason", reason, true)?).await
    }

    /// Gives a version up before it was ever active.
    ///
    /// # Errors
    /// `Wrong` without a reason; `Refused`.
    pub async fn withdraw(&self, conn: &mut PgConnection, at: At<'_>, reason: &str) -> Result<(), RuleError> {
        self.simply(conn, at, Ask::Withdraw, words("reason", reason, true)?).await
    }

    /// Takes back one's own approval.
    ///
    /// # Errors
    /// `Refused` when there is none.
    pub async fn take_back(&self, conn: &mut PgConnection, at: At<'_>) -> Result<(), RuleError> {
        self.simply(conn, at, Ask::TakeBack, "").await
    }

    /// A person stands behind the activation. The second one carries it out: from the same instant the town is judged by it.
    ///
    /// # Errors
    /// `Conflict` where a folder is the authority; `Errors` when it does not fit the town as it stands by now; `Refused`.
    pub async fn approve(&self, conn: &mut PgConnection, at: At<'_>, reason: &str) -> Result<Outcome, RuleError> {
        self.may_activate()?;
        let reason = words("reason", reason, true)?;
        let (version, life) = self.turn(&mut *conn, at).await?;
        let (life, outcome) = life.after(Ask::Approve, self.person())?;
        // The first of two learns as well what the second would be refused for.
        let network = self.network(&mut *conn).await?;
        let kept = Kept { id: at.rule, version: at.version };
        let checked = check_apart(kept, &version.text, network, self.zone).await?;
        if checked.errors() > 0 {
            return Err(RuleError::Errors(Box::new(checked)));
        }
        if life.state == State::Active {
            let versions = store::versions(&mut *conn, Some(at.rule)).await?;
            if let Some(before) = versions.into_iter().find(|version| version.state == State::Active) {
                let (ended, replaced) = life_of(&mut *conn, &before).await?.after(Ask::Replace, None)?;
                let why = format!("version {} took its place", at.version);
                self.keep(&mut *conn, &before, &ended, replaced, &why).await?;
            }
        }
        self.keep(&mut *conn, &version, &life, outcome, reason).await?;
        if life.state == State::Active {
            notify(conn, &Event::Catalogue).await?;
        }
        Ok(outcome)
    }

    /// A person stands behind ending the active version with nothing in its place.
    ///
    /// # Errors
    /// `Conflict` where a folder is the authority; `Refused`.
    pub async fn retire(&self, conn: &mut PgConnection, at: At<'_>, reason: &str) -> Result<Outcome, RuleError> {
        self.may_activate()?;
        let reason = words("reason", reason, true)?;
        let (version, life) = self.turn(&mut *conn, at).await?;
        let (life, outcome) = life.after(Ask::Retire, self.person())?;
        self.keep(&mut *conn, &version, &life, outcome, reason).await?;
        if life.state == State::Retired {
            notify(conn, &Event::Catalogue).await?;
        }
        Ok(outcome)
    }

    /// # Errors
    /// Where the rules come from a folder, that is where they change.
    fn may_activate(&self) -> Result<(), RuleError> {
        let folder = &self.engine.rules_dir;
        if folder.is_empty() {
            return Ok(());
        }
        Err(RuleError::Conflict(format!(
            "the rules come from the folder {folder} (engine.rules_dir): put the text there to activate it"
        )))
    }

    async fn simply(&self, conn: &mut PgConnection, at: At<'_>, ask: Ask, reason: &str) -> Result<(), RuleError> {
        let (version, life) = self.turn(&mut *conn, at).await?;
        let (life, outcome) = life.after(ask, self.person())?;
        self.keep(&mut *conn, &version, &life, outcome, reason).await?;
        if version.state == State::Trial && life.state != State::Trial {
            notify(conn, &Event::Catalogue).await?;
        }
        Ok(())
    }

    /// The version and its life, while nobody else changes the registry.
    async fn turn(&self, conn: &mut PgConnection, at: At<'_>) -> Result<(Version, Life), RuleError> {
        store::take_turn(&mut *conn).await?;
        let version = self.locked(&mut *conn, at).await?;
        let life = life_of(conn, &version).await?;
        Ok((version, life))
    }

    async fn locked(&self, conn: &mut PgConnection, at: At<'_>) -> Result<Version, RuleError> {
        let version = self.found(conn, at.rule, at.version).await?;
        match at.revision {
            Some(seen) if seen != version.revision => Err(RuleError::Stale { seen, has: version.revision }),
            _ => Ok(version),
        }
    }

    async fn found(&self, conn: &mut PgConnection, rule: &str, version: i32) -> Result<Version, RuleError> {
        let found = store::find(conn, rule, version).await?;
        found.ok_or_else(|| RuleError::NotFound(rule.to_owned(), version))
    }

    /// State, act, audit and hint together.
    async fn keep(
        &self,
        conn: &mut PgConnection,
        version: &Version,
        life: &Life,
        outcome: Outcome,
        reason: &str,
    ) -> Result<(), RuleError> {
        store::set_state(&mut *conn, self.now, version, life.state, life.revision).await?;
        // An approval counts for the revision that was read; a return makes another.
        let done = outcome.done();
        let revision = if done == Done::Returned { life.revision } else { version.revision };
        let kept = Version { revision, ..version.clone() };
        self.note(conn, &kept, (done, life.state), reason).await
    }

    async fn note(
        &self,
        conn: &mut PgConnection,
        version: &Version,
        (done, state): (Done, State),
        reason: &str,
    ) -> Result<(), RuleError> {
        let act = NewAct {
            rule_id: &version.rule_id,
            version: version.version,
            revision: version.revision,
            at: self.now,
            actor: &self.by.name,
            staff: self.person(),
            done,
            state,
            reason,
        };
        store::record(&mut *conn, &act).await?;
        let object = format!("{} v{}", version.rule_id, version.version);
        let after = json!({ "state": state, "revision": version.revision });
        let entry = Entry::new(audited(done), "rule", object).because(reason).to(after);
        audit::record(&mut *conn, self.ids, self.now, self.by, entry).await?;
        notify(conn, &Event::Rules).await?;
        Ok(())
    }

    /// The town with the rules that judge it.
    async fn network(&self, conn: &mut PgConnection) -> anyhow::Result<Network> {
        town::read(conn, self.engine).await
    }

    fn person(&self) -> Option<StaffId> {
        self.by.id.map(StaffId)
    }
}

/// As [`check::check`], on a thread where nobody else waits: a text may bring many tests.
///
/// # Errors
/// When the thread fell.
pub async fn check_apart(kept: Kept<'_>, text: &str, network: Network, zone: Tz) -> anyhow::Result<Checked> {
    let (id, version, text) = (kept.id.to_owned(), kept.version, text.to_owned());
    let work = move || check::check(Kept { id: &id, version }, &text, network, zone);
    tokio::task::spawn_blocking(work).await.context("the check of a rule ended early")
}

/// A version as the state machine needs it.
pub async fn life_of(conn: &mut PgConnection, version: &Version) -> sqlx::Result<Life> {
    let approvals = store::ids(&store::stands_behind(conn, version).await?);
    Ok(Life {
        state: version.state,
        author: version.written_by,
        revision: version.revision,
        approvals,
        used: version.is_used(),
    })
}

fn rule_of(version: &Version) -> Result<crate::risk::rule::Rule, RuleError> {
    sync::parse(version).map_err(|error| RuleError::Conflict(error.to_string()))
}

/// The audit's word for what was done.
const fn audited(done: Done) -> Act {
    match done {
        Done::Proposed => Act::RulePropose,
        Done::Edited => Act::RuleEdit,
        Done::Checked => Act::RuleCheck,
        Done::BackTested => Act::RuleBackTest,
        Done::TrialStarted => Act::RuleStartTrial,
        Done::TrialEnded => Act::RuleEndTrial,
        Done::Approved => Act::RuleApprove,
        Done::TookBack => Act::RuleTakeBack,
        Done::RetirementApproved => Act::RuleApproveRetirement,
        Done::Activated => Act::RuleActivate,
        Done::Returned => Act::RuleReturn,
        Done::Withdrew => Act::RuleWithdraw,
        Done::Retired | Done::Replaced => Act::RuleRetire,
    }
}
