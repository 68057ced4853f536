//! Replays recorded storms through the same core with a virtual clock, and writes down what it would have done.
//!
//! Pure: readings in, transcript out. `sentinela simulate` reads the files; goldens live in `simulations/expected`.

mod door;
mod doubts;
mod faults;
mod scenario;
mod years;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::Serialize;
use uuid::Uuid;

pub use door::{Arrivals, arrivals};
use doubts::{Doubted, Doubts};
pub use faults::{Fault, FaultKind, WrongFault, lay_over};
pub use scenario::Scenario;
pub use years::Repeat;

use crate::alerts::book::{self, Change, Decision, OpenAlert};
use crate::alerts::kind::AlertKind;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::engine::{Effect, Engine, Input, ReadingInput, Transition};
use crate::ids::{AlertId, AreaId, DatastreamId};
use crate::risk::control::{Flag, Why};
use crate::risk::network::{Bound, PairKey};
use crate::risk::reason::{MeasureKind, Outcome, Reason};
use crate::units::{Fixed, Level, Quality};

/// One recorded reading: station and stream resolved to the network's own id.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub datastream: DatastreamId,
    pub observed_at: Instant,
    /// How much later than the scenario's delay it comes. Below zero where the device's clock is ahead.
    pub late: TimeDelta,
    pub value: Fixed,
    /// What the range test says of it, as at the live doors, and unless it passes why.
    pub quality: Quality,
    pub why: Option<Box<Why>>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    Level(Box<Transition>),
    Drafted {
        at: Instant,
        alert: u32,
        what: AlertKind,
        hazard: Cobrade,
        level: Level,
        area: String,
        answers: Option<u32>,
        reason: String,
    },
    Joined {
        at: Instant,
        alert: u32,
        area: String,
    },
    Left {
        at: Instant,
        alert: u32,
        area: String,
        reason: String,
    },
    Issued {
        at: Instant,
        alert: u32,
        what: AlertKind,
        areas: usize,
    },
    Withdrawn {
        at: Instant,
        alert: u32,
        reason: String,
    },
}

impl Happening {
    const fn at(&self) -> Instant {
        match self {
            Self::Level(transition) => transition.at,
            Self::Drafted { at, .. }
            | Self::Joined { at, .. }
            | Self::Left { at, .. }
            | Self::Issued { at, .. }
            | Self::Withdrawn { at, .. } => *at,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transcript {
    pub readings: usize,
    /// Readings that a live door would refuse, because they lie in the future.
    pub refused: usize,
    /// Readings that say again what was known.
    pub repeated: usize,
    pub happenings: Vec<Happening>,
    /// The level of each area in the end.
    pub final_levels: Vec<(String, Cobrade, Level)>,
    /// What quality control did not believe.
    pub doubts: Vec<Doubted>,
}

/// Folds the readings, a person who approves on time standing by.
pub fn replay(scenario: &Scenario, bound: Bound, readings: &[Recorded]) -> Transcript {
    let arrivals = arrivals(scenario.delay(), readings);
    let mut engine = Engine::new(bound);
    let mut desk = Desk::new(scenario);
    let mut effects = Vec::new();
    let mut last = Instant::default();
    for reading in arrivals.readings {
        last = reading.received_at;
        desk.note_range(&engine, &reading);
        engine.step(&Input::Reading(reading), &mut effects);
        desk.take(&engine, &mut effects, last);
    }
    // The end of the record is not the end of the storm: run the timers one day on, as silence would.
    let end = last + TimeDelta::days(1);
    engine.step(&Input::Tick(end), &mut effects);
    desk.take(&engine, &mut effects, end);
    let final_levels = (0..engine.pairs().len())
        .filter_map(|index| engine.explain(index))
        .map(|pair| (pair.pair.area_name.clone(), pair.pair.key.hazard, pair.memory.shown))
        .collect();
    let doubts = desk.doubts.all();
    let (refused, repeated) = (arrivals.refused, arrivals.repeated);
    Transcript { readings: readings.len(), refused, repeated, happenings: desk.happenings, final_levels, doubts }
}

/// The alert book with its scripted person.
struct Desk {
    draft_from: Level,
    patience: TimeDelta,
    open: Vec<(OpenAlert, Instant)>,
    names: BTreeMap<AreaId, String>,
    known: BTreeMap<PairKey, Level>,
    happenings: Vec<Happening>,
    doubts: Doubts,
    count: u32,
}

impl Desk {
    fn new(scenario: &Scenario) -> Self {
        Self {
            draft_from: scenario.draft_from,
            patience: TimeDelta::minutes(i64::from(scenario.approve_after_min)),
            open: Vec::new(),
            names: BTreeMap::new(),
            known: BTreeMap::new(),
            happenings: Vec::new(),
            doubts: Doubts::default(),
            count: 0,
        }
    }

    /// The range test speaks at the door, before the core: so the core flags nothing.
    fn note_range(&mut self, engine: &Engine, reading: &ReadingInput) {
        if let Some(why) = &reading.why {
            let &ReadingInput { seq, datastream, observed_at, quality, .. } = reading;
            let flag = Flag { seq, datastream, observed_at, quality, why: why.as_ref().clone() };
            self.doubts.add(engine.station_of(datastream), &flag);
        }
    }

    fn take(&mut self, engine: &Engine, effects: &mut Vec<Effect>, until: Instant) {
        for effect in effects.drain(..) {
            match effect {
                Effect::LevelChanged(transition) => {
                    self.approve_due(transition.at);
                    self.handle(*transition, true);
                }
                Effect::Told(transition) => {
                    self.approve_due(transition.at);
                    self.handle(*transition, false);
                }
                Effect::Flagged(flag) => self.doubts.add(engine.station_of(flag.datastream), &flag),
            }
        }
        self.approve_due(until - TimeDelta::microseconds(1));
    }

    fn handle(&mut self, transition: Transition, is_shown: bool) {
        let (at, pair) = (transition.at, transition.pair);
        self.names.insert(pair.area, transition.area_name.clone());
        let change = Change {
            area: pair.area,
            hazard: pair.hazard,
            before: transition.known_before,
            now: transition.known,
            blind: transition.to == Level::Unknown,
        };
        self.known.insert(pair, transition.known);
        if is_shown {
            self.happenings.push(Happening::Level(Box::new(transition)));
        }
        if change.before == change.now {
            return;
        }
        let open: Vec<OpenAlert> = self.open.iter().map(|(alert, _)| alert.clone()).collect();
        let known = &self.known;
        let level_of = |area| known.get(&PairKey { area, hazard: pair.hazard }).copied().unwrap_or(Level::Normal);
        for decided in book::decide(&change, &open, self.draft_from, level_of) {
            self.act(at, &change, &decided.decision, decided.reason);
        }
    }

    fn act(&mut self, at: Instant, change: &Change, decision: &Decision, reason: String) {
        let area = self.names.get(&change.area).cloned().unwrap_or_default();
        match *decision {
            Decision::Draft => {
                let alert = self.add(at, AlertKind::Alert, change.hazard, change.now, [change.area].into(), None);
                let (hazard, level) = (change.hazard, change.now);
                self.happenings.push(Happening::Drafted {
                    at,
                    alert,
                    what: AlertKind::Alert,
                    hazard,
                    level,
                    area,
                    answers: None,
                    reason,
                });
            }
            Decision::Join(id) => {
                if let Some((alert, _)) = self.open.iter_mut().find(|(alert, _)| alert.id == id) {
                    alert.areas.insert(change.area);
                }
                self.happenings.push(Happening::Joined { at, alert: number_of(id), area });
            }
            Decision::Leave(id) => {
                if let Some((alert, _)) = self.open.iter_mut().find(|(alert, _)| alert.id == id) {
                    alert.areas.remove(&change.area);
                }
                self.open.retain(|(alert, _)| !alert.areas.is_empty());
                self.happenings.push(Happening::Left { at, alert: number_of(id), area, reason });
            }
            Decision::DraftAllClear(id) => {
                let Some(answered) = self.open.iter().find(|(alert, _)| alert.id == id).map(|(alert, _)| alert.clone())
                else {
                    return;
                };
                let (hazard, level) = (answered.hazard, answered.level);
                let alert = self.add(at, AlertKind::AllClear, hazard, level, answered.areas, Some(id));
                let answers = Some(number_of(id));
                self.happenings.push(Happening::Drafted {
                    at,
                    alert,
                    what: AlertKind::AllClear,
                    hazard,
                    level,
                    area,
                    answers,
                    reason,
                });
            }
            Decision::DropAllClear(id) => {
                self.open.retain(|(alert, _)| alert.id != id);
                self.happenings.push(Happening::Withdrawn { at, alert: number_of(id), reason });
            }
        }
    }

    fn add(
        &mut self,
        at: Instant,
        kind: AlertKind,
        hazard: Cobrade,
        level: Level,
        areas: std::collections::BTreeSet<AreaId>,
        references: Option<AlertId>,
    ) -> u32 {
        self.count += 1;
        let id = AlertId(Uuid::from_u128(u128::from(self.count)));
        self.open.push((OpenAlert { id, kind, draft: true, hazard, level, areas, references, by_rule: true }, at));
        self.count
    }

    fn approve_due(&mut self, now: Instant) {
        while let Some(index) = self.open.iter().position(|(alert, at)| alert.draft && *at + self.patience <= now) {
            let Some((mut alert, drafted)) = self.open.get(index).cloned() else { return };
            alert.draft = false;
            let issued = Happening::Issued {
                at: drafted + self.patience,
                alert: number_of(alert.id),
                what: alert.kind,
                areas: alert.areas.len(),
            };
            self.happenings.push(issued);
            if alert.kind == AlertKind::AllClear {
                self.open.retain(|(other, _)| other.id != alert.id && Some(other.id) != alert.references);
            } else if let Some(slot) = self.open.get_mut(index) {
                slot.0 = alert;
            }
        }
    }
}

fn number_of(id: AlertId) -> u32 {
    u32::try_from(id.0.as_u128()).unwrap_or(0)
}

/// The transcript as people read it, in local time. Within one instant, levels stand before alerts, and areas that move
/// alike share a line.
pub fn render(scenario: &Scenario, transcript: &Transcript) -> String {
    let mut text =
        format!("# {}\n# Fonte: {}\n# Horas locais ({}).\n\n", scenario.title, scenario.source, scenario.time_zone);
    for instant in transcript.happenings.chunk_by(|a, b| a.at() == b.at()) {
        let mut lines: Vec<(bool, String, Vec<&str>)> = Vec::new();
        for happening in instant {
            let (what, area) = describe(happening);
            match lines.iter_mut().find(|(_, line, areas)| *line == what && !areas.is_empty() && area.is_some()) {
                Some((_, _, areas)) => areas.extend(area),
                None => lines.push((!matches!(happening, Happening::Level(_)), what, area.into_iter().collect())),
            }
        }
        lines.sort_by_key(|(alert, _, _)| *alert);
        let at = instant.first().map(|first| first.at().with_timezone(&scenario.time_zone));
        for (_, line, areas) in lines {
            let at = at.map(|at| at.format("%d/%m/%Y %H:%M").to_string()).unwrap_or_default();
            let _ = writeln!(text, "{at}  {line}{}{}", if areas.is_empty() { "" } else { ": " }, areas.join(", "));
        }
    }
    summary(&mut text, scenario.time_zone, transcript);
    text
}

/// What is said of a happening, and the area it is said of.
fn describe(happening: &Happening) -> (String, Option<&str>) {
    match happening {
        Happening::Level(t) => {
            let why = t.reasons.first().map(because).unwrap_or_default();
            (format!("{} {} → {} · {why}", t.pair.hazard, word(t.from), word(t.to)), Some(&t.area_name))
        }
        Happening::Drafted { alert, what: AlertKind::AllClear, answers, .. } => {
            (format!("  rascunho {alert}: fim do alerta {}", answers.unwrap_or(0)), None)
        }
        Happening::Drafted { alert, hazard, level, area, .. } => {
            (format!("  rascunho {alert}: {} · {}: {area}", hazard.name(), word(*level)), None)
        }
        Happening::Joined { alert, area, .. } => (format!("  rascunho {alert}, mais"), Some(area)),
        Happening::Left { alert, area, .. } => (format!("  rascunho {alert}, sem"), Some(area)),
        Happening::Issued { alert, areas, what: AlertKind::AllClear, .. } => {
            (format!("  EMITIDO {alert} (fim), {areas} área(s)"), None)
        }
        Happening::Issued { alert, areas, .. } => (format!("  EMITIDO {alert}, {areas} área(s)"), None),
        Happening::Withdrawn { alert, .. } => (format!("  rascunho {alert} retirado"), None),
    }
}

fn because(reason: &Reason) -> String {
    let window = reason
        .window_min
        .map_or_else(String::new, |min| if min % 60 == 0 { format!(" {} h", min / 60) } else { format!(" {min} min") });
    let measure = match reason.measure {
        MeasureKind::Sum => "soma",
        MeasureKind::Latest => "nível",
        MeasureKind::Rate => "variação",
        MeasureKind::Max => "máxima",
        MeasureKind::Min => "mínima",
        MeasureKind::Mean => "média",
        MeasureKind::Above => "acima da cota",
        MeasureKind::Curve => "intensidade–duração",
        MeasureKind::Antecedent => "chuva antecedente",
    };
    let unit = &reason.unit;
    let station = reason.stations.first().map_or("", |station| station.name.as_str());
    let Some(value) = reason.value else {
        let doubted = reason.stations.iter().filter(|station| station.doubt.is_some()).count();
        let doubted = if doubted > 0 { format!(", {doubted} sob dúvida") } else { String::new() };
        return format!("sem dados, {} de {} estações sem leitura válida{doubted}", reason.silent, reason.asked);
    };
    let (sign, limit) = match reason.outcome {
        Outcome::Met => ("≥", reason.threshold),
        Outcome::Holding => ("≥", reason.clear_below),
        Outcome::NotMet | Outcome::Unsure | Outcome::NoData => ("<", reason.threshold),
    };
    format!("{measure}{window} {value} {unit} {sign} {limit} ({station})")
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Unknown => "sem dados",
        Level::Normal => "normal",
        Level::Observation => "observação",
        Level::Attention => "atenção",
        Level::Alert => "alerta",
        Level::Maximum => "alerta máximo",
    }
}

fn summary(text: &mut String, zone: Tz, transcript: &Transcript) {
    let count = |test: fn(&Happening) -> bool| transcript.happenings.iter().filter(|happening| test(happening)).count();
    let _ = writeln!(
        text,
        "\n# {} leituras · {} mudanças de nível · {} rascunhos · {} emitidos",
        transcript.readings,
        count(|h| matches!(h, Happening::Level(_))),
        count(|h| matches!(h, Happening::Drafted { .. })),
        count(|h| matches!(h, Happening::Issued { .. })),
    );
    let mut finals: BTreeMap<Level, usize> = BTreeMap::new();
    for (_, _, level) in &transcript.final_levels {
        *finals.entry(*level).or_default() += 1;
    }
    let finals: Vec<String> = finals.iter().map(|(level, count)| format!("{count} {}", word(*level))).collect();
    let _ = writeln!(text, "# No fim: {}", finals.join(", "));
    if transcript.refused > 0 {
        let _ = writeln!(text, "# recusadas na entrada: {} leituras com hora no futuro", transcript.refused);
    }
    if transcript.repeated > 0 {
        let _ = writeln!(text, "# repetidas: {} leituras já conhecidas", transcript.repeated);
    }
    doubts::render(text, zone, &transcript.doubts);
}
