//! The storms that every candidate is tried on, compiled in: some 400 kilobytes of the recorded ones, most of which the
//! demonstration holds anyway. The year of Rio de Janeiro stays outside (800 kilobytes); `sentinela backtest` reads it as a file.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::TimeDelta;

use super::preview::Stretch;
use crate::catalogue::{self, Format};
use crate::demo;
use crate::engine::ReadingInput;
use crate::ids::{AreaId, DatastreamId, Seq};
use crate::ingest::quality::{Subject, judge};
use crate::replay::Scenario;
use crate::risk::control::{Defaults, Overrides, Why};
use crate::risk::counter::Counter;
use crate::risk::network::{AreaSpec, Network, StreamSpec};
use crate::units::{Fixed, Quality};

/// A recorded storm as its files.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// The name of its files under `simulations/`.
    pub key: &'static str,
    scenario: &'static str,
    stations: &'static str,
    areas: &'static str,
    readings: &'static str,
}

macro_rules! storm {
    ($key:literal) => {
        Storm {
            key: $key,
            scenario: include_str!(concat!("../../simulations/storms/", $key, ".toml")),
            stations: include_str!(concat!("../../simulations/data/", $key, ".stations.csv")),
            areas: include_str!(concat!("../../simulations/data/", $key, ".areas.geojson")),
            readings: include_str!(concat!("../../simulations/data/", $key, ".csv")),
        }
    };
}

/// In the order in which they are shown.
pub const STORMS: &[Storm] = &[
    Storm {
        key: "juiz_de_fora_2026-02",
        scenario: include_str!("../../simulations/storms/juiz_de_fora_2026-02.toml"),
        stations: demo::STATIONS,
        areas: demo::AREAS,
        readings: demo::SERIES,
    },
    storm!("petropolis_2022-02-15"),
    storm!("bertioga_2023-02"),
    storm!("nova_friburgo_2011-01"),
    storm!("guaiba_2024-05"),
];

impl Storm {
    /// # Errors
    /// Never for what is compiled in; a test reads all of it.
    pub fn title(&self) -> anyhow::Result<String> {
        Ok(self.scenario()?.title)
    }

    fn scenario(&self) -> anyhow::Result<Scenario> {
        toml::from_str(self.scenario).with_context(|| format!("storm {}", self.key))
    }

    /// Its network and its readings, received as late as the scenario says; a day of silence follows.
    ///
    /// # Errors
    /// As [`Self::title`].
    pub fn stretch(&self, limits: &Defaults) -> anyhow::Result<Stretch> {
        let scenario = self.scenario()?;
        let (streams, subjects) = self.streams(limits)?;
        let readings = self.readings(&subjects, TimeDelta::seconds(scenario.delay_s.into()))?;
        let first = readings.first().map(|reading| reading.observed_at).unwrap_or_default();
        let last = readings.last().map(|reading| reading.received_at).unwrap_or_default();
        Ok(Stretch {
            key: self.key.to_owned(),
            title: scenario.title,
            network: Network { streams, areas: self.areas()?, rules: Vec::new() },
            zone: scenario.time_zone,
            readings,
            from: first - TimeDelta::microseconds(1),
            to: last + TimeDelta::days(1),
        })
    }

    fn streams(&self, limits: &Defaults) -> anyhow::Result<(Vec<StreamSpec>, Subjects)> {
        let records = catalogue::read(Format::guess(self.stations), self.stations.as_bytes())?;
        let (mut specs, mut subjects) = (Vec::new(), Subjects::new());
        for station in catalogue::parse_stations(&records)? {
            for stream in station.streams {
                let id = DatastreamId(specs.len() as i64 + 1);
                let limits = limits.of(stream.quantity, &Overrides::default());
                let (quantity, kind) = (stream.quantity, stream.kind);
                let subject = Subject { quantity, kind, interval_s: stream.interval_s, range: limits.range };
                subjects.insert((station.station.code.clone(), stream.name.clone()), (id, subject));
                specs.push(StreamSpec {
                    id,
                    station_code: station.station.code.clone(),
                    station_name: station.station.name.clone(),
                    name: stream.name,
                    point: geo::Point::new(station.station.lon, station.station.lat),
                    quantity,
                    kind,
                    interval: stream.interval_s.map(|seconds| i64::from(seconds) * 1_000_000),
                    stale_after: i64::from(stream.stale_after_s) * 1_000_000,
                    limits,
                    counter: Counter::of(quantity, stream.counting.wraps_at.map(Fixed::try_from).transpose()?),
                    stages: stream.stages,
                });
            }
        }
        Ok((specs, subjects))
    }

    fn areas(&self) -> anyhow::Result<Vec<AreaSpec>> {
        let records = catalogue::read(Format::guess(self.areas), self.areas.as_bytes())?;
        let areas = catalogue::parse_areas(&records)?.into_iter().enumerate();
        let specs = areas.map(|(index, area)| AreaSpec {
            id: AreaId(index as i64 + 1),
            code: area.code,
            name: area.name,
            polygons: area.geometry,
            hazards: area.hazards.into_iter().collect(),
        });
        Ok(specs.collect())
    }

    /// `station,time_utc,stream,value`; each reading is judged as at the live doors.
    fn readings(&self, subjects: &Subjects, delay: TimeDelta) -> anyhow::Result<Vec<ReadingInput>> {
        let mut reader = csv::Reader::from_reader(self.readings.as_bytes());
        let mut readings = Vec::new();
        for row in reader.records() {
            let row = row?;
            let field = |column: usize| row.get(column).unwrap_or_default();
            let key = (field(0).to_owned(), field(2).to_owned());
            let (datastream, subject) =
                *subjects.get(&key).with_context(|| format!("storm {}: stream {}/{}", self.key, key.0, key.1))?;
            let observed_at: crate::clock::Instant = field(1).parse()?;
            let value = Fixed::try_from(field(3).parse::<f64>()?)?;
            let (quality, told) = judge(subject, value);
            readings.push(ReadingInput {
                seq: Seq(0),
                datastream,
                observed_at,
                received_at: observed_at + delay,
                value,
                quality,
                why: (quality != Quality::Pass).then(|| Box::new(Why::Range { told })),
                revises: None,
            });
        }
        readings.sort_by_key(|reading| (reading.observed_at, reading.datastream));
        (1..).zip(&mut readings).for_each(|(seq, reading)| reading.seq = Seq(seq));
        Ok(readings)
    }
}

/// Streams by station and name, with what their readings are judged by on the way in.
type Subjects = BTreeMap<(String, String), (DatastreamId, Subject)>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::store::load_limits;

    #[test]
    fn every_storm_is_read_whole_and_in_order() {
        let limits = load_limits("").unwrap();
        for storm in STORMS {
            let stretch = storm.stretch(&limits).unwrap();
            assert!(stretch.readings.len() > 50 && !stretch.network.areas.is_empty(), "{}", storm.key);
            assert!(stretch.readings.is_sorted_by_key(|reading| reading.received_at), "{}", storm.key);
            assert!(!stretch.title.is_empty() && stretch.from < stretch.to);
        }
    }
}
