//! Scenario files with everything they name: stations, areas, rules, readings and recorded disasters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::TimeDelta;

use crate::backtest::events::{self, Event};
use crate::catalogue::{self, Format};
use crate::ids::{AreaId, DatastreamId};
use crate::ingest::quality::{Subject, judge};
use crate::replay::{self, Recorded, Scenario};
use crate::risk::control::{Defaults, Overrides, Why};
use crate::risk::counter::Counter;
use crate::risk::network::{AreaSpec, Network, StreamSpec};
use crate::risk::rule::Rule;
use crate::risk::store::load_rules;
use crate::units::{Fixed, Quality};

/// A scenario as it lies on disk, in memory.
#[derive(Debug)]
pub struct Loaded {
    pub scenario: Scenario,
    pub network: Network,
    /// In order of `observed_at`, with the scenario's faults laid over them.
    pub readings: Vec<Recorded>,
    pub events: Vec<Event>,
}

/// Reads a scenario. `rules` take the place of those it names.
///
/// # Errors
/// Names the file and what is wrong in it.
pub fn load(file: &Path, limits: &Defaults, rules: Option<&[Rule]>) -> anyhow::Result<Loaded> {
    let scenario: Scenario = toml::from_str(&read(file)?).with_context(|| file.display().to_string())?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let rules = match rules {
        Some(rules) => rules.to_vec(),
        None if scenario.rules.is_empty() => load_rules(None)?,
        None => parse_rules(&scenario.rules.iter().map(|rule| folder.join(rule)).collect::<Vec<_>>())?,
    };
    assemble(scenario, (file, folder), limits, rules)
}

/// The same of a scenario that is in no file; its paths are relative to the folder of the process.
///
/// # Errors
/// Names the file and what is wrong in it.
pub fn load_plain(scenario: Scenario, limits: &Defaults, rules: Vec<Rule>) -> anyhow::Result<Loaded> {
    assemble(scenario, (Path::new(""), Path::new("")), limits, rules)
}

fn assemble(
    scenario: Scenario,
    (file, folder): (&Path, &Path),
    limits: &Defaults,
    rules: Vec<Rule>,
) -> anyhow::Result<Loaded> {
    let streams = streams(&folder.join(&scenario.stations), limits)?;
    let mut readings = recorded(&folder.join(&scenario.readings), &streams)?;
    let mut events = match &scenario.events {
        Some(events) => self::events(&folder.join(events))?,
        None => Vec::new(),
    };
    let station_of = |id: DatastreamId| {
        let found = streams.specs.iter().find(|spec| spec.id == id);
        found.map_or_else(String::new, |spec| spec.station_code.clone())
    };
    let told = |message: String| anyhow::anyhow!("{}: {message}", file.display());
    if let Some(repeat) = &scenario.repeat {
        repeat.check().map_err(told)?;
        readings = repeat.readings(&readings);
        events =
            events.iter().flat_map(|event| repeat.copies(event.at).map(|at| Event { at, ..event.clone() })).collect();
    }
    readings = replay::lay_over(&scenario.faults, scenario.fault_seed, readings, station_of)
        .map_err(|wrong| told(wrong.to_string()))?;
    judge_all(&mut readings, &streams);
    let areas = areas(&folder.join(&scenario.areas))?;
    Ok(Loaded { network: Network { streams: streams.specs, areas, rules }, scenario, readings, events })
}

/// Rule files, in the order given.
pub fn parse_rules(paths: &[PathBuf]) -> anyhow::Result<Vec<Rule>> {
    paths.iter().map(|path| Ok(Rule::parse(&path.display().to_string(), &read(path)?)?)).collect()
}

/// A file of recorded disasters.
pub fn events(path: &Path) -> anyhow::Result<Vec<Event>> {
    events::parse(&read(path)?).with_context(|| path.display().to_string())
}

/// The streams of a file of stations, with what their readings are judged by on the way in.
#[derive(Debug, Default)]
struct Streams {
    specs: Vec<StreamSpec>,
    by_name: BTreeMap<(String, String), DatastreamId>,
    subjects: BTreeMap<DatastreamId, Subject>,
}

fn streams(path: &Path, limits: &Defaults) -> anyhow::Result<Streams> {
    let text = read(path)?;
    let stations = catalogue::read(Format::guess(&text), text.as_bytes())
        .and_then(|records| catalogue::parse_stations(&records))
        .with_context(|| path.display().to_string())?;
    let mut all = Streams::default();
    for station in stations {
        for stream in station.streams {
            let id = DatastreamId(all.specs.len() as i64 + 1);
            let limits = limits.of(stream.quantity, &Overrides::default());
            let subject = Subject {
                quantity: stream.quantity,
                kind: stream.kind,
                interval_s: stream.interval_s,
                range: limits.range,
            };
            all.by_name.insert((station.station.code.clone(), stream.name.clone()), id);
            all.subjects.insert(id, subject);
            all.specs.push(StreamSpec {
                id,
                station_code: station.station.code.clone(),
                station_name: station.station.name.clone(),
                name: stream.name,
                point: geo::Point::new(station.station.lon, station.station.lat),
                quantity: stream.quantity,
                kind: stream.kind,
                interval: stream.interval_s.map(|seconds| i64::from(seconds) * 1_000_000),
                stale_after: i64::from(stream.stale_after_s) * 1_000_000,
                limits,
                counter: Counter::of(stream.quantity, stream.counting.wraps_at.map(Fixed::try_from).transpose()?),
                stages: stream.stages,
            });
        }
    }
    Ok(all)
}

fn areas(path: &Path) -> anyhow::Result<Vec<AreaSpec>> {
    let text = read(path)?;
    let areas = catalogue::read(Format::guess(&text), text.as_bytes())
        .and_then(|records| catalogue::parse_areas(&records))
        .with_context(|| path.display().to_string())?;
    let numbered = areas.into_iter().enumerate();
    let spec = numbered.map(|(index, area)| AreaSpec {
        id: AreaId(index as i64 + 1),
        code: area.code,
        name: area.name,
        polygons: area.geometry,
        hazards: area.hazards.into_iter().collect(),
    });
    Ok(spec.collect())
}

/// `station,time_utc,stream,value`, value in the canonical unit; not judged yet.
fn recorded(path: &Path, streams: &Streams) -> anyhow::Result<Vec<Recorded>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let mut readings = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let place = || format!("{} line {}", path.display(), index + 2);
        let row = row.with_context(place)?;
        let field = |column: usize| row.get(column).unwrap_or_default();
        let key = (field(0).to_owned(), field(2).to_owned());
        let datastream = *streams
            .by_name
            .get(&key)
            .with_context(|| format!("{}: stream {}/{} is unknown", place(), key.0, key.1))?;
        let observed_at = field(1).parse().with_context(|| format!("{}: time {:?}", place(), field(1)))?;
        let value: f64 = field(3).parse().with_context(|| format!("{}: value {:?}", place(), field(3)))?;
        let value = Fixed::try_from(value)?;
        let late = TimeDelta::zero();
        readings.push(Recorded { datastream, observed_at, late, value, quality: Quality::Pass, why: None });
    }
    readings.sort_by_key(|reading| (reading.observed_at, reading.datastream));
    Ok(readings)
}

/// Each is judged as at the live doors.
fn judge_all(readings: &mut [Recorded], streams: &Streams) {
    for reading in readings {
        let Some(subject) = streams.subjects.get(&reading.datastream) else { continue };
        let (quality, told) = judge(*subject, reading.value);
        reading.quality = quality;
        reading.why = (quality != Quality::Pass).then(|| Box::new(Why::Range { told }));
    }
}

pub fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}
