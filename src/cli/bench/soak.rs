//! `sentinela bench soak`: hours of readings at a steady rate over MQTT, with a flood now and then that becomes an alert by itself and
//! leaves to a centre that takes everything, against the real program in a process of its own. It ends with an error when memory is
//! not flat, a bar is missed, something acknowledged is lost, or the disk grew otherwise than computed.

mod load;
mod report;
mod rivers;
mod verdict;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::load::{Load, gauge};
use self::report::{Minute, Report, grown, missed};
use self::rivers::{flood, open_river, publish_level, river_of, settle_people};
use self::verdict::memory;
use super::centre::{self, Taken};
use super::devices::program::{Program, Script, allowed_files, memory_mib};
use super::devices::proof::all_judged;
use super::latency::{CALM, Spread, furnish_rivers};
use super::stage::{Stage, furnish};
use crate::cli::Usage;
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::journal;

/// Between two looks at the memory.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);
/// SMS that are not there after this never come.
const PATIENCE: Duration = Duration::from_secs(180);
/// Open files beside the connections.
const FILES: u64 = 200;
/// Readings that are counted as waiting at most.
const MOST_WAITING: i64 = 1_000_000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How long, in minutes
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    minutes: u32,
    /// Readings a second, of all gauges together
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Gauges, each with a connection of its own
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    devices: u32,
    /// Readings in one message
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    per_message: u32,
    /// Areas of risk about the gauges
    #[arg(long, default_value_t = 50)]
    areas: usize,
    /// Seconds between two floods, each with an alert and its SMS; 0 = none
    #[arg(long, default_value_t = 60)]
    alerts_every: u32,
    /// People at each river, each with a telephone
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=9999))]
    people: i32,
    /// Publish → PUBACK of each minute: 99 of a hundred within so many milliseconds
    #[arg(long, default_value_t = 250.0)]
    puback_p99_ms: f64,
    /// MiB by which the memory of the last half may rise in it, or 5 % of its mean where that is more
    #[arg(long, default_value_t = 16.0)]
    memory_mib: f64,
    /// Share by which the growth of the database may differ from what is computed
    #[arg(long, default_value_t = 0.25)]
    growth_within: f64,
    /// Seconds of a minute, for trying the bench itself
    #[arg(long, default_value_t = 60, hide = true, value_parser = clap::value_parser!(u32).range(1..=60))]
    minute_s: u32,
    /// Server on which a database is created for the bench and dropped after it; without it the configured one, or a
    /// private one in a temporary folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl Arguments {
    fn lasting(&self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * u64::from(self.minute_s))
    }

    /// A flood is not begun so late that the end would cut it off.
    fn rivers(&self) -> usize {
        let seconds = self.lasting().as_secs();
        seconds.saturating_sub(1).checked_div(self.alerts_every.into()).map_or(0, |count| count as usize)
    }
}

pub async fn run(config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    let wanted = u64::from(arguments.devices) + FILES;
    if let Some(allowed) = allowed_files().filter(|allowed| *allowed < wanted) {
        anyhow::bail!(Usage(format!(
            "--devices {}: each connection is an open file, and this shell allows {allowed} of the {wanted} needed",
            arguments.devices
        )));
    }
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let folder = std::env::temp_dir().join(format!("sentinela-bench-soak-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&stage, arguments, &folder).await;
    stage.strike().await?;
    let report = measured?;
    std::fs::remove_dir_all(&folder)?;
    println!("{}", serde_json::to_string(&report)?);
    if cfg!(debug_assertions) {
        eprintln!("bench soak: this is a debug build: the figures mean little");
    }
    anyhow::ensure!(report.missed.is_empty(), "missed: {}", report.missed.join("; "));
    Ok(())
}

async fn measure(stage: &Stage, arguments: &Arguments, folder: &Path) -> anyhow::Result<Report> {
    let (pool, watch) = (stage.pool(), Stopwatch::start());
    furnish(&pool, Clock::System.now(), arguments.devices as usize, arguments.areas).await?;
    furnish_rivers(&pool, arguments.rivers()).await?;
    settle_people(&pool, arguments).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let settings = folder.join("soak.toml");
    std::fs::write(&settings, settings_for(listener.local_addr()?.port()))?;
    let mut script = Script::new(stage.url(), folder, arguments.devices as usize + arguments.rivers())?;
    script.config = Some(settings);
    let service = script.start().await?;
    let seen = Arc::new(Seen::new(watch));
    let mut helpers = JoinSet::new();
    let (told, taken) = mpsc::unbounded_channel();
    helpers.spawn(centre::serve(listener, watch, told));
    helpers.spawn(count(Arc::clone(&seen), taken));
    helpers.spawn(look(Arc::clone(&seen), service.pid));
    for n in 0..arguments.rivers() {
        publish_level(open_river(script.mqtt, n).await?, n, "0.5", Clock::System.now() - CALM).await?;
    }
    let load = Load::new(script.mqtt, arguments.devices as usize, arguments.per_message, arguments.rate);
    let soak = Soak { pool, seen, load: Arc::new(load), service, endpoint: script.mqtt };
    let report = soak.run(arguments).await;
    helpers.abort_all();
    report
}

/// A centre that takes everything, and a policy that lets every alert of the highest level out to it.
fn settings_for(port: u16) -> String {
    format!(
        r#"[ingest]
device_messages_per_s = 0

[alerts]
draft_from = "alert"

[[alerts.policies]]
name = "bench"
levels = ["maximum"]
approvals = "automatic"
plancon = "bench"

[[sms.smpp]]
name = "null"
host = "127.0.0.1"
port = {port}
system_id = "bench"
password = "bench"
source_addr = "40199"
window = 32
messages_per_second = 1000
"#
    )
}

/// What the tasks beside the load have seen.
struct Seen {
    watch: Stopwatch,
    /// By river: when it flooded, and when its first SMS came.
    flooded: Mutex<HashMap<usize, Duration>>,
    first_sms: Mutex<HashMap<usize, Duration>>,
    /// Telephones that were reached.
    reached: Mutex<HashSet<String>>,
    /// Seconds and resident MiB.
    memory: Mutex<Vec<(f64, f64)>>,
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn new(watch: Stopwatch) -> Self {
        Self {
            watch,
            flooded: Mutex::default(),
            first_sms: Mutex::default(),
            reached: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    fn reached(&self) -> u64 {
        held(&self.reached).len() as u64
    }

    /// Milliseconds of each alert that reached somebody.
    fn alerts(&self) -> Vec<f64> {
        let (flooded, first) = (held(&self.flooded), held(&self.first_sms));
        let took = |n: &usize| Some((*first.get(n)?).saturating_sub(*flooded.get(n)?).as_secs_f64() * 1000.0);
        flooded.keys().filter_map(took).collect()
    }
}

async fn count(seen: Arc<Seen>, mut taken: mpsc::UnboundedReceiver<Taken>) {
    while let Some(message) = taken.recv().await {
        if let Some(n) = river_of(&message.telephone) {
            held(&seen.first_sms).entry(n).or_insert(message.after);
        }
        held(&seen.reached).insert(message.telephone);
    }
}

async fn look(seen: Arc<Seen>, pid: u32) {
    let mut tick = tokio::time::interval(SAMPLE_EVERY);
    loop {
        tick.tick().await;
        if let Some((now, _)) = memory_mib(pid) {
            held(&seen.memory).push((seen.watch.elapsed().as_secs_f64(), now));
        }
    }
}

struct Soak {
    pool: PgPool,
    seen: Arc<Seen>,
    load: Arc<Load>,
    service: Program,
    endpoint: SocketAddr,
}

impl Soak {
    async fn run(self, arguments: &Arguments) -> anyhow::Result<Report> {
        let mut gauges = JoinSet::new();
        for device in 0..self.load.devices {
            gauges.spawn(gauge(Arc::clone(&self.load), device));
        }
        let every = Duration::from_secs(arguments.alerts_every.max(1).into());
        let flooding = tokio::spawn(flood(Arc::clone(&self.seen), self.endpoint, arguments.rivers(), every));
        let (began, mut minutes) = (Stopwatch::start(), Vec::new());
        for minute in 1..=arguments.minutes {
            let until = Duration::from_secs(u64::from(minute) * u64::from(arguments.minute_s));
            tokio::time::sleep(until.saturating_sub(began.elapsed())).await;
            let told = self.minute(minute, &minutes).await?;
            println!("{}", told.line());
            minutes.push(told);
        }
        let seconds = began.elapsed().as_secs_f64();
        let acknowledged = self.load.acknowledged.load(Relaxed);
        self.load.stop.store(true, Relaxed);
        while gauges.join_next().await.is_some() {}
        flooding.await??;
        let wanted = arguments.rivers() as u64 * u64::try_from(arguments.people)?;
        let waited = Stopwatch::start();
        while self.seen.reached() < wanted && waited.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.report(arguments, (seconds, acknowledged), wanted, minutes).await
    }

    async fn minute(&self, minute: u32, before: &[Minute]) -> anyhow::Result<Minute> {
        let (_, waiting) = journal::unjudged(&self.pool, MOST_WAITING).await?;
        let so_far: u64 = before.iter().map(|minute| minute.readings).sum();
        let told: usize = before.iter().map(|minute| minute.alerts).sum();
        let alerts = self.seen.alerts();
        let slowest = alerts.iter().copied().max_by(f64::total_cmp).filter(|_| alerts.len() > told);
        let memory = held(&self.seen.memory).last().map_or(f64::NAN, |(_, mib)| *mib);
        Ok(Minute {
            minute,
            readings: self.load.acknowledged.load(Relaxed).saturating_sub(so_far),
            puback: Spread::of(self.load.took()),
            alerts: alerts.len().saturating_sub(told),
            slowest_alert_ms: slowest,
            sms: self.seen.reached(),
            waiting,
            memory_mib: memory,
            database_mib: self.database_bytes().await? as f64 / 1024.0 / 1024.0,
            broken: self.load.broken.load(Relaxed),
        })
    }

    async fn database_bytes(&self) -> anyhow::Result<i64> {
        let bytes = sqlx::query_scalar!(r#"select pg_database_size(current_database()) as "bytes!""#);
        Ok(bytes.fetch_one(&self.pool).await?)
    }

    async fn report(
        self,
        arguments: &Arguments,
        (seconds, acknowledged): (f64, u64),
        sms_wanted: u64,
        minutes: Vec<Minute>,
    ) -> anyhow::Result<Report> {
        let everything_judged = all_judged(&self.pool).await?;
        let all = self.load.acknowledged.load(Relaxed);
        let kept = sqlx::query_scalar!(r#"select count(*) as "kept!" from journal where message_id like 's-%'"#);
        let kept = kept.fetch_one(&self.pool).await?.unsigned_abs();
        self.service.stop().await?;
        self.pool.close().await;
        let took = self.seen.alerts();
        let mut report = Report {
            bench: "soak",
            seconds,
            rate: arguments.rate,
            readings_per_second: acknowledged as f64 / seconds,
            acknowledged: all,
            lost: all.saturating_sub(kept),
            everything_judged,
            alerts: took.len(),
            first_sms: (!took.is_empty()).then(|| Spread::of(took)),
            sms: self.seen.reached(),
            sms_wanted,
            memory: memory(&held(&self.seen.memory), arguments.memory_mib),
            growth: grown(&minutes, arguments.growth_within),
            minutes,
            missed: Vec::new(),
            optimised: !cfg!(debug_assertions),
        };
        report.missed = missed(&report, arguments);
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_ones_that_the_service_takes() {
        let config: toml::Table = toml::from_str(&settings_for(2775)).unwrap();
        assert_eq!(config["sms"]["smpp"][0]["port"].as_integer(), Some(2775));
        let environment = config::Environment::with_prefix("NOBODY").source(Some(HashMap::new()));
        let folder = std::env::temp_dir().join(format!("sentinela-soak-settings-{}", std::process::id()));
        std::fs::write(&folder, settings_for(2775)).unwrap();
        let read = Config::layered(Some(&folder), environment);
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(read.unwrap().sms.smpp[0].name, "null");
    }
}
