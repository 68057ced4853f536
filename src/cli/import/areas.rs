//! `sentinela import areas FILE|URL`: risk areas from a file, or from an OGC service by its address.

use std::path::Path;

use anyhow::Context as _;

use crate::accounts::tokens::desk::Acting;
use crate::areas::import::{Missing, Outcome, Wish, take};
use crate::areas::{Origin, service};
use crate::audit::Actor;
use crate::catalogue::Format;
use crate::cli::Session;
use crate::config::Config;
use crate::outbound::Client;

/// Changes and missing areas that are told one by one.
const SHOWN: usize = 50;

/// What only areas know.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Choices {
    /// areas: close open rings and make bent shapes valid where their size changes by at most 1 %
    #[arg(long)]
    pub mend: bool,
    /// areas: leave out what is wrong instead of refusing the file
    #[arg(long)]
    pub leave_out: bool,
    /// areas: take out of service what came from the same sources and is not in the file
    #[arg(long)]
    pub retire_missing: bool,
    /// areas: change areas that stand under an issued alert, an open incident or a planned version
    #[arg(long)]
    pub confirm: bool,
    /// areas: why, as the versions keep it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

impl Choices {
    pub const fn is_none(&self) -> bool {
        !self.mend && !self.leave_out && !self.retire_missing && !self.confirm && self.reason.is_empty()
    }
}

pub async fn run(config: Config, from: &str, dry_run: bool, choices: Choices) -> anyhow::Result<()> {
    let is_address = from.starts_with("http://") || from.starts_with("https://");
    let (origin, bytes) = if is_address {
        let fetched = service::fetch(&Client::new(&config.outbound), from).await?;
        println!("{from}: {} features in {} pages", fetched.features, fetched.pages);
        (Origin::Service, fetched.body)
    } else {
        (Origin::Import, super::load(Path::new(from))?)
    };
    let session = Session::open(config).await?;
    let name =
        if is_address { from } else { Path::new(from).file_name().and_then(|name| name.to_str()).unwrap_or(from) };
    let wish = Wish {
        name,
        origin,
        reason: choices.reason.trim(),
        dry_run,
        mend: choices.mend,
        leave_out: choices.leave_out,
        retire_missing: choices.retire_missing,
        confirmed: choices.confirm,
    };
    let outcome = work(&session, (from, &bytes), wish).await;
    session.close(outcome).await
}

async fn work(session: &Session, (from, bytes): (&str, &[u8]), wish: Wish<'_>) -> anyhow::Result<()> {
    let format = Format::guess(&String::from_utf8_lossy(bytes.get(..64).unwrap_or(bytes)));
    let actor = Actor::command();
    let by = Acting { ids: &session.ids, now: session.clock.now(), actor: &actor };
    let mut conn = session.pool.acquire().await?;
    let outcome = take(&mut conn, by, (format, bytes), wish).await.with_context(|| format!("{from}:"))?;
    tell(from, &outcome, wish);
    Ok(())
}

fn tell(from: &str, outcome: &Outcome, wish: Wish<'_>) {
    for error in &outcome.left_out {
        eprintln!("{from}: {error}; left out");
    }
    if wish.dry_run || outcome.changes.iter().any(|change| change.mended.is_some()) {
        for change in outcome.changes.iter().take(SHOWN) {
            let difference = &change.difference;
            println!(
                "{:<9}{} {} ({:.4} km², +{:.4} −{:.4})",
                change.change,
                change.code,
                change.name,
                difference.after_km2,
                difference.gained_km2,
                difference.lost_km2
            );
            if let Some(mended) = &change.mended {
                println!("         mended: {mended}");
            }
        }
        more(outcome.changes.len());
    }
    if !wish.retire_missing {
        for Missing { code, name } in outcome.missing.iter().take(SHOWN) {
            println!("missing  {code} {name}: of the same source and not in the file; it stays (--retire-missing)");
        }
        more(outcome.missing.len());
    }
    if outcome.without_source > 0 {
        println!("{from}: {} areas name no source; no other area counts as missing for them", outcome.without_source);
    }
    for standing in &outcome.standing {
        println!("standing {} {}: {} {}", standing.code, standing.name, standing.kind, standing.number);
    }
    let Outcome { created, updated, unchanged, returned, retired, left_out_total, .. } = outcome;
    let more: String = [("back in service", returned), ("retired", retired)]
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(word, count)| format!(", {count} {word}"))
        .collect();
    let left = if *left_out_total > 0 { format!(", {left_out_total} errors left out") } else { String::new() };
    let would = if wish.dry_run { " (dry run: nothing was stored)" } else { "" };
    println!("{from}: {created} created, {updated} updated, {unchanged} unchanged{more}{left}{would}");
}

fn more(all: usize) {
    if all > SHOWN {
        println!("         and {} more", all - SHOWN);
    }
}
