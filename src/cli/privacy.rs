//! `sentinela privacy retention`

use crate::audit::Actor;
use crate::cli::{Session, table};
use crate::config::Config;
use crate::privacy::retention::{self, Done};

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Remove or empty what is older than the days of `[privacy]`, as the service does once a day
    Retention {
        /// Only say what that would be
        #[arg(long)]
        dry_run: bool,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let Action::Retention { dry_run } = action;
    let outcome = carry_out(&session, dry_run).await;
    session.close(outcome).await
}

async fn carry_out(session: &Session, dry_run: bool) -> anyhow::Result<()> {
    let (now, privacy) = (session.clock.now(), &session.config.privacy);
    let done = if dry_run {
        retention::look(&mut *session.pool.acquire().await?, privacy, now).await?
    } else {
        retention::carry_out(&session.pool, &session.ids, privacy, now, &Actor::command()).await?
    };
    let zone = session.config.municipality.time_zone;
    let line = |done: &Done| {
        let before = done.before.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
        vec![done.rule.to_string(), done.rule.days(privacy).to_string(), before, done.rows.to_string()]
    };
    let rows: Vec<Vec<String>> = done.iter().map(line).collect();
    let last = if dry_run { "ROWS DUE" } else { "ROWS" };
    table::print(&["RULE", "DAYS", "BEFORE", last], &rows);
    Ok(())
}
