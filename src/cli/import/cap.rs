//! `sentinela import cap FILE|URL…`: warnings of other institutions from files, or from where they lie.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::cli::{Session, Usage};
use crate::config::Config;
use crate::feeds::warnings::import::{self, Brought, Given, ImportError, Outcome, What};
use crate::feeds::warnings::trust::sources;
use crate::feeds::warnings::{BY_HAND, Way};
use crate::outbound::Client;

/// Rules broken and areas that are told of one message.
const SHOWN: usize = 5;

pub async fn run(config: Config, files: &[PathBuf], source: Option<&str>, dry_run: bool) -> anyhow::Result<()> {
    let source = source.unwrap_or(BY_HAND);
    let known = sources(&config);
    if !known.contains(&source) {
        bail!(Usage(format!("--source {source:?} is no feed of CAP; there are {}", known.join(", "))));
    }
    let session = Session::open(config).await?;
    let outcome = all(&session, files, source, dry_run).await;
    session.close(outcome).await
}

/// Each document by itself: one that cannot be read keeps no other out.
async fn all(session: &Session, files: &[PathBuf], source: &str, dry_run: bool) -> anyhow::Result<()> {
    let client = Client::new(&session.config.outbound);
    let mut failed = 0_usize;
    for file in files {
        let name = file.to_string_lossy();
        if let Err(error) = one(session, &client, &name, source, dry_run).await {
            eprintln!("{name}: {error:#}");
            failed += 1;
        }
    }
    if failed > 0 {
        bail!("{failed} of {} documents were not taken whole", files.len());
    }
    Ok(())
}

async fn one(session: &Session, client: &Client, from: &str, source: &str, dry_run: bool) -> anyhow::Result<()> {
    let is_address = from.starts_with("http://") || from.starts_with("https://");
    let (way, body, name) = if is_address {
        let (body, end) = import::fetch(client, from).await?;
        (Way::Url, body.to_vec(), end)
    } else {
        let body = super::load(Path::new(from))?;
        let name = Path::new(from).file_name().and_then(|name| name.to_str()).unwrap_or(from);
        (Way::File, body, name.to_owned())
    };
    // What came from a shell is kept as that.
    let way = if way == Way::File { Way::Command } else { way };
    let actor = Actor::command();
    let by = Acting { ids: &session.ids, now: session.clock.now(), actor: &actor };
    let given = Given { body: &body, way, name: &name, source };
    let mut conn = session.pool.acquire().await?;
    let outcome = import::bring(&mut conn, &session.config, by, given, dry_run).await;
    let outcome = outcome.map_err(|error| match error {
        ImportError::Document(problem) => anyhow::anyhow!("{problem}"),
        other => other.into(),
    })?;
    tell(from, &outcome);
    let refused = outcome.count(What::Refused) + outcome.problems.len();
    if refused > 0 && outcome.messages.is_empty() {
        bail!("nothing in it can be kept");
    }
    Ok(())
}

fn tell(from: &str, outcome: &Outcome) {
    for problem in &outcome.problems {
        eprintln!("{from}: {problem}; left out");
    }
    for message in &outcome.messages {
        tell_of(message);
    }
    for link in &outcome.links {
        println!("elsewhere {link}");
    }
    let [new, known, refused] = [What::New, What::Known, What::Refused].map(|what| outcome.count(what));
    let new = new + outcome.count(What::Released);
    let would = if outcome.dry_run { " (dry run: nothing was kept)" } else { "" };
    println!("{from}: {new} new, {known} known already, {refused} refused{would}");
}

fn tell_of(message: &Brought) {
    let word = match message.what {
        What::New => "new",
        What::Released => "released",
        What::Known => "known",
        What::Refused => "refused",
    };
    let quarantined = if message.quarantined { ", in quarantine" } else { "" };
    println!(
        "{word:<9} {} {} {} · {} · {} · {}{quarantined}",
        message.identifier, message.status, message.msg_type, message.event, message.severity, message.signature
    );
    if !message.why.is_empty() {
        println!("          {}", message.why);
    }
    if !message.signature_why.is_empty() {
        println!("          signature: {}", message.signature_why);
    }
    let named: Vec<String> =
        message.coverage.iter().take(SHOWN).map(|area| format!("{} {:.0} %", area.code, area.share * 100.0)).collect();
    let more = message.coverage.len().saturating_sub(SHOWN);
    match (message.for_us_by.is_empty(), named.is_empty()) {
        (true, _) => println!("          not for this town"),
        (false, true) => println!("          for this town by {}", message.for_us_by.join(", ")),
        (false, false) => {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            println!("          for this town by {}: {}{more}", message.for_us_by.join(", "), named.join(", "));
        }
    }
    for replaced in &message.replaces {
        println!("          replaces {} ({})", replaced.identifier, replaced.how);
    }
    for flaw in message.flaws.iter().take(SHOWN) {
        println!("          breaks a rule: {}: {}", flaw.path, flaw.message);
    }
    let more = message.flaws.len().saturating_sub(SHOWN);
    if more > 0 {
        println!("          and {more} more");
    }
}
