//! `sentinela bench latency`: from a gauge's reading to the SMS in the hands of the centre, with a policy that lets the alert
//! out, while other gauges keep the service busy.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use rumqttc::{AsyncClient, EventLoop, MqttOptions, QoS};
use serde::Serialize;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::centre::{self, Taken};
use super::stage::{SECRET, Stage, code, furnish};
use crate::alerts::approval::{Needs, Policy};
use crate::app::App;
use crate::clock::{Clock, Instant, Stopwatch};
use crate::config::{Config, SmppProvider};
use crate::ids::Ids;
use crate::stations::device::secret_sha256;
use crate::stations::store::{self, NewDatastream, NewStation};
use crate::units::{Level, Quantity, StreamKind};
use crate::{db, dispatch, ingest, pipeline};

/// Devices that make the background noise, and readings in each of their messages.
const NOISY: usize = 20;
const BATCH: u64 = 10;
/// A river that is over its banks in the compiled-in rules.
const FLOOD: &str = "5.0";
/// How long before the flood each river was calm: one that rises by metres in seconds is a fault of the gauge.
const CALM: chrono::TimeDelta = chrono::TimeDelta::hours(2);
/// An SMS that is not there after this never comes.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Alerts to time, one after the other
    #[arg(long, default_value_t = 100)]
    alerts: usize,
    /// Readings a second in the background
    #[arg(long, default_value_t = 1000)]
    background: u64,
    /// Milliseconds between two alerts
    #[arg(long, default_value_t = 100)]
    every_ms: u64,
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
    alerts: usize,
    background_readings_per_second: u64,
    p50_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
    optimised: bool,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    crate::web::measure::install();
    let watch = Stopwatch::start();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    config.mqtt.listen = "127.0.0.1:0".into();
    config.mqtt.external.clear();
    config.mail.url = "".into();
    config.alerts.draft_from = Level::Alert;
    config.alerts.policies = vec![Policy {
        name: "bench".into(),
        hazards: Vec::new(),
        levels: vec![Level::Maximum],
        kinds: Vec::new(),
        people_from: None,
        people_below: None,
        approvals: Needs::Automatic,
        plancon: "bench".into(),
    }];
    config.sms.smpp = vec![SmppProvider {
        name: "bench".into(),
        host: "127.0.0.1".into(),
        port: listener.local_addr()?.port(),
        system_id: "bench".into(),
        password: "bench".into(),
        source_addr: "40199".into(),
        window: 32,
        messages_per_second: 1000,
        ..SmppProvider::default()
    }];
    let (told, taken) = mpsc::unbounded_channel();
    let serving = tokio::spawn(centre::serve(listener, watch, told));
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments, watch, taken).await;
    serving.abort();
    stage.strike().await?;
    let report = measured?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn print(report: &Report) {
    let Report { alerts, background_readings_per_second: noise, .. } = report;
    println!(
        "{alerts} readings over MQTT, each to an alert and its SMS at the centre; {noise} readings/s in the background"
    );
    println!("  half within        {:>8.1} ms   (bar: 50)", report.p50_ms);
    println!("  99 % within        {:>8.1} ms   (bar: 250)", report.p99_ms);
    println!("  longest            {:>8.1} ms", report.longest_ms);
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
}

async fn measure(
    stage: &Stage,
    arguments: &Arguments,
    watch: Stopwatch,
    mut taken: mpsc::UnboundedReceiver<Taken>,
) -> anyhow::Result<Report> {
    let pool = stage.pool();
    furnish(&pool, Clock::System.now(), NOISY, NOISY).await?;
    furnish_rivers(&pool, arguments.alerts).await?;
    let (app, receiver) = stage.app()?;
    let Some(endpoint) = ingest::mqtt::bind(&app).await? else { anyhow::bail!("mqtt.listen is empty") };
    let port = endpoint.address().port();
    let mut service = JoinSet::new();
    service.spawn(ingest::committer::run(app.clone(), receiver));
    service.spawn(ingest::devices::run(app.clone()));
    service.spawn(db::listen::run(app.clone()));
    service.spawn(pipeline::run(app.clone()));
    service.spawn(dispatch::worker::run(app.clone()));
    service.spawn(endpoint.serve());
    let mut noise = JoinSet::new();
    for n in 0..NOISY {
        noise.spawn(murmur(port, n, arguments.background));
    }
    let timed = time_alerts(&app, arguments, port, watch, &mut taken).await;
    noise.abort_all();
    app.stop.cancel();
    while service.join_next().await.is_some() {}
    for pool in [&app.db.ingest, &app.db.dispatch, &app.db.web, &pool] {
        pool.close().await;
    }
    let mut millis = timed?;
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis.get(((millis.len() - 1) as f64 * share).round() as usize).copied();
    Ok(Report {
        alerts: millis.len(),
        background_readings_per_second: arguments.background,
        p50_ms: at(0.5).unwrap_or(f64::NAN),
        p99_ms: at(0.99).unwrap_or(f64::NAN),
        longest_ms: at(1.0).unwrap_or(f64::NAN),
        optimised: !cfg!(debug_assertions),
    })
}

/// Milliseconds from each publish to its SMS at the centre.
async fn time_alerts(
    app: &App,
    arguments: &Arguments,
    port: u16,
    watch: Stopwatch,
    taken: &mut mpsc::UnboundedReceiver<Taken>,
) -> anyhow::Result<Vec<f64>> {
    let mut polling = JoinSet::new();
    let mut rivers = Vec::new();
    for n in 0..arguments.alerts {
        let (client, events) = connect(port, &river(n));
        polling.spawn(keep_polling(events));
        publish_river(&client, n, "0.5", app.clock.now() - CALM).await?;
        rivers.push(client);
    }
    // The noise and the calm readings get going first.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut sent = HashMap::new();
    let mut times = Vec::new();
    let mut every = tokio::time::interval(Duration::from_millis(arguments.every_ms));
    for (n, client) in rivers.iter().enumerate() {
        every.tick().await;
        sent.insert(telephone(n), watch.elapsed());
        publish_river(client, n, FLOOD, app.clock.now()).await?;
        while let Ok(message) = taken.try_recv() {
            note(&mut times, &sent, &message);
        }
    }
    while times.len() < arguments.alerts {
        let next = tokio::time::timeout(PATIENCE, taken.recv()).await;
        let Ok(Some(message)) = next else {
            anyhow::bail!("{} of {} messages never came", arguments.alerts - times.len(), arguments.alerts)
        };
        note(&mut times, &sent, &message);
    }
    Ok(times)
}

fn note(times: &mut Vec<f64>, sent: &HashMap<String, Duration>, message: &Taken) {
    if let Some(at) = sent.get(&message.telephone) {
        times.push((message.after - *at).as_secs_f64() * 1000.0);
    }
}

fn river(n: usize) -> String {
    format!("river-{n}")
}

fn telephone(n: usize) -> String {
    format!("55329{n:08}")
}

fn connect(port: u16, code: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(code, "127.0.0.1", port);
    options.set_credentials(code, SECRET);
    AsyncClient::new(options, 32)
}

async fn keep_polling(mut events: EventLoop) {
    while events.poll().await.is_ok() {}
}

async fn publish_river(client: &AsyncClient, n: usize, level: &str, at: Instant) -> anyhow::Result<()> {
    let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let payload = format!(r#"{{"stream":"level","at":"{at}","value":{level},"unit":"m"}}"#);
    let topic = format!("v1/devices/{}/readings", river(n));
    client.publish(topic, QoS::AtLeastOnce, false, payload).await.context("the endpoint ended a connection")
}

/// One noisy gauge's share of the background.
async fn murmur(port: u16, n: usize, per_second: u64) -> anyhow::Result<()> {
    let (client, events) = connect(port, &code(n));
    let mut polling = JoinSet::new();
    polling.spawn(keep_polling(events));
    let topic = format!("v1/devices/{}/readings", code(n));
    let pause = Duration::from_secs_f64((NOISY as u64 * BATCH) as f64 / per_second.max(1) as f64);
    let mut every = tokio::time::interval(pause);
    loop {
        every.tick().await;
        let now = Clock::System.now();
        let readings: Vec<String> = (0..BATCH)
            .map(|back| {
                let at = now - chrono::TimeDelta::milliseconds(i64::try_from(back).unwrap_or(0));
                format!(r#"{{"stream":"rain","at":"{}","value":0,"unit":"mm"}}"#, at.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
            })
            .collect();
        let payload = format!(r#"{{"readings":[{}]}}"#, readings.join(","));
        client.publish(&topic, QoS::AtLeastOnce, false, payload).await.context("the endpoint ended a connection")?;
    }
}

/// Rivers far from one another, each with a gauge, an area and one resident.
async fn furnish_rivers(pool: &PgPool, rivers: usize) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let ids = Ids::system();
    let mut tx = pool.begin().await?;
    for n in 0..rivers {
        let code = river(n);
        let (lon, lat) = (-60.0 + 0.3 * (n % 30) as f64, -15.0 + 0.3 * (n / 30) as f64);
        let station =
            NewStation { code: code.clone(), name: code.clone(), lon, lat, elevation_m: None, source: "bench".into() };
        let (id, _) = store::upsert_station(&mut tx, now, &station).await?;
        let level = NewDatastream {
            name: "level".into(),
            quantity: Quantity::WaterLevel,
            unit: "m".into(),
            kind: StreamKind::Instantaneous,
            interval_s: None,
            stale_after_s: 86_400,
            counting: Default::default(),
            stages: Default::default(),
        };
        store::upsert_datastream(&mut tx, now, id, &level).await?;
        store::upsert_device(&mut tx, now, &code, id, &secret_sha256(&code, SECRET)).await?;
        sqlx::query!(
            "with area as (
                insert into risk_area (code, name, geom, created_at, updated_at)
                values ($1, $1, st_multi(st_expand(st_setsrid(st_makepoint($2, $3), 4326), 0.01)), $4, $4) returning id
            ), hazard as (
                insert into area_hazard (area_id, cobrade, grade) select id, '1.2.1.0.0', 'R3' from area
            ), person as (
                insert into resident (id, consent_at, consent_source, fictional, created_at)
                values ($5, $4, 'bench', true, $4) returning id
            ), place as (
                insert into resident_place (resident_id, geom) select id, st_setsrid(st_makepoint($2, $3), 4326) from person
            )
            insert into resident_channel (resident_id, kind, address, verified_at) select id, 'sms', $6, $4 from person",
            code,
            lon,
            lat,
            now,
            ids.uuid(now),
            format!("+{}", telephone(n))
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}
