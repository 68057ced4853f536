//! `sentinela take-over`

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::audit::{self, Act, Actor, Entry};
use crate::backup::proof::{self, Refusal};
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
    /// What was restored could not be proved to be what was there, somebody looked at it, and this is why it takes over all the same. For
    /// the audit
    #[arg(long, value_name = "WHY")]
    despite_failed_proof: Option<String>,
}

/// Lets a restored installation send. Says what waits; deliveries that were under way stay paused, each for a person to decide.
pub async fn run(config: Config, arguments: Arguments) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let outcome = release(&session, &arguments).await;
    session.close(outcome).await
}

/// What somebody answers for, in words.
fn answered(arguments: &Arguments) -> anyhow::Result<Option<&str>> {
    let wrong = |_| Usage("--despite-failed-proof: expected 1 to 500 characters that say why".to_owned());
    Ok(arguments.despite_failed_proof.as_deref().map(control::reason).transpose().map_err(wrong)?)
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
    let despite = answered(arguments)?;
    match proof::judge(held.is_settled(), held.proof(), despite.is_some()) {
        Ok(()) => {}
        Err(refusal @ Refusal::NothingFailed) => bail!(Usage(refusal.to_string())),
        Err(refusal) => return Err(refusal).context("this installation stays held"),
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
    let entry = entry.from(json!({ "held": true, "proof": held.proof() }));
    let entry = entry.to(json!({ "held": false, "despite_failed_proof": despite }));
    audit::record(&mut tx, &session.ids, now, &actor, entry).await?;
    notify(&mut tx, &Event::Outbox).await?;
    tx.commit().await?;
    println!(
        "This installation sends from now on. Alerts whose delivery was under way are paused: resume or cancel each on its page."
    );
    Ok(())
}
