//! A whole comparison: the journal's last days and every storm, with its progress. Pure.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::preview::{Compared, Stretch, compare};
use super::storms::STORMS;
use crate::clock::Instant;
use crate::risk::control::Defaults;
use crate::risk::network::Network;
use crate::risk::rule::Rule;
use crate::units::Level;

/// Everything it needs.
#[derive(Clone, Debug)]
pub struct Work {
    pub candidate: Rule,
    pub active: Option<Rule>,
    /// The town's own last days; none where the journal holds nothing.
    pub journal: Option<Stretch>,
    pub limits: Defaults,
    pub draft_from: Level,
}

/// What is kept with the version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackTest {
    pub at: Instant,
    pub days: i32,
    /// The version it was compared with; none where none was active.
    pub active_version: Option<i32>,
    /// Of the journal first, then of the storms that either version has something to say to.
    pub stretches: Vec<Compared>,
}

/// How far it is, and whether it shall go on.
#[derive(Debug, Default)]
pub struct Progress {
    pub done: AtomicUsize,
    pub stop: AtomicBool,
}

/// How many steps a comparison has.
pub fn steps() -> usize {
    STORMS.len() + 1
}

/// Compares; none when it was told to stop.
///
/// # Errors
/// A storm that cannot be read: never, a test reads them.
pub fn carry_out(work: &Work, progress: &Progress) -> anyhow::Result<Option<Vec<Compared>>> {
    let mut found = Vec::new();
    let go_on = || !progress.stop.load(Ordering::Relaxed);
    let active = work.active.as_ref();
    if let Some(journal) = &work.journal {
        let Some(compared) = compare(journal, &work.candidate, active, work.draft_from, go_on)? else {
            return Ok(None);
        };
        found.push(compared);
    }
    progress.done.fetch_add(1, Ordering::Relaxed);
    for storm in STORMS {
        let stretch = storm.stretch(&work.limits)?;
        if speaks_to(&work.candidate, &stretch.network)? {
            let Some(compared) = compare(&stretch, &work.candidate, active, work.draft_from, go_on)? else {
                return Ok(None);
            };
            found.push(compared);
        }
        progress.done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Some(found))
}

/// Whether a rule judges an area there and hears a stream of it.
fn speaks_to(rule: &Rule, network: &Network) -> anyhow::Result<bool> {
    let bound = Network { rules: vec![rule.clone()], ..network.clone() }.bind()?;
    Ok(bound.pairs.iter().any(|pair| pair.rule.is_some() && !pair.streams().is_empty()))
}
