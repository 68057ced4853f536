//! `sentinela bench backfill`: how fast the past is filled in, and what live readings feel of it.

use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use serde::Serialize;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::stage::{SECRET, Stage, code, furnish};
use crate::backfill::worker::Filler;
use crate::clock::{Clock, Instant, Stopwatch};
use crate::config::Config;
use crate::ids::DatastreamId;
use crate::ingest::{NewReading, Source};
use crate::units::{Fixed, Quality};
use crate::{db, ingest, pipeline};

/// Readings handed to the filler at once, as the import does.
const BATCH: usize = 10_000;
/// Between two readings of the past.
const STEP_S: i64 = 600;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Times that all three are measured, one after the other; the medians are compared
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// Devices that publish live meanwhile
    #[arg(long, default_value_t = 20)]
    devices: usize,
    /// Live messages a second of each device
    #[arg(long, default_value_t = 5)]
    per_second: u32,
    /// Server on which a database is created for the bench and dropped after it; without it the configured one, or a
    /// private one in a temporary folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    devices: usize,
    live_messages_per_second: u32,
    /// Readings of the past a second, with nothing else going on.
    alone_per_second: f64,
    /// The same while devices publish.
    beside_per_second: f64,
    /// From publish to acknowledgement of a live reading, without a back-fill and beside one.
    quiet_p50_ms: f64,
    quiet_p99_ms: f64,
    beside_p50_ms: f64,
    beside_p99_ms: f64,
    /// Beside over quiet.
    ratio_p50: f64,
    ratio_p99: f64,
    optimised: bool,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    crate::web::measure::install();
    config.mqtt.listen = "127.0.0.1:0".into();
    config.mqtt.external.clear();
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments).await;
    stage.tell(measured, arguments.json, print).await
}

fn print(report: &Report) {
    println!("{} devices, {} live messages/s each, QoS 1", report.devices, report.live_messages_per_second);
    println!("  back-fill alone                    {:>9.0} readings/s", report.alone_per_second);
    println!("  back-fill beside live readings     {:>9.0} readings/s", report.beside_per_second);
    println!(
        "  live ack, half within              {:>9.1} ms alone, {:.1} ms beside",
        report.quiet_p50_ms, report.beside_p50_ms
    );
    println!(
        "  live ack, 99 % within              {:>9.1} ms alone, {:.1} ms beside",
        report.quiet_p99_ms, report.beside_p99_ms
    );
    println!("  ratio                              {:>9.2} (half)   {:.2} (99 %)", report.ratio_p50, report.ratio_p99);
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
}

async fn measure(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Report> {
    let pool = stage.pool();
    furnish(&pool, Clock::System.now(), arguments.devices, arguments.devices).await?;
    let streams: Vec<DatastreamId> =
        sqlx::query_scalar!(r#"select id as "id: DatastreamId" from datastream order by id"#).fetch_all(&pool).await?;
    let history = db::history_pool(stage.options());
    let mut past = Past::before(Clock::System.now(), streams);
    let lasting = Duration::from_secs(arguments.seconds);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut quiet_ms, mut beside_ms) = (Vec::new(), Vec::new());
    for round in 0..=arguments.rounds {
        // Round 0 warms caches, plans and files, and is not counted.
        let lasting = if round == 0 { lasting.min(Duration::from_secs(2)) } else { lasting };
        let rate = fill(&history, &mut past, lasting).await?;
        let quiet = serve(stage, arguments, lasting, None).await?;
        let both = serve(stage, arguments, lasting, Some((&history, &mut past))).await?;
        if round > 0 {
            alone.push(rate);
            quiet_ms.extend(quiet.millis);
            beside.push(both.filled_per_second);
            beside_ms.extend(both.millis);
        }
    }
    history.close().await;
    pool.close().await;
    let (q50, q99) = (share(&mut quiet_ms, 0.5), share(&mut quiet_ms, 0.99));
    let (b50, b99) = (share(&mut beside_ms, 0.5), share(&mut beside_ms, 0.99));
    Ok(Report {
        devices: arguments.devices,
        live_messages_per_second: arguments.per_second,
        alone_per_second: share(&mut alone, 0.5),
        beside_per_second: share(&mut beside, 0.5),
        quiet_p50_ms: q50,
        quiet_p99_ms: q99,
        beside_p50_ms: b50,
        beside_p99_ms: b99,
        ratio_p50: b50 / q50,
        ratio_p99: b99 / q99,
        optimised: !cfg!(debug_assertions),
    })
}

fn share(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// Ten minutes after ten minutes of every stream, back from a day ago.
struct Past {
    from: Instant,
    streams: Vec<DatastreamId>,
    done: usize,
}

impl Past {
    fn before(now: Instant, streams: Vec<DatastreamId>) -> Self {
        Self { from: now - TimeDelta::days(1), streams, done: 0 }
    }

    fn next(&mut self) -> Vec<NewReading> {
        let from = self.done;
        self.done += BATCH;
        let of = |n: usize| {
            let (step, stream) = (n / self.streams.len().max(1), n % self.streams.len().max(1));
            Some(NewReading {
                datastream_id: *self.streams.get(stream)?,
                device_id: None,
                message_id: None,
                observed_at: self.from - TimeDelta::seconds(STEP_S * i64::try_from(step).ok()?),
                value: Fixed(i64::try_from(n % 50).ok()? * 200_000),
                quality: Quality::Pass,
                quality_reason: String::new(),
                source: Source::History,
            })
        };
        (from..self.done).filter_map(of).collect()
    }
}

/// Fills for a while; readings a second.
async fn fill(pool: &PgPool, past: &mut Past, lasting: Duration) -> anyhow::Result<f64> {
    let mut filler = Filler::new(pool.clone(), Clock::System);
    let watch = Stopwatch::start();
    while watch.elapsed() < lasting {
        filler.fill(&past.next()).await?;
    }
    Ok(filler.filled.appended as f64 / watch.elapsed().as_secs_f64())
}

struct Served {
    /// From publish to acknowledgement.
    millis: Vec<f64>,
    filled_per_second: f64,
}

/// The service with its devices for a while, and a back-fill beside it when one is given.
async fn serve(
    stage: &Stage,
    arguments: &Arguments,
    lasting: Duration,
    filling: Option<(&PgPool, &mut Past)>,
) -> anyhow::Result<Served> {
    let (app, receiver) = stage.app()?;
    let Some(endpoint) = ingest::mqtt::bind(&app).await? else { anyhow::bail!("mqtt.listen is empty") };
    let port = endpoint.address().port();
    let mut service = JoinSet::new();
    service.spawn(ingest::committer::run(app.clone(), receiver));
    service.spawn(ingest::devices::run(app.clone()));
    service.spawn(db::listen::run(app.clone()));
    service.spawn(pipeline::run(app.clone()));
    service.spawn(endpoint.serve());
    let stop = CancellationToken::new();
    let mut devices = JoinSet::new();
    for n in 0..arguments.devices {
        devices.spawn(device(port, n, arguments.per_second, stop.clone()));
    }
    let filled_per_second = match filling {
        Some((pool, past)) => fill(pool, past, lasting).await?,
        None => {
            tokio::time::sleep(lasting).await;
            0.0
        }
    };
    stop.cancel();
    let mut millis = Vec::new();
    while let Some(ended) = devices.join_next().await {
        millis.extend(ended.context("a publisher failed")??);
    }
    app.stop.cancel();
    while service.join_next().await.is_some() {}
    for pool in [&app.db.ingest, &app.db.dispatch, &app.db.web] {
        pool.close().await;
    }
    Ok(Served { millis, filled_per_second })
}

/// A device that publishes at its pace, one message after the other; milliseconds until each was acknowledged.
async fn device(port: u16, n: usize, per_second: u32, stop: CancellationToken) -> anyhow::Result<Vec<f64>> {
    let code = code(n);
    let mut options = MqttOptions::new(&code, "127.0.0.1", port);
    options.set_credentials(&code, SECRET);
    let (client, mut events) = AsyncClient::new(options, 8);
    let mut every = tokio::time::interval(Duration::from_secs_f64(1.0 / f64::from(per_second.max(1))));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    until_connected(&mut events).await?;
    let mut millis = Vec::new();
    while !stop.is_cancelled() {
        // The connection is polled while the device waits for its next turn.
        tokio::select! {
            _ = every.tick() => {}
            event = events.poll() => { event.context("the endpoint ended a connection")?; continue; }
        }
        let at = Clock::System.now().format("%Y-%m-%dT%H:%M:%S%.6fZ");
        let payload = format!(r#"{{"stream":"rain","at":"{at}","value":0,"unit":"mm"}}"#);
        let watch = Stopwatch::start();
        client.try_publish(format!("v1/devices/{code}/readings"), QoS::AtLeastOnce, false, payload)?;
        until_acknowledged(&mut events).await?;
        millis.push(watch.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(millis)
}

async fn until_connected(events: &mut EventLoop) -> anyhow::Result<()> {
    while !matches!(events.poll().await?, Event::Incoming(Packet::ConnAck(_))) {}
    Ok(())
}

async fn until_acknowledged(events: &mut EventLoop) -> anyhow::Result<()> {
    while !matches!(events.poll().await?, Event::Incoming(Packet::PubAck(_))) {}
    Ok(())
}
