//! `sentinela bench secretariat`: what hundreds of thousands of cases and a million items of the press cost whoever works with them, and whether that work slows a warning.
//! A database of its own is filled by the server itself; then pages are asked within this process, without a network, and held against a
//! bare page, as `bench pages` does. With `--beside-latency` warnings are timed as `bench latency` times them: alone, beside the load of
//! every route of the secretariat, and alone again.

mod fill;
mod found;
mod load;
mod media;
mod shapes;

use anyhow::Context as _;
use axum::http::StatusCode;
use chrono::Datelike as _;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use self::fill::{Filled, Sizes};
use self::load::{Desk, Load, Pace, Tally};
use super::history::BAR_MS;
use super::latency::{Centre, P50_BAR_MS, P99_BAR_MS, Scene, Spread, Times};
use super::pages::{Timed, table, time_all};
use super::stage::Stage;
use crate::app::App;
use crate::clock::{Clock, Instant};
use crate::config::Config;

/// Cases that are opened through the API before anything is measured, with whole chains.
const OPENED: usize = 20;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Cases in the database
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(i64).range(100..=10_000_000))]
    cases: i64,
    /// Items of the press in the database
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(100..=100_000_000))]
    items: i64,
    /// Times each address is asked, warm
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Time warnings instead of pages: alone, and beside the load of every route of the secretariat
    #[arg(long)]
    beside_latency: bool,
    /// With --beside-latency: alerts to time in each part
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2000))]
    alerts: u32,
    /// With --beside-latency: readings a second in the background
    #[arg(long, default_value_t = 1000)]
    background: u64,
    /// With --beside-latency: milliseconds between two alerts
    #[arg(long, default_value_t = 100)]
    every_ms: u64,
    /// With --beside-latency: pages asked for a second
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pages_per_second: u32,
    /// With --beside-latency: cases opened a second
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    cases_per_second: u32,
    /// Server on which a database is created for the bench and dropped after it; without it the configured one, or a
    /// private one in a temporary folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
}

impl Arguments {
    const fn sizes(&self) -> Sizes {
        Sizes { cases: self.cases, items: self.items }
    }
}

/// Ends with an error when a bar is missed.
pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    // One account asks for everything, far quicker than a person would.
    config.http.limits.account_per_minute = 0;
    config.http.limits.address_per_minute = 0;
    let missed = if arguments.beside_latency {
        crate::web::measure::install();
        let centre = Centre::open(&mut config).await?;
        let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
        let measured = beside(&stage, arguments, centre).await;
        stage.strike().await?;
        let report = measured?;
        report.tell(arguments.json)?;
        report.missed
    } else {
        config.mqtt.listen = "".into();
        let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
        let measured = pages(&stage, arguments).await;
        stage.strike().await?;
        let report = measured?;
        report.tell(arguments.json)?;
        report.missed
    };
    anyhow::ensure!(missed.is_empty(), "over the bar: {}", missed.join("; "));
    Ok(())
}

fn warn_of_debug() {
    if cfg!(debug_assertions) {
        println!("  This is a debug build: the figures mean little.");
    }
}

fn told(filled: &[Filled]) {
    for Filled { what, rows, took_s } in filled {
        println!("{rows} {what}, filled in {took_s:.0} s");
    }
}

#[derive(Debug, Serialize)]
struct Pages {
    filled: Vec<Filled>,
    rounds: u32,
    bare: Timed,
    addresses: Vec<Timed>,
    /// Files of up to 5000 cases, which are no pages and have no bar.
    files: Vec<Timed>,
    bar_ms: f64,
    missed: Vec<String>,
    optimised: bool,
}

impl Pages {
    fn tell(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        told(&self.filled);
        println!("each address asked {} times, warm", self.rounds);
        table(std::iter::once(&self.bare).chain(&self.addresses));
        println!("  bar: 99 of a hundred answers within {BAR_MS} ms");
        println!("files of up to 5000 cases, without a bar");
        table(self.files.iter());
        warn_of_debug();
        Ok(())
    }
}

async fn pages(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Pages> {
    let (pool, now) = (stage.pool(), Clock::System.now());
    let (app, _receiver) = stage.app()?;
    let filled = fill::all(&pool, &app, arguments.sizes()).await?;
    let desk = Desk::sign_in(&app, now).await?;
    let sample = desk.open_some(OPENED).await?;
    whole(&desk, sample).await?;
    let rounds = usize::try_from(arguments.rounds)?;
    let (bare, mut addresses) = time_all(&app, &desk.cookie, wanted(&pool, sample).await?, rounds).await?;
    // A file takes as long as it is large; a tenth of the rounds says so well enough.
    let (_, mut files) = time_all(&app, &desk.cookie, files(), (rounds / 10).max(1)).await?;
    for timed in &mut addresses {
        timed.within_bar = timed.p99_ms <= BAR_MS;
    }
    for timed in &mut files {
        timed.within_bar = true;
    }
    let over = addresses.iter().filter(|timed| !timed.within_bar);
    let missed = over.map(|timed| format!("{} p99 {:.1} ms", timed.address, timed.p99_ms)).collect();
    let optimised = !cfg!(debug_assertions);
    Ok(Pages { filled, rounds: arguments.rounds, bare, addresses, files, bar_ms: BAR_MS, missed, optimised })
}

/// Whether the chain of a case that was really opened is whole: what is measured is the service and no copy of it.
async fn whole(desk: &Desk, (module, id): (&str, Uuid)) -> anyhow::Result<()> {
    let (status, body) = desk.get(&format!("/api/v1/secretariat/{module}/cases/{id}/acts")).await?;
    let ledger: serde_json::Value = serde_json::from_slice(&body).context("the ledger of a case")?;
    anyhow::ensure!(
        status == StatusCode::OK && ledger["broken_at"].is_null(),
        "the chain of case {id} is broken: {ledger}"
    );
    Ok(())
}

async fn one(pool: &PgPool, what: &str, query: &'static str) -> anyhow::Result<Uuid> {
    sqlx::query_scalar(query).fetch_optional(pool).await?.with_context(|| format!("the fill made no {what}"))
}

/// Pages that need no id.
const ALWAYS: [&str; 12] = [
    "/secretaria/painel",
    "/secretaria/painel/prefeito",
    "/api/v1/secretariat/modules",
    "/api/v1/secretariat/mayor",
    "/secretaria",
    "/secretaria/participacao/publicacoes",
    "/api/v1/secretariat/participation/publications",
    "/secretaria/participacao",
    "/secretaria/noticias",
    "/secretaria/noticias/feed.atom",
    "/secretaria/transparencia",
    "/secretaria/carta-de-servicos",
];

/// What people open: the panel, queues with their filters, search with and without accents for words that are rare, common and on every case,
/// a case, figures, and what everybody reads.
async fn wanted(pool: &PgPool, (module, sample): (&str, Uuid)) -> anyhow::Result<Vec<String>> {
    let case = "select id from case_file where module = 'ombudsman' and not is_final order by id desc limit 1";
    let case = one(pool, "open manifestation", case).await?;
    let deep = "select id from case_file where module = 'ombudsman' order by id offset 60 limit 1";
    let deep = one(pool, "old manifestation", deep).await?;
    let public =
        "select case_id from case_publication where module = 'participation' order by published_at desc limit 1";
    let public = one(pool, "publication", public).await?;
    let consultation = "select case_id from case_publication where type_key = 'participation.consultation' limit 1";
    let consultation = one(pool, "consultation", consultation).await?;
    let year = Clock::System.now().year() - 1;
    let queue = "/secretaria/painel/ouvidoria";
    let search = |words: &str| format!("{queue}?q={words}");
    let mut all: Vec<String> = ALWAYS.map(str::to_owned).into();
    all.extend(
        [
            "",
            "?open=true&late=true",
            "?open=true&near=true",
            "?open=true&mine=true",
            "?open=true&waits_for=mayor",
            "?open=false",
        ]
        .map(|rest| format!("{queue}{rest}")),
    );
    all.extend([
        format!("{queue}?before={deep}"),
        format!("{queue}?year={year}"),
        format!("{queue}?year={}", year - 4),
        format!("{queue}?type=ombudsman.manifestation&state=received"),
        "/secretaria/painel/articulacao-interna".into(),
        "/api/v1/secretariat/sic/cases".into(),
    ]);
    // "iluminação", "iluminacao", two words, a number that one case has, a word of every case, and words that no case has.
    all.extend(
        ["ilumina%C3%A7%C3%A3o", "iluminacao", "encosta+vistoria", "manutencao+-onibus", "77", "bairro", "inexistente"]
            .map(search),
    );
    all.extend([
        search(&format!("praca&year={}", year - 3)),
        search("acessibilidade&open=false"),
        "/secretaria/painel/articulacao-interna?q=bairro".into(),
        "/api/v1/secretariat/sic/cases?q=informacao".into(),
        format!("{queue}/casos/{case}"),
        format!("/api/v1/secretariat/ombudsman/cases/{case}"),
        format!("/api/v1/secretariat/{module}/cases/{sample}"),
        format!("{queue}/relatorio/ombudsman.manifestation?year={year}"),
        format!("/api/v1/secretariat/sic/report?type=sic.request&year={year}"),
        format!("{queue}/anual?year={year}"),
        format!("/secretaria/ouvidoria/relatorio?year={year}"),
        format!("/secretaria/participacao/publicacoes/{public}"),
        format!("/secretaria/participacao/consultas/{consultation}"),
    ]);
    all.extend(press(pool, year).await?);
    Ok(all)
}

/// Items of the press with their filters and searches, one item, and the repercussion of a month and of a year.
async fn press(pool: &PgPool, year: i32) -> anyhow::Result<Vec<String>> {
    let item = "select id from media_item where state = 'selected' order by published_at desc limit 1";
    let item = one(pool, "item of the press", item).await?;
    let press = "/secretaria/painel/clipping";
    let rule = one(pool, "rule of the press", "select id from media_rule order by name, id limit 1").await?;
    let (from, to) = (format!("{year}-01-01"), format!("{year}-12-31"));
    // Words of one item in ten, of none, and of a few.
    let mut all: Vec<String> = [
        "",
        "?state=candidate&firsts=true",
        "?state=selected",
        "?q=museu",
        "?q=inexistente",
        "?q=4999",
        "/repercussao",
    ]
    .map(|rest| format!("{press}{rest}"))
    .into();
    // By rule, words of one item in ten among the few that were dismissed or are of one theme, and a year of choices.
    all.extend([
        format!("{press}?rule={rule}"),
        format!("{press}?rule={rule}&state=candidate&firsts=true"),
        format!("{press}?rule={rule}&q=museu"),
        format!("{press}?q=museu&state=dismissed"),
        format!("{press}?q=prefeitura&state=dismissed"),
        format!("{press}?q=museu&theme=obras&tone=negative"),
        format!("{press}/repercussao?from={from}&to={to}"),
        "/secretaria/avaliacao-de-servicos".into(),
    ]);
    all.extend([format!("{press}/itens/{item}"), "/api/v1/secretariat/media-monitoring/items?q=onibus".into()]);
    Ok(all)
}

fn files() -> Vec<String> {
    ["sic/export", "ombudsman/export?format=csv", "coordination/export"]
        .map(|rest| format!("/api/v1/secretariat/{rest}"))
        .into()
}

/// The same warnings with nothing beside them, beside the load, and with nothing beside them again.
#[derive(Debug, Serialize)]
struct Beside {
    filled: Vec<Filled>,
    alerts: u32,
    background_readings_per_second: u64,
    before: Part,
    loaded: Part,
    after: Part,
    /// With the load over without it before, of the SMS.
    ratio_p50: f64,
    ratio_p99: f64,
    load: Tally,
    missed: Vec<String>,
    optimised: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Part {
    /// From the reading to its SMS at the centre.
    sms: Spread,
    /// From the reading to the issue of its alert.
    issued: Spread,
}

impl From<Times> for Part {
    fn from(times: Times) -> Self {
        Self { sms: Spread::of(times.sms), issued: Spread::of(times.issued) }
    }
}

impl Beside {
    fn tell(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        told(&self.filled);
        let Self { alerts, background_readings_per_second: noise, load, .. } = self;
        println!(
            "{alerts} readings in each part, each to an alert and its SMS at the centre; {noise} readings/s in the background"
        );
        println!(
            "  {:<26} {:>9} {:>9} {:>9} {:>11} {:>11}",
            "ms", "SMS p50", "SMS p99", "longest", "issued p50", "issued p99"
        );
        for (name, Part { sms, issued }) in
            [("alone", self.before), ("beside the load", self.loaded), ("alone again", self.after)]
        {
            let Spread { p50_ms, p99_ms, longest_ms } = sms;
            println!(
                "  {name:<26} {p50_ms:>9.1} {p99_ms:>9.1} {longest_ms:>9.1} {:>11.1} {:>11.1}",
                issued.p50_ms, issued.p99_ms
            );
        }
        println!(
            "  ratio with the load        {:>9.2} {:>9.2}   (bars: {P50_BAR_MS} and {P99_BAR_MS} ms)",
            self.ratio_p50, self.ratio_p99
        );
        load.tell();
        println!(
            "  Gauges, service, database, centre and those who ask share this machine; the pages are asked within the process of the service."
        );
        warn_of_debug();
        Ok(())
    }
}

async fn beside(stage: &Stage, arguments: &Arguments, centre: Centre) -> anyhow::Result<Beside> {
    let pool = stage.pool();
    let filled = {
        let (app, _receiver) = stage.app()?;
        fill::all(&pool, &app, arguments.sizes()).await?
    };
    pool.close().await;
    let each = usize::try_from(arguments.alerts)?;
    let mut scene = Scene::start(stage, centre, 3 * each, arguments.background).await?;
    let measured = three_parts(&mut scene, arguments, each).await;
    scene.stop().await;
    let ((before, loaded, after), load) = measured?;
    let over =
        |name: &str, ms: f64, bar: f64| (ms > bar).then(|| format!("{name} of the SMS beside the load {ms:.1} ms"));
    let mut missed: Vec<String> =
        [over("p50", loaded.sms.p50_ms, P50_BAR_MS), over("p99", loaded.sms.p99_ms, P99_BAR_MS)]
            .into_iter()
            .flatten()
            .collect();
    missed.extend(load.fault());
    Ok(Beside {
        filled,
        alerts: arguments.alerts,
        background_readings_per_second: arguments.background,
        before,
        loaded,
        after,
        ratio_p50: loaded.sms.p50_ms / before.sms.p50_ms,
        ratio_p99: loaded.sms.p99_ms / before.sms.p99_ms,
        load,
        missed,
        optimised: !cfg!(debug_assertions),
    })
}

async fn three_parts(
    scene: &mut Scene,
    arguments: &Arguments,
    each: usize,
) -> anyhow::Result<((Part, Part, Part), Tally)> {
    let app: App = scene.app.clone();
    let now: Instant = app.clock.now();
    let desk = Desk::sign_in(&app, now).await?;
    let routes = load::routes(&app, &desk).await?;
    let pace = Pace { pages: arguments.pages_per_second, cases: arguments.cases_per_second };
    let before = scene.time(0..each, arguments.every_ms).await?;
    let load = Load::start(desk, routes, pace);
    let loaded = scene.time(each..2 * each, arguments.every_ms).await;
    let tally = load.stop().await?;
    let after = scene.time(2 * each..3 * each, arguments.every_ms).await?;
    Ok(((before.into(), loaded?.into(), after.into()), tally))
}
