//! `sentinela bench fanout`: from the approval to the first SMS at the centre and to the last, with a million residents of whom two
//! hundred thousand live inside, for a simple and for a ragged area; what it takes of memory and of the database.

use std::time::Duration;

use serde::Serialize;
use sqlx::PgPool;

use super::crowd::{Crowd, tell};
use super::sms::{Centres, Times, serve, stop};
use super::stage::Stage;
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;

/// A message that is not there after this never comes.
const PATIENCE: Duration = Duration::from_secs(120);
const UNBOUNDED: u32 = 1_000_000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long, default_value_t = 1_000_000)]
    residents: i32,
    /// Of them inside the area
    #[arg(long, default_value_t = 200_000)]
    inside: i32,
    /// Server on which a database is created for the bench and dropped after it; without it the configured one, or a
    /// private one in a temporary folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
}

/// One area.
#[derive(Debug, Serialize)]
struct Area {
    vertices: i32,
    residents: i32,
    inside: i32,
    /// From the begin of the transaction that tells the audience.
    first_message_ms: f64,
    last_message_s: f64,
    per_second: f64,
    /// Resident memory of this process, the centre within it, at its highest.
    memory_mb: f64,
    /// Backends at work in the mean, until the last message.
    database_busy: f64,
    database_commits: i64,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    config.mail.url = "".into();
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments).await;
    stage.strike().await?;
    let areas = measured?;
    if arguments.json {
        let optimised = !cfg!(debug_assertions);
        println!("{}", serde_json::json!({"areas": areas, "optimised": optimised}));
        return Ok(());
    }
    for area in &areas {
        println!("{} residents, {} inside an area of {} vertices", area.residents, area.inside, area.vertices);
        println!("  first message      {:>8.0} ms   (bar: 500)", area.first_message_ms);
        println!("  last message       {:>8.1} s    {:.0} /s", area.last_message_s, area.per_second);
        println!("  memory             {:>8.0} MB   (bar: 250)", area.memory_mb);
        println!(
            "  database           {:>8.2} backends at work, {} commits",
            area.database_busy, area.database_commits
        );
    }
    if cfg!(debug_assertions) {
        println!("  This is a debug build: the figures mean little.");
    }
    Ok(())
}

async fn measure(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Vec<Area>> {
    let pool = stage.pool();
    let mut areas = Vec::new();
    for (place, vertices) in [(1, 30), (2, 2000)] {
        let (residents, inside) = (arguments.residents / 2, arguments.inside);
        // Both areas together are the town: half of its people live around each.
        let crowd = Crowd { place, residents: residents.max(inside), inside, vertices, channel: "sms" };
        crowd.furnish(&pool, Clock::System.now()).await?;
    }
    for (place, vertices) in [(1, 30), (2, 2000)] {
        let crowd = Crowd { place, residents: arguments.residents, inside: arguments.inside, vertices, channel: "sms" };
        areas.push(one(stage, &pool, &crowd).await?);
    }
    pool.close().await;
    Ok(areas)
}

async fn one(stage: &Stage, pool: &PgPool, crowd: &Crowd) -> anyhow::Result<Area> {
    let watch = Stopwatch::start();
    let mut centres = Centres::open(&[UNBOUNDED], watch).await?;
    let (app, service) = serve(stage, |config| config.sms.smpp = centres.configs.clone())?;
    let alert = crowd.alert(pool, &app).await?;
    // The session is bound before anybody decides.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = load(pool).await?;
    let begun = watch.elapsed().as_secs_f64();
    tell(&app, alert).await?;
    let wanted = usize::try_from(crowd.inside)?;
    let (mut taken, mut memory_mb) = (Vec::with_capacity(wanted), 0.0_f64);
    while taken.len() < wanted {
        let next = tokio::time::timeout(PATIENCE, centres.taken.recv()).await;
        let Ok(Some(message)) = next else { anyhow::bail!("{} of {wanted} messages never came", wanted - taken.len()) };
        taken.push(message.after.as_secs_f64() - begun);
        if taken.len() % 1000 == 0 {
            memory_mb = memory_mb.max(resident_mb().unwrap_or(f64::NAN));
        }
    }
    let (busy_s, commits) = load(pool).await?;
    stop(&app, service).await;
    let first = taken.first().copied().unwrap_or(f64::NAN);
    let last = taken.last().copied().unwrap_or(f64::NAN);
    Ok(Area {
        vertices: crowd.vertices,
        residents: crowd.residents,
        inside: crowd.inside,
        first_message_ms: first * 1000.0,
        last_message_s: last,
        per_second: Times::new(taken).per_second(),
        memory_mb,
        database_busy: (busy_s - before.0) / last.max(f64::EPSILON),
        database_commits: commits - before.1,
    })
}

/// Seconds that backends of this database worked, and commits, since it was made.
async fn load(pool: &PgPool) -> anyhow::Result<(f64, i64)> {
    let row = sqlx::query!(
        r#"select active_time / 1000 as "busy_s!", xact_commit as "commits!"
        from pg_stat_database where datname = current_database()"#
    )
    .fetch_one(pool)
    .await?;
    Ok((row.busy_s, row.commits))
}

/// Of this process.
fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}
