//! `sentinela take-over`

use anyhow::bail;
use serde_json::json;

use crate::audit::{self, Act, Actor, Entry};
use crate::backup::store;
use crate::cli::{Session, Usage};
use crate::config::Config;
use crate::dispatch::control;
use crate::events::{Event, notify};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// I made sure that the installation this one was copied from is stopped and does not start again
    #[arg(long)]
    original_is_stopped: bool,
    /// Why, for the audit
    #[arg(long, default_value = "")]
    reason: String,
}

/// Lets a restored installation send. Says what waits; deliveries that were under way stay paused, each for a person to decide.
pub async fn run(config: Config, arguments: Arguments) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let outcome = release(&session, &arguments).await;
    session.close(outcome).await
}

async fn release(session: &Session, arguments: &Arguments) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    let Some(held) = store::held(&mut tx).await? else {
        println!("Nothing is held: this installation was not restored, or sends already.");
        return Ok(());
    };
    println!(
        "Restored at {} from {}, the data of {}.",
        held.restored_at.to_rfc3339(),
        held.file,
        held.taken_at.to_rfc3339()
    );
    println!("Settled then: {}", held.settled);
    if held.settled == json!({}) {
        bail!("the restore was interrupted before it settled what may have left; restore again into an empty database");
    }
    if !arguments.original_is_stopped {
        bail!(Usage(
            "while both run, residents are warned twice and numbers are given twice. Stop the other one for good, then: sentinela \
             take-over --original-is-stopped --reason …"
                .to_owned()
        ));
    }
    let reason =
        control::reason(&arguments.reason).map_err(|_| Usage("--reason: expected 1 to 500 characters".to_owned()))?;
    let (now, actor) = (session.clock.now(), Actor::command());
    store::release(&mut tx, held.id, now, &actor.name, reason).await?;
    let entry = Entry::new(Act::BackupTakeOver, "restoration", held.id).because(reason);
    let entry = entry.from(json!({ "held": true })).to(json!({ "held": false }));
    audit::record(&mut tx, &session.ids, now, &actor, entry).await?;
    notify(&mut tx, &Event::Outbox).await?;
    tx.commit().await?;
    println!(
        "This installation sends from now on. Alerts whose delivery was under way are paused: resume or cancel each on its page."
    );
    Ok(())
}
