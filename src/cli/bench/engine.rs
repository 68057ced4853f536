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
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

const STATIONS: usize = 1000;
const AREAS: usize = 500;
const SIDE: usize = 40;
const STEP_DEG: f64 = 0.02;

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

/// A grid of gauges, an area about every second one, and `far` areas that no gauge feeds.
fn network(far: usize) -> anyhow::Result<Network> {
    let at = |index: usize| {
        let (x, y) = (index % SIDE, index / SIDE);
        (-43.0 + x as f64 * STEP_DEG, -22.0 + y as f64 * STEP_DEG)
    };
    let limits = load_limits("")?;
    let streams = (0..STATIONS).map(|index| {
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
    let areas = (0..AREAS + far).map(|index| {
        let (lon, lat) = if index < AREAS { at(index * 2) } else { (-60.0, -10.0) };
        let square = Rect::new((lon - 0.008, lat - 0.008), (lon + 0.008, lat + 0.008)).to_polygon();
        AreaSpec {
            id: AreaId(index as i64 + 1),
            code: format!("A{index}"),
            name: format!("Area {index}"),
            polygons: MultiPolygon(vec![square]),
            hazards: vec![("1.1.3.2.1".parse().unwrap_or_else(|_| unreachable!("a leaf code")), Grade::R4)],
        }
    });
    Ok(Network { streams: streams.collect(), areas: areas.collect(), rules: vec![Rule::parse("bench", RULE)?] })
}

/// Ten-minute readings of every gauge; one in 50 is wet. Returns readings per second, and how many levels changed.
fn fold(engine: &mut Engine, readings: u64) -> (f64, usize) {
    let (mut effects, mut changes) = (Vec::new(), 0);
    let watch = Stopwatch::start();
    for index in 0..readings {
        let (round, station) = (index / STATIONS as u64, index % STATIONS as u64);
        let at = from_micros((round * 600_000_000 + station) as i64);
        let wet = (round * 7 + station * 13) % 50 == 0;
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

/// # Errors
/// When the synthetic network cannot be bound.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let bound = network(0)?.bind()?;
    let fed = bound.fed_by.iter().map(Vec::len).sum::<usize>() as f64 / STATIONS as f64;
    let mut engine = Engine::new(bound);
    let (rate, changes) = fold(&mut engine, arguments.readings);
    let mut crowded = Engine::new(network(9 * AREAS)?.bind()?);
    let (crowded_rate, _) = fold(&mut crowded, arguments.readings);
    let ratio = crowded_rate / rate;
    let text = format!(
        "engine: {:.2} million readings/s on one core ({STATIONS} stations, {AREAS} areas, 5 windows, {fed:.2} areas fed by a station, \
         {changes} level changes)\nwith ten times the areas, none of them fed by these stations: {ratio:.2} × that rate",
        rate / 1e6
    );
    let value = json!({ "bench": "engine", "readings_per_second": rate, "stations": STATIONS, "areas": AREAS,
        "areas_fed_by_a_station": fed, "level_changes": changes, "rate_ratio_with_ten_times_the_areas": ratio });
    super::print(arguments.json, &text, &value);
    Ok(())
}
