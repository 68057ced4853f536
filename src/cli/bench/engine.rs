//! The core alone, on one core: no database, no network.

use geo::{MultiPolygon, Point, Rect};
use serde_json::json;

use crate::clock::{Stopwatch, from_micros};
use crate::engine::{Engine, Input, ReadingInput};
use crate::ids::{AreaId, DatastreamId, Seq};
use crate::risk::control::Overrides;
use crate::risk::network::{AreaSpec, Network, StreamSpec};
use crate::risk::rule::Rule;
use crate::risk::store::load_limits;
use crate::units::{Fixed, Grade, Quality, Quantity, StreamKind};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Readings to fold
    #[arg(long, default_value_t = 3_000_000)]
    readings: u64,
    /// Also the cost against stations, areas and windows, and the memory of a station
    #[arg(long)]
    costs: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

const STATIONS: usize = 1000;
const AREAS: usize = 500;
/// One reading in so many tells of rain.
const WET: u64 = 50;
const STEP_DEG: f64 = 0.02;
/// A day and a half more than the longest window holds, every ten minutes.
const FULL_ROUNDS: u64 = 800;

/// How large a network is.
#[derive(Clone, Copy, Debug)]
struct Shape {
    stations: usize,
    /// Areas that gauges stand in.
    areas: usize,
    /// Areas that no gauge feeds.
    far: usize,
    windows: usize,
}

const BASE: Shape = Shape { stations: STATIONS, areas: AREAS, far: 0, windows: 5 };

/// A rule with so many windows.
fn rule(windows: usize) -> String {
    if windows == 5 {
        return RULE.to_owned();
    }
    let all = ["15min", "1h", "3h", "6h", "12h", "24h", "36h", "48h", "72h", "96h"];
    let (head, _) = RULE.split_once("[[levels]]").unwrap_or((RULE, ""));
    let condition = |window: &&str| {
        format!("{{ stations = \"gauges\", sum = \"{window}\", at_least = \"300 mm\", clear_below = \"200 mm\" }}")
    };
    let conditions: Vec<String> = all.iter().take(windows).map(condition).collect();
    format!("{head}[[levels]]\nlevel = \"observation\"\nclear_after_min = 60\nany = [{}]\n", conditions.join(", "))
}

const RULE: &str = r#"
id = "bench"
version = 1
title = "Five windows"
hazard = "1.1.3.2.1"
[stations.gauges]
quantity = "rain"
within_km = 1.5
[[levels]]
level = "observation"
clear_after_min = 60
any = [{ stations = "gauges", sum = "15min", at_least = "10 mm", clear_below = "5 mm" }]
[[levels]]
level = "attention"
clear_after_min = 60
any = [{ stations = "gauges", sum = "1h", at_least = "25 mm", clear_below = "10 mm" }, { stations = "gauges", sum = "72h", at_least = "60 mm", clear_below = "50 mm" }]
[[levels]]
level = "alert"
clear_after_min = 60
any = [{ stations = "gauges", sum = "24h", at_least = "100 mm", clear_below = "80 mm" }]
[[levels]]
level = "maximum"
clear_after_min = 60
any = [{ stations = "gauges", sum = "96h", at_least = "300 mm", clear_below = "200 mm" }]
"#;

/// A grid of gauges, areas about every second one, and areas that no gauge feeds.
fn network(shape: Shape) -> anyhow::Result<Network> {
    let side = (shape.stations as f64 * 1.6).sqrt() as usize;
    let at = |index: usize| {
        let (x, y) = (index % side, index / side);
        (-43.0 + x as f64 * STEP_DEG, -22.0 + y as f64 * STEP_DEG)
    };
    let limits = load_limits("")?;
    let streams = (0..shape.stations).map(|index| {
        let (lon, lat) = at(index);
        StreamSpec {
            id: DatastreamId(index as i64 + 1),
            station_code: format!("S{index}"),
            station_name: format!("Station {index}"),
            name: "rain".into(),
            point: Point::new(lon, lat),
            quantity: Quantity::Rain,
            kind: StreamKind::IntervalSum,
            interval: None,
            stale_after: 9_000_000_000,
            limits: limits.of(Quantity::Rain, &Overrides::default()),
            counter: Default::default(),
            stages: Default::default(),
        }
    });
    let areas = (0..shape.areas + shape.far).map(|index| {
        let (lon, lat) = if index < shape.areas { at(index * 2 % shape.stations) } else { (-60.0, -10.0) };
        let square = Rect::new((lon - 0.008, lat - 0.008), (lon + 0.008, lat + 0.008)).to_polygon();
        AreaSpec {
            id: AreaId(index as i64 + 1),
            code: format!("A{index}"),
            name: format!("Area {index}"),
            polygons: MultiPolygon(vec![square]),
            hazards: vec![("1.1.3.2.1".parse().unwrap_or_else(|_| unreachable!("a leaf code")), Grade::R4)],
        }
    });
    Ok(Network {
        streams: streams.collect(),
        areas: areas.collect(),
        rules: vec![Rule::parse("bench", &rule(shape.windows))?],
    })
}

/// Ten-minute readings of every gauge; one in so many is wet. Returns readings per second, and how many levels changed.
fn fold(engine: &mut Engine, stations: u64, readings: u64, one_in: u64) -> (f64, usize) {
    let (mut effects, mut changes) = (Vec::new(), 0);
    let watch = Stopwatch::start();
    for index in 0..readings {
        let (round, station) = (index / stations, index % stations);
        let at = from_micros((round * 600_000_000 + station) as i64);
        let wet = (round * 7 + station * 13) % one_in == 0;
        engine.step(
            &Input::Reading(ReadingInput {
                seq: Seq(index as i64 + 1),
                datastream: DatastreamId(station as i64 + 1),
                observed_at: at,
                received_at: at,
                value: Fixed::from_whole(if wet { 9 } else { 0 }),
                quality: Quality::Pass,
                why: None,
                revises: None,
            }),
            &mut effects,
        );
        changes += effects.len();
        effects.clear();
    }
    (readings as f64 / watch.elapsed().as_secs_f64(), changes)
}

/// What one shape of a network costs.
struct Cost {
    shape: Shape,
    rate: f64,
    /// Areas that a station feeds, in the mean.
    fed: f64,
    changes: usize,
}

fn cost(shape: Shape, readings: u64, one_in: u64) -> anyhow::Result<Cost> {
    let bound = network(shape)?.bind()?;
    let fed = bound.fed_by.iter().map(Vec::len).sum::<usize>() as f64 / shape.stations as f64;
    let (rate, changes) = fold(&mut Engine::new(bound), shape.stations as u64, readings, one_in);
    Ok(Cost { shape, rate, fed, changes })
}

/// Bytes that a station takes once its windows are full.
fn memory_of_a_station(shape: Shape) -> anyhow::Result<u64> {
    let before = resident_bytes()?;
    let mut engine = Engine::new(network(shape)?.bind()?);
    fold(&mut engine, shape.stations as u64, shape.stations as u64 * FULL_ROUNDS, WET);
    let held = resident_bytes()?.saturating_sub(before);
    drop(engine);
    Ok(held / shape.stations as u64)
}

fn resident_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| anyhow::anyhow!("/proc/self/status tells no VmRSS"))
}

/// # Errors
/// When the synthetic network cannot be bound.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // First, while the process is small.
    let memory =
        if arguments.costs { Some(memory_of_a_station(Shape { stations: 4000, areas: 2000, ..BASE })?) } else { None };
    let Cost { rate, fed, changes, .. } = cost(BASE, arguments.readings, WET)?;
    let ratio = cost(Shape { far: 9 * AREAS, ..BASE }, arguments.readings, WET)?.rate / rate;
    let storm = cost(BASE, arguments.readings, 1)?.rate;
    let mut text = format!(
        "engine: {:.2} million readings/s on one core ({STATIONS} stations, {AREAS} areas, 5 windows, {fed:.2} areas fed by a station, \
         {changes} level changes, one reading in {WET} is wet)\nwhile it rains on every gauge: {:.2} million\nwith ten times the areas, none of them fed by these stations: {ratio:.2} × that rate",
        rate / 1e6,
        storm / 1e6
    );
    let mut costs = Vec::new();
    if arguments.costs {
        for shape in [
            Shape { stations: 100, areas: 50, ..BASE },
            Shape { stations: 10_000, areas: 5000, ..BASE },
            Shape { areas: 2 * AREAS, ..BASE },
            Shape { areas: 4 * AREAS, ..BASE },
            Shape { windows: 1, ..BASE },
            Shape { windows: 10, ..BASE },
        ] {
            let Cost { shape, rate: other, fed, .. } = cost(shape, arguments.readings, WET)?;
            text.push_str(&format!(
                "\n{:>6} stations, {:>5} areas, {:>2} windows, {fed:.2} areas fed by a station: {:.2} × that rate",
                shape.stations,
                shape.areas,
                shape.windows,
                other / rate
            ));
            costs.push(json!({ "stations": shape.stations, "areas": shape.areas, "windows": shape.windows,
                "areas_fed_by_a_station": fed, "rate_ratio": other / rate }));
        }
    }
    if let Some(memory) = memory {
        text.push_str(&format!(
            "\nmemory of a station that speaks every ten minutes, 96 hours full: {} KiB",
            memory / 1024
        ));
    }
    let value = json!({ "bench": "engine", "readings_per_second": rate, "readings_per_second_all_wet": storm, "stations": STATIONS, "areas": AREAS,
        "areas_fed_by_a_station": fed, "level_changes": changes, "rate_ratio_with_ten_times_the_areas": ratio,
        "costs": costs, "bytes_of_a_station": memory });
    super::print(arguments.json, &text, &value);
    Ok(())
}
