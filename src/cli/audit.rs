//! `sentinela audit verify|head|export`

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;

use crate::audit::chain::Anchor;
use crate::audit::search::{Format, Search, Writer};
use crate::audit::{Act, Actor, Entry, anchors, check, record, store, verify};
use crate::cli::{Session, Usage, said};
use crate::clock::Instant;
use crate::config::Config;

/// Events of an export read at a time.
const PAGE: i64 = 2_000;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Compute the whole chain anew and name every event that was changed, taken out, put in or moved, and the first broken place of
    /// each case, instrument, body and budget.
    /// Exits with 0 when all is in order, 1 when something is wrong, 2 for wrong use
    Verify {
        /// A head noted elsewhere, SEQ:HASH as `audit head` writes it, which the chain must contain; may be given often
        #[arg(long = "head", value_name = "SEQ:HASH")]
        heads: Vec<Anchor>,
        /// Another copy of audit-heads.log, e.g. from the machine that keeps the backups
        #[arg(long = "heads", value_name = "FILE")]
        copy: Option<PathBuf>,
    },
    /// Print the newest place of the chain and its hash, to be noted somewhere else
    Head,
    /// Write events to standard output, newest first
    Export {
        /// From this instant: 2026-02-23, 2026-02-23T22:00 (the municipality's time) or with an offset
        #[arg(long)]
        from: Option<String>,
        /// Before this instant
        #[arg(long)]
        to: Option<String>,
        /// Exactly this act, e.g. alert.issue
        #[arg(long)]
        act: Option<Act>,
        /// Exactly this user name, device or rule
        #[arg(long)]
        actor: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    // What was mistyped needs no database to be told.
    let search = match &action {
        Action::Export { from, to, act, actor, .. } => {
            let zone = config.municipality.time_zone;
            let instant = |given: &Option<String>| given.as_deref().map(|text| instant(zone, text)).transpose();
            let act = act.map(|act| act.as_str().to_owned()).unwrap_or_default();
            let actor = actor.clone().unwrap_or_default();
            Search { from: instant(from)?, to: instant(to)?, act, actor, ..Search::default() }
        }
        _ => Search::default(),
    };
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::Verify { heads, copy } => verify(&session, heads, copy).await,
        Action::Head => head(&session).await,
        Action::Export { format, .. } => export(&session, search, format).await,
    };
    session.close(outcome).await
}

async fn verify(session: &Session, mut heads: Vec<Anchor>, copy: Option<PathBuf>) -> anyhow::Result<()> {
    if let Some(copy) = copy {
        if !copy.exists() {
            bail!(Usage(format!("--heads {}: there is no such file", copy.display())));
        }
        heads.extend(anchors::read(&copy)?);
    }
    let path = anchors::path(&session.config.data_dir);
    let mut conn = session.pool.acquire().await?;
    let of = store::estimate(&mut conn).await?;
    let progress = |checked| {
        show_progress(checked, of);
        std::future::ready(Ok(()))
    };
    let outcome = verify::verify(&mut conn, &path, heads, progress).await?;
    if of > 0 {
        end_progress();
    }
    let mut tx = session.begin().await?;
    check::remember(&mut tx, &session.ids, session.clock.now(), &Actor::command(), &outcome).await?;
    tx.commit().await?;
    for finding in &outcome.findings {
        println!("{finding}");
    }
    let head = outcome.head.as_ref().map_or_else(
        || "the audit is empty".to_owned(),
        |(seq, hash)| format!("head {seq}:{}", crate::hexadecimal::hex(hash)),
    );
    println!("{} events, {} noted heads, {head}", outcome.checked, outcome.anchors);
    println!("{} cases, instruments, bodies and budgets with chains of their own", outcome.ledgers);
    if outcome.anchors == 0 {
        println!(
            "no head is noted in {}: an end that was cut off, or a chain computed anew, would not be seen",
            path.display()
        );
    }
    match outcome.found {
        0 => {
            println!("the chain is whole");
            Ok(())
        }
        found => bail!("the audit was tampered with: {found} findings"),
    }
}

async fn head(session: &Session) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    match store::head(&mut conn).await? {
        Some(head) => println!("{head}"),
        None => bail!("the audit is empty"),
    }
    Ok(())
}

async fn export(session: &Session, mut search: Search, format: Format) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    let told = Entry::new(Act::AuditExport, "audit", format.extension()).to(search.told());
    record(&mut tx, &session.ids, session.clock.now(), &Actor::command(), told).await?;
    tx.commit().await?;
    let mut conn = session.pool.acquire().await?;
    let mut writer = Writer::new(format);
    let mut out = said::out();
    loop {
        let page = store::search(&mut conn, &search, PAGE).await?;
        let Some(last) = page.last() else { break };
        search.before = Some((last.at, last.id));
        let full = page.len() as i64 == PAGE;
        out.write_all(&writer.page(&page)).context("standard output is closed")?;
        if !full {
            break;
        }
    }
    out.write_all(&writer.end()).and_then(|()| out.flush()).context("standard output is closed")?;
    eprintln!("{} events", writer.rows());
    Ok(())
}

/// A day, a local time, or a time with its offset.
fn instant(zone: Tz, text: &str) -> anyhow::Result<Instant> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let day = || text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok().or_else(day);
    match naive.map(|naive| zone.from_local_datetime(&naive)) {
        Some(LocalResult::Single(at) | LocalResult::Ambiguous(at, _)) => Ok(at.to_utc()),
        _ => bail!(Usage(format!(
            "{text:?} is no instant; expected 2026-02-23, 2026-02-23T22:00 or 2026-02-23T22:00:00-03:00"
        ))),
    }
}

/// One line that is written over, for people only.
fn show_progress(checked: u64, of: i64) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // Nobody is harmed when a terminal is gone.
        let _ = write!(stderr, "\r{checked} of {of} events");
    }
}

fn end_progress() {
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_day_a_local_time_or_one_with_its_offset() {
        let zone = chrono_tz::America::Sao_Paulo;
        for text in ["2026-02-23", "2026-02-23T00:00", "2026-02-23T03:00:00Z"] {
            assert_eq!(instant(zone, text).unwrap().to_rfc3339(), "2026-02-23T03:00:00+00:00", "{text}");
        }
        assert!(instant(zone, "yesterday").unwrap_err().is::<Usage>());
    }
}
