//! `sentinela history policy`

use crate::audit::Actor;
use crate::cli::{Session, table};
use crate::config::Config;
use crate::history::policy::{self, Judged};

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Keep of months older than `history.raw_months` only the hours, as the service does by itself
    Policy {
        /// Only say what that would be
        #[arg(long)]
        dry_run: bool,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let Action::Policy { dry_run } = action;
    let outcome = carry_out(&session, dry_run).await;
    session.close(outcome).await
}

async fn carry_out(session: &Session, dry_run: bool) -> anyhow::Result<()> {
    let (now, rule) = (session.clock.now(), &session.config.history);
    let Some(from) = policy::keeps_from(rule, now) else {
        println!("history.raw_months is 0: all readings are kept for ever");
        return Ok(());
    };
    println!("Readings are kept from {from}; of older months {}.", if rule.hourly { "the hours" } else { "nothing" });
    let mut closed = Vec::new();
    if !dry_run {
        while let Some(month) = policy::close_one(&session.pool, &session.ids, rule, now, &Actor::command()).await? {
            closed.push(line(&month, "closed"));
        }
    }
    let left = policy::look(&mut *session.pool.acquire().await?, rule, now).await?;
    closed.extend(left.iter().map(|month| line(month, month.verdict.as_str())));
    table::print(&["MONTH", "STATE", "ROWS", "READINGS", "DOUBTS"], &closed);
    Ok(())
}

fn line(month: &Judged, state: &str) -> Vec<String> {
    let named = month.month.format("%Y-%m").to_string();
    let counts = [month.contents.rows, month.contents.readings, month.contents.flags].map(|count| count.to_string());
    [named, state.to_owned()].into_iter().chain(counts).collect()
}
