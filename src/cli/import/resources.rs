//! `sentinela import resources FILE`: people, vehicles, equipment and teams. The same file again changes nothing.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use sqlx::Acquire as _;

use crate::accounts::tokens::desk::Acting;
use crate::audit::{Act, Actor, Entry, record};
use crate::catalogue::{Format, read};
use crate::cli::Session;
use crate::config::Config;
use crate::resources::{desk, file};

pub async fn run(config: Config, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let shown = file.display().to_string();
    let bytes = super::load(file)?;
    let format = Format::guess(&String::from_utf8_lossy(bytes.get(..64).unwrap_or(&bytes)));
    let given = read(format, &bytes).and_then(|records| file::parse(&records));
    let given = given.map_err(|problems| anyhow::anyhow!("{problems}")).with_context(|| format!("{shown}:"))?;
    let session = Session::open(config).await?;
    let outcome = async {
        let mut conn = session.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let (now, actor) = (session.clock.now(), Actor::command());
        let by = Acting { ids: &session.ids, now, actor: &actor };
        let done = desk::bring(&mut tx, by, &given).await;
        let done = done.map_err(|(code, why)| anyhow::Error::new(why).context(format!("{shown}: {code}")))?;
        let desk::Brought { created, updated, unchanged, retired } = done;
        if dry_run {
            tx.rollback().await?;
        } else {
            let counts = json!({ "created": created, "updated": updated, "unchanged": unchanged });
            let entry = Entry::new(Act::ResourceSave, "import", "resources").to(counts);
            record(&mut tx, &session.ids, now, &actor, entry).await?;
            tx.commit().await?;
        }
        let would = if dry_run { " (dry run: nothing was stored)" } else { "" };
        println!("{shown}: {created} created, {updated} updated, {unchanged} unchanged{would}");
        if !retired.is_empty() {
            println!("{shown}: left as they are, because they are retired: {}", retired.join(", "));
        }
        anyhow::Ok(())
    };
    let outcome = outcome.await;
    session.close(outcome).await
}
