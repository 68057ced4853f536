//! Versions on trial: judged beside the active ones by the same readings, in the same transactions, and told to nobody but the
//! page of their rule. A trial must never stand in the way of the real thing: what goes wrong here ends here.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use sqlx::{Connection as _, PgConnection};

use super::life::State;
use super::memory::{Remembered, carried};
use super::store;
use super::store::trials;
use crate::clock::Instant;
use crate::engine::{Effect, Engine, Input, ReadingInput, Transition};
use crate::ids::Seq;
use crate::risk::evaluate::PairMemory;
use crate::risk::network::{Network, PairKey};
use crate::risk::series::Micros;
use crate::units::Quality;

/// A second core with the rules on trial alone.
#[derive(Debug)]
pub struct Trial {
    engine: Engine,
    memories: BTreeMap<PairKey, PairMemory>,
    /// What each pair's kept memory is.
    saved: Vec<Option<PairMemory>>,
    touched: BTreeSet<usize>,
    /// Not written yet.
    transitions: Vec<Transition>,
}

impl Trial {
    /// [`Self::load`] for the evaluator: where that fails the town is judged without a trial.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn beside(
        conn: &mut PgConnection,
        network: &Network,
        known: &BTreeMap<PairKey, Remembered>,
        zone: Tz,
    ) -> sqlx::Result<Option<Self>> {
        let mut savepoint = conn.begin().await?;
        match Self::load(&mut savepoint, network, known, zone).await {
            Ok(trial) => savepoint.commit().await.map(|()| trial),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "what is on trial cannot be read; it rests");
                savepoint.rollback().await.map(|()| None)
            }
        }
    }

    /// Reads what is on trial over the town of `network`; none when nothing is. A pair that begins a trial begins with the level
    /// the town knows it to have, so that what differs later is the rule's doing.
    ///
    /// # Errors
    /// What the database says; a text that cannot be read; two rules on trial for the same.
    pub async fn load(
        conn: &mut PgConnection,
        network: &Network,
        known: &BTreeMap<PairKey, Remembered>,
        zone: Tz,
    ) -> anyhow::Result<Option<Self>> {
        trials::forget_ended(&mut *conn).await?;
        let rules = store::in_state(&mut *conn, State::Trial).await?;
        if rules.is_empty() {
            return Ok(None);
        }
        let bound = Network { streams: network.streams.clone(), areas: network.areas.clone(), rules };
        let bound = bound.bind()?.in_zone(zone);
        let mut memories = carried(&bound, known);
        memories.extend(carried(&bound, &trials::memories(conn).await?));
        let saved = vec![None; bound.pairs.len()];
        let touched = (0..bound.pairs.len()).collect();
        Ok(Some(Self { engine: Engine::new(bound), memories, saved, touched, transitions: Vec::new() }))
    }

    /// How far back each stream must be recalled for both cores. They have the same streams in the same order.
    pub fn with_reaches(trial: Option<&Self>, mut reaches: Vec<Micros>) -> Vec<Micros> {
        let own = trial.map_or_else(Vec::new, |trial| trial.engine.reaches());
        reaches.iter_mut().zip(own).for_each(|(reach, own)| *reach = (*reach).max(own));
        reaches
    }

    /// As [`Engine::recall`].
    pub fn recall(&mut self, reading: &ReadingInput, taken_back: Option<Quality>) {
        self.engine.recall(reading, taken_back);
    }

    /// As [`Engine::resume`], with the memories that were read.
    pub fn resume(&mut self, seq: Seq, through: Instant) {
        self.engine.resume(&self.memories, seq, through);
    }

    /// As [`Engine::step`]. What it decides waits for [`Self::save`]; doubts about readings are the other core's to tell.
    pub fn step(&mut self, input: &Input) {
        let mut effects = Vec::new();
        self.engine.step(input, &mut effects);
        for effect in effects {
            if let Effect::LevelChanged(transition) = effect {
                self.transitions.push(*transition);
            }
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.engine.next_deadline()
    }

    /// Writes what moved, within the transaction that the readings are folded in.
    ///
    /// # Errors
    /// What the database says. The caller's transaction is as it was before.
    pub async fn save(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        self.touched.extend(self.engine.take_touched());
        let moved: Vec<usize> =
            std::mem::take(&mut self.touched).into_iter().filter(|&index| self.has_moved(index)).collect();
        if moved.is_empty() && self.transitions.is_empty() {
            return Ok(());
        }
        let mut savepoint = conn.begin().await?;
        for transition in std::mem::take(&mut self.transitions) {
            trials::save_transition(&mut savepoint, &transition).await?;
        }
        let pairs: Vec<_> = moved.iter().filter_map(|&index| self.engine.explain(index)).collect();
        trials::save(&mut savepoint, &pairs).await?;
        savepoint.commit().await?;
        for index in moved {
            let memory = self.engine.memory(index).cloned();
            if let Some(slot) = self.saved.get_mut(index) {
                *slot = memory;
            }
        }
        Ok(())
    }

    /// Whether a pair that a rule on trial judges remembers something else than is kept.
    fn has_moved(&self, index: usize) -> bool {
        let judged = self.engine.pairs().get(index).is_some_and(|pair| pair.rule.is_some());
        judged && self.saved.get(index).is_some_and(|saved| saved.as_ref() != self.engine.memory(index))
    }
}
