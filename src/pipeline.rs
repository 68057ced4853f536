//! Feeds the pure core from the journal and commits what it decides: level, transition, alert draft, outbox rows, incident
//! entry and cursor in one transaction.
//!
//! One process evaluates at a time. The connection that holds the evaluator's advisory lock is the one that writes, so a
//! process that loses its connection loses the right to write with it. After any failed transaction the core's memory is
//! thrown away and read again: memory never runs ahead of what is committed.

mod housekeeping;
mod lead;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tracing::Instrument as _;

use self::housekeeping::housekeeping;
pub use self::lead::run;
use crate::alerts::desk::Desk;
use crate::alerts::draft::Drafter;
use crate::alerts::upkeep;
use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::engine::{Effect, Engine, Explained, Input, ReadingInput, Transition};
use crate::events::{Event, notify};
use crate::failpoint::{self, Place};
use crate::ids::AlertId;
use crate::incidents;
use crate::journal;
use crate::risk::control::Why;
use crate::risk::evaluate::PairMemory;
use crate::risk::network::PairKey;
use crate::risk::store::{self, Cursor};
use crate::rules::memory::{carried, is_kept};
use crate::rules::store as registry;
use crate::rules::sync;
use crate::rules::trial::Trial;
use crate::telemetry::trace;
use crate::units::Level;

/// Rows folded in one transaction.
const BATCH_ROWS: i64 = 2000;
/// Folding gives way to the clock, to changes of the catalogue and to a stop this often, however much waits.
const TURN: TimeDelta = TimeDelta::seconds(1);
/// How often the catalogue is compared with what is judged by, besides the hints.
const COMPARE_EVERY: TimeDelta = TimeDelta::seconds(30);
/// Explanations of levels that did not change are refreshed this often.
const REFRESH: TimeDelta = TimeDelta::seconds(10);

/// Whether rows may be left that were not folded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    Wholly,
    Partly,
}

/// The core with its place in the journal.
#[derive(Debug)]
pub struct Pipeline {
    app: App,
    engine: Engine,
    cursor: Cursor,
    /// Of the catalogue that is judged by.
    version: i64,
    desk: Desk,
    /// What is judged beside it and warns nobody.
    trial: Option<Trial>,
    /// Pairs whose stored explanation is older than what the core knows.
    stale: BTreeSet<usize>,
    saved: Vec<PairMemory>,
    refreshed_at: Instant,
    /// When the catalogue's version was looked at without a hint.
    compared_at: Instant,
}

impl Pipeline {
    /// Reads catalogue, rules, cursor and memories, and refills the windows from the journal.
    pub async fn load(app: &App, conn: &mut PgConnection) -> anyhow::Result<Self> {
        let folder = &app.config.engine.rules_dir;
        let mut tx = conn.begin().await?;
        // Before the catalogue itself: one that changes in between is read again, and none is passed over.
        let version = store::catalogue_version(&mut tx).await?;
        store::forget_removed(&mut tx).await?;
        sync::bring_up(&mut tx, app.clock.now(), folder).await?;
        let rules = registry::current(&mut tx, folder).await?;
        let limits = store::load_limits(&app.config.engine.quality_file)?;
        let network = store::load_network(&mut tx, rules, &limits).await?;
        let remembered = store::load_memories(&mut tx).await?;
        let zone = app.config.municipality.time_zone;
        let mut trial = Trial::beside(&mut tx, &network, &remembered, zone).await?;
        let bound = network.bind()?.in_zone(zone);
        let cursor = store::load_cursor(&mut tx).await?;
        let memories = carried(&bound, &remembered);
        let mut engine = Engine::new(bound);
        let streams = engine.streams();
        let reaches = Trial::with_reaches(trial.as_ref(), engine.reaches());
        let recalled = store::recall(&mut tx, cursor.seq, &streams, &reaches, |reading, back| {
            engine.recall(reading, back);
            trial.iter_mut().for_each(|trial| trial.recall(reading, back));
        })
        .await?;
        engine.resume(&memories, cursor.seq, cursor.through_at);
        trial.iter_mut().for_each(|trial| trial.resume(cursor.seq, cursor.through_at));
        let known: BTreeMap<PairKey, Level> = memories.iter().map(|(key, memory)| (*key, memory.told())).collect();
        let new_pairs: Vec<_> = (0..engine.pairs().len())
            .filter_map(|index| engine.explain(index).filter(|pair| !is_kept(&remembered, pair)))
            .collect();
        store::save_levels(&mut tx, &new_pairs).await?;
        drop(new_pairs);
        tx.commit().await?;
        let pairs = engine.pairs().len();
        tracing::info!(pairs, recalled, seq = cursor.seq.0, "evaluator ready");
        let saved = (0..pairs).filter_map(|index| engine.explain(index).map(|pair| pair.memory.clone())).collect();
        let refreshed_at = app.clock.now();
        let desk = Desk::new(app.clone(), known);
        let stale = (0..pairs).collect();
        Ok(Self {
            app: app.clone(),
            engine,
            cursor,
            version,
            desk,
            trial,
            stale,
            saved,
            refreshed_at,
            compared_at: refreshed_at,
        })
    }

    /// Reads catalogue and rules anew when the catalogue is another one: hints are missed, and come twice.
    async fn reload_if_changed(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        if store::catalogue_version(conn).await? != self.version {
            self.reload(conn).await;
        }
        Ok(())
    }

    /// Reads catalogue and rules anew. What cannot be read changes nothing: the town is judged by what it was judged by.
    async fn reload(&mut self, conn: &mut PgConnection) {
        match Self::load(&self.app, conn).await {
            Ok(fresh) => *self = fresh,
            Err(error) => {
                metrics::counter!("sentinela_evaluator_reload_failures_total").increment(1);
                tracing::error!(
                    error = format!("{error:#}"),
                    "the catalogue or the rules cannot be read; judging by the old ones"
                );
            }
        }
    }

    /// Folds everything that is committed.
    ///
    /// # Errors
    /// The core's memory may then be ahead of the database: load a new pipeline.
    pub async fn drain(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        while self.drain_for(conn, TURN).await? == Drained::Partly {}
        Ok(())
    }

    /// The same for about so long.
    async fn drain_for(&mut self, conn: &mut PgConnection, turn: TimeDelta) -> anyhow::Result<Drained> {
        let started = self.app.clock.now();
        loop {
            let mut tx = conn.begin().await?;
            let mut rows = self.app.ingest.tail().take_after(self.cursor.seq, BATCH_ROWS as usize);
            let mut last_batch = false;
            if rows.is_empty() {
                rows = journal::read_after(&mut tx, self.cursor.seq, BATCH_ROWS).await?;
                // Fewer than asked for are all there were; whatever is committed from here on sends its own hint.
                last_batch = rows.len() < BATCH_ROWS as usize;
                rows = whole_instants(rows);
            }
            let Some(last) = rows.last() else { return Ok(Drained::Wholly) };
            let cursor = Cursor { seq: last.seq, through_at: last.received_at };
            let (watch, count) = (Stopwatch::start(), rows.len() as u64);
            let span = tracing::info_span!(
                target: trace::TARGET,
                "evaluate",
                sentinela.readings = count,
                sentinela.journal.first_seq = rows.first().map_or(0, |row| row.seq.0),
                sentinela.journal.last_seq = cursor.seq.0,
                sentinela.effects = tracing::field::Empty
            );
            let mut effects = Vec::new();
            for row in rows {
                self.step(&Input::Reading(reading_of(row)), &mut effects);
            }
            if effects.is_empty() {
                commit_without_waiting(&mut tx).await?;
            }
            span.record("sentinela.effects", effects.len() as u64);
            self.commit(tx, cursor, effects).instrument(span).await?;
            metrics::histogram!("sentinela_evaluation_seconds").record(watch.elapsed().as_secs_f64());
            metrics::counter!("sentinela_evaluated_readings_total").increment(count);
            if last_batch {
                return Ok(Drained::Wholly);
            }
            if self.app.clock.now() - started >= turn {
                return Ok(Drained::Partly);
            }
        }
    }

    /// Runs what is due by the clock: waiting times, silences, expiries, refreshed explanations.
    pub async fn tick(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let now = self.app.clock.now();
        // Also where a hint came and what it told of could not be read then.
        if now - self.compared_at >= COMPARE_EVERY {
            self.compared_at = now;
            self.reload_if_changed(conn).await?;
        }
        let mut tx = conn.begin().await?;
        let mut busy = housekeeping(&mut tx, now).await?;
        busy |= upkeep::drop_overtaken(&mut tx, &self.app.ids, now).await? > 0;
        let explain = |key: PairKey| self.engine.explanation_of(key);
        busy |= self.drafter().renew_expiring(&mut tx, now, &explain).await?
            + self.drafter().refresh_waiting(&mut tx, now).await?
            > 0;
        // Whom no rule judges any more has the level that was known last, and nobody who could say that it goes on.
        let judged = |pair: &Explained<'_>| pair.pair.rule.is_some();
        let pairs: Vec<_> =
            (0..self.engine.pairs().len()).filter_map(|index| self.engine.explain(index)).filter(judged).collect();
        busy |= self.desk.reconcile(&mut tx, now, &pairs, &explain).await? > 0;
        self.desk.issue_automatic(&mut tx, now).await?;
        let deadlines = [self.engine.next_deadline(), self.trial.as_ref().and_then(Trial::next_deadline)];
        let due = deadlines.into_iter().flatten().any(|deadline| deadline < now);
        let refresh = !self.stale.is_empty() && now - self.refreshed_at >= REFRESH;
        if !due && !refresh {
            return if busy { Ok(tx.commit().await?) } else { Ok(tx.rollback().await?) };
        }
        // While this lock is held nothing is appended, and what is appended later is received later.
        sqlx::query!("select pg_advisory_xact_lock($1)", journal::LOCK).execute(&mut *tx).await?;
        if !journal::read_after(&mut tx, self.cursor.seq, 1).await?.is_empty() {
            // Readings come first; the next round ticks.
            return Ok(tx.commit().await?);
        }
        let mut effects = Vec::new();
        self.step(&Input::Tick(now - TimeDelta::microseconds(1)), &mut effects);
        let cursor = Cursor { seq: self.cursor.seq, through_at: now };
        self.commit(tx, cursor, effects).await
    }

    /// Folds one input into what judges, and into what is on trial.
    fn step(&mut self, input: &Input, effects: &mut Vec<Effect>) {
        self.engine.step(input, effects);
        self.trial.iter_mut().for_each(|trial| trial.step(input));
    }

    async fn commit(
        &mut self,
        mut tx: sqlx::Transaction<'_, sqlx::Postgres>,
        cursor: Cursor,
        effects: Vec<Effect>,
    ) -> anyhow::Result<()> {
        let now = self.app.clock.now();
        self.stale.extend(self.engine.take_touched());
        let (mut transitions, mut flags) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::LevelChanged(transition) => transitions.push((*transition, true)),
                Effect::Told(transition) => transitions.push((*transition, false)),
                Effect::Flagged(flag) => flags.push(*flag),
            }
        }
        store::save_flags(&mut tx, now, &flags).await?;
        let changed = !transitions.is_empty();
        let mut transitions = transitions.into_iter().peekable();
        while let Some((transition, is_shown)) = transitions.next() {
            if is_shown {
                self.show(&mut tx, &transition).await?;
            }
            self.desk.handle(&mut tx, now, &transition).await?;
            // Drafts gather all areas that rise at one instant before a policy issues them.
            if transitions.peek().is_none_or(|(next, _)| next.at != transition.at) {
                self.desk.issue_automatic(&mut tx, now).await?;
            }
        }
        self.save_levels(&mut tx, now, changed).await?;
        self.save_trial(&mut tx).await;
        store::save_cursor(&mut tx, cursor).await?;
        if changed {
            notify(&mut tx, &Event::Levels).await?;
        }
        failpoint::try_reach(Place::EvaluateCommitBefore).await?;
        tx.commit().await?;
        failpoint::reach(Place::EvaluateCommitAfter).await;
        self.cursor = cursor;
        metrics::gauge!("sentinela_evaluator_seq").set(cursor.seq.0 as f64);
        Ok(())
    }

    /// What is on trial never stands in the way: where it cannot be kept it ends until the rules are read again.
    async fn save_trial(&mut self, conn: &mut PgConnection) {
        let Some(trial) = &mut self.trial else { return };
        if let Err(error) = trial.save(conn).await {
            metrics::counter!("sentinela_trial_failures_total").increment(1);
            tracing::error!(
                error = format!("{error:#}"),
                "what is on trial cannot be kept; it rests until the rules are read again"
            );
            self.trial = None;
        }
    }

    /// Saves every pair whose memory moved, and now and then those whose numbers alone moved.
    async fn save_levels(&mut self, conn: &mut PgConnection, now: Instant, changed: bool) -> anyhow::Result<()> {
        let refresh = changed || now - self.refreshed_at >= REFRESH;
        let wanted: Vec<usize> = self
            .stale
            .iter()
            .copied()
            .filter(|&index| {
                refresh
                    || self
                        .engine
                        .memory(index)
                        .zip(self.saved.get(index))
                        .is_some_and(|(memory, saved)| memory != saved)
            })
            .collect();
        let pairs: Vec<_> = wanted.iter().filter_map(|&index| self.engine.explain(index)).collect();
        store::save_levels(conn, &pairs).await?;
        let memories: Vec<PairMemory> = pairs.iter().map(|pair| pair.memory.clone()).collect();
        for (&index, memory) in wanted.iter().zip(memories) {
            if let Some(saved) = self.saved.get_mut(index) {
                *saved = memory;
            }
            self.stale.remove(&index);
        }
        if refresh {
            self.refreshed_at = now;
        }
        Ok(())
    }

    /// Keeps a change of what is shown.
    async fn show(&self, conn: &mut PgConnection, transition: &Transition) -> anyhow::Result<()> {
        store::save_transition(&mut *conn, transition).await?;
        self.note_on_incident(conn, transition).await?;
        metrics::counter!("sentinela_level_transitions_total", "to" => transition.to.as_str()).increment(1);
        Ok(())
    }

    /// Writes the change onto the incident of the area's newest alert, of those with the status that the rules draft with: what
    /// really happens is no part of an exercise.
    async fn note_on_incident(&self, conn: &mut PgConnection, transition: &Transition) -> anyhow::Result<()> {
        let alert = sqlx::query_scalar!(
            r#"select a.id as "id: AlertId" from alert a join alert_area aa on aa.alert_id = a.id
               join incident_alert ia on ia.alert_id = a.id join incident i on i.id = ia.incident_id and i.state = 'open'
               where aa.area_id = $1 and a.cobrade = $2 and a.status = $3 order by a.issued_at desc limit 1"#,
            transition.pair.area.0,
            transition.pair.hazard.to_string(),
            self.app.config.alerts.status.as_str()
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(alert) = alert else { return Ok(()) };
        let text = format!("{}: {} → {}", transition.area_name, transition.from, transition.to);
        let detail = json!({ "area_id": transition.pair.area, "from": transition.from, "to": transition.to,
            "rule": format!("{} v{}", transition.rule_id, transition.rule_version), "reasons": transition.reasons });
        incidents::store::add_entry_for_alert(conn, alert, transition.at, "rule", "level", &text, &detail).await?;
        Ok(())
    }

    fn drafter(&self) -> Drafter<'_> {
        Drafter { config: &self.app.config, templates: &self.app.templates, ids: &self.app.ids }
    }
}

/// Where readings changed no level, only the place in the journal moves. A database that crashes before it has synced that
/// stands a little earlier in the journal, and the same readings are folded again. So nobody need wait for the disk.
async fn commit_without_waiting(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(r#"select set_config('synchronous_commit', 'off', true) as "was!""#).fetch_one(conn).await?;
    Ok(())
}

/// A full batch ends where an instant ends, so that what is decided at one instant does not depend on where batches are
/// cut. An instant that fills a whole batch is cut all the same.
fn whole_instants(mut rows: Vec<journal::JournalRow>) -> Vec<journal::JournalRow> {
    if rows.len() == BATCH_ROWS as usize
        && let Some(last) = rows.last().map(|row| row.received_at)
        && rows.first().is_some_and(|first| first.received_at < last)
    {
        rows.retain(|row| row.received_at < last);
    }
    rows
}

fn reading_of(row: journal::JournalRow) -> ReadingInput {
    ReadingInput {
        seq: row.seq,
        datastream: row.datastream_id,
        observed_at: row.observed_at,
        received_at: row.received_at,
        value: row.value,
        quality: row.quality,
        why: (!row.quality_reason.is_empty()).then(|| Box::new(Why::Range { told: row.quality_reason })),
        revises: row.revises_seq,
    }
}
