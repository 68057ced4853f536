//! `sentinela simulate FILE…`: recorded storms through the core, without a database.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::catalogue::{self, Format};
use crate::config;
use crate::ids::{AreaId, DatastreamId};
use crate::ingest::quality::{Subject, judge};
use crate::replay::{self, Recorded, Scenario, Transcript};
use crate::risk::control::{Defaults, Overrides, Why};
use crate::risk::counter::Counter;
use crate::risk::network::{AreaSpec, Bound, Network, StreamSpec};
use crate::risk::rule::Rule;
use crate::risk::store::{load_limits, load_rules};
use crate::units::{Fixed, Quality};

/// Replay recorded storms and print what the service would have done
#[derive(Debug, clap::Args)]
pub struct Simulate {
    /// Scenario files (simulations/storms/*.toml).
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a file instead of the readable transcript.
    #[arg(long)]
    json: bool,
}

impl Simulate {
    /// # Errors
    /// Names the file and what is wrong in it.
    pub fn run(&self, engine: &config::Engine) -> anyhow::Result<()> {
        let limits = load_limits(&engine.quality_file)?;
        let mut out = std::io::stdout().lock();
        for file in &self.files {
            let (scenario, transcript) = simulate_with(file, &limits)?;
            if self.json {
                serde_json::to_writer(
                    &mut out,
                    &serde_json::json!({ "title": scenario.title, "transcript": transcript }),
                )?;
                writeln!(out)?;
            } else {
                out.write_all(replay::render(&scenario, &transcript).as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Reads a scenario with everything it names, and replays it under the limits of quality control that are compiled in.
pub fn simulate(file: &Path) -> anyhow::Result<(Scenario, Transcript)> {
    simulate_with(file, &load_limits("")?)
}

/// The same under limits of one's own (`engine.quality_file`).
pub fn simulate_with(file: &Path, limits: &Defaults) -> anyhow::Result<(Scenario, Transcript)> {
    let (scenario, bound, readings) = load(file, limits)?;
    let transcript = replay::replay(&scenario, bound, &readings);
    Ok((scenario, transcript))
}

/// A scenario with its bound network and its readings in order of time.
pub fn load(file: &Path, limits: &Defaults) -> anyhow::Result<(Scenario, Bound, Vec<Recorded>)> {
    let scenario: Scenario = toml::from_str(&read(file)?).with_context(|| file.display().to_string())?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let rules = if scenario.rules.is_empty() {
        load_rules(None)?
    } else {
        let paths = scenario.rules.iter().map(|rule| folder.join(rule));
        paths.map(|path| Ok(Rule::parse(&path.display().to_string(), &read(&path)?)?)).collect::<anyhow::Result<_>>()?
    };
    let (streams, by_name) = streams(&folder.join(&scenario.stations), limits)?;
    let network = Network { streams, areas: areas(&folder.join(&scenario.areas))?, rules };
    let readings = readings(&folder.join(&scenario.readings), &by_name)?;
    let bound = network.bind()?.in_zone(scenario.time_zone);
    Ok((scenario, bound, readings))
}

/// Streams by station and name, with what their readings are judged by on the way in.
type StreamNames = BTreeMap<(String, String), (DatastreamId, Subject)>;

fn streams(path: &Path, limits: &Defaults) -> anyhow::Result<(Vec<StreamSpec>, StreamNames)> {
    let text = read(path)?;
    let stations = catalogue::read(Format::guess(&text), text.as_bytes())
        .and_then(|records| catalogue::parse_stations(&records))
        .with_context(|| path.display().to_string())?;
    let (mut specs, mut by_name) = (Vec::new(), StreamNames::new());
    for station in stations {
        for stream in station.streams {
            let id = DatastreamId(specs.len() as i64 + 1);
            let limits = limits.of(stream.quantity, &Overrides::default());
            let subject = Subject {
                quantity: stream.quantity,
                kind: stream.kind,
                interval_s: stream.interval_s,
                range: limits.range,
            };
            by_name.insert((station.station.code.clone(), stream.name.clone()), (id, subject));
            specs.push(StreamSpec {
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
    Ok((specs, by_name))
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

/// `station,time_utc,stream,value`, value in the canonical unit. Each is judged as at the live doors.
fn readings(path: &Path, by_name: &StreamNames) -> anyhow::Result<Vec<Recorded>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let mut readings = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let place = || format!("{} line {}", path.display(), index + 2);
        let row = row.with_context(place)?;
        let field = |column: usize| row.get(column).unwrap_or_default();
        let key = (field(0).to_owned(), field(2).to_owned());
        let (datastream, subject) =
            *by_name.get(&key).with_context(|| format!("{}: stream {}/{} is unknown", place(), key.0, key.1))?;
        let observed_at = field(1).parse().with_context(|| format!("{}: time {:?}", place(), field(1)))?;
        let value: f64 = field(3).parse().with_context(|| format!("{}: value {:?}", place(), field(3)))?;
        let value = Fixed::try_from(value)?;
        let (quality, told) = judge(subject, value);
        let why = (quality != Quality::Pass).then(|| Box::new(Why::Range { told }));
        readings.push(Recorded { datastream, observed_at, value, quality, why });
    }
    readings.sort_by_key(|reading| (reading.observed_at, reading.datastream));
    Ok(readings)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}
