//! `sentinela bench pages`: what thousands of open occurrences cost whoever looks at them at night. A database of its own is filled by the
//! server itself; then list, board, map and filters are asked within this process, without a network, and held against a bare page that
//! asks the same database for nothing.

use anyhow::Context as _;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, header};
use axum::routing::get;
use axum::{Router, response::IntoResponse};
use chrono::TimeDelta;
use serde::Serialize;
use sqlx::{Executor as _, PgPool};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::history::{BAR_MS, millis, sign_in};
use super::stage::{Stage, code, furnish};
use crate::app::App;
use crate::clock::{Clock, Instant, Stopwatch};
use crate::config::Config;
use crate::occurrences::AT_WORK;
use crate::occurrences::store::list::{self, Wish};
use crate::web::error::ApiError;

/// Times each address is asked before it is measured.
const WARM: usize = 3;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Open occurrences
    #[arg(long, default_value_t = 10_000)]
    occurrences: i64,
    /// Risk areas over which they lie
    #[arg(long, default_value_t = 100)]
    areas: usize,
    /// Times each address is asked, warm
    #[arg(long, default_value_t = 200)]
    rounds: usize,
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
    occurrences: i64,
    rounds: usize,
    bare: Timed,
    addresses: Vec<Timed>,
    bar_ms: f64,
    optimised: bool,
}

/// How long an address took.
#[derive(Debug, Serialize)]
pub struct Timed {
    pub address: String,
    pub bytes: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// The median over that of the bare page.
    pub ratio: f64,
    pub within_bar: bool,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(arguments.rounds > 0 && arguments.occurrences > 0 && arguments.areas > 0, "nothing to measure");
    config.mqtt.listen = "".into();
    // One account asks for everything, far quicker than a person would.
    config.http.limits.account_per_minute = 0;
    config.http.limits.address_per_minute = 0;
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments).await;
    stage.tell(measured, arguments.json, print).await
}

fn print(report: &Report) {
    println!("{} open occurrences, each address asked {} times, warm", report.occurrences, report.rounds);
    table(std::iter::once(&report.bare).chain(&report.addresses));
    println!("  bar for the console: {} ms", report.bar_ms);
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
}

/// A line for each address.
pub fn table<'a>(all: impl Iterator<Item = &'a Timed>) {
    println!("  {:<66} {:>9} {:>8} {:>8} {:>7}", "address", "bytes", "p50 ms", "p99 ms", "ratio");
    for Timed { address, bytes, p50_ms, p99_ms, ratio, within_bar } in all {
        let word = if *within_bar { "" } else { "  over the bar" };
        println!("  {address:<66} {bytes:>9} {p50_ms:>8.1} {p99_ms:>8.1} {ratio:>7.1}{word}");
    }
}

async fn measure(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Report> {
    let (pool, now) = (stage.pool(), Clock::System.now());
    furnish(&pool, now, arguments.areas, arguments.areas).await?;
    fill(&pool, now, arguments).await?;
    let (app, _receiver) = stage.app()?;
    let cookie = sign_in(&app, now).await?;
    let (bare, addresses) = time_all(&app, &cookie, wanted(&app, now).await?, arguments.rounds).await?;
    Ok(Report {
        occurrences: arguments.occurrences,
        rounds: arguments.rounds,
        bare,
        addresses,
        bar_ms: BAR_MS,
        optimised: !cfg!(debug_assertions),
    })
}

/// The bare page, and each address with its ratio to it.
pub async fn time_all(
    app: &App,
    cookie: &str,
    wanted: Vec<String>,
    rounds: usize,
) -> anyhow::Result<(Timed, Vec<Timed>)> {
    let service = crate::web::router::router(app.clone());
    let bare = Router::new().route("/bare", get(bare)).with_state(app.clone());
    let mut bare = time(&bare, cookie, "/bare".into(), rounds).await?;
    bare.ratio = 1.0;
    let mut addresses = Vec::new();
    for address in wanted {
        let mut timed = time(&service, cookie, address, rounds).await?;
        timed.ratio = timed.p50_ms / bare.p50_ms;
        addresses.push(timed);
    }
    Ok((bare, addresses))
}

/// One look at the database and nothing else: what no page can be below.
async fn bare(State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let one: i32 = sqlx::query_scalar("select 1").fetch_one(&mut *conn).await?;
    Ok(one.to_string())
}

/// Occurrences of many kinds and ages over the areas, each with the report that opened it.
const FILL: &str = "
    insert into occurrence (id, number, kind, state, geom, precision_m, opened_at, first_at, last_at, cobrade, priority, priority_rule,
            decided_at, neighbourhood, unit)
        select gen_random_uuid(), '2026/' || lpad(n::text, 5, '0'), (array['landslide', 'cracks', 'flooding', 'fallen_tree', 'collapse'])[1 + n % 5],
            (array['new', 'confirmed', 'dispatched', 'on_scene', 'resolved'])[1 + (n / 5) % 5],
            st_setsrid(st_makepoint(-43.5 + 0.01 * ((n % $2) % 30) + 0.0003 * ((n / 7) % 20 - 10),
                -21.9 + 0.01 * ((n % $2) / 30) + 0.0003 * ((n / 11) % 20 - 10)), 4326), 20,
            $1 - n * interval '13 seconds', $1 - n * interval '13 seconds', $1 - n * interval '5 seconds',
            (array['1.1.3.2.1', '1.2.1.0.0', '1.2.2.0.0'])[1 + n % 3], 1 + n % 4, 1 + n % 4,
            case when (n / 5) % 5 > 0 then $1 end, 'Bairro ' || n % $2, case when (n / 5) % 5 > 1 then 'VTR ' || n % 9 else '' end
        from generate_series(1, $3) n";

const REPORTS: [&str; 3] = [
    "insert into report (id, protocol, idempotency_key, source, kind, words, place, place_from, observed_at, received_at, language,
            reporter, standing)
        select o.id, 'R' || o.number, 'bench-' || o.number, 'web', o.kind, 'O barranco desceu atrás da casa e a água continua subindo', 'Rua A, 20',
            'unknown', o.first_at, o.first_at, 'pt-BR', '\\x00000000000000000000000000000000', 'contact'
        from (select id, kind, replace(number, '/', '-') as number, first_at from occurrence) o",
    "insert into report_standing (report_id, occurrence_id, because, trust, reasons, weight)
        select id, id, '{\"why\":\"first_here\"}', 0.35, '[]', 0.35 from occurrence",
    "analyze",
];

async fn fill(pool: &PgPool, now: Instant, arguments: &Arguments) -> anyhow::Result<()> {
    let areas = i64::try_from(arguments.areas)?;
    sqlx::query(FILL).bind(now).bind(areas).bind(arguments.occurrences).execute(pool).await?;
    for statement in REPORTS {
        pool.execute(statement).await?;
    }
    Ok(())
}

/// What a coordinator opens, and what the screens beside ask for.
async fn wanted(app: &App, now: Instant) -> anyhow::Result<Vec<String>> {
    let mut conn = app.db.web.acquire().await?;
    let wish = Wish { states: AT_WORK.to_vec(), ..Wish::default() };
    let lines = list::lines(&mut conn, &wish, now + TimeDelta::seconds(1), None, 5000).await?;
    let deep = lines.last().context("no occurrence was made")?;
    let one: Uuid = deep.id;
    let after = deep.cursor();
    let area = code(0);
    Ok(vec![
        "/console/occurrences?view=list".into(),
        "/console/occurrences?view=board".into(),
        "/console/occurrences?view=map".into(),
        format!("/console/occurrences?view=list&after={after}"),
        "/console/occurrences?view=list&priority=1".into(),
        "/console/occurrences?view=list&state=new&hazard=1.1.3.2.1&kind=landslide".into(),
        "/console/occurrences?view=list&age=1h".into(),
        format!("/console/occurrences?view=list&area={area}"),
        format!("/console/occurrences?view=map&area={area}"),
        "/console/occurrences?view=list&within=-43.45,-21.9,-43.40,-21.85".into(),
        format!("/console/reports/{one}"),
        "/console/hoje".into(),
        "/api/v1/occurrences?limit=100".into(),
        "/ogc/collections/occurrences/items?limit=100".into(),
    ])
}

async fn time(service: &Router, cookie: &str, address: String, rounds: usize) -> anyhow::Result<Timed> {
    let mut took = Vec::with_capacity(rounds);
    let mut bytes = 0;
    for round in 0..rounds + WARM {
        let request = Request::get(&address).header(header::COOKIE, cookie).body(Body::empty())?;
        let watch = Stopwatch::start();
        let response = service.clone().oneshot(request).await?;
        let status = response.status();
        bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await?.len();
        let ms = millis(&watch);
        // What is empty is quick and says nothing.
        anyhow::ensure!(status.is_success() && bytes > 0, "{address} answered {status} with {bytes} bytes");
        if round >= WARM {
            took.push(ms);
        }
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    let p50_ms = at(0.5);
    Ok(Timed { address, bytes, p50_ms, p99_ms: at(0.99), ratio: 0.0, within_bar: p50_ms <= BAR_MS })
}
