//! A candidate against the active version over one stretch of time: the same readings through two cores. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alerts::book::{self, Change, Decision, OpenAlert};
use crate::alerts::kind::AlertKind;
use crate::clock::Instant;
use crate::engine::{Effect, Engine, Input, ReadingInput, Transition};
use crate::ids::AlertId;
use crate::risk::network::{Network, PairKey};
use crate::risk::rule::Rule;
use crate::risk::stream::Windows;
use crate::units::Level;

/// Areas whose bands are kept, those that differ first.
const MOST_BANDS: usize = 60;
/// Changes of one band that are kept.
const MOST_CHANGES: usize = 400;
/// Somebody is asked whether to go on once in so many readings.
const TURN: usize = 4096;

/// A stretch of time with everything that was measured in it.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// "journal", or the storm's key.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// Streams and areas; the rules are exchanged.
    pub network: Network,
    /// In whose days seasons and quiet hours are counted.
    pub zone: Tz,
    /// In order of their receipt.
    pub readings: Vec<ReadingInput>,
    /// What happens before only fills the windows.
    pub from: Instant,
    pub to: Instant,
}

/// What came of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    pub key: String,
    pub title: String,
    pub from: Instant,
    pub to: Instant,
    pub readings: usize,
    pub candidate: Side,
    /// None where no version of the rule is active.
    pub active: Option<Side>,
    /// Areas that the candidate judges.
    pub areas: usize,
    /// Of them those that stood at another level at some time.
    pub different: usize,
    /// Those that differ first, then those that rose highest.
    pub bands: Vec<Band>,
}

/// What one version did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Hours under each level, summed over the areas.
    pub area_hours: BTreeMap<Level, f64>,
    /// The first rise to each level: when, and where.
    pub first: Vec<Rise>,
    /// Drafts it would have laid before the coordinator.
    pub drafts: u32,
    /// Areas that rose to each level or above.
    pub risen: BTreeMap<Level, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rise {
    pub level: Level,
    pub at: Instant,
    pub area: String,
}

/// The levels of one area, one version over the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    pub area: String,
    pub candidate: Vec<Stand>,
    pub active: Vec<Stand>,
}

/// From this instant on it stood at this level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    pub at: Instant,
    pub level: Level,
}

/// How far back the readings of these rules reach, each on its own over the town.
///
/// # Errors
/// A rule that clashes with itself: never.
pub fn reach<'a>(network: &Network, rules: impl IntoIterator<Item = &'a Rule>) -> anyhow::Result<TimeDelta> {
    let mut furthest = 0;
    for rule in rules {
        let bound = Network { rules: vec![rule.clone()], ..network.clone() }.bind()?;
        furthest = furthest.max(bound.windows.iter().map(Windows::furthest).max().unwrap_or(0));
    }
    Ok(TimeDelta::microseconds(furthest) + TimeDelta::hours(1))
}

/// Runs both over the stretch. `go_on` is asked now and then; none when it said no.
///
/// # Errors
/// A rule that clashes with itself: never.
pub fn compare(
    stretch: &Stretch,
    candidate: &Rule,
    active: Option<&Rule>,
    draft_from: Level,
    mut go_on: impl FnMut() -> bool,
) -> anyhow::Result<Option<Compared>> {
    let Some(new) = Run::over(stretch, candidate, draft_from, &mut go_on)? else { return Ok(None) };
    let old = match active {
        Some(rule) => match Run::over(stretch, rule, draft_from, &mut go_on)? {
            Some(run) => Some(run),
            None => return Ok(None),
        },
        None => None,
    };
    let nobody = Run::default();
    let before = old.as_ref().unwrap_or(&nobody);
    let empty = Vec::new();
    let mut bands: Vec<(bool, Level, Band)> = Vec::new();
    for (key, (area, stands)) in &new.pairs {
        let active = before.pairs.get(key).map_or(&empty, |(_, stands)| stands);
        let highest = stands.iter().chain(active).map(|stand| stand.level).max().unwrap_or(Level::Normal);
        let band = Band { area: area.clone(), candidate: stands.clone(), active: active.clone() };
        bands.push((stands != active, highest, band));
    }
    bands.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then_with(|| a.2.area.cmp(&b.2.area)));
    let different = bands.iter().filter(|(differs, ..)| *differs).count();
    let areas = bands.len();
    let shown = bands.into_iter().filter(|(differs, highest, _)| *differs || *highest > Level::Normal);
    let bands = shown.take(MOST_BANDS).map(|(.., band)| shortened(band)).collect();
    Ok(Some(Compared {
        key: stretch.key.clone(),
        title: stretch.title.clone(),
        from: stretch.from,
        to: stretch.to,
        readings: stretch.readings.len(),
        candidate: new.side(stretch),
        active: old.as_ref().map(|run| run.side(stretch)),
        areas,
        different,
        bands,
    }))
}

fn shortened(mut band: Band) -> Band {
    band.candidate.truncate(MOST_CHANGES);
    band.active.truncate(MOST_CHANGES);
    band
}

/// One version over the stretch.
#[derive(Default)]
struct Run {
    /// Name and levels of each area it judges.
    pairs: BTreeMap<PairKey, (String, Vec<Stand>)>,
    drafts: u32,
}

impl Run {
    fn over(
        stretch: &Stretch,
        rule: &Rule,
        draft_from: Level,
        go_on: &mut impl FnMut() -> bool,
    ) -> anyhow::Result<Option<Self>> {
        let network = Network { rules: vec![rule.clone()], ..stretch.network.clone() };
        let mut engine = Engine::new(network.bind()?.in_zone(stretch.zone));
        let judged = engine.pairs().iter().filter(|pair| pair.rule.is_some());
        let start = Stand { at: stretch.from, level: Level::Unknown };
        let pairs = judged.map(|pair| (pair.key, (pair.area_name.clone(), vec![start]))).collect();
        let (mut run, mut book) = (Self { pairs, drafts: 0 }, Book::new(draft_from));
        let mut effects = Vec::new();
        for (index, reading) in stretch.readings.iter().enumerate() {
            if index % TURN == 0 && !go_on() {
                return Ok(None);
            }
            engine.step(&Input::Reading(reading.clone()), &mut effects);
            run.take(stretch, &mut book, &mut effects);
        }
        engine.step(&Input::Tick(stretch.to), &mut effects);
        run.take(stretch, &mut book, &mut effects);
        Ok(Some(run))
    }

    fn take(&mut self, stretch: &Stretch, book: &mut Book, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            let (transition, is_shown) = match effect {
                Effect::LevelChanged(transition) => (transition, true),
                // Quiet hours are over: what was shown already wakes people now.
                Effect::Told(transition) => (transition, false),
                Effect::Flagged(_) => continue,
            };
            let drafted = book.drafts(&transition);
            let Some((_, stands)) = self.pairs.get_mut(&transition.pair) else { continue };
            if transition.at <= stretch.from {
                *stands = vec![Stand { at: stretch.from, level: transition.to }];
                continue;
            }
            self.drafts += drafted;
            if is_shown {
                stands.push(Stand { at: transition.at, level: transition.to });
            }
        }
    }

    fn side(&self, stretch: &Stretch) -> Side {
        let mut side = Side { drafts: self.drafts, ..Side::default() };
        let mut first: BTreeMap<Level, Rise> = BTreeMap::new();
        for (area, stands) in self.pairs.values() {
            for (index, stand) in stands.iter().enumerate() {
                let until = stands.get(index + 1).map_or(stretch.to, |next| next.at);
                let hours = (until - stand.at).num_seconds() as f64 / 3600.0;
                *side.area_hours.entry(stand.level).or_default() += hours.max(0.0);
                let rise = || Rise { level: stand.level, at: stand.at, area: area.clone() };
                if stand.level > Level::Normal && first.get(&stand.level).is_none_or(|earlier| stand.at < earlier.at) {
                    first.insert(stand.level, rise());
                }
            }
            let highest = stands.iter().map(|stand| stand.level).max().unwrap_or(Level::Unknown);
            for level in Level::ALL.iter().filter(|level| **level > Level::Normal && **level <= highest) {
                *side.risen.entry(*level).or_default() += 1;
            }
        }
        side.first = first.into_values().collect();
        side
    }
}

/// The alert book while nobody decides: drafts gather every area that reaches the same level, as they would on the desk.
struct Book {
    draft_from: Level,
    open: Vec<OpenAlert>,
    known: BTreeMap<PairKey, Level>,
    count: u128,
}

impl Book {
    const fn new(draft_from: Level) -> Self {
        Self { draft_from, open: Vec::new(), known: BTreeMap::new(), count: 0 }
    }

    /// How many drafts of warnings a change makes.
    fn drafts(&mut self, transition: &Transition) -> u32 {
        let pair = transition.pair;
        self.known.insert(pair, transition.known);
        let change = Change {
            area: pair.area,
            hazard: pair.hazard,
            before: transition.known_before,
            now: transition.known,
            blind: transition.to == Level::Unknown,
        };
        if change.before == change.now {
            return 0;
        }
        let known = &self.known;
        let level_of = |area| known.get(&PairKey { area, hazard: pair.hazard }).copied().unwrap_or(Level::Normal);
        let mut drafted = 0;
        for decided in book::decide(&change, &self.open, self.draft_from, level_of) {
            match decided.decision {
                Decision::Draft => {
                    drafted += 1;
                    self.count += 1;
                    self.open.push(OpenAlert {
                        id: AlertId(Uuid::from_u128(self.count)),
                        kind: AlertKind::Alert,
                        // Stays a draft as long as areas may join it: until it falls.
                        draft: true,
                        hazard: change.hazard,
                        level: change.now,
                        areas: [change.area].into(),
                        references: None,
                        by_rule: true,
                    });
                }
                Decision::Join(id) => {
                    if let Some(alert) = self.open.iter_mut().find(|alert| alert.id == id) {
                        alert.areas.insert(change.area);
                    }
                }
                Decision::Leave(id) => {
                    if let Some(alert) = self.open.iter_mut().find(|alert| alert.id == id) {
                        alert.areas.remove(&change.area);
                    }
                    self.open.retain(|alert| !alert.areas.is_empty());
                }
                Decision::DraftAllClear(id) | Decision::DropAllClear(id) => self.open.retain(|alert| alert.id != id),
            }
        }
        drafted
    }
}

#[cfg(test)]
mod tests;
