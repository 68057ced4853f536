//! `sentinela bench devices`: many gauges connected at once, each with a reading a second, against the real program in a
//! process of its own; and, with `--storm`, what happens when it dies hard and all of them come back with hours of backlog.
//!
//! The gauges share the machine with the service and the database, so on two cores they take a good part of it; the report
//! says how much.

mod gauge;
pub(super) mod program;
pub(super) mod proof;
mod report;
pub(super) mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::gauge::{Account, Answered, Fleet, Gauge, Use};
use self::program::{Program, Script, allowed_files, machine_s, memory_mib, processor_s};
use self::proof::{Balance, Judged, Mark};
use self::report::{Memory, Processor, Report, Spread, Steady, Storm};
use super::stage::{Stage, furnish};
use crate::cli::Usage;
use crate::clock::{Clock, Instant, Stopwatch};
use crate::config::Config;

/// Open files beside the connections.
const FILES: u64 = 200;
/// So long everybody may take to connect, beyond the time over which they spread.
const CONNECTING: Duration = Duration::from_secs(120);
/// The gauges go on so long after the backlog is gone.
const AFTERWARDS: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Devices connected at once, each with a reading a second
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    devices: u32,
    /// Seconds of steady load
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// Areas of risk, each about one of the stations
    #[arg(long, default_value_t = 500)]
    areas: usize,
    /// After the steady load: kill -9, and all devices come back with backlog
    #[arg(long)]
    storm: bool,
    /// Readings of backlog that each device brings
    #[arg(long, default_value_t = 3600)]
    backlog: usize,
    /// Most readings in one message
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    per_message: u16,
    /// Seconds over which devices come back
    #[arg(long, default_value_t = 30)]
    spread_s: u64,
    /// Connections that each device uses: 2 = one for the backlog apart, 1 = the backlog between the live readings
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    connections: u8,
    /// Longest that the backlog may take, in seconds
    #[arg(long, default_value_t = 7200)]
    patience_s: u64,
    /// Server on which a database is created for the bench and dropped after it; without it the configured one, or a
    /// private one in a temporary folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
}

impl Arguments {
    const fn devices(&self) -> usize {
        self.devices as usize
    }

    /// At the most crowded time.
    const fn connections(&self) -> usize {
        self.devices() * if self.storm { self.connections as usize } else { 1 }
    }

    fn backlog_messages(&self) -> usize {
        self.backlog.div_ceil(self.per_message.into())
    }
}

pub async fn run(config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    let wanted = arguments.connections() as u64 + FILES;
    if let Some(allowed) = allowed_files().filter(|allowed| *allowed < wanted) {
        anyhow::bail!(Usage(format!(
            "--devices {}: each connection is an open file, and this shell allows {allowed} of the {wanted} needed; \
             `ulimit -n {wanted}` raises it, as far as `ulimit -Hn` allows",
            arguments.devices
        )));
    }
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let folder = std::env::temp_dir().join(format!("sentinela-bench-devices-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&stage, arguments, &folder).await;
    stage.strike().await?;
    let report = measured?;
    std::fs::remove_dir_all(&folder)?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report.print();
    }
    anyhow::ensure!(report.balance.lost == 0, "{} acknowledged readings are lost", report.balance.lost);
    Ok(())
}

async fn measure(stage: &Stage, arguments: &Arguments, folder: &std::path::Path) -> anyhow::Result<Report> {
    let pool = stage.pool();
    progress(&format!("{} stations with a gauge, {} areas", arguments.devices, arguments.areas));
    furnish(&pool, Clock::System.now(), arguments.devices(), arguments.areas).await?;
    let script = Script::new(stage.url(), folder, arguments.connections())?;
    let mut field = Field::open(arguments, script, pool).await?;
    let steady = field.steady(arguments).await?;
    let storm = if arguments.storm { Some(field.storm(arguments).await?) } else { None };
    field.close(arguments, steady, storm).await
}

fn progress(what: &str) {
    eprintln!("bench devices: {what}");
}

/// The gauges, the service, and who looks on.
struct Field {
    fleet: Arc<Fleet>,
    gauges: JoinSet<Account>,
    script: Script,
    service: Program,
    pool: PgPool,
    following: tokio::task::JoinHandle<()>,
    marks: mpsc::UnboundedReceiver<Mark>,
}

/// What was seen of the steady time, before latencies are known.
struct SteadyTime {
    began: Duration,
    ended: Duration,
    acknowledged: usize,
    memory: Memory,
    processor: Processor,
}

/// The same of the storm.
struct StormTime {
    began: Duration,
    drained: Duration,
    broken: usize,
    memory_most_mib: f64,
    processor: Processor,
}

/// Processor seconds so far.
#[derive(Clone, Copy)]
struct Used {
    service: f64,
    clients: f64,
    machine: f64,
}

impl Used {
    fn now(service: u32) -> Self {
        let of = |seconds: Option<f64>| seconds.unwrap_or(f64::NAN);
        Self {
            service: of(processor_s(service)),
            clients: of(processor_s(std::process::id())),
            machine: of(machine_s()),
        }
    }

    fn since(self, service: u32, passed: Duration) -> Processor {
        let now = Self::now(service);
        let share = |then: f64, now: f64| (now - then) / passed.as_secs_f64();
        let (service, clients) = (share(self.service, now.service), share(self.clients, now.clients));
        Processor { service, clients, others: share(self.machine, now.machine) - service - clients }
    }
}

impl Field {
    async fn open(arguments: &Arguments, script: Script, pool: PgPool) -> anyhow::Result<Self> {
        let service = script.start().await?;
        let (watch, from) = (Stopwatch::start(), Clock::System.now());
        let (tell, marks) = mpsc::unbounded_channel();
        let following = tokio::spawn(proof::follow(pool.clone(), watch, tell));
        let fleet = Arc::new(Fleet {
            endpoint: script.mqtt,
            devices: arguments.devices(),
            per_message: arguments.per_message.into(),
            backlog_messages: arguments.backlog_messages(),
            spread: Duration::from_secs(arguments.spread_s),
            from,
            watch,
            storm: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            connected: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
            backlog_left: AtomicUsize::new(arguments.backlog_messages() * arguments.devices()),
            broken: AtomicUsize::new(0),
        });
        Ok(Self { fleet, gauges: JoinSet::new(), script, service, pool, following, marks })
    }

    fn send_out(&mut self, purpose: Use) {
        for device in 0..self.fleet.devices {
            self.gauges.spawn(Gauge::new(Arc::clone(&self.fleet), device, purpose).run());
        }
    }

    fn memory(&self) -> (f64, f64) {
        memory_mib(self.service.pid).unwrap_or((f64::NAN, f64::NAN))
    }

    async fn steady(&mut self, arguments: &Arguments) -> anyhow::Result<SteadyTime> {
        let before_the_devices_mib = self.memory().0;
        self.send_out(if arguments.connections == 1 { Use::Both } else { Use::Live });
        let bound = CONNECTING + self.fleet.spread;
        let all = self.fleet.devices;
        let connected = wait(bound, || self.fleet.connected.load(Relaxed) >= all).await;
        anyhow::ensure!(
            connected,
            "only {} of {all} devices could connect within {} s",
            self.fleet.connected.load(Relaxed),
            bound.as_secs()
        );
        progress(&format!("all connected after {:.0} s", self.fleet.watch.elapsed().as_secs_f64()));
        let (began, acknowledged) = (self.fleet.watch.elapsed(), self.fleet.acknowledged.load(Relaxed));
        let (used, half) = (Used::now(self.service.pid), Duration::from_secs(arguments.seconds) / 2);
        let all_connected_mib = self.memory().0;
        tokio::time::sleep(half).await;
        let half_mib = self.memory().0;
        tokio::time::sleep(half).await;
        let ended = self.fleet.watch.elapsed();
        let (end_mib, most_mib) = self.memory();
        let growth_mib_per_minute = (end_mib - half_mib) / half.as_secs_f64() * 60.0;
        Ok(SteadyTime {
            began,
            ended,
            acknowledged: self.fleet.acknowledged.load(Relaxed) - acknowledged,
            memory: Memory { before_the_devices_mib, all_connected_mib, end_mib, most_mib, growth_mib_per_minute },
            processor: used.since(self.service.pid, ended - began),
        })
    }

    async fn storm(&mut self, arguments: &Arguments) -> anyhow::Result<StormTime> {
        progress("kill -9");
        self.service.kill().await?;
        self.service = self.script.start().await?;
        let broken = self.fleet.broken.load(Relaxed);
        let (began, used) = (self.fleet.watch.elapsed(), Used::now(self.service.pid));
        self.fleet.storm.store(true, Relaxed);
        if arguments.connections == 2 {
            self.send_out(Use::Backlog);
        }
        let bound = Duration::from_secs(arguments.patience_s);
        let mut tick = tokio::time::interval(Duration::from_secs(10));
        while self.fleet.backlog_left.load(Relaxed) > 0 {
            tokio::select! {
                _ = tick.tick() => {
                    let left = self.fleet.backlog_left.load(Relaxed);
                    progress(&format!(
                        "{:.0} s: {left} messages of backlog left, {} connections, {:.0} MiB",
                        (self.fleet.watch.elapsed() - began).as_secs_f64(),
                        self.fleet.connected.load(Relaxed),
                        self.memory().0
                    ));
                }
                _ = wait(Duration::from_secs(1), || self.fleet.backlog_left.load(Relaxed) == 0) => {}
            }
            let passed = self.fleet.watch.elapsed() - began;
            anyhow::ensure!(passed < bound, "the backlog is not drained after {} s", bound.as_secs());
        }
        let drained = self.fleet.watch.elapsed();
        Ok(StormTime {
            began,
            drained,
            broken: self.fleet.broken.load(Relaxed) - broken,
            memory_most_mib: self.memory().1,
            processor: used.since(self.service.pid, drained - began),
        })
    }

    async fn close(
        mut self,
        arguments: &Arguments,
        steady: SteadyTime,
        storm: Option<StormTime>,
    ) -> anyhow::Result<Report> {
        if storm.is_some() {
            tokio::time::sleep(AFTERWARDS).await;
        }
        self.fleet.stop.store(true, Relaxed);
        let accounts = std::mem::take(&mut self.gauges).join_all().await;
        let everything_judged = proof::all_judged(&self.pool).await?;
        // The last mark follows the last commit.
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.following.abort();
        self.service.stop().await?;
        let mut marks = Vec::new();
        while let Ok(mark) = self.marks.try_recv() {
            marks.push(mark);
        }
        progress("holding the accounts against the journal");
        let (pool, from) = (&self.pool, self.fleet.from);
        let seen = Seen {
            answered: accounts.iter().flat_map(|account| account.answered.iter().copied()).collect(),
            judged: proof::judged(pool, from, &marks).await?,
        };
        let storm = match storm {
            Some(time) => Some(storm_report(&time, arguments, &seen, (pool, from, &marks)).await?),
            None => None,
        };
        let balance: Balance = proof::balance(pool, accounts).await?;
        pool.close().await;
        Ok(Report {
            bench: "devices",
            devices: arguments.devices(),
            steady: steady_report(&steady, &seen, arguments.storm),
            storm,
            balance,
            everything_judged,
            optimised: !cfg!(debug_assertions),
        })
    }
}

/// Latencies of live readings.
struct Seen {
    answered: Vec<Answered>,
    judged: Vec<Judged>,
}

impl Seen {
    fn acknowledged(&self, from: Duration, to: Duration) -> Spread {
        let within = self.answered.iter().filter(|one| one.sent_after >= from && one.sent_after < to && one.tries == 1);
        Spread::of(within.map(|one| one.took))
    }

    fn judged(&self, from: Duration, to: Duration) -> Spread {
        let within = self.judged.iter().filter(|one| one.observed_after >= from && one.observed_after < to);
        Spread::of(within.map(|one| one.took))
    }
}

fn steady_report(time: &SteadyTime, seen: &Seen, killed: bool) -> Steady {
    let seconds = (time.ended - time.began).as_secs_f64();
    // What was measured shortly before a kill was judged after it.
    let until = if killed { time.ended.saturating_sub(Duration::from_secs(1)) } else { time.ended };
    Steady {
        seconds,
        readings_per_second: time.acknowledged as f64 / seconds,
        acknowledged_after: seen.acknowledged(time.began, until),
        judged_after: seen.judged(time.began, until),
        memory: time.memory,
        processor: time.processor,
    }
}

async fn storm_report(
    time: &StormTime,
    arguments: &Arguments,
    seen: &Seen,
    (pool, from, marks): (&PgPool, Instant, &[Mark]),
) -> anyhow::Result<Storm> {
    let newest = proof::first_judged(pool, from, time.began, marks).await?;
    let backlog = arguments.backlog_messages() * usize::from(arguments.per_message) * arguments.devices();
    let took = (time.drained - time.began).as_secs_f64();
    let back = time.began + Duration::from_secs(arguments.spread_s + 1);
    Ok(Storm {
        backlog_readings: backlog as u64,
        readings_per_message: arguments.per_message.into(),
        connections_a_device: arguments.connections.into(),
        back_within_s: arguments.spread_s,
        drained_after_s: took,
        backlog_readings_per_second: backlog as f64 / took,
        stations_judged: newest.len(),
        newest_of_each_station_judged_after: Spread::of(newest.into_iter()),
        live_acknowledged_after: seen.acknowledged(back, time.drained),
        live_judged_after: seen.judged(back, time.drained),
        connections_that_broke: time.broken,
        memory_most_mib: time.memory_most_mib,
        processor: time.processor,
    })
}

/// Looks every ten milliseconds whether something has come about; `false` when it has not within the bound.
async fn wait(bound: Duration, mut come: impl FnMut() -> bool) -> bool {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        while !come() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(bound, waiting).await.is_ok()
}
