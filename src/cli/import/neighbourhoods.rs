//! `sentinela import neighbourhoods FILE`: the town's neighbourhoods, in the place of those that were there before.

use std::path::Path;

use anyhow::Context as _;

use crate::audit::Actor;
use crate::cli::Session;
use crate::config::Config;
use crate::neighbourhoods::store::{Report, replace};
use crate::neighbourhoods::{Contents, read_file};

pub async fn run(config: Config, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let shown = file.display().to_string();
    let Contents { neighbourhoods, without_area } =
        read_file(&super::load(file)?).with_context(|| format!("{shown}:"))?;
    for name in &without_area {
        eprintln!("{shown}: {name:?} is a point or a line in the file and has no area; left out");
    }
    if neighbourhoods.is_empty() {
        anyhow::bail!("{shown} holds no neighbourhood with an area; nothing was stored");
    }
    let session = Session::open(config).await?;
    let outcome = async {
        let mut conn = session.pool.acquire().await?;
        let actor = Actor::command();
        let by = (&session.ids, session.clock.now(), &actor);
        let Report { created, updated, unchanged, removed } = replace(&mut conn, by, &neighbourhoods, dry_run).await?;
        let would = if dry_run { " (dry run: nothing was stored)" } else { "" };
        println!(
            "{shown}: {created} created, {updated} updated, {unchanged} unchanged, {removed} removed, {} left out{would}",
            without_area.len()
        );
        anyhow::Ok(())
    };
    let outcome = outcome.await;
    session.close(outcome).await
}
