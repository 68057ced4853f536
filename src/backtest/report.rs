//! What a back-test found, as data (JSON) and as one page that stands by itself (HTML).

mod page;

use std::collections::BTreeMap;

use serde::Serialize;

use super::events::{Event, areas_of};
use super::measured::{self, Panel};
use super::run::{Period, Timeline, run};
use super::score::Score;
use super::sweep::{Axis, Prepared, SetResult, Tallies, WrongSweep, best, scores};
use super::{Case, LeadMax};
use crate::cobrade::Cobrade;
use crate::i18n::Lang;
use crate::risk::rule::{Dial, Rule};
use crate::units::{Fixed, Level};

pub use page::html;

/// Of the event days a set of thresholds must detect so much to be among the best.
pub const POD_FLOORS: [f64; 4] = [0.5, 0.7, 0.9, 1.0];
/// Areas whose measures are drawn; all are counted.
const AREAS_DRAWN: usize = 4;

#[derive(Debug, Serialize)]
pub struct Report {
    /// How long before an event a rise still counts, in hours.
    pub lead_max_h: f64,
    pub rules: Vec<RuleUsed>,
    pub cases: Vec<CaseReport>,
    /// All cases together.
    pub scores: Vec<Score>,
    pub sweep: Option<SweepReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RuleUsed {
    pub id: String,
    pub version: i32,
    pub title: String,
    pub hazard: Cobrade,
}

impl From<&Rule> for RuleUsed {
    fn from(rule: &Rule) -> Self {
        Self { id: rule.id.clone(), version: rule.version, title: rule.title.clone(), hazard: rule.hazard }
    }
}

#[derive(Debug, Serialize)]
pub struct CaseReport {
    pub title: String,
    pub source: String,
    pub time_zone: chrono_tz::Tz,
    pub period: Period,
    pub readings: usize,
    pub areas: usize,
    pub events: Vec<EventReport>,
    pub scores: Vec<Score>,
    pub levels: Vec<Timeline>,
    /// For the plots: indexes into `levels`, with what was measured there.
    #[serde(skip)]
    pub drawn: Vec<(usize, Vec<Panel>)>,
}

/// A disaster and what the rules would have said before it.
#[derive(Debug, Serialize)]
pub struct EventReport {
    /// As in the plots, from 1.
    pub number: usize,
    #[serde(flatten)]
    pub event: Event,
    /// Names of the areas it lies in; none = it is counted nowhere.
    pub areas: Vec<String>,
    pub is_in_period: bool,
    /// Seconds from the first rise to each level in any of its areas; a level that was not reached before is left out.
    pub leads_s: BTreeMap<Level, i64>,
}

impl EventReport {
    /// Whether it lies within the period and in an area.
    pub fn is_counted(&self) -> bool {
        self.is_in_period && !self.areas.is_empty()
    }
}

#[derive(Debug, Serialize)]
pub struct SweepReport {
    pub axes: Vec<AxisReport>,
    /// Of the random draw.
    pub seed: Option<u64>,
    pub threads: usize,
    pub sets: Vec<SetResult>,
    pub best: Vec<Best>,
}

#[derive(Debug, Serialize)]
pub struct AxisReport {
    pub rule: String,
    pub hazard: Cobrade,
    pub address: String,
    pub level: Level,
    pub unit: String,
    pub from: Fixed,
    pub to: Fixed,
    pub in_use: Fixed,
}

/// The set with the highest CSI among those that detect enough.
#[derive(Debug, Serialize)]
pub struct Best {
    pub hazard: Cobrade,
    pub level: Level,
    pub pod_floor: f64,
    /// Index into `sets`; nothing when none detects so much.
    pub set: Option<usize>,
}

/// Runs every case under its own rules.
///
/// # Errors
/// Two rules that claim the same hazard and grade.
pub fn of_cases(cases: &[Case], lead_max: LeadMax) -> anyhow::Result<Report> {
    let prepared = cases.iter().map(|case| Prepared::new(case, lead_max)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(of_prepared(&prepared, lead_max))
}

/// The same of cases that were made ready.
pub fn of_prepared(prepared: &[Prepared<'_>], lead_max: LeadMax) -> Report {
    let mut tallies = Tallies::new();
    let cases = prepared.iter().map(|one| case(one, &mut tallies)).collect();
    let mut rules: Vec<RuleUsed> =
        prepared.iter().flat_map(|one| one.case.network.rules.iter().map(RuleUsed::from)).collect();
    rules.sort();
    rules.dedup();
    let lead_max_h = lead_max.0.num_minutes() as f64 / 60.0;
    Report { lead_max_h, rules, cases, scores: scores(&tallies), sweep: None }
}

/// Runs a case under its own rules and counts.
fn case(prepared: &Prepared<'_>, into: &mut Tallies) -> CaseReport {
    let case = prepared.case;
    let levels = run(prepared.bound.clone(), &case.readings, case.period);
    let mut tallies = Tallies::new();
    prepared.tally(&levels, &case.network.rules, &mut tallies);
    for (key, tally) in &tallies {
        into.entry(*key).or_default().add(tally);
    }
    let numbered = case.events.iter().enumerate();
    let events = numbered.map(|(index, event)| told_of(prepared, &levels, index + 1, event)).collect();
    let drawn = worth_drawing(prepared, &levels);
    let drawn =
        drawn.into_iter().map(|index| (index, measured::panels(case, &prepared.bound, levels[index].pair))).collect();
    CaseReport {
        title: case.title.clone(),
        source: case.source.clone(),
        time_zone: case.time_zone,
        period: case.period,
        readings: case.readings.len(),
        areas: case.network.areas.len(),
        events,
        scores: scores(&tallies),
        levels,
        drawn,
    }
}

fn told_of(prepared: &Prepared<'_>, lines: &[Timeline], number: usize, event: &Event) -> EventReport {
    let areas = areas_of(event, &prepared.case.network.areas);
    let period = prepared.watch.period();
    let is_in_period = event.at >= period.from && event.at < period.to;
    let mut leads_s = BTreeMap::new();
    for line in lines.iter().filter(|line| areas.contains(&line.pair.area) && line.pair.hazard == event.cobrade) {
        let rule = prepared.case.network.rules.iter().find(|rule| rule.id == line.rule_id);
        for level in rule.into_iter().flat_map(|rule| &rule.levels).map(|level| level.level) {
            let Some(lead) = prepared.watch.lead(line, level, event.at).filter(|_| is_in_period) else { continue };
            let longest: &mut i64 = leads_s.entry(level).or_insert(0);
            *longest = (*longest).max(lead / 1_000_000);
        }
    }
    let names = prepared.case.network.areas.iter().filter(|area| areas.contains(&area.id));
    EventReport {
        number,
        event: event.clone(),
        areas: names.map(|area| area.name.clone()).collect(),
        is_in_period,
        leads_s,
    }
}

/// Areas with events first, then those that stood longest at attention or above.
fn worth_drawing(prepared: &Prepared<'_>, lines: &[Timeline]) -> Vec<usize> {
    let mut order: Vec<(bool, i64, usize)> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let stretches = line.stretches(prepared.case.period, |step| step.known >= Level::Attention);
            let long: i64 = stretches.iter().map(|(from, to)| to - from).sum();
            let had_events = prepared.events.contains_key(&(line.pair.area, line.pair.hazard));
            (!had_events, -long, index)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().take(AREAS_DRAWN).map(|(_, _, index)| index).collect()
}

/// What a sweep found.
///
/// # Errors
/// An axis that no rule has.
pub fn sweep(
    rules: &[Rule],
    axes: &[Axis],
    seed: Option<u64>,
    threads: usize,
    sets: Vec<SetResult>,
) -> Result<SweepReport, WrongSweep> {
    let mut told = Vec::new();
    for axis in axes {
        let (index, dial) = axis.find(rules)?;
        let Some(rule) = rules.get(index) else { continue };
        told.push(axis_report(rule, axis, dial));
    }
    let mut best_sets = Vec::new();
    for (hazard, level) in spoken_of(&told) {
        for pod_floor in POD_FLOORS {
            best_sets.push(Best { hazard, level, pod_floor, set: best(&sets, hazard, level, pod_floor) });
        }
    }
    Ok(SweepReport { axes: told, seed, threads, sets, best: best_sets })
}

fn axis_report(rule: &Rule, axis: &Axis, dial: Dial) -> AxisReport {
    AxisReport {
        rule: rule.id.clone(),
        hazard: rule.hazard,
        address: axis.address.clone(),
        level: dial.level,
        unit: dial.unit,
        from: axis.from,
        to: axis.to,
        in_use: dial.at,
    }
}

/// Hazards and levels whose thresholds were turned.
pub fn spoken_of(axes: &[AxisReport]) -> Vec<(Cobrade, Level)> {
    let mut found: Vec<(Cobrade, Level)> = axes.iter().map(|axis| (axis.hazard, axis.level)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// For the end of a transcript: what the rules said before each event, in the town's time and language.
pub fn leads_told(case: &CaseReport) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for event in &case.events {
        let at = event.event.at.with_timezone(&case.time_zone).format("%d/%m/%Y %H:%M");
        let areas = if event.areas.is_empty() { "fora de todas as áreas".to_owned() } else { event.areas.join(", ") };
        let leads: Vec<String> = event
            .leads_s
            .iter()
            .map(|(level, lead)| format!("{} {} h {:02}", word(*level), lead / 3600, lead % 3600 / 60))
            .collect();
        let leads = match (event.is_in_period, leads.is_empty()) {
            (false, _) => "fora do período".to_owned(),
            (true, true) => "nenhum nível antes dele".to_owned(),
            (true, false) => format!("antecedência: {}", leads.join(", ")),
        };
        let _ = writeln!(text, "# evento {at}, {areas}: {} ({}) · {leads}", event.event.what, event.event.source);
    }
    text
}

fn word(level: Level) -> String {
    Lang::Pt.t(&format!("level-{level}"))
}

#[cfg(test)]
mod tests;
