//! `sentinela bench latency`: from a gauge's reading to the SMS in the hands of the centre, with a policy that lets the alert
//! out, while other gauges keep the service busy.

use std::collections::HashMap;
use std::ops::Range;
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
pub const FLOOD: &str = "5.0";
/// How long before the flood each river was calm: one that rises by metres in seconds is a fault of the gauge.
pub const CALM: chrono::TimeDelta = chrono::TimeDelta::hours(2);
/// From the reading to the SMS: half of them, and 99 of a hundred.
pub const P50_BAR_MS: f64 = 50.0;
pub const P99_BAR_MS: f64 = 250.0;
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
    #[serde(flatten)]
    sms: Spread,
    /// From the reading to the moment that stands in the alert as that of its issue.
    issued: Spread,
    optimised: bool,
}

/// How long it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub longest_ms: f64,
}

impl Spread {
    pub fn of(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        let at = |share: f64| millis.get(((millis.len().max(1) - 1) as f64 * share).round() as usize).copied();
        let at = |share: f64| at(share).unwrap_or(f64::NAN);
        Self { p50_ms: at(0.5), p99_ms: at(0.99), longest_ms: at(1.0) }
    }
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    crate::web::measure::install();
    let centre = Centre::open(&mut config).await?;
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments, centre).await;
    stage.tell(measured, arguments.json, print).await
}

fn print(report: &Report) {
    let Report { alerts, background_readings_per_second: noise, .. } = report;
    println!(
        "{alerts} readings over MQTT, each to an alert and its SMS at the centre; {noise} readings/s in the background"
    );
    println!("  half within        {:>8.1} ms   (bar: {P50_BAR_MS})", report.sms.p50_ms);
    println!("  99 % within        {:>8.1} ms   (bar: {P99_BAR_MS})", report.sms.p99_ms);
    println!("  longest            {:>8.1} ms", report.sms.longest_ms);
    println!(
        "  alert issued       {:>8.1} ms at the median, {:.1} ms at p99",
        report.issued.p50_ms, report.issued.p99_ms
    );
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
}

async fn measure(stage: &Stage, arguments: &Arguments, centre: Centre) -> anyhow::Result<Report> {
    let mut scene = Scene::start(stage, centre, arguments.alerts, arguments.background).await?;
    let timed = scene.time(0..arguments.alerts, arguments.every_ms).await;
    scene.stop().await;
    let times = timed?;
    Ok(Report {
        alerts: times.sms.len(),
        background_readings_per_second: arguments.background,
        sms: Spread::of(times.sms),
        issued: Spread::of(times.issued),
        optimised: !cfg!(debug_assertions),
    })
}

/// The centre that takes the SMS, and a policy of the service that lets every alert of the highest level out to it by itself.
pub struct Centre {
    watch: Stopwatch,
    taken: mpsc::UnboundedReceiver<Taken>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Centre {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Centre {
    pub async fn open(config: &mut Config) -> anyhow::Result<Self> {
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
        Ok(Self { watch, taken, serving })
    }
}

/// Milliseconds from the reading of each river.
#[derive(Debug, Default)]
pub struct Times {
    /// To its SMS at the centre.
    pub sms: Vec<f64>,
    /// To the issue of its alert.
    pub issued: Vec<f64>,
}

/// Everything between the gauges and the centre, at work, with other gauges that keep it busy.
pub struct Scene {
    pub app: App,
    pool: PgPool,
    centre: Centre,
    port: u16,
    service: JoinSet<()>,
    noise: JoinSet<anyhow::Result<()>>,
}

impl Scene {
    /// `rivers`: how many alerts can be timed, each river one. `background`: readings a second.
    pub async fn start(stage: &Stage, centre: Centre, rivers: usize, background: u64) -> anyhow::Result<Self> {
        let pool = stage.pool();
        furnish(&pool, Clock::System.now(), NOISY, NOISY).await?;
        furnish_rivers(&pool, rivers).await?;
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
            noise.spawn(murmur(port, n, background));
        }
        Ok(Self { app, pool, centre, port, service, noise })
    }

    /// Floods these rivers one after the other.
    pub async fn time(&mut self, rivers: Range<usize>, every_ms: u64) -> anyhow::Result<Times> {
        let mut polling = JoinSet::new();
        let mut clients = Vec::new();
        for n in rivers.clone() {
            let (client, events) = connect(self.port, &river(n));
            polling.spawn(keep_polling(events));
            publish_river(&client, n, "0.5", self.app.clock.now() - CALM).await?;
            clients.push(client);
        }
        // The noise and the calm readings get going first.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (wanted, watch) = (rivers.len(), self.centre.watch);
        let (mut sent, mut flooded) = (HashMap::new(), HashMap::new());
        let mut times = Times::default();
        let mut every = tokio::time::interval(Duration::from_millis(every_ms.max(1)));
        for (n, client) in rivers.zip(&clients) {
            every.tick().await;
            let at = self.app.clock.now();
            sent.insert(telephone(n), watch.elapsed());
            flooded.insert(river(n), at);
            publish_river(client, n, FLOOD, at).await?;
            while let Ok(message) = self.centre.taken.try_recv() {
                note(&mut times.sms, &sent, &message);
            }
        }
        while times.sms.len() < wanted {
            let next = tokio::time::timeout(PATIENCE, self.centre.taken.recv()).await;
            let Ok(Some(message)) = next else {
                anyhow::bail!("{} of {wanted} messages never came", wanted - times.sms.len())
            };
            note(&mut times.sms, &sent, &message);
        }
        times.issued = self.issued(&flooded).await?;
        Ok(times)
    }

    /// Milliseconds from each reading to the issue of the alert over its river.
    async fn issued(&self, flooded: &HashMap<String, Instant>) -> anyhow::Result<Vec<f64>> {
        let codes: Vec<String> = flooded.keys().cloned().collect();
        let rows: Vec<(String, Instant)> = sqlx::query_as(
            "select r.code, min(a.issued_at) from alert a join alert_area l on l.alert_id = a.id join risk_area r on r.id = l.area_id
             where r.code = any($1) and a.issued_at is not null group by r.code",
        )
        .bind(&codes)
        .fetch_all(&self.pool)
        .await?;
        anyhow::ensure!(rows.len() == codes.len(), "{} of {} alerts were issued", rows.len(), codes.len());
        let took = rows.iter().filter_map(|(code, at)| (*at - *flooded.get(code)?).num_microseconds());
        Ok(took.map(|us| us as f64 / 1000.0).collect())
    }

    pub async fn stop(mut self) {
        self.noise.abort_all();
        self.app.stop.cancel();
        while self.service.join_next().await.is_some() {}
        for pool in [&self.app.db.ingest, &self.app.db.dispatch, &self.app.db.web, &self.pool] {
            pool.close().await;
        }
    }
}

fn note(times: &mut Vec<f64>, sent: &HashMap<String, Duration>, message: &Taken) {
    if let Some(at) = sent.get(&message.telephone) {
        times.push((message.after - *at).as_secs_f64() * 1000.0);
    }
}

pub fn river(n: usize) -> String {
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
pub async fn furnish_rivers(pool: &PgPool, rivers: usize) -> anyhow::Result<()> {
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
