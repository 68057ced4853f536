//! `sentinela doctor`: gathers the facts that `crate::doctor` judges, and prints what it says. Changes nothing.

mod machine;
mod reach;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use serde_json::json;
use sqlx::{ConnectOptions as _, PgConnection};

use crate::audit::{anchors, store as audit};
use crate::backup;
use crate::cli::backtest::Language;
use crate::cli::{Ended, session};
use crate::clock::Clock;
use crate::config::{Config, OidcSecondFactor, SecondFactor};
use crate::db::MIGRATOR;
use crate::db::embedded::Cluster;
use crate::db::open::Database;
use crate::doctor::{Finding, Said, Verdict, database, exit_code, section, store, town};
use crate::i18n::Lang;
use crate::ids::Ids;
use crate::operation::store as watch;
use crate::vault::boot;

/// Rows of the audit that are computed anew.
const TAIL: i64 = 1_000;
/// Days of the rota that are looked at.
const ROTA_DAYS: i64 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Sign in at SMS centres and at the mail server too. A centre that allows one session may end that of the service
    #[arg(long)]
    probe: bool,
    /// Language; otherwise that of LC_ALL, LC_MESSAGES or LANG
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

pub async fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<()> {
    let lang = arguments.lang.map_or_else(lang_of_environment, Lang::from);
    let findings = match Config::load(file) {
        Ok(config) => {
            session::quiet_logs(&config.log)?;
            examine(&config, file, arguments.probe).await
        }
        Err(error) => vec![Finding::failure(Said::ConfigWrong).with("error", error)],
    };
    if arguments.json {
        print_json(&findings, lang)?
    } else {
        print(&findings, lang)
    }
    match exit_code(&findings) {
        0 => Ok(()),
        code => Err(Ended(code).into()),
    }
}

fn lang_of_environment() -> Lang {
    let mut named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    named.find(|value| !value.is_empty()).and_then(|value| Lang::from_tag(&value)).unwrap_or_default()
}

fn print(findings: &[Finding], lang: Lang) {
    for finding in findings {
        let verdict = lang.t(&format!("doctor-verdict-{}", finding.verdict));
        println!("{verdict:<8} {}", finding.text(lang));
        if let Some(next) = finding.next(lang) {
            println!("{:<8} → {next}", "");
        }
    }
    let count = |verdict: Verdict| findings.iter().filter(|finding| finding.verdict == verdict).count().to_string();
    let counts =
        [("fine", count(Verdict::Fine)), ("warnings", count(Verdict::Warning)), ("failures", count(Verdict::Failure))];
    println!("{}", lang.tn("doctor-counts", &counts));
}

fn print_json(findings: &[Finding], lang: Lang) -> anyhow::Result<()> {
    let all: Vec<serde_json::Value> = findings
        .iter()
        .map(|finding| {
            let values: serde_json::Map<String, serde_json::Value> =
                finding.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({
                "finding": finding.said, "verdict": finding.verdict, "text": finding.text(lang), "next": finding.next(lang),
                "runbook": (finding.verdict != Verdict::Fine).then(|| section(finding.said)), "values": values,
            })
        })
        .collect();
    let report = json!({ "exit_code": exit_code(findings), "findings": all });
    println!("{}", serde_json::to_string_pretty(&report).context("a report is data")?);
    Ok(())
}

async fn examine(config: &Config, file: Option<&Path>, probe: bool) -> Vec<Finding> {
    let mut findings = machine::files(config, file);
    let told = look_at_database(config, &mut findings).await;
    findings.extend(machine::growth(config, told.daily));
    findings.extend(told.stations.and_then(|stations| machine::memory(config, stations)));
    findings.extend(machine::ports(config, told.served));
    findings.extend(machine::certificates(config));
    findings.extend(reach::peers(config, probe).await);
    findings
}

/// What the database tells for other checks.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// A service works with it at the moment.
    served: bool,
    /// Bytes that its journal grows a day.
    daily: Option<u64>,
    stations: Option<i64>,
}

async fn look_at_database(config: &Config, findings: &mut Vec<Finding>) -> Told {
    if config.database.url.is_empty() && !Cluster::is_made(&config.data_dir) {
        findings.push(Finding::warning(Said::DatabaseNone));
        return Told::default();
    }
    let database = match Database::as_it_is(config).await {
        Ok(database) => database,
        Err(error) => {
            findings.push(Finding::failure(Said::DatabaseAway).with("error", error));
            return Told::default();
        }
    };
    let owner = database.owner.clone().application_name("sentinela/doctor");
    let told = match tokio::time::timeout(CONNECT_TIMEOUT, owner.connect()).await {
        Ok(Ok(mut conn)) => ask(&mut conn, config, findings).await,
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(anyhow::anyhow!("no connection within {CONNECT_TIMEOUT:?}")),
    };
    database.close().await;
    told.unwrap_or_else(|error| {
        findings.push(Finding::failure(Said::DatabaseAway).with("error", format!("{error:#}")));
        Told::default()
    })
}

async fn ask(conn: &mut PgConnection, config: &Config, findings: &mut Vec<Finding>) -> anyhow::Result<Told> {
    let (clock, zone) = (Clock::System, config.municipality.time_zone);
    let before = clock.now();
    let server = store::server(&mut *conn, zone.name()).await?;
    // The answer was given somewhere between the question and now.
    let middle = before + (clock.now() - before) / 2;
    findings.extend(database::server(&server, middle));
    let own = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    let (applied, is_broken) = store::schema(&mut *conn).await?.unwrap_or_default();
    findings.push(database::schema(applied, is_broken, own));
    // What follows asks for tables of this very schema.
    if applied != own {
        return Ok(Told { served: store::is_served(conn).await?, ..Told::default() });
    }
    findings.push(database::role(store::role(&mut *conn).await?));
    look_at_keys(&mut *conn, config, findings).await;
    look_at_audit(&mut *conn, config, findings).await?;
    look_at_work(&mut *conn, findings, &clock).await?;
    let stations = Some(look_at_town(&mut *conn, config, findings, &clock).await?);
    let daily = store::daily_bytes(&mut *conn, clock.now()).await?;
    Ok(Told { served: store::is_served(conn).await?, daily, stations })
}

async fn look_at_keys(conn: &mut PgConnection, config: &Config, findings: &mut Vec<Finding>) {
    for (ring, probed) in boot::probe(conn, config, &Ids::system()).await {
        findings.push(match probed {
            Ok(0) => Finding::warning(Said::KeysNone).with("ring", ring),
            Ok(keys) => Finding::fine(Said::KeysFine).with("ring", ring).with("n", keys),
            Err(error) => Finding::failure(Said::KeysWrong).with("ring", ring).with("error", error),
        });
    }
}

async fn look_at_audit(conn: &mut PgConnection, config: &Config, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    // Noted heads first: rows that commit meanwhile are then beyond the head, and no head beyond the rows.
    let noted = anchors::read(&anchors::path(&config.data_dir))?.pop();
    let last = audit::head(&mut *conn).await?.map_or(0, |head| head.seq);
    let tail = audit::links(conn, last - TAIL, TAIL * 2).await?;
    findings.push(database::audit(&tail, noted.as_ref()));
    Ok(())
}

async fn look_at_work(conn: &mut PgConnection, findings: &mut Vec<Finding>, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    if let Some(held) = backup::store::held(&mut *conn).await? {
        findings.push(database::held(&held.file, held.taken_at, held.proof()));
    }
    let (covered, there) = (watch::covered(&mut *conn).await?, watch::processes(&mut *conn).await?);
    findings.extend(database::roles(&covered, &there));
    let cursor = crate::risk::store::load_cursor(&mut *conn).await?;
    let oldest = crate::journal::read_after(&mut *conn, cursor.seq, 1).await?;
    let cursor_s = oldest.first().map(|row| (now - row.received_at).num_seconds());
    findings.extend(database::waiting(store::waiting(&mut *conn, now, cursor_s).await?));
    findings.push(database::backup(backup::store::age_s(conn, now).await?));
    Ok(())
}

/// Gives how many stations there are.
async fn look_at_town(
    conn: &mut PgConnection,
    config: &Config,
    findings: &mut Vec<Finding>,
    clock: &Clock,
) -> anyhow::Result<i64> {
    let now = clock.now();
    let catalogue = store::catalogue(&mut *conn, now).await?;
    let stations = catalogue.stations;
    findings.extend(town::catalogue(catalogue));
    let by_provider = !config.oidc.issuer.is_empty() && config.oidc.second_factor == OidcSecondFactor::Provider;
    let needs_factor = config.accounts.second_factor == SecondFactor::Required && !by_provider;
    findings.push(town::approvers(&store::people(&mut *conn).await?, needs_factor));
    let span = (now, now + TimeDelta::days(ROTA_DAYS));
    let rotas = crate::rota::store::list(&mut *conn, None).await?;
    let mut gaps = Vec::new();
    for rota in &rotas {
        let turns = crate::rota::store::turns(&mut *conn, rota.id, span).await?;
        let of_first = crate::rota::turns::gaps(&turns, 1, span);
        gaps.extend(of_first.into_iter().map(|(from, until)| town::Gap { rota: rota.code.clone(), from, until }));
    }
    let zone = config.municipality.time_zone;
    findings.extend(town::rota(rotas.len(), &gaps, |at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()));
    Ok(stations)
}
