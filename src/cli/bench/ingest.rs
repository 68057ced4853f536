//! `sentinela bench ingest`

use std::time::Duration;

use chrono::TimeDelta;
use serde::Serialize;
use sqlx::PgPool;

use super::bare::{Bare, References};
use super::publishers::{Load, publish};
use super::stage::{Stage, furnish};
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::{db, ingest, pipeline};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Times that both are measured, one after the other; the medians are compared
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// Devices that publish at once
    #[arg(long, default_value_t = 50)]
    devices: usize,
    /// Readings in one message
    #[arg(long, default_value_t = 20)]
    batch: u64,
    /// Server on which a database is created for the bench and dropped after it; without it the configured one, or a
    /// private one in a temporary folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
}

/// Readings a second.
#[derive(Debug, Serialize)]
struct Report {
    devices: usize,
    readings_in_a_message: u64,
    seconds: u64,
    bare: Vec<f64>,
    /// Into a table that does not ask whether streams and devices are there.
    loose: Vec<f64>,
    service: Vec<f64>,
    bare_median: f64,
    loose_median: f64,
    service_median: f64,
    /// Service over bare.
    ratio: f64,
    /// Service over the loose table.
    ratio_to_loose: f64,
    /// Longest time from the last acknowledgement until the rules had judged everything, in milliseconds.
    judged_after_ms: u64,
    optimised: bool,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    crate::web::measure::install();
    config.mqtt.listen = "127.0.0.1:0".into();
    config.mqtt.external.clear();
    // The readings are stamped a second apart and come far faster; they stand for such as are live.
    config.ingest.live_within_s = u32::MAX;
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments).await;
    stage.tell(measured, arguments.json, print).await
}

fn print(report: &Report) {
    let Report { devices, readings_in_a_message, seconds, .. } = report;
    println!("{devices} devices, QoS 1, {readings_in_a_message} readings a message, {seconds} s each, in turns");
    println!("  bare loop (endpoint, table, ack)   {:>9.0} readings/s", report.bare_median);
    println!("  service (committed and judged)     {:>9.0} readings/s", report.service_median);
    println!("  ratio                              {:>9.2}   (bar: 0.8)", report.ratio);
    println!("  bare loop, table without references {:>8.0} readings/s", report.loose_median);
    println!("  ratio to that                      {:>9.2}", report.ratio_to_loose);
    println!("  judged after the last ack within   {:>9} ms", report.judged_after_ms);
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
}

async fn measure(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Report> {
    let pool = stage.pool();
    furnish(&pool, Clock::System.now(), arguments.devices, arguments.devices).await?;
    let lasting = Duration::from_secs(arguments.seconds);
    let (mut bare, mut loose, mut service, mut lag) = (Vec::new(), Vec::new(), Vec::new(), Duration::ZERO);
    for round in 0..=arguments.rounds {
        // Round 0 warms caches, plans and files, and is not counted.
        let lasting = if round == 0 { lasting.min(Duration::from_secs(2)) } else { lasting };
        let from = Clock::System.now() - TimeDelta::days(60) + TimeDelta::days(i64::try_from(round)?);
        let load = Load {
            port: 0,
            devices: arguments.devices,
            batch: arguments.batch,
            lasting,
            run: round,
            from,
            messages: u64::MAX,
            until_broken: false,
        };
        let bare_rate = measure_bare(stage, &pool, References::Kept, load.clone()).await?;
        let loose_rate = measure_bare(stage, &pool, References::Loose, load.clone()).await?;
        let (service_rate, late) = measure_service(stage, &pool, load).await?;
        if round > 0 {
            bare.push(bare_rate);
            loose.push(loose_rate);
            service.push(service_rate);
            lag = lag.max(late);
        }
    }
    pool.close().await;
    let (bare_median, loose_median, service_median) = (median(&bare), median(&loose), median(&service));
    Ok(Report {
        devices: arguments.devices,
        readings_in_a_message: arguments.batch,
        seconds: arguments.seconds,
        ratio: service_median / bare_median,
        ratio_to_loose: service_median / loose_median,
        bare,
        loose,
        service,
        bare_median,
        loose_median,
        service_median,
        judged_after_ms: u64::try_from(lag.as_millis())?,
        optimised: !cfg!(debug_assertions),
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn measure_bare(stage: &Stage, pool: &PgPool, references: References, mut load: Load) -> anyhow::Result<f64> {
    let bare = Bare::start(&stage.config, pool.clone(), references).await?;
    load.port = bare.address.port();
    let watch = Stopwatch::start();
    let acknowledged = publish(&load).await?;
    Ok(acknowledged as f64 / watch.elapsed().as_secs_f64())
}

/// The rate counts until everything is judged, so a service that acknowledges faster than it judges gains nothing.
async fn measure_service(stage: &Stage, pool: &PgPool, mut load: Load) -> anyhow::Result<(f64, Duration)> {
    let (app, receiver) = stage.app()?;
    let Some(endpoint) = ingest::mqtt::bind(&app).await? else { anyhow::bail!("mqtt.listen is empty") };
    load.port = endpoint.address().port();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(ingest::committer::run(app.clone(), receiver));
    tasks.spawn(ingest::devices::run(app.clone()));
    tasks.spawn(db::listen::run(app.clone()));
    tasks.spawn(pipeline::run(app.clone()));
    tasks.spawn(endpoint.serve());
    let watch = Stopwatch::start();
    let acknowledged = publish(&load).await?;
    let acknowledged_after = watch.elapsed();
    judged(pool).await?;
    let judged_after = watch.elapsed();
    app.stop.cancel();
    while tasks.join_next().await.is_some() {}
    for pool in [&app.db.ingest, &app.db.dispatch, &app.db.web] {
        pool.close().await;
    }
    Ok((acknowledged as f64 / judged_after.as_secs_f64(), judged_after - acknowledged_after))
}

/// Waits until the evaluator's cursor has passed everything that is committed.
async fn judged(pool: &PgPool) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        tick.tick().await;
        let behind = sqlx::query_scalar!(
            r#"select coalesce((select max(newest_seq) from journal_month), 0) > coalesce((select max(seq) from pipeline_cursor), 0)
               as "behind!""#
        )
        .fetch_one(pool)
        .await?;
        if !behind {
            return Ok(());
        }
    }
}
