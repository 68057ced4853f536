//! The same rules written down a second time, as plainly as they can be said: every window is summed anew from all readings, at every
//! minute, and nothing is remembered but what was. The engine must give the same. And: neither the size of batches, nor the place of
//! a restart, nor the order in which the readings of a burst come may change what is told.

use super::*;

/// The level of [`RULE`] with what [`naive`] must know of it, in whole millimetres and minutes.
struct Plain {
    level: Level,
    hold: i64,
    clear_after: i64,
    at_least: i64,
    clear_below: i64,
}

const LEVELS: [Plain; 2] = [
    Plain { level: Level::Attention, hold: 5, clear_after: 30, at_least: 25, clear_below: 15 },
    Plain { level: Level::Alert, hold: 0, clear_after: 60, at_least: 40, clear_below: 20 },
];
const STALE: i64 = 150;
const LAST_WORD: i64 = 24 * 60;

/// A reading as the reference sees it.
#[derive(Clone, Copy, Debug)]
struct Told {
    stream: i64,
    observed: i64,
    received: i64,
    mm: i64,
}

/// What one gauge is known to have measured, out of everything that was told so far.
#[derive(Clone, Copy)]
struct Gauge {
    hour: i64,
    /// More than half of the hour is untold, so that more may have fallen.
    is_open: bool,
    received: i64,
    lag: i64,
}

/// All readings of one gauge, from the beginning: one value for each stamp, the newest word on it; the sum of the hour that ends
/// at its newest stamp; and when that stamp was received. A late reading says nothing about when the gauge last spoke.
fn gauge(told: &[Told], stream: i64) -> Option<Gauge> {
    let mut values: BTreeMap<i64, i64> = BTreeMap::new();
    let mut spoke: Option<(i64, i64)> = None;
    for one in told.iter().filter(|one| one.stream == stream) {
        if spoke.is_none_or(|(newest, _)| one.observed >= newest) {
            spoke = Some((one.observed, one.received));
        }
        values.insert(one.observed, one.mm);
    }
    let (newest, received) = spoke?;
    let hour = values.iter().filter(|(at, _)| **at > newest - 60).map(|(_, mm)| mm).sum();
    let mut untold = 0;
    for (at, _) in values.range(newest - 59..) {
        let before = values.range(..at).next_back().map(|(before, _)| at - before);
        untold += before.filter(|gap| *gap > STALE).map_or(0, |gap| gap.min(at - (newest - 60)));
    }
    Some(Gauge { hour, is_open: untold > 30, received, lag: received - newest })
}

/// Whether it speaks for the present at a minute.
fn is_fresh(gauge: &Gauge, now: i64) -> bool {
    gauge.lag <= STALE && now < gauge.received + STALE
}

/// What is remembered from one look to the next.
#[derive(Default)]
struct Looks {
    /// Of each level: since when its condition holds without a break.
    met: [Option<i64>; 2],
    clear: Option<i64>,
    known: usize,
    shown: Option<Level>,
}

/// One look at the slope. Levels are numbered from 1; 0 is normal.
fn look(looks: &mut Looks, told: &[Told], now: i64) -> Option<Level> {
    let gauges: Vec<Gauge> = [1, 2].iter().filter_map(|stream| gauge(told, *stream)).collect();
    let fresh = || gauges.iter().filter(|gauge| is_fresh(gauge, now));
    // What is known of a gauge, as far as it tells whether a level is clear.
    let highest = |clear_below: i64| {
        fresh()
            .map(|gauge| gauge.hour)
            .filter(|hour| *hour >= clear_below)
            .max()
            .or_else(|| fresh().filter(|gauge| !gauge.is_open).map(|gauge| gauge.hour).max())
    };
    let is_lost = |gauge: &Gauge| {
        let holds = LEVELS.iter().take(looks.known).any(|level| gauge.hour >= level.clear_below);
        !is_fresh(gauge, now) && holds && now < gauge.received + LAST_WORD
    };
    let blind = fresh().count() == 0 || gauges.iter().any(is_lost);
    let (mut target, mut held, mut untold) = (0, 0, false);
    for (index, level) in LEVELS.iter().enumerate() {
        let seen = highest(level.clear_below);
        untold |= seen.is_none();
        let value = seen.unwrap_or(i64::MIN);
        if value >= level.at_least {
            let since = *looks.met[index].get_or_insert(now);
            if now >= since + level.hold {
                target = index + 1;
            }
        } else {
            looks.met[index] = None;
        }
        let unsure = seen.is_none() && fresh().count() > 0;
        if (unsure || value >= level.clear_below) && index < looks.known {
            held = index + 1;
        }
    }
    let floor = target.max(held);
    if target > looks.known {
        (looks.known, looks.clear) = (target, None);
    } else if blind || floor >= looks.known {
        looks.clear = None;
    } else {
        let since = *looks.clear.get_or_insert(now);
        if now >= since + LEVELS[looks.known - 1].clear_after {
            (looks.known, looks.clear) = (floor, None);
        }
    }
    let level = |number: usize| number.checked_sub(1).map_or(Level::Normal, |index| LEVELS[index].level);
    let shown = if (blind || untold && looks.known == 0) && floor == 0 { Level::Unknown } else { level(looks.known) };
    let before = looks.shown.replace(shown).unwrap_or(Level::Unknown);
    (before != shown).then_some(shown)
}

/// "minute from→to" for every change, by looking at every minute and after every reading.
fn naive(told: &[Told], until: i64) -> Vec<String> {
    let mut looks = Looks::default();
    let (mut changes, mut level) = (Vec::new(), Level::Unknown);
    let mut come = 0;
    for now in 0..=until {
        loop {
            let next = told.get(come).filter(|one| one.received == now);
            // Gauge 3 stands too far away: what it says makes nobody look.
            let looked = next.is_none_or(|one| one.stream != 3);
            come += usize::from(next.is_some());
            if looked && let Some(to) = look(&mut looks, &told[..come], now) {
                changes.push(format!("{now} {level}→{to}"));
                level = to;
            }
            if next.is_none() {
                break;
            }
        }
    }
    changes
}

fn fold(told: &[Told], until: i64) -> Vec<String> {
    let mut engine = Engine::new(bound());
    let mut effects = Vec::new();
    for (index, one) in told.iter().enumerate() {
        let reading = reading(index as i64 + 1, one.stream, one.observed, one.received, one.mm);
        engine.step(&Input::Reading(reading), &mut effects);
    }
    engine.step(&Input::Tick(from_micros(until * MINUTE)), &mut effects);
    super::told(&effects)
}

/// Readings with their gaps, ages (up to two hours late) and amounts.
fn storms() -> impl Strategy<Value = Vec<Told>> {
    let reading = (1_i64..4, 0_i64..50, 0_i64..26, prop_oneof![3 => Just(0_i64), 1 => 0_i64..120]);
    proptest::collection::vec(reading, 1..70).prop_map(|steps| {
        let mut now = 0;
        steps
            .into_iter()
            .map(|(stream, gap, mm, age)| {
                now += gap;
                Told { stream, observed: now - age, received: now, mm }
            })
            .collect()
    })
}

#[test]
fn the_reference_itself_tells_the_stories_of_the_slope() {
    let told = |readings: &[(i64, i64, i64)]| -> Vec<Told> {
        readings.iter().map(|&(stream, at, mm)| Told { stream, observed: at, received: at, mm }).collect()
    };
    assert_eq!(naive(&told(&[(1, 0, 30)]), 60), ["0 unknown→normal", "5 normal→attention"]);
    let storm = told(&[(1, 0, 45), (1, 61, 18), (1, 70, 0), (1, 100, 0), (1, 125, 0)]);
    assert_eq!(naive(&storm, 126), ["0 unknown→alert", "121 alert→attention"]);
    let silent = told(&[(1, 0, 45), (1, 300, 0), (1, 330, 0), (1, 361, 0)]);
    assert_eq!(naive(&silent, 391), ["0 unknown→alert", "150 alert→unknown", "300 unknown→alert", "390 alert→normal"]);
}

proptest! {
    #[test]
    fn the_engine_tells_what_a_naive_recomputation_tells(told in storms()) {
        let until = told.last().map_or(0, |one| one.received) + 2000;
        prop_assert_eq!(fold(&told, until), naive(&told, until));
    }

    /// Nobody looks where a reading leaves every sum as it was: that changes nothing, whatever is asked of whom.
    #[test]
    fn looking_only_where_something_moved_tells_the_same(told in storms(), is_counter in any::<bool>()) {
        let mut net = if is_counter { counters() } else { bound() };
        let mut now = 0;
        let mut run = |net: Bound| {
            let mut engine = Engine::new(net);
            let mut effects = Vec::new();
            for (index, one) in told.iter().enumerate() {
                let reading = reading(index as i64 + 1, one.stream, one.observed, one.received, one.mm);
                engine.step(&Input::Reading(reading), &mut effects);
                now = one.received;
            }
            engine.step(&Input::Tick(from_micros((now + 2000) * MINUTE)), &mut effects);
            effects
        };
        let seldom = run(net.clone());
        net.only_sums.fill(false);
        prop_assert_eq!(seldom, run(net));
    }

    /// A gateway that comes back brings its backlog in any order: the sums and the time of the last word are those of the same
    /// readings told in order. (Levels on the way may differ: who first hears of the past sees it pass.)
    #[test]
    fn a_burst_leaves_the_same_values_in_whatever_order_it_comes(
        told in storms(),
        order in proptest::collection::vec(any::<u64>(), 70),
    ) {
        // The same stamp told twice is two words on one thing, of which the later counts: here each is told once.
        let mut seen = std::collections::BTreeSet::new();
        let burst: Vec<Told> = told.into_iter().filter(|one| seen.insert((one.stream, one.observed))).collect();
        let now = burst.iter().map(|one| one.received).max().unwrap_or(0) + 1;
        let mut shuffled: Vec<(u64, Told)> = order.into_iter().zip(burst.clone()).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let in_order = values_after(&burst, now);
        let in_any = values_after(&shuffled.into_iter().map(|(_, one)| one).collect::<Vec<_>>(), now);
        prop_assert_eq!(in_order, in_any);
    }
}

/// Of every gauge the sum of its last hour, its newest stamp and the receipt of that, after all of it came at one instant.
fn values_after(burst: &[Told], now: i64) -> Vec<(Option<Fixed>, Option<Micros>, Option<Micros>)> {
    let mut engine = Engine::new(bound());
    let mut effects = Vec::new();
    for (index, one) in burst.iter().enumerate() {
        engine.step(&Input::Reading(reading(index as i64 + 1, one.stream, one.observed, now, one.mm)), &mut effects);
    }
    let tracks = engine.streams.iter().map(|state| state.track(false));
    let hour = |track: &stream::Track| track.series.sum(60 * MINUTE).map(|sum| sum.at_least);
    tracks.map(|track| (hour(track), track.series.newest_at(), track.received_at())).collect()
}

/// Everything a recorded storm tells.
fn effects_of(engine: &mut Engine, inputs: &[Input]) -> Vec<Effect> {
    let mut effects = Vec::new();
    inputs.iter().for_each(|input| engine.step(input, &mut effects));
    effects
}

/// A storm of `simulations/storms` with its network.
fn recorded(storm: &str) -> (Bound, Vec<ReadingInput>) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("simulations/storms/{storm}.toml"));
    let limits = crate::risk::store::load_limits("").unwrap();
    let loaded = crate::cli::scenario::load(&file, &limits, None).unwrap();
    let readings = crate::replay::arrivals(loaded.scenario.delay(), &loaded.readings).readings;
    (loaded.network.bind().unwrap().in_zone(loaded.scenario.time_zone), readings)
}

const STORMS: [&str; 5] = [
    "petropolis_2022-02-15",
    "synthetic_bad_network",
    "synthetic_clock_off",
    "synthetic_gauge_lies",
    "synthetic_upstream_blue_sky",
];

#[test]
fn a_recorded_storm_tells_the_same_whatever_the_batches_and_the_restarts_after_each() {
    for storm in STORMS {
        let (net, readings) = recorded(storm);
        let last = readings.last().unwrap().received_at;
        let end = Input::Tick(last + chrono::TimeDelta::days(1));
        let inputs: Vec<Input> = readings.iter().cloned().map(Input::Reading).chain([end.clone()]).collect();
        let straight = effects_of(&mut Engine::new(net.clone()), &inputs);
        assert!(told(&straight).len() > 2, "{storm}");
        for batch in [1, 7, 50, readings.len()] {
            let mut engine = Engine::new(net.clone());
            let (mut effects, mut folded) = (Vec::new(), Vec::new());
            for batch in readings.chunks(batch) {
                // As the pipeline does: timers run up to the receipt of the next batch, then the batch, then it may be stopped.
                let before = batch[0].received_at - chrono::TimeDelta::microseconds(1);
                engine.step(&Input::Tick(before), &mut effects);
                for reading in batch {
                    engine.step(&Input::Reading(reading.clone()), &mut effects);
                    folded.push(reading.clone());
                }
                engine = resumed(net.clone(), &engine, &folded, &effects, batch.last().unwrap().received_at);
            }
            engine.step(&end, &mut effects);
            assert_eq!(effects, straight, "{storm} in batches of {batch}");
        }
    }
}
