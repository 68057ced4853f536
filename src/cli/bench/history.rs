//! `sentinela bench history`: what a journal of years costs those who look. A database of its own is filled by the server itself;
//! then pages, tiles, series and the evaluator's start are timed within this process, without a network.

use anyhow::Context as _;
use axum::body::Body;
use axum::http::{Request, header};
use chrono::{Months, TimeDelta};
use serde::Serialize;
use sqlx::{Executor as _, PgPool};
use tower::ServiceExt as _;

use super::stage::{Stage, code, furnish};
use crate::accounts::role::{Role, Roles};
use crate::accounts::store::{sessions, upsert_member};
use crate::app::App;
use crate::clock::{Clock, Instant, Stopwatch};
use crate::config::{Config, Log};
use crate::db::Db;
use crate::pipeline::Pipeline;

/// The longest that the server may take for a page of the console, in milliseconds.
pub const BAR_MS: f64 = 50.0;
/// Times each address is asked after the first.
const ROUNDS: usize = 15;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Readings in the journal
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Gauges they come from
    #[arg(long, default_value_t = 180)]
    stations: usize,
    /// Months they lie in
    #[arg(long, default_value_t = 12)]
    months: u32,
    /// Print the plan of every query, as the server made it
    #[arg(long)]
    plans: bool,
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
    rows: i64,
    partitions: i64,
    journal_bytes: i64,
    filled_s: f64,
    evaluator_start_ms: f64,
    recalled_from_readings: i64,
    addresses: Vec<Timed>,
    optimised: bool,
}

#[derive(Debug, Serialize)]
struct Timed {
    address: String,
    bytes: usize,
    first_ms: f64,
    p50_ms: f64,
    longest_ms: f64,
    /// Whether half of the answers came within the bar.
    within_bar: bool,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    config.mqtt.listen = "".into();
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments).await;
    stage.tell(measured, arguments.json, print).await
}

fn print(report: &Report) {
    let Report { rows, partitions, filled_s, evaluator_start_ms, .. } = report;
    let size = report.journal_bytes as f64 / 1e9;
    println!("{rows} readings in {partitions} partitions, {size:.2} GB with their indexes, filled in {filled_s:.0} s");
    println!(
        "  evaluator ready    {evaluator_start_ms:>8.1} ms   ({} readings in its reach)",
        report.recalled_from_readings
    );
    println!("  {:<60} {:>9} {:>9} {:>9} {:>9}", "address", "bytes", "first ms", "p50 ms", "longest");
    for Timed { address, bytes, first_ms, p50_ms, longest_ms, within_bar } in &report.addresses {
        let word = if *within_bar { "" } else { "  over the bar" };
        println!("  {address:<60} {bytes:>9} {first_ms:>9.1} {p50_ms:>9.1} {longest_ms:>9.1}{word}");
    }
    println!("  bar for the console: {BAR_MS} ms");
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
}

async fn measure(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Report> {
    let pool = stage.pool();
    let now = Clock::System.now();
    furnish(&pool, now, arguments.stations, arguments.stations).await?;
    let watch = Stopwatch::start();
    fill(&pool, now, arguments).await?;
    let filled_s = watch.elapsed().as_secs_f64();
    let (mut app, _receiver) = stage.app()?;
    if arguments.plans {
        app = explained(stage)?;
    }
    let mut conn = app.db.ingest.acquire().await?;
    let watch = Stopwatch::start();
    let pipeline = Pipeline::load(&app, &mut conn).await?;
    let evaluator_start_ms = millis(&watch);
    drop(pipeline);
    let cookie = sign_in(&app, now).await?;
    let mut addresses = Vec::new();
    for address in wanted(now) {
        addresses.push(time(&app, &cookie, address).await?);
    }
    let size = "select count(*), sum(pg_total_relation_size(inhrelid))::bigint from pg_inherits where inhparent = 'journal'::regclass";
    let (partitions, journal_bytes) = sqlx::query_as(size).fetch_one(&pool).await?;
    let reach =
        sqlx::query_scalar("select count(*) from journal where observed_at > $1").bind(now - TimeDelta::hours(120));
    Ok(Report {
        rows: sqlx::query_scalar("select count(*) from journal").fetch_one(&pool).await?,
        partitions,
        journal_bytes,
        filled_s,
        evaluator_start_ms,
        recalled_from_readings: reach.fetch_one(&pool).await?,
        addresses,
        optimised: !cfg!(debug_assertions),
    })
}

/// Readings of every gauge at equal distances until now, in the order of their time, as the journal would have them: with its
/// months, the newest of each stream and the evaluator's cursor.
async fn fill(pool: &PgPool, now: Instant, arguments: &Arguments) -> anyhow::Result<()> {
    let begin = now.checked_sub_months(Months::new(arguments.months)).context("--months is too large")?;
    let each = (arguments.rows / arguments.stations.max(1) as u64).max(1);
    // Whole microseconds: the server's intervals know nothing finer.
    let span_us = (now - begin).num_microseconds().context("--months is too large")?;
    let step = TimeDelta::microseconds((span_us / i64::try_from(each)?).max(1));
    let mut from = begin;
    while from < now {
        let to = (from + TimeDelta::days(10)).min(now);
        sqlx::query("select journal_open_month($1::date), journal_open_month($2::date)")
            .bind(from.date_naive())
            .bind(to.date_naive())
            .execute(pool)
            .await?;
        sqlx::query(
            "insert into journal (seq, datastream_id, observed_at, received_at, value, quality, source, reading_key)
             select nextval('journal_seq'), id, at, at + interval '2 seconds', value, 'pass', 'mqtt', decode(md5(id || '-' || at), 'hex')
             from (select d.id, at, case when extract(doy from at)::int % 4 = 0 then round((random() * 4)::numeric, 1) else 0 end as value
                   from generate_series($1::timestamptz, $2::timestamptz - interval '1 microsecond', $3) at, datastream d order by at, d.id) r",
        )
        .bind(from)
        .bind(to)
        .bind(step)
        .execute(pool)
        .await?;
        // The next part goes on at the same distance.
        let steps = (to - from).num_microseconds().unwrap_or(0) / step.num_microseconds().unwrap_or(1).max(1) + 1;
        from += step * i32::try_from(steps)?;
    }
    pool.execute(NEWEST).await?;
    pool.execute("vacuum analyze").await?;
    Ok(())
}

const NEWEST: &str = "
    update journal_month m set newest_seq = j.seq, newest_received_at = j.at
    from (select date_trunc('month', observed_at at time zone 'UTC')::date as month, max(seq) as seq, max(received_at) as at
          from journal group by 1) j where j.month = m.month;
    insert into stream_latest
    select distinct on (datastream_id) datastream_id, seq, observed_at, received_at, value, quality from journal
    where observed_at > now() - interval '2 days' order by datastream_id, observed_at desc, seq desc;
    insert into pipeline_cursor select 'evaluator', max(newest_seq), max(newest_received_at) from journal_month;";

/// The same service on connections whose server tells the plan of every query with its times; they come with the log.
fn explained(stage: &Stage) -> anyhow::Result<App> {
    let plans = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_buffers", "on"),
        ("auto_explain.log_level", "notice"),
    ];
    let log = Log { level: "warn,sqlx::postgres::notice=info".into(), ..stage.config.log.clone() };
    crate::telemetry::start_logs(&log)?;
    let owner = stage.owner().clone().options(plans);
    stage.app_on(Db::open(&owner, 2)).map(|(app, _)| app)
}

pub async fn sign_in(app: &App, now: Instant) -> anyhow::Result<String> {
    let mut conn = app.db.web.acquire().await?;
    let roles = Roles::new(Role::ALL.iter().copied());
    let member = upsert_member(&mut conn, &app.ids, now, "bench", "Bench", &roles, "").await?;
    let opening = sessions::Opening { staff_id: member, address: None, agent: "bench", second_factor: true };
    let opened = sessions::open(&mut conn, &app.ids, now, &app.config.accounts, opening).await?;
    Ok(format!("sentinela_session={}", opened.token))
}

/// What people and programs look at.
fn wanted(now: Instant) -> Vec<String> {
    let station = code(0);
    let series = |days: i64, rest: &str| {
        let from = (now - TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:%SZ");
        format!("/api/v1/stations/{station}/series?stream=rain&from={from}{rest}")
    };
    vec![
        "/console".into(),
        "/console/stations".into(),
        format!("/console/stations/{station}"),
        format!("/console/stations/{station}?range=30d"),
        format!("/console/stations/{station}?range=1y"),
        "/console/areas".into(),
        "/tiles/areas/11/777/1151".into(),
        "/tiles/stations/11/777/1151".into(),
        "/api/v1/levels".into(),
        "/ogc/collections/stations/items?limit=200".into(),
        series(1, "&window=10m"),
        series(30, "&window=1h"),
        series(364, "&window=1d"),
        series(364, "&limit=1000"),
    ]
}

async fn time(app: &App, cookie: &str, address: String) -> anyhow::Result<Timed> {
    let mut took = Vec::with_capacity(ROUNDS + 1);
    let mut bytes = 0;
    for _ in 0..=ROUNDS {
        let request = Request::get(&address).header(header::COOKIE, cookie).body(Body::empty())?;
        let watch = Stopwatch::start();
        let response = crate::web::router::router(app.clone()).oneshot(request).await?;
        let status = response.status();
        bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await?.len();
        took.push(millis(&watch));
        // What is empty is quick and says nothing.
        anyhow::ensure!(status.is_success() && bytes > 0, "{address} answered {status} with {bytes} bytes");
    }
    let first_ms = took.remove(0);
    took.sort_by(f64::total_cmp);
    let p50_ms = took[ROUNDS / 2];
    let longest_ms = took.last().copied().unwrap_or(first_ms);
    Ok(Timed { address, bytes, first_ms, p50_ms, longest_ms, within_bar: p50_ms <= BAR_MS })
}

pub fn millis(watch: &Stopwatch) -> f64 {
    watch.elapsed().as_secs_f64() * 1000.0
}
