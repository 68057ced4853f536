//! `sentinela bench sms`: SMS over SMPP against a bare client and the same centre in one run; how much of a contract's rate is used;
//! whether two providers add up; and what one that dies costs.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use rusmpp::pdus::{BindTransceiver, SubmitSm};
use rusmpp::types::{COctetString, OctetString};
use rusmppc::ConnectionBuilder;
use serde::Serialize;
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{JoinHandle, JoinSet};

use super::centre::{self, Taken};
use super::crowd::{Crowd, tell};
use super::stage::Stage;
use crate::app::App;
use crate::clock::{Clock, Stopwatch};
use crate::config::{Config, SmppProvider};
use crate::dispatch::channels::smpp_io::attach;
use crate::ids::AlertId;
use crate::{db, dispatch};

const WINDOW: u32 = 32;
/// A message that is not there after this never comes.
const PATIENCE: Duration = Duration::from_secs(60);
/// As fast as it goes.
const UNBOUNDED: u32 = 1_000_000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Messages of the comparison with the bare client
    #[arg(long, default_value_t = 50_000)]
    messages: i32,
    /// Messages a second that a provider allows
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds that a provider is kept busy at this rate
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// An SMS centre of others for the comparison with the bare client; without it the least one that could be, in this program
    #[arg(long, value_name = "ADDRESS:PORT")]
    centre: Option<SocketAddr>,
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
    messages: usize,
    bare_per_second: f64,
    service_per_second: f64,
    ratio: f64,
    rate: u32,
    /// Share of the rate that one provider carried.
    used: f64,
    /// Share of twice the rate that two carried.
    used_by_two: f64,
    /// Seconds from the death of one of two until the other was handed the first message that was not its own before.
    longest_gap_s: f64,
    /// Seconds that all messages took with one of two dying half-way, beyond what the other alone needed from then on.
    lost_s: f64,
    optimised: bool,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    config.mail.url = "".into();
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments).await;
    stage.tell(measured, arguments.json, print).await
}

fn print(report: &Report) {
    println!("{} SMS over SMPP, window {WINDOW}, to the same centre", report.messages);
    println!("  bare client        {:>8.0} /s", report.bare_per_second);
    println!("  service            {:>8.0} /s", report.service_per_second);
    println!("  ratio              {:>8.2}      (bar: 0.7)", report.ratio);
    println!("A provider of {} messages/s", report.rate);
    println!("  used               {:>8.1} %    (bar: 98)", report.used * 100.0);
    println!("  two of them        {:>8.1} %    (bar: 98)", report.used_by_two * 100.0);
    println!("  one of two dies    {:>8.1} s lost, {:.1} s without any message", report.lost_s, report.longest_gap_s);
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
}

async fn measure(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Report> {
    let pool = stage.pool();
    let limited = i32::try_from(arguments.rate * arguments.seconds).unwrap_or(i32::MAX);
    let many =
        Crowd { place: 1, residents: arguments.messages, inside: arguments.messages, vertices: 30, channel: "sms" };
    let few = Crowd { place: 2, residents: limited, inside: limited, ..many };
    let now = Clock::System.now();
    many.furnish(&pool, now).await?;
    few.furnish(&pool, now).await?;
    let messages = usize::try_from(arguments.messages)?;
    let (bare_per_second, service_per_second) = match arguments.centre {
        Some(address) => (bare(address, messages).await?, served(stage, &many, address).await?),
        None => {
            let mut centres = Centres::open(&[UNBOUNDED], Stopwatch::start()).await?;
            let address = SocketAddr::from(([127, 0, 0, 1], centres.configs[0].port));
            bare(address, messages).await?;
            let bare = collect(&mut centres, messages, None).await?;
            (bare.per_second(), fan_out(stage, &many, &[UNBOUNDED], None).await?.per_second())
        }
    };
    let rate = f64::from(arguments.rate);
    let one = fan_out(stage, &few, &[arguments.rate], None).await?;
    let two = fan_out(stage, &few, &[arguments.rate; 2], None).await?;
    let half = usize::try_from(limited)? / 2;
    let dying = fan_out(stage, &few, &[arguments.rate; 2], Some(half)).await?;
    pool.close().await;
    let left = (limited as usize).saturating_sub(half) as f64 / rate;
    Ok(Report {
        messages,
        bare_per_second,
        service_per_second,
        ratio: service_per_second / bare_per_second,
        rate: arguments.rate,
        used: one.per_second() / rate,
        used_by_two: two.per_second() / (2.0 * rate),
        longest_gap_s: dying.longest_gap_s(),
        lost_s: (dying.after_death_s() - left).max(0.0),
        optimised: !cfg!(debug_assertions),
    })
}

/// When messages were taken, in seconds.
pub struct Times {
    taken: Vec<f64>,
    died_at: Option<f64>,
}

impl Times {
    pub const fn new(taken: Vec<f64>) -> Self {
        Self { taken, died_at: None }
    }

    /// From the first to the last.
    pub fn per_second(&self) -> f64 {
        let (Some(first), Some(last)) = (self.taken.first(), self.taken.last()) else { return f64::NAN };
        (self.taken.len() - 1) as f64 / (last - first).max(f64::EPSILON)
    }

    fn after_death_s(&self) -> f64 {
        self.taken.last().zip(self.died_at).map_or(f64::NAN, |(last, died)| last - died)
    }

    fn longest_gap_s(&self) -> f64 {
        self.taken.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    }
}

fn provider(name: &str, rate: u32) -> SmppProvider {
    SmppProvider {
        name: name.to_owned(),
        host: "127.0.0.1".into(),
        system_id: "bench".into(),
        password: "bench".into(),
        source_addr: "40199".into(),
        window: WINDOW,
        messages_per_second: rate,
        priority: Some(1),
        ..SmppProvider::default()
    }
}

/// Centres on ports of their own, which tell what they take.
pub struct Centres {
    pub configs: Vec<SmppProvider>,
    serving: Vec<JoinHandle<()>>,
    pub taken: UnboundedReceiver<Taken>,
}

impl Centres {
    pub async fn open(rates: &[u32], watch: Stopwatch) -> anyhow::Result<Self> {
        let (told, taken) = unbounded_channel();
        let (mut configs, mut serving) = (Vec::new(), Vec::new());
        for (rate, n) in rates.iter().zip(1..) {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let port = listener.local_addr()?.port();
            configs.push(SmppProvider { port, ..provider(&format!("bench-{n}"), *rate) });
            serving.push(tokio::spawn(centre::serve(listener, watch, told.clone())));
        }
        Ok(Self { configs, serving, taken })
    }

    fn kill_first(&self) {
        if let Some(first) = self.serving.first() {
            first.abort();
        }
    }
}

impl Drop for Centres {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

/// The library's client with a window, and nothing else: no database, no accounts. Messages a second, from the first that was written to
/// the last that was answered.
async fn bare(centre: SocketAddr, messages: usize) -> anyhow::Result<f64> {
    let stream = TcpStream::connect(centre).await?;
    stream.set_nodelay(true)?;
    let (client, mut events, _) = attach(ConnectionBuilder::new().disable_interface_version_check(), stream);
    let listening = tokio::spawn(async move { while events.next().await.is_some() {} });
    client.bind_transceiver(BindTransceiver::builder().build()).await.context("the bare client cannot bind")?;
    let submit = |n: usize| {
        let to = COctetString::from_string(format!("55329{n:08}")).unwrap_or_default();
        let text = OctetString::from_slice(b"Defesa Civil: risco de deslizamento. Saia.").unwrap_or_default();
        let pdu = SubmitSm::builder().destination_addr(to).short_message(text).build();
        let client = client.clone();
        async move { client.submit_sm(pdu).await }
    };
    let watch = Stopwatch::start();
    // A task for each, so that answers are taken while others are written, as a program of its own would do.
    let mut window = JoinSet::new();
    let mut next = 0;
    while next < messages || !window.is_empty() {
        while next < messages && window.len() < WINDOW as usize {
            window.spawn(submit(next));
            next += 1;
        }
        if let Some(answer) = window.join_next().await {
            answer?.context("the centre refuses a message of the bare client")?;
        }
    }
    let took = watch.elapsed();
    let _ = client.close().await;
    listening.abort();
    Ok(messages as f64 / took.as_secs_f64())
}

/// One alert to a crowd through the whole of delivery and a centre of others. Messages a second, from the begin of the transaction that
/// tells the audience until every answer is committed.
async fn served(stage: &Stage, crowd: &Crowd, centre: SocketAddr) -> anyhow::Result<f64> {
    let config = SmppProvider { host: centre.ip().to_string(), port: centre.port(), ..provider("centre", UNBOUNDED) };
    let (app, service) = serve(stage, |whole| whole.sms.smpp = vec![config])?;
    let pool = stage.pool();
    let alert = crowd.alert(&pool, &app).await?;
    // The session is bound before anybody decides.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let watch = Stopwatch::start();
    tell(&app, alert).await?;
    while answered(&pool, alert).await? < crowd.inside.into() {
        anyhow::ensure!(watch.elapsed() < PATIENCE * 5, "the centre takes too long for a bench");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = watch.elapsed();
    stop(&app, service).await;
    pool.close().await;
    Ok(f64::from(crowd.inside) / took.as_secs_f64())
}

async fn answered(pool: &PgPool, alert: AlertId) -> sqlx::Result<i64> {
    // From the counts that move with the rows, within the same commits: counting the rows themselves, twenty times a second, would be a
    // load of its own.
    sqlx::query_scalar!(
        r#"select coalesce(sum(rows), 0)::bigint as "count!" from (
            select state, rows from delivery_tally where alert_id = $1 and what = 'state'
            union all
            select state, rows from delivery_change where alert_id = $1 and what = 'state') as counted
        where state in ('accepted', 'delivered')"#,
        alert.0
    )
    .fetch_one(pool)
    .await
}

/// One alert to a crowd through the whole of delivery. `dies_after`: the first centre is gone after so many messages.
async fn fan_out(stage: &Stage, crowd: &Crowd, rates: &[u32], dies_after: Option<usize>) -> anyhow::Result<Times> {
    let mut centres = Centres::open(rates, Stopwatch::start()).await?;
    let (app, service) = serve(stage, |config| config.sms.smpp = centres.configs.clone())?;
    let pool = stage.pool();
    let alert = crowd.alert(&pool, &app).await?;
    tell(&app, alert).await?;
    let times = collect(&mut centres, usize::try_from(crowd.inside)?, dies_after).await;
    stop(&app, service).await;
    pool.close().await;
    times
}

/// Until every telephone has its message; the same one again is not counted.
async fn collect(centres: &mut Centres, messages: usize, dies_after: Option<usize>) -> anyhow::Result<Times> {
    let mut seen = std::collections::HashSet::new();
    let mut times = Times::new(Vec::with_capacity(messages));
    while times.taken.len() < messages {
        let next = tokio::time::timeout(PATIENCE, centres.taken.recv()).await;
        let Ok(Some(message)) = next else {
            anyhow::bail!("{} of {messages} messages never came", messages - times.taken.len())
        };
        if !seen.insert(message.telephone) {
            continue;
        }
        times.taken.push(message.after.as_secs_f64());
        if dies_after == Some(times.taken.len()) {
            centres.kill_first();
            times.died_at = Some(message.after.as_secs_f64());
        }
    }
    Ok(times)
}

/// The dispatcher alone, with this configuration.
pub fn serve(stage: &Stage, change: impl FnOnce(&mut Config)) -> anyhow::Result<(App, JoinSet<()>)> {
    let (app, _) = stage.app_with(change)?;
    let mut service = JoinSet::new();
    service.spawn(db::listen::run(app.clone()));
    service.spawn(dispatch::worker::run(app.clone()));
    Ok((app, service))
}

pub async fn stop(app: &App, mut service: JoinSet<()>) {
    app.stop.cancel();
    while service.join_next().await.is_some() {}
    for pool in [&app.db.ingest, &app.db.dispatch, &app.db.web] {
        pool.close().await;
    }
}
