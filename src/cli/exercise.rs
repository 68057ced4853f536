//! `sentinela exercise list|report`

use uuid::Uuid;

use crate::cli::{Session, Usage, table};
use crate::config::Config;
use crate::exercises::report;
use crate::exercises::store::read::{self, Which};
use crate::ids::ExerciseId;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List exercises in the order of their planned beginnings
    List,
    /// Print the report after the action as JSON
    Report {
        /// Its id, as `list` shows it
        id: Uuid,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::List => list(&session).await,
        Action::Report { id } => report_of(&session, ExerciseId(id)).await,
    };
    session.close(outcome).await
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let rows = read::list(&mut *session.pool.acquire().await?, &Which::default()).await?;
    let zone = session.config.municipality.time_zone;
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let from = row.starts_at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
            vec![row.id.to_string(), from, row.state.to_string(), row.participants.to_string(), row.title]
        })
        .collect();
    table::print(&["ID", "STARTS", "STATE", "PARTICIPANTS", "TITLE"], &rows);
    Ok(())
}

async fn report_of(session: &Session, id: ExerciseId) -> anyhow::Result<()> {
    let found = report::of(&mut *session.pool.acquire().await?, id).await?;
    let found =
        found.ok_or_else(|| Usage(format!("there is no exercise {id}; `sentinela exercise list` shows them")))?;
    println!("{}", serde_json::to_string_pretty(&found)?);
    Ok(())
}
